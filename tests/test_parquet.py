"""Parquet: back without a loss, and read by engines that aren't ours, with the types that the schema says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import schema
from llama_classify_nb.exceptions import ArgumentError, ReadError

DATA = Path(__file__).parent / "data"
KINDS = {
    "str": "text",
    "category": "text",
    "float64": "float",
    "Int64": "int64",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
    "datetime64[us, UTC]": "time",
}
DUCKDB = {
    "VARCHAR": "text",
    "DOUBLE": "float",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "time",
}


@pytest.fixture(scope="module")
def jobset() -> lcn.JobSet:
    """Awkward jobs, some of them without a time of creation."""
    found = lcn.read_jobs(DATA / "edge_cases.jsonl")
    assert found.jobs["created_at"].isna().any()
    assert len(found.problems)
    return found


def tables(jobset: lcn.JobSet) -> dict[str, pd.DataFrame]:
    return {"jobs": jobset.jobs, "rules": jobset.rules, "problems": jobset.problems}


def test_tables_come_back_as_they_were(jobset: lcn.JobSet, tmp_path: Path) -> None:
    jobset.to_parquet(tmp_path)
    for name, table in tables(lcn.read_jobs(tmp_path)).items():
        pd.testing.assert_frame_equal(table, tables(jobset)[name])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs.parquet", "problems.parquet", "rules.parquet"]


def test_no_jobs_come_back_with_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_bytes(b"\n")
    nothing = lcn.read_jobs(path)
    nothing.to_parquet(tmp_path / "a")
    nothing.to_parquet(tmp_path / "b", partition_by="month")
    pd.testing.assert_frame_equal(lcn.read_jobs(tmp_path / "a").jobs, nothing.jobs)
    pd.testing.assert_frame_equal(lcn.read_jobs(tmp_path / "a").problems, nothing.problems)
    assert len(lcn.scan(tmp_path / "b")) == 0


def test_each_month_has_a_file_and_they_come_back_as_one_table(jobset: lcn.JobSet, tmp_path: Path) -> None:
    paths = jobset.to_parquet(tmp_path, partition_by="month")
    assert all(path.exists() for path in paths)
    names = {path.parent.name for path in (tmp_path / "jobs").rglob("*.parquet")}
    months = jobset.jobs["created_at"].dt.strftime("month=%Y-%m")
    assert names == {*months.dropna(), "month=__HIVE_DEFAULT_PARTITION__"}
    back = lcn.read_jobs(tmp_path)
    order = {"by": "job_id", "ignore_index": True}
    pd.testing.assert_frame_equal(back.jobs.sort_values(**order), jobset.jobs.sort_values(**order))
    pd.testing.assert_frame_equal(back.rules, jobset.rules)
    pd.testing.assert_frame_equal(back.problems, jobset.problems)


def test_duckdb_reads_every_column_with_its_type(jobset: lcn.JobSet, tmp_path: Path) -> None:
    duckdb: Any = pytest.importorskip("duckdb")
    jobset.to_parquet(tmp_path, partition_by="month")
    for name, columns in (("jobs", schema.JOBS), ("rules", schema.RULES), ("problems", schema.PROBLEMS)):
        source = f"{tmp_path}/jobs/*/*.parquet" if name == "jobs" else f"{tmp_path}/{name}.parquet"
        with duckdb.connect() as database:
            found = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [source]).fetchall()
            told = {column: DUCKDB[dtype] for column, dtype, *_ in found}
            assert told.pop("month", None) == ("text" if name == "jobs" else None)
            assert told == {column.name: KINDS[column.dtype] for column in columns}
    everything = [f"{tmp_path}/jobs/*/*.parquet"]
    with duckdb.connect() as database:
        query = "SELECT outcome, count(*), avg(confidence), max(created_at) FROM read_parquet(?) GROUP BY outcome"
        rows = database.execute(query, everything).fetchall()
        query = "SELECT count(*) FROM read_parquet(?) WHERE month IS NULL"
        months = database.execute(query, everything).fetchone()
    by_outcome = jobset.jobs.groupby("outcome", observed=True)
    assert {row[0]: row[1] for row in rows} == by_outcome.size().to_dict()
    means = {row[0]: float("nan") if row[2] is None else row[2] for row in rows}
    assert means == pytest.approx(by_outcome["confidence"].mean().to_dict(), nan_ok=True)
    newest = by_outcome["created_at"].max()
    assert {row[0]: row[3] for row in rows if row[3]} == newest.dropna().to_dict()
    assert months == (jobset.jobs["created_at"].isna().sum(),)


def test_polars_reads_every_column_with_its_type(jobset: lcn.JobSet, tmp_path: Path) -> None:
    pl: Any = pytest.importorskip("polars")
    jobset.to_parquet(tmp_path, partition_by="month")
    kinds = {pl.String: "text", pl.Categorical: "text", pl.Enum: "text", pl.Float64: "float", pl.Int64: "int64"}
    kinds |= {pl.Int32: "int32", pl.Boolean: "bool", pl.Datetime("us", "UTC"): "time"}
    for name, columns in (("jobs", schema.JOBS), ("rules", schema.RULES), ("problems", schema.PROBLEMS)):
        source = f"{tmp_path}/jobs/*/*.parquet" if name == "jobs" else f"{tmp_path}/{name}.parquet"
        frame = pl.scan_parquet(source).collect()
        told = {column: kinds.get(dtype) or kinds[dtype.base_type()] for column, dtype in frame.schema.items()}
        told.pop("month", None)
        assert told == {column.name: KINDS[column.dtype] for column in columns}
        if name == "jobs":
            counts = dict(frame.group_by("outcome").len().rows())
            assert counts == jobset.jobs["outcome"].value_counts().loc[lambda n: n > 0].to_dict()
            assert frame["confidence"].null_count() == jobset.jobs["confidence"].isna().sum()
            assert frame["reasoning"].sort().to_list() == pl.Series(jobset.jobs["reasoning"]).sort().to_list()


def test_the_files_hold_no_index_and_dictionaries_for_categories(jobset: lcn.JobSet, tmp_path: Path) -> None:
    jobset.to_parquet(tmp_path)
    found = pq.read_schema(tmp_path / "jobs.parquet")
    assert found.names == [column.name for column in schema.JOBS]
    assert pa.types.is_dictionary(found.field("type").type)
    assert found.field("created_at").type == pa.timestamp("us", "UTC")


def test_jobs_of_another_writer_are_read_and_what_they_lack_is_missing(jobset: lcn.JobSet, tmp_path: Path) -> None:
    some = jobset.jobs[["job_id", "outcome", "type", "confidence", "created_at"]].astype(
        {"outcome": str, "type": object}
    )
    some.to_parquet(tmp_path / "mine.parquet")
    back = lcn.read_jobs(tmp_path / "mine.parquet")
    assert list(back.jobs) == [column.name for column in schema.JOBS]
    assert back.jobs["rule_set"].isna().all()
    table, expected = (lcn.metrics.confidence_by_type(one) for one in (back.jobs, jobset.jobs))
    expected = expected[expected["n"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(table[table["n"] > 0].reset_index(drop=True), expected, check_categorical=False)


@pytest.mark.parametrize("content", [b"", b"PAR1 not at all"])
def test_what_is_no_parquet_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"odd\.parquet: can't be read as Parquet"):
        lcn.read_jobs(path)


def test_another_table_and_unknown_outcomes_are_named(jobset: lcn.JobSet, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "odd.parquet")
    with pytest.raises(ReadError, match="no table of jobs, rules or problems; it has the columns a"):
        lcn.read_jobs(tmp_path / "odd.parquet")
    pd.DataFrame({"job_id": ["a"], "outcome": ["lost"]}).to_parquet(tmp_path / "odd.parquet")
    with pytest.raises(ReadError, match="'lost', which is none of its categories"):
        lcn.read_jobs(tmp_path / "odd.parquet")
    with pytest.raises(ReadError, match="no such file"):
        lcn.read_jobs(tmp_path / "nowhere.parquet")


def test_jobs_of_before_are_never_left_beside_new_ones(jobset: lcn.JobSet, tmp_path: Path) -> None:
    jobset.to_parquet(tmp_path)
    jobset.to_parquet(tmp_path)
    with pytest.raises(ArgumentError, match="holds jobs from before"):
        jobset.to_parquet(tmp_path, partition_by="month")
    jobset.to_parquet(tmp_path / "months", partition_by="month")
    with pytest.raises(ArgumentError, match="holds jobs from before"):
        jobset.to_parquet(tmp_path / "months", partition_by="month")
    with pytest.raises(ArgumentError, match="partition_by is 'day'"):
        jobset.to_parquet(tmp_path / "days", partition_by="day")
