"""The page ``index.html``: what was found, in one self-contained file without any script."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import pandas as pd

from .contents import Arguments, Given
from .findings import Audit, sections

PAGE = "index.html"


def page(given: Given, arguments: Arguments, tables: dict[str, pd.DataFrame], drawings: dict[str, bytes]) -> bytes:
    """Give the page as UTF-8.

    Parameters
    ----------
    given, arguments
        What the report is made of.
    tables : dict
        The tables of the report, by the name of their metric.
    drawings : dict
        The pictures as SVG, by the name of their metric.
    """
    inline = {name: _inline(name, drawing.decode()) for name, drawing in drawings.items()}
    found = sections(Audit(given, arguments, tables))
    text: str = _template().render(sections=found, drawings=inline, as_of=arguments.as_of)
    return (text.strip() + "\n").encode()


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


def _inline(name: str, drawing: str) -> str:
    """Give an SVG as it may stand in a page beside others: ids of its own, and no XML prologue."""
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', drawing)
    drawing = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', drawing)
    drawing = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", drawing)
    # A picture is told in words beside it: who listens to the page is told those, and not its every path.
    return drawing.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
