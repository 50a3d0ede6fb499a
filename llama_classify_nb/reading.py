"""Files to answers: jobs in JSON, JSON Lines, gzip, an archive, or a folder of these, as blocks of whole lines."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from . import answers
from .archive import Archive
from .archive_file import is_archive
from .exceptions import DamagedArchiveError, InvalidAnswerError, ReadError
from .salvage import whole_answers
from .texts import printable

BLOCK_BYTES = 1 << 20  # a block and its columns stay in the processor's cache
BLOCK_ITEMS = 500  # of a document, whose jobs come one by one: about as much
SUFFIXES = (".json", ".jsonl", ".ndjson", ".db", ".sqlite", ".sqlite3")  # what is read of a folder; also with .gz
_GZIP = b"\x1f\x8b"


def read_blocks(path: str | os.PathLike[str], damaged: list[ReadError]) -> Iterator[bytes]:
    """Give the jobs of a file or folder as blocks of lines, a job each.

    Parameters
    ----------
    path : path-like
        The file or folder.
    damaged : list
        Gets an error for each file that can't be read to its end; what was read of it before is given all the same.

    Raises
    ------
    ReadError
        If there is no such file, or nothing in the folder to read.
    """
    for file in files_of(Path(path)):
        yield from file_blocks(file, damaged)


def file_blocks(file: Path, damaged: list[ReadError]) -> Iterator[bytes]:
    """Give the jobs of one file as blocks of lines; as in :func:`read_blocks`."""
    is_database = False
    with _told(str(file), damaged), file.open("rb") as stream:
        start = stream.read(16)
        is_database = is_archive(start)
        if not is_database:
            stream.seek(0)
            yield from _opened_blocks(stream, start, file.name)
    if is_database:
        yield from _archived_blocks(file, damaged)


def _archived_blocks(file: Path, damaged: list[ReadError]) -> Iterator[bytes]:
    seen: list[str] = []
    try:
        with Archive(file) as archive:
            yield from archive.all_blocks(seen)
    except DamagedArchiveError as error:
        given = set(seen)
        rest = [answer for answer in whole_answers(file) if answer.job_id not in given]
        yield b"\n".join(answers.as_line(answer.body) for answer in rest)
        damaged.append(ReadError(f"{error}; what is whole was read"))


def stream_blocks(stream: IO[bytes], name: str, damaged: list[ReadError]) -> Iterator[bytes]:
    """Give the jobs of an open file that isn't an archive as blocks of lines; ``name`` tells what it holds."""
    with _told(name, damaged):
        start = stream.read(16)
        stream.seek(0)
        yield from _opened_blocks(stream, start, name)


@contextlib.contextmanager
def _told(name: str, damaged: list[ReadError]) -> Iterator[None]:
    """Tell why a file can't be read to its end, in place of an exception."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        damaged.append(ReadError(f"{name}: can't be read to its end: {reason}"))
        damaged[-1].__cause__ = error
    except InvalidAnswerError as error:
        damaged.append(ReadError(f"{name}: neither JSON nor JSON Lines of jobs: {error}"))


def files_of(path: Path) -> list[Path]:
    """Give the files of jobs that a path names: itself, or those of a folder."""
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file() and has_suffix(one.name))
        if not files:
            raise ReadError(f"{path}: holds no file of jobs; looked for {', '.join(SUFFIXES)}, each also with .gz")
        return files
    if not path.exists():
        raise ReadError(f"{path}: no such file")
    return [path]


def has_suffix(name: str) -> bool:
    """Whether a file of a folder is read, by its name."""
    return name.lower().removesuffix(".gz").endswith(SUFFIXES)


def _opened_blocks(stream: IO[bytes], start: bytes, name: str) -> Iterator[bytes]:
    is_lines = name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
    if not start.startswith(_GZIP):
        yield from _blocks(stream, is_lines=is_lines)
        return
    with gzip.open(stream, "rb") as opened:
        yield from _blocks(cast(IO[bytes], opened), is_lines=is_lines)


def _blocks(stream: IO[bytes], *, is_lines: bool) -> Iterator[bytes]:
    rest = stream.readline()
    if rest.startswith((b"\xff\xfe", b"\xfe\xff")):
        rest = answers.as_utf8(rest + stream.read())
        yield from [rest] if is_lines else _document_blocks(rest)
        return
    rest = answers.as_utf8(rest)
    if rest.lstrip().startswith(b"[") or (not is_lines and answers.read_id(rest) is None):
        yield from _document_blocks(rest + stream.read())
        return
    while block := b"".join((rest, stream.read(BLOCK_BYTES), stream.readline())):
        yield block
        rest = b""


def _document_blocks(document: bytes) -> Iterator[bytes]:
    """Give the jobs of one JSON document a line each; of something else, its lines, if one of them is JSON."""
    try:
        items = answers.read_items(document)
    except InvalidAnswerError as error:
        if not any(answers.read_id(line) is not None for line in document.split(b"\n")):
            raise InvalidAnswerError(_begins(document) or str(error)) from error
        yield document
        return
    for start in range(0, len(items), BLOCK_ITEMS):
        yield b"\n".join(map(answers.as_line, items[start : start + BLOCK_ITEMS]))


def _begins(document: bytes) -> str:
    """Say what a document is, if that isn't JSON; nothing if it may be."""
    if not document.strip():
        return "it is empty"
    if document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return ""
    line = printable(document[:200].decode("utf-8", "replace").split("\n")[0], 60)
    return f"it begins with {line!r}; a table in CSV is read by read_csv or read_labels, a list of ids by fetch_jobs"
