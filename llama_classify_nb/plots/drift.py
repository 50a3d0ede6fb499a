"""How the mix of types, and the confidences, move over time, with the point at which they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from ..metrics.over_time import FREQUENCIES
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = {"h": "%Y-%m-%d %H:%M", "D": "%Y-%m-%d", "W": "%Y-%m-%d", "M": "%Y-%m"}
_MARKERS = "osD^vPX*<>"
_MOST_LINES = 7
_MOST_TICKS = 10
_MEAN = "#D55E00"  # colour of the mean
_MANY = 60  # periods; of more, each has less room than its marks take


def type_drift(
    jobs: pd.DataFrame,
    *,
    by: str = "created_at",
    freq: str = "D",
    n_permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """When did the mix of types change, if it did?

    Parameters
    ----------
    jobs, by, freq, n_permutations, seed, level
        As for ``metrics.type_drift``, whose rows are drawn over those of ``metrics.type_mix``.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Periods with answers stand side by side, at 0, 1, 2 … along the axis, each with its number of jobs. A line for
        each type (points, where periods have no order): its shares, with the intervals that hold at once. Of more than
        seven types, those seven are drawn whose shares move the most. A dashed line marks the change point, whose
        p-value stands in the legend. Of up to 60 periods, those have a star whose mix differs from that of the period
        before, with a p-value below 1 - level; of more, intervals are bands. Without answers, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.type_drift`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "type": pd.Categorical(["memo"] * 30 + ["letter"] * 30),
    ...     "created_at": pd.to_datetime(["2026-02-02"] * 20 + ["2026-02-03"] * 20 + ["2026-02-04"] * 20, utc=True),
    ... })
    >>> ax = type_drift(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Types over time, n = 60 answered jobs'
    """
    options: dict[str, Any] = {"by": by, "freq": freq, "level": level}
    table = metrics.type_drift(jobs, n_permutations=n_permutations, seed=seed, **options)
    mix = metrics.type_mix(jobs, **options)
    return draw_type_drift(table, mix, len(jobs), by=by, freq=freq, level=level, ax=ax)


def draw_type_drift(
    table: pd.DataFrame,
    mix: pd.DataFrame,
    n_jobs: int,
    *,
    by: str = "created_at",
    freq: str = "D",
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rows of ``metrics.type_drift`` over those of ``metrics.type_mix``, of so many jobs."""
    n = int(table["n"].sum())
    ax = _style.axes(ax, 10 if n else 0)
    title = f"Types over time, {_style.n_jobs(n, 'answered')}" if by == "created_at" else f"Types, {_style.n_jobs(n)}"
    if n:
        types = mix["type"].iloc[: len(mix) // len(table)]
        shares = [mix[name].to_numpy().reshape(len(table), -1) for name in ("share", "share_lower", "share_upper")]
        moved, is_ordered = np.ptp(shares[0], axis=0), bool(table["distance_before"].notna().any())
        # Where none moves, the commonest are drawn.
        shown = _style.most(moved + 1e-6 * shares[0].max(axis=0), _MOST_LINES)
        names = _style.group_labels(types.iloc[shown], "no match")
        places = [int(code) for code in types.cat.codes.iloc[shown]]
        for turn, (line, name, place) in enumerate(zip(shown, names, places, strict=True)):
            _line(ax, [share[:, line] for share in shares], name, place, turn, len(shown), is_ordered=is_ordered)
        title += f" ({len(shown)} of {len(types):,} types shown)" if len(shown) < len(types) else ""
        ax.set_ylim(-0.02, 1.12 * min(1.0, float(np.nanmax(shares[2][:, shown]))))
        _marks(ax, table, by, freq, level)
        _style.legend(ax, f"type ({level:.0%} intervals, all at once)", *ax.get_legend_handles_labels())
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    _style.name(ax, title=title, x=_x_label(by, freq, len(table)), y="share of the answered jobs, 0 to 1")
    return ax


def confidence_drift(
    jobs: pd.DataFrame,
    *,
    by: str = "created_at",
    freq: str = "D",
    n_permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """When did the stated confidences change, if they did?

    Parameters
    ----------
    jobs, by, freq, n_permutations, seed, level
        As for ``metrics.confidence_drift``, whose rows are drawn over those of ``metrics.confidence_mix``.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        Periods with answers stand side by side, each with its number of jobs: a dot for each atom of confidence, as
        large as its share of the period; a box from the lower to the upper quartile with a line at the median; and the
        mean with its interval; of more than 60 periods, bands and lines in place of these. Change point and stars are
        as in :func:`type_drift`. Without answers, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.confidence_drift`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "outcome": "matched", "confidence": [0.9, 0.95] * 10 + [0.9, 0.95] * 10 + [0.7, 0.75] * 10,
    ...     "created_at": pd.to_datetime(["2026-02-02"] * 20 + ["2026-02-03"] * 20 + ["2026-02-04"] * 20, utc=True),
    ... })
    >>> ax = confidence_drift(jobs, ax=Figure().subplots())
    >>> ax.get_title()
    'Confidence over time, n = 60 answered jobs'
    """
    options: dict[str, Any] = {"by": by, "freq": freq, "level": level}
    table = metrics.confidence_drift(jobs, n_permutations=n_permutations, seed=seed, **options)
    mix = metrics.confidence_mix(jobs, **options)
    return draw_confidence_drift(table, mix, len(jobs), by=by, freq=freq, level=level, ax=ax)


def draw_confidence_drift(
    table: pd.DataFrame,
    mix: pd.DataFrame,
    n_jobs: int,
    *,
    by: str = "created_at",
    freq: str = "D",
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rows of ``metrics.confidence_drift`` over those of ``metrics.confidence_mix``, of so many jobs."""
    n = int(table["n"].sum())
    ax = _style.axes(ax, 10 if n else 0)
    what = "Confidence over time" if by == "created_at" else "Confidence"
    if n:
        is_long = len(table) > _MANY
        place = np.repeat(np.arange(len(table)), len(mix) // len(table))
        middle, share = (mix["confidence_from"] + mix["confidence_to"]) / 2, mix["share"].to_numpy()
        some = share > 0
        dots: dict[str, Any] = {"color": "#999999", "linewidths": 0, "zorder": 1}
        dots["label"] = "a stated value; larger: commoner"
        size = 3 + (100 if is_long else 300) * share[some]
        ax.scatter(place[some] - (0 if is_long else 0.28), middle[some], s=size, **dots)
        (_bands if is_long else _boxes)(ax, table, "lower to upper quartile", f"mean, {level:.0%} intervals at once")
        ax.set_ylim(-0.03, 1.13)
        _marks(ax, table, by, freq, level)
        _style.legend(ax, "confidence", *ax.get_legend_handles_labels())
    else:
        _style.say_empty(ax, "no answered jobs" if n_jobs else "no jobs")
    _style.name(
        ax, title=f"{what}, {_style.n_jobs(n, 'answered')}", x=_x_label(by, freq, len(table)), y="confidence, 0 to 1"
    )
    return ax


def _boxes(ax: Axes, table: pd.DataFrame, between: str, mean: str) -> None:
    """Draw quartiles, median and mean of each period, side by side."""
    x, middle = np.arange(len(table)), table["mean"].to_numpy()
    box = {**_style.fill(0), "zorder": 2, "label": between}
    ax.bar(x, table["q75"] - table["q25"], 0.3, table["q25"], **box)
    ax.hlines(table["median"], x - 0.15, x + 0.15, color="black", linewidth=2.0, zorder=3, label="median")
    ends = [np.fmax(middle - table["mean_lower"].to_numpy(), 0), np.fmax(table["mean_upper"].to_numpy() - middle, 0)]
    look: dict[str, Any] = {"fmt": "D", "color": _MEAN, "capsize": 2, "markersize": 4, "zorder": 4}
    ax.errorbar(x + 0.28, middle, yerr=ends, label=mean, **look)


def _bands(ax: Axes, table: pd.DataFrame, between: str, mean: str) -> None:
    """Draw them as lines and bands: among hundreds of periods, none has room for a box."""
    x = np.arange(len(table))
    ax.fill_between(x, table["q25"], table["q75"], color=_style.COLOURS[0], alpha=0.5, lw=0, zorder=1.05, label=between)
    ax.plot(x, table["median"], color="black", linewidth=1.2, zorder=3, label="median")
    ax.fill_between(x, table["mean_lower"], table["mean_upper"], color=_MEAN, alpha=0.25, lw=0, zorder=1.1)
    ax.plot(x, table["mean"], color=_MEAN, linewidth=1.2, linestyle="--", zorder=4, label=mean)


def _x_label(by: str, freq: str, n: int) -> str:
    if by != "created_at":
        return f"{_style.display_text(by)} (n: jobs)"
    length = FREQUENCIES[freq].partition(",")[0]
    stars = f"; *: differs from the {length} before" if n <= _MANY else ""
    return f"{length} of creation (UTC; n: jobs{stars})"


def _line(
    ax: Axes, shares: list[np.ndarray], name: str, place: int, turn: int, n_lines: int, *, is_ordered: bool
) -> None:
    """Draw one type's shares; the lines stand a little apart, so that their intervals don't cover one another."""
    x = np.arange(len(shares[0])) + 0.4 * ((turn + 0.5) / n_lines - 0.5)
    colour = _style.COLOURS[place % len(_style.COLOURS)] if place >= 0 else "#666666"
    ends = [np.maximum(shares[0] - shares[1], 0), np.maximum(shares[2] - shares[0], 0)]
    look: dict[str, Any] = {"markeredgecolor": _style.EDGE, "markeredgewidth": 0.5, "capsize": 1.5, "elinewidth": 0.8}
    look |= {"marker": _MARKERS[turn % len(_MARKERS)], "color": colour, "linewidth": 1.2, "markersize": 5}
    style = ("-", "--", "-.", ":")[turn % 4] if is_ordered else "none"
    if len(x) > _MANY:
        # Among hundreds of periods, marks and lines across would hide what moves.
        ax.plot(x, shares[0], linestyle=style, color=colour, linewidth=1.2, label=name)
        ax.fill_between(x, shares[1], shares[2], color=colour, alpha=0.15, linewidth=0)
        return
    ax.errorbar(x, shares[0], yerr=ends, linestyle=style, label=name, **look)


def _marks(ax: Axes, table: pd.DataFrame, by: str, freq: str, level: float) -> None:
    """Label the periods, mark those that differ from the one before, and the change point."""
    low, top = ax.get_ylim()
    high = top - 0.02 * (top - low)  # below the frame, whose line would run through the stars
    differs = np.flatnonzero(table["p_value_before"] < 1 - level)
    for place in differs.tolist() if len(table) <= _MANY else []:
        ax.text(place, high, "*", ha="center", va="top", fontsize=10, **_style.PLAIN)
    for place in np.flatnonzero(table["is_change_point"]).tolist():
        text = f"change point, p = {table['p_value_split'].iloc[place]:.2g}"
        ax.axvline(place - 0.5, color="black", linestyle="--", linewidth=1.2, label=text)
    ticks = np.arange(0, len(table), -(-len(table) // _MOST_TICKS))
    starts = table[table.columns[0]].iloc[ticks]
    if by == "created_at":
        names = ["no time" if pd.isna(start) else start.strftime(_FORMATS[freq]) for start in starts]
    else:
        names = _style.group_labels(starts)
    texts = [f"{name}  n = {n:,}" for name, n in zip(names, table["n"].iloc[ticks], strict=True)]
    ax.set_xticks(ticks, texts, rotation=30, ha="right", rotation_mode="anchor", fontsize=8, **_style.PLAIN)
    ax.set_xlim(-0.7, max(len(table), 3) - 0.3)
