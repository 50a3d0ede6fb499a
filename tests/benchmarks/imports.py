"""What an import costs: this package's over that of pandas, each in fresh processes, in turn.

Run it by hand: ``python -m tests.benchmarks.imports [--runs 15]``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

SCRIPTS = {
    "import pandas": "import pandas",
    "import llama_classify_nb": "import llama_classify_nb",
    "both": "import pandas, llama_classify_nb",
}
TIMED = "import time; began = time.process_time(); {}; print(time.process_time() - began)"


def measure(runs: int) -> list[tuple[str, str]]:
    """Give the median CPU milliseconds of each, as rows of a table."""
    taken: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    for _ in range(runs):
        for name, script in SCRIPTS.items():
            command = [sys.executable, "-c", TIMED.format(script)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            taken[name].append(float(ran.stdout))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    pandas = medians["import pandas"]
    return [(name, f"{one * 1_000:.0f} ms, {one / pandas:.2f} of pandas") for name, one in medians.items()]


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    for what, figure in measure(parser.parse_args().runs):
        print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
