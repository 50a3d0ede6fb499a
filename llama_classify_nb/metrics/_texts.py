"""Columns of free text as Arrow holds them: a million texts are read there in a fraction of a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..exceptions import ArgumentError

_PIECE = 20_000  # texts that are objects of Python at a time


def arrow_texts(jobs: pd.DataFrame, column: str, rows: np.ndarray | None = None) -> Any:
    """Give a column of texts as one Arrow array (large_string, null for missing), or those of its rows.

    Parameters
    ----------
    jobs : DataFrame
        Holds the column, of any dtype that holds nothing but texts and missing values.
    column : str
        Its name.
    rows : array of int or bool, optional
        Which rows.
    """
    if rows is not None:
        jobs = some_rows(jobs[[column]], rows if rows.dtype != bool else np.flatnonzero(rows))
    values = jobs[column]
    if isinstance(values.dtype, pd.CategoricalDtype):
        kinds = _array(pd.Series(values.cat.categories), column)
        codes = values.cat.codes.to_numpy()
        return kinds.take(pa.array(codes, pa.int64(), mask=codes < 0))
    return _array(values, column)


def _array(values: pd.Series, column: str) -> Any:
    if values.isna().all():
        # Nothing but missing values comes with any dtype.
        return pa.nulls(len(values), pa.large_string())
    try:
        found = pa.array(values, type=pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError) as error:
        raise ArgumentError(f"jobs: the column {column!r} must hold texts; {values.dtype} doesn't: {error}") from error
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def truths(mask: Any) -> np.ndarray:
    """Give an Arrow array of truths as NumPy's; null is False."""
    return np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def hashes(keys: pd.Series) -> np.ndarray:
    """Give a hash of each key as text, the same on every machine."""
    texts = keys if isinstance(keys.dtype, pd.StringDtype) else keys.astype(str)
    # To look for repeated ones first takes longer than to hash them; without it only missing ones come out otherwise.
    has_missing = bool(texts.isna().any())
    pieces = (texts.iloc[start : start + _PIECE].to_numpy(dtype=object) for start in range(0, len(texts), _PIECE))
    found = [pd.util.hash_array(piece, categorize=has_missing) for piece in pieces]
    return np.concatenate(found) if found else np.empty(0, np.uint64)


def lowest(keys: np.ndarray, group: np.ndarray, most: int) -> np.ndarray:
    """Give the places of the ``most`` lowest keys of each group, by group (numbered from 0 on) and key."""
    n = np.bincount(group)
    bound = np.full(len(n), np.iinfo(keys.dtype).max, keys.dtype)
    for number in np.flatnonzero(n > most):  # sorting all of a million would take most of the time
        bound[number] = np.partition(keys[group == number], most - 1)[most - 1]
    low = np.flatnonzero(keys <= bound[group])
    low = low[np.lexsort((keys[low], group[low]))]
    n_low = np.bincount(group[low], minlength=len(n))
    nth = np.arange(len(low)) - (np.cumsum(n_low) - n_low)[group[low]]
    chosen: np.ndarray = low[nth < most]
    return chosen


def codes(values: pd.Series) -> np.ndarray:
    """Number a column's values in the order in which they come, -1 for missing: ``pandas.factorize``, in less memory.

    Of ids that are nearly all different, a table of the different ones is larger than the column. Here texts are told
    apart by their hashes, and only those of equal hashes are compared.
    """
    if not isinstance(values.dtype, pd.StringDtype):
        return pd.factorize(values)[0]
    values = values.reset_index(drop=True)
    rows, number = np.flatnonzero(values.notna().to_numpy()), hashes(values)
    order = rows[np.argsort(number[rows], kind="stable")]
    number = number[order]
    is_new = np.append(True, number[1:] != number[:-1])[: len(order)]
    again = np.flatnonzero(~is_new)
    for start in range(0, len(again), _PIECE):
        some = again[start : start + _PIECE]
        one, other = (some_rows(values.to_frame(), order[place]).iloc[:, 0] for place in (some, some - 1))
        if (one.to_numpy(dtype=object) != other.to_numpy(dtype=object)).any():
            return pd.factorize(values)[0]  # two texts of one hash, which may happen once in a lifetime
    # The sort is stable: the first of equal ones is the one that came first.
    place = np.empty(int(is_new.sum()), np.int64)
    place[np.argsort(order[is_new])] = np.arange(len(place))
    found = np.full(len(values), -1, np.int64)
    found[order] = place[np.cumsum(is_new) - 1]
    return found


def some_rows(jobs: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Take rows, as ``iloc`` does; Arrow doesn't put a whole column of many pieces together for a few of them."""
    wanted = np.zeros(len(jobs), bool)
    wanted[rows] = True
    columns = {name: pd.Series(jobs[name].array[wanted], dtype=jobs[name].dtype) for name in jobs.columns}
    some = pd.DataFrame(columns, index=pd.RangeIndex(int(wanted.sum()))).set_axis(jobs.index[wanted])
    taken: pd.DataFrame = some if (np.diff(rows) > 0).all() else some.iloc[(np.cumsum(wanted) - 1)[rows]]
    return taken
