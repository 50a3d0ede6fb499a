"""The pace against real limiters, simulated: requests take time, answers come late, and no test waits."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from llama_classify_nb.demo import faults
from llama_classify_nb.rate import Rate

LATENCY_S = 0.05
LANES = 16


class Run(NamedTuple):
    """What a simulated fetch came to."""

    seconds: float
    n_requests: int
    n_refused: int
    n_refused_at_first: int  # before anything that started after the first refusal got through
    most_in_flight: int
    n_failed: int


def simulate(
    make: Callable[..., Any] | None,
    n_jobs: int,
    *,
    header: bool = False,
    seed: int = 0,
    share: float = 0.0,
    failing: float = 0.0,
    latency_s: float = LATENCY_S,
    lanes: int = LANES,
    at_a_time: Callable[[float], float] = lambda _: math.inf,
) -> Run:
    """Fetch jobs through a limiter in virtual time; a refused job comes back after a second, or what it was told.

    Without a limiter, this ``share`` is refused by chance; ``failing`` is the share that ends without an answer, and so
    do all that arrive while more than ``at_a_time(now)`` are in flight.
    """
    rng, now, ticket = random.Random(seed), [0.0], itertools.count()
    limiter = make(clock=lambda: now[0]) if make else None
    rate = Rate(0.0, lanes, rng.random)
    todo, done, free, in_flight, most = n_jobs, 0, lanes, 0, 0
    refusals: list[float] = []
    at_first = None
    n_requests, n_failed, events, ticks = 0, 0, [], set()
    while done < n_jobs:
        while free and todo:
            if rate.start(now[0]):
                free, todo, in_flight, n_requests = free - 1, todo - 1, in_flight + 1, n_requests + 1
                most = max(most, in_flight)
                half = latency_s * (0.9 + 0.2 * rng.random()) / 2
                heapq.heappush(events, (now[0] + half, next(ticket), "arrive", now[0], half))
                continue
            at = rate.ready_at(now[0])
            if at < math.inf and at not in ticks:
                ticks.add(at)
                heapq.heappush(events, (at, next(ticket), "tick", 0.0, 0.0))
            break
        now[0], _, event, started, value = heapq.heappop(events)
        if event == "arrive":
            wait = limiter.take() if limiter else float(rng.random() < share)
            if in_flight > at_a_time(now[0]):
                wait = math.nan
            heapq.heappush(events, (now[0] + value, next(ticket), "answer", started, wait))
        elif event == "answer":
            in_flight -= 1
            if rng.random() < failing or math.isnan(value):
                n_failed += 1
                rate.failed(now[0], started)
                heapq.heappush(events, (now[0] + rng.random(), next(ticket), "back", 0.0, 0.0))
            elif value <= 0:
                if at_first is None and refusals and started > refusals[0]:
                    at_first = len(refusals)
                rate.admitted(now[0], started)
                done, free = done + 1, free + 1
            else:
                refusals.append(now[0])
                told = float(max(1, math.ceil(value))) if header else None
                rate.refused(now[0], started, told)
                heapq.heappush(events, (now[0] + (told or 0.5 + rng.random() / 2), next(ticket), "back", 0.0, 0.0))
        elif event == "back":
            free, todo = free + 1, todo + 1
    return Run(now[0], n_requests, len(refusals), at_first or 0, most, n_failed)


def bucket(rate: float, burst: int) -> Callable[..., Any]:
    return lambda clock: faults.TokenBucket(rate, burst, clock=clock)


def window(limit: int, seconds: float) -> Callable[..., Any]:
    return lambda clock: faults.FixedWindow(limit, seconds, clock=clock)


def sliding(limit: int, seconds: float) -> Callable[..., Any]:
    return lambda clock: faults.SlidingWindow(limit, seconds, clock=clock)


@pytest.mark.parametrize("header", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("make", "ideal_s"),
    [(bucket(40, 40), 5_960 / 40), (window(40, 1), 149), (sliding(40, 1), 149)],
    ids=["bucket", "window", "sliding"],
)
def test_forty_a_second_are_used_and_hardly_ever_refused(
    make: Callable[..., Any], ideal_s: float, seed: int, header: bool
) -> None:
    run = simulate(make, 6_000, header=header, seed=seed)
    assert ideal_s / run.seconds >= 0.97
    assert run.n_refused / run.n_requests < 0.01
    assert run.n_refused_at_first <= 12


@pytest.mark.parametrize("burst", [3, 10, 20])
@pytest.mark.parametrize("header", [True, False], ids=["told", "not told"])
def test_a_bucket_that_holds_little_is_used_too(burst: int, header: bool) -> None:
    run = simulate(bucket(40, burst), 6_000, header=header)
    assert (6_000 - burst) / 40 / run.seconds >= 0.97
    assert run.n_refused / run.n_requests < 0.01
    assert run.n_refused_at_first <= 12


@pytest.mark.parametrize("latency_s", [0.01, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("make", [bucket(40, 40), window(40, 1), sliding(40, 1)], ids=["bucket", "window", "sliding"])
def test_first_contact_costs_at_most_twelve_however_slow_the_answers(
    make: Callable[..., Any], latency_s: float
) -> None:
    for seed in range(5):
        run = simulate(make, 800, seed=seed, latency_s=latency_s, lanes=24)
        assert run.n_refused_at_first <= 12


def test_slow_answers_are_asked_for_by_more_and_more_lanes() -> None:
    run = simulate(None, 600, latency_s=1.0, lanes=24)
    assert run.most_in_flight == 24
    assert run.n_refused == 0


@pytest.mark.parametrize(("header", "most_refused"), [(True, 0.12), (False, 0.20)], ids=["told", "not told"])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "make", [bucket(1 / 3, 20), window(20, 60), sliding(20, 60)], ids=["bucket", "window", "sliding"]
)
def test_twenty_a_minute_are_used_and_few_are_refused(
    make: Callable[..., Any], seed: int, header: bool, most_refused: float
) -> None:
    run = simulate(make, 120, header=header, seed=seed)
    assert 300 / run.seconds >= 0.98
    assert run.n_refused / run.n_requests <= most_refused


@pytest.mark.parametrize(("limit", "seconds", "n_jobs"), [(100, 10, 2_000), (10, 10, 200)])
@pytest.mark.parametrize("header", [True, False], ids=["told", "not told"])
def test_windows_of_other_lengths_are_found(limit: int, seconds: float, n_jobs: int, header: bool) -> None:
    for make in (window(limit, seconds), sliding(limit, seconds)):
        run = simulate(make, n_jobs, header=header)
        assert (n_jobs / limit - 1) * seconds / run.seconds >= 0.92
        assert run.n_refused / run.n_requests <= 0.12


def test_a_quota_that_is_raised_is_found() -> None:
    class Raised(faults.FixedWindow):
        def take(self) -> float:
            self.limit = 20 if self._clock() < 100 else 2_000
            return super().take()

    run = simulate(lambda clock: Raised(20, 60, clock=clock), 2_000)
    assert run.seconds < 900


@pytest.mark.parametrize("phase_s", [5.0, 20.0, 35.0, 50.0])
@pytest.mark.parametrize(("header", "most_refused"), [(True, 0.12), (False, 0.25)], ids=["told", "not told"])
def test_windows_by_the_clock_are_found_too(phase_s: float, header: bool, most_refused: float) -> None:
    def make(clock: Callable[[], float]) -> faults.FixedWindow:
        limiter = faults.FixedWindow(20, 60, clock=clock)
        limiter._origin = -phase_s  # before the first request
        return limiter

    run = simulate(make, 120, header=header)
    assert run.seconds <= 300 + 16  # the last window may be found late, by no more than the time between two looks
    assert run.n_refused / run.n_requests <= most_refused


def test_a_long_wait_that_was_announced_is_kept_to_the_end() -> None:
    run = simulate(window(100, 75), 150, header=True)
    assert 75 <= run.seconds < 80
    assert run.n_refused <= 16


def test_chance_refusals_mostly_do_not_end_in_a_crawl() -> None:
    seconds = sorted(simulate(None, 200, share=0.3, seed=seed).seconds for seed in range(200))
    assert seconds[100] < 40
    assert seconds[160] < 100
    assert seconds[-1] < 900


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [None, bucket(40, 40), bucket(2, 5), window(20, 60)])
def test_requests_that_fail_amid_refusals_bring_nothing_to_a_halt(make: Callable[..., Any] | None, seed: int) -> None:
    run = simulate(make, 150, share=0.3, failing=0.3, seed=seed)
    assert run.seconds < 1_500


def test_without_a_limit_all_lanes_are_used_after_a_careful_start() -> None:
    run = simulate(None, 2_000)
    assert run.n_refused == 0
    assert run.most_in_flight == LANES
    assert run.seconds < 1.2 * 2_000 / LANES * LATENCY_S


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [1, 2, 3, 4, 7])
def test_a_service_that_fails_when_too_much_is_asked_at_a_time_is_asked_for_less(most: int, seed: int) -> None:
    run = simulate(None, 1_000, at_a_time=lambda _: most, seed=seed)
    assert run.seconds < 1.25 * 1_000 / most * LATENCY_S + 3
    assert run.n_failed < 140


def test_how_much_may_be_asked_at_a_time_may_change() -> None:
    fewer = simulate(None, 2_000, at_a_time=lambda now: 6 if now < 5 else 2)
    assert fewer.seconds < 5 + 1.25 * (2_000 - 500) / 2 * LATENCY_S
    assert fewer.n_failed < 200
    more = simulate(None, 4_000, at_a_time=lambda now: 3 if now < 10 else LANES)
    assert more.seconds < 30


@pytest.mark.parametrize("failing", [0.1, 0.25, 0.4, 0.6])
def test_failures_by_chance_do_not_keep_a_fetch_from_asking_for_much_at_a_time(failing: float) -> None:
    seconds = sorted(simulate(None, 1_000, failing=failing, seed=seed).seconds for seed in range(20))
    ideal_s = 1_000 * (LATENCY_S + failing / (1 - failing) * (LATENCY_S + 0.5)) / LANES
    assert seconds[10] < 1.2 * ideal_s + 1
    assert seconds[-1] < 2 * ideal_s + 3


def test_refusals_by_count_are_told_from_refusals_by_pace() -> None:
    rate, now = Rate(0.0, LANES), 0.0

    def ask(n_before: int, *, is_admitted: bool) -> float:
        nonlocal now
        began = now
        while not rate.start(now):
            now = max(rate.ready_at(now), now)
        started, now = now, now + LATENCY_S
        if is_admitted:
            rate.admitted(now, started, n_before)
        else:
            rate.refused(now, started, None, n_before)
        return started - began

    for _ in range(3):
        ask(0, is_admitted=False)
    # Every request is refused once, and then let through.
    waits = [ask(0, is_admitted=False) + ask(1, is_admitted=True) for _ in range(30)]
    assert max(waits[:15]) > 1
    assert max(waits[15:]) == 0
    for _ in range(6):  # and now it isn't so any more
        ask(1, is_admitted=False)
    assert ask(0, is_admitted=True) > 0.5
