"""Why jobs failed, what to do about it, where they fail more, and which never finish."""

from __future__ import annotations

import pandas as pd

from ._words import Audit, Picture, Rows, Section, count, number, percent, quoted, rate, rows, said


def failures(audit: Audit) -> Section | None:
    """Why did jobs fail?"""
    causes, stuck = audit.tables["failure_causes"], audit.tables["stuck_jobs"]
    if not len(causes) and not len(stuck):
        return None
    sentences = []
    if len(causes):
        n = int(causes["count"].sum())
        first = causes.iloc[0]
        sentences = [
            f"{count(n, 'job')} failed. Their messages make {count(len(causes), 'template')}; the commonest, "
            f"{quoted(first['template'])}, stands behind {number(first['count'])} of them ({percent(first['share'])}).",
            *_causes(causes, n),
            *_rates(audit.tables["failure_rates"]),
        ]
    if len(stuck):
        sentences.append(
            f"{count(len(stuck), 'job')} had not finished for longer than any job of its kind ever took: see "
            "stuck_jobs.csv."
        )
    pictures = (
        Picture("failure_causes", "Failed jobs by what lies behind the message."),
        Picture("failure_rates", "Share of finished jobs that failed, by configuration."),
    )
    return Section("failures", "Why jobs failed", sentences, pictures, _shown(causes))


def _shown(causes: pd.DataFrame) -> tuple[Rows, ...]:
    if not len(causes):
        return ()
    columns = {"template": ("message", said), "count": ("jobs", number), "share": ("share", percent)}
    columns |= {"cause": ("cause", said), "retryable": ("a retry may help", _yes), "next_step": ("what to do", said)}
    return (rows("failure_causes", "Templates of the failures' messages, and what to do.", causes, columns),)


def _causes(causes: pd.DataFrame, n: int) -> list[str]:
    retryable = causes.loc[causes["retryable"].fillna(False).astype(bool), "count"].sum()
    unknown = causes.loc[causes["cause"] == "unknown", "count"].sum()
    told = f"A retry may help {number(retryable)} of them"
    if unknown:
        told += f"; of {number(unknown)} the message does not tell the cause"
    return [f"{told}. The others need another document or another setting." if retryable < n else f"{told}."]


def _rates(rates: pd.DataFrame) -> list[str]:
    some = rates[rates["n"] > 0]
    if len(some) < 2:
        return []
    most = some.iloc[int(some["share"].argmax())]
    if most["share_lower"] <= some["share"].min():
        return []
    name = said(most["configuration_id"], "no saved configuration")
    share = rate(most["share"], most["share_lower"], most["share_upper"])
    return [f"Jobs of {name} fail most: {share} of those that finished."]


def _yes(value: object) -> str:
    return "unknown" if pd.isna(value) else "yes" if value else "no"  # type: ignore[call-overload]
