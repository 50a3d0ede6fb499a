"""Metrics that count: any split of the jobs into parts, in any order, gives the table of one part to the last digit."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_jobs import small_jobs, some_labels, some_rules

from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _counts, failures
from llama_classify_nb.metrics._counted import Counted, Parts

METRICS = Path(metrics.__file__).parent
#: Every metric that counts, in the ways in which it counts differently.
COUNTING: dict[str, Callable[[Any, pd.DataFrame], pd.DataFrame]] = {
    "status_breakdown": lambda jobs, _: metrics.status_breakdown(jobs),
    "status_breakdown by": lambda jobs, _: metrics.status_breakdown(jobs, by="rule_set"),
    "type_breakdown": lambda jobs, _: metrics.type_breakdown(jobs),
    "type_breakdown by": lambda jobs, _: metrics.type_breakdown(jobs, by="max_pages"),
    "confidence_distribution": lambda jobs, _: metrics.confidence_distribution(jobs, by="type", bins=7),
    "confidence_by_type": lambda jobs, _: metrics.confidence_by_type(jobs),
    "confidence_health": lambda jobs, _: metrics.confidence_health(jobs, by="rule_set"),
    "jobs_over_time": lambda jobs, _: metrics.jobs_over_time(jobs),
    "jobs_over_time by": lambda jobs, _: metrics.jobs_over_time(jobs, freq="W", by="type"),
    "durations": lambda jobs, _: metrics.durations(jobs),
    "durations by": lambda jobs, _: metrics.durations(jobs, by="outcome"),
    "rule_usage": lambda jobs, rules: metrics.rule_usage(jobs, rules),
    "rule_sets": lambda jobs, rules: metrics.rule_sets(jobs, rules),
    "failure_templates": lambda jobs, _: metrics.failure_templates(jobs),
    "failure_causes": lambda jobs, _: metrics.failure_causes(jobs),
    "failure_rates": lambda jobs, _: metrics.failure_rates(jobs, by="week"),
    "failure_rates by": lambda jobs, _: metrics.failure_rates(jobs, by="page_scope"),
    "stuck_jobs": lambda jobs, _: metrics.stuck_jobs(jobs, as_of="2026-03-05"),
    "pages_in_scope": lambda jobs, _: metrics.pages_in_scope(jobs),
    "costs": lambda jobs, _: metrics.costs(jobs, threshold=0.5),
    "costs by": lambda jobs, _: metrics.costs(jobs, by="week"),
    "cost_curve": lambda jobs, _: metrics.cost_curve(jobs, by="page_scope"),
    "type_mix": lambda jobs, _: metrics.type_mix(jobs, freq="M"),
    "type_drift": lambda jobs, _: metrics.type_drift(jobs, freq="M", n_permutations=99),
    "type_drift by": lambda jobs, _: metrics.type_drift(jobs, by="configuration_id", n_permutations=99),
    "confidence_mix": lambda jobs, _: metrics.confidence_mix(jobs, by="rule_set"),
    "confidence_drift": lambda jobs, _: metrics.confidence_drift(jobs, freq="M", n_permutations=99),
}
RULES = some_rules(small_jobs())


class Slices(Parts):
    """Jobs that lie here in several tables."""

    def __init__(self, tables: list[pd.DataFrame]) -> None:
        self.tables, self.empty = tables, tables[0].iloc[:0]

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
        sent = pickle.loads(pickle.dumps((counted, arguments)))  # noqa: S301 - as to another process
        return counted.merge([sent[0].partial(table, *sent[1]) for table in self.tables])


def awkward_jobs(n: int, seed: int) -> pd.DataFrame:
    """Small jobs with durations and messages of every kind."""
    jobs = small_jobs(n, seed)
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(3, 4, n)).round(6) * rng.choice([1, 1, 1, -1, 0], n)
    jobs["duration_s"] = jobs["duration_s"].where(rng.random(n) < 0.2, spread)
    says = np.array([f"user {name}nna may not read file {place}" for place, name in enumerate("abcdefgh")])
    says = np.append(says, ["HTTP 500 from upstream", "HTTP 503 from upstream", "time-out", ""])
    message = pd.Series(rng.choice(says, n), dtype=jobs["error_message"].dtype)
    jobs["error_message"] = message.where(rng.random(n) < 0.9)
    # Repeated documents are compared with each other, and so aren't counted.
    return jobs.drop(columns="file_input")


@pytest.mark.parametrize("name", COUNTING)
@settings(max_examples=3)
@given(seed=st.integers(0, 99), n=st.integers(1, 90), parts=st.lists(st.integers(0, 2), min_size=90, max_size=90))
def test_any_split_in_any_order_gives_the_table_of_one_part(name: str, seed: int, n: int, parts: list[int]) -> None:
    jobs = awkward_jobs(n, seed)
    ask, rules = COUNTING[name], RULES
    part = np.array(parts[:n])
    tables = [jobs[part == place] for place in np.random.default_rng(seed).permutation(3)]
    # As if each were read from its own file: only its own types, statuses and rule sets.
    own = [_of_its_own(table) for table in tables]
    pd.testing.assert_frame_equal(ask(Slices(own), rules), ask(_of_its_own(jobs), rules), check_exact=True)


def _of_its_own(table: pd.DataFrame) -> pd.DataFrame:
    names = ("status", "type", "rule_set", "configuration_id", "target_pages")
    return table.assign(**{name: table[name].cat.remove_unused_categories() for name in names}).reset_index(drop=True)


def test_every_count_of_the_metrics_is_put_to_the_test() -> None:
    declared = set()
    for path in METRICS.glob("*.py"):
        for function in re.findall(r"^@counted\(.*\)\ndef (\w+)", path.read_text(encoding="utf-8"), re.M):
            declared.add(f"llama_classify_nb.metrics.{path.stem}:{function}")
    asked = set()

    class Listening(Slices):
        def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
            asked.add(counted.name)
            return super().gathered(counted, arguments)

    for ask in COUNTING.values():
        ask(Listening([awkward_jobs(20, 1)]), RULES)
    assert asked == declared


@pytest.mark.parametrize(
    "ask",
    [
        lambda jobs: metrics.rule_position_effect(jobs, RULES),
        lambda jobs: metrics.rule_overlap(jobs, RULES),
        lambda jobs: metrics.reasoning_contradictions(jobs, RULES),
        lambda jobs: metrics.rerun_stability(jobs),
        lambda jobs: metrics.search(jobs, "page"),
        lambda jobs: metrics.accuracy(jobs, some_labels(small_jobs())),
        lambda jobs: metrics.confidence_health(jobs, some_labels(small_jobs())),
        lambda jobs: metrics.select_jobs(jobs),
    ],
)
def test_what_compares_jobs_or_reads_texts_says_that_it_takes_no_parts(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(ArgumentError, match=r"many parts.*sample\(n\) or select"):
        ask(Slices([small_jobs()]))


def test_wrong_arguments_are_refused_before_any_part_is_read() -> None:
    class Unread(Slices):
        def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
            raise AssertionError("a part was read")

    with pytest.raises(ArgumentError, match=r"'nowhere'.* not a column"):
        metrics.type_breakdown(Unread([small_jobs()]), by="nowhere")
    with pytest.raises(ArgumentError, match="freq is"):
        metrics.type_mix(Unread([small_jobs()]), freq="Y")


def test_repeated_documents_are_not_told_of_parts() -> None:
    jobs = small_jobs()
    table = metrics.type_drift(Slices([jobs.iloc[:30], jobs.iloc[30:]]), freq="M", n_permutations=99)
    expected = metrics.type_drift(jobs.drop(columns="file_input"), freq="M", n_permutations=99)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    assert table["n_repeated"].isna().all()


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e7, 1e7) | st.floats(1e-6, 1e3) | st.sampled_from([0.0, 1.5, 60.0]), min_size=1, max_size=60)
)
def test_quantiles_of_durations_are_within_their_bin(values: list[float]) -> None:
    seconds = np.round(values, 6)
    row = metrics.durations(pd.DataFrame({"outcome": "matched", "duration_s": seconds})).iloc[0]
    assert [row["min"], row["max"]] == [seconds.min(), seconds.max()]
    assert row["mean"] == pytest.approx(seconds.mean(), rel=1e-9, abs=1e-6)
    for name, probability in (("median", 0.5), ("q90", 0.9), ("q95", 0.95)):
        ends = np.quantile(seconds, probability, method="lower"), np.quantile(seconds, probability, method="higher")
        widths = [max(abs(end) / 256, 1e-6) for end in ends]
        assert ends[0] - widths[0] <= row[name] <= ends[1] + widths[1]


@pytest.mark.parametrize("cut", [0, 7, 40])
def test_beyond_so_many_messages_the_same_ones_are_compared_in_any_split(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MOST_SENTENCES", 5)
    jobs = awkward_jobs(80, 5).assign(outcome="failed")
    whole = metrics.failure_templates(jobs)
    table = metrics.failure_templates(Slices([jobs.iloc[cut:], jobs.iloc[:cut]]))
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert failures.OTHER in set(whole["template"])
    assert whole["count"].sum() == len(jobs)
    named = metrics.failure_assignments(jobs)["template"].value_counts()
    assert named.to_dict() == whole.set_index("template")["count"].to_dict()


@pytest.mark.parametrize("cut", [3, 30, 70])
@pytest.mark.parametrize(
    "name",
    ["confidence_by_type", "confidence_health", "rule_usage", "confidence_mix", "confidence_drift", "cost_curve"],
)
def test_very_many_confidences_are_counted_to_four_decimals_in_any_split(
    name: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = awkward_jobs(90, 7)
    answered = jobs["outcome"].isin(["matched", "no_match"])
    jobs["confidence"] = jobs["confidence"].where(~answered, np.random.default_rng(1).random(90))
    ask, exact = COUNTING[name], COUNTING[name](jobs, RULES)
    monkeypatch.setattr(_counts, "MOST_VALUES", 20)
    whole = ask(jobs, RULES)
    pd.testing.assert_frame_equal(ask(Slices([jobs.iloc[cut:], jobs.iloc[:cut]]), RULES), whole, check_exact=True)
    assert not whole.equals(exact)
    rounded = ask(jobs.assign(confidence=jobs["confidence"].round(4)), RULES)
    pd.testing.assert_frame_equal(whole, rounded, check_exact=True)
