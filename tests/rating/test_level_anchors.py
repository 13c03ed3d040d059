from __future__ import annotations

import numpy as np
import pytest

from proskill.errors import ComparisonError
from proskill.levels import LevelScale
from proskill.rating.level_anchors import anchor_cuts
from proskill.rating.level_cuts import cut_levels
from proskill.rating.posterior import Posterior

THREE = LevelScale(("low", "middle", "high"))


def posterior_of(draws: np.ndarray, item_group: list[int] | None = None) -> Posterior:
    num_draws, num_items = draws.shape
    group = np.array([0] * num_items if item_group is None else item_group)
    return Posterior(
        draws=draws.astype(np.float32),
        item_group=group,
        scale=np.ones((num_draws, int(group.max()) + 1)),
        side=np.zeros(num_draws),
        discrimination=np.ones((num_draws, 1)),
    )


@pytest.mark.parametrize("noise", [0.2, 0.6, 1.5])
@pytest.mark.parametrize("anchors_a_level", [2, 6])
def test_levels_by_anchors_are_right_as_often_as_their_probability_says(
    noise: float, anchors_a_level: int
) -> None:
    rng = np.random.default_rng(2)
    results = []
    for _ in range(30):
        # Skills measured once with known noise, and exact draws of their posterior.
        skill = rng.normal(size=100)
        weight = 1 / (1 + noise**2)
        mean = weight * (skill + noise * rng.normal(size=100))
        draws = mean + np.sqrt(weight) * noise * rng.normal(size=(100, 100))
        posterior = posterior_of(draws)
        truth = np.searchsorted([-0.5, 0.5], skill)
        anchors = {
            int(item): level
            for level in range(3)
            for item in rng.choice(np.flatnonzero(truth == level), anchors_a_level, replace=False)
        }
        cuts = anchor_cuts(posterior, THREE, anchors, groups=("",), rng=rng)
        assignment = cut_levels(posterior, cuts)
        named = assignment.probabilities[np.arange(100), assignment.level]
        results.append((named.mean(), (assignment.level == truth).mean()))
    said, right = np.mean(results, axis=0)
    assert abs(said - right) < 0.05


def test_anchors_that_do_not_overlap_are_cut_in_the_gap_anywhere_alike() -> None:
    rng = np.random.default_rng(3)
    draws = np.array([0.0, 1.0, 3.0, 5.0, 6.0, 7.0]) + 0.01 * rng.normal(size=(2000, 6))
    anchors = {0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 5: 2}
    (cuts,) = anchor_cuts(posterior_of(draws), THREE, anchors, groups=("",), rng=rng)
    low, high = cuts.draws.T
    assert ((low > 0.95) & (low < 3.05)).all()
    assert ((high > 4.95) & (high < 6.05)).all()
    np.testing.assert_allclose(np.quantile(low, [0.25, 0.5, 0.75]), [1.5, 2, 2.5], atol=0.1)


def test_anchors_need_two_items_at_each_level() -> None:
    posterior = posterior_of(np.zeros((2, 6)), [0, 0, 0, 0, 0, 1])
    rng = np.random.default_rng(0)
    with pytest.raises(
        ComparisonError, match=r"in group 'dunk': middle has 1, high has 0; name more of them"
    ):
        anchor_cuts(posterior, THREE, {0: 0, 1: 0, 2: 1}, groups=("dunk", "pass"), rng=rng)
    with pytest.raises(ComparisonError, match="no item of known level takes part"):
        anchor_cuts(posterior, THREE, {}, groups=("dunk", "pass"), rng=rng)
    with pytest.raises(ValueError, match=r"an item index is outside of 0\.\.5"):
        anchor_cuts(posterior, THREE, {6: 0}, groups=("dunk", "pass"), rng=rng)
    with pytest.raises(ValueError, match=r"a level index is outside of 0\.\.2"):
        anchor_cuts(posterior, THREE, {5: 3}, groups=("dunk", "pass"), rng=rng)


def test_a_group_without_anchors_stays_without_level() -> None:
    rng = np.random.default_rng(4)
    posterior = posterior_of(rng.normal(size=(50, 8)), [0, 1, 0, 0, 0, 0, 0, 1])
    anchors = {0: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2}
    cuts = anchor_cuts(posterior, THREE, anchors, groups=("a", "b"), rng=rng)
    assignment = cut_levels(posterior, cuts)
    assert (assignment.level == -1).tolist() == [False, True] + [False] * 5 + [True]


def test_anchors_that_contradict_the_votes_still_give_ascending_cuts() -> None:
    draws = np.array([5.0, 6.0, 3.0, 2.0, 0.0, 1.0]) + 0.1 * np.random.default_rng(0).normal(
        size=(50, 6)
    )
    anchors = {0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 5: 2}
    rng = np.random.default_rng(1)
    (cuts,) = anchor_cuts(posterior_of(draws), THREE, anchors, groups=("",), rng=rng)
    assert (np.diff(cuts.draws, axis=1) >= 0).all()
