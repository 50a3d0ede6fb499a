"""How often texts hold words and phrases: looked for in the bytes of thousands of texts at once.

A word of letters and digits is found by comparing all bytes with three of its letters, and what is left with the
others; it counts where no letter stands beside it. Whatever that can't tell is left to Arrow's patterns: a term with
other signs in it or beyond ASCII, and a text with characters that fold into others (``ﬁ``, ``ß``, marks on letters).
"""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import _query
from ._texts import truths

_AT_ONCE = 1 << 19  # bytes of texts that are looked at together: they stay in the processor's cache
_WORD = r"\p{L}\p{M}\p{N}"
_SPACE = r"[\s\p{Z}]+"
_COMMONEST = "etaoinsrhldcumfpgwybvkxjqz"  # letters, the commonest in English first
_COMPARED = 3  # letters of a word that all bytes are compared with
# What a character beyond ASCII does, for words of ASCII: it may become another; it parts words; it is of a word.
_FOLDS, _PARTS, _OF_WORD = 0, 0x80, 0x81
_UNKNOWN = 0xFF
_KIND = np.full(0x110000, _UNKNOWN, np.uint8)  # of each character, once it has come
_IS_WORD = np.zeros(256, bool)
_IS_WORD[[*map(ord, "0123456789abcdefghijklmnopqrstuvwxyz"), _OF_WORD]] = True
_IS_SPACE = np.zeros(256, bool)
_IS_SPACE[list(b"\t\n\f\r ")] = True


class Counts(NamedTuple):
    """What texts hold."""

    n: np.ndarray  # of each term (row) in each text (column)
    length: np.ndarray  # characters of each text; 0 for a missing one


def count(texts: Any, terms: tuple[_query.Term, ...]) -> Counts:
    """Count terms in texts.

    Parameters
    ----------
    texts : Arrow array of large_string
    terms : tuple of Term
    """
    step = max(len(texts) * _AT_ONCE // max(texts.nbytes, _AT_ONCE), 1)
    starts = range(0, max(len(texts), 1), step)
    # NumPy and Arrow don't hold up other threads here.
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(lambda start: _counted(texts.slice(start, step), terms), starts)]
    n, length = zip(*found, strict=True)
    return Counts(np.concatenate(n, axis=1), np.concatenate(length))


class _Bytes(NamedTuple):
    """The bytes of some texts, one text after another: capitals as small letters, and what is beyond ASCII as kinds."""

    low: np.ndarray  # with blanks behind
    ends: np.ndarray  # where each text begins, and the end of all
    longest: int  # more bytes of a term than this aren't behind the end


def _counted(texts: Any, terms: tuple[_query.Term, ...]) -> Counts:
    texts = pc.fill_null(texts, "")
    longest = max(sum(map(len, term.words)) for term in terms)
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]
    ends = ends - ends[0]
    low = np.full(len(raw) + longest + 1, ord(" "), np.uint8)
    np.bitwise_or(raw, (raw - np.uint8(ord("A")) < 26).view(np.uint8) << 5, out=low[: len(raw)])
    high = np.flatnonzero(raw >= 0x80)
    length, odd, folding = np.diff(ends), np.zeros(0, np.int64), np.zeros(0, np.int64)
    if len(high):
        row = np.searchsorted(ends, high, side="right") - 1
        is_first = raw[high] >= 0xC0
        length = length - np.bincount(row[~is_first], minlength=len(length))
        kind, size = _kinds(low, high[is_first])
        low[high] = np.repeat(kind, size)
        odd = _distinct_rows(row)
        folding = _distinct_rows(row[is_first][kind == _FOLDS])
    n = np.zeros((len(terms), len(texts)), np.int32)
    some = _Bytes(low, ends, longest)
    for number, term in enumerate(terms):
        n[number] = _in_bytes(some, term) if _is_plain(term) else _by_pattern(texts, term)
        n[number, folding] = 0
    _count_folded(texts, terms, odd, folding, n)
    return Counts(n, length)


def _distinct_rows(rows: np.ndarray) -> np.ndarray:
    """Give each row once; they come in order."""
    return np.asarray(rows[np.append(True, rows[1:] != rows[:-1])[: len(rows)]])


def _kinds(low: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what the characters do that begin at these bytes, and how many bytes each has."""
    head = low[first]
    size = 2 + (head >= 0xE0) + (head >= 0xF0)
    code = (head & (0xFF >> (size + 1))).astype(np.int64)
    for nth in (1, 2, 3):
        has = size > nth
        code = np.where(has, code << 6 | low[first + np.where(has, nth, 0)] & 0x3F, code)
    unknown = np.unique(code[_KIND[code] == _UNKNOWN])
    if len(unknown):
        _KIND[unknown] = _kinds_of([chr(one) for one in unknown.tolist()])
    return _KIND[code], size


def _kinds_of(chars: list[str]) -> np.ndarray:
    # Beyond ASCII: of a word or not, as Arrow has it.
    is_word = truths(pc.match_substring_regex(pa.array(chars, pa.large_string()), f"[{_WORD}]"))
    folds = np.array([_may_fold(char) for char in chars])
    return np.where(folds, _FOLDS, np.where(is_word, _OF_WORD, _PARTS)).astype(np.uint8)


def _may_fold(char: str) -> bool:
    """Tell whether a character may be another in a folded text, joins with the one before, or parts words as a space.

    So do those of scripts that put no space between words, where what is a word depends on the term.
    """
    changes = unicodedata.normalize("NFKC", char) != char or char.casefold() != char.lower() or len(char.lower()) > 1
    joins = unicodedata.category(char)[0] in "MZ" or "\u1100" <= char <= "\u11ff"
    return changes or joins or bool(_query.UNSPACED_CHARS.match(char)) or char.lower().isascii()


def _is_plain(term: _query.Term) -> bool:
    """Tell whether a term is of letters and digits of ASCII, and can't begin within itself."""
    words = term.words
    is_ascii = all(word.isascii() and word.isalnum() for word in words)
    return is_ascii and not any(words[n:] == words[:-n] for n in range(1, len(words)))


def _in_bytes(some: _Bytes, term: _query.Term) -> np.ndarray:
    """Count a term whose words are of letters and digits."""
    low, ends = some.low, some.ends
    place = _places(low[: len(low) - some.longest], term.words[0].encode())
    is_edge = np.zeros(len(low), bool)
    is_edge[ends] = True
    place = place[is_edge[place] | ~_IS_WORD[low[place - 1]]]
    # All of it must be of one text.
    end = ends[np.searchsorted(ends, place, side="right")] if len(place) else place
    at = place + len(term.words[0])
    for word in map(str.encode, term.words[1:]):
        after = at.copy()
        while (more := _IS_SPACE[low[after]] & (after < end)).any():
            after += more
        found = after > at
        for nth, char in enumerate(word):
            found &= low[np.minimum(after + nth, len(low) - 1)] == char
        place, end, at = place[found], end[found], after[found] + len(word)
    within = at <= end
    if not term.beginning:
        within &= (at == end) | ~_IS_WORD[low[np.minimum(at, len(low) - 1)]]
    return np.diff(np.searchsorted(place[within], ends))


def _places(low: np.ndarray, word: bytes) -> np.ndarray:
    """Find a word's bytes, whatever stands around them."""
    rarest = sorted(range(len(word)), key=lambda nth: -_COMMONEST.find(chr(word[nth])))
    n = max(len(low) - len(word) + 1, 0)
    found = np.ones(n, bool)
    for nth in rarest[:_COMPARED]:
        found &= low[nth : nth + n] == word[nth]
    place = np.flatnonzero(found)
    for nth in rarest[_COMPARED:]:
        place = place[low[place + nth] == word[nth]]
    return place


def _count_folded(
    texts: Any, terms: tuple[_query.Term, ...], odd: np.ndarray, folding: np.ndarray, n: np.ndarray
) -> None:
    """Count in folded texts: all terms in those that fold into others, and those that aren't plain in all beyond ASCII.

    The others are folded by lower case.
    """
    others = odd[~np.isin(odd, folding)]
    ways = [(others, [number for number, term in enumerate(terms) if not _is_plain(term)], pc.utf8_lower)]
    for rows, numbers, fold in (*ways, (folding, [*range(len(terms))], _folded)):
        if len(rows) and numbers:
            some = fold(texts.take(pa.array(rows)))
            for number in numbers:
                n[number, rows] = _by_pattern(some, terms[number])


def _folded(texts: Any) -> Any:
    """Fold texts as `_query.fold` does."""
    # The two that lower case leaves apart and that occur; the pattern minds no other case.
    some = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    some = pc.replace_substring(pc.replace_substring(some, "ß", "ss"), "ς", "σ")
    # Those that hold what lower case doesn't fold are folded one by one: hardly any do.
    rare = truths(pc.match_substring_regex(texts, _query.rare()))
    if rare.any():
        again = [_query.fold(text) for text in texts.filter(pa.array(rare)).to_pylist()]
        some = pc.replace_with_mask(some, pa.array(rare), pa.array(again, some.type))
    return some


def _by_pattern(texts: Any, term: _query.Term) -> np.ndarray:
    """Count a term by its pattern in those texts that hold its longest word."""
    begins, ends = term.ends()
    before = f"(?:^|[^{_WORD}]|[{_query.UNSPACED}])" if begins else ""
    after = f"(?:$|[^{_WORD}]|[{_query.UNSPACED}])" if ends else f"[{_WORD}]*" if term.beginning else ""
    pattern = "(?i)" + before + term.literal(_SPACE) + after
    rows = np.flatnonzero(truths(pc.match_substring(texts, max(term.words, key=len), ignore_case=True)))
    n = np.zeros(len(texts), np.int64)
    n[rows] = pc.count_substring_regex(texts.take(pa.array(rows)), pattern).to_numpy(zero_copy_only=False)
    return n
