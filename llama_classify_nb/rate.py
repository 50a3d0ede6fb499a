"""What a service admits, learned from what it admits and what it refuses.

Nothing is assumed of how it counts. At first contact with a limit one of two pictures is taken, and dropped for the
other where it proves wrong: a *pace* (so many requests a second, spread evenly: right for token buckets and for windows
of about a second) or a *window* (so many requests, then none until it opens again: right where refusals last longer
than a few seconds, or where the service says so). A pace is cut to between what was admitted since the last refusal and
what was refused, then grows, slowly at first, until the next refusal. Failures that are no refusals may come of too
many requests at a time: how many, ``width_search.py`` looks for. Time comes in as an argument, so that all of this can
be tried against any limiter without waiting.
"""

from __future__ import annotations

import functools
import math
import random
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .chance import LEAVING_TRIAL, MOST, SOME, TOLD_TRIALS, TRIALS, ByCount, Trial
from .first_contact import FirstContact
from .pace_search import MANY, SLOWER, PaceSearch
from .width_search import WidthSearch
from .window_search import MINUTE_S, WindowSearch

NOISY_IN_FLIGHT = 8  # where refusals come by chance
CONTACT = 3  # refusals in a row that show a limit; a single one may be chance
LONG_S = 5.0  # what stays shut so long is a window
BACKOFF_S, MAX_BACKOFF_S = 1.0, 15.0  # between probes of a service that is shut
AFTER_TOLD_S = 0.05  # those that were told to wait are back by then, and go first


F = TypeVar("F", bound=Callable[..., Any])


def _locked(method: F) -> F:
    """Let one thread at a time into a method."""

    @functools.wraps(method)
    def alone(self: Rate, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            return method(self, *arguments, **options)

    return cast(F, alone)


class Rate:
    """When the next request may start. Fetches in several threads may share one.

    Parameters
    ----------
    now : float
        Seconds of a clock that never goes back; so is every other ``now``.
    widest : int
        Most requests in flight at a time.
    jitter : callable
        A random number from 0 to 1.
    """

    def __init__(self, now: float, widest: int, jitter: Callable[[], float] = random.random) -> None:
        self._lock = threading.RLock()
        self._widest, self._jitter, self._in_flight = widest, jitter, 0
        self.start_over(now)

    @_locked
    def start_over(self, now: float) -> None:
        """Forget what was learned."""
        self._mode = "open"  # no limit known; shut: nothing gets through now; paced; window
        self._by_count = ByCount()
        self._first = FirstContact()
        self._in_row = 0
        self._next_start = -math.inf
        self._heard = -math.inf  # when a refusal last said something new
        # A run: what has been started and admitted since the service opened, or since the beginning.
        self._opened: float | None = None
        self._run_started = self._run_admitted = 0
        self._run_last = -math.inf  # when the last of these was started
        # Shut: since when, and when it was last tried.
        self._shut = -math.inf
        self._probed: float | None = None
        self._n_probes = 0
        self._pace, self._window, self._width_search = PaceSearch(now), WindowSearch(), WidthSearch()
        self._n_cuts = 0
        self._trial: Trial | None = None
        self._is_noisy = False

    @_locked
    def widen(self, widest: int) -> None:
        """Allow so many requests in flight at a time."""
        self._widest = widest

    @_locked
    def ready_at(self, now: float) -> float:
        """Tell when the next request may start; infinite: not before another one has ended."""
        return self._ready_at(now)

    def _ready_at(self, now: float) -> float:
        most = min(self._widest, self._width_search.most)
        if self._trial is not None:
            most = min(most, self._trial.size) if self._trial.n_started < self._trial.size else 0
        elif self._mode == "shut":
            most = 1
        elif self._mode == "open":
            cautious = NOISY_IN_FLIGHT if self._is_noisy else most if self._first.is_over else self._first.most
            if cautious < most:
                # While a refusal is fresh, the others in flight will tell whether it was chance.
                most = CONTACT if self._in_row else cautious
        return math.inf if self._in_flight >= most else max(now, self._next_start)

    @_locked
    def forget_wait(self, now: float) -> None:
        """Let the next request start now, whatever the service said."""
        self._next_start = min(self._next_start, now)

    @_locked
    def start(self, now: float) -> bool:
        """Start a request, if one may start now."""
        if self._ready_at(now) > now:
            return False
        self._in_flight += 1
        if self._opened is None:
            self._opened = now
        self._first.started(now)
        self._width_search.started(self._in_flight)
        self._run_started += 1
        if self._trial is not None:
            self._trial.n_started += 1
        elif self._mode == "window":
            if self._run_started >= self._window.most:
                self._close(now, self._opened + self._window.length_s)
        else:
            self._next_start = max(self._next_start, now - self._pace.interval_s) + self._pace.interval_s
        return True

    @_locked
    def ended(self, started: float) -> None:
        """Take note of a request that ended in a way that says nothing about limits."""
        self._in_flight -= 1
        if self._trial is not None and started >= self._trial.since:
            self._trial.n_started -= 1  # another may take its place

    @_locked
    def failed(self, now: float, started: float, n_before: int = 0) -> None:
        """Take note of a request that was not answered, or by an error of the service, after ``n_before`` others."""
        self.ended(started)
        self._width_search.ended(now, started, n_before, self._widest, has_failed=True)

    @_locked
    def admitted(self, now: float, started: float, n_before: int = 0, *, is_served: bool = True) -> None:
        """Take note of a request that got through, after ``n_before`` others of the same.

        ``is_served``: to the job, not to a refusal of another kind.
        """
        self._in_flight -= 1
        if self._by_count.admitted(n_before):
            self._open_up(now)
        self._width_search.ended(now, started, n_before, self._widest, has_failed=False)
        self._first.admitted(now, is_served=is_served)
        self._pace.n_admitted += 1
        self._in_row = 0
        if not is_served and started == self._opened:
            self._opened = None  # many a limiter counts from the first request that it heard of
        if self._mode == "shut" and started > self._shut:
            self._open(now, started)
        elif self._trial is not None:
            self._tried(now, started, 1)
        elif self._mode == "paced":
            self._pace.grow(now, self._heard)
        self._run_admitted += 1
        self._run_last = max(self._run_last, started)
        self._pace.grown = now

    @_locked
    def refused(self, now: float, started: float, retry_after: float | None, n_before: int = 0) -> None:
        """Take note of a request that was refused, after ``n_before`` others of the same.

        ``retry_after`` is what the service asked to wait, in seconds.
        """
        self._in_flight -= 1
        if self._by_count.refused(n_before):
            return
        self._in_row += 1
        if self._trial is not None:
            self._tried(now, started, 0)
        elif started <= self._heard:
            if self._mode == "shut" and retry_after and retry_after >= LONG_S:
                self._next_start = max(self._next_start, now + retry_after)
        elif self._mode == "open":
            if self._in_row >= (2 * CONTACT if self._is_noisy else CONTACT):
                self._meet(now, retry_after)
        elif self._mode == "paced":
            self._refused_at_pace(now, retry_after)
        elif self._mode == "window":
            self._refused_in_window(now, retry_after)
        elif started > self._shut:
            self._still_shut(now, started, retry_after)
        else:
            self._window.n_refused += 1

    # First contact, and what is shut

    def _meet(self, now: float, retry_after: float | None) -> None:
        """Meet a limit."""
        opened = now if self._opened is None else self._opened
        wait = retry_after or BACKOFF_S * (0.75 + 0.25 * self._jitter())
        guess = max(self._run_admitted, 1) / (now - opened + wait)
        self._pace.start_over(now, guess, is_guess=self._run_admitted < MANY)
        self._n_cuts, self._heard = 0, now
        if retry_after and retry_after >= LONG_S:
            self._window.take(self._run_admitted, now + retry_after - opened)
        self._close(now, now + wait + (AFTER_TOLD_S if retry_after else 0.0))

    def _close(self, now: float, until: float) -> None:
        """Start nothing until then, and then one request, to see."""
        self._mode, self._shut, self._probed, self._n_probes = "shut", now, None, 0
        self._next_start = max(self._next_start, until)

    def _still_shut(self, now: float, started: float, retry_after: float | None) -> None:
        self._heard, self._probed = now, started
        self._n_probes += 1
        wait = min(MAX_BACKOFF_S, (retry_after or 2 * BACKOFF_S) * 2 ** (self._n_probes - 1))
        if self._window.quota is not None:
            wait = min(wait, max(BACKOFF_S, 0.1 * self._window.period_s))
            expected = (self._opened or now) + self._window.period_s
            if self._n_probes == 1 and expected > now:  # it was tried earlier than it is known to open
                wait = expected - now
        dues = ((self._opened or 0.0) + minute for minute in MINUTE_S)
        probe = next((due for due in dues if now < due < now + wait + LONG_S), now + wait)
        self._next_start = max(probe, now + (retry_after or 0.0))

    def _open(self, now: float, started: float) -> None:
        """Go on as before it was shut: its first request since got through."""
        darkness = started - self._shut
        opened = started if self._opened is None else self._opened
        self._window.ended(self._run_admitted)
        self._mode = "window"
        if self._window.quota is None and not (darkness >= LONG_S and self._run_admitted > 1):
            self._mode = "paced"
            if self._probed is not None:
                self._pace.take_between(0.5 / darkness, 1 / max(self._probed - self._shut, 1e-3))
            self._next_start = max(self._next_start, started + self._pace.interval_s)
            if (
                self._first.n_admitted == 1 and darkness < LONG_S
            ):  # so far each was refused: no pace can be guessed from that
                self._try(now, LEAVING_TRIAL, SOME)
        else:
            probed = None if self._probed is None else self._probed - opened
            self._window.opened(self._run_admitted, started - opened, probed)
            # A window that slides opens as it was used: as long as that took, only its first place is free.
            slide = min(1.1 * max(0.0, self._run_last - opened), 0.05 * self._window.period_s)
            self._next_start = now + slide
        n_admitted = self._run_admitted
        self._opened, self._run_started, self._run_admitted, self._window.n_refused = started, 1, 0, 0
        if self._window.quota is not None:
            if not self._window.begin():
                self._leave_window(now, n_admitted)
            elif self._window.most <= 1:
                self._close(now, started + self._window.period_s)

    def _refused_in_window(self, now: float, retry_after: float | None) -> None:
        """Fewer got through than the time before."""
        opened, n = self._opened or now, self._run_admitted
        self._heard = now
        if retry_after and retry_after >= LONG_S:
            self._window.take(n, now + retry_after - opened if n > 1 else None)
            self._close(now, now + retry_after)
        elif retry_after and now + retry_after < opened + self._window.period_s / 2:  # it opens long before its end
            self._leave_window(now, n)
        elif 2 * n >= (self._window.quota or 1):
            self._window.take(n)
            self._close(now, max(opened + self._window.period_s, now + (retry_after or 0.0)))
        else:  # it isn't a window at all
            self._leave_window(now, n)

    def _leave_window(self, now: float, n_admitted: int) -> None:
        """Take it for a pace after all."""
        self._mode = "paced"
        self._window.forget()
        self._pace.start_over(self._shut, self._pace.per_s, n_admitted)
        self._cut(now)
        self._try(now, LEAVING_TRIAL)

    # Pace

    def _refused_at_pace(self, now: float, retry_after: float | None) -> None:
        self._heard = now
        if self._in_row > 1:  # the pace was cut a moment ago
            wait = min(MAX_BACKOFF_S, 2 ** (self._in_row - 1) * self._pace.interval_s)
            if retry_after and retry_after >= LONG_S:
                wait = retry_after
            self._next_start = max(self._next_start, now + wait)
            return
        self._cut(now)
        self._n_cuts += 1
        if self._pace.per_s < SLOWER and self._n_cuts in (TRIALS if retry_after is None else TOLD_TRIALS):
            self._try(now, 3 + math.ceil(self._pace.per_s / 5))

    def _cut(self, now: float) -> None:
        """Go slower, and where that is slow, wait before the next request."""
        was_slow = self._pace.per_s < SLOWER
        self._pace.cut(now)
        if was_slow:
            self._next_start = max(self._next_start, now + self._pace.interval_s)

    def _try(self, now: float, size: int, least: float = MOST) -> None:
        self._trial = Trial(now, min(self._widest, size), least)
        self._next_start = now

    def _tried(self, now: float, started: float, n_admitted: int) -> None:
        """Count an answer of a trial; after the last, judge."""
        trial = self._trial
        if trial is None or started < trial.since:
            return
        if not trial.count(n_admitted):
            return
        self._trial, self._heard, self._in_row = None, now, 0
        if trial.shows_chance:
            self._open_up(now)
        else:
            self._next_start = now + 2 * self._pace.interval_s

    def _open_up(self, now: float) -> None:
        """Take refusals to have nothing to do with the pace."""
        self._mode, self._is_noisy, self._next_start = "open", True, -math.inf
        self._pace.per_s = math.inf
        self._window.quota, self._trial = None, None
        self._opened, self._run_started, self._run_admitted = now, 0, 0
