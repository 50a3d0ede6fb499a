"""Jobs that are stuck, as bars."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def stuck_jobs(jobs: pd.DataFrame, *, as_of: str | dt.datetime, ax: Axes | None = None) -> Axes:
    """Which unfinished jobs are older than any job of their kind ever got?

    Parameters
    ----------
    jobs, as_of
        As for ``metrics.stuck_jobs``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each stuck job, as long as its age; the black line across it is the longest duration among
        the jobs it is compared with. The axis is linear up to 1 s, and logarithmic beyond. Of more than 40 jobs, those
        furthest beyond are drawn, and the title says how many. Without stuck jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.stuck_jobs`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "status": ["COMPLETED", "RUNNING", "RUNNING"],
    ...     "outcome": ["matched", "unfinished", "unfinished"],
    ...     "created_at": pd.to_datetime(["2026-02-02 10:00", "2026-02-02 10:01", "2026-02-02 11:59"], utc=True),
    ...     "duration_s": [90.0, None, None],
    ... })
    >>> ax = stuck_jobs(jobs, as_of="2026-02-02 12:00", ax=Figure().subplots())
    >>> ax.get_title()
    'Stuck jobs, n = 1 unfinished job'
    """
    return draw_stuck_jobs(metrics.stuck_jobs(jobs, as_of=as_of), len(jobs), ax=ax)


def draw_stuck_jobs(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.stuck_jobs``, of so many jobs."""
    shown = table.iloc[: _style.MOST_ROWS]
    ax = _style.axes(ax, len(shown))
    if len(shown):
        y = np.arange(len(shown))
        ax.barh(y, shown["age_s"], 0.7, **_style.outcome_fill("unfinished"))
        ax.vlines(shown["longest_s"], y - 0.4, y + 0.4, color="black", linewidth=2.0)
        _style.row_labels(ax, [_style.display_text(job, 24) for job in shown["job_id"]])
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(min(0.0, shown["longest_s"].min()), 2.0 * shown["age_s"].max())
        ax.minorticks_off()
    else:
        _style.say_empty(ax, "no stuck jobs" if n_jobs else "no jobs")
    title = f"Stuck jobs, {_style.n_jobs(len(table), 'unfinished')}" + _bars.left_out("jobs", len(shown), len(table))
    x = "age, seconds (black line: longest duration of finished jobs of the kind)"
    _style.name(ax, title=title, x=x, y="job")
    return ax
