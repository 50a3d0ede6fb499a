"""The audit of rules: what they are used for, how they are written, and what changed."""

from __future__ import annotations

import difflib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats
from small_jobs import small_jobs, some_rules
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

import llama_classify_nb as lcn
from llama_classify_nb import plots
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import rule_diff, rule_lint, rule_position_effect, rule_sets, rule_usage


def rules_of(*sets: list[str] | dict[str, str]) -> pd.DataFrame:
    rows = []
    for number, one in enumerate(sets):
        pairs = one.items() if isinstance(one, dict) else [(kind, f"about {kind}") for kind in one]
        rows += [(f"set{number}", place, *pair) for place, pair in enumerate(pairs)]
    return pd.DataFrame(rows, columns=["rule_set", "position", "type", "description"])


# Usage


def test_usage_agrees_with_a_plain_loop() -> None:
    jobs = small_jobs(300)
    rules = some_rules(jobs)
    table = rule_usage(jobs, rules)
    assert len(table) == len(rules) + 2
    for row in table.to_dict("records"):
        own = jobs[(jobs["rule_set"] == row["rule_set"]) & jobs["outcome"].isin(["matched", "no_match"])]
        part = own[own["type"].isna()] if pd.isna(row["type"]) else own[own["type"] == row["type"]]
        assert (row["count"], row["n"]) == (len(part), len(own))
        assert row["mean"] == pytest.approx(part["confidence"].mean(), nan_ok=True)
        assert row["sd"] == pytest.approx(part["confidence"].std(), nan_ok=True)
        ends = proportion_confint(len(part), len(own), method="wilson")
        assert (row["share_lower"], row["share_upper"]) == pytest.approx(ends)


def test_shares_of_a_rule_set_add_up_to_one(sample: lcn.JobSet) -> None:
    table = rule_usage(sample.jobs, sample.rules)
    np.testing.assert_allclose(table.groupby("rule_set", observed=True)["share"].sum(), 1)
    rules = table[table["position"].notna()]
    assert rules["count"].tolist() == sample.rules["n_matched"].tolist()


def test_a_type_that_no_rule_names_has_a_row_and_a_flag() -> None:
    jobs = pd.DataFrame({"outcome": "matched", "type": ["a", "x"], "confidence": 0.5, "rule_set": "set0"})
    table = rule_usage(jobs, rules_of(["a", "b"]))
    assert table["type"].tolist()[:3] == ["a", "b", "x"]
    assert table["flag"].astype(object).where(table["flag"].notna(), "").tolist() == [
        "",
        "never_matched",
        "no_such_rule",
        "",
    ]


def test_a_rule_with_nine_in_ten_answers_dominates_and_an_only_rule_does_not() -> None:
    jobs = pd.DataFrame({"outcome": "matched", "type": ["a"] * 18 + ["b"] * 2, "confidence": 0.5, "rule_set": "set0"})
    assert rule_usage(jobs, rules_of(["a", "b"]))["flag"].iloc[0] == "dominant"
    assert pd.isna(rule_usage(jobs, rules_of(["a"]))["flag"].iloc[0])
    assert pd.isna(rule_usage(jobs.iloc[[0, 1, 19]], rules_of(["a", "b"]))["flag"].iloc[0])


def test_without_jobs_no_rule_is_said_to_be_useless() -> None:
    table = rule_usage(small_jobs().iloc[:0], rules_of(["a", "b"]))
    assert table["flag"].isna().all()
    assert table["n"].tolist() == [0, 0, 0]
    assert len(rule_usage(small_jobs(), rules_of())) == 0


def test_two_rules_of_one_type_share_its_answers() -> None:
    rules = pd.concat([rules_of(["a"]), rules_of(["a"]).assign(position=1)])
    jobs = pd.DataFrame({"outcome": ["matched"], "type": ["a"], "confidence": [0.5], "rule_set": ["set0"]})
    assert rule_usage(jobs, rules)["count"].tolist() == [1, 1, 0]


def test_plain_columns_give_what_categories_give() -> None:
    jobs = small_jobs(100)
    plain = jobs.assign(**{name: jobs[name].astype(object) for name in ("type", "rule_set", "outcome")})
    rules = some_rules(jobs)
    pd.testing.assert_frame_equal(rule_usage(plain, rules), rule_usage(jobs, rules), check_categorical=False)


# Sets


def test_sets_tell_who_used_them_and_when(sample: lcn.JobSet) -> None:
    table = rule_sets(sample.jobs, sample.rules).set_index("rule_set")
    for name, part in sample.jobs.groupby("rule_set", observed=True):
        row = table.loc[name]
        assert row["n_jobs"] == len(part)
        assert row["n_rules"] == part["n_rules"].iloc[0]
        assert row["configuration_ids"] == ", ".join(sorted(part["configuration_id"].dropna().unique()))
        assert (row["first_used"], row["last_used"]) == (part["created_at"].min(), part["created_at"].max())


def test_many_configurations_are_counted_and_the_first_ten_named() -> None:
    jobs = pd.DataFrame({"rule_set": "set0", "configuration_id": [f"c{i:02}" for i in range(12)], "created_at": pd.NaT})
    row = rule_sets(jobs, rules_of(["a"])).iloc[0]
    assert row["n_configurations"] == 12
    assert row["configuration_ids"].endswith("c09 and 2 more")
    assert pd.isna(row["first_used"])


# Lint


@pytest.mark.parametrize(
    ("types", "descriptions", "expected"),
    [
        (["a", "b"], ["asks for payment", "has a salutation"], []),
        (["x" * 51, ""], ["asks for payment", "has a salutation"], [("type_length", 0), ("type_length", 1)]),
        (["x" * 50], ["y" * 10], []),
        (["a\u200b"], ["asks for payment"], [("type_characters", 0)]),
        (["a", "a"], ["asks for payment", "has a salutation"], [("duplicate_type", 1)]),
        (["tax_form", "Tax Form"], ["asks for payment", "has a salutation"], [("similar_type", 1)]),
        (["e\u0301", "\u00e9"], ["asks for payment", "has a salutation"], [("similar_type", 1)]),
        (["a", "b"], ["y" * 9, " "], [("description_too_short", 0), ("no_description", 1)]),
        (["a", "b"], ["y" * 500, "z" * 501], [("description_long", 1)]),
        (["a", "b"], ["y" * 2000, "z" * 2001], [("description_too_long", 1), ("description_long", 0)]),
        (["a", "b"], ["asks for payment", "Asks, for PAYMENT."], [("duplicate_description", 1)]),
        (["a", "b"], ["one two three four five", "one two three four six"], [("similar_description", 1)]),
        (["a", "b"], ["one two three four five six", "one two three seven eight nine"], []),
        (["memo", "letter"], ["neither a Letter nor fax", "has a salutation"], [("names_other_type", 0)]),
        (["memo", "letter"], ["has a letterhead", "has a salutation"], []),
        (
            ["請求書", "領収書"],
            ["支払いを求める請求書で領収書ではない", "支払いが済んだ証拠となる書類です"],
            [("names_other_type", 0)],
        ),
    ],
)
def test_each_fault_is_found_and_no_other(
    types: list[str], descriptions: list[str], expected: list[tuple[str, int]]
) -> None:
    rules = pd.DataFrame({"rule_set": "r", "position": range(len(types)), "type": types, "description": descriptions})
    table = rule_lint(rules)
    assert list(zip(table["check"], table["position"], strict=True)) == expected
    assert table["finding"].notna().all()
    assert table["advice"].notna().all()


def test_the_sample_is_clean_and_errors_come_first(sample: lcn.JobSet) -> None:
    assert len(rule_lint(sample.rules)) == 0
    rules = pd.DataFrame(
        {
            "rule_set": "r",
            "position": [0, 1, 2],
            "type": ["memo", "Memo", "letter"],
            "description": ["not a letter at all", "y" * 20, ""],
        }
    )
    assert rule_lint(rules)["severity"].tolist() == ["error", "warning", "hint"]


# Diff


def test_rule_sets_are_linted_together_as_each_by_itself() -> None:
    words = [
        "memo",
        "Tax form",
        "a letter, not a memo",
        "a letter, not a Memo!",
        "",
        "—",
        None,
        "short",
        "É é ﬁle 手紙",
    ]
    chance = np.random.default_rng(0)
    sets = []
    for number in range(60):
        size = int(chance.integers(1, 6))
        kinds = ["memo", "Memo ", "letter", "tax_form", "é"][:size]
        long = [
            *words,
            *(f"dates and names and figures of page {number % 3}", f"dates, names and figures of the page {number}"),
        ]
        texts = [long[place] for place in chance.integers(len(long), size=size)]
        sets.append(
            pd.DataFrame({"rule_set": f"r{number}", "position": range(size), "type": kinds, "description": texts})
        )
    each = pd.concat([lcn.metrics.rule_lint(one) for one in sets], ignore_index=True)
    together = lcn.metrics.rule_lint(pd.concat(sets, ignore_index=True))
    pd.testing.assert_frame_equal(together, each)
    assert set(together["check"]) >= {"similar_description", "duplicate_description", "names_other_type"}


def test_each_kind_of_change_is_told() -> None:
    rules = rules_of(
        {"a": "alpha one", "b": "beta two", "c": "gamma", "d": "delta", "e": "epsilon"},
        {"d": "delta", "a": "alpha 1", "B": "beta two", "f": "phi", "e": "epsilon"},
    )
    table = rule_diff(rules, "set0", "set1")
    assert table["change"].tolist() == ["reordered", "reworded", "renamed", "added", "same", "removed"]
    assert table["old_position"].tolist() == [3, 0, 1, pd.NA, 4, 2]
    assert table["words"].iloc[1] == "alpha [-one-] {+1+}"
    assert rule_diff(rules, "set0", "set0")["change"].tolist() == ["same"] * 5


@settings(max_examples=60)
@given(st.permutations(range(7)))
def test_the_fewest_rules_are_called_reordered(order: list[int]) -> None:
    names = list("abcdefg")
    rules = rules_of(names, [names[place] for place in order])
    table = rule_diff(rules, "set0", "set1")
    stays = [place for place, moved in zip(order, table["reordered"], strict=True) if not moved]
    assert stays == sorted(stays)
    longest = [1] * 7
    for i in range(7):
        longest[i] = 1 + max([longest[j] for j in range(i) if order[j] < order[i]], default=0)
    assert len(stays) == max(longest)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["to", "from", "re", "cc"]), min_size=1), st.lists(st.sampled_from(["to", "of", "re"])))
def test_the_word_diff_holds_both_texts(old: list[str], new: list[str]) -> None:
    rules = rules_of({"a": " ".join(old)}, {"a": " ".join(new)})
    row = rule_diff(rules, "set0", "set1").iloc[0]
    marks = (
        row["words"]
        .replace("[-", " <del> ")
        .replace("-]", " </del> ")
        .replace("{+", " <ins> ")
        .replace("+}", " </ins> ")
    )
    kept: dict[str, list[str]] = {"old": [], "new": []}
    side = ("old", "new")
    for word in marks.split():
        if word in ("<del>", "<ins>"):
            side = ("old",) if word == "<del>" else ("new",)
        elif word.startswith("</"):
            side = ("old", "new")
        else:
            for one in side:
                kept[one].append(word)
    assert kept == {"old": old, "new": new}
    assert row["similarity"] == pytest.approx(difflib.SequenceMatcher(None, old, new, autojunk=False).ratio())


def test_a_set_is_asked_for_by_its_beginning_and_a_wrong_one_is_told() -> None:
    rules = rules_of(["a"], ["b"]).replace({"set0": "abc1", "set1": "abd2"})
    assert rule_diff(rules, "abc", "abd")["change"].tolist() == ["added", "removed"]
    with pytest.raises(ArgumentError, match=r"new is 'ab', which begins several .*abc1, abd2"):
        rule_diff(rules, "abc", "ab")
    with pytest.raises(ArgumentError, match=r"old is 'x', which is no rule set.*abc1, abd2"):
        rule_diff(rules, "x", "abc")
    with pytest.raises(ArgumentError, match=r"rules must be a DataFrame, not list"):
        rule_diff([], "x", "y")  # type: ignore[arg-type]


# The effect of the place


def asked_twice(n: int, seed: int, effect: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Files asked under two orders; an unsure answer takes the earlier of two types with this much more chance."""
    rng = np.random.default_rng(seed)
    names = list("abcd")
    rules = rules_of(names, names[::-1])
    parts = []
    pair = np.sort(rng.permuted(np.tile(np.arange(4), (n, 1)), axis=1)[:, :2], axis=1)
    for number in range(2):
        first = rng.random(n) < 0.5 + (effect if number == 0 else -effect)
        kind = np.where(first, pair[:, 0], pair[:, 1])
        file = [f"f{i}" for i in range(n)]
        parts.append(
            pd.DataFrame(
                {"rule_set": f"set{number}", "outcome": "matched", "file_input": file, "type": np.array(names)[kind]}
            )
        )
    return pd.concat(parts, ignore_index=True), rules


def test_a_planted_effect_is_found_and_agrees_with_an_exact_test() -> None:
    jobs, rules = asked_twice(300, 1, 0.2)
    table = rule_position_effect(jobs, rules)
    row = table.iloc[0]
    wide = jobs.pivot_table(index="file_input", columns="rule_set", values="type", aggfunc="first")
    ahead, behind = int((wide["set0"] < wide["set1"]).sum()), int((wide["set0"] > wide["set1"]).sum())
    assert (row["n_files"], row["n_with"], row["n_against"]) == (300, ahead, behind)
    assert row["p_value"] == pytest.approx(stats.binomtest(ahead, ahead + behind).pvalue)
    assert row["verdict"] == "earlier wins more"
    each = table.iloc[1:]
    assert each["n_with"].sum() == 2 * ahead
    np.testing.assert_allclose(each["p_adjusted"], multipletests(each["p_value"], method="holm")[1])


def test_without_an_effect_few_verdicts_say_there_is_one() -> None:
    verdicts = [rule_position_effect(*asked_twice(80, seed, 0.0))["verdict"].iloc[0] for seed in range(60)]
    # The exact test errs in at most 5 % of the cases: of 60, more than 8 in less than one of 200 tries.
    assert sum(one != "no difference shown" for one in verdicts) <= 8


def test_what_cannot_be_told_is_said(sample: lcn.JobSet) -> None:
    table = rule_position_effect(sample.jobs, sample.rules)
    assert table["verdict"].tolist() == ["cannot be told"]
    jobs, rules = asked_twice(30, 3, 0.2)
    assert rule_position_effect(jobs[jobs["rule_set"] == "set0"], rules)["verdict"].tolist() == ["cannot be told"]
    same = rules_of(list("abcd"), list("abcde"))
    assert rule_position_effect(jobs, same)["verdict"].tolist() == ["cannot be told"]


def test_a_file_that_three_sets_answered_counts_once() -> None:
    jobs, _ = asked_twice(40, 5, 0.2)
    third = jobs[jobs["rule_set"] == "set1"].assign(rule_set="set2")
    rules = rules_of(list("abcd"), list("dcba"), list("badc"))
    assert rule_position_effect(pd.concat([jobs, third]), rules)["n_files"].iloc[0] == 40


# Pictures


def render(ax: object) -> list[str]:
    ax.figure.canvas.draw()  # type: ignore[attr-defined]
    return [one.get_text() for one in ax.texts]  # type: ignore[attr-defined]


def test_the_picture_of_a_lint_counts_its_findings() -> None:
    rules = rules_of({"memo": "short", "note": "tiny", "letter": "what a letter looks like, not a memo"})
    ax = Figure(layout="constrained").subplots()
    assert plots.rule_lint(rules, ax=ax) is ax
    assert render(ax) == ["2", "1"]
    assert render(plots.rule_lint(rules.iloc[:0], ax=Figure().subplots())) == ["no rules"]


def test_the_picture_of_a_diff_draws_a_line_for_each_rule_and_hostile_names_as_text() -> None:
    names = ["$x^{$", "a\x00b", "\u202eevil", "long " * 1000, "日本", ""]
    rules = rules_of(names, [*names[1:], "new"])
    ax = plots.rule_diff(rules, "set0", "set1", ax=Figure(layout="constrained").subplots())
    texts = render(ax)
    assert len(texts) == 12
    assert all(text.isprintable() and len(text) <= 30 for text in texts)
    assert len(ax.lines) == 7
    assert "n = 7 rules" in ax.get_title()


def test_a_usage_bar_is_as_long_as_its_share(sample: lcn.JobSet) -> None:
    table = rule_usage(sample.jobs, sample.rules)
    ax = plots.rule_usage(sample.jobs, sample.rules, ax=Figure().subplots())
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(table["share"].tolist())
