"""A JobSet: jobs from a fetch or a file, as tables, with the answers they were made of."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from . import answers, frames, parquet, schema
from .exceptions import ArgumentError
from .singles import ProblemRow
from .texts import printable


class JobSet:
    """Jobs as tables. Made by :func:`fetch_jobs`, :func:`read_jobs` and :func:`load_sample`.

    Attributes
    ----------
    jobs : DataFrame
        A row per job, in the order asked for or read; columns as in ``schema.JOBS``.
    rules : DataFrame
        A row per rule of each distinct rule set; columns as in ``schema.RULES``.
    problems : DataFrame
        A row for each thing asked for or read that isn't a row of ``jobs``, and why; columns as in ``schema.PROBLEMS``.
    notes : tuple of str
        What else is worth knowing of how this came about.
    n_requests : int
        Requests that were made for it.

    Examples
    --------
    >>> from llama_classify_nb import load_sample
    >>> jobset = load_sample()
    >>> len(jobset), len(jobset.jobs), len(jobset.rules), len(jobset.problems)
    (5992, 5992, 18, 0)
    """

    def __init__(
        self,
        tables: frames.Tables,
        bodies: Callable[[str], Iterable[bytes]],
        *,
        problems: Iterable[ProblemRow] = (),
        notes: Iterable[str] = (),
        n_requests: int = 0,
    ) -> None:
        self.jobs, self.rules = tables.jobs, tables.rules
        self.problems = frames.problems_table([*tables.problem_rows, *problems])
        self.notes = (*notes, *_reading_notes(tables))
        self.n_requests = n_requests
        self._bodies = bodies

    def __len__(self) -> int:
        return len(self.jobs)

    def job_rules(self) -> pd.DataFrame:
        """Give the long table: a row per job and rule of its rule set; columns as in ``schema.JOB_RULES``."""
        return frames.job_rules_table(self.jobs, self.rules)

    def raw(self, job_id: str) -> dict[str, Any]:
        """Give the answer for one job as the API gave it.

        Raises
        ------
        ArgumentError
            If there is no such job here.
        """
        newest = answers.newest(self._bodies(job_id), job_id)
        if newest is None and (self.jobs["job_id"] == job_id).any():
            raise ArgumentError(f"job_id is {printable(repr(job_id), 80)}: this JobSet has tables, but no answers")
        if newest is None:
            raise ArgumentError(f"job_id is {printable(repr(job_id), 80)}: this JobSet has no such job")
        return dict(json.loads(newest))

    def to_parquet(self, folder: str | os.PathLike[str], *, partition_by: str | None = None) -> list[Path]:
        """Write the tables as Parquet: ``jobs.parquet``, ``rules.parquet``, ``problems.parquet``.

        Columns and types are those of the tables: categories are dictionaries, times are in UTC, to the microsecond,
        missing is null. Each file is readable by its owner only, and whole or not there. :func:`read_jobs` and
        :func:`scan` read the folder.

        Parameters
        ----------
        folder : path-like
            Where to; it is made if it isn't there, for its owner only.
        partition_by : {"month"}, optional
            Write the jobs of each month of creation, in UTC, to a file of their own, in the way of Hive:
            ``jobs/month=2026-01/jobs.parquet``; jobs without a time to ``month=__HIVE_DEFAULT_PARTITION__``. Read back,
            jobs then stand by month.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        ArgumentError
            If an argument can't be right, or the folder holds jobs that would be read beside these.
        """
        if not isinstance(folder, str | os.PathLike):
            raise ArgumentError(f"folder is a {type(folder).__name__}: give the path of a folder")
        tables = {name: getattr(self, name) for name in ("jobs", "rules", "problems")}
        return parquet.write_tables(tables, Path(folder), partition_by)

    def summary(self) -> pd.DataFrame:
        """Count the jobs, and the problems, in every way that has a name.

        Returns
        -------
        DataFrame
            ``table`` (jobs or problems), ``column`` (outcome, status, type, configuration_id, kind), ``value``
            (missing: none), ``count``, and ``share`` of the rows of that table. Of what doesn't occur, only outcomes
            have a row.
        """
        rows: list[tuple[str, str, Any, int, float]] = []
        counted = [(self.jobs, "jobs", name) for name in ("outcome", "status", "type", "configuration_id")]
        for frame, table, column in [*counted, (self.problems, "problems", "kind")]:
            counts = frame[column].value_counts(sort=False, dropna=False)
            rows.extend(
                (table, column, value, int(count), count / len(frame) if len(frame) else float("nan"))
                for value, count in counts.items()
                if count or column == "outcome"
            )
        names = ("table", "column", "value", "count", "share")
        dtypes = ("str", "str", "str", "int64", "float64")
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return pd.DataFrame(
            {
                name: pd.Series(list(values), dtype=schema.TEXT if dtype == "str" else dtype)
                for name, dtype, values in zip(names, dtypes, columns, strict=True)
            }
        )

    def __repr__(self) -> str:
        return "\n".join(f"{name:<9} {text}" for name, text in self._lines())

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._lines()
        )
        return f"<table>{cells}</table>"

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Tell the state in five lines."""
        requests = plural(self.n_requests, "request") if self.n_requests else "no request"
        yield "JobSet", f"{plural(len(self.jobs), 'job')}, {requests} made"
        yield "outcomes", _counts(self.jobs["outcome"]) or "none"
        n_sets, n_presets = self.rules["rule_set"].nunique(), self.jobs["configuration_id"].nunique()
        yield (
            "rules",
            f"{len(self.rules):,} in {plural(n_sets, 'rule set')}, of {plural(n_presets, 'saved configuration')}",
        )
        yield "problems", f"{len(self.problems):,} ({_counts(self.problems['kind'])})" if len(self.problems) else "none"
        yield "notes", "; ".join(self.notes) or "none"


def _reading_notes(tables: frames.Tables) -> Iterator[str]:
    if tables.n_repeated:
        yield f"{plural(tables.n_repeated, 'older answer')} of jobs that came more than once left out"
    if tables.n_odd_times:
        yield f"{plural(tables.n_odd_times, 'time')} could not be read: missing, with the text kept in extra"
    known = set(schema.STATUSES)
    if odd := [status for status in tables.jobs["status"].cat.categories if status not in known]:
        yield f"statuses that are not documented count as unfinished: {', '.join(map(printable, odd))}"


def plural(count: int, noun: str) -> str:
    """Give a count with its noun, in the singular or plural."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _counts(column: pd.Series) -> str:
    counts = column.value_counts(sort=False)
    return ", ".join(f"{value} {count:,}" for value, count in counts.items() if count)
