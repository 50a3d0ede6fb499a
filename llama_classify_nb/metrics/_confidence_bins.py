"""Labelled answers in bins of their confidence: how many there are, how many are right, and what they state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..exceptions import ArgumentError

#: How bins are cut: all alike wide, all with as many jobs, or one for each confidence that occurs.
BINS = ("equal_width", "equal_mass", "atoms")
CLOSED = ("right", "left")
_ONE_BY_ONE = 8  # values: fewer than these NumPy adds up one after another


class Bins(NamedTuple):
    """The bins that hold a job, from low to high."""

    lower: np.ndarray
    upper: np.ndarray
    n: np.ndarray  # int64
    n_right: np.ndarray  # int64
    confidence: np.ndarray  # the mean of each


def check(kind: Any, bins: Any, closed: Any) -> None:
    """Raise ArgumentError unless these say how to cut."""
    if kind not in BINS:
        raise ArgumentError(f"kind is {kind!r}; it must be one of {', '.join(BINS)}")
    if closed not in CLOSED:
        raise ArgumentError(f"closed is {closed!r}; it must be one of {', '.join(CLOSED)}")
    if isinstance(bins, int) and not isinstance(bins, bool) and bins >= 1:
        return
    if kind != "equal_width":
        raise ArgumentError(f"bins is {bins!r}; it must be a whole number, 1 or more")
    try:
        edges = np.asarray(bins, dtype=np.float64)
        good = edges.ndim == 1 and edges[0] <= 0 and edges[-1] >= 1 and bool((np.diff(edges) > 0).all())
    except (TypeError, ValueError, IndexError):
        good = False
    if not good:
        raise ArgumentError(f"bins is {bins!r}; it must be a whole number, 1 or more, or edges that rise from 0 to 1")


def binned(confidence: np.ndarray, right: np.ndarray, kind: str, bins: Any, closed: str, with_zero: bool) -> Bins:
    """Put answers into bins, as ``calibration_curve`` describes them."""
    if not len(confidence):
        nothing = np.empty(0)
        return Bins(nothing, nothing, nothing.astype(np.int64), nothing.astype(np.int64), nothing)
    if kind == "atoms":
        lower, place = np.unique(confidence, return_inverse=True)
        upper = lower
    else:
        edges, place = _cut(confidence, kind, bins, closed, with_zero)
        lower, upper = edges[:-1], edges[1:]
    order = np.argsort(place, kind="stable")
    inside = order[np.searchsorted(place[order], 0) :]
    n, n_right = (np.bincount(place[use], minlength=len(lower)) for use in (inside, inside[right[inside]]))
    some = n > 0
    return Bins(lower[some], upper[some], n[some], n_right[some], _means(confidence[inside], n[some]))


def _cut(confidence: np.ndarray, kind: str, bins: Any, closed: str, with_zero: bool) -> tuple[np.ndarray, np.ndarray]:
    """Give the edges of bins, and the bin that each confidence is in; -1: in none."""
    side: Any = "left" if closed == "right" else "right"
    if kind == "equal_mass":  # edges that coincide bound no bin, but for the lowest or the highest confidence
        edges = np.percentile(confidence, np.linspace(0, 1, bins + 1) * 100)  # as scikit-learn, to the last digit
        return edges, np.searchsorted(edges[1:-1], confidence, side=side)
    edges = np.arange(bins + 1) / bins if isinstance(bins, int) else np.asarray(bins, dtype=np.float64)
    place = np.searchsorted(edges, confidence, side=side) - 1
    last = len(edges) - 2
    return edges, np.minimum(place, last) if closed == "left" else np.maximum(place, 0 if with_zero else -1)


def _means(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Give the mean of each n of values, one stretch after another, to the last digit as ``np.mean`` of it gives it."""
    starts = np.cumsum(n) - n
    total = np.zeros(len(n))
    for place in range(_ONE_BY_ONE - 1):
        some = (n < _ONE_BY_ONE) & (n > place)
        total[some] += values[starts[some] + place]
    means: np.ndarray = total / n
    for bin_ in np.flatnonzero(n >= _ONE_BY_ONE):
        means[bin_] = values[starts[bin_] : starts[bin_] + n[bin_]].mean()
    return means


def gaps_of(found: Bins) -> list[tuple[int, float]]:
    """Give of each bin how many answers it holds, and how far their accuracy is from their mean confidence."""
    gaps = np.abs(found.n_right / found.n - found.confidence)
    return list(zip(found.n.tolist(), gaps.tolist(), strict=True))
