"""Simulated votes follow their model, and campaigns follow the pairing's rules."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from proskill.rating.comparisons import A_WINS, B_WINS, TIE, IntArray
from proskill.rating.simulated import (
    SimulatedAnnotator,
    SimulatedRound,
    simulate_campaign,
    simulate_votes,
)

NUM_VOTES = 40_000  # a share of them is within .0125 of its probability in all but 1 of 10 ** 6


def votes_on_one_pair(annotator: SimulatedAnnotator, lead: float) -> IntArray:
    """Many votes with an item on the left that leads by so many logits."""
    zeros = np.zeros(NUM_VOTES, np.int32)
    return simulate_votes(
        np.random.default_rng(7),
        skill=np.array([lead, 0.0]),
        left=zeros,
        right=zeros + 1,
        annotator=zeros,
        annotators=[annotator],
    )


def last_round(seed: int, num_rounds: int, **options: object) -> SimulatedRound:
    rounds = simulate_campaign(np.random.default_rng(seed), **options)
    return list(islice(rounds, num_rounds))[-1]


@pytest.mark.parametrize(
    ("annotator", "lead", "share_left"),
    [
        (SimulatedAnnotator(), 1.0, expit(1.0)),
        (SimulatedAnnotator(discrimination=0.0), 3.0, 0.5),
        (SimulatedAnnotator(discrimination=-2.0), 1.0, expit(-2.0)),
        (SimulatedAnnotator(side_bias=0.8), 0.0, expit(0.8)),
        (SimulatedAnnotator(discrimination=2.0, side_bias=0.5), 1.0, expit(2.5)),
    ],
)
def test_share_of_left_wins_is_the_logistic_of_skill_and_side(
    annotator: SimulatedAnnotator, lead: float, share_left: float
) -> None:
    votes = votes_on_one_pair(annotator, lead)
    assert set(votes.tolist()) == {A_WINS, B_WINS}
    assert (votes == A_WINS).mean() == pytest.approx(share_left, abs=0.0125)


@pytest.mark.parametrize("lead", [0.0, 2.0, -2.0])
def test_left_right_and_tie_have_the_ratios_of_davidson(lead: float) -> None:
    nu = 0.7
    votes = votes_on_one_pair(SimulatedAnnotator(log_tie=math.log(nu)), lead)
    weights = {A_WINS: math.exp(lead / 2), B_WINS: math.exp(-lead / 2), TIE: nu}
    for outcome, weight in weights.items():
        share = weight / sum(weights.values())
        assert (votes == outcome).mean() == pytest.approx(share, abs=0.0125)


def test_each_vote_is_cast_by_its_own_annotator() -> None:
    turns = np.tile([0, 1], 500)
    votes = simulate_votes(
        np.random.default_rng(0),
        skill=np.array([50.0, 0.0]),
        left=np.zeros(1000, np.int32),
        right=np.ones(1000, np.int32),
        annotator=turns,
        annotators=[SimulatedAnnotator(), SimulatedAnnotator(discrimination=-1.0)],
    )
    assert votes.tolist() == np.where(turns == 0, A_WINS, B_WINS).tolist()


@pytest.mark.parametrize(
    "values", [{"discrimination": math.nan}, {"side_bias": math.inf}, {"log_tie": math.inf}]
)
def test_annotators_with_numbers_that_are_not_finite_are_refused(
    values: dict[str, float],
) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        SimulatedAnnotator(**values)


def test_each_round_adds_one_vote_for_every_item_and_nobody_meets_twice() -> None:
    skill = np.random.default_rng(0).standard_normal(24)
    group = np.repeat([0, 1, 2], 8)
    for k, state in enumerate(
        islice(simulate_campaign(np.random.default_rng(1), skill=skill, item_group=group), 4), 1
    ):
        assert state.table.num_comparisons().tolist() == [k] * 24
        pairs = np.sort(np.stack([state.table.item_a, state.table.item_b]), axis=0)
        assert len(np.unique(pairs, axis=1).T) == len(state.table)
        assert state.table.left.tolist() == [1] * len(state.table)


def test_votes_on_a_pair_come_from_different_annotators_while_there_are_enough() -> None:
    state = last_round(
        2,
        1,
        skill=np.zeros(40),
        annotators=[SimulatedAnnotator()] * 5,
        votes_per_pair=3,
    )
    voters: dict[tuple[int, int], set[int]] = {}
    for a, b, who in zip(
        state.table.item_a, state.table.item_b, state.table.annotator, strict=True
    ):
        voters.setdefault((int(a), int(b)), set()).add(int(who))
    assert [len(names) for names in voters.values()] == [3] * 20
    assert set().union(*voters.values()) == set(range(5))


def test_spread_annotators_see_each_item_about_equally_often() -> None:
    def most_votes_of_one_annotator_on_one_item(spread: bool) -> int:
        state = last_round(
            0,
            10,
            skill=np.zeros(100),
            annotators=[SimulatedAnnotator()] * 10,
            spread_annotators=spread,
            fit_annotators=False,
        )
        table = state.table
        ends = np.concatenate([table.item_a, table.item_b])
        return int(np.bincount(ends * 10 + np.tile(table.annotator, 2)).max())

    assert most_votes_of_one_annotator_on_one_item(spread=True) <= 3
    assert most_votes_of_one_annotator_on_one_item(spread=False) >= 5


def test_more_votes_on_a_pair_than_annotators_go_round() -> None:
    state = last_round(
        0, 1, skill=np.zeros(2), annotators=[SimulatedAnnotator()] * 2, votes_per_pair=5
    )
    assert sorted(np.bincount(state.table.annotator).tolist()) == [2, 3]


def test_ratings_recover_the_skill_that_was_simulated() -> None:
    skill = 3 * np.random.default_rng(3).standard_normal(200)
    state = last_round(4, 10, skill=skill)
    assert spearmanr(skill, state.fit.params).statistic > 0.93


def test_same_seed_gives_the_same_campaign() -> None:
    first, again, other = (last_round(seed, 4, skill=np.arange(10.0)) for seed in (5, 5, 6))
    columns = ("item_a", "item_b", "outcome")
    assert all((getattr(first.table, c) == getattr(again.table, c)).all() for c in columns)
    assert not all((getattr(first.table, c) == getattr(other.table, c)).all() for c in columns)


@pytest.mark.parametrize("options", [{"votes_per_pair": 0}, {"annotators": []}])
def test_a_campaign_without_votes_or_annotators_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at least one of each"):
        last_round(0, 1, skill=np.zeros(4), **options)
