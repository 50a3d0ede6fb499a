"""The audit as files: the tables and metrics of a JobSet as CSV, its pictures as PNG and SVG.

Everything is computed before the first file is touched, and the same jobs give the same bytes. No pyplot: a report may
be written in a thread, and under whatever style the notebook has set.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from . import metrics, plots, schema
from .exceptions import ArgumentError
from .export import SIDECAR, describe, write_csv
from .files import write_aside
from .schema import Column


class _JobSet(Protocol):
    """What a report reads of a JobSet."""

    @property
    def jobs(self) -> pd.DataFrame: ...
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
        lines = [f"Report: {len(names)} files in {str(self.folder)!r}"]
        lines.extend(f"  {' '.join(found)}" for found in kinds.values() if found)
        return "\n".join(lines)


_COUNT_OF_N = (
    Column("share", "float64", "count / n, 0 to 1; missing where n is 0"),
    Column("share_lower", "float64", "lower end of Wilson's 95 % interval of the share"),
    Column("share_upper", "float64", "upper end of Wilson's 95 % interval of the share"),
)
_ANSWERED_TYPE = (
    Column("type", "category", "type that the answer assigns; missing: no rule matched"),
    Column("outcome", "category", "matched, or no_match in the row of no match"),
)

#: The columns of each metric that a report writes, called with its defaults.
METRIC_COLUMNS: dict[str, tuple[Column, ...]] = {
    "type_breakdown": (
        *_ANSWERED_TYPE,
        Column("count", "int64", "answered jobs with this type"),
        Column("n", "int64", "answered jobs, all types"),
        *_COUNT_OF_N,
    ),
    "status_breakdown": (
        Column("outcome", "category", "what became of the job"),
        Column("status", "category", "status of the job, in the API's words; missing where no job has the outcome"),
        Column("count", "int64", "jobs with this outcome and status"),
        Column("n", "int64", "all jobs"),
        *_COUNT_OF_N,
    ),
    "confidence_distribution": (
        Column("lower", "float64", "lower end of the bin of stated confidence; the end itself is in the bin"),
        Column("upper", "float64", "upper end of the bin; 1.0 is in the last bin, else the end is in the next one"),
        Column("count", "int64", "answered jobs in the bin"),
        Column("share", "float64", "count / all answered jobs, 0 to 1; missing where there are none"),
    ),
    "confidence_by_type": (
        *_ANSWERED_TYPE,
        Column("n", "int64", "answered jobs with this type"),
        Column("mean", "float64", "arithmetic mean of their confidence, 0 to 1"),
        Column("sd", "float64", "standard deviation, dividing by n - 1; missing where n is less than 2"),
        Column("min", "float64", "least confidence"),
        Column("q25", "float64", "quantile 0.25 of the confidence, by linear interpolation"),
        Column("median", "float64", "median of the confidence"),
        Column("q75", "float64", "quantile 0.75 of the confidence, by linear interpolation"),
        Column("max", "float64", "greatest confidence"),
        Column("commonest", "float64", "confidence that occurs most often; of several, the greatest"),
        Column("commonest_share", "float64", "share of the n jobs that have it, 0 to 1; near 1, it says little"),
    ),
    "failure_templates": (
        Column("template", "str", "what the messages of failed jobs have in common; no message: they have none"),
        Column("count", "int64", "failed jobs with this template"),
        Column("n", "int64", "failed jobs"),
        *_COUNT_OF_N,
        Column("n_parameters", "int64", "places of the template where something varies"),
        Column("first_seen", "datetime64[us, UTC]", "creation of the earliest of them; missing: none has a time"),
        Column("last_seen", "datetime64[us, UTC]", "creation of the latest of them; missing: none has a time"),
        Column("example", "str", "message of the earliest of them: free text; missing for no message"),
        Column("example_job_id", "str", "id of the job that the example is of"),
    ),
    "failure_causes": (
        Column("template", "str", "what the messages of failed jobs have in common; no message: they have none"),
        Column("count", "int64", "failed jobs with this template"),
        Column("share", "float64", "count / all failed jobs, 0 to 1"),
        Column("cause", "category", "what lies behind it, by the words of the template; unknown: no pattern fits"),
        Column("retryable", "boolean", "whether asking again as it is may help; missing: unknown"),
        Column("next_step", "str", "what to do, in words"),
        Column("evidence", "str", "words of the template that told the cause; missing: none did"),
        Column("example_job_id", "str", "id of the earliest job with it"),
    ),
    "failure_rates": (
        Column("count", "int64", "failed jobs"),
        Column("n", "int64", "finished jobs: every outcome but unfinished"),
        *_COUNT_OF_N,
        Column("n_unfinished", "int64", "jobs that aren't finished, and not in n"),
    ),
    "jobs_over_time": (
        Column("period", "datetime64[us, UTC]", "start of the day, in UTC; missing: jobs without a time of creation"),
        Column("outcome", "category", "what became of the job"),
        Column("count", "int64", "jobs with this outcome that were created on this day"),
    ),
    "durations": (
        Column("n", "int64", "finished jobs with a duration"),
        Column("n_missing", "int64", "finished jobs without one, as a time is missing; not in the rest"),
        Column("mean", "float64", "arithmetic mean of the durations, seconds"),
        Column("min", "float64", "least duration, seconds"),
        Column("median", "float64", "median of the durations, seconds"),
        Column("q90", "float64", "quantile 0.9 of the durations, by linear interpolation, seconds"),
        Column("q95", "float64", "quantile 0.95 of the durations, by linear interpolation, seconds"),
        Column("max", "float64", "greatest duration, seconds"),
    ),
}

#: The metrics that are also pictures.
PICTURES = (
    "confidence_distribution",
    "confidence_by_type",
    "type_breakdown",
    "status_breakdown",
    "failure_templates",
    "failure_causes",
    "jobs_over_time",
)

# Whatever could make the same picture come out differently: a clock, a random salt, the name of a version.
_FORMATS: dict[str, dict[str, Any]] = {
    "png": {"dpi": 150, "metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}


class _Table(NamedTuple):
    table: pd.DataFrame
    columns: tuple[Column, ...]


def write_report(jobset: _JobSet, folder: str | os.PathLike[str]) -> Report:
    """Write the tables, metrics and pictures of a JobSet into a folder.

    Parameters
    ----------
    jobset : JobSet
        The jobs.
    folder : path
        Where to write; made, for its owner only, if it isn't there. Files of an earlier report are replaced, each once
        the new one is whole; other files are left alone.

    Returns
    -------
    Report
        The files, in the order they were written: ``jobs.csv``, ``rules.csv`` and ``problems.csv``; a CSV file for each
        metric, called like it; its picture as ``.png`` and ``.svg``; and ``columns.csv``, which tells dtype and meaning
        of every column of every file. ``export.read_csv`` reads any of the tables back.

    Raises
    ------
    ArgumentError
        If the folder, or a file to be replaced in it, is a link or anything else that isn't to be written to.
    OSError
        If a file can't be written; the error names it. Files written before stay, and so does its earlier version.
    """
    for name in ("jobs", "rules", "problems"):
        if not isinstance(getattr(jobset, name, None), pd.DataFrame):
            raise ArgumentError(f"jobset must be a JobSet, with the table {name}; a {type(jobset).__name__} came")
    folder = Path(folder)
    _check_folder(folder)
    tables = dict(_tables(jobset))
    columns = pd.concat([describe(file, *table) for file, table in tables.items()], ignore_index=True)
    pictures = dict(_pictures(jobset.jobs))
    _make_folder(folder)
    paths = [write_csv(table.table, folder / file) for file, table in tables.items()]
    paths.extend(write_aside(folder / file, [content]) for file, content in pictures.items())
    paths.append(write_csv(columns, folder / SIDECAR))
    return Report(folder, tuple(paths))


def _tables(jobset: _JobSet) -> Iterator[tuple[str, _Table]]:
    yield "jobs.csv", _Table(jobset.jobs, schema.JOBS)
    yield "rules.csv", _Table(jobset.rules, schema.RULES)
    yield "problems.csv", _Table(jobset.problems, schema.PROBLEMS)
    for name, columns in METRIC_COLUMNS.items():
        yield f"{name}.csv", _Table(getattr(metrics, name)(jobset.jobs), columns)


def _pictures(jobs: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    # Matplotlib is loaded by who draws, not by who imports.
    import matplotlib.style

    with matplotlib.style.context(["default", {"svg.hashsalt": "llama_classify_nb"}]):
        for name in PICTURES:
            figure = _figure(getattr(plots, name), jobs)
            for suffix, options in _FORMATS.items():
                content = io.BytesIO()
                figure.savefig(content, format=suffix, **options)
                yield f"{name}.{suffix}", content.getvalue()


def _figure(draw: Callable[..., Any], jobs: pd.DataFrame) -> Any:
    """Draw one picture on a figure of its own, high enough for the rows that it labels."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = draw(jobs, ax=figure.subplots())
    figure.set_size_inches(8.0, max(3.6, 1.4 + 0.24 * len(axes.get_yticks())))
    return figure


def _check_folder(folder: Path) -> None:
    if folder.is_symlink():
        raise ArgumentError(f"folder {str(folder)!a} is a symbolic link; give the folder that it points to")
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"folder {str(folder)!a} is a file; give a folder, or a path where nothing is yet")


def _make_folder(folder: Path) -> None:
    """Make a folder, and those above it that aren't there, for its owner only."""
    for part in reversed([folder, *folder.parents]):
        try:
            part.mkdir(0o700)
        except OSError:
            if not part.is_dir():
                raise
