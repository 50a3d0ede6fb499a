"""What a fetch may be asked: each argument checked, before anything is requested."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pandas as pd

from . import schema
from .exceptions import ArgumentError
from .fetch import REFRESH
from .listing import Filters
from .moments import read_moment
from .texts import printable

MAX_WIDTH = 64


def checked_filters(status: Any, configuration_id: Any, created_after: Any, created_before: Any) -> Filters:
    """Give the filters of the list call."""
    after, before = _moment("created_after", created_after), _moment("created_before", created_before)
    if after and before and pd.Timestamp(after) > pd.Timestamp(before):
        raise ArgumentError(f"created_after is {after}, later than created_before, {before}: swap them")
    return Filters(_status(status), _text("configuration_id", configuration_id), after, before)


def checked_refresh(refresh: str | bool) -> str:
    """Give which jobs of the archive to ask for again, in a word."""
    if isinstance(refresh, bool):
        return "all" if refresh else "unfinished"
    if refresh not in REFRESH:
        raise ArgumentError(f"refresh is {printable(repr(refresh), 60)}: give one of {', '.join(REFRESH)}")
    return refresh


def checked_width(width: int) -> int:
    """Give the most requests in flight at a time."""
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= MAX_WIDTH:
        raise ArgumentError(f"width is {printable(repr(width), 60)}: give a whole number from 1 to {MAX_WIDTH}")
    return width


def checked_number(name: str, value: float | None, *, whole: bool = False) -> None:
    """Check a number of something, or of seconds; None: no limit."""
    kinds = (int,) if whole else (int, float)
    if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) or not 0 <= value < math.inf):
        what = "a whole number" if whole else "a number of seconds"
        raise ArgumentError(f"{name} is {printable(repr(value), 60)}: give {what}, 0 or more")


def _status(status: str | None) -> str | None:
    if status is None:
        return None
    if not isinstance(status, str) or status.strip().upper() not in schema.STATUSES:
        raise ArgumentError(f"status is {printable(repr(status), 60)}: give one of {', '.join(schema.STATUSES)}")
    return status.strip().upper()


def _text(name: str, value: str | None) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(f"{name} is {printable(repr(value), 60)}: give an id as text")
    return value and value.strip()


def _moment(name: str, value: str | dt.datetime | None) -> str | None:
    if value is None:
        return None
    return read_moment(name, value).isoformat().replace("+00:00", "Z")
