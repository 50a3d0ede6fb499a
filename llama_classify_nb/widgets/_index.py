"""Jobs as small integers, prepared once: which of a million match, in what order, and how many of each kind.

A change of one filter looks at one column; what the other filters said of each job is kept. Nothing of the jobs is
copied: a selection is the numbers of its rows. ``compress`` takes them in a fifth of the time that indexing takes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..metrics import _arguments
from ..metrics.selection import matching
from ._orders import order

BINS = 20  # of confidence, as the picture shows them
SLICE = 50_000  # jobs whose texts are looked through at a time
_MOST_ORDERS = 4
_FEW_VALUES = ("outcome", "type", "rule_set", "configuration_id")


class Counts(NamedTuple):
    """The answered jobs of a selection, counted."""

    by_type: np.ndarray  # int64, a row for each type and a last one for no match, a column for each bin of confidence

    @property
    def n(self) -> int:
        """How many there are."""
        return int(self.by_type.sum())

    @property
    def n_doubtful(self) -> int:
        """How many have a confidence below 0.5."""
        return int(self.by_type[:, : BINS // 2].sum())


class JobIndex:
    """The table jobs, prepared for filters.

    Parameters
    ----------
    jobs : DataFrame
        The table; it must not change while this is in use.

    Attributes
    ----------
    types : Index
        The types, in the order of the rows of :class:`Counts`.
    """

    def __init__(self, jobs: pd.DataFrame) -> None:
        # Filters compare a million small integers, where they would compare a million texts.
        few = {name: jobs[name].astype("category") for name in _FEW_VALUES if name in jobs.columns}
        self._jobs = jobs = jobs.assign(**few)
        self.types = jobs["type"].cat.categories
        code = jobs["type"].cat.codes.to_numpy().astype(np.intp)
        n_types = len(self.types)
        answered, confidence = _arguments.answered_confidence(jobs)
        bin_ = np.searchsorted(np.arange(1, BINS) / BINS, confidence, side="right")
        # A cell for each type and bin, and a last one for whatever isn't answered.
        self._n_cells = (n_types + 1) * BINS
        self._cells = np.full(len(jobs), self._n_cells, np.intp)
        self._cells[answered] = np.where(code < 0, n_types, code)[answered] * BINS + bin_
        self._masks: dict[str, tuple[Any, np.ndarray]] = {}  # by filter: the last value, and which jobs match it
        self._orders: dict[tuple[str, bool], np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def mask(self, filters: dict[str, Any]) -> np.ndarray:
        """Tell which jobs match every filter; they are named as ``select_jobs`` names them.

        Raises
        ------
        ArgumentError
            If a value can't be right.
        """
        keep = np.ones(len(self._jobs), dtype=bool)
        for name, value in filters.items():
            keep &= self._matching(name, value)
        return keep

    def _matching(self, name: str, value: Any) -> np.ndarray:
        known = self._masks.get(name)
        if known is None or known[0] != value:
            known = self._masks[name] = value, matching(self._jobs, name, value)
        return known[1]

    def search(self, text: str) -> Search:
        """Begin to look for a text; until it has ended, ``mask`` would look through all jobs at once."""
        return Search(self, self._jobs, text)

    def has_found(self, text: str) -> bool:
        """Whether it is known which jobs hold this text."""
        return text == self._masks.get("text", (None,))[0]

    def keep_found(self, text: str, found: np.ndarray) -> None:
        """Take which jobs hold a text."""
        self._masks["text"] = text, found

    def rows(self, mask: np.ndarray, column: str = "", *, ascending: bool = True) -> np.ndarray:
        """Give the numbers of the rows of a mask: as they stand, or in the order of a column, missing ones last."""
        if not column:
            return np.flatnonzero(mask)
        if (column, ascending) not in self._orders:
            # Four bytes for each job: only the latest are kept.
            if len(self._orders) == _MOST_ORDERS:
                del self._orders[next(iter(self._orders))]
            dtype = np.int32 if len(mask) < 1 << 31 else np.int64
            self._orders[column, ascending] = order(self._jobs[column], ascending=ascending).astype(dtype)
        places = self._orders[column, ascending]
        return np.asarray(places.compress(mask.take(places)))

    def counts(self, mask: np.ndarray) -> Counts:
        """Count the answered jobs of a mask by type and confidence."""
        cells = np.bincount(self._cells.compress(mask), minlength=self._n_cells + 1)[: self._n_cells]
        return Counts(cells.reshape(-1, BINS))


class Search:
    """A text being looked for, some jobs at a time, so that whoever asked may think better of it."""

    def __init__(self, index: JobIndex, jobs: pd.DataFrame, text: str) -> None:
        self.text = text
        self._index, self._jobs = index, jobs
        self._found: list[np.ndarray] = []
        self._next = 0

    def step(self) -> bool:
        """Look through some more jobs; tell whether there are any left. At the end the index knows what was found."""
        part = self._jobs[["reasoning", "error_message"]].iloc[self._next : self._next + SLICE]
        self._found.append(matching(part, "text", self.text))
        self._next += SLICE
        if self._next < len(self._jobs):
            return True
        self._index.keep_found(self.text, np.concatenate(self._found))
        return False
