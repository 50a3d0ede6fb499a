"""One job at a time, many side by side: requests, what is read of their answers, and its way to disk.

Nothing counts as fetched before the archive has it on disk.
"""

from __future__ import annotations

import asyncio
import collections
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from . import answers, timestamps
from .client import Client
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
)
from .lanes import Lane
from .memory import Store
from .pacing import Pace
from .progress import Progress
from .records import Answer

SAVE_EVERY, SAVE_AFTER_S = 50, 0.25  # single answers that one transaction takes, and how long they wait for it

Task = Callable[[Lane], Awaitable[object]]
Goal = tuple[tuple[str, str], Callable[[bytes], Any]]  # what to ask for, and how to read the answer
ProblemRow = tuple[str | None, str, int | None, str, bool, int]


class Singles:
    """Asks for single jobs, and works off what is to be done; the rest of a fetch is built on it."""

    def __init__(self, client: Client, archive: Store, progress: Progress, pace: Pace, width: int) -> None:
        self._client, self._archive, self._progress, self._pace = client, archive, progress, pace
        self._width = width
        self._queue = _Tasks()
        self._problems: dict[str, ProblemRow] = {}
        self._attempts: dict[str, int] = {}  # at jobs that are to be asked for again, since nothing got through
        self._unsaved: list[Answer] = []
        self._sound: dict[bytes, bytes] = {}  # configurations that were looked at and found whole, each kept once
        self._notes: dict[str, None] = {}
        self._stopped: ApiError | None = None

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
        after_all: Callable[[ApiError], Awaitable[Any]] | None = None,
        **options: Any,
    ) -> Any:
        """Make a request until its answer can be read; errors that concern all requests end the fetch.

        ``instead`` may name another one when it is to be made; what that one can't have is then the answer, too.
        ``after_all`` may turn an error into an answer, before anybody hears of it.
        """

        async def once() -> Any:
            self._progress.n_requests, self._progress.n_refused = self._pace.n_requests, self._pace.n_refused
            other = instead()
            try:
                return await self._got(lane, *(other or (target, read)), takes_no=other is not None)
            except ApiError as error:
                if after_all is None or other is not None:
                    raise
                return await after_all(error)

        try:
            return await self._pace.ask(once, **options)
        except ApiError as error:
            if isinstance(error, AuthenticationError | PaymentRequiredError | CertificateError) or self._pace.gave_up:
                self._stopped = self._pace.gave_up = self._stopped or error
            raise
        finally:
            self._progress.n_requests, self._progress.n_refused = self._pace.n_requests, self._pace.n_refused

    async def _got(self, lane: Lane, goal: tuple[str, str], read: Callable[[bytes], Any], *, takes_no: bool) -> Any:
        """Make one request and read its answer; with ``takes_no``, that the service won't give it is an answer."""
        try:
            return await self._client.answer(lane, *goal, read)
        except (NotFoundError, PermissionDeniedError, RequestError) as error:
            if not takes_no:
                raise
            return error

    async def _one(self, job_id: str, lane: Lane) -> bool:
        """Ask for a job; tell whether anything got through."""
        read = functools.partial(self._read_asked, job_id)
        tried = self._attempts.pop(job_id, 0)
        try:
            answer = await self._ask(lane, self._client.job_target(job_id), read, tried=tried, gives_way=True)
        except ApiError as error:
            if error.retryable and self._pace.is_down and self._stopped is None:  # perhaps another job gets through
                self._attempts[job_id] = error.attempts
                self._queue.put_nowait((True, functools.partial(self._one, job_id)))
                return False
            self._problems[job_id] = problem_row(job_id, error)
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
        updated_us = timestamps.microseconds(job.updated_at)
        is_known = configuration in self._sound
        configuration = self._sound.get(configuration, configuration)
        answer = Answer.cut(job.id, body, configuration, updated_us, answers.is_final(job))
        if answers.has_repeated_keys(body, answer.rest if is_known else None):
            raise InvalidAnswerError("a key stands twice in the answer", status_code=200)
        if not is_known:
            read_configuration(configuration)
            self._sound[configuration] = configuration
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

    def _listed(self, item: Any) -> Listed | None:
        """Read an item of a page; None: it is spoiled."""
        try:
            answer, job = self._read(bytes(item))
        except InvalidAnswerError:
            return None
        whole = job.result is not None if job.status == "COMPLETED" else True
        return Listed(answer, job, answer.final and whole)

    def _keep(self, finished: Sequence[Answer], n_new: int) -> None:
        """Put what came on disk; only then is it done."""
        if finished:
            self._archive.put(finished)
            self._progress.done += n_new

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._queue.put_nowait((False, task))

    def _note(self, text: str) -> None:
        self._notes[text] = None


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


class Listed(NamedTuple):
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


def problem_row(job_id: str | None, error: ApiError, where: str = "") -> ProblemRow:
    """Give the row of a job that could not be had."""
    kind = _KINDS.get(type(error), "unavailable")
    return job_id, kind, error.status_code, f"{where}{error}", error.retryable, error.attempts
