"""The evidence for a pair of types in words: what speaks for it, and the sentences that do, quoted."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from . import _tokens

#: Sentences that are quoted for a pair, and the most characters of each, and of a type's name beside them.
QUOTES, LONGEST, LONGEST_NAME = 3, 180, 50
# Reasonings that are looked at for them: the same sentence isn't quoted twice.
_LOOKED_AT = 8
_SENTENCE = re.compile(r"(?<=[.!?;。！？])\s+|[\r\n]+")


def plain(text: Any, longest: int) -> str:
    """Make a stranger's text one line without controls and invisible marks, and cut it where it is too long."""
    kept = str(text)[: 20 * longest]
    if not kept.isprintable():
        spaced = (" " if one.isspace() else one for one in kept)
        kept = "".join(one for one in spaced if unicodedata.category(one)[0] != "C")
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def quotes(texts: pd.DataFrame, cites: Any, types: list[str]) -> dict[tuple[int, int], str]:
    """Quote for each pair of types the sentences that name one in an answer of the other, the least sure ones first.

    Where no rule matched, a sentence of a reasoning that names both is quoted.
    """
    cells = cites.tocoo()
    answer = texts["answer"].to_numpy()[cells.row]
    one = pd.DataFrame({"text": cells.row, "named": cells.col, "other": answer})
    both = one[one["other"] < 0].drop(columns="other")
    both = both.merge(both.rename(columns={"named": "other"}), on="text")
    both = both[both["named"] < both["other"]]
    found = pd.concat([one[(one["other"] >= 0) & (one["other"] != one["named"])], both], ignore_index=True)
    found["low"], found["high"] = np.minimum(found["named"], found["other"]), np.maximum(found["named"], found["other"])
    found["weight"] = -texts["weight"].to_numpy()[found["text"]]
    found = found.sort_values(["low", "high", "weight", "text", "named"])
    found = found[found.groupby(["low", "high"]).cumcount() < _LOOKED_AT]
    patterns = [_pattern(name) for name in types]
    result: dict[tuple[int, int], list[str]] = {}
    reasoning, confidence, kind = (texts[name].to_numpy() for name in ("reasoning", "confidence", "answer"))
    for low, high, text, named in found[["low", "high", "text", "named"]].to_numpy(dtype=np.int64).tolist():
        said = result.setdefault((low, high), [])
        sentence = f"“{_sentence(str(reasoning[text]), patterns[named])}”"
        if len(said) < QUOTES and not any(sentence in one for one in said):
            who = "no match" if kind[text] < 0 else plain(types[kind[text]], LONGEST_NAME)
            sure = confidence[text]
            said.append(f"{who}{'' if np.isnan(sure) else f' ({sure:.2f})'}: {sentence}")
    return {pair: " · ".join(said) for pair, said in result.items()}


def _pattern(name: str) -> re.Pattern[str]:
    ways = [r"[\W_]*".join(map(re.escape, words)) for words in _tokens.spellings(name)]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(ways)})s?(?![^\W_])" if ways else r"(?!)", re.IGNORECASE)


def _sentence(text: str, pattern: re.Pattern[str]) -> str:
    text = text[: _tokens.LONGEST]
    sentences = [one for one in _SENTENCE.split(text) if one.strip()]
    sentence, hit = next(((one, found) for one in sentences if (found := pattern.search(one))), (text, None))
    start = max(hit.start() - LONGEST // 2, 0) if hit and len(sentence) > LONGEST else 0
    return ("…" if start else "") + plain(sentence[start:], LONGEST - 1)


def sentence_of(row: dict[str, Any]) -> str:
    """Say what speaks for a pair, strongest kind of evidence first; "" where nothing does but the descriptions."""
    a, b = plain(row["type_a"], LONGEST_NAME), plain(row["type_b"], LONGEST_NAME)
    said = []
    for count, lost, won in ((row["n_a_as_b"], a, b), (row["n_b_as_a"], b, a)):
        if count is not None and count > 0:
            said.append(f"{_n(count, 'document')} labelled {lost} {_was(count)} answered {won}")
    if row["n_flips"]:
        # Asked twice of this rule set, or once of this and once of another: the count doesn't tell which.
        said.append(f"{_n(row['n_flips'], 'file')} with several answers {_was(row['n_flips'])} answered both")
    for count, by, other in ((row["n_a_names_b"], a, b), (row["n_b_names_a"], b, a)):
        if count:
            said.append(f"{_n(count, 'reasoning')} of {by} {'names' if count == 1 else 'name'} {other}")
    if row["n_neither"]:
        name = "names" if row["n_neither"] == 1 else "name"
        said.append(f"{_n(row['n_neither'], 'reasoning')} without a match {name} both")
    return "; ".join(said)


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
