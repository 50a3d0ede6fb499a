"""Counting, by codes: small tables of counts that merge with others of their kind.

A metric that counts works in two steps. ``_partial(jobs, ...)`` gives a row for each combination of its keys that
occurs, with its ``count``; such tables of several files, or from several machines, are one table again after `merge`.
``_finish(cells, ...)`` makes the table that the user sees. All of it works on integer codes, never on objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..columns import joined_tables
from ..exceptions import ArgumentError
from ._texts import distinct

#: Gives the values of codes; -1 is missing.
Decode = Callable[[np.ndarray], Any]

#: Beyond every value of a measure: what nothing has put a value to.
NEVER = np.iinfo(np.int64).max

#: Different confidences that are counted each by itself; of more, those that agree in so many decimals are one.
MOST_VALUES, DECIMALS = 20_000, 4
_ROUNDED = "rounded"
_SHOWS = 3 * MOST_VALUES  # jobs: if all confidences differ, so many show it


#: A measure beside the count: how it is put together, and the value of each row.
Measure = tuple[Any, np.ndarray]


def tally(
    frame: pd.DataFrame, weights: np.ndarray | None = None, measures: dict[str, Measure] | None = None
) -> pd.DataFrame:
    """Count the rows of each combination of the frame's columns that occurs.

    Parameters
    ----------
    frame : DataFrame
        Nothing but the keys.
    weights : array of int, optional
        What each row counts; 1 by default.
    measures : dict, optional
        What else is put together of the rows of a combination: for each name ``np.add``, ``np.minimum`` or
        ``np.maximum``, and the values (int64, whose sums are exact in any order).

    Returns
    -------
    DataFrame
        The keys, in order, missing last, with their dtypes and all their categories, ``count`` (int64), and a column
        for each measure (int64).
    """
    flat = np.zeros(len(frame), np.int64)
    sizes, decoders = [], []
    for key in frame:
        codes, n, decode = encode(frame[key])
        flat = flat * (n + 1) + np.where(codes < 0, n, codes)
        sizes.append(n)
        decoders.append(decode)
    cells, place = np.unique(flat, return_inverse=True)
    count = np.bincount(place, weights, minlength=len(cells)).astype(np.int64)
    data: dict[Any, Any] = {}
    for key, n, decode in reversed(list(zip(frame, sizes, decoders, strict=True))):
        code = cells % (n + 1)
        data[key] = decode(np.where(code == n, -1, code))
        cells = cells // (n + 1)
    columns = {**{key: data[key] for key in frame}, "count": count}
    for name, (how, values) in (measures or {}).items():
        columns[name] = _put_together(how, values, place, len(cells))
    return pd.DataFrame(columns)


def _put_together(how: Any, values: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    start = 0 if how is np.add else NEVER if how is np.minimum else -NEVER
    result = np.full(n, start, np.int64)
    how.at(result, place, values)
    return result


def merge(parts: Sequence[pd.DataFrame], measures: dict[str, Any] | None = None) -> pd.DataFrame:
    """Make one table of counts of several; their order doesn't matter.

    Parameters
    ----------
    parts : sequence of DataFrame
        At least one; all with the same keys and a ``count``. Categories may differ: the result has all of them.
    measures : dict, optional
        How each measure is put together, as in `tally`.
    """
    if len(parts) == 1:
        return parts[0]
    measures = measures or {}
    keys = [column for column in parts[0] if column != "count" and column not in measures]
    together = joined_tables([part[keys] for part in parts])
    values = {name: (how, _stacked(parts, name)) for name, how in measures.items()}
    return tally(together, _stacked(parts, "count"), values)


def _stacked(parts: Sequence[pd.DataFrame], name: str) -> np.ndarray:
    return np.concatenate([part[name].to_numpy() for part in parts])


def tally_confidences(frame: pd.DataFrame, column: str = "confidence") -> pd.DataFrame:
    """Count rows as `tally` does, where `merge_confidences` will put the counts together.

    Where the first jobs already show that it will round all, they are rounded before they are counted.
    """
    first = frame[column].to_numpy()[:_SHOWS]
    if len(distinct(first[~np.isnan(first)])) <= MOST_VALUES:
        return tally(frame)
    cells = tally(frame.assign(**{column: np.round(frame[column].to_numpy(), DECIMALS)}))
    cells.attrs[_ROUNDED] = True
    return cells


def merge_confidences(parts: Sequence[pd.DataFrame], column: str = "confidence") -> pd.DataFrame:
    """Merge tables of counts by confidence; where more than 20,000 different ones come, all are rounded to 4 decimals.

    So the table stays small, whatever the number of jobs. Whether it is rounded depends on all parts together: a part
    that has too many by itself makes the whole have too many, and the whole is looked at last.
    """
    cells = merge(parts)
    values = cells[column].to_numpy()
    if any(part.attrs.get(_ROUNDED) for part in parts) or len(distinct(values[~np.isnan(values)])) > MOST_VALUES:
        keys = cells.drop(columns="count").assign(**{column: np.round(values, DECIMALS)})
        cells = tally(keys, cells["count"].to_numpy())
        cells.attrs[_ROUNDED] = True
    return cells


def encode(values: pd.Series) -> tuple[np.ndarray, int, Decode]:
    """Give a column's codes (-1: missing), the number of its values, and what turns codes into values again."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return (
            values.cat.codes.to_numpy().astype(np.int64),
            len(dtype.categories),
            lambda codes: categorical(codes, dtype),
        )
    try:
        codes, found = pd.factorize(values, sort=True)
    except TypeError as error:
        raise ArgumentError(f"jobs can't be grouped by the column {values.name!r}: {error}") from error
    return codes, len(found), lambda codes: pd.Series(found.array.take(codes, allow_fill=True), name=values.name)


def categorical(codes: np.ndarray, dtype: Any) -> pd.Categorical:
    """Give the values of codes (-1: missing) as a column with all the categories of ``dtype``."""
    return pd.Categorical.from_codes(codes.astype(np.int64), dtype=dtype)


def by_group(cells: pd.DataFrame, by: str | None) -> tuple[np.ndarray, pd.DataFrame]:
    """Give the number of each row's group, and a frame with a row for each group (missing last).

    Without ``by``, all rows are of one group, and the frame has one row and no column.
    """
    if by is None:
        return np.zeros(len(cells), np.int64), pd.DataFrame(index=pd.RangeIndex(1))
    codes, n, decode = encode(cells[by])
    present, number = np.unique(np.where(codes < 0, n, codes), return_inverse=True)
    return number, pd.DataFrame({by: decode(np.where(present == n, -1, present))})


def crossed(groups: pd.DataFrame, n: int) -> pd.DataFrame:
    """Repeat each group's row ``n`` times: the left columns of a table that has ``n`` rows for each group."""
    return groups.take(np.repeat(np.arange(len(groups)), n)).reset_index(drop=True)


def cross_counts(number: np.ndarray, n_groups: int, column: np.ndarray, n: int, count: Any) -> np.ndarray:
    """Add up counts by group and column: the cells of a table of ``n_groups`` times ``n`` rows, as one array."""
    flat = np.bincount(number * n + column, np.asarray(count), minlength=n_groups * n)
    return flat.astype(np.int64)


def share(count: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Divide; 0 of 0 is missing."""
    return np.asarray(np.divide(count, n, out=np.full(len(count), np.nan), where=n > 0))
