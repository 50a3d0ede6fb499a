"""What a reviewer is to read, and in what order: a table of jobs, made of a draw, a table, or a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError
from ..metrics import _labelled, _runs, audit_plan, draw_sample, label_suspects
from ..metrics._texts import codes, text_order

LOWEST, FLIPS, SUSPECTS = "lowest confidence first", "flips first", "suspects first"
WORDS = (LOWEST, FLIPS, SUSPECTS)
SAMPLE, OWN = "sample", "own"  # what a queue is called that was drawn, or given

#: What a queue keeps of a table that it is made of, and what stands there otherwise.
_DESIGN: dict[str, Any] = {"stratum": None, "stage": None, "inclusion_probability": np.nan, "blind": False}


def make(
    jobs: pd.DataFrame, rules: pd.DataFrame, queue: Any, plan: pd.DataFrame | None, labels: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Give the queue, and the plan that it was drawn by, if it was.

    Parameters
    ----------
    jobs, rules : DataFrame
        The tables.
    queue : DataFrame, str or None
        Of ``draw_sample``, or with ``job_id``; one of ``WORDS``; None: drawn by ``plan``, or by one that is made.
    plan : DataFrame, optional
        Of ``audit_plan``.
    labels : DataFrame
        The labels so far, for "suspects first".

    Returns
    -------
    DataFrame
        In the order of reading: ``job_id``, ``stratum``, ``stage``, ``inclusion_probability``, ``blind``, ``queue``:
        what it is called, ``again``: whether labels given in other queues don't count here, and ``row``: of jobs.
    DataFrame or None
        The plan.
    """
    if isinstance(queue, str):
        if queue not in WORDS:
            raise ArgumentError(f"queue is {queue!r}; in words it is one of: {', '.join(map(repr, WORDS))}")
        rows, n_again = _in_words(jobs, rules, queue, labels)
        table, name = pd.DataFrame(index=pd.RangeIndex(len(rows))), queue
        again = np.arange(len(rows)) < n_again
    else:
        if queue is None:
            plan = audit_plan(jobs) if plan is None else plan
            queue = draw_sample(jobs, plan)
        rows = _rows(jobs, queue)
        is_first = ~queue["job_id"].duplicated().to_numpy(dtype=bool)
        table, rows = queue[is_first], rows[is_first]
        is_drawn = "inclusion_probability" in table.columns
        name, again = SAMPLE if is_drawn else OWN, np.full(len(table), is_drawn)
    made = pd.DataFrame({"job_id": jobs["job_id"].array.take(rows)})
    if not isinstance(made["job_id"].dtype, pd.StringDtype):
        made["job_id"] = made["job_id"].map(str)  # as the file of labels holds it
    for column, otherwise in _DESIGN.items():
        made[column] = table[column].to_numpy() if column in table.columns else otherwise
    made["blind"] = made["blind"].fillna(False).astype(bool)
    made["queue"], made["again"], made["row"] = name, again, rows
    return made, plan


def _rows(jobs: pd.DataFrame, queue: Any) -> np.ndarray:
    """Give the row in jobs of each job of a table."""
    if not isinstance(queue, pd.DataFrame) or "job_id" not in queue.columns:
        kind = "a DataFrame without 'job_id'" if isinstance(queue, pd.DataFrame) else f"a {type(queue).__name__}"
        words = ", ".join(map(repr, WORDS))
        raise ArgumentError(f"queue is {kind}; give the table of draw_sample, any other with 'job_id', or: {words}")
    rows = _labelled.first_rows(jobs, queue["job_id"])
    unknown = queue.loc[rows < 0, "job_id"]
    if len(unknown):
        raise ArgumentError(
            f"queue: {len(unknown):,} of its {len(queue):,} jobs are not among the jobs, for example "
            f"{unknown.iloc[0]!r}; give the JobSet that it was drawn from"
        )
    return rows


def _in_words(jobs: pd.DataFrame, rules: pd.DataFrame, word: str, labels: pd.DataFrame) -> tuple[np.ndarray, int]:
    """Give the rows of jobs in the order of a word, and how many of the first are to be read again."""
    confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    scored = _runs.answered(jobs)
    by_id = text_order(jobs["job_id"])
    by_confidence = by_id[np.argsort(confidence[by_id], kind="stable")]
    by_confidence = by_confidence[scored[by_confidence]]
    first = np.empty(0, np.int64)
    if word == FLIPS:
        first = _flips(jobs, by_confidence)
    elif word == SUSPECTS and labels["label"].notna().any():
        suspects = label_suspects(jobs, labels, rules=rules)["job_id"]
        first = _labelled.first_rows(jobs, suspects)
    is_first = np.zeros(len(jobs), bool)
    is_first[first] = True
    rest = by_confidence[~is_first[by_confidence]]
    return np.concatenate([first, rest]), len(first) if word == SUSPECTS else 0


def _flips(jobs: pd.DataFrame, by_confidence: np.ndarray) -> np.ndarray:
    """Give the rows whose file got different answers, file by file, that with the lowest confidence first.

    Two jobs of one file differ here as ``metrics.flips`` and ``rerun_stability`` say; those compare two sides, and this
    all runs of a file at once.
    """
    file, answer = _runs.file_codes(jobs)[by_confidence], codes(jobs["type"])[by_confidence]
    rows, file, answer = by_confidence[file >= 0], file[file >= 0], answer[file >= 0]
    first = np.zeros(file.max(initial=-1) + 1, np.int64)  # where the first job of each file stands
    first[file[::-1]] = np.arange(len(file))[::-1]
    has_other = np.zeros(len(first), bool)
    has_other[file[answer != answer[first[file]]]] = True
    flipped = np.flatnonzero(has_other[file])
    found: np.ndarray = rows[flipped[np.argsort(first[file[flipped]], kind="stable")]]
    return found
