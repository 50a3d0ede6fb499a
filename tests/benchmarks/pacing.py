"""How much of what a limiter permits is used, and how much of it is refused: real time, real HTTP, single requests.

Run it by hand: ``python -m tests.benchmarks.pacing [--cases second minute other] [--runs 1]``. Every case is a process
of its own, and they run side by side: forty requests a second leave two cores idle. The cases of a second take about
three minutes, those of a minute more than five.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import llama_classify_nb as lcn
from llama_classify_nb.demo import faults, sample_jobs

LATENCY_S = 0.05


class Case(NamedTuple):
    """A limiter to fetch through."""

    group: str
    make: Callable[[], faults.Limiter]
    is_told: bool | float | str
    n_jobs: int
    least_s: float  # which the limiter itself makes the fetch take


CASES = {
    f"{name}, {'Retry-After' if told else 'no header'}": Case(group, make, told, n_jobs, least_s)
    for group, name, make, n_jobs, least_s in [
        ("second", "bucket of 40, 40 a second", lambda: faults.TokenBucket(40, 40), 6_000, 5_960 / 40),
        ("second", "window of 40 a second", lambda: faults.FixedWindow(40, 1), 6_000, 149.0),
        ("second", "sliding window of 40 a second", lambda: faults.SlidingWindow(40, 1), 6_000, 149.0),
        ("minute", "bucket of 20, 20 a minute", lambda: faults.TokenBucket(1 / 3, 20), 120, 300.0),
        ("minute", "window of 20 a minute", lambda: faults.FixedWindow(20, 60), 120, 300.0),
        ("minute", "sliding window of 20 a minute", lambda: faults.SlidingWindow(20, 60), 120, 300.0),
        ("other", "bucket of 1, 40 a second", lambda: faults.TokenBucket(40, 1), 6_000, 5_999 / 40),
        ("other", "window of 400 in 10 s", lambda: faults.FixedWindow(400, 10), 6_000, 140.0),
        ("other", "two at a time", lambda: faults.Concurrency(2), 3_000, 3_000 / 2 * LATENCY_S),
    ]
    for told in (True, False)
}


def measure(name: str) -> dict[str, Any]:
    """Fetch through one limiter, and tell what its server saw."""
    case = CASES[name]
    job = json.loads(next(line for line in sample_jobs() if b'"COMPLETED"' in line))
    bodies = [json.dumps({**job, "id": f"job-{i:06d}"}).encode() for i in range(case.n_jobs)]
    plan = [
        faults.status(405, call="list"),
        faults.limiter(case.make(), retry_after=case.is_told),
        faults.latency(LATENCY_S),
    ]
    with lcn.demo_server(bodies, faults=plan) as server:
        client = lcn.Client(server.api_key, base_url=server.base_url)
        began = time.monotonic()
        jobset = lcn.fetch_jobs(server.job_ids, client=client, progress=False)
        seconds = time.monotonic() - began
        requests = [request for request in server.requests if request.path.count("/") > 3]
    refused = [request.time for request in requests if request.status == 429]
    heard = refused[0] + LATENCY_S if refused else 0.0
    recovered = min((one.time for one in requests if one.status == 200 and one.time > heard), default=0.0)
    return {
        "lost": case.n_jobs - len(jobset.jobs),
        "seconds": seconds,
        "used": case.least_s / seconds,
        "requests": len(requests),
        "refused": len(refused),
        "at first contact": sum(at < recovered for at in refused),
    }


def measured(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Measure cases side by side, each in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.pacing", "--one", name],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for name in names
    }
    return {name: json.loads(process.communicate()[0]) for name, process in running.items()}


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=["second", "minute"])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    names = [name for name, case in CASES.items() if case.group in options.cases]
    print("| limiter | lost | seconds | of the least | refused | share | at first contact |\n" + "| --- " * 7 + "|")
    for _ in range(options.runs):
        for name, found in measured(names).items():
            print(
                f"| {name} | {found['lost']} | {found['seconds']:.1f} | {found['used']:.3f} | {found['refused']} of "
                f"{found['requests']:,} | {found['refused'] / found['requests']:.1%} | {found['at first contact']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
