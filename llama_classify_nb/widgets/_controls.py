"""The explorer's controls: each has a description, so that it can be found by its name, and is reached by keyboard."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import ipywidgets as w

from . import _view
from ._choices import ANY, CHOICES, NONE, Choices
from ._pick import WIDE, Pick
from .page import frame, shown


class Controls:
    """All controls of the explorer, and where it shows what they lead to.

    Parameters
    ----------
    choices : dict of str to Choices
        What can be chosen from columns, by the names of ``CHOICES``.
    """

    def __init__(self, choices: dict[str, Choices]) -> None:
        self._choices = choices
        self.outcome = Pick("Show", "260px", self._say)
        self.type = Pick("of type", "260px", self._say)
        self.rule_set = Pick("by rule set", "260px", self._say)
        self.configuration = Pick("of configuration", "320px", self._say)
        for name, of_column in choices.items():
            getattr(self, name).more = of_column.find
        bounds: dict[str, Any] = {"min": 0.0, "max": 1.0, "step": 0.05, "style": WIDE}
        low, high = w.Layout(width="170px"), w.Layout(width="100px")
        self.confidence_from = w.BoundedFloatText(0.0, description="confidence from", layout=low, **bounds)
        self.confidence_to = w.BoundedFloatText(1.0, description="to", layout=high, **bounds)
        first, last = w.Layout(width="220px"), w.Layout(width="170px")
        self.created_from = w.DatePicker(description="created from", style=WIDE, layout=first)
        self.created_to = w.DatePicker(description="to", style=WIDE, layout=last)
        self.text = w.Text(
            description="mentioning",
            placeholder="a word of the reasoning or error",
            style=WIDE,
            layout=w.Layout(width="420px", max_width="100%"),
        )
        self.reset = w.Button(description="Reset filters", tooltip="Show all jobs again")
        self.sort = Pick("Order", "290px", self._say)
        self.sort.offer([("as loaded", ""), *((name, name) for name in _view.ORDERS)])
        self.sort.value = ""
        self.page_number = w.BoundedIntText(
            1, min=1, max=1, description="Page", style=WIDE, layout=w.Layout(width="120px")
        )
        self.job = Pick("Job", "420px", self._say)
        self.show_raw = w.Checkbox(False, description="with its raw answer", indent=False)
        self.show_code = w.Checkbox(False, description="Show the code for this view", indent=False)
        self.path = w.Text("selection.csv", description="File", style=WIDE, layout=w.Layout(width="320px"))
        self.save = w.Button(description="Save selection as CSV", layout=w.Layout(width="auto"))
        self._count, self._pictures, self._pages, self._table = (w.HTML() for _ in range(4))
        self._card, self._code, self._saved, self._error = (w.HTML() for _ in range(4))

    def arguments(self, text: str) -> dict[str, Any]:
        """Give what the controls say as the arguments of ``select_jobs``; the text is the one that is looked for."""
        arguments: dict[str, Any] = {}
        for name, choice in CHOICES.items():
            value = getattr(self, name).value
            if value != ANY:
                arguments[choice.argument] = [None if value == NONE else value]
        if text:
            arguments["text"] = text
        low, high = self.confidence_from.value, self.confidence_to.value
        if (low, high) != (0.0, 1.0):  # untouched, it keeps jobs without a confidence, too
            arguments["confidence"] = (low, high)
        first, last = self.created_from.value, self.created_to.value
        if first or last:
            arguments["created"] = (first, last and last + dt.timedelta(days=1))
        return arguments

    def set(self, view: dict[str, Any]) -> None:
        """Set all filters, and the order, as a view has them."""
        held = _view.read(view)
        for name, choices in self._choices.items():
            value = held.get(CHOICES[name].argument, ANY)
            value = NONE if value is None else value
            choices.add(value)
            pick = getattr(self, name)
            pick.offer(choices.options({}))
            pick.value = value
        self.confidence_from.value, self.confidence_to.value = held.get("confidence", (0.0, 1.0))
        self.created_from.value, self.created_to.value = held.get("created", (None, None))
        self.text.value = held.get("text", "")
        self.sort.value = held.get("order", "")

    def offer(self, arguments: dict[str, Any]) -> None:
        """Say in each field how many jobs its choices would leave."""
        for name, choices in self._choices.items():
            getattr(self, name).offer(choices.options(arguments))

    def _say(self, error: str) -> None:
        self._error.value = frame(f'<div role="alert">{shown(error, 1_000)}</div>') if error else ""

    @property
    def filters(self) -> tuple[Any, ...]:
        """The controls that say which jobs."""
        return (
            *(self.outcome, self.type, self.rule_set, self.configuration),
            *(self.confidence_from, self.confidence_to, self.created_from, self.created_to, self.text),
        )

    def laid_out(self) -> w.VBox:
        """Give all of it, from above to below, in rows that wrap where it is narrow."""
        rows = [
            _row(self.outcome.field, self.type.field, self.rule_set.field, self.configuration.field),
            _row(self.confidence_from, self.confidence_to, self.created_from, self.created_to),
            _row(self.text, self.reset),
            self._error,
            self._count,
            self._pictures,
            _row(self.sort.field, self.page_number, self._pages),
            self._table,
            _row(self.job.field, self.show_raw),
            self._card,
            _row(self.path, self.save, self._saved),
            _row(self.show_code),
            self._code,
        ]
        self._parts = [part for row in rows for part in (row.children if isinstance(row, w.HBox) else [row])]
        return w.VBox(rows, layout=w.Layout(width="100%", grid_gap="6px", overflow="hidden"))

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Send all that changes at the end: a browser would lay its page out for each part, while the kernel works."""
        with contextlib.ExitStack() as held:
            for part in self._parts:
                held.enter_context(part.hold_sync())
            yield


def _row(*controls: w.Widget) -> w.HBox:
    return w.HBox(controls, layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 14px"))
