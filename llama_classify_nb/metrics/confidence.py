"""How confident the answers are, and how that differs from type to type."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _counts
from ._counted import counted
from ._summary import summarise

_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}
_OWN = ("lower", "upper", "count", "share")
_MOST_BINS = 1000


def confidence_distribution(jobs: pd.DataFrame, *, by: str | None = None, bins: int = 20) -> pd.DataFrame:
    """How confident are the answers?

    Counts the answers by stated confidence, in bins of equal width. Only answered jobs count: those whose outcome is
    matched or no_match. A bin holds lower <= confidence < upper, and the last one holds 1.0 too. Its ends are k / bins,
    rounded once, so a stated 0.95 is in the bin that begins at 0.95, and equal values are never split between bins.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome`` and ``confidence``.
    by : str, optional
        A column of jobs, such as ``"type"``: the bins for each of its values that an answered job has, missing last.
    bins : int
        Number of bins over [0, 1], from 1 to 1000.

    Returns
    -------
    DataFrame
        For each group, a row for every bin, empty ones too, in order.

        * the column ``by``, if given: its dtype;
        * ``lower``, ``upper`` (float64, 0 to 1): ends of the bin;
        * ``count`` (int64, jobs): answered jobs in the bin;
        * ``share`` (float64, 0 to 1): count / answered jobs of the group; missing where there are none.

        No answered jobs: every count is 0, every share missing (with ``by``, no rows). One: its bin has count 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"outcome": ["matched"] * 4, "confidence": [0.0, 0.5, 0.95, 1.0]})
    >>> confidence_distribution(jobs, bins=2)
       lower  upper  count  share
    0    0.0    0.5      1   0.25
    1    0.5    1.0      3   0.75
    """
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or not 1 <= bins <= _MOST_BINS:
        raise ArgumentError(f"bins is {bins!r}; it must be a whole number from 1 to {_MOST_BINS}")
    return _finish_distribution(_partial_distribution(jobs, by, int(bins)), by, int(bins))


@counted()
def _partial_distribution(jobs: pd.DataFrame, by: str | None, bins: int) -> pd.DataFrame:
    """Count answered jobs by group and number of the bin."""
    _arguments.need_columns(jobs, "outcome", "confidence")
    _arguments.need_by(jobs, by, _OWN)
    answered, confidence = _arguments.answered_confidence(jobs)
    # k / bins is the double nearest to the true edge, as 0.95 is to its decimals: comparing beats multiplying, since
    # 0.29 * 100 is less than 29.
    edges = np.arange(1, bins) / bins
    keys = {} if by is None else {by: jobs[by][answered].array}
    return _counts.tally(pd.DataFrame({**keys, "bin": np.searchsorted(edges, confidence, side="right")}))


def _finish_distribution(cells: pd.DataFrame, by: str | None, bins: int) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    count = _counts.cross_counts(number, len(groups), cells["bin"].to_numpy(), bins, cells["count"])
    n = np.repeat(count.reshape(len(groups), bins).sum(axis=1), bins)
    edges = np.arange(bins + 1) / bins
    table = _counts.crossed(groups, bins)
    table["lower"] = np.tile(edges[:-1], len(groups))
    table["upper"] = np.tile(edges[1:], len(groups))
    table["count"] = count
    table["share"] = _counts.share(count, n)
    return table


def confidence_by_type(jobs: pd.DataFrame) -> pd.DataFrame:
    """How surely is each type answered?

    Summarises the stated confidence of each type's answers, and of those where no rule matched. Only answered jobs
    count: those whose outcome is matched or no_match.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type`` and ``confidence``.

    Returns
    -------
    DataFrame
        A row for every type of the categories of ``jobs["type"]``, in their order, then one for no match.

        * ``type`` (category): the type; missing: no rule matched;
        * ``outcome`` (category): matched, or no_match in the row of no match;
        * ``n`` (int64, jobs): answered jobs with this type;
        * ``mean`` (float64, 0 to 1): arithmetic mean of their confidence;
        * ``sd`` (float64): standard deviation, dividing by n - 1; missing where n is less than 2;
        * ``min``, ``q25``, ``median``, ``q75``, ``max`` (float64, 0 to 1): quantiles, by linear interpolation (type 7
          of Hyndman & Fan 1996, the default of NumPy);
        * ``commonest`` (float64, 0 to 1): the value that occurs most often; of several, the greatest;
        * ``commonest_share`` (float64, 0 to 1): share of the n jobs that have it. Near 1, the confidence says little.

        Where more than 20,000 different confidences are stated, they are counted to four decimals.

        No answered jobs of a type: n is 0 and the rest is missing. One: its confidence, and a missing ``sd``.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "matched", "no_match"],
    ...     "type": pd.Categorical(["invoice", "invoice", "invoice", None], ["invoice", "letter"]),
    ...     "confidence": [0.5, 1.0, 1.0, 0.25],
    ... })
    >>> confidence_by_type(jobs)[["type", "n", "mean", "min", "median", "max", "commonest_share"]].round(2)
          type  n  mean   min  median   max  commonest_share
    0  invoice  3  0.83  0.50    1.00  1.00             0.67
    1   letter  0   NaN   NaN     NaN   NaN              NaN
    2      NaN  1  0.25  0.25    0.25  0.25             1.00
    """
    return _finish_by_type(_partial_by_type(jobs))


@counted(_counts.merge_confidences)
def _partial_by_type(jobs: pd.DataFrame) -> pd.DataFrame:
    """Count answered jobs by type and confidence: the distinct values are kept, so quantiles stay exact."""
    _arguments.need_columns(jobs, "outcome", "type", "confidence")
    answered, confidence = _arguments.answered_confidence(jobs)
    types = jobs["type"].astype("category")[answered].array
    return _counts.tally_confidences(pd.DataFrame({"type": types, "confidence": confidence}))


def _finish_by_type(cells: pd.DataFrame) -> pd.DataFrame:
    n_types = len(cells["type"].cat.categories)
    code = cells["type"].cat.codes.to_numpy().astype(np.int64)
    number = np.where(code < 0, n_types, code)
    value, count = cells["confidence"].to_numpy(), cells["count"].to_numpy()
    summary = summarise(number, n_types + 1, value, count, _QUANTILES)
    codes = np.append(np.arange(n_types), -1)
    table = pd.DataFrame(
        {
            "type": _counts.categorical(codes, cells["type"].dtype),
            "outcome": pd.Categorical(np.where(codes < 0, "no_match", "matched"), list(schema.OUTCOMES)),
            **{name: summary[name] for name in ("n", "mean", "sd", *_QUANTILES)},
        }
    )
    # Sorted so, the last row of a type is its commonest value: assignment by index keeps the last.
    order = np.lexsort((value, count, number))
    commonest, times = np.full(n_types + 1, np.nan), np.zeros(n_types + 1)
    commonest[number[order]], times[number[order]] = value[order], count[order]
    table["commonest"] = commonest
    table["commonest_share"] = _counts.share(times, summary["n"])
    return table
