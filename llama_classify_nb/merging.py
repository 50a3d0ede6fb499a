"""Archives of several fetches, made one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .archive import Archive
from .exceptions import ArchiveError, ArgumentError
from .records import Answer

_AT_ONCE = 2_000  # answers of a transaction


def merge_archives(archives: Iterable[str | os.PathLike[str]], archive: str | os.PathLike[str]) -> Path:
    """Put the answers of several archives into one; of each job the newest answer stays.

    Parameters
    ----------
    archives : iterable of path-like
        The archives, of one service. They stay as they are.
    archive : path-like
        Where to: a new file, or an archive of the same service that takes more.

    Returns
    -------
    Path
        The archive. If this is stopped halfway, doing it again finishes it.

    Raises
    ------
    ArgumentError
        If ``archives`` names none, or ``archive`` is one of them.
    ArchiveError
        If one isn't there, can't be read or written, or is of another service.

    Examples
    --------
    >>> import tempfile
    >>> import llama_classify_nb as lcn
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("a.db", "b.db"):
    ...     lcn.Archive(f"{folder}/{name}").close()
    >>> merge_archives([f"{folder}/a.db", f"{folder}/b.db"], f"{folder}/all.db").name
    'all.db'
    """
    if isinstance(archives, str | os.PathLike):
        raise ArgumentError(f"archives is {os.fspath(archives)!r}: give a list of paths")
    paths, into = [Path(one) for one in archives], Path(archive)
    if not paths:
        raise ArgumentError("archives is empty: give the paths of archives")
    if lost := [path for path in paths if not path.is_file()]:
        raise ArchiveError(f"{lost[0]}: no such archive")
    if into.exists() and any(path.samefile(into) for path in paths):
        raise ArgumentError(f"archive {str(into)!a} is one of those to merge: give another path")
    service = next((one for one in map(_service, paths) if one), None)
    with Archive(into, service=service) as target:
        for path in paths:
            # Opened for its service: that of the others, or it is refused.
            with Archive(path) as source:
                if source.service not in (None, service):
                    raise ArchiveError(
                        f"{path}: holds jobs of {source.service}, and others of {service}: keep them apart"
                    )
                for some in _batches(source.all_answers()):
                    target.put(some)
    return into


def _service(path: Path) -> str | None:
    with Archive(path) as archive:
        return archive.service


def _batches(answers: Iterator[Answer]) -> Iterator[list[Answer]]:
    while some := list(itertools.islice(answers, _AT_ONCE)):
        yield some
