"""The same documents answered twice: against statsmodels, scikit-learn, plain loops, and by simulation."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

import llama_classify_nb as lcn
from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _agreement, _stratified

TEN, BAYES, EIGHT = "cfg-logreg-10types", "cfg-naivebayes-10types", "cfg-logreg-8types"


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return lcn.load_sample_labels()


def made(rows: list[tuple[str, str, str | None]], **columns: Any) -> pd.DataFrame:
    """Jobs of (file, configuration, type), a minute after one another; a type of None: no rule matched."""
    n = len(rows)
    created = pd.Timestamp("2026-02-02", tz="UTC") + pd.to_timedelta(np.arange(n), unit="min")
    types = [row[2] for row in rows]
    table = {
        "job_id": [f"job-{number:03}" for number in range(n)],
        "file_input": [row[0] for row in rows],
        "configuration_id": [row[1] for row in rows],
        "rule_set": "r",
        "outcome": ["no_match" if one is None else "matched" for one in types],
        "type": pd.Categorical(types),
        "confidence": np.linspace(0.5, 0.9, n),
        "created_at": created.as_unit("us"),
    }
    return pd.DataFrame({**table, **columns})


def latest(jobs: pd.DataFrame, configuration: str) -> dict[str, dict[str, Any]]:
    """The latest answer of each file, by a plain loop."""
    found: dict[str, dict[str, Any]] = {}
    answered = jobs[(jobs["configuration_id"] == configuration) & jobs["outcome"].isin(["matched", "no_match"])]
    for job in answered.sort_values(["created_at", "job_id"]).to_dict("records"):
        found[job["file_input"]] = job
    return found


def pairs(jobs: pd.DataFrame, a: str, b: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    left, right = latest(jobs, a), latest(jobs, b)
    return [(left[file], right[file]) for file in left if file in right]


def answer(job: dict[str, Any]) -> str:
    return "(none)" if pd.isna(job["type"]) else job["type"]


def is_right(job: dict[str, Any], label: str, rules: pd.DataFrame) -> bool:
    if pd.isna(job["type"]):
        return label not in set(rules.loc[rules["rule_set"] == job["rule_set"], "type"])
    return bool(job["type"] == label)


class TestFlips:
    def test_the_bundled_jobs_flip_as_documented(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        table = metrics.flips(sample.jobs, TEN, BAYES, labels=labels, rules=sample.rules)
        row = metrics.flip_summary(sample.jobs, TEN, BAYES, labels=labels, rules=sample.rules).iloc[0]
        assert (row["n"], row["n_flips"], row["n_only_a"], row["n_only_b"]) == (2463, 481, 281, 71)
        assert len(table) == 481
        assert (table["right_a"] & ~table["right_b"]).sum() == 281
        assert (table["right_b"] & ~table["right_a"]).sum() == 71
        assert row["method"] == "exact"
        assert row["difference"] == row["difference_lower"] == row["difference_upper"] == (71 - 281) / 2463

    @pytest.mark.parametrize(("a", "b"), [(TEN, BAYES), (TEN, EIGHT), (EIGHT, BAYES)])
    def test_labels_of_the_decisive_documents_alone_give_the_difference_of_all(
        self, a: str, b: str, sample: lcn.JobSet, labels: pd.DataFrame
    ) -> None:
        label_of = dict(zip(labels["file_input"], labels["label"], strict=True))
        judged = [
            [is_right(job, label_of[job["file_input"]], sample.rules) for job in pair]
            for pair in pairs(sample.jobs, a, b)
        ]
        need = metrics.flips(sample.jobs, a, b, rules=sample.rules, unmatched=True)["file_input"]
        few = pd.DataFrame({"file_input": need, "label": need.map(label_of)})
        row = metrics.flip_summary(sample.jobs, a, b, labels=few, rules=sample.rules).iloc[0]
        assert row["difference"] == pytest.approx(np.mean([right[1] - right[0] for right in judged]), abs=1e-15)
        assert (row["n"], row["n_labelled"], row["n_needed"]) == (len(judged), len(need), 0)

    @pytest.mark.parametrize(("a", "b"), [(TEN, BAYES), (TEN, EIGHT)])
    def test_agreement_kappa_and_confidence_are_those_of_a_plain_loop(self, a: str, b: str, sample: lcn.JobSet) -> None:
        found = pairs(sample.jobs, a, b)
        kinds = sorted({answer(job) for pair in found for job in pair})
        counts = sk.confusion_matrix(*[[answer(pair[side]) for pair in found] for side in (0, 1)], labels=kinds)
        wanted = cohens_kappa(counts)
        row = metrics.flip_summary(sample.jobs, a, b).iloc[0]
        assert row["kappa"] == pytest.approx(wanted.kappa, rel=1e-12)
        assert (row["kappa_lower"], row["kappa_upper"]) == pytest.approx((wanted.kappa_low, wanted.kappa_upp), rel=1e-9)
        assert row["n_flips"] == counts.sum() - np.trace(counts)
        flipped = [pair for pair in found if answer(pair[0]) != answer(pair[1])]
        for prefix, some in (("", found), ("flip_", flipped)):
            means = [np.mean([pair[side]["confidence"] for pair in some]) for side in (0, 1)]
            assert (row[f"{prefix}confidence_a"], row[f"{prefix}confidence_b"]) == pytest.approx(tuple(means))

    def test_the_flow_is_the_crossed_table_of_both_sides(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        found = pairs(sample.jobs, TEN, EIGHT)
        wanted = pd.Series([(answer(a), answer(b)) for a, b in found]).value_counts()
        table = metrics.flip_flow(sample.jobs, TEN, EIGHT, labels=labels, rules=sample.rules)
        names = [table[name].astype(object).fillna("(none)") for name in ("type_a", "type_b")]
        assert dict(zip(zip(*names, strict=True), table["count"], strict=True)) == wanted.to_dict()
        assert table.loc[table["is_flip"], "count"].sum() == len(metrics.flips(sample.jobs, TEN, EIGHT))
        assert (table["n"] == table.groupby(names[0])["count"].transform("sum")).all()
        unnamed = table["type_a"].isin(["note", "news_article"])
        assert (table.loc[unnamed, "rule_a"] == "removed").all()
        assert (table.loc[~unnamed & table["type_a"].notna(), "rule_a"] == "same").all()

    def test_the_surest_contradictions_come_first(self, sample: lcn.JobSet) -> None:
        table = metrics.flips(sample.jobs, TEN, BAYES)
        assert table[["confidence_a", "confidence_b"]].min(axis=1).is_monotonic_decreasing

    def test_the_latest_answer_of_a_side_counts(self) -> None:
        jobs = made([("f", "x", "b"), ("f", "x", "a"), ("f", "x", "b"), ("f", "y", "a")])
        assert metrics.flips(jobs, "x", "y")["job_id_a"].tolist() == ["job-002"]
        failed = jobs.assign(outcome=["matched", "matched", "failed", "matched"])
        assert len(metrics.flips(failed, "x", "y")) == 0
        tied = jobs.assign(created_at=jobs["created_at"].iloc[0])
        assert metrics.flips(tied.iloc[::-1], "x", "y")["job_id_a"].tolist() == ["job-002"]
        undated = jobs.assign(created_at=jobs["created_at"].where(jobs.index != 2))
        assert len(metrics.flips(undated, "x", "y")) == 0

    def test_documents_without_a_file_or_on_one_side_are_not_compared(self) -> None:
        jobs = made([("f", "x", "a"), (None, "x", "b"), (None, "y", "a"), ("g", "y", "a")])
        row = metrics.flip_summary(jobs, "x", "y").iloc[0]
        assert (row["n_a"], row["n_b"], row["n"]) == (1, 1, 0)
        assert row[["agreement", "kappa", "difference", "confidence_a"]].isna().all()

    def test_sides_may_be_rule_sets_periods_any_column_or_what_lacks_a_value(self, sample: lcn.JobSet) -> None:
        ten, eight = sample.rules["rule_set"].astype(object).drop_duplicates()
        by_name = metrics.flip_summary(sample.jobs, ten, eight, by="rule_set")
        by_start = metrics.flip_summary(sample.jobs, ten[:5], eight[:5], by="rule_set")
        pd.testing.assert_frame_equal(by_name, by_start)
        reruns = metrics.flip_summary(sample.jobs, (None, "2026-02-14"), ("2026-03-09", None), by="created_at")
        assert reruns[["n", "n_flips"]].to_numpy().tolist() == [[166, 43]]
        jobs = made([("f", "x", "a"), ("f", None, "b")])
        assert len(metrics.flips(jobs, "x", None)) == 1
        assert len(metrics.flips(jobs.assign(side=[1, 2]), 1, 2, by="side")) == 1

    @pytest.mark.parametrize(
        ("a", "b", "by", "message"),
        [
            ("z", "y", "configuration_id", "^a is 'z', which no job has as its configuration_id; there are: 'x', 'y'"),
            ("x", "x", "configuration_id", "^a is 'x' and b is 'x': 2 jobs would stand on both sides"),
            (["x"], "y", "configuration_id", "^a is .*one value of the column"),
            ("x", "y", "nowhere", "^by is 'nowhere'; it must be the column"),
            ("x", "y", 3, "^by is 3"),
            ("r", "s", "rule_set", "^a is 'r', with which 2 rule sets begin"),
            ("q", "s", "rule_set", "^a is 'q', which no job has as its rule_set"),
            ("2026", ("2026", None), "created_at", "^a is '2026'; it must be a pair"),
            (("x", None), (None, None), "created_at", "^a is 'x', which is not a time"),
            ((None, None), ("2026-02-02", None), "created_at", "3 jobs would stand on both sides"),
        ],
    )
    def test_sides_that_can_not_be_compared_are_refused(self, a: Any, b: Any, by: Any, message: str) -> None:
        jobs = made([("f", "x", "a"), ("f", "y", "b"), ("g", "x", "a")], rule_set=["r1", "r2", "s"])
        with pytest.raises(ArgumentError, match=message):
            metrics.flips(jobs, a, b, by=by)

    def test_what_became_of_both_rules_is_told(self) -> None:
        jobs = made(
            [("f", "x", "a"), ("f", "y", "b"), ("g", "x", "c"), ("g", "y", "d"), ("h", "x", "e"), ("h", "y", None)],
            rule_set=["r", "s"] * 3,
        )
        rows = [("r", "a", "one"), ("r", "b", "two"), ("r", "c", "three"), ("r", "c", "four")]
        rows += [("s", "a", "one"), ("s", "b", "TWO"), ("s", "d", "five")]
        rules = pd.DataFrame(rows, columns=["rule_set", "type", "description"])
        table = metrics.flips(jobs, "x", "y", rules=rules).sort_values("file_input")
        assert table["rule_a"].tolist() == ["same", "removed", "unnamed"]
        assert table["rule_b"].astype(object).fillna("").tolist() == ["reworded", "added", ""]
        again = pd.DataFrame([*rows, ("s", "c", "four"), ("s", "c", "three")], columns=rules.columns)
        assert metrics.flips(jobs, "x", "y", rules=again).sort_values("file_input")["rule_a"].iloc[1] == "same"
        same = jobs.assign(type=pd.Categorical(["a", "b"] * 3), rule_set=["r", "s", "r", "r", "s", "r"])
        assert metrics.flip_flow(same, "x", "y", rules=rules.drop(index=[4]))["rule_a"].tolist() == ["mixed"]
        with pytest.raises(ArgumentError, match="rules must be the table rules"):
            metrics.flips(jobs, "x", "y", rules=rules[["type"]])

    @pytest.mark.parametrize("dtype", ["object", "category", "string"])
    def test_columns_may_be_of_any_text(self, dtype: str) -> None:
        jobs = made([("f", "x", "a"), ("f", "y", "b"), ("g", "x", "a"), ("g", "y", None)])
        wanted = metrics.flips(jobs, "x", "y")
        texts = ["job_id", "file_input", "configuration_id", "rule_set", "outcome", "type"]
        found = metrics.flips(jobs.astype(dict.fromkeys(texts, dtype)), "x", "y")
        found, wanted = (one.astype(object).where(one.notna(), None) for one in (found, wanted))
        pd.testing.assert_frame_equal(found, wanted)

    def test_a_label_of_any_job_is_one_of_its_document(self) -> None:
        jobs = made([("f", "x", "a"), ("f", "x", "a"), ("f", "y", "b")])
        early = pd.DataFrame({"job_id": ["job-000"], "label": ["b"]})
        assert metrics.flips(jobs, "x", "y", labels=early)[["right_a", "right_b"]].to_numpy().tolist() == [
            [False, True]
        ]
        torn = pd.DataFrame({"job_id": ["job-000", "job-002"], "label": ["a", "b"]})
        assert metrics.flip_summary(jobs, "x", "y", labels=torn)["n_labelled"].item() == 0
        with pytest.raises(ArgumentError, match="none of its 1 values of job_id is in jobs"):
            metrics.flips(jobs, "x", "y", labels=pd.DataFrame({"job_id": ["z"], "label": ["a"]}))

    def test_two_sides_of_which_neither_found_a_rule_may_differ_in_being_right(self) -> None:
        jobs = made([("f", "x", None), ("f", "y", None)], rule_set=["r", "s"])
        rules = pd.DataFrame({"rule_set": ["r", "r", "s"], "type": ["a", "b", "a"], "description": "."})
        given = {"labels": pd.DataFrame({"file_input": ["f"], "label": ["b"]}), "rules": rules}
        row = metrics.flip_summary(jobs, "x", "y", **given).iloc[0]
        assert (row["n_flips"], row["n_decisive"], row["n_only_b"], row["difference"]) == (0, 1, 1, 1.0)
        assert len(metrics.flips(jobs, "x", "y", **given)) == 0
        assert metrics.flips(jobs, "x", "y", unmatched=True, **given)["right_b"].tolist() == [True]


class TestAgreement:
    @pytest.mark.parametrize("seed", range(8))
    def test_kappa_is_that_of_statsmodels(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        k = int(chance.integers(2, 6))
        a = chance.integers(0, k, 80)
        b = np.where(chance.random(80) < 0.6, a, chance.integers(0, k, 80))
        wanted = cohens_kappa(sk.confusion_matrix(a, b, labels=range(k)))
        found = _agreement.kappa(a, b, k, 0.95)
        assert found[0] == pytest.approx(wanted.kappa, rel=1e-12)
        assert found[1:] == pytest.approx((wanted.kappa_low, min(wanted.kappa_upp, 1)), rel=1e-9)

    def test_kappa_is_missing_where_nothing_could_disagree(self) -> None:
        assert np.isnan(_agreement.kappa(np.zeros(5, int), np.zeros(5, int), 3, 0.95)).all()
        assert _agreement.kappa(np.array([0, 1]), np.array([0, 1]), 2, 0.95)[0] == 1

    @pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 1), (3, 3), (10, 2), (281, 71), (40, 41)])
    def test_mcnemar_is_that_of_statsmodels(self, b: int, c: int) -> None:
        wanted = sm_mcnemar([[5, b], [c, 5]], exact=True).pvalue
        assert _agreement.mcnemar(b, c) == pytest.approx(min(wanted, 1.0), rel=1e-9)

    @pytest.mark.parametrize(("count", "n", "size"), [(0, 5, 20), (5, 5, 20), (2, 7, 30), (9, 9, 9), (13, 40, 200)])
    def test_the_interval_of_a_count_inverts_both_tests(self, count: int, n: int, size: int) -> None:
        whole = np.arange(count, size - (n - count) + 1)
        not_more = stats.hypergeom.cdf(count, size, whole, n) > 0.025
        not_less = stats.hypergeom.sf(count - 1, size, whole, n) > 0.025
        kept = whole[not_more & not_less]
        assert _agreement.hypergeometric_interval(count, n, size, 0.95) == (kept[0], kept[-1])

    @pytest.mark.parametrize("weighted", [False, True])
    def test_intervals_of_some_labels_hold_the_exact_difference(
        self, weighted: bool, sample: lcn.JobSet, labels: pd.DataFrame
    ) -> None:
        jobs = sample.jobs[sample.jobs["configuration_id"].isin([TEN, BAYES])]
        flips = metrics.flips(jobs, TEN, BAYES, labels=labels, rules=sample.rules)
        x = flips["right_b"].astype(int).to_numpy() - flips["right_a"].astype(int).to_numpy()
        chance, held, width = np.random.default_rng(3), 0, []
        drawn = np.where(flips["confidence_a"] > 0.5, 0.1, 0.3) if weighted else np.full(len(x), 0.15)
        for _ in range(400):
            some = chance.random(len(x)) < drawn
            given = drawn[some] if weighted else None
            middle, lower, upper, method = _agreement.difference(x[some], given, len(x), 2463, 0.95)
            held += lower <= x.sum() / 2463 <= upper
            width.append(upper - lower)
            assert lower <= middle <= upper
            assert method == ("weighted" if weighted else "sample")
        assert held >= 0.95 * 400
        assert np.mean(width) < 0.15

    def test_labels_drawn_unevenly_are_weighted(self) -> None:
        rows = [(f"f{i}", side, kind) for i in range(40) for side, kind in (("x", "a"), ("y", "b"))]
        jobs = made(rows)
        some = pd.DataFrame({"file_input": [f"f{i}" for i in range(10)], "label": ["a"] * 5 + ["b"] * 5})
        even = metrics.flip_summary(jobs, "x", "y", labels=some).iloc[0]
        assert (even["difference"], even["method"]) == (0.0, "sample")
        uneven = some.assign(inclusion_probability=[0.1] * 5 + [0.9] * 5)
        row = metrics.flip_summary(jobs, "x", "y", labels=uneven).iloc[0]
        assert row["method"] == "weighted"
        assert row["difference"] == pytest.approx((5 / 0.9 - 5 / 0.1) / (5 / 0.9 + 5 / 0.1))
        with pytest.raises(ArgumentError, match=r"inclusion_probability is 0\.0; it must be in \(0, 1\]"):
            metrics.flip_summary(jobs, "x", "y", labels=some.assign(inclusion_probability=0.0))

    def test_labels_still_needed_follow_from_the_exact_test(self) -> None:
        for b, c, m, left in [(2, 8, 12, 500), (1, 2, 5, 400), (30, 2, 40, 100), (5, 5, 12, 300)]:
            found = _agreement.still_needed(b, c, m, left, 0.95)
            reached = [
                more for more in range(left + 1)
                if 2 * stats.beta.cdf(0.5, (b + c) * (1 + more / m) - min(b, c) * (1 + more / m),
                                      min(b, c) * (1 + more / m) + 1) <= 0.05
            ]  # fmt: skip
            assert found == (reached[0] if reached else pytest.approx(np.nan, nan_ok=True))
            if b + c and found == 0:
                assert _agreement.mcnemar(b, c) <= 0.05
        assert np.isnan(_agreement.still_needed(0, 0, 0, 10, 0.95))


class TestReruns:
    def test_the_bundled_reruns_are_as_documented(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        row = metrics.rerun_stability(sample.jobs, labels, rules=sample.rules).iloc[0]
        assert (row["n"], row["n_reruns"], row["n_changed"], row["n_unstable"]) == (166, 166, 43, 43)
        assert row["agreement"] == pytest.approx(123 / 166)
        assert (row["n_labelled"], row["n_labelled_unstable"], row["n_other_settings"]) == (166, 43, 166)
        by_type = metrics.rerun_stability(sample.jobs, labels, rules=sample.rules, by="type")
        assert by_type[["n", "n_changed", "n_wrong_stable"]].sum().tolist() == [166, 43, row["n_wrong_stable"]]

    def test_only_the_same_question_asked_anew_is_a_rerun(self) -> None:
        jobs = made([("f", "x", "a"), ("f", "x", "b"), ("f", "x", "b")])
        found = [
            jobs,
            jobs.assign(transaction_id="t"),
            jobs.assign(transaction_id=["t", "u", "u"]),
            jobs.assign(transaction_id=None),
            jobs.assign(rule_set=["r", "s", "t"]),
            jobs.assign(configuration_id=["x", "y", "x"]),
            jobs.assign(outcome=["matched", "failed", "unscored"]),
            jobs.assign(file_input=None),
        ]
        tables = [metrics.rerun_stability(one) for one in found]
        assert [table["n_reruns"].item() for table in tables] == [2, 0, 1, 2, 0, 1, 0, 0]
        assert [table["n_changed"].item() for table in tables] == [1, 0, 1, 1, 0, 1, 0, 0]

    def test_runs_are_taken_in_the_order_of_time(self) -> None:
        jobs = made(
            [("f", "x", "a"), ("f", "x", "b"), ("f", "x", "a"), ("f", "x", "a")], confidence=[0.1, 0.5, 0.4, 0.4]
        )
        row = metrics.rerun_stability(jobs.iloc[[2, 0, 3, 1]]).iloc[0]
        assert (row["n"], row["n_changed"], row["n_unstable"], row["agreement"]) == (1, 2, 1, 0.0)
        assert (row["confidence_shift"], row["confidence_moved"]) == pytest.approx((0.1, 0.5 / 3))

    def test_errors_of_steady_and_unsteady_answers_are_told_apart(self) -> None:
        rows = [(f"f{i:02}", "x", kind) for i in range(20) for kind in ("a", "b" if i < 8 else "a")]
        jobs = made(rows, confidence=0.9)
        some = pd.DataFrame(
            {"file_input": [f"f{i:02}" for i in range(20)], "label": ["b"] * 6 + ["a"] * 12 + ["b"] * 2}
        )
        row = metrics.rerun_stability(jobs, some).iloc[0]
        assert (row["n_wrong_unstable"], row["n_wrong_stable"]) == (6, 2)
        assert (row["error_unstable"], row["error_stable"]) == (6 / 8, 2 / 12)
        fisher = stats.fisher_exact([[6, 2], [2, 10]], alternative="greater")
        assert row["p_value"] == pytest.approx(fisher.pvalue)
        assert row["odds_ratio"] == pytest.approx(6 * 10 / (2 * 2))
        assert row["auroc"] == 0.5
        wrong = np.array([1] * 6 + [0] * 12 + [1] * 2)
        support = np.array([0.45] * 8 + [0.9] * 12)
        assert row["auroc_with_reruns"] == pytest.approx(sk.roc_auc_score(1 - wrong, support))

    @pytest.mark.parametrize("seed", range(5))
    def test_the_stratified_test_is_that_of_statsmodels_and_of_all_shuffles(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        stratum = np.repeat([0, 1, 2], 40)
        marked = chance.random(120) < 0.3
        wrong = chance.random(120) < 0.2 + 0.15 * stratum + 0.15 * marked
        tables = []
        for one in range(3):
            m, w = marked[stratum == one], wrong[stratum == one]
            tables.append(np.array([[(m & w).sum(), (m & ~w).sum()], [(~m & w).sum(), (~m & ~w).sum()]]))
        wanted = StratifiedTable(tables)
        assert _stratified.odds_ratio(stratum, marked, wrong) == pytest.approx(wanted.oddsratio_pooled)
        seen, times = (marked & wrong).sum(), 4000
        key = chance.random((times, 120)) + stratum
        shuffled = marked[np.argsort(key, axis=1)]
        share = ((shuffled & wrong).sum(axis=1) >= seen).mean()
        assert _stratified.exact_p_value(stratum, marked, wrong) == pytest.approx(share, abs=0.03)

    def test_small_strata_are_counted_out_exactly(self) -> None:
        stratum = np.array([0, 0, 0, 1, 1, 1, 1])
        marked, wrong = (np.array(one, bool) for one in ([1, 0, 0, 1, 1, 0, 0], [1, 1, 0, 1, 0, 1, 0]))
        deals = list(itertools.product(itertools.combinations(range(3), 1), itertools.combinations(range(3, 7), 2)))
        counts = [wrong[list(one + two)].sum() for one, two in deals]
        wanted = np.mean(np.array(counts) >= (marked & wrong).sum())
        assert _stratified.exact_p_value(stratum, marked, wrong) == pytest.approx(wanted)
        assert np.isnan(_stratified.exact_p_value(stratum, np.zeros(7, bool), wrong))

    def test_groups_of_like_confidence_never_split_equal_values(self) -> None:
        value = np.array([0.95] * 50 + [0.9] * 3 + [0.1, 0.2, 0.3])
        group = _stratified.equal_groups(value, 10)
        frame = pd.DataFrame({"value": value, "group": group})
        assert not frame.drop_duplicates()["value"].duplicated().any()
        assert frame.sort_values("value")["group"].is_monotonic_increasing
        assert sorted(set(group)) == list(range(group.max() + 1))

    def test_a_group_is_that_of_the_first_answer_and_the_missing_one_is_last(self) -> None:
        jobs = made([("f", "x", "b"), ("f", "x", "a"), ("g", "x", None), ("g", "x", None)])
        table = metrics.rerun_stability(jobs, by="type")
        assert table["type"].astype(object).fillna("").tolist() == ["b", ""]
        assert table["agreement"].tolist() == [0.0, 1.0]
        assert len(metrics.rerun_stability(jobs.iloc[:0], by="type")) == 0
