"""The review desk in JupyterLab, Notebook 7 and Voila, in a real browser, by keyboard and by click."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

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
import gzip, json, os
import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_path
lines = gzip.open(sample_path()).read().split(b'\\n')[:60]
first = json.loads(lines[0])
first['result']['reasoning'] = first['configuration']['rules'][2]['description'] = first['file_input'] = {HOSTILE!r}
first['configuration']['rules'][3]['type'] = {HOSTILE[:40]!r}
first['configuration']['rules'][-1]['type'] = 'long' * 60
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
desk = lcn.review(jobset, queue, 'labels.csv', reviewer={reviewer!r}, plan=plan, share={share!r},
                  open_document=lambda job: f"The document {{job['file_input']}}")
desk
"""
#: As in the README, by somebody who knows the pages.
README = """import llama_classify_nb as lcn

jobset = lcn.load_sample()
known = lcn.load_sample_labels().set_index("job_id")["label"]
plan = lcn.metrics.audit_plan(jobset.jobs, margin=0.05)
queue = lcn.metrics.draw_sample(jobset.jobs, plan, seed=1)
desk = lcn.review(jobset, queue, plan=plan, labels="labels.csv", reviewer="kim")
for job_id in queue["job_id"][:40]:
    desk.press(known.get(job_id, "?"))
desk"""


def write(folder: Path, name: str, share: bool = False) -> Path:
    """Write the notebooks of a desk, or of two who share it, whose labels have a folder of their own."""
    place = folder / "notebooks" / name
    place.mkdir(parents=True)
    for notebook, reviewer in (("kim", "kim"), ("lee", "lee")) if share else (("review", "kim"),):
        who = f"open('{notebook}.pid', 'w').write(str(os.getpid()))"
        browser.write_notebook(place / f"{notebook}.ipynb", SETUP + who, DESK.format(reviewer=reviewer, share=share))
    return place


def press(page: Any, text: str) -> None:
    """Type into the field "Key", and Enter once it is there: JupyterLab may move the focus after a cell has run.

    A kernel that is idle is told of Enter and of the key at once; a busy one's front end holds the key back, and the
    desk takes a key that comes two seconds after its Enter for one that was left in the field.
    """
    browser.until_idle(page)
    key = page.get_by_label("Key", exact=True)
    key.press_sequentially(text)
    expect(key).to_have_value(text)
    key.press("Enter")


def test_three_jobs_are_labelled_by_keyboard_one_is_undone_and_a_new_kernel_goes_on(folder: Path, page: Any) -> None:
    place = write(folder, "keyboard")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    browser.run_here(page, "keyboard/review.ipynb")
    count, card = page.locator(".lcn .count"), page.locator(".lcn .card").first
    expect(count).to_have_text("0 of 6 read")
    expect(card).to_contain_text("<script>window.__pwned=1</script>")
    expect(card).to_contain_text("\\u202eback")

    key = page.get_by_label("Key", exact=True)
    press(page, "1")
    expect(count).to_have_text("1 of 6 read")
    expect(card).to_contain_text("hidden until you have labelled this job")
    assert len(lcn.read_labels(place / "labels.csv")) == 1
    expect(key).to_be_focused()
    expect(key).to_have_value("")
    press(page, "me")  # the beginning of memo
    expect(count).to_have_text("2 of 6 read")
    page.get_by_label("Note", exact=True).fill("=1+1")
    press(page, "n")
    expect(count).to_have_text("3 of 6 read")
    press(page, "u")
    expect(count).to_have_text("2 of 6 read")
    expect(page.get_by_text("Taken back: (no rule fits)")).to_be_visible()

    browser.restart(page)
    browser.run_cells(page)
    expect(count).to_have_text("2 of 6 read")
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


def test_clicks_label_too_and_leave_the_keyboard_to_the_key_field(folder: Path, page: Any, server: str) -> None:
    place = write(folder, "clicks")
    with browser.opened(page, server, browser.NOTEBOOK, "clicks/review.ipynb") as page:
        count, key = page.locator(".lcn .count"), page.get_by_label("Key", exact=True)
        key.fill("1")
        before = browser.notebook_of(page)
        page.get_by_label("Note", exact=True).focus()
        expect(page.get_by_text("press Enter after")).to_be_visible()
        expect(count).to_have_text("0 of 6 read")
        # Both clicks in one turn of the page: a busy machine can't draw them apart.
        page.get_by_role("button", name="2 ").first.evaluate("button => { button.click(); button.click(); }")
        expect(count).to_have_text("1 of 6 read")
        page.get_by_role("button", name="Can't tell").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told")
        expect(key).to_be_focused()
        page.get_by_role("button", name="Skip").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told, 1 skipped")
        page.get_by_role("button", name="Undo").click()
        expect(count).to_have_text("2 of 6 read, 1 can't be told")
        expect(key).to_be_focused()
        for letter in "mddyxab1":  # commands of Notebook 7, were the focus still on the button
            page.keyboard.type(letter)
        assert browser.notebook_of(page) == before
        expect(key).to_have_value("mddyxab1")
        page.keyboard.press("Enter")
        expect(page.get_by_text("stands for nothing")).to_be_visible()
    assert [one.action for one in LabelLog(place / "labels.csv").records] == ["label", "cant_tell", "skip", "undo"]


def test_a_kernel_killed_between_two_labels_loses_none_and_two_reviewers_share_a_file(
    folder: Path, page: Any, server: str
) -> None:
    place = write(folder, "two", share=True)
    browser.run_here(page, "two/kim.ipynb")
    with browser.another(page) as other:
        browser.run_all(other, f"{server}/{browser.SECOND_LAB}/two/lee.ipynb")
        for one in (page, other):
            expect(one.locator(".lcn .count")).to_have_text("0 of 6 read")
        first, second = (one.locator(".lcn .card td").nth(2).text_content() for one in (page, other))
        assert first != second  # each reads another job
        press(page, "1")
        expect(page.locator(".lcn .count")).to_contain_text("1 of 6 read")
        press(other, "2")
        expect(other.locator(".lcn .count")).to_contain_text("2 of 6 read")  # with the one of kim
        with browser.death_of_kernel(page):
            os.kill(int((place / "kim.pid").read_text()), signal.SIGKILL)
            page.get_by_label("Key", exact=True).fill("3")  # into the void
            page.get_by_label("Key", exact=True).press("Enter")
            press(other, "1")
            expect(other.locator(".lcn .count")).to_contain_text("3 of 6 read")
        browser.run_cells(page)
        expect(page.locator(".lcn .count")).to_contain_text("3 of 6 read")
        for reader, n in ((page, 4), (other, 5), (page, 6)):
            press(reader, "n")
            expect(reader.locator(".lcn .count")).to_contain_text(f"{n} of 6 read")
    labels = lcn.read_labels(place / "labels.csv")
    assert labels["job_id"].is_unique
    assert len(labels) == 6
    assert labels["reviewer"].tolist() == ["kim", "lee", "lee", "kim", "lee", "kim"]


def test_it_can_be_read_narrow_wide_light_and_dark_and_axe_finds_nothing_serious(folder: Path, page: Any) -> None:
    write(folder, "looks")
    browser.run_here(page, "looks/review.ipynb", width=1400)
    card, count = page.locator(".lcn .card").first, page.locator(".lcn .count")
    expect(card).to_contain_text("<script>window.__pwned=1</script>")
    browser.look(page, folder / "shots" / "review-hostile", height=1500)
    press(page, "1")
    expect(card).to_contain_text("hidden until you have labelled this job")
    browser.look(page, folder / "shots" / "review-blind", height=1500)
    press(page, "zz")
    expect(page.locator(".lcn [role=alert]")).to_be_visible()
    browser.look(page, folder / "shots" / "review-refused", height=1500)
    for number in range(1, 6):
        press(page, "1")
        expect(count).to_contain_text(f"{number + 1} of 6 read")
    browser.look(page, folder / "shots" / "review-read", height=1500)
    press(page, "b")
    expect(card).to_contain_text("You said")
    browser.look(page, folder / "shots" / "review-back", height=1500)


def test_the_desk_of_the_readme(folder: Path, page: Any) -> None:
    place = folder / "notebooks" / "readme"
    place.mkdir()
    browser.write_notebook(place / "labels.ipynb", README)
    browser.run_here(page, "readme/labels.ipynb", height=1150)
    expect(page.locator(".lcn .count")).to_have_text("40 of 50 read")
    expect(page.locator(".lcn svg")).to_be_visible()
    browser.take(page, folder / "shots" / "review.png")


def test_it_works_in_voila(tmp_path: Path, page: Any) -> None:
    place = write(tmp_path, "voila")
    with browser.in_voila(page, tmp_path, "voila/review.ipynb") as page:
        count = page.locator(".lcn .count")
        expect(count).to_have_text("0 of 6 read")
        press(page, "1")
        expect(count).to_have_text("1 of 6 read")
        page.get_by_role("button", name="No rule fits").click()
        expect(count).to_have_text("2 of 6 read")
        expect(page.get_by_label("Key", exact=True)).to_be_focused()
        assert page.evaluate("() => window.__pwned") is None
        page.screenshot(path=tmp_path / "voila.png")
    assert lcn.read_labels(place / "labels.csv")["label"].tolist()[1] == "(no rule fits)"
