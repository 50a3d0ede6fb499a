"""The short form of the benchmarks, as one table: ``python -m tests.benchmarks [--jobs 100000] [--runs 5]``."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import tempfile
from pathlib import Path

import llama_classify_nb as lcn

from . import desk, explorer, growth, imports, metrics, tables
from .jobs import write_jobs


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    rows = imports.measure(options.runs)
    for n in (options.jobs // 10, options.jobs):
        rows += tables.measure(n, options.runs, has_peers=n == options.jobs)
    rows += tables.measure(options.jobs, options.runs, is_each_alone=True)
    with tempfile.TemporaryDirectory() as folder:
        jobset = lcn.read_jobs(write_jobs(Path(folder) / "jobs.jsonl", options.jobs))
        rows += metrics.measure(jobset.jobs, jobset.rules, options.runs)
        rows += explorer.measure(jobset, options.runs, min(explorer.CHANGES, options.jobs // 100))
        rows += desk.measure(jobset, options.runs)
    rows += growth.measure(options.jobs, options.runs)
    day = dt.datetime.now(dt.UTC).date()
    print(
        f"{day}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {options.runs} runs\n"
    )
    print("| what | median |\n| --- | --- |")
    for what, figure in rows:
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
