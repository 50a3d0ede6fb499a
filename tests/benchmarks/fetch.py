"""From ids to tables: this package beside the official SDK, over the same server on loopback. Ratios, medians of runs.

Run it by hand: ``python tests/benchmarks/fetch.py [--jobs 2000] [--latency-ms 50] [--runs 5]``. Every way runs in a
process of its own, in turn, so that neither warms up the other; the server runs in another. Where ``wrk`` is installed,
it tells at the end how fast the server itself can be asked, over as many connections as ours.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from llama_classify_nb.pacing import WIDTH

SERVER = """
import json, sys, time
import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_jobs
n, latency = int(sys.argv[1]), float(sys.argv[2])
lines = [line for line in sample_jobs() if b'"COMPLETED"' in line]
bodies = []
for i in range(n):
    job = json.loads(lines[i % len(lines)])
    job["id"] = f"job-{i:07d}"
    bodies.append(json.dumps(job).encode())
with lcn.demo_server(bodies, latency_s=latency) as server:
    print(json.dumps([server.base_url, server.api_key]), flush=True)
    sys.stdin.read()
"""

PREAMBLE = """
import asyncio, json, resource, sys, time
url, key, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
ids = [f"job-{i:07d}" for i in range(n)]
"""

WAYS = {
    "ours": """
import llama_classify_nb as lcn
client = lcn.Client(key, base_url=url)
lcn.fetch_jobs(ids[:1], client=client, progress=False)
before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
jobset = lcn.fetch_jobs(ids, client=client, progress=False)
rows, requests = len(jobset.jobs), jobset.n_requests
""",
    "ours, single requests, 64 at a time": """
import llama_classify_nb as lcn
from llama_classify_nb.fetch import Fetch
client = lcn.Client(key, base_url=url)
lcn.fetch_jobs(ids[:1], client=client, progress=False)
original = Fetch.__init__
def without_list(self, *arguments, **options):
    original(self, *arguments, **options)
    self._list_is_off = True
Fetch.__init__ = without_list
before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
jobset = lcn.fetch_jobs(ids, client=client, progress=False, width=64)
rows, requests = len(jobset.jobs), jobset.n_requests
""",
    "SDK get, 64 at a time, json_normalize": """
import pandas as pd
from llama_cloud import AsyncLlamaCloud
async def main():
    gate = asyncio.Semaphore(64)
    async with AsyncLlamaCloud(api_key=key, base_url=url) as client:
        async def one(job_id):
            async with gate:
                return await client.classify.get(job_id)
        return await asyncio.gather(*map(one, ids))
before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
table = pd.json_normalize([job.model_dump() for job in asyncio.run(main())])
rows, requests = len(table), n
""",
    "SDK list of 100 job_ids, json_normalize": """
import pandas as pd
from llama_cloud import AsyncLlamaCloud
async def main():
    gate = asyncio.Semaphore(16)
    async with AsyncLlamaCloud(api_key=key, base_url=url) as client:
        async def pack(some):
            async with gate:
                return (await client.classify.list(job_ids=some, page_size=100)).items
        packs = [ids[i:i + 100] for i in range(0, n, 100)]
        return [job for page in await asyncio.gather(*map(pack, packs)) for job in page]
before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
table = pd.json_normalize([job.model_dump() for job in asyncio.run(main())])
rows, requests = len(table), -(-n // 100)
""",
}

CLOSING = """
wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps([rows, wall, cpu, (after.ru_maxrss - before.ru_maxrss) / 1024, requests]))
"""


def measure(way: str, url: str, key: str, n: int) -> list[float]:
    """Run one way once: rows, wall seconds, CPU seconds, growth of the peak in MiB, requests."""
    script = PREAMBLE + WAYS[way] + CLOSING
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", script, url, key, str(n)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return list(json.loads(ran.stdout.splitlines()[-1]))


def ask_with_wrk(url: str, key: str, query: str, connections: int) -> float:
    """Give the requests a second that wrk gets through in five seconds."""
    header, address = f"Authorization: Bearer {key}", f"{url}/api/v2/classify{query}"
    command = ["wrk", "-t1", f"-c{connections}", "-d5s", "-H", header, address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None or "Non-2xx" in said:
        raise SystemExit(f"wrk was not answered: {said}")
    return float(found[1])


def main() -> None:
    """Measure all ways in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", SERVER, str(options.jobs), str(options.latency_ms / 1_000)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        url, key = json.loads(server.stdout.readline())
        began = time.perf_counter()
        results: dict[str, list[list[float]]] = {way: [] for way in WAYS}
        for _ in range(options.runs):
            for way, found in results.items():
                found.append(measure(way, url, key, options.jobs))
                if found[-1][0] != options.jobs:
                    raise SystemExit(f"{way}: {found[-1][0]} rows of {options.jobs}")
        n_asked_by_wrk = {}
        if shutil.which("wrk"):
            pack = "&".join(f"job_ids=job-{i:07d}" for i in range(100))
            n_asked_by_wrk["ours, single requests, 64 at a time"] = ask_with_wrk(url, key, "/job-0000000", 64)
            n_asked_by_wrk["ours"] = 100 * ask_with_wrk(url, key, f"?page_size=100&{pack}", WIDTH)
        server.kill()
    print(f"{options.jobs:,} jobs, {options.latency_ms:g} ms, {options.runs} runs, {time.perf_counter() - began:.0f} s")
    ours = [statistics.median(column) for column in zip(*results["ours"], strict=True)]
    for way, found in results.items():
        middle = [statistics.median(column) for column in zip(*found, strict=True)]
        spread = f"{min(one[1] for one in found):.2f} to {max(one[1] for one in found):.2f}"
        ratios = [theirs / own if own else float("nan") for theirs, own in zip(middle, ours, strict=True)]
        print(
            f"{way:40s} {middle[1]:7.2f} s ({spread})  CPU {middle[2]:6.2f} s  peak +{middle[3]:5.0f} MiB  "
            f"{middle[4]:6.0f} requests | of ours: wall {ratios[1]:5.1f}, CPU {ratios[2]:5.1f}, peak {ratios[3]:5.1f}"
        )
    for way, n_jobs in n_asked_by_wrk.items():
        share = options.jobs / statistics.median(one[1] for one in results[way]) / n_jobs
        print(f"{way}: {share:.2f} of the {n_jobs:,.0f} jobs a second that wrk gets over as many connections")


if __name__ == "__main__":
    main()
