"""When the jobs were made, and how long they took."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _counts, _duration_bins
from ._counted import counted

#: The periods that time is cut into; each begins at 00:00 UTC of its first day, or on the hour.
FREQUENCIES = {"h": "hour", "D": "day", "W": "week, from Monday", "M": "month"}

# An empty stretch longer than this isn't a quiet time but a wrong date: filling it would make millions of rows.
_LONGEST_GAP = 1000
_FINISHED = tuple(outcome for outcome in schema.OUTCOMES if outcome != "unfinished")
_QUANTILES = {"min": 0.0, "median": 0.5, "q90": 0.9, "q95": 0.95, "max": 1.0}


def jobs_over_time(jobs: pd.DataFrame, *, freq: str = "D", by: str | None = "outcome") -> pd.DataFrame:
    """When were the jobs made?

    Counts the jobs made in each period.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``created_at`` and ``by``.
    freq : {"h", "D", "W", "M"}
        Length of a period: hour, day, week (from Monday) or month, in UTC.
    by : str or None
        A column of jobs: a row for each of its values that occurs, missing last. None: one row for each period.

    Returns
    -------
    DataFrame
        A row for each period, from the first to the last, and each group; ``count`` adds up to the number of jobs.
        Empty periods between are there with count 0, unless more than 1,000 are empty in a row (a job with a wrong
        date: such a stretch is left out).

        * ``period`` (datetime64[us, UTC]): start of the period; missing in the last rows, which count the jobs
          without a ``created_at`` and are there only if some are;
        * the column ``by``, if given: its dtype;
        * ``count`` (int64, jobs): jobs of the group made in the period.

        No jobs: no rows. One job: one row, with count 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "matched"],
    ...     "created_at": pd.to_datetime(["2026-02-02 07:00", "2026-02-02 08:00", "2026-02-04 07:00"], utc=True),
    ... })
    >>> jobs_over_time(jobs)
                         period  outcome  count
    0 2026-02-02 00:00:00+00:00  matched      2
    1 2026-02-03 00:00:00+00:00  matched      0
    2 2026-02-04 00:00:00+00:00  matched      1
    """
    need_frequency(freq)
    return _finish_over_time(_partial_over_time(jobs, freq, by), freq, by)


def need_frequency(freq: object) -> None:
    """Raise ArgumentError unless ``freq`` names a length of period."""
    if not isinstance(freq, str) or freq not in FREQUENCIES:
        known = ", ".join(f"{name!r} ({meaning})" for name, meaning in FREQUENCIES.items())
        raise ArgumentError(f"freq is {freq!r}; it must be one of {known}")


@counted()
def _partial_over_time(jobs: pd.DataFrame, freq: str, by: str | None) -> pd.DataFrame:
    """Count jobs by the number of their period (missing: no time) and group."""
    _arguments.need_columns(jobs, "created_at")
    _arguments.need_by(jobs, by, ("period", "count"))
    times = _arguments.creation_times(jobs)
    period = pd.array(period_number(times, freq), "Int64")
    period[np.isnat(times)] = pd.NA
    keys = {} if by is None else {by: jobs[by].array}
    return _counts.tally(pd.DataFrame({"period": period, **keys}))


def period_number(times: np.ndarray, freq: str) -> np.ndarray:
    """Give the number of each time's period; the one that holds 1970-01-01, a Thursday, is 0."""
    if freq == "W":
        return np.asarray((times.astype("datetime64[D]").astype(np.int64) + 3) // 7)
    return times.astype(f"datetime64[{freq}]").astype(np.int64)


def period_start(number: np.ndarray, freq: str) -> np.ndarray:
    """Give the start of each period, from its number."""
    if freq == "W":
        return (number * 7 - 3).astype("datetime64[D]").astype("datetime64[us]")
    return number.astype(f"datetime64[{freq}]").astype("datetime64[us]")


def _finish_over_time(cells: pd.DataFrame, freq: str, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    undated = cells["period"].isna().to_numpy()
    period = cells["period"].to_numpy(dtype=np.int64, na_value=0)
    periods = _filled(np.unique(period[~undated]))
    n_rows = len(periods) + int(undated.any())
    row = np.where(undated, len(periods), np.searchsorted(periods, period))
    count = _counts.cross_counts(row, n_rows, number, len(groups), cells["count"])
    starts = np.append(period_start(periods, freq), np.repeat(np.datetime64("NaT", "us"), undated.any()))
    table = pd.DataFrame({"period": pd.Series(np.repeat(starts, len(groups))).dt.tz_localize("UTC")})
    for name in groups:
        table[name] = groups[name].take(np.tile(np.arange(len(groups)), n_rows)).array
    table["count"] = count
    return table


def _filled(periods: np.ndarray) -> np.ndarray:
    """Put in the numbers that are missing between, but for the longest gaps."""
    ends = np.flatnonzero(np.diff(periods) > _LONGEST_GAP + 1)
    stretches = np.split(periods, ends + 1)
    return np.concatenate([np.arange(part[0], part[-1] + 1) if len(part) else part for part in stretches])


def durations(jobs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """How long did finished jobs take?

    From their creation to their last change. Only finished jobs count: every outcome but unfinished. Times are the
    API's own; where it states a last change before the creation, the duration is below 0 and counts as it stands.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome`` and ``duration_s``.
    by : str, optional
        A column of jobs: a row for each of its values that a finished job has, missing last.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``n`` (int64, jobs): finished jobs with a duration;
        * ``n_missing`` (int64, jobs): finished jobs without one, as a time is missing; not in the rest;
        * ``mean`` (float64, seconds): arithmetic mean;
        * ``min``, ``median``, ``q90``, ``q95``, ``max`` (float64, seconds): quantiles, by linear interpolation (type 7
          of Hyndman & Fan 1996, the default of NumPy), within 0.4 % of it: see Notes.

        No finished jobs: one row with n = 0 and the rest missing (with ``by``, no rows). One: its duration throughout.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    Durations are whole microseconds, as the API states times, and are counted in bins at most 1/256 of them wide, so
    that any number of jobs, in any number of files, is summarised alike. ``n``, ``mean``, ``min`` and ``max`` are
    exact, and so is a quantile in a bin of one or two durations, or of equal ones; in any other it is off by less than
    the width of the bin, 0.4 % of the duration.

    Examples
    --------
    >>> jobs = pd.DataFrame({"outcome": ["matched", "matched", "failed"], "duration_s": [1.0, 3.0, None]})
    >>> durations(jobs)
       n  n_missing  mean  min  median  q90  q95  max
    0  2          1   2.0  1.0     2.0  2.8  2.9  3.0
    """
    return _finish_durations(_partial_durations(jobs, by), by)


@counted(_duration_bins.merge)
def _partial_durations(jobs: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Count finished jobs by group and bin of their duration."""
    _arguments.need_columns(jobs, "outcome", "duration_s")
    _arguments.need_by(jobs, by, ("n", "n_missing", "mean", *_QUANTILES, *_duration_bins.BINS))
    finished = _arguments.has_outcome(jobs, _FINISHED)
    keys = {} if by is None else {by: jobs[by][finished].array}
    try:
        duration = jobs["duration_s"].to_numpy(dtype=np.float64, na_value=np.nan)[finished]
    except (TypeError, ValueError) as error:
        raise ArgumentError("jobs: the column 'duration_s' must hold numbers, in seconds") from error
    return _duration_bins.tally(pd.DataFrame(keys, index=pd.RangeIndex(len(duration))), duration)


def _finish_durations(cells: pd.DataFrame, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    known = cells["bin"].notna().to_numpy()
    count = cells["count"].to_numpy()
    summary = _duration_bins.summarise(cells[known], number[known], len(groups), _QUANTILES)
    table = groups.copy()
    table["n"] = summary["n"]
    table["n_missing"] = np.bincount(number[~known], count[~known], minlength=len(groups)).astype(np.int64)
    for name in ("mean", *_QUANTILES):
        table[name] = summary[name]
    return table


def weeks(jobs: pd.DataFrame) -> pd.Series:
    """Give the start of the week in which each job was created: Monday, 00:00 UTC."""
    _arguments.need_columns(jobs, "created_at")
    days = _arguments.creation_times(jobs).astype("datetime64[D]")
    monday = days - (days.astype(np.int64) + 3) % 7
    return pd.Series(monday.astype("datetime64[us]")).dt.tz_localize("UTC")
