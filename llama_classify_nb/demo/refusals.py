"""Faults that refuse: the service says no."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from random import Random
from typing import Literal, Unpack

from .exchange import Ask, Reply
from .limiters import Limiter
from .plan import Fault, When, check


def error(status: int, detail: object, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Give an error in the words of the service."""
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
        return error(code, [{"loc": ["path", "job_id"], "msg": "Input is not valid", "type": "value_error"}], headers)
    return error(code, f"Made up: {code}", headers)


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
    check("form", form, ("seconds", "date", "ms"))
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
    check("form", form, ("seconds", "date", "ms"))

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


def limit_connections(n: int, *, code: int = 503, **when: Unpack[When]) -> Fault:
    """Refuse all requests with 503 while more than ``n`` connections are open, and close theirs."""

    def do(ask: Ask, _: Random) -> Reply | None:
        return _refusal(code, [("connection", "close")]) if ask.n_connections > n else None

    return Fault("limit_connections", "refuse", do, when)


def limit_ids(n: int, **when: Unpack[When]) -> Fault:
    """Refuse listings of more than ``n`` job_ids with 422."""
    detail = [{"loc": ["query", "job_ids"], "msg": f"List should have at most {n} items", "type": "too_long"}]
    return Fault(
        "limit_ids",
        "refuse",
        lambda a, _: error(422, detail) if a.call == "list" and len(a.ids) > n else None,
        when,
    )


def limit_url(n: int, **when: Unpack[When]) -> Fault:
    """Refuse URLs of more than ``n`` bytes with 414."""
    return Fault("limit_url", "refuse", lambda a, _: error(414, "URI Too Long") if len(a.target) > n else None, when)
