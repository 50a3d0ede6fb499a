"""Jobs that come only when they are asked for again and again, on a loop whose clock leaps: hours take no time."""

from __future__ import annotations

import asyncio
import collections
import json
import selectors
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

import llama_classify_nb as lcn
from llama_classify_nb.client import PATH
from llama_classify_nb.demo import sample_jobs
from llama_classify_nb.fetch import Fetch
from llama_classify_nb.memory import MemoryArchive
from llama_classify_nb.pacing import Pace
from llama_classify_nb.progress import Progress

LATENCY_S = 0.05
BODIES = {json.loads(line)["id"]: line for line in [one for one in sample_jobs() if b'"COMPLETED"' in one][:200]}
PLACES = {job_id: place for place, job_id in enumerate(BODIES)}


class _Leaping(selectors.DefaultSelector):
    """Never waits: the time leaps to where something is due."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all wait for each other"
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.leaping = _Leaping()
        super().__init__(self.leaping)

    def time(self) -> float:
        return self.leaping.now


class Run(NamedTuple):
    """What a fetch came to."""

    job_ids: list[str]
    n_problems: int
    seconds: float
    n_requests: int


def fetched(
    answer: Callable[[int, int, float], httpx.Response | None],
    listed: Callable[[int], httpx.Response] = lambda _: httpx.Response(405),
) -> Run:
    """Fetch jobs one by one; ``answer`` says what is wrong for a job by its place, the attempt and the time.

    ``listed`` gives the answer of the list call, by its number.
    """
    loop, attempts = _Loop(), collections.Counter[str]()

    async def serve(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(LATENCY_S)
        if request.url.path == PATH:
            attempts[PATH] += 1
            return listed(attempts[PATH])
        job_id = request.url.path.rsplit("/", 1)[1]
        attempts[job_id] += 1
        wrong = answer(PLACES[job_id], attempts[job_id], loop.time())
        return wrong or httpx.Response(200, content=BODIES[job_id])

    async def main() -> Run:
        client = lcn.Client("llx-x", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
        fetch = Fetch(client, MemoryArchive(), Progress(), pace=Pace(clock=loop.time, jitter=lambda: 0.5))
        await fetch.by_ids(list(BODIES))
        left = fetch.finish()
        return Run(left.job_ids, len(left.problems), loop.time(), left.n_requests)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


def status(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(code, headers=headers)


@pytest.mark.parametrize(
    ("code", "headers", "times", "most_s"),
    [
        (500, {}, 1, 10),
        (500, {}, 3, 60),
        (503, {"retry-after": "2"}, 1, 40),
        (200, {}, 2, 60),  # and no job in it
        (429, {}, 1, 30),
        (429, {}, 2, 240),
        (429, {"retry-after": "2"}, 1, 40),
        (429, {"retry-after": "5"}, 1, 240),
    ],
)
def test_jobs_that_fail_or_are_refused_so_many_times_each_are_all_had(
    code: int, headers: dict[str, str], times: int, most_s: float
) -> None:
    run = fetched(lambda _, attempt, __: status(code, **headers) if attempt <= times else None)
    assert run.job_ids == list(BODIES)
    assert run.seconds < most_s
    assert run.n_requests <= (times + 1) * 200 + 30


def test_jobs_that_never_come_cost_none_of_those_that_come_late() -> None:
    run = fetched(lambda place, attempt, _: status(500) if place % 7 == 0 or attempt <= 2 else None)
    assert run.job_ids == [job_id for job_id, place in PLACES.items() if place % 7]
    assert run.n_problems == 29
    assert run.seconds < 400


@pytest.mark.parametrize("until_s", [8.0, 45.0])
def test_an_outage_is_over_a_few_seconds_after_it(until_s: float) -> None:
    run = fetched(lambda _, __, now: status(503) if now < until_s else None)
    assert run.job_ids == list(BODIES)
    assert run.seconds < until_s + 10
    assert run.n_requests <= 1.5 * 200


@pytest.mark.parametrize("headers", [{}, {"retry-after": "1"}, {"retry-after": "4"}, {"retry-after": "90"}])
@pytest.mark.parametrize("other", [429, 425, 500])
def test_a_list_that_alone_is_refused_from_the_start_holds_up_nothing(other: int, headers: dict[str, str]) -> None:
    run = fetched(lambda _, __, ___: None, lambda n: status(429, **headers) if n % 2 else status(other))
    assert run.job_ids == list(BODIES)
    assert run.seconds < 15
    assert run.n_requests <= 200 + 16
