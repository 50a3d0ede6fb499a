"""Overlap of rules: each source against a plain count, the ranking against the truth, and hostile text."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from small_jobs import some_labels

import llama_classify_nb as lcn
from llama_classify_nb import plots
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import rule_overlap

TYPES = ["invoice", "receipt", "purchase_order", "letter", "memo", "resume"]


def rules_of(types: list[str] = TYPES, name: str = "r") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rule_set": name,
            "position": range(len(types)),
            "type": types,
            "description": [f"about {one}" for one in types],
        }
    )


def jobs_of(rows: list[tuple[str | None, str]], **columns: object) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["type", "reasoning"])
    outcome = np.where(table["type"].isna(), "no_match", "matched")
    ids = [f"j{i}" for i in range(len(rows))]
    return table.assign(**{"job_id": ids, "outcome": outcome, "confidence": 0.9, "rule_set": "r", **columns})


def cell(table: pd.DataFrame, a: str, b: str) -> pd.Series:
    (row,) = table[(table["type_a"] == a) & (table["type_b"] == b)].to_dict("records")
    return pd.Series(row)


def planted(n: int, seed: int, noise: float = 0.2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers like a language model's: of two pairs half the documents are in doubt; the reasoning names the other."""
    rng = np.random.default_rng(seed)
    twin = {"invoice": "receipt", "receipt": "invoice", "letter": "memo", "memo": "letter"}
    rows, labels = [], []
    for kind in rng.choice(TYPES, n):
        other, doubt = twin.get(kind, "resume"), kind in twin and rng.random() < 0.5
        answer = other if doubt and rng.random() < 0.4 else kind
        second = kind if answer == other else other
        text = f"The document matches the {answer} criteria because it has what a {answer.replace('_', ' ')} has."
        if doubt:
            text += f" However, it also has features of a {second.title()}."
        if rng.random() < noise:
            # Some names stand in any text.
            text += " It does not look like a resume."
        rows.append((answer, text))
        labels.append(kind)
    jobs = jobs_of(rows)
    jobs["confidence"] = np.where(jobs["reasoning"].str.contains("However"), 0.85, 0.95)
    return jobs, pd.DataFrame({"job_id": jobs["job_id"], "label": labels})


def confusions(jobs: pd.DataFrame, labels: pd.DataFrame, types: list[str]) -> dict[tuple[str, str], int]:
    both = jobs.merge(labels[["job_id", "label"]], on="job_id")
    both = both[both["outcome"] == "matched"]
    counts = both.astype({"type": object, "label": object}).groupby(["type", "label"]).size().to_dict()
    return {pair: counts.get(pair, 0) + counts.get(pair[::-1], 0) for pair in combinations(types, 2)}


# The ranking


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_pairs_that_are_really_confused_rank_first_without_a_label(seed: int) -> None:
    jobs, _ = planted(400, seed)
    table = rule_overlap(jobs, rules_of())
    top = {tuple(row) for row in table[["type_a", "type_b"]].head(2).to_numpy()}
    assert top == {("invoice", "receipt"), ("letter", "memo")}


@pytest.mark.parametrize(
    ("configuration", "correlation"),
    [("cfg-logreg-10types", 0.8), ("cfg-logreg-8types", 0.7), ("cfg-naivebayes-10types", 0.8)],
)
def test_in_the_sample_the_ranking_goes_with_the_hidden_confusions(
    configuration: str, correlation: float, sample: lcn.JobSet
) -> None:
    jobs = sample.jobs[sample.jobs["configuration_id"] == configuration]
    name = str(jobs["rule_set"].iloc[0])
    table = rule_overlap(jobs, sample.rules, rule_set=name)
    types = sample.rules.loc[sample.rules["rule_set"] == name, "type"].astype(str).tolist()
    truth = confusions(jobs, lcn.load_sample_labels(), types)
    counted = [truth[pair] for pair in zip(table["type_a"], table["type_b"], strict=True)]
    assert spearmanr(table["score"], counted)[0] > correlation
    # The first five pairs hold nearly as many confusions as any five can.
    assert sum(counted[:5]) >= 0.8 * sum(sorted(counted)[-5:])


def test_with_every_answer_labelled_the_order_is_that_of_the_confusions(sample: lcn.JobSet) -> None:
    jobs = sample.jobs[sample.jobs["configuration_id"] == "cfg-logreg-10types"]
    labels = lcn.load_sample_labels()
    table = rule_overlap(jobs, sample.rules, labels=labels, rule_set=sample.rules["rule_set"].iloc[0][:7])
    types = sample.rules["type"].astype(str).unique().tolist()
    truth = confusions(jobs, labels, types)
    counted = [truth[pair] for pair in zip(table["type_a"], table["type_b"], strict=True)]
    assert counted[:10] == sorted(counted)[:-11:-1]
    assert (table["n_a_as_b"] + table["n_b_as_a"]).tolist() == counted


def test_scores_are_shares_of_all_confusions(sample: lcn.JobSet) -> None:
    for labels in (None, lcn.load_sample_labels()):
        table = rule_overlap(sample.jobs, sample.rules, labels=labels)
        np.testing.assert_allclose(table.groupby("rule_set", observed=True)["score"].sum(), 1, atol=1e-9)
        assert len(table) == 45 + 28
        for name in ("score", "description", "named", "words", "flips", "confused"):
            assert table[name].dropna().between(0, 1).all()
        assert table["confused"].isna().all() == (labels is None)


# The sources


def test_names_are_found_in_any_spelling_and_only_whole() -> None:
    texts = [
        "as a Purchase Order",
        "two PURCHASE-ORDERS",
        "purchase_order",
        "purchase it in order",
        "repurchase orders",
        "",
    ]
    table = rule_overlap(jobs_of([("letter", text) for text in texts]), rules_of())
    assert cell(table, "purchase_order", "letter")["n_b_names_a"] == 3


def test_the_longer_name_counts_where_one_is_part_of_another() -> None:
    rules = rules_of(["article", "scientific article", "memo"])
    table = rule_overlap(jobs_of([("memo", "nearly a scientific article"), ("memo", "an article")]), rules)
    assert cell(table, "article", "memo")["n_b_names_a"] == 1
    assert cell(table, "scientific article", "memo")["n_b_names_a"] == 1


def test_names_in_scripts_without_spaces_are_found() -> None:
    table = rule_overlap(jobs_of([("請求書", "これは領収書ではありません")]), rules_of(["請求書", "領収書", "手紙"]))
    assert cell(table, "請求書", "領収書")["n_a_names_b"] == 1


def test_a_name_that_stands_in_any_reasoning_is_no_evidence() -> None:
    rows = [(kind, "Please take this memo as said.") for kind in TYPES[:4] for _ in range(50)]
    rows += [("invoice", "Nearly a receipt.")] * 10
    table = rule_overlap(jobs_of(rows), rules_of())
    assert (table["type_a"].iloc[0], table["type_b"].iloc[0]) == ("invoice", "receipt")
    assert cell(table, "letter", "memo")["n_a_names_b"] == 50


def test_a_reasoning_without_a_match_speaks_for_the_two_that_it_names() -> None:
    table = rule_overlap(jobs_of([(None, "neither a letter nor a memo")] * 9), rules_of())
    row = table.iloc[0]
    assert (row["type_a"], row["type_b"], row["n_neither"]) == ("letter", "memo", 9)
    assert row["evidence"] == "9 reasonings without a match name both"


def test_less_sure_answers_weigh_more() -> None:
    rows = [("invoice", "or a receipt")] * 20 + [("letter", "or a memo")] * 20
    jobs = jobs_of(rows, confidence=[0.4] * 20 + [0.99] * 20)
    assert cell(rule_overlap(jobs, rules_of()), "invoice", "receipt")["rank"] == 1
    assert (
        cell(rule_overlap(jobs.assign(confidence=1.39 - jobs["confidence"]), rules_of()), "letter", "memo")["rank"] == 1
    )


def test_flips_are_counted_by_file_and_across_rule_sets() -> None:
    kinds = ["invoice", "receipt", "invoice", "receipt", "receipt", "letter", "memo", "memo"]
    files = ["f1", "f1", "f1", "f2", "f2", "f3", None, None]
    jobs = jobs_of([(kind, "") for kind in kinds], file_input=files)
    other = jobs_of([("memo", "")], file_input="f3", rule_set="other", job_id="x")
    table = rule_overlap(pd.concat([jobs, other]), rules_of())
    row = cell(table, "invoice", "receipt")
    assert (row["n_flips"], row["flips"]) == (1, 0.5)
    assert cell(table, "letter", "memo")["n_flips"] == 1
    assert pd.isna(cell(table, "purchase_order", "resume")["flips"])


def test_a_transaction_handed_in_again_is_no_second_answer() -> None:
    jobs = jobs_of([("invoice", ""), ("receipt", "")], file_input="f", transaction_id="t")
    assert rule_overlap(jobs, rules_of())["n_flips"].sum() == 0
    assert rule_overlap(jobs.assign(transaction_id=["t", "u"]), rules_of())["n_flips"].sum() == 1


def test_the_one_that_loses_its_documents_is_to_be_sharpened() -> None:
    rows = [("invoice", "Paid already, so it could be a receipt.")] * 20 + [("receipt", "Paid.")] * 20
    row = rule_overlap(jobs_of(rows), rules_of()).iloc[0]
    assert (row["type_a"], row["type_b"], row["sharpen"]) == ("invoice", "receipt", "receipt")
    assert row["a_as_b"] < 0.5


def test_descriptions_alone_rank_the_alike_and_those_that_name_each_other() -> None:
    rules = rules_of().assign(
        description=[
            "goods and their price, number, due date",
            "goods and their price, and change given",
            "x y",
            "z",
            "v",
            "w",
        ]
    )
    row = rule_overlap(jobs_of([]), rules).iloc[0]
    assert (row["type_a"], row["type_b"], row["n_read"]) == ("invoice", "receipt", 0)
    assert row[["named", "words", "flips", "confused", "evidence", "quotes"]].isna().all()
    rules["description"] = ["q", "r", "s", "t, not a resume", "u", "v"]
    assert cell(rule_overlap(jobs_of([]), rules), "letter", "resume")["rank"] == 1


# Evidence in words


def test_quotes_are_the_sentences_least_sure_first_on_one_plain_line() -> None:
    rows = [
        ("invoice", "First. It could be\na \u202ereceipt\x00 too! Last."),
        ("invoice", "Or a receipt. " + "x" * 5000),
        ("receipt", "y" * 400 + " not an invoice " + "z" * 400),
    ]
    row = rule_overlap(jobs_of(rows, confidence=[0.9, 0.5, 0.95]), rules_of()).iloc[0]
    first, second, third = row["quotes"].split(" · ")
    assert first == "invoice (0.50): “Or a receipt.”"
    assert second == "invoice (0.90): “a receipt too!”"
    assert "not an invoice" in third
    assert len(third) < 220
    assert row["quotes"].isprintable()


# What comes in


def test_other_orders_of_rows_and_plain_columns_change_nothing(sample: lcn.JobSet) -> None:
    jobs, labels = sample.jobs.iloc[::3], lcn.load_sample_labels()
    expected = rule_overlap(jobs, sample.rules, labels=labels)
    plain = jobs.assign(**{name: jobs[name].astype(object) for name in ("type", "rule_set", "outcome", "reasoning")})
    for other in (jobs.sample(frac=1, random_state=1), plain):
        pd.testing.assert_frame_equal(rule_overlap(other, sample.rules, labels=labels), expected, check_exact=True)


def test_of_many_reasonings_a_part_is_read_and_stands_for_all(sample: lcn.JobSet) -> None:
    jobs = pd.concat([sample.jobs] * 8, ignore_index=True)
    jobs["job_id"] = jobs["job_id"] + pd.Series(np.arange(len(jobs)).astype(str))
    few, many = (
        rule_overlap(one, sample.rules, rule_set=sample.rules["rule_set"].iloc[0][:7]) for one in (sample.jobs, jobs)
    )
    assert few["n_read"].iloc[0] == 5092
    assert 15_000 < many["n_read"].iloc[0] <= 22_000
    both = few.merge(many, on=["type_a", "type_b"])
    assert spearmanr(both["named_x"], both["named_y"])[0] > 0.95


def test_types_that_are_no_words_and_rules_of_one_type_are_taken() -> None:
    types = ["$x^{$", "++", "", "<b>&amp;", "long " * 1000, "memo"]
    jobs = jobs_of([(kind, "a memo $x^{$ (?:" + kind) for kind in types], file_input="f")
    table = rule_overlap(jobs, rules_of(types), labels=some_labels(jobs.astype({"type": "category"})))
    assert len(table) == 15
    assert len(rule_overlap(jobs, rules_of(["memo"]))) == 0
    assert len(rule_overlap(jobs, pd.concat([rules_of(["memo", "++"])] * 2))) == 1


def test_too_many_rule_sets_and_an_unknown_one_are_refused() -> None:
    rules = pd.concat([rules_of(["a", "b"], f"set{i}") for i in range(201)])
    with pytest.raises(ArgumentError, match=r"201 rule sets.*rule_set="):
        rule_overlap(jobs_of([]), rules)
    assert len(rule_overlap(jobs_of([]), rules, rule_set="set200")) == 1
    with pytest.raises(ArgumentError, match="rule_set is 'x', which is no rule set"):
        rule_overlap(jobs_of([]), rules, rule_set="x")


def test_the_picture_shows_scores_and_on_request_the_evidence() -> None:
    jobs, _ = planted(200, 1)
    table = rule_overlap(jobs, rules_of())
    ax = plots.rule_overlap(jobs, rules_of(), evidence=1)
    shown = ax.collections[0].get_array()
    assert shown[0, 1] == shown[1, 0] == cell(table, "invoice", "receipt")["score"]
    first = table.iloc[0]
    assert f"{first['type_a']} / {first['type_b']}: " in ax.get_xlabel()
    assert "could" not in plots.rule_overlap(jobs, rules_of()).get_xlabel()
    ax.figure.canvas.draw()
