"""A JobSet: jobs from a fetch or a file, as tables, with the answers they were made of."""

from __future__ import annotations

import datetime as dt
import html
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from . import answers, frames, reading, schema
from .archive import Archive
from .blocking import run_blocking
from .client import Client
from .exceptions import ArgumentError, FetchInterrupted, ReadError
from .fetch import Fetch, Fetched, Filters, ProblemRow
from .ids import Asked, read_ids
from .progress import Progress, ProgressBar


class JobSet:
    """Jobs as tables. Made by :func:`fetch_jobs`, :func:`read_jobs` and :func:`load_sample`.

    Attributes
    ----------
    jobs : DataFrame
        A row per job, in the order asked for or read; columns as in ``schema.JOBS``.
    rules : DataFrame
        A row per rule of each distinct rule set; columns as in ``schema.RULES``.
    problems : DataFrame
        A row for each thing asked for or read that isn't a row of ``jobs``, and why; columns as in ``schema.PROBLEMS``.
    notes : tuple of str
        What else is worth knowing of how this came about.
    n_requests : int
        Requests that were made for it.
    """

    def __init__(
        self,
        tables: frames.Tables,
        bodies: Callable[[str], Iterable[bytes]],
        *,
        problems: Iterable[ProblemRow] = (),
        notes: Iterable[str] = (),
        n_requests: int = 0,
    ) -> None:
        self.jobs, self.rules = tables.jobs, tables.rules
        self.problems = frames.problems_table([*tables.problem_rows, *problems])
        self.notes = (*notes, *_reading_notes(tables))
        self.n_requests = n_requests
        self._bodies = bodies

    def __len__(self) -> int:
        return len(self.jobs)

    def job_rules(self) -> pd.DataFrame:
        """Give the long table: a row per job and rule of its rule set; columns as in ``schema.JOB_RULES``."""
        return frames.job_rules_table(self.jobs, self.rules)

    def raw(self, job_id: str) -> dict[str, Any]:
        """Give the answer for one job as the API gave it.

        Raises
        ------
        ArgumentError
            If there is no such job here.
        """
        newest = answers.newest(self._bodies(job_id), job_id)
        if newest is None:
            raise ArgumentError(f"job_id is {answers.printable(repr(job_id), 80)}: this JobSet has no such job")
        return dict(json.loads(newest))

    def summary(self) -> pd.DataFrame:
        """Count the jobs, and the problems, in every way that has a name.

        Returns
        -------
        DataFrame
            ``table`` (jobs or problems), ``column`` (outcome, status, type, configuration_id, kind), ``value``
            (missing: none), ``count``, and ``share`` of the rows of that table. Of what doesn't occur, only outcomes
            have a row.
        """
        rows: list[tuple[str, str, Any, int, float]] = []
        counted = [(self.jobs, "jobs", name) for name in ("outcome", "status", "type", "configuration_id")]
        for frame, table, column in [*counted, (self.problems, "problems", "kind")]:
            counts = frame[column].value_counts(sort=False, dropna=False)
            rows.extend(
                (table, column, value, int(count), count / len(frame) if len(frame) else float("nan"))
                for value, count in counts.items()
                if count or column == "outcome"
            )
        names = ("table", "column", "value", "count", "share")
        dtypes = ("str", "str", "str", "int64", "float64")
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return pd.DataFrame(
            {
                name: pd.Series(list(values), dtype=schema.TEXT if dtype == "str" else dtype)
                for name, dtype, values in zip(names, dtypes, columns, strict=True)
            }
        )

    def __repr__(self) -> str:
        return "\n".join(f"{name:<9} {text}" for name, text in self._lines())

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._lines()
        )
        return f"<table>{cells}</table>"

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Tell the state in five lines."""
        requests = _n(self.n_requests, "request") if self.n_requests else "no request"
        yield "JobSet", f"{_n(len(self.jobs), 'job')}, {requests} made"
        yield "outcomes", _counts(self.jobs["outcome"]) or "none"
        n_sets, n_presets = self.rules["rule_set"].nunique(), self.jobs["configuration_id"].nunique()
        yield "rules", f"{len(self.rules):,} in {_n(n_sets, 'rule set')}, of {_n(n_presets, 'saved configuration')}"
        yield "problems", f"{len(self.problems):,} ({_counts(self.problems['kind'])})" if len(self.problems) else "none"
        yield "notes", "; ".join(self.notes) or "none"


def fetch_jobs(
    ids: Any = None,
    *,
    client: Client | None = None,
    archive: str | os.PathLike[str] | None = None,
    status: str | None = None,
    configuration_id: str | None = None,
    created_after: str | dt.datetime | None = None,
    created_before: str | dt.datetime | None = None,
    project_id: str | None = None,
    organization_id: str | None = None,
    limit: int | None = None,
    refresh: bool = False,
    progress: bool = True,
) -> JobSet:
    """Fetch jobs from the service, in bulk: known ids, or whatever the filters find.

    Parameters
    ----------
    ids : iterable of str, or path-like, optional
        The jobs: a list, Series, Index, generator, or a text file with an id a line. Without ids, the filters say
        which; without those, all jobs of the project.
    client : Client, optional
        By default one made of the environment.
    archive : path-like, optional
        A file to keep the answers in. Finished jobs that are in it aren't asked for again, so that a fetch that was
        stopped goes on where it was, and a second one is free. By default nothing is kept.
    status : str, optional
        One of PENDING, RUNNING, COMPLETED, FAILED, CANCELLED.
    configuration_id : str, optional
        Id of a saved configuration.
    created_after, created_before : str or datetime, optional
        First and last moment of creation, both included; without a zone UTC, a date alone is its first moment.
    project_id, organization_id : str, optional
        By default those of the client.
    limit : int, optional
        Most jobs to fetch.
    refresh : bool
        Whether to ask for finished jobs of the archive again.
    progress : bool
        Whether to show how far it is, on the standard error output.

    Returns
    -------
    JobSet
        With a row of ``problems`` for each id that isn't a row of ``jobs``: ``len(jobs) + len(problems)`` is the number
        of distinct ids asked for. A job that is still running is a row, outcome unfinished; nothing is waited for.

    Raises
    ------
    ArgumentError
        If an argument can't be right, or there is no key; nothing was requested then.
    ArchiveError
        If the archive can't be used, or written: what was stored stays.
    FetchInterrupted
        If it was stopped by hand; the error's ``partial`` is the JobSet of what had arrived.
    """
    filters = Filters(
        _status(status),
        _text("configuration_id", configuration_id),
        _moment("created_after", created_after),
        _moment("created_before", created_before),
    )
    if ids is not None and any(filters):
        raise ArgumentError("ids and a filter are both given: give ids, or filters")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise ArgumentError(f"limit is {limit!r}: give a whole number of jobs, 0 or more")
    if client is not None and not isinstance(client, Client):
        raise ArgumentError(f"client is a {type(client).__name__}: give a Client, or leave it out")
    asked = None if ids is None else read_ids(ids)
    reader = (client or Client()).scoped(project_id=project_id, organization_id=organization_id)
    store = Archive(archive, service=reader.service)
    try:
        return _fetched(reader, store, asked, filters, limit, refresh=refresh, shown=progress)
    finally:
        if archive is not None:
            store.close()


def _fetched(
    client: Client,
    archive: Archive,
    asked: Asked | None,
    filters: Filters,
    limit: int | None,
    *,
    refresh: bool,
    shown: bool,
) -> JobSet:
    progress = Progress()
    fetch = Fetch(client, archive, progress, refresh=refresh)
    bar = ProgressBar(progress, shown=shown)

    async def main() -> None:
        if asked is None:
            await fetch.by_filters(filters, limit)
        else:
            await fetch.by_ids(asked.job_ids[:limit])

    stopped = False
    with bar:
        try:
            run_blocking(main, on_step=bar.draw)
        except KeyboardInterrupt:
            stopped = True
    jobset = _collected(archive, fetch.finish(), asked)
    where = f", kept in {archive.path}" if archive.path else ""
    bar.close(
        f"{'stopped: ' if stopped else ''}{_n(len(jobset), 'job')} and {_n(len(jobset.problems), 'problem')} in "
        f"{bar.elapsed_s:.1f} s, {_n(jobset.n_requests, 'request')}{where}"
    )
    if stopped:
        raise FetchInterrupted(jobset) from None
    return jobset


def _collected(archive: Archive, fetched: Fetched, asked: Asked | None) -> JobSet:
    tables = frames.read_tables(reading.archive_blocks(archive, fetched.job_ids))
    invalid: list[ProblemRow] = []
    if asked is not None:
        invalid = [(job_id, "invalid_id", None, reason, False, 0) for job_id, reason in asked.invalid]

    def bodies(job_id: str) -> Iterable[bytes]:
        if archive.path is None:
            return archive.bodies([job_id])
        with Archive(archive.path) as again:
            return list(again.bodies([job_id]))

    return JobSet(
        tables,
        bodies,
        problems=[*fetched.problems, *invalid],
        notes=[*(asked.notes if asked else ()), *fetched.notes],
        n_requests=fetched.n_requests,
    )


def read_jobs(path: str | os.PathLike[str]) -> JobSet:
    """Read jobs from files, without any request.

    Parameters
    ----------
    path : path-like
        A file of jobs in JSON (one job, a list, or a page of the list call), in JSON Lines, either of them gzipped; an
        archive; or a folder of such files.

    Returns
    -------
    JobSet
        In the order read; of several answers of one job the newest. What isn't a job is a row of ``problems``.

    Raises
    ------
    ReadError
        If there is no such file, or nothing of it can be read. If only a part can't, that part is a row of
        ``problems``.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is a {type(path).__name__}: give the path of a file or folder")
    damaged: list[ReadError] = []
    tables = frames.read_tables(reading.read_blocks(path, damaged))
    if damaged and not len(tables.jobs):
        raise damaged[0]

    def bodies(job_id: str) -> Iterator[bytes]:
        needle = json.dumps(job_id)[1:-1].encode()
        for block in reading.read_blocks(path, []):
            if needle in block or not job_id.isascii():
                yield from block.split(b"\n")

    problems: list[ProblemRow] = [(None, "invalid_answer", None, str(error), False, 0) for error in damaged]
    return JobSet(tables, bodies, problems=problems)


def load_sample() -> JobSet:
    """Give the bundled JobSet: 5,992 jobs of 2,482 scanned business pages.

    The files, types, confidences and failures are real; ids and times are not. ``data/README.md`` tells all.
    """
    from .demo import sample_path

    return read_jobs(sample_path())


def _reading_notes(tables: frames.Tables) -> Iterator[str]:
    if tables.n_repeated:
        yield f"{_n(tables.n_repeated, 'older answer')} of jobs that came more than once left out"
    if tables.n_odd_times:
        yield f"{_n(tables.n_odd_times, 'time')} could not be read: missing, with the text kept in extra"
    known = set(schema.STATUSES)
    if odd := [status for status in tables.jobs["status"].cat.categories if status not in known]:
        yield f"statuses that are not documented count as unfinished: {', '.join(map(answers.printable, odd))}"


def _n(count: int, noun: str) -> str:
    """Give a count with its noun, in the singular or plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _counts(column: pd.Series) -> str:
    counts = column.value_counts(sort=False)
    return ", ".join(f"{value} {count:,}" for value, count in counts.items() if count)


def _status(status: str | None) -> str | None:
    if status is None:
        return None
    if not isinstance(status, str) or status.strip().upper() not in schema.STATUSES:
        raise ArgumentError(
            f"status is {answers.printable(repr(status), 60)}: give one of {', '.join(schema.STATUSES)}"
        )
    return status.strip().upper()


def _text(name: str, value: str | None) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(f"{name} is {answers.printable(repr(value), 60)}: give an id as text")
    return value and value.strip()


def _moment(name: str, value: str | dt.datetime | None) -> str | None:
    if value is None:
        return None
    try:
        moment = pd.Timestamp(value)
        if pd.isna(moment):
            raise ValueError
    except (ValueError, TypeError):
        shown = answers.printable(repr(value), 60)
        raise ArgumentError(f"{name} is {shown}: give a time such as '2026-01-31' or '2026-01-31T12:00:00Z'") from None
    moment = moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
    return moment.isoformat().replace("+00:00", "Z")
