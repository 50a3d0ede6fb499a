"""The explorer and the quickstart, in JupyterLab in a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def test_the_explorer_narrows_down_shows_a_card_and_saves(folder: Path) -> None:
    hostile = {"reasoning": HOSTILE, "type": "email", "confidence": 0.015}
    browser.write_notebook(
        folder / "notebooks" / "explore.ipynb",
        "import json\nimport llama_classify_nb as lcn\n"
        "from llama_classify_nb.demo import sample_path\nimport gzip\n"
        "lines = gzip.open(sample_path()).read().split(b'\\n')[:600]\n"
        f"first = json.loads(lines[0]); first.update(status='COMPLETED', result={hostile!r})\n"
        "open('jobs.jsonl', 'wb').write(b'\\n'.join([json.dumps(first).encode(), *lines[1:]]))\n"
        "jobset = lcn.read_jobs('jobs.jsonl')",
        "explorer = lcn.explore(jobset)\nexplorer",
    )
    with browser.jupyterlab(folder) as address, browser.browser() as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        browser.run_all(page, f"{address}/explore.ipynb")
        count = page.locator(".lcn .count")
        expect(count).to_have_text("600 of 600 jobs")
        pictures = page.locator(".jp-OutputArea img")
        expect(pictures).to_have_count(2)
        before = pictures.first.get_attribute("src")
        page.screenshot(path=folder / "explorer.png")

        bound = page.get_by_label("to", exact=True).first
        bound.fill("0.02")
        bound.press("Enter")
        expect(count).to_have_text("1 of 600 jobs (0.2%)")
        page.wait_for_function(
            """old => { const image = document.querySelector('.jp-OutputArea img');
                        return image && image.complete && image.naturalWidth > 0 && image.src !== old; }""",
            arg=before,
        )
        expect(pictures).to_have_count(2)
        card = page.locator(".lcn .card")
        expect(card).to_contain_text("<script>window.__pwned=1</script>")
        expect(card).to_contain_text("\\u202eback")
        assert page.evaluate("() => window.__pwned") is None
        assert dialogs == []

        page.get_by_role("button", name="Save selection as CSV").click()
        expect(page.get_by_text("1 job saved in")).to_be_visible()
        page.screenshot(path=folder / "card.png")
    saved = export.read_csv(folder / "notebooks" / "selection.csv")
    assert saved["reasoning"].tolist() == [HOSTILE]


def test_the_quickstart_runs_in_jupyterlab(folder: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "notebooks" / "00-quickstart.ipynb", folder / "notebooks")
    with browser.jupyterlab(folder, theme="JupyterLab Dark") as address, browser.browser(height=2400) as page:
        browser.run_all(page, f"{address}/00-quickstart.ipynb")
        expect(page.locator(".lcn .count")).to_have_text("5,992 of 5,992 jobs")
        page.locator(".lcn .card").scroll_into_view_if_needed()
        page.screenshot(path=folder / "quickstart.png")
    assert (folder / "notebooks" / "report" / "jobs.csv").is_file()
