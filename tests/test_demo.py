"""The demo server says what the API says, over real HTTP, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import gzip
import http.client
import json
import socket
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from llama_classify_nb.demo import DemoServer, demo_server, faults, sample_jobs, sample_path
from llama_classify_nb.exceptions import ArgumentError

PATH = "/api/v2/classify"
EDGE_CASES = Path(__file__).parent / "data" / "edge_cases.jsonl"
JOBS = [json.loads(line) for line in gzip.decompress(sample_path().read_bytes()).split(b"\n") if line]


@pytest.fixture(scope="module")
def served() -> Iterator[DemoServer]:
    with demo_server() as server:
        yield server


def make_job(job_id: str, **fields: Any) -> dict[str, Any]:
    return {**JOBS[0], "id": job_id, **fields}


def ask(
    server: DemoServer, target: str, *, method: str = "GET", key: str | None = "", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=10)
    if key is not None:
        headers["Authorization"] = f"Bearer {key or server.api_key}"
    try:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def wait_for_requests(server: DemoServer, n: int) -> None:
    for _ in range(5000):
        if server.n_requests >= n:
            return
        threading.Event().wait(0.002)
    pytest.fail(f"only {server.n_requests} of {n} requests came")


def ask_raw(server: DemoServer, request: bytes) -> bytes:
    """Send bytes as they are, and read until the server closes."""
    port = int(server.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(request)
        return b"".join(iter(lambda: peer.recv(65_536), b""))


def read_pages(server: DemoServer, **query: Any) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    token = None
    while token or not pages:
        more = {"page_token": token} if token else {}
        status, _, body = ask(server, f"{PATH}?{urlencode({**query, **more}, doseq=True)}")
        assert status == 200, body
        pages.append(json.loads(body))
        token = pages[-1]["next_page_token"]
    return pages


def listed(server: DemoServer, **query: Any) -> list[str]:
    return [item["id"] for page in read_pages(server, **query) for item in page["items"]]


# --- the sample


def test_the_sample_is_one_job_a_line_as_bytes() -> None:
    lines = sample_jobs()
    assert all(isinstance(line, bytes) for line in lines)
    assert [json.loads(line) for line in lines] == JOBS


def test_the_sample_is_found_inside_an_installed_package_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llama_classify_nb"
    (package / "sample").mkdir(parents=True)
    monkeypatch.setattr("llama_classify_nb.demo.sample.__file__", str(package / "demo" / "sample.py"))
    assert sample_path() == tmp_path / "data" / "documents_jobs.jsonl.gz"
    bundled = package / "sample" / "documents_jobs.jsonl.gz"
    bundled.touch()
    assert sample_path() == bundled


# --- one job


def test_a_job_is_answered_with_its_very_bytes(served: DemoServer) -> None:
    lines = sample_jobs()
    for line in lines[::1500]:
        assert ask(served, f"{PATH}/{json.loads(line)['id']}")[2] == line


def test_bytes_are_served_as_they_are_whatever_they_hold() -> None:
    lines = [line for line in EDGE_CASES.read_bytes().split(b"\n") if line]
    by_id = {json.loads(line)["id"]: line for line in lines}
    with demo_server(by_id.values()) as server:
        for job_id, line in by_id.items():
            assert ask(server, f"{PATH}/{quote(job_id, safe='')}")[2] == line
        page = read_pages(server, page_size=100)[0]
    assert sorted(item["id"] for item in page["items"]) == sorted(by_id)


def test_usage_is_added_only_when_it_is_asked_for() -> None:
    billed = make_job("billed", usage={"credits": 2, "parse_credits": 1})
    with demo_server([billed, make_job("unbilled")]) as server:
        assert "usage" not in json.loads(ask(server, f"{PATH}/billed")[2])
        assert json.loads(ask(server, f"{PATH}/billed?expand=usage")[2]) == billed
        assert json.loads(ask(server, f"{PATH}/unbilled?expand=usage")[2]) == make_job("unbilled", usage=None)


def test_raw_jobs_get_their_usage_too() -> None:
    with demo_server([json.dumps(make_job("a")).encode()]) as server:
        assert json.loads(ask(server, f"{PATH}/a?expand=usage")[2]) == make_job("a", usage=None)


def test_a_job_of_another_project_is_not_found(served: DemoServer) -> None:
    job = JOBS[0]
    assert ask(served, f"{PATH}/{job['id']}?project_id={job['project_id']}")[0] == 200
    assert ask(served, f"{PATH}/{job['id']}?project_id=another")[0] == 404


def test_an_escaped_id_is_understood() -> None:
    with demo_server([make_job("a b/ü")]) as server:
        assert json.loads(ask(server, f"{PATH}/a%20b%2F%C3%BC")[2])["id"] == "a b/ü"


# --- the listing


def test_pages_hold_every_job_once_the_newest_first(served: DemoServer) -> None:
    pages = read_pages(served, page_size=100)
    assert [len(page["items"]) for page in pages] == [100] * 59 + [92]
    assert {page["total_size"] for page in pages} == {len(JOBS)}
    items = [item for page in pages for item in page["items"]]
    assert items == sorted(JOBS, key=lambda job: job["created_at"], reverse=True)  # stable, and one form of time stamps
    assert served.job_ids == [item["id"] for item in items]


def test_a_page_holds_fifty_jobs_by_default(served: DemoServer) -> None:
    assert len(json.loads(ask(served, PATH)[2])["items"]) == 50


MIDDLE = sorted(job["created_at"] for job in JOBS)[3000]
FILTERS: list[tuple[dict[str, str], Any]] = [
    ({"status": "FAILED"}, lambda job: job["status"] == "FAILED"),
    ({"status": "CANCELLED"}, lambda job: job["status"] == "CANCELLED"),
    (
        {"configuration_id": JOBS[7]["configuration_id"]},
        lambda job: job["configuration_id"] == JOBS[7]["configuration_id"],
    ),
    ({"project_id": JOBS[0]["project_id"]}, lambda job: job["project_id"] == JOBS[0]["project_id"]),
    ({"project_id": "another"}, lambda _: False),
    ({"organization_id": "any"}, lambda _: True),
    ({"created_at_on_or_after": MIDDLE}, lambda job: job["created_at"] >= MIDDLE),
    ({"created_at_on_or_before": MIDDLE}, lambda job: job["created_at"] <= MIDDLE),
    (
        {"created_at_on_or_after": MIDDLE, "created_at_on_or_before": MIDDLE, "status": "COMPLETED"},
        lambda job: job["created_at"] == MIDDLE and job["status"] == "COMPLETED",
    ),
]


@pytest.mark.parametrize(("query", "belongs"), FILTERS, ids=[" ".join(query) for query, _ in FILTERS])
def test_a_filter_takes_what_a_plain_loop_takes(served: DemoServer, query: dict[str, str], belongs: Any) -> None:
    found = listed(served, page_size=100, **query)
    assert len(found) == len(set(found))
    assert set(found) == {job["id"] for job in JOBS if belongs(job)}


def test_dates_are_compared_as_moments_not_as_text() -> None:
    jobs = [
        make_job("early", created_at="2026-01-01T01:30:00+02:00"),
        make_job("late", created_at="2026-01-01T00:00:00Z"),
        make_job("odd", created_at="yesterday"),
        make_job("none", created_at=None),
    ]
    with demo_server(jobs) as server:
        assert server.job_ids[:2] == ["late", "early"]
        assert listed(server, created_at_on_or_before="2025-12-31T23:30:00.000Z") == ["early"]
        assert sorted(listed(server)) == ["early", "late", "none", "odd"]


def test_jobs_are_picked_by_id_each_once(served: DemoServer) -> None:
    wanted = [job["id"] for job in JOBS[10:40]]
    found = listed(served, job_ids=[*wanted, "unknown", wanted[0]], page_size=7)
    assert sorted(found) == sorted(wanted)
    assert found == [job_id for job_id in served.job_ids if job_id in set(wanted)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_size=" + "9" * 5000, "page_size"),
        ("status=DONE", "status"),
        ("created_at_on_or_after=soon", "created_at_on_or_after"),
        ("created_at_on_or_before=2026-13-01", "created_at_on_or_before"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(served: DemoServer, query: str, name: str) -> None:
    status, _, body = ask(served, f"{PATH}?{query}")
    assert status == 422
    assert [problem["loc"] for problem in json.loads(body)["detail"]] == [["query", name]]


def test_a_token_is_worth_something_for_its_own_listing_only(served: DemoServer) -> None:
    token = json.loads(ask(served, f"{PATH}?status=FAILED&page_size=1")[2])["next_page_token"]
    assert ask(served, f"{PATH}?status=FAILED&page_token={token}")[0] == 200
    for query in (f"page_token={token}", "page_token=made-up", "page_token=%00%FF", f"page_token={token}AAAA"):
        assert ask(served, f"{PATH}?{query}")[0] == 400


# --- what every service says


def test_answers_carry_what_a_service_sends(served: DemoServer) -> None:
    _, headers, body = ask(served, f"{PATH}/{JOBS[0]['id']}", **{"Accept-Encoding": "gzip"})
    assert headers["date"].endswith("GMT")
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    assert headers["content-encoding"] is None
    assert headers["x-request-id"] != ask(served, PATH)[1]["x-request-id"]


def test_head_is_get_without_its_body(served: DemoServer) -> None:
    target = f"{PATH}/{JOBS[0]['id']}"
    status, headers, body = ask(served, target, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == len(ask(served, target)[2])


@pytest.mark.parametrize("key", [None, "llx-wrong", "llx-demo-"])
def test_without_the_right_key_nothing_is_told(served: DemoServer, key: str | None) -> None:
    for target in (PATH, f"{PATH}/{JOBS[0]['id']}", f"{PATH}/unknown"):
        status, _, body = ask(served, target, key=key)
        assert (status, list(json.loads(body))) == (401, ["detail"])
    assert served.requests[-1].authorized is False


@pytest.mark.parametrize(
    "target", ["/", "/api/v2/classify/", "/api/v2/classify/a/b", "/api/v2/classifyx", "/x/api/v2/classify/a"]
)
def test_other_paths_are_not_found_whoever_asks(served: DemoServer, target: str) -> None:
    assert [ask(served, target, key=key)[0] for key in ("", None)] == [404, 404]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reads_are_allowed(served: DemoServer, method: str) -> None:
    status, headers, _ = ask(served, PATH, method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def test_a_long_url_is_refused_and_the_longest_is_not(served: DemoServer) -> None:
    room = 8190 - len(f"{PATH}?job_ids=")
    assert ask(served, f"{PATH}?job_ids={'x' * room}")[0] == 200
    assert ask(served, f"{PATH}?job_ids={'x' * (room + 1)}")[0] == 414


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET http://elsewhere/ HTTP/1.1\r\n\r\n",
        b"G\xc3T / HTTP/1.1 x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: none\r\n\r\n",
        b"GET / HTTP/1.1\r\nSpace : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01 a TLS hello \r\n\r\n",
    ],
)
def test_a_malformed_request_is_a_bad_request(served: DemoServer, request_: bytes) -> None:
    assert ask_raw(served, request_).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_an_endless_head_is_refused(served: DemoServer, end: bytes) -> None:
    answer = ask_raw(served, b"GET / HTTP/1.1\r\nX: " + b"x" * (70_000 - len(end)) + end)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_connection_is_kept_until_the_client_says_otherwise(served: DemoServer) -> None:
    one = f"GET {PATH}/unknown HTTP/1.1\r\nAuthorization: Bearer {served.api_key}\r\n"
    answer = ask_raw(served, f"{one}\r\n{one}\r\n{one}Connection: close\r\n\r\n{one}\r\n".encode())
    assert answer.count(b"HTTP/1.1 404") == 3
    assert answer.count(b"connection: close") == 1


def test_a_request_may_come_in_pieces(served: DemoServer) -> None:
    port = int(served.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET / HTTP/1.0\r\n\r\n":
            peer.sendall(bytes([byte]))
        assert peer.recv(65_536).startswith(b"HTTP/1.1 404")


def test_a_request_that_comes_too_early_is_answered_in_its_turn() -> None:
    plan = faults.latency(0.1, ids=["slow"])
    with (
        demo_server([make_job("slow"), make_job("fast")], faults=plan) as server,
        socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), timeout=10) as peer,
    ):
        key = f"Authorization: Bearer {server.api_key}\r\n"
        peer.sendall(f"GET {PATH}/slow HTTP/1.1\r\n{key}\r\n".encode())
        wait_for_requests(server, 1)
        peer.sendall(f"GET {PATH}/fast HTTP/1.1\r\n{key}Connection: close\r\n\r\n".encode())
        answers = b"".join(iter(lambda: peer.recv(65_536), b""))
    assert 0 < answers.find(b'"id": "slow"') < answers.find(b'"id": "fast"')


def test_it_listens_to_this_machine_only(served: DemoServer) -> None:
    assert served.base_url.startswith("http://127.0.0.1:")
    port = int(served.base_url.rpartition(":")[2])
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=1):  # loopback's other addresses
        pass


# --- a running server


def test_jobs_can_be_changed_while_it_runs() -> None:
    with demo_server([make_job("a"), make_job("b")]) as server:
        assert sorted(listed(server, job_ids=["a", "b", "c"])) == ["a", "b"]
        server.set_job("a", None)
        server.set_job("b", make_job("b", status="FAILED"))
        server.set_job("c", b"{not JSON")
        assert ask(server, f"{PATH}/a")[0] == 404
        assert json.loads(ask(server, f"{PATH}/b")[2])["status"] == "FAILED"
        assert ask(server, f"{PATH}/c")[2] == b"{not JSON"
        assert sorted(server.job_ids) == ["b", "c"]
        assert listed(server, job_ids=["a", "b"]) == ["b"]
        server.set_job("a", make_job("a"))
        assert sorted(listed(server, job_ids=["a", "b"])) == ["a", "b"]


def test_it_remembers_what_was_asked() -> None:
    with demo_server([make_job("a")]) as server:
        ask(server, f"{PATH}/a?expand=usage", Cookie="session=x")
        ask(server, f"{PATH}?job_ids=a&job_ids=b&page_size=2", key=None)
        first, second = server.requests
        assert (first.method, first.path, first.query, first.status) == ("GET", f"{PATH}/a", "expand=usage", 200)
        assert (first.authorized, first.cookies, first.ids) == (True, "session=x", ("a",))
        assert (second.status, second.authorized, second.cookies, second.ids) == (401, False, "", ("a", "b"))
        assert first.time <= second.time
        assert server.n_requests == 2
        server.reset()
        assert (server.n_requests, server.requests) == (0, [])


def test_many_clients_at_once_get_their_own_answers(served: DemoServer) -> None:
    ids = served.job_ids[:200]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda job_id: ask(served, f"{PATH}/{job_id}")[2], ids))
    assert [json.loads(body)["id"] for body in bodies] == ids


@pytest.mark.parametrize("plan", [None, faults.hang("body"), faults.drip(every_s=60), faults.latency(60)])
def test_stopping_leaves_nothing_behind_even_amid_an_answer(plan: faults.Fault | None) -> None:
    before = threading.enumerate()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server = demo_server([make_job("a")], faults=plan)
        port = int(server.base_url.rpartition(":")[2])
        peer = socket.create_connection(("127.0.0.1", port), timeout=10)
        peer.sendall(f"GET {PATH}/a HTTP/1.1\r\nAuthorization: Bearer {server.api_key}\r\n\r\n".encode())
        wait_for_requests(server, 1)
        server.stop()
        server.stop()
        peer.close()
        del peer
        gc.collect()
    assert threading.enumerate() == before
    assert "stopped" in repr(server)
    assert server.job_ids == ["a"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_client_that_goes_away_amid_an_answer_does_no_harm() -> None:
    with demo_server([make_job("a")], faults=faults.broken("big_body", first=1)) as server:
        port = int(server.base_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(f"GET {PATH}/a HTTP/1.1\r\nAuthorization: Bearer {server.api_key}\r\n\r\n".encode())
            assert peer.recv(100).startswith(b"HTTP/1.1 200")
        assert ask(server, f"{PATH}/a")[0] == 200


def test_its_key_is_made_up_anew_and_not_shown() -> None:
    with demo_server([make_job("a")]) as one, demo_server([make_job("a")]) as other:
        assert one.api_key.startswith("llx-demo-")
        assert one.api_key != other.api_key
        assert one.api_key not in repr(one)
        assert ask(other, PATH, key=one.api_key)[0] == 401


@pytest.mark.parametrize("job", [{"status": "COMPLETED"}, {"id": 7}, b"null", b"{half", b"[" * 100_000])
def test_a_job_without_an_id_is_refused_before_anything_runs(job: dict[str, Any] | bytes) -> None:
    before = threading.active_count()
    with pytest.raises(ArgumentError, match=r"jobs\[1\] has no id"):
        demo_server([make_job("a"), job])
    assert threading.active_count() == before


@pytest.mark.parametrize("latency_s", [-1.0, float("nan"), float("inf")])
def test_a_latency_that_cannot_be_is_refused(latency_s: float) -> None:
    with pytest.raises(ArgumentError, match="latency_s"):
        demo_server([], latency_s=latency_s)


# --- the official client reads it


@pytest.fixture(scope="module")
def llama_cloud() -> Any:
    return pytest.importorskip("llama_cloud")


def test_the_official_client_gets_the_same_jobs_by_both_calls(served: DemoServer, llama_cloud: Any) -> None:
    wanted = {job["id"]: job for job in JOBS[::300]}
    with llama_cloud.LlamaCloud(api_key=served.api_key, base_url=served.base_url, max_retries=0) as client:
        one_by_one = {job_id: client.classify.get(job_id) for job_id in wanted}
        together = {job.id: job for job in client.classify.list(job_ids=list(wanted), page_size=6)}  # four pages
        filtered = [job.id for job in client.classify.list(status="CANCELLED", page_size=100)]
    assert together.keys() == one_by_one.keys()
    for job_id, job in one_by_one.items():
        assert together[job_id].model_dump() == job.model_dump()
        assert (job.id, job.status) == (job_id, wanted[job_id]["status"])
        assert (job.result and job.result.type) == (wanted[job_id]["result"] and wanted[job_id]["result"]["type"])
    assert filtered == [
        job_id for job_id in served.job_ids if job_id in {job["id"] for job in JOBS if job["status"] == "CANCELLED"}
    ]


def test_the_official_asynchronous_client_gets_the_same_jobs(served: DemoServer, llama_cloud: Any) -> None:
    wanted = [job["id"] for job in JOBS[::400]]

    async def read() -> tuple[list[str], list[str]]:
        key, url = served.api_key, served.base_url
        async with llama_cloud.AsyncLlamaCloud(api_key=key, base_url=url, max_retries=0) as client:
            together = [job.id async for job in client.classify.list(job_ids=wanted, page_size=4)]
            jobs = await asyncio.gather(*[client.classify.get(job_id) for job_id in wanted])
            return together, [job.id for job in jobs]

    together, one_by_one = asyncio.run(read())
    assert one_by_one == wanted
    assert sorted(together) == sorted(wanted)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(ArgumentError, match="port"):
        demo_server([], port=port)
