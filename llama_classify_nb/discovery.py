"""Unknown ids by the list call: page after page, side by side where a list is long, and read again where it shrank."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from . import answers, schema, timestamps
from .exceptions import ApiError, NotFoundError, RequestError
from .lanes import Lane
from .listing import MOST_PARTS, SECOND_US, Cursor, Filters, Track, have_left, is_count, listed_ids
from .packs import IDLE_PAGES, PACK_SIZE, Packs
from .records import Answer
from .singles import ProblemRow, problem_row

SPLIT_AFTER = 3  # full pages that show how densely jobs were created, and so where to split what is left
MOST_ANEW = 20  # times that a list may be begun anew, since it no longer took its own token
AGAIN_SIZES = (87, 93, 79)  # of the pages of a list that is read again, so that other jobs stand where pages meet


class Discovery(Packs):
    """Follows the list of jobs, which can't be trusted."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._refresh = "unfinished"
        self._asked: dict[str, None] = {}
        self._strays: list[ProblemRow] = []  # problems without an id
        self._listed_by = Filters()  # as they were asked for
        self._first_page: answers.Page | None = None  # of that list
        self._created: dict[str, int] = {}  # microseconds since 1970, of jobs that were listed
        self._parts_are_off = False
        self._n_anew = 0

    async def _look_again(self, filters: Filters, lane: Lane) -> None:
        """List once more, cut into other pages, where jobs have left the list meanwhile: others moved up, unseen."""
        first, n_before = self._first_page, len(self._created)
        if first is None or not first.next_page_token or self._strays:
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
                page = await self._ask(lane, target, cursor.read)
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
            if page.breaks_off:
                self._note("the list of jobs named its next page in no way that can be followed: it may lack some")
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
        self._strays.append(problem_row(None, error, f"the list of jobs broke off after {len(self._asked):,}: "))

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
                created_us = timestamps.microseconds(one.job.created_at)
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
