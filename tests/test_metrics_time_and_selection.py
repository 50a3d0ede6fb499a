"""Periods, durations and selections, against pandas, NumPy and plain loops."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_jobs import small_jobs

from llama_classify_nb import frames, metrics, schema
from llama_classify_nb.exceptions import ArgumentError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def jobs() -> pd.DataFrame:
    return frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs


def call(name: str, jobs: pd.DataFrame, **arguments: object) -> pd.DataFrame:
    return getattr(metrics, name)(jobs, **arguments)


@pytest.mark.parametrize(("freq", "rule"), [("h", "h"), ("D", "D"), ("W", "W-SUN"), ("M", "M")])
def test_periods_agree_with_those_of_pandas(freq: str, rule: str) -> None:
    jobs = small_jobs(300)
    table = metrics.jobs_over_time(jobs, freq=freq, by=None)
    naive = jobs["created_at"].dropna().dt.tz_localize(None)
    expected = naive.dt.to_period(rule).dt.start_time.value_counts().sort_index()
    dated = table[table["period"].notna()]
    found = dated[dated["count"] > 0]
    assert found["period"].dt.tz_localize(None).tolist() == expected.index.tolist()
    assert found["count"].tolist() == expected.tolist()
    starts = pd.period_range(naive.min(), naive.max(), freq=rule).start_time
    assert dated["period"].dt.tz_localize(None).tolist() == starts.tolist()


def test_jobs_without_a_time_are_counted_last() -> None:
    jobs = small_jobs()
    table = metrics.jobs_over_time(jobs)
    assert table["count"].sum() == len(jobs)
    undated = table[table["period"].isna()]
    assert undated["count"].sum() == jobs["created_at"].isna().sum() > 0
    assert undated.index[-1] == len(table) - 1


def test_times_before_1970_and_in_9999_have_their_periods() -> None:
    times = ["1969-12-31 23:00", "9999-12-31 23:59:59.999", "2026-01-05 00:00", "0001-01-01 00:00"]
    created = pd.Series(np.array(times, "datetime64[us]")).dt.tz_localize("UTC")
    for freq, first in {"h": "0001-01-01T00", "D": "0001-01-01", "W": "0001-01-01", "M": "0001-01-01"}.items():
        table = metrics.jobs_over_time(pd.DataFrame({"created_at": created}), freq=freq, by=None)
        assert table["count"].sum() == 4
        assert len(table) < 3000
        assert table["period"].iloc[0].tz_localize(None).to_datetime64() == np.datetime64(first)


def test_a_wrong_freq_or_a_column_of_texts_is_refused(jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"freq is 'Y'.*'D' \(day\)"):
        metrics.jobs_over_time(jobs, freq="Y")
    with pytest.raises(ArgumentError, match="'created_at'"):
        metrics.jobs_over_time(jobs.assign(created_at="2026-01-01"))


def test_durations_agree_with_numpy(jobs: pd.DataFrame) -> None:
    for row in metrics.durations(jobs, by="configuration_id").itertuples():
        own = jobs[(jobs["configuration_id"] == row.configuration_id) & (jobs["outcome"] != "unfinished")]
        values = own["duration_s"].dropna().to_numpy()
        expected = [len(values), values.mean(), *np.quantile(values, [0, 1])]
        assert [row.n, row.mean, row.min, row.max] == pytest.approx(expected, rel=1e-12)
        # A quantile is of a bin at most 1/256 wide.
        quantiles = np.quantile(values, [0.5, 0.9, 0.95])
        assert [row.median, row.q90, row.q95] == pytest.approx(quantiles, rel=1 / 256)


def test_durations_tell_how_many_are_missing() -> None:
    jobs = small_jobs()
    finished = jobs[jobs["outcome"] != "unfinished"]
    table = metrics.durations(jobs)
    assert table["n_missing"].item() == finished["duration_s"].isna().sum() > 0
    assert table["n"].item() + table["n_missing"].item() == len(finished)


def test_complementary_filters_share_out_the_jobs() -> None:
    jobs = small_jobs()
    middle = pd.Timestamp("2026-02-20", tz="UTC")
    pairs = [
        ({"outcomes": ["matched", "failed"]}, {"outcomes": set(schema.OUTCOMES) - {"matched", "failed"}}),
        ({"types": ["a", None]}, {"types": ["b", "c", "never"]}),
        ({"rule_sets": "r1"}, {"rule_sets": ["r2", pd.NA]}),
        ({"configuration_ids": ["k1"]}, {"configuration_ids": ["k2"]}),
    ]
    for one, other in pairs:
        kept = [*metrics.select_jobs(jobs, **one).index, *metrics.select_jobs(jobs, **other).index]
        assert sorted(kept) == list(jobs.index)
    early, late = (metrics.select_jobs(jobs, created=ends) for ends in ((None, middle), ("2026-02-20", None)))
    assert sorted([*early.index, *late.index]) == jobs.index[jobs["created_at"].notna()].tolist()
    low, high = (metrics.select_jobs(jobs, confidence=ends) for ends in ((0, 0.95), (0.95, 1)))
    assert sorted([*low.index, *high.index]) == jobs.index[jobs["confidence"].notna()].tolist()


def test_all_filters_must_match_as_in_a_plain_loop() -> None:
    jobs = small_jobs(300)
    chosen = metrics.select_jobs(
        jobs, outcomes="matched", types=["a", "b"], rule_sets=["r1"], confidence=(0.3, 1), text="BECAUSE 1"
    )
    by_hand = [
        row.Index
        for row in jobs.itertuples()
        if row.outcome == "matched"
        and row.type in ("a", "b")
        and row.rule_set == "r1"
        and 0.3 <= row.confidence <= 1
        and "because 1" in row.reasoning.lower()
    ]
    assert chosen.index.tolist() == by_hand
    assert by_hand


@pytest.mark.parametrize(("text", "n"), [("$X", 60), (".*", 0), ("(", 0), ("", 60), ("page 7", None), ("\\", 0)])
def test_text_is_searched_for_as_it_stands(text: str, n: int | None) -> None:
    jobs = small_jobs()
    expected = sum(
        text.lower() in f"{a} {b}".lower() for a, b in jobs[["reasoning", "error_message"]].fillna("").values
    )
    assert len(metrics.select_jobs(jobs, text=text)) == (expected if n is None else n)


def test_a_selection_keeps_columns_dtypes_and_categories(jobs: pd.DataFrame) -> None:
    with pytest.warns(UserWarning, match="no such type"):
        none = metrics.select_jobs(jobs, types="no such type")
    assert len(none) == 0
    pd.testing.assert_series_equal(none.dtypes, jobs.dtypes)
    assert metrics.select_jobs(jobs) is not jobs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcomes": ["lost"]}, "outcomes holds 'lost'"),
        ({"types": 3}, "types is 3"),
        ({"types": [3]}, "types holds 3"),
        ({"confidence": 0.5}, "confidence is 0.5"),
        ({"confidence": (0.9, 0.1)}, "lower end must come first"),
        ({"confidence": ("a", None)}, "confidence holds 'a'"),
        ({"confidence": (float("nan"), 1)}, "confidence holds nan"),
        ({"created": "2026-01-01"}, "created is '2026-01-01'"),
        ({"created": ("yesterday-ish", None)}, "created is 'yesterday-ish', which is not a time"),
        ({"created": ("2026-02-01", "2026-01-01")}, "start must come first"),
        ({"text": 3}, "text is 3"),
        ({"text": "\ud800"}, "text holds half a character"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(arguments: dict[str, object], message: str, jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=message):
        call("select_jobs", jobs, **arguments)
