"""Raw answers on disk: one SQLite file, the newest answer of each job, safe against being killed at any moment.

A page of answers is one transaction, on disk before :meth:`Archive.put` returns; others may read while a fetch writes.
Answers lie in bundles, of which ``records.py`` tells. A bundle stays as it was written, but for the last one, which
takes more while it is small; once newer answers leave less than half of it, the rest moves on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .answers import as_line
from .exceptions import ArchiveError, ArgumentError, DamagedArchiveError
from .files import gzipped, write_aside
from .older import older_answers
from .records import BUNDLE_ANSWERS, BUNDLE_BYTES, Answer, DamageError, Opened, make_bundle, read_bundle, split
from .salvage import whole_answers

MAGIC = b"SQLite format 3\x00"
_APPLICATION_ID = 0x6C636E62  # "lcnb", in SQLite's field for it
_VERSION = 3
_BUSY_S = 30.0  # how long to wait for another process that is writing
_CHUNK = 500
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGE_SAID = ("no such ", "Could not decode", "has no column")  # what else SQLite says of a damaged file

# A job's number is that of its bundle, times 4,096, and its place there: so it keeps the order of arrival.
_PLACES = 4_096
_BLOCK_BYTES = 1 << 20  # of lines that are given at once: they and their columns stay in the processor's cache
_LAST = 1 << 50  # a number that no bundle reaches

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
CREATE TABLE about (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE TABLE bundles (
    number INTEGER PRIMARY KEY,
    codec TEXT NOT NULL,
    n_answers INTEGER NOT NULL,
    n_bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    digest BLOB NOT NULL
);
CREATE TABLE jobs (number INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, final INTEGER NOT NULL, updated_us INTEGER);
"""

# The newest answer wins; of equally new ones a final one, then the one that came last. Where either doesn't say when
# it was made, a final answer is the newer one: no job comes back from its end.
_PUT = """
INSERT INTO jobs (number, job_id, final, updated_us) VALUES (?, ?, ?, ?)
ON CONFLICT (job_id) DO UPDATE SET number = excluded.number, final = excluded.final, updated_us = excluded.updated_us
WHERE (ifnull(excluded.updated_us - jobs.updated_us, 0), excluded.final) >= (0, jobs.final)
"""
_PUT_BUNDLE = """
INSERT OR REPLACE INTO bundles (number, codec, n_answers, n_bytes, body, digest) VALUES (?, ?, ?, ?, ?, ?)
"""
_GET_BUNDLE = "SELECT number, codec, n_answers, n_bytes, body, digest FROM bundles WHERE number = ?"
_GET_LAST = "SELECT number, codec, n_answers, n_bytes, body, digest FROM bundles ORDER BY number DESC LIMIT 1"
_LAST_NUMBER = "SELECT ifnull(max(number), 0) FROM bundles"
# What stands in the table of jobs is read there, never in an index, which may be damaged where the table isn't.
_GET_BUNDLES = """
SELECT number, codec, n_answers, n_bytes, body, digest, (
    SELECT group_concat(job_id || final, ' ') FROM (
        SELECT job_id, final FROM jobs NOT INDEXED
        WHERE jobs.number BETWEEN bundles.number * 4096 AND bundles.number * 4096 + 4095 ORDER BY jobs.number
    )
) FROM bundles WHERE number BETWEEN ? AND ? ORDER BY number LIMIT 8
"""
_GET_JOBS = "SELECT number, job_id, final FROM jobs NOT INDEXED WHERE number BETWEEN ? AND ? ORDER BY number"
_FIND_JOBS = """
SELECT number, job_id, final FROM jobs NOT INDEXED
WHERE number IN (SELECT number FROM jobs WHERE job_id IN (SELECT value FROM json_each(?)))
"""
_FIND_BUNDLES = "SELECT DISTINCT number / 4096 FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"


class Archive:
    """The local file of raw answers: what came for each job, byte for byte, at about a tenth of its size.

    Parameters
    ----------
    path : path-like
        The file; it is made, readable for its owner only, if it isn't there.
    service : str, optional
        What the answers come from (:attr:`Client.service`). A new archive is bound to it; another's is refused. It
        says that answers will be put in, too: a file that can't be written is refused.

    Raises
    ------
    ArgumentError
        If ``path`` isn't one.
    ArchiveError
        If the file can't be opened, is a link, isn't an archive, is of a newer version, or of another service.
    DamagedArchiveError
        If it is damaged; so does every method, when it comes upon the damage.
    """

    def __init__(self, path: str | os.PathLike[str], *, service: str | None = None) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ArgumentError(f"archive is a {type(path).__name__}: give the path of a file")
        self.path = Path(path)
        is_new = _make_private(self.path)
        self._is_writable = _is_writable(self.path)
        if service is not None and not self._is_writable:
            raise ArchiveError(f"{self.path}: can't be written, nor could what is fetched be kept; check its mode")
        with self._named():
            # Another thread writes than the one that opened it; they never do so at once.
            self._database = sqlite3.connect(
                _address(self.path, self._is_writable),
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
                uri=True,
            )
        try:
            with self._named():
                self._prepare(is_new)
                self._bind(service)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_database"):
            self.close()

    def __len__(self) -> int:
        with self._named():
            return int(self._database.execute("SELECT count(*) FROM jobs").fetchone()[0])

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    @property
    def service(self) -> str | None:
        """What the answers come from; None: nothing was fetched into it."""
        with self._named():
            row = self._database.execute("SELECT value FROM about WHERE key = 'service'").fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none: they are on disk when this returns.

        An answer that is older than the one already here is passed over.
        """
        some = list(answers)
        with self._named(), self._transaction():
            outdated = self._bundles_of([answer.job_id for answer in some])
            self._add(some)
            for number in outdated:
                self._tidy(number)

    def _bundles_of(self, job_ids: Sequence[str]) -> list[int]:
        """Tell which bundles hold answers of these jobs."""
        chunks = _chunks(job_ids, 20 * _CHUNK)
        return sorted({row[0] for chunk in chunks for row in self._database.execute(_FIND_BUNDLES, [chunk])})

    def _add(self, answers: Sequence[Answer]) -> None:
        """Put answers into bundles: the last one, if it has room, and new ones."""
        last = self._database.execute(_GET_LAST).fetchone()
        if last and last[2] < BUNDLE_ANSWERS // 2 and last[3] < BUNDLE_BYTES // 2:
            self._write([*read_bundle(last[1:]).answers(), *answers], last[0], last[2])
        else:
            self._write(answers, last[0] + 1 if last else 1)

    def _write(self, answers: Iterable[Answer], number: int, n_known: int = 0) -> None:
        """Write bundles, numbered from ``number`` on; the table of jobs knows the first ``n_known`` answers already."""
        for bundle, some in enumerate(split(answers), start=number):
            self._database.execute(_PUT_BUNDLE, (bundle, *make_bundle(some)))
            rows = [
                (bundle * _PLACES + place, one.job_id, int(one.final), one.updated_us) for place, one in enumerate(some)
            ]
            self._database.executemany(_PUT, rows[n_known:])
            n_known = max(0, n_known - len(some))

    def _tidy(self, number: int) -> None:
        """Move on what is left of a bundle, where that is less than half; the last one waits until it is full."""
        (last,) = self._database.execute(_LAST_NUMBER).fetchone()
        for _, opened, places in self._bundles(number, number):
            if number < last and 2 * len(places) < len(opened.job_ids):
                self._add(list(opened.answers(places)))
                self._database.execute("DELETE FROM bundles WHERE number = ?", [number])

    def ids(self) -> list[str]:
        """Give the ids of all jobs, in the order in which their answers came."""
        with self._named():
            rows = self._database.execute("SELECT job_id FROM jobs NOT INDEXED ORDER BY number")
            return list(dict.fromkeys(row[0] for row in rows))

    def states(self, job_ids: Sequence[str]) -> dict[str, bool]:
        """Tell which of these jobs are here, and of each whether it is final."""
        query = "SELECT job_id, final FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"
        states: dict[str, bool] = {}
        with self._named():
            for chunk in _chunks(job_ids, 20 * _CHUNK):
                states.update((job_id, bool(final)) for job_id, final in self._database.execute(query, [chunk]))
        return states

    def bodies(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs, as they came and in this order; a job that isn't here is passed over."""
        for start in range(0, len(job_ids), _CHUNK):
            some = job_ids[start : start + _CHUNK]
            with self._named():
                found = {
                    opened.job_ids[place]: body
                    for opened, places in self._holding(some)
                    for place, body in zip(places, opened.bodies(places), strict=True)
                }
            yield from (found[job_id] for job_id in some if job_id in found)

    def blocks(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs as blocks of lines, in the order in which they came."""
        with self._named():
            yield from _joined(_lines(*one) for one in self._holding(job_ids))

    def all_blocks(self, seen: list[str]) -> Iterator[bytes]:
        """Give all answers as blocks of lines, in the order of :meth:`ids`; ``seen`` gets the ids of those given."""

        def lines() -> Iterator[bytes | memoryview]:
            for _, opened, places in self._bundles():
                yield _lines(opened, places)
                seen.extend(opened.job_ids[place] for place in places)

        with self._named():
            yield from _joined(lines())

    def all_answers(self) -> Iterator[Answer]:
        """Give all answers, as they came, in the order of :meth:`ids`."""
        with self._named():
            for _, opened, places in self._bundles():
                yield from opened.answers(places)

    def _bundles(self, first: int = 1, last: int = _LAST) -> Iterator[tuple[int, Opened, Sequence[int]]]:
        """Give the number of each bundle, what it holds, and which answers are the newest of their jobs, by places."""
        while rows := self._database.execute(_GET_BUNDLES, [first, last]).fetchall():
            first = rows[-1][0] + 1
            for number, *bundle, jobs in rows:
                opened = read_bundle(bundle)
                if jobs == opened.jobs:  # nearly always
                    yield number, opened, range(len(opened.job_ids))
                else:
                    begin = number * _PLACES
                    found = self._database.execute(_GET_JOBS, [begin, begin + _PLACES - 1])
                    yield number, opened, _places(opened, found)

    def _holding(self, job_ids: Sequence[str]) -> Iterator[tuple[Opened, list[int]]]:
        """Give the bundles that hold these jobs, in order, each with the places of the jobs in it."""
        chunks = _chunks(job_ids, 20 * _CHUNK)
        found = sorted(row for chunk in chunks for row in self._database.execute(_FIND_JOBS, [chunk]))
        for number, rows in itertools.groupby(found, lambda row: row[0] // _PLACES):
            bundle = self._database.execute(_GET_BUNDLE, [number]).fetchone()
            if bundle is None:
                raise DamageError("a bundle of answers is missing")
            opened = read_bundle(bundle[1:])
            yield opened, _places(opened, rows)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write all answers, as they came, to a file of JSON Lines, a job each; gzipped where its name ends in .gz.

        The same archive gives the same bytes. The file is readable by its owner only, and whole or not there.

        Parameters
        ----------
        path : path-like
            The file; what is there is replaced.

        Returns
        -------
        Path
            The file.
        """
        lines = (as_line(answer.body) + b"\n" for answer in self.all_answers())
        return write_aside(path, gzipped(lines) if str(path).lower().endswith(".gz") else lines)

    def compact(self) -> None:
        """Give the disk back what replaced answers took, and leave a single file, without a write-ahead log."""
        with self._named():
            with self._transaction():
                (last,) = self._database.execute(_LAST_NUMBER).fetchone()
                left = (opened.answers(places) for _, opened, places in self._bundles(1, last))
                self._write(itertools.chain.from_iterable(left), last + 1)
                self._database.execute("DELETE FROM bundles WHERE number <= ?", [last])
            self._database.execute("VACUUM")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _prepare(self, is_new: bool) -> None:
        if not is_new:
            with self._transaction("BEGIN"):  # another process may be making it: look at one moment of it
                is_ours = self._pragma("application_id") == _APPLICATION_ID
                is_empty = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if not is_ours and not is_empty:
                raise self._refusal()
            # One that was made a moment ago and never written, by a process that was killed, is an archive to be.
            is_new = not is_ours
        if is_new and not self._is_writable:
            raise ArchiveError(f"{self.path}: holds nothing yet, and can't be written")
        if self._is_writable:
            if is_new:
                self._database.execute("PRAGMA page_size = 16384")
            self._log_ahead()
            self._database.execute("PRAGMA synchronous = FULL")
            self._make_tables(is_new)
        version = self._pragma("user_version")
        if version > _VERSION:
            raise ArchiveError(f"{self.path}: written by a newer version of this package; update the package")
        if version < _VERSION:
            raise ArchiveError(f"{self.path}: of an older version, and can't be written; copy it to where it can")

    def _log_ahead(self) -> None:
        """Turn write-ahead logging on; where it can't work, on some network drives, SQLite keeps its older journal."""
        until = time.monotonic() + _BUSY_S
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:  # SQLite doesn't wait for a lock here as it does elsewhere
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def _make_tables(self, is_new: bool) -> None:
        if is_new:
            with self._transaction():
                if self._pragma("application_id") != _APPLICATION_ID:  # nobody else was quicker
                    self._run(_SCHEMA)
        elif self._pragma("user_version") < _VERSION:
            with self._transaction():
                if (version := self._pragma("user_version")) < _VERSION:
                    self._bring_up_to_date(version)

    def _bring_up_to_date(self, version: int) -> None:
        """Take over the answers of versions 1 and 2, which held each by itself."""
        answers = older_answers(self._database, version)
        for table in ("about", "jobs"):
            self._database.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        self._run(_SCHEMA)
        self._database.execute("INSERT INTO about SELECT key, value FROM old_about WHERE key = 'service'")
        self._write(answers, 1)
        for table in ("old_jobs", "old_about", *(("configurations",) if version == 1 else ("spares", "shared"))):
            self._database.execute(f"DROP TABLE {table}")

    def _run(self, statements: str) -> None:
        for statement in statements.split(";\n"):
            self._database.execute(statement)

    def _refusal(self) -> ArchiveError:
        """Say what a file is that isn't an archive: a damaged one, or something else."""
        if next(whole_answers(self.path), None) is not None:
            return DamagedArchiveError(f"{self.path}: damaged: its header is not that of an archive")
        return ArchiveError(f"{self.path}: not an archive of classify jobs; give another path")

    def _bind(self, service: str | None) -> None:
        if service is None:
            return
        with self._transaction():
            self._database.execute("INSERT INTO about VALUES ('service', ?) ON CONFLICT DO NOTHING", [service])
        (bound,) = self._database.execute("SELECT value FROM about WHERE key = 'service'").fetchone()
        if bound != service:
            raise ArchiveError(
                f"{self.path}: holds jobs of {bound}, and this client reads {service}; use one archive for each"
            )

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        self._database.execute(begin)
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, which name the file."""
        try:
            yield
        except (DamageError, UnicodeDecodeError, TypeError) as error:  # the latter two where damage shows in a value
            raise self._damaged(error) from None
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE or str(error).startswith(_DAMAGE_SAID):
                raise self._damaged(error) from None
            raise ArchiveError(f"{self.path}: {error}; what was stored before is kept") from None

    def _damaged(self, error: Exception) -> DamagedArchiveError:
        return DamagedArchiveError(
            f"{self.path}: damaged ({error}); fetch_jobs with this archive moves it aside, keeps what is whole, and "
            "asks again for the rest"
        )


def is_archive(start: bytes) -> bool:
    """Whether a file that starts so is a SQLite file."""
    return start.startswith(MAGIC)


def _chunks(job_ids: Sequence[str], size: int) -> Iterator[str]:
    """Give ids as texts of JSON: one parameter holds any number of them."""
    for start in range(0, len(job_ids), size):
        yield json.dumps(list(job_ids[start : start + size]))


def _places(opened: Opened, rows: Iterable[tuple[int, str, int]]) -> list[int]:
    """Give the places of jobs in a bundle, and see that it holds what the table of jobs says."""
    places = []
    for number, job_id, final in rows:
        opened.check(number % _PLACES, job_id, final)
        places.append(number % _PLACES)
    return places


def _lines(opened: Opened, places: Sequence[int]) -> bytes | memoryview:
    lines = opened.lines if len(places) == len(opened.job_ids) else None
    return b"\n".join(map(as_line, opened.bodies(places))) if lines is None else lines


def _joined(parts: Iterator[bytes | memoryview]) -> Iterator[bytes]:
    """Join lines into blocks of about 1 MiB; what came before an error is given before it."""
    some: list[bytes | memoryview] = []
    try:
        for part in parts:
            some.append(part)
            if sum(map(len, some)) >= _BLOCK_BYTES:
                yield b"\n".join(some)
                some = []
    except (DamageError, sqlite3.Error):
        yield b"\n".join(some)
        raise
    yield b"\n".join(some)


def _address(path: Path, is_writable: bool) -> str:
    """Give SQLite's address of a file: one that can't be written is taken as it is, with its log if there is one."""
    if is_writable:
        return f"{path.absolute().as_uri()}?mode=rw"
    log = path.with_name(path.name + "-wal")
    return f"{path.absolute().as_uri()}?mode=ro{'' if log.exists() else '&immutable=1'}"


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)


def _make_private(path: Path) -> bool:
    """Make the file, for its owner only from the first moment; tell whether it is new. Follow no link."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except FileExistsError:
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode) or (stat.S_ISREG(state.st_mode) and state.st_nlink > 1):
            raise ArchiveError(f"{path}: a link, which an archive never follows; give the file itself") from None
        if not stat.S_ISREG(state.st_mode):
            raise ArchiveError(f"{path}: not a file; give the path of a file") from None
        with _openly(path), path.open("rb") as file:
            start = file.read(len(MAGIC))
        if start and not is_archive(start):
            if next(whole_answers(path), None) is not None:
                raise DamagedArchiveError(f"{path}: damaged: its first bytes are not those of an archive") from None
            raise ArchiveError(f"{path}: not an archive of classify jobs; give another path") from None
        return False
    except (OSError, ValueError) as error:  # a name may hold what no name can
        reason = getattr(error, "strerror", error)
        raise ArchiveError(f"{path}: can't be made: {reason}; its folder must be there, and be writable") from None
    return True


@contextlib.contextmanager
def _openly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror}") from None
