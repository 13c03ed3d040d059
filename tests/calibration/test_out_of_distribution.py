from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from proskill.scoring import OutOfDistributionDetector, fit_detector


def _features(num: int, dim: int = 40, *, seed: int = 0) -> np.ndarray:
    """Features that vary mostly in a few directions, as a network's do."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(5, dim))
    return rng.normal(size=(num, 5)) @ directions + 0.05 * rng.normal(size=(num, dim))


def test_hardly_any_new_feature_of_the_same_kind_is_unfamiliar() -> None:
    known = fit_detector(_features(150), _features(60, seed=1))
    inside = known.relative_distance(_features(1000, seed=2)) <= 1
    assert inside.mean() >= 0.98
    assert known.relative_distance(_features(1000, seed=2)).max() > 0.7


def test_one_odd_held_out_take_does_not_move_the_limit() -> None:
    held_out = _features(30, seed=1)
    usual = fit_detector(_features(150), held_out).limit
    held_out[0] *= 50
    assert fit_detector(_features(150), held_out).limit == pytest.approx(usual, rel=0.15)


def test_features_far_along_and_far_off_the_training_directions_are_unfamiliar() -> None:
    train = _features(150)
    known = fit_detector(train, _features(100, seed=1))
    along = train[:1] * 8
    off = train[:1] + np.random.default_rng(3).normal(size=(1, train.shape[1]))
    assert known.relative_distance(along)[0] > 2
    assert known.relative_distance(off)[0] > 2


@pytest.mark.parametrize("num", [4, 10, 40])
def test_fewer_takes_than_dimensions_still_give_a_finite_distance(num: int) -> None:
    known = fit_detector(_features(num), _features(3, seed=1))
    assert known.directions.shape[0] <= num // 3
    assert np.isfinite(known.distance(_features(20, seed=2))).all()


def test_features_that_never_varied_give_a_finite_distance() -> None:
    known = fit_detector(np.ones((10, 6)), np.ones((3, 6)))
    assert np.isfinite(known.relative_distance(np.ones(6)))
    assert known.relative_distance(np.zeros(6)) > 1


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (12, 5), elements=st.floats(-1e3, 1e3)),
    arrays(np.float64, (4, 5), elements=st.floats(-1e3, 1e3)),
)
def test_any_finite_features_can_be_learned_from(train: np.ndarray, held_out: np.ndarray) -> None:
    known = fit_detector(train, held_out)
    assert isinstance(known, OutOfDistributionDetector)
    distances = known.relative_distance(held_out)  # too few for a spread: the largest is the limit
    assert np.isfinite(distances).all()
    assert distances.max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("train", "held_out", "message"),
    [
        (np.zeros((3, 4)), np.zeros((2, 4)), "needs 4 and 1 or more"),
        (np.zeros((9, 4)), np.zeros((0, 4)), "needs 4 and 1 or more"),
        (np.zeros((9, 4)), np.zeros((2, 5)), "expected \\(M, D\\)"),
        (np.full((9, 4), np.nan), np.zeros((2, 4)), "must be finite"),
    ],
)
def test_features_that_cannot_be_learned_from_are_refused(
    train: np.ndarray, held_out: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_detector(train, held_out)


def test_features_of_another_width_are_refused() -> None:
    known = fit_detector(_features(20), _features(5, seed=1))
    with pytest.raises(ValueError, match=r"features of width 3: expected D = 40"):
        known.distance(np.zeros(3))
