"""The body of an answer, unpacked while it arrives, and never more of it than is allowed."""

from __future__ import annotations

import zlib

from .exceptions import InvalidAnswerError, TransportError
from .texts import printable

_GZIP = 31  # zlib's word for a gzip header and checksum around the data
_NAMES_OF_GZIP = {"gzip", "x-gzip"}  # which HTTP takes for the same


class Body:
    """Collects a body, chunk by chunk, plain or gzipped.

    A small answer may unpack into a huge one, so the unpacked bytes are counted as they come; and so are the packed
    ones, since gzip may be members without end that hold nothing.

    Parameters
    ----------
    encoding : str
        The header ``Content-Encoding``; empty: there is none.
    most : int
        Bytes that the body may have, packed or unpacked.

    Raises
    ------
    InvalidAnswerError
        If it is packed in another way.
    """

    def __init__(self, encoding: str, most: int) -> None:
        if encoding not in {"identity", "", *_NAMES_OF_GZIP}:
            raise InvalidAnswerError(f"the answer is packed as {printable(encoding, 40)!r}, which was not asked for")
        self._unpack = zlib.decompressobj(wbits=_GZIP) if encoding in _NAMES_OF_GZIP else None
        self._parts: list[bytes] = []
        self._most = most
        self._size = self._packed_size = 0

    def add(self, chunk: bytes) -> None:
        """Take what came.

        Raises
        ------
        InvalidAnswerError
            If the body is larger than allowed.
        TransportError
            If it isn't the gzip that it was said to be.
        """
        self._packed_size += len(chunk)
        if self._unpack is None:
            self._keep(chunk)
        while self._unpack is not None and chunk:
            if self._unpack.eof:  # what follows can only be another member
                self._unpack = zlib.decompressobj(wbits=_GZIP)
            try:
                self._keep(self._unpack.decompress(chunk, self._most + 1 - self._size))
            except zlib.error:
                raise TransportError("the answer's gzip is damaged") from None
            chunk = self._unpack.unused_data
        if self._packed_size > self._most:
            self._refuse()

    def finish(self) -> bytes:
        """Give the whole body.

        Raises
        ------
        TransportError
            If its gzip has no end.
        """
        if self._unpack is not None and self._packed_size and not self._unpack.eof:
            raise TransportError("the answer's gzip is cut short")
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most:
            self._refuse()
        self._parts.append(part)

    def _refuse(self) -> None:
        raise InvalidAnswerError(f"the answer is larger than {self._most >> 20} MiB")
