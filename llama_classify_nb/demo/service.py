"""What the service says: jobs, pages of them, and errors of its own; no sockets."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from ..exceptions import ArgumentError
from .exchange import Ask, Page, Reply
from .plan import FaultPlan

PATH = "/api/v2/classify"
MAX_URL_BYTES = 8_190
PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
_EARLIEST = datetime.min.replace(tzinfo=UTC)
Job = Mapping[str, Any] | bytes


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


class Row(NamedTuple):
    """A job as it is served, and what the listing filters by."""

    id: str
    body: bytes
    usage: bytes
    created: datetime | None
    status: object
    configuration_id: object
    project_id: object


class Store:
    """The jobs by id, and in the order of the listing."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.rows: dict[str, Row] = {}
        self._ordered: list[Row] | None = None
        self._matching: dict[tuple[Any, ...], list[Row]] = {}
        for number, job in enumerate(jobs):
            row = _row(job)
            if not row.id:
                raise ArgumentError(f"jobs[{number}] has no id: give JSON objects as the API answers them")
            self.rows[row.id] = row

    def put(self, job_id: str, body: Job | None) -> None:
        """Serve a job from now on, or no longer."""
        if body is None:
            self.rows.pop(job_id, None)
        else:
            self.rows[job_id] = _row(body)._replace(id=job_id)
        self._ordered = None
        self._matching.clear()

    def ordered(self) -> list[Row]:
        """Give all jobs, newest first."""
        if self._ordered is None:
            self._ordered = sorted(self.rows.values(), key=lambda row: row.created or _EARLIEST, reverse=True)
        return self._ordered

    def matching(self, filters: Filters) -> list[Row]:
        """Give the jobs that filters leave, newest first."""
        if not any(filters):
            return self.ordered()
        if filters not in self._matching:
            if len(self._matching) >= 64:  # enough for the pages of as many readers, and bounded
                self._matching.clear()
            self._matching[filters] = [row for row in self._candidates(filters.job_ids) if filters.take(row)]
        return self._matching[filters]

    def _candidates(self, job_ids: tuple[str, ...]) -> list[Row]:
        if not job_ids:
            return self.ordered()
        rows = [self.rows[job_id] for job_id in dict.fromkeys(job_ids) if job_id in self.rows]
        return sorted(rows, key=lambda row: row.created or _EARLIEST, reverse=True)


def _row(job: Job) -> Row:
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
    return Row(
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


class Filters(NamedTuple):
    """What a listing is asked for; empty: no such filter."""

    job_ids: tuple[str, ...]
    status: str
    configuration_id: str
    project_id: str
    after: datetime | None
    before: datetime | None

    def take(self, row: Row) -> bool:
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


def _read_query(query: dict[str, list[str]]) -> tuple[Filters, int, list[dict[str, Any]]]:
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
    filters = Filters(
        tuple(query.get("job_ids", ())), status, last.get("configuration_id", ""), last.get("project_id", ""), *bounds
    )
    return filters, 0 if problems else int(size), problems


def error(status: int, detail: object, **headers: str) -> Reply:
    """Give an error in the words of the service."""
    return Reply(status, json.dumps({"detail": detail}).encode(), headers=list(headers.items()))


class Api:
    """Requests in, answers out: what the service says, whatever carries it."""

    def __init__(self, store: Store, faults: FaultPlan, key: str, latency_s: float) -> None:
        self.store = store
        self.faults = faults
        self.latency_s = latency_s
        self.record: list[Request] = []
        self.connections: set[Any] = set()
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
                    call, n = "list" if path == PATH else "get", len(self.connections)
                    ask = Ask(call, target, ids, self._other, gzip=zipped, n_connections=n)
                    refusal = self.faults.answer(ask, functools.partial(self._content, ask, parsed))
                reply = refusal
            cookies = headers.get("cookie", "")
            self.record.append(Request(method, path, query, reply.status or None, authorized, arrived, cookies, ids))
        reply.delay_s += self.latency_s
        return reply, ask

    def _refuse(self, method: str, target: str, path: str, authorized: bool) -> Reply | None:
        if len(target) > MAX_URL_BYTES:
            return error(414, "URI Too Long")
        if method not in ("GET", "HEAD"):
            return error(405, "Method Not Allowed", allow="GET, HEAD", connection="close")
        name = path[len(PATH) + 1 :]
        if path != PATH and (not path.startswith(f"{PATH}/") or not name or "/" in name):
            return error(404, "Not Found")
        if not authorized:
            return error(401, "Invalid or missing API key", **{"www-authenticate": "Bearer"})
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
            return error(404, "Classify job not found")
        return Reply(200, self.faults.job(ask, row.id, row.usage if "usage" in query.get("expand", ()) else row.body))

    def _list(self, ask: Ask, query: dict[str, list[str]]) -> Reply:
        filters, size, problems = _read_query(query)
        if problems:
            return error(422, problems)
        token = query.get("page_token", [""])[-1]
        seal = hashlib.sha256(repr(filters).encode("utf-8", "backslashreplace")).hexdigest()[:12]
        offset, mark = _open_token(token, seal) if token else (0, "")
        if offset < 0:
            return error(400, "Invalid page_token")
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
