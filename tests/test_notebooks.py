"""The notebooks: committed clean, run from a clean kernel on the bundled jobs, and on the reader's own with a key."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_jobs

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

pytestmark = [pytest.mark.notebook, pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)]


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_it_is_committed_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    assert str(Path.home()) not in path.read_text(encoding="utf-8")


def test_it_asks_and_answers_and_says_what_is_next(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert len(notebook.cells) < 25
    headings = [line for text in sources(path, "markdown") for line in text.split("\n") if line.startswith("#")]
    assert headings[0].startswith("# ")
    assert [line for line in headings if not line.endswith("?")] == []
    assert "**What next?**" in notebook.cells[-1].source
    assert "LLAMA_CLOUD_API_KEY" in notebook.cells[0].source
    assert 'os.environ.get("LLAMA_CLOUD_API_KEY")' in sources(path, "code")[0]


def test_it_uses_public_names_only(path: Path) -> None:
    for source in sources(path, "code"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = {"lcn": lcn, "metrics": lcn.metrics, "plots": lcn.plots}.get(node.value.id)
                assert module is None or node.attr in module.__all__, node.attr


def test_it_runs_from_a_clean_kernel(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []


def test_with_a_key_it_asks_for_the_readers_own_jobs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    # Drawn in the test above; here it matters whose jobs are asked about.
    monkeypatch.setattr("llama_classify_nb.report.writing.pictures", lambda *_: [])
    lcn.load_sample_labels().to_csv("labels.csv", index=False)
    names: dict[str, Any] = {"display": lambda *_: None}
    with (
        lcn.demo_server(sample_jobs()[:400]) as server,
        mpl.rc_context({"backend": "agg"}),
        pd.option_context("display.max_colwidth", 50),
    ):
        monkeypatch.setenv("LLAMA_CLOUD_API_KEY", server.api_key)
        monkeypatch.setenv("LLAMA_CLOUD_BASE_URL", server.base_url)
        for source in sources(path, "code"):
            exec(source, names)  # noqa: S102 - the notebook's own
        mpl.pyplot.close("all")
        assert server.n_requests > 0
    assert len(names["jobset"]) == 400
