"""One pace for several processes of a machine that fetch with one key: what a service admits, learned by all of them.

A small file holds what :class:`rate.Rate` knows; whoever starts or ends a request holds its lock meanwhile. Times are
those of the system's clock that never goes back, which all processes of a machine share. A process that died is
forgotten after a while, with the requests that it had in flight.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from . import rate
from .exceptions import ArgumentError
from .file_lock import locked
from .rate import Rate

#: Seconds after which a process that hasn't said anything is taken to be gone: longer than any request takes.
LEASE_S = 60.0
_MOST_BYTES = 1 << 20
_CLASS = "class"
_CLASSES = {
    name: one for name, one in vars(rate).items() if isinstance(one, type) and one.__module__.startswith(__package__)
}
#: What is shared: all that a rate holds, but for what is of one process.
_LEARNED = tuple(sorted(vars(Rate(0.0, 1)).keys() - {"_lock", "_jitter", "_widest", "_in_flight"}))

F = TypeVar("F", bound=Callable[..., Any])


def _shared(method: F) -> F:
    """Let one process at a time into a method, with what all of them know."""

    @functools.wraps(method)
    def held(self: SharedRate, *arguments: Any, **options: Any) -> Any:
        with self._lock, self._held():
            return method(self, *arguments, **options)

    return cast(F, held)


class SharedRate(Rate):
    """When the next request may start, for all processes of this machine that name the same file.

    Parameters
    ----------
    path : path-like
        The file; it is made, for its owner only, if it isn't there. Give one for each key.
    address : str
        The service: what is learned of one says nothing of another.
    widest : int
        Most requests of this process in flight at a time.
    clock : callable
        Seconds of a clock that all the processes share.

    Raises
    ------
    ArgumentError
        If the file can't be used.
    """

    def __init__(
        self, path: str | os.PathLike[str], address: str, widest: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ArgumentError(f"pace is a {type(path).__name__}: give the path of a file that the processes share")
        self._path, self._address, self._clock = Path(path), address, clock
        self._me, self._mine, self._width = secrets.token_hex(8), 0, widest
        self._others: dict[str, list[Any]] = {}
        self._in_flight_before = 0
        self._is_held = True  # nothing is shared before there is something
        super().__init__(clock(), widest)
        self._is_held = False
        with self._held():
            pass

    start_over = _shared(Rate.start_over)
    ready_at = _shared(Rate.ready_at)
    forget_wait = _shared(Rate.forget_wait)
    start = _shared(Rate.start)
    ended = _shared(Rate.ended)
    failed = _shared(Rate.failed)
    admitted = _shared(Rate.admitted)
    refused = _shared(Rate.refused)

    def widen(self, widest: int) -> None:
        """Allow this process so many requests in flight at a time."""
        with self._lock, self._held():
            self._width = widest

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the file's lock; take over what it says before, and write down what is known after."""
        if self._is_held:
            yield
            return
        try:
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except (OSError, ValueError) as error:
            raise ArgumentError(f"pace {str(self._path)!a} can't be used: {error}") from None
        try:
            with locked(number, self._path, "pace"):
                self._is_held = True
                before = self._take(number)
                try:
                    yield
                finally:
                    self._is_held = False
                    self._write(number, before)
        finally:
            os.close(number)

    def _take(self, number: int) -> dict[str, Any]:
        """Take over what the file says; give all of it."""
        told = _read(number)
        here = told.get(self._address, {})
        now = self._clock()
        others = {
            name: one
            for name, one in here.get("processes", {}).items()
            if name != self._me and 0 <= now - one[2] <= LEASE_S
        }
        # A clock that is behind what was written has begun anew since, with the machine.
        if here.get("learned", {}).keys() == set(_LEARNED) and here["at"] <= now:
            vars(self).update(_decoded(here["learned"]))
        self._others = others
        self._in_flight = self._mine + sum(one[0] for one in others.values())
        self._widest = self._width + sum(one[1] for one in others.values())
        self._in_flight_before = self._in_flight
        return told

    def _write(self, number: int, told: dict[str, Any]) -> None:
        """Write down what is known now."""
        self._mine += self._in_flight - self._in_flight_before
        now = self._clock()
        processes = {**self._others, self._me: [self._mine, self._width, now]}
        learned = {name: getattr(self, name) for name in _LEARNED}
        here = {"at": now, "learned": _encoded(learned), "processes": processes}
        content = json.dumps({**told, self._address: here}).encode()
        os.lseek(number, 0, os.SEEK_SET)
        os.write(number, content)
        os.ftruncate(number, len(content))


def _read(number: int) -> dict[str, Any]:
    """Read the file; what was cut short by a process that died teaches nothing."""
    os.lseek(number, 0, os.SEEK_SET)
    try:
        told = json.loads(os.read(number, _MOST_BYTES) or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _encoded(learned: dict[str, Any]) -> dict[str, Any]:
    """Give it as JSON can hold it: an object that a rate holds by the name of its class, and what it holds."""
    return {
        name: {_CLASS: type(value).__name__, **vars(value)} if type(value).__name__ in _CLASSES else value
        for name, value in learned.items()
    }


def _decoded(learned: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in learned.items():
        found[name] = tuple(value) if isinstance(value, list) else value
        if isinstance(value, dict):
            found[name] = object.__new__(_CLASSES[value.pop(_CLASS)])
            vars(found[name]).update(_decoded(value))
    return found
