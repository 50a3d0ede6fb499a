"""Looking things up among many jobs: quick ways give what plain ones give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_classify_nb import schema
from llama_classify_nb.metrics import _confidence_bins, _labelled, _rule_quotes, _texts, _words

SOME = st.lists(st.none() | st.sampled_from(["", "a", "b", "é", "a\0b", "\U0001f600"]))


@pytest.mark.parametrize("dtype", [schema.TEXT, object, "category"])
@settings(max_examples=30)
@given(SOME, st.lists(st.sampled_from(["a", "b", "é", "x"]), unique=True))
def test_a_place_is_that_of_the_same_value(dtype: Any, values: list[str | None], among: list[str]) -> None:
    found = _labelled.places(pd.Series(values, dtype=dtype), pd.Series(among, dtype=object))
    assert found.tolist() == [among.index(value) if value in among else -1 for value in values]


@pytest.mark.parametrize("among", [[1, 2.5], ["a", 1], ["\ud800", "a"], [None, "a"]])
def test_what_is_no_text_stands_among_others_without_harm(among: list[Any]) -> None:
    found = _labelled.places(pd.Series(["a", "1", None], dtype=schema.TEXT), pd.Series(among, dtype=object))
    assert found[:2].tolist() == [among.index("a") if "a" in among else -1, -1]


@settings(max_examples=30)
@given(SOME, SOME)
def test_of_jobs_with_the_same_id_the_first_is_found(ids: list[str | None], wanted: list[str | None]) -> None:
    jobs = pd.DataFrame({"job_id": pd.Series(ids, dtype=schema.TEXT)})
    found = _labelled.first_rows(jobs, pd.Series(wanted, dtype=object))
    assert found.tolist() == [ids.index(one) if one is not None and one in ids else -1 for one in wanted]


@settings(max_examples=30)
@given(SOME)
def test_hashes_are_those_of_pandas(values: list[str | None]) -> None:
    keys = pd.Series(values, dtype=schema.TEXT)
    assert _texts.hashes(keys).tolist() == pd.util.hash_pandas_object(keys, index=False).tolist()


@settings(max_examples=30)
@given(SOME, st.sampled_from([schema.TEXT, object, "category", "string[python]"]))
def test_codes_are_those_of_pandas(values: list[str | None], dtype: Any) -> None:
    column = pd.Series(values, index=range(len(values), 0, -1), dtype=dtype)
    assert _texts.codes(column).tolist() == pd.factorize(column)[0].tolist()


@settings(max_examples=30)
@given(SOME, st.data())
def test_some_rows_are_those_that_iloc_takes(values: list[str | None], data: st.DataObject) -> None:
    kinds = {"text": schema.TEXT, "object": object, "kind": "category"}
    jobs = pd.concat([pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, dtype in kinds.items()})] * 2)
    rows = np.array(data.draw(st.lists(st.integers(0, len(jobs) - 1))) if len(jobs) else [], np.int64)
    pd.testing.assert_frame_equal(_texts.some_rows(jobs, rows), jobs.iloc[rows])


@settings(max_examples=30)
@given(SOME, st.data())
def test_kept_rows_are_those_that_pandas_keeps(values: list[str | None], data: st.DataObject) -> None:
    kinds = {"text": schema.TEXT, "object": object, "kind": "category", "none": schema.TEXT}
    jobs = pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, dtype in kinds.items()}).assign(none=None)
    jobs = jobs.astype({"none": schema.TEXT}).assign(number=1.5).set_index("object", drop=False)
    jobs.columns = ["text", "object", "text", "none", "number"]
    jobs.attrs["made"] = "here"
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(jobs), max_size=len(jobs))), bool)
    found = _texts.rows_kept(jobs, keep)
    pd.testing.assert_frame_equal(found, jobs[keep].copy())
    assert found.attrs == jobs.attrs


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=20), min_size=1))
def test_means_of_bins_are_those_of_numpy_to_the_last_digit(bins: list[list[float]]) -> None:
    sizes = np.array([len(one) for one in bins])
    found = _confidence_bins._means(np.concatenate(bins), sizes)
    assert found.tolist() == [np.mean(one) for one in bins]


@settings(max_examples=30)
@given(st.lists(st.integers(-70_000, 70_000) | st.integers(-3, 3)))
def test_whole_numbers_are_put_in_order_and_equal_ones_stay(numbers: list[int]) -> None:
    found = _texts.small_order(np.array(numbers, np.int64))
    assert found.tolist() == sorted(range(len(numbers)), key=numbers.__getitem__)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5)))
def test_distinct_numbers_are_in_order(numbers: list[int]) -> None:
    assert _texts.distinct(np.array(numbers, np.int64)).tolist() == sorted(set(numbers))


def test_a_text_without_spaces_beside_them_leaves_the_words_of_others_alone() -> None:
    plain = ["Paid, and PAID again.", "", "don't", None, "no-one’s memo"]
    for texts in (plain, [*plain, "請求書です"]):
        text, word, words = _words.words_of(pa.array(texts, pa.large_string()))
        said = [sorted(words[word[text == place]]) for place in range(len(plain))]
        assert said == [["again", "and", "paid"], [], ["don't"], [], ["memo", "no-one's"]]


def test_odd_characters_of_a_quote_are_left_out() -> None:
    assert _rule_quotes.plain("a\u00a0 b\n\u202ec\x07", 10) == "a b c"
    assert _rule_quotes.plain("x" * 20, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("beginning", ["", "https://files.example.com/é"])
@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(
        st.none() | st.text("ab\0é\U0001f600", max_size=3).map("12345678".__add__) | st.text("ab", max_size=18)
    )
)
def test_texts_are_put_in_the_order_that_python_puts_them(beginning: str, texts: list[str | None]) -> None:
    texts = [text if text is None else beginning + text for text in texts]
    found = _texts.text_order(pd.Series(texts, dtype=schema.TEXT))
    assert found.tolist() == sorted(
        range(len(texts)), key=lambda place: "nan" if texts[place] is None else texts[place]
    )


def test_ids_that_are_no_texts_are_put_in_the_order_of_their_texts() -> None:
    assert _texts.text_order(pd.Series([10, 9, 100])).tolist() == [0, 2, 1]
