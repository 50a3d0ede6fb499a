"""In a real kernel: the stop button ends a fetch at any moment, progress shows while a cell runs, no key is shown."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from kernels import run

import llama_classify_nb as lcn
from llama_classify_nb.demo import DemoServer, faults, sample_jobs

N_STOPS = int(os.environ.get("STOPS", "6"))

CELL = """
import threading
import llama_classify_nb as lcn
client = lcn.Client({key!r}, base_url={url!r})
ids = open('ids.txt').read().split()
print('began', flush=True)
jobset = lcn.fetch_jobs(ids, client=client, archive={archive!r}, progress=False)
"""
AFTER = """
import sys
error = sys.last_value
left = [thread.name for thread in threading.enumerate() if thread.name == 'llama-classify-nb']
print(type(error).__name__, len(error.partial) + len(error.partial.problems), len(error.partial), left)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DemoServer]:
    plan = [faults.status(405, call="list"), faults.latency(0.05)]
    with lcn.demo_server(sample_jobs()[:2_000], faults=plan) as running:
        (tmp_path / "ids.txt").write_text("\n".join(running.job_ids))
        yield running


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    package = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    manager, client = start_new_kernel(cwd=str(tmp_path))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


# jupyter_client's own loops and sockets are left for the collector; ours are asked for in the kernel.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.notebook
def test_the_stop_button_ends_a_fetch_at_any_moment(kernel: Any, server: DemoServer, tmp_path: Path) -> None:
    manager, client = kernel
    rng = random.Random(20261123)
    run(client, "import llama_classify_nb as lcn; lcn.fetch_jobs")
    for n in range(N_STOPS):
        wait = rng.random() * 1.5

        def stop(wait: float = wait) -> None:
            import threading

            threading.Timer(wait, manager.interrupt_kernel).start()

        cell = CELL.format(key=server.api_key, url=server.base_url, archive=f"jobs-{n}.db")
        reply, _ = run(client, cell, stop)
        assert reply["status"] == "error", reply
        assert reply["ename"] == "FetchInterrupted", reply
        _, told = run(client, AFTER)
        name, total, kept, left = told.split(maxsplit=3)
        assert (name, int(total), left.strip()) == ("FetchInterrupted", 2_000, "[]")
        assert len(lcn.read_jobs(tmp_path / f"jobs-{n}.db").jobs) == int(kept)
    assert run(client, "print(1 + 1)")[1] == "2\n"


FAILING = """
%xmode Verbose
import os
import llama_classify_nb as lcn
os.environ['LLAMA_CLOUD_API_KEY'] = open('key.txt').read()
client = lcn.Client(base_url={url!r}, timeout=0.2)
client
job = client.get_job({job_id!r})
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.notebook
def test_progress_shows_while_a_cell_runs_and_no_message_or_file_holds_the_key(kernel: Any, tmp_path: Path) -> None:
    _, client = kernel
    messages: list[dict[str, Any]] = []

    def ask(code: str) -> dict[str, Any]:
        hook = messages.append
        return dict(client.execute_interactive(code, output_hook=hook, timeout=60, allow_stdin=False)["content"])

    keys: list[str] = []
    plans: list[Any] = [faults.hang("before"), faults.reset("body"), faults.status(401), faults.answer("half")]
    for plan in plans:
        with lcn.demo_server(sample_jobs()[:3], faults=plan) as server:
            (tmp_path / "key.txt").write_text(server.api_key)
            keys.append(server.api_key)
            reply = ask(FAILING.format(url=server.base_url, job_id=server.job_ids[0]))
            assert reply["status"] == "error"
            assert any("get_job" in line for line in reply["traceback"])  # the variables of our frames were shown
    slow = [faults.status(405, call="list"), faults.latency(0.05)]
    with lcn.demo_server(sample_jobs()[:400], faults=slow) as server:
        (tmp_path / "key.txt").write_text(server.api_key)
        (tmp_path / "ids.txt").write_text("\n".join(server.job_ids))
        before = len(messages)
        code = "import logging; logging.basicConfig(level=logging.DEBUG)\n" + FAILING.replace(
            "timeout=0.2", "timeout=9"
        )
        cell = code.format(url=server.base_url, job_id=server.job_ids[0])
        assert ask(cell + "jobset = lcn.fetch_jobs('ids.txt', client=client, archive='jobs.db')")["status"] == "ok"
    drawn = [message for message in messages[before:] if message["msg_type"] in {"comm_msg", "comm_open"}]
    assert len(drawn) > 5
    # The line took the bar's place: a widget that was closed shows as an error in Voila and in a saved notebook.
    standing = {
        message["content"]["transient"]["display_id"]: message["content"]["data"]
        for message in messages[before:]
        if message["msg_type"] in {"display_data", "update_display_data"}
    }
    assert any(message["msg_type"] == "comm_close" for message in messages[before:])
    assert [data.keys() for data in standing.values()] == [{"text/plain"}]
    assert all("400 jobs and 0 problems" in data["text/plain"] for data in standing.values())
    shown = str(messages)
    assert not [key for key in [*keys, server.api_key] if key in shown]
    (tmp_path / "key.txt").unlink()
    assert not [file for file in tmp_path.iterdir() if server.api_key.encode() in file.read_bytes()]
