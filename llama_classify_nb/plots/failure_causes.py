"""What lies behind failures, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: By whether asking again may help, 1 yes, 0 no, -1 unknown: what the legend says, and the fill; pieces in this order.
AGAIN: dict[int, tuple[str, dict[str, Any]]] = {
    1: ("may help", _style.fill(0)),
    0: ("won't help", _style.outcome_fill("failed")),
    -1: ("unknown", _style.fill(-1)),
}


def failure_causes(jobs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What lies behind the failures, and may asking again help?

    Parameters
    ----------
    jobs
        As for ``metrics.failure_causes``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each cause, the most frequent first, made of a piece for each answer to whether asking
        again may help, as long as the jobs of its templates. The number at its end is the count of the cause. Without
        failed jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.failure_causes`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b"],
    ...     "outcome": "failed",
    ...     "error_message": ["HTTP 503 from upstream", "File x.pdf is encrypted"],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03"], utc=True),
    ... })
    >>> ax = failure_causes(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Causes of failures, n = 2 failed jobs'
    """
    return draw_failure_causes(metrics.failure_causes(jobs), len(jobs), ax=ax)


def draw_failure_causes(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.failure_causes``, of so many jobs."""
    n = int(table["count"].sum())
    again = table["retryable"].fillna(False).astype(int).where(table["retryable"].notna(), -1)
    counts = table.assign(again=again).pivot_table("count", "cause", "again", "sum", fill_value=0, observed=True)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    ax = _style.axes(ax, len(counts))
    if n:
        _pieces(ax, counts)
        _style.row_labels(ax, [str(cause) for cause in counts.index])
        ax.margins(x=0.1)
        _style.whole_numbers(ax.xaxis)
    else:
        _style.say_empty(ax, "no failed jobs" if n_jobs else "no jobs")
    _style.name(ax, title=f"Causes of failures, {_style.n_jobs(n, 'failed')}", x="count (jobs)", y="cause")
    return ax


def _pieces(ax: Axes, counts: pd.DataFrame) -> None:
    foot = np.zeros(len(counts))
    handles, labels = [], []
    for again, (answer, fill) in AGAIN.items():
        if again in counts:
            width = counts[again].to_numpy()
            some = np.flatnonzero(width)
            handles.append(ax.barh(some, width[some], 0.7, foot[some], **fill))
            labels.append(answer)
            foot += width
    for place, count in enumerate(foot):
        ax.annotate(
            f"{count:,.0f}", (count, place), (4, 0), textcoords="offset points", va="center", fontsize=8, **_style.PLAIN
        )
    _style.legend(ax, "asking again", handles, labels)
