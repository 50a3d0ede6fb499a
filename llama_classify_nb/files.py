"""Files that are whole or not there: written aside, for their owner only, through no link."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from .exceptions import ArgumentError


def write_aside(path: str | os.PathLike[str], chunks: Iterable[bytes]) -> Path:
    """Write a file aside, readable by its owner only, and move it to its place once it is whole.

    A failure at any point leaves what was there before, and nothing else.

    Parameters
    ----------
    path : path
        The file. If something is there, it must be an ordinary file with a single name.
    chunks : iterable of bytes
        Its content.

    Returns
    -------
    Path
        The file.
    """
    path = Path(path)
    _check_target(path)
    aside = path.parent / f".{secrets.token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(aside, flags, 0o600), "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return path


def _check_target(path: Path) -> None:
    try:
        found = path.lstat()
    except OSError:
        return  # nothing there; or a folder that can't be looked into, as opening the file will tell
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO"}
    special = kinds.get(stat.S_IFMT(found.st_mode), "no ordinary file")
    what = "a file with several names (hard links)" if stat.S_ISREG(found.st_mode) else special
    raise ArgumentError(f"path {str(path)!a} is {what} and is not replaced; give another path, or remove it first")


def sync_folder(folder: Path) -> None:
    """Bring to disk which files a folder holds."""
    if os.name != "posix":
        return  # elsewhere a folder can't be opened
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pack bytes as gzip does, alike at any time."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # with gzip's header, which then holds no time
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
