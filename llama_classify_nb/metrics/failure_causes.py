"""What lies behind a failure, and whether asking again may help, by a table of patterns that anyone can read."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from .failures import failure_templates


class Cause(NamedTuple):
    """A row of the table: what a template says, what that means, and what to do."""

    cause: str
    retryable: bool | None
    pattern: str
    next_step: str


#: The families of causes, as a picture shows them.
FAMILIES = (
    "input",
    "encryption",
    "empty",
    "size",
    "unsupported",
    "configuration",
    "time-out",
    "quota",
    "permission",
    "service",
    "answer",
    "unknown",
)

#: What is looked for in a template, from above to below: the first row that fits tells. Case doesn't matter. Whoever
#: reads a template as another cause than this table does, finds here why.
CAUSES = (
    Cause(
        "quota",
        True,
        r"rate.?limit|too many requests|\bHTTP\D{0,12}429\b|\b429 Client Error|slow ?down\b|throttl",
        "Ask again later, and slower.",
    ),
    Cause(
        "quota",
        False,
        r"\bquota\b|credits? (?:are |is )?(?:exhausted|used up|exceeded)|(?:insufficient|out of|no) (?:credits?|funds)"
        r"|payment required|\bHTTP\D{0,12}402\b|\b402 Client Error",
        "Raise the limit or buy credits, then run these jobs again.",
    ),
    Cause(
        "permission",
        False,
        r"unauthori[sz]ed|\bforbidden\b|(?:permission|access|relay access) denied|accessdenied|PermissionError"
        r"|authenticat\w* (?:failed|failure|error)"
        r"|(?:invalid|missing|expired|revoked) (?:api )?(?:key|token|credentials?)\b"
        r"|\bHTTP\D{0,12}40[13]\b|\b40[13] Client Error",
        "Give the account or the link the right to read the document.",
    ),
    Cause(
        "encryption",
        False,
        r"encrypt|decrypt|password",
        "Hand the document in without encryption or password.",
    ),
    Cause(
        "service",
        True,
        r"connection (?:was |is )?(?:refused|reset|aborted|closed|broken|lost|error)|lost connection|ConnectionError"
        r"|broken pipe|bad gateway|service (?:is )?(?:temporarily )?unavailable|temporarily unavailable|overloaded"
        r"|internal (?:server )?error|max retries exceeded|network is unreachable|worker .{0,40}(?:died|lost|crashed)"
        r"|try again later|\bHTTP\D{0,12}50[0235679]\b|\b50[0235679] Server Error|certificate verify failed",
        "Ask again later; if it stays, report it with the example's id.",
    ),
    Cause(
        "time-out",
        True,
        r"timed?[ -]?outs?(?![a-z])|TimeoutE|deadline exceeded|did not finish (?:with)?in|took too long"
        r"|\bHTTP\D{0,12}(?:408|504)\b"
        r"|\b(?:408 Client|504 Server) Error",
        "Ask again; if it stays, ask for fewer pages with target_pages or max_pages.",
    ),
    Cause(
        "size",
        False,
        r"too (?:large|big|long|many pages)|exceed(?:s|ed|ing)? (?:the |its |of )?(?:max|limit|allowed)"
        r"|decompression ?bomb|LimitReached|\bHTTP\D{0,12}413\b|\b413 Client Error|context (?:length|window)"
        r"|resolution .{0,40}below minimum",
        "Split or shrink the document, or ask for fewer pages with target_pages or max_pages.",
    ),
    Cause(
        "configuration",
        False,
        r"(?:invalid|unknown|missing|bad|no) (?:configuration|rules?|page range|target_pages|max_pages|lang\w*|mode)\b"
        r"|\bconfiguration .{0,40}(?:not found|invalid|does not exist)|rule .{0,40}(?:has no|invalid|missing|too)"
        r"|language .{0,40}not supported|field required|validation error",
        "Mend the configuration that these jobs ran with.",
    ),
    Cause(
        "unsupported",
        False,
        r"unsupported|not supported|not ?implemented|(?:unknown|unrecogni[sz]ed) (?:file |media |image |document )?"
        r"(?:type|format|extension)|cannot identify|unidentified|unable to locate \w+ on path"
        r"|\bbinary is not available|is required for \w+\. install|\bHTTP\D{0,12}415\b",
        "Convert the document to a common format, such as a plain PDF or PNG.",
    ),
    Cause(
        "empty",
        False,
        r"\bempty ?(?:page|file|document|text|input|result)|(?:page|file|document|text|input|it) .{0,60}\bis empty\b"
        r"|\bblank page|no (?:text|pages?|content)\b|(?:zero|<size>|0|<n>) bytes of text",
        "Look at the page: it may be blank or scanned too faintly to read.",
    ),
    Cause(
        "answer",
        True,
        r"(?:response|answer|output) .{0,60}(?:could not|cannot|can't) be (?:parsed|read|used)"
        r"|could be read from the model|JSONDecodeError|invalid json",
        "Ask again: the model's answer could not be used, and another one may be.",
    ),
    Cause(
        "input",
        False,
        r"\bHTTP\D{0,12}(?:404|410)\b|\b4(?:04|10) Client Error|no such file|FileNotFound"
        r"|(?:file|document|url|job|input) (?:<\w+> |<\*> )?(?:was |is )?(?:not found|missing|does not exist"
        r"|gone)|could not resolve host"
        r"|name or service not known",
        "Check that the document is still where these jobs look for it.",
    ),
    Cause(
        "input",
        False,
        r"\bbroken\b|corrupt|damaged|malformed|truncated|\bxref\b|startxref|\bEOF marker|endstream"
        r"|\bPdf(?:Read|Stream)Error|\bPDFSyntaxError|\bPSSyntaxError|is this really a PDF|checksum mismatch"
        r"|decoder error|cannot load this image"
        r"|(?:overrun|data stream|contents) when reading image|bounding box|(?:hexadecimal|odd-length|ascii85)"
        r"|codec can't decode|invalid (?:palette|header|pdf|image|dictionary|stream)",
        "Open the document to see whether it is damaged, and hand it in anew.",
    ),
)
_UNKNOWN = Cause("unknown", None, "", "Read the example.")
_COMPILED = tuple((re.compile(cause.pattern, re.IGNORECASE), cause) for cause in CAUSES)


def failure_causes(jobs: pd.DataFrame) -> pd.DataFrame:
    """What lies behind the failures, and may asking again help?

    The cause is read from the template alone, by the table ``failure_causes.CAUSES`` of the module: a pattern, its
    cause, whether to retry, and what to do. The first pattern found in the template tells. A template that none fits
    is of unknown cause: a wrong cause costs more than none.

    Parameters
    ----------
    jobs : DataFrame
        As for :func:`failure_templates`.

    Returns
    -------
    DataFrame
        A row for each template, in the order of :func:`failure_templates`.

        * ``template`` (text): as there;
        * ``count`` (int64, jobs): failed jobs with it;
        * ``share`` (float64, 0 to 1): count / all failed jobs;
        * ``cause`` (category): input (damaged, or not there), encryption, empty, size, unsupported, configuration,
          time-out, quota, permission, service, answer (the model's could not be used) or unknown;
        * ``retryable`` (boolean): whether asking again as it is may help; missing: unknown;
        * ``next_step`` (text): what to do, in words;
        * ``evidence`` (text): the words of the template that told; missing: none did;
        * ``example_job_id`` (text): the earliest job with it.

        No failed jobs: no rows. One: one row, with share 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b"],
    ...     "outcome": "failed",
    ...     "error_message": ["HTTP 503 from upstream", "File x.pdf is encrypted"],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03"], utc=True),
    ... })
    >>> failure_causes(jobs)[["template", "cause", "retryable", "evidence"]]
                       template       cause  retryable  evidence
    0  File <file> is encrypted  encryption      False   encrypt
    1    HTTP 503 from upstream     service       True  HTTP 503
    """
    table = failure_templates(jobs)[["template", "count", "share", "example_job_id"]]
    found = [cause_of(template) for template in table["template"]]
    causes, evidence = [cause for cause, _ in found], [words for _, words in found]
    table["cause"] = pd.Categorical([cause.cause for cause in causes], list(FAMILIES))
    table["retryable"] = pd.array([pd.NA if one.retryable is None else one.retryable for one in causes], "boolean")
    table["next_step"] = pd.Series([cause.next_step for cause in causes], dtype=schema.TEXT)
    table["evidence"] = pd.Series(evidence, dtype=schema.TEXT)
    order = ["template", "count", "share", "cause", "retryable", "next_step", "evidence", "example_job_id"]
    return table[order]


def cause_of(template: str) -> tuple[Cause, str | float]:
    """Give the cause of the failures with a template, and the words that told."""
    for pattern, cause in _COMPILED:
        found = pattern.search(template)
        if found:
            return cause, found[0]
    return _UNKNOWN, np.nan
