"""Do the audits keep what they promise? Simulated on the bundled jobs, whose labels are all known.

Run it by hand: ``python -m tests.benchmarks.audits [--runs 2000] [--labels 30 60 120 240 400]``. It prints how often
the interval of :func:`accuracy_estimate` holds the accuracy, with labels drawn at random and by a plan; how many labels
plans need beside a random sample; and how often a certified threshold breaks its promise, and what it accepts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import llama_classify_nb as lcn
from llama_classify_nb.metrics import accuracy, accuracy_estimate, audit_plan, draw_sample, precision_threshold

CONFIGURATIONS = ("cfg-logreg-10types", "cfg-naivebayes-10types", "cfg-logreg-8types")
COUNTS = (30, 60, 120, 240, 400)


def populations() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Give a name, jobs and labels of all of them, for each configuration; and one whose confidences mean nothing."""
    jobset, labels = lcn.load_sample(), lcn.load_sample_labels()
    for name in CONFIGURATIONS:
        jobs = jobset.jobs[jobset.jobs["configuration_id"] == name]
        jobs = jobs[jobs["job_id"].isin(labels["job_id"]) & jobs["outcome"].isin(["matched", "no_match"])]
        yield name, jobs, labels[labels["job_id"].isin(jobs["job_id"])]
        if name == CONFIGURATIONS[0]:
            matched = jobs[jobs["outcome"] == "matched"]
            mixed = matched.assign(confidence=matched["confidence"].sample(frac=1, random_state=1).to_numpy())
            yield f"{name}, confidences shuffled", mixed, labels[labels["job_id"].isin(mixed["job_id"])]


def planned(jobs: pd.DataFrame, labels: pd.DataFrame, seed: int, **goal: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do an audit as planned, pilot and all: the last plan, and the labels."""
    first = audit_plan(jobs, **goal)
    pilot = draw_sample(jobs, first, seed=seed).merge(labels[["job_id", "label"]], on="job_id")
    plan = audit_plan(jobs, pilot=pilot, **goal)
    main = draw_sample(jobs, plan, seed=seed).merge(labels[["job_id", "label"]], on="job_id")
    return plan, pd.concat([pilot, main], ignore_index=True)


def coverage(
    jobs: pd.DataFrame, labels: pd.DataFrame, n: int, runs: int, *, by_plan: bool, seed: int = 0
) -> tuple[float, float, float]:
    """Give how often the interval holds the truth, its mean half width, and the mean number of labels."""
    truth = accuracy(jobs, labels)["accuracy"].iloc[0]
    chance = np.random.default_rng(seed)
    held, width, used = [], [], []
    for run in range(runs):
        if by_plan:
            plan, some = planned(jobs, labels, seed * 1_000_000 + run, margin=0.001, budget=n)
            row = accuracy_estimate(jobs, some, plan=plan).iloc[0]
        else:
            some = labels.iloc[chance.choice(len(labels), n, replace=False)]
            row = accuracy_estimate(jobs, some).iloc[0]
        held.append(row["accuracy_lower"] <= truth <= row["accuracy_upper"])
        width.append(row["half_width"])
        used.append(row["n"])
    return float(np.mean(held)), float(np.mean(width)), float(np.mean(used))


def needed(jobs: pd.DataFrame, labels: pd.DataFrame, margin: float, runs: int) -> tuple[float, float, float]:
    """Give the mean labels of plans for a margin, the half width they reach, and what a random sample would need."""
    used, width, simple = [], [], []
    for run in range(runs):
        plan, some = planned(jobs, labels, run, margin=margin)
        row = accuracy_estimate(jobs, some, plan=plan).iloc[0]
        used.append(row["n"])
        width.append(row["half_width"])
        simple.append(plan["n_simple_random"].iloc[-1])
    return float(np.mean(used)), float(np.mean(width)), float(np.mean(simple))


def thresholds(
    jobs: pd.DataFrame, labels: pd.DataFrame, n: int, runs: int, *, by_plan: bool, target: float = 0.95
) -> tuple[float, float]:
    """Give how often a certified threshold breaks its promise, and the mean share of answers that it accepts."""
    matched = jobs[jobs["outcome"] == "matched"]
    known = labels[labels["job_id"].isin(matched["job_id"])]
    right = (matched["type"].astype(object) == matched["job_id"].map(known.set_index("job_id")["label"])).to_numpy()
    chance = np.random.default_rng(0)
    broken, accepted = [], []
    for run in range(runs):
        if by_plan:
            _, some = planned(matched, known, run, goal="threshold", target=target, budget=n)
        else:
            some = known.iloc[chance.choice(len(known), min(n, len(known)), replace=False)]
        row = precision_threshold(matched, some, target=target).iloc[0]
        above = (matched["confidence"] >= row["threshold"]).to_numpy()
        broken.append(bool(row["certified"] and right[above].mean() < target))
        accepted.append(row["coverage"])
    return float(np.mean(broken)), float(np.mean(accepted))


def main() -> None:
    """Simulate, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--labels", type=int, nargs="*", default=COUNTS)
    options = parser.parse_args()
    for name, jobs, labels in populations():
        for n in options.labels:
            for by_plan in (False, True):
                held, width, used = coverage(jobs, labels, n, options.runs, by_plan=by_plan)
                how = "by plan" if by_plan else "at random"
                print(f"{name}: {n} labels {how} ({used:.0f} used): held {held:.4f}, ± {width:.4f}", flush=True)
        used, width, simple = needed(jobs, labels, 0.03, options.runs // 10)
        print(f"{name}: ± 0.03 planned: {used:.0f} labels, ± {width:.4f}; at random {simple:.0f}", flush=True)
        for by_plan in (False, True):
            broken, accepted = thresholds(jobs, labels, 400, options.runs, by_plan=by_plan)
            how = "by plan" if by_plan else "at random"
            print(f"{name}: threshold, 400 labels {how}: broken {broken:.4f}, accepts {accepted:.3f}", flush=True)


if __name__ == "__main__":
    main()
