"""Load LlamaCloud Classify jobs in bulk into pandas, and see how far their answers can be trusted.

The names below stand in the order of the work: get jobs, hold them, ask, look, write down.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import exceptions, metrics, plots
    from .archive import Archive
    from .client import Client
    from .demo import demo_server
    from .export import read_csv, write_csv
    from .from_files import load_sample, read_jobs
    from .jobset import JobSet
    from .labels import load_sample_labels, read_labels
    from .loading import count_jobs, fetch_jobs, wait_for_jobs
    from .merging import merge_archives
    from .report import verify_report, write_report
    from .scanning import Scan, scan
    from .widgets import explore, review

__all__ = [
    "Archive",
    "Client",
    "JobSet",
    "Scan",
    "count_jobs",
    "demo_server",
    "exceptions",
    "explore",
    "fetch_jobs",
    "load_sample",
    "load_sample_labels",
    "merge_archives",
    "metrics",
    "plots",
    "read_csv",
    "read_jobs",
    "read_labels",
    "review",
    "scan",
    "verify_report",
    "wait_for_jobs",
    "write_csv",
    "write_report",
]

# Where each name lives. A name is imported when it is first used: nobody who reads a file pays for HTTP, and nobody
# who writes a CSV pays for widgets.
_HOMES = {
    "Client": "client",
    "demo_server": "demo",
    "fetch_jobs": "loading",
    "wait_for_jobs": "loading",
    "count_jobs": "loading",
    "read_jobs": "from_files",
    "load_sample": "from_files",
    "load_sample_labels": "labels",
    "read_labels": "labels",
    "JobSet": "jobset",
    "Archive": "archive",
    "merge_archives": "merging",
    "scan": "scanning",
    "Scan": "scanning",
    "metrics": None,
    "plots": None,
    "explore": "widgets",
    "review": "widgets",
    "write_report": "report",
    "verify_report": "report",
    "read_csv": "export",
    "write_csv": "export",
    "exceptions": None,
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = importlib.import_module(f".{home or name}", __name__)
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
