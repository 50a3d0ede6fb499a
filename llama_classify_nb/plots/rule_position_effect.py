"""Whether the place of a rule matters, as bars to either side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rule_position_effect(jobs: pd.DataFrame, rules: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Does an earlier place in the list win more than the same rule later?

    Parameters
    ----------
    jobs, rules
        As for ``metrics.rule_position_effect``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        For all rules, and for each that can be compared: to the right the answers that changed with the order of two
        rules, to the left those that changed against it, with the verdict. Of more than 40 rows, those with the
        most files are drawn. Where nothing can be told, the Axes say why.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_position_effect`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": ["r1", "r1", "r2", "r2"], "position": [0, 1, 0, 1],
    ...     "type": ["memo", "letter", "letter", "memo"], "description": ["a", "b", "b", "a"]})
    >>> jobs = pd.DataFrame({"rule_set": ["r1"] * 9 + ["r2"] * 9, "file_input": list("abcdefghi") * 2,
    ...     "outcome": "matched", "type": ["memo"] * 9 + ["letter"] * 8 + ["memo"]})
    >>> ax = rule_position_effect(jobs, rules, ax=Figure().subplots())
    >>> ax.get_title()
    "Effect of a rule's place, n = 9 files answered in both orders"
    """
    return draw_rule_position_effect(metrics.rule_position_effect(jobs, rules), len(jobs), ax=ax)


def draw_rule_position_effect(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.rule_position_effect``, of so many jobs."""
    n = int(table["n_files"].iloc[0])
    shown = _style.most(table["n_files"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 1.5 * len(shown))
    title = f"Effect of a rule's place, n = {n:,} file{'' if n == 1 else 's'} answered in both orders"
    if n:
        part = table.iloc[shown]
        y = np.arange(len(part))
        ax.barh(y, part["n_with"], 0.7, **_style.fill(0), label="to the rule that is earlier")
        ax.barh(y, -part["n_against"], 0.7, **_style.fill(1), label="to the rule that is later")
        ax.axvline(0, color=_style.EDGE, linewidth=0.8)
        most = max(int(part[["n_with", "n_against"]].to_numpy().max()), 1)
        for place, ahead, verdict in zip(y, part["n_with"], part["verdict"].astype(str), strict=True):
            ax.annotate(
                verdict, (ahead, place), (4, 0), textcoords="offset points", va="center", fontsize=8, **_style.PLAIN
            )
        names = _style.group_labels(part["type"], "all rules")
        _style.row_labels(ax, [f"{name}  n = {files:,}" for name, files in zip(names, part["n_files"], strict=True)])
        ax.set_xlim(-1.15 * most, 2.4 * most)
        _style.whole_numbers(ax.xaxis)
        ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
        _style.legend(ax, "answers went", *ax.get_legend_handles_labels())
        title += _bars.left_out("rows", len(shown), len(table))
    else:
        _style.say_empty(ax, "cannot be told: no file was answered in both orders" if n_jobs else "no jobs")
    _style.name(
        ax, title=title, x="files whose answer changed between rules whose order is reversed", y="type (n: files)"
    )
    return ax
