"""What became of the jobs, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def status_breakdown(jobs: pd.DataFrame, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """How many jobs finished, failed, or are open?

    Parameters
    ----------
    jobs, by
        As for ``metrics.status_breakdown``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each outcome and status; with ``by``, one for each group side by side. Its length is the
        share, the line Wilson's interval at 95 %, the number the count. Of more than 8 groups, those with the most jobs
        are drawn, and the title says how many. Without jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.status_breakdown`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "no_match", "failed", "unfinished"],
    ...     "status": ["COMPLETED", "COMPLETED", "FAILED", "RUNNING"],
    ... })
    >>> ax = status_breakdown(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Outcomes, n = 4 jobs'
    """
    return draw_status_breakdown(metrics.status_breakdown(jobs, by=by), len(jobs), by=by, ax=ax)


def draw_status_breakdown(table: pd.DataFrame, n_jobs: int, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.status_breakdown``, of so many jobs."""
    n_groups = 1 if by is None else table[by].nunique(dropna=False)
    n_rows = len(table) // max(n_groups, 1)
    ax = _bars.share_axes(ax, table, n_rows)
    title = f"Outcomes, {_style.n_jobs(n_jobs)}"
    if n_jobs:
        one = table.iloc[:n_rows]
        labels = [
            str(outcome) if pd.isna(status) or count == 0 else f"{outcome} ({_style.display_text(status, 20)})"
            for outcome, status, count in zip(one["outcome"], one["status"], _totals(table, n_rows), strict=True)
        ]
        title += _bars.share_bars(ax, table, labels, _style.group_fills(one["outcome"]), by)
    else:
        _style.say_empty(ax)
    _style.name(
        ax,
        title=title,
        x="share of the jobs, 0 to 1 (line: 95 % interval; number: jobs)",
        y="outcome (status)",
    )
    return ax


def _totals(table: pd.DataFrame, n_rows: int) -> list[int]:
    return [int(total) for total in table["count"].to_numpy().reshape(-1, n_rows).sum(axis=0)]
