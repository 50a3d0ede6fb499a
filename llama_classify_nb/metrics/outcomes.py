"""What became of the jobs: how many finished, failed, or are still open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from . import _arguments, _counts
from ._counted import counted
from .intervals import wilson

_OUTCOMES = pd.CategoricalDtype(list(schema.OUTCOMES))
_OWN = ("outcome", "status", "count", "n", "share", "share_lower", "share_upper")


def status_breakdown(jobs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """How many jobs finished, failed, or are open?

    Counts the jobs of each outcome, by the status that the API stated.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome`` and ``status``.
    by : str, optional
        A column of jobs: the same rows for each of its values, missing last.

    Returns
    -------
    DataFrame
        For each group, a row for every pair of outcome and status that occurs in these jobs, and one for each outcome
        that doesn't; in the order of the outcomes (matched, no_match, unscored, failed, cancelled, unfinished).

        * the column ``by``, if given: its dtype;
        * ``outcome`` (category): what became of the job;
        * ``status`` (category): status in the API's words; missing where no job has the outcome;
        * ``count`` (int64, jobs): jobs with this outcome and status;
        * ``n`` (int64, jobs): all jobs of the group;
        * ``share`` (float64, 0 to 1): count / n; missing where n is 0;
        * ``share_lower``, ``share_upper`` (float64): Wilson's interval of the share (1927), level 95 %.

        No jobs: a row for each outcome with count 0 and a missing share (with ``by``, no rows). One job: its row has
        count 1, the five other outcomes 0.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "no_match", "failed", "unfinished"],
    ...     "status": ["COMPLETED", "COMPLETED", "FAILED", "RUNNING"],
    ... })
    >>> status_breakdown(jobs)[["outcome", "status", "count", "share"]]
          outcome     status  count  share
    0     matched  COMPLETED      1   0.25
    1    no_match  COMPLETED      1   0.25
    2    unscored        NaN      0   0.00
    3      failed     FAILED      1   0.25
    4   cancelled        NaN      0   0.00
    5  unfinished    RUNNING      1   0.25
    """
    return _finish(_partial(jobs, by), by)


@counted()
def _partial(jobs: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Count jobs by group, outcome and status."""
    _arguments.need_columns(jobs, "outcome", "status")
    _arguments.need_by(jobs, by, _OWN)
    outcome = pd.Series(_counts.categorical(_arguments.outcome_codes(jobs), _OUTCOMES), index=jobs.index)
    keys = {} if by is None else {by: jobs[by]}
    return _counts.tally(pd.DataFrame({**keys, "outcome": outcome, "status": jobs["status"].astype("category")}))


def _finish(cells: pd.DataFrame, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    outcome = cells["outcome"].cat.codes.to_numpy().astype(np.int64)
    status = cells["status"].cat.codes.to_numpy().astype(np.int64)
    n_status = len(cells["status"].cat.categories) + 1
    pair = outcome * n_status + np.where(status < 0, n_status - 1, status)
    unseen = np.setdiff1d(np.arange(len(schema.OUTCOMES)), outcome) * n_status + n_status - 1
    rows, place = np.unique(np.append(pair, unseen), return_inverse=True)
    count = _counts.cross_counts(number, len(groups), place[: len(pair)], len(rows), cells["count"])
    n = np.repeat(count.reshape(len(groups), len(rows)).sum(axis=1), len(rows))
    codes = np.tile(rows % n_status, len(groups))
    table = _counts.crossed(groups, len(rows))
    table["outcome"] = _counts.categorical(np.tile(rows // n_status, len(groups)), _OUTCOMES)
    table["status"] = _counts.categorical(np.where(codes == n_status - 1, -1, codes), cells["status"].dtype)
    table["count"] = count
    table["n"] = n
    table["share"] = _counts.share(count, n)
    table["share_lower"], table["share_upper"] = wilson(count, n)
    return table
