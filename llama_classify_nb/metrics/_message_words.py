"""The words of a sentence: which of them varies by its looks, which is named by a word before it, which stands firm."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from ._masks import KEPT, KINDS

#: Stands in a signature for words that vary.
VARYING = ""
#: Begins a word that something before or around it announces as a value: "user ann", "(eth0)", "from IDLE to BUSY".
ANNOUNCED = "\x01"

Signature = tuple[str, ...]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What follows one of these is a value, unless it is a word that says what happened ("user logged in").
_ANNOUNCERS = _set("""
    account address app application bucket by class client column component container database dev device directory
    domain driver field file from function group host hostname image index interface key method module name named node
    option package parameter plugin pod port process project property provider proxy queue relation role server service
    session set state table task thread topic type uid user users volume
""")
# Words that say what happened, or hold a sentence together: two sentences that differ in one are two sentences.
_TELLING = _set("""
    a after an and are as at be because been before begin but by can close could delete did disabled do does done down
    due during enabled end enter error exit fail failure for found from get had has have head if idle in into is join
    leave left lost may must no not of off ok on onto open or out over patch post put read ready received sent should
    start stop succeeded success than that the then this to under until up via was were which while will with would
    write
""")
_PREPOSITIONS = _set("at by for from in of on to with")

_TOKEN = re.compile(rf"(?:<(?:{KINDS})>|[^\s=:,;()\[\]{{}}<>|\"'`])+")
_EDGES = "-*#@!?.~$%&+/\\^"
_VALUE = re.compile(
    r"""^(?:true|false|null|nil|none|undefined|nan)$ | ^(?:com|org|net)\.[a-z] | ^[a-z_][\w$-]*(?:\.[\w$-]+){2,}$ | @
        | ^[\w-]+\.(?:com|net|org|edu|gov|io|local|internal|lan)$""",
    re.VERBOSE | re.IGNORECASE,
)
_CAPITALS = re.compile(r"^[A-Z][A-Z0-9_-]*$|_")
_HUMP = re.compile(r"[a-z][A-Z]")
_NAME = re.compile(r"[a-z][A-Z]|[_./\\$@-]")
_HEX = re.compile(r"[0-9a-fA-F]+")
_PART = re.compile(r"[A-Za-z]+\d*|\d+[A-Za-z]{0,3}")
_MARKS = re.compile(r"[()\[\]{}]|: ")
_BETWEEN_PARTS = re.compile(r"[_.@#-]+")


class Words(NamedTuple):
    """A sentence, read: its words as a signature has them, where each stands, and the stretches that may vary whole."""

    words: list[str]
    spans: list[tuple[int, int]]
    stretches: list[tuple[int, int, bool]]


@lru_cache(maxsize=1 << 16)
def tells(word: str) -> bool:
    """Tell whether a word says what happened, so that sentences which differ in it are not one."""
    word = word.lstrip(ANNOUNCED)
    if word.startswith(KEPT):
        return True
    if not word.isalpha():
        return False
    word = word.lower()
    return word in _TELLING or (len(word) > 4 and word.endswith(("ed", "ing")))


def is_fixed(word: str) -> bool:
    """Tell whether a word can't be a value, whatever else is known of it."""
    return word.startswith(KEPT) or word.lower() in _TELLING


def is_name(word: str) -> bool:
    """Tell whether a word looks like the name of a thing: humps of capitals, or marks within it."""
    return bool(_NAME.search(word))


def is_preposition(word: str) -> bool:
    """Tell whether the word before a place announces it, if weakly."""
    return word in _PREPOSITIONS


def collapse(words: Signature | list[str]) -> Signature:
    """Make one of several varying words in a row."""
    return tuple(word for place, word in enumerate(words) if word or not place or words[place - 1])


def read(sentence: str) -> Words:
    """Read the words of a masked sentence."""
    reader = _Reader(sentence)
    for found in _TOKEN.finditer(sentence):
        reader.take(found[0], *found.span())
    _blank_lists(reader.words, reader.spans, sentence)
    return Words(reader.words, reader.spans, _stretches(reader.spans, sentence))


class _Reader:
    """Takes the words of one sentence, from left to right."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.words: list[str] = []
        self.spans: list[tuple[int, int]] = []
        self.before = ""
        self.end = 0
        self.has_from = False
        self.has_pairs = sentence.count("=") >= 3
        self.in_value = False

    def take(self, word: str, start: int, end: int) -> None:
        text = self.sentence
        signed = word[0] in "+-" and word[1:2].isalpha() and not self.words
        word = (word[0] if signed else "") + word.strip(_EDGES)
        gap = text[self.end : start]
        if not any(map(str.isalnum, word)):
            return
        if gap.strip() == "()" and gap[0] == " ":
            self._add("()", start - 1, start - 1)
        if word == "s" and gap == "(" and text[end : end + 1] == ")":
            self.end = end + 1  # the plural of "error(s)"
            return
        is_key = text[end : end + 1] == "="
        is_value = text[start - 1 : start] == "=" or text[max(start - 3, 0) : start] == " = "
        is_value = is_value or (self.in_value and gap == " " and not is_key)
        self.in_value = self.has_pairs and is_value
        self._add(VARYING if is_value else self._kept(word, gap, start, end, is_key), start, end)
        self.has_from = self.has_from or self.before == "from"
        self.before, self.end = word, end
        if is_key and text[end + 1 : end + 2] in ("", " ", ",", ";", ")"):
            self._add(VARYING, end + 1, end + 1)  # a key whose value is empty
            self.before, self.end = "", end + 1

    def _add(self, word: str, start: int, end: int) -> None:
        self.words.append(word)
        self.spans.append((start, end))

    def _kept(self, word: str, gap: str, start: int, end: int, is_key: bool) -> str:
        """Give what the signature keeps of a word: the word, its letters, or nothing."""
        if "<" in word or (any(map(str.isdigit, word)) and not word.startswith(KEPT)):
            word = word if is_key and "<" not in word else _letters(word)
        elif _VALUE.search(word) and not is_key:
            word = VARYING
        if not word:
            return VARYING
        announced = self._is_announced(word, gap, start, end)
        if len(word) > 4 and word[-1] == "s" and word[-2] not in "sui" and word.isalpha() and word.islower():
            word = word[:-1]  # "1 error" and "2 errors" are one
        return ANNOUNCED + word if announced else word

    def _is_announced(self, word: str, gap: str, start: int, end: int) -> bool:
        text, before = self.sentence, self.before
        if "->" in gap or text[end : end + 4].startswith(("->", " -> ")):
            return True
        if text[start - 1 : start] == ":" and text[max(start - 2, 0) : start] != "::":
            return True
        if start and text[start - 1] in "[({" and text[end : end + 1] in ("]", ")", "}"):
            return True
        if gap == "(): " or (gap == ": " and _CAPITALS.search(word)):
            return True
        if gap == ": " and end == len(text) and len(self.words) == 1 and _HUMP.search(before):
            return True
        if (before == "from" and " to " in text[end : end + 40]) or (before == "to" and self.has_from):
            return True
        return before in _ANNOUNCERS and gap in (" ", ": ") and (not tells(word) or bool(_CAPITALS.search(word)))


def _letters(word: str) -> str:
    """Give the letters of a word with numbers in it and "#", such as "node#"; nothing where they say nothing."""
    word = word.replace("<n>", "0")
    if "<" in word or _HEX.fullmatch(word):
        return VARYING
    parts = [part for part in _BETWEEN_PARTS.split(word) if part]
    if not all(map(_PART.fullmatch, parts)):
        return VARYING
    letters = ["".join(filter(str.isalpha, part)) for part in parts]
    long = [one for place, one in enumerate(letters) if len(one) >= (3 if place else 2)]
    return "_".join(long) + "#" if long else VARYING


def _blank_lists(words: list[str], spans: list[tuple[int, int]], sentence: str) -> None:
    """Let the words of lists vary: "[a, b]", ": a, b" at the end, and any of three words or more that ends there."""
    first = 0
    while first < len(words):
        last = first
        while last + 1 < len(words) and sentence[spans[last][1] : spans[last + 1][0]] in (", ", ","):
            last += 1
        start, end = spans[first][0], spans[last][1]
        ends = sentence[end : end + 1] in ("", ")", "]", "}", ";")
        begins = sentence[max(start - 2, 0) : start] == ": " or sentence[max(start - 1, 0) : start] in ("[", "(", "{")
        if last > first and ends and (last - first >= 2 or begins or words[first].startswith(ANNOUNCED)):
            words[first : last + 1] = [VARYING] * (last + 1 - first)
        first = last + 1


def _stretches(spans: list[tuple[int, int]], sentence: str) -> list[tuple[int, int, bool]]:
    """Give the first and the last place of what stands in brackets (True), and of what follows a colon (False)."""
    starts = [start for start, _ in spans]
    found, open_at = [], []
    for mark in _MARKS.finditer(sentence):
        place = mark.start()
        if mark[0] in "([{":
            open_at.append(place)
        elif mark[0] == ": ":
            found.append((bisect_left(starts, place), len(starts), False))
        elif open_at:
            found.append((bisect_left(starts, open_at.pop()), bisect_left(starts, place), True))
    return [stretch for stretch in found if stretch[0] < stretch[1]]
