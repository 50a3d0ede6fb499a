"""What ``help`` and the Tab key show: of every public name what it gives, takes, returns and raises, and no other."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import exceptions

PLACES = {"": lcn, "metrics.": lcn.metrics, "plots.": lcn.plots}
PUBLIC: dict[str, Callable[..., Any]] = {
    f"{place}{name}": getattr(module, name)
    for place, module in PLACES.items()
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
}
CLASSES = [name for name, thing in PUBLIC.items() if inspect.isclass(thing)]
METHODS = {
    f"{name}.{method}": function
    for name in CLASSES
    for method, function in vars(PUBLIC[name]).items()
    if inspect.isfunction(function) and not method.startswith("_")
}
FUNCTIONS = [name for name in PUBLIC if name not in CLASSES]
METRICS = [name for name in PUBLIC if name.startswith("metrics.")]
#: What can't fail, as it takes nothing.
SAFE = {"load_sample", "load_sample_labels"}


def text_of(name: str) -> str:
    return inspect.getdoc({**PUBLIC, **METHODS}[name]) or ""


def sections(name: str) -> dict[str, str]:
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text_of(name), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented(name: str) -> list[str]:
    """Give the names that the section Parameters lists."""
    heads = re.findall(r"^\**(\w[\w, ]*?)(?: : .*)?$", sections(name).get("Parameters", ""), re.MULTILINE)
    return [one for head in heads for one in head.split(", ")]


def signature(name: str) -> list[str]:
    return [one for one in inspect.signature({**PUBLIC, **METHODS}[name]).parameters if one != "self"]


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_the_first_line_says_what_it_gives(name: str) -> None:
    first, *rest = text_of(name).split("\n")
    assert re.fullmatch(r"[A-Z].{10,115}[.?:]", first), first
    assert not rest or not rest[0]
    assert first.endswith("?") or not name.startswith(("metrics.", "plots."))


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.startswith("plots.")])
def test_a_plot_asks_what_its_metric_asks(name: str) -> None:
    assert text_of(name).split("\n")[0] == text_of(name.replace("plots.", "metrics.")).split("\n")[0]


@pytest.mark.parametrize("name", [*FUNCTIONS, "Archive", "Client"])
def test_the_parameters_are_those_of_the_signature(name: str) -> None:
    assert sorted(documented(name)) == sorted(signature(name))


@pytest.mark.parametrize("name", [name for name in METHODS if sections(name).get("Parameters")])
def test_the_parameters_of_a_method_are_those_of_the_signature(name: str) -> None:
    assert sorted(documented(name)) == sorted(signature(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_says_what_it_returns_and_raises(name: str) -> None:
    found = sections(name)
    assert found["Returns"].strip()
    raised = re.findall(r"^(\w[\w, ]*)$", found.get("Raises", ""), re.MULTILINE)
    assert raised or name in SAFE
    for one in ", ".join(raised).split(", "):
        assert not one or hasattr(exceptions, one) or one == "OSError", one


@pytest.mark.parametrize("name", METRICS)
def test_an_interval_or_a_test_names_its_source(name: str) -> None:
    """A year of publication; or the function whose convention it shares."""
    text = sections(name)["Returns"]
    if re.search(r"_lower``|p_value``|kappa``|[Ii]nterval", text):
        assert re.search(r"\b(18|19|20)\d\d\b|[Aa]s in :func:", text + sections(name).get("Notes", ""))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_example_shows_it(name: str) -> None:
    """That the examples are true is known by running them: pytest's own ``--doctest-modules``."""
    short = name.rpartition(".")[2]
    calls = [example.source for example in doctest.DocTestParser().get_examples(sections(name).get("Examples", ""))]
    assert any(re.search(rf"\b{short}\(", source) for source in calls)
    assert "+SKIP" not in text_of(name)


def test_the_help_of_metrics_and_plots_is_a_menu() -> None:
    for module in (lcn.metrics, lcn.plots):
        rows = re.findall(r"^(\S.*?\?) +(`.*`)$", module.__doc__ or "", re.MULTILINE)
        listed = [name for _, names in rows for name in re.findall(r"`(\w+)`", names)]
        assert sorted(listed) == sorted(module.__all__)
        assert len({question for question, _ in rows}) == len(rows)


@pytest.mark.parametrize("module", PLACES.values(), ids=[f"lcn.{place}" for place in PLACES])
def test_the_tab_key_shows_what_is_public(module: Any) -> None:
    assert dir(module) == sorted({*module.__all__, *(["__version__"] if module is lcn else [])})
    assert not [name for name in module.__all__ if name.startswith("_")]
