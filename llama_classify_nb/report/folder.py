"""A report's folder: written aside and moved to its place when it is whole, and never over something else."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..exceptions import ArgumentError
from ..files import sync_folder

#: The file that makes a folder a report.
MANIFEST = "manifest.json"


@contextlib.contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write a report to; it takes the place of ``folder`` at the end.

    Whatever ends this halfway (an error, a full disk, the stop button) leaves the earlier report as it was; a kill
    leaves besides a hidden folder ``.NAME.….part``, which can be removed.

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


def _take_the_place(aside: Path, folder: Path) -> None:
    """Move the new report to its place, and only then remove the old one."""
    old = folder.parent / f".{folder.name}.{secrets.token_hex(8)}.old"
    sync_folder(aside)
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


def resolved(folder: str | os.PathLike[str]) -> Path:
    """Give the folder as a path with a name, whatever way it was written; links in its parents are followed."""
    if not isinstance(folder, str | os.PathLike) or not str(folder):
        raise ArgumentError(f"folder is {folder!r}: give the path of a folder, such as 'report'")
    path = Path(folder)
    return path if path.name not in ("", "..") else path.resolve()
