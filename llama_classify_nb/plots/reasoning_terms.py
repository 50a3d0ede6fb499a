"""Distinctive words of reasonings, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def reasoning_terms(
    jobs: pd.DataFrame,
    *,
    by: str = "type",
    split: float | None = None,
    most: int = 15,
    most_read: int | None = 20_000,
    assurance: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Which words are distinctive for the reasonings of each type, or of unsure against sure answers?

    Parameters
    ----------
    jobs, by, split, most, most_read, assurance
        As for ``metrics.reasoning_terms``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        For each group its most telling words, in the order of the table but for those of a type's name, as many as
        make 40 rows: the bar is the share of the group's reasonings that hold the word, the diamond that of the others.
        Of more than 40 groups, those with the most reasonings are drawn. Where no word is distinctive, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.reasoning_terms`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": range(80),
    ...     "outcome": "matched",
    ...     "type": ["memo", "letter"] * 40,
    ...     "confidence": 0.9,
    ...     "reasoning": ["It has an interoffice heading.", "It opens with Dear and has a heading."] * 40,
    ... })
    >>> ax = reasoning_terms(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Distinctive words by type, n = 80 reasonings'
    """
    return draw_reasoning_terms(
        metrics.reasoning_terms(jobs, by=by, split=split, most=most, most_read=most_read, assurance=assurance),
        len(jobs),
        by=by,
        ax=ax,
    )


def draw_reasoning_terms(table: pd.DataFrame, n_jobs: int, *, by: str = "type", ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.reasoning_terms``, of so many jobs."""
    n_words = len(table)
    table = table[~table["in_type_name"]]
    key = pd.Series(pd.factorize(table[by], use_na_sentinel=False)[0], index=table.index)
    sizes = table["n"].groupby(key).first().to_numpy()
    groups = _style.most(sizes, _style.MOST_ROWS)
    rows = table[key.isin(groups)]
    rows = rows[rows.groupby(key[rows.index]).cumcount() < max(_style.MOST_ROWS // max(len(groups), 1), 1)]
    ax = _style.axes(ax, len(rows))
    n = int(sizes.sum())
    title = f"Distinctive words by {_style.display_text(by)}, n = {n:,} reasonings"
    if len(rows):
        bars = ax.barh(np.arange(len(rows)), rows["share"], 0.8)
        for bar, look in zip(bars, _style.group_fills(rows[by]), strict=True):
            bar.update(look)
        rest: dict[str, Any] = {
            "marker": "D",
            "color": "white",
            "markeredgecolor": "black",
            "markersize": 4,
            "linestyle": "none",
        }
        ax.plot(rows["share_rest"], np.arange(len(rows)), **rest)
        names = _style.group_labels(rows[by], "no match" if by == "type" else None)
        labels = [f"{name}: {_style.display_text(word, 30)}" for name, word in zip(names, rows["word"], strict=True)]
        _style.row_labels(ax, [_style.display_text(label, 60) for label in labels])
        ax.set_xlim(-0.01, 1.02)
        title += _bars.left_out("words", len(rows), n_words)
    else:
        _style.say_empty(ax, "no distinctive words" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="share of reasonings with the word (bar: the group; diamond: all others)", y="word")
    return ax
