"""The search for the fastest pace that a service admits: cut at a refusal, grown until the next one."""

from __future__ import annotations

import math

SLOWER = 10.0  # requests a second: what is slower is searched for by request, what is faster by second
SLOWEST_S = 15.0  # between two requests
FEW, MANY = 8, 20  # admitted requests that make a guess, and a measurement
CLOSE, NEAR = 0.85, 0.95  # of a refused pace: below these the pace grows fast, and less so; above, it is felt for
BELOW = 0.988  # of a refused pace: where to go on
ALMOST = 0.012  # of a refused pace: one refused so near the one before is the same limit
LEAST_SWING = 0.33
FASTEST, FAST, MIDDLE, SLOW = 3.0, 1.3, 1.02, 1.0008  # growth a second; the first is for a guess


class PaceSearch:
    """Requests a second: what is tried now, and what is known of what is too much.

    Parameters
    ----------
    now : float
        Seconds of a clock that never goes back; so is every other ``now``.

    Attributes
    ----------
    per_s : float
        The pace to keep to; infinite: none.
    n_admitted : int
        Requests admitted since the last measurement.
    grown : float
        Up to when time has been counted as growth.
    """

    def __init__(self, now: float) -> None:
        self.start_over(now, math.inf)
        self.grown = now

    def start_over(self, now: float, per_s: float, n_admitted: int = 0, *, is_guess: bool = False) -> None:
        """Forget what was learned, and go on at this pace; so many requests were admitted since.

        With ``is_guess`` it may be far too slow.
        """
        self.per_s, self.n_admitted = per_s, n_admitted
        self._is_guess = is_guess
        self._ceiling = math.inf  # the last refused pace
        self._measured = 0.0  # from refusal to refusal
        self._anchor = now  # when that was
        self._bracket = (0.0, math.inf)  # of slow ones, before anything is measured
        self._swing = 1.0  # the better a limit is known, the smaller both cuts and growth

    @property
    def interval_s(self) -> float:
        """Seconds from one request to the next."""
        return 1 / self.per_s

    def take_between(self, low: float, high: float) -> None:
        """Take a pace between one that must be admitted and one that was refused."""
        self._bracket, self.per_s = (low, high), math.sqrt(2 * low * high)

    def grow(self, now: float, heard: float) -> None:
        """Let the pace grow, the faster the longer nothing has been refused; slow paces grow by request."""
        slowly = min(1.0, self.per_s / SLOWER)
        elapsed = min(max(0.0, now - self.grown), 1 + self.interval_s) * slowly
        calm = 1 + (now - heard) * slowly / 5
        if self._ceiling == math.inf:
            self.per_s *= max(FAST ** (elapsed / slowly**0.5), FASTEST**elapsed if self._is_guess else 1)
        elif self.per_s < CLOSE * self._ceiling:
            self.per_s *= FAST**elapsed
        elif self.per_s < NEAR * self._ceiling:
            self.per_s *= MIDDLE**elapsed
        else:
            self.per_s *= SLOW ** (elapsed * calm * self._swing)
        if self.per_s > 1.1 * self._ceiling:
            self._ceiling = math.inf

    def cut(self, now: float) -> None:
        """Cut the pace to between what was admitted since the last refusal and what was refused now."""
        elapsed, refused = max(now - self._anchor, 1e-3), self.per_s
        is_fast = refused >= SLOWER
        is_echo = self.n_admitted < MANY  # a window remembers what was too much before the last cut
        is_known = is_fast and not is_echo and abs(refused - self._ceiling) <= ALMOST * refused
        self._swing = max(LEAST_SWING, self._swing / 2) if is_known else 1.0
        self._is_guess = False
        below = 1 - (1 - BELOW) * self._swing
        if not (is_echo and is_fast and self._measured):
            self._ceiling = refused
        if not is_echo:
            self._measured = max(self.n_admitted / elapsed, 0.97 * self._measured)
            self._anchor, self.n_admitted = now, 0
        if is_fast and self._measured and is_echo and FEW <= self.n_admitted < 1.1 * self._measured * elapsed:
            # It is none: as much is admitted as before, and no more.
            self._ceiling = self._measured / NEAR
            self.per_s = below * self._measured
        elif is_fast and self._measured and (is_echo or self._measured >= NEAR * refused):
            self.per_s = below * refused
        elif self._measured:
            self.per_s = math.sqrt(self._measured * refused) * (BELOW if self._measured >= CLOSE * refused else 1)
        else:
            self.per_s = self._bisected(elapsed)
        self.per_s = max(min(self.per_s, below * refused), 1 / SLOWEST_S)
        self.grown = now

    def _bisected(self, elapsed: float) -> float:
        """Give the middle of what so few admitted requests leave possible."""
        least, most = max(self.n_admitted - 1, 0.3) / elapsed, (self.n_admitted + 1) / elapsed
        low, high = max(least, self._bracket[0]), min(most, self._bracket[1])
        if low > high:  # what was learned no longer holds
            low, high = least, most
        self._bracket = low, high
        return BELOW * low if high < 1.1 * low else math.sqrt(low * high)
