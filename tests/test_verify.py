"""A report that was changed says where: any cell, any file, any number that its own jobs don't give."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from pathlib import Path

import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import export
from llama_classify_nb.__main__ import main
from llama_classify_nb.exceptions import ReadError
from llama_classify_nb.report import digests

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    jobset = lcn.load_sample()
    labels = lcn.load_sample_labels().iloc[::17].reset_index(drop=True)
    return lcn.write_report(jobset, tmp_path_factory.mktemp("verify") / "report", labels=labels).folder


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "report"))


def cells_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def change(path: Path, row: int, column: int, value: str) -> None:
    """Change one cell, and no other byte: the lines are cut by hand, as no CSV writer keeps quotes as they were."""
    fields = fields_of(path.read_text(encoding="utf-8"))
    start, end = fields[row][column]
    text = path.read_text(encoding="utf-8")
    path.write_bytes((text[:start] + value + text[end:]).encode())


def fields_of(text: str) -> list[list[tuple[int, int]]]:
    """Give the place of each field of a CSV text, row by row."""
    rows: list[list[tuple[int, int]]] = [[]]
    start, is_quoted = 0, False
    for place, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char in ",\n" and not is_quoted:
            rows[-1].append((start, place))
            start = place + 1
            if char == "\n":
                rows.append([])
    return rows[:-1]


def test_a_report_as_it_was_written_has_no_disagreement(written: Path) -> None:
    found = lcn.verify_report(written)
    assert found.empty
    assert list(found.columns) == ["file", "row", "column", "found", "expected", "message"]


def test_any_single_changed_cell_is_found_and_named(written: Path, tmp_path: Path) -> None:
    draw = random.Random(11)
    files = sorted(path.name for path in written.glob("*.csv") if len(cells_of(path)) > 1)
    for number in range(24):
        folder = Path(shutil.copytree(written, tmp_path / str(number)))
        name = files[number % len(files)]
        rows = cells_of(folder / name)
        row, column = draw.randrange(1, len(rows)), draw.randrange(len(rows[0]))
        before = rows[row][column]
        value = draw.choice(["0.125", '"x"', "", "-7"])
        change(folder / name, row, column, '"another"' if value.strip('"') == before else value)
        found = lcn.verify_report(folder)
        hit = (found["file"] == name) & (found["row"] == row) & (found["column"] == rows[0][column])
        assert hit.any(), (name, row, rows[0][column], before, value, found.head().to_dict("records"))


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


@pytest.mark.parametrize("name", ["index.html", "type_breakdown.png", "confusion_matrix.svg"])
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
    (copied / "manifest.json").write_text(json.dumps(told))
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
        told["files"]["accuracy.csv"]["sha256"] = digests.file_digest(name)
        (copied / "manifest.json").write_text(json.dumps(told))
        assert bool(len(lcn.verify_report(copied))) == is_found
        name.write_bytes(before)


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
