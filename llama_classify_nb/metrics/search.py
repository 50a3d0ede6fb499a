"""Which jobs say something: words and phrases, looked for in their texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _query, _term_counts
from ._texts import arrow_texts

# BM25's usual constants: how soon more of the same word adds nothing, and how far a long text counts for less.
_K1, _B = 1.2, 0.75
_LEAST_WIDTH = 20


def search(
    jobs: pd.DataFrame,
    query: str,
    *,
    columns: str | Iterable[str] = ("reasoning", "error_message"),
    most: int = 100,
    width: int = 160,
) -> pd.DataFrame:
    """Which jobs say this?

    A job is found if its texts together hold every word and phrase of the query. ``invoice total``: both words;
    ``"total due"``: one after the other; ``invoice OR bill``: one of them; ``-receipt`` or ``-"not a bill"``: none of
    it; ``invoic*``: a word that begins so. Whole words count, capitals or not, and letters that read alike are alike:
    both sides are compared in Unicode's form NFKC with full case folding (``STRASSE`` finds ``Straße``). In scripts
    that put no space between words, as Chinese, a word is found anywhere.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id`` and the columns to search.
    query : str
        As above; at most 1,000 characters and 30 words and phrases.
    columns : str or iterable of str
        Columns of texts, the most telling first.
    most : int
        Rows at most: the best ones.
    width : int
        Length of a snippet at most, in characters, from 20.

    Returns
    -------
    DataFrame
        A row for each job found, the best first; of equal ones, in order of ``job_id``.

        * ``job_id`` (text);
        * ``column`` (text): the column that the snippet is of: the one that holds most of the query's words;
        * ``snippet`` (text): what stands around the words found, as it came: text of a stranger, to be escaped where
          it becomes HTML;
        * ``highlights`` (object): pairs (start, end) of the words found in the snippet, in characters;
        * ``start`` (int64, characters): where in the text the snippet begins; ``length`` (int64, characters): of the
          whole text;
        * ``score`` (float64): rank of the job, above 0; only the scores of one search compare;
        * ``n`` (int64, jobs): jobs found, of which at most ``most`` have a row; the same in each row.

        Nothing found, or no jobs: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    The score is BM25 (Robertson & Zaragoza 2009, "The probabilistic relevance framework", eq. 3.15) with k1 = 1.2,
    b = 0.75 and the inverse document frequency log(1 + (N - n + 0.5) / (n + 0.5)), over the columns' texts as one, its
    length in characters.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "reasoning": ["An invoice: the total is due.", "A receipt, not an invoice.", None],
    ...     "error_message": [None, None, "no text layer"],
    ... })
    >>> found = search(jobs, "invoice -receipt")
    >>> found[["job_id", "column", "highlights", "n"]]
      job_id     column  highlights  n
    0      a  reasoning  ((3, 10),)  1
    >>> found["snippet"].str.slice(3, 10).tolist()
    ['invoice']
    """
    wanted = _query.parse(query)
    names = _checked(jobs, columns, most, width)
    texts = {name: arrow_texts(jobs, name) for name in names}
    terms = wanted.terms()
    place = {term: number for number, term in enumerate(dict.fromkeys((*terms, *wanted.excluded)))}
    counted = [_term_counts.count(column, tuple(place)) for column in texts.values()]
    n = np.sum([one.n for one in counted], axis=0)
    keep = np.ones(len(jobs), bool)
    for alternatives in wanted.wanted:
        keep &= np.logical_or.reduce([n[place[term]] > 0 for term in alternatives])
    for term in wanted.excluded:
        keep &= n[place[term]] == 0
    row = np.flatnonzero(keep)
    score = _scores(n[: len(terms)], np.sum([one.length for one in counted], axis=0), row)
    best = _best(score, jobs["job_id"].iloc[row], most)
    return _table(jobs, texts, terms, row[best], score[best], len(row), width)


def _checked(jobs: Any, columns: Any, most: Any, width: Any) -> list[str]:
    names = [columns] if isinstance(columns, str) else list(columns) if isinstance(columns, Iterable) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"columns is {columns!r}; it must name one or more columns of jobs")
    _arguments.need_columns(jobs, "job_id", *names)
    for name, value, least in (("most", most, 1), ("width", width, _LEAST_WIDTH)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ArgumentError(f"{name} is {value!r}; it must be a whole number from {least} up")
    return list(dict.fromkeys(names))


def _scores(n: np.ndarray, lengths: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Give the scores of rows, from how often all texts (columns) hold each term (row)."""
    some = max(int((lengths > 0).sum()), 1)
    shorter = 1 - _B + _B * lengths[row] * some / max(int(lengths.sum()), 1)
    score = np.zeros(len(row))
    for numbers in n:
        n_with = int((numbers > 0).sum())
        count = numbers[row].astype(np.int64)
        score += np.log1p((len(lengths) - n_with + 0.5) / (n_with + 0.5)) * count * (_K1 + 1) / (count + _K1 * shorter)
    return score


def _best(score: np.ndarray, job_ids: pd.Series, most: int) -> np.ndarray:
    """Give the places of the ``most`` best, in order."""
    some = np.arange(len(score))
    if len(score) > most:
        some = np.flatnonzero(score >= np.partition(score, -most)[-most])
    frame = pd.DataFrame({"score": -score[some], "job_id": job_ids.iloc[some].astype(str).array})
    return np.asarray(some[frame.sort_values(["score", "job_id"], kind="stable").index[:most]])


def _table(
    jobs: pd.DataFrame,
    texts: dict[str, Any],
    terms: tuple[_query.Term, ...],
    row: np.ndarray,
    score: np.ndarray,
    n: int,
    width: int,
) -> pd.DataFrame:
    shown = []
    for place in row:
        found = {name: text[int(place)].as_py() or "" for name, text in texts.items()}
        spots = {name: _query.places(text, terms) for name, text in found.items()}
        # The first of those with most different words.
        name = max(spots, key=lambda one: len({number for *_, number in spots[one]}))
        start, end = _window(found[name], spots[name], width)
        marks = _joined([(a - start, b - start) for a, b, _ in spots[name] if a >= start and b <= end])
        shown.append((name, found[name][start:end], marks, start, len(found[name])))
    columns: Any = list(zip(*shown, strict=True)) if shown else [()] * 5
    table = pd.DataFrame({"job_id": jobs["job_id"].iloc[row].array})
    table["column"] = pd.array(list(columns[0]), dtype=schema.TEXT)
    table["snippet"] = pd.array(list(columns[1]), dtype=schema.TEXT)
    table["highlights"] = pd.Series(list(columns[2]), dtype=object)
    table["start"] = np.array(columns[3], np.int64)
    table["length"] = np.array(columns[4], np.int64)
    table["score"] = score
    table["n"] = np.full(len(row), n, np.int64)
    return table


def _window(text: str, spots: list[tuple[int, int, int]], width: int) -> tuple[int, int]:
    """Choose the stretch of a text that shows most of the different words found, and cut it between words."""
    if len(text) <= width:
        return 0, len(text)
    best, first, last = 0, 0, min(width, len(text))
    for place, (start, _, _) in enumerate(spots):
        inside = [spot for spot in spots[place : place + 50] if spot[1] <= start + width]
        if len(kinds := {number for *_, number in inside}) > best:
            best, first, last = len(kinds), start, max(spot[1] for spot in inside)
    room = max(width - (last - first), 0)
    start = max(min(first - room // 3, len(text) - width), 0)
    end = min(start + width, len(text))
    # A few characters less, rather than half a word.
    head = text.find(" ", start, min(start + 20, first)) + 1 if start and text[start - 1] != " " else 0
    tail = text.rfind(" ", max(end - 20, last), end) if end < len(text) and text[end] != " " else -1
    return (head or start), (tail if tail > 0 else end)


def _joined(marks: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join marks that overlap; they come in order."""
    joined: list[tuple[int, int]] = []
    for start, end in marks:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
