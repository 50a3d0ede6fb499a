"""What is wrong with the rules, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import metrics
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACES = {"error": 5, "warning": 1, "hint": 0}


def rule_lint(rules: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """What is wrong with the rules as they are written?

    Parameters
    ----------
    rules
        As for ``metrics.rule_lint``, whose rows are counted.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A bar for each check with findings, the gravest first, as long as their number; colour and hatch show the
        severity.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_lint`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1, 2], "type": ["memo", "Memo ", "letter"],
    ...     "description": ["Internal correspondence", "To, From and Re", "A letter, not a memo"]})
    >>> ax = rule_lint(rules, ax=Figure().subplots())
    >>> ax.get_title()
    'Findings in the rules, n = 3 rules'
    """
    return draw_rule_lint(metrics.rule_lint(rules), len(rules), ax=ax)


def draw_rule_lint(table: pd.DataFrame, n_rules: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.rule_lint``, of so many rules."""
    counts = table.groupby(["severity", "check"], observed=True).size().reset_index(name="count")
    ax = _style.axes(ax, 1.5 * len(counts))
    if len(counts):
        seen: dict[str, object] = {}
        for y, (severity, count) in enumerate(zip(counts["severity"].astype(str), counts["count"], strict=True)):
            seen[severity] = ax.barh(y, count, 0.7, **_style.fill(_PLACES[severity]))
            ax.annotate(f"{count:,}", (count, y), (4, 0), textcoords="offset points", va="center", fontsize=8)
        _style.row_labels(ax, [str(check).replace("_", " ") for check in counts["check"]])
        ax.set_xlim(0, 1.12 * counts["count"].max())
        _style.whole_numbers(ax.xaxis)
        _style.legend(ax, "severity", list(seen.values()), list(seen))
    else:
        _style.say_empty(ax, "nothing found" if n_rules else "no rules")
    _style.name(
        ax, title=f"Findings in the rules, n = {n_rules:,} rule{'' if n_rules == 1 else 's'}", x="findings", y="check"
    )
    return ax
