"""What the API answers, read strictly: a job, a page of jobs, the detail of an error.

This is the only place that knows the JSON's shape. ``fetch.py`` takes from it whether an answer is the job that was
asked for; ``frames.py`` takes the fields. The configuration of a job stays raw bytes here: a million jobs share a
handful, and each distinct one is read once, by ``configurations.py``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec

from .exceptions import InvalidAnswerError
from .rawjson import check_utf8, raw_keys, reason, spliced, unknown_part, without_lone_surrogates
from .schema import TERMINAL_STATUSES
from .texts import printable, shown
from .timestamps import microseconds

Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]
_STATUS = re.compile(r"[A-Z][A-Z0-9_]*")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}", re.ASCII)
_KEYS_THAT_MATTER = (b'"id"', b'"status"', b'"result"', b'"confidence"')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


class Result(msgspec.Struct, gc=False):
    """The answer of a job."""

    type: str | None = None
    confidence: Confidence | None = None
    reasoning: str | None = None


class Usage(msgspec.Struct, gc=False):
    """What a job was billed."""

    credits: float | None = None
    parse_credits: float | None = None


class Job(msgspec.Struct, gc=False):
    """A job, with its configuration as raw bytes. Keys that the API doesn't mark optional are required."""

    id: str
    configuration: msgspec.Raw
    document_input_type: str
    project_id: str
    user_id: str
    status: str
    # An early version of the API called the first of these by the second name; one of the two is required.
    file_input: str | None = None
    document_input_value: str | None = None
    configuration_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    error_message: str | None = None
    parse_job_id: str | None = None
    transaction_id: str | None = None
    result: Result | None = None
    usage: Usage | None = None


class KnownResult(Result, forbid_unknown_fields=True):
    """An answer without any key that we don't know."""


class KnownUsage(Usage, forbid_unknown_fields=True):
    """A bill without any key that we don't know."""


class KnownJob(Job, forbid_unknown_fields=True):
    """A job without any key that we don't know: the usual case, told apart at no cost while it is decoded."""

    result: KnownResult | None = None
    usage: KnownUsage | None = None


class OnlyId(msgspec.Struct, gc=False):
    """The one thing to know of an answer that isn't a job."""

    id: str


class Page(NamedTuple):
    """A page of the list call."""

    items: list[msgspec.Raw]  # the raw bytes of its jobs
    next_page_token: str | None
    total_size: object  # documented as an estimate for display: nothing may fail because of it
    breaks_off: bool  # the next page is named in a way that can't be followed


class _RawPage(msgspec.Struct, gc=False):
    """The same, as it is decoded: what is odd about a token or a number costs no job."""

    items: list[msgspec.Raw]
    next_page_token: msgspec.Raw = msgspec.Raw(b"null")
    total_size: msgspec.Raw = msgspec.Raw(b"null")


_job = msgspec.json.Decoder(Job)
_only_id = msgspec.json.Decoder(OnlyId)
_known_job = msgspec.json.Decoder(KnownJob)
_page = msgspec.json.Decoder(_RawPage)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_KNOWN: dict[str, frozenset[str]] = {
    "": frozenset(Job.__struct_fields__),
    "result": frozenset(Result.__struct_fields__),
    "usage": frozenset(Usage.__struct_fields__),
}


def is_job_id(value: str) -> bool:
    """Whether a text can be the id of a job: one harmless path segment of at most 128 characters."""
    return _ID.fullmatch(value) is not None


def as_utf8(body: bytes) -> bytes:
    """Give JSON in UTF-8 without a mark at its beginning; of what came in UTF-16, too.

    Raises
    ------
    InvalidAnswerError
        If it is neither.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        return body[3:]
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return body.decode("utf-16").encode()
        except UnicodeError:
            raise InvalidAnswerError("the text is neither UTF-8 nor UTF-16") from None
    return body


def as_line(body: bytes) -> bytes:
    """Give JSON on one line; within its texts no line can end, so nothing but layout is lost."""
    return body.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in body or b"\r" in body else body


def read_job(body: bytes) -> Job:
    """Read one job.

    Raises
    ------
    InvalidAnswerError
        If it isn't JSON, or breaks the documented shape; the message names the field.
    """
    try:
        job = _job.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        mended = without_lone_surrogates(body)
        if mended is None:
            raise InvalidAnswerError(reason(error)) from None
        job = read_job(mended)
    check_utf8(body)
    check_job(job)
    return job


def check_job(job: Job) -> None:
    """Check what the types of :class:`Job` can't say.

    Raises
    ------
    InvalidAnswerError
        If the status isn't a word in capitals, the document is missing, or the id is empty.
    """
    if not _is_status(job.status):
        raise InvalidAnswerError(f"status is {shown(job.status)}: expected a word in capitals, such as COMPLETED")
    if job.file_input is None and job.document_input_value is None:
        raise InvalidAnswerError("file_input is missing")
    if not job.id:
        raise InvalidAnswerError("id is empty")


def check_jobs(jobs: Sequence[Job]) -> None:
    """Check many jobs, as :func:`check_job` does, and nearly always at a glance."""
    is_plain = all(map(_is_status, {job.status for job in jobs}))
    if not is_plain or not all([job.id and job.file_input is not None for job in jobs]):  # noqa: C419  a list is faster
        for job in jobs:
            check_job(job)


@functools.lru_cache(maxsize=256)
def _is_status(status: str) -> bool:
    return _STATUS.fullmatch(status) is not None


def read_lines(lines: bytes) -> tuple[Sequence[Job], bool]:
    """Read whole lines of JSON, a job each.

    Returns
    -------
    jobs : sequence of Job
        A job for each line that isn't blank.
    known : bool
        Whether no job holds a key that :class:`Job` doesn't know; if False, :func:`unknown_keys` finds them.

    Raises
    ------
    InvalidAnswerError
        If any line isn't a job: one spoiled line spoils all, and they must be read one by one.
    """
    jobs: Sequence[Job]
    try:
        try:
            jobs, known = _known_job.decode_lines(lines), True
        except msgspec.ValidationError:
            jobs, known = _job.decode_lines(lines), False
            check_utf8(lines)  # what was decoded is; the decoder passes over what we don't know
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAnswerError(reason(error)) from None
    check_jobs(jobs)
    return jobs, known


def read_id(body: bytes) -> str | None:
    """Give the id of something that isn't quite a job, or None if none can be read."""
    try:
        return _only_id.decode(body).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def has_repeated_keys(job: bytes, unseen: bytes | None = None) -> bool:
    """Whether a key stands twice in one object: readers disagree on which counts, so that such an answer may forge.

    The keys that matter are looked for as bytes, whose quotes would be escaped within a text; only an answer that shows
    one twice, or spells a plain letter as an escape, is read in full. ``unseen`` is the part to look at, where the rest
    was looked at before.

    Raises
    ------
    InvalidAnswerError
        If it can't be read in full, since it is nested too deeply.
    """
    part = job if unseen is None else unseen
    for key in _KEYS_THAT_MATTER:
        if part.count(key) > 1:
            break
    else:
        if not _ESCAPED_LETTER.search(part):
            return False

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) < len(pairs):
            raise _RepeatedKeyError
        return keys

    try:
        json.loads(job, object_pairs_hook=check, parse_int=float)  # an int of too many digits would be an error
    except _RepeatedKeyError:
        return True
    except (ValueError, RecursionError) as error:
        raise InvalidAnswerError(reason(error)) from None
    return False


class _RepeatedKeyError(Exception):
    """A key stands twice."""


def newest(bodies: Iterable[bytes], job_id: str) -> bytes | None:
    """Give the newest answer of a job among these bodies, as the tables choose it; None: there is none."""
    best, best_version = None, None
    for body in bodies:
        if read_id(body) == job_id:
            try:
                job = read_job(body)
            except InvalidAnswerError:
                continue
            updated_us = microseconds(job.updated_at)
            version = (-(2**63) if updated_us is None else updated_us, is_final(job))
            if best_version is None or version >= best_version:
                best, best_version = body, version
    return best


def is_final(job: Job) -> bool:
    """Whether a job has ended and won't change any more."""
    return job.status in TERMINAL_STATUSES


def read_page(body: bytes) -> Page:
    """Read a page of the list call.

    Raises
    ------
    InvalidAnswerError
        If it isn't JSON, or isn't a page.
    """
    try:
        page = _page.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAnswerError(f"the list call's answer is not a page of jobs: {reason(error)}") from None
    token = _plain(page.next_page_token)
    is_number = isinstance(token, int) and not isinstance(token, bool)
    is_whole = is_number or isinstance(token, str) or not token
    return Page(
        page.items, str(token) if is_whole and (token or is_number) else None, _plain(page.total_size), not is_whole
    )


def _plain(raw: msgspec.Raw) -> object:
    """Read a value that nothing may fail for; None where it can't be read."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_items(body: bytes) -> list[bytes]:
    """Split a JSON document that holds jobs - one job, a list of them, or a page - into the raw bytes of each job.

    Raises
    ------
    InvalidAnswerError
        If it is none of these.
    """
    text = body.lstrip()
    try:
        if text.startswith(b"["):
            return [bytes(item) for item in _items.decode(text)]
        keys = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return [bytes(item) for item in _items.decode(keys["items"])] if "items" in keys else [text]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAnswerError(reason(error)) from None


def read_detail(body: bytes) -> str:
    """Give the detail of an error answer as one line of text, at most 500 characters; of HTML, only its title."""
    try:
        detail = json.loads(body).get("detail")
    except (ValueError, AttributeError, RecursionError):
        title = re.search(rb"<title[^>]{0,200}>([^<]{0,300})", body[:20_000], re.IGNORECASE)
        return printable(title.group(1).decode("utf-8", "replace")) if title else ""
    if isinstance(detail, list):
        parts = [
            f"{'.'.join(str(key) for key in one.get('loc', []) if isinstance(key, str | int))}: {one.get('msg', '')}"
            for one in detail[:5]
            if isinstance(one, dict) and isinstance(one.get("loc", []), list) and isinstance(one.get("msg", ""), str)
        ]
        detail = "; ".join(parts)
    return printable(detail) if isinstance(detail, str) else ""


def unknown_keys(job: bytes) -> str | None:
    """Give the part of a job that no field of :class:`Job` holds, as JSON text in the job's own nesting.

    The values are spliced from the answer's own bytes, so that no number loses a digit. The configuration is left to
    ``configurations.py``. None: there is nothing else.
    """
    keys = raw_keys(job)
    extra = {key: raw.decode() for key, raw in keys.items() if key not in _KNOWN[""]}
    for key in ("result", "usage"):
        if keys.get(key, b"null") != b"null" and (unknown := unknown_part(keys[key], _KNOWN[key])):
            extra[key] = unknown
    return spliced(extra)
