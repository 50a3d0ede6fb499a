"""What can still be read of a damaged archive: each record by itself, past everything that leads to it.

A SQLite file is pages; the rows of a table stand in its leaf pages (https://www.sqlite.org/fileformat2.html, sections
1.5, 1.6 and 2.1). The tree above them, the indexes and the schema are not needed here: every leaf page of the file and
of its write-ahead log is read, and a bundle, or a record of an older version, counts if it is whole by its own digest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .older import read_record, shared_digest
from .records import Answer, DamageError, read_bundle

_PAGE_BYTES = 16_384  # where the header doesn't say
_LEAF, _INDEX_LEAF, _INDEX, _TREE = 13, 10, 2, 5
_LOG_HEADER, _FRAME_HEADER = 32, 24
_ABOUT, _SHARED, _BUNDLE, _RECORD = 2, 3, 6, 9  # columns of the tables that are looked for

Row = tuple[int, list[Any]]


def whole_answers(path: Path) -> Iterator[Answer]:
    """Give every answer that is whole, of one job perhaps several, in no order."""
    rows = list(_rows(path))
    shared = {
        number: values[2]
        for number, values in rows
        if len(values) == _SHARED and isinstance(values[2], bytes) and shared_digest(values[2]) == values[1]
    }
    for _, values in rows:
        try:
            if len(values) == _BUNDLE:
                yield from read_bundle(values[1:]).answers()
            elif len(values) == _RECORD:
                yield read_record(values[1:], shared)
        except DamageError:
            continue


def bound_service(path: Path) -> str | None:
    """Give the service that a damaged archive was bound to, if that can still be read."""
    found = [v[1] for _, v in _rows(path) if len(v) == _ABOUT and v[0] == "service" and isinstance(v[1], str)]
    return found[-1] if found else None


def _rows(path: Path) -> Iterator[Row]:
    """Give whatever looks like a row of a table; nothing is promised of it."""
    data = path.read_bytes()
    size = int.from_bytes(data[16:18], "big")
    size = size if size in {512 << shift for shift in range(7)} else _PAGE_BYTES
    pages = [data[start : start + size] for start in range(0, len(data), size)]
    log = path.with_name(path.name + "-wal")
    frames = log.read_bytes()[_LOG_HEADER:] if log.is_file() else b""
    written: dict[int, bytes] = {}
    logged = []
    for start in range(0, len(frames), size + _FRAME_HEADER):
        page = frames[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
        written[int.from_bytes(frames[start : start + 4], "big")] = page
        logged.append(page)
    for number, page in enumerate(pages, start=1):
        yield from _page_rows(page, 100 if number == 1 else 0, size, pages, {})
    for page in logged:
        yield from _page_rows(page, 0, size, pages, written)


def _page_rows(page: bytes, start: int, size: int, pages: list[bytes], written: dict[int, bytes]) -> Iterator[Row]:
    if len(page) <= start + 8 or page[start] in {_INDEX_LEAF, _INDEX, _TREE}:
        return
    # The number of rows that the page states may be damaged, too: the places of rows follow each other, up to the
    # first row itself.
    place, first = start + 8, len(page)
    while place + 2 <= first:
        (cell,) = struct.unpack_from(">H", page, place)
        place += 2
        if not start + 8 < cell < len(page):
            continue
        first = min(first, cell) if cell >= place else first
        try:
            yield _row(page, cell, size, pages, written)
        except (IndexError, ValueError, struct.error):
            continue


def _row(page: bytes, cell: int, size: int, pages: list[bytes], written: dict[int, bytes]) -> Row:
    n_bytes, at = _varint(page, cell)
    number, at = _varint(page, at)
    most, least = size - 35, (size - 12) * 32 // 255 - 23
    local = n_bytes
    if n_bytes > most:
        local = least + (n_bytes - least) % (size - 4)
        local = local if local <= most else least
    payload = page[at : at + local]
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    if n_bytes > size * (len(pages) + len(written)):
        raise ValueError("a row longer than all there is")
    while len(payload) < n_bytes:
        more = written.get(following) or pages[following - 1]
        if following < 1 or len(more) <= 4:
            raise ValueError("a row that goes on nowhere")
        payload += more[4 : 4 + n_bytes - len(payload)]
        following = int.from_bytes(more[:4], "big")
    return number, _values(payload)


def _values(payload: bytes) -> list[Any]:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) not in {_ABOUT, _SHARED, _BUNDLE, _RECORD}:
        raise ValueError("a row of something else")
    return [_value(payload, kind, spot) for kind, spot in zip(kinds, _spots(kinds, end), strict=True)]


def _spots(kinds: list[int], start: int) -> Iterator[int]:
    for kind in kinds:
        yield start
        start += _width(kind)


def _width(kind: int) -> int:
    return (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]


def _value(payload: bytes, kind: int, spot: int) -> Any:
    raw = payload[spot : spot + _width(kind)]
    if len(raw) < _width(kind):
        raise ValueError("a row that is cut short")
    if kind >= 12:
        return raw.decode() if kind % 2 else raw
    if kind in {0, 8, 9}:
        return None if kind == 0 else kind - 8
    return int.from_bytes(raw, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + i + 1
    raise AssertionError
