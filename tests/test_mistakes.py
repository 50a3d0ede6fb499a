"""The likeliest mistakes: each is told what happened, what came, and what to do instead."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import exceptions, metrics, plots
from llama_classify_nb.demo import DemoServer


class Case(NamedTuple):
    """What a mistake is made with."""

    jobset: lcn.JobSet
    labels: pd.DataFrame
    client: lcn.Client
    folder: Path

    @property
    def jobs(self) -> pd.DataFrame:
        return self.jobset.jobs


@pytest.fixture
def case(sample: lcn.JobSet, sample_labels: pd.DataFrame, tmp_path: Path) -> Case:
    """The bundled jobs and labels, a client of nobody, and files that aren't what they are taken for."""
    (tmp_path / "ids.csv").write_text("job_id,status\na,COMPLETED\n")
    (tmp_path / "jobs.json").write_text("job_id,status\na,COMPLETED\n")
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    (tmp_path / "no_header.csv").write_text("a,invoice\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder").mkdir()
    return Case(sample, sample_labels, lcn.Client("llx-nobody", base_url="http://127.0.0.1:9"), tmp_path)


@pytest.fixture(scope="module")
def sample_labels() -> pd.DataFrame:
    """The bundled labels."""
    return lcn.load_sample_labels()


Mistake = Callable[[Case], Any]
# What was done; which error comes; what it must say: what came, and what to do.
MISTAKES: dict[str, tuple[Mistake, type[Exception], tuple[str, ...]]] = {
    "no key": (lambda _: lcn.fetch_jobs(["a"]), exceptions.ArgumentError, ("no key", "set LLAMA_CLOUD_API_KEY")),
    "a region that isn't one": (
        lambda _: lcn.Client("llx-a", region="europe"),
        exceptions.ArgumentError,
        ("region is 'europe'", "'us', 'eu'"),
    ),
    "a key in place of a client": (
        lambda _: lcn.fetch_jobs(["a"], client="llx-secret"),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("client is a str", "give a Client"),
    ),
    "ids: a table": (
        lambda case: lcn.fetch_jobs(case.folder / "ids.csv", client=case.client),
        exceptions.ReadError,
        ("ids.csv", "'job_id,status'", "pandas.read_csv(path)['job_id']"),
    ),
    "ids: a folder": (
        lambda case: lcn.fetch_jobs(case.folder, client=case.client),
        exceptions.ReadError,
        ("a folder", "an id a line"),
    ),
    "ids: no such file": (
        lambda case: lcn.fetch_jobs("ids.txt", client=case.client),
        exceptions.ArgumentError,
        ("'ids.txt'", "no such file", "a list of ids"),
    ),
    "ids: numbers": (
        lambda case: lcn.fetch_jobs([17], client=case.client),
        exceptions.ArgumentError,
        ("position 0 is 17, of int", "dtype=str"),
    ),
    "ids: a frame": (
        lambda case: lcn.fetch_jobs(case.jobs, client=case.client),
        exceptions.ArgumentError,
        ("DataFrame", "frame['job_id']"),
    ),
    "a date that begins with the day": (
        lambda case: lcn.fetch_jobs(created_after="01.02.2026", client=case.client),
        exceptions.ArgumentError,
        ("created_after is '01.02.2026'", "'2026-01-31'"),
    ),
    "a period the wrong way round": (
        lambda case: lcn.fetch_jobs(created_after="2026-03-01", created_before="2026-02-01", client=case.client),
        exceptions.ArgumentError,
        ("created_after is 2026-03-01", "later than created_before", "swap them"),
    ),
    "a status that isn't one": (
        lambda case: lcn.fetch_jobs(status="done", client=case.client),
        exceptions.ArgumentError,
        ("status is 'done'", "COMPLETED"),
    ),
    "an archive in a folder that isn't there": (
        lambda case: lcn.fetch_jobs(["a"], client=case.client, archive=case.folder / "no" / "jobs.db"),
        exceptions.ArchiveError,
        ("jobs.db", "No such file or directory", "its folder must be there"),
    ),
    "an archive that is a CSV file": (
        lambda case: lcn.fetch_jobs(["a"], client=case.client, archive=case.folder / "ids.csv"),
        exceptions.ArchiveError,
        ("ids.csv", "not an archive", "give another path"),
    ),
    "jobs: no such file": (lambda _: lcn.read_jobs("jobs.jsonl"), exceptions.ReadError, ("jobs.jsonl: no such file",)),
    "a CSV file opened as JSON": (
        lambda case: lcn.read_jobs(case.folder / "jobs.json"),
        exceptions.ReadError,
        ("neither JSON", "begins with 'job_id,status'", "read_csv", "fetch_jobs"),
    ),
    "jobs: an empty file": (
        lambda case: lcn.read_jobs(case.folder / "empty.csv"),
        exceptions.ReadError,
        ("empty.csv", "it is empty"),
    ),
    "jobs: a folder without any": (
        lambda case: lcn.read_jobs(case.folder / "folder"),
        exceptions.ReadError,
        ("holds no file of jobs", ".jsonl"),
    ),
    "jobs: a dict": (
        lambda _: lcn.read_jobs({"id": "a"}),
        exceptions.ArgumentError,
        ("path is a dict", "file or folder"),
    ),  # type: ignore[arg-type]
    "labels: a spreadsheet": (
        lambda case: lcn.read_labels(case.folder / "labels.xlsx"),
        exceptions.ReadError,
        ("labels.xlsx", "not text in UTF-8", "save it as CSV UTF-8"),
    ),
    "labels: no header": (
        lambda case: lcn.read_labels(case.folder / "no_header.csv"),
        exceptions.ReadError,
        ("no column is called 'label'", "its first line says: a, invoice"),
    ),
    "labels: a folder": (
        lambda case: lcn.read_labels(case.folder),
        exceptions.ReadError,
        ("a folder", "give the path of a CSV file"),
    ),
    "labels that match no job": (
        lambda case: metrics.accuracy(case.jobs, case.labels.assign(job_id="x" + case.labels["job_id"])),
        exceptions.ArgumentError,
        ("none of its 5,844 values of job_id is in jobs", "for example 'x", "jobs holds such as"),
    ),
    "labels: a path": (
        lambda case: metrics.accuracy(case.jobs, "labels.csv"),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("labels must be a DataFrame, not str", "read_labels"),
    ),
    "a threshold without labels": (
        lambda case: metrics.precision_threshold(case.jobs, None),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("not NoneType", "read_labels"),
    ),
    "a pilot that nobody has labelled": (
        lambda case: metrics.audit_plan(case.jobs, pilot=metrics.draw_sample(case.jobs, metrics.audit_plan(case.jobs))),
        exceptions.ArgumentError,
        ("pilot lacks the column 'label'", "its columns are: job_id"),
    ),
    "a plan of other jobs": (
        lambda case: metrics.draw_sample(case.jobs.head(100), metrics.audit_plan(case.jobs)),
        exceptions.ArgumentError,
        ("plan is of other jobs", "pass the table that audit_plan was given"),
    ),
    "one of several configurations, by a name that none has": (
        lambda case: metrics.flips(case.jobs, "cfg-logreg", "cfg-naivebayes-10types"),
        exceptions.ArgumentError,
        ("a is 'cfg-logreg'", "there are: 'cfg-logreg-10types', 'cfg-logreg-8types'"),
    ),
    "a JobSet in place of its jobs": (
        lambda case: metrics.type_breakdown(case.jobset),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("not JobSet", "pass its .jobs"),
    ),
    "a JobSet in place of its jobs, drawn": (
        lambda case: plots.type_breakdown(case.jobset),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("not JobSet", "pass its .jobs"),
    ),
    "jobs in place of their JobSet": (
        lambda case: lcn.explore(case.jobs),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("jobset is a DataFrame", "give a JobSet"),
    ),
    "a dict in place of a JobSet": (
        lambda case: lcn.write_report({}, case.folder / "report"),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("jobset is a dict", "give a JobSet"),
    ),
    "jobs in place of rules": (
        lambda case: metrics.rule_lint(case.jobset),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("not JobSet", "pass its .rules"),
    ),
    "by: a column that isn't there": (
        lambda case: metrics.type_breakdown(case.jobs, by="configuration"),
        exceptions.ArgumentError,
        ("by is 'configuration'", "configuration_id"),
    ),
    "a percentage in place of a share": (
        lambda case: metrics.precision_threshold(case.jobs, case.labels, target=95),
        exceptions.ArgumentError,
        ("target is 95", "such as 0.95"),
    ),
    "percentage points in place of a share": (
        lambda case: metrics.audit_plan(case.jobs, margin=3),
        exceptions.ArgumentError,
        ("margin is 3", "such as 0.03"),
    ),
    "percentages of confidence": (
        lambda case: metrics.select_jobs(case.jobs, confidence=(50, 100)),
        exceptions.ArgumentError,
        ("confidence holds 50", "such as 0.95"),
    ),
    "times without a zone": (
        lambda case: metrics.jobs_over_time(case.jobs.assign(created_at=case.jobs["created_at"].dt.tz_localize(None))),
        exceptions.ArgumentError,
        ("'created_at' is datetime64[us]", "pd.to_datetime(..., utc=True)"),
    ),
    "times as texts": (
        lambda case: metrics.jobs_over_time(case.jobs.assign(created_at="2026-02-01")),
        exceptions.ArgumentError,
        ("'created_at'", "pd.to_datetime(..., utc=True)"),
    ),
    "one day in place of a period": (
        lambda case: metrics.select_jobs(case.jobs, created="2026-02-01"),  # type: ignore[arg-type]
        exceptions.ArgumentError,
        ("created is '2026-02-01'", "a pair"),
    ),
    "an outcome that isn't one": (
        lambda case: metrics.select_jobs(case.jobs, outcomes="success"),
        exceptions.ArgumentError,
        ("'success'", "matched, no_match"),
    ),
    "a review by nobody": (
        lambda case: lcn.review(case.jobset, labels=case.folder / "new.csv", reviewer=" "),
        exceptions.ArgumentError,
        ("reviewer is ' '", "reviewer='kim'"),
    ),
    "a review into somebody else's file": (
        lambda case: lcn.review(case.jobset, labels=case.folder / "ids.csv", reviewer="kim"),
        exceptions.LabelLogError,
        ("ids.csv", "no log of labels", "Give the path of a new file"),
    ),
    "a report into a full folder": (
        lambda case: lcn.write_report(case.jobset, case.folder),
        exceptions.ArgumentError,
        ("holds something else than a report", "Give another folder"),
    ),
    "a report that isn't there": (
        lambda case: lcn.verify_report(case.folder / "report"),
        exceptions.ReadError,
        ("report is no report", "manifest.json"),
    ),
    "a Figure in place of Axes": (
        lambda case: plots.type_breakdown(case.jobs, ax=_figure()),
        exceptions.ArgumentError,
        ("not Figure", "one of its .axes"),
    ),
}


def _figure() -> Any:
    from matplotlib.figure import Figure

    return Figure()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_what_came_and_what_to_do(name: str, case: Case) -> None:
    make, kind, said = MISTAKES[name]
    with pytest.raises(kind) as caught:
        make(case)
    message = str(caught.value)
    assert not [words for words in said if words not in message], message
    assert "secret" not in message
    assert len(message) < 600


def test_a_key_of_another_region_is_told_so(server: DemoServer) -> None:
    wrong = lcn.Client("llx-other", base_url=server.base_url)
    (problem,) = lcn.fetch_jobs(server.job_ids[:1], client=wrong, progress=False).problems.to_dict("records")
    assert problem["kind"] == "unauthorized"
    assert "another region or project" in problem["message"]
    assert "check the key, region= and project_id=" in problem["message"]


def test_a_header_over_ids_is_no_id(server: DemoServer, client: lcn.Client, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"Job ID\n{server.job_ids[0]}\n")
    jobset = lcn.fetch_jobs(tmp_path / "ids.txt", client=client, progress=False)
    assert (len(jobset.jobs), len(jobset.problems)) == (1, 0)


def test_a_type_that_no_job_has_is_told(sample: lcn.JobSet) -> None:
    with pytest.warns(UserWarning, match="types holds 'Invoice', which none of these jobs has; there are: 'advert"):
        assert metrics.select_jobs(sample.jobs, types="Invoice").empty


def test_no_jobs_are_no_mistake(sample: lcn.JobSet) -> None:
    none = metrics.select_jobs(sample.jobs, confidence=(0, 0))
    assert metrics.type_breakdown(none)["count"].sum() == 0
    assert "no jobs" in plots.type_breakdown(none, ax=_figure().subplots()).texts[0].get_text()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nobody write to a folder, not even root."""
    folder.chmod(0o500)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no mode there")
@pytest.mark.parametrize(
    ("write", "kind", "said"),
    [
        (lambda _, name: lcn.Archive(name), exceptions.ArchiveError, "can't be made: Permission denied; its folder"),
        (lambda case, name: lcn.write_csv(case.jobset.rules, name), PermissionError, "Permission denied: "),
        (
            lambda case, name: lcn.review(case.jobset, labels=name, reviewer="kim"),
            exceptions.LabelLogError,
            "can't be written: Permission denied; nothing was saved",
        ),
    ],
)
def test_a_folder_that_may_not_be_written_to_is_named(
    write: Callable[[Case, Path], Any], kind: type[Exception], said: str, case: Case
) -> None:
    write(case, case.folder / "folder" / "first")  # whatever it imports must be there before: nobody may read that
    with locked(case.folder / "folder"), pytest.raises(kind) as caught:
        write(case, case.folder / "folder" / "second")
    assert said in str(caught.value)
    assert str(case.folder / "folder" / "second") in str(caught.value)


def run(script: str) -> str:
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def test_an_old_pandas_is_told_how_to_be_renewed() -> None:
    said = run("import pandas; pandas.__version__ = '2.1.4'; import llama_classify_nb as lcn; lcn.load_sample()")
    assert "ImportError: pandas 2.1.4 is installed" in said
    assert re.search(r"pip install -U 'pandas>=2\.2', then restart the kernel", said)
