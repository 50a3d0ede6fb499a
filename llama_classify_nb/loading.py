"""The ways from the service to a JobSet."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from . import frames
from .archive import Archive
from .blocking import run_blocking
from .client import Client
from .exceptions import ArgumentError, DamagedArchiveError, FetchInterrupted
from .fetch import Fetch, Fetched
from .fetch_arguments import checked_filters, checked_number, checked_refresh, checked_width
from .ids import Asked, read_ids
from .jobset import JobSet, plural
from .memory import MemoryArchive, Store
from .pacing import WIDTH, Pace
from .progress import Progress, ProgressBar
from .rescue import rescue
from .shared_pace import SharedRate
from .singles import ProblemRow


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
    refresh: str | bool = "unfinished",
    time_budget_s: float | None = None,
    retry_budget: int | None = None,
    width: int = WIDTH,
    pace: str | os.PathLike[str] | None = None,
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
    refresh : {"unfinished", "all", "none"}
        Which jobs of the archive to ask for again. True and False are short for "all" and "unfinished".
    time_budget_s : float, optional
        Seconds after which no further request is made; what is missing then is a row of ``problems``.
    retry_budget : int, optional
        Most requests that may be repeated, over all jobs, before the fetch ends likewise.
    width : int
        Most requests in flight at a time, 1 to 64. More is seldom faster: a hundred ids go with each.
    pace : path-like, optional
        A file by which several processes of this machine that fetch with one key share what they learn of the service's
        limits, and keep to them together. Give each process an archive of its own, and jobs of its own (ids, or dates);
        :func:`merge_archives` makes one archive of theirs.
    progress : bool
        Whether to show how far it is: below the cell of a notebook, and elsewhere on the standard error output.

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

    Examples
    --------
    >>> from llama_classify_nb import Client, demo_server
    >>> with demo_server() as server:
    ...     client = Client(server.api_key, base_url=server.base_url)
    ...     jobset = fetch_jobs([*server.job_ids[:2], "no-such-job"], client=client, progress=False)
    >>> len(jobset.jobs), jobset.problems["kind"].tolist()
    (2, ['not_found'])
    """
    filters = checked_filters(status, configuration_id, created_after, created_before)
    if ids is not None and any(filters):
        raise ArgumentError("ids and a filter are both given: give ids, or filters")
    checked_number("limit", limit, whole=True)
    checked_number("time_budget_s", time_budget_s)
    checked_number("retry_budget", retry_budget, whole=True)
    asked = None if ids is None else read_ids(ids)

    async def work(fetch: Fetch) -> None:
        if asked is None:
            await fetch.by_filters(filters, limit)
        else:
            await fetch.by_ids(asked.job_ids[:limit])

    options: dict[str, Any] = {
        "refresh": checked_refresh(refresh),
        "time_budget_s": time_budget_s,
        "retry_budget": retry_budget,
        "width": checked_width(width),
    }
    reader = _reader(client, project_id, organization_id)
    if pace is not None:
        rate = SharedRate(pace, reader.base_url, width)
        options["pace"] = Pace(rate, time_budget_s=time_budget_s, retry_budget=retry_budget)
    return _loaded(reader, archive, asked, work, shown=progress, **options)


def wait_for_jobs(
    ids: Any,
    *,
    timeout: float,
    client: Client | None = None,
    archive: str | os.PathLike[str] | None = None,
    project_id: str | None = None,
    organization_id: str | None = None,
    progress: bool = True,
) -> JobSet:
    """Fetch jobs, and wait until all of them have ended, or the time is up.

    Unfinished jobs are asked for a hundred at a time, again and again: after 2 s, then ever less often, up to 30 s.

    Parameters
    ----------
    ids : iterable of str, or path-like
        The jobs, as in :func:`fetch_jobs`.
    timeout : float
        Most seconds to wait.
    client, archive, project_id, organization_id, progress
        As in :func:`fetch_jobs`.

    Returns
    -------
    JobSet
        When the time is up, what is still running is a row, outcome unfinished, and a note says how many there are.

    Raises
    ------
    ArgumentError, ArchiveError, FetchInterrupted
        As in :func:`fetch_jobs`.

    Examples
    --------
    >>> from llama_classify_nb import Client, demo_server
    >>> with demo_server() as server:
    ...     client = Client(server.api_key, base_url=server.base_url)
    ...     finished = fetch_jobs(status="COMPLETED", limit=2, client=client, progress=False).jobs["job_id"]
    ...     jobset = wait_for_jobs(finished, timeout=5, client=client, progress=False)
    >>> jobset.jobs["status"].tolist()
    ['COMPLETED', 'COMPLETED']
    """
    checked_number("timeout", timeout)
    asked = read_ids(ids)
    reader = _reader(client, project_id, organization_id)
    return _loaded(reader, archive, asked, lambda fetch: fetch.until_final(asked.job_ids, timeout), shown=progress)


def count_jobs(
    *,
    client: Client | None = None,
    status: str | None = None,
    configuration_id: str | None = None,
    created_after: str | dt.datetime | None = None,
    created_before: str | dt.datetime | None = None,
    project_id: str | None = None,
    organization_id: str | None = None,
) -> int:
    """Count the jobs that the filters find, without loading them where the service says how many there are.

    Parameters
    ----------
    client, status, configuration_id, created_after, created_before, project_id, organization_id
        As in :func:`fetch_jobs`.

    Returns
    -------
    int
        The service's own number, which it calls an estimate; where it gives none, the jobs of all pages, counted.

    Raises
    ------
    ArgumentError
        If an argument can't be right, or there is no key.
    ApiError
        If the service can't be asked.

    Examples
    --------
    >>> from llama_classify_nb import Client, demo_server
    >>> with demo_server() as server:
    ...     count_jobs(client=Client(server.api_key, base_url=server.base_url), status="FAILED")
    192
    """
    filters = checked_filters(status, configuration_id, created_after, created_before)
    reader = _reader(client, project_id, organization_id)
    return run_blocking(lambda: Fetch(reader, MemoryArchive(), Progress()).count(filters))


def _reader(client: Client | None, project_id: str | None, organization_id: str | None) -> Client:
    if client is not None and not isinstance(client, Client):
        raise ArgumentError(f"client is a {type(client).__name__}: give a Client, or leave it out")
    return (client or Client()).scoped(project_id=project_id, organization_id=organization_id)


def _loaded(
    client: Client,
    archive: str | os.PathLike[str] | None,
    asked: Asked | None,
    work: Callable[[Fetch], Coroutine[Any, Any, None]],
    *,
    shown: bool,
    **options: Any,
) -> JobSet:
    """Do the work of a fetch and make a JobSet of what it leaves behind, stopped or not."""
    progress = Progress()
    bar = ProgressBar(progress, shown=shown)
    rescued: list[str] = []
    n_before = 0
    while True:
        try:
            jobset, is_stopped = _tried(client, archive, asked, work, bar, rescued, **options)
            jobset.n_requests += n_before
            break
        except DamagedArchiveError:
            if archive is None or rescued:
                raise
            found = rescue(archive, client.service)
            rescued.append(
                f"{archive} was damaged: {plural(found.n_answers, 'whole answer')} of it kept, the rest asked for "
                f"again; the damaged file is now {found.aside}"
            )
            n_before = progress.n_requests
    where = f", kept in {archive}" if archive is not None else ""
    counts = f"{plural(len(jobset), 'job')} and {plural(len(jobset.problems), 'problem')}"
    progress.n_requests = jobset.n_requests
    bar.close(f"{'stopped: ' if is_stopped else ''}{counts} in {bar.elapsed_s:.1f} s, {bar.requests()}{where}")
    if is_stopped:
        raise FetchInterrupted(jobset) from None
    return jobset


def _tried(
    client: Client,
    archive: str | os.PathLike[str] | None,
    asked: Asked | None,
    work: Callable[[Fetch], Coroutine[Any, Any, None]],
    bar: ProgressBar,
    notes: Sequence[str],
    **options: Any,
) -> tuple[JobSet, bool]:
    """Give the JobSet of one fetch, and whether it was stopped by hand."""
    store = MemoryArchive() if archive is None else Archive(archive, service=client.service)
    is_stopped = False
    try:
        fetch = Fetch(client, store, bar.progress, **options)
        with bar:
            try:
                run_blocking(lambda: work(fetch), on_step=bar.draw)
            except KeyboardInterrupt:
                is_stopped = True
        try:
            return _collected(store, fetch.finish(), asked, notes), is_stopped
        except KeyboardInterrupt:  # all has arrived, and making the tables is soon done again
            return _collected(store, fetch.finish(), asked, notes), True
    finally:
        if isinstance(store, Archive):
            store.close()


def _collected(store: Store, fetched: Fetched, asked: Asked | None, notes: Sequence[str]) -> JobSet:
    tables = frames.read_tables(store.blocks(fetched.job_ids)).in_order(fetched.job_ids)
    invalid: list[ProblemRow] = []
    if asked is not None:
        invalid = [(job_id, "invalid_id", None, reason, False, 0) for job_id, reason in asked.invalid]

    def bodies(job_id: str) -> Iterable[bytes]:
        if not isinstance(store, Archive):
            return store.bodies([job_id])
        with Archive(store.path) as again:
            return list(again.bodies([job_id]))

    return JobSet(
        tables,
        bodies,
        problems=[*fetched.problems, *invalid],
        notes=[*notes, *(asked.notes if asked else ()), *fetched.notes],
        n_requests=fetched.n_requests,
    )
