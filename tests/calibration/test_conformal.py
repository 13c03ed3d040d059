from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proskill.calibration.conformal import conformal_threshold, mass_before, prediction_sets
from proskill.levels import median_level

ROWS = st.lists(st.floats(0.01, 1), min_size=2, max_size=7).map(
    lambda values: np.array(values)[None] / sum(values)
)


def _grown_by_hand(row: NDArray[np.float64]) -> list[float]:
    """The same, one level after the other, for one take."""
    low = high = int(median_level(row))
    before, mass = [0.0] * len(row), float(row[low])
    while high - low + 1 < len(row):
        below = row[low - 1] if low > 0 else -1.0
        above = row[high + 1] if high + 1 < len(row) else -1.0
        low, high, joined = (
            (low - 1, high, low - 1) if below >= above else (low, high + 1, high + 1)
        )
        before[joined] = mass
        mass += float(row[joined])
    return before


def _people(rng: np.random.Generator, *, people: int, takes: int) -> NDArray[np.float64]:
    """Scores (people, takes) that are alike within a person."""
    return np.asarray(rng.normal(size=(people, 1)) + 0.3 * rng.normal(size=(people, takes)))


def test_the_set_grows_from_the_median_to_the_more_probable_neighbour() -> None:
    rows = np.array([[0.1, 0.5, 0.3, 0.1], [0.6, 0.1, 0.3, 0.0]])
    np.testing.assert_allclose(mass_before(rows), [[0.8, 0, 0.5, 0.9], [0, 0.6, 0.7, 1.0]])


@given(row=ROWS)
def test_it_grows_as_by_hand(row: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(mass_before(row)[0], _grown_by_hand(row[0]), atol=1e-12)


@given(row=ROWS, thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_set_holds_the_median_and_grows_with_the_threshold(
    row: NDArray[np.float64], thresholds: tuple[float, float]
) -> None:
    small, large = (prediction_sets(row, threshold=value)[0] for value in sorted(thresholds))
    assert large[0] <= small[0] <= median_level(row)[0] <= small[1] <= large[1]
    inside = mass_before(row)[0] <= sorted(thresholds)[0] + 1e-9
    assert inside.sum() == small[1] - small[0] + 1  # no gap


@given(row=ROWS)
def test_the_ends_of_the_threshold_are_the_median_alone_and_every_level(
    row: NDArray[np.float64],
) -> None:
    assert prediction_sets(row, threshold=0)[0].tolist() == [median_level(row)[0]] * 2
    assert prediction_sets(row, threshold=1)[0].tolist() == [0, row.shape[1] - 1]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_few_participants_with_many_takes_do_not_promise_too_much(coverage: float) -> None:
    rng = np.random.default_rng(0)
    by_person, by_take = [], []
    for _ in range(600):
        scores = _people(rng, people=40, takes=20)
        known, new = scores[:12].ravel(), scores[12:]
        who = np.repeat(np.arange(12), 20)
        by_person.append(np.mean(new <= conformal_threshold(known, who, coverage=coverage)))
        by_take.append(np.mean(new <= conformal_threshold(known, range(240), coverage=coverage)))
    assert np.mean(by_person) >= coverage
    assert np.mean(by_take) < coverage - 0.015


def test_a_participant_with_many_takes_counts_no_more_than_one_with_few() -> None:
    scores = np.array([5.0] * 50 + [1.0] * 9)
    participants = ["busy"] * 50 + [f"p{i}" for i in range(9)]
    assert conformal_threshold(scores, participants, coverage=0.8) == 1.0


def test_too_few_participants_for_a_coverage_give_infinity() -> None:
    scores, who = np.arange(8.0), list(range(8))
    assert conformal_threshold(scores, who, coverage=0.8) == 7.0
    assert math.isinf(conformal_threshold(scores, who, coverage=0.9))


@pytest.mark.parametrize(
    ("scores", "coverage", "message"),
    [
        (np.zeros(2), 1.0, r"coverage=1\.0: must be between 0 and 1"),
        (np.array([0, np.nan]), 0.5, "scores must be finite"),
    ],
)
def test_what_makes_no_sense_is_refused(
    scores: NDArray[np.float64], coverage: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        conformal_threshold(scores, ["a", "b"], coverage=coverage)
