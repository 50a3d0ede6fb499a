"""An answer as a record of the archive: its shared parts cut out, the rest packed, and a digest over all of it.

A million jobs share a handful of configurations, so each distinct one is stored once, as a *shared part*, and put back,
byte for byte, on reading. What remains is packed with a *dictionary*, another shared part, made of the first answers: a
record then takes about a tenth of what came, and can still be read by itself.
"""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

DICTIONARY_BYTES = 3_800  # of the 4 KiB that a packed record looks back
_GLANCE = 64
_WINDOW_BITS, _MEMORY, _LEVEL = -12, 5, 3  # raw deflate: no header, no checksum, since a digest stands beside it


class Answer(NamedTuple):
    """An answer to keep, with its configuration cut out."""

    job_id: str
    rest: bytes  # what came, without its configuration
    place: int  # where in what came the configuration stood
    configuration: bytes
    updated_us: int | None  # updated_at in microseconds since 1970; None: not stated
    final: bool  # whether the job has ended and won't change

    @classmethod
    def cut(cls, job_id: str, body: bytes, configuration: bytes, updated_us: int | None, final: bool) -> Self:
        """Make it of what came, which holds the configuration.

        Raises
        ------
        ValueError
            If it doesn't.
        """
        place = body.find(configuration[:_GLANCE])  # far quicker than looking for a long text at once
        if not body.startswith(configuration, place):
            place = body.index(configuration)
        return cls(job_id, body[:place] + body[place + len(configuration) :], place, configuration, updated_us, final)

    @property
    def body(self) -> bytes:
        """What came, byte for byte."""
        return b"".join((self.rest[: self.place], self.configuration, self.rest[self.place :]))


class Record(NamedTuple):
    """A row of the archive's table of jobs, without its number."""

    job_id: str
    final: int
    updated_us: int | None
    configuration: int  # number of a shared part
    place: int
    dictionary: int | None  # number of the shared part that the body was packed with; None: it isn't packed
    body: bytes
    digest: bytes


class DamageError(Exception):
    """A record that isn't what was written."""


def shared_digest(part: bytes) -> bytes:
    """Give what a shared part is known by."""
    return hashlib.sha256(part).digest()


def make_dictionary(answers: Iterable[Answer]) -> bytes:
    """Make a dictionary of what answers have in common: the beginning of some of them."""
    return b"".join(answer.rest for answer in answers)[:DICTIONARY_BYTES]


def make_record(answer: Answer, configuration: int, dictionary: tuple[int, bytes] | None) -> Record:
    """Make the record of an answer; ``configuration`` is a number, ``dictionary`` a number and its bytes."""
    body = answer.rest
    if dictionary is not None:
        packer = _packer(dictionary[1]).copy()
        body = packer.compress(body) + packer.flush()
    number = None if dictionary is None else dictionary[0]
    fields = (answer.job_id, int(answer.final), answer.updated_us, configuration, answer.place, number)
    return Record(*fields, body, _digest(fields, body))


def read_record(row: Iterable[Any], shared: Mapping[int, bytes]) -> Answer:
    """Give the answer of a record.

    Raises
    ------
    DamageError
        If it isn't what :func:`make_record` made, or a shared part is missing.
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
def _packer(dictionary: bytes) -> Any:
    # Priming a packer with its dictionary takes far longer than copying a primed one.
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, zlib.Z_DEFAULT_STRATEGY, dictionary)


@functools.lru_cache(maxsize=8)
def _unpacker(dictionary: bytes) -> Any:
    return zlib.decompressobj(_WINDOW_BITS, zdict=dictionary)
