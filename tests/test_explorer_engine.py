"""What the explorer works with: it counts, orders and draws as the metrics and pictures of the same names do."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from functools import partial
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageChops, ImageFilter

import llama_classify_nb as lcn
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.widgets import _index, _search
from llama_classify_nb.widgets._canvas import Canvas
from llama_classify_nb.widgets._index import BINS, Counts, JobIndex
from llama_classify_nb.widgets._linked import Linked, LinkedCounts
from llama_classify_nb.widgets._orders import order
from llama_classify_nb.widgets._pictures import Pictures
from llama_classify_nb.widgets._rules import rules_of
from llama_classify_nb.widgets._search import Latest

ORDERED = ["confidence", "created_at", "duration_s", "job_id", "outcome", "type", "configuration_id", "file_input"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"outcomes": ["matched"], "types": ["memo", None]},
    {"confidence": (0.2, 0.65), "created": (dt.date(2026, 2, 1), None)},
    {"text": "LETTER", "configuration_ids": ["cfg-logreg-8types"]},
    {"outcomes": ["failed"]},
]


@pytest.fixture(scope="module")
def index(sample: lcn.JobSet) -> JobIndex:
    return JobIndex(sample.jobs)


@pytest.fixture(scope="module")
def linked(sample: lcn.JobSet) -> Linked:
    return Linked(sample.jobs)


@pytest.fixture(scope="module")
def pictures(index: JobIndex, linked: Linked) -> Pictures:
    everything = counted(index, linked, {})
    return Pictures(index.types, everything[0], linked, everything[1])


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_mask_is_the_selection_and_its_counts_are_those_of_the_metrics(
    sample: lcn.JobSet, index: JobIndex, filters: dict[str, Any]
) -> None:
    mask = index.mask(filters)
    selection = lcn.metrics.select_jobs(sample.jobs, **filters)
    pd.testing.assert_frame_equal(sample.jobs.iloc[index.rows(mask)], selection)
    counts = index.counts(mask)
    breakdown = lcn.metrics.type_breakdown(selection)
    assert counts.by_type.sum(axis=1).tolist() == breakdown["count"].tolist()
    assert counts.by_type.sum(axis=0).tolist() == lcn.metrics.confidence_distribution(selection)["count"].tolist()
    by_type = lcn.metrics.confidence_distribution(selection, by="type").set_index("type")["count"]
    for place, kind in enumerate(index.types):
        if counts.by_type[place].any():
            assert counts.by_type[place].tolist() == by_type[[kind]].tolist()
    assert counts.n == breakdown["n"].iloc[0]
    answered = selection["outcome"].isin(["matched", "no_match"])
    assert counts.n_doubtful == (selection["confidence"][answered] < 0.5).sum()


def test_a_filter_that_changes_is_looked_at_anew(sample: lcn.JobSet) -> None:
    index = JobIndex(sample.jobs)
    for kind in ("memo", "email", "memo"):
        assert index.mask({"types": [kind]}).sum() == (sample.jobs["type"] == kind).sum()
    with pytest.raises(ArgumentError, match="the lower end must come first"):
        index.mask({"confidence": (0.9, 0.1)})


@pytest.mark.parametrize("column", ORDERED)
@pytest.mark.parametrize("ascending", [True, False])
def test_rows_are_in_the_order_of_a_column(sample: lcn.JobSet, index: JobIndex, column: str, ascending: bool) -> None:
    mask = index.mask({"configuration_ids": ["cfg-logreg-8types", "cfg-naivebayes-10types"]})
    ordered = sample.jobs[mask].sort_values(column, ascending=ascending, kind="stable")
    assert index.rows(mask, column, ascending=ascending).tolist() == ordered.index.tolist()


TEXTS: dict[str, list[str | None]] = {
    "one beginning": [f"job-{number % 7:07d}" for number in range(40, 0, -1)],
    "longer than eight bytes": [f"{'abcdefghij' * (number % 3)}{number % 5}" for number in range(40)],
    "odd": ["b", "", "a", "a\0", None, "a\0b", "ä", "\U0001f600", "zz", "", None, "a"],
    "alike": ["x", "x", "x"],
    "missing": [None, None],
    "none": [],
}


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("ascending", [True, False])
def test_texts_are_in_order_and_equal_ones_stay(texts: list[str | None], ascending: bool) -> None:
    column = pd.Series(texts, dtype="str")
    expected = column.sort_values(ascending=ascending, kind="stable")
    for dtype in ("str", object):
        assert order(column.astype(dtype), ascending=ascending).tolist() == expected.index.tolist()


def test_only_the_latest_orders_are_kept(sample: lcn.JobSet) -> None:
    index, every = JobIndex(sample.jobs), np.ones(len(sample.jobs), bool)
    before = [index.rows(every, column) for column in ORDERED]
    assert len(index._orders) < len(ORDERED)
    assert all((index.rows(every, column) == rows).all() for column, rows in zip(ORDERED, before, strict=True))


@pytest.mark.parametrize("dtype", ["category", "str", object])
def test_the_rules_of_a_job_are_those_of_its_rule_set(sample: lcn.JobSet, dtype: Any) -> None:
    ordered = sample.rules.astype({"rule_set": dtype})
    for rules in (ordered, ordered.sample(frac=1, random_state=1)):
        for name in (*sample.rules["rule_set"].unique(), "none", None, pd.NA):
            wanted = (rules["rule_set"] == name).to_numpy(dtype=bool, na_value=False)
            pd.testing.assert_frame_equal(rules_of(rules, name), rules[wanted])


def test_filters_of_objects_are_those_of_categories(sample: lcn.JobSet) -> None:
    few = ("outcome", "type", "rule_set", "configuration_id")
    index = JobIndex(sample.jobs.astype(dict.fromkeys(few, object)))
    for filters in FILTERS:
        assert (index.mask(filters) == JobIndex(sample.jobs).mask(filters)).all()


def counted(index: JobIndex, linked: Linked, filters: dict[str, Any]) -> tuple[Counts, LinkedCounts]:
    mask = index.mask(filters)
    return index.counts(mask), linked.counts(mask)


def pixels(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def assert_nothing_is_cut_off(drawn: list[tuple[bytes, str]]) -> None:
    for png, _ in drawn:
        array = np.asarray(pixels(png))
        assert array.shape == (396, 704, 3)
        for edge in (array[0], array[-1], array[:, 0], array[:, -1]):
            assert (edge == 255).all()


def test_a_picture_drawn_again_is_the_picture_drawn_first(index: JobIndex, linked: Linked, pictures: Pictures) -> None:
    everything, some = counted(index, linked, {}), counted(index, linked, {"types": ["memo"]})
    first = pictures.draw(*everything)
    between = pictures.draw(*some)
    assert pictures.draw(*everything) == first
    assert Pictures(index.types, everything[0], linked, everything[1]).draw(*some) == between
    assert all(png != before for (png, _), (before, _) in zip(between, first, strict=True))
    assert_nothing_is_cut_off(first)


@pytest.mark.parametrize("filters", [{}, {"types": ["memo"]}, {"outcomes": ["failed", "no_match"]}], ids=str)
def test_pictures_are_those_of_plots_but_for_single_pixels(
    sample: lcn.JobSet, index: JobIndex, linked: Linked, pictures: Pictures, filters: dict[str, Any]
) -> None:
    drawn = pictures.draw(*counted(index, linked, filters))
    selection = lcn.metrics.select_jobs(sample.jobs, **filters)
    assert selection["created_at"].min().date() == sample.jobs["created_at"].min().date()  # where both pictures begin
    plots: list[tuple[Any, Any]] = [
        (pictures._confidence, partial(lcn.plots.confidence_distribution, selection, by="type")),
        (pictures._types, partial(lcn.plots.type_breakdown, selection)),
        (pictures._times, partial(lcn.plots.jobs_over_time, selection)),
        (pictures._failures, partial(lcn.plots.failure_causes, selection)),
    ]
    for (png, _), (picture, plot) in zip(drawn, plots, strict=True):
        figure = Figure(figsize=(6.4, 3.6), dpi=110)
        ours = picture._canvas.axes
        axes = plot(ax=figure.add_axes(ours.get_position()))
        axes.set(xlim=ours.get_xlim(), ylim=ours.get_ylim())
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        theirs = Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB")
        # What is one pixel wide, such as an edge that stands a pixel aside, or a letter, doesn't count.
        apart = ImageChops.difference(pixels(png), theirs).convert("L").point(lambda one: 255 * (one > 40))
        inside = apart.filter(ImageFilter.MinFilter(3)).crop(picture._canvas._box)
        assert np.asarray(inside).mean() / 255 < 0.002, plot.func.__name__


def test_a_count_of_millions_has_its_factor_at_the_end_of_the_axis() -> None:
    written: list[str] = []
    canvas = Canvas("x", 3e7, "nothing")
    canvas._text = lambda *arguments: written.append(arguments[2])  # type: ignore[method-assign,assignment]
    for top, expected in [(3e7, ["0.0", "0.5", "1e7"]), (3.0, ["0.0", "0.5", "3.0"])]:
        written.clear()
        canvas.begin(top, "Title", is_empty=False)
        assert written[0] == "Title"
        assert set(expected) <= set(written), written


def test_an_empty_picture_says_so_and_the_style_of_a_notebook_changes_nothing(
    index: JobIndex, linked: Linked, pictures: Pictures
) -> None:
    everything, nothing = counted(index, linked, {}), counted(index, linked, {"types": ["unheard of"]})
    plain = pictures.draw(*nothing)
    with mpl.style.context("dark_background"):
        before = mpl.rcParams.copy()
        assert Pictures(index.types, everything[0], linked, everything[1]).draw(*nothing) == plain
        assert mpl.rcParams == before
    for png, _ in plain:
        middle = np.asarray(pixels(png).crop((250, 150, 500, 220)))
        assert middle.min() < 128 < middle.mean()  # a few dark letters on white


@pytest.mark.parametrize("n_types", [0, 1, 41, 70])
def test_pictures_have_room_for_any_number_of_types(n_types: int, linked: Linked, index: JobIndex) -> None:
    types = pd.Index(
        [f"type {number} of a name that is rather long for a label of a picture" for number in range(n_types)]
    )
    by_type = np.random.default_rng(1).integers(0, 9, (n_types + 1, BINS))
    rest = linked.counts(index.mask({}))
    pictures = Pictures(types, Counts(by_type), linked, rest)
    drawn = pictures.draw(Counts(by_type), rest)
    assert_nothing_is_cut_off(drawn)
    (_, words), (_, others), *_ = drawn
    assert f"Confidence of {by_type.sum():,} answered jobs" in words
    assert ("the commonest type" in others) == bool(n_types)
    nothing = Counts(np.zeros_like(by_type))
    assert pictures.draw(nothing, rest)[0][1].startswith("Confidence of 0 answered jobs")


class Typing:
    """A search among many jobs, as few of them as a slice holds, that notes what was drawn."""

    def __init__(self, jobs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (_index, _search):
            monkeypatch.setattr(module, "SLICE", 500)
        monkeypatch.setattr(_search, "PAUSE_S", 0)
        self.index = JobIndex(jobs)
        self.drawn: list[str] = []
        self.latest = Latest(self.index, lambda: self.drawn.append(self.latest.text))

    async def type(self, *texts: str) -> None:
        for text in texts:
            self.latest.ask(text)
        while self.latest.is_busy:
            await asyncio.sleep(0)


def test_of_a_word_that_is_typed_only_the_last_state_is_looked_for(
    sample: lcn.JobSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing = Typing(sample.jobs, monkeypatch)
    asyncio.run(typing.type("l", "le", "let", "letter"))
    assert typing.drawn == ["letter"]
    expected = len(lcn.metrics.select_jobs(sample.jobs, text="letter"))
    assert typing.index.mask({"text": "letter"}).sum() == expected > 0


def test_a_search_that_runs_is_left_for_the_next_one(sample: lcn.JobSet, monkeypatch: pytest.MonkeyPatch) -> None:
    typing = Typing(sample.jobs, monkeypatch)
    looked: list[str] = []
    step = _index.Search.step

    def noted(search: _index.Search) -> bool:
        looked.append(search.text)
        return step(search)

    monkeypatch.setattr(_index.Search, "step", noted)

    async def change_of_mind() -> None:
        typing.latest.ask("memo")
        while not looked:
            await asyncio.sleep(0)
        await typing.type("letter")

    asyncio.run(change_of_mind())
    assert looked.count("memo") < looked.count("letter") == -(-len(sample.jobs) // 500)
    assert typing.drawn == ["letter"]


def test_whoever_needs_the_selection_at_once_has_it(sample: lcn.JobSet, monkeypatch: pytest.MonkeyPatch) -> None:
    typing = Typing(sample.jobs, monkeypatch)

    async def impatient() -> None:
        typing.latest.ask("memo")
        typing.latest.finish()
        assert typing.drawn == ["memo"]
        typing.index.mask({"text": "memo"})
        typing.latest.ask("")
        assert not typing.latest.is_busy
        typing.latest.ask("memo")  # known by now
        assert typing.drawn == ["memo", "", "memo"]
        typing.latest.ask("letter")
        typing.latest.set("")
        await asyncio.sleep(0)
        assert (typing.latest.text, typing.latest.is_busy) == ("", False)

    asyncio.run(impatient())


def test_a_text_that_no_job_can_hold_is_said_when_it_is_filtered_by(
    sample: lcn.JobSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing = Typing(sample.jobs, monkeypatch)
    asyncio.run(typing.type("\ud800"))
    assert typing.drawn == ["\ud800"]
    with pytest.raises(ArgumentError, match="half a character"):
        typing.index.mask({"text": "\ud800"})


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_periods_and_causes_are_those_of_the_metrics(
    sample: lcn.JobSet, index: JobIndex, linked: Linked, filters: dict[str, Any]
) -> None:
    counts = linked.counts(index.mask(filters))
    selection = lcn.metrics.select_jobs(sample.jobs, **filters)
    over_time = lcn.metrics.jobs_over_time(selection, freq="D", by="outcome")
    assert linked.length == "day"
    found = {
        (pd.Timestamp(linked.starts[place], tz="UTC"), list(lcn.schema.OUTCOMES)[outcome]): int(n)
        for outcome, row in enumerate(counts.by_period)
        for place, n in enumerate(row)
        if n
    }
    some = over_time[over_time["count"] > 0]
    expected = dict(zip(zip(some["period"], some["outcome"], strict=True), some["count"], strict=True))
    assert found == expected
    causes = lcn.metrics.failure_causes(sample.jobs).set_index("template")["cause"].astype(str)
    templates = lcn.metrics.failure_assignments(sample.jobs).set_index("job_id")["template"]
    failed = selection.loc[selection["outcome"] == "failed", "job_id"]
    expected_causes = failed.map(templates).map(causes).value_counts().to_dict()
    totals = counts.by_cause.sum(axis=1).tolist()
    assert {c: n for c, n in zip(linked.causes, totals, strict=True) if n} == expected_causes
    again = lcn.metrics.failure_causes(selection).groupby("retryable", dropna=False)["count"].sum()
    assert counts.by_cause.sum(axis=0).tolist() == [int(again.get(one, 0)) for one in (True, False, pd.NA)]


def test_periods_grow_with_the_time_that_jobs_span_and_jobs_without_a_time_are_counted(sample: lcn.JobSet) -> None:
    jobs = sample.jobs.head(4)
    for ends, length, n in [
        (["2026-01-01T00:30", "2026-01-01T05:00"], "hour", 6),
        (["2026-01-01", "2026-03-01"], "day", 60),
        (["2026-01-01", "2026-12-31"], "week", 53),
        (["2020-01-01", "2026-12-31"], "month", 84),
        (["1800-01-01", "2026-12-31"], "month", 2),
    ]:
        times = pd.to_datetime([*ends, None, ends[0]], utc=True, format="ISO8601").as_unit("us")
        linked = Linked(jobs.assign(created_at=times))
        assert (linked.length, len(linked.starts)) == (length, n)
        counts = linked.counts(np.ones(4, dtype=bool)).by_period.sum(axis=0)
        assert (counts[0], counts[-2], counts[-1], counts.sum()) == (2, 1, 1, 4)
