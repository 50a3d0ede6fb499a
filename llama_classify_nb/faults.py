"""What goes wrong on the demo server, and when: a list of faults, decided by a seed.

::

    plan = FaultPlan(
        limiter(TokenBucket(rate=40, burst=40), retry_after=True),
        status((500, 502, 503), share=0.1),
        reset("body", share=0.05, call="get"),
        listing("omit", share=0.1),
        seed=7,
    )
    with demo_server(faults=plan) as server: ...

Every fault takes the same keywords that say when it applies, and all of those given have to hold:

==========  ======================================================================================
``call``    ``"get"`` or ``"list"``; by default both
``ids``     these jobs only: asked for by GET, or named in ``job_ids``
``share``   this part of the attempts, 0 to 1; for `finishing` and the rows of a listing, of the jobs
``first``   the first so many attempts of each job, or of each page (the same URL)
``after``   from the request on that follows so many others
``until``   up to this request, by number from 1
``for_s``   so many seconds from the first request that meets all the rest
==========  ======================================================================================

and `Fault.stop` ends it by hand. With the first four, whether a fault strikes depends on the seed, its place in the
plan, the job or URL asked for and the number of the attempt, never on the order of arrival.

Of the faults that refuse (`status`, `limiter`, `redirect`, `limit_ids`, `limit_url`, ``listing("expire")``) the first
that applies answers. If none does, `finishing` and `listing` change what is said, then the first that applies of
`answer`, `broken`, `odd`, `reset`, `hang`, `drip` and `dead_on_reuse` spoils how. `latency` adds to any answer.
"""

from __future__ import annotations

import collections
import functools
import gzip
import json
import math
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import Any, Literal, Protocol, TypedDict, Unpack

from .exceptions import ArgumentError

Clock = Callable[[], float]
Script = Iterable[bytes | float]  # bytes to send, and seconds to wait
End = Literal["keep", "close", "reset", "doom"]  # of a connection; doom: reset when the next request arrives


class When(TypedDict, total=False):
    """When a fault applies; the module's text explains each."""

    call: Literal["get", "list"]
    ids: Collection[str]
    share: float
    first: int
    after: int
    until: int
    for_s: float


@dataclass(slots=True)
class Ask:
    """A request as the faults see it: what is asked, by whom else nobody knows, and which attempt it is."""

    call: str
    target: str
    ids: tuple[str, ...]
    other: Callable[[str], bytes] = lambda _: b"{}"  # the body of some job with another id
    number: int = 0
    attempt: int = 0
    gzip: bool = False  # whether the client takes it
    held: list[Limiter] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """What is asked for, the same for every attempt."""
        return self.ids[0] if self.call == "get" else self.target


@dataclass(slots=True)
class Reply:
    """An answer before it is written; status 0: none. ``wire`` makes the bytes of head and body a script."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    page: Page | None = None
    delay_s: float = 0.0
    wire: Callable[[bytes, bytes], Script] | None = None
    end: End = "keep"


@dataclass(slots=True)
class Page:
    """A page of a listing before it is written. A row begins with the job's id and body."""

    rows: Sequence[tuple[Any, ...]]  # all that the listing holds
    offset: int
    size: int
    mark: str  # what the token asked with held besides the offset
    following: bool  # asked for with a token
    total: Any
    seal: Callable[[int, str], str]  # makes a token of an offset and a mark
    everything: Callable[[], Sequence[tuple[Any, ...]]]  # the rows, had no filter been given
    items: list[tuple[str, bytes]] = field(default_factory=list)
    token: str | None = None

    def cut(self, offset: int, size: int) -> None:
        """Take a page's rows, and the token of what follows them."""
        end = offset + size
        self.items = [(row[0], row[1]) for row in self.rows[offset:end]]
        self.token = self.seal(end, "") if end < len(self.rows) else None

    def render(self) -> bytes:
        """Write the page as JSON; the jobs as they are."""
        items = b", ".join([body for _, body in self.items])
        tail = f'], "next_page_token": {json.dumps(self.token)}, "total_size": {json.dumps(self.total)}}}'
        return b'{"items": [' + items + tail.encode()


# --- limiters: take() gives 0 when admitted, else the seconds after which it may be


class Limiter(Protocol):
    """What decides whether a request is admitted. It keeps its own state: a new one for every server."""

    def take(self) -> float:
        """Ask to be admitted: 0 when it is so, else the seconds after which to ask again."""

    def release(self) -> None:
        """Tell that an admitted request is answered."""


class TokenBucket:
    """``rate`` requests a second, and ``burst`` at once after a rest."""

    def __init__(self, rate: float, burst: float = 1, *, clock: Clock = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._tokens, self._at = float(burst), clock()

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class FixedWindow:
    """``limit`` requests in each window; windows follow one another from the first request on."""

    def __init__(self, limit: int, window_s: float, *, clock: Clock = time.monotonic) -> None:
        self.limit, self.window_s, self._clock = limit, window_s, clock
        self._origin: float | None = None
        self._window, self._n = 0, 0

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        self._origin = now if self._origin is None else self._origin
        window = int((now - self._origin) // self.window_s)
        if window != self._window:
            self._window, self._n = window, 0
        if self._n >= self.limit:
            return self._origin + (window + 1) * self.window_s - now
        self._n += 1
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class SlidingWindow:
    """``limit`` admitted requests in any ``window_s`` seconds."""

    def __init__(self, limit: int, window_s: float, *, clock: Clock = time.monotonic) -> None:
        self.limit, self.window_s, self._clock = limit, window_s, clock
        self._admitted: collections.deque[float] = collections.deque()

    def take(self) -> float:
        """Ask to be admitted."""
        now = self._clock()
        while self._admitted and now - self._admitted[0] >= self.window_s:
            self._admitted.popleft()
        if len(self._admitted) >= self.limit:
            return self._admitted[0] + self.window_s - now
        self._admitted.append(now)
        return 0.0

    def release(self) -> None:
        """Nothing is held."""


class Concurrency:
    """``limit`` requests at a time; whoever is refused is told to wait ``wait_s``."""

    def __init__(self, limit: int, *, wait_s: float = 1.0) -> None:
        self.limit, self.wait_s, self._n = limit, wait_s, 0

    def take(self) -> float:
        """Ask to be admitted."""
        if self._n >= self.limit:
            return self.wait_s
        self._n += 1
        return 0.0

    def release(self) -> None:
        """Tell that an admitted request is answered."""
        self._n -= 1


# --- the plan


class Fault:
    """One thing that goes wrong, made by one of the functions of this module."""

    def __init__(self, name: str, stage: str, do: Callable[..., Any], when: When, *, by_row: bool = False) -> None:
        unknown = set(when) - When.__optional_keys__
        if unknown or when.get("call", "get") not in ("get", "list") or not 0 <= when.get("share", 1) <= 1:
            raise ArgumentError(
                f"{name} can't apply when {dict(when)!r}: give any of {sorted(When.__optional_keys__)}, with call "
                "'get' or 'list', and share from 0 to 1"
            )
        self.name, self.stage, self.do, self.when, self.by_row = name, stage, do, when, by_row
        self.active = True

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.when.items())})"

    def stop(self) -> None:
        """End it by hand, while the server runs."""
        self.active = False


class FaultPlan:
    """Everything that goes wrong, in the order in which it is considered.

    Parameters
    ----------
    *faults : Fault
        What goes wrong, and when.
    seed : int
        The same seed, the same faults for the same jobs and attempts.
    clock : callable
        What tells the time for ``for_s``.
    """

    def __init__(self, *faults: Fault, seed: int = 0, clock: Clock = time.monotonic) -> None:
        self.faults, self.seed, self._clock = faults, seed, clock
        self.begin()

    @classmethod
    def of(cls, faults: FaultPlan | Fault | Iterable[Fault] | None) -> FaultPlan:
        """Make a plan of whatever stands for one."""
        if isinstance(faults, FaultPlan):
            return faults
        return cls(*([faults] if isinstance(faults, Fault) else faults or ()))

    def __repr__(self) -> str:
        return f"FaultPlan({', '.join([*map(repr, self.faults), f'seed={self.seed}'])})"

    def begin(self) -> None:
        """Count requests, attempts and seconds from here on."""
        self._counts: collections.Counter[Any] = collections.Counter()
        self._since: dict[int, float] = {}

    def answer(self, ask: Ask, make: Callable[[], Reply]) -> Reply:
        """Answer a request; ``make`` gives what the service would say."""
        self._counts["requests"] += 1
        self._counts[ask.call, ask.identity] += 1
        ask.number, ask.attempt = self._counts["requests"], self._counts[ask.call, ask.identity]
        refusals = (fault(ask, rng) for fault, rng in self._faults("refuse", ask))
        reply: Reply | None = next((refusal for refusal in refusals if refusal is not None), None)
        if reply is None:
            reply = make()
            for do, rng in self._faults("spoil", ask):
                do(ask, reply, rng)
                break
        for do, _ in self._faults("wait", ask):
            do(reply)
        return reply

    def job(self, ask: Ask, job_id: str, body: bytes) -> bytes:
        """Change what is said of a job, on its way into any answer."""
        for index, fault in self._applying("job", ask):
            if self._rows(index, fault)(job_id):
                self._counts["reads", index, job_id] += 1
                body = fault.do(body, self._counts["reads", index, job_id])
        return body

    def page(self, ask: Ask, page: Page) -> None:
        """Change a page of a listing."""
        for index, fault in self._applying("page", ask):
            fault.do(page, self._rows(index, fault))

    def done(self, ask: Ask) -> None:
        """Hear that a request is over."""
        for held in ask.held:
            held.release()
        ask.held.clear()

    def _faults(self, stage: str, ask: Ask) -> Iterator[tuple[Callable[..., Any], Random]]:
        for index, fault in self._applying(stage, ask):
            yield fault.do, self._rng(index, "do", ask.identity, ask.attempt)

    def _applying(self, stage: str, ask: Ask) -> Iterator[tuple[int, Fault]]:
        for index, fault in enumerate(self.faults):
            if fault.stage == stage and fault.active and self._applies(index, fault, ask):
                yield index, fault

    def _applies(self, index: int, fault: Fault, ask: Ask) -> bool:
        when = fault.when
        if when.get("call", ask.call) != ask.call or ask.attempt > when.get("first", math.inf):
            return False
        if ask.number <= when.get("after", 0) or ask.number > when.get("until", math.inf):
            return False
        of_rows = fault.by_row and (fault.stage == "job" or ask.call == "list")  # then it is for the rows to say
        if not of_rows and "ids" in when and not any(job_id in when["ids"] for job_id in ask.ids):
            return False
        share = when.get("share", 1) if not of_rows or fault.stage == "spoil" else 1
        if share < 1 and self._rng(index, "share", ask.identity, ask.attempt).random() >= share:
            return False
        now = self._clock()
        return now - self._since.setdefault(index, now) < when.get("for_s", math.inf)

    def _rows(self, index: int, fault: Fault) -> Callable[[str], bool]:
        """Give the test of which rows a fault concerns: by id and seed alone, so that it stays the same."""
        ids, share = fault.when.get("ids"), fault.when.get("share", 1)
        return lambda job_id: (ids is None or job_id in ids) and self._rng(index, "row", job_id).random() < share

    def _rng(self, *identity: object) -> Random:
        return Random(repr((self.seed, *identity)).encode("utf-8", "backslashreplace"))  # noqa: S311  nothing secret


def _check(name: str, value: object, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise ArgumentError(f"{name} is {value!r}: give one of {', '.join(map(repr, allowed))}")


def _several(kind: str | Sequence[str], allowed: Collection[str]) -> list[str]:
    kinds = [kind] if isinstance(kind, str) else list(kind)
    for one in kinds or [""]:
        _check("kind", one, allowed)
    return kinds


# --- what refuses


def _error(status: int, detail: object, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    return Reply(status, json.dumps({"detail": detail}).encode(), [*headers])


def _retry_headers(value: float | str | None, form: str, skew_s: float) -> list[tuple[str, str]]:
    """Write how long to wait; a clock that is wrong is wrong in the Date of the answer too."""
    now = time.time() + skew_s
    headers = [("date", formatdate(now, usegmt=True))] if skew_s else []
    if value is None:
        return headers
    if isinstance(value, str):
        return [*headers, ("retry-after", value)]
    if form == "date":
        return [*headers, ("retry-after", formatdate(math.ceil(now + value), usegmt=True))]
    if form == "ms":
        return [*headers, ("retry-after-ms", str(math.ceil(value * 1000)))]
    return [*headers, ("retry-after", str(int(value) if value == int(value) else value))]


def _refusal(code: int, headers: list[tuple[str, str]]) -> Reply:
    if code == 502 or 520 <= code < 530:  # it is the proxy that speaks
        page = f"<!doctype html><html><head><title>{code}: Bad gateway</title></head><body>Ray 8f3a</body></html>"
        return Reply(code, page.encode(), [*headers, ("content-type", "text/html; charset=UTF-8")])
    if code == 422:
        return _error(code, [{"loc": ["path", "job_id"], "msg": "Input is not valid", "type": "value_error"}], headers)
    return _error(code, f"Made up: {code}", headers)


def status(
    code: int | Sequence[int],
    *,
    retry_after: float | str | None = None,
    form: Literal["seconds", "date", "ms"] = "seconds",
    skew_s: float = 0.0,
    **when: Unpack[When],
) -> Fault:
    """Refuse with a status, or one of several.

    ``retry_after`` is a number of seconds, told in the given form, or a text that is sent as it is. With ``skew_s`` the
    server's clock, and so its Date, is so many seconds ahead.
    """
    _check("form", form, ("seconds", "date", "ms"))
    codes = [code] if isinstance(code, int) else list(code)

    def do(_: Ask, rng: Random) -> Reply:
        return _refusal(rng.choice(codes), _retry_headers(retry_after, form, skew_s))

    return Fault("status", "refuse", do, when)


def limiter(
    limit: Limiter,
    *,
    retry_after: bool | float | str = False,
    form: Literal["seconds", "date", "ms"] = "seconds",
    skew_s: float = 0.0,
    **when: Unpack[When],
) -> Fault:
    """Refuse with 429 what a limiter doesn't admit; ``retry_after=True`` tells the honest wait, in whole seconds."""
    _check("form", form, ("seconds", "date", "ms"))

    def do(ask: Ask, _: Random) -> Reply | None:
        wait_s = limit.take()
        if not wait_s:
            ask.held.append(limit)
            return None
        honest = wait_s if form == "ms" else math.ceil(wait_s)
        told = honest if retry_after is True else None if retry_after is False else retry_after
        return _refusal(429, _retry_headers(told, form, skew_s))

    return Fault("limiter", "refuse", do, when)


def redirect(to: str, *, code: int = 307, **when: Unpack[When]) -> Fault:
    """Redirect: to the same path of another ``http`` origin, to itself for ever (``"loop"``), or to any other URL."""

    def do(ask: Ask, _: Random) -> Reply:
        place = ask.target if to == "loop" else to.rstrip("/") + ask.target if to.startswith("http") else to
        return Reply(code, b"", [("location", place)])

    return Fault("redirect", "refuse", do, when)


def limit_ids(n: int, **when: Unpack[When]) -> Fault:
    """Refuse listings of more than ``n`` job_ids with 422."""
    detail = [{"loc": ["query", "job_ids"], "msg": f"List should have at most {n} items", "type": "too_long"}]
    return Fault(
        "limit_ids", "refuse", lambda a, _: _error(422, detail) if a.call == "list" and len(a.ids) > n else None, when
    )


def limit_url(n: int, **when: Unpack[When]) -> Fault:
    """Refuse URLs of more than ``n`` bytes with 414."""
    return Fault("limit_url", "refuse", lambda a, _: _error(414, "URI Too Long") if len(a.target) > n else None, when)


# --- what is said of jobs and pages


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    return fields if isinstance(fields, dict) else {}


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def finishing(reads: int, **when: Unpack[When]) -> Fault:
    """Let jobs be PENDING, then RUNNING, for their first ``reads`` reads by either call; final from then on."""

    def do(body: bytes, read: int) -> bytes:
        if read > reads:
            return body
        unfinished = {
            "status": "PENDING" if read <= (reads + 1) // 2 else "RUNNING",
            "result": None,
            "error_message": None,
        }
        return _dump({**_fields(body), **unfinished})

    return Fault("finishing", "job", do, when, by_row=True)


def _without(body: bytes, name: str) -> bytes:
    return _dump({key: value for key, value in _fields(body).items() if key != name})


def _repeat(page: Page) -> None:
    if page.token:
        page.token = page.seal(page.offset + page.size - page.size // 2, "")


def _skip(page: Page) -> None:
    if page.token:
        page.token = page.seal(page.offset + page.size + max(1, page.size // 10), "")


def _self_token(page: Page) -> None:
    if page.following:
        page.token = page.seal(page.offset, page.mark)
    elif not page.token:
        page.token = page.seal(0, "self")


def _endless(page: Page) -> None:
    page.token = page.token or page.seal(0, secrets.token_hex(4))


def _empty(page: Page) -> None:
    if page.mark != "full":
        page.items, page.token = [], page.seal(page.offset, "full")


def _short(page: Page) -> None:
    page.cut(page.offset, max(1, page.size // 3))


def _ignore_ids(page: Page) -> None:
    page.rows = page.everything()
    page.total = len(page.rows)
    page.cut(page.offset, page.size)


def _total(change: Callable[[int], int | None]) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        page.total = change(page.total)

    return do


_ROWS: dict[str, Callable[[bytes], bytes | None]] = {
    "omit": lambda _: None,
    "stale": lambda body: _with(body, status="RUNNING", result=None),
    "no_result": lambda body: _without(body, "result"),
}
_PAGES = {
    "repeat": _repeat,
    "skip": _skip,
    "self_token": _self_token,
    "endless": _endless,
    "empty": _empty,
    "short": _short,
    "ignore_ids": _ignore_ids,
    "total_half": _total(lambda n: n // 2),
    "total_minus": _total(lambda _: -1),
    "total_missing": _total(lambda _: None),
}


def listing(kind: str, **when: Unpack[When]) -> Fault:
    """Spoil the listing.

    Of rows: ``omit`` (left out), ``stale`` (RUNNING, whatever they are), ``no_result``. Of pages: ``repeat`` (half of
    a page comes again on the next), ``skip`` (a tenth falls between two pages), ``self_token`` (a token that leads to
    itself), ``endless`` (after the last page the first, under a fresh token), ``empty`` (before each page an empty
    one), ``short`` (a third of the size), ``ignore_ids`` (every job comes, whichever were asked for), ``total_half``,
    ``total_minus``, ``total_missing``; ``expire`` (400 for every page_token).
    """
    _check("kind", kind, [*_ROWS, *_PAGES, "expire"])
    listed: When = {"call": "list", **when}

    def of_rows(page: Page, chosen: Callable[[str], bool]) -> None:
        changed = [(i, _ROWS[kind](body) if chosen(i) else body) for i, body in page.items]
        page.items = [(i, body) for i, body in changed if body is not None]

    if kind == "expire":
        text = "page_token has expired"
        return Fault(kind, "refuse", lambda ask, _: _error(400, text) if "page_token=" in ask.target else None, listed)
    if kind in _ROWS:
        return Fault(kind, "page", of_rows, listed, by_row=True)
    return Fault(kind, "page", lambda page, _: _PAGES[kind](page), listed)


# --- answers that are not the answer


def _with(body: bytes, **changes: Any) -> bytes:
    return _dump({**_fields(body), **changes})


def _confident(body: bytes, literal: bytes) -> bytes:
    """Forge a result whose confidence is something that json.dumps may not write."""
    result = {"type": "forged", "reasoning": "made up", "confidence": "<number>"}
    return _with(body, status="COMPLETED", result=result).replace(b'"<number>"', literal, 1)


def _nested(body: bytes) -> bytes:
    return body.rstrip()[:-1] + b', "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def _duplicate_keys(body: bytes, job_id: str) -> bytes:
    forged = {"status": "COMPLETED", "result": {"type": "forged", "reasoning": "", "confidence": 1.0}, "id": job_id}
    return b'{"id": "someone-else", ' + body.strip()[1:-1] + b", " + _dump(forged)[1:]


_SIGN_IN = (
    b"<!doctype html><html><head><title>Sign in &amp; continue</title></head><body><h1>Sign in</h1>"
    b"<script>window.__pwned = 1</script></body></html>"
)
_BODIES: dict[str, Callable[[bytes], bytes]] = {
    "html": lambda _: _SIGN_IN,
    "half": lambda body: body[: len(body) // 2],
    "not_json": lambda _: b"{'id': None,}",
    "bad_utf8": lambda body: body.replace(b': "', b': "\xff\xc3', 1),
    "empty": lambda _: b"",
    "null": lambda _: b"null",
    "list": lambda _: b"[]",
    "string": lambda _: b'"ok"',
    "detail": lambda _: b'{"detail": "Something went wrong"}',
}
_STATUSES = {"no_content": 204, "partial": 206, "not_modified": 304}
_JOBS: dict[str, Callable[[bytes, str, Ask, Random], bytes]] = {
    "other_job": lambda _body, job_id, ask, _rng: ask.other(job_id),
    "missing": lambda body, _id, _ask, rng: _without(body, rng.choice(("id", "configuration", "status"))),
    "wrong_type": lambda body, _id, _ask, rng: _confident(body, rng.choice((b'"0.9"', b"17.5"))),
    "nan": lambda body, _id, _ask, _rng: _confident(body, b"NaN"),
    "infinity": lambda body, _id, _ask, _rng: _confident(body, b"-Infinity"),
    "1e999": lambda body, _id, _ask, _rng: _confident(body, b"1e999"),
    "long_integer": lambda body, _id, _ask, _rng: _confident(body, b"9" * 20_000),
    "nested": lambda body, _id, _ask, _rng: _nested(body),
    "duplicate_keys": lambda body, job_id, _ask, _rng: _duplicate_keys(body, job_id),
}


def answer(kind: str | Sequence[str], **when: Unpack[When]) -> Fault:
    """Answer a success that isn't the answer; of several kinds, one or another.

    Bodies: ``html`` (a sign-in page), ``half`` (of the JSON), ``not_json``, ``bad_utf8``, ``empty``, ``null``,
    ``list``, ``string``, ``detail``. Statuses: ``no_content`` (204), ``partial`` (206, with half of the body),
    ``not_modified`` (304). Jobs, in a listing one of the page: ``other_job``, ``missing`` (a required field),
    ``wrong_type``, ``nan``, ``infinity``, ``1e999``, ``long_integer`` (of 20,000 digits), ``nested`` (100,000 arrays),
    ``duplicate_keys`` (that forge id, status and result).
    """
    kinds = _several(kind, [*_BODIES, *_STATUSES, *_JOBS])

    def do(ask: Ask, reply: Reply, rng: Random) -> None:
        chosen = rng.choice(kinds)
        if chosen in _JOBS:
            _spoil_job(ask, reply, rng, _JOBS[chosen], when.get("ids"))
        elif chosen in _BODIES:
            reply.status, reply.body = 200, _BODIES[chosen](reply.body)
            reply.headers = [("content-type", "text/html; charset=utf-8")] if chosen == "html" else []
        else:
            half = reply.body[: len(reply.body) // 2] if chosen == "partial" else b""
            reply.headers = [("content-range", f"bytes 0-{len(half) - 1}/{len(reply.body)}")] if half else []
            reply.status, reply.body = _STATUSES[chosen], half

    return Fault("answer", "spoil", do, when, by_row=all(one in _JOBS for one in kinds))


def _spoil_job(ask: Ask, reply: Reply, rng: Random, spoil: Callable[..., bytes], ids: Collection[str] | None) -> None:
    """Spoil the job of an answer, or one of a page: if ids are given, one of those."""
    if reply.page is None:
        reply.body = spoil(reply.body, ask.ids[0], ask, rng) if reply.status == 200 else reply.body
        return
    items = reply.page.items
    places = [place for place, (job_id, _) in enumerate(items) if ids is None or job_id in ids]
    if places:
        place = rng.choice(places)
        job_id, body = items[place]
        items[place] = (job_id, spoil(body, job_id, ask, rng))
        reply.body = reply.page.render()


# --- how an answer goes over the wire


def _wire(reply: Reply, script: Callable[[bytes, bytes], Script], end: End = "keep") -> None:
    reply.wire, reply.end = script, end


def _said_length(reply: Reply, *lengths: int) -> None:
    reply.headers += [("content-length", str(length)) for length in lengths]
    reply.end = "close"


def _truncated(reply: Reply) -> None:
    _wire(reply, lambda head, body: [head + body[: len(body) // 2]], "close")


def _no_last_chunk(reply: Reply) -> None:
    reply.headers.append(("transfer-encoding", "chunked"))
    _wire(reply, lambda head, body: [head + b"%x\r\n%b\r\n" % (len(body), body)], "close")


def _bad_status_line(reply: Reply) -> None:
    _wire(reply, lambda head, body: [b"HTTX/9.9 fine\r\n" + head.partition(b"\r\n")[2] + body], "close")


def _truncated_gzip(reply: Reply) -> None:
    # Only the mark of the end and the checksum are missing: every byte of the JSON can be unpacked.
    packer = zlib.compressobj(wbits=31)
    reply.body = packer.compress(reply.body) + packer.flush(zlib.Z_SYNC_FLUSH)
    reply.headers.append(("content-encoding", "gzip"))


@functools.lru_cache(maxsize=4)
def _gzip_spaces(size_mb: int) -> tuple[bytes, int]:
    """Pack so many MiB of spaces, without ever holding them: the deflated blocks, and their checksum."""
    block = b" " * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # which stands for itself, so it can be repeated
    return packed * size_mb, functools.reduce(lambda crc, _: zlib.crc32(block, crc), range(size_mb), 0)


def _bomb(reply: Reply, size_mb: int, layers: int = 1) -> None:
    spaces, crc = _gzip_spaces(size_mb)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = size_mb * 2**20 + len(reply.body)
    end = struct.pack("<II", zlib.crc32(reply.body, crc), size & 0xFFFFFFFF)
    rest = packer.compress(reply.body) + packer.flush() + end
    reply.body = b"\x1f\x8b\x08" + bytes(6) + b"\xff" + spaces + rest
    for _ in range(layers - 1):
        reply.body = gzip.compress(reply.body)
    reply.headers.append(("content-encoding", ", ".join(["gzip"] * layers)))


def _big_body(reply: Reply, size_mb: int) -> None:
    def script(head: bytes, body: bytes) -> Script:
        yield head
        block = b" " * 2**20
        for _ in range(size_mb):
            yield block
        yield body

    reply.headers.append(("content-length", str(size_mb * 2**20 + len(reply.body))))
    _wire(reply, script)


_BROKEN: dict[str, Callable[[Reply], None]] = {
    "truncated": _truncated,
    "short_length": lambda reply: _said_length(reply, len(reply.body) // 2),
    "long_length": lambda reply: _said_length(reply, len(reply.body) + 1000),
    "two_lengths": lambda reply: _said_length(reply, len(reply.body), len(reply.body) + 7),
    "no_last_chunk": _no_last_chunk,
    "false_gzip": lambda reply: reply.headers.append(("content-encoding", "gzip")),
    "truncated_gzip": _truncated_gzip,
    "bad_status_line": _bad_status_line,
    "big_header": lambda reply: reply.headers.append(("x-padding", "x" * 200 * 1024)),
}
_BIG: dict[str, tuple[Callable[[Reply, int], None], int]] = {  # and their sizes in MiB
    "bomb": (_bomb, 256),
    "double_bomb": (functools.partial(_bomb, layers=2), 512),
    "big_body": (_big_body, 192),
}


def broken(kind: str | Sequence[str], *, size_mb: int | None = None, **when: Unpack[When]) -> Fault:
    """Break the HTTP of an answer; of several kinds, one or another.

    ``truncated`` (half the body under the right length, then closed), ``short_length`` and ``long_length`` (a
    Content-Length of too little, of too much), ``two_lengths``, ``no_last_chunk``, ``false_gzip`` (said, not done),
    ``truncated_gzip`` (all the text, no end of stream), ``bad_status_line``, ``big_header`` (200 KB), ``bomb`` (256 MiB
    of spaces before the JSON, as 256 KiB of gzip), ``double_bomb`` (512 MiB in two layers), ``big_body`` (192 MiB
    plain); ``size_mb`` is the size of the last three.
    """
    kinds = _several(kind, [*_BROKEN, *_BIG])
    for one in kinds:
        if "bomb" in one:
            _gzip_spaces(size_mb or _BIG[one][1])  # takes a moment: here, not amid the requests

    def do(_: Ask, reply: Reply, rng: Random) -> None:
        chosen = rng.choice(kinds)
        if chosen in _BIG:
            make, usual_mb = _BIG[chosen]
            make(reply, size_mb or usual_mb)
        else:
            _BROKEN[chosen](reply)

    return Fault("broken", "spoil", do, when)


def _early_hints(reply: Reply) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
    _wire(reply, lambda head, body: [early, head + body])


def _http10(reply: Reply) -> None:
    _wire(reply, lambda head, body: [head.replace(b"HTTP/1.1", b"HTTP/1.0", 1) + body], "close")


def _no_type(reply: Reply) -> None:
    _wire(reply, lambda head, body: [head.replace(b"content-type: application/json\r\n", b"", 1) + body])


def _bom(reply: Reply) -> None:
    reply.body = b"\xef\xbb\xbf" + reply.body


def _utf16(reply: Reply) -> None:
    reply.body = reply.body.decode("utf-8", "replace").encode("utf-16")
    reply.headers.append(("content-type", "application/json; charset=utf-16"))


def _gzip(reply: Reply) -> None:
    reply.body = gzip.compress(reply.body, 1)
    reply.headers += [("content-encoding", "gzip"), ("vary", "accept-encoding")]


def _chunked(reply: Reply) -> None:
    def script(head: bytes, body: bytes) -> Script:
        parts = [body[start : start + 1000] for start in range(0, len(body), 1000)]
        return [head, *(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])]

    reply.headers.append(("transfer-encoding", "chunked"))
    _wire(reply, script)


_COOKIES = [("set-cookie", "session=demo; Path=/; HttpOnly"), ("set-cookie", "lb=7; Path=/; Max-Age=3600")]
_ODD: dict[str, Callable[[Reply], None]] = {
    "early_hints": _early_hints,
    "http10": _http10,
    "bom": _bom,
    "utf16": _utf16,
    "text_plain": lambda reply: reply.headers.append(("content-type", "text/plain; charset=utf-8")),
    "no_type": _no_type,
    "cookies": lambda reply: reply.headers.extend(_COOKIES),
    "chunked": _chunked,
    "gzip": _gzip,
}


def odd(kind: str | Sequence[str], **when: Unpack[When]) -> Fault:
    """Answer lawfully, but oddly; of several kinds, one or another.

    ``early_hints`` (103 comes first), ``http10``, ``bom``, ``utf16``, ``text_plain``, ``no_type``, ``cookies``,
    ``chunked``, ``gzip`` (bodies above 1 KiB, for a client that takes it).
    """
    kinds = _several(kind, _ODD)

    def do(ask: Ask, reply: Reply, rng: Random) -> None:
        chosen = rng.choice(kinds)
        if chosen != "gzip" or (ask.gzip and len(reply.body) > 1024):
            _ODD[chosen](reply)

    return Fault("odd", "spoil", do, when)


def _stop_at(where: str, pause_s: float, end: End) -> Callable[[Ask, Reply, Random], None]:
    _check("where", where, ("before", "headers", "body"))

    def script(head: bytes, body: bytes) -> Script:
        return [{"before": b"", "headers": head, "body": head + body[: len(body) // 2]}[where], pause_s]

    def do(_: Ask, reply: Reply, __: Random) -> None:
        _wire(reply, script, end)
        if where == "before":
            reply.status = 0

    return do


def reset(where: str = "before", *, how: Literal["reset", "close"] = "reset", **when: Unpack[When]) -> Fault:
    """Cut ``before`` the answer, after its ``headers`` or amid its ``body``: by reset, or by closing the connection."""
    _check("how", how, ("reset", "close"))
    return Fault("reset", "spoil", _stop_at(where, 0.01, how), when)  # what was sent may arrive before the reset


def hang(where: str = "before", **when: Unpack[When]) -> Fault:
    """Fall silent ``before`` the answer, after its ``headers`` or amid its ``body``; the connection stays open."""
    return Fault("hang", "spoil", _stop_at(where, math.inf, "close"), when)


def drip(part: Literal["head", "body"] = "body", *, every_s: float = 2.0, **when: Unpack[When]) -> Fault:
    """Send the ``head`` or the ``body`` of an answer byte by byte."""
    _check("part", part, ("head", "body"))

    def script(head: bytes, body: bytes) -> Script:
        yield b"" if part == "head" else head
        for byte in head if part == "head" else body:
            yield bytes([byte])
            yield every_s
        yield body if part == "head" else b""

    return Fault("drip", "spoil", lambda _, reply, __: _wire(reply, script), when)


def dead_on_reuse(**when: Unpack[When]) -> Fault:
    """Answer well and keep the connection open, but reset it when the next request arrives."""

    def do(_: Ask, reply: Reply, __: Random) -> None:
        reply.end = "doom"

    return Fault("dead_on_reuse", "spoil", do, when)


def latency(seconds: float, **when: Unpack[When]) -> Fault:
    """Let every answer wait."""

    def do(reply: Reply) -> None:
        reply.delay_s += seconds

    return Fault("latency", "wait", do, when)
