"""Texts as numbers: which words each text holds."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._query import UNSPACED
from ._texts import BLANK, words_in

# What stands between words, in Arrow's patterns: all but letters, marks, digits, and what may join them.
_BETWEEN = r"[^\p{L}\p{M}\p{N}_'’\-]+"
_JOINING = "'’_-"
# Of scripts without spaces a word is a pair of neighbours, as search engines take them.
_UNSPACED = re.compile(f"[{UNSPACED}]+")
_LONGEST = 40
_KEPT = np.arange(256, dtype=np.uint8)
_KEPT[:128] = [code if chr(code).isalnum() or chr(code) in _JOINING else BLANK for code in range(128)]


def words_of(texts: Any) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    """Give the pairs of text and word that occur, each once.

    Words are runs of letters, marks and digits of any script, with apostrophes, hyphens and underscores inside, in
    Unicode's form NFKC with full case folding. Of a run in a script without spaces, such as Chinese, the words are its
    pairs of neighbouring characters. Runs of more than 40 characters are no words.

    Parameters
    ----------
    texts : Arrow array of large_string

    Returns
    -------
    text : array of int
        The place of the text.
    word : array of int
        The place of the word among ``words``.
    words : Index of str
        Every word that occurs, sorted.
    """
    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    odd = pc.invert(pc.string_is_ascii(texts))
    if pc.any(odd).as_py():
        texts = pc.replace_with_mask(texts, odd, pc.replace_substring_regex(texts.filter(odd), _BETWEEN, " "))
    text, raw, tokens = words_in(texts, _KEPT)
    # What takes Python's time is done once for each distinct word.
    forms = [_forms(one) for one in tokens]
    size = np.array([len(one) for one in forms], np.int64)
    flat = pd.Index([form for one in forms for form in one], dtype=object)
    codes, words = pd.factorize(flat, sort=True)
    first = np.cumsum(size) - size
    if size.max(initial=0) <= 1:  # nearly always: each run of characters is one word, or none
        place = np.where(size == 1, np.append(codes, -1)[first], -1).astype(np.int32)[raw]
        text, word = text[place >= 0], place[place >= 0]
    else:
        repeats = size[raw]
        start = np.repeat(first[raw] - (np.cumsum(repeats) - repeats), repeats)
        text, word = np.repeat(text, repeats), np.asarray(codes, np.int64)[start + np.arange(len(start))]
    return *_distinct(text, word, len(texts), max(len(words), 1)), words


def _distinct(text: np.ndarray, word: np.ndarray, n_texts: int, n_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair once, in order; texts are in order already."""
    # So many at a time that 32 bits tell their pairs apart: half as wide, they are sorted and divided twice as fast.
    starts = np.arange(0, max(n_texts, 1), max((1 << 31) // n_words - 1, 1))
    ends = np.append(np.searchsorted(text, starts), len(text))
    found = []
    for start, first, end in zip(starts.tolist(), ends[:-1], ends[1:], strict=True):
        pairs = np.sort(((text[first:end] - start) * n_words + word[first:end]).astype(np.uint32))
        pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
        place, kind = np.divmod(pairs, np.uint32(n_words))
        found.append((place.astype(np.int64) + start, kind.astype(np.int64)))
    texts, words = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return texts, words


def _forms(token: str) -> list[str]:
    """Give the words that a run of characters is: one, none, or the pairs of a script without spaces."""
    folded = unicodedata.normalize("NFKC", token).casefold().replace("’", "'").strip(_JOINING)
    if not folded or (len(folded) > _LONGEST and not _UNSPACED.search(folded)):
        return []
    if not _UNSPACED.search(folded):
        return [folded]
    found = [part.strip(_JOINING) for part in _UNSPACED.split(folded)]
    for run in _UNSPACED.findall(folded):
        found += [run[place : place + 2] for place in range(max(len(run) - 1, 1))]
    return [one for one in found if one and len(one) <= _LONGEST]
