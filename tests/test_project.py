"""The project as a whole: its walls, its front desk, its wheel, its README and its notebooks."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import llama_classify_nb as lcn
from llama_classify_nb import schema

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "llama_classify_nb"
README = (ROOT / "README.md").read_text(encoding="utf-8")

# From the ground up. A module may import from floors below its own, and from its own room.
FLOORS = [
    {"exceptions", "schema", "texts"},
    {"rawjson", "columns", "records"},
    {"configurations", "older"},
    {"answers", "blocking", "rate", "cells", "files", "address", "file_lock"},
    {
        "client",
        "ids",
        "pacing",
        "progress",
        "demo",
        "export",
        "listing",
        "salvage",
        "memory",
        "rule_sets",
        "label_records",
        "shared_pace",
    },
    {"archive", "label_log"},
    {"singles", "frames", "reading", "rescue", "merging"},
    {"packs", "parquet"},
    {"discovery", "parts"},
    {"fetch", "gathering"},
    {"jobset"},
    {"loading", "labels"},
    {"metrics"},
    {"plots", "census"},
    {"report", "widgets", "picking"},
    {"scanning"},
    {"__init__", "__main__"},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
#: Who may know a library that is heavy, or that reaches outside.
ALONE = {
    "fsspec": {"parts"},
    "httpx": {"client"},
    "matplotlib": {"plots", "report", "widgets"},
    "ipywidgets": {"widgets"},
    "sqlite3": {"archive", "label_log"},
    "tqdm": {"progress"},
    "jinja2": {"report"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[int, str]]:
    """Give what a module imports, when it runs: how many dots, and the name."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found += [(node.level, name) for name in names]
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_lower_floors_only(path: Path) -> None:
    here = room(path)
    depth = len(path.relative_to(PACKAGE).parts)
    for level, name in imports(path):
        first = name.split(".")[0]
        if level == 0:
            assert here in ALONE.get(first, {here}), f"{here} imports {name}"
        elif level == depth and first in FLOOR:
            allowed = here == "__init__" or FLOOR[first] < FLOOR[here]
            assert allowed, f"{here} imports {first}"


def test_every_module_has_a_floor_and_a_size_that_can_be_read() -> None:
    assert {room(path) for path in MODULES} == set(FLOOR)
    assert not [path for path in MODULES if "util" in path.name]
    assert not [path for path in MODULES if path.read_text(encoding="utf-8").count("\n") > 500]


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, llama_classify_nb; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"httpx", "matplotlib", "ipywidgets", "pandas", "pyarrow", "sqlite3"} & set(loaded.stdout.split())


def test_every_public_name_is_there_and_no_other() -> None:
    for name in lcn.__all__:
        assert getattr(lcn, name).__doc__, name
    assert dir(lcn) == sorted([*lcn.__all__, "__version__"])
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        lcn.nothing  # noqa: B018


def test_the_top_level_holds_what_belongs_there() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False).stdout.split()
    allowed = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"}
    allowed |= {"llama_classify_nb", "notebooks", "tests", "data"}
    assert {name.split("/")[0] for name in listed if not name.startswith(".")} <= allowed


def test_a_built_wheel_holds_the_sample_and_works_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2_000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    empty = tmp_path / "empty"
    empty.mkdir()
    script = "import llama_classify_nb as lcn; print(lcn.__file__); print(len(lcn.load_sample().jobs))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=empty, env=environment, check=False
    )
    assert ran.stdout.split() == [str(tmp_path / "site" / "llama_classify_nb" / "__init__.py"), "5992"], ran.stderr


def test_labels_are_of_bundled_jobs(sample: lcn.JobSet) -> None:
    import pandas as pd

    labels = pd.read_csv(ROOT / "data" / "documents_labels.csv")
    assert len(labels) == 5_844
    assert set(labels["job_id"]) <= set(sample.jobs["job_id"])


class TestReadme:
    def test_its_cells_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import matplotlib as mpl

        monkeypatch.chdir(tmp_path)
        cells = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
        assert len([line for line in cells[0].split("\n") if line]) == 8
        names: dict[str, object] = {}
        with mpl.rc_context({"backend": "agg"}):
            for cell in cells:
                exec(cell, names)  # noqa: S102 - the README's own
            mpl.pyplot.close("all")
        assert (tmp_path / "report" / "jobs.csv").is_file()

    def test_its_tables_say_what_the_schema_says(self) -> None:
        rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", README, re.MULTILINE)
        expected = [
            tuple(column[:3]) for table in ("jobs", "rules", "job_rules", "problems") for column in schema.TABLES[table]
        ]
        assert rows == expected

    def test_every_metric_is_named(self) -> None:
        for name in lcn.metrics.__all__:
            assert name in README or name in {"wilson", "clopper_pearson"}, name

    def test_what_it_points_to_is_there(self) -> None:
        for path in re.findall(r"\]\((?!http)([^)]+)\)", README):
            assert (ROOT / path).is_file(), path


@pytest.mark.notebook
@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
class TestNotebooks:
    def test_it_is_committed_clean(self, path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata["kernelspec"]["name"] == "python3"
        assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
        assert str(Path.home()) not in path.read_text(encoding="utf-8")

    def test_it_runs_from_a_clean_kernel(self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
        monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
        warned = [
            output["text"]
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if output.get("name") == "stderr" and "jobs and 0 problems" not in output["text"]
        ]
        assert warned == []


def test_the_benchmarks_run() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--jobs", "600", "--runs", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    assert "ours, from the archive" in ran.stdout
