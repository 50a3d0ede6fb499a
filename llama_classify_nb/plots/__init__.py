"""Pictures of the tables of ``metrics``: the same names, the same arguments, and an Axes to draw on.

Every function takes what the metric of its name takes, calls that metric, draws its rows on ``ax`` and returns it.
Without ``ax`` it draws on a new figure of pyplot, which a notebook shows under the cell. Nothing is shown, saved or set
for other pictures. A type has the same colour and hatch in every picture of the same jobs.

Beside each stands ``draw_`` and its name, in the same module: the drawing alone, for who has the table already, such as
a report, which computes every table once.

=============================================  ==========================
Which types do the answers give?               `type_breakdown`
How confident are the answers?                 `confidence_distribution`
Is one type answered less surely?              `confidence_by_type`
How many jobs finished, failed, are open?      `status_breakdown`
Why did jobs fail?                             `failure_templates`
What lies behind it, and may a retry help?     `failure_causes`
Where do jobs fail more?                       `failure_rates`
Which unfinished jobs are stuck?               `stuck_jobs`
When were the jobs made?                       `jobs_over_time`
How long did they take?                        `durations`
How right are the answers of each type?        `scores_by_type`
What is taken for what?                        `confusion_matrix`
Are confidences what they say?                 `calibration_curve`
How many are wrong above a confidence?         `risk_coverage_curve`
Above which confidence may I stop checking?    `precision_threshold`
Who should be read?                            `audit_plan`
How common is each type really?                `corrected_type_shares`
From which type to which did answers go?       `flip_flow`
Is the same answered if asked again?           `rerun_stability`
Did the mix of types change, and when?         `type_drift`
Did the confidences change, and when?          `confidence_drift`
Which words mark a type, or unsure answers?    `reasoning_terms`
Which reasonings contradict their answer?      `reasoning_contradictions`
Which pages were to be read?                   `pages_in_scope`
What do jobs and accepted answers cost?        `costs`, `cost_curve`
How often does each rule win?                  `rule_usage`
Which rules get in each other's way?           `rule_overlap`
What is wrong with the rules as written?       `rule_lint`
Which rule sets are there, what changed?       `rule_sets`, `rule_diff`
Does a rule's place in the list matter?        `rule_position_effect`
Do people agree because they saw the answer?   `anchoring`
=============================================  ==========================
"""

from __future__ import annotations

from .anchoring import anchoring
from .calibration import calibration_curve, risk_coverage_curve
from .confidence import confidence_by_type, confidence_distribution
from .costs import cost_curve, costs
from .drift import confidence_drift, type_drift
from .failure_causes import failure_causes
from .failures import failure_rates, failure_templates
from .flips import flip_flow
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .pages import pages_in_scope
from .plan import audit_plan
from .reasoning_contradictions import reasoning_contradictions
from .reasoning_terms import reasoning_terms
from .reruns import rerun_stability
from .rule_diff import rule_diff
from .rule_lint import rule_lint
from .rule_overlap import rule_overlap
from .rule_position_effect import rule_position_effect
from .rule_usage import rule_sets, rule_usage
from .scores import confusion_matrix, scores_by_type
from .shares import corrected_type_shares
from .stuck import stuck_jobs
from .threshold import precision_threshold
from .types import type_breakdown

__all__ = [
    "anchoring",
    "audit_plan",
    "calibration_curve",
    "confidence_by_type",
    "confidence_distribution",
    "confidence_drift",
    "confusion_matrix",
    "corrected_type_shares",
    "cost_curve",
    "costs",
    "durations",
    "failure_causes",
    "failure_rates",
    "failure_templates",
    "flip_flow",
    "jobs_over_time",
    "pages_in_scope",
    "precision_threshold",
    "reasoning_contradictions",
    "reasoning_terms",
    "rerun_stability",
    "risk_coverage_curve",
    "rule_diff",
    "rule_lint",
    "rule_overlap",
    "rule_position_effect",
    "rule_sets",
    "rule_usage",
    "scores_by_type",
    "status_breakdown",
    "stuck_jobs",
    "type_breakdown",
    "type_drift",
]


def __dir__() -> list[str]:
    """Show what is public: the modules are rooms behind the desk."""
    return __all__
