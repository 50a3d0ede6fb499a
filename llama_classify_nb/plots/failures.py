"""Why jobs failed, and where failures are more common, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_TEMPLATES = 20


def failure_templates(jobs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Why did jobs fail, by the messages that differ in their parameters alone?

    Parameters
    ----------
    jobs
        As for ``metrics.failure_templates``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each of the 20 most frequent templates, as long as its count, and one for the rest
        together. Long templates are shortened in the middle; the table has them whole. Without failed jobs, the Axes
        say so.

    Raises
    ------
    ArgumentError
        As ``metrics.failure_templates`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "outcome": ["failed", "failed", "failed"],
    ...     "error_message": ["user ann may not read x7.pdf", "user bob may not read y.pdf", None],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03", "2026-02-04"], utc=True),
    ... })
    >>> ax = failure_templates(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Messages of failures, n = 3 failed jobs'
    """
    return draw_failure_templates(metrics.failure_templates(jobs), len(jobs), ax=ax)


def draw_failure_templates(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.failure_templates``, of so many jobs."""
    n = int(table["count"].sum())
    top = table.iloc[:_MOST_TEMPLATES]
    labels = [_style.display_text(template, 60) for template in top["template"]]
    counts = top["count"].to_list()
    if len(table) > len(top):
        labels.append(f"{len(table) - len(top):,} other templates")
        counts.append(n - sum(counts))
    ax = _style.axes(ax, len(labels))
    if n:
        bars = ax.barh(np.arange(len(counts)), counts, 0.7, **_style.outcome_fill("failed"))
        if len(table) > len(top):
            bars[-1].update(_style.fill(-1))
        ax.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
        _style.row_labels(ax, labels)
        ax.margins(x=0.1)
        _style.whole_numbers(ax.xaxis)
    else:
        _style.say_empty(ax, "no failed jobs" if n_jobs else "no jobs")
    _style.name(ax, title=f"Messages of failures, {_style.n_jobs(n, 'failed')}", x="count (jobs)", y="template")
    return ax


def failure_rates(jobs: pd.DataFrame, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """How many of the finished jobs failed, here and there?

    Parameters
    ----------
    jobs, by
        As for ``metrics.failure_rates``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each group. Its length is the share, the line Wilson's interval at 95 %, the number the
        failed jobs; the label says how many finished. Weeks go from the top. Of more than 40 groups, those with the
        most finished jobs are drawn, and the title says how many. Without finished jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.failure_rates`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> outcomes = ["failed", "matched", "matched", "unfinished"]
    >>> jobs = pd.DataFrame({"outcome": outcomes, "lang": ["en", "en", "de", "de"]})
    >>> ax = failure_rates(jobs, by="lang", ax=Figure().subplots())
    >>> ax.get_title()
    'Failures among finished jobs, n = 3 finished jobs'
    """
    return draw_failure_rates(metrics.failure_rates(jobs, by=by), len(jobs), by=by, ax=ax)


def draw_failure_rates(table: pd.DataFrame, n_jobs: int, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.failure_rates``, of so many jobs."""
    n = int(table["n"].sum())
    shown = _style.most(table["n"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, len(shown))
    title = f"Failures among finished jobs, {_style.n_jobs(n, 'finished')}"
    title += _bars.left_out("groups", len(shown), len(table))
    if n:
        labels = ["all"] if by is None else _labels(table[by])
        rows = table.iloc[shown].reset_index(drop=True)
        names = [f"{labels[place]}  n = {table['n'].iloc[place]:,}" for place in shown]
        fills = [_style.outcome_fill("failed")] * len(rows)
        _bars.share_bars(ax, rows, names, fills, None)
    else:
        _style.say_empty(ax, "no finished jobs" if n_jobs else "no jobs")
    x = "share that failed, 0 to 1 (line: 95 % interval; number: failed jobs)"
    _style.name(ax, title=title, x=x, y="jobs" if by is None else str(by))
    return ax


def _labels(groups: pd.Series) -> list[str]:
    if isinstance(groups.dtype, pd.DatetimeTZDtype):
        return ["no time" if pd.isna(one) else one.strftime("%Y-%m-%d") for one in groups]
    return _style.group_labels(groups)
