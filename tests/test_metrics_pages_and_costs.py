"""Which pages were in scope, and what jobs and accepted answers cost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from small_jobs import small_jobs

from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics.pages import read_scope, scope_labels


class TestPages:
    @pytest.mark.parametrize(
        ("target", "limit", "text", "n_pages", "odd"),
        [
            (None, None, "all pages", None, None),
            (None, 1, "the first page", 1, None),
            (None, 1200, "the first 1,200 pages", 1200, None),
            ("1", None, "the first page", 1, None),
            ("1-3", None, "the first 3 pages", 3, None),
            ("3,2,1", None, "the first 3 pages", 3, None),
            ("4", None, "page 4", 1, None),
            (" 1, 3 ,5 - 7", None, "pages 1, 3, 5 to 7", 5, None),
            ("2-4", 9, "pages 2 to 4", 3, None),
            ("2-4,9", 3, "pages 2 to 4, 9, of the first 3", 3, "names page 9, beyond max_pages 3"),
            ("5-3", None, "target_pages '5-3'", None, "'5-3' is reversed"),
            ("0", None, "target_pages '0'", None, "'0' holds page 0; pages count from 1"),
            ("2,,7-", None, "target_pages '2,,7-'", None, "an empty piece; '7-' is no page number or range"),
            ("two", None, "target_pages 'two'", None, "'two' is no page number or range"),
            ("", None, "target_pages ''", None, "an empty piece"),
            ("2-5,4,4", None, "pages 2 to 5", 4, "names a page twice"),
            ("\uff12", None, "target_pages '\uff12'", None, "'\uff12' is no page number or range"),
            ("3", 0, "page 3, of the first 0", None, "max_pages is 0, below 1"),
            (None, -2, "the first -2 pages", None, "max_pages is -2, below 1"),
        ],
    )
    def test_a_scope_is_read(
        self, target: str | None, limit: int | None, text: str, n_pages: int | None, odd: str | None
    ) -> None:
        assert read_scope(target, limit) == (text, n_pages, odd)

    def test_a_huge_range_costs_nothing_and_is_reported(self) -> None:
        scope = read_scope("1-999999999,5-888888888888", None)
        assert scope.n_pages == 888_888_888_888
        assert scope.odd == "names a page twice; names page 888,888,888,888, more than documents have"

    @pytest.mark.parametrize("text", ["9" * 100_000, "1," * 50_000, "1-" * 50_000, "x\x1b[31m\n" * 9_000, "-" * 90_000])
    def test_a_hostile_text_is_read_quickly_and_shown_short(self, text: str) -> None:
        scope = read_scope(text, None)
        assert scope.odd
        assert scope.n_pages is None
        assert len(scope.text) < 80
        assert len(scope.odd) < 400
        assert scope.text.isprintable()
        assert scope.odd.isprintable()

    @given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), min_size=1, max_size=8), st.integers(1, 80))
    def test_the_number_of_pages_is_that_of_the_set_of_pages(self, starts: list[tuple[int, int]], limit: int) -> None:
        text = ",".join(f"{start}-{start + more}" if more else str(start) for start, more in starts)
        named = [page for start, more in starts for page in range(start, start + more + 1)]
        assert read_scope(text, None).n_pages == len(set(named))
        assert read_scope(text, limit).n_pages == min(len(set(named)), limit)
        odd = read_scope(text, limit).odd or ""
        assert ("twice" in odd) == (len(set(named)) < len(named))
        assert ("beyond" in odd) == (max(named) > limit)

    def test_every_job_is_counted_once_and_can_be_given_its_scope(self) -> None:
        jobs = small_jobs(300)
        table = metrics.pages_in_scope(jobs)
        assert table["n_jobs"].sum() == 300
        assert table["n_jobs"].is_monotonic_decreasing
        assert not table.duplicated(["target_pages", "max_pages"]).any()
        merged = jobs.merge(table, on=["target_pages", "max_pages"], how="left")
        assert merged["page_scope"].tolist() == scope_labels(jobs).tolist()

    def test_labels_keep_the_index_and_merge_pairs_of_one_meaning(self) -> None:
        jobs = pd.DataFrame({"target_pages": ["1-2", "1,2", None], "max_pages": [None, None, 2.0]}, index=[7, 7, 3])
        labels = scope_labels(jobs)
        assert labels.index.tolist() == [7, 7, 3]
        assert labels.tolist() == ["the first 2 pages"] * 3
        assert labels.cat.categories.tolist() == ["the first 2 pages"]

    def test_columns_without_a_value_or_a_category_are_taken(self) -> None:
        jobs = pd.DataFrame({"target_pages": [None, None], "max_pages": [None, None]}, dtype=object)
        assert metrics.pages_in_scope(jobs)["page_scope"].tolist() == ["all pages"]
        assert len(scope_labels(jobs.iloc[:0])) == 0

    def test_a_limit_that_is_no_number_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="max_pages"):
            metrics.pages_in_scope(pd.DataFrame({"target_pages": ["1"], "max_pages": ["ten"]}))


def priced(n: int = 400, seed: int = 5) -> pd.DataFrame:
    return small_jobs(n, seed)


def accepted(jobs: pd.DataFrame, threshold: float) -> np.ndarray:
    return ((jobs["outcome"] == "matched") & (jobs["confidence"] >= threshold)).to_numpy()


class TestCosts:
    @pytest.mark.parametrize("threshold", [0.0, 0.3, 0.95, 1.0])
    def test_totals_means_and_counts_are_those_of_a_plain_loop(self, threshold: float) -> None:
        jobs = priced()
        row = metrics.costs(jobs, threshold=threshold).iloc[0]
        known = jobs["credits"].notna().to_numpy()
        spent = jobs["credits"][known]
        assert (row["n"], row["n_missing"]) == (known.sum(), (~known).sum())
        assert row["total"] == pytest.approx(math.fsum(spent), rel=1e-14)
        assert row["parse_total"] == pytest.approx(math.fsum(jobs["parse_credits"][known].dropna()), rel=1e-14)
        assert row["mean"] == pytest.approx(spent.mean())
        interval = stats.t.interval(0.95, len(spent) - 1, spent.mean(), stats.sem(spent))
        assert (row["mean_lower"], row["mean_upper"]) == pytest.approx(interval)
        assert row["n_accepted"] == accepted(jobs, threshold)[known].sum()
        assert row["per_accepted"] == pytest.approx(spent.sum() / accepted(jobs, threshold)[known].sum())

    def test_the_ends_of_the_cost_of_an_answer_are_where_the_difference_is_just_significant(self) -> None:
        jobs = priced().dropna(subset="credits")
        row = metrics.costs(jobs, threshold=0.5).iloc[0]
        x, y = jobs["credits"].to_numpy(), accepted(jobs, 0.5).astype(float)

        def beyond(ratio: float) -> float:
            return float(stats.ttest_1samp(x - ratio * y, 0).pvalue - 0.05)

        assert row["per_accepted_lower"] == pytest.approx(optimize.brentq(beyond, 0.1, row["per_accepted"]))
        assert row["per_accepted_upper"] == pytest.approx(optimize.brentq(beyond, row["per_accepted"], 100))

    def test_the_interval_of_the_cost_of_an_answer_holds_it_as_often_as_it_says(self) -> None:
        rng = np.random.default_rng(1)
        n, hits = 60, 0
        for _ in range(300):
            took = rng.random(n) < 0.3
            cost = rng.choice([1.0, 3.0, 6.0], n)
            outcome = np.where(took, "matched", "no_match")
            jobs = pd.DataFrame({"outcome": outcome, "confidence": 1.0, "credits": cost, "parse_credits": cost})
            row = metrics.costs(jobs).iloc[0]
            hits += row["per_accepted_lower"] <= (10 / 3) / 0.3 <= row["per_accepted_upper"]
        assert 0.90 <= hits / 300 <= 0.99

    def test_with_next_to_no_accepted_answer_the_cost_has_no_upper_end(self) -> None:
        jobs = pd.DataFrame(
            {"outcome": ["matched", *["no_match"] * 9], "confidence": 0.5, "credits": 2.0, "parse_credits": 2.0}
        )
        row = metrics.costs(jobs).iloc[0]
        assert row["per_accepted"] == 20
        assert 0 < row["per_accepted_lower"] < 20
        assert row["per_accepted_upper"] == np.inf
        none = metrics.costs(jobs, threshold=0.6).iloc[0]
        assert (none["n_accepted"], none["total"]) == (0, 20)
        assert np.isnan([none["per_accepted"], none["per_accepted_lower"], none["per_accepted_upper"]]).all()

    def test_missing_usage_is_not_nothing(self) -> None:
        jobs = priced()
        without = metrics.costs(jobs.assign(credits=np.nan)).iloc[0]
        assert (without["n"], without["n_missing"], without["total"], without["parse_total"]) == (0, len(jobs), 0, 0)
        assert np.isnan(without["mean"])
        half = metrics.costs(jobs).iloc[0]
        assert half["mean"] == pytest.approx(metrics.costs(jobs.dropna(subset="credits"))["mean"].iloc[0])
        assert half["mean"] > metrics.costs(jobs.fillna({"credits": 0.0}))["mean"].iloc[0]

    def test_one_job_has_no_interval(self) -> None:
        row = metrics.costs(priced().dropna(subset="credits").iloc[:1]).iloc[0]
        assert row["n"] == 1
        assert np.isnan(row[["mean_lower", "mean_upper", "per_accepted_lower"]].astype(float)).all()

    @pytest.mark.parametrize("by", ["type", "rule_set", "week", "page_scope"])
    def test_groups_add_up_to_the_whole(self, by: str) -> None:
        jobs = priced()
        groups, whole = metrics.costs(jobs, by=by, threshold=0.5), metrics.costs(jobs, threshold=0.5).iloc[0]
        for name in ("n", "n_missing", "n_accepted", "total", "parse_total"):
            assert groups[name].sum() == pytest.approx(whole[name])
        assert not groups[by].duplicated().any()

    def test_a_week_begins_on_monday_and_jobs_without_a_time_come_last(self) -> None:
        jobs = priced()
        weeks = metrics.costs(jobs, by="week")
        own = jobs["created_at"].dt.tz_localize(None).dt.to_period("W-SUN").dt.start_time.dt.tz_localize("UTC")
        expected = own.where(jobs["credits"].notna()).value_counts().sort_index()
        assert weeks["week"].dropna().dt.day_of_week.eq(0).all()
        assert weeks.dropna(subset="week").set_index("week")["n"].to_dict() == expected.to_dict()
        assert weeks["week"].isna().tolist() == [False] * (len(weeks) - 1) + [True]

    def test_a_column_of_that_name_is_taken_as_it_is(self) -> None:
        jobs = priced().assign(week="all")
        assert metrics.costs(jobs, by="week")["week"].tolist() == ["all"]

    @pytest.mark.parametrize("threshold", [-0.1, 1.5, True, "0.5", np.nan])
    def test_a_threshold_that_is_no_confidence_is_refused(self, threshold: object) -> None:
        with pytest.raises(ArgumentError, match=r"^threshold is"):
            metrics.costs(priced(), threshold=threshold)

    def test_what_are_no_credits_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="'credits' must hold numbers"):
            metrics.costs(priced().assign(credits="many"))
        with pytest.raises(ArgumentError, match="credits is infinite"):
            metrics.costs(priced().assign(credits=np.inf))
        with pytest.raises(ArgumentError, match="'created_at' is"):
            metrics.costs(priced().assign(created_at="monday"), by="week")


class TestCostCurve:
    @pytest.mark.parametrize("by", [None, "rule_set", "page_scope"])
    def test_each_row_is_what_costs_says_at_its_threshold(self, by: str | None) -> None:
        jobs = priced()
        curve = metrics.cost_curve(jobs, by=by)
        assert len(curve) >= 5
        for row in curve.to_dict("records"):
            at = metrics.costs(jobs, by=by, threshold=row["threshold"])
            if by is not None:
                at = at[at[by].isna() if pd.isna(row[by]) else at[by] == row[by]]
            for name in ("n", "n_accepted", "total", "per_accepted"):
                assert at[name].item() == pytest.approx(row[name]), name
            assert row["coverage"] == row["n_accepted"] / row["n"]

    def test_thresholds_are_distinct_and_an_answer_costs_less_as_more_are_accepted(self) -> None:
        curve = metrics.cost_curve(priced())
        assert curve["threshold"].is_monotonic_decreasing
        assert curve["threshold"].is_unique
        assert curve["per_accepted"].is_monotonic_decreasing

    def test_without_usage_there_is_no_curve(self) -> None:
        assert metrics.cost_curve(priced().assign(credits=np.nan)).empty
