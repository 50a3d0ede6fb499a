"""When the jobs were made, and how long they took, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from ..metrics.over_time import FREQUENCIES
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = {"h": "%Y-%m-%d %H:%M", "D": "%Y-%m-%d", "W": "%Y-%m-%d", "M": "%Y-%m"}
_LONGEST_HOURS = {"h": 1, "D": 24, "W": 168, "M": 744}
_LONGEST_GAP = 100
_MOST_TICKS = 10


def jobs_over_time(jobs: pd.DataFrame, *, freq: str = "D", by: str | None = "outcome", ax: Axes | None = None) -> Axes:
    """When were the jobs made?

    Parameters
    ----------
    jobs, freq, by
        As for ``metrics.jobs_over_time``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A bar for each period, as high as its count; with ``by``, the bars of the groups stand on one another (of more
        than 40 groups, the smallest together). Periods stand side by side, at 0, 1, 2 … along the axis, labelled with
        their start in UTC; an empty stretch of more than 100 periods is a dotted line. Jobs without a time stand at
        the right, labelled "no time". Without jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.jobs_over_time`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "matched"],
    ...     "created_at": pd.to_datetime(["2026-02-02 07:00", "2026-02-02 08:00", "2026-02-04 07:00"], utc=True),
    ... })
    >>> ax = jobs_over_time(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Jobs over time, n = 3 jobs'
    """
    return draw_jobs_over_time(metrics.jobs_over_time(jobs, freq=freq, by=by), len(jobs), freq=freq, by=by, ax=ax)


def draw_jobs_over_time(
    table: pd.DataFrame, n_jobs: int, *, freq: str = "D", by: str | None = "outcome", ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.jobs_over_time``, of so many jobs."""
    ax = _style.axes(ax)
    if n_jobs:
        n_groups = 1 if by is None else table[by].nunique(dropna=False)
        counts = table["count"].to_numpy().reshape(-1, n_groups).T
        shown = _folded(counts.sum(axis=0))
        periods, counts = table["period"].iloc[::n_groups].iloc[shown], counts[:, shown]
        width = np.full(len(periods), 0.85 if len(periods) <= 200 else 1.0)
        left = np.arange(len(periods)) - width / 2
        _bars.stack(ax, counts, left, width, None if by is None else table[by].iloc[:n_groups])
        _label_periods(ax, periods, freq)
        _mark_gaps(ax, periods, freq)
    else:
        _style.say_empty(ax)
    length = FREQUENCIES[freq].partition(",")[0]
    _style.name(
        ax,
        title=f"Jobs over time, {_style.n_jobs(n_jobs)}",
        x=f"{length} of creation (UTC)",
        y=f"count (jobs per {length})",
    )
    return ax


def _label_periods(ax: Axes, periods: pd.Series, freq: str) -> None:
    step = -(-len(periods) // _MOST_TICKS)
    ticks = np.arange(0, len(periods), step)
    if periods.isna().iloc[-1]:
        # The last place is that of the jobs without a time: it has its label, and no other stands in its way.
        ticks = np.append(ticks[ticks <= len(periods) - 1 - max(step // 2, 1)], len(periods) - 1)
    labels = ["no time" if pd.isna(start) else start.strftime(_FORMATS[freq]) for start in periods.iloc[ticks]]
    ax.set_xticks(ticks, labels, rotation=30, ha="right", rotation_mode="anchor", fontsize=8, **_style.PLAIN)
    ax.set_xlim(-0.6, max(len(periods), 3) - 0.4)


def _folded(counts: np.ndarray) -> np.ndarray:
    """Give the places to draw: all but those in long empty stretches, which would press the rest together."""
    some = np.flatnonzero(counts)
    long = np.flatnonzero(np.diff(some) > _LONGEST_GAP + 1)
    return np.concatenate([np.arange(part[0], part[-1] + 1) for part in np.split(some, long + 1)])


def _mark_gaps(ax: Axes, periods: pd.Series, freq: str) -> None:
    """Draw a dotted line between two periods that don't follow each other."""
    start = periods.dropna().dt.tz_localize(None).to_numpy()
    hours = np.diff(start) / np.timedelta64(1, "h")
    for place in np.flatnonzero(hours > _LONGEST_HOURS[freq]):
        ax.axvline(place + 0.5, color=_style.EDGE, linestyle=":", linewidth=1.0)


def durations(jobs: pd.DataFrame, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """How long did finished jobs take?

    Parameters
    ----------
    jobs, by
        As for ``metrics.durations``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        One row, or one for each group: the bar goes from the median to the 95 % quantile, the line across it is the
        90 % quantile, and the thin line goes from the least to the greatest. The axis is linear up to 1 s, and
        logarithmic beyond. Of more than 40 groups, the 40 with the most jobs are drawn. Without durations, the Axes
        say so.

    Raises
    ------
    ArgumentError
        As ``metrics.durations`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"outcome": ["matched", "matched", "failed"], "duration_s": [1.0, 3.0, None]})
    >>> ax = durations(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Durations, n = 2 finished jobs (1 more without a time)'
    """
    return draw_durations(metrics.durations(jobs, by=by), len(jobs), by=by, ax=ax)


def draw_durations(table: pd.DataFrame, n_jobs: int, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.durations``, of so many jobs."""
    n, n_missing = int(table["n"].sum()), int(table["n_missing"].sum())
    shown = _style.most(table["n"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 2 * len(shown))
    if n:
        labels = ["all"] if by is None else _style.group_labels(table[by])
        fills = [_style.fill(0)] if by is None else _style.group_fills(table[by])
        for y, row in enumerate(table.iloc[shown].itertuples()):
            if row.n:
                _span(ax, y, row, fills[shown[y]])
        _style.row_labels(ax, [f"{labels[place]}  n = {table['n'].iloc[place]:,}" for place in shown])
        _scale(ax, table)
    else:
        _style.say_empty(ax, "no finished jobs with a duration" if n_jobs else "no jobs")
    title = f"Durations, {_style.n_jobs(n, 'finished')}" + (
        f" ({n_missing:,} more without a time)" if n_missing else ""
    )
    title += _bars.left_out("groups", len(shown), len(table))
    x = "duration, seconds (thin: min to max; bar: median, q90, q95)"
    _style.name(ax, title=title, x=x, y="jobs" if by is None else str(by))
    return ax


def _span(ax: Axes, y: int, row: Any, look: dict[str, Any]) -> None:
    ax.hlines(y, row.min, row.max, color=_style.EDGE, linewidth=1.0, zorder=1)
    ax.plot([row.min, row.max], [y, y], marker="|", color=_style.EDGE, linestyle="none", markersize=8, zorder=1)
    ax.barh(y, row.q95 - row.median, 0.5, row.median, zorder=2, **look)
    ax.vlines(row.median, y - 0.3, y + 0.3, color="black", linewidth=2.5, zorder=3)
    ax.vlines(row.q90, y - 0.25, y + 0.25, color="black", linewidth=1.0, zorder=3)


def _scale(ax: Axes, table: pd.DataFrame) -> None:
    """Take a scale that shows the middle and the longest at once."""
    ax.set_xscale("symlog", linthresh=1.0)
    low, high = table["min"].min(), max(table["max"].max(), 1.0)
    ax.set_xlim(1.3 * low if low < 0 else 0, 1.3 * high)
    powers = 10.0 ** np.arange(0, 16)
    if high <= 100 and low >= 0:
        ticks = np.array([0, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100])
    else:
        ticks = np.concatenate([-powers[::-1], [0], powers])
    ticks = ticks[(ticks >= 1.3 * low if low < 0 else ticks >= 0) & (ticks <= 1.3 * high)]
    ax.set_xticks(ticks, [f"{tick:,.12g}" for tick in ticks], rotation=30 if len(ticks) > 8 else 0)
    ax.minorticks_off()
