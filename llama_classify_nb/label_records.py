"""The records of a log of labels: how each is written as a line of CSV, read back, and what stands after undos.

Texts are quoted as in ``export``: a spreadsheet runs none of them, and each comes back exactly. A file that a
spreadsheet saved again is read as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from . import schema
from .cells import mended, neutralise, restore

#: The label of a job for which every rule is wrong. No rule names it, so a missing answer is right, and a type is not.
NO_RULE = "(no rule fits)"

#: What a record does. None of these words begins with another: a file's last record is whole if it ends in one.
ACTIONS = ("label", "cant_tell", "skip", "undo", "open")

COLUMNS = (
    schema.Column("job_id", "str", "id of the job"),
    schema.Column("label", "str", f"what the reviewer says the type is; {NO_RULE}: none of the job's rules fits"),
    schema.Column("reviewer", "str", "who says so"),
    schema.Column("time", "datetime64[us, UTC]", "when"),
    schema.Column("seen_prediction", "boolean", "whether the reviewer had seen the job's answer by then"),
    schema.Column("inclusion_probability", "float64", "chance of the job to be drawn; missing: not drawn at random"),
    schema.Column("stratum", "str", "stratum of the plan that the job was drawn from"),
    schema.Column("stage", "str", "stage of the plan: pilot or main"),
    schema.Column("queue", "str", "what the reviewer was reading: sample, own, or how the queue was ordered"),
    schema.Column("note", "str", "the reviewer's note"),
    schema.Column(
        "action",
        "str",
        "label; cant_tell: read without a label; skip: put off; undo: takes back this reviewer's latest record of the "
        "job that still stands; open: reads it now, where reviewers share a queue",
    ),
)
NAMES = tuple(column.name for column in COLUMNS)
HEADER = ",".join(f'"{name}"' for name in NAMES).encode() + b"\n"
_BOM = b"\xef\xbb\xbf"
# A field and what ends it. The quantifiers give nothing back: a field of a megabyte takes one pass.
_FIELD = re.compile(rb'(?:"((?:[^"]++|"")*+)"|([^,"\r\n]*+))(,|\r?\n|\Z)')


class Record(NamedTuple):
    """One act of a reviewer; ``COLUMNS`` tells what each field means."""

    job_id: str
    label: str | None
    reviewer: str
    time: dt.datetime | None
    seen_prediction: bool | None
    inclusion_probability: float | None
    stratum: str | None
    stage: str | None
    queue: str | None
    note: str | None
    action: str


class Parsed(NamedTuple):
    """What the bytes of a log hold."""

    records: list[Record]
    torn: int | None  # where a record begins that was cut short; None: all are whole
    faults: list[str]  # lines that are no records, each in a sentence


def encode(record: Record) -> bytes:
    r"""Give a record as a line of the file.

    Examples
    --------
    >>> encode(Record("a", "=1+1", "kim", None, True, 0.5, None, None, None, "", "label"))
    b'"a","\'=1+1","kim",,true,0.5,,,,"",label\n'
    """
    cells = []
    for column, value in zip(COLUMNS, record, strict=True):
        if value is None:
            cells.append("")
        elif column.name == "action":
            cells.append(str(value))
        elif isinstance(value, bool):
            cells.append("true" if value else "false")
        elif isinstance(value, dt.datetime):
            cells.append(value.astimezone(dt.UTC).isoformat(timespec="microseconds"))
        elif isinstance(value, float):
            cells.append(repr(value))
        else:
            cells.append('"' + neutralise(mended(value)).replace('"', '""') + '"')
    return ",".join(cells).encode() + b"\n"


def is_log(content: bytes) -> bool:
    """Tell whether a file begins as a log does."""
    return _fields(content, len(_BOM) if content.startswith(_BOM) else 0)[0] == list(NAMES)


def parse(content: bytes, first_line: int = 1) -> Parsed:
    """Read the records of a file, or of a part of it that begins with a line."""
    records: list[Record] = []
    faults: list[str] = []
    begin = place = len(_BOM) if content.startswith(_BOM) else 0
    while place < len(content):
        cells, end = _fields(content, place)
        record = None if end is None else _record(cells)
        if record is None and (end is None or content[end - 1 : end] != b"\n"):
            # Cut short, or not to be split: what comes before a whole record is a fault, and only the last is torn.
            end = _next_record(content, place)
            if end is None:
                return Parsed(records, place, faults)
        if record is not None:
            records.append(record)
        elif cells != [None] and not (place == begin and cells == list(NAMES)):
            number = content.count(b"\n", 0, place) + first_line
            faults.append(f"line {number:,} is no record of a log and is left out")
        place = end or len(content)
    return Parsed(records, None, faults)


def _fields(content: bytes, place: int) -> tuple[list[str | None], int | None]:
    """Give the fields of the line that begins at a place; an unquoted empty field is None.

    The second value is where the next line begins, or None: this one can't be split into fields.
    """
    cells: list[str | None] = []
    while found := _FIELD.match(content, place):
        quoted, bare, mark = found.groups()
        text = (quoted.replace(b'""', b'"') if bare is None else bare).decode("utf-8", "replace")
        cells.append(None if quoted is None and not text else text)
        place = found.end()
        if mark != b",":
            return cells, place
    return cells, None


def _record(cells: list[str | None]) -> Record | None:
    if len(cells) != len(NAMES) or cells[-1] not in ACTIONS or cells[0] is None:
        return None
    texts = dict(zip(NAMES, (restore(cell) if cell is not None else None for cell in cells), strict=True))
    seen = {"true": True, "false": False}.get((texts["seen_prediction"] or "").lower())
    chance, time = None, None
    with contextlib.suppress(ValueError):
        chance = float(texts["inclusion_probability"] or "")
    with contextlib.suppress(ValueError):
        time = dt.datetime.fromisoformat(texts["time"] or "")
        time = time.replace(tzinfo=time.tzinfo or dt.UTC).astimezone(dt.UTC)
    return Record(
        texts["job_id"] or "",
        texts["label"],
        texts["reviewer"] or "",
        time,
        seen,
        chance,
        texts["stratum"],
        texts["stage"],
        texts["queue"],
        texts["note"],
        texts["action"] or "",
    )


def _next_record(content: bytes, place: int) -> int | None:
    """Give where, after a line that can't be read, the next one begins that can; None: there is none."""
    while (place := content.find(b"\n", place) + 1) > 0:
        if _record(_fields(content, place)[0]) is not None:
            return place
    return None


def stacks(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    """Give, for each job and reviewer, the records that no undo took back, in the order they were made."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.action == "open":
            continue
        stack = found.setdefault((record.job_id, record.reviewer), [])
        if record.action != "undo":
            stack.append(record)
        elif stack:
            stack.pop()
    return {key: stack for key, stack in found.items() if stack}


def answer(stack: Iterable[Record]) -> Record | None:
    """Give what a reviewer said of a job last: a label, or that they can't tell; None: they only skipped it."""
    said = None
    for record in stack:
        said = record if record.action != "skip" else said
    return said


def standing(records: Iterable[Record]) -> list[Record]:
    """Give what each reviewer said of each job last and didn't take back, jobs in the order they were first read."""
    said = (answer(stack) for stack in stacks(records).values())
    return [record for record in said if record is not None]


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Give records as a table; its columns are ``COLUMNS``."""
    rows = list(records)
    data: dict[str, pd.Series] = {}
    for place, column in enumerate(COLUMNS):
        values = pd.Series([record[place] for record in rows], dtype=object)
        if column.name == "time":
            values = pd.to_datetime(values, utc=True)
        dtype: Any = schema.TEXT if column.dtype == "str" else column.dtype
        data[column.name] = values.astype(dtype)
    return pd.DataFrame(data)
