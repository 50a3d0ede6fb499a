"""Views of the explorer: what is kept of its controls, the code for it, and what each choice would leave."""

from __future__ import annotations

import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import EDGE_CASES

import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_jobs
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.widgets import _facts, _pictures, _view

DAY = dt.date(2026, 2, 17)
SETTINGS: list[dict[str, Any]] = [
    {},
    {"type": "memo", "confidence_from": 0.4, "sort": "highest confidence first"},
    {"type": "\0none", "sort": "outcome, matched last"},
    {"outcome": "failed", "text": "xref", "sort": "newest first"},
    {"created_from": DAY, "created_to": DAY, "sort": "job_id, Z to A"},
    {"created_to": DAY, "configuration": "cfg-logreg-8types", "confidence_to": 0.9, "sort": "type, Z to A"},
]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> lcn.JobSet:
    """Every tenth of the bundled jobs, for tests that make an explorer each."""
    path = tmp_path_factory.mktemp("few") / "jobs.jsonl"
    path.write_bytes(b"\n".join(sample_jobs()[::10]))
    return lcn.read_jobs(path)


@pytest.fixture(scope="module")
def desk(sample: lcn.JobSet) -> lcn.widgets.Explorer:
    return lcn.explore(sample)


@pytest.fixture
def explorer(desk: Any) -> Any:
    """One explorer for all tests, as it was when it was made: to make one takes a second."""
    desk.sort.value, desk.show_code.value = "", False
    desk.reset.click()
    return desk


def run(code: str, jobset: lcn.JobSet) -> pd.DataFrame:
    """Give the table that pasted code gives, as the last line of a cell."""
    first, _, last = code.partition("\n\n")
    names: dict[str, Any] = {"jobset": jobset}
    exec(first, names)  # noqa: S102  # code of our own, as a user pastes it
    return eval(last, names)  # type: ignore[no-any-return]  # noqa: S307


def use(explorer: Any, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        getattr(explorer, name).value = value


@pytest.fixture
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that change many controls and look at no picture: to draw them takes most of the time."""
    monkeypatch.setattr(_pictures.Pictures, "draw", lambda *_: [])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_code_and_view_give_the_selection_on_screen(
    sample: lcn.JobSet, explorer: Any, settings: dict[str, Any]
) -> None:
    use(explorer, settings)
    pd.testing.assert_frame_equal(run(explorer.code, sample), explorer.selection)
    again = lcn.explore(sample, view=json.loads(json.dumps(explorer.view)))
    pd.testing.assert_frame_equal(again.selection, explorer.selection)
    assert again.view == explorer.view
    assert again._table.value == explorer._table.value


@pytest.mark.parametrize("order", _view.ORDERS)
@pytest.mark.usefixtures("_undrawn")
def test_every_order_is_that_of_its_code(few: lcn.JobSet, order: str) -> None:
    explorer: Any = lcn.explore(few, view={"types": ["memo"], "order": order})
    assert len(explorer.selection) > 50
    pd.testing.assert_frame_equal(run(explorer.code, few), explorer.selection)


@pytest.mark.usefixtures("_undrawn")
def test_hostile_values_are_kept_as_code_that_only_selects() -> None:
    edge = lcn.read_jobs(EDGE_CASES)
    for kind in edge.jobs["type"].dropna().unique():
        explorer = lcn.explore(edge, view={"types": [kind], "text": "'\"\\\n)\u202e"})
        assert explorer.code.isascii()
        pd.testing.assert_frame_equal(run(explorer.code, edge), explorer.selection)
        explorer.text.value = ""
        assert len(explorer.selection) == (edge.jobs["type"] == kind).sum() > 0


def test_code_is_shown_on_request_and_follows(explorer: Any) -> None:
    assert explorer._code.value == ""
    explorer.show_code.value = True
    explorer.type.value = "memo"
    assert "types=[&#x27;memo&#x27;]" in explorer._code.value
    explorer.reset.click()
    assert "memo" not in explorer._code.value


def test_a_view_of_values_that_no_job_has_is_kept_and_leaves_none(sample: lcn.JobSet) -> None:
    view = {"types": ["unheard of"], "rule_sets": [None]}
    explorer: Any = lcn.explore(sample, view=view)
    assert explorer.view == view
    assert len(explorer.selection) == 0
    assert ("unheard of (0)", "unheard of") in explorer.type.options
    explorer.reset.click()
    assert len(explorer.selection) == len(sample)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ([], "view is a list; give a dict"),
        ({"kind": "memo"}, "view holds 'kind'; it may hold outcomes, types"),
        ({"types": ["memo", "email"]}, "types is .*holds one"),
        ({"outcomes": ["done"]}, "an outcome is one of"),
        ({"confidence": [0.2, 7]}, "confidence holds 7"),
        ({"confidence": [0, 1]}, "leave it out"),
        ({"confidence": 0.5}, "must be a pair"),
        ({"confidence": [0.9, 0.1]}, "the lower end must come first"),
        ({"created": ["2026-02-01T10:00", None]}, "a day in UTC"),
        ({"created": ["soon", None]}, "a day in UTC"),
        ({"created": ["01.02.2026", None]}, "a day in UTC"),  # of January, or of February?
        ({"created": [0, None]}, "a day in UTC"),
        ({"text": 3}, "text is 3"),
        ({"order": "by chance"}, "order is 'by chance'"),
    ],
)
def test_what_is_no_view_is_said(few: lcn.JobSet, view: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        lcn.explore(few, view=view)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.usefixtures("_undrawn")
def test_each_choice_says_how_many_jobs_it_would_leave(explorer: Any, settings: dict[str, Any]) -> None:
    use(explorer, settings)
    for name in ("outcome", "type", "rule_set", "configuration"):
        control = getattr(explorer, name)
        before = control.value
        for said, value in control.options:
            control.value = value
            assert f"({len(explorer.selection):,})" in said
        control.value = before


@pytest.mark.usefixtures("_undrawn")
def test_only_the_most_used_of_very_many_values_are_offered(sample: lcn.JobSet) -> None:
    jobset = lcn.load_sample()
    names = [f"cfg-{number % 300:03}" for number in range(len(jobset))]
    names[:5] = ["cfg-rare"] * 5
    jobset.jobs["configuration_id"] = pd.Categorical(names)
    explorer: Any = lcn.explore(jobset)
    assert len(explorer.configuration.options) == 51
    assert "the 50 most used of 301 below" in explorer.configuration.options[0][0]
    assert "cfg-rare" not in dict(explorer.configuration.options).values()
    explorer.configuration.field.set_state({"value": "cfg-rare"})
    assert len(explorer.selection) == 5
    assert explorer.configuration.field.placeholder == "cfg-rare (5)"
    rare: Any = lcn.explore(jobset, view={"configuration_ids": ["cfg-rare"]})
    assert ("cfg-rare (5)", "cfg-rare") in rare.configuration.options
    assert len(rare.selection) == 5


def facts(jobset: lcn.JobSet, labels: pd.DataFrame | None = None) -> _facts.Facts:
    return _facts.Facts(jobset.jobs, jobset.rules, _facts.Linked(jobset.jobs), labels)


def test_a_confidence_has_its_place_among_those_of_its_type(sample: lcn.JobSet) -> None:
    jobs, known = sample.jobs, facts(sample)
    answered = jobs["outcome"].isin(["matched", "no_match"])
    for row in (*range(0, len(jobs), 499), int((jobs["outcome"] == "no_match").argmax())):
        job, place = jobs.iloc[row], known.of(row).place
        if not answered.iloc[row]:
            assert place is None
            continue
        same = jobs["type"].isna() if pd.isna(job["type"]) else jobs["type"] == job["type"]
        like = jobs.loc[answered & same, "confidence"]
        assert place is not None
        assert (place.n, sum(place.bins)) == (len(like), len(like))
        assert place.n_below == sum(one < job["confidence"] for one in like)
        assert place.n_same == sum(one == job["confidence"] for one in like)
        assert 0 < place.quantile < 1


@pytest.mark.usefixtures("_undrawn")
def test_a_card_tells_the_cause_and_the_label_and_the_other_jobs_of_its_file(sample: lcn.JobSet) -> None:
    labels = lcn.load_sample_labels()
    explorer: Any = lcn.explore(sample, labels)
    explorer.outcome.value = "failed"
    assert "<h4>Cause</h4>" in explorer._card.value
    assert "Asking again as it is " in explorer._card.value
    assert "surer (quantile" not in explorer._card.value
    explorer.reset.click()
    jobs, known = sample.jobs, facts(sample, labels)
    right = wrong = flips = 0
    for row in range(0, len(jobs), 97):
        one, job = known.of(row), jobs.iloc[row]
        others = jobs[(jobs["file_input"] == job["file_input"]) & (jobs["job_id"] != job["job_id"])]
        assert one.n_same_file == len(others)
        assert one.same_file is not None
        assert set(one.same_file["job_id"]) == set(others["job_id"])
        assert one.same_file["created_at"].is_monotonic_decreasing
        flips += (others["type"].dropna() != job["type"]).any()
        right, wrong = right + (one.is_right is True), wrong + (one.is_right is False)
        if one.is_right and pd.notna(job["type"]):
            assert one.label == job["type"]
    assert min(right, wrong, flips) > 0


def test_other_jobs_of_a_file_are_found_whatever_its_name_holds(sample: lcn.JobSet) -> None:
    jobs = sample.jobs.head(6).astype({"file_input": object})
    jobs["file_input"] = pd.Series(["\ud800", "b", "\ud800", None, "b", None], jobs.index, dtype=object)
    known = _facts.Facts(jobs, sample.rules, _facts.Linked(jobs), None)
    assert [known.of(row).n_same_file for row in range(6)] == [1, 1, 1, 0, 1, 0]


@pytest.mark.usefixtures("_undrawn")
def test_a_card_shows_label_and_flips(sample: lcn.JobSet) -> None:
    labels = lcn.load_sample_labels()
    jobs = sample.jobs[sample.jobs["outcome"] == "matched"]
    types = jobs.groupby("file_input")["type"].nunique()
    job_id = jobs.loc[jobs["file_input"] == types.idxmax(), "job_id"].iloc[0]
    explorer: Any = lcn.explore(sample, labels)
    explorer.sort.value = "job_id, A to Z"
    place = explorer.selection["job_id"].tolist().index(job_id)
    explorer.page_number.value = place // 50 + 1
    explorer.job.value = job_id
    for said in ("<h4>Label</h4>", "<b>(flip)</b>", "Other jobs about this file (", "surer (quantile "):
        assert said in explorer._card.value


def test_a_raw_answer_is_asked_for_anew_for_each_job(explorer: Any) -> None:
    explorer.show_raw.value = True
    assert "Raw answer" in explorer._card.value
    explorer.type.value = "memo"
    assert explorer.show_raw.value is False
    assert "Raw answer" not in explorer._card.value


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_page_without_a_kernel_is_small_and_runs_nothing(explorer: Any, settings: dict[str, Any]) -> None:
    use(explorer, settings)
    still = explorer._repr_html_()
    assert len(still.encode()) < 50_000
    assert "<script" not in still
    assert still.count("<img ") == still.count(" alt=") == 4


def test_the_column_that_the_table_is_ordered_by_is_marked(explorer: Any) -> None:
    assert '<th scope="col" aria-sort=' not in explorer._table.value
    explorer.sort.value = "newest first"
    assert '<th scope="col" aria-sort="descending">created_at' in explorer._table.value


def test_labels_that_cannot_be_right_are_said(sample: lcn.JobSet, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="label"):
        lcn.explore(sample, labels=pd.DataFrame({"job_id": ["a"]}))


@pytest.mark.usefixtures("_undrawn")
def test_changes_from_several_threads_come_one_after_another_and_the_last_wins(tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_bytes(b"\n".join(lcn.demo.sample_jobs()[:300]))
    explorer: Any = lcn.explore(lcn.read_jobs(tmp_path / "jobs.jsonl"))
    kinds = ["memo", "letter", "resume"]
    faults: list[BaseException] = []

    def change(turn: int) -> None:
        try:
            for step in range(6):
                explorer.type.value = kinds[(turn + step) % 3]
                assert explorer.selection["job_id"].is_unique
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=change, args=(turn,)) for turn in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    explorer.type.value = "report"
    assert explorer.selection["type"].unique().tolist() == ["report"]
    assert f"{len(explorer.selection):,} of" in explorer._count.value
    assert "report" in explorer._table.value
    assert "memo" not in explorer.type.field.placeholder
