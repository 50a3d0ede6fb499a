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
from . import _view, page
from ._card_page import card
from ._choices import ANY, CHOICES, NONE, Choices
from ._controls import Controls
from ._facts import Facts
from ._index import JobIndex
from ._linked import Linked
from ._pictures import Pictures, small
from ._search import Latest

if TYPE_CHECKING:
    from ..jobset import JobSet

_MOST_BYTES = 46_000  # of the page without a kernel


def explore(jobset: JobSet, labels: pd.DataFrame | None = None, view: dict[str, Any] | None = None) -> Explorer:
    """Which jobs are those? Gives controls that narrow a JobSet down, with pictures, a table and a card for each job.

    Parameters
    ----------
    jobset : JobSet
        The jobs.
    labels : DataFrame, optional
        Labels, as ``read_labels`` gives them: ``label`` and ``job_id`` or ``file_input``. The card of a job shows its
        label, and whether the answer is right.
    view : dict, optional
        The controls to begin with, such as ``explorer.view`` gave before. Its names are arguments of ``select_jobs``,
        and ``order``. A value that none of these jobs has is kept, and leaves none.

    Returns
    -------
    Explorer
        Shows itself as the last line of a cell. Its ``selection`` is the table of the jobs that are left.

    Raises
    ------
    ArgumentError
        If an argument can't be right.
    """
    if not all(hasattr(jobset, name) for name in ("jobs", "rules", "raw")):
        raise ArgumentError(
            f"jobset is a {type(jobset).__name__}: give a JobSet, as fetch_jobs and read_jobs return it"
        )
    return Explorer(jobset, labels, view)


class Explorer(Controls):
    """Controls over a JobSet. Every control is an attribute; setting its ``value`` is the same as using it.

    Attributes
    ----------
    outcome, type, rule_set, configuration : ipywidgets.Dropdown
        Which jobs; each option says how many jobs it would leave beside the other filters. Of a column with many
        values, the 50 most used are offered.
    confidence_from, confidence_to : ipywidgets.BoundedFloatText
        From low up to, but not including, high; 1 is included.
    created_from, created_to : ipywidgets.DatePicker
        First and last day of creation (UTC), both included.
    text : ipywidgets.Text
        A text that the reasoning or the error message holds, capitals or not.
    sort, page_number, job, show_raw : ipywidgets.Widget
        The order of the table, its page, the job on the card, and whether the raw answer of this job is shown: it may
        have to be looked for in a file.
    path, save : ipywidgets.Widget
        Where the selection is saved as CSV, and the button that does so.
    show_code : ipywidgets.Checkbox
        Whether the code for this view is shown.
    """

    _count: w.HTML
    _pictures: w.HTML
    _pages: w.HTML
    _table: w.HTML
    _card: w.HTML
    _code: w.HTML
    _saved: w.HTML
    _error: w.HTML

    def __init__(self, jobset: JobSet, labels: pd.DataFrame | None = None, view: dict[str, Any] | None = None) -> None:
        super().__init__()
        jobs = jobset.jobs
        self._jobset = jobset
        self._index, self._linked = JobIndex(jobs), Linked(jobs)
        self._facts = Facts(jobs, jobset.rules, self._linked, labels)
        self._mask = np.ones(len(jobs), dtype=bool)
        self._drawn = Pictures(self._index.types, self._index.counts(self._mask), self._linked)
        self._images: list[tuple[bytes, str]] = []
        self._rows = np.arange(len(jobs))  # of the selection, in the order of the table
        self._shown: dict[str, int] = {}  # the row of each job on the page
        self._columns = jobs[list(page.COLUMNS)]  # what a page shows: to take more takes longer
        self._choices = {name: Choices(self._index, jobs[choice.column], choice) for name, choice in CHOICES.items()}
        self._latest = Latest(self._index, self._filter)
        self._is_held = False
        self._on_card: str | None = None
        self._set({} if view is None else view)
        self._index.mask(self._arguments())  # says what is wrong with a view while somebody listens
        self._observe()
        self.widget = self.laid_out()
        self._filter()

    def _observe(self) -> None:
        for control in self.filters:
            control.observe(self._look if control is self.text else self._filter, "value")
        self.sort.observe(self._order, "value")
        self.page_number.observe(self._turn, "value")
        self.job.observe(self._choose, "value")
        self.show_raw.observe(self._choose, "value")
        self.show_code.observe(self._tell_code, "value")
        self.reset.on_click(self._reset)
        self.save.on_click(self._save)

    @property
    def selection(self) -> pd.DataFrame:
        """The jobs that the filters leave, in the order of the table shown; all columns."""
        self._latest.finish()
        return self._jobset.jobs.iloc[self._rows].copy()

    @property
    def view(self) -> dict[str, Any]:
        """What the controls say, as a plain dict: keep it, as JSON too, and give it to ``explore`` again."""
        self._latest.finish()
        return _view.make(self._arguments(), self.sort.value)

    @property
    def code(self) -> str:
        """Code that gives ``selection`` anew, of a JobSet called ``jobset``."""
        return _view.code(self.view)

    def __repr__(self) -> str:
        return f"Explorer: {len(self._rows):,} of {len(self._jobset.jobs):,} jobs"

    def _repr_html_(self) -> str:
        """Give what the controls show, still: for pages without a kernel, under 50 KB and without a script."""
        images = page.pictures((small(png), alt) for png, alt in self._images)
        head = page.frame(self._counted(), self._view_line(), images)
        room = max(_MOST_BYTES - len(head.encode()), 1)
        return head + page.frame(page.table(self._page(0), 0, self._marked, self._sorted, room))

    def _view_line(self) -> str:
        said = ", ".join(f"{name}: {value}" for name, value in _view.make(self._arguments(), self.sort.value).items())
        return f"<div>{page.shown(said, 1_000)}</div>" if said else ""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self.widget._repr_mimebundle_(**options)
        return {**live, "text/plain": repr(self), "text/html": self._repr_html_()}

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
            arguments = self._arguments()
            self._mask = self._index.mask(arguments)
            self._offer(arguments)
            self._count.value = page.frame(self._counted())
            self._images = self._drawn.draw(self._index.counts(self._mask), self._linked.counts(self._mask))
            self._pictures.value = page.frame(page.pictures(self._images))
            self._order()

    def _offer(self, arguments: dict[str, Any]) -> None:
        """Say in each dropdown how many jobs its choices would leave."""
        with self._held():
            for name, choices in self._choices.items():
                control, options = getattr(self, name), choices.options(arguments)
                if tuple(options) != tuple(control.options):
                    value = control.value
                    with control.hold_sync():
                        control.options, control.value = options, value

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
            column, ascending = self._sorted
            self._rows = self._index.rows(self._mask, column, ascending=ascending)
            n_pages = max(1, -(-len(self._rows) // page.ROWS))
            with self._held():
                self.page_number.value = 1
                self.page_number.max = n_pages
            self._pages.value = page.frame(f"of {n_pages:,}")
            self._turn()
            self._tell_code()

    @property
    def _sorted(self) -> tuple[str, bool]:
        return _view.ORDERS.get(self.sort.value, ("", True))

    def _tell_code(self, _: Any = None) -> None:
        code = page.shown(_view.code(_view.make(self._arguments(), self.sort.value)))
        shown = f'<pre class="code" tabindex="0">{code}</pre>' if self.show_code.value else ""
        self._code.value = page.frame(shown) if shown else ""

    def _page(self, first: int) -> pd.DataFrame:
        return self._columns.iloc[self._rows[first : first + page.ROWS]]

    def _turn(self, _: Any = None) -> None:
        if self._is_held:
            return
        with self._said():
            first = (self.page_number.value - 1) * page.ROWS
            jobs = self._page(first)
            self._table.value = page.frame(page.table(jobs, first, self._marked, self._sorted))
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
            if self.job.value != self._on_card:
                # To look a raw answer up may mean to read a file: it is asked for anew for each job.
                self._on_card = self.job.value
                with self._held():
                    self.show_raw.value = False
            row = self._shown[self.job.value]
            raw = self._jobset.raw(self.job.value) if self.show_raw.value else None
            job, known = self._jobset.jobs.iloc[row], self._facts.of(row)
            self._card.value = page.frame(card(job, self._jobset.rules, known, self._marked, raw))

    def _reset(self, _: Any = None) -> None:
        self._latest.drop()
        self._set({"order": self.sort.value})
        self._filter()

    def _set(self, view: dict[str, Any]) -> None:
        """Set all filters, and the order, as a view has them."""
        held = _view.read(view)
        with self._held():
            for name, choices in self._choices.items():
                value = held.get(CHOICES[name].argument, ANY)
                value = NONE if value is None else value
                choices.add(value)
                control = getattr(self, name)
                control.options = choices.options({})
                control.value = value
            self.confidence_from.value, self.confidence_to.value = held.get("confidence", (0.0, 1.0))
            self.created_from.value, self.created_to.value = held.get("created", (None, None))
            self.text.value = held.get("text", "")
            self.sort.value = held.get("order", "")
        self._latest.set(self._marked)

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


def _chosen(control: w.Dropdown) -> list[str | None] | None:
    if control.value == ANY:
        return None
    return [None] if control.value == NONE else [control.value]
