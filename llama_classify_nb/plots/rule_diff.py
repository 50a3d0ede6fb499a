"""What changed from one rule set to another, as lines between two lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import metrics
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Each change differs in its line, not in its colour alone.
_LINES: dict[str, dict[str, Any]] = {
    "same": {"color": "#999999", "linestyle": "-", "linewidth": 1.0},
    "reordered": {"color": "#0072B2", "linestyle": "-", "linewidth": 2.5},
    "reworded": {"color": "#E69F00", "linestyle": "--", "linewidth": 2.5},
    "renamed": {"color": "#CC79A7", "linestyle": ":", "linewidth": 2.5},
}
_MARKS = {"removed": "x", "added": "P"}


def rule_diff(rules: pd.DataFrame, old: str, new: str, *, ax: Axes | None = None) -> Axes:
    """What changed from one rule set to another?

    Parameters
    ----------
    rules, old, new
        As for ``metrics.rule_diff``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        The rules of the old set at the left and those of the new one at the right, each at its place, and a line from
        each rule to itself, which shows its change. A cross is a rule that was removed, a plus one that was added. Of
        longer lists, the first 40 places are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_diff`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2", "r2"], "position": [0, 1, 0, 1],
    ...     "type": ["memo", "letter", "letter", "note"],
    ...     "description": ["To and From", "has a salutation", "has a salutation and closing", "few words"]})
    >>> ax = rule_diff(rules, "r1", "r2", ax=Figure().subplots())
    >>> ax.get_title()
    'From r1 to r2, n = 3 rules'
    """
    return draw_rule_diff(metrics.rule_diff(rules, old, new), old, new, ax=ax)


def draw_rule_diff(table: pd.DataFrame, old: str, new: str, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.rule_diff``."""
    places = table[["old_position", "new_position"]].astype("float64")
    most = int(places.max().max()) + 1
    shown = table[(places < _style.MOST_ROWS).any(axis=1)]
    ax = _style.axes(ax, 1.5 * min(most, _style.MOST_ROWS))
    handles: dict[str, Any] = {}
    ends = places.loc[shown.index].to_numpy()
    for change, (before, after) in zip(shown["change"].astype(str), ends, strict=True):
        if change in _MARKS:
            side, place = (0, before) if change == "removed" else (1, after)
            (handles[change],) = ax.plot(side, place, _MARKS[change], color=_style.EDGE, markersize=8)
        else:
            (handles[change],) = ax.plot([0, 1], [before, after], marker="o", markersize=4, **_LINES[change])
    size = 10 if most <= 20 else 7
    for side, name, gap in ((0, "old", -8), (1, "new", 8)):
        for place, kind in zip(shown[f"{name}_position"], shown[f"{name}_type"], strict=True):
            if pd.notna(place) and place < _style.MOST_ROWS:
                look: dict[str, Any] = {"ha": "right" if side == 0 else "left", "va": "center", "fontsize": size}
                text = f"{_style.display_text(kind, 30)}"
                ax.annotate(text, (side, place), (gap, 0), textcoords="offset points", **look, **_style.PLAIN)
    ax.set_xlim(-1.2, 2.2)
    ax.set_ylim(min(most, _style.MOST_ROWS) - 0.4, -0.6)
    ax.set_xticks([0, 1], ["old", "new"])
    _style.whole_numbers(ax.yaxis)
    _style.legend(ax, "change", list(handles.values()), list(handles))
    names = [_style.display_text(str(one)[:16]) for one in (old, new)]
    title = f"From {names[0]} to {names[1]}, n = {len(table):,} rule{'' if len(table) == 1 else 's'}"
    left_out = f" ({_style.MOST_ROWS} of {most:,} places shown)" if most > _style.MOST_ROWS else ""
    _style.name(ax, title=title + left_out, x="rule set", y="place in the list, from 0")
    return ax
