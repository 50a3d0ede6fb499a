"""Care at first contact: how many requests may be in flight before anything is known of a service's limits.

As many can be refused at first contact with a limit. Limits of 20 a minute are common, hence the care after the first
few. Care ends where more was admitted than a service would that allows 40 a second; else, since answers may just be
slow, request by request.
"""

from __future__ import annotations

FIRST_IN_FLIGHT = ((0, 12), (4, 8), (48, 12))  # after so many were admitted, so many
COMMON_BURST, COMMON_PACE = 52, 40.0
CARE, MORE_EVERY = 128, 8


class FirstContact:
    """What was admitted before a limit was met, if there is one.

    Attributes
    ----------
    n_admitted : int
        Requests that were served.
    is_over : bool
        Whether more was admitted than common limits would.
    """

    def __init__(self) -> None:
        self.n_admitted = 0
        self.is_over = False
        self._began: float | None = None

    def started(self, now: float) -> None:
        """Take note of a request."""
        if self._began is None:
            self._began = now

    def admitted(self, now: float, *, is_served: bool) -> None:
        """Take note of a request that got through, and was served or not."""
        self.n_admitted += is_served
        self.is_over |= self.n_admitted > COMMON_BURST + COMMON_PACE * (now - (self._began or 0.0))

    @property
    def most(self) -> int:
        """Requests that may be in flight while it isn't over."""
        first = next(most for after, most in reversed(FIRST_IN_FLIGHT) if self.n_admitted >= after)
        return first + max(0, self.n_admitted - CARE) // MORE_EVERY
