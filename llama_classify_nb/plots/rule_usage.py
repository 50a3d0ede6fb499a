"""What the rules are used for, as bars: wins, when each rule set was in use, and whether the place matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FLAGS = {"never_matched": "never matched", "dominant": "dominant", "no_such_rule": "no such rule"}
# What matplotlib can write as a date.
_DATES = np.datetime64("0001-01-02", "us"), np.datetime64("9999-12-30", "us")
_SHORT = 8  # characters of a fingerprint, enough to ask for it


def rule_usage(jobs: pd.DataFrame, rules: pd.DataFrame, *, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """How often does each rule win, and how surely?

    Parameters
    ----------
    jobs, rules, level
        As for ``metrics.rule_usage``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A bar for each row, as long as its share, with the interval; beside it the answers, their mean confidence, and
        its flag. Rows of several rule sets stand under one another. Of more than 40 rows, those with the most answers
        are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_usage`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1], "type": ["memo", "letter"]})
    >>> jobs = pd.DataFrame({"rule_set": "r1", "outcome": ["matched"] * 9 + ["no_match"], "type": ["memo"] * 9 + [None],
    ...                      "confidence": [0.9, 0.8, 0.7] * 3 + [0.4]})
    >>> ax = rule_usage(jobs, rules, ax=Figure().subplots())
    >>> ax.get_title()
    'Wins of the rules, n = 10 answered jobs'
    """
    return draw_rule_usage(metrics.rule_usage(jobs, rules, level=level), len(jobs), level=level, ax=ax)


def draw_rule_usage(table: pd.DataFrame, n_jobs: int, *, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.rule_usage``, of so many jobs."""
    shown = _style.most(table["count"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 1.2 * len(shown))
    n = int(table.drop_duplicates("rule_set")["n"].sum())
    title = f"Wins of the rules, {_style.n_jobs(n, 'answered')}"
    several = len(pd.unique(table["rule_set"])) > 1
    if n:
        part = table.iloc[shown]
        labels, fills = _style.group_labels(table["type"], "no match"), _style.fills(table["type"])
        if several:
            sets = [_style.display_text(str(name)[:_SHORT]) for name in table["rule_set"]]
            labels = [f"{label} · {name}" for label, name in zip(labels, sets, strict=True)]
        for y, place in enumerate(shown):
            ax.barh(y, np.nan_to_num(table["share"].iloc[place]), 0.8, **fills[place])
        share = part["share"].to_numpy()
        ends = np.maximum(share - part["share_lower"], 0), np.maximum(part["share_upper"] - share, 0)
        ax.errorbar(share, np.arange(len(part)), xerr=ends, fmt="none", ecolor="black", elinewidth=1.0, capsize=2.0)
        for y, (end, text) in enumerate(zip(part["share_upper"].fillna(0.0), _beside(part), strict=True)):
            ax.annotate(text, (end, y), (4, 0), textcoords="offset points", va="center", fontsize=8, **_style.PLAIN)
        _style.row_labels(ax, [labels[place] for place in shown])
        ax.set_xlim(0, 1.45 * part["share_upper"].max())
        title += _bars.left_out("rows", len(shown), len(table))
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    x = f"share of the answered jobs, 0 to 1\n(line: {level:.0%} interval; numbers: jobs, mean confidence)"
    _style.name(ax, title=title, x=x, y="type · rule set" if several else "type")
    return ax


def _beside(part: pd.DataFrame) -> list[str]:
    said = []
    for count, mean, flag in zip(part["count"], part["mean"], part["flag"].astype(object), strict=True):
        words = [f"{count:,}", "" if np.isnan(mean) else f"{mean:.2f}", "" if pd.isna(flag) else _FLAGS[flag]]
        said.append(" · ".join(word for word in words if word))
    return said


def rule_sets(jobs: pd.DataFrame, rules: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Which rule sets are there, and when was each used by whom?

    Parameters
    ----------
    jobs, rules
        As for ``metrics.rule_sets``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        For each rule set with a dated job a bar from its first use to its last, with its jobs and configurations beside
        its name. Of more than 40, those with the most jobs are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_sets`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2"], "type": ["memo", "letter", "memo"]})
    >>> jobs = pd.DataFrame({"rule_set": ["r1", "r1"], "configuration_id": ["b", "a"],
    ...     "created_at": pd.to_datetime(["2026-01-02", "2026-01-05"], utc=True)})
    >>> ax = rule_sets(jobs, rules, ax=Figure().subplots())
    >>> ax.get_title()
    'Use of the rule sets, n = 2 jobs (1 of 2 rule sets shown)'
    """
    return draw_rule_sets(metrics.rule_sets(jobs, rules), len(jobs), ax=ax)


def draw_rule_sets(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.rule_sets``, of so many jobs."""
    n, dated = int(table["n_jobs"].sum()), table[table["first_used"].notna()].reset_index(drop=True)
    shown = _style.most(dated["n_jobs"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 2.0 * len(shown))
    title = f"Use of the rule sets, {_style.n_jobs(n)}"
    if len(shown):
        part = dated.iloc[shown]
        left = part["first_used"].dt.tz_localize(None).to_numpy()
        right = part["last_used"].dt.tz_localize(None).to_numpy()
        for y, look in enumerate(_style.fills(part["rule_set"].astype("category"))):
            ax.barh(y, right[y] - left[y], 0.5, left[y], **look)
            # A set used at one moment only has no length.
            ax.plot([left[y], right[y]], [y, y], marker="|", color=_style.EDGE, markersize=12, linestyle="none")
        names = [_style.display_text(str(name)[:_SHORT]) for name in part["rule_set"]]
        notes = zip(names, part["n_rules"], part["n_jobs"], strict=True)
        _style.row_labels(ax, [f"{name}  {rules_} rules, n = {jobs_:,}" for name, rules_, jobs_ in notes])
        ax.set_xlim(*_span(left.min(), right.max()))
        ax.tick_params(axis="x", labelrotation=20)
        title += _bars.left_out("rule sets", len(shown), len(table))
    else:
        _style.say_empty(ax, "no dated jobs" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="created, UTC (from the first job to the last)", y="rule set (n: jobs)")
    return ax


def _span(first: Any, last: Any) -> tuple[Any, Any]:
    """Give the ends of the axis: a little room at either side, an hour at least."""
    room = max((last - first) / 30, np.timedelta64(1, "h"))
    return max(first - room, _DATES[0]), min(last + room, _DATES[1])
