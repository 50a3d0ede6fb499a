"""One fetch from its beginning to its JobSet, which may be stopped by hand at any moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any

from . import frames
from .archive import Archive
from .blocking import run_blocking
from .client import Client
from .exceptions import ArchiveError, DamagedArchiveError, FetchInterrupted
from .fetch import Fetch, Fetched
from .ids import Asked
from .jobset import JobSet, plural
from .memory import MemoryArchive, Store
from .progress import Progress, ProgressBar
from .rescue import rescue
from .singles import ProblemRow


class StoppableFetch:
    """A fetch that ends in a JobSet, or, stopped, in an error that carries one.

    Parameters
    ----------
    client : Client
        Where to ask.
    archive : path-like or None
        Where answers are kept; None: in memory only.
    asked : Asked or None
        The jobs that are asked for; None: whatever ``work`` finds.
    work : callable
        Makes the coroutine that does the work of a :class:`Fetch`.
    shown : bool
        Whether progress is.
    **options
        Of the :class:`Fetch`.
    """

    def __init__(
        self,
        client: Client,
        archive: str | os.PathLike[str] | None,
        asked: Asked | None,
        work: Callable[[Fetch], Coroutine[Any, Any, None]],
        *,
        shown: bool,
        **options: Any,
    ) -> None:
        self._client, self._path, self._asked, self._work, self._options = client, archive, asked, work, options
        self._bar = ProgressBar(Progress(), shown=shown)
        self._jobset: JobSet | None = None
        self._is_stopped = False

    def run(self) -> JobSet:
        """Do the work, and make a JobSet of what it leaves behind.

        Raises
        ------
        ArchiveError
            If the archive can't be used, or written.
        FetchInterrupted
            If it was stopped by hand, whatever it was doing.
        """
        try:
            self._work_or_rescue()
            self._say_how_it_ended()
        except KeyboardInterrupt:  # while the archive was opened or closed, say
            self._is_stopped = True
        jobset = self._what_is_kept() if self._jobset is None else self._jobset
        # Not from within an "except": an error keeps alive all that the frames of the one before it hold.
        if self._is_stopped:
            raise FetchInterrupted(jobset)
        return jobset

    def _work_or_rescue(self) -> None:
        """Do the work; where the archive is damaged, mend it first."""
        try:
            self._try(self._work)
            return
        except DamagedArchiveError:
            if self._path is None:
                raise
            found = rescue(self._path, self._client.service)
        n_before = self._bar.progress.n_requests
        note = (
            f"{self._path} was damaged: {plural(found.n_answers, 'whole answer')} of it kept, the rest asked for "
            f"again; the damaged file is now {found.aside}"
        )
        self._try(self._work, n_before, [note])

    def _try(
        self, work: Callable[[Fetch], Coroutine[Any, Any, None]], n_before: int = 0, notes: Sequence[str] = ()
    ) -> JobSet:
        with _opened(self._path, self._client) as store:
            fetch = Fetch(self._client, store, self._bar.progress, **self._options)
            fetch.expect(self._asked.job_ids if self._asked else [])
            try:
                with self._bar:
                    run_blocking(lambda: work(fetch), on_step=self._bar.draw, on_stop=store.hurry)
            except KeyboardInterrupt:
                self._is_stopped = True
            try:
                self._jobset = self._collected(store, fetch.finish(), n_before, notes)
            except KeyboardInterrupt:  # all has arrived, and making the tables is soon done again
                self._is_stopped = True
                self._jobset = self._collected(store, fetch.finish(), n_before, notes)
            return self._jobset

    def _collected(self, store: Store, fetched: Fetched, n_before: int, notes: Sequence[str]) -> JobSet:
        invalid: list[ProblemRow] = []
        if self._asked is not None:
            invalid = [(job_id, "invalid_id", None, reason, False, 0) for job_id, reason in self._asked.invalid]
        return JobSet(
            frames.read_tables(store.blocks(fetched.job_ids)).in_order(fetched.job_ids),
            _bodies_of(store),
            problems=[*fetched.problems, *invalid],
            notes=[*notes, *(self._asked.notes if self._asked else ()), *fetched.notes],
            n_requests=n_before + fetched.n_requests,
        )

    def _say_how_it_ended(self) -> None:
        if (jobset := self._jobset) is None:
            return
        where = f", kept in {self._path}" if self._path is not None else ""
        counts = f"{plural(len(jobset), 'job')} and {plural(len(jobset.problems), 'problem')}"
        self._bar.progress.n_requests = jobset.n_requests
        stopped = "stopped: " if self._is_stopped else ""
        self._bar.close(f"{stopped}{counts} in {self._bar.elapsed_s:.1f} s, {self._bar.requests()}{where}")

    def _what_is_kept(self) -> JobSet:
        """Make the JobSet of a fetch that was stopped before it began: of what the archive holds already."""

        async def nothing(_: Fetch) -> None:
            pass

        try:
            return self._try(nothing)
        except ArchiveError:  # it is damaged, say, which the next call will see to
            self._path = None
            return self._try(nothing)


@contextlib.contextmanager
def before_the_fetch() -> Iterator[None]:
    """While arguments are looked at, turn a stop into the error of a stopped fetch: nothing has arrived."""
    is_stopped = False
    try:
        yield
    except KeyboardInterrupt:
        is_stopped = True
    if is_stopped:
        raise FetchInterrupted(JobSet(frames.read_tables([]), lambda _: ()))


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str] | None, client: Client) -> Iterator[Archive | MemoryArchive]:
    if path is None:
        yield MemoryArchive()
        return
    with Archive(path, service=client.service) as archive:
        yield archive


def _bodies_of(store: Store) -> Callable[[str], Iterable[bytes]]:
    """Give what finds the answer for a job later, when the archive has been closed."""
    if not isinstance(store, Archive):
        return lambda job_id: store.bodies([job_id])
    path = store.path

    def bodies(job_id: str) -> Iterable[bytes]:
        with Archive(path) as archive:
            return list(archive.bodies([job_id]))

    return bodies
