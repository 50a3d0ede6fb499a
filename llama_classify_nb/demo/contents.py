"""Faults of what is said: jobs, pages, and answers that are not the answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any, Unpack

from .exchange import Ask, Page, Reply
from .plan import Fault, When, check, several
from .refusals import error


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
    check("kind", kind, [*_ROWS, *_PAGES, "expire"])
    listed: When = {"call": "list", **when}

    def of_rows(page: Page, chosen: Callable[[str], bool]) -> None:
        changed = [(i, _ROWS[kind](body) if chosen(i) else body) for i, body in page.items]
        page.items = [(i, body) for i, body in changed if body is not None]

    if kind == "expire":
        text = "page_token has expired"
        return Fault(kind, "refuse", lambda ask, _: error(400, text) if "page_token=" in ask.target else None, listed)
    if kind in _ROWS:
        return Fault(kind, "page", of_rows, listed, by_row=True)
    return Fault(kind, "page", lambda page, _: _PAGES[kind](page), listed)


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
    kinds = several(kind, [*_BODIES, *_STATUSES, *_JOBS])

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
