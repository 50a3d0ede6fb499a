"""The review desk among many jobs: what it takes to open each queue, and what a key takes until the next job shows.

Run it by hand: ``python -m tests.benchmarks.desk [--jobs 1000000] [--runs 5] [--shape many]``. Keys are pressed as if
they were typed; what is timed is all that the kernel does, the label on disk and the accuracy of all jobs included.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import llama_classify_nb as lcn

from . import given

QUEUES = (None, "lowest confidence first", "flips first", "suspects first")
#: Two labels, no rule fits, can't tell, skip, undo, back, forward.
KEYS = ("1", "2", "n", "?", "s", "u", "b", "+") * 2


def measure(jobset: lcn.JobSet, runs: int) -> list[tuple[str, str]]:
    """Give the median seconds that each queue takes to open, and the milliseconds of keys, as rows of a table."""
    opened: dict[str | None, list[float]] = {queue: [] for queue in QUEUES}
    taken: dict[str | None, list[float]] = {queue: [] for queue in QUEUES}
    open_desk = lcn.review  # what is loaded at first use is loaded
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            for queue in QUEUES:  # the last looks at the labels that the others gave
                began = time.perf_counter()
                desk = open_desk(jobset, queue, Path(folder) / "labels.csv", reviewer="kim")
                opened[queue].append(time.perf_counter() - began)
                for key in KEYS:
                    began = time.perf_counter()
                    desk.press(key)
                    taken[queue].append((time.perf_counter() - began) * 1_000)
    rows = []
    for queue in QUEUES:
        kind = f"{len(jobset):,} jobs: desk, {queue or 'a drawn queue'}"
        ms = taken[queue]
        rows.append((f"{kind}, opened", f"{statistics.median(opened[queue]):.2f} s"))
        rows.append((f"{kind}, a key", f"{statistics.median(ms):.0f} ms, at most {max(ms):.0f} ms"))
    return rows


def main() -> None:
    """Measure, and print a line for each figure."""
    parsed = given.parser(__doc__).parse_args()
    with given.asked_for(parsed) as jobset:
        for what, figure in measure(jobset, parsed.runs):
            print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
