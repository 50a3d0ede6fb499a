"""Tables as CSV files that no spreadsheet can be tricked by, and back again without a loss.

Cells hold the words of strangers. A text, or a column's name, that a spreadsheet might take for a formula gets an
apostrophe in front, and so does the part of a text after a semicolon, tab or line break, since a spreadsheet may split
the file there; ``read_csv`` takes them off again. The rest is plain RFC 4180 in UTF-8:

- a text is always quoted, and nothing else ever is: missing is an empty field, the empty text is ``""``;
- a quote within a text is doubled; line breaks, NUL and every other character stay as they are;
- numbers, booleans (``true``, ``false``) and times (ISO 8601; with a zone: in UTC, ``+00:00``) are never touched, so a
  negative number stays a number;
- lines end in LF; there is no byte order mark unless ``excel=True`` asks for it.

No UTF-8 holds a lone surrogate: it is written as U+FFFD, as the tables do. The index is not written.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from . import schema
from .cells import (
    column_cells,
    column_values,
    dtype_name,
    guessed_values,
    listed_categories,
    mended,
    neutralise,
    restore,
)
from .exceptions import ArgumentError, ReadError
from .files import write_aside

#: What stands in ``columns.csv``, the file that tells the columns of every CSV file beside it.
COLUMNS = (
    schema.Column("file", "str", "name of the file"),
    schema.Column("name", "str", "name of the column"),
    schema.Column("dtype", "str", "pandas dtype of the column; str: text"),
    schema.Column("meaning", "str", "what the column means"),
    schema.Column("unit", "str", "unit of its numbers; missing: none"),
    schema.Column(
        "categories",
        "str",
        "JSON list of a category's values, in order; missing where they are the sorted values of the column",
    ),
)

#: The name of that file.
SIDECAR = "columns.csv"

_BOM = b"\xef\xbb\xbf"
_ROWS = 2_000  # rows in memory as CSV at a time
_BLOCK = 1 << 27  # bytes read at a time: a row must fit in, and a row of long texts is long
_STREAMED = (1 << 18, 1 << 22, _BLOCK)  # the same where a file is read in blocks: Arrow holds 32 of these at a time


def csv_text(table: pd.DataFrame) -> str:
    """Give a table as the text of a CSV file; the module tells its form.

    Parameters
    ----------
    table : DataFrame
        Columns of text, categories of text, numbers, booleans or times, each with a name of its own. The index is not
        written.

    Returns
    -------
    str

    Examples
    --------
    >>> print(csv_text(pd.DataFrame({"type": ["=1+1", None, ""], "share": [-0.5, 1.0, float("nan")]})), end="")
    "type","share"
    "'=1+1",-0.5
    ,1.0
    "",
    """
    return b"".join(csv_chunks(table)).decode()


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str], *, excel: bool = False) -> Path:
    """Write a table as a CSV file; the module tells its form.

    Parameters
    ----------
    table : DataFrame
        As for ``csv_text``.
    path : path
        The file; one that is there is replaced once the new one is whole.
    excel : bool, default False
        Begin with a byte order mark, by which Excel knows UTF-8.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ArgumentError
        If a CSV file can't hold the table, or ``path`` is a folder or a link.
    OSError
        If the file can't be written; the error names it. What was there before stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_csv(pd.DataFrame({"type": ["=1+1", None], "share": [0.5, 1.0]}), Path(folder, "shares.csv"))
    ...     print(path.read_text(), end="")
    "type","share"
    "'=1+1",0.5
    ,1.0
    """
    return write_aside(path, csv_chunks(table, _BOM if excel else b""))


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table back from a file of ``write_csv``.

    Parameters
    ----------
    path : path
        The file. Its columns' dtypes come from ``columns.csv`` in the same folder if that lists the file; else, for
        files called ``jobs.csv``, ``rules.csv``, ``job_rules.csv`` and ``problems.csv``, from the tables of that name.
        Any other column is guessed: whole numbers, numbers, booleans and times with an offset if every value is
        written like one, else text.

    Returns
    -------
    DataFrame
        The table. A category that ``columns.csv`` doesn't list has the sorted values of its column as categories
        (``outcome``: every outcome), so types that no job was given are known with ``columns.csv`` only.

    Raises
    ------
    ArgumentError
        If ``path`` isn't one.
    ReadError
        If the file can't be read, or isn't one of ``write_csv``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(pd.DataFrame({"type": ["01", ""]}), Path(folder, "types.csv")) and None
    ...     read_csv(Path(folder, "types.csv"))["type"].tolist()
    ['01', '']
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is a {type(path).__name__}: give the path of a CSV file")
    path = Path(path)
    cells = read_cells(path)
    names = [restore(name) for name in cells.column_names]
    if len(set(names)) < len(names):
        raise ReadError(f"{path} has two columns of one name: {', '.join(map(ascii, names))}")
    declared = _declared(path)
    data = {}
    for name, column in zip(names, cells.columns, strict=True):
        if name not in declared:
            data[name] = guessed_values(column)
            continue
        dtype, categories = declared[name]
        try:
            data[name] = column_values(column, dtype, categories)
        except (pa.ArrowInvalid, ValueError) as error:
            raise ReadError(f"{path}: the column {name!a} is not of dtype {dtype}: {error}") from error
    return pd.DataFrame(data)


def read_blocks(path: Path, rows: int) -> Iterator[Any]:
    """Read a file of ``write_csv`` in blocks of ``rows`` rows, as Arrow tables of texts; missing is null.

    Names and texts are as they stand in the file, neutralised. Memory stays that of a block and its surroundings.
    """
    given = 0
    for size in _STREAMED:
        try:
            for block in itertools.islice(_streamed(path, size, rows), given, None):
                given += 1
                yield block
        except (OSError, ReadError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
            # It may be a row that is longer than what is read at a time: all before it was given already.
            if size == _BLOCK or not isinstance(error, pa.ArrowInvalid):
                raise ReadError(f"{path} can't be read as a CSV file: {error}") from error
        else:
            return


def _streamed(path: Path, size: int, rows: int) -> Iterator[Any]:
    with path.open("rb") as file:
        header = _header(file)
        file.seek(0)
        options = pa.csv.ReadOptions(block_size=size, use_threads=False)
        yield from _in_blocks(pa.csv.open_csv(file, options, *_as_texts(header)), rows)


def _in_blocks(reader: Iterable[Any], rows: int) -> Iterator[Any]:
    """Cut a stream of batches anew, into tables of ``rows`` rows, and a last one of the rest."""
    rest: list[Any] = []
    for batch in reader:
        rest.append(batch)
        table = pa.Table.from_batches(rest)
        whole = len(table) // rows * rows
        yield from (table.slice(start, rows) for start in range(0, whole, rows))
        rest = table.slice(whole).to_batches()
    if rest:
        yield pa.Table.from_batches(rest)


def describe(file: str, table: pd.DataFrame, columns: Sequence[schema.Column]) -> pd.DataFrame:
    """Give the rows of ``columns.csv`` for one file.

    Parameters
    ----------
    file : str
        Name of the file.
    table : DataFrame
        What the file holds.
    columns : sequence of Column
        The meanings of the table's columns; a column without one has a missing meaning.

    Returns
    -------
    DataFrame
        A row per column of the table, in the order of ``COLUMNS``.
    """
    told = {column.name: (column.meaning or None, column.unit or None) for column in columns}
    rows = []
    for name in table.columns:
        dtype = dtype_name(table[name])
        rows.append((file, name, dtype, *told.get(name, (None, None)), listed_categories(table[name], dtype)))
    return pd.DataFrame(rows, columns=[column.name for column in COLUMNS], dtype=schema.TEXT)


def csv_chunks(table: pd.DataFrame, first: bytes = b"") -> Iterator[bytes]:
    """Check a table, and give its CSV in pieces, after what comes first."""
    need_fit(table)
    header = ",".join('"' + neutralise(mended(name)).replace('"', '""') + '"' for name in table.columns)
    return _pieces(table, first + header.encode() + b"\n")


def need_fit(table: pd.DataFrame) -> None:
    """Raise ArgumentError if a CSV file can't hold a table."""
    if not isinstance(table, pd.DataFrame):
        raise ArgumentError(f"table must be a DataFrame; a {type(table).__name__} came")
    if any(name is not None for name in table.index.names):
        raise ArgumentError(f"table has the index {table.index.names}, which would be lost: call reset_index() first")
    if not len(table.columns) or not all(isinstance(name, str) for name in table.columns):
        raise ArgumentError(f"table must have columns, each named by a text; its columns are {list(table.columns)}")
    names = [mended(name) for name in table.columns]
    if len(set(names)) < len(names):
        raise ArgumentError(f"table has two columns of one name: {', '.join(map(ascii, names))}")
    for name in table.columns:
        dtype_name(table[name])


def _pieces(table: pd.DataFrame, first: bytes) -> Iterator[bytes]:
    yield first
    comma = pa.scalar(",", pa.large_string())
    for start in range(0, len(table), _ROWS):
        rows = table.iloc[start : start + _ROWS]
        cells = [column_cells(rows[name]) for name in table.columns]
        lines = pc.binary_join_element_wise(*cells, comma, null_handling="replace", null_replacement="")
        yield ("\n".join(lines.to_pylist()) + "\n").encode()


def read_cells(path: Path) -> Any:
    """Read a file of ``write_csv`` as an Arrow table of texts, as they stand in it: missing is null."""
    try:
        with path.open("rb") as file:
            return parse_cells(file)
    except (OSError, ReadError) as error:
        raise ReadError(f"{path} can't be read as a CSV file: {error}") from error


def parse_cells(file: BinaryIO) -> Any:
    """Read an open file like ``read_cells``."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = _header(file)
    file.seek(0)
    try:
        cells = pa.csv.read_csv(
            file, pa.csv.ReadOptions(block_size=min(max(size, 1 << 10), _BLOCK)), *_as_texts(header)
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise ReadError(str(error)) from error
    if cells.column_names != header:
        raise ReadError("its first line doesn't name the columns")
    return cells


def _header(file: BinaryIO) -> list[str]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        return next(csv.reader(text, strict=True), [])
    except (UnicodeError, csv.Error) as error:
        raise ReadError(str(error)) from error
    finally:
        text.detach()


def _as_texts(header: list[str]) -> tuple[Any, Any]:
    """Give Arrow's options by which every cell stays the text that it is."""
    parse = pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(header) > 1)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.large_string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return parse, convert


def _declared(path: Path) -> dict[str, tuple[str, list[str] | None]]:
    """Find what is known of a file's columns: dtype and categories by name."""
    if path.name == SIDECAR:
        return {column.name: (column.dtype, None) for column in COLUMNS}
    table = schema.TABLES.get(path.name.removesuffix(".csv"), ())
    declared: dict[str, tuple[str, list[str] | None]] = {
        column.name: (column.dtype, list(schema.OUTCOMES) if column.name == "outcome" else None) for column in table
    }
    sidecar = path.parent / SIDECAR
    if not sidecar.is_file():
        return declared
    rows = read_csv(sidecar)
    wanted = [column.name for column in COLUMNS if column.name not in {"meaning", "unit"}]
    if not set(wanted) <= set(rows.columns):
        return declared  # somebody else's columns.csv
    for name, dtype, listed in rows.loc[rows["file"] == path.name, wanted[1:]].itertuples(index=False):
        declared[name] = (dtype, _listed(sidecar, name, listed))
    return declared


def _listed(sidecar: Path, name: str, listed: Any) -> list[str] | None:
    if not isinstance(listed, str):
        return None
    try:
        categories = json.loads(listed)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{sidecar}: the categories of {name!a} are not JSON: {error}") from error
    if isinstance(categories, list) and all(isinstance(one, str) for one in categories):
        return categories
    raise ReadError(f"{sidecar}: the categories of {name!a} are not a list of texts")
