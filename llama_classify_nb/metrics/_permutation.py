"""Do groups of jobs differ? Distances between their mixes, and how often chance alone makes one so great.

If nothing changes, which job belongs to which group says nothing of its value, and every way to deal the jobs out is
equally likely. A table dealt so isn't made by shuffling a million rows: it is drawn, with the sums of its rows and
columns as they are, by the algorithm of W. M. Patefield (Applied Statistics 30 (1981) 91-97), at a cost that depends on
the number of cells alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..exceptions import ArgumentError


class Distance(NamedTuple):
    """A distance of two mixes; values stand along the last axis."""

    prepare: Callable[[np.ndarray], np.ndarray]  # what of the counts the distance is of: linear, so done once for all
    between: Callable[[np.ndarray, np.ndarray], np.ndarray]  # the distance of two such, divided by the sizes of groups


_MOST_CELLS = 400_000  # held at a time: of 8 bytes each, they stay in the processor's cache
_FEWEST = 99


class Differences(NamedTuple):
    """A number for each group; missing where there is nothing to compare."""

    before: np.ndarray  # from the group before
    rest: np.ndarray  # from all others together
    split: np.ndarray  # of all before it from all from it on


#: The share of jobs that would have to change their value to turn one mix into the other.
TOTAL_VARIATION = Distance(np.asarray, lambda p, q: np.asarray(np.abs(p - q).sum(axis=-1) / 2))


def wasserstein(values: np.ndarray) -> Distance:
    """Give the distance by which values must be moved, on average, to turn one mix of ``values`` into the other."""
    gaps = np.diff(values)
    return Distance(lambda counts: np.cumsum(counts, axis=-1)[..., :-1], lambda p, q: np.asarray(np.abs(p - q) @ gaps))


def test(
    counts: np.ndarray, distance: Distance, *, is_ordered: bool, n_permutations: int, seed: int
) -> tuple[Differences, Differences]:
    """Give the distances between groups, and their p-values, corrected for all comparisons made.

    Parameters
    ----------
    counts : array of int, (groups, values)
        How many jobs of each group have each value; no group is empty.
    distance : Distance
        The distance of two mixes.
    is_ordered : bool
        Whether groups follow one another; else each is held against the rest only.
    n_permutations, seed : int
        How many tables are drawn, and from which seed.

    Returns
    -------
    Differences, Differences
        The distances, and their p-values. A distance is divided by √(1/n₁ + 1/n₂), to which mean and spread of all of
        them are proportional by chance, so that small and great groups can be held against one another; the p-value
        is the share of tables (the one that was seen among them) whose greatest quotient is at least as great.
    """
    n_groups = len(counts)
    seen = _distances(counts[None], distance, is_ordered)[0]
    scale = _scales(counts.sum(axis=1), is_ordered)
    with np.errstate(invalid="ignore"):
        statistic = seen / scale
    if n_groups < 2:
        return Differences(*seen), Differences(*np.full((3, n_groups), np.nan))
    greatest = np.concatenate(
        [
            np.nanmax(_distances(tables, distance, is_ordered) / scale, axis=(1, 2))
            for tables in _tables(counts, n_permutations, seed)
        ]
    )
    # Sums of the same numbers may differ in the last digits: what is as great must count as such.
    greatest = np.sort(greatest) * (1 + 1e-9)
    above = n_permutations - np.searchsorted(greatest, statistic, side="left")
    p_value = np.where(np.isnan(statistic), np.nan, (1 + above) / (1 + n_permutations))
    return Differences(*seen), Differences(*p_value)


def _tables(counts: np.ndarray, n: int, seed: int) -> Iterator[np.ndarray]:
    """Draw tables with the sums that this one has."""
    chance = np.random.default_rng(seed)
    from scipy import stats  # half a second to load, which few questions need

    margins = stats.random_table(counts.sum(axis=1), counts.sum(axis=0))
    step = max(1, _MOST_CELLS // counts.size)
    sizes = [min(step, n - start) for start in range(0, n, step)]
    return (margins.rvs(size=size, method="patefield", random_state=chance) for size in sizes)


def _distances(tables: np.ndarray, distance: Distance, is_ordered: bool) -> np.ndarray:
    """Give all distances of each table: an array of (tables, 3, groups), missing where there is none.

    The tables have the same sums of rows and columns.
    """
    n_tables, n_groups, _ = tables.shape
    found = np.full((n_tables, 3, n_groups), np.nan)
    if n_groups < 2:
        return found
    n = tables[0].sum(axis=1)[:, None]
    counts, whole = distance.prepare(tables), distance.prepare(tables[0].sum(axis=0))
    of_group = counts / n
    found[:, 1] = distance.between(of_group, (whole - counts) / (n.sum() - n))
    if is_ordered:
        found[:, 0, 1:] = distance.between(of_group[:, 1:], of_group[:, :-1])
        before, n_before = np.cumsum(counts, axis=1)[:, :-1], np.cumsum(n, axis=0)[:-1]
        found[:, 2, 1:] = distance.between(before / n_before, (whole - before) / (n.sum() - n_before))
    return found


def _scales(n: np.ndarray, is_ordered: bool) -> np.ndarray:
    """Give √(1/n₁ + 1/n₂) for every comparison: an array of (3, groups)."""
    found = np.full((3, len(n)), np.nan)
    if len(n) > 1:
        found[1] = 1 / n + 1 / (n.sum() - n)
        if is_ordered:
            found[0, 1:] = 1 / n[1:] + 1 / n[:-1]
            before = np.cumsum(n)[:-1]
            found[2, 1:] = 1 / before + 1 / (n.sum() - before)
    return np.asarray(np.sqrt(found))


def need_draws(n_permutations: object, seed: object) -> None:
    """Raise ArgumentError unless these say how to draw."""
    if isinstance(n_permutations, bool) or not isinstance(n_permutations, int) or n_permutations < _FEWEST:
        raise ArgumentError(f"n_permutations is {n_permutations!r}; it must be a whole number, {_FEWEST} or more")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"seed is {seed!r}; it must be a whole number, 0 or more")
