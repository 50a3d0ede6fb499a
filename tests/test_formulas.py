"""Formulas as payloads, by the hundred, in every text column of a report: texts go in, and the same texts come out."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import cells, export
from llama_classify_nb.demo import sample_jobs
from llama_classify_nb.report import pictures

SOFFICE = shutil.which("soffice")
# The signs in each width and form; each is tried alone, and behind whatever a program may pass over.
SIGNS = "=+-@＝＋－＠−﹦﹢﹣﹫⁺₋⩵﬩"
BEFORE = [
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    '"',
    "'",
    "''",
    "' ",
    "\"'",
    "\ufeff",
    "\u200b",
    "\u2060",
    "\u00ad",
    "\xa0",
]
BEFORE += [
    "\u3000",
    "\u202e",
    "\u2066",
    "\u2028",
    "\x00",
    "\x1b",
    "\x85",
    "＂",
    "＇",
    "“",
    "«",
    "`",
    "\u180e",
    "\u115f",
]
BODIES = [
    "1+1",
    "1",
    "A1",
    "SUM(A1:A9)",
    'HYPERLINK("http://127.0.0.1/?"&A1,"see")',
    "cmd|' /C calc'!A0",
    'DDE("cmd";"/C calc";"x")',
    'IMPORTXML("http://127.0.0.1","//a")',
    'WEBSERVICE("http://127.0.0.1")',
    'IMAGE("http://127.0.0.1")',
    "СУММ(A1:A9)",
    "合計(A1)",
    "مجموع(A1)",
]
PAYLOADS = [before + sign + body for before, sign in itertools.product(BEFORE, SIGNS) for body in BODIES[:2]]
PAYLOADS += [before + sign + body for before, sign in itertools.product(BEFORE[:8], "=+-@＝") for body in BODIES[2:]]
PARTED = [("x", ";", ""), ("", ";", '"'), ('"x"', "\n", ";y"), (";;", "\t;\t", ""), ("x;", "\r\n", ";=1")]
BOM_MISREAD = b"\xef\xbb\xbf".decode("cp1252")
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def jobset_of(payloads: list[str], folder: Path) -> lcn.JobSet:
    """Give jobs with payloads wherever a job holds a text of somebody's."""
    shared = json.loads(sample_jobs()[0])
    lines = []
    for number, text in enumerate(payloads):
        rules = [{"type": text[:50], "description": text}, {"type": "memo", "description": "short"}]
        job = {**shared, "id": f"job-{number}", "file_input": text, "configuration_id": text, "odd": text}
        job |= {"configuration": {**shared["configuration"], "rules": rules}, "project_id": text, "user_id": text}
        if number % 3:
            job |= {"status": "COMPLETED", "result": {"type": text[:50], "confidence": 0.5, "reasoning": text}}
        else:
            job |= {"status": "FAILED", "result": None, "error_message": text}
        lines.append(json.dumps(job))
    (folder / "jobs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return lcn.read_jobs(folder / "jobs.jsonl")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of jobs that are made of payloads, as Excel wants it, and beside it a file of all payloads."""
    folder = tmp_path_factory.mktemp("formulas")
    jobset = jobset_of(PAYLOADS[:: len(PAYLOADS) // 24], folder)
    labels = pd.DataFrame({"job_id": jobset.jobs["job_id"], "label": jobset.jobs["file_input"].astype(object)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_rendered", lambda _: {"svg": b"<svg ></svg>"})
        report = lcn.write_report(jobset, folder / "report", labels=labels.iloc[:20], excel=True)
    export.write_csv(table_of_payloads(), report.folder / "payloads.csv")
    (report.folder / "control.csv").write_text('"a"\n"=1+1"\n"text"\n')
    return report.folder


def table_of_payloads() -> pd.DataFrame:
    return pd.DataFrame({"text": PAYLOADS, "type": pd.Categorical(PAYLOADS), "number": range(-5, len(PAYLOADS) - 5)})


@pytest.fixture(scope="module", params=["told UTF-8", "told nothing"])
def opened(
    request: pytest.FixtureRequest, written: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[list[ET.Element]]]:
    """What LibreOffice makes of each file: the cells of each row. Told nothing, it may take UTF-8 for Windows-1252."""
    if SOFFICE is None:
        pytest.skip("no LibreOffice found")
    folder = tmp_path_factory.mktemp("opened")
    told = ["--infilter=CSV:44,34,76"] if request.param == "told UTF-8" else []
    command = [
        SOFFICE,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        *told,
        "--convert-to",
        "fods",
    ]
    files = sorted(map(str, written.glob("*.csv")))
    subprocess.run([*command, "--outdir", str(folder), *files], check=True, capture_output=True, timeout=300)
    return {path.stem: list(rows_of(path)) for path in folder.glob("*.fods")}


def rows_of(path: Path) -> Iterator[list[ET.Element]]:
    for row in ET.parse(path).iter(f"{TABLE}table-row"):  # noqa: S314  # made from our own file
        cells = []
        for cell in row.findall(f"{TABLE}table-cell"):
            cells += [cell] * int(cell.get(f"{TABLE}number-columns-repeated", "1"))
        while cells and len(cells[-1]) == 0 and not cells[-1].get(f"{OFFICE}value-type"):
            cells.pop()
        for _ in range(int(row.get(f"{TABLE}number-rows-repeated", "1")) if cells else 0):
            yield cells


def seen(text: str) -> str:
    """Give what a format of XML keeps of a text: not its controls, and not how wide its spaces are."""
    return "".join(char for char in text if unicodedata.category(char)[0] not in "CZ")


def test_hundreds_of_payloads_come_back_as_they_were(written: Path) -> None:
    assert len(set(PAYLOADS)) > 1000
    read = export.read_csv(written / "payloads.csv")
    assert read["text"].tolist() == PAYLOADS
    assert read["type"].tolist() == PAYLOADS


def test_no_payload_is_a_formula_and_each_is_shown_as_text(opened: dict[str, list[list[ET.Element]]]) -> None:
    live = [cell for row in opened["control"] for cell in row if cell.get(f"{TABLE}formula")]
    assert len(live) == 1, "a file of other hands holds one: the check can see it"
    for name, rows in opened.items():
        formulas = [cell.get(f"{TABLE}formula") for row in rows for cell in row if cell.get(f"{TABLE}formula")]
        assert formulas == [] or name == "control", name
    shown = opened["payloads"][1:]
    assert len(shown) == len(PAYLOADS)
    assert {cell.get(f"{OFFICE}value-type") for row in shown for cell in row[:2]} == {"string"}
    texts = [seen("".join(row[0].itertext())) for row in shown]
    assert all(text.startswith("'") for text in texts)
    if "＝1+1" in "".join(texts):  # it was read as UTF-8
        assert texts == [seen(cells.neutralise(text)) for text in PAYLOADS]


@pytest.mark.skipif(SOFFICE is None, reason="no LibreOffice found")
def test_no_payload_is_a_formula_where_the_file_is_split_at_semicolons(tmp_path: Path) -> None:
    parted = [f"{before}{mark}{text}{after}" for text in PAYLOADS[::7] for before, mark, after in PARTED]
    table = pd.DataFrame({"n": range(len(parted)), "a": parted, "b": parted[1:] + parted[:1]})
    export.write_csv(table, tmp_path / "parted.csv")
    (tmp_path / "control.csv").write_text('"n","a"\n1,"x;=1+1"\n')
    command = [SOFFICE, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"]
    command += ["--infilter=CSV:59,34,76", "--convert-to", "fods", "--outdir", str(tmp_path)]
    files = [str(tmp_path / name) for name in ("parted.csv", "control.csv")]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=300)
    n_live = {
        name: sum(cell.get(f"{TABLE}formula") is not None for row in rows_of(tmp_path / f"{name}.fods") for cell in row)
        for name in ("parted", "control")
    }
    assert n_live == {"parted": 0, "control": 1}
    assert export.read_csv(tmp_path / "parted.csv")["a"].tolist() == parted


def test_negative_numbers_stay_numbers_and_are_not_neutralised(opened: dict[str, list[list[ET.Element]]]) -> None:
    numbers = [row[2] for row in opened["payloads"][1:]]
    assert {cell.get(f"{OFFICE}value-type") for cell in numbers} == {"float"}
    assert [cell.get(f"{OFFICE}value") for cell in numbers[:7]] == ["-5", "-4", "-3", "-2", "-1", "0", "1"]


def test_every_file_for_excel_opens_with_its_columns_and_rows(
    written: Path, opened: dict[str, list[list[ET.Element]]]
) -> None:
    files = [path for path in written.glob("*.csv") if path.stem not in ("payloads", "control")]
    assert len(files) > 30
    for path in files:
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        table = export.read_csv(path)
        header, *rows = opened[path.stem]
        names = ["".join(cell.itertext()).strip() for cell in header]
        assert names[1:] == list(table.columns[1:]), path.name
        assert names[0].removeprefix(BOM_MISREAD).strip('"') == table.columns[0], path.name
        assert max(map(len, rows), default=0) <= len(table.columns), path.name
        assert len(rows) == len(table), path.name
