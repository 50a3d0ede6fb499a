"""The explorer among many jobs: what a change of each filter costs until it is on the screen, and what memory it takes.

Run it by hand: ``python -m tests.benchmarks.explorer [--jobs 1000000] [--runs 5] [--shape many]``. The
controls are set as a browser would set them; what is timed is all that the kernel does, tables and pictures drawn.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import llama_classify_nb as lcn

from . import given

CHANGES = 200  # after which memory is looked at
TYPED = "scientific"


def changes(explorer: Any) -> dict[str, list[tuple[str, Any]]]:
    """Give, by what is changed, the values that a control takes in turn."""
    outcomes = [value for _, value in explorer.outcome.options]
    texts = [value for _, value in explorer.type.options]
    sets = [value for _, value in explorer.rule_set.options]
    presets = [value for _, value in explorer.configuration.options]
    return {
        "outcome": [("outcome", one) for one in ("matched", "failed", outcomes[0]) if one in outcomes],
        "type": [("type", texts[3]), ("type", texts[-1]), ("type", texts[0])],
        "rule set": [("rule_set", sets[-1]), ("rule_set", sets[0])],
        "configuration": [("configuration", presets[-1]), ("configuration", presets[0])],
        "confidence": [
            ("confidence_from", 0.5),
            ("confidence_to", 0.9),
            ("confidence_from", 0.0),
            ("confidence_to", 1),
        ],
        "dates": [("created_from", dt.date(2024, 3, 1)), ("created_from", None), ("created_to", dt.date(2024, 6, 1))],
        "order": [("sort", value) for _, value in explorer.sort.options[1:]] + [("sort", "")],
        "page": [("page_number", 2), ("page_number", 1)],
        "job": [("job", place) for place in (1, 2, 0)],
    }


def set_control(explorer: Any, control: str, value: Any) -> bool:
    """Set a control as a browser would, a job by its place on the page; tell whether that changed it."""
    widget = getattr(explorer, control)
    value = widget.options[value][1] if control == "job" else value
    if widget.value == value:
        return False
    widget.value = value
    return True


def measure(jobset: lcn.JobSet, runs: int, n_changes: int = CHANGES) -> list[tuple[str, str]]:
    """Give the median milliseconds of each change, and the growth of memory, as rows of a table."""
    kind = f"{len(jobset):,} jobs: "
    began = time.perf_counter()
    explorer: Any = lcn.explore(jobset)
    rows = [(f"{kind}explorer, made", f"{time.perf_counter() - began:.2f} s")]
    explorer.sort.value = "lowest confidence first"
    for name, steps in changes(explorer).items():
        taken = []
        for _ in range(runs):
            for control, value in steps:
                began = time.perf_counter()
                if set_control(explorer, control, value):
                    taken.append((time.perf_counter() - began) * 1_000)
        worst = f"at most {max(taken):.0f} ms"
        rows.append((f"{kind}explorer, {name} changed", f"{statistics.median(taken):.0f} ms, {worst}"))
        explorer.reset.click()
    rows += _typed(kind, explorer)
    rows.append((f"{kind}explorer, memory after {n_changes} changes", f"{_growth_mib(explorer, n_changes):+.1f} MiB"))
    return rows


def _typed(kind: str, explorer: Any) -> list[tuple[str, str]]:
    """Type a word letter by letter, in a loop such as a kernel has."""

    async def type_it() -> tuple[list[float], float, int]:
        letters, drawn = [], []
        explorer._pictures.observe(lambda _: drawn.append(0), "value")
        for end in range(1, len(TYPED) + 1):
            began = time.perf_counter()
            explorer.text.value = TYPED[:end]
            letters.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(0.05)
        began = time.perf_counter()
        while explorer._latest.is_busy:
            await asyncio.sleep(0.01)
        return letters, time.perf_counter() - began, len(drawn)

    letters, seconds, n_drawn = asyncio.run(type_it())
    explorer.reset.click()
    return [
        (
            f"{kind}explorer, each letter of a word",
            f"{statistics.median(letters):.1f} ms, at most {max(letters):.1f} ms",
        ),
        (f"{kind}explorer, the word found after the last", f"{seconds:.2f} s, drawn {n_drawn} times in all"),
    ]


def _growth_mib(explorer: Any, n_changes: int) -> float:
    steps = itertools.cycle(itertools.chain.from_iterable(changes(explorer).values()))
    for control, value in itertools.islice(steps, n_changes // 4):
        set_control(explorer, control, value)
    before = _resident_mib()
    for control, value in itertools.islice(steps, n_changes):
        set_control(explorer, control, value)
    return _resident_mib() - before


def _resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def main() -> None:
    """Measure, and print a line for each change."""
    parsed = given.parser(__doc__).parse_args()
    with given.asked_for(parsed) as jobset:
        for what, figure in measure(jobset, parsed.runs):
            print(f"{what:70s} {figure}")


if __name__ == "__main__":
    main()
