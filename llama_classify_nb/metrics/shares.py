"""How common each type really is, once the confusions that labels show are allowed for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from . import _arguments, _groups, _labelled, _strata
from .threshold import thinned


def corrected_type_shares(
    jobs: pd.DataFrame, labels: pd.DataFrame, *, rules: pd.DataFrame | None = None, level: float = 0.95
) -> pd.DataFrame:
    """How common is each type really, beyond what the answers say?

    Parameters
    ----------
    jobs : DataFrame
        All jobs that it is to hold for. Reads ``job_id`` or ``file_input``, ``outcome``, ``type``, ``rule_set``.
    labels : DataFrame
        As in :func:`accuracy`, drawn at random, or by a plan. With ``inclusion_probability`` that differs, labels that
        were more likely to be drawn are thinned out until all are equally likely.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`.
    level : float
        Probability that the intervals of all types hold at once.

    Returns
    -------
    DataFrame
        A row for every type that a rule names, an answer gives, or a label says; sorted. Of scored jobs:

        * ``type`` (category);
        * ``n_answered`` (int64, jobs): with this answer; ``raw_share`` (float64, 0 to 1): of all scored jobs, those
          where no rule matched among them;
        * ``n_labelled`` (int64, jobs): with this label;
        * ``share`` (float64, 0 to 1): estimated share of jobs whose label would be this type; they add up to 1;
        * ``share_lower``, ``share_upper`` (float64): simultaneous intervals: each at 1 - (1 - level) / number of types
          (Bonferroni);
        * ``differs`` (bool): whether the raw share lies outside the interval.

        Without labels the shares are missing.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    Jobs are strata by their answer; a type's share is Σ W p, with W the share of jobs that got the answer, and p the
    share of this label among the labelled ones of them: the calibration (inverse) estimator of Tenenbein (1970, JASA
    65, 1350-1361) and Buonaccorsi (2010, "Measurement Error", section 2.4). Intervals as for a stratified rate in
    :func:`accuracy_estimate`. Answers without any label are taken together with the next one.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": range(100), "outcome": "matched", "type": ["memo"] * 60 + ["letter"] * 40})
    >>> labels = pd.DataFrame({"job_id": [*range(20), *range(60, 80)], "label": ["memo"] * 10 + ["letter"] * 30})
    >>> corrected_type_shares(jobs, labels)[["type", "raw_share", "share", "differs"]]
         type  raw_share  share  differs
    0  letter        0.4    0.7     True
    1    memo        0.6    0.3     True
    """
    _arguments.need_columns(jobs, "outcome", "type")
    _labelled.need_labels(labels)
    found = _labelled.match(jobs, thinned(labels), rules)
    kinds = _labelled.classes(jobs, found.label, rules)
    scored = _arguments.has_outcome(jobs, _labelled.SCORED)
    every = _labelled.places_in(kinds, jobs["type"])[scored]
    n_jobs = np.bincount(np.where(every < 0, len(kinds), every), minlength=len(kinds) + 1)
    answer = _labelled.places_in(kinds, found.jobs["type"])[found.scored]
    answer = np.where(answer < 0, len(kinds), answer)
    label = _labelled.places_in(kinds, found.label)[found.scored]
    n = np.bincount(answer, minlength=len(kinds) + 1)
    some = n_jobs > 0
    rows = []
    for place, kind in enumerate(kinds):
        n_right = np.bincount(answer[label == place], minlength=len(kinds) + 1)
        ends = (np.nan, np.nan, np.nan)
        if n.sum():
            jobs_in, n_in, right_in, _ = _strata.merged(n_jobs[some], n[some], n_right[some])
            ends = _strata.interval(jobs_in, n_in, right_in, 1 - (1 - level) / len(kinds))
        raw = n_jobs[place] / n_jobs.sum() if n_jobs.sum() else np.nan
        row: dict[str, Any] = {"type": kind, "n_answered": n_jobs[place], "raw_share": raw}
        row |= {"n_labelled": int((label == place).sum()), "share": ends[0], "share_lower": ends[1]}
        rows.append(row | {"share_upper": ends[2], "differs": bool(raw < ends[1] or raw > ends[2])})
    dtypes: dict[str, Any] = {"type": lambda values: pd.Categorical(values, kinds), "n_answered": "int64"}
    dtypes |= {"raw_share": "float64", "n_labelled": "int64", "share": "float64"}
    dtypes |= {"share_lower": "float64", "share_upper": "float64", "differs": "bool"}
    return _groups.table(jobs, None, rows, dtypes)
