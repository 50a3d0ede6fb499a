"""A report's folder: written aside and moved to its place when it is whole, and never over something else."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..exceptions import ArgumentError
from ..files import sync_folder

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

#: The file that makes a folder a report.
MANIFEST = "manifest.json"
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, as Linux has them
_DEAD_S = 60.0  # a folder made just now may not be held yet


@contextlib.contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write a report to; it takes the place of ``folder`` at the end.

    Whatever ends this halfway (an error, a full disk, the stop button) leaves the earlier report as it was. A kill
    leaves besides a hidden folder ``.NAME.….part``, which the next report in this place removes.

    Raises
    ------
    ArgumentError
        If ``folder`` is a link, a file, or holds anything but an earlier report.
    OSError
        If a folder can't be made or moved; the error names it.
    """
    check(folder)
    made = _make(folder.parent)
    aside = folder.parent / f".{folder.name}.{secrets.token_hex(8)}.part"
    try:
        aside.mkdir(0o700)
        with _held(aside):
            _clear(folder)
            yield aside
        check(folder)  # somebody may have written to it meanwhile
        _take_the_place(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def check(folder: Path) -> None:
    """Raise ArgumentError unless a report may be written in this place."""
    if folder.name in ("", ".."):
        raise ArgumentError(f"folder {str(folder)!a} has no name of its own; give a folder within it, such as 'report'")
    if folder.is_symlink():
        raise ArgumentError(f"folder {str(folder)!a} is a symbolic link; give the folder that it points to")
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"folder {str(folder)!a} is a file; give a folder, or a path where nothing is yet")
    if not folder.is_dir():
        return
    found = {path.name: path for path in folder.iterdir()}
    others = sorted(set(found) - _listed(folder))
    if others:
        some = ", ".join(map(ascii, others[:3])) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise ArgumentError(
            f"folder {str(folder)!a} holds something else than a report: {some}. Give another folder, or move that away"
        )
    for name, path in found.items():
        if path.is_symlink() or not path.is_file():
            raise ArgumentError(
                f"folder {str(folder)!a}: {name!a} is a link or a folder, not a file of a report; remove it"
            )


def _listed(folder: Path) -> set[str]:
    """Give the names of the files of an earlier report, by its manifest; none without one that can be read."""
    manifest = folder / MANIFEST
    if manifest.is_symlink() or not manifest.is_file():
        return set()
    try:
        files = json.loads(manifest.read_bytes())["files"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return set()
    return {*map(str, files), MANIFEST} if isinstance(files, dict) else set()


def _make(folder: Path) -> list[Path]:
    """Make a folder, and those above it that aren't there, for its owner only; give those that were made."""
    made = []
    for part in reversed([folder, *folder.parents]):
        try:
            part.mkdir(0o700)
        except OSError:
            if not part.is_dir():
                raise
        else:
            made.append(part)
    return made


@contextlib.contextmanager
def _held(aside: Path) -> Iterator[bool]:
    """Hold a folder while it is written to; tell whether it could be held, and nobody else does."""
    if fcntl is None:
        yield False
        return
    number = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(number)


def _clear(folder: Path) -> None:
    """Remove what reports left that were killed: of one that is still written, its process holds the folder."""
    left = re.compile(re.escape(f".{folder.name}.") + r"[0-9a-f]{16}\.part")
    for path in folder.parent.iterdir():
        with contextlib.suppress(OSError):
            if left.fullmatch(path.name) and time.time() - path.lstat().st_mtime > _DEAD_S:
                with _held(path) as is_dead:
                    if is_dead:
                        shutil.rmtree(path, ignore_errors=True)


def _take_the_place(aside: Path, folder: Path) -> None:
    """Move the new report to its place, and only then remove the old one."""
    sync_folder(aside)
    if folder.is_dir() and exchanged(aside, folder):
        sync_folder(folder.parent)
        shutil.rmtree(aside, ignore_errors=True)
        return
    old = folder.parent / f".{folder.name}.{secrets.token_hex(8)}.old"
    if folder.is_dir():
        folder.rename(old)
    try:
        aside.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places at once, so that neither is ever missing; False where the system can't."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def resolved(folder: str | os.PathLike[str]) -> Path:
    """Give the folder as a path with a name, whatever way it was written; links in its parents are followed."""
    if not isinstance(folder, str | os.PathLike) or not str(folder):
        raise ArgumentError(f"folder is {folder!r}: give the path of a folder, such as 'report'")
    path = Path(folder)
    return path if path.name not in ("", "..") else path.resolve()
