"""How far a reviewer is, and how well the accuracy of all jobs is known by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import label_records
from ..label_records import Record
from ..metrics import accuracy_estimate
from ..metrics._labelled import first_rows

_TRAIL = 8  # points of the interval's way so far, when a desk is opened
_MOST_FOR_TRAIL = 50_000  # jobs: beyond, each point takes too long


class Interval(NamedTuple):
    """What the labels say of the accuracy of all jobs."""

    n: int
    accuracy: float
    lower: float
    upper: float

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.upper - self.lower) / 2


class Progress(NamedTuple):
    """How far the reviewer is."""

    n: int  # jobs of the queue
    n_done: int
    n_cant_tell: int
    n_skipped: int
    interval: Interval | None
    trail: tuple[Interval, ...]  # how the interval narrowed
    margin: float | None  # what the plan wants
    assurance: float
    why_not: str  # why there is no interval

    @property
    def may_stop(self) -> bool:
        """Whether the plan's margin is met."""
        # A hair more than the margin is the margin: ends are rounded.
        return self.margin is not None and self.interval is not None and self.interval.half_width <= self.margin + 1e-9


class Narrowing:
    """The interval of the accuracy of all jobs, as labels come in.

    Parameters
    ----------
    jobs, rules : DataFrame
        The tables.
    plan : DataFrame, optional
        Of ``audit_plan``.
    is_drawn : bool
        Whether the queue was drawn at random.
    ids : sequence of str
        The jobs of the queue, all of which are among the jobs.
    """

    def __init__(
        self,
        jobs: pd.DataFrame,
        rules: pd.DataFrame,
        plan: pd.DataFrame | None,
        is_drawn: bool,
        ids: Sequence[str] = (),
    ) -> None:
        self._jobs, self._rules, self._plan = jobs, rules, plan
        self._is_here = dict.fromkeys(ids, True)  # whether a job is among the jobs, as far as it was asked for
        attrs = {} if plan is None else plan.attrs
        self.margin: float | None = attrs.get("margin")
        self.assurance: float = attrs.get("assurance", 0.95)
        self._never = ""
        if attrs.get("goal") == "threshold":
            self._never = "the plan is for a threshold: when the queue is read, precision_threshold finds it"
        elif plan is None and not is_drawn:
            self._never = "the queue wasn't drawn at random, so its labels can't tell how right all jobs are"
        self.trail: list[Interval] = []

    def __call__(self, drawn: Sequence[Record]) -> tuple[Interval | None, str]:
        """Give the interval by the labels of jobs that were drawn, or why there is none."""
        if self._never:
            return None, self._never
        if not self.trail and len(drawn) > 1 and len(self._jobs) <= _MOST_FOR_TRAIL:
            for n in np.unique(np.linspace(1, len(drawn) - 1, _TRAIL).astype(int)):
                earlier = self._interval(drawn[:n])
                self.trail += [earlier] if earlier else []
        interval = self._interval(drawn)
        if interval is None:
            return None, "no job with an answer has a label yet"
        self.trail = [*(one for one in self.trail if one.n < interval.n), interval]
        return interval, ""

    def _are_here(self, ids: pd.Series) -> np.ndarray:
        """Tell which ids are of a job among the jobs; to look among a million for each label would take too long."""
        new = pd.Series([one for one in dict.fromkeys(ids) if one not in self._is_here], dtype=object)
        if len(new):
            self._is_here |= dict(zip(new, (first_rows(self._jobs, new) >= 0).tolist(), strict=True))
        return np.array([self._is_here[one] for one in ids], bool)

    def _interval(self, drawn: Sequence[Record]) -> Interval | None:
        labels = label_records.frame(drawn)
        labels = labels[self._are_here(labels["job_id"])]
        arguments: dict[str, Any] = {"plan": self._plan, "rules": self._rules, "assurance": self.assurance}
        row = accuracy_estimate(self._jobs, labels, **arguments).iloc[0]
        if not row["n"]:
            return None
        return Interval(int(row["n"]), *(float(row[f"accuracy{end}"]) for end in ("", "_lower", "_upper")))
