"""What was found, as data: sections of sentences with their numbers, which the page only lays out."""

from __future__ import annotations

from collections.abc import Callable

from ._words import Audit, Section
from .answers import confidences, outcomes, types
from .changes import changes
from .failures import failures
from .labels import labelled
from .limits import limits, worst
from .rules import rules
from .short import short

_PARTS: tuple[Callable[[Audit], Section | None], ...] = (
    short,
    outcomes,
    confidences,
    types,
    failures,
    rules,
    changes,
    labelled,
    worst,
    limits,
)


def sections(audit: Audit) -> list[Section]:
    """Give the sections of the page, in order; what can't be told of these jobs is left out."""
    found = (part(audit) for part in _PARTS)
    return [section for section in found if section is not None]


__all__ = ["Audit", "Section", "sections"]
