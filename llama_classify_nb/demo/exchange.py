"""A request and its answer, as the demo server and its faults see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .limiters import Limiter

Script = Iterable[bytes | float]  # bytes to send, and seconds to wait
End = Literal["keep", "close", "reset", "doom"]  # of a connection; doom: reset when the next request arrives


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
    n_connections: int = 1  # that are open, by whomever
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
