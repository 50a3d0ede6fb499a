"""The bundled jobs."""

from __future__ import annotations

import gzip
from pathlib import Path

_JOBS, _LABELS = "documents_jobs.jsonl.gz", "documents_labels.csv"


def sample_path() -> Path:
    """Find the bundled sample: JSON Lines of jobs, gzipped.

    Returns
    -------
    Path
        Inside the package when it was installed from a wheel, else in the checkout's ``data``.
    """
    return _found(_JOBS)


def sample_labels_path() -> Path:
    """Find the labels of the bundled sample, a CSV file; where, is told in :func:`sample_path`."""
    return _found(_LABELS)


def _found(name: str) -> Path:
    here = Path(__file__).resolve().parents[1]
    bundled = here / "sample" / name
    return bundled if bundled.exists() else here.parent / "data" / name


def sample_jobs() -> list[bytes]:
    """Read the bundled sample.

    Returns
    -------
    list of bytes
        The JSON of one job each, as the API would answer it.
    """
    # Split at line feeds alone: text may hold other characters that str.splitlines takes for ends of lines.
    return [line for line in gzip.decompress(sample_path().read_bytes()).split(b"\n") if line]
