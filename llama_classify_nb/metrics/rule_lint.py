"""What is wrong with the rules as they are written, before any job has run."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from . import _rules, _tokens

#: Characters that the service documents; of descriptions its pages give two upper limits.
LONGEST_TYPE, SHORTEST, LONGEST, LONGEST_ANYWHERE = 50, 10, 500, 2_000
#: Descriptions of at least so many words that share this part of their words (Dice 1945) are nearly the same.
FEWEST_WORDS, NEARLY_THE_SAME = 4, 0.8
SEVERITIES = ("error", "warning", "hint")
CHECKS = {
    "type_length": "error",
    "type_characters": "warning",
    "duplicate_type": "error",
    "similar_type": "warning",
    "no_description": "error",
    "description_too_short": "error",
    "description_long": "warning",
    "description_too_long": "error",
    "duplicate_description": "error",
    "similar_description": "warning",
    "names_other_type": "hint",
}
_ADVICE = {
    "type_length": f"use 1 to {LONGEST_TYPE} characters",
    "type_characters": "write the type without spaces at its ends, line breaks and invisible characters",
    "duplicate_type": "join the two rules, or give one another type: answers can't be told apart",
    "similar_type": "spell both alike, or give them types that nobody mistakes for each other",
    "no_description": "say what a document of this type looks like",
    "description_too_short": f"use at least {SHORTEST} characters: say what a document of this type looks like",
    "description_long": f"keep to {LONGEST} characters, which every documented limit allows",
    "description_too_long": f"keep to {LONGEST} characters; none of the documented limits allows more than 2,000",
    "duplicate_description": "write into each what the other hasn't got",
    "similar_description": "write into each what the other hasn't got, and leave out what both have",
    "names_other_type": "good where it says what sets the two apart; otherwise describe this type alone",
}


class _Finding(NamedTuple):
    check: str
    place: int  # of the rule in its rule set's list
    other: int  # of the other rule; -1: none
    finding: str


def rule_lint(rules: pd.DataFrame) -> pd.DataFrame:
    """What is wrong with the rules as they are written?

    Parameters
    ----------
    rules : DataFrame
        The table rules. Reads ``rule_set``, ``position``, ``type``, ``description``.

    Returns
    -------
    DataFrame
        A row for each finding; rule sets in the order of ``rules``, errors first, then by place. A finding about two
        rules is a row of the later one; what a description names is a row of that rule.

        * ``rule_set`` (as in rules): fingerprint;
        * ``severity`` (category, ordered): error (the service refuses it, or answers can't be told apart), warning, or
          hint;
        * ``check`` (category): type_length (documented: 1 to 50 characters), type_characters (a space at an end, a line
          break, a control or an invisible character), duplicate_type, similar_type (differs from another by case,
          spaces, punctuation or composition only), no_description, description_too_short (documented: at least 10),
          description_long (more than 500, one of the two documented limits), description_too_long (more than 2,000, the
          other one), duplicate_description (but for case, spaces and punctuation), similar_description (four words or
          more, of which at least 0.8 are shared: twice the common words over the words of both, Dice 1945),
          names_other_type (the description holds another rule's type as a word; types of one
          letter aren't looked for);
        * ``position`` (int64): place of the rule, from 0;
        * ``type`` (as in rules): its type;
        * ``other_position`` (Int64), ``other_type`` (as in rules): the other rule, where there is one;
        * ``finding`` (str): what is the matter, as a sentence;
        * ``advice`` (str): what to do.

        Nothing wrong, or no rules: no rows.

    Raises
    ------
    ArgumentError
        If ``rules`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1, 2], "type": ["memo", "Memo ", "letter"],
    ...     "description": ["Internal correspondence", "To, From and Re", "A letter, not a memo"]})
    >>> rule_lint(rules)[["severity", "check", "position", "other_position"]]
      severity             check  position  other_position
    0  warning   type_characters         1            <NA>
    1  warning      similar_type         1               0
    2     hint  names_other_type         2               0
    """
    _rules.need_rules(rules, "rule_set", "type", "description")
    rows: list[dict[str, Any]] = []
    for one in _rules.in_order(rules):
        found = sorted(_findings(one), key=lambda finding: (SEVERITIES.index(CHECKS[finding.check]), *finding[1:3]))
        rows.extend(_row(one, finding) for finding in found)
    dtypes: dict[str, Any] = {
        "rule_set": rules["rule_set"].dtype,
        "severity": pd.CategoricalDtype(list(SEVERITIES), ordered=True),
        "check": pd.CategoricalDtype(list(CHECKS)),
        "position": "int64",
        "type": rules["type"].dtype,
        "other_position": "Int64",
        "other_type": rules["type"].dtype,
        "finding": schema.TEXT,
        "advice": schema.TEXT,
    }
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=dtype) for name, dtype in dtypes.items()})


def _row(one: _rules.RuleSet, finding: _Finding) -> dict[str, Any]:
    has_other = finding.other >= 0
    return {
        "rule_set": one.name,
        "severity": CHECKS[finding.check],
        "check": finding.check,
        "position": one.positions[finding.place],
        "type": one.types[finding.place],
        "other_position": one.positions[finding.other] if has_other else None,
        "other_type": one.types[finding.other] if has_other else None,
        "finding": finding.finding,
        "advice": _ADVICE[finding.check],
    }


def _findings(one: _rules.RuleSet) -> Iterator[_Finding]:
    for place, (kind, text) in enumerate(zip(one.types, one.descriptions, strict=True)):
        yield from _of_type(place, kind)
        yield from _of_description(place, text)
    yield from _same(one.types, ("duplicate_type", "similar_type"), "type")
    yield from _same(one.descriptions, ("duplicate_description", "duplicate_description"), "description")
    yield from _alike(one.descriptions)
    yield from _named(one)


def _of_type(place: int, kind: str) -> Iterator[_Finding]:
    if not 1 <= len(kind) <= LONGEST_TYPE:
        yield _Finding("type_length", place, -1, f"The type has {len(kind):,} characters.")
    if kind != kind.strip() or any(unicodedata.category(mark)[0] in "CZ" and mark != " " for mark in kind):
        yield _Finding("type_characters", place, -1, f"The type is {kind!a}: it holds what can't be seen.")


def _of_description(place: int, text: str) -> Iterator[_Finding]:
    n = len(text)
    if not text.strip():
        yield _Finding("no_description", place, -1, "The rule has no description.")
    elif n < SHORTEST:
        yield _Finding("description_too_short", place, -1, f"The description has {n} characters.")
    elif n > LONGEST:
        check = "description_too_long" if n > LONGEST_ANYWHERE else "description_long"
        yield _Finding(check, place, -1, f"The description has {n:,} characters.")


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    """Leave of a text what no spelling changes."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return "".join(mark for mark in whole if unicodedata.category(mark)[0] in "LNM") or " ".join(whole.split())


def _same(texts: list[str], checks: tuple[str, str], what: str) -> Iterator[_Finding]:
    """Find each text that an earlier one equals, to the letter or but for its spelling."""
    exact: dict[str, int] = {}
    spelt: dict[str, int] = {}
    for place, text in enumerate(texts):
        key = _plain(text)
        if text in exact:
            if text or what == "type":
                yield _Finding(checks[0], place, exact[text], f"Another rule has the same {what}.")
        elif key and key in spelt:
            sentence = f"Another rule has the same {what} but for case, spaces and punctuation."
            yield _Finding(checks[1], place, spelt[key], sentence)
        exact.setdefault(text, place)
        spelt.setdefault(key, place)


def _alike(texts: list[str]) -> Iterator[_Finding]:
    holds = _tokens.incidence(_tokens.tokens(texts))
    n = np.asarray(holds.sum(axis=1)).ravel()
    common = (holds @ holds.T).tocoo()
    least = np.minimum(n[common.row], n[common.col]) >= FEWEST_WORDS
    dice = 2 * common.data / np.maximum(n[common.row] + n[common.col], 1)
    use = least & (common.row > common.col) & (dice >= NEARLY_THE_SAME)
    plain = [_plain(text) for text in texts]
    for place, other, share in zip(common.row[use].tolist(), common.col[use].tolist(), dice[use], strict=True):
        if plain[place] != plain[other]:
            sentence = f"The descriptions of two rules share {share:.0%} of their words."
            yield _Finding("similar_description", place, other, sentence)


def _named(one: _rules.RuleSet) -> Iterator[_Finding]:
    cites, _ = _tokens.named(_tokens.tokens(one.descriptions), one.types)
    cells = cites.tocoo()
    for place, other in sorted(zip(cells.row.tolist(), cells.col.tolist(), strict=True)):
        # A type of one letter is a word of every other sentence.
        is_letter = len(one.types[other].strip()) == 1 and one.types[other].strip().isascii()
        if not is_letter and _plain(one.types[place]) != _plain(one.types[other]):
            yield _Finding("names_other_type", place, other, "The description names another rule's type.")
