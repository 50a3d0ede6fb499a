"""The runs of a document: which jobs asked about the same file, in which order, and which was the last."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import schema
from . import _arguments
from ._texts import codes

#: What a job was asked besides the file: who changes one of these asks another question.
QUESTION = ("rule_set", "configuration_id")
#: How the file was to be read: who changes one of these asks the same, perhaps of other pages.
SETTINGS = ("mode", "lang", "max_pages", "target_pages")
_MOST_CODES = 1 << 62  # that an integer tells apart


def file_codes(jobs: pd.DataFrame) -> np.ndarray:
    """Number the files that jobs are about; -1 is a job without one."""
    _arguments.need_columns(jobs, "file_input")
    return codes(jobs["file_input"])


def question_codes(jobs: pd.DataFrame) -> np.ndarray:
    """Number what was asked: the file, the rules and the saved configuration; -1 is a job without a file."""
    code = file_codes(jobs)
    return np.where(code >= 0, _crossed(jobs, code, QUESTION), -1)


def settings_codes(jobs: pd.DataFrame) -> np.ndarray:
    """Number how the file was to be read."""
    return _crossed(jobs, np.zeros(len(jobs), np.int64), SETTINGS)


def _crossed(jobs: pd.DataFrame, code: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """Number the combinations of a code and those of the columns that jobs has; a missing value is one of its own."""
    most = int(code.max(initial=0)) + 1
    for column in columns:
        if column in jobs.columns:
            part = pd.factorize(jobs[column])[0].astype(np.int64) + 1
            size = int(part.max(initial=0)) + 1
            if most * size > _MOST_CODES:
                code = pd.factorize(code)[0]
                most = int(code.max(initial=0)) + 1
            code, most = code * size + part, most * size
    return pd.factorize(code)[0]


def answered(jobs: pd.DataFrame) -> np.ndarray:
    """Tell which jobs have an answer: a rule matched, or none."""
    return _arguments.has_outcome(jobs, schema.ANSWERED_OUTCOMES)


def in_order(jobs: pd.DataFrame, code: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Give the rows in use, sorted by code, then time (without one: first), then ``job_id``."""
    rows = np.flatnonzero(use & (code >= 0))
    times = _arguments.creation_times(jobs)[rows].view(np.int64)  # NaT is the least integer
    code = code[rows]
    order = np.lexsort((times, code))
    after = (code[order][1:] == code[order][:-1]) & (times[order][1:] == times[order][:-1])
    if after.any():
        tied = np.zeros(len(rows), bool)
        tied[order[1:][after]] = tied[order[:-1][after]] = True
        rank = np.zeros(len(rows), np.int64)
        # Few jobs share a file and a moment: only theirs are compared as texts.
        ids = jobs["job_id"].iloc[rows[tied]].astype(str).to_numpy(dtype=object)
        rank[tied] = np.argsort(np.argsort(ids, kind="stable"))
        order = np.lexsort((rank, times, code))
    return rows[order]


def latest(jobs: pd.DataFrame, code: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the codes that the jobs in use have, ascending, and the row of the last job of each."""
    rows = in_order(jobs, code, use)
    last = np.append(code[rows][1:] != code[rows][:-1], True)[: len(rows)]
    return code[rows][last], rows[last]
