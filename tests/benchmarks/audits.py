"""Do the audits keep what they promise? Simulated where every label is known: on real jobs, and on made ones.

Run it by hand: ``python -m tests.benchmarks.audits [--runs 2000] [--only NAME] [--part thresholds]``. It prints how
often the interval of :func:`accuracy_estimate` holds the accuracy, with labels drawn at random and by a plan; how many
labels plans need beside a random sample; and how often a certified threshold breaks its promise, and what it accepts.

Labels are drawn as counts of right answers in each stratum, which is all that plans and estimates look at, and go
through the same functions; :func:`audited` does one audit in full, and a test holds the one to the other.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import llama_classify_nb as lcn
from llama_classify_nb.metrics import _labelled, _strata, accuracy_estimate, audit_plan, draw_sample, plan
from llama_classify_nb.metrics import threshold as thresholds_
from llama_classify_nb.metrics.intervals import clopper_pearson

CONFIGURATIONS = ("cfg-logreg-10types", "cfg-naivebayes-10types", "cfg-logreg-8types")
COUNTS = (30, 60, 120, 240, 400)
ASSURANCE = 0.95
#: Pages and errors of two published runs, from the highest confidence down (AWS IDP accelerator's benchmark, 2026).
PUBLISHED = {
    "published run A, tenfold": [(0.95, 193, 5), (0.92, 43, 2), (0.85, 28, 5), (0.72, 19, 18), (0.60, 15, 14)],
    "published run B, tenfold": [(0.95, 271, 25), (0.90, 2, 1), (0.85, 22, 18), (0.70, 3, 2)],
}


class Population(NamedTuple):
    """Jobs whose answers are all known to be right or wrong."""

    name: str
    jobs: pd.DataFrame  # job_id, outcome, type, confidence, configuration_id
    right: np.ndarray

    def labels(self) -> pd.DataFrame:
        """Give a label of each job."""
        wrong = np.where(self.jobs["outcome"] == "matched", "(another)", self.jobs["type"].astype(object).iloc[0])
        label = np.where(self.right, self.jobs["type"].astype(object).fillna("(no rule names it)"), wrong)
        return pd.DataFrame({"job_id": self.jobs["job_id"].to_numpy(), "label": label})

    def answered(self, name: str) -> Population:
        """Give those with a type, as a population by itself."""
        matched = (self.jobs["outcome"] == "matched").to_numpy()
        return Population(name, self.jobs[matched].reset_index(drop=True), self.right[matched])


@functools.cache
def populations() -> tuple[Population, ...]:
    """Give the real ones: bundled jobs, each configuration by itself, and those of a language model."""
    return tuple(_populations())


def _populations() -> Iterator[Population]:
    jobset, labels = lcn.load_sample(), lcn.load_sample_labels()
    for name in CONFIGURATIONS:
        one = _judged(name, jobset.jobs[jobset.jobs["configuration_id"] == name], labels)
        yield one
        answered = one.answered(f"{name}, answered")
        yield answered
        mixed = answered.jobs.assign(confidence=answered.jobs["confidence"].sample(frac=1, random_state=1).to_numpy())
        yield Population(f"{name}, confidences shuffled", mixed, answered.right)
    folder = Path(__file__).parents[1] / "data"
    jobs = lcn.read_jobs(folder / "llm_jobs.jsonl.gz").jobs
    labels = pd.read_csv(folder / "llm_labels.csv.gz", dtype=str, keep_default_na=False)
    for name, part in jobs.groupby("configuration_id", observed=True):
        yield _judged(str(name), part, labels)


def bundled() -> Population:
    """Give all bundled jobs, whichever their configuration."""
    whole = [one for one in populations() if one.name in CONFIGURATIONS]
    jobs = pd.concat([one.jobs.astype({"type": object, "configuration_id": object}) for one in whole])
    return Population("all bundled jobs", jobs.reset_index(drop=True), np.concatenate([one.right for one in whole]))


def made_populations() -> Iterator[Population]:
    """Give made ones, unlike the real ones and each other."""
    chance = np.random.default_rng(0)
    beta, atoms = chance.beta, np.array([0.95, 0.8, 0.6])
    tied = np.where(chance.random(4000) < 0.85, 1.0, beta(5, 2, 4000))
    three = chance.choice(atoms, 4000, p=[0.7, 0.2, 0.1])
    kinds: list[tuple[str, np.ndarray, Any, int]] = [
        ("beta, as confident as right", (c := beta(6, 2, 5000)), c, 10),
        ("beta, too sure", (c := beta(8, 1, 3000)), 0.8 * c, 10),
        ("beta, too modest", (c := beta(2, 2, 3000)), c**0.3, 10),
        ("beta, 200,000 jobs", (c := beta(6, 2, 200_000)), c**1.5, 10),
        ("3 atoms", three, np.select([three == atoms[0], three == atoms[1]], [0.95, 0.8], 0.4), 10),
        ("3 atoms that mean nothing", chance.choice([0.9, 0.8, 0.7], 1000, p=[0.9, 0.05, 0.05]), 0.8, 10),
        ("60 types", (c := np.round(beta(6, 2, 6000), 2)), c, 60),
        ("99.5 % right", beta(9, 1, 5000), 0.995, 10),
        ("30 % right, and ranked", (c := beta(3, 3, 3000)), 0.6 * c, 10),
        ("30 % right, and sure of it", beta(9, 1, 3000), 0.3, 10),
        ("85 % say 1.0", tied, np.where(tied == 1, 0.93, 0.6 * tied), 10),
        ("all say 1.0", np.ones(3000), 0.85, 10),
        ("80 jobs", (c := np.round(beta(6, 2, 80), 2)), c, 4),
        ("80 jobs, mostly right", np.round(beta(9, 1, 80), 2), 0.9, 4),
    ]
    for name, confidence, rate, n_types in kinds:
        type_ = chance.integers(n_types, size=len(confidence)).astype(str)
        yield Population(name, _jobs(confidence, type_), chance.random(len(confidence)) < rate)
    for name, rows in PUBLISHED.items():
        right = np.concatenate([np.arange(10 * n) >= 10 * n_wrong for _, n, n_wrong in rows])
        yield Population(name, _jobs(np.repeat([row[0] for row in rows], [10 * row[1] for row in rows]), "a"), right)


def _jobs(confidence: np.ndarray, type_: Any) -> pd.DataFrame:
    ids = [f"job-{place}" for place in range(len(confidence))]
    return pd.DataFrame({"job_id": ids, "outcome": "matched", "type": type_, "confidence": confidence})


def _judged(name: str, jobs: pd.DataFrame, labels: pd.DataFrame) -> Population:
    labels = labels[labels["job_id"].isin(jobs["job_id"])]
    found = _labelled.match(jobs, labels)
    use = found.scored & found.jobs["outcome"].isin(["matched", "no_match"]).to_numpy()
    columns = ["job_id", "outcome", "type", "confidence", "configuration_id"]
    return Population(name, jobs[columns].iloc[found.row[use]].reset_index(drop=True), found.right[use])


class Strata:
    """The strata of a population, and audits of it by counts."""

    def __init__(self, population: Population) -> None:
        self.jobs = population.jobs
        strata = _strata.cut(self.jobs)
        number = _strata.assign(self.jobs, strata)
        self.n_jobs = strata["n_jobs"].to_numpy()
        self.n_right = np.bincount(number, population.right, minlength=len(strata)).astype(np.int64)
        self.score = _strata.scores(self.jobs, number, strata)
        self.truth = float(population.right.mean())

    def drawn(self, chance: np.random.Generator, n: np.ndarray, without: Any = 0, right: Any = 0) -> np.ndarray:
        """Draw n jobs of each stratum, besides some of which so many are right: how many are right."""
        good = self.n_right - right
        return chance.hypergeometric(good, self.n_jobs - without - good, n)

    def final(self, n: np.ndarray, n_right: np.ndarray, margin: float | None, budget: int | None) -> tuple[Any, int]:
        """Share labels out by a pilot of n; and how many a simple random sample would need for the margin."""
        expected = _strata.expected(self.n_jobs, n, n_right, self.score)
        aim = plan._Aim(self.n_jobs, expected, self.score, n, ASSURANCE)
        wanted, simple = (min(budget or 0, int(self.n_jobs.sum())), 0) if margin is None else aim.needed(margin)
        return aim.best(max(wanted, int(n.sum())))[0], simple

    def planned(
        self, runs: int, *, margin: float | None = None, budget: int | None = None, seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Do audits by plan: lower and upper ends, labels used, and what a random sample would have needed."""
        chance = np.random.default_rng(seed)
        first = audit_plan(self.jobs, margin=margin or 0.001, budget=budget)
        pilot = np.tile(first["n_to_draw"].to_numpy()[:-1], (runs, 1))
        right = self.drawn(chance, pilot)
        kinds, which = np.unique(right, axis=0, return_inverse=True)
        plans = [self.final(pilot[0], one, margin, budget) for one in kinds]
        n = np.array([final for final, _ in plans])[which.ravel()]
        right = right + self.drawn(chance, n - pilot, pilot, right)
        lower, upper = self.ends(n, right)
        return lower, upper, n.sum(1), np.array([simple for _, simple in plans])[which.ravel()]

    def ends(self, n: np.ndarray, n_right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the ends of the intervals of audits by plan."""
        parts = self.joined(n, n_right, _strata.FEWEST)
        _, lower, upper, _ = _strata.audited(*parts[:3], ASSURANCE, parts[3])
        return lower, upper

    def at_random(self, runs: int, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Do audits with n labels drawn at random: lower and upper ends."""
        chance = np.random.default_rng(seed)
        counts = chance.multivariate_hypergeometric(self.n_jobs, n, size=runs)
        right = self.drawn(chance, counts)
        lower, upper = clopper_pearson(right.sum(1), n, ASSURANCE)
        if n >= _strata.FEWEST_FOR_MODEL:
            parts = self.joined(counts, right, _strata.FLOOR)
            level = 1 - _strata.GUARD_AT_RANDOM * (1 - ASSURANCE)
            _, low, high = _strata.intervals(*parts[:3], level, parts[3])
            use = (high - low) / (upper - lower) <= _strata.GAIN
            lower, upper = np.where(use, low, lower), np.where(use, high, upper)
        return lower, upper

    def joined(self, n: np.ndarray, n_right: np.ndarray, least: int) -> list[np.ndarray]:
        """Join strata with too few labels, as estimates do; none of the jobs are in those left over."""
        parts = [np.broadcast_to(one, n.shape).astype(np.float64) for one in (self.n_jobs, n, n_right, self.score)]
        for run in np.flatnonzero((n < np.minimum(least, self.n_jobs)).any(1)):
            for whole, part in zip(parts, _strata.merged(*(one[run] for one in parts), least=least), strict=True):
                whole[run] = 0
                whole[run, : len(part)] = part
        return parts


def audited(population: Population, seed: int, **goal: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Do one audit in full: the labels of the pilot, all labels, and the estimate."""
    jobs, labels = population.jobs, population.labels()
    first = audit_plan(jobs, **goal)
    pilot = draw_sample(jobs, first, seed=seed).merge(labels, on="job_id")
    second = audit_plan(jobs, pilot=pilot, **goal)
    main = draw_sample(jobs, second, seed=seed).merge(labels, on="job_id")
    some = pd.concat([pilot, main], ignore_index=True)
    return pilot, some, accuracy_estimate(jobs, some, plan=second)


class Answers:
    """The answers of a population by confidence, and thresholds for them."""

    def __init__(self, population: Population, by: str | None = None) -> None:
        answered = population.answered("")
        self.confidence, self.right = answered.jobs["confidence"].to_numpy(dtype=np.float64), answered.right
        self.group = np.zeros(len(self.right), np.int64) if by is None else pd.factorize(answered.jobs[by])[0]

    def sampled(self, chance: np.random.Generator, n: int, target: float, *, by_plan: bool) -> Any:
        """Draw labels at random, or by a plan and its pilot: which they are, and which answers they are drawn from."""
        size = len(self.right)
        if not by_plan:
            return chance.choice(size, min(n, size), replace=False), np.ones(size, bool)
        pilot = chance.choice(size, min(plan.THRESHOLD_PILOT, size), replace=False)
        curve = plan._curve(self.confidence[pilot], self.right[pilot], self.confidence)
        inside = self.confidence >= plan._lowest(self.confidence, curve, target - plan.SLACK)
        inside[pilot] = False
        free = np.flatnonzero(inside)
        return chance.choice(free, min(n - len(pilot), len(free)), replace=False), inside

    def thresholds(
        self, n: int, runs: int, *, by_plan: bool = False, target: float = 0.95, seed: int = 0
    ) -> tuple[float, float]:
        """Give how often a threshold that is certified breaks its promise, and the mean share of answers accepted."""
        chance = np.random.default_rng(seed)
        broken, shares = 0, 0.0
        for _ in range(runs):
            some, inside = self.sampled(chance, n, target, by_plan=by_plan)
            groups = np.unique(self.group[some])
            n_accepted, breaks = 0, False
            for one in groups:
                mine, use = some[self.group[some] == one], self.group == one
                seen = self.confidence[mine], self.right[mine], self.confidence[use], self.confidence[use & inside]
                row = thresholds_._certified(*seen, target, (1 - ASSURANCE) / len(groups))
                if row["certified"]:
                    above = use & (self.confidence >= row["threshold"])
                    n_accepted += int(above.sum())
                    breaks |= bool(self.right[above].mean() < target)
            broken += breaks
            shares += n_accepted / len(self.right)
        return broken / runs, shares / runs


def of_plans_for_accuracy(population: Population, runs: int, target: float) -> tuple[float, float]:
    """Give the same as :meth:`Answers.thresholds` for labels of whole audits that were planned for the accuracy."""
    answers = Answers(population)
    broken, shares = 0, 0.0
    for seed in range(runs):
        _, some, _ = audited(population, seed, margin=0.03)
        threshold = thresholds_.precision_threshold(population.jobs, some, target=target)["threshold"].item()
        above = answers.confidence >= threshold
        broken += bool(above.any() and answers.right[above].mean() < target)
        shares += above.mean()
    return broken / runs, shares / runs


def report_accuracy(population: Population, runs: int) -> None:
    """Print how often intervals hold, and how many labels plans need."""
    strata, size = Strata(population), len(population.jobs)
    for n in (one for one in COUNTS if one < size):
        line = f"  {n} labels"
        for how, (lower, upper) in (
            ("at random", strata.at_random(runs, n)),
            ("by plan", strata.planned(runs, budget=n)[:2]),
        ):
            held = np.mean((lower - 1e-12 <= strata.truth) & (strata.truth <= upper + 1e-12))
            line += f", {how}: holds {held:.4f}, ± {np.mean(upper - lower) / 2:.4f}"
        print(line, flush=True)
    lower, upper, used, simple = strata.planned(max(1, runs // 10), margin=0.03)
    share = used.mean() / simple.mean()
    print(
        f"  ± 0.03: {used.mean():.0f} of {simple.mean():.0f} labels = {share:.3f}, ± {np.mean(upper - lower) / 2:.4f}",
        flush=True,
    )


def report_thresholds(population: Population, runs: int) -> None:
    """Print how often certified thresholds break their promise, and what they accept."""
    kinds = [(None, target, by_plan) for target in (0.9, 0.95) for by_plan in (False, True)]
    kinds += [
        (by, 0.9, False)
        for by in ("type", "configuration_id")
        if by in population.jobs and len(population.jobs[by].dropna().unique()) > 1
    ]
    for by, target, by_plan in kinds:
        broken, accepted = Answers(population, by).thresholds(400, runs, by_plan=by_plan, target=target)
        what = f"{'planned' if by_plan else 'random'}{f', by {by}' if by else ''}"
        print(f"  {target:.0%} right, 400 {what}: broken {broken:.4f}, accepts {accepted:.3f}", flush=True)
    broken, accepted = of_plans_for_accuracy(population, max(1, runs // 20), 0.9)
    print(f"  90% right, planned for the accuracy: broken {broken:.4f}, accepts {accepted:.3f}", flush=True)


PARTS = {"accuracy": report_accuracy, "thresholds": report_thresholds}


def main() -> None:
    """Simulate, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--only", default="", help="a part of the names of the populations to simulate")
    parser.add_argument("--part", choices=PARTS, action="append", help="what to simulate; without it, all")
    options = parser.parse_args()
    for population in itertools.chain(populations(), [bundled()], made_populations()):
        if options.only not in population.name:
            continue
        started = time.perf_counter()
        print(f"{population.name}: {len(population.jobs):,} jobs, {population.right.mean():.1%} right", flush=True)
        for part in options.part or PARTS:
            PARTS[part](population, options.runs)
        print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
