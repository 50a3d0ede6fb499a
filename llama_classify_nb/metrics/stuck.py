"""Which jobs are stuck: unfinished for longer than any of their kind took."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..columns import joined_tables
from ..exceptions import ArgumentError
from ..moments import read_moment
from . import _arguments, _counts
from ._counted import counted
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
    finished, unfinished = _partial(jobs, read_moment("as_of", as_of))
    number, n, longest = _numbered(finished, unfinished)
    own = n[number] >= FEWEST
    table = unfinished.copy()
    table["basis"] = pd.Categorical(np.where(own, "kind", "all jobs"), ["kind", "all jobs"])
    table["n"] = np.where(own, n[number], n.sum()).astype(np.int64)
    table["longest_s"] = np.where(own, longest[number], longest.max(initial=-np.inf))
    table["beyond_s"] = table["age_s"] - table["longest_s"]
    # Without a finished job, nothing is the longest.
    stuck = (table["beyond_s"] > 0) & (table["n"] > 0)
    order: dict[str, Any] = {"by": ["beyond_s", "job_id"], "ascending": [False, True], "ignore_index": True}
    found: pd.DataFrame = table[stuck].sort_values(**order)
    return found


def _merge(parts: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make one pair of tables of several, and leave out the unfinished jobs that can't be stuck any more."""
    finished = _counts.merge([one for one, _ in parts], {"longest": np.maximum})
    unfinished = joined_tables([one for _, one in parts])
    number, _, longest = _numbered(finished, unfinished)
    # Whatever a job will be compared with, it is no shorter than the longest of its kind so far.
    return finished, unfinished[unfinished["age_s"].to_numpy() > longest[number]].reset_index(drop=True)


@counted(_merge)
def _partial(jobs: pd.DataFrame, moment: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the finished jobs of each kind, with the longest duration; and give the unfinished ones, with their age."""
    _arguments.need_columns(jobs, "job_id", "status", "outcome", "created_at", "duration_s")
    kind = [column for column in KIND if column in jobs.columns]
    known = _arguments.has_outcome(jobs, _FINISHED) & jobs["duration_s"].notna().to_numpy()
    longest = {"longest": (np.maximum, _in_order(_seconds(jobs["duration_s"])[known]))}
    finished = _counts.tally(jobs.loc[known, kind], measures=longest)
    unfinished = jobs.loc[_arguments.has_outcome(jobs, ("unfinished",)), ["job_id", "status", *kind, "created_at"]]
    created = pd.to_datetime(unfinished["created_at"], utc=True)
    ages = unfinished.assign(age_s=(moment - created).dt.total_seconds().astype("float64"))
    return finished, ages[ages["age_s"].notna()].reset_index(drop=True)


def _seconds(durations: pd.Series) -> np.ndarray:
    try:
        return np.asarray(durations.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as error:
        raise ArgumentError("jobs: the column 'duration_s' must hold numbers, in seconds") from error


def _in_order(seconds: np.ndarray) -> np.ndarray:
    """Give whole numbers in the order of numbers with a point: all measures are whole."""
    bits = (seconds + 0.0).view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def _in_seconds(ordered: np.ndarray) -> np.ndarray:
    return np.where(ordered < 0, np.iinfo(np.int64).min - ordered, ordered).view(np.float64)


def _numbered(finished: pd.DataFrame, unfinished: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the number of each unfinished job's kind, and of each kind how many finished, and the longest duration."""
    kind = [column for column in KIND if column in finished.columns]
    both = joined_tables([finished[kind], unfinished[kind]])
    number = np.zeros(len(both), np.int64)
    for column in kind:
        code, size, _ = _counts.encode(both[column])
        number = np.unique(number * (size + 1) + np.where(code < 0, size, code), return_inverse=True)[1]
    n_kinds, own = int(number.max(initial=-1)) + 1, number[: len(finished)]
    n, longest = np.zeros(n_kinds, np.int64), np.full(n_kinds, -np.inf)
    n[own], longest[own] = finished["count"].to_numpy(), _in_seconds(finished["longest"].to_numpy())
    return number[len(finished) :], n, longest
