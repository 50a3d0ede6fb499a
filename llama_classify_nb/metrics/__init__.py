"""Questions to the table jobs: a DataFrame in, a new DataFrame out.

=============================================  ==========================
Which types do the answers give?               `type_breakdown`
How confident are the answers?                 `confidence_distribution`
Is one type answered less surely?              `confidence_by_type`
How many jobs finished, failed, are open?      `status_breakdown`
Why did jobs fail?                             `failure_templates`, `failure_assignments`
What lies behind it, and may a retry help?     `failure_causes`
Where do jobs fail more?                       `failure_rates`
Which unfinished jobs are stuck?               `stuck_jobs`
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
Which documents got another answer?            `flips`, `flip_flow`
Which of two configurations is right?          `flip_summary`
Is the same answered if asked again?           `rerun_stability`
Did the mix of types change, and when?         `type_drift`, `type_mix`
Did the confidences change, and when?          `confidence_drift`, `confidence_mix`
Which words mark a type, or unsure answers?    `reasoning_terms`
Which reasonings contradict their answer?      `reasoning_contradictions`
Which jobs say this?                           `search`
Which pages were to be read?                   `pages_in_scope`
What do jobs and accepted answers cost?        `costs`, `cost_curve`
How often does each rule win?                  `rule_usage`
Which rules get in each other's way?           `rule_overlap`
What is wrong with the rules as written?       `rule_lint`
Which rule sets are there, what changed?       `rule_sets`, `rule_diff`
Does a rule's place in the list matter?        `rule_position_effect`
Do people agree because they saw the answer?   `anchoring`
How far can a share be trusted?                `wilson`, `clopper_pearson`
=============================================  ==========================

Every function takes the table jobs first, then labels or a plan where it needs them, and the rest by keyword. It
leaves the tables as they are, and lists in its docstring each column that it returns. Most can ask for each value of a
column at once: ``by="type"``, ``by="rule_set"``. The package ``plots`` has a picture of the same name for each table.

What counts (types, outcomes, confidences, failures, durations, usage of rules, costs, drift) also takes the jobs of a
`scan`, which are in many files: each part gives a small table of counts, and these are merged, so that any split of the
jobs gives the same table. What compares jobs with each other, reads reasonings or needs labels takes tables alone.
"""

from __future__ import annotations

from .anchoring import anchoring
from .calibration import calibration_curve, calibration_scores, risk_coverage_curve
from .confidence import confidence_by_type, confidence_distribution
from .costs import cost_curve, costs
from .drift import confidence_drift, confidence_mix, type_drift, type_mix
from .estimate import accuracy_estimate
from .failure_causes import failure_causes
from .failures import failure_assignments, failure_rates, failure_templates
from .flips import flip_flow, flip_summary, flips
from .health import confidence_health
from .intervals import clopper_pearson, wilson
from .outcomes import status_breakdown
from .over_time import durations, jobs_over_time
from .pages import pages_in_scope
from .plan import audit_plan
from .reasoning_contradictions import reasoning_contradictions
from .reasoning_terms import reasoning_terms
from .reruns import rerun_stability
from .reviewers import label_suspects, reviewer_agreement
from .rule_diff import rule_diff
from .rule_lint import rule_lint
from .rule_overlap import rule_overlap
from .rule_position_effect import rule_position_effect
from .rule_usage import rule_sets, rule_usage
from .sample import draw_sample
from .scores import accuracy, confusion_matrix, scores_by_type
from .search import search
from .selection import select_jobs
from .shares import corrected_type_shares
from .stuck import stuck_jobs
from .threshold import precision_threshold
from .types import type_breakdown

__all__ = [
    "accuracy",
    "accuracy_estimate",
    "anchoring",
    "audit_plan",
    "calibration_curve",
    "calibration_scores",
    "clopper_pearson",
    "confidence_by_type",
    "confidence_distribution",
    "confidence_drift",
    "confidence_health",
    "confidence_mix",
    "confusion_matrix",
    "corrected_type_shares",
    "cost_curve",
    "costs",
    "draw_sample",
    "durations",
    "failure_assignments",
    "failure_causes",
    "failure_rates",
    "failure_templates",
    "flip_flow",
    "flip_summary",
    "flips",
    "jobs_over_time",
    "label_suspects",
    "pages_in_scope",
    "precision_threshold",
    "reasoning_contradictions",
    "reasoning_terms",
    "rerun_stability",
    "reviewer_agreement",
    "risk_coverage_curve",
    "rule_diff",
    "rule_lint",
    "rule_overlap",
    "rule_position_effect",
    "rule_sets",
    "rule_usage",
    "scores_by_type",
    "search",
    "select_jobs",
    "status_breakdown",
    "stuck_jobs",
    "type_breakdown",
    "type_drift",
    "type_mix",
    "wilson",
]


def __dir__() -> list[str]:
    """Show what is public: the modules are rooms behind the desk."""
    return __all__
