"""What labels of some jobs say of all: their accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _groups, _labelled, _strata
from .intervals import clopper_pearson

METHODS = ("exact", "stratified", "model_assisted", "none")


def accuracy_estimate(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    plan: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    assurance: float = 0.95,
) -> pd.DataFrame:
    """How right are all the answers, labelled or not?

    Parameters
    ----------
    jobs : DataFrame
        All jobs that it is to hold for. Reads ``job_id`` or ``file_input``, ``outcome``, ``type``, ``confidence``,
        ``rule_set``. A job is scored as in :func:`accuracy`.
    labels : DataFrame
        As in :func:`accuracy`, drawn at random, or by a plan. With ``inclusion_probability`` that differs and no plan,
        the jobs are cut as a plan without ``by`` cuts them.
    plan : DataFrame, optional
        Of :func:`audit_plan` for accuracy, whose queue was labelled; its pilot's labels belong to ``labels``, too.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`.
    assurance : float
        Probability that the interval holds the accuracy of all jobs.

    Returns
    -------
    DataFrame
        One row.

        * ``n_jobs`` (int64, jobs): scored jobs in ``jobs``;
        * ``n`` (int64, jobs): those with a label;
        * ``accuracy`` (float64, 0 to 1): estimate of the share of right answers among all of them;
        * ``accuracy_lower``, ``accuracy_upper`` (float64): interval at ``assurance``;
        * ``half_width`` (float64, 0 to 1): half of its width;
        * ``method`` (category): how: exact, stratified, model_assisted; none without labels;
        * ``reason`` (str): why so.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    *exact*: labels drawn at random, or few in proportion; the interval of Clopper and Pearson (1934). It holds at any
    number of labels, where intervals by the central limit theorem are too short (Bowyer, Aitchison, Ivanova 2025, arXiv
    2503.01747).

    *stratified*: strata of the plan, each weighted by its jobs; a score interval for a stratified rate in a finite
    population, with correction for continuity, the variances shrunk towards a logistic curve over the confidence. In
    the spirit of Wilson (1927) and Yan & Su (2010, "Stratified Wilson and Newcombe confidence intervals for multiple
    binomial proportions", Statistics in Biopharmaceutical Research 2). Since labels were shared out by looking at the
    pilot, its level is raised to 1 - g (1 - assurance), where g is 0.6 + n / 400, and at most 0.9: a value that was
    found by simulation. A stratum with fewer than three labels is joined to a neighbour. Fewer than 100 labels that lie
    about in proportion to the jobs, as a pilot's do, get the exact interval unless this one is 5 % narrower.

    *model_assisted*: labels drawn at random, and confidences of all jobs as the model: post-stratified by confidence,
    the simplest prediction-powered estimate. Only from 100 labels, and where it is expected to be narrower.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": range(1000), "outcome": "matched", "type": "memo", "confidence": 0.9})
    >>> labels = pd.DataFrame({"job_id": range(40), "label": ["memo"] * 36 + ["letter"] * 4})
    >>> accuracy_estimate(jobs, labels)[["n", "accuracy", "accuracy_lower", "accuracy_upper", "method"]].round(3)
        n  accuracy  accuracy_lower  accuracy_upper method
    0  40       0.9           0.763           0.972  exact
    """
    _arguments.need_columns(jobs, "outcome", "type", "confidence")
    if isinstance(assurance, bool) or not isinstance(assurance, int | float) or not 0 < assurance < 1:
        raise ArgumentError(f"assurance is {assurance!r}; it must be a number between 0 and 1, such as 0.95")
    found = _labelled.match(jobs, labels, rules)
    is_uneven = _is_uneven(labels)
    use = found.scored
    n_jobs, n, n_right = int(_arguments.has_outcome(jobs, _labelled.SCORED).sum()), int(use.sum()), found.right.sum()
    if not n:
        ends = (np.nan, np.nan, np.nan, "none", "no scored job has a label")
    elif plan is not None:
        ends = _by_strata(jobs, found, _strata_of(plan), plan.attrs.get("by"), assurance)
    elif is_uneven:
        ends = _by_strata(jobs, found, _strata.cut(jobs), None, assurance)
    else:
        ends = _at_random(jobs, found, n, int(n_right), assurance)
    accuracy, lower, upper, method, reason = ends
    row: dict[str, Any] = {"n_jobs": n_jobs, "n": n, "accuracy": accuracy, "accuracy_lower": lower}
    row |= {"accuracy_upper": upper, "half_width": (upper - lower) / 2, "method": method, "reason": reason}
    dtypes: dict[str, Any] = {"n_jobs": "int64", "n": "int64"}
    dtypes |= dict.fromkeys(("accuracy", "accuracy_lower", "accuracy_upper", "half_width"), "float64")
    dtypes |= {"method": lambda values: pd.Categorical(values, list(METHODS)), "reason": schema.TEXT}
    return _groups.table(jobs, None, [row], dtypes)


def _strata_of(plan: Any) -> pd.DataFrame:
    wanted = {"outcome", "confidence_from", "confidence_to"}
    if not isinstance(plan, pd.DataFrame) or not wanted <= set(plan.columns):
        raise ArgumentError("plan must be a table that audit_plan gave")
    if plan.attrs.get("goal") == "threshold":
        raise ArgumentError(
            "plan is for a threshold: its labels lie where that is, and say little of all jobs; leave it out and draw "
            "other labels, or make a plan for accuracy"
        )
    return plan[plan["stratum"] != "all"] if "stratum" in plan.columns else plan


def _is_uneven(labels: pd.DataFrame) -> bool:
    chance = _labelled.chances(labels)
    return chance is not None and bool(len(chance) and chance.max() > chance.min() * (1 + 1e-9))


def _counts(
    jobs: pd.DataFrame, found: _labelled.Labelled, strata: pd.DataFrame, by: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    number, size = _strata.assign(jobs, strata, by), len(strata)
    mine, use = number[found.row], found.scored & (number[found.row] >= 0)
    n_jobs = np.bincount(number[number >= 0], minlength=size)
    n, n_right = np.bincount(mine[use], minlength=size), np.bincount(mine[use & found.right], minlength=size)
    some = n_jobs > 0
    return n_jobs[some], n[some], n_right[some], _strata.scores(jobs, number, strata)[some]


def _by_strata(
    jobs: pd.DataFrame, found: _labelled.Labelled, strata: pd.DataFrame, by: str | None, assurance: float
) -> tuple[float, float, float, str, str]:
    n_jobs, n, n_right, score = _strata.merged(*_counts(jobs, found, strata, by), least=_strata.FEWEST)
    *ends, counted = _strata.audited(n_jobs, n, n_right, assurance, score)
    accuracy, lower, upper = (float(end) for end in ends)
    reason = f"the labels were drawn from {len(n_jobs):,} strata, each weighted by its jobs"
    if counted:
        return accuracy, lower, upper, "exact", f"{reason}, in proportion, and too few for more than counting"
    return accuracy, lower, upper, "stratified", reason


def _at_random(
    jobs: pd.DataFrame, found: _labelled.Labelled, n: int, n_right: int, assurance: float
) -> tuple[float, float, float, str, str]:
    lower, upper = (float(end) for end in clopper_pearson(n_right, n, assurance))
    exact = n_right / n, lower, upper, "exact"
    if n < _strata.FEWEST_FOR_MODEL:
        return *exact, f"with fewer than {_strata.FEWEST_FOR_MODEL} labels only counting is safe"
    n_jobs, *counts, score = _strata.merged(*_counts(jobs, found, _strata.cut(jobs), None), least=_strata.FLOOR)
    ends = _strata.interval(n_jobs, counts[0], counts[1], 1 - _strata.GUARD_AT_RANDOM * (1 - assurance), score)
    gain = (ends[2] - ends[1]) / (upper - lower)
    if gain > _strata.GAIN:
        return *exact, "confidences don't tell right answers from wrong ones well enough to narrow the interval"
    reason = f"weighted by the confidences of all jobs, the interval is {1 - gain:.0%} narrower than by counting"
    return *ends, "model_assisted", reason
