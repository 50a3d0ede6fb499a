"""What has been said of the jobs of a queue: the log, as one reviewer sees it, and which job is to be read next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd

from .. import label_records
from ..label_log import LabelLog
from ..label_records import Record
from ._queue import SAMPLE

#: How long a job that somebody else opened is left to them.
OPEN_FOR = dt.timedelta(minutes=30)


class Said:
    """What the records of a log mean for a queue and its reviewer.

    Parameters
    ----------
    queue : DataFrame
        Of ``_queue.make``.
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
    looked_at : set of str
        Jobs whose answer this reviewer has seen.
    taken : set of str
        Jobs that others read now.
    """

    def __init__(
        self, queue: pd.DataFrame, log: LabelLog, reviewer: str, *, share: bool, clock: Callable[[], dt.datetime]
    ) -> None:
        self.reviewer, self.share = reviewer, share
        self._log, self._clock = log, clock
        self._ids = [str(one) for one in queue["job_id"]]
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
        mine = (one for one in self._log.records if one.reviewer == self.reviewer)
        self.looked_at |= {one.job_id for one in mine if one.seen_prediction}
        latest = {one.reviewer: one for one in self._log.records if one.reviewer != self.reviewer}
        since = self._clock() - OPEN_FOR
        opened = [one for one in latest.values() if one.action == "open" and one.time and one.time > since]
        self.taken = {one.job_id for one in opened} if self.share else set()

    def mine(self, place: int) -> Record | None:
        """Give what this reviewer says of a job of the queue."""
        mine = [one for one in self.answers.get(self._ids[place], []) if one.reviewer == self.reviewer]
        return mine[0] if mine else None

    def is_done(self, place: int) -> bool:
        """Tell whether a job of the queue needs no more reading."""
        for one in self.answers.get(self._ids[place], []):
            if one.reviewer != self.reviewer and not self.share:
                continue
            # A label from another queue counts, unless this one asks for a second look, or for the draw's own labels.
            if not self._again[place] or one.queue == self.queue:
                return True
            if self.queue == SAMPLE and one.inclusion_probability is not None:
                return True
        return False

    def is_skipped(self, place: int) -> bool:
        """Tell whether this reviewer put a job off."""
        stack = self.stacks.get((self._ids[place], self.reviewer))
        return bool(stack) and stack[-1].action == "skip"  # type: ignore[index]

    def next(self, after: int) -> int | None:
        """Give the next job to read: skipped ones come later, and those that others read now last. None: all are."""
        n = len(self._ids)
        for with_skipped, with_taken in ((False, False), (True, False), (True, True)):
            for step in range(1, n + 1):
                place = (after + step) % n
                if (
                    not self.is_done(place)
                    and (with_skipped or not self.is_skipped(place))
                    and (with_taken or self._ids[place] not in self.taken)
                ):
                    return place
        return None
