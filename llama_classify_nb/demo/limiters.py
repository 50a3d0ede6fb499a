"""What a service may count by: each admits a request, or says how long until it would."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], float]


class Limiter(Protocol):
    """What decides whether a request is admitted. It keeps its own state: a new one for every server."""

    def take(self) -> float:
        """Ask to be admitted: 0 when it is so, else the seconds after which to ask again."""

    def release(self) -> None:
        """Tell that an admitted request is answered."""


class TokenBucket:
    """``rate`` requests a second, and ``burst`` at once after a rest."""

    def __init__(self, rate: float, burst: float = 1, *, clock: Clock = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class FixedWindow:
    """``limit`` requests in each window; windows follow one another from the first request on."""

    def __init__(self, limit: int, window_s: float, *, clock: Clock = time.monotonic) -> None:
        self.limit, self.window_s, self._clock = limit, window_s, clock
        self._origin: float | None = None
        self._window, self._n = 0, 0

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        self._origin = now if self._origin is None else self._origin
        window = int((now - self._origin) // self.window_s)
        if window != self._window:
            self._window, self._n = window, 0
        if self._n >= self.limit:
            return self._origin + (window + 1) * self.window_s - now
        self._n += 1
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class SlidingWindow:
    """``limit`` admitted requests in any ``window_s`` seconds."""

    def __init__(self, limit: int, window_s: float, *, clock: Clock = time.monotonic) -> None:
        self.limit, self.window_s, self._clock = limit, window_s, clock
        self._admitted: collections.deque[float] = collections.deque()

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        while self._admitted and now - self._admitted[0] >= self.window_s:
            self._admitted.popleft()
        if len(self._admitted) >= self.limit:
            return self._admitted[0] + self.window_s - now
        self._admitted.append(now)
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class Concurrency:
    """``limit`` requests at a time; whoever is refused is told to wait ``wait_s``."""

    def __init__(self, limit: int, *, wait_s: float = 1.0) -> None:
        self.limit, self.wait_s, self._n = limit, wait_s, 0

    def take(self) -> float:
        """Ask to be admitted."""
        if self._n >= self.limit:
            return self.wait_s
        self._n += 1
        return 0.0

    def release(self) -> None:
        """Tell that an admitted request is answered."""
        self._n -= 1
