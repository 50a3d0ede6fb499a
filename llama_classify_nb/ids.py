"""What is asked for: ids of jobs, from wherever people keep them, cleaned and counted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from .answers import is_job_id
from .exceptions import ArgumentError, ReadError
from .texts import printable

_HEADERS = {"id", "ids", "jobid", "jobids"}  # whatever parts the words: "Job ID", "job_id"
_QUOTED = re.compile(r'"[^"]*"')


class Asked(NamedTuple):
    """Ids to ask for, each once, in the order given; and what was set aside."""

    job_ids: list[str]
    invalid: list[tuple[str, str]]  # each text that can't be the id of a job, and why, with its position
    n_blank: int
    n_repeated: int
    n_padded: int

    def first(self, limit: int | None) -> Asked:
        """Give the same with at most ``limit`` ids to ask for."""
        return self._replace(job_ids=self.job_ids[:limit])

    @property
    def notes(self) -> list[str]:
        """What was cleaned, in words; nothing where nothing was."""
        counts = {
            "blank left out": self.n_blank,
            "repeated, asked for once": self.n_repeated,
            "stripped of spaces": self.n_padded,
        }
        parts = [f"{count:,} {words}" for words, count in counts.items() if count]
        return [f"ids: {', '.join(parts)}"] if parts else []


def read_ids(ids: Any) -> Asked:
    """Clean ids.

    Parameters
    ----------
    ids : iterable of str, or path-like
        A list, Series, Index, generator, or the path of a text file with an id a line. In a file, a first line that
        says ``id`` or ``job_id`` is a header, and quotes around a line are taken off. Missing and blank values are left
        out, spaces around an id too, and of equal ids the first is kept: all counted.

    Raises
    ------
    ArgumentError
        If a value isn't text (the message shows it and its position), if none of the values can be an id, or if
        ``ids`` is a single text that is no file.
    ReadError
        If the file can't be read, or is a table.
    """
    values: Iterable[Any]
    if isinstance(ids, str | os.PathLike):
        values = _lines(ids)
    elif isinstance(ids, bytes | dict) or not isinstance(ids, Iterable):
        raise ArgumentError(f"ids is a {type(ids).__name__}: give a list of ids, a column, or the path of a file")
    elif isinstance(ids, pd.DataFrame):
        raise ArgumentError("ids is a DataFrame: give its column of ids, such as frame['job_id']")
    else:
        values = ids
    return _cleaned(values)


def _cleaned(values: Iterable[Any]) -> Asked:
    kept: dict[str, None] = {}
    invalid: dict[str, str] = {}
    n_blank = n_repeated = n_padded = 0
    for position, value in enumerate(values):
        if not isinstance(value, str):
            if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
                n_blank += 1
                continue
            raise ArgumentError(
                f"ids: the value at position {position} is {printable(repr(value), 80)}, of {type(value).__name__}: "
                "an id is text; read the column with dtype=str"
            )
        text = value.strip()
        if not text:
            n_blank += 1
            continue
        n_padded += text != value
        if text in kept or text in invalid:
            n_repeated += 1
        elif is_job_id(text):
            kept[text] = None
        else:
            invalid[text] = f"at position {position}: {printable(repr(text), 80)} can't be the id of a job"
    if invalid and not kept:
        raise ArgumentError(
            f"ids: none of the {len(invalid):,} values can be the id of a job; {next(iter(invalid.values()))}"
        )
    return Asked(list(kept), list(invalid.items()), n_blank, n_repeated, n_padded)


def _lines(path: str | os.PathLike[str]) -> list[str]:
    file = Path(path)
    try:
        is_file = file.is_file()
    except OSError:  # a text so long that no file can have this name
        is_file = False
    if isinstance(path, str) and not is_file:
        raise ArgumentError(
            f"ids is the text {printable(repr(path), 80)}, and there is no such file: give a list of ids, or the path "
            "of a file with an id a line"
        )
    if file.is_dir():
        raise ReadError(f"{file}: a folder; give the path of a text file with an id a line, or a list of ids")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ReadError(f"{file}: not text in UTF-8: save it so, with an id a line") from None
    except (OSError, ValueError) as error:
        raise ReadError(f"{file}: can't be read as a list of ids: {error}") from None
    lines = [line[1:-1] if _QUOTED.fullmatch(line) else line for line in text.removesuffix("\n").split("\n")]
    if re.search("[,;\t]", lines[0].strip()):
        raise ReadError(
            f"{file}: its first line, {printable(repr(lines[0]), 60)}, is that of a table: give its column of ids, "
            "such as pandas.read_csv(path)['job_id']"
        )
    return lines[1:] if re.sub(r"[\s_-]", "", lines[0].lower()) in _HEADERS else lines
