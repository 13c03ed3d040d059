"""Intervals: reproducible, clustered, and holding the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from proskill.evaluation.intervals import (
    Interval,
    Values,
    Weights,
    clustered_bootstrap,
    resample_weights,
)
from proskill.evaluation.metrics import weighted_mean
from proskill.evaluation.rank_metrics import spearman


def mean_interval(values: np.ndarray, people: list[str], **options: int) -> Interval:
    def figures(weights: Weights) -> dict[str, Values]:
        return {"mean": weighted_mean(values, weights)}

    return clustered_bootstrap(figures, people, **options)["mean"]


def test_an_interval_holds_the_value_and_is_reproducible() -> None:
    rng = np.random.default_rng(0)
    people = [f"p{i // 3}" for i in range(120)]
    truth = np.repeat(rng.normal(size=40), 3)
    score = truth + rng.normal(size=120)

    def figures(weights: Weights) -> dict[str, Values]:
        return {"rho": spearman(truth, score, weights)}

    first = clustered_bootstrap(figures, people, num_resamples=200, seed=1)["rho"]
    assert first == clustered_bootstrap(figures, people, num_resamples=200, seed=1)["rho"]
    assert first != clustered_bootstrap(figures, people, num_resamples=200, seed=2)["rho"]
    assert first.lower < first.value < first.upper


def test_takes_of_a_person_come_together_and_as_many_people_as_there_are() -> None:
    people = ["a", "b", "a", "c"]
    weights = np.concatenate(list(resample_weights(people, num_resamples=50)))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 3


def test_resamples_are_the_same_in_smaller_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [f"p{i}" for i in range(10)]
    whole = np.concatenate(list(resample_weights(people, num_resamples=20)))
    monkeypatch.setattr("proskill.evaluation.intervals._CHUNK_CELLS", 30)
    parts = list(resample_weights(people, num_resamples=20))
    assert len(parts) == 7
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_clustering_widens_the_interval_when_takes_of_a_person_are_alike() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=30), 10)
    clustered = mean_interval(values, [f"p{i // 10}" for i in range(300)])
    single = mean_interval(values, [f"t{i}" for i in range(300)])
    assert clustered.upper - clustered.lower > 2 * (single.upper - single.lower)


def test_the_interval_of_a_mean_has_the_width_of_students() -> None:
    values = np.random.default_rng(0).normal(size=12)
    interval = mean_interval(values, [f"p{i}" for i in range(12)], num_resamples=4000)
    expected = 2 * 2.201 * values.std(ddof=1) / np.sqrt(12)  # t of 11 degrees of freedom
    assert interval.upper - interval.lower == pytest.approx(expected, rel=0.08)


def test_one_participant_and_no_take_have_no_interval() -> None:
    interval = mean_interval(np.ones(2), ["p", "p"])
    assert interval.value == 1.0
    assert np.isnan([interval.lower, interval.upper]).all()
    assert np.isnan(mean_interval(np.array([]), []).value)


def test_resamples_where_a_metric_is_undefined_are_left_out() -> None:
    def figures(weights: Weights) -> dict[str, Values]:
        return {"half": np.where(weights[:, 0] > 0, 1.0, np.nan), "never": weights[:, 0] * np.nan}

    found = clustered_bootstrap(figures, ["a", "b"], num_resamples=50)
    assert (found["half"].lower, found["half"].upper) == (1.0, 1.0)
    assert np.isnan(found["never"].lower)


@pytest.mark.slow
@pytest.mark.parametrize("num_people", [12, 60])
def test_intervals_hold_the_true_value_in_about_95_of_100_samples(num_people: int) -> None:
    rng = np.random.default_rng(5)
    rho = 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2)  # Spearman's, of a correlation of sqrt(.5)
    truth = {"mean": 0.0, "share": 1 - norm.cdf(0.5), "rho": rho}
    held = dict.fromkeys(truth, 0)
    for sample in range(400):
        person = np.repeat(np.arange(num_people), 3)
        skill = rng.normal(size=num_people)[person]
        score = skill + rng.normal(size=num_people)[person]

        def figures(
            weights: Weights, skill: np.ndarray = skill, score: np.ndarray = score
        ) -> dict[str, Values]:
            return {
                "mean": weighted_mean(skill, weights),
                "share": weighted_mean(skill > 0.5, weights),
                "rho": spearman(skill, score, weights),
            }

        found = clustered_bootstrap(
            figures, person.astype(str).tolist(), num_resamples=400, seed=sample
        )
        for name, value in truth.items():
            held[name] += found[name].lower <= value <= found[name].upper
    for name, count in held.items():
        assert 0.92 <= count / 400 <= 0.99, (name, count)
