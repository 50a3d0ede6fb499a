"""Faults of how an answer goes over the wire."""

from __future__ import annotations

import functools
import gzip
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, Unpack

from .exchange import Ask, End, Reply, Script
from .plan import Fault, When, check, several


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
    "twice": lambda reply: _wire(reply, lambda head, body: [head + body, 0.005, head + body]),
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
    ``truncated_gzip`` (all the text, no end of stream), ``bad_status_line``, ``twice`` (and the connection kept, where
    the second waits for the next request), ``big_header`` (200 KB), ``bomb`` (256 MiB of spaces before the JSON, as
    256 KiB of gzip), ``double_bomb`` (512 MiB in two layers), ``big_body`` (192 MiB plain); ``size_mb`` is the size of
    the last three.
    """
    kinds = several(kind, [*_BROKEN, *_BIG])
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


def _gzip_members(reply: Reply) -> None:
    half = len(reply.body) // 2
    reply.body = b"".join(gzip.compress(part, 1) for part in (reply.body[:half], b"", reply.body[half:]))
    reply.headers.append(("content-encoding", "gzip"))


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
    "gzip_members": _gzip_members,
}


def odd(kind: str | Sequence[str], **when: Unpack[When]) -> Fault:
    """Answer lawfully, but oddly; of several kinds, one or another.

    ``early_hints`` (103 comes first), ``http10``, ``bom``, ``utf16``, ``text_plain``, ``no_type``, ``cookies``,
    ``chunked``, ``gzip`` and ``gzip_members`` (three, one after another), both for a client that takes gzip, and for
    bodies above 1 KiB.
    """
    kinds = several(kind, _ODD)

    def do(ask: Ask, reply: Reply, rng: Random) -> None:
        chosen = rng.choice(kinds)
        if "gzip" not in chosen or (ask.gzip and len(reply.body) > 1024):
            _ODD[chosen](reply)

    return Fault("odd", "spoil", do, when)


def _stop_at(where: str, pause_s: float, end: End) -> Callable[[Ask, Reply, Random], None]:
    check("where", where, ("before", "headers", "body"))

    def script(head: bytes, body: bytes) -> Script:
        return [{"before": b"", "headers": head, "body": head + body[: len(body) // 2]}[where], pause_s]

    def do(_: Ask, reply: Reply, __: Random) -> None:
        _wire(reply, script, end)
        if where == "before":
            reply.status = 0

    return do


def reset(where: str = "before", *, how: Literal["reset", "close"] = "reset", **when: Unpack[When]) -> Fault:
    """Cut ``before`` the answer, after its ``headers`` or amid its ``body``: by reset, or by closing the connection."""
    check("how", how, ("reset", "close"))
    return Fault("reset", "spoil", _stop_at(where, 0.01, how), when)  # what was sent may arrive before the reset


def hang(where: str = "before", **when: Unpack[When]) -> Fault:
    """Fall silent ``before`` the answer, after its ``headers`` or amid its ``body``; the connection stays open."""
    return Fault("hang", "spoil", _stop_at(where, math.inf, "close"), when)


def drip(part: Literal["head", "body"] = "body", *, every_s: float = 2.0, **when: Unpack[When]) -> Fault:
    """Send the ``head`` or the ``body`` of an answer byte by byte."""
    check("part", part, ("head", "body"))

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
