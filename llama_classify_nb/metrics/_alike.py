"""Messages that differ in ids and numbers alone, made the same, so that each kind is read once.

To mask a message takes tens of microseconds, and where each failure names an id of its own, a million failures are as
many messages. Here the bytes of many are changed at once: whatever `_masks.sentence` puts one word for, whichever
digits or letters it holds, gets the same digits and letters everywhere, and as many as it had. So the sentence of a
message stays what it was, to the letter. What may be told apart by its digits (``HTTP 404``, ``error 17``, ``page2``)
stays, and so does all whose sentence might depend on what stands around it.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._masks import EXTENSIONS
from ._texts import truths

_PIECE = 5_000  # messages at a time: their bytes stay in the processor's cache
#: A longer message is cut before it is read, and a longer word is masked in parts: those stay as they are.
_LONGEST, _LONGEST_WORD, _LONGEST_OF_ADDRESS = 1_000, 200, 64
_UUID = np.frombuffer(b"a1aaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", np.uint8)
_DASHES = (8, 13, 18, 23)
_LONGEST_EXTENSION = 5


def _among(chars: str) -> np.ndarray:
    """Give which of all bytes are among these characters."""
    found = np.zeros(256, bool)
    found[list(chars.encode())] = True
    return found


_HEX, _OTHERS = "abcdefABCDEF", "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ"
_DIGIT, _LETTER, _OTHER = _among("0123456789"), _among(_HEX + _OTHERS), _among(_OTHERS)
_BEYOND, _SPACE = np.arange(256) >= 128, np.arange(256) <= 32  # the former: of letters, signs and spaces beyond ASCII
_ALNUM = _DIGIT | _LETTER
_OF_ID = _DIGIT | _among(_HEX)
_OF_RUN = _ALNUM | _BEYOND
_OF_FILE = _ALNUM | _among("_.+@~/\\-")
_OF_WORD = _OF_FILE | _among("%$#*") | _BEYOND
_OPENS = _SPACE | _among("([{='\"")  # before what is masked by itself
_CLOSES = _SPACE | _among(")]}'\",;")  # behind it
_ENDS_URL = _SPACE | _BEYOND | _among("'\"<>`)],;[{}")
_BEFORE_CODE = _SPACE | _among("=:-")
_JOINS, _STOPS, _NAMES = _among("_-"), _among(".:"), _among("/:")
_DIGITS, _HEXES, _REST, _FOREIGN, _AT = 1, 2, 4, 8, 16  # what a run of bytes holds
_BITS = np.zeros(256, np.uint8)
for _bit, _bytes in (
    (_DIGITS, _DIGIT),
    (_HEXES, _among(_HEX)),
    (_REST, _OTHER),
    (_FOREIGN, _BEYOND),
    (_AT, _among("@")),
):
    _BITS[_bytes] = _bit
_EXTENSION = re.compile(EXTENSIONS, re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last):"


class _Runs(NamedTuple):
    """Runs of bytes of a class, one after another."""

    start: np.ndarray
    end: np.ndarray  # the place behind each
    bits: np.ndarray  # what it holds

    @property
    def size(self) -> np.ndarray:
        """How many bytes each has."""
        return np.asarray(self.end - self.start)

    def some(self, which: np.ndarray) -> _Runs:
        """Take some of them."""
        return _Runs(self.start[which], self.end[which], self.bits[which])


def alike(messages: Any) -> Any:
    """Give for each message one that has the same sentence, and is the same for many.

    Parameters
    ----------
    messages : array of Arrow (large_string)
        Without null.

    Returns
    -------
    array of Arrow (large_string)
        Each as `_masks.sentence` may read it, with a line's end behind it.
    """
    line_end, nothing = pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
    # With a line's end behind each, no word of one message touches a word of the next.
    lines = pc.binary_join_element_wise(messages, line_end, nothing)
    pieces = [lines.slice(start, _PIECE) for start in range(0, max(len(lines), 1), _PIECE)]
    with ThreadPoolExecutor(2) as pool:
        return pa.concat_arrays([*pool.map(_changed, pieces)])


def _changed(lines: Any) -> Any:
    ends = np.frombuffer(lines.buffers()[1], np.int64)[lines.offset : lines.offset + len(lines) + 1]
    # A line's end before the first, too: places are counted from there.
    old = np.empty(ends[-1] - ends[0] + 1, np.uint8)
    old[0] = 10
    old[1:] = np.frombuffer(lines.buffers()[2], np.uint8)[ends[0] : ends[-1]]
    if ((old == 1) | (old == 2)).any():
        return lines  # these two are taken out before a message is read, and what stood around them is one word then
    starts, new = ends - ends[0] + 1, old.copy()
    # What an exception's traceback is known by are letters, which may stand beside those of a word.
    is_plain = ~truths(pc.match_substring(lines, _TRACEBACK))
    runs = _runs(_OF_RUN[old], old)
    _change_numbers(old, new)
    _change_ids(old, new, runs)
    _change_named_ids(old, new, runs, starts, is_plain)
    _change_addresses(old, new, runs)
    _change_uuids(old, new)
    _change_files(old, new)
    _change_urls(old, new, runs, starts, is_plain)
    for number in np.flatnonzero(_is_too_long(old, starts)):
        new[starts[number] : starts[number + 1]] = old[starts[number] : starts[number + 1]]
    buffers = [None, pa.py_buffer(starts - 1), pa.py_buffer(new[1:])]
    return pa.Array.from_buffers(pa.large_string(), len(lines), buffers)


def _runs(is_in: np.ndarray, old: np.ndarray) -> _Runs:
    """Find the runs of bytes of a class, to which neither the first byte nor the last belongs."""
    edges = np.flatnonzero(is_in[1:] != is_in[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    # Put together from one run's start to the next one's: what stands between them must not matter to who looks.
    return _Runs(start, end, np.bitwise_or.reduceat(_BITS[old], start) if len(start) else _BITS[:0])


def _message(place: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.searchsorted(starts, place, side="right") - 1


def _fill(new: np.ndarray, start: np.ndarray, end: np.ndarray, which: np.ndarray, char: str) -> None:
    """Put one character for the bytes of a class between places."""
    size = end - start
    places = np.repeat(start - (np.cumsum(size) - size), size) + np.arange(size.sum())
    new[places[which[new[places]]]] = ord(char)


def _follows_code(old: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Tell what may stand behind one of the words code, errno and error, whose numbers are told apart."""
    last = start - 1
    while (more := _BEFORE_CODE[old[last]] & (last > 0)).any():
        last = last - more
    one, other = old[last - 1] | 32, old[last] | 32
    found = _BEYOND[old[last]]
    for pair in (b"de", b"no", b"or"):
        found |= (one == pair[0]) & (other == pair[1])
    return np.asarray(found)


def _change_numbers(old: np.ndarray, new: np.ndarray) -> None:
    """Change the digits that a word begins with, or is made of: whatever stands around them is masked with them."""
    runs = _runs(_DIGIT[old], old)
    runs = runs.some(~_OF_RUN[old[runs.start - 1]])
    first, before, after = old[runs.start], old[runs.start - 1], old[runs.end] | 32
    is_status = (runs.size == 3) & ((first == ord("4")) | (first == ord("5")))
    # As in HTTP/1.1, 0x1f and a.7z
    is_fixed = (runs.size == 1) & ((before == ord("/")) | (before == ord(".")) | (after == ord("x")))
    runs = runs.some(~(is_status | is_fixed))
    is_short = np.flatnonzero(runs.size <= 4)
    is_kept = np.zeros(len(runs.start), bool)
    is_kept[is_short] = _follows_code(old, runs.start[is_short])
    some = runs.some(~is_kept)
    _fill(new, some.start, some.end, _DIGIT, "1")


def _is_closed(old: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Tell what no more of a word follows: nothing, or a sign that ends it."""
    return np.asarray(_CLOSES[old[end]] | (_STOPS[old[end]] & _SPACE[old[np.minimum(end + 1, len(old) - 1)]]))


def _stands_alone(old: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Tell what is masked by itself, or with more that doesn't depend on it."""
    before = old[start - 1]
    is_named = _LETTER[old[start - 2]] & _NAMES[before]
    # At the beginning of a line, what a full stop follows may be the module of an exception.
    is_stem = (old[end] == ord(".")) & ~_SPACE[before]
    return np.asarray((_OPENS[before] | is_named) & (_is_closed(old, end) | is_stem))


def _change_ids(old: np.ndarray, new: np.ndarray, runs: _Runs) -> None:
    """Change hexadecimal numbers from eight digits up."""
    is_hex = runs.bits & (_DIGITS | _HEXES | _REST | _FOREIGN) == _DIGITS | _HEXES
    some = runs.some(is_hex & (runs.size >= 8) & (runs.size <= 64))
    some = some.some(_stands_alone(old, some.start, some.end))
    is_size = (old[some.end - 1] | 32 == ord("b")) & (_count(_LETTER, old, some) == 1)  # as in 12345678B
    _change_id(old, new, some.some(~is_size))


def _change_named_ids(old: np.ndarray, new: np.ndarray, runs: _Runs, starts: np.ndarray, is_plain: np.ndarray) -> None:
    """Change what is made of digits and letters and stands behind a word, as in ``req_8f3k2j``."""
    has = (runs.bits & _DIGITS > 0) & (runs.bits & (_HEXES | _REST) > 0) & (runs.bits & _FOREIGN == 0)
    place = np.flatnonzero(has & (runs.size >= 6) & (runs.size <= 64) & _JOINS[old[runs.start - 1]])
    some, word = runs.some(place[place > 0]), runs.some(place[place > 0] - 1)
    is_word = (word.end == some.start - 1) & (word.bits & (_DIGITS | _FOREIGN) == 0) & _OPENS[old[word.start - 1]]
    is_word &= (word.size >= 2) & (word.size <= 16) & _is_closed(old, some.end)
    _change_id(old, new, some.some(is_word & is_plain[_message(some.start, starts)]))


def _change_id(old: np.ndarray, new: np.ndarray, some: _Runs) -> None:
    """Put one id for many: a digit and letters, and first what was first, since a letter may begin an address."""
    _fill(new, some.start, some.end, _ALNUM, "a")
    new[some.start + ~_DIGIT[old[some.start]]] = ord("1")


def _count(which: np.ndarray, old: np.ndarray, runs: _Runs) -> np.ndarray:
    """Count the bytes of a class in each run."""
    edges = np.column_stack([runs.start, runs.end]).ravel()
    return np.add.reduceat(which[old], edges, dtype=np.int64)[::2] if len(edges) else edges


def _change_addresses(old: np.ndarray, new: np.ndarray, runs: _Runs) -> None:
    """Change addresses of memory, as in ``object at 0x7f3a``."""
    some = runs.some((old[runs.start] == ord("0")) & (runs.size >= 3) & (runs.bits & _FOREIGN == 0))
    some = some.some((old[some.start + 1] | 32 == ord("x")) & _OPENS[old[some.start - 1]])
    some = some.some((_count(_OTHER, old, some) == 1) & ~_follows_code(old, some.start))
    _fill(new, some.start + 2, some.end, _ALNUM, "a")


def _change_uuids(old: np.ndarray, new: np.ndarray) -> None:
    """Change universally unique ids."""
    start = np.flatnonzero(old == ord("-")) - _DASHES[0]
    start = start[(start > 0) & (start + len(_UUID) < len(old))]
    for place in _DASHES[1:]:
        start = start[old[start + place] == ord("-")]
    start = start[_stands_alone(old, start, start + len(_UUID))]
    places = start[:, None] + np.arange(len(_UUID))
    is_id = (_OF_ID[old[places]] | (ord("-") == _UUID)).all(axis=1)
    new[places[is_id]] = _UUID


def _change_files(old: np.ndarray, new: np.ndarray) -> None:
    """Change the digits of names of files, as in ``scan0017.pdf``."""
    runs = _runs(_OF_FILE[old], old)
    some = runs.some((runs.bits & (_DIGITS | _AT) == _DIGITS) & (runs.size > _LONGEST_EXTENSION + 1))
    first = old[some.start]
    begins = _OPENS[old[some.start - 1]] & (_LETTER[first] | ((first == ord("/")) & _LETTER[old[some.start + 1]]))
    some = some.some(begins & ~_BEYOND[old[some.end]])
    last = old[some.end[:, None] - np.arange(_LONGEST_EXTENSION + 1, 0, -1)]
    is_behind = np.cumsum((last == ord("."))[:, ::-1], axis=1)[:, ::-1] == 0  # behind the last full stop
    ends = np.where(is_behind, last, 0).astype(np.uint8).view(f"S{_LONGEST_EXTENSION + 1}").ravel()
    names, place = np.unique(ends, return_inverse=True)
    known = [bool(_EXTENSION.fullmatch(name.replace(b"\0", b"").decode())) for name in names.tolist()]
    is_file = np.array(known, bool)[place]
    _fill(new, some.start[is_file], (some.end - is_behind.sum(axis=1))[is_file], _DIGIT, "1")


def _change_urls(old: np.ndarray, new: np.ndarray, runs: _Runs, starts: np.ndarray, is_plain: np.ndarray) -> None:
    """Change what stands in addresses of the web."""
    colon = np.flatnonzero((old[:-2] == ord(":")) & (old[1:-1] == ord("/")) & (old[2:] == ord("/")))
    place = np.searchsorted(runs.end, colon)
    is_in = place < len(runs.end)
    colon, scheme = colon[is_in], runs.some(place[is_in])
    is_url = (scheme.end == colon) & (scheme.size >= 4) & (scheme.size <= 5) & _OPENS[old[scheme.start - 1]]
    for at, char in enumerate(b"https"):
        is_url &= (old[scheme.start + at] | 32 == char) | (at == scheme.size)
    start = colon[is_url & is_plain[_message(colon, starts)]] + 3
    stops = np.flatnonzero(_ENDS_URL[old])
    # One may stand in another, and ends where that does.
    end = stops[np.searchsorted(stops, start)] if len(start) else start
    _fill(new, start, end, _ALNUM, "a")


def _is_too_long(old: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Tell which messages are, or hold a word, too long to be masked in one."""
    found = np.diff(starts) > _LONGEST
    between = np.flatnonzero(~_OF_WORD[old])
    size = np.diff(between)
    of_words = between[:-1][size > _LONGEST_WORD]
    found[_message(of_words + 1, starts)] = True
    has_at = np.zeros(len(found), bool)
    has_at[_message(np.flatnonzero(old == ord("@")), starts)] = True
    number = _message(between[:-1][size > _LONGEST_OF_ADDRESS] + 1, starts)
    found[number] |= has_at[number]
    return np.asarray(found)
