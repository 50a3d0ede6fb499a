"""The page's first lines: what somebody should know who reads no further."""

from __future__ import annotations

from ._words import Audit, Section, count, percent, quoted, rate
from .changes import drifted
from .labels import accuracy, threshold

_ENDED = ("matched", "no_match", "unscored")


def short(audit: Audit) -> Section | None:
    """What was found, in short?"""
    if not audit.facts.n_jobs:
        return None
    sentences = [_answered(audit), *_right(audit), *_failed(audit), *_overlapping(audit), *drifted(audit)]
    return Section("short", "In short", sentences)


def _answered(audit: Audit) -> str:
    table, n = audit.tables["status_breakdown"], audit.facts.n_jobs
    ended = int(table.loc[table["outcome"].isin(_ENDED), "count"].sum())
    return f"{count(ended, 'job')} of {n:,} ended with an answer ({percent(ended / n)})."


def _right(audit: Audit) -> list[str]:
    if not audit.facts.has_labels:
        return ["How many of the answers are right is not known: no labels were given."]
    return [*accuracy(audit)[-1:], *threshold(audit)]


def _failed(audit: Audit) -> list[str]:
    causes, table = audit.tables["failure_causes"], audit.tables["status_breakdown"]
    if not len(causes):
        return []
    n, first = int(causes["count"].sum()), causes.iloc[0]
    rows = table[(table["outcome"] == "failed") & (table["count"] > 0)]
    share = percent(n / audit.facts.n_jobs)
    if len(rows) == 1:
        share = rate(*rows[["share", "share_lower", "share_upper"]].iloc[0])
    return [
        f"{count(n, 'job')} failed, {share}, most often with {quoted(first['template'])}. What to do: "
        f"{first['next_step'][:1].lower()}{first['next_step'][1:]}"
    ]


def _overlapping(audit: Audit) -> list[str]:
    table = audit.table("rule_overlap")
    if not len(table):
        return []
    first = table.iloc[0]
    return [
        f"Of the rules, {quoted(first['type_a'])} and {quoted(first['type_b'])} get most in each other's way: sharpen "
        f"the description of {quoted(first['sharpen'])}."
    ]
