"""Why jobs failed: their messages, grouped by what they say."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from . import _arguments, _counts

#: The reason of failed jobs that came without a message.
NO_MESSAGE = "no message"

# A reason is a sentence: what comes after this many characters doesn't tell failures apart.
_LONGEST = 1000

_EXTENSIONS = (
    "pdf|tiff?|png|jpe?g|jp2|gif|bmp|webp|svg|eps|ps|docx?|xlsx?|pptx?|odt|ods|odp|rtf|txt|csv|tsv|json|jsonl|xml|html?|md|"
    "eml|msg|zip|gz|tar|7z|py|log|tmp|bin|parquet"
)

# What varies from job to job, and the word that stands for it; of two that begin at one place, the upper one wins.
# Every pattern is bounded or moves on through characters that end it, so that the time grows with the text alone.
_VARIABLE = re.compile(
    r"""
      (?P<kept>\b(?:https?(?:/\d\.\d)?|status(?:[ ]code)?|code|errno|error(?:[ ]code)?)[ =:][ ]?
               [-]?(?:0x[0-9a-f]{1,8}|\d{1,4})(?![\w.%]))
    | (?P<url>\b[a-z][a-z0-9+.-]{1,15}://[^\s'"<>`)\]]+)
    | (?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8})
    | (?P<bytes>'b'[^'\n]{0,400}'')
    | (?P<text>(?<!\w)b?(?:'[^'\n]{0,400}'(?!\w)'* | "[^"\n]{0,400}"(?!\w) | `[^`\n]{1,400}`)
               | “[^”\n]{0,400}” | ‘[^’\n]{0,400}’ | «[^»\n]{0,400}»)
    | (?P<data>[\[{](?=[/'"<({\[]|-?\d{1,20},).{0,1000}[\]}])
    | (?P<time>(?<!\d)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[ ]?(?:Z|UTC|[+-]\d\d:?\d\d))?)?(?!\d)
               | (?<![\d:])\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?![\d:]))
    | (?P<file>(?<![\w.+@~/\\-])(?:[a-z]:)?[\w.+@~/\\-]{1,400}\.(?:EXTENSIONS)(?![\w/\\-]))
    | (?P<path>(?<![\w.<])(?:[a-z]:\\|~?/)(?:[\w.+@~-]{1,200}[/\\]){1,40}[\w.+@~-]{0,200})
    | (?P<hex>\b0x[0-9a-f]+)
    | (?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b
             | \b(?=[a-f]{0,64}\d)(?=\d{0,64}[a-f])[0-9a-f]{8,64}\b
             | (?<![\w-])[a-z]{2,16}[_-](?=[a-z]{0,64}\d)[a-z0-9]{6,64}(?![\w-])
             | (?<![\w-])(?=[a-z_-]{0,64}\d)(?=[\d_-]{0,64}[a-z])[\w-]{16,128}(?![\w-]))
    | (?P<n>(?:(?<!\w)[+-])?(?<![^\W_])\d+(?:[.,]\d+)*)
    """.replace("EXTENSIONS", _EXTENSIONS),
    re.VERBOSE | re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last):"
_CHAINS = (_TRACEBACK, "The above exception was the direct cause", "During handling of the above exception")
_MODULE = re.compile(r"(?:[A-Za-z_]\w{0,100}\.){1,20}(?!(?:Error|Exception)\b)(?=[A-Z]\w{0,100}(?::|$))")


def failure_reasons(jobs: pd.DataFrame) -> pd.DataFrame:
    """Group the messages of failed jobs by what they say, leaving out what varies from job to job.

    Of a traceback the reason is its last exception, without the module; of other messages the first line that holds
    something, at most 1,000 characters. In it, ``<url>``, ``<email>``, ``<path>``, ``<file>``, ``<id>``, ``<hex>``,
    ``<time>``, ``<text>`` (what stands in quotes), ``<data>`` (a printed list or dictionary) and ``<n>`` (a number)
    stand for what varies. A number that names the failure stays: one of up to four digits, or eight hexadecimal ones,
    after "HTTP", "status", "code", "errno" or "error".

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome``, ``error_message`` and ``created_at``; only
        jobs whose outcome is failed count.

    Returns
    -------
    DataFrame
        A row for each reason, the most frequent first, then in alphabetical order.

        * ``reason`` (text): what the messages have in common; "no message" for jobs without one;
        * ``count`` (int64, jobs): failed jobs with it;
        * ``share`` (float64, 0 to 1): count / failed jobs;
        * ``first_seen``, ``last_seen`` (dtype of ``created_at``): creation of the earliest and the latest of them;
          missing where none has a time;
        * ``example`` (text): message of the earliest of them (of several: the one with the least job_id), as it came:
          text of a stranger; missing for "no message";
        * ``example_job_id`` (text): the job it is of.

        No failed jobs: no rows. One: one row, with share 1.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "outcome": ["failed", "failed", "failed"],
    ...     "error_message": ["page 1 of x7.pdf is empty", "page 3 of y.pdf is empty", None],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03", "2026-02-04"], utc=True),
    ... })
    >>> failure_reasons(jobs)[["reason", "count", "example"]]
                            reason  count                    example
    0  page <n> of <file> is empty      2  page 1 of x7.pdf is empty
    1                   no message      1                        NaN
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "error_message", "created_at")
    return _finish(_partial(jobs))


def _partial(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give a row for each reason: its count, first and last time, and example."""
    failed = jobs.loc[_arguments.has_outcome(jobs, ("failed",)), ["job_id", "error_message", "created_at"]]
    # Each distinct message is read once.
    code, n, decode = _counts.encode(failed["error_message"])
    messages = list(decode(np.arange(n)))
    reasons = pd.Series([*map(_reason, messages), NO_MESSAGE], dtype=failed["error_message"].dtype)
    rows = pd.DataFrame(
        {
            "reason": reasons.take(np.where(code < 0, n, code)).array,
            "count": np.ones(len(failed), np.int64),
            "first_seen": failed["created_at"].array,
            "last_seen": failed["created_at"].array,
            "example": failed["error_message"].array,
            "example_job_id": failed["job_id"].array,
        }
    )
    return _merge([rows])


def _merge(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Make one table of reasons of several; their order doesn't matter."""
    rows = pd.concat(parts, ignore_index=True).sort_values(["first_seen", "example_job_id"], kind="stable")
    groups = rows.groupby("reason", sort=True)
    earliest = rows.drop_duplicates("reason").set_index("reason").sort_index()
    earliest["count"] = groups["count"].sum()
    earliest["last_seen"] = groups["last_seen"].max()
    return earliest.reset_index()


def _finish(reasons: pd.DataFrame) -> pd.DataFrame:
    table = reasons.sort_values(["count", "reason"], ascending=[False, True], ignore_index=True)
    table["example"] = table["example"].where(table["reason"] != NO_MESSAGE)
    count = table["count"].to_numpy()
    table.insert(2, "share", _counts.share(count, np.full(len(count), count.sum())))
    return table


def _reason(message: str) -> str:
    """Give the sentence that a message has in common with others of its kind."""
    line = " ".join(_telling_line(message)[: _LONGEST + 1].split())
    line = _MODULE.sub("", line, count=1) if _MODULE.match(line) else line
    masked = _VARIABLE.sub(_mask, line[:_LONGEST])
    return (masked + "…" if len(line) > _LONGEST else masked) or NO_MESSAGE


def _mask(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    return found[0] if kind == "kept" else "<text>" if kind == "bytes" else f"<{kind}>"


def _telling_line(message: str) -> str:
    """Give the line with the last exception of a Python traceback; of any other message, its first line."""
    start = max(message.rfind(chain) for chain in _CHAINS) if _TRACEBACK in message else -1
    if start < 0:
        return message.lstrip().partition("\n")[0]
    for line in message[start:].split("\n")[1:]:
        if line.strip() and not line[0].isspace():
            return line
    return message[:start].rstrip().rpartition("\n")[2] or _TRACEBACK
