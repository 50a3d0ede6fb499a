"""When jobs were made and why they failed, counted as ``jobs_over_time`` and ``failure_causes`` do."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from ..metrics import _arguments, failure_assignments
from ..metrics._texts import some_rows
from ..metrics.failure_causes import FAMILIES, cause_of
from ..metrics.over_time import period_number, period_start
from ..plots.failure_causes import AGAIN

MOST_PERIODS = 120  # that a picture can tell apart
_LENGTHS = {"h": "hour", "D": "day", "W": "week", "M": "month"}


class LinkedCounts(NamedTuple):
    """The jobs of a selection, counted."""

    by_period: np.ndarray  # int64, a row for each outcome, a column for each period and a last one for no time
    by_cause: np.ndarray  # int64, a row for each cause, a column for each of AGAIN: whether asking again may help


class Linked:
    """The table jobs, prepared to be counted by period and by cause of failure.

    Parameters
    ----------
    jobs : DataFrame
        The table; it must not change while this is in use.

    Attributes
    ----------
    length : str
        What a period is: hour, day, week or month, the shortest that makes few enough.
    starts : ndarray of datetime64
        When each period begins (UTC): those between the first job and the last, or, where they are too many, those
        that have a job.
    causes : list of str
        The causes of failures that occur, the most frequent first.
    """

    def __init__(self, jobs: pd.DataFrame) -> None:
        self._outcome = _arguments.outcome_codes(jobs)
        self._make_periods(_arguments.creation_times(jobs))
        self._make_causes(jobs)

    def _make_periods(self, times: np.ndarray) -> None:
        dated = ~np.isnat(times)
        known = times[dated]
        ends = np.array([known.min(), known.max()]) if len(known) else known
        for freq, length in _LENGTHS.items():
            number = period_number(ends, freq)
            self.length = length
            if not len(number) or number[1] - number[0] < MOST_PERIODS:
                periods = np.arange(number[0], number[1] + 1) if len(number) else number
                number = period_number(known, freq)
                break
        else:
            number = period_number(known, freq)
            periods = np.unique(number)
        self.starts = period_start(periods, freq)
        self._n_periods = len(periods) + 1
        place = np.full(len(times), len(periods), np.intp)
        place[dated] = np.searchsorted(periods, number)
        self._cells = self._outcome * self._n_periods + place

    def _make_causes(self, jobs: pd.DataFrame) -> None:
        failed = np.flatnonzero(self._outcome == list(schema.OUTCOMES).index("failed"))
        some = some_rows(jobs[["outcome", "error_message", "created_at"]], failed)
        # Their places as ids: numbers are found faster than texts, and no two are alike.
        place = np.arange(len(some))
        template = failure_assignments(some.assign(job_id=place)).set_index("job_id")["template"].reindex(place)
        # The template tells the cause: messages are read once.
        code, kinds = pd.factorize(template)
        found = [cause_of(kind)[0] for kind in kinds]
        self.advice = pd.DataFrame(
            {
                "cause": pd.Categorical([one.cause for one in found], list(FAMILIES)),
                "retryable": pd.array([one.retryable for one in found], "boolean"),
                "next_step": [one.next_step for one in found],
            },
            index=kinds,
        )
        n = pd.Series(np.bincount(code, minlength=len(kinds)), kinds)
        totals = n.groupby(self.advice["cause"], observed=True).sum().sort_values(ascending=False, kind="stable")
        self.causes = [str(cause) for cause in totals.index]
        #: The template of each failed job, by its row.
        self.templates = pd.Series(template.to_numpy(dtype=object), index=failed)
        self._failed = failed
        cause_at = np.array([self.causes.index(one.cause) for one in found], np.intp)
        again = np.array([_again(one.retryable) for one in found], np.intp)
        self._causes = (cause_at * len(AGAIN) + again)[code]

    def counts(self, mask: np.ndarray) -> LinkedCounts:
        """Count the jobs of a mask."""
        n = len(schema.OUTCOMES)
        cells = np.bincount(self._cells.compress(mask), minlength=n * self._n_periods).reshape(n, -1)
        causes = np.bincount(self._causes.compress(mask.take(self._failed)), minlength=len(self.causes) * len(AGAIN))
        return LinkedCounts(cells, causes.reshape(-1, len(AGAIN)))


def _again(retryable: Any) -> int:
    """Give the place in ``AGAIN`` of whether asking again may help."""
    return list(AGAIN).index(-1 if pd.isna(retryable) else int(retryable))
