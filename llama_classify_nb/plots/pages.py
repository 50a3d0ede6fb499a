"""Which pages the jobs were told to read, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_SCOPES = 25
_USUAL, _ODD = 0, 5  # places of fills: blue, and red with a hatch


def pages_in_scope(jobs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Which pages were the jobs told to read?

    Parameters
    ----------
    jobs
        As for ``metrics.pages_in_scope``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each scope, as long as its number of jobs; rows with the same words are one bar. Those that
        are odd are hatched. Of more than 25 scopes, those with the most jobs are drawn. Without jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.pages_in_scope`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"target_pages": ["1,3,5-7", None, "5-3"], "max_pages": [None, 10, None]})
    >>> ax = pages_in_scope(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Pages in scope, n = 3 jobs'
    """
    return draw_pages_in_scope(metrics.pages_in_scope(jobs), len(jobs), ax=ax)


def draw_pages_in_scope(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.pages_in_scope``, of so many jobs."""
    scopes = table.assign(odd=table["odd"].notna()).groupby("page_scope", sort=False)
    rows = scopes.agg(n_jobs=("n_jobs", "sum"), odd=("odd", "any")).reset_index()
    rows = rows.sort_values("n_jobs", ascending=False, kind="stable").iloc[:_MOST_SCOPES]
    ax = _style.axes(ax, len(rows))
    title = f"Pages in scope, {_style.n_jobs(n_jobs)}"
    if n_jobs:
        bars = ax.barh(np.arange(len(rows)), rows["n_jobs"], 0.7, **_style.fill(_USUAL))
        ax.bar_label(bars, [f"{count:,}" for count in rows["n_jobs"]], padding=3, fontsize=8)
        for bar, odd in zip(bars, rows["odd"], strict=True):
            bar.update(_style.fill(_ODD if odd else _USUAL))
        if rows["odd"].any():
            kinds = {bool(odd): bar for bar, odd in zip(bars, rows["odd"], strict=True)}
            names = {False: "as documented", True: "odd"}
            _style.legend(ax, "page scope", list(kinds.values()), [names[kind] for kind in kinds])
        _style.row_labels(ax, [_style.display_text(scope, 60) for scope in rows["page_scope"]])
        ax.margins(x=0.15)
        _style.whole_numbers(ax.xaxis)
        title += _bars.left_out("scopes", len(rows), scopes.ngroups)
    else:
        _style.say_empty(ax)
    _style.name(ax, title=title, x="count (jobs)", y="page scope")
    return ax
