"""Strata of an audit: how jobs are cut, how labels are shared out, and what they say of all jobs together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from .. import schema
from . import _arguments, _counts, _groups, _labelled
from ._texts import small_order
from .intervals import clopper_pearson

GROUPS = 6  # of confidence, among matched jobs: more gain next to nothing
FLOOR = 5  # labels in each stratum, at least
NEYMAN = 0.95  # share of the labels that goes where answers vary; the rest in proportion, so that no stratum is starved
DOUBT_LABELS = 2.0  # half of them wrong, imagined in each stratum when labels are shared out: pilots may be lucky
PRIOR_LABELS = 2.0  # what the accuracy of all labels together counts in each stratum
CURVE_LABELS = 20.0  # what a curve over the confidence counts there, which says more
# Strata that were cut, and labels that were shared out, by looking at some of the labels, are no strata given before:
# a part of what may go wrong is kept for that, more where labels are few. Simulated audits then keep what they promise.
GUARD, GUARD_OF_NONE, GUARD_LABELS = 0.9, 0.6, 400
# Fewer labels than this, drawn about in proportion, are counted, and nothing else, unless an interval by strata is
# clearly narrower: models mislead there. In proportion means that unequal weights cost so little (Kish 1965).
FEWEST_FOR_MODEL, MOST_UNEVEN, GAIN = 100, 1.05, 0.95
FEWEST = 3  # labels of a stratum: with fewer, an estimate joins it to a neighbour
GUARD_AT_RANDOM = 0.8  # the same, where labels were drawn at random and strata chosen after

Interval = tuple[float, float, float]
Counts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]  # of each: jobs, labels, right answers, score


def cut(jobs: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """Cut the scored jobs into strata: by column, by outcome, and matched ones by confidence.

    Equal confidences stay together. Where to cut is decided by confidences alone: so that each group has about the
    same sum of √(e (1 - e)), where e is 1 - confidence, between 0.01 and 0.25 (Dalenius & Hodges 1959, in spirit).

    Returns
    -------
    DataFrame
        A row per stratum: ``by`` if given, ``outcome``, ``confidence_from``, ``confidence_to`` (NaN: of no matter),
        and ``n_jobs``.
    """
    rows = []
    for value, outcome, confidence in _parts(jobs, by):
        keys = {} if by is None else {by: value}
        ends = [(np.nan, np.nan, len(confidence))]
        for low, high, n in _confidence_groups(confidence) if outcome == "matched" else ends:
            rows.append({**keys, "outcome": outcome, "confidence_from": low, "confidence_to": high, "n_jobs": n})
    columns = [*([] if by is None else [by]), "outcome", "confidence_from", "confidence_to", "n_jobs"]
    table = pd.DataFrame(rows, columns=columns).astype({"confidence_from": "float64", "confidence_to": "float64"})
    table["outcome"] = pd.Categorical(table["outcome"], list(schema.OUTCOMES))
    if by is not None:
        table[by] = _groups.column_of(jobs, by, table[by].tolist())
    return table.astype({"n_jobs": "int64"})


def _parts(jobs: pd.DataFrame, by: str | None) -> Iterator[tuple[Any, str, np.ndarray]]:
    """Give the confidences of the scored jobs by value of a column, in order, missing last, and by outcome."""
    scored = np.flatnonzero(_arguments.has_outcome(jobs, _labelled.SCORED))
    values: list[Any] = [None]
    group = np.zeros(len(scored), np.int64)
    if by is not None:
        code, n, decode = _counts.encode(jobs[by].iloc[scored])
        present, group = np.unique(np.where(code < 0, n, code), return_inverse=True)
        values = [*decode(present[present < n]), *([None] if (present == n).any() else [])]
    of_outcome = np.array([_labelled.SCORED.index(one) if one in _labelled.SCORED else -1 for one in schema.OUTCOMES])
    cell = group * len(_labelled.SCORED) + of_outcome[_arguments.outcome_codes(jobs)[scored]]
    order = small_order(cell)
    some = jobs[["outcome", "confidence"]].iloc[scored[order]]
    is_matched = _arguments.has_outcome(some, ("matched",))
    confidence = np.full(len(scored), np.nan)
    confidence[is_matched] = _arguments.answered_confidence(some[is_matched])[1]
    ends = np.cumsum(np.bincount(cell, minlength=len(values) * len(_labelled.SCORED)))
    for number, part in enumerate(np.split(confidence, ends[:-1])):
        if len(part):
            yield values[number // len(_labelled.SCORED)], _labelled.SCORED[number % len(_labelled.SCORED)], part


def _confidence_groups(confidence: np.ndarray) -> list[tuple[float, float, int]]:
    values, count = np.unique(confidence, return_counts=True)
    spread = np.clip((1 - values) * values, 0.01 * 0.99, 0.25 * 0.75)
    weight = count * np.sqrt(spread)
    middle = np.cumsum(weight) - weight / 2
    group = np.minimum((middle / weight.sum() * GROUPS).astype(int), GROUPS - 1)
    found = np.unique(group)[::-1]  # from the most confident down
    return [(values[group == one].min(), values[group == one].max(), count[group == one].sum()) for one in found]


def assign(jobs: pd.DataFrame, strata: pd.DataFrame, by: str | None = None) -> np.ndarray:
    """Give the number of each job's stratum; -1: it is in none."""
    number = np.full(len(jobs), -1, np.int64)
    confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    place_of = {name: place for place, name in enumerate(schema.OUTCOMES)}
    code, size = _arguments.outcome_codes(jobs), len(place_of)
    found = np.zeros(len(strata), np.int64)
    if by is not None:
        group, values = pd.factorize(jobs[by])
        code = (group + 1) * size + code
        known = strata[by].notna().to_numpy(dtype=bool)
        found[known] = pd.Index(values).get_indexer(pd.Index(strata[by][known])) + 1
        found[known & (found == 0)] = -1
    order = small_order(code)
    ends = np.cumsum(np.bincount(code, minlength=1))
    for place, row in enumerate(strata.to_dict("records")):
        one = place_of.get(row["outcome"], -1)
        one = one if one < 0 or found[place] < 0 else found[place] * size + one
        if one < 0 or found[place] < 0 or one >= len(ends):
            continue
        rows = order[ends[one - 1] if one else 0 : ends[one]]
        if not np.isnan(row["confidence_from"]):
            stated = confidence[rows]
            rows = rows[(stated >= row["confidence_from"]) & (stated <= row["confidence_to"])]
        number[rows] = place
    return number


def allocate(n: int, n_jobs: np.ndarray, spread: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Share n labels out over strata: mostly where answers vary (Neyman 1934), the rest in proportion.

    Parameters
    ----------
    n : int
        Labels in all.
    n_jobs, spread, least : array
        Of each stratum: its jobs, the standard deviation √(p (1 - p)) expected, and the fewest labels.
    """
    share = n_jobs / n_jobs.sum()
    mean = share @ spread
    wish = share * (NEYMAN * (spread / mean if mean > 0 else 1.0) + 1 - NEYMAN)
    least = np.minimum(least, n_jobs).astype(np.float64)
    given = np.clip(n * wish / wish.sum(), least, n_jobs)
    for _ in range(50):
        free = (given > least) & (given < n_jobs)
        rest = n - given[~free].sum()
        if not free.any():
            break
        again = np.where(free, np.clip(max(rest, 0) * wish / wish[free].sum(), least, n_jobs), given)
        if np.allclose(again, given):
            break
        given = again
    whole: np.ndarray = np.floor(given + 1e-9).astype(np.int64)
    for place in np.argsort(-(given - whole), kind="stable"):
        if whole.sum() >= n:
            break
        whole[place] += whole[place] < n_jobs[place]
    return whole


def scores(jobs: pd.DataFrame, number: np.ndarray, strata: pd.DataFrame) -> np.ndarray:
    """Give the logit of each stratum's mean confidence; NaN where it is of no matter."""
    confidence = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    parts = np.split(confidence[small_order(number)], np.cumsum(np.bincount(number + 1, minlength=len(strata) + 1)))[
        1:-1
    ]
    # In order of size, one after another: sums then come out alike to the last digit, however the jobs stand.
    sums = [np.cumsum(np.sort(part))[-1] if len(part) else 0.0 for part in parts]
    mean = np.array(sums, np.float64) / np.maximum([len(part) for part in parts], 1)
    return np.where(strata["confidence_from"].isna(), np.nan, logit(mean))


def logit(confidence: np.ndarray) -> np.ndarray:
    """Give the logit, of confidences at least 0.001 from both ends."""
    return np.asarray(special.logit(np.clip(confidence, 1e-3, 1 - 1e-3)))


def logistic(x: np.ndarray, n: np.ndarray, n_right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the logit of a rate as a line over x, along the last axis: its constant and its slope.

    A little of a prior (0.02 and 0.1 of a squared logit) keeps them finite where right and wrong are set apart.
    """
    constant, slope = np.zeros((2, *np.broadcast(x, n).shape[:-1], 1))
    for _ in range(50):
        rate = special.expit(constant + slope * x)
        weight, rest = n * rate * (1 - rate), n_right - n * rate
        a, b, c = ((weight * x**power).sum(-1, keepdims=True) for power in range(3))
        a, c = a + 0.02, c + 0.1
        up = rest.sum(-1, keepdims=True) - 0.02 * constant
        along = (rest * x).sum(-1, keepdims=True) - 0.1 * slope
        determinant = a * c - b * b
        first = np.clip((c * up - b * along) / determinant, -3, 3)
        second = np.clip((a * along - b * up) / determinant, -3, 3)
        constant, slope = constant + first, slope + second
        if max(np.abs(first).max(initial=0), np.abs(second).max(initial=0)) < 1e-9:
            break
    return constant, slope


def expected(n_jobs: np.ndarray, n: np.ndarray, n_right: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    """Give the accuracy to expect in each stratum, along the last axis.

    By its own labels, and a little of all together; where it has a score, of a logistic curve over the scores instead.
    """
    base = np.broadcast_to((n_right.sum(-1, keepdims=True) + 0.5) / (n.sum(-1, keepdims=True) + 1), n.shape)
    if score is None:
        return np.asarray((n_right + PRIOR_LABELS * base) / (n + PRIOR_LABELS))
    has = ~np.isnan(score)
    jobs, known = np.where(has, n_jobs, 0), np.where(has, score, 0.0)
    total = np.maximum(jobs.sum(-1, keepdims=True), 1e-9)
    apart = known - (jobs * known).sum(-1, keepdims=True) / total
    spread = np.sqrt((jobs * apart**2).sum(-1, keepdims=True) / total)
    with_curve = has & (spread > 1e-9) & ((n * has).sum(-1, keepdims=True) > 0)
    x = np.where(has, apart / np.maximum(spread, 1e-9), 0.0)
    constant, slope = logistic(x, n * has, n_right * has)
    base = np.where(with_curve, special.expit(constant + slope * x), base)
    prior = np.where(with_curve, CURVE_LABELS, PRIOR_LABELS)
    return np.asarray((n_right + prior * base) / (n + prior))


def interval(
    n_jobs: np.ndarray, n: np.ndarray, n_right: np.ndarray, level: float | np.ndarray, score: np.ndarray | None = None
) -> Interval:
    """Give the stratified estimate of a rate, and the ends of its score interval, as :func:`intervals` finds them."""
    estimate, lower, upper = intervals(n_jobs, n, n_right, level, score)
    return float(estimate), float(lower), float(upper)


def intervals(
    n_jobs: np.ndarray, n: np.ndarray, n_right: np.ndarray, level: float | np.ndarray, score: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give stratified estimates of rates, and the ends of their score intervals.

    The estimate is Σ W n_right / n, where W is a stratum's share of the jobs. An end is the rate at which the estimate
    would be just as far off as its standard error times the normal quantile, and half a step, since it takes steps:
    the largest step, or with scores the mean step, by variance, since unequal steps add up to small ones. The standard
    error is that of a finite population at that very rate: the accuracy expected of every stratum's jobs without a
    label is moved by the same number of logits until they make the rate up, together with the labels, which stay what
    they are. With one stratum and many jobs this is the interval of Wilson (1927) with correction for continuity
    (Blyth & Still 1983).

    Parameters
    ----------
    n_jobs, n, n_right : array
        Of each stratum, along the last axis: its jobs, those with a label, and those whose answer is right. Each n must
        be 1 or more, unless there are no jobs.
    level : float or array
        Confidence level.
    score : array, optional
        Of each stratum: its score, if confidences are to tell what accuracy to expect.
    """
    n_jobs, n, n_right = (np.asarray(one, np.float64) for one in np.broadcast_arrays(n_jobs, n, n_right))
    share, n = n_jobs / n_jobs.sum(-1, keepdims=True), np.where(n_jobs > 0, n, 1.0)
    seen, rate_seen = np.minimum(n / np.maximum(n_jobs, 1), 1), n_right / n
    left = np.clip((n_jobs - n) / np.maximum(n_jobs - 1, 1), 0, 1)
    estimate = (share * rate_seen).sum(-1)
    steps = share / n * (left > 0)
    largest = steps.max(-1)
    logits = special.logit(expected(n_jobs, np.where(n_jobs > 0, n, 0), n_right, score))
    z = special.ndtri((1 + np.asarray(level)) / 2)
    weight = share**2 * left / n
    sign = np.array([-1.0, 1.0]).reshape(2, *(1,) * estimate.ndim)  # both ends at once
    low, high = np.full((2, *estimate.shape), -30.0), np.full((2, *estimate.shape), 30.0)
    for _ in range(32):
        middle = (low + high) / 2
        rate = seen * rate_seen + (1 - seen) * special.expit(logits + middle[..., None])
        variance = weight * rate * (1 - rate)
        total = np.maximum(variance.sum(-1), 1e-300)
        step = largest if score is None else (steps * variance).sum(-1) / total
        is_beyond = sign * ((share * rate).sum(-1) - estimate) > step / 2 + z * np.sqrt(total)
        is_high = is_beyond == (sign > 0)
        low, high = np.where(is_high, low, middle), np.where(is_high, middle, high)
    rate = seen * rate_seen + (1 - seen) * special.expit(logits + ((low + high) / 2)[..., None])
    lower, upper = (share * rate).sum(-1)
    lower = np.where(estimate - largest / 2 <= 0, 0.0, np.minimum(lower, estimate))
    upper = np.where(estimate + largest / 2 >= 1, 1.0, np.maximum(upper, estimate))
    some_left = (left > 0).any(-1)
    return estimate, np.where(some_left, lower, estimate), np.where(some_left, upper, estimate)


def audited(
    n_jobs: np.ndarray, n: np.ndarray, n_right: np.ndarray, assurance: float, score: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give the estimates of audits by plan, the ends of their intervals, and which of these are by counting alone.

    Few labels that lie nearly in proportion to the jobs, as those of a small pilot do, are like labels drawn at random,
    or less spread out (Hoeffding 1956): their exact interval is given, unless that by strata is clearly narrower.
    """
    n_all = n.sum(-1)
    estimate, lower, upper = intervals(n_jobs, n, n_right, guarded(n, assurance), score)
    exact = clopper_pearson(np.clip(n_all * estimate, 0, n_all), n_all, assurance)
    share = n_jobs / n_jobs.sum(-1, keepdims=True)
    uneven = n_all * (share**2 / np.where(share > 0, n, 1)).sum(-1)
    counted = (n_all < FEWEST_FOR_MODEL) & (uneven < MOST_UNEVEN) & (upper - lower > GAIN * (exact[1] - exact[0]))
    return estimate, np.where(counted, exact[0], lower), np.where(counted, exact[1], upper), counted


def merged(
    n_jobs: np.ndarray, n: np.ndarray, n_right: np.ndarray, score: np.ndarray | None = None, least: int = 1
) -> Counts:
    """Join each stratum that has fewer than ``least`` labels with the one before it, or after it; scores, too."""
    has = np.zeros(len(n_jobs)) if score is None else n_jobs * ~np.isnan(score)
    summed = has if score is None else has * np.nan_to_num(score)
    parts = np.array([n_jobs, n, n_right, has, summed], np.float64).T.tolist()
    place = 0
    while place < len(parts):
        if parts[place][1] >= min(least, parts[place][0]) or len(parts) == 1:
            place += 1
            continue
        other = place - 1 if place else 1
        parts[other] = [a + b for a, b in zip(parts[other], parts[place], strict=True)]
        del parts[place]
        place = max(0, place - 1)
    together = np.array(parts, np.float64)
    has = together[:, 3]
    mean = np.divide(together[:, 4], has, out=np.full(len(has), np.nan), where=has > 0)
    return together[:, 0], together[:, 1], together[:, 2], None if score is None else mean


def guarded(n: np.ndarray, assurance: float) -> np.ndarray:
    """Give the level of an interval that holds as assured, by how many labels there are of strata, the last axis."""
    kept = np.minimum(GUARD_OF_NONE + n.sum(-1) / GUARD_LABELS, GUARD)
    return np.asarray(1 - kept * (1 - assurance))


def doubted(expected: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Give the standard deviation of answers by which labels are to be shared out: as expected, with some doubt."""
    weight = n + CURVE_LABELS
    rate = (expected * weight + 0.5 * DOUBT_LABELS) / (weight + DOUBT_LABELS)
    return np.asarray(np.sqrt(rate * (1 - rate)))
