"""How fast to ask, and when to ask again: the only code that waits.

All requests of a fetch share one pace. It starts as fast as its lanes allow and learns what the service admits: when
the service refuses (429), everybody pauses, and goes on at less than what got through; while it doesn't refuse, the
pace grows. Nothing is assumed of how the service counts. When nothing gets through at all, one request at a time asks
whether the service is back, until patience runs out.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .exceptions import ApiError, RateLimitError

T = TypeVar("T")

TRIES = 12  # for one request, while others succeed
PATIENCE_S = 120.0  # without any success
BACKOFF_S = 0.2
REFUSED_BACKOFF_S = 1.0
MAX_BACKOFF_S = 8.0
MAX_REFUSED_BACKOFF_S = 15.0
PROBE_AFTER = 16  # failures in a row, of any requests, after which one request at a time asks
PROBE_EVERY_S = 5.0
CUT = 0.7  # of what got through: the pace after a refusal
GROWTH_PER_S = 1.05


class Pace:
    """The pace of a fetch, learned from its answers.

    Parameters
    ----------
    patience_s : float
        Seconds without a single success after which the fetch gives up.
    clock, sleep, jitter : callable
        Seconds of a clock that never goes back; how to wait; a random number from 0 to 1.

    Attributes
    ----------
    n_requests, n_refused : int
        Requests made, and those of them that the service refused with 429.
    gave_up : ApiError or None
        The last error, if patience ran out.
    """

    def __init__(
        self,
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.n_requests = 0
        self.n_refused = 0
        self.gave_up: ApiError | None = None
        self._patience_s = patience_s
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._rate = math.inf  # requests a second
        self._next_start = -math.inf  # not before this may the next request start
        self._last_refusal = self._last_success = self._grown_at = clock()
        self._refusals_in_a_row = 0
        self._n_through = 0  # requests that got through since the last refusal
        self._failures_in_a_row = 0
        self._probe = asyncio.Lock()

    async def ask(self, once: Callable[[], Awaitable[T]], *, tries: int = TRIES) -> T:
        """Make a request, again and again while that may help.

        Parameters
        ----------
        once : callable
            Makes the request and gives its answer, or raises an :class:`ApiError`.
        tries : int
            How many failures to put up with. A refusal (429) isn't a failure, and neither is one while no request of
            the fetch succeeds: then the service is down, not this request bad.

        Raises
        ------
        ApiError
            The last one; its ``attempts`` counts the requests made.
        """
        failures = attempts = 0
        while True:
            attempts += 1
            try:
                return await self._turn(once)
            except RateLimitError as error:
                error.attempts = attempts
                self._check_patience(error)
            except ApiError as error:
                error.attempts = attempts
                if not error.retryable:
                    raise
                failures += self._failures_in_a_row < PROBE_AFTER
                if failures >= tries:
                    raise
                self._check_patience(error)
                backoff = min(MAX_BACKOFF_S, BACKOFF_S * 2 ** min(failures, 10)) * self._jitter()
                await self._sleep(max(backoff, error.retry_after or 0.0))

    async def _turn(self, once: Callable[[], Awaitable[T]]) -> T:
        if self._failures_in_a_row < PROBE_AFTER:
            return await self._request(once)
        async with self._probe:
            if self._failures_in_a_row >= PROBE_AFTER:
                await self._sleep(PROBE_EVERY_S * (0.5 + 0.5 * self._jitter()))
            return await self._request(once)

    async def _request(self, once: Callable[[], Awaitable[T]]) -> T:
        while (wait := self._next_start - self._clock()) > 0:
            await self._sleep(wait)
        started = self._clock()
        self._next_start = max(self._next_start, started + 1 / self._rate)
        self.n_requests += 1
        try:
            answer = await once()
        except RateLimitError as error:
            self._refused(started, error.retry_after)
            raise
        except ApiError as error:
            if error.retryable:
                self._failures_in_a_row += 1
            else:
                self._got_through()
            raise
        self._got_through()
        return answer

    def _got_through(self) -> None:
        now = self._clock()
        self._failures_in_a_row = self._refusals_in_a_row = 0
        self._n_through += 1
        if self._rate < math.inf:
            self._rate *= GROWTH_PER_S ** min(now - self._grown_at, 1 / self._rate + 1)
        self._grown_at = self._last_success = now

    def _refused(self, started: float, retry_after: float | None) -> None:
        now = self._clock()
        self.n_refused += 1
        if started > self._last_refusal:  # else it is of the same burst as the refusal before, and says nothing new
            self._refusals_in_a_row += 1
            self._rate = max(CUT * self._n_through / max(now - self._last_refusal, 1.0), 1 / MAX_REFUSED_BACKOFF_S)
            self._n_through, self._last_refusal = 0, now
        backoff = min(MAX_REFUSED_BACKOFF_S, REFUSED_BACKOFF_S * 2 ** min(self._refusals_in_a_row - 1, 10))
        wait = retry_after or backoff * (0.5 + 0.5 * self._jitter())
        self._next_start = max(self._next_start, now + wait)

    def _check_patience(self, error: ApiError) -> None:
        """Give up, once and for all requests, when nothing has succeeded for too long."""
        waiting_for = max(self._clock(), self._next_start if error.retry_after else 0.0)
        if self.gave_up is not None or waiting_for - self._last_success > self._patience_s:
            self.gave_up = error
            raise error
