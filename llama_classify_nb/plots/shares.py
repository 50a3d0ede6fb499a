"""How common each type really is, beside what the answers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def corrected_type_shares(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """How common is each type really, beyond what the answers say?

    Parameters
    ----------
    jobs, labels, rules, level
        As for ``metrics.corrected_type_shares``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A row for each type: the point with its interval is the corrected share, the open bar the raw one. Of more than
        40 types, the 40 that are answered most are drawn. Without labels, the picture says so.

    Raises
    ------
    ArgumentError
        As ``metrics.corrected_type_shares`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": range(100), "outcome": "matched", "type": ["memo"] * 60 + ["letter"] * 40})
    >>> labels = pd.DataFrame({"job_id": [*range(20), *range(60, 80)], "label": ["memo"] * 10 + ["letter"] * 30})
    >>> ax = corrected_type_shares(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Shares of types, corrected, n = 40 labelled jobs'
    """
    return draw_corrected_type_shares(
        metrics.corrected_type_shares(jobs, labels, rules=rules, level=level), len(jobs), level=level, ax=ax
    )


def draw_corrected_type_shares(
    table: pd.DataFrame, n_jobs: int, *, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.corrected_type_shares``, of so many jobs."""
    shown = _style.most(table["n_answered"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 1.2 * len(shown))
    n = int(table["n_labelled"].sum())
    title = f"Shares of types, corrected, {_style.n_jobs(n, 'labelled')}"
    if n:
        part = table.iloc[shown]
        y = np.arange(len(part))
        ax.barh(y, part["raw_share"], 0.6, facecolor=_style.MISSING, edgecolor=_style.EDGE, label="raw")
        share = part["share"].to_numpy()
        ends = np.maximum(share - part["share_lower"], 0), np.maximum(part["share_upper"] - share, 0)
        ax.errorbar(share, y, xerr=ends, fmt="D", color="#0072B2", capsize=3, markersize=5, label="corrected")
        marks = ["  *" if one else "" for one in part["differs"]]
        names = _style.group_labels(part["type"])
        _style.row_labels(ax, [f"{name}{mark}" for name, mark in zip(names, marks, strict=True)])
        ax.set_xlim(0, 1.05 * float(np.nanmax([part["share_upper"].max(), part["raw_share"].max()])))
        handles, texts = ax.get_legend_handles_labels()
        _style.legend(ax, "share", handles, texts)
        title += _bars.left_out("types", len(shown), len(table))
    else:
        _style.say_empty(ax, "no labelled answers" if n_jobs else "no jobs")
    x = f"share of scored jobs (simultaneous intervals: {level:.0%}; *: the raw share lies outside)"
    _style.name(ax, title=title, x=x, y="type")
    return ax
