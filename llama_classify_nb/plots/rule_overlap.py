"""Which rules get in each other's way, as a matrix."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_EVIDENCE, _LINE, _SENTENCE, _NAME = 5, 84, 300, 24


def rule_overlap(
    jobs: pd.DataFrame,
    rules: pd.DataFrame,
    *,
    labels: pd.DataFrame | None = None,
    rule_set: str | None = None,
    evidence: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Which rules get in each other's way?

    Parameters
    ----------
    jobs, rules, labels, rule_set
        As for ``metrics.rule_overlap``, whose rows are drawn. Without ``rule_set``, the one that most jobs ran with.
    evidence : int
        For so many pairs of the highest score, up to 5, the evidence is written below: what speaks for the pair, and
        the first sentence that does.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A cell for each pair of types, as dark as its score, with the score in percent where there is room and it is 1 %
        or more; ``*`` stands in the row of the type whose description to sharpen. Of more than 40 types, those with the
        highest scores are drawn. Without jobs, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.rule_overlap`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1, 2], "type": ["invoice", "receipt", "letter"],
    ...     "description": ["asks for payment, with a total", "proves payment, with a total", "has a salutation"]})
    >>> jobs = pd.DataFrame({"outcome": "matched", "rule_set": "r1", "type": ["invoice", "receipt", "letter"],
    ...     "reasoning": ["Has a total, as a receipt does.", "Paid. It is not an invoice.", "Dear Sir."]})
    >>> ax = rule_overlap(jobs, rules, ax=Figure().subplots())
    >>> ax.get_title()
    'Overlap of rules, n = 3 jobs'
    """
    several = rules["rule_set"].nunique() if isinstance(rules, pd.DataFrame) and "rule_set" in rules else 0
    if rule_set is None and several:
        rule_set = _most_used(jobs, rules)
    table = metrics.rule_overlap(jobs, rules, labels=labels, rule_set=rule_set)
    n = int((jobs["rule_set"] == table["rule_set"].iloc[0]).sum()) if len(table) else 0
    return draw_rule_overlap(table, len(jobs), n_of_set=n, n_sets=several, evidence=evidence, ax=ax)


def draw_rule_overlap(
    table: pd.DataFrame, n_jobs: int, *, n_of_set: int, n_sets: int, evidence: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.rule_overlap`` for one of ``n_sets`` rule sets, with which ``n_of_set`` jobs ran."""
    n = n_of_set if len(table) else 0
    title = f"Overlap of rules, {_style.n_jobs(n)}{_bars.left_out('rule sets', 1, n_sets)}"
    below = ""
    if n:
        title += _matrix(table, ax := _style.axes(ax, 1.9 * min(_n_types(table), _style.MOST_ROWS) + 4))
        below = _evidence(table, evidence)
    else:
        ax = _style.axes(ax)
        _style.say_empty(ax, "no two rules that jobs ran with" if n_jobs else "no jobs")
    x = "type\n(dark, and number: % of all confusions expected; *: sharpen the type of this row)"
    _style.name(ax, title=title, x="", y="type")
    ax.set_xlabel(x + below, loc="left", fontsize=8, **_style.PLAIN)
    return ax


def _most_used(jobs: pd.DataFrame, rules: pd.DataFrame) -> str | None:
    if not isinstance(jobs, pd.DataFrame) or "rule_set" not in jobs:
        return None
    counts = jobs["rule_set"].astype(object).value_counts()
    names = pd.unique(rules["rule_set"].astype(object))
    most: str = max(names, key=lambda name: counts.get(name, 0))
    return most


def _n_types(table: pd.DataFrame) -> int:
    return len(set(table["type_a"]) | set(table["type_b"]))


def _matrix(table: pd.DataFrame, ax: Axes) -> str:
    kinds = list(dict.fromkeys([*table.sort_values("rank")["type_a"], *table["type_b"]]))
    order = pd.Index(_in_list_order(table, kinds), dtype=object)
    a, b = (order.get_indexer(pd.Index(table[name].astype(object))) for name in ("type_a", "type_b"))
    score, sharpen = np.full((len(order), len(order)), np.nan), np.zeros((len(order), len(order)), bool)
    score[a, b] = score[b, a] = table["score"]
    first = (table["sharpen"].astype(object) == table["type_a"].astype(object)).to_numpy(dtype=bool)
    sharpen[a, b], sharpen[b, a] = first, ~first
    shown = _style.most(np.round(np.nansum(score, axis=1) * 1e9).astype(np.int64) + 1, _style.MOST_ROWS)
    part = score[np.ix_(shown, shown)]
    _style.cells(ax, part, max(float(np.nanmax(score)), 1e-9))
    if len(shown) <= 20:
        _numbers(ax, part, sharpen[np.ix_(shown, shown)], float(np.nanmax(score)))
    names = [_style.display_text(kind, _NAME) for kind in order[shown]]
    _style.row_labels(ax, names)
    size = 10 if len(shown) <= 15 else 7
    ax.set_xticks(range(len(shown)), names, rotation=45, ha="right", fontsize=size)
    for text in ax.get_xticklabels():
        text.update(_style.PLAIN)
    return _bars.left_out("types", len(shown), len(order))


def _in_list_order(table: pd.DataFrame, kinds: list[str]) -> list[str]:
    """Give the types in the order of their rules: each comes first in as many pairs as there are types after it."""
    times = table["type_a"].astype(object).value_counts()
    return sorted(kinds, key=lambda kind: -times.get(kind, 0))


def _numbers(ax: Axes, score: np.ndarray, sharpen: np.ndarray, most: float) -> None:
    for (y, x), value in np.ndenumerate(score):
        if value >= 0.005:
            colour = "white" if value > 0.55 * most else "black"
            look = {"ha": "center", "va": "center", "fontsize": 8, "color": colour, **_style.PLAIN}
            ax.text(x, y, f"{value * 100:.0f}{'*' if sharpen[y, x] else ''}", **look)


def _evidence(table: pd.DataFrame, n: int) -> str:
    lines = []
    for row in table.iloc[: max(0, min(n, _MOST_EVIDENCE))].itertuples():
        pair = f"{_style.display_text(row.type_a)} / {_style.display_text(row.type_b)}"
        said = [row.evidence if isinstance(row.evidence, str) else "only the descriptions"]
        said += row.quotes.split(" · ")[:1] if isinstance(row.quotes, str) else []
        lines += textwrap.wrap(f"{pair}: {_style.display_text('; '.join(said), _SENTENCE)}", _LINE)
    return "".join(f"\n{line}" for line in lines)
