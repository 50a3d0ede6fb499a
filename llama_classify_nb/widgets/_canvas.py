"""A picture of bars that is drawn again in a few milliseconds: matplotlib draws what stays, Pillow what changes.

What stays is drawn once, and kept as pixels: the frame, the labels and the legend. What changes is some rectangles and
short texts: the bars, the numbers beside them, the marks of the one axis that counts, and the title. Matplotlib would
take thirty milliseconds for them, most of it for the texts. So each time

1. ``begin`` copies the pixels of what stays, and writes title and marks at the places where matplotlib puts them;
2. ``bar`` copies colour and hatch of a fill into a rectangle, ``span`` and ``write`` put an interval or a text;
3. ``png`` lays the frame over it all again, and packs it.

Places are given in the units of the axes, and become pixels in ``_pixel``, which is all there is of geometry.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform
from PIL import Image, ImageChops, ImageDraw, ImageFont

from ..plots import _style

_DPI = 110
_SIZE = 6.4, 3.6
_WIDTH, _HEIGHT = (round(inches * _DPI) for inches in _SIZE)
_POINT = _DPI / 72  # pixels
_EDGE = "#555555"  # of a bar: a line of half a point in ``_style.EDGE``
_TITLE, _TEXT, _NUMBER = 12, 10, 8  # sizes of texts, in points
_BESIDE = round(4 * _POINT)  # from the end of a bar to its number
_MARK = round(3.5 * _POINT)  # length of a mark of the axis
_CAP = round(2 * _POINT)  # half the height of the ends of an interval
_LEVEL = 1  # of packing: a higher one takes twice as long, and what it saves goes no further than the browser
_UP = 2  # PNG's number of the way in which rows are written


class Canvas:
    """A figure with one pair of axes, of which one counts from 0 to a top that changes with each drawing.

    First, what stays is drawn on ``axes``, as on any, ``plainly``; then ``begin``, whatever is put on it, and ``png``
    give one picture after another.

    Parameters
    ----------
    counting : str
        The axis that counts: "x" or "y".
    room : float
        A top of that axis whose marks take as much room as any that will come.
    nothing : str
        What is said where there is nothing to draw.

    Attributes
    ----------
    axes : Axes
        They belong to a bare figure, never to pyplot, whose figures belong to everybody and to one thread.
    """

    def __init__(self, counting: str, room: float, nothing: str) -> None:
        self._counts_up, self._room, self._nothing = counting == "y", room, nothing
        self._figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained", facecolor="white")
        self._agg: Any = FigureCanvasAgg(self._figure)
        self.axes = self._figure.add_subplot()
        self._axis: Any = self.axes.yaxis if self._counts_up else self.axes.xaxis
        self._still: Image.Image | None = None

    def begin(self, top: float, title: str, *, is_empty: bool) -> None:
        """Begin a picture whose axis counts up to a top."""
        if self._still is None:
            with plainly():
                self._still = self._draw_still()
        self._set_top(top)
        self._limits = self.axes.get_xlim(), self.axes.get_ylim()
        self._picture = self._still.copy()
        self._draw = ImageDraw.Draw(self._picture)
        half = self._draw.textlength(title, _font(_TITLE)) / 2
        middle = max(half, min(self._title_at[0], _WIDTH - half))  # above the axes, as far as it has room there
        self._text(middle, self._title_at[1], title, "ms", _TITLE)
        self._marks(top)
        if is_empty:
            left, upper, right, lower = self._box
            self._text((left + right) / 2, (upper + lower) / 2, self._nothing, "mm", _TEXT, _style.EDGE)

    def _draw_still(self) -> Image.Image:
        """Find room for all, draw what stays, and note where the rest goes."""
        self._set_top(self._room)
        self.axes.set_title("title", **_style.PLAIN)
        self._figure.draw_without_rendering()
        self._figure.set_layout_engine("none")
        self._title_at = self._at(self.axes.title)
        mark = self._axis.get_major_ticks()[0].label1
        self._marks_at, self._marks_size = mark.get_window_extent(), mark.get_size()
        x, y = self._at(self._axis.label)
        self._axis.set_label_coords(x, _HEIGHT - y, transform=IdentityTransform())  # else it follows the marks
        self._axis.set_tick_params(**dict.fromkeys(("left", "labelleft", "bottom", "labelbottom"), False))
        self.axes.set_title("")
        self._agg.draw()
        still = Image.fromarray(np.array(self._agg.buffer_rgba())).convert("RGB")
        # What is dark within the frame, and the frame, are seen above the bars.
        (left, lower), (right, upper) = np.rint(self.axes.bbox.get_points()).astype(int).tolist()
        self._box = left, _HEIGHT - upper, right, _HEIGHT - lower
        self._frame = left - 1, self._box[1] - 1, right + 2, self._box[3] + 2
        self._above = still.crop(self._frame)
        self._dark = ImageChops.invert(self._above.convert("L"))
        return still

    def _set_top(self, top: float) -> None:
        (self.axes.set_ylim if self._counts_up else self.axes.set_xlim)(0, top)

    def _at(self, text: Any) -> tuple[float, float]:
        """Give the pixel at which a text of matplotlib's stands, counted from the upper left."""
        x, y = text.get_transform().transform(text.get_position())
        return float(x), _HEIGHT - float(y)

    def _marks(self, top: float) -> None:
        """Mark the axis that counts where matplotlib marks it."""
        places = [float(place) for place in self._axis.get_majorticklocs() if 0 <= place <= top]
        formatter = self._axis.get_major_formatter()
        left, upper, right, lower = self._box
        for place, label in zip(places, formatter.format_ticks(places), strict=True):
            x, y = self._pixel(place, place)
            if self._counts_up:
                self._draw.line((left - _MARK, y, left, y), "black")
                self._text(self._marks_at.x1, y, label, "rm", self._marks_size)
            else:
                self._draw.line((x, lower, x, lower + _MARK), "black")
                self._text(x, _HEIGHT - self._marks_at.y1, label, "mt", self._marks_size)
        if factor := formatter.get_offset():  # such as 1e6, of all labels
            x, y = (left, upper - _BESIDE) if self._counts_up else (right, _HEIGHT - _MARK)
            self._text(x, y, factor, "ls" if self._counts_up else "rs", self._marks_size)

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        """Give the pixel of a place in the units of the axes, counted from the upper left."""
        (x0, x1), (y0, y1) = self._limits
        left, upper, right, lower = self._box
        return left + round((x - x0) / (x1 - x0) * (right - left)), lower - round(
            (y - y0) / (y1 - y0) * (lower - upper)
        )

    def bar(self, x: tuple[float, float], y: tuple[float, float], fill: dict[str, Any]) -> None:
        """Fill a rectangle between two places of each axis, as ``_style.fill`` says."""
        (x0, y0), (x1, y1) = self._pixel(x[0], y[0]), self._pixel(x[1], y[1])
        box = x0, min(y0, y1), x1 + 1, max(y0, y1) + 1
        self._picture.paste(fill["facecolor"], box)
        if fill["hatch"]:
            self._picture.paste(fill["edgecolor"], box, _hatch(fill["hatch"]).crop(box))
        self._draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=_EDGE)

    def span(self, x: tuple[float, float], y: float) -> None:
        """Draw an interval along a row: a line with two ends."""
        (x0, row), (x1, _) = self._pixel(x[0], y), self._pixel(x[1], y)
        self._draw.line((x0, row, x1, row), "black", 2)
        for end in (x0, x1):
            self._draw.line((end, row - _CAP, end, row + _CAP), "black")

    def write(self, x: float, y: float, text: str) -> None:
        """Write a number beside the end of a bar."""
        at, row = self._pixel(x, y)
        self._text(at + _BESIDE, row, text, "lm", _NUMBER)

    def _text(self, x: float, y: float, text: str, anchor: str, size: float, colour: str = "black") -> None:
        self._draw.text((round(x), round(y)), text, colour, _font(size), anchor)

    def png(self) -> bytes:
        """Give what was drawn since ``begin``."""
        self._picture.paste(self._above, self._frame, self._dark)
        pixels = np.asarray(self._picture).reshape(_HEIGHT, -1)
        # Of each row, what differs from the row above. Pillow would try four other ways for each row.
        rows = np.full((_HEIGHT, pixels.shape[1] + 1), _UP, np.uint8)
        rows[0, 1:] = pixels[0]
        np.subtract(pixels[1:], pixels[:-1], out=rows[1:, 1:])
        size = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)  # 8 bits of red, of green and of blue
        chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Give a piece of a PNG file."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def plainly() -> Any:
    """Give the context in which matplotlib draws as it does by default, but with the fonts that a notebook has set."""
    fonts: dict[str, Any] = {
        name: value for name, value in mpl.rcParams.items() if name.startswith("font.") and name != "font.size"
    }
    return matplotlib.style.context(["default", fonts])


@lru_cache(maxsize=8)
def _font(points: float) -> Any:
    """Give matplotlib's font in a size."""
    return ImageFont.truetype(findfont(FontProperties()), round(points * _POINT))


@lru_cache(maxsize=len(_style.HATCHES))
def _hatch(hatch: str) -> Image.Image:
    """Give how a whole figure looks that is hatched: where its lines are, as a mask."""
    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": "black", "linewidth": 0, "hatch": hatch}
    figure.add_artist(Rectangle((0, 0), 1, 1, **look))
    agg: Any = FigureCanvasAgg(figure)
    agg.draw()
    return ImageChops.invert(Image.fromarray(np.array(agg.buffer_rgba())).convert("L"))
