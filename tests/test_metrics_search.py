"""Searching the texts of jobs."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_jobs import small_jobs

from llama_classify_nb import metrics, schema
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _query


def texts(*reasonings: str | None) -> pd.DataFrame:
    ids = [f"j{number}" for number in range(len(reasonings))]
    return pd.DataFrame({"job_id": ids, "reasoning": pd.Series(reasonings, dtype=schema.TEXT)})


def found(query: str, *reasonings: str | None, **arguments: object) -> list[int]:
    table = metrics.search(texts(*reasonings), query, columns="reasoning", **arguments)
    return sorted(int(name[1:]) for name in table["job_id"])


def marked(query: str, text: str, **arguments: object) -> list[str]:
    row = metrics.search(texts(text), query, columns="reasoning", **arguments).iloc[0]
    return [row["snippet"][start:end] for start, end in row["highlights"]]


class TestWhatIsFound:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("invoice", [0, 1, 2]),
            ("INVOICE", [0, 1, 2]),
            ("invoice total", [0]),
            ('"invoice total"', []),
            ('"an invoice"', [0, 1]),
            ("\u201can invoice\u201d", [0, 1]),
            ("total OR receipt", [0, 1]),
            ("invoice total OR receipt", [0, 1]),
            ("invoice -receipt", [0, 2]),
            ('invoice -"total due"', [1, 2]),
            ("invoic", []),
            ("invoic*", [0, 1, 2, 3]),
            ("number", [2, 3]),
            ("no.", [3]),
            ("$5", [3]),
            ("404", []),
            ("or", [4]),
            (".*", [0, 1, 3]),
            ("-receipt invoice", [0, 2]),
        ],
    )
    def test_words_phrases_alternatives_and_exclusions(self, query: str, expected: list[int]) -> None:
        reasonings = [
            "It is an Invoice; the total due is stated.",
            "An invoice, not a receipt.",
            "invoice_number",
            "Invoicing no. number $5",
            "this or that",
            None,
        ]
        assert found(query, *reasonings) == expected

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ("STRASSE", "Straße"),
            ("strasse", "STRAẞE"),
            ("straße", "STRASSE"),
            ("école", "E\u0301COLE"),
            ("e\u0301cole", "\u00c9cole"),
            ("final", "\ufb01nal"),
            ("invoice", "\uff29\uff2e\uff36\uff2f\uff29\uff23\uff25"),
            ("οδοσ", "ΟΔΟΣ οδος"),
            ("請求", "これは請求書です"),
            ('"total due"', "total\u00a0 due"),
            ('"total due"', "total\n\tdue"),
            ("накладная", "НАКЛАДНАЯ"),
            ("चालान", "यह चालान है"),
        ],
    )
    def test_texts_that_read_alike_are_alike(self, query: str, text: str) -> None:
        assert found(query, "else", text) == [1]
        assert marked(query, text)
        assert all(one in text for one in marked(query, text))

    @pytest.mark.parametrize(
        ("query", "text"),
        [("ecole", "école"), ("form", "information"), ("form", "forms"), ("ein", "e\u0301in"), ("चाल", "चाला")],
    )
    def test_a_part_of_a_word_is_not_the_word(self, query: str, text: str) -> None:
        assert found(query, text) == []

    def test_words_may_stand_in_different_columns_and_an_excluded_one_in_none(self) -> None:
        jobs = pd.DataFrame({"job_id": ["a", "b"], "reasoning": ["one", "one"], "error_message": ["two", None]})
        assert metrics.search(jobs, "one two")["job_id"].tolist() == ["a"]
        assert metrics.search(jobs, "one -two")["job_id"].tolist() == ["b"]

    def test_categories_are_searched_like_texts(self) -> None:
        jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "type": pd.Categorical(["memo", None, "news_article"])})
        assert metrics.search(jobs, "article", columns=["type"])["job_id"].tolist() == ["c"]

    @pytest.mark.parametrize("dtype", [object, "string", schema.TEXT, "category"])
    def test_any_dtype_of_texts_does(self, dtype: object) -> None:
        jobs = texts("a memo", None).astype({"reasoning": dtype})
        assert metrics.search(jobs, "memo", columns="reasoning")["job_id"].tolist() == ["j0"]

    @settings(max_examples=150)
    @given(
        st.lists(
            st.text(alphabet="aAbß\u1e9e\ufb01éE\u0301\u0130 .-_'1請\u0928\u093eσςΣ\u00a0\n", max_size=12), max_size=6
        ),
        st.text(alphabet="aAbßfiéσ1請\u0928\u093e", min_size=1, max_size=3),
    )
    def test_what_is_found_is_what_can_be_highlighted(self, reasonings: list[str], word: str) -> None:
        if not _query.is_word(unicodedata.normalize("NFKC", word)[0]):
            return
        terms = _query.parse(word).terms()
        expected = [number for number, text in enumerate(reasonings) if _query.places(text, terms)]
        assert found(word, *reasonings) == expected


class TestSnippets:
    def test_a_snippet_is_a_part_of_the_text_and_its_highlights_are_the_words(self) -> None:
        text = "word " * 200 + "the Invoice number and the total " + "more " * 200
        row = metrics.search(texts(text), "total invoice", columns="reasoning", width=80).iloc[0]
        assert text[row["start"] :].startswith(row["snippet"])
        assert row["length"] == len(text)
        assert len(row["snippet"]) <= 80
        assert [row["snippet"][a:b] for a, b in row["highlights"]] == ["Invoice", "total"]
        assert row["snippet"].strip().split()[0] in ("word", "the")
        assert row["snippet"].strip().split()[-1] == "more"

    def test_the_stretch_with_most_different_words_is_shown(self) -> None:
        text = "memo memo memo " + "x " * 100 + "memo letter " + "y " * 100
        assert marked("memo letter", text, width=40) == ["memo", "letter"]

    def test_a_text_without_spaces_and_a_phrase_longer_than_the_snippet_are_taken(self) -> None:
        assert marked("memo", "請" * 300 + "memo" + "請" * 300, width=20) == ["memo"]
        row = metrics.search(texts("z" * 900 + " memo"), "memo", columns="reasoning", width=20).iloc[0]
        assert row["snippet"].endswith("memo")
        phrase = " ".join(["long"] * 30)
        assert len(metrics.search(texts(phrase), f'"{phrase}"', columns="reasoning", width=20)["snippet"][0]) >= 20

    def test_markup_stays_text(self) -> None:
        row = metrics.search(texts("<b>memo</b> & <script>"), "memo", columns="reasoning").iloc[0]
        assert row["snippet"] == "<b>memo</b> & <script>"
        assert row["highlights"] == ((3, 7),)

    def test_overlapping_words_are_one_highlight(self) -> None:
        assert marked('"total due" total due*', "the total due now") == ["total due"]

    def test_the_column_with_most_of_the_words_is_shown(self) -> None:
        jobs = pd.DataFrame({"job_id": ["a"], "reasoning": ["one"], "error_message": ["one and two"]})
        assert metrics.search(jobs, "one two")["column"].tolist() == ["error_message"]


class TestRanking:
    def test_the_score_is_that_of_bm25_in_a_plain_loop(self) -> None:
        reasonings = ["memo memo, letter", "memo and much more text than that", "letter", "a memo", "nothing here"]
        table = metrics.search(texts(*reasonings), "memo OR letter", columns="reasoning").set_index("job_id")
        mean = np.mean([len(text) for text in reasonings])
        expected = {}
        for number, text in enumerate(reasonings):
            words = text.replace(",", "").split()
            score = 0.0
            for word in ("memo", "letter"):
                n = sum(word in other.replace(",", "").split() for other in reasonings)
                count = words.count(word)
                idf = np.log(1 + (5 - n + 0.5) / (n + 0.5))
                score += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(text) / mean))
            if score:
                expected[f"j{number}"] = score
        assert table["score"].to_dict() == pytest.approx(expected)

    def test_the_best_come_first_equal_ones_by_id_and_no_more_than_asked(self) -> None:
        jobs = texts(*["a memo"] * 9, "memo, memo: a memo").sample(frac=1, random_state=1)
        table = metrics.search(jobs, "memo", columns="reasoning", most=4)
        assert table["job_id"].tolist() == ["j9", "j0", "j1", "j2"]
        assert table["n"].tolist() == [10] * 4


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("", "empty"),
            ("  \n", "empty"),
            ("-memo", "only excludes"),
            ('"memo', "isn't closed"),
            ('""', "holds nothing"),
            ("a -", "holds nothing"),
            ("OR memo", "OR must stand between"),
            ("memo OR", "OR must stand between"),
            ("a OR OR b", "OR must stand between"),
            ("a OR -b", "can't be an alternative"),
            ("\ud800", "half a character"),
            ("x" * 1001, "characters"),
            ("x " * 20 + "y " * 20 + " ".join(map(str, range(31))), "more than 30"),
            (None, "must be a text"),
            (["a"], "must be a text"),
        ],
    )
    def test_a_query_that_asks_for_nothing_is_refused(self, query: object, message: str) -> None:
        with pytest.raises(ArgumentError, match=f"^query .*{message}"):
            metrics.search(small_jobs(), query)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"columns": []}, "columns"),
            ({"columns": 3}, "columns"),
            ({"columns": "nowhere"}, "'nowhere'"),
            ({"columns": "confidence"}, "'confidence' must hold texts"),
            ({"most": 0}, "most"),
            ({"width": 5}, "width"),
            ({"width": True}, "width"),
        ],
    )
    def test_wrong_arguments_are_refused(self, arguments: dict[str, object], message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            metrics.search(small_jobs(), "page", **arguments)
