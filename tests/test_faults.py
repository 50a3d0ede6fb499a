"""Each fault happens as it is named, when it should, and the same way again."""

from __future__ import annotations

import email.utils
import gzip
import http.client
import itertools
import json
import math
import random
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_classify_nb.demo import DemoServer, contents, demo_server, faults, sample_jobs, wire
from llama_classify_nb.demo.exchange import Ask, Reply
from llama_classify_nb.demo.faults import (
    Concurrency,
    Fault,
    FaultPlan,
    FixedWindow,
    SlidingWindow,
    TokenBucket,
)
from llama_classify_nb.exceptions import ArgumentError

PATH = "/api/v2/classify"
BODIES = [line for line in sample_jobs() if b'"COMPLETED"' in line][:40]
JOBS = [json.loads(body) for body in BODIES]
IDS = [job["id"] for job in JOBS]
BY_ID = dict(zip(IDS, JOBS, strict=True))
JOB = f"{PATH}/{IDS[0]}"
LISTING = f"{PATH}?page_size=100"
BOTH = pytest.mark.parametrize("target", [JOB, LISTING], ids=["get", "list"])


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def talk(server: DemoServer, target: str, *, timeout: float = 10, **headers: str) -> tuple[bytes, str]:
    """Ask over a connection of its own; give all bytes that came, and how it ended: closed, reset or silent."""
    lines = {"Host": "demo", "Authorization": f"Bearer {server.api_key}", "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    came = b""
    with socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), timeout=timeout) as peer:
        peer.sendall(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
        try:
            while piece := peer.recv(1 << 20):
                came += piece
        except ConnectionResetError:
            return came, "reset"
        except TimeoutError:
            return came, "silent"
    return came, "closed"


def parse(answer: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    return int(first.split(" ")[1]), [(name, value) for name, _, value in pairs], body


def ask(server: DemoServer, target: str = JOB, **headers: str) -> tuple[int, dict[str, str], bytes]:
    status, pairs, body = parse(talk(server, target, **headers)[0])
    return status, dict(pairs), body


def answer_of(fault: Fault | FaultPlan, target: str = JOB, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with demo_server(BODIES, faults=fault) as server:
        return ask(server, target, **headers)


def plain(target: str) -> bytes:
    with demo_server(BODIES) as server:
        return ask(server, target)[2]


def read_pages(server: DemoServer, query: str = "page_size=10", *, at_most: int = 50) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = []
    token = None
    while (token or not pages) and len(pages) < at_most:
        status, _, body = ask(server, f"{PATH}?{query}" + (f"&page_token={token}" if token else ""))
        assert status == 200
        pages.append(json.loads(body))
        token = pages[-1]["next_page_token"]
    return pages


def ids_of(pages: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for page in pages for item in page["items"]]


def strikes(plan: FaultPlan, asks: list[Ask]) -> list[bool]:
    """Tell which requests a plan refuses."""
    return [plan.answer(one, lambda: Reply(200)).status != 200 for one in asks]


def get(job_id: str) -> Ask:
    return Ask("get", f"{PATH}/{job_id}", (job_id,))


# --- refusals


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 408, 409, 410, 414, 422, 423, 425, 429, 451, 500, 503])
@BOTH
def test_a_status_refuses_with_a_detail(code: int, target: str) -> None:
    status, headers, body = answer_of(faults.status(code), target)
    assert (status, headers["content-type"]) == (code, "application/json")
    assert list(json.loads(body)) == ["detail"]
    assert "retry-after" not in headers


@pytest.mark.parametrize("code", [502, *range(520, 530)])
def test_a_status_of_the_proxy_comes_as_html(code: int) -> None:
    status, headers, body = answer_of(faults.status(code))
    assert (status, headers["content-type"]) == (code, "text/html; charset=UTF-8")
    assert body.startswith(b"<!doctype html>")


def test_of_several_statuses_each_comes() -> None:
    plan = FaultPlan(faults.status((500, 503, 504)))
    assert {plan.answer(get(job_id), lambda: Reply(200)).status for job_id in IDS} == {500, 503, 504}


@pytest.mark.parametrize(
    ("value", "form", "header"),
    [
        (2, "seconds", ("retry-after", "2")),
        (1.5, "seconds", ("retry-after", "1.5")),
        (0, "seconds", ("retry-after", "0")),
        (10**9, "seconds", ("retry-after", "1000000000")),
        ("-5", "seconds", ("retry-after", "-5")),
        ("in a moment", "date", ("retry-after", "in a moment")),
        (1.5, "ms", ("retry-after-ms", "1500")),
    ],
)
def test_a_wait_is_told_as_asked_for(value: Any, form: Any, header: tuple[str, str]) -> None:
    status, headers, _ = answer_of(faults.status(429, retry_after=value, form=form))
    assert status == 429
    assert [(name, text) for name, text in headers.items() if name.startswith("retry")] == [header]


@pytest.mark.parametrize("skew_s", [0.0, 90.0, -90.0])
def test_a_wait_until_a_date_agrees_with_the_date_of_the_answer_whatever_the_clock(skew_s: float) -> None:
    _, headers, _ = answer_of(faults.status(503, retry_after=3, form="date", skew_s=skew_s))
    said = email.utils.parsedate_to_datetime(headers["date"])
    until = email.utils.parsedate_to_datetime(headers["retry-after"])
    assert 3 <= (until - said).total_seconds() <= 4
    assert abs(said.timestamp() - time.time() - skew_s) < 30


def test_a_redirect_leads_to_another_origin_to_itself_or_anywhere() -> None:
    places = {"http://127.0.0.1:9/": f"http://127.0.0.1:9{JOB}", "loop": JOB, "file:///etc/x": "file:///etc/x"}
    for to, location in places.items():
        status, headers, body = answer_of(faults.redirect(to))
        assert (status, headers["location"], body) == (307, location, b"")
    assert answer_of(faults.redirect("loop", code=301), LISTING)[0] == 301


def test_too_many_ids_and_too_long_urls_are_refused_and_no_others() -> None:
    with demo_server(BODIES, faults=[faults.limit_ids(2), faults.limit_url(150)]) as server:
        assert ask(server, f"{PATH}?job_ids=a&job_ids=b")[0] == 200
        assert ask(server, f"{PATH}?job_ids=a&job_ids=b&job_ids=c")[0] == 422
        assert ask(server, f"{PATH}?job_ids={'a' * (150 - len(PATH) - 9)}")[0] == 200
        assert ask(server, f"{PATH}?job_ids={'a' * (151 - len(PATH) - 9)}")[0] == 414
        assert ask(server, JOB)[0] == 200


def test_too_many_connections_are_refused_one_and_all_and_closed() -> None:
    plan = FaultPlan(faults.limit_connections(4), faults.limit_connections(9, code=500))
    for n, status in ((1, 200), (4, 200), (5, 503), (10, 503)):
        reply = plan.answer(Ask("get", JOB, ("a",), n_connections=n), lambda: Reply(200, b"{}"))
        assert reply.status == status
        assert (("connection", "close") in reply.headers) == (status != 200)
    with demo_server(BODIES, faults=faults.limit_connections(1)) as server:
        assert ask(server, JOB)[0] == 200
        with socket.create_connection(("127.0.0.1", int(server.base_url.rsplit(":", 1)[1]))) as other:
            other.sendall(f"GET {JOB} HTTP/1.1\r\n\r\n".encode())
            other.recv(1)
            assert ask(server, JOB)[0] == 503
            other.sendall(f"GET {JOB} HTTP/1.1\r\nconnection: close\r\n\r\n".encode())
            while other.recv(65_536):
                pass
        assert ask(server, JOB)[0] == 200


# --- limiters

STEPS = st.lists(st.integers(0, 24), max_size=60)  # eighths of a second between requests: exact in binary


@given(STEPS, st.integers(1, 5), st.sampled_from([0.5, 1.0, 4.0]))
def test_a_token_bucket_admits_what_exact_arithmetic_admits(steps: list[int], burst: int, rate: float) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, burst, clock=clock)
    tokens = Fraction(burst)
    for step in steps:
        clock.now += step / 8
        tokens = min(Fraction(burst), tokens + Fraction(step, 8) * Fraction(rate))
        wait = bucket.take()
        assert (wait == 0) == (tokens >= 1)
        if tokens >= 1:
            tokens -= 1
        else:
            assert Fraction(wait) == (1 - tokens) / Fraction(rate)


@given(STEPS, st.integers(1, 5), st.sampled_from([0.5, 1.0, 4.0]))
def test_a_fixed_window_admits_so_many_in_each_window(steps: list[int], limit: int, window_s: float) -> None:
    clock = Clock()
    window = FixedWindow(limit, window_s, clock=clock)
    clock.now = 0.375  # windows begin with the first request, whenever the limiter was made
    admitted: dict[int, int] = {}
    for place, step in enumerate(steps):
        clock.now += step / 8 if place else 0
        number = math.floor((clock.now - 0.375) / window_s)
        wait = window.take()
        assert (wait == 0) == (admitted.get(number, 0) < limit)
        if wait == 0:
            admitted[number] = admitted.get(number, 0) + 1
        else:
            assert clock.now + wait == 0.375 + (number + 1) * window_s


@given(STEPS, st.integers(1, 5), st.sampled_from([0.5, 1.0, 4.0]))
def test_a_sliding_window_admits_so_many_in_any_window(steps: list[int], limit: int, window_s: float) -> None:
    clock = Clock()
    window = SlidingWindow(limit, window_s, clock=clock)
    admitted: list[float] = []
    for step in steps:
        clock.now += step / 8
        recent = [at for at in admitted if at > clock.now - window_s]
        wait = window.take()
        assert (wait == 0) == (len(recent) < limit)
        if wait == 0:
            admitted.append(clock.now)
        else:
            assert clock.now + wait == min(recent) + window_s


@pytest.mark.parametrize("make", [lambda c: TokenBucket(0.5, 2, clock=c), lambda c: FixedWindow(2, 3, clock=c)])
def test_whoever_waits_as_told_is_admitted(make: Callable[[Clock], faults.Limiter]) -> None:
    clock = Clock()
    limiter = make(clock)
    for _ in range(20):
        clock.now += limiter.take()
    clock.now += (wait := limiter.take())
    assert wait > 0
    assert limiter.take() == 0


def test_a_concurrency_cap_counts_who_is_inside() -> None:
    cap = Concurrency(2, wait_s=0.5)
    assert [cap.take(), cap.take(), cap.take()] == [0, 0, 0.5]
    cap.release()
    assert [cap.take(), cap.take()] == [0, 0.5]


@pytest.mark.parametrize(
    ("retry_after", "form", "told"),
    [(False, "seconds", None), (True, "seconds", "100"), (True, "ms", "99500"), ("soon", "seconds", "soon")],
)
def test_a_limiter_refuses_what_it_does_not_admit_and_tells_the_wait(retry_after: Any, form: Any, told: Any) -> None:
    clock = Clock()
    limit = FixedWindow(2, 100, clock=clock)
    with demo_server(BODIES, faults=faults.limiter(limit, retry_after=retry_after, form=form)) as server:
        assert [ask(server, target)[0] for target in (JOB, LISTING)] == [200, 200]
        clock.now = 0.5
        status, headers, _ = ask(server)
        assert (status, headers.get("retry-after", headers.get("retry-after-ms"))) == (429, told)
        clock.now = 100
        assert ask(server)[0] == 200


def test_a_place_under_a_concurrency_cap_is_free_again_when_the_answer_is_out_or_the_client_gone() -> None:
    cap = Concurrency(1)
    with demo_server(BODIES, faults=[faults.limiter(cap), faults.hang(first=1, ids=[IDS[1]])]) as server:
        assert [ask(server)[0] for _ in range(3)] == [200, 200, 200]
        with socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2]))) as peer:
            peer.sendall(f"GET {PATH}/{IDS[1]} HTTP/1.1\r\nAuthorization: Bearer {server.api_key}\r\n\r\n".encode())
            while server.n_requests < 4:
                threading.Event().wait(0.002)
            assert ask(server)[0] == 429
        assert 200 in (ask(server)[0] for _ in range(1000))  # sooner or later the server sees that it is gone


# --- the wire


@pytest.mark.parametrize("how", ["reset", "close"])
@BOTH
def test_a_connection_is_cut_where_asked_for(how: Any, target: str) -> None:
    end = {"reset": "reset", "close": "closed"}[how]
    body = plain(target)
    for where, bodies in {"before": None, "headers": b"", "body": body[: len(body) // 2]}.items():
        with demo_server(BODIES, faults=faults.reset(where, how=how)) as server:
            came, ended = talk(server, target)
            assert ended == end
            assert (parse(came)[2] if came else None) == bodies
            assert server.requests[0].status == (None if bodies is None else 200)
            assert not came or dict(parse(came)[1])["content-length"] == str(len(body))


@pytest.mark.parametrize("where", ["before", "headers", "body"])
def test_a_hanging_answer_stops_where_asked_for_and_stays_open(where: str) -> None:
    with demo_server(BODIES, faults=faults.hang(where)) as server:
        came, ended = talk(server, JOB, timeout=0.1)
    assert ended == "silent"
    assert (parse(came)[2] if came else None) == {
        "before": None,
        "headers": b"",
        "body": BODIES[0][: len(BODIES[0]) // 2],
    }[where]


def test_a_connection_that_is_dead_on_reuse_answers_once() -> None:
    with demo_server(BODIES, faults=faults.dead_on_reuse()) as server:
        connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=10)
        headers = {"Authorization": f"Bearer {server.api_key}"}
        connection.request("GET", JOB, headers=headers)
        assert connection.getresponse().read() == BODIES[0]
        connection.request("GET", JOB, headers=headers)
        with pytest.raises(ConnectionError):
            connection.getresponse()
        connection.close()
        assert ask(server)[2] == BODIES[0]
        assert [request.status for request in server.requests] == [200, None, 200]


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_drips_byte_by_byte(part: Any) -> None:
    reply = FaultPlan(faults.drip(part, every_s=2)).answer(get("a"), lambda: Reply(200, b"body"))
    assert reply.wire is not None
    steps = list(reply.wire(b"head", b"body"))
    slow = [step for step in steps if step]
    assert slow[1 if part == "body" else 0 :][:8] == [thing for letter in part for thing in (letter.encode(), 2)]
    assert b"".join(step for step in steps if isinstance(step, bytes)) == b"headbody"


@pytest.mark.parametrize("part", ["head", "body"])
def test_what_dripped_is_the_whole_answer(part: Any) -> None:
    assert answer_of(faults.drip(part, every_s=0))[2] == BODIES[0]


def test_latencies_add_up_and_apply_to_refusals_too() -> None:
    plan = FaultPlan(faults.latency(1.2), faults.status(429, call="get"), faults.latency(0.3, call="get"))
    assert plan.answer(get("a"), lambda: Reply(200)).delay_s == 1.5
    assert plan.answer(Ask("list", PATH, ()), lambda: Reply(200)).delay_s == 1.2
    assert answer_of(faults.latency(0.001))[2] == BODIES[0]


def unzip(data: bytes) -> bytes:
    return zlib.decompress(data, 31)


def check_broken(kind: str, answer: bytes, body: bytes) -> None:
    """Show that an answer is broken as it is named."""
    status_line = answer.partition(b"\r\n")[0]
    _, pairs, came = parse(answer.replace(b"HTTX/9.9 fine", b"HTTX/9.9 200", 1))
    headers = dict(pairs)
    lengths = [int(value) for name, value in pairs if name == "content-length"]
    assert (status_line == b"HTTP/1.1 200 OK") == (kind != "bad_status_line")
    if kind == "truncated":
        assert (lengths, came) == ([len(body)], body[: len(body) // 2])
    elif kind in ("short_length", "long_length"):
        assert came == body
        assert lengths == ([len(body) // 2] if kind == "short_length" else [len(body) + 1000])
    elif kind == "two_lengths":
        assert came == body
        assert len(set(lengths)) == 2
    elif kind == "no_last_chunk":
        assert (headers["transfer-encoding"], lengths) == ("chunked", [])
        assert came == b"%x\r\n%b\r\n" % (len(body), body)
    elif kind == "false_gzip":
        assert (headers["content-encoding"], lengths, came) == ("gzip", [len(body)], body)
    elif kind == "truncated_gzip":
        assert (headers["content-encoding"], lengths) == ("gzip", [len(came)])
        unpacker = zlib.decompressobj(31)
        assert unpacker.decompress(came) == body
        assert not unpacker.eof
    elif kind == "twice":
        assert lengths == [len(body)]
        assert came.startswith(body)
        assert answer == 2 * came[len(body) :]
    elif kind == "big_header":
        assert len(headers["x-padding"]) == 200 * 1024
    else:
        assert status_line.startswith(b"HTTX")


@pytest.mark.parametrize("kind", sorted(wire._BROKEN))
@BOTH
def test_http_is_broken_as_named(kind: str, target: str) -> None:
    with demo_server(BODIES, faults=faults.broken(kind)) as server:
        answer, ended = talk(server, target)
    assert ended == "closed"
    check_broken(kind, answer, plain(target))


@pytest.mark.parametrize(("kind", "layers"), [("bomb", 1), ("double_bomb", 2)])
@BOTH
def test_a_bomb_is_small_and_unpacks_to_the_right_answer_behind_a_mountain_of_spaces(
    kind: str, layers: int, target: str
) -> None:
    _, headers, packed = answer_of(faults.broken(kind, size_mb=3), target)
    body = plain(target)
    assert headers["content-encoding"] == ", ".join(["gzip"] * layers)
    assert len(packed) < 4000 + len(body)
    for _ in range(layers):
        packed = unzip(packed)
    assert packed == b" " * (3 * 2**20) + body


def test_bombs_are_as_big_as_promised_unless_told_otherwise() -> None:
    for kind, size_mb, most in (("bomb", 256, 300_000), ("double_bomb", 512, 20_000)):
        reply = FaultPlan(faults.broken(kind)).answer(get("a"), lambda: Reply(200, b"{}"))
        assert len(reply.body) < most
        inner = unzip(reply.body) if kind == "double_bomb" else reply.body
        assert int.from_bytes(inner[-4:], "little") == size_mb * 2**20 + 2  # gzip's own note of the size


def test_a_big_body_is_sent_piece_by_piece_never_held() -> None:
    reply = FaultPlan(faults.broken("big_body")).answer(get("a"), lambda: Reply(200, b"{}"))
    assert reply.wire is not None
    sizes = [len(step) for step in reply.wire(b"", b"{}") if isinstance(step, bytes)]
    assert (sum(sizes), max(sizes)) == (192 * 2**20 + 2, 2**20)
    _, headers, body = answer_of(faults.broken("big_body", size_mb=5))
    assert int(headers["content-length"]) == len(body)
    assert body == b" " * (5 * 2**20) + BODIES[0]


def test_a_client_that_does_not_read_a_big_body_costs_the_server_little() -> None:
    with demo_server(BODIES, faults=faults.broken("big_body", first=1)) as server:
        tracemalloc.start()
        with socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), timeout=10) as peer:
            peer.sendall(f"GET {JOB} HTTP/1.1\r\nAuthorization: Bearer {server.api_key}\r\n\r\n".encode())
            assert peer.recv(10)
            assert ask(server)[2] == BODIES[0]  # others are served meanwhile
            peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 32 * 2**20


@pytest.mark.parametrize("kind", sorted(wire._ODD))
@BOTH
def test_odd_answers_are_lawful_and_hold_the_right_jobs(kind: str, target: str) -> None:
    with demo_server(BODIES, faults=faults.odd(kind)) as server:
        answer, ended = talk(server, target, **{"Accept-Encoding": "gzip"})
    assert ended == "closed"
    if kind == "early_hints":
        first, _, answer = answer.partition(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 103 Early Hints\r\n")
    assert answer.startswith(b"HTTP/1.0 200" if kind == "http10" else b"HTTP/1.1 200")
    _, pairs, came = parse(answer)
    headers = dict(pairs)
    if kind == "chunked":
        assert "content-length" not in headers
        came = unchunk(came)
    elif kind in ("gzip", "gzip_members"):
        assert headers["content-encoding"] == "gzip"
        assert came.count(b"\x1f\x8b\x08") == (3 if kind == "gzip_members" else 1)
        came = gzip.decompress(came)
    types = {"text_plain": "text/plain; charset=utf-8", "utf16": "application/json; charset=utf-16", "no_type": None}
    assert headers.get("content-type") == types.get(kind, "application/json")
    assert [name for name, _ in pairs].count("set-cookie") == (2 if kind == "cookies" else 0)
    assert came.startswith(b"\xef\xbb\xbf") == (kind == "bom")
    assert json.loads(came.decode({"bom": "utf-8-sig", "utf16": "utf-16"}.get(kind, "utf-8"))) == json.loads(
        plain(target)
    )


def unchunk(body: bytes) -> bytes:
    parts = []
    while True:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        assert body[int(size, 16) :][:2] == b"\r\n"
        body = body[int(size, 16) + 2 :]
        if size == b"0":
            assert body == b""
            return b"".join(parts)


def test_nothing_is_gzipped_for_who_does_not_take_it_nor_when_small() -> None:
    with demo_server([*BODIES, b'{"id": "small"}'], faults=faults.odd("gzip")) as server:
        assert ask(server)[2] == BODIES[0]
        assert ask(server, f"{PATH}/small", **{"Accept-Encoding": "gzip"})[2] == b'{"id": "small"}'


# --- answers that are not the answer


def refuse_constant(name: str) -> None:
    raise ValueError(name)


def keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "duplicate keys"
    return dict(pairs)


BODY_CHECKS: dict[str, Callable[[bytes, bytes], bool]] = {
    "html": lambda came, _: came.startswith(b"<!doctype html>") and b"<title>" in came,
    "half": lambda came, body: came == body[: len(body) // 2],
    "not_json": lambda came, _: came.startswith(b"{'"),
    "bad_utf8": lambda came, body: came != body and came.replace(b"\xff\xc3", b"") == body,
    "empty": lambda came, _: came == b"",
    "null": lambda came, _: json.loads(came) is None,
    "list": lambda came, _: json.loads(came) == [],
    "string": lambda came, _: json.loads(came) == "ok",
    "detail": lambda came, _: list(json.loads(came)) == ["detail"],
}


@pytest.mark.parametrize("kind", sorted(contents._BODIES))
@BOTH
def test_a_wrong_body_comes_with_status_200(kind: str, target: str) -> None:
    status, headers, came = answer_of(faults.answer(kind), target)
    assert status == 200
    assert int(headers["content-length"]) == len(came)
    assert headers["content-type"] == ("text/html; charset=utf-8" if kind == "html" else "application/json")
    assert BODY_CHECKS[kind](came, plain(target))


@BOTH
def test_other_successes_come_with_their_own_status(target: str) -> None:
    assert answer_of(faults.answer("no_content"), target)[::2] == (204, b"")
    assert answer_of(faults.answer("not_modified"), target)[::2] == (304, b"")
    status, headers, came = answer_of(faults.answer("partial"), target)
    body = plain(target)
    assert (status, came) == (206, body[: len(body) // 2])
    assert headers["content-range"] == f"bytes 0-{len(came) - 1}/{len(body)}"


def check_job(kind: str, raw: bytes, job_id: str) -> None:
    """Show that a job is spoiled as it is named."""
    if kind == "nested":
        assert b"[" * 100_000 + b"]" * 100_000 in raw
        with pytest.raises(RecursionError):
            json.loads(raw)
    elif kind == "duplicate_keys":
        with pytest.raises(AssertionError, match="duplicate keys"):
            json.loads(raw, object_pairs_hook=keys_once)
        job = json.loads(raw)  # to a lax reader, a forged result under the right id
        assert (job["id"], job["result"]["type"]) == (job_id, "forged")
    elif kind == "long_integer":
        assert b'"confidence": ' + b"9" * 20_000 + b"}" in raw
    elif kind in ("nan", "infinity"):
        with pytest.raises(ValueError, match="NaN" if kind == "nan" else "-Infinity"):
            json.loads(raw, parse_constant=refuse_constant)
    else:
        job = json.loads(raw)
        confidence = (job.get("result") or {}).get("confidence")
        holds = {
            "other_job": job.get("id") != job_id and job == BY_ID[job.get("id", IDS[0])],
            "missing": len({"id", "configuration", "status"} - set(job)) == 1,
            "wrong_type": confidence in ("0.9", 17.5),
            "1e999": confidence == math.inf,
        }
        assert holds[kind]


@pytest.mark.parametrize("kind", sorted(contents._JOBS))
def test_a_job_is_spoiled_as_named(kind: str) -> None:
    status, _, raw = answer_of(faults.answer(kind))
    assert status == 200
    check_job(kind, raw, IDS[0])


@pytest.mark.parametrize("kind", sorted(contents._JOBS))
def test_one_job_of_a_page_is_spoiled_as_named_and_the_others_are_not(kind: str) -> None:
    raw = answer_of(faults.answer(kind, ids=[IDS[3]]), LISTING)[2]
    items = [BODIES[IDS.index(job_id)] for job_id in ids_of([json.loads(plain(LISTING))])]
    before, after = b", ".join(items).split(BODIES[3])
    head, tail = b'{"items": [' + before, after + b'], "next_page_token": null, "total_size": 40}'
    assert raw.startswith(head)
    assert raw.endswith(tail)
    check_job(kind, raw[len(head) : len(raw) - len(tail)], IDS[3])


def test_without_ids_any_one_job_of_a_page_is_spoiled() -> None:
    items = json.loads(answer_of(faults.answer("wrong_type"), LISTING)[2])["items"]
    assert sum(item != BY_ID[item["id"]] for item in items) == 1


def test_what_is_no_job_is_not_spoiled_as_one() -> None:
    assert answer_of(faults.answer("nan"), f"{PATH}/unknown")[0] == 404
    assert json.loads(answer_of(faults.answer("nan", ids=["unknown"]), LISTING)[2]) == json.loads(plain(LISTING))


# --- the listing


@pytest.fixture
def spoiled() -> Iterator[Callable[..., DemoServer]]:
    servers: list[DemoServer] = []

    def start(*kinds: Fault, seed: int = 0) -> DemoServer:
        servers.append(demo_server(BODIES, faults=FaultPlan(*kinds, seed=seed)))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


Start = Callable[..., DemoServer]


def test_omitted_rows_stay_away_from_every_listing_but_not_from_get(spoiled: Start) -> None:
    server = spoiled(faults.listing("omit", share=0.3))
    first, again = ids_of(read_pages(server)), ids_of(read_pages(server, "page_size=100"))
    assert first == again == [job_id for job_id in server.job_ids if job_id in set(first)]
    absent = set(IDS) - set(first)
    assert 4 <= len(absent) <= 20  # 12 of 40 are expected
    assert all(ask(server, f"{PATH}/{job_id}")[0] == 200 for job_id in absent)


def test_rows_are_chosen_by_id_too(spoiled: Start) -> None:
    assert set(IDS) - set(ids_of(read_pages(spoiled(faults.listing("omit", ids=IDS[:3]))))) == set(IDS[:3])


def test_stale_rows_seem_to_run_and_bare_rows_lack_their_result(spoiled: Start) -> None:
    for kind, change in (("stale", {"status": "RUNNING", "result": None}), ("no_result", None)):
        server = spoiled(faults.listing(kind, share=0.5))
        changed = [item for item in read_pages(server, "page_size=100")[0]["items"] if item != BY_ID[item["id"]]]
        assert 10 <= len(changed) <= 30
        for item in changed:
            job = BY_ID[item["id"]]
            assert item == ({**job, **change} if change else {k: v for k, v in job.items() if k != "result"})
            assert json.loads(ask(server, f"{PATH}/{item['id']}")[2]) == job


def test_repeated_rows_come_on_two_pages(spoiled: Start) -> None:
    server = spoiled(faults.listing("repeat"))
    pages = read_pages(server)
    assert all(ids_of([page])[-5:] == ids_of([after])[:5] for page, after in itertools.pairwise(pages))
    assert set(ids_of(pages)) == set(IDS)


def test_skipped_rows_fall_between_pages(spoiled: Start) -> None:
    server = spoiled(faults.listing("skip"))
    order = server.job_ids
    assert ids_of(read_pages(server)) == [job_id for n, job_id in enumerate(order) if n % 11 != 10]


def test_a_self_token_leads_to_itself(spoiled: Start) -> None:
    for query in ("page_size=10", "page_size=100"):
        pages = read_pages(spoiled(faults.listing("self_token")), query, at_most=6)
        assert len({page["next_page_token"] for page in pages}) == 1
        assert len(pages) == 6


def test_endless_tokens_are_always_fresh(spoiled: Start) -> None:
    pages = read_pages(spoiled(faults.listing("endless")), at_most=20)
    tokens = [page["next_page_token"] for page in pages]
    assert len(pages) == 20
    assert len(set(tokens[3::4])) == 5  # those at the ends; within a round places have their names
    assert ids_of(pages) == ids_of(pages[:4]) * 5


def test_empty_pages_carry_a_token_and_nothing_is_lost(spoiled: Start) -> None:
    server = spoiled(faults.listing("empty"))
    pages = read_pages(server)
    assert [len(page["items"]) for page in pages] == [0, 10] * 4
    assert ids_of(pages) == server.job_ids


def test_short_pages_carry_a_token_and_nothing_is_lost(spoiled: Start) -> None:
    server = spoiled(faults.listing("short"))
    pages = read_pages(server)
    assert [len(page["items"]) for page in pages] == [3] * 13 + [1]
    assert ids_of(pages) == server.job_ids
    asked = "&".join(f"job_ids={job_id}" for job_id in IDS[:9])
    assert sorted(ids_of(read_pages(server, f"page_size=9&{asked}"))) == sorted(IDS[:9])


def test_every_job_comes_when_ids_are_ignored(spoiled: Start) -> None:
    server = spoiled(faults.listing("ignore_ids"))
    assert ids_of(read_pages(server, f"job_ids={IDS[0]}&page_size=10")) == server.job_ids


@pytest.mark.parametrize(("kind", "total"), [("total_half", 20), ("total_minus", -1), ("total_missing", None)])
def test_totals_lie(spoiled: Start, kind: str, total: int | None) -> None:
    assert read_pages(spoiled(faults.listing(kind)), "page_size=100")[0]["total_size"] == total


def test_tokens_expire_at_once(spoiled: Start) -> None:
    server = spoiled(faults.listing("expire"))
    token = json.loads(ask(server, f"{PATH}?page_size=10")[2])["next_page_token"]
    assert ask(server, f"{PATH}?page_size=10&page_token={token}")[0] == 400


def test_faults_of_the_listing_leave_get_alone(spoiled: Start) -> None:
    for kind in (*contents._ROWS, *contents._PAGES, "expire"):
        assert ask(spoiled(faults.listing(kind)))[2] == BODIES[0]


# --- jobs that finish while they are read


def test_a_job_is_pending_then_running_then_final(spoiled: Start) -> None:
    server = spoiled(faults.finishing(3, ids=[IDS[0]]))
    reads = [json.loads(ask(server)[2]) for _ in range(3)]
    page = json.loads(ask(server, f"{PATH}?job_ids={IDS[0]}")[2])
    assert [job["status"] for job in reads] == ["PENDING", "PENDING", "RUNNING"]
    assert all(job["result"] is None for job in reads)
    assert page["items"] == [JOBS[0]]
    assert ask(server)[2] == BODIES[0]
    assert ask(server, f"{PATH}/{IDS[1]}")[2] == BODIES[1]


def test_reads_in_a_listing_count_too_and_a_share_is_of_the_jobs(spoiled: Start) -> None:
    server = spoiled(faults.finishing(1, share=0.5))
    first, second = (read_pages(server, "page_size=100")[0]["items"] for _ in range(2))
    assert 10 <= sum(item["status"] == "PENDING" for item in first) <= 30
    assert {item["status"] for item in first} == {"PENDING", "COMPLETED"}
    assert [item["status"] for item in second] == ["COMPLETED"] * 40
    server = spoiled(faults.finishing(2, share=0.5))
    by_get = {job_id: json.loads(ask(server, f"{PATH}/{job_id}")[2])["status"] for job_id in IDS for _ in range(2)}
    assert {job_id for job_id in IDS if by_get[job_id] == "RUNNING"} == {
        item["id"] for item in first if item["status"] == "PENDING"
    }


def test_a_refused_read_does_not_count(spoiled: Start) -> None:
    server = spoiled(faults.finishing(1), faults.status(503, first=2))
    answers = [ask(server) for _ in range(4)]
    assert [status for status, _, _ in answers] == [503, 503, 200, 200]
    assert [json.loads(body)["status"] for _, _, body in answers[2:]] == ["PENDING", "COMPLETED"]


# --- when


def test_a_fault_keeps_to_its_call() -> None:
    for call, struck in (("get", [True, False]), ("list", [False, True])):
        assert strikes(FaultPlan(faults.status(500, call=call)), [get("a"), Ask("list", PATH, ())]) == struck  # type: ignore[arg-type]


def test_a_fault_keeps_to_its_ids_wherever_they_are_asked_for() -> None:
    plan = FaultPlan(faults.status(500, ids={"a"}))
    asks = [get("a"), get("b"), Ask("list", "1", ("b", "a")), Ask("list", "2", ("b",)), Ask("list", "3", ())]
    assert strikes(plan, asks) == [True, False, True, False, False]


def test_a_fault_strikes_its_share_of_the_attempts() -> None:
    struck = strikes(FaultPlan(faults.status(500, share=0.3)), [get(str(n % 500)) for n in range(2000)])
    assert 500 <= sum(struck) <= 700
    assert not any(strikes(FaultPlan(faults.status(500, share=0)), [get(str(n)) for n in range(100)]))


def test_the_first_attempts_are_those_of_each_job_and_of_each_page() -> None:
    plan = FaultPlan(faults.status(500, first=2))
    pages = [Ask("list", target, ("a",)) for target in ("x", "y", "x", "x")]
    asks = [get("a"), get("b"), get("a"), get("a"), get("b"), get("b"), *pages]
    assert strikes(plan, asks) == [True, True, True, False, True, False, True, True, True, False]


def test_requests_are_counted_over_all() -> None:
    plan = FaultPlan(faults.status(500, after=2, until=4))
    assert strikes(plan, [get(str(n)) for n in range(6)]) == [False, False, True, True, False, False]


def test_seconds_are_counted_from_the_first_request_that_the_fault_concerns() -> None:
    clock = Clock()
    plan = FaultPlan(faults.status(500, for_s=8, ids={"a"}), clock=clock)
    struck = []
    for clock.now, job_id in ((0, "b"), (100, "a"), (107, "a"), (107, "b"), (108, "a"), (200, "a")):
        struck += strikes(plan, [get(job_id)])
    assert struck == [False, True, True, False, False, False]


def test_a_fault_is_ended_by_hand() -> None:
    fault = faults.status(401)
    with demo_server(BODIES, faults=[fault]) as server:
        assert ask(server)[0] == 401
        fault.stop()
        assert ask(server)[0] == 200


def outcomes(seed: int, order: random.Random | None = None) -> dict[tuple[str, int], int]:
    plan = FaultPlan(
        faults.status((500, 503), share=0.3), faults.answer(("html", "half", "nan", "missing"), share=0.4), seed=seed
    )
    jobs = [job_id for job_id in IDS for _ in range(5)]
    if order:
        order.shuffle(jobs)
    seen: dict[tuple[str, int], Any] = {}
    for job_id in jobs:
        one = get(job_id)
        body = BODIES[IDS.index(job_id)]
        reply = plan.answer(one, lambda body=body: Reply(200, body))  # type: ignore[misc]
        seen[job_id, one.attempt] = (reply.status, reply.body)
    return seen


def test_the_same_seed_means_the_same_faults_in_whatever_order_requests_come() -> None:
    assert outcomes(1) == outcomes(1) == outcomes(1, random.Random(5)) == outcomes(1, random.Random(6))
    assert outcomes(1) != outcomes(2)


def test_a_plan_begins_anew_with_every_server() -> None:
    plan = FaultPlan(faults.status(500, first=1))
    for _ in range(2):
        with demo_server(BODIES, faults=plan) as server:
            assert [ask(server)[0] for _ in range(2)] == [500, 200]


def test_the_first_refusal_answers_and_a_refused_answer_is_not_spoiled_as_well() -> None:
    plan = FaultPlan(faults.answer("html"), faults.status(503), faults.status(429))
    reply = plan.answer(get("a"), lambda: Reply(200, b"{}"))
    assert (reply.status, list(json.loads(reply.body))) == (503, ["detail"])


def test_the_first_fault_that_spoils_wins() -> None:
    plan = FaultPlan(faults.answer("null"), faults.broken("truncated"), faults.answer("html"))
    reply = plan.answer(get("a"), lambda: Reply(200, b"{}"))
    assert (reply.body, reply.wire) == (b"null", None)


def test_ids_with_any_text_can_be_chosen_from() -> None:
    plan = FaultPlan(faults.status(500, share=0.5))
    assert len(strikes(plan, [get(text) for text in ("\ud800", "\0", "ü", "", "a" * 10_000)])) == 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: faults.answer("nonsense"),
        lambda: faults.answer([]),
        lambda: faults.broken("html"),
        lambda: faults.odd("bomb"),
        lambda: faults.listing("omitted"),
        lambda: faults.reset("middle"),
        lambda: faults.reset(how="gently"),  # type: ignore[arg-type]
        lambda: faults.hang("after"),
        lambda: faults.drip("tail"),  # type: ignore[arg-type]
        lambda: faults.status(429, form="minutes"),  # type: ignore[arg-type]
        lambda: faults.status(429, share=1.5),
        lambda: faults.status(429, call="post"),  # type: ignore[arg-type]
        lambda: faults.status(429, sahre=0.5),  # type: ignore[call-arg]
    ],
)
def test_a_fault_that_cannot_be_is_refused_at_once(make: Callable[[], Fault]) -> None:
    with pytest.raises(ArgumentError):
        make()


def test_a_plan_says_what_it_holds() -> None:
    plan = FaultPlan(faults.status(429, share=0.3), faults.latency(1), seed=4)
    assert repr(plan) == "FaultPlan(status(share=0.3), latency(), seed=4)"
