"""Small tables of jobs for the tests of metrics, made without the package's reader."""

from __future__ import annotations

import numpy as np
import pandas as pd

from llama_classify_nb import schema

ANSWERED = ["matched", "no_match"]


def small_jobs(n: int = 60, seed: int = 3) -> pd.DataFrame:
    """Jobs of every outcome, with ties, missing values and three groups, made without the package."""
    rng = np.random.default_rng(seed)
    outcome = rng.choice(list(schema.OUTCOMES), n, p=[0.5, 0.15, 0.1, 0.15, 0.05, 0.05])
    answered = np.isin(outcome, ANSWERED)
    types = np.where(outcome == "matched", rng.choice(["b", "a", "c"], n), None)
    status = {"failed": "FAILED", "cancelled": "CANCELLED", "unfinished": "RUNNING"}
    created = pd.Timestamp("2026-01-30 12:00", tz="UTC") + pd.to_timedelta(rng.integers(0, 2000, n), unit="h")
    return pd.DataFrame(
        {
            "job_id": [f"job-{i}" for i in range(n)],
            "status": pd.Categorical([status.get(one, "COMPLETED") for one in outcome]),
            "outcome": pd.Categorical(outcome, list(schema.OUTCOMES)),
            "type": pd.Categorical(types, ["a", "b", "c", "never"]),
            "confidence": np.where(answered, rng.choice([0.0, 0.3, 0.95, 1.0, 0.7001], n), np.nan),
            "reasoning": pd.Series([f"Because {i} $x" for i in range(n)], dtype=schema.TEXT),
            "error_message": pd.Series(
                [f"page {i} broke" if one == "failed" else None for i, one in enumerate(outcome)], dtype=schema.TEXT
            ),
            "rule_set": pd.Categorical(np.where(rng.random(n) < 0.2, None, rng.choice(["r1", "r2"], n))),
            "configuration_id": pd.Categorical(rng.choice(["k1", "k2"], n)),
            "file_input": pd.Series([f"file-{i}" for i in rng.integers(0, n // 2 + 1, n)], dtype=schema.TEXT),
            "created_at": pd.Series(created.as_unit("us")).where(rng.random(n) > 0.1),
            "duration_s": np.where(rng.random(n) < 0.1, np.nan, rng.random(n).round(2)),
            "credits": np.where(rng.random(n) < 0.2, np.nan, rng.choice([0.0, 0.1, 0.7, 3.0, 6.0], n)),
            "parse_credits": np.where(rng.random(n) < 0.3, np.nan, rng.choice([0.1, 3.0], n)),
            "target_pages": pd.Categorical(rng.choice(["1", "1,3,5-7", "5-3", None], n)),
            "max_pages": pd.array(rng.choice([1, 10, None], n), dtype="Int64"),
        }
    )


def some_labels(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give most jobs a label: their answer, or another type."""
    if not isinstance(jobs, pd.DataFrame) or "job_id" not in jobs or "type" not in jobs:
        return pd.DataFrame({"job_id": ["job-1"], "label": ["a"], "seen_prediction": [True]})
    number = jobs["job_id"].astype(str).map(lambda text: sum(text.encode())).astype("int64")
    other = jobs["type"].cat.categories[0] if len(jobs["type"].cat.categories) else "a"
    label = jobs["type"].astype(object).where((number % 5 != 0) & jobs["type"].notna(), other)
    table = pd.DataFrame({"job_id": jobs["job_id"].astype(object), "label": label, "reviewer": "r1"})
    table["seen_prediction"] = number.to_numpy() % 4 != 0
    twice = table[number % 3 == 0].assign(reviewer="r2")
    return pd.concat([table[number % 7 != 0], twice])


def some_rules(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give each rule set of the jobs a rule for each type (at most 20), in another order each."""
    if not isinstance(jobs, pd.DataFrame) or "rule_set" not in jobs or "type" not in jobs:
        return pd.DataFrame({"rule_set": ["r1"], "position": [0], "type": ["a"], "description": ["some text"]})
    sets, types = (jobs[name].astype("category").cat.categories.astype(str) for name in ("rule_set", "type"))
    rows = [
        (name, place, types[(place + turn) % min(len(types), 20)])
        for turn, name in enumerate(sets)
        for place in range(min(len(types), 20))
    ]
    table = pd.DataFrame(rows, columns=["rule_set", "position", "type"])
    table["type"] = pd.Categorical(table["type"], types)
    return table.assign(description="a document of the type " + table["type"].astype(object))
