"""One request, one answer: where it goes, what each refusal means, and that the key shows nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import datetime as dt
import email.utils
import gzip
import http.server
import json
import logging
import math
import pickle
import selectors
import ssl
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import trustme

import llama_classify_nb as lcn
from llama_classify_nb import exceptions as ex
from llama_classify_nb.demo import DemoServer, faults, sample_jobs

KEY = "llx-a-very-secret-key"
JOB = sample_jobs()[0]
JOB_ID = json.loads(JOB)["id"]


def client_of(serve: Callable[[httpx.Request], httpx.Response], **options: Any) -> lcn.Client:
    return lcn.Client(KEY, transport=httpx.MockTransport(serve), **options)


class Stream(httpx.AsyncByteStream):
    """A body that is read piece by piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def answering(status: int, **options: Any) -> lcn.Client:
    return client_of(lambda _: httpx.Response(status, **options))


class TestAddress:
    @pytest.mark.parametrize(
        ("options", "address"),
        [
            ({}, "https://api.cloud.llamaindex.ai"),
            ({"region": "eu"}, "https://api.cloud.eu.llamaindex.ai"),
            ({"region": " US "}, "https://api.cloud.llamaindex.ai"),
            ({"region": "api.cloud.eu.llamaindex.ai"}, "https://api.cloud.eu.llamaindex.ai"),
            ({"base_url": "example.org"}, "https://example.org"),
            ({"base_url": "https://example.org:8443/gateway/"}, "https://example.org:8443/gateway"),
            ({"base_url": "http://localhost:80"}, "http://localhost:80"),
            ({"base_url": "127.0.0.1:9"}, "http://127.0.0.1:9"),
            ({"base_url": "http://[::1]:9"}, "http://[::1]:9"),
        ],
    )
    def test_it_is_made_of_what_is_given(self, options: dict[str, str], address: str) -> None:
        assert lcn.Client(KEY, **options).base_url == address

    @pytest.mark.parametrize(
        "url", ["https://EXAMPLE.org", "HTTPS://example.org", "https://example.org:443/", "example.org"]
    )
    def test_one_service_has_one_name(self, url: str) -> None:
        assert lcn.Client(KEY, base_url=url).service == "https://example.org"

    def test_the_environment_names_one_and_an_argument_goes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLAMA_CLOUD_BASE_URL", "https://own.example.org/")
        assert lcn.Client(KEY).base_url == "https://own.example.org"
        assert lcn.Client(KEY, region="us").base_url == "https://api.cloud.llamaindex.ai"

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"base_url": "http://example.org"}, "would travel unencrypted"),
            ({"base_url": "ftp://example.org"}, "base_url is 'ftp"),
            ({"base_url": "https://"}, "give an address"),
            ({"base_url": "https://a b.org"}, "give an address"),
            ({"base_url": "https://example.org:99999"}, "not an address"),
            ({"region": "mars"}, "region is 'mars': give one of 'us', 'eu', or a host name"),
            ({"region": "us", "base_url": "https://example.org"}, "both given"),
            ({"base_url": "https://example.org:"}, "give an address"),
            ({"base_url": "https://a\\b.org"}, "give an address"),
            ({"base_url": "https://a\x01b.org"}, "give an address"),
            ({"base_url": "["}, "not an address"),
            ({"region": "["}, "give one of 'us', 'eu'"),
            ({"base_url": f"https://{'a' * 70}.org"}, "not an address"),
            ({"base_url": "https://\u200bexample.org"}, "can't be asked .*: give an address"),
            ({"base_url": 7}, "base_url is a int"),
            ({"region": b"eu"}, "region is a bytes"),
            ({"timeout": 0}, "timeout is 0"),
            ({"timeout": float("inf")}, "timeout is inf"),
            ({"project_id": ""}, "project_id is ''"),
        ],
    )
    def test_what_can_be_none_is_refused(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(ex.ArgumentError, match=says):
            lcn.Client(KEY, **options)

    @pytest.mark.parametrize(
        "url",
        [
            "https://me:s3cret@example.org",
            "https://s3cret@example.org",
            "https://example.org/?s3cret",
            "https://a#s3cret",
        ],
    )
    def test_a_secret_in_it_is_refused_and_not_repeated(self, url: str) -> None:
        with pytest.raises(ex.ArgumentError) as caught:
            lcn.Client(KEY, base_url=url)
        assert "s3cret" not in str(caught.value)


class TestKey:
    def test_it_comes_from_the_argument_then_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []

        def serve(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers["authorization"])
            return httpx.Response(200, content=JOB)

        transport = httpx.MockTransport(serve)
        monkeypatch.setenv("LLAMA_PARSE_API_KEY", "llx-second\n")
        lcn.Client(transport=transport).get_job(JOB_ID)
        monkeypatch.setenv("LLAMA_CLOUD_API_KEY", "llx-first")
        lcn.Client(transport=transport).get_job(JOB_ID)
        lcn.Client(" llx-given ", transport=transport).get_job(JOB_ID)
        assert seen == ["Bearer llx-second", "Bearer llx-first", "Bearer llx-given"]

    @pytest.mark.parametrize(
        "key", ["llx-a\nb", "llx a", "llx-\u200bb", "", "  ", "llx-\x00", "llx-é", "'llx-a'", '"llx-a', "<key>"]
    )
    def test_one_that_can_be_none_is_refused_and_not_repeated(self, key: str) -> None:
        with pytest.raises(ex.ArgumentError) as caught:
            lcn.Client(key)
        assert "copy it once more" in str(caught.value)
        if key.strip():
            assert key not in str(caught.value)
            stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
            assert repr(key) not in str([frame.locals for frame in stack if "llama_classify_nb" in frame.filename])

    def test_it_is_in_nothing_that_can_be_looked_at(self) -> None:
        client = lcn.Client(KEY)
        assert KEY not in repr(client) + str(client) + repr(vars(client))
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="can't be pickled or copied"):
                way(client)

    @pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 302])
    def test_it_is_in_no_error_nor_its_traceback_with_local_variables(self, status: int) -> None:
        client = answering(status, headers={"x-request-id": "r-1"})
        with pytest.raises(ex.ApiError) as caught:
            client.get_job(JOB_ID)
        own = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert KEY not in own

    @pytest.mark.parametrize("status", [200, 400, 401])
    @pytest.mark.parametrize(
        "body", ["{key} is refused", "<title>{key} is refused</title>", '{{"detail": "{key} is"}}']
    )
    def test_a_server_that_repeats_it_is_not_repeated(self, status: int, body: str) -> None:
        with pytest.raises(ex.ApiError) as caught:
            answering(status, text=body.format(key=KEY)).get_job(JOB_ID)
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        "plan", [faults.hang("body"), faults.broken("truncated"), faults.broken("bad_status_line")]
    )
    def test_no_frame_of_a_connection_hangs_on_an_error(self, plan: Any) -> None:
        """Debuggers, test runners and error trackers show the variables of every frame, of every error behind it."""
        with lcn.demo_server([JOB], faults=plan) as server, pytest.raises(ex.TransportError) as caught:
            lcn.Client(server.api_key, base_url=server.base_url, timeout=0.3).get_job(JOB_ID)
        error: BaseException | None = caught.value
        while error is not None:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True, limit=-30)
            frames = [frame for frame in shown.stack if frame.filename != __file__]
            assert frames
            assert server.api_key not in str([frame.locals for frame in frames])
            error = error.__cause__ or error.__context__

    @pytest.mark.parametrize(
        "options",
        [
            {"status": 401, "text": f"{KEY} is refused"},
            {"status": 503, "headers": {"x-debug": KEY}},
            {"status": 418, "extensions": {"reason_phrase": f"{KEY} is refused".encode()}},
            {"status": 200, "content": KEY.encode(), "headers": {"content-encoding": "br"}, "is_stream": True},
            {"status": 200, "content": KEY.encode(), "headers": {"content-encoding": "gzip"}, "is_stream": True},
            {"status": 200, "text": f"<title>{KEY} is refused</title>"},
            {"status": 200, "content": b"\xff\xfe" + KEY.encode() + b"!"},
            {"status": 200, "json": {"id": KEY}},
        ],
    )
    def test_no_frame_of_what_a_server_quotes_hangs_on_an_error(self, options: dict[str, Any]) -> None:
        if options.pop("is_stream", False):
            options["stream"] = Stream(options.pop("content"))
        with pytest.raises(ex.ApiError) as caught:
            answering(options.pop("status"), **options).get_job(JOB_ID)
        error: BaseException | None = caught.value
        while error is not None:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            assert KEY not in str([frame.locals for frame in shown.stack if frame.filename != __file__])
            error = error.__cause__ or error.__context__

    def test_it_is_in_no_log(self, server: DemoServer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            lcn.Client(server.api_key, base_url=server.base_url).get_job(server.job_ids[0])
        assert server.api_key not in caplog.text

    def test_it_goes_to_no_other_origin(self) -> None:
        with lcn.demo_server([JOB]) as other:
            with lcn.demo_server([JOB], faults=faults.redirect(other.base_url)) as server:
                client = lcn.Client(server.api_key, base_url=server.base_url)
                with pytest.raises(ex.InvalidAnswerError, match="redirects are not followed"):
                    client.get_job(JOB_ID)
            assert other.n_requests == 0

    def test_no_proxy_of_the_environment_sees_it_over_http(
        self, server: DemoServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with lcn.demo_server([JOB]) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
            lcn.Client(server.api_key, base_url=server.base_url).get_job(server.job_ids[0])
            assert proxy.n_requests == 0


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "advice"),
    [
        (400, ex.RequestError, False, "400: "),
        (401, ex.AuthenticationError, False, "belongs to another region or project"),
        (402, ex.PaymentRequiredError, False, "credits are out"),
        (403, ex.PermissionDeniedError, False, "check project_id="),
        (404, ex.NotFoundError, False, "deleted or has expired"),
        (405, ex.RequestError, False, "405: "),
        (408, ex.ServerError, True, "408: "),
        (409, ex.ServerError, True, "409: "),
        (410, ex.NotFoundError, False, "no longer kept"),
        (418, ex.RequestError, False, "418: "),
        (421, ex.ServerError, True, "421: "),
        (422, ex.RequestError, False, "422: "),
        (429, ex.RateLimitError, True, "too many requests"),
        (444, ex.ServerError, True, "444: "),
        (451, ex.RequestError, False, "451: "),
        (499, ex.ServerError, True, "499: "),
        (500, ex.ServerError, True, "500: "),
        (503, ex.ServerError, True, "503: "),
        (524, ex.ServerError, True, "524: "),
        (204, ex.InvalidAnswerError, True, "204: "),
        (302, ex.InvalidAnswerError, True, "redirects are not followed"),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[ex.ApiError], retryable: bool, advice: str) -> None:
    with pytest.raises(kind) as caught:
        answering(status, json={"detail": "the detail"}).get_job(JOB_ID)
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert caught.value.retryable is retryable
    assert advice in str(caught.value)
    assert "the detail" in str(caught.value)
    assert isinstance(caught.value, ex.ClassifyError)


@pytest.mark.parametrize(
    ("body", "shown", "hidden"),
    [
        (b'{"detail": [{"loc": ["query", "page_size"], "msg": "too large"}]}', "query.page_size: too large", "loc"),
        (b"<html><title>Sign in</title><body>welcome", "Sign in", "welcome"),
        (b'{"detail": "\\u001b[2J\\u202e' + b"x" * 9_000 + b'"}', "\\x1b[2J\\u202e", "x" * 600),
        (b"[" * 100_000, "422", "[[["),
        (b"", "422", "None"),
    ],
)
def test_the_detail_of_a_refusal_is_shown_harmless(body: bytes, shown: str, hidden: str) -> None:
    with pytest.raises(ex.RequestError) as caught:
        answering(422, content=body).get_job(JOB_ID)
    assert shown in str(caught.value)
    assert hidden not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "told",
    [
        {"json": {"detail": f"no such key: {KEY}"}},
        {"headers": {"x-request-id": f"Bearer {KEY}"}},
        {"headers": {"cf-ray": KEY}},
        {"extensions": {"reason_phrase": f"{KEY} unknown".encode()}},
    ],
)
def test_a_refusal_that_quotes_the_key_is_not_quoted_with_it(told: dict[str, Any]) -> None:
    with pytest.raises(ex.RequestError, match=r"\[the key\]") as caught:
        answering(400, **told).get_job(JOB_ID)
    assert KEY not in str(caught.value)


DATE = "Mon, 05 Jan 2026 10:00:00 GMT"
LATER = email.utils.format_datetime(email.utils.parsedate_to_datetime(DATE).replace(second=3))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": LATER, "date": DATE}, 3),  # by the server's own clock, whatever ours says
        ({"retry-after": DATE, "date": LATER}, None),
        ({"retry-after": LATER}, None),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        ({"retry-after-ms": "250", "retry-after": "2"}, 2),  # never earlier than any of them
        ({"retry-after": "2, 7"}, 7),
        ({"retry-after": "3."}, 3),
        ({"retry-after": "0"}, None),
        ({"retry-after": "Mon, 05 Jan 99999999999 10:00:00 GMT", "date": DATE}, None),
        ({"retry-after": LATER, "date": ","}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1000000000"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_what_the_server_asks_to_wait_is_read(headers: dict[str, str], wait: float | None) -> None:
    with pytest.raises(ex.RateLimitError) as caught:
        answering(429, headers=headers).get_job(JOB_ID)
    assert caught.value.retry_after == wait


def test_a_date_without_the_servers_own_time_is_read_by_ours() -> None:
    then = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60), usegmt=True)
    with pytest.raises(ex.RateLimitError) as caught:
        answering(429, headers={"retry-after": then}).get_job(JOB_ID)
    assert 30 < (caught.value.retry_after or 0) <= 60


class _Late(selectors.DefaultSelector):
    """Lets a minute pass when its loop has taken so many more turns."""

    now, turns_left = 0.0, math.inf

    def select(self, timeout: float | None = None) -> list[Any]:
        self.turns_left -= 1
        self.now += 60.0 * (self.turns_left == 0)
        return super().select(timeout if self.turns_left else 0)


class _LateLoop(asyncio.SelectorEventLoop):
    def __init__(self, late: _Late) -> None:
        self.late = late
        super().__init__(late)

    def time(self) -> float:
        return super().time() + self.late.now


class TestWire:
    def ask(self, *plan: Any, **options: Any) -> dict[str, Any]:
        with lcn.demo_server([JOB], faults=list(plan)) as server:
            return lcn.Client(server.api_key, base_url=server.base_url, **options).get_job(JOB_ID)

    @pytest.mark.parametrize(
        "kind", ["early_hints", "http10", "bom", "utf16", "text_plain", "no_type", "chunked", "gzip", "gzip_members"]
    )
    def test_what_is_odd_but_lawful_passes(self, kind: str) -> None:
        assert self.ask(faults.odd(kind)) == json.loads(JOB)

    @pytest.mark.parametrize(
        "kind", ["truncated", "no_last_chunk", "false_gzip", "truncated_gzip", "bad_status_line", "big_header"]
    )
    def test_what_is_damaged_on_the_way_may_be_asked_for_again(self, kind: str) -> None:
        with pytest.raises(ex.TransportError) as caught:
            self.ask(faults.broken(kind))
        assert caught.value.retryable

    @pytest.mark.parametrize("kind", ["bomb", "double_bomb", "big_body"])
    def test_an_answer_beyond_all_measure_is_left_unread(self, kind: str) -> None:
        with pytest.raises(ex.InvalidAnswerError, match=r"larger than 32 MiB|was not asked for"):
            self.ask(faults.broken(kind, size_mb=64))

    @pytest.mark.parametrize(
        "fault",
        [
            faults.hang("before"),
            faults.hang("body"),
            faults.drip("body", every_s=0.05),
            faults.drip("head", every_s=0.05),
        ],
    )
    def test_the_whole_exchange_has_a_deadline(self, fault: Any) -> None:
        with pytest.raises(ex.TransportError, match=r"no whole answer within 0\.3 s"):
            self.ask(fault, timeout=0.3)

    @pytest.mark.parametrize(
        "kind",
        [
            *("html", "half", "not_json", "bad_utf8", "empty", "null", "list", "string", "detail", "other_job"),
            *("missing", "wrong_type", "nan", "infinity", "1e999", "nested"),
        ],
    )
    def test_an_answer_that_is_not_the_job_is_an_error(self, kind: str) -> None:
        with (
            lcn.demo_server(sample_jobs()[:2], faults=faults.answer(kind)) as server,
            pytest.raises(ex.InvalidAnswerError),
        ):
            lcn.Client(server.api_key, base_url=server.base_url).get_job(JOB_ID)

    def test_an_exchange_that_is_cut_off_at_any_moment_blocks_no_other(self, server: DemoServer) -> None:
        """Its connection must not count as taken, least of all where the deadline comes while it ends."""
        client = lcn.Client(server.api_key, base_url=server.base_url, timeout=10.0)
        late = _Late()

        async def main() -> list[bool]:
            cut = []
            async with client.lanes(1) as (lane,):
                for turns in range(1, 25):
                    late.turns_left = turns
                    try:
                        await client.answer(lane, *client.job_target(JOB_ID), bytes)
                        cut.append(False)
                    except ex.TransportError:
                        cut.append(True)
                    late.turns_left = math.inf
                    await client.answer(lane, *client.job_target(JOB_ID), bytes)
            return cut

        with asyncio.Runner(loop_factory=lambda: _LateLoop(late)) as runner:
            cut = runner.run(main())
        assert cut[:3] == [True] * 3
        assert cut[-1] is False  # the whole exchange was over by then: it was cut at each of its moments

    def test_cookies_are_never_sent_back(self) -> None:
        with lcn.demo_server([JOB], faults=faults.odd("cookies")) as server:
            client = lcn.Client(server.api_key, base_url=server.base_url)
            client.get_job(JOB_ID)
            client.get_job(JOB_ID)
            assert not any(request.cookies for request in server.requests)

    def test_a_server_that_is_not_there(self) -> None:
        with lcn.demo_server([JOB]) as server:
            address = server.base_url
        with pytest.raises(ex.TransportError, match="connect error"):
            lcn.Client(KEY, base_url=address).get_job(JOB_ID)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers everything with one job, in some places as an error."""

    protocol_version = "HTTP/1.1"
    keys: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.keys.append(self.headers["authorization"])
        self.send_response({"/overloaded": 503, "/broken": 500}.get(self.path, 200))
        self.send_header("content-length", str(len(JOB)))
        if self.path == "/close":
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(JOB)

    def log_message(self, *_: object) -> None:
        pass


class Plain(http.server.ThreadingHTTPServer):
    """A server that counts its connections."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.n_connections = 0

    def get_request(self) -> Any:
        self.n_connections += 1
        return super().get_request()


def refuse(body: bytes) -> bytes:
    raise ex.InvalidAnswerError(f"{len(body)} bytes that are none of it")


class TestConnections:
    @pytest.fixture
    def plain(self) -> Iterator[Plain]:
        with Plain() as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server
            server.shutdown()
            thread.join()

    @pytest.mark.parametrize(
        ("path", "read", "n_connections"),
        [
            (JOB_ID, bytes, 1),
            (JOB_ID, refuse, 8),  # what comes next may be as wrong
            ("close", bytes, 8),
            ("overloaded", bytes, 8),
            ("broken", bytes, 1),
        ],
    )
    def test_whoever_asks_takes_one_that_is_open_and_trusted(
        self, plain: Plain, path: str, read: Callable[[bytes], bytes], n_connections: int
    ) -> None:
        client = lcn.Client(KEY, base_url=f"http://127.0.0.1:{plain.server_port}")

        async def main() -> None:
            async with client.lanes(8) as lanes:
                for lane in lanes:
                    with contextlib.suppress(ex.ServerError, ex.InvalidAnswerError):
                        await client.answer(lane, f"/{path}", "", read)

        asyncio.run(main())
        assert plain.n_connections == n_connections

    @pytest.mark.parametrize(("wrong", "n_connections"), [([1, 3], 6), ([0, 1, 2, 3], 5), ([1], 2), ([1, 2, 3], 4)])
    def test_where_answers_are_wrong_over_used_ones_only_none_is_used_again(
        self, plain: Plain, wrong: list[int], n_connections: int
    ) -> None:
        client = lcn.Client(KEY, base_url=f"http://127.0.0.1:{plain.server_port}")

        async def main() -> None:
            async with client.lanes(8) as lanes:
                for n, lane in enumerate(lanes):
                    with contextlib.suppress(ex.InvalidAnswerError):
                        await client.answer(lane, f"/{JOB_ID}", "", refuse if n in wrong else bytes)

        asyncio.run(main())
        assert plain.n_connections == n_connections


class Secure(http.server.ThreadingHTTPServer):
    """A server over TLS, with a certificate of an authority that nobody knows."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.n_connections = 0

    def get_request(self) -> Any:
        self.n_connections += 1
        return super().get_request()

    def handle_error(self, *_: object) -> None:
        pass  # a client that doesn't trust it hangs up


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def secure(self, authority: trustme.CA) -> Iterator[Secure]:
        Handler.keys.clear()
        with Secure(authority) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server
            server.shutdown()
            thread.join()

    def test_a_certificate_that_is_not_trusted_ends_a_fetch_at_once(self, secure: Secure) -> None:
        client = lcn.Client(KEY, base_url=f"https://127.0.0.1:{secure.server_port}")
        jobset = lcn.fetch_jobs([JOB_ID, "another"], client=client, progress=False, width=1)
        assert jobset.problems["message"].str.contains("point SSL_CERT_FILE to its certificate").all()
        assert not jobset.problems["retryable"].any()
        assert secure.n_connections == 1
        assert Handler.keys == []

    @pytest.mark.parametrize("scheme", ["https", "HTTPS"])
    def test_one_that_the_environment_trusts_is_taken(
        self, scheme: str, secure: Secure, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        client = lcn.Client(KEY, base_url=f"{scheme}://127.0.0.1:{secure.server_port}")
        assert client.get_job(JOB_ID) == json.loads(JOB)
        assert Handler.keys == [f"Bearer {KEY}"]


class TestCalls:
    def test_a_page_is_what_the_service_gives(self, server: DemoServer, client: lcn.Client) -> None:
        page = client.list_jobs(page_size=7)
        assert len(page["items"]) == 7
        following = client.list_jobs(page_size=7, page_token=page["next_page_token"])
        assert [job["id"] for job in page["items"] + following["items"]] == server.job_ids[:14]
        named = client.list_jobs(job_ids=server.job_ids[3:5])
        assert [job["id"] for job in named["items"]] == server.job_ids[3:5]

    def test_a_page_that_is_none_is_an_error(self) -> None:
        with pytest.raises(ex.InvalidAnswerError, match="not a page of jobs"):
            answering(200, json={"jobs": []}).list_jobs()

    def test_usage_is_asked_for_only_on_request(self, server: DemoServer, client: lcn.Client) -> None:
        client.get_job(server.job_ids[0], usage=True)
        client.get_job(server.job_ids[0])
        assert [request.query for request in server.requests] == ["expand=usage", ""]

    @pytest.mark.parametrize("content", [JOB[:-1] + b',"id":"x"}', JOB[:-1] + b',"n":' + b"9" * 5_000 + b"}"])
    def test_an_answer_that_plain_python_would_read_otherwise_is_an_error(self, content: bytes) -> None:
        with pytest.raises(ex.InvalidAnswerError) as caught:
            answering(200, content=content).get_job(JOB_ID)
        assert caught.value.status_code == 200

    @pytest.mark.parametrize("job_ids", [[], "cls-1", [1], ["a", None]])
    def test_a_list_of_ids_is_a_list_of_ids(self, job_ids: Any) -> None:
        with pytest.raises(ex.ArgumentError, match="give a list of ids"):
            answering(200).list_jobs(job_ids=job_ids)

    @pytest.mark.parametrize(
        ("variable", "value", "says"),
        [
            ("SSL_CERT_FILE", "/nowhere/ca.pem", "check SSL_CERT_FILE"),
            ("HTTPS_PROXY", "socks5://u:s3cret@127.0.0.1:9", r"needs httpx\[socks\]"),
            ("ALL_PROXY", "::s3cret", "check HTTPS_PROXY and ALL_PROXY"),
        ],
    )
    def test_an_environment_that_leads_nowhere_is_named(
        self, variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, value)
        with pytest.raises(ex.ArgumentError, match=says) as caught:
            lcn.Client(KEY, base_url="https://127.0.0.1:9").get_job(JOB_ID)
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("job_id", ["../x", "a/b", "", "a?b", "a\nb", None, 7, b"a"])
    def test_an_id_that_could_leave_its_place_is_refused_before_any_request(self, job_id: Any) -> None:
        with pytest.raises(ex.ArgumentError, match="can't be the id of a job"):
            answering(200).get_job(job_id)

    def test_it_works_where_a_loop_is_running(self, server: DemoServer, client: lcn.Client) -> None:
        async def cell() -> dict[str, Any]:
            return client.get_job(server.job_ids[0])

        assert asyncio.run(cell())["id"] == server.job_ids[0]

    def test_a_closed_client_says_so(self, client: lcn.Client) -> None:
        with client:
            pass
        with pytest.raises(ex.ArgumentError, match="closed"):
            client.get_job("a")

    def test_a_compressed_answer_of_a_plugged_in_transport_is_read(self) -> None:
        packed = answering(200, content=gzip.compress(JOB), headers={"content-encoding": "gzip"})
        assert packed.get_job(JOB_ID) == json.loads(JOB)

    @pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
    def test_a_compressed_answer_is_read_whatever_gzip_is_called(self, name: str) -> None:
        class Streamed(httpx.AsyncByteStream):
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield gzip.compress(JOB)

        packed = answering(200, stream=Streamed(), headers={"content-encoding": name})
        assert packed.get_job(JOB_ID) == json.loads(JOB)

    def test_what_follows_the_end_of_a_compressed_answer_is_not_kept(self) -> None:
        class Endless(httpx.AsyncByteStream):
            n = 0

            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield gzip.compress(JOB)
                for self.n in range(1, 1_000):
                    yield bytes(1 << 20)

        stream = Endless()
        with pytest.raises(ex.TransportError, match="gzip is damaged"):
            answering(200, stream=stream, headers={"content-encoding": "gzip"}).get_job(JOB_ID)
        assert stream.n <= 1

    def test_gzip_members_that_hold_nothing_do_not_go_on_for_ever(self) -> None:
        class Endless(httpx.AsyncByteStream):
            n = 0

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for self.n in range(1, 10_000):
                    yield gzip.compress(b"") * 5_000

        stream = Endless()
        with pytest.raises(ex.InvalidAnswerError, match="larger than 32 MiB"):
            answering(200, stream=stream, headers={"content-encoding": "gzip"}).get_job(JOB_ID)
        assert stream.n < 500
