"""Intervals, against statsmodels and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import clopper_pearson, wilson

METHODS = [(wilson, "wilson", "wilson"), (clopper_pearson, "beta", "exact")]
PAIRS = [
    (0, 1),
    (1, 1),
    (0, 10),
    (3, 10),
    (10, 10),
    (1, 1000),
    (999, 1000),
    (123_456, 1_000_000),
    (1_000_000, 1_000_000),
]


@pytest.mark.parametrize(("interval", "statsmodels_name", "scipy_name"), METHODS)
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_intervals_agree_with_statsmodels_and_scipy(
    interval, statsmodels_name: str, scipy_name: str, level: float
) -> None:
    count, n = np.array(PAIRS).T
    lower, upper = interval(count, n, level)
    expected = proportion_confint(count, n, alpha=1 - level, method=statsmodels_name)
    np.testing.assert_allclose(lower, expected[0], atol=1e-12)
    np.testing.assert_allclose(upper, expected[1], atol=1e-12)
    for place, (x, of) in enumerate(PAIRS):
        exact = binomtest(x, of).proportion_ci(level, method=scipy_name)
        assert (lower[place], upper[place]) == pytest.approx((exact.low, exact.high), abs=1e-9)


@settings(max_examples=100)
@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.999))
def test_an_interval_holds_its_share_and_mirrors(pair: tuple[int, int], level: float) -> None:
    count, n = pair
    for interval, *_ in METHODS:
        lower, upper = interval(count, n, level)
        assert 0 <= lower <= count / n + 1e-12
        assert count / n - 1e-12 <= upper <= 1
        other_lower, other_upper = interval(n - count, n, level)
        assert (lower, upper) == pytest.approx((1 - other_upper, 1 - other_lower), abs=1e-9)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_the_ends_are_exact_and_of_nothing_nothing_is_known(interval) -> None:
    lower, upper = interval([0, 7, 0], [7, 7, 0])
    assert (lower[0], upper[1]) == (0.0, 1.0)
    assert np.isnan([lower[2], upper[2]]).all()
    assert [len(end) for end in interval([], [])] == [0, 0]


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_counts_broadcast(interval) -> None:
    lower, _ = interval([[1], [2]], [4, 5, 6])
    assert lower.shape == (2, 3)
    assert lower[1, 2] == interval(2, 6)[0]


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 4), "count must be"),
        ((-1, 4), "count must be"),
        ((float("nan"), 4), "count must be"),
        ((1, float("inf")), "count must be"),
        (([1, 2], [1, 2, 3]), "one shape"),
        (("many", 3), "must be numbers"),
        ((1, 2, 0), "level is 0"),
        ((1, 2, 1), "level is 1"),
        ((1, 2, 95), "level is 95"),
        ((1, 2, None), "level is None"),
    ],
)
def test_impossible_counts_and_levels_are_refused(interval, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        interval(*arguments)
