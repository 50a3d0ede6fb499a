"""The key: where it comes from, how it goes on a request, and how it is taken out of what comes back and is logged."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, MutableMapping
from contextvars import ContextVar
from typing import NamedTuple

KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY")
#: Those that tell what a server said. A filter sees what its own logger is told, not what those below it are.
LOGGERS = tuple(logging.getLogger(f"httpcore.{name}") for name in ("connection", "http11", "http2", "proxy", "socks"))

_KEY = re.compile(r"""(?:(?!["'`\\<>])[!-~])+""")  # quotes are visible ASCII, too, and often pasted along
_LONG = 16  # characters: no word of a document


class Key(NamedTuple):
    """What can be done with a key that nobody can look at: it lives in closures, which no repr or pickle shows."""

    authorize: Callable[[MutableMapping[str, str]], None]  # puts it among the headers of a request
    hidden: Callable[[bytes], bytes]  # takes it out of what is shown
    kept_out: Callable[[bytes], bytes]  # takes it out of an answer, unless it could be a word of that answer's own
    source: str  # the argument or variable that it came from

    def hidden_in(self, text: str) -> str:
        """Take it out of a text that is shown."""
        return self.hidden(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    @contextlib.contextmanager
    def kept_out_of_logs(self) -> Iterator[None]:
        """While a request with this key is under way, take it out of what httpcore logs for debugging.

        A server may quote it in the head of its answer. What others log there meanwhile is left alone.
        """
        for logger in LOGGERS:
            logger.addFilter(_without_key)  # one that is there already isn't added again
        token = _under_way.set(self)
        try:
            yield
        finally:
            _under_way.reset(token)


_under_way: ContextVar[Key | None] = ContextVar("_under_way", default=None)  # whose request, here


class _WithoutKey(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if (key := _under_way.get()) is not None:
            record.msg, record.args = key.hidden_in(record.getMessage()), ()
        return True


_without_key = _WithoutKey()


def read_key(api_key: str | None) -> tuple[Key, str]:
    """Give the key of the argument or of the environment, and what is wrong with it; empty: nothing is.

    An answer loses only what can't be a word of its own: "test" is a key, too, for a server of one's own.
    """
    source = "api_key="
    if api_key is None:
        source = next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")
        api_key = os.environ.get(source) if source else None
    wrong = ""
    if api_key is None:
        name = KEY_VARIABLES[0]
        wrong = f"no key: set {name} in the environment, or in Python give api_key= (a key begins with llx-)"
    elif not isinstance(api_key, str):
        wrong = f"api_key is a {type(api_key).__name__}: give the key as text"
    elif not _KEY.fullmatch(api_key.strip()):
        wrong = f"the key (from {source}) is empty or holds a character that no key has: copy it once more"
    key = "" if wrong or api_key is None else api_key.strip()

    def authorize(headers: MutableMapping[str, str]) -> None:
        headers["Authorization"] = f"Bearer {key}"

    def hidden(text: bytes) -> bytes:
        return text.replace(key.encode(), b"[the key]")

    return Key(authorize, hidden, hidden if len(key) >= _LONG else lambda text: text, source), wrong
