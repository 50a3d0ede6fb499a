"""Every metric on many jobs: milliseconds each.

Run it by hand: ``python -m tests.benchmarks.metrics [--jobs 1000000] [--runs 5]``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

import llama_classify_nb as lcn

from .jobs import write_jobs
from .tables import timed

CALLS: dict[str, dict[str, Any]] = {
    "confidence_distribution": {"by": "type"},
    "confidence_by_type": {},
    "type_breakdown": {"by": "configuration_id"},
    "status_breakdown": {},
    "failure_templates": {},
    "failure_rates": {"by": "page_scope"},
    "jobs_over_time": {"by": "outcome"},
    "durations": {"by": "type"},
}


def measure(jobs: pd.DataFrame, runs: int) -> list[tuple[str, str]]:
    """Give the median milliseconds of each metric, as rows of a table."""
    ways = {
        name: lambda name=name, options=options: getattr(lcn.metrics, name)(jobs, **options)  # type: ignore[misc]
        for name, options in CALLS.items()
    }
    kind = f"{len(jobs):,} jobs: "
    return [(f"{kind}metrics.{name}", f"{wall * 1_000:.0f} ms") for name, (wall, _) in timed(ways, runs).items()]


def main() -> None:
    """Measure, and print a line for each metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobs = lcn.read_jobs(write_jobs(Path(folder) / "jobs.jsonl", options.jobs)).jobs
    for what, figure in measure(jobs, options.runs):
        print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
