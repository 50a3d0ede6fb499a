"""The explorer: filters that read like a sentence, the pictures and the jobs that they leave, and one job's card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..exceptions import ArgumentError, ClassifyError
from ..export import write_csv
from . import _view, page
from ._card_page import card
from ._choices import CHOICES, Choices
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

    Examples
    --------
    >>> from llama_classify_nb import load_sample
    >>> explorer = explore(load_sample(), view={"outcomes": ["failed"]})
    >>> explorer
    Explorer: 192 of 5,992 jobs
    >>> explorer.text.value = "password"  # as if it were typed
    >>> len(explorer.selection), explorer.view
    (19, {'outcomes': ['failed'], 'text': 'password'})
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
    outcome, type, rule_set, configuration : Pick
        Which jobs; each option says how many jobs it would leave beside the other filters. Of a column with many
        values, the 50 most used are offered, and any other can be typed.
    confidence_from, confidence_to : ipywidgets.BoundedFloatText
        From low up to, but not including, high; 1 is included.
    created_from, created_to : ipywidgets.DatePicker
        First and last day of creation (UTC), both included.
    text : ipywidgets.Text
        A text that the reasoning or the error message holds, capitals or not.
    sort, job : Pick
        The order of the table, and the job on the card.
    page_number, show_raw : ipywidgets.Widget
        The page of the table, and whether the raw answer of the job is shown: it may have to be looked for in a file.
    path, save : ipywidgets.Widget
        Where the selection is saved as CSV, and the button that does so.
    show_code : ipywidgets.Checkbox
        Whether the code for this view is shown.
    """

    def __init__(self, jobset: JobSet, labels: pd.DataFrame | None = None, view: dict[str, Any] | None = None) -> None:
        jobs = jobset.jobs
        self._jobset = jobset
        self._index, self._linked = JobIndex(jobs), Linked(jobs)
        super().__init__({name: Choices(self._index, jobs[one.column], one) for name, one in CHOICES.items()})
        self._facts = Facts(jobs, jobset.rules, self._linked, labels)
        self._mask = np.ones(len(jobs), dtype=bool)
        counts = self._index.counts(self._mask), self._linked.counts(self._mask)
        self._drawn = Pictures(self._index.types, counts[0], self._linked, counts[1])
        self._images: list[tuple[bytes, str]] = []
        self._rows = np.arange(len(jobs))  # of the selection, in the order of the table
        self._shown: dict[str, int] = {}  # the row of each job on the page
        # Read cell by cell: to take fifty rows of a column, pandas and Arrow would first join its thousands of chunks.
        self._cells = {name: jobs[name].array for name in page.COLUMNS}
        # A front end may run a callback in another thread than the cell's: one change at a time.
        self._lock, self._is_held = threading.RLock(), False
        self._latest = Latest(self._index, partial(self._do, self._filter))
        self._on_card: str | None = None
        self.widget = self.laid_out()
        self._set({} if view is None else view)
        self._filter()  # says what is wrong with a view while somebody listens
        self._observe()

    def _observe(self) -> None:
        for control in self.filters:
            control.observe(self._on(self._look if control is self.text else self._filter), "value")
        for control, act in (
            (self.sort, self._order),
            (self.page_number, self._turn),
            (self.job, self._choose),
            (self.show_raw, self._choose),
            (self.show_code, self._tell_code),
        ):
            control.observe(self._on(act), "value")
        self.reset.on_click(self._on(self._reset))
        self.save.on_click(self._on(self._save))

    def _on(self, act: Callable[[], None]) -> Callable[..., None]:
        """Make an act what follows a change of a control, unless an act itself makes that change."""

        def reaction(_: Any = None) -> None:
            with self._lock:
                if not self._is_held:
                    self._do(act)

        return reaction

    def _do(self, act: Callable[[], None]) -> None:
        """Do something that changes controls, and show its error where it is seen: logs are read by nobody."""
        with self._lock, self.at_once():
            was_held, self._is_held = self._is_held, True
            self._error.value = ""
            try:
                act()
            except ClassifyError as error:
                self._say(str(error))
            finally:
                self._is_held = was_held

    @property
    def selection(self) -> pd.DataFrame:
        """The jobs that the filters leave, in the order of the table shown; all columns."""
        with self._lock:
            self._latest.finish()
            return self._jobset.jobs.iloc[self._rows].copy()

    @property
    def view(self) -> dict[str, Any]:
        """What the controls say, as a plain dict: keep it, as JSON too, and give it to ``explore`` again."""
        with self._lock:
            self._latest.finish()
            return self._view()

    @property
    def code(self) -> str:
        """Code that gives ``selection`` anew, of a JobSet called ``jobset``."""
        return _view.code(self.view)

    def __repr__(self) -> str:
        return f"Explorer: {len(self._rows):,} of {len(self._jobset.jobs):,} jobs"

    def _repr_html_(self) -> str:
        """Give what the controls show, still: for pages without a kernel, under 50 KB and without a script."""
        with self._lock:
            images = page.pictures((small(png), alt) for png, alt in self._images)
            head = page.frame(self._counted(), self._view_line(), images)
            room = max(_MOST_BYTES - len(head.encode()), 1)
            return head + page.frame(page.table(self._page(0), 0, self._marked, self._sorted, room))

    def _view_line(self) -> str:
        said = ", ".join(f"{name}: {value}" for name, value in self._view().items())
        return f"<div>{page.shown(said, 1_000)}</div>" if said else ""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self.widget._repr_mimebundle_(**options)
        return {**live, "text/plain": repr(self), "text/html": self._repr_html_()}

    # What they do

    def _look(self) -> None:
        """Look for the text in the box, once it is no longer being typed."""
        self._latest.ask(self._marked)
        if self._latest.is_busy:
            self._count.value = page.frame(self._counted(), page.busy_line(self._marked))

    def _filter(self) -> None:
        # What is still being looked for comes when it is found.
        arguments = self.arguments(self._latest.text)
        self._mask = self._index.mask(arguments)
        self.offer(arguments)
        self._count.value = page.frame(self._counted())
        self._images = self._drawn.draw(self._index.counts(self._mask), self._linked.counts(self._mask))
        self._pictures.value = page.frame(page.pictures(self._images))
        self._order()

    def _counted(self) -> str:
        return page.count_line(int(np.count_nonzero(self._mask)), len(self._index))

    def _view(self) -> dict[str, Any]:
        return _view.make(self.arguments(self._latest.text), self.sort.value)

    def _order(self) -> None:
        column, ascending = self._sorted
        self._rows = self._index.rows(self._mask, column, ascending=ascending)
        n_pages = max(1, -(-len(self._rows) // page.ROWS))
        self.page_number.value = 1
        self.page_number.max = n_pages
        self._pages.value = page.frame(f"of {n_pages:,}")
        self._turn()
        self._tell_code()

    @property
    def _sorted(self) -> tuple[str, bool]:
        return _view.ORDERS.get(self.sort.value, ("", True))

    def _tell_code(self) -> None:
        code = page.shown(_view.code(self._view())) if self.show_code.value else ""
        self._code.value = page.frame(f'<pre class="code" tabindex="0">{code}</pre>') if code else ""

    def _page(self, first: int) -> list[dict[str, Any]]:
        rows = self._rows[first : first + page.ROWS].tolist()
        return [{name: cells[row] for name, cells in self._cells.items()} for row in rows]

    def _turn(self) -> None:
        first = (self.page_number.value - 1) * page.ROWS
        jobs = self._page(first)
        self._table.value = page.frame(page.table(jobs, first, self._marked, self._sorted))
        ids = [job["job_id"] for job in jobs]
        self._shown = dict(zip(ids, self._rows[first : first + page.ROWS].tolist(), strict=True))
        options = [(f"{number:,}. {page.label(job_id)}", job_id) for number, job_id in enumerate(ids, start=first + 1)]
        self.job.offer(options)
        self.job.value = ids[0] if ids else None
        self._choose()

    def _choose(self) -> None:
        if self.job.value is None:
            self._card.value = ""
            return
        if self.job.value != self._on_card:
            # To look a raw answer up may mean to read a file: it is asked for anew for each job.
            self._on_card, self.show_raw.value = self.job.value, False
        row = self._shown[self.job.value]
        raw = self._jobset.raw(self.job.value) if self.show_raw.value else None
        job, known = self._jobset.jobs.iloc[row], self._facts.of(row)
        self._card.value = page.frame(card(job, self._jobset.rules, known, self._marked, raw))

    def _reset(self) -> None:
        self._set({"order": self.sort.value})
        self._filter()

    def _set(self, view: dict[str, Any]) -> None:
        self.set(view)
        self._latest.set(self._marked)

    def _save(self) -> None:
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
