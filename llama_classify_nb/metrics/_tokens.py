"""Texts as words, by integer codes: which texts name which types, and which words each text holds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from ._texts import BLANK, distinct, words_in

#: Characters of a text that are read; who reasons for longer says it again.
LONGEST = 4_000
# Scripts that put no space between words: each character is a word of its own, and a name is several in a row.
_UNSPACED = r"(\p{Han}|\p{Hiragana}|\p{Katakana}|\p{Hangul}|\p{Thai})"


# Each byte as it counts: capitals as small letters, letters beyond ASCII as they are, all but letters and digits blank.
_FOLDED = np.arange(256, dtype=np.uint8)
_FOLDED[:128] = [ord(char.lower()) if char.isalnum() else BLANK for char in map(chr, range(128))]


class Tokens(NamedTuple):
    """The words of texts, one after another."""

    row: np.ndarray  # the text that each word is of
    code: np.ndarray  # its place in words
    words: list[str]  # the different ones, in lower case
    n_texts: int

    def by_text(self) -> list[list[str]]:
        """Give the words of each text."""
        words = [self.words[code] for code in self.code]
        ends = np.searchsorted(self.row, np.arange(self.n_texts + 1)).tolist()
        return [words[start:end] for start, end in itertools.pairwise(ends)]


def tokens(texts: pd.Series | Sequence[str]) -> Tokens:
    """Split texts into words: runs of letters and digits, in lower case and composed; a missing text has none."""
    return _split(texts) if isinstance(texts, pd.Series) else _tokens_of(tuple(texts))


@lru_cache(maxsize=64)
def _tokens_of(texts: tuple[str, ...]) -> Tokens:
    """Split names or descriptions, which come again and again: rule sets by the hundred name the same types."""
    return _split(pd.Series(list(texts), dtype=object))


def _split(series: pd.Series) -> Tokens:
    return Tokens(*words_in(_plain(series), _FOLDED), len(series))


def _plain(series: pd.Series) -> Any:
    """Give texts as Arrow holds them, of which all beyond ASCII is lower case and composed, with blanks around it."""
    some = series if isinstance(series.dtype, pd.StringDtype) else series.astype(object).where(series.notna(), None)
    text = pa.array(some, pa.large_string(), from_pandas=True)
    text = pc.fill_null(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, "")
    if len(text) and pc.max(pc.binary_length(text)).as_py() > LONGEST:
        text = pc.utf8_slice_codeunits(text, 0, LONGEST)
    odd = pc.invert(pc.string_is_ascii(text))
    if not pc.any(odd).as_py():
        return text
    some = pc.utf8_lower(pc.utf8_normalize(text.filter(odd), form="NFKC"))
    some = pc.replace_substring_regex(some, _UNSPACED, r" \1 ")
    return pc.replace_with_mask(text, odd, pc.replace_substring_regex(some, r"[^\p{L}\p{N}\p{M}]+", " "))


def spellings(name: str) -> list[tuple[str, ...]]:
    """Give the rows of words that a type may be written as: ``TaxForm`` is ``taxform`` and ``tax form``."""
    return _spellings([name])[0]


def _spellings(names: Sequence[str]) -> list[list[tuple[str, ...]]]:
    # All in one: it takes longer to begin to split than to split.
    plain = tokens(names).by_text()
    parted = tokens([re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name) for name in names]).by_text()
    both = zip(map(tuple, plain), map(tuple, parted), strict=True)
    return [[words for words in dict.fromkeys(pair) if words] for pair in both]


def named(found: Tokens, names: Sequence[str]) -> tuple[Any, np.ndarray]:
    """Find which texts name which types, in whatever case, with spaces for underscores, and in the plural with s.

    Where one name is a part of another, the longer one counts.

    Returns
    -------
    texts by names : sparse matrix of bool
        Whether the text holds the name.
    part_of_name : array of bool
        For each of the words: whether it stands for a type somewhere.
    """
    place = {word: code for code, word in enumerate(found.words)}
    # Numbers of 16 bits are sorted without comparing them.
    small = found.code.astype(np.uint16) if len(found.words) < 1 << 16 else found.code
    order = np.argsort(small, kind="stable")
    first = np.searchsorted(found.code[order], np.arange(len(found.words) + 1))
    used = np.zeros(len(found.code), bool)
    part_of_name = np.zeros(len(found.words), bool)
    rows, columns = [], []
    for words, number in _longest_first(names):
        codes = [_codes(place, word, plural=part == len(words)) for part, word in enumerate(words, 1)]
        for code in {one for some in codes for one in some}:
            part_of_name[code] = True
        starts = [order[first[code] : first[code + 1]] for code in codes[0]]
        at = np.sort(np.concatenate(starts)) if starts else np.empty(0, np.int64)
        at = at[at + len(words) <= len(found.code)]
        at = at[(found.row[at] == found.row[at + len(words) - 1]) & ~used[at]]
        for offset, some in enumerate(codes[1:], 1):
            at = at[np.isin(found.code[at + offset], some) & ~used[at + offset]]
        for offset in range(len(words)):
            used[at + offset] = True
        rows.append(found.row[at])
        columns.append(np.full(len(at), number))
    row, column = (np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in (rows, columns))
    cells = distinct(row * max(len(names), 1) + column)
    shape = (found.n_texts, len(names))
    where = (cells // max(len(names), 1), cells % max(len(names), 1))
    return sparse.csr_matrix((np.ones(len(cells)), where), shape=shape), part_of_name


def _longest_first(names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    found = [(words, number) for number, some in enumerate(_spellings(names)) for words in some]
    return iter(sorted(found, key=lambda one: (-len(one[0]), one[0], one[1])))


def _codes(place: dict[str, int], word: str, *, plural: bool) -> list[int]:
    return [place[one] for one in ((word, word + "s") if plural else (word,)) if one in place]


def incidence(found: Tokens) -> Any:
    """Give the matrix of texts by words: 1 where the text holds the word."""
    cells = distinct(found.row * max(len(found.words), 1) + found.code)
    where = (cells // max(len(found.words), 1), cells % max(len(found.words), 1))
    return sparse.csr_matrix((np.ones(len(cells)), where), shape=(found.n_texts, len(found.words)))
