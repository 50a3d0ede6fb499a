"""Words found and counted by their bytes are those that plain Python finds, one text after another."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from llama_classify_nb import metrics
from llama_classify_nb.metrics import _query, _term_counts, _tokens, _word_codes
from llama_classify_nb.metrics._words import words_of

PARTS = (
    *(
        "memo",
        "Memo",
        "MEMO",
        "memos",
        "a",
        "an a",
        "sales report",
        "sales  report",
        "sales\nreport",
        "papapa",
        "pa pa",
    ),
    *("x" * 8, "x" * 9, "x" * 16, "longestword" * 4, "total-due", "12,345", "don't", "don’t", "_id_", "HTTP/1.1"),
    *("é", "É", "e\u0301", "straße", "STRASSE", "ﬁne", "ΣΑΣ", "İ", "\u212aelvin", "ſales", "½", "…", "—", "“memo”"),
    *(
        "日本語",
        "memo合同memo",
        "한국어",
        "\u1112\u1161",
        "😀",
        "\u00a0",
        "\u2028",
        "\x1c",
        "\x00",
        ".",
        "(memo)",
        "é memo",
        "mémo",
    ),
)


def some_texts(n: int, seed: int) -> list[str]:
    chance = np.random.default_rng(seed)
    return [
        "".join(
            part + sep
            for part, sep in zip(chance.choice(PARTS, size), chance.choice(["", " ", " ", "."], size), strict=True)
        )
        for size in chance.choice([0, 1, 2, 5, 12], n).tolist()
    ]


def as_arrow(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few texts be many pieces."""
    monkeypatch.setattr(_word_codes, "_PIECE", 7)
    monkeypatch.setattr(_term_counts, "_AT_ONCE", 200)


FOLDED = np.arange(256, dtype=np.uint8)
FOLDED[:128] = [ord(char.lower()) if char.isalnum() else _word_codes.BLANK for char in map(chr, range(128))]


class TestWordCodes:
    @pytest.mark.parametrize("seed", range(4))
    def test_words_are_runs_of_bytes_in_the_order_in_which_they_come(self, seed: int) -> None:
        texts = some_texts(200, seed)
        row, code, words = _word_codes.words_in(as_arrow(texts), FOLDED)
        lower = [re.sub("[A-Z]", lambda found: found[0].lower(), text) for text in texts]
        expected = [
            (number, word)
            for number, text in enumerate(lower)
            for word in re.findall(r"[a-z0-9\x80-\U0010ffff]+", text)
        ]
        assert [(one, words[number]) for one, number in zip(row.tolist(), code.tolist(), strict=True)] == expected
        assert words == list(dict.fromkeys(word for _, word in expected))

    @pytest.mark.parametrize("texts", [[], [""], ["", "", ""], ["x"], ["", "x" * 100, ""]])
    def test_few_or_empty_texts_are_no_matter(self, texts: list[str]) -> None:
        row, code, words = _word_codes.words_in(as_arrow(texts), FOLDED)
        assert [words[number] for number in code] == [text for text in texts if text]
        assert row.tolist() == [number for number, text in enumerate(texts) if text]

    def test_words_that_begin_alike_are_told_apart_however_long(self) -> None:
        words = ["abcdefgh" * n + tail for n in range(5) for tail in ("", "a", "ab", "abcdefg", "z")][1:]
        _, code, found = _word_codes.words_in(as_arrow([" ".join([*words, *words])]), FOLDED)
        assert found == words
        assert code.tolist() == [*range(len(words))] * 2

    def test_slices_of_an_array_are_read_where_they_stand(self) -> None:
        texts = as_arrow(["first", "second word", "third"]).slice(1, 1)
        assert _word_codes.words_in(texts, FOLDED)[2] == ["second", "word"]

    def test_a_pair_of_text_and_word_comes_once_and_in_order(self) -> None:
        chance = np.random.default_rng(1)
        row, code = np.sort(chance.integers(0, 60, 900)).astype(np.int32), chance.integers(0, 40, 900).astype(np.int32)
        found = _word_codes.pairs(row, code, 60, 40)
        pairs = sorted(set(zip(row.tolist(), code.tolist(), strict=True)))
        assert list(zip(*(one.tolist() for one in found), strict=True)) == pairs

    def test_so_many_words_that_32_bits_hold_few_texts_are_paired_all_the_same(self) -> None:
        row, code = np.array([0, 0, 1, 1, 2], np.int32), np.array([1 << 29, 5, 5, 5, (1 << 29) + 1], np.int32)
        found = _word_codes.pairs(row, code, 3, (1 << 29) + 2)
        assert list(zip(*(one.tolist() for one in found), strict=True)) == [
            (0, 5),
            (0, 1 << 29),
            (1, 5),
            (2, (1 << 29) + 1),
        ]


class TestWordsOfTexts:
    @pytest.mark.parametrize("seed", range(3))
    def test_characters_beyond_ascii_make_no_word_another(self, seed: int) -> None:
        texts = some_texts(150, seed)
        text, word, words = words_of(as_arrow(texts))
        for number, one in enumerate(texts):
            alone = words_of(as_arrow([one]))[2]
            assert sorted(words[word[text == number]]) == sorted(alone)

    @pytest.mark.parametrize("seed", range(3))
    def test_tokens_are_those_of_each_text_by_itself(self, seed: int) -> None:
        texts = [text for text in some_texts(150, seed) if "\u0338" not in text]
        expected = []
        for text in texts:
            plain = unicodedata.normalize("NFKC", text)
            plain = "".join(char.lower() if len(char.lower()) == 1 else char for char in plain).replace("İ", "i")
            plain = re.sub("([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])", r" \1 ", plain)
            expected.append("".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in plain).split())
        assert _tokens.tokens(pd.Series(texts, dtype=object)).by_text() == expected


class TestTermCounts:
    QUERIES = (
        *('memo OR "sales report" -a', "mem* OR papa OR pa", '"a a" OR "pa pa"', "12,345 OR don't OR _id_", "x* OR é"),
        *("strasse OR straße OR σασ", "fine OR 日本 OR kelvin", "total-due OR http/1.1 OR .", '"memo memo" OR "an a"'),
    )

    @pytest.mark.parametrize("query", QUERIES)
    def test_terms_are_counted_as_in_each_folded_text(self, query: str) -> None:
        texts: list[str | None] = [
            *some_texts(250, 5),
            None,
            "",
            "memo memo memo",
            "memomemo memo",
            "a a a",
            "me",
            "mo",
        ]
        wanted = _query.parse(query)
        terms = tuple(dict.fromkeys((*wanted.terms(), *wanted.excluded)))
        found = _term_counts.count(as_arrow(texts), terms)
        assert found.length.tolist() == [len(text or "") for text in texts]
        for number, term in enumerate(terms):
            assert found.n[number].tolist() == [plain_count(text or "", term) for text in texts], term

    def test_a_word_is_not_found_across_two_texts(self) -> None:
        terms = _query.parse('memo OR "sales report"').terms()
        found = _term_counts.count(as_arrow(["me", "mo", "memo", "sales ", "report", "xmemo", "memo"]), terms)
        assert found.n.tolist() == [[0, 0, 1, 0, 0, 0, 1], [0] * 7]

    def test_a_search_finds_what_stands_in_texts_of_any_kind_of_column(self) -> None:
        texts = [*some_texts(60, 9), None]
        ids = [f"j{number:02d}" for number in range(len(texts))]
        found = [
            metrics.search(
                pd.DataFrame({"job_id": ids, "reasoning": pd.Series(texts, dtype=dtype)}), "memo", columns="reasoning"
            )
            for dtype in ("str", object, "category")
        ]
        assert len(found[0])
        for one in found[1:]:
            pd.testing.assert_frame_equal(found[0].drop(columns="job_id"), one.drop(columns="job_id"))


def plain_count(text: str, term: _query.Term) -> int:
    """Count a term character by character; where one was counted, the rest is looked at as if it stood alone."""
    rest, begins, ends = _query.fold(text), *term.ends()
    literal = re.compile(term.literal(r"[\t\n\f\r \u2028\u2029\u1680]+"))
    count = at = 0
    while found := literal.search(rest, at):
        start, end = found.span()
        at = start + 1
        if begins and start and _query.is_word(rest[start - 1]):
            continue
        if ends and end < len(rest) and _query.is_word(rest[end]):
            continue
        count += 1
        while term.beginning and end < len(rest) and unicodedata.category(rest[end])[0] in "LMN":
            end += 1
        rest, at = rest[end + ends :], 0
    return count
