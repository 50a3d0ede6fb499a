"""Every metric on many jobs: milliseconds each.

Run it by hand: ``python -m tests.benchmarks.metrics [--jobs 1000000] [--runs 5] [--shape many] [--only flips]``.
Flips and reruns are asked of jobs that share their files: each is answered by every configuration, most of them twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import llama_classify_nb as lcn

from . import given
from .tables import timed

LABELS = (400, 100_000, 1_000_000)  # at most one for each answer
ANSWERS_OF_A_FILE = 2  # by each configuration
OF_JOBS: dict[str, dict[str, Any]] = {
    "audit_plan": {"margin": 0.03},
    "confidence_by_type": {},
    "confidence_distribution": {"by": "type"},
    "confidence_drift": {},
    "confidence_health": {},
    "confidence_mix": {},
    "cost_curve": {"by": "configuration_id"},
    "costs": {"by": "configuration_id", "threshold": 0.5},
    "durations": {"by": "type"},
    "failure_assignments": {},
    "failure_causes": {},
    "failure_rates": {"by": "page_scope"},
    "failure_templates": {},
    "jobs_over_time": {"by": "outcome"},
    "pages_in_scope": {},
    "reasoning_terms": {},
    "rerun_stability": {},
    "search": {"query": 'memo OR "sales report" -letter'},
    "select_jobs": {"outcomes": "matched", "confidence": (0.5, 0.9), "created": ("2024-03-01", "2024-06-01")},
    "status_breakdown": {},
    "stuck_jobs": {"as_of": "2025-01-01"},
    "type_breakdown": {"by": "configuration_id"},
    "type_drift": {},
    "type_mix": {},
}
OF_RULES = ("reasoning_contradictions", "rule_overlap", "rule_position_effect", "rule_sets", "rule_usage")
OF_LABELS: dict[str, dict[str, Any]] = {
    "accuracy": {},
    "accuracy_estimate": {},
    "anchoring": {},
    "calibration_curve": {},
    "calibration_scores": {},
    "confidence_health": {},
    "confusion_matrix": {},
    "corrected_type_shares": {},
    "label_suspects": {},
    "precision_threshold": {"target": 0.9},
    "risk_coverage_curve": {},
    "scores_by_type": {},
}
OF_FILES = ("flip_flow", "flip_summary", "flips", "rerun_stability", "rule_overlap", "rule_position_effect")


def make_labels(jobs: pd.DataFrame, n: int) -> pd.DataFrame:
    """Label ``n`` answered jobs, drawn at random, by two people: a fifth with the type of another job."""
    answered = jobs[jobs["outcome"].isin(["matched", "no_match"])].sample(n, random_state=1)
    labels = answered["type"].astype(object).where(answered["type"].notna(), None)
    others = labels.sample(frac=1, random_state=2).to_numpy()
    chance = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "job_id": answered["job_id"].to_numpy(),
            "label": np.where(chance.random(n) < 0.2, others, labels),
            "reviewer": chance.choice(["ann", "ben"], n),
            "seen_prediction": chance.random(n) < 0.8,
        }
    )


def sharing_files(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give the jobs a file that other jobs have, too: of each configuration, as many as it takes."""
    number = jobs.groupby("configuration_id", observed=True).cumcount()
    files = number % max(len(jobs) // (ANSWERS_OF_A_FILE * jobs["configuration_id"].nunique()), 1)
    return jobs.assign(file_input=("file-" + files.astype(str)).astype(jobs["file_input"].dtype))


def by_file(jobs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Give labels that name the file instead of the job."""
    files = jobs.set_index("job_id")["file_input"]
    return labels.assign(file_input=files[labels["job_id"]].to_numpy()).drop(columns="job_id")


def calls(jobs: pd.DataFrame, rules: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """Give a call of each metric, by what is shown of it."""
    metrics = lcn.metrics
    shared, plan = sharing_files(jobs), metrics.audit_plan(jobs, margin=0.03)
    sets = rules["rule_set"].unique()
    ways: dict[str, Callable[[], Any]] = {
        name: partial(getattr(metrics, name), jobs, **options) for name, options in OF_JOBS.items()
    }
    ways |= {name: partial(getattr(metrics, name), jobs, rules) for name in OF_RULES}
    ways |= {f"{name}, of files": partial(_of_files, name, shared, rules) for name in OF_FILES}
    ways |= {
        "draw_sample": partial(metrics.draw_sample, jobs, plan, seed=1),
        "rule_diff": partial(metrics.rule_diff, rules, sets[0], sets[-1]),
        "rule_lint": partial(metrics.rule_lint, rules),
        "select_jobs, by a text": partial(metrics.select_jobs, jobs, text="sales report"),
        "clopper_pearson, of 10,000": partial(metrics.clopper_pearson, np.arange(10_000), 10_000),
        "wilson, of 10,000": partial(metrics.wilson, np.arange(10_000), 10_000),
    }
    n_answered = int(jobs["outcome"].isin(["matched", "no_match"]).sum())
    for n in sorted({min(n, n_answered) for n in LABELS}):
        labels = make_labels(jobs, n)
        ways[f"reviewer_agreement, {n:,} labels"] = partial(metrics.reviewer_agreement, labels)
        for name, options in OF_LABELS.items():
            metric = getattr(metrics, name)
            ways[f"{name}, {n:,} labels"] = partial(metric, jobs, labels, rules=rules, **options)
            if name != "anchoring":
                ways[f"{name}, {n:,} labels of files"] = partial(
                    metric, jobs, by_file(jobs, labels), rules=rules, **options
                )
        ways |= {
            f"{name}, of files, {n:,} labels": partial(_of_files, name, shared, rules, labels)
            for name in OF_FILES
            if name != "rule_position_effect"
        }
    missing = set(metrics.__all__) - {name.partition(",")[0] for name in ways}
    if missing:
        raise LookupError(f"no call of {', '.join(sorted(missing))}")
    return ways


def _of_files(name: str, jobs: pd.DataFrame, rules: pd.DataFrame, labels: Any = None) -> Any:
    metric = getattr(lcn.metrics, name)
    if name == "rule_position_effect":
        return metric(jobs, rules)
    if name == "rule_overlap":
        return metric(jobs, rules, labels=labels)
    return metric(jobs, labels=labels, rules=rules, **(_sides(jobs) if name.startswith("flip") else {}))


def _sides(jobs: pd.DataFrame) -> dict[str, Any]:
    """Give two sides to compare: the configurations used most, or of one, the first half of the time and the second."""
    used = jobs["configuration_id"].value_counts().index
    if len(used) > 1:
        return {"a": used[0], "b": used[1]}
    middle = jobs["created_at"].median()
    return {"by": "created_at", "a": (None, middle), "b": (middle, None)}


def measure(jobs: pd.DataFrame, rules: pd.DataFrame, runs: int, only: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Give the median milliseconds of each metric, as rows of a table."""
    ways = {name: way for name, way in calls(jobs, rules).items() if not only or name.startswith(only)}
    kind = f"{len(jobs):,} jobs: "
    return [
        (f"{kind}metrics.{name}", f"{wall * 1_000:.0f} ms, CPU {cpu * 1_000:.0f} ms")
        for name, (wall, cpu) in timed(ways, runs).items()
    ]


def main() -> None:
    """Measure, and print a line for each metric."""
    parser = given.parser(__doc__)
    parser.add_argument("--only", nargs="*", default=(), help="beginnings of the names to measure")
    parsed = parser.parse_args()
    with given.asked_for(parsed) as jobset:
        for what, figure in measure(jobset.jobs, jobset.rules, parsed.runs, tuple(parsed.only)):
            print(f"{what:80s} {figure}")


if __name__ == "__main__":
    main()
