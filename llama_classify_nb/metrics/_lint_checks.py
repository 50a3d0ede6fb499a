"""What is wrong with rules, looked for in many rule sets at once.

Where each job was configured alone, rule sets come by the hundred thousand, and most name the same types, and differ in
a word. So those that name the same types in the same order are looked at together, as a table of texts with a row for
each rule set and a column for each place; and each text is read once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from . import _tokens
from ._texts import truths

#: Characters that the service documents; of descriptions its pages give two upper limits.
LONGEST_TYPE, SHORTEST, LONGEST, LONGEST_ANYWHERE = 50, 10, 500, 2_000
#: Descriptions of at least so many words that share this part of their words (Dice 1945) are nearly the same.
FEWEST_WORDS, NEARLY_THE_SAME = 4, 0.8
_PAIRS = 200_000  # of descriptions, whose words are compared at a time
_CELLS = 2_000_000  # pairs of places of rule sets that are looked at, at a time
_SAME = "Another rule has the same {}."
_SAME_BUT = "Another rule has the same {} but for case, spaces and punctuation."
_N_BITS = np.array([bin(number).count("1") for number in range(1 << 16)], np.uint8)


class Alike(NamedTuple):
    """Rule sets that name the same types in the same order."""

    types: list[str]
    number: np.ndarray  # of each rule set
    text: np.ndarray  # a row for each, a column for each place: the number of its description


class Found(NamedTuple):
    """Findings of one kind: an array for each of their parts."""

    check: str
    number: np.ndarray  # of the rule set
    place: np.ndarray  # of the rule in its list
    other: np.ndarray  # of the other rule; -1: none
    sentence: np.ndarray  # of texts


class Texts(NamedTuple):
    """Different descriptions, read once."""

    text: Any  # array of Arrow
    plain: np.ndarray  # equal numbers for what differs in spelling alone; -1: nothing is left
    tokens: _tokens.Tokens
    words: Any  # matrix of texts by words
    n_words: np.ndarray
    mark: np.ndarray  # of 64 bits, one for each word


def read(text: Any) -> Texts:
    """Read descriptions: an array of Arrow (large_string) that holds none twice, and no null."""
    tokens = _tokens.tokens(pd.Series(pd.array(text, dtype=schema.TEXT)))
    words = _tokens.incidence(tokens)
    spread = words.indices.astype(np.uint64) * np.uint64(2654435761) >> np.uint64(7)
    mark, some = np.zeros(len(text), np.uint64), np.diff(words.indptr) > 0
    if some.any():
        bits = np.left_shift(np.uint64(1), spread & np.uint64(63))
        mark[some] = np.bitwise_or.reduceat(bits, words.indptr[:-1][some])
    return Texts(text, _spelling(text), tokens, words, np.diff(words.indptr), mark)


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Leave of a text what no spelling changes."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return "".join(mark for mark in whole if unicodedata.category(mark)[0] in "LNM") or " ".join(whole.split())


# Each byte as ``plain`` leaves it: 0 goes.
_PLAIN = np.array([ord(char.lower()) if char.isalnum() else 0 for char in map(chr, range(128))] + [0] * 128, np.uint8)


def _spelling(text: Any) -> np.ndarray:
    """Number texts by what ``plain`` leaves of them; -1: nothing."""
    ends = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
    bytes_ = _PLAIN[np.frombuffer(text.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]]
    new = np.append(0, np.cumsum(bytes_ != 0))[ends - ends[0]]
    buffers = [None, pa.py_buffer(new.astype(np.int64)), pa.py_buffer(bytes_[bytes_ != 0])]
    left = pa.Array.from_buffers(pa.large_string(), len(text), buffers)
    odd = ~truths(pc.string_is_ascii(text)) | (np.diff(new) == 0)
    if odd.any():
        those = [plain(one) for one in text.filter(pa.array(odd)).to_pylist()]
        left = pc.replace_with_mask(left, pa.array(odd), pa.array(those, pa.large_string()))
    code = left.dictionary_encode().indices.to_numpy().astype(np.int64)
    return np.where(truths(pc.equal(left, "")), -1, code)


def findings(sets: Alike, texts: Texts) -> Iterator[Found]:
    """Find what is wrong with rule sets."""
    yield from _of_types(sets)
    yield from _of_texts(sets, texts)
    n_places = len(sets.types)
    later, earlier = np.tril_indices(n_places, -1)
    step = max(_CELLS // max(len(later), 1), 1)
    for start in range(0, len(sets.number), step):
        some = Alike(sets.types, sets.number[start : start + step], sets.text[start : start + step])
        yield from _repeated(some, texts, later, earlier)
        yield from _nearly_the_same(some, texts, later, earlier)
    yield _naming_others(sets, texts)


def _of_types(sets: Alike) -> Iterator[Found]:
    found: list[tuple[str, int, int, str]] = []
    exact: dict[str, int] = {}
    spelt: dict[str, int] = {}
    for place, kind in enumerate(sets.types):
        if not 1 <= len(kind) <= LONGEST_TYPE:
            found.append(("type_length", place, -1, f"The type has {len(kind):,} characters."))
        if kind != kind.strip() or any(unicodedata.category(mark)[0] in "CZ" and mark != " " for mark in kind):
            found.append(("type_characters", place, -1, f"The type is {kind!a}: it holds what can't be seen."))
        key = plain(kind)
        if kind in exact:
            found.append(("duplicate_type", place, exact[kind], _SAME.format("type")))
        elif key and key in spelt:
            found.append(("similar_type", place, spelt[key], _SAME_BUT.format("type")))
        exact.setdefault(kind, place)
        spelt.setdefault(key, place)
    for check, place, other, sentence in found:
        n = len(sets.number)
        yield Found(check, sets.number, np.full(n, place), np.full(n, other), np.full(n, sentence, object))


def _of_texts(sets: Alike, texts: Texts) -> Iterator[Found]:
    mine = np.unique(sets.text)
    some = texts.text.take(pa.array(mine))
    n = pc.utf8_length(some).to_numpy().astype(np.int64)
    # Whatever holds a letter or a digit isn't blank; the few others are looked at.
    blank = ~truths(pc.match_substring_regex(some, "[0-9A-Za-z]"))
    blank[blank] = [not one.strip() for one in some.filter(pa.array(blank)).to_pylist()]
    checks = {
        "no_description": (blank, "The rule has no description."),
        "description_too_short": (~blank & (n < SHORTEST), "The description has {} characters."),
        "description_long": (~blank & (n > LONGEST) & (n <= LONGEST_ANYWHERE), "The description has {:,} characters."),
        "description_too_long": (~blank & (n > LONGEST_ANYWHERE), "The description has {:,} characters."),
    }
    for check, (which, words) in checks.items():
        if which.any():
            row, place = np.nonzero(np.isin(sets.text, mine[which]))
            size = n[np.searchsorted(mine, sets.text[row, place])]
            yield Found(check, sets.number[row], place, np.full(len(row), -1), _said(words, size))


def _said(words: str, values: np.ndarray) -> np.ndarray:
    """Put each value into a sentence."""
    different, place = np.unique(values, return_inverse=True)
    return np.array([words.format(one) for one in different.tolist()], object)[place]


def _repeated(sets: Alike, texts: Texts, later: np.ndarray, earlier: np.ndarray) -> Iterator[Found]:
    """Find each description that an earlier one equals, to the letter or but for its spelling."""
    spelling = texts.plain[sets.text]
    same = sets.text[:, later] == sets.text[:, earlier]
    alike = (spelling[:, later] == spelling[:, earlier]) & (spelling[:, later] >= 0)
    exact = _firsts(same, later)
    is_exact = np.zeros(sets.text.shape, bool)
    is_exact[exact[0], later[exact[1]]] = True
    spelt = _firsts(alike & ~is_exact[:, later], later)
    has_text = ~truths(pc.equal(texts.text, ""))
    exact = tuple(one[has_text[sets.text[exact[0], later[exact[1]]]]] for one in exact)
    for (row, pair), words in ((exact, _SAME), (spelt, _SAME_BUT)):
        sentence = np.full(len(row), words.format("description"), object)
        yield Found("duplicate_description", sets.number[row], later[pair], earlier[pair], sentence)


def _firsts(holds: np.ndarray, later: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give of the pairs that hold, by row, the first of each later place."""
    row, pair = np.nonzero(holds)
    is_first = np.append(True, (row[1:] != row[:-1]) | (later[pair[1:]] != later[pair[:-1]]))[: len(row)]
    return row[is_first], pair[is_first]


def _nearly_the_same(sets: Alike, texts: Texts, later: np.ndarray, earlier: np.ndarray) -> Iterator[Found]:
    one, other = sets.text[:, later], sets.text[:, earlier]
    n_one, n_other = texts.n_words[one], texts.n_words[other]
    both, fewer = n_one + n_other, np.minimum(n_one, n_other)
    may = (fewer >= FEWEST_WORDS) & (2 * fewer >= NEARLY_THE_SAME * both) & (texts.plain[one] != texts.plain[other])
    row, pair = np.nonzero(may)
    # A word that only one of the two holds is likely to have a bit that the other hasn't: most pairs end here.
    for a, b in ((one, other), (other, one)):
        alone = texts.mark[a[row, pair]] & ~texts.mark[b[row, pair]]
        n_alone = _N_BITS[alone.view(np.uint16)].reshape(-1, 4).sum(axis=1, dtype=np.int64)
        fits = n_alone <= texts.n_words[a[row, pair]] - NEARLY_THE_SAME / 2 * both[row, pair] + 1e-9
        row, pair = row[fits], pair[fits]
    for start in range(0, len(row), _PAIRS):
        at = row[start : start + _PAIRS], pair[start : start + _PAIRS]
        common = np.asarray(texts.words[one[at]].multiply(texts.words[other[at]]).sum(axis=1)).ravel()
        dice = 2 * common / both[at]
        use = dice >= NEARLY_THE_SAME
        sentence = _said("The descriptions of two rules share {:.0%} of their words.", dice[use])
        row_, pair_ = at[0][use], at[1][use]
        yield Found("similar_description", sets.number[row_], later[pair_], earlier[pair_], sentence)


def _naming_others(sets: Alike, texts: Texts) -> Found:
    mine, number = np.unique(sets.text, return_inverse=True)
    tokens = texts.tokens
    if len(mine) < len(texts.text):
        tokens = _tokens.tokens(pd.Series(pd.array(texts.text.take(pa.array(mine)), dtype=schema.TEXT)))
    cites, _ = _tokens.named(tokens, sets.types)
    cells = cites[number.ravel()].tocoo()
    row, place = np.divmod(cells.row, max(len(sets.types), 1))
    spelling = np.array([plain(kind) for kind in sets.types], object)
    # A type of one letter is a word of every other sentence.
    is_letter = np.array([len(kind.strip()) == 1 and kind.strip().isascii() for kind in sets.types], bool)
    use = ~is_letter[cells.col] & (spelling[place] != spelling[cells.col])
    sentence = np.full(int(use.sum()), "The description names another rule's type.", object)
    return Found("names_other_type", sets.number[row[use]], place[use], cells.col[use].astype(np.int64), sentence)
