"""A review from its arguments: what is read, by whom, and which file keeps it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import label_records
from ..exceptions import ArgumentError
from ..label_log import LabelLog
from ..label_records import NO_RULE
from ..metrics import _arguments, _labelled
from . import _queue
from ._desk import Desk
from .review_widget import Review

if TYPE_CHECKING:
    from ..jobset import JobSet


def review(
    jobset: JobSet,
    queue: pd.DataFrame | str | None = None,
    labels: str | os.PathLike[str] = "labels.csv",
    *,
    reviewer: str | None = None,
    plan: pd.DataFrame | None = None,
    jobs: pd.DataFrame | None = None,
    share: bool = False,
    open_document: Callable[[pd.Series], Any] | None = None,
) -> Review:
    """Show one job at a time, and keep what its reader says it really is.

    Parameters
    ----------
    jobset : JobSet
        The jobs.
    queue : DataFrame or str, optional
        What to read: the table of ``draw_sample``, any other with ``job_id``, or "lowest confidence first", "flips
        first" (files whose jobs got different answers) or "suspects first" (labels that confident answers contradict,
        for a second look). By default, what ``plan`` draws; without one, the pilot of ``audit_plan(jobs)``.
    labels : path
        The CSV file that keeps what is said; it is made if it isn't there, and gone on with if it is. Several
        reviewers may use one file at the same time. ``read_labels`` reads it.
    reviewer : str, optional
        Who reads. By default the name that you are logged in with.
    plan : DataFrame, optional
        Of ``audit_plan``, if the queue was drawn by it: then the desk says when its margin is met.
    jobs : DataFrame, optional
        The jobs that the plan is of, if they aren't all of the JobSet.
    share : bool
        Whether several reviewers share the queue: jobs that others have labelled, or read at this moment, are passed
        over. By default each reads all of it, and ``reviewer_agreement`` compares them.
    open_document : callable, optional
        Is given the job (a row of jobs, without its answer while that is hidden) and returns what to show beside it: a
        text, a widget, or anything that a notebook can display. If it raises, the error is shown in its place.

    Returns
    -------
    Review
        Shows itself as the last line of a cell. Its ``labels`` is the table of labels so far.

    Raises
    ------
    ArgumentError
        If an argument can't be right.
    LabelLogError
        If the file can't be written, or is no file of this desk.

    Examples
    --------
    >>> import tempfile
    >>> from llama_classify_nb import load_sample, read_labels
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     desk = review(load_sample(), "lowest confidence first", f"{folder}/labels.csv", reviewer="kim")
    ...     desk.press("email")  # as if it were typed in the field "Key"
    ...     desk.press("n")  # no rule fits
    ...     labels = read_labels(f"{folder}/labels.csv")
    >>> labels[["label", "reviewer"]]
                label reviewer
    0           email      kim
    1  (no rule fits)      kim
    """
    if not all(hasattr(jobset, name) for name in ("jobs", "rules", "raw")):
        raise ArgumentError(
            f"jobset is a {type(jobset).__name__}: give a JobSet, as fetch_jobs and read_jobs return it"
        )
    jobs = jobset.jobs if jobs is None else jobs
    _check(jobs, jobset.rules, plan, labels, open_document)
    log = LabelLog(labels)
    known = label_records.frame(label_records.standing(log.records))
    table, plan = _queue.make(jobs, jobset.rules, queue, plan, known[_labelled.first_rows(jobs, known["job_id"]) >= 0])
    name = _reviewer(reviewer)
    return Review(Desk(jobs, jobset.rules, table, log, reviewer=name, plan=plan, share=share), log, name, open_document)


def _reviewer(name: Any) -> str:
    if name is None:
        try:
            name = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
        except (OSError, KeyError, ImportError):
            name = ""
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"reviewer is {name!r}; give the name of who reads, such as reviewer='kim'")
    return name.strip()


def _check(jobs: pd.DataFrame, rules: pd.DataFrame, plan: pd.DataFrame | None, labels: Any, open_document: Any) -> None:
    wanted = ("job_id", "file_input", "outcome", "type", "confidence", "rule_set")
    _arguments.need_columns(jobs, *wanted)
    if not jobs["job_id"].is_unique:
        raise ArgumentError("jobs holds a job_id twice; keep one row of each job")
    if not isinstance(labels, str | os.PathLike):
        raise ArgumentError(f"labels is a {type(labels).__name__}; give the path of the CSV file that keeps the labels")
    if open_document is not None and not callable(open_document):
        raise ArgumentError(f"open_document is a {type(open_document).__name__}; give a function of a job, or None")
    if (rules["type"] == NO_RULE).any():
        raise ArgumentError(
            f"jobset has a rule of the type {NO_RULE!r}, which is how the desk writes that no rule fits"
        )
    if plan is None:
        return
    if not isinstance(plan, pd.DataFrame) or not {"stratum", "n_jobs", "n_to_draw"} <= set(plan.columns):
        raise ArgumentError("plan must be a table that audit_plan gave")
    n_plan = int(plan.loc[plan["stratum"] == "all", "n_jobs"].sum())
    n_jobs = int(_arguments.has_outcome(jobs, _labelled.SCORED).sum())
    if n_plan and n_plan != n_jobs:
        raise ArgumentError(
            f"plan is of {n_plan:,} jobs that came to an end with an answer, and there are {n_jobs:,}: pass as jobs= "
            "the table that audit_plan was given"
        )
