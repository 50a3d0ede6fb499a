"""Answers to tables: bytes of jobs in, DataFrames of ``schema.py`` out.

A million jobs pass through here, so the steps are shaped by what a processor does well. Jobs come in blocks of about
500, small enough to stay in its cache; their fields are transposed into columns in C; few-valued columns become small
integers; texts and times go to Arrow at once. A configuration is known by its bytes and read once, however many jobs
ran with it. Nothing loops over jobs in Python but what an odd block needs, and an odd line costs only its own block.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import answers, schema
from .exceptions import InvalidAnswerError
from .schema import TEXT

_TEXTS = ("job_id", "reasoning", "error_message", "file_input", "parse_job_id", "transaction_id", "extra")
_NUMBERS = ("confidence", "credits", "parse_credits")
_TIMES = ("created_at", "updated_at")
_CODED = ("status", "type", "configuration_id", "document_input_type", "project_id", "user_id")
_OUTCOMES = {outcome: code for code, outcome in enumerate(schema.OUTCOMES)}
_NO_RESULT, _NO_USAGE = answers.Result(), answers.Usage()
_MISSING_TIME = np.datetime64("NaT", "us")
# Arrow's own allocator takes far more than it gives out: at 20,000 jobs, twice what the tables take.
_POOL = pa.system_memory_pool()


class Tables(NamedTuple):
    """The tables that one pass over answers gives."""

    jobs: pd.DataFrame
    rules: pd.DataFrame
    problem_rows: list[tuple[Any, ...]]  # in the order of schema.PROBLEMS
    n_repeated: int  # answers left out because a newer one of the same job was there
    n_odd_times: int  # times that couldn't be read; their texts stand in `extra`


def read_tables(blocks: Iterable[bytes]) -> Tables:
    """Turn blocks of JSON lines, a job each, into tables.

    Parameters
    ----------
    blocks : iterable of bytes
        Whole lines, separated by LF; blank lines are passed over. Blocks of about 1 MiB are the fastest.

    Returns
    -------
    Tables
        ``jobs`` in the order they came, a row for each id (the newest ``updated_at`` wins; of equally new ones, a
        finished one, then the last), ``rules``, and the rows of ``problems``: one for each line that isn't a job.
    """
    builder = _Builder()
    for block in blocks:
        builder.add(block)
    return builder.finish()


def problems_table(rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Make the table ``problems`` of rows in the order of ``schema.PROBLEMS``."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema.PROBLEMS)
    data = {
        column.name: _series(column.dtype, list(values))
        for column, values in zip(schema.PROBLEMS, columns, strict=True)
    }
    return pd.DataFrame(data)


def job_rules_table(jobs: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Make the long table ``job_rules``: a row per job and rule of its rule set, in the jobs' order.

    It is made of the two tables by repeating integers, never from JSON: a million jobs of six rules take a second.
    """
    order = rules["rule_set"].cat.categories
    of_rule = rules["rule_set"].cat.codes.to_numpy()
    first = np.searchsorted(of_rule, np.arange(len(order)), side="left")
    count = np.searchsorted(of_rule, np.arange(len(order)), side="right") - first
    of_job = order.get_indexer(pd.Index(jobs["rule_set"].astype(TEXT)))
    n = count[of_job]
    job = np.repeat(np.arange(len(jobs)), n)
    position = np.arange(len(job)) - np.repeat(np.cumsum(n) - n, n)
    row = first[of_job][job] + position
    types = rules["type"].cat.categories
    answered = np.where(
        jobs["outcome"].to_numpy() == "matched", types.get_indexer(pd.Index(jobs["type"].astype(TEXT))), np.int64(-2)
    )
    rule_type = rules["type"].cat.codes.to_numpy()[row]
    descriptions, description_codes = _categories(rules["description"].tolist())
    return pd.DataFrame(
        {
            "job_id": jobs["job_id"].array.take(job),
            "position": position.astype(np.int32),
            "type": pd.Categorical.from_codes(rule_type, types),
            "description": pd.Categorical.from_codes(description_codes[row], descriptions),
            "matched": answered[job] == rule_type,
        }
    )


class _Codes(dict[Any, int]):
    """Numbers values as they come: a look-up that fails makes the next number. None is -1, as in a Categorical."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Any) -> int:
        code = self[value] = len(self) - 1
        return code

    def values_in_order(self) -> list[Any]:
        return list(self)[1:]

    def encode(self, values: Iterable[Any]) -> np.ndarray:
        return np.fromiter(map(self.__getitem__, values), np.int32)


class _Configurations:
    """The distinct configurations, each read once; a job keeps a number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._errors: dict[bytes, str] = {}
        self.read: list[answers.Configuration] = []
        self.rule_sets: list[str] = []
        self.extras: list[str | None] = []

    def number(self, raw: bytes) -> int:
        """Give the number of a configuration, or -1 if it breaks the documented shape."""
        number = self._numbers.get(raw)
        if number is None:
            number = self._numbers[raw] = self._add(raw)
        return number

    def error(self, raw: bytes) -> str:
        return self._errors[raw]

    def _add(self, raw: bytes) -> int:
        try:
            configuration = answers.read_configuration(raw)
        except InvalidAnswerError as error:
            self._errors[raw] = str(error)
            return -1
        self.read.append(configuration)
        self.rule_sets.append(_fingerprint(configuration.rules))
        self.extras.append(answers.unknown_configuration_keys(raw))
        return len(self.read) - 1

    def column(self, value: Callable[[answers.Configuration], Any]) -> list[Any]:
        return [value(configuration) for configuration in self.read]


def _fingerprint(rules: list[answers.Rule]) -> str:
    """Give the name of a rule set: 64 bits of the SHA-256 of its types and descriptions, in order."""
    content = msgspec.json.encode([[rule.type, rule.description] for rule in rules])
    return hashlib.sha256(content).hexdigest()[:16]


class _Builder:
    def __init__(self) -> None:
        self.codes = {name: _Codes() for name in _CODED}
        self.configurations = _Configurations()
        self.chunks: dict[str, list[Any]] = {name: [] for name in (*_TEXTS, *_NUMBERS, *_TIMES, *_CODED)}
        self.chunks["configuration"] = []
        self.problems: list[tuple[Any, ...]] = []
        self.n_odd_times = 0

    def add(self, block: bytes) -> None:
        """Take a block of lines; if any is spoiled, line by line."""
        try:
            jobs, known = answers.read_lines(block)
            is_sound = all(self._number(job) >= 0 for job in jobs)
        except InvalidAnswerError:
            is_sound = False
        if not is_sound:
            jobs, block = self._one_by_one(block)
            known = False
        if not jobs:
            return
        extra: list[str | None] = [None] * len(jobs)
        if not known:
            extra = [answers.unknown_keys(line) for line in block.split(b"\n") if line.strip()]
        self._append(jobs, extra, np.array([self._number(job) for job in jobs], np.int32))

    def _number(self, job: answers.Job) -> int:
        return self.configurations.number(bytes(job.configuration))

    def _one_by_one(self, block: bytes) -> tuple[list[answers.Job], bytes]:
        jobs, lines = [], []
        for line in block.split(b"\n"):
            if not line.strip():
                continue
            try:
                job = answers.read_job(line)
            except InvalidAnswerError as error:
                self._problem(answers.read_id(line), str(error))
                continue
            if self._number(job) < 0:
                self._problem(job.id, self.configurations.error(bytes(job.configuration)))
                continue
            jobs.append(job)
            lines.append(line)
        return jobs, b"\n".join(lines)

    def _problem(self, job_id: str | None, message: str) -> None:
        self.problems.append((job_id, "invalid_answer", None, message, False, 0))

    def _append(self, jobs: Sequence[answers.Job], extra: list[str | None], numbers: np.ndarray) -> None:
        """Transpose jobs into columns, in C, and hand them to Arrow."""
        column: dict[str, Any] = _transpose(jobs, answers.Job)
        column["job_id"] = column["id"]
        if None in column["file_input"]:
            old_name = column["document_input_value"]
            column["file_input"] = [
                old if new is None else new for new, old in zip(column["file_input"], old_name, strict=True)
            ]
        column |= _transpose([result or _NO_RESULT for result in column["result"]], answers.Result)
        usages = column["usage"]
        column |= _transpose([usage or _NO_USAGE for usage in usages], answers.Usage) if any(usages) else {}
        if any(self.configurations.extras):
            extra = [
                _with_configuration(one, self.configurations.extras[n]) for one, n in zip(extra, numbers, strict=True)
            ]
        for name in _TIMES:
            column[name], odd = _times(column[name])
            for row, text in odd:
                extra[row] = _with_key(extra[row], name, text)
                self.n_odd_times += 1
        column["extra"] = extra
        for name in _TEXTS:
            self.chunks[name].append(pa.array(column[name], pa.large_string(), memory_pool=_POOL))
        for name in _NUMBERS:
            values = column.get(name)
            self.chunks[name].append(
                np.full(len(jobs), np.nan) if values is None else np.array(values, dtype=np.float64)
            )
        for name in _TIMES:
            self.chunks[name].append(column[name])
        for name, codes in self.codes.items():
            self.chunks[name].append(codes.encode(column[name]))
        self.chunks["configuration"].append(numbers)

    def finish(self) -> Tables:
        """Join the chunks into tables."""
        n = sum(map(len, self.chunks["configuration"]))
        data: dict[str, Any] = {name: _joined(self.chunks.pop(name), np.float64) for name in _NUMBERS}
        data |= {name: _joined(self.chunks.pop(name), "datetime64[us]") for name in _TIMES}
        ids = pa.chunked_array(self.chunks["job_id"], pa.large_string())
        is_unique = pc.count_distinct(ids, memory_pool=_POOL).as_py() == n
        data |= {name: _texts(self.chunks.pop(name)) for name in _TEXTS}
        codes = {name: _joined(self.chunks.pop(name), np.int32) for name in (*_CODED, "configuration")}
        rows = None if is_unique else _newest(data, codes["status"], self.codes["status"])
        if rows is not None:
            data = {name: values.take(rows) for name, values in data.items()}
            codes = {name: values.take(rows) for name, values in codes.items()}
        jobs = self._jobs(data, codes)
        return Tables(jobs, self._rules(jobs), self.problems, n - len(jobs), self.n_odd_times)

    def _jobs(self, data: dict[str, Any], codes: dict[str, np.ndarray]) -> pd.DataFrame:
        read = self.configurations
        number = codes.pop("configuration")
        data["outcome"] = self._outcome(data["confidence"], codes)
        for name in _CODED:
            values = self.codes[name].values_in_order()
            more = {rule.type for one in read.read for rule in one.rules} if name == "type" else ()
            categories, places = _categories(values, more)
            data[name] = pd.Categorical.from_codes(np.append(places, -1)[codes[name]], categories)
        per_configuration: dict[str, list[Any]] = {
            "rule_set": read.rule_sets,
            "mode": read.column(operator.attrgetter("mode")),
            "lang": read.column(lambda one: one.parsing_configuration and one.parsing_configuration.lang),
            "target_pages": read.column(
                lambda one: one.parsing_configuration and one.parsing_configuration.target_pages
            ),
        }
        for name, values in per_configuration.items():
            categories, places = _categories(values)
            data[name] = pd.Categorical.from_codes(places[number], categories)
        pages = read.column(lambda one: one.parsing_configuration and one.parsing_configuration.max_pages)
        data["max_pages"] = pd.array([None if one is None else int(one) for one in pages], "Int64").take(number)
        data["n_rules"] = np.array(read.column(lambda one: len(one.rules)), np.int32)[number]
        data["duration_s"] = (data["updated_at"] - data["created_at"]) / np.timedelta64(1, "s")
        for name in _TIMES:
            data[name] = pd.Series(data[name]).dt.tz_localize("UTC")
        return pd.DataFrame({column.name: data[column.name] for column in schema.JOBS})

    def _outcome(self, confidence: np.ndarray, codes: dict[str, np.ndarray]) -> pd.Categorical:
        """Decide each job's outcome: by its status first, then by what its answer lacks."""
        by_status = {"FAILED": "failed", "CANCELLED": "cancelled", "COMPLETED": "matched"}
        statuses = self.codes["status"].values_in_order()
        decided = np.array([_OUTCOMES[by_status.get(status, "unfinished")] for status in statuses], np.int8)
        outcome = decided[codes["status"]]
        completed = outcome == _OUTCOMES["matched"]
        outcome[completed & (codes["type"] < 0)] = _OUTCOMES["no_match"]
        outcome[completed & np.isnan(confidence)] = _OUTCOMES["unscored"]
        return pd.Categorical.from_codes(outcome, pd.Index(list(_OUTCOMES), dtype=TEXT))

    def _rules(self, jobs: pd.DataFrame) -> pd.DataFrame:
        """List the rules of each rule set that a job ran with, and count the jobs, by codes."""
        sets, types = jobs["rule_set"].cat.categories, jobs["type"].cat.categories
        rules_of = dict(zip(self.configurations.rule_sets, self.configurations.read, strict=True))
        rows = [
            (code, position, rule.type, rule.description)
            for code, rule_set in enumerate(sets)
            for position, rule in enumerate(rules_of[rule_set].rules)
        ]
        of_rule, position, type_, description = ([row[i] for row in rows] for i in range(4))
        set_code, type_code = jobs["rule_set"].cat.codes.to_numpy(), jobs["type"].cat.codes.to_numpy().astype(np.int64)
        matched = jobs["outcome"].to_numpy() == "matched"
        n_jobs = np.bincount(set_code, minlength=len(sets))
        pairs = set_code[matched] * np.int64(len(types)) + type_code[matched]
        n_matched = np.bincount(pairs, minlength=len(sets) * len(types))
        rule_set, rule_type = np.array(of_rule, np.int64), types.get_indexer(pd.Index(type_, dtype=TEXT))
        return pd.DataFrame(
            {
                "rule_set": pd.Categorical.from_codes(rule_set, sets),
                "position": np.array(position, np.int32),
                "type": pd.Categorical.from_codes(rule_type, types),
                "description": _series("str", description),
                "n_jobs": n_jobs[rule_set].astype(np.int64),
                "n_matched": n_matched[rule_set * len(types) + rule_type].astype(np.int64),
            }
        )


def _transpose(structs: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> dict[str, Sequence[Any]]:
    return dict(zip(kind.__struct_fields__, zip(*map(msgspec.structs.astuple, structs), strict=True), strict=True))


def _joined(chunks: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate(chunks) if chunks else np.empty(0, dtype)


def _texts(chunks: list[pa.Array]) -> Any:
    """Give a column of text; Arrow's buffers become pandas' without a copy."""
    return TEXT.__from_arrow__(pa.chunked_array(chunks, pa.large_string()))  # type: ignore[attr-defined]


def _categories(values: Sequence[Any], more: Iterable[Any] = ()) -> tuple[pd.Index, np.ndarray]:
    """Give sorted categories, and for each value its place in them (-1: missing)."""
    ordered = sorted({*values, *more} - {None})
    place = {value: number for number, value in enumerate(ordered)} | {None: -1}
    return pd.Index(ordered, dtype=TEXT), np.array([place[value] for value in values], np.int64)


def _series(dtype: str, values: list[Any]) -> pd.Series:
    if dtype == "str":
        return pd.Series(values, dtype=TEXT)
    if dtype == "category":
        categories, places = _categories(values)
        return pd.Series(pd.Categorical.from_codes(places, categories))
    return pd.Series(values, dtype=dtype)


def _newest(data: dict[str, Any], status: np.ndarray, statuses: _Codes) -> np.ndarray:
    """Give the rows to keep, in order, where an id came more than once."""
    ids = pd.Series(data["job_id"])
    final = np.array([one in schema.TERMINAL_STATUSES for one in statuses.values_in_order()])[status]
    # Missing times sort first: NaT is the smallest integer.
    order = np.lexsort((np.arange(len(ids)), final, data["updated_at"].astype(np.int64)))
    last = ~ids.iloc[order].duplicated(keep="last").to_numpy()
    return np.sort(order[last])


def _times(texts: Sequence[str | None]) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Read a column of times; give also the row and text of each that isn't one."""
    try:
        times = pa.array(texts, pa.string(), memory_pool=_POOL).cast(pa.timestamp("us", "UTC"), memory_pool=_POOL)
        return times.to_numpy(zero_copy_only=False).astype("datetime64[us]"), []
    except (pa.ArrowInvalid, OverflowError):
        pass
    read = [answers.read_time(text) for text in texts]
    odd = [(row, text) for row, (text, time) in enumerate(zip(texts, read, strict=True)) if text and time is None]
    return np.array([_MISSING_TIME if time is None else time for time in read], "datetime64[us]"), odd


def _with_configuration(extra: str | None, configuration: str | None) -> str | None:
    if configuration is None:
        return extra
    return f'{extra[:-1]}, "configuration": {configuration}}}' if extra else f'{{"configuration": {configuration}}}'


def _with_key(extra: str | None, key: str, text: str) -> str:
    part = f'"{key}": {msgspec.json.encode(text).decode()}}}'
    return f"{extra[:-1]}, {part}" if extra else f"{{{part}"
