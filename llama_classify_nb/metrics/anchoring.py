"""What the sight of an answer does to those who label it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError
from . import _arguments, _groups, _labelled
from .intervals import wilson

_GROUPS = ("blind", "seen")
_OWN = ("n_blind", "n_same_blind", "n_seen", "n_same_seen", "difference", "p_value")


def anchoring(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Do people who see the answer agree with it more often than those who don't?

    They do, if the answer pulls them towards it (Tversky & Kahneman 1974, "Judgment under uncertainty: heuristics and
    biases", Science 185): the accuracy that their labels give is then too high, by about ``difference``.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome``, ``type``, ``rule_set``.
    labels : DataFrame
        Labels with ``job_id``, ``label`` and ``seen_prediction``, as :func:`read_labels` gives them of a review;
        optionally ``reviewer``. Of several labels that a reviewer gave one job, the last counts.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`, by which a missing answer is judged.
    by : str, optional
        A column of labels, such as ``reviewer``: a row for each of its values.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``n_blind`` (int64, labels): given without sight of the answer; ``n_same_blind`` (int64): those that agree
          with it, as :func:`accuracy` judges; ``agreement_blind`` (float64): their share, with Wilson's interval
          (1927), ``agreement_blind_lower``, ``agreement_blind_upper``;
        * ``n_seen``, ``n_same_seen``, ``agreement_seen``, ``agreement_seen_lower``, ``agreement_seen_upper``: the same
          of labels given in sight of it;
        * ``difference`` (float64): agreement_seen - agreement_blind; ``difference_lower``, ``difference_upper``
          (float64): Newcombe's hybrid score interval without correction for continuity (1998, "Interval estimation for
          the difference between independent proportions", Statistics in Medicine 17, method 10);
        * ``p_value`` (float64, 0 to 1): Fisher's exact test (1935), two-sided: how likely so large a difference is, if
          sight made none.

        Missing where there is no label of a kind. Labels of jobs without an answer to judge, and those that don't say
        whether it was seen, are left out. No labels: one row of zeros, or with ``by`` none.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    It compares like with like only where chance decided which jobs are blind, as :func:`draw_sample` has it. Each label
    counts as one: where several reviewers read the same jobs, look at ``by="reviewer"``, for their labels of one job
    aren't independent. A blind job that was labelled again after its answer had been shown counts as seen.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": range(100), "outcome": "matched", "type": "memo"})
    >>> labels = pd.DataFrame({"job_id": range(100), "seen_prediction": [False] * 50 + [True] * 50,
    ...                        "label": ["memo"] * 35 + ["letter"] * 15 + ["memo"] * 45 + ["letter"] * 5})
    >>> anchoring(jobs, labels)[["difference", "difference_lower", "difference_upper", "p_value"]].round(3)
       difference  difference_lower  difference_upper  p_value
    0         0.2             0.043             0.349    0.023
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "type")
    some = _of_a_review(labels, by)
    use, right = _labelled.each(jobs, some, rules)
    seen, right = some["seen_prediction"].to_numpy(dtype=bool)[use], right[use]
    groups = _groups.of(some[use], by)
    rows = []
    for key, part in zip(groups.keys, groups.rows(), strict=True):
        row: dict[str, Any] = {}
        for name, group in zip(_GROUPS, (~seen[part], seen[part]), strict=True):
            n, n_same = int(group.sum()), int((group & right[part]).sum())
            lower, upper = wilson(n_same, n, level)
            row |= {f"n_{name}": n, f"n_same_{name}": n_same, f"agreement_{name}": n_same / n if n else np.nan}
            row |= {f"agreement_{name}_lower": float(lower), f"agreement_{name}_upper": float(upper)}
        rows.append({**({} if by is None else {by: key}), **row, **_compared(row)})
    counts = dict.fromkeys((f"n_{kind}{name}" for name in _GROUPS for kind in ("", "same_")), "int64")
    names = [name for name in (rows[0] if rows else _empty_row()) if name != by]
    dtypes: dict[str, Any] = {name: counts.get(name, "float64") for name in names}
    return _groups.table(labels, by, rows, dtypes)


def _of_a_review(labels: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Give the labels that say whether the answer was seen, the last of each job and reviewer."""
    _labelled.need_labels(labels)
    for name in ("job_id", "seen_prediction"):
        if name not in labels.columns:
            raise ArgumentError(f"labels lacks the column {name!r}; read_labels gives it, of a file that review keeps")
    if by is not None and (by not in labels.columns or by in _OWN):
        columns = ", ".join(map(str, labels.columns))
        raise ArgumentError(f"by is {by!r}; it must be None, or another column of labels: {columns}")
    whose = ["job_id", *(["reviewer"] if "reviewer" in labels.columns else [])]
    some = labels[labels["job_id"].notna() & labels["label"].notna() & (labels["label"] != "")]
    some = some.drop_duplicates(whose, keep="last")
    return some[some["seen_prediction"].notna()].reset_index(drop=True)


def _compared(row: dict[str, Any]) -> dict[str, float]:
    difference = row["agreement_seen"] - row["agreement_blind"]
    ends = {}
    # Newcombe's method 10: each end goes as far as the one rate's interval one way, and the other's the other way.
    for end, down, up in (("lower", "seen", "blind"), ("upper", "blind", "seen")):
        below = row[f"agreement_{down}"] - row[f"agreement_{down}_lower"]
        above = row[f"agreement_{up}_upper"] - row[f"agreement_{up}"]
        ends[end] = difference + (-1 if end == "lower" else 1) * float(np.hypot(below, above))
    same = [row[f"n_same_{name}"] for name in _GROUPS]
    other = [row[f"n_{name}"] - row[f"n_same_{name}"] for name in _GROUPS]
    from scipy import stats  # half a second to load, which few questions need

    p_value = float(stats.fisher_exact([same, other]).pvalue) if row["n_blind"] and row["n_seen"] else np.nan
    limits = {f"difference_{end}": limit for end, limit in ends.items()}
    return {"difference": difference, **limits, "p_value": p_value}


def _empty_row() -> dict[str, Any]:
    nothing: dict[str, Any] = {}
    for name in _GROUPS:
        nothing |= {f"n_{name}": 0, f"n_same_{name}": 0, f"agreement_{name}": np.nan}
        nothing |= {f"agreement_{name}_lower": np.nan, f"agreement_{name}_upper": np.nan}
    return nothing | _compared(nothing)
