"""Two-by-two tables at like confidence: does a mark find errors that the confidence doesn't?"""

from __future__ import annotations

import numpy as np

from ._agreement import log_choose

_NOTHING = 1e-18  # probabilities below this change no digit that is shown


def equal_groups(value: np.ndarray, n_groups: int) -> np.ndarray:
    """Number groups of about equal size by value, from 0; equal values are never split, so there may be fewer."""
    distinct, place, count = np.unique(value, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2) / max(len(value), 1)
    of_distinct = np.minimum((middle * n_groups).astype(np.int64), n_groups - 1)
    return np.unique(of_distinct, return_inverse=True)[1][place] if len(distinct) else np.empty(0, np.int64)


def odds_ratio(stratum: np.ndarray, marked: np.ndarray, wrong: np.ndarray) -> float:
    """Give the common odds ratio of being wrong, marked against not (Mantel & Haenszel 1959); missing if 0 of 0."""
    cell = [np.bincount(stratum, m & w) for m, w in _fourfold(marked, wrong)]
    n = np.maximum(np.bincount(stratum), 1)
    up, down = float((cell[0] * cell[3] / n).sum()), float((cell[1] * cell[2] / n).sum())
    return up / down if down else np.inf if up else np.nan


def _fourfold(marked: np.ndarray, wrong: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(marked, wrong), (marked, ~wrong), (~marked, wrong), (~marked, ~wrong)]


def exact_p_value(stratum: np.ndarray, marked: np.ndarray, wrong: np.ndarray) -> float:
    """Give the chance of at least so many wrong ones among the marked, were the marks shuffled within each stratum.

    The exact conditional form of the test of Cochran (1954) and Mantel & Haenszel (1959), one-sided: the distribution
    of the sum over the strata is that of independent hypergeometric numbers. Missing where no stratum could tell.
    """
    first, total = 0, np.ones(1)
    seen, could_tell = 0, False
    for one in range(int(stratum.max(initial=-1)) + 1):
        mine = stratum == one
        n, n_marked, n_wrong = (int(part.sum()) for part in (mine, mine & marked, mine & wrong))
        low = max(0, n_marked + n_wrong - n)
        x = np.arange(low, min(n_marked, n_wrong) + 1)
        could_tell |= len(x) > 1
        log = log_choose(n_wrong, x) + log_choose(n - n_wrong, n_marked - x) - log_choose(n, np.array([n_marked]))
        chance = np.exp(log)
        some = np.flatnonzero(chance > _NOTHING)
        total = np.convolve(total, chance[some[0] : some[-1] + 1])
        first += low + int(some[0])
        seen += int((mine & marked & wrong).sum())
    return float(min(1.0, total[max(seen - first, 0) :].sum())) if could_tell else np.nan
