"""Intervals for a share: how far the true rate may lie from the one that was seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy import special

from ..exceptions import ArgumentError

_MANY = 1_000  # intervals


def wilson(count: Any, n: Any, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Between which ends does a share lie, by Wilson's score interval?

    The interval of ``count`` of ``n``. Its coverage is near the level on average, also for small n and rates near 0 or
    1, and it never leaves [0, 1].

    Parameters
    ----------
    count, n : array_like of int
        How many, out of how many; they broadcast against each other.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    lower, upper : array of float
        Ends of the interval. Where n is 0 nothing is known, and both are NaN. 0 of n has the lower end 0, n of n the
        upper end 1, exactly.

    Raises
    ------
    ArgumentError
        If ``level`` isn't between 0 and 1, or a count isn't from 0 to n.

    Notes
    -----
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212,
    without a correction for continuity.

    Examples
    --------
    >>> lower, upper = wilson([0, 9], [10, 10])
    >>> lower.round(3), upper.round(3)
    (array([0.   , 0.596]), array([0.278, 0.982]))
    """
    x, total = _checked(count, n, level)
    z = special.ndtri((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = x / total
        centre = rate + z**2 / (2 * total)
        half = z * np.sqrt(rate * (1 - rate) / total + z**2 / (4 * total**2))
        lower, upper = ((centre + sign * half) / (1 + z**2 / total) for sign in (-1, 1))
    return _ends(lower, upper, x, total)


def clopper_pearson(count: Any, n: Any, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Between which ends does a share lie, by the exact interval of Clopper and Pearson?

    The interval of ``count`` of ``n``. It holds the true rate at least as often as the level says, for every rate and
    n, so it is wider than Wilson's.

    Parameters
    ----------
    count, n : array_like of int
        How many, out of how many; they broadcast against each other.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    lower, upper : array of float
        Ends of the interval. Where n is 0 nothing is known, and both are NaN. 0 of n has the lower end 0, n of n the
        upper end 1, exactly.

    Raises
    ------
    ArgumentError
        If ``level`` isn't between 0 and 1, or a count isn't from 0 to n.

    Notes
    -----
    C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934) 404-413; as quantiles of the beta distribution.

    Examples
    --------
    >>> lower, upper = clopper_pearson([0, 9], [10, 10])
    >>> lower.round(3), upper.round(3)
    (array([0.   , 0.555]), array([0.308, 0.997]))
    """
    x, total = _checked(count, n, level)
    tail = (1 - level) / 2
    # At the two ends the beta distribution is not defined; _ends puts the exact values there.
    quantiles = (np.where(x > 0, x, 1), total - x + 1, tail), (x + 1, np.where(x < total, total - x, 1), 1 - tail)
    if x.size < _MANY:
        lower, upper = (special.betaincinv(*one) for one in quantiles)
    else:  # which take so long that another thread is begun for one of the two
        with ThreadPoolExecutor(2) as pool:
            lower, upper = pool.map(lambda one: special.betaincinv(*one), quantiles)
    return _ends(lower, upper, x, total)


def _checked(count: Any, n: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ArgumentError(f"level is {level!r}; it must be a number between 0 and 1, such as 0.95")
    try:
        x, total = np.broadcast_arrays(np.asarray(count, dtype=np.float64), np.asarray(n, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"count and n must be numbers, or arrays of one shape: {error}") from error
    if not np.all((x >= 0) & (x <= total) & np.isfinite(total)):
        raise ArgumentError("count must be at least 0 and at most n, and n finite, in every place")
    return x, total


def _ends(lower: np.ndarray, upper: np.ndarray, x: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lower = np.where(x == 0, 0.0, lower)
    upper = np.where(x == total, 1.0, upper)
    return np.where(total == 0, np.nan, lower), np.where(total == 0, np.nan, upper)
