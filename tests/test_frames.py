"""The tables: as the schema says, cell by cell as a plain loop over the JSON says, however the bytes are cut."""

from __future__ import annotations

import gc
import gzip
import itertools
import json
import random
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import oracle
import pandas as pd
import pytest
from conftest import EDGE_CASES
from hypothesis import given, settings
from hypothesis import strategies as st

import llama_classify_nb as lcn
from llama_classify_nb import answers, frames, rule_sets, schema, timestamps
from llama_classify_nb.demo import sample_path

EDGE_LINES = EDGE_CASES.read_bytes().split(b"\n")[:70]
SAMPLE_LINES = gzip.decompress(sample_path().read_bytes()).rstrip(b"\n").split(b"\n")


def job(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "job-1",
        "configuration": {"rules": [{"type": "invoice", "description": "asks for money"}]},
        "document_input_type": "file_id",
        "file_input": "dfl-1",
        "project_id": "prj-1",
        "user_id": "usr-1",
        "status": "COMPLETED",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:01Z",
        "result": {"type": "invoice", "confidence": 0.5, "reasoning": "why"},
    }
    return {**base, **changes}


def tables_of(*jobs: dict[str, Any]) -> frames.Tables:
    return frames.read_tables([b"\n".join(json.dumps(one).encode() for one in jobs)])


def check_against_oracle(jobs: pd.DataFrame, lines: list[bytes]) -> None:
    newest: dict[str, dict[str, Any]] = {}
    for line in lines:
        row = oracle.row(json.loads(line))
        newest.pop(row["job_id"], None)
        newest[row["job_id"]] = row
    expected = list(newest.values())
    assert jobs["job_id"].tolist() == [row["job_id"] for row in expected]
    for name in expected[0]:
        wanted, got = [row[name] for row in expected], jobs[name].tolist()
        pairs = [(a, b) for a, b in zip(wanted, got, strict=True) if not (a == b or (pd.isna(a) and pd.isna(b)))]
        assert not pairs, f"{name}: {pairs[:3]}"


@pytest.mark.parametrize("lines", [[], EDGE_LINES[36:37], EDGE_LINES, EDGE_LINES[65:], SAMPLE_LINES[:100]])
def test_every_column_has_its_declared_dtype_however_little_there_is(lines: list[bytes]) -> None:
    tables = frames.read_tables([b"\n".join(lines)])
    long = frames.job_rules_table(tables.jobs, tables.rules)
    problems = frames.problems_table(tables.problem_rows)
    for name, table in {"jobs": tables.jobs, "rules": tables.rules, "job_rules": long, "problems": problems}.items():
        assert list(table) == [column.name for column in schema.TABLES[name]]
        for column in schema.TABLES[name]:
            dtype = table[column.name].dtype
            assert dtype == (schema.TEXT if column.dtype == "str" else column.dtype), (name, column.name)
            if column.dtype == "category":
                assert table[column.name].cat.categories.dtype == schema.TEXT


def test_the_sample_holds_what_its_readme_says(sample: lcn.JobSet) -> None:
    assert len(sample.jobs) == 5_992
    assert sample.jobs["status"].value_counts().to_dict() == {
        "COMPLETED": 5_786,
        "FAILED": 192,
        "PENDING": 9,
        "RUNNING": 5,
    }
    assert sample.jobs["configuration_id"].nunique() == 3
    assert len(sample.problems) == 0


def test_the_sample_is_what_a_plain_loop_reads(sample: lcn.JobSet) -> None:
    check_against_oracle(sample.jobs, SAMPLE_LINES)


def test_awkward_but_legal_jobs_all_become_rows_as_a_plain_loop_reads_them() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tables = frames.read_tables([b"\n".join(EDGE_LINES)])
    check_against_oracle(tables.jobs, EDGE_LINES[:65])
    assert [row[0] for row in tables.problem_rows] == [json.loads(line)["id"] for line in EDGE_LINES[65:]]
    assert {row[1] for row in tables.problem_rows} == {"invalid_answer"}
    assert tables.n_repeated == 1


def test_rules_and_their_counts_are_those_of_a_plain_loop(sample: lcn.JobSet) -> None:
    counts: dict[tuple[str, int, str, str], list[int]] = {}
    long = []
    for line in SAMPLE_LINES:
        row, one = oracle.row(json.loads(line)), json.loads(line)
        for place, kind, description in oracle.rules_of(one):
            won = row["outcome"] == "matched" and row["type"] == kind
            count = counts.setdefault((row["rule_set"], place, kind, description), [0, 0])
            count[0] += 1
            count[1] += won
            long.append((row["job_id"], place, kind, description, won))
    expected = sorted((*key, *count) for key, count in counts.items())
    assert sorted(sample.rules.itertuples(index=False, name=None)) == expected
    assert list(sample.job_rules().itertuples(index=False, name=None)) == long


@settings(max_examples=40)
@given(st.lists(st.integers(0, 70), max_size=6), st.booleans())
def test_how_lines_are_cut_into_blocks_changes_nothing(cuts: list[int], trailing: bool) -> None:
    whole = frames.read_tables([b"\n".join(EDGE_LINES)])
    edges = sorted({0, 70, *cuts})
    blocks = [b"\n".join(EDGE_LINES[a:b]) + b"\n" * trailing for a, b in itertools.pairwise(edges)]
    cut = frames.read_tables(blocks)
    pd.testing.assert_frame_equal(cut.jobs, whole.jobs)
    pd.testing.assert_frame_equal(cut.rules, whole.rules)
    assert cut.problem_rows == whole.problem_rows


def test_shuffled_lines_give_the_same_rows(sample: lcn.JobSet) -> None:
    lines = SAMPLE_LINES.copy()
    random.Random(7).shuffle(lines)
    shuffled = frames.read_tables([b"\n".join(lines)])
    order = ["job_id"]
    pd.testing.assert_frame_equal(
        shuffled.jobs.sort_values(order, ignore_index=True), sample.jobs.sort_values(order, ignore_index=True)
    )
    pd.testing.assert_frame_equal(shuffled.rules, sample.rules)


class TestRepeats:
    def test_the_newest_answer_wins_wherever_it_stands(self) -> None:
        old = job(status="RUNNING", result=None)
        new = job(updated_at="2026-01-01T00:00:09Z")
        for lines in ([old, new], [new, old]):
            tables = tables_of(*lines)
            assert tables.jobs["status"].tolist() == ["COMPLETED"]
            assert tables.n_repeated == 1

    def test_of_equally_new_ones_the_finished_wins_then_the_last(self) -> None:
        assert tables_of(job(), job(status="RUNNING")).jobs["status"].tolist() == ["COMPLETED"]
        first, last = job(error_message="a"), job(error_message="b")
        assert tables_of(first, last).jobs["error_message"].tolist() == ["b"]

    def test_an_answer_without_a_time_is_the_oldest(self) -> None:
        assert tables_of(job(), job(updated_at=None, error_message="x")).jobs["error_message"].isna().all()


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "PARTIAL_SUCCESS"])
@pytest.mark.parametrize(
    "result",
    [None, {}, {"type": "invoice"}, {"type": None, "confidence": 0.1}, {"type": "invoice", "confidence": 0}],
)
def test_the_outcome_follows_the_status_first(status: str, result: dict[str, Any] | None) -> None:
    got = tables_of(job(status=status, result=result)).jobs["outcome"].tolist()
    assert got == [oracle.outcome(status, result or {})]


def test_unknown_keys_survive_with_every_digit() -> None:
    odd = job(novel={"n": 2**70, "x": 0.1}, result={"type": "invoice", "confidence": 1, "runner_up": ["é", None]})
    odd["configuration"]["rules"][0]["weight"] = 12345678901234567890
    extra = json.loads(tables_of(odd).jobs["extra"][0])
    assert extra == {
        "novel": {"n": 2**70, "x": 0.1},
        "result": {"runner_up": ["é", None]},
        "configuration": {"rules": [{"weight": 12345678901234567890}]},
    }
    assert tables_of(job()).jobs["extra"].isna().all()


def test_a_time_that_is_none_is_missing_and_its_text_is_kept() -> None:
    tables = tables_of(job(created_at="yesterday", updated_at="2026-13-45T00:00:00Z"), job(id="job-2"))
    assert tables.jobs["created_at"].isna().tolist() == [True, False]
    assert json.loads(tables.jobs["extra"][0]) == {"created_at": "yesterday", "updated_at": "2026-13-45T00:00:00Z"}
    assert tables.n_odd_times == 2
    assert np.isnan(tables.jobs["duration_s"][0])


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "2026-01-01 10:00:00",
        "2026-06-30T23:59:60Z",
        "2026-01-01T10:00:00.123456789+05:30",
        "2026-01-01T10:00:00-0800",
    ],
)
def test_odd_but_legal_times_are_read(time: str) -> None:
    got = tables_of(job(created_at=time, updated_at=None)).jobs["created_at"][0]
    assert got == oracle.moment(time)


def test_types_are_categories_whether_a_rule_or_an_answer_names_them() -> None:
    answered = job(result={"type": "never heard of", "confidence": 1})
    assert tables_of(answered).jobs["type"].cat.categories.tolist() == ["invoice", "never heard of"]


def test_the_first_name_of_the_document_is_understood_and_missing_both_is_a_problem() -> None:
    old = job()
    old["document_input_value"] = old.pop("file_input")
    assert tables_of(old).jobs["file_input"].tolist() == ["dfl-1"]
    del old["document_input_value"]
    tables = tables_of(old, job(id="job-2"))
    assert tables.jobs["job_id"].tolist() == ["job-2"]
    assert "file_input is missing" in tables.problem_rows[0][3]


def test_configurations_that_all_differ_are_all_read() -> None:
    jobs = [job(id=f"job-{i}") for i in range(300)]
    for i, one in enumerate(jobs):
        one["configuration"] = {"rules": [{"type": "invoice", "description": f"number {i}"}]}
    tables = tables_of(*jobs)
    assert tables.jobs["rule_set"].nunique() == len(tables.rules) == 300
    assert tables.rules["n_matched"].sum() == 300


@pytest.mark.parametrize(
    "line",
    [b"", b"null", b"[]", b'"x"', b"{}", b'{"id": 5}', b"{", b"\xff\xfe", b'{"id": "x"}', b"[" * 100_000],
)
def test_what_is_no_job_costs_only_itself(line: bytes) -> None:
    good = json.dumps(job()).encode()
    tables = frames.read_tables([good + b"\n" + line + b"\n" + good.replace(b"job-1", b"job-2")])
    assert tables.jobs["job_id"].tolist() == ["job-1", "job-2"]
    assert len(tables.problem_rows) == bool(line)


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-05T10:00:00Z",
        "2026-01-05T10:00:00.1Z",
        "2026-01-05T10:00:00.123456Z",
        "2026-01-05T10:00:00.123456789Z",
        "1969-12-31T23:59:59.999Z",
        "2026-06-30T23:59:60Z",
        "2026-01-05T10:00:00+05:30",
        "2026-01-05 10:00:00",
        "2026-01-05T10:00Z",
        "2026-W02-1T10:00:00Z",
        "20260105T100000.00Z",
        "yesterday, or so: T Z",
        "",
        None,
    ],
)
def test_a_time_is_the_same_number_wherever_it_is_read(time: str | None) -> None:
    slow = timestamps.read_time(time)
    assert timestamps.microseconds(time) == (None if slow is None else int(slow.astype("int64")))


@pytest.mark.parametrize(
    ("body", "repeated"),
    [
        (b'{"id": "a", "status": "X", "text": "\\"id\\" and \\"id\\""}', False),
        (b'{"id": "a", "id": "b"}', True),
        (b'{"id": "a", "\\u0069d": "b"}', True),
        (b'{"id": "a", "n": "\\u0041"}', False),
        (b'{"id": "a", "deep": {"id": "b"}}', False),
        (b'{"id": "a", "id": "b", "n": ' + b"9" * 20_000 + b"}", True),
    ],
)
def test_keys_that_stand_twice_are_seen_however_they_are_spelled(body: bytes, repeated: bool) -> None:
    assert answers.has_repeated_keys(body) is repeated


def test_bytes_that_are_no_text_are_no_job_wherever_they_stand() -> None:
    for spoiled in (
        job(project_id="BAD"),
        job(novel="BAD"),
        {**job(), "configuration": {**job()["configuration"], "x": "BAD"}},
    ):
        line = json.dumps(spoiled).encode().replace(b"BAD", b"\xff\xc3")
        tables = frames.read_tables([line])
        assert len(tables.jobs) == 0
        assert len(tables.problem_rows) == 1


def a_job_with_rules_of_its_own(number: int, **changes: Any) -> dict[str, Any]:
    rules = [{"type": f"type {number % 7}", "description": f"tells {number}"}, {"type": "other", "description": "rest"}]
    configuration = {"rules": rules[: 1 + number % 2], "parsing_configuration": {"max_pages": number % 3 or None}}
    return job(**{"id": f"job-{number}", "configuration": configuration, **changes})


def test_jobs_that_each_have_rules_of_their_own_are_read_alike() -> None:
    jobs = [a_job_with_rules_of_its_own(number) for number in range(700)]
    shared = [a_job_with_rules_of_its_own(3, id=f"shared-{number}") for number in range(400)]
    jobs[350] = a_job_with_rules_of_its_own(350, new_key=[1])
    jobs[450] = a_job_with_rules_of_its_own(450, configuration={"rules": [], "mode": "FAST"})
    jobs[460] = a_job_with_rules_of_its_own(460, status="no status")
    pages = {"rules": [{"type": "a", "description": "b"}], "parsing_configuration": {"max_pages": 1.5}}
    jobs[560] = a_job_with_rules_of_its_own(560, configuration=pages)
    jobs[561] = a_job_with_rules_of_its_own(561, configuration={**pages, "parsing_configuration": {"new": 1}})
    lines = [json.dumps(one).encode() for one in [*jobs, *shared]]
    blocks = [b"\n".join(lines[start : start + 100]) for start in range(0, len(lines), 100)]
    tables = frames.read_tables(blocks)
    spoiled = {"job-450", "job-460", "job-560"}
    check_against_oracle(tables.jobs, [line for line in lines if json.loads(line)["id"] not in spoiled])
    assert {row[0] for row in tables.problem_rows} == spoiled
    extra = tables.jobs.set_index("job_id")["extra"].dropna().to_dict()
    assert extra == {
        "job-350": '{"new_key": [1]}',
        "job-561": '{"configuration": {"parsing_configuration": {"new": 1}}}',
    }
    long = frames.job_rules_table(tables.jobs, tables.rules)
    wanted = [
        (one["id"], place, *rule)
        for one in map(json.loads, lines)
        if one["id"] not in spoiled
        for place, *rule in oracle.rules_of(one)
    ]
    assert list(long[["job_id", "position", "type", "description"]].itertuples(index=False, name=None)) == wanted
    whole = frames.read_tables([b"\n".join(lines)])
    pd.testing.assert_frame_equal(whole.jobs, tables.jobs)
    pd.testing.assert_frame_equal(whole.rules, tables.rules)


@st.composite
def lines_of_jobs(draw: st.DrawFn) -> list[bytes]:
    texts = st.sampled_from(["a", "b", "", "é\U0001f600", 'q"\\', "\ud800", "x" * 300])
    rules = st.lists(st.fixed_dictionaries({"type": texts, "description": texts}), min_size=1, max_size=3)
    parsing = st.none() | st.fixed_dictionaries(
        {}, optional={"lang": texts, "max_pages": st.sampled_from([1, 2.0, 2.5])}
    )
    configuration = st.fixed_dictionaries(
        {"rules": rules},
        optional={"mode": st.none() | texts, "parsing_configuration": parsing, "new": st.just({"n": 1})},
    )
    lines = []
    for number, one in enumerate(draw(st.lists(configuration, min_size=1, max_size=12))):
        line = json.dumps(job(id=f"job-{number}", configuration=one), ensure_ascii=draw(st.booleans()))
        lines.append(line.encode("utf-8", "surrogatepass"))
    return lines


def check_both_ways_to_read_configurations(lines: list[bytes]) -> None:
    tables = []
    for is_cut in (False, True):

        def judge(self: rule_sets.RuleSets, *_: int, is_cut: bool = is_cut) -> None:
            self._are_all_different = is_cut

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rule_sets.RuleSets, "_judge", judge)
            patch.setattr(rule_sets, "FEW", 1)
            tables.append(frames.read_tables([SAMPLE_LINES[0], b"\n".join(lines)]))
    pd.testing.assert_frame_equal(tables[0].jobs, tables[1].jobs)
    pd.testing.assert_frame_equal(tables[0].rules, tables[1].rules)
    assert tables[0].problem_rows == tables[1].problem_rows


@settings(max_examples=25)
@given(lines_of_jobs())
def test_configurations_cut_by_their_quotes_are_those_that_are_parsed(lines: list[bytes]) -> None:
    check_both_ways_to_read_configurations(lines)


def test_awkward_jobs_are_the_same_with_their_configurations_cut_or_parsed() -> None:
    for line in EDGE_LINES:
        check_both_ways_to_read_configurations([line])


def test_types_that_come_late_and_blank_lines_are_read_alike() -> None:
    jobs = [a_job_with_rules_of_its_own(number) for number in range(400)]
    for number in range(150, 250, 9):
        late = {"rules": [{"type": f"late \N{SNOWMAN} {number}", "description": "new"}]}
        jobs[number] = a_job_with_rules_of_its_own(number, configuration=late)
    lines = [json.dumps(one, ensure_ascii=False).encode() for one in jobs]
    blocks = [b"\n\n\n".join(lines[start : start + 100]) for start in range(0, 400, 100)]
    tables = frames.read_tables(blocks)
    check_against_oracle(tables.jobs, lines)
    assert tables.rules["type"].tolist() == [rule["type"] for one in jobs for rule in one["configuration"]["rules"]]


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_rests_while_a_block_is_read_and_is_then_as_it_was(
    is_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def blocks() -> Iterator[bytes]:
        seen.append(gc.isenabled())
        yield SAMPLE_LINES[0]
        seen.append(gc.isenabled())
        yield "not even bytes"  # type: ignore[misc]

    class Watched(rule_sets.RuleSets):
        def numbers(self, jobs: Sequence[answers.Job]) -> np.ndarray:
            seen.append(gc.isenabled())
            return super().numbers(jobs)

    monkeypatch.setattr(frames, "RuleSets", Watched)
    was_on = gc.isenabled()
    (gc.enable if is_on else gc.disable)()
    try:
        with pytest.raises(TypeError):
            frames.read_tables(blocks())
        seen.append(gc.isenabled())
    finally:
        (gc.enable if was_on else gc.disable)()
    assert seen == [is_on, False, is_on, is_on]


def test_jobs_that_each_have_a_type_of_their_own_are_counted() -> None:
    jobs = []
    for number in range(300):
        rules = [{"type": f"type {number}", "description": "this"}, {"type": f"other {number}", "description": "that"}]
        answer = {"type": f"type {number}" if number % 3 else f"other {number}", "confidence": 0.5}
        jobs.append(job(id=f"job-{number}", configuration={"rules": rules}, result=answer))
    tables = tables_of(*jobs)
    assert tables.rules["type"].tolist() == [rule["type"] for one in jobs for rule in one["configuration"]["rules"]]
    assert tables.rules["n_jobs"].eq(1).all()
    assert tables.rules["n_matched"].tolist() == [int(n % 3 > 0) ^ place for n in range(300) for place in (0, 1)]


def test_more_configurations_than_are_remembered_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [a_job_with_rules_of_its_own(number % 50, id=f"job-{number}") for number in range(300)]
    lines = [json.dumps(one).encode() for one in jobs]
    plain = frames.read_tables([b"\n".join(lines)])
    monkeypatch.setattr(rule_sets, "REMEMBERED", 3)
    few = frames.read_tables([b"\n".join(lines)])
    check_against_oracle(few.jobs, lines)
    pd.testing.assert_frame_equal(few.jobs, plain.jobs)
    pd.testing.assert_frame_equal(few.rules, plain.rules)
    assert few.rules["n_jobs"].eq(6).all()


def test_rule_sets_whose_texts_hold_the_separator_are_told_apart() -> None:
    rules = [("a\0b", "c"), ("a", "b\0c"), ("a\0", "b\0c"), ("a", "c")]
    tables = tables_of(
        *(
            job(id=f"job-{place}", configuration={"rules": [{"type": kind, "description": text}]})
            for place, (kind, text) in enumerate(rules)
        )
    )
    assert tables.jobs["rule_set"].nunique() == len(rules)


@pytest.mark.parametrize("where", ["rules", "mode", "parsing_configuration", "new"])
def test_a_configuration_that_is_not_utf8_is_a_problem(where: str) -> None:
    values = {
        "rules": [{"type": "a", "description": "SPOILED"}],
        "mode": "SPOILED",
        "parsing_configuration": {"lang": "SPOILED"},
        "new": {"SPOILED": 1},
    }
    configuration = {"rules": [{"type": "a", "description": "b"}]} | {where: values[where]}
    spoiled = json.dumps(job(id="bad", configuration=configuration)).encode().replace(b"SPOILED", b"\xff\xfe")
    tables = frames.read_tables([json.dumps(job()).encode() + b"\n" + spoiled])
    assert tables.jobs["job_id"].tolist() == ["job-1"]
    assert [row[0] for row in tables.problem_rows] == ["bad"]
