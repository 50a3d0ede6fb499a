"""Row 49: a fetch that is killed at any moment loses nothing that was stored, and fetches little twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
from llama_classify_nb.demo import faults, sample_jobs

LINES = [line for line in sample_jobs() if b'"COMPLETED"' in line][:600]
BODIES = {json.loads(line)["id"]: line for line in LINES}
FETCH = """
import json, sys
import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
put = Archive.put
def told(self, answers):
    answers = list(answers)
    put(self, answers)
    print(" ".join(answer.job_id for answer in answers), flush=True)
Archive.put = told
client = lcn.Client(sys.argv[2], base_url=sys.argv[1])
lcn.fetch_jobs(json.loads(sys.stdin.read()), client=client, archive=sys.argv[3], progress=False)
print("done", flush=True)
"""


@pytest.mark.parametrize(
    "plan",
    [
        [faults.status(405, call="list"), faults.latency(0.002)],
        [
            faults.status(405, call="list"),
            faults.latency(0.002),
            faults.reset("body", share=0.1),
            faults.answer("half", share=0.1),
        ],
        [faults.latency(0.02)],
    ],
    ids=["single requests", "amid faults", "lists"],
)
def test_row_49_killed_at_three_moments_it_loses_nothing(plan: list[Any], tmp_path: Path) -> None:
    archive = tmp_path / "jobs.db"
    n_requests = 0
    stored: set[str] = set()
    with lcn.demo_server(LINES, faults=plan) as server:
        for share in (0.2, 0.5, 0.8, 1.0):
            command = [sys.executable, "-c", FETCH, server.base_url, server.api_key, str(archive)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(list(BODIES)))
                process.stdin.close()
                for line in process.stdout:
                    stored |= set(line.split()) - {"done"}
                    if share < 1.0 and len(stored) >= share * len(BODIES):
                        process.send_signal(signal.SIGKILL)
                        break
                stored |= set(process.stdout.read().split()) - {"done"}
            with Archive(archive) as opened:
                ids = opened.ids()
                assert stored <= set(ids)
                assert len(ids) == len(set(ids))
                assert list(opened.bodies(ids)) == [BODIES[job_id] for job_id in ids]
        n_requests = server.n_requests
        assert set(ids) == set(BODIES)
    assert n_requests <= (1.25 if len(plan) < 3 else 1.5) * len(BODIES)  # a fifth of those amid faults fail
