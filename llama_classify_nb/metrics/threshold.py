"""Above which confidence answers need no checking: a threshold with a guarantee, or the word that there is none."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _groups, _labelled
from .calibration import accepted
from .intervals import clopper_pearson

#: Where the sequence of tests begins: the highest threshold that accepts this share of the answers that labels were
#: drawn from, and above which so many labels are to be expected, but for so many standard deviations, as could certify
#: it.
FIRST_SHARE, FIRST_DEVIATIONS = 0.4, 2.0
MOST_LABELS = 100_000  # further labels, beyond which none are promised
_OWN = ("target", "assurance", "threshold", "certified", "n", "n_wrong", "precision", "coverage", "reason")


def precision_threshold(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    target: float = 0.95,
    assurance: float = 0.95,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
) -> pd.DataFrame:
    """Above which confidence may I stop checking?

    Finds the lowest confidence such that the answers at least so confident are right at least ``target`` of the time.
    If labels were drawn at random, a threshold that breaks this promise is given with a probability of at most
    1 - ``assurance``, whatever the confidences mean. Often there is none that so many labels can certify: then it says
    so.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id`` or ``file_input``, ``outcome``, ``type``,
        ``confidence``. Only answers count (outcome matched): a job where no rule matched has nothing to accept.
    labels : DataFrame
        As in :func:`accuracy`. They must have been drawn at random among the answers above some confidence, or among
        all. With ``inclusion_probability``, labels that were more likely to be drawn are thinned out, at random but
        the same ones each time, until all are equally likely. With ``stage`` (:func:`draw_sample` gives it), those of
        the pilot are left out if there are others: they chose where the others were drawn, and can't certify it, too.
        With ``stratum`` as well, and several strata, labels are those of a plan for accuracy: then only its pilot's
        count, which were drawn in proportion; how many others each stratum has was decided by what the pilot found.
    target : float
        Share of accepted answers that should be right, between 0 and 1.
    assurance : float
        Probability, between 0 and 1.
    rules : DataFrame, optional
        The table rules, as in :func:`accuracy`.
    by : str, optional
        A column of jobs: a threshold for each of its values that has labels, missing last. All promises hold at once
        with ``assurance``: each group gets an equal part of what may go wrong (Bonferroni).

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``target``, ``assurance`` (float64, 0 to 1): as asked;
        * ``certified`` (bool): whether there is a threshold;
        * ``threshold`` (float64, 0 to 1): the least confidence to accept; missing if none can be certified;
        * ``n`` (int64, jobs): labels that the decision rests on: those above the threshold, or above the first one
          tried if none is certified;
        * ``n_wrong`` (int64, jobs): those of wrong answers;
        * ``precision`` (float64, 0 to 1): right ones of n; ``precision_lower``: its lower bound at ``assurance`` (of
          the group's part), one-sided and exact (Clopper & Pearson 1934);
        * ``n_accepted`` (int64, jobs): answers in ``jobs`` that the threshold accepts; ``coverage`` (float64, 0 to 1):
          their share of all; ``coverage_lower``, ``coverage_upper``: exact 95 % interval of the share that it would
          accept of more answers like these;
        * ``n_more`` (Int64, jobs): if none is certified, how many further labels above the first threshold tried would
          certify it with a chance of about 80 %, if it is as precise as seen so far; missing where no number would;
        * ``reason`` (str): in words.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    Fixed-sequence testing, as in Learn then Test (Angelopoulos, Bates, Candès, Jordan, Lei 2021, arXiv 2110.01052),
    with exact binomial tail p-values (the inversion of SGR: Geifman & El-Yaniv 2017, arXiv 1705.08500, lemma 3.1).
    Thresholds are tried from high to low, ties together, each at the full level, up to the first that fails.

    Why the promise holds: say that a threshold t is bad if answers from t up are wrong more than 1 - ``target`` of the
    time, and let b be the highest bad one among those that would be tried. A bad threshold is given only if b passes
    its test, for the tests before b decide nothing but whether b is reached. Which thresholds would be tried, and so
    b, is settled before any label is seen: they are the confidences that jobs state, from the first one down, and the
    first one is the highest that accepts 40 % of the answers which labels were drawn from and leaves, but for two
    standard deviations, enough labels above it to certify anything. It rests on the confidences of all jobs, the
    number of labels and their inclusion probability alone, not on which jobs were drawn. Given how many labels lie
    above b, these are drawn at random from the answers above b, so that the number of wrong ones among them is
    binomial with a rate above 1 - ``target``, or less spread out (Hoeffding 1956 for strata, 1963 for draws without
    replacement), and passes with a probability of at most 1 - ``assurance``. Confidences that no label states change
    no count, so that their tests repeat the one before and need not be written down. With ``by``, all this is true
    of each group, given how many labels it has.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": range(298), "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.95] * 193 + [0.92] * 43 + [0.85] * 62})
    >>> wrong = [*range(5), 193, 194, *range(236, 261)]
    >>> labels = pd.DataFrame({"job_id": range(298), "label": "memo"})
    >>> labels.loc[wrong, "label"] = "letter"
    >>> precision_threshold(jobs, labels, target=0.94)[["certified", "threshold", "n", "n_wrong", "coverage"]].round(3)
       certified  threshold    n  n_wrong  coverage
    0       True       0.92  236        7     0.792
    """
    _arguments.need_columns(jobs, "outcome", "type", "confidence")
    _arguments.need_by(jobs, by, _OWN)
    for name, value in (("target", target), ("assurance", assurance)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise ArgumentError(f"{name} is {value!r}; it must be a number between 0 and 1, such as 0.95")
    _labelled.need_labels(labels)
    some = representative(labels)
    left_out = _is_shared_out(labels) * int((~_is_of_pilot(labels)).sum())
    note = f"; {left_out:,} that a plan for accuracy shared out after its pilot don't count here" if left_out else ""
    found = _labelled.match(jobs, some, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=False)
    matched = np.flatnonzero(_arguments.has_outcome(jobs, ("matched",)))
    _, every = _arguments.answered_confidence(jobs[["outcome", "confidence"]].iloc[matched])
    drawn_from = _drawn_from(jobs, matched, every, labels, some, len(right))
    groups = _groups.of(jobs, by)
    parts, mine = groups.take(found.row[use]).rows(), groups.take(matched).rows()
    n_groups = max(1, sum(bool(len(part)) for part in parts))
    rows = []
    for key, part, all_ in zip(groups.keys, parts, mine, strict=True):
        risk = (1 - assurance) / n_groups
        seen = confidence[part], right[part]
        row = _certified(*seen, every[all_], every[all_[drawn_from[all_]]], float(target), risk)
        row["reason"] += note
        cells = {} if by is None else {by: key}
        rows.append({**cells, "target": target, "assurance": assurance, **row})
    return _groups.table(jobs, by, rows, _DTYPES)


_DTYPES: dict[str, Any] = {
    "target": "float64",
    "assurance": "float64",
    "certified": "bool",
    "threshold": "float64",
    "n": "int64",
    "n_wrong": "int64",
    "precision": "float64",
    "precision_lower": "float64",
    "n_accepted": "int64",
    "coverage": "float64",
    "coverage_lower": "float64",
    "coverage_upper": "float64",
    "n_more": "Int64",
    "reason": schema.TEXT,
}


def representative(labels: pd.DataFrame) -> pd.DataFrame:
    """Give labels of which all were equally likely to be drawn, and none of which chose where."""
    of_pilot = _is_of_pilot(labels)
    if not of_pilot.all():
        labels = labels[of_pilot if _is_shared_out(labels) else ~of_pilot]
    return thinned(labels)


def _is_of_pilot(labels: pd.DataFrame) -> np.ndarray:
    """Tell which labels are of a pilot; none is where there is no word of it."""
    if "stage" not in labels.columns:
        return np.zeros(len(labels), bool)
    return np.asarray(labels["stage"].astype(object).eq("pilot"), dtype=bool)


def _is_shared_out(labels: pd.DataFrame) -> bool:
    """Tell whether a plan for accuracy shared labels out over strata; one for a threshold draws from one at a time."""
    return {"stage", "stratum"} <= set(labels.columns) and len(labels["stratum"].dropna().unique()) > 1


def thinned(labels: pd.DataFrame) -> pd.DataFrame:
    """Leave out labels that were more likely to be drawn, at random, until all are equally likely."""
    chance = _labelled.chances(labels)
    if chance is None:
        return labels
    if "stratum" in labels.columns:  # drawn in two stages: what counts is the chance to be drawn in either
        by_stratum = pd.Series(chance).groupby(labels["stratum"].to_numpy(), dropna=False)
        chance = by_stratum.transform("max").to_numpy()
    if not len(chance) or chance.max() <= chance.min() * (1 + 1e-9):
        return labels
    key = labels["job_id" if "job_id" in labels.columns else "file_input"]
    kept: pd.DataFrame = labels[uniform(key) * chance < chance.min()]
    return kept


def uniform(values: pd.Series, salt: str = "") -> np.ndarray:
    """Give each value a number between 0 and 1 that depends on it and the salt alone, as if drawn at random."""
    return hashed(values, salt) / 2**53


def hashed(values: pd.Series, salt: str = "") -> np.ndarray:
    """Give each value a whole number of 53 bits that depends on it and the salt alone, as if drawn at random."""
    key = hashlib.sha256(salt.encode()).hexdigest()[:16]
    texts = values.astype(object).to_numpy()
    if not pd.api.types.is_string_dtype(values.dtype):
        texts = np.array([str(one) for one in texts], object)
    found = pd.util.hash_array(texts, hash_key=key, categorize=False)
    return np.asarray(found >> np.uint64(11), np.int64)


def _drawn_from(
    jobs: pd.DataFrame, matched: np.ndarray, every: np.ndarray, labels: pd.DataFrame, some: pd.DataFrame, n: int
) -> np.ndarray:
    """Tell which answers the n labels were drawn from: as many of the most confident ones as their chance says.

    Those of the pilot are not among them. Without a chance, labels were drawn from all.
    """
    from_them = np.ones(len(every), bool)
    chance = _labelled.chances(some)
    if chance is None or not n:
        return from_them
    key = "job_id" if "job_id" in labels.columns else "file_input"
    of_pilot = _is_of_pilot(labels)
    if not _is_of_pilot(some).any():
        from_them = ~jobs[key].isin(labels.loc[of_pilot, key]).to_numpy(dtype=bool)[matched]
    size = round(n / chance.min())
    if size < from_them.sum():
        from_them &= every >= -np.partition(-every[from_them], size - 1)[size - 1]
    return from_them


def _first(drawn_from: np.ndarray, n: int, least: int) -> float:
    """Give the first threshold to try for n labels of these answers, of which ``least`` could certify one."""
    values, count = np.unique(-drawn_from, return_counts=True)
    size = len(drawn_from)
    share = np.cumsum(count) / size
    left = max(size - n, 0) / max(size - 1, 1)  # without replacement: none left, no doubt
    deviation = np.sqrt(n * share * (1 - share) * left)
    # A billionth for what rounding does to a sum of shares.
    enough = (share >= FIRST_SHARE - 1e-9) & (n * share - FIRST_DEVIATIONS * deviation >= least - 1e-9)
    return float(-values[np.argmax(enough)]) + 0.0


def _certified(
    confidence: np.ndarray, right: np.ndarray, every: np.ndarray, drawn_from: np.ndarray, target: float, risk: float
) -> Any:
    least = int(np.ceil(np.log(risk) / np.log(target)))  # so many, all right, certify
    empty: dict[str, Any] = {"n": len(right), "n_wrong": int((~right).sum()), "n_more": pd.NA}
    if not len(right):
        return _described(empty, every, None, risk, "no answer has a label")
    if len(right) < least:
        empty["n_more"] = _further(len(right), int((~right).sum()), target, risk)
        reason = f"{len(right):,} labels are too few: {least:,} are needed even if all answers are right"
        return _described(empty, every, None, risk, reason)
    first = _first(drawn_from, len(right), least)
    # Labels above the first threshold are tested there, all at once.
    thresholds, n, n_wrong = accepted(np.minimum(confidence, first), right)
    if thresholds[0] < first:  # not one label lies there
        thresholds, n, n_wrong = np.array([first]), np.zeros(1, np.int64), np.zeros(1, np.int64)
    fails = np.asarray(special.bdtr(n_wrong, n, 1 - target) > risk)
    n_passed = int(np.argmax(fails)) if fails.any() else len(fails)
    if not n_passed:
        empty = {"n": int(n[0]), "n_wrong": int(n_wrong[0])}
        empty["n_more"] = _further(empty["n"], empty["n_wrong"], target, risk)
        reason = (
            f"none can be certified: of {empty['n']:,} labels from {first:g} up, {empty['n_wrong']:,} are of wrong "
            f"answers, too many to be sure that no more than {1 - target:.3g} of the answers are wrong"
        )
        return _described(empty, every, None, risk, reason)
    last = n_passed - 1
    row: dict[str, Any] = {"n": int(n[last]), "n_wrong": int(n_wrong[last]), "n_more": pd.NA}
    reason = f"of {row['n']:,} labels from {thresholds[last]:g} up, {row['n_wrong']:,} are of wrong answers"
    return _described(row, every, float(thresholds[last]), risk, reason)


def _described(
    row: dict[str, Any], every: np.ndarray, threshold: float | None, risk: float, reason: str
) -> dict[str, Any]:
    n, n_right = row["n"], row["n"] - row["n_wrong"]
    lower, _ = clopper_pearson(n_right, n, 1 - 2 * risk)
    n_accepted = 0 if threshold is None else int((every >= threshold).sum())
    ends = clopper_pearson(n_accepted, len(every))
    return {
        **row,
        "certified": threshold is not None,
        "threshold": np.nan if threshold is None else threshold,
        "precision": n_right / n if n else np.nan,
        "precision_lower": float(lower),
        "n_accepted": n_accepted,
        "coverage": n_accepted / len(every) if len(every) else np.nan,
        "coverage_lower": float(ends[0]),
        "coverage_upper": float(ends[1]),
        "reason": reason,
    }


def _further(n: int, n_wrong: int, target: float, risk: float) -> Any:
    """Give how many more labels would do, if answers are as precise as seen; missing: no number would."""
    wrong = (n_wrong + 0.5) / (n + 1)
    if wrong >= 1 - target:
        return pd.NA
    low, high = n, MOST_LABELS
    if not _would_do(high, wrong, target, risk):
        return pd.NA
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _would_do(middle, wrong, target, risk) else (middle, high)
    return high - n


def _would_do(n: int, wrong: float, target: float, risk: float) -> bool:
    """Tell whether n labels certify the target with a chance of 80 %, where so many answers are wrong."""
    most = np.ceil(special.bdtrik(risk, n, 1 - target))
    most -= special.bdtr(most, n, 1 - target) > risk
    return bool(most >= 0 and special.bdtr(most, n, wrong) >= 0.8)
