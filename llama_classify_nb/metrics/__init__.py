"""Questions to the table jobs: a DataFrame in, a new DataFrame out.

=============================================  ==========================
Which types do the answers give?               `type_breakdown`
How confident are the answers?                 `confidence_distribution`
Is one type answered less surely?              `confidence_by_type`
How many jobs finished, failed, are open?      `status_breakdown`
Why did jobs fail?                             `failure_reasons`
When were the jobs made?                       `jobs_over_time`
How long did they take?                        `durations`
Which jobs are these?                          `select_jobs`
How far can a share be trusted?                `wilson`, `clopper_pearson`
=============================================  ==========================

Every function takes the table first and the rest by keyword, leaves the table as it is, and lists in its docstring
each column that it returns. Most can ask for each value of a column at once: ``by="type"``, ``by="rule_set"``. The
package ``plots`` has a picture of the same name for each table.
"""

from __future__ import annotations

from .confidence import confidence_by_type, confidence_distribution
from .failures import failure_reasons
from .intervals import clopper_pearson, wilson
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .selection import select_jobs
from .types import type_breakdown

__all__ = [
    "clopper_pearson",
    "confidence_by_type",
    "confidence_distribution",
    "durations",
    "failure_reasons",
    "jobs_over_time",
    "select_jobs",
    "status_breakdown",
    "type_breakdown",
    "wilson",
]
