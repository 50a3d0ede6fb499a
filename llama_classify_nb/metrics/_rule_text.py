"""What texts say of how close two types are: descriptions, and reasonings that name or sound like another type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from . import _tokens
from ._word_codes import pairs

#: Occurrences that a rate is drawn towards the common one with.
PRIOR = 5.0
#: The quantile of a type's citation rates, over the other types' answers, that says how often it is named in any case.
FLOOR = 0.25
#: Fewer answered types than this have no such floor: each rate is what is asked for.
FEWEST_FOR_FLOOR = 4
#: Where so many reasonings name exactly one other type, they name the runner-up by habit: each counts as it is.
RUNNER_UP = 0.9
#: … unless more than this part of what they name is one type, which is a word of the texts then.
MOST_OF_ONE = 0.5
#: Words that are weighed: the commonest ones that stand in at least so many reasonings.
MOST_WORDS, FEWEST_TEXTS = 4_000, 5
_NGRAM = 4
_ROWS = 10_000


def similarity(types: Sequence[str], descriptions: Sequence[str]) -> np.ndarray:
    """How alike are two rules' texts, 0 to 1: the mean of two cosines of TF-IDF, of words and of 4-grams of letters.

    Term weight (1 + log tf) · log((1 + N) / (1 + df)), over the rules of the set, so that what all rules say counts
    nothing (Salton & Buckley 1988, IPM 24, eq. for "ltc", with the smoothed idf). A type's own name counts twice. A
    description that names the other rule's type takes half of what is missing to 1: people write down what to keep
    apart. The diagonal is 0.
    """
    pairs = list(zip(_words(types), _words(descriptions), strict=True))
    words = [[*text, *name, *name] for name, text in pairs]
    grams = [[gram for word in (*text, *name) for gram in _grams(f" {word} ")] for name, text in pairs]
    cosine = (_cosine(words) + _cosine(grams)) / 2
    says, _ = _tokens.named(_tokens.tokens(list(descriptions)), types)
    says = says.toarray() > 0
    either = says | says.T
    result: np.ndarray = np.clip(np.where(either, (1 + cosine) / 2, cosine), 0, 1)
    np.fill_diagonal(result, 0)
    return result


def shared_part(types: Sequence[str], descriptions: Sequence[str]) -> np.ndarray:
    """Give which part of the words of the rule in the row stands in the column's rule, too: 0 to 1."""
    words = [{*text, *name} for name, text in zip(_words(types), _words(descriptions), strict=True)]
    terms = sorted(set().union(*words))
    has = np.array([[term in some for term in terms] for some in words], dtype=np.float64).reshape(len(words), -1)
    idf = np.log((1 + len(words)) / (1 + has.sum(axis=0)))
    own = np.maximum((has * idf).sum(axis=1, keepdims=True), 1e-12)
    return np.asarray((has * idf) @ has.T / own)


def _words(texts: Sequence[str]) -> list[list[str]]:
    return _tokens.tokens(list(texts)).by_text()


def _grams(word: str) -> list[str]:
    return [word[at : at + _NGRAM] for at in range(max(1, len(word) - _NGRAM + 1))]


def _cosine(documents: list[list[str]]) -> np.ndarray:
    row = np.repeat(np.arange(len(documents)), [len(some) for some in documents])
    code, found = pd.factorize(np.array([term for some in documents for term in some], dtype=object))
    shape = (len(documents), max(len(found), 1))
    tf = sparse.coo_matrix((np.ones(len(row)), (row, code)), shape=shape).tocsr()
    tf.data = 1 + np.log(tf.data)
    idf = np.log((1 + len(documents)) / (1 + np.bincount(tf.indices, minlength=shape[1])))
    weighed = tf.multiply(idf).tocsr()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    scaled = sparse.diags(1 / np.where(length > 0, length, 1)) @ weighed
    return np.asarray((scaled @ scaled.T).toarray())


def citations(names: Any, answer: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Add up how often answers of one type (row) name another (column) in their reasonings, beyond what is usual.

    A reasoning that names several others counts for each in part. What is usual is the lower quartile of the rates at
    which the answers of the other types name it, each drawn towards the common rate by 5 answers: a word such as
    "note" that stands in every other reasoning says nothing.
    """
    k = names.shape[1]
    others = _others(names, answer)
    said = by_answer(others, answer, weight, k)
    n = np.bincount(answer, weight, minlength=k)
    if (n > 0).sum() < FEWEST_FOR_FLOOR or _are_runners_up(others):
        return said
    usual = said.sum(axis=0) / np.maximum(n.sum() - n, 1e-12)
    rate = (said + PRIOR * usual) / (n + PRIOR)[:, None]
    rate[n == 0] = np.nan
    np.fill_diagonal(rate, np.nan)
    beyond: np.ndarray = np.maximum(said - n[:, None] * np.nanquantile(rate, FLOOR, axis=0), 0)
    np.fill_diagonal(beyond, 0)
    return beyond


def _are_runners_up(others: Any) -> bool:
    """Tell whether reasonings name exactly one other type by habit: the runner-up, and not one and the same."""
    alone = np.diff(others.indptr) == 1
    most = np.bincount(others.indices, minlength=1).max() / max(len(others.indices), 1)
    return bool(alone.mean() >= RUNNER_UP and most <= MOST_OF_ONE)


def _others(names: Any, answer: np.ndarray) -> Any:
    """Drop each answer's own name, and share each text out among the others that it names."""
    cells = names.tocoo()
    keep = cells.col != answer[cells.row]
    n = np.bincount(cells.row[keep], minlength=names.shape[0])
    part = 1 / np.maximum(n, 1)[cells.row[keep]]
    return sparse.csr_matrix((part, (cells.row[keep], cells.col[keep])), shape=names.shape)


def by_answer(values: Any, answer: np.ndarray, weight: np.ndarray, k: int) -> np.ndarray:
    """Add up rows of texts by the type of the answer, each with its weight."""
    pick = sparse.csr_matrix((weight, (answer, np.arange(len(answer)))), shape=(k, len(answer)))
    total = pick @ values
    return np.asarray(total.toarray() if sparse.issparse(total) else total)


def named_together(names: Any, weight: np.ndarray) -> np.ndarray:
    """Add up how often two types are named in one reasoning that chose neither; each pair's half in either cell."""
    several = np.asarray(names.sum(axis=1)).ravel()
    scaled = sparse.diags(weight / np.maximum(several - 1, 1)) @ names
    together: np.ndarray = np.asarray((scaled.T @ names).toarray()) / 2
    np.fill_diagonal(together, 0)
    return together


def sounding_alike(
    found: _tokens.Tokens, part_of_name: np.ndarray, answer: np.ndarray, weight: np.ndarray, k: int
) -> np.ndarray:
    """Add up how likely the words of an answer's reasoning (row: its type) would be for each other type (column).

    Naive Bayes on the words that a reasoning holds, types' names left out: for each word and type the logarithm of its
    rate among the reasonings of the type's answers over its rate among all, drawn towards 1 by 5 reasonings. The other
    types' probabilities count; that of the answer itself doesn't. Texts without a match (answer -1) are left out.
    """
    matched = answer >= 0
    if not matched.any():
        return np.zeros((k, k))
    text, word = pairs(found.row, found.code, found.n_texts, len(found.words))
    if not matched.all():
        is_read = matched[text]
        text, word = (np.cumsum(matched) - 1)[text[is_read]], word[is_read]
        answer, weight = answer[matched], weight[matched]
    n_texts = np.bincount(word, minlength=len(found.words))
    use = _commonest(np.flatnonzero((n_texts >= FEWEST_TEXTS) & ~part_of_name), n_texts, found.words)
    place = np.full(len(found.words), -1, np.int32)
    place[use] = np.arange(len(use))
    column = place[word]
    text, column = text[column >= 0], column[column >= 0]
    first = np.append(0, np.cumsum(np.bincount(text, minlength=len(answer))))
    holds = sparse.csr_matrix((np.ones(len(text)), column, first), shape=(len(answer), len(use)))
    n = np.bincount(answer, minlength=k)
    per_type = by_answer(holds, answer, np.ones(len(answer)), k).T
    common = ((n_texts[use] + 0.5) / (len(answer) + 1))[:, None]
    lift = np.log((per_type + PRIOR * common) / ((n + PRIOR) * common))
    total = np.zeros((k, k))
    for start in range(0, len(answer), _ROWS):
        part = slice(start, start + _ROWS)
        evidence = holds[part] @ lift
        likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        total += by_answer(likely, answer[part], weight[part], k)
    # A type that no answer gave has no reasonings of its own, so nothing can sound like it.
    total[:, n == 0] = 0
    np.fill_diagonal(total, 0)
    return total


def _commonest(words: np.ndarray, n_texts: np.ndarray, names: list[str]) -> np.ndarray:
    """Choose the words that most texts hold; of words in as many, the first ones in order of the alphabet."""
    if len(words) > MOST_WORDS:
        order = np.lexsort((np.array([names[word] for word in words], dtype=str), -n_texts[words]))
        words = np.sort(words[order[:MOST_WORDS]])
    return words
