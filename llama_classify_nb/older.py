"""Archives of versions 1 and 2, which held each answer by itself; they are read, and written no more."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .records import Answer, DamageError

_WINDOW_BITS = -12  # raw deflate


def older_answers(database: Any, version: int) -> Iterator[Answer]:
    """Give the answers of a database of SQLite whose table of jobs was renamed to ``old_jobs``."""
    if version == 1:
        rows = database.execute(
            "SELECT job_id, old_jobs.body, place, configurations.body, updated_us, final "
            "FROM old_jobs JOIN configurations ON configurations.number = configuration ORDER BY old_jobs.number"
        )
        for job_id, rest, place, configuration, updated_us, final in rows:
            yield Answer(job_id, rest, place, configuration, updated_us, bool(final))
        return
    parts = database.execute("SELECT number, digest, body FROM spares UNION ALL SELECT * FROM shared")
    shared = {number: body for number, digest, body in parts if shared_digest(body) == digest}
    rows = database.execute(
        "SELECT job_id, final, updated_us, configuration, place, dictionary, body, digest "
        "FROM old_jobs NOT INDEXED ORDER BY number"
    )
    for row in rows:
        yield read_record(row, shared)


def shared_digest(part: bytes) -> bytes:
    """Give what a shared part, a configuration or a dictionary, is known by."""
    return hashlib.sha256(part).digest()


def read_record(row: Iterable[Any], shared: Mapping[int, bytes]) -> Answer:
    """Give the answer of a record.

    Raises
    ------
    DamageError
        If it isn't what was written, or a shared part is missing.
    """
    job_id, final, updated_us, configuration, place, dictionary, body, digest = row
    if _digest((job_id, final, updated_us, configuration, place, dictionary), body) != digest:
        raise DamageError(f"the record of job {job_id!a} is damaged")
    try:
        if dictionary is not None:
            body = _unpacker(shared[dictionary]).copy().decompress(body)
        return Answer(job_id, body, place, shared[configuration], updated_us, bool(final))
    except (KeyError, zlib.error):
        raise DamageError(f"what the record of job {job_id!a} shares with others is damaged") from None


def _digest(fields: tuple[Any, ...], body: Any) -> bytes:
    if not isinstance(body, bytes):
        return b""
    return hashlib.blake2b(repr(fields).encode("utf-8", "replace") + body, digest_size=8).digest()


@functools.lru_cache(maxsize=8)
def _unpacker(dictionary: bytes) -> Any:
    return zlib.decompressobj(_WINDOW_BITS, zdict=dictionary)
