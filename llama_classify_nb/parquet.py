"""Tables as Parquet, and back: columns and types as ``schema.py`` has them, for engines that aren't ours.

Texts are UTF-8, categories dictionaries of them, times UTC to the microsecond; missing is null. What Parquet has no
word for, the categories that no job has, stands in the file's own notes, so that the tables come back as they were.
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import frames, schema
from .columns import joined_tables
from .exceptions import ArgumentError, ReadError
from .files import write_aside

SUFFIX = ".parquet"
#: What the parts of a folder may be by, and the name of the column that other engines then see.
PARTITIONS = ("month",)
_NO_MONTH = "__HIVE_DEFAULT_PARTITION__"  # what Hive, and all who follow it, call the part of the missing values
_NOTES = b"llama_classify_nb"
_GROUP_ROWS = 1 << 17
#: What each dtype of the schema is in Arrow.
_TYPES = {
    "str": pa.large_string(),
    "category": pa.dictionary(pa.int32(), pa.string()),
    "float64": pa.float64(),
    "Int64": pa.int64(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
    "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
}
#: The columns by which a file shows which table it is.
_KINDS = {
    "jobs": ("job_id", "outcome"),
    "rules": ("rule_set", "position", "description"),
    "problems": ("kind", "message"),
}


def write_tables(tables: dict[str, pd.DataFrame], folder: Path, partition_by: str | None) -> list[Path]:
    """Write tables by their names, the jobs in one file or in one for each month of creation.

    Raises
    ------
    ArgumentError
        If the folder holds jobs that would stay beside these.
    """
    if partition_by is not None and partition_by not in PARTITIONS:
        raise ArgumentError(f"partition_by is {partition_by!r}; it must be one of {', '.join(PARTITIONS)}, or None")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = folder / "jobs" if partition_by is None else folder / f"jobs{SUFFIX}"
    if beside.exists() or (partition_by is not None and any((folder / "jobs").rglob(f"*{SUFFIX}"))):
        raise ArgumentError(
            f"folder {str(folder)!a} holds jobs from before, which would be read with these: give another"
        )
    paths = []
    for name, table in tables.items():
        for place, part in _parts(name, table) if partition_by and name == "jobs" else [(f"{name}{SUFFIX}", table)]:
            path = folder / place
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            paths.append(write_aside(path, [_bytes(name, part)]))
    return paths


def _parts(name: str, jobs: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the jobs of each month, and the place of their file."""
    created = jobs["created_at"].dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    months, number = np.unique(created, return_inverse=True)
    for place, month in enumerate(months):
        value = _NO_MONTH if np.isnat(month) else str(month)
        yield f"{name}/month={value}/{name}{SUFFIX}", jobs[number == place].reset_index(drop=True)


def _bytes(name: str, table: pd.DataFrame) -> bytes:
    arrow = pa.Table.from_pandas(table, _arrow_schema(name), preserve_index=False)
    categories = {
        column.name: table[column.name].cat.categories.tolist()
        for column in schema.TABLES[name]
        if column.dtype == "category"
    }
    notes = {**(arrow.schema.metadata or {}), _NOTES: json.dumps({"categories": categories}).encode()}
    buffer = io.BytesIO()
    pq.write_table(arrow.replace_schema_metadata(notes), buffer, compression="zstd", row_group_size=_GROUP_ROWS)
    return buffer.getvalue()


def _arrow_schema(name: str) -> pa.Schema:
    return pa.schema([(column.name, _TYPES[column.dtype]) for column in schema.TABLES[name]])


def files_of(folder: Path) -> list[Path]:
    """Give the Parquet files in a folder and the folders in it, in the order of their names."""
    return sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file() and not path.name.startswith("."))


def is_parquet(path: Path) -> bool:
    """Whether a path is a Parquet file, or a folder that ``write_tables`` wrote."""
    if not path.is_dir():
        return path.name.lower().endswith(SUFFIX)
    return (path / f"jobs{SUFFIX}").is_file() or any((path / "jobs").rglob(f"*{SUFFIX}"))


def read_tables(path: Path, n_rows: int | None = None) -> Iterator[frames.Tables]:
    """Give the tables of a file, whichever table it holds, ``n_rows`` at a time; by default all at once.

    Raises
    ------
    ReadError
        If it is no Parquet file of one of the tables.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
            kind = next((kind for kind, wanted in _KINDS.items() if names.issuperset(wanted)), None)
            if kind is None:
                raise ReadError(
                    f"{path}: no table of jobs, rules or problems; it has the columns {', '.join(sorted(names))}"
                )
            told = json.loads((file.schema_arrow.metadata or {}).get(_NOTES, b"{}"))
            frame = functools.partial(_frame, kind, categories=told.get("categories", {}))
            wanted = [column.name for column in schema.TABLES[kind] if column.name in names]
            if n_rows is None or file.metadata.num_rows == 0:
                yield _tables(kind, frame(file.read(wanted)))
                return
            for batch in file.iter_batches(n_rows, columns=wanted):
                yield _tables(kind, frame(pa.Table.from_batches([batch])))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise ReadError(f"{path}: can't be read as Parquet: {error}") from error


def _tables(kind: str, frame: pd.DataFrame) -> frames.Tables:
    nothing = frames.read_tables([])
    if kind == "problems":
        rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
        return nothing._replace(problem_rows=list(rows))
    return nothing._replace(jobs=frame) if kind == "jobs" else nothing._replace(rules=frame)


def _frame(kind: str, table: pa.Table, categories: dict[str, list[str]]) -> pd.DataFrame:
    data = {}
    for column in schema.TABLES[kind]:
        values = table[column.name] if column.name in table.column_names else pa.chunked_array([pa.nulls(len(table))])
        data[column.name] = _column(column, values, categories.get(column.name))
    return pd.DataFrame(data)


def _column(column: schema.Column, values: pa.ChunkedArray, categories: list[str] | None) -> Any:
    if column.dtype == "str":
        return schema.TEXT.__from_arrow__(values.cast(pa.large_string()))  # type: ignore[attr-defined]
    if column.dtype == "category":
        if column.name == "outcome":
            categories = list(schema.OUTCOMES)
        if not len(values):  # Arrow 15 makes no dictionary of no values
            return _categorical(np.empty(0), [], categories)
        kinds = values.cast(pa.dictionary(pa.int32(), pa.large_string())).combine_chunks()
        kinds = kinds.chunk(0) if isinstance(kinds, pa.ChunkedArray) else kinds
        found = kinds.dictionary.to_pylist()
        return _categorical(kinds.indices.to_numpy(zero_copy_only=False), found, categories)
    if column.dtype == "Int64":
        return values.cast(pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get).array
    if column.dtype.startswith("datetime64"):
        return values.cast(pa.timestamp("us", "UTC")).to_pandas().astype(column.dtype).array
    kind = _TYPES[column.dtype]
    values = values.cast(kind)
    if not pa.types.is_floating(kind):
        values = values.fill_null(False if pa.types.is_boolean(kind) else 0)
    return values.to_pandas().to_numpy()


def _categorical(indices: np.ndarray, found: Sequence[str], categories: list[str] | None) -> pd.Categorical:
    known = sorted(set(found)) if categories is None else categories
    kinds: pd.Index = pd.Index(np.array(known, dtype=object), dtype=schema.TEXT)
    places = np.append(kinds.get_indexer(pd.Index(np.array(found, dtype=object), dtype=schema.TEXT)), -1)
    codes = np.where(np.isnan(indices), len(found), indices).astype(np.int64)
    if (places[codes[codes < len(found)]] < 0).any():
        odd = next(one for one, place in zip(found, places, strict=False) if place < 0)
        raise ValueError(f"a column holds {odd!r}, which is none of its categories")
    return pd.Categorical.from_codes(places[codes], kinds)


def read_folder(path: Path) -> frames.Tables:
    """Give the tables of a Parquet file, or of all of a folder, as one."""
    if not path.exists():
        raise ReadError(f"{path}: no such file")
    found = [tables for file in (files_of(path) if path.is_dir() else [path]) for tables in read_tables(file)]
    jobs, rules = (joined_tables([getattr(tables, name) for tables in found]) for name in ("jobs", "rules"))
    return found[0]._replace(
        jobs=jobs, rules=rules, problem_rows=[row for tables in found for row in tables.problem_rows]
    )
