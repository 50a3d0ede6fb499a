"""Which jobs to list, and the way through the pages of a list that can't be trusted to end."""

from __future__ import annotations

from typing import NamedTuple

from . import answers


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
        return self.status in {None, job.status} and self.configuration_id in {None, job.configuration_id}


class Cursor:
    """The way through the pages of a list, which ends even where the list doesn't.

    Only a missing token ends a list; the length of a page means nothing. But a token that comes again, or page after
    page without anything new, would go on for ever.
    """

    def __init__(self, most_idle: int) -> None:
        self.token: str | None = None
        self.runs_in_circles = False
        self._seen: set[str] = set()
        self._n_idle = 0
        self._most_idle = most_idle

    def move(self, token: str | None, n_new: int) -> bool:
        """Take the token of the next page; tell whether to go there."""
        self._n_idle = 0 if n_new else self._n_idle + 1
        if not token:
            return False
        self.runs_in_circles = token in self._seen or self._n_idle >= self._most_idle
        self._seen.add(token)
        self.token = token
        return not self.runs_in_circles
