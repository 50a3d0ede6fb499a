"""Causes of failures: what the patterns tell, and what they leave unknown."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from llama_classify_nb import frames
from llama_classify_nb.metrics import failure_causes, failure_templates
from llama_classify_nb.metrics.failure_causes import CAUSES, FAMILIES

ROOT = Path(__file__).parents[1]


def cause(message: str) -> tuple[str, object]:
    jobs = pd.DataFrame({"job_id": ["a"], "outcome": "failed", "error_message": [message]})
    row = failure_causes(jobs.assign(created_at=pd.Timestamp("2026-02-01", tz="UTC"))).iloc[0]
    return row["cause"], None if pd.isna(row["retryable"]) else bool(row["retryable"])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Rate limit exceeded, retry in 20 s", ("quota", True)),
        ("HTTP 429 from upstream", ("quota", True)),
        ("Credits exhausted for organization o-1", ("quota", False)),
        ("HTTP status 402", ("quota", False)),
        ("401 Client Error: Unauthorized for url: https://a.example/x", ("permission", False)),
        ("Failed to download https://a.example/x: HTTP 403", ("permission", False)),
        ('password authentication failed for user "ann"', ("permission", False)),
        ("File x.pdf is encrypted and no password was given", ("encryption", False)),
        ("503 Server Error: Service Unavailable for url: https://a.example", ("service", True)),
        ("Connection reset by peer", ("service", True)),
        ("ConnectionError: Connection reset by peer", ("service", True)),
        ("Internal server error (request id 269cae41-fbc2-5fbf-a199-38dcc86acfb3)", ("service", True)),
        ("OCR timed out after 30 s on page 7", ("time-out", True)),
        ("HTTP 504 from upstream", ("time-out", True)),
        ("File too large: 120 MB (limit 100 MB)", ("size", False)),
        ("Document has 900 pages, which exceeds the maximum of 500", ("size", False)),
        ('Invalid page range "9-12": document has 3 pages', ("configuration", False)),
        ("Language tlh is not supported", ("configuration", False)),
        ("Unsupported file type: .dwg", ("unsupported", False)),
        ("page 1 of x.tif is empty", ("empty", False)),
        ("OCR engine returned no text for pages 1, 2", ("empty", False)),
        ("Model response could not be parsed: unexpected token", ("answer", True)),
        ("Failed to download https://a.example/x: HTTP 404", ("input", False)),
        ("Parse job pjb-3a9f22c1 not found", ("input", False)),
        ("The PDF is damaged", ("input", False)),
        ("maximum recursion depth exceeded", ("unknown", None)),
        ("KeyError: 'pages'", ("unknown", None)),
        ("time outside office hours", ("unknown", None)),
        ("Worker 7 exited with code 1", ("unknown", None)),
        ("", ("unknown", None)),
    ],
)
def test_a_message_has_the_cause_that_a_person_reads_in_it(message: str, expected: tuple[str, object]) -> None:
    assert cause(message) == expected


def test_no_real_message_is_given_a_wrong_cause() -> None:
    jobs = frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs
    table = failure_causes(jobs)
    by_hand = {
        "empty": "OCR gave",
        "encryption": "decrypted|Password|Encryption",
        "time-out": "did not finish",
        "size": "Bomb|LimitReached",
        "unsupported": "Unsupported|identify|Ghostscript|jbig2dec|brotli",
    }
    for template, found in zip(table["template"], table["cause"], strict=True):
        expected = [name for name, pattern in by_hand.items() if re.search(pattern, template)]
        assert [found] == (expected or ["input"]), template
    assert table["template"].tolist() == failure_templates(jobs)["template"].tolist()
    assert table.loc[table["cause"] == "time-out", "retryable"].all()


def test_the_table_of_patterns_is_whole() -> None:
    for row in CAUSES:
        assert row.cause in FAMILIES
        assert row.next_step.endswith(".")
        assert re.search(row.pattern, "") is None


@pytest.mark.parametrize("piece", ["rule ", "worker ", "page ", "response ", "HTTP ", "configuration "])
def test_a_hostile_template_is_read_in_few_steps(piece: str) -> None:
    assert cause(piece * 40_000)[0] in FAMILIES
