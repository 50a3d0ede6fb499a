"""Sentences that differ in their parameters alone, found by comparing all of them with each other.

Every sentence becomes a signature: its words, with nothing in place of what varies by its looks. Signatures that are
equal but in one place, or in two, show how many different words stand there, and so whether it is a parameter; if it
is, they become one signature, and the comparison begins anew until nothing changes. Each decision looks at all
signatures at once, so neither the order of the messages nor how often each came changes anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from ._masks import KEPT
from ._message_words import (
    ANNOUNCED,
    VARYING,
    Signature,
    Words,
    collapse,
    is_fixed,
    is_name,
    is_preposition,
    read,
    tells,
)

#: Stands in a template for what varies.
PARAMETER = "<*>"

_ROUNDS = 8
# All pairs of places are looked at among so many signatures of one length, of so many words; the rarest words of each
# signature, up to so many at once, always.
_MOST_FOR_PAIRS = 2_000
_LONGEST_FOR_PAIRS = 40
_MOST_RARE = 4
# Different contents after which a stretch in brackets, or all that follows a colon, is a parameter.
_CONTENTS = {True: 3, False: 6}
# What stands before a colon must be a sentence of so many words, or it is the name of a part of the software.
_WORDS_BEFORE_COLON = 3
# Words in common without which sentences that differ in the number of their parameters stay apart.
_FEWEST_IN_COMMON = 3
_NEVER = 9


def find_templates(sentences: Sequence[str]) -> list[str]:
    """Give the template of each of these different sentences."""
    everything = [read(sentence) for sentence in sentences]
    signatures = _merged(_without_free_stretches(everything))
    groups: dict[Signature, list[int]] = defaultdict(list)
    for place, signature in enumerate(signatures):
        groups[signature].append(place)
    templates = [""] * len(sentences)
    for signature, places in groups.items():
        template = _template(signature, [(sentences[place], everything[place]) for place in places])
        for place in places:
            templates[place] = template
    return templates


def _without_free_stretches(everything: list[Words]) -> list[Signature]:
    """Give the first signatures: stretches that hold texts of different lengths, all else being equal, vary whole."""
    contents: dict[tuple[Signature, Signature, bool], set[Signature]] = defaultdict(set)
    frames = []
    for words, _, stretches in everything:
        plain = [VARYING if word.startswith(ANNOUNCED) else word for word in words]
        own = [(collapse(plain[:first]), collapse(plain[last:]), closed) for first, last, closed in stretches]
        for frame, (first, last, _) in zip(own, stretches, strict=True):
            contents[frame].add(collapse(plain[first:last]))
        frames.append(own)
    free = {frame for frame, texts in contents.items() if _is_free(frame, texts)}
    signatures = []
    for (words, _, stretches), own in zip(everything, frames, strict=True):
        kept = list(words)
        for frame, (first, last, _) in zip(own, stretches, strict=True):
            if frame in free:
                kept[first:last] = [VARYING] * (last - first)
        signatures.append(collapse(kept))
    return signatures


def _is_free(frame: tuple[Signature, Signature, bool], texts: set[Signature]) -> bool:
    before, after, closed = frame
    common = [word for word in before + after if word]
    fits = bool(common) if closed else len(common) >= _WORDS_BEFORE_COLON and any(map(tells, common))
    return fits and sum(map(any, texts)) >= _CONTENTS[closed] and len({len(text) for text in texts}) > 1


def _merged(signatures: list[Signature]) -> list[Signature]:
    known = _Known(sorted(set(signatures)))
    for _ in range(_ROUNDS):
        different = sorted(set(signatures))
        following = _step(different, known)
        if all(following[one] == one for one in different):
            break
        signatures = [following[one] for one in signatures]
    return signatures


def _step(signatures: list[Signature], known: _Known) -> dict[Signature, Signature]:
    """Give for each signature the one that it becomes."""
    varying: dict[Signature, set[int]] = {one: set() for one in signatures}
    _absorb(varying)
    for rows, hashes in _by_length(signatures):
        for places, alike in _comparisons(hashes):
            members = [rows[row] for row in alike]
            if all(known.is_parameter(members, place, places) for place in places):
                for member in members:
                    varying[member].update(places)
    following = {one: _blanked(one, places) for one, places in varying.items()}
    for one, fuller in _with_optional_parameters(signatures).items():
        if not varying[one]:
            following[one] = following[fuller]
    return following


def _blanked(signature: Signature, places: set[int]) -> Signature:
    """Let the words in these places vary, unless no word were left."""
    words = [VARYING if place in places else word for place, word in enumerate(signature)]
    return collapse(words) if any(words) else signature


def _absorb(varying: dict[Signature, set[int]]) -> None:
    """Let a word vary where another signature has it vary and is the same otherwise."""
    for signature, places in varying.items():
        for place, word in enumerate(signature):
            # Without a neighbour that varies, the wider one is as long, and comes up where one place is compared.
            if word and VARYING in signature[max(place - 1, 0) : place + 2] and not tells(word):
                wider = collapse((*signature[:place], VARYING, *signature[place + 1 :]))
                if wider in varying and sum(map(bool, wider)) >= 2:
                    places.add(place)


def _with_optional_parameters(signatures: list[Signature]) -> dict[Signature, Signature]:
    """Give the signatures that lack parameters of another one with the same words, and that other."""
    by_words = defaultdict(list)
    for one in signatures:
        by_words[tuple(word.lstrip(ANNOUNCED) for word in one if word)].append(one)
    fullest = {words: max(ones, key=lambda one: (len(one), one)) for words, ones in by_words.items()}
    return {
        one: fullest[words]
        for words, ones in by_words.items()
        for one in ones
        if len(words) >= _FEWEST_IN_COMMON and one != fullest[words]
    }


def _comparisons(hashes: np.ndarray) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Give places, and rows that are the same but in them: one place, two, or those of the rarest words of each row."""
    n, length = hashes.shape
    total = hashes.sum(axis=1, dtype=np.uint64)
    few: list[tuple[int, ...]] = [(place,) for place in range(length)]
    if n <= _MOST_FOR_PAIRS and length <= _LONGEST_FOR_PAIRS:
        few += combinations(range(length), 2)
    for places in few:
        for alike in _alike(total - hashes[:, places].sum(axis=1, dtype=np.uint64)):
            yield places, alike
    rarest = np.argsort(_frequencies(hashes), axis=1, kind="stable")
    for k in range(2, min(_MOST_RARE, length - 1) + 1):
        chosen = np.sort(rarest[:, :k], axis=1)
        dropped = np.take_along_axis(hashes, chosen, axis=1).sum(axis=1, dtype=np.uint64)
        which = _mixed(chosen.astype(np.uint64) + np.uint64(1 << 40)).sum(axis=1, dtype=np.uint64)
        for alike in _alike(total - dropped + which):
            yield tuple(chosen[alike[0]].tolist()), alike


def _frequencies(hashes: np.ndarray) -> np.ndarray:
    """Give how many rows have each row's word in its place."""
    counts = np.empty(hashes.shape, np.int64)
    for place in range(hashes.shape[1]):
        _, code, count = np.unique(hashes[:, place], return_inverse=True, return_counts=True)
        counts[:, place] = count[code]
    return counts


def _by_length(signatures: list[Signature]) -> Iterator[tuple[list[Signature], np.ndarray]]:
    """Give the signatures of each length, and a hash of each of their words with its place."""
    number = {word: code for code, word in enumerate(sorted({word for one in signatures for word in one}))}
    by_length = defaultdict(list)
    for one in signatures:
        by_length[len(one)].append(one)
    for length, rows in by_length.items():
        if len(rows) > 1:
            codes = np.array([[number[word] for word in row] for row in rows], np.uint64)
            yield rows, _mixed(codes * np.uint64(length) + np.arange(length, dtype=np.uint64))


def _mixed(codes: np.ndarray) -> np.ndarray:
    """Give well-spread hashes of numbers: the finishing steps of splitmix64 (Steele, Lea and Flood 2014)."""
    mixed = (codes + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _alike(keys: np.ndarray) -> Iterator[np.ndarray]:
    """Give the rows, two or more, that have one key."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(keys[order]) != 0, True)) + 1
    starts = np.append(0, ends[:-1])
    for place in np.flatnonzero(ends - starts > 1):
        yield order[starts[place] : ends[place]]


class _Known:
    """What all signatures together say of words: which are values, and which stand for each other in several places."""

    def __init__(self, signatures: list[Signature]) -> None:
        self.values = {word[1:] for one in signatures for word in one if word.startswith(ANNOUNCED)}
        self.swaps: dict[tuple[str, str], int] = defaultdict(int)
        for rows, hashes in _by_length(signatures):
            total = hashes.sum(axis=1, dtype=np.uint64)
            for place in range(hashes.shape[1]):
                for alike in _alike(total - hashes[:, place]):
                    words = {rows[row][place].lstrip(ANNOUNCED) for row in alike}
                    words = {word for word in words if word and (not tells(word) or word.endswith("ing"))}
                    if len(words) <= 12:
                        for pair in combinations(sorted(words), 2):
                            self.swaps[pair] += 1

    def is_parameter(self, members: list[Signature], place: int, places: tuple[int, ...]) -> bool:
        """Tell whether the place is a parameter of signatures that are the same but in these places."""
        words = {one[place] for one in members}
        rest = [VARYING if at in places else word for at, word in enumerate(members[0])]
        n_words = sum(map(bool, rest))
        needed = self._needed(words, rest, place, n_words)
        if needed > 2:
            # Two places that always change together may be two names of the same few things.
            needed += 2 * (len(places) - 1)
        return n_words >= len(places) and len(words) >= needed

    def _needed(self, values: set[str], rest: list[str], place: int, n_words: int) -> int:
        """Give how many different values a place must have shown to be a parameter."""
        if any(value.startswith(ANNOUNCED) for value in values):
            return 2
        words = [value for value in values if value]
        before = rest[place - 1] if place else ""
        if 2 * sum(map(tells, words)) > len(words) or any(map(is_fixed, words)):
            if all(word.startswith(KEPT) for word in words) and before in ("code", "error"):
                return 3
            return 2 if place and n_words >= 6 and all(map(str.isupper, words)) else _NEVER
        if VARYING in values or self._are_values(words) or _have_one_ending(words):
            return 2
        names = sum(map(is_name, words)) >= 0.8 * len(words)
        if not place:
            # The first word is what most sentences are told apart by.
            return 3 if n_words >= (3 if names else 5) else 6
        needed = next(count for least, count in ((6, 2), (3, 3), (2, 4), (0, 6)) if n_words >= least)
        if any(word.endswith("#") for word in words):
            needed = max(needed, 4)
        elif names:
            needed -= 1
        if is_preposition(before):
            needed = 2 if n_words >= 4 else needed - 1
        return max(needed, 2)

    def _are_values(self, words: list[str]) -> bool:
        if 2 * sum(word in self.values for word in words) >= len(words):
            return True
        swaps = [self.swaps.get(pair, 0) for pair in combinations(sorted(words), 2)] if len(words) <= 40 else []
        return bool(swaps) and (max(swaps) >= 3 or (len(words) >= 3 and min(swaps) >= 2))


def _have_one_ending(words: list[str]) -> bool:
    return all("." in word for word in words) and len({word.rpartition(".")[2] for word in words}) == 1


def _template(signature: Signature, members: list[tuple[str, Words]]) -> str:
    """Write the template of a group, after its shortest sentence: what differs between members is a parameter."""
    sentence, words = min(members, key=lambda member: (len(member[0]), member[0]))
    if len(members) == 1:
        return sentence.replace(KEPT, "")
    gaps = _gaps(signature, sentence, words)
    texts: list[set[str]] = [set() for _ in gaps]
    for other, read_words in members:
        for found, (start, end) in zip(texts, _gaps(signature, other, read_words), strict=True):
            found.add(other[start:end])
    pieces, done = [], 0
    for (start, end), found in zip(gaps, texts, strict=True):
        if len(found) > 1:
            # The shortest sentence may lack what others have here.
            lacks = start == end
            pieces += [sentence[done:start], " " * (lacks and start == len(sentence)), PARAMETER]
            pieces.append(" " * (lacks and start < len(sentence)))
            done = end
    return ("".join(pieces) + sentence[done:]).replace(KEPT, "")


def _gaps(signature: Signature, sentence: str, words: Words) -> list[tuple[int, int]]:
    """Give where the text before, between and after the firm words of a signature begins and ends."""
    firm = [word for word in signature if word]
    gaps: list[tuple[int, int]] = []
    here: tuple[int, int] | None = None
    for word, (start, end) in zip(words.words, words.spans, strict=True):
        if len(gaps) < len(firm) and word == firm[len(gaps)]:
            gaps.append(_closed(sentence, *here) if here else (start, start))
            here = None
        else:
            here = (here[0] if here else start, end)
    last = words.spans[-1][1] if words.spans else 0
    return [*gaps, _closed(sentence, *here) if here else (last, last)]


def _closed(sentence: str, start: int, end: int) -> tuple[int, int]:
    """Let a stretch that opens a bracket end after the one that closes it, if that comes next."""
    for opening, closing in ("()", "[]", "{}"):
        if sentence.count(opening, start, end) > sentence.count(closing, start, end):
            end += sentence.startswith(closing, end)
    return start, end
