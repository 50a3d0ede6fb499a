"""How steady answers are when the same is asked again, as points with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Column, its interval's prefix, what the legend says, marker, colour, and its place within the row.
_POINTS = (
    ("agreement", "n", "all answers alike", "o", "#0072B2", 0.0),
    ("error_unstable", "n_labelled_unstable", "wrong, answer changed", "X", "#D55E00", 0.22),
    ("error_stable", "n_labelled", "wrong, answer stayed", "s", "#009E73", 0.36),
)


def rerun_stability(
    jobs: pd.DataFrame,
    labels: pd.DataFrame | None = None,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """If the same is asked again, does the same answer come, and are changed answers wrong more often?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As for ``metrics.rerun_stability``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A row for all, or for each group: the total agreement, and with labels the share of wrong first answers among
        questions whose answer changed, and among the others, with their intervals. Of more than 40 groups, the 40 with
        the most questions are drawn. Where nothing was asked twice, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.rerun_stability`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "rule_set": "r",
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-02", "2026-02-03", "2026-02-03"], utc=True),
    ... })
    >>> ax = rerun_stability(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Reruns, n = 2 questions asked again'
    """
    return draw_rerun_stability(
        metrics.rerun_stability(jobs, labels, rules=rules, by=by, level=level), len(jobs), by=by, level=level, ax=ax
    )


def draw_rerun_stability(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.rerun_stability``, of so many jobs."""
    n = int(table["n"].sum())
    shown = _style.most(table["n"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 2 * len(shown))
    title = f"Reruns, n = {n:,} question{'' if n == 1 else 's'} asked again"
    if n:
        part = table.iloc[shown]
        for name, of, label, marker, colour, offset in _POINTS:
            if part[of].any():
                rate = part[name].to_numpy()
                ends = np.maximum(rate - part[f"{name}_lower"], 0), np.maximum(part[f"{name}_upper"] - rate, 0)
                y = np.arange(len(part)) + offset
                look: dict[str, Any] = {"fmt": marker, "color": colour, "capsize": 2, "markersize": 6, "label": label}
                ax.errorbar(rate, y, xerr=ends, **look)
        names = ["all"] if by is None else _style.group_labels(part[by], "no match" if by == "type" else None)
        numbers = zip(names, part["n"], part["n_unstable"], strict=True)
        _style.row_labels(ax, [f"{name}  n = {count:,}, {changed:,} changed" for name, count, changed in numbers])
        ax.set_xlim(-0.02, 1.02)
        _style.legend(ax, "share", *ax.get_legend_handles_labels())
        title += _bars.left_out("groups", len(shown), len(table))
        if by is None and not np.isnan(table["p_value"].iloc[0]):
            title += f"\nchanged answers wrong more often at like confidence: p = {table['p_value'].iloc[0]:.3g}"
    else:
        _style.say_empty(ax, "nothing was asked twice" if n_jobs else "no jobs")
    x = f"share of the questions, 0 to 1 (line: {level:.0%} interval)"
    _style.name(ax, title=title, x=x, y="questions" if by is None else _style.display_text(by))
    return ax
