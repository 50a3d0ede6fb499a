"""Which types the answers give, and how often no rule matches."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from . import _arguments, _counts
from ._counted import counted
from .intervals import wilson

_OWN = ("type", "outcome", "count", "n", "share", "share_lower", "share_upper")


def type_breakdown(jobs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Which types do the answers give?

    Counts the answers of each type, and those where no rule matched. Only answered jobs count: those whose outcome is
    matched or no_match.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome`` and ``type``.
    by : str, optional
        A column of jobs: the same rows for each of its values, missing last.

    Returns
    -------
    DataFrame
        For each group, a row for every type of the categories of ``jobs["type"]`` (so that a type that no answer
        gave shows with count 0), in their order, then one for no match.

        * the column ``by``, if given: its dtype;
        * ``type`` (category): the type; missing: no rule matched;
        * ``outcome`` (category): matched, or no_match in the row of no match;
        * ``count`` (int64, jobs): answered jobs with this type;
        * ``n`` (int64, jobs): answered jobs of the group;
        * ``share`` (float64, 0 to 1): count / n; missing where n is 0;
        * ``share_lower``, ``share_upper`` (float64): Wilson's interval of the share (1927), level 95 %.

        Jobs without an answer, or no jobs at all: every count is 0, every share missing (with ``by``, no rows without
        jobs). One job: one row has count 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed"],
    ...     "type": pd.Categorical(["invoice", "invoice", None, None], ["invoice", "letter"]),
    ... })
    >>> type_breakdown(jobs).round(2)
          type   outcome  count  n  share  share_lower  share_upper
    0  invoice   matched      2  3   0.67         0.21         0.94
    1   letter   matched      0  3   0.00         0.00         0.56
    2      NaN  no_match      1  3   0.33         0.06         0.79
    """
    return _finish(_partial(jobs, by), by)


@counted()
def _partial(jobs: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Count jobs by group, whether they are answered, and type."""
    _arguments.need_columns(jobs, "outcome", "type")
    _arguments.need_by(jobs, by, _OWN)
    answered = _arguments.has_outcome(jobs, schema.ANSWERED_OUTCOMES)
    keys = {} if by is None else {by: jobs[by]}
    return _counts.tally(pd.DataFrame({**keys, "answered": answered, "type": jobs["type"].astype("category")}))


def _finish(cells: pd.DataFrame, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    dtype = cells["type"].dtype
    n_types = len(cells["type"].cat.categories)
    code = cells["type"].cat.codes.to_numpy().astype(np.int64)
    row = np.where(code < 0, n_types, code)
    counted = np.where(cells["answered"].to_numpy(dtype=bool), cells["count"], 0)
    count = _counts.cross_counts(number, len(groups), row, n_types + 1, counted)
    n = np.repeat(count.reshape(len(groups), n_types + 1).sum(axis=1), n_types + 1)
    codes = np.tile(np.append(np.arange(n_types), -1), len(groups))
    table = _counts.crossed(groups, n_types + 1)
    table["type"] = _counts.categorical(codes, dtype)
    table["outcome"] = pd.Categorical(np.where(codes < 0, "no_match", "matched"), list(schema.OUTCOMES))
    table["count"] = count
    table["n"] = n
    table["share"] = _counts.share(count, n)
    table["share_lower"], table["share_upper"] = wilson(count, n)
    return table
