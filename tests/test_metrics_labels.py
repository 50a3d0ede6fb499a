"""Audits with labels: against scikit-learn and published tables, and whether promises hold, by simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from published_runs import GOOD, POOR, made, published
from scipy import stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from small_jobs import small_jobs, some_labels
from statsmodels.stats.inter_rater import fleiss_kappa

import llama_classify_nb as lcn
from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.label_records import NO_RULE

#: Documented figures of the bundled jobs: jobs scored, accuracy, mean confidence, ECE10, Brier, AUROC.
KNOWN = {
    "cfg-logreg-10types": (2629, 0.8079, 0.7345, 0.0992, 0.1027, 0.9092),
    "cfg-naivebayes-10types": (2463, 0.7499, 0.9712, 0.2213, 0.2202, 0.7392),
    "cfg-logreg-8types": (694, 0.7622, 0.7507, 0.0350, 0.1170, 0.8830),
}


@pytest.fixture(scope="module")
def labels() -> pd.DataFrame:
    return lcn.load_sample_labels()


def judged(jobs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Give scored jobs with their label and whether the answer is right, by a plain loop."""
    label_of = dict(zip(labels["job_id"], labels["label"], strict=True))
    kinds = set(jobs["type"].dropna())
    kinds_of = {"cfg-logreg-8types": kinds - {"note", "news_article"}}
    rows = []
    for job in jobs[jobs["outcome"].isin(["matched", "no_match"])].to_dict("records"):
        label = label_of.get(job["job_id"])
        if label is None:
            continue
        missing = pd.isna(job["type"])
        named = kinds_of.get(job["configuration_id"], kinds)
        right = label not in named if missing else job["type"] == label
        answer = "(none)" if missing else job["type"]
        rows.append((job["configuration_id"], job["confidence"], answer, label, right))
    return pd.DataFrame(rows, columns=["configuration_id", "confidence", "answer", "label", "right"])


class TestGroups:
    def test_a_column_of_numbers_with_gaps_makes_groups(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        jobs = sample.jobs.assign(max_pages=pd.array(np.arange(len(sample.jobs)) % 3, "Int64"))
        jobs.loc[jobs["max_pages"] == 2, "max_pages"] = pd.NA
        for metric in (metrics.accuracy, metrics.calibration_scores, metrics.risk_coverage_curve):
            table = metric(jobs, labels, by="max_pages")
            assert table["max_pages"].drop_duplicates().fillna(-1).tolist() == [0, 1, -1]
            for value, part in table.groupby("max_pages"):
                alone = metric(jobs[(jobs["max_pages"] == value).fillna(False)], labels, rules=sample.rules)
                whole = metric(jobs, labels, rules=sample.rules, by="max_pages")
                mine = whole[(whole["max_pages"] == value).fillna(False)].drop(columns="max_pages")
                pd.testing.assert_frame_equal(mine.reset_index(drop=True), alone)
                assert len(part) == len(mine)

    @pytest.mark.parametrize("dtype", ["int32", "bool", "float64", "Int64", "category", object])
    def test_a_plan_by_values_of_any_kind_is_drawn(self, sample: lcn.JobSet, dtype: Any) -> None:
        jobs = sample.jobs.assign(kind=pd.Series(np.arange(len(sample.jobs)) % 2).astype(dtype).array)
        plan = metrics.audit_plan(jobs, by="kind")
        assert plan["kind"].isna().tolist() == [False] * (len(plan) - 1) + [True]
        queue = metrics.draw_sample(jobs, plan)
        assert len(queue) == plan["n_to_draw"].iloc[-1]


class TestScores:
    def test_the_bundled_jobs_score_as_documented(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        table = metrics.accuracy(sample.jobs, labels, rules=sample.rules, by="configuration_id")
        scores = metrics.calibration_scores(sample.jobs, labels, rules=sample.rules, by="configuration_id")
        for (_, row), (_, score) in zip(table.iterrows(), scores.iterrows(), strict=True):
            found = row["n"], row["accuracy"], score["confidence"], score["ece"], score["brier"], score["auroc"]
            assert tuple(np.round(found, 4)) == KNOWN[row["configuration_id"]]

    def test_types_score_as_scikit_learn_says(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        truth = judged(sample.jobs, labels)
        table = metrics.scores_by_type(sample.jobs, labels, rules=sample.rules)
        kinds = table["type"].tolist()
        with_kinds = {"labels": kinds, "zero_division": np.nan}
        wanted = sk.precision_recall_fscore_support(truth["label"], truth["answer"], **with_kinds)
        for name, values in zip(("precision", "recall", "f1", "n_labelled"), wanted, strict=True):
            np.testing.assert_allclose(table[name], values, rtol=1e-12)
        row = table.iloc[0]
        exact = stats.binomtest(int(row["n_right"]), int(row["n_answered"])).proportion_ci(method="exact")
        assert (row["precision_lower"], row["precision_upper"]) == pytest.approx((exact.low, exact.high))

    def test_the_confusion_matrix_is_that_of_scikit_learn(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        truth = judged(sample.jobs, labels)
        table = metrics.confusion_matrix(sample.jobs, labels, rules=sample.rules)
        wide = table.assign(answer=table["type"].astype(object).fillna(table["outcome"].map("({})".format)))
        wide = wide.pivot_table(index="label", columns="answer", values="count", observed=True, aggfunc="sum")
        kinds = list(wide.index)
        wanted = sk.confusion_matrix(truth["label"], truth["answer"], labels=[*kinds, "(none)"])
        assert np.array_equal(wide[kinds].to_numpy(), wanted[:-1, :-1])
        assert np.array_equal(wide["(no_match)"].to_numpy(), wanted[:-1, -1])
        assert wide.to_numpy().sum() == sample.jobs["job_id"].isin(labels["job_id"]).sum()

    def test_a_missing_answer_is_right_where_no_rule_names_the_label(self) -> None:
        jobs = made([0.2, 0.3, 0.9], type=[None, None, "a"], outcome=["no_match", "no_match", "matched"])
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": ["a", "photo", "a"]})
        assert metrics.accuracy(jobs, some)["n_right"].tolist() == [2]
        rules = pd.DataFrame({"rule_set": ["r"], "type": ["photo"]})
        assert metrics.accuracy(jobs.assign(rule_set="r"), some, rules=rules)["n_right"].tolist() == [2]

    @pytest.mark.parametrize("text", ["", None])
    def test_a_label_without_a_text_counts_for_nothing(self, text: str | None) -> None:
        jobs = made([0.9, 0.9])
        assert metrics.accuracy(jobs, pd.DataFrame({"job_id": jobs["job_id"], "label": ["a", text]}))["n"].item() == 1

    def test_most_reviewers_decide_and_a_tie_decides_nothing(self) -> None:
        jobs = made([0.9, 0.9])
        votes = [("job-0", "b"), ("job-0", "a"), ("job-0", "a"), ("job-1", "a"), ("job-1", "b")]
        found = metrics.accuracy(jobs, pd.DataFrame(votes, columns=["job_id", "label"]))
        assert found[["n", "n_right"]].to_numpy().tolist() == [[1, 1]]

    @pytest.mark.parametrize("text", ["Memo", " memo", "MEMO "])
    def test_a_label_that_is_a_type_but_for_its_spelling_is_refused(self, text: str) -> None:
        jobs = made([0.9, 0.9], type="memo")
        some = pd.DataFrame({"job_id": ["job-0", "job-1", "elsewhere"], "label": ["memo", text, "memo"]})
        message = f"the label '{text}' is the type 'memo' but for case or spaces"
        with pytest.raises(ArgumentError, match=f"labels: {message}"):
            metrics.accuracy(jobs, some)
        with pytest.raises(ArgumentError, match=f"pilot: {message}"):
            metrics.audit_plan(jobs, pilot=some)
        with pytest.raises(ArgumentError, match=f"labels: {message}"):
            metrics.anchoring(jobs, some.assign(seen_prediction=True))
        some.loc[1:, "label"] = ["memo", text]  # of a job that isn't asked about, where types may be called otherwise
        assert metrics.accuracy(jobs, some)["n_right"].item() == 2

    @pytest.mark.parametrize(
        "kind",
        [
            lambda some: pd.concat([some, some]),
            lambda some: some.astype("category"),
            lambda some: some.astype(object).set_index(np.zeros(len(some))),
            lambda some: some.convert_dtypes(dtype_backend="pyarrow"),
            lambda some: pd.concat([some, pd.DataFrame({"job_id": ["elsewhere", None], "label": ["a", "a"]})]),
            lambda some: some.assign(reviewer=None, note="?"),
        ],
    )
    def test_labels_in_any_shape_score_alike(self, kind: Any) -> None:
        jobs = made(np.linspace(0.5, 1, 80))
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": np.where(np.arange(80) % 5, "a", "b")})
        other = kind(some)
        before = other.copy()
        for metric in (
            metrics.accuracy,
            metrics.scores_by_type,
            metrics.confusion_matrix,
            metrics.calibration_scores,
            metrics.precision_threshold,
            metrics.accuracy_estimate,
            metrics.corrected_type_shares,
        ):
            pd.testing.assert_frame_equal(metric(jobs, other), metric(jobs, some))
        pd.testing.assert_frame_equal(other, before)

    @pytest.mark.parametrize("empty", [pd.NA, None, np.nan, ""])
    def test_labels_that_are_all_missing_are_no_labels(self, empty: Any) -> None:
        jobs = made([0.9, 0.8])
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": [empty, empty]})
        assert metrics.accuracy(jobs, some)["n"].item() == 0
        assert metrics.accuracy_estimate(jobs, some)["method"].item() == "none"
        assert "no answer has a label" in metrics.precision_threshold(jobs, some)["reason"].item()

    def test_labels_may_be_of_files(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        of_files = labels[["file_input", "label"]].drop_duplicates("file_input")
        assert metrics.accuracy(sample.jobs, of_files)["n"].item() >= metrics.accuracy(sample.jobs, labels)["n"].item()

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([], "labels must be a DataFrame, not list"),
            (pd.DataFrame({"job_id": ["job-0"], "true_type": ["a"]}), "lacks the column 'label'.*true_type"),
            (pd.DataFrame({"label": ["a"]}), "lacks the columns 'job_id' and 'file_input'"),
            (
                pd.DataFrame({"job_id": ["x"], "label": ["a"]}),
                "none of its 1 values of job_id is in jobs.*'x'",
            ),
            (pd.DataFrame({"job_id": ["job-0"], "label": [3]}), "the label 3 isn't a text"),
            (
                pd.DataFrame([["job-0", "a", "b"]], columns=["job_id", "label", "label"]),
                "several columns called 'label'",
            ),
        ],
    )
    def test_labels_that_can_not_be_right_are_refused(self, labels: Any, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            metrics.accuracy(made([0.9]), labels)


class TestCalibration:
    def test_a_published_table_is_met(self) -> None:
        folder = Path(__file__).parent / "data"
        jobs = lcn.read_jobs(folder / "llm_jobs.jsonl.gz").jobs
        subset = pd.read_csv(folder / "llm_labels.csv.gz", dtype=str, keep_default_na=False)
        wanted = json.loads((folder / "llm_published.json").read_text())["by_configuration"]
        table = metrics.calibration_scores(jobs, subset, by="configuration_id", with_zero=False)
        for row in table.to_dict("records"):
            one = wanted[row["configuration_id"]]
            assert row["n"] == one["sample_size"]
            for name in ("accuracy", "ece", "auroc"):
                assert row[name] == pytest.approx(one[name], abs=2e-7)

    @pytest.mark.parametrize("name", KNOWN)
    def test_scores_are_those_of_scikit_learn(self, name: str, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        jobs = sample.jobs[sample.jobs["configuration_id"] == name]
        truth = judged(sample.jobs, labels).query("configuration_id == @name")
        row = metrics.calibration_scores(jobs, labels, rules=sample.rules).iloc[0]
        right, confidence = truth["right"].astype(int), truth["confidence"]
        assert row["brier"] == pytest.approx(sk.brier_score_loss(right, confidence), abs=1e-12)
        assert row["log_loss"] == pytest.approx(sk.log_loss(right, confidence), abs=1e-12)
        assert row["auroc"] == pytest.approx(sk.roc_auc_score(right, confidence), abs=1e-12)
        assert row["separation"] == pytest.approx(
            confidence[right == 1].mean() - confidence[right == 0].mean(), abs=1e-12
        )

    @pytest.mark.parametrize("closed", ["right", "left"])
    @pytest.mark.parametrize("with_zero", [True, False])
    def test_confidences_on_edges_go_where_the_convention_says(self, closed: str, with_zero: bool) -> None:
        confidence = np.array([0, 0.1, 0.3, 0.7, 0.8, 0.9, 1.0])
        jobs = made(confidence)
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": "a"})
        table = metrics.calibration_curve(jobs, some, closed=closed, with_zero=with_zero)
        wanted: dict[int, int] = {}
        for tenths in (0, 1, 3, 7, 8, 9, 10):  # a plain loop, over whole numbers
            place = tenths - 1 if closed == "right" else min(tenths, 9)
            if place < 0 and with_zero:
                place = 0
            if place >= 0:
                wanted[place] = wanted.get(place, 0) + 1
        found = dict(zip((table["lower"] * 10).round().astype(int), table["n"], strict=True))
        assert found == wanted

    @pytest.mark.parametrize("strategy", ["uniform", "quantile"])
    def test_the_curve_is_that_of_scikit_learn(self, strategy: str) -> None:
        chance = np.random.default_rng(3)
        confidence = np.concatenate([chance.integers(0, 21, 300) / 20, chance.random(300)])
        right = chance.random(600) < 0.7
        jobs = made(confidence)
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": np.where(right, "a", "b")})
        kind = {"uniform": "equal_width", "quantile": "equal_mass"}[strategy]
        table = metrics.calibration_curve(jobs, some, kind=kind)
        rate, mean = calibration_curve(right, confidence, n_bins=10, strategy=strategy)
        np.testing.assert_allclose(table["accuracy"], rate, rtol=1e-12)
        np.testing.assert_allclose(table["confidence"], mean, rtol=1e-12)

    def test_edges_may_be_given_as_another_tool_has_them(self) -> None:
        confidence = np.array([0.1, 0.3, 0.3, 0.6, 0.7, 0.95, 1.0])
        right = np.array([1, 0, 0, 1, 1, 1, 0], bool)
        jobs = made(confidence)
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": np.where(right, "a", "b")})
        edges = np.linspace(0, 1, 11)  # 0.30000000000000004: a bin closed left doesn't hold 0.3
        found = metrics.calibration_scores(jobs, some, bins=edges, closed="left")["ece"].item()
        place = [sum(c >= edge for edge in edges[1:-1]) for c in confidence]
        cells = {bin_: [one for one, where in enumerate(place) if where == bin_] for bin_ in set(place)}
        wanted = sum(abs(confidence[use].sum() - right[use].sum()) for use in cells.values()) / 7
        assert found == pytest.approx(wanted, abs=1e-12)
        assert metrics.calibration_curve(jobs, some, bins=[0, 0.5, 1])["n"].tolist() == [3, 4]

    @pytest.mark.parametrize("bins", [0, True, "ten", [0.5, 1], [0, 0.5], [0, 0.5, 0.5, 1], [0], [0, np.nan, 1]])
    def test_bins_that_leave_something_out_are_refused(self, bins: Any) -> None:
        with pytest.raises(ArgumentError, match="bins is"):
            metrics.calibration_scores(made([0.9]), pd.DataFrame({"job_id": ["job-0"], "label": ["a"]}), bins=bins)

    @pytest.mark.parametrize("kind", ["equal_width", "equal_mass", "atoms"])
    def test_equal_confidences_stay_together(self, kind: str) -> None:
        jobs = made([0.5] * 7 + [0.9] * 5 + [0.95])
        some = pd.DataFrame({"job_id": jobs["job_id"], "label": ["a", "b"] * 6 + ["a"]})
        table = metrics.calibration_curve(jobs, some, kind=kind, bins=4)
        assert table["n"].sum() == 13
        assert table["n"].isin([7, 5, 1, 7 + 5, 5 + 1]).all()
        assert ((table["confidence"] >= table["lower"]) & (table["confidence"] <= table["upper"])).all()

    @pytest.mark.parametrize("label", ["a", "b"])
    def test_one_class_has_no_ranking_but_all_else(self, label: str) -> None:
        jobs = made([0.5, 0.9, 0.9])
        row = metrics.calibration_scores(jobs, pd.DataFrame({"job_id": jobs["job_id"], "label": label})).iloc[0]
        assert np.isnan(row["auroc"])
        assert np.isnan(row["separation"])
        assert row[["ece", "ece_equal_mass", "mce", "brier", "log_loss"]].notna().all()

    def test_risk_and_coverage_are_those_of_a_plain_loop(self) -> None:
        jobs, some = small_jobs(80), some_labels(small_jobs(80))
        table = metrics.risk_coverage_curve(jobs, some)
        matched = jobs[jobs["outcome"] == "matched"]
        label = some.groupby("job_id")["label"].agg(list)
        rows = [
            (job["confidence"], job["type"] == label[job["job_id"]][0])
            for job in matched.to_dict("records")
            if job["job_id"] in label and len(set(label[job["job_id"]])) == 1
        ]
        for row in table.to_dict("records"):
            above = [right for confidence, right in rows if confidence >= row["threshold"]]
            assert (row["n"], row["n_wrong"]) == (len(above), above.count(False))
            assert row["coverage"] == pytest.approx(len(above) / len(rows))

    def test_two_published_distributions_are_told_apart(self) -> None:
        for with_labels in (True, False):
            good, poor = (
                metrics.confidence_health(*((jobs, some) if with_labels else (jobs,))).iloc[0]
                for jobs, some in map(published, (GOOD, POOR))
            )
            assert (good["verdict"], poor["verdict"]) == ("passes", "flagged")
            assert "91% of the answers" in poor["reasons"]
        assert metrics.confidence_health(*published(POOR))["unreachable_error_share"].item() == 25 / 46

    def test_a_verdict_without_labels_is_what_labels_confirm(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        before = metrics.confidence_health(sample.jobs, by="configuration_id")
        after = metrics.confidence_health(sample.jobs, labels, by="configuration_id")
        assert before["verdict"].tolist() == after["verdict"].tolist() == ["passes", "passes", "flagged"]


class TestSharesAndReviewers:
    def test_shares_are_corrected_towards_the_truth(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        jobs = sample.jobs[sample.jobs["configuration_id"] == "cfg-logreg-10types"]
        jobs = jobs[jobs["job_id"].isin(labels["job_id"]) & jobs["outcome"].isin(["matched", "no_match"])]
        mine = labels[labels["job_id"].isin(jobs["job_id"])]
        truth = mine["label"].value_counts(normalize=True)
        held, worse, better = 0, 0.0, 0.0
        for seed in range(40):
            table = metrics.corrected_type_shares(jobs, mine.sample(300, random_state=seed)).set_index("type")
            true = truth.reindex(table.index).to_numpy()
            held += bool(((table["share_lower"] <= true) & (true <= table["share_upper"])).all())
            worse += np.abs(table["raw_share"] - true).sum()
            better += np.abs(table["share"] - true).sum()
            assert table["share"].sum() == pytest.approx(1)
        assert held >= 36
        assert better < worse

    def test_shares_are_a_weighted_sum_over_answers(self) -> None:
        jobs = made([0.9] * 100, type=["a"] * 70 + ["b"] * 30)
        some = pd.DataFrame({"job_id": [f"job-{n}" for n in [*range(10), *range(90, 100)]], "label": "a"})
        some.loc[[0, 12, 13], "label"] = "b"
        table = metrics.corrected_type_shares(jobs, some).set_index("type")
        assert table.loc["b", "share"] == pytest.approx(0.7 * 0.1 + 0.3 * 0.2)

    def test_a_planted_wrong_label_is_the_first_suspect(self, sample: lcn.JobSet, labels: pd.DataFrame) -> None:
        table = metrics.confidence_by_type(sample.jobs)
        assert len(table)
        sure = sample.jobs[sample.jobs["confidence"] > 0.99].merge(labels[["job_id", "label"]], on="job_id")
        victim = sure[sure["type"].astype(object) == sure["label"]].iloc[3]
        bad = labels.assign(label=labels["label"].where(labels["file_input"] != victim["file_input"], "planted"))
        found = metrics.label_suspects(sample.jobs, bad)
        rank = found["file_input"].tolist().index(victim["file_input"])
        assert rank < 0.1 * labels["file_input"].nunique()
        assert found["score"].is_monotonic_decreasing
        assert not metrics.label_suspects(sample.jobs, labels)["file_input"].duplicated().any()

    def test_that_no_rule_fits_is_contradicted_by_answers_under_the_same_rules_alone(self) -> None:
        jobs = made([0.9, 0.95], type=["a", "b"], rule_set=["few", "many"], file_input="f")
        some = pd.DataFrame({"job_id": ["job-0"], "label": NO_RULE})
        found = metrics.label_suspects(jobs, some)
        assert found[["job_id", "type", "n_answers"]].to_numpy().tolist() == [["job-0", "a", 1]]
        both = pd.DataFrame({"job_id": ["job-0", "job-1"], "label": [NO_RULE, "b"]})
        assert metrics.label_suspects(jobs.assign(confidence=[0.3, 0.95]), both).empty

    def test_agreement_is_that_of_scikit_learn_and_statsmodels(self) -> None:
        chance = np.random.default_rng(4)
        truth = chance.choice(list("abc"), 200)
        votes = {who: np.where(chance.random(200) < 0.2, chance.choice(list("abc"), 200), truth) for who in "xyz"}
        rows = [(f"j{place}", who, label) for who, given in votes.items() for place, label in enumerate(given)]
        table = metrics.reviewer_agreement(pd.DataFrame(rows, columns=["job_id", "reviewer", "label"]))
        for row in table.iloc[:-1].to_dict("records"):
            pair = votes[row["reviewer_a"]], votes[row["reviewer_b"]]
            assert row["kappa"] == pytest.approx(sk.cohen_kappa_score(*pair))
            assert row["n_same"] == (pair[0] == pair[1]).sum()
        counts = np.array([[sum(votes[who][place] == kind for who in "xyz") for kind in "abc"] for place in range(200)])
        # With equally many labels of each, alpha is Fleiss' kappa but for a correction of small samples.
        assert table["kappa"].iloc[-1] == pytest.approx(1 - (1 - fleiss_kappa(counts)) * (1 - 1 / 600), abs=1e-9)


class TestFiles:
    def test_labels_are_read_as_they_stand(self, tmp_path: Path) -> None:
        path = tmp_path / "labels.csv"
        path.write_text("job_id,label,inclusion_probability,seen_prediction\n007,NA,0.5,True\n008,,1,false\n")
        table = lcn.read_labels(path)
        assert table["job_id"].tolist() == ["007", "008"]
        assert table["label"].iloc[0] == "NA"
        assert table["label"].isna().tolist() == [False, True]
        assert table["inclusion_probability"].tolist() == [0.5, 1.0]
        assert table["seen_prediction"].tolist() == [True, False]

    @pytest.mark.parametrize(
        "text",
        [
            "\ufeffjob_id,label,inclusion_probability,seen_prediction\na,memo,0.5,yes\n",
            "job_id;label;inclusion_probability;seen_prediction\r\na;memo;0,5;TRUE\r\n",
            "job_id\tlabel\tinclusion_probability\tseen_prediction\na\tmemo\t0.5\t1\n",
            "job_id, label , inclusion_probability, seen_prediction\na , memo , 0.5 , y \n",
        ],
    )
    def test_what_a_spreadsheet_makes_of_a_file_is_read_alike(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode())
        assert lcn.read_labels(path).iloc[0].to_dict() == {
            "job_id": "a",
            "label": "memo",
            "inclusion_probability": 0.5,
            "seen_prediction": True,
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("job_id,label,blind\na,b,perhaps\n", "'blind' must say true or false, not 'perhaps'"),
            ("id,label\n", "no column is called 'job_id' or 'file_input'; its first line says: id, label"),
            ("job_id,type\n", "no column is called 'label'; its first line says: job_id, type"),
            ("job_id,label,inclusion_probability\na,b,often\n", "must hold numbers.*often"),
            ("", "empty; its first line must name"),
        ],
    )
    def test_what_is_no_table_of_labels_is_refused(self, text: str, message: str, tmp_path: Path) -> None:
        path = tmp_path / "labels.csv"
        path.write_text(text)
        with pytest.raises(lcn.exceptions.ReadError, match=message):
            lcn.read_labels(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(lcn.exceptions.ReadError, match=r"nothing\.csv"):
            lcn.read_labels(tmp_path / "nothing.csv")
