"""From bytes to tables: this package beside other readers of JSON Lines, on the same file, in turn, in one process.

Run it by hand: ``python -m tests.benchmarks.tables [--jobs 100000] [--runs 5] [--each-alone] [--no-peers]``. The floor
is ``orjson.loads`` of each line, whose result is dropped. Peaks of memory come from processes of their own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow.json

import llama_classify_nb as lcn
from llama_classify_nb import frames, reading
from llama_classify_nb.answers import is_final, read_job
from llama_classify_nb.records import Answer
from llama_classify_nb.timestamps import microseconds

from .jobs import write_jobs

ROOT = Path(__file__).parents[2]


def floor(path: Path) -> None:
    """Parse each line, and drop what it gives."""
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)


def ours(path: Path) -> Any:
    """Read the jobs and the rules, every column of the schema."""
    return lcn.read_jobs(path)


def arrow(path: Path) -> Any:
    """Read with ``pyarrow.json``, and flatten what is nested."""
    options = pyarrow.json.ReadOptions(block_size=1 << 24)
    table = pyarrow.json.read_json(path, read_options=options)
    while any(str(field.type).startswith("struct") for field in table.schema):
        table = table.flatten()
    return table


def normalized(path: Path) -> Any:
    """Read with ``json.loads`` and ``pandas.json_normalize``: jobs, and the rules in long form."""
    with path.open("rb") as file:
        jobs = [json.loads(line) for line in file]
    return pd.json_normalize(jobs), pd.json_normalize(jobs, ["configuration", "rules"], ["id"])


PEERS: dict[str, Callable[[Path], Any]] = {"pyarrow.json": arrow, "json_normalize": normalized}


def archived(path: Path, folder: Path) -> Path:
    """Put the jobs of a file into an archive."""
    target = folder / "jobs.db"
    with lcn.Archive(target) as archive:
        for block in reading.read_blocks(path, []):
            archive.put(_answers(block))
    return target


def _answers(block: bytes) -> Iterator[Answer]:
    for line in block.splitlines():
        job = read_job(line)
        yield Answer.cut(job.id, line, bytes(job.configuration), microseconds(job.updated_at), is_final(job))


def timed(ways: dict[str, Callable[[], Any]], runs: int) -> dict[str, tuple[float, float]]:
    """Run all ways in turn, and give the median seconds of each, on the wall and of the processor."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            result = way()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            del result
    return {name: tuple(map(statistics.median, zip(*times, strict=True))) for name, times in taken.items()}  # type: ignore[misc]


def peak_mib(way: str, path: Path) -> float:
    """Give how far the peak of memory rises above the start, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.tables", "--peak-of", way, "--path", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return float(ran.stdout)


def highest_mib() -> float:
    """Give the highest memory of this process so far."""
    # getrusage would give the peak of the process that this one was forked from.
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def measure(n: int, runs: int, *, is_each_alone: bool = False, has_peers: bool = True) -> list[tuple[str, str]]:
    """Give what was measured as rows of a table: what, and how much.

    Peers leave memory behind that is full of holes, where whatever comes next is slower. So this package is measured
    both by itself and in turn with them.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = write_jobs(Path(folder) / "jobs.jsonl", n, is_each_configured_alone=is_each_alone)
        megabytes = path.stat().st_size / 2**20
        ways: dict[str, Callable[[], Any]] = {"floor": lambda: floor(path), "ours": lambda: ours(path)}
        if not is_each_alone:
            archive = archived(path, Path(folder))
            ways["ours, from the archive"] = lambda: lcn.read_jobs(archive)
        lcn.read_jobs(path if n <= 10_000 else write_jobs(Path(folder) / "few.jsonl", 1_000))
        kind = ", each configured alone" if is_each_alone else ""
        rows = _times(f"{n:,} jobs{kind} to tables", ways, runs)
        if has_peers:
            ways |= {name: lambda way=way: way(path) for name, way in PEERS.items()}  # type: ignore[misc]
            rows += _times(f"{n:,} jobs{kind} to tables, in turn with peers", ways, runs)
        rows += _sizes(path, f"{kind}, {n:,}", has_peers=has_peers)
        peak = peak_mib("ours", path)
        rows.append((f"{n:,} jobs{kind}: peak above the start", f"{peak / megabytes:.2f} of {megabytes:,.0f} MiB raw"))
    return rows


def _times(what: str, ways: dict[str, Callable[[], Any]], runs: int) -> list[tuple[str, str]]:
    seconds = timed(ways, runs)
    rows: list[tuple[str, str]] = []
    for name, (wall, cpu) in seconds.items():
        ratios = f"{wall / seconds['floor'][0]:.2f} of the floor, CPU {cpu / seconds['floor'][1]:.2f}"
        rows.append((f"{what}: {name}", f"{wall:.2f} s, {ratios}"))
    return rows


def _sizes(path: Path, kind: str, *, has_peers: bool) -> list[tuple[str, str]]:
    """Give what the tables take, beside those of ``json_normalize``."""
    n_bytes = {}
    for name, way in {"ours": lambda: _frames(ours(path)), "json_normalize": lambda: normalized(path)}.items():
        if name == "ours" or has_peers:
            n_bytes[name] = sum(int(frame.memory_usage(deep=True).sum()) for frame in way())
    mine = n_bytes["ours"]
    rows = [(f"jobs{kind}: size of the tables", f"{mine / 2**20:,.0f} MiB")]
    if has_peers:
        theirs = n_bytes["json_normalize"]
        rows.append(
            (f"jobs{kind}: size of json_normalize's", f"{theirs / 2**20:,.0f} MiB, {theirs / mine:.1f} of ours")
        )
    return rows


def _frames(jobset: lcn.JobSet) -> tuple[pd.DataFrame, ...]:
    return jobset.jobs, jobset.rules


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--each-alone", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--peak-of", choices=["ours", *PEERS], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        with options.path.open("rb") as file:  # whatever is made once, at the first use
            frames.read_tables([b"".join(file.readlines(200_000))])
        before = highest_mib()
        kept = {"ours": ours, **PEERS}[options.peak_of](options.path)
        print(highest_mib() - before)
        del kept
        return
    for what, figure in measure(
        options.jobs, options.runs, is_each_alone=options.each_alone, has_peers=not options.no_peers
    ):
        print(f"{what:88s} {figure}")


if __name__ == "__main__":
    main()
