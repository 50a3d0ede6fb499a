"""HTTP over one connection, written by hand so that the server is no bottleneck."""

from __future__ import annotations

import asyncio
import http
import secrets
import socket
import struct
from email.utils import formatdate

from .exchange import Ask, Reply, Script
from .service import Api, error

MAX_HEAD_BYTES = 64 * 1024


class Connection(asyncio.Protocol):
    """One connection: HTTP/1.1, a request at a time, kept open."""

    def __init__(self, api: Api) -> None:
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
        """Begin."""
        self._transport = transport  # type: ignore[assignment]
        self._api.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End, whoever ended it."""
        self._api.connections.discard(self)
        self._release()
        if self._timer is not None:
            self._timer.cancel()
        if self._script is not None:
            self._script.cancel()

    def pause_writing(self) -> None:
        """Stop sending until there is room."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._room.set()

    def cut(self) -> None:
        """End the connection at once; what wasn't sent is lost."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer what is whole of it."""
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
            self._send(error(431, "Request Header Fields Too Large", connection="close"))
        elif end >= 0:
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            parsed = _read_head(head.decode("latin-1"))
            if parsed is None:
                self._send(error(400, "Bad Request", connection="close"))
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
