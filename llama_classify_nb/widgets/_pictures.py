"""The explorer's pictures: figures that are kept, and whose bars are moved when the selection changes.

To draw a new figure takes several times as long as to draw one again. They show what ``plots.confidence_distribution``
by type, ``plots.type_breakdown``, ``plots.jobs_over_time`` and ``plots.failure_causes`` show, of counts that were made
already; every type, period and cause keeps its place, so that a picture can be compared with the one before.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .. import schema
from ..metrics.intervals import wilson
from ..plots import _bars, _style
from ._index import BINS, Counts
from ._linked import Linked, LinkedCounts

_DPI = 110
_SIZE = 6.4, 3.6
_CAP = 0.12  # half the height of the ends of an interval, in rows
_SMALL = 400, 225
_MOST_TICKS = 10
_LONGEST = 24  # characters of a type
_SHOWN_OF_TIME = {"hour": 16, "day": 10, "week": 10, "month": 7}  # characters
_LONGEST_DAYS = {"hour": 1, "day": 1, "week": 7, "month": 31}
_LEVEL = 1  # of packing: a higher one takes three times as long, and what it saves goes no further than the browser


class Pictures:
    """The four pictures of a JobSet.

    Parameters
    ----------
    types : Index
        All types, in the order of the rows of the counts.
    everything : Counts
        The counts of all jobs: they say which types there is room for.
    linked : Linked
        The periods and the causes of failures.
    """

    def __init__(self, types: pd.Index, everything: Counts, linked: Linked) -> None:
        column = pd.Series(pd.Categorical.from_codes([*range(len(types)), -1], types), name="type")
        # Long ones would leave the axes too narrow for what stands above and below them.
        self._labels = [_style.display_text(one, _LONGEST) for one in _style.group_labels(column, "no match")]
        self._fills = _style.fills(column)
        self._shown = _style.most(everything.by_type.sum(axis=1), _style.MOST_ROWS)
        self._confidence = _ConfidencePicture(*self._rows(), n_others=len(self._labels) - len(self._shown))
        self._types = _TypesPicture(*self._rows(), n_all=len(self._labels))
        self._times = _TimesPicture(linked.starts, linked.length)
        self._failures = _FailuresPicture(linked.causes)
        self._linked = linked
        self._plain_types = [*map(str, types), None]

    def _rows(self) -> tuple[list[str], list[dict[str, Any]]]:
        return [self._labels[row] for row in self._shown], [self._fills[row] for row in self._shown]

    def draw(self, counts: Counts, linked: LinkedCounts) -> list[tuple[bytes, str]]:
        """Give each picture as PNG, with what it shows in words."""
        totals = counts.by_type.sum(axis=1)
        said = ""
        if totals[:-1].any():
            commonest = int(totals[:-1].argmax())
            said = f"; the commonest type is {self._plain_types[commonest]}, {int(totals[commonest]):,} jobs"
        others = np.delete(counts.by_type, self._shown, axis=0).sum(axis=0)
        confidence = f"Confidence of {counts.n:,} answered jobs, by type: {counts.n_doubtful:,} are below 0.5"
        return [
            (self._confidence.draw(np.vstack([counts.by_type[self._shown], others]), counts.n), confidence),
            (self._types.draw(totals[self._shown], counts.n), f"Types of {counts.n:,} answered jobs{said}"),
            (self._times.draw(linked.by_period), self._times_words(linked.by_period)),
            (self._failures.draw(linked.by_cause), self._failures_words(linked.by_cause)),
        ]

    def _times_words(self, counts: np.ndarray) -> str:
        totals, length = counts.sum(axis=0), self._linked.length
        words = f"Jobs over time: {int(totals.sum()):,} jobs"
        if totals[:-1].any():
            most = int(totals[:-1].argmax())
            words += f"; the {length} with most, {int(totals[most]):,}, begins on {self._linked.starts[most]!s:.10}"
        return words

    def _failures_words(self, counts: np.ndarray) -> str:
        words = f"Causes of {int(counts.sum()):,} failed jobs"
        some = [f"{cause} {int(n):,}" for cause, n in zip(self._linked.causes, counts, strict=True) if n]
        return f"{words}: {', '.join(some)}" if some else words


class _Kept:
    """A figure that is kept, of which only what changes is drawn again.

    It is a bare one, never pyplot's, whose figures belong to everybody and to one thread.
    """

    def __init__(self, nothing: str = "no answered jobs") -> None:
        self._figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained", facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_subplot()
        self._empty = self._axes.text(
            0.5, 0.5, nothing, transform=self._axes.transAxes, ha="center", va="center", color=_style.EDGE
        )
        self._moving: list[Artist] = []  # what changes, in the order in which it is drawn
        self._still: Any = None  # a picture of the rest

    def _png(self, *, is_empty: bool) -> bytes:
        self._empty.set_visible(is_empty)
        if self._still is None:
            self._keep_still()
        self._canvas.restore_region(self._still)
        for artist in (*self._moving, *self._axes.spines.values(), self._axes.title, self._empty):
            self._axes.draw_artist(artist)
        file = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())[..., :3]).save(file, "PNG", compress_level=_LEVEL)
        return file.getvalue()

    def _keep_still(self) -> None:
        """Find room for the labels, once for all: those of the first drawing, of all jobs, are the widest."""
        self._canvas.draw()
        self._figure.set_layout_engine("none")
        for artist in (*self._moving, *self._axes.spines.values(), self._axes.title, self._empty):
            artist.set_animated(True)
        self._canvas.draw()
        self._still = self._canvas.copy_from_bbox(self._figure.bbox)


class _ConfidencePicture(_Kept):
    def __init__(self, labels: list[str], fills: list[dict[str, Any]], n_others: int) -> None:
        super().__init__()
        axes, edges = self._axes, np.arange(BINS + 1) / BINS
        if n_others:
            labels = [*labels, f"{n_others:,} others"]
            fills = [*fills, {**_style.fill(-1), "facecolor": _style.OTHERS}]
        nothing = np.full(BINS, np.nan)
        self._steps: list[Any] = [
            axes.stairs(nothing, edges, baseline=np.zeros(BINS), fill=True, **fill) for fill in fills
        ]
        self._moving = [*self._steps, axes.yaxis]
        axes.set_xlim(0, 1)
        _style.whole_numbers(axes.yaxis)
        _style.legend(axes, "type", self._steps[::-1], labels[::-1])
        _style.name(axes, title="", x="confidence, 0 to 1", y=f"count (jobs per {1 / BINS:.3g})")

    def draw(self, counts: np.ndarray, n: int) -> bytes:
        """Draw counts, a row for each of the labels, the rest in the last row."""
        foot = np.zeros(BINS)
        for steps, count in zip(self._steps, counts, strict=False):
            top = foot + count
            steps.set_data(np.where(count > 0, top, np.nan), baseline=np.where(count > 0, foot, np.nan))
            foot = top
        self._axes.set_ylim(0, 1.05 * max(foot.max(initial=0), 1))
        self._axes.set_title(f"Confidence, {_style.n_jobs(n, 'answered')}", **_style.PLAIN)
        return self._png(is_empty=n == 0)


class _TypesPicture(_Kept):
    def __init__(self, labels: list[str], fills: list[dict[str, Any]], n_all: int) -> None:
        super().__init__()
        axes, places = self._axes, np.arange(len(labels))
        self._bars = axes.barh(places, np.zeros(len(labels)), 0.8)
        for bar, fill in zip(self._bars, fills, strict=True):
            bar.update(fill)
        self._lines: Any = axes.vlines([], [], [], color="black", linewidth=1.0)
        size = 8 if len(labels) <= 30 else 6
        self._numbers = [
            axes.annotate("", (0, y), (4, 0), textcoords="offset points", va="center", fontsize=size, **_style.PLAIN)
            for y in places
        ]
        self._moving = [*self._bars, self._lines, *self._numbers, axes.xaxis]
        self._left_out = _bars.left_out("rows", len(labels), n_all)
        _style.row_labels(axes, labels)
        x = "share of the answered jobs (line: 95 % interval; number: jobs)"
        _style.name(axes, title="", x=x, y="type")

    def draw(self, counts: np.ndarray, n: int) -> bytes:
        """Draw counts, one for each of the labels."""
        share = counts / max(n, 1)
        lower, upper = (np.nan_to_num(end) for end in wilson(counts, n))
        for bar, width in zip(self._bars, share, strict=True):
            bar.set_width(width)
        y = np.arange(len(counts))
        across = np.stack([np.stack([lower, y], -1), np.stack([upper, y], -1)], 1)
        ends = [np.stack([np.stack([end, y - _CAP], -1), np.stack([end, y + _CAP], -1)], 1) for end in (lower, upper)]
        self._lines.set_segments(np.concatenate([across, *ends]) if n else [])
        for number, count, end in zip(self._numbers, counts.tolist(), upper, strict=True):
            number.set_text(f"{count:,}" if n else "")
            number.xy = (end, number.xy[1])
        self._axes.set_xlim(0, 1.12 * upper.max() if n else 1)
        self._axes.set_title(f"Types of the answers, {_style.n_jobs(n, 'answered')}{self._left_out}", **_style.PLAIN)
        return self._png(is_empty=n == 0)


class _TimesPicture(_Kept):
    def __init__(self, starts: np.ndarray, length: str) -> None:
        super().__init__("no jobs with a time")
        axes, n = self._axes, len(starts)
        edges, nothing = np.arange(n + 1) - 0.5, np.full(n, np.nan)
        self._steps: list[Any] = [
            axes.stairs(nothing, edges, baseline=np.zeros(n), fill=True, **_style.outcome_fill(outcome))
            for outcome in (schema.OUTCOMES if n else ())
        ]
        self._moving = [*self._steps, axes.yaxis]
        axes.set_xlim(-0.6, max(n, 3) - 0.4)
        ticks = np.arange(0, n, max(1, -(-n // _MOST_TICKS)))
        labels = [str(start)[: _SHOWN_OF_TIME[length]].replace("T", " ") for start in starts[ticks]]
        axes.set_xticks(ticks, labels, rotation=30, ha="right", rotation_mode="anchor", fontsize=8, **_style.PLAIN)
        for place in np.flatnonzero(np.diff(starts) > _LONGEST_DAYS[length] * np.timedelta64(24, "h")):
            axes.axvline(place + 0.5, color=_style.EDGE, linestyle=":", linewidth=1.0)
        _style.whole_numbers(axes.yaxis)
        _style.legend(axes, "outcome", self._steps[::-1], list(schema.OUTCOMES)[::-1])
        _style.name(axes, title="", x=f"{length} of creation (UTC)", y=f"count (jobs per {length})")

    def draw(self, counts: np.ndarray) -> bytes:
        """Draw counts, a row for each outcome, the jobs without a time in the last column."""
        dated, undated = counts[:, :-1], int(counts[:, -1].sum())
        foot = np.zeros(dated.shape[1])
        for steps, count in zip(self._steps, dated, strict=False):
            top = foot + count
            steps.set_data(np.where(count > 0, top, np.nan), baseline=np.where(count > 0, foot, np.nan))
            foot = top
        self._axes.set_ylim(0, 1.05 * max(foot.max(initial=0), 1))
        more = f" ({undated:,} more without a time)" if undated else ""
        self._axes.set_title(f"Jobs over time, {_style.n_jobs(int(dated.sum()))}{more}", **_style.PLAIN)
        return self._png(is_empty=not dated.any())


class _FailuresPicture(_Kept):
    def __init__(self, causes: list[str]) -> None:
        super().__init__("no failed jobs")
        axes, places = self._axes, np.arange(len(causes))
        self._bars = axes.barh(places, np.zeros(len(causes)), 0.7, **_style.outcome_fill("failed"))
        self._numbers = [
            axes.annotate("", (0, y), (4, 0), textcoords="offset points", va="center", fontsize=8, **_style.PLAIN)
            for y in places
        ]
        self._moving = [*self._bars, *self._numbers, axes.xaxis]
        _style.row_labels(axes, causes)
        axes.set_ylim(max(len(causes), 4) - 0.4, -0.6)
        _style.whole_numbers(axes.xaxis)
        _style.name(axes, title="", x="count (jobs)", y="cause")

    def draw(self, counts: np.ndarray) -> bytes:
        """Draw counts, one for each cause."""
        for bar, number, count in zip(self._bars, self._numbers, counts.tolist(), strict=True):
            bar.set_width(count)
            number.set_text(f"{count:,}" if count else "")
            number.xy = (count, number.xy[1])
        self._axes.set_xlim(0, 1.12 * max(counts.max(initial=0), 1))
        self._axes.set_title(f"Causes of failures, {_style.n_jobs(int(counts.sum()), 'failed')}", **_style.PLAIN)
        return self._png(is_empty=not counts.any())


def small(png: bytes) -> bytes:
    """Give a picture in a fifth of the bytes, for a page that is kept: smaller, and of a few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").resize(_SMALL, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.quantize(palette=_palette(), dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _palette() -> Image.Image:
    """Give the colours that pictures are made of: found in a picture, the rare ones would be lost."""
    colours = ("#ffffff", "#000000", _style.EDGE, "#888888", _style.MISSING, *_style.COLOURS)
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(colour[at : at + 2], 16) for colour in colours for at in (1, 3, 5)])
    return palette
