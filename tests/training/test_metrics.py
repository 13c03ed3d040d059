"""Metrics against scikit-learn, scipy and cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from proskill.training import metrics


@pytest.fixture
def random_levels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=200)
    return truth, np.clip(truth + rng.integers(-1, 2, size=200), 0, 3)


def test_metrics_equal_those_of_scikit_learn(random_levels: tuple[np.ndarray, np.ndarray]) -> None:
    peer = pytest.importorskip("sklearn.metrics")
    truth, predicted = random_levels
    assert metrics.accuracy(truth, predicted) == pytest.approx((truth == predicted).mean())
    assert metrics.macro_f1(truth, predicted, num_levels=4) == pytest.approx(
        peer.f1_score(truth, predicted, average="macro")
    )
    assert metrics.quadratic_weighted_kappa(truth, predicted, num_levels=4) == pytest.approx(
        peer.cohen_kappa_score(truth, predicted, weights="quadratic")
    )


def test_a_level_that_never_occurs_does_not_lower_macro_f1() -> None:
    assert metrics.macro_f1([0, 1, 1], [0, 1, 1], num_levels=4) == 1.0


def test_spearman_equals_scipy_with_ties() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(4, size=100)
    score = truth + rng.normal(size=100).round(1)
    assert metrics.spearman_rho(truth, score) == pytest.approx(spearmanr(truth, score).statistic)


@pytest.mark.parametrize(
    "value",
    [
        metrics.spearman_rho([1, 2, 3], [5, 5, 5]),
        metrics.spearman_rho([1], [1]),
        metrics.quadratic_weighted_kappa([1, 1], [1, 1], num_levels=4),
        metrics.accuracy([], []),
        metrics.mean_level_error([], []),
        metrics.macro_f1([], [], num_levels=4),
    ],
)
def test_an_undefined_metric_is_nan(value: float) -> None:
    assert math.isnan(value)


def test_a_missing_label_is_refused_and_not_counted() -> None:
    with pytest.raises(ValueError, match="leave out takes without a level"):
        metrics.confusion_matrix([-1, 0], [0, 0], num_levels=4)


def test_majority_comes_from_training_levels_only() -> None:
    assert metrics.majority_accuracy([2, 2, 0], [0, 0, 0, 2]) == 0.25


def test_scenario_majority_falls_back_to_the_overall_majority_for_a_new_scenario() -> None:
    value = metrics.scenario_majority_accuracy(
        [0, 0, 3, 3, 3], ["a", "a", "b", "b", "b"], [0, 3, 3], ["a", "b", "new"]
    )
    assert value == 1.0


def test_bootstrap_interval_holds_the_value_and_is_reproducible() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{i}" for i in range(40)], 3)
    truth = np.repeat(rng.normal(size=40), 3)
    score = truth + rng.normal(size=120)

    def rho(index: np.ndarray) -> float:
        return metrics.spearman_rho(truth[index], score[index])

    first = metrics.clustered_bootstrap(rho, people.tolist(), num_resamples=200, seed=1)
    second = metrics.clustered_bootstrap(rho, people.tolist(), num_resamples=200, seed=1)
    assert first == second
    assert first.lower < first.value < first.upper


def test_clustering_widens_the_interval_when_takes_of_a_person_are_alike() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=30), 10)

    def mean(index: np.ndarray) -> float:
        return float(values[index].mean())

    people = np.repeat([f"p{i}" for i in range(30)], 10)
    clustered = metrics.clustered_bootstrap(mean, people.tolist(), num_resamples=300)
    single = metrics.clustered_bootstrap(mean, [f"t{i}" for i in range(300)], num_resamples=300)
    assert clustered.upper - clustered.lower > 2 * (single.upper - single.lower)


def test_one_participant_has_no_interval() -> None:
    interval = metrics.clustered_bootstrap(lambda index: 1.0, ["p", "p"])
    assert interval.value == 1.0
    assert math.isnan(interval.lower)


def test_paired_difference_of_a_metric_with_itself_is_zero() -> None:
    values = np.arange(10.0)

    def mean(index: np.ndarray) -> float:
        return float(values[index].mean())

    difference = metrics.paired_difference(
        mean, mean, [f"p{i}" for i in range(10)], num_resamples=50
    )
    assert (difference.value, difference.lower, difference.upper) == (0.0, 0.0, 0.0)
