"""Jobs by period, or by the values of a column: what all the questions about drift share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import _arguments, _counts, _permutation, _runs
from ._counted import Parts
from .intervals import clopper_pearson
from .over_time import need_frequency, period_number, period_start

#: What the keys of the counts are called, whatever column they come of.
KEY = "key"
#: The columns of distances and their p-values.
TESTS = (*(f"{what}_{kind}" for kind in ("before", "rest", "split") for what in ("distance", "p_value")),)


def check(jobs: pd.DataFrame, by: str, own: tuple[str, ...]) -> None:
    """Raise ArgumentError unless jobs can be counted by their period, or by a column."""
    _arguments.need_columns(jobs, "outcome", *(("created_at",) if by == "created_at" else ()))
    _arguments.need_by(jobs, by, own)


def check_options(freq: str, level: float) -> None:
    """Raise ArgumentError unless these can be a length of periods and a level."""
    need_frequency(freq)
    _arguments.need_level(level)


def keys(jobs: pd.DataFrame, by: str, freq: str, use: np.ndarray) -> Any:
    """Give the period, as a number, or the value of ``by``, of the jobs in use."""
    if by != "created_at":
        return jobs[by][use].array
    times = _arguments.creation_times(jobs)[use]
    period = pd.array(period_number(times, freq), "Int64")
    period[np.isnat(times)] = pd.NA
    return period


def named(groups: pd.DataFrame, by: str, freq: str) -> pd.DataFrame:
    """Give the left column of a result."""
    if by != "created_at":
        return groups.rename(columns={KEY: by})
    missing = groups[KEY].isna().to_numpy()
    start = period_start(groups[KEY].to_numpy(dtype=np.int64, na_value=0), freq)
    start[missing] = np.datetime64("NaT")
    return pd.DataFrame({"period": pd.Series(start).dt.tz_localize("UTC")})


def repeated(jobs: pd.DataFrame | Parts, by: str, freq: str, n_groups: int) -> Any:
    """Count in each group the answered jobs about a document that stands in the table more than once."""
    if isinstance(jobs, Parts) or "file_input" not in jobs.columns:
        return pd.array([pd.NA] * n_groups, "Int64")
    use = _runs.answered(jobs)
    code = _runs.file_codes(jobs)[use]
    twice = np.bincount(code[code >= 0], minlength=1)[code] > 1
    cells = _counts.tally(pd.DataFrame({KEY: keys(jobs, by, freq, use), "twice": twice & (code >= 0)}))
    number, _ = _counts.by_group(cells, KEY)
    count = np.bincount(number, cells["count"].where(cells["twice"], 0), minlength=n_groups)
    return pd.array(count.astype(np.int64), "Int64")


def with_shares(table: pd.DataFrame, count: np.ndarray, level: float) -> pd.DataFrame:
    """Add counts and their shares of each group, with intervals that hold at once."""
    n_groups = table[table.columns[0]].nunique(dropna=False)
    size = len(count) // max(n_groups, 1)
    n = np.repeat(count.reshape(n_groups, size).sum(axis=1), size)
    table["count"], table["n"], table["share"] = count, n, _counts.share(count, n)
    # Exact: so far out in the tails, Wilson's interval misses rare types too often.
    table["share_lower"], table["share_upper"] = clopper_pearson(count, n, 1 - (1 - level) / max(len(table), 1))
    return table


def order(table: pd.DataFrame) -> tuple[np.ndarray, bool]:
    """Give which rows are compared, and whether they follow one another: a job without a time has no place in it."""
    dtype = table[KEY].dtype
    if isinstance(dtype, pd.CategoricalDtype):
        is_ordered = bool(dtype.ordered)
    else:
        is_ordered = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)
    return (table[KEY].notna() if is_ordered else pd.Series(True, table.index)).to_numpy(dtype=bool), is_ordered


def tests(
    counts: np.ndarray,
    distance: _permutation.Distance,
    order: tuple[np.ndarray, bool],
    n_permutations: int,
    seed: int,
    level: float,
) -> dict[str, np.ndarray]:
    """Give the columns of distances, p-values, and the change point."""
    use, is_ordered = order
    options: dict[str, Any] = {"is_ordered": is_ordered, "n_permutations": n_permutations, "seed": seed}
    seen, p_value = _permutation.test(counts[use], distance, **options)
    columns = {name: np.full(len(counts), np.nan) for name in TESTS}
    for kind in seen._fields:
        columns[f"distance_{kind}"][use] = getattr(seen, kind)
        columns[f"p_value_{kind}"][use] = getattr(p_value, kind)
    return {**columns, "is_change_point": _change_point(counts, columns, 1 - level)}


def _change_point(counts: np.ndarray, columns: dict[str, np.ndarray], alpha: float) -> np.ndarray:
    """Tell which period begins with the greatest split for its size, if its p-value is below ``alpha``."""
    found = np.zeros(len(counts), bool)
    some = np.flatnonzero(columns["p_value_split"] < alpha)
    if len(some):
        n = counts.sum(axis=1)
        n = np.where(np.isnan(columns["distance_rest"]), 0, n)
        before = np.cumsum(n) - n
        size = columns["distance_split"][some] / np.sqrt(1 / before[some] + 1 / (n.sum() - before[some]))
        found[some[int(np.argmax(size))]] = True
    return found
