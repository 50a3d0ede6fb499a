"""The queue of jobs to be read next, drawn by a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _labelled, _strata
from ._texts import as_texts, lowest
from .threshold import hashed, uniform


def draw_sample(
    jobs: pd.DataFrame, plan: pd.DataFrame, *, seed: int = 0, blind: float = 0.2, exclude: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Which jobs are to be read next?

    Parameters
    ----------
    jobs : DataFrame
        The same jobs that the plan was made of.
    plan : DataFrame
        Of :func:`audit_plan`.
    seed : int
        Which random draw; the same seed gives the same jobs, whatever their order.
    blind : float
        Share of the queue, 0 to 1, to be labelled without sight of the answer, so that what seeing it does to labels
        can be told.
    exclude : DataFrame, optional
        Other jobs not to draw, by ``job_id``; those of the plan's pilot never are.

    Returns
    -------
    DataFrame
        The queue, in random order.

        * ``job_id`` (as in jobs), ``stratum`` (str): of the plan;
        * ``stage`` (str): pilot or main;
        * ``inclusion_probability`` (float64): chance that a job of its stratum is among the labels after this draw;
        * ``blind`` (bool): whether to hide the answer from the reader.

        Add ``label`` to it, and it is a table of labels.

    Raises
    ------
    ArgumentError
        If ``plan`` isn't of these jobs, or another argument can't be right.

    Examples
    --------
    >>> from llama_classify_nb.metrics import audit_plan
    >>> jobs = pd.DataFrame({"job_id": range(1000), "outcome": "matched", "type": "memo", "confidence": 0.9})
    >>> queue = draw_sample(jobs, audit_plan(jobs, margin=0.1), seed=1)
    >>> len(queue), queue["job_id"].is_unique, list(queue)
    (30, True, ['job_id', 'stratum', 'stage', 'inclusion_probability', 'blind'])
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "confidence")
    if not isinstance(plan, pd.DataFrame) or not {"stratum", "n_to_draw", "outcome"} <= set(plan.columns):
        raise ArgumentError("plan must be a table that audit_plan gave")
    if isinstance(blind, bool) or not isinstance(blind, int | float) or not 0 <= blind <= 1:
        raise ArgumentError(f"blind is {blind!r}; it must be a share from 0 to 1")
    strata = plan[plan["stratum"] != "all"].reset_index(drop=True)
    number = _strata.assign(jobs, strata, plan.attrs.get("by"))
    n_jobs = np.bincount(number[number >= 0], minlength=len(strata))
    if (n_jobs != strata["n_jobs"].to_numpy()).any():
        raise ArgumentError(
            f"plan is of other jobs: its strata hold {strata['n_jobs'].sum():,}, and {n_jobs.sum():,} of jobs fit; "
            "pass the table that audit_plan was given, or plan anew"
        )
    taken = pd.Index(plan.attrs.get("labelled", []))
    if exclude is not None:
        _arguments.need_columns(exclude, "job_id")
        taken = taken.append(pd.Index(exclude["job_id"]))
    free = number >= 0
    if len(taken):
        free &= _labelled.places(as_texts(jobs["job_id"]), pd.Series(taken.unique(), dtype=object)) < 0
    rows = _drawn(jobs, np.flatnonzero(free), number, strata["n_to_draw"].to_numpy(), f"{seed} draw")
    rows = rows[np.argsort(uniform(jobs["job_id"].iloc[rows], f"{seed} order"), kind="stable")]
    hidden = uniform(jobs["job_id"].iloc[rows], f"{seed} blind")
    is_blind = np.zeros(len(rows), bool)
    is_blind[np.argsort(hidden, kind="stable")[: round(blind * len(rows))]] = True
    return pd.DataFrame(
        {
            "job_id": jobs["job_id"].array.take(rows),
            "stratum": strata["stratum"].array.take(number[rows]),
            "stage": pd.Series([plan.attrs.get("stage", "main")] * len(rows), dtype=schema.TEXT),
            "inclusion_probability": strata["inclusion_probability"].to_numpy()[number[rows]],
            "blind": is_blind,
        }
    )


def _drawn(jobs: pd.DataFrame, free: np.ndarray, number: np.ndarray, n: np.ndarray, salt: str) -> np.ndarray:
    """Draw n of the free rows of each stratum, as hashes of their ids fall; of jobs with one id the first alone."""
    keys = hashed(jobs["job_id"].iloc[free], salt)

    def draw(some: np.ndarray) -> np.ndarray:
        rows = free[some]
        found = rows[lowest(keys[some], number[rows], int(n.max(initial=0)))] if len(rows) else rows
        nth = np.arange(len(found)) - np.searchsorted(number[found], number[found])
        return np.asarray(found[nth < n[number[found]]])

    rows = draw(np.arange(len(free)))
    # Seldom has a job an id that another has, too: that is looked for where one of the few drawn has.
    if (_labelled.first_rows(jobs, jobs["job_id"].iloc[rows]) != rows).any():
        rows = draw(np.flatnonzero(~jobs["job_id"].duplicated().to_numpy(dtype=bool)[free]))
    return rows
