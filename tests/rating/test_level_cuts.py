from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.levels import BASKET_LEVELS, LevelScale
from proskill.rating.level_cuts import (
    LevelAssignment,
    LevelCuts,
    cut_levels,
    quantile_cuts,
    score_cuts,
)
from proskill.rating.posterior import Posterior, sample_posterior
from proskill.rating.simulated import simulate_campaign

CASES = json.loads((Path(__file__).parent / "cases" / "level_cuts.json").read_text())
THREE = LevelScale(("low", "middle", "high"))


def posterior_of(draws: Any, item_group: list[int] | None = None) -> Posterior:
    draws = np.asarray(draws, np.float32)
    num_draws, num_items = draws.shape
    group = np.array([0] * num_items if item_group is None else item_group)
    return Posterior(
        draws=draws,
        item_group=group,
        scale=np.ones((num_draws, int(group.max()) + 1)),
        side=np.zeros(num_draws),
        discrimination=np.ones((num_draws, 1)),
    )


def gaussian_posterior(
    rng: np.random.Generator, num_items: int, *, noise: float, num_draws: int = 500
) -> tuple[np.ndarray, Posterior]:
    """Skills of variance 1 measured once with known noise, and exact draws of their posterior."""
    skill = rng.normal(size=num_items)
    measured = skill + noise * rng.normal(size=num_items)
    weight = 1 / (1 + noise**2)
    draws = weight * measured + np.sqrt(weight) * noise * rng.normal(size=(num_draws, num_items))
    return skill, posterior_of(draws)


def calibration(assignment: LevelAssignment, truth: np.ndarray) -> tuple[float, float]:
    """Mean probability of the named level, and the share of items whose named level is right."""
    rows = np.arange(len(truth))
    named = assignment.probabilities[rows, assignment.level]
    return float(named.mean()), float((assignment.level == truth).mean())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_each_case_has_the_levels_written_down(case: dict[str, Any]) -> None:
    posterior = posterior_of(case["draws"])
    if case["scores"] is None:
        cuts = quantile_cuts(posterior, THREE)
    else:
        cuts = score_cuts(posterior, THREE, case["scores"])
    assignment = cut_levels(posterior, cuts)
    assert [THREE.names[level] for level in assignment.level] == case["level"]
    np.testing.assert_allclose(assignment.probabilities, case["probabilities"], atol=1e-12)


@pytest.mark.parametrize("noise", [0.2, 0.6, 1.5])
def test_the_named_level_is_right_as_often_as_its_probability_says(noise: float) -> None:
    rng = np.random.default_rng(1)
    results = []
    for _ in range(10):
        skill, posterior = gaussian_posterior(rng, 200, noise=noise)
        truth = np.searchsorted(np.quantile(skill, np.arange(1, 5) / 5), skill)
        by_quantile = cut_levels(posterior, quantile_cuts(posterior, BASKET_LEVELS))
        results.append(calibration(by_quantile, truth))
        scores = [-1.0, -0.3, 0.3, 1.0]
        by_score = cut_levels(posterior, score_cuts(posterior, BASKET_LEVELS, scores))
        results.append(calibration(by_score, np.searchsorted(scores, skill)))
    said, right = np.mean(results[::2], axis=0)
    assert abs(said - right) < 0.03
    said, right = np.mean(results[1::2], axis=0)
    assert abs(said - right) < 0.03


def test_levels_from_votes_are_right_as_often_as_their_probability_says() -> None:
    results = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        skill = 2 * rng.normal(size=100)
        table = list(islice(simulate_campaign(rng, skill=skill), 10))[-1].table
        posterior = sample_posterior(table, rng=rng, num_draws=200, num_warmup=100)
        truth = np.searchsorted(np.quantile(skill, np.arange(1, 5) / 5), skill)
        cuts = quantile_cuts(posterior, BASKET_LEVELS)
        results.append(calibration(cut_levels(posterior, cuts), truth))
    said, right = np.mean(results, axis=0)
    assert abs(said - right) < 0.05
    assert right > 0.5


def test_a_group_too_small_for_its_quantiles_stays_without_level() -> None:
    rng = np.random.default_rng(4)
    posterior = posterior_of(rng.normal(size=(50, 8)), [0, 1, 0, 0, 0, 0, 0, 1])
    assignment = cut_levels(posterior, quantile_cuts(posterior, THREE))
    assert (assignment.level == -1).tolist() == [False, True] + [False] * 5 + [True]
    total = assignment.probabilities.sum(axis=1)
    np.testing.assert_allclose(total, np.where(assignment.level < 0, np.nan, 1), atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 40))
def test_quantiles_share_out_a_group_whatever_its_size(
    seed: int, num_levels: int, num_items: int
) -> None:
    scale = LevelScale(tuple("abcdef"[:num_levels]))
    rng = np.random.default_rng(seed)
    posterior = posterior_of(rng.normal(size=(30, num_items)))
    cuts = quantile_cuts(posterior, scale)
    if num_items < num_levels:
        assert cuts == ()
        return
    probabilities = cut_levels(posterior, cuts).probabilities
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)
    # Every draw puts an equal share in each level, up to the item that a cut falls beside.
    assert (abs(probabilities.sum(axis=0) - num_items / num_levels) <= 1).all()


def test_known_cuts_apply_to_every_group_and_mean_cuts_can_be_used_again() -> None:
    rng = np.random.default_rng(5)
    posterior = posterior_of(rng.normal(size=(50, 12)), [0, 1] * 6)
    earlier = quantile_cuts(posterior, THREE)[0].cuts
    cuts = score_cuts(posterior, THREE, earlier)
    assert [cut.group for cut in cuts] == [0, 1]
    assert cuts[0].cuts == cuts[1].cuts == pytest.approx(earlier)


@pytest.mark.parametrize(
    ("cuts", "reason"),
    [
        ([0.0], "3 levels need 2 cuts"),
        ([1.0, 0.0], "must be finite and ascend"),
        ([0.0, 0.0], "must be finite and ascend"),
        ([0.0, float("nan")], "must be finite and ascend"),
    ],
)
def test_cut_scores_must_fit_the_scale_and_ascend(cuts: list[float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        score_cuts(posterior_of(np.zeros((1, 2))), THREE, cuts)


def test_cuts_that_contradict_each_other_are_refused() -> None:
    posterior = posterior_of(np.zeros((1, 2)))
    cuts = score_cuts(posterior, THREE, [-1, 1])
    with pytest.raises(ValueError, match="each for another group"):
        cut_levels(posterior, cuts * 2)
    with pytest.raises(ValueError, match="needs one or more"):
        cut_levels(posterior, ())
    with pytest.raises(ValueError, match=r"shape \(1, 3\): 3 levels need 2 cuts"):
        LevelCuts(THREE, 0, "scores", np.zeros((1, 3)))
    with pytest.raises(ValueError, match="ascend"):
        LevelCuts(THREE, 0, "scores", np.array([[1.0, 0.0]]))


def test_twenty_thousand_items_are_cut_in_seconds() -> None:
    rng = np.random.default_rng(6)
    posterior = posterior_of(rng.normal(size=(300, 20_000)))
    start = time.process_time()
    assignment = cut_levels(posterior, quantile_cuts(posterior, BASKET_LEVELS))
    assert time.process_time() - start < 3
    assert (assignment.level >= 0).all()
