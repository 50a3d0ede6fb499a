"""The material of tables: numbered values, categories, texts without a copy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .schema import TEXT

# Arrow's own allocator takes far more than it gives out: at 20,000 jobs, twice what the tables take.
POOL = pa.system_memory_pool()


class Codes(dict[Any, int]):
    """Numbers values as they come: a look-up that fails makes the next number. None is -1, as in a Categorical."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Any) -> int:
        code = self[value] = len(self) - 1
        return code

    def values_in_order(self) -> list[Any]:
        """Give the values, each at the place of its number."""
        return list(self)[1:]

    def encode(self, values: Sequence[Any]) -> np.ndarray:
        """Give the numbers of many values."""
        if values and values[0] == values[-1] and values.count(values[0]) == len(values):  # such as those of a project
            return np.full(len(values), self[values[0]], np.int32)
        return np.fromiter(map(self.__getitem__, values), np.int32, len(values))

    def categorical(self, codes: np.ndarray) -> pd.Categorical:
        """Give the column that the numbers stand for, with its categories in order."""
        categories, places = self.categories
        return pd.Categorical.from_codes(np.append(places, -1)[codes], categories)

    @functools.cached_property
    def categories(self) -> tuple[pd.Index, np.ndarray]:
        """The values, sorted, and the place of each among them; to be asked for once all have come."""
        return sorted_categories(self.values_in_order())


def sorted_categories(values: Sequence[Any]) -> tuple[pd.Index, np.ndarray]:
    """Give sorted categories, and for each value its place in them (-1: missing)."""
    ordered = sorted(set(values) - {None})
    place = {value: number for number, value in enumerate(ordered)} | {None: -1}
    return pd.Index(ordered, dtype=TEXT), np.array([place[value] for value in values], np.int64)


def column(dtype: str, values: list[Any]) -> pd.Series:
    """Make a small column of a dtype of ``schema.py``."""
    if dtype == "str":
        return pd.Series(values, dtype=TEXT)
    if dtype == "category":
        categories, places = sorted_categories(values)
        return pd.Series(pd.Categorical.from_codes(places, categories))
    return pd.Series(values, dtype=dtype)


def text_chunk(values: Sequence[str | None]) -> pa.Array:
    """Give a part of a column of text to Arrow."""
    return pa.array(values, pa.large_string(), memory_pool=POOL)


def texts(chunks: list[pa.Array]) -> Any:
    """Give a column of text; Arrow's buffers become pandas' without a copy."""
    return TEXT.__from_arrow__(pa.chunked_array(chunks, pa.large_string()))  # type: ignore[attr-defined]


def numbered(counts: np.ndarray) -> np.ndarray:
    """Count 0, 1, 2 … up to each of these counts, one after another."""
    begins = np.cumsum(counts) - counts
    return np.asarray(np.arange(counts.sum()) - np.repeat(begins, counts))


def joined(chunks: list[np.ndarray], dtype: Any) -> np.ndarray:
    """Join the parts of a column of numbers."""
    return np.concatenate(chunks) if chunks else np.empty(0, dtype)


def joined_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of the same columns below one another; categories may differ, and the result has all, in order."""
    columns = {name: _joined_columns([table[name] for table in tables]) for name in tables[0]}
    return pd.DataFrame(columns, index=pd.RangeIndex(sum(map(len, tables))))


def _joined_columns(columns: list[pd.Series]) -> pd.Series:
    if any(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
        columns = [column.astype("category") for column in columns]
        if any(column.dtype != columns[0].dtype for column in columns):
            together = _all_of([column.cat.categories for column in columns])
            columns = [column.cat.set_categories(together) for column in columns]
    return pd.concat(columns, ignore_index=True)


def _all_of(several: list[pd.Index]) -> pd.Index:
    values: set[Any] = set().union(*several)
    dtypes = {one.dtype for one in several if len(one)} or {several[0].dtype}
    try:
        ordered = sorted(values)
    except TypeError:  # of several kinds
        ordered = sorted(values, key=str)
    together: pd.Index = pd.Index(ordered, dtype=dtypes.pop() if len(dtypes) == 1 else object)
    return together
