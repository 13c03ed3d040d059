from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import Comparison
from proskill.rating.posterior import sample_posterior
from proskill.rating.reliability import (
    GroupReliability,
    expected_more_votes,
    measure_reliability,
    reliability_curve,
)
from proskill.rating.simulated import SimulatedRound, simulate_campaign
from proskill.rating.table_builder import comparison_table


def campaign(
    seed: int, *, sigma: float, num_items: int = 80, num_rounds: int
) -> tuple[np.ndarray, list[SimulatedRound]]:
    rng = np.random.default_rng(seed)
    skill = sigma * rng.normal(size=num_items)
    return skill, list(islice(simulate_campaign(rng, skill=skill), num_rounds))


def reliability_of(round_: SimulatedRound) -> GroupReliability:
    rng = np.random.default_rng(0)
    posterior = sample_posterior(round_.table, rng=rng, num_draws=200, num_warmup=100)
    (found,) = measure_reliability(round_.table, fit=round_.fit, posterior=posterior, rng=rng)
    return found


def test_the_expected_rho_is_near_the_true_one() -> None:
    expected, true = [], []
    for seed in range(6):
        skill, rounds = campaign(seed, sigma=2.0, num_rounds=12)
        expected.append(reliability_of(rounds[-1]).expected_rho)
        ranks = [np.argsort(np.argsort(x)) for x in (skill, rounds[-1].fit.params)]
        true.append(np.corrcoef(*ranks)[0, 1])
    assert np.mean(expected) == pytest.approx(np.mean(true), abs=0.03)


def test_on_noise_ssr_is_inflated_and_reliability_is_not() -> None:
    found = [reliability_of(campaign(seed, sigma=0.0, num_rounds=10)[1][-1]) for seed in range(4)]
    assert np.mean([one.ssr for one in found]) > 0.6
    assert np.mean([one.reliability for one in found]) < 0.3
    assert not any(one.is_enough for one in found)


def test_ssr_is_the_share_of_spread_that_standard_errors_do_not_explain() -> None:
    votes = [Comparison("x", "y", outcome) for outcome in ("a", "a", "a", "a", "a", "b")] * 2
    table = comparison_table(votes)
    found = reliability_of(SimulatedRound(table, fit_bradley_terry(table)))
    gap = fit_bradley_terry(table).params @ [1, -1]
    p = 1 / (1 + np.exp(-gap))
    assert found.ssr == pytest.approx(1 - 1 / (12 * p * (1 - p)) / (gap**2 / 2), abs=1e-6)


def test_enough_needs_reliability_and_every_item_compared_often() -> None:
    _, rounds = campaign(1, sigma=3.0, num_rounds=14)
    after = reliability_of(rounds[-1])
    assert (after.is_enough, after.expected_more_votes) == (True, 0)
    assert after.min_comparisons == 14
    early = reliability_of(rounds[4])
    assert not early.is_enough
    assert early.expected_more_votes is not None
    assert early.expected_more_votes >= 3 * 80 / 2


@pytest.mark.parametrize(
    ("reliability", "comparisons", "expected"),
    [
        (0.85, [8, 9, 10], 0),
        (0.85, [6, 7, 9], 2),  # three comparisons are missing; each vote gives two
        (0.5, [9] * 10, 90),  # k* = 3 + 6 * 4 = 27, 18 more for each of 10, two by a vote
        (0.79, [6] * 10, 10),  # k* = 6.2, but every item needs 8
        (0.2, [9] * 10, None),
        (math.nan, [9], None),
        (0.5, [4] * 10, None),
        (0.5, [], None),
    ],
)
def test_the_votes_still_needed_are_those_worked_out_by_hand(
    reliability: float, comparisons: list[int], expected: int | None
) -> None:
    found = expected_more_votes(np.array(comparisons, int), reliability=reliability)
    assert found == expected


@given(st.floats(0.26, 0.79), st.floats(0.0, 0.2), st.integers(5, 40))
def test_more_reliability_never_asks_for_more_votes(low: float, more: float, k: int) -> None:
    comparisons = np.full(50, k)
    first = expected_more_votes(comparisons, reliability=low)
    second = expected_more_votes(comparisons, reliability=low + more)
    assert first is not None
    assert second is not None
    assert second <= first


@pytest.mark.slow
@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
def test_the_votes_expected_are_within_a_quarter_of_those_that_it_takes(sigma: float) -> None:
    predicted: dict[int, list[float]] = {6: [], 8: [], 10: []}
    taken = []
    for seed in range(24):  # at k = 6 the reliability of one campaign has an sd of .14
        _, rounds = campaign(seed, sigma=sigma, num_items=100, num_rounds=18)
        curve = {k: reliability_of(rounds[k - 1]).reliability for k in (6, 8, 10, 12, 14, 18)}
        taken.append(curve)
    ks = np.array(list(taken[0]))
    mean = np.array([np.mean([curve[k] for curve in taken]) for k in ks.tolist()])
    needed = max(np.interp(0.8, mean, ks), 8)
    for k in predicted:
        # The mean over campaigns; a single one is scattered by its own reliability.
        more = expected_more_votes(np.full(100, k), reliability=float(mean[ks == k][0]))
        assert more is not None
        assert k + more / 50 == pytest.approx(max(needed, k), rel=0.25)


def test_the_curve_rises_with_the_votes_and_ends_with_all() -> None:
    _, rounds = campaign(2, sigma=3.0, num_rounds=12)
    seen: list[tuple[int, int]] = []
    posterior = sample_posterior(rounds[-1].table, rng=np.random.default_rng(1), num_draws=300)
    curve = reliability_curve(
        rounds[-1].table,
        posterior=posterior,
        rng=np.random.default_rng(0),
        num_points=4,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [point.num_votes for point in curve] == [120, 240, 360, 480]
    values = [point.reliability for point in curve]
    assert values == sorted(values)
    assert values[-1] == posterior.reliability()[0]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_few_votes_give_few_points_and_none_none() -> None:
    rng = np.random.default_rng(0)
    table = comparison_table([Comparison("x", "y", "a"), Comparison("y", "z", "skip")])
    empty = comparison_table([])
    posterior, nothing = sample_posterior(table, rng=rng), sample_posterior(empty, rng=rng)
    curve = reliability_curve(table, posterior=posterior, rng=rng)
    assert [point.num_votes for point in curve] == [1]
    assert reliability_curve(empty, posterior=nothing, rng=rng) == ()
    with pytest.raises(ValueError, match="num_points=0: needs to be 1 or more"):
        reliability_curve(table, posterior=posterior, rng=rng, num_points=0)


def test_an_item_alone_in_its_group_has_no_reliability() -> None:
    table = comparison_table([], items=["x"])
    rng = np.random.default_rng(0)
    posterior = sample_posterior(table, rng=rng, num_draws=5, num_warmup=0)
    (found,) = measure_reliability(
        table, fit=fit_bradley_terry(table), posterior=posterior, rng=rng
    )
    assert math.isnan(found.reliability)
    assert math.isnan(found.expected_rho)
    assert math.isnan(found.ssr)
    assert (found.min_comparisons, found.is_enough, found.expected_more_votes) == (0, False, None)
