"""Several processes fetch with one key: they learn one pace, keep to it together, and their archives become one."""

from __future__ import annotations

import heapq
import itertools
import json
import os
import random
import stat
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import shared_pace
from llama_classify_nb.chance import Trial
from llama_classify_nb.demo import faults, sample_jobs
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.rate import Rate
from llama_classify_nb.shared_pace import SharedRate

LATENCY_S = 0.05
LANES = 8


def simulate(rates: Sequence[Rate], limiter: Any, now: list[float], n_jobs: int) -> tuple[float, int]:
    """Let several fetches share out jobs in virtual time; give the seconds that it took, and the refusals."""
    ticket, events = itertools.count(), []
    todo, done, n_refused = [n_jobs] * len(rates), 0, 0
    while done < n_jobs * len(rates):
        for place, one in enumerate(rates):
            while todo[place] and one.start(now[0]):
                todo[place] -= 1
                heapq.heappush(events, (now[0] + LATENCY_S, next(ticket), place, now[0]))
        now[0] = round(now[0] + 0.005, 6)
        while events and events[0][0] <= now[0]:
            _, _, place, started = heapq.heappop(events)
            if limiter.take():
                rates[place].refused(now[0], started, None)
                todo[place] += 1
                n_refused += 1
            else:
                rates[place].admitted(now[0], started)
                done += 1
    return now[0], n_refused


def run(path: Path | None, n_processes: int, *, make: Any, n_jobs: int) -> tuple[float, int]:
    now = [0.0]
    clock = lambda: now[0]  # noqa: E731
    rates: list[Rate] = [
        Rate(0.0, LANES) if path is None else SharedRate(path, "https://a", LANES, clock) for _ in range(n_processes)
    ]
    for one in rates:
        one._jitter = random.Random(1).random
    return simulate(rates, make(clock=clock), now, n_jobs)


def bucket(**options: Any) -> Any:
    return faults.TokenBucket(20, 5, **options)


class TestSharedRate:
    def test_several_are_refused_about_as_often_as_one(self, tmp_path: Path) -> None:
        _, alone = run(None, 1, make=bucket, n_jobs=240)
        seconds, together = run(tmp_path / "pace", 4, make=bucket, n_jobs=60)
        _, apart = run(None, 4, make=bucket, n_jobs=60)
        assert together <= 2 * alone
        assert together < apart
        assert seconds < 1.5 * 240 / 20

    def test_who_comes_later_knows_what_the_others_learned(self, tmp_path: Path) -> None:
        run(tmp_path / "pace", 2, make=bucket, n_jobs=60)
        late = SharedRate(tmp_path / "pace", "https://a", LANES, lambda: 1e6)
        assert late._pace.per_s == pytest.approx(20, rel=0.3)
        other = SharedRate(tmp_path / "pace", "https://b", LANES, lambda: 1e6)
        assert other._pace.per_s == float("inf")

    def test_requests_in_flight_are_those_of_all(self, tmp_path: Path) -> None:
        one, other = (SharedRate(tmp_path / "pace", "https://a", 2, lambda: 0.0) for _ in range(2))
        assert [one.start(0.0), one.start(0.0), other.start(0.0)] == [True, True, True]
        other.ready_at(0.0)
        assert (other._in_flight, other._widest) == (3, 4)
        one.ended(0.0)
        other.ready_at(0.0)
        assert other._in_flight == 2

    def test_what_a_process_that_died_had_in_flight_is_forgotten(self, tmp_path: Path) -> None:
        now = [0.0]
        dead, alive = (SharedRate(tmp_path / "pace", "https://a", 2, lambda: now[0]) for _ in range(2))
        dead.start(0.0)
        now[0] = shared_pace.LEASE_S + 1
        alive.start(now[0])
        assert (alive._in_flight, alive._widest) == (1, 2)

    def test_all_that_a_rate_learns_is_shared(self, tmp_path: Path) -> None:
        one, other = (SharedRate(tmp_path / "pace", "https://a", 2, lambda: 9.0) for _ in range(2))
        with one._lock, one._held():
            one._trial = Trial(3.0, 4, 0.5, 1)
            one._window.take(12, 60.0)
            one._pace.start_over(1.0, 7.5, 3)
            one._pace.take_between(0.5, 12.5)
        other.ready_at(9.0)
        assert other._trial == Trial(3.0, 4, 0.5, 1)
        assert vars(other._window) == vars(one._window)
        assert vars(other._pace) == vars(one._pace)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"https://a": {"learned": {"_pace": 1}}}', b"\xff"])
    def test_a_file_that_says_nothing_teaches_nothing(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "pace"
        path.write_bytes(content)
        assert SharedRate(path, "https://a", 2, lambda: 0.0).start(0.0)
        assert "https://a" in json.loads(path.read_bytes())

    def test_a_clock_that_began_anew_teaches_nothing(self, tmp_path: Path) -> None:
        run(tmp_path / "pace", 1, make=bucket, n_jobs=30)
        assert SharedRate(tmp_path / "pace", "https://a", 2, lambda: 0.5)._pace.per_s == float("inf")

    def test_the_file_is_of_its_owner_only_and_no_link(self, tmp_path: Path) -> None:
        SharedRate(tmp_path / "pace", "https://a", 2)
        assert stat.S_IMODE((tmp_path / "pace").stat().st_mode) == 0o600
        (tmp_path / "link").symlink_to(tmp_path / "pace")
        with pytest.raises(ArgumentError, match=r"pace '.*link' can't be used"):
            SharedRate(tmp_path / "link", "https://a", 2)
        with pytest.raises(ArgumentError, match="pace is a int"):
            SharedRate(7, "https://a", 2)  # type: ignore[arg-type]


def fetch_part(job_ids: list[str], base_url: str, key: str, folder: str, name: str) -> tuple[int, int]:
    client = lcn.Client(key, base_url=base_url)
    jobset = lcn.fetch_jobs(
        job_ids, client=client, archive=f"{folder}/{name}.db", pace=f"{folder}/pace", progress=False
    )
    return os.getpid(), len(jobset)


class TestProcesses:
    def test_processes_fetch_disjoint_ids_under_one_limit_into_one_archive(self, tmp_path: Path) -> None:
        jobs = sample_jobs()[:120]
        limit = faults.limiter(faults.TokenBucket(100, 10))
        with lcn.demo_server(jobs, faults=[faults.status(405, call="list"), limit]) as server:
            ids = server.job_ids
            with ProcessPoolExecutor(2) as pool:
                futures = [
                    pool.submit(fetch_part, ids[place::2], server.base_url, server.api_key, str(tmp_path), str(place))
                    for place in range(2)
                ]
                found = [future.result() for future in futures]
        assert [n for _, n in found] == [60, 60]
        told = json.loads((tmp_path / "pace").read_bytes())[server.base_url]
        assert told["learned"]["_first"]["n_admitted"] > 60  # more than either of them asked for
        merged = lcn.merge_archives([tmp_path / f"{place}.db" for place in range(2)], tmp_path / "all.db")
        assert set(lcn.Archive(merged).ids()) == set(ids)
        assert server.api_key not in (tmp_path / "pace").read_text()
