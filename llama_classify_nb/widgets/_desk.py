"""The state of the review desk, without a widget: which job is shown, what is hidden, and what each act writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError
from ..label_log import LabelLog
from ..label_records import NO_RULE, Record
from ..texts import printable
from ._places import Places
from ._progress import Narrowing, Progress
from ._queue import SAMPLE
from ._rules import rules_of
from ._said import Said

#: What an answer says, and what may tell it: hidden while a job is blind.
ANSWER = ("outcome", "type", "confidence", "reasoning", "error_message", "extra")
KEYS = {"n": "no_rule", "?": "cant_tell", "s": "skip", "u": "undo", "b": "back", "+": "forward"}


class Desk:
    """Which job a reviewer reads, and what they say of it.

    Every act writes one record and then moves on; if it can't be written, it raises and nothing changes. Where a queue
    is shared, a record says which job is being read, too, so that nobody else begins it.

    Parameters
    ----------
    jobs, rules : DataFrame
        The tables.
    queue : DataFrame
        Of ``_queue.make``.
    log : LabelLog
        Where the records go, and what is there already.
    reviewer : str
        Who reads.
    plan : DataFrame, optional
        Of ``audit_plan``.
    share : bool
        Whether jobs that others have labelled are done.
    clock : callable
        Gives the time of a record.
    """

    def __init__(
        self,
        jobs: pd.DataFrame,
        rules: pd.DataFrame,
        queue: pd.DataFrame,
        log: LabelLog,
        *,
        reviewer: str,
        plan: pd.DataFrame | None = None,
        share: bool = False,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._jobs, self._rules, self._log, self._clock = jobs, rules, log, clock
        self._queue = queue.reset_index(drop=True)
        self._ids = Places(self._queue)
        self._blind = self._queue["blind"].to_numpy(dtype=bool)
        self._said = Said(self._queue, self._ids, log, reviewer, share=share, clock=clock)
        self._narrowing = Narrowing(jobs, rules, plan, self._said.queue == SAMPLE, self._ids)
        self.place: int | None = None
        self._go_on(-1)

    # What is shown

    @property
    def queue(self) -> pd.DataFrame:
        """The queue in this reviewer's order, with ``label``: what they said, and ``done``."""
        labels, done = np.full(self.n, None, object), np.zeros(self.n, bool)
        for job_id, place in self._ids.of(self._said.answers).items():
            said = self._said.mine(job_id)
            labels[place], done[place] = said and said.label, job_id in self._said.done
        return self._queue.drop(columns=["again", "row"]).assign(label=pd.Series(labels, dtype=object), done=done)

    @property
    def n(self) -> int:
        """How many jobs the queue has."""
        return len(self._ids)

    @property
    def row(self) -> pd.Series:
        """The job shown, as it stands in the queue."""
        return self._queue.iloc[self.place or 0]

    def first(self, n: int) -> tuple[list[dict[str, Any]], int]:
        """Give the first jobs of the queue as rows, and how many it has."""
        rows = []
        for place in range(min(n, self.n)):
            job, said = self.job_at(place), self._said.mine(self._ids[place])
            row = {name: job[name] for name in ("job_id", "file_input", "type", "confidence")}
            what = None if said is None else said.label or "can't tell"
            row |= {"label": what, "is_hidden": self.is_hidden(place)}
            row["stratum"] = None if row["is_hidden"] else self._queue["stratum"].iloc[place]
            rows.append(row)
        return rows, self.n

    @property
    def end(self) -> str:
        """Why no job is shown, where none is."""
        if not self.n:
            return "The queue is empty: there is no job to read."
        return "Every job of the queue is read; go back to change a label."

    @property
    def job(self) -> pd.Series | None:
        """The job shown, without its answer while that is hidden; None: all are read."""
        return None if self.place is None else self.job_at(self.place)

    def job_at(self, place: int) -> pd.Series:
        """Give a job of the queue, without its answer while that is hidden."""
        job: pd.Series = self._jobs.iloc[self._ids.rows[place]].astype(object).copy()
        if self.is_hidden(place):
            job[[name for name in ANSWER if name in job.index]] = None
        return job

    def is_hidden(self, place: int) -> bool:
        """Tell whether the answer of a job isn't to be seen: it is blind, and not labelled yet."""
        job_id = self._ids[place]
        return bool(self._blind[place]) and self._said.mine(job_id) is None and job_id not in self._said.looked_at

    @property
    def said(self) -> Record | None:
        """What this reviewer has said of the job shown."""
        return None if self.place is None else self._said.mine(self._ids[self.place])

    @property
    def choices(self) -> dict[str, str]:
        """The types to choose from for the job shown, each with what its rules ask for, in the order of the rules."""
        if self.place is None:
            return {}
        job = self._jobs.iloc[self._ids.rows[self.place]]
        mine = rules_of(self._rules, job["rule_set"])
        found: dict[str, str] = {}
        for kind, text in zip(mine["type"].astype(object), mine["description"].astype(object), strict=True):
            found[kind] = f"{found[kind]}\n{text}" if kind in found else str(text)
        return found or dict.fromkeys(map(str, self._jobs["type"].dropna().unique()), "")

    def progress(self) -> Progress:
        """Count, and estimate the accuracy of all jobs."""
        done = self._said.done
        mine = [self._said.mine(job_id) for job_id in done]
        drawn = [
            one
            for answers in self._said.answers.values()
            for one in answers
            if one.action == "label" and one.inclusion_probability is not None
        ]
        interval, why_not = self._narrowing(drawn)
        return Progress(
            self.n,
            len(done),
            sum(one is not None and one.action == "cant_tell" for one in mine),
            len(self._said.skipped.difference(done.values())),
            interval,
            tuple(self._narrowing.trail),
            self._narrowing.margin,
            self._narrowing.assurance,
            why_not,
        )

    # Acts. Each says what it did.

    def press(self, key: str, note: str = "") -> str:
        """Do what a key stands for: a rule's number or type, or one of ``KEYS``."""
        key = key.strip()
        kinds = list(self.choices)
        named = [one for one in kinds if key and one.casefold() == key.casefold()]
        if key.lower() in KEYS:
            name = KEYS[key.lower()]
            if named:
                raise ArgumentError(
                    f"{key} is both a type and the key for {name.replace('_', ' ')!r}; click the one you mean"
                )
            act = getattr(self, name)
            said: str = act(note) if name in ("no_rule", "cant_tell", "skip") else act()
            return said
        if self.place is None:
            raise ArgumentError(self.end)
        if key.isdecimal() and 1 <= int(key) <= len(kinds):
            numbered = kinds[int(key) - 1]
            if named not in ([], [numbered]):
                raise ArgumentError(
                    f"{key} is both the number of {printable(numbered, 60)!r} and a type; click the one you mean"
                )
            return self.choose(numbered, note)
        named = named or [one for one in kinds if len(key) > 1 and one.casefold().startswith(key.casefold())]
        if len(named) == 1:
            return self.choose(named[0], note)
        several = f": {', '.join(map(printable, named))}" if named else ""
        raise ArgumentError(
            f"{printable(key, 40)!r} stands for {'several types' if named else 'nothing'}{several}; type a number from "
            f"1 to {len(kinds)}, or n, ?, s, u, b or +"
        )

    def choose(self, label: str, note: str = "") -> str:
        """Say what the type of the job shown is."""
        if label != NO_RULE and label not in self.choices:
            raise ArgumentError(f"label is {printable(repr(label), 60)}; the rules of this job name no such type")
        return self._write("label", label, note)

    def no_rule(self, note: str = "") -> str:
        """Say that no rule of the job shown fits."""
        return self.choose(NO_RULE, note)

    def cant_tell(self, note: str = "") -> str:
        """Say that it can't be told."""
        return self._write("cant_tell", None, note)

    def skip(self, note: str = "") -> str:
        """Put the job shown off until the others are read."""
        return self._write("skip", None, note)

    def undo(self) -> str:
        """Take back this reviewer's latest act, and show its job again."""
        self._log.refresh()
        self._said.read()
        tops = (stack[-1] for (_, reviewer), stack in self._said.stacks.items() if reviewer == self._said.reviewer)
        mine = [one for one in tops if one.queue == self._said.queue]
        places = self._ids.of(one.job_id for one in mine)
        mine = [one for one in mine if one.job_id in places]
        if not mine:
            raise ArgumentError("There is nothing to take back in this queue.")
        order = {id(one): number for number, one in enumerate(self._log.records)}
        last = max(mine, key=lambda one: order[id(one)])
        self._log.append(
            last._replace(
                time=self._clock(),
                label=None,
                note=None,
                seen_prediction=last.seen_prediction or last.job_id in self._said.looked_at,
                action="undo",
            )
        )
        self._said.read()
        self._show(places[last.job_id])
        return f"Taken back: {_act(last)}, of job {_short(last.job_id)}. Here it is again."

    def back(self) -> str:
        """Show the job before this one; nothing is written."""
        if self.place == 0 or not self.n:
            raise ArgumentError("This is the first job of the queue.")
        self._show((self.n if self.place is None else self.place) - 1)
        return "One back."

    def forward(self) -> str:
        """Show the job after this one; nothing is written."""
        if self.place is None or self.place + 1 == self.n:
            raise ArgumentError("This is the last job of the queue.")
        self._show(self.place + 1)
        return "One forward."

    # How

    def _show(self, place: int | None) -> None:
        self.place = place
        if place is None:
            return
        if not self.is_hidden(place):
            self._said.looked_at.add(self._ids[place])
        if self._said.share:
            self._log.append(self._record(place, "open"))
            self._said.read()

    def _go_on(self, after: int) -> None:
        """Show the next job to read; another, if somebody else opened it at the same moment."""
        for _ in range(self.n + 1):
            self._show(self._said.next(after))
            if self.place is None or self._ids[self.place] not in self._said.taken or not self._is_left(after):
                return

    def _is_left(self, after: int) -> bool:
        """Tell whether a job is left to read that nobody else reads now."""
        place = self._said.next(after)
        return place is not None and self._ids[place] not in self._said.taken

    def _write(self, action: str, label: str | None, note: str) -> str:
        if self.place is None:
            raise ArgumentError(self.end)
        record = self._record(self.place, action, label, note)
        self._log.append(record)
        self._said.read()
        before = self.place
        self._go_on(before)
        said = f"Saved: {_act(record)}, of job {_short(record.job_id)}."
        return f"{said} It is the only one left." if self.place == before else said

    def _record(self, place: int, action: str, label: str | None = None, note: str = "") -> Record:
        job_id, row = self._ids[place], self._queue.iloc[place]
        design = {name: None if pd.isna(row[name]) else row[name] for name in ("stratum", "stage")}
        chance = None if pd.isna(row["inclusion_probability"]) else float(row["inclusion_probability"])
        if chance is None:  # a second look at a job that was drawn: what its label stands for stays
            drawn = [one for one in self._said.answers.get(job_id, []) if one.inclusion_probability is not None]
            for one in drawn[-1:]:
                chance, design = one.inclusion_probability, {"stratum": one.stratum, "stage": one.stage}
        return Record(
            job_id=job_id,
            label=label,
            reviewer=self._said.reviewer,
            time=self._clock(),
            seen_prediction=not self.is_hidden(place),
            inclusion_probability=chance,
            queue=self._said.queue,
            note=note.strip() or None,
            action=action,
            **design,
        )


def _act(record: Record) -> str:
    if record.action == "label":
        return printable(record.label or "", 60)
    return {"cant_tell": "can't tell", "skip": "skipped"}[record.action]


def _short(job_id: str) -> str:
    return printable(job_id, 24)
