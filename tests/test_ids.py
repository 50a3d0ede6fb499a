"""Ids from wherever people keep them: cleaned, counted, and told exactly where they can't be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_classify_nb.exceptions import ArgumentError, ReadError
from llama_classify_nb.ids import read_ids

IDS = ["a-1", "b_2", "c.3"]


@pytest.mark.parametrize(
    "ids",
    [
        IDS,
        tuple(IDS),
        pd.Series(IDS, index=[7, 7, 9]),
        pd.Series(IDS, dtype="category"),
        pd.Series(IDS, dtype=object),
        pd.Index(IDS),
        np.array(IDS),
        dict.fromkeys(IDS).keys(),
        (one for one in IDS),
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_any_kind_of_list_gives_the_same_ids_in_order(ids: Any) -> None:
    assert read_ids(ids).job_ids == IDS


def test_blanks_padding_and_repeats_are_cleaned_and_counted() -> None:
    asked = read_ids(["a", " a", "", None, float("nan"), pd.NA, pd.NaT, "  ", "b\n", "a"])
    assert asked.job_ids == ["a", "b"]
    assert (asked.n_blank, asked.n_repeated, asked.n_padded) == (6, 2, 2)
    assert asked.notes == ["ids: 6 blank left out, 2 repeated, asked for once, 2 stripped of spaces"]
    assert read_ids(["a"]).notes == []


@pytest.mark.parametrize(
    "text",
    ["a-1\nb_2\nc.3\n", "\ufeffjob_id\r\na-1\r\nb_2\r\nc.3", '"id"\na-1\n\n b_2\nc.3\n\n'],
    ids=["lines", "BOM, header and CRLF", "quoted header and blanks"],
)
def test_a_file_has_an_id_a_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes(text.encode())
    assert read_ids(tmp_path / "ids.txt").job_ids == IDS
    assert read_ids(str(tmp_path / "ids.txt")).job_ids == IDS


@pytest.mark.parametrize("value", [5, 1.5, b"a", ("a",), True])
def test_a_value_that_is_no_text_is_shown_with_its_position(value: Any) -> None:
    with pytest.raises(ArgumentError, match=rf"position 1 is .*{type(value).__name__}"):
        read_ids(["a", value])


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ("no-such-file.txt", "no such file"),
        (pd.DataFrame({"job_id": IDS}), "give its column of ids"),
        ({"a": 1}, "is a dict"),
        (b"a", "is a bytes"),
        (7, "is a int"),
        (["../a", "b c"], "none of the 2 values can be the id of a job; at position 0: '../a'"),
    ],
)
def test_what_can_be_no_ids_says_what_to_give(ids: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        read_ids(ids)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "ids.bin").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ReadError, match=r"ids\.bin: not text"):
        read_ids(tmp_path / "ids.bin")


@pytest.mark.parametrize(
    "bad", ["../x", "a/b", "a?b", "a#b", "a%2e", "a b", "a\x00", "é", ".", "..", "-", "x" * 129, "a\u202eb"]
)
def test_a_text_that_could_leave_its_place_in_the_address_is_set_aside_and_shown_harmless(bad: str) -> None:
    ((job_id, why),) = read_ids(["fine", bad]).invalid
    assert job_id == bad
    assert why.startswith("at position 1: ")
    assert why.isprintable()


@given(st.lists(st.one_of(st.none(), st.text(max_size=6))))
def test_every_text_is_kept_once_or_set_aside_once(values: list[str | None]) -> None:
    asked = read_ids(["fine", *values])
    texts = {value.strip() for value in ["fine", *values] if value and value.strip()}
    assert sorted([*asked.job_ids, *(one for one, _ in asked.invalid)]) == sorted(texts)
    assert asked.n_blank + asked.n_repeated + len(texts) == len(values) + 1


@pytest.mark.parametrize("line", ["job_id,label", "a-1;b_2", "a-1\tb_2"])
def test_a_table_is_not_taken_for_a_list_of_ids(line: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"{line}\na-1,invoice\n")
    with pytest.raises(ReadError, match=r"labels\.csv: its first line, .* is that of a table: give its column of ids"):
        read_ids(tmp_path / "labels.csv")
