"""What every metric keeps to."""

from __future__ import annotations

import gzip
import inspect
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_jobs import small_jobs, some_labels, some_rules

from llama_classify_nb import frames, metrics
from llama_classify_nb.exceptions import ArgumentError

ROOT = Path(__file__).parents[1]
#: Two halves of the time that all jobs of the tests were made in: the sides of a comparison.
HALVES = {"a": (None, "2026-02-20"), "b": ("2026-02-20", None), "by": "created_at"}
OF_NO_JOBS = ("wilson", "clopper_pearson", "reviewer_agreement", "rule_lint", "rule_diff")
TABLES = [name for name in metrics.__all__ if name not in OF_NO_JOBS]
GROUPED = [
    "type_breakdown",
    "status_breakdown",
    "confidence_distribution",
    "jobs_over_time",
    "durations",
    "costs",
    "failure_rates",
]
WITHOUT_OUTCOME = ("select_jobs", "jobs_over_time", "search", "pages_in_scope", "rule_sets")
#: Those that give the jobs or words in which something is found, and may find none.
FINDERS = ("label_suspects", "reasoning_terms", "reasoning_contradictions", "cost_curve", "flips", "flip_flow")


@pytest.fixture(scope="module")
def jobs() -> pd.DataFrame:
    return frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs


@pytest.fixture(scope="module")
def odd_jobs() -> pd.DataFrame:
    return frames.read_tables([(ROOT / "tests/data/edge_cases.jsonl").read_bytes()]).jobs


def call(name: str, jobs: pd.DataFrame, **arguments: object) -> pd.DataFrame:
    wanted = inspect.signature(getattr(metrics, name)).parameters
    if "labels" in wanted:
        arguments = {"labels": some_labels(jobs), **arguments}
    if "rules" in wanted and wanted["rules"].default is inspect.Parameter.empty:
        arguments = {"rules": some_rules(jobs), **arguments}
    if "query" in wanted:
        arguments = {"query": "because OR page OR memo OR total OR has", **arguments}
    if "plan" in wanted and name == "draw_sample":
        arguments = {"plan": metrics.audit_plan(jobs, margin=0.1), **arguments}
    if "a" in wanted:
        arguments = {**HALVES, **arguments}
    if "n_permutations" in wanted:
        arguments = {"n_permutations": 99, **arguments}
    if "as_of" in wanted:
        arguments = {"as_of": "2026-06-01", **arguments}
    return getattr(metrics, name)(jobs, **arguments)


# What all keep to


@pytest.mark.parametrize("name", TABLES)
def test_a_metric_leaves_its_table_as_it_is(name: str) -> None:
    jobs = small_jobs()
    before = jobs.copy(deep=True)
    result = call(name, jobs)
    result[result.columns[0]] = None
    pd.testing.assert_frame_equal(jobs, before)


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_has_the_columns_and_dtypes_of_a_full_one(name: str, jobs: pd.DataFrame) -> None:
    full, empty = call(name, jobs), call(name, jobs.iloc[:0])
    assert list(empty.dtypes.items()) == list(full.dtypes.items())


@pytest.mark.parametrize("name", GROUPED)
def test_a_grouped_metric_of_no_jobs_has_no_rows_and_the_same_dtypes(name: str, jobs: pd.DataFrame) -> None:
    full, empty = call(name, jobs, by="mode"), call(name, jobs.iloc[:0], by="mode")
    assert len(empty) == 0
    assert list(empty.dtypes.items()) == list(full.dtypes.items())


@pytest.mark.parametrize("name", [name for name in TABLES if name != "select_jobs"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_rows_changes_nothing(name: str, seed: int) -> None:
    jobs = small_jobs(200)
    shuffled = jobs.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(call(name, shuffled), call(name, jobs), check_exact=True)


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("by", ["rule_set", "job_id", "duration_s"])
def test_each_group_gives_the_rows_that_its_jobs_give_alone(name: str, by: str) -> None:
    if name == "costs" and by == "job_id":
        by = "configuration_id"
    if name == "durations" and by == "duration_s":
        by = "confidence"
    jobs = small_jobs()
    if name == "jobs_over_time":
        grouped = call(name, jobs, by=by)
        assert grouped["count"].sum() == len(jobs)
        return
    grouped = call(name, jobs, by=by)
    for value, part in grouped.groupby(by, dropna=False, observed=True):
        own = jobs[jobs[by].isna() if pd.isna(value) else jobs[by] == value]
        alone = call(name, own)
        if name == "status_breakdown":
            part, alone = (one[one["count"] > 0] for one in (part, alone))
        pd.testing.assert_frame_equal(
            part[alone.columns].reset_index(drop=True), alone.reset_index(drop=True), check_categorical=False
        )


@pytest.mark.parametrize("name", GROUPED)
def test_groups_are_sorted_and_the_missing_one_is_last(name: str) -> None:
    groups = call(name, small_jobs(), by="rule_set")["rule_set"].drop_duplicates()
    assert [None if pd.isna(group) else group for group in groups] == ["r1", "r2", None]


@pytest.mark.parametrize("name", TABLES)
def test_what_is_not_a_table_is_refused_by_name(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"^jobs must be a DataFrame, not list; .* \.jobs$"):
        call(name, [])


@pytest.mark.parametrize("name", [name for name in TABLES if name != "select_jobs"])
def test_a_missing_column_is_named(name: str, jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="jobs lacks the column"):
        call(name, jobs[["extra"]])


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize(
    ("by", "message"), [("nowhere", "'nowhere'.* not a column"), (["a"], "not list"), (3, "not int")]
)
def test_a_wrong_by_is_refused(name: str, by: object, message: str, jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=f"^by .*{message}"):
        call(name, jobs, by=by)


@pytest.mark.parametrize(("name", "by"), [("type_breakdown", "type"), ("status_breakdown", "outcome")])
def test_by_can_not_be_a_column_that_the_table_has_already(name: str, by: str, jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="has a column for already"):
        call(name, jobs, by=by)


@pytest.mark.parametrize("name", [name for name in TABLES if name not in WITHOUT_OUTCOME])
def test_an_unknown_outcome_is_refused_not_dropped(name: str) -> None:
    jobs = small_jobs()
    with pytest.raises(ArgumentError, match=r"'lost'.*matched, no_match"):
        call(name, jobs.assign(outcome=jobs["outcome"].astype(object).where(jobs.index != 5, "lost")))
    with pytest.raises(ArgumentError, match="outcome"):
        call(name, jobs.assign(outcome=jobs["outcome"].where(jobs.index != 5)))


@pytest.mark.parametrize("name", TABLES)
def test_everything_after_jobs_is_named(name: str) -> None:
    first, *rest = inspect.signature(getattr(metrics, name)).parameters.values()
    assert first.name == "jobs"
    if rest and rest[0].name in ("labels", "plan", "rules", "query"):
        del rest[0]
    if [one.name for one in rest[:2]] == ["a", "b"]:
        del rest[:2]
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in rest)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "select_jobs"])
def test_the_docstring_names_every_column(name: str, jobs: pd.DataFrame) -> None:
    text = inspect.getdoc(getattr(metrics, name)) or ""
    missing = [column for column in call(name, jobs).columns if f"``{column}``" not in text]
    assert not missing or (name == "jobs_over_time" and missing == ["outcome"])


def test_metrics_load_no_picture_widget_or_network() -> None:
    code = (
        "import sys, llama_classify_nb.metrics\n"
        "print([one for one in ('matplotlib', 'ipywidgets', 'httpx') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", TABLES)
def test_awkward_jobs_are_taken(name: str, odd_jobs: pd.DataFrame) -> None:
    assert len(call(name, odd_jobs)) > 0 or name in FINDERS
