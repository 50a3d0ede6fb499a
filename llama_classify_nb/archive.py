"""Raw answers on disk: one SQLite file, the newest answer of each job, safe against being killed at any moment.

A page of answers is one transaction, on disk before :meth:`Archive.put` returns; others may read while a fetch writes.
Answers lie in bundles, of which ``records.py`` tells. A bundle stays as it was written, but for the last one, which
takes more while it is small; once newer answers leave less than half of it, the rest moves on.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .answers import as_line
from .archive_file import ArchiveFile
from .files import gzipped, write_aside
from .records import BUNDLE_ANSWERS, BUNDLE_BYTES, Answer, DamageError, Opened, make_bundle, read_bundle, split

_CHUNK = 500

# A job's number is that of its bundle, times 4,096, and its place there: so it keeps the order of arrival.
_PLACES = 4_096
_BLOCK_BYTES = 1 << 20  # of lines that are given at once: they and their columns stay in the processor's cache
_LAST = 1 << 50  # a number that no bundle reaches

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


class Archive(ArchiveFile):
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

    def __len__(self) -> int:
        with self._named():
            return int(self._database.execute("SELECT count(*) FROM jobs").fetchone()[0])

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none: they are on disk when this returns.

        An answer that is older than the one already here is passed over.
        """
        some = list(answers)
        with self._used(), self._named(), self._transaction():
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

    def _take_over(self, answers: Iterable[Answer]) -> None:
        self._write(answers, 1)

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
        with self._used(), self._named():
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
