"""The rules of many configurations at once, cut out of their JSON by the quotes instead of parsed.

Where every job brings a configuration of its own, parsing makes dozens of small objects for each job. But programs
write configurations, and most are alike but for the texts of the rules. What is alike is their *shell*; one of them,
read in the usual way, shows it::

    {"rules": [{"type": "invoice", "description": "asks for money"}, {"type": "other", … "all else"}], "mode": "FAST"}
    head----------------       within-----------              between-----------                   tail--------------

In JSON that is well-formed, as the decoder of the job found it to be, a text ends at its quote and nowhere else. So a
configuration that begins with the head, ends with the tail, and has nothing but ``within`` and ``between`` by turns
amid its texts holds these texts as its rules, and says besides what its shell says. Any other is parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import POOL, numbered, text_chunk
from .configurations import Configuration, Settings, read_configuration, settings_of
from .exceptions import InvalidAnswerError
from .rawjson import reason

_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_NOWHERE = np.empty(0, np.int64)
_QUOTES = 8  # of a rule: around two keys and two texts
_MOST_SHELLS = 16  # that are remembered, those that the last block used most
_MOST_TRIES = 4  # to find another one, with each block
_LONGEST_SEAM = 200
_list_of_texts = msgspec.json.Decoder(list[str])


class Rules(NamedTuple):
    """The rules of some configurations, one after another."""

    n_rules: np.ndarray  # by configuration, int64
    types: pa.Array  # by rule, large_string
    descriptions: pa.Array  # by rule, large_string
    settings: list[Settings]
    setting_of: np.ndarray  # by configuration: which of these it has, int64

    @classmethod
    def parsed(cls, configurations: Sequence[Configuration], settings: list[Settings]) -> Self:
        """Take them from configurations that were read."""
        rules = [rule for one in configurations for rule in one.rules]
        n_rules = np.array([len(one.rules) for one in configurations], np.int64)
        types, descriptions = [rule.type for rule in rules], [rule.description for rule in rules]
        return cls(n_rules, text_chunk(types), text_chunk(descriptions), settings, np.arange(len(settings)))


class RuleCutter:
    """Cuts rules out of configurations, and learns their shells as they come."""

    def __init__(self) -> None:
        self._shells: list[_Shell] = []  # the most used stands first

    def cut(self, configurations: Sequence[msgspec.Raw]) -> Rules:
        """Give the rules of configurations, of which there is at least one.

        Raises
        ------
        InvalidAnswerError
            If any breaks the documented shape.
        """
        block = _Block(configurations)
        shell_of = self._shells_of(block, configurations)
        parts: list[tuple[np.ndarray, Rules]] = []  # which configurations, and their rules
        for seams in {shell.seams for shell in self._shells}:
            has_these = np.array([shell.seams == seams for shell in self._shells])
            rows = np.flatnonzero((shell_of >= 0) & has_these[shell_of])
            cut, types, descriptions = block.texts(seams, rows)
            if len(cut) < len(rows):
                shell_of[np.setdiff1d(rows, cut, assume_unique=True)] = -1
            settings = [shell.settings for shell in self._shells]
            parts.append((cut, Rules(block.n_rules[cut], types, descriptions, settings, shell_of[cut])))
        rest = np.flatnonzero(shell_of < 0)
        if len(rest):
            raws = [bytes(configurations[row]) for row in rest.tolist()]
            parsed = list(map(read_configuration, raws))
            parts.append((rest, Rules.parsed(parsed, list(map(settings_of, parsed, raws)))))
        n_used = np.bincount(shell_of + 1, minlength=len(self._shells) + 1)[1:]
        self._shells = [self._shells[number] for number in np.argsort(-n_used, kind="stable")[:_MOST_SHELLS]]
        return _in_order(parts)

    def _shells_of(self, block: _Block, configurations: Sequence[msgspec.Raw]) -> np.ndarray:
        """Find which shell encloses each configuration (-1: none), and learn some where none does."""
        shell_of = np.full(len(configurations), -1)
        for number, shell in enumerate(self._shells):
            shell_of[block.enclosed(shell, np.flatnonzero(shell_of < 0))] = number
        tried = 0
        for _ in range(_MOST_TRIES):
            without = np.flatnonzero(shell_of[tried:] < 0) + tried
            if not len(without):
                break
            tried = without[0] + 1
            found = _Shell.of(bytes(configurations[int(without[0])]))
            if found:
                shell_of[block.enclosed(found, without)] = len(self._shells)
                self._shells.append(found)
        return shell_of


def _in_order(parts: Sequence[tuple[np.ndarray, Rules]]) -> Rules:
    """Join rules, of which configurations are told, in the order of these."""
    parts = [(rows, rules) for rows, rules in parts if len(rows)]
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    n_rules = np.concatenate([rules.n_rules for _, rules in parts])
    begins = np.cumsum(n_rules) - n_rules
    of_rule = pa.array(np.repeat(begins[order], n_rules[order]) + numbered(n_rules[order]))
    types, descriptions = (
        pc.take(pa.concat_arrays(list(some), memory_pool=POOL), of_rule, memory_pool=POOL)
        for some in zip(*((rules.types, rules.descriptions) for _, rules in parts), strict=True)
    )
    settings: list[Settings] = []
    setting_of = []
    for _, rules in parts:
        setting_of.append(rules.setting_of + len(settings))
        settings += rules.settings
    return Rules(n_rules[order], types, descriptions, settings, np.concatenate(setting_of)[order])


class _Seams(NamedTuple):
    """What stands amid the texts of rules."""

    within: bytes
    between: bytes | None  # None: of a single rule, which doesn't show it
    is_type_first: bool


class _Shell(NamedTuple):
    """What stands around the texts of the rules of a configuration."""

    head: bytes
    seams: _Seams
    tail: bytes
    settings: Settings

    @classmethod
    def of(cls, raw: bytes) -> Self | None:
        """Find the shell of a configuration; None: it has none, such as where a rule has a third key.

        Raises
        ------
        InvalidAnswerError
            If it can't be read.
        """
        n_rules = len(read_configuration(raw).rules)
        quotes = _Block([raw]).quotes
        first = int(np.searchsorted(quotes, raw.find(b'"rules"'))) + 4  # after the quotes of two keys
        last = first + _QUOTES * n_rules - 3
        if last >= len(quotes):
            return None
        at = quotes[first : last + 1].tolist()
        head, within, tail = raw[: at[0] + 1], raw[at[1] : at[4] + 1], raw[at[-1] :]
        between = raw[at[5] : at[8] + 1] if n_rules > 1 else None
        if b"\\" in head + tail:  # so that each quote in them is one of a text's two
            return None
        if max(len(within), len(between or b"")) > _LONGEST_SEAM:  # it is looked for at each rule
            return None
        # It is the shell if other texts in it, longer than any that stands there, are read as the rules.
        one, two, three, four = (digit * (len(raw) + 1) for digit in ("1", "2", "3", "4"))
        rule, another = (one.encode(), within, two.encode()), (between, three.encode(), within, four.encode())
        sample = b"".join((head, *rule, *(another if n_rules > 1 else ()), tail))
        try:
            read = read_configuration(sample)
        except InvalidAnswerError:
            return None
        found = [(rule.type, rule.description) for rule in read.rules]
        for is_type_first, expected in {True: [(one, two), (three, four)], False: [(two, one), (four, three)]}.items():
            if found == expected[: len(found)] and len(found) == min(n_rules, 2):
                return cls(head, _Seams(within, between, is_type_first), tail, settings_of(read, sample))
        return None


class _Block:
    """Configurations one after another in memory, and where their quotes are."""

    def __init__(self, configurations: Sequence[bytes | msgspec.Raw]) -> None:
        self._content = b"".join(configurations)
        letters = np.frombuffer(self._content, np.uint8)
        self._is_ascii = self._content.isascii()
        self._ends = np.cumsum(np.fromiter(map(len, configurations), np.int64, len(configurations)))
        self._starts = np.append(0, self._ends[:-1])
        is_quote = letters == _QUOTE
        self._backslashes = _NOWHERE
        if b"\\" in self._content:
            self._backslashes = np.flatnonzero(letters == _BACKSLASH)
            is_quote[_escaped(self._backslashes)] = False
        self.quotes = np.flatnonzero(is_quote)
        self._quote_ends = np.searchsorted(self.quotes, self._ends)
        self._first_quotes = np.append(0, self._quote_ends[:-1])
        # By configuration, once a shell is found to enclose it: its rules, and the quote where the first one's begin.
        self.n_rules, self._first = np.zeros((2, len(self._ends)), np.int64)

    def enclosed(self, shell: _Shell, rows: np.ndarray) -> np.ndarray:
        """Find which of these configurations begin and end as a shell does."""
        rows = rows[self._ends[rows] - self._starts[rows] > len(shell.head) + len(shell.tail)]
        fits = self._stands(shell.head, self._starts[rows])
        fits &= self._stands(shell.tail, self._ends[rows] - len(shell.tail))
        rows = rows[fits]
        first = self._first_quotes[rows] + shell.head.count(b'"') - 1
        n_quotes = self._quote_ends[rows] - shell.tail.count(b'"') + 1 - first
        n_rules = (n_quotes + 2) // _QUOTES
        fits = (n_quotes == _QUOTES * n_rules - 2) & (n_rules > 0 if shell.seams.between else n_rules == 1)
        rows = rows[fits]
        self.n_rules[rows], self._first[rows] = n_rules[fits], first[fits]
        return rows

    def texts(self, seams: _Seams, rows: np.ndarray) -> tuple[np.ndarray, pa.Array, pa.Array]:
        """Give which of these configurations have nothing but such seams amid their texts; and the texts of these."""
        nth = numbered(self.n_rules[rows])
        at = np.repeat(self._first[rows], self.n_rules[rows]) + _QUOTES * nth  # the quote where each rule's texts begin
        is_right = self._stands(seams.within, self.quotes[at + 1])
        if seams.between:
            later = np.flatnonzero(nth)
            is_right[later] &= self._stands(seams.between, self.quotes[at[later] - 3])
        if not is_right.all():
            return self.texts(seams, rows[np.logical_and.reduceat(is_right, np.flatnonzero(nth == 0))])
        one, other = self._texts(at), self._texts(at + 4)
        return (rows, one, other) if seams.is_type_first else (rows, other, one)

    def _stands(self, text: bytes, places: np.ndarray) -> np.ndarray:
        """Say at which places a text stands."""
        last = len(self._content) - len(text)
        if last < 0:
            return np.zeros(len(places), dtype=bool)
        # As many texts as there are places, each a letter further; nothing is copied until some are picked.
        texts = np.ndarray((last + 1,), f"S{len(text)}", self._content, strides=(1,))
        within = np.clip(places, 0, last)
        return np.asarray((texts[within] == text) & (within == places))

    def _texts(self, at: np.ndarray) -> pa.Array:
        """Give the texts that begin at these quotes."""
        starts, ends = self.quotes[at] + 1, self.quotes[at + 1]
        # To Arrow each text and what follows it, up to the next, are values of one column; every second is taken.
        offsets = pa.py_buffer(np.append(np.column_stack((starts, ends)), ends[-1:]))
        column = pa.LargeStringArray.from_buffers(2 * len(at), offsets, pa.py_buffer(self._content))
        texts = pc.take(column, pa.array(np.arange(0, 2 * len(at), 2)), memory_pool=POOL)
        try:
            if not self._is_ascii:
                texts.validate(full=True)
            return self._unescaped(texts, starts, ends) if len(self._backslashes) and len(at) else texts
        except (pa.ArrowInvalid, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidAnswerError(f"configuration: {reason(error)}") from None

    def _unescaped(self, texts: pa.Array, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
        """Decode the texts that hold a backslash; from where to where in memory each text stands is told, too."""
        before = np.searchsorted(starts, self._backslashes, side="right") - 1
        places = np.unique(before[(before >= 0) & (self._backslashes < ends[before])])
        bounds = zip((starts[places] - 1).tolist(), (ends[places] + 1).tolist(), strict=True)
        decoded = _list_of_texts.decode(b"[" + b",".join([self._content[start:end] for start, end in bounds]) + b"]")
        is_escaped = np.zeros(len(texts), dtype=bool)
        is_escaped[places] = True
        return pc.replace_with_mask(texts, pa.array(is_escaped), text_chunk(decoded))


def _escaped(backslashes: np.ndarray) -> np.ndarray:
    """Give the places of what backslashes escape, of which there is at least one; a backslash may be escaped, too."""
    nth = np.arange(len(backslashes))
    first_in_row = np.maximum.accumulate(np.where(np.diff(backslashes, prepend=-2) > 1, nth, 0))
    return np.asarray(backslashes[(nth - first_in_row) % 2 == 0] + 1)
