"""Texts as numbers: which words each text holds."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from ._query import UNSPACED
from ._texts import text_order
from ._word_codes import BLANK, pairs, spread, words_in

# What stands between words, in Arrow's patterns: all but letters, marks, digits, and what may join them.
_BETWEEN = r"[^\p{L}\p{M}\p{N}_'’\-]+"
_JOINING = "'’_-"
# Of scripts without spaces a word is a pair of neighbours, as search engines take them.
_UNSPACED = re.compile(f"[{UNSPACED}]+")
_LONGEST = 40
# Each byte as it counts: capitals as small letters, those of characters beyond ASCII as they are.
_FOLDED = np.arange(256, dtype=np.uint8)
_FOLDED[:128] = [ord(char.lower()) if char.isalnum() or char in _JOINING else BLANK for char in map(chr, range(128))]


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
    text, run, runs = words_in(texts, _FOLDED)
    # What takes Python's time is done once for each different run of characters.
    forms = _forms(runs)
    codes, words = _in_order([form for some in forms for form in some])
    text, place = spread(text, run, forms)
    return *pairs(text, codes[place], len(texts), len(words)), words


def _in_order(words: list[str]) -> tuple[np.ndarray, pd.Index]:
    """Give the places of words among the different ones, and these sorted."""
    coded = pa.array(words, pa.large_string()).dictionary_encode()
    kinds = pd.Series(coded.dictionary.to_pylist(), dtype=schema.TEXT)
    order = text_order(kinds)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return place[coded.indices.to_numpy()], pd.Index(kinds.iloc[order], dtype=object)


def _forms(runs: list[str]) -> list[list[str]]:
    """Give the words that each run of characters is: one, none, or several."""
    odd = [number for number, run in enumerate(runs) if not run.isascii()]
    some = pa.array([runs[number] for number in odd], pa.large_string())
    parted = pc.replace_substring_regex(some, _BETWEEN, " ").to_pylist()
    forms = [[word] if 0 < len(word := run.strip(_JOINING)) <= _LONGEST else [] for run in runs]
    for number, parts in zip(odd, parted, strict=True):
        forms[number] = [form for part in parts.split(" ") for form in _forms_beyond_ascii(part)]
    return forms


def _forms_beyond_ascii(run: str) -> list[str]:
    """Give the words of a run: one, none, or the pairs of a script without spaces."""
    folded = unicodedata.normalize("NFKC", run).casefold().replace("’", "'").strip(_JOINING)
    if not folded or (len(folded) > _LONGEST and not _UNSPACED.search(folded)):
        return []
    if not _UNSPACED.search(folded):
        return [folded]
    found = [part.strip(_JOINING) for part in _UNSPACED.split(folded)]
    for run in _UNSPACED.findall(folded):
        found += [run[place : place + 2] for place in range(max(len(run) - 1, 1))]
    return [one for one in found if one and len(one) <= _LONGEST]
