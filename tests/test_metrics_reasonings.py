"""Distinctive words of reasonings, and reasonings that speak against their answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import reasonings
from reasonings import RULES, table
from scipy import stats
from statsmodels.stats.contingency_tables import Table2x2

import llama_classify_nb as lcn
from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _claims, _tone
from llama_classify_nb.metrics._texts import arrow_texts
from llama_classify_nb.metrics._words import words_of

terms = metrics.reasoning_terms
contradictions = metrics.reasoning_contradictions


def words_in(text: str) -> list[set[str]]:
    texts = arrow_texts(pd.DataFrame({"reasoning": [text]}), "reasoning")
    return set(words_of(texts)[2])


def some_reasonings(n: int = 600, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(["memo", "letter", None], n, p=[0.5, 0.3, 0.2])
    own = {"memo": "internal heading", "letter": "Dear reader", None: "nothing fits"}
    vocabulary = np.array([f"w{number}" for number in range(60)])
    text = [
        " ".join([*rng.choice(vocabulary, 8), *([own[one]] if rng.random() < 0.6 else []), "The page is a page."])
        for one in kind
    ]
    return pd.DataFrame(
        {
            "job_id": [f"j{number}" for number in range(n)],
            "outcome": np.where(kind == None, "no_match", "matched"),  # noqa: E711  # element by element
            "type": pd.Categorical(kind),
            "confidence": rng.choice([0.3, 0.5, 0.95, 0.95, 1.0], n),
            "reasoning": text,
        }
    )


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("The page's news_article isn’t re-sent.", {"the", "page's", "news_article", "isn't", "re-sent"}),
            ("'dear', --x-- _y_", {"dear", "x", "y"}),
            ("Straße STRASSE ﬁn", {"strasse", "fin"}),
            ("e\u0301te\u0301 \u00c9T\u00c9", {"été"}),
            ("यह चालान है", {"यह", "चालान", "है"}),
            ("請求書です", {"請求", "求書", "書で", "です"}),
            ("第3頁", {"第", "3", "頁"}),
            ("سند رسمي", {"سند", "رسمي"}),
            ("x" * 41 + " ok", {"ok"}),
            ("... -- ''", set()),
            ("", set()),
        ],
    )
    def test_words_are_found_in_any_script(self, text: str, words: set[str]) -> None:
        assert words_in(text) == words

    def test_each_pair_of_text_and_word_comes_once(self) -> None:
        texts = arrow_texts(pd.DataFrame({"reasoning": ["b a b", None, "A"]}), "reasoning")
        text, word, words = words_of(texts)
        assert words.tolist() == ["a", "b"]
        assert list(zip(text, word, strict=True)) == [(0, 0), (0, 1), (2, 0)]


class TestTerms:
    def test_counts_and_z_are_those_of_a_plain_loop(self) -> None:
        jobs = some_reasonings()
        split = [set(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())) for text in jobs["reasoning"]]
        found = terms(jobs, most=1000)
        n_words = len(set().union(*split))
        expected = {}
        whole = Counter(word for words in split for word in words)
        n_all = len(jobs)
        for kind in ("memo", "letter", None):
            inside = (jobs["type"].isna() if kind is None else jobs["type"] == kind).to_numpy()
            own = Counter(word for words, use in zip(split, inside, strict=True) if use for word in words)
            n = int(inside.sum())
            for word, y in own.items():
                weight = min(500, n_all / 2)
                alpha = weight * (whole[word] + 0.5) / (n_all + 1)
                beta = weight - alpha
                r = whole[word] - y
                cells = [y + alpha, n - y + beta, r + alpha, n_all - n - r + beta]
                delta = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
                z = delta / np.sqrt(sum(1 / cell for cell in cells))
                if z >= stats.norm.isf(0.05 / (3 * n_words)):
                    expected[kind, word] = (y, n, r, n_all - n, z)
        assert len(expected) >= 5
        rows = found.astype({"type": object}).itertuples()
        got = {
            (None if pd.isna(row.type) else row.type, row.word): (
                *(row.n_with, row.n_read, row.n_with_rest, row.n_read_rest),
                row.z,
            )
            for row in rows
        }
        assert got.keys() == expected.keys()
        for key, values in expected.items():
            assert got[key] == pytest.approx(values)

    def test_without_a_prior_it_is_the_log_odds_ratio_of_a_table_of_four(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import importlib

        monkeypatch.setattr(importlib.import_module("llama_classify_nb.metrics.reasoning_terms"), "PRIOR", 1e-9)
        jobs = some_reasonings()
        often = np.random.default_rng(6).random(len(jobs)) < np.where(jobs["type"] == "memo", 0.6, 0.3)
        found = terms(jobs.assign(reasoning=jobs["reasoning"] + np.where(often, " often", "")))
        row = found[found["word"] == "often"].iloc[0]
        cells = [[row["n_with"], row["n_read"] - row["n_with"]]]
        cells += [[row["n_with_rest"], row["n_read_rest"] - row["n_with_rest"]]]
        oracle = Table2x2(np.array(cells))
        assert row["log_odds"] == pytest.approx(oracle.log_oddsratio, rel=1e-6)
        assert row["z"] == pytest.approx(oracle.log_oddsratio / oracle.log_oddsratio_se, rel=1e-6)

    def test_planted_words_are_found_and_common_words_fall_out(self) -> None:
        found = terms(some_reasonings())
        words = {kind: set(part["word"]) for kind, part in found.groupby(found["type"].astype(object), dropna=False)}
        assert words == {"memo": {"internal", "heading"}, "letter": {"dear", "reader"}, np.nan: {"nothing", "fits"}}

    def test_where_types_are_shuffled_hardly_ever_a_word_is_given(self) -> None:
        jobs = some_reasonings()
        rng = np.random.default_rng(3)
        alarms = 0
        for _ in range(60):
            kind = rng.permutation(jobs["type"].astype(object))
            outcome = np.where(pd.isna(kind), "no_match", "matched")
            alarms += len(terms(jobs.assign(type=pd.Categorical(kind), outcome=outcome))) > 0
        assert alarms <= 6

    def test_the_real_types_have_the_words_that_their_rules_speak_of(self, sample: lcn.JobSet) -> None:
        found = terms(sample.jobs)
        for kind, word in [("letter", "dear"), ("letter", "sincerely"), ("email", "subject"), ("memo", "memorandum")]:
            assert word in set(found.loc[found["type"] == kind, "word"])
        assert found.loc[found["word"] == "letter", "in_type_name"].all()
        assert not found.loc[found["word"] == "dear", "in_type_name"].any()
        common = {"the", "terms", "count", "most", "for", "it", "over"}
        assert not common & set(found["word"])

    def test_a_part_is_read_where_there_is_more_and_it_says_so(self) -> None:
        jobs = some_reasonings()
        found = terms(jobs, most_read=100)
        sizes = jobs["type"].value_counts()
        assert found["n_read"].eq(100).all()
        assert found.loc[found["type"] == "memo", "n"].eq(sizes["memo"]).all()
        assert found["n_read_rest"].eq(200).all()
        pd.testing.assert_frame_equal(terms(jobs.sample(frac=1, random_state=4), most_read=100), found)

    def test_low_and_high_are_halves_of_each_type(self) -> None:
        jobs = some_reasonings()
        jobs["confidence"] = np.where(jobs["type"] == "memo", 0.9, 0.3) + np.arange(len(jobs)) % 2 * 0.05
        odd = np.arange(len(jobs)) % 2 == 1
        jobs["reasoning"] += np.where(odd, " surely", " maybe")
        found = terms(jobs, by="confidence")
        assert found[["confidence", "word"]].astype(object).to_numpy().tolist() == [
            ["low", "maybe"],
            ["high", "surely"],
        ]
        at = terms(jobs, by="confidence", split=0.6)
        assert set(at.loc[at["confidence"] == "high", "word"]) == {"internal", "heading"}

    def test_one_distinct_confidence_has_no_two_halves(self) -> None:
        assert terms(some_reasonings().assign(confidence=0.95), by="confidence").empty

    def test_few_reasonings_that_differ_throughout_are_told_apart(self) -> None:
        jobs = some_reasonings(40).assign(type=["memo", "letter"] * 20, outcome="matched")
        jobs["reasoning"] = ["initials", "salutation"] * 20
        assert terms(jobs)["word"].tolist() == ["salutation", "initials"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"by": None}, "by must be"),
            ({"split": 0.5}, "split is 0.5, but by is 'type'"),
            ({"by": "confidence", "split": 2}, "split is 2"),
            ({"most": 0}, "most is 0"),
            ({"most_read": 0}, "most_read is 0"),
            ({"assurance": 1}, "assurance is 1"),
            ({"by": "reasoning2"}, "not a column"),
        ],
    )
    def test_wrong_arguments_are_refused(self, arguments: dict[str, object], message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            terms(some_reasonings(), **arguments)


def kinds_of(rows: list[tuple[object, ...]], **arguments: object) -> list[set[tuple[str, object]]]:
    """Give what is found in each of some hand-made reasonings: kind and other type."""
    found = contradictions(table(rows), RULES, **arguments)
    places = found["job_id"].str.removeprefix("job-").astype(int)
    pairs = list(
        zip(found["kind"], found["other_type"].astype(object).where(found["other_type"].notna(), None), strict=True)
    )
    return [{pair for place, pair in zip(places, pairs, strict=True) if place == number} for number in range(len(rows))]


class TestContradictions:
    @pytest.mark.parametrize("row", reasonings.SPEAKS_AGAINST, ids=lambda row: row[-1][:60])
    def test_a_reasoning_that_argues_for_another_rule_is_found(self, row: tuple[object, ...]) -> None:
        assert ("other_rule", row[2]) in kinds_of([row])[0]

    @pytest.mark.parametrize("row", reasonings.HEDGES, ids=lambda row: row[-1][:60])
    def test_hedging_at_a_high_confidence_is_found_and_at_a_lower_one_is_not(self, row: tuple[object, ...]) -> None:
        assert kinds_of([row])[0] == {("hedged", None)}
        assert kinds_of([(row[0], 0.7, row[-1])])[0] == set()

    @pytest.mark.parametrize("row", reasonings.SURE, ids=lambda row: row[-1][:60])
    def test_leaving_no_doubt_at_a_low_confidence_is_found_and_at_a_higher_one_is_not(
        self, row: tuple[object, ...]
    ) -> None:
        assert kinds_of([row])[0] == {("sure", None)}
        assert kinds_of([(row[0], 0.7, row[-1])])[0] == set()

    @pytest.mark.parametrize("row", reasonings.CITES_OTHERS, ids=lambda row: row[-1][:60])
    def test_citing_the_criteria_of_another_rule_alone_is_found(self, row: tuple[object, ...]) -> None:
        assert kinds_of([row])[0] == {("other_criteria", row[2])}
        assert kinds_of([row], fewest=9)[0] == set()
        denied = row[-1].replace("The page shows", "It has no").replace("Obligations", "No obligations")
        assert kinds_of([(row[0], 0.9, denied.replace("A cashier of the shop notes", "No cashier and no"))])[0] == set()

    @pytest.mark.parametrize("row", reasonings.SAYS_NOTHING_AGAINST, ids=lambda row: row[-1][:60])
    def test_a_reasoning_that_supports_its_answer_is_left_alone(self, row: tuple[object, ...]) -> None:
        assert kinds_of([row])[0] == set()

    def test_all_at_once_is_as_one_by_one_in_any_order(self) -> None:
        rows = [(*row[:2], row[-1]) for row in reasonings.SPEAKS_AGAINST + reasonings.SAYS_NOTHING_AGAINST]
        jobs = table(rows)
        found = contradictions(jobs, RULES)
        argued = found[found["kind"] == "other_rule"]
        assert argued["job_id"].tolist().sort() == [f"job-{n:03}" for n in range(len(reasonings.SPEAKS_AGAINST))].sort()
        shuffled = contradictions(jobs.sample(frac=1, random_state=2), RULES.sample(frac=1, random_state=3))
        pd.testing.assert_frame_equal(shuffled, found)

    def test_the_evidence_is_a_sentence_of_the_reasoning_that_holds_the_words(self) -> None:
        jobs = table([(*row[:2], row[-1]) for row in reasonings.SPEAKS_AGAINST])
        found = contradictions(jobs, RULES).merge(jobs[["job_id", "reasoning"]], on="job_id")
        for row in found[found["kind"] == "other_rule"].itertuples():
            assert row.evidence in row.reasoning
            assert row.words in row.evidence

    def test_a_granted_comparison_is_weaker_evidence(self) -> None:
        row = ("invoice", 0.8, "Although it is more like a receipt, the total is due.")
        assert kinds_of([row]) == [set()]
        assert kinds_of([row], least=0.3) == [{("other_rule", "receipt")}]

    def test_words_common_to_all_reasonings_are_no_criteria(self) -> None:
        text = "The invoice number, the line items and payment terms were looked for."
        rows = [("letter", 0.8, text)] * 40
        assert kinds_of(rows[:1]) == [{("other_criteria", "invoice")}]
        assert kinds_of(rows) == [set()] * 40

    def test_a_type_of_several_words_is_known_however_it_is_written(self) -> None:
        for name in (
            "purchase_order",
            "purchase order",
            "Purchase Order",
            "purchase-order",
            "PurchaseOrder",
            "'purchase order'",
        ):
            assert kinds_of([("form", 0.8, f"The best match is {name}.")]) == [{("other_rule", "purchase_order")}]

    def test_a_longer_name_is_not_taken_for_the_shorter_in_it(self) -> None:
        rules = pd.DataFrame({"rule_set": "r", "type": ["order", "purchase_order"], "description": ["a", "b"]})
        jobs = table([("purchase_order", 0.8, "The best match is purchase order.")])
        assert contradictions(jobs, rules).empty

    def test_words_and_weights_can_be_added_in_any_language(self) -> None:
        rows = [("invoice", 0.95, "Das ist vermutlich eine Rechnung."), ("invoice", 0.3, "Ganz sicher eine Rechnung.")]
        assert kinds_of(rows) == [set(), set()]
        added = {"hedges": ["vermutlich"], "certainties": {"ganz  sicher": 0.9}}
        assert kinds_of(rows, **added) == [{("hedged", None)}, {("sure", None)}]
        assert kinds_of(rows, hedges={"vermutlich": 0.2}) == [set(), set()]
        known = [("invoice", 0.95, "It is hard to tell.")]
        assert kinds_of(known, hedges={"hard to tell": 0.1}) == [set()]

    def test_each_rule_set_is_read_by_its_own_rules(self) -> None:
        jobs = pd.concat([table([("form", 0.8, "The best match is letter.")])] * 2, ignore_index=True)
        jobs = jobs.assign(job_id=["a", "b"], rule_set=["r", "s"])
        other = pd.DataFrame({"rule_set": "s", "type": ["form", "memo"], "description": ["a", "b"]})
        assert contradictions(jobs, pd.concat([RULES, other]))["job_id"].tolist() == ["a"]

    def test_without_rules_tone_alone_is_judged(self) -> None:
        rows = [(*row[:2], row[-1]) for row in reasonings.SPEAKS_AGAINST + reasonings.HEDGES]
        found = contradictions(table(rows), RULES.iloc[:0])
        assert set(found["kind"]) == {"hedged"}
        assert contradictions(table(rows).assign(rule_set=None), RULES)["kind"].eq("hedged").all()

    def test_the_sample_s_reasonings_hold_none(self, sample: lcn.JobSet) -> None:
        assert contradictions(sample.jobs, sample.rules).empty

    @pytest.mark.parametrize(
        "text",
        [
            "better match for " * 5_000,
            "the " * 50_000 + "invoice",
            "not " * 50_000,
            "'" * 100_000,
            "$^{[(*" * 9_000,
            "\u202e<b>",
        ],
    )
    def test_a_hostile_text_is_read(self, text: str) -> None:
        found = contradictions(table([("letter", 0.95, text + " The best match is receipt.")]), RULES)
        assert (found[["evidence", "words"]].map(len) <= 300).all(axis=None)

    def test_hostile_names_of_types_are_names(self) -> None:
        names = ["a(b", "[x]", "$1\\", "\u65e5\u672c", " ", "*"]
        rules = pd.DataFrame({"rule_set": "r", "type": names, "description": "same words here"})
        jobs = table([(None, 0.8, f"This should be labelled as {name}.") for name in names])
        found = contradictions(jobs, rules)
        assert set(found["other_type"]) == set(names)

    def test_hundreds_of_types_are_no_obstacle(self) -> None:
        names = [f"a rather long name of type number {number}" for number in range(400)]
        rules = pd.DataFrame({"rule_set": "r", "type": names, "description": [f"word{n}x" for n in range(400)]})
        jobs = table([("form", 0.8, f"It should be classified as {names[77]}.")]).assign(type=names[5])
        assert contradictions(jobs, rules)["other_type"].tolist() == [names[77]]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"high": 2}, "high is 2"),
            ({"low": "0.5"}, "low is '0.5'"),
            ({"least": 0}, "least is 0"),
            ({"fewest": 1}, "fewest is 1"),
            ({"hedges": "perhaps"}, "hedges is 'perhaps'"),
            ({"hedges": [""]}, "hedges holds ''"),
            ({"certainties": {"sure": 2}}, "weight of 'sure' is 2"),
        ],
    )
    def test_wrong_arguments_are_refused(self, arguments: dict[str, object], message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            contradictions(table([("form", 0.8, "x")]), RULES, **arguments)

    def test_what_is_no_table_of_rules_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="'rule_set', 'type' and 'description'"):
            contradictions(table([("form", 0.8, "x")]), RULES.drop(columns="description"))

    def test_weights_lie_between_0_and_1_and_no_phrase_is_both(self) -> None:
        both = {**_tone.HEDGES, **_tone.CERTAINTIES}
        assert len(both) == len(_tone.HEDGES) + len(_tone.CERTAINTIES)
        assert all(0 < weight < 1 for weight in both.values())

    def test_every_text_with_a_claim_passes_the_quick_look_before(self) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        claims = _claims.Claims(sorted(RULES["type"]))
        rows = reasonings.SPEAKS_AGAINST + reasonings.SAYS_NOTHING_AGAINST
        for row in [(*row[:-1], row[-1].replace(" ", space)) for row in rows for space in (" ", "\u00a0", "\n ")]:
            own = None if row[0] is None else claims.types.index(row[0])
            if claims.best(row[-1], own):
                assert pc.match_substring_regex(pa.array([row[-1]]), claims.candidates(own)).to_pylist() == [True]
            may = [pc.match_substring_regex(pa.array([row[-1]]), hint)[0].as_py() for hint in claims.hints(own)]
            assert claims.best(row[-1], own, may) == claims.best(row[-1], own)
            assert not all(may)
