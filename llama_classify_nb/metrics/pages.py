"""Which pages the jobs were told to read."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from ..texts import printable
from . import _arguments, _counts
from ._counted import counted

# Beyond it, a page number is a slip of the pen, or an "all pages" in disguise.
_MOST_PAGES = 100_000
_MOST_PIECES = 6  # that a description lists
# More digits than these no document has; so a hostile text can't make numbers that take long to read.
_PIECE = re.compile(r"(\d{1,15})(?:\s*-\s*(\d{1,15}))?", re.ASCII)


class Scope(NamedTuple):
    """What a pair of ``target_pages`` and ``max_pages`` asks for."""

    text: str  # in words; the same for two pairs that ask for the same
    n_pages: int | None  # at most so many; None: all that there are, or not to be known
    odd: str | None  # what is wrong with it


def pages_in_scope(jobs: pd.DataFrame) -> pd.DataFrame:
    """Which pages were the jobs told to read?

    ``target_pages`` names pages (numbers and ranges, from 1, as in "1,3,5-7"), ``max_pages`` keeps to the first so
    many of a document. How long the documents are isn't known: a scope may ask for more pages than there are.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``target_pages`` and ``max_pages``.

    Returns
    -------
    DataFrame
        A row for each pair of ``target_pages`` and ``max_pages`` that occurs, the most frequent first, then in order of
        the two. Merged on these two columns, it gives each job its scope.

        * ``target_pages`` (dtype of jobs), ``max_pages`` (Int64): as the jobs have them; missing: not given;
        * ``n_jobs`` (int64, jobs): jobs with the pair; they add up to the number of jobs;
        * ``page_scope`` (text): in words; pairs that mean the same pages have the same words. Of lists of more than six
          ranges the middle is left out;
        * ``n_pages`` (Int64, pages): the most pages that it lets the parser read, each counted once; missing: all of
          the document, or ``target_pages`` can't be read;
        * ``odd`` (text): what is wrong with it, such as a reversed range, page 0, what is no number, a page named
          twice, one beyond ``max_pages`` or above 100,000; missing: nothing.

        No jobs: no rows. One: one row.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"target_pages": ["1,3,5-7", None, "5-3"], "max_pages": [None, 10, None]})
    >>> pages_in_scope(jobs)[["page_scope", "n_pages", "odd"]]
               page_scope  n_pages                odd
    0  pages 1, 3, 5 to 7        5                NaN
    1  target_pages '5-3'     <NA>  '5-3' is reversed
    2  the first 10 pages       10                NaN
    >>> jobs.merge(pages_in_scope(jobs), on=["target_pages", "max_pages"])["page_scope"].tolist()
    ['pages 1, 3, 5 to 7', 'the first 10 pages', "target_pages '5-3'"]
    """
    return _finish(_partial(jobs))


@counted()
def _partial(jobs: pd.DataFrame) -> pd.DataFrame:
    """Count the jobs of each pair."""
    _arguments.need_columns(jobs, "target_pages", "max_pages")
    return _counts.tally(_pairs(jobs))


def _finish(cells: pd.DataFrame) -> pd.DataFrame:
    cells = cells.iloc[np.argsort(-cells["count"].to_numpy(), kind="stable")].reset_index(drop=True)
    scopes = [read_scope(*pair) for pair in zip(cells["target_pages"], cells["max_pages"], strict=True)]
    table = cells.rename(columns={"count": "n_jobs"})
    table["page_scope"] = pd.array([scope.text for scope in scopes], dtype=schema.TEXT)
    table["n_pages"] = pd.array([scope.n_pages for scope in scopes], dtype="Int64")
    table["odd"] = pd.array([scope.odd for scope in scopes], dtype=schema.TEXT)
    return table


def scope_labels(jobs: pd.DataFrame) -> pd.Series:
    """Give each job's page scope in words: a category, with the index of ``jobs``; the name is ``page_scope``."""
    _arguments.need_columns(jobs, "target_pages", "max_pages")
    pairs = _pairs(jobs)
    target, n_targets, named = _counts.encode(pairs["target_pages"])
    limit, n_limits, limits = _counts.encode(pairs["max_pages"])
    flat = np.where(target < 0, n_targets, target) * (n_limits + 1) + np.where(limit < 0, n_limits, limit)
    found, place = np.unique(flat, return_inverse=True)
    code = found // (n_limits + 1), found % (n_limits + 1)
    targets = named(np.where(code[0] == n_targets, -1, code[0]))
    pages = limits(np.where(code[1] == n_limits, -1, code[1]))
    texts = [read_scope(*pair).text for pair in zip(targets, pages, strict=True)]
    words, number = np.unique(np.array(texts, dtype=object), return_inverse=True)
    kinds = pd.CategoricalDtype(pd.Index(words, dtype=schema.TEXT))
    return pd.Series(_counts.categorical(number[place], kinds), index=jobs.index, name="page_scope")


def _pairs(jobs: pd.DataFrame) -> pd.DataFrame:
    try:
        most = pd.array(jobs["max_pages"].to_numpy(dtype=np.float64, na_value=np.nan)).astype("Int64")
    except (TypeError, ValueError) as error:
        raise ArgumentError("jobs: the column 'max_pages' must hold whole numbers") from error
    target = jobs["target_pages"]
    if not isinstance(target.dtype, pd.CategoricalDtype):
        # As a column of nothing but missing values comes, among others.
        target = target.astype(schema.TEXT) if target.isna().all() else target
    return pd.DataFrame({"target_pages": target.array, "max_pages": most})


def read_scope(target: Any, limit: Any) -> Scope:
    """Say what a pair asks for."""
    most = None if pd.isna(limit) else int(limit)
    odd = [f"max_pages is {most}, below 1"] if most is not None and most < 1 else []
    if pd.isna(target):
        text = "all pages" if most is None else _described([(1, most)])
        return Scope(text, None if odd else most, odd[0] if odd else None)
    ranges, wrong = _ranges(str(target))
    odd += wrong
    merged, overlap = _merged(ranges)
    named = sum(end - start + 1 for start, end in merged)
    if overlap:
        odd.append("names a page twice")
    if merged and most is not None and merged[-1][1] > most >= 1:
        odd.append(f"names page {merged[-1][1]:,}, beyond max_pages {most:,}")
    if merged and merged[-1][1] > _MOST_PAGES:
        odd.append(f"names page {merged[-1][1]:,}, more than documents have")
    text = _described(merged) if not wrong else f"target_pages {printable(str(target), 40)!r}"
    if most is not None and (wrong or most < merged[-1][1]):
        text += f", of the first {most:,}"
        named = min(named, most)
    known = not wrong and (most is None or most >= 1)
    return Scope(text, named if known else None, "; ".join(dict.fromkeys(odd)) or None)


def _ranges(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Give the ranges that a text names, and what can't be read as one."""
    ranges, wrong = [], []
    for piece in text.split(","):
        piece = piece.strip()
        found = _PIECE.fullmatch(piece)
        shown = repr(printable(piece, 20))
        if not found:
            wrong.append("an empty piece" if not piece else f"{shown} is no page number or range")
            continue
        start, end = int(found[1]), int(found[2] or found[1])
        if start > end:
            wrong.append(f"{shown} is reversed")
        elif start < 1:
            wrong.append(f"{shown} holds page 0; pages count from 1")
        else:
            ranges.append((start, end))
    return ranges, wrong if len(wrong) <= _MOST_PIECES else [*wrong[:_MOST_PIECES], "and more"]


def _merged(ranges: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], bool]:
    """Sort ranges and join those that touch; tell whether any two share a page."""
    merged: list[tuple[int, int]] = []
    overlap = False
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            overlap |= start <= merged[-1][1]
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged, overlap


def _described(ranges: list[tuple[int, int]]) -> str:
    if len(ranges) == 1 and ranges[0][0] == 1:
        return "the first page" if ranges[0][1] == 1 else f"the first {ranges[0][1]:,} pages"
    parts = [f"{start:,}" if start == end else f"{start:,} to {end:,}" for start, end in ranges]
    if len(parts) > _MOST_PIECES:
        # Two long lists that begin alike must not become one: the last page and the number tell them apart as a rule.
        n_pages = sum(end - start + 1 for start, end in ranges)
        parts = [*parts[: _MOST_PIECES - 1], f"… {parts[-1]} ({n_pages:,} pages)"]
    return ("page " if len(parts) == 1 and ranges[0][0] == ranges[0][1] else "pages ") + ", ".join(parts)
