from __future__ import annotations

import numpy as np
import pytest

from proskill.calibration.repeatability import MIN_REPEATS, Repeatability, fit_repeatability


def _fit(scores: np.ndarray, people: list[str], levels: np.ndarray) -> Repeatability | None:
    return fit_repeatability(scores, participants=people, levels=levels)


def test_what_is_always_wrong_about_a_performer_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    always, scatter = rng.normal(0, 0.8, 500), 0.3 * rng.standard_normal(1500)
    people = [f"p{k}" for k in np.repeat(np.arange(500), 3)]
    found = _fit(np.repeat(always, 3) + scatter, people, np.repeat(np.arange(500) % 4, 3))
    assert found is not None
    assert found.num_repeats == 1000
    assert found.standard_error == pytest.approx(0.3, rel=0.05)


def test_a_performer_who_reached_another_level_changed_and_is_no_repeat() -> None:
    rng = np.random.default_rng(1)
    levels = np.array([0, 0, 3, 3] * 20)
    people = [f"p{k}" for k in np.repeat(np.arange(20), 4)]
    found = _fit(0.5 * levels + 0.2 * rng.standard_normal(80), people, levels)
    assert found is not None
    assert found.num_repeats == 40
    assert found.standard_error == pytest.approx(0.2, rel=0.25)


def test_two_takes_each_give_the_usual_standard_error_of_measurement() -> None:
    first, second = np.random.default_rng(1).normal(size=(2, 12))
    people = [f"p{k}" for k in range(12)]
    found = _fit(np.concatenate([first, second]), [*people, *people], np.zeros(24, dtype=int))
    assert found is not None
    expected = np.sqrt(np.mean((first - second) ** 2) / 2)  # root of half the mean square
    assert found.standard_error == pytest.approx(expected)


def test_performers_with_a_single_take_teach_nothing() -> None:
    scores, levels, people = np.zeros(40), np.zeros(40, dtype=int), [f"p{k}" for k in range(40)]
    assert _fit(scores, people, levels) is None
    few = [*people[: 40 - MIN_REPEATS + 1], *people[: MIN_REPEATS - 1]]
    assert _fit(scores, few, levels) is None
    enough = [*people[: 40 - MIN_REPEATS], *people[:MIN_REPEATS]]
    assert _fit(scores, enough, levels) == Repeatability(0.0, MIN_REPEATS)


@pytest.mark.parametrize(("error", "repeats"), [(-0.1, 12), (float("nan"), 12), (0.3, 0)])
def test_a_value_out_of_range_is_refused(error: float, repeats: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Repeatability(error, repeats)
