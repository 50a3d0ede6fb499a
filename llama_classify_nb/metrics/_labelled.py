"""Labels beside answers: which label belongs to which job, and whether the answer is right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments
from ._texts import as_texts, some_rows, text_order

#: Jobs that came to an end with an answer to judge, be it that no rule matches.
SCORED = ("matched", "no_match", "unscored")
#: What is read of a job beside its label, where jobs has it: texts by the million would be copied for nothing.
READ = ("outcome", "type", "confidence", "rule_set")


class Labelled(NamedTuple):
    """Jobs that have a label, in the order of the jobs."""

    jobs: pd.DataFrame  # of their rows what `READ` names, index 0 to n - 1
    row: np.ndarray  # where in the table jobs each stands
    of: np.ndarray  # the number of its label
    label: np.ndarray  # of texts
    scored: np.ndarray  # bool: came to an end with an answer
    typed: np.ndarray  # bool: the answer is a type
    right: np.ndarray  # bool


def need_labels(labels: Any, name: str = "labels") -> None:
    """Raise ArgumentError unless ``labels`` is a table of labels; ``name`` is what the error calls it."""
    if not isinstance(labels, pd.DataFrame):
        raise ArgumentError(
            f"{name} must be a DataFrame, not {type(labels).__name__}; read_labels makes one of a CSV file"
        )
    if "label" not in labels.columns:
        columns = ", ".join(map(str, labels.columns)) or "none"
        raise ArgumentError(
            f"{name} lacks the column 'label', which says what a person takes each job for; its columns are: {columns}"
        )
    if "job_id" not in labels.columns and "file_input" not in labels.columns:
        raise ArgumentError(
            f"{name} lacks the columns 'job_id' and 'file_input': one of them must say whose label it is"
        )
    if not labels.columns.is_unique:
        twice = labels.columns[labels.columns.duplicated()][0]
        raise ArgumentError(f"{name} has several columns called {twice!r}; leave all but one out")


def chances(labels: pd.DataFrame) -> np.ndarray | None:
    """Give the chance of each label to be drawn; None where there is no word of it."""
    if "inclusion_probability" not in labels.columns:
        return None
    try:
        chance: np.ndarray = labels["inclusion_probability"].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ArgumentError("labels: the column 'inclusion_probability' must hold numbers") from error
    odd = ~((chance > 0) & (chance <= 1))
    if odd.any():
        more = ""
        if np.isnan(chance[odd]).all():
            more = "; labels that weren't drawn at random say nothing of the other jobs: leave them out"
        raise ArgumentError(
            f"labels: inclusion_probability is {chance[odd][0]} in {odd.sum():,} of {len(odd):,} rows; it must be above"
            f" 0 and at most 1 in every row{more}"
        )
    return chance


def need_rules(rules: Any, *more: str) -> None:
    """Raise ArgumentError unless ``rules`` is a table of rules, with these further columns."""
    names = ("rule_set", "type", *more)
    if not isinstance(rules, pd.DataFrame) or not set(names) <= set(rules.columns):
        listed = ", ".join(map(repr, names[:-1])) + f" and {names[-1]!r}"
        raise ArgumentError(f"rules must be the table rules: a DataFrame with the columns {listed}")


def match(
    jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None = None, name: str = "labels"
) -> Labelled:
    """Find each job's label, and judge its answer; ``name`` is what errors call the labels.

    Of several labels of one job, those of most reviewers count; where none has most, the job is left out.
    """
    found, place = agreed(jobs, labels, rules, name)
    row = np.flatnonzero(place >= 0)
    # In an order of their own: sums then come out alike to the last digit, however the jobs stand.
    own = "job_id" if "job_id" in jobs.columns else "file_input"
    row = row[text_order(some_rows(jobs[[own]], row)[own])]
    label = found["label"].to_numpy(dtype=object)[place[row]]
    some = read(jobs, row)
    return Labelled(some, row, place[row], label, *_judged(jobs, some, label, rules))


def agreed(
    jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None = None, name: str = "labels"
) -> tuple[pd.DataFrame, np.ndarray]:
    """Give the one label of each job or file, as `majority` does, and for each job its place among them; -1: none."""
    _arguments.need_columns(jobs, "outcome", "type")
    need_labels(labels, name)
    key = "job_id" if "job_id" in labels.columns else "file_input"
    _arguments.need_columns(jobs, key)
    _arguments.outcome_codes(jobs)
    with ThreadPoolExecutor(1) as pool:  # Arrow looks up the jobs while labels are counted
        first = pool.submit(places, as_texts(jobs[key]), as_texts(labels[key]))
        found, number = _majority(labels, key, name)
        _need_spelling(jobs, labels, rules, name, of=key)
        place = number[first.result()]
    if len(found) and len(jobs) and not (place >= 0).any():
        raise ArgumentError(
            f"{name}: none of its {len(found):,} values of {key} is in jobs, for example {found[key].iloc[0]!r}; "
            f"jobs holds such as {jobs[key].iloc[0]!r}"
        )
    return found, place


def read(jobs: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Take of some rows what is read of a job beside its label, as a table of its own."""
    return some_rows(jobs[[name for name in READ if name in jobs.columns]], rows).reset_index(drop=True)


def places(values: pd.Series, among: pd.Series) -> np.ndarray:
    """Give the place of each value among others, the first of several; -1: it isn't there, or is missing."""
    if isinstance(values.dtype, pd.StringDtype):
        try:
            # A million texts are compared as Arrow holds them, rather than each made an object first.
            texts = among if isinstance(among.dtype, pd.StringDtype) else among.to_numpy(dtype=object)
            known = pa.array(texts, pa.large_string(), from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
            pass  # among them are others than texts
        else:
            texts = pa.array(values, pa.large_string(), from_pandas=True)
            found = pc.index_in(texts, value_set=known, skip_nulls=True)
            return np.asarray(found.fill_null(-1).to_numpy()).astype(np.int64)
    code, distinct = pd.factorize(among)
    first = np.full(len(distinct) + 1, -1, np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]  # of several, the last one set stays: the first of them
    first[-1] = -1  # where missing ones were put
    return np.asarray(first[pd.Index(distinct).get_indexer(pd.Index(values))])


def first_rows(jobs: pd.DataFrame, job_ids: pd.Series) -> np.ndarray:
    """Give the row of the first job that has each of these ids; -1: none has it."""
    if 4 * len(job_ids) > len(jobs):  # it takes less time to look up so many among the jobs than the jobs among them
        return places(as_texts(job_ids), as_texts(jobs["job_id"]))
    wanted = job_ids.dropna().drop_duplicates()
    place = places(as_texts(jobs["job_id"]), wanted)
    rows = np.flatnonzero(place >= 0)[::-1]
    first = np.full(len(wanted) + 1, -1, np.int64)
    first[place[rows]] = rows  # of several, the last one set stays: the first of the jobs
    if len(wanted) == len(job_ids):
        return first[:-1]
    return np.asarray(first[pd.Index(wanted).get_indexer(pd.Index(job_ids))])


def each(jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Judge each label, by ``job_id``, by itself: whether its job is scored, and whether its answer is right."""
    _arguments.outcome_codes(jobs)
    row = first_rows(jobs, labels["job_id"])
    mine = row >= 0
    if len(labels) and len(jobs) and not mine.any():
        raise ArgumentError(
            f"labels: no label is of a job in jobs; the first is of {labels['job_id'].iloc[0]!r}, and jobs holds such "
            f"as {jobs['job_id'].iloc[0]!r}"
        )
    _need_spelling(jobs, labels, rules, "labels", of="job_id")
    some = read(jobs, row[mine])
    scored, right = np.zeros(len(labels), bool), np.zeros(len(labels), bool)
    scored[mine], _, right[mine] = _judged(jobs, some, labels["label"].to_numpy(dtype=object)[mine], rules)
    return scored, right


def are_right(jobs: pd.DataFrame, row: np.ndarray, label: np.ndarray, rules: pd.DataFrame) -> np.ndarray:
    """Judge the answers in some rows, each by the label that is known to be its own."""
    some = read(jobs, row)
    _need_spelling(some, pd.DataFrame({"label": label}), rules, "labels")
    return _judged(jobs, some, label, rules)[2]


def _need_spelling(
    jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None, name: str, of: str | None = None
) -> None:
    """Raise ArgumentError if a job's label is a type but for case or spaces: its answer would be wrong in silence.

    ``of`` is the column that tells whose label it is; None: all are of the jobs.
    """
    if rules is not None:
        need_rules(rules)
    types = {str(one) for one in classes(jobs, np.empty(0, object), rules)}
    known = {one.strip().casefold(): one for one in types}
    said = labels["label"].dropna().unique()
    slips = [one for one in said if one not in types and str(one).strip().casefold() in known]
    if slips:
        texts = labels["label"].astype(object)
        mine = texts.isin(slips) if of is None else texts.isin(slips) & labels[of].isin(jobs[of])
        slips = texts[mine].unique().tolist()
    if slips:
        raise ArgumentError(
            f"{name}: the label {slips[0]!r} is the type {known[slips[0].strip().casefold()]!r} but for case or spaces"
            f"{f', and so are {len(slips) - 1:,} others' if len(slips) > 1 else ''}; write each as answers and rules do"
        )


def majority(labels: pd.DataFrame, key: str, name: str = "labels") -> pd.DataFrame:
    """Give the one label of each job: a frame of ``key`` and ``label``."""
    return _majority(labels, key, name)[0]


def _majority(labels: pd.DataFrame, key: str, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Give the one label of each job, as `majority` does, and its place there for each row of labels; -1: none.

    A last place is -1, too: that of no row.
    """
    # As numbers, of which a million are counted in a tenth of the time.
    (row_code, of), (row_label, found) = (pd.factorize(as_texts(labels[column])) for column in (key, "label"))
    of = pd.Index(of) if isinstance(of.dtype, pd.StringDtype) else pd.Index(of).astype(object)
    kinds = pd.Index(found).astype(object)
    use = (row_code >= 0) & np.append(kinds != "", False)[row_label]
    code, label = row_code[use], row_label[use]
    odd = [kinds[one] for one in pd.unique(label) if not isinstance(kinds[one], str)]
    if odd:
        raise ArgumentError(f"{name}: the label {odd[0]!r} isn't a text; read the column as text")
    if np.bincount(code, minlength=1).max() > 1:
        code, label = _most_common(code, label, len(kinds))
    place = np.full(len(of) + 1, -1, np.int64)
    place[code] = np.arange(len(code))
    return pd.DataFrame({key: of.take(code), "label": kinds.take(label)}), place[np.append(row_code, -1)]


def _most_common(code: np.ndarray, label: np.ndarray, n_kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """Give for each code the label that most rows give it, unless several are equally common."""
    cells, n = np.unique(code * n_kinds + label, return_counts=True)
    code, label = np.divmod(cells, n_kinds)
    starts = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    most = np.repeat(np.maximum.reduceat(n, starts), np.diff(np.append(starts, len(code)))) == n
    alone = most & (np.bincount(code, most)[code] == 1)
    return code[alone], label[alone]


def _judged(
    jobs: pd.DataFrame, some: pd.DataFrame, label: np.ndarray, rules: pd.DataFrame | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scored = _arguments.has_outcome(some, SCORED)
    answer = some["type"].astype(object).to_numpy()
    typed = scored & ~pd.isna(answer)
    right = typed & (answer == label)
    unanswered = scored & ~typed
    if unanswered.any():
        asked = pd.DataFrame({"rule_set": _rule_set(some[unanswered]), "type": label[unanswered]})
        right[unanswered] = ~np.isin(*pair_numbers(asked, named_types(jobs, rules)))
    return scored, typed, right


def pair_numbers(asked: pd.DataFrame, named: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Number the pairs of rule set and type of two tables, equal ones alike; a missing value is equal to nothing."""
    ones, others = np.zeros(len(asked), np.int64), np.zeros(len(named), np.int64)
    for column in ("rule_set", "type"):
        code, found = pd.factorize(asked[column])
        other = pd.Index(found, dtype=object).get_indexer(pd.Index(named[column]))
        n = len(found)
        ones = ones * (n + 2) + np.where(code < 0, n, code)
        others = others * (n + 2) + np.where(other < 0, n + 1, other)
    return ones, others


def named_types(jobs: pd.DataFrame, rules: pd.DataFrame | None) -> pd.DataFrame:
    """Give the pairs of rule set and type, each once: what the rules name, or without ``rules``, what answers gave."""
    if rules is None:
        return _pairs(jobs)
    need_rules(rules)
    if "rule_set" not in jobs.columns:
        return _pairs(rules[["type"]])
    return _pairs(rules[rules["rule_set"].notna()] if rules["rule_set"].hasnans else rules)


def _pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the pairs of rule set ("" for none) and type that rows have, each once."""
    kind = frame["type"].astype("category").cat
    rule_set = frame["rule_set"].astype("category").cat if "rule_set" in frame.columns else None
    sets = [*(() if rule_set is None else rule_set.categories), ""]
    code = np.full(len(frame), -1) if rule_set is None else rule_set.codes.to_numpy().astype(np.int64)
    code = np.where(code < 0, len(sets) - 1, code) * len(kind.categories) + kind.codes.to_numpy()
    pairs = pd.unique(code[kind.codes.to_numpy() >= 0])
    set_of, type_of = np.divmod(pairs, max(len(kind.categories), 1))
    return pd.DataFrame(
        {
            "rule_set": pd.Series(np.array(sets, object)[set_of], dtype=object),
            "type": pd.Series(np.array(kind.categories, object)[type_of], dtype=object),
        }
    )


def _rule_set(jobs: pd.DataFrame) -> Any:
    return jobs["rule_set"].astype(object).fillna("").to_numpy() if "rule_set" in jobs.columns else ""


def classes(jobs: pd.DataFrame, label: np.ndarray, rules: pd.DataFrame | None = None) -> pd.Index:
    """Give the class set, sorted: the types of the rules, of the answers, and of the labels."""
    kinds = jobs["type"].astype("category").cat.categories
    named: Any = [] if rules is None else rules["type"].dropna().unique()
    found: pd.Index = pd.Index(sorted({*kinds, *named, *label}), dtype=schema.TEXT)
    return found


def places_in(kinds: pd.Index, values: Any) -> np.ndarray:
    """Give the place of each type among the classes; -1: it is missing."""
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        place = kinds.get_indexer(pd.Index(values.cat.categories.astype(object)))
        return np.asarray(np.append(place, -1)[values.cat.codes.to_numpy()])
    return np.asarray(kinds.get_indexer(pd.Index(values, dtype=object)))


def with_confidence(labelled: Labelled, *, no_match: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give which of the labelled jobs state a confidence, and of those the confidence, and whether they are right."""
    outcomes = ("matched", "no_match") if no_match else ("matched",)
    use = _arguments.has_outcome(labelled.jobs, outcomes)
    _arguments.need_columns(labelled.jobs, "confidence")
    _, confidence = _arguments.answered_confidence(labelled.jobs[use])
    return use, confidence, labelled.right[use]
