"""The explorer and the quickstart, in JupyterLab in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import export

browser = pytest.importorskip("browser")
expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not browser.CHROMIUM and not os.environ.get("CI"),
        reason="no chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM to its path",
    ),
]

HOSTILE = "<img src=x onerror=\"window.__pwned=1\"><script>window.__pwned=1</script> & 'quotes' \u202eback"


#: Our part of the page: an output of the notebook.
OURS = ".jp-OutputArea-output .jupyter-widgets"
HOSTILE_RESULT = {"reasoning": HOSTILE, "type": "email", "confidence": 0.015}
CELLS = (
    "import json\nimport llama_classify_nb as lcn\n"
    "from llama_classify_nb.demo import sample_path\nimport gzip\n"
    "lines = gzip.open(sample_path()).read().split(b'\\n')[:600]\n"
    f"first = json.loads(lines[0]); first.update(status='COMPLETED', result={HOSTILE_RESULT!r})\n"
    "open('jobs.jsonl', 'wb').write(b'\\n'.join([json.dumps(first).encode(), *lines[1:]]))\n"
    "jobset = lcn.read_jobs('jobs.jsonl')",
    "explorer = lcn.explore(jobset, lcn.load_sample_labels())\nexplorer",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explore")
    (folder / "notebooks").mkdir()
    browser.write_notebook(folder / "notebooks" / "explore.ipynb", *CELLS)
    shutil.copy(Path(__file__).parents[2] / "notebooks" / "00-quickstart.ipynb", folder / "notebooks")
    return folder


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    """One server for the tests of this module."""
    with browser.jupyterlab(folder) as address:
        yield address


def test_jobs_are_filtered_sorted_opened_and_saved_and_hostile_ones_run_nothing(folder: Path, lab: str) -> None:
    with browser.browser() as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        browser.run_all(page, f"{lab}/explore.ipynb")
        count = page.locator(".lcn .count")
        expect(count).to_have_text("600 of 600 jobs")
        pictures = page.locator(".jp-OutputArea img")
        expect(pictures).to_have_count(4)
        before = pictures.first.get_attribute("src")
        page.get_by_label("Order", exact=True).select_option("lowest confidence first")
        expect(page.locator(".lcn th[aria-sort=ascending]")).to_have_text("confidence")
        card = page.locator(".lcn .card")
        expect(card).to_contain_text("<script>window.__pwned=1</script>")
        expect(card).to_contain_text("\\u202eback")
        expect(card).to_contain_text("0 are less sure")
        page.get_by_label("with its raw answer").check()
        expect(card).to_contain_text("Raw answer")

        kind = page.get_by_label("of type", exact=True)
        memos = kind.locator("option", has_text="memo (").text_content()
        n = memos.partition("(")[2].rstrip(")")
        kind.select_option(memos)
        expect(count).to_contain_text(f"{n} of 600 jobs")
        page.wait_for_function(
            """old => { const image = document.querySelector('.jp-OutputArea img');
                        return image && image.complete && image.naturalWidth > 0 && image.src !== old; }""",
            arg=before,
        )
        expect(pictures).to_have_count(4)
        page.get_by_label("Job", exact=True).select_option(index=2)
        expect(card).to_contain_text("answers of type memo: 2 are less sure")
        page.get_by_label("Show the code for this view").check()
        expect(page.locator(".lcn pre.code")).to_contain_text("types=['memo']")
        page.get_by_role("button", name="Save selection as CSV").click()
        expect(page.get_by_text(f"{n} jobs saved in")).to_be_visible()
        code = page.locator(".lcn pre.code").text_content()
        page.get_by_role("button", name="Reset filters").click()
        expect(count).to_have_text("600 of 600 jobs")
        assert page.evaluate("() => window.__pwned") is None
        assert dialogs == []
    saved = export.read_csv(folder / "notebooks" / "selection.csv")
    names: dict[str, object] = {"jobset": lcn.read_jobs(folder / "notebooks" / "jobs.jsonl")}
    expected = eval(code.partition("\n\n")[2], {**names, "lcn": lcn})  # noqa: S307  # our own code, as a user pastes it
    assert len(saved) == int(n)
    for name in ("job_id", "type", "confidence", "reasoning"):
        assert saved[name].tolist() == expected[name].tolist()


def test_it_can_be_read_narrow_wide_light_and_dark_and_axe_finds_nothing_serious(folder: Path, lab: str) -> None:
    shots = folder / "shots"
    shots.mkdir()
    with browser.browser(width=1400) as page:
        browser.run_all(page, f"{lab}/explore.ipynb")
        expect(page.locator(".lcn .count")).to_have_text("600 of 600 jobs")
        of_type = page.get_by_label("of type", exact=True)
        of_type.select_option(label=of_type.locator("option", has_text="memo").first.text_content())
        expect(page.locator(".lcn .card")).to_contain_text("answers of type memo")
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            browser.set_theme(page, theme)
            for width in (1400, 700):
                page.set_viewport_size({"width": width, "height": 2200})
                page.locator(".lcn .count").scroll_into_view_if_needed()
                within = page.evaluate(
                    """() => [...document.querySelectorAll('.jp-OutputArea .lcn .card, .jp-OutputArea .lcn img')]
                        .map(one => one.getBoundingClientRect())
                        .every(box => box.left >= 0 && box.right <= window.innerWidth)"""
                )
                assert within, f"it does not fit {width} pixels"
                page.screenshot(path=shots / f"explore-{theme.split()[-1].lower()}-{width}.png")
            assert browser.serious_faults(page, OURS) == []


def test_the_quickstart_runs_in_jupyterlab(folder: Path, lab: str) -> None:
    with browser.browser(height=2400) as page:
        browser.run_all(page, f"{lab}/00-quickstart.ipynb")
        expect(page.locator(".lcn .count")).to_have_text("5,992 of 5,992 jobs")
        page.locator(".lcn .card").scroll_into_view_if_needed()
        page.screenshot(path=folder / "quickstart.png")
    assert (folder / "notebooks" / "report" / "jobs.csv").is_file()
