"""Pictures of terms, contradictions, pages and costs show the numbers of their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import reasonings
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from small_jobs import small_jobs

import llama_classify_nb as lcn
from llama_classify_nb import metrics, plots


def new_axes() -> Axes:
    return Figure(layout="constrained").subplots()


def bars(ax: Axes) -> list[BarContainer]:
    return [one for one in ax.containers if isinstance(one, BarContainer)]


def test_bars_of_terms_are_shares_of_the_group_and_diamonds_of_the_rest(sample: lcn.JobSet) -> None:
    table = metrics.reasoning_terms(sample.jobs, by="confidence")
    table = table[~table["in_type_name"]]
    ax = plots.reasoning_terms(sample.jobs, by="confidence", ax=new_axes())
    table = table[table.groupby("confidence", observed=True).cumcount() < 20]
    (shares,) = bars(ax)
    assert [bar.get_width() for bar in shares] == pytest.approx(table["share"].tolist())
    assert ax.lines[0].get_xdata() == pytest.approx(table["share_rest"].tolist())
    labels = [one.get_text() for one in ax.get_yticklabels()]
    assert labels == [f"{side}: {word}" for side, word in zip(table["confidence"], table["word"], strict=True)]


def test_bars_of_contradictions_add_up_to_the_rows_of_the_table_and_no_match_comes_last() -> None:
    rows = [(*row[:2], row[-1]) for row in reasonings.SPEAKS_AGAINST + reasonings.HEDGES + reasonings.SURE]
    jobs = reasonings.table(rows)
    table = metrics.reasoning_contradictions(jobs, reasonings.RULES)
    ax = plots.reasoning_contradictions(jobs, reasonings.RULES, ax=new_axes())
    widths = [sum(bar.get_width() for bar in group) for group in bars(ax)]
    assert widths == table["kind"].value_counts(sort=False).tolist()
    assert ax.get_yticklabels()[-1].get_text() == "no match"


def test_bars_of_pages_are_counts_of_jobs_and_odd_scopes_look_otherwise() -> None:
    jobs = pd.DataFrame({"target_pages": ["1-2"] * 3 + ["1,2", "5-3"], "max_pages": [None] * 5})
    ax = plots.pages_in_scope(jobs, ax=new_axes())
    (scopes,) = bars(ax)
    assert [bar.get_width() for bar in scopes] == [4, 1]
    assert [bool(bar.get_hatch()) for bar in scopes] == [False, True]
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["as documented", "odd"]


def test_bars_of_costs_are_means_and_costs_of_answers() -> None:
    jobs = small_jobs(300)
    table = metrics.costs(jobs, by="week", threshold=0.5)
    ax = plots.costs(jobs, by="week", threshold=0.5, ax=new_axes())
    means, answers = bars(ax)
    assert [bar.get_width() for bar in means] == pytest.approx(table["mean"].tolist())
    assert [bar.get_width() for bar in answers] == pytest.approx(table["per_accepted"].fillna(0).tolist())
    labels = [one.get_text() for one in ax.get_yticklabels()]
    assert labels[0] == f"{table['week'][0]:%Y-%m-%d}  n = {table['n'][0]:,}"
    assert labels[-1].startswith("no time")


def test_an_interval_without_an_end_runs_to_the_edge() -> None:
    jobs = pd.DataFrame(
        {"outcome": ["matched", *["no_match"] * 9], "confidence": 0.5, "credits": 2.0, "parse_credits": 2.0}
    )
    ax = plots.costs(jobs, ax=new_axes())
    ends = [segment[1, 0] for lines in ax.collections for segment in lines.get_segments()]
    assert max(ends) >= ax.get_xlim()[1]
    assert np.isfinite(ends).all()


def test_a_line_of_the_curve_goes_through_the_rows_of_its_group() -> None:
    jobs = small_jobs(300)
    table = metrics.cost_curve(jobs, by="configuration_id")
    ax = plots.cost_curve(jobs, by="configuration_id", ax=new_axes())
    for line, (_, part) in zip(ax.lines, table.groupby("configuration_id", observed=True), strict=True):
        assert sorted(line.get_xdata()) == sorted(part["threshold"])
        assert sorted(line.get_ydata()) == pytest.approx(sorted(part["per_accepted"]))
