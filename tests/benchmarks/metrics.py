"""Every metric on many jobs: milliseconds each.

Run it by hand: ``python -m tests.benchmarks.metrics [--jobs 1000000] [--runs 5]``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import llama_classify_nb as lcn

from .jobs import write_jobs
from .tables import timed

LABELS = (400, 100_000)
CALLS: dict[str, dict[str, Any]] = {
    "confidence_distribution": {"by": "type"},
    "confidence_by_type": {},
    "type_breakdown": {"by": "configuration_id"},
    "status_breakdown": {},
    "failure_templates": {},
    "failure_rates": {"by": "page_scope"},
    "jobs_over_time": {"by": "outcome"},
    "durations": {"by": "type"},
    "rerun_stability": {},
    "type_drift": {},
    "confidence_drift": {},
    "select_jobs": {"outcomes": "matched", "confidence": (0.5, 0.9), "created": ("2024-03-01", "2024-06-01")},
    "confidence_health": {},
    "audit_plan": {"margin": 0.03},
}
OF_LABELS: dict[str, dict[str, Any]] = {
    "accuracy": {},
    "scores_by_type": {},
    "confusion_matrix": {},
    "calibration_curve": {},
    "calibration_scores": {},
    "risk_coverage_curve": {},
    "confidence_health": {},
    "accuracy_estimate": {},
    "precision_threshold": {"target": 0.9},
    "corrected_type_shares": {},
    "label_suspects": {},
}


def make_labels(jobs: pd.DataFrame, n: int) -> pd.DataFrame:
    """Label ``n`` answered jobs, drawn at random: a fifth with the type of another job."""
    answered = jobs[jobs["outcome"].isin(["matched", "no_match"])].sample(n, random_state=1)
    labels = answered["type"].astype(object).where(answered["type"].notna(), None)
    others = labels.sample(frac=1, random_state=2).to_numpy()
    label = np.where(np.random.default_rng(3).random(n) < 0.2, others, labels)
    return pd.DataFrame({"job_id": answered["job_id"].to_numpy(), "label": label})


def measure(jobs: pd.DataFrame, rules: pd.DataFrame, runs: int) -> list[tuple[str, str]]:
    """Give the median milliseconds of each metric, as rows of a table."""

    def way(name: str, *frames: pd.DataFrame, **options: Any) -> Callable[[], Any]:
        return lambda: getattr(lcn.metrics, name)(jobs, *frames, **options)

    plan = lcn.metrics.audit_plan(jobs, margin=0.03)
    ways = {name: way(name, **options) for name, options in CALLS.items()}
    ways["draw_sample"] = way("draw_sample", plan, seed=1)
    for n in LABELS:
        if n <= len(jobs) // 2:
            labels = make_labels(jobs, n)
            for name, options in OF_LABELS.items():
                ways[f"{name}, {n:,} labels"] = way(name, labels, rules=rules, **options)
    kind = f"{len(jobs):,} jobs: "
    return [(f"{kind}metrics.{name}", f"{wall * 1_000:.0f} ms") for name, (wall, _) in timed(ways, runs).items()]


def main() -> None:
    """Measure, and print a line for each metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--path", type=Path, help="a file of jobs, instead of one that is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobset = lcn.read_jobs(options.path or write_jobs(Path(folder) / "jobs.jsonl", options.jobs))
    for what, figure in measure(jobset.jobs, jobset.rules, options.runs):
        print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
