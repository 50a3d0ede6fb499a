"""Answers that changed, as streams from the one side to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import metrics
from ..metrics._counts import encode
from . import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = 0.07  # width of a side's bar; the Axes are 1 wide
_GAP = 0.012  # between two types, in parts of all documents
_MOST_TYPES = 30
_LEAST_STEP = 0.15  # inches between two names
_LEAST_EDGE = 0.005  # of all documents: a thinner stream has no edge
_MOST_NUMBERS = 12
# Where along a stream its number may stand, and how far from any other, in parts of the width and of the height.
_STOPS = (0.5, 0.3, 0.7, 0.2, 0.4, 0.6, 0.8)
_ROOM = (0.16, 0.035)
_STEADY = "#CCCCCC"


def flip_flow(
    jobs: pd.DataFrame,
    a: Any,
    b: Any,
    *,
    by: str = "configuration_id",
    labels: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """From which type to which did the answers go?

    Parameters
    ----------
    jobs, a, b, by, labels, rules, level
        As for ``metrics.flip_flow``, whose rows are drawn.
    ax : Axes, optional
        Where to draw; by default on a new figure of pyplot.

    Returns
    -------
    Axes
        At the left the types that a answered, at the right those that b did, as high as their documents are many. A
        stream goes from each type to each: grey where the answer stayed, with the look of the type it left where it
        flipped. The twelve greatest flips show their number; with labels, also how many of them a and b have right.
        Of more than 30 types on a side, those with the fewest documents are drawn together; names without room are left
        out. Without documents that both sides answered, the Axes say so.

    Raises
    ------
    ArgumentError
        As ``metrics.flip_flow`` does.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["j1", "j2", "j3", "j4"], "file_input": ["f", "g", "f", "g"], "configuration_id": list("xxyy"),
    ...     "outcome": "matched", "type": ["memo", "memo", "memo", "letter"], "confidence": [0.9, 0.6, 0.8, 0.7],
    ...     "created_at": pd.to_datetime("2026-02-02", utc=True),
    ... })
    >>> ax = flip_flow(jobs, "x", "y", ax=Figure().subplots())
    >>> ax.get_title()
    'Flow of answers, n = 2 documents, 1 flip (50.0%)'
    """
    table = metrics.flip_flow(jobs, a, b, by=by, labels=labels, rules=rules, level=level)
    return draw_flip_flow(table, a, b, len(jobs), has_labels=labels is not None, ax=ax)


def draw_flip_flow(
    table: pd.DataFrame, a: Any, b: Any, n_jobs: int, *, has_labels: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the rows of ``metrics.flip_flow``, of so many jobs."""
    n, n_flips = int(table["count"].sum()), int(table.loc[table["is_flip"], "count"].sum())
    streams, sides = _streams(table)
    ax = _style.axes(ax, max(22.0, 1.4 * max(map(len, sides))) if n else 0)
    if n:
        ends = [_stand(streams, side) for side in (0, 1)]
        height = max(float(end.max()) for one in ends for end in one)
        for side in (0, 1):
            _bars(ax, sides[side], side, n, height)
        _flow(ax, streams, ends, sides[0], has_labels, n)
        _frame(ax, a, b, height)
    else:
        _style.say_empty(ax, "no documents that both sides answered" if n_jobs else "no jobs")
    share = f", {n_flips:,} flip{'s' if n_flips != 1 else ''} ({n_flips / n:.1%})" if n else ""
    title = f"Flow of answers, n = {n:,} document{'' if n == 1 else 's'}{share}"
    x = "number of documents (grey: same answer" + ("; in brackets: flips that a, b has right)" if _any(table) else ")")
    _style.name(ax, title=title, x=x, y="type" + (" (documents)" if n else ""))
    return ax


def _any(table: pd.DataFrame) -> bool:
    return bool(table["n_labelled"].any())


def _side(value: Any) -> str:
    if isinstance(value, tuple | list):
        return " to ".join("…" if one is None else _style.display_text(one) for one in value)
    return _style.display_text("none" if value is None else value)


def _streams(table: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Give the streams to draw, by the places of their types, and the types of each side: name, look, documents."""
    streams = table[["is_flip", "count", "n_labelled", "n_right_a", "n_right_b"]].copy()
    sides = []
    for place, name in (("from", "type_a"), ("to", "type_b")):
        code, size, _ = encode(table[name])
        code = np.where(code < 0, size, code)
        count = np.bincount(code, table["count"], minlength=size + 1).astype(np.int64)
        shown = _style.most(count, _MOST_TYPES)
        shown = shown[count[shown] > 0]
        number = np.full(size + 1, len(shown))
        number[shown] = np.arange(len(shown))
        streams[place] = number[code]
        kinds = list(table[name].cat.categories)
        names = [_style.display_text("no match" if one == size else kinds[one], 26) for one in shown]
        places, counts = np.where(shown == size, -1, shown).tolist(), count[shown].tolist()
        if sum(counts) < count.sum():
            names.append(f"{(count > 0).sum() - len(shown):,} others")
            places.append(-1)
            counts.append(int(count.sum()) - sum(counts))
        sides.append(pd.DataFrame({"name": names, "place": places, "count": counts}))
    return streams.groupby(["from", "to", "is_flip"], as_index=False).sum(), sides


def _stand(streams: pd.DataFrame, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Give where each stream begins, and ends, on one side: in the order of the other side, type under type."""
    here, there = ("from", "to")[side], ("from", "to")[1 - side]
    order = np.lexsort((streams[there], streams[here]))
    count = streams["count"].to_numpy()[order]
    gap = _GAP * count.sum() * streams[here].to_numpy()[order]
    top = np.empty(len(order))
    top[order] = np.cumsum(count) - count + gap
    return top, top + streams["count"].to_numpy()


def _bars(ax: Axes, types: pd.DataFrame, side: int, n: int, height: float) -> None:
    """Draw a side's types, and the names and numbers of those that have room for them, the greatest first."""
    count = types["count"].to_numpy()
    middle = np.cumsum(count) - count / 2 + _GAP * n * np.arange(len(types))
    left = 0.0 if side == 0 else 1 - _BAR
    for y, row in zip(middle, types.to_dict("records"), strict=True):
        ax.barh(y, _BAR, row["count"], left, **_style.fill(row["place"]), zorder=3)
    step = _LEAST_STEP * height * ax.figure.dpi / ax.bbox.height
    named: list[int] = []
    for place in np.argsort(-count, kind="stable").tolist():
        if all(abs(middle[place] - middle[other]) >= step for other in named):
            named.append(place)
    texts = [f"{types['name'][place]}  {count[place]:,}" for place in named]
    if side == 0:
        ax.set_yticks(middle[named], texts, fontsize=8, **_style.PLAIN)
        return
    for place, text in zip(named, texts, strict=True):
        ax.text(1.01, middle[place], text, ha="left", va="center", fontsize=8, **_style.PLAIN)


def _frame(ax: Axes, a: Any, b: Any, height: float) -> None:
    """Say which side is which, and take away the frame."""
    ax.set_xlim(-0.005, 1.005)
    ax.set_ylim(1.01 * height, -0.01 * height)
    ax.set_xticks([0, 1], ["a: " + _side(a), "b: " + _side(b)], **_style.PLAIN)
    left, right = ax.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)


def _flow(
    ax: Axes,
    streams: pd.DataFrame,
    ends: list[tuple[np.ndarray, np.ndarray]],
    types: pd.DataFrame,
    has_labels: bool,
    n: int,
) -> None:
    """Draw the streams, the steady ones at the bottom, and number the greatest flips."""
    x = np.linspace(0, 1, 40)
    bend = x * x * (3 - 2 * x)
    across = _BAR + x * (1 - 2 * _BAR)
    flipped = streams["is_flip"].to_numpy()
    greatest = np.flatnonzero(flipped)[np.argsort(-streams["count"].to_numpy()[flipped], kind="stable")][:_MOST_NUMBERS]
    for place in np.argsort(flipped, kind="stable"):
        row = streams.iloc[place]
        low, high = (ends[0][one][place] + bend * (ends[1][one][place] - ends[0][one][place]) for one in (0, 1))
        look = _style.fill(int(types["place"].iloc[int(row["from"])])) if row["is_flip"] else {"facecolor": _STEADY}
        # A dark edge, or a hatch, would be all there is to see of a thin stream.
        thin = {"hatch": "", "edgecolor": look["facecolor"]} if row["count"] < _LEAST_EDGE * n else {}
        line = {"linewidth": 0.4, "alpha": 0.75, "zorder": 2} if row["is_flip"] else {"linewidth": 0, "alpha": 0.6}
        ax.fill_between(across, low, high, **{**look, **thin, **line})
    _numbers(ax, streams.iloc[greatest], [(one[0][greatest] + one[1][greatest]) / 2 for one in ends], has_labels)


def _numbers(ax: Axes, streams: pd.DataFrame, middle: list[np.ndarray], has_labels: bool) -> None:
    """Write the numbers of streams, the greatest first, each where it covers no other; one without room is left out."""
    height = max(float(np.max(one, initial=1.0)) for one in middle)
    taken: list[tuple[float, float]] = []
    for place, row in enumerate(streams.to_dict("records")):
        for x in _STOPS:
            y = middle[0][place] + x * x * (3 - 2 * x) * (middle[1][place] - middle[0][place])
            if all(abs(x - one) > _ROOM[0] or abs(y - other) > _ROOM[1] * height for one, other in taken):
                break
        else:
            continue
        taken.append((x, y))
        text = f"{row['count']:,}" + (f" ({row['n_right_a']:,}, {row['n_right_b']:,})" if has_labels else "")
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": _style.EDGE, "linewidth": 0.4}
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "bbox": box, "zorder": 4}
        ax.text(_BAR + x * (1 - 2 * _BAR), y, text, **look, **_style.PLAIN)
