"""The sample, and the API on loopback: the same two calls over real HTTP, with faults on request.

Only reads are served, to this machine only, and only to who has the made-up key. The answers are prebuilt bytes and the
HTTP is written by hand, so that the server is no bottleneck when a client is measured against it.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import functools
import gzip
import hashlib
import http
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote

from .exceptions import ArgumentError
from .faults import Ask, Fault, FaultPlan, Page, Reply, Script

PATH = "/api/v2/classify"
MAX_HEAD_BYTES = 64 * 1024
MAX_URL_BYTES = 8_190
PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
_FILE = "documents_jobs.jsonl.gz"
_EARLIEST = datetime.min.replace(tzinfo=UTC)

Job = Mapping[str, Any] | bytes


def sample_path() -> Path:
    """Find the bundled sample: JSON Lines of jobs, gzipped.

    Returns
    -------
    Path
        Inside the package when it was installed from a wheel, else in the checkout's ``data``.
    """
    here = Path(__file__).resolve().parent
    bundled = here / "sample" / _FILE
    return bundled if bundled.exists() else here.parent / "data" / _FILE


def sample_jobs() -> list[bytes]:
    """Read the bundled sample.

    Returns
    -------
    list of bytes
        The JSON of one job each, as the API would answer it.
    """
    # Split at line feeds alone: text may hold other characters that str.splitlines takes for ends of lines.
    return [line for line in gzip.decompress(sample_path().read_bytes()).split(b"\n") if line]


def demo_server(
    jobs: Iterable[Job] | None = None,
    *,
    faults: FaultPlan | Fault | Iterable[Fault] | None = None,
    latency_s: float = 0.0,
    port: int = 0,
) -> DemoServer:
    """Serve jobs as the Classify API does, on this machine, until stopped.

    Parameters
    ----------
    jobs : iterable of dict or bytes, optional
        The jobs to serve; bytes go out as they are. By default the bundled sample.
    faults : FaultPlan, Fault or iterable of Fault, optional
        What goes wrong, and when: see `llama_classify_nb.faults`. By default nothing.
    latency_s : float
        Seconds that every answer waits.
    port : int
        Port on 127.0.0.1; 0: any that is free.

    Returns
    -------
    DemoServer
        Running already; leave its ``with`` block or call its ``stop`` to end it.

    Raises
    ------
    ArgumentError
        If a job has no id, or an argument can't be right.
    OSError
        If the port is taken.

    Examples
    --------
    >>> with demo_server() as server:
    ...     len(server.job_ids)
    5992
    """
    return DemoServer(_Store(sample_jobs() if jobs is None else jobs), FaultPlan.of(faults), latency_s, port)


class Request(NamedTuple):
    """What the server remembers of a request.

    ``status`` is that of the answer, None when none was begun; ``time`` is ``time.monotonic()`` at its arrival;
    ``ids`` are the ids asked for.
    """

    method: str
    path: str
    query: str
    status: int | None
    authorized: bool
    time: float
    cookies: str
    ids: tuple[str, ...]


class DemoServer:
    """A running server, made by `demo_server`. Every attribute may be used from any thread.

    Attributes
    ----------
    base_url : str
        Address, as ``http://127.0.0.1:PORT``.
    api_key : str
        The one key that is accepted; made up, and a new one for every server.
    faults : FaultPlan
        What goes wrong, and when.
    """

    def __init__(self, store: _Store, faults: FaultPlan, latency_s: float, port: int) -> None:
        if not 0 <= latency_s < float("inf"):
            raise ArgumentError(f"latency_s is {latency_s!r}: give seconds, 0 or more")
        if port not in range(65_536):
            raise ArgumentError(f"port is {port!r}: give a number from 0 (any that is free) to 65535")
        self.api_key = f"llx-demo-{secrets.token_urlsafe(18)}"
        self.faults = faults
        self.faults.begin()
        self._api = _Api(store, faults, self.api_key, float(latency_s))
        self._halt = asyncio.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="llama_classify_nb demo server", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def __repr__(self) -> str:
        state = "" if self._thread.is_alive() else ", stopped"
        return f"DemoServer({self.base_url!r}, {len(self.job_ids):,} jobs{state})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def job_ids(self) -> list[str]:
        """Ids of the jobs served, in the order of the listing: the newest first."""
        with self._api.lock:
            return [row.id for row in self._api.store.ordered()]

    @property
    def requests(self) -> list[Request]:
        """The requests since the start or the last `reset`, in the order of their arrival."""
        return list(self._api.record)

    @property
    def n_requests(self) -> int:
        """How many requests there were since the start or the last `reset`."""
        return len(self._api.record)

    def reset(self) -> None:
        """Forget the requests so far; jobs and faults stay as they are."""
        with self._api.lock:
            self._api.record.clear()

    def set_job(self, job_id: str, body: Job | None) -> None:
        """Replace or add a job while the server runs; None: delete it."""
        with self._api.lock:
            self._api.store.put(job_id, body)

    def stop(self) -> None:
        """End the server and its thread, and cut the connections that are open. A second call does nothing."""
        atexit.unregister(self.stop)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._halt.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self._api), sock=self._socket, backlog=1024)
        try:
            await self._halt.wait()
        finally:
            server.close()
            for connection in list(self._api.connections):
                connection.cut()
            while self._api.connections:
                await asyncio.sleep(0)  # each says goodbye in a turn of the loop of its own
            await server.wait_closed()


class _Row(NamedTuple):
    """A job as it is served, and what the listing filters by."""

    id: str
    body: bytes
    usage: bytes
    created: datetime | None
    status: object
    configuration_id: object
    project_id: object


class _Store:
    """The jobs by id, and in the order of the listing."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.rows: dict[str, _Row] = {}
        self._ordered: list[_Row] | None = None
        self._matching: dict[tuple[Any, ...], list[_Row]] = {}
        for number, job in enumerate(jobs):
            row = _row(job)
            if not row.id:
                raise ArgumentError(f"jobs[{number}] has no id: give JSON objects as the API answers them")
            self.rows[row.id] = row

    def put(self, job_id: str, body: Job | None) -> None:
        if body is None:
            self.rows.pop(job_id, None)
        else:
            self.rows[job_id] = _row(body)._replace(id=job_id)
        self._ordered = None
        self._matching.clear()

    def ordered(self) -> list[_Row]:
        if self._ordered is None:
            self._ordered = sorted(self.rows.values(), key=lambda row: row.created or _EARLIEST, reverse=True)
        return self._ordered

    def matching(self, filters: _Filters) -> list[_Row]:
        if not any(filters):
            return self.ordered()
        if filters not in self._matching:
            if len(self._matching) >= 64:  # enough for the pages of as many readers, and bounded
                self._matching.clear()
            self._matching[filters] = [row for row in self._candidates(filters.job_ids) if filters.take(row)]
        return self._matching[filters]

    def _candidates(self, job_ids: tuple[str, ...]) -> list[_Row]:
        if not job_ids:
            return self.ordered()
        rows = [self.rows[job_id] for job_id in dict.fromkeys(job_ids) if job_id in self.rows]
        return sorted(rows, key=lambda row: row.created or _EARLIEST, reverse=True)


def _row(job: Job) -> _Row:
    """Prepare a job: bytes stay as they are, whatever they hold."""
    try:
        fields = json.loads(job) if isinstance(job, bytes) else dict(job)
        fields = fields if isinstance(fields, dict) else {}
    except (ValueError, RecursionError):
        fields = {}
    if isinstance(job, bytes):
        body = job.strip()
        usage = body if "usage" in fields or not body.endswith(b"}") else body[:-1] + b', "usage": null}'
    else:
        usage = json.dumps({**fields, "usage": fields.get("usage")}).encode()
        body = json.dumps({name: value for name, value in fields.items() if name != "usage"}).encode()
    job_id = fields.get("id")
    return _Row(
        job_id if isinstance(job_id, str) else "",
        body,
        usage,
        _moment(fields.get("created_at")),
        fields.get("status"),
        fields.get("configuration_id"),
        fields.get("project_id"),
    )


def _moment(value: object) -> datetime | None:
    """Read a date-time; None: it can't be read."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Filters(NamedTuple):
    """What a listing is asked for; empty: no such filter."""

    job_ids: tuple[str, ...]
    status: str
    configuration_id: str
    project_id: str
    after: datetime | None
    before: datetime | None

    def take(self, row: _Row) -> bool:
        """Tell whether a job belongs to the listing; its ids have been seen to."""
        if self.after or self.before:
            if row.created is None or (self.after and row.created < self.after):
                return False
            if self.before and row.created > self.before:
                return False
        return all(
            not wanted or wanted == given
            for wanted, given in (
                (self.status, row.status),
                (self.configuration_id, row.configuration_id),
                (self.project_id, row.project_id),
            )
        )


def _problem(name: str, value: str, kind: str, message: str) -> dict[str, Any]:
    return {"type": kind, "loc": ["query", name], "msg": message, "input": value}


def _read_query(query: dict[str, list[str]]) -> tuple[_Filters, int, list[dict[str, Any]]]:
    """Check the parameters of a listing: the filters, the page size, and what is wrong."""
    last = {name: values[-1] for name, values in query.items() if name != "job_ids"}
    problems = []
    size = last.get("page_size", str(PAGE_SIZE))
    if not (size.isascii() and size.isdigit() and 1 <= int(size[:9]) <= MAX_PAGE_SIZE):
        problems.append(_problem("page_size", size, "int_range", f"Input should be an integer of 1 to {MAX_PAGE_SIZE}"))
    status = last.get("status", "")
    if status and status not in STATUSES:
        problems.append(_problem("status", status, "enum", f"Input should be one of {', '.join(STATUSES)}"))
    bounds = []
    for name in ("created_at_on_or_after", "created_at_on_or_before"):
        bounds.append(_moment(last.get(name)))
        if name in last and bounds[-1] is None:
            problems.append(_problem(name, last[name], "datetime_parsing", "Input should be a valid datetime"))
    filters = _Filters(
        tuple(query.get("job_ids", ())), status, last.get("configuration_id", ""), last.get("project_id", ""), *bounds
    )
    return filters, 0 if problems else int(size), problems


def _error(status: int, detail: object, **headers: str) -> Reply:
    return Reply(status, json.dumps({"detail": detail}).encode(), headers=list(headers.items()))


class _Api:
    """Requests in, answers out: what the service says, whatever carries it."""

    def __init__(self, store: _Store, faults: FaultPlan, key: str, latency_s: float) -> None:
        self.store = store
        self.faults = faults
        self.latency_s = latency_s
        self.record: list[Request] = []
        self.connections: set[_Connection] = set()
        self.lock = threading.Lock()  # jobs and record are used by the loop's thread and by the user's
        self._bearer = f"Bearer {key}"

    def answer(self, method: str, target: str, headers: Mapping[str, str], *, dead: bool) -> tuple[Reply, Ask | None]:
        """Answer a request and remember it; ``dead``: it came over a connection that is to be cut instead."""
        arrived = time.monotonic()
        path, _, query = target.partition("?")
        authorized = headers.get("authorization", "") == self._bearer
        ids: tuple[str, ...] = ()
        parsed: dict[str, list[str]] = {}
        if query:
            for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
                parsed.setdefault(name, []).append(value)
        if path.startswith(f"{PATH}/"):
            ids = (unquote(path[len(PATH) + 1 :]),)
        elif path == PATH:
            ids = tuple(parsed.get("job_ids", ()))
        with self.lock:
            reply, ask = Reply(0, end="reset"), None
            if not dead:
                refusal = self._refuse(method, target, path, authorized)
                if refusal is None:
                    zipped = "gzip" in headers.get("accept-encoding", "")
                    ask = Ask("list" if path == PATH else "get", target, ids, self._other, gzip=zipped)
                    refusal = self.faults.answer(ask, functools.partial(self._content, ask, parsed))
                reply = refusal
            cookies = headers.get("cookie", "")
            self.record.append(Request(method, path, query, reply.status or None, authorized, arrived, cookies, ids))
        reply.delay_s += self.latency_s
        return reply, ask

    def _refuse(self, method: str, target: str, path: str, authorized: bool) -> Reply | None:
        if len(target) > MAX_URL_BYTES:
            return _error(414, "URI Too Long")
        if method not in ("GET", "HEAD"):
            return _error(405, "Method Not Allowed", allow="GET, HEAD", connection="close")
        name = path[len(PATH) + 1 :]
        if path != PATH and (not path.startswith(f"{PATH}/") or not name or "/" in name):
            return _error(404, "Not Found")
        if not authorized:
            return _error(401, "Invalid or missing API key", **{"www-authenticate": "Bearer"})
        return None

    def _other(self, job_id: str) -> bytes:
        """Give another job's body."""
        return next((row.body for row in self.store.ordered() if row.id != job_id), b"{}")

    def _content(self, ask: Ask, query: dict[str, list[str]]) -> Reply:
        return self._get(ask, query) if ask.call == "get" else self._list(ask, query)

    def _get(self, ask: Ask, query: dict[str, list[str]]) -> Reply:
        row = self.store.rows.get(ask.ids[0])
        wanted = query["project_id"][-1] if "project_id" in query else ""
        if row is None or (wanted and wanted != row.project_id):
            return _error(404, "Classify job not found")
        return Reply(200, self.faults.job(ask, row.id, row.usage if "usage" in query.get("expand", ()) else row.body))

    def _list(self, ask: Ask, query: dict[str, list[str]]) -> Reply:
        filters, size, problems = _read_query(query)
        if problems:
            return _error(422, problems)
        token = query.get("page_token", [""])[-1]
        seal = hashlib.sha256(repr(filters).encode("utf-8", "backslashreplace")).hexdigest()[:12]
        offset, mark = _open_token(token, seal) if token else (0, "")
        if offset < 0:
            return _error(400, "Invalid page_token")
        rows = self.store.matching(filters)
        page = Page(
            rows, offset, size, mark, bool(token), len(rows), functools.partial(_seal_token, seal), self.store.ordered
        )
        page.cut(offset, size)
        self.faults.page(ask, page)
        page.items = [(job_id, self.faults.job(ask, job_id, body)) for job_id, body in page.items]
        return Reply(200, page.render(), page=page)


def _seal_token(seal: str, offset: int, mark: str) -> str:
    """Name a place in a listing. It is worth something for the same filters only, and nobody's business to read."""
    return base64.urlsafe_b64encode(f"{offset}.{mark}.{seal}".encode()).decode().rstrip("=")


def _open_token(token: str, seal: str) -> tuple[int, str]:
    """Read a token: the offset, -1 if it is none of ours; and its mark."""
    try:
        offset, mark, sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(".")
        return (int(offset), mark) if sealed == seal else (-1, "")
    except ValueError:
        return -1, ""


class _Connection(asyncio.Protocol):
    """One connection: HTTP/1.1, a request at a time, kept open."""

    def __init__(self, api: _Api) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._buffer = b""
        self._ask: Ask | None = None
        self._busy = False
        self._dead = False
        self._only_head = False
        self._last = False
        self._timer: asyncio.TimerHandle | None = None
        self._script: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._api.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._api.connections.discard(self)
        self._release()
        if self._timer is not None:
            self._timer.cancel()
        if self._script is not None:
            self._script.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def cut(self) -> None:
        """End the connection at once; what wasn't sent is lost."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self._busy and len(self._buffer) > MAX_HEAD_BYTES:
            self.cut()
        self._take()

    def _take(self) -> None:
        """Answer the next request, once its head is whole and the last one is answered."""
        if self._busy:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES):
            self._send(_error(431, "Request Header Fields Too Large", connection="close"))
        elif end >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            parsed = _read_head(head.decode("latin-1"))
            if parsed is None:
                self._send(_error(400, "Bad Request", connection="close"))
                return
            method, target, headers = parsed
            self._only_head = method == "HEAD"
            self._last = headers.get("connection", "").lower() == "close"
            reply, self._ask = self._api.answer(method, target, headers, dead=self._dead)
            self._busy = True
            if reply.delay_s:
                self._timer = self._loop.call_later(reply.delay_s, self._send, reply)
            else:
                self._send(reply)

    def _send(self, reply: Reply) -> None:
        self._busy = True
        if self._last:
            reply.headers.append(("connection", "close"))
        head = _head(reply)
        body = b"" if self._only_head else reply.body
        closing = ("connection", "close") in reply.headers and reply.end != "reset"
        end = "close" if closing else reply.end
        if reply.wire is not None and not self._only_head:
            self._script = self._loop.create_task(self._play(reply.wire(head, body), end))
            return
        if reply.status:
            self._transport.write(head + body)
        self._finish(end)

    async def _play(self, script: Script, end: str) -> None:
        """Send by a script: bytes to send, and seconds to wait."""
        for step in script:
            if isinstance(step, bytes):
                self._transport.write(step)
                await self._room.wait()
            else:
                await asyncio.sleep(step)
        self._script = None
        self._finish(end)

    def _finish(self, end: str) -> None:
        self._release()
        self._busy = False
        self._dead = end == "doom"
        if end == "reset":
            # No time to linger: the kernel sends RST in place of FIN.
            peer = self._transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.cut()
        elif end == "close":
            self._transport.close()
        elif self._buffer:
            self._loop.call_soon(self._take)

    def _release(self) -> None:
        if self._ask is not None:
            self._api.faults.done(self._ask)
            self._ask = None


def _read_head(head: str) -> tuple[str, str, dict[str, str]] | None:
    """Read a request's head: method, target, headers by their names in lower case. None: it is malformed."""
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[0].isalpha() or not words[1].startswith("/") or words[2][:7] != "HTTP/1.":
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return None
        headers[name.lower()] = value.strip()
    if words[2] == "HTTP/1.0":
        headers["connection"] = "close"
    carries = words[0] in ("GET", "HEAD") and (
        "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    )
    return None if carries else (words[0], words[1], headers)


def _head(reply: Reply) -> bytes:
    """Write a reply's head. What the reply itself says of date, type or length goes first."""
    said = {name for name, _ in reply.headers}
    phrase = _PHRASES.get(reply.status, "")
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    if "date" not in said:
        lines.append(f"date: {formatdate(usegmt=True)}")
    lines.append(f"x-request-id: {secrets.token_hex(8)}")
    if "content-type" not in said:
        lines.append("content-type: application/json")
    if not said & {"content-length", "transfer-encoding"} and reply.status not in (204, 304):
        lines.append(f"content-length: {len(reply.body)}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
