"""What the jobs cost, and what an accepted answer costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ..exceptions import ArgumentError
from . import _arguments, _counts
from ._counted import counted
from .over_time import weeks
from .pages import scope_labels

#: What ``by`` may be beside a column of jobs.
_MADE = ("week", "page_scope")
_OWN = (
    *("n", "n_missing", "total", "parse_total", "mean", "mean_lower", "mean_upper", "threshold", "n_accepted"),
    *("per_accepted", "per_accepted_lower", "per_accepted_upper", "coverage", "credits", "accepted", "part", "count"),
)
_LEVEL = 0.95


def costs(jobs: pd.DataFrame, *, by: str | None = None, threshold: float = 0.0) -> pd.DataFrame:
    """How many credits do the jobs cost, and how many does each accepted answer?

    A job whose usage didn't come along costs an unknown number of credits, not 0: it is counted, and left out of all
    else. Every job with usage counts, whatever became of it: accepted answers bear the cost of the others.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``confidence``, ``credits``, ``parse_credits``.
        Usage comes with a job only where it was asked for.
    by : str, optional
        A column of jobs (``"type"``, ``"rule_set"``), ``"week"`` (of creation, from Monday, in UTC; reads
        ``created_at``) or ``"page_scope"`` (as in `pages_in_scope`): a row for each value that occurs, missing last.
    threshold : float
        Answers with at least this confidence, 0 to 1, are accepted; only those where a rule matched.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype; ``week``: datetime64[us, UTC], its start; ``page_scope``: category;
        * ``n`` (int64, jobs): jobs with usage; ``n_missing`` (int64, jobs): those without;
        * ``total`` (float64, credits): of the n jobs; ``parse_total`` (float64, credits): the part of it billed for
          parsing, as far as jobs state it;
        * ``mean`` (float64, credits per job): total / n; ``mean_lower``, ``mean_upper``: Student's interval of the
          mean (1908), level 95 %: with few jobs of very unequal cost it is too narrow; missing where n is below 2;
        * ``threshold`` (float64, 0 to 1): as asked;
        * ``n_accepted`` (int64, jobs): accepted answers among the n jobs;
        * ``per_accepted`` (float64, credits per answer): total / n_accepted; missing where none is accepted;
          ``per_accepted_lower``, ``per_accepted_upper``: Fieller's interval of this ratio of two means (1954), level
          95 %; the upper end is infinite where so few are accepted that there may be next to none; both missing where
          n is below 2 or none is accepted.

        No jobs: one row with n = 0, totals 0 and the rest missing (with ``by``, no rows). One: no intervals.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    The service bills the parsing that a classification runs on: ``parse_credits`` is a part of ``credits``, not beside
    it, and a job on a parse job made before costs 0.

    E. C. Fieller, "Some problems in interval estimation", JRSS B 16 (1954) 175-185, for the pairs (credits, accepted)
    of the jobs. Sums run over sorted distinct values, so that the order of the jobs changes no digit.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed", "matched"],
    ...     "confidence": [0.95, 0.60, 0.40, None, 0.9],
    ...     "credits": [3.0, 3.0, 6.0, 1.0, None],
    ...     "parse_credits": [3.0, 3.0, 6.0, None, None],
    ... })
    >>> costs(jobs, threshold=0.9)[["n", "n_missing", "total", "mean", "n_accepted", "per_accepted"]]
       n  n_missing  total  mean  n_accepted  per_accepted
    0  4          1   13.0  3.25           1          13.0
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise ArgumentError(f"threshold is {threshold!r}; it must be a confidence, a number from 0 to 1")
    return _finish(_partial(jobs, by, float(threshold)), by, float(threshold))


def cost_curve(jobs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """How does the cost of an accepted answer rise with the threshold?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``confidence`` and ``credits``; only jobs with usage
        count.
    by : str, optional
        As in `costs`.

    Returns
    -------
    DataFrame
        For each group with accepted answers, a row for each distinct confidence of an answer where a rule matched (ties
        are never split), from high to low. Where more than 20,000 differ, they are taken to four decimals.

        * the column ``by``, if given: as in `costs`;
        * ``threshold`` (float64, 0 to 1): answers at least so confident are accepted;
        * ``n_accepted`` (int64, jobs): how many there are; ``n`` (int64, jobs): all jobs with usage, of any outcome;
        * ``coverage`` (float64, 0 to 1): n_accepted / n;
        * ``total`` (float64, credits): of the n jobs, accepted or not: they are paid for alike;
        * ``per_accepted`` (float64, credits per answer): total / n_accepted.

        No jobs, or none with usage and an accepted answer: no rows. One: one row.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed", "matched"],
    ...     "confidence": [0.95, 0.60, 0.40, None, 0.9],
    ...     "credits": [3.0, 3.0, 6.0, 1.0, None],
    ... })
    >>> cost_curve(jobs)[["threshold", "n_accepted", "n", "total", "per_accepted"]]
       threshold  n_accepted  n  total  per_accepted
    0       0.95           1  4   13.0          13.0
    1       0.60           2  4   13.0           6.5
    """
    spent, cells = _partial_curve(jobs, by)
    return _finish_curve(spent, cells, by)


def _merge_curve(parts: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    spent, cells = zip(*parts, strict=True)
    return _counts.merge(spent), _counts.merge_confidences(cells, "threshold")


@counted(_merge_curve)
def _partial_curve(jobs: pd.DataFrame, by: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count jobs with usage by group and credits, and those of them that may be accepted by group and confidence."""
    keys = _keys(jobs, by)
    confidence = _accepted(jobs)
    known = keys["credits"].notna().to_numpy()
    spent = _counts.tally(keys[known])
    acceptable = known & (confidence >= 0)
    curve = keys.drop(columns="credits").assign(threshold=confidence)[acceptable]
    return spent, _counts.tally_confidences(curve, "threshold")


def _keys(jobs: pd.DataFrame, by: str | None, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Give the columns ``by`` and ``credits`` as they are counted by, with a plain index."""
    made = by in _MADE and isinstance(jobs, pd.DataFrame) and by not in jobs.columns
    _arguments.need_columns(jobs, "outcome", "confidence", "credits", *more)
    if not made:
        _arguments.need_by(jobs, by, _OWN)
    keys = {}
    if by is not None:
        values = jobs[by] if not made else weeks(jobs) if by == "week" else scope_labels(jobs)
        keys[by] = values.array
    return pd.DataFrame({**keys, "credits": _credits(jobs, "credits")}, index=pd.RangeIndex(len(jobs)))


def _credits(jobs: pd.DataFrame, column: str) -> np.ndarray:
    try:
        value = jobs[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"jobs: the column {column!r} must hold numbers of credits") from error
    if np.isinf(value).any():
        raise ArgumentError(f"jobs: {column} is infinite in a row; set it to missing, or leave the row out")
    # -0.0 is 0.0: one value.
    return value + 0.0


def _accepted(jobs: pd.DataFrame) -> np.ndarray:
    """Give the confidence of the answers where a rule matched; -1 for all other jobs."""
    matched = _arguments.has_outcome(jobs, ("matched",))
    answered, confidence = _arguments.answered_confidence(jobs)
    stated = np.full(len(jobs), -1.0)
    stated[answered] = confidence
    return np.where(matched, stated, -1.0)


@counted()
def _partial(jobs: pd.DataFrame, by: str | None, threshold: float) -> pd.DataFrame:
    """Count jobs by group, whether accepted, and credits: the distinct values are kept, so that sums stay exact."""
    keys = _keys(jobs, by, ("parse_credits",))
    accepted = _accepted(jobs) >= threshold
    parse = _credits(jobs, "parse_credits")
    whole = _counts.tally(keys.assign(accepted=accepted))
    part = _counts.tally(keys.assign(accepted=accepted, credits=parse)[keys["credits"].notna() & ~np.isnan(parse)])
    return _counts.merge([whole.assign(part="credits"), part.assign(part="parse")])


def _finish(cells: pd.DataFrame, by: str | None, threshold: float) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    size, count = len(groups), cells["count"].to_numpy()
    value = cells["credits"].to_numpy()
    whole = (cells["part"] == "credits").to_numpy()
    known = whole & ~np.isnan(value)
    accepted = cells["accepted"].to_numpy(dtype=bool)
    # Every sum is over the cells, whose order is that of their values.
    total = _sums(number, value * count, known, size)
    table = groups.copy()
    table["n"] = n = _sums(number, count, known, size).astype(np.int64)
    table["n_missing"] = _sums(number, count, whole & ~known, size).astype(np.int64)
    table["total"] = total
    table["parse_total"] = _sums(number, value * count, ~whole & ~np.isnan(value), size)
    table["mean"] = mean = _counts.share(total, n)
    n_accepted = _sums(number, count, known & accepted, size).astype(np.int64)
    rate = _counts.share(n_accepted, n)
    from_mean = np.where(known, value - mean[number], 0.0)
    spread = _sums(number, count * from_mean**2, known, size)
    joint = _sums(number, count * from_mean * (accepted - rate[number]), known, size)
    half = _student(n) * np.sqrt(_per(spread, n))
    table["mean_lower"], table["mean_upper"] = mean - half, mean + half
    table["threshold"] = threshold
    table["n_accepted"] = n_accepted
    table["per_accepted"] = _counts.share(total, n_accepted)
    ends = _fieller(mean, rate, _per(spread, n), _per(n * rate * (1 - rate), n), _per(joint, n), _student(n))
    table["per_accepted_lower"], table["per_accepted_upper"] = ends
    return table


def _sums(number: np.ndarray, value: np.ndarray, use: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(number[use], value[use], minlength=size).astype(np.float64)


def _per(squares: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Turn sums of squares (or products) about the means into variances of the means."""
    return np.where(n > 1, squares / np.maximum(n * (n - 1.0), 1), np.nan)


def _student(n: np.ndarray) -> np.ndarray:
    return np.where(n > 1, special.stdtrit(np.maximum(n - 1, 1), (1 + _LEVEL) / 2), np.nan)


def _fieller(
    x: np.ndarray, y: np.ndarray, var_x: np.ndarray, var_y: np.ndarray, joint: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the ratios r = x / y for which x - r y lies within t standard errors of 0; y is above 0 or missing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a = y**2 - t**2 * var_y
        b = x * y - t**2 * joint
        c = x**2 - t**2 * var_x
        root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
        ends = np.sort([(b - root) / a, (b + root) / a], axis=0)
        # Where a is not above 0, next to no accepted answers can't be ruled out: the ratios that hold have no upper
        # end, and begin at the greater root, or anywhere if there is none below the ratio seen.
        begins = np.where((b**2 > a * c) & (ends[1] <= x / y), ends[1], 0.0)
    known = (y > 0) & ~np.isnan(t)
    lower, upper = np.where(a > 0, ends[0], begins), np.where(a > 0, ends[1], np.inf)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def _finish_curve(spent: pd.DataFrame, cells: pd.DataFrame, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(spent, by)
    count = spent["count"].to_numpy()
    totals = np.bincount(number, spent["credits"].to_numpy() * count, minlength=len(groups))
    n = np.bincount(number, count, minlength=len(groups)).astype(np.int64)
    # A group of the curve is a group of those that spent: both are in one order.
    spending = np.zeros(len(cells), np.int64) if by is None else _places(cells[by], groups[by])
    order = np.lexsort((-cells["threshold"].to_numpy(), spending))
    cells, spending = cells.iloc[order], spending[order]
    so_far = np.cumsum(cells["count"].to_numpy())
    first = np.searchsorted(spending, np.arange(len(groups)))
    before = np.append(0, so_far)[first][spending]
    table = pd.DataFrame({} if by is None else {by: cells[by].array}, index=pd.RangeIndex(len(cells)))
    table["threshold"] = cells["threshold"].to_numpy()
    table["n_accepted"] = (so_far - before).astype(np.int64)
    table["n"] = n[spending]
    table["coverage"] = _counts.share(table["n_accepted"].to_numpy(), n[spending])
    table["total"] = totals[spending].astype(np.float64)
    table["per_accepted"] = table["total"] / table["n_accepted"]
    return table


def _places(values: pd.Series, among: pd.Series) -> np.ndarray:
    """Give the place of each value among distinct values that hold it; missing is a value."""
    both: Any = pd.concat([among, values], ignore_index=True)
    codes, n, _ = _counts.encode(both)
    codes = np.where(codes < 0, n, codes)
    place = np.zeros(n + 1, np.int64)
    place[codes[: len(among)]] = np.arange(len(among))
    return np.asarray(place[codes[len(among) :]])
