"""Which types the answers give, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def type_breakdown(jobs: pd.DataFrame, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Which types do the answers give?

    Parameters
    ----------
    jobs, by
        As for ``metrics.type_breakdown``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each type, and one for no match; with ``by``, one for each group side by side. Its length
        is the share, the line Wilson's interval at 95 %, the number the count. Of more than 40 types or 8
        groups, those with the most answers are drawn, and the title says how many. Without answers, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.type_breakdown`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": ["matched", "matched", "no_match", "failed"],
    ...     "type": pd.Categorical(["invoice", "invoice", None, None], ["invoice", "letter"]),
    ... })
    >>> ax = type_breakdown(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Types of the answers, n = 3 answered jobs'
    """
    return draw_type_breakdown(metrics.type_breakdown(jobs, by=by), len(jobs), by=by, ax=ax)


def draw_type_breakdown(table: pd.DataFrame, n_jobs: int, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.type_breakdown``, of so many jobs."""
    n_groups = 1 if by is None else table[by].nunique(dropna=False)
    n_types = len(table) // max(n_groups, 1)
    ax = _bars.share_axes(ax, table, n_types)
    n = int(table["count"].sum())
    title = f"Types of the answers, {_style.n_jobs(n, 'answered')}"
    if n:
        types = table["type"].iloc[:n_types]
        title += _bars.share_bars(ax, table, _style.group_labels(types, "no match"), _style.fills(types), by)
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="share of the answered jobs, 0 to 1 (line: 95 % interval; number: jobs)", y="type")
    return ax
