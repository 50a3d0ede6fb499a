"""The explorer's controls: each has a description, so that it can be found by its name, and is reached by keyboard."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from ._choices import ANY
from ._view import ORDERS

WIDE = {"description_width": "initial"}


def dropdown(description: str) -> w.Dropdown:
    """Make a dropdown whose options come later."""
    return w.Dropdown(options=[("", ANY)], description=description, style=WIDE, layout=w.Layout(max_width="100%"))


class Controls:
    """All controls of the explorer, and where it shows what they lead to."""

    def __init__(self) -> None:
        self.outcome = dropdown("Show")
        self.type = dropdown("of type")
        self.rule_set = dropdown("by rule set")
        self.configuration = dropdown("of configuration")
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
        orders = [("as loaded", ""), *((name, name) for name in ORDERS)]
        self.sort = w.Dropdown(options=orders, value="", description="Order", style=WIDE)
        self.page_number = w.BoundedIntText(
            1, min=1, max=1, description="Page", style=WIDE, layout=w.Layout(width="120px")
        )
        self.job = w.Dropdown(
            options=[], description="Job", style=WIDE, layout=w.Layout(width="420px", max_width="100%")
        )
        self.show_raw = w.Checkbox(False, description="with its raw answer", indent=False)
        self.show_code = w.Checkbox(False, description="Show the code for this view", indent=False)
        self.path = w.Text("selection.csv", description="File", style=WIDE, layout=w.Layout(width="320px"))
        self.save = w.Button(description="Save selection as CSV", layout=w.Layout(width="auto"))
        for name in ("count", "pictures", "pages", "table", "card", "code", "saved", "error"):
            setattr(self, f"_{name}", w.HTML())

    @property
    def filters(self) -> tuple[Any, ...]:
        """The controls that say which jobs."""
        return (
            *(self.outcome, self.type, self.rule_set, self.configuration),
            *(self.confidence_from, self.confidence_to, self.created_from, self.created_to, self.text),
        )

    def laid_out(self) -> w.VBox:
        """Give all of it, from above to below, in rows that wrap where it is narrow."""
        shown: Any = self
        rows = [
            _row(self.outcome, self.type, self.rule_set, self.configuration),
            _row(self.confidence_from, self.confidence_to, self.created_from, self.created_to),
            _row(self.text, self.reset),
            shown._error,
            shown._count,
            shown._pictures,
            _row(self.sort, self.page_number, shown._pages),
            shown._table,
            _row(self.job, self.show_raw),
            shown._card,
            _row(self.path, self.save, shown._saved),
            _row(self.show_code),
            shown._code,
        ]
        return w.VBox(rows, layout=w.Layout(width="100%", grid_gap="6px", overflow="hidden"))


def _row(*controls: w.Widget) -> w.HBox:
    return w.HBox(controls, layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 14px"))
