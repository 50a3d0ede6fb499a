"""What is known of jobs in many parts besides the metrics: how many, under which rules, with which problems.

All of it is a small partial table, which merges with others in any order. What comes in an order (rules by their first
use, problems) has the place where it stands, so that it is in the order of the parts whoever was the first to read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from . import frames, schema
from .metrics import _counts

#: Rows of ``problems`` that are kept, the first ones; all are counted.
MOST_PROBLEMS = 10_000
#: Ids that are watched for jobs which come in more than one part: those with the least hashes, of all ids.
WATCHED = 4_096
_NEVER = np.iinfo(np.int64).min


class Census(NamedTuple):
    """The census of some parts."""

    n_jobs: int
    n_repeated: int
    n_odd_times: int
    newest_us: int  # of all times that the jobs state; the least integer: none
    statuses: frozenset[str]
    rules: pd.DataFrame  # where each rule first stood, and its texts
    used: pd.DataFrame  # jobs by rule set and type, and whether it matched
    problems: list[tuple[tuple[int, int, int], tuple[Any, ...]]]  # where each stood, and its row
    n_problems: Counter[str]  # by kind
    watched: tuple[np.ndarray, np.ndarray]  # hashes of ids, ascending, and in how many parts each came


def taken(tables: frames.Tables, part: int, chunk: int) -> Census:
    """Take the census of some jobs of a part."""
    jobs, rules = tables.jobs, tables.rules
    times = np.concatenate([jobs[name].dt.tz_localize(None).to_numpy() for name in ("created_at", "updated_at")])
    texts = rules[["rule_set", "position", "type", "description"]].astype(
        {"rule_set": schema.TEXT, "type": schema.TEXT}
    )
    rows = tables.problem_rows
    return Census(
        len(jobs),
        tables.n_repeated,
        tables.n_odd_times,
        int(times.astype("datetime64[us]").view(np.int64).max(initial=_NEVER)),  # NaT is the least integer
        frozenset(jobs["status"].cat.categories),
        texts.assign(part=part, chunk=chunk, row=np.arange(len(rules))),
        used(jobs),
        [((part, chunk, row), cells) for row, cells in enumerate(rows[:MOST_PROBLEMS])],
        Counter(str(row[1]) for row in rows),
        _watched(jobs["job_id"]),
    )


def used(jobs: pd.DataFrame) -> pd.DataFrame:
    """Count jobs by rule set and type, and whether it matched."""
    matched = (jobs["outcome"] == "matched").to_numpy(dtype=bool)
    return _counts.tally(jobs[["rule_set", "type"]].assign(matched=matched))


def merged(parts: Sequence[Census]) -> Census:
    """Make one census of several."""
    if len(parts) == 1:
        return parts[0]
    rules = pd.concat([one.rules for one in parts], ignore_index=True).sort_values(["part", "chunk", "row"])
    problems = sorted((row for one in parts for row in one.problems), key=lambda row: row[0])
    return Census(
        sum(one.n_jobs for one in parts),
        sum(one.n_repeated for one in parts),
        sum(one.n_odd_times for one in parts),
        max(one.newest_us for one in parts),
        frozenset().union(*(one.statuses for one in parts)),
        rules.drop_duplicates(["rule_set", "position"], ignore_index=True),
        _counts.merge([one.used for one in parts]),
        problems[:MOST_PROBLEMS],
        sum((one.n_problems for one in parts), Counter()),
        _least([one.watched for one in parts]),
    )


def _watched(job_ids: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    hashes = id_hashes(job_ids)
    if len(hashes) > WATCHED:
        hashes = np.partition(hashes, WATCHED)[:WATCHED]
    hashes = np.unique(hashes)
    return hashes, np.ones(len(hashes), np.int64)


def id_hashes(job_ids: pd.Series) -> np.ndarray:
    """Give a number of 64 bits for each id, always the same."""
    return np.asarray(pd.util.hash_array(job_ids.to_numpy(dtype=object), categorize=False))


def _least(several: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    hashes, place = np.unique(np.concatenate([one for one, _ in several]), return_inverse=True)
    times = np.bincount(place, np.concatenate([times for _, times in several]), minlength=len(hashes)).astype(np.int64)
    return hashes[:WATCHED], times[:WATCHED]


def rules_table(census: Census) -> pd.DataFrame:
    """Make the table ``rules``: as in ``schema.RULES``, in the order in which the parts have them."""
    rules, cells = census.rules, census.used
    types = pd.Index(sorted({*rules["type"], *cells["type"].cat.categories}), dtype=schema.TEXT)
    sets = pd.Index(sorted(set(rules["rule_set"])), dtype=schema.TEXT)
    set_of = sets.get_indexer(pd.Index(cells["rule_set"].astype(schema.TEXT)))
    type_of = types.get_indexer(pd.Index(cells["type"].astype(schema.TEXT)))
    count, known = cells["count"].to_numpy(), set_of >= 0
    won = known & cells["matched"].to_numpy(dtype=bool) & (type_of >= 0)
    n_jobs = np.bincount(set_of[known], count[known], minlength=len(sets)).astype(np.int64)
    # A pair of rule set and type as one number: there are far fewer than the product of both.
    pairs, place = np.unique(set_of[won] * len(types) + type_of[won], return_inverse=True)
    n_matched = np.bincount(place, count[won], minlength=len(pairs)).astype(np.int64)
    of_rule, kind = sets.get_indexer(pd.Index(rules["rule_set"])), types.get_indexer(pd.Index(rules["type"]))
    at = np.searchsorted(pairs, of_rule * len(types) + kind)
    found = np.append(pairs, -1)[at] == of_rule * len(types) + kind
    return pd.DataFrame(
        {
            "rule_set": pd.Categorical.from_codes(of_rule, sets),
            "position": rules["position"].to_numpy(np.int32),
            "type": pd.Categorical.from_codes(kind, types),
            "description": rules["description"].array,
            "n_jobs": n_jobs[of_rule],
            "n_matched": np.where(found, np.append(n_matched, 0)[at], 0),
        }
    )


def repeated_share(census: Census) -> float:
    """Estimate which share of the jobs came in a part although another one had them already."""
    times = census.watched[1]
    return float((times - 1).sum() / times.sum()) if len(times) else 0.0


def newest(census: Census) -> pd.Timestamp | None:
    """Give the latest time that any job states."""
    if census.newest_us == _NEVER:
        return None
    return pd.Timestamp(np.datetime64(census.newest_us, "us"), tz="UTC").as_unit("us")
