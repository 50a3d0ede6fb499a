"""Which jobs are stuck: unfinished for longer than any of their kind took."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError
from ..moments import read_moment
from . import _arguments, _counts
from .over_time import _FINISHED

#: What makes a kind of jobs: those of the columns that the table has.
KIND = ("rule_set", "configuration_id", "document_input_type")
#: A kind with fewer finished jobs says little of the longest: all jobs are asked instead.
FEWEST = 20


def stuck_jobs(jobs: pd.DataFrame, *, as_of: str | dt.datetime) -> pd.DataFrame:
    """Which unfinished jobs are older than any job of their kind ever got?

    Jobs are of one kind that have the same ``rule_set``, ``configuration_id`` and ``document_input_type`` (those that
    ``jobs`` has). An unfinished job is stuck if at ``as_of`` it was older than the longest duration among the
    finished jobs of its kind; where fewer than 20 of its kind finished, among all finished jobs. Without any finished
    job nothing can be said, and no job is called stuck; nor is one without a time of creation.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``status``, ``outcome``, ``created_at``,
        ``duration_s`` and the columns of the kind.
    as_of : str or datetime
        The moment to judge by: when the jobs were fetched. A time without a zone is read as UTC. This function reads no
        clock.

    Returns
    -------
    DataFrame
        A row for each stuck job, the one furthest beyond first, then in the order of ``job_id``.

        * ``job_id`` (text): the job;
        * ``status`` (its dtype): its status;
        * ``rule_set``, ``configuration_id``, ``document_input_type`` (their dtypes): its kind;
        * ``created_at`` (its dtype): its creation;
        * ``age_s`` (float64, seconds): from its creation to ``as_of``;
        * ``basis`` (category): whom it is compared with: its kind, or all jobs;
        * ``n`` (int64, jobs): finished jobs with a duration among those;
        * ``longest_s`` (float64, seconds): the longest duration of those;
        * ``beyond_s`` (float64, seconds): age_s - longest_s, above 0.

        No stuck job, or no jobs: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "status": ["COMPLETED", "RUNNING", "RUNNING"],
    ...     "outcome": ["matched", "unfinished", "unfinished"],
    ...     "created_at": pd.to_datetime(["2026-02-02 10:00", "2026-02-02 10:01", "2026-02-02 11:59"], utc=True),
    ...     "duration_s": [90.0, None, None],
    ... })
    >>> stuck_jobs(jobs, as_of="2026-02-02 12:00")[["job_id", "age_s", "basis", "n", "longest_s", "beyond_s"]]
      job_id   age_s     basis  n  longest_s  beyond_s
    0      b  7140.0  all jobs  1       90.0    7050.0
    """
    _arguments.need_columns(jobs, "job_id", "status", "outcome", "created_at", "duration_s")
    moment = read_moment("as_of", as_of)
    kind = [column for column in KIND if column in jobs.columns]
    number = _kind_numbers(jobs, kind)
    known = _arguments.has_outcome(jobs, _FINISHED) & jobs["duration_s"].notna().to_numpy()
    longest, n = _longest(number[known], _seconds(jobs["duration_s"])[known], int(number.max(initial=-1)) + 1)
    table = jobs[["job_id", "status", *kind, "created_at"]].reset_index(drop=True)
    created = pd.to_datetime(jobs["created_at"], utc=True).reset_index(drop=True)
    table["age_s"] = (moment - created).dt.total_seconds().astype("float64")
    own = n[number] >= FEWEST
    table["basis"] = pd.Categorical(np.where(own, "kind", "all jobs"), ["kind", "all jobs"])
    table["n"] = np.where(own, n[number], known.sum()).astype(np.int64)
    table["longest_s"] = np.where(own, longest[number], longest.max(initial=-np.inf))
    table["beyond_s"] = table["age_s"] - table["longest_s"]
    # An age that is missing is beyond nothing; without a finished job, nothing is the longest.
    stuck = _arguments.has_outcome(jobs, ("unfinished",)) & (table["beyond_s"] > 0) & (table["n"] > 0)
    return table[stuck].sort_values(["beyond_s", "job_id"], ascending=[False, True], ignore_index=True)


def _seconds(durations: pd.Series) -> np.ndarray:
    try:
        return np.asarray(durations.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as error:
        raise ArgumentError("jobs: the column 'duration_s' must hold numbers, in seconds") from error


def _kind_numbers(jobs: pd.DataFrame, kind: list[str]) -> np.ndarray:
    """Give the number of each job's kind; a missing value is one of its own."""
    number = np.zeros(len(jobs), np.int64)
    for column in kind:
        code, n, _ = _counts.encode(jobs[column])
        number = np.unique(number * (n + 1) + np.where(code < 0, n, code), return_inverse=True)[1]
    return number


def _longest(number: np.ndarray, seconds: np.ndarray, n_kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the longest duration of each kind, and how many it has."""
    longest = np.full(n_kinds, -np.inf)
    np.maximum.at(longest, number, seconds)
    return longest, np.bincount(number, minlength=n_kinds)
