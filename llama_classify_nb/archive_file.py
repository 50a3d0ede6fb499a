"""The file of an archive: made for its owner only, known for what it is, brought up to date, named in every error."""

from __future__ import annotations

import abc
import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from .exceptions import ArchiveError, ArgumentError, DamagedArchiveError
from .older import older_answers
from .records import Answer, DamageError
from .salvage import whole_answers

MAGIC = b"SQLite format 3\x00"
_APPLICATION_ID = 0x6C636E62  # "lcnb", in SQLite's field for it
_VERSION = 3
_BUSY_S = 30.0  # how long to wait for another process that is writing
_GLANCE_S = 0.1  # how long to wait for it at a time, where the wait may be cut short
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGE_SAID = ("no such ", "Could not decode", "has no column")  # what else SQLite says of a damaged file

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


class ArchiveFile(abc.ABC):
    """A SQLite file that is an archive, opened; what stands in it is the business of :class:`Archive`."""

    def __init__(self, path: str | os.PathLike[str], *, service: str | None = None) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ArgumentError(f"archive is a {type(path).__name__}: give the path of a file")
        self.path = Path(path)
        is_new = _make_private(self.path)
        self._is_writable = _is_writable(self.path)
        self._is_hurried = self._is_closing = False
        self._use = threading.RLock()  # a database that is closed while it is used takes the process with it
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

    @property
    def service(self) -> str | None:
        """What the answers come from; None: nothing was fetched into it."""
        with self._named():
            return self._bound()

    def hurry(self) -> None:
        """Wait no longer for other processes: what can't be written now raises :class:`ArchiveError`.

        Any thread may call it.
        """
        self._is_hurried = True

    def close(self) -> None:
        """Close the file; where another thread is at work on it, that thread does it when it has ended."""
        self._is_closing = True
        self.hurry()
        if self._use.acquire(blocking=False):
            self._database.close()
            self._use.release()

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        """Keep it open meanwhile."""
        try:
            with self._use:
                yield
        finally:
            if self._is_closing:
                self.close()

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
            # Where a log ahead can't work, on some network drives, SQLite keeps its older journal.
            self._patiently("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._make_tables(is_new)
        version = self._pragma("user_version")
        if version > _VERSION:
            raise ArchiveError(f"{self.path}: written by a newer version of this package; update the package")
        if version < _VERSION:
            raise ArchiveError(f"{self.path}: of an older version, and can't be written; copy it to where it can")

    def _patiently(self, statement: str) -> None:
        """Wait for another process that is writing, in short waits: the stop button can't end one of SQLite's own."""
        until = time.monotonic() + _BUSY_S
        self._database.execute(f"PRAGMA busy_timeout = {1_000 * _GLANCE_S:.0f}")
        try:
            while True:
                try:
                    self._database.execute(statement)
                    return
                except sqlite3.OperationalError as error:
                    is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not is_busy or self._is_hurried or time.monotonic() > until:
                        raise
                time.sleep(0.02)  # SQLite doesn't wait at all where the journal is changed
        finally:
            self._database.execute(f"PRAGMA busy_timeout = {1_000 * _BUSY_S:.0f}")

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
        self._take_over(answers)
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
        bound = self._bound()
        if bound is None:  # the lock is taken only here: nobody waits for another writer just to open an archive
            with self._transaction():
                self._database.execute("INSERT INTO about VALUES ('service', ?) ON CONFLICT DO NOTHING", [service])
            bound = self._bound()
        if bound != service:
            raise ArchiveError(
                f"{self.path}: holds jobs of {bound}, and this client reads {service}; use one archive for each"
            )

    def _bound(self) -> str | None:
        row = self._database.execute("SELECT value FROM about WHERE key = 'service'").fetchone()
        return None if row is None else str(row[0])

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
        self._patiently(begin)
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

    @abc.abstractmethod
    def _take_over(self, answers: Iterable[Answer]) -> None:
        """Put the answers of an older version where they belong now."""


def is_archive(start: bytes) -> bool:
    """Whether a file that starts so is a SQLite file."""
    return start.startswith(MAGIC)


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
