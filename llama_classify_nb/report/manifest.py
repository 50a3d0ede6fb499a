"""The manifest: what a report was made of and with, and a digest of each of its files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

import pandas as pd

from .. import __version__
from ..exceptions import ReadError
from .contents import Arguments
from .digests import cell_sums, file_digest
from .folder import MANIFEST

_FORMAT = 1
_SEAL = "sha256"
_LIBRARIES = ("pandas", "numpy", "pyarrow", "scipy", "matplotlib", "jinja2")
#: Files that nothing else tells: where one of their cells was changed, only its sums show which.
SUMMED = ("jobs", "rules", "problems", "labels", "plan")


def manifest(folder: Path, names: list[str], arguments: Arguments, plan: pd.DataFrame | None) -> bytes:
    """Give the content of ``manifest.json`` for the files ``names`` in a folder."""
    files: dict[str, Any] = {}
    for name in names:
        path = folder / name
        files[name] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        if name.removesuffix(".csv") in SUMMED:
            files[name]["sums"] = cell_sums(path)
    told = {
        "format": _FORMAT,
        "versions": versions(),
        "jobs": {"fingerprint": files.get("jobs.csv", {}).get("sha256"), "rules": files["rules.csv"]["sha256"]},
        "arguments": {
            "target": arguments.target,
            "assurance": arguments.assurance,
            "as_of": None if arguments.as_of is None else arguments.as_of.isoformat(),
            "labels": "labels.csv" in files,
            "plan": None if plan is None else _attributes(plan),
        },
        "seed": arguments.seed,
        "files": files,
    }
    return sealed(told)


def sealed(told: dict[str, Any]) -> bytes:
    """Give a manifest as its file holds it: its last entry is the SHA-256 of all that stands before."""
    told = {name: value for name, value in told.items() if name != _SEAL}
    digest = hashlib.sha256(_text(told)).hexdigest()
    return _text({**told, _SEAL: digest})


def is_sealed(folder: Path, told: dict[str, Any]) -> bool:
    """Tell whether a manifest is as it was written, by its own digest."""
    return (folder / MANIFEST).read_bytes() == sealed(told)


def _text(told: dict[str, Any]) -> bytes:
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def versions() -> dict[str, str]:
    """Give the versions of what the numbers were computed with."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"llama_classify_nb": __version__, "python": platform.python_version(), **found}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a manifest, as far as one can be read."""
    path = folder / MANIFEST
    try:
        told = json.loads(path.read_bytes())
        found = told["format"]
        if found == _FORMAT and isinstance(told["files"], dict) and isinstance(told["arguments"], dict):
            return dict(told)
    except FileNotFoundError as error:
        raise ReadError(f"{folder} is no report: it has no {MANIFEST}") from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReadError(f"{path} can't be read as the manifest of a report: {error!r}") from error
    raise ReadError(f"{path} is of format {found!a}; this version reads format {_FORMAT}")


def read_arguments(told: dict[str, Any]) -> Arguments:
    """Give the arguments that a manifest tells."""
    given = told["arguments"]
    try:
        as_of = None if given["as_of"] is None else pd.Timestamp(given["as_of"])
        return Arguments(float(given["target"]), float(given["assurance"]), int(told["seed"]), as_of)
    except (ValueError, TypeError, KeyError) as error:
        raise ReadError(f"the manifest's arguments can't be read: {error!r}") from error


def _attributes(plan: pd.DataFrame) -> dict[str, Any]:
    """Give what a plan carries besides its rows, as JSON can hold it."""
    return {str(key): json.loads(json.dumps(value, default=str)) for key, value in plan.attrs.items()}
