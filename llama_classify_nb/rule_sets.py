"""The distinct configurations and their rule sets: read once each, however many jobs ran with them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from .answers import Job
from .columns import Codes, sorted_categories, text_chunk, texts
from .configurations import Configuration, KnownConfiguration, ParsingConfiguration, read_configuration, unknown_keys
from .exceptions import InvalidAnswerError
from .schema import TEXT

REMEMBERED = 4_096  # configurations that are told apart by their bytes; where there are more, few come twice
CHUNK = 5_000  # descriptions that go to Arrow at once
FEW = 100  # jobs, too few to tell from whether each has rules of its own
_NOTHING_SAID = ParsingConfiguration()


class RuleSets:
    """Numbers configurations by their bytes, and rule sets by their content.

    Parameters
    ----------
    types : Codes
        Numbers types; shared with the column of the answered types.
    """

    def __init__(self, types: Codes) -> None:
        self._types = types
        self._numbers: dict[bytes, int] = {}
        self._latest: dict[str | None, tuple[msgspec.Raw, int]] = {}  # by the name of the configuration
        self._sets = Codes()  # by their fingerprints
        self._set_of: list[int] = []  # by the number of the configuration, as all below
        self._settings = Codes()  # what a configuration says besides its rules, few of them distinct
        self._settings_of: list[int] = []
        self.are_all_different = False  # whether most of the jobs just read brought rules of their own
        self.errors: dict[int, str] = {}
        self.extras: dict[int, str] = {}
        self._n_rules: list[int] = []  # by the number of the rule set
        self._rule_types: list[int] = []  # by rule, the rule sets one after another
        self._descriptions: list[str] = []
        self._chunks: list[pa.Array] = []

    def numbers(self, jobs: Sequence[Job]) -> np.ndarray:
        """Give the number of each job's configuration; of one that breaks the documented shape ``errors`` says why.

        Mostly a job ran with the same configuration as the job before of the same name, which a comparison of bytes
        shows; to look them up takes five times as long.
        """
        numbers, latest, n_before = [], self._latest, len(self._n_rules)
        for job in jobs:
            raw, name = job.configuration, job.configuration_id
            here = latest.get(name)
            if here is None or raw != here[0]:
                if len(latest) >= REMEMBERED:
                    latest.clear()
                content = bytes(raw)
                here = latest[name] = msgspec.Raw(content), self._number(content)
            numbers.append(here[1])
        self._judge(len(numbers), n_before)
        return np.array(numbers, np.int32)

    def add(self, configurations: Sequence[KnownConfiguration]) -> np.ndarray:
        """Give a number to each of these, read with their jobs already; what is alike shows only in its rule set."""
        n_before, first = len(self._n_rules), len(self._set_of)
        self._keep(configurations)
        self._judge(len(configurations), n_before)
        return np.arange(first, first + len(configurations), dtype=np.int32)

    def _judge(self, n_jobs: int, n_sets_before: int) -> None:
        self.are_all_different = n_jobs >= FEW and 2 * (len(self._n_rules) - n_sets_before) > n_jobs

    def _number(self, content: bytes) -> int:
        number = self._numbers.get(content)
        if number is None:
            if len(self._numbers) >= REMEMBERED:
                self._numbers.clear()
            number = self._numbers[content] = len(self._set_of)
            self._read(content, number)
        return number

    def _read(self, content: bytes, number: int) -> None:
        try:
            configuration = read_configuration(content)
            if not isinstance(configuration, KnownConfiguration) and (extra := unknown_keys(content)):
                self.extras[number] = extra
        except InvalidAnswerError as error:
            self.errors[number] = str(error)
            self._set_of.append(-1)
            self._settings_of.append(-1)
            return
        self._keep([configuration])

    def _keep(self, configurations: Iterable[Configuration]) -> None:
        for configuration in configurations:
            types = [rule.type for rule in configuration.rules]
            descriptions = [rule.description for rule in configuration.rules]
            rule_set = self._sets[_fingerprint([*types, *descriptions])]
            self._set_of.append(rule_set)
            if rule_set == len(self._n_rules):
                self._n_rules.append(len(types))
                self._rule_types.extend(map(self._types.__getitem__, types))
                self._descriptions.extend(descriptions)
            parsing = configuration.parsing_configuration or _NOTHING_SAID
            settings = configuration.mode, parsing.lang, parsing.target_pages, parsing.max_pages
            self._settings_of.append(self._settings[settings])
        if len(self._descriptions) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._chunks.append(text_chunk(self._descriptions))
        self._descriptions = []

    def columns(self, number: np.ndarray) -> dict[str, Any]:
        """Give the columns of jobs that their configurations decide, by each job's number."""
        names, places = self._names
        set_of = np.array(self._set_of, np.int64)[number]
        settings_of = np.array(self._settings_of, np.int64)[number]
        settings = self._settings.values_in_order()
        data: dict[str, Any] = {
            "rule_set": pd.Categorical.from_codes(places[set_of], names),
            "n_rules": np.array(self._n_rules, np.int32)[set_of],
        }
        for part, name in enumerate(("mode", "lang", "target_pages")):
            categories, places = sorted_categories([one[part] for one in settings])
            data[name] = pd.Categorical.from_codes(places[settings_of], categories)
        pages = [None if one[-1] is None else int(one[-1]) for one in settings]
        data["max_pages"] = pd.array(pages, "Int64").take(settings_of)
        return data

    @functools.cached_property
    def _names(self) -> tuple[pd.Index, np.ndarray]:
        """Give the names of the rule sets, sorted, and for each rule set the place of its name."""
        content = self._sets.values_in_order()
        order = np.argsort(np.frombuffer(b"".join(content), ">u8"), kind="stable")
        names = pd.Index([content[place].hex() for place in order], dtype=TEXT)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return names, places

    def table(self, jobs: pd.DataFrame) -> pd.DataFrame:
        """Make the table ``rules``, in order of first use, each rule with its jobs and matches counted."""
        self._flush()
        sets, types = jobs["rule_set"].cat.categories, jobs["type"].cat.categories
        n_rules = np.array(self._n_rules, np.int64)
        of_rule = np.repeat(self._names[1], n_rules)
        position = np.arange(len(of_rule)) - np.repeat(np.cumsum(n_rules) - n_rules, n_rules)
        _, places = sorted_categories(self._types.values_in_order())
        rule_type = places[np.array(self._rule_types, np.int64)]
        set_code, type_code = jobs["rule_set"].cat.codes.to_numpy(), jobs["type"].cat.codes.to_numpy().astype(np.int64)
        matched = jobs["outcome"].to_numpy() == "matched"
        pairs, counts = np.unique(set_code[matched] * np.int64(len(types)) + type_code[matched], return_counts=True)
        pair = of_rule * len(types) + rule_type
        place = np.searchsorted(pairs, pair)
        return pd.DataFrame(
            {
                "rule_set": pd.Categorical.from_codes(of_rule, sets),
                "position": position.astype(np.int32),
                "type": pd.Categorical.from_codes(rule_type, types),
                "description": texts(self._chunks),
                "n_jobs": np.bincount(set_code, minlength=len(sets))[of_rule].astype(np.int64),
                "n_matched": np.where(np.append(pairs, -1)[place] == pair, np.append(counts, 0)[place], 0),
            }
        )


def _fingerprint(parts: list[str]) -> bytes:
    """Give what names a rule set: 64 bits of the SHA-256 of its types and then its descriptions."""
    content = "\0".join(parts).encode()
    if content.count(b"\0") >= len(parts):  # a text holds one, too: say where each ends
        content = msgspec.json.encode(parts)
    return hashlib.sha256(content).digest()[:8]
