"""Jobs in any number, made of the bundled ones: the same seed gives the same bytes."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

from llama_classify_nb.demo import sample_jobs

SEED = 20261124
FIRST_DAY, N_DAYS = 738_886, 365  # 2024-01-01, as a proleptic ordinal


def make_jobs(n: int, *, seed: int = SEED, is_each_configured_alone: bool = False) -> Iterator[bytes]:
    """Give ``n`` jobs as lines of JSON, about 2 KB each.

    Each is a bundled job under an id, a file and a day of its own, with a reasoning that no other has. With
    ``is_each_configured_alone`` no two configurations are alike.
    """
    bundled = [json.loads(line) for line in sample_jobs()]
    chance = random.Random(seed)
    for number in range(n):
        job = dict(bundled[chance.randrange(len(bundled))])
        job["id"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        job["file_input"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        day = _day(chance.randrange(N_DAYS))
        for key in ("created_at", "updated_at"):
            if job.get(key):
                job[key] = day + job[key][10:]
        if job.get("result"):
            job["result"] = {**job["result"], "reasoning": f"{job['result']['reasoning']} Page {number:,} of all."}
        if is_each_configured_alone:
            first, *others = job["configuration"]["rules"]
            first = {**first, "description": f"{first['description']}; batch {number}"}
            job["configuration"] = {**job["configuration"], "rules": [first, *others]}
        yield json.dumps(job, ensure_ascii=number % 10 != 0).encode()


def write_jobs(path: Path, n: int, *, is_each_configured_alone: bool = False) -> Path:
    """Write ``n`` jobs to a file of JSON Lines."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in make_jobs(n, is_each_configured_alone=is_each_configured_alone))
    return path


def _day(number: int) -> str:
    import datetime as dt

    return dt.date.fromordinal(FIRST_DAY + number).isoformat()
