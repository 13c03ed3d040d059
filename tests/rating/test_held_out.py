from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.held_out import forecast, forecast_by_others, held_out_accuracy
from proskill.rating.pairing import PairingMethod
from proskill.rating.simulated import simulate_campaign
from proskill.rating.table_builder import comparison_table


def accuracy_and_truth(
    seed: int, *, sigma: float, num_rounds: int, method: PairingMethod = "mix20"
) -> tuple[float, float, float]:
    """Held-out accuracy, its error, and how often fresh votes on random pairs really agree."""
    rng = np.random.default_rng(seed)
    skill = sigma * rng.normal(size=100)
    rounds = simulate_campaign(rng, skill=skill, method=method)
    last = list(islice(rounds, num_rounds))[-1]
    found = held_out_accuracy(last.table.judged(), fit=last.fit, rng=rng)
    a = rng.integers(100, size=20_000)
    b = (a + rng.integers(1, 100, size=20_000)) % 100
    says_a = last.fit.params[a] > last.fit.params[b]
    a_wins = rng.random(20_000) < 1 / (1 + np.exp(skill[b] - skill[a]))
    return float(found.accuracy[0]), float(found.error[0]), float((says_a == a_wins).mean())


@pytest.mark.parametrize(
    ("sigma", "num_rounds", "method"),
    [(0.0, 12, "mix20"), (1.5, 16, "mix20"), (3.0, 12, "mix20"), (1.5, 12, "random")],
)
def test_it_tells_the_accuracy_on_random_pairs_though_pairing_followed_the_ratings(
    sigma: float, num_rounds: int, method: PairingMethod
) -> None:
    results = [
        accuracy_and_truth(seed, sigma=sigma, num_rounds=num_rounds, method=method)
        for seed in range(12)
    ]
    found, error, truth = np.array(results).T
    known = np.isfinite(found)
    assert known.mean() > 0.6
    difference = found[known] - truth[known]
    assert difference.mean() == pytest.approx(-0.02, abs=0.04)
    assert difference.std() == pytest.approx(error[known].mean(), rel=0.6)


def test_ordinary_cross_validation_would_forecast_coin_flips() -> None:
    # The trap that `held_out_accuracy` avoids; without it, that function could be simpler.
    rng = np.random.default_rng(0)
    rounds = simulate_campaign(rng, skill=np.zeros(200), method="swiss_rating")
    last = list(islice(rounds, 10))[-1]
    fold = rng.integers(10, size=len(last.table))
    gap = forecast_by_others(last.table, fold, fit=last.fit)
    assert (np.sign(gap) == last.table.outcome).mean() > 0.65
    fair = held_out_accuracy(last.table, fit=last.fit, rng=rng)
    assert np.isnan(fair.accuracy[0])  # pure Swiss has no wide gaps to learn from
    assert fair.error[0] > 0.1


def test_a_vote_is_not_forecast_by_its_own_fold() -> None:
    votes = [
        Comparison("x", "y", "a", annotator="ann"),
        Comparison("y", "z", "a", annotator="ann"),
        Comparison("x", "y", "b", annotator="bob"),
        Comparison("y", "x", "a", annotator="bob"),
    ]
    table = comparison_table(votes)
    gap = forecast_by_others(table, table.annotator, fit=fit_bradley_terry(table))
    assert gap[0] < 0  # bob prefers y
    assert np.isnan(gap[1])  # and never saw z
    assert gap[2] > 0
    assert gap[3] == pytest.approx(-gap[2])


def test_without_votes_nothing_is_forecast() -> None:
    table = comparison_table([Comparison("x", "y", "a")])
    fit = fit_bradley_terry(table)
    none = table.select(np.empty(0, int))
    assert np.isnan(forecast(none, table.item_a, table.item_b, fit=fit)).all()
    found = held_out_accuracy(none, fit=fit, rng=np.random.default_rng(0))
    assert np.isnan(found.accuracy).all()
    assert found.num_votes.tolist() == [0]


def test_a_late_vote_on_a_pair_that_was_judged_before_does_not_count() -> None:
    early = [Comparison("x", "y", "a"), Comparison("y", "z", "a"), Comparison("w", "x", "a")]
    late = [Comparison("y", "x", "b"), Comparison("x", "z", "a"), Comparison("x", "z", "tie")]
    table = comparison_table([*early * 4, *late])  # the last fifth of 15
    found = held_out_accuracy(table, fit=fit_bradley_terry(table), rng=np.random.default_rng(0))
    assert found.num_votes.tolist() == [1]


def test_groups_are_held_out_one_by_one() -> None:
    rng = np.random.default_rng(1)
    skill = np.concatenate([4 * rng.normal(size=60), np.zeros(60)])
    group = np.repeat([0, 1], 60)
    rounds = simulate_campaign(rng, skill=skill, item_group=group, method="random")
    table: ComparisonTable = list(islice(rounds, 16))[-1].table
    found = held_out_accuracy(table, fit=fit_bradley_terry(table), rng=rng)
    assert found.accuracy[0] > 0.8
    assert found.accuracy[1] == pytest.approx(0.5, abs=3 * found.error[1])
    assert found.num_votes.tolist() == pytest.approx([16 * 6, 16 * 6], abs=20)
