"""How right the answers are, against labels: in all, by type, and what is taken for what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from . import _arguments, _counts, _groups, _labelled
from .intervals import clopper_pearson

_OWN = ("label", "type", "outcome", "n", "accuracy")


def accuracy(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """How right are the labelled answers?

    A job is scored if it came to an end (outcome matched, no_match or unscored) and has a label. A type is right if it
    is the label. A missing type is right where no rule of the job's rule set names the label. The jobs with labels are
    taken as they are: :func:`accuracy_estimate` tells what they say of all jobs.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id`` or ``file_input``, ``outcome``, ``type``, ``rule_set``.
    labels : DataFrame
        ``label`` and ``job_id``, or ``file_input`` if there is no ``job_id``. Missing and empty labels don't count; of
        several of one job, the one that most rows give; where there is none such, the job counts as unlabelled.
    rules : DataFrame, optional
        The table rules, which says what each rule set names. Without it, the types that the jobs of a rule set in
        ``jobs`` were answered with stand for its rules.
    by : str, optional
        A column of jobs: a row for each of its values, missing last.
    level : float
        Level of the interval.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``n`` (int64, jobs): scored jobs;
        * ``n_right`` (int64, jobs): those whose answer is right;
        * ``accuracy`` (float64, 0 to 1): n_right / n; missing where n is 0;
        * ``accuracy_lower``, ``accuracy_upper`` (float64): the exact interval of Clopper and Pearson (1934);
        * ``n_no_match`` (int64, jobs): scored jobs where no rule matched;
        * ``n_not_scored`` (int64, jobs): jobs with a label that failed, were cancelled, or haven't finished.

        No jobs, or no labels: n is 0, the rest missing.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": ["matched", "matched", "no_match"],
    ...                      "type": ["memo", "letter", None]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "memo", "photo"]})
    >>> accuracy(jobs, labels)[["n", "n_right", "accuracy"]].round(3)
       n  n_right  accuracy
    0  3        2     0.667
    """
    _arguments.need_columns(jobs)
    _arguments.need_by(jobs, by, _OWN)
    found = _labelled.match(jobs, labels, rules)
    part = _groups.of(jobs, by).take(found.row)
    size = len(part.keys)
    n, n_right, n_typed, n_all = (
        np.bincount(part.code[use], minlength=size)
        for use in (found.scored, found.right, found.typed, np.ones(len(found.row), bool))
    )
    columns: dict[str, Any] = {"n": n, "n_right": n_right, **_rates("accuracy", n_right, n, level)}
    columns |= {"n_no_match": n - n_typed, "n_not_scored": n_all - n}
    rate = dict.fromkeys(("accuracy", "accuracy_lower", "accuracy_upper"), "float64")
    dtypes = {"n": "int64", "n_right": "int64", **rate, "n_no_match": "int64", "n_not_scored": "int64"}
    return _groups.framed(jobs, by, columns if by is None else {by: part.keys, **columns}, dtypes)


def scores_by_type(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """How right are the answers of each type?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As in :func:`accuracy`; ``by="configuration_id"`` gives each configuration its own rows.

    Returns
    -------
    DataFrame
        For each group, a row for every type that a rule names, an answer gives, or a label says; sorted. Of scored
        jobs:

        * the column ``by``, if given: its dtype;
        * ``type`` (category);
        * ``n_labelled`` (int64, jobs): whose label is this type, also called its support;
        * ``n_answered`` (int64, jobs): whose answer is this type;
        * ``n_right`` (int64, jobs): both;
        * ``precision`` (float64, 0 to 1): n_right / n_answered, with ``precision_lower`` and ``precision_upper``;
        * ``recall`` (float64, 0 to 1): n_right / n_labelled, with ``recall_lower`` and ``recall_upper``; intervals are
          exact (Clopper and Pearson 1934); missing where it would be 0 / 0;
        * ``f1`` (float64, 0 to 1): 2 n_right / (n_labelled + n_answered); missing likewise.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": ["memo", "letter", "memo"]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "memo", "letter"]})
    >>> scores_by_type(jobs, labels)[["type", "n_labelled", "n_answered", "precision", "recall", "f1"]]
         type  n_labelled  n_answered  precision  recall   f1
    0  letter           1           1        0.0     0.0  0.0
    1    memo           2           2        0.5     0.5  0.5
    """
    _arguments.need_columns(jobs)
    _arguments.need_by(jobs, by, (*_OWN, "precision", "recall", "f1"))
    found = _labelled.match(jobs, labels, rules)
    kinds = _labelled.classes(jobs, found.label, rules)
    label, answer = _labelled.places_in(kinds, found.label), _labelled.places_in(kinds, found.jobs["type"])
    part = _groups.of(jobs, by).take(found.row)
    size = len(part.keys) * len(kinds)
    n_labelled, n_answered, n_right = (
        np.bincount(part.code[use] * len(kinds) + kind[use], minlength=size)
        for use, kind in ((found.scored, label), (found.typed, answer), (found.typed & found.right, label))
    )
    columns: dict[str, Any] = {} if by is None else {by: [one for one in part.keys for _ in kinds]}
    columns["type"] = np.tile(np.arange(len(kinds)), len(part.keys))
    columns |= {"n_labelled": n_labelled, "n_answered": n_answered, "n_right": n_right}
    columns |= _rates("precision", n_right, n_answered, level) | _rates("recall", n_right, n_labelled, level)
    columns["f1"] = _counts.share(2 * n_right, n_labelled + n_answered)
    rates = [f"{name}{end}" for name in ("precision", "recall") for end in ("", "_lower", "_upper")]
    dtypes: dict[str, Any] = {"type": lambda codes: pd.Categorical.from_codes(codes, kinds)}
    dtypes |= dict.fromkeys(("n_labelled", "n_answered", "n_right"), "int64")
    return _groups.framed(jobs, by, columns, dtypes | dict.fromkeys((*rates, "f1"), "float64"))


def confusion_matrix(jobs: pd.DataFrame, labels: pd.DataFrame, *, rules: pd.DataFrame | None = None) -> pd.DataFrame:
    """What is taken for what?

    Parameters
    ----------
    jobs, labels, rules
        As in :func:`accuracy`.

    Returns
    -------
    DataFrame
        In long form: for each label, a row for every type of an answer, then one for each outcome
        without a type that occurs. Labels and types are the same set: what a rule names, an answer gives, or a label
        says; sorted.

        * ``label`` (category): what a person says the type is;
        * ``type`` (category): the answer; missing: none;
        * ``outcome`` (category): matched or unscored with a type; else what became of the job instead: no_match,
          unscored, failed, cancelled, unfinished;
        * ``count`` (int64, jobs): jobs with this label and this answer;
        * ``n`` (int64, jobs): all jobs with this label;
        * ``share`` (float64, 0 to 1): count / n; missing where n is 0.

        Unscored answers of a type are counted with the matched ones, since the type is judged and not the confidence.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b"], "outcome": ["matched", "failed"], "type": ["memo", None]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b"], "label": ["memo", "memo"]})
    >>> confusion_matrix(jobs, labels)[["label", "type", "outcome", "count", "n"]]
      label  type  outcome  count  n
    0  memo  memo  matched      1  2
    1  memo   NaN   failed      1  2
    """
    _arguments.need_columns(jobs)
    found = _labelled.match(jobs, labels, rules)
    kinds = _labelled.classes(jobs, found.label, rules)
    code = _arguments.outcome_codes(found.jobs)
    untyped = [name for place, name in enumerate(schema.OUTCOMES) if np.any((code == place) & ~found.typed)]
    answers = [(kind, "matched") for kind in kinds] + [(None, name) for name in untyped]
    place = {list(schema.OUTCOMES).index(name): len(kinds) + number for number, name in enumerate(untyped)}
    answer = np.array([place.get(one, -1) for one in range(len(schema.OUTCOMES))], np.int64)[code]
    answer[found.typed] = _labelled.places_in(kinds, found.jobs["type"])[found.typed]
    label = _labelled.places_in(kinds, found.label)
    size = (len(kinds), len(answers))
    flat = np.bincount(label * size[1] + answer, minlength=size[0] * size[1]).reshape(size)
    n, n_answers = flat.sum(axis=1), len(answers)
    columns = {
        "label": np.repeat(np.arange(len(kinds)), n_answers),
        "type": np.tile([place if place < len(kinds) else -1 for place in range(n_answers)], len(kinds)),
        "outcome": [outcome for _, outcome in answers] * len(kinds),
        "count": flat.ravel(),
        "n": np.repeat(n, n_answers),
        "share": _counts.share(flat.ravel(), np.repeat(n, n_answers)),
    }
    dtypes: dict[str, Any] = dict.fromkeys(("label", "type"), lambda codes: pd.Categorical.from_codes(codes, kinds))
    dtypes["outcome"] = lambda values: pd.Categorical(values, list(schema.OUTCOMES))
    return _groups.framed(jobs, None, columns, dtypes | {"count": "int64", "n": "int64", "share": "float64"})


def _rates(name: str, count: np.ndarray, n: np.ndarray, level: float) -> dict[str, np.ndarray]:
    lower, upper = clopper_pearson(count, n, level)
    return {name: _counts.share(count, n), f"{name}_lower": lower, f"{name}_upper": upper}
