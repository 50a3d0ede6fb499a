"""What the jobs of one rule set say of how close its types are: matrices of types, one for each source."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from . import _arguments, _labelled, _rule_text, _tokens

#: Reasonings read of one rule set: so many, evenly from the types of the answers, within these bounds for each type.
MOST_READ, FEWEST_OF_TYPE, MOST_OF_TYPE = 20_000, 50, 2_000
_TYPED = ("matched", "unscored")
_NO_WEIGHT = 1e-3  # what an answer of full confidence weighs at least, before weights are scaled to a mean of 1


class Answers(NamedTuple):
    """The jobs, read once for all rule sets."""

    jobs: pd.DataFrame
    rule_set: np.ndarray
    type: np.ndarray  # None: the answer is no type
    again: pd.DataFrame  # file, type, rule_set of the answers about files that have several
    labels: pd.DataFrame | None  # rule_set, label, type of the labelled answers


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
    kind = jobs["type"].astype(object).to_numpy(dtype=object).copy()
    kind[~typed] = None
    rule_set = jobs["rule_set"].astype(object).to_numpy(dtype=object)
    judged = None
    if labels is not None:
        found = _labelled.match(jobs, labels)
        row = found.row[found.typed]
        judged = pd.DataFrame({"rule_set": rule_set[row], "label": found.label[found.typed], "type": kind[row]})
    return Answers(jobs, rule_set, kind, _asked_again(jobs, typed), judged)


def _asked_again(jobs: pd.DataFrame, typed: np.ndarray) -> pd.DataFrame:
    """Give the answers about files that have several; the same transaction handed in again isn't another answer."""
    wanted = ["file_input", "type", "rule_set", "transaction_id", "job_id"]
    some = jobs.loc[typed, [name for name in wanted if name in jobs.columns]].reset_index(drop=True)
    if "file_input" not in some.columns:
        return pd.DataFrame(columns=wanted[:3], dtype=object)
    file = some["file_input"].astype(object)
    some = some[(file.notna() & (file != "") & file.duplicated(keep=False)).to_numpy(dtype=bool)].astype(object)
    if "transaction_id" in some.columns:
        ordered = some.sort_values([name for name in ("job_id", "type") if name in some.columns])
        once = ordered["transaction_id"].isna() | ~ordered.duplicated(["file_input", "transaction_id"])
        some = ordered[once.to_numpy(dtype=bool)]
    # Each rule set looks among the files: as numbers they are told apart faster.
    return some[wanted[:3]].assign(file_input=pd.factorize(some["file_input"])[0])


def gather(known: Answers, name: Any, types: list[str]) -> Evidence:
    """Read what the jobs of one rule set say of its types."""
    place = pd.Index(types, dtype=object)
    here = np.flatnonzero(known.rule_set == name)
    answer = place.get_indexer(pd.Index(known.type[here], dtype=object))
    n = np.bincount(answer[answer >= 0], minlength=len(types))
    confused = None
    if known.labels is not None:
        judged = known.labels[(known.labels["rule_set"] == name).to_numpy(dtype=bool)]
        label, given = (place.get_indexer(pd.Index(judged[one], dtype=object)) for one in ("label", "type"))
        both = (label >= 0) & (given >= 0)
        flat = np.bincount(label[both] * len(types) + given[both], minlength=len(types) ** 2)
        confused = flat.reshape(len(types), len(types))
    return Evidence(n, _said(known, here, answer, types), *_flips(known.again, name, place), confused)


def _flips(again: pd.DataFrame, name: Any, place: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Count the files that were answered with two types, and those with several answers, one of them of a type."""
    touched = again["file_input"].isin(again.loc[(again["rule_set"] == name).to_numpy(dtype=bool), "file_input"])
    some = again[touched.to_numpy(dtype=bool)]
    file = pd.factorize(some["file_input"])[0]
    kind = place.get_indexer(pd.Index(some["type"], dtype=object))
    several = np.bincount(file) > 1 if len(file) else np.zeros(0, bool)
    use = several[file] & (kind >= 0)
    cells = np.unique(file[use] * len(place) + kind[use])
    shape = (len(several), len(place))
    was = sparse.csr_matrix((np.ones(len(cells)), (cells // len(place), cells % len(place))), shape=shape)
    both = np.asarray((was.T @ was).toarray()).astype(np.int64)
    asked = both.diagonal().copy()
    np.fill_diagonal(both, 0)
    return both, asked


def _said(known: Answers, here: np.ndarray, answer: np.ndarray, types: list[str]) -> Said | None:
    texts = _texts(known.jobs, here, answer, len(types))
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


def _texts(jobs: pd.DataFrame, here: np.ndarray, answer: np.ndarray, k: int) -> pd.DataFrame:
    """Choose the reasonings to read, in an order of their own, each with what it weighs."""
    columns = ("outcome", "reasoning", "confidence", "job_id", "configuration_id")
    jobs = jobs[[name for name in columns if name in jobs.columns]].iloc[here]
    no_match = _arguments.has_outcome(jobs, ("no_match",))
    use = (answer >= 0) | no_match
    if "reasoning" not in jobs.columns:
        use[:] = False
    else:
        reasoning = jobs["reasoning"]
        use &= reasoning.notna().to_numpy() & (reasoning != "").to_numpy(dtype=bool, na_value=False)
    some, kind = jobs[use], answer[use]
    key = some["job_id" if "job_id" in some.columns else "reasoning"] if use.any() else pd.Series(dtype=object)
    order = np.lexsort((pd.util.hash_array(key.astype(str).to_numpy(dtype=object)), kind))
    some, kind = some.iloc[order], kind[order]
    n = np.bincount(kind + 1, minlength=k + 1)
    most = int(np.clip(MOST_READ // max(k, 1), FEWEST_OF_TYPE, MOST_OF_TYPE))
    nth = np.arange(len(kind)) - (np.cumsum(n) - n)[kind + 1]
    weight = low_confidence(some) * (n / np.maximum(np.minimum(n, most), 1))[kind + 1]
    read = nth < most
    data = {name: some[name].to_numpy()[read] for name in ("reasoning", "confidence") if name in some.columns}
    data.setdefault("confidence", np.full(int(read.sum()), np.nan))
    return pd.DataFrame({**data, "answer": kind[read], "weight": weight[read]})


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
        group = pd.factorize(jobs["configuration_id"].astype(object))[0] + 1
    table = pd.DataFrame({"group": group[has], "confidence": confidence[has]})
    by = table.groupby("group")["confidence"]
    rank = by.rank(method="average") / (by.transform("size") + 1)
    parts = pd.DataFrame({"a": 1 - table["confidence"].clip(0, 1) + _NO_WEIGHT, "b": (1 - rank) ** 3})
    weight[has] = (parts / parts.groupby(table["group"]).transform("mean")).mean(axis=1).to_numpy()
    return weight


def count_names(said: Said) -> tuple[np.ndarray, np.ndarray]:
    """Count the reasonings read of the row's type that name the column's, and those without a match that name both."""
    answer, k = said.texts["answer"].to_numpy(), said.cites.shape[1]
    matched = answer >= 0
    one = np.ones(int(matched.sum()))
    names = _rule_text.by_answer(said.cites[matched], answer[matched], one, k)
    neither = np.asarray((said.cites[~matched].T @ said.cites[~matched]).toarray())
    return names.astype(np.int64), neither.astype(np.int64)
