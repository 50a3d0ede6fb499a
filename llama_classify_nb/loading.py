"""The ways from the service to a JobSet."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

from .blocking import run_blocking
from .client import Client
from .exceptions import ArgumentError
from .fetch import Fetch
from .fetch_arguments import checked_filters, checked_number, checked_refresh, checked_width
from .ids import read_ids
from .jobset import JobSet
from .memory import MemoryArchive
from .pacing import WIDTH, Pace
from .progress import Progress
from .shared_pace import SharedRate
from .stoppable import StoppableFetch, before_the_fetch


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
    with before_the_fetch():
        filters = checked_filters(status, configuration_id, created_after, created_before)
        if ids is not None and any(filters):
            raise ArgumentError("ids and a filter are both given: give ids, or filters")
        checked_number("limit", limit, whole=True)
        checked_number("time_budget_s", time_budget_s)
        checked_number("retry_budget", retry_budget, whole=True)
        asked = None if ids is None else read_ids(ids).first(limit)
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

    async def work(fetch: Fetch) -> None:
        if asked is None:
            await fetch.by_filters(filters, limit)
        else:
            await fetch.by_ids(asked.job_ids)

    return StoppableFetch(reader, archive, asked, work, shown=progress, **options).run()


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
    with before_the_fetch():
        checked_number("timeout", timeout)
        asked = read_ids(ids)
        reader = _reader(client, project_id, organization_id)

    async def work(fetch: Fetch) -> None:
        await fetch.until_final(asked.job_ids, timeout)

    return StoppableFetch(reader, archive, asked, work, shown=progress).run()


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
        If the service can't be asked, or the jobs of a list that never ends can't be counted.

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
