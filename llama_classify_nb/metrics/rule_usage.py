"""What the rules are used for: which win, which sets there are, and whether the place in the list matters."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from . import _arguments, _counts, _rules, _summary
from ._counted import counted
from ._texts import arrow_texts, text_order
from .intervals import wilson

#: A rule whose share is above this for certain, as far as its interval goes, is flagged as dominant.
DOMINANT = 0.5
FLAGS = ("never_matched", "dominant", "no_such_rule")
_LISTED = 10  # configuration ids that a cell lists


def rule_usage(jobs: pd.DataFrame, rules: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How often does each rule win, and how surely?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type``, ``confidence``, ``rule_set``. Only answered
        jobs count (outcome matched or no_match), and only those of rule sets that ``rules`` holds.
    rules : DataFrame
        The table rules.
    level : float
        Level of the interval.

    Returns
    -------
    DataFrame
        For each rule set, in the order of ``rules``: a row for each rule, by its place; one for each type that answers
        gave although no rule names it, sorted; and one for no match.

        * ``rule_set`` (as in rules): fingerprint;
        * ``position`` (Int64): place of the rule, from 0; missing in the other rows;
        * ``type`` (category): missing in the row of no match;
        * ``outcome`` (category): matched, or no_match;
        * ``count`` (int64, jobs): answers of this type. Rules of the same type share their answers: each shows all;
        * ``n`` (int64, jobs): answered jobs of the rule set;
        * ``share`` (float64, 0 to 1): count / n; missing where n is 0;
        * ``share_lower``, ``share_upper`` (float64): Wilson's interval of the share (1927);
        * ``mean``, ``sd`` (float64, 0 to 1): of the confidence of these answers; sd divides by count - 1. Missing where
          there are none, sd also for one; where more than 20,000 different ones are stated, to four decimals;
        * ``flag`` (category): never_matched: the rule has no answer although its set has some (share_upper tells how
          much that means); dominant: share_lower is above 0.5, and the set has rules of another type; no_such_rule:
          answers of a type that no rule names; missing: nothing to say.

        No jobs: counts are 0, shares and flags missing. No rules: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1], "type": ["memo", "letter"]})
    >>> jobs = pd.DataFrame({"rule_set": "r1", "outcome": ["matched"] * 9 + ["no_match"], "type": ["memo"] * 9 + [None],
    ...                      "confidence": [0.9, 0.8, 0.7] * 3 + [0.4]})
    >>> rule_usage(jobs, rules)[["type", "outcome", "count", "n", "share_lower", "mean", "flag"]].round(2)
         type   outcome  count   n  share_lower  mean           flag
    0    memo   matched      9  10         0.60   0.8       dominant
    1  letter   matched      0  10         0.00   NaN  never_matched
    2     NaN  no_match      1  10         0.02   0.4            NaN
    """
    _rules.need_rules(rules, "rule_set", "type")
    return _finish(_partial(jobs), rules, level)


@counted(_counts.merge_confidences)
def _partial(jobs: pd.DataFrame) -> pd.DataFrame:
    """Count answered jobs by rule set, type and confidence."""
    _arguments.need_columns(jobs, "outcome", "type", "confidence", "rule_set")
    answered, confidence = _arguments.answered_confidence(jobs)
    some = jobs.loc[answered, ["rule_set", "type"]].astype("category").reset_index(drop=True)
    return _counts.tally_confidences(some.assign(confidence=confidence))


def _finish(cells: pd.DataFrame, rules: pd.DataFrame, level: float) -> pd.DataFrame:
    sets = pd.Index(pd.unique(rules["rule_set"].astype(object)), dtype=object)
    kinds = _kinds(cells, rules)
    of_cell = _places(cells, sets, kinds)
    use = of_cell >= 0
    order = np.lexsort((cells["confidence"].to_numpy()[use], of_cell[use]))
    keys, number = np.unique(of_cell[use][order], return_inverse=True)
    value, count = (cells[name].to_numpy()[use][order] for name in ("confidence", "count"))
    seen = _summary.summarise(number, len(keys), value, count, {})
    rows = _rows(rules, sets, kinds, keys)
    key = rows["set"] * (len(kinds) + 1) + np.where(rows["type"] < 0, len(kinds), rows["type"])
    at = np.searchsorted(keys, key)
    found = np.append(keys, -1)[at] == key
    table = pd.DataFrame({"rule_set": pd.Series(sets[rows["set"]], dtype=rules["rule_set"].dtype)})
    table["position"] = pd.array(np.where(rows["position"] < 0, 0, rows["position"]), dtype="Int64")
    table.loc[rows["position"] < 0, "position"] = pd.NA
    table["type"] = pd.Categorical.from_codes(rows["type"], kinds)
    table["outcome"] = pd.Categorical(np.where(rows["type"] < 0, "no_match", "matched"), list(schema.OUTCOMES))
    table["count"] = np.where(found, np.append(seen["n"], 0)[at], 0)
    n = np.bincount(keys // (len(kinds) + 1), seen["n"], minlength=len(sets)).astype(np.int64)
    table["n"] = n[rows["set"]]
    table["share"] = _counts.share(table["count"].to_numpy(), table["n"].to_numpy())
    table["share_lower"], table["share_upper"] = wilson(table["count"], table["n"], level)
    for name in ("mean", "sd"):
        table[name] = np.where(found, np.append(seen[name], np.nan)[at], np.nan)
    return table.assign(flag=_flag(table, rows))


def _kinds(cells: pd.DataFrame, rules: pd.DataFrame) -> pd.Index:
    named = rules["type"].astype("category").cat.categories
    return pd.Index(sorted({*map(str, named), *map(str, cells["type"].cat.categories)}), dtype=schema.TEXT)


def _places(cells: pd.DataFrame, sets: pd.Index, kinds: pd.Index) -> np.ndarray:
    """Give the number of each cell's rule set and type, types of a set in a row and no match last; -1: no such set."""
    rule_set = sets.get_indexer(pd.Index(cells["rule_set"].astype(object), dtype=object))
    kind = kinds.get_indexer(pd.Index(cells["type"].astype(object)))
    return np.where(rule_set < 0, -1, rule_set * (len(kinds) + 1) + np.where(kind < 0, len(kinds), kind))


def _rows(rules: pd.DataFrame, sets: pd.Index, kinds: pd.Index, keys: np.ndarray) -> dict[str, np.ndarray]:
    """Give set, place and type of each row: the rules, then the types that no rule names, then no match."""
    rule_set = sets.get_indexer(pd.Index(rules["rule_set"].astype(object), dtype=object))
    kind = kinds.get_indexer(pd.Index(rules["type"].astype(object)))
    position = rules["position"].to_numpy(np.int64) if "position" in rules.columns else _rules.place_in_set(rule_set)
    named = rule_set * (len(kinds) + 1) + kind
    odd = keys[(keys % (len(kinds) + 1) < len(kinds)) & ~np.isin(keys, named)]
    sizes = len(rules), len(odd), len(sets)
    rows = {
        "set": np.concatenate([rule_set, odd // (len(kinds) + 1), np.arange(len(sets))]),
        "position": np.concatenate([position, np.full(sizes[1] + sizes[2], -1)]),
        "type": np.concatenate([kind, odd % (len(kinds) + 1), np.full(sizes[2], -1)]),
    }
    order = np.lexsort((rows["type"], rows["position"], np.repeat([0, 1, 2], sizes), rows["set"]))
    return {name: one[order] for name, one in rows.items()}


def _flag(table: pd.DataFrame, rows: dict[str, np.ndarray]) -> pd.Series:
    is_rule = rows["position"] >= 0
    pairs = pd.DataFrame({"set": rows["set"], "type": rows["type"]})[is_rule]
    several = pairs.groupby("set")["type"].nunique().reindex(rows["set"], fill_value=0).to_numpy() > 1
    code = np.full(len(table), -1)
    code[is_rule & (table["count"] == 0) & (table["n"] > 0)] = 0
    code[is_rule & several & (table["share_lower"] > DOMINANT)] = 1
    code[~is_rule & (rows["type"] >= 0)] = 2
    return pd.Series(_counts.categorical(code, pd.CategoricalDtype(list(FLAGS))))


def rule_sets(jobs: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Which rule sets are there, and when was each used by whom?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``rule_set``, ``configuration_id``, ``created_at``; all jobs count,
        whatever became of them, if their rule set is in ``rules``.
    rules : DataFrame
        The table rules.

    Returns
    -------
    DataFrame
        A row for each rule set, in the order of ``rules``.

        * ``rule_set`` (as in rules): fingerprint of its content;
        * ``n_rules`` (int64): rules in it;
        * ``n_jobs`` (int64, jobs): that ran with it;
        * ``n_configurations`` (int64): saved configurations that these jobs name;
        * ``configuration_ids`` (str): their ids, sorted, with commas between; of more than ten the first ten, and how
          many more there are; missing: none;
        * ``first_used``, ``last_used`` (datetime64[us, UTC]): creation of the earliest and the latest of the jobs;
          missing: none has a time.

        No rules: no rows. No jobs: counts are 0, the rest missing.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2"], "type": ["memo", "letter", "memo"]})
    >>> jobs = pd.DataFrame({"rule_set": ["r1", "r1"], "configuration_id": ["b", "a"],
    ...     "created_at": pd.to_datetime(["2026-01-02", "2026-01-05"], utc=True)})
    >>> rule_sets(jobs, rules)[["rule_set", "n_rules", "n_jobs", "configuration_ids"]]
      rule_set  n_rules  n_jobs configuration_ids
    0       r1        2       2              a, b
    1       r2        1       0               NaN
    """
    _rules.need_rules(rules, "rule_set", "type")
    return _finish_sets(_partial_sets(jobs), rules)


@counted(functools.partial(_counts.merge, measures={"first": np.minimum, "last": np.maximum}))
def _partial_sets(jobs: pd.DataFrame) -> pd.DataFrame:
    """Count jobs by rule set and configuration, and keep when the first and the last of them were created."""
    _arguments.need_columns(jobs, "rule_set", "configuration_id", "created_at")
    created = pd.to_datetime(jobs["created_at"], utc=True).dt.tz_localize(None)
    us = created.to_numpy().astype("datetime64[us]").view(np.int64)  # NaT is the least integer
    first = np.where(us == np.iinfo(np.int64).min, _counts.NEVER, us)
    keys = jobs[["rule_set", "configuration_id"]].astype("category")
    return _counts.tally(keys, measures={"first": (np.minimum, first), "last": (np.maximum, us)})


def _finish_sets(cells: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    sets = pd.Index(pd.unique(rules["rule_set"].astype(object)), dtype=object)
    code = sets.get_indexer(pd.Index(cells["rule_set"].astype(object), dtype=object))
    use = code >= 0
    cells, code = cells[use], code[use]
    named = cells["configuration_id"].notna().to_numpy()
    n_ids, listed = _listed(code[named], cells["configuration_id"][named].astype(str), len(sets))
    table = pd.DataFrame({"rule_set": pd.Series(sets, dtype=rules["rule_set"].dtype)})
    of_rule = sets.get_indexer(pd.Index(rules["rule_set"].astype(object), dtype=object))
    table["n_rules"] = np.bincount(of_rule, minlength=len(sets)).astype(np.int64)
    table["n_jobs"] = np.bincount(code, cells["count"], minlength=len(sets)).astype(np.int64)
    table["n_configurations"] = n_ids
    table["configuration_ids"] = listed
    for name, column, how in (("first_used", "first", np.minimum), ("last_used", "last", np.maximum)):
        never = _counts.NEVER if how is np.minimum else -_counts.NEVER
        us = np.full(len(sets), never, np.int64)
        how.at(us, code, cells[column].to_numpy())
        us[us == never] = np.iinfo(np.int64).min  # NaT
        table[name] = pd.Series(us.view("datetime64[us]")).dt.tz_localize("UTC")
    return table


def _listed(code: np.ndarray, ids: pd.Series, n_sets: int) -> tuple[np.ndarray, pd.Series]:
    """Give how many ids each rule set has, and these in one text, the first ten of more; missing: none."""
    order = text_order(ids)
    order = order[np.argsort(code[order], kind="stable")]
    n = np.bincount(code, minlength=n_sets)
    nth = np.arange(len(order)) - (np.cumsum(n) - n)[code[order]]
    texts = arrow_texts(ids.to_frame("id"), "id").take(pa.array(order[nth < _LISTED]))
    ends = np.append(0, np.cumsum(np.minimum(n, _LISTED)))
    joined = pc.binary_join(pa.LargeListArray.from_arrays(pa.array(ends), texts), pa.scalar(", ", pa.large_string()))
    listed = pd.Series(joined.to_pandas(), dtype=object).where(n > 0, None)
    for place in np.flatnonzero(n > _LISTED).tolist():
        listed.iloc[place] += f" and {n[place] - _LISTED:,} more"
    return n.astype(np.int64), listed.astype(schema.TEXT)
