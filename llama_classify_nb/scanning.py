"""Many jobs in many parts, asked without holding them in one place: on this machine's cores, or on a cluster."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import pandas as pd

from . import census, frames, gathering, picking, schema
from .census import Census
from .exceptions import ArgumentError, ScanError
from .jobset import JobSet, plural
from .metrics import select_jobs
from .metrics._counted import Counted, Parts
from .parts import Part, find_parts, read_part
from .texts import printable

#: Partial tables of more rows aren't small any more: what they are counted by has too many values.
MOST_CELLS = 5_000_000
#: Jobs that are picked at most: as many as fit into memory anywhere.
MOST_PICKED = 1_000_000
_MERGED_AT_ONCE = 32

#: A count that is asked for, with its arguments.
Request = tuple[Counted, tuple[Any, ...]]


def scan(source: Any, executor: Executor | None = None) -> Scan:
    """Take jobs in many parts, to ask metrics of them without holding the jobs in one place.

    Nothing is read before something is asked.

    Parameters
    ----------
    source : path-like, str, or iterable of them
        Files of jobs as :func:`read_jobs` reads them, archives, or Parquet as :meth:`JobSet.to_parquet` writes it; a
        folder of such; a pattern with ``*``; or an address as fsspec takes it, such as ``s3://bucket/jobs/*.jsonl.gz``.
        Each file is a part, read by one worker at a time.
    executor : Executor, optional
        Who reads the parts: a ``ProcessPoolExecutor`` (this machine's cores), or ``Client(...).get_executor()`` of Dask
        (a cluster, whose workers must see the same files and have this package). By default this process does.

    Returns
    -------
    Scan
        Its ``jobs`` and ``rules`` go into metrics, plots and :func:`write_report` like the tables of a JobSet.

    Raises
    ------
    ArgumentError
        If the source or the executor can't be one.
    ReadError
        If the source names no file.

    Examples
    --------
    >>> import llama_classify_nb as lcn
    >>> from llama_classify_nb.demo import sample_path
    >>> found = lcn.scan(sample_path())
    >>> found
    Scan of 1 part
    >>> lcn.metrics.status_breakdown(found.jobs)["count"].tolist()
    [5529, 257, 0, 192, 0, 9, 5]
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ArgumentError(
            f"executor is a {type(executor).__name__}: give one of concurrent.futures, or Client(...).get_executor()"
        )
    return Scan(find_parts(source), executor)


class Scan:
    """Jobs in many parts. Made by :func:`scan`.

    A job counts once in each part that holds it: of several answers in one file the newest, as :func:`read_jobs` has
    it. That no job is in two parts is the caller's to see to (:func:`merge_archives` makes one archive of several); it
    is watched by some 4,000 ids, and ``notes`` tells where these came twice.

    Attributes
    ----------
    jobs : Parts
        Stands for the table jobs in metrics and plots that count; ``len`` of it is the number of jobs.
    """

    def __init__(self, parts: Sequence[Part], executor: Executor | None) -> None:
        self.parts = tuple(parts)
        self.jobs: Any = ScannedJobs(self)  # goes where tables go
        self._executor = executor
        self._census: Census | None = None
        self._found: dict[Request, Any] = {}
        self._wanted: set[Request] | None = None  # what is missing, while questions are only listened to
        self._notes: list[str] = []

    def __len__(self) -> int:
        return self.census.n_jobs

    def __repr__(self) -> str:
        known = f", {plural(self._census.n_jobs, 'job')}" if self._census is not None else ""
        return f"Scan of {plural(len(self.parts), 'part')}{known}"

    @property
    def census(self) -> Census:
        """How many jobs there are, under which rules, and what couldn't be read."""
        if self._census is not None:
            return self._census
        if self._wanted is not None:
            raise _MissingError
        return self._pass(())

    @property
    def rules(self) -> pd.DataFrame:
        """The table rules of all parts, in the order in which the parts have them."""
        return census.rules_table(self.census)

    @property
    def problems(self) -> pd.DataFrame:
        """The table problems of all parts: the first 10,000 rows; ``notes`` tells where there are more."""
        return frames.problems_table([row for _, row in self.census.problems])

    @property
    def newest(self) -> pd.Timestamp | None:
        """The latest time that any job states."""
        return census.newest(self.census)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is worth knowing of the jobs, and of how they were read."""
        found, notes = self.census, []
        if found.n_repeated:
            notes.append(
                f"{plural(found.n_repeated, 'older answer')} of jobs that came more than once in a part left out"
            )
        if share := census.repeated_share(found):
            notes.append(
                f"about {share:.1%} of the jobs were in a part before, and are counted again: of archives, "
                "merge_archives keeps the newest answer of each"
            )
        if found.n_odd_times:
            notes.append(f"{plural(found.n_odd_times, 'time')} could not be read: missing")
        if (n := sum(found.n_problems.values())) > len(found.problems):
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(found.n_problems.items()))
            notes.append(f"{n:,} problems ({kinds}), of which the first {len(found.problems):,} are kept")
        if odd := sorted(found.statuses - set(schema.STATUSES)):
            notes.append(f"statuses that are not documented count as unfinished: {', '.join(map(printable, odd))}")
        return (*notes, *self._notes)

    def together(self, *questions: Callable[[Scan], Any]) -> list[Any]:
        """Ask several questions, and read the parts as seldom as may be: once, as a rule.

        Parameters
        ----------
        *questions : callable
            Each takes this scan, and gives whatever it finds out.

        Returns
        -------
        list
            What they gave.

        Examples
        --------
        >>> import llama_classify_nb as lcn
        >>> from llama_classify_nb.demo import sample_path
        >>> found = lcn.scan(sample_path())
        >>> types, rates = found.together(
        ...     lambda scan: lcn.metrics.type_breakdown(scan.jobs, by="rule_set"),
        ...     lambda scan: lcn.metrics.failure_rates(scan.jobs, by="week"),
        ... )
        """
        given: dict[int, Any] = {}
        while len(given) < len(questions):
            self._listen(questions, given)
        return [given[place] for place in range(len(questions))]

    def prepare(self, *questions: Callable[[Scan], Any]) -> None:
        """Read the parts once for what these questions ask first; asked again, they find it there."""
        self._listen(questions, {})

    def _listen(self, questions: Sequence[Callable[[Scan], Any]], given: dict[int, Any]) -> None:
        """Ask the questions that nothing is given to yet, and read the parts for what these lack."""
        outer, self._wanted = self._wanted, set()
        try:
            for place, question in enumerate(questions):
                if place not in given:
                    with contextlib.suppress(_MissingError):
                        given[place] = question(self)
            wanted = self._wanted
        finally:
            self._wanted = outer
        if len(given) < len(questions):
            self._pass(tuple(sorted(wanted, key=repr)))

    def sample(self, n: int, seed: int = 0) -> JobSet:
        """Draw ``n`` jobs at random, as a JobSet: the same whatever the parts are, and who reads them.

        Parameters
        ----------
        n : int
            How many, 1 to 1,000,000; all, if there are no more.
        seed : int
            From which they are drawn.
        """
        for name, value, low in (("n", n, 1), ("seed", seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MOST_PICKED:
                raise ArgumentError(f"{name} is {value!r}: give a whole number from {low} to {MOST_PICKED:,}")
        return self._picked(picking.drawing(n, seed), n, f"drawn from a scan, with the seed {seed}")

    def select(self, **filters: Any) -> JobSet:
        """Give the jobs that fit filters, as a JobSet.

        Parameters
        ----------
        **filters
            As for ``metrics.select_jobs``: ``outcomes``, ``types``, ``rule_sets``, ``configuration_ids``,
            ``confidence``, ``created``, ``text``.

        Raises
        ------
        ArgumentError
            If more than 1,000,000 jobs fit, or a filter can't be right.
        """
        select_jobs(self.jobs.empty, **filters)
        return self._picked(picking.selecting(filters), None, "selected from a scan")

    def _picked(self, work: gathering.Work, n: int | None, note: str) -> JobSet:
        found: list[pd.DataFrame] = []
        for one in gathering.results(work, self.parts, self._executor, self._notes.append):
            found.append(one)
            if sum(map(len, found)) > MOST_PICKED and n is None:
                raise ArgumentError(f"more than {MOST_PICKED:,} jobs fit the filters: ask for fewer, or draw a sample")
            if len(found) >= _MERGED_AT_ONCE:
                found = [picking.least(found, n or MOST_PICKED)]
        return picking.as_jobset(picking.least(found, n or MOST_PICKED), self.census, note)

    def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
        """Give the partial table of all parts, merged; what was gathered once is kept."""
        request = (counted, arguments)
        if request not in self._found:
            if self._wanted is not None:
                self._wanted.add(request)
                raise _MissingError
            self._pass((request,))
        return self._found[request]

    def _pass(self, requests: tuple[Request, ...]) -> Census:
        """Read every part once, for these counts, and for the census if there is none yet; give the census."""
        work = functools.partial(count_part, requests=requests, has_census=self._census is None)
        found: list[list[Any]] = []
        for result in gathering.results(work, self.parts, self._executor, self._notes.append):
            found.append(result)
            if len(found) >= _MERGED_AT_ONCE:
                found = [_merged(found, requests)]
        merged = _merged(found, requests)
        known: Census = merged.pop() if self._census is None else self._census
        self._census = known
        self._found.update(zip(requests, merged, strict=True))
        return known


class ScannedJobs(Parts):
    """The jobs of a scan, as metrics take them."""

    def __init__(self, scanned: Scan) -> None:
        self._scan = scanned
        self.empty = frames.read_tables([]).jobs

    def __len__(self) -> int:
        return len(self._scan)

    def __repr__(self) -> str:
        return f"jobs of a {self._scan!r}"

    def gathered(self, counted: Counted, arguments: tuple[Any, ...]) -> Any:
        """Give the partial table of all parts, merged."""
        return self._scan.gathered(counted, arguments)


class _MissingError(BaseException):
    """Something is asked that no part was read for yet. No question may take it for an error of its own."""


def count_part(part: Part, requests: Sequence[Request], has_census: bool) -> list[Any]:
    """Read a part, and give a partial table for each request, and its census after them, if it is wanted."""
    found: list[list[Any]] = []
    for chunk, tables in enumerate(read_part(part)):
        try:
            row = [counted.partial(tables.jobs, *arguments) for counted, arguments in requests]
        except ArgumentError as error:
            raise ArgumentError(f"{part.where}: {error}") from None
        found.append([*row, census.taken(tables, part.place, chunk)] if has_census else row)
        if len(found) >= _MERGED_AT_ONCE:
            found = [_merged(found, requests)]
    return _merged(found, requests)


def _merged(found: Sequence[Sequence[Any]], requests: Sequence[Request]) -> list[Any]:
    """Merge what several parts gave, request by request; what comes after them is their census."""
    merges: list[Callable[[Sequence[Any]], Any]] = [counted.merge for counted, _ in requests]
    merges += [census.merged] * (len(found[0]) - len(requests))
    merged = [merge(parts) for merge, parts in zip(merges, zip(*found, strict=True), strict=True)]
    for (counted, arguments), table in zip(requests, merged, strict=False):
        n = sum(map(len, table)) if isinstance(table, tuple) else len(table)
        if n > MOST_CELLS:
            raise ScanError(
                f"{counted.name}{arguments}: its partial table has {n:,} rows, more than {MOST_CELLS:,}: what it is "
                "counted by has too many values to be counted by"
            )
    if len(merged) > len(requests) and len(merged[-1].rules) > MOST_CELLS:
        raise ScanError(f"the parts have more than {MOST_CELLS:,} different rules: too many to hold in one place")
    return merged
