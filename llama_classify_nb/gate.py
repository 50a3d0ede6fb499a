"""A gate that lets one request through at a time, by turns the most tried one and the one that has waited longest.

Some requests succeed only when they are tried again, and some never do. So neither may hold up the other, and one that
was tried very often comes last.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Turn:
    """A request at the gate."""

    def __init__(self, attempts: int, rank: int) -> None:
        self.attempts, self.rank = attempts, rank
        self.is_for_most_tried = True  # it came to an open gate, or was let in as the most tried one
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Gate:
    """Lets one through at a time. Unlike an :class:`asyncio.Lock` it doesn't keep to the order of arrival.

    Parameters
    ----------
    most : int
        Attempts after which one is no longer preferred.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: Turn | None = None
        self._waiting: list[Turn] = []  # in the order of arrival
        self._is_for_most_tried = False

    @contextlib.asynccontextmanager
    async def turn(self, attempts: int) -> AsyncIterator[Turn]:
        """Wait for a turn of a request that was tried so often."""
        turn = Turn(attempts, attempts if attempts < self._most else -attempts)
        if self._inside is None:
            self._inside = turn
        else:
            self._waiting.append(turn)
            await self._come(turn)
        try:
            yield turn
        finally:
            if self._inside is turn:
                self._pass_on()

    async def let_by(self, turn: Turn) -> None:
        """Let one that was tried more often go before, if this is the turn of the most tried one."""
        if not turn.is_for_most_tried or all(one.rank <= turn.rank for one in self._waiting):
            return
        turn.came = asyncio.get_running_loop().create_future()
        self._waiting.insert(0, turn)
        self._is_for_most_tried = False
        self._pass_on()
        await self._come(turn)

    async def _come(self, turn: Turn) -> None:
        try:
            await turn.came
        except asyncio.CancelledError:
            if self._inside is turn:
                self._pass_on()
            else:
                self._waiting.remove(turn)
            raise

    def _pass_on(self) -> None:
        """Leave the gate to the next, so that nobody comes in between."""
        self._inside = None
        if not self._waiting:
            return
        self._is_for_most_tried = not self._is_for_most_tried
        turn = self._waiting[0]
        if self._is_for_most_tried:
            turn = max(self._waiting, key=lambda one: one.rank)  # of equals, the first
        self._waiting.remove(turn)
        self._inside, turn.is_for_most_tried = turn, self._is_for_most_tried
        if not turn.came.done():  # else it is being cancelled, and passes the gate on when it hears of it
            turn.came.set_result(None)
