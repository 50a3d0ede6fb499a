"""Kill a fetch at random moments, and count what is lost or stored twice: neither may ever happen.

Run it by hand: ``python tests/benchmarks/kills.py [--kills 500] [--seed 0]``. The server runs in a process of its own;
each fetch is a fork of this one, killed with SIGKILL, and goes on from the archive that the one before it left.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx  # noqa: F401  so that no fork has to

import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
from llama_classify_nb.demo import sample_jobs

SERVER = """
import json, sys
import llama_classify_nb as lcn
from llama_classify_nb.demo import faults, sample_jobs
jobs = [line for line in sample_jobs() if b'"COMPLETED"' in line][:1000]
plan = [faults.status(405, call="list")] if sys.argv[1] == "single" else []
plan += [faults.latency(0.004), faults.reset("body", share=0.02), faults.answer("half", share=0.02)]
with lcn.demo_server(jobs, faults=plan) as server:
    print(json.dumps([server.base_url, server.api_key]), flush=True)
    sys.stdin.read()
"""
BODIES = {json.loads(line)["id"]: line for line in [one for one in sample_jobs() if b'"COMPLETED"' in one][:1000]}


def fetch(url: str, key: str, path: Path, pipe: int) -> None:
    """Fetch all jobs, in a fork, and tell which were reported as stored."""
    put = Archive.put

    def told(self: Archive, answers: object) -> None:
        some = list(answers)  # type: ignore[call-overload]
        put(self, some)
        os.write(pipe, (" ".join(answer.job_id for answer in some) + "\n").encode())

    Archive.put = told  # type: ignore[method-assign]
    lcn.fetch_jobs(list(BODIES), client=lcn.Client(key, base_url=url), archive=path, progress=False)


def main() -> None:
    """Kill, count, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    counts: collections.Counter[str] = collections.Counter()
    servers, addresses = [], []
    for kind in ("single", "lists"):
        command = [sys.executable, "-c", SERVER, kind]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        assert server.stdout is not None
        servers.append(server)
        addresses.append(json.loads(server.stdout.readline()))
    with tempfile.TemporaryDirectory() as folder:
        whole_s = []  # what a fetch takes that is left alone, so that kills come at all its moments
        for place, address in enumerate(addresses):
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                fetch(*address, Path(folder) / f"whole-{place}.db", os.open(os.devnull, os.O_WRONLY))
                os._exit(0)
            os.waitpid(child, 0)
            whole_s.append(time.monotonic() - began)
        while counts["kills"] < options.kills:
            counts["archives"] += 1
            path = Path(folder) / f"{counts['archives']}.db"
            stored: set[str] = set()
            ended, n_before = False, 0
            while not ended and counts["kills"] < options.kills:
                reading, writing = os.pipe()
                child = os.fork()
                if child == 0:
                    os.close(reading)
                    fetch(*addresses[counts["archives"] % 2], path, writing)
                    os._exit(0)
                os.close(writing)
                wait_s = chance.random() * whole_s[counts["archives"] % 2]
                text, until = b"", time.monotonic() + wait_s
                while (left := until - time.monotonic()) > 0:
                    if select.select([reading], [], [], left)[0]:
                        some = os.read(reading, 1 << 16)
                        text += some
                        if not some:
                            ended = True
                            break
                if not ended:
                    os.kill(child, signal.SIGKILL)
                    counts["kills"] += 1
                while some := os.read(reading, 1 << 16):
                    text += some
                os.close(reading)
                os.waitpid(child, 0)
                stored |= {
                    job_id
                    for line in text.decode().splitlines(keepends=True)
                    if line[-1] == "\n"
                    for job_id in line.split()
                }
                with Archive(path) as archive:
                    ids = archive.ids()
                    counts["kills amid the storing"] += not ended and n_before < len(ids) < len(BODIES)
                    n_before = len(ids)
                    counts["lost"] += len(stored - set(ids))
                    counts["stored twice"] += len(archive) - len(set(ids))
                    counts["changed"] += sum(
                        BODIES[job_id] != body for job_id, body in zip(ids, archive.bodies(ids), strict=True)
                    )
            counts["incomplete at the end"] += int(ended and set(ids) != set(BODIES))
    for server in servers:
        server.kill()
        server.wait()
    print(
        ", ".join(
            f"{counts[name]:,} {name}"
            for name in (
                "kills",
                "kills amid the storing",
                "archives",
                "lost",
                "stored twice",
                "changed",
                "incomplete at the end",
            )
        )
    )


if __name__ == "__main__":
    main()
