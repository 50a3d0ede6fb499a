"""Why jobs failed, and what to do about it."""

from __future__ import annotations

from ._words import Audit, Picture, Section, count, day, number, percent, rows, said


def failures(audit: Audit) -> Section | None:
    """Why did jobs fail?"""
    table = audit.tables["failure_reasons"]
    if not len(table):
        return None
    n = int(table["count"].sum())
    sentences = [f"{count(n, 'job')} failed, for {count(len(table), 'reason')} by what their messages say."]
    shown = rows(
        "Reasons of failures.",
        table,
        {"reason": ("reason", said), "count": ("jobs", number), "share": ("share", percent)}
        | {"first_seen": ("first", day), "last_seen": ("last", day)},
    )
    pictures = (Picture("failure_reasons", "Reasons of failures."),)
    return Section("failures", "Why jobs failed", sentences, pictures, (shown,))
