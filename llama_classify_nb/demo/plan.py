"""When a fault applies: decided by a seed, the job asked for and the attempt, never by the order of arrival."""

from __future__ import annotations

import collections
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from random import Random
from typing import Any, Literal, TypedDict

from ..exceptions import ArgumentError
from .exchange import Ask, Page, Reply
from .limiters import Clock


class When(TypedDict, total=False):
    """When a fault applies; the module's text explains each."""

    call: Literal["get", "list"]
    ids: Collection[str]
    share: float
    first: int
    after: int
    until: int
    for_s: float


class Fault:
    """One thing that goes wrong, made by one of the functions of this module."""

    def __init__(self, name: str, stage: str, do: Callable[..., Any], when: When, *, by_row: bool = False) -> None:
        unknown = set(when) - When.__optional_keys__
        if unknown or when.get("call", "get") not in ("get", "list") or not 0 <= when.get("share", 1) <= 1:
            raise ArgumentError(
                f"{name} can't apply when {dict(when)!r}: give any of {sorted(When.__optional_keys__)}, with call "
                "'get' or 'list', and share from 0 to 1"
            )
        self.name, self.stage, self.do, self.when, self.by_row = name, stage, do, when, by_row
        self.active = True

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.when.items())})"

    def stop(self) -> None:
        """End it by hand, while the server runs."""
        self.active = False


class FaultPlan:
    """Everything that goes wrong, in the order in which it is considered.

    Parameters
    ----------
    *faults : Fault
        What goes wrong, and when.
    seed : int
        The same seed, the same faults for the same jobs and attempts.
    clock : callable
        What tells the time for ``for_s``.
    """

    def __init__(self, *faults: Fault, seed: int = 0, clock: Clock = time.monotonic) -> None:
        self.faults, self.seed, self._clock = faults, seed, clock
        self.begin()

    @classmethod
    def of(cls, faults: FaultPlan | Fault | Iterable[Fault] | None) -> FaultPlan:
        """Make a plan of whatever stands for one."""
        if isinstance(faults, FaultPlan):
            return faults
        return cls(*([faults] if isinstance(faults, Fault) else faults or ()))

    def __repr__(self) -> str:
        return f"FaultPlan({', '.join([*map(repr, self.faults), f'seed={self.seed}'])})"

    def begin(self) -> None:
        """Count requests, attempts and seconds from here on."""
        self._counts: collections.Counter[Any] = collections.Counter()
        self._since: dict[int, float] = {}

    def answer(self, ask: Ask, make: Callable[[], Reply]) -> Reply:
        """Answer a request; ``make`` gives what the service would say."""
        self._counts["requests"] += 1
        self._counts[ask.call, ask.identity] += 1
        ask.number, ask.attempt = self._counts["requests"], self._counts[ask.call, ask.identity]
        refusals = (fault(ask, rng) for fault, rng in self._faults("refuse", ask))
        reply: Reply | None = next((refusal for refusal in refusals if refusal is not None), None)
        if reply is None:
            reply = make()
            for do, rng in self._faults("spoil", ask):
                do(ask, reply, rng)
                break
        for do, _ in self._faults("wait", ask):
            do(reply)
        return reply

    def job(self, ask: Ask, job_id: str, body: bytes) -> bytes:
        """Change what is said of a job, on its way into any answer."""
        for index, fault in self._applying("job", ask):
            if self._rows(index, fault)(job_id):
                self._counts["reads", index, job_id] += 1
                body = fault.do(body, self._counts["reads", index, job_id])
        return body

    def page(self, ask: Ask, page: Page) -> None:
        """Change a page of a listing."""
        for index, fault in self._applying("page", ask):
            fault.do(page, self._rows(index, fault))

    def done(self, ask: Ask) -> None:
        """Hear that a request is over."""
        for held in ask.held:
            held.release()
        ask.held.clear()

    def _faults(self, stage: str, ask: Ask) -> Iterator[tuple[Callable[..., Any], Random]]:
        for index, fault in self._applying(stage, ask):
            yield fault.do, self._rng(index, "do", ask.identity, ask.attempt)

    def _applying(self, stage: str, ask: Ask) -> Iterator[tuple[int, Fault]]:
        for index, fault in enumerate(self.faults):
            if fault.stage == stage and fault.active and self._applies(index, fault, ask):
                yield index, fault

    def _applies(self, index: int, fault: Fault, ask: Ask) -> bool:
        when = fault.when
        if when.get("call", ask.call) != ask.call or ask.attempt > when.get("first", math.inf):
            return False
        if ask.number <= when.get("after", 0) or ask.number > when.get("until", math.inf):
            return False
        of_rows = fault.by_row and (fault.stage == "job" or ask.call == "list")  # then it is for the rows to say
        if not of_rows and "ids" in when and not any(job_id in when["ids"] for job_id in ask.ids):
            return False
        share = when.get("share", 1) if not of_rows or fault.stage == "spoil" else 1
        if share < 1 and self._rng(index, "share", ask.identity, ask.attempt).random() >= share:
            return False
        now = self._clock()
        return now - self._since.setdefault(index, now) < when.get("for_s", math.inf)

    def _rows(self, index: int, fault: Fault) -> Callable[[str], bool]:
        """Give the test of which rows a fault concerns: by id and seed alone, so that it stays the same."""
        ids, share = fault.when.get("ids"), fault.when.get("share", 1)
        return lambda job_id: (ids is None or job_id in ids) and self._rng(index, "row", job_id).random() < share

    def _rng(self, *identity: object) -> Random:
        return Random(repr((self.seed, *identity)).encode("utf-8", "backslashreplace"))  # noqa: S311  nothing secret


def check(name: str, value: object, allowed: Collection[str]) -> None:
    """Refuse a value that isn't one of those allowed."""
    if value not in allowed:
        raise ArgumentError(f"{name} is {value!r}: give one of {', '.join(map(repr, allowed))}")


def several(kind: str | Sequence[str], allowed: Collection[str]) -> list[str]:
    """Give one kind, or several, as a list."""
    kinds = [kind] if isinstance(kind, str) else list(kind)
    for one in kinds or [""]:
        check("kind", one, allowed)
    return kinds
