"""Whether confidences are what they say, and what accepting answers from some confidence up costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_STRIP = 0.16  # height of the strip of counts under the curve, in units of the y axis


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
    ax: Axes | None = None,
) -> Axes:
    """Are answers right as often as their confidence says?

    Parameters
    ----------
    jobs, labels, rules, by, kind, bins, closed, with_zero, no_match, level
        As for ``metrics.calibration_curve``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A point for each bin at its mean confidence and its accuracy, with the interval of the accuracy; where
        confidences are what they say, points lie on the dashed line. The strip below shows how many jobs each bin has.
        Of more than 8 groups, the 8 with the most jobs are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.calibration_curve`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.9, 1.0]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "letter", "memo"]})
    >>> ax = calibration_curve(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Calibration, n = 3 labelled jobs'
    """
    options: dict[str, Any] = {"kind": kind, "bins": bins, "closed": closed, "with_zero": with_zero}
    options |= {"no_match": no_match, "level": level}
    return draw_calibration_curve(
        metrics.calibration_curve(jobs, labels, rules=rules, by=by, **options), len(jobs), by=by, level=level, ax=ax
    )


def draw_calibration_curve(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.calibration_curve``, of so many jobs."""
    ax = _style.axes(ax, 13)
    n = int(table["n"].sum())
    if n:
        ax.plot([0, 1], [0, 1], linestyle="--", color=_style.EDGE, linewidth=1, zorder=1)
        parts = _groups(table, by, "n")
        for number, (_, part, look) in enumerate(parts):
            mean, rate = part["confidence"].to_numpy(), part["accuracy"].to_numpy()
            below = np.maximum(rate - part["accuracy_lower"].to_numpy(), 0)
            above = np.maximum(part["accuracy_upper"].to_numpy() - rate, 0)
            ax.errorbar(mean, rate, yerr=(below, above), fmt="none", ecolor=look["line"], elinewidth=1.2, capsize=2)
            ax.plot(mean, rate, marker=look["marker"], color=look["line"], linewidth=1, markersize=6, zorder=3)
            width = 0.02 / max(1, len(parts) / 2)
            height = part["n"].to_numpy() / max(one["n"].max() for _, one, _ in parts) * (_STRIP - 0.03)
            place = mean + (number - (len(parts) - 1) / 2) * width
            ax.bar(place, height, width, -_STRIP, color=look["line"], alpha=0.7, zorder=2)
        ax.axhline(0, color=_style.EDGE, linewidth=0.8)
        _counts(ax, table, by)
        ax.set_xlim(-0.02, 1.02)
        ax.set_ylim(-_STRIP, 1.04)
        ax.set_yticks(np.arange(0, 1.01, 0.2))
        _legend(ax, by, parts)
    else:
        _style.say_empty(ax, _empty(n_jobs))
    _style.name(
        ax,
        title=f"Calibration, {_style.n_jobs(n, 'labelled')}",
        x="mean confidence of the bin, 0 to 1 (strip: jobs in each bin)",
        y=f"accuracy, 0 to 1 (interval: {level:.0%})",
    )
    return ax


def risk_coverage_curve(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    no_match: bool = False,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """If answers are accepted from some confidence up: how many are, and how many of these are wrong?

    Parameters
    ----------
    jobs, labels, rules, by, no_match, level
        As for ``metrics.risk_coverage_curve``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Risk over coverage, a point for each threshold; the shaded band is the interval of each by itself. Of more than
        8 groups, the 8 with the most jobs are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.risk_coverage_curve`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.9, 0.8, 0.9]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "letter", "memo"]})
    >>> ax = risk_coverage_curve(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Risk and coverage, n = 3 labelled jobs'
    """
    return draw_risk_coverage_curve(
        metrics.risk_coverage_curve(jobs, labels, rules=rules, by=by, no_match=no_match, level=level),
        len(jobs),
        by=by,
        level=level,
        ax=ax,
    )


def draw_risk_coverage_curve(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.risk_coverage_curve``, of so many jobs."""
    ax = _style.axes(ax, 10)
    n = draw_risks(ax, table, by) if len(table) else 0
    if not n:
        _style.say_empty(ax, _empty(n_jobs))
    _style.name(
        ax,
        title=f"Risk and coverage, {_style.n_jobs(n, 'labelled')}",
        x="coverage: share of answers accepted",
        y=f"risk: share of these that are wrong (band: {level:.0%})",
    )
    return ax


def draw_risks(ax: Axes, table: pd.DataFrame, by: str | None) -> int:
    """Draw the rows of ``metrics.risk_coverage_curve``; give how many jobs they are of."""
    parts = _groups(table, by, "n", last=True)
    highest = 0.0
    for _, part, look in parts:
        coverage, risk = part["coverage"].to_numpy(), part["risk"].to_numpy()
        ax.fill_between(
            coverage, part["risk_lower"].to_numpy(), part["risk_upper"].to_numpy(), color=look["line"], alpha=0.18
        )
        marker = look["marker"] if len(part) <= 40 else ""
        ax.plot(coverage, risk, color=look["line"], linestyle=look["style"], marker=marker, markersize=4)
        # The first few labels alone say next to nothing: their band would dwarf the rest.
        highest = max(highest, part["risk_upper"].to_numpy()[coverage >= min(0.1, coverage.max())].max())
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, min(1.0, 1.08 * highest) or 1.0)
    _legend(ax, by, parts)
    return int(table["n"].max() if by is None else table.groupby(by, dropna=False, observed=True)["n"].max().sum())


def _groups(
    table: pd.DataFrame, by: str | None, size: str, *, last: bool = False
) -> list[tuple[Any, pd.DataFrame, dict[str, Any]]]:
    """Give each group's value, rows and look, of at most 8 groups."""
    if by is None:
        return [(None, table, _look(0))]
    values = table[by].drop_duplicates().reset_index(drop=True)
    parts = [table[table[by].isna() if pd.isna(value) else (table[by] == value)] for value in values]
    counts = np.array([int(part[size].max() if last else part[size].sum()) for part in parts])
    shown = _style.most(counts, _style.MOST_GROUPS)
    return [(values[place], parts[place], _look(number)) for number, place in enumerate(shown)]


def _look(number: int) -> dict[str, Any]:
    # In grey, marks and line styles tell groups apart.
    lines = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#882255", "#E69F00", "#56B4E9", "#333333")
    return {"line": lines[number % 8], "marker": "osD^<vPX"[number % 8], "style": ("-", "--", "-.", ":")[number % 4]}


def _counts(ax: Axes, table: pd.DataFrame, by: str | None) -> None:
    """Write the count of each bin over its bar, where bins are few."""
    if by is not None or len(table) > 12:
        return
    for mean, n in zip(table["confidence"], table["n"], strict=True):
        height = n / table["n"].max() * (_STRIP - 0.03) - _STRIP
        ax.annotate(
            f"{n:,}", (mean, height), (0, 1), textcoords="offset points", ha="center", fontsize=7, **_style.PLAIN
        )


def _legend(ax: Axes, by: str | None, parts: list[tuple[Any, pd.DataFrame, dict[str, Any]]]) -> None:
    if by is None:
        return
    from matplotlib.lines import Line2D

    looks = [look for _, _, look in parts]
    handles = [Line2D([], [], color=look["line"], marker=look["marker"], linestyle=look["style"]) for look in looks]
    groups = pd.Series([value for value, _, _ in parts], name=by, dtype=object)
    _style.legend(ax, by, handles, _style.group_labels(groups))


def _empty(n_jobs: int) -> str:
    return "no labelled answers with a confidence" if n_jobs else "no jobs"
