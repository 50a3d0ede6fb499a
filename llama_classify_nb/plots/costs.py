"""What jobs and accepted answers cost, as bars and as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARS = (("mean", "job", 0), ("per_accepted", "accepted answer", 1))
_LINES = ("-", "--", ":", "-.")


def costs(jobs: pd.DataFrame, *, by: str | None = None, threshold: float = 0.0, ax: Axes | None = None) -> Axes:
    """How many credits do the jobs cost, and how many does each accepted answer?

    Parameters
    ----------
    jobs, by, threshold
        As for ``metrics.costs``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        For each group a bar for the mean cost of a job and one for the cost of an accepted answer, with their intervals
        at 95 %; one without an upper end runs to the edge. Of more than 40 groups, those with the most jobs are drawn.
        Without jobs that state their usage, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.costs`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed", "matched"],
    ...     "confidence": [0.95, 0.60, 0.40, None, 0.9],
    ...     "credits": [3.0, 3.0, 6.0, 1.0, None],
    ...     "parse_credits": [3.0, 3.0, 6.0, None, None],
    ... })
    >>> ax = costs(jobs, threshold=0.9, ax=Figure().subplots())
    >>> ax.get_title()
    'Credits, n = 4 jobs with usage'
    """
    return draw_costs(metrics.costs(jobs, by=by, threshold=threshold), len(jobs), by=by, threshold=threshold, ax=ax)


def draw_costs(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, threshold: float = 0.0, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.costs``, of so many jobs."""
    table = table[table["n"] > 0].reset_index(drop=True)
    shown = table.iloc[_style.most(table["n"].to_numpy(), _style.MOST_ROWS)]
    ax = _style.axes(ax, 2 * len(shown))
    n = int(table["n"].sum())
    title = f"Credits, {_style.n_jobs(n)} with usage"
    if n:
        edge = _edge(shown)
        handles = [_one_kind(ax, shown, name, place, edge) for name, _, place in _BARS]
        _style.legend(ax, "credits per", handles, [label for _, label, _ in _BARS])
        _style.row_labels(ax, _labels(shown, by))
        ax.set_xlim(min(0.0, float(shown["mean_lower"].min(skipna=True) or 0)), edge)
        title += _bars.left_out("groups", len(shown), len(table))
    else:
        _style.say_empty(ax, "no jobs with usage" if n_jobs else "no jobs")
    x = f"credits (accepted: confidence from {threshold:g}; line: 95 % interval)"
    _style.name(ax, title=title, x=x, y="all jobs" if by is None else str(by))
    return ax


def _edge(table: pd.DataFrame) -> float:
    ends = table[["mean", "mean_upper", "per_accepted", "per_accepted_upper"]].to_numpy()
    # One interval without much of an end must not squeeze all bars.
    longest = 3 * float(np.nanmax(table[["mean", "per_accepted"]].to_numpy()))
    finite = ends[np.isfinite(ends)]
    return 1.05 * min(float(finite.max()), longest) or 1.0


def _one_kind(ax: Axes, table: pd.DataFrame, name: str, place: int, edge: float) -> object:
    y = np.arange(len(table)) + (place - 0.5) * 0.4
    value = table[name].to_numpy()
    bars = ax.barh(y, np.nan_to_num(value), 0.4, **_style.fill(place))
    lower, upper = (table[f"{name}_{end}"].to_numpy() for end in ("lower", "upper"))
    known = ~np.isnan(lower)
    reach = np.array([np.maximum(value - lower, 0), np.maximum(np.minimum(upper, 2 * edge) - value, 0)])
    ax.errorbar(value[known], y[known], xerr=reach[:, known], fmt="none", ecolor="black", elinewidth=1.0, capsize=2.0)
    return bars


def _labels(table: pd.DataFrame, by: str | None) -> list[str]:
    if by is None:
        names = [""]
    elif isinstance(table[by].dtype, pd.DatetimeTZDtype):
        names = ["no time" if pd.isna(one) else f"{one:%Y-%m-%d}" for one in table[by]]
    else:
        names = _style.group_labels(table[by], "no match" if by == "type" else None)
    return [f"{name}  n = {n:,}".strip() for name, n in zip(names, table["n"], strict=True)]


def cost_curve(jobs: pd.DataFrame, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """How does the cost of an accepted answer rise with the threshold?

    Parameters
    ----------
    jobs, by
        As for ``metrics.cost_curve``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Credits per accepted answer (on a logarithmic scale) over the threshold, in steps: one line, or one for each
        of the at most 8 groups with the most jobs. Without accepted answers that state their usage, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.cost_curve`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed", "matched"],
    ...     "confidence": [0.95, 0.60, 0.40, None, 0.9],
    ...     "credits": [3.0, 3.0, 6.0, 1.0, None],
    ... })
    >>> ax = cost_curve(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Cost of an accepted answer, n = 4 jobs with usage'
    """
    return draw_cost_curve(metrics.cost_curve(jobs, by=by), len(jobs), by=by, ax=ax)


def draw_cost_curve(table: pd.DataFrame, n_jobs: int, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.cost_curve``, of so many jobs."""
    ax = _style.axes(ax, 10)
    key = table[by] if by is not None else pd.Series("", index=table.index)
    groups = [part for _, part in table.groupby(key, sort=False, dropna=False, observed=True)]
    sizes = np.array([int(part["n"].iloc[0]) for part in groups], dtype=np.int64)
    shown = _style.most(sizes, _style.MOST_GROUPS)
    title = f"Cost of an accepted answer, {_style.n_jobs(int(sizes.sum()))} with usage"
    if len(groups):
        for place in shown:
            part = groups[place].iloc[::-1]
            style: dict[str, Any] = {
                "color": _style.COLOURS[place % len(_style.COLOURS)],
                "linestyle": _LINES[place % len(_LINES)],
            }
            # A threshold between two confidences accepts what the higher one does.
            ax.plot(part["threshold"], part["per_accepted"], drawstyle="steps-pre", linewidth=2, **style)
        if (table["per_accepted"] > 0).all():
            ax.set_yscale("log")
            _plain_numbers(ax)
        ax.set_xlim(0, 1)
        title += _bars.left_out("groups", len(shown), len(groups))
        if by is not None:
            first = pd.concat([groups[place].iloc[:1] for place in shown])
            _style.legend(ax, by, list(ax.lines), [label.split("  n = ")[0] for label in _labels(first, by)])
    else:
        _style.say_empty(ax, "no accepted answers with usage" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="threshold: least confidence accepted, 0 to 1", y="credits per accepted answer")
    return ax


def _plain_numbers(ax: Axes) -> None:
    """Write 10 and 200, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
