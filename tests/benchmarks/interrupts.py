"""Press the stop button at random moments of a fetch in a real kernel: how soon it returns, and what it leaves behind.

Run it by hand: ``python -m tests.benchmarks.interrupts [--stops 40] [--seed 0]``. The server runs in this process; the
kernel fetches ids or a whole list, with single requests or packs, to an archive, and is interrupted. A stop is good if
the cell ends within a second, its error carries a job or a problem for every id, no thread, connection or lock is left,
and the same call goes on from the archive, asking for nothing that it holds.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

import llama_classify_nb as lcn
from llama_classify_nb.demo import DemoServer, faults, sample_jobs

from ..kernels import run

MOST_S = 1.0
N_JOBS = 1_000
PLANS: dict[str, list[faults.Fault]] = {
    "single requests": [faults.status(405, call="list"), faults.latency(0.05)],
    "packs": [faults.latency(0.25)],
    "refused": [faults.status(405, call="list"), faults.limiter(faults.TokenBucket(5, 20)), faults.latency(0.02)],
    "hanging": [faults.status(405, call="list"), faults.latency(0.02), faults.hang("body", share=0.05)],
    "down": [faults.status(503, after=100)],
}
BEGIN = """
import os, sys, threading, sqlite3
import llama_classify_nb as lcn
client = lcn.Client(open('key.txt').read(), base_url={url!r})
print('began', flush=True)
jobset = lcn.fetch_jobs({ids}, client=client, archive={archive!r}, progress=False)
"""
AFTER = """
error = sys.last_value
threads = [one.name for one in threading.enumerate() if one.name == 'llama-classify-nb']
places = ['/proc/self/fd/' + one for one in os.listdir('/proc/self/fd')]
held = [one for one in places if os.path.realpath(one).endswith({archive!r})]
ports = {{line.split()[2].split(':')[1] for line in open('/proc/self/net/tcp') if line.split()[3] == '01'}}
database = sqlite3.connect({archive!r}, timeout=0)
database.execute('BEGIN EXCLUSIVE')
database.execute('ROLLBACK')
database.close()
print(type(error).__name__, len(error.partial), len(error.partial.problems), len(threads) + len(held),
      '{port:04X}' in ports)
"""


def stop_once(kernel: Any, server: DemoServer, plan: str, number: int, after_s: float) -> tuple[float, str]:
    """Stop one fetch: the seconds until the cell ended, and what was wrong (nothing: empty; "done": it had ended)."""
    manager, client = kernel
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        manager.interrupt_kernel()

    named = {"url": server.base_url, "archive": f"jobs-{number}.db", "port": int(server.base_url.rsplit(":", 1)[1])}
    listed = plan == "packs" and number % 2 == 0
    named["ids"] = "None" if listed else "open('ids.txt').read().split()"
    timer = threading.Timer(after_s, press)
    reply, _ = run(client, BEGIN.format(**named), timer.start)
    ended = time.monotonic()
    timer.cancel()
    if reply["status"] == "ok":
        return 0.0, "done"
    if reply["ename"] != "FetchInterrupted":
        return ended - pressed[0], f"{reply['ename']}: {reply['evalue']}"
    _, told = run(client, AFTER.format(**named))
    wrong = [] if ended - pressed[0] <= MOST_S else ["late"]
    name, n_jobs, n_problems, n_left, is_connected = (told.split() + ["?"] * 5)[:5]
    if (name, n_left, is_connected) != ("FetchInterrupted", "0", "False"):
        wrong.append(f"left behind: {told}")
    elif not listed and int(n_jobs) + int(n_problems) != N_JOBS:
        wrong.append(f"{n_jobs} jobs and {n_problems} problems")
    for fault in server.faults.faults:  # what goes wrong has ended: the next call is to have the rest
        if fault.name in {"hang", "status", "limiter", "latency"} and fault.when.get("call") != "list":
            fault.stop()
    server.reset()
    again, _ = run(client, BEGIN.format(**named) + "\nassert len(jobset) == " + str(N_JOBS))
    if again["status"] != "ok":
        wrong.append(f"the next call: {again['ename']} {again['evalue']}")
    elif not listed and server.n_requests > N_JOBS - int(n_jobs) + 12:
        wrong.append(f"{server.n_requests} requests for the {N_JOBS - int(n_jobs)} jobs that were missing")
    return ended - pressed[0], "; ".join(wrong)


def main() -> None:
    """Stop, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, good, seconds, n = random.Random(options.seed), 0, [], 0
    package = str(Path(__file__).parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    lines = [line for line in sample_jobs() if b'"COMPLETED"' in line][:N_JOBS]
    with tempfile.TemporaryDirectory() as folder:
        kernel = start_new_kernel(cwd=folder)
        run(kernel[1], "import llama_classify_nb as lcn; lcn.fetch_jobs, lcn.Client")
        while len(seconds) < options.stops:
            plan = list(PLANS)[n % len(PLANS)]
            n += 1
            rules = [faults.Fault(one.name, one.stage, one.do, one.when, by_row=one.by_row) for one in PLANS[plan]]
            with lcn.demo_server(lines, faults=rules) as server:
                (Path(folder) / "key.txt").write_text(server.api_key)
                (Path(folder) / "ids.txt").write_text("\n".join(server.job_ids))
                took_s, wrong = stop_once(kernel, server, plan, n, chance.random() * 1.5)
            if wrong == "done":
                continue
            seconds.append(took_s)
            good += not wrong
            if wrong:
                print(f"{plan}: {wrong} ({took_s:.2f} s)")
        kernel[1].stop_channels()
        kernel[0].shutdown_kernel(now=True)
    print(f"{good} of {len(seconds)} stops good, the slowest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
