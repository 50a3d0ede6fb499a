"""Fetching: every id becomes a job or a problem, with as few requests as will do, over real HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
from llama_classify_nb.client import PATH
from llama_classify_nb.demo import DemoServer, faults, sample_jobs
from llama_classify_nb.exceptions import ArgumentError, FetchInterrupted, InvalidAnswerError
from llama_classify_nb.pacing import WIDTH

LINES = sample_jobs()[:250]
SHORT = {**json.loads(LINES[0]), "configuration": {"rules": [{"type": "a", "description": "b"}]}}
RAW = {job["id"]: job for job in map(json.loads, LINES)}


def fetch(server: DemoServer, ids: Any = None, **options: Any) -> lcn.JobSet:
    options.setdefault("client", lcn.Client(server.api_key, base_url=server.base_url))
    return lcn.fetch_jobs(ids, progress=False, **options)


def assert_whole(jobset: lcn.JobSet, ids: list[str]) -> None:
    """Every job is there, in order, and each is the one that was served."""
    assert jobset.jobs["job_id"].tolist() == ids
    assert len(jobset.problems) == 0
    assert all(jobset.raw(job_id) == RAW[job_id] for job_id in ids[:: max(1, len(ids) // 20)])


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in set(threading.enumerate()) - before if "llama" in thread.name]
    assert left == []


class TestKnownIds:
    def test_the_tables_are_those_of_the_file(self, sample: lcn.JobSet) -> None:
        with lcn.demo_server() as server:
            fetched = fetch(server, sample.jobs["job_id"])
            assert fetched.n_requests == server.n_requests <= 60 + 14
        pd.testing.assert_frame_equal(fetched.jobs, sample.jobs)
        pd.testing.assert_frame_equal(fetched.rules, sample.rules)
        pd.testing.assert_frame_equal(fetched.job_rules(), sample.job_rules())

    def test_a_hundred_are_asked_for_at_a_time(self, server: DemoServer) -> None:
        assert_whole(fetch(server, server.job_ids), server.job_ids)
        assert [(request.path, len(request.ids)) for request in server.requests] == [
            (PATH, 100),
            (PATH, 100),
            (PATH, 50),
        ]

    def test_what_the_archive_holds_is_never_asked_for_again(self, server: DemoServer, tmp_path: Path) -> None:
        running = {**RAW[server.job_ids[0]], "status": "RUNNING", "result": None, "updated_at": "2020-01-01T00:00:00Z"}
        server.set_job(server.job_ids[0], running)
        first = fetch(server, server.job_ids, archive=tmp_path / "jobs.db")
        assert first.jobs["outcome"][0] == "unfinished"
        server.set_job(server.job_ids[0], RAW[server.job_ids[0]])
        server.reset()
        second = fetch(server, server.job_ids, archive=tmp_path / "jobs.db")
        assert {job_id for request in server.requests for job_id in request.ids} == {server.job_ids[0]}
        assert_whole(second, server.job_ids)
        assert "249 finished jobs were in the archive: no request was made for them" in second.notes
        server.reset()
        third = fetch(server, server.job_ids, archive=tmp_path / "jobs.db")
        assert server.n_requests == third.n_requests == 0

    def test_a_refresh_asks_for_all_again(self, server: DemoServer, tmp_path: Path) -> None:
        fetch(server, server.job_ids, archive=tmp_path / "jobs.db")
        job_id = server.job_ids[3]
        server.set_job(job_id, {**RAW[job_id], "updated_at": "2030-01-01T00:00:00Z", "error_message": "late"})
        jobset = fetch(server, server.job_ids, archive=tmp_path / "jobs.db", refresh=True)
        assert jobset.jobs.set_index("job_id").loc[job_id, "error_message"] == "late"

    def test_a_job_that_is_gone_keeps_its_archived_row(self, server: DemoServer, tmp_path: Path) -> None:
        ids = server.job_ids
        fetch(server, ids, archive=tmp_path / "jobs.db")
        server.set_job(ids[3], None)
        jobset = fetch(server, ids, archive=tmp_path / "jobs.db", refresh=True)
        assert_whole(jobset, ids)
        assert "1 job could not be asked for again: the archive's older answer stands" in jobset.notes

    def test_every_id_is_a_job_or_a_problem(self, server: DemoServer) -> None:
        asked = [
            server.job_ids[4],
            "nobody",
            f" {server.job_ids[2]}",
            "../escape",
            "",
            server.job_ids[4],
            None,
            "no-one",
        ]
        jobset = fetch(server, asked)
        assert jobset.jobs["job_id"].tolist() == [server.job_ids[4], server.job_ids[2]]
        problems = jobset.problems.astype({"status_code": "float"}).fillna({"status_code": -1})
        assert list(problems.drop(columns="message").itertuples(index=False, name=None)) == [
            ("nobody", "not_found", 404, False, 1),
            ("no-one", "not_found", 404, False, 1),
            ("../escape", "invalid_id", -1, False, 0),
        ]
        assert all("escape" not in request.path + request.query for request in server.requests)

    def test_no_ids_make_no_request(self, server: DemoServer) -> None:
        assert len(fetch(server, [])) == server.n_requests == 0

    def test_the_project_and_organization_are_sent_with_every_request(self, server: DemoServer) -> None:
        fetch(server, [*server.job_ids[:2], "nobody"], project_id="prj-x", organization_id="org-y")
        assert server.n_requests == 4
        for request in server.requests:
            assert "project_id=prj-x" in request.query
            assert "organization_id=org-y" in request.query


class TestFilters:
    @pytest.mark.parametrize("status", ["COMPLETED", "failed", "PENDING", "CANCELLED"])
    def test_a_status(self, server: DemoServer, status: str) -> None:
        expected = {job_id for job_id, job in RAW.items() if job["status"] == status.upper()}
        assert set(fetch(server, status=status).jobs["job_id"]) == expected

    def test_a_saved_configuration(self, server: DemoServer) -> None:
        for name in {job["configuration_id"] for job in RAW.values()}:
            expected = {job_id for job_id, job in RAW.items() if job["configuration_id"] == name}
            assert set(fetch(server, configuration_id=name).jobs["job_id"]) == expected

    def test_moments_of_creation_with_both_ends(self, server: DemoServer) -> None:
        times = sorted(job["created_at"] for job in RAW.values())
        low, high = times[50], times[180]
        expected = {job_id for job_id, job in RAW.items() if low <= job["created_at"] <= high}
        for after, before in ((low, high), (pd.Timestamp(low), pd.Timestamp(high).tz_convert("Asia/Tokyo"))):
            jobset = fetch(server, created_after=after, created_before=before)
            assert set(jobset.jobs["job_id"]) == expected

    @pytest.mark.parametrize("limit", [0, 1, 99, 100, 101, 249, 250, 1_000])
    def test_a_limit_counts_jobs(self, server: DemoServer, limit: int) -> None:
        assert len(fetch(server, limit=limit)) == min(limit, 250)

    def test_nothing_but_the_project_gives_all_in_the_order_listed(self, server: DemoServer) -> None:
        jobset = fetch(server)
        assert_whole(jobset, server.job_ids)
        assert jobset.n_requests == 3

    @pytest.mark.parametrize("kind", ["repeat", "empty", "short", "total_half", "total_minus", "total_missing"])
    def test_an_odd_list_loses_and_repeats_nothing(self, kind: str) -> None:
        with lcn.demo_server(LINES, faults=faults.listing(kind)) as server:
            jobset = fetch(server)
            assert sorted(jobset.jobs["job_id"]) == sorted(RAW)

    @pytest.mark.parametrize("kind", ["self_token", "endless"])
    def test_a_list_that_runs_in_circles_ends(self, kind: str) -> None:
        with lcn.demo_server(LINES, faults=faults.listing(kind)) as server:
            jobset = fetch(server)
            assert server.n_requests < 12
        assert any("ran in circles" in note for note in jobset.notes)


def many(n: int, *, step_s: float = 37.0) -> list[bytes]:
    """Make jobs, one after the other; some at the very same moment."""
    jobs = []
    for i in range(n):
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=step_s * (i // 3) ** 1.1)
        job = {**SHORT, "id": f"job-{i:05d}", "created_at": at.isoformat().replace("+00:00", "Z")}
        jobs.append(json.dumps(job).encode())
    return jobs


class TestLongLists:
    """Lists that are worth reading in parts, side by side."""

    JOBS = many(6_000)
    IDS = tuple(f"job-{i:05d}" for i in range(6_000))

    @pytest.mark.parametrize("named", [{}, {"created_after": "2026-01-01"}, {"status": "COMPLETED"}])
    def test_they_are_read_side_by_side_and_whole(self, named: dict[str, str]) -> None:
        with lcn.demo_server(self.JOBS, latency_s=0.01) as server:
            jobset = fetch(server, **named)
            found = {request.query.partition("created_at_on_or_before=")[2] for request in server.requests}
        assert sorted(jobset.jobs["job_id"]) == list(self.IDS)
        assert jobset.problems.empty
        assert jobset.jobs["created_at"].is_monotonic_decreasing
        assert len(found) > 5
        assert jobset.n_requests < 60 * 1.6

    def test_a_limit_is_a_number_of_jobs_the_newest(self) -> None:
        with lcn.demo_server(self.JOBS) as server:
            jobset = fetch(server, limit=1_234)
            assert server.n_requests == 13
        newest = sorted(map(json.loads, self.JOBS), key=lambda job: job["created_at"], reverse=True)
        assert set(jobset.jobs["job_id"]) == {job["id"] for job in newest[:1_234]}

    def test_a_service_that_does_not_look_at_dates_is_read_by_one_list(self) -> None:
        with lcn.demo_server(self.JOBS, faults=faults.listing("ignore_ids")) as server:
            jobset = fetch(server)
        assert sorted(jobset.jobs["job_id"]) == list(self.IDS)
        assert jobset.n_requests < 60 + 20

    def test_dates_are_held_against_what_comes(self) -> None:
        after, before = "2026-01-02T00:00:00Z", "2026-01-02T12:00:00Z"
        expected = [json.loads(job)["id"] for job in self.JOBS if after <= json.loads(job)["created_at"] <= before]
        for plan in ([], [faults.listing("ignore_ids")]):
            with lcn.demo_server(self.JOBS, faults=plan) as server:
                jobset = fetch(server, created_after=after, created_before=before)
            assert sorted(jobset.jobs["job_id"]) == expected
        assert len(expected) > 500

    def test_jobs_that_come_and_go_meanwhile_cost_none_of_those_that_stay(self) -> None:
        class Living(httpx.AsyncHTTPTransport):
            n = 0

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                for _ in range(7):  # pages shift under the cursor: new jobs come first
                    self.n += 1
                    job = {
                        **SHORT,
                        "id": f"new-{self.n}",
                        "created_at": f"2026-06-01T00:{self.n // 60:02d}:{self.n % 60:02d}Z",
                    }
                    server.set_job(job["id"], json.dumps(job).encode())
                response = await super().handle_async_request(request)
                await response.aread()
                return response

        for named in ({}, {"created_before": "2026-07-01"}):
            with lcn.demo_server(self.JOBS) as server:
                client = lcn.Client(server.api_key, base_url=server.base_url, transport=Living())
                jobset = fetch(server, client=client, **named)
            assert set(self.IDS) <= set(jobset.jobs["job_id"])
            assert jobset.jobs["job_id"].is_unique

    @pytest.mark.parametrize("total", [[], [faults.listing("total_missing")]], ids=["total", "no total"])
    @pytest.mark.parametrize("n", [450, 6_000])
    def test_jobs_that_are_deleted_meanwhile_cost_none_of_those_that_stay(self, n: int, total: list[Any]) -> None:
        class Shrinking(httpx.AsyncHTTPTransport):
            n = 0

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await super().handle_async_request(request)
                await response.aread()
                for job_id in server.job_ids[:3] if self.n < 6 else []:  # what follows moves up under the cursor
                    server.set_job(job_id, None)
                self.n += 1
                return response

        with lcn.demo_server(self.JOBS[:n], faults=total) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url, transport=Shrinking())
            jobset = fetch(server, client=client)
            assert set(server.job_ids) <= set(jobset.jobs["job_id"])
        assert any("once more" in note for note in jobset.notes)

    def test_a_list_that_stays_as_it_is_is_read_once(self) -> None:
        for plan, n_more in ([], 0), ([faults.listing("total_missing")], 1):  # whether jobs have left the first page
            with lcn.demo_server(self.JOBS[:250], faults=plan) as server:
                assert fetch(server).n_requests == 3 + n_more
        with lcn.demo_server(self.JOBS[:450]) as server:
            assert fetch(server).n_requests == 5

    def test_what_the_archive_holds_is_not_asked_for_since_a_list_lags_behind(self, tmp_path: Path) -> None:
        with lcn.demo_server(self.JOBS[:50], faults=faults.listing("stale", after=1)) as server:
            fetch(server, archive=tmp_path / "jobs.db")
            assert fetch(server, archive=tmp_path / "jobs.db").n_requests == 1

    def test_tokens_that_expire_cost_a_page(self) -> None:
        with lcn.demo_server(self.JOBS, faults=faults.listing("expire", share=0.1)) as server:
            jobset = fetch(server)
        assert sorted(jobset.jobs["job_id"]) == list(self.IDS)
        assert jobset.problems.empty


class TestListsThatCannotBeTrusted:
    @staticmethod
    def paged(change: Any) -> tuple[lcn.Client, list[str]]:
        """Give a client whose list answers are changed on the way, and the paths that it asks for."""
        paths: list[str] = []

        def serve(request: httpx.Request) -> httpx.Response:
            paths.append(request.url.path)
            if request.url.path != PATH:
                return httpx.Response(200, json=RAW[request.url.path.rsplit("/", 1)[1]])
            ids = request.url.params.get_list("job_ids") or list(RAW)
            start = int(request.url.params.get("page_token", 0))
            page = ids[start : start + 100]
            more = start + 100 if start + 100 < len(ids) else None
            body = {"items": [RAW[job_id] for job_id in page], "next_page_token": more, "total_size": len(ids)}
            return httpx.Response(200, content=json.dumps(change(body)))

        return lcn.Client("llx-test", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve)), paths

    @pytest.mark.parametrize("token", ["", 0, False, True, 5.5, {"a": 1}, [], None])
    def test_an_odd_token_costs_no_job(self, token: Any) -> None:
        client, paths = self.paged(lambda page: {**page, "next_page_token": token, "total_size": 10**400})
        ids = list(RAW)
        assert_whole(lcn.fetch_jobs(ids, client=client, progress=False), ids)
        assert paths == [PATH] * 3

    def test_a_token_that_is_a_number_is_followed(self) -> None:
        client, paths = self.paged(lambda page: page)
        jobset = lcn.fetch_jobs(client=client, progress=False)
        assert sorted(jobset.jobs["job_id"]) == sorted(RAW)
        assert paths == [PATH] * 3

    def test_a_token_that_cannot_be_followed_is_told(self) -> None:
        client, _ = self.paged(lambda page: {**page, "next_page_token": {"offset": 100}})
        jobset = lcn.fetch_jobs(client=client, progress=False)
        assert len(jobset) == 100
        assert any("it may lack some" in note for note in jobset.notes)

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_a_job_that_stands_twice_on_a_page_the_newest_is_kept(self, order: int) -> None:
        old = {"updated_at": "2020-01-01T00:00:00Z", "error_message": "long ago"}
        client, _ = self.paged(
            lambda page: {**page, "items": [*page["items"], *({**job, **old} for job in page["items"])][::order]}
        )
        ids = list(RAW)[:80]
        assert_whole(lcn.fetch_jobs(ids, client=client, progress=False), ids)

    @pytest.mark.parametrize(
        "kind", ["omit", "skip", "stale", "no_result", "ignore_ids", "self_token", "endless", "short"]
    )
    def test_single_requests_make_it_whole(self, kind: str) -> None:
        with lcn.demo_server(
            LINES, faults=faults.listing(kind, **({"share": 0.2} if kind == "omit" else {}))
        ) as server:
            ids = server.job_ids[:120]
            assert_whole(fetch(server, ids), ids)
            assert server.n_requests <= 2 * len(ids)

    @pytest.mark.parametrize("code", [403, 404, 405])
    def test_a_list_that_is_switched_off_is_left_alone(self, code: int) -> None:
        with lcn.demo_server(LINES, faults=faults.status(code, call="list")) as server:
            assert_whole(fetch(server, server.job_ids), server.job_ids)
            assert sum(request.path == PATH for request in server.requests) <= 3

    @pytest.mark.parametrize("fault", [faults.limit_ids(10), faults.limit_url(2_000)])
    def test_packs_that_are_too_large_are_halved_until_they_fit(self, fault: Any) -> None:
        with lcn.demo_server(LINES, faults=fault) as server:
            assert_whole(fetch(server, server.job_ids), server.job_ids)
            assert all(request.path == PATH for request in server.requests)
            assert server.n_requests < 110

    def test_one_spoiled_item_costs_one_request(self) -> None:
        with lcn.demo_server(
            LINES, faults=faults.answer("nan", call="list", ids={json.loads(LINES[0])["id"]})
        ) as server:
            jobset = fetch(server, server.job_ids)
            assert_whole(jobset, server.job_ids)


class TestTrouble:
    @pytest.mark.parametrize(
        "fault",
        [
            faults.status(429, retry_after=0.05, form="ms", first=1),
            faults.status([500, 502, 503], share=0.3),
            faults.reset("body", share=0.3),
            faults.broken("truncated_gzip", first=1),
            faults.answer("html", first=1),
            faults.answer("half", first=1, call="get"),
            faults.answer("other_job", first=1, call="get"),
            faults.odd("utf16"),
        ],
        ids=repr,
    )
    def test_passing_trouble_loses_nothing(self, fault: Any) -> None:
        with lcn.demo_server(LINES[:40], faults=[fault, faults.listing("omit", share=0.5)]) as server:
            assert_whole(fetch(server, server.job_ids), server.job_ids)

    def test_a_key_that_is_not_accepted_stops_the_fetch_at_once_and_says_so(self, server: DemoServer) -> None:
        client = lcn.Client("llx-wrong", base_url=server.base_url)
        jobset = fetch(server, server.job_ids, client=client)
        assert server.n_requests <= 16
        assert jobset.problems["kind"].tolist() == ["unauthorized"] * 250
        assert jobset.problems["message"].str.contains("the key (from api_key=) was not accepted", regex=False).all()
        assert any("stopped early" in note for note in jobset.notes)
        assert "llx-wrong" not in repr(jobset) + jobset.problems.to_csv()

    def test_a_key_that_is_not_accepted_is_a_problem_of_a_list_too(self, server: DemoServer) -> None:
        jobset = fetch(server, client=lcn.Client("llx-wrong", base_url=server.base_url))
        assert jobset.problems["kind"].tolist() == ["unauthorized"]
        assert jobset.problems["job_id"].isna().all()

    @pytest.mark.parametrize(
        ("code", "kind"), [(400, "refused"), (403, "refused"), (410, "not_found"), (451, "refused")]
    )
    def test_a_job_that_is_refused_is_asked_for_once(self, code: int, kind: str) -> None:
        ids = [json.loads(line)["id"] for line in LINES]
        refusing = [faults.status(code, call="get", ids=ids[:3]), faults.listing("omit", ids=ids[:3])]
        with lcn.demo_server(LINES, faults=refusing) as server:
            jobset = fetch(server, ids)
            refused = [request.ids for request in server.requests if request.status == code]
        assert sorted(refused) == sorted((job_id,) for job_id in ids[:3])
        assert jobset.problems["kind"].tolist() == [kind] * 3
        assert jobset.problems["job_id"].tolist() == ids[:3]
        assert len(jobset) == 247


@pytest.fixture
def stop_button() -> Iterator[None]:
    """Let the signal of the stop button be heard: whoever starts the tests in the background has it ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


class TestStopping:
    @pytest.mark.usefixtures("stop_button")
    def test_the_stop_button_keeps_what_came_and_the_next_call_goes_on(self, tmp_path: Path) -> None:
        n, is_stopped = 0, False

        async def serve(request: httpx.Request) -> httpx.Response:
            nonlocal n
            if request.url.path == PATH:
                return httpx.Response(405)
            n += 1
            if n == 60 and not is_stopped:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            if n >= 60 and not is_stopped:
                await asyncio.Event().wait()  # it never comes: only the stop ends this
            return httpx.Response(200, json=RAW[request.url.path.rsplit("/", 1)[1]])

        client = lcn.Client("llx-test", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
        with pytest.raises(FetchInterrupted) as stopped:
            lcn.fetch_jobs(list(RAW), client=client, archive=tmp_path / "jobs.db", progress=False)
        partial = stopped.value.partial
        assert isinstance(stopped.value, KeyboardInterrupt)
        assert 40 <= len(partial) < 250
        assert len(partial) + len(partial.problems) == 250
        assert set(partial.problems["kind"]) == {"not_fetched"}
        with Archive(tmp_path / "jobs.db") as archive:
            assert set(archive.ids()) == set(partial.jobs["job_id"])
        is_stopped, n = True, 0
        rest = lcn.fetch_jobs(list(RAW), client=client, archive=tmp_path / "jobs.db", progress=False)
        assert_whole(rest, list(RAW))
        assert n == 250 - len(partial)

    def test_a_stop_while_tables_are_made_keeps_all(self, server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
        from llama_classify_nb import frames

        read_tables, interrupts = frames.read_tables, [KeyboardInterrupt()]

        def stopped_once(blocks: Any) -> Any:
            if interrupts:
                raise interrupts.pop()
            return read_tables(blocks)

        monkeypatch.setattr(frames, "read_tables", stopped_once)
        with pytest.raises(FetchInterrupted) as stopped:
            fetch(server, server.job_ids)
        assert_whole(stopped.value.partial, server.job_ids)

    def test_it_works_where_a_loop_is_running_and_in_a_thread(self, server: DemoServer) -> None:
        async def cell() -> lcn.JobSet:
            return fetch(server, server.job_ids)

        assert_whole(asyncio.run(cell()), server.job_ids)
        results: list[lcn.JobSet] = []
        thread = threading.Thread(target=lambda: results.append(fetch(server, server.job_ids)))
        thread.start()
        thread.join()
        assert_whole(results[0], server.job_ids)


class TestProgress:
    def test_nothing_is_printed_unless_asked(self, server: DemoServer, capsys: pytest.CaptureFixture[str]) -> None:
        fetch(server, server.job_ids)
        assert capsys.readouterr() == ("", "")

    def test_one_line_stays(self, server: DemoServer, client: lcn.Client, capsys: pytest.CaptureFixture[str]) -> None:
        lcn.fetch_jobs(server.job_ids, client=client)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("250 jobs and 0 problems in ")
        assert err.endswith("s, 3 requests\n")

    def test_a_terminal_shows_count_rate_refusals_and_the_time_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        plan = [faults.status(405, call="list"), faults.latency(0.02), faults.limiter(faults.TokenBucket(200, 20))]
        with lcn.demo_server(LINES[:100], faults=plan) as server:
            lcn.fetch_jobs(server.job_ids, client=lcn.Client(server.api_key, base_url=server.base_url))
        drawn, _, last = terminal.getvalue().rstrip("\n").rpartition("\r")
        assert re.search(r"\d+/100 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+ jobs/s, \d+ requests, \d+ refused\]", drawn)
        assert re.search(r"100 jobs and 0 problems in [\d.]+ s, \d+ requests, \d+ refused$", last)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"status": "DONE"}, "status is 'DONE': give one of PENDING"),
        ({"ids": ["a"], "status": "FAILED"}, "ids and a filter are both given"),
        ({"limit": -1}, "limit is -1"),
        ({"limit": 2.5}, "limit is 2.5"),
        ({"refresh": "some"}, "refresh is 'some': give one of unfinished, all, none"),
        ({"time_budget_s": -1}, "time_budget_s is -1: give a number of seconds"),
        ({"retry_budget": 1.5}, "retry_budget is 1.5: give a whole number"),
        ({"created_after": 5}, "created_after is 5"),
        ({"created_after": "soon"}, "created_after is 'soon'"),
        ({"created_before": float("nan")}, "created_before is nan"),
        ({"configuration_id": " "}, "configuration_id is ' '"),
        ({"project_id": 5}, "project_id is 5"),
        ({"client": "llx-key"}, "client is a str"),
        ({"ids": "job-1"}, "ids is the text 'job-1', and there is no such file"),
    ],
)
def test_an_argument_that_cannot_be_right_is_named(options: dict[str, Any], says: str, client: lcn.Client) -> None:
    with pytest.raises(ArgumentError, match=says):
        lcn.fetch_jobs(**{"client": client, "progress": False, **options})


def test_without_a_key_it_says_how_to_give_one() -> None:
    with pytest.raises(ArgumentError, match="set LLAMA_CLOUD_API_KEY"):
        lcn.fetch_jobs(["a"])


class TestBudgets:
    def test_a_time_budget_ends_the_fetch_and_the_next_call_goes_on(self, tmp_path: Path) -> None:
        slow = [faults.status(405, call="list"), faults.latency(0.05)]
        with lcn.demo_server(LINES, faults=slow) as server:
            jobset = fetch(server, server.job_ids, archive=tmp_path / "jobs.db", time_budget_s=0.4)
            assert 0 < len(jobset) < 250
            assert set(jobset.problems["kind"]) == {"not_fetched"}
            assert len(jobset) + len(jobset.problems) == 250
            assert any("the time budget of 0.4 s is used up" in note for note in jobset.notes)
            assert_whole(fetch(server, server.job_ids, archive=tmp_path / "jobs.db"), server.job_ids)

    def test_a_retry_budget_ends_the_fetch(self) -> None:
        failing = [faults.status(405, call="list"), faults.status(500, share=0.5)]
        with lcn.demo_server(LINES, faults=failing) as server:
            jobset = fetch(server, server.job_ids, retry_budget=5)
            assert len(jobset) + len(jobset.problems) == 250
            assert any("the retry budget of 5 is used up" in note for note in jobset.notes)
            assert sum(request.status == 500 for request in server.requests) <= 5 + WIDTH

    def test_an_archive_alone_may_answer(self, server: DemoServer, tmp_path: Path) -> None:
        ids = server.job_ids
        server.set_job(ids[0], {**RAW[ids[0]], "status": "RUNNING", "result": None})
        fetch(server, ids[:100], archive=tmp_path / "jobs.db")
        server.reset()
        jobset = fetch(server, ids[:100], archive=tmp_path / "jobs.db", refresh="none")
        assert server.n_requests == 0
        assert len(jobset) == 100


class TestWaiting:
    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from llama_classify_nb import fetch as module

        monkeypatch.setattr(module, "FIRST_POLL_S", 0.02)
        monkeypatch.setattr(module, "MAX_POLL_S", 0.05)

    def wait(self, server: DemoServer, ids: Any, timeout: float) -> lcn.JobSet:
        client = lcn.Client(server.api_key, base_url=server.base_url)
        return lcn.wait_for_jobs(ids, timeout=timeout, client=client, progress=False)

    def test_it_ends_when_all_jobs_have_and_asks_in_packs(self) -> None:
        with lcn.demo_server(LINES, faults=faults.finishing(6)) as server:
            ids = [job_id for job_id in server.job_ids if RAW[job_id]["status"] in {"COMPLETED", "FAILED"}][:100]
            jobset = self.wait(server, [*ids, "nobody"], timeout=30)
            assert jobset.jobs["outcome"].isin(["matched", "no_match", "failed"]).all()
            assert len(jobset) == 100
            assert jobset.problems["kind"].tolist() == ["not_found"]
            assert max(sum(request.ids == (one,) for request in server.requests) for one in ids) <= 12
            assert sum(request.path == f"{PATH}/nobody" for request in server.requests) == 1

    def test_it_ends_when_the_time_is_up_and_says_how_many_are_left(self) -> None:
        with lcn.demo_server(LINES, faults=faults.finishing(10_000)) as server:
            jobset = self.wait(server, server.job_ids[:20], timeout=0.2)
        assert (jobset.jobs["outcome"] == "unfinished").all()
        assert "20 still unfinished after 0.2 s" in jobset.notes

    def test_a_job_that_is_deleted_meanwhile_is_not_waited_for(self) -> None:
        class Deleting(httpx.AsyncHTTPTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await super().handle_async_request(request)
                await response.aread()
                if request.url.path.endswith(lost):
                    server.set_job(lost, None)
                return response

        running = {**RAW[json.loads(LINES[0])["id"]], "status": "RUNNING", "result": None}
        lost = running["id"]
        with lcn.demo_server([running]) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url, transport=Deleting())
            jobset = lcn.wait_for_jobs([lost], timeout=3_600, client=client, progress=False)
        assert jobset.jobs["outcome"].tolist() == ["unfinished"]
        assert any("older answer stands" in note for note in jobset.notes)

    def test_a_cancelled_job_has_ended(self) -> None:
        cancelled = {**RAW[json.loads(LINES[0])["id"]], "status": "CANCELLED", "result": None}
        with lcn.demo_server([cancelled]) as server:
            assert self.wait(server, server.job_ids, timeout=30).jobs["outcome"].tolist() == ["cancelled"]


class TestCounting:
    def test_it_takes_the_services_own_number(self, server: DemoServer, client: lcn.Client) -> None:
        assert lcn.count_jobs(client=client) == 250
        assert server.n_requests == 1
        expected = sum(job["status"] == "FAILED" for job in RAW.values())
        assert lcn.count_jobs(client=client, status="FAILED") == expected

    @pytest.mark.parametrize("kind", ["total_missing", "total_minus"])
    def test_without_a_number_it_counts(self, kind: str) -> None:
        with lcn.demo_server(LINES, faults=faults.listing(kind)) as server:
            assert lcn.count_jobs(client=lcn.Client(server.api_key, base_url=server.base_url)) == 250

    @pytest.mark.parametrize("token", ["again", {"page": 2}])
    def test_what_has_no_end_is_not_given_a_number(self, token: Any) -> None:
        page = {"items": list(RAW.values())[:3], "next_page_token": token}
        client = lcn.Client("llx-test", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=page)))
        with pytest.raises(InvalidAnswerError, match="no end that can be reached: 3 and more"):
            lcn.count_jobs(client=client)


def test_what_has_come_can_be_read_while_the_fetch_runs(tmp_path: Path) -> None:
    seen: list[int] = []

    async def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == PATH:
            return httpx.Response(405)
        job_id = request.url.path.rsplit("/", 1)[1]
        if job_id == last:  # it comes once another reader has seen all before it
            for _ in range(500):
                with Archive(tmp_path / "jobs.db") as archive:
                    seen.append(len(archive))
                if seen[-1] == 4:
                    break
                await asyncio.sleep(0.01)
        return httpx.Response(200, json=RAW[job_id])

    ids = list(RAW)[:5]
    last = ids[-1]
    client = lcn.Client("llx-test", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
    lcn.fetch_jobs(ids, client=client, archive=tmp_path / "jobs.db", progress=False)
    assert seen[-1] == 4
