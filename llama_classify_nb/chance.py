"""Refusals that have nothing to do with the pace: by chance, or of each request so many times."""

from __future__ import annotations

from dataclasses import dataclass

ALIKE = 4  # requests in a row that got through after as many refusals each, which shows that these are by count
LEAVING_TRIAL = 8  # requests that then tell whether it is a pace
MOST, SOME = 0.55, 0.4  # of a trial, that get through where refusals come by chance, or by count
# Cuts after which it is tried whether refusals have to do with the pace at all …
TRIALS = (6, 9, 12, 16, 20, 26, 32, 40, 60, 90)
TOLD_TRIALS = (10, 20, 40, 160)  # … where the service says how long to wait, and so seems to know what it does


@dataclass
class Trial:
    """A handful of requests at once: if most get through, refusals come by chance and not by pace."""

    since: float
    size: int
    least: float  # of them, that must get through
    n_started: int = 0
    n_admitted: int = 0
    n_answered: int = 0

    def count(self, n_admitted: int) -> bool:
        """Count an answer; tell whether it was the last."""
        self.n_answered += 1
        self.n_admitted += n_admitted
        return self.n_answered >= self.size

    @property
    def shows_chance(self) -> bool:
        """Whether enough got through."""
        return self.n_admitted >= self.least * self.size


class ByCount:
    """Whether a service refuses each request so many times, and then lets it through, whatever the pace."""

    def __init__(self) -> None:
        self._n_times = 0  # that each is refused, it seems
        self._n_alike = 0  # admissions in a row after as many refusals, with refusals of others in between
        self._was_refused = self._is_so = False
        self._needed = ALIKE

    def admitted(self, n_before: int) -> bool:
        """Take note; tell whether this shows that it is so."""
        if n_before != self._n_times or n_before == 0:
            self._n_times, self._n_alike = n_before, 0
            self._was_refused = self._is_so = False
        elif self._was_refused:
            self._n_alike += 1
            self._was_refused = False
        shows = self._n_alike >= self._needed and not self._is_so
        self._is_so |= shows
        return shows

    def refused(self, n_before: int) -> bool:
        """Take note; tell whether such a refusal was to be expected."""
        self._was_refused = True
        if n_before < self._n_times:
            return self._is_so
        if self._is_so:  # a wrong guess: the next needs more to show it
            self._needed *= 2
        self._n_alike, self._is_so = 0, False
        return False
