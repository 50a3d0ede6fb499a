"""What is left of a notebook without its kernel: a JobSet, the explorer's view and a queue, through ``nbconvert``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import EDGE_CASES
from nbconvert import HTMLExporter
from test_widgets import Tags

import llama_classify_nb as lcn

LIMIT = 50_000  # bytes: a Git host shows a notebook of a few such


def jobsets(sample: lcn.JobSet) -> dict[str, lcn.JobSet]:
    return {"sample": sample, "hostile": lcn.read_jobs(EDGE_CASES)}


def shown(thing: Any) -> str:
    """Give the page that a notebook becomes whose one cell shows this; its own style and scripts left away."""
    bundle = thing._repr_mimebundle_() if hasattr(thing, "_repr_mimebundle_") else {"text/html": thing._repr_html_()}
    notebook = nbformat.v4.new_notebook()
    output = nbformat.v4.new_output("display_data", {"text/plain": repr(thing), **bundle})
    notebook.cells = [nbformat.v4.new_code_cell("thing", outputs=[output])]
    html, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return str(html)


@pytest.mark.parametrize("jobs", ["sample", "hostile"])
@pytest.mark.parametrize("kind", ["jobset", "explorer", "queue"])
def test_a_page_without_a_kernel_is_small_says_it_all_and_runs_nothing(
    kind: str, jobs: str, sample: lcn.JobSet, tmp_path: Path
) -> None:
    jobset = jobsets(sample)[jobs]
    n = len(jobset.jobs)
    if kind == "jobset":
        html, says = shown(jobset), f"{n:,} jobs"
    elif kind == "explorer":
        html, says = shown(lcn.explore(jobset, view={"order": "job_id, A to Z"})), f"{n:,} of {n:,} jobs"
    else:
        desk = lcn.review(jobset, "lowest confidence first", tmp_path / "labels.csv", reviewer="kim")
        html, says = shown(desk), f"0 of {len(desk.queue):,} read"
    assert says in html
    assert len(html.encode()) < LIMIT
    tags = Tags(html)
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(tags.tags)
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "\u202e" not in html
    assert "<table" in html
    assert kind != "explorer" or html.count("<img ") == html.count(" alt=") == 4
