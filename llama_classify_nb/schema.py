"""Every column and every vocabulary of the tables, declared once, as data.

``frames.py`` builds its tables in this order and with these dtypes, the report prints them as ``columns.csv``, and the
README's table is held to them by a test. Nothing here computes anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

if tuple(map(int, pd.__version__.split(".")[:2])) < (2, 2):
    raise ImportError(
        f"pandas {pd.__version__} is installed, and llama_classify_nb needs 2.2 or newer: "
        "pip install -U 'pandas>=2.2', then restart the kernel"
    )

#: The dtype of text, ``str`` below: Arrow's UTF-8 with NaN for missing, as pandas 3 has it by default.
TEXT = (
    pd.StringDtype("pyarrow", na_value=np.nan) if pd.__version__ >= "2.3" else pd.StringDtype("pyarrow_numpy")  # type: ignore[call-overload]  # its name in pandas 2.2
)


class Column(NamedTuple):
    """One column of a table: its name, its pandas dtype, what it means, and its unit."""

    name: str
    dtype: str
    meaning: str
    unit: str = ""


#: The statuses that the API documents. Any other word in capitals is taken as it comes and counts as unfinished.
STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")

#: The statuses after which a job no longer changes.
TERMINAL_STATUSES = ("COMPLETED", "FAILED", "CANCELLED")

#: What became of a job: each job has exactly one outcome. It follows from the status first, never from which fields
#: are filled: an unfinished or failed job that carries a result stays unfinished or failed.
OUTCOMES = {
    "matched": "finished: a rule matched, and the answer has a confidence",
    "no_match": "finished: no rule matched (type is missing), and the answer has a confidence",
    "unscored": "finished, but without a result or without a confidence",
    "failed": "the job failed; error_message may say why",
    "cancelled": "the job was cancelled",
    "unfinished": "pending, running, or a status that is not known to be final",
}

#: The outcomes whose confidence and type are an answer that a metric may count.
ANSWERED_OUTCOMES = ("matched", "no_match")

#: Why something that was asked for is not a row of ``jobs``.
PROBLEM_KINDS = {
    "not_found": "the service knows no such job (404), or keeps it no longer (410)",
    "refused": "the service refused this one request (400, 403, 422, 451)",
    "unauthorized": "the key was not accepted (401), or credits are out (402): the fetch stopped",
    "unavailable": "the service could not be reached, or kept failing, until patience ran out",
    "invalid_answer": "an answer came that is not a job of the documented shape",
    "invalid_id": "what was asked for cannot be the id of a job; no request was made",
    "not_fetched": "the fetch ended (stopped, out of time or budget) before it came to this job",
}

JOBS = (
    Column("job_id", "str", "id of the job, as the API gave it; unique"),
    Column("status", "category", "status of the job, in the API's words"),
    Column("outcome", "category", "what became of the job: " + ", ".join(OUTCOMES)),
    Column(
        "type",
        "category",
        "type that the answer assigns; missing: no rule matched, or no answer. Its categories are every type that a "
        "rule of these jobs names or that an answer gave",
    ),
    Column("confidence", "float64", "stated confidence of the answer, 0 to 1; missing: not scored", "0 to 1"),
    Column("reasoning", "str", "reasoning of the answer: free text, written by a model"),
    Column("error_message", "str", "message of a failed job, or a warning: free text"),
    Column("rule_set", "category", "fingerprint of the rules that the job ran with; key of the table rules"),
    Column("configuration_id", "category", "id of the saved configuration, if one was used"),
    Column("mode", "category", "mode of the configuration"),
    Column("lang", "category", "language that the parser was told to expect, ISO 639-1"),
    Column("max_pages", "Int64", "most pages that the parser was told to read", "pages"),
    Column("target_pages", "category", "pages that the parser was told to read, 1-based numbers and ranges"),
    Column("n_rules", "int32", "number of rules that the job ran with", "rules"),
    Column("document_input_type", "category", "how the document was handed in: url, file_id or parse_job_id"),
    Column("file_input", "str", "id or URL of the document"),
    Column("parse_job_id", "str", "id of the parse job that read the document"),
    Column("project_id", "category", "id of the project"),
    Column("user_id", "category", "id of the user who started the job"),
    Column("transaction_id", "str", "idempotency key given by the caller"),
    Column(
        "created_at", "datetime64[us, UTC]", "when the job was created; a time without a zone is read as UTC", "UTC"
    ),
    Column(
        "updated_at", "datetime64[us, UTC]", "when the job last changed; a time without a zone is read as UTC", "UTC"
    ),
    Column("duration_s", "float64", "updated_at minus created_at, in seconds, as the API stated them", "seconds"),
    Column("credits", "float64", "credits billed for the classification, where usage was asked for", "credits"),
    Column("parse_credits", "float64", "credits billed for parsing, where usage was asked for", "credits"),
    Column("extra", "str", "JSON of whatever else the answer held: unknown keys, and times that could not be read"),
)

RULES = (
    Column("rule_set", "category", "fingerprint of the rules, taken in order: type and description of each"),
    Column("position", "int32", "place of the rule in its rule set, from 0"),
    Column("type", "category", "type that the rule assigns"),
    Column("description", "str", "what the rule asks for, in plain language"),
    Column("n_jobs", "int64", "number of jobs that ran with this rule set", "jobs"),
    Column("n_matched", "int64", "number of those jobs, outcome matched, whose type is this rule's type", "jobs"),
)

JOB_RULES = (
    Column("job_id", "str", "id of the job"),
    Column("position", "int32", "place of the rule in the job's rule set, from 0"),
    Column("type", "category", "type that the rule assigns"),
    Column("description", "category", "what the rule asks for, in plain language"),
    Column("matched", "bool", "whether the job's outcome is matched and its type is this rule's type"),
)

PROBLEMS = (
    Column("job_id", "str", "id that was asked for or read; missing where none could be read"),
    Column("kind", "category", "why there is no row in jobs: " + ", ".join(PROBLEM_KINDS)),
    Column("status_code", "Int64", "HTTP status of the last answer; missing: no answer, or read from a file"),
    Column("message", "str", "what happened, in a sentence"),
    Column("retryable", "bool", "whether asking again later may help"),
    Column("attempts", "int32", "number of requests made for it", "requests"),
)

#: The tables of a JobSet by name.
TABLES = {"jobs": JOBS, "rules": RULES, "job_rules": JOB_RULES, "problems": PROBLEMS}
