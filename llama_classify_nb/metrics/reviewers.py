"""Whether the labels themselves can be trusted: those that answers contradict, and reviewers who disagree."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from ..label_records import NO_RULE
from . import _arguments, _groups, _labelled
from ._texts import codes, order_of, some_rows, text_order
from .intervals import wilson


def label_suspects(
    jobs: pd.DataFrame, labels: pd.DataFrame, *, rules: pd.DataFrame | None = None, least: float = 0.4
) -> pd.DataFrame:
    """Which labels should somebody look at again, since confident answers contradict them?

    Labels are wrong, too: 8 to 12 % of them in well-known sets of documents. An audit that takes them for the truth
    says that answers are worse than they are.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``file_input``, ``outcome``, ``type``, ``confidence``.
        All jobs of one file count as witnesses, whichever configuration they ran with; against a label of a job that
        says that no rule fits, those with the same rules alone (``rule_set``).
    labels, rules : DataFrame
        As in :func:`accuracy`.
    least : float
        Lowest score of a suspect, 0 to 1.

    Returns
    -------
    DataFrame
        A row for each file whose label is a suspect (each job, without ``file_input``), the most suspect first.

        * ``job_id`` (as in jobs): of the most confident answer that contradicts the label;
        * ``file_input`` (as in jobs), if jobs has it;
        * ``label`` (str): what a person says; ``type`` (str): what the answers say instead;
        * ``confidence`` (float64, 0 to 1): of the job's answer;
        * ``n_answers`` (int64, jobs): answers to this file with a confidence; ``n_same`` (int64): those that give this
          type, ``n_label`` (int64): those that give the label;
        * ``score`` (float64, 0 to 1): sum of the confidences of the answers that give this type, over n_answers + 1:
          the label counts as one answer more, so that one witness never outweighs several.

        It ranks; it is no probability that the label is wrong, since confidences may be far off. No labels: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b"], "file_input": ["f", "f"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 1.0]})
    >>> labels = pd.DataFrame({"file_input": ["f"], "label": ["letter"]})
    >>> label_suspects(jobs, labels)[["job_id", "n_same", "score"]].round(2)
      job_id  n_same  score
    0      b       2   0.63
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "type", "confidence")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise ArgumentError(f"least is {least!r}; it must be a number from 0 to 1, such as 0.5")
    key = "file_input" if "file_input" in jobs.columns else "job_id"
    _labelled.need_labels(labels)
    if key == "job_id" or "job_id" not in labels.columns:
        some = _witnesses(jobs, labels, rules)
    else:
        some = _witnesses_of_files(jobs, labels, rules)
    some = some[~some["right"] & (some["score"] >= least)]
    ids = some_rows(jobs[list(dict.fromkeys((key, "job_id")))], some["row"].to_numpy()).reset_index(drop=True)
    wrong = some.reset_index(drop=True).assign(key=ids[key], job_id=ids["job_id"])
    wrong = wrong.iloc[order_of(wrong["job_id"])].sort_values(["score", "confidence"], ascending=False, kind="stable")
    wrong = wrong.drop_duplicates("key").reset_index(drop=True)
    data: dict[str, Any] = {"job_id": wrong["job_id"].astype(jobs["job_id"].dtype)}
    if key == "file_input":
        data[key] = wrong["key"].astype(jobs[key].dtype)
    data["label"] = wrong["label"].astype(schema.TEXT)
    data["type"] = jobs["type"].iloc[wrong["row"]].reset_index(drop=True).astype(object).astype(schema.TEXT)
    data |= {"confidence": wrong["confidence"].astype("float64")}
    data |= {name: wrong[name].astype("int64") for name in ("n_answers", "n_same", "n_label")}
    return pd.DataFrame({**data, "score": wrong["score"].astype("float64")})


def _witnesses_of_files(jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None) -> pd.DataFrame:
    """Give the witnesses of labels that were given to jobs: all jobs about their files.

    That no rule fits is said of the rules that the job ran with: answers under others don't contradict it.
    """
    agreed, place = _labelled.agreed(jobs, labels)
    rows = np.flatnonzero(place >= 0)[::-1]
    first = np.full(len(agreed), -1, np.int64)
    first[place[rows]] = rows  # of several, the last one set stays: the first of the jobs
    label, first = agreed["label"].to_numpy(dtype=object)[first >= 0], first[first >= 0]
    file = codes(jobs["file_input"])
    rule_set = pd.factorize(jobs["rule_set"])[0] if "rule_set" in jobs.columns else np.zeros(len(jobs), np.int64)
    under = np.where((file < 0) | (rule_set < 0), -1, file * (rule_set.max(initial=0) + 1) + rule_set)
    parts = []
    # Numbers for files, and for files under rule sets, tell faster than texts which job is about which.
    for number, mine in ((file, label != NO_RULE), (under, label == NO_RULE)):
        if mine.any():
            key = np.where(number < 0, np.nan, number)
            some = pd.DataFrame({"file_input": key[first[mine]], "label": label[mine]})
            parts.append(_witnesses(jobs.assign(file_input=key), some, rules))
    return pd.concat(parts, ignore_index=True) if parts else _witnesses(jobs, labels, rules)


def _witnesses(jobs: pd.DataFrame, labels: pd.DataFrame, rules: pd.DataFrame | None) -> pd.DataFrame:
    """Give each answer to something that has a label, what other answers to it say, and its score against the label."""
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=False)
    some = pd.DataFrame({"row": found.row[use], "label": found.label[use], "confidence": confidence, "right": right})
    of, kind = found.of[use], pd.factorize(found.jobs["type"])[0][use]
    some["n_answers"] = np.bincount(of, minlength=1)[of]
    some["n_label"] = np.bincount(of, right, minlength=1)[of].astype(np.int64)
    alike = some.groupby(of * (kind.max(initial=0) + 2) + kind, sort=False)["confidence"]
    some["n_same"] = alike.transform("size")
    some["score"] = alike.transform("sum") / (some["n_answers"] + 1)
    return some


def reviewer_agreement(labels: pd.DataFrame) -> pd.DataFrame:
    """How far do reviewers agree about the same documents?

    Parameters
    ----------
    labels : DataFrame
        As in :func:`accuracy`, with ``reviewer``. Of several labels that a reviewer gave one job, the last counts.

    Returns
    -------
    DataFrame
        A row for each pair of reviewers who labelled a job in common, then one for all of them.

        * ``reviewer_a``, ``reviewer_b`` (str): sorted; both missing in the row for all;
        * ``n`` (int64, jobs): labelled by both, or by two reviewers or more;
        * ``n_same`` (int64, jobs): those where they give the same label;
        * ``agreement`` (float64): n_same / n; ``agreement_lower``, ``agreement_upper``: Wilson's interval (1927);
        * ``kappa`` (float64): agreement beyond chance: Cohen's kappa (1960) of a pair, and in the row for all
          Krippendorff's alpha for nominal values (2004, "Content Analysis", chapter 11); missing where all labels are
          one type.

    Raises
    ------
    ArgumentError
        If ``labels`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> labels = pd.DataFrame({"job_id": ["a", "a", "b", "b"], "label": ["memo", "memo", "memo", "letter"],
    ...                        "reviewer": ["kim", "lee", "kim", "lee"]})
    >>> reviewer_agreement(labels)[["reviewer_a", "reviewer_b", "n", "n_same", "agreement", "kappa"]]
      reviewer_a reviewer_b  n  n_same  agreement  kappa
    0        kim        lee  2       1        0.5    0.0
    1        NaN        NaN  2       1        0.5    0.0
    """
    _labelled.need_labels(labels)
    if "reviewer" not in labels.columns:
        raise ArgumentError("labels lacks the column 'reviewer', which must say whose label each is")
    key = "job_id" if "job_id" in labels.columns else "file_input"
    some = labels[[key, "label", "reviewer"]].astype(object).dropna()
    some = some[some["label"] != ""]
    (person, people), (kind, kinds) = (pd.factorize(some[name]) for name in ("reviewer", "label"))
    job, jobs = pd.factorize(some[key])
    said = np.full((len(jobs), len(people)), -1, np.int32)
    said[job, person] = kind  # of several, the last one set stays
    in_order = np.argsort([str(one) for one in kinds], kind="stable")
    rows = []
    for a, b in itertools.combinations(sorted(range(len(people)), key=lambda one: str(people[one])), 2):
        both = said[:, [a, b]][(said[:, [a, b]] >= 0).all(axis=1)]
        if len(both):
            n_same = int((both[:, 0] == both[:, 1]).sum())
            rows.append(_agreed(str(people[a]), str(people[b]), len(both), n_same, _cohen(both, in_order)))
    shared = np.flatnonzero((said >= 0).sum(axis=1) >= 2)
    # In an order of their own: sums then come out alike to the last digit, however the labels stand.
    shared = shared[text_order(pd.Series(jobs[shared], dtype=object))]
    cells = said[shared]
    pairs = np.nonzero(cells >= 0)[0] * max(len(kinds), 1) + cells[cells >= 0]
    pair, n = np.unique(pairs, return_counts=True)
    job, kind = np.divmod(pair, max(len(kinds), 1))
    rows.append(_agreed(None, None, len(shared), int((np.bincount(job) == 1).sum()), _krippendorff(job, kind, n)))
    dtypes: dict[str, Any] = {"reviewer_a": schema.TEXT, "reviewer_b": schema.TEXT, "n": "int64", "n_same": "int64"}
    rates = ("agreement", "agreement_lower", "agreement_upper", "kappa")
    return _groups.table(labels, None, rows, dtypes | dict.fromkeys(rates, "float64"))


def _agreed(a: str | None, b: str | None, n: int, n_same: int, kappa: float) -> dict[str, Any]:
    lower, upper = wilson(n_same, n)
    row: dict[str, Any] = {"reviewer_a": a, "reviewer_b": b, "n": n, "n_same": n_same}
    row["agreement"] = n_same / n if n else np.nan
    return row | {"agreement_lower": float(lower), "agreement_upper": float(upper), "kappa": kappa}


def _cohen(both: np.ndarray, kinds: np.ndarray) -> float:
    share = [np.bincount(both[:, side], minlength=len(kinds))[kinds] / len(both) for side in (0, 1)]
    chance = sum((share[0] * share[1]).tolist())
    return float(((both[:, 0] == both[:, 1]).mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def _krippendorff(job: np.ndarray, kind: np.ndarray, n: np.ndarray) -> float:
    """Give 1 - observed / expected disagreement, over pairs of labels of one job; n labels of a kind has a job."""
    total = int(n.sum())
    if total < 2:
        return float("nan")
    size, pairs_alike = np.bincount(job, n), np.bincount(job, n * (n - 1))
    observed = float(((size * (size - 1) - pairs_alike) / (size - 1)).sum() / total)
    expected = (total**2 - (np.bincount(kind, n) ** 2).sum()) / (total * (total - 1))
    return float(1 - observed / expected) if expected else float("nan")
