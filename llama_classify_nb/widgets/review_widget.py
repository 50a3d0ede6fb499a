"""The review desk: one job at a time, a label for each, and all of it on disk before the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import pandas as pd

from .. import label_records
from ..exceptions import ClassifyError
from ..label_log import LabelLog
from . import _review_page as page
from ._desk import Desk

#: A second click on the same button within so many seconds of the job that the first one brought was meant for the job
#: before: as long as desktops give a double click, counted from when the first was carried out.
DOUBLE_CLICK_S = 0.5
#: Leaving the key's field changes it, too; only Enter, whose message comes right before the change, means it.
_ENTER_S = 2.0
_WIDE = {"description_width": "initial"}
_HELP = "a rule's number or type; n, ?, s, u, b, +"


class Review:
    """A desk to label at, by keyboard or by click. Every act is in the file before the next job shows.

    Keys, each followed by Enter in the field "Key": a rule's number, or the beginning of its type; ``n`` no rule fits,
    ``?`` can't tell, ``s`` skip, ``u`` undo, ``b`` back, ``+`` forward.

    Attributes
    ----------
    keys, note : ipywidgets.Text
        The key, and a note that is saved with the next label.
    types, acts : ipywidgets.HBox
        The buttons.
    labels : DataFrame
        What all reviewers have said, as ``read_labels`` gives it.
    queue : DataFrame
        What is read, in this reviewer's order, with ``label`` and ``done``.
    """

    def __init__(
        self, desk: Desk, log: LabelLog, reviewer: str, open_document: Callable[[pd.Series], Any] | None
    ) -> None:
        self._desk, self._log, self._reviewer, self._open_document = desk, log, reviewer, open_document
        # A front end may run a callback in another thread than the cell's: one act at a time.
        self._lock = threading.RLock()
        self._entered_at = self._shown_at = float("-inf")
        self._last_button: w.Button | None = None
        self._shown_place: int | None = -1
        self._types_shown: list[tuple[str, str, str]] = []
        self._ours: tuple[w.Widget, ...] = ()  # in the place of the document, made here and so closed here
        self._n_notes = 0
        self._make()
        self.keys.on_msg(self._entered)
        self.keys.observe(self._typed, "value")
        self._draw()

    @property
    def labels(self) -> pd.DataFrame:
        """What all reviewers have said so far."""
        with self._lock:
            self._log.refresh()
            return label_records.frame(label_records.standing(self._log.records))

    @property
    def queue(self) -> pd.DataFrame:
        """The queue in this reviewer's order, with ``label`` and ``done``."""
        with self._lock:
            return self._desk.queue

    def press(self, key: str) -> None:
        """Do what a key does, as if it were typed in the field "Key" with Enter after it."""
        self._last_button = None
        self._act(lambda: self._desk.press(key, self.note.value))

    def __repr__(self) -> str:
        found = self._desk.progress()
        return f"Review by {self._reviewer}: {found.n_done:,} of {found.n:,} read; labels in {self._log.path}"

    def _repr_html_(self) -> str:
        """Give the progress and the first jobs, still: for pages without a kernel."""
        with self._lock:
            rows, n = self._desk.first(20)
            return page.frame(self._progress.value, page.queue_table(rows, n))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self.widget._repr_mimebundle_(**options)
        return {**live, "text/plain": repr(self), "text/html": self._repr_html_()}

    # The controls

    def _make(self) -> None:
        self.keys = w.Text(
            description="Key",
            placeholder=_HELP,
            tooltip=f"{_HELP}; then Enter",
            continuous_update=False,
            style=_WIDE,
            layout=w.Layout(width="340px"),
        )
        self.note = w.Text(
            description="Note",
            placeholder="saved with the label",
            continuous_update=False,
            style=_WIDE,
            layout=w.Layout(width="340px"),
        )
        acts: list[tuple[str, str, Callable[[], str]]] = [
            ("No rule fits (n)", "None of this job's rules fits the document", self._with_note(self._desk.no_rule)),
            ("Can't tell (?)", "Read, but it can't be told; no label", self._with_note(self._desk.cant_tell)),
            ("Skip (s)", "Put off until the others are read", self._with_note(self._desk.skip)),
            ("Undo (u)", "Take back your last label and show its job again", self._desk.undo),
            ("Back (b)", "Show the job before this one", self._desk.back),
            ("Forward (+)", "Show the job after this one", self._desk.forward),
        ]
        wrap = w.Layout(flex_flow="row wrap", grid_gap="4px 6px")
        self.acts = w.HBox([self._button(*one) for one in acts], layout=wrap)
        self.types = w.HBox(layout=wrap)
        self._progress, self._message, self._card = w.HTML(), w.HTML(), w.HTML()
        self._document = w.VBox(layout=w.Layout(flex="1 1 380px", min_width="0", overflow="auto"))
        self._card.layout = w.Layout(flex="2 1 420px", min_width="0")
        beside = [self._card] if self._open_document is None else [self._card, self._document]
        rows = [
            self._progress,
            w.HBox([self.keys, self.note], layout=w.Layout(flex_flow="row wrap", grid_gap="2px 14px")),
            self.types,
            self.acts,
            self._message,
            w.HBox(beside, layout=w.Layout(flex_flow="row wrap", grid_gap="8px 14px", width="100%")),
        ]
        self.widget = w.VBox(rows, layout=w.Layout(width="100%", grid_gap="6px", overflow="hidden"))

    def _with_note(self, act: Callable[[str], str]) -> Callable[[], str]:
        return lambda: act(self.note.value)

    def _button(self, text: str, tooltip: str, act: Callable[[], str]) -> w.Button:
        writes = act not in (self._desk.back, self._desk.forward)
        button = w.Button(description=text, tooltip=tooltip, layout=w.Layout(width="auto"))
        button.on_click(lambda button: self._clicked(button, act, writes))
        return button

    # What they do

    def _entered(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("event") == "submit":
            self._entered_at = time.monotonic()

    def _typed(self, change: dict[str, Any]) -> None:
        key = change["new"]
        if not key:
            return
        is_meant = time.monotonic() - self._entered_at < _ENTER_S
        self._entered_at = float("-inf")
        self.keys.value = ""  # first of all: whoever types fast is typing the next one
        if not key.strip():
            return
        if is_meant:
            self.press(key)
        else:
            self._message.value = page.message(f"Nothing done: press Enter after {key!r} to mean it.", is_error=True)

    def _clicked(self, button: w.Button, act: Callable[[], str], writes: bool) -> None:
        # Back and Forward write nothing, and are clicked many times on purpose.
        is_double = writes and time.monotonic() - self._shown_at < DOUBLE_CLICK_S
        if button is self._last_button and is_double:
            text = "Nothing done: that was a double click. Look at this job, then click again."
            self._message.value = page.message(text, is_error=True)
            return
        self._last_button = button
        self._act(act)
        # Whoever types next means the key: on a button, JupyterLab takes "1" for "make this cell a heading".
        self.keys.focus()

    def _act(self, act: Callable[[], str]) -> None:
        with self._lock:
            try:
                said, is_error = act(), False
            except ClassifyError as error:
                # What a callback raises ends in a log that nobody reads.
                said, is_error = str(error), True
            self._draw(said, is_error)

    def _draw(self, said: str = "", is_error: bool = False) -> None:
        notes = self._log.notes[self._n_notes :]
        self._n_notes += len(notes)
        self._message.value = page.message(" · ".join([said, *notes] if said else notes), is_error or bool(notes))
        if not is_error:
            self._draw_job()
        self._progress.value = page.frame(
            page.STYLE, page.progress(self._desk.progress(), _where(self._log.path), self._reviewer)
        )
        self._shown_at = time.monotonic()

    def _draw_job(self) -> None:
        desk, job = self._desk, self._desk.job
        if job is None or desk.place is None:
            self._card.value = page.frame(f'<div class="card">{page.shown(desk.end)}</div>')
            self._draw_types({})
            self._place_document()
            self.note.value = ""
            self._shown_place = None
            return
        row, choices, said = desk.row, desk.choices, desk.said
        is_hidden = desk.is_hidden(desk.place)
        # A stratum is a range of confidence: it tells of what is hidden.
        told = () if is_hidden else ("stage", "stratum")
        stage = "".join(f", {name} {row[name]}" for name in told if pd.notna(row[name]))
        self._card.value = page.frame(
            page.STYLE,
            page.card(job, desk.place, desk.n, choices, said, is_hidden, stage + ", blind" * bool(row["blind"])),
        )
        self.note.value = (said.note or "") if said is not None else ""
        self._draw_types(choices)
        if desk.place != self._shown_place:
            self._shown_place = desk.place
            self._draw_document(job)

    def _draw_types(self, choices: dict[str, str]) -> None:
        wanted = [
            (f"{number} {page.label(kind)}", kind, text) for number, (kind, text) in enumerate(choices.items(), 1)
        ]
        if wanted == self._types_shown:
            return  # the same rules as before: the buttons stay, and so does the focus
        self._types_shown = wanted
        old = self.types.children
        buttons = []
        for text, kind, description in wanted:
            choose = self._with_note(partial(self._desk.choose, kind))
            buttons.append(self._button(text, page.label(description, 500) or "A type that answers gave", choose))
        self.types.children = buttons
        for button in old:
            _close(button)

    def _draw_document(self, job: pd.Series) -> None:
        if self._open_document is None:
            return
        try:
            found = self._open_document(job)
        except Exception as error:  # noqa: BLE001 - whatever a team's own function raises, the desk goes on
            text = f"open_document failed: {type(error).__name__}: {error}"
            self._place_document(w.HTML(page.message(text, is_error=True)), is_ours=True)
            return
        self._place_document(_shown(found), is_ours=not isinstance(found, w.Widget))

    def _place_document(self, *widgets: w.Widget, is_ours: bool = False) -> None:
        self._document.children = widgets
        for one in self._ours:
            _close(one)
        self._ours = widgets if is_ours else ()


def _where(path: Path) -> str:
    """Give the path of a file as somebody at this notebook finds it."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _close(widget: w.Widget) -> None:
    """Close a widget, and what it alone holds: over hours, each would stay."""
    for name in ("layout", "style"):
        if hasattr(widget, name):
            getattr(widget, name).close()
    widget.close()


def _shown(found: Any) -> w.Widget:
    """Give what open_document returned as a widget; a text is shown as text."""
    if isinstance(found, w.Widget):
        return found
    if found is None or isinstance(found, str):
        text = page.shown(found if found is not None else "no document")
        return w.HTML(page.frame(f'<div class="card prose" dir="auto">{text}</div>'))
    output = w.Output()
    output.append_display_data(found)
    return output
