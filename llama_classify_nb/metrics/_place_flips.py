"""Files that were answered under two rule sets which name the same rules in another order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

#: Pairs of rule sets that are compared at most: those with the most files in common.
MOST_PAIRS = 100
#: Rule sets that are looked at for such pairs at most: those with the most answers about files that others answered.
MOST_SETS = 50


class Pair(NamedTuple):
    """The files that two rule sets answered, and the rules that both have."""

    rules: list[tuple[str, str]]  # type and description
    place: tuple[np.ndarray, np.ndarray]  # of each rule among those that both have, in the one set and in the other
    answer: tuple[np.ndarray, np.ndarray]  # the rule of each file's answer in the one and in the other; -1: none


def in_common(answers: pd.DataFrame) -> pd.DataFrame:
    """Leave of answers the first of each rule set about a file that others answered, too: of those sets with most.

    ``answers`` has ``rule_set``, ``file_input``, ``type`` and an order.
    """
    once = answers.drop_duplicates(["rule_set", "file_input"])
    once = once[once["file_input"].duplicated(keep=False).to_numpy(dtype=bool)]
    most = once["rule_set"].value_counts(sort=False)
    chosen = sorted(zip(most.index, most.tolist(), strict=True), key=lambda one: (-one[1], str(one[0])))[:MOST_SETS]
    return once[once["rule_set"].isin([name for name, _ in chosen])]


def pairs(answers: pd.DataFrame, sets: dict[Any, list[tuple[str, str]]]) -> Iterator[Pair]:
    """Give pairs of rule sets with files in common; each file is in one pair only, so that files count once.

    ``answers`` are those `in_common`.
    """
    parts = {name: some.set_index("file_input")["type"] for name, some in answers.groupby("rule_set")}
    free = {name: part.index for name, part in parts.items()}
    for one, other in _ordered(free, sets):
        files = free[one].intersection(free[other])
        if not len(files):
            continue
        free = {name: index.difference(files, sort=False) for name, index in free.items()}
        rules, places = _common(sets[one], sets[other])
        kinds = pd.Index([kind for kind, _ in rules], dtype=object)
        found = [kinds.get_indexer(pd.Index(parts[name].loc[files], dtype=object)) for name in (one, other)]
        yield Pair(rules, places, (found[0], found[1]))


def _ordered(free: dict[Any, pd.Index], sets: dict[Any, list[tuple[str, str]]]) -> list[tuple[Any, Any]]:
    """Give the pairs of rule sets that order a rule differently, those with the most files in common first."""
    names = sorted(free, key=str)
    found = []
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            _, (first, second) = _common(sets[one], sets[other])
            n = len(free[one].intersection(free[other])) if (first != second).any() else 0
            if n:
                found.append((-n, str(one), str(other), (one, other)))
    return [pair for *_, pair in sorted(found)[:MOST_PAIRS]]


def _common(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> tuple[list[Any], tuple[np.ndarray, np.ndarray]]:
    """Give the rules that both sets have, and the place of each among them; a type that a set names twice is none."""
    times = [Counter(kind for kind, _ in rules) for rules in (one, other)]
    there = {rule for rule in other if times[1][rule[0]] == 1}
    both = [rule for rule in one if rule in there and times[0][rule[0]] == 1]
    here = set(both)
    order = {rule: place for place, rule in enumerate(rule for rule in other if rule in here)}
    return both, (np.arange(len(both)), np.array([order[rule] for rule in both], np.int64))
