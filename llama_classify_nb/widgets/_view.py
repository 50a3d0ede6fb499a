"""A view: what the explorer's controls say, as a plain dict that can be kept, and as code that gives the same jobs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ..exceptions import ArgumentError
from ..moments import read_moment

#: By what the table is ordered, and whether upwards.
ORDERS: dict[str, tuple[str, bool]] = {
    "lowest confidence first": ("confidence", True),
    "highest confidence first": ("confidence", False),
    "newest first": ("created_at", False),
    "oldest first": ("created_at", True),
    "longest first": ("duration_s", False),
    "shortest first": ("duration_s", True),
    "job_id, A to Z": ("job_id", True),
    "job_id, Z to A": ("job_id", False),
    "outcome, matched first": ("outcome", True),
    "outcome, matched last": ("outcome", False),
    "type, A to Z": ("type", True),
    "type, Z to A": ("type", False),
    "configuration, A to Z": ("configuration_id", True),
    "configuration, Z to A": ("configuration_id", False),
}
_LISTS = ("outcomes", "types", "rule_sets", "configuration_ids")
_DAY = dt.timedelta(days=1)


def make(arguments: dict[str, Any], order: str) -> dict[str, Any]:
    """Give a view of the arguments of ``select_jobs`` and an order, of nothing but what JSON knows."""
    view = dict(arguments)
    if "confidence" in view:
        view["confidence"] = list(view["confidence"])
    if "created" in view:
        view["created"] = [None if end is None else end.isoformat() for end in view["created"]]
    if order:
        view["order"] = order
    return view


def code(view: dict[str, Any]) -> str:
    """Give the code that selects the jobs of a view from ``jobset``, in its order."""
    arguments = "".join(
        f",\n    {name}={_literal(tuple(value) if name in ('confidence', 'created') else value)}"
        for name, value in view.items()
        if name != "order"
    )
    end = ",\n)" if arguments else ")"
    opening = "\n    jobset.jobs" if arguments else "jobset.jobs"
    text = f"import llama_classify_nb as lcn\n\nlcn.metrics.select_jobs({opening}{arguments}{end}"
    if "order" in view:
        column, ascending = ORDERS[view["order"]]
        way = "" if ascending else "ascending=False, "
        text += f'.sort_values("{column}", {way}kind="stable")'
    return text


def _literal(value: Any) -> str:
    """Write a value as ASCII: a stranger's letters could look like others, or turn the line around."""
    return ascii(value)


def read(view: Any) -> dict[str, Any]:
    """Check a view that somebody gives, and give what its controls are to hold, by the names of the view.

    Raises
    ------
    ArgumentError
        If it isn't one, or says what the controls can't.
    """
    if not isinstance(view, dict):
        raise ArgumentError(f"view is a {type(view).__name__}; give a dict, such as explorer.view gives")
    known = (*_LISTS, "confidence", "created", "text", "order")
    for name in view:
        if name not in known:
            raise ArgumentError(f"view holds {name!r}; it may hold {', '.join(known)}")
    held: dict[str, Any] = {
        name: _one(name, value) for name, value in view.items() if name in _LISTS and value is not None
    }
    if view.get("confidence") is not None:
        held["confidence"] = _bounds(view["confidence"])
    if view.get("created") is not None:
        start, end = (_day(one) for one in _pair("created", view["created"]))
        held["created"] = start, end and end - _DAY
    if view.get("text") is not None:
        if not isinstance(view["text"], str):
            raise ArgumentError(f"view: text is {view['text']!r}; it must be a text")
        held["text"] = view["text"]
    if view.get("order"):
        if view["order"] not in ORDERS:
            raise ArgumentError(f"view: order is {view['order']!r}; it is one of {', '.join(map(repr, ORDERS))}")
        held["order"] = view["order"]
    return held


def _one(name: str, value: Any) -> str | None:
    listed = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
    if len(listed) != 1 or not (listed[0] is None or isinstance(listed[0], str)):
        raise ArgumentError(f"view: {name} is {value!r}; the explorer's control holds one: a list of one text, or None")
    return listed[0]


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ArgumentError(f"view: {name} is {value!r}; it must be a pair: its two ends, None for an open one")
    return value[0], value[1]


def _bounds(value: Any) -> tuple[float, float]:
    low, high = _pair("confidence", value)
    low, high = 0.0 if low is None else low, 1.0 if high is None else high
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, int | float) or not 0 <= end <= 1:
            raise ArgumentError(f"view: confidence holds {end!r}; an end must be a number from 0 to 1, or None")
    if (low, high) == (0, 1):
        raise ArgumentError("view: confidence is from 0 to 1, which the controls show as no filter; leave it out")
    return float(low), float(high)


def _day(value: Any) -> dt.date | None:
    if value is None:
        return None
    try:
        time = read_moment("created", value)
        if time != time.normalize():
            raise ValueError
    except (ArgumentError, ValueError):
        raise ArgumentError(f"view: created holds {value!r}; an end must be a day in UTC, like '2026-02-28'") from None
    return time.date()
