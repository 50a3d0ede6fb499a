"""The same question asked again: how often is the answer another one, and does that show errors?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import _arguments, _groups, _labelled, _runs, _sides, _stratified
from ._texts import codes
from .calibration import auroc
from .intervals import clopper_pearson, wilson

#: Groups of like confidence within which changed answers are held against steady ones.
_N_GROUPS = 10
_ENDS = ("", "_lower", "_upper")
_OWN = (
    *("n", "n_reruns", "n_other_settings", "n_changed", "n_unstable", *(f"agreement{end}" for end in _ENDS)),
    *("confidence_shift", "confidence_moved"),
    *("n_labelled", "n_labelled_unstable", "n_wrong_unstable", "n_wrong_stable"),
    *(f"error_{kind}{end}" for kind in ("unstable", "stable") for end in _ENDS),
    *("odds_ratio", "p_value", "auroc", "auroc_with_reruns"),
)


def rerun_stability(
    jobs: pd.DataFrame,
    labels: pd.DataFrame | None = None,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """If the same is asked again, does the same answer come, and are changed answers wrong more often?

    The same question is the same ``file_input`` under the same ``rule_set`` and ``configuration_id`` (two
    configurations with the same rules are two sides: :func:`flips`). Only answered jobs count, in the order of
    ``created_at``, then ``job_id``. Jobs of one question that share a ``transaction_id`` count once, as the first of
    them: the service gives the old job back, and judges nothing anew.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``file_input``, ``rule_set``, ``outcome``, ``type``,
        ``confidence``, ``created_at``, and where they are there ``configuration_id``, ``transaction_id``, ``mode``,
        ``lang``, ``max_pages`` and ``target_pages``.
    labels : DataFrame, optional
        Labels of documents: ``label`` and ``job_id`` (of any job about the document) or ``file_input``. The first
        answer is judged, as in :func:`accuracy`.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`.
    by : str, optional
        A column of jobs: a row for each of its values, missing last; a question belongs to the value of its first
        answer. ``"type"``: how steady is each type?
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``n`` (int64, questions): questions with two answers or more;
        * ``n_reruns`` (int64, jobs): their answers after the first;
        * ``n_other_settings`` (int64, jobs): reruns whose mode, lang, max_pages or target_pages differ from those of
          the run before: another answer may be due to other pages;
        * ``n_changed`` (int64, jobs): reruns that answer another type than the run before, no match being one;
        * ``n_unstable`` (int64, questions): questions with more than one type among their answers;
        * ``agreement`` (float64, 0 to 1): total agreement, the share of n all of whose answers are alike (TARa of Atil
          et al. 2024, arXiv 2408.04667); ``agreement_lower``, ``agreement_upper``: Wilson's interval (1927);
        * ``confidence_shift`` (float64, -1 to 1): mean of a rerun's confidence minus that of the run before;
          ``confidence_moved``: mean of its absolute value;
        * ``n_labelled`` (int64, questions): those of n with a label;
        * ``n_labelled_unstable`` (int64, questions): those of them that are unstable;
        * ``n_wrong_unstable``, ``n_wrong_stable`` (int64, questions): unstable, and other ones, whose first answer is
          wrong;
        * ``error_unstable``, ``error_stable`` (float64, 0 to 1): as shares; with ``_lower`` and ``_upper``
          (``error_unstable_lower``, ``error_unstable_upper``, ``error_stable_lower``, ``error_stable_upper``): exact
          (Clopper & Pearson 1934);
        * ``odds_ratio`` (float64): odds of a wrong answer, unstable against stable, at like confidence: common to ten
          groups of about equal size by the first answer's confidence (Mantel & Haenszel 1959);
        * ``p_value`` (float64, 0 to 1): chance of at least so many wrong ones among the unstable if, at like
          confidence, it told nothing to ask again: exact and one-sided (see Notes). Missing where no group has both
          kinds of both;
        * ``auroc`` (float64, 0 to 1): how well the first answer's confidence ranks right above wrong, as in
          :func:`calibration_scores`; ``auroc_with_reruns``: the same of the mean, over all runs, of the confidence
          where a run answers like the first, 0 where it doesn't. The gain is the difference.

        Nothing asked twice: counts of 0, the rest missing (with ``by``, no rows).

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    The p-value is of the test of Cochran (1954) and Mantel & Haenszel (1959) in its exact conditional form: all ways to
    deal the marks "unstable" within the groups of like confidence are equally likely.

    Reruns are seldom a random sample of the documents: where those with low confidence were asked again, the agreement
    is theirs, not that of all.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "rule_set": "r",
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-02", "2026-02-03", "2026-02-03"], utc=True),
    ... })
    >>> rerun_stability(jobs)[["n", "n_reruns", "n_changed", "agreement", "confidence_shift", "confidence_moved"]]
       n  n_reruns  n_changed  agreement  confidence_shift  confidence_moved
    0  2         2          1        0.5               0.0               0.1
    """
    _arguments.need_columns(jobs, "job_id", "file_input", "rule_set", "outcome", "type", "confidence", "created_at")
    _arguments.need_by(jobs, by, _OWN)
    _arguments.need_level(level)
    runs = _runs_of_questions(jobs)
    asked = _questions(runs)
    _judge(asked, jobs, labels, rules)
    groups = _groups.of(jobs if by is None else jobs[[by]].iloc[asked["row"]], by)
    rows = []
    for key, rows_of in zip(groups.keys, groups.rows(), strict=True):
        part = asked if by is None else asked.iloc[rows_of]
        cells = {} if by is None else {by: key}
        rows.append(cells | _steadiness(part, level) | _errors(part[part["is_labelled"]], level))
    return _groups.table(jobs, by, rows, {name: "int64" if name.startswith("n") else "float64" for name in _OWN})


def _runs_of_questions(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give a row for each answer to a question that was asked more than once, in order."""
    use, _ = _arguments.answered_confidence(jobs)
    code = _runs.question_codes(jobs)
    rows = _runs.in_order(jobs, code, use)
    if "transaction_id" in jobs.columns:
        key = pd.DataFrame({"code": code[rows], "id": codes(jobs["transaction_id"])[rows]})
        rows = rows[~(key.duplicated() & (key["id"] >= 0)).to_numpy()]
    code = code[rows]
    several = np.bincount(code, minlength=1)[code] > 1
    rows, code = rows[several], code[several]
    return pd.DataFrame(
        {
            "question": code,
            "row": rows,
            "type": jobs["type"].astype("category").cat.codes.to_numpy().astype(np.int64)[rows],
            "confidence": jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)[rows] + 0.0,
            "settings": _runs.settings_codes(jobs)[rows],
        }
    )


def _questions(runs: pd.DataFrame) -> pd.DataFrame:
    """Give a row for each question: its first answer, and what became of it."""
    is_first = ~runs["question"].duplicated().to_numpy()
    number = np.cumsum(is_first) - 1
    n = int(is_first.sum())
    first = runs[is_first].reset_index(drop=True)
    kind, confidence = runs["type"].to_numpy(), runs["confidence"].to_numpy()
    # Of a first answer, the run before belongs to another question: it counts as no change.
    step = np.where(is_first, 0.0, np.diff(confidence, prepend=0.0))
    changed, other = (~is_first & (np.diff(codes, prepend=0) != 0) for codes in (kind, runs["settings"].to_numpy()))
    like_first = kind == first["type"].to_numpy()[number]
    n_runs = np.bincount(number, minlength=n)
    return first.assign(
        n_reruns=n_runs - 1,
        n_other_settings=np.bincount(number, other, minlength=n),
        n_changed=np.bincount(number, changed, minlength=n),
        is_unstable=np.bincount(number, ~like_first, minlength=n) > 0,
        shift=np.bincount(number, step, minlength=n),
        moved=np.bincount(number, np.abs(step), minlength=n),
        support=np.bincount(number, confidence * like_first, minlength=n) / np.maximum(n_runs, 1),
    )


def _judge(asked: pd.DataFrame, jobs: pd.DataFrame, labels: pd.DataFrame | None, rules: pd.DataFrame | None) -> None:
    asked["is_labelled"] = asked["is_wrong"] = np.zeros(len(asked), bool)
    if labels is None:
        return
    file = _runs.file_codes(jobs)
    known, place = _sides.labels_of_files(jobs, labels, file)
    place = place[file[asked["row"].to_numpy()]]
    mine = place >= 0
    named = _labelled.named_types(jobs, rules)
    label = known["label"].to_numpy(dtype=object)[place[mine]]
    right = _labelled.are_right(jobs, asked["row"].to_numpy()[mine], label, named)
    is_wrong = np.zeros(len(asked), bool)
    is_wrong[mine] = ~right
    asked["is_labelled"], asked["is_wrong"] = mine, is_wrong


def _steadiness(asked: pd.DataFrame, level: float) -> dict[str, Any]:
    n, n_reruns, n_unstable = len(asked), int(asked["n_reruns"].sum()), int(asked["is_unstable"].sum())
    ends = wilson(n - n_unstable, n, level)
    # Sorted, sums come out alike to the last digit, however the jobs stand.
    shift, moved = (float(np.sort(asked[name].to_numpy()).sum()) for name in ("shift", "moved"))
    return {
        "n": n,
        "n_reruns": n_reruns,
        **{name: int(asked[name].sum()) for name in ("n_other_settings", "n_changed")},
        "n_unstable": n_unstable,
        "agreement": (n - n_unstable) / n if n else np.nan,
        "agreement_lower": float(ends[0]),
        "agreement_upper": float(ends[1]),
        "confidence_shift": shift / n_reruns if n else np.nan,
        "confidence_moved": moved / n_reruns if n else np.nan,
    }


def _errors(asked: pd.DataFrame, level: float) -> dict[str, Any]:
    unstable, wrong = (asked[name].to_numpy(bool) for name in ("is_unstable", "is_wrong"))
    row: dict[str, Any] = {"n_labelled": len(asked), "n_labelled_unstable": int(unstable.sum())}
    row |= {"n_wrong_unstable": int((unstable & wrong).sum()), "n_wrong_stable": int((~unstable & wrong).sum())}
    for name, mine in (("unstable", unstable), ("stable", ~unstable)):
        n, count = int(mine.sum()), row[f"n_wrong_{name}"]
        row[f"error_{name}"] = count / n if n else np.nan
        row[f"error_{name}_lower"], row[f"error_{name}_upper"] = map(float, clopper_pearson(count, n, level))
    confidence = asked["confidence"].to_numpy()
    group = _stratified.equal_groups(confidence, _N_GROUPS)
    row["odds_ratio"] = _stratified.odds_ratio(group, unstable, wrong)
    row["p_value"] = _stratified.exact_p_value(group, unstable, wrong)
    row["auroc"], row["auroc_with_reruns"] = (
        auroc(asked[name].to_numpy(), ~wrong) for name in ("confidence", "support")
    )
    return row
