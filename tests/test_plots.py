"""What every picture keeps to, and that it shows the numbers of its table."""

from __future__ import annotations

import gzip
import inspect
import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from small_jobs import some_labels, some_rules

from llama_classify_nb import frames, metrics, plots
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.plots import _style

ROOT = Path(__file__).parents[1]
#: Pictures of the rules alone, and what a picture takes that its metric doesn't.
OF_RULES = ("rule_diff", "rule_lint")
EXTRA = {"rule_overlap": ["evidence"]}
OF_JOBS = [name for name in plots.__all__ if name not in OF_RULES]
CASES = [(name, {}) for name in OF_JOBS] + [
    ("rule_overlap", {"evidence": 3, "labels": None}),
    ("type_breakdown", {"by": "rule_set"}),
    ("status_breakdown", {"by": "configuration_id"}),
    ("confidence_distribution", {"by": "type", "bins": 10}),
    ("confidence_distribution", {"by": "outcome"}),
    ("jobs_over_time", {"freq": "W", "by": "type"}),
    ("jobs_over_time", {"freq": "h", "by": None}),
    ("durations", {"by": "outcome"}),
    ("failure_rates", {"by": "configuration_id"}),
    ("failure_rates", {"by": "week"}),
    ("failure_rates", {"by": "page_scope"}),
    ("calibration_curve", {"by": "configuration_id", "kind": "atoms"}),
    ("risk_coverage_curve", {"by": "rule_set"}),
    ("precision_threshold", {"by": "type", "target": 0.5}),
    ("scores_by_type", {"by": "configuration_id"}),
    ("audit_plan", {"goal": "threshold"}),
    ("audit_plan", {"by": "type"}),
    ("rerun_stability", {"labels": None}),
    ("rerun_stability", {"by": "type"}),
    ("type_drift", {"by": "configuration_id", "n_permutations": 99}),
    ("confidence_drift", {"freq": "W", "n_permutations": 99}),
    ("reasoning_terms", {"by": "confidence"}),
    ("costs", {"by": "week", "threshold": 0.9}),
    ("cost_curve", {"by": "type"}),
    ("anchoring", {"by": "reviewer"}),
]
HOSTILE = [
    "$x^{$",
    "a\x00b\x1b[31m",
    "\u202eevil\u2066",
    "long " * 1000,
    "\u65e5\u672c\U0001f9fe",
    "",
    "  ",
    "a\nb\tc",
    "%s {0}",
    "<b>&amp;",
]


@pytest.fixture(scope="module")
def jobs() -> pd.DataFrame:
    return frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs


@pytest.fixture(scope="module")
def odd_jobs() -> pd.DataFrame:
    return frames.read_tables([(ROOT / "tests/data/edge_cases.jsonl").read_bytes()]).jobs


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def plot(name: str, jobs: pd.DataFrame, **arguments: object) -> Axes:
    wanted = inspect.signature(getattr(plots, name)).parameters
    if "rules" in wanted and wanted["rules"].default is inspect.Parameter.empty:
        arguments = {"rules": some_rules(jobs), **arguments}
    if "labels" in wanted:
        arguments = {"labels": some_labels(jobs), **arguments}
    if "a" in wanted:
        arguments = {"a": (None, "2026-02-15"), "b": ("2026-02-15", None), "by": "created_at", **arguments}
    if name == "stuck_jobs":
        arguments = {"as_of": "2026-03-09 13:00", **arguments}
    return getattr(plots, name)(jobs, **arguments)


def draw(name: str, jobs: pd.DataFrame, **arguments: object) -> Axes:
    ax = Figure(layout="constrained").subplots()
    return plot(name, jobs, ax=ax, **arguments)


def render(ax: Axes) -> None:
    """Draw every pixel: only then does matplotlib read the texts as it will for a user."""
    FigureCanvasAgg(ax.figure).draw()


def bars(ax: Axes) -> list[BarContainer]:
    return [one for one in ax.containers if isinstance(one, BarContainer)]


def texts(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    found = [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
    return [one.get_text() for one in [*found, *(legend.get_texts() if legend else [])]]


@pytest.mark.parametrize(("name", "arguments"), CASES)
@pytest.mark.parametrize("kind", ["many", "none", "one", "odd"])
def test_a_picture_is_drawn_on_the_axes_given_and_nowhere_else(
    name: str, arguments: dict[str, object], kind: str, jobs: pd.DataFrame, odd_jobs: pd.DataFrame
) -> None:
    part = {"many": jobs.iloc[::10], "none": jobs.iloc[:0], "one": jobs.iloc[:1], "odd": odd_jobs}[kind]
    before, settings = part.copy(deep=True), mpl.rcParams.copy()
    ax = Figure(layout="constrained", dpi=40).subplots()
    assert plot(name, part, ax=ax, **arguments) is ax
    render(ax)
    assert plt.get_fignums() == []
    assert mpl.rcParams == settings
    pd.testing.assert_frame_equal(part, before)
    assert all((ax.get_title(), ax.get_xlabel(), ax.get_ylabel()))
    assert "n = " in ax.get_title()
    if kind == "none":
        assert [one.get_text() for one in ax.texts] == ["no jobs"]


@pytest.mark.parametrize("name", OF_JOBS)
def test_without_axes_there_is_one_new_figure_and_it_is_not_shown(
    name: str, jobs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a picture showed itself"))
    settings = mpl.rcParams.copy()
    ax = plot(name, jobs.iloc[::10])
    assert mpl.rcParams == settings
    assert [plt.figure(number) for number in plt.get_fignums()] == [ax.figure]


@pytest.mark.parametrize("name", plots.__all__)
def test_a_picture_takes_the_arguments_of_its_metric_and_ax(name: str) -> None:
    metric, plot = (list(inspect.signature(getattr(of, name)).parameters.values()) for of in (metrics, plots))
    assert [(one.name, one.kind, one.default) for one in plot[:-1] if one.name not in EXTRA.get(name, [])] == [
        (one.name, one.kind, one.default) for one in metric
    ]
    assert (plot[-1].name, plot[-1].kind, plot[-1].default) == ("ax", inspect.Parameter.KEYWORD_ONLY, None)


@pytest.mark.parametrize("name", plots.__all__)
def test_beside_each_picture_is_the_drawing_alone_which_needs_its_table_only(name: str) -> None:
    draw = getattr(sys.modules[getattr(plots, name).__module__], f"draw_{name}")
    taken = list(inspect.signature(draw).parameters.values())
    assert taken[0].annotation == "pd.DataFrame"
    assert not {"jobs", "rules", "labels"} & {one.name for one in taken}
    assert (taken[-1].name, taken[-1].kind, taken[-1].default) == ("ax", inspect.Parameter.KEYWORD_ONLY, None)


def test_what_is_not_axes_is_refused(jobs: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="ax must be Axes of matplotlib, not Figure"):
        plots.type_breakdown(jobs, ax=Figure())


def test_axes_of_a_bare_figure_do_not_load_pyplot() -> None:
    code = (
        "import sys, pandas as pd\nfrom matplotlib.figure import Figure\nfrom llama_classify_nb import plots\n"
        "jobs = pd.DataFrame({'outcome': ['matched'], 'type': ['a'], 'confidence': [0.5]})\n"
        "plots.confidence_distribution(jobs, by='type', ax=Figure().subplots()).figure.canvas.draw()\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


# The numbers


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("type_breakdown", None),
        ("type_breakdown", "rule_set"),
        ("status_breakdown", None),
        ("status_breakdown", "rule_set"),
    ],
)
def test_bars_are_as_long_as_the_shares_and_lines_as_the_intervals(
    name: str, by: str | None, jobs: pd.DataFrame
) -> None:
    table = getattr(metrics, name)(jobs, by=by)
    ax = draw(name, jobs, by=by)
    widths = [bar.get_width() for group in bars(ax) for bar in group]
    assert widths == pytest.approx(table["share"].tolist())
    ends = [segment[:, 0] for lines in ax.collections for segment in lines.get_segments()]
    np.testing.assert_allclose(ends, table[["share_lower", "share_upper"]], atol=1e-12)
    assert [one.get_text() for one in ax.texts] == [f"{count:,}" for count in table["count"]]


@pytest.mark.parametrize("by", [None, "type", "configuration_id"])
def test_a_bar_of_confidence_is_as_high_as_its_count_and_none_is_empty(by: str | None, jobs: pd.DataFrame) -> None:
    table = metrics.confidence_distribution(jobs, by=by)
    drawn = [bar for group in bars(draw("confidence_distribution", jobs, by=by)) for bar in group]
    some = table[table["count"] > 0]
    assert [bar.get_height() for bar in drawn] == some["count"].tolist()
    assert [bar.get_x() for bar in drawn] == pytest.approx(some["lower"].tolist())
    assert [bar.get_x() + bar.get_width() for bar in drawn] == pytest.approx(some["upper"].tolist())
    tops = pd.Series([bar.get_y() + bar.get_height() for bar in drawn]).groupby(some["lower"].to_numpy()).max()
    assert tops.tolist() == some.groupby("lower")["count"].sum().tolist()


@pytest.mark.parametrize("freq", ["D", "W", "M"])
def test_a_bar_of_a_period_is_as_high_as_its_count(freq: str, jobs: pd.DataFrame) -> None:
    table = metrics.jobs_over_time(jobs, freq=freq)
    ax = draw("jobs_over_time", jobs, freq=freq)
    periods = list(table["period"].drop_duplicates())
    drawn = {}
    for group, of_group in zip(bars(ax), table["outcome"].drop_duplicates(), strict=True):
        drawn |= {(round(bar.get_x() + bar.get_width() / 2), of_group): bar.get_height() for bar in group}
    expected = {
        (periods.index(row.period), row.outcome): row.count_
        for row in table.rename(columns={"count": "count_"}).itertuples()
        if row.count_
    }
    assert drawn == expected


def test_an_empty_year_is_folded_into_a_dotted_line() -> None:
    created = pd.to_datetime(["2024-01-01", "2024-01-03", "2026-01-01"], utc=True)
    ax = draw("jobs_over_time", pd.DataFrame({"outcome": "matched", "created_at": created}))
    assert [round(bar.get_x() + bar.get_width() / 2) for bar in bars(ax)[0]] == [0, 2, 3]
    assert [line.get_xdata()[0] for line in ax.lines] == [2.5]


def test_bars_of_templates_add_up_to_the_failed_jobs(jobs: pd.DataFrame) -> None:
    table = metrics.failure_templates(jobs)
    widths = [bar.get_width() for bar in bars(draw("failure_templates", jobs))[0]]
    assert widths[:20] == table["count"].tolist()[:20]
    assert sum(widths) == table["count"].sum()


def test_pieces_of_causes_add_up_to_the_failed_jobs_of_each(jobs: pd.DataFrame) -> None:
    table = metrics.failure_causes(jobs)
    pieces = [bar for group in bars(draw("failure_causes", jobs)) for bar in group]
    ends: dict[int, float] = {}
    for piece in pieces:
        row = round(piece.get_y() + piece.get_height() / 2)
        ends[row] = max(ends.get(row, 0), piece.get_x() + piece.get_width())
    counts = table.groupby("cause", observed=True)["count"].sum().sort_values(ascending=False)
    assert [ends[row] for row in sorted(ends)] == counts.tolist()
    assert sum(piece.get_width() for piece in pieces) == table["count"].sum()


def test_bars_of_stuck_jobs_are_as_long_as_their_age(jobs: pd.DataFrame) -> None:
    table = metrics.stuck_jobs(jobs, as_of="2026-03-09 13:00")
    ax = draw("stuck_jobs", jobs, as_of="2026-03-09 13:00")
    assert [bar.get_width() for bar in bars(ax)[0]] == table["age_s"].tolist()
    assert [segment[0, 0] for segment in ax.collections[0].get_segments()] == table["longest_s"].tolist()


def test_bars_of_failure_rates_are_as_long_as_the_shares(jobs: pd.DataFrame) -> None:
    table = metrics.failure_rates(jobs, by="week")
    ax = draw("failure_rates", jobs, by="week")
    assert [bar.get_width() for bar in bars(ax)[0]] == pytest.approx(table["share"].tolist())
    assert ax.get_yticklabels()[0].get_text() == "2026-02-02  n = 1,300"


def test_boxes_span_the_quantiles(jobs: pd.DataFrame) -> None:
    table = metrics.confidence_by_type(jobs)
    boxes = [bar for group in bars(draw("confidence_by_type", jobs)) for bar in group]
    assert [(box.get_x(), box.get_x() + box.get_width()) for box in boxes] == [
        pytest.approx((row.q25, row.q75)) for row in table.itertuples()
    ]
    table = metrics.durations(jobs, by="outcome")
    spans = [bar for group in bars(draw("durations", jobs, by="outcome")) for bar in group]
    assert [(span.get_x(), span.get_x() + span.get_width()) for span in spans] == [
        pytest.approx((row.median, row.q95)) for row in table.itertuples()
    ]


def test_the_flow_is_as_high_as_its_documents_and_its_flips_are_numbered(jobs: pd.DataFrame) -> None:
    sides = {"a": "cfg-logreg-10types", "b": "cfg-logreg-8types", "by": "configuration_id"}
    table = metrics.flip_flow(jobs, **sides)
    ax = draw("flip_flow", jobs, **sides, labels=None)
    assert "n = 694 documents, 141 flips (20.3%)" in ax.get_title()
    heights = [bar.get_height() for group in bars(ax) for bar in group]
    wanted = [table.groupby(name, observed=True, dropna=False)["count"].sum() for name in ("type_a", "type_b")]
    assert heights == [*wanted[0], *wanted[1]]
    # Streams: at each end as high as the documents are many, and never one upon another.
    spans = {0: [], 1: []}
    for stream in ax.collections:
        corners = stream.get_paths()[0].vertices
        for side, x in ((0, corners[:, 0].min()), (1, corners[:, 0].max())):
            ends = corners[np.isclose(corners[:, 0], x), 1]
            spans[side].append((ends.min(), ends.max()))
    for side, name in enumerate("ab"):
        spans[side].sort()
        assert [high - low for low, high in spans[side]] == pytest.approx(
            table.sort_values([f"type_{name}", f"type_{'ba'[side]}"])["count"].tolist()
        )
        assert all(one[1] <= other[0] + 1e-9 for one, other in itertools.pairwise(spans[side]))
    numbers = sorted((int(one.get_text()) for one in ax.texts if one.get_text().isdigit()), reverse=True)
    assert numbers == sorted(table.loc[table["is_flip"], "count"], reverse=True)[: len(numbers)]
    assert len(numbers) >= 8


def test_numbers_of_a_flow_do_not_cover_one_another(jobs: pd.DataFrame) -> None:
    ax = plot("flip_flow", jobs, a="cfg-logreg-10types", b="cfg-naivebayes-10types", by="configuration_id")
    ax.figure.canvas.draw()
    boxes = [one.get_window_extent() for one in ax.texts]
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_lines_of_types_go_through_their_shares_and_the_change_is_marked(jobs: pd.DataFrame) -> None:
    one = jobs[jobs["configuration_id"] == "cfg-logreg-10types"]
    table, mix = metrics.type_drift(one), metrics.type_mix(one)
    ax = draw("type_drift", one)
    drawn = {container.get_label(): container[0].get_ydata() for container in ax.containers}
    assert len(drawn) == 7
    for name, share in drawn.items():
        wanted = mix["share"][mix["type"].isna() if name == "no match" else mix["type"] == name]
        assert share == pytest.approx(wanted.to_numpy())
    (place,) = np.flatnonzero(table["is_change_point"])
    (line,) = [line for line in ax.lines if line.get_linestyle() == "--" and line.get_label().startswith("change")]
    assert line.get_xdata()[0] == place - 0.5
    assert line.get_label() == "change point, p = 0.001"
    stars = [one.get_position()[0] for one in ax.texts if one.get_text() == "*"]
    assert stars == np.flatnonzero(table["p_value_before"] < 0.05).tolist()


def test_boxes_of_confidence_span_the_quartiles_of_each_period(jobs: pd.DataFrame) -> None:
    one = jobs[jobs["configuration_id"] == "cfg-logreg-10types"]
    table, mix = metrics.confidence_drift(one), metrics.confidence_mix(one)
    ax = draw("confidence_drift", one)
    boxes = [(bar.get_y(), bar.get_y() + bar.get_height()) for group in bars(ax) for bar in group]
    assert boxes == [pytest.approx((row.q25, row.q75)) for row in table.itertuples()]
    assert len(ax.collections[0].get_offsets()) == (mix["count"] > 0).sum()
    means = next(c for c in ax.containers if str(c.get_label()).startswith("mean"))
    assert means[0].get_ydata() == pytest.approx(table["mean"].to_numpy())


def test_of_hundreds_of_periods_confidences_are_bands_and_lines(jobs: pd.DataFrame) -> None:
    days = pd.to_datetime("2026-01-01", utc=True) + pd.to_timedelta(np.arange(len(jobs)) % 100, "D")
    one = jobs.assign(created_at=days)
    table = metrics.confidence_drift(one, n_permutations=99)
    ax = draw("confidence_drift", one, n_permutations=99)
    assert not [group for group in bars(ax) if len(group)]
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert drawn["median"] == pytest.approx(table["median"].to_numpy())
    assert drawn["mean, 95% intervals at once"] == pytest.approx(table["mean"].to_numpy())
    assert "*" not in ax.get_xlabel()


def test_points_of_reruns_are_the_rates_of_the_table(jobs: pd.DataFrame) -> None:
    labels = some_labels(jobs)
    row = metrics.rerun_stability(jobs, labels).iloc[0]
    ax = draw("rerun_stability", jobs, labels=labels)
    found = [container[0].get_xdata()[0] for container in ax.containers]
    assert found == pytest.approx([row["agreement"], row["error_unstable"], row["error_stable"]])
    assert "n = 166, 43 changed" in ax.get_yticklabels()[0].get_text()


# Looks


def test_a_type_looks_the_same_in_every_picture_of_the_same_jobs(jobs: pd.DataFrame) -> None:
    def looks(ax: Axes) -> dict[str, tuple[str, str | None]]:
        legend = ax.get_legend()
        if legend is not None:
            pairs = [
                (text.get_text(), patch) for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True)
            ]
        else:
            labels = [one.get_text().split("  n = ")[0] for one in ax.get_yticklabels()]
            pairs = list(zip(labels, [bar for group in bars(ax) for bar in group], strict=True))
        return {label: (to_hex(patch.get_facecolor()), patch.get_hatch()) for label, patch in pairs}

    whole = looks(draw("type_breakdown", jobs))
    assert len(set(whole.values())) == len(whole) == 11
    few = jobs[jobs["type"].isin(["memo", "note"])]
    for name, arguments in [("confidence_distribution", {"by": "type"}), ("durations", {"by": "type"})]:
        assert looks(draw(name, few, **arguments)) == {label: whole[label] for label in ("memo", "note")}
    assert looks(draw("confidence_by_type", jobs)) == whole


def test_sixty_three_types_differ_in_colour_or_hatch() -> None:
    looks = [_style.fill(place) for place in range(63)]
    assert len({(look["facecolor"], look["hatch"]) for look in looks}) == 63


def named(types: list[str]) -> pd.DataFrame:
    n = len(types)
    return pd.DataFrame(
        {
            "job_id": [f"j{i}" for i in range(n)],
            "status": types,
            # Each finished job's document comes a second time, in the later half.
            "file_input": [f"f{i // 2 % max(n // 4, 1)}" for i in range(n)],
            "rule_set": pd.Series(pd.Categorical(["r1", "r2"] * n, ["r1", "r2"]))[:n],
            "outcome": pd.Series(["matched", "failed"] * n)[:n],
            "type": pd.Series(pd.Categorical(types)),
            "confidence": np.linspace(0, 1, n),
            "error_message": types,
            "configuration_id": pd.Series(pd.Categorical(types)),
            "created_at": pd.Series(pd.date_range("2026-01-01", periods=n, tz="UTC")),
            "duration_s": np.linspace(0.1, 400, n),
            "reasoning": ["It is possibly, or perhaps, " + name for name in types],
            "credits": np.linspace(1, 400, n),
            "parse_credits": np.linspace(1, 400, n),
            "target_pages": types,
            "max_pages": pd.array([None] * n, dtype="Int64"),
        }
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [*CASES[:7], *[(name, {"by": "type"}) for name in ("confidence_distribution", "jobs_over_time", "durations")]],
)
def test_hostile_names_are_drawn_as_short_plain_text(name: str, arguments: dict[str, object]) -> None:
    ax = draw(name, named(sorted(HOSTILE)), **arguments)
    render(ax)
    for text in texts(ax):
        assert text.isprintable()
        assert len(text) < 100


@pytest.mark.parametrize("name", OF_JOBS)
def test_many_types_stay_readable(name: str) -> None:
    types = [f"a rather long name of a type, number {i:03}" for i in range(300)]
    by = {"by": "type"} if name in ("confidence_distribution", "jobs_over_time", "durations") else {}
    if name == "flip_flow":
        by = {"a": (None, "2026-05-30"), "b": ("2026-05-30", None)}
    if name in ("type_drift", "confidence_drift"):
        by = {"n_permutations": 99}
    ax = plot(name, named(types), **by)
    ax.figure.canvas.draw()
    assert ax.figure.get_size_inches()[1] <= 14
    labels = [one for one in ax.get_yticklabels() if one.get_text()]
    assert len(labels) <= 40
    boxes = sorted((one.get_window_extent() for one in labels), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))
    if ax.get_legend():
        assert len(ax.get_legend().get_texts()) <= 16


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("invoice", "invoice"),
        ("$a$", "$a$"),
        ("a\n\t b\u2028c", "a b c"),
        ("a\x00\x1bb\u202e\u2066c\ud800", "abc"),
        ("", "(empty)"),
        ("\u200b\x07", "(empty)"),
        (3.5, "3.5"),
        ("e\u0301", "\u00e9"),
        ("\u65e5", "\u25a1"),
        ("a" * 30 + "b" * 30, "a" * 26 + "\u2026" + "b" * 13),
    ],
)
def test_a_label_is_one_short_line_that_can_be_drawn(text: object, expected: str) -> None:
    assert _style.display_text(text) == expected


def test_a_label_of_megabytes_is_cut_before_it_is_cleaned() -> None:
    assert _style.display_text("x" * 10_000_000 + "end").endswith("xend")
    assert len(_style.display_text("\u202e" * 10_000_000 + "x" * 5000)) == 40


def test_groups_of_a_curve_differ_in_grey() -> None:
    jobs = pd.DataFrame({"job_id": range(80), "outcome": "matched", "type": list("abcdefgh") * 10, "confidence": 0.9})
    ax = plots.risk_coverage_curve(jobs, pd.DataFrame({"job_id": range(80), "label": "a"}), by="type")
    marks = [line.get_marker() for line in ax.get_legend().get_lines()]
    assert len(set(marks)) == 8
    plt.close("all")


def test_certified_groups_are_listed_before_the_others_are_counted() -> None:
    jobs = pd.DataFrame({"job_id": range(300), "outcome": "matched", "type": ["a", "b", "c"] * 100, "confidence": 0.9})
    labels = pd.DataFrame({"job_id": range(300), "label": "c"})
    ax = plots.precision_threshold(jobs, labels, by="type")
    assert ax.texts[-1].get_text().splitlines() == ["★ c: 0.9 and up, 100%", "none can be certified of 2 of 3 groups"]
    plt.close("all")
