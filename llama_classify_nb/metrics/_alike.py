"""Messages that differ in ids and numbers alone, made the same, so that each kind is read once.

To mask a message takes tens of microseconds, and where each failure names an id of its own, a million failures are as
many messages. Here the bytes of many are changed at once: whatever `_masks.sentence` puts one word for, whichever
digits or letters it holds, gets the same digits and letters everywhere, and as many as it had:

==============================  ==============================  ===================
message                         made                            its sentence, still
==============================  ==============================  ===================
took 4711 ms                    took 1111 ms                    took <duration>
id 9f8e7d6c5b4a                 id 1aaaaaaaaaaa                 id <id>
req_8f3k2j failed               req_1aaaaa failed               <id> failed
object at 0x7f3a2b              object at 0xaaaaaa              object at <hex>
/in/scan0017.pdf is empty       /in/scan1111.pdf is empty       <file> is empty
GET https://a.example/x7?id=9   GET https://a.aaaaaaa/aa?aa=a   GET <url>
==============================  ==============================  ===================

What may be told apart by its digits (``HTTP 404``, ``error 17``, ``page2``) stays, and so does all whose sentence might
depend on what stands around it.

There is one function for each line of the table. All of them look at the bytes as they came (``old``), so their order
doesn't matter, and write into a copy (``new``): each finds runs of bytes, drops those that are something else by their
size, by what they hold and by what stands before and behind, and fills what is left. `_byte_runs` has the classes of
bytes and what finds runs of them.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._byte_runs import (
    ALNUM,
    AT,
    BEFORE_CODE,
    BEYOND,
    CLOSES,
    DIGIT,
    DIGITS,
    ENDS_URL,
    FOREIGN,
    HEXES,
    JOINS,
    LETTER,
    NAMES,
    OF_FILE,
    OF_ID,
    OF_RUN,
    OF_WORD,
    OPENS,
    OTHER,
    REST,
    SPACE,
    STOPS,
    Runs,
    count,
    fill,
    message_of,
    runs_of,
)
from ._masks import EXTENSIONS
from ._texts import truths

_PIECE = 5_000  # messages at a time: their bytes stay in the processor's cache
#: A longer message is cut before it is read, and a longer word is masked in parts: those stay as they are.
_LONGEST, _LONGEST_WORD, _LONGEST_OF_ADDRESS = 1_000, 200, 64
_UUID = np.frombuffer(b"a1aaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", np.uint8)
_DASHES = (8, 13, 18, 23)
_LONGEST_EXTENSION = 5
_EXTENSION = re.compile(EXTENSIONS, re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last):"


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
    """Change the messages of one piece, all of them as one row of bytes."""
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
    runs = runs_of(OF_RUN[old], old)
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


def _follows_code(old: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Tell what may stand behind one of the words code, errno and error, whose numbers are told apart."""
    last = start - 1
    while (more := BEFORE_CODE[old[last]] & (last > 0)).any():
        last = last - more
    one, other = old[last - 1] | 32, old[last] | 32
    found = BEYOND[old[last]]
    for pair in (b"de", b"no", b"or"):
        found |= (one == pair[0]) & (other == pair[1])
    return np.asarray(found)


def _change_numbers(old: np.ndarray, new: np.ndarray) -> None:
    """Change the digits that a word begins with, or is made of: whatever stands around them is masked with them."""
    runs = runs_of(DIGIT[old], old)
    runs = runs.some(~OF_RUN[old[runs.start - 1]])
    first, before, after = old[runs.start], old[runs.start - 1], old[runs.end] | 32
    is_status = (runs.size == 3) & ((first == ord("4")) | (first == ord("5")))
    # As in HTTP/1.1, 0x1f and a.7z
    is_fixed = (runs.size == 1) & ((before == ord("/")) | (before == ord(".")) | (after == ord("x")))
    runs = runs.some(~(is_status | is_fixed))
    is_short = np.flatnonzero(runs.size <= 4)
    is_kept = np.zeros(len(runs.start), bool)
    is_kept[is_short] = _follows_code(old, runs.start[is_short])
    some = runs.some(~is_kept)
    fill(new, some.start, some.end, DIGIT, "1")


def _is_closed(old: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Tell what no more of a word follows: nothing, or a sign that ends it."""
    return np.asarray(CLOSES[old[end]] | (STOPS[old[end]] & SPACE[old[np.minimum(end + 1, len(old) - 1)]]))


def _stands_alone(old: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Tell what is masked by itself, or with more that doesn't depend on it."""
    before = old[start - 1]
    is_named = LETTER[old[start - 2]] & NAMES[before]
    # At the beginning of a line, what a full stop follows may be the module of an exception.
    is_stem = (old[end] == ord(".")) & ~SPACE[before]
    return np.asarray((OPENS[before] | is_named) & (_is_closed(old, end) | is_stem))


def _change_ids(old: np.ndarray, new: np.ndarray, runs: Runs) -> None:
    """Change hexadecimal numbers from eight digits up."""
    is_hex = runs.bits & (DIGITS | HEXES | REST | FOREIGN) == DIGITS | HEXES
    some = runs.some(is_hex & (runs.size >= 8) & (runs.size <= 64))
    some = some.some(_stands_alone(old, some.start, some.end))
    is_size = (old[some.end - 1] | 32 == ord("b")) & (count(LETTER, old, some) == 1)  # as in 12345678B
    _change_id(old, new, some.some(~is_size))


def _change_named_ids(old: np.ndarray, new: np.ndarray, runs: Runs, starts: np.ndarray, is_plain: np.ndarray) -> None:
    """Change what is made of digits and letters and stands behind a word, as in ``req_8f3k2j``."""
    has = (runs.bits & DIGITS > 0) & (runs.bits & (HEXES | REST) > 0) & (runs.bits & FOREIGN == 0)
    place = np.flatnonzero(has & (runs.size >= 6) & (runs.size <= 64) & JOINS[old[runs.start - 1]])
    some, word = runs.some(place[place > 0]), runs.some(place[place > 0] - 1)
    is_word = (word.end == some.start - 1) & (word.bits & (DIGITS | FOREIGN) == 0) & OPENS[old[word.start - 1]]
    is_word &= (word.size >= 2) & (word.size <= 16) & _is_closed(old, some.end)
    _change_id(old, new, some.some(is_word & is_plain[message_of(some.start, starts)]))


def _change_id(old: np.ndarray, new: np.ndarray, some: Runs) -> None:
    """Put one id for many: a digit and letters, and first what was first, since a letter may begin an address."""
    fill(new, some.start, some.end, ALNUM, "a")
    new[some.start + ~DIGIT[old[some.start]]] = ord("1")


def _change_addresses(old: np.ndarray, new: np.ndarray, runs: Runs) -> None:
    """Change addresses of memory, as in ``object at 0x7f3a``."""
    some = runs.some((old[runs.start] == ord("0")) & (runs.size >= 3) & (runs.bits & FOREIGN == 0))
    some = some.some((old[some.start + 1] | 32 == ord("x")) & OPENS[old[some.start - 1]])
    some = some.some((count(OTHER, old, some) == 1) & ~_follows_code(old, some.start))
    fill(new, some.start + 2, some.end, ALNUM, "a")


def _change_uuids(old: np.ndarray, new: np.ndarray) -> None:
    """Change universally unique ids."""
    start = np.flatnonzero(old == ord("-")) - _DASHES[0]
    start = start[(start > 0) & (start + len(_UUID) < len(old))]
    for place in _DASHES[1:]:
        start = start[old[start + place] == ord("-")]
    start = start[_stands_alone(old, start, start + len(_UUID))]
    places = start[:, None] + np.arange(len(_UUID))
    is_id = (OF_ID[old[places]] | (ord("-") == _UUID)).all(axis=1)
    new[places[is_id]] = _UUID


def _change_files(old: np.ndarray, new: np.ndarray) -> None:
    """Change the digits of names of files, as in ``scan0017.pdf``."""
    runs = runs_of(OF_FILE[old], old)
    some = runs.some((runs.bits & (DIGITS | AT) == DIGITS) & (runs.size > _LONGEST_EXTENSION + 1))
    first = old[some.start]
    begins = OPENS[old[some.start - 1]] & (LETTER[first] | ((first == ord("/")) & LETTER[old[some.start + 1]]))
    some = some.some(begins & ~BEYOND[old[some.end]])
    last = old[some.end[:, None] - np.arange(_LONGEST_EXTENSION + 1, 0, -1)]
    is_behind = np.cumsum((last == ord("."))[:, ::-1], axis=1)[:, ::-1] == 0  # behind the last full stop
    ends = np.where(is_behind, last, 0).astype(np.uint8).view(f"S{_LONGEST_EXTENSION + 1}").ravel()
    names, place = np.unique(ends, return_inverse=True)
    known = [bool(_EXTENSION.fullmatch(name.replace(b"\0", b"").decode())) for name in names.tolist()]
    is_file = np.array(known, bool)[place]
    fill(new, some.start[is_file], (some.end - is_behind.sum(axis=1))[is_file], DIGIT, "1")


def _change_urls(old: np.ndarray, new: np.ndarray, runs: Runs, starts: np.ndarray, is_plain: np.ndarray) -> None:
    """Change what stands in addresses of the web."""
    colon = np.flatnonzero((old[:-2] == ord(":")) & (old[1:-1] == ord("/")) & (old[2:] == ord("/")))
    place = np.searchsorted(runs.end, colon)
    is_in = place < len(runs.end)
    colon, scheme = colon[is_in], runs.some(place[is_in])
    is_url = (scheme.end == colon) & (scheme.size >= 4) & (scheme.size <= 5) & OPENS[old[scheme.start - 1]]
    for at, char in enumerate(b"https"):
        is_url &= (old[scheme.start + at] | 32 == char) | (at == scheme.size)
    start = colon[is_url & is_plain[message_of(colon, starts)]] + 3
    stops = np.flatnonzero(ENDS_URL[old])
    # One may stand in another, and ends where that does.
    end = stops[np.searchsorted(stops, start)] if len(start) else start
    fill(new, start, end, ALNUM, "a")


def _is_too_long(old: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Tell which messages are, or hold a word, too long to be masked in one."""
    found = np.diff(starts) > _LONGEST
    between = np.flatnonzero(~OF_WORD[old])
    size = np.diff(between)
    of_words = between[:-1][size > _LONGEST_WORD]
    found[message_of(of_words + 1, starts)] = True
    has_at = np.zeros(len(found), bool)
    has_at[message_of(np.flatnonzero(old == ord("@")), starts)] = True
    number = message_of(between[:-1][size > _LONGEST_OF_ADDRESS] + 1, starts)
    found[number] |= has_at[number]
    return np.asarray(found)
