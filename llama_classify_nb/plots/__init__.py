"""Pictures of the tables of ``metrics``: the same names, the same arguments, and an Axes to draw on.

Every function takes the table jobs first and the rest by keyword, calls the metric of its own name, draws its rows on
``ax`` and returns it. Without ``ax`` it draws on a new figure of pyplot, which a notebook shows under the cell. Nothing
is shown, saved or set for other pictures. A type has the same colour and hatch in every picture of the same jobs.

=============================================  ==========================
Which types do the answers give?               `type_breakdown`
How confident are the answers?                 `confidence_distribution`
Is one type answered less surely?              `confidence_by_type`
How many jobs finished, failed, are open?      `status_breakdown`
Why did jobs fail?                             `failure_reasons`
When were the jobs made?                       `jobs_over_time`
How long did they take?                        `durations`
=============================================  ==========================
"""

from __future__ import annotations

from .confidence import confidence_by_type, confidence_distribution
from .failures import failure_reasons
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .types import type_breakdown

__all__ = [
    "confidence_by_type",
    "confidence_distribution",
    "durations",
    "failure_reasons",
    "jobs_over_time",
    "status_breakdown",
    "type_breakdown",
]
