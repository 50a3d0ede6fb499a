"""Blind labels beside seen ones: against statsmodels and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_jobs import small_jobs, some_labels
from statsmodels.stats import proportion

from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError


def made(blind: tuple[int, int], seen: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give jobs, and labels of which so many of so many agree with the answer."""
    label = [one for same, n in (blind, seen) for one in ["memo"] * same + ["letter"] * (n - same)]
    ids = [f"job-{number}" for number in range(len(label))]
    jobs = pd.DataFrame({"job_id": ids, "outcome": "matched", "type": "memo"})
    shown = [False] * blind[1] + [True] * seen[1]
    return jobs, pd.DataFrame({"job_id": ids, "label": label, "seen_prediction": shown})


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_difference_interval_and_test_are_those_of_statsmodels_and_scipy(blind: Any, seen: Any) -> None:
    row = metrics.anchoring(*made(blind, seen)).iloc[0]
    assert (row["n_same_blind"], row["n_blind"], row["n_same_seen"], row["n_seen"]) == (*blind, *seen)
    ends = proportion.confint_proportions_2indep(*seen, *blind, method="newcomb", compare="diff")
    assert np.allclose(row[["difference_lower", "difference_upper"]].astype(float), ends, atol=1e-9)
    assert row["difference"] == pytest.approx(seen[0] / seen[1] - blind[0] / blind[1])
    table = [[seen[0], seen[1] - seen[0]], [blind[0], blind[1] - blind[0]]]
    assert row["p_value"] == pytest.approx(stats.fisher_exact(table)[1])
    for name, (same, n) in (("blind", blind), ("seen", seen)):
        wilson = proportion.proportion_confint(same, n, method="wilson")
        assert np.allclose(row[[f"agreement_{name}_lower", f"agreement_{name}_upper"]].astype(float), wilson, atol=1e-9)


def test_groups_add_up_and_shuffled_labels_change_nothing() -> None:
    jobs = small_jobs(200)
    labels = some_labels(jobs)
    table = metrics.anchoring(jobs, labels, by="reviewer")
    assert table["reviewer"].tolist() == ["r1", "r2"]
    whole = metrics.anchoring(jobs, labels)
    for name in ("n_blind", "n_seen", "n_same_blind", "n_same_seen"):
        assert table[name].sum() == whole[name].item()
    mixed = labels.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(metrics.anchoring(jobs.sample(frac=1, random_state=2), mixed), whole)


def test_it_counts_what_a_plain_loop_counts() -> None:
    jobs = small_jobs(200)
    labels = some_labels(jobs)
    labels.iloc[3, labels.columns.get_loc("label")] = None
    by_id = {row["job_id"]: row for row in jobs.to_dict("records")}
    named = {(row["rule_set"], row["type"]) for row in by_id.values() if isinstance(row["type"], str)}
    expected = {True: [0, 0], False: [0, 0]}
    for one in labels.dropna(subset="label").to_dict("records"):
        job = by_id[one["job_id"]]
        if job["outcome"] not in ("matched", "no_match", "unscored"):
            continue
        if isinstance(job["type"], str):
            right = job["type"] == one["label"]
        else:
            rule_set = job["rule_set"] if isinstance(job["rule_set"], str) else ""
            known = {(kind if isinstance(kind, str) else "", type_) for kind, type_ in named}
            right = (rule_set, one["label"]) not in known
        expected[one["seen_prediction"]][0] += right
        expected[one["seen_prediction"]][1] += 1
    row = metrics.anchoring(jobs, labels).iloc[0]
    assert [row["n_same_seen"], row["n_seen"]] == expected[True]
    assert [row["n_same_blind"], row["n_blind"]] == expected[False]


def test_the_last_label_of_a_reviewer_counts_and_unknown_sight_does_not() -> None:
    jobs, labels = made((1, 2), (1, 2))
    again = labels.iloc[[0]].assign(label="letter", seen_prediction=True)
    unknown = pd.DataFrame({"job_id": ["job-3"], "label": ["memo"], "seen_prediction": [None]})
    row = metrics.anchoring(jobs, pd.concat([labels.astype(object), again, unknown])).iloc[0]
    assert (row["n_blind"], row["n_same_blind"], row["n_seen"], row["n_same_seen"]) == (1, 0, 2, 1)


@pytest.mark.parametrize("by", [None, "reviewer"])
def test_without_labels_nothing_is_known(by: str | None) -> None:
    jobs, labels = made((1, 2), (0, 0))
    table = metrics.anchoring(jobs, labels.iloc[:0].assign(reviewer="kim"), by=by)
    full = metrics.anchoring(jobs, labels.assign(reviewer="kim"), by=by)
    assert table.dtypes.drop("reviewer", errors="ignore").equals(full.dtypes.drop("reviewer", errors="ignore"))
    assert list(table) == list(full)
    assert len(table) == (by is None)
    assert full[["difference", "p_value"]].isna().all(axis=None)
    assert full["agreement_blind"].item() == 0.5
    if by is None:
        assert table["n_blind"].item() == 0
        assert table.isna().sum(axis=1).item() == table.shape[1] - 4
    assert len(metrics.anchoring(jobs.iloc[:0], labels.assign(reviewer="kim"), by=by)) == (by is None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda jobs, labels: (labels, jobs), "jobs lacks the column 'outcome'"),
        (lambda jobs, labels: (jobs, labels.drop(columns="seen_prediction")), "labels lacks the column 'seen_predic"),
        (
            lambda jobs, labels: (jobs, labels.assign(job_id="other")),
            "no label is of a job in jobs; the first is of 'other'",
        ),
    ],
)
def test_what_can_not_be_right_is_refused(change: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        metrics.anchoring(*change(*made((1, 2), (1, 2))))
    with pytest.raises(ArgumentError, match="by is 'type'; it must be None, or another column of labels"):
        metrics.anchoring(*made((1, 2), (1, 2)), by="type")
