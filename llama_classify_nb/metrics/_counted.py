"""What is counted part by part: the same few lines for one table, many files, and a cluster.

A function under `counted` makes a small partial table of a table of jobs. Called with a table, it is the case of one
part. Called with `Parts`, it is run on each of them, wherever they are, and what comes back is merged: any split of the
jobs, in any order, gives the same partial table to the last digit.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from . import _counts


class Parts(ABC):
    """Jobs in many parts, which need not fit into memory together; metrics that count take it like the table jobs."""

    #: A table of no jobs, with every column: arguments are tried on it before any part is read.
    empty: pd.DataFrame

    @abstractmethod
    def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
        """Give the partial table of all parts, merged."""

    @abstractmethod
    def __len__(self) -> int: ...


class Counted:
    """A count: how to make the partial table of a table of jobs, and how to merge several.

    Parameters
    ----------
    partial : callable
        Table of jobs, and arguments that can be hashed, in; partial table out. It checks the table and its columns.
    merge : callable
        Several partial tables in, one out; their order doesn't matter.
    """

    def __init__(self, partial: Callable[..., Any], merge: Callable[[Sequence[Any]], Any]) -> None:
        self.partial, self.merge = partial, merge
        self.__doc__ = partial.__doc__
        self.name = f"{partial.__module__}:{partial.__qualname__}"

    def __call__(self, jobs: pd.DataFrame | Parts, *arguments: Any) -> Any:
        if isinstance(jobs, Parts):
            self.partial(jobs.empty, *arguments)
            return jobs.gathered(self, arguments)
        return self.merge([self.partial(jobs, *arguments)])

    def __reduce__(self) -> Any:
        # It travels to other processes by its name: there, too, the name stands for it, not for the bare function.
        return _named, (self.name,)

    def __repr__(self) -> str:
        return f"Counted({self.name})"


def counted(merge: Callable[[Sequence[Any]], Any] = _counts.merge) -> Callable[[Callable[..., Any]], Counted]:
    """Declare that a function makes partial tables, which ``merge`` makes one of."""
    return lambda partial: Counted(partial, merge)


def _named(name: str) -> Counted:
    module, _, function = name.partition(":")
    found: Counted = getattr(importlib.import_module(module), function)
    return found
