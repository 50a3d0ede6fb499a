"""Jobs in many parts: found here and in storage, read by one process, several, or a cluster, and always told alike."""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

import llama_classify_nb as lcn
from llama_classify_nb import answers, census, metrics, parquet, parts, scanning, timestamps
from llama_classify_nb.demo import sample_path
from llama_classify_nb.exceptions import ArgumentError, ReadError, ScanError
from llama_classify_nb.export import csv_text
from llama_classify_nb.parts import Part
from llama_classify_nb.records import Answer
from llama_classify_nb.report import writing
from llama_classify_nb.report.contents import NOT_COUNTED, OF_JOBS, Arguments, Given

mpl.use("Agg")
N_PARTS = 5
#: A few questions that count in different ways; tests/test_parts.py asks all.
QUESTIONS: list[Callable[[Any], pd.DataFrame]] = [
    lambda scan: metrics.type_breakdown(scan.jobs, by="configuration_id"),
    lambda scan: metrics.durations(scan.jobs, by="type"),
    lambda scan: metrics.failure_templates(scan.jobs),
    lambda scan: metrics.confidence_drift(scan.jobs, freq="W", n_permutations=99),
    lambda scan: metrics.rule_usage(scan.jobs, scan.rules),
]


def asked(scan: Any) -> list[pd.DataFrame]:
    return [question(scan) for question in QUESTIONS]


def assert_alike(found: list[pd.DataFrame], expected: list[pd.DataFrame]) -> None:
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(sample_path().read_bytes()).splitlines()[:600]


@pytest.fixture(scope="module")
def folder(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jobs in parts of each kind: JSON Lines, JSON, gzip, an archive."""
    found = tmp_path_factory.mktemp("parts")
    size = len(lines) // N_PARTS
    slices = [lines[size * place : size * (place + 1)] for place in range(N_PARTS)]
    (found / "a.jsonl").write_bytes(b"\n".join(slices[0]))
    (found / "b.json").write_bytes(b"[" + b",".join(slices[1]) + b"]")
    (found / "c.jsonl.gz").write_bytes(gzip.compress(b"\n".join(slices[2])))
    archived(found / "d.db", slices[3])
    (found / "e.ndjson").write_bytes(b"\n".join(slices[4]))
    return found


def archived(path: Path, lines: list[bytes]) -> Path:
    jobs = map(answers.read_job, lines)
    with lcn.Archive(path) as archive:
        archive.put(
            Answer(job.id, line, 0, b"", timestamps.microseconds(job.updated_at), answers.is_final(job))
            for job, line in zip(jobs, lines, strict=True)
        )
    return path


@pytest.fixture(scope="module")
def whole(folder: Path) -> lcn.JobSet:
    return lcn.read_jobs(folder)


@pytest.fixture(scope="module")
def expected(whole: lcn.JobSet) -> list[pd.DataFrame]:
    bare = _Bare(whole.jobs.drop(columns="file_input"), whole.rules)
    return asked(bare)


class _Bare:
    """The tables of a JobSet, without the files, whose repetitions no scan tells."""

    def __init__(self, jobs: pd.DataFrame, rules: pd.DataFrame) -> None:
        self.jobs, self.rules = jobs, rules


class TestSources:
    def test_a_folder_of_files_of_every_kind(self, folder: Path, whole: lcn.JobSet, expected: list[Any]) -> None:
        scan = lcn.scan(folder)
        assert repr(scan) == "Scan of 5 parts"
        assert_alike(scan.together(*QUESTIONS), expected)
        assert (len(scan), len(scan.jobs), len(scan.problems), scan.notes) == (600, 600, 0, ())
        pd.testing.assert_frame_equal(scan.rules, whole.rules)
        assert repr(scan.jobs) == "jobs of a Scan of 5 parts, 600 jobs"

    def test_a_pattern_a_list_and_an_address_name_the_same(self, folder: Path) -> None:
        every = [part.where for part in lcn.scan(folder).parts]
        assert [part.where for part in lcn.scan(f"{folder}/*").parts] == every
        assert [part.where for part in lcn.scan([*reversed(every), folder, every[0]]).parts] == every
        remote = [part.where for part in lcn.scan(f"file://{folder}").parts]
        assert [where.removeprefix("file://") for where in remote] == every

    def test_parts_in_a_storage_are_read_as_here(self, folder: Path, expected: list[Any]) -> None:
        fsspec = pytest.importorskip("fsspec")
        memory = fsspec.filesystem("memory")
        memory.rm("/", recursive=True) if memory.ls("/") else None
        for path in folder.iterdir():
            if path.suffix != ".db-wal":
                memory.pipe(f"/jobs/{path.name}", path.read_bytes())
        for source in ("memory://jobs", "memory://jobs/*", f"file://{folder}"):
            scan = lcn.scan(source)
            assert len(scan.parts) == N_PARTS
            assert_alike(scan.together(*QUESTIONS), expected)

    def test_without_fsspec_an_address_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "fsspec", None)
        with pytest.raises(ArgumentError, match="pip install fsspec"):
            lcn.scan("s3://bucket/jobs/*.jsonl")

    def test_parquet_by_month_gives_the_same_numbers(
        self, whole: lcn.JobSet, expected: list[Any], tmp_path: Path
    ) -> None:
        whole.to_parquet(tmp_path, partition_by="month")
        scan = lcn.scan(tmp_path)
        assert_alike(scan.together(*QUESTIONS), expected)
        pd.testing.assert_frame_equal(scan.rules, whole.rules)

    @pytest.mark.parametrize("source", ["nowhere", "nowhere/*.jsonl", "memory://nowhere", []])
    def test_what_names_no_file_is_an_error(self, source: Any) -> None:
        with pytest.raises(ReadError, match=r"no (such )?file"):
            lcn.scan(source)

    @pytest.mark.parametrize("source", [7, b"jobs", [7], pd.DataFrame()])
    def test_what_can_be_no_source_is_refused(self, source: Any) -> None:
        with pytest.raises(ArgumentError, match=r"^source "):
            lcn.scan(source)

    def test_what_can_be_no_executor_is_refused(self, folder: Path) -> None:
        with pytest.raises(ArgumentError, match="executor is a int"):
            lcn.scan(folder, executor=2)  # type: ignore[arg-type]


class TestSpoiledParts:
    def test_what_is_no_job_is_a_problem_and_the_rest_counts(self, lines: list[bytes], tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_bytes(b"\n".join([*lines[:10], b"not JSON", b'{"id": "x"}']))
        (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[10:20]))[:-20])
        scan = lcn.scan(tmp_path)
        whole = lcn.read_jobs(tmp_path)
        pd.testing.assert_frame_equal(scan.problems, whole.problems)
        assert len(scan) == len(whole)

    def test_of_very_many_problems_the_first_are_kept_and_all_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(census, "MOST_PROBLEMS", 5)
        for name in "abc":
            (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(b"no job %d" % place for place in range(4)))
        scan = lcn.scan(tmp_path)
        pd.testing.assert_frame_equal(scan.problems, lcn.read_jobs(tmp_path).problems.head(5))
        assert scan.notes == ("12 problems (invalid_answer 12), of which the first 5 are kept",)

    def test_jobs_that_come_in_two_parts_are_noticed(self, lines: list[bytes], tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines[:360]))
        (tmp_path / "b.jsonl").write_bytes(b"\n".join(lines[320:400] + lines[396:400]))
        scan = lcn.scan(tmp_path)
        assert len(scan) == 440
        assert scan.notes == (
            "4 older answers of jobs that came more than once in a part left out",
            "about 9.1% of the jobs were in a part before, and are counted again: of archives, merge_archives keeps "
            "the newest answer of each",
        )

    def test_a_storage_that_fails_is_asked_again_and_then_named(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures: Iterator[OSError | None] = iter([])
        read = parts.read_part

        def unsteady(part: Part) -> Iterator[Any]:
            if (error := next(failures, None)) is not None:
                raise error
            return read(part)

        monkeypatch.setattr(scanning, "read_part", unsteady)
        with ThreadPoolExecutor(1) as threads:
            for executor in (None, threads):
                failures = iter([OSError("reset"), None])
                assert len(lcn.scan(folder / "a.jsonl", executor)) == 120
                failures = iter([OSError("down")] * 3)
                with pytest.raises(ScanError, match=r"a\.jsonl: can't be read, after 3 tries: down"):
                    len(lcn.scan(folder / "a.jsonl", executor))

    def test_jobs_that_can_not_be_counted_are_named_with_their_part(self, whole: lcn.JobSet, tmp_path: Path) -> None:
        parquet.write_tables({"jobs": whole.jobs.assign(confidence=7.0)}, tmp_path, None)
        with pytest.raises(ArgumentError, match=r"jobs\.parquet: jobs: confidence is 7\.0"):
            metrics.confidence_by_type(lcn.scan(tmp_path).jobs)

    def test_a_partial_table_that_is_not_small_ends_the_scan(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scanning, "MOST_CELLS", 300)
        with pytest.raises(ScanError, match=r"_partial\('job_id',\).* rows, more than 300"):
            metrics.type_breakdown(lcn.scan(folder).jobs, by="job_id")


class TestPasses:
    def test_questions_asked_together_read_each_part_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []
        read = parts.read_part

        def counted(part: Part) -> Iterator[Any]:
            seen.append(part.name)
            return read(part)

        monkeypatch.setattr(scanning, "read_part", counted)
        scan = lcn.scan(folder)
        scan.together(*QUESTIONS[:4])
        assert sorted(seen) == [part.name for part in scan.parts]
        for question in QUESTIONS[:4]:
            question(scan)
        assert len(seen) == N_PARTS

    def test_archives_and_parquet_are_read_some_jobs_at_a_time(
        self, lines: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parts, "CHUNK_BYTES", 1 << 16)
        monkeypatch.setattr(parts, "_CHUNK_ROWS", 100)
        path = archived(tmp_path / "a.db", lines)
        whole = lcn.read_jobs(path)
        whole.to_parquet(tmp_path / "tables")
        for source in (path, tmp_path / "tables" / "jobs.parquet"):
            (part,) = parts.find_parts(source)
            assert sum(1 for _ in parts.read_part(part)) > 1
            table = metrics.type_breakdown(lcn.scan(source).jobs)
            pd.testing.assert_frame_equal(table, metrics.type_breakdown(whole.jobs), check_exact=True)


class TestPicking:
    def test_a_sample_is_the_same_whatever_the_parts_are(
        self, folder: Path, lines: list[bytes], tmp_path: Path
    ) -> None:
        (tmp_path / "all.jsonl").write_bytes(b"\n".join(lines))
        one, other = lcn.scan(folder).sample(50, seed=3), lcn.scan(tmp_path).sample(50, seed=3)
        assert one.jobs["job_id"].tolist() == other.jobs["job_id"].tolist()
        pd.testing.assert_frame_equal(one.rules, other.rules)
        assert set(lcn.scan(folder).sample(50, seed=4).jobs["job_id"]) != set(one.jobs["job_id"])
        assert one.rules["n_jobs"].groupby(one.rules["rule_set"], observed=True).first().sum() == 50
        assert len(metrics.rule_position_effect(one.jobs, one.rules)) >= 1
        with pytest.raises(ArgumentError, match="has tables, but no answers"):
            one.raw(one.jobs["job_id"].iloc[0])

    def test_a_sample_of_more_than_there_are_is_all_of_them(self, folder: Path, whole: lcn.JobSet) -> None:
        pd.testing.assert_frame_equal(lcn.scan(folder).sample(10_000).jobs, whole.jobs)

    def test_jobs_are_selected_as_of_one_table(self, folder: Path, whole: lcn.JobSet) -> None:
        found = lcn.scan(folder).select(outcomes="failed", created=("2026-02-01", "2026-03-01"))
        expected = metrics.select_jobs(whole.jobs, outcomes="failed", created=("2026-02-01", "2026-03-01"))
        assert found.jobs["job_id"].tolist() == expected["job_id"].tolist()
        with pytest.raises(ArgumentError, match="outcomes"):
            lcn.scan(folder).select(outcomes="lost")

    def test_a_wrong_size_is_refused(self, folder: Path) -> None:
        with pytest.raises(ArgumentError, match="n is 0"):
            lcn.scan(folder).sample(0)

    def test_too_many_that_fit_are_refused(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "MOST_PICKED", 100)
        with pytest.raises(ArgumentError, match="more than 100 jobs fit"):
            lcn.scan(folder).select()


_COUNT_PART = scanning.count_part


def killed_once(part: Part, *, mark: str, requests: Any, has_census: bool) -> Any:
    """Count a part; the first who comes to the third is killed there."""
    if part.name.startswith("c"):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
    return _COUNT_PART(part, requests, has_census)


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the first process that reads the third part be killed."""
    mark = tmp_path / "killed"
    monkeypatch.setattr(scanning, "count_part", functools.partial(killed_once, mark=str(mark)))
    return mark


@pytest.mark.skipif(sys.platform != "linux", reason="kills processes that were forked")
class TestWorkers:
    def test_processes_give_what_one_gives_and_a_killed_one_changes_nothing(
        self, folder: Path, expected: list[Any], deadly: Path
    ) -> None:
        with ProcessPoolExecutor(2) as pool:
            scan = lcn.scan(folder, pool)
            assert_alike(scan.together(*QUESTIONS), expected)
        assert deadly.exists()
        assert any("a worker died" in note for note in scan.notes)

    @pytest.mark.cluster
    def test_a_cluster_gives_what_one_process_gives_and_a_killed_worker_changes_nothing(
        self, folder: Path, expected: list[Any], deadly: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        distributed = pytest.importorskip("distributed")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        )
        with cluster, distributed.Client(cluster) as client:
            scan = lcn.scan(folder, client.get_executor())
            assert_alike(scan.together(*QUESTIONS), expected)
        assert deadly.exists()

    def test_a_part_that_kills_whoever_reads_it_is_named(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "read_part", _deadly_part)
        with ProcessPoolExecutor(2) as pool, pytest.raises(ScanError, match=r"c\.jsonl\.gz: whoever reads it dies"):
            len(lcn.scan(folder, pool))


def _deadly_part(part: Part) -> Iterator[Any]:
    if part.name.startswith("c"):
        os._exit(9)
    return parts.read_part(part)


@pytest.fixture(scope="module")
def scan(folder: Path) -> lcn.Scan:
    return lcn.scan(folder)


class TestWhatTakesAScan:
    @pytest.mark.parametrize("name", ["type_breakdown", "jobs_over_time", "failure_causes", "durations"])
    def test_a_plot_draws_it(self, name: str, scan: lcn.Scan) -> None:
        ax = Figure().subplots()
        assert getattr(lcn.plots, name)(scan.jobs, ax=ax) is ax
        assert ax.get_title(loc="left") or ax.get_title()

    def test_a_report_has_the_tables_that_count(
        self, scan: lcn.Scan, whole: lcn.JobSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "pictures", lambda *_: iter(()))  # drawn by the tests of plots
        report = lcn.write_report(scan, tmp_path / "scan", as_of="2026-06-01")
        names = {path.stem for path in report.paths if path.suffix == ".csv"}
        assert names == {*OF_JOBS, "rules", "problems", "columns"} - set(NOT_COUNTED)
        bare = Given(whole.jobs.drop(columns="file_input"), whole.rules, whole.problems)
        arguments = Arguments(as_of=pd.Timestamp("2026-06-01", tz="UTC"))
        for name in sorted(names & set(OF_JOBS)):
            expected = csv_text(OF_JOBS[name](bare, arguments).reset_index(drop=True))
            assert (report.folder / f"{name}.csv").read_bytes().decode() == expected, name
        page = (report.folder / "index.html").read_text(encoding="utf-8")
        assert "600 jobs" in page
        assert "there is no jobs.csv" in page
        assert len(lcn.verify_report(report.folder)) == 0
        (report.folder / "rules.csv").write_text("changed")
        assert "rules.csv" in set(lcn.verify_report(report.folder)["file"])

    def test_a_report_with_labels_needs_the_jobs(self, scan: lcn.Scan, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"labels .*sample\(n\)"):
            lcn.write_report(scan, tmp_path / "report", labels=pd.DataFrame({"job_id": ["a"], "label": ["b"]}))
