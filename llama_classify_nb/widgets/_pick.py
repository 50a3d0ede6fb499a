"""A choice of one of several, made in a text field that suggests them.

JupyterLab and Notebook 7 take each letter that is typed at a native drop-down list for a command of theirs: "m" makes
the cell a text, and "d d" deletes it. In a text field they leave the keys alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w
import traitlets

from .page import label

WIDE = {"description_width": "initial"}
_MOST_NAMED = 6  # choices that a message names

Option = tuple[str, Any]  # what is read, and what it stands for


class Pick(traitlets.HasTraits):
    """One of several options. Its field is empty, to be typed into, and shows the choice in the place of a hint.

    A choice is typed as it is read, as its value, or as a part of it that no other has, and meant with Enter.

    Parameters
    ----------
    description : str
        What the field is called.
    width : str
        How wide it is, at most.
    on_error : callable
        Is told why a text is no choice; nothing, once one is.

    Attributes
    ----------
    value : object
        The choice: the value of one of the options, or None without any.
    options : tuple of (str, object)
        What there is to choose from. They are changed with ``offer``.
    more : callable
        Gives an option for a text that is none of the options, or None.
    field : ipywidgets.Combobox
        The control.
    """

    value: Any = traitlets.Any()
    options: Any = traitlets.Tuple(read_only=True)

    def __init__(self, description: str, width: str, on_error: Callable[[str], None]) -> None:
        super().__init__()
        layout = w.Layout(width=width, max_width="100%")
        self.field = w.Combobox(description=description, continuous_update=False, style=WIDE, layout=layout)
        self.field.add_class("lcn-pick")
        self.more: Callable[[str], Option | None] = lambda _: None
        self._on_error = on_error
        self.field.observe(self._entered, "value")

    def offer(self, options: Sequence[Option]) -> None:
        """Give other options; the choice stays, for whoever changes it at this moment in another thread."""
        distinct = tuple(_distinct(options))
        if distinct != self.options:
            self.set_trait("options", distinct)
            self.field.options = [text for text, _ in distinct]
            self._show()

    @traitlets.validate("value")
    def _known(self, proposal: dict[str, Any]) -> Any:
        value = proposal["value"]
        if all(value != one for _, one in self.options) and (self.options or value is not None):
            raise traitlets.TraitError(f"{self.field.description}: {value!r} is none of its choices")
        return value

    @traitlets.observe("value")
    def _show(self, _: Any = None) -> None:
        shown = (text for text, value in self.options if value == self.value)
        self.field.placeholder = next(shown, "")

    def _entered(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        self.field.value = ""
        if typed := change["new"].strip():
            try:
                meant = self._meant(typed)
            except LookupError as error:
                self._on_error(f"{self.field.description}: {error}")
            else:
                self._on_error("")
                self.value = meant

    def _meant(self, typed: str) -> Any:
        wanted = typed.casefold()
        texts = [(one[0].casefold(), one) for one in self.options]
        found = [one for text, one in texts if wanted in (text, str(one[1]).casefold())]
        if not found and (more := self.more(typed)) is not None:
            self.offer([*self.options, more])
            return more[1]
        # "3" means "3. …" rather than "30. …".
        for pattern in (rf"{re.escape(wanted)}(?!\w)", re.escape(wanted), rf".*{re.escape(wanted)}"):
            found = found or [one for text, one in texts if re.match(pattern, text, re.DOTALL)]
        if len(found) == 1:
            return found[0][1]
        quoted = repr(label(typed, 40))
        if not found:
            raise LookupError(f"{quoted} is none of its choices, nor a part of one; the field lists them")
        named = ", ".join(text for text, _ in found[:_MOST_NAMED])
        rest = f" and {len(found) - _MOST_NAMED:,} more" if len(found) > _MOST_NAMED else ""
        raise LookupError(f"{quoted} could mean {named}{rest}; type more of it")


def _distinct(options: Sequence[Option]) -> list[Option]:
    """Give each text that reads like one before it a number, so that each stands for one value."""
    seen: dict[str, int] = {}
    made = []
    for text, value in options:
        seen[text] = seen.get(text, 0) + 1
        made.append((text if seen[text] == 1 else f"{text} #{seen[text]}", value))
    return made
