"""The jobs that a benchmark is asked for on the command line: made ones, those of a file, or ones of another shape."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import llama_classify_nb as lcn

from .jobs import write_jobs
from .shapes import SHAPES, shaped


def parser(description: str | None) -> argparse.ArgumentParser:
    """Give a parser of the options that say which jobs, and how many runs."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--jobs", type=int, default=1_000_000)
    made.add_argument("--runs", type=int, default=5)
    made.add_argument("--path", type=Path, help="a file of jobs, instead of one that is made")
    made.add_argument("--shape", choices=SHAPES, help="give the jobs another shape")
    return made


@contextlib.contextmanager
def asked_for(options: argparse.Namespace) -> Iterator[lcn.JobSet]:
    """Give the jobs that the options say; their file lasts as long."""
    with tempfile.TemporaryDirectory() as folder:
        jobset = lcn.read_jobs(options.path or write_jobs(Path(folder) / "jobs.jsonl", options.jobs))
        if options.shape:
            jobset.jobs, jobset.rules = shaped(jobset.jobs, SHAPES[options.shape])
        yield jobset
