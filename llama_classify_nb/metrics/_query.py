"""What a search asks for, and where a text holds it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from ..exceptions import ArgumentError
from ..texts import shown

_LONGEST = 1000
_MOST_TERMS = 30
# Quotes as keyboards and word processors write them.
_QUOTES = str.maketrans("“”„‟«»", '""""""')
_TOKEN = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+)')
# Scripts that put no space between words: there, a word may begin and end anywhere.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED_CHARS = re.compile(f"[{UNSPACED}]")
#: Beyond this no character has a case.
_LAST_WITH_CASE = 0x1F000


class Term(NamedTuple):
    """A word or phrase, folded: its words, and whether it is only the beginning of a word."""

    words: tuple[str, ...]
    beginning: bool = False

    def ends(self) -> tuple[bool, bool]:
        """Tell whether its first and its last character must be the first and the last of a word."""
        first, last = self.words[0][0], self.words[-1][-1]
        return is_word(first), is_word(last) and not self.beginning

    def literal(self, space: str) -> str:
        """Give the pattern of its words, with the pattern ``space`` between."""
        return space.join(re.escape(word) for word in self.words)


class Query(NamedTuple):
    """Each of ``wanted`` must be there in one of its alternatives, and none of ``excluded``."""

    wanted: tuple[tuple[Term, ...], ...]
    excluded: tuple[Term, ...]

    def terms(self) -> tuple[Term, ...]:
        """Give each term that is looked for, once."""
        return tuple(dict.fromkeys(term for alternatives in self.wanted for term in alternatives))


def parse(query: object) -> Query:
    """Read a query, or raise ArgumentError with what is wrong in it."""
    if not isinstance(query, str):
        raise ArgumentError(f"query is {query!r}; it must be a text, such as 'invoice -receipt'")
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(f"query holds half a character ({error.reason}), which no job can hold") from error
    text = query.translate(_QUOTES)
    if len(text) > _LONGEST:
        raise ArgumentError(f"query has {len(text):,} characters; it may have {_LONGEST:,}")
    if text.count('"') % 2:
        raise ArgumentError(f"query is {shown(query)}, where a quote \" isn't closed")
    wanted: list[tuple[Term, ...]] = []
    excluded: list[Term] = []
    joining = False
    for found in _TOKEN.finditer(text):
        if found["word"] == "OR":
            if joining or not wanted:
                raise ArgumentError(f"query is {shown(query)}; OR must stand between two words or phrases")
            joining = True
            continue
        minus, term = _term(found, query)
        if minus and joining:
            raise ArgumentError(f"query is {shown(query)}; what is excluded with - can't be an alternative of OR")
        if minus:
            excluded.append(term)
        elif joining:
            wanted[-1] = (*wanted[-1], term)
        else:
            wanted.append((term,))
        joining = False
    return _checked(Query(tuple(wanted), tuple(excluded)), joining, query)


def _term(found: re.Match[str], query: str) -> tuple[bool, Term]:
    if found["phrase"] is not None:
        minus, text, beginning = bool(found["minus"]), found["phrase"], False
    else:
        word = found["word"]
        minus = word.startswith("-") and len(word) > 1
        text = word[1:] if minus else word
        beginning = len(text) > 1 and text.endswith("*")
        text = text[:-1] if beginning else text
    words = tuple(fold(text).split())
    if not words or text == "-":
        raise ArgumentError(f"query is {shown(query)}, where a - or a pair of quotes holds nothing")
    return minus, Term(words, beginning)


def _checked(query: Query, joining: bool, text: str) -> Query:
    if joining:
        raise ArgumentError(f"query is {shown(text)}; OR must stand between two words or phrases")
    if not query.wanted:
        what = "only excludes; add a word to look for" if query.excluded else "is empty; give a word to look for"
        raise ArgumentError(f"query is {shown(text)}, which {what}")
    if len(query.terms()) + len(query.excluded) > _MOST_TERMS:
        raise ArgumentError(f"query has more than {_MOST_TERMS} words and phrases")
    return query


def fold(text: str) -> str:
    """Make texts that read alike alike: compatible characters (NFKC), and capitals by full case folding."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=1)
def rare() -> str:
    """Give a pattern of the characters that full case folding makes something else of than lower case does.

    Those whose folding differs from Arrow's simple lower case, but for the two that occur in common words: ß and ς.
    """
    kept = (chr(code) for code in range(0x80, _LAST_WITH_CASE) if not 0xD800 <= code < 0xE000)
    odd = [char for char in kept if fold(char) != unicodedata.normalize("NFKC", char).lower() or len(char.lower()) > 1]
    return "[" + "".join(char for char in odd if char not in "ßς") + "]"


def is_word(char: str) -> bool:
    """Tell whether a character is part of a word: a letter, a mark on one, or a digit; an underscore isn't.

    Nor is a character of a script without spaces: beside it, a word ends.
    """
    return unicodedata.category(char)[0] in "LMN" and not UNSPACED_CHARS.match(char)


def places(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int, int]]:
    """Give where a text holds which term: start, end (in its characters, as it stands) and the term's number."""
    folded, origin = _folded(text)
    found = []
    for number, term in enumerate(terms):
        begins, ends = term.ends()
        for match in re.finditer(term.literal(r"\s+"), folded):
            start, end = match.span()
            if begins and start and is_word(folded[start - 1]):
                continue
            if ends and end < len(folded) and is_word(folded[end]):
                continue
            if origin is not None:
                start, end = origin[start][0], origin[end - 1][1]
            found.append((start, end, number))
    return sorted(found)


def _folded(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """Fold a text, and give of each character of the result where it comes from; None: from its own place."""
    if unicodedata.is_normalized("NFKC", text) and len(simple := text.casefold()) == len(text):
        return simple, None
    pieces, origin = [], []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and unicodedata.category(text[end])[0] == "M":
            continue
        piece = fold(text[start:end])
        pieces.append(piece)
        origin += [(start, end)] * len(piece)
        start = end
    return "".join(pieces), origin
