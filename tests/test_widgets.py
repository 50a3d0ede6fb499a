"""The explorer without a browser: its controls give the selection, and nothing it shows can run."""

from __future__ import annotations

import datetime as dt
import html.parser
from pathlib import Path
from typing import Any

import ipywidgets as w
import pandas as pd
import pytest
from conftest import EDGE_CASES

import llama_classify_nb as lcn
from llama_classify_nb import export
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.widgets import page


class Tags(html.parser.HTMLParser):
    """Lists the tags, and the attributes, of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


@pytest.fixture(scope="module")
def desk(sample: lcn.JobSet) -> lcn.widgets.Explorer:
    return lcn.explore(sample)


@pytest.fixture
def explorer(desk: Any) -> lcn.widgets.Explorer:
    """One explorer for all tests, as it was when it was made: to make one takes a second."""
    desk.sort.value, desk.show_code.value = "", False
    desk.reset.click()
    return desk  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def edge() -> lcn.JobSet:
    return lcn.read_jobs(EDGE_CASES)


def test_untouched_it_selects_all(explorer: Any, sample: lcn.JobSet) -> None:
    pd.testing.assert_frame_equal(explorer.selection, sample.jobs)
    assert repr(explorer) == "Explorer: 5,992 of 5,992 jobs"


def test_each_filter_selects_what_it_says(explorer: Any, sample: lcn.JobSet) -> None:
    jobs = sample.jobs
    day = dt.date(2026, 3, 2)
    for changes, expected in [
        ({"outcome": "failed"}, jobs["outcome"] == "failed"),
        ({"type": "email"}, jobs["type"] == "email"),
        ({"type": "\0none"}, jobs["type"].isna()),
        ({"configuration": "cfg-logreg-8types"}, jobs["configuration_id"] == "cfg-logreg-8types"),
        ({"rule_set": jobs["rule_set"].iloc[-1]}, jobs["rule_set"] == jobs["rule_set"].iloc[-1]),
        ({"confidence_from": 0.5, "confidence_to": 0.6}, jobs["confidence"].between(0.5, 0.6, inclusive="left")),
        ({"confidence_from": 0.9}, jobs["confidence"] >= 0.9),
        ({"created_from": day, "created_to": day}, jobs["created_at"].dt.date == day),
        ({"text": " BUDGET "}, jobs["reasoning"].str.contains("budget", case=False, na=False)),
        ({"text": "xref"}, jobs["error_message"].str.contains("xref", na=False)),
    ]:
        for name, value in changes.items():
            getattr(explorer, name).value = value
        pd.testing.assert_frame_equal(explorer.selection, jobs[expected])
        assert f"{expected.sum():,} of 5,992 jobs" in explorer._count.value
        explorer.reset.click()
        assert len(explorer.selection) == 5_992


def test_filters_add_up_and_order_and_pages_follow(explorer: Any) -> None:
    explorer.type.value = "note"
    explorer.outcome.value = "matched"
    explorer.sort.value = "lowest confidence first"
    assert explorer.selection["confidence"].is_monotonic_increasing
    assert explorer.page_number.max == -(-len(explorer.selection) // page.ROWS)
    explorer.page_number.value = 2
    assert explorer.job.value == explorer.selection["job_id"].iloc[page.ROWS]
    assert explorer.job.value in explorer._card.value
    explorer.type.value = "memo"
    assert explorer.page_number.value == 1


def test_all_that_a_change_changes_is_sent_once_after_it_is_all_drawn(
    explorer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if getattr(explorer._count.comm, "kernel", True) is None:
        pytest.skip("ipywidgets 8.0 sends nothing where there is no kernel")
    events: list[Any] = []
    draw, turn = explorer._drawn.draw, explorer._turn
    monkeypatch.setattr(w.Widget, "_send", lambda widget, *_, **__: events.append(widget))
    monkeypatch.setattr(explorer._drawn, "draw", lambda *counts: (events.append("drawn"), draw(*counts))[1])
    monkeypatch.setattr(explorer, "_turn", lambda: (turn(), events.append("turned")))
    explorer.type.value = "memo"
    others = [event for event in events if event is not explorer.type.field]  # which shows the choice at once
    assert others[:2] == ["drawn", "turned"]
    for part in ("_count", "_pictures", "_table", "_card"):
        assert others.count(getattr(explorer, part)) == 1


def test_the_card_marks_the_rule_that_won_and_shows_the_raw_answer_on_request(explorer: Any) -> None:
    explorer.type.value = "email"
    assert explorer._card.value.count('class="won"') == 1
    assert "Raw answer" not in explorer._card.value
    explorer.show_raw.value = True
    assert "parsing_configuration" in explorer._card.value


def test_a_search_hit_is_marked(explorer: Any) -> None:
    explorer.text.value = "letter"
    assert "<mark>letter</mark>" in explorer._table.value
    assert "<mark>letter</mark>" in explorer._card.value


def test_the_selection_is_saved_and_read_back(explorer: Any, tmp_path: Path) -> None:
    explorer.outcome.value = "failed"
    explorer.path.value = str(tmp_path / "failed.csv")
    explorer.save.click()
    assert "192 jobs saved in" in explorer._saved.value
    assert len(export.read_csv(tmp_path / "failed.csv")) == 192


def test_a_place_that_cannot_be_written_is_said(explorer: Any, tmp_path: Path) -> None:
    explorer.path.value = str(tmp_path)
    explorer.save.click()
    assert "Not saved" in explorer._saved.value


def test_bounds_the_wrong_way_round_are_said_and_the_selection_stays(explorer: Any) -> None:
    explorer.confidence_to.value = 0.3
    before = len(explorer.selection)
    explorer.confidence_from.value = 0.8
    assert "confidence" in explorer._error.value
    assert len(explorer.selection) == before
    explorer.confidence_from.value = 0.1
    assert explorer._error.value == ""


def test_hostile_jobs_are_shown_as_text_only(edge: lcn.JobSet) -> None:
    explorer = lcn.explore(edge)
    explorer.show_code.value = True
    shown = [explorer._repr_html_(), explorer._code.value]
    for _, job_id in explorer.job.options:
        explorer.job.value = job_id
        explorer.show_raw.value = True
        shown.append(explorer._card.value)
    assert explorer._error.value == ""
    tags = Tags("".join(shown))
    allowed = ["style", "div", "span", "img", "table", "thead", "tbody", "tr", "th", "td", "b", "h4", "pre", "mark"]
    allowed += ["svg", "rect"]
    assert set(tags.tags) <= set(allowed)
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "\u202e" not in "".join(shown)


@pytest.mark.parametrize("n", [0, 1])
def test_few_jobs_are_no_trouble(sample: lcn.JobSet, n: int, tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_bytes(b"\n".join(lcn.demo.sample_jobs()[:n]))
    explorer = lcn.explore(lcn.read_jobs(tmp_path / "jobs.jsonl"))
    assert len(explorer.selection) == n
    assert explorer._error.value == ""


def test_a_page_without_a_kernel_shows_what_it_showed(explorer: Any) -> None:
    explorer.type.value = "resume"
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "resume" in bundle["text/html"]
    assert bundle["text/html"].count("<img ") == 4
    assert bundle["text/plain"] == repr(explorer)


def test_pictures_say_in_words_what_they_show(explorer: Any, sample: lcn.JobSet) -> None:
    n = (sample.jobs["confidence"] < 0.5).sum()
    assert f'alt="Confidence of 5,786 answered jobs, by type: {n:,} are below 0.5"' in explorer._pictures.value
    assert "the commonest type is memo, 1,080 jobs" in explorer._pictures.value


def test_no_figure_of_pyplot_is_left_open(explorer: Any) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    explorer.type.value = "email"
    assert plt.get_fignums() == before


def test_what_is_no_jobset_is_refused() -> None:
    with pytest.raises(ArgumentError, match="jobset is a DataFrame: give a JobSet"):
        lcn.explore(pd.DataFrame())  # type: ignore[arg-type]
