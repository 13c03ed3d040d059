from __future__ import annotations

import numpy as np
import pytest

from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS, LevelScale, median_level


def test_levels_are_ordered_from_the_lowest() -> None:
    assert [EGOEXO4D_LEVELS.index(name) for name in EGOEXO4D_LEVELS.names] == [0, 1, 2, 3]
    assert EGOEXO4D_LEVELS.names[0] == "Novice"
    assert EGOEXO4D_LEVELS.names[-1] == "Late Expert"
    assert len(BASKET_LEVELS) == 5


def test_an_unknown_level_never_becomes_a_default() -> None:
    with pytest.raises(ValueError, match="level='Expert' is not on the scale; allowed: 'Novice'"):
        EGOEXO4D_LEVELS.index("Expert")


@pytest.mark.parametrize("names", [(), ("one",), ("a", "a"), ("a", "")])
def test_a_scale_needs_two_or_more_distinct_names(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="two or more distinct"):
        LevelScale(names)


def test_the_median_level_has_the_least_expected_distance_to_the_truth() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.5] * 4, size=500)
    grid = np.arange(4)
    distance = probabilities @ np.abs(grid[:, None] - grid[None, :])  # (N, K) expected, per level
    chosen = median_level(probabilities)
    np.testing.assert_allclose(distance[np.arange(500), chosen], distance.min(axis=1))


def test_the_median_level_stays_on_the_scale_where_rounding_falls_short_of_one() -> None:
    assert median_level(np.array([0.1, 0.2, 0.19, 0.0])) == 3
    assert median_level(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [0, 1]
