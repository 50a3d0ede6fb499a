"""The audit as files: what is written, what it holds, and what happens when it can't be written."""

from __future__ import annotations

import csv
import os
import re
import resource
import stat
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import llama_classify_nb as lcn
from llama_classify_nb import cells, export, report, schema
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.report import contents, pictures
from llama_classify_nb.report.manifest import read_arguments, read_manifest

HERE = Path(__file__).parent
TABLES = ["jobs", "rules", "problems"]
ARGUMENTS = contents.Arguments()


@pytest.fixture(scope="module")
def sample() -> lcn.JobSet:
    return lcn.load_sample()


@pytest.fixture(scope="module")
def awkward() -> lcn.JobSet:
    return lcn.read_jobs(HERE / "data" / "edge_cases.jsonl")


@pytest.fixture(scope="module")
def nothing(awkward: lcn.JobSet) -> SimpleNamespace:
    return SimpleNamespace(**{name: getattr(awkward, name).iloc[:0] for name in TABLES})


@pytest.fixture(scope="module")
def of_sample(sample: lcn.JobSet, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(sample, tmp_path_factory.mktemp("reports") / "of" / "sample")


@pytest.fixture(scope="module")
def of_awkward(awkward: lcn.JobSet, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(awkward, tmp_path_factory.mktemp("reports") / "awkward")


@pytest.fixture(scope="module")
def of_nothing(nothing: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(nothing, tmp_path_factory.mktemp("reports") / "nothing")


@pytest.fixture(scope="module")
def labels(sample: lcn.JobSet) -> pd.DataFrame:
    known = lcn.load_sample_labels()
    return known[known["job_id"].isin(sample.jobs["job_id"])].iloc[::13].reset_index(drop=True)


@pytest.fixture(scope="module")
def of_labelled(sample: lcn.JobSet, labels: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(sample, tmp_path_factory.mktemp("reports") / "labelled", labels=labels)


def given_of(source: str, request: pytest.FixtureRequest) -> contents.Given:
    if source == "labelled":
        return contents.taken(request.getfixturevalue("sample"), request.getfixturevalue("labels"), None)
    return contents.taken(request.getfixturevalue(source), None, None)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_text_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Give categories the dtype of text, which a list of them has in pandas 3 only."""
    for name in table.select_dtypes("category"):
        column = table[name].cat
        table[name] = column.rename_categories(pd.Index(column.categories, dtype=cells.TEXT))
    return table


class TestFiles:
    def test_the_files_are_those_the_report_names(self, of_sample: report.Report) -> None:
        named = [path.name for path in of_sample.paths]
        expected = [f"{name}.csv" for name in (*TABLES, *contents.OF_JOBS)]
        expected += [f"{name}.{suffix}" for name in pictures.OF_JOBS for suffix in ("png", "svg")]
        assert named == [*expected, "columns.csv", "index.html", "manifest.json"]
        assert sorted(named) == sorted(path.name for path in of_sample.folder.iterdir())

    def test_files_and_folders_are_their_owners_alone(self, nothing: SimpleNamespace, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            written = lcn.write_report(nothing, tmp_path / "new" / "report")
        finally:
            os.umask(before)
        folders = (written.folder, written.folder.parent)
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
        assert {stat.S_IMODE(path.stat().st_mode) for path in written.paths} == {0o600}

    @pytest.mark.parametrize("name", ["sample", "awkward"])
    def test_the_same_jobs_give_the_same_bytes(
        self, name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = request.getfixturevalue(f"of_{name}")
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
        import matplotlib as mpl

        with mpl.rc_context({"figure.dpi": 33, "font.size": 30, "svg.hashsalt": "other", "axes.facecolor": "red"}):
            again = report.write_report(request.getfixturevalue(name), tmp_path)
            assert mpl.rcParams["font.size"] == 30
        assert bytes_of(again.folder) == bytes_of(first.folder)

    def test_a_second_report_replaces_the_first(
        self, nothing: SimpleNamespace, awkward: lcn.JobSet, of_nothing: report.Report, tmp_path: Path
    ) -> None:
        report.write_report(awkward, tmp_path / "r")
        report.write_report(nothing, tmp_path / "r")
        assert bytes_of(tmp_path / "r") == bytes_of(of_nothing.folder)
        assert [path.name for path in tmp_path.iterdir()] == ["r"]

    @pytest.mark.parametrize("name", ["notes.txt", "jobs.csv"])
    def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
        self, name: str, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_text("mine")
        with pytest.raises(ArgumentError, match=f"holds something else than a report: '{name}'"):
            report.write_report(nothing, tmp_path)
        assert bytes_of(tmp_path) == {name: b"mine"}

    def test_what_somebody_puts_beside_a_report_is_not_removed_with_it(
        self, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        report.write_report(nothing, tmp_path / "r")
        (tmp_path / "r" / "notes.txt").write_text("mine")
        with pytest.raises(ArgumentError, match="notes"):
            report.write_report(nothing, tmp_path / "r")
        assert (tmp_path / "r" / "notes.txt").read_text() == "mine"

    def test_the_report_prints_its_folder_and_its_files(self, of_sample: report.Report) -> None:
        shown = repr(of_sample)
        assert str(of_sample.folder) in shown
        assert all(path.name in shown for path in of_sample.paths)
        assert len(shown.splitlines()) == 5

    def test_the_jobs_given_are_not_changed(self, awkward: lcn.JobSet, of_awkward: report.Report) -> None:
        again = lcn.read_jobs(HERE / "data" / "edge_cases.jsonl")
        assert_frame_equal(awkward.jobs, again.jobs)


class TestTables:
    @pytest.mark.parametrize("source", ["sample", "awkward", "nothing", "labelled"])
    def test_every_table_comes_back_as_it_was(self, source: str, request: pytest.FixtureRequest) -> None:
        written = request.getfixturevalue(f"of_{source}").folder
        given, arguments = given_of(source, request), read_arguments(read_manifest(written))
        for name, (table, _) in {**contents.given_tables(given), **dict(contents.answers(given, arguments))}.items():
            expected = with_text_categories(table.reset_index(drop=True))
            assert_frame_equal(export.read_csv(written / f"{name}.csv"), expected, check_exact=True)

    @pytest.mark.parametrize("source", ["sample", "awkward", "nothing", "labelled"])
    def test_each_column_of_each_metric_is_declared_in_its_docstring(
        self, source: str, request: pytest.FixtureRequest
    ) -> None:
        for name, (table, columns) in contents.answers(given_of(source, request), ARGUMENTS):
            assert [column.name for column in columns] == list(table.columns)
            for column in columns:
                assert column.dtype == cells.dtype_name(table[column.name])
                assert column.meaning, f"{name}.{column.name}"

    def test_columns_csv_tells_every_column_of_every_file(self, of_awkward: report.Report) -> None:
        told = export.read_csv(of_awkward.folder / "columns.csv")
        assert list(told.columns) == ["file", "name", "dtype", "meaning", "unit", "categories"]
        assert told["meaning"].notna().all()
        files = [path for path in of_awkward.paths if path.suffix == ".csv" and path.name != "columns.csv"]
        for path in files:
            with path.open(encoding="utf-8", newline="") as file:
                header = next(csv.reader(file))
            assert told.loc[told["file"] == path.name, "name"].tolist() == header
        assert told["file"].unique().tolist() == [path.name for path in files]
        of_jobs = told[told["file"] == "jobs.csv"]
        assert of_jobs["dtype"].tolist() == [column.dtype for column in schema.JOBS]
        assert of_jobs["meaning"].tolist() == [column.meaning for column in schema.JOBS]
        assert of_jobs["unit"].fillna("").tolist() == [column.unit for column in schema.JOBS]

    def test_pandas_counts_the_same_jobs(self, sample: lcn.JobSet, of_sample: report.Report) -> None:
        read = pd.read_csv(of_sample.folder / "jobs.csv", parse_dates=["created_at"])
        assert len(read) == 5992
        assert read["outcome"].value_counts().to_dict() == {
            "matched": 5529,
            "no_match": 257,
            "failed": 192,
            "unfinished": 14,
        }
        assert read["confidence"].tolist() == pytest.approx(sample.jobs["confidence"].tolist(), abs=0, nan_ok=True)
        assert (read["created_at"] == sample.jobs["created_at"]).all()


class TestPictures:
    @pytest.mark.parametrize("source", ["sample", "awkward", "nothing"])
    def test_each_png_is_a_picture_of_a_readable_size(self, source: str, request: pytest.FixtureRequest) -> None:
        for name in pictures.OF_JOBS:
            content = (request.getfixturevalue(f"of_{source}").folder / f"{name}.png").read_bytes()
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", content[16:24])
            assert width == 1200
            assert 540 <= height <= 1700

    @pytest.mark.parametrize("source", ["sample", "awkward", "nothing"])
    def test_each_svg_is_xml_without_scripts_links_or_dates(self, source: str, request: pytest.FixtureRequest) -> None:
        for name in pictures.OF_JOBS:
            text = (request.getfixturevalue(f"of_{source}").folder / f"{name}.svg").read_text()
            tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}  # noqa: S314  # our own
            assert "svg" in tags
            assert not tags & {"script", "foreignObject", "image", "a", "date", "creator"}
            assert not re.search(r'href="(?!#)', text)

    def test_no_pyplot_and_no_widgets_are_loaded(self, tmp_path: Path) -> None:
        code = (
            "import sys, llama_classify_nb as lcn\n"
            "from llama_classify_nb import report\n"
            "assert 'matplotlib' not in sys.modules\n"
            f"lcn.write_report(lcn.read_jobs({str(HERE / 'data' / 'edge_cases.jsonl')!r}), {str(tmp_path / 'r')!r})\n"
            "print([name for name in ('matplotlib.pyplot', 'ipywidgets', 'IPython') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("[]\n", "")


class TestRefusals:
    def test_something_that_is_no_jobset_is_refused(self, sample: lcn.JobSet, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match=r"jobset is a DataFrame: give a JobSet"):
            report.write_report(sample.jobs, tmp_path / "r")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_place_of_the_folder_is_refused(self, nothing: SimpleNamespace, tmp_path: Path) -> None:
        (tmp_path / "r").write_text("mine")
        with pytest.raises(ArgumentError, match=r"folder '.*r' is a file"):
            report.write_report(nothing, tmp_path / "r")
        with pytest.raises(FileExistsError, match=r"/r'"):
            report.write_report(nothing, tmp_path / "r" / "deeper")
        assert (tmp_path / "r").read_text() == "mine"

    @pytest.mark.parametrize("there", [True, False])
    def test_a_link_in_place_of_the_folder_is_refused(
        self, there: bool, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        if there:
            (tmp_path / "real").mkdir()
        (tmp_path / "r").symlink_to(tmp_path / "real")
        with pytest.raises(ArgumentError, match=r"folder '.*r' is a symbolic link"):
            report.write_report(nothing, tmp_path / "r")
        assert not (tmp_path / "real").exists() or list((tmp_path / "real").iterdir()) == []

    def test_a_link_in_an_earlier_report_is_refused_and_not_followed(
        self, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        (tmp_path / "precious").write_text("mine")
        folder = report.write_report(nothing, tmp_path / "r").folder
        (folder / "type_breakdown.png").unlink()
        (folder / "type_breakdown.png").symlink_to(tmp_path / "precious")
        with pytest.raises(ArgumentError, match=r"'type_breakdown\.png' is a link"):
            report.write_report(nothing, folder)
        assert (tmp_path / "precious").read_text() == "mine"

    def test_a_full_disk_names_the_file_and_leaves_the_earlier_report(
        self, sample: lcn.JobSet, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        folder = report.write_report(nothing, tmp_path / "r").folder
        before = bytes_of(folder)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        try:
            with pytest.raises(OSError, match=r"jobs\.csv"):
                report.write_report(sample, folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert bytes_of(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["r"]

    def test_a_stop_halfway_leaves_the_earlier_report(
        self, nothing: SimpleNamespace, awkward: lcn.JobSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = report.write_report(nothing, tmp_path / "r").folder
        before = bytes_of(folder)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("llama_classify_nb.report.writing.pictures", stop)
        with pytest.raises(KeyboardInterrupt):
            report.write_report(awkward, folder)
        assert bytes_of(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["r"]

    def test_a_folder_without_permission_is_named(self, nothing: SimpleNamespace) -> None:
        user = os.geteuid()
        with tempfile.TemporaryDirectory() as name:
            Path(name).chmod(0o555)
            try:
                os.seteuid(user or 65534)  # nothing is forbidden to root
                with pytest.raises(PermissionError, match=name):
                    report.write_report(nothing, Path(name) / "r")
            finally:
                os.seteuid(user)
            assert list(Path(name).iterdir()) == []

    def test_jobs_that_a_metric_refuses_leave_the_folder_as_it_was(self, awkward: lcn.JobSet, tmp_path: Path) -> None:
        odd = SimpleNamespace(jobs=awkward.jobs.assign(confidence=7.0), rules=awkward.rules, problems=awkward.problems)
        with pytest.raises(ArgumentError, match="confidence"):
            report.write_report(odd, tmp_path / "r")
        assert list(tmp_path.iterdir()) == []
