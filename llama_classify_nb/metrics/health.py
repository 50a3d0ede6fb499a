"""Whether stated confidences can carry an audit at all, before anybody labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from . import _arguments, _counts, _groups, _labelled
from ._counted import counted
from ._texts import small_order
from .calibration import auroc, separation

# A threshold can only be put between atoms. Where one atom holds this share of the jobs, it holds more than a third of
# the errors even if its answers are wrong half as often as all; and where all are worth less than this many ranks, a
# threshold can do nothing but accept or refuse that atom.
MOST_IN_ONE = 0.7
FEWEST_RANKS = 1.5
# With labels: errors that no threshold can catch, and ranking that is hardly better than a coin's.
MOST_UNREACHABLE = 1 / 3
LEAST_AUROC = 0.65
_OWN = ("n", "verdict", "reasons")


def confidence_health(
    jobs: pd.DataFrame,
    labels: pd.DataFrame | None = None,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    no_match: bool = False,
) -> pd.DataFrame:
    """Can these confidences tell which answers to check?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type``, ``confidence``.
    labels, rules : DataFrame, optional
        As in :func:`accuracy`.
    by : str, optional
        A column of jobs: a row for each of its values, missing last.
    no_match : bool
        Whether to count jobs where no rule matched, too.

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype;
        * ``n`` (int64, jobs): answers with a confidence;
        * ``n_distinct`` (int64): different confidences, called atoms;
        * ``commonest`` (float64, 0 to 1): the one most often stated (of several the highest), and ``commonest_share``
          (float64): its share of n;
        * ``effective_ranks`` (float64): 1 / Σ share², the number of atoms that would rank as well if all were equally
          common (the inverse of Simpson's index, 1949);
        * ``entropy`` (float64, bits): of the atoms' shares (Shannon 1948);
        * ``n_labelled``, ``n_wrong`` (int64, jobs): answers with a label, and those that are wrong;
        * ``auroc``, ``separation`` (float64, -1 to 1): as in :func:`calibration_scores`; missing without labels;
        * ``unreachable_error_share`` (float64, 0 to 1): of the wrong answers, those in the highest atom, which no
          threshold refuses unless it refuses all; missing without wrong answers;
        * ``verdict`` (category): passes, flagged, or unknown where n is 0;
        * ``reasons`` (str): why, in words.

        Where more than 20,000 different confidences are stated, they are counted to four decimals. Flagged are: one
        atom with 70 % of the answers or more; less than 1.5 effective ranks; and by labels, more than a third of the
        errors unreachable, or an AUROC below 0.65. A verdict that passes says that a threshold can be looked for, not
        that there is one.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": list("abcd"), "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.5, 0.7, 0.8]})
    >>> confidence_health(jobs)[["n_distinct", "commonest_share", "effective_ranks", "verdict"]]
       n_distinct  commonest_share  effective_ranks verdict
    0           4             0.25              4.0  passes
    """
    cells = _partial(jobs, by, no_match)
    number, groups = _counts.by_group(cells, by)
    confidence, count = cells["confidence"].to_numpy(), cells["count"].to_numpy()
    stated = ~np.isnan(confidence)
    row_of, values, right = _judged(jobs, labels, rules, no_match=no_match)
    parts = np.split(np.arange(len(cells)), np.searchsorted(number, np.arange(1, len(groups))))
    of_label = np.zeros(len(right), np.int64)
    if by is not None and labels is not None:
        of_label = _counts.by_group(jobs, by)[0][row_of]  # numbered alike: every job is in a cell
    labelled = np.split(small_order(of_label), np.cumsum(np.bincount(of_label, minlength=len(groups)))[:-1])
    rows = []
    for group, (part, mine) in enumerate(zip(parts, labelled, strict=True)):
        part = part[stated[part]]
        row = _atoms(confidence[part], count[part])
        row |= _against_labels(confidence[part].max(initial=0.0), values[mine], right[mine])
        cell = {} if by is None else {by: groups[by].iloc[group]}
        rows.append({**cell, **row, **_verdict(row)})
    return _groups.table(groups, by, rows, _DTYPES)


@counted(_counts.merge_confidences)
def _partial(jobs: pd.DataFrame, by: str | None, no_match: bool) -> pd.DataFrame:
    """Count jobs by group and confidence, which is missing where it doesn't count."""
    _arguments.need_columns(jobs, "outcome", "type", "confidence")
    _arguments.need_by(jobs, by, _OWN)
    use = _used(jobs, no_match=no_match)
    confidence = np.full(len(jobs), np.nan)
    confidence[use] = _arguments.answered_confidence(jobs.loc[use, ["outcome", "confidence"]])[1]
    keys = {} if by is None else {by: jobs[by].array}
    return _counts.tally_confidences(pd.DataFrame({**keys, "confidence": confidence}))


def _used(jobs: pd.DataFrame, *, no_match: bool) -> np.ndarray:
    return _arguments.has_outcome(jobs, schema.ANSWERED_OUTCOMES if no_match else ("matched",))


_FLOATS = ("commonest", "commonest_share", "effective_ranks", "entropy")
_BY_LABELS = ("auroc", "separation", "unreachable_error_share")
_DTYPES: dict[str, Any] = {
    "n": "int64",
    "n_distinct": "int64",
    **dict.fromkeys(_FLOATS, "float64"),
    "n_labelled": "int64",
    "n_wrong": "int64",
    **dict.fromkeys(_BY_LABELS, "float64"),
    "verdict": lambda values: pd.Categorical(values, ["passes", "flagged", "unknown"]),
    "reasons": schema.TEXT,
}


def _judged(
    jobs: pd.DataFrame, labels: pd.DataFrame | None, rules: pd.DataFrame | None, *, no_match: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the row of each labelled answer that counts, its confidence, and whether it is right."""
    if labels is None:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, bool)
    _arguments.need_columns(jobs)
    found = _labelled.match(jobs, labels, rules)
    use, confidence, right = _labelled.with_confidence(found, no_match=no_match)
    return found.row[use], confidence, right


def _atoms(values: np.ndarray, count: np.ndarray) -> dict[str, Any]:
    if not len(values):
        return {"n": 0, "n_distinct": 0, **dict.fromkeys(_FLOATS, np.nan)}
    share = count / count.sum()
    top = len(values) - 1 - int(np.argmax(count[::-1]))
    return {
        "n": int(count.sum()),
        "n_distinct": len(values),
        "commonest": float(values[top]),
        "commonest_share": float(share[top]),
        "effective_ranks": float(1 / (share**2).sum()),
        "entropy": float(-(share * np.log2(share)).sum()) + 0.0,
    }


def _against_labels(highest: float, confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    n_wrong = int((~right).sum())
    unreachable = (~right & (confidence == highest)).sum() / n_wrong if n_wrong else np.nan
    return {
        "n_labelled": len(right),
        "n_wrong": n_wrong,
        "auroc": auroc(confidence, right),
        "separation": separation(confidence, right),
        "unreachable_error_share": float(unreachable),
    }


def _verdict(row: dict[str, Any]) -> dict[str, str]:
    if not row["n"]:
        return {"verdict": "unknown", "reasons": "no answer states a confidence"}
    flags = []
    if row["commonest_share"] >= MOST_IN_ONE:
        flags.append(f"{row['commonest_share']:.0%} of the answers state {row['commonest']:g}")
    if row["effective_ranks"] < FEWEST_RANKS:
        flags.append(f"the {row['n_distinct']:,} different values rank like {row['effective_ranks']:.2f}")
    if row["unreachable_error_share"] > MOST_UNREACHABLE:
        share = row["unreachable_error_share"]
        flags.append(f"{share:.0%} of {row['n_wrong']:,} errors state the highest value: no threshold can catch them")
    if row["auroc"] < LEAST_AUROC:
        flags.append(f"a right answer is more confident than a wrong one only {row['auroc']:.0%} of the time")
    if flags:
        return {"verdict": "flagged", "reasons": "; ".join(flags)}
    reasons = f"{row['n_distinct']:,} different values rank like {row['effective_ranks']:.1f}"
    if not np.isnan(row["auroc"]):
        reasons += f"; a right answer is more confident than a wrong one {row['auroc']:.0%} of the time"
    return {"verdict": "passes", "reasons": reasons}
