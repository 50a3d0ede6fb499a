"""Jobs of other shapes than the bundled ones have: few rules or many, confidences of few values or all different.

A shape is made of a table of jobs by giving its columns other values, drawn with a seed; ids and times stay.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from llama_classify_nb import schema

SEED = 20261128
_CHUNK = 500  # texts that stand together, as where they are read from a file
_TOPICS = ("tax", "sales", "patent", "trial", "travel", "budget", "press", "safety")
_KINDS = ("letter", "memo", "report", "form", "note")


class Shape(NamedTuple):
    """What jobs look like."""

    n_rules: int
    n_configurations: int
    n_confidences: int | None = None  # None: all are different
    failed: float = 0.2  # share; each message holds an id and a file of its own
    n_words: int = 0  # that each reasoning is longer


SHAPES = {
    "usual": Shape(n_rules=6, n_configurations=20, failed=0.05, n_words=40),
    "few": Shape(n_rules=3, n_configurations=1, n_confidences=12, failed=0.0),
    "many": Shape(n_rules=40, n_configurations=300, n_words=120),
}


def shaped(jobs: pd.DataFrame, shape: Shape) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give jobs of a shape, each with a file of its own, and their rules; two configurations share a rule set."""
    chance, n = np.random.default_rng(SEED), len(jobs)
    kinds = [f"{_TOPICS[number // len(_KINDS)]}_{_KINDS[number % len(_KINDS)]}" for number in range(shape.n_rules)]
    sets = [f"set-{number:04d}" for number in range(max(shape.n_configurations // 2, 1))]
    configuration = np.minimum(chance.geometric(min(8 / shape.n_configurations, 1), n), shape.n_configurations) - 1
    outcome = np.where(chance.random(n) < 0.9, "matched", "no_match")
    outcome[chance.random(n) < shape.failed] = "failed"
    answered, matched = outcome != "failed", outcome == "matched"
    kind = np.where(matched, np.minimum(chance.geometric(0.2, n) - 1, shape.n_rules - 1), -1)
    confidence = chance.beta(6, 2, n)
    if shape.n_confidences is not None:
        confidence = np.round(confidence * shape.n_confidences) / shape.n_confidences
    columns = {
        "status": pd.Categorical(np.where(answered, "COMPLETED", "FAILED"), list(schema.STATUSES)),
        "outcome": pd.Categorical(outcome, list(schema.OUTCOMES)),
        "type": pd.Categorical.from_codes(kind, kinds),
        "confidence": np.where(answered, confidence, np.nan),
        "reasoning": _texts(_reasonings(jobs, kind, kinds, shape.n_words, chance), answered),
        "error_message": _texts(_messages(n, chance), ~answered),
        "rule_set": pd.Categorical.from_codes(configuration % len(sets), sets),
        "configuration_id": pd.Categorical.from_codes(
            configuration, [f"cfg-{number:04d}" for number in range(shape.n_configurations)]
        ),
        "n_rules": np.full(n, shape.n_rules, np.int32),
        "file_input": _texts(_joined("https://files.example.com/", _ids(n, chance), ".pdf"), np.ones(n, bool)),
    }
    made = jobs.assign(**columns)
    return made, _rules(made, kinds, sets)


def _reasonings(jobs: pd.DataFrame, kind: np.ndarray, kinds: list[str], n_words: int, chance: Any) -> Any:
    """Lengthen the reasonings, and let each name its type and another."""
    n, names = len(jobs), pa.array(kinds)
    own, other = (names.take(pa.array(codes)) for codes in (np.maximum(kind, 0), chance.integers(len(kinds), size=n)))
    matched, words = pa.array(kind >= 0), ((" It is a ", " It may be a "), (" rather than a ", " or a "))
    says, than = (pc.if_else(matched, *pair) for pair in words)
    words = pd.Series(jobs["reasoning"].dropna().head(2_000).str.findall(r"[A-Za-z]{3,}").sum()).unique()
    tails = [" ".join(chance.choice(words, n_words)) for _ in range(1_000)]
    tail = pa.array(tails).take(pa.array(chance.integers(len(tails), size=n)))
    said = pc.fill_null(pa.array(jobs["reasoning"], pa.large_string(), from_pandas=True), "The page is blank.")
    return _joined(said, says, own, than, other, ". ", tail)


def _messages(n: int, chance: Any) -> Any:
    """Give messages of failures of some kinds, none twice."""
    kinds = pa.array(
        ["OCR timed out on", "could not open", "429 Too Many Requests while reading", "model refused", "empty page in"]
    )
    kind, ids = kinds.take(pa.array(chance.integers(len(kinds), size=n))), _ids(n, chance)
    size = pa.array(chance.integers(1, 1_000_000, n)).cast(pa.string())
    return _joined("ParseError: ", kind, " /data/in/", ids, ".pdf (request ", _ids(n, chance), ") after ", size, " ms")


def _ids(n: int, chance: Any) -> Any:
    return pa.array([str(uuid.UUID(bytes=one)) for one in (chance.bytes(16) for _ in range(n))])


def _joined(*parts: Any) -> Any:
    text = pa.large_string()
    texts = [pa.scalar(part, text) if isinstance(part, str) else pc.cast(part, text) for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar("", text))


def _texts(texts: Any, has: np.ndarray) -> pd.Series:
    """Give texts in pieces; missing where there is none."""
    some = pc.if_else(pa.array(has), texts, pa.scalar(None, pa.large_string()))
    pieces = [some.slice(start, _CHUNK) for start in range(0, len(some), _CHUNK)]
    return pd.Series(pd.arrays.ArrowStringArray(pa.chunked_array(pieces, pa.large_string()), dtype=schema.TEXT))


def _rules(jobs: pd.DataFrame, kinds: list[str], sets: list[str]) -> pd.DataFrame:
    """Give the table rules: every rule set has every type, described in words of its own."""
    place = pd.MultiIndex.from_product([sets, range(len(kinds))]).to_frame(index=False, name=["rule_set", "position"])
    kind = pd.Categorical.from_codes(place["position"], kinds)
    counts = jobs["rule_set"].value_counts()
    matched = jobs[jobs["outcome"] == "matched"].groupby(["rule_set", "type"], observed=False).size()
    return pd.DataFrame(
        {
            "rule_set": place["rule_set"].astype(jobs["rule_set"].dtype),
            "position": place["position"].astype("int32"),
            "type": kind,
            "description": [
                f"A {name.replace('_', ' ')} as {one} has it: heading, dates, names and figures of {name.split('_')[0]}"
                for one, name in zip(place["rule_set"], kind, strict=True)
            ],
            "n_jobs": counts.reindex(place["rule_set"]).fillna(0).to_numpy().astype(np.int64),
            "n_matched": matched.reindex(pd.MultiIndex.from_arrays([place["rule_set"], kind])).to_numpy(np.int64),
        }
    ).astype({"description": schema.TEXT})
