"""Whom to read: how many jobs, and of which kind, so that few labels say much."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _groups, _labelled, _strata
from ._texts import some_rows

GOALS = ("accuracy", "threshold")
PILOT_SHARE, FEWEST_IN_PILOT, MOST_IN_PILOT = 1 / 5, 30, 75  # of the labels that an accuracy seems to need
THRESHOLD_PILOT, THRESHOLD_BUDGET = 60, 400
WORTHWHILE = 0.97  # a half-width that is so much narrower is worth leaving proportion for, on a pilot's word
#: How much lower than the target a pilot's guess of the precision may be, where the rest is drawn: it is tested there.
SLACK = 0.01
_OWN = (
    "stratum",
    "outcome",
    "confidence_from",
    "confidence_to",
    "n_jobs",
    "n",
    "n_labelled",
    "n_to_draw",
    "half_width",
)


def audit_plan(
    jobs: pd.DataFrame,
    *,
    goal: str = "accuracy",
    margin: float = 0.03,
    assurance: float = 0.95,
    target: float = 0.95,
    pilot: pd.DataFrame | None = None,
    budget: int | None = None,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
) -> pd.DataFrame:
    """Who should be read, so that the accuracy is known, or a threshold found, with the fewest labels?

    Without a pilot the plan is for one: its labels, fed back as ``pilot``, decide where the others go.

    Parameters
    ----------
    jobs : DataFrame
        All jobs that the audit is to hold for. Reads ``job_id``, ``outcome``, ``type``, ``confidence``.
    goal : {"accuracy", "threshold"}
        Whether :func:`accuracy_estimate` is to know the accuracy of all jobs, or :func:`precision_threshold` to find
        a threshold.
    margin : float
        For accuracy: half of the interval's width, as a share (0.03 is ± 3 percentage points).
    assurance : float
        Probability that the interval, or the threshold's promise, holds.
    target : float
        For a threshold: share of accepted answers that should be right.
    pilot : DataFrame, optional
        Labels so far, as in :func:`accuracy`, drawn by a plan without a pilot, or at random.
    budget : int, optional
        Most labels in all, the pilot's among them. For a threshold, 400 by default.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`.
    by : str, optional
        For accuracy: a column of jobs to cut by, besides outcome and confidence, such as ``configuration_id`` or
        ``type``.

    Returns
    -------
    DataFrame
        A row for each stratum, then, for accuracy, one for all.

        * ``stratum`` (str): its number, from "1"; "all";
        * the column ``by``, if given: its dtype;
        * ``outcome`` (category), ``confidence_from``, ``confidence_to`` (float64): which jobs, both ends included;
          missing: any;
        * ``n_jobs`` (int64, jobs): how many there are;
        * ``expected_accuracy`` (float64): by the pilot, and without one, halfway from the mean confidence to 0.75;
        * ``n_labelled`` (int64, jobs): labels so far; ``n_to_draw`` (int64): to be drawn now;
        * ``n`` (int64): labels in the end, by what is known now;
        * ``inclusion_probability`` (float64): of a job to be among the labels after this draw;
        * ``half_width`` (float64, 0 to 1): expected half of the interval's width with n labels, of the stratum's
          accuracy and in the last row of that of all jobs; missing for a threshold;
        * ``n_simple_random`` (Int64): in the last row, the labels that a simple random sample would need for the same
          half-width; missing elsewhere.

        ``plan.attrs`` holds ``goal``, ``stage`` (pilot or main), ``by``, ``margin``, ``assurance``, and the ids of the
        pilot's jobs: keep the frame as it is for :func:`draw_sample` and :func:`accuracy_estimate`.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    For accuracy: strata by confidence (of a similar sum of spreads, Dalenius & Hodges 1959); 95 % of the labels where
    answers vary (Neyman 1934), 5 % in proportion, and five in each unless they are few, or all in proportion unless
    that is 3 % wider; what to expect is by the pilot's labels and a logistic curve over the confidence, and for sharing
    out as if two labels more had been half wrong, so that a pilot that was lucky misleads little; the smallest n whose
    expected half-width is within the margin; never more than a simple random sample needs, unless the pilot was more
    already. All of it is an expectation from a small pilot: where the estimate is wider than wanted in the end, plan
    again with all labels so far as the pilot.
    For a threshold: a pilot of 60 answers at random, a logistic curve of their correctness over the logit of the
    confidence, and all other labels above where the curve promises the target less one percentage point.

    Examples
    --------
    >>> confidence = [0.5 + 0.0005 * i for i in range(1000)]
    >>> jobs = pd.DataFrame({"job_id": range(1000), "outcome": "matched", "type": "memo", "confidence": confidence})
    >>> plan = audit_plan(jobs, margin=0.05)
    >>> plan[["stratum", "confidence_from", "n_jobs", "n_to_draw", "n"]].tail(2)
      stratum  confidence_from  n_jobs  n_to_draw    n
    5       6              0.5     143          7   34
    6     all              NaN    1000         48  238
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "type", "confidence")
    _arguments.need_by(jobs, by, _OWN)
    if goal not in GOALS:
        raise ArgumentError(f"goal is {goal!r}; it must be one of {', '.join(GOALS)}")
    for name, value, usual in (("margin", margin, 0.03), ("assurance", assurance, 0.95), ("target", target, 0.95)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ArgumentError(f"{name} is {value!r}; it must be a number between 0 and 1, such as {usual}")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise ArgumentError(f"budget is {budget!r}; it must be a whole number of labels, 1 or more")
    if pilot is not None:
        _labelled.need_labels(pilot, "pilot")
    found = None if pilot is None else _labelled.match(jobs, pilot, rules, "pilot")
    if goal == "threshold":
        plan = _for_threshold(jobs, found, target, budget or THRESHOLD_BUDGET)
    else:
        plan = _for_accuracy(jobs, found, margin, assurance, budget, by)
    labelled = [] if found is None else some_rows(jobs[["job_id"]], found.row)["job_id"].tolist()
    stage = "pilot" if pilot is None else "main"
    plan.attrs.update(goal=goal, stage=stage, by=by if goal == "accuracy" else None, labelled=labelled)
    plan.attrs.update(margin=margin, assurance=assurance)
    return plan


def _for_accuracy(
    jobs: pd.DataFrame,
    found: _labelled.Labelled | None,
    margin: float,
    assurance: float,
    budget: int | None,
    by: str | None,
) -> pd.DataFrame:
    strata = _strata.cut(jobs, by)
    n_jobs = strata["n_jobs"].to_numpy()
    number = _strata.assign(jobs, strata, by)
    n, n_right = np.zeros(len(strata), np.int64), np.zeros(len(strata), np.int64)
    if found is not None:
        mine = number[found.row]
        use = found.scored & (mine >= 0)
        n = np.bincount(mine[use], minlength=len(strata))
        n_right = np.bincount(mine[use & found.right], minlength=len(strata))
    score = _strata.scores(jobs, number, strata)
    if n.sum():
        expected = _strata.expected(n_jobs, n, n_right, score)
    else:
        expected = np.clip((np.nan_to_num(special.expit(score), nan=0.75) + 0.75) / 2, 0.05, 0.95)
    aim = _Aim(n_jobs, expected, score, n, assurance)
    wanted, simple = aim.needed(margin)
    wanted = max(wanted if budget is None else min(wanted, budget), int(n.sum()))
    final, _ = aim.best(wanted)
    to_draw = final - n
    if found is None:
        size = int(np.clip(round(wanted * PILOT_SHARE), min(FEWEST_IN_PILOT, wanted), MOST_IN_PILOT))
        to_draw = _strata.allocate(size, n_jobs, np.ones(len(strata)), np.ones(len(strata)))
    return _table(jobs, strata, by, aim, to_draw, final, simple)


class _Aim(NamedTuple):
    """What is known of the strata, and how wide the interval will be if so many labels are shared out in some way."""

    n_jobs: np.ndarray
    expected: np.ndarray
    score: np.ndarray
    n: np.ndarray  # labels so far
    assurance: float

    def shared(self, n: int, spread: np.ndarray) -> np.ndarray:
        least = np.maximum(self.n, _floor(n, self.n_jobs))
        return _strata.allocate(n, self.n_jobs, spread, least if least.sum() <= n else self.n)

    def half_width(self, final: np.ndarray) -> np.ndarray:
        """Give the half width that the interval should have of all strata with labels together; NaN for none."""
        some = (final > 0).any(tuple(range(final.ndim - 1)))
        if not some.any():
            return np.full(final.shape[:-1], np.nan)
        mine, rate = final[..., some], self.expected[some]
        ends = _strata.audited(self.n_jobs[some], mine, mine * rate, self.assurance, self.score[some])
        return np.asarray((ends[2] - ends[1]) / 2)

    def of_each(self, final: np.ndarray) -> np.ndarray:
        """Give the half width that the interval of each stratum by itself should have; NaN without labels."""
        level = _strata.guarded(final, self.assurance)
        n = np.maximum(final, 1)
        n_jobs, n, n_right, score = (one[:, None] for one in (self.n_jobs, n, n * self.expected, self.score))
        _, lower, upper = _strata.intervals(n_jobs, n, n_right, level, score)
        return np.where(final > 0, (upper - lower) / 2, np.nan)

    def best(self, n: int) -> tuple[np.ndarray, float]:
        """Share n labels out in the better way: by what answers are expected to vary, or in proportion.

        Gives how many of each stratum, and the half width to expect.
        """
        ways = np.stack([self.shared(n, spread) for spread in self.spreads()])
        widths = self.half_width(np.maximum(ways, 1))
        better = 0 if widths[0] < WORTHWHILE * widths[1] else 1
        return ways[better], float(widths[better])

    def spreads(self) -> list[np.ndarray]:
        """Give what decides each way."""
        return [_strata.doubted(self.expected, self.n), np.ones(len(self.n_jobs))]

    def needed(self, margin: float) -> tuple[int, int]:
        """Give how many labels the plan needs, and how many a simple random sample."""
        n_all = int(self.n_jobs.sum())
        if not n_all:
            return 0, 0
        rate = float(self.n_jobs @ self.expected / n_all)

        def at_random(n: int) -> float:
            one = np.array([n_all]), np.array([n]), np.array([n * rate])
            _, lower, upper = _strata.interval(*one, self.assurance)
            return (upper - lower) / 2

        simple = _smallest(at_random, margin, n_all)

        return _smallest(lambda n: self.best(n)[1], margin, simple), simple


def _floor(n: int, n_jobs: np.ndarray) -> np.ndarray:
    """Give the fewest labels of each stratum: five, unless the strata are too many for that."""
    return np.asarray(np.minimum(n_jobs, min(_strata.FLOOR, n // max(1, 4 * len(n_jobs)))))


def _smallest(width: Any, margin: float, most: int) -> int:
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if width(middle) <= margin else (middle, high)
    return high


def _table(
    jobs: pd.DataFrame,
    strata: pd.DataFrame,
    by: str | None,
    aim: _Aim,
    to_draw: np.ndarray,
    final: np.ndarray,
    simple: int,
) -> pd.DataFrame:
    n_jobs, expected, n = aim.n_jobs, aim.expected, aim.n
    rows: list[dict[str, Any]] = []
    widths = aim.of_each(final)
    for place, one in enumerate(strata.to_dict("records")):
        width = widths[place]
        cells: dict[str, Any] = {
            "stratum": str(place + 1),
            **{str(name): value for name, value in one.items()},
            "expected_accuracy": expected[place],
            "n_labelled": n[place],
        }
        chance = (n[place] + to_draw[place]) / n_jobs[place]
        cells |= {"n_to_draw": to_draw[place], "n": final[place], "inclusion_probability": chance}
        rows.append({**cells, "half_width": width, "n_simple_random": pd.NA})
    n_all = int(n_jobs.sum())
    total: dict[str, Any] = {"stratum": "all", "outcome": None, "confidence_from": np.nan, "confidence_to": np.nan}
    total |= {} if by is None else {by: None}
    total |= {"n_jobs": n_all, "expected_accuracy": float(n_jobs @ expected / n_all) if n_all else np.nan}
    total |= {"n_labelled": n.sum(), "n_to_draw": to_draw.sum(), "n": final.sum(), "n_simple_random": simple}
    total |= {"inclusion_probability": (n.sum() + to_draw.sum()) / n_all if n_all else np.nan}
    total["half_width"] = float(aim.half_width(final))
    return _framed(jobs, [*rows, total], by)


def _framed(jobs: pd.DataFrame, rows: list[dict[str, Any]], by: str | None) -> pd.DataFrame:
    dtypes: dict[str, Any] = {"stratum": schema.TEXT}
    if by is not None:
        dtypes[by] = lambda values: _with_none(jobs, by, values)
    dtypes["outcome"] = lambda values: pd.Categorical(values, list(schema.OUTCOMES))
    dtypes |= {"confidence_from": "float64", "confidence_to": "float64", "n_jobs": "int64"}
    dtypes |= {"expected_accuracy": "float64", "n_labelled": "int64", "n_to_draw": "int64", "n": "int64"}
    dtypes |= {"inclusion_probability": "float64", "half_width": "float64", "n_simple_random": "Int64"}
    return _groups.table(jobs, None, rows, dtypes)


def _with_none(jobs: pd.DataFrame, by: str, values: list[Any]) -> pd.Series:
    """Make a column of ``by`` whose last value is missing, with the dtype that it has in jobs, or the like."""
    like = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(getattr(jobs[by].dtype, "kind", "O"))
    is_plain = isinstance(jobs[by].dtype, np.dtype)
    return pd.Series(values, dtype=like) if is_plain and like else _groups.column_of(jobs, by, values)


def _for_threshold(jobs: pd.DataFrame, found: _labelled.Labelled | None, target: float, budget: int) -> pd.DataFrame:
    matched = jobs[["outcome", "confidence"]][_arguments.has_outcome(jobs, ("matched",))]
    _, confidence = _arguments.answered_confidence(matched)
    start, n_labelled = 0.0, 0
    expected = np.full(len(confidence), np.nan)
    if found is not None:
        use, stated, right = _labelled.with_confidence(found, no_match=False)
        n_labelled = int(use.sum())
        if n_labelled:
            expected = _curve(stated, right, confidence)
            start = _lowest(confidence, expected, target - SLACK)
    above = confidence >= start
    n_above = int(above.sum())
    mine = 0 if found is None else int((stated >= start).sum())
    to_draw = min(n_above - mine, THRESHOLD_PILOT if found is None else max(0, budget - n_labelled), budget)
    rows: list[dict[str, Any]] = []
    for place, inside in enumerate((above, ~above)):
        if not inside.any():
            continue
        drawn, labelled = (to_draw, mine) if place == 0 else (0, n_labelled - mine)
        n_jobs = int(inside.sum())
        rows.append(
            {
                "stratum": str(place + 1),
                "outcome": "matched",
                "confidence_from": confidence[inside].min(),
                "confidence_to": confidence[inside].max(),
                "n_jobs": n_jobs,
                "expected_accuracy": expected[inside].mean(),
                "n_labelled": labelled,
                "n_to_draw": drawn,
                "n": drawn + labelled,
                "inclusion_probability": drawn / max(1, n_jobs - labelled),
                "half_width": np.nan,
                "n_simple_random": pd.NA,
            }
        )
    return _framed(jobs, rows, None)


def _curve(stated: np.ndarray, right: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Fit a logistic curve of correctness over the logit of confidence, and give it at each confidence."""
    every = _strata.logit(confidence)
    middle, scale = every.mean(), every.std() or 1.0
    x = (_strata.logit(stated) - middle) / scale
    constant, slope = _strata.logistic(x, np.ones(len(x)), right.astype(np.float64))
    return np.asarray(special.expit(constant + slope * (every - middle) / scale))


def _lowest(confidence: np.ndarray, expected: np.ndarray, precision: float) -> float:
    """Give the lowest confidence above which answers should be so precise; where none is, that of the top fifth."""
    values, place = np.unique(-confidence, return_inverse=True)
    n = np.cumsum(np.bincount(place))
    mean = np.cumsum(np.bincount(place, expected)) / n
    enough = np.flatnonzero((mean >= precision) & (n >= min(len(confidence), THRESHOLD_PILOT)))
    last = enough.max() if len(enough) else np.searchsorted(n, 0.2 * len(confidence))
    return float(-values[last])
