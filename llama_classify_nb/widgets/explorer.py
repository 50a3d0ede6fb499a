"""The explorer: filters that read like a sentence, the pictures and the jobs that they leave, and one job's card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np
import pandas as pd

from ..exceptions import ArgumentError, ClassifyError
from ..export import write_csv
from . import page
from ._index import JobIndex
from ._pictures import Pictures
from ._search import Latest

if TYPE_CHECKING:
    from ..jobset import JobSet

_ANY, _NONE = "\0any", "\0none"  # no value of a column can be these: ids and types hold no NUL at their beginning
_SORTS: dict[str, tuple[str, bool]] = {
    "lowest confidence first": ("confidence", True),
    "highest confidence first": ("confidence", False),
    "newest first": ("created_at", False),
    "oldest first": ("created_at", True),
    "longest first": ("duration_s", False),
}
_WIDE = {"description_width": "initial"}


def explore(jobset: JobSet) -> Explorer:
    """Which jobs are those? Gives controls that narrow a JobSet down, with pictures, a table and a card for each job.

    Parameters
    ----------
    jobset : JobSet
        The jobs.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell. Its ``selection`` is the table of the jobs that are left.
    """
    if not all(hasattr(jobset, name) for name in ("jobs", "rules", "raw")):
        raise ArgumentError(
            f"jobset is a {type(jobset).__name__}: give a JobSet, as fetch_jobs and read_jobs return it"
        )
    return Explorer(jobset)


class Explorer:
    """Controls over a JobSet. Every control is an attribute; setting its ``value`` is the same as using it.

    Attributes
    ----------
    outcome, type, rule_set, configuration : ipywidgets.Dropdown
        Which jobs; each option says how many jobs of the whole set it has.
    confidence_from, confidence_to : ipywidgets.BoundedFloatText
        From low up to, but not including, high; 1 is included.
    created_from, created_to : ipywidgets.DatePicker
        First and last day of creation (UTC), both included.
    text : ipywidgets.Text
        A text that the reasoning or the error message holds, capitals or not.
    sort, page_number, job, show_raw : ipywidgets.Widget
        The order of the table, its page, the job on the card, and whether its raw answer is shown.
    path, save : ipywidgets.Widget
        Where the selection is saved as CSV, and the button that does so.
    """

    def __init__(self, jobset: JobSet) -> None:
        self._jobset = jobset
        self._index = JobIndex(jobset.jobs)
        self._mask = np.ones(len(jobset.jobs), dtype=bool)
        self._drawn = Pictures(self._index.types, self._index.counts(self._mask))
        self._rows = np.arange(len(jobset.jobs))  # of the selection, in the order of the table
        self._shown: dict[str, int] = {}  # the row of each job on the page
        self._columns = jobset.jobs[list(page.COLUMNS)]  # what a page shows: to take more takes longer
        self._latest = Latest(self._index, self._filter)
        self._is_held = False
        self._make_filters(jobset.jobs)
        self._make_views()
        for control in self._filters:
            control.observe(self._look if control is self.text else self._filter, "value")
        self.sort.observe(self._order, "value")
        self.page_number.observe(self._turn, "value")
        self.job.observe(self._choose, "value")
        self.show_raw.observe(self._choose, "value")
        self.reset.on_click(self._reset)
        self.save.on_click(self._save)
        self.widget = self._laid_out()
        self._filter()

    @property
    def selection(self) -> pd.DataFrame:
        """The jobs that the filters leave, in the order of the table shown; all columns."""
        self._latest.finish()
        return self._jobset.jobs.iloc[self._rows].copy()

    def __repr__(self) -> str:
        return f"Explorer: {len(self._rows):,} of {len(self._jobset.jobs):,} jobs"

    def _repr_html_(self) -> str:
        """Give what the controls show, still: for pages without a kernel."""
        return page.frame(self._count.value, self._pictures.value, page.table(self._page(0), 0, self._marked))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self.widget._repr_mimebundle_(**options)
        return {**live, "text/plain": repr(self), "text/html": self._repr_html_()}

    # The controls

    def _make_filters(self, jobs: pd.DataFrame) -> None:
        self.outcome = _choice("Show", jobs["outcome"], "all outcomes")
        self.type = _choice("of type", jobs["type"], "any type", "(no type)")
        self.rule_set = _choice("by rule set", jobs["rule_set"], "any rule set")
        self.configuration = _choice("of configuration", jobs["configuration_id"], "any", "(none)")
        bounds: dict[str, Any] = {"min": 0.0, "max": 1.0, "step": 0.05, "style": _WIDE}
        narrow = w.Layout(width="170px")
        self.confidence_from = w.BoundedFloatText(0.0, description="confidence from", layout=narrow, **bounds)
        self.confidence_to = w.BoundedFloatText(1.0, description="to", layout=w.Layout(width="100px"), **bounds)
        date = w.Layout(width="220px")
        self.created_from = w.DatePicker(description="created from", style=_WIDE, layout=date)
        self.created_to = w.DatePicker(description="to", style=_WIDE, layout=w.Layout(width="170px"))
        self.text = w.Text(
            description="mentioning",
            placeholder="a word of the reasoning or error",
            style=_WIDE,
            layout=w.Layout(width="420px"),
        )
        self.reset = w.Button(description="Reset filters", tooltip="Show all jobs again")
        self._filters: tuple[Any, ...] = (
            self.outcome,
            self.type,
            self.rule_set,
            self.configuration,
            self.confidence_from,
            self.confidence_to,
            self.created_from,
            self.created_to,
            self.text,
        )

    def _make_views(self) -> None:
        orders = [("as loaded", ""), *((name, name) for name in _SORTS)]
        self.sort = w.Dropdown(options=orders, value="", description="Order", style=_WIDE)
        self.page_number = w.BoundedIntText(
            1, min=1, max=1, description="Page", style=_WIDE, layout=w.Layout(width="120px")
        )
        self.job = w.Dropdown(options=[], description="Job", style=_WIDE, layout=w.Layout(width="420px"))
        self.show_raw = w.Checkbox(False, description="with its raw answer", indent=False)
        self.path = w.Text("selection.csv", description="File", style=_WIDE, layout=w.Layout(width="320px"))
        self.save = w.Button(description="Save selection as CSV", layout=w.Layout(width="auto"))
        self._count, self._pictures, self._pages = w.HTML(), w.HTML(), w.HTML()
        self._table, self._card, self._saved, self._error = w.HTML(), w.HTML(), w.HTML(), w.HTML()

    def _laid_out(self) -> w.VBox:
        def row(*controls: w.Widget) -> w.HBox:
            return w.HBox(controls, layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 14px"))

        rows = [
            row(self.outcome, self.type, self.rule_set, self.configuration),
            row(self.confidence_from, self.confidence_to, self.created_from, self.created_to),
            row(self.text, self.reset),
            self._error,
            self._count,
            self._pictures,
            row(self.sort, self.page_number, self._pages),
            self._table,
            row(self.job, self.show_raw),
            self._card,
            row(self.path, self.save, self._saved),
        ]
        return w.VBox(rows, layout=w.Layout(width="100%", grid_gap="6px", overflow="hidden"))

    # What they do

    def _look(self, _: Any = None) -> None:
        """Look for the text in the box, once it is no longer being typed."""
        if self._is_held:
            return
        self._latest.ask(self._marked)
        if self._latest.is_busy:
            self._count.value = page.frame(self._counted(), page.busy_line(self._marked))

    def _filter(self, _: Any = None) -> None:
        if self._is_held:
            return
        with self._said():
            # What is still being looked for comes when it is found.
            self._mask = self._index.mask(self._arguments())
            self._count.value = page.frame(self._counted())
            self._pictures.value = page.frame(page.pictures(self._drawn.draw(self._index.counts(self._mask))))
            self._order()

    def _counted(self) -> str:
        return page.count_line(int(np.count_nonzero(self._mask)), len(self._index))

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "outcomes": _chosen(self.outcome),
            "types": _chosen(self.type),
            "rule_sets": _chosen(self.rule_set),
            "configuration_ids": _chosen(self.configuration),
        }
        arguments = {name: values for name, values in arguments.items() if values is not None}
        if self._latest.text:
            arguments["text"] = self._latest.text
        low, high = self.confidence_from.value, self.confidence_to.value
        if (low, high) != (0.0, 1.0):  # untouched, it keeps jobs without a confidence, too
            arguments["confidence"] = (low, high)
        first, last = self.created_from.value, self.created_to.value
        if first or last:
            arguments["created"] = (first, last and last + dt.timedelta(days=1))
        return arguments

    def _order(self, _: Any = None) -> None:
        if self._is_held:
            return
        with self._said():
            column, ascending = _SORTS.get(self.sort.value, ("", True))
            self._rows = self._index.rows(self._mask, column, ascending=ascending)
            n_pages = max(1, -(-len(self._rows) // page.ROWS))
            with self._held():
                self.page_number.value = 1
                self.page_number.max = n_pages
            self._pages.value = page.frame(f"of {n_pages:,}")
            self._turn()

    def _page(self, first: int) -> pd.DataFrame:
        return self._columns.iloc[self._rows[first : first + page.ROWS]]

    def _turn(self, _: Any = None) -> None:
        if self._is_held:
            return
        with self._said():
            first = (self.page_number.value - 1) * page.ROWS
            jobs = self._page(first)
            self._table.value = page.frame(page.table(jobs, first, self._marked))
            ids = jobs["job_id"].tolist()
            self._shown = dict(zip(ids, self._rows[first : first + page.ROWS].tolist(), strict=True))
            with self._held():
                self.job.options = [
                    (f"{number:,}. {page.label(job_id)}", job_id) for number, job_id in enumerate(ids, start=first + 1)
                ]
                self.job.value = ids[0] if ids else None
            self._choose()

    def _choose(self, _: Any = None) -> None:
        if self._is_held:
            return
        with self._said():
            if self.job.value is None:
                self._card.value = ""
                return
            job = self._jobset.jobs.iloc[self._shown[self.job.value]]
            raw = self._jobset.raw(self.job.value) if self.show_raw.value else None
            self._card.value = page.frame(page.card(job, self._jobset.rules, self._marked, raw))

    def _reset(self, _: Any = None) -> None:
        with self._held():
            for control in (self.outcome, self.type, self.rule_set, self.configuration):
                control.value = _ANY
            self.confidence_from.value, self.confidence_to.value = 0.0, 1.0
            self.created_from.value = self.created_to.value = None
            self.text.value = ""
        self._latest.drop()
        self._filter()

    def _save(self, _: Any = None) -> None:
        try:
            path = Path(self.path.value.strip()).expanduser()
            write_csv(self.selection, path)
        except (ClassifyError, OSError, ValueError) as error:
            self._saved.value = page.frame(page.shown(f"Not saved: {error}", 1_000))
        else:
            n = len(self._rows)
            said = f"{n:,} job{'' if n == 1 else 's'} saved in {path.resolve()}"
            self._saved.value = page.frame(page.shown(said, 1_000))

    @property
    def _marked(self) -> str:
        return str(self.text.value).strip()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Change several controls as one."""
        was_held, self._is_held = self._is_held, True
        try:
            yield
        finally:
            self._is_held = was_held

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Show an error where it is seen: what a callback raises ends in a log that nobody reads."""
        try:
            yield
            self._error.value = ""
        except ClassifyError as error:
            self._error.value = page.frame(page.shown(str(error), 1_000))


def _choice(description: str, column: pd.Series, every: str, missing: str = "") -> w.Dropdown:
    counts = column.value_counts(sort=False)
    options: list[tuple[str, str]] = [(every, _ANY)]
    options += [(f"{page.label(value)} ({count:,})", str(value)) for value, count in counts.items() if count]
    n_missing = int(column.isna().sum())
    if missing and n_missing:
        options.append((f"{missing} ({n_missing:,})", _NONE))
    return w.Dropdown(options=options, value=_ANY, description=description, style=_WIDE, layout=w.Layout(width="auto"))


def _chosen(control: w.Dropdown) -> list[str | None] | None:
    if control.value == _ANY:
        return None
    return [None] if control.value == _NONE else [control.value]
