"""The review desk without a browser: what is shown, what is written, and what survives."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np
import pandas as pd
import pytest
from conftest import EDGE_CASES
from nbconvert import HTMLExporter
from test_widgets import Tags

import llama_classify_nb as lcn
from llama_classify_nb import label_records, metrics
from llama_classify_nb.demo import sample_path
from llama_classify_nb.exceptions import ArgumentError, LabelLogError
from llama_classify_nb.label_log import LabelLog
from llama_classify_nb.label_records import NO_RULE
from llama_classify_nb.widgets import _queue, review_widget
from llama_classify_nb.widgets._desk import Desk
from llama_classify_nb.widgets._progress import Interval, Progress
from llama_classify_nb.widgets._review_page import progress, stop_line

ROOT = Path(__file__).parents[1]
HOSTILE = "<img src=x onerror=\"window.__pwned=1\"><script>window.__pwned=1</script> & 'quotes' \u202eback"


@pytest.fixture(autouse=True)
def _clicks_as_fast_as_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_widget, "DOUBLE_CLICK_S", -1.0)


@pytest.fixture(scope="module")
def jobset(tmp_path_factory: pytest.TempPathFactory) -> lcn.JobSet:
    """Forty bundled jobs, one of them with a reasoning full of markup."""
    lines = gzip.decompress(sample_path().read_bytes()).split(b"\n")[:40]
    first = json.loads(lines[0])
    first["result"]["reasoning"] = HOSTILE
    path = tmp_path_factory.mktemp("jobs") / "jobs.jsonl"
    path.write_bytes(b"\n".join([json.dumps(first).encode(), *lines[1:]]))
    return lcn.read_jobs(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


@pytest.fixture
def queue(jobset: lcn.JobSet) -> pd.DataFrame:
    """Six jobs; the second and fourth are blind."""
    ids = jobset.jobs["job_id"].iloc[:6].tolist()
    return pd.DataFrame({"job_id": ids, "blind": [False, True, False, True, False, False]})


@pytest.fixture
def open_desk(jobset: lcn.JobSet, queue: pd.DataFrame, path: Path) -> Any:
    def opened(**arguments: Any) -> lcn.widgets.Review:
        return lcn.review(jobset, **{"queue": queue, "labels": path, "reviewer": "kim", **arguments})

    return opened


def shown_id(desk: Any) -> str | None:
    return None if desk._desk.job is None else desk._desk.job["job_id"]


def click(desk: Any, text: str) -> None:
    (button,) = [one for one in (*desk.types.children, *desk.acts.children) if text in one.description]
    button.click()


def enter(desk: Any, text: str) -> None:
    """Do what a front end does when somebody types and presses Enter: its message, then the value."""
    desk.keys._handle_custom_msg({"event": "submit"}, [])
    desk.keys.set_state({"value": text})


class TestActs:
    def test_each_job_is_shown_once_and_every_label_is_in_the_file_before_the_next(
        self, open_desk: Any, queue: pd.DataFrame, path: Path
    ) -> None:
        desk = open_desk()
        for number, job_id in enumerate(queue["job_id"]):
            assert shown_id(desk) == job_id
            assert len(lcn.read_labels(path)) == number
            enter(desk, "1")
            labels = lcn.read_labels(path)
            assert labels["job_id"].tolist() == queue["job_id"].tolist()[: number + 1]
        assert shown_id(desk) is None
        assert "Every job of the queue is read" in desk._progress.value
        assert desk.queue["done"].all()

    def test_keys_and_clicks_do_the_same(self, open_desk: Any, tmp_path: Path) -> None:
        by_key, by_click = open_desk(labels=tmp_path / "a.csv"), open_desk(labels=tmp_path / "b.csv")
        for key, text in [
            ("2", "2 "),
            ("n", "No rule"),
            ("?", "Can't"),
            ("s", "Skip"),
            ("u", "Undo"),
            ("b", "Back"),
            ("+", "Forward"),
        ]:
            enter(by_key, key)
            click(by_click, text)
            assert shown_id(by_key) == shown_id(by_click)
            pd.testing.assert_frame_equal(by_key.labels.drop(columns="time"), by_click.labels.drop(columns="time"))
        kinds = list(by_key._desk.choices)
        assert by_key.labels["label"].fillna("-").tolist() == [kinds[1], NO_RULE, "-"]

    def test_a_type_can_be_typed_by_its_beginning(self, open_desk: Any) -> None:
        desk = open_desk()
        enter(desk, "Mem")
        enter(desk, " letter ")
        assert desk.labels["label"].tolist() == ["memo", "letter"]
        before = shown_id(desk)
        for key, message in [("ne", "several types: news_article"), ("zz", "stands for nothing"), ("99", "nothing")]:
            if key == "ne" and len([one for one in desk._desk.choices if one.startswith("ne")]) < 2:
                continue
            enter(desk, key)
            assert message in desk._message.value
            assert 'role="alert"' in desk._message.value
        assert shown_id(desk) == before
        assert len(desk.labels) == 2

    def test_a_number_that_is_also_another_type_is_not_guessed_at(self, tmp_path: Path) -> None:
        line = json.loads(gzip.decompress(sample_path().read_bytes()).split(b"\n")[0])
        line["configuration"]["rules"][3]["type"] = "2"
        (tmp_path / "jobs.jsonl").write_text(json.dumps(line))
        jobset = lcn.read_jobs(tmp_path / "jobs.jsonl")
        desk: Any = lcn.review(jobset, jobset.jobs[["job_id"]], tmp_path / "labels.csv", reviewer="kim")
        enter(desk, "2")
        assert "both the number of &#x27;email&#x27; and a type" in desk._message.value
        enter(desk, "4")
        assert desk.labels["label"].tolist() == ["2"]

    @pytest.mark.parametrize(("kind", "key"), [("n", "n"), ("S", "s"), ("?", "?")])
    def test_a_type_that_is_a_key_too_is_clicked(
        self, jobset: lcn.JobSet, open_desk: Any, kind: str, key: str, path: Path
    ) -> None:
        desk = open_desk()
        desk._desk._rules = jobset.rules.assign(
            type=jobset.rules["type"].astype(str).where(lambda one: one != "email", kind)
        )
        desk._draw()
        desk.press(key)
        assert f"{key} is both a type and the key for" in desk._message.value
        assert len(lcn.read_labels(path)) == 0
        desk.types.children[list(desk._desk.choices).index(kind)].click()
        assert lcn.read_labels(path)["label"].tolist() == [kind]

    def test_nothing_typed_is_no_type_though_one_has_no_name(self, jobset: lcn.JobSet, open_desk: Any) -> None:
        desk = open_desk()
        desk._desk._rules = jobset.rules.assign(
            type=jobset.rules["type"].astype(str).where(lambda one: one != "email", "")
        )
        desk.press(" ")
        assert "stands for nothing" in desk._message.value
        assert len(desk.labels) == 0

    def test_an_empty_queue_is_said_to_be_empty(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desk = open_desk(queue=queue.head(0))
        assert "The queue is empty: there is no job to read." in desk._card.value
        for key in ("1", "n", "memo"):
            desk.press(key)
            assert "The queue is empty" in desk._message.value

    def test_leaving_the_field_without_enter_labels_nothing(self, open_desk: Any) -> None:
        desk = open_desk()
        desk.keys.set_state({"value": "1"})
        assert len(desk.labels) == 0
        assert desk.keys.value == ""
        assert "press Enter" in desk._message.value
        enter(desk, "1")
        assert len(desk.labels) == 1
        assert desk.keys.value == ""

    def test_a_double_click_labels_one_job(self, open_desk: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(review_widget, "DOUBLE_CLICK_S", 3_600.0)
        desk = open_desk()
        click(desk, "1 ")
        click(desk, "1 ")
        assert len(desk.labels) == 1
        assert "double click" in desk._message.value
        click(desk, "2 ")  # another button is another thought
        assert len(desk.labels) == 2
        enter(desk, "3")
        click(desk, "2 ")  # ... and so is the same one after a key
        assert len(desk.labels) == 4

    def test_after_a_click_the_keyboard_is_the_key_field_s(self, open_desk: Any, monkeypatch: Any) -> None:
        desk = open_desk()
        asked: list[Any] = []
        monkeypatch.setattr(desk.keys, "send", lambda content, *_: asked.append(content))
        click(desk, "1 ")
        click(desk, "Back")
        assert asked == [{"do": "focus"}] * 2

    def test_going_back_twice_is_meant(self, open_desk: Any, queue: pd.DataFrame, monkeypatch: Any) -> None:
        monkeypatch.setattr(review_widget, "DOUBLE_CLICK_S", 3_600.0)
        desk = open_desk()
        for key in ("1", "2"):
            enter(desk, key)
        click(desk, "Back")
        click(desk, "Back")
        assert shown_id(desk) == queue["job_id"].iloc[0]

    def test_undo_takes_back_step_by_step_and_is_itself_written(
        self, open_desk: Any, queue: pd.DataFrame, path: Path
    ) -> None:
        desk = open_desk()
        for key in ("1", "2", "s", "3"):
            enter(desk, key)
        for left in (3, 2, 1, 0):
            enter(desk, "u")
            assert shown_id(desk) == queue["job_id"].iloc[left]
        assert len(desk.labels) == 0
        enter(desk, "u")
        assert "nothing to take back" in desk._message.value
        actions = [one.action for one in LabelLog(path).records]
        assert actions == ["label", "label", "skip", "label", *["undo"] * 4]

    def test_going_back_changes_a_label_and_the_last_one_counts(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desk = open_desk()
        enter(desk, "1")
        enter(desk, "b")
        assert "You said" in desk._card.value
        enter(desk, "2")
        assert desk.labels["label"].tolist() == [list(desk._desk.choices)[1]]
        assert shown_id(desk) == queue["job_id"].iloc[1]
        enter(desk, "b")
        enter(desk, "b")
        assert "first job of the queue" in desk._message.value

    def test_skipped_jobs_come_last(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desk = open_desk()
        ids = queue["job_id"].tolist()
        enter(desk, "s")
        for _ in range(5):
            enter(desk, "1")
        assert shown_id(desk) == ids[0]
        assert "1 skipped" in desk._progress.value
        enter(desk, "s")
        assert "the only one left" in desk._message.value
        enter(desk, "1")
        assert shown_id(desk) is None
        assert desk.labels["job_id"].tolist() == [ids[0], *ids[1:]]

    def test_a_note_goes_with_its_label_and_comes_back_exactly(self, open_desk: Any, path: Path) -> None:
        desk = open_desk()
        desk.note.value = '=1+1, "quoted"\t'
        enter(desk, "1")
        assert desk.note.value == ""
        enter(desk, "2")
        notes = lcn.read_labels(path)["note"]
        assert notes.fillna("-").tolist() == ['=1+1, "quoted"', "-"]
        enter(desk, "b")
        enter(desk, "b")
        assert desk.note.value == '=1+1, "quoted"'


class TestBlind:
    def test_a_blind_job_shows_nothing_of_its_answer_until_it_is_labelled(
        self, open_desk: Any, jobset: lcn.JobSet, queue: pd.DataFrame
    ) -> None:
        given: list[pd.Series] = []
        desk = open_desk(open_document=given.append)
        jobs = jobset.jobs.set_index("job_id")
        enter(desk, "1")
        job = jobs.loc[queue["job_id"].iloc[1]]
        assert job["outcome"] == "matched"
        for html in (desk._card.value, desk._message.value):
            assert str(job["reasoning"])[:30] not in html
            assert f"{job['confidence']:.4g}" not in html
            assert 'class="won' not in html
        assert "hidden until you have labelled" in desk._card.value
        assert given[-1]["job_id"] == queue["job_id"].iloc[1]
        assert given[-1][["outcome", "type", "confidence", "reasoning", "error_message", "extra"]].isna().all()
        assert given[0]["type"] == jobs["type"].iloc[0]
        assert "hidden" in desk._repr_html_()
        enter(desk, "2")
        enter(desk, "b")
        assert f"confidence {job['confidence']:.4g}" in desk._card.value
        assert given[-1]["type"] == job["type"]

    def test_the_log_says_whether_the_answer_was_seen(self, open_desk: Any) -> None:
        desk = open_desk()
        for _ in range(4):
            enter(desk, "1")
        assert desk.labels["seen_prediction"].tolist() == [True, False, True, False]
        enter(desk, "b")  # to the fourth: its answer shows now
        enter(desk, "2")
        assert desk.labels["seen_prediction"].tolist() == [True, False, True, True]

    def test_what_was_seen_once_stays_seen_after_an_undo_and_a_restart(self, open_desk: Any) -> None:
        desk = open_desk()
        enter(desk, "1")
        enter(desk, "1")
        enter(desk, "u")  # straight back: its answer was never shown
        assert "hidden until" in desk._card.value
        enter(desk, "1")
        enter(desk, "b")
        enter(desk, "u")
        for one in (desk, open_desk()):
            assert "hidden until" not in one._card.value
        enter(desk, "1")
        assert desk.labels["seen_prediction"].tolist()[-1]


class TestSurvival:
    def test_a_new_kernel_goes_on_where_the_last_one_was(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desk = open_desk()
        for key in ("1", "s", "?"):
            enter(desk, key)
        again = open_desk()
        assert shown_id(again) == queue["job_id"].iloc[3]
        enter(again, "u")
        assert shown_id(again) == queue["job_id"].iloc[2]
        assert "2 of 6 read" not in again._progress.value
        assert "1 of 6 read, 1 skipped" in again._progress.value

    @pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
    def test_a_kill_in_the_middle_of_labelling_loses_and_doubles_nothing(self, path: Path) -> None:
        script = (
            "import sys, llama_classify_nb as lcn\n"
            "desk = lcn.review(lcn.load_sample(), 'lowest confidence first', sys.argv[1], reviewer='kim')\n"
            "print('open', flush=True)\n"
            "for number in range(5_000):\n"
            "    desk._desk.press('1'); print(number, flush=True)\n"
        )
        said = 0
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        for stop in (7, 23):
            command = [sys.executable, "-c", script, str(path)]
            one = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            assert one.stdout is not None
            for line in one.stdout:
                if line.strip() == str(stop):
                    one.send_signal(signal.SIGKILL)
                    break
            said += stop + 1 + sum(1 for _ in one.stdout)
            one.communicate()
        log = LabelLog(path)
        labels = label_records.frame(label_records.standing(log.records))
        assert labels["job_id"].is_unique
        assert len(labels) == len(log.records)  # no job was labelled twice
        assert said <= len(labels) <= said + 2
        jobset = lcn.load_sample()
        expected, _ = _queue.make(jobset.jobs, jobset.rules, _queue.LOWEST, None, labels)
        assert labels["job_id"].tolist() == expected["job_id"].tolist()[: len(labels)]

    def test_two_reviewers_see_only_their_own_labels_and_agree_in_the_end(self, open_desk: Any) -> None:
        kim, lee = open_desk(), open_desk(reviewer="lee")
        for _ in range(3):
            enter(kim, "1")
            assert "You said" not in lee._card.value
            enter(lee, "1")
        enter(kim, "u")
        assert lee.labels.value_counts("reviewer").to_dict() == {"kim": 2, "lee": 3}
        table = metrics.reviewer_agreement(lee.labels)
        assert (table["n"].iloc[0], table["agreement"].iloc[0]) == (2, 1.0)

    def test_who_shares_a_queue_reads_each_job_once(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desks = [open_desk(reviewer=name, share=True) for name in ("kim", "lee")]
        ids = queue["job_id"].tolist()
        assert [shown_id(desk) for desk in desks] == ids[:2]
        for desk in (desks[1], desks[1], desks[0], desks[1], desks[0], desks[1]):
            enter(desk, "1")
        labels = desks[0].labels
        assert sorted(labels["job_id"]) == sorted(ids)
        assert labels["reviewer"].value_counts().to_dict() == {"lee": 4, "kim": 2}

    def test_a_job_that_somebody_left_open_long_ago_is_free_again(
        self, jobset: lcn.JobSet, queue: pd.DataFrame, path: Path
    ) -> None:
        made, _ = _queue.make(jobset.jobs, jobset.rules, queue, None, label_records.frame([]))
        now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

        def desk(reviewer: str, minutes: int) -> Desk:
            moment = now + dt.timedelta(minutes=minutes)
            options: dict[str, Any] = {"reviewer": reviewer, "share": True, "clock": lambda: moment}
            return Desk(jobset.jobs, jobset.rules, made, LabelLog(path), **options)

        assert [desk("kim", 0).place, desk("lee", 20).place, desk("mo", 31).place] == [0, 1, 0]

    def test_what_can_not_be_saved_is_said_and_its_job_stays(self, open_desk: Any, path: Path) -> None:
        desk = open_desk()
        enter(desk, "1")
        before = shown_id(desk)
        content = path.read_bytes()
        path.unlink()
        path.mkdir()
        desk.note.value = "kept"
        enter(desk, "2")
        assert "nothing was saved" in desk._message.value
        assert (shown_id(desk), desk.note.value) == (before, "kept")
        path.rmdir()
        path.write_bytes(content)
        enter(desk, "2")
        assert desk.labels["note"].fillna("-").tolist() == ["-", "kept"]

    def test_a_torn_record_is_told_at_the_desk(self, open_desk: Any, path: Path) -> None:
        desk = open_desk()
        enter(desk, "1")
        with path.open("ab") as file:
            file.write(b'"torn')
        assert "cut short" in open_desk()._message.value


class TestQueues:
    def test_lowest_confidence_comes_first(self, sample: lcn.JobSet) -> None:
        made, _ = _queue.make(sample.jobs, sample.rules, _queue.LOWEST, None, label_records.frame([]))
        confidence = sample.jobs.set_index("job_id")["confidence"].loc[made["job_id"]]
        assert confidence.is_monotonic_increasing
        assert len(made) == sample.jobs["outcome"].isin(["matched", "no_match"]).sum()
        jobs = sample.jobs.sample(frac=1, random_state=1)
        mixed, _ = _queue.make(jobs, sample.rules, _queue.LOWEST, None, label_records.frame([]))
        pd.testing.assert_frame_equal(made.drop(columns="row"), mixed.drop(columns="row"))
        assert jobs["job_id"].iloc[mixed["row"]].tolist() == mixed["job_id"].tolist()

    def test_ids_that_are_numbers_stand_for_their_jobs(self, sample: lcn.JobSet, path: Path) -> None:
        jobs = sample.jobs.assign(job_id=range(len(sample.jobs)))
        for number in range(3):
            desk = lcn.review(sample, _queue.LOWEST, path, reviewer="kim", jobs=jobs)
            job = desk._desk.job
            assert job is not None
            assert job["confidence"] == jobs["confidence"].sort_values().iloc[number]
            desk.press("1")
            assert lcn.read_labels(path)["job_id"].iloc[-1] == str(job["job_id"])

    def test_flips_are_files_with_different_answers(self, sample: lcn.JobSet) -> None:
        made, _ = _queue.make(sample.jobs, sample.rules, _queue.FLIPS, None, label_records.frame([]))
        answered = sample.jobs[sample.jobs["outcome"].isin(["matched", "no_match"])]
        answers: dict[str, set[Any]] = {}
        for file, kind in zip(answered["file_input"], answered["type"].astype(object), strict=True):
            answers.setdefault(file, set()).add(None if pd.isna(kind) else kind)
        expected = answered[[len(answers[file]) > 1 for file in answered["file_input"]]]
        assert set(made["job_id"][: len(expected)]) == set(expected["job_id"])
        for a, b in itertools.combinations(answered["configuration_id"].unique(), 2):
            flips = metrics.flips(sample.jobs, a, b)
            assert len(flips) > 0
            assert {*flips["job_id_a"], *flips["job_id_b"]} <= set(expected["job_id"])
        files = answered.set_index("job_id")["file_input"].loc[made["job_id"][: len(expected)]]
        assert (files != files.shift()).sum() == files.nunique()  # a file's jobs come one after another

    def test_suspects_are_labelled_jobs_that_come_again(self, sample: lcn.JobSet, path: Path) -> None:
        jobs = sample.jobs[sample.jobs["outcome"] == "matched"]
        sure = jobs.sort_values("confidence").iloc[[-1, -2, -3]]
        desk = lcn.review(
            sample, sure[["job_id"]].assign(inclusion_probability=0.5, stage="main"), path, reviewer="kim"
        )
        wrong = "note" if sure["type"].iloc[0] != "note" else "memo"
        for _ in range(3):
            desk.press(wrong)
        again = lcn.review(sample, "suspects first", path, reviewer="kim")
        suspects = metrics.label_suspects(sample.jobs, lcn.read_labels(path), rules=sample.rules)["job_id"]
        assert again.queue["job_id"].tolist()[: len(suspects)] == suspects.tolist()
        assert shown_id(again) == suspects.iloc[0]
        again.press("1")
        assert shown_id(again) == suspects.iloc[1]
        assert shown_id(lcn.review(sample, "suspects first", path, reviewer="kim")) != suspects.iloc[0]
        mine = again.labels.set_index("job_id").loc[suspects.iloc[0]]
        if suspects.iloc[0] in set(sure["job_id"]):  # what the draw gave it stays
            assert (mine["inclusion_probability"], mine["stage"], mine["queue"]) == (0.5, "main", "suspects first")

    def test_by_default_it_is_the_pilot_of_a_plan(self, sample: lcn.JobSet, path: Path) -> None:
        desk = lcn.review(sample, labels=path, reviewer="kim")
        drawn = metrics.draw_sample(sample.jobs, metrics.audit_plan(sample.jobs))
        assert desk.queue["job_id"].tolist() == drawn["job_id"].tolist()
        desk.press("1")
        row = desk.labels.iloc[0]
        for name in ("stratum", "stage", "inclusion_probability"):
            assert row[name] == drawn[name].iloc[0]
        assert row["queue"] == "sample"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"queue": "hardest first"}, "in words it is one of: 'lowest confidence first'"),
            ({"queue": pd.DataFrame({"id": ["a"]})}, "a DataFrame without 'job_id'"),
            ({"queue": 3}, "queue is a int; give the table of draw_sample"),
            ({"queue": pd.DataFrame({"job_id": ["nobody"]})}, "1 of its 1 jobs are not among the jobs"),
            ({"reviewer": " "}, "give the name of who reads"),
            ({"labels": 3}, "labels is a int; give the path"),
            ({"open_document": "x"}, "open_document is a str; give a function"),
            ({"plan": pd.DataFrame()}, "plan must be a table that audit_plan gave"),
        ],
    )
    def test_what_can_not_be_right_is_refused(self, open_desk: Any, arguments: Any, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            open_desk(**arguments)

    def test_a_plan_of_other_jobs_and_a_frame_are_refused(self, open_desk: Any, sample: lcn.JobSet, path: Path) -> None:
        with pytest.raises(ArgumentError, match="pass as jobs= the table that audit_plan was given"):
            open_desk(plan=metrics.audit_plan(sample.jobs))
        with pytest.raises(ArgumentError, match="jobset is a DataFrame: give a JobSet"):
            lcn.review(pd.DataFrame(), labels=path)  # type: ignore[arg-type]
        with pytest.raises(LabelLogError, match="can't be written"):
            open_desk(labels=path.parent)

    def test_an_empty_queue_is_said(self, open_desk: Any, queue: pd.DataFrame) -> None:
        desk = open_desk(queue=queue.iloc[:0])
        assert repr(desk).startswith("Review by kim: 0 of 0 read")
        assert "nothing to read" in desk._repr_html_()
        for key in ("1", "b", "u", "+"):
            enter(desk, key)
            assert 'role="alert"' in desk._message.value

    def test_a_name_is_found_by_itself(self, open_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTERHUB_USER", "mo")
        assert repr(open_desk(reviewer=None)).startswith("Review by mo:")


class TestProgress:
    def test_the_interval_is_that_of_the_metric_and_narrows(self, sample: lcn.JobSet, path: Path) -> None:
        known = lcn.load_sample_labels().set_index("job_id")["label"]
        jobs = sample.jobs[sample.jobs["job_id"].isin(known.index)]
        plan = metrics.audit_plan(jobs, margin=0.12)
        queue = metrics.draw_sample(jobs, plan, seed=3)
        desk = lcn.review(sample, queue, path, reviewer="kim", plan=plan, jobs=jobs)
        state = desk._desk
        widths = []
        while (job_id := shown_id(desk)) is not None:
            label = known[job_id]
            desk.press(label if label in state.choices else "n")
            found = state.progress()
            assert found.interval is not None
            widths.append(found.interval.half_width)
            assert ("You may stop now" in desk._progress.value) == (found.interval.half_width <= 0.12)
        row = metrics.accuracy_estimate(jobs, lcn.read_labels(path), plan=plan, rules=sample.rules).iloc[0]
        assert found.interval[1:] == (row["accuracy"], row["accuracy_lower"], row["accuracy_upper"])
        assert widths[-1] < widths[5] < widths[0]
        assert f"{row['accuracy']:.1%}</b>, by {row['n']:,} labels" in desk._progress.value
        again = lcn.review(sample, queue, path, reviewer="kim", plan=plan, jobs=jobs)._desk.progress()
        assert again.interval == found.interval
        assert [one.n for one in again.trail] == sorted({one.n for one in again.trail})
        assert len(again.trail) > 3

    @pytest.mark.parametrize("by", [None, "configuration_id", "rule_set"])
    def test_the_interval_is_that_of_all_labels_of_these_jobs_whoever_gave_them(
        self, sample: lcn.JobSet, path: Path, by: str | None
    ) -> None:
        jobs = sample.jobs[sample.jobs["type"].notna()].sample(frac=0.5, random_state=1)
        plan = metrics.audit_plan(jobs, margin=0.1, by=by)
        elsewhere = sample.jobs.loc[sample.jobs.index.difference(jobs.index), ["job_id"]].head(9)
        others = (elsewhere.assign(inclusion_probability=0.5), metrics.draw_sample(jobs, plan, seed=8).head(9))
        for reviewer, drawn in zip(("lee", "mo"), others, strict=True):
            desk = lcn.review(sample, drawn, path, reviewer=reviewer)
            for key in "112311121":
                desk.press(key)
        desk = lcn.review(sample, metrics.draw_sample(jobs, plan), path, reviewer="kim", plan=plan, jobs=jobs)
        for key in ("1", "n", "2", "?", "1", "s", "b", "1", "u", "2"):
            desk.press(key)
            labels = lcn.read_labels(path)
            mine = labels[labels["label"].notna() & labels["job_id"].isin(jobs["job_id"])]
            row = metrics.accuracy_estimate(jobs, mine, plan=plan, rules=sample.rules).iloc[0]
            found = desk._desk.progress().interval
            assert found == Interval(row["n"], row["accuracy"], row["accuracy_lower"], row["accuracy_upper"])

    def test_labels_of_a_queue_that_was_not_drawn_say_nothing_of_all_jobs(self, open_desk: Any) -> None:
        desk = open_desk()
        enter(desk, "1")
        assert "not drawn at random" in desk._progress.value or "wasn&#x27;t drawn at random" in desk._progress.value
        assert desk._desk.progress().interval is None

    def test_a_plan_for_a_threshold_has_no_interval(self, sample: lcn.JobSet, path: Path) -> None:
        plan = metrics.audit_plan(sample.jobs, goal="threshold")
        desk = lcn.review(sample, labels=path, reviewer="kim", plan=plan)
        desk.press("1")
        assert "precision_threshold" in desk._progress.value
        assert not desk._desk.progress().may_stop

    def test_what_to_do_next_is_said_when_all_is_read(self) -> None:
        wide = Interval(30, 0.8, 0.6, 0.9)
        done = Progress(30, 30, 0, 0, wide, (wide,), 0.03, 0.95, "")
        assert "plan on with these labels as the pilot" in stop_line(done)
        assert stop_line(done._replace(n_done=29)) == ""
        assert "You may stop now" in stop_line(done._replace(n_done=29, margin=0.15))
        assert stop_line(done._replace(margin=None)) == "Every job of the queue is read."
        assert progress(done._replace(trail=()), "x", "kim").count("<svg") == 0

    def test_a_blind_job_tells_no_stratum_which_is_a_range_of_confidence(
        self, open_desk: Any, queue: pd.DataFrame
    ) -> None:
        desk = open_desk(queue=queue.assign(stratum="the doubtful", stage="main", blind=True))
        assert "the doubtful" not in desk._card.value + desk._repr_html_()
        enter(desk, "1")
        enter(desk, "b")
        assert "the doubtful" in desk._card.value
        assert desk._repr_html_().count("the doubtful") == 1


class TestSafety:
    def test_no_text_of_a_job_is_markup_anywhere(self, tmp_path: Path) -> None:
        jobset = lcn.read_jobs(EDGE_CASES)
        desk = lcn.review(
            jobset,
            jobset.jobs[["job_id"]].assign(stratum=HOSTILE),
            tmp_path / "labels.csv",
            reviewer=HOSTILE,
            open_document=lambda job: f"{HOSTILE} {job['job_id']}",
        )
        allowed = {"style", "div", "h4", "b", "table", "thead", "tbody", "tr", "th", "td", "span", "progress"}
        for _ in range(len(jobset.jobs)):
            desk.note.value = HOSTILE
            desk.press("1") if desk._desk.choices else desk.press("n")
            desk.press("b")
            for html in (
                desk._card.value,
                desk._message.value,
                desk._progress.value,
                desk._repr_html_(),
                desk._document.children[0].value,
            ):
                tags = Tags(html)
                assert set(tags.tags) <= allowed | {"svg", "figure", "figcaption", "rect", "polygon", "polyline"}
                assert not [name for name in tags.attributes if name.startswith("on")]
            if desk._desk.place == len(jobset.jobs) - 1:
                break
            desk.press("+")
        notes = lcn.read_labels(tmp_path / "labels.csv")["note"]
        assert set(notes) == {HOSTILE}

    def test_what_open_document_returns_is_shown_and_its_errors_stop_nothing(self, open_desk: Any) -> None:
        class Page:
            def _repr_html_(self) -> str:
                return "<p>a page</p>"

        own = w.Label("own")
        answers: list[Any] = [own, "<b>text</b>", None, Page(), ValueError(HOSTILE)]
        given = iter(answers)

        def opened(job: pd.Series) -> Any:
            job["job_id"] = "changed"  # a copy: it changes nothing
            answer = next(given, "rest")
            if isinstance(answer, Exception):
                raise answer
            return answer

        desk = open_desk(open_document=opened)
        assert desk._document.children == (own,)
        enter(desk, "1")
        assert own.comm is not None  # the team's own widget is theirs to close
        first = desk._document.children[0]
        assert "&lt;b&gt;text&lt;/b&gt;" in first.value
        enter(desk, "1")
        assert first.comm is None
        assert "no document" in desk._document.children[0].value
        enter(desk, "1")
        assert isinstance(desk._document.children[0], w.Output)
        enter(desk, "1")
        assert "open_document failed: ValueError: &lt;img" in desk._document.children[0].value
        enter(desk, "1")
        assert len(desk.labels) == 5

    def test_a_rule_that_is_called_as_the_desk_calls_none_is_refused(self, tmp_path: Path) -> None:
        line = json.loads(gzip.decompress(sample_path().read_bytes()).split(b"\n")[0])
        line["configuration"]["rules"][0]["type"] = NO_RULE
        (tmp_path / "jobs.jsonl").write_text(json.dumps(line))
        with pytest.raises(ArgumentError, match="is how the desk writes that no rule fits"):
            lcn.review(lcn.read_jobs(tmp_path / "jobs.jsonl"), labels=tmp_path / "labels.csv", reviewer="kim")

    def test_the_file_is_named_as_the_notebook_finds_it(self, open_desk: Any, path: Path, monkeypatch: Any) -> None:
        assert f"go to {path.resolve()}" in open_desk()._progress.value
        monkeypatch.chdir(path.parent)
        assert "Labels of kim go to labels.csv" in open_desk()._progress.value

    def test_every_control_has_words(self, open_desk: Any) -> None:
        desk = open_desk()
        for one in (*desk.types.children, *desk.acts.children):
            assert one.description
            assert one.tooltip
        assert desk.keys.description == "Key"
        assert desk.note.description == "Note"


class TestStill:
    def test_it_is_small_and_needs_no_script(self, sample: lcn.JobSet, tmp_path: Path) -> None:
        desk = lcn.review(sample, labels=tmp_path / "labels.csv", reviewer="kim")
        desk.press("1")
        bundle = desk._repr_mimebundle_()
        assert bundle["text/plain"].startswith("Review by kim: 1 of 75 read")
        assert "application/vnd.jupyter.widget-view+json" in bundle
        html = bundle["text/html"]
        assert "1 of 75 read" in html
        assert "and 55 more" in html
        assert len(html.encode()) < 50_000
        assert "script" not in Tags(html).tags

    def test_the_longest_of_texts_stays_under_50_kb(self, tmp_path: Path) -> None:
        lines = gzip.decompress(sample_path().read_bytes()).split(b"\n")[:30]
        jobs = [json.loads(line) for line in lines]
        for number, job in enumerate(jobs):
            job["id"] = f"{number}" + "\U000e0001" * 5_000
            job["file_input"] = "\U000e0002" * 5_000
        (tmp_path / "jobs.jsonl").write_text("\n".join(map(json.dumps, jobs)))
        jobset = lcn.read_jobs(tmp_path / "jobs.jsonl")
        desk = lcn.review(jobset, jobset.jobs[["job_id"]], tmp_path / "labels.csv", reviewer="\U000e0002" * 5_000)
        assert len(desk._repr_html_().encode()) < 50_000

    def test_it_survives_nbconvert(self, sample: lcn.JobSet, tmp_path: Path) -> None:
        import nbformat

        desk = lcn.review(sample, labels=tmp_path / "labels.csv", reviewer="kim")
        notebook = nbformat.v4.new_notebook()
        output = nbformat.v4.new_output("display_data", desk._repr_mimebundle_())
        notebook.cells = [nbformat.v4.new_code_cell("desk", outputs=[output])]
        html, _ = HTMLExporter().from_notebook_node(notebook)
        assert "0 of 75 read" in html
        assert desk.queue["job_id"].iloc[0] in html


def test_time_comes_from_the_clock_given(jobset: lcn.JobSet, path: Path) -> None:
    made, _ = _queue.make(jobset.jobs, jobset.rules, _queue.LOWEST, None, label_records.frame([]))
    moment = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    Desk(jobset.jobs, jobset.rules, made, LabelLog(path), reviewer="kim", clock=lambda: moment).press("1")
    assert lcn.read_labels(path)["time"].tolist() == [pd.Timestamp(moment)]


def test_no_model_leaks_over_many_jobs(open_desk: Any, jobset: lcn.JobSet) -> None:
    from ipywidgets.widgets.widget import _instances

    desk = open_desk(queue=jobset.jobs[["job_id"]], open_document=lambda _: "text")
    enter(desk, "1")
    before = len(_instances)
    for _ in range(20):
        enter(desk, "1")
    assert len(_instances) <= before + 3


def test_a_draw_and_its_labels_go_through_to_the_metrics(sample: lcn.JobSet, path: Path) -> None:
    known = lcn.load_sample_labels().set_index("job_id")["label"]
    jobs = sample.jobs[sample.jobs["job_id"].isin(known.index)]
    plan = metrics.audit_plan(jobs, margin=0.1)
    desk = lcn.review(sample, labels=path, reviewer="kim", plan=plan, jobs=jobs)
    rng = np.random.default_rng(1)
    while (job_id := shown_id(desk)) is not None:
        desk.press("?" if rng.random() < 0.1 else known[job_id] if known[job_id] in desk._desk.choices else "n")
    labels = lcn.read_labels(path)
    cant_tell = labels["label"].isna().sum()
    assert 0 < cant_tell < len(labels)
    row = metrics.accuracy(jobs, labels, rules=sample.rules).iloc[0]
    assert row["n"] == len(labels) - cant_tell
    table = metrics.anchoring(jobs, labels, rules=sample.rules).iloc[0]
    assert table["n_blind"] + table["n_seen"] == row["n"]
    assert table["n_blind"] > 0
    assert metrics.audit_plan(jobs, margin=0.1, pilot=labels, rules=sample.rules).attrs["stage"] == "main"
