"""What is wrong with the rules as they are written, before any job has run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from . import _counts, _lint_checks, _rules
from ._lint_checks import LONGEST, LONGEST_TYPE, SHORTEST
from ._texts import arrow_texts

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
    code, names = pd.factorize(rules["rule_set"].astype(object))
    position = rules["position"].to_numpy(np.int64) if "position" in rules.columns else _rules.place_in_set(code)
    order = np.lexsort((position, code))
    starts = np.searchsorted(code[order], np.arange(len(names)))
    kind, kinds = pd.factorize(rules["type"].astype(str).astype(object))
    coded = arrow_texts(rules, "description").fill_null("").dictionary_encode()
    texts = _lint_checks.read(coded.dictionary)
    text = coded.indices.to_numpy().astype(np.int64)
    found = [
        one for sets in _alike(starts, kind[order], kinds, text[order]) for one in _lint_checks.findings(sets, texts)
    ]
    check = np.repeat([list(CHECKS).index(one.check) for one in found], [len(one.number) for one in found]).astype(int)
    number, place, other = (
        np.concatenate([getattr(one, name) for one in found] or [np.empty(0, np.int64)])
        for name in ("number", "place", "other")
    )
    sentence = np.concatenate([one.sentence for one in found] or [np.empty(0, object)])
    severity = np.array([SEVERITIES.index(one) for one in CHECKS.values()])[check]
    sorted_ = np.lexsort((check, other, place, severity, number))
    check, number, place, other = (one[sorted_] for one in (check, number, place, other))
    rule, named = order[starts[number] + place], order[starts[number] + np.maximum(other, 0)]
    types = rules["type"]
    return pd.DataFrame(
        {
            "rule_set": pd.Series(np.asarray(names, object)[number], dtype=rules["rule_set"].dtype),
            "severity": _counts.categorical(severity[sorted_], pd.CategoricalDtype(list(SEVERITIES), ordered=True)),
            "check": _counts.categorical(check, pd.CategoricalDtype(list(CHECKS))),
            "position": position[rule],
            "type": types.iloc[rule].reset_index(drop=True),
            "other_position": pd.Series(position[named], dtype="Int64").mask(other < 0),
            "other_type": types.iloc[named].reset_index(drop=True).mask(other < 0),
            "finding": pd.Series(sentence[sorted_], dtype=schema.TEXT),
            "advice": pd.Series(np.array([_ADVICE[one] for one in CHECKS], object)[check], dtype=schema.TEXT),
        }
    )


def _alike(starts: np.ndarray, kind: np.ndarray, kinds: Any, text: np.ndarray) -> Iterator[_lint_checks.Alike]:
    """Give the rule sets together that name the same types in the same order; rules stand rule set by rule set."""
    size = np.diff(np.append(starts, len(kind)))
    for n in np.unique(size):
        sets = np.flatnonzero(size == n)
        rows = starts[sets][:, None] + np.arange(n)
        lists, number = np.unique(kind[rows], axis=0, return_inverse=True)
        members = np.split(np.argsort(number.ravel(), kind="stable"), np.cumsum(np.bincount(number.ravel()))[:-1])
        for one, mine in zip(lists, members, strict=True):
            yield _lint_checks.Alike([str(kinds[place]) for place in one], sets[mine], text[rows[mine]])
