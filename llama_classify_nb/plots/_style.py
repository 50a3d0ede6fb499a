"""What all pictures share: colours, hatches, and labels made of a stranger's text."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError
from ..metrics._counts import encode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Colours of Okabe and Ito (2008) that the colour-blind tell apart, without black, which hides a hatch.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
#: Nine hatches for seven colours: the first 63 types differ in one or the other, and neighbours differ in both.
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||", "+++")
#: Fill of what is missing: no match, or no value.
MISSING = "#DDDDDD"
#: Fill of the groups that are drawn together.
OTHERS = "#FFFFFF"
EDGE = "#333333"

#: The most rows, and the most bars side by side, that a picture shows; more can't be read. The table has them all.
MOST_ROWS = 40
MOST_GROUPS = 8
_MOST_IN_LEGEND = 15
# Red for what failed, grey for no match, as for a missing type.
_OUTCOME_PLACES = {"matched": 0, "no_match": -1, "unscored": 3, "failed": 5, "cancelled": 6, "unfinished": 1}
_LONGEST_LABEL = 40

#: For every text that shows data: a `$` in it is a dollar sign.
PLAIN: dict[str, Any] = {"parse_math": False, "usetex": False}


def axes(ax: Axes | None, rows: float = 0) -> Axes:
    """Give the Axes to draw on: the one given, or that of a new figure, high enough for ``rows`` bars."""
    if ax is not None:
        if not hasattr(ax, "barh"):
            raise ArgumentError(
                f"ax must be Axes of matplotlib, not {type(ax).__name__}; of a Figure, pass one of its .axes"
            )
        return ax
    # Only here: whoever brings Axes of a bare Figure doesn't load pyplot, which isn't safe in a widget's thread.
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(8.0, min(max(3.6, 1.4 + 0.24 * rows), 14.0)), layout="constrained")
    return ax


def name(ax: Axes, *, title: str, x: str, y: str) -> None:
    """Write the title and the labels of both axes."""
    ax.set_title(title, **PLAIN)
    ax.set_xlabel(x, **PLAIN)
    ax.set_ylabel(y, **PLAIN)


def n_jobs(n: int, which: str = "") -> str:
    """Say in a title how many jobs a picture is of."""
    return f"n = {n:,} {which + ' ' if which else ''}job{'' if n == 1 else 's'}"


def whole_numbers(axis: Axis) -> None:
    """Put the marks of an axis of counts at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def say_empty(ax: Axes, text: str = "no jobs") -> None:
    """Say that there is nothing to draw, in place of drawing it."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=EDGE, **PLAIN)
    ax.set_xticks([])
    ax.set_yticks([])


def cells(ax: Axes, values: np.ndarray, most: float) -> None:
    """Draw a matrix as cells, the first row on top; shapes rather than pixels, so that they stay sharp at any size."""
    height, width = values.shape
    x, y = np.arange(width + 1) - 0.5, np.arange(height + 1) - 0.5
    ax.pcolormesh(
        x, y, np.ma.masked_invalid(values), cmap="Blues", vmin=0, vmax=most, edgecolors="white", linewidth=0.3
    )
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def row_labels(ax: Axes, labels: list[str]) -> None:
    """Label horizontal rows 0, 1, 2 … from the top."""
    size = 10 if len(labels) <= 20 else 8 if len(labels) <= 30 else 7
    ax.set_yticks(np.arange(len(labels)), labels, fontsize=size, **PLAIN)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def legend(ax: Axes, title: str, handles: list[Any], labels: list[str]) -> None:
    """Put a small legend beside the Axes, where it covers no data."""
    if not handles:
        return
    if len(handles) > _MOST_IN_LEGEND:
        labels = [*labels[:_MOST_IN_LEGEND], f"and {len(handles) - _MOST_IN_LEGEND:,} more"]
        handles = [*handles[:_MOST_IN_LEGEND], _nothing()]
    box = ax.legend(
        handles,
        labels,
        title=display_text(title),
        fontsize=8,
        title_fontsize=8,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
    )
    for text in (box.get_title(), *box.get_texts()):
        text.update(PLAIN)


def _nothing() -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor="none", edgecolor="none")


def fills(values: pd.Series) -> list[dict[str, Any]]:
    """Give the fill of each value: colour and hatch by its place among the column's categories.

    All categories count, shown or not, so the same type looks the same in every picture of the same jobs. A column
    without categories goes by the order of its values. Missing is grey.
    """
    codes = encode(values)[0]
    return [fill(int(code)) for code in codes]


def fill(place: int) -> dict[str, Any]:
    """Give colour, hatch and edge for a place; -1 is missing."""
    if place < 0:
        return {"facecolor": MISSING, "hatch": "", "edgecolor": EDGE, "linewidth": 0.5}
    colour, hatch = COLOURS[place % len(COLOURS)], HATCHES[place % len(HATCHES)]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": EDGE, "linewidth": 0.5}


def outcome_fill(outcome: str) -> dict[str, Any]:
    """Give the fill of an outcome."""
    return fill(_OUTCOME_PLACES[outcome])


def group_fills(groups: pd.Series) -> list[dict[str, Any]]:
    """Give the fills of groups, whatever column they are of."""
    if groups.name == "outcome":
        return [outcome_fill(str(outcome)) for outcome in groups]
    return fills(groups)


def group_labels(groups: pd.Series, missing: str | None = None) -> list[str]:
    """Give the label of each group; a missing value is labelled as told, or "no" and the column's name."""
    return [display_text((missing or f"no {groups.name}") if pd.isna(one) else one) for one in groups]


def most(counts: np.ndarray, limit: int) -> np.ndarray:
    """Give the places to draw, in order: all of them, or those with jobs, the ``limit`` greatest, if there are more."""
    if len(counts) <= limit:
        return np.arange(len(counts))
    greatest = np.argsort(-counts, kind="stable")[:limit]
    return np.sort(greatest[counts[greatest] > 0])


def display_text(value: Any, longest: int = _LONGEST_LABEL) -> str:
    """Make a label of a stranger's text: one line, of characters that can be drawn, and short.

    White space becomes one space; controls, invisible marks such as those that turn the reading direction, and halves
    of characters go; what the font lacks becomes □. A long text keeps its beginning and its end.
    """
    text = str(value)
    # A label shows a few dozen characters: there is no need to read 200,000.
    cut = len(text) > 4000
    text = " ".join((text[:2000] + text[-2000:] if cut else text).split())
    text = "".join(one for one in unicodedata.normalize("NFC", text) if unicodedata.category(one)[0] != "C")
    text = " ".join(text.split())
    if cut or len(text) > longest:
        tail = longest // 3
        text = f"{text[: longest - tail - 1].rstrip()}…{text[-tail:].lstrip()}"
    if not text:
        return "(empty)"
    return text if text.isascii() else _drawable(text)


def _drawable(text: str) -> str:
    from matplotlib import rcParams

    known = _glyphs(tuple(rcParams["font.family"]), tuple(rcParams["font.sans-serif"]))
    return "".join(one if ord(one) in known or one == " " else "□" for one in text)


@lru_cache(maxsize=8)
def _glyphs(families: tuple[str, ...], sans_serif: tuple[str, ...]) -> frozenset[int]:  # noqa: ARG001  # part of the key
    """Give the characters that the fonts in use can draw: matplotlib warns for each other one, at every drawing."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    fonts = {findfont(FontProperties(family=[family])) for family in families}
    return frozenset().union(*(get_font(font).get_charmap() for font in fonts))
