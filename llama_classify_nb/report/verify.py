"""Verifying a report: every number computed again from its own tables, and every file held against its digest."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from .. import schema
from ..exceptions import ClassifyError, ReadError
from ..export import SIDECAR, csv_text, describe, parse_cells, read_cells, read_csv
from .contents import Given, Tables, answers, given_tables
from .digests import changed_cells, file_digest
from .facts import facts
from .folder import MANIFEST, resolved
from .manifest import SUMMED, is_sealed, read_arguments, read_manifest, versions
from .page import PAGE, page, told_digests
from .pictures import OF_JOBS, OF_LABELS

Finding = tuple[str, Any, Any, Any, Any, str]

_COLUMNS: dict[str, Any] = {
    "file": schema.TEXT,
    "row": "Int64",
    "column": schema.TEXT,
    "found": schema.TEXT,
    "expected": schema.TEXT,
    "message": schema.TEXT,
}
# How far a number may be off where other versions of the libraries computed it: sums may then be rounded differently.
_CLOSE = 1e-9
_CHANGED = "the file was changed since the report was written (SHA-256 differs)"


def verify_report(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Is every number of a report what its jobs, rules and labels say, and every file as it was written?

    Parameters
    ----------
    folder : path
        A report of ``write_report``.

    Returns
    -------
    DataFrame
        A row for each disagreement; none where all is well.

        * ``file`` (str): the file;
        * ``row`` (Int64): the row, from 1 below the header; missing: it can't be told, or not one row;
        * ``column`` (str): the column; missing: not one column;
        * ``found``, ``expected`` (str): what the cell holds, and what it should; missing: an empty cell, or not known;
        * ``message`` (str): what is wrong, in words.

    Raises
    ------
    ReadError
        If there is no report in this folder, or its manifest can't be read.

    Notes
    -----
    Tables of metrics are computed again from ``jobs.csv``, ``rules.csv``, ``problems.csv``, ``labels.csv`` and
    ``plan.csv``, and compared cell by cell, exactly where the same versions computed them. Those five themselves are
    held against SHA-256 digests, and a single changed cell of them is found by sums over their cells. The page is made
    again from the tables, where the same versions made it; it tells the digest of every other file, the manifest its
    own. A report of a scan keeps no jobs: its files are held against their digests alone. Whoever changes jobs *and*
    tables *and* page *and* manifest alike isn't found out: keep a copy of the manifest elsewhere, if it matters.
    """
    folder = resolved(folder)
    told = read_manifest(folder)
    found = list(_files(folder, told))
    if "jobs.csv" not in told["files"]:  # of a scan: there is nothing to compute from
        return _table(found)
    try:
        given = _given(folder, told)
    except ClassifyError as error:
        found.append((SIDECAR, None, None, None, None, f"the tables can't be read back: {error}"))
    else:
        # The page is made again of pictures that are as they were, and of tables as they are computed again.
        changed = {row[0] for row in found}
        found.extend(
            _tables(folder, told, given, has_page=not any(name.endswith((".svg", ".html")) for name in changed))
        )
    # That a file was changed says nothing more where its cells are named.
    named = {row[0] for row in found if row[2] is not None}
    return _table([row for row in found if row[5] != _CHANGED or row[0] not in named])


def _table(found: list[Finding]) -> pd.DataFrame:
    rows = list(dict.fromkeys(found))
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _files(folder: Path, told: dict[str, Any]) -> Iterator[Finding]:
    """Hold each file against its digests: that of the manifest, and that which the page tells."""
    said = told_digests((folder / PAGE).read_bytes()) if (folder / PAGE).is_file() else {}
    for name, known in told["files"].items():
        path = folder / name
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            yield name, None, None, None, None, "the file is missing, or is a link"
            continue
        digest = file_digest(path)
        if digest == known.get("sha256") == said.get(name, digest):
            continue
        if digest == known.get("sha256"):
            yield PAGE, None, None, None, None, f"the page tells another SHA-256 of {name}"
        cells: list[Finding] = []
        if "sums" in known:
            try:
                cells = [_changed(path, row, column) for row, column in changed_cells(path, known["sums"])]
            except ReadError as error:
                cells = [(name, None, None, None, None, str(error))]
        yield from cells
        if not cells:
            yield name, None, None, None, None, _CHANGED
    if not is_sealed(folder, told):
        yield MANIFEST, None, None, None, None, _CHANGED
    for path in sorted(folder.iterdir()):
        if path.name not in told["files"] and path.name != MANIFEST:
            yield path.name, None, None, None, None, "the file is not of this report"


def _changed(path: Path, row: int | None, column: str) -> Finding:
    if row is None:
        return path.name, None, column, None, None, "cells of this column were changed, added or removed"
    cell = read_cells(path).column(column)[row].as_py()
    return path.name, row + 1, column, cell, None, "the cell was changed since the report was written"


def _given(folder: Path, told: dict[str, Any]) -> Given:
    files = told["files"]
    tables = {name: read_csv(folder / f"{name}.csv") if f"{name}.csv" in files else None for name in SUMMED}
    if tables["plan"] is not None:
        tables["plan"].attrs.update(told["arguments"].get("plan") or {})
    return Given(**tables)  # type: ignore[arg-type]  # jobs, rules and problems are in every report


def _tables(folder: Path, told: dict[str, Any], given: Given, *, has_page: bool) -> Iterator[Finding]:
    """Compute each table again, and compare it cell by cell; then the page that tells of them."""
    is_exact = told.get("versions") == versions()
    described = [describe(f"{name}.csv", *table) for name, table in given_tables(given).items()]
    tables: Tables = {}
    try:
        arguments = read_arguments(told)
        for name, table in answers(given, arguments):
            described.append(describe(f"{name}.csv", *table))
            tables[name] = table.table
            yield from _compared(folder, f"{name}.csv", table.table, is_exact)
    except (ClassifyError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        # What was edited can be anything: a column that isn't there, or a number beyond all others.
        yield "jobs.csv", None, None, None, None, f"a table can't be computed again: {error}"
        return
    yield from _compared(folder, SIDECAR, pd.concat(described, ignore_index=True), is_exact)
    if is_exact and has_page:
        drawings = {name: (folder / f"{name}.svg").read_bytes() for name in tables if f"{name}.svg" in told["files"]}
        found = (folder / PAGE).read_bytes()
        if page(facts(given), arguments, tables, _in_order(drawings), told_digests(found)) != found:
            yield PAGE, None, None, None, None, "the page is not what the tables and pictures give"


def _in_order(drawings: dict[str, bytes]) -> dict[str, bytes]:
    """Give the pictures in the order in which they were drawn: the page keeps what they share in the first."""
    return {name: drawings[name] for name in (*OF_JOBS, *OF_LABELS) if name in drawings}


def _compared(folder: Path, file: str, table: pd.DataFrame, is_exact: bool) -> Iterator[Finding]:
    expected = parse_cells(io.BytesIO(csv_text(table).encode()))
    try:
        found = read_cells(folder / file)
    except ReadError as error:
        yield file, None, None, None, None, str(error)
        return
    if found.column_names != expected.column_names or len(found) != len(expected):
        shape = f"{len(expected):,} rows of {', '.join(expected.column_names)}"
        yield file, None, None, None, None, f"rows or columns are not as computed again: {shape}"
        return
    if not len(expected):  # Arrow 15 crashes where it compares columns of no rows
        return
    for name in expected.column_names:
        is_same = pc.fill_null(pc.equal(found[name], expected[name]), False)
        is_same = pc.or_(is_same, pc.and_(pc.is_null(found[name]), pc.is_null(expected[name])))
        for row in pc.indices_nonzero(pc.invert(is_same)).to_pylist():
            was, should = found[name][row].as_py(), expected[name][row].as_py()
            if is_exact or not _is_close(was, should):
                yield file, row + 1, name, was, should, "the cell is not as computed again from the report's jobs"


def _is_close(one: str | None, other: str | None) -> bool:
    try:
        return math.isclose(float(one or ""), float(other or ""), rel_tol=_CLOSE, abs_tol=1e-12)
    except ValueError:
        return False
