"""Many jobs: ask for what the archive lacks, in packs, then one by one, until every id is a job or a problem.

What a fetch is made of stands in three rooms below: ``singles.py`` asks for one job, ``packs.py`` for a hundred known
ids, ``discovery.py`` for jobs whose ids nobody knows yet.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from . import answers
from .client import Client
from .discovery import Discovery
from .exceptions import ApiError, InvalidAnswerError
from .listing import Cursor, Filters, is_count
from .memory import Store
from .pacing import WIDTH, Pace, shared_rate
from .packs import IDLE_PAGES, PACK_SIZE
from .progress import Progress
from .singles import ProblemRow, problem_row

REFRESH = ("unfinished", "all", "none")  # which jobs of the archive are asked for again
FIRST_POLL_S, MAX_POLL_S = 2.0, 30.0  # between looks at unfinished jobs
ASK_EVERY = 4  # looks, after which unfinished jobs are asked for one by one


class Fetched(NamedTuple):
    """What a fetch leaves behind; the answers are in the archive."""

    job_ids: list[str]  # of the jobs that are in the archive, in the order asked for
    problems: list[ProblemRow]
    notes: list[str]
    n_requests: int


class Fetch(Discovery):
    """One fetch.

    Parameters
    ----------
    client : Client
        Where to ask.
    archive : Store
        Where answers go, and what need not be asked again.
    progress : Progress
        Told how far it is.
    refresh : str
        Which jobs of the archive to ask for again: one of ``REFRESH``.
    time_budget_s, retry_budget : float, optional
        Seconds after which no request is made, and requests that may be repeated.
    width : int
        Most requests in flight at a time, each on a connection of its own.
    pace : Pace, optional
        By default one that knows what this process has learned of the service.
    """

    def __init__(
        self,
        client: Client,
        archive: Store,
        progress: Progress,
        *,
        refresh: str = "unfinished",
        time_budget_s: float | None = None,
        retry_budget: int | None = None,
        width: int = WIDTH,
        pace: Pace | None = None,
    ) -> None:
        pace = pace or Pace(shared_rate(client.base_url, width), time_budget_s=time_budget_s, retry_budget=retry_budget)
        super().__init__(client, archive, progress, pace, width)
        self._refresh = refresh

    def expect(self, job_ids: Sequence[str]) -> None:
        """Take these jobs as the ones asked for: each will be in the archive at the end, or a problem."""
        self._asked = dict.fromkeys(job_ids)

    async def by_ids(self, job_ids: Sequence[str]) -> None:
        """Fetch these jobs, but for those that the archive has and that need not be asked for again."""
        self.expect(job_ids)
        states = {} if self._refresh == "all" else self._archive.states(job_ids)
        kept = {job_id for job_id, is_final in states.items() if is_final or self._refresh == "none"}
        self._progress.total, self._progress.done, self._progress.kept = len(job_ids), len(kept), len(kept)
        if kept:
            jobs = "1 finished job was" if len(kept) == 1 else f"{len(kept):,} finished jobs were"
            self._note(f"{jobs} in the archive: no request was made for them")
        await self._ask_for([job_id for job_id in job_ids if job_id not in kept])

    async def _ask_for(self, job_ids: Sequence[str]) -> None:
        self._add_packs(job_ids)
        await self._work(len(job_ids))

    async def by_filters(self, filters: Filters, limit: int | None) -> None:
        """Fetch the jobs that the list call finds, at most ``limit`` of them."""
        self._progress.total = limit
        self._listed_by = filters
        self._add([functools.partial(self._list, filters, limit)])
        await self._work(self._width)
        if limit is None and self._stopped is None:
            self._add([functools.partial(self._look_again, filters)])
            await self._work(self._width)

    async def until_final(self, job_ids: Sequence[str], timeout_s: float) -> None:
        """Fetch these jobs, again and again, until each has ended, can't be had, or the time is up."""
        deadline = self._pace.now() + timeout_s
        await self.by_ids(job_ids)
        interval_s, n_polls = FIRST_POLL_S, 0
        while unfinished := self._unfinished(job_ids):
            left_s = deadline - self._pace.now()
            if left_s <= 0:
                self._note(f"{len(unfinished):,} still unfinished after {timeout_s:g} s")
                return
            try:
                await self._pace.pause(min(interval_s, left_s))
            except ApiError as error:
                self._stopped = error
                return
            n_polls += 1
            # A list may lag behind for ever: every so often each job is asked for itself.
            self._is_waiting = n_polls % ASK_EVERY != 0
            interval_s = min(MAX_POLL_S, interval_s * 1.5)
            self._progress.done = len(job_ids) - len(unfinished)
            await self._ask_for(unfinished)

    def _unfinished(self, job_ids: Sequence[str]) -> list[str]:
        """Give the jobs that may still end; none, once the fetch has stopped."""
        if self._stopped is not None:
            return []
        states = self._archive.states(job_ids)
        lost = {
            job_id
            for job_id, (_, _, _, _, is_retryable, _) in self._problems.items()
            if job_id not in states or not is_retryable
        }
        return [job_id for job_id in job_ids if not states.get(job_id, False) and job_id not in lost]

    async def count(self, filters: Filters) -> int:
        """Count the jobs that the list call finds: by the service's own number, or else one by one."""
        seen: set[str] = set()
        cursor, size = Cursor(IDLE_PAGES), 1
        async with self._client.lanes(1) as (lane,):
            while True:
                query = {**filters.query, "page_size": str(size), "page_token": cursor.token}
                page = await self._ask(lane, self._client.list_target(query), cursor.read)
                if is_count(page.total_size) and page.total_size >= len(page.items):
                    return page.total_size
                n_before = len(seen)
                seen.update(filter(None, (answers.read_id(bytes(item)) for item in page.items)))
                if not cursor.move(page.next_page_token, len(seen) - n_before):
                    break
                size = PACK_SIZE
        if cursor.runs_in_circles or page.breaks_off:
            raise InvalidAnswerError(f"the list of jobs has no end that can be reached: {len(seen):,} and more")
        return len(seen)

    def finish(self) -> Fetched:
        """Give what there is: at the end, or after the fetch was stopped."""
        if self._created:  # lists side by side came in no order
            self._asked = dict.fromkeys(sorted(self._asked, key=lambda job_id: -self._created.get(job_id, 0)))
        here = self._archive.states(list(self._asked))
        problems = [self._problems.get(job_id) or self._unasked(job_id) for job_id in self._asked if job_id not in here]
        if n_old := sum(job_id in here for job_id in self._problems):
            jobs = "1 job" if n_old == 1 else f"{n_old:,} jobs"
            self._note(f"{jobs} could not be asked for again: the archive's older answer stands")
        if self._pace.n_refused:
            self._note(f"slowed down: the service refused {self._pace.n_refused:,} requests (429) for the moment")
        if self._stopped is not None:
            self._note(f"the fetch stopped early: {self._stopped}; the same call goes on from the archive")
        return Fetched(
            [job_id for job_id in self._asked if job_id in here],
            problems + self._strays,
            list(self._notes),
            self._pace.n_requests,
        )

    def _unasked(self, job_id: str) -> ProblemRow:
        """Give the row of a job that the fetch didn't come to."""
        if self._stopped is None:
            return job_id, "not_fetched", None, "the fetch was stopped before it came to this job", True, 0
        return (*problem_row(job_id, self._stopped)[:5], 0)
