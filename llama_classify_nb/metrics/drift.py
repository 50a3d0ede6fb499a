"""Does the mix of types, or of confidences, change: from period to period, or between configurations?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from scipy import special

from . import _arguments, _counts, _periods, _permutation, _runs
from ._counted import counted
from ._summary import summarise

_MEANS = ("mean", "mean_lower", "mean_upper", "q25", "median", "q75")
_QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}
_SHARES = ("count", "n", "share", "share_lower", "share_upper")
_DRIFT = ("n_repeated", *_periods.TESTS, "is_change_point")
_OWN_TYPES = ("type", *_SHARES, *_DRIFT)
_OWN_CONFIDENCES = ("confidence_from", "confidence_to", *_SHARES, *_MEANS, *_DRIFT)
#: As many groups of confidence are told apart; more wouldn't show more, and would cost as much more time.
MOST_ATOMS = 32


def type_mix(jobs: pd.DataFrame, *, by: str = "created_at", freq: str = "D", level: float = 0.95) -> pd.DataFrame:
    """Which types were answered, period by period?

    Only answered jobs count: those whose outcome is matched or no_match.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type`` and ``by``.
    by : str
        A column of jobs; ``"created_at"`` is cut into periods.
    freq : {"h", "D", "W", "M"}
        Length of a period: hour, day, week (from Monday) or month, in UTC. Only for ``by="created_at"``.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    DataFrame
        For each period with answers (or value of ``by``), in order, missing last: a row for every type of the
        categories of ``jobs["type"]``, then one for no match.

        * ``period`` (datetime64[us, UTC]): start of the period; missing: jobs without a time. Or the column ``by``: its
          dtype;
        * ``type`` (category): the type; missing: no rule matched;
        * ``count`` (int64, jobs): answered jobs with this type; ``n`` (int64, jobs): all answered jobs of the period;
        * ``share`` (float64, 0 to 1): count / n;
        * ``share_lower``, ``share_upper`` (float64, 0 to 1): exact interval (Clopper & Pearson 1934) at the level that
          lets all the table's intervals hold at once, by Bonferroni's inequality (as Goodman 1965 for one mix).

        No answered jobs: no rows. One: a row for each type, of n = 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "type": pd.Categorical(["memo", "memo", "letter"]), "confidence": [0.9, 0.8, 0.9],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03", "2026-02-03"], utc=True),
    ... })
    >>> type_mix(jobs)[["period", "type", "count", "n", "share"]].dropna().query("count > 0")
                         period    type  count  n  share
    1 2026-02-02 00:00:00+00:00    memo      1  1    1.0
    3 2026-02-03 00:00:00+00:00  letter      1  2    0.5
    4 2026-02-03 00:00:00+00:00    memo      1  2    0.5
    """
    _periods.check_options(freq, level)
    return _finish_type_mix(_partial_types(jobs, by, freq), by, freq, level)


def type_drift(
    jobs: pd.DataFrame,
    *,
    by: str = "created_at",
    freq: str = "D",
    n_permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """When did the mix of types change, if it did?

    Only answered jobs count; no match is a type like any other. Jobs of several configurations differ for that reason
    alone: select one first, or ask with ``by="configuration_id"``.

    Parameters
    ----------
    jobs, by, freq
        As in :func:`type_mix`; ``file_input``, if jobs has it, tells repeated documents. Periods follow one another;
        so do the values of a column of numbers, of times, or of ordered categories.
    n_permutations : int
        How many tables are drawn by chance, 99 or more; no p-value is below 1 / (n_permutations + 1).
    seed : int
        From which they are drawn: the same gives the same p-values.
    level : float
        A change point has a p-value below 1 - level.

    Returns
    -------
    DataFrame
        A row for each period with answers (or value of ``by``), in order, missing last. Distances are total variation,
        ½ Σ |p - q|: the share of jobs that would need another type to make one mix the other.

        * ``period`` (datetime64[us, UTC]): start of the period; missing: jobs without a time, which are compared with
          nothing. Or the column ``by``: its dtype;
        * ``n`` (int64, jobs): answered jobs of the period;
        * ``n_repeated`` (Int64, jobs): those of them about a document that stands in the table more than once: they
          aren't independent of one another. Missing where jobs has no ``file_input``, or comes in many parts, whose
          documents aren't compared;
        * ``distance_before`` (float64, 0 to 1): from the period before; ``p_value_before`` (float64, 0 to 1): see
          Notes;
        * ``distance_rest`` (float64, 0 to 1): from all other periods together; ``p_value_rest`` (float64, 0 to 1): see
          Notes;
        * ``distance_split`` (float64, 0 to 1): of all periods before from this and all after;
          ``p_value_split`` (float64, 0 to 1): see Notes;
        * ``is_change_point`` (bool): the start of the period at which the mix changed: where the split is the greatest
          for its size, if its p-value is below 1 - level. There is one at most.

        Missing are ``distance_before`` and ``distance_split`` of the first period, and everywhere where values have no
        order; all, where there is one period only. No answered jobs: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    A p-value is the chance that, of *all* the comparisons in the table, any comes out so far apart for its size if
    time meant nothing: if the jobs were dealt out to the periods anew. So the chance of any p-value below 0.05 in a
    table of unchanging jobs is 5 % at most (the maximum over comparisons: Westfall & Young 1993; with the observed
    table counted in: Phipson & Smyth 2010), however many periods there are. Where the mix does change, the p-value of
    a comparison that has no part in it is judged against the mix of all periods.

    Dealing anew supposes jobs that don't depend on one another. A batch of like documents, or the same files handed in
    again (``n_repeated``), make differences that are real, but say nothing of the model: compare the same documents
    (:func:`flips`), or keep one job for each file.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "type": pd.Categorical(["memo"] * 30 + ["letter"] * 30),
    ...     "created_at": pd.to_datetime(["2026-02-02"] * 20 + ["2026-02-03"] * 20 + ["2026-02-04"] * 20, utc=True),
    ... })
    >>> type_drift(jobs)[["n", "distance_before", "p_value_before", "distance_split", "is_change_point"]].round(3)
        n  distance_before  p_value_before  distance_split  is_change_point
    0  20              NaN             NaN             NaN            False
    1  20              0.5           0.011            0.75             True
    2  20              0.5           0.011            0.75            False
    """
    _permutation.need_draws(n_permutations, seed)
    _periods.check_options(freq, level)
    cells = _partial_types(jobs, by, freq)
    number, table = _counts.by_group(cells, _periods.KEY)
    code, size = _type_codes(cells)
    counts = _counts.cross_counts(number, len(table), code, size, cells["count"]).reshape(len(table), size)
    with ThreadPoolExecutor(1) as pool:  # Arrow numbers the files while tables are drawn
        repeated = pool.submit(_periods.repeated, jobs, by, freq, len(table))
        tests = _periods.tests(counts, _permutation.TOTAL_VARIATION, _periods.order(table), n_permutations, seed, level)
    table = _periods.named(table, by, freq)
    table["n"] = counts.sum(axis=1)
    table["n_repeated"] = repeated.result()
    return table.assign(**tests)


def confidence_mix(jobs: pd.DataFrame, *, by: str = "created_at", freq: str = "D", level: float = 0.95) -> pd.DataFrame:
    """Which confidences were stated, period by period?

    Only answered jobs count: those whose outcome is matched or no_match.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``confidence`` and ``by``.
    by, freq, level
        As in :func:`type_mix`.

    Returns
    -------
    DataFrame
        For each period with answers (or value of ``by``), in order, missing last: a row for each atom, from low to
        high. An atom is a confidence that some job states; where more than 32 differ, atoms are up to 32 groups of
        them, of about equal size in all periods together. Equal values are never split; where more than 20,000
        differ, they are equal that agree in four decimals.

        * ``period`` (datetime64[us, UTC]), or the column ``by``: as in :func:`type_mix`;
        * ``confidence_from``, ``confidence_to`` (float64, 0 to 1): the least and the greatest confidence of the atom;
        * ``count`` (int64, jobs): answered jobs with it; ``n`` (int64, jobs): all answered jobs of the period;
        * ``share``, ``share_lower``, ``share_upper`` (float64, 0 to 1): as in :func:`type_mix`.

        No answered jobs: no rows. One: one row.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "confidence": [0.9, 0.8, 0.9],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03", "2026-02-03"], utc=True),
    ... })
    >>> confidence_mix(jobs)[["period", "confidence_from", "count", "n", "share"]]
                         period  confidence_from  count  n  share
    0 2026-02-02 00:00:00+00:00              0.8      0  1    0.0
    1 2026-02-02 00:00:00+00:00              0.9      1  1    1.0
    2 2026-02-03 00:00:00+00:00              0.8      1  2    0.5
    3 2026-02-03 00:00:00+00:00              0.9      1  2    0.5
    """
    _periods.check_options(freq, level)
    cells = _partial_confidences(jobs, by, freq)
    number, groups = _counts.by_group(cells, _periods.KEY)
    atom, ends, _ = _atoms(cells)
    table = _counts.crossed(_periods.named(groups, by, freq), len(ends))
    for name, column in (("confidence_from", 0), ("confidence_to", 1)):
        table[name] = np.tile(ends[:, column], len(groups))
    return _periods.with_shares(
        table, _counts.cross_counts(number, len(groups), atom, len(ends), cells["count"]), level
    )


def confidence_drift(
    jobs: pd.DataFrame,
    *,
    by: str = "created_at",
    freq: str = "D",
    n_permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """When did the stated confidences change, if they did?

    Only answered jobs count. Jobs of several configurations differ for that reason alone: select one first, or ask with
    ``by="configuration_id"``.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``confidence``, ``by``, and ``file_input`` if it is
        there.
    by, freq, n_permutations, seed
        As in :func:`type_drift`.
    level : float
        Confidence level of all intervals of the means together; a change point has a p-value below 1 - level.

    Returns
    -------
    DataFrame
        A row for each period with answers (or value of ``by``), in order, missing last. Distances are Wasserstein's, in
        units of confidence: by how much the confidences of one side must be moved, on average, to become those of
        the other; the area between the two distribution functions. Ties do no harm. They are of the atoms of
        :func:`confidence_mix`, each at its mean.

        * ``period`` (datetime64[us, UTC]), or the column ``by``: as in :func:`type_drift`;
        * ``n`` (int64, jobs), ``n_repeated`` (Int64, jobs): as in :func:`type_drift`;
        * ``mean`` (float64, 0 to 1): mean confidence; ``mean_lower``, ``mean_upper``: Student's interval (1908) at the
          level that lets all of them hold at once, by Bonferroni's inequality; missing where n is 1;
        * ``q25``, ``median``, ``q75`` (float64, 0 to 1): quantiles, by linear interpolation (type 7 of Hyndman & Fan
          1996);
        * ``distance_before``, ``p_value_before``, ``distance_rest``, ``p_value_rest``, ``distance_split``,
          ``p_value_split`` (float64, 0 to 1), ``is_change_point`` (bool): as in :func:`type_drift`, whose notes hold
          here too.

        No answered jobs: no rows. One: one row, without distances.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "confidence": [0.9, 0.95] * 10 + [0.9, 0.95] * 10 + [0.7, 0.75] * 10,
    ...     "created_at": pd.to_datetime(["2026-02-02"] * 20 + ["2026-02-03"] * 20 + ["2026-02-04"] * 20, utc=True),
    ... })
    >>> confidence_drift(jobs)[["n", "mean", "distance_before", "distance_split", "p_value_split"]].round(4)
        n   mean  distance_before  distance_split  p_value_split
    0  20  0.925              NaN             NaN            NaN
    1  20  0.925              0.0             0.1          0.002
    2  20  0.725              0.2             0.2          0.001
    """
    _permutation.need_draws(n_permutations, seed)
    _periods.check_options(freq, level)
    cells = _partial_confidences(jobs, by, freq)
    number, table = _counts.by_group(cells, _periods.KEY)
    atom, ends, values = _atoms(cells)
    counts = _counts.cross_counts(number, len(table), atom, len(ends), cells["count"]).reshape(len(table), len(ends))
    distance = _permutation.wasserstein(values)
    with ThreadPoolExecutor(1) as pool:  # Arrow numbers the files while tables are drawn
        repeated = pool.submit(_periods.repeated, jobs, by, freq, len(table))
        tests = _periods.tests(counts, distance, _periods.order(table), n_permutations, seed, level)
    means = _means(cells, number, len(table), level)
    table = _periods.named(table, by, freq)
    table["n"] = counts.sum(axis=1)
    table["n_repeated"] = repeated.result()
    return table.assign(**means, **tests)


@counted()
def _partial_types(jobs: pd.DataFrame, by: str, freq: str) -> pd.DataFrame:
    """Count answered jobs by period and type."""
    _periods.check(jobs, by, _OWN_TYPES)
    _arguments.need_columns(jobs, "type")
    use = _runs.answered(jobs)
    types = jobs["type"].astype("category")[use].array
    return _counts.tally(pd.DataFrame({_periods.KEY: _periods.keys(jobs, by, freq, use), "type": types}))


def _type_codes(cells: pd.DataFrame) -> tuple[np.ndarray, int]:
    """Give the type of each cell, no match being the last, and how many there are."""
    code = cells["type"].cat.codes.to_numpy().astype(np.int64)
    size = len(cells["type"].cat.categories)
    return np.where(code < 0, size, code), size + 1


def _finish_type_mix(cells: pd.DataFrame, by: str, freq: str, level: float) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, _periods.KEY)
    code, size = _type_codes(cells)
    table = _counts.crossed(_periods.named(groups, by, freq), size)
    table["type"] = _counts.categorical(np.tile(np.append(np.arange(size - 1), -1), len(groups)), cells["type"].dtype)
    return _periods.with_shares(table, _counts.cross_counts(number, len(groups), code, size, cells["count"]), level)


@counted(_counts.merge_confidences)
def _partial_confidences(jobs: pd.DataFrame, by: str, freq: str) -> pd.DataFrame:
    """Count answered jobs by period and confidence: the distinct values are kept, so quantiles stay exact."""
    _periods.check(jobs, by, _OWN_CONFIDENCES)
    _arguments.need_columns(jobs, "confidence")
    use, confidence = _arguments.answered_confidence(jobs)
    keys = pd.DataFrame({_periods.KEY: _periods.keys(jobs, by, freq, use), "confidence": confidence})
    return _counts.tally_confidences(keys)


def _atoms(cells: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the atom of each cell, and of each atom its least and greatest confidence, and its mean."""
    value, place = np.unique(cells["confidence"].to_numpy(), return_inverse=True)
    count = np.bincount(place, cells["count"], minlength=len(value))
    number = np.arange(len(value))
    if len(value) > MOST_ATOMS:
        middle = (np.cumsum(count) - count / 2) / count.sum()
        number = np.unique((middle * MOST_ATOMS).astype(np.int64), return_inverse=True)[1]
    size = int(number.max(initial=-1)) + 1
    first = np.searchsorted(number, np.arange(size))
    last = np.searchsorted(number, np.arange(size), side="right") - 1
    mean = np.bincount(number, value * count, minlength=size) / np.bincount(number, count, minlength=size)
    return number[place], np.column_stack([value[first], value[last]]), mean


def _means(cells: pd.DataFrame, number: np.ndarray, n_groups: int, level: float) -> dict[str, np.ndarray]:
    """Give mean, its interval, and quartiles of each period's confidences."""
    count = cells["count"].to_numpy()
    found = summarise(number, n_groups, cells["confidence"].to_numpy(), count, _QUARTILES)
    tail = (1 - level) / 2 / max(n_groups, 1)
    half = special.stdtrit(np.maximum(found["n"] - 1, 1), 1 - tail) * found["sd"] / np.sqrt(np.maximum(found["n"], 1))
    ends = {"mean_lower": found["mean"] - half, "mean_upper": found["mean"] + half}
    return {name: np.clip(found[name] if name in found else ends[name], 0, 1) for name in _MEANS}
