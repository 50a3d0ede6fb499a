"""How well messages of failures are grouped, beside the library drain3, and how fast.

Run it by hand: ``python -m tests.benchmarks.failures [--seeds 3] [--messages 100000]``. Grouping accuracy: the share of
messages whose group holds exactly the messages of their template. Where drain3 isn't installed, its columns stay empty.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

import llama_classify_nb as lcn

sys.path.insert(0, str(Path(__file__).parents[1]))
from message_styles import DEVELOPED_ON, HELD_OUT, corpus, grouping_accuracy

# The generic masks that the documentation of drain3 shows: addresses, hexadecimal numbers, sequences, numbers.
_MASKS = {
    "ID": r"([0-9a-f]{2,}:){3,}([0-9a-f]{2,})",
    "IP": r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
    "SEQ": r"([0-9a-f]{6,} ?){3,}",
    "HEX": r"0x[a-f0-9A-F]+",
    "NUM": r"[\-\+]?\d+",
}
Grouper = Callable[[Sequence[str]], list[object]]


def _frame(messages: Sequence[str]) -> pd.DataFrame:
    ids = [f"j{place:07d}" for place in range(len(messages))]
    created = pd.Timestamp("2026-02-01", tz="UTC")
    return pd.DataFrame({"job_id": ids, "outcome": "failed", "error_message": list(messages), "created_at": created})


def ours(messages: Sequence[str]) -> list[object]:
    """Group with the toolkit."""
    return lcn.metrics.failure_assignments(_frame(messages))["template"].tolist()


def drain(messages: Sequence[str], masks: dict[str, str]) -> list[object]:
    """Group with drain3 and its defaults."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [
        MaskingInstruction(rf"((?<=[^A-Za-z0-9])|^){pattern}((?=[^A-Za-z0-9])|$)", name)
        for name, pattern in masks.items()
    ]
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(re.sub(r"\s+", " ", message))["cluster_id"] for message in messages]


def labelled() -> tuple[list[str], list[str]]:
    """Give the real failures of the sample, and the kind that a person gave each."""
    labels = pd.read_csv(Path(__file__).parents[1] / "data" / "failure_labels.csv")
    table = lcn.load_sample().jobs.merge(labels, on="job_id").sort_values("job_id")
    return table["error_message"].tolist(), table["kind"].tolist()


def accuracies(groupers: dict[str, Grouper], seeds: int) -> pd.DataFrame:
    """Give the grouping accuracy of each way for each set of messages."""
    rows = []
    for style in (*DEVELOPED_ON, *HELD_OUT):
        corpora = [corpus(style, seed=seed) for seed in range(seeds)]
        scores = {
            name: sum(grouping_accuracy(truth, group(messages)) for messages, truth in corpora) / seeds
            for name, group in groupers.items()
        }
        rows.append({"messages": style, "served to choose": style in DEVELOPED_ON, **scores})
    messages, kinds = labelled()
    scores = {name: grouping_accuracy(kinds, group(messages)) for name, group in groupers.items()}
    return pd.DataFrame([*rows, {"messages": "sample, labelled by hand", "served to choose": True, **scores}])


def speed(n: int) -> None:
    """Print how long ``n`` messages take: of many styles, then of words that are all different."""
    messages: list[str] = []
    for style in DEVELOPED_ON:
        messages += corpus(style, n=n // len(DEVELOPED_ON))[0]
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    free = [" ".join(draw.choices(words, k=draw.randint(6, 14))) for _ in range(n)]
    for name, some in (("of many styles", messages), ("of free words", free), ("that repeat", messages * 10)):
        jobs = _frame(some)
        start = time.process_time()
        found = lcn.metrics.failure_templates(jobs)
        spent = time.process_time() - start
        print(f"{len(jobs):,} messages {name}: {spent:.1f} s of processor time, {len(found):,} templates")


def main() -> None:
    """Measure, and print a line for each set of messages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=100_000)
    options = parser.parse_args()
    groupers: dict[str, Grouper] = {"ours": ours}
    if find_spec("drain3"):
        groupers |= {
            "drain3": lambda messages: drain(messages, {}),
            "drain3, masks": lambda messages: drain(messages, _MASKS),
        }
    table = accuracies(groupers, options.seeds)
    print(table.round(3).to_string(index=False))
    styles = table.iloc[:-1]
    print(styles.groupby("served to choose")[list(groupers)].mean().round(3).to_string())
    speed(options.messages)


if __name__ == "__main__":
    main()
