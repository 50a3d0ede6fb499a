"""Stuck jobs, against a plain loop."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from small_jobs import small_jobs

from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import stuck_jobs

NOW = pd.Timestamp("2026-06-01 12:00", tz="UTC")


def jobs_of(kind: str, durations: list[float], ages: list[float]) -> pd.DataFrame:
    n = len(durations)
    created = [NOW - pd.Timedelta(days=9)] * n + [NOW - pd.Timedelta(seconds=age) for age in ages]
    return pd.DataFrame(
        {
            "job_id": [f"{kind}{place}" for place in range(n + len(ages))],
            "status": ["COMPLETED"] * n + ["RUNNING"] * len(ages),
            "outcome": ["matched"] * n + ["unfinished"] * len(ages),
            "configuration_id": kind,
            "created_at": pd.Series(created).dt.as_unit("us"),
            "duration_s": durations + [np.nan] * len(ages),
        }
    )


def test_a_job_is_stuck_beyond_the_longest_of_its_own_kind() -> None:
    jobs = pd.concat([jobs_of("fast", [1.0] * 20, [2.0, 0.5, 1.0]), jobs_of("slow", [60.0] * 20, [50.0, 61.0])])
    table = stuck_jobs(jobs, as_of=NOW)
    assert table["job_id"].tolist() == ["fast20", "slow21"]
    assert table["longest_s"].tolist() == [1.0, 60.0]
    assert table["beyond_s"].tolist() == [1.0, 1.0]
    assert table["n"].tolist() == [20, 20]


def test_a_kind_with_few_finished_jobs_is_compared_with_all() -> None:
    jobs = pd.concat([jobs_of("fast", [1.0] * 19, [2.0, 61.0]), jobs_of("slow", [60.0] * 20, [])])
    table = stuck_jobs(jobs, as_of=NOW)
    assert table[["job_id", "basis", "n", "longest_s"]].to_numpy().tolist() == [["fast20", "all jobs", 39, 60.0]]


def test_without_a_finished_job_none_is_called_stuck() -> None:
    assert len(stuck_jobs(jobs_of("x", [], [1e9]), as_of=NOW)) == 0


def test_a_job_without_a_time_of_creation_is_not_judged() -> None:
    jobs = jobs_of("x", [1.0], [99.0, 99.0])
    jobs.loc[1, "created_at"] = pd.NaT
    assert stuck_jobs(jobs, as_of=NOW)["job_id"].tolist() == ["x2"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plain_loop_finds_the_same_jobs(seed: int) -> None:
    jobs = small_jobs(300, seed)
    as_of = pd.Timestamp("2026-03-20", tz="UTC")
    table = stuck_jobs(jobs, as_of=as_of)
    finished = jobs[(jobs["outcome"] != "unfinished") & jobs["duration_s"].notna()]
    expected = {}
    for row in jobs[jobs["outcome"] == "unfinished"].itertuples():
        same = finished["configuration_id"] == row.configuration_id
        same &= finished["rule_set"].isna() if pd.isna(row.rule_set) else finished["rule_set"] == row.rule_set
        peers = finished[same] if same.sum() >= 20 else finished
        beyond = (as_of - row.created_at).total_seconds() - peers["duration_s"].max()
        if beyond > 0:
            expected[row.job_id] = (beyond, len(peers))
    assert len(expected) > 2
    found = dict(zip(table["job_id"], zip(table["beyond_s"], table["n"], strict=True), strict=True))
    assert found.keys() == expected.keys()
    assert all(found[job] == pytest.approx(expected[job]) for job in expected)


@pytest.mark.parametrize("as_of", ["2026-06-01 12:00", dt.datetime(2026, 6, 1, 12), "2026-06-01T14:00+02:00"])
def test_a_time_without_a_zone_is_utc(as_of: object) -> None:
    jobs = jobs_of("x", [1.0] * 20, [2.0])
    pd.testing.assert_frame_equal(stuck_jobs(jobs, as_of=as_of), stuck_jobs(jobs, as_of=NOW))


@pytest.mark.parametrize("as_of", ["soon", None, pd.NaT, [1]])
def test_what_is_no_time_is_refused_by_name(as_of: object) -> None:
    with pytest.raises(ArgumentError, match=r"^as_of is .*write it like '2026-01-31'"):
        stuck_jobs(jobs_of("x", [1.0], [2.0]), as_of=as_of)
