"""Which jobs to list, and the way through the pages of a list that can't be trusted to end."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

from . import answers, timestamps
from .exceptions import InvalidAnswerError

SECOND_US = 1_000_000  # parts overlap by this much: a service may count in whole seconds
MOST_PARTS = 8
WORTH = 4.0  # times what was seen so far: so much must be left for parts to be worth their half-empty pages
MOST_DOUBTS = 2  # times in a row that a page is asked for again, since it leads back to where the list was
STRETCH = 8  # where a list has no known end: how much longer than what was seen a part is


class Filters(NamedTuple):
    """Which jobs to list; what the service answers is held against it once more."""

    status: str | None = None
    configuration_id: str | None = None
    created_after: str | None = None
    created_before: str | None = None

    @property
    def query(self) -> dict[str, str | None]:
        """The filters in the words of the API."""
        return {
            "status": self.status,
            "configuration_id": self.configuration_id,
            "created_at_on_or_after": self.created_after,
            "created_at_on_or_before": self.created_before,
        }

    def fit(self, job: answers.Job) -> bool:
        """Whether a job is one of those asked for, as far as can be told."""
        return (
            self.status in {None, job.status}
            and self.configuration_id in {None, job.configuration_id}
            and self.hold(timestamps.microseconds(job.created_at))
        )

    def hold(self, created_us: int | None, slack_us: int = 0) -> bool:
        """Whether a job that was created then can be one of them."""
        low, high = self.bounds
        if created_us is None:
            return True
        return (low is None or created_us >= low - slack_us) and (high is None or created_us <= high + slack_us)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """First and last moment of creation, in microseconds since 1970."""
        return timestamps.microseconds(self.created_after), timestamps.microseconds(self.created_before)

    def within(self, low: int | None, high: int | None) -> Filters:
        """Give the same filters for a part of the time, a little wider than told, but never wider than they are."""
        after, before = self.bounds
        if low is not None and (after is None or low - SECOND_US > after):
            after = low - SECOND_US
        if high is not None and (before is None or high + SECOND_US < before):
            before = high + SECOND_US
        return self._replace(
            created_after=self.created_after if after is None else _moment(after),
            created_before=self.created_before if before is None else _moment(before),
        )


class Cursor:
    """The way through the pages of a list, which ends even where the list doesn't.

    Only a missing token ends a list; the length of a page means nothing. But a token that comes again, or page after
    page without anything new, would go on for ever.
    """

    def __init__(self, most_idle: int) -> None:
        self.token: str | None = None
        self.runs_in_circles = False
        self._seen: set[str] = set()
        self._n_idle = self._n_doubts = 0
        self._most_idle = most_idle

    def read(self, body: bytes) -> answers.Page:
        """Read the next page; one that leads where the list was before is doubted at first.

        Raises
        ------
        InvalidAnswerError
            If it isn't one, or may be the answer to an earlier request that came twice.
        """
        page = answers.read_page(body)
        if page.next_page_token in self._seen and self._n_doubts < MOST_DOUBTS:
            self._n_doubts += 1
            raise InvalidAnswerError("the list of jobs leads back to where it was", status_code=200)
        self._n_doubts = 0
        return page

    def move(self, token: str | None, n_new: int) -> bool:
        """Take the token of the next page; tell whether to go there."""
        self._n_idle = 0 if n_new else self._n_idle + 1
        if not token:
            return False
        self.runs_in_circles = token in self._seen or self._n_idle >= self._most_idle
        self._seen.add(token)
        self.token = token
        return not self.runs_in_circles


class Track:
    """When the jobs that a list has shown so far were created, and which way it runs."""

    def __init__(self) -> None:
        self.job_ids: set[str] = set()
        self._first: int | None = None
        self._last: int | None = None
        self._direction = 0  # 1: oldest first, -1: newest first
        self._is_ordered = True

    def add(self, job_id: str, created_us: int | None) -> None:
        """Take note of the next job."""
        self.job_ids.add(job_id)
        if created_us is None or self._last is None:
            self._is_ordered = self._is_ordered and created_us is not None
            self._first = self._last = created_us
            return
        step = (created_us > self._last) - (created_us < self._last)
        self._direction = self._direction or step
        if step not in {0, self._direction}:
            self._is_ordered = False
        self._last = created_us

    def rest(self, filters: Filters) -> Filters | None:
        """Give filters for what the list has not shown yet; None: it shows no order by time."""
        if not self._is_ordered or not self._direction or self._last is None:
            return None
        return filters.within(*self._ends(self._last, None))

    def _ends(self, one: int | None, other: int | None) -> tuple[int | None, int | None]:
        """Give two moments, of which the list comes to this one first, in the order of time."""
        return (one, other) if self._direction > 0 else (other, one)

    def parts(self, filters: Filters) -> list[Filters]:
        """Split what the list has not shown yet into parts that can be listed side by side; none: not worth it.

        They overlap a little. Where the list has no known end, the last part hasn't either.
        """
        if self.rest(filters) is None or self._first is None or self._last is None:
            return []
        seen, start, end = abs(self._last - self._first), self._last, filters.bounds[int(self._direction > 0)]
        if seen < SECOND_US:
            return []
        n_parts, width = MOST_PARTS, STRETCH * seen
        if end is not None:
            left = abs(end - start)
            if left < WORTH * seen:
                return []
            n_parts = min(MOST_PARTS, math.ceil(left / seen))
            width = math.ceil(left / n_parts)
        cuts: list[int | None] = [start + self._direction * width * i for i in range(n_parts)]
        return [filters.within(*self._ends(*ends)) for ends in zip(cuts, [*cuts[1:], end], strict=True)]


def is_count(total: object) -> TypeGuard[int]:
    """Whether what a page says of the size of its list can be one."""
    return isinstance(total, int) and not isinstance(total, bool) and total >= 0


def listed_ids(page: answers.Page) -> list[str]:
    """Give the ids on a page, in its order."""
    return [job_id for item in page.items if (job_id := answers.read_id(bytes(item))) is not None]


def have_left(then: Sequence[str], now: Sequence[str]) -> bool:
    """Whether jobs of a first page have left it since, but for those at its end that new ones pushed off."""
    n_new = len(set(now).difference(then))
    return not set(then[: max(0, len(then) - n_new)]) <= set(now)


def _moment(us: int) -> str:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
