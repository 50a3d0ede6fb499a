"""How fast to ask, and when to ask again: the only code that waits for the service.

All requests of this process to one address share what is learned of it, whatever fetch or thread they belong to.
A refusal (429) never costs a request its chance. When nothing gets through at all, one request
at a time asks whether the service is back, until patience runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn, TypeVar

from .exceptions import (
    ApiError,
    BudgetError,
    InvalidAnswerError,
    RateLimitError,
    ServerError,
    StaleConnectionError,
    TransportError,
)
from .gate import Gate, Turn
from .rate import Rate

T = TypeVar("T")

WIDTH = 32  # requests in flight at a time
TRIES = 12  # for one request, while others succeed
PATIENCE_S = 120.0  # without any success
SENSELESS_PATIENCE_S = 45.0  # the same, where answers come, but none that makes sense: waiting won't mend that
BACKOFF_S, MAX_BACKOFF_S = 0.2, 8.0
REFUSED_BACKOFF_S = 1.0
DOWN_AFTER = 16  # failures in a row, of any requests, after which one request at a time asks
INSIST = 8  # times that the most tried request asks then, before it gives way
PROBE_EVERY_S, PROBE_GROWTH = 5.0, 1.25  # at most, and how much longer than the last such wait each is
GLANCE_S = 0.002  # how often to look whether another request has ended
STEP_S = 0.5  # the longest wait at a time: so soon does a fetch that has given up end
TOO_LONG = 3  # requests in a row that were told to wait beyond patience, after which the fetch gives up

_rates: dict[str, Rate] = {}  # what is known of each address; learned, never set
_rates_lock = threading.Lock()


def shared_rate(address: str, width: int = WIDTH) -> Rate:
    """Give what this process has learned of an address, for at most ``width`` requests in flight."""
    with _rates_lock:
        rate = _rates.setdefault(address, Rate(time.monotonic(), width))
    rate.widen(width)
    return rate


class Pace:
    """The pace of a fetch.

    Parameters
    ----------
    rate : Rate, optional
        What is known of the service; by default nothing yet.
    patience_s : float
        Seconds without a single success after which the fetch gives up.
    time_budget_s, retry_budget : float, optional
        Seconds after which no request is made, and requests that may be repeated.
    clock, sleep, jitter : callable
        Seconds of a clock that never goes back; how to wait; a random number from 0 to 1.

    Attributes
    ----------
    n_requests, n_refused : int
        Requests made, and those of them that the service refused with 429.
    refused_in_a_row : int
        Of these, those since the last request that got through.
    gave_up : ApiError or None
        Why no further request is made: patience or a budget ran out, or the fetch says so.
    """

    def __init__(
        self,
        rate: Rate | None = None,
        *,
        patience_s: float = PATIENCE_S,
        time_budget_s: float | None = None,
        retry_budget: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.n_requests = 0
        self.n_refused = self.refused_in_a_row = 0
        self.gave_up: ApiError | None = None
        self._rate = rate or Rate(clock(), WIDTH, jitter)
        self._patience_s = patience_s
        self._time_budget_s, self._retry_budget = time_budget_s, retry_budget
        self._began = clock()
        self._n_retries = 0
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._last_success = clock()
        self._failures_in_a_row = self._too_long_in_a_row = 0
        self._waits_until = -math.inf
        self._gate, self._probe = Gate(INSIST), Gate(INSIST)

    @property
    def is_down(self) -> bool:
        """Whether nothing gets through at all."""
        return self._failures_in_a_row >= DOWN_AFTER

    async def ask(
        self, once: Callable[[], Awaitable[T]], *, tries: int = TRIES, tried: int = 0, gives_way: bool = False
    ) -> T:
        """Make a request, again and again while that may help.

        Parameters
        ----------
        once : callable
            Makes the request and gives its answer, or raises an :class:`ApiError`.
        tries : int
            How many failures to put up with. A refusal (429) isn't a failure, and neither is one while no request of
            the fetch succeeds: then the service is down, not this request bad.
        tried : int
            How often it was tried before.
        gives_way : bool
            Whether to raise, but for the request that was tried most often, while nothing gets through at all: another
            one may show whether that is so.

        Raises
        ------
        ApiError
            The last one; its ``attempts`` counts the requests made, before this call too.
        """
        failures, attempts = 0, tried
        while True:
            attempts += 1
            is_most_tried = False
            try:
                async with self._probing(attempts) as is_most_tried:
                    return await self._request(once, attempts)
            except ApiError as error:
                error.attempts = attempts
                if not error.retryable:
                    raise
                if isinstance(error, StaleConnectionError):
                    continue
                if isinstance(error, RateLimitError):
                    wait = error.retry_after or REFUSED_BACKOFF_S * (0.5 + 0.5 * self._jitter())
                else:
                    failures += not self.is_down
                    backoff = min(MAX_BACKOFF_S, BACKOFF_S * 2 ** min(failures, 10)) * self._jitter()
                    wait = max(backoff, error.retry_after or 0.0)
                if failures >= tries:
                    raise
                self._check_patience(error, wait)
                if gives_way and self.is_down and not (is_most_tried and attempts < INSIST):
                    # Some jobs always fail, some fail at first only: one is tried again and again, the others give way.
                    await self.pause(error.retry_after or 0.0)
                    if self.is_down:
                        raise
                    wait = 0.0
                self._count_retry()
                await self.pause(wait)

    def start_over(self) -> None:
        """Forget what refusals taught: they turned out to be of one call alone."""
        self._rate.start_over(self._clock())

    def note_request(self, refusal: RateLimitError | None = None) -> None:
        """Count a request that was made in another's turn, and that was refused or not."""
        self.n_requests += 1
        self.n_refused += refusal is not None

    def now(self) -> float:
        """Tell the time, in seconds of the pace's own clock."""
        return self._clock()

    @property
    def waits_s(self) -> float:
        """Seconds until the next request may start, as far as that is known; 0: no request has to wait."""
        return max(0.0, self._waits_until - self._clock())

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the time budget, nor once the fetch has given up.

        Raises
        ------
        ApiError
            What the fetch gave up for; a :class:`BudgetError` if the budget ends before the wait does.
        """
        budget_s, end = self._time_budget_s, self._clock() + seconds
        until = end if budget_s is None else min(end, self._began + budget_s)
        while (left := until - self._clock()) > STEP_S:
            await self._sleep(STEP_S)
            if self.gave_up is not None:
                raise self.gave_up
        await self._sleep(max(0.0, left))
        if until < end or (budget_s is not None and self._clock() >= self._began + budget_s):
            self.gave_up = BudgetError(f"the time budget of {budget_s:g} s is used up")
            raise self.gave_up

    def _count_retry(self) -> None:
        self._n_retries += 1
        if self._retry_budget is not None and self._n_retries > self._retry_budget:
            self.gave_up = BudgetError(f"the retry budget of {self._retry_budget:,} is used up")
            raise self.gave_up

    @contextlib.asynccontextmanager
    async def _probing(self, attempts: int) -> AsyncIterator[bool]:
        """While nothing gets through, wait for a turn to see whether that is still so."""
        if not self.is_down:
            yield False
            return
        async with self._probe.turn(attempts) as turn:
            if self.gave_up is not None:
                raise self.gave_up
            if self.is_down:
                soon = BACKOFF_S * PROBE_GROWTH ** (self._failures_in_a_row - DOWN_AFTER)
                await self.pause(min(PROBE_EVERY_S, soon) * (0.5 + 0.5 * self._jitter()))
                await self._probe.let_by(turn)
            yield turn.is_for_most_tried

    async def _request(self, once: Callable[[], Awaitable[T]], attempts: int) -> T:
        async with self._gate.turn(attempts) as turn:
            started = await self._start(turn)
            if self.gave_up is not None:
                self._rate.ended(self._clock())
                raise self.gave_up
        self.n_requests += 1
        try:
            answer = await once()
        except RateLimitError as error:
            self.n_refused += 1
            self.refused_in_a_row += 1
            self._rate.refused(self._clock(), started, error.retry_after, attempts - 1)
            raise
        except ApiError as error:
            if error.retryable:
                self._failures_in_a_row += not isinstance(error, StaleConnectionError)
                if isinstance(error, ServerError | TransportError) and not isinstance(error, StaleConnectionError):
                    self._rate.failed(self._clock(), started, attempts - 1)
                else:
                    self._rate.ended(started)
            else:
                self._got_through(started, attempts - 1, is_served=False)
            raise
        except BaseException:
            self._rate.ended(started)
            raise
        self._got_through(started, attempts - 1)
        return answer

    async def _start(self, turn: Turn) -> float:
        """Wait until the next request may start; give that moment."""
        await self.pause(0.0)
        while not self._rate.start(now := self._clock()):
            wait = self._rate.ready_at(now) - now
            if self._patience_s < wait < math.inf:
                if self.n_requests:
                    self._give_up_for(wait)
                self._rate.forget_wait(self._clock())  # whoever asks anew may be let in: that is tried once
                continue
            self._waits_until = self._clock() + wait if wait < math.inf else -math.inf
            await self.pause(GLANCE_S if math.isinf(wait) else max(wait, 0.0))
            await self._gate.let_by(turn)
        return now

    def _give_up_for(self, wait: float) -> NoReturn:
        minutes = math.ceil(wait / 60)
        self.gave_up = RateLimitError(
            f"429: the service asks to wait {minutes:,} minutes, longer than is waited here: go on after that",
            status_code=429,
            retry_after=wait,
        )
        raise self.gave_up

    def _got_through(self, started: float, n_before: int, *, is_served: bool = True) -> None:
        self._failures_in_a_row = self._too_long_in_a_row = self.refused_in_a_row = 0
        self._last_success = self._clock()
        self._rate.admitted(self._last_success, started, n_before, is_served=is_served)

    def _check_patience(self, error: ApiError, wait: float) -> None:
        """Give up, once and for all requests, where nothing has succeeded for too long, or won't for as long."""
        alone, patience_s = self._clock() - self._last_success, self._patience_s
        if isinstance(error, InvalidAnswerError):
            patience_s = min(patience_s, SENSELESS_PATIENCE_S)
        is_too_long = wait > self._patience_s
        self._too_long_in_a_row += is_too_long
        if self.gave_up is not None or alone > patience_s or self._too_long_in_a_row >= TOO_LONG:
            self.gave_up = error
        if self.gave_up is not None or is_too_long:  # one request alone may be told so: the others go on
            raise error
