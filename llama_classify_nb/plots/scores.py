"""How right the answers are by type, and what is taken for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = {"precision": ("o", "#0072B2", -0.17), "recall": ("s", "#D55E00", 0.17)}


def scores_by_type(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """How right are the answers of each type?

    Parameters
    ----------
    jobs, labels, rules, by, level
        As for ``metrics.scores_by_type``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A row for each type (and group) with a label or an answer: precision and recall, with their intervals. Of more
        than 40 rows, the 40 with the most labels are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.scores_by_type`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": ["a", "b", "c"], "outcome": "matched", "type": ["memo", "letter", "memo"]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b", "c"], "label": ["memo", "memo", "letter"]})
    >>> ax = scores_by_type(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Scores by type, n = 3 labelled jobs'
    """
    return draw_scores_by_type(
        metrics.scores_by_type(jobs, labels, rules=rules, by=by, level=level), len(jobs), by=by, level=level, ax=ax
    )


def draw_scores_by_type(
    table: pd.DataFrame, n_jobs: int, *, by: str | None = None, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.scores_by_type``, of so many jobs."""
    n = int(table["n_labelled"].sum())
    table = table[(table["n_labelled"] > 0) | (table["n_answered"] > 0)].reset_index(drop=True)
    shown = _style.most(table["n_labelled"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 1.4 * len(shown))
    title = f"Scores by type, {_style.n_jobs(n, 'labelled')}"
    if len(table):
        part = table.iloc[shown]
        for name, (marker, colour, offset) in _LOOKS.items():
            rate = part[name].to_numpy()
            ends = np.maximum(rate - part[f"{name}_lower"], 0), np.maximum(part[f"{name}_upper"] - rate, 0)
            y = np.arange(len(part)) + offset
            ax.errorbar(rate, y, xerr=ends, fmt=marker, color=colour, capsize=2, markersize=5, label=name)
        names = _style.group_labels(part["type"])
        if by is not None:
            names = [f"{a} · {b}" for a, b in zip(names, _style.group_labels(part[by]), strict=True)]
        _style.row_labels(ax, [f"{one}  n = {n:,}" for one, n in zip(names, part["n_labelled"], strict=True)])
        ax.set_xlim(-0.02, 1.02)
        handles, texts = ax.get_legend_handles_labels()
        _style.legend(ax, "score", handles, texts)
        title += _bars.left_out("rows", len(shown), len(table))
    else:
        _style.say_empty(ax, "no labelled answers" if n_jobs else "no jobs")
    x = f"precision and recall, 0 to 1 (interval: {level:.0%}; n: labels)"
    _style.name(ax, title=title, x=x, y="type" if by is None else f"type · {_style.display_text(by)}")
    return ax


def confusion_matrix(
    jobs: pd.DataFrame, labels: pd.DataFrame, *, rules: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """What is taken for what?

    Parameters
    ----------
    jobs, labels, rules
        As for ``metrics.confusion_matrix``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A row for each label with jobs, a column for each answer, then one for each outcome without a type. Cells are as
        dark as their share of the row, and show it in percent under the count; empty ones show nothing. Of more than 40
        labels or answers, the 40 most frequent are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.confusion_matrix`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": ["a", "b"], "outcome": ["matched", "failed"], "type": ["memo", None]})
    >>> labels = pd.DataFrame({"job_id": ["a", "b"], "label": ["memo", "memo"]})
    >>> ax = confusion_matrix(jobs, labels, ax=Figure().subplots())
    >>> ax.get_title()
    'Confusion, n = 2 labelled jobs'
    """
    return draw_confusion_matrix(metrics.confusion_matrix(jobs, labels, rules=rules), len(jobs), ax=ax)


def draw_confusion_matrix(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.confusion_matrix``, of so many jobs."""
    n = int(table["count"].sum())
    n_labels = table["label"].nunique()
    ax = _style.axes(ax, 1.9 * min(n_labels, _style.MOST_ROWS) + 4)
    title = f"Confusion, {_style.n_jobs(n, 'labelled')}"
    if n:
        counts = table["count"].to_numpy().reshape(n_labels, -1)
        first = table.iloc[: counts.shape[1]]
        names = _style.group_labels(table["label"].iloc[:: counts.shape[1]])
        answers = [
            _style.display_text(f"({outcome})" if pd.isna(kind) else kind)
            for kind, outcome in zip(first["type"], first["outcome"], strict=True)
        ]
        rows = np.array([place for place in _style.most(counts.sum(axis=1), _style.MOST_ROWS) if counts[place].any()])
        columns = _style.most(counts.sum(axis=0), _style.MOST_ROWS)
        columns = np.array(
            [place for place in columns if counts[:, place].any() or pd.notna(first["type"].iloc[place])]
        )
        _cells(ax, counts[np.ix_(rows, columns)], counts.sum(axis=1)[rows])
        _style.row_labels(ax, [f"{names[place]}  n = {counts[place].sum():,}" for place in rows])
        look: dict[str, Any] = {"rotation": 45, "ha": "right", "fontsize": 10}
        if len(columns) > 15:  # slanted, so many long names would lie on each other
            look = {"rotation": 90, "ha": "center", "fontsize": 7}
        ax.set_xticks(range(len(columns)), [answers[place] for place in columns], **look)
        for text in ax.get_xticklabels():
            text.update(_style.PLAIN)
        title += _bars.left_out("labels", len(rows), n_labels)
    else:
        _style.say_empty(ax, "no labelled jobs" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="answer (in brackets: no type)", y="label")
    return ax


def _cells(ax: Axes, counts: np.ndarray, n: np.ndarray) -> None:
    share = counts / n[:, None]
    _style.cells(ax, share, 1)
    size = 8 if counts.shape[1] <= 14 else 5
    for (y, x), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[y, x] > 0.55 else "black"
            look = {"ha": "center", "va": "center", "fontsize": size, "color": colour, **_style.PLAIN}
            has_share = counts.shape[1] <= 14
            ax.text(x, y - 0.17 if has_share else y, f"{count:,}", **look)
            if has_share:
                ax.text(x, y + 0.2, f"{share[y, x]:.0%}", **look)
