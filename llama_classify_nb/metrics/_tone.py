"""How sure an English reasoning sounds: words that hedge, and words that leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

#: Words that hedge about the answer itself count 0.8; those that may hedge about a detail count 0.5, so it takes two.
HEDGES: dict[str, float] = {
    **dict.fromkeys(
        (
            "could also be",
            "might also be",
            "may also be",
            "could equally be",
            "could be either",
            "either could apply",
            "could be considered",
            "might be considered",
            "might be better",
            "could be better classified",
            "hard to tell",
            "hard to classify",
            "hard to say",
            "difficult to classify",
            "difficult to determine",
            "difficult to tell",
            "difficult to say",
            "not certain",
            "not entirely certain",
            "not sure",
            "not entirely sure",
            "not fully certain",
            "not entirely clear",
            "not clear whether",
            "not clear which",
            "unclear whether it is",
            "unclear whether this is",
            "unclear whether the document is",
            "unclear which",
            "uncertain whether it is",
            "uncertain whether this is",
            "unsure",
            "low confidence",
            "not confident",
            "not very confident",
            "best guess",
            "my guess",
            "educated guess",
            "tentatively classified",
            "tentative classification",
            "borderline",
            "cannot be determined",
            "cannot be certain",
            "can't be certain",
            "can't be sure",
            "cannot be sure",
            "remains uncertain",
            "insufficient evidence",
            "insufficient information",
            "not definitive",
            "weak match",
            "only a partial match",
            "only partially matches",
            "only loosely matches",
            "does not fully match",
        ),
        0.8,
    ),
    **dict.fromkeys(
        (
            "ambiguous",
            "inconclusive",
            "unclear whether",
            "uncertain whether",
            "possibly",
            "perhaps",
            "maybe",
            "uncertain",
            "unclear",
            "arguably",
            "presumably",
            "might be",
            "may be",
            "could be",
            "partial match",
            "partially matches",
            "loosely",
            "somewhat",
            "limited evidence",
            "debatable",
            "questionable",
            "conceivably",
            "uncertainty",
            "ambiguity",
            "some doubt",
            "not entirely",
        ),
        0.5,
    ),
}

#: The same for words that leave no doubt.
CERTAINTIES: dict[str, float] = {
    **dict.fromkeys(
        (
            "definitely",
            "certainly",
            "undoubtedly",
            "unquestionably",
            "unmistakably",
            "unmistakable",
            "unambiguously",
            "unambiguous",
            "without a doubt",
            "without any doubt",
            "without doubt",
            "beyond doubt",
            "beyond any doubt",
            "no doubt",
            "conclusively",
            "unequivocally",
            "unequivocal",
            "is clearly a",
            "is clearly an",
            "is obviously a",
            "is obviously an",
            "perfect match",
            "perfectly matches",
            "exact match",
            "exactly matches",
            "matches exactly",
            "fully matches",
            "matches all",
            "meets all",
            "satisfies all",
            "textbook example",
            "very strong match",
            "highly confident",
            "very confident",
            "absolute certainty",
            "no ambiguity",
            "leaves no room",
            "can only be",
        ),
        0.8,
    ),
    **dict.fromkeys(
        (
            "clearly",
            "obviously",
            "evidently",
            "plainly",
            "strong match",
            "strongly matches",
            "clear match",
            "conclusive",
            "strong evidence",
            "strong indicators",
            "definitive",
            "every criterion",
            "all criteria",
            "all of the criteria",
        ),
        0.5,
    ),
}

# Between a hedge's beginning and the word before: what turns it round.
_TURNED = re.compile(
    r"(?:\b(?:no|not|never|without|nor|neither|cannot|hardly|rather than|instead of|any|nothing|little|lacks?|lacking|"
    r"fails? to)|n['’]t)\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
# What a text quotes from the document isn't said by it.
_QUOTED = re.compile(r"(?<!\w)'[^'\n]{1,200}'(?!\w)|\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|‘[^’\n]{1,200}’|«[^»\n]{1,200}»")


class Tone(NamedTuple):
    """The words found, where the first of the weightiest stands, and how much they say together, 0 to 1."""

    words: tuple[str, ...]
    start: int
    score: float


class Words:
    """A list of phrases with their weights, ready to be looked for."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = {" ".join(phrase.casefold().split()): weight for phrase, weight in weights.items()}
        longest = sorted(self._weights, key=lambda phrase: (-len(phrase), phrase))
        phrases = [r"\s+".join(re.escape(word) for word in phrase.split()) for phrase in longest]
        self.candidates = "(?i)" + "|".join(phrases)
        # Python tries one phrase after the other, but of those that begin with another letter none.
        by_letter: dict[str, list[str]] = {}
        for phrase in phrases:
            by_letter.setdefault(phrase[0] if phrase[0].isascii() and phrase[0].isalpha() else "", []).append(phrase)
        some = [f"(?:{first and f'(?={first})'}(?:{'|'.join(those)}))" for first, those in by_letter.items()]
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(some)})(?!\w)", re.IGNORECASE)

    def enough(self, least: float) -> str | None:
        """Give a pattern for Arrow of the phrases that reach ``least`` alone; None where two of the others may be one.

        Of the phrases known here, none that is too weak alone holds two of the others.
        """
        strong = [phrase for phrase, weight in self._weights.items() if 1 - (1 - weight) >= least]
        weak = self._weights.keys() - strong
        if not strong or not weak <= HEDGES.keys() | CERTAINTIES.keys():
            return None
        return "(?i)" + "|".join(r"\s+".join(re.escape(word) for word in phrase.split()) for phrase in strong)

    def tone(self, text: str) -> Tone | None:
        """Give what a text holds of them, but in quotes or turned round by a "no"; None: nothing."""
        blank = _QUOTED.sub(lambda found: " " * len(found[0]), text)
        found: dict[str, int] = {}
        for match in self._pattern.finditer(blank):
            if not _TURNED.search(blank[max(match.start() - 60, 0) : match.start()]):
                found.setdefault(" ".join(match[0].casefold().split()), match.start())
        if not found:
            return None
        doubt = 1.0
        for weight in sorted(self._weights[phrase] for phrase in found):
            doubt *= 1 - weight
        first = min(found, key=lambda phrase: (-self._weights[phrase], found[phrase]))
        return Tone(tuple(found), found[first], 1 - doubt)
