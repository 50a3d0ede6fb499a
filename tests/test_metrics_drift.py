"""Drift: planted changes are found, shuffled time is quiet, and distances are those of SciPy and of plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

import llama_classify_nb as lcn
from llama_classify_nb import metrics
from llama_classify_nb.exceptions import ArgumentError
from llama_classify_nb.metrics import _permutation

KINDS = ["a", "b", "c", "d", "e"]
DRIFTS = ["type_drift", "confidence_drift"]
#: Values that a model states, with ties.
STATED = np.array([0.5, 0.7, 0.85, 0.9, 0.95])
P_VALUES = ["p_value_before", "p_value_rest", "p_value_split"]


def made(day: np.ndarray, place: np.ndarray) -> pd.DataFrame:
    """Jobs made on some days, whose type and confidence have this place among five."""
    created = pd.Timestamp("2026-02-02 08:00", tz="UTC") + pd.to_timedelta(day, unit="D")
    return pd.DataFrame(
        {
            "outcome": "matched",
            "type": pd.Categorical.from_codes(place, KINDS),
            "confidence": STATED[place],
            "created_at": created.as_unit("us"),
        }
    )


def steady(seed: int, n: int = 600, days: int = 12) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    # As uneven as real days are.
    day = chance.choice(days, n, p=chance.dirichlet(np.full(days, 3.0)))
    return made(day, chance.choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05]))


def changed(seed: int, at: int, days: int = 20, each: int = 100) -> pd.DataFrame:
    """Jobs of a mix that changes with one day."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), each)
    before, after = (
        chance.choice(5, len(day), p=p) for p in ([0.4, 0.3, 0.2, 0.07, 0.03], [0.25, 0.3, 0.2, 0.1, 0.15])
    )
    return made(day, np.where(day < at, before, after))


def configuration(sample: lcn.JobSet) -> pd.DataFrame:
    return sample.jobs[sample.jobs["configuration_id"] == "cfg-logreg-10types"]


class TestAlarms:
    @pytest.mark.parametrize("name", DRIFTS)
    def test_unchanging_jobs_raise_an_alarm_once_in_twenty_tables_at_most(self, name: str) -> None:
        runs = 800
        alarms = sum(
            getattr(metrics, name)(steady(seed), n_permutations=99, seed=seed)[P_VALUES].min(axis=None) <= 0.05
            for seed in range(runs)
        )
        # The rate is 5 % by construction: so many alarms or more come once in 200 runs of this test's kind.
        assert alarms <= stats.binom.ppf(0.995, runs, 0.05)
        assert alarms >= 1

    @pytest.mark.parametrize("name", DRIFTS)
    def test_the_bundled_jobs_drift_by_day_and_not_once_time_is_shuffled(self, name: str, sample: lcn.JobSet) -> None:
        jobs = configuration(sample)
        table = getattr(metrics, name)(jobs, n_permutations=1999)
        assert table["p_value_split"].min() < 0.001
        assert table["is_change_point"].sum() == 1
        alarms = 0
        for seed in range(20):
            time = jobs["created_at"].sample(frac=1, random_state=seed).to_numpy()
            quiet = getattr(metrics, name)(jobs.assign(created_at=time), n_permutations=199)
            alarms += quiet[P_VALUES].min(axis=None) <= 0.05
            assert quiet["is_change_point"].sum() <= alarms
        assert alarms <= stats.binom.ppf(0.995, 20, 0.05)

    @pytest.mark.parametrize("name", DRIFTS)
    @pytest.mark.parametrize("at", [3, 10, 17])
    def test_a_planted_change_is_found_on_its_day(self, name: str, at: int) -> None:
        found = []
        for seed in range(10):
            table = getattr(metrics, name)(changed(seed, at), n_permutations=199)
            found.append(int(np.argmax(table["is_change_point"])) if table["is_change_point"].any() else -100)
        assert np.mean(np.abs(np.array(found) - at) <= 1) >= 0.9

    def test_every_way_to_deal_the_jobs_out_is_equally_likely(self) -> None:
        counts = np.array([[9, 1, 4], [3, 5, 2], [2, 8, 6]])
        chance = np.random.default_rng(5)
        value = np.repeat(np.tile(np.arange(3), 3), counts.ravel())
        group = np.repeat(np.arange(3), counts.sum(axis=1))
        tables = [np.bincount(group * 3 + chance.permutation(value), minlength=9).reshape(3, 3) for _ in range(4000)]
        size = _permutation._scales(counts.sum(axis=1), is_ordered=True)
        distances = _permutation._distances(np.array([counts, *tables]), _permutation.TOTAL_VARIATION, is_ordered=True)
        quotient = distances / size
        greatest = np.nanmax(quotient[1:], axis=(1, 2))
        _, p_value = _permutation.test(
            counts, _permutation.TOTAL_VARIATION, is_ordered=True, n_permutations=3999, seed=1
        )
        for found, seen in zip(np.array(p_value).ravel(), quotient[0].ravel(), strict=True):
            if not np.isnan(seen):
                assert found == pytest.approx((greatest >= seen - 1e-9).mean(), abs=0.03)

    def test_the_same_seed_gives_the_same_p_values_and_drawing_in_parts_no_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs = changed(1, 5)
        table = metrics.type_drift(jobs, n_permutations=199, seed=7)
        pd.testing.assert_frame_equal(metrics.type_drift(jobs, n_permutations=199, seed=7), table)
        other = metrics.type_drift(jobs, n_permutations=199, seed=8)
        assert not other["p_value_rest"].equals(table["p_value_rest"])
        monkeypatch.setattr(_permutation, "_MOST_CELLS", 1000)
        pd.testing.assert_frame_equal(metrics.type_drift(jobs, n_permutations=199, seed=7), table)


class TestTables:
    def test_distances_of_types_are_total_variation(self) -> None:
        jobs = changed(2, 4, days=8)
        table = metrics.type_drift(jobs, n_permutations=99)
        day = (jobs["created_at"].dt.floor("D") - jobs["created_at"].dt.floor("D").min()).dt.days

        def apart(one: pd.Series, other: pd.Series) -> float:
            p, q = (jobs["type"][rows].value_counts(normalize=True, sort=False) for rows in (one, other))
            return float(sum(abs(p[kind] - q[kind]) for kind in KINDS) / 2)

        for number in range(8):
            assert table["distance_rest"][number] == pytest.approx(apart(day == number, day != number))
            if number:
                assert table["distance_before"][number] == pytest.approx(apart(day == number, day == number - 1))
                assert table["distance_split"][number] == pytest.approx(apart(day < number, day >= number))
        assert table[["distance_before", "distance_split"]].iloc[0].isna().all()

    def test_distances_of_confidences_are_those_of_scipy(self) -> None:
        jobs = changed(3, 4, days=8)
        table = metrics.confidence_drift(jobs, n_permutations=99)
        parts = [part.to_numpy() for _, part in jobs["confidence"].groupby(jobs["created_at"].dt.floor("D"))]
        for number, part in enumerate(parts):
            rest = np.concatenate([other for one, other in enumerate(parts) if one != number])
            assert table["distance_rest"][number] == pytest.approx(stats.wasserstein_distance(part, rest))
            if number:
                halves = np.concatenate(parts[:number]), np.concatenate(parts[number:])
                assert table["distance_before"][number] == pytest.approx(
                    stats.wasserstein_distance(part, parts[number - 1])
                )
                assert table["distance_split"][number] == pytest.approx(stats.wasserstein_distance(*halves))
            interval = stats.t.interval(1 - 0.05 / 8, len(part) - 1, part.mean(), stats.sem(part))
            assert (table["mean_lower"][number], table["mean_upper"][number]) == pytest.approx(interval)
            assert table["q25"][number] == pytest.approx(np.quantile(part, 0.25))

    def test_many_confidences_become_few_atoms_that_split_no_ties_and_hardly_move_a_distance(
        self, sample: lcn.JobSet
    ) -> None:
        jobs = configuration(sample)
        mix = metrics.confidence_mix(jobs)
        atoms = mix[["confidence_from", "confidence_to"]].drop_duplicates()
        assert len(atoms) <= 32
        assert (atoms["confidence_to"].to_numpy()[:-1] < atoms["confidence_from"].to_numpy()[1:]).all()
        answered = jobs[jobs["outcome"].isin(["matched", "no_match"])]
        assert mix["count"].sum() == len(answered)
        first = answered["created_at"].dt.floor("D") == answered["created_at"].dt.floor("D").min()
        exact = stats.wasserstein_distance(answered["confidence"][first], answered["confidence"][~first])
        assert metrics.confidence_drift(jobs)["distance_rest"].iloc[0] == pytest.approx(exact, abs=0.002)

    def test_a_mix_is_the_crossed_table_with_intervals_that_hold_at_once(self, sample: lcn.JobSet) -> None:
        jobs = configuration(sample)
        mix = metrics.type_mix(jobs, freq="W")
        answered = jobs[jobs["outcome"].isin(["matched", "no_match"])]
        week = answered["created_at"].dt.tz_localize(None).dt.to_period("W-SUN").dt.start_time.dt.tz_localize("UTC")
        wanted = pd.crosstab(week, answered["type"].astype(object).fillna("none"))
        for row in mix.to_dict("records"):
            kind = "none" if pd.isna(row["type"]) else row["type"]
            assert row["count"] == (wanted.loc[row["period"], kind] if kind in wanted else 0)
            ends = proportion_confint(row["count"], row["n"], 0.05 / len(mix), method="beta")
            assert (row["share_lower"], row["share_upper"]) == pytest.approx(ends, abs=1e-9)
        assert (mix.groupby("period")["count"].sum() == mix.groupby("period")["n"].first()).all()

    def test_simultaneous_intervals_hold_all_shares_nearly_always(self) -> None:
        truth = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
        held = 0
        for seed in range(200):
            mix = metrics.type_mix(steady(seed, n=400, days=5)).dropna(subset=["type"])
            share = truth[mix["type"].cat.codes]
            held += ((mix["share_lower"] <= share) & (share <= mix["share_upper"])).all()
        assert held >= 0.95 * 200

    @pytest.mark.parametrize("name", DRIFTS)
    def test_values_without_an_order_are_held_against_the_rest_only(self, name: str, sample: lcn.JobSet) -> None:
        table = getattr(metrics, name)(sample.jobs, by="configuration_id", n_permutations=199)
        assert table["configuration_id"].tolist() == sorted(sample.jobs["configuration_id"].unique())
        assert table[["distance_before", "distance_split", "p_value_before"]].isna().all(axis=None)
        assert table["p_value_rest"].notna().all()
        assert not table["is_change_point"].any()

    @pytest.mark.parametrize("name", DRIFTS)
    def test_numbers_and_ordered_categories_follow_one_another(self, name: str) -> None:
        jobs = changed(4, 10)
        by_time = getattr(metrics, name)(jobs, n_permutations=99)
        number = jobs["created_at"].dt.day_of_year
        names = pd.Categorical(number.astype(str), [str(one) for one in sorted(number.unique())], ordered=True)
        for column in (number, names):
            table = getattr(metrics, name)(jobs.assign(batch=column), by="batch", n_permutations=99)
            pd.testing.assert_frame_equal(table.drop(columns="batch"), by_time.drop(columns="period"))

    @pytest.mark.parametrize("name", DRIFTS)
    def test_jobs_without_a_time_have_a_row_and_are_compared_with_nothing(self, name: str) -> None:
        jobs = changed(5, 10)
        undated = made(np.zeros(30, int), np.zeros(30, int))
        undated["created_at"] = undated["created_at"].where(np.zeros(30, bool))
        table = getattr(metrics, name)(pd.concat([jobs, undated], ignore_index=True), n_permutations=99)
        assert table["period"].isna().tolist() == [False] * 20 + [True]
        assert table["n"].iloc[-1] == 30
        assert table[["distance_rest", *P_VALUES]].iloc[-1].isna().all()
        wanted = getattr(metrics, name)(jobs, n_permutations=99)["is_change_point"]
        assert table["is_change_point"].iloc[:-1].tolist() == wanted.tolist()

    def test_documents_that_come_again_are_counted(self, sample: lcn.JobSet) -> None:
        table = metrics.type_drift(configuration(sample), n_permutations=99)
        assert table["n_repeated"].iloc[-1] == table["n"].iloc[-1] == 166
        assert table["n_repeated"].sum() == 2 * 166
        assert metrics.type_drift(changed(1, 5), n_permutations=99)["n_repeated"].isna().all()

    @pytest.mark.parametrize("name", DRIFTS)
    def test_one_period_has_nothing_to_be_compared_with(self, name: str) -> None:
        jobs = steady(1).assign(created_at=pd.Timestamp("2026-02-02", tz="UTC").as_unit("us"))
        for part in (jobs, jobs.iloc[:1]):
            table = getattr(metrics, name)(part)
            assert table["n"].tolist() == [len(part)]
            assert table[["distance_rest", *P_VALUES]].isna().all(axis=None)
            assert not table["is_change_point"].any()

    def test_alike_to_the_last_job_is_a_p_value_of_one(self) -> None:
        day = np.repeat([0, 1], 10)
        table = metrics.type_drift(made(day, np.zeros(20, int)), n_permutations=99)
        assert table["distance_rest"].tolist() == [0.0, 0.0]
        assert table["p_value_rest"].tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("name", DRIFTS)
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"freq": "Q"}, "^freq is 'Q'; it must be one of"),
            ({"freq": ["D"]}, "^freq is "),
            ({"by": "nowhere"}, "^by is 'nowhere', which is not a column"),
            ({"by": "n"}, "^by is 'n', which the table has a column for"),
            ({"n_permutations": 10}, "^n_permutations is 10; .* 99 or more"),
            ({"n_permutations": 1e4}, "^n_permutations is 10000.0; it must be a whole number"),
            ({"seed": -1}, "^seed is -1"),
            ({"level": 95}, "^level is 95; it must be a number between 0 and 1"),
        ],
    )
    def test_arguments_that_can_not_be_right_are_refused(
        self, name: str, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ArgumentError, match=message):
            getattr(metrics, name)(steady(1).assign(n=1), **arguments)
