"""What changed from one rule set to another, rule by rule and word by word."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from . import _rules
from ._lint_checks import plain

CHANGES = ("added", "removed", "renamed", "reworded", "reordered", "same")


def rule_diff(rules: pd.DataFrame, old: str, new: str) -> pd.DataFrame:
    """What changed from one rule set to another?

    Rules are the same rule if they have the same type; then, if they have the same description; then, if their types
    differ by case, spaces and punctuation only. Of several of one type, those with the same description go together
    first, then the others in their order.

    Parameters
    ----------
    rules : DataFrame
        The table rules.
    old, new : str
        Fingerprints of the two rule sets, or the beginnings of them.

    Returns
    -------
    DataFrame
        A row for each rule of ``new``, in its order, then one for each that was removed.

        * ``change`` (category): added, removed, renamed, reworded, reordered, or same: the first of them that is true;
        * ``renamed``, ``reworded``, ``reordered`` (bool): each for itself. Reordered are the fewest rules that can be
          taken out so that the others of both sets stand in the same order; a rule that others push down isn't;
        * ``old_position``, ``new_position`` (Int64): places, from 0; missing: not in that set;
        * ``old_type``, ``new_type`` (as in rules), ``old_description``, ``new_description`` (str): missing likewise;
        * ``similarity`` (float64, 0 to 1): of the descriptions: twice the words in common, in the same order, over the
          words of both (Ratcliff & Metzener 1988); missing where there is only one;
        * ``words`` (str): the description with what went as ``[-old-]`` and what came as ``{+new+}``.

        The same rule set twice: all rows are same.

    Raises
    ------
    ArgumentError
        If ``old`` or ``new`` is no rule set of ``rules``, or begins several.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2", "r2"], "position": [0, 1, 0, 1],
    ...     "type": ["memo", "letter", "letter", "note"],
    ...     "description": ["To and From", "has a salutation", "has a salutation and closing", "few words"]})
    >>> rule_diff(rules, "r1", "r2")[["change", "old_type", "new_type", "words"]]
         change old_type new_type                             words
    0  reworded   letter   letter  has a salutation {+and closing+}
    1     added      NaN     note                     {+few words+}
    2   removed     memo      NaN                   [-To and From-]
    """
    _rules.need_rules(rules, "rule_set", "type", "description")
    names = [_rules.fingerprint(rules, one, argument) for one, argument in ((old, "old"), (new, "new"))]
    sets = [next(iter(_rules.in_order(rules[(rules["rule_set"] == name).to_numpy(dtype=bool)]))) for name in names]
    before = _matched(*sets)
    kept = [place for place in before if place is not None]
    moved = _moved(kept)
    rows = [_row(sets, place, number, place in moved) for number, place in enumerate(before)]
    rows += [_row(sets, place, None, False) for place in range(len(sets[0].types)) if place not in kept]
    dtypes: dict[str, Any] = {
        "change": pd.CategoricalDtype(list(CHANGES)),
        **dict.fromkeys(("renamed", "reworded", "reordered"), "bool"),
        **dict.fromkeys(("old_position", "new_position"), "Int64"),
        **dict.fromkeys(("old_type", "new_type"), rules["type"].dtype),
        **dict.fromkeys(("old_description", "new_description"), schema.TEXT),
        "similarity": "float64",
        "words": schema.TEXT,
    }
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=dtype) for name, dtype in dtypes.items()})


def _matched(old: _rules.RuleSet, new: _rules.RuleSet) -> list[int | None]:
    """Give for each rule of the new set the place of the same rule in the old one; None: it was added."""
    found: list[int | None] = [None] * len(new.types)
    free = set(range(len(old.types)))
    ways: list[tuple[list[Any], list[Any]]] = [
        (list(zip(old.types, old.descriptions, strict=True)), list(zip(new.types, new.descriptions, strict=True))),
        (old.types, new.types),
        (old.descriptions, new.descriptions),
        ([plain(kind) for kind in old.types], [plain(kind) for kind in new.types]),
    ]
    for before, after in ways:
        places: dict[Any, list[int]] = {}
        for place in sorted(free, reverse=True):
            places.setdefault(before[place], []).append(place)
        for number, key in enumerate(after):
            # Two rules without a description have nothing in common by that.
            if found[number] is None and key != "" and places.get(key):
                place = places[key].pop()
                found[number] = place
                free.discard(place)
    return found


def _moved(places: list[int]) -> set[int]:
    """Give the fewest places without which the others rise: all but a longest rising row of them."""
    ends: list[int] = []  # the least last place of the rising rows of each length
    length = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
        length.append(at)
    moved, wanted, above = set(places), len(ends) - 1, max(places, default=0) + 1
    for place, at in zip(reversed(places), reversed(length), strict=True):
        if at == wanted and place < above:
            moved.discard(place)
            wanted, above = wanted - 1, place
    return moved


def _row(sets: list[_rules.RuleSet], place: int | None, number: int | None, reordered: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"renamed": False, "reworded": False, "reordered": reordered, "similarity": np.nan}
    for name, one, at in (("old", sets[0], place), ("new", sets[1], number)):
        row[f"{name}_position"] = None if at is None else one.positions[at]
        row[f"{name}_type"] = None if at is None else one.types[at]
        row[f"{name}_description"] = None if at is None else one.descriptions[at]
    words, similarity = _word_diff(row["old_description"] or "", row["new_description"] or "")
    row["words"] = words
    if place is not None and number is not None:
        row["renamed"] = row["old_type"] != row["new_type"]
        row["reworded"] = row["old_description"] != row["new_description"]
        row["similarity"] = similarity
    flags = (place is None, number is None, row["renamed"], row["reworded"], reordered, True)
    return row | {"change": CHANGES[flags.index(True)]}


def _word_diff(old: str, new: str) -> tuple[str, float]:
    before, after = old.split(), new.split()
    match = difflib.SequenceMatcher(None, before, after, autojunk=False)
    parts = []
    for kind, start, end, first, last in match.get_opcodes():
        if kind == "equal":
            parts.append(" ".join(before[start:end]))
        if kind in ("replace", "delete"):
            parts.append(f"[-{' '.join(before[start:end])}-]")
        if kind in ("replace", "insert"):
            parts.append(f"{{+{' '.join(after[first:last])}+}}")
    return " ".join(parts), match.ratio()
