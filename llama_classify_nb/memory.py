"""Raw answers in memory, for a fetch that is to leave no file: what an archive does, without a disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from .answers import as_line
from .records import Answer

_BLOCK = 500  # answers of a block: it and its columns stay in the processor's cache


class Store(Protocol):
    """Where a fetch puts answers: an :class:`Archive`, or a :class:`MemoryArchive`."""

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none."""

    def states(self, job_ids: Sequence[str]) -> Mapping[str, bool]:
        """Tell which of these jobs are here, and of each whether it is final."""

    def bodies(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs, in this order; a job that isn't here is passed over."""

    def blocks(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs as blocks of lines, in whatever order is the quickest."""

    def hurry(self) -> None:
        """Wait for nobody any more."""


class MemoryArchive:
    """An archive that is gone with the object. Of several answers of one job it keeps the one that an archive would."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}
        self._configurations: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def put(self, answers: Iterable[Answer]) -> None:
        """Keep answers, all or none; one that is older than the one already here is passed over."""
        for answer in list(answers):
            here = self._answers.get(answer.job_id)
            if here is not None:
                known = answer.updated_us is not None and here.updated_us is not None
                newer = (answer.updated_us or 0) - (here.updated_us or 0) if known else 0
                if (newer, answer.final) < (0, here.final):
                    continue
            configuration = self._configurations.setdefault(answer.configuration, answer.configuration)
            is_same = configuration is answer.configuration  # as it is in a fetch: a copy would cost more than all else
            self._answers[answer.job_id] = answer if is_same else answer._replace(configuration=configuration)

    def ids(self) -> list[str]:
        """Give the ids of all jobs, in the order in which they first came."""
        return list(self._answers)

    def states(self, job_ids: Sequence[str]) -> dict[str, bool]:
        """Tell which of these jobs are here, and of each whether it is final."""
        return {job_id: self._answers[job_id].final for job_id in job_ids if job_id in self._answers}

    def bodies(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs, as they came and in this order; a job that isn't here is passed over."""
        return (self._answers[job_id].body for job_id in job_ids if job_id in self._answers)

    def blocks(self, job_ids: Sequence[str]) -> Iterator[bytes]:
        """Give the answers to these jobs as blocks of lines, in this order."""
        for start in range(0, len(job_ids), _BLOCK):
            yield b"\n".join(map(as_line, self.bodies(job_ids[start : start + _BLOCK])))

    def hurry(self) -> None:
        """Do nothing: there is nobody to wait for."""
