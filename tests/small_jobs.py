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
            "created_at": pd.Series(created.as_unit("us")).where(rng.random(n) > 0.1),
            "duration_s": np.where(rng.random(n) < 0.1, np.nan, rng.random(n).round(2)),
        }
    )
