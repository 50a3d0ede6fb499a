"""The cells of a column as text, and back again: what a CSV file holds between two commas.

Cells hold the words of strangers, and a spreadsheet may take a text for a formula. Such a text gets an apostrophe in
front, and so does what would be one if the file were split at semicolons; on the way back they are taken off again. The
two steps undo each other for every text there is.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .exceptions import ArgumentError
from .schema import TEXT

# What a program may pass over before it meets a sign: controls, spaces, quotes, and characters that show nothing
# (format characters, fillers, variation selectors, tags).
_SHOWN_AS_NOTHING = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\"'`\\x7f-\xa0\xab\xad\xb4\xbb\u02b9-\u02bd\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680"
    "\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2018-\u201f\u2028-\u202f\u2032\u2033\u2039\u203a\u205f-\u206f"
    "\u275b-\u275e\u2800\u2e02-\u2e05\u2e09\u2e0a\u2e0c\u2e0d\u2e1c\u2e1d\u2e20\u2e21\u3000\u301d-\u301f\u3164"
    "\ufe00-\ufe0f\ufeff\uff02\uff07\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PASSED_OVER = f"\\t\\r\\n{_SHOWN_AS_NOTHING}"

# The signs that begin a formula, with every character that is the same sign in another form (Unicode's NFKC).
_SIGNS = "=+\\-@\u207a-\u207c\u208a-\u208c\u2212\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"

# A text needs an apostrophe if it begins live, and also if it begins with apostrophes and then live: so an apostrophe
# before such a beginning is always one of ours. Python's re and Arrow's RE2 read this pattern alike.
_NEEDS = f"\\A(?:'*[\\x00-\\x1f\\x7f-\\x9f]|[{_PASSED_OVER}]*[{_SIGNS}])"
_needs = re.compile(_NEEDS)

# Where a file is split at semicolons or tabs, as a spreadsheet may do that expects those, quotes stand amid cells and
# mean nothing: a cell then begins after any semicolon, tab or line break. What is live there gets an apostrophe, too.
_WITHIN = (f"([;\\t\\r\\n])([{_SHOWN_AS_NOTHING}]*[{_SIGNS}])", "\\1'\\2")
_WITHOUT = (f"([;\\t\\r\\n])'([{_SHOWN_AS_NOTHING}]*[{_SIGNS}])", "\\1\\2")
_SURROGATE = re.compile("[\ud800-\udfff]")

_NUMBER = re.compile(r"bool(?:ean)?|(?:u?int|U?Int)(?:8|16|32|64)|[Ff]loat(?:32|64)")
_TIME = re.compile(r"datetime64\[(s|ms|us|ns)(?:, [^\]]+)?\]")
CATEGORIES = ("category", "ordered category")


def needs_apostrophe(text: str) -> bool:
    """Tell whether a text may not stand in a cell as it is.

    Parameters
    ----------
    text : str
        The text of a cell or a column's name.

    Returns
    -------
    bool
        True if its first character is a control (TAB, CR, LF, NUL ...), or its first character after spaces, quotes
        and characters that show nothing is one of ``= + - @`` in any width; and if such a beginning follows on
        apostrophes.

    Examples
    --------
    >>> [needs_apostrophe(text) for text in ("=1+1", " =1+1", "'=1+1", "1+1", "it's")]
    [True, True, True, False, False]
    """
    return _needs.match(text) is not None


def neutralise(text: str) -> str:
    """Put an apostrophe before a text that needs one, and within it where such a beginning follows on a separator.

    ``restore`` undoes it for every text.

    Examples
    --------
    >>> neutralise("=1+1"), neutralise("'=1+1"), neutralise("plain"), neutralise("a;=1+1")
    ("'=1+1", "''=1+1", 'plain', "a;'=1+1")
    """
    return ("'" if needs_apostrophe(text) else "") + re.sub(*_WITHIN, text)


def restore(text: str) -> str:
    """Take off the apostrophes that ``neutralise`` put before a text and within it.

    Examples
    --------
    >>> restore("'=1+1"), restore("''=1+1"), restore("'plain'"), restore("a;'=1+1")
    ('=1+1', "'=1+1", "'plain'", 'a;=1+1')
    """
    return re.sub(*_WITHOUT, text[1:] if text.startswith("'") and needs_apostrophe(text) else text)


def dtype_name(column: pd.Series) -> str:
    """Give the name by which ``columns.csv`` knows a dtype; refuse one that CSV can't hold."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if pd.api.types.is_string_dtype(dtype.categories) or not len(dtype.categories):
            return CATEGORIES[bool(dtype.ordered)]
    elif isinstance(dtype, pd.StringDtype):
        return "str"
    elif dtype == np.dtype(object):
        if all(isinstance(value, str) for value in column.dropna()):
            return "str"
    elif _NUMBER.fullmatch(str(dtype)) or _TIME.fullmatch(str(dtype)):
        return str(dtype)
    raise ArgumentError(
        f"table has the column {column.name!a} of dtype {dtype}; a CSV file holds text, categories of text, numbers, "
        f"booleans and times. Change it first, with astype(str) for instance"
    )


def column_cells(column: pd.Series) -> Any:
    """Give the cells of a column as Arrow's texts, ready to stand between commas; missing is null."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        return _text_cells(_texts(dtype.categories)).take(pa.array(codes, mask=codes < 0))
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        return _text_cells(_texts(column))
    if _TIME.fullmatch(str(dtype)):
        return _time_cells(column)
    if dtype.kind == "f":
        numbers = column.to_numpy(np.float64, na_value=np.nan).tolist()
        # repr is the shortest text that gives the very number back.
        return pa.array([None if number != number else repr(number) for number in numbers], pa.large_string())
    return pa.array(column, from_pandas=True).cast(pa.large_string())


def column_values(cells: Any, dtype: str, categories: list[str] | None = None) -> pd.Series:
    """Give the values of cells, read as Arrow's texts, by their dtype and, for a category, its listed categories."""
    if dtype == "str":
        return pd.Series(TEXT.__from_arrow__(_restored(cells)))  # type: ignore[attr-defined]
    if dtype in CATEGORIES:
        return _categorical(_restored(cells), categories, dtype == CATEGORIES[1])
    time = _TIME.fullmatch(dtype)
    if time:
        zone = "UTC" if ", " in dtype else None
        return pd.Series(cells.cast(pa.timestamp(time[1], zone)).to_pandas().astype(dtype))
    if not _NUMBER.fullmatch(dtype):
        raise ValueError("no dtype of a CSV file is called so")
    parsed: Any = pd.api.types.pandas_dtype(dtype)
    if isinstance(parsed, np.dtype):
        if cells.null_count and parsed.kind != "f":
            raise ValueError("a value is missing")
        return pd.Series(cells.cast(pa.from_numpy_dtype(parsed)).to_numpy().astype(parsed))
    return pd.Series(parsed.__from_arrow__(cells.cast(pa.from_numpy_dtype(parsed.numpy_dtype))))


def guessed_values(cells: Any) -> pd.Series:
    """Give the values of cells by how they are written: text where nothing else fits every one of them."""
    if cells.null_count == len(cells):
        return column_values(cells, "str")
    whole, real = r"(?:0|[1-9][0-9]{0,14})", r"(?:0|[1-9][0-9]*)\.[0-9]+"
    guesses = (
        ("Int64" if cells.null_count else "int64", "0|-?[1-9][0-9]{0,17}"),
        ("float64", rf"-?(?:{whole}|{real})(?:e[+-]?[0-9]+)?|-?inf"),
        ("boolean" if cells.null_count else "bool", "true|false"),
        ("datetime64[us, UTC]", r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?\+00:00"),
    )
    for dtype, written in guesses:
        if pc.all(pc.match_substring_regex(cells, rf"\A(?:{written})\z")).as_py():
            try:
                return column_values(cells, dtype)
            except (pa.ArrowInvalid, ValueError):
                break  # the 45th of a month, for instance
    return column_values(cells, "str")


def listed_categories(column: pd.Series, dtype: str) -> str | None:
    """Give a category's values as JSON, or None where they are just the sorted values of the column."""
    if dtype not in CATEGORIES:
        return None
    categories = [mended(value) for value in column.cat.categories]
    used = np.unique(column.cat.codes)
    plain = sorted(mended(column.cat.categories[code]) for code in used[used >= 0])
    return None if categories == plain else json.dumps(list(dict.fromkeys(categories)), ensure_ascii=False)


def mended(text: str) -> str:
    """Give a text as UTF-8 can hold it: U+FFFD for each lone surrogate."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _texts(values: Any) -> Any:
    try:
        return pa.array(values, pa.large_string(), from_pandas=True)
    except UnicodeEncodeError:
        return pa.array([mended(value) if isinstance(value, str) else None for value in values], pa.large_string())


def _text_cells(texts: Any) -> Any:
    needing = pc.match_substring_regex(texts, _NEEDS)
    if pc.any(needing).as_py():
        texts = pc.if_else(needing, _join("'", texts, ""), texts)
    texts = _replaced(texts, *_WITHIN)
    if pc.any(pc.match_substring(texts, '"')).as_py():
        texts = pc.replace_substring(texts, '"', '""')
    return _join('"', texts, '"')


def _join(before: str, texts: Any, after: str) -> Any:
    first, last, nothing = (pa.scalar(end, pa.large_string()) for end in (before, after, ""))
    return pc.binary_join_element_wise(first, texts, last, nothing)


def _time_cells(column: pd.Series) -> Any:
    zoned = isinstance(column.dtype, pd.DatetimeTZDtype)
    times = column.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else column
    texts = pc.replace_substring(pa.array(times.to_numpy()).cast(pa.string()).cast(pa.large_string()), " ", "T")
    return _join("", texts, "+00:00") if zoned else texts


def _restored(cells: Any) -> Any:
    ours = pc.and_(pc.starts_with(cells, "'"), pc.match_substring_regex(cells, _NEEDS))
    texts = pc.if_else(ours, pc.utf8_slice_codeunits(cells, 1), cells) if pc.any(ours).as_py() else cells
    return _replaced(texts, *_WITHOUT)


def _replaced(texts: Any, pattern: str, replacement: str) -> Any:
    # To look first takes a fraction of the time, and most columns have none.
    if not pc.any(pc.match_substring_regex(texts, pattern)).as_py():
        return texts
    return pc.replace_substring_regex(texts, pattern, replacement)


def _categorical(texts: Any, listed: list[str] | None, ordered: bool) -> pd.Series:
    found = pc.unique(texts).to_pylist()
    values = {value for value in found if value is not None}
    # A list that lacks a value belongs to an earlier state of the file.
    categories = listed if listed is not None and values <= set(listed) else sorted(values)
    codes = pc.index_in(texts, value_set=pa.array(categories, pa.large_string())).fill_null(-1)
    index = pd.Index(categories, dtype=TEXT)
    return pd.Series(pd.Categorical.from_codes(codes.to_numpy(), index, ordered=ordered))
