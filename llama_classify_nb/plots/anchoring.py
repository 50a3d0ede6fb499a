"""How often labels agree with answers, with and without sight of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The fills of labels given without, and with, sight of the answer.
_PLACES = {"blind": 0, "seen": 1}


def anchoring(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Do people who see the answer agree with it more often than those who don't?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As for ``metrics.anchoring``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Two bars, or two for each group: the share of labels that agree with the answer, blind and seen, with their
        intervals and how many labels there are. Of one group, the label below tells the difference. Of more than 40
        groups, the 40 with the most labels are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.anchoring`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": range(100), "outcome": "matched", "type": "memo"})
    >>> labels = pd.DataFrame({"job_id": range(100), "seen_prediction": [False] * 50 + [True] * 50,
    ...                        "label": ["memo"] * 35 + ["letter"] * 15 + ["memo"] * 45 + ["letter"] * 5})
    >>> ax = anchoring(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Agreement with the answer, n = 100 labels'
    """
    return draw_anchoring(
        metrics.anchoring(jobs, labels, rules=rules, by=by, level=level), len(jobs), by=by, level=level, ax=ax
    )


def draw_anchoring(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.anchoring``, of so many jobs."""
    n_labels = (table["n_blind"] + table["n_seen"]).to_numpy()
    shown = _style.most(n_labels, _style.MOST_ROWS)
    ax = _style.axes(ax, 2.4 * len(shown))
    n = int(n_labels.sum())
    title = f"Agreement with the answer, n = {n:,} label{'' if n == 1 else 's'}"
    x = f"share that agrees ({level:.0%} intervals)"
    if n:
        part = table.iloc[shown]
        y = np.arange(len(part))
        for offset, (name, place) in zip((-0.2, 0.2), _PLACES.items(), strict=True):
            _draw(ax, part, name, y + offset, place)
        names = ["all labels"] if by is None else _style.group_labels(part[by])
        _style.row_labels(ax, names)
        ax.set_xlim(0, 1.2)
        ax.set_xticks(np.linspace(0, 1, 6))
        handles, texts = ax.get_legend_handles_labels()
        _style.legend(ax, "the answer was", handles, texts)
        title += _bars.left_out("groups", len(shown), len(table))
        if by is None and not np.isnan(part["difference"].item()):
            row = part.iloc[0]
            ends = f"{row['difference_lower']:+.1%} to {row['difference_upper']:+.1%}"
            x += f"; shown less hidden: {row['difference']:+.1%} ({ends}), p = {row['p_value']:.2g}"
    else:
        _style.say_empty(ax, "no labels that say whether the answer was seen" if n_jobs else "no jobs")
    _style.name(ax, title=title, x=x, y=by or "labels")
    return ax


def _draw(ax: Axes, part: pd.DataFrame, name: str, y: np.ndarray, place: int) -> None:
    share = part[f"agreement_{name}"].fillna(0.0)
    label = {"blind": "hidden", "seen": "shown"}[name]
    ax.barh(y, share, 0.36, label=label, **_style.fill(place))
    below = (share - part[f"agreement_{name}_lower"]).clip(lower=0)
    above = (part[f"agreement_{name}_upper"] - share).clip(lower=0)
    ax.errorbar(share, y, xerr=(below, above), fmt="none", ecolor="black", elinewidth=1.0, capsize=2.0)
    ends = part[f"agreement_{name}_upper"].fillna(0.0)
    for count, end, at in zip(part[f"n_{name}"], ends, y, strict=True):
        size = 8 if len(part) <= 20 else 6
        ax.annotate(
            f"{count:,}", (end, at), (4, 0), textcoords="offset points", va="center", fontsize=size, **_style.PLAIN
        )
