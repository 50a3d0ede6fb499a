"""How far a reviewer is, and how well the accuracy of all jobs is known by now."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import label_records, schema
from ..label_records import Record
from ..metrics import _arguments, accuracy_estimate
from ..metrics._labelled import first_rows
from ._places import Places
from ._rules import rules_of

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
    places : Places
        Of the queue, whose jobs are all among the jobs.
    """

    def __init__(
        self,
        jobs: pd.DataFrame,
        rules: pd.DataFrame,
        plan: pd.DataFrame | None,
        is_drawn: bool,
        places: Places,
    ) -> None:
        self._jobs, self._rules, self._plan, self._places = jobs, rules, plan, places
        attrs = {} if plan is None else plan.attrs
        self.margin: float | None = attrs.get("margin")
        self.assurance: float = attrs.get("assurance", 0.95)
        self._never = ""
        if attrs.get("goal") == "threshold":
            self._never = "the plan is for a threshold: when the queue is read, precision_threshold finds it"
        elif plan is None and not is_drawn:
            self._never = "the queue wasn't drawn at random, so its labels can't tell how right all jobs are"
        self.trail: list[Interval] = []
        self._rows: dict[str, int] = {}  # of jobs that have a label
        self._sets: dict[int, Any] = {}  # the rule set of each of these rows
        self._types: dict[Any, list[str]] = {}  # of each of these rule sets
        self._known: tuple[list[Record], Interval | None] = [], None
        if not self._never:
            self._population, self._place = _population(jobs, attrs.get("by"))

    def __call__(self, drawn: list[Record]) -> tuple[Interval | None, str]:
        """Give the interval by the labels of jobs that were drawn, or why there is none."""
        if self._never:
            return None, self._never
        if drawn != self._known[0]:
            if not self.trail and len(drawn) > 1 and len(self._jobs) <= _MOST_FOR_TRAIL:
                for n in np.unique(np.linspace(1, len(drawn) - 1, _TRAIL).astype(int)):
                    earlier = self._interval(drawn[:n])
                    self.trail += [earlier] if earlier else []
            self._known = drawn, self._interval(drawn)
        interval = self._known[1]
        if interval is None:
            return None, "no job with an answer has a label yet"
        self.trail = [*(one for one in self.trail if one.n < interval.n), interval]
        return interval, ""

    def _rows_of(self, ids: pd.Series) -> np.ndarray:
        """Give the rows of jobs, -1 for none; to look among a million for each label would take too long."""
        if new := [one for one in dict.fromkeys(ids) if one not in self._rows]:
            places = self._places.of(new)
            self._rows |= {one: int(self._places.rows[place]) for one, place in places.items()}
        if new := [one for one in new if one not in self._rows]:
            self._rows |= dict(zip(new, first_rows(self._jobs, pd.Series(new, dtype=object)).tolist(), strict=True))
        return np.array([self._rows[one] for one in ids], np.int64)

    def _rule_sets_of(self, rows: np.ndarray) -> list[Any]:
        """Give the rule set of each of some jobs, and note its types: a million jobs may have as many sets."""
        for row in rows.tolist():
            if row not in self._sets:
                name = self._sets[row] = self._jobs["rule_set"].iloc[row]
                if name not in self._types:
                    self._types[name] = rules_of(self._rules, name)["type"].tolist()
        return [self._sets[row] for row in rows.tolist()]

    def _column(self, rows: np.ndarray, values: Any) -> pd.Series:
        """Give a column of the population that holds texts in some rows of jobs, and nothing in the others."""
        code, texts = pd.factorize(pd.Series(values, dtype=object))
        place = np.full(len(self._jobs), -1)
        place[self._place[rows]] = code
        return pd.Series(pa.array(texts, pa.large_string()).take(pa.array(place, mask=place < 0)), dtype=schema.TEXT)

    def _interval(self, drawn: list[Record]) -> Interval | None:
        labels = label_records.frame(drawn)
        rows = self._rows_of(labels["job_id"])
        labels, rows = labels[rows >= 0], rows[rows >= 0]
        # Of the other jobs it only counts what they answered: more of each would be looked at a million times.
        names = self._rule_sets_of(rows)
        jobs = self._population.assign(job_id=self._column(rows, labels["job_id"].to_numpy(dtype=object)))
        if "rule_set" not in jobs.columns:
            jobs["rule_set"] = self._column(rows, names)
        pairs = [(name, kind) for name in dict.fromkeys(names) for kind in self._types[name]]
        rules = pd.DataFrame(pairs, columns=["rule_set", "type"], dtype=object)
        arguments: dict[str, Any] = {"plan": self._plan, "rules": rules, "assurance": self.assurance}
        row = accuracy_estimate(jobs, labels, **arguments).iloc[0]
        if not row["n"]:
            return None
        return Interval(int(row["n"]), *(float(row[f"accuracy{end}"]) for end in ("", "_lower", "_upper")))


def _population(jobs: pd.DataFrame, by: str | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Give what an estimate counts of jobs, and where each row of jobs stands there.

    They stand by stratum and confidence: each estimate sorts them, and what is sorted is sorted ten times as fast.
    """
    confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    keys = [confidence, _arguments.outcome_codes(jobs)]
    if by is not None:
        keys.append(pd.factorize(jobs[by])[0])
    order = np.lexsort(keys)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    names = ["outcome", "type", "confidence"] + ([] if by is None else [by])
    return jobs[list(dict.fromkeys(names))].take(order).reset_index(drop=True), place
