"""A report that was changed says where: any cell, any file, any number that its own jobs don't give."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from edits import Edit, change, change_any, fields_of

import llama_classify_nb as lcn
from llama_classify_nb import export
from llama_classify_nb.__main__ import main
from llama_classify_nb.exceptions import ReadError
from llama_classify_nb.report import contents, digests, manifest, pictures, verify

GIVEN = ["jobs.csv", "rules.csv", "labels.csv", "plan.csv"]


@pytest.fixture(scope="module")
def written(sample: lcn.JobSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of few jobs, with labels that were drawn by a plan, whose pictures are stubs."""
    few = SimpleNamespace(
        jobs=sample.jobs.iloc[::20].reset_index(drop=True), rules=sample.rules, problems=sample.problems
    )
    plan = lcn.metrics.audit_plan(few.jobs, margin=0.08)
    known = lcn.load_sample_labels()[["job_id", "label"]]
    labels = lcn.metrics.draw_sample(few.jobs, plan, seed=1).merge(known, on="job_id")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_rendered", lambda _: {"png": b"\x89PNG", "svg": b"<svg ></svg>"})
        folder = tmp_path_factory.mktemp("verify") / "report"
        return lcn.write_report(few, folder, labels=labels, plan=plan).folder


@pytest.fixture(scope="module")
def computed() -> dict[tuple[object, ...], list[tuple[str, contents.Table]]]:
    return {}


@pytest.fixture(autouse=True)
def _the_same_jobs_are_asked_once(
    computed: dict[tuple[object, ...], list[tuple[str, contents.Table]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compute tables anew for each content of the given files, and not for each test."""

    def answers(given: contents.Given, arguments: contents.Arguments) -> Iterator[tuple[str, contents.Table]]:
        key = (arguments, *(None if table is None else export.csv_text(table) for table in given))
        if key not in computed:
            computed[key] = list(contents.answers(given, arguments))
        yield from computed[key]

    monkeypatch.setattr(verify, "answers", answers)


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "report"))


def cells_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def seal(folder: Path, *changed: str) -> None:
    """Make the manifest agree with files that were changed, as somebody would who knows how it is made."""
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in changed:
        told["files"][name]["sha256"] = digests.file_digest(folder / name)
        if "sums" in told["files"][name]:
            told["files"][name]["sums"] = digests.cell_sums(folder / name)
    (folder / "manifest.json").write_bytes(manifest.sealed(told))


def seal_all(folder: Path, name: str) -> None:
    """Make the page agree with a file that was changed, too."""
    page, digest = folder / "index.html", digests.file_digest(folder / name)
    text, n = re.subn(
        f"(<td>{re.escape(name)}</td><td><code>)[0-9a-f]{{64}}", rf"\g<1>{digest}", page.read_text("utf-8")
    )
    assert n == 1
    page.write_text(text, encoding="utf-8")
    seal(folder, name, "index.html")


def is_named(edit: Edit, found: pd.DataFrame) -> bool:
    return bool(((found["file"] == edit.file) & (found["row"] == edit.row) & (found["column"] == edit.column)).any())


def test_a_report_as_it_was_written_has_no_disagreement(written: Path) -> None:
    found = lcn.verify_report(written)
    assert found.empty
    assert list(found.columns) == ["file", "row", "column", "found", "expected", "message"]


def test_of_two_hundred_changed_cells_of_computed_files_each_is_found_and_named(written: Path, tmp_path: Path) -> None:
    # Each file is held against what is computed again from the jobs, whatever stands in the others: so a cell in each
    # of them is as many cells, each alone in its file. Hashes are made to agree: the numbers alone must tell.
    draw = random.Random(11)
    files = sorted(path.name for path in written.glob("*.csv") if path.name not in GIVEN and len(cells_of(path)) > 1)
    edits: list[Edit] = []
    while len(edits) < 200:
        folder = Path(shutil.copytree(written, tmp_path / str(len(edits))))
        some = [change_any(folder / name, draw) for name in files]
        seal(folder, *files)
        found = lcn.verify_report(folder)
        assert [edit for edit in some if not is_named(edit, found)] == []
        edits += some
    assert len(set(edits)) >= 200


@pytest.mark.parametrize("name", GIVEN)
def test_of_many_changed_cells_of_a_given_file_each_is_found_and_named(
    name: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is computed from them says nothing of a cell that no number depends on: their own sums must tell.
    monkeypatch.setattr(verify, "_tables", lambda *_, **__: iter(()))
    draw, path = random.Random(5), copied / name
    before = path.read_bytes()
    for _ in range(15):
        edit = change_any(path, draw)
        assert is_named(edit, lcn.verify_report(copied)), edit
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [("jobs.csv", 0, 1), ("rules.csv", 0, 0), ("labels.csv", 0, 1), ("accuracy.csv", 0, 2), ("columns.csv", 0, 1)],
)
def test_a_changed_header_is_found(name: str, row: int, column: int, copied: Path) -> None:
    change(copied / name, row, column, '"other"')
    assert name in set(lcn.verify_report(copied)["file"])


HARM: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "cut": lambda lines: [b"".join(lines)[: len(b"".join(lines)) * 2 // 3]],
    "emptied": lambda _: [],
    "swapped": lambda lines: [*lines[:1], *lines[2:3], *lines[1:2], *lines[3:]],
    "doubled": lambda lines: [*lines, lines[-1]],
}


@pytest.mark.parametrize("names", [["jobs.csv"], ["type_breakdown.csv", "columns.csv", "index.html"]])
@pytest.mark.parametrize("harm", HARM)
def test_harm_to_whole_files_is_found(names: list[str], harm: str, copied: Path) -> None:
    for name in names:
        lines = (copied / name).read_bytes().splitlines(keepends=True)
        (copied / name).write_bytes(b"".join(HARM[harm](lines)))
    assert set(names) <= set(lcn.verify_report(copied)["file"])


def test_a_changed_job_is_found_by_its_numbers_though_every_digest_agrees(copied: Path) -> None:
    rows = cells_of(copied / "jobs.csv")
    row = next(number for number, cells in enumerate(rows) if cells[rows[0].index("outcome")] == "matched")
    change(copied / "jobs.csv", row, rows[0].index("confidence"), "0.111")
    seal_all(copied, "jobs.csv")
    found = lcn.verify_report(copied)
    assert {"confidence_distribution.csv", "confidence_health.csv"} <= set(found["file"])
    assert "jobs.csv" not in set(found["file"])


def test_a_number_on_the_page_that_the_tables_do_not_give_is_found_though_every_digest_agrees(copied: Path) -> None:
    page = (copied / "index.html").read_text(encoding="utf-8")
    assert page.count("This report is of 300 jobs") == 1
    (copied / "index.html").write_bytes(page.replace("report is of 300 jobs", "report is of 301 jobs").encode())
    seal(copied, "index.html")
    (found,) = lcn.verify_report(copied).to_dict("records")
    assert found["file"] == "index.html"
    assert "not what the tables and pictures give" in found["message"]


def test_any_change_of_the_manifest_is_found(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_tables", lambda *_, **__: iter(()))
    path, draw = copied / "manifest.json", random.Random(3)
    before = path.read_bytes()
    for _ in range(60):
        place, after = draw.randrange(len(before)), draw.choice([b"0", b"x", b"", b" ", b'"', b"\xff", b"]"])
        path.write_bytes(before[:place] + after + before[place + 1 :])
        assert path.read_bytes() == before or "manifest" in told_of(copied), (place, after)


def told_of(folder: Path) -> str:
    try:
        return str(lcn.verify_report(folder)["file"].tolist())
    except ReadError as error:
        return str(error)


def test_a_number_that_the_jobs_do_not_give_is_named_with_the_one_that_they_give(copied: Path) -> None:
    rows = cells_of(copied / "type_breakdown.csv")
    place = rows[0].index("count")
    change(copied / "type_breakdown.csv", 2, place, "999")
    (found,) = lcn.verify_report(copied).to_dict("records")
    assert (found["file"], found["row"], found["column"], found["found"], found["expected"]) == (
        "type_breakdown.csv",
        2,
        "count",
        "999",
        rows[2][place],
    )


def test_a_changed_job_shows_in_its_own_cell_and_in_every_number_that_it_moves(copied: Path) -> None:
    rows = cells_of(copied / "jobs.csv")
    row = next(number for number, cells in enumerate(rows) if cells[rows[0].index("outcome")] == "matched")
    change(copied / "jobs.csv", row, rows[0].index("outcome"), '"no_match"')
    found = lcn.verify_report(copied)
    assert found.iloc[0][["file", "row", "column", "found"]].tolist() == ["jobs.csv", row, "outcome", "no_match"]
    assert "status_breakdown.csv" in set(found["file"])


@pytest.mark.parametrize("name", ["index.html", "type_breakdown.png", "confusion_matrix.svg", "manifest.json"])
def test_a_changed_page_or_picture_is_named(name: str, copied: Path) -> None:
    with (copied / name).open("ab") as file:
        file.write(b" ")
    (found,) = lcn.verify_report(copied).to_dict("records")
    assert found["file"] == name
    assert "SHA-256" in found["message"]


def test_missing_and_foreign_files_are_named(copied: Path) -> None:
    (copied / "durations.csv").unlink()
    (copied / "rules.csv").rename(copied / "rules2.csv")
    found = lcn.verify_report(copied)
    assert {"durations.csv", "rules.csv", "rules2.csv"} <= set(found["file"])


def test_rows_added_or_removed_are_found(copied: Path) -> None:
    text = (copied / "jobs.csv").read_text(encoding="utf-8")
    end = fields_of(text)[-2][-1][1] + 1
    (copied / "jobs.csv").write_bytes(text[:end].encode())
    found = lcn.verify_report(copied)
    assert "jobs.csv" in set(found["file"])
    assert found.loc[found["file"] == "jobs.csv", "message"].str.contains("added or removed").any()


def test_a_folder_that_is_no_report_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"is no report: it has no manifest\.json"):
        lcn.verify_report(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 99, "files": {}, "arguments": {}}')
    with pytest.raises(ReadError, match="format 99"):
        lcn.verify_report(tmp_path)
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(ReadError, match="can't be read as the manifest"):
        lcn.verify_report(tmp_path)


def test_a_manifest_cannot_lead_out_of_the_folder(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("x")
    told = json.loads((copied / "manifest.json").read_text())
    told["files"]["../outside.csv"] = {"sha256": digests.file_digest(tmp_path / "outside.csv")}
    (copied / "manifest.json").write_bytes(manifest.sealed(told))
    found = lcn.verify_report(copied)
    assert found["file"].tolist() == ["../outside.csv"]


def test_other_versions_may_round_otherwise_but_no_more(copied: Path) -> None:
    told = json.loads((copied / "manifest.json").read_text())
    told["versions"]["numpy"] = "0.1"
    rows = cells_of(copied / "accuracy.csv")
    place = rows[0].index("accuracy")
    for factor, is_found in ((1 + 1e-13, False), (1 + 1e-6, True)):
        name = copied / "accuracy.csv"
        before = name.read_bytes()
        change(name, 1, place, repr(float(rows[1][place]) * factor))
        (copied / "manifest.json").write_bytes(manifest.sealed(told))
        seal_all(copied, "accuracy.csv")
        assert bool(len(lcn.verify_report(copied))) == is_found
        name.write_bytes(before)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("type_breakdown.png", b"PNG", b"PNh"),
        ("type_breakdown.svg", b"<svg >", b"<svg  >"),
        ("durations.csv", b"\n", b" \n"),
        ("problems.csv", b'"kind"', b'"kinds"'),
        ("labels.csv", b'"job_id"', b'"id"'),
        ("plan.csv", b'"stratum"', b'"strata"'),
        ("rules.csv", b"\n", b"\n\n"),
        ("columns.csv", b'"str"', b'"text"'),
    ],
)
def test_a_file_of_which_the_manifest_was_made_to_agree_is_named_by_the_page(
    name: str, before: bytes, after: bytes, copied: Path
) -> None:
    content = (copied / name).read_bytes()
    assert before in content
    (copied / name).write_bytes(content.replace(before, after, 1))
    seal(copied, name)
    assert {name, "index.html"} <= set(lcn.verify_report(copied)["file"])


def test_sums_find_one_cell_in_each_block(tmp_path: Path) -> None:
    n = 3 * digests.ROWS // 2
    table = pd.DataFrame({"a": [f"=text {number}" for number in range(n)], "b": [None, 1.5] * (n // 2)})
    path = export.write_csv(table, tmp_path / "t.csv")
    known = digests.cell_sums(path)
    assert list(digests.changed_cells(path, known)) == []
    assert {name: len(blocks) for name, blocks in known.items()} == {"a": 2, "b": 2}
    changed = table.copy()
    changed.loc[[17, digests.ROWS + 3], "b"] = [7.0, 8.0]
    changed.loc[n - 1, "a"] = None
    export.write_csv(changed, path)
    assert set(digests.changed_cells(path, known)) == {(17, "b"), (digests.ROWS + 3, "b"), (n - 1, "a")}


def test_sums_are_the_same_however_much_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "ROWS", 10)
    # Rows that are longer than what is read at first stand in the middle: what was given before them isn't given again.
    table = pd.DataFrame({"a": [str(number) * (9_000 if number == 77 else 9) for number in range(100)]})
    path = export.write_csv(table, tmp_path / "t.csv")
    known = digests.cell_sums(path)
    monkeypatch.setattr(export, "_STREAMED", (1_000, 2_000, export._BLOCK))
    assert digests.cell_sums(path) == known
    monkeypatch.setattr(export, "_STREAMED", (1_000, export._BLOCK))
    table.loc[[5, 95], "a"] = ["?", "!"]
    export.write_csv(table, path)
    assert list(digests.changed_cells(path, known)) == [(5, "a"), (95, "a")]


def test_the_command_names_cells_and_gives_a_status(
    written: Path, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(written)]) == 0
    assert "all well" in capsys.readouterr().out
    change(copied / "durations.csv", 1, 0, "5")
    assert main(["verify", str(copied), "--csv", "-"]) == 1
    out, err = capsys.readouterr()
    assert "durations.csv, row 1, column n: '5', expected" in err
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["file"], row["row"], row["column"], row["found"]) == ("durations.csv", "1", "n", "5")
    assert main(["verify", str(copied / "nowhere")]) == 2
