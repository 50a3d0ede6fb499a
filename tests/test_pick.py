"""A choice made in a text field: what is typed, what is meant by it, and what is said if it means nothing."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import TraitError

from llama_classify_nb.widgets._pick import Pick

OPTIONS = [("any type (9)", "\0any"), ("memo (5)", "memo"), ("Note (3)", "Note"), ("note_book (1)", "note_book")]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def pick(said: list[str]) -> Pick:
    pick = Pick("of type", "200px", said.append)
    pick.offer(OPTIONS)
    pick.value = "\0any"
    return pick


def enter(pick: Pick, text: str) -> None:
    """Do what a front end does when somebody types a text and presses Enter, or leaves the field."""
    pick.field.set_state({"value": text})


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("memo (5)", "memo"),  # chosen from the list
        ("memo", "memo"),
        (" MEM ", "memo"),
        ("note", "Note"),  # all of one, and the beginning of another
        ("note_", "note_book"),
        ("book", "note_book"),
        ("any", "\0any"),
    ],
)
def test_a_choice_may_be_typed_in_part(pick: Pick, said: list[str], typed: str, value: str) -> None:
    seen: list[Any] = []
    pick.observe(lambda change: seen.append(change["new"]), "value")
    pick.value = "memo" if value != "memo" else "Note"
    enter(pick, typed)
    assert (pick.value, seen[-1]) == (value, value)
    assert pick.field.value == ""  # ready for the next one
    assert dict(OPTIONS)[pick.field.placeholder] == value
    assert said == [""]  # nothing is wrong any more


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("letter", "of type: 'letter' is none of its choices, nor a part of one; the field lists them"),
        ("no", "of type: 'no' could mean Note (3), note_book (1); type more of it"),
        ("\u202e", "of type: '\\\\u202e' is none of its choices, nor a part of one; the field lists them"),
    ],
)
def test_what_means_nothing_or_several_is_said_and_changes_nothing(
    pick: Pick, said: list[str], typed: str, message: str
) -> None:
    enter(pick, typed)
    assert said == [message]
    assert (pick.value, pick.field.value) == ("\0any", "")


def test_a_number_is_all_of_a_number(said: list[str]) -> None:
    pick = Pick("Job", "200px", said.append)
    pick.offer([(f"{n}. job-{n % 7}", f"id-{n}") for n in range(1, 51)])
    for n in (3, 30, 5, 50, 1):
        enter(pick, str(n))
        assert pick.value == f"id-{n}"
    enter(pick, "id-44")
    assert pick.value == "id-44"


def test_texts_that_read_alike_stand_for_one_value_each(said: list[str]) -> None:
    pick = Pick("of type", "200px", said.append)
    pick.offer([("long… (1)", "long one"), ("long… (1)", "long two")])
    assert pick.field.options == ("long… (1)", "long… (1) #2")
    enter(pick, "long… (1) #2")
    assert pick.value == "long two"
    enter(pick, "long…")
    assert "could mean" in said[-1]


def test_a_value_that_is_not_offered_is_found_by_all_of_it(pick: Pick, said: list[str]) -> None:
    pick.more = lambda text: ("rare one", "rare") if text == "rare" else None
    enter(pick, "rare")
    assert pick.value == "rare"
    assert pick.field.placeholder == "rare one"
    enter(pick, "rar")
    assert (pick.value, said) == ("rare", ["", ""])


def test_options_change_below_a_choice_that_stays(pick: Pick) -> None:
    pick.value = "memo"
    seen: list[Any] = []
    pick.observe(seen.append, "value")
    pick.offer([("memo (2)", "memo"), ("none (0)", "\0none")])
    assert (pick.field.placeholder, seen) == ("memo (2)", [])


def test_code_that_chooses_what_is_not_there_is_refused(pick: Pick) -> None:
    with pytest.raises(TraitError, match="of type: 'letter' is none of its choices"):
        pick.value = "letter"
    assert pick.value == "\0any"
    pick.offer([])
    pick.value = None
    assert (pick.value, pick.field.placeholder) == (None, "")
