"""What a page tells of the jobs themselves, besides its tables: read here, and nowhere else."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .contents import Given

_WORST = 10
_ANSWERED = ("matched", "no_match")


class Facts(NamedTuple):
    """A few numbers, and the documents to look at first."""

    n_jobs: int
    n_answered: int
    first: Any  # time of creation; missing: no job has one
    last: Any
    n_configurations: int
    n_rule_sets: int
    mean_confidence: float
    median_confidence: float
    worst: pd.DataFrame  # rows of the table jobs: the answers of the least confidence
    problems: dict[str, int]  # things that could not be had, by kind
    has_labels: bool
    has_plan: bool
    has_probabilities: bool  # whether labels say how likely they were to be drawn


def facts(given: Given) -> Facts:
    """Read the facts of the tables that a report is given."""
    jobs, kinds = given.jobs, given.problems["kind"].value_counts()
    answered = np.flatnonzero(jobs["outcome"].isin(_ANSWERED))
    some = jobs[["confidence", "job_id"]].iloc[answered].reset_index(drop=True)
    return Facts(
        n_jobs=len(jobs),
        n_answered=len(answered),
        first=jobs["created_at"].min(),
        last=jobs["created_at"].max(),
        n_configurations=int(jobs["configuration_id"].nunique()),
        n_rule_sets=int(given.rules["rule_set"].nunique()),
        mean_confidence=float(some["confidence"].mean()),
        median_confidence=float(some["confidence"].median()),
        # Only the rows to show are taken whole: a second table of a million jobs would not fit everywhere.
        worst=jobs.iloc[answered[_least(some)]],
        problems={str(kind): int(n) for kind, n in kinds.items() if n},
        has_labels=given.labels is not None,
        has_plan=given.plan is not None,
        has_probabilities=given.labels is not None and "inclusion_probability" in given.labels.columns,
    )


def _least(answers: pd.DataFrame) -> np.ndarray:
    """Give the places of the least confident answers, those of equal confidence by their ids."""
    least = answers["confidence"].nsmallest(_WORST, keep="all")
    order = answers.loc[least.index].sort_values(["confidence", "job_id"], kind="stable").index[:_WORST]
    return np.asarray(order)
