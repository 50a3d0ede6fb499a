"""What an English reasoning argues for: sentences that put a rule's type forward as the match."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# Words that may stand between "a better match for" and the type: "the structure of a formal".
_FILL = (
    r"(?:(?:an?|the|this|that|one|of|for|to|as|with|in|under|being|type|category|class|rule|criteria|description|"
    r"definition|structure|format|style|layout|characteristics?|features?|typical|standard|formal|regular|simple|"
    r"short|kind|sort|your|our)\s+){0,6}"
)
_QUOTE = "[\"'“”‘’«»`*]{0,2}"
_NOUNS = "match(?:es|ed|ing)?|fits?|fitting|choice|candidate|classification|answer|option|type|category|rule|label"
_FILED = "described|classified|categori[sz]ed|characteri[sz]ed|labell?ed|represented|treated|filed|identified|regarded"
_SURELY = "actually|really|in fact|in reality|effectively|essentially|clearly|definitely|plainly|obviously|unmistakably"
_APT = "appropriate|accurate|suitable|fitting|likely|plausible|natural"
_PAGE = r"(?:the|this|whole|entire) (?:document|page|file|text|content|scan|image)|this|it"

# How firmly the words that lead up to a type put it forward. Spaces stand for any white space.
_FIRM, _PLAIN = 0.95, 0.75
_BEFORE = (
    (
        _FIRM,
        rf"(?:better|best|closer|closest|stronger|strongest) (?:(?:{_NOUNS}|{_FILED}|suited|aligns?|aligned|rule|"
        r"type) ){0,2}(?:(?:is|was|would be|seems to be|by|here is) )?",
    ),
    (
        _FIRM,
        rf"(?:more|most) (?:closely |strongly |accurately |appropriately |properly |naturally )?(?:consistent|"
        rf"aligned|aligns?|match(?:es|ed|ing)?|resembl(?:es|ing)|fits?|fitting|{_FILED}|typical|characteristic|"
        r"indicative|like|likely|akin|similar|suited|corresponds?|of|suitable|appropriate|accurate) "
        rf"(?:to be |to call it )?(?:(?:{_NOUNS}) ){{0,2}}(?:(?:is|was|would be|seems to be) )?",
    ),
    (
        _FIRM,
        rf"(?:should|ought to|must) (?:really |actually |rather |instead |probably |likely )?(?:be|have been) "
        rf"(?:(?:{_FILED}) )?",
    ),
    (_FIRM, rf"(?:is|are|was|it's|it’s) (?:{_SURELY}) "),
    (
        _FIRM,
        r"(?:aligns?|match(?:es)?|fits|corresponds?|resembles|suits) (?:more|most|better|best) (?:closely |strongly )?",
    ),
    (_FIRM, rf"(?:correct|right|proper) (?:(?:{_NOUNS}) ){{1,2}}(?:is|would be|seems to be) "),
    (
        _PLAIN,
        rf"(?:match(?:es|ing)?|fits|meets|satisfies|aligns|corresponds|consistent|indicative|characteristic|"
        rf"typical|falls|belongs|qualifies|{_FILED}|recogni[sz]ed|constitutes|makes (?:it|this)|call (?:it|this)) ",
    ),
    (_PLAIN, rf"(?:{_PAGE}) (?:is|was|appears to be|seems to be|looks like|reads like|reads as) "),
)
_AFTER = (
    rf"(?: rule| type| category)? (?:(?:fits|matches|suits|describes it) (?:better|best|more closely|most closely)\b|"
    rf"(?:is|was|would be|seems|appears to be|remains|looks like) (?:clearly |actually |probably )?"
    rf"(?:an? |the )?(?:better|best|closer|closest|stronger|strongest|more (?:{_APT})|most (?:{_APT})|correct|right|"
    r"proper)\b)"
)
# What may come right after a type's name; anything else ("form number", "letter size") makes it another thing.
_END = (
    r"(?=\s*(?:[.,;:!?)\]—–-]|$)|\s+(?:than|rather|because|since|as|but|and|or|rule|type|category|class|document|page|"
    r"format|criteria|criterion|description|definition|that|which|who|given|due|with|based|though|although|in|on|from|by|for|to|about|instead|here|overall|despite|not|is|"
    r"was|would|seems|appears|issued|signed|addressed|written|sent|listing|showing)\b)"
)
_NOT = re.compile(
    r"\b(?:not|no|nothing|none|never|neither|nor|without|cannot|lacks?|lacking|unlike|rather than|instead of|less|"
    r"fails?|rul(?:es?|ed|ing) out|exclud\w+|hardly|second|next|runner|otherwise|deny|denies|false)\b|n['’]t\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"\b(?:unlikely|ruled out|rejected|excluded|dismissed|discarded|incorrect|wrong|insufficient)\b", re.I
)
# What is granted only, or isn't so: weaker evidence. In the clause of the claim; anywhere before it in the sentence;
# and the same for a claim that isn't firm.
_GRANTED = re.compile(
    r"\b(?:although|though|while|whilst|despite|even if|in part|partially|in some respects|slightly|might|may|could|"
    r"possibly|perhaps|without the)\b",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"^\W*(?:had|were)\b|\b(?:if|unless|had it|were it|at first|initially|superficially|one could argue|alternative)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;:!?,\n]|\b(?:but|however|yet|because|since|which|so)\b", re.IGNORECASE)
_TURN = re.compile(r":|\b(?:but|however|yet|although|instead)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?:\s|$)|[;\n]")
_GRANTED_FACTOR, _TAKEN_BACK_FACTOR = 0.4, 0.4


class Claim(NamedTuple):
    """A type that a text puts forward."""

    start: int
    end: int
    name: int  # the type's number
    firmness: float


class Claims:
    """Finds what a text argues for, among the types of a rule set.

    Parameters
    ----------
    types : sequence of str
        The types' names.
    """

    def __init__(self, types: Sequence[str]) -> None:
        self.types = types
        # Of "invoice" and "proforma invoice" the longer is meant where both would do.
        order = sorted(range(len(types)), key=lambda number: -len(types[number]))
        named = "|".join(f"(?P<t{number}>{_spoken(types[number])})" for number in order)
        name = f"{_QUOTE}(?:{named}){_QUOTE}"
        # Prepared when they are looked for first: that takes Python longer than to look for them in a hundred texts.
        self._patterns = [
            *((firmness, rf"\b(?:{cue}){_FILL}{name}{_END}") for firmness, cue in _BEFORE),
            (_FIRM, rf"\b{name}{_AFTER}(?: (?:{_NOUNS})\b)?"),
        ]
        # "X rather than OWN", "X, not OWN", and "not OWN but X", for each that may be one's own.
        self._turned = [
            (
                rf"\b{name},? (?:rather than|instead of|and not|not) {_FILL}{mine}{_END}",
                rf"\bnot (?:really |actually )?{_FILL}{mine},? but (?:rather |instead )?{_FILL}{name}{_END}",
            )
            for mine in (f"{_QUOTE}(?:{_spoken(one)}){_QUOTE}" for one in types)
        ]

    def candidates(self, own: int | None) -> str:
        """Give a pattern for Arrow that every text matches in which `best` finds a type other than ``own``."""
        others = [_spoken(name) for number, name in enumerate(self.types) if number != own]
        name = f"{_QUOTE}(?:{'|'.join(others)})"
        cues = "|".join(cue for _, cue in _BEFORE)
        before = f"(?:{cues}){_FILL}{name}"
        after = f"{name}{_QUOTE}{_AFTER}"
        turned = f"|{name}{_QUOTE},? (?:rather than|instead of|and not|not) |not (?s:.{{0,60}})but "
        return _for_arrow(f"{before}|{after}{'' if own is None else turned}")

    def hints(self, own: int | None) -> list[str]:
        """Give patterns for Arrow, one for each of `best`: every text matches it in which `best` finds something."""
        name = f"{_QUOTE}(?:{'|'.join(map(_spoken, self.types))})"
        found = [*(f"(?:{cue}){_FILL}{name}" for _, cue in _BEFORE), f"{name}{_QUOTE}{_AFTER}"]
        if own is not None:
            mine = f"{_QUOTE}(?:{_spoken(self.types[own])})"
            found.append(f"{name}{_QUOTE},? (?:rather than|instead of|and not|not) {_FILL}{mine}")
            found.append(f"not (?:really |actually )?{_FILL}{mine}{_QUOTE},? but ")
        return [_for_arrow(one) for one in found]

    def best(self, text: str, own: int | None, may: Sequence[bool] | None = None) -> Claim | None:
        """Give the claim for another type that most firmly speaks against ``own`` (None: that no rule matches).

        Where it is known which of `hints` the text matches, ``may`` says so, and the other patterns aren't looked for.
        """
        may = [True] * (len(self._patterns) + 2) if may is None else may
        ways = [pattern for pattern, is_there in zip(self._patterns, may, strict=False) if is_there]
        found = [claim for firmness, pattern in ways for claim in self._claims(pattern, firmness, text)]
        mine = [claim for claim in found if claim.name == own]
        others = [claim for claim in found if claim.name != own]
        if own is None:
            # Where no rule matched, naming the closest is no contradiction.
            others = [
                one for one in others if not re.match(r"\W*(?:clos|be|more|most|strong)", text[one.start :], re.I)
            ]
        else:
            turns = zip(self._turned[own], may[len(self._patterns) :], strict=True)
            turned = [claim for one, is_there in turns if is_there for claim in self._claims(one, _FIRM, text)]
            others += [claim for claim in turned if claim.name != own]
        weighed = [claim._replace(firmness=_weighed(claim, mine)) for claim in others]
        return min(weighed, key=lambda claim: (-claim.firmness, claim.start), default=None)

    def _claims(self, pattern: str, firmness: float, text: str) -> list[Claim]:
        claims = []
        for match in _compiled(pattern).finditer(text):
            head, tail = _clause_before(text, match.start()), _clause_after(text, match.end())
            if _NOT.search(head) or _REFUSED.search(tail):
                continue
            before = text[_sentence_start(text, match.start()) : match.end()]
            granted = _GRANTED.search(head + match[0] if firmness == _FIRM else before)
            factor = _GRANTED_FACTOR if granted or _UNREAL.search(before) or re.search(r"\bif\b", tail) else 1.0
            claims.append(Claim(match.start(), match.end(), self._number(match), firmness * factor))
        return claims

    def _number(self, match: re.Match[str]) -> int:
        return next(number for number in range(len(self.types)) if match[f"t{number}"] is not None)


def _weighed(claim: Claim, mine: list[Claim]) -> float:
    """Weaken a claim that the text takes back, or that stands beside one for its own type."""
    if any(own.start > claim.start for own in mine):
        return claim.firmness * _TAKEN_BACK_FACTOR
    return claim.firmness * (_TAKEN_BACK_FACTOR if mine and claim.firmness < _FIRM else 1.0)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_spaced(pattern, r"\s+"), re.IGNORECASE)


def _for_arrow(pattern: str) -> str:
    # Arrow's \s and \b know ASCII alone.
    pattern = _spaced(pattern, r"\s+").replace(r"\b", "")
    return "(?i)" + pattern.replace(r"[\s", r"[\s\p{Z}").replace(r"\s+", r"[\s\p{Z}]+")


def _spaced(pattern: str, space: str) -> str:
    return pattern.replace(" ", space)


def _spoken(name: str) -> str:
    """Give the pattern of a type's name as a sentence has it: news_article, "news article", News-Articles."""
    words = [word for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if word]
    if not words:
        return _literal(name)
    spoken = r"[\s_/-]*".join(re.escape(word) for word in words) + r"(?:e?s)?\b"
    return spoken if re.fullmatch(r"[\w\s/-]+", name) else f"(?:{_literal(name)}|{spoken})"


def _literal(name: str) -> str:
    """Give the pattern of a name as it stands."""
    return r"\s+".join(re.escape(word) for word in name.split()) or r"\s"


def _clause_before(text: str, start: int) -> str:
    before = text[max(start - 200, 0) : start]
    ends = [match.end() for match in _CLAUSE.finditer(before)]
    return before[ends[-1] :] if ends else before


def _clause_after(text: str, end: int) -> str:
    after = text[end : end + 80]
    found = _CLAUSE.search(after)
    return after[: found.start()] if found else after


def denied(text: str, place: int) -> bool:
    """Tell whether a "no" goes before a place in its sentence, with no "but" between: lists are denied whole."""
    before = text[_sentence_start(text, place) : place]
    ends = [match.end() for match in _TURN.finditer(before)]
    return bool(_NOT.search(before, ends[-1] if ends else 0))


def _sentence_start(text: str, place: int) -> int:
    start = first = max(place - 400, 0)
    for end in _SENTENCE.finditer(text, first, place):
        start = end.end()
    return start


def sentence(text: str, place: int) -> str:
    """Give the sentence around a place in a text, at most 800 characters."""
    close = _SENTENCE.search(text, place)
    end = min(close.end() if close else len(text), place + 400)
    return text[_sentence_start(text, place) : end].strip()
