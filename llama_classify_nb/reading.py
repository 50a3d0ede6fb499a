"""Files to answers: jobs in JSON, JSON Lines, gzip, an archive, or a folder of these, as blocks of whole lines."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from . import answers
from .archive import Archive, is_archive
from .exceptions import DamagedArchiveError, InvalidAnswerError, ReadError
from .salvage import whole_answers
from .texts import printable

BLOCK_BYTES = 1 << 20  # a block and its columns stay in the processor's cache
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
    for file in _files(Path(path)):
        seen: list[str] = []
        try:
            yield from _file_blocks(file, seen)
        except DamagedArchiveError as error:
            given = set(seen)
            rest = [answer for answer in whole_answers(file) if answer.job_id not in given]
            yield b"\n".join(answers.as_line(answer.body) for answer in rest)
            damaged.append(ReadError(f"{error}; what is whole was read"))
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            damaged.append(ReadError(f"{file}: can't be read to its end: {reason}"))
        except InvalidAnswerError as error:
            damaged.append(ReadError(f"{file}: neither JSON nor JSON Lines of jobs: {_begins(file) or error}"))


def _begins(file: Path) -> str:
    """Say what a file is, if that isn't JSON; nothing if it may be."""
    with file.open("rb") as stream:
        start = stream.read(200)
    if not start.strip():
        return "it is empty"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return ""
    line = printable(start.decode("utf-8", "replace").split("\n")[0], 60)
    return f"it begins with {line!r}; a table in CSV is read by read_csv or read_labels, a list of ids by fetch_jobs"


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file() and _has_suffix(one))
        if not files:
            raise ReadError(f"{path}: holds no file of jobs; looked for {', '.join(SUFFIXES)}, each also with .gz")
        return files
    if not path.exists():
        raise ReadError(f"{path}: no such file")
    return [path]


def _has_suffix(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def _file_blocks(path: Path, seen: list[str]) -> Iterator[bytes]:
    with path.open("rb") as file:
        start = file.read(16)
    if is_archive(start):
        with Archive(path) as archive:
            yield from archive.all_blocks(seen)
        return
    opened: Any = gzip.open if start.startswith(_GZIP) else open
    with opened(path, "rb") as stream:
        yield from _stream_blocks(
            stream, is_lines=path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
        )


def _stream_blocks(stream: IO[bytes], *, is_lines: bool) -> Iterator[bytes]:
    rest = stream.readline()
    if rest.startswith((b"\xff\xfe", b"\xfe\xff")):
        rest = answers.as_utf8(rest + stream.read())
        yield rest if is_lines else _document_block(rest)
        return
    rest = answers.as_utf8(rest)
    if rest.lstrip().startswith(b"[") or (not is_lines and answers.read_id(rest) is None):
        yield _document_block(rest + stream.read())
        return
    while block := b"".join((rest, stream.read(BLOCK_BYTES), stream.readline())):
        yield block
        rest = b""


def _document_block(document: bytes) -> bytes:
    """Give the jobs of one JSON document a line each; of something else, its lines, if one of them is JSON."""
    try:
        return b"\n".join(map(answers.as_line, answers.read_items(document)))
    except InvalidAnswerError:
        if any(answers.read_id(line) is not None for line in document.split(b"\n")):
            return document
        raise
