"""Columns of free text as Arrow holds them: a million texts are read there in a fraction of a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..exceptions import ArgumentError


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
    values = jobs[column] if rows is None else jobs[column].iloc[rows if rows.dtype != bool else np.flatnonzero(rows)]
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
    return pd.util.hash_array(texts.to_numpy(dtype=object), categorize=bool(texts.isna().any()))


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
