"""A stop by hand, line by line: wherever it comes, what had arrived is carried, and nothing is left behind."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import httpx
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import archive_file
from llama_classify_nb.archive import Archive
from llama_classify_nb.client import PATH
from llama_classify_nb.demo import DemoServer, sample_jobs
from llama_classify_nb.exceptions import FetchInterrupted
from llama_classify_nb.records import Answer

LINES = sample_jobs()[:40]
N_STOPS = int(os.environ.get("STOPS", "15"))
PACKAGE = str(Path(lcn.__file__).parent)
#: Where a stop is none of the fetch's: before it begins, and where Python takes no error.
OUTSIDE = {"fetch_jobs", "StoppableFetch.__init__", "ProgressBar.__init__", "StoppableFetch.run", "ArchiveFile.__del__"}


class Stop:
    """Interrupts this thread at one of the lines of the package that it runs, counted from 1."""

    def __init__(self, at: int | None = None) -> None:
        self.n_lines, self._at = 0, at
        self.where, self.is_before = "", False

    def __enter__(self) -> Stop:
        sys.settrace(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _look(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_qualname in OUTSIDE:
            return None
        self.n_lines += event == "line"
        if event == "line" and self.n_lines == self._at:
            sys.settrace(None)
            self.where = f"{Path(code.co_filename).name}:{frame.f_lineno}"
            callers = {one.f_code.co_qualname for one, _ in traceback.walk_stack(frame)}
            self.is_before = "StoppableFetch.run" not in callers
            raise KeyboardInterrupt
        return self._look


def held(archive: Path) -> list[str]:
    """What a fetch may leave behind: threads, and files of the archive."""
    threads = [thread.name for thread in threading.enumerate() if thread.name == "llama-classify-nb"]
    files = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    return threads + [file for file in files if file.startswith(str(archive))]


def slept(instead: Callable[[float], None]) -> SimpleNamespace:
    """A module ``time`` for the archive alone: other threads of the process go on sleeping as they do."""
    return SimpleNamespace(sleep=instead, monotonic=time.monotonic)


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with lcn.demo_server(LINES) as running:
        yield running


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the files of the process in /proc")
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_stop_at_any_line_carries_what_there_is(server: DemoServer, tmp_path: Path, is_kept: bool) -> None:
    client, ids = lcn.Client(server.api_key, base_url=server.base_url), server.job_ids

    def stop(at: int | None, path: Path) -> tuple[Stop, lcn.JobSet, str]:
        kind = "ended"
        with Stop(at) as stopping:
            try:
                jobset = lcn.fetch_jobs(ids, client=client, archive=path if is_kept else None, progress=False)
            except FetchInterrupted as error:
                jobset, kind = error.partial, type(error).__name__
        return stopping, jobset, kind

    n_lines = stop(None, tmp_path / "whole.db")[0].n_lines
    chance = random.Random(0)
    n_stopped = 0
    for number in range(N_STOPS):
        path = tmp_path / f"jobs-{number}.db"
        stopping, jobset, kind = stop(chance.randint(1, n_lines), path)
        if not stopping.where:  # how often the main thread looks is never the same
            assert (kind, len(jobset)) == ("ended", len(ids))
            continue
        n_stopped += 1
        assert kind == "FetchInterrupted", stopping.where
        # While the arguments are looked at, nobody knows yet what is asked for.
        n_asked = 0 if stopping.is_before else len(ids)
        assert len(jobset) + len(jobset.problems) == n_asked, stopping.where
        assert held(path) == [], stopping.where
        if is_kept:
            rest = lcn.fetch_jobs(ids, client=client, archive=path, progress=False)
            assert rest.jobs["job_id"].tolist() == ids
    assert n_stopped > N_STOPS / 2


def test_a_stop_ends_the_wait_for_another_process_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.db"
    answers = {json.loads(line)["id"]: line for line in LINES}
    waits = itertools.count()
    other: list[sqlite3.Connection] = []

    async def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == PATH:
            return httpx.Response(405)
        if not other:
            other.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
            other[0].execute("BEGIN IMMEDIATE")
        return httpx.Response(200, content=answers[request.url.path.rsplit("/", 1)[1]])

    def interrupt(_: float) -> None:  # in place of a short wait, between SQLite's own of a tenth of a second
        if next(waits) % 10 == 0:  # again after a while, as people do: Python loses one that comes amid a finalizer
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    monkeypatch.setattr(archive_file, "time", slept(interrupt))
    client = lcn.Client("llx-test", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
    with pytest.raises(FetchInterrupted) as stopped:
        lcn.fetch_jobs(list(answers), client=client, archive=path, progress=False)
    partial = stopped.value.partial
    assert (len(partial), len(partial.problems)) == (0, len(answers))
    assert held(path.with_name("no file of it")) == []
    other[0].close()
    monkeypatch.undo()
    with Archive(path) as archive:
        assert len(archive) == 0
    rest = lcn.fetch_jobs(list(answers), client=client, archive=path, progress=False)
    assert len(rest) == len(answers)


def test_an_archive_is_opened_and_read_while_another_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jobs.db"
    with Archive(path, service="loopback") as archive:
        archive.put([Answer.cut("a", b'{"configuration": {}}', b"{}", None, True)])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(archive_file, "time", slept(lambda _: pytest.fail("waits for the other one")))
    with Archive(path, service="loopback") as archive:
        assert archive.ids() == ["a"]
    other.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the files of the process in /proc")
def test_an_archive_is_closed_by_whoever_is_at_work_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.db"
    archive = Archive(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    is_waiting, may_go_on = threading.Event(), threading.Event()

    def wait(_: float) -> None:
        is_waiting.set()
        may_go_on.wait()

    monkeypatch.setattr(archive_file, "time", slept(wait))
    with ThreadPoolExecutor(1) as pool:
        stored = pool.submit(archive.put, [Answer.cut("a", b'{"configuration": {}}', b"{}", None, True)])
        is_waiting.wait()
        archive.close()
        other.close()
        while_at_work = held(path)
        may_go_on.set()
        assert stored.result() is None
    assert while_at_work != []
    assert held(path) == []
