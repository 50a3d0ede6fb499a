"""What has been said of the jobs of a queue: the log, as one reviewer sees it, and which job is to be read next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd

from .. import label_records
from ..label_log import LabelLog
from ..label_records import Record
from ._places import Places
from ._queue import SAMPLE

#: How long a job that somebody else opened is left to them.
OPEN_FOR = dt.timedelta(minutes=30)


class Said:
    """What the records of a log mean for a queue and its reviewer.

    Parameters
    ----------
    queue : DataFrame
        Of ``_queue.make``.
    places : Places
        Where its jobs stand.
    log : LabelLog
        What all reviewers have said.
    reviewer : str
        Who reads.
    share : bool
        Whether jobs that others have labelled are done.
    clock : callable
        Gives the time.

    Attributes
    ----------
    queue : str
        What the queue is called.
    stacks : dict
        The acts that stand, by job and reviewer.
    answers : dict of str to list of Record
        What each reviewer says of each job.
    done : dict of str to int
        The jobs of the queue that need no more reading, each with its place.
    skipped : set of int
        The places of jobs that this reviewer put off.
    looked_at : set of str
        Jobs whose answer this reviewer has seen.
    taken : set of str
        Jobs that others read now.
    """

    def __init__(
        self,
        queue: pd.DataFrame,
        places: Places,
        log: LabelLog,
        reviewer: str,
        *,
        share: bool,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self.reviewer, self.share = reviewer, share
        self._places, self._log, self._clock = places, log, clock
        self._again = queue["again"].to_numpy(dtype=bool)
        self.queue = str(queue["queue"].iloc[0]) if len(queue) else ""
        self.looked_at: set[str] = set()
        self.read()

    def read(self) -> None:
        """Take in what the log holds now, by whomever."""
        self.stacks = label_records.stacks(self._log.records)
        self.answers: dict[str, list[Record]] = {}
        for stack in self.stacks.values():
            said = label_records.answer(stack)
            if said is not None:
                self.answers.setdefault(said.job_id, []).append(said)
        own = (one for one in self._log.records if one.reviewer == self.reviewer)
        self.looked_at |= {one.job_id for one in own if one.seen_prediction}
        latest = {one.reviewer: one for one in self._log.records if one.reviewer != self.reviewer}
        since = self._clock() - OPEN_FOR
        opened = [one for one in latest.values() if one.action == "open" and one.time and one.time > since]
        self.taken = {one.job_id for one in opened} if self.share else set()
        places = self._places.of(job_id for job_id, _ in self.stacks)
        self.done = {job_id: place for job_id, place in places.items() if self._is_done(job_id, place)}
        skipped = (
            one for (one, by), stack in self.stacks.items() if by == self.reviewer and stack[-1].action == "skip"
        )
        self.skipped = {places[job_id] for job_id in skipped if job_id in places}

    def _is_done(self, job_id: str, place: int) -> bool:
        for one in self.answers.get(job_id, []):
            if one.reviewer != self.reviewer and not self.share:
                continue
            # A label from another queue counts, unless this one asks for a second look, or for the draw's own labels.
            if not self._again[place] or one.queue == self.queue:
                return True
            if self.queue == SAMPLE and one.inclusion_probability is not None:
                return True
        return False

    def mine(self, job_id: str) -> Record | None:
        """Give what this reviewer says of a job."""
        mine = [one for one in self.answers.get(job_id, []) if one.reviewer == self.reviewer]
        return mine[0] if mine else None

    def next(self, after: int) -> int | None:
        """Give the next job to read: skipped ones come later, and those that others read now last. None: all are."""
        n, done, taken = len(self._places), set(self.done.values()), set(self._places.of(self.taken).values())
        for passed_over in (done | self.skipped | taken, done | taken, done):
            for step in range(1, n + 1):
                if (place := (after + step) % n) not in passed_over:
                    return place
        return None
