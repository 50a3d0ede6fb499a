"""Raw answers on disk: one SQLite file, the newest answer of each job, safe against being killed at any moment.

A page of answers is one transaction, on disk before :meth:`Archive.put` returns; others may read while a fetch writes.
What a row holds is told in ``records.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .answers import as_line
from .exceptions import ArchiveError, ArgumentError, DamagedArchiveError
from .files import write_aside
from .records import (
    DICTIONARY_BYTES,
    Answer,
    DamageError,
    make_dictionary,
    make_record,
    read_record,
    shared_digest,
)
from .salvage import whole_answers

MAGIC = b"SQLite format 3\x00"
_APPLICATION_ID = 0x6C636E62  # "lcnb", in SQLite's field for it
_VERSION = 2
_BUSY_S = 30.0  # how long to wait for another process that is writing
_CHUNK = 500
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DAMAGE_SAID = ("no such ", "Could not decode", "has no column")  # what else SQLite says of a damaged file

# A job's number keeps the order of arrival. Rows are narrow and bodies wide, hence ordinary rowid tables. The second
# copy of each shared part, in pages of its own, is for salvage: one damaged byte must not take a million jobs along.
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
CREATE TABLE about (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
CREATE TABLE shared (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE spares (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    final INTEGER NOT NULL,
    updated_us INTEGER,
    configuration INTEGER NOT NULL REFERENCES shared,
    place INTEGER NOT NULL,
    dictionary INTEGER REFERENCES shared,
    body BLOB NOT NULL,
    digest BLOB NOT NULL
);
"""

# The newest answer wins; of equally new ones a final one, then the one that came last. Where either doesn't say when
# it was made, a final answer is the newer one: no job comes back from its end.
_PUT = """
INSERT INTO jobs (job_id, final, updated_us, configuration, place, dictionary, body, digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (job_id) DO UPDATE SET final = excluded.final, updated_us = excluded.updated_us,
    configuration = excluded.configuration, place = excluded.place, dictionary = excluded.dictionary,
    body = excluded.body, digest = excluded.digest
WHERE (ifnull(excluded.updated_us - jobs.updated_us, 0), excluded.final) >= (0, jobs.final)
"""
# What the digest covers is read from the table, never from an index, which may be damaged where the table isn't.
_GET = """
SELECT job_id, final, updated_us, configuration, place, dictionary, body, digest FROM jobs NOT INDEXED
WHERE number IN (SELECT number FROM jobs WHERE job_id IN (SELECT value FROM json_each(?)))
"""
_GET_ALL = """
SELECT number, job_id, final, updated_us, configuration, place, dictionary, body, digest FROM jobs NOT INDEXED
WHERE number > ? ORDER BY number LIMIT ?
"""


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
        self._numbers: dict[bytes, int] = {}  # of shared parts, by digest
        self._dictionary: tuple[int, bytes] | None = None
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

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none: they are on disk when this returns.

        An answer that is older than the one already here is passed over.
        """
        some = list(answers)
        with self._named(), self._transaction():
            numbers = self._share(answer.configuration for answer in some)
            self._train(some)
            self._database.executemany(
                _PUT, [make_record(answer, numbers[answer.configuration], self._dictionary) for answer in some]
            )

    def _share(self, parts: Iterable[bytes]) -> dict[bytes, int]:
        """Give the number of each shared part, and keep those that are new."""
        numbers: dict[bytes, int] = {}
        for part in parts:
            if part not in numbers:
                digest = shared_digest(part)
                if digest not in self._numbers:
                    values = (digest, part)
                    added = self._database.execute(
                        "INSERT INTO shared (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING", values
                    ).rowcount
                    found = self._database.execute("SELECT number FROM shared WHERE digest = ?", [digest])
                    (self._numbers[digest],) = found.fetchone()
                    if added:
                        self._database.execute("INSERT INTO spares VALUES (?, ?, ?)", (self._numbers[digest], *values))
                numbers[part] = self._numbers[digest]
        return numbers

    def _train(self, answers: Sequence[Answer]) -> None:
        """See to a dictionary; one of too few answers is replaced by a better one."""
        if self._dictionary and len(self._dictionary[1]) > DICTIONARY_BYTES // 2:
            return
        dictionary = make_dictionary(answers)
        if len(dictionary) > len(self._dictionary[1] if self._dictionary else b""):
            number = self._share([dictionary])[dictionary]
            self._database.execute("INSERT OR REPLACE INTO about VALUES ('dictionary', ?)", [str(number)])
            self._dictionary = number, dictionary

    def ids(self) -> list[str]:
        """Give the ids of all jobs, in the order in which they first came."""
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
        shared = self._shared()
        for chunk in _chunks(job_ids, _CHUNK):
            with self._named():
                found = [read_record(row, shared) for row in self._database.execute(_GET, [chunk])]
            bodies = {answer.job_id: answer.body for answer in found}
            yield from (bodies[job_id] for job_id in json.loads(chunk) if job_id in bodies)

    def all_answers(self) -> Iterator[Answer]:
        """Give all answers, as they came, in the order of :meth:`ids`."""
        shared, last = self._shared(), 0
        while True:
            with self._named():
                rows = self._database.execute(_GET_ALL, [last, _CHUNK]).fetchall()
                answers = [read_record(row[1:], shared) for row in rows]
            if not rows:
                return
            last = rows[-1][0]
            yield from answers

    def _shared(self) -> Mapping[int, bytes]:
        with self._named():
            rows = self._database.execute("SELECT number, digest, body FROM shared").fetchall()
            spares = self._database.execute("SELECT number, digest, body FROM spares").fetchall()
            return {number: body for number, digest, body in [*spares, *rows] if shared_digest(body) == digest}

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
        return write_aside(path, _gzipped(lines) if str(path).lower().endswith(".gz") else lines)

    def compact(self) -> None:
        """Give the disk back what replaced answers took, and leave a single file, without a write-ahead log."""
        with self._named():
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
        found = self._database.execute(
            "SELECT number, body FROM shared JOIN about ON key = 'dictionary' AND number = CAST(value AS INTEGER)"
        )
        self._dictionary = found.fetchone()

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
        elif self._pragma("user_version") == 1:
            with self._transaction():
                if self._pragma("user_version") == 1:
                    self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Take over the tables of version 1, which neither packed answers nor had digests."""
        for table in ("about", "jobs"):
            self._database.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        self._run(_SCHEMA)
        self._database.execute("INSERT INTO about SELECT key, value FROM old_about")
        for statement in ("INSERT INTO shared SELECT * FROM configurations", "INSERT INTO spares SELECT * FROM shared"):
            self._database.execute(statement)
        rows = self._database.execute(
            "SELECT job_id, final, updated_us, configuration, place, old_jobs.body, configurations.body "
            "FROM old_jobs JOIN configurations ON configurations.number = configuration ORDER BY old_jobs.number"
        )
        while chunk := rows.fetchmany(_CHUNK):
            records = []
            for job_id, final, updated_us, number, place, body, configuration in chunk:
                answer = Answer(job_id, body, place, configuration, updated_us, bool(final))
                records.append(make_record(answer, number, None))
            self._database.executemany(_PUT, records)
        for table in ("old_jobs", "configurations", "old_about"):
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
            self._numbers.clear()
            self._dictionary = None
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


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # with gzip's header, which then holds no time
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


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
        raise ArchiveError(f"{path}: can't be made: {getattr(error, 'strerror', error)}") from None
    return True


@contextlib.contextmanager
def _openly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror}") from None
