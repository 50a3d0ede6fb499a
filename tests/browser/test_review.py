"""The review desk in JupyterLab and in Voila, in a real browser, by keyboard and by click."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb.label_log import LabelLog

browser = pytest.importorskip("browser")
playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not browser.CHROMIUM and not os.environ.get("CI"),
        reason="no chromium found: install it (Debian: apt-get install chromium), or set CHROMIUM to its path",
    ),
]

HOSTILE = "<img src=x onerror=\"window.__pwned=1\"><script>window.__pwned=1</script> & 'quotes' \u202eback"
SETUP = f"""
import gzip, json
import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_path
lines = gzip.open(sample_path()).read().split(b'\\n')[:60]
first = json.loads(lines[0])
first['result']['reasoning'] = first['configuration']['rules'][2]['description'] = first['file_input'] = {HOSTILE!r}
open('jobs.jsonl', 'wb').write(b'\\n'.join([json.dumps(first).encode(), *lines[1:]]))
jobset = lcn.read_jobs('jobs.jsonl')
plan = lcn.metrics.audit_plan(jobset.jobs, margin=0.15)
queue = lcn.metrics.draw_sample(jobset.jobs, plan, seed=1)
queue['blind'] = [False, True] + [False] * (len(queue) - 2)
first_job = jobset.jobs['job_id'].iloc[0]
queue.loc[0, 'job_id'] = first_job
queue = queue.drop_duplicates('job_id').head(6)
"""
DESK = """
desk = lcn.review(jobset, queue, 'labels.csv', reviewer='kim', plan=plan,
                  open_document=lambda job: f"The document {job['file_input']}")
desk
"""
#: Our part of the page: in JupyterLab, an output of the notebook.
OURS = ".jp-OutputArea-output .jupyter-widgets"


def write(folder: Path, name: str) -> Path:
    """Write the notebook of a desk whose labels have a folder of their own."""
    place = folder / "notebooks" / name
    place.mkdir(parents=True)
    browser.write_notebook(place / "review.ipynb", SETUP, DESK)
    return place


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    (folder / "notebooks").mkdir()
    return folder


@pytest.fixture(scope="module")
def lab(shared: Path) -> Iterator[str]:
    """One server for the tests of this module."""
    with browser.jupyterlab(shared) as address:
        yield address


def press(page: object, key: str) -> None:
    page.keyboard.type(key)  # type: ignore[attr-defined]
    page.keyboard.press("Enter")  # type: ignore[attr-defined]


def test_three_jobs_are_labelled_by_keyboard_one_is_undone_and_a_new_kernel_goes_on(shared: Path, lab: str) -> None:
    place = write(shared, "keyboard")
    with browser.browser() as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        browser.run_all(page, f"{lab}/keyboard/review.ipynb")
        count, card = page.locator(".lcn .count"), page.locator(".lcn .card").first
        expect(count).to_have_text("0 of 6 read")
        expect(card).to_contain_text("<script>window.__pwned=1</script>")
        expect(card).to_contain_text("\\u202eback")

        key = page.get_by_label("Key", exact=True)
        key.focus()
        press(page, "1")
        expect(count).to_have_text("1 of 6 read")
        expect(card).to_contain_text("hidden until you have labelled this job")
        assert len(lcn.read_labels(place / "labels.csv")) == 1
        expect(key).to_be_focused()
        expect(key).to_have_value("")
        press(page, "me")  # the beginning of memo
        expect(count).to_have_text("2 of 6 read")
        page.get_by_label("Note", exact=True).fill("=1+1")
        key.focus()
        press(page, "n")
        expect(count).to_have_text("3 of 6 read")
        press(page, "u")
        expect(count).to_have_text("2 of 6 read")
        expect(page.get_by_text("Taken back: (no rule fits)")).to_be_visible()

        browser.restart(page)
        browser.run_cells(page)
        expect(count).to_have_text("2 of 6 read")
        page.get_by_label("Key", exact=True).focus()
        press(page, "3")
        expect(count).to_have_text("3 of 6 read")
        expect(page.get_by_text("Accuracy of all jobs")).to_contain_text("by 3 labels")
        assert page.evaluate("() => window.__pwned") is None
        assert dialogs == []
    records = LabelLog(place / "labels.csv").records
    assert [one.action for one in records] == ["label", "label", "label", "undo", "label"]
    assert [one.note for one in records] == [None, None, "=1+1", None, None]
    assert [one.seen_prediction for one in records] == [True, False, True, True, True]
    assert records[1].label == "memo"
    assert len(lcn.read_labels(place / "labels.csv")) == 3


def test_leaving_the_key_field_does_nothing_and_a_double_click_labels_one_job(shared: Path, lab: str) -> None:
    place = write(shared, "clicks")
    with browser.browser() as page:
        browser.run_all(page, f"{lab}/clicks/review.ipynb")
        count = page.locator(".lcn .count")
        page.get_by_label("Key", exact=True).fill("1")
        page.get_by_label("Note", exact=True).focus()
        expect(page.get_by_text("press Enter after")).to_be_visible()
        expect(count).to_have_text("0 of 6 read")
        # Both clicks in one turn of the page: a busy machine can't draw them apart.
        page.get_by_role("button", name="2 ").first.evaluate("button => { button.click(); button.click(); }")
        expect(count).to_have_text("1 of 6 read")
        page.get_by_role("button", name="Can't tell").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told")
        page.get_by_role("button", name="Skip").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told, 1 skipped")
        page.get_by_role("button", name="Undo").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told")
    assert [one.action for one in LabelLog(place / "labels.csv").records] == ["label", "cant_tell", "skip", "undo"]


def test_it_can_be_read_narrow_wide_light_and_dark_and_axe_finds_nothing_serious(shared: Path, lab: str) -> None:
    write(shared, "looks")
    shots = shared / "shots"
    shots.mkdir()
    with browser.browser(width=1400) as page:
        browser.run_all(page, f"{lab}/looks/review.ipynb")
        page.get_by_label("Key", exact=True).focus()
        for number in range(4):
            press(page, "1")
            expect(page.locator(".lcn .count")).to_contain_text(f"{number + 1} of 6 read")
        press(page, "b")
        expect(page.locator(".lcn .card").first).to_contain_text("You said")
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        for theme in ("JupyterLab Light", "JupyterLab Dark"):
            browser.set_theme(page, theme)
            for width in (1400, 700):
                page.set_viewport_size({"width": width, "height": 1500})
                page.locator(".lcn .count").scroll_into_view_if_needed()
                within = page.evaluate(
                    """() => { const box = document.querySelector('.jp-OutputArea .lcn .card').getBoundingClientRect();
                               return box.left >= 0 && box.right <= window.innerWidth; }"""
                )
                assert within, f"the card does not fit {width} pixels"
                page.screenshot(path=shots / f"review-{theme.split()[-1].lower()}-{width}.png")
            assert browser.serious_faults(page, OURS) == []


def test_it_works_in_voila(tmp_path: Path) -> None:
    place = write(tmp_path, "voila")
    for attempt in (1, 2):
        # Voila sometimes stops half-way through its first page, for good; a new server doesn't.
        with browser.voila(tmp_path, "voila/review.ipynb") as address, browser.browser() as page:
            try:
                page.goto(address, wait_until="domcontentloaded", timeout=25_000)
            except playwright.TimeoutError:
                if attempt == 2:
                    raise
                continue
            page.set_default_timeout(browser.CEILING_MS)
            count = page.locator(".lcn .count")
            expect(count).to_have_text("0 of 6 read", timeout=browser.CEILING_MS)
            page.get_by_label("Key", exact=True).focus()
            press(page, "1")
            expect(count).to_have_text("1 of 6 read")
            page.get_by_role("button", name="No rule fits").click()
            expect(count).to_have_text("2 of 6 read")
            assert page.evaluate("() => window.__pwned") is None
            page.screenshot(path=tmp_path / "voila.png")
            break
    assert lcn.read_labels(place / "labels.csv")["label"].tolist()[1] == "(no rule fits)"
