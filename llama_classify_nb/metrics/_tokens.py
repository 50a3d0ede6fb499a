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

from ._texts import distinct
from ._word_codes import BLANK, pairs, spread, words_in

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
    row, run, words = words_in(_texts_of(series), _FOLDED)
    odd = [number for number, word in enumerate(words) if not word.isascii()]
    if not odd:
        return Tokens(row, run, words, len(series))
    forms = [[word] for word in words]
    for number, parts in zip(odd, _plain([words[number] for number in odd]), strict=True):
        forms[number] = parts
    row, place = spread(row, run, forms)
    code, kinds = pd.factorize(np.array([form for some in forms for form in some], object))
    return Tokens(row, code.astype(np.int32)[place], kinds.tolist(), len(series))


def _texts_of(series: pd.Series) -> Any:
    """Give what is read of texts, as Arrow holds them."""
    some = series if isinstance(series.dtype, pd.StringDtype) else series.astype(object).where(series.notna(), None)
    text = pa.array(some, pa.large_string(), from_pandas=True)
    text = pc.fill_null(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, "")
    if len(text) and pc.max(pc.binary_length(text)).as_py() > LONGEST:
        text = pc.utf8_slice_codeunits(text, 0, LONGEST)
    return text


def _plain(runs: list[str]) -> list[list[str]]:
    """Give the words of runs that hold characters beyond ASCII, in lower case and composed."""
    some = pc.utf8_lower(pc.utf8_normalize(pa.array(runs, pa.large_string()), form="NFKC"))
    some = pc.replace_substring_regex(some, _UNSPACED, r" \1 ")
    some = pc.replace_substring_regex(some, r"[^\p{L}\p{N}\p{M}]+", " ")
    return [one.split() for one in some.to_pylist()]


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
    spelled = [
        ([_codes(place, word, plural=part == len(words)) for part, word in enumerate(words, 1)], number)
        for words, number in _longest_first(names)
    ]
    # Of all words those few that a name may begin with.
    begins = np.zeros(len(found.words), bool)
    begins[[code for codes, _ in spelled for code in codes[0]]] = True
    spots = np.flatnonzero(begins[found.code])
    first = found.code[spots]
    used = np.zeros(len(found.code), bool)
    part_of_name = np.zeros(len(found.words), bool)
    rows, columns = [], []
    for codes, number in spelled:
        part_of_name[[code for some in codes for code in some]] = True
        at = spots[np.isin(first, codes[0])]
        at = at[at + len(codes) <= len(found.code)]
        at = at[(found.row[at] == found.row[at + len(codes) - 1]) & ~used[at]]
        for offset, some in enumerate(codes[1:], 1):
            at = at[np.isin(found.code[at + offset], some) & ~used[at + offset]]
        for offset in range(len(codes)):
            used[at + offset] = True
        rows.append(found.row[at])
        columns.append(np.full(len(at), number))
    row, column = (np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in (rows, columns))
    cells = distinct(row.astype(np.int64) * max(len(names), 1) + column)
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
    row, code = pairs(found.row, found.code, found.n_texts, len(found.words))
    first = np.append(0, np.cumsum(np.bincount(row, minlength=found.n_texts)))
    return sparse.csr_matrix((np.ones(len(row)), code, first), shape=(found.n_texts, len(found.words)))
