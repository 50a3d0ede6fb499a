"""Two sides of a comparison: the same documents under two configurations, two rule sets, or in two periods."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _labelled, _runs
from ._texts import as_texts, codes
from .selection import within_created

#: What became of a type's rule from the one side's rule set to the other's.
RULE_CHANGES = ("same", "reworded", "removed", "added", "unnamed")


class Sides(NamedTuple):
    """The documents that both sides answered, in the order of their first appearance."""

    jobs: pd.DataFrame
    row: tuple[np.ndarray, np.ndarray]  # where in the table jobs the latest answer of each side stands
    type: tuple[np.ndarray, np.ndarray]  # its code; the number of types: no rule matched
    types: Any  # the categorical dtype of the codes
    n_files: tuple[int, int]  # documents that each side answered, compared or not
    file: np.ndarray  # the number of each job's document, whether compared or not; -1: none

    def of(self, column: str, side: int, use: np.ndarray) -> pd.Series:
        """Give a column of the jobs of one side."""
        values: pd.Series = self.jobs[column].iloc[self.row[side][use]]
        return values.reset_index(drop=True)

    def answer(self, side: int, use: np.ndarray) -> pd.Categorical:
        """Give the types that one side answered; missing: no rule matched."""
        code = self.type[side][use]
        return pd.Categorical.from_codes(np.where(code == len(self.types.categories), -1, code), dtype=self.types)

    def confidence(self, side: int) -> np.ndarray:
        """Give the confidences of one side."""
        return np.asarray(self.jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)[self.row[side]])


def compare(jobs: pd.DataFrame, a: Any, b: Any, by: str) -> Sides:
    """Find the documents that both sides answered: of several runs on a side, the latest answer counts."""
    _arguments.need_columns(jobs, "job_id", "file_input", "outcome", "type", "confidence", "created_at")
    use = _runs.answered(jobs)
    _arguments.answered_confidence(jobs)
    sides = _side(jobs, by, "a", a), _side(jobs, by, "b", b)
    if len(jobs) and (sides[0] & sides[1]).any():
        n = int((sides[0] & sides[1]).sum())
        raise ArgumentError(f"a is {a!r} and b is {b!r}: {n:,} jobs would stand on both sides; give two that differ")
    code = _runs.file_codes(jobs)
    found = [_runs.latest(jobs, code, use & side) for side in sides]
    _, at_a, at_b = np.intersect1d(found[0][0], found[1][0], assume_unique=True, return_indices=True)
    row = found[0][1][at_a], found[1][1][at_b]
    answers = jobs["type"].astype("category")
    kind = answers.cat.codes.to_numpy().astype(np.int64)
    kind[kind < 0] = len(answers.cat.categories)
    n_files = len(found[0][0]), len(found[1][0])
    return Sides(jobs, row, (kind[row[0]], kind[row[1]]), answers.dtype, n_files, code)


def _side(jobs: pd.DataFrame, by: Any, argument: str, value: Any) -> np.ndarray:
    """Tell which jobs stand on one side."""
    if not isinstance(by, str) or by not in jobs.columns:
        raise ArgumentError(
            f"by is {by!r}; it must be the column of jobs that tells the sides apart, such as 'configuration_id', "
            "'rule_set', or 'created_at' for two periods"
        )
    if by == "created_at":
        return within_created(jobs, value, argument)
    column = jobs[by]
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return np.asarray(column.isna(), dtype=bool)
    if not pd.api.types.is_scalar(value):
        raise ArgumentError(f"{argument} is {value!r}; it must be one value of the column {by!r}")
    known = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique()
    if by == "rule_set":
        value = _whole_fingerprint(list(known), argument, value)
    if len(jobs) and value not in set(known):
        some = ", ".join(map(repr, sorted(known, key=str)[:8])) or "none"
        raise ArgumentError(f"{argument} is {value!r}, which no job has as its {by}; there are: {some}")
    return np.asarray((column == value).to_numpy(dtype=bool, na_value=False))


def _whole_fingerprint(known: list[Any], argument: str, value: Any) -> Any:
    """Give the rule set whose fingerprint begins so, if it is one alone."""
    if value in known or not isinstance(value, str) or not value:
        return value
    found = [one for one in known if str(one).startswith(value)]
    if len(found) > 1:
        raise ArgumentError(f"{argument} is {value!r}, with which {len(found):,} rule sets begin; give more of it")
    return found[0] if found else value


class Judged(NamedTuple):
    """Labels of the documents compared."""

    label: np.ndarray  # of texts; None: no label
    right: tuple[np.ndarray, np.ndarray]  # of each side, bool; False where there is no label
    chance: np.ndarray | None  # with which each was drawn, NaN without a label; None: all with the same

    @property
    def known(self) -> np.ndarray:
        """Tell which documents have a label."""
        return np.asarray(~pd.isna(self.label))


def judge(sides: Sides, labels: pd.DataFrame | None, rules: pd.DataFrame | None) -> Judged:
    """Find the labels of the documents, whichever of their jobs they were given to, and judge both answers."""
    n = len(sides.row[0])
    label = np.full(n, None, object)
    right = np.zeros(n, bool), np.zeros(n, bool)
    if labels is None:
        return Judged(label, right, None)
    known, place = labels_of_files(sides.jobs, labels, sides.file)
    place = place[sides.file[sides.row[0]]]
    some = np.flatnonzero(place >= 0)
    label[some] = known["label"].to_numpy(dtype=object)[place[some]]
    named = _labelled.named_types(sides.jobs, rules)
    for side in (0, 1):
        right[side][some] = _labelled.are_right(sides.jobs, sides.row[side][some], label[some], named)
    chance = None
    if len(known) and known["chance"].min() < known["chance"].max():
        chance = np.full(n, np.nan)
        chance[some] = known["chance"].to_numpy()[place[some]]
    return Judged(label, right, chance)


def labels_of_files(jobs: pd.DataFrame, labels: pd.DataFrame, file: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Give the label of each document, and for each number of a document its place among them; -1: none, as the last.

    They have ``label``, and ``chance``, the greatest it was drawn with. A label of a job is one of its document; of
    several, those of most reviewers count, as for jobs. ``file`` has the number of each job's document.
    """
    _labelled.need_labels(labels)
    votes = pd.DataFrame({"label": labels["label"], "file": _files_of(jobs, labels, file)})
    known = _labelled.majority(votes, "file")
    known["chance"] = 1.0
    if "inclusion_probability" in labels.columns:
        chance = labels["inclusion_probability"].astype("float64")
        odd = ~((chance > 0) & (chance <= 1)) & chance.notna()
        if odd.any():
            raise ArgumentError(f"labels: inclusion_probability is {chance[odd].iloc[0]}; it must be in (0, 1]")
        greatest = chance.groupby(votes["file"].to_numpy()).max()
        known["chance"] = known["file"].map(greatest).fillna(1.0).astype("float64")
    number = known["file"].to_numpy(dtype=np.float64).astype(np.int64)
    place = np.full(max(file.max(initial=-1), number.max(initial=-1)) + 2, -1, np.int64)
    place[number] = np.arange(len(number))
    return known, place


def _files_of(jobs: pd.DataFrame, labels: pd.DataFrame, file: np.ndarray) -> np.ndarray:
    """Give the number of the document that each label is of; missing: it is of none."""
    if "job_id" in labels.columns:
        row = _labelled.first_rows(jobs, labels["job_id"])
        if len(labels) and len(jobs) and (row < 0).all():
            raise ArgumentError(
                f"labels: none of its {len(labels):,} values of job_id is in jobs, for example "
                f"{labels['job_id'].iloc[0]!r}; jobs holds such as {jobs['job_id'].iloc[0]!r}"
            )
        found = np.append(file, -1)[row]
    else:
        row = _labelled.places(as_texts(labels["file_input"]), as_texts(jobs["file_input"]))
        # Those that no job is about have numbers of their own.
        other = codes(labels["file_input"])
        beyond = np.where(other < 0, -1, file.max(initial=-1) + 1 + other)
        found = np.where(row < 0, beyond, np.append(file, -1)[row])
    return np.where(found < 0, np.nan, found)


def decisive(sides: Sides, rules: pd.DataFrame | None) -> np.ndarray:
    """Tell which documents need a label before the accuracies of both sides can be compared.

    They are the flips, and documents that no rule matched on either side, under rule sets that name different types:
    one of the two answers may be right. Every other document is right on both sides, or wrong on both.
    """
    a, b = sides.type
    both_none = (a == b) & (a == len(sides.types.categories))
    need = np.asarray(a != b)
    if both_none.any() and "rule_set" in sides.jobs.columns:
        sets = _name_sets(_labelled.named_types(sides.jobs, rules))
        sums = [sides.of("rule_set", side, both_none).astype(object).fillna("").map(sets).fillna(0) for side in (0, 1)]
        need[both_none] = (sums[0] != sums[1]).to_numpy()
    return need


def _name_sets(named: pd.DataFrame) -> pd.Series:
    """Give a number to the set of types of each rule set: equal for equal sets, and for no others but by a miracle."""
    chance = np.random.default_rng(0)
    code, kinds = pd.factorize(named["type"], sort=True)
    number = chance.integers(1, 2**62, len(kinds))[code] if len(kinds) else np.empty(0, np.int64)
    # Integers wrap around: the sum stays a fingerprint.
    sums: pd.Series = pd.Series(number).groupby(named["rule_set"].to_numpy()).sum()
    return sums


def rule_changes(sides: Sides, use: np.ndarray, side: int, rules: pd.DataFrame | None) -> np.ndarray:
    """Tell what became of the rule of the type that one side answered, from the rule set of a to that of b.

    The places in `RULE_CHANGES`; -1: no rule matched, or nothing is known.
    """
    code = np.full(int(use.sum()), -1, np.int64)
    if rules is not None:
        if not isinstance(rules, pd.DataFrame) or not {"rule_set", "type", "description"} <= set(rules.columns):
            raise ArgumentError(
                "rules must be the table rules: a DataFrame with the columns 'rule_set', 'type' and 'description'"
            )
        _arguments.need_columns(sides.jobs, "rule_set")
        kind = pd.Series(sides.answer(side, use)).astype(object)
        pair = [sides.of("rule_set", one, use).astype(object) for one in (0, 1)]
        known, place = _descriptions(rules, pair, kind)
        text = [known.take(one, mode="clip") if len(known) else one for one in place]
        has = [one >= 0 for one in place]
        code = np.select(
            [has[0] & has[1] & (text[0] == text[1]), has[0] & has[1], has[0], has[1]], [0, 1, 2, 3], default=4
        )
        code[(kind.isna() | pair[0].isna() | pair[1].isna()).to_numpy()] = -1
    return np.asarray(code)


def _descriptions(
    rules: pd.DataFrame, rule_sets: list[pd.Series], kind: pd.Series
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Give the descriptions of types in rule sets, and for several columns of these the place of each; -1: no rule.

    Those of a type with several rules stand together.
    """
    asked = pd.concat([pd.DataFrame({"rule_set": one, "type": kind}) for one in rule_sets])
    wanted, named = _labelled.pair_numbers(asked, rules)
    rows = np.flatnonzero(np.isin(named, wanted))
    text = pd.Series(rules["description"].iloc[rows].astype(object).fillna("").to_numpy(), dtype=object)
    key = pd.Series(named[rows])
    several = key.duplicated(keep=False).to_numpy()
    together = text[several].groupby(key[several]).agg(lambda some: "\0".join(sorted(some)))
    known = np.concatenate([text[~several].to_numpy(), together.to_numpy(dtype=object)])
    place = pd.Index(np.concatenate([key[~several], together.index])).get_indexer(pd.Index(wanted))
    return known, np.split(place, len(rule_sets))


def text_column(values: Any) -> pd.Series:
    """Make a column of text."""
    return pd.Series(values, dtype=schema.TEXT)
