"""JSON as bytes: what is taken from a stranger's text without losing a digit of it."""

from __future__ import annotations

import json
import re
from collections.abc import Container

import msgspec

from .exceptions import InvalidAnswerError
from .texts import printable

_SURROGATE = re.compile("[\ud800-\udfff]")
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def unknown_part(value: bytes, known: Container[str]) -> str | None:
    """Give the part of an object whose keys aren't known, as JSON text; None: there is nothing else."""
    return spliced({key: raw.decode() for key, raw in raw_keys(value).items() if key not in known})


def raw_keys(value: bytes) -> dict[str, bytes]:
    """Give the keys of an object, each with the raw bytes of its value."""
    try:
        keys = _raw_object.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        keys = _raw_object.decode(without_lone_surrogates(value) or b"{}")
    return {key: bytes(raw).strip() for key, raw in keys.items()}


def spliced(parts: dict[str, str]) -> str | None:
    """Give ``{"key": part, …}`` where each part is JSON text already; None for nothing."""
    return "{" + ", ".join(f"{json.dumps(key)}: {part}" for key, part in parts.items()) + "}" if parts else None


def without_lone_surrogates(raw: bytes) -> bytes | None:
    """Give the same JSON with U+FFFD for each unpaired surrogate, or None where that isn't what ails it.

    Such a surrogate is legal as a JSON escape, but no UTF-8 text, and so no column of text, can hold it.
    """
    if b"\\u" not in raw:
        return None
    try:
        value = json.loads(raw)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    mended = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return mended.encode() if mended != text else None


def reason(error: Exception) -> str:
    """Say why something could not be decoded, in one line."""
    if isinstance(error, RecursionError):
        return "nested too deeply to be a job"
    return printable(str(error), 300)


def check_utf8(body: bytes) -> None:
    """Look at the parts, too, that the decoder passes over: the configuration, and what we don't know."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidAnswerError(f"not UTF-8: {error.reason} (byte {error.start})") from None
