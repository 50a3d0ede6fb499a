"""Pictures of the tables of ``metrics``: the same names, the same arguments, and an Axes to draw on.

Every function takes what the metric of its name takes, calls that metric, draws its rows on ``ax`` and returns it.
Without ``ax`` it draws on a new figure of pyplot, which a notebook shows under the cell. Nothing is shown, saved or set
for other pictures. A type has the same colour and hatch in every picture of the same jobs.

=============================================  ==========================
Which types do the answers give?               `type_breakdown`
How confident are the answers?                 `confidence_distribution`
Is one type answered less surely?              `confidence_by_type`
How many jobs finished, failed, are open?      `status_breakdown`
Why did jobs fail?                             `failure_reasons`
When were the jobs made?                       `jobs_over_time`
How long did they take?                        `durations`
How right are the answers of each type?        `scores_by_type`
What is taken for what?                        `confusion_matrix`
Are confidences what they say?                 `calibration_curve`
How many are wrong above a confidence?         `risk_coverage_curve`
Above which confidence may I stop checking?    `precision_threshold`
Who should be read?                            `audit_plan`
How common is each type really?                `corrected_type_shares`
Do people agree because they saw the answer?   `anchoring`
=============================================  ==========================
"""

from __future__ import annotations

from .anchoring import anchoring
from .calibration import calibration_curve, risk_coverage_curve
from .confidence import confidence_by_type, confidence_distribution
from .failures import failure_reasons
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .plan import audit_plan
from .scores import confusion_matrix, scores_by_type
from .shares import corrected_type_shares
from .threshold import precision_threshold
from .types import type_breakdown

__all__ = [
    "anchoring",
    "audit_plan",
    "calibration_curve",
    "confidence_by_type",
    "confidence_distribution",
    "confusion_matrix",
    "corrected_type_shares",
    "durations",
    "failure_reasons",
    "jobs_over_time",
    "precision_threshold",
    "risk_coverage_curve",
    "scores_by_type",
    "status_breakdown",
    "type_breakdown",
]
