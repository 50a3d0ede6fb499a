"""Which reasonings speak against their own answer."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import schema
from ..exceptions import ArgumentError
from . import _arguments, _claims, _counts
from ._labelled import need_rules
from ._texts import arrow_texts, hashes, lowest, some_rows, truths
from ._tone import CERTAINTIES, HEDGES, Words
from ._words import words_of

#: What a row may say, in the order of the rows of a job.
KINDS = ("other_rule", "other_criteria", "hedged", "sure")
_LONGEST = 300  # characters of the evidence
# Of so many reasonings of a rule set it is learnt which words are common: those in more than a tenth, and in several.
_SAMPLED, _COMMON, _SEVERAL = 2_000, 0.1, 5
_PIECE = 50_000  # reasonings read at a time: for few, Arrow takes longer to prepare a pattern than to look for it
_WORD = re.compile(r"[^\W\d_]{4,}")
_NOTHING = r"[^\s\S]"  # a pattern that nothing matches


def reasoning_contradictions(
    jobs: pd.DataFrame,
    rules: pd.DataFrame,
    *,
    high: float = 0.9,
    low: float = 0.6,
    least: float = 0.7,
    fewest: int = 3,
    hedges: Mapping[str, float] | Iterable[str] = (),
    certainties: Mapping[str, float] | Iterable[str] = (),
) -> pd.DataFrame:
    """Which reasonings speak against their own answer?

    Made for reasonings in English, and to be right where it speaks rather than to find all: "not a receipt" is no
    argument for a receipt, and "although it resembles a receipt" a weak one. What stands in quotes is the document's
    word. Read the evidence: a row is a reason to look at the job, not a verdict.

    Parameters
    ----------
    jobs : DataFrame
        The table jobs, or a part of its rows. Reads ``job_id``, ``outcome``, ``type``, ``confidence``, ``reasoning``
        and ``rule_set``. Only answered jobs (matched or no_match) with a reasoning count.
    rules : DataFrame
        The table rules. Reads ``rule_set``, ``type`` and ``description``.
    high, low : float
        Confidences, 0 to 1: from ``high`` up, hedging is a contradiction; below ``low``, leaving no doubt is one.
    least : float
        Least score of a row, above 0, at most 1. Lower finds more, and more that is none.
    fewest : int
        Words of another rule's description that must be cited, at least 2.
    hedges, certainties : mapping of str to float, or iterable of str
        Words and phrases, in any language, beside those of ``_tone.HEDGES`` and ``_tone.CERTAINTIES``, with their
        weights (above 0, at most 1; 0.8 if none are given). A weight of one listed there replaces it.

    Returns
    -------
    DataFrame
        A row for each job and kind found, the highest score first, then in order of ``job_id`` and kind.

        * ``job_id`` (text);
        * ``type`` (category): the answer; missing: no rule matched;
        * ``confidence`` (float64, 0 to 1);
        * ``kind`` (category): ``other_rule``: it says that another rule matches (better); ``other_criteria``: it cites
          at least ``fewest`` words that only another rule's description has, and few of its own (words that more than
          a tenth of other answers' reasonings hold don't count); ``hedged``: it hedges at a
          high confidence; ``sure``: it leaves no doubt at a low one;
        * ``other_type`` (text): the other rule's type; missing for the last two kinds;
        * ``score`` (float64, 0 to 1): how much it says so. other_rule: 0.95 for a firm claim ("a better match for"),
          0.75 for a plain one ("matches"), times 0.4 if it is granted only ("although", "could") or taken back by a
          later claim for the answer, or is plain beside one. other_criteria: (other - own) / (other + own) of the
          numbers of words cited, times n / (n + 1) of the other's. The last two: 1 - the product of (1 - weight) over
          the phrases found;
        * ``words`` (text): the words that say so, joined by "; ";
        * ``evidence`` (text): the sentence that holds them, as it came, cut to 300 characters: text of a stranger.

        No such jobs, or no rules: no rows (without rules, those of the last two kinds). One job: up to four rows.

    Raises
    ------
    ArgumentError
        If ``jobs`` lacks a column that is read, or another argument can't be right.

    Examples
    --------
    >>> rules = pd.DataFrame({"rule_set": "r", "type": ["invoice", "receipt"], "description": ["asks to pay", "paid"]})
    >>> jobs = pd.DataFrame({
    ...     "job_id": ["a", "b", "c"],
    ...     "outcome": "matched",
    ...     "type": ["invoice", "invoice", "receipt"],
    ...     "confidence": [0.95, 0.95, 0.4],
    ...     "reasoning": [
    ...         "It has line items. The receipt rule would be a better match.",
    ...         "It asks to pay and is not a receipt, although it resembles a receipt.",
    ...         "This is definitely paid.",
    ...     ],
    ...     "rule_set": "r",
    ... })
    >>> found = reasoning_contradictions(jobs, rules)
    >>> found[["job_id", "kind", "other_type", "score", "words"]]
      job_id        kind other_type  score                                 words
    0      a  other_rule    receipt   0.95  receipt rule would be a better match
    1      c        sure        NaN   0.80                            definitely
    """
    _arguments.need_columns(jobs, "job_id", "outcome", "type", "confidence", "reasoning", "rule_set")
    need_rules(rules, "description")
    for name, value in (("high", high), ("low", low), ("least", least)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ArgumentError(f"{name} is {value!r}; it must be a number from 0 to 1")
    if not least:
        raise ArgumentError("least is 0; it must be above 0, or every reasoning would be a row")
    if isinstance(fewest, bool) or not isinstance(fewest, int | np.integer) or fewest < 2:
        raise ArgumentError(f"fewest is {fewest!r}; it must be a whole number from 2 up")
    words = (Words(_weights("hedges", HEDGES, hedges)), Words(_weights("certainties", CERTAINTIES, certainties)))
    answered, confidence = _arguments.answered_confidence(jobs)
    stated = np.full(len(jobs), np.nan)
    stated[answered] = confidence
    stated[jobs["reasoning"].isna().to_numpy()] = np.nan
    texts = arrow_texts(jobs, "reasoning")
    found = [
        *_argued(jobs, texts, np.flatnonzero(~np.isnan(stated)), rules, least, int(fewest)),
        *_toned("hedged", words[0], texts, np.flatnonzero(stated >= high), least),
        *_toned("sure", words[1], texts, np.flatnonzero(stated < low), least),
    ]
    return _table(jobs, stated, found)


def _weights(name: str, known: dict[str, float], more: Any) -> dict[str, float]:
    if isinstance(more, str) or not isinstance(more, Iterable):
        raise ArgumentError(f"{name} is {more!r}; it must be a list of words and phrases, or a dict with their weights")
    added = dict(more) if isinstance(more, Mapping) else dict.fromkeys(more, 0.8)
    for phrase, weight in added.items():
        if not isinstance(phrase, str) or not phrase.strip():
            raise ArgumentError(f"{name} holds {phrase!r}; it must hold words and phrases")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1:
            raise ArgumentError(f"{name}: the weight of {phrase!r} is {weight!r}; it must be above 0, at most 1")
    return known | added


#: Place of the job, kind, other type, score, words, evidence.
_Found = tuple[int, str, str | None, float, str, str]


def _toned(kind: str, words: Words, texts: Any, places: np.ndarray, least: float) -> Iterator[_Found]:
    pieces = [(places[start : start + _PIECE],) for start in range(0, len(places), _PIECE)]
    for (some,), sounding in _asked(lambda some: _sounding(texts.take(pa.array(some)), words, least), pieces):
        for place in some[sounding].tolist():
            text = texts[place].as_py()
            tone = words.tone(text)
            if tone and tone.score >= least:
                yield place, kind, None, tone.score, "; ".join(tone.words), _claims.sentence(text, tone.start)


def _sounding(texts: Any, words: Words, least: float) -> np.ndarray:
    """Give the places of texts whose tone may reach ``least``: by one word that does, or by two."""
    some = np.flatnonzero(_may_hold(texts, words.candidates))
    enough = words.enough(least)
    if enough is None:
        return some
    held = texts.take(pa.array(some))
    return np.asarray(some[(_rough(held, words.candidates[4:]) >= 2) | _may_hold(held, enough)])


def _asked(ask: Callable[..., Any], pieces: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Ask about pieces, two at a time, and give each with its answer: Arrow doesn't hold up other threads."""
    with ThreadPoolExecutor(2) as pool:
        yield from zip(pieces, pool.map(lambda piece: ask(*piece), pieces), strict=True)


def _argued(
    jobs: pd.DataFrame, texts: Any, row: np.ndarray, rules: pd.DataFrame, least: float, fewest: int
) -> Iterator[_Found]:
    """Find what argues for other rules: for each rule set and answer, those few texts are read that may."""
    sets, n_sets, decode = _counts.encode(jobs["rule_set"])
    kinds, n_types, named = _counts.encode(jobs["type"])
    of_set = dict(iter(rules.groupby(rules["rule_set"].astype(object), sort=False)))
    # Rule sets by the hundred differ in a description only: what names types is looked for in all of those at once.
    of_types: dict[tuple[str, ...], list[np.ndarray]] = {}
    cited: list[_Citing] = []
    for number, name in enumerate(decode(np.arange(n_sets))):
        places = row[sets[row] == number]
        if name not in of_set or not len(places):
            continue
        types, described = _read_rules(of_set[name])
        of_types.setdefault(types, []).append(places)
        own = _own(types, named(np.arange(n_types)))[kinds]
        if any(described):
            criteria = [_alternatives(words) for words in _telling(described, jobs, texts, places, own)]
            cited += [(types, criteria, mine, some) for mine, some in _by_type(places, own, 0)]
    yield from _cited(texts, cited, least, fewest)
    for types, parts in of_types.items():
        claims, own = _claims.Claims(list(types)), _own(types, named(np.arange(n_types)))[kinds]
        yield from _claimed(texts, claims, _by_type(np.concatenate(parts), own, -1), least)


def _own(types: tuple[str, ...], answers: Any) -> np.ndarray:
    """Give the place of each answer among the rules' types, -2 for a type that no rule names; at the end -1: none."""
    place = {name: number for number, name in enumerate(types)}
    return np.array([place.get(str(one), -2) for one in answers] + [-1])


def _by_type(places: np.ndarray, own: np.ndarray, first: int) -> list[tuple[int, np.ndarray]]:
    """Give pieces of the answers of each type from a place on."""
    kind = own[places]
    order = np.argsort(kind, kind="stable")
    ends = np.searchsorted(kind[order], np.arange(first, int(kind.max(initial=first)) + 2))
    some = [places[order[start:end]] for start, end in itertools.pairwise(ends.tolist())]
    return [
        (mine, rows[start : start + _PIECE])
        for mine, rows in enumerate(some, first)
        for start in range(0, len(rows), _PIECE)
    ]


def _read_rules(rules: pd.DataFrame) -> tuple[tuple[str, ...], list[set[str]]]:
    """Give the types of a rule set, in order, and for each the words that only its description has."""
    text: dict[str, str] = {}
    for name, description in zip(rules["type"], rules["description"].fillna("").astype(str), strict=True):
        if not pd.isna(name):
            text[str(name)] = f"{text.get(str(name), '')} {description}"
    words = {name: set(_WORD.findall(text[name].casefold())) for name in sorted(text)}
    # A type's name isn't a criterion: every answer of the type holds it.
    named = {part for name in words for part in _WORD.findall(name.casefold().replace("_", " "))}
    n_with = Counter(word for one in words.values() for word in one)
    return tuple(words), [{word for word in one - named if n_with[word] == 1} for one in words.values()]


def _telling(
    described: list[set[str]], jobs: pd.DataFrame, texts: Any, places: np.ndarray, own: np.ndarray
) -> list[set[str]]:
    """Leave out the words that the reasonings of other answers use as well: they say nothing of the rule."""
    ids = some_rows(jobs[["job_id"]], places)["job_id"]
    drawn = places[np.sort(lowest(hashes(ids), np.zeros(len(places), np.int64), _SAMPLED))]
    text, word, words = words_of(texts.take(pa.array(drawn)))
    kind = own[drawn]
    telling = []
    for number, some in enumerate(described):
        other = kind != number
        count = np.bincount(word[other[text]], minlength=len(words))
        common = words[(count > _COMMON * other.sum()) & (count >= _SEVERAL)]
        telling.append(some - set(common))
    return telling


def _alternatives(words: Iterable[str]) -> str:
    """Give the pattern of any of some words; nothing matches that of none."""
    return "|".join(sorted(map(re.escape, words))) or _NOTHING


def _claimed(
    texts: Any, claims: _claims.Claims, pieces: list[tuple[int, np.ndarray]], least: float
) -> Iterator[_Found]:
    own = [(None if mine < 0 else mine, some) for mine, some in pieces]
    others = [(mine, some) for mine, some in own if len(claims.types) > (mine is not None)]
    patterns = {mine: (claims.candidates(mine), claims.hints(mine)) for mine in {mine for mine, _ in others}}
    for (mine, _), found in _asked(lambda mine, some: _claiming(texts, some, *patterns[mine]), others):
        for place, may in zip(*found, strict=True):
            text = texts[place].as_py()
            claim = claims.best(text, mine, may)
            if claim and claim.firmness >= least:
                words = text[claim.start : claim.end].strip()
                sentence = _claims.sentence(text, claim.start)
                yield place, "other_rule", claims.types[claim.name], claim.firmness, words, sentence


def _claiming(texts: Any, places: np.ndarray, pattern: str, hints: list[str]) -> tuple[list[int], list[list[bool]]]:
    """Give the rows of texts that may hold a claim, and for each which of the hints it matches."""
    some = texts.take(pa.array(places))
    may = np.flatnonzero(_may_hold(some, pattern))
    some = some.take(pa.array(may))
    return places[may].tolist(), np.column_stack([_may_hold(some, hint) for hint in hints]).tolist()


#: The types of a rule set, the pattern of the criteria of each, the place of the type answered, and rows.
_Citing = tuple[tuple[str, ...], list[str], int, np.ndarray]


def _cited(texts: Any, pieces: list[_Citing], least: float, fewest: int) -> Iterator[_Found]:
    """Find texts that cite the criteria of another rule: counted by Arrow first, then those few word by word."""
    for (types, criteria, mine, _), found in _asked(partial(_citing, texts, fewest), pieces):
        for number, place in found:
            text = texts[place].as_py()
            said = _said(text, criteria[number])
            n = len(said)
            if n < fewest or n / (n + 1) < least:  # however little of its own rule it says
                continue
            n_own = len(_said(text, criteria[mine]))
            score = (n - n_own) / (n + n_own) * n / (n + 1)
            if score >= least:
                sentence = _claims.sentence(text, min(said.values()))
                yield place, "other_criteria", types[number], score, "; ".join(said), sentence


def _citing(
    texts: Any, fewest: int, types: tuple[str, ...], criteria: list[str], mine: int, places: np.ndarray
) -> list[tuple[int, int]]:
    """Give the types, and rows, of texts that hold so many of the type's criteria, parts of words among them."""
    others = [number for number in range(len(types)) if number != mine and criteria[number] != _NOTHING]
    if not others:
        return []
    some = texts.take(pa.array(places))
    rough = np.flatnonzero(_rough(some, "|".join(criteria[number] for number in others)) >= fewest)
    some, places = some.take(pa.array(rough)), places[rough]
    return [
        (number, place)
        for number in (others if len(some) else ())
        for place in places[_rough(some, criteria[number]) >= fewest].tolist()
    ]


def _may_hold(texts: Any, pattern: str) -> np.ndarray:
    """Tell which texts match a pattern; all of them, if there are too many types for Arrow to look for."""
    try:
        return truths(pc.match_substring_regex(texts, pattern))
    except pa.ArrowInvalid:
        return np.ones(len(texts), bool)


def _rough(texts: Any, words: str) -> np.ndarray:
    """Count words in texts, parts of words among them; without end, if they are too many for Arrow."""
    try:
        return np.asarray(pc.count_substring_regex(texts, f"(?i){words}").to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        return np.full(len(texts), np.iinfo(np.int32).max)


@lru_cache(maxsize=256)
def _whole_words(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _said(text: str, words: str) -> dict[str, int]:
    """Give the different ones of some words that a text holds, but after a "no", and where each stands first."""
    found: dict[str, int] = {}
    for match in _whole_words(words).finditer(text):
        word = match[0].casefold()
        if word not in found and not _claims.denied(text, match.start()):
            found[word] = match.start()
    return found


def _table(jobs: pd.DataFrame, stated: np.ndarray, found: list[_Found]) -> pd.DataFrame:
    # Of several other rules with cited criteria, one: the highest score, then the first in order of the alphabet.
    best: dict[tuple[int, str], _Found] = {}
    for one in sorted(found, key=lambda one: (one[0], KINDS.index(one[1]), -one[3], one[2] or "")):
        best.setdefault((one[0], one[1]), one)
    columns = list(zip(*best.values(), strict=True)) if best else [()] * 6
    place = np.array(columns[0], np.int64)
    table = pd.DataFrame({"job_id": some_rows(jobs[["job_id"]], place)["job_id"].array})
    table["type"] = jobs["type"].astype("category").iloc[place].array
    table["confidence"] = stated[place]
    table["kind"] = pd.Categorical(list(columns[1]), list(KINDS))
    table["other_type"] = pd.array(list(columns[2]), dtype=schema.TEXT)
    table["score"] = np.array(columns[3], np.float64)
    table["words"] = pd.array([_cut(words) for words in columns[4]], dtype=schema.TEXT)
    table["evidence"] = pd.array([_cut(text) for text in columns[5]], dtype=schema.TEXT)
    order = pd.DataFrame(
        {"score": -table["score"], "job_id": table["job_id"].astype(str), "kind": table["kind"].cat.codes}
    )
    return table.iloc[order.sort_values(["score", "job_id", "kind"]).index.to_numpy()].reset_index(drop=True)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
