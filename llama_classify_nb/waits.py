"""How long a server asks to wait: what its headers say, in whatever form, as seconds."""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import re
from collections.abc import Sequence

MAX_RETRY_AFTER_S = 24 * 3600.0  # what a server asks beyond this is no promise but nonsense


def read_wait(retry_after: Sequence[str], retry_after_ms: str, date: str) -> float | None:
    """Give the seconds that a server asked to wait, the longest where it says several.

    Parameters
    ----------
    retry_after : sequence of str
        All headers ``Retry-After``: seconds or a date, and a proxy may have added one of its own.
    retry_after_ms : str
        The header ``Retry-After-Ms``; empty: there is none.
    date : str
        The header ``Date``: the server's own clock, by which a date is read; empty: ours must do.

    Returns
    -------
    float or None
        None: nothing usable was said.
    """
    waits = [_number(retry_after_ms) / 1000]
    for text in retry_after:
        waits += [*map(_number, text.split(",")), _seconds_until(text, date)]
    return max((wait for wait in waits if 0 < wait <= MAX_RETRY_AFTER_S), default=None)


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{0,9})?", text.strip(), re.ASCII) else math.nan


def _seconds_until(text: str, date: str) -> float:
    then, now = _date(text), _date(date)
    return math.nan if then is None else (then - (now or dt.datetime.now(dt.UTC))).total_seconds()


def _date(text: str) -> dt.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
        return date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    except (ValueError, TypeError, OverflowError, IndexError):  # all that odd dates bring forth there
        return None
