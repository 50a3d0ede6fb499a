"""A damaged archive, moved aside, and a new one of what is whole in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from .archive import Archive
from .exceptions import ArchiveError
from .files import sync_folder
from .records import Answer
from .salvage import bound_service, whole_answers

_CHUNK = 500  # answers that one transaction takes


class Rescued(NamedTuple):
    """What came of a damaged archive."""

    aside: Path  # where the damaged file is now
    n_answers: int  # that were whole, and are in the new one


def rescue(path: str | os.PathLike[str], service: str | None) -> Rescued:
    """Make a new archive of the whole answers of a damaged one, which is moved aside and never deleted.

    Parameters
    ----------
    path : path-like
        The damaged archive.
    service : str or None
        What a new archive is bound to, where the damaged one doesn't tell.

    Raises
    ------
    ArchiveError
        If files can't be made or moved there; then all is as before.
    """
    path = Path(path)
    fresh = path.with_name(path.name + ".rescue")
    try:
        fresh.unlink(missing_ok=True)
        with Archive(fresh, service=bound_service(path) or service) as archive:
            some: list[Answer] = []
            for answer in whole_answers(path):
                some.append(answer)
                if len(some) == _CHUNK:
                    archive.put(some)
                    some = []
            archive.put(some)
            archive.compact()
            n_answers = len(archive)
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        # The log goes first: beside the new file, it would be taken for the new file's.
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise ArchiveError(f"{path}: damaged, and can't be moved aside: {error.strerror}") from None
    return Rescued(aside, n_answers)
