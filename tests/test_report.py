"""The audit as files: what is written, what it holds, and what happens when it can't be written."""

from __future__ import annotations

import csv
import functools
import os
import re
import resource
import stat
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import llama_classify_nb as lcn
from llama_classify_nb import cells, export, metrics, report, schema
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.report import contents, pictures
from llama_classify_nb.report import folder as folder_module
from llama_classify_nb.report.manifest import read_arguments, read_manifest

HERE = Path(__file__).parent
TABLES = ["jobs", "rules", "problems"]
ARGUMENTS = contents.Arguments()


@pytest.fixture(scope="module")
def awkward() -> SimpleNamespace:
    found = lcn.read_jobs(HERE / "data" / "edge_cases.jsonl")
    # One set has 500 rules, of which 12 are as awkward as all.
    return SimpleNamespace(jobs=found.jobs, rules=found.rules[found.rules["position"] < 12], problems=found.problems)


@pytest.fixture(scope="module")
def nothing(awkward: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(**{name: getattr(awkward, name).iloc[:0] for name in TABLES})


@pytest.fixture(scope="module")
def few(sample: lcn.JobSet) -> SimpleNamespace:
    return SimpleNamespace(jobs=sample.jobs.iloc[::20], rules=sample.rules, problems=sample.problems)


@pytest.fixture(scope="module")
def of_awkward(awkward: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(awkward, tmp_path_factory.mktemp("reports") / "awkward")


@pytest.fixture(scope="module")
def of_nothing(nothing: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    return report.write_report(nothing, tmp_path_factory.mktemp("reports") / "nothing")


@pytest.fixture(scope="module")
def of(
    labelled_report: report.Report, of_awkward: report.Report, of_nothing: report.Report
) -> dict[str, report.Report]:
    return {"labelled": labelled_report, "awkward": of_awkward, "nothing": of_nothing}


@pytest.fixture(scope="module")
def asked_again(
    of: dict[str, report.Report], sample: lcn.JobSet, awkward: SimpleNamespace, nothing: SimpleNamespace
) -> dict[str, tuple[dict[str, contents.Table], dict[str, contents.Table]]]:
    """The tables that each report was given, and those that the questions give when they are asked once more."""
    labels = lcn.load_sample_labels().iloc[::9].reset_index(drop=True)
    given = {
        "labelled": contents.taken(sample, labels, None),
        "awkward": contents.taken(awkward, None, None),
        "nothing": contents.taken(nothing, None, None),
    }
    return {
        name: (
            contents.given_tables(one),
            dict(contents.answers(one, read_arguments(read_manifest(of[name].folder)))),
        )
        for name, one in given.items()
    }


SOURCES = ["labelled", "awkward", "nothing"]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_text_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Give categories the dtype of text, which a list of them has in pandas 3 only."""
    for name in table.select_dtypes("category"):
        column = table[name].cat
        table[name] = column.rename_categories(pd.Index(column.categories, dtype=cells.TEXT))
    return table


class TestFiles:
    def test_the_files_are_those_the_report_names(self, labelled_report: report.Report) -> None:
        named = [path.name for path in labelled_report.paths]
        expected = [f"{name}.csv" for name in (*TABLES, "labels", *contents.OF_JOBS, *contents.OF_LABELS)]
        drawn = (*pictures.OF_JOBS, *pictures.OF_LABELS)
        expected += [f"{name}.{suffix}" for name in drawn for suffix in ("png", "svg")]
        assert named == [*expected, "columns.csv", "index.html", "manifest.json"]
        assert sorted(named) == sorted(path.name for path in labelled_report.folder.iterdir())

    def test_files_and_folders_are_their_owners_alone(
        self, nothing: SimpleNamespace, tmp_path: Path, no_pixels: None
    ) -> None:
        before = os.umask(0)
        try:
            written = lcn.write_report(nothing, tmp_path / "new" / "report")
        finally:
            os.umask(before)
        folders = (written.folder, written.folder.parent)
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
        assert {stat.S_IMODE(path.stat().st_mode) for path in written.paths} == {0o600}

    def test_the_same_jobs_give_the_same_bytes_in_another_process_that_loads_no_pyplot_and_no_widgets(
        self, labelled_report: report.Report, tmp_path: Path
    ) -> None:
        (tmp_path / "matplotlibrc").write_text("figure.dpi: 33\nfont.size: 30\naxes.facecolor: red\n")
        code = (
            "import sys, llama_classify_nb as lcn\n"
            "from llama_classify_nb import report\n"
            "assert 'matplotlib' not in sys.modules\n"
            "labels = lcn.load_sample_labels().iloc[::9].reset_index(drop=True)\n"
            f"lcn.write_report(lcn.load_sample(), {str(tmp_path / 'r')!r}, labels=labels, target=0.8)\n"
            "print([name for name in ('matplotlib.pyplot', 'ipywidgets', 'IPython') if name in sys.modules])"
        )
        other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Kolkata", "SOURCE_DATE_EPOCH": "1", "LC_ALL": "C"}
        other["MATPLOTLIBRC"] = str(tmp_path)
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **other})
        assert (done.stdout, done.stderr) == ("[]\n", "")
        assert bytes_of(tmp_path / "r") == bytes_of(labelled_report.folder)

    def test_the_style_of_a_notebook_neither_shows_in_pictures_nor_is_changed(
        self, of_awkward: report.Report, asked_again: dict[str, tuple[dict[str, contents.Table], ...]]
    ) -> None:
        import matplotlib as mpl

        some = {name: asked_again["awkward"][1][name].table for name in ("type_breakdown", "status_breakdown")}
        with mpl.rc_context({"figure.dpi": 33, "font.size": 30, "svg.hashsalt": "other", "axes.facecolor": "red"}):
            found = {name: formats["svg"] for name, formats in pictures.pictures(some, 64, ARGUMENTS) if name in some}
            assert mpl.rcParams["font.size"] == 30
        assert found == {name: (of_awkward.folder / f"{name}.svg").read_bytes() for name in some}

    @pytest.mark.parametrize("is_at_once", [True, False])
    def test_a_second_report_replaces_the_first(
        self,
        is_at_once: bool,
        nothing: SimpleNamespace,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        no_pixels: None,
    ) -> None:
        if not is_at_once:  # as on systems where two folders can't change places
            monkeypatch.setattr(folder_module, "exchanged", lambda *_: False)
        fresh = report.write_report(nothing, tmp_path / "fresh")
        report.write_report(nothing, tmp_path / "r", labels=lcn.load_sample_labels())
        assert (tmp_path / "r" / "accuracy.csv").is_file()
        report.write_report(nothing, tmp_path / "r")
        assert bytes_of(tmp_path / "r") == bytes_of(fresh.folder)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "r"]

    def test_what_a_killed_report_left_is_removed_by_the_next_one_and_nothing_else(
        self, nothing: SimpleNamespace, tmp_path: Path, no_pixels: None
    ) -> None:
        code = (
            "import os, pathlib\nfrom llama_classify_nb.report import folder\n"
            f"with folder.written_aside(pathlib.Path({str(tmp_path / 'r')!r})) as aside:\n"
            "    (aside / 'half').write_text('x')\n    print(aside, flush=True)\n    input()\n"
        )
        command = [sys.executable, "-c", code]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            left = Path(writer.stdout.readline().strip())
            os.utime(left, (0, 0))
            report.write_report(nothing, tmp_path / "r")
            assert left.is_dir(), "it is still written"
            writer.kill()
        others = [
            tmp_path / ".r.0123456789abcdef.part2",
            tmp_path / ".r.notes.part",
            tmp_path / ".s.0123456789abcdef.part",
        ]
        for other in others:
            other.mkdir()
            os.utime(other, (0, 0))
        report.write_report(nothing, tmp_path / "r")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["r", *(other.name for other in others)])

    @pytest.mark.parametrize("name", ["notes.txt", "jobs.csv"])
    def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
        self, name: str, nothing: SimpleNamespace, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_text("mine")
        with pytest.raises(ArgumentError, match=f"holds something else than a report: '{name}'"):
            report.write_report(nothing, tmp_path)
        assert bytes_of(tmp_path) == {name: b"mine"}

    def test_what_somebody_puts_beside_a_report_is_not_removed_with_it(
        self, nothing: SimpleNamespace, tmp_path: Path, no_pixels: None
    ) -> None:
        report.write_report(nothing, tmp_path / "r")
        (tmp_path / "r" / "notes.txt").write_text("mine")
        with pytest.raises(ArgumentError, match="notes"):
            report.write_report(nothing, tmp_path / "r")
        assert (tmp_path / "r" / "notes.txt").read_text() == "mine"

    def test_the_report_prints_its_folder_and_its_files(self, labelled_report: report.Report) -> None:
        shown = repr(labelled_report)
        assert str(labelled_report.folder) in shown
        assert all(path.name in shown for path in labelled_report.paths)
        assert len(shown.splitlines()) == 5

    def test_the_jobs_given_are_not_changed(self, awkward: SimpleNamespace, of_awkward: report.Report) -> None:
        again = lcn.read_jobs(HERE / "data" / "edge_cases.jsonl")
        assert_frame_equal(awkward.jobs, again.jobs)


class TestTables:
    def test_each_metric_is_computed_once_for_its_file_its_picture_and_the_page(
        self, few: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pixels: None
    ) -> None:
        asked: Counter[str] = Counter()

        def counted(name: str) -> Callable[..., pd.DataFrame]:
            metric = getattr(metrics, name)

            @functools.wraps(metric)
            def count(*given: object, **options: object) -> pd.DataFrame:
                asked[name] += 1
                return metric(*given, **options)

            return count

        for name in metrics.__all__:
            monkeypatch.setattr(metrics, name, counted(name))
        report.write_report(few, tmp_path / "r", labels=lcn.load_sample_labels())
        assert asked == dict.fromkeys([*contents.OF_JOBS, *contents.OF_LABELS], 1)

    @pytest.mark.parametrize("source", SOURCES)
    def test_every_table_comes_back_as_it_was(
        self, source: str, of: dict[str, report.Report], asked_again: dict[str, tuple[dict[str, contents.Table], ...]]
    ) -> None:
        given, answered = asked_again[source]
        for name, (table, _) in {**given, **answered}.items():
            expected = with_text_categories(table.reset_index(drop=True))
            assert_frame_equal(export.read_csv(of[source].folder / f"{name}.csv"), expected, check_exact=True)

    @pytest.mark.parametrize("source", SOURCES)
    def test_each_column_of_each_metric_is_declared_in_its_docstring(
        self, source: str, asked_again: dict[str, tuple[dict[str, contents.Table], ...]]
    ) -> None:
        for name, (table, columns) in asked_again[source][1].items():
            assert [column.name for column in columns] == list(table.columns)
            for column in columns:
                assert column.dtype == cells.dtype_name(table[column.name])
                assert column.meaning, f"{name}.{column.name}"

    def test_of_more_rule_sets_than_can_be_compared_those_with_the_most_jobs_are(
        self, few: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contents, "MOST_SETS", 1)
        table = contents.OF_JOBS["rule_overlap"](contents.taken(few, None, None), ARGUMENTS)
        assert table["rule_set"].unique().tolist() == [few.jobs["rule_set"].mode()[0]]

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

    def test_pandas_counts_the_same_jobs(self, sample: lcn.JobSet, labelled_report: report.Report) -> None:
        read = pd.read_csv(labelled_report.folder / "jobs.csv", parse_dates=["created_at"])
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
    @pytest.mark.parametrize("source", SOURCES)
    def test_each_png_is_a_picture_of_a_readable_size(self, source: str, of: dict[str, report.Report]) -> None:
        for path in (path for path in of[source].paths if path.suffix == ".png"):
            content = path.read_bytes()
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", content[16:24])
            assert width == 1200
            assert 540 <= height <= 1700

    @pytest.mark.parametrize("source", SOURCES)
    def test_each_svg_is_xml_without_scripts_links_or_dates(self, source: str, of: dict[str, report.Report]) -> None:
        for path in (path for path in of[source].paths if path.suffix == ".svg"):
            text = path.read_text()
            tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}  # noqa: S314  # our own
            assert "svg" in tags
            assert not tags & {"script", "foreignObject", "image", "a", "date", "creator"}
            assert not re.search(r'href="(?!#)', text)

    def test_a_picture_of_very_many_bars_has_them_as_one_image(
        self, few: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pictures, "_MOST_PIECES", 50)
        days = pd.to_datetime("2026-01-01", utc=True) + pd.to_timedelta(range(len(few.jobs)), "D")
        table = metrics.jobs_over_time(few.jobs.assign(created_at=days), by="outcome")
        one, other = (
            dict(pictures.pictures({"jobs_over_time": table}, len(days), ARGUMENTS))["jobs_over_time"] for _ in range(2)
        )
        assert one == other
        assert re.findall(r'href="(?!#)([^,]*)', one["svg"].decode()) == ["data:image/png;base64"]


@pytest.mark.usefixtures("no_pixels")
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
        self, nothing: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = report.write_report(nothing, tmp_path / "r").folder
        before = bytes_of(folder)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("llama_classify_nb.report.writing.pictures", stop)
        with pytest.raises(KeyboardInterrupt):
            report.write_report(nothing, folder, labels=lcn.load_sample_labels())
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

    def test_jobs_that_a_metric_refuses_leave_the_folder_as_it_was(
        self, awkward: SimpleNamespace, tmp_path: Path
    ) -> None:
        odd = SimpleNamespace(jobs=awkward.jobs.assign(confidence=7.0), rules=awkward.rules, problems=awkward.problems)
        with pytest.raises(ArgumentError, match="confidence"):
            report.write_report(odd, tmp_path / "r")
        assert list(tmp_path.iterdir()) == []
