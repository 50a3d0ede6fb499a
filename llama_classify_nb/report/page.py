"""The page ``index.html``: what was found, in one self-contained file without any script."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .contents import Arguments, Tables
from .facts import Facts
from .findings import Audit, sections

PAGE = "index.html"
# Matplotlib names a pattern by a digest of what it shows: of one name are patterns that are alike.
_PATTERN = re.compile(r'<pattern id="([^"]+)".*?</pattern>', re.S)


def page(
    facts: Facts, arguments: Arguments, tables: Tables, drawings: dict[str, bytes], digests: dict[str, str]
) -> bytes:
    """Give the page as UTF-8.

    Parameters
    ----------
    facts
        What the page tells of the jobs besides the tables.
    arguments
        Of the report.
    tables : dict
        The tables of the report, by the name of their metric.
    drawings : dict
        The pictures as SVG, by the name of their metric.
    digests : dict
        The SHA-256 of each other file of the report, by its name: who holds the page holds them to it.
    """
    patterns: set[str] = set()
    inline = {name: _inline(name, drawing.decode(), patterns) for name, drawing in drawings.items()}
    found = sections(Audit(facts, arguments, tables))
    text: str = _template().render(sections=found, drawings=inline, as_of=arguments.as_of, digests=digests)
    return (text.strip() + "\n").encode()


def told_digests(content: bytes) -> dict[str, str]:
    """Give the SHA-256 that a page tells of each file."""
    rows = re.findall(r"<td>([^<]+)</td><td><code>([0-9a-f]{64})</code>", content.decode(errors="replace"))
    return dict(rows)


@lru_cache(maxsize=1)
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("llama_classify_nb", "report"),
        autoescape=True,  # every text of a job is a stranger's
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _inline(name: str, drawing: str, patterns: set[str]) -> str:
    """Give an SVG as it may stand in a page beside others: ids of its own, and no XML prologue.

    The patterns of hatches, which make most of a picture, are shared: what ``patterns`` has, stands in one before it.
    """
    drawing = drawing[drawing.index("<svg") :]
    shared = {found[1]: found[0] for found in _PATTERN.finditer(drawing)}
    for pattern, text in shared.items():
        if pattern in patterns:
            drawing = drawing.replace(text, "", 1)
    patterns.update(shared)

    def own(found: re.Match[str]) -> str:
        return found[0] if found[2] in shared else f"{found[1]}{name}-{found[2]}{found[3]}"

    for reference in (r'(\bid=")([^"]+)(")', r'(href="#)([^"]+)(")', r"(url\(#)([^)]+)(\))"):
        drawing = re.sub(reference, own, drawing)
    # A picture is told in words beside it: who listens to the page is told those, and not its every path.
    return drawing.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
