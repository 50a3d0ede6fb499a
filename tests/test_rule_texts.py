"""The rules that are cut out of configurations by their quotes, against a plain reading of the JSON."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_classify_nb import configurations, rule_texts
from llama_classify_nb.exceptions import InvalidAnswerError
from llama_classify_nb.rule_texts import RuleCutter, Rules

NASTY = [
    "",
    "a",
    "1",
    'q"',
    "\\",
    '\\"',
    '", "description": "',
    '"}, {"type": "',
    '"}], "rules": [{"type": "',
    "é\U0001f600\u2028",
    "\t\n\x7f",
    "rules",
    "x" * 300,
]


def checked(rules: Rules, configurations: list[dict[str, Any]]) -> None:
    """Compare what was cut with the configurations that it was cut of."""
    assert rules.n_rules.tolist() == [len(one["rules"]) for one in configurations]
    flat = [rule for one in configurations for rule in one["rules"]]
    assert rules.types.to_pylist() == [rule["type"] for rule in flat]
    assert rules.descriptions.to_pylist() == [rule["description"] for rule in flat]
    for place, one in zip(rules.setting_of.tolist(), configurations, strict=True):
        said, parsing = rules.settings[place], one.get("parsing_configuration") or {}
        assert (said.mode, said.lang, said.max_pages) == (
            one.get("mode"),
            parsing.get("lang"),
            parsing.get("max_pages"),
        )
        extra = json.loads(said.extra or "{}")
        assert extra.get("new") == one.get("new")
        assert ("rules" in extra) == any(len(rule) > 2 for rule in one["rules"])


def raws(texts: list[str]) -> list[msgspec.Raw]:
    return [msgspec.Raw(text.encode()) for text in texts]


@st.composite
def written(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str]]:
    """Draw configurations, and the text of each: keys in any order, any layout, odd ones between plain ones."""
    text = st.sampled_from(NASTY)
    parsing = st.none() | st.fixed_dictionaries({}, optional={"lang": text, "max_pages": st.integers(1, 9)})
    rule = st.fixed_dictionaries({"type": text, "description": text}, optional={"also": st.just(1) | text})
    plain = st.fixed_dictionaries({"type": text, "description": text})
    several = st.lists(plain, min_size=1, max_size=4) | st.lists(rule, min_size=1, max_size=2)
    optional = {"mode": st.none() | text, "parsing_configuration": parsing, "new": st.just({"rules": [{"type": "n"}]})}
    configurations = draw(
        st.lists(st.fixed_dictionaries({"rules": several}, optional=optional), min_size=1, max_size=12)
    )
    layouts = draw(st.lists(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]), min_size=1, max_size=2))
    texts = []
    for one in configurations:
        turned: dict[str, Any] = {key: one[key] for key in draw(st.permutations(list(one)))}
        if draw(st.booleans()):
            turned["rules"] = [dict(reversed(list(rule.items()))) for rule in turned["rules"]]
        layout = draw(st.sampled_from(layouts))
        texts.append(json.dumps(turned, separators=layout, ensure_ascii=draw(st.booleans())))
    return configurations, texts


@settings(max_examples=150)
@given(st.lists(written(), min_size=1, max_size=2))
def test_what_is_cut_is_what_a_plain_reading_finds(blocks: list[tuple[list[dict[str, Any]], list[str]]]) -> None:
    cutter = RuleCutter()
    for some, texts in blocks:
        checked(cutter.cut(raws(texts)), some)


def configuration(number: int, n_rules: int = 3, **more: Any) -> dict[str, Any]:
    rules = [{"type": f"type {nth}", "description": f"kind {nth} of {number}"} for nth in range(n_rules)]
    return {"rules": rules, "mode": "FAST", **more}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_configurations_that_are_alike_but_for_their_texts_are_not_parsed(
    separators: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    def read(raw: bytes) -> Any:
        parsed.append(raw)
        return configurations.read_configuration(raw)

    monkeypatch.setattr(rule_texts, "read_configuration", read)
    many = [configuration(n, 1 + n % 5, parsing_configuration=[None, {"lang": "en"}][n % 2]) for n in range(400)]
    many[7]["rules"][0]["description"] = 'a "quoted" text, é, and \\ at its end\\'
    cutter = RuleCutter()
    for start in range(0, 400, 100):
        some = many[start : start + 100]
        texts = [json.dumps(one, separators=separators, ensure_ascii=start > 0) for one in some]
        checked(cutter.cut(raws(texts)), some)
    assert len(parsed) < 10


def test_one_of_another_make_leaves_the_rest_in_place() -> None:
    many = [configuration(n) for n in range(50)]
    many[20]["rules"][1]["also"] = "more"
    texts = [json.dumps(one) for one in many]
    texts[30] = json.dumps(many[30], indent=2)
    checked(RuleCutter().cut(raws(texts)), many)


def test_more_shells_than_are_remembered_are_all_read() -> None:
    many = [configuration(n, mode=f"mode {n % 60}") for n in range(180)]
    cutter = RuleCutter()
    for start in range(0, 180, 90):
        checked(cutter.cut(raws([json.dumps(one) for one in many[start : start + 90]])), many[start : start + 90])


@pytest.mark.parametrize(
    "spoiled",
    [
        b'{"rules": [{"type": "a", "description": "\xff"}], "mode": "FAST"}',
        b'{"rules": [{"type": "\xed\xa0\x80", "description": "b"}], "mode": "FAST"}',
        b'{"rules": [{"type": "a", "description": "\\ud800"}], "mode": "FAST"}',
        b'{"rules": [{"type": "a", "description": 1}], "mode": "FAST"}',
        b'{"rules": [{"type": "a"}], "mode": "FAST"}',
        b'{"rules": [], "mode": "FAST"}',
        b'{"rules": [{"type": "a", "description": "b"}], "mode": 1}',
        b'{"rules": [{"type": "a", "description": "b"}], "rules": [], "mode": "FAST"}',
        b"null",
        b"{}",
        b'"rules"',
    ],
)
def test_what_breaks_the_shape_is_refused(spoiled: bytes) -> None:
    many = [msgspec.Raw(json.dumps(configuration(n, 1)).encode()) for n in range(20)]
    many[11] = msgspec.Raw(spoiled)
    with pytest.raises(InvalidAnswerError):
        RuleCutter().cut(many)


@pytest.mark.parametrize("layout", ["a long end", "wide gaps"])
def test_a_long_shell_takes_no_memory_at_each_place_where_it_may_stand(layout: str) -> None:
    wide = " " * 100_000
    long = configuration(0, 2, mode=wide) if layout == "a long end" else configuration(0, 2)
    text = json.dumps(long)
    if layout == "wide gaps":
        text = text.replace(", ", "," + wide)
    many = [configuration(n, 2) for n in range(400)]
    cutter = RuleCutter()
    cutter.cut(raws([text]))
    block = raws([text, *map(json.dumps, many)])
    tracemalloc.start()
    try:
        checked(cutter.cut(block), [long, *many])
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
