"""Probability figures against scikit-learn and cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as peer
from sklearn.calibration import calibration_curve

from proskill.evaluation.intervals import each_once
from proskill.evaluation.probability_metrics import (
    brier_score,
    coverage_risk,
    expected_calibration_error,
    log_loss,
    num_bins_for,
    reliability_bins,
)


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), size=400)
    truth = np.array([rng.choice(4, p=row) for row in probabilities])
    return truth, probabilities


def test_brier_and_log_loss_equal_those_of_scikit_learn(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, probabilities = answers
    weights = np.random.default_rng(1).random((1, 400))
    expected = peer.brier_score_loss(
        truth, probabilities, sample_weight=weights[0], scale_by_half=False
    )
    assert brier_score(truth, probabilities, weights) == pytest.approx(expected)
    assert log_loss(truth, probabilities, weights) == pytest.approx(
        peer.log_loss(truth, probabilities, sample_weight=weights[0])
    )


def test_saying_every_level_with_equal_probability_costs_what_it_must() -> None:
    uniform = np.full((4, 4), 0.25)
    assert brier_score(np.arange(4), uniform, each_once(4)) == pytest.approx(0.75)
    assert log_loss(np.arange(4), uniform, each_once(4)) == pytest.approx(np.log(4))


def test_being_sure_and_wrong_costs_much_but_not_infinity() -> None:
    loss = log_loss([1], [[1.0, 0.0]], each_once(1))
    assert 15 < loss[0] < 17


def test_reliability_bins_equal_those_of_scikit_learn(
    answers: tuple[np.ndarray, np.ndarray],
) -> None:
    truth, probabilities = answers
    is_right, confidence = probabilities.argmax(1) == truth, probabilities.max(1)
    bins = reliability_bins(is_right, confidence, each_once(400))
    accuracy, mean = calibration_curve(is_right, confidence, n_bins=15)
    filled = bins.mass[0] > 0
    np.testing.assert_allclose(bins.accuracy[0, filled], accuracy)
    np.testing.assert_allclose(bins.confidence[0, filled], mean)
    assert bins.mass.sum() == 400
    error = (bins.mass[0, filled] * np.abs(accuracy - mean)).sum() / 400
    assert expected_calibration_error(is_right, confidence, each_once(400)) == pytest.approx(error)


def test_calibration_error_of_two_bins_by_hand() -> None:
    # 0.2 said and half right: 0.3 off; 0.9 said and all right: 0.1 off.
    error = expected_calibration_error(
        [True, False, True, True], [0.2, 0.2, 0.9, 0.9], each_once(4)
    )
    assert error == pytest.approx(0.2)


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert reliability_bins([True], [1.0], each_once(1)).mass[0, -1] == 1


def test_few_takes_fill_fewer_bins() -> None:
    assert [num_bins_for(n) for n in (1, 80, 300, 10_000)] == [3, 4, 15, 15]


def test_risk_grows_with_coverage_if_confidence_knows_what_is_wrong() -> None:
    is_right = np.array([True, True, True, False])
    risk = coverage_risk(is_right, [0.9, 0.8, 0.7, 0.1], each_once(4), coverage=[0.5, 0.75, 1.0])
    np.testing.assert_allclose(risk, [[0, 0, 0.25]])
    backwards = coverage_risk(is_right, [0.1, 0.2, 0.3, 0.9], each_once(4), coverage=[0.25, 1.0])
    np.testing.assert_allclose(backwards, [[1, 0.25]])


def test_risk_of_a_resample_equals_that_of_its_takes_written_out() -> None:
    rng = np.random.default_rng(2)
    is_right, confidence = rng.random(30) < 0.6, rng.random(30)
    counts = rng.integers(3, size=30)
    again = np.repeat(np.arange(30), counts)
    coverage = np.linspace(0.1, 1, 10)
    np.testing.assert_allclose(
        coverage_risk(is_right, confidence, counts[None].astype(float), coverage=coverage),
        coverage_risk(is_right[again], confidence[again], each_once(len(again)), coverage=coverage),
    )


def test_risk_of_no_take_is_nan() -> None:
    assert np.isnan(coverage_risk([], [], each_once(0), coverage=[0.5, 1.0])).all()
