"""The log of labels: a CSV file that only grows, so that nothing a reviewer said is lost.

Every act is a record at the end of the file, one write and one ``fsync`` under a lock: several reviewers may share the
file, each process sees what the others wrote, and an undo is a record, too. Texts are quoted as in ``export``: a
spreadsheet runs none of them, and each comes back exactly. A record that a crash cut short is moved to a file beside
the log, and never joined to the next one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from .exceptions import LabelLogError
from .file_lock import locked
from .files import sync_folder
from .label_records import HEADER, NAMES, Parsed, Record, encode, is_log, parse

# O_NONBLOCK: a FIFO is refused, and not waited for.
_OPEN = os.O_RDWR | os.O_APPEND
for _name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):
    _OPEN |= getattr(os, _name, 0)


def read(path: str | os.PathLike[str]) -> Parsed | None:
    """Read a file as it is, without a change to it; None: it is no log."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        if not is_log(file.read(1 << 10)):
            return None
        with locked(number, Path(path)):
            file.seek(0)
            return parse(file.read())


class LabelLog:
    """A log of labels, open to be written; it is made if it isn't there, readable by its owner only.

    Attributes
    ----------
    path : Path
        The file.
    records : list of Record
        Everything in it, by all reviewers, as of the last ``append`` or ``refresh``.
    notes : list of str
        What was found wrong with it, in sentences.

    Raises
    ------
    LabelLogError
        If the file can't be written, or is no log. What was in it stays.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._mutex = threading.Lock()
        self._forget(None)
        self.notes: list[str] = []
        self.refresh()

    def append(self, record: Record) -> None:
        """Write a record; once this returns, it is on disk. If it raises, nothing of it is in the file."""
        self._do(encode(record))

    def refresh(self) -> None:
        """Read what other processes wrote."""
        self._do(b"")

    def _forget(self, identity: tuple[int, int] | None) -> None:
        self._identity, self._end, self._lines, self._is_open = identity, 0, 0, False
        self.records: list[Record] = []

    def _do(self, line: bytes) -> None:
        with self._mutex:
            try:
                with self._opened() as number:
                    lead = self._read(number)
                    if line or lead == HEADER:
                        self._write(number, lead + line)
            except OSError as error:
                what = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror or str(error)
                raise LabelLogError(
                    f"labels: {str(self.path)!a} can't be written: {what}; nothing was saved. Make room for it, or "
                    "give another path"
                ) from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the file that the path names now, and hold its lock."""
        while True:
            number = os.open(self.path, _OPEN | os.O_CREAT, 0o600)
            try:
                status = os.fstat(number)
                if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                    kind = "a file with several names" if stat.S_ISREG(status.st_mode) else "no ordinary file"
                    raise LabelLogError(f"labels: {str(self.path)!a} is {kind}; give another path")
                with locked(number, self.path):
                    identity = (status.st_dev, status.st_ino)
                    if identity != self._named():
                        continue  # replaced, while this waited for the lock
                    if identity != self._identity or os.fstat(number).st_size < self._end:
                        if self._identity is not None:
                            self.notes.append(f"{self.path.name} was replaced: what is in it now counts")
                        self._forget(identity)
                    yield number
                    return
            finally:
                os.close(number)

    def _named(self) -> tuple[int, int] | None:
        """Give which file has the name now."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _read(self, number: int) -> bytes:
        """Read what is new, put aside what is torn, and give what must stand before the next record."""
        os.lseek(number, self._end, os.SEEK_SET)
        content = b""
        while part := os.read(number, 1 << 20):
            content += part
        if not self._end:
            if content != HEADER and HEADER.startswith(content):  # new, or whoever made it died while doing so
                os.ftruncate(number, 0)
                return HEADER
            if not is_log(content):
                raise LabelLogError(
                    f"labels: {str(self.path)!a} is no log of labels: its first line doesn't name the columns "
                    f"{', '.join(NAMES)}. Give the path of a new file"
                )
        found = parse(content, self._lines + 1)
        if found.torn is not None:
            self._put_aside(content[found.torn :])
            os.ftruncate(number, self._end + found.torn)
            content = content[: found.torn]
        self.records += found.records
        self.notes += [f"{self.path.name}: {fault}" for fault in found.faults]
        self._end += len(content)
        self._lines += content.count(b"\n")
        self._is_open = not content.endswith(b"\n") if content else self._is_open
        return b"\n" if self._is_open else b""

    def _put_aside(self, torn: bytes) -> None:
        aside = self.path.with_name(f"{self.path.name}.torn")
        number = os.open(aside, _OPEN | os.O_CREAT, 0o600)
        try:
            self._whole(number, torn.rstrip(b"\n") + b"\n")
        finally:
            os.close(number)
        self.notes.append(
            f"{self.path.name}: its last record was cut short, as by a crash; its {len(torn):,} bytes were moved to "
            f"{aside.name}, and every record before it is whole"
        )

    @staticmethod
    def _whole(number: int, content: bytes) -> None:
        if os.write(number, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(number)

    def _write(self, number: int, content: bytes) -> None:
        """Write all of it, or nothing."""
        before = os.fstat(number).st_size
        try:
            self._whole(number, content)
        except OSError:
            os.ftruncate(number, before)
            raise
        if not before:
            sync_folder(self.path.parent)
        self.records += parse(content).records
        self._end = before + len(content)
        self._lines += content.count(b"\n")
        self._is_open = False
