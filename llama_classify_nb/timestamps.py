"""Times as the API writes them, in RFC 3339, read strictly."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}):([0-5]\d|60)(?:[.,](\d{1,30}))?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
    re.ASCII,
)
_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
_USUAL_LENGTHS = (20, 24, 27)  # of a time in UTC: no fraction, milliseconds, microseconds


def read_time(text: str | None) -> np.datetime64 | None:
    """Read a time of RFC 3339, to the microsecond, in UTC.

    A time without a zone is UTC; a space may stand in place of the T; digits beyond microseconds are cut off; a leap
    second is the second after it, as POSIX counts. None: not a time.
    """
    found = _TIME.fullmatch(text or "")
    if not found:
        return None
    date, clock, seconds, fraction, sign, hours, minutes = found.groups()
    try:
        time = np.datetime64(f"{date}T{clock}", "us")
    except ValueError:
        return None
    time += np.timedelta64(int(seconds) * 1_000_000 + int((fraction or "0")[:6].ljust(6, "0")), "us")
    offset = int(hours or 0) * 60 + int(minutes or 0)
    return time - np.timedelta64(-offset if sign == "-" else offset, "m")


def microseconds(text: str | None) -> int | None:
    """Give a time as microseconds since 1970, as :func:`read_time` reads it; None: not a time."""
    try:  # the usual form, at a tenth of the cost
        if (
            text
            and len(text) in _USUAL_LENGTHS
            and text[4] + text[7] + text[10] + text[13] + text[16] + text[-1] == "--T::Z"
        ):
            return round((dt.datetime.fromisoformat(text[:-1] + "+00:00") - _EPOCH) / _MICROSECOND)
    except ValueError:
        pass
    time = read_time(text)
    return None if time is None else int(time.astype("int64"))
