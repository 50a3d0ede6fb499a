"""The explorer's pictures: what each of them shows; ``_canvas`` draws them.

They show what ``plots.confidence_distribution`` by type, ``plots.type_breakdown``, ``plots.jobs_over_time`` and
``plots.failure_causes`` show, of counts that were made already; every type, period and cause keeps its place, so that a
picture can be compared with the one before.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from PIL import Image

from .. import schema
from ..metrics.intervals import wilson
from ..plots import _bars, _style
from ..plots.failure_causes import AGAIN
from ._canvas import Canvas, plainly
from ._index import BINS, Counts
from ._linked import Linked, LinkedCounts

_SMALL = 400, 225
_MOST_TICKS = 10
_MOST_ROWS = 20  # for which its height has room: a picture of ``plots`` grows with them
_LONGEST = 24  # characters of a type
_SHOWN_OF_TIME = {"hour": 16, "day": 10, "week": 10, "month": 7}  # characters
_LONGEST_DAYS = {"hour": 1, "day": 1, "week": 7, "month": 31}


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
    all_linked : LinkedCounts
        The counts of all jobs by them.
    """

    def __init__(self, types: pd.Index, everything: Counts, linked: Linked, all_linked: LinkedCounts) -> None:
        column = pd.Series(pd.Categorical.from_codes([*range(len(types)), -1], types), name="type")
        # Long ones would leave the axes too narrow for what stands above and below them.
        self._labels = [_style.display_text(one, _LONGEST) for one in _style.group_labels(column, "no match")]
        self._fills = _style.fills(column)
        totals = everything.by_type.sum(axis=1)
        self._shown, self._rows = _style.most(totals, _style.MOST_ROWS), _style.most(totals, _MOST_ROWS)
        n_others = len(self._labels) - len(self._shown)
        with plainly():
            self._confidence = _ConfidencePicture(*self._looks(self._shown), everything.by_type, n_others)
            self._types = _TypesPicture(*self._looks(self._rows), n_all=len(self._labels))
            self._times = _TimesPicture(linked.starts, linked.length, all_linked.by_period)
            self._failures = _FailuresPicture(linked.causes, all_linked.by_cause)
        self._linked = linked
        self._plain_types = [*map(str, types), None]

    def _looks(self, shown: np.ndarray) -> tuple[list[str], list[dict[str, Any]]]:
        return [self._labels[row] for row in shown], [self._fills[row] for row in shown]

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
            (self._types.draw(totals[self._rows], counts.n), f"Types of {counts.n:,} answered jobs{said}"),
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
        totals = counts.sum(axis=1).tolist()
        some = [f"{cause} {n:,}" for cause, n in zip(self._linked.causes, totals, strict=True) if n]
        return f"{words}: {', '.join(some)}" if some else words


class _ConfidencePicture:
    def __init__(self, labels: list[str], fills: list[dict[str, Any]], everything: np.ndarray, n_others: int) -> None:
        self._canvas = Canvas("y", _top(everything), "no answered jobs")
        axes = self._canvas.axes
        if n_others:
            labels = [*labels, f"{n_others:,} others"]
            fills = [*fills, {**_style.fill(-1), "facecolor": _style.OTHERS}]
        self._fills = fills
        axes.set_xlim(0, 1)
        _style.whole_numbers(axes.yaxis)
        _legend(axes, "type", labels, fills)
        _style.name(axes, title="", x="confidence, 0 to 1", y=f"count (jobs per {1 / BINS:.3g})")

    def draw(self, counts: np.ndarray, n: int) -> bytes:
        """Draw counts, a row for each of the labels, the rest in the last row."""
        self._canvas.begin(_top(counts), f"Confidence, {_style.n_jobs(n, 'answered')}", is_empty=n == 0)
        _stack(self._canvas, counts, np.arange(BINS + 1) / BINS, self._fills)
        return self._canvas.png()


class _TypesPicture:
    def __init__(self, labels: list[str], fills: list[dict[str, Any]], n_all: int) -> None:
        self._canvas, self._fills = Canvas("x", 1.0, "no answered jobs"), fills
        self._left_out = _bars.left_out("rows", len(labels), n_all)
        _style.row_labels(self._canvas.axes, labels)
        # Two lines: beside long names of types, one would reach beyond the picture.
        x = "share of the answered jobs\n(line: 95 % interval; number: jobs)"
        _style.name(self._canvas.axes, title="", x=x, y="type")

    def draw(self, counts: np.ndarray, n: int) -> bytes:
        """Draw counts, one for each of the labels."""
        lower, upper = (np.nan_to_num(end) for end in wilson(counts, n))
        title = f"Types of the answers, {_style.n_jobs(n, 'answered')}{self._left_out}"
        self._canvas.begin(1.12 * float(upper.max()) if n else 1.0, title, is_empty=n == 0)
        for row, count in enumerate(counts.tolist() if n else []):
            self._canvas.bar((0, count / n), (row - 0.4, row + 0.4), self._fills[row])
            self._canvas.span((lower[row], upper[row]), row)
            self._canvas.write(upper[row], row, f"{count:,}")
        return self._canvas.png()


class _TimesPicture:
    def __init__(self, starts: np.ndarray, length: str, everything: np.ndarray) -> None:
        self._canvas = Canvas("y", _top(everything[:, :-1]), "no jobs with a time")
        axes, n = self._canvas.axes, len(starts)
        axes.set_xlim(-0.6, max(n, 3) - 0.4)
        ticks = np.arange(0, n, max(1, -(-n // _MOST_TICKS)))
        labels = [str(start)[: _SHOWN_OF_TIME[length]].replace("T", " ") for start in starts[ticks]]
        axes.set_xticks(ticks, labels, rotation=30, ha="right", rotation_mode="anchor", fontsize=8, **_style.PLAIN)
        for place in np.flatnonzero(np.diff(starts) > _LONGEST_DAYS[length] * np.timedelta64(24, "h")):
            axes.axvline(place + 0.5, color=_style.EDGE, linestyle=":", linewidth=1.0)
        _style.whole_numbers(axes.yaxis)
        self._fills = [_style.outcome_fill(outcome) for outcome in schema.OUTCOMES]
        _legend(axes, "outcome", list(schema.OUTCOMES), self._fills)
        _style.name(axes, title="", x=f"{length} of creation (UTC)", y=f"count (jobs per {length})")

    def draw(self, counts: np.ndarray) -> bytes:
        """Draw counts, a row for each outcome, the jobs without a time in the last column."""
        dated, undated = counts[:, :-1], int(counts[:, -1].sum())
        more = f" ({undated:,} more without a time)" if undated else ""
        title = f"Jobs over time, {_style.n_jobs(int(dated.sum()))}{more}"
        self._canvas.begin(_top(dated), title, is_empty=not dated.any())
        _stack(self._canvas, dated, np.arange(dated.shape[1] + 1) - 0.5, self._fills, 0.075)
        return self._canvas.png()


class _FailuresPicture:
    def __init__(self, causes: list[str], everything: np.ndarray) -> None:
        self._canvas = Canvas("x", 1.12 * max(everything.sum(axis=1).max(initial=0), 1), "no failed jobs")
        axes = self._canvas.axes
        _style.row_labels(axes, causes)
        axes.set_ylim(max(len(causes), 4) - 0.4, -0.6)
        _style.whole_numbers(axes.xaxis)
        some = [place for place in range(len(AGAIN)) if everything[:, place].any()]
        self._fills = [fill for _, fill in AGAIN.values()]
        answers = [answer for answer, _ in AGAIN.values()]
        # The first piece stands first in the legend, too.
        _legend(axes, "asking again", [answers[at] for at in some[::-1]], [self._fills[at] for at in some[::-1]])
        _style.name(axes, title="", x="count (jobs)", y="cause")

    def draw(self, counts: np.ndarray) -> bytes:
        """Draw counts, a row for each cause, a column for each answer to whether asking again may help."""
        ends = np.cumsum(counts, axis=1)
        title = f"Causes of failures, {_style.n_jobs(int(counts.sum()), 'failed')}"
        self._canvas.begin(1.12 * max(ends.max(initial=0), 1), title, is_empty=not counts.any())
        for row, place in zip(*np.nonzero(counts), strict=True):
            end = int(ends[row, place])
            self._canvas.bar((end - int(counts[row, place]), end), (row - 0.35, row + 0.35), self._fills[place])
        for row, end in enumerate(ends[:, -1].tolist()):
            if end:
                self._canvas.write(end, row, f"{end:,}")
        return self._canvas.png()


def _legend(axes: Any, title: str, labels: list[str], fills: list[dict[str, Any]]) -> None:
    """Put a legend whose last entry is on top, as the last bar is."""
    _style.legend(axes, title, [Patch(**fill) for fill in fills[::-1]], labels[::-1])


def _top(counts: np.ndarray) -> float:
    """Give where the axis ends of counts that stand on one another, a row on the row before."""
    return 1.05 * max(float(counts.sum(axis=0).max(initial=0)), 1.0)


def _stack(
    canvas: Canvas, counts: np.ndarray, edges: np.ndarray, fills: list[dict[str, Any]], between: float = 0.0
) -> None:
    """Draw counts that stand on one another, with so much air at each side of a bar; nothing is drawn for 0."""
    feet = np.cumsum(counts, axis=0) - counts
    for row, place in zip(*np.nonzero(counts), strict=True):
        foot = int(feet[row, place])
        across = edges[place] + between, edges[place + 1] - between
        canvas.bar(across, (foot, foot + int(counts[row, place])), fills[row])


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
