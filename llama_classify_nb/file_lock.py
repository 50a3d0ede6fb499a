"""A lock on an open file, between processes and between threads."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .exceptions import LabelLogError

PATIENCE_S = 10.0  # a record takes milliseconds: who waits longer waits for a program that hangs
STALE_S = 30.0  # a lock file this old was left by a program that died
_STEP_S = 0.005
_UNKNOWN = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

Unlock = Callable[[], None]


@contextlib.contextmanager
def locked(number: int, path: Path, what: str = "labels") -> Iterator[None]:
    """Hold the lock of an open file; where its file system knows no locks, that of a file beside it.

    Parameters
    ----------
    number : int
        The open file.
    path : Path
        Its path.
    what : str
        What it holds, for the message.

    Raises
    ------
    LabelLogError
        If somebody else holds it for longer than a record takes.
    """
    end = time.monotonic() + PATIENCE_S
    while (unlock := _try_lock(number, path)) is None:
        if time.monotonic() > end:
            raise LabelLogError(
                f"{what}: {str(path)!a} is held by another program for {PATIENCE_S:g} s; nothing was saved. Close what "
                "holds it, and choose again"
            )
        time.sleep(_STEP_S)
    try:
        yield
    finally:
        unlock()


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a byte that no record reaches: on Windows, a locked byte can't be read

    def _try_lock(number: int, path: Path) -> Unlock | None:  # noqa: ARG001 - as elsewhere
        def at_far(mode: int) -> None:
            os.lseek(number, _FAR, os.SEEK_SET)
            msvcrt.locking(number, mode, 1)

        try:
            at_far(msvcrt.LK_NBLCK)
        except OSError:
            return None
        return lambda: at_far(msvcrt.LK_UNLCK)

else:
    import fcntl

    def _try_lock(number: int, path: Path) -> Unlock | None:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in _UNKNOWN:
                raise
            return _try_lock_beside(path)
        return lambda: fcntl.flock(number, fcntl.LOCK_UN)


def _try_lock_beside(path: Path) -> Unlock | None:
    beside = path.with_name(f".{path.name}.lock")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        with contextlib.suppress(OSError):
            if time.time() - beside.lstat().st_mtime > STALE_S:
                beside.unlink()
        return None
    return lambda: beside.unlink(missing_ok=True)
