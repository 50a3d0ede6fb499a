"""What each column of a metric means, in the words of the metric's own docstring.

A metric lists its columns once, in the section Returns: ``* ``name`` (dtype, unit): meaning;``. What the reader of
``help`` sees is what ``columns.csv`` says: there is no second list to keep.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from ..cells import dtype_name
from ..schema import JOBS, Column

_RETURNS = re.compile(r"^Returns\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.M | re.S)
_BULLET = re.compile(r"^ +\* (.*?)(?=^ +\* |^\s*$|\Z)", re.M | re.S)
_NAME = r"``(\w+)``"
_NAMES = re.compile(rf"(?:^|; |, |, with |, and )({_NAME}(?:(?:, | and ){_NAME})*)(?: \(([^)]*)\))?")
_ENDS = ("lower", "upper")  # of an interval, which has the unit of what it is of
# What a pair of brackets after a name may begin with, if it tells a dtype.
_DTYPES = re.compile(r"bool|U?[Ii]nt|[Ff]loat|str|text|category|datetime|as in|dtype|ordered")


def declared(metric: Callable[..., Any], table: pd.DataFrame) -> tuple[Column, ...]:
    """Give the columns of a metric's table, with their meanings and units.

    Parameters
    ----------
    metric : callable
        A function of ``metrics``.
    table : DataFrame
        What it gave.

    Returns
    -------
    tuple of Column
        One for each column of the table, in order. A column that the docstring doesn't list has the meaning that it has
        in the table jobs, or is the end of another column's interval, or is what the table was grouped by.
    """
    told = _told(inspect.getdoc(metric) or "")
    columns = []
    for name in map(str, table.columns):
        meaning, unit = told.get(name) or _known(name, told)
        of, _, end = name.rpartition("_")
        if not unit and end in _ENDS and of in told:
            unit = told[of][1]
        columns.append(Column(name, dtype_name(table[name]), meaning, unit))
    return tuple(columns)


def _known(name: str, told: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Give the meaning of a column by its name alone; empty if that tells nothing."""
    of, _, end = name.rpartition("_")
    if end in _ENDS and of in told:
        return f"{end} end of the interval of {of}", told[of][1]
    for column in JOBS:
        if column.name == name:
            return column.meaning, column.unit
    return ("what the rows are grouped by", "") if "by" in told else ("", "")


def _told(doc: str) -> dict[str, tuple[str, str]]:
    """Give meaning and unit of each name that the section Returns lists."""
    section = _RETURNS.search(doc)
    told: dict[str, tuple[str, str]] = {}
    for bullet in _BULLET.findall(section[1] if section else ""):
        text = " ".join(bullet.split())
        if text.startswith("the column ``by``"):
            told["by"] = ("", "")
            continue
        heads = [head for head in _NAMES.finditer(text) if head.start() == 0 or _is_head(text, head)]
        ends = [head.start() for head in heads[1:]] + [len(text)]
        meaning = ""
        for head, end in reversed(list(zip(heads, ends, strict=True))):
            # Of "``a`` (str), ``b`` (int64): both", a means what b means.
            meaning = _plain(text[head.end() : end]) or meaning
            for name in re.findall(_NAME, head[1]):
                if meaning and name not in told:
                    told[name] = (meaning, _unit(head[4]))
    return told


def _is_head(text: str, head: re.Match[str]) -> bool:
    """Tell whether names within a bullet begin a column of their own: a dtype or a colon follows."""
    return bool(head[4] and _DTYPES.match(head[4])) or text[head.end() : head.end() + 1] == ":"


def _plain(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]*)`", r"\1", text).replace("``", "")
    return text.lstrip(":, ").rstrip(";., ").strip()


def _unit(brackets: str | None) -> str:
    return brackets.partition(", ")[2] if brackets and _DTYPES.match(brackets) and "[" not in brackets else ""
