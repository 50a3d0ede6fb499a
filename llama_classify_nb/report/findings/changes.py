"""What changes: over time, and when the same document is asked again."""

from __future__ import annotations

import pandas as pd

from ._words import Audit, Picture, Section, count, day, number, rate

_NAMES = {"type_drift": "mix of types", "confidence_drift": "level of the confidences"}


def changes(audit: Audit) -> Section | None:
    """Do the answers change?"""
    sentences = [*_reruns(audit.table("rerun_stability")), *_drift(audit), *_costs(audit.tables["costs"])]
    if not sentences:
        return None
    pictures = (
        Picture("type_drift", "Share of each type by day; the change point is marked."),
        Picture("confidence_drift", "Confidence by day, with intervals that hold at once."),
    )
    return Section("changes", "What changes", sentences, pictures)


def _reruns(table: pd.DataFrame) -> list[str]:
    if not len(table) or not table["n"].iloc[0]:
        return []
    found = table.iloc[0]
    share = rate(found["agreement"], found["agreement_lower"], found["agreement_upper"])
    told = [
        f"{count(int(found['n']), 'document')} were asked again under the same rules; {share} got the same type every "
        f"time, {number(found['n_unstable'])} did not."
    ]
    if found["n_labelled"] and not pd.isna(found["p_value"]):
        told.append(
            f"{number(found['n_labelled'])} of these have a label, {number(found['n_labelled_unstable'])} of them with "
            f"changed answers. The first answer was wrong for {_error(found, 'unstable')} of those that changed, and "
            f"for {_error(found, 'stable')} of the others. {_beyond(found['p_value'])}"
        )
    return told


def _error(found: pd.Series, which: str) -> str:
    return rate(*(found[f"error_{which}{end}"] for end in ("", "_lower", "_upper")))


def _beyond(p_value: float) -> str:
    if p_value < 0.05:
        return f"A changed answer is a warning beyond its confidence (p = {p_value:.2g})."
    return f"That is no more than their confidences lead to expect (p = {p_value:.2g})."


def drifted(audit: Audit) -> list[str]:
    """Give a sentence for what changed over time, if something did."""
    what = [name for table, name in _NAMES.items() if audit.tables[table]["is_change_point"].any()]
    return [f"The {' and the '.join(what)} changed over time: see “What changes”."] if what else []


def _drift(audit: Audit) -> list[str]:
    told = []
    for name, what in _NAMES.items():
        table = audit.tables[name]
        found = table[table["is_change_point"]] if len(table) else table
        if len(found):
            row = found.iloc[0]
            told.append(
                f"The {what} changed: the days before {day(row['period'])} differ from those after more than chance "
                f"allows (p = {row['p_value_split']:.2g}, corrected for every comparison)."
            )
        elif len(table) > 1:
            told.append(f"The {what} shows no change over time beyond chance.")
    if audit.facts.n_configurations > 1 and drifted(audit):
        told.append(
            f"These jobs are of {audit.facts.n_configurations:,} configurations: if some days have more of one than "
            "others, that alone is such a change. A report on one of them tells."
        )
    return told


def _costs(table: pd.DataFrame) -> list[str]:
    n = int(table["n"].sum())
    if not n:
        return []
    total = f"{table['total'].sum():,.6g}"
    return [f"{count(n, 'job')} told what they cost: {total} credits in all, and by type in costs.csv."]
