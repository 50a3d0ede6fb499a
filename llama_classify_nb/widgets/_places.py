"""Where the jobs of a queue stand in it."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..metrics._labelled import first_rows


class Places:
    """The id at each place of a queue, and the place of each id.

    A queue may hold a million jobs, of which a person reads some hundreds: each id is read where it stands, and looked
    for once it is asked for.

    Parameters
    ----------
    queue : DataFrame
        Of ``_queue.make``.

    Attributes
    ----------
    rows : ndarray
        The row in jobs of each place.
    """

    def __init__(self, queue: pd.DataFrame) -> None:
        self.rows = queue["row"].to_numpy()
        self._queue, self._ids = queue[["job_id"]], queue["job_id"].array
        self._known: dict[str, int | None] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, place: int) -> str:
        job_id = str(self._ids[place])
        self._known[job_id] = place
        return job_id

    def of(self, job_ids: Iterable[str]) -> dict[str, int]:
        """Give the place of each of these jobs that the queue holds."""
        wanted = list(dict.fromkeys(job_ids))
        if new := [one for one in wanted if one not in self._known]:
            found = first_rows(self._queue, pd.Series(new, dtype=object)).tolist()
            self._known |= {one: None if place < 0 else place for one, place in zip(new, found, strict=True)}
        return {one: place for one in wanted if (place := self._known[one]) is not None}
