"""A JobSet from files: every way to keep jobs is read alike, what is spoiled is told, and each answer can be had."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import schema
from llama_classify_nb.archive import Archive
from llama_classify_nb.demo import DemoServer, sample_jobs
from llama_classify_nb.exceptions import ArgumentError, ReadError

LINES = sample_jobs()[:12]
JOBS = [json.loads(line) for line in LINES]
IDS = [job["id"] for job in JOBS]


def forms(folder: Path) -> dict[str, Path]:
    """The same jobs in every form."""
    lines, array = b"\n".join(LINES), json.dumps(JOBS, ensure_ascii=False).encode()
    contents = {
        "lines.jsonl": lines,
        "lines.ndjson": lines + b"\n",
        "lines.json": lines,
        "crlf.jsonl": b"\r\n".join(LINES) + b"\r\n\r\n",
        "bom.jsonl": b"\xef\xbb\xbf" + lines,
        "utf16.jsonl": lines.decode().encode("utf-16"),
        "lines.jsonl.gz": gzip.compress(lines),
        "array.json": array,
        "array.jsonl": array,
        "pretty.json": json.dumps(JOBS, indent=2).encode(),
        "page.json": json.dumps({"items": JOBS, "next_page_token": None}).encode(),
        "array.json.gz": gzip.compress(array),
        "bom.json": b"\xef\xbb\xbf" + array,
        "utf16.json": array.decode().encode("utf-16"),
        "no suffix": lines,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


NAMES = (
    "lines.jsonl lines.ndjson lines.json crlf.jsonl bom.jsonl utf16.jsonl lines.jsonl.gz array.json array.jsonl "
    "pretty.json page.json array.json.gz bom.json utf16.json no_suffix"
)


@pytest.mark.parametrize("name", [name.replace("_", " ") for name in NAMES.split()])
def test_jobs_are_read_alike_in_whatever_form_they_are_kept(name: str, tmp_path: Path) -> None:
    paths = forms(tmp_path)
    expected = lcn.read_jobs(paths["lines.jsonl"])
    jobset = lcn.read_jobs(str(paths[name]))
    pd.testing.assert_frame_equal(jobset.jobs, expected.jobs)
    assert jobset.jobs["job_id"].tolist() == IDS
    assert len(jobset.problems) == 0
    assert [jobset.raw(job_id) for job_id in IDS[:3]] == JOBS[:3]


def test_one_job_alone_is_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(JOBS[0], indent=4))
    assert lcn.read_jobs(tmp_path / "job.json").jobs["job_id"].tolist() == IDS[:1]


def test_a_folder_is_read_by_name_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps(JOBS[4:8]))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join(LINES[:4])))
    (tmp_path / "notes.txt").write_text("nothing to do with jobs")
    with lcn.demo_server(LINES[8:]) as server:
        client = lcn.Client(server.api_key, base_url=server.base_url)
        lcn.fetch_jobs(IDS[8:], client=client, archive=tmp_path / "c.db", progress=False)
    jobset = lcn.read_jobs(tmp_path)
    assert jobset.jobs["job_id"].tolist()[:8] == IDS[:8]
    assert set(jobset.jobs["job_id"]) == set(IDS)
    assert jobset.raw(IDS[10]) == JOBS[10]


def test_of_several_answers_of_a_job_the_newest_is_the_row_and_the_raw_answer(tmp_path: Path) -> None:
    older = {**JOBS[0], "updated_at": "2020-01-01T00:00:00Z", "status": "RUNNING"}
    (tmp_path / "jobs.json").write_text(json.dumps([JOBS[0], older]))
    jobset = lcn.read_jobs(tmp_path / "jobs.json")
    assert len(jobset) == 1
    assert jobset.raw(IDS[0]) == JOBS[0]
    assert jobset.notes == ("1 older answer of jobs that came more than once left out",)


class TestSpoiledFiles:
    def test_a_gzip_file_that_is_cut_short_gives_what_is_there_and_a_problem(self, tmp_path: Path) -> None:
        whole = gzip.compress(b"\n".join(sample_jobs()[:3_000]))
        (tmp_path / "jobs.jsonl.gz").write_bytes(whole[: len(whole) // 2])
        jobset = lcn.read_jobs(tmp_path / "jobs.jsonl.gz")
        assert 500 < len(jobset.jobs) < 3_000
        assert jobset.problems["message"].str.contains("can't be read to its end").sum() == 1

    def test_a_spoiled_line_costs_only_itself(self, tmp_path: Path) -> None:
        for name in ("jobs.jsonl", "jobs.json"):
            (tmp_path / name).write_bytes(b"{spoiled\n" + b"\n".join(LINES))
            jobset = lcn.read_jobs(tmp_path / name)
            assert jobset.jobs["job_id"].tolist() == IDS, name
            assert jobset.problems["kind"].tolist() == ["invalid_answer"]

    @pytest.mark.parametrize("content", [b"", b"hello", b"{", b"[1, 2", b"\x1f\x8bnot gzip", b"\xff\xfe\x00"])
    def test_a_file_that_holds_no_job_is_an_error_or_says_so(self, content: bytes, tmp_path: Path) -> None:
        (tmp_path / "jobs.json").write_bytes(content)
        with pytest.raises(ReadError, match=r"jobs\.json"):
            lcn.read_jobs(tmp_path / "jobs.json")

    def test_what_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ReadError, match="nowhere: no such file"):
            lcn.read_jobs(tmp_path / "nowhere")
        with pytest.raises(ReadError, match="holds no file of jobs"):
            lcn.read_jobs(tmp_path)
        with pytest.raises(ArgumentError, match="path is a int"):
            lcn.read_jobs(5)  # type: ignore[arg-type]


def test_an_empty_jobset_has_the_same_tables(tmp_path: Path) -> None:
    Archive(tmp_path / "empty.db").close()
    jobset = lcn.read_jobs(tmp_path / "empty.db")
    assert len(jobset) == 0
    assert list(jobset.jobs) == [column.name for column in schema.JOBS]
    assert list(jobset.job_rules()) == [column.name for column in schema.JOB_RULES]
    assert jobset.summary()["count"].sum() == 0


def test_the_raw_answer_of_a_job_that_is_not_there_is_an_error(sample: lcn.JobSet) -> None:
    with pytest.raises(ArgumentError, match="job_id is 'nobody'"):
        sample.raw("nobody")


def test_the_summary_counts_every_job_in_every_way(sample: lcn.JobSet) -> None:
    summary = sample.summary()
    for column in ("outcome", "status", "type", "configuration_id"):
        part = summary[summary["column"] == column]
        assert part["count"].sum() == len(sample)
        assert part["share"].sum() == pytest.approx(1)
        for row in part.itertuples():
            values = sample.jobs[column]
            assert row.count == (values.isna() if pd.isna(row.value) else values == row.value).sum()


def test_it_tells_its_state_in_five_lines(sample: lcn.JobSet) -> None:
    assert repr(sample).split("\n") == [
        "JobSet    5,992 jobs, no request made",
        "outcomes  matched 5,529, no_match 257, failed 192, unfinished 14",
        "rules     18 in 2 rule sets, of 3 saved configurations",
        "problems  none",
        "notes     none",
    ]
    assert sample._repr_html_().count("<tr>") == 5


def test_one_of_a_kind_is_said_in_the_singular(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(JOBS[0]))
    lines = repr(lcn.read_jobs(tmp_path / "job.json")).split("\n")
    assert lines[0] == "JobSet    1 job, no request made"
    assert lines[2] == "rules     10 in 1 rule set, of 1 saved configuration"


def test_hostile_words_reach_neither_page_nor_terminal_raw(tmp_path: Path) -> None:
    hostile: dict[str, Any] = {**JOBS[0], "status": "X_Y"}
    bad = {**JOBS[1], "id": "<script>\x1b[2J", "status": "<b>"}
    (tmp_path / "jobs.json").write_text(json.dumps([hostile, bad]))
    jobset = lcn.read_jobs(tmp_path / "jobs.json")
    assert "not documented count as unfinished: X_Y" in repr(jobset)
    assert "<script>" not in jobset._repr_html_()
    assert "\x1b" not in repr(jobset)


def test_a_fetched_jobset_gives_raw_answers_with_and_without_an_archive(
    server: DemoServer, client: lcn.Client, tmp_path: Path
) -> None:
    for archive in (None, tmp_path / "jobs.db"):
        jobset = lcn.fetch_jobs(server.job_ids, client=client, archive=archive, progress=False)
        raw = {job["id"]: job for job in map(json.loads, sample_jobs()[:250])}
        assert {job_id: jobset.raw(job_id) for job_id in server.job_ids[:20]} == {
            job_id: raw[job_id] for job_id in server.job_ids[:20]
        }


class TestParquet:
    @pytest.mark.parametrize("which", ["sample", "awkward"])
    def test_the_tables_come_back_as_they_were(self, which: str, tmp_path: Path) -> None:
        edge_cases = Path(__file__).parent / "data" / "edge_cases.jsonl"
        jobset = lcn.load_sample() if which == "sample" else lcn.read_jobs(edge_cases)
        paths = jobset.to_parquet(tmp_path / "tables")
        assert [path.name for path in paths] == ["jobs.parquet", "rules.parquet", "problems.parquet"]
        for path, table in zip(paths, (jobset.jobs, jobset.rules, jobset.problems), strict=True):
            # The dictionary of an empty column has no values, so no file can tell that they would have been texts.
            empty = [
                name
                for name in table
                if isinstance(table[name].dtype, pd.CategoricalDtype) and table[name].isna().all()
            ]
            read = pd.read_parquet(path).astype({name: table[name].dtype for name in (empty if len(table) else table)})
            pd.testing.assert_frame_equal(read, table)
            assert path.stat().st_mode & 0o777 == 0o600

    def test_a_folder_is_a_path(self) -> None:
        with pytest.raises(ArgumentError, match="folder is a int"):
            lcn.load_sample().to_parquet(7)  # type: ignore[arg-type]
