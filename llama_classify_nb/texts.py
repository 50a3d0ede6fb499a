"""A stranger's text, made harmless to show."""

from __future__ import annotations


def printable(text: str, limit: int = 500) -> str:
    """Give a stranger's text as one line that can't steer a terminal: odd characters escaped, cut at ``limit``."""
    line = " ".join(text[: 4 * limit].split())
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in line)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def shown(text: str) -> str:
    """Give a value as a message quotes it: at most 60 characters of it."""
    return repr(printable(text, 60))
