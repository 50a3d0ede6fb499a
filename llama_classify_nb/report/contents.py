"""What a report holds: the tables it is given, and the questions it asks of them.

Both who writes a report and who verifies one ask these very questions, the one of a JobSet, the other of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from .. import metrics, schema
from ..exceptions import ArgumentError
from ..export import need_fit
from ..metrics._counted import Parts
from ..metrics.rule_overlap import MOST_SETS
from ..schema import Column
from .columns import declared


class Arguments(NamedTuple):
    """What the questions depend on besides the tables; kept in the manifest."""

    target: float = 0.95
    assurance: float = 0.95
    seed: int = 0
    as_of: pd.Timestamp | None = None


class Given(NamedTuple):
    """The tables that a report is given, and that its files keep; the jobs of a scan are nowhere to be kept."""

    jobs: Any  # a table, or what stands for it in metrics that count
    rules: pd.DataFrame
    problems: pd.DataFrame
    labels: pd.DataFrame | None = None
    plan: pd.DataFrame | None = None
    scan: Any = None  # that the jobs are of

    @property
    def read(self) -> pd.DataFrame:
        """The labels, where there are some."""
        if self.labels is None:
            raise ArgumentError("labels are needed for this, and none were given")
        return self.labels


class Table(NamedTuple):
    """A table of the report, and what its columns mean."""

    table: pd.DataFrame
    columns: tuple[Column, ...]


#: Tables of metrics, by the name of the metric.
Tables = dict[str, pd.DataFrame]

#: Where no job states a time, none is unfinished for longer than others.
_NEVER = pd.Timestamp(0, tz="UTC").as_unit("us")

#: A question: the tables and arguments in, a table out; None where it can't be asked of these.
Question = Callable[[Given, Arguments], pd.DataFrame]


def _of_jobs(name: str, **arguments: Any) -> Question:
    return lambda given, _: getattr(metrics, name)(given.jobs, **arguments)


def _of_labels(name: str, *, has_rules: bool = True) -> Question:
    def ask(given: Given, _: Arguments) -> pd.DataFrame:
        more = {"rules": given.rules} if has_rules else {}
        table: pd.DataFrame = getattr(metrics, name)(given.jobs, given.labels, **more)
        return table

    return ask


def _of_rules(name: str) -> Question:
    return lambda given, _: getattr(metrics, name)(given.jobs, given.rules)


def _overlap(given: Given, _: Arguments) -> pd.DataFrame:
    """Compare the rules of as many rule sets as can be compared: those that most jobs ran with."""
    sets = given.rules.drop_duplicates("rule_set").sort_values("n_jobs", ascending=False, kind="stable")
    some = given.rules["rule_set"].isin(sets["rule_set"].head(MOST_SETS))
    return metrics.rule_overlap(given.jobs, given.rules[some], labels=given.labels)


#: Asked of every report, in the order of its files.
OF_JOBS: dict[str, Question] = {
    "status_breakdown": _of_jobs("status_breakdown"),
    "type_breakdown": _of_jobs("type_breakdown"),
    "confidence_distribution": _of_jobs("confidence_distribution"),
    "confidence_by_type": _of_jobs("confidence_by_type"),
    "confidence_health": lambda given, _: metrics.confidence_health(given.jobs, given.labels, rules=given.rules),
    "failure_templates": _of_jobs("failure_templates"),
    "failure_causes": _of_jobs("failure_causes"),
    "failure_rates": _of_jobs("failure_rates", by="configuration_id"),
    "stuck_jobs": lambda given, arguments: metrics.stuck_jobs(given.jobs, as_of=arguments.as_of or _NEVER),
    "rule_sets": _of_rules("rule_sets"),
    "rule_usage": _of_rules("rule_usage"),
    "rule_overlap": _overlap,
    "rule_lint": lambda given, _: metrics.rule_lint(given.rules),
    "rule_position_effect": _of_rules("rule_position_effect"),
    "reasoning_contradictions": _of_rules("reasoning_contradictions"),
    "rerun_stability": lambda given, _: metrics.rerun_stability(given.jobs, given.labels, rules=given.rules),
    "type_mix": _of_jobs("type_mix"),
    "type_drift": lambda given, arguments: metrics.type_drift(given.jobs, seed=arguments.seed),
    "confidence_mix": _of_jobs("confidence_mix"),
    "confidence_drift": lambda given, arguments: metrics.confidence_drift(given.jobs, seed=arguments.seed),
    "pages_in_scope": _of_jobs("pages_in_scope"),
    "costs": _of_jobs("costs", by="type"),
    "jobs_over_time": _of_jobs("jobs_over_time", by="outcome"),
    "durations": _of_jobs("durations"),
}

#: Asked where there are labels.
OF_LABELS: dict[str, Question] = {
    "accuracy": _of_labels("accuracy"),
    "accuracy_estimate": lambda given, arguments: metrics.accuracy_estimate(
        given.jobs, given.read, plan=given.plan, rules=given.rules, assurance=arguments.assurance
    ),
    "scores_by_type": _of_labels("scores_by_type"),
    "confusion_matrix": _of_labels("confusion_matrix"),
    "calibration_curve": _of_labels("calibration_curve"),
    "calibration_scores": _of_labels("calibration_scores"),
    "risk_coverage_curve": _of_labels("risk_coverage_curve"),
    "precision_threshold": lambda given, arguments: metrics.precision_threshold(
        given.jobs, given.read, target=arguments.target, assurance=arguments.assurance, rules=given.rules
    ),
    "corrected_type_shares": _of_labels("corrected_type_shares"),
    "label_suspects": _of_labels("label_suspects"),
}


#: Not asked of a scan: they compare jobs with each other, or read their texts, which no count over parts tells.
NOT_COUNTED = ("rule_overlap", "rule_position_effect", "reasoning_contradictions", "rerun_stability")


def given_tables(given: Given) -> dict[str, Table]:
    """Give the tables that the report is made of, by the name of their file."""
    tables = {} if given.scan is not None else {"jobs": Table(given.jobs, schema.JOBS)}
    tables |= {"rules": Table(given.rules, schema.RULES), "problems": Table(given.problems, schema.PROBLEMS)}
    if given.labels is not None:
        tables["labels"] = Table(given.labels, _columns_of_labels(given.labels))
    if given.plan is not None:
        tables["plan"] = Table(given.plan, declared(metrics.audit_plan, given.plan))
    return tables


def answers(given: Given, arguments: Arguments) -> Iterator[tuple[str, Table]]:
    """Ask every question that these tables can answer: name and table, one at a time."""
    for name, ask in questions_to(given).items():
        table = ask(given, arguments).reset_index(drop=True)
        yield name, Table(table, declared(getattr(metrics, name), table))


def questions_to(given: Given) -> dict[str, Question]:
    """Give the questions that these tables can answer, by the name of their metric."""
    if given.scan is not None:
        return {name: ask for name, ask in OF_JOBS.items() if name not in NOT_COUNTED}
    return OF_JOBS if given.labels is None else {**OF_JOBS, **OF_LABELS}


def taken(jobset: Any, labels: Any, plan: Any) -> Given:
    """Take the tables of a JobSet or a scan, labels and a plan, each checked."""
    if isinstance(getattr(jobset, "jobs", None), Parts):
        if labels is not None or plan is not None:
            raise ArgumentError(
                "labels are held against the jobs themselves, which a scan doesn't hold: give the JobSet that "
                "sample(n) or select(...) of the scan gives"
            )
        return Given(jobset.jobs, jobset.rules, jobset.problems, scan=jobset)
    for name in ("jobs", "rules", "problems"):
        if not isinstance(getattr(jobset, name, None), pd.DataFrame):
            raise ArgumentError(f"jobset must be a JobSet, with the table {name}; a {type(jobset).__name__} came")
    if labels is not None and not isinstance(labels, pd.DataFrame):
        raise ArgumentError(f"labels must be a DataFrame, as read_labels gives one; a {type(labels).__name__} came")
    if plan is not None and (not isinstance(plan, pd.DataFrame) or "stratum" not in plan.columns):
        raise ArgumentError(f"plan must be a table that audit_plan gave; a {type(plan).__name__} came")
    if plan is not None and labels is None:
        raise ArgumentError("plan is given without labels: give the labels that were drawn by it, too")
    for name, table in (("labels", labels), ("plan", plan)):
        if table is not None:
            try:
                need_fit(table)
            except ArgumentError as error:
                raise ArgumentError(f"{name} can't be kept in the report: {error}") from None
    return Given(jobset.jobs, jobset.rules, jobset.problems, labels, plan)


_OF_LABELS = (
    Column("job_id", "str", "id of the job that was read"),
    Column("file_input", "str", "id or URL of the document that was read"),
    Column("label", "str", "what a person says the type is"),
    Column("reviewer", "str", "who says so"),
    Column("seen_prediction", "boolean", "whether the reviewer had seen the answer"),
    Column("blind", "bool", "whether the answer was to be hidden"),
    Column("inclusion_probability", "float64", "chance of the job to be drawn", "0 to 1"),
    Column("stage", "str", "draw that it came from: pilot or main"),
    Column("stratum", "str", "stratum of the plan that it was drawn from"),
)


def _columns_of_labels(labels: pd.DataFrame) -> tuple[Column, ...]:
    known = {column.name: column for column in _OF_LABELS}
    return tuple(known.get(name, Column(name, "", "column of the labels, as it was given")) for name in labels.columns)
