"""Whether stated confidences are what they say: bins against labels, scores, and risk against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ..exceptions import ArgumentError
from . import _arguments, _labelled
from .intervals import clopper_pearson

#: How bins are cut: all alike wide, all with as many jobs, or one for each confidence that occurs.
BINS = ("equal_width", "equal_mass", "atoms")
CLOSED = ("right", "left")
_OWN = ("bin", "lower", "upper", "n", "n_right", "confidence", "accuracy")
_SMALL = float(np.finfo(np.float64).eps)  # as scikit-learn clips a probability before its logarithm


def calibration_curve(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    kind: str = "equal_width",
    bins: int | Sequence[float] | np.ndarray = 10,
    closed: str = "right",
    with_zero: bool = True,
    no_match: bool = True,
    level: float = 0.95,
) -> pd.DataFrame:
    """Are answers right as often as their confidence says?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As in :func:`accuracy`; ``jobs`` with ``confidence``, too.
    kind : {"equal_width", "equal_mass", "atoms"}
        How to cut: the unit interval into parts alike; at the quantiles of the confidences (linear, NumPy's default),
        where ties stay together; or a bin for each confidence that occurs.
    bins : int or sequence of float
        How many bins; of no use with atoms. Of equal width, it may be their edges instead, from 0 or less to 1 or more.
        The edges of 10 bins are 0.1, 0.2, 0.3 as written; ``np.linspace(0, 1, 11)`` has 0.30000000000000004.
    closed : {"right", "left"}
        Which edge belongs to a bin: (lower, upper], as scikit-learn and most papers have it, or [lower, upper), where
        the last bin holds its upper edge, too. Stated confidences often are edges, so it matters. netcal is met with
        ``closed="left", bins=np.linspace(0, 1, 11)``; torchmetrics with the same edges
        and one more, 1.1: it has a bin of its own for 1.0.
    with_zero : bool
        Whether, closed right, the first bin holds 0, too. If not, a confidence of 0 is in no bin.
    no_match : bool
        Whether to count jobs where no rule matched, whose confidence is that of there being no match.

    Returns
    -------
    DataFrame
        For each group, a row for each bin that holds a job, from low to high.

        * the column ``by``, if given: its dtype;
        * ``lower``, ``upper`` (float64, 0 to 1): edges of the bin; of an atom both are its confidence;
        * ``n`` (int64, jobs): labelled jobs with a confidence in the bin;
        * ``n_right`` (int64, jobs): those whose answer is right;
        * ``confidence`` (float64, 0 to 1): their mean confidence;
        * ``accuracy`` (float64, 0 to 1): n_right / n; ``accuracy_lower``, ``accuracy_upper``: exact (Clopper & Pearson
          1934).

        No jobs, or no labels: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.9, 1.0]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "letter", "memo"]})
    >>> calibration_curve(jobs, labels)[["lower", "upper", "n", "confidence", "accuracy"]]
       lower  upper  n  confidence  accuracy
    0    0.8    0.9  2         0.9       0.5
    1    0.9    1.0  1         1.0       1.0
    """
    _arguments.need_columns(jobs)
    _arguments.need_by(jobs, by, _OWN)
    _check(kind, bins, closed)
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    rows = []
    for cells, part in _labelled.groups(found, use, by, jobs):
        for lower, upper, inside in _binned(confidence[part], kind, bins, closed, with_zero):
            n, n_right = int(inside.sum()), int(right[part][inside].sum())
            ends = clopper_pearson(n_right, n, level)
            row = {**cells, "lower": lower, "upper": upper, "n": n, "n_right": n_right}
            row |= {"confidence": confidence[part][inside].mean(), "accuracy": n_right / n}
            rows.append(row | {"accuracy_lower": float(ends[0]), "accuracy_upper": float(ends[1])})
    rates = dict.fromkeys(("confidence", "accuracy", "accuracy_lower", "accuracy_upper"), "float64")
    dtypes = {"lower": "float64", "upper": "float64", "n": "int64", "n_right": "int64", **rates}
    return _labelled.table(jobs, by, rows, dtypes)


def calibration_scores(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    bins: int | Sequence[float] | np.ndarray = 10,
    mass_bins: int = 15,
    closed: str = "right",
    with_zero: bool = True,
    no_match: bool = True,
) -> pd.DataFrame:
    """How far are stated confidences off, and do they tell right answers from wrong ones?

    Parameters
    ----------
    jobs, labels, rules, by, closed, with_zero, no_match
        As in :func:`calibration_curve`.
    bins : int or sequence of float
        How many bins of equal width, or their edges, as in :func:`calibration_curve`.
    mass_bins : int
        How many bins of equal mass.

    Returns
    -------
    DataFrame
        One row, or one for each group; missing where it is not defined, as for no jobs.

        * the column ``by``, if given: its dtype;
        * ``n`` (int64, jobs): labelled jobs with a confidence;
        * ``accuracy``, ``confidence`` (float64, 0 to 1): shares of right answers, and mean confidence;
        * ``ece`` (float64, 0 to 1): expected calibration error over bins of equal width, the mean of |accuracy -
          confidence| weighted by jobs (Naeini, Cooper, Hauskrecht 2015; Guo et al. 2017, eq. 3);
        * ``ece_equal_mass`` (float64, 0 to 1): the same over bins of equal mass, ties kept together;
        * ``mce`` (float64, 0 to 1): the greatest |accuracy - confidence| of a bin of equal width (Guo et al. 2017, eq.
          5);
        * ``brier`` (float64, 0 to 1): mean of (confidence - right)² (Brier 1950, for the one event that the answer is
          right);
        * ``log_loss`` (float64, nats): mean of -log of what was given to what happened, clipped at 2.2e-16, as in
          scikit-learn;
        * ``auroc`` (float64, 0 to 1): chance that a right answer is more confident than a wrong one, ties counting half
          (Mann-Whitney); missing if all are right or all are wrong;
        * ``separation`` (float64, -1 to 1): mean confidence of right answers less that of wrong ones; missing likewise.

        The estimates of calibration errors are biased upwards where bins hold few jobs.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.8, 1.0]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "letter", "memo"]})
    >>> calibration_scores(jobs, labels)[["n", "ece", "brier", "auroc", "separation"]].round(3)
       n  ece  brier  auroc  separation
    0  3  0.3  0.217    1.0        0.15
    """
    _arguments.need_columns(jobs)
    _arguments.need_by(jobs, by, (*_OWN, "ece", "ece_equal_mass", "mce", "brier", "log_loss", "auroc", "separation"))
    _check("equal_width", bins, closed)
    _check("equal_mass", mass_bins, closed)
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    rows = []
    for cells, part in _labelled.groups(found, use, by, jobs):
        c, r = confidence[part], right[part]
        gaps = _gaps(c, r, "equal_width", bins, closed, with_zero)
        row: dict[str, Any] = {**cells, "n": len(c), "ece": _weighted(gaps, len(c))}
        row["ece_equal_mass"] = _weighted(_gaps(c, r, "equal_mass", mass_bins, closed, with_zero), len(c))
        row["mce"] = max((gap for _, gap in gaps), default=np.nan)
        given = np.clip(np.where(r, c, 1 - c), _SMALL, 1 - _SMALL)
        means = {"accuracy": r, "confidence": c, "brier": (c - r) ** 2, "log_loss": -np.log(given)}
        row |= {name: float(values.mean()) if len(c) else np.nan for name, values in means.items()}
        rows.append(row | {"auroc": auroc(c, r), "separation": separation(c, r)})
    names = ("accuracy", "confidence", "ece", "ece_equal_mass", "mce", "brier", "log_loss", "auroc", "separation")
    return _labelled.table(jobs, by, rows, {"n": "int64", **dict.fromkeys(names, "float64")})


def risk_coverage_curve(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    no_match: bool = False,
    level: float = 0.95,
) -> pd.DataFrame:
    """If answers are accepted from some confidence up: how many are, and how many of these are wrong?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As in :func:`accuracy`; ``jobs`` with ``confidence``, too.
    no_match : bool
        Whether to count jobs where no rule matched as answers that can be accepted.

    Returns
    -------
    DataFrame
        For each group, a row for each confidence that a labelled job states, from high to low, so that ties are
        accepted together.

        * the column ``by``, if given: its dtype;
        * ``threshold`` (float64, 0 to 1): the least confidence that is accepted;
        * ``n`` (int64, jobs): labelled jobs accepted;
        * ``n_wrong`` (int64, jobs): those whose answer is wrong;
        * ``coverage`` (float64, 0 to 1): n of all labelled jobs with a confidence;
        * ``risk`` (float64, 0 to 1): n_wrong / n; ``risk_lower``, ``risk_upper``: exact (Clopper & Pearson 1934), for
          each threshold by itself. They certify no threshold that was chosen by looking: :func:`precision_threshold`
          does.

        No jobs, or no labels: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.8, 0.9]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "letter", "memo"]})
    >>> risk_coverage_curve(jobs, labels)[["threshold", "n", "n_wrong", "coverage", "risk"]].round(3)
       threshold  n  n_wrong  coverage   risk
    0        0.9  2        0     0.667  0.000
    1        0.8  3        1     1.000  0.333
    """
    _arguments.need_columns(jobs)
    _arguments.need_by(jobs, by, ("threshold", "n", "n_wrong", "coverage", "risk"))
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    rows = []
    for cells, part in _labelled.groups(found, use, by, jobs):
        thresholds, n, n_wrong = accepted(confidence[part], right[part])
        lower, upper = clopper_pearson(n_wrong, n, level)
        for place, threshold in enumerate(thresholds):
            row = {**cells, "threshold": threshold, "n": n[place], "n_wrong": n_wrong[place]}
            row |= {"coverage": n[place] / part.sum(), "risk": n_wrong[place] / n[place]}
            rows.append(row | {"risk_lower": lower[place], "risk_upper": upper[place]})
    rates = dict.fromkeys(("coverage", "risk", "risk_lower", "risk_upper"), "float64")
    return _labelled.table(jobs, by, rows, {"threshold": "float64", "n": "int64", "n_wrong": "int64", **rates})


def accepted(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each confidence from high to low, and how many jobs, and wrong ones, are at least as confident."""
    values, place = np.unique(-confidence, return_inverse=True)
    n = np.cumsum(np.bincount(place, minlength=len(values)))
    n_wrong = np.cumsum(np.bincount(place, ~right, minlength=len(values))).astype(np.int64)
    return -values + 0.0, n.astype(np.int64), n_wrong


def auroc(confidence: np.ndarray, right: np.ndarray) -> float:
    """Give the chance that a right answer is more confident than a wrong one; ties count half."""
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    if not n_right or not n_wrong:
        return float("nan")
    ranks = stats.rankdata(confidence)[right].sum()
    return float((ranks - n_right * (n_right + 1) / 2) / (n_right * n_wrong))


def separation(confidence: np.ndarray, right: np.ndarray) -> float:
    """Give the mean confidence of right answers less that of wrong ones."""
    if right.all() or not right.any():
        return float("nan")
    return float(confidence[right].mean() - confidence[~right].mean())


def _check(kind: Any, bins: Any, closed: Any) -> None:
    if kind not in BINS:
        raise ArgumentError(f"kind is {kind!r}; it must be one of {', '.join(BINS)}")
    if closed not in CLOSED:
        raise ArgumentError(f"closed is {closed!r}; it must be one of {', '.join(CLOSED)}")
    if isinstance(bins, int) and not isinstance(bins, bool) and bins >= 1:
        return
    if kind != "equal_width":
        raise ArgumentError(f"bins is {bins!r}; it must be a whole number, 1 or more")
    try:
        edges = np.asarray(bins, dtype=np.float64)
        good = edges.ndim == 1 and edges[0] <= 0 and edges[-1] >= 1 and bool((np.diff(edges) > 0).all())
    except (TypeError, ValueError, IndexError):
        good = False
    if not good:
        raise ArgumentError(f"bins is {bins!r}; it must be a whole number, 1 or more, or edges that rise from 0 to 1")


def _binned(
    confidence: np.ndarray, kind: str, bins: Any, closed: str, with_zero: bool
) -> list[tuple[float, float, np.ndarray]]:
    """Give lower edge, upper edge, and which jobs are inside, of each bin that holds one."""
    if not len(confidence):
        return []
    if kind == "atoms":
        return [(value, value, confidence == value) for value in np.unique(confidence)]
    if kind == "equal_width":
        edges = np.arange(bins + 1) / bins if isinstance(bins, int) else np.asarray(bins, dtype=np.float64)
    else:
        edges = np.percentile(confidence, np.linspace(0, 1, bins + 1) * 100)  # as scikit-learn, to the last digit
    n_bins = len(edges) - 1
    if kind == "equal_mass":  # edges that coincide bound no bin, but for the lowest or the highest confidence
        place = np.searchsorted(edges[1:-1], confidence, side="left" if closed == "right" else "right")
    else:
        place = np.searchsorted(edges, confidence, side="left" if closed == "right" else "right") - 1
        place = np.minimum(place, n_bins - 1) if closed == "left" else np.maximum(place, 0 if with_zero else -1)
    inside = [(float(edges[bin_]), float(edges[bin_ + 1]), place == bin_) for bin_ in range(n_bins)]
    return [one for one in inside if one[2].any()]


def _gaps(
    confidence: np.ndarray, right: np.ndarray, kind: str, bins: Any, closed: str, with_zero: bool
) -> list[tuple[int, float]]:
    binned = _binned(confidence, kind, bins, closed, with_zero)
    return [(int(use.sum()), abs(float(right[use].mean() - confidence[use].mean()))) for _, _, use in binned]


def _weighted(gaps: list[tuple[int, float]], n: int) -> float:
    return sum(count * gap for count, gap in gaps) / n if n else float("nan")
