"""Raw answers on disk: one SQLite file, the newest answer of each job, safe against being killed at any moment.

An answer is stored as the bytes that came, but for its configuration: a million jobs share a handful, so each distinct
one is stored once and put back, byte for byte, on reading. A page of answers is one transaction, on disk before
:meth:`Archive.put` returns; others may read while a fetch writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from .exceptions import ArchiveError, ArgumentError

MAGIC = b"SQLite format 3\x00"
_APPLICATION_ID = 0x6C636E62  # "lcnb", in SQLite's field for it
_VERSION = 1
_BUSY_S = 30.0  # how long to wait for another process that is writing
_CHUNK = 500

# The job's number keeps the order of arrival. Rows are narrow and bodies wide, hence an ordinary rowid table.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE configurations (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    final INTEGER NOT NULL,       -- 1: the job has ended and won't change
    updated_us INTEGER,           -- updated_at in microseconds since 1970; NULL: not stated
    configuration INTEGER NOT NULL REFERENCES configurations,
    place INTEGER NOT NULL,       -- where in the body the configuration was cut out
    body BLOB NOT NULL            -- the answer without its configuration
);
"""

# The newest answer wins; of equally new ones a final one, then the one that came last. Where either doesn't say when
# it was made, a final answer is the newer one: no job comes back from its end.
_PUT = """
INSERT INTO jobs (job_id, final, updated_us, configuration, place, body)
VALUES (?, ?, ?, (SELECT number FROM configurations WHERE digest = ?), ?, ?)
ON CONFLICT (job_id) DO UPDATE SET final = excluded.final, updated_us = excluded.updated_us,
    configuration = excluded.configuration, place = excluded.place, body = excluded.body
WHERE (ifnull(excluded.updated_us - jobs.updated_us, 0), excluded.final) >= (0, jobs.final)
"""


class Answer(NamedTuple):
    """An answer to keep."""

    job_id: str
    body: bytes
    configuration: bytes  # the part of the body that is its configuration
    updated_us: int | None
    final: bool


class Archive:
    """The local file of raw answers.

    Parameters
    ----------
    path : path-like or None
        The file; it is made, readable for its owner only, if it isn't there. None: in memory, gone with the object.
    service : str, optional
        What the answers come from (:attr:`Client.service`). A new archive is bound to it; another's is refused.

    Raises
    ------
    ArgumentError
        If ``path`` isn't one.
    ArchiveError
        If the file can't be opened, is a link, isn't an archive, is of a newer version, or of another service.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, service: str | None = None) -> None:
        if path is not None and not isinstance(path, str | os.PathLike):
            raise ArgumentError(f"archive is a {type(path).__name__}: give the path of a file, or None")
        self.path = None if path is None else Path(path)
        self._name = str(self.path) if self.path else "archive in memory"
        is_new = self.path is None or _make_private(self.path)
        with self._named():
            # Another thread writes than the one that opened it; they never do so at once.
            self._database = sqlite3.connect(
                self.path.absolute() if self.path else ":memory:",
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
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
        return f"Archive({self._name!r})"

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none: they are on disk when this returns.

        An answer that is older than the one already here is passed over.
        """
        digests: dict[bytes, bytes] = {}
        rows = []
        for answer in answers:
            digest = digests.get(answer.configuration)
            if digest is None:
                digest = digests[answer.configuration] = hashlib.sha256(answer.configuration).digest()
            place = answer.body.index(answer.configuration)
            body = answer.body[:place] + answer.body[place + len(answer.configuration) :]
            rows.append((answer.job_id, answer.final, answer.updated_us, digest, place, body))
        with self._named(), self._transaction():
            self._database.executemany(
                "INSERT INTO configurations (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(digest, configuration) for configuration, digest in digests.items()],
            )
            self._database.executemany(_PUT, rows)

    def ids(self) -> list[str]:
        """Give the ids of all jobs, in the order in which they first came."""
        with self._named():
            return [row[0] for row in self._database.execute("SELECT job_id FROM jobs ORDER BY number")]

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
        with self._named():
            configurations = dict(self._database.execute("SELECT number, body FROM configurations"))
        query = "SELECT job_id, configuration, place, body FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"
        for chunk in _chunks(job_ids, _CHUNK):
            with self._named():
                rows = {row[0]: row[1:] for row in self._database.execute(query, [chunk])}
            for job_id in json.loads(chunk):
                if job_id in rows:
                    number, place, body = rows[job_id]
                    yield b"".join((body[:place], configurations[number], body[place:]))

    def _prepare(self, is_new: bool) -> None:
        if not is_new and self._pragma("application_id") != _APPLICATION_ID:
            # A file that was made a moment ago and never written, by a process that was killed: an archive to be.
            if self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise ArchiveError(f"{self._name}: not an archive of classify jobs; give another path")
            is_new = True
        if is_new:
            self._database.execute("PRAGMA page_size = 16384")
        # Where write-ahead logging can't work, on some network drives, SQLite keeps its older journal by itself.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        if is_new:
            with self._transaction():
                if self._pragma("application_id") != _APPLICATION_ID:  # nobody else was quicker
                    for statement in _SCHEMA.split(";\n"):
                        self._database.execute(statement)
        if self._pragma("user_version") > _VERSION:
            raise ArchiveError(f"{self._name}: written by a newer version of this package; update the package")

    def _bind(self, service: str | None) -> None:
        if service is None:
            return
        with self._transaction():
            self._database.execute("INSERT INTO about VALUES ('service', ?) ON CONFLICT DO NOTHING", [service])
        (bound,) = self._database.execute("SELECT value FROM about WHERE key = 'service'").fetchone()
        if bound != service:
            raise ArchiveError(
                f"{self._name}: holds jobs of {bound}, and this client reads {service}; use one archive for each"
            )

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
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
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where damage shows in a text
            raise ArchiveError(f"{self._name}: {error}; what was stored before is kept") from None


def is_archive(start: bytes) -> bool:
    """Whether a file that starts so is a SQLite file."""
    return start.startswith(MAGIC)


def _chunks(job_ids: Sequence[str], size: int) -> Iterator[str]:
    """Give ids as texts of JSON: one parameter holds any number of them."""
    for start in range(0, len(job_ids), size):
        yield json.dumps(list(job_ids[start : start + size]))


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
            raise ArchiveError(f"{path}: not an archive of classify jobs; give another path") from None
        return False
    except (OSError, ValueError) as error:  # a name may hold what no name can
        raise ArchiveError(f"{path}: can't be made: {getattr(error, 'strerror', error)}") from None
    return True


@contextlib.contextmanager
def _openly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror}") from None
