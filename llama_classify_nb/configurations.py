"""The configuration of a job, read strictly: its rules, its mode, and what the parser was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from .exceptions import InvalidAnswerError
from .rawjson import check_utf8, raw_keys, reason, spliced, unknown_part, without_lone_surrogates


class Rule(msgspec.Struct, gc=False):
    """A rule of a configuration."""

    type: str
    description: str


class ParsingConfiguration(msgspec.Struct, gc=False):
    """What the parser was told."""

    lang: str | None = None
    max_pages: int | float | None = None
    target_pages: str | None = None


class Configuration(msgspec.Struct, gc=False):
    """A configuration, whole."""

    rules: Annotated[Sequence[Rule], msgspec.Meta(min_length=1)]
    mode: str | None = None
    parsing_configuration: ParsingConfiguration | None = None


class KnownRule(Rule, forbid_unknown_fields=True):
    """A rule without any key that we don't know."""


class KnownParsingConfiguration(ParsingConfiguration, forbid_unknown_fields=True):
    """What the parser was told, without any key that we don't know."""


class KnownConfiguration(Configuration, forbid_unknown_fields=True):
    """A configuration without any key that we don't know: the usual case, told apart at no cost."""

    rules: Annotated[list[KnownRule], msgspec.Meta(min_length=1)]
    parsing_configuration: KnownParsingConfiguration | None = None


class Settings(NamedTuple):
    """What a configuration says besides its rules."""

    mode: str | None
    lang: str | None
    max_pages: int | float | None
    target_pages: str | None
    extra: str | None  # what we don't know, as JSON


_configuration = msgspec.json.Decoder(Configuration)
_known_configuration = msgspec.json.Decoder(KnownConfiguration)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_NOTHING_SAID = ParsingConfiguration()
_KNOWN = frozenset(Configuration.__struct_fields__)
_KNOWN_OF_PARSING = frozenset(ParsingConfiguration.__struct_fields__)
_KNOWN_OF_RULE = frozenset(Rule.__struct_fields__)


def read_configuration(raw: bytes) -> Configuration:
    """Read a configuration; a :class:`KnownConfiguration` where it holds no key that we don't know.

    Raises
    ------
    InvalidAnswerError
        If it breaks the documented shape, holds no rule, or ``max_pages`` isn't a whole number.
    """
    configuration: Configuration
    try:
        try:
            configuration = _known_configuration.decode(raw)
        except msgspec.ValidationError:
            configuration = _configuration.decode(raw)
            check_utf8(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        mended = without_lone_surrogates(raw)
        if mended is None:
            raise InvalidAnswerError(f"configuration: {reason(error)}") from None
        return read_configuration(mended)
    pages = configuration.parsing_configuration and configuration.parsing_configuration.max_pages
    if isinstance(pages, float) and not pages.is_integer():
        raise InvalidAnswerError(f"configuration: max_pages is {pages}: expected a whole number")
    return configuration


def settings_of(configuration: Configuration, raw: bytes) -> Settings:
    """Give what a configuration says besides its rules; ``raw`` is what it was read from."""
    extra = None if isinstance(configuration, KnownConfiguration) else _unknown_keys(raw)
    parsing = configuration.parsing_configuration or _NOTHING_SAID
    return Settings(configuration.mode, parsing.lang, parsing.max_pages, parsing.target_pages, extra)


def _unknown_keys(configuration: bytes) -> str | None:
    """Give the part of a configuration that :class:`Configuration` has no field for; its rules keep their places."""
    keys = raw_keys(configuration)
    extra = {key: raw.decode() for key, raw in keys.items() if key not in _KNOWN}
    parsing = keys.get("parsing_configuration", b"null")
    if parsing != b"null" and (unknown := unknown_part(parsing, _KNOWN_OF_PARSING)):
        extra["parsing_configuration"] = unknown
    rules = [unknown_part(bytes(rule), _KNOWN_OF_RULE) or "{}" for rule in _items.decode(keys["rules"])]
    if any(rule != "{}" for rule in rules):
        extra["rules"] = f"[{', '.join(rules)}]"
    return spliced(extra)
