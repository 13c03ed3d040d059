import math

import numpy as np
import pytest
from scipy.special import expit, log_expit

from proskill.rating import Comparison, ComparisonTable, comparison_table, gibbs
from proskill.rating.gibbs import (
    SCALE_LIMIT,
    SCALE_PRIOR_MEDIAN,
    SIDE_VARIANCE,
    AnchorPrior,
)
from proskill.rating.posterior import Posterior, sample_posterior


def draw(table: ComparisonTable, seed: int = 0, **options: object) -> Posterior:
    return sample_posterior(table, rng=np.random.default_rng(seed), **options)


def votes_on_random_pairs(
    rng: np.random.Generator, skill: np.ndarray, num_votes: int
) -> ComparisonTable:
    num_items = len(skill)
    a = rng.integers(0, num_items, num_votes)
    b = (a + rng.integers(1, num_items, num_votes)) % num_items
    outcome = np.where(rng.random(num_votes) < expit(skill[a] - skill[b]), 1, -1)
    return ComparisonTable(tuple(f"item {i}" for i in range(num_items)), a, b, outcome)


@pytest.mark.parametrize("solver", ["cholesky", "conjugate gradients"])
def test_draws_have_the_moments_of_the_exact_posterior(
    solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if solver == "conjugate gradients":
        monkeypatch.setattr(gibbs, "_DENSE_ITEMS", 0)
    votes = [
        Comparison("x", "y", "a", left_item="x"),
        Comparison("x", "y", "a", left_item="y"),
        Comparison("y", "z", "a", left_item="y"),
        Comparison("x", "z", "tie", left_item="z"),
        Comparison("x", "z", "a", left_item="z"),
    ]
    # The peer: a million draws from the prior, weighted by the likelihood.
    rng = np.random.default_rng(1)
    size = 1_000_000
    scale = abs(SCALE_PRIOR_MEDIAN * rng.standard_cauchy(size))
    scale = scale[scale <= SCALE_LIMIT]
    size = len(scale)
    x, y, z = scale * rng.normal(size=(3, size))
    side = math.sqrt(SIDE_VARIANCE) * rng.normal(size=size)
    log_weight = log_expit(x - y + side) + log_expit(x - y - side) + log_expit(y - z + side)
    log_weight += (log_expit(x - z - side) + log_expit(z - x + side)) / 2 + log_expit(x - z - side)
    weight = np.exp(log_weight)
    weight /= weight.sum()

    posterior = draw(comparison_table(votes), num_draws=5000, num_warmup=300)
    assert posterior.probability_better(0, 1) == pytest.approx(weight @ (x > y), abs=0.03)
    assert posterior.probability_better(0, 2) == pytest.approx(weight @ (x > z), abs=0.03)
    assert (posterior.scale < 1).mean() == pytest.approx(weight @ (scale < 1), abs=0.03)
    assert posterior.side.mean() == pytest.approx(weight @ side, abs=0.05)
    gap = posterior.draws[:, 0] - posterior.draws[:, 2]
    assert (gap < 2).mean() == pytest.approx(weight @ (x - z < 2), abs=0.03)


def test_ninety_percent_intervals_hold_the_truth_in_ninety_percent() -> None:
    rng = np.random.default_rng(2)
    held = []
    for _ in range(8):
        skill = 2 * rng.normal(size=60)
        posterior = sample_posterior(votes_on_random_pairs(rng, skill, 300), rng=rng)
        lower, upper = posterior.interval()
        truth = skill - skill.mean()
        held.append((lower <= truth) & (truth <= upper))
    assert 0.85 < np.mean(held) < 0.95


def test_votes_by_coin_flipping_show_no_reliability() -> None:
    rng = np.random.default_rng(3)
    reliabilities = [
        sample_posterior(votes_on_random_pairs(rng, np.zeros(60), 300), rng=rng).reliability()[0]
        for _ in range(5)
    ]
    assert np.mean(reliabilities) < 0.25
    skill = 3 * rng.normal(size=60)
    assert draw(votes_on_random_pairs(rng, skill, 1200)).reliability()[0] > 0.9


def test_reliability_is_the_share_of_variance_that_is_skill() -> None:
    rng = np.random.default_rng(4)
    skill = 2 * rng.normal(size=100)
    posterior = draw(votes_on_random_pairs(rng, skill, 800))
    true_share = np.corrcoef(posterior.mean(), skill)[0, 1] ** 2
    assert posterior.reliability()[0] == pytest.approx(true_share, abs=0.08)


def test_a_single_win_makes_nobody_a_giant() -> None:
    posterior = draw(comparison_table([Comparison("x", "y", "a")]))
    assert posterior.scale.max() <= SCALE_LIMIT
    assert 0.5 < posterior.mean()[0] < 4
    lower, upper = posterior.interval()
    assert upper[0] - lower[0] > 5


def test_an_item_without_votes_and_a_part_that_never_met_the_rest_get_wide_intervals() -> None:
    rng = np.random.default_rng(5)
    main = votes_on_random_pairs(rng, rng.normal(size=10), 200)
    table = ComparisonTable(
        items=(*main.items, "p", "q", "no votes"),
        item_a=np.append(main.item_a, [10] * 20),
        item_b=np.append(main.item_b, [11] * 20),
        outcome=np.append(main.outcome, [1, -1] * 10),
    )
    lower, upper = draw(table).interval()
    width = upper - lower
    assert width[10:].min() > 1.5 * width[:10].max()


def test_each_group_has_its_own_scale_and_mean() -> None:
    rng = np.random.default_rng(6)
    skill = np.concatenate([0.3 * rng.normal(size=40), 4 * rng.normal(size=40)])
    a = rng.integers(0, 40, 1200)
    b = (a + rng.integers(1, 40, 1200)) % 40
    a[600:] += 40
    b[600:] += 40
    outcome = np.where(rng.random(1200) < expit(skill[a] - skill[b]), 1, -1)
    items = tuple(f"{i:02d}" for i in range(80))
    group = np.repeat([0, 1], 40)
    table = ComparisonTable(items, a, b, outcome, groups=("close", "far"), item_group=group)
    posterior = draw(table)
    assert posterior.scale[:, 0].mean() < 0.8
    assert posterior.scale[:, 1].mean() == pytest.approx(4, rel=0.35)
    for group_index in (0, 1):
        means = posterior.draws[:, group == group_index].mean(axis=1)
        np.testing.assert_allclose(means, 0, atol=1e-5)
    with pytest.raises(ValueError, match="different groups"):
        posterior.probability_better(0, 79)


def test_coin_flippers_are_found_with_their_uncertainty() -> None:
    rng = np.random.default_rng(7)
    skill = 2 * rng.normal(size=40)
    table = votes_on_random_pairs(rng, skill, 1500)
    annotator = rng.integers(0, 5, 1500)
    coin = np.where(annotator == 0, rng.choice([-1, 1], 1500), table.outcome)
    names = tuple("abcde")
    posterior = draw(
        ComparisonTable(
            table.items, table.item_a, table.item_b, coin, annotators=names, annotator=annotator
        )
    )
    np.testing.assert_allclose(posterior.discrimination.mean(axis=1), 1, atol=1e-9)
    low, high = np.quantile(posterior.discrimination, [0.05, 0.95], axis=0)
    assert low[0] < 0.1 < 0.3 < low[1:].min()
    assert (high - low).min() > 0


def test_anchors_put_a_new_session_on_the_scale_of_the_earlier_one() -> None:
    rng = np.random.default_rng(8)
    skill = 5 + 2 * rng.normal(size=60)
    table = votes_on_random_pairs(rng, skill, 900)
    mean, sd = np.full((2, 60), np.nan)
    mean[:15], sd[:15] = skill[:15] + 0.2 * rng.normal(size=15), 0.2
    posterior = draw(table, anchors=AnchorPrior(mean, sd))
    lower, upper = posterior.interval()
    new = slice(15, 60)
    assert ((lower <= skill) & (skill <= upper))[new].mean() > 0.75
    assert abs(posterior.mean()[new] - skill[new]).mean() < 0.8


def test_the_same_seed_gives_the_same_draws_and_progress_is_told() -> None:
    table = votes_on_random_pairs(np.random.default_rng(9), np.arange(5.0), 40)
    seen: list[tuple[int, int]] = []
    options = {"num_draws": 5, "num_warmup": 3}
    one = draw(table, on_progress=lambda done, total: seen.append((done, total)), **options)
    np.testing.assert_array_equal(one.draws, draw(table, **options).draws)
    assert not np.array_equal(one.draws, draw(table, seed=1, **options).draws)
    assert seen == [(sweep, 8) for sweep in range(1, 9)]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"num_draws": 1}, "num_draws=1"),
        ({"num_warmup": -1}, "num_warmup=-1"),
        ({"anchors": AnchorPrior(np.array([1.0]), np.array([1.0]))}, "one entry for each of the 2"),
    ],
)
def test_arguments_out_of_range_are_refused(options: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        draw(comparison_table([Comparison("x", "y", "a")]), **options)


def test_an_anchor_needs_a_mean_and_a_positive_sd() -> None:
    with pytest.raises(ValueError, match="same items"):
        AnchorPrior(np.array([1.0, math.nan]), np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="sd must be > 0"):
        AnchorPrior(np.array([1.0]), np.array([0.0]))


def test_an_interval_needs_a_probability() -> None:
    posterior = draw(comparison_table([Comparison("x", "y", "a")]), num_draws=5)
    with pytest.raises(ValueError, match="probability=1"):
        posterior.interval(1.0)
