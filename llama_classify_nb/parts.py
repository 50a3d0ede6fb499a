"""The parts of many jobs: which files there are, here or in object storage, and the tables of one of them at a time."""

from __future__ import annotations

import glob
import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

import pandas as pd

from . import frames, parquet, reading
from .archive_file import is_archive
from .exceptions import ArgumentError, ReadError
from .texts import printable

#: Jobs that are counted at a time, of an archive or of Parquet, whose jobs are known to be all different: a worker's
#: memory is bounded by it. Of a file of JSON all must be held at once, to tell which answers are older ones.
CHUNK_BYTES = 1 << 28
_CHUNK_ROWS = 1 << 17
_MAGIC = "*?["
_COPY_BYTES = 1 << 22


class Part(NamedTuple):
    """A file of jobs."""

    place: int  # among all, in the order of their names
    where: str  # a path, or an address as fsspec takes it

    @property
    def name(self) -> str:
        """The name of the file, without its folder."""
        return PurePosixPath(self.where.replace(os.sep, "/")).name


def find_parts(source: Any) -> list[Part]:
    """Give the parts that a source names, each once, in the order of their names.

    Parameters
    ----------
    source : path-like, str, or iterable of them
        A file, a folder, a pattern with ``*``, or an address as fsspec takes it.

    Raises
    ------
    ArgumentError
        If the source can't be one, or fsspec is needed and isn't there.
    ReadError
        If there is no such file, or nothing to read.
    """
    several = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(several, Iterable) or isinstance(several, bytes | pd.DataFrame):
        raise ArgumentError(
            f"source is a {type(source).__name__}: give a path, a pattern, an address, or a list of them"
        )
    found: set[str] = set()
    for one in several:
        if not isinstance(one, str | os.PathLike):
            raise ArgumentError(f"source holds a {type(one).__name__}: give paths, patterns or addresses")
        found.update(_remote(one) if isinstance(one, str) and "://" in one else _local(os.fspath(one)))
    if not found:
        raise ReadError("source names no file: give at least one")
    return [Part(place, where) for place, where in enumerate(sorted(found))]


def _local(path: str) -> list[str]:
    if any(mark in path for mark in _MAGIC) and not Path(path).exists():
        matches = glob.glob(path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = [one for one in matches if Path(one).is_file()]
        if not found:
            raise ReadError(f"{path}: no file fits this pattern")
        return [str(Path(one).absolute()) for one in found]
    if not Path(path).is_dir():
        if not Path(path).exists():
            raise ReadError(f"{path}: no such file")
        return [str(Path(path).absolute())]
    tables = parquet.files_of(Path(path))
    if tables and not any(one.is_file() and reading.has_suffix(one.name) for one in Path(path).iterdir()):
        return [str(one.absolute()) for one in tables]
    return [str(one.absolute()) for one in (*reading.files_of(Path(path)), *tables)]


def _remote(address: str) -> list[str]:
    system, path = _system(address)
    protocol = address.partition("://")[0]
    if any(mark in path for mark in _MAGIC):
        found = [one for one in system.glob(path) if system.isfile(one)]
    elif system.isdir(path):
        found = [one for one in system.find(path) if reading.has_suffix(one) or one.lower().endswith(parquet.SUFFIX)]
    else:
        found = [path] if system.exists(path) else []
    if not found:
        raise ReadError(f"{printable(address, 200)}: no file of jobs is there")
    return [f"{protocol}://{one.removeprefix(f'{protocol}://')}" for one in found]


def _system(address: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise ArgumentError(
            f"source {printable(address, 200)!r} is an address, which needs fsspec: pip install fsspec (and, for "
            "s3://, s3fs; for gs://, gcsfs; for abfs://, adlfs)"
        ) from None
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ArgumentError(f"source {printable(address, 200)!r} can't be opened: {error}") from None
    return system, str(path)


def read_part(part: Part) -> Iterator[frames.Tables]:
    """Give the tables of a part, some jobs at a time; what can't be read is a row of problems.

    Raises
    ------
    OSError
        If the storage fails; another try may help.
    """
    if "://" not in part.where:
        yield from _tables(part, Path(part.where))
        return
    system, path = _system(part.where)
    with system.open(path, "rb") as stream:
        is_database = is_archive(stream.read(16))
        stream.seek(0)
        if not is_database and not _is_parquet(part):
            damaged: list[ReadError] = []
            tables = frames.read_tables(reading.stream_blocks(stream, part.where, damaged))
            yield _with_problems(tables, damaged)
            return
        # Both are read here and there, not from beginning to end: once over the network is enough.
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / part.name
            with copy.open("wb") as file:
                _copy(stream, file)
            yield from _tables(part, copy)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while block := source.read(_COPY_BYTES):
        target.write(block)


def _is_parquet(part: Part) -> bool:
    return part.name.lower().endswith(parquet.SUFFIX)


def _tables(part: Part, path: Path) -> Iterator[frames.Tables]:
    if _is_parquet(part):
        yield from parquet.read_tables(path, _CHUNK_ROWS)
        return
    with path.open("rb") as file:
        is_database = is_archive(file.read(16))
    damaged: list[ReadError] = []
    blocks = reading.file_blocks(path, damaged)
    if not is_database:
        yield _with_problems(frames.read_tables(blocks), damaged)
        return
    some: list[bytes] = []
    for block in blocks:
        some.append(block)
        if sum(map(len, some)) >= CHUNK_BYTES:
            yield frames.read_tables(some)
            some = []
    yield _with_problems(frames.read_tables(some), damaged)


def _with_problems(tables: frames.Tables, damaged: list[ReadError]) -> frames.Tables:
    for error in damaged:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, gzip.BadGzipFile):
            raise error.__cause__  # of the storage, not of what it holds: nothing is left out for that
    more = [(None, "invalid_answer", None, str(error), False, 0) for error in damaged]
    return tables._replace(problem_rows=[*tables.problem_rows, *more])
