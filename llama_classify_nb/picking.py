"""Some of many jobs as a JobSet: a sample, or those that fit filters, picked part by part."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import census, frames
from .census import Census
from .columns import joined_tables
from .jobset import JobSet
from .metrics import select_jobs
from .parts import Part, read_part

#: Columns that a picked row has besides: in which order it stands, and how early it is drawn.
_PLACE = ("part", "chunk", "row")
_DRAW = "draw"

Pick = Callable[[pd.DataFrame], pd.DataFrame]


def draw(jobs: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Give the ``n`` jobs that are drawn first: by a hash of id and seed, whatever part they are in."""
    hashes = pd.util.hash_array(
        jobs["job_id"].to_numpy(dtype=object), hash_key=f"{seed % 10**16:016d}", categorize=False
    )
    if len(jobs) > n:
        chosen = np.sort(np.argpartition(hashes, n)[:n])
        jobs, hashes = jobs.iloc[chosen], hashes[chosen]
    return jobs.assign(**{_DRAW: hashes})


def fitting(jobs: pd.DataFrame, filters: dict[str, Any]) -> pd.DataFrame:
    """Give the jobs that fit filters."""
    return select_jobs(jobs, **filters).assign(**{_DRAW: np.uint64(0)})


def pick_part(part: Part, pick: Pick) -> pd.DataFrame:
    """Pick jobs of a part, each with its place."""
    found = []
    for chunk, tables in enumerate(read_part(part)):
        rows = pick(tables.jobs.reset_index(drop=True))
        found.append(rows.assign(part=part.place, chunk=chunk, row=rows.index))
    return joined_tables(found)


def least(picked: Sequence[pd.DataFrame], n: int) -> pd.DataFrame:
    """Give the ``n`` jobs that are drawn first of several parts; of a job that came in several, the newest answer."""
    jobs = joined_tables(picked)
    jobs = jobs.sort_values(["updated_at", *_PLACE], na_position="first").drop_duplicates("job_id", keep="last")
    return jobs.sort_values([_DRAW, "job_id"]).head(n).sort_values(list(_PLACE), ignore_index=True)


def as_jobset(picked: pd.DataFrame, known: Census, note: str) -> JobSet:
    """Make a JobSet of picked jobs, with the rules that they ran with."""
    jobs = picked.drop(columns=[*_PLACE, _DRAW])
    used = set(jobs["rule_set"].dropna())
    texts = known.rules[known.rules["rule_set"].isin(used)]
    jobs["rule_set"] = jobs["rule_set"].cat.set_categories(sorted(used))
    rules = census.rules_table(known._replace(rules=texts.reset_index(drop=True), used=census.used(jobs)))
    return JobSet(frames.Tables(jobs, rules, [], 0, 0), lambda _: [], notes=[note])


def drawing(n: int, seed: int) -> Callable[[Part], pd.DataFrame]:
    """Give the work of drawing from a part."""
    return functools.partial(pick_part, pick=functools.partial(draw, n=n, seed=seed))


def selecting(filters: dict[str, Any]) -> Callable[[Part], pd.DataFrame]:
    """Give the work of selecting from a part."""
    return functools.partial(pick_part, pick=functools.partial(fitting, filters=filters))
