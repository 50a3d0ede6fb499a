"""A search that keeps up with whoever types: only the last text that was asked for counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from ..exceptions import ArgumentError
from ._index import SLICE, JobIndex

PAUSE_S = 0.25  # without a key pressed, after which a text is looked for


class Latest:
    """The search for the last text that was asked for.

    Among many jobs it takes its time beside the kernel's own loop, in slices: so that the kernel still answers, and a
    text that was typed on meanwhile is looked for no longer. Without a loop, or among few jobs, it is done at once.

    Parameters
    ----------
    index : JobIndex
        What is searched.
    on_found : callable
        Called without an argument when ``text`` has changed and the index knows which jobs hold it.

    Attributes
    ----------
    text : str
        The text whose jobs are known; empty for none.
    """

    def __init__(self, index: JobIndex, on_found: Callable[[], None]) -> None:
        self.text = ""
        self._index, self._on_found = index, on_found
        self._wanted = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a text is being looked for."""
        return self._wanted != self.text

    def ask(self, text: str) -> None:
        """Look for a text, and no longer for the one before."""
        self._leave_off()
        self._wanted = text
        loop = _running_loop()
        if loop is None or len(self._index) <= SLICE or not text or self._index.has_found(text):
            self._found()
        else:
            self._task = loop.create_task(self._search(text))

    def finish(self) -> None:
        """Do what is left of a search now."""
        if self.is_busy:
            self._leave_off()
            self._found()

    def set(self, text: str) -> None:
        """Take a text without looking for it: whoever filters next does."""
        self._leave_off()
        self._wanted = self.text = text

    def _leave_off(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _search(self, text: str) -> None:
        await asyncio.sleep(PAUSE_S)
        search = self._index.search(text)
        with contextlib.suppress(ArgumentError):  # which the filter comes upon, too, and says
            # Arrow looks through texts without holding up other threads.
            while await asyncio.to_thread(search.step):
                pass
        self._task = None
        self._found()

    def _found(self) -> None:
        self.text = self._wanted
        self._on_found()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
