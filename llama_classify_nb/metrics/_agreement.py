"""Agreement of two answers to each of many documents: kappa, McNemar's test, and what some labels say of the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special


def kappa(a: np.ndarray, b: np.ndarray, n_classes: int, level: float) -> tuple[float, float, float]:
    """Give Cohen's kappa of two codings and its interval; missing where chance alone would agree always, or n is 0.

    J. Cohen, Educational and Psychological Measurement 20 (1960) 37-46; standard error for an interval by J. L. Fleiss,
    J. Cohen, B. S. Everitt, Psychological Bulletin 72 (1969) 323-327, equation 13.
    """
    n = len(a)
    if not n:
        return (np.nan,) * 3
    p_a, p_b = (np.bincount(codes, minlength=n_classes) / n for codes in (a, b))
    seen, expected = float((a == b).mean()), float(p_a @ p_b)
    if expected >= 1 - 1e-12:
        return (np.nan,) * 3
    value = (seen - expected) / (1 - expected)
    # A sum over documents is a sum over the cells of the table, of which a class set of hundreds has too many.
    cells, count = np.unique(a.astype(np.int64) * n_classes + b, return_counts=True)
    i, j = cells // n_classes, cells % n_classes
    weight = np.where(i == j, 1 - (p_a[i] + p_b[i]) * (1 - value), (1 - value) * (p_b[i] + p_a[j]))
    variance = (count @ weight**2 / n - (value - expected * (1 - value)) ** 2) / ((1 - expected) ** 2 * n)
    half = special.ndtri((1 + level) / 2) * np.sqrt(max(variance, 0.0))
    return value, max(value - half, -1.0), min(value + half, 1.0)


def mcnemar(n_only_a: int, n_only_b: int) -> float:
    """Give the p-value of McNemar's exact test, two-sided: twice the smaller tail of a fair coin's throws.

    Q. McNemar, Psychometrika 12 (1947) 153-157. No discordant pair: 1.
    """
    n = n_only_a + n_only_b
    return float(min(1.0, 2 * special.bdtr(min(n_only_a, n_only_b), n, 0.5)))


def hypergeometric_interval(count: int, n: int, size: int, level: float) -> tuple[int, int]:
    """Give the exact interval of how many of ``size`` have a property, ``count`` of ``n`` drawn ones having it.

    Both tests are inverted with equal tails, as Clopper and Pearson do for a share; n = size leaves one number.
    """
    tail = (1 - level) / 2
    low, high = count, size - (n - count)
    # At the lower end, as many as were seen are just not too many; at the upper end, as few are just not too few.
    lower = _first(low, high, lambda whole: _at_most(n - count, n, size - whole, size) > tail)
    upper = size - _first(size - high, size - low, lambda others: _at_most(count, n, size - others, size) > tail)
    return lower, upper


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Give the least number from ``low`` to ``high`` for which a rising condition holds; ``high`` if none before."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _at_most(count: int, n: int, good: int, size: int) -> float:
    """Give the probability of at most ``count`` good ones among ``n`` drawn of ``size``, ``good`` of them good."""
    x = np.arange(max(0, n - (size - good)), count + 1)
    log = log_choose(good, x) + log_choose(size - good, n - x) - log_choose(size, np.array([n]))
    return float(np.exp(log).sum())


def log_choose(n: int, k: np.ndarray) -> np.ndarray:
    """Give the logarithm of how many ways there are to choose k of n."""
    with np.errstate(invalid="ignore"):
        found = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.where((k >= 0) & (k <= n), found, -np.inf)


def difference(
    x: np.ndarray, chance: np.ndarray | None, size: int, n: int, level: float
) -> tuple[float, float, float, str]:
    """Give the difference in accuracy of two sides over ``n`` documents, its interval, and how it was found.

    Parameters
    ----------
    x : array of int
        Of each labelled one of the ``size`` documents that matter: 1 where only b is right, -1 where only a is, else 0.
    chance : array of float or None
        With which probability each was drawn; None: all with the same. Both ends of the interval are then exact: each
        count has its own, of the hypergeometric distribution, and misses half as often as the difference may.
    size, n : int
        Documents whose label matters, and documents compared: those between add nothing to the difference.
    level : float
        Confidence level.
    """
    m = len(x)
    if not n or (not m and size):
        return np.nan, np.nan, np.nan, "none"
    plus, minus = int((x == 1).sum()), int((x == -1).sum())
    if m == size:
        return *((plus - minus) / n,) * 3, "exact"
    each = (1 + level) / 2  # each of the two counts may miss half as often as their difference
    if chance is None:
        ends: list[tuple[float, float]] = [hypergeometric_interval(one, m, size, each) for one in (minus, plus)]
        middle, method = size * (plus - minus) / m, "sample"
    else:
        weight = 1 / chance
        shares = [float(weight[x == sign].sum() / weight.sum()) for sign in (-1, 1)]
        effective = float(weight.sum() ** 2 / (weight**2).sum())
        ends = [_weighted_interval(share, effective, size, each) for share in shares]
        middle, method = size * (shares[1] - shares[0]), "weighted"
    return middle / n, (ends[1][0] - ends[0][1]) / n, (ends[1][1] - ends[0][0]) / n, method


def _weighted_interval(share: float, effective: float, size: int, level: float) -> tuple[float, float]:
    """Give the interval of how many of ``size`` have a property, by a weighted share of so many effective labels.

    That of Clopper and Pearson at the effective numbers: E. L. Korn, B. I. Graubard, Survey Methodology 24 (1998)
    193-201. It leaves out that few are left to draw, so it is rather too wide.
    """
    tail, count = (1 - level) / 2, share * effective
    lower = special.betaincinv(count, effective - count + 1, tail) if share > 0 else 0.0
    upper = special.betaincinv(count + 1, effective - count, 1 - tail) if share < 1 - 1e-12 else 1.0
    return size * float(lower), size * float(upper)


def still_needed(n_only_a: int, n_only_b: int, n_labelled: int, n_left: int, level: float) -> float:
    """Give how many more labels McNemar's exact test needs, if they fall as those so far; missing if all won't do."""
    if not n_labelled:
        return np.nan
    more = np.arange(n_left + 1)
    factor = 1 + more / n_labelled
    less, n = min(n_only_a, n_only_b) * factor, (n_only_a + n_only_b) * factor
    # The lower tail of the fair coin, also between whole numbers.
    tail = special.betainc(np.maximum(n - less, 1e-9), less + 1, 0.5)
    enough = (2 * tail <= 1 - level) & (n > 0)
    return float(more[enough][0]) if enough.any() else np.nan
