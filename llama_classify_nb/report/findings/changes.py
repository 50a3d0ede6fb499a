"""What changes: over time, and when the same document is asked again."""

from __future__ import annotations

import pandas as pd

from ._words import Audit, Picture, Section, count, day, number, percent, rate

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
        f"{count(int(found['n']), 'document')} were asked again under the same rules; {share} got the same type both "
        f"times, {number(found['n_changed'])} another one."
    ]
    if found["n_labelled"] and not pd.isna(found["p_value"]):
        told.append(
            f"Of {count(int(found['n_labelled']), 'label')} for these, answers that changed were wrong "
            f"{percent(found['error_unstable'])} of the time, the others {percent(found['error_stable'])} (at like "
            f"confidence: p = {found['p_value']:.2g})."
        )
    return told


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
    return told


def _costs(table: pd.DataFrame) -> list[str]:
    n = int(table["n"].sum())
    if not n:
        return []
    total = f"{table['total'].sum():,.6g}"
    return [f"{count(n, 'job')} told what they cost: {total} credits in all, and by type in costs.csv."]
