"""Many pieces of work, here or elsewhere: each result as it comes, and what a dead worker took with it done anew."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from .exceptions import ScanError
from .parts import Part

#: Pieces that are on their way at a time: what comes back waits here to be merged, and is bounded by it.
IN_FLIGHT = 32
TRIES = 3  # of a part whose storage fails
_POOLS = 3  # of processes, the executor's own among them, before a part that kills its worker is named

Work = Callable[[Part], Any]


def results(work: Work, parts: Sequence[Part], executor: Executor | None, note: Callable[[str], None]) -> Iterator[Any]:
    """Give the result of each part, in the order in which they come.

    Parameters
    ----------
    work : callable
        What is to be done with a part; it can be pickled.
    parts : sequence of Part
        All of them.
    executor : Executor, optional
        Where; by default here, one after another.
    note : callable
        Told what went wrong and was made good.

    Raises
    ------
    ScanError
        If a part can't be done: its storage failed again and again, or whoever does it dies.
    """
    if executor is None:
        for part in parts:
            yield _tried(work, part)
        return
    gathering = _Gathering(work, parts, executor, note)
    try:
        yield from gathering.results()
    finally:
        gathering.close()


def _tried(work: Work, part: Part) -> Any:
    for _ in range(TRIES - 1):
        try:
            return work(part)
        except OSError:
            continue
    try:
        return work(part)
    except OSError as error:
        raise _failed(part, error) from error


def _failed(part: Part, error: Exception) -> ScanError:
    return ScanError(f"{part.where}: can't be read, after {TRIES} tries: {error}")


class _Gathering:
    def __init__(self, work: Work, parts: Sequence[Part], executor: Executor, note: Callable[[str], None]) -> None:
        self._work, self._executor, self._note = work, executor, note
        self._waiting = deque(parts)
        self._pending: dict[Future[Any], Part] = {}
        self._failures: dict[Part, int] = {}
        self._n_pools, self._in_flight = 1, IN_FLIGHT
        self._own: list[Executor] = []

    def results(self) -> Iterator[Any]:
        while self._waiting or self._pending:
            try:
                while self._waiting and len(self._pending) < self._in_flight:
                    future = self._executor.submit(self._work, self._waiting[0])
                    self._pending[future] = self._waiting.popleft()
            except BrokenExecutor as error:
                self._begin_anew(error)
                continue
            done, _ = concurrent.futures.wait(self._pending, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                yield from self._taken(future)

    def _taken(self, future: Future[Any]) -> Iterator[Any]:
        part = self._pending.pop(future, None)
        if part is None:  # it was given up with its pool
            return
        try:
            result = future.result()
        except BrokenExecutor as error:
            self._pending[future] = part
            self._begin_anew(error)
        except OSError as error:
            self._failures[part] = self._failures.get(part, 0) + 1
            if self._failures[part] >= TRIES:
                raise _failed(part, error) from error
            self._waiting.append(part)
        else:
            yield result

    def _begin_anew(self, error: BrokenExecutor) -> None:
        """Go on in a pool of our own, at last with a single process: memory is what they die of, as a rule."""
        lost = [part for future, part in self._pending.items() if not _has_result(future)]
        whole = {future: part for future, part in self._pending.items() if _has_result(future)}
        self._waiting.extendleft(reversed(lost))
        self._pending = whole
        if self._n_pools == _POOLS:
            where = self._waiting[0].where
            raise ScanError(f"{where}: whoever reads it dies ({error}); is there memory enough for a part?") from error
        self._n_pools += 1
        n = getattr(self._executor, "_max_workers", 1) if self._n_pools < _POOLS else 1
        self._in_flight = 2 * n if self._n_pools < _POOLS else 1
        self._executor = concurrent.futures.ProcessPoolExecutor(n)
        self._own.append(self._executor)
        if lost:  # else the pool broke in an earlier pass, which told so
            parts = "part was" if len(lost) == 1 else "parts were"
            self._note(f"a worker died: {len(lost):,} {parts} begun anew in a fresh pool of {n}")

    def close(self) -> None:
        for future in self._pending:
            future.cancel()
        for pool in self._own:
            pool.shutdown(wait=True, cancel_futures=True)


def _has_result(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
