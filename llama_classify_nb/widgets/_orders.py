"""The order of a column's values: of a million jobs, too, before the finger is off the key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import schema
from ..metrics._texts import arrow_texts, n_shared, text_order


def order(values: pd.Series, *, ascending: bool) -> np.ndarray:
    """Give the places of values in order, up or down, missing ones last; equal ones stay as they stand."""
    is_missing = values.isna().to_numpy()
    if is_missing.any():
        known = np.flatnonzero(~is_missing)
        places = known.take(order(values.iloc[known], ascending=ascending))
        return np.concatenate([places, np.flatnonzero(is_missing)])
    if isinstance(values.dtype, pd.CategoricalDtype):
        keys = values.cat.codes.to_numpy()
    elif values.dtype.kind == "M":
        keys = np.asarray(values.dt.as_unit("us").astype("int64"))
    elif pd.api.types.is_numeric_dtype(values.dtype):
        keys = values.to_numpy(dtype=np.float64)
    else:
        return _order_of_texts(arrow_texts(values.to_frame("values"), "values"), ascending=ascending)
    return np.argsort(keys if ascending else -keys, kind="stable")


def _order_of_texts(texts: pa.Array, *, ascending: bool) -> np.ndarray:
    """Sort texts by the eight bytes behind what all begin with, and those alone by all bytes whose eight are alike."""
    keys = _eight_bytes(texts)
    places = np.argsort(keys if ascending else ~keys, kind="stable")
    keys = keys.take(places)
    same = keys[1:] == keys[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same)[: len(places)])
    # The other way round, equal ones stand the other way round, too: from the last to the first, they stay.
    rows = np.sort(places[tied])[:: 1 if ascending else -1]
    alike = pd.Series(texts.take(pa.array(rows)), dtype=schema.TEXT)
    places[tied] = rows[text_order(alike)][:: 1 if ascending else -1]
    return places


def _eight_bytes(texts: pa.Array) -> np.ndarray:
    """Give for each text the eight bytes behind what all begin with, as a number that sorts as they do."""
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    bytes_ = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if len(bytes_) < 8:
        bytes_ = np.append(bytes_, np.zeros(8, np.uint8))
    words = np.ndarray((len(bytes_) - 7,), ">u8", bytes_.data, strides=(1,))
    first = np.minimum(ends[:-1] + n_shared(texts), ends[1:])
    at = np.minimum(first, len(words) - 1)  # no word begins in the last seven bytes
    before, behind = (8 * np.minimum(n, 7).astype(np.uint64) for n in (first - at, 8 - np.minimum(ends[1:] - first, 8)))
    keys = words[at].astype(np.uint64) << before >> behind << behind
    return np.where(first < ends[1:], keys, np.uint64(0))
