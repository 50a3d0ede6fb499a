"""Answers to tables: bytes of jobs in, DataFrames of ``schema.py`` out.

A million jobs pass through here, so the steps are shaped by what a processor does well. Jobs come in blocks of about
500, small enough to stay in its cache; their fields are transposed into columns in C; few-valued columns become small
integers; texts and times go to Arrow at once. A configuration is known by its bytes and read once, however many jobs
ran with it. Nothing loops over jobs in Python but what an odd block needs, and an odd line costs only its own block.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import answers, schema, timestamps
from .columns import POOL, Codes, column, joined, numbered, sorted_categories, text_chunk, texts
from .exceptions import InvalidAnswerError
from .rule_sets import RuleSets
from .schema import TEXT

_TEXTS = ("job_id", "reasoning", "error_message", "file_input", "parse_job_id", "transaction_id", "extra")
_NUMBERS = ("confidence", "credits", "parse_credits")
_TIMES = ("created_at", "updated_at")
_CODED = ("status", "type", "configuration_id", "document_input_type", "project_id", "user_id")
_OUTCOMES = {outcome: code for code, outcome in enumerate(schema.OUTCOMES)}
_NO_RESULT, _NO_USAGE = answers.Result(), answers.Usage()
_MISSING_TIME = np.datetime64("NaT", "us")


class Tables(NamedTuple):
    """The tables that one pass over answers gives."""

    jobs: pd.DataFrame
    rules: pd.DataFrame
    problem_rows: list[tuple[Any, ...]]  # in the order of schema.PROBLEMS
    n_repeated: int  # answers left out because a newer one of the same job was there
    n_odd_times: int  # times that couldn't be read; their texts stand in `extra`

    def in_order(self, job_ids: Sequence[str]) -> Tables:
        """Give the tables with the jobs in this order, which holds all of them."""
        place = pd.Index(list(job_ids), dtype=TEXT).get_indexer(pd.Index(self.jobs["job_id"]))
        if (np.diff(place) > 0).all():
            return self
        return self._replace(jobs=self.jobs.take(np.argsort(place)).reset_index(drop=True))


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
        with _collector_paused():
            builder.add(block)
    return builder.finish()


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python from looking for garbage: a block makes thousands of objects, no two of which hold each other.

    The looks cost a twentieth of the time, and far more where the caller holds much, all of which is looked at.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def problems_table(rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """Make the table ``problems`` of rows in the order of ``schema.PROBLEMS``."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema.PROBLEMS)
    data = {one.name: column(one.dtype, list(values)) for one, values in zip(schema.PROBLEMS, columns, strict=True)}
    return pd.DataFrame(data)


def job_rules_table(jobs: pd.DataFrame, rules: pd.DataFrame) -> pd.DataFrame:
    """Make the long table ``job_rules``: a row per job and rule of its rule set, in the jobs' order.

    It is made of the two tables by repeating integers, never from JSON: a million jobs of six rules take a second.
    """
    order = rules["rule_set"].cat.categories
    of_rule = rules["rule_set"].cat.codes.to_numpy()
    count = np.bincount(of_rule, minlength=len(order))
    first = np.zeros(len(order), np.int64)
    begins = np.flatnonzero(rules["position"].to_numpy() == 0)
    first[of_rule[begins]] = begins
    of_job = order.get_indexer(pd.Index(jobs["rule_set"].astype(TEXT)))
    n = count[of_job]
    job = np.repeat(np.arange(len(jobs)), n)
    position = numbered(n)
    row = first[of_job][job] + position
    types = rules["type"].cat.categories
    answered = np.where(
        jobs["outcome"].to_numpy() == "matched", types.get_indexer(pd.Index(jobs["type"].astype(TEXT))), np.int64(-2)
    )
    rule_type = rules["type"].cat.codes.to_numpy()[row]
    descriptions, description_codes = sorted_categories(rules["description"].tolist())
    return pd.DataFrame(
        {
            "job_id": jobs["job_id"].array.take(job),
            "position": position.astype(np.int32),
            "type": pd.Categorical.from_codes(rule_type, types),
            "description": pd.Categorical.from_codes(description_codes[row], descriptions),
            "matched": answered[job] == rule_type,
        }
    )


class _Builder:
    def __init__(self) -> None:
        self.codes = {name: Codes() for name in _CODED}
        self.rule_sets = RuleSets(self.codes["type"])
        self.chunks: dict[str, list[Any]] = {name: [] for name in (*_TEXTS, *_NUMBERS, *_TIMES, *_CODED)}
        self.chunks["configuration"] = []
        self.problems: list[tuple[Any, ...]] = []
        self.n_odd_times = 0

    def add(self, block: bytes) -> None:
        """Take a block of lines; if any is spoiled, line by line."""
        errors = self.rule_sets.errors
        try:
            jobs, known = answers.read_lines(block)
            numbers = self.rule_sets.numbers(jobs)
            is_sound = not errors or errors.keys().isdisjoint(numbers.tolist())
        except InvalidAnswerError:
            is_sound = False
        if not is_sound:
            jobs, block = self._one_by_one(block)
            known, numbers = False, self.rule_sets.numbers(jobs)
        extra: list[str | None] = [None] * len(jobs)
        if not known:
            extra = [answers.unknown_keys(line) for line in block.split(b"\n") if line.strip()]
        self._append(jobs, extra, numbers)

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
            (number,) = self.rule_sets.numbers([job]).tolist()
            if number in self.rule_sets.errors:
                self._problem(job.id, self.rule_sets.errors[number])
                continue
            jobs.append(job)
            lines.append(line)
        return jobs, b"\n".join(lines)

    def _problem(self, job_id: str | None, message: str) -> None:
        self.problems.append((job_id, "invalid_answer", None, message, False, 0))

    def _append(self, jobs: Sequence[answers.Job], extra: list[str | None], numbers: np.ndarray) -> None:
        """Transpose jobs into columns, in C, and hand them to Arrow."""
        if not jobs:
            return
        fields: dict[str, Any] = _transpose(jobs, answers.Job)
        fields["job_id"] = fields["id"]
        if None in fields["file_input"]:
            old_name = fields["document_input_value"]
            fields["file_input"] = [
                old if new is None else new for new, old in zip(fields["file_input"], old_name, strict=True)
            ]
        fields |= _transpose([result or _NO_RESULT for result in fields["result"]], answers.Result)
        usages = fields["usage"]
        fields |= _transpose([usage or _NO_USAGE for usage in usages], answers.Usage) if any(usages) else {}
        if more := self.rule_sets.extras:
            extra = [_with_configuration(one, more.get(n)) for one, n in zip(extra, numbers.tolist(), strict=True)]
        for name in _TIMES:
            fields[name], odd = _times(fields[name])
            for row, text in odd:
                extra[row] = _with_key(extra[row], name, text)
                self.n_odd_times += 1
        fields["extra"] = extra
        for name in _TEXTS:
            self.chunks[name].append(text_chunk(fields[name]))
        for name in _NUMBERS:
            values = fields.get(name)
            self.chunks[name].append(
                np.full(len(jobs), np.nan) if values is None else np.array(values, dtype=np.float64)
            )
        for name in _TIMES:
            self.chunks[name].append(fields[name])
        for name, codes in self.codes.items():
            self.chunks[name].append(codes.encode(fields[name]))
        self.chunks["configuration"].append(numbers)

    def finish(self) -> Tables:
        """Join the chunks into tables."""
        n = sum(map(len, self.chunks["configuration"]))
        data: dict[str, Any] = {name: joined(self.chunks.pop(name), np.float64) for name in _NUMBERS}
        data |= {name: joined(self.chunks.pop(name), "datetime64[us]") for name in _TIMES}
        ids = pa.chunked_array(self.chunks["job_id"], pa.large_string())
        is_unique = pc.count_distinct(ids, memory_pool=POOL).as_py() == n
        data |= {name: texts(self.chunks.pop(name)) for name in _TEXTS}
        codes = {name: joined(self.chunks.pop(name), np.int32) for name in (*_CODED, "configuration")}
        rows = None if is_unique else _newest(data, codes["status"], self.codes["status"])
        if rows is not None:
            data = {name: values.take(rows) for name, values in data.items()}
            codes = {name: values.take(rows) for name, values in codes.items()}
        jobs = self._jobs(data, codes)
        return Tables(jobs, self.rule_sets.table(jobs), self.problems, n - len(jobs), self.n_odd_times)

    def _jobs(self, data: dict[str, Any], codes: dict[str, np.ndarray]) -> pd.DataFrame:
        number = codes.pop("configuration")
        data["outcome"] = self._outcome(data["confidence"], codes)
        data |= {name: self.codes[name].categorical(codes[name]) for name in _CODED}
        data |= self.rule_sets.columns(number)
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


def _transpose(structs: Sequence[msgspec.Struct], kind: type[msgspec.Struct]) -> dict[str, Sequence[Any]]:
    return dict(zip(kind.__struct_fields__, zip(*map(msgspec.structs.astuple, structs), strict=True), strict=True))


def _newest(data: dict[str, Any], status: np.ndarray, statuses: Codes) -> np.ndarray:
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
        times = pa.array(texts, pa.string(), memory_pool=POOL).cast(pa.timestamp("us", "UTC"), memory_pool=POOL)
        return times.to_numpy(zero_copy_only=False).astype("datetime64[us]"), []
    except (pa.ArrowInvalid, OverflowError):
        pass
    read = [timestamps.read_time(text) for text in texts]
    odd = [(row, text) for row, (text, time) in enumerate(zip(texts, read, strict=True)) if text and time is None]
    return np.array([_MISSING_TIME if time is None else time for time in read], "datetime64[us]"), odd


def _with_configuration(extra: str | None, configuration: str | None) -> str | None:
    if configuration is None:
        return extra
    return f'{extra[:-1]}, "configuration": {configuration}}}' if extra else f'{{"configuration": {configuration}}}'


def _with_key(extra: str | None, key: str, text: str) -> str:
    part = f'"{key}": {msgspec.json.encode(text).decode()}}}'
    return f"{extra[:-1]}, {part}" if extra else f"{{{part}"
