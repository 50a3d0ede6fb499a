"""Bytes of texts by class, and the runs that bytes of a class make: what `_alike` finds in messages, and changes.

A class is an array that tells of each of the 256 bytes whether it belongs; ``DIGIT[text]`` tells it of every byte of a
text at once. A run is a stretch of bytes of one class, as ``4711`` is of digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def among(chars: str) -> np.ndarray:
    """Give which of all bytes are among these characters."""
    found = np.zeros(256, bool)
    found[list(chars.encode())] = True
    return found


_HEX, _OTHERS = "abcdefABCDEF", "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ"
# What words are made of.
DIGIT, LETTER, OTHER = among("0123456789"), among(_HEX + _OTHERS), among(_OTHERS)  # the last: no hexadecimal digit
BEYOND = np.arange(256) >= 128  # of letters, signs and spaces beyond ASCII
SPACE = np.arange(256) <= 32
ALNUM = DIGIT | LETTER
OF_ID = DIGIT | among(_HEX)
OF_RUN = ALNUM | BEYOND
OF_FILE = ALNUM | among("_.+@~/\\-")
OF_WORD = OF_FILE | among("%$#*") | BEYOND
# What stands around them.
OPENS = SPACE | among("([{='\"")  # before what is masked by itself
CLOSES = SPACE | among(")]}'\",;")  # behind it
STOPS = among(".:")  # behind it, too, if a space follows
NAMES = among("/:")  # between a word and what it names
JOINS = among("_-")  # between a word and an id
ENDS_URL = SPACE | BEYOND | among("'\"<>`)],;[{}")
BEFORE_CODE = SPACE | among("=:-")  # between "error" and its number
#: What a run may hold, as bits: digits, hexadecimal letters, other letters, bytes beyond ASCII, the sign @.
DIGITS, HEXES, REST, FOREIGN, AT = 1, 2, 4, 8, 16
_BITS = np.zeros(256, np.uint8)
for _bit, _bytes in ((DIGITS, DIGIT), (HEXES, among(_HEX)), (REST, OTHER), (FOREIGN, BEYOND), (AT, among("@"))):
    _BITS[_bytes] = _bit


class Runs(NamedTuple):
    """Runs of bytes of a class, one after another."""

    start: np.ndarray
    end: np.ndarray  # the place behind each
    bits: np.ndarray  # what it holds: DIGITS and so on, added up

    @property
    def size(self) -> np.ndarray:
        """How many bytes each has."""
        return np.asarray(self.end - self.start)

    def some(self, which: np.ndarray) -> Runs:
        """Take some of them."""
        return Runs(self.start[which], self.end[which], self.bits[which])


def runs_of(is_in: np.ndarray, old: np.ndarray) -> Runs:
    """Find the runs of bytes of a class, to which neither the first byte nor the last belongs."""
    edges = np.flatnonzero(is_in[1:] != is_in[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    # Put together from one run's start to the next one's: what stands between them must not matter to who looks.
    return Runs(start, end, np.bitwise_or.reduceat(_BITS[old], start) if len(start) else _BITS[:0])


def message_of(place: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Give the numbers of the messages that places are in, by where each message begins."""
    return np.searchsorted(starts, place, side="right") - 1


def fill(new: np.ndarray, start: np.ndarray, end: np.ndarray, which: np.ndarray, char: str) -> None:
    """Put one character for the bytes of a class between places."""
    size = end - start
    places = np.repeat(start - (np.cumsum(size) - size), size) + np.arange(size.sum())
    new[places[which[new[places]]]] = ord(char)


def count(which: np.ndarray, old: np.ndarray, runs: Runs) -> np.ndarray:
    """Count the bytes of a class in each run."""
    edges = np.column_stack([runs.start, runs.end]).ravel()
    return np.add.reduceat(which[old], edges, dtype=np.int64)[::2] if len(edges) else edges
