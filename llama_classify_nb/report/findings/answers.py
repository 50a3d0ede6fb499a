"""What was asked, what became of it, how confident the answers are, and which types came out."""

from __future__ import annotations

import pandas as pd

from ..facts import Facts
from ._words import Audit, Picture, Section, count, day, decimals, listed, number, percent, quoted, rate, rows, said


def outcomes(audit: Audit) -> Section:
    """What was asked, and how much of it was answered?"""
    facts, table = audit.facts, audit.tables["status_breakdown"]
    n = table.groupby("outcome", observed=False)["count"].sum()
    sentences = [f"This report is of {count(facts.n_jobs, 'job')} {_when(facts)}, {_with(facts)}."]
    if facts.n_jobs:
        finished = int(n[["matched", "no_match", "unscored"]].sum())
        words = {
            "matched": "got a type",
            "no_match": "got the answer that no rule matches",
            "unscored": "finished without a confidence",
            "failed": "failed",
            "cancelled": "were cancelled",
            "unfinished": "had not finished",
        }
        parts = [f"{number(n[one])} {text} ({percent(n[one] / facts.n_jobs)})" for one, text in words.items() if n[one]]
        sentences.append(f"{listed(parts, 6)[:1].upper()}{listed(parts, 6)[1:]}.")
        sentences.append(f"{count(finished, 'job')} came to an end with an answer.")
    if facts.problems:
        parts = [f"{number(k)} {kind}" for kind, k in facts.problems.items()]
        missed = count(sum(facts.problems.values()), "thing")
        sentences.append(f"{missed} asked for could not be had ({listed(parts)}): see problems.csv.")
    durations = audit.tables["durations"]
    if len(durations) and durations["n"].iloc[0]:
        row = durations.iloc[0]
        sentences.append(
            f"Half of the finished jobs took {row['median']:.3g} s or less, one in twenty {row['q95']:.3g} s or more."
        )
    pictures = (
        Picture("status_breakdown", "Jobs by outcome and status."),
        Picture("jobs_over_time", "Jobs by day and outcome."),
    )
    return Section("jobs", "What was asked", sentences, pictures)


def _when(facts: Facts) -> str:
    if pd.isna(facts.first):
        return "without a time of creation"
    first, last = day(facts.first), day(facts.last)
    return f"made on {first}" if first == last else f"made from {first} to {last}"


def _with(facts: Facts) -> str:
    n_presets = facts.n_configurations
    presets = f" of {count(n_presets, 'saved configuration')}" if n_presets else ""
    return f"with {count(facts.n_rule_sets, 'rule set')}{presets}"


def confidences(audit: Audit) -> Section | None:
    """How confident are the answers, and can confidences carry an audit?"""
    health = audit.tables["confidence_health"].iloc[0]
    if not health["n"]:
        return None
    sentences = [
        f"{count(int(health['n']), 'answer')} state a confidence, {decimals(audit.facts.mean_confidence)} on average "
        f"and {decimals(audit.facts.median_confidence)} in the middle.",
        f"The commonest value, {health['commonest']:g}, is on {percent(health['commonest_share'])} of them; there are "
        f"{count(int(health['n_distinct']), 'different value')}, which rank as well as "
        f"{health['effective_ranks']:.1f} equally common ones would.",
        f"Whether confidences can carry a threshold: {health['verdict']}. {_sentence(health['reasons'])}",
    ]
    pictures = (
        Picture("confidence_distribution", "Stated confidences of the answers."),
        Picture("confidence_by_type", "Stated confidences by type: quartiles, and the ends."),
    )
    return Section("confidence", "How confident the answers are", sentences, pictures)


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def types(audit: Audit) -> Section | None:
    """Which types came out?"""
    table = audit.tables["type_breakdown"]
    if not table["count"].sum():
        return None
    named = table[table["outcome"] == "matched"].sort_values("count", ascending=False, kind="stable")
    first = named.iloc[0] if len(named) else None
    sentences = []
    if first is not None and first["count"]:
        share = rate(first["share"], first["share_lower"], first["share_upper"])
        sentences.append(
            f"The commonest type is {quoted(first['type'])} with {number(first['count'])} answers, {share}."
        )
    none = table[table["outcome"] == "no_match"].iloc[0]
    share = rate(none["share"], none["share_lower"], none["share_upper"])
    sentences.append(f"No rule matched {count(int(none['count']), 'document')}, {share}.")
    never = [quoted(one) for one in named.loc[named["count"] == 0, "type"]]
    if never:
        sentences.append(f"No answer gave {listed(never)}.")
    shown = rows(
        "Answers by type.",
        named[named["count"] > 0],
        {"type": ("type", said), "count": ("answers", number), "share": ("share", percent)}
        | {"share_lower": ("lower end", percent), "share_upper": ("upper end", percent)},
    )
    pictures = (Picture("type_breakdown", "Answers by type, with 95 % intervals."),)
    return Section("types", "Which types came out", sentences, pictures, (shown,))
