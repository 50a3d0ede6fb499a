"""Which jobs are meant: the rows that match every filter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from ..moments import read_moment
from . import _arguments
from ._texts import rows_kept


def select_jobs(
    jobs: pd.DataFrame,
    *,
    outcomes: str | Iterable[str] | None = None,
    types: str | Iterable[str | None] | None = None,
    rule_sets: str | Iterable[str | None] | None = None,
    configuration_ids: str | Iterable[str | None] | None = None,
    confidence: tuple[float | None, float | None] | None = None,
    created: tuple[Any, Any] | None = None,
    text: str | None = None,
) -> pd.DataFrame:
    """Which jobs match every filter given?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Only the columns of the filters given are read.
    outcomes : str or iterable of str, optional
        One or more of matched, no_match, unscored, failed, cancelled, unfinished.
    types : str or iterable of str or None, optional
        Types to keep. None (or NA) among them keeps jobs without a type: no rule matched, or no answer;
        ``outcomes="no_match"`` tells the two apart.
    rule_sets, configuration_ids : str or iterable of str or None, optional
        Rule sets, and saved configurations, to keep. None (or NA) among them keeps jobs without one.
    confidence : (low, high), optional
        Keeps low <= confidence < high, and also 1.0 where high is 1: the bins of `confidence_distribution` share out
        the jobs. None leaves an end open. Jobs without a confidence are not kept.
    created : (start, end), optional
        Keeps start <= created_at < end. Texts, dates, datetimes or Timestamps; without a zone they are UTC. None
        leaves an end open. Jobs without a time are not kept.
    text : str, optional
        Keeps jobs whose reasoning or error message holds this text, as it stands (no pattern), capitals or not. An
        empty text keeps all.

    Returns
    -------
    DataFrame
        The rows that match, in their order, with all columns, dtypes and categories, and with their index. No filters:
        all rows, as a new frame. None match, or no jobs: no rows, and the same columns.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Warns
    -----
    UserWarning
        If a type, rule set or configuration is asked for that these jobs don't know: it may be mistyped.

    Examples
    --------
    >>> jobs = pd.DataFrame({"outcome": ["matched", "failed", "matched"], "confidence": [0.4, None, 1.0]})
    >>> select_jobs(jobs, outcomes="matched", confidence=(0.5, 1))
       outcome  confidence
    2  matched         1.0
    """
    _arguments.need_columns(jobs)
    given = {
        "outcomes": outcomes,
        "types": types,
        "rule_sets": rule_sets,
        "configuration_ids": configuration_ids,
        "confidence": confidence,
        "created": created,
        "text": text,
    }
    keep = np.ones(len(jobs), dtype=bool)
    for name, value in given.items():
        if value is not None:
            keep &= matching(jobs, name, value)
            _warn_of_unknown(jobs, name, value)
    return rows_kept(jobs, keep)


def _warn_of_unknown(jobs: pd.DataFrame, name: str, value: Any) -> None:
    """Warn of a value that a column of few values doesn't know: it may be mistyped."""
    column = {"types": "type", "rule_sets": "rule_set", "configuration_ids": "configuration_id"}.get(name)
    if column is None or jobs.empty:
        return
    known = set(jobs[column].astype("category").cat.categories)
    for one in _listed(name, value):
        if isinstance(one, str) and one not in known:
            some = ", ".join(map(repr, sorted(known, key=str)[:20])) or "none"
            warnings.warn(f"{name} holds {one!r}, which none of these jobs has; there are: {some}", stacklevel=3)


def matching(jobs: pd.DataFrame, name: str, value: Any) -> np.ndarray:
    """Tell for each job whether it matches one filter, by the name and the value that :func:`select_jobs` takes."""
    return _FILTERS[name](jobs, value)


def _listed(argument: str, values: Any) -> list[Any]:
    if isinstance(values, str):
        return [values]
    if not isinstance(values, Iterable):
        raise ArgumentError(f"{argument} is {values!r}; it must be a text, or a list of texts")
    listed = list(values)
    for value in listed:
        if not isinstance(value, str) and not pd.isna(value):
            raise ArgumentError(f"{argument} holds {value!r}; it must hold texts, or None for jobs without one")
    return listed


def _of_outcomes(jobs: pd.DataFrame, outcomes: Any) -> np.ndarray:
    _arguments.need_columns(jobs, "outcome")
    wanted = _listed("outcomes", outcomes)
    for outcome in wanted:
        if outcome not in schema.OUTCOMES:
            raise ArgumentError(f"outcomes holds {outcome!r}; an outcome is one of {', '.join(schema.OUTCOMES)}")
    return _arguments.has_outcome(jobs, tuple(wanted))


def _among(jobs: pd.DataFrame, column: str, argument: str, values: Any) -> np.ndarray:
    _arguments.need_columns(jobs, column)
    wanted = _listed(argument, values)
    texts = [value for value in wanted if isinstance(value, str)]
    found = jobs[column].isin(texts)
    return np.asarray(found | jobs[column].isna() if len(texts) < len(wanted) else found, dtype=bool)


def _ends(argument: str, ends: Any) -> tuple[Any, Any]:
    if isinstance(ends, str) or not isinstance(ends, Iterable) or len(pair := tuple(ends)) != 2:
        raise ArgumentError(f"{argument} is {ends!r}; it must be a pair: its two ends, or None for an open one")
    return pair


def _within_confidence(jobs: pd.DataFrame, ends: Any) -> np.ndarray:
    _arguments.need_columns(jobs, "confidence")
    low, high = _ends("confidence", ends)
    for end in (low, high):
        if end is not None and (
            isinstance(end, bool) or not isinstance(end, int | float | np.number) or not 0 <= float(end) <= 1
        ):
            raise ArgumentError(f"confidence holds {end!r}; an end must be a number from 0 to 1, such as 0.95, or None")
    if low is not None and high is not None and low > high:
        raise ArgumentError(f"confidence is ({low}, {high}); the lower end must come first")
    stated = jobs["confidence"].to_numpy(dtype=np.float64, na_value=np.nan)
    keep = stated >= (-np.inf if low is None else low)
    if high is not None:
        keep &= (stated < high) | ((stated == 1) & (high == 1))
    return np.asarray(keep)


def within_created(jobs: pd.DataFrame, ends: Any, argument: str = "created") -> np.ndarray:
    """Tell which jobs were created in a period; ``argument`` is what an error calls it."""
    _arguments.need_columns(jobs, "created_at")
    start, end = (None if one is None else read_moment(argument, one) for one in _ends(argument, ends))
    if start is not None and end is not None and start > end:
        raise ArgumentError(f"{argument} is ({start}, {end}); the start must come first")
    keep = jobs["created_at"].notna().to_numpy()
    if start is not None:
        keep = keep & (jobs["created_at"] >= start).to_numpy()
    if end is not None:
        keep = keep & (jobs["created_at"] < end).to_numpy()
    return np.asarray(keep)


def _with_text(jobs: pd.DataFrame, text: Any) -> np.ndarray:
    _arguments.need_columns(jobs, "reasoning", "error_message")
    if not isinstance(text, str):
        raise ArgumentError(f"text is {text!r}; it must be a text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(f"text holds half a character ({error.reason}), which no job can hold") from error
    if not text:
        return np.ones(len(jobs), dtype=bool)
    found = [
        jobs[column].str.contains(text, case=False, regex=False, na=False).to_numpy(dtype=bool)
        for column in ("reasoning", "error_message")
    ]
    return np.asarray(found[0] | found[1])


_FILTERS: dict[str, Callable[[pd.DataFrame, Any], np.ndarray]] = {
    "outcomes": _of_outcomes,
    "types": lambda jobs, values: _among(jobs, "type", "types", values),
    "rule_sets": lambda jobs, values: _among(jobs, "rule_set", "rule_sets", values),
    "configuration_ids": lambda jobs, values: _among(jobs, "configuration_id", "configuration_ids", values),
    "confidence": _within_confidence,
    "created": within_created,
    "text": _with_text,
}
