"""The distinct configurations and their rule sets: read once each, however many jobs ran with them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .answers import Job
from .columns import POOL, Codes, joined, numbered, sorted_categories, texts
from .configurations import Configuration, Settings, read_configuration, settings_of
from .exceptions import InvalidAnswerError
from .rule_texts import RuleCutter, Rules

REMEMBERED = 4_096  # configurations that are told apart by their bytes; where there are more, few come twice
FEW = 100  # jobs, too few to tell from whether each has rules of its own
_NAME_LENGTH = 16  # of a rule set's name: 64 bits as hexadecimal digits
_CODE_BYTES = 4  # of the number of a type, and of a length


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
        self._latest: dict[
            tuple[str | None, int], tuple[msgspec.Raw, int]
        ] = {}  # by the configuration's name and length
        self._pending: list[tuple[Configuration, Settings]] = []  # the last ones numbered, not yet in what follows
        self._cutter = RuleCutter()
        self._sets = Codes()  # by their fingerprints
        self._begun: dict[bytes, Any] = {}  # digests of what fingerprints begin with, by the numbers of the types
        self._set_of: list[int] = []  # by the number of the configuration, as all below
        self._settings = Codes()  # what a configuration says besides its rules, few of them distinct
        self._settings_of: list[int] = []
        self._are_all_different = False  # whether most of the jobs just read brought rules of their own
        self._n_judged = self._n_brought = 0  # jobs since that was last said, and configurations that they brought
        self.errors: dict[int, str] = {}
        self.extras: dict[int, str] = {}
        self._n_rules: list[int] = []  # by the number of the rule set
        self._rule_types: list[np.ndarray] = []  # by rule, the rule sets one after another; in chunks, as below
        self._descriptions: list[pa.Array] = []

    def numbers(self, jobs: Sequence[Job]) -> np.ndarray:
        """Give the number of each job's configuration; of one that breaks the documented shape ``errors`` says why."""
        numbers = self._of_different(jobs) if self._are_all_different and len(jobs) >= FEW else None
        return self._of_alike(jobs) if numbers is None else numbers

    def _of_different(self, jobs: Sequence[Job]) -> np.ndarray | None:
        """Give each a number of its own, and what is alike shows only in its rule set; None: this can't read them."""
        try:
            rules = self._cutter.cut([job.configuration for job in jobs])
        except InvalidAnswerError:
            return None
        n_before = len(self._n_rules)
        numbers = self._keep(rules)
        self._judge(len(jobs), len(self._n_rules) - n_before)
        return numbers

    def _of_alike(self, jobs: Sequence[Job]) -> np.ndarray:
        """Tell them apart by their bytes.

        Mostly a job ran with the same configuration as the last one of the same name and length, which a comparison of
        bytes shows; to look them up takes five times as long.
        """
        numbers, latest, n_before = [], self._latest, self._n
        for job in jobs:
            raw, name = job.configuration, job.configuration_id
            likeness = name, len(raw)
            here = latest.get(likeness)
            if here is None or raw != here[0]:
                if len(latest) >= REMEMBERED:
                    latest.clear()
                content = bytes(raw)
                here = latest[likeness] = msgspec.Raw(content), self._number(content)
            numbers.append(here[1])
        self._judge(len(numbers), self._n - n_before)
        self._flush()
        return np.array(numbers, np.int32)

    @property
    def _n(self) -> int:
        return len(self._set_of) + len(self._pending)

    def _judge(self, n_jobs: int, n_new: int) -> None:
        self._n_judged += n_jobs
        self._n_brought += n_new
        if self._n_judged >= FEW:
            self._are_all_different = 2 * self._n_brought > self._n_judged
            self._n_judged = self._n_brought = 0

    def _number(self, content: bytes) -> int:
        number = self._numbers.get(content)
        if number is None:
            if len(self._numbers) >= REMEMBERED:
                self._numbers.clear()
            number = self._numbers[content] = self._n
            self._read(content, number)
        return number

    def _read(self, content: bytes, number: int) -> None:
        try:
            configuration = read_configuration(content)
            self._pending.append((configuration, settings_of(configuration, content)))
        except InvalidAnswerError as error:
            self._flush()
            self.errors[number] = str(error)
            self._set_of.append(-1)
            self._settings_of.append(-1)

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._keep(Rules.parsed(*map(list, zip(*pending, strict=True))))

    def _keep(self, rules: Rules) -> np.ndarray:
        """Take rules into the table, and number their configurations."""
        first, n_sets = len(self._set_of), len(self._n_rules)
        n_rules, descriptions = rules.n_rules, rules.descriptions
        encoded = rules.types.dictionary_encode()
        names, name_of = np.array(encoded.dictionary.to_pylist(), object), encoded.indices.to_numpy()
        types = self._types.encode(names.tolist())[name_of]
        prints = list(self._fingerprints(n_rules, names[name_of], types.tobytes(), descriptions))
        sets: Sequence[int]
        if len(set(prints)) == len(prints) and self._sets.keys().isdisjoint(prints):  # all are new
            sets = range(n_sets, n_sets + len(prints))
            self._sets.update(zip(prints, sets, strict=True))
        else:
            sets = list(map(self._sets.__getitem__, prints))
            is_new = np.zeros(len(sets), dtype=bool)
            is_new[np.unique(sets, return_index=True)[1]] = True
            is_new &= np.array(sets) >= n_sets
            of_new = np.repeat(is_new, n_rules)
            n_rules, types = n_rules[is_new], types[of_new]
            descriptions = pc.filter(descriptions, pa.array(of_new), memory_pool=POOL)
        self._set_of += sets
        self._n_rules += n_rules.tolist()
        self._rule_types.append(types)
        self._descriptions.append(descriptions)
        self._settings_of += self._settings.encode(rules.settings)[rules.setting_of].tolist()
        numbers = np.arange(first, len(self._set_of), dtype=np.int32)
        extras = [settings.extra for settings in rules.settings]
        if any(extras):
            which = zip(numbers.tolist(), rules.setting_of.tolist(), strict=True)
            self.extras |= {number: extra for number, place in which if (extra := extras[place])}
        return numbers

    def _fingerprints(self, n_rules: np.ndarray, types: np.ndarray, codes: bytes, texts: pa.Array) -> Iterator[bytes]:
        """Give what names each rule set: 64 bits of the SHA-256 of its types, its descriptions' lengths, and them.

        All of it is taken as it lies in memory: the descriptions of a rule set are one piece of Arrow's buffer.
        """
        _, offsets, content = texts.buffers()
        ends, pieces = np.frombuffer(offsets, np.int64, len(types) + 1), memoryview(content or b"")
        lengths = np.diff(ends).astype("<u4").tobytes()
        known, stops = self._begun, np.cumsum(n_rules)
        start = text_start = 0
        for stop, text_stop in zip((_CODE_BYTES * stops).tolist(), ends[stops].tolist(), strict=True):
            here = codes[start:stop]
            begun = known.get(here)
            if begun is None:
                if len(known) >= REMEMBERED:
                    known.clear()
                names = types[start // _CODE_BYTES : stop // _CODE_BYTES].tolist()
                begun = known[here] = hashlib.sha256(msgspec.json.encode(names))
            digest = begun.copy()
            digest.update(lengths[start:stop])
            digest.update(pieces[text_start:text_stop])
            yield digest.digest()[:8]
            start, text_start = stop, text_stop

    def columns(self, number: np.ndarray) -> dict[str, Any]:
        """Give the columns of jobs that their configurations decide, by each job's number."""
        names, places = self._names
        set_of = np.array(self._set_of, np.int64)[number]
        settings_of = np.array(self._settings_of, np.int64)[number]
        data: dict[str, Any] = {
            "rule_set": pd.Categorical.from_codes(places[set_of], names),
            "n_rules": np.array(self._n_rules, np.int32)[set_of],
        }
        settings = zip(*self._settings.values_in_order(), strict=True)
        modes, langs, most_pages, targets, _ = tuple(settings) or [()] * len(Settings._fields)
        for name, values in {"mode": modes, "lang": langs, "target_pages": targets}.items():
            categories, places = sorted_categories(values)
            data[name] = pd.Categorical.from_codes(places[settings_of], categories)
        pages = [None if one is None else int(one) for one in most_pages]
        data["max_pages"] = pd.array(pages, "Int64").take(settings_of)
        return data

    @functools.cached_property
    def _names(self) -> tuple[pd.Index, np.ndarray]:
        """Give the names of the rule sets, sorted, and for each rule set the place of its name."""
        content = np.frombuffer(b"".join(self._sets.values_in_order()), ">u8").astype(np.uint64)
        order = np.argsort(content, kind="stable")
        # As bytes, one after another, they are a column of text as soon as Arrow is told where each ends.
        digits = pa.py_buffer(content[order].astype(">u8").tobytes().hex().encode())
        ends = pa.py_buffer(np.arange(len(order) + 1, dtype=np.int64) * _NAME_LENGTH)
        names = pd.Index(texts([pa.LargeStringArray.from_buffers(len(order), ends, digits)]))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return names, places

    def table(self, jobs: pd.DataFrame) -> pd.DataFrame:
        """Make the table ``rules``, in order of first use, each rule with its jobs and matches counted."""
        sets, types = jobs["rule_set"].cat.categories, jobs["type"].cat.categories
        n_rules = np.array(self._n_rules, np.int64)
        of_rule = np.repeat(self._names[1], n_rules)
        position = numbered(n_rules)
        rule_type = self._types.categories[1][joined(self._rule_types, np.int32)]
        set_code, type_code = (jobs[name].cat.codes.to_numpy().astype(np.int64) for name in ("rule_set", "type"))
        matched = (jobs["outcome"] == "matched").to_numpy()
        came = set_code[matched] * len(types) + type_code[matched]
        n_matched = _count_of(of_rule * len(types) + rule_type, came, len(sets) * len(types))
        return pd.DataFrame(
            {
                "rule_set": pd.Categorical.from_codes(of_rule, sets),
                "position": position.astype(np.int32),
                "type": pd.Categorical.from_codes(rule_type, types),
                "description": texts(self._descriptions),
                "n_jobs": np.bincount(set_code, minlength=len(sets))[of_rule].astype(np.int64),
                "n_matched": n_matched,
            }
        )


def _count_of(wanted: np.ndarray, came: np.ndarray, n: int) -> np.ndarray:
    """Count how often each of the wanted numbers, all below ``n``, came."""
    if n <= 4 * (len(wanted) + len(came)):
        return np.asarray(np.bincount(came, minlength=n)[wanted], np.int64)
    numbers, counts = np.unique(came, return_counts=True)  # where each job has types of its own, n is beyond memory
    place = np.searchsorted(numbers, wanted)
    return np.where(np.append(numbers, -1)[place] == wanted, np.append(counts, 0)[place], 0)
