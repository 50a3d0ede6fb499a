"""Durations as counts in fixed bins: small, whatever the number of jobs, and the same in any split.

A bin holds the durations that begin with the same eight binary digits after the first: it is at most 1/256 of them
wide, from a microsecond to the longest. Of each bin its least and its greatest duration are kept, so that whatever is
alone in its bin, or the only value of it, is exact. Sums are of whole microseconds, and so are exact in any order.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from . import _counts

#: Binary digits of a duration by which it is put into a bin; no quantile is off by more than 1 / 2**DIGITS of it.
DIGITS = 8
BINS = ("bin", "least_us", "most_us", "sum_high", "sum_low")
_MANTISSA = 52  # binary digits of a double after the first
_LOW = 32  # of a sum is kept by itself: neither half overflows, however many there are
_MOST_US = 2.0**62
_MEASURES: dict[str, Any] = {"least_us": np.minimum, "most_us": np.maximum, "sum_high": np.add, "sum_low": np.add}

merge = functools.partial(_counts.merge, measures=_MEASURES)


def tally(keys: pd.DataFrame, seconds: np.ndarray) -> pd.DataFrame:
    """Count durations by their keys and bin; the bin of a missing one is missing."""
    known = ~np.isnan(seconds)
    # What is beyond is no duration, but a slip; so it keeps its place at the end.
    exact = np.clip(np.where(known, seconds, 0.0) * 1e6, -_MOST_US, _MOST_US)
    us = np.rint(exact).astype(np.int64)
    size = np.abs(us).astype(np.float64).view(np.int64) >> (_MANTISSA - DIGITS)
    number = np.where(known, np.sign(us) * size, np.nan)
    measures = {
        "least_us": np.where(known, us, _counts.NEVER),
        "most_us": np.where(known, us, -_counts.NEVER),
        "sum_high": us >> _LOW,
        "sum_low": us & ((1 << _LOW) - 1),
    }
    how = {name: (_MEASURES[name], values) for name, values in measures.items()}
    return _counts.tally(keys.assign(bin=number), measures=how)


def summarise(
    cells: pd.DataFrame, number: np.ndarray, n_groups: int, quantiles: dict[str, float]
) -> dict[str, np.ndarray]:
    """Summarise the durations of each group, in seconds.

    Parameters
    ----------
    cells : DataFrame
        Of `tally`, merged, without those of missing durations.
    number : array of int
        The group of each cell, ascending.
    n_groups : int
        Number of groups; one without cells has n = 0 and is missing in the rest.
    quantiles : dict
        Name and probability of each, by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996).
        Within a bin, these are taken to be evenly spread from its least to its greatest.

    Returns
    -------
    dict
        ``n`` (int64), ``mean`` (float64) and the quantiles.
    """
    count, least, most = (cells[name].to_numpy() for name in ("count", "least_us", "most_us"))
    n = np.bincount(number, count, minlength=n_groups).astype(np.int64)
    high, low = np.zeros(n_groups, np.int64), np.zeros(n_groups, np.int64)
    np.add.at(high, number, cells["sum_high"].to_numpy())
    np.add.at(low, number, cells["sum_low"].to_numpy())
    sums = zip(high.tolist(), low.tolist(), n.tolist(), strict=True)
    # Python's whole numbers have no end, and their quotient is rounded once.
    mean = [((above << _LOW) + below) / (size * 1_000_000) if size else np.nan for above, below, size in sums]
    result = {"n": n, "mean": np.array(mean, np.float64)}
    last = np.cumsum(count)  # of each cell: the number of durations up to its last one
    first = np.cumsum(n) - n
    for name, probability in quantiles.items():
        place = (n - 1) * probability
        below = np.floor(place).astype(np.int64)
        ends = [_observation(count, least, most, last, first + np.minimum(one, n - 1)) for one in (below, below + 1)]
        result[name] = np.where(n > 0, (ends[0] + (place - below) * (ends[1] - ends[0])) / 1e6, np.nan)
    return result


def _observation(
    count: np.ndarray, least: np.ndarray, most: np.ndarray, last: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """Give the duration at each place, counted from 0 over all groups; any value for an empty group."""
    if not len(count):
        return np.full(len(place), np.nan)
    row = np.minimum(np.searchsorted(last, place, side="right"), len(count) - 1)
    within = (place - (last - count)[row]) / np.maximum(count[row] - 1, 1)
    return np.asarray(least[row] + within * (most[row] - least[row]))
