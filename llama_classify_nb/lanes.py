"""Connections, and one exchange over one of them: its deadline, its bounds, and what it means when it breaks off.

This is the only module that works with httpx. It keeps no connection between calls and follows no redirect, so that the
key goes to the one origin it was given for, and nothing is left open behind anybody's back.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

import httpx

from .address import find_proxy
from .exceptions import (
    ApiError,
    ArgumentError,
    CertificateError,
    InvalidAnswerError,
    RequestError,
    StaleConnectionError,
    TransportError,
)
from .key import Key
from .texts import printable
from .unpacking import Body

CONNECT_TIMEOUT_S = 5.0
OVERLOADED = 503  # a status after which a connection is closed: the service may count those that are open
MOST_WRONG = 2  # answers over connections that had been used before, and none over a new one
MAX_ANSWER_BYTES = 32 * 2**20  # decoded; a page of 100 jobs is about 0.2 MB


class _Line(httpx.AsyncHTTPTransport):
    """A lane over the network, of one connection."""

    was_used = False  # whether the last exchange left its connection open, as far as can be told

    async def cut(self) -> None:
        """Close the connection of an exchange that was given up; the next one opens another.

        An exchange that is given up while it ends leaves its connection taken, for good: the lane would be blocked.
        """
        self.was_used = False
        with contextlib.suppress(OSError, httpx.HTTPError):
            await self.aclose()


class _Lines:
    """Lines to one service. Whoever asks takes an open one, if any is free, so that no more are open than are needed.

    A service may answer nobody who holds more connections than it allows, idle or not.
    """

    def __init__(self, lines: Iterable[_Line]) -> None:
        self._closed, self._open = list(lines), deque[_Line]()
        self._n_wrong = 0  # answers over connections that had been used before, since the last one over a new one

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[_Line]:
        """Take a line for one exchange, until its answer is known to be one: there are as many as those who ask.

        Of several that are open, the one that has rested the longest: if more came over it than was asked for, that
        has shown by now. If it hasn't, each answer is the one to an earlier request: where answers are wrong over
        connections that were used before, and only there, none is used again.
        """
        line = self._open.popleft() if self._open else self._closed.pop()
        is_new = not line.was_used
        try:
            yield line
        except InvalidAnswerError:
            self._n_wrong = 0 if is_new else self._n_wrong + 1
            await line.cut()
            raise
        finally:
            if self._n_wrong >= MOST_WRONG:
                await line.cut()
            (self._open if line.was_used else self._closed).append(line)


Lane = _Lines | httpx.AsyncBaseTransport


@contextlib.asynccontextmanager
async def taken(lane: Lane) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Take what an exchange goes over, until its answer is known to be one."""
    if isinstance(lane, _Lines):
        async with lane.taken() as line:
            yield line
    else:
        yield lane


class Reply(NamedTuple):
    """What a server said, whatever it is worth."""

    status: int
    reason: str
    headers: httpx.Headers
    body: bytes  # unpacked


def parse_url(url: str) -> httpx.URL:
    """Give an address as httpx takes it: it looks at one letter by letter, which is worth doing once only.

    Raises
    ------
    ArgumentError
        If it takes it for none.
    """
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        why = printable(str(error), 120)
        raise ArgumentError(f"{url!r} can't be asked ({why}): give an address such as https://example.org") from None


@contextlib.asynccontextmanager
async def open_lanes(url: httpx.URL, n: int) -> AsyncIterator[list[Lane]]:
    """Open ``n`` lanes, of one connection each at a time, closed on the way out.

    httpx walks all connections of a pool at each request; many pools of one are several times faster than one
    pool of many. They share a TLS context, which is the dear part. And they are bare transports: what a client of
    httpx does on top, cookies and redirects, is not wanted here, and would take a third of the time.
    """
    secure = url.scheme == "https"
    # Loading the certificates to trust takes long. Where none are needed, none are trusted.
    try:
        context = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except OSError as error:
        raise ArgumentError(f"no certificates to trust ({error}): check SSL_CERT_FILE and SSL_CERT_DIR") from None
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    try:
        # Over http no proxy of the environment is used: it would see the key.
        named = find_proxy(str(url)) if secure else None
        proxy = httpx.Proxy(named) if named else None
        lines = [_Line(verify=context, limits=limits, proxy=proxy) for _ in range(n)]
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # whose text may quote a password
        why = "SOCKS needs httpx[socks]" if isinstance(error, ImportError) else "check HTTPS_PROXY and ALL_PROXY"
        raise ArgumentError(f"the proxy that the environment names can't be used: {why}") from None
    async with contextlib.AsyncExitStack() as stack:
        yield [_Lines([await stack.enter_async_context(line) for line in lines])] * n


async def exchange(
    line: httpx.AsyncBaseTransport, url: httpx.URL, target: str, key: Key, timeout_s: float
) -> Reply | ApiError:
    """Make one GET and give what came, or, if it didn't come whole or can't be unpacked, the error that this is.

    It is for the caller to raise: so it drags along no frame of a connection, whose variables show the key, or an
    answer that quotes it.
    """
    # A connection that was used before and breaks without a byte of an answer was dead already.
    may_be_dead = isinstance(line, _Line) and line.was_used
    if isinstance(line, _Line):
        line.was_used = False
    try:
        with key.kept_out_of_logs():
            async with asyncio.timeout(timeout_s):
                response = await line.handle_async_request(_request(line, url, target, key, timeout_s))
                may_be_dead = False
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
    except TimeoutError:
        if isinstance(line, _Line):
            await line.cut()
        return TransportError(f"no whole answer within {timeout_s:g} s")
    except httpx.HTTPError as error:
        return _broken_off(error, may_be_dead=may_be_dead)
    except httpx.InvalidURL:
        return RequestError("the address of the request is too long", status_code=414)
    except (TransportError, InvalidAnswerError) as error:
        return type(error)(str(error), status_code=response.status_code)
    if isinstance(line, _Line):
        line.was_used = response.headers.get("connection", "").lower() != "close"
        if response.status_code == OVERLOADED:
            await line.cut()
    return Reply(response.status_code, response.reason_phrase, response.headers, body)


def _request(line: httpx.AsyncBaseTransport, url: httpx.URL, target: str, key: Key, timeout_s: float) -> httpx.Request:
    extensions: dict[str, Any] = {"timeout": {"connect": min(CONNECT_TIMEOUT_S, timeout_s)}}
    if isinstance(line, _Line):  # our target is quoted already, and need not be looked at
        extensions["target"] = url.raw_path.rstrip(b"/") + target.encode("ascii")
    else:
        url = httpx.URL(f"{url}{target}")
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "llama_classify_nb"}
    request = httpx.Request("GET", url, headers=headers, extensions=extensions)
    key.authorize(request.headers)
    return request


async def _body(response: httpx.Response) -> bytes:
    if response.is_stream_consumed:  # a transport of a test hands answers over in one piece
        return response.content
    body = Body(response.headers.get("content-encoding", "").strip().lower(), MAX_ANSWER_BYTES)
    async for chunk in response.aiter_raw():
        body.add(chunk)
    return body.finish()


def _broken_off(error: httpx.HTTPError, *, may_be_dead: bool) -> TransportError:
    """Give what it means that an exchange ended before its end."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                f"the server's certificate is not trusted ({printable(cause.verify_message, 120)}): "
                "if a proxy of your organization signs it, point SSL_CERT_FILE to its certificate"
            )
        cause = cause.__cause__ or cause.__context__
    # The name of httpx's error is its kind; its text may quote headers, so it is not repeated.
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
    is_dead = may_be_dead and isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)
    return (StaleConnectionError if is_dead else TransportError)(f"no whole answer came: {kind}")
