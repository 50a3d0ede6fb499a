"""What the metrics ask of their arguments, checked in one place and said in one voice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from ._counted import Parts


def need_columns(jobs: pd.DataFrame, *columns: str) -> None:
    """Raise ArgumentError unless ``jobs`` is a DataFrame that holds these columns."""
    if isinstance(jobs, Parts):
        raise ArgumentError(
            "jobs are in many parts, and this compares them with each other, or reads their texts, which no count over "
            "parts tells; take those that fit here: sample(n) or select(...) of the scan gives a JobSet"
        )
    if not isinstance(jobs, pd.DataFrame):
        raise ArgumentError(
            f"jobs must be a DataFrame, not {type(jobs).__name__}; of a JobSet, as fetch_jobs and read_jobs return it, "
            "pass its .jobs"
        )
    missing = [column for column in columns if column not in jobs.columns]
    if missing:
        raise ArgumentError(f"jobs lacks the column {missing[0]!r}; pass the table jobs, or a part of its rows")


def need_by(jobs: pd.DataFrame, by: str | None, own: tuple[str, ...]) -> None:
    """Raise ArgumentError unless ``by`` is None or a column of ``jobs`` that the result doesn't have already."""
    if by is None:
        return
    if not isinstance(by, str):
        raise ArgumentError(f"by must be the name of one column of jobs, not {type(by).__name__}")
    if by not in jobs.columns:
        raise ArgumentError(
            f"by is {by!r}, which is not a column of jobs; its columns are: {', '.join(map(str, jobs))}"
        )
    if by in own:
        raise ArgumentError(f"by is {by!r}, which the table has a column for already; choose another column")


def need_level(level: object) -> None:
    """Raise ArgumentError unless ``level`` is a confidence level."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ArgumentError(f"level is {level!r}; it must be a number between 0 and 1, such as 0.95")


def creation_times(jobs: pd.DataFrame) -> np.ndarray:
    """Give ``created_at`` as UTC times of NumPy, NaT where it is missing."""
    created = jobs["created_at"]
    if not isinstance(created.dtype, pd.DatetimeTZDtype):
        raise ArgumentError(
            f"jobs: the column 'created_at' is {created.dtype}; it must be times in UTC: pd.to_datetime(..., utc=True)"
        )
    return np.asarray(created.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())


def outcome_codes(jobs: pd.DataFrame) -> np.ndarray:
    """Give each job's outcome as its place in ``schema.OUTCOMES``; an outcome beyond them is an ArgumentError."""
    outcome = jobs["outcome"]
    coded = outcome.cat if isinstance(outcome.dtype, pd.CategoricalDtype) else outcome.astype("category").cat
    place = {name: number for number, name in enumerate(schema.OUTCOMES)}
    places = np.array([place.get(name, -1) for name in coded.categories] + [-1], np.int64)
    codes = places[coded.codes.to_numpy()]
    if len(codes) and codes.min() < 0:
        odd = outcome.iloc[int(np.argmin(codes))]
        raise ArgumentError(f"jobs: outcome is {odd!r} in a row; it must be one of {', '.join(schema.OUTCOMES)}")
    return codes


def has_outcome(jobs: pd.DataFrame, outcomes: tuple[str, ...]) -> np.ndarray:
    """Tell for each job whether its outcome is one of these."""
    wanted = np.array([name in outcomes for name in schema.OUTCOMES])
    return np.asarray(wanted[outcome_codes(jobs)], dtype=bool)


def answered_confidence(jobs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Tell which jobs are answered, and give the confidences of those; all must lie in [0, 1]."""
    answered = has_outcome(jobs, schema.ANSWERED_OUTCOMES)
    try:
        confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)[answered]
    except (TypeError, ValueError) as error:
        raise ArgumentError("jobs: the column 'confidence' must hold numbers from 0 to 1") from error
    odd = ~((confidence >= 0) & (confidence <= 1))
    if odd.any():
        raise ArgumentError(
            f"jobs: confidence is {confidence[odd][0]} in one of {odd.sum():,} answered jobs where it isn't a number "
            "from 0 to 1; leave those rows out, or set their outcome to 'unscored'"
        )
    # -0.0 is 0.0: one value, one row.
    return answered, confidence + 0.0
