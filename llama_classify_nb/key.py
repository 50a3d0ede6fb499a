"""The key: where it comes from, how it goes on a request, and how it is taken out of whatever comes back."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping
from typing import NamedTuple

KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY")

_KEY = re.compile(r"""(?:(?!["'`\\<>])[!-~])+""")  # quotes are visible ASCII, too, and often pasted along
_LONG = 16  # characters: no word of a document

Authorize = Callable[[MutableMapping[str, str]], None]


class Key(NamedTuple):
    """What can be done with a key that nobody can look at: it lives in closures, which no repr or pickle shows."""

    authorize: Authorize  # puts it among the headers of a request
    hidden: Callable[[bytes], bytes]  # takes it out of what is shown
    kept_out: Callable[[bytes], bytes]  # takes it out of an answer, unless it could be a word of that answer's own
    source: str  # the argument or variable that it came from

    def hidden_in(self, text: str) -> str:
        """Take it out of a text that is shown."""
        return self.hidden(text.encode()).decode()


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
