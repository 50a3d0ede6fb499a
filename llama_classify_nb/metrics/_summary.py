"""Mean, spread and quantiles of values that stand with their counts, group by group and exact."""

from __future__ import annotations

import numpy as np


def summarise(
    number: np.ndarray, n_groups: int, value: np.ndarray, count: np.ndarray, quantiles: dict[str, float]
) -> dict[str, np.ndarray]:
    """Summarise the values of each group.

    Parameters
    ----------
    number : array of int
        The group of each value. Values must be sorted by group, then by value.
    n_groups : int
        The number of groups; one without values has n = 0 and is missing in the rest.
    value : array of float
        The distinct values of each group.
    count : array of int
        How often each occurs.
    quantiles : dict
        Name and probability of each quantile; 0 and 1 give the least and the greatest value. Linear interpolation
        between order statistics: type 7 of Hyndman & Fan 1996, the default of NumPy and pandas.

    Returns
    -------
    dict
        ``n`` (int64), ``mean`` and ``sd`` (float64; sd divides by n - 1, missing for n = 1), and the quantiles.
    """
    n = np.bincount(number, count, minlength=n_groups).astype(np.int64)
    some = np.where(n > 0, n, 1)
    mean = np.bincount(number, value * count, minlength=n_groups) / some
    squares = np.bincount(number, count * (value - mean[number]) ** 2, minlength=n_groups)
    result = {"n": n, "mean": np.where(n > 0, mean, np.nan)}
    result["sd"] = np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)
    last = np.cumsum(count)  # of each value: the number of observations up to its last one
    first = np.cumsum(n) - n  # of each group: the number of observations before it
    for name, probability in quantiles.items():
        place = (n - 1) * probability
        low = np.floor(place).astype(np.int64)
        below = _observation(value, last, first + low)
        above = _observation(value, last, first + np.minimum(low + 1, n - 1))
        result[name] = np.where(n > 0, below + (place - low) * (above - below), np.nan)
    return result


def _observation(value: np.ndarray, last: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Give the observation at each place, counted from 0 over all groups; any value for an empty group."""
    if not len(value):
        return np.full(len(place), np.nan)
    row = np.searchsorted(last, place, side="right")
    return np.asarray(value[np.minimum(row, len(value) - 1)])
