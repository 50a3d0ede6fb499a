"""Columns of free text as Arrow holds them: a million texts are read there in a fraction of a second."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from ..exceptions import ArgumentError

_PIECE = 20_000  # texts that are objects of Python at a time
_AT_ONCE = 10_000  # texts that Arrow reads at a time


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


def as_texts(values: pd.Series) -> pd.Series:
    """Give texts that are objects as a column of text, which Arrow reads in less time; anything else as it is."""
    if values.dtype != object:
        return values
    try:
        found = pa.array(values.to_numpy(dtype=object), pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return values
    return pd.Series(pd.array(found, dtype=schema.TEXT), index=values.index, name=values.name)


def in_pieces(ask: Callable[[Any], np.ndarray], texts: Any, rows: np.ndarray | None = None) -> np.ndarray:
    """Ask for a number of each text, or of those of some rows, two pieces at a time.

    Arrow reads texts without holding up other threads, and what it makes of a few stays in the processor's cache.
    """
    n = len(texts) if rows is None else len(rows)
    starts = range(0, max(n, 1), _AT_ONCE)

    def piece(start: int) -> np.ndarray:
        if rows is None:
            return ask(texts.slice(start, _AT_ONCE))
        return ask(texts.take(pa.array(rows[start : start + _AT_ONCE])))

    if len(starts) == 1:
        return piece(0)
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate([*pool.map(piece, starts)])


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
    """Number a column's values in the order in which they come, -1 for missing: ``pandas.factorize``.

    Of a column of texts, Arrow numbers the bytes as they stand, in a fraction of the time.
    """
    if not isinstance(values.dtype, pd.StringDtype):
        return pd.factorize(values)[0]
    try:
        found = _array(values, str(values.name)).dictionary_encode().indices
    except ArgumentError:  # half a character, which Arrow doesn't hold
        return pd.factorize(values)[0]
    return np.asarray(pc.fill_null(found, -1).to_numpy().astype(np.int64))


def distinct(cells: np.ndarray) -> np.ndarray:
    """Give each number once, in order: what ``np.unique`` does by hashing takes several times as long."""
    cells = np.sort(cells)
    return np.asarray(cells[np.append(True, cells[1:] != cells[:-1])[: len(cells)]])


def small_order(numbers: np.ndarray) -> np.ndarray:
    """Give the places of whole numbers in order; equal ones stay as they stand.

    Those of 16 bits NumPy sorts without comparing them, in a fraction of the time.
    """
    is_small = len(numbers) and numbers.min() >= -(1 << 15) and numbers.max() < 1 << 15
    return np.argsort(numbers.astype(np.int16) if is_small else numbers, kind="stable")


def text_order(values: pd.Series) -> np.ndarray:
    """Give the places of texts in the order in which Python sorts them; equal ones stay as they stand.

    What is no column of texts is compared as text. Behind what all begin with, eight bytes at a time are compared as
    one number, and the next eight of those alone that begin alike.
    """
    texts = as_texts(values)
    texts = texts if isinstance(texts.dtype, pd.StringDtype) else texts.astype(str).astype(schema.TEXT)
    found = pc.fill_null(_array(texts, str(values.name)).cast(pa.large_string()), "nan")
    ends = np.frombuffer(found.buffers()[1], np.int64)[found.offset : found.offset + len(found) + 1]
    padded = np.append(np.frombuffer(found.buffers()[2] or b"", np.uint8)[: ends[-1]], np.zeros(8, np.uint8))
    if not padded[ends[0] : -8].all():  # a text may end with what is put behind it here
        return np.argsort(np.array(found.to_pylist(), object), kind="stable")
    words = np.ndarray((len(padded) - 7,), ">u8", padded.data, strides=(1,))
    order, tied = np.arange(len(found)), np.arange(len(found))
    group, at = np.zeros(len(found), np.int64), n_shared(found)
    is_first = True
    while len(tied):
        rows = order[tied]
        left = np.clip(ends[rows + 1] - ends[rows] - at, 0, 8)
        key = words[np.minimum(ends[rows] + at, len(words) - 1)].astype(np.uint64)
        cut = ((8 - left) % 8 * 8).astype(np.uint64)  # what stands behind a text is of the next one
        key = np.where(left > 0, key >> cut << cut, np.uint64(0))
        sorted_ = np.argsort(key, kind="stable") if is_first else np.lexsort((key, group))
        key, left = key[sorted_], left[sorted_]
        order[tied] = rows[sorted_]
        same = (key[1:] == key[:-1]) & (group[1:] == group[:-1]) & (left[1:] == 8)
        is_tied = np.append(same, False) | np.append(False, same)
        group = np.cumsum(np.append(True, ~same))[: len(key)][is_tied[: len(key)]]
        tied, at, is_first = tied[is_tied[: len(key)]], at + 8, False
    return order


def n_shared(texts: Any) -> int:
    """Give with how many bytes all texts begin alike: the first and the last in order do."""
    ends = pc.min_max(texts)
    if not ends["min"].is_valid:
        return 0
    pairs = zip(*(ends[name].as_py().encode() for name in ("min", "max")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def order_of(values: pd.Series) -> np.ndarray:
    """Give the places of values in order, missing ones last; equal ones stay as they stand."""
    if isinstance(values.dtype, pd.StringDtype) and not values.hasnans:
        return text_order(values)
    return np.asarray(values.reset_index(drop=True).sort_values(kind="stable").index)


def rows_kept(jobs: pd.DataFrame, keep: np.ndarray) -> pd.DataFrame:
    """Give the rows of a mask, with their index, as a new frame: ``jobs[keep].copy()``.

    Arrow filters the pieces of its columns where they are, two columns at a time; pandas would have it put the pieces
    of each column together first.
    """
    if keep.all():
        return jobs.copy()
    in_arrow = np.array([isinstance(one, pd.StringDtype) and one.storage == "pyarrow" for one in jobs.dtypes], bool)
    places = np.flatnonzero(in_arrow).tolist()
    kept, mask = jobs.loc[:, ~in_arrow][keep], pa.array(keep)

    def texts(place: int) -> Any:
        column = jobs.iloc[:, place]
        found = pa.chunked_array(column.array.__arrow_array__())
        # Where nothing is there, any rows will do.
        some = found[: len(kept)] if found.null_count == len(found) else found.filter(mask)
        return pd.array(some, dtype=column.dtype)

    with ThreadPoolExecutor(2) as pool:
        for place, array in zip(places, pool.map(texts, places), strict=True):
            kept.insert(place, jobs.columns[place], pd.Series(array, index=kept.index), allow_duplicates=True)
    return kept.copy()


def some_rows(jobs: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Take rows, as ``iloc`` does; Arrow doesn't put a whole column of many pieces together for a few of them."""
    first, end = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
    wanted = np.zeros(end - first, bool)
    wanted[rows - first] = True
    arrays = {name: jobs[name].array[first:end] for name in jobs.columns}
    columns = {name: pd.Series(array[wanted], dtype=array.dtype) for name, array in arrays.items()}
    some = pd.DataFrame(columns, index=pd.RangeIndex(int(wanted.sum()))).set_axis(jobs.index[first:end][wanted])
    taken: pd.DataFrame = some if (np.diff(rows) > 0).all() else some.iloc[(np.cumsum(wanted) - 1)[rows - first]]
    return taken
