"""Bars that several pictures share: shares with their intervals, and counts that stand on one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def share_axes(ax: Axes | None, table: pd.DataFrame, n_rows: int) -> Axes:
    """Give Axes with room for the bars of a table of shares that has ``n_rows`` rows for each group."""
    counts = table["count"].to_numpy().reshape(-1, max(n_rows, 1))
    rows = _style.most(counts.sum(axis=0), _style.MOST_ROWS)
    return _style.axes(ax, len(rows) * max(1.0, min(len(counts), _style.MOST_GROUPS) / 2))


def share_bars(
    ax: Axes, table: pd.DataFrame, labels: Sequence[str], fills: Sequence[dict[str, Any]], by: str | None
) -> str:
    """Draw a table of shares: a horizontal bar for each row, with its interval and its count.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    table : DataFrame
        ``count``, ``share``, ``share_lower``, ``share_upper``, and the column ``by``; as many rows for each group.
    labels, fills : sequence
        Label and fill of each row of a group. The fill is of the group instead where there are several.
    by : str or None
        The column of the groups.

    Returns
    -------
    str
        What the title must say of rows and groups that were left out.
    """
    counts = table["count"].to_numpy().reshape(-1, len(labels))
    rows = _style.most(counts.sum(axis=0), _style.MOST_ROWS)
    shown = _style.most(counts.sum(axis=1), _style.MOST_GROUPS)
    height = 0.8 / len(shown)
    groups = None if by is None else table[by].iloc[:: len(labels)]
    group_fills = None if groups is None else _style.group_fills(groups)
    handles = []
    for position, group in enumerate(shown):
        part = table.iloc[group * len(labels) + rows]
        y = np.arange(len(rows)) + (position - (len(shown) - 1) / 2) * height
        bars = ax.barh(y, part["share"].fillna(0.0), height)
        for bar, row in zip(bars, rows, strict=True):
            bar.update(fills[row] if group_fills is None else group_fills[group])
        handles.append(bars)
        _intervals(ax, part, y)
        _counts(ax, part, y, height)
    _style.row_labels(ax, [labels[row] for row in rows])
    # Room for the counts at the right.
    ax.set_xlim(0, 1.12 * table["share_upper"].max())
    if groups is not None:
        _style.legend(ax, str(by), handles, _style.group_labels(groups.iloc[shown]))
    return left_out("rows", len(rows), len(labels)) + left_out("groups", len(shown), len(counts))


def left_out(what: str, shown: int, of: int) -> str:
    """Say in a title how many of the table's rows or groups are drawn, if not all are."""
    return f" ({shown} of {of:,} {what} shown)" if shown < of else ""


def _intervals(ax: Axes, part: pd.DataFrame, y: np.ndarray) -> None:
    share = part["share"].to_numpy()
    # Rounding may put an end of the interval on the wrong side of the share by the last digit.
    below = np.maximum(share - part["share_lower"].to_numpy(), 0)
    above = np.maximum(part["share_upper"].to_numpy() - share, 0)
    ax.errorbar(share, y, xerr=(below, above), fmt="none", ecolor="black", elinewidth=1.0, capsize=2.0)


def _counts(ax: Axes, part: pd.DataFrame, y: np.ndarray, height: float) -> None:
    """Write each count beside its bar, where there is room for it."""
    if height < 0.2:
        return
    size = 8 if height > 0.3 and len(part) <= 30 else 6
    for count, end, place in zip(part["count"], part["share_upper"].fillna(0.0), y, strict=True):
        ax.annotate(
            f"{count:,}", (end, place), (4, 0), textcoords="offset points", va="center", fontsize=size, **_style.PLAIN
        )


def stack(
    ax: Axes,
    counts: np.ndarray,
    left: np.ndarray,
    width: np.ndarray,
    groups: pd.Series | None,
    missing: str | None = None,
) -> None:
    """Draw counts as vertical bars, those of the groups on one another; nothing is drawn for 0.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    counts : array of shape (groups, places)
        What to draw.
    left, width : array
        Left edge and width of each place.
    groups : Series or None
        The value of each group; None: there is one group, and no legend. Beyond 40, the groups with the fewest jobs
        are drawn together.
    missing : str, optional
        What the legend calls the group without a value.
    """
    if groups is None:
        fills, labels = [_style.fill(0)], [""]
    else:
        shown = _style.most(counts.sum(axis=1), _style.MOST_ROWS)
        fills = [_style.group_fills(groups)[group] for group in shown]
        labels = _style.group_labels(groups.iloc[shown], missing)
        if len(shown) < len(counts):
            others = np.delete(counts, shown, axis=0)
            counts = np.vstack([counts[shown], others.sum(axis=0)])
            fills.append({**_style.fill(-1), "facecolor": _style.OTHERS})
            labels.append(f"{len(others):,} others")
    foot = np.zeros(counts.shape[1])
    handles = []
    for count, look in zip(counts, fills, strict=True):
        some = np.flatnonzero(count)
        # Among hundreds of places, a dark edge would be all there is to see of a bar.
        thin = {"edgecolor": look["facecolor"], "hatch": ""} if len(left) > 200 else {}
        handles.append(ax.bar(left[some], count[some], width[some], foot[some], align="edge", **{**look, **thin}))
        foot += count
    _style.whole_numbers(ax.yaxis)
    if groups is not None:
        # The last group stands on top: so it does in the legend.
        _style.legend(ax, str(groups.name), handles[::-1], labels[::-1])
