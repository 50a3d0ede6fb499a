"""What is known of a job beside its own row: its place among its like, why it failed, its label, its reruns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..exceptions import ArgumentError
from ..metrics import _arguments, _labelled
from ..metrics._texts import arrow_texts, codes, truths
from ._index import BINS
from ._linked import Linked

MOST_SAME_FILE = 20
_SAME_FILE = ("job_id", "outcome", "type", "confidence", "configuration_id", "rule_set", "created_at")


class Place(NamedTuple):
    """A confidence among those of the answers of its type, its own among them."""

    n: int
    n_below: int
    n_same: int  # its own among them
    bins: list[int]  # how many answers each bin of confidence holds
    bin: int  # its own

    @property
    def quantile(self) -> float:
        """Share of the answers below it, half of its equals counted in."""
        return (self.n_below + self.n_same / 2) / self.n


class Known(NamedTuple):
    """What is known of a job; None: nothing."""

    place: Place | None = None
    cause: str | None = None
    retryable: bool | None = None
    advice: str | None = None
    label: str | None = None
    is_right: bool | None = None
    same_file: pd.DataFrame | None = None  # other jobs about the file, the latest first
    n_same_file: int = 0


class Facts:
    """Looks up what a card tells.

    Parameters
    ----------
    jobs, rules : DataFrame
        The tables.
    linked : Linked
        The causes of failures.
    labels : DataFrame, optional
        Labels, as metrics take them.
    """

    def __init__(self, jobs: pd.DataFrame, rules: pd.DataFrame, linked: Linked, labels: pd.DataFrame | None) -> None:
        self._jobs, self._linked = jobs, linked
        self._answered, self._confidence = _arguments.answered_confidence(jobs)
        self._type = jobs["type"].astype("category").cat.codes.to_numpy()
        self._answered_type = self._type[self._answered]
        # Read cell by cell: to take some rows of a column, pandas and Arrow would first join its thousands of chunks.
        self._cells = {name: jobs[name].array for name in _SAME_FILE}
        self._files = _comparable(jobs["file_input"])
        self._labels = None if labels is None else _labelled.match(jobs, labels, rules)

    def of(self, row: int) -> Known:
        """Tell what is known of the job in a row."""
        cause = advice = None
        retryable: bool | None = None
        if row in self._linked.templates.index:
            found = self._linked.advice.loc[self._linked.templates.loc[row]]
            cause, advice = str(found["cause"]), str(found["next_step"])
            retryable = None if pd.isna(found["retryable"]) else bool(found["retryable"])
        return Known(self._place(row), cause, retryable, advice, *self._label(row), *self._same_file(row))

    def _label(self, row: int) -> tuple[str | None, bool | None]:
        """Give the label of the job in a row, and whether its answer is right."""
        found = self._labels
        places = [] if found is None else np.flatnonzero(found.row == row).tolist()
        if found is None or not places:
            return None, None
        at = places[0]
        return str(found.label[at]), bool(found.right[at]) if found.scored[at] else None

    def _place(self, row: int) -> Place | None:
        if not self._answered[row]:
            return None
        like = self._confidence.compress(self._answered_type == self._type[row])
        own = float(self._jobs["confidence"].iloc[row])
        edges = np.arange(1, BINS) / BINS
        bins = np.bincount(np.searchsorted(edges, like, side="right"), minlength=BINS)
        n_below, n_same = int((like < own).sum()), int((like == own).sum())
        return Place(len(like), n_below, n_same, bins.tolist(), int(np.searchsorted(edges, own, side="right")))

    def _same_file(self, row: int) -> tuple[pd.DataFrame, int]:
        """Give the latest of the other jobs about its file, and how many there are."""
        rows = np.flatnonzero(truths(pc.equal(self._files, self._files[row])))
        rows = rows[rows != row]
        made = self._jobs["created_at"].iloc[rows].reset_index(drop=True)
        latest = made.sort_values(ascending=False, kind="stable", na_position="last").index[:MOST_SAME_FILE]
        some = rows[latest].tolist()
        return pd.DataFrame({name: [cells[at] for at in some] for name, cells in self._cells.items()}), len(rows)


def _comparable(values: pd.Series) -> pa.Array:
    """Give a column as Arrow compares it with one of its values: a million texts in three milliseconds."""
    try:
        return arrow_texts(values.to_frame("values"), "values")
    except ArgumentError:  # half a character, which Arrow doesn't hold
        numbers = codes(values)
        return pa.array(numbers, mask=numbers < 0)
