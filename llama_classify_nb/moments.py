"""Moments as people give them: a text, a date or a time becomes a time in UTC; an error says how to write it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd

from .exceptions import ArgumentError
from .texts import printable

# The year comes first: pandas reads 01.02.2026 as the second of January, and "now" off the clock.
_DATED = re.compile(r"\s*\d{4}(?:[-/.]?\d)")


def read_moment(argument: str, value: Any) -> pd.Timestamp:
    """Give a moment in UTC, to the microsecond; ``argument`` is what an error calls it.

    Parameters
    ----------
    argument : str
        Name of the argument that it came as.
    value : str, date, datetime, Timestamp or datetime64
        The moment. Without a zone it is in UTC; a date alone is its first moment.

    Returns
    -------
    Timestamp

    Raises
    ------
    ArgumentError
        If it is no moment, or a text that doesn't begin with the year.

    Examples
    --------
    >>> read_moment("as_of", "2026-01-31 13:00+01:00")
    Timestamp('2026-01-31 12:00:00+0000', tz='UTC')
    """
    try:
        if not (_DATED.match(value) if isinstance(value, str) else isinstance(value, dt.date | np.datetime64)):
            raise ValueError
        # To the microsecond, as the tables have it: nanoseconds end in 2262, and a job may say 9999.
        moment = pd.Timestamp(value)
        if pd.isna(moment):
            raise ValueError
        moment = moment.as_unit("us")
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{argument} is {printable(repr(value), 60)}, which is not a time; "
            "write it like '2026-01-31' or '2026-01-31T12:00:00Z'"
        ) from None
    return moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
