"""Jobs made for audits: of a few confidences, or of two published runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from benchmarks import audits

GOOD, POOR = audits.PUBLISHED.values()


def published(rows: list[tuple[float, int, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    confidence = np.repeat([row[0] for row in rows], [row[1] for row in rows])
    right = np.concatenate([np.arange(n) >= n_wrong for _, n, n_wrong in rows])
    jobs = made(confidence)
    return jobs, pd.DataFrame({"job_id": jobs["job_id"], "label": np.where(right, "a", "b")})


def made(confidence: Any, **columns: Any) -> pd.DataFrame:
    ids = [f"job-{number}" for number in range(len(confidence))]
    return pd.DataFrame({"job_id": ids, "outcome": "matched", "type": "a", "confidence": confidence, **columns})
