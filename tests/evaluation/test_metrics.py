"""Metrics of levels against scikit-learn and cases that can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given
from hypothesis import strategies as st

from proskill.evaluation.intervals import Weights, each_once
from proskill.evaluation.metrics import (
    accuracy,
    confusion_tables,
    macro_f1,
    majority_level,
    mean_level_error,
    quadratic_kappa,
    scenario_majority_levels,
    weighted_mean,
)

LEVELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def f1(truth: np.ndarray, predicted: np.ndarray, weights: Weights) -> np.ndarray:
    return macro_f1(truth, predicted, weights, num_levels=4)


def kappa(truth: np.ndarray, predicted: np.ndarray, weights: Weights) -> np.ndarray:
    return quadratic_kappa(truth, predicted, weights, num_levels=4)


METRICS = [accuracy, mean_level_error, f1, kappa]


@pytest.fixture
def levels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=200)
    return truth, np.clip(truth + rng.integers(-1, 2, size=200), 0, 3)


def test_metrics_equal_those_of_scikit_learn(levels: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = levels
    once = each_once(200)
    assert accuracy(truth, predicted, once) == pytest.approx(peer.accuracy_score(truth, predicted))
    assert f1(truth, predicted, once) == pytest.approx(
        peer.f1_score(truth, predicted, average="macro")
    )
    assert kappa(truth, predicted, once) == pytest.approx(
        peer.cohen_kappa_score(truth, predicted, weights="quadratic")
    )
    assert mean_level_error(truth, predicted, once) == pytest.approx(
        peer.mean_absolute_error(truth, predicted)
    )


def test_weighted_metrics_equal_those_of_scikit_learn(
    levels: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, predicted = levels
    weights = np.random.default_rng(1).random((1, 200))
    assert kappa(truth, predicted, weights) == pytest.approx(
        peer.cohen_kappa_score(truth, predicted, weights="quadratic", sample_weight=weights[0])
    )
    assert f1(truth, predicted, weights) == pytest.approx(
        peer.f1_score(truth, predicted, average="macro", sample_weight=weights[0])
    )


@pytest.mark.parametrize("metric", METRICS)
@given(pairs=LEVELS, data=st.data())
def test_a_take_of_weight_three_counts_as_three_takes(
    metric: Callable[..., np.ndarray], pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    truth, predicted = np.array(pairs).T
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    repeated = np.repeat(np.arange(len(pairs)), counts)
    weighted = metric(truth, predicted, np.array([counts], dtype=float))
    written_out = metric(truth[repeated], predicted[repeated], each_once(len(repeated)))
    np.testing.assert_allclose(weighted, written_out, atol=1e-12)


def test_every_row_of_weights_is_a_resample_of_its_own(
    levels: tuple[np.ndarray, np.ndarray],
) -> None:
    weights = np.random.default_rng(2).integers(3, size=(5, 200)).astype(float)
    for metric in METRICS:
        together = metric(*levels, weights)
        alone = [metric(*levels, weights[row : row + 1])[0] for row in range(5)]
        np.testing.assert_allclose(together, alone)


def test_a_level_that_never_occurs_does_not_lower_macro_f1() -> None:
    truth = np.array([0, 1, 1])
    assert f1(truth, truth, each_once(3)) == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_of_no_take_is_nan(metric: Callable[..., np.ndarray]) -> None:
    nothing = np.array([], dtype=int)
    assert np.isnan(metric(nothing, nothing, each_once(0))).all()
    assert np.isnan(metric([1, 2], [1, 2], np.zeros((1, 2)))).all()


def test_kappa_is_nan_where_everybody_has_one_level() -> None:
    assert np.isnan(kappa(np.array([1, 1]), np.array([1, 1]), each_once(2))).all()


def test_a_missing_label_is_refused_and_not_counted() -> None:
    with pytest.raises(ValueError, match="leave out takes without a level"):
        confusion_tables([-1, 0], [0, 0], each_once(2), num_levels=4)


def test_answers_and_truths_of_different_takes_are_refused() -> None:
    with pytest.raises(ValueError, match="one level per take"):
        accuracy([0, 1], [0], each_once(2))


def test_the_majority_comes_from_training_levels_and_is_the_lower_of_two_equals() -> None:
    assert majority_level([2, 2, 0]) == 2
    assert majority_level([3, 1, 1, 3]) == 1
    with pytest.raises(ValueError, match="train is empty"):
        majority_level([])


def test_the_scenario_majority_falls_back_to_the_overall_one_for_a_new_scenario() -> None:
    levels = scenario_majority_levels([0, 0, 3, 3, 3], ["a", "a", "b", "b", "b"], ["a", "b", "new"])
    assert levels.tolist() == [0, 3, 3]


def test_a_weighted_mean_counts_fractions() -> None:
    assert weighted_mean([1.0, 0.0], np.array([[0.5, 1.5]])) == 0.25


def test_two_lists_are_enough_and_weights_and_groups_are_options() -> None:
    truth, predicted = [0, 1, 2, 3, 3, 0], [0, 1, 1, 3, 2, 0]
    for metric in (accuracy, mean_level_error, macro_f1, quadratic_kappa):
        value = metric(truth, predicted)
        assert isinstance(value, float)
        assert metric(truth, predicted, np.ones(6)) == value
        assert metric(truth, predicted, each_once(6)).tolist() == [value]
        interval = metric(truth, predicted, groups=list("aabbcc"))
        assert interval.value == value
        assert interval.lower <= value <= interval.upper
