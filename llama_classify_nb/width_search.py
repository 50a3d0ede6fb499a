"""The search for how many requests a service takes at a time, where it fails to answer more of them.

Some refuse what is too much with 429, and are asked at a pace. Others answer 503, or not at all, while more than so
many requests or connections are open. But failures come by chance, too, and then fewer requests at a time fail as
often: so that is tried first.
"""

from __future__ import annotations

import math

SUSPICIOUS = 0.3  # of the answers, that fail
FIRST_LOOK, LATER = 12, 4  # answers to look at first, and how many times more after it was chance
ROUND = 8  # answers at least that tell how a width does
CLEARLY = 4  # times fewer failures show that it was the width
TOLERATED = 0.1  # of the answers that may fail
OLD = 3  # attempts of a request after which its failures raise no suspicion: it may never be answered
CALM, MOST_CALM = 64, 1_024  # answers after which a width that failed is tried again


class WidthSearch:
    """Requests in flight at a time: how many are tried now, and what is known of too many.

    Attributes
    ----------
    most : float
        How many there may be; infinite: failures have nothing to do with it.
    """

    def __init__(self) -> None:
        self.most = math.inf
        self._look = FIRST_LOOK
        self._share = 0.0  # of answers that failed before it was narrowed
        self._good, self._bad = 0, 0  # widths: the last that did well, and one that didn't; 0: none
        self._calm = CALM
        self._begin(-math.inf)

    def _begin(self, now: float, most: float | None = None) -> None:
        """Count anew from here on, at this width."""
        self.most = self.most if most is None else most
        self._since = now  # what was started before says nothing of this width
        self._n = self._n_failed = self._in_flight = 0

    def started(self, in_flight: int) -> None:
        """Take note of a request that makes so many in flight."""
        self._in_flight = max(self._in_flight, in_flight)

    def ended(self, now: float, started: float, n_before: int, widest: int, *, has_failed: bool) -> None:
        """Take note of one that was answered or failed, after ``n_before`` others of the same.

        ``widest``: requests that may be in flight anyway.
        """
        is_trial = self.most < math.inf and not self._good
        if started < self._since or (has_failed and n_before >= OLD and not is_trial):
            return
        self._n += 1
        self._n_failed += has_failed
        if self.most == math.inf:
            self._look_for_failures(now)
        elif is_trial:
            self._try_fewer(now)
        else:
            self._search(now, widest)

    def _look_for_failures(self, now: float) -> None:
        if self._n < self._look:
            return
        self._share = self._n_failed / self._n
        if self._share < SUSPICIOUS or self._in_flight < 2:
            self._begin(now)
            return
        self._good, self._bad, self._calm = 0, self._in_flight, CALM
        self._begin(now, max(1, int(self._in_flight * (1 - self._share))))

    def _try_fewer(self, now: float) -> None:
        """See whether fewer at a time fail less often."""
        if CLEARLY * self._n_failed > ROUND * self._share:
            self._take_for_chance(now)
        elif self._n >= ROUND:
            self._good = int(self.most)
            self._begin(now, self._next())

    def _take_for_chance(self, now: float) -> None:
        self._look = min(MOST_CALM, LATER * self._look)
        self._begin(now, math.inf)

    def _search(self, now: float, widest: int) -> None:
        fails = self._n_failed >= 2 and self._n_failed > TOLERATED * self._n
        is_known_good = self.most == self._good
        if fails and not is_known_good:
            self._calm = min(MOST_CALM, 2 * self._calm) if self.most == self._bad else self._calm
            self._bad = int(self.most)
            self._begin(now, self._good)
        elif fails and self._n >= ROUND:  # what did well once does so no more
            if self._good == 1:
                self._take_for_chance(now)
            else:
                self._bad, self._good = self._good, self._good // 2
                self._begin(now, self._good)
        elif self._n >= max(ROUND, 2 * self.most) and not fails:
            self._good = int(self.most)
            if self._good >= widest:
                self._begin(now, math.inf)
            elif self._good + 1 < self._bad:
                self._begin(now, self._next())
            elif self._good >= self._bad:
                self._bad = 2 * self._good + 1  # it is none
                self._begin(now, self._next())
            elif self._n >= self._calm:
                self._begin(now, self._bad)

    def _next(self) -> int:
        """Give the width between what did well and what didn't that is tried next."""
        return max(self._good, min(2 * self._good, (self._good + self._bad) // 2))
