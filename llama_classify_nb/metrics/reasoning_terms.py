"""Which words tell the reasonings of one type from the others, or those of sure answers from unsure ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _counts
from ._texts import arrow_texts, hashes, lowest
from ._words import words_of

#: How many reasonings the prior is worth, unless that is more than half of those read: words seen in few are drawn
#: towards no difference.
PRIOR = 500.0
_DENSE = 8  # so many times as many numbers as there are to count are counted in one table of all
_SIDES = ("low", "high")
_OWN = (
    *("word", "n_with", "n_read", "n", "share", "n_with_rest", "n_read_rest", "share_rest"),
    *("log_odds", "z", "in_type_name"),
)


def reasoning_terms(
    jobs: pd.DataFrame,
    *,
    by: str = "type",
    split: float | None = None,
    most: int = 15,
    most_read: int | None = 20_000,
    assurance: float = 0.95,
) -> pd.DataFrame:
    """Which words are distinctive for the reasonings of each type, or of unsure against sure answers?

    Compares the reasonings of each group with those of all others. Common words fall out because they are as common on
    both sides; there is no list of stop words, so it works in any language.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome``, ``type``, ``confidence``, ``reasoning``
        and the column ``by``. Only answered jobs (matched or no_match) with a reasoning count.
    by : str
        A column of jobs, such as ``"type"`` or ``"configuration_id"``: each of its values against all others, missing
        (of types: no rule matched) being one, too. ``"confidence"``: low against high.
    split : float, optional
        With ``by="confidence"``: answers at least so confident are high. By default each type's answers are halved by
        their own confidence, as evenly as ties let, so that both sides hold much the same mix of types, and the words
        found are not just those of types with a low confidence.
    most : int
        Words at most for each group.
    most_read : int or None
        Reasonings read at most for each group, drawn by a hash of the job's id: the same ones in any order of the
        rows. None: all.
    assurance : float
        Probability, 0 to 1, that no word at all is given if no word differs between the groups (Bonferroni over words
        and groups).

    Returns
    -------
    DataFrame
        For each group the words that are more frequent in its reasonings than in the others, the most telling first,
        then in order of the alphabet.

        * the column ``by``: its dtype; for ``confidence`` (category): low, high;
        * ``word`` (text): without capitals; punctuation parts words, but for apostrophes, hyphens and underscores in
          them; of Chinese and other scripts without spaces, each two characters;
        * ``n_with`` (int64, reasonings): of the group's reasonings read, those that hold the word, however often;
          ``n_read`` (int64, reasonings): all read; ``n`` (int64, reasonings): all that there are; ``share`` (float64,
          0 to 1): n_with / n_read;
        * ``n_with_rest``, ``n_read_rest``, ``share_rest``: the same of the other groups;
        * ``log_odds`` (float64): difference of the log-odds of a reasoning to hold the word, with the prior;
        * ``z`` (float64): log_odds / its standard error; the order of the rows;
        * ``in_type_name`` (bool): the word is a type's name or a part of one, so it hardly surprises.

        No reasonings, or one group alone: no rows. One job: no rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Notes
    -----
    Log-odds ratio with an informative Dirichlet prior: Monroe, Colaresi & Quinn 2008, "Fightin' words", Political
    Analysis 16, eq. 16 and 22, the prior as in eq. 23 in proportion to the shares of all reasonings read (half a
    reasoning added with and without the word), worth 500 reasonings, or half of those read if that is less. The unit
    is the reasoning, not the word: a word repeated in one counts once, and the variance has the term of those without
    the word as well, since words that most reasonings hold are many.

    Examples
    --------
    >>> jobs = pd.DataFrame({
    ...     "job_id": range(80),
    ...     "outcome": "matched",
    ...     "type": ["memo", "letter"] * 40,
    ...     "confidence": 0.9,
    ...     "reasoning": ["It has an interoffice heading.", "It opens with Dear and has a heading."] * 40,
    ... })
    >>> terms = reasoning_terms(jobs)
    >>> terms[["type", "word", "n_with", "n_with_rest"]]
         type         word  n_with  n_with_rest
    0  letter            a      40            0
    1  letter          and      40            0
    2  letter         dear      40            0
    3  letter        opens      40            0
    4  letter         with      40            0
    5    memo           an      40            0
    6    memo  interoffice      40            0
    """
    needed = ("job_id", "outcome", "type", "confidence", "reasoning")
    _arguments.need_columns(jobs, *needed)
    _arguments.need_by(jobs, by, _OWN)
    _check(by, split, most, most_read, assurance)
    row, group = _answered(jobs, by, split)
    code, n_groups, decode = _counts.encode(group)
    code = np.where(code < 0, n_groups, code)
    n_all = np.bincount(code, minlength=n_groups + 1)
    read = _drawn(code, jobs["job_id"], row, most_read)
    text, word, words = words_of(arrow_texts(jobs, "reasoning", row[read]))
    n_read = np.bincount(code[read], minlength=n_groups + 1)
    table = _finish(code[read][text], word, n_read, n_all, most, assurance)
    result = pd.DataFrame({by: decode(np.where(table["group"] == n_groups, -1, table["group"]))}, index=table.index)
    result["word"] = words.take(table["code"].to_numpy()).astype(schema.TEXT)
    names = set().union(*words_of(_type_names(jobs))[2:])
    names |= {part for name in names for part in name.replace("-", "_").split("_")}
    result = result.join(table.drop(columns=["group", "code"]))
    result["in_type_name"] = result["word"].isin(list(names)).to_numpy(dtype=bool)
    return result


def _check(by: Any, split: Any, most: Any, most_read: Any, assurance: Any) -> None:
    if not isinstance(by, str):
        raise ArgumentError("by must be the name of one column of jobs, such as 'type' or 'confidence'")
    if split is not None and by != "confidence":
        raise ArgumentError(f"split is {split!r}, but by is {by!r}; it belongs to by='confidence'")
    if split is not None and (isinstance(split, bool) or not isinstance(split, int | float) or not 0 < split <= 1):
        raise ArgumentError(f"split is {split!r}; it must be a confidence above 0, at most 1")
    for name, value in (("most", most), ("most_read", 1 if most_read is None else most_read)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ArgumentError(f"{name} is {value!r}; it must be a whole number from 1 up")
    if isinstance(assurance, bool) or not isinstance(assurance, int | float) or not 0 < assurance < 1:
        raise ArgumentError(f"assurance is {assurance!r}; it must be a number between 0 and 1, such as 0.95")


def _answered(jobs: pd.DataFrame, by: str, split: float | None) -> tuple[np.ndarray, pd.Series]:
    """Give where the jobs that count stand, and the group of each."""
    answered, confidence = _arguments.answered_confidence(jobs)
    told = jobs["reasoning"].notna().to_numpy()
    row, stated = np.flatnonzero(answered & told), confidence[told[answered]]
    if by != "confidence":
        return row, jobs[by].iloc[row]
    if split is not None:
        high = stated >= split
    else:
        code, n_types, _ = _counts.encode(jobs["type"].iloc[row])
        high = _halved(np.where(code < 0, n_types, code), stated)
    return row, pd.Series(_counts.categorical(high, pd.CategoricalDtype(list(_SIDES))), name=by)


def _halved(code: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Tell which of each group's values are in its upper half, cut between distinct values as evenly as can be."""
    cells = pd.DataFrame({"code": code, "value": confidence}).value_counts(sort=False).sort_index()
    group = cells.index.get_level_values(0).to_numpy()
    value = cells.index.get_level_values(1).to_numpy()
    count = cells.to_numpy()
    below = np.cumsum(count) - count
    below = below - pd.Series(below).groupby(group).transform("min").to_numpy()
    size = pd.Series(count).groupby(group).transform("sum").to_numpy()
    # The cut is the value with most nearly half of the group below it; of two, the lower.
    uneven = pd.Series(np.abs(2 * below - size))
    cut = pd.Series(value)[uneven.groupby(group).idxmin().to_numpy()].to_numpy() if len(value) else value
    kinds = np.unique(group)
    return np.asarray(confidence >= cut[np.searchsorted(kinds, code)]) if len(value) else np.zeros(0, bool)


def _drawn(code: np.ndarray, job_ids: pd.Series, row: np.ndarray, most: int | None) -> np.ndarray:
    """Give the places to read: of each group those with the least hashes."""
    if most is None or len(code) <= most:
        return np.arange(len(code))
    return np.sort(lowest(hashes(job_ids.iloc[row]), code, most))


def _finish(
    group: np.ndarray, word: np.ndarray, read: np.ndarray, n_all: np.ndarray, most: int, assurance: float
) -> pd.DataFrame:
    """Compare the groups, given the group and the word of each pair of a reasoning and a word in it."""
    n_words = int(word.max()) + 1 if len(word) else 1
    cells, own = _counted(group * n_words + word, len(read) * n_words)
    group, word = np.divmod(cells, n_words)
    whole = np.bincount(word, own, minlength=n_words).astype(np.int64)[word]
    n, n_read = read[group], int(read.sum())
    weight = min(PRIOR, n_read / 2)
    prior = weight * (whole + 0.5) / (n_read + 1)
    rest, n_rest = whole - own, n_read - n
    delta, error = _log_odds((own + prior, n - own + weight - prior), (rest + prior, n_rest - rest + weight - prior))
    z = delta / error
    n_compared = max(int((read > 0).sum()) * n_words, 1)
    found = np.flatnonzero((z >= -special.ndtri((1 - assurance) / n_compared)) & (n < n_read))
    # Words are numbered in alphabetical order, which the cells are in.
    found = found[np.lexsort((-z[found], group[found]))]
    first = np.searchsorted(group[found], group[found])
    found = found[np.arange(len(found)) - first < most]
    columns = {"group": group, "code": word, "n_with": own, "n_read": n, "n": n_all[group], "share": own / n}
    columns |= {"n_with_rest": rest, "n_read_rest": n_rest}
    columns |= {"share_rest": rest / np.maximum(n_rest, 1), "log_odds": delta, "z": z}
    return pd.DataFrame({name: values[found] for name, values in columns.items()})


def _counted(numbers: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the different numbers below ``size``, in order, and how often each occurs: without sorting if most do."""
    if size > _DENSE * len(numbers):
        return np.unique(numbers, return_counts=True)
    count = np.bincount(numbers, minlength=size)
    found = np.flatnonzero(count)
    return found, count[found]


def _log_odds(own: tuple[np.ndarray, np.ndarray], rest: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Give the difference of the log-odds of two sides, (with, without) the word, and its standard error."""
    delta = np.log(own[0] / own[1]) - np.log(rest[0] / rest[1])
    return delta, np.sqrt(1 / own[0] + 1 / own[1] + 1 / rest[0] + 1 / rest[1])


def _type_names(jobs: pd.DataFrame) -> Any:
    kinds = jobs["type"].astype("category").cat.categories
    return arrow_texts(pd.DataFrame({"type": pd.Series(kinds, dtype=schema.TEXT)}), "type")
