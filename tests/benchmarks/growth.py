"""How time and memory grow with the jobs, from 10,000 to a million: as rows of a table, and as a picture.

Run it by hand: ``python -m tests.benchmarks.growth [--jobs 1000000] [--runs 5] [--picture growth.png]``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

import llama_classify_nb as lcn

from .jobs import write_jobs
from .tables import archived, floor, peak_mib, timed

COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
MARKS = "osD^"
REFERENCES = {"seconds": "read_jobs, of JSON Lines", "mib": "peak of read_jobs"}


class Step(NamedTuple):
    """What was measured with so many jobs."""

    n: int
    seconds: dict[str, float]
    mib: dict[str, float]


def measure_step(n: int, runs: int) -> Step:
    """Measure with ``n`` jobs: medians of the processor's seconds, and the peak of memory above the start."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_jobs(Path(folder) / "jobs.jsonl", n)
        archive = archived(path, Path(folder))
        lcn.load_sample()
        ways = {
            "a bare orjson.loads of each line": lambda: floor(path),
            "read_jobs, of JSON Lines": lambda: lcn.read_jobs(path),
            "read_jobs, of an archive": lambda: lcn.read_jobs(archive),
        }
        seconds = {name: cpu for name, (_, cpu) in timed(ways, runs).items()}
        mib = {
            "JSON Lines on disk": path.stat().st_size / 2**20,
            "peak of read_jobs": peak_mib("ours", path),
        }
        jobset = lcn.read_jobs(path)
        mib["tables"] = sum(int(one.memory_usage(deep=True).sum()) for one in (jobset.jobs, jobset.rules)) / 2**20
        explorer = lcn.explore(jobset)
        seconds["explorer, a filter changed"] = statistics.median(_changed(explorer, runs))
    return Step(n, seconds, mib)


def _changed(explorer: lcn.widgets.Explorer, runs: int) -> list[float]:
    taken = []
    for run in range(2 * runs):
        began = time.process_time()
        explorer.confidence_from.value = 0.5 if run % 2 == 0 else 0.0
        taken.append(time.process_time() - began)
    return taken


def rows(steps: list[Step]) -> list[tuple[str, str]]:
    """Say how much more each thing takes at the last step than at the first, as rows of a table."""
    first, last = steps[0], steps[-1]
    said = [(f"{last.n:,} jobs over {first.n:,}: jobs", f"{last.n / first.n:.0f} times")]
    for unit, before, after in (("s", first.seconds, last.seconds), ("MiB", first.mib, last.mib)):
        for name, value in after.items():
            change = f"{value / before[name]:.1f} times: {before[name]:,.3g} {unit} to {value:,.3g} {unit}"
            said.append((f"{last.n:,} jobs over {first.n:,}: {name}", change))
    return said


def draw(steps: list[Step], path: Path) -> None:
    """Draw seconds and memory over the jobs, on scales where what grows as the jobs do is a straight line."""
    figure = Figure(figsize=(10, 4.2), layout="constrained", facecolor="white")
    for ax, part, unit in zip(
        figure.subplots(1, 2), ("seconds", "mib"), ("seconds of a processor", "MiB"), strict=True
    ):
        n = [step.n for step in steps]
        for colour, mark, name in zip(COLOURS, MARKS, getattr(steps[0], part), strict=False):
            values = [getattr(step, part)[name] for step in steps]
            ax.loglog(n, values, mark + "-", color=colour, label=name)
        reference = [getattr(step, part)[REFERENCES[part]] for step in steps]
        ideal = [reference[0] * one / n[0] for one in n]
        ax.loglog(n, ideal, ":", color="#333333", linewidth=2, label=f"{REFERENCES[part]}, if it grew as the jobs do")
        ax.set_xlabel("jobs of 2 KB (log scale)")
        ax.set_ylabel(f"{unit} (log scale)")
        ax.set_title("Time" if part == "seconds" else "Memory, above the start")
        ax.legend(fontsize=8)
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def measure(most: int, runs: int, picture: Path | None = None) -> list[tuple[str, str]]:
    """Measure with a hundredth of the jobs and with all; for a picture, if there is a place for it, also between."""
    steps = [measure_step(most // part, runs) for part in ((100, 30, 10, 3, 1) if picture else (100, 1))]
    if picture is not None:
        draw(steps, picture)
    return rows(steps)


def main() -> None:
    """Measure, and print a line for each thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    for what, figure in measure(options.jobs, options.runs, options.picture):
        print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
