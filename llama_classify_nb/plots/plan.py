"""The plan of an audit: how many labels each stratum gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from . import _bars, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def audit_plan(
    jobs: pd.DataFrame,
    *,
    goal: str = "accuracy",
    margin: float = 0.03,
    assurance: float = 0.95,
    target: float = 0.95,
    pilot: pd.DataFrame | None = None,
    budget: int | None = None,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Who should be read, so that the accuracy is known, or a threshold found, with the fewest labels?

    Parameters
    ----------
    jobs, goal, margin, assurance, target, pilot, budget, rules, by
        As for ``metrics.audit_plan``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        A bar for each stratum: labels so far, to be drawn now, and later. Beside it, how many jobs there are, and how
        many of them are expected to be right. Of more than 40 strata, the 40 with the most labels are drawn.

    Raises
    ------
    ArgumentError
        As ``metrics.audit_plan`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> confidence = [0.5 + 0.0005 * i for i in range(1000)]
    >>> jobs = pd.DataFrame({"job_id": range(1000), "outcome": "matched", "type": "memo", "confidence": confidence})
    >>> ax = audit_plan(jobs, margin=0.05, ax=Figure().subplots())
    >>> ax.get_title()
    'Pilot for accuracy, n = 1,000 jobs'
    """
    options: dict[str, Any] = {"margin": margin, "assurance": assurance, "target": target}
    options |= {"pilot": pilot, "budget": budget}
    return draw_audit_plan(metrics.audit_plan(jobs, goal=goal, rules=rules, by=by, **options), goal=goal, by=by, ax=ax)


def draw_audit_plan(
    plan: pd.DataFrame, *, goal: str = "accuracy", by: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.audit_plan``."""
    table = plan[plan["stratum"] != "all"].reset_index(drop=True)
    shown = _style.most(table["n"].to_numpy(), _style.MOST_ROWS)
    ax = _style.axes(ax, 1.2 * len(shown) + 2)
    n = int(table["n_jobs"].sum())
    title = f"{'Pilot' if plan.attrs['stage'] == 'pilot' else 'Plan'} for {goal}, {_style.n_jobs(n)}"
    if n:
        part = table.iloc[shown]
        left = np.zeros(len(part))
        later = (part["n"] - part["n_labelled"] - part["n_to_draw"]).clip(lower=0)
        for place, (name, count) in enumerate(
            {"labelled": part["n_labelled"], "to draw now": part["n_to_draw"], "later": later}.items()
        ):
            look = {**_style.fill((2, 1, -1)[place]), "label": name}
            ax.barh(np.arange(len(part)), count, 0.7, left, **look)
            left = left + np.asarray(count)
        _style.row_labels(ax, _names(part, by))
        for y, (end, row) in enumerate(zip(left, part.to_dict("records"), strict=True)):
            rate = "" if pd.isna(row["expected_accuracy"]) else f", ~{row['expected_accuracy']:.0%} right"
            text = f"{end:,.0f} of {row['n_jobs']:,}{rate}"
            ax.annotate(text, (end, y), (4, 0), textcoords="offset points", va="center", fontsize=8, **_style.PLAIN)
        ax.set_xlim(0, 2.1 * max(left.max(), 1))
        handles, texts = ax.get_legend_handles_labels()
        _style.legend(ax, "labels", handles, texts)
        title += _bars.left_out("strata", len(shown), len(table))
    else:
        _style.say_empty(ax)
    _style.name(ax, title=title, x=f"labels{_total(plan)}" if n else "labels", y="stratum")
    return ax


def _names(part: pd.DataFrame, by: str | None) -> list[str]:
    names = []
    groups = [""] * len(part) if by is None else [f"{one} · " for one in _style.group_labels(part[by])]
    for group, row in zip(groups, part.to_dict("records"), strict=True):
        name = row["outcome"]
        if not np.isnan(row["confidence_from"]):
            name += f" {row['confidence_from']:.3g} to {row['confidence_to']:.3g}"
        names.append(_style.display_text(f"{group}{name}", 60))
    return names


def _total(plan: pd.DataFrame) -> str:
    last = plan.iloc[-1]
    if last["stratum"] != "all":
        return f" ({int(plan['n'].sum()):,} in all)"
    simple = f"; a random sample would need {last['n_simple_random']:,}"
    return f" ({last['n']:,} for ± {last['half_width']:.3f}{simple})"
