"""Many jobs: ask for what the archive lacks, in packs, then one by one, until every id is a job or a problem.

The list call is only the quick way. What it leaves out, spoils, or shows as unfinished is asked for by its id, and
nothing counts as fetched before the archive has it on disk.
"""

from __future__ import annotations

import asyncio
import collections
import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from . import answers, schema
from .client import Client, Lane, quote_id
from .configurations import read_configuration
from .exceptions import (
    ApiError,
    AuthenticationError,
    BudgetError,
    CertificateError,
    InvalidAnswerError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RequestError,
    TransportError,
)
from .listing import MOST_PARTS, SECOND_US, Cursor, Filters, Track, have_left, is_count, listed_ids
from .memory import Store
from .pacing import WIDTH, Pace, shared_rate
from .progress import Progress
from .records import Answer

PACK_SIZE = 100  # ids in a list call: the most that a page can answer
PACK_BYTES = 7_500  # of their part of the address: servers refuse addresses of 8 KiB
LIST_TRIES = (3, 1)  # before and after a single request got through: better ask one by one than insist
LIST_REFUSALS = (8, 2)  # in a row, of all requests, before a single one is tried: at first, and once that got through
LIST_FAILURES = 3  # packs in a row that failed so, after which the list call is left alone
SPLIT_AFTER = 3  # full pages that show how densely jobs were created, and so where to split what is left
MOST_ANEW = 20  # times that a list may be begun anew, since it no longer took its own token
IDLE_PAGES = 3  # pages without a new job after which a list is taken to run in circles
AGAIN_SIZES = (87, 93, 79)  # of the pages of a list that is read again, so that other jobs stand where pages meet
SAVE_EVERY, SAVE_AFTER_S = 50, 0.25  # single answers that one transaction takes, and how long they wait for it

REFRESH = ("unfinished", "all", "none")  # which jobs of the archive are asked for again
FIRST_POLL_S, MAX_POLL_S = 2.0, 30.0  # between looks at unfinished jobs
ASK_EVERY = 4  # looks, after which unfinished jobs are asked for one by one

Task = Callable[[Lane], Awaitable[object]]
Goal = tuple[tuple[str, str], Callable[[bytes], Any]]  # what to ask for, and how to read the answer
ProblemRow = tuple[str | None, str, int | None, str, bool, int]


class Fetched(NamedTuple):
    """What a fetch leaves behind; the answers are in the archive."""

    job_ids: list[str]  # of the jobs that are in the archive, in the order asked for
    problems: list[ProblemRow]
    notes: list[str]
    n_requests: int


class Fetch:
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
        self._client, self._archive, self._progress = client, archive, progress
        self._refresh = refresh
        self._pace = pace or Pace(
            shared_rate(client.base_url, width), time_budget_s=time_budget_s, retry_budget=retry_budget
        )
        self._width = width
        self._is_waiting = False
        self._queue = _Tasks()
        self._asked: dict[str, None] = {}
        self._problems: dict[str, ProblemRow] = {}
        self._attempts: dict[str, int] = {}  # at jobs that are to be asked for again, since nothing got through
        self._strays: list[ProblemRow] = []  # problems without an id
        self._unsaved: list[Answer] = []
        self._sound: set[bytes] = set()  # configurations that were looked at and found whole
        self._notes: dict[str, None] = {}
        self._stopped: ApiError | None = None
        self._list_is_off = False
        self._list_failures = 0
        self._pack_size = PACK_SIZE
        self._listed_by = Filters()  # as they were asked for
        self._first_page: answers.Page | None = None  # of that list
        self._created: dict[str, int] = {}  # microseconds since 1970, of jobs that were listed
        self._parts_are_off = False
        self._n_anew = 0

    async def by_ids(self, job_ids: Sequence[str]) -> None:
        """Fetch these jobs, but for those that the archive has and that need not be asked for again."""
        self._asked = dict.fromkeys(job_ids)
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
        return [job_id for job_id in job_ids if not states.get(job_id, job_id in self._problems)]

    async def count(self, filters: Filters) -> int:
        """Count the jobs that the list call finds: by the service's own number, or else one by one."""
        seen: set[str] = set()
        cursor, size = Cursor(IDLE_PAGES), 1
        async with self._client.lanes(1) as (lane,):
            while True:
                query = {**filters.query, "page_size": str(size), "page_token": cursor.token}
                page = await self._ask(lane, self._client.list_target(query), answers.read_page)
                if is_count(page.total_size) and page.total_size >= len(page.items):
                    return int(page.total_size)
                n_before = len(seen)
                seen.update(filter(None, (answers.read_id(bytes(item)) for item in page.items)))
                if not cursor.move(page.next_page_token, len(seen) - n_before):
                    return len(seen)
                size = PACK_SIZE

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

    async def _work(self, most: int) -> None:
        """Work the tasks off, and those that they add, each lane one at a time."""
        if self._queue.empty():
            return
        try:
            async with self._client.lanes(min(self._width, most)) as lanes, asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._worker(lane)) for lane in lanes]
                tasks.append(group.create_task(self._save_now_and_then()))
                await self._queue.join()
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self._save()

    async def _worker(self, lane: Lane) -> None:
        while True:
            self._queue.from_end = self._pace.is_down
            _, task = await self._queue.get()
            try:
                if self._stopped is None:
                    await task(lane)
            finally:
                self._queue.task_done()

    async def _ask(
        self,
        lane: Lane,
        target: tuple[str, str],
        read: Callable[[bytes], Any],
        *,
        instead: Callable[[], Goal | None] = lambda: None,
        **options: Any,
    ) -> Any:
        """Make a request until its answer can be read; errors that concern all requests end the fetch.

        ``instead`` may name another one when it is to be made; what that one can't have is then the answer, too.
        """

        async def once() -> Any:
            self._progress.n_requests, self._progress.n_refused = self._pace.n_requests, self._pace.n_refused
            other = instead()
            try:
                goal, read_goal = other or (target, read)
                return read_goal(await self._client.answer(lane, *goal))
            except (NotFoundError, PermissionDeniedError, RequestError) as error:
                if other is None:
                    raise
                return error

        try:
            return await self._pace.ask(once, **options)
        except ApiError as error:
            if isinstance(error, AuthenticationError | PaymentRequiredError | CertificateError) or self._pace.gave_up:
                self._stopped = self._pace.gave_up = self._stopped or error
            raise
        finally:
            self._progress.n_requests, self._progress.n_refused = self._pace.n_requests, self._pace.n_refused

    # One job

    async def _one(self, job_id: str, lane: Lane) -> bool:
        """Ask for a job; tell whether anything got through."""
        read = functools.partial(self._read_asked, job_id)
        try:
            answer = await self._ask(lane, self._client.job_target(job_id), read, gives_way=True)
        except ApiError as error:
            error.attempts += self._attempts.pop(job_id, 0)
            if error.retryable and self._pace.is_down and self._stopped is None:  # perhaps another job gets through
                self._attempts[job_id] = error.attempts
                self._queue.put_nowait((True, functools.partial(self._one, job_id)))
                return False
            self._problems[job_id] = _problem(job_id, error)
            self._progress.done += 1
            return not error.retryable
        self._unsaved.append(answer)
        if len(self._unsaved) >= SAVE_EVERY:
            self._save()
        return True

    def _read_asked(self, job_id: str, body: bytes) -> Answer:
        answer, _ = self._read(body)
        if answer.job_id != job_id:
            raise InvalidAnswerError("the answer is another job's", status_code=200)
        return answer

    def _read(self, body: bytes) -> tuple[Answer, answers.Job]:
        job = answers.read_job(body)
        configuration = bytes(job.configuration)
        updated_us = answers.microseconds(job.updated_at)
        answer = Answer.cut(job.id, body, configuration, updated_us, answers.is_final(job))
        is_known = configuration in self._sound
        if answers.has_repeated_keys(body, answer.rest if is_known else None):
            raise InvalidAnswerError("a key stands twice in the answer", status_code=200)
        if not is_known:
            read_configuration(configuration)
            self._sound.add(configuration)
        return answer, job

    async def _save_now_and_then(self) -> None:
        """Keep single answers from waiting for more, when the pace is slow."""
        while True:
            await asyncio.sleep(SAVE_AFTER_S)
            self._save()

    def _save(self) -> None:
        """Put single answers on disk; only then are they done."""
        unsaved, self._unsaved = self._unsaved, []
        if unsaved:
            self._archive.put(unsaved)
            self._progress.done += len(unsaved)

    # Known ids, by the list call

    def _packs(self, job_ids: Sequence[str]) -> Iterator[list[str]]:
        """Split ids into packs that a list call can take."""
        pack: list[str] = []
        size = 0
        for job_id in job_ids:
            cost = len("&job_ids=") + len(quote_id(job_id))
            if pack and (len(pack) >= self._pack_size or size + cost > PACK_BYTES):
                yield pack
                pack, size = [], 0
            pack.append(job_id)
            size += cost
        if pack:
            yield pack

    async def _pack(self, job_ids: list[str], lane: Lane) -> None:
        """Ask for a pack of ids; what the list call doesn't answer, final and whole, is asked for one by one."""
        missing = dict.fromkeys(job_ids)
        if len(job_ids) > self._pack_size:  # packs have since turned out to be too large
            self._add_packs(missing)
            return
        for tries in LIST_TRIES:
            failure = await self._try_pack(lane, missing, tries)
            if failure is None or not missing:
                break
            if isinstance(failure, RequestError) and failure.status_code != 405 and len(job_ids) > 1:
                self._pack_size = min(self._pack_size, len(job_ids) // 2)
                self._add_packs(missing)
                return
            if not failure.retryable:  # switched off, or forbidden
                self._list_is_off = True
                break
            if tries == LIST_TRIES[-1]:
                self._list_failures += 1
                self._list_is_off |= self._list_failures >= LIST_FAILURES
                break
            # Is it the list call that fails, or the whole service? A single request tells.
            first = next(iter(missing))
            del missing[first]
            if not await self._one(first, lane):
                self._add_packs(missing)
                return
        self._add(functools.partial(self._one, job_id) for job_id in missing)

    async def _try_pack(self, lane: Lane, missing: dict[str, None], tries: int) -> ApiError | None:
        """Ask for a pack, unless that is useless; give what went wrong."""
        if self._list_is_off:
            return None
        if self._pace.is_down:
            return TransportError("nothing gets through")
        try:
            await self._ask_for_pack(lane, missing, tries)
        except ApiError as error:
            return error
        self._list_failures = 0
        return None

    async def _ask_for_pack(self, lane: Lane, missing: dict[str, None], tries: int) -> None:
        """Follow the pages for a pack, and strike off ``missing`` what came."""
        filters, cursor = {"page_size": str(len(missing))}, Cursor(IDLE_PAGES)
        asked = list(missing)
        while missing:
            target = self._client.list_target({**filters, "page_token": cursor.token}, asked)
            first = next(iter(missing))
            instead = functools.partial(self._single, first)
            page = await self._ask(lane, target, answers.read_page, instead=instead, tries=tries, gives_way=True)
            if not isinstance(page, answers.Page):
                self._take_single(first, page)
                del missing[first]
                if self._list_is_off:
                    return
                continue
            found = [one for one in map(self._listed, page.items) if one is not None]
            came = {
                one.answer.job_id: one.answer
                for one in found
                if one.answer.job_id in missing
                and (one.is_final_and_whole or (self._is_waiting and not one.answer.final))
            }
            self._keep(list(came.values()), len(came))
            for job_id in came:
                del missing[job_id]
            if not cursor.move(page.next_page_token, len(came)):
                return

    def _single(self, job_id: str) -> Goal | None:
        """Give the request for one job, where it is time to see whether the list call alone is refused."""
        n, often = self._pace.refused_in_a_row, LIST_REFUSALS[bool(self._list_failures)]
        if not self._list_is_off and (n < often or (n - often) % 2):
            return None
        return self._client.job_target(job_id), functools.partial(self._read_asked, job_id)

    def _take_single(self, job_id: str, came: Answer | ApiError) -> None:
        """Take what came for one job in place of a list: the list call was refused, and this got through."""
        if isinstance(came, ApiError):
            self._problems[job_id] = _problem(job_id, came)
            self._progress.done += 1
        else:
            self._unsaved.append(came)
        self._list_failures += 1
        if self._list_failures == LIST_FAILURES:
            self._list_is_off = True
            self._pace.start_over()

    # Unknown ids, by the list call

    async def _look_again(self, filters: Filters, lane: Lane) -> None:
        """List once more, cut into other pages, where jobs have left the list meanwhile: others moved up, unseen."""
        first, n_before = self._first_page, len(self._created)
        if first is None or not first.next_page_token:
            return
        if is_count(first.total_size):
            has_moved = first.total_size > n_before
        else:
            target = self._client.list_target({**filters.query, "page_size": str(PACK_SIZE)})
            try:
                now = await self._ask(lane, target, answers.read_page)
            except ApiError:
                return  # what was listed stands
            has_moved = have_left(listed_ids(first), listed_ids(now))
        for size in AGAIN_SIZES if has_moved else ():
            n_here = len(self._created)
            await self._list(filters, None, lane, size=size)
            if len(self._created) == n_here:
                break
        if has_moved:
            n_more = len(self._created) - n_before
            self._note(f"jobs seem to have left the list while it was read: read once more, it gave {n_more:,} more")

    async def _list(
        self, filters: Filters, limit: int | None, lane: Lane, *, is_part: bool = False, size: int = PACK_SIZE
    ) -> None:
        """Follow the pages of the list call to their end, or until it is worth going on in parts."""
        cursor, track, n_full = Cursor(IDLE_PAGES), Track(), 0
        while self._stopped is None and (limit is None or len(self._asked) < limit):
            if is_part and self._parts_are_off:
                return
            target = self._client.list_target({**filters.query, "page_size": str(size), "page_token": cursor.token})
            try:
                page = await self._ask(lane, target, answers.read_page)
            except ApiError as error:
                if cursor.token is not None and isinstance(error, RequestError | NotFoundError):
                    self._list_anew(track.rest(filters) if limit is None else None, limit, error)
                else:
                    self._break_off(error)
                return
            self._first_page = self._first_page or page
            if self._progress.total is None and is_count(page.total_size):
                self._progress.total = page.total_size  # an estimate, for display only
            n_before = len(track.job_ids)
            holds = self._take(page.items, filters, limit, track)
            if is_part and not holds:  # the service doesn't look at dates: one list must do
                if not self._parts_are_off:
                    self._parts_are_off = True
                    self._add([functools.partial(self._list, self._listed_by, limit)])
                return
            if not cursor.move(page.next_page_token, len(track.job_ids) - n_before):
                break
            n_full += len(page.items) == size
            is_long = not is_count(page.total_size) or page.total_size - len(track.job_ids) > MOST_PARTS * size
            parts = track.parts(filters) if n_full == SPLIT_AFTER and limit is None and is_long else []
            if parts and not self._parts_are_off:
                self._add(functools.partial(self._list, part, None, is_part=True) for part in parts)
                return
        if cursor.runs_in_circles:
            self._note("the list of jobs ran in circles and was left: it may lack some")

    def _list_anew(self, rest: Filters | None, limit: int | None, error: ApiError) -> None:
        """Go on where a list's token was no longer taken: from that moment on, or, once in a while, from its start."""
        self._n_anew += 1
        if self._n_anew > MOST_ANEW:
            self._break_off(error)
        elif rest is not None:
            self._add([functools.partial(self._list, rest, limit)])
        else:
            self._add([functools.partial(self._list, self._listed_by, limit)])

    def _break_off(self, error: ApiError) -> None:
        self._strays.append(_problem(None, error, f"the list of jobs broke off after {len(self._asked):,}: "))

    def _take(self, items: Sequence[Any], filters: Filters, limit: int | None, track: Track) -> bool:
        """Keep what is final and whole, ask for the rest by id, and pass over what the filters don't fit.

        Tells whether all of it was created when the filters say.
        """
        finished: list[Answer] = []
        n_new, holds = 0, True
        for item in items:
            if limit is not None and len(self._asked) >= limit:
                break
            one = self._listed(item)
            job_id = one.answer.job_id if one else answers.read_id(bytes(item))
            if job_id is None or not answers.is_job_id(job_id):
                message = "an item of the list of jobs has no id that could be asked for"
                self._strays.append((None, "invalid_answer", 200, message, False, 1))
                continue
            if one is not None:
                created_us = answers.microseconds(one.job.created_at)
                track.add(job_id, created_us)
                self._created[job_id] = created_us or 0
                holds = holds and filters.hold(created_us, slack_us=2 * SECOND_US)
            if one is None or self._listed_by.fit(one.job):
                is_new = job_id not in self._asked
                self._asked[job_id] = None
                if one and (one.is_final_and_whole or (filters.status not in {None, *schema.TERMINAL_STATUSES})):
                    finished.append(one.answer)
                    n_new += is_new
                elif is_new and self._is_to_be_asked(job_id):
                    self._add([functools.partial(self._one, job_id)])
        self._keep(finished, n_new)
        return holds

    def _is_to_be_asked(self, job_id: str) -> bool:
        return self._refresh == "all" or not self._archive.states([job_id]).get(job_id, False)

    def _listed(self, item: Any) -> _Listed | None:
        """Read an item of a page; None: it is spoiled."""
        try:
            answer, job = self._read(bytes(item))
        except InvalidAnswerError:
            return None
        whole = job.result is not None if job.status == "COMPLETED" else True
        return _Listed(answer, job, answer.final and whole)

    def _keep(self, finished: Sequence[Answer], n_new: int) -> None:
        """Put what came on disk; only then is it done."""
        if finished:
            self._archive.put(finished)
            self._progress.done += n_new

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._queue.put_nowait((False, task))

    def _add_packs(self, job_ids: Iterable[str]) -> None:
        self._add(functools.partial(self._pack, pack) for pack in self._packs(list(job_ids)))

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def _unasked(self, job_id: str) -> ProblemRow:
        """Give the row of a job that the fetch didn't come to."""
        if self._stopped is None:
            return job_id, "not_fetched", None, "the fetch was stopped before it came to this job", True, 0
        return (*_problem(job_id, self._stopped)[:5], 0)


class _Tasks(asyncio.Queue[tuple[bool, Task]]):
    """What is to be done, in the order in which it was added, but for what is marked as first.

    Jobs that always fail may stand together. So while nothing gets through, tasks are taken from the other end.
    """

    from_end = False

    def _init(self, maxsize: int) -> None:  # noqa: ARG002
        self._queue: collections.deque[tuple[bool, Task]] = collections.deque()

    def _put(self, item: tuple[bool, Task]) -> None:
        if item[0]:
            self._queue.appendleft(item)
        else:
            self._queue.append(item)

    def _get(self) -> tuple[bool, Task]:
        return self._queue.pop() if self.from_end else self._queue.popleft()


class _Listed(NamedTuple):
    """An item of a page."""

    answer: Answer
    job: answers.Job
    is_final_and_whole: bool


_KINDS: dict[type[ApiError], str] = {
    NotFoundError: "not_found",
    PermissionDeniedError: "refused",
    RequestError: "refused",
    AuthenticationError: "unauthorized",
    PaymentRequiredError: "unauthorized",
    InvalidAnswerError: "invalid_answer",
    BudgetError: "not_fetched",
}


def _problem(job_id: str | None, error: ApiError, where: str = "") -> ProblemRow:
    kind = _KINDS.get(type(error), "unavailable")
    return job_id, kind, error.status_code, f"{where}{error}", error.retryable, error.attempts
