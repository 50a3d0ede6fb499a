"""Groups of jobs by the values of a column, and the tables that have a row, or some, for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._texts import small_order


class Groups(NamedTuple):
    """Rows, numbered by their group."""

    code: np.ndarray  # of each row
    keys: list[Any]  # of each group, in the order of their texts; None: missing, which is last

    def rows(self) -> list[np.ndarray]:
        """Give the rows of each group, in their order."""
        order = small_order(self.code)
        ends = np.cumsum(np.bincount(self.code, minlength=len(self.keys)))
        return np.split(order, ends[:-1]) if len(ends) else []

    def take(self, row: np.ndarray) -> Groups:
        """Give the groups of some rows; those without any of them stay."""
        return Groups(self.code[row], self.keys)


def of(jobs: pd.DataFrame, by: str | None) -> Groups:
    """Number the rows by a column; None: all are one group."""
    if by is None:
        return Groups(np.zeros(len(jobs), np.int64), [None])
    code, found = pd.factorize(jobs[by])
    values = list(found)
    order = sorted(range(len(values)), key=lambda place: str(values[place]))
    place = np.empty(len(values) + 1, np.int64)
    place[order], place[-1] = np.arange(len(values)), len(values)
    missing = [None] if (code < 0).any() else []
    return Groups(place[code], [*(values[one] for one in order), *missing])


def column_of(jobs: pd.DataFrame, by: str, values: Iterable[Any]) -> pd.Series:
    """Make the column ``by`` of a result, with the dtype that it has in jobs."""
    return pd.Series(list(values), dtype=jobs[by].dtype, name=by)


def table(jobs: pd.DataFrame, by: str | None, rows: list[dict[str, Any]], dtypes: dict[str, Any]) -> pd.DataFrame:
    """Make a result of its rows, with a dtype for each column."""
    names = [*(() if by is None else (by,)), *dtypes]
    return framed(jobs, by, {name: [row[name] for row in rows] for name in names}, dtypes)


def framed(jobs: pd.DataFrame, by: str | None, columns: dict[str, Any], dtypes: dict[str, Any]) -> pd.DataFrame:
    """Make a result of its columns, with a dtype for each."""
    data: dict[str, Any] = {} if by is None else {by: column_of(jobs, by, columns[by])}
    for name, dtype in dtypes.items():
        data[name] = dtype(columns[name]) if callable(dtype) else pd.array(columns[name], dtype)
    frame = pd.DataFrame(data, index=pd.RangeIndex(len(next(iter(data.values())))))
    return frame.astype({name: dtype for name, dtype in dtypes.items() if not callable(dtype)})
