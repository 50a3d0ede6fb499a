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
How right are the labelled answers?            `accuracy`, `scores_by_type`
What is taken for what?                        `confusion_matrix`
Are confidences what they say?                 `calibration_curve`, `calibration_scores`
How many are wrong above a confidence?         `risk_coverage_curve`
Can confidences carry an audit?                `confidence_health`
Above which confidence may I stop checking?    `precision_threshold`
Who should be read?                            `audit_plan`, `draw_sample`
How right are all the answers?                 `accuracy_estimate`
How common is each type really?                `corrected_type_shares`
Which labels may be wrong?                     `label_suspects`, `reviewer_agreement`
How far can a share be trusted?                `wilson`, `clopper_pearson`
=============================================  ==========================

Every function takes the table jobs first, then labels or a plan where it needs them, and the rest by keyword. It
leaves the tables as they are, and lists in its docstring each column that it returns. Most can ask for each value of a
column at once: ``by="type"``, ``by="rule_set"``. The package ``plots`` has a picture of the same name for each table.
"""

from __future__ import annotations

from .calibration import calibration_curve, calibration_scores, risk_coverage_curve
from .confidence import confidence_by_type, confidence_distribution
from .estimate import accuracy_estimate
from .failures import failure_reasons
from .health import confidence_health
from .intervals import clopper_pearson, wilson
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .plan import audit_plan
from .reviewers import label_suspects, reviewer_agreement
from .sample import draw_sample
from .scores import accuracy, confusion_matrix, scores_by_type
from .selection import select_jobs
from .shares import corrected_type_shares
from .threshold import precision_threshold
from .types import type_breakdown

__all__ = [
    "accuracy",
    "accuracy_estimate",
    "audit_plan",
    "calibration_curve",
    "calibration_scores",
    "clopper_pearson",
    "confidence_by_type",
    "confidence_distribution",
    "confidence_health",
    "confusion_matrix",
    "corrected_type_shares",
    "draw_sample",
    "durations",
    "failure_reasons",
    "jobs_over_time",
    "label_suspects",
    "precision_threshold",
    "reviewer_agreement",
    "risk_coverage_curve",
    "scores_by_type",
    "select_jobs",
    "status_breakdown",
    "type_breakdown",
    "wilson",
]
