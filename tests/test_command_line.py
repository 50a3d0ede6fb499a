"""The command line: the main job in one command, and the same against a service of one's own."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import export
from llama_classify_nb.__main__ import main
from llama_classify_nb.demo import DemoServer, sample_jobs

pytestmark = pytest.mark.usefixtures("no_pixels")


def test_demo_fetches_all_jobs_tells_what_they_say_and_writes_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["demo", "--out", str(tmp_path / "report"), "--archive", str(tmp_path / "jobs.db")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    for line in (
        "    5,529   92.3%  matched",
        "      978   16.9%  email",
        "       17    8.9%  FileNotDecryptedError: File has not been decrypted",
    ):
        assert line in out.split("\n")
    assert f"files in {tmp_path / 'report'}" in out
    assert "5,992 jobs and 0 problems" in err
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {
        "jobs.csv",
        "rules.csv",
        "problems.csv",
        "columns.csv",
        "type_breakdown.csv",
        "failure_templates.csv",
    } <= names
    assert {"confidence_distribution.png", "type_breakdown.png", "failure_templates.png"} <= names
    assert len(export.read_csv(tmp_path / "report" / "jobs.csv")) == 5_992

    assert main(command) == 0
    assert "5,978 finished jobs were in the archive: no request was made for them" in capsys.readouterr().out


def test_fetch_and_report_work_against_a_service_named_by_the_environment(
    server: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLAMA_CLOUD_API_KEY", server.api_key)
    monkeypatch.setenv("LLAMA_CLOUD_BASE_URL", server.base_url)
    ids, archive = tmp_path / "ids.txt", str(tmp_path / "jobs.db")
    ids.write_text("\n".join([*server.job_ids[:30], "nobody"]))
    assert main(["fetch", "--ids", str(ids), "--archive", archive]) == 1
    out = capsys.readouterr().out
    assert "Asked for, but not had\n        1         not_found" in out
    assert main(["report", archive, "--out", str(tmp_path / "report")]) == 0
    assert len(export.read_csv(tmp_path / "report" / "jobs.csv")) == 30


def test_fetch_takes_filters(
    server: DemoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LLAMA_CLOUD_API_KEY", server.api_key)
    archive = str(tmp_path / "jobs.db")
    command = ["fetch", "--archive", archive, "--base-url", server.base_url, "--status", "FAILED", "--limit", "1"]
    assert main(command) == 0
    assert lcn.read_jobs(archive).jobs["status"].tolist() == ["FAILED"]
    assert "1 job and 0 problems" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["fetch", "--archive", "jobs.db"], "no key: set LLAMA_CLOUD_API_KEY in the environment, or in Python"),
        (["report", "nowhere.db"], "nowhere.db: no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("llama-classify-nb: ")
    assert says in err
    assert err.count("\n") == 1


def test_hostile_words_do_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = json.loads(sample_jobs()[0])
    result = {"type": "\x1b]0;owned\x07", "confidence": 1, "reasoning": ""}
    failed = {**job, "id": "b", "status": "FAILED", "error_message": "\x1b[2J\u202eevil"}
    (tmp_path / "jobs.json").write_text(json.dumps([{**job, "status": "COMPLETED", "result": result}, failed]))
    assert main(["report", str(tmp_path / "jobs.json"), "--out", str(tmp_path / "report")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "owned" in out


def test_a_table_on_standard_output_is_utf_8_whatever_the_terminal_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"type": "größe", "confidence": 1, "reasoning": "請求書"}
    job = {**json.loads(sample_jobs()[0]), "status": "COMPLETED", "result": result}
    (tmp_path / "jobs.json").write_text(json.dumps([job]))
    written = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", written)
    command = ["report", str(tmp_path / "jobs.json"), "--out", str(tmp_path / "report"), "--quiet", "--csv", "-"]
    assert main(command) == 0
    assert written.buffer.getvalue() == (tmp_path / "report" / "jobs.csv").read_bytes()


@pytest.mark.parametrize("command", [[], ["demo"], ["fetch"], ["report"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: llama-classify-nb" in capsys.readouterr().out
