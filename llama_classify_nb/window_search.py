"""The search for a window: how many requests a service admits, and how long it then stays shut."""

from __future__ import annotations

MINUTE_S = (60.05, 61.5)  # most limits are by the minute: a probe is due then, and again if it came too early
SLACK_S = 1.0  # beyond that, of a window that still is a minute
CONTRADICTED = 2  # windows in a row that refused some of their quota, after which it is taken to be none
PUSH_EVERY, PUSH_GROWTH = 4, 4  # windows after which more than the quota is tried: one request, and then ever more
CERTAIN = 0.05  # of a window's length: what need not be known better


class WindowSearch:
    """Requests and seconds of a window: what is known of them, and what is tried now.

    Attributes
    ----------
    quota : int or None
        Requests that it admits; None: as far as is known there is no window.
    period_s : float
        Seconds from its first request until it opens again.
    n_refused : int
        Requests within the quota that were refused after all of it was started.
    """

    def __init__(self) -> None:
        self.quota: int | None = None
        self.period_s = 0.0
        self.n_refused = 0
        self._shortest_s = 0.0  # after which it was still shut
        self._push = self._n_windows = 0  # requests beyond the quota that are tried now; windows since the last push
        self._pushes = 1  # how many the next push is
        self._n_contradicted = 0

    @property
    def most(self) -> int:
        """Requests to start before it shuts."""
        return (self.quota or 1) + self._push

    @property
    def length_s(self) -> float:
        """Seconds after which it may be open again."""
        is_certain = self.period_s - self._shortest_s <= CERTAIN * self.period_s
        return self.period_s if is_certain else (self.period_s + self._shortest_s) / 2

    def take(self, n_admitted: int, period_s: float | None = None) -> None:
        """Take a window for known: so many requests, and, where the service said so, so many seconds."""
        self.quota = max(1, n_admitted)
        if period_s is not None:
            self.period_s = self._shortest_s = period_s

    def forget(self) -> None:
        """Take it that there is none."""
        self.quota, self._n_contradicted = None, 0

    def ended(self, n_admitted: int) -> None:
        """Take note of what a window admitted that is over."""
        if self.quota is None:
            return
        is_contradicted = self.n_refused > self._push
        self._n_contradicted = self._n_contradicted + 1 if is_contradicted else 0
        if is_contradicted and 2 * n_admitted >= self.quota:
            self.quota = max(1, n_admitted)
        self._pushes = PUSH_GROWTH * self._push if self._push and n_admitted > self.quota else 1
        if self._pushes > 1:
            self.quota, self._n_windows = n_admitted, -1  # the next window is to take still more

    def opened(self, n_admitted: int, after_s: float, shut_after_s: float | None) -> None:
        """Take note of when it opened, and, if it was probed before, when it was still shut."""
        if self.quota is not None and shut_after_s is None:
            self.period_s = min(self.period_s, after_s)
            return
        self.quota, self.period_s = self.quota or n_admitted, after_s
        is_minute = MINUTE_S[0] <= after_s < MINUTE_S[1] + SLACK_S
        self._shortest_s = after_s if is_minute or shut_after_s is None else shut_after_s

    def begin(self) -> bool:
        """Begin the next one; tell whether there still seem to be windows at all."""
        self._n_windows += 1
        self._push = self._pushes if self._n_windows % PUSH_EVERY == 0 else 0
        return self._n_contradicted < CONTRADICTED
