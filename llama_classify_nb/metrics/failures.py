"""Why jobs failed, by what their messages say, and where failures are more common than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import schema
from . import _arguments, _counts
from ._alike import alike
from ._counted import counted
from ._masks import KINDS, sentence
from ._templates import find_templates
from ._texts import arrow_texts, order_of, small_order, some_rows
from .intervals import wilson
from .over_time import weeks
from .pages import scope_labels

#: The template of failed jobs that came without a message.
NO_MESSAGE = "no message"
#: The template of those whose messages are left out of the comparison, where there are too many different ones.
OTHER = "other messages"
#: Masked messages that are compared with each other: of more, those with the least hashes, whatever jobs they are of.
MOST_SENTENCES = 20_000
#: Different messages that are read one by one: of more, many may differ in ids and numbers alone.
FEW_MESSAGES = 500
#: Characters of an example that are kept.
LONGEST_EXAMPLE = 10_000

_PARAMETER = rf"<(?:{KINDS}|\*)>"
_OWN_RATES = ("count", "n", "share", "share_lower", "share_upper", "n_unfinished")


def failure_templates(jobs: pd.DataFrame) -> pd.DataFrame:
    """Why did jobs fail, by the messages that differ in their parameters alone?

    Of a traceback the last exception counts, without its module; of other messages the first line that holds
    something, at most 1,000 characters. In it, ``<url>``, ``<email>``, ``<ip>``, ``<path>``, ``<file>``, ``<id>``,
    ``<hex>``, ``<time>``, ``<duration>``, ``<size>``, ``<text>`` (what stands in quotes), ``<data>`` (a printed
    list or dictionary) and ``<n>`` (a number) stand for what varies by its looks. Then all messages are compared
    with each other: ``<*>`` stands for words that turn out to be parameters, such as the names of users, and for
    lists and parts that only some messages have. A number that names the failure stays: an HTTP status from 400, or
    a code after "code", "errno" or "error".

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome``, ``error_message`` and ``created_at``; only
        jobs whose outcome is failed count.

    Returns
    -------
    DataFrame
        A row for each template, the most frequent first, then in alphabetical order. Every failed job is in one.

        * ``template`` (text): what the messages have in common; "no message" for jobs without one; "other messages"
          for what isn't compared, where more than 20,000 still differ after what varies by its looks is set aside;
        * ``count`` (int64, jobs): failed jobs with it;
        * ``n`` (int64, jobs): failed jobs;
        * ``share`` (float64, 0 to 1): count / n;
        * ``share_lower``, ``share_upper`` (float64): Wilson's interval of the share (1927), level 95 %;
        * ``n_parameters`` (int64): places of the template where something varies;
        * ``first_seen``, ``last_seen`` (dtype of ``created_at``): creation of the earliest and the latest of them;
          missing where none has a time;
        * ``example`` (text): message of the earliest of them (of several: the one with the least job_id), as it came:
          text of a stranger, at most its first 10,000 characters; missing for "no message";
        * ``example_job_id`` (text): the job it is of.

        No failed jobs: no rows. One: one row, with share 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    A template is relative to the messages it was found among: "user <*> is locked" needs two users to be seen. Few
    messages are grouped with care: two that differ in a plain word stay two. Neither the order of the jobs nor how
    often a message came changes the templates.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "outcome": ["failed", "failed", "failed"],
    ...     "error_message": ["user ann may not read x7.pdf", "user bob may not read y.pdf", None],
    ...     "created_at": pd.to_datetime(["2026-02-02", "2026-02-03", "2026-02-04"], utc=True),
    ... })
    >>> failure_templates(jobs)[["template", "count", "n_parameters"]]
                           template  count  n_parameters
    0  user <*> may not read <file>      2             2
    1                    no message      1             0
    """
    return _finish(_partial(jobs))


def failure_assignments(jobs: pd.DataFrame) -> pd.DataFrame:
    """Which failed job has which template?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome`` and ``error_message``; only jobs whose
        outcome is failed count.

    Returns
    -------
    DataFrame
        A row for each failed job, in the order of ``job_id``.

        * ``job_id`` (text): the job;
        * ``template`` (text): its template, as in :func:`failure_templates` of the same jobs.

        No failed jobs: no rows. One: one row.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> jobs = pd.DataFrame({"job_id": ["b", "a"], "outcome": "failed", "error_message": ["page 2 broke", "page 1"]})
    >>> failure_assignments(jobs)
      job_id        template
    0      a        page <n>
    1      b  page <n> broke
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "error_message")
    failed = jobs.loc[_arguments.has_outcome(jobs, ("failed",)), ["job_id", "error_message"]]
    sentences = _sentences(failed["error_message"])
    code, n, decode = _counts.encode(sentences)
    templates = _templates_of(_compared(decode(np.arange(n))))
    table = pd.DataFrame({"job_id": failed["job_id"].array, "template": templates.take(code).array})
    # The template breaks the tie of jobs with one id.
    by_template = small_order(pd.factorize(table["template"], sort=True)[0])
    order = by_template[order_of(table["job_id"].iloc[by_template])]
    found: pd.DataFrame = table.iloc[order].reset_index(drop=True)
    return found


def _merge(parts: Sequence[pd.DataFrame], key: str = "sentence") -> pd.DataFrame:
    """Make one table of sentences of several; their order doesn't matter."""
    rows = pd.concat(parts, ignore_index=True)
    if key == "sentence":
        rows[key] = _compared(rows[key]).array
    order = order_of(rows["example_job_id"])
    if not rows["example_job_id"].is_unique:
        by_example = order_of(rows["example"])
        order = by_example[order_of(rows["example_job_id"].iloc[by_example])]
    rows = rows.iloc[order].sort_values("first_seen", kind="stable")
    groups = rows.groupby(key, sort=True)
    earliest = rows.drop_duplicates(key).set_index(key).sort_index()
    earliest["count"] = groups["count"].sum()
    earliest["last_seen"] = groups["last_seen"].max()
    return earliest.reset_index()


def _compared(sentences: pd.Series) -> pd.Series:
    """Put one name in place of all sentences but those with the least hashes, so many as are compared.

    A sentence that is among them in the whole is so in every part that holds it: its count is exact in any split.
    """
    names = sentences[sentences != ""].unique()
    if len(names) <= MOST_SENTENCES:
        return sentences
    names = np.sort(np.asarray(names[names != OTHER], dtype=object))
    hashes = pd.util.hash_array(names, categorize=False)
    kept = names[np.argsort(hashes, kind="stable")[:MOST_SENTENCES]]
    return sentences.where(sentences.isin([*kept, ""]), OTHER)


@counted(_merge)
def _partial(jobs: pd.DataFrame) -> pd.DataFrame:
    """Give a row for each masked sentence: its count, first and last time, and example."""
    _arguments.need_columns(jobs, "job_id", "outcome", "error_message", "created_at")
    read = jobs[["job_id", "error_message", "created_at"]]
    failed = some_rows(read, np.flatnonzero(_arguments.has_outcome(jobs, ("failed",))))
    return pd.DataFrame(
        {
            "sentence": _sentences(failed["error_message"]).array,
            "count": np.ones(len(failed), np.int64),
            "first_seen": failed["created_at"].array,
            "last_seen": failed["created_at"].array,
            "example": failed["error_message"].astype(schema.TEXT).str.slice(0, LONGEST_EXAMPLE).array,
            "example_job_id": failed["job_id"].array,
        }
    )


def _sentences(messages: pd.Series) -> pd.Series:
    """Give the masked sentence of each message; "" where there is none. Of messages that are alike, one is read."""
    texts = arrow_texts(messages.to_frame("error_message"), "error_message").dictionary_encode()
    found = texts.dictionary
    if len(found) > FEW_MESSAGES:
        found = alike(found)
    kinds = found.dictionary_encode()
    read = pa.array([sentence(one) for one in kinds.dictionary.to_pylist()], pa.large_string())
    said = read.take(kinds.indices).take(texts.indices).fill_null("")
    return pd.Series(pd.array(said, dtype=schema.TEXT))


def _templates_of(sentences: pd.Series) -> pd.Series:
    """Give the template of each of these different sentences."""
    some = sentences[~sentences.isin(["", OTHER])].unique().tolist()
    found = dict(zip(some, find_templates(some), strict=True)) | {"": NO_MESSAGE, OTHER: OTHER}
    return pd.Series([found[one] for one in sentences], dtype=schema.TEXT)


def _finish(sentences: pd.DataFrame) -> pd.DataFrame:
    rows = sentences.rename(columns={"sentence": "template"})
    rows["template"] = _templates_of(sentences["sentence"]).array
    table = _merge([rows], "template").sort_values(["count", "template"], ascending=[False, True], ignore_index=True)
    table["example"] = table["example"].where(table["template"] != NO_MESSAGE)
    count = table["count"].to_numpy()
    n = np.full(len(count), count.sum(), np.int64)
    lower, upper = wilson(count, n)
    table.insert(2, "n", n)
    table.insert(3, "share", _counts.share(count, n))
    table.insert(4, "share_lower", lower)
    table.insert(5, "share_upper", upper)
    table.insert(6, "n_parameters", table["template"].str.count(_PARAMETER).astype("int64"))
    return table


def failure_rates(jobs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """How many of the finished jobs failed, here and there?

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome`` and what ``by`` names.
    by : str, optional
        A column of jobs, such as ``configuration_id`` or ``document_input_type``: a row for each of its values,
        missing last. Or ``week``: by the Monday, in UTC, of the week of creation (reads ``created_at``). Or
        ``page_scope``: by the pages that the parser was told to read (reads ``target_pages`` and ``max_pages``).

    Returns
    -------
    DataFrame
        One row, or one for each group.

        * the column ``by``, if given: its dtype; ``week``: datetime64[us, UTC], missing for jobs without a time of
          creation; ``page_scope``: category, in the words of :func:`pages_in_scope`;
        * ``count`` (int64, jobs): failed jobs;
        * ``n`` (int64, jobs): finished jobs: every outcome but unfinished;
        * ``share`` (float64, 0 to 1): count / n; missing where n is 0;
        * ``share_lower``, ``share_upper`` (float64): Wilson's interval of the share (1927), level 95 %;
        * ``n_unfinished`` (int64, jobs): jobs that aren't finished, and not in n.

        No jobs: one row of zeros and missing shares (with ``by``, no rows). One finished job: share 0 or 1.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> outcomes = ["failed", "matched", "matched", "unfinished"]
    >>> jobs = pd.DataFrame({"outcome": outcomes, "lang": ["en", "en", "de", "de"]})
    >>> failure_rates(jobs, by="lang").round(2)
      lang  count  n  share  share_lower  share_upper  n_unfinished
    0   de      0  1    0.0         0.00         0.79             1
    1   en      1  2    0.5         0.09         0.91             0
    """
    return _finish_rates(_partial_rates(jobs, by), by)


@counted()
def _partial_rates(jobs: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """Count jobs by group and whether they failed (1), finished otherwise (0) or are unfinished (2)."""
    _arguments.need_columns(jobs, "outcome")
    failed, unfinished = (_arguments.has_outcome(jobs, (outcome,)) for outcome in ("failed", "unfinished"))
    keys = {} if by is None else {by: _group(jobs, by).array}
    return _counts.tally(pd.DataFrame({**keys, "end": failed + 2 * unfinished}))


def _group(jobs: pd.DataFrame, by: str) -> pd.Series:
    if by == "week" and by not in jobs.columns:
        return weeks(jobs)
    if by == "page_scope" and by not in jobs.columns:
        return scope_labels(jobs)
    _arguments.need_by(jobs, by, _OWN_RATES)
    return jobs[by]


def _finish_rates(cells: pd.DataFrame, by: str | None) -> pd.DataFrame:
    number, groups = _counts.by_group(cells, by)
    ends = _counts.cross_counts(number, len(groups), cells["end"].to_numpy(np.int64), 3, cells["count"]).reshape(-1, 3)
    table = groups.copy()
    table["count"] = ends[:, 1]
    table["n"] = ends[:, 0] + ends[:, 1]
    table["share"] = _counts.share(ends[:, 1], table["n"].to_numpy())
    table["share_lower"], table["share_upper"] = wilson(table["count"], table["n"])
    table["n_unfinished"] = ends[:, 2]
    return table
