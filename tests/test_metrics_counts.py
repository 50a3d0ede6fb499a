"""Types, outcomes and confidence, counted again by hand and with NumPy."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_jobs import ANSWERED, small_jobs

from llama_classify_nb import frames, metrics, schema
from llama_classify_nb.exceptions import ArgumentError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def jobs() -> pd.DataFrame:
    return frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs


def call(name: str, jobs: pd.DataFrame, **arguments: object) -> pd.DataFrame:
    return getattr(metrics, name)(jobs, **arguments)


def test_types_are_counted_as_by_hand(jobs: pd.DataFrame) -> None:
    table = metrics.type_breakdown(jobs)
    counts = Counter(
        None if pd.isna(one) else one for one, out in zip(jobs["type"], jobs["outcome"], strict=True) if out in ANSWERED
    )
    assert {None if pd.isna(one) else one: n for one, n in zip(table["type"], table["count"], strict=True)} == counts
    assert (table["n"] == sum(counts.values())).all()
    assert table["share"].sum() == pytest.approx(1)
    assert ((table["share_lower"] <= table["share"]) & (table["share"] <= table["share_upper"])).all()


def test_a_type_that_no_answer_gave_has_a_row_with_count_0() -> None:
    table = metrics.type_breakdown(small_jobs())
    row = table[table["type"] == "never"].iloc[0]
    assert (row["count"], row["share"], row["share_lower"]) == (0, 0.0, 0.0)
    assert row["share_upper"] > 0


def test_a_group_without_an_answer_keeps_its_rows_without_shares() -> None:
    jobs = small_jobs().assign(rule_set="r9", outcome="failed")
    table = metrics.type_breakdown(jobs, by="rule_set")
    assert (table["n"] == 0).all()
    assert table[["share", "share_lower", "share_upper"]].isna().all(axis=None)


def test_outcomes_are_counted_as_by_hand() -> None:
    jobs = small_jobs()
    table = metrics.status_breakdown(jobs, by="configuration_id")
    expected = Counter(zip(jobs["configuration_id"], jobs["outcome"], jobs["status"], strict=True))
    found = {(k, o, s): n for k, o, s, n in table[["configuration_id", "outcome", "status", "count"]].values if n}
    assert found == expected
    assert table["count"].sum() == len(jobs)


def test_every_outcome_has_a_row_in_its_order() -> None:
    one = small_jobs().query("outcome == 'failed'").iloc[:1]
    table = metrics.status_breakdown(one)
    assert table["outcome"].tolist() == list(schema.OUTCOMES)
    assert table.loc[table["count"] > 0, "status"].tolist() == ["FAILED"]
    assert table["status"].isna().sum() == 5


@pytest.mark.parametrize("bins", [1, 2, 3, 7, 10, 20, 100, 1000])
def test_a_stated_edge_falls_into_the_bin_that_begins_there(bins: int) -> None:
    edges = [float(f"{k / bins:.17g}") for k in range(bins)]
    jobs = pd.DataFrame({"outcome": "matched", "confidence": [*edges, 1.0]})
    counts = metrics.confidence_distribution(jobs, bins=bins)["count"].tolist()
    assert counts == [1] * (bins - 1) + [2]


def test_decimals_fall_where_a_person_puts_them() -> None:
    jobs = pd.DataFrame({"outcome": "matched", "confidence": [0.95, 0.29, 0.1 * 3, np.nextafter(1.0, 0), 0.0, -0.0]})
    table = metrics.confidence_distribution(jobs, bins=100)
    assert (table.loc[table["count"] > 0, "lower"] * 100).round().tolist() == [0, 29, 30, 95, 99]


@settings(max_examples=60)
@given(
    values=st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.05, 0.95, 1.0]), max_size=40),
    bins=st.integers(1, 60),
)
def test_bins_share_out_the_answers_and_hold_what_their_ends_say(values: list[float], bins: int) -> None:
    jobs = pd.DataFrame({"outcome": ["matched"] * len(values), "confidence": np.array(values, float)})
    table = metrics.confidence_distribution(jobs, bins=bins)
    by_hand = [
        sum(low <= value < high or (high == 1 and value == 1) for value in values)
        for low, high in zip(table["lower"], table["upper"], strict=True)
    ]
    assert table["count"].tolist() == by_hand
    assert table["count"].sum() == len(values)
    chosen = [len(metrics.select_jobs(jobs, confidence=(low, high))) for low, high in table[["lower", "upper"]].values]
    assert chosen == by_hand


@pytest.mark.parametrize("bins", [0, -1, 1001, 2.0, True, "20", None])
def test_wrong_bins_are_refused(bins: object, jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"^bins is .* whole number from 1 to 1000"):
        call("confidence_distribution", jobs, bins=bins)


@pytest.mark.parametrize("value", [1.0001, -0.1, np.nan, np.inf])
@pytest.mark.parametrize("name", ["confidence_distribution", "confidence_by_type"])
def test_an_answer_without_a_possible_confidence_is_refused(name: str, value: float) -> None:
    jobs = pd.DataFrame({"outcome": ["matched"], "type": ["a"], "confidence": [value]})
    with pytest.raises(ArgumentError, match=r"confidence is .* 1 answered job"):
        call(name, jobs)


def test_confidence_by_type_agrees_with_numpy(jobs: pd.DataFrame) -> None:
    table = metrics.confidence_by_type(jobs)
    answered = jobs[jobs["outcome"].isin(ANSWERED)]
    for row in table.itertuples():
        of_type = answered["type"].isna() if pd.isna(row.type) else answered["type"] == row.type
        values = answered.loc[of_type, "confidence"].to_numpy()
        expected = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        assert [row.min, row.q25, row.median, row.q75, row.max] == pytest.approx(expected, abs=1e-15)
        assert (row.n, row.mean, row.sd) == pytest.approx((len(values), values.mean(), values.std(ddof=1)))
        n_times, commonest = max((times, value) for value, times in Counter(values.tolist()).items())
        assert (row.commonest, row.commonest_share) == (commonest, n_times / len(values))
    assert table["n"].sum() == len(answered)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.0, 0.1, 0.5, 1.0])), max_size=12))
def test_quantiles_of_tied_values_agree_with_numpy(pairs: list[tuple[str, float]]) -> None:
    types = pd.Categorical([one for one, _ in pairs], ["a", "b"])
    jobs = pd.DataFrame({"outcome": "matched", "type": types, "confidence": [value for _, value in pairs]}, dtype=None)
    jobs = jobs.astype({"confidence": float})
    for row in metrics.confidence_by_type(jobs).itertuples():
        values = [value for one, value in pairs if one == row.type]
        found = [row.min, row.q25, row.median, row.q75, row.max]
        if values:
            assert found == pytest.approx(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist(), abs=1e-15)
        else:
            assert np.isnan(found).all()
            assert row.n == 0
