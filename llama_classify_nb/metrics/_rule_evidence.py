"""What the jobs of one rule set say of how close its types are: matrices of types, one for each source."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from . import _arguments, _labelled, _rule_text, _tokens
from ._texts import codes, distinct, hashes, lowest, some_rows

#: Reasonings read of one rule set: so many, evenly from the types of the answers, within these bounds for each type.
MOST_READ, FEWEST_OF_TYPE, MOST_OF_TYPE = 20_000, 50, 2_000
_TYPED = ("matched", "unscored")
_NO_WEIGHT = 1e-3  # what an answer of full confidence weighs at least, before weights are scaled to a mean of 1


class Answers(NamedTuple):
    """The jobs, read once for all rule sets."""

    jobs: pd.DataFrame
    sets: pd.Index  # the rule sets
    rule_set: np.ndarray  # the place of each job's in sets; -1: none
    types: pd.Index  # the types
    type: np.ndarray  # the place of each answer in types; -1: it is no type
    has_reasoning: np.ndarray  # bool: there is a text to read
    again: Again
    labels: Judged | None


class Again(NamedTuple):
    """The answers about files that have several, file by file, as places in sets and types."""

    file: np.ndarray  # its number, from 0 on, ascending
    rule_set: np.ndarray
    type: np.ndarray
    start: np.ndarray  # where each file's answers begin, and the end of all


class Judged(NamedTuple):
    """The labelled answers, rule set by rule set."""

    start: np.ndarray  # where those of each of sets begin, and the end of all
    label: np.ndarray  # place in labels
    type: np.ndarray  # place in types
    labels: pd.Index  # the different labels


class Said(NamedTuple):
    """What the reasonings say. Rows of matrices are types of answers, columns the types spoken of."""

    texts: pd.DataFrame  # reasoning, confidence, weight, answer: place of the type, -1: no match
    cites: Any  # texts by types: whether the text names the type
    weight: np.ndarray  # of the answers of each type
    names: np.ndarray  # weight of answers whose reasoning names another type, beyond what is usual
    together: np.ndarray  # weight of reasonings without a match that name both types, half in either cell
    words: np.ndarray  # weight of answers whose words could be those of another type


class Evidence(NamedTuple):
    """What is known of the types of one rule set besides their descriptions."""

    n: np.ndarray  # answers of each type
    said: Said | None
    flips: np.ndarray  # files that were answered with both types
    asked: np.ndarray  # files with several answers, one of them of the type
    confused: np.ndarray | None  # labels of the row's type that were answered with the column's


def read_answers(jobs: pd.DataFrame, labels: pd.DataFrame | None) -> Answers:
    """Read of the jobs what all rule sets need."""
    _arguments.need_columns(jobs, "outcome", "type", "rule_set")
    typed = _arguments.has_outcome(jobs, _TYPED) & jobs["type"].notna().to_numpy()
    kind, rule_set = (jobs[name].astype("category").cat for name in ("type", "rule_set"))
    types, sets = (one.categories.astype(object) for one in (kind, rule_set))
    answer, of_set = np.where(typed, kind.codes.to_numpy(), -1), rule_set.codes.to_numpy()
    # Arrow tells files apart without holding up the rest.
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(_asked_again, jobs, typed, of_set, answer)
        judged = None if labels is None else _judged(_labelled.match(jobs, labels), of_set, answer, len(sets))
        has_reasoning = np.zeros(len(jobs), bool)
        if "reasoning" in jobs.columns:
            reasoning = jobs["reasoning"]
            has_reasoning = reasoning.notna().to_numpy() & (reasoning != "").to_numpy(dtype=bool, na_value=False)
    return Answers(jobs, sets, of_set, types, answer, has_reasoning, again.result(), judged)


def _judged(found: _labelled.Labelled, of_set: np.ndarray, answer: np.ndarray, n_sets: int) -> Judged:
    row = found.row[found.typed]
    row, label = row[of_set[row] >= 0], found.label[found.typed][of_set[row] >= 0]
    order = np.argsort(of_set[row], kind="stable")
    code, labels = pd.factorize(label)
    start = np.append(0, np.cumsum(np.bincount(of_set[row], minlength=n_sets)))
    return Judged(start, code[order], answer[row][order], pd.Index(labels, dtype=object))


def _asked_again(jobs: pd.DataFrame, typed: np.ndarray, of_set: np.ndarray, answer: np.ndarray) -> Again:
    """Find the answers about files that have several; the same transaction handed in again isn't another answer."""
    if "file_input" not in jobs.columns:
        none = np.empty(0, np.int64)
        return Again(none, none, none, np.zeros(1, np.int64))
    # As numbers, files are told apart faster; each rule set looks among them, too.
    file = codes(jobs["file_input"])
    known = typed & (file >= 0) & (jobs["file_input"] != "").to_numpy(dtype=bool, na_value=False)
    n = np.bincount(file[known], minlength=1)
    rows = np.flatnonzero(known)
    rows = rows[n[file[rows]] > 1]
    if "transaction_id" in jobs.columns:
        rows = rows[_is_first_of_transaction(jobs, rows, file[rows])]
    rows = rows[np.argsort(file[rows], kind="stable")]
    n = np.bincount(file[rows], minlength=1)
    file = (np.cumsum(n > 0) - 1)[file[rows]]
    return Again(file, of_set[rows], answer[rows], np.append(0, np.cumsum(n[n > 0])))


def _is_first_of_transaction(jobs: pd.DataFrame, rows: np.ndarray, file: np.ndarray) -> np.ndarray:
    """Tell of each row whether no row before it, in order of job and type, is of the same file and transaction."""
    code = codes(jobs["transaction_id"].iloc[rows])
    pair = pd.Series(file * np.int64(code.max(initial=0) + 1) + code)
    again = np.flatnonzero((code >= 0) & pair.duplicated(keep=False).to_numpy())
    names = [name for name in ("job_id", "type") if name in jobs.columns]
    some = jobs[names].iloc[rows[again]].reset_index(drop=True).astype(object)
    ordered = some.sort_values(names).index.to_numpy()
    is_first = np.ones(len(rows), bool)
    is_first[again[ordered]] = ~pair.iloc[again[ordered]].duplicated().to_numpy()
    return is_first


def gather(known: Answers, name: Any, types: list[str]) -> Evidence:
    """Read what the jobs of one rule set say of its types."""
    place = pd.Index(types, dtype=object)
    number = known.sets.get_indexer(pd.Index([name], dtype=object))[0]
    here = np.flatnonzero(known.rule_set == number) if number >= 0 else np.empty(0, np.int64)
    answer = np.append(place.get_indexer(known.types), -1)[known.type[here]]
    n = np.bincount(answer[answer >= 0], minlength=len(types))
    confused = None
    if known.labels is not None:
        confused = _confused(known.labels, number, place, known.types)
    flips = _flips(known.again, number, np.append(place.get_indexer(known.types), -1), len(types))
    return Evidence(n, _said(known, here, answer, types), *flips, confused)


def _confused(judged: Judged, number: int, place: pd.Index, types: pd.Index) -> np.ndarray:
    """Count the labels of each type that were answered with each."""
    mine = slice(*judged.start[number : number + 2]) if number >= 0 else slice(0)
    label = np.append(place.get_indexer(judged.labels), -1)[judged.label[mine]]
    given = np.append(place.get_indexer(types), -1)[judged.type[mine]]
    both = (label >= 0) & (given >= 0)
    flat = np.bincount(label[both] * len(place) + given[both], minlength=len(place) ** 2)
    return flat.reshape(len(place), len(place))


def _flips(again: Again, number: int, place: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Count the files that were answered with two types, and those with several answers, one of them of a type."""
    files = again.file[again.rule_set == number] if number >= 0 else np.empty(0, np.int64)
    files = files[np.append(True, files[1:] != files[:-1])[: len(files)]]
    size = again.start[files + 1] - again.start[files]
    rows = np.repeat(again.start[files] - (np.cumsum(size) - size), size) + np.arange(size.sum())
    file, kind = np.repeat(np.arange(len(files)), size), place[again.type[rows]]
    use = (size > 1)[file] & (kind >= 0)
    cells = distinct(file[use] * k + kind[use])
    was = sparse.csr_matrix((np.ones(len(cells)), (cells // k, cells % k)), shape=(len(files), k))
    both = np.asarray((was.T @ was).toarray()).astype(np.int64)
    asked = both.diagonal().copy()
    np.fill_diagonal(both, 0)
    return both, asked


def _said(known: Answers, here: np.ndarray, answer: np.ndarray, types: list[str]) -> Said | None:
    texts = _texts(known, here, answer, len(types))
    if not len(texts):
        return None
    k, kind, weight = len(types), texts["answer"].to_numpy(), texts["weight"].to_numpy()
    matched = kind >= 0
    found = _tokens.tokens(texts["reasoning"])
    cites, part_of_name = _tokens.named(found, types)
    words = _rule_text.sounding_alike(found, part_of_name, kind, weight, k)
    return Said(
        texts=texts,
        cites=cites,
        weight=np.bincount(kind[matched], weight[matched], minlength=k),
        names=_rule_text.citations(cites[matched], kind[matched], weight[matched]),
        together=_rule_text.named_together(cites[~matched], weight[~matched]),
        words=words,
    )


def _texts(known: Answers, here: np.ndarray, answer: np.ndarray, k: int) -> pd.DataFrame:
    """Choose the reasonings to read, in an order of their own, each with what it weighs."""
    jobs = known.jobs
    no_match = _arguments.has_outcome(jobs[["outcome"]].iloc[here], ("no_match",))
    use = ((answer >= 0) | no_match) & known.has_reasoning[here]
    rows, kind = here[use], answer[use]
    n = np.bincount(kind + 1, minlength=k + 1)
    most = int(np.clip(MOST_READ // max(k, 1), FEWEST_OF_TYPE, MOST_OF_TYPE))
    weighed = [name for name in ("confidence", "configuration_id") if name in jobs.columns]
    weight = low_confidence(jobs[weighed].iloc[rows]) * (n / np.maximum(np.minimum(n, most), 1))[kind + 1]
    keys = hashes(jobs["job_id" if "job_id" in jobs.columns else "reasoning"].iloc[rows])
    read = lowest(keys, kind + 1, most)
    texts = [name for name in ("reasoning", "confidence") if name in jobs.columns]
    data = some_rows(jobs[texts], rows[read]).reset_index(drop=True)
    if "confidence" not in texts:
        data["confidence"] = np.nan
    return data.assign(answer=kind[read], weight=weight[read])


def low_confidence(jobs: pd.DataFrame) -> np.ndarray:
    """Give what each answer weighs: the less sure, the more; 1 on average.

    The mean of 1 - confidence and of (1 - rank)³, where rank is the place among the confidences of the same
    configuration, 0 to 1, the mean of several for equal ones. The first is right where confidences mean what they say,
    the second where all are near 1. Either is scaled to a mean of 1 in the configuration. An answer without a
    confidence weighs 1.
    """
    weight = np.ones(len(jobs))
    if "confidence" not in jobs.columns or not len(jobs):
        return weight
    confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    has = ~np.isnan(confidence)
    group = np.zeros(len(jobs), np.int64)
    if "configuration_id" in jobs.columns:
        group = pd.factorize(jobs["configuration_id"])[0] + 1
    table = pd.DataFrame({"group": group[has], "confidence": confidence[has]})
    by = table.groupby("group")["confidence"]
    rank = by.rank(method="average") / (by.transform("size") + 1)
    parts = (1 - table["confidence"].clip(0, 1) + _NO_WEIGHT, (1 - rank) ** 3)
    first, second = (part / part.groupby(table["group"]).transform("mean") for part in parts)
    weight[has] = ((first + second) / 2).to_numpy()
    return weight


def count_names(said: Said) -> tuple[np.ndarray, np.ndarray]:
    """Count the reasonings read of the row's type that name the column's, and those without a match that name both."""
    answer, k = said.texts["answer"].to_numpy(), said.cites.shape[1]
    matched = answer >= 0
    one = np.ones(int(matched.sum()))
    names = _rule_text.by_answer(said.cites[matched], answer[matched], one, k)
    neither = np.asarray((said.cites[~matched].T @ said.cites[~matched]).toarray())
    return names.astype(np.int64), neither.astype(np.int64)
