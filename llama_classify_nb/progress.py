"""How far a fetch is: a bar while it runs, one line when it ends. Drawn from the thread that owns the display.

In a notebook the line takes the bar's place: a bar that was closed would leave an error message where the outputs are
shown again, in Voila or in a saved notebook; and what is written to the standard error output stands there in red.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass
class Progress:
    """Where a fetch stands. The fetch writes it, the display reads it; each number stands for itself."""

    total: int | None = None  # jobs asked for; None: not known beforehand
    done: int = 0  # jobs that are stored, or known to be a problem
    kept: int = 0  # of these, jobs that were stored before: they say nothing of the rate
    n_requests: int = 0
    n_refused: int = 0


class ProgressBar:
    """Shows a :class:`Progress` on the standard error output, or as a bar of widgets in a notebook.

    Parameters
    ----------
    progress : Progress
        What to show.
    shown : bool
        False: nothing at all.
    """

    def __init__(self, progress: Progress, *, shown: bool) -> None:
        self.progress = progress
        self._shown = shown
        self._bar: Any = None
        self._place: Any = None  # where the bar stands, in a notebook
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self.draw()
            self._bar.close()
        if kind is not None and self._place is not None:
            self._say("")  # no line will come

    @property
    def elapsed_s(self) -> float:
        """Seconds since this began."""
        return time.monotonic() - self._start

    def draw(self) -> None:
        """Bring the display up to date."""
        if not self._shown:
            return
        if self._bar is None:
            self._bar = self._opened()
        self._bar.total, self._bar.initial = self.progress.total, self.progress.kept
        self._bar.set_postfix_str(self.requests(), refresh=False)
        self._bar.n = self.progress.done
        self._bar.refresh()

    def _opened(self) -> Any:
        options: dict[str, Any] = {
            "total": self.progress.total,
            "initial": self.progress.kept,
            "unit": " jobs",
            "desc": "fetching",
            "leave": False,
        }
        if not _in_kernel():
            from tqdm import tqdm

            # Bars are for people: in a log file, only the closing line stands.
            return tqdm(**options, disable=not sys.stderr.isatty())
        from tqdm.notebook import tqdm as notebook_tqdm

        bar = notebook_tqdm(**options, display=False)
        self._place = _new_place()
        self._place.display(bar.container)
        return bar

    def close(self, line: str) -> None:
        """End with one line that stays."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if not self._shown:
            return
        if _in_kernel():
            self._say(line)
        else:
            print(line, file=sys.stderr)  # noqa: T201 - said once, where progress is said

    def _say(self, line: str) -> None:
        """Say it in a notebook, in the place of the bar if there is one."""
        show = _new_place().display if self._place is None else self._place.update
        show({"text/plain": line}, raw=True)

    def requests(self) -> str:
        """Say how many requests were made, and how many of them refused for the moment."""
        refused = f", {self.progress.n_refused:,} refused" if self.progress.n_refused else ""
        return f"{self.progress.n_requests:,} request{'' if self.progress.n_requests == 1 else 's'}{refused}"


def _new_place() -> Any:
    """Give a place below the cell, whose content can be replaced."""
    from IPython import display

    handle: Any = display.DisplayHandle
    return handle()


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
