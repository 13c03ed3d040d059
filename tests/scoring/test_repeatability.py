from __future__ import annotations

import numpy as np
import pytest

from proskill.scoring.repeatability import MIN_REPEATS, Repeatability, fit_repeatability


def test_what_is_always_wrong_about_a_performer_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    always, scatter = rng.normal(0, 0.8, 500), 0.3 * rng.standard_normal(1500)
    found = fit_repeatability(np.repeat(always, 3) + scatter, np.repeat(np.arange(500), 3).tolist())
    assert found is not None
    assert found.num_repeats == 1000
    assert found.standard_error == pytest.approx(0.3, rel=0.05)


def test_two_takes_each_give_the_usual_standard_error_of_measurement() -> None:
    first, second = np.random.default_rng(1).normal(size=(2, 12))
    people = [f"p{k}" for k in range(12)]
    found = fit_repeatability(np.concatenate([first, second]), [*people, *people])
    assert found is not None
    expected = np.sqrt(np.mean((first - second) ** 2) / 2)  # root of half the mean square
    assert found.standard_error == pytest.approx(expected)


def test_performers_with_a_single_take_teach_nothing() -> None:
    errors, people = np.zeros(40), [f"p{k}" for k in range(40)]
    assert fit_repeatability(errors, people) is None
    few = [*people[: 40 - MIN_REPEATS + 1], *people[: MIN_REPEATS - 1]]
    assert fit_repeatability(errors, few) is None
    enough = [*people[: 40 - MIN_REPEATS], *people[:MIN_REPEATS]]
    assert fit_repeatability(errors, enough) == Repeatability(0.0, MIN_REPEATS)


@pytest.mark.parametrize(("error", "repeats"), [(-0.1, 12), (float("nan"), 12), (0.3, 0)])
def test_a_value_out_of_range_is_refused(error: float, repeats: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Repeatability(error, repeats)
