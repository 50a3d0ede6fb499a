"""The explorer and the quickstart, in JupyterLab, Notebook 7 and Voila in a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

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
#: A hostile text wherever a job holds a text.
HOSTILE_JOB = {
    "status": "COMPLETED",
    "file_input": HOSTILE,
    "configuration_id": HOSTILE,
    "transaction_id": HOSTILE,
    "error_message": HOSTILE,
    "result": {"reasoning": HOSTILE, "type": HOSTILE[:40], "confidence": 0.015},
}

CELLS = (
    "%matplotlib inline\n"
    "import json\nimport llama_classify_nb as lcn\n"
    "from llama_classify_nb.demo import sample_path\nimport gzip\n"
    "lines = gzip.open(sample_path()).read().split(b'\\n')[:600]\n"
    f"first = json.loads(lines[0]); first.update({HOSTILE_JOB!r})\n"
    f"first['configuration']['rules'][0] = {{'type': {HOSTILE[:40]!r}, 'description': {HOSTILE!r}}}\n"
    "open('jobs.jsonl', 'wb').write(b'\\n'.join([json.dumps(first).encode(), *lines[1:]]))\n"
    "jobset = lcn.read_jobs('jobs.jsonl')",
    "explorer = lcn.explore(jobset, lcn.load_sample_labels())\nexplorer",
)
#: What is reached by the Tab key, in this order.
TAB_ORDER = [
    *("Show", "of type", "by rule set", "of configuration", "confidence from", "to", "created from", "to"),
    *("mentioning", "Reset filters", "Order", "Page", "Job", "with its raw answer", "File", "Save selection as CSV"),
    "Show the code for this view",
]
#: Letters that are commands of JupyterLab: a cell becomes a text, is deleted, code, cut, added above or below.
LETTERS = "mddyxab"
_NAME = """() => {
    const one = document.activeElement;
    return one.labels && one.labels.length ? one.labels[0].textContent.trim() : one.matches('button')
        ? one.textContent.trim() : '';
}"""


@pytest.fixture(scope="module", autouse=True)
def _notebooks(folder: Path) -> None:
    browser.write_notebook(folder / "notebooks" / "explore.ipynb", *CELLS)
    shutil.copy(Path(__file__).parents[2] / "notebooks" / "00-quickstart.ipynb", folder / "notebooks")


def choose(page: Any, name: str, text: str) -> None:
    """Choose in a field as a person does who types."""
    field = page.get_by_label(name, exact=True)
    field.focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def options(page: Any, name: str) -> list[str]:
    """Give what a field suggests."""
    read = "field => [...field.list.options].map(one => one.value)"
    return page.get_by_label(name, exact=True).evaluate(read)  # type: ignore[no-any-return]


def test_jobs_are_filtered_sorted_opened_and_saved_and_hostile_ones_run_nothing(folder: Path, page: Any) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    browser.run_here(page, "explore.ipynb")
    count = page.locator(".lcn .count")
    expect(count).to_have_text("600 of 600 jobs")
    pictures = page.locator(".jp-OutputArea img")
    expect(pictures).to_have_count(4)
    before = pictures.first.get_attribute("src")
    choose(page, "Order", "lowest conf")
    expect(page.locator(".lcn th[aria-sort=ascending]")).to_have_text("confidence")
    card = page.locator(".lcn .card")
    expect(card).to_contain_text("<script>window.__pwned=1</script>")
    expect(card).to_contain_text("\\u202eback")
    expect(card).to_contain_text("it is the only one")
    page.get_by_label("with its raw answer").check()
    expect(card).to_contain_text("Raw answer")
    for name in ("of type", "of configuration"):
        assert HOSTILE[:40] in "".join(options(page, name))

    memos = next(one for one in options(page, "of type") if one.startswith("memo ("))
    n = memos.partition("(")[2].rstrip(")")
    page.get_by_label("of type", exact=True).fill(memos)  # what choosing it from the list types
    page.keyboard.press("Enter")
    expect(count).to_contain_text(f"{n} of 600 jobs")
    expect(page.get_by_placeholder(memos)).to_be_focused()
    page.wait_for_function(
        """old => { const image = document.querySelector('.jp-OutputArea img');
                    return image && image.complete && image.naturalWidth > 0 && image.src !== old; }""",
        arg=before,
    )
    expect(pictures).to_have_count(4)
    choose(page, "Job", "3")
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


@pytest.mark.parametrize("place", [browser.LAB, browser.NOTEBOOK])
def test_the_keyboard_alone_will_do_and_letters_leave_the_notebook_as_it_is(place: str, page: Any, server: str) -> None:
    with browser.opened(page, server, place, "explore.ipynb") as page:
        count, alert = page.locator(".lcn .count"), page.locator(".lcn [role=alert]")
        expect(count).to_have_text("600 of 600 jobs")
        page.get_by_label("Show", exact=True).focus()
        before = browser.notebook_of(page)
        walked: list[str] = []
        while len(walked) < len(TAB_ORDER):
            name = page.evaluate(_NAME)
            if name and (name != (walked or [""])[-1]):
                walked.append(name)
                if page.evaluate("() => document.activeElement.matches('input:not([type=checkbox])')"):
                    page.keyboard.type(LETTERS)
                    assert browser.notebook_of(page) == before, f"{name}: a letter was taken for a command"
            page.keyboard.press("Tab")
        assert walked == TAB_ORDER

        expect(count).to_have_text("0 of 600 jobs (0.0%)")  # none mentions those letters
        page.get_by_role("button", name="Reset filters").focus()
        page.keyboard.press("Enter")
        expect(count).to_have_text("600 of 600 jobs")
        choose(page, "of type", LETTERS)
        expect(alert).to_have_text(
            f"of type: '{LETTERS}' is none of its choices, nor a part of one; the field lists them"
        )
        choose(page, "of type", "n")
        expect(alert).to_contain_text("could mean")
        choose(page, "of type", "MEM")
        expect(count).not_to_have_text("600 of 600 jobs")
        expect(alert).to_have_count(0)
        expect(page.get_by_label("of type", exact=True)).to_be_focused()
        expect(page.get_by_label("of type", exact=True)).to_have_value("")
        choose(page, "of type", "any type")
        expect(count).to_have_text("600 of 600 jobs")
        choose(page, "Order", "newest")
        expect(page.locator(".lcn th[aria-sort=descending]")).to_contain_text("created_at")
        page.get_by_label("Page", exact=True).focus()
        page.keyboard.press("ArrowUp")
        expect(page.get_by_placeholder("51. ")).to_be_visible()
        page.get_by_label("with its raw answer").focus()
        page.keyboard.press("Space")
        expect(page.locator(".lcn .card")).to_contain_text("Raw answer")
        assert browser.notebook_of(page) == before


def test_it_can_be_read_narrow_wide_light_and_dark_and_axe_finds_nothing_serious(folder: Path, page: Any) -> None:
    browser.run_here(page, "explore.ipynb", width=1400)
    expect(page.locator(".lcn .count")).to_have_text("600 of 600 jobs")
    choose(page, "Order", "lowest")  # the hostile job comes first
    page.get_by_label("Show the code for this view").check()
    page.get_by_label("with its raw answer").check()
    choose(page, "of configuration", "nonsense")
    expect(page.locator(".lcn [role=alert]")).to_be_visible()
    expect(page.locator(".lcn .card")).to_contain_text("Raw answer")
    browser.look(page, folder / "shots" / "explore-hostile", height=2200)
    page.get_by_label("mentioning").fill("no job says this")
    expect(page.locator(".lcn .count")).to_contain_text("0 of 600")
    browser.look(page, folder / "shots" / "explore-nothing", height=2200)
    page.get_by_label("mentioning").fill("letter")
    choose(page, "of type", "memo")
    expect(page.locator(".lcn .card")).to_contain_text("answers of type memo")
    browser.look(page, folder / "shots" / "explore-memo", height=2200)


def test_the_quickstart_runs_in_jupyterlab_and_shows_what_the_readme_shows(folder: Path, page: Any) -> None:
    browser.run_here(page, "00-quickstart.ipynb", height=1240)
    expect(page.locator(".lcn .count")).to_have_text("5,992 of 5,992 jobs")
    choose(page, "Show", "matched")
    choose(page, "Order", "lowest confidence")
    page.get_by_label("mentioning").fill("letter")
    expect(page.locator(".lcn td mark").first).to_be_visible()
    page.get_by_label("Show", exact=True).evaluate("one => one.scrollIntoView()")
    browser.take(page, folder / "shots" / "explore.png")
    assert (folder / "notebooks" / "report" / "jobs.csv").is_file()
    tables = page.locator(".lcn .card .scroll")
    expect(tables).to_have_count(1)  # other jobs about the file
    assert tables.evaluate("one => one.scrollWidth <= one.clientWidth"), "its last column is cut"


def test_the_quickstart_runs_in_voila(folder: Path, page: Any) -> None:
    with browser.in_voila(page, folder, "00-quickstart.ipynb") as page:
        count = page.locator(".lcn .count")
        expect(count).to_have_text("5,992 of 5,992 jobs")
        choose(page, "Show", "failed")
        expect(count).to_have_text("192 of 5,992 jobs (3.2%)")
        page.screenshot(path=folder / "shots" / "voila.png", full_page=True)
