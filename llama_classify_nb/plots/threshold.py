"""The certified threshold, where it lies on the curve of risk and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .. import metrics
from . import _style
from .calibration import draw_risks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def precision_threshold(
    jobs: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    target: float = 0.95,
    assurance: float = 0.95,
    rules: pd.DataFrame | None = None,
    by: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Above which confidence may I stop checking?

    Parameters
    ----------
    jobs, labels, target, assurance, rules, by
        As for ``metrics.precision_threshold``, whose rows are marked.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Risk over coverage of the labels, as ``risk_coverage_curve`` draws them; the dashed line is the risk that the
        target allows, and a star at the risk and coverage of the labels marks each certified threshold, listed with the
        share of all answers that it accepts. Where none can be certified, the picture says so.

    Raises
    ------
    ArgumentError
        As ``metrics.precision_threshold`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({"job_id": range(298), "outcome": "matched", "type": "memo",
    ...                      "confidence": [0.95] * 193 + [0.92] * 43 + [0.85] * 62})
    >>> wrong = [*range(5), 193, 194, *range(236, 261)]
    >>> labels = pd.DataFrame({"job_id": range(298), "label": "memo"})
    >>> labels.loc[wrong, "label"] = "letter"
    >>> ax = precision_threshold(jobs, labels, target=0.94, ax=Figure().subplots())
    >>> ax.get_title()
    'Certified at 95%, n = 298 labelled jobs'
    """
    found = metrics.precision_threshold(jobs, labels, target=target, assurance=assurance, rules=rules, by=by)
    curve = metrics.risk_coverage_curve(jobs, labels, rules=rules, by=by)
    return draw_precision_threshold(found, curve, len(jobs), target=target, assurance=assurance, by=by, ax=ax)


def draw_precision_threshold(
    found: pd.DataFrame,
    curve: pd.DataFrame,
    n_jobs: int,
    *,
    target: float = 0.95,
    assurance: float = 0.95,
    by: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rows of ``metrics.precision_threshold`` on those of ``risk_coverage_curve``, of so many jobs."""
    ax = _style.axes(ax, 10)
    n = draw_risks(ax, curve, by) if len(curve) else 0
    if n:
        ax.axhline(1 - target, color=_style.EDGE, linestyle="--", linewidth=1)
        top = ax.get_ylim()[1]
        ax.set_ylim(0, max(top, 1.3 * (1 - target)))
        _marks(ax, curve, found, by)
    else:
        _style.say_empty(ax, "no labelled answers with a confidence" if n_jobs else "no jobs")
    _style.name(
        ax,
        title=f"Certified at {assurance:.0%}, {_style.n_jobs(n, 'labelled')}",
        x="coverage: share of labelled answers accepted",
        y=f"risk: share of these wrong (- -: {1 - target:.3g})",
    )
    return ax


def _marks(ax: Axes, curve: pd.DataFrame, found: pd.DataFrame, by: str | None) -> None:
    lines, n_none = [], 0
    names = (
        [""] * len(found)
        if by is None
        else [f"{_style.display_text(one, 20)}: " for one in _style.group_labels(found[by])]
    )
    for group, row in zip(names, found.to_dict("records"), strict=True):
        part = curve if by is None else curve[curve[by].isna() if pd.isna(row[by]) else curve[by] == row[by]]
        if not row["certified"]:
            n_none += 1
            continue
        here = part[part["threshold"] >= row["threshold"]].iloc[-1]
        ax.plot(
            here["coverage"], here["risk"], marker="*", markersize=15, color="white", markeredgecolor="black", zorder=5
        )
        lines.append(f"★ {group}{row['threshold']:.4g} and up, {row['coverage']:.0%}")
    more = len(lines) - _style.MOST_GROUPS
    lines = lines[: _style.MOST_GROUPS] + ([f"★ and {more:,} more"] if more > 0 else [])
    if n_none:
        lines.append("none can be certified" + (f" of {n_none:,} of {len(found):,} groups" if len(found) > 1 else ""))
    text = "\n".join(_style.display_text(line, 70) for line in lines)
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2}
    ax.text(0.02, 0.97, text, transform=ax.transAxes, va="top", fontsize=9, bbox=box, zorder=6, **_style.PLAIN)
