"""Texts cut into words, each different word one number: a hundred million words in seconds.

No word becomes a text of its own. Its bytes stay where they are, and eight of them at a time are read as one number of
64 bits; equal numbers are equal words, and a longer word is the number of its beginning with the next eight bytes.
Only the different words, some thousands, become texts of Python at the end.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._texts import distinct

#: The byte between words.
BLANK = ord(" ")
_PIECE = 4_000  # texts at a time: their bytes stay in the processor's cache
_WIDTH = 8  # bytes that are one number
# Which of eight bytes count, the first one lowest, by how many are left of a word.
_LEFT = np.array([(1 << 8 * n) - 1 for n in range(_WIDTH + 1)], "<u8")


def words_in(texts: pa.Array, folded: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Find the words of texts: runs of bytes that aren't blank.

    Parameters
    ----------
    texts : array of Arrow (large_string)
        Without null.
    folded : array of 256 bytes
        What each byte counts as: `BLANK` between words. No other may be 0.

    Returns
    -------
    row, code : array of int
        Of each word, one after another, the text that it is of, and its place among ``words``.
    words : list of str
        The different ones, in the order in which they come.
    """
    pieces = [texts.slice(start, _PIECE) for start in range(0, max(len(texts), 1), _PIECE)]
    # NumPy and pandas don't hold up other threads here.
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(lambda some: _words_of_piece(some, folded), pieces)]
    place: dict[bytes, int] = {}
    rows, codes = [], []
    for number, (row, code, words) in enumerate(found):
        rows.append(row + np.int32(number * _PIECE))
        codes.append(np.array([place.setdefault(word, len(place)) for word in words], np.int32)[code])
    return np.concatenate(rows), np.concatenate(codes), [word.decode() for word in place]


def spread(row: np.ndarray, code: np.ndarray, forms: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Put for each word those that it stands for: none, one, or several.

    Parameters
    ----------
    row, code : array of int
        As `words_in` gives them.
    forms : list of lists of str
        What each of ``words`` stands for.

    Returns
    -------
    row, place : array of int
        Of each word now, the text that it is of, and its place among all that stand in ``forms``.
    """
    size = np.fromiter(map(len, forms), np.int32, len(forms))
    first = np.cumsum(size, dtype=np.int32) - size
    if size.max(initial=0) > 1:
        repeats = size[code]
        nth = np.arange(repeats.sum(), dtype=np.int32) - np.repeat(
            np.cumsum(repeats, dtype=np.int32) - repeats, repeats
        )
        return np.repeat(row, repeats), np.repeat(first[code], repeats) + nth
    if not size.all():
        has = size[code] > 0
        row, code = row[has], code[has]
    return row, first[code]


def pairs(row: np.ndarray, code: np.ndarray, n_texts: int, n_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair of a text and a word once, in order of both; texts are in order already."""
    # So few at a time that they stay in the processor's cache, and that 32 bits tell them apart: half as wide, they are
    # sorted twice as fast.
    bits = np.uint32(n_words.bit_length())
    step = max(min(_PIECE, 1 << (31 - int(bits))), 1)
    ends = np.searchsorted(row, np.arange(0, max(n_texts, 1) + step, step)).tolist()

    def piece(number: int) -> tuple[np.ndarray, np.ndarray]:
        some, first = slice(*ends[number : number + 2]), np.int32(number * step)
        found = distinct((row[some] - first).astype(np.uint32) << bits | code[some].astype(np.uint32))
        return (found >> bits).astype(np.int32) + first, (found & np.uint32((1 << bits) - 1)).astype(np.int32)

    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(piece, range(len(ends) - 1))]
    rows, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, codes


def _words_of_piece(texts: pa.Array, folded: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[bytes]]:
    # A blank behind each: no word of one text touches a word of the next.
    blank, nothing = (pa.scalar(text, pa.large_string()) for text in (" ", ""))
    lines = pc.binary_join_element_wise(texts, blank, nothing)
    ends = np.frombuffer(lines.buffers()[1], np.int64)[: len(lines) + 1]
    # Eight bytes more, so that as many can be read from every place.
    padded = np.full(ends[-1] + _WIDTH, BLANK, np.uint8)
    np.take(folded, np.frombuffer(lines.buffers()[2] or b"", np.uint8)[: ends[-1]], out=padded[: ends[-1]], mode="clip")
    is_word = padded != BLANK
    edges = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    if is_word[0]:
        edges = np.append(0, edges)
    start = edges[::2]
    code, words = _numbered(padded, start, edges[1::2] - start)
    # The words of a text are as many as begin before its end.
    row = np.repeat(np.arange(len(lines), dtype=np.int32), np.diff(np.searchsorted(start, ends)))
    return row, code, words


def _numbered(padded: np.ndarray, start: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, list[bytes]]:
    """Number words in the order in which they come, and give the different ones."""
    code, words = _eight(padded, start, size)
    longer, done = np.flatnonzero(size > _WIDTH), _WIDTH
    while len(longer):
        # What a word is: the number of its beginning, and that of the bytes that come next.
        tail, tails = _eight(padded, start[longer] + done, size[longer] - done)
        pair, pairs = pd.factorize(code[longer] * len(tails) + tail)
        code[longer] = len(words) + pair
        words += [words[head] + tails[end] for head, end in zip(*divmod(pairs, len(tails)), strict=True)]
        done += _WIDTH
        longer = longer[size[longer] > done]
    code, used = pd.factorize(code)
    return code, [words[number] for number in used.tolist()]


def _eight(padded: np.ndarray, start: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, list[bytes]]:
    """Number eight bytes from each place on, or as many as are left, and give the different ones."""
    eight = np.ndarray((len(padded) - _WIDTH + 1,), "<u8", padded.data, strides=(1,))
    code, kinds = pd.factorize(eight[start] & _LEFT[np.minimum(left, _WIDTH)])
    return code, kinds.astype("<u8").view(f"S{_WIDTH}").tolist()
