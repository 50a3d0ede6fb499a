"""JobSets from files, without any request: those of the user, and the bundled one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from . import frames, parquet, reading
from .exceptions import ArgumentError, ReadError
from .jobset import JobSet
from .singles import ProblemRow


def read_jobs(path: str | os.PathLike[str]) -> JobSet:
    """Read jobs from files, without any request.

    Parameters
    ----------
    path : path-like
        A file of jobs in JSON (one job, a list, or a page of the list call), in JSON Lines, either of them gzipped; an
        archive; or a folder of such files. Or Parquet, as :meth:`JobSet.to_parquet` writes it: the tables without the
        answers that they were made of.

    Returns
    -------
    JobSet
        In the order read; of several answers of one job the newest. What isn't a job is a row of ``problems``.

    Raises
    ------
    ReadError
        If there is no such file, or nothing of it can be read. If only a part can't, that part is a row of
        ``problems``.
    ArgumentError
        If ``path`` isn't one.

    Examples
    --------
    >>> import tempfile
    >>> sample = load_sample()
    >>> job = sample.raw(sample.jobs["job_id"].iloc[0])
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     json.dump([job, {"id": "job-2"}], file)
    ...     file.flush()
    ...     jobset = read_jobs(file.name)
    >>> len(jobset.jobs), jobset.problems["kind"].tolist()
    (1, ['invalid_answer'])
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is a {type(path).__name__}: give the path of a file or folder")
    if parquet.is_parquet(Path(path)):
        return JobSet(parquet.read_folder(Path(path)), lambda _: [])
    damaged: list[ReadError] = []
    tables = frames.read_tables(reading.read_blocks(path, damaged))
    if damaged and not len(tables.jobs):
        raise damaged[0]

    def bodies(job_id: str) -> Iterator[bytes]:
        needle = json.dumps(job_id)[1:-1].encode()
        for block in reading.read_blocks(path, []):
            if needle in block or not job_id.isascii():
                yield from block.split(b"\n")

    problems: list[ProblemRow] = [(None, "invalid_answer", None, str(error), False, 0) for error in damaged]
    return JobSet(tables, bodies, problems=problems)


def load_sample() -> JobSet:
    """Give the bundled JobSet: 5,992 jobs of 2,482 scanned business pages.

    The files, types, confidences and failures are real; ids and times are not. ``data/README.md`` tells all.

    Returns
    -------
    JobSet

    Examples
    --------
    >>> load_sample()
    JobSet    5,992 jobs, no request made
    outcomes  matched 5,529, no_match 257, failed 192, unfinished 14
    rules     18 in 2 rule sets, of 3 saved configurations
    problems  none
    notes     none
    """
    from .demo import sample_path

    return read_jobs(sample_path())
