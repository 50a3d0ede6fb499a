"""The same documents answered twice: under two configurations, by two rule sets, in two periods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import _agreement, _arguments, _counts, _sides
from .intervals import wilson

METHODS = ("exact", "sample", "weighted", "none")
#: What became of the rules, where a flow's documents were answered by several pairs of rule sets.
MIXED = "mixed"


def flips(
    jobs: pd.DataFrame,
    a: Any,
    b: Any,
    *,
    by: str = "configuration_id",
    labels: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    unmatched: bool = False,
) -> pd.DataFrame:
    """Which documents got another answer?

    Compared are the documents (values of ``file_input``) that both sides answered: that a rule matched, or none. Of
    several runs of a document on one side the latest answer counts, by ``created_at``, then ``job_id``.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``file_input``, ``outcome``, ``type``, ``confidence``,
        ``created_at`` and ``by``; with ``labels`` or ``rules`` also ``rule_set``.
    a, b : value of the column ``by``, or (start, end)
        The two sides. None: jobs without a value. Of a rule set, the beginning of its fingerprint will do if no other
        begins so. With ``by="created_at"``, two periods: start <= created_at < end; None leaves an end open.
    by : str
        The column of jobs that tells the sides apart: ``"configuration_id"``, ``"rule_set"``, ``"created_at"``, any
        other; for a side that no column tells, add one: ``jobs.assign(side=...)``.
    labels : DataFrame, optional
        Labels of documents: ``label`` and ``job_id`` (of any job about the document) or ``file_input``. Those of the
        flips are enough. Answers are judged as in :func:`accuracy`.
    rules : DataFrame, optional
        The table rules: tells what became of the rules of the two types.
    unmatched : bool
        Whether to add documents that no rule matched on either side, under rule sets that name different types. They
        didn't flip, but need a label for the exact difference in accuracy (``n_decisive`` of :func:`flip_summary`).

    Returns
    -------
    DataFrame
        A row for each document whose answers differ, those first in which both sides are most sure (by the lower of
        the two confidences), then by ``file_input``.

        * ``file_input`` (str): the document;
        * ``job_id_a``, ``job_id_b`` (str): the jobs compared;
        * ``rule_set_a``, ``rule_set_b`` (str): their rule sets; missing where jobs has no such column;
        * ``type_a``, ``type_b`` (category): their answers; missing: no rule matched;
        * ``confidence_a``, ``confidence_b`` (float64, 0 to 1): their confidences;
        * ``label`` (str): the label of the document; missing without one;
        * ``right_a``, ``right_b`` (boolean): whether each answer is right; missing without a label;
        * ``rule_a``, ``rule_b`` (category): what became of the rule of ``type_a``, and of that of ``type_b``, between
          the two rule sets: same, reworded, removed (only a has it), added (only b has it), unnamed (neither has it).
          Missing without ``rules``, and where no rule matched.

        No document answered by both sides, or none that flipped: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "configuration_id": list("xxyy"),
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime("2026-02-02", utc=True),
    ... })
    >>> flips(jobs, "x", "y")[["file_input", "type_a", "type_b", "confidence_a", "confidence_b"]]
      file_input type_a  type_b  confidence_a  confidence_b
    0          g   memo  letter           0.6           0.7
    """
    sides = _sides.compare(jobs, a, b, by)
    judged = _sides.judge(sides, labels, rules)
    use = sides.type[0] != sides.type[1]
    if unmatched:
        use = use | _sides.decisive(sides, rules)
    data: dict[str, Any] = {"file_input": _text(sides, "file_input", 0, use)}
    for column in ("job_id", "rule_set"):
        data |= {f"{column}_{name}": _text(sides, column, side, use) for side, name in enumerate("ab")}
    data |= {f"type_{name}": sides.answer(side, use) for side, name in enumerate("ab")}
    data |= {f"confidence_{name}": sides.confidence(side)[use] for side, name in enumerate("ab")}
    data["label"] = _sides.text_column(judged.label[use])
    for side, name in enumerate("ab"):
        right = pd.array(judged.right[side][use], "boolean")
        right[~judged.known[use]] = pd.NA
        data[f"right_{name}"] = right
    dtype = pd.CategoricalDtype(list(_sides.RULE_CHANGES))
    for side, name in enumerate("ab"):
        data[f"rule_{name}"] = _counts.categorical(_sides.rule_changes(sides, use, side, rules), dtype)
    table = pd.DataFrame(data)
    order = np.argsort(table["file_input"].to_numpy(dtype=object), kind="stable")
    surer = -table[["confidence_a", "confidence_b"]].min(axis=1).to_numpy()
    return table.iloc[order[np.argsort(surer[order], kind="stable")]].reset_index(drop=True)


def _text(sides: _sides.Sides, column: str, side: int, use: np.ndarray) -> pd.Series:
    if column not in sides.jobs.columns:
        return _sides.text_column([None] * int(use.sum()))
    return _sides.text_column(sides.of(column, side, use).astype(object))


def flip_flow(
    jobs: pd.DataFrame,
    a: Any,
    b: Any,
    *,
    by: str = "configuration_id",
    labels: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """From which type to which did the answers go?

    Parameters
    ----------
    jobs, a, b, by, labels, rules
        As in :func:`flips`.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        A row for each pair of answers that occurs, equal ones too, in the order of the types, no match last.

        * ``type_a``, ``type_b`` (category): the answers of both sides; missing: no rule matched;
        * ``is_flip`` (bool): whether they differ;
        * ``count`` (int64, documents): documents answered so;
        * ``n`` (int64, documents): documents that a answered with ``type_a``, and b with anything;
        * ``share`` (float64, 0 to 1): count / n; ``share_lower``, ``share_upper``: Wilson's interval (1927);
        * ``confidence_a``, ``confidence_b`` (float64, 0 to 1): mean confidence of both sides in these documents;
        * ``n_labelled`` (int64, documents): those with a label;
        * ``n_right_a``, ``n_right_b`` (int64, documents): labelled ones that each side has right;
        * ``rule_a``, ``rule_b`` (category): what became of the rules of both types, as in :func:`flips`; mixed where
          these documents were answered by several pairs of rule sets that differ in it.

        No document answered by both sides: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "configuration_id": list("xxyy"),
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime("2026-02-02", utc=True),
    ... })
    >>> flip_flow(jobs, "x", "y")[["type_a", "type_b", "is_flip", "count", "n", "share"]]
      type_a  type_b  is_flip  count  n  share
    0   memo  letter     True      1  2    0.5
    1   memo    memo    False      1  2    0.5
    """
    _arguments.need_level(level)
    sides = _sides.compare(jobs, a, b, by)
    judged = _sides.judge(sides, labels, rules)
    size = len(sides.types.categories) + 1
    cells, place = np.unique(sides.type[0] * size + sides.type[1], return_inverse=True)
    n_cells = len(cells)
    count = np.bincount(place, minlength=n_cells)
    n = np.bincount(cells // size, count, minlength=size)[cells // size].astype(np.int64)
    codes = {"type_a": cells // size, "type_b": cells % size}
    table = pd.DataFrame(
        {name: _counts.categorical(np.where(code == size - 1, -1, code), sides.types) for name, code in codes.items()}
    )
    table["is_flip"] = codes["type_a"] != codes["type_b"]
    table["count"], table["n"], table["share"] = count.astype(np.int64), n, _counts.share(count, n)
    table["share_lower"], table["share_upper"] = wilson(count, n, level)
    for side, name in enumerate("ab"):
        table[f"confidence_{name}"] = _cell_means(place, sides.confidence(side), count)
    table["n_labelled"] = np.bincount(place, judged.known, minlength=n_cells).astype(np.int64)
    for side, name in enumerate("ab"):
        table[f"n_right_{name}"] = np.bincount(place, judged.right[side], minlength=n_cells).astype(np.int64)
    for side, name in enumerate("ab"):
        table[f"rule_{name}"] = _of_cells(place, _sides.rule_changes(sides, np.ones(len(place), bool), side, rules))
    return table


def _cell_means(place: np.ndarray, value: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Give the mean of each cell; summed in an order of its own, so that it comes out alike to the last digit."""
    order = np.lexsort((value, place))
    return _counts.share(np.bincount(place[order], value[order], minlength=len(count)), count)


def _of_cells(place: np.ndarray, changes: np.ndarray) -> pd.Categorical:
    """Give what is the same throughout each cell, else mixed."""
    frame = pd.DataFrame({"place": place, "code": changes})
    ends = frame.groupby("place")["code"].agg(["min", "max"])
    code = np.where(ends["min"] == ends["max"], ends["min"], len(_sides.RULE_CHANGES))
    return _counts.categorical(code, pd.CategoricalDtype([*_sides.RULE_CHANGES, MIXED]))


def flip_summary(
    jobs: pd.DataFrame,
    a: Any,
    b: Any,
    *,
    by: str = "configuration_id",
    labels: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """How far do the two sides agree, and which is right more often?

    Where both sides answer alike, both are right or both wrong: only flips can make a difference, and with their labels
    alone the difference in accuracy is known exactly.

    Parameters
    ----------
    jobs, a, b, by, labels, rules
        As in :func:`flips`. Labels of some of the decisive documents count as drawn at random among them, or, where
        their ``inclusion_probability`` differs, as drawn with it.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row.

        * ``n_a``, ``n_b`` (int64, documents): documents that each side answered;
        * ``n`` (int64, documents): those that both did: compared are these;
        * ``n_flips`` (int64, documents): those whose answers differ;
        * ``agreement`` (float64, 0 to 1): share of n whose answers don't differ; ``agreement_lower``,
          ``agreement_upper``: Wilson's interval (1927);
        * ``kappa`` (float64, -1 to 1): Cohen's (1960), no match being a type like any other; ``kappa_lower``,
          ``kappa_upper``: Fleiss, Cohen & Everitt (1969, equation 13). Missing where both always say one and the same;
        * ``confidence_a``, ``confidence_b`` (float64, 0 to 1): mean confidence of both sides over n;
          ``flip_confidence_a``, ``flip_confidence_b``: over the flips;
        * ``n_decisive`` (int64, documents): documents whose label can make a difference: the flips, and those that no
          rule matched on either side under rule sets that name different types;
        * ``n_labelled`` (int64, documents): those of them with a label;
        * ``n_only_a``, ``n_only_b`` (int64, documents): of these, where only a is right, and only b;
        * ``difference`` (float64): accuracy of b minus accuracy of a over the n documents; ``difference_lower``,
          ``difference_upper``: its interval over these very documents;
        * ``method`` (category): exact: every decisive document has a label, and all three are one number; sample:
          exact intervals of the two counts in the unlabelled rest, together conservative; weighted: labels drawn with
          unequal probability (Korn & Graubard 1998); none: without labels;
        * ``p_value`` (float64, 0 to 1): McNemar's exact test (1947), two-sided, of the labelled documents: the chance
          of so uneven a count if either side were right as often as the other in documents of this kind. Missing
          without labels. It knows no drawing with unequal probability;
        * ``n_needed`` (int64, documents): labels still needed for the exact difference;
        * ``n_to_decide`` (float64, documents): labels still needed for a p-value of 1 - level or less, should they fall
          as those so far; 0: decided; missing: without labels, or all that are left would not do.

        No document answered by both sides: counts of 0, the rest missing.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "configuration_id": list("xxyy"),
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime("2026-02-02", utc=True),
    ... })
    >>> labels = pd.DataFrame({"file_input": ["g"], "label": ["letter"]})
    >>> flip_summary(jobs, "x", "y", labels=labels)[["n", "n_flips", "agreement", "difference", "method", "p_value"]]
       n  n_flips  agreement  difference method  p_value
    0  2        1        0.5         0.5  exact      1.0
    """
    _arguments.need_level(level)
    sides = _sides.compare(jobs, a, b, by)
    judged = _sides.judge(sides, labels, rules)
    flipped = sides.type[0] != sides.type[1]
    n, n_flips = len(flipped), int(flipped.sum())
    row: dict[str, Any] = {"n_a": sides.n_files[0], "n_b": sides.n_files[1], "n": n, "n_flips": n_flips}
    row["agreement"] = (n - n_flips) / n if n else np.nan
    row["agreement_lower"], row["agreement_upper"] = (float(end) for end in wilson(n - n_flips, n, level))
    kappa = _agreement.kappa(*sides.type, len(sides.types.categories) + 1, level)
    row |= dict(zip(("kappa", "kappa_lower", "kappa_upper"), kappa, strict=True))
    for use, prefix in ((np.ones(n, bool), ""), (flipped, "flip_")):
        for side, name in enumerate("ab"):
            value = np.sort(sides.confidence(side)[use])
            row[f"{prefix}confidence_{name}"] = value.mean() if len(value) else np.nan
    row |= _verdict(judged, _sides.decisive(sides, rules), n, level)
    return pd.DataFrame([row]).astype({"method": pd.CategoricalDtype(list(METHODS))})


def _verdict(judged: _sides.Judged, need: np.ndarray, n: int, level: float) -> dict[str, Any]:
    """Compare the accuracies of both sides, by the labels of the documents that need one."""
    known = need & judged.known
    x = judged.right[1][known].astype(np.int64) - judged.right[0][known]
    only_a, only_b, m, size = int((x == -1).sum()), int((x == 1).sum()), len(x), int(need.sum())
    chance = None if judged.chance is None else judged.chance[known]
    *ends, method = _agreement.difference(x, chance, size, n, level)
    row = {"n_decisive": size, "n_labelled": m, "n_only_a": only_a, "n_only_b": only_b}
    return {
        **row,
        **dict(zip(("difference", "difference_lower", "difference_upper"), ends, strict=True)),
        "method": method,
        "p_value": _agreement.mcnemar(only_a, only_b) if m else np.nan,
        "n_needed": size - m,
        "n_to_decide": _agreement.still_needed(only_a, only_b, m, size - m, level),
    }
