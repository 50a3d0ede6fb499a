"""The project as a whole: its walls, its front desk and its wheel."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import llama_classify_nb as lcn

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "llama_classify_nb"

# From the ground up. A module may import from floors below its own, and from its own room.
FLOORS = [
    {"exceptions", "schema", "texts", "pace_search", "window_search", "width_search", "first_contact", "chance"},
    {"rawjson", "columns", "records", "moments", "timestamps", "key"},
    {"configurations", "older"},
    {
        "answers",
        "rule_texts",
        "blocking",
        "gate",
        "rate",
        "cells",
        "files",
        "address",
        "file_lock",
        "unpacking",
        "waits",
    },
    {
        "lanes",
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
    {"archive_file", "label_log", "refusals"},
    {"archive", "client"},
    {"singles", "frames", "reading", "rescue", "merging"},
    {"packs", "parquet"},
    {"discovery", "parts"},
    {"fetch", "gathering"},
    {"jobset", "fetch_arguments"},
    {"stoppable"},
    {"loading", "from_files", "labels"},
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
    "httpx": {"lanes"},
    "matplotlib": {"plots", "report", "widgets"},
    "ipywidgets": {"widgets"},
    "sqlite3": {"archive", "archive_file", "label_log"},
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of an environment that holds nothing but this package, from its wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2_000:]
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "alone", with_pip=False, symlinks=os.name == "posix")
    (packages,) = (folder / "alone").rglob("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return packages


def test_a_built_wheel_holds_the_sample_and_works_alone(site: Path, tmp_path: Path) -> None:
    script = "import llama_classify_nb as lcn; print(lcn.__file__); print(len(lcn.load_sample().jobs))"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert ran.stdout.split() == [str(site / "llama_classify_nb" / "__init__.py"), "5992"], ran.stderr


def test_a_type_checker_elsewhere_knows_its_types(site: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(
        "import llama_classify_nb as lcn\nreveal_type(lcn.load_sample().n_requests)\nlcn.fetch_jobs(width='16')\n"
    )
    python = next(path for path in site.parents[2].rglob("python*") if path.parent.name in ("bin", "Scripts"))
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--python-executable", str(python), "theirs.py"]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False).stdout
    assert 'theirs.py:2: note: Revealed type is "int"' in said.replace("builtins.", "")
    assert '"width"' in said
    assert 'expected "int"' in said
    assert "Found 1 error in 1 file" in said


def test_what_it_needs_is_tested_at_the_oldest_version_that_it_claims() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    oldest = [line for line in (ROOT / ".ci" / "oldest.txt").read_text().split("\n") if line and line[0] != "#"]
    assert oldest == sorted(oldest)
    claimed = [re.match(r"([\w-]+)>=([\d.]+)", one) for one in declared]
    pinned = dict(line.split("==") for line in oldest)
    assert {found[1] for found in claimed if found} == set(pinned)
    for found in claimed:
        assert found
        assert re.fullmatch(rf"{re.escape(found[2])}(\.0|\.1)*", pinned[found[1]])  # SciPy 1.11 begins with 1.11.1


def test_labels_are_of_bundled_jobs(sample: lcn.JobSet) -> None:
    import pandas as pd

    labels = pd.read_csv(ROOT / "data" / "documents_labels.csv")
    assert len(labels) == 5_844
    assert set(labels["job_id"]) <= set(sample.jobs["job_id"])


def test_the_benchmarks_run() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--jobs", "600", "--runs", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    assert "ours, from the archive" in ran.stdout


def test_one_idea_has_one_word() -> None:
    """A label is no truth and no gold; an answer's type no prediction; an archive no cache; a rule set no config."""
    words = "ground truth|gold label|predictions?(?!-powered)|configs?|cached (?:answers|jobs)"
    others = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    texts = [*MODULES, ROOT / "README.md", *(ROOT / "notebooks").glob("*.ipynb")]
    found = {path.name: others.findall(path.read_text(encoding="utf-8")) for path in texts}
    assert {name: some for name, some in found.items() if some} == {}
