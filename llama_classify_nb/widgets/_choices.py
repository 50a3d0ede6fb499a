"""What each field offers, and how many jobs each choice would leave under the other filters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._index import JobIndex
from .page import label

ANY, NONE = "\0any", "\0none"  # no value of a column can be these: ids and types hold no NUL at their beginning
MOST = 50  # values that a field offers: nobody reads more, and a browser is slow to build thousands


class Choice(NamedTuple):
    """A field: the column it chooses from, the argument of ``select_jobs`` it sets, and what it says."""

    column: str
    argument: str
    every: str
    missing: str = "(none)"


CHOICES = {
    "outcome": Choice("outcome", "outcomes", "all outcomes"),
    "type": Choice("type", "types", "any type", "(no type)"),
    "rule_set": Choice("rule_set", "rule_sets", "any rule set"),
    "configuration": Choice("configuration_id", "configuration_ids", "any"),
}


class Choices:
    """The options of one field.

    Parameters
    ----------
    index : JobIndex
        The jobs, as filters see them.
    column : Series
        What is chosen from.
    choice : Choice
        The field.
    """

    def __init__(self, index: JobIndex, column: pd.Series, choice: Choice) -> None:
        self._index, self._choice = index, choice
        coded = column.astype("category").cat
        self._values = [str(value) for value in coded.categories]
        self._codes = coded.codes.to_numpy() + np.intp(1)  # 0: missing
        self._all = self._count(None)
        used = np.flatnonzero(self._all[1:])
        most = used[np.argsort(-self._all[1:][used], kind="stable")[:MOST]]
        self._shown = np.sort(most).tolist()
        self._n_more = len(used) - len(most)
        self._extra: list[str] = []
        self._wants_missing = False
        self._known: tuple[dict[str, Any], np.ndarray] = {}, self._all

    def add(self, value: str) -> None:
        """Offer a value that is not among the most used, or of no job."""
        self._wants_missing |= value == NONE
        if value in (ANY, NONE) or value in self._extra or value in [self._values[code] for code in self._shown]:
            return
        if value in self._values:
            self._shown = sorted([*self._shown, self._values.index(value)])
            self._n_more -= 1
        else:
            self._extra.append(value)

    def find(self, text: str) -> tuple[str, str] | None:
        """Give the option of a value that is not among the most used, by all of its text; None: no job has it."""
        if text not in self._values:
            return None
        self.add(text)
        return label(text), text

    def options(self, filters: dict[str, Any]) -> list[tuple[str, str]]:
        """Give the options, each with the number of jobs that it would leave beside the other filters."""
        others = {name: value for name, value in filters.items() if name != self._choice.argument}
        if self._known[0] != others:
            self._known = others, self._count(self._index.mask(others)) if others else self._all
        counts = self._known[1]
        rest = f"; the {MOST} most used of {len(self._shown) + self._n_more:,} below" if self._n_more else ""
        made = [(f"{self._choice.every} ({int(counts.sum()):,}){rest}", ANY)]
        made += [
            (f"{label(self._values[code])} ({int(counts[code + 1]):,})", self._values[code]) for code in self._shown
        ]
        made += [(f"{label(value)} (0)", value) for value in self._extra]
        if self._all[0] or self._wants_missing:
            made.append((f"{self._choice.missing} ({int(counts[0]):,})", NONE))
        return made

    def _count(self, mask: np.ndarray | None) -> np.ndarray:
        codes = self._codes if mask is None else self._codes.compress(mask)
        return np.bincount(codes, minlength=len(self._values) + 1)
