"""Which rules get in each other's way, from descriptions, reasonings, flips, and labels where there are some."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .. import schema
from ..exceptions import ArgumentError
from . import _counts, _rule_evidence, _rule_quotes, _rule_text, _rules

#: How many confusions each source can be worth at most, however much of it there is: what only hints at confusions
#: stays a hint. Descriptions, and the chance that any two types are confused, are worth so much always.
WORTH = {"names": 60.0, "words": 30.0, "flips": 40.0}
WORTH_DESCRIPTIONS, WORTH_CHANCE = 3.0, 1.0
#: What is left of the hints where every answer has a label: enough to order pairs that were confused equally often.
WORTH_BESIDE_LABELS = 1e-3
#: Rule sets beyond which one has to be chosen.
MOST_SETS = 200


class _Found(NamedTuple):
    """The types of one rule set, and what speaks for each pair."""

    name: Any
    types: list[str]
    pair: tuple[np.ndarray, np.ndarray]  # places of the two types, the earlier rule first
    similar: np.ndarray
    shared: np.ndarray
    evidence: _rule_evidence.Evidence


def rule_overlap(
    jobs: pd.DataFrame, rules: pd.DataFrame, *, labels: pd.DataFrame | None = None, rule_set: str | None = None
) -> pd.DataFrame:
    """Which rules get in each other's way?

    Each pair of types of a rule set gets a score from up to five sources, of which only the last needs labels:
    the descriptions; types named in the reasonings of other types' answers; reasonings whose words could be those of
    another type's; files that were answered with both types when asked again, by whichever configuration or rule set;
    and labels.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``outcome``, ``type``, ``rule_set`` and, where there are such
        columns, ``reasoning``, ``confidence``, ``file_input``, ``job_id``, ``configuration_id``, ``transaction_id``.
    rules : DataFrame
        The table rules.
    labels : DataFrame, optional
        As in :func:`accuracy`; the labelled jobs are taken as they are.
    rule_set : str, optional
        Fingerprint of the one rule set to look at, or the beginning of it. Needed beyond 200 rule sets.

    Returns
    -------
    DataFrame
        A row for each pair of types that the rules of a rule set name; rule sets in the order of ``rules``, the pairs
        of each by ``rank``.

        * ``rule_set`` (as in rules): fingerprint;
        * ``rank`` (int64): 1 is the pair to look at first; equal scores go by the places of their rules;
        * ``type_a``, ``type_b`` (as in rules): the two types, the earlier rule first;
        * ``score`` (float64, 0 to 1): the share of all confusions within the rule set that this pair is expected to
          have; adds up to 1 over the pairs of a rule set;
        * ``description`` (float64, 0 to 1): likeness of the two descriptions and types: the mean of two cosines of
          TF-IDF, of words and of 4-grams of letters; where one names the other's type, halfway from there to 1;
        * ``named`` (float64, 0 to 1): weighted share of the two types' answers that name the other type, beyond what
          is usual; missing where no reasoning was read of either;
        * ``words`` (float64, 0 to 1): weighted share of the two types' answers whose words speak for the other type
          (naive Bayes on the reasonings, types' names left out); missing likewise;
        * ``flips`` (float64, 0 to 1): of the files that have several answers, one of them of the pair, those that were
          answered with both; missing where there are none;
        * ``confused`` (float64, 0 to 1): of the labelled answers whose label and type are both of the pair, those that
          are wrong; missing where there are none;
        * ``n_a_names_b``, ``n_b_names_a`` (int64, jobs): answers read of one type whose reasoning names the other;
        * ``n_neither`` (int64, jobs): reasonings read without a match that name both;
        * ``n_flips`` (int64, files): answered with both;
        * ``n_a_as_b``, ``n_b_as_a`` (Int64, jobs): labelled as the one and answered as the other; missing without
          labels;
        * ``a_as_b`` (float64, 0 to 1): of what tells a direction (labels, names, words), the part that says that
          documents of ``type_a`` are answered ``type_b``; missing where nothing does;
        * ``sharpen`` (as in rules): the type whose description to sharpen: the one that loses more to the other, for
          its number of answers; where nothing tells, the one with the larger part of its words in the other's;
        * ``evidence`` (str): what speaks for the pair, in words; missing where only the descriptions do;
        * ``quotes`` (str): up to three sentences that name the other type, each with its answer and confidence, the
          least sure ones first, as plain text of one line, 180 characters each; missing without any;
        * ``n_read`` (int64, jobs): reasonings read in this rule set. Of each type's answers (and of those without a
          match) at most 20,000 / number of types are read, though never fewer than 50 or more than 2,000; which ones
          follows from a hash of ``job_id``, not from the order of rows, and they weigh as much as all would.

        No rules, or none with two types: no rows. No jobs: descriptions alone make the score.

    Raises
    ------
    ArgumentError
        If ``rule_set`` is none of ``rules``, or is not given and there are more than 200.

    Notes
    -----
    The score is the mean of a Dirichlet distribution over the pairs. Its pseudo-counts are confusions. A labelled
    confusion counts 1. A hint is counted in a unit of its own, scaled to what its source is worth: n · m / (n + m) for
    n hints of a source that can be worth m confusions at most (names 60, words 30, flips 40), since the bias of a hint
    doesn't shrink with its number. Descriptions are worth 3, chance is worth 1. All hints are multiplied by the share
    of the answers that have no label: with labels on every answer, the order is that of the confusions counted.

    Answers of low confidence weigh more: the mean of 1 - confidence and of (1 - rank)³ within the configuration, each
    scaled to a mean of 1. "Not a receipt" counts as much as "could be a receipt": what has to be told apart is close.
    A name that stands in reasonings anyway ("note", "form") is taken down by the lower quartile of its rates among the
    other types' answers; not where nine in ten reasonings name exactly one other type, and not mostly the same: a
    runner-up then.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": "r1", "position": [0, 1, 2], "type": ["invoice", "receipt", "letter"],
    ...     "description": ["asks for payment, with a total", "proves payment, with a total", "has a salutation"]})
    >>> jobs = pd.DataFrame({"outcome": "matched", "rule_set": "r1", "type": ["invoice", "receipt", "letter"],
    ...     "reasoning": ["Has a total, as a receipt does.", "Paid. It is not an invoice.", "Dear Sir."]})
    >>> rule_overlap(jobs, rules)[["type_a", "type_b", "score", "n_a_names_b"]].round(2)
        type_a   type_b  score  n_a_names_b
    0  invoice  receipt   0.75            1
    1  invoice   letter   0.12            0
    2  receipt   letter   0.12            0
    """
    _rules.need_rules(rules, "rule_set", "type", "description")
    known = _rule_evidence.read_answers(jobs, labels)
    wanted = None if rule_set is None else _rules.fingerprint(rules, rule_set, "rule_set")
    chosen = [one for one in _rules.in_order(rules) if wanted is None or one.name == wanted]
    if len(chosen) > MOST_SETS:
        raise ArgumentError(
            f"rules has {len(chosen):,} rule sets, too many to compare the rules of each; choose one with rule_set=, "
            f"for example {str(chosen[0].name)!r}; rule_sets tells which are used most"
        )
    # Most of it is done by Arrow and NumPy, which don't hold up other threads.
    with ThreadPoolExecutor(2) as pool:
        return _table([*pool.map(lambda one: _columns(_look(known, one)), chosen)], rules)


def _look(known: _rule_evidence.Answers, one: _rules.RuleSet) -> _Found:
    """Gather what is known of a rule set; rules of the same type are one, with all their descriptions."""
    types = list(dict.fromkeys(one.types))
    texts = dict.fromkeys(types, "")
    for name, description in zip(one.types, one.descriptions, strict=True):
        texts[name] = f"{texts[name]} {description}".strip()
    said = list(texts.values())
    evidence = _rule_evidence.gather(known, one.name, types)
    pair = np.triu_indices(len(types), 1)
    similar, shared = _rule_text.similarity(types, said), _rule_text.shared_part(types, said)
    return _Found(one.name, types, pair, similar, shared, evidence)


def pooled(found: _Found) -> tuple[np.ndarray, np.ndarray]:
    """Give each pair's share of the confusions to expect, and how much evidence says that the row's type loses."""
    evidence, k = found.evidence, len(found.types)
    chance = 1.0 - np.eye(k)
    hints = [(WORTH_CHANCE, chance), (WORTH_DESCRIPTIONS, found.similar), _hint("flips", evidence.flips / 2)]
    directed = []
    if evidence.said is not None:
        # What an answer says of another type is evidence that the other type's documents are lost to it.
        names = evidence.said.names.T
        directed = [_hint("names", names), _hint("words", evidence.said.words.T)]
        hints += [_hint("names", names + evidence.said.together), directed[1]]
    labelled, weight = [], 1.0
    if evidence.confused is not None:
        labelled = [(float((evidence.confused * chance).sum()), evidence.confused * chance)]
        weight = max(1 - evidence.confused.sum() / max(evidence.n.sum(), 1), WORTH_BESIDE_LABELS)
    total = _mixed([(worth * weight, amount) for worth, amount in hints] + labelled, k)
    return np.round((total + total.T)[found.pair], 12), _mixed(directed + labelled, k)


def _hint(source: str, amount: np.ndarray) -> tuple[float, np.ndarray]:
    n = float(amount.sum())
    return WORTH[source] * n / (WORTH[source] + n), amount


def _mixed(parts: list[tuple[float, np.ndarray]], k: int) -> np.ndarray:
    """Mix distributions over the cells of a matrix, each weighed with what it is worth; all 0 without any."""
    total, worth = np.zeros((k, k)), 0.0
    for weight, amount in parts:
        n = amount.sum()
        if n > 0 and weight > 0:
            total, worth = total + weight * amount / n, worth + weight
    return total / worth if worth > 0 else total


def _columns(found: _Found) -> dict[str, Any]:
    """Give the columns of a rule set's rows, in order of rank."""
    evidence = found.evidence
    score, lost = pooled(found)
    order = np.lexsort((found.pair[1], found.pair[0], -score))
    a, b = found.pair[0][order], found.pair[1][order]
    said, confused = evidence.said, evidence.confused
    names = np.zeros((len(found.types),) * 2, np.int64)
    columns: dict[str, Any] = {
        "rule_set": [found.name] * len(order),
        "rank": np.arange(1, len(order) + 1),
        "type_a": [found.types[place] for place in a],
        "type_b": [found.types[place] for place in b],
        "score": score[order],
        "description": found.similar[a, b],
        "named": np.full(len(order), np.nan),
        "words": np.full(len(order), np.nan),
        "flips": _counts.share(evidence.flips[a, b], evidence.asked[a] + evidence.asked[b] - evidence.flips[a, b]),
        "confused": np.full(len(order), np.nan),
        "n_neither": np.zeros(len(order), np.int64),
    }
    if said is not None:
        names, neither = _rule_evidence.count_names(said)
        weight = said.weight[a] + said.weight[b]
        both = said.names[a, b] + said.names[b, a] + said.together[a, b] + said.together[b, a]
        columns["named"] = _counts.share(both, weight + said.together[a, b] + said.together[b, a])
        columns["words"] = _counts.share(said.words[a, b] + said.words[b, a], weight)
        columns["n_neither"] = neither[a, b]
    columns |= {"n_a_names_b": names[a, b], "n_b_names_a": names[b, a], "n_flips": evidence.flips[a, b]}
    columns |= {"n_a_as_b": [None] * len(order), "n_b_as_a": [None] * len(order)}
    if confused is not None:
        wrong = confused[a, b] + confused[b, a]
        columns["confused"] = _counts.share(wrong, wrong + confused[a, a] + confused[b, b])
        columns |= {"n_a_as_b": confused[a, b].tolist(), "n_b_as_a": confused[b, a].tolist()}
    columns["a_as_b"] = _counts.share(lost[a, b], lost[a, b] + lost[b, a])
    first = _is_first(found, lost, a, b)
    columns["sharpen"] = np.where(first, columns["type_a"], columns["type_b"]).tolist() if len(order) else []
    return columns | _words(columns, found, a, b)


def _is_first(found: _Found, lost: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell whether to sharpen the first of two types: it loses more for its size, or else shares more of its words."""
    n = found.evidence.n + 1
    first, second = lost[a, b] / n[a], lost[b, a] / n[b]
    is_first: np.ndarray = np.where(np.isclose(first, second), found.shared[a, b] > found.shared[b, a], first > second)
    return is_first


def _words(columns: dict[str, Any], found: _Found, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    said = found.evidence.said
    quoted = {} if said is None else _rule_quotes.quotes(said.texts, said.cites, found.types)
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return {
        "evidence": [_rule_quotes.sentence_of(row) or None for row in rows],
        "quotes": [quoted.get(pair) for pair in zip(a.tolist(), b.tolist(), strict=True)],
        "n_read": [0 if said is None else len(said.texts)] * len(rows),
    }


_DTYPES = {
    "rank": "int64",
    **dict.fromkeys(("score", "description", "named", "words", "flips", "confused"), "float64"),
    **dict.fromkeys(("n_a_names_b", "n_b_names_a", "n_neither", "n_flips"), "int64"),
    **dict.fromkeys(("n_a_as_b", "n_b_as_a"), "Int64"),
    "a_as_b": "float64",
    **dict.fromkeys(("evidence", "quotes"), schema.TEXT),
    "n_read": "int64",
}
_ORDER = ("rule_set", "rank", "type_a", "type_b", *list(_DTYPES)[1:-3], "sharpen", "evidence", "quotes", "n_read")


def _table(parts: list[dict[str, Any]], rules: pd.DataFrame) -> pd.DataFrame:
    dtypes: dict[str, Any] = {**_DTYPES, "rule_set": rules["rule_set"].dtype}
    dtypes |= dict.fromkeys(("type_a", "type_b", "sharpen"), rules["type"].dtype)
    cells = {name: [cell for part in parts for cell in part[name]] for name in _ORDER}
    return pd.DataFrame({name: pd.Series(cells[name], dtype=dtypes[name]) for name in _ORDER})
