"""Known ids by the list call, a hundred at a time: only the quick way.

What the list call leaves out, spoils, or shows as unfinished is asked for by its id. Where it fails while single
requests get through, it is left alone.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import answers
from .client import quote_id
from .exceptions import (
    ApiError,
    AuthenticationError,
    PaymentRequiredError,
    RateLimitError,
    RequestError,
    TransportError,
)
from .lanes import Lane
from .listing import Cursor
from .rate import LONG_S
from .records import Answer
from .singles import Goal, Singles, problem_row

PACK_SIZE = 100  # ids in a list call: the most that a page can answer
PACK_BYTES = 7_500  # of their part of the address: servers refuse addresses of 8 KiB
LIST_TRIES = (3, 1)  # before and after a single request got through: better ask one by one than insist
LIST_REFUSALS = (8, 2)  # in a row, of all requests, before a single one is tried: at first, and once that got through
LIST_FAILURES = 3  # packs in a row that failed so, after which the list call is left alone
DETOUR_EVERY_S = 60.0  # at most, a single request tries whether a wait that the list call demands is for lists alone
IDLE_PAGES = 3  # pages without a new job after which a list is taken to run in circles


class Packs(Singles):
    """Asks for packs of ids, and for what is missing of them one by one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._is_waiting = False  # for jobs to end: then a list may show them unfinished
        self._list_is_off = self._list_works = False
        self._list_failures = 0
        self._pack_size = PACK_SIZE
        self._detour = asyncio.Lock()
        self._no_detour_until = -math.inf

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
            after_all = functools.partial(self._single_after_all, lane, first)
            page = await self._ask(
                lane, target, cursor.read, instead=instead, after_all=after_all, tries=tries, gives_way=True
            )
            if not isinstance(page, answers.Page):
                self._take_single(first, page)
                del missing[first]
                if self._list_is_off:
                    return
                continue
            self._list_works = True
            came = [
                one.answer
                for one in map(self._listed, page.items)
                if one is not None
                and one.answer.job_id in missing
                and (one.is_final_and_whole or (self._is_waiting and not one.answer.final))
            ]
            new = dict.fromkeys(answer.job_id for answer in came)
            self._keep(came, len(new))  # a job may stand there twice: the newest answer is kept
            for job_id in new:
                del missing[job_id]
            if not cursor.move(page.next_page_token, len(new)):
                return

    def _single(self, job_id: str) -> Goal | None:
        """Give the request for one job, where it is time to see whether the list call alone is refused."""
        n, often = self._pace.refused_in_a_row, LIST_REFUSALS[bool(self._list_failures)]
        if not self._list_is_off and (n < often or (n - often) % 2):
            return None
        return self._client.job_target(job_id), functools.partial(self._read_asked, job_id)

    async def _single_after_all(self, lane: Lane, job_id: str, error: ApiError) -> Any:
        """Ask for one job at once, where the list call refuses for long, for ever, or from the start: perhaps alone."""
        ends_all = isinstance(error, AuthenticationError | PaymentRequiredError)
        never_worked = isinstance(error, RateLimitError) and not self._list_works
        if not (ends_all or never_worked or (error.retry_after or 0.0) >= LONG_S):
            raise error
        async with self._detour:
            if self._stopped is not None or self._pace.now() < self._no_detour_until:
                raise error
            self._pace.note_request(error if isinstance(error, RateLimitError) else None)
            goal = self._client.job_target(job_id), functools.partial(self._read_asked, job_id)
            try:
                return await self._got(lane, *goal, takes_no=True)
            except (RateLimitError, AuthenticationError, PaymentRequiredError) as alike:
                self._no_detour_until = self._pace.now() + (math.inf if ends_all else DETOUR_EVERY_S)
                raise alike from None

    def _take_single(self, job_id: str, came: Answer | ApiError) -> None:
        """Take what came for one job in place of a list: the list call was refused, and this got through."""
        if isinstance(came, ApiError):
            self._problems[job_id] = problem_row(job_id, came)
            self._progress.done += 1
        else:
            self._unsaved.append(came)
        self._list_failures += 1
        if self._list_failures == LIST_FAILURES:
            self._list_is_off = True
            self._pace.start_over()

    def _add_packs(self, job_ids: Iterable[str]) -> None:
        self._add(functools.partial(self._pack, pack) for pack in self._packs(list(job_ids)))
