"""Why jobs failed, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_REASONS = 20


def failure_reasons(jobs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many jobs failed for which reason.

    Parameters
    ----------
    jobs
        As for ``metrics.failure_reasons``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each of the 20 most frequent reasons, as long as its count, and one for the rest together.
        Long reasons are shortened in the middle; the table has them whole. Without failed jobs, the Axes say so.
    """
    table = metrics.failure_reasons(jobs)
    n = int(table["count"].sum())
    top = table.iloc[:_MOST_REASONS]
    labels = [_style.display_text(reason, 60) for reason in top["reason"]]
    counts = top["count"].to_list()
    if len(table) > len(top):
        labels.append(f"{len(table) - len(top):,} other reasons")
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
        _style.say_empty(ax, "no failed jobs" if len(jobs) else "no jobs")
    _style.name(ax, title=f"Reasons of failures, {_style.n_jobs(n, 'failed')}", x="count (jobs)", y="reason")
    return ax
