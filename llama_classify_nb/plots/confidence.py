"""How confident the answers are, as a histogram and as boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confidence_distribution(
    jobs: pd.DataFrame, *, by: str | None = None, bins: int = 20, ax: Axes | None = None
) -> Axes:
    """How confident are the answers?

    Parameters
    ----------
    jobs, by, bins
        As for ``metrics.confidence_distribution``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A bar for each bin with jobs, as high as its count and as wide as the bin; with ``by``, the bars of the groups
        stand on one another (of more than 40 groups, the smallest together). No bar is drawn for an empty bin. Without
        answers, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.confidence_distribution`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"outcome": ["matched"] * 4, "confidence": [0.0, 0.5, 0.95, 1.0]})
    >>> ax = confidence_distribution(jobs, bins=2, ax=Figure().subplots())
    >>> ax.get_title()
    'Confidence, n = 4 answered jobs'
    """
    return draw_confidence_distribution(
        metrics.confidence_distribution(jobs, by=by, bins=bins), len(jobs), by=by, bins=bins, ax=ax
    )


def draw_confidence_distribution(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, bins: int = 20, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.confidence_distribution``, of so many jobs."""
    ax = _style.axes(ax)
    n = int(table["count"].sum())
    if n:
        counts = table["count"].to_numpy().reshape(-1, bins)
        left = table["lower"].to_numpy()[:bins]
        groups = None if by is None else table[by].iloc[::bins]
        width = table["upper"].to_numpy()[:bins] - left
        _bars.stack(ax, counts, left, width, groups, "no match" if by == "type" else None)
        ax.set_xlim(0, 1)
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    _style.name(
        ax,
        title=f"Confidence, {_style.n_jobs(n, 'answered')}",
        x="confidence, 0 to 1",
        y=f"count (jobs per {1 / bins:.3g})",
    )
    return ax


def confidence_by_type(jobs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How surely is each type answered?

    Parameters
    ----------
    jobs
        As for ``metrics.confidence_by_type``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A row for each type, and one for no match: the box holds the middle half of the answers (q25 to q75), the line
        across it is the median, the diamond the mean, and the thin line goes from the least to the greatest. Of more
        than 40 types, the 40 with the most answers are drawn. Without answers, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.confidence_by_type`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "matched", "no_match"],
    ...     "type": pd.Categorical(["invoice", "invoice", "invoice", None], ["invoice", "letter"]),
    ...     "confidence": [0.5, 1.0, 1.0, 0.25],
    ... })
    >>> ax = confidence_by_type(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Confidence by type, n = 4 answered jobs'
    """
    return draw_confidence_by_type(metrics.confidence_by_type(jobs), len(jobs), ax=ax)


def draw_confidence_by_type(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.confidence_by_type``, of so many jobs."""
    shown = _style.most(table["n"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, len(shown))
    n = int(table["n"].sum())
    title = f"Confidence by type, {_style.n_jobs(n, 'answered')}"
    if n:
        labels, fills = _style.group_labels(table["type"], "no match"), _style.fills(table["type"])
        for y, row in enumerate(table.iloc[shown].itertuples()):
            if row.n:
                _box(ax, y, row, fills[shown[y]])
        _style.row_labels(ax, [f"{labels[place]}  n = {table['n'].iloc[place]:,}" for place in shown])
        ax.set_xlim(-0.02, 1.02)
        title += _bars.left_out("rows", len(shown), len(table))
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    x = "confidence, 0 to 1 (box: middle half; line: median; diamond: mean)"
    _style.name(ax, title=title, x=x, y="type")
    return ax


def _box(ax: Axes, y: int, row: Any, look: dict[str, Any]) -> None:
    ax.hlines(y, row.min, row.max, color=_style.EDGE, linewidth=1.0, zorder=1)
    ax.barh(y, row.q75 - row.q25, 0.6, row.q25, zorder=2, **look)
    ax.vlines(row.median, y - 0.3, y + 0.3, color="black", linewidth=2.5, zorder=3)
    ax.plot(row.mean, y, marker="D", color="white", markeredgecolor="black", markersize=5, linestyle="none", zorder=4)
