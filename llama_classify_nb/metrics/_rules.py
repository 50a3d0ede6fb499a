"""The table rules as an argument: what must be in it, its rule sets in order, and the one that is asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError

_SHOWN = 10  # fingerprints that a message lists


class RuleSet(NamedTuple):
    """The rules of one rule set, in order of their place."""

    name: Any
    types: list[str]
    descriptions: list[str]
    positions: list[int]


def need_rules(rules: Any, *columns: str) -> None:
    """Raise ArgumentError unless ``rules`` is a DataFrame that holds these columns, and rules with a rule set."""
    if not isinstance(rules, pd.DataFrame):
        raise ArgumentError(f"rules must be a DataFrame, not {type(rules).__name__}; of a JobSet, pass its .rules")
    missing = [column for column in columns if column not in rules.columns]
    if missing:
        raise ArgumentError(f"rules lacks the column {missing[0]!r}; pass the table rules, or a part of its rows")
    if rules["rule_set"].isna().any() or rules["type"].isna().any():
        raise ArgumentError("rules: a row lacks its rule_set or its type; pass the table rules as it was read")


def in_order(rules: pd.DataFrame) -> list[RuleSet]:
    """Give the rule sets in the order of their first rows, each with its rules by position."""
    code, names = pd.factorize(rules["rule_set"].astype(object))
    place = rules["position"].to_numpy(np.int64) if "position" in rules.columns else place_in_set(code)
    order = np.lexsort((place, code))
    ends = np.searchsorted(code[order], np.arange(len(names) + 1))
    types = rules["type"].astype(object).to_numpy()[order]
    texts = descriptions(rules).to_numpy(dtype=object)[order]
    return [
        RuleSet(name, [str(one) for one in types[start:end]], list(texts[start:end]), place[order][start:end].tolist())
        for name, start, end in zip(names, ends[:-1], ends[1:], strict=True)
    ]


def descriptions(rules: pd.DataFrame) -> pd.Series:
    """Give the descriptions as texts, "" for a missing one."""
    return rules["description"].astype(object).where(rules["description"].notna(), "")


def fingerprint(rules: pd.DataFrame, wanted: Any, argument: str) -> Any:
    """Give the fingerprint that an argument asks for: itself, or the beginning of one only."""
    known = list(dict.fromkeys(rules["rule_set"].astype(object)))
    if wanted in known:
        return wanted
    found = [one for one in known if isinstance(wanted, str) and wanted and str(one).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    what = "begins several of the rule sets" if found else "is no rule set, nor the beginning of one,"
    listed = ", ".join(map(str, (found or known)[:_SHOWN])) or "none"
    more = f" and {len(found or known) - _SHOWN:,} more" if len(found or known) > _SHOWN else ""
    raise ArgumentError(f"{argument} is {wanted!r}, which {what} of rules; there are: {listed}{more}")


def place_in_set(code: np.ndarray) -> np.ndarray:
    """Give the place of each rule among those of its rule set, in the order of the rows, from 0."""
    return pd.Series(code).groupby(code).cumcount().to_numpy(np.int64)
