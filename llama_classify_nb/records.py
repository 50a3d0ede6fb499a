"""Answers as the archive keeps them: in bundles, each packed as one, with a digest over all of it.

The answers of one page of the list call go into one bundle. They have most of their bytes in common, above all the
configuration, and packed together they take a fifteenth of what came; unpacked, they lie there as lines that become
tables at once. A damaged byte costs one bundle, which one request brings back.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import msgspec
import pyarrow as pa

BUNDLE_ANSWERS, BUNDLE_BYTES = 100, 1 << 20  # the most that a bundle takes, but for one answer that is larger
_GLANCE = 64
_AS_STORED = "0", "1"  # whether a job is final
_LEVEL = 1  # of zstd, and higher ones gain little
_MOST_BYTES = 1 << 30  # that SQLite takes for one value


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


class DamageError(Exception):
    """A bundle or record that isn't what was written."""


class Bundle(NamedTuple):
    """A row of the archive's table of bundles, without its number."""

    codec: str
    n_answers: int
    n_bytes: int  # of what is packed
    body: bytes
    digest: bytes


class Opened(NamedTuple):
    """What a bundle holds."""

    job_ids: list[str]
    final: list[bool]
    updated_us: list[int | None]
    sizes: list[int]
    are_lines: bool  # whether no answer holds a line feed
    content: bytes  # the heading, and the answers as they came, each followed by a line feed
    start: int  # where the answers begin

    @property
    def lines(self) -> memoryview | None:
        """All answers as lines, where they lie there as such: nearly always."""
        return memoryview(self.content)[self.start : -1] if self.are_lines else None

    @property
    def jobs(self) -> str:
        """Whose answers they are, and which are final, as the archive's table of jobs says it in one text."""
        return " ".join([job_id + _AS_STORED[final] for job_id, final in zip(self.job_ids, self.final, strict=True)])

    def check(self, place: int, job_id: str, final: int) -> None:
        """Check that an answer is what the table of jobs says."""
        if place >= len(self.job_ids) or (self.job_ids[place], self.final[place]) != (job_id, final):
            raise DamageError(f"what the table of jobs says of job {job_id!a} is damaged")

    def answers(self, places: Sequence[int] | None = None) -> Iterator[Answer]:
        """Give the answers, in the order in which they were put in; or some of them, by their places."""
        places = range(len(self.job_ids)) if places is None else places
        for place, body in zip(places, self.bodies(places), strict=True):
            yield Answer(self.job_ids[place], body, 0, b"", self.updated_us[place], self.final[place])

    def bodies(self, places: Sequence[int]) -> list[bytes]:
        """Give what came for these, by their places."""
        ends = list(itertools.accumulate((size + 1 for size in self.sizes), initial=self.start))
        return [self.content[ends[place] : ends[place + 1] - 1] for place in places]


class _Heading(msgspec.Struct):
    """What stands at the beginning of a bundle, as JSON on a line."""

    job_ids: list[str]
    final: list[bool]
    updated_us: list[int | None]
    sizes: list[int]
    are_lines: bool


_heading = msgspec.json.Decoder(_Heading)


def split(answers: Iterable[Answer]) -> Iterator[list[Answer]]:
    """Split answers into what each bundle takes."""
    some: list[Answer] = []
    n_bytes = 0
    for answer in answers:
        size = len(answer.rest) + len(answer.configuration)
        if some and (len(some) >= BUNDLE_ANSWERS or n_bytes + size > BUNDLE_BYTES):
            yield some
            some, n_bytes = [], 0
        some.append(answer)
        n_bytes += size
    if some:
        yield some


def make_bundle(answers: Sequence[Answer]) -> Bundle:
    """Pack answers, of which there is at least one."""
    bodies = [answer.body for answer in answers]
    heading = msgspec.json.encode(
        _Heading(
            [one.job_id for one in answers],
            [one.final for one in answers],
            [one.updated_us for one in answers],
            [len(body) for body in bodies],
            not any(b"\n" in body for body in bodies),
        )
    )
    content = b"\n".join((heading, *bodies, b""))
    codec = "zstd" if pa.Codec.is_available("zstd") else "zlib"
    if codec == "zstd":
        body = pa.Codec(codec, compression_level=_LEVEL).compress(content, asbytes=True)
    else:
        body = zlib.compress(content, _LEVEL)
    return Bundle(codec, len(bodies), len(content), body, _digest(codec, len(bodies), len(content), body))


def read_bundle(row: Iterable[Any]) -> Opened:
    """Unpack a bundle.

    Raises
    ------
    DamageError
        If it isn't what :func:`make_bundle` made.
    """
    codec, n_answers, n_bytes, body, digest = row
    if not isinstance(body, bytes) or _digest(codec, n_answers, n_bytes, body) != digest:
        raise DamageError("a bundle of answers is damaged")
    try:
        if not 0 <= n_bytes < _MOST_BYTES or codec not in {"zstd", "zlib"}:
            raise ValueError
        content = zlib.decompress(body) if codec == "zlib" else pa.decompress(body, n_bytes, codec, asbytes=True)
        end = content.index(b"\n")
        heading = _heading.decode(content[:end])
        if sum(heading.sizes) + n_answers + end + 1 != n_bytes or len(content) != n_bytes:
            raise ValueError
    except (ValueError, OSError, zlib.error):  # whose digest is right, and yet
        raise DamageError("a bundle of answers can't be unpacked") from None
    return Opened(
        heading.job_ids, heading.final, heading.updated_us, heading.sizes, heading.are_lines, content, end + 1
    )


def _digest(codec: Any, n_answers: Any, n_bytes: Any, body: bytes) -> bytes:
    digest = hashlib.blake2b(f"{codec} {n_answers} {n_bytes} ".encode("utf-8", "replace"), digest_size=8)
    digest.update(body)
    return digest.digest()
