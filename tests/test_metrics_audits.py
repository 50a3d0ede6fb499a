"""Thresholds and plans: whether their promises hold, by simulation, and how they are made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import audits
from published_runs import GOOD, POOR, made, published
from scipy import stats

import llama_classify_nb as lcn
from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _strata


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return lcn.load_sample_labels()


class TestThreshold:
    def test_published_runs_are_certified_where_they_can_be(self) -> None:
        good, poor = published(GOOD), published(POOR)
        row = metrics.precision_threshold(*good, target=0.94).iloc[0]
        assert (row["certified"], row["threshold"], row["n_accepted"]) == (True, 0.92, 236)
        assert row["coverage"] == pytest.approx(236 / 298)
        for data, target in ((good, 0.95), (poor, 0.94), (poor, 0.95)):
            row = metrics.precision_threshold(*data, target=target).iloc[0]
            assert not row["certified"]
            assert np.isnan(row["threshold"])
        assert metrics.precision_threshold(*good, target=0.95)["n_more"].item() > 0
        assert pd.isna(metrics.precision_threshold(*poor, target=0.95)["n_more"].item())

    def test_each_bound_is_that_of_the_binomial(self) -> None:
        row = metrics.precision_threshold(*published(GOOD), target=0.94).iloc[0]
        exact = stats.binomtest(236 - 7, 236, alternative="greater").proportion_ci(0.95, "exact").low
        assert row["precision_lower"] == pytest.approx(exact)
        assert exact > 0.94

    def test_groups_share_what_may_go_wrong(self) -> None:
        jobs, some = published(GOOD)
        twice = pd.concat([jobs.assign(g="x"), jobs.assign(g="y", job_id=jobs["job_id"] + "y")], ignore_index=True)
        both = pd.concat([some, some.assign(job_id=some["job_id"] + "y")], ignore_index=True)
        table = metrics.precision_threshold(twice, both, target=0.94, by="g")
        alone = metrics.precision_threshold(jobs, some, target=0.94, assurance=0.975)
        assert table["certified"].tolist() == alone["certified"].tolist() * 2

    def test_a_pilot_certifies_nothing(self) -> None:
        jobs = made(np.linspace(0.5, 1, 400))
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": "a", "stage": ["pilot"] * 399 + ["main"]})
        assert metrics.precision_threshold(jobs, some)["n"].item() == 1

    def test_of_a_plan_for_accuracy_its_pilot_alone_counts(self) -> None:
        jobs = made(np.repeat([0.9, 0.6], [600, 400]))
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": "a", "stratum": np.repeat(["1", "2"], [600, 400])})
        some["stage"] = np.where(some.index % 5 == 0, "pilot", "main")
        row = metrics.precision_threshold(jobs, some).iloc[0]
        assert (row["certified"], row["n"]) == (True, 200)
        assert "800 that a plan for accuracy shared out after its pilot don't count here" in row["reason"]
        rest = metrics.precision_threshold(jobs, some[some["stage"] == "main"]).iloc[0]
        assert (rest["certified"], rest["n"]) == (False, 0)

    def test_a_plan_for_accuracy_breaks_no_promise(self) -> None:
        rates = np.repeat([0.948, 0.94, 0.9, 0.6], [1500, 500, 500, 500])  # none is 95 % right: no threshold is good
        right = np.random.default_rng(3).random(3000) < rates
        jobs = made(np.repeat([0.95, 0.85, 0.75, 0.65], [1500, 500, 500, 500]))
        population = audits.Population("at the edge", jobs, right)
        broken = 0
        for seed in range(40):
            _, some, _ = audits.audited(population, seed, margin=0.03)
            broken += bool(metrics.precision_threshold(jobs, some)["certified"].item())
        assert stats.binomtest(broken, 40, 0.05, alternative="greater").pvalue > 0.02

    def test_uneven_labels_are_thinned(self) -> None:
        jobs = made(np.linspace(0.5, 1, 4000))
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": "a", "inclusion_probability": 1.0})
        some.loc[:1999, "inclusion_probability"] = 0.1
        some = some[(some.index >= 2000) | (some.index % 10 == 0)]
        assert 340 <= metrics.precision_threshold(jobs, some)["n"].item() <= 460

    @pytest.mark.parametrize("by_plan", [False, True])
    def test_the_promise_is_kept_and_not_by_timidity(self, by_plan: bool) -> None:
        population = audits.populations()[0].answered("answered")
        broken, accepted = audits.Answers(population).thresholds(400, 400, by_plan=by_plan)
        assert broken <= 0.05
        assert accepted >= 0.55

    @pytest.mark.parametrize("by", ["type", "configuration_id"])
    def test_the_promises_of_all_groups_are_kept_at_once(self, by: str) -> None:
        broken, accepted = audits.Answers(audits.bundled(), by).thresholds(1200, 100, target=0.9)
        assert broken <= 0.05
        assert accepted > 0.1

    def test_where_the_tests_begin_does_not_hang_on_which_jobs_were_drawn(self) -> None:
        jobs = made(np.repeat([0.9, 0.8, 0.7], [300, 400, 300]))
        for places in (range(300), range(650, 950)):  # all of the highest, and none of them
            some = pd.DataFrame({"job_id": jobs["job_id"].iloc[places], "label": "b"})
            row = metrics.precision_threshold(jobs, some).iloc[0]
            assert "from 0.8 up" in row["reason"]
            assert row["n"] == sum(jobs["confidence"].iloc[places] >= 0.8)

    def test_labels_from_the_top_alone_begin_there(self) -> None:
        jobs = made(np.repeat([0.9, 0.8, 0.7, 0.6], [100, 100, 100, 700]))
        some = pd.DataFrame({"job_id": jobs["job_id"].iloc[::2], "label": "b", "inclusion_probability": 0.5})
        row = metrics.precision_threshold(jobs, some.head(150)).iloc[0]
        assert "of 100 labels from 0.8 up" in row["reason"]

    def test_at_the_very_edge_the_promise_is_kept_as_often_as_assured(self) -> None:
        chance = np.random.default_rng(7)
        jobs = made(np.repeat([0.9, 0.8, 0.7], [8_000, 2_000, 2_000]))
        right = np.concatenate(
            [chance.permutation(np.arange(size) >= n) for size, n in ((8_000, 402), (2_000, 400), (2_000, 900))]
        )
        truth = pd.DataFrame({"job_id": jobs["job_id"], "label": np.where(right, "a", "b")})
        broken = 0
        for _ in range(300):  # 5.025 % are wrong at the top: any certificate is a broken promise
            some = truth.iloc[chance.choice(len(truth), 500, replace=False)]
            broken += bool(metrics.precision_threshold(jobs, some)["certified"].item())
        assert stats.binomtest(broken, 300, 0.05, alternative="greater").pvalue > 0.01
        assert broken > 0


class TestPlans:
    def test_labels_are_shared_out_within_bounds(self) -> None:
        n_jobs, spread = np.array([1000, 10, 500]), np.array([0.1, 0.5, 0.4])
        for n in (20, 100, 900, 1510):
            given = _strata.allocate(n, n_jobs, spread, np.array([5, 5, 5]))
            assert given.sum() == n
            assert (given <= n_jobs).all()
            assert (given >= 5).all()

    def test_one_stratum_of_many_jobs_is_wilson_with_correction(self) -> None:
        from statsmodels.stats.proportion import proportion_confint

        for right, n in ((9, 10), (40, 50), (0, 20), (20, 20)):
            _, lower, upper = _strata.interval(np.array([10**9]), np.array([n]), np.array([right]), 0.95)
            plain = proportion_confint(right, n, method="wilson")
            assert lower <= plain[0] + 1e-9
            assert upper >= plain[1] - 1e-9
            z, rate, step = 1.959964, right / n, 0.5 / n
            for end, sign in ((lower, 1), (upper, -1)):
                if 0 < end < 1:
                    wanted = sign * (rate - end) - step
                    assert wanted == pytest.approx(z * np.sqrt(end * (1 - end) / n), abs=1e-6)

    def test_a_census_leaves_no_doubt(self) -> None:
        jobs, some = published(GOOD)
        plan = metrics.audit_plan(jobs, pilot=some)
        row = metrics.accuracy_estimate(jobs, some, plan=plan).iloc[0]
        assert row["accuracy"] == row["accuracy_lower"] == row["accuracy_upper"] == pytest.approx(254 / 298)

    def test_the_sample_is_what_the_plan_says(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        jobs = sample.jobs[sample.jobs["configuration_id"] == "cfg-logreg-10types"]
        plan = metrics.audit_plan(jobs, by="type")
        queue = metrics.draw_sample(jobs, plan, seed=5)
        drawn = queue["stratum"].value_counts()
        rows = plan[(plan["stratum"] != "all") & (plan["n_to_draw"] > 0)]
        assert drawn.to_dict() == dict(zip(rows["stratum"], rows["n_to_draw"], strict=True))
        assert queue["blind"].sum() == round(0.2 * len(queue))
        pd.testing.assert_frame_equal(queue, metrics.draw_sample(jobs.sample(frac=1, random_state=1), plan, seed=5))
        assert set(queue["job_id"]) != set(metrics.draw_sample(jobs, plan, seed=6)["job_id"])
        pilot = queue.merge(labels[["job_id", "label"]], on="job_id")
        again = metrics.draw_sample(jobs, metrics.audit_plan(jobs, pilot=pilot, by="type"), seed=5)
        assert not set(again["job_id"]) & set(pilot["job_id"])

    def test_every_job_is_as_likely_as_its_inclusion_probability(self) -> None:
        jobs = made(np.repeat([0.9, 0.6], [300, 100]))
        plan = metrics.audit_plan(jobs, margin=0.1)
        drawn = np.zeros(len(jobs))
        for seed in range(400):
            drawn += jobs["job_id"].isin(metrics.draw_sample(jobs, plan, seed=seed)["job_id"])
        chance = plan["inclusion_probability"].to_numpy()[np.repeat([0, 1], [300, 100])]
        z = (drawn / 400 - chance) / np.sqrt(chance * (1 - chance) / 400)
        assert abs(z.mean()) < 0.25
        assert 0.85 < z.std() < 1.15

    @pytest.mark.parametrize("n", [30, 60, 240])
    def test_the_interval_holds_the_accuracy_as_often_as_assured(self, n: int) -> None:
        for population in audits.populations()[:5]:
            strata = audits.Strata(population)
            for lower, upper in (strata.planned(400, budget=n)[:2], strata.at_random(400, n)):
                held = int(((lower <= strata.truth) & (strata.truth <= upper)).sum())
                assert stats.binomtest(held, 400, 0.95, alternative="less").pvalue > 0.02, population.name

    def test_nearly_all_labels_leave_doubt_about_the_rest_alone(self) -> None:
        population = next(one for one in audits.populations() if one.name == "cfg-logreg-8types, answered")
        strata = audits.Strata(population)  # 400 of 588 jobs; where most are wrong, all are read
        lower, upper, _, _ = strata.planned(2000, budget=400)
        assert np.mean((lower <= strata.truth) & (strata.truth <= upper)) >= 0.95

    def test_an_audit_by_counts_is_the_audit_in_full(self) -> None:
        population = audits.populations()[0]
        strata, known = audits.Strata(population), pd.Series(population.right, population.jobs["job_id"])
        number = pd.Series(_strata.assign(population.jobs, _strata.cut(population.jobs)), population.jobs["job_id"])
        pilot, some, row = audits.audited(population, 3, budget=120, margin=0.001)
        counts = [
            np.bincount(number[ids], weights, minlength=len(strata.n_jobs)).astype(np.int64)
            for ids in (pilot["job_id"], some["job_id"])
            for weights in (None, known[ids])
        ]
        assert np.array_equal(strata.final(counts[0], counts[1], None, 120)[0], counts[2])
        ends = strata.ends(counts[2][None], counts[3][None])
        assert np.ravel(ends) == pytest.approx(row[["accuracy_lower", "accuracy_upper"]].to_numpy(np.float64)[0])

    def test_a_plan_needs_two_thirds_of_a_random_sample_and_never_more(self) -> None:
        share = {}
        for population in audits.populations()[:8]:
            lower, upper, used, simple = audits.Strata(population).planned(25, margin=0.03)
            assert np.mean(upper - lower) / 2 <= 0.032  # on average; some pilots promise too much
            share[population.name] = used.mean() / simple.mean()
        for name in ("cfg-logreg-10types", "cfg-logreg-8types"):
            assert max(share[name], share[f"{name}, answered"]) < 2 / 3
        assert max(share.values()) <= 1

    @pytest.mark.parametrize("n", [30, 60])
    def test_a_small_plan_is_no_wider_than_a_random_sample_where_nothing_ranks(self, n: int) -> None:
        shuffled = [one for one in audits.populations() if "shuffled" in one.name]
        for population in shuffled:
            lower, upper = audits.Strata(population).planned(400, budget=n)[:2]
            at_random = audits.Strata(population).at_random(4000, n)
            assert np.mean(upper - lower) <= 1.02 * np.mean(at_random[1] - at_random[0])  # 3 standard errors

    def test_few_labels_in_proportion_are_counted_and_a_plan_says_so(self) -> None:
        jobs = made(np.repeat([0.9, 0.8, 0.7], [500, 300, 200]))
        drawn = [*range(20), *range(500, 512), *range(800, 808)]
        labels = pd.DataFrame({"job_id": jobs["job_id"].iloc[drawn], "label": ["b", "a", "a", "a", "a"] * 8})
        row = metrics.accuracy_estimate(jobs, labels, plan=metrics.audit_plan(jobs, budget=40)).iloc[0]
        exact = stats.binomtest(32, 40).proportion_ci(0.95, "exact")
        assert row["method"] == "exact"
        assert "in proportion" in row["reason"]
        assert (row["accuracy_lower"], row["accuracy_upper"]) == pytest.approx((exact.low, exact.high))

    @pytest.mark.parametrize("chance", [0.0, -1.0, 2.0, np.nan, "often"])
    def test_a_chance_to_be_drawn_that_is_none_is_refused(self, chance: Any) -> None:
        jobs = made([0.9, 0.8])
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": "a", "inclusion_probability": [0.5, chance]})
        for metric in (metrics.accuracy_estimate, metrics.precision_threshold, metrics.corrected_type_shares):
            with pytest.raises(ArgumentError, match=r"inclusion_probability.*must (be above|hold numbers)"):
                metric(jobs, some)

    def test_an_estimate_says_how_it_was_made(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        jobs = sample.jobs[sample.jobs["configuration_id"] == "cfg-logreg-10types"]
        mine = labels[labels["job_id"].isin(jobs["job_id"])]
        methods = [metrics.accuracy_estimate(jobs, mine.head(n)).iloc[0] for n in (0, 50, 800)]
        assert [row["method"] for row in methods] == ["none", "exact", "model_assisted"]
        threshold = metrics.audit_plan(jobs, goal="threshold")
        with pytest.raises(ArgumentError, match="plan is for a threshold"):
            metrics.accuracy_estimate(jobs, mine, plan=threshold)
