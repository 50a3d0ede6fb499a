"""Jobs in many parts: seconds and memory of all that a report counts, here, on two cores, and for very many parts.

Run it by hand: ``python -m tests.benchmarks.scale --folder /tmp/parts [--jobs 1000000] [--part 50000]``. Parts are JSON
Lines of about 2 KB a job; four are written, the others are links to them. A hundred million jobs are simulated: the
partial tables of the four come back again and again, as they would from workers, and are merged by the caller.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import llama_classify_nb as lcn
from llama_classify_nb import frames, gathering
from llama_classify_nb.parts import Part
from llama_classify_nb.report.contents import Arguments, Given, questions_to

from .jobs import make_jobs
from .tables import ROOT, highest_mib

DISTINCT = 4
SIMULATED = 100_000_000


def write_parts(folder: Path, n_parts: int, size: int) -> None:
    """Write parts as JSON Lines, each under a name of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(DISTINCT):
        real = folder / f"real-{number}"
        if not real.exists():
            with real.open("wb") as file:
                file.writelines(line + b"\n" for line in make_jobs(size, seed=number))
    for number in range(n_parts):
        link = folder / f"part-{number:05d}.jsonl"
        if not link.is_symlink():
            link.symlink_to(folder / f"real-{number % DISTINCT}")


def gather(scan: lcn.Scan) -> None:
    """Count all that the tables of a report are made of, and the census, in one pass."""
    nothing = frames.read_tables([])
    given = Given(scan.jobs, nothing.rules, frames.problems_table([]), scan=scan)
    asked = [functools.partial(_ask, ask, given) for ask in questions_to(given).values()]
    scan.prepare(*asked)


def _ask(ask: Any, given: Given, _: lcn.Scan) -> Any:
    return ask(given, Arguments())


def _repeated(blobs: list[bytes], work: Any, parts: Any, executor: Any, note: Any) -> Iterator[Any]:
    """Stand in for workers: the partial tables of a few parts come back for all."""
    del work, executor, note
    for number in range(len(parts)):
        yield pickle.loads(blobs[number % DISTINCT])  # noqa: S301 - as from a worker


def simulated(folder: Path, size: int) -> dict[str, float]:
    """Merge what so many parts would give."""
    real = [Part(number, str(folder / f"part-{number:05d}.jsonl")) for number in range(DISTINCT)]
    blobs: list[bytes] = []
    with ProcessPoolExecutor(1) as pool:

        def first(work: Any, parts: Any, executor: Any, note: Any) -> Iterator[Any]:
            del parts, executor, note
            for result in pool.map(work, real):
                blobs.append(pickle.dumps(result))
                yield result

        with mock.patch.object(gathering, "results", first):
            gather(lcn.Scan(real, None))
    many = [Part(number, f"part-{number}") for number in range(SIMULATED // size)]
    before, began = highest_mib(), time.perf_counter()
    with mock.patch.object(gathering, "results", functools.partial(_repeated, blobs)):
        scan = lcn.Scan(many, None)
        gather(scan)
    assert len(scan) == SIMULATED // size * size
    return {
        "seconds": time.perf_counter() - began,
        "mib": highest_mib() - before,
        "partial_kib": sum(map(len, blobs)) / DISTINCT / 1024,
        "parts": len(many),
    }


def real(folder: Path, n_parts: int, workers: int) -> dict[str, float]:
    """Count real parts, here or in processes."""
    every = sorted(folder.glob("part-*.jsonl"))[:n_parts]
    lcn.read_jobs(ROOT / "tests/data/edge_cases.jsonl")  # what is loaded at first use is loaded
    before, began, cpu = highest_mib(), time.perf_counter(), sum(os.times()[:4])
    if workers:
        with ProcessPoolExecutor(workers) as pool:
            gather(lcn.scan(every, pool))
    else:
        gather(lcn.scan(every))
    found = {"seconds": time.perf_counter() - began, "mib": highest_mib() - before}
    return {**found, "cpu": sum(os.times()[:4]) - cpu}


def alone(folder: Path, *arguments: object) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--folder", str(folder), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return dict(json.loads(ran.stdout))


def measure(folder: Path, n_jobs: int, size: int) -> Iterator[tuple[str, str]]:
    """Give the figures, as rows of a table."""
    n_parts = n_jobs // size
    write_parts(folder, 2 * n_parts, size)
    times = {}
    for workers in (0, 2):
        for n in (n_parts, 2 * n_parts):
            found = times[workers, n] = alone(folder, "--one", n, "--workers", workers)
            who = f"{workers} processes" if workers else "one process"
            told = f"{found['seconds']:.1f} s, {found['seconds'] / n / size * 1e6:.2f} µs a job"
            told += f" ({found['cpu'] / n / size * 1e6:.2f} of a processor)"
            yield f"{n * size:,} jobs in {n:,} parts, {who}", f"{told}, caller {found['mib']:.0f} MiB above its start"
    for n in (n_parts, 2 * n_parts):
        yield f"{n * size:,} jobs: speed-up on two", f"{times[0, n]['seconds'] / times[2, n]['seconds']:.2f} times"
    found = alone(folder, "--simulate", size)
    yield (
        f"{SIMULATED:,} jobs simulated in {found['parts']:,.0f} parts, merged by the caller",
        f"{found['seconds']:.1f} s, {found['seconds'] / found['parts'] * 1e3:.1f} ms a part, "
        f"{found['mib']:.0f} MiB above its start; a part's partial tables {found['partial_kib']:.0f} KiB",
    )


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--part", type=int, default=50_000)
    parser.add_argument("--write", action="store_true", help="only write the parts")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--simulate", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_parts(options.folder, 2 * options.jobs // options.part, options.part)
    elif options.one:
        print(json.dumps(real(options.folder, options.one, options.workers)))
    elif options.simulate:
        print(json.dumps(simulated(options.folder, options.simulate)))
    else:
        for what, figure in measure(options.folder, options.jobs, options.part):
            print(f"{what:75s} {figure}", flush=True)


if __name__ == "__main__":
    main()
