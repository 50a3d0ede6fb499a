"""Whether an earlier place in the list of rules wins more than the same rule later."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from .. import schema
from . import _arguments, _place_flips, _rules
from ._texts import codes, order_of, some_rows

VERDICTS = ("earlier wins more", "later wins more", "no difference shown", "cannot be told")
LEVEL = 0.05
_COUNTS = ("n_files", "n_earlier", "n_later", "n_with", "n_against")


def rule_position_effect(jobs: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Does an earlier place in the list win more than the same rule later?

    Only files that were answered under two rule sets tell, where both sets hold the rule, word for word, in another
    order among the rules that both hold. What a rule wins with other files, or beside other rules, isn't compared.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type``, ``rule_set``, ``file_input``, and for the
        first of several answers of one rule set about one file ``created_at`` and ``job_id``, where there are such
        columns. Answered jobs count (matched or no_match).
    rules : DataFrame
        The table rules.

    Returns
    -------
    DataFrame
        A row for all rules together, then one for each rule that two rule sets hold in a different order, with files
        answered under both; sorted by type.

        * ``type`` (as in rules), ``description`` (str): the rule; missing in the row of all;
        * ``n_rule_sets`` (int64): rule sets in ``rules`` that hold this rule; in the row of all, rule sets;
        * ``n_files`` (int64, files): answered under two rule sets that place this rule differently; in the row of all,
          any rule. Each file is compared once: where more than two rule sets answered it, in the pair of rule sets that
          has most files in common (of the 50 rule sets with the most such answers, and 100 pairs);
        * ``n_earlier``, ``n_later`` (int64, files): answered with the rule where it stands earlier, and where later,
          whatever else they were answered; 0 in the row of all;
        * ``n_with``, ``n_against`` (int64, files): whose answer changed between this rule (in the row of all, any) and
          another one, of which the two sets reverse the order: with it, if each answer is the earlier one of the two
          rules in its own set; against it, if each is the later one;
        * ``difference`` (float64, -1 to 1): (n_with - n_against) / n_files; missing where n_files is 0;
        * ``p_value`` (float64, 0 to 1): two-sided exact sign test of n_with against n_against (McNemar 1947, its
          exact form); missing where both are 0;
        * ``p_adjusted`` (float64, 0 to 1): corrected for the number of rules by Holm (1979); in the row of all,
          p_value;
        * ``verdict`` (category): earlier wins more, or later wins more, where p_adjusted is below 0.05; no difference
          shown; or cannot be told, where p_value is missing;
        * ``reason`` (str): why it can't be told, or what was compared.

        No jobs, or no rule in two places: the row of all, cannot be told.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    Confounds that a pair of files can't take away: what else changed between the two rule sets (rules added, removed or
    reworded draw answers away), and what changed with time (a model, a parser), if one set came after the other. Both
    can move answers from one rule to another in the direction that the order has, so a difference that shows is proof
    only if nothing else changed, best with both sets used at the same time. Answers also change at random when asked
    twice: that adds to both counts alike. Rules of a set share files, so the rows of rules aren't independent.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2", "r2"], "position": [0, 1, 0, 1],
    ...     "type": ["memo", "letter", "letter", "memo"], "description": ["a", "b", "b", "a"]})
    >>> jobs = pd.DataFrame({"rule_set": ["r1"] * 9 + ["r2"] * 9, "file_input": list("abcdefghi") * 2,
    ...     "outcome": "matched", "type": ["memo"] * 9 + ["letter"] * 8 + ["memo"]})
    >>> rule_position_effect(jobs, rules)[["type", "n_with", "n_against", "p_value", "verdict"]].round(3)
         type  n_with  n_against  p_value            verdict
    0     NaN       8          0    0.008  earlier wins more
    1  letter       8          0    0.008  earlier wins more
    2    memo       8          0    0.008  earlier wins more
    """
    _arguments.need_columns(jobs, "outcome", "type", "rule_set", "file_input")
    _rules.need_rules(rules, "rule_set", "type", "description")
    answers = _place_flips.in_common(_first_answers(jobs, rules))
    found = _rules.in_order(rules[rules["rule_set"].isin(answers["rule_set"].unique())])
    sets = {one.name: list(zip(one.types, one.descriptions, strict=True)) for one in found}
    total = np.zeros(len(_COUNTS), np.int64)
    by_rule: dict[tuple[str, str], np.ndarray] = {}
    for pair in _place_flips.pairs(answers, sets):
        total += _all_together(pair)
        for rule, counts in _each(pair).items():
            by_rule[rule] = by_rule.get(rule, 0) + counts
    holds = _holders(rules, list(by_rule))
    rows = [_row((None, None), rules["rule_set"].nunique(), total)]
    rows += [_row(rule, holds[rule], by_rule[rule]) for rule in sorted(by_rule)]
    return _table(rows, rules)


def _holders(rules: pd.DataFrame, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Count for some rules, type and description, the rule sets that hold them."""
    kinds, texts = ([*dict.fromkeys(one)] for one in zip(*wanted, strict=True)) if wanted else ([], [])
    some = rules[rules["type"].astype(str).isin(kinds)]
    some = some.assign(type=some["type"].astype(str).astype(object), description=_rules.descriptions(some))
    some = some[some["description"].isin(texts)].drop_duplicates(["rule_set", "type", "description"])
    return Counter(zip(some["type"], some["description"], strict=True))


def _first_answers(jobs: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    answered = _arguments.has_outcome(jobs, schema.ANSWERED_OUTCOMES)
    file = codes(jobs["file_input"])
    answered &= (file >= 0) & (jobs["file_input"] != "").to_numpy(dtype=bool, na_value=False)
    # A file that one rule set alone answered says nothing, and most are such.
    several = np.bincount(file[answered], minlength=1) > 1
    rows = np.flatnonzero(answered)
    rows = rows[several[file[rows]]]
    columns = ("rule_set", "type", "created_at", "job_id")
    some = some_rows(jobs[[name for name in columns if name in jobs.columns]], rows)
    # As numbers, files are told apart faster.
    some = some.astype(dict.fromkeys(("rule_set", "type"), object)).assign(file_input=file[rows])
    some = some[some["rule_set"].isin(rules["rule_set"].unique()).to_numpy(dtype=bool)]
    if "job_id" in some.columns:
        some = some.iloc[order_of(some["job_id"])]
    return some.sort_values("created_at", kind="stable") if "created_at" in some.columns else some


def _all_together(pair: _place_flips.Pair) -> np.ndarray:
    ahead, behind, _ = _changes(pair)
    return np.array([len(pair.answer[0]), 0, 0, ahead.sum(), behind.sum()])


def _changes(pair: _place_flips.Pair) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count files by their two answers: those that went with the order, those against it, and all; no rule is last."""
    k = len(pair.rules)
    one, other = (np.where(answer < 0, k, answer) for answer in pair.answer)
    table = np.bincount(one * (k + 1) + other, minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
    here, there = (np.append(place, k) for place in pair.place)
    is_rule = np.arange(k + 1) < k
    both = is_rule[:, None] & is_rule
    first, last = here[:, None] < here, there[:, None] < there
    # The answer in the first set (row) is ahead there, and the one in the second set (column) ahead there; or behind.
    return np.where(both & first & last.T, table, 0), np.where(both & first.T & last, table, 0), table


def _each(pair: _place_flips.Pair) -> dict[tuple[str, str], np.ndarray]:
    ahead, behind, table = _changes(pair)
    counts = {}
    for rule, name in enumerate(pair.rules):
        if pair.place[0][rule] != pair.place[1][rule]:
            won = table[rule].sum(), table[:, rule].sum()
            won = won if pair.place[0][rule] < pair.place[1][rule] else won[::-1]
            changed = [one[rule].sum() + one[:, rule].sum() for one in (ahead, behind)]
            counts[name] = np.array([table.sum(), *won, *changed])
    return counts


def _row(rule: tuple[Any, Any], n_sets: int, counts: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"type": rule[0], "description": rule[1], "n_rule_sets": n_sets}
    row |= dict(zip(_COUNTS, counts.tolist(), strict=True))
    ahead, behind = row["n_with"], row["n_against"]
    row["difference"] = (ahead - behind) / row["n_files"] if row["n_files"] else np.nan
    row["p_value"] = (
        min(1.0, 2 * float(special.bdtr(min(ahead, behind), ahead + behind, 0.5))) if ahead + behind else np.nan
    )
    return row


def _table(rows: list[dict[str, Any]], rules: pd.DataFrame) -> pd.DataFrame:
    adjusted = [rows[0]["p_value"], *_holm(np.array([row["p_value"] for row in rows[1:]], dtype=np.float64))]
    for row, p in zip(rows, adjusted, strict=True):
        row["p_adjusted"] = p
        row["verdict"], row["reason"] = _verdict(row)
    dtypes: dict[str, Any] = {
        "type": rules["type"].dtype,
        "description": schema.TEXT,
        "n_rule_sets": "int64",
        **dict.fromkeys(_COUNTS, "int64"),
        **dict.fromkeys(("difference", "p_value", "p_adjusted"), "float64"),
        "verdict": pd.CategoricalDtype(list(VERDICTS)),
        "reason": schema.TEXT,
    }
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=dtype) for name, dtype in dtypes.items()})


def _holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values by Holm's step-down; a missing one isn't a test."""
    result = p.copy()
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    result[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return result


def _verdict(row: dict[str, Any]) -> tuple[str, str]:
    ahead, behind = row["n_with"], row["n_against"]
    if not row["n_files"]:
        return VERDICTS[3], "no file was answered under two rule sets that hold the same rules in another order"
    if np.isnan(row["p_value"]):
        return VERDICTS[3], "no answer changed between rules whose order changed"
    said = f"of {ahead + behind:,} changed answers, {ahead:,} went with the earlier place and {behind:,} against it"
    if row["p_adjusted"] >= LEVEL:
        return VERDICTS[2], said
    return VERDICTS[0] if ahead > behind else VERDICTS[1], said
