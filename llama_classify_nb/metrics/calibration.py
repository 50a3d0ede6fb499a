"""Whether stated confidences are what they say: bins against labels, scores, and risk against coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import _arguments, _counts, _groups, _labelled
from ._confidence_bins import binned, check, gaps_of
from .intervals import clopper_pearson

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
    check(kind, bins, closed)
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    groups = _groups.of(jobs, by).take(found.row[use])
    names = ("lower", "upper", "n", "n_right", "confidence")
    parts = [binned(confidence[part], right[part], kind, bins, closed, with_zero) for part in groups.rows()]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in parts] or [np.empty(0)]) for name in names
    }
    n, n_right = columns["n"].astype(np.int64), columns["n_right"].astype(np.int64)
    columns["accuracy"] = _counts.share(n_right, n)
    columns["accuracy_lower"], columns["accuracy_upper"] = clopper_pearson(n_right, n, level)
    if by is not None:
        columns[by] = [value for value, one in zip(groups.keys, parts, strict=True) for _ in one.n]
    rates = dict.fromkeys(("confidence", "accuracy", "accuracy_lower", "accuracy_upper"), "float64")
    dtypes = {"lower": "float64", "upper": "float64", "n": "int64", "n_right": "int64", **rates}
    return _groups.framed(jobs, by, columns, dtypes)


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
    check("equal_width", bins, closed)
    check("equal_mass", mass_bins, closed)
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    groups = _groups.of(jobs, by).take(found.row[use])
    rows = []
    for value, part in zip(groups.keys, groups.rows(), strict=True):
        c, r = confidence[part], right[part]
        cells = {} if by is None else {by: value}
        gaps = gaps_of(binned(c, r, "equal_width", bins, closed, with_zero))
        row: dict[str, Any] = {**cells, "n": len(c), "ece": _weighted(gaps, len(c))}
        of_mass = binned(c, r, "equal_mass", mass_bins, closed, with_zero)
        row["ece_equal_mass"] = _weighted(gaps_of(of_mass), len(c))
        row["mce"] = max((gap for _, gap in gaps), default=np.nan)
        given = np.clip(np.where(r, c, 1 - c), _SMALL, 1 - _SMALL)
        means = {"accuracy": r, "confidence": c, "brier": (c - r) ** 2, "log_loss": -np.log(given)}
        row |= {name: float(values.mean()) if len(c) else np.nan for name, values in means.items()}
        rows.append(row | {"auroc": auroc(c, r), "separation": separation(c, r)})
    names = ("accuracy", "confidence", "ece", "ece_equal_mass", "mce", "brier", "log_loss", "auroc", "separation")
    return _groups.table(jobs, by, rows, {"n": "int64", **dict.fromkeys(names, "float64")})


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
    groups = _groups.of(jobs, by).take(found.row[use])
    parts = [accepted(confidence[part], right[part]) for part in groups.rows()]
    columns: dict[str, Any] = {
        name: np.concatenate([part[place] for part in parts] or [np.empty(0)])
        for place, name in enumerate(("threshold", "n", "n_wrong"))
    }
    sizes = [len(part[0]) for part in parts]
    n, n_wrong = columns["n"].astype(np.int64), columns["n_wrong"].astype(np.int64)
    n_all = np.repeat(np.bincount(groups.code, minlength=len(parts)), sizes)
    columns |= {"coverage": _counts.share(n, n_all), "risk": _counts.share(n_wrong, n)}
    columns["risk_lower"], columns["risk_upper"] = clopper_pearson(n_wrong, n, level)
    if by is not None:
        columns[by] = [value for value, size in zip(groups.keys, sizes, strict=True) for _ in range(size)]
    rates = dict.fromkeys(("coverage", "risk", "risk_lower", "risk_upper"), "float64")
    return _groups.framed(jobs, by, columns, {"threshold": "float64", "n": "int64", "n_wrong": "int64", **rates})


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
    from scipy import stats  # half a second to load, which few questions need

    ranks = stats.rankdata(confidence)[right].sum()
    return float((ranks - n_right * (n_right + 1) / 2) / (n_right * n_wrong))


def separation(confidence: np.ndarray, right: np.ndarray) -> float:
    """Give the mean confidence of right answers less that of wrong ones."""
    if right.all() or not right.any():
        return float("nan")
    return float(confidence[right].mean() - confidence[~right].mean())


def _weighted(gaps: list[tuple[int, float]], n: int) -> float:
    return sum(count * gap for count, gap in gaps) / n if n else float("nan")
