"""Plans: what agreement means, what more votes buy, and what cannot be planned."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import spearmanr

from proskill.rating.planner import (
    MAX_SIMULATED_ITEMS,
    CampaignPlan,
    Spread,
    agreement_of_sigma,
    plan_campaign,
    sigma_of_agreement,
)
from proskill.rating.simulated import simulate_campaign


def plan(seed: int = 0, **options: object) -> CampaignPlan:
    defaults = {"num_items": 60, "agreement": 0.83}
    return plan_campaign(rng=np.random.default_rng(seed), **{**defaults, **options})


@pytest.mark.parametrize(
    ("sigma", "agreement"), [(0.0, 0.5), (1.5, 0.71), (2.0, 0.76), (3.0, 0.83), (5.0, 0.89)]
)
def test_agreement_of_known_spreads_of_skill(sigma: float, agreement: float) -> None:
    assert agreement_of_sigma(sigma) == pytest.approx(agreement, abs=0.005)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0, 15.0])
def test_agreement_is_what_two_simulated_annotators_reach(sigma: float) -> None:
    rng = np.random.default_rng(1)
    p = expit(sigma * (rng.standard_normal(400_000) - rng.standard_normal(400_000)))
    first, second = rng.random((2, 400_000)) < p
    assert agreement_of_sigma(sigma) == pytest.approx((first == second).mean(), abs=0.004)


@given(sigma=st.floats(1e-3, 19.9))
def test_sigma_and_agreement_are_inverse(sigma: float) -> None:
    assert sigma_of_agreement(agreement_of_sigma(sigma)) == pytest.approx(sigma, rel=1e-3)


@pytest.mark.parametrize("agreement", [0.5, 0.3, 0.99, 1.0, float("nan")])
def test_agreement_at_chance_or_too_close_to_certainty_is_refused(agreement: float) -> None:
    with pytest.raises(ValueError, match=r"agreement=.* must lie between \.5"):
        plan(agreement=agreement)


def test_plan_asks_for_the_comparisons_that_its_target_needs() -> None:
    found = plan(target_rho=0.9)
    assert found.is_reached
    assert found.expected == found.curve[-1]
    assert found.expected.rho.mean >= 0.9 > found.curve[-2].rho.mean
    assert found.comparisons_per_item == len(found.curve)
    assert found.num_votes == 30 * found.comparisons_per_item
    assert found.annotator_hours == pytest.approx(found.num_votes * 20 / 3600)


def test_budget_at_sigma_3_is_about_10_comparisons_an_item() -> None:
    assert 9 <= plan(num_items=200, agreement=0.8265).comparisons_per_item <= 11


def test_annotators_who_agree_less_are_asked_more() -> None:
    budgets = [plan(agreement=a, target_rho=0.85).num_votes for a in (0.88, 0.8, 0.72)]
    assert budgets == sorted(set(budgets))


def test_repeated_votes_on_a_pair_come_in_whole_rounds_and_buy_less() -> None:
    once = plan(target_rho=0.99, max_comparisons=9)
    thrice = plan(target_rho=0.99, max_comparisons=9, votes_per_pair=3)
    assert [point.comparisons_per_item for point in thrice.curve] == [3, 6, 9]
    assert thrice.expected.rho.mean < once.expected.rho.mean


def test_target_out_of_reach_is_said_not_hidden() -> None:
    found = plan(agreement=0.55, max_comparisons=6)
    assert not found.is_reached
    assert found.comparisons_per_item == 6
    assert found.expected.rho.mean < 0.95


def test_quality_lies_within_its_spread_and_grows_along_the_curve() -> None:
    found = plan(num_repetitions=40)
    for point in found.curve:
        for value in (point.rho, point.level_accuracy, point.within_one_level, point.reliability):
            assert isinstance(value, Spread)
            assert -1 <= value.low <= value.mean <= value.high <= 1
        assert point.level_accuracy.mean < point.within_one_level.mean
    first, last = found.curve[1], found.curve[-1]
    assert last.level_accuracy.mean > first.level_accuracy.mean
    assert last.reliability.mean > first.reliability.mean


def test_qualities_are_those_of_the_simulated_campaigns() -> None:
    num_items, num_levels, repetitions = 50, 5, 30
    found = plan(9, num_items=num_items, num_repetitions=repetitions, max_comparisons=3)
    rng = np.random.default_rng(9)
    skill = found.sigma * rng.standard_normal((repetitions, num_items))
    group = np.repeat(np.arange(repetitions), num_items)
    rounds = simulate_campaign(rng, skill=skill.ravel(), item_group=group, fit_annotators=False)
    params = list(islice(rounds, 3))[-1].fit.params.reshape(skill.shape)
    rho = [spearmanr(x, y).statistic for x, y in zip(skill, params, strict=True)]
    reliability = [np.corrcoef(x, y)[0, 1] ** 2 for x, y in zip(skill, params, strict=True)]
    levels = np.repeat(np.arange(num_levels), num_items // num_levels)
    exact = [
        (levels[x.argsort().argsort()] == levels[y.argsort().argsort()]).mean()
        for x, y in zip(skill, params, strict=True)
    ]
    for value, truth in (
        (found.expected.rho, rho),
        (found.expected.reliability, reliability),
        (found.expected.level_accuracy, exact),
    ):
        expected = (np.mean(truth), *np.quantile(truth, [0.05, 0.95]))
        assert (value.mean, value.low, value.high) == pytest.approx(expected)


def test_fewer_levels_are_easier_to_get_right() -> None:
    three, seven = plan(num_levels=3), plan(num_levels=7)
    assert three.comparisons_per_item == seven.comparisons_per_item
    assert three.expected.level_accuracy.mean > seven.expected.level_accuracy.mean


def test_large_campaigns_are_simulated_smaller_but_counted_whole() -> None:
    found = plan(num_items=10**6, target_rho=0.6, num_repetitions=2, seconds_per_vote=36.0)
    assert found.num_simulated_items == MAX_SIMULATED_ITEMS
    assert found.num_votes == 500_000 * found.comparisons_per_item
    assert found.annotator_hours == pytest.approx(found.num_votes / 100)


def test_an_odd_item_has_a_bye_that_nobody_is_paid_for() -> None:
    found = plan(num_items=61, max_comparisons=2)
    assert found.num_votes == 60


def test_progress_counts_comparisons_up_to_the_limit() -> None:
    seen: list[tuple[int, int]] = []
    plan(max_comparisons=4, votes_per_pair=2, on_progress=lambda k, most: seen.append((k, most)))
    assert seen == [(2, 4), (4, 4)]


def test_same_seed_gives_the_same_plan() -> None:
    assert plan(3, max_comparisons=3) == plan(3, max_comparisons=3)
    assert plan(3, max_comparisons=3) != plan(4, max_comparisons=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_items": 4}, "num_items=4.* 5 levels"),
        ({"num_levels": 1}, "num_levels=1"),
        ({"votes_per_pair": 0}, "votes_per_pair=0"),
        ({"num_repetitions": 1}, "num_repetitions=1"),
        ({"max_comparisons": 2, "votes_per_pair": 3}, "max_comparisons=2"),
        ({"seconds_per_vote": 0.0}, "seconds_per_vote=0.0"),
        ({"seconds_per_vote": float("nan")}, "seconds_per_vote=nan"),
        ({"target_rho": 1.0}, "target_rho=1.0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(**options)
