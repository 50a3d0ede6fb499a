"""Writing a report: each table computed once and written, then the pictures, the page and the manifest."""

from __future__ import annotations

import datetime as dt
import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from ..exceptions import ArgumentError
from ..export import SIDECAR, describe, write_csv
from ..files import write_aside
from ..moments import read_moment
from .contents import Arguments, Given, Question, Table, Tables, answers, given_tables, questions_to, taken
from .digests import file_digest
from .facts import facts
from .folder import MANIFEST, resolved, written_aside
from .manifest import manifest
from .page import PAGE, page
from .pictures import pictures


class _JobSet(Protocol):
    """What a report reads of a JobSet."""

    @property
    def jobs(self) -> Any: ...
    @property
    def rules(self) -> pd.DataFrame: ...
    @property
    def problems(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Report:
    """The files of a report.

    Attributes
    ----------
    folder : Path
        Where they are.
    paths : tuple of Path
        The files, in the order they were written.
    """

    folder: Path
    paths: tuple[Path, ...]

    def __repr__(self) -> str:
        names = [path.name for path in self.paths]
        kinds = {suffix: [name for name in names if name.endswith(suffix)] for suffix in (".csv", ".png", ".svg")}
        rest = [name for name in names if not name.endswith(tuple(kinds))]
        lines = [f"Report: {len(names)} files in {str(self.folder)!r}"]
        lines.extend(f"  {' '.join(found)}" for found in (rest, *kinds.values()) if found)
        return "\n".join(lines)


def write_report(
    jobset: _JobSet,
    folder: str | os.PathLike[str],
    *,
    labels: pd.DataFrame | None = None,
    plan: pd.DataFrame | None = None,
    target: float = 0.95,
    assurance: float = 0.95,
    as_of: str | dt.datetime | pd.Timestamp | None = None,
    seed: int = 0,
    excel: bool = False,
) -> Report:
    """Write the audit of a JobSet into a folder: tables, pictures and a page that tells what was found.

    Parameters
    ----------
    jobset : JobSet or Scan
        The jobs. Of a scan, the report has no ``jobs.csv``, and tells nothing that compares jobs with each other or
        reads their reasonings; with ``as_of`` given, its parts are read once instead of twice.
    folder : path
        Where to write; made, for its owner only, if it isn't there. An earlier report in this place is replaced once
        the new one is whole; a folder that holds anything else is refused.
    labels : DataFrame, optional
        What people say the types are, as in ``metrics.accuracy``: the report then tells how right the answers are.
    plan : DataFrame, optional
        Of ``metrics.audit_plan``, by which the labels were drawn.
    target, assurance : float
        Of the threshold that is looked for, as in ``metrics.precision_threshold``; ``assurance`` also of the accuracy.
    as_of : time, optional
        The time that the report speaks of, in UTC if it has no zone. By default the newest time that any job states.
        No clock is read: the same arguments give the same bytes.
    seed : int
        Of whatever is drawn at random.
    excel : bool, default False
        Begin each CSV file with a byte order mark, by which Excel knows UTF-8.

    Returns
    -------
    Report
        The files, in the order they were written: ``jobs.csv``, ``rules.csv``, ``problems.csv``, and, where given,
        ``labels.csv`` and ``plan.csv``; a CSV file for each metric, called like it; pictures of metrics as ``.png`` and
        ``.svg``; ``columns.csv``, which tells dtype, meaning and unit of every column of every file; ``index.html``;
        and ``manifest.json``, by which ``verify_report`` checks all of them. ``export.read_csv`` reads any of the
        tables back.

    Raises
    ------
    ArgumentError
        If an argument can't be right, or the folder is a link, a file, or holds something else than a report.
    OSError
        If a file can't be written; the error names it. What was there before stays as it was.
    """
    given = taken(jobset, labels, plan)
    arguments = _checked(given, target, assurance, as_of, seed)
    folder = resolved(folder)
    with written_aside(folder) as aside:
        names = _write_all(given, arguments, aside, excel=excel)
    return Report(folder, tuple(folder / name for name in names))


def _write_all(given: Given, arguments: Arguments, folder: Path, *, excel: bool) -> list[str]:
    if given.scan is not None:
        asked = [functools.partial(_ask, ask, given, arguments) for ask in questions_to(given).values()]
        given.scan.prepare(*asked, lambda _: facts(given))
    names: list[str] = []
    told: list[pd.DataFrame] = []

    def keep(name: str, table: Table) -> None:
        names.append(write_csv(table.table, folder / f"{name}.csv", excel=excel).name)
        told.append(describe(names[-1], *table))

    for name, table in given_tables(given).items():
        keep(name, table)
    found: Tables = {}
    for name, table in answers(given, arguments):
        keep(name, table)
        found[name] = table.table
    drawn = {}
    for name, formats in pictures(found, len(given.jobs), arguments):
        drawn[name] = formats["svg"]
        names.extend(write_aside(folder / f"{name}.{suffix}", [drawing]).name for suffix, drawing in formats.items())
    names.append(write_csv(pd.concat(told, ignore_index=True), folder / SIDECAR, excel=excel).name)
    digests = {name: file_digest(folder / name) for name in names}
    names.append(write_aside(folder / PAGE, [page(facts(given), arguments, found, drawn, digests)]).name)
    write_aside(folder / MANIFEST, [manifest(folder, names, arguments, given.plan)])
    return [*names, MANIFEST]


def _checked(given: Given, target: Any, assurance: Any, as_of: Any, seed: Any) -> Arguments:
    for name, value in (("target", target), ("assurance", assurance)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ArgumentError(f"{name} is {value!r}; it must be a number between 0 and 1, such as 0.95")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"seed is {seed!r}; it must be a whole number, 0 or more")
    if as_of is None:
        return Arguments(float(target), float(assurance), seed, _newest(given))
    return Arguments(float(target), float(assurance), seed, read_moment("as_of", as_of))


def _newest(given: Given) -> Any:
    """Give the newest time that any job states; None: none does."""
    if given.scan is not None:
        return given.scan.newest
    jobs = given.jobs
    times = [jobs[name].max() for name in ("created_at", "updated_at") if name in jobs.columns]
    return max((time for time in times if not pd.isna(time)), default=None)


def _ask(ask: Question, given: Given, arguments: Arguments, _: Any) -> pd.DataFrame:
    return ask(given, arguments)
