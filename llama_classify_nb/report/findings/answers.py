"""What was asked, what became of it, how confident the answers are, and which types came out."""

from __future__ import annotations

import pandas as pd

from ..facts import Facts
from ._words import Audit, Picture, Section, count, day, decimals, listed, number, percent, quoted, rate, rows, said


def outcomes(audit: Audit) -> Section:
    """What was asked, and how much of it was answered?"""
    facts, table = audit.facts, audit.tables["status_breakdown"]
    n = table.groupby("outcome", observed=False)["count"].sum()
    sentences = [f"This report is of {count(facts.n_jobs, 'job')} {_when(facts)}, {_with(facts)}{_naming(audit)}."]
    if facts.n_jobs:
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


def _naming(audit: Audit) -> str:
    n = int(audit.tables["rule_usage"]["type"].nunique())
    return f", which name {count(n, 'type')}" if n else ""


def confidences(audit: Audit) -> Section | None:
    """How confident are the answers, and can confidences carry an audit?"""
    health = audit.tables["confidence_health"].iloc[0]
    if not audit.facts.n_answered:
        return None
    sentences = [
        f"{count(audit.facts.n_answered, 'answer states', 'answers state')} a confidence: "
        f"{decimals(audit.facts.mean_confidence)} on average, and half of them "
        f"{decimals(audit.facts.median_confidence)} or more."
    ]
    if health["n"]:
        sentences += [
            f"Of the {number(health['n'])} with a type, {percent(health['commonest_share'])} state "
            f"{health['commonest']:g}, the commonest value. There are "
            f"{count(int(health['n_distinct']), 'different value')}; they put answers in order as finely as "
            f"{health['effective_ranks']:.1f} equally common ones would.",
            f"Don't rely on a threshold of confidence: {health['reasons']}."
            if health["verdict"] == "flagged"
            else "Confidences differ enough for a threshold to be looked for.",
        ]
    pictures = (
        Picture("confidence_distribution", "Stated confidences of the answers."),
        Picture("confidence_by_type", "Stated confidences by type: quartiles, and the ends."),
    )
    return Section("confidence", "How confident the answers are", sentences, pictures)


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
        "type_breakdown",
        "Answers by type.",
        named[named["count"] > 0],
        {"type": ("type", said), "count": ("answers", number), "share": ("share", percent)}
        | {"share_lower": ("lower end", percent), "share_upper": ("upper end", percent)},
    )
    pictures = (Picture("type_breakdown", "Answers by type, with 95 % intervals."),)
    return Section("types", "Which types came out", sentences, pictures, (shown,))
