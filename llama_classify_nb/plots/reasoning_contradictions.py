"""Reasonings that speak against their own answer, as bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import metrics
from ..metrics._counts import categorical
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KINDS = {
    "other_rule": "argues for another rule",
    "other_criteria": "cites another rule's criteria",
    "hedged": "hedges at high confidence",
    "sure": "is sure at low confidence",
}


def reasoning_contradictions(
    jobs: pd.DataFrame,
    rules: pd.DataFrame,
    *,
    high: float = 0.9,
    low: float = 0.6,
    least: float = 0.7,
    fewest: int = 3,
    hedges: Mapping[str, float] | Iterable[str] = (),
    certainties: Mapping[str, float] | Iterable[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Which reasonings speak against their own answer?

    Parameters
    ----------
    jobs, rules, high, low, least, fewest, hedges, certainties
        As for ``metrics.reasoning_contradictions``, whose rows are counted.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A horizontal bar for each type that has such reasonings, with a part for each kind, as long as its count. Of
        more than 40 types, those with the most are drawn. Where nothing is found, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.reasoning_contradictions`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> rules = pd.DataFrame({"rule_set": "r", "type": ["invoice", "receipt"], "description": ["asks to pay", "paid"]})
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "outcome": "matched",
    ...     "type": ["invoice", "invoice", "receipt"],
    ...     "confidence": [0.95, 0.95, 0.4],
    ...     "reasoning": [
    ...         "It has line items. The receipt rule would be a better match.",
    ...         "It asks to pay and is not a receipt, although it resembles a receipt.",
    ...         "This is definitely paid.",
    ...     ],
    ...     "rule_set": "r",
    ... })
    >>> ax = reasoning_contradictions(jobs, rules, ax=Figure().subplots())
    >>> ax.get_title()
    'Reasonings against their answer, n = 2 jobs'
    """
    return draw_reasoning_contradictions(
        metrics.reasoning_contradictions(
            jobs, rules, high=high, low=low, least=least, fewest=fewest, hedges=hedges, certainties=certainties
        ),
        len(jobs),
        ax=ax,
    )


def draw_reasoning_contradictions(table: pd.DataFrame, n_jobs: int, *, ax: Axes | None = None) -> Axes:
    """Draw the rows of ``metrics.reasoning_contradictions``, of so many jobs."""
    counts = pd.crosstab(table["type"].cat.codes, table["kind"].cat.codes)
    counts = counts.iloc[np.argsort(counts.index.to_numpy() < 0, kind="stable")]  # no match comes last
    counts = counts.reindex(columns=range(len(_KINDS)), fill_value=0)
    shown = _style.most(counts.sum(axis=1).to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, len(shown))
    title = f"Reasonings against their answer, {_style.n_jobs(int(table['job_id'].nunique()))}"
    if len(table):
        left = np.zeros(len(shown))
        handles = []
        for kind in range(len(_KINDS)):
            count = counts[kind].to_numpy()[shown]
            handles.append(ax.barh(np.arange(len(shown)), count, 0.7, left, **_style.fill(kind)))
            left += count
        codes = counts.index.to_numpy()[shown]
        types = pd.Series(categorical(codes, table["type"].dtype), name="type")
        _style.row_labels(ax, _style.group_labels(types, "no match"))
        _style.legend(ax, "the reasoning", handles, list(_KINDS.values()))
        _style.whole_numbers(ax.xaxis)
        title += _bars.left_out("types", len(shown), len(counts))
    else:
        _style.say_empty(ax, "no contradictions found" if n_jobs else "no jobs")
    _style.name(ax, title=title, x="count (contradictions: a job may have several)", y="type")
    return ax
