"""What a finding is made of: sections of sentences, pictures and tables, and numbers put in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ...texts import printable
from ..contents import Arguments, Tables
from ..facts import Facts

LONGEST = 300  # characters of a stranger's text on the page


class Audit(NamedTuple):
    """What findings are read from."""

    facts: Facts
    arguments: Arguments
    tables: Tables

    def table(self, name: str) -> pd.DataFrame:
        """Give the table of a metric; one without rows where that wasn't asked."""
        return self.tables.get(name, pd.DataFrame())


class Picture(NamedTuple):
    """A picture of the report, and what it shows, in words."""

    name: str
    caption: str


class Head(NamedTuple):
    """The head of a column."""

    name: str
    is_number: bool


class Rows(NamedTuple):
    """A table on the page, every cell a text."""

    file: str  # the name of the CSV file that has all of it, without .csv
    caption: str
    heads: list[Head]
    rows: list[list[str]]


class Section(NamedTuple):
    """A part of the page."""

    id: str
    title: str
    sentences: list[str]
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Rows, ...] = ()


def number(value: Any) -> str:
    """Give a whole number with its thousands marked."""
    return "–" if pd.isna(value) else f"{int(value):,}"


def percent(value: Any) -> str:
    """Give a share in percent, to a tenth; what would round to nothing, or to all, says so."""
    if pd.isna(value):
        return "–"
    if 0 < value < 0.0005:
        return "under 0.1\N{NO-BREAK SPACE}%"
    if 0.9995 <= value < 1:
        return "over 99.9\N{NO-BREAK SPACE}%"
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def decimals(value: Any) -> str:
    """Give a number to three decimals."""
    return "–" if pd.isna(value) else f"{value:.3f}"


def rate(share: Any, lower: Any, upper: Any) -> str:
    """Give a share with its interval."""
    if pd.isna(share):
        return "unknown"
    return f"{percent(share)} (95 % interval {percent(lower)} to {percent(upper)})"


def count(n: int, noun: str, nouns: str | None = None) -> str:
    """Give a count with its noun."""
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"


def day(time: Any) -> str:
    """Give the day of a time."""
    return "–" if pd.isna(time) else f"{time:%Y-%m-%d}"


def said(value: Any, missing: str = "–") -> str:
    """Give a stranger's text as one harmless line; the page escapes it besides."""
    return missing if value is None or value is pd.NA or value != value else printable(str(value), LONGEST)


def listed(words: list[str], most: int = 5) -> str:
    """Give words as a list in a sentence."""
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most:,} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def quoted(value: Any) -> str:
    """Give a stranger's text in quotation marks."""
    return f"“{said(value)}”"


def rows(file: str, caption: str, table: pd.DataFrame, columns: dict[str, Any], most: int = 15) -> Rows:
    """Make a table for the page.

    Parameters
    ----------
    file, caption : str
        The name of the table's file, and what it shows.
    table : DataFrame
        Its first ``most`` rows are shown; if there are more, the caption says so.
    columns : dict
        For each column of the table, the head to show and how to put a value in words.
    """
    some = table.head(most)
    heads = [Head(head, show in (number, percent, decimals)) for head, show in columns.values()]
    cells = [[show(value) for value in some[name].tolist()] for name, (_, show) in columns.items()]
    if len(table) > most:
        caption += f" The first {most} of {len(table):,} rows."
    return Rows(file, caption, heads, [list(row) for row in zip(*cells, strict=True)])
