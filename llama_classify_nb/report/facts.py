"""What a page tells of the jobs themselves, besides its tables: read here, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..columns import joined_tables
from ..metrics import _counts
from ..metrics._counted import counted
from ..metrics._summary import summarise
from ..metrics._texts import some_rows
from .contents import Given

_WORST = 10
_ANSWERED = ("matched", "no_match")


class Facts(NamedTuple):
    """A few numbers, and the documents to look at first."""

    n_jobs: int
    n_answered: int
    first: Any  # time of creation; missing: no job has one
    last: Any
    n_configurations: int
    n_rule_sets: int
    mean_confidence: float
    median_confidence: float
    worst: pd.DataFrame  # rows of the table jobs: the answers of the least confidence
    problems: dict[str, int]  # things that could not be had, by kind
    is_scan: bool  # whether the jobs are in many parts, of which counts are all that is known
    has_labels: bool
    has_plan: bool
    has_probabilities: bool  # whether labels say how likely they were to be drawn


def facts(given: Given) -> Facts:
    """Read the facts of the tables that a report is given."""
    made, confidences, worst = _partial(given.jobs)
    value, count = confidences["confidence"].to_numpy(), confidences["count"].to_numpy()
    summary = summarise(np.zeros(len(value), np.int64), 1, value, count, {"median": 0.5})
    kinds = given.problems["kind"].value_counts() if given.scan is None else given.scan.census.n_problems
    return Facts(
        n_jobs=len(given.jobs),
        n_answered=int(summary["n"][0]),
        first=_time(made["first"].min(), _counts.NEVER),
        last=_time(made["last"].max(), -_counts.NEVER),
        n_configurations=int(made["configuration_id"].notna().sum()),
        n_rule_sets=int(given.rules["rule_set"].nunique()),
        mean_confidence=float(summary["mean"][0]),
        median_confidence=float(summary["median"][0]),
        worst=worst,
        problems={str(kind): int(n) for kind, n in sorted(kinds.items()) if n},
        is_scan=given.scan is not None,
        has_labels=given.labels is not None,
        has_plan=given.plan is not None,
        has_probabilities=given.labels is not None and "inclusion_probability" in given.labels.columns,
    )


def _time(us: Any, never: int) -> Any:
    """Give the time of so many microseconds; missing where there is none."""
    return pd.NaT if pd.isna(us) or us == never else pd.Timestamp(np.datetime64(int(us), "us"), tz="UTC")


_MEASURES: dict[str, Any] = {"first": np.minimum, "last": np.maximum}
_Partial = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def _merge(parts: Sequence[_Partial]) -> _Partial:
    made, confidences, worst = zip(*parts, strict=True)
    rows = joined_tables(worst)
    return (
        _counts.merge(made, _MEASURES),
        _counts.merge_confidences(confidences),
        rows.iloc[_least(rows, np.arange(len(rows)))],
    )


@counted(_merge)
def _partial(jobs: pd.DataFrame) -> _Partial:
    """Count jobs by configuration, with the first and last creation; answers by confidence; and give the worst rows."""
    us = jobs["created_at"].dt.tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
    first = np.where(us == np.iinfo(np.int64).min, _counts.NEVER, us)  # NaT is the least integer
    measures = {"first": (np.minimum, first), "last": (np.maximum, us)}
    made = _counts.tally(jobs[["configuration_id"]].astype("category"), measures=measures)
    answered = np.flatnonzero(jobs["outcome"].isin(_ANSWERED))
    confidences = _counts.tally(jobs[["confidence"]].iloc[answered])
    # Only the rows to show are taken whole: a second table of a million jobs would not fit everywhere.
    return made, confidences, some_rows(jobs, answered[_least(jobs[["confidence", "job_id"]], answered)])


def _least(jobs: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Give the places in ``rows`` of the least confident answers, those of equal confidence by their ids."""
    least = jobs["confidence"].iloc[rows].reset_index(drop=True).nsmallest(_WORST, keep="all").index.to_numpy()
    some = some_rows(jobs, rows[least]).set_axis(least)
    return np.asarray(some.sort_values(["confidence", "job_id"], kind="stable").index[:_WORST])
