"""What goes wrong on the way, row by row: every job that can be had arrives, and every other id says why it did not.

The time of a scenario leaps: an outage of 45 s is over as soon as nobody has a request on the way. The rows are
numbered as they are told: A refusals, B transport, C answers that are none, D lists, E jobs and ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import pytest

import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
from llama_classify_nb.blocking import run_blocking
from llama_classify_nb.client import PATH
from llama_classify_nb.demo import DemoServer, faults, sample_jobs
from llama_classify_nb.exceptions import ApiError
from llama_classify_nb.fetch import Fetch, Fetched
from llama_classify_nb.lanes import Lane
from llama_classify_nb.memory import MemoryArchive
from llama_classify_nb.pacing import WIDTH, Pace
from llama_classify_nb.progress import Progress

T = TypeVar("T")

TIMEOUT_S = 15.0
SHORT_S = 0.75  # of an exchange, where the server never answers
LAPSE = 20.0  # how much faster time passes there, so that such an exchange takes 15 s, too
QUIET_TURNS = 5  # of the loop, after which nothing but waits is left
BODIES = {json.loads(line)["id"]: line for line in sample_jobs() if b'"COMPLETED"' in line or b'"FAILED"' in line}
IDS = list(BODIES)[:200]


class Time:
    """The time of a fetch and of the server's limits. It leaps to where a wait ends, once no request is on its way.

    So an outage takes no time, however long it is, and a machine that is busy makes no wait longer.

    Parameters
    ----------
    speed : float
        How fast time passes while a request is on its way.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed, self._leapt = speed, 0.0
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._n_asking = self._quiet_turns = 0
        self._is_watching = False

    def __call__(self) -> float:
        return time.monotonic() * self._speed + self._leapt

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Have a request on its way."""
        self._n_asking += 1
        try:
            yield
        finally:
            self._n_asking -= 1
            self._watch()

    async def sleep(self, seconds: float) -> None:
        """Wait until as much time has passed or is leapt over."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        until, loop = self() + seconds, asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds / self._speed, self._wake, woken)
        self._sleepers[woken] = until
        self._watch()
        try:
            await woken
        finally:
            timer.cancel()
            del self._sleepers[woken]
            self._watch()

    def _wake(self, woken: asyncio.Future[None]) -> None:
        if not woken.done():
            woken.set_result(None)

    def _watch(self) -> None:
        """Leap once nothing but waits is left: when the loop has taken turns in which nobody asked or lay down."""
        self._quiet_turns = 0
        if not self._is_watching:
            self._is_watching = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._quiet_turns += 1
        self._is_watching = not self._n_asking and bool(self._sleepers) and self._quiet_turns < QUIET_TURNS
        if self._is_watching:
            asyncio.get_running_loop().call_soon(self._turn)
        elif not self._n_asking and self._sleepers:
            self._leap()

    def _leap(self) -> None:
        first = min(self._sleepers.values())
        self._leapt += max(0.0, first - self())
        for woken, until in self._sleepers.items():
            if until <= first:
                self._wake(woken)


class Asked(NamedTuple):
    """A request as the client made it, and what became of it."""

    target: tuple[str, str]
    began: float
    ended: float
    status: int | None


class Asking(lcn.Client):
    """A client that keeps an account of what it asks."""

    def __init__(self, server: DemoServer, clock: Time, timeout: float) -> None:
        super().__init__(server.api_key, base_url=server.base_url, timeout=timeout)
        self._time = clock
        self.asked: list[Asked] = []

    async def answer(self, lane: Lane, path: str, query: str, read: Callable[[bytes], T]) -> T:
        began, status = self._time(), 200
        with self._time.asking():
            try:
                return await super().answer(lane, path, query, read)
            except ApiError as error:
                status = error.status_code
                raise
            finally:
                self.asked.append(Asked((path, query), began, self._time(), status))


class Run(NamedTuple):
    """What a fetch under faults left behind."""

    fetched: Fetched
    stored: dict[str, bytes]
    server: DemoServer
    asked: list[Asked]
    seconds: float

    def kinds(self) -> dict[str | None, str]:
        return {row[0]: row[1] for row in self.fetched.problems}


def run(
    *plan: faults.Fault,
    ids: Sequence[str] = IDS,
    served: Sequence[str] | None = None,
    archive: Path | None = None,
    patience_s: float = 120.0,
    jobs: Sequence[Any] | None = None,
    clock: Time | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Run:
    """Fetch ids under faults; check what holds under every fault."""
    clock = clock or Time()
    bodies = list(jobs) if jobs is not None else [BODIES[job_id] for job_id in (served or ids)]
    rules = faults.FaultPlan(*plan, clock=clock)
    opened = Archive(archive) if archive else contextlib.nullcontext(MemoryArchive())
    with lcn.demo_server(bodies, faults=rules) as server, opened as store:
        client = Asking(server, clock, timeout_s)
        pace = Pace(patience_s=patience_s, clock=clock, sleep=clock.sleep)
        fetch = Fetch(client, store, Progress(), pace=pace)
        began = clock()
        run_blocking(functools.partial(fetch.by_ids, list(ids)))
        seconds = clock() - began
        fetched = fetch.finish()
        stored = dict(zip(fetched.job_ids, store.bodies(fetched.job_ids), strict=True))
        assert set(store.ids()) == set(stored)
    problems = [row[0] for row in fetched.problems]
    assert sorted([*fetched.job_ids, *map(str, problems)]) == sorted(set(ids))
    assert [job_id for job_id in ids if job_id in stored] == fetched.job_ids
    assert not [thread for thread in threading.enumerate() if thread.name == "llama-classify-nb"]
    return Run(fetched, stored, server, client.asked, seconds)


def assert_all(result: Run, ids: Sequence[str] = IDS, *, per_job: float = 2.0) -> None:
    """Every job arrived, byte for byte, at no more than so many requests each."""
    assert result.fetched.problems == []
    assert {job_id: result.stored[job_id] for job_id in ids} == {job_id: BODIES[job_id] for job_id in ids}
    assert result.server.n_requests <= per_job * len(ids) + 20


LIST_OFF = faults.status(405, call="list")


def waits_kept(asked: Sequence[Asked], seconds: float) -> bool:
    """Whether nothing that was refused was asked for again before its time."""
    refused: dict[tuple[str, str], float] = {}
    for one in sorted(asked, key=lambda one: one.began):
        before = refused.pop(one.target, None)
        if before is not None and one.began - before < seconds:
            return False
        if one.status in {429, 503}:
            refused[one.target] = one.ended
    return True


class TestRefusals:
    def test_row_01_refusals_by_chance_without_a_header(self) -> None:
        result = run(LIST_OFF, faults.status(429, share=0.3))
        assert_all(result)
        assert any("slowed down" in note for note in result.fetched.notes)

    @pytest.mark.parametrize("form", ["seconds", "date", "ms"])
    def test_row_02_a_stated_wait_is_kept(self, form: str) -> None:
        result = run(LIST_OFF, faults.status(429, share=0.3, retry_after=2, form=form), ids=IDS[:60])
        assert_all(result, IDS[:60])
        # A date has whole seconds: what is left of the running one is the server's own rounding.
        assert waits_kept(result.asked, 1.0 if form == "date" else 2.0)

    @pytest.mark.parametrize("skew_s", [90.0, -90.0])
    def test_row_03_a_date_is_read_by_the_servers_own_clock(self, skew_s: float) -> None:
        refusals = faults.status(429, share=0.3, retry_after=3, form="date", skew_s=skew_s)
        result = run(LIST_OFF, refusals, ids=IDS[:40])
        assert_all(result, IDS[:40])
        assert waits_kept(result.asked, 2.0)
        assert result.seconds < 90

    @pytest.mark.parametrize("value", ["0", "-5", "soon\x7f", "1000000000"])
    def test_row_04_a_wait_that_is_none_is_as_good_as_none(self, value: str) -> None:
        assert_all(run(LIST_OFF, faults.status(429, share=0.2, retry_after=value), ids=IDS[:60]), IDS[:60])

    @pytest.mark.parametrize("code", [429, 503])
    def test_row_04_one_job_that_is_told_to_wait_for_hours_stops_no_other(self, code: int) -> None:
        result = run(LIST_OFF, faults.status(code, ids=IDS[:1], retry_after=7_200, call="get"))
        assert result.kinds() == {IDS[0]: "unavailable"}
        assert "it asks to wait 7,200 s" in result.fetched.problems[0][3]
        assert len(result.stored) == 199
        assert result.server.n_requests <= 202

    def test_row_04_a_wait_beyond_patience_ends_the_fetch_at_once_and_says_when_to_go_on(self, tmp_path: Path) -> None:
        clock = Time()
        limiter = faults.limiter(faults.FixedWindow(20, 1_200, clock=clock), retry_after=True)
        result = run(LIST_OFF, limiter, archive=tmp_path / "jobs.db", clock=clock)
        assert len(result.stored) == 20
        assert result.server.n_requests <= 2 + 20 + 12
        assert result.seconds < 60
        assert any(re.search("asks to wait 1,[12][0-9][0-9] s", note) for note in result.fetched.notes)

    def test_row_04_whoever_asks_again_before_its_time_makes_hardly_a_request(self) -> None:
        with lcn.demo_server(
            [BODIES[job_id] for job_id in IDS],
            faults=[LIST_OFF, faults.limiter(faults.FixedWindow(20, 1_200), retry_after=True)],
        ) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            lcn.fetch_jobs(IDS, client=client, progress=False)
            server.reset()
            again = lcn.fetch_jobs(IDS, client=client, progress=False)
            assert 1 <= server.n_requests <= 16
        assert len(again.problems) == 200
        assert any("stopped early" in note and "wait" in note for note in again.notes)

    def test_row_05_an_honest_wait_above_a_minute_is_kept_to_the_end(self) -> None:
        clock = Time()
        limiter = faults.limiter(faults.FixedWindow(100, 75, clock=clock), retry_after=True)
        result = run(LIST_OFF, limiter, ids=IDS[:150], clock=clock)
        assert_all(result, IDS[:150])
        assert 70 <= result.seconds <= 90

    def test_row_06_twenty_a_minute_with_the_list_and_without(self) -> None:
        clock = Time()

        def limiter() -> faults.Fault:
            return faults.limiter(faults.TokenBucket(20 / 60, 20, clock=clock), retry_after=False)

        result = run(limiter(), ids=IDS[:60], clock=clock)
        assert_all(result, IDS[:60])
        assert result.server.n_requests <= 2
        result = run(LIST_OFF, limiter(), ids=IDS[:40], clock=clock)
        assert_all(result, IDS[:40])
        assert result.seconds <= 100

    @pytest.mark.parametrize(("rate", "header"), [(40, False), (5, False), (5, True)])
    def test_row_07_a_token_bucket(self, rate: float, header: bool) -> None:
        clock = Time()
        bucket = faults.TokenBucket(rate, rate, clock=clock)
        result = run(LIST_OFF, faults.limiter(bucket, retry_after=header), clock=clock)
        assert_all(result)
        assert result.seconds <= 1.8 * (200 - rate) / rate + 5

    def test_row_08_two_at_a_time(self) -> None:
        result = run(LIST_OFF, faults.limiter(faults.Concurrency(2)), faults.latency(0.005), ids=IDS[:80])
        assert_all(result, IDS[:80], per_job=4)

    @pytest.mark.parametrize("code", [503, 500])
    def test_row_08_four_connections_at_a_time(self, code: int) -> None:
        refusal = faults.limit_connections(4, code=code)
        result = run(LIST_OFF, refusal, faults.latency(0.005), ids=IDS[:120])
        assert_all(result, IDS[:120], per_job=1.5)
        assert result.seconds < 15

    def test_row_09_errors_of_the_server_and_of_what_stands_before_it(self) -> None:
        codes = [500, 502, 503, 504, 520, 524, 529]
        assert_all(run(LIST_OFF, faults.status(codes, share=0.4)), per_job=3)
        result = run(LIST_OFF, faults.status(503, first=1, retry_after=2), ids=IDS[:40])
        assert_all(result, IDS[:40])
        assert waits_kept(result.asked, 2.0)

    def test_row_09_many_jobs_that_always_fail_cost_no_other_job(self) -> None:
        result = run(LIST_OFF, faults.status(500, ids=IDS[:20], call="get"), ids=IDS[:100])
        assert set(result.kinds()) == set(IDS[:20])
        assert set(result.kinds().values()) == {"unavailable"}
        assert len(result.stored) == 80

    def test_row_09_first_attempts_that_all_fail_are_made_up_for_soon(self) -> None:
        result = run(LIST_OFF, faults.status(500, first=1, call="get"))
        assert_all(result)
        assert result.seconds < 30

    @pytest.mark.parametrize("codes", [[408, 409], [444, 499]], ids=repr)
    def test_row_10_conflicts_and_timeouts_of_the_server(self, codes: list[int]) -> None:
        assert_all(run(LIST_OFF, faults.status(codes, share=0.3)))

    @pytest.mark.parametrize(
        "fault",
        [faults.status(503, for_s=45.0), faults.reset("before", for_s=30.0), faults.status(500, for_s=8.0)],
        ids=repr,
    )
    def test_row_11_an_outage_is_sat_out(self, fault: faults.Fault) -> None:
        result = run(LIST_OFF, fault)
        assert_all(result)
        assert result.seconds < 75

    def test_row_11_an_outage_beyond_patience_ends_with_what_there_is(self, tmp_path: Path) -> None:
        result = run(LIST_OFF, faults.status(503, after=100), archive=tmp_path / "jobs.db", patience_s=20.0)
        assert 50 <= len(result.stored) < 200
        assert set(result.kinds().values()) == {"unavailable"}
        assert any("goes on from the archive" in note for note in result.fetched.notes)
        assert_all(run(archive=tmp_path / "jobs.db"))

    def test_row_12_a_key_that_is_revoked_stops_the_fetch(self, tmp_path: Path) -> None:
        result = run(LIST_OFF, faults.status(401, after=100), archive=tmp_path / "jobs.db")
        refused = [request for request in result.server.requests if request.status == 401]
        assert 1 <= len(refused) <= WIDTH
        assert set(result.kinds().values()) == {"unauthorized"}
        again = run(archive=tmp_path / "jobs.db")
        assert_all(again)
        assert again.server.n_requests <= 2

    def test_row_13_six_that_are_refused_are_asked_for_once(self) -> None:
        bad = dict(zip(IDS[:6], [403, 404, 410, 422, 400, 451], strict=True))
        refusals = [faults.status(code, ids=[job_id], call="get") for job_id, code in bad.items()]
        result = run(LIST_OFF, *refusals)
        assert set(result.kinds()) == set(bad)
        assert {row[0]: row[2] for row in result.fetched.problems} == bad
        assert len(result.stored) == 194
        assert result.server.n_requests <= 200 + 3

    def test_row_14_credits_that_are_out_stop_the_fetch(self) -> None:
        result = run(LIST_OFF, faults.status(402))
        assert result.server.n_requests <= 20
        assert set(result.kinds().values()) == {"unauthorized"}
        assert "credits are out" in result.fetched.problems[0][3]


class TestTransport:
    @pytest.mark.parametrize("where", ["before", "headers", "body"])
    @pytest.mark.parametrize("how", ["reset", "close"])
    def test_row_15_connections_that_break(self, where: str, how: Any) -> None:
        assert_all(run(LIST_OFF, faults.reset(where, how=how, share=0.25)))

    def test_row_16_connections_that_are_dead_when_used_again(self) -> None:
        assert_all(run(LIST_OFF, faults.dead_on_reuse()), per_job=2.1)

    def test_row_16_they_are_no_attempt_and_no_reason_to_wait(self) -> None:
        with lcn.demo_server([BODIES[job_id] for job_id in IDS], faults=[LIST_OFF, faults.dead_on_reuse()]) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            jobset = lcn.fetch_jobs(IDS, client=client, progress=False, retry_budget=0)
        assert jobset.jobs["job_id"].tolist() == IDS

    @pytest.mark.parametrize("kind", ["truncated", "no_last_chunk", "false_gzip", "truncated_gzip", "short_length"])
    def test_row_17_bodies_that_are_cut_short(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.broken(kind, share=0.25)))

    @pytest.mark.parametrize("kind", ["bad_status_line", "two_lengths", "big_header"])
    def test_row_18_garbage_on_the_wire(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.broken(kind, share=0.25)))

    @pytest.mark.parametrize("call", ["get", "list"])
    def test_row_18_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(
        self, call: Literal["get", "list"]
    ) -> None:
        plan = [faults.broken("twice", call=call), *([LIST_OFF] if call == "get" else [])]
        assert_all(run(*plan))

    def test_row_18_pages_that_come_twice_cost_a_list_no_job(self) -> None:
        with lcn.demo_server(list(BODIES.values())[:450], faults=faults.broken("twice", call="list")) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            jobset = lcn.fetch_jobs(client=client, progress=False)
            assert set(jobset.jobs["job_id"]) == set(server.job_ids)
        assert not [note for note in jobset.notes if "may lack some" in note]

    @pytest.mark.parametrize(
        "kind", ["early_hints", "http10", "bom", "utf16", "text_plain", "no_type", "cookies", "gzip_members"]
    )
    def test_row_18_what_is_odd_but_lawful(self, kind: str) -> None:
        result = run(LIST_OFF, faults.odd(kind), ids=IDS[:50])
        assert result.fetched.problems == []
        assert {job_id: json.loads(body) for job_id, body in result.stored.items()} == {
            job_id: json.loads(BODIES[job_id]) for job_id in IDS[:50]
        }
        assert result.server.n_requests <= 51

    @pytest.mark.parametrize("where", ["before", "body"])
    def test_row_19_answers_that_never_come(self, where: str) -> None:
        fault = faults.hang(where, ids=IDS[:3], first=1, call="get")
        result = run(LIST_OFF, fault, ids=IDS[:60], clock=Time(LAPSE), timeout_s=SHORT_S)
        assert_all(result, IDS[:60])
        assert result.seconds < 45

    def test_row_19_a_server_that_hangs_for_a_while(self) -> None:
        result = run(LIST_OFF, faults.hang("before", for_s=20.0), ids=IDS[:60], clock=Time(LAPSE), timeout_s=SHORT_S)
        assert_all(result, IDS[:60])

    @pytest.mark.parametrize("part", ["head", "body"])
    def test_row_20_a_byte_now_and_then(self, part: Any) -> None:
        fault = faults.drip(part, every_s=0.1, ids=IDS[:3], first=1, call="get")
        result = run(LIST_OFF, fault, ids=IDS[:60], clock=Time(LAPSE), timeout_s=SHORT_S)
        assert_all(result, IDS[:60])
        assert result.seconds < 75

    def test_row_21_slow_answers_are_no_fault(self) -> None:
        result = run(LIST_OFF, faults.latency(0.06), ids=IDS[:60])
        assert_all(result, IDS[:60])
        assert result.server.n_requests == 60 + 1


class TestAnswersThatAreNone:
    def test_row_22_a_proxys_page_now_and_then(self) -> None:
        assert_all(run(LIST_OFF, faults.answer("html", share=0.2)))

    def test_row_22_a_proxys_page_always(self) -> None:
        result = run(faults.answer("html"), ids=IDS[:40])
        assert result.stored == {}
        assert set(result.kinds().values()) == {"invalid_answer"}
        assert "a proxy or sign-in page answers instead of the service" in result.fetched.problems[0][3]
        assert result.seconds < 60

    @pytest.mark.parametrize("kind", ["half", "not_json", "bad_utf8"])
    def test_row_23_bodies_that_are_no_json(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.answer(kind, first=1, call="get"), ids=IDS[:60]), IDS[:60])

    @pytest.mark.parametrize(
        "kind", ["empty", "null", "list", "string", "detail", "no_content", "partial", "not_modified"]
    )
    def test_row_24_answers_that_are_no_object(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.answer(kind, share=0.3, call="get")))

    def test_row_25_another_jobs_body(self) -> None:
        assert_all(run(LIST_OFF, faults.answer("other_job", share=0.3, call="get")))

    @pytest.mark.parametrize("kind", ["missing", "wrong_type"])
    def test_row_26_fields_that_break_the_schema(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.answer(kind, share=0.3, call="get")))
        result = run(LIST_OFF, faults.answer(kind, ids=IDS[:2], call="get"), ids=IDS[:30])
        assert result.kinds() == {IDS[0]: "invalid_answer", IDS[1]: "invalid_answer"}

    @pytest.mark.parametrize("kind", ["nan", "infinity", "1e999", "long_integer"])
    def test_row_27_numbers_that_are_none(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.answer(kind, share=0.3, call="get")))

    @pytest.mark.parametrize("kind", ["nested", "duplicate_keys"])
    def test_row_28_nesting_and_keys_that_forge(self, kind: str) -> None:
        assert_all(run(LIST_OFF, faults.answer(kind, share=0.3, call="get")))

    @pytest.mark.parametrize("kind", ["bomb", "double_bomb", "big_body"])
    def test_row_29_answers_beyond_all_measure(self, kind: str) -> None:
        result = run(LIST_OFF, faults.broken(kind, ids=IDS[:1], first=1, call="get", size_mb=40), ids=IDS[:30])
        assert_all(result, IDS[:30])

    @pytest.mark.parametrize("call", ["get", "list"])
    def test_row_30_a_redirect_to_another_origin_is_never_followed(self, call: Any) -> None:
        with lcn.demo_server([BODIES[job_id] for job_id in IDS]) as other:
            faulty = faults.redirect(other.base_url, call=call, first=1)
            result = run(faulty, *([LIST_OFF] if call == "get" else []), ids=IDS[:60])
            assert other.n_requests == 0
        assert_all(result, IDS[:60])

    @pytest.mark.parametrize("to", ["loop", "file:///etc/hostname"])
    def test_row_31_redirects_in_a_loop_and_to_a_file(self, to: str) -> None:
        result = run(LIST_OFF, faults.redirect(to, ids=IDS[:3], call="get"), ids=IDS[:60])
        assert result.kinds() == dict.fromkeys(IDS[:3], "invalid_answer")
        assert result.server.n_requests <= 120


class TestLists:
    @pytest.mark.parametrize(
        ("row", "kind"),
        [
            (32, "repeat"),
            (33, "skip"),
            (33, "omit"),
            (34, "self_token"),
            (34, "endless"),
            (35, "empty"),
            (35, "short"),
            (36, "ignore_ids"),
            (39, "stale"),
            (39, "no_result"),
            (40, "total_half"),
            (40, "total_minus"),
            (41, "expire"),
        ],
    )
    def test_rows_32_to_41_a_list_that_cannot_be_trusted(self, row: int, kind: str) -> None:
        share = {"share": 0.1} if kind in {"omit", "stale"} else {}
        result = run(faults.listing(kind, **share), served=list(BODIES)[:1_560], ids=IDS)
        if kind == "no_result":  # a failed job is whole without one: null, or not there
            failed = {job_id for job_id in IDS if b'"FAILED"' in BODIES[job_id]}
            assert failed <= set(result.stored)
            result.stored.update({job_id: BODIES[job_id] for job_id in failed})
        assert_all(result)

    @pytest.mark.parametrize("code", [404, 405])
    def test_row_37_a_list_that_is_switched_off(self, code: int) -> None:
        result = run(faults.status(code, call="list"))
        assert_all(result)
        assert sum(request.path == PATH for request in result.server.requests) <= 2

    @pytest.mark.parametrize("fault", [faults.limit_url(2_000), faults.limit_ids(10)], ids=repr)
    def test_row_38_packs_that_are_too_large(self, fault: faults.Fault) -> None:
        result = run(fault)
        assert_all(result)
        assert result.server.n_requests <= 100

    def test_row_41_a_list_that_fails_most_of_the_time(self) -> None:
        assert_all(run(faults.status(500, share=0.6, call="list"), faults.status(429, share=0.2, call="list")))

    @pytest.mark.parametrize("code", [500, 429])
    def test_row_41_a_list_that_never_works_costs_none_of_many_jobs(self, code: int) -> None:
        ids = list(BODIES)[:1_600]
        result = run(faults.status(code, call="list"), ids=ids)
        assert_all(result, ids, per_job=1.1)
        assert result.seconds < 120

    @pytest.mark.parametrize(("code", "wait_s"), [(429, 3_600), (429, 90), (503, 600), (401, None), (402, None)])
    def test_row_41_a_list_that_alone_refuses_for_long_or_for_good(self, code: int, wait_s: float | None) -> None:
        result = run(faults.status(code, call="list", retry_after=wait_s), ids=IDS[:60])
        assert_all(result, IDS[:60], per_job=1.0)

    def test_row_41_an_outage_leaves_the_list_to_be_used_after_it(self) -> None:
        ids = list(BODIES)[:1_600]
        result = run(faults.status(503, for_s=20.0), ids=ids)
        assert_all(result, ids, per_job=0.1)

    @pytest.mark.parametrize("kind", ["html", "half", "nan"])
    def test_row_42_pages_that_are_spoiled(self, kind: str) -> None:
        assert_all(run(faults.answer(kind, call="list", first=1)))
        assert_all(run(faults.answer("nan", call="list", ids=IDS[:1])))


class TestJobsAndIds:
    def test_row_43_jobs_that_finish_while_they_are_read(self) -> None:
        result = run(faults.finishing(3), ids=IDS[:20])
        assert len(result.stored) == 20
        for job_id, body in result.stored.items():
            assert json.loads(body)["status"] in {"PENDING", "RUNNING", json.loads(BODIES[job_id])["status"]}

    def test_row_44_and_45_what_nobody_has_heard_of_is_kept_byte_for_byte(self) -> None:
        lines = (Path(__file__).parent / "data" / "edge_cases.jsonl").read_bytes().split(b"\n")[:65]
        bodies = {json.loads(line)["id"]: line for line in lines}
        known = {job_id: body for job_id, body in bodies.items() if lcn.client.answers.is_job_id(job_id)}
        result = run(ids=list(known), jobs=list(known.values()))
        assert result.fetched.problems == [] or set(result.kinds().values()) == {"invalid_answer"}
        assert result.stored == {job_id: known[job_id] for job_id in result.stored}

    def test_row_46_every_id_three_times(self) -> None:
        with lcn.demo_server([BODIES[job_id] for job_id in IDS]) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            jobset = lcn.fetch_jobs([*IDS, *IDS, *IDS], client=client, progress=False)
            assert server.n_requests == 2
        assert jobset.jobs["job_id"].tolist() == IDS

    def test_row_47_ids_that_would_leave_their_place(self) -> None:
        evil = ["../admin", "a/b", "a?x=1", "a#b", "a\nb", "a\r\nHost: x", "%2e%2e", "x" * 10_000, "\u202e", "a b"]
        with lcn.demo_server([BODIES[IDS[0]]]) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            jobset = lcn.fetch_jobs([IDS[0], *evil], client=client, progress=False)
            assert {request.path for request in server.requests} <= {PATH, f"{PATH}/{IDS[0]}"}
        assert jobset.problems["job_id"].tolist() == evil
        assert set(jobset.problems["kind"]) == {"invalid_id"}
        assert jobset.problems["message"].str.fullmatch(r"[ -~…]+").all()

    def test_row_48_thirteen_faults_at_once(self) -> None:
        share, clock = 0.03, Time()
        many = [
            faults.limiter(faults.TokenBucket(40, 40, clock=clock), retry_after=False),
            faults.status(429, share=share),
            faults.status([500, 502], share=share),
            faults.status(503, share=share, retry_after=1),
            faults.reset("before", share=share),
            faults.reset("body", share=share),
            faults.broken("truncated_gzip", share=share),
            faults.answer("html", share=share),
            faults.answer("half", share=share),
            faults.answer("empty", share=share),
            faults.answer("other_job", share=share, call="get"),
            faults.answer("duplicate_keys", share=share, call="get"),
            faults.redirect("http://127.0.0.1:9", share=share),
        ]
        ids = list(BODIES)[:300]
        result = run(LIST_OFF, *many, ids=ids, clock=clock)
        assert_all(result, ids, per_job=4)
        assert result.seconds <= 90
