"""A round: every item once, nobody twice against the same, sides in balance, links at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import SKIP, ComparisonTable, FloatArray, IntArray
from proskill.rating.matching import Meetings
from proskill.rating.pairing import PairingMethod, Round, left_surplus, pair_round

METHODS: tuple[PairingMethod, ...] = get_args(PairingMethod)


def table_of(item_group: IntArray, **columns: Any) -> ComparisonTable:
    empty = np.empty(0, np.int32)
    return ComparisonTable(
        items=tuple(f"clip{i}" for i in range(len(item_group))),
        groups=tuple(f"group{g}" for g in range(int(item_group.max(initial=0)) + 1)),
        item_group=item_group,
        **({"item_a": empty, "item_b": empty, "outcome": empty} | columns),
    )


def with_round(table: ComparisonTable, pairs: Round, outcome: IntArray) -> ComparisonTable:
    return replace(
        table,
        item_a=np.concatenate([table.item_a, pairs.left]),
        item_b=np.concatenate([table.item_b, pairs.right]),
        outcome=np.concatenate([table.outcome, outcome]),
        left=np.concatenate([table.left, np.ones(len(outcome))]),
        annotator=np.empty(0),
        seconds=np.empty(0),
    )


def played(
    item_group: IntArray, num_rounds: int, *, seed: int = 0, **options: Any
) -> Iterator[tuple[ComparisonTable, Round]]:
    """The table before each round, and the round; the stronger item tends to win."""
    rng = np.random.default_rng(seed)
    table, skill = table_of(item_group), 3 * rng.standard_normal(len(item_group))
    for _ in range(num_rounds):
        pairs = pair_round(table, rng=rng, **options)
        yield table, pairs
        chance = 1 / (1 + np.exp(skill[pairs.right] - skill[pairs.left]))
        outcome = np.where(rng.random(len(chance)) < chance, 1, -1)
        table = with_round(table, pairs, outcome)


def distances(pairs: Round, params: FloatArray) -> FloatArray:
    """How many places of the ranking lie between the items of each pair."""
    rank = np.empty(len(params))
    rank[np.argsort(params)] = np.arange(len(params))
    return np.abs(rank[pairs.left] - rank[pairs.right])


@pytest.mark.parametrize("method", METHODS)
def test_every_item_plays_once_or_has_its_groups_only_bye(method: PairingMethod) -> None:
    group = np.random.default_rng(1).permutation(np.repeat(np.arange(4), [1, 2, 7, 10]))
    for _, pairs in played(group, 4, method=method):
        everyone = np.concatenate([pairs.left, pairs.right, pairs.byes])
        assert np.sort(everyone).tolist() == list(range(len(group)))
        assert (group[pairs.left] == group[pairs.right]).all()
        assert sorted(group[pairs.byes]) == [0, 2]


@pytest.mark.parametrize("method", METHODS)
def test_nobody_meets_twice_in_ten_rounds_of_sixteen_items(method: PairingMethod) -> None:
    for table, pairs in played(np.repeat(np.arange(20), 16), 10, method=method):
        assert not Meetings.of(table).count(pairs.left, pairs.right).any()


def test_nobody_meets_twice_until_most_pairs_are_played() -> None:
    # 34 of the 39 possible rounds; trading partners with neighbours alone is stuck before.
    for table, pairs in played(np.zeros(40, int), 34):
        assert not Meetings.of(table).count(pairs.left, pairs.right).any()


def test_a_skipped_pair_counts_as_met() -> None:
    table = table_of(
        np.zeros(4, int), item_a=np.array([0]), item_b=np.array([1]), outcome=np.array([SKIP])
    )
    for seed in range(20):
        pairs = pair_round(table, rng=np.random.default_rng(seed), params=np.array([3, 2.9, 0, 0]))
        assert {0, 1} not in [{a, b} for a, b in zip(pairs.left, pairs.right, strict=True)]


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_pairs_whatever_the_order_of_the_rows(method: PairingMethod) -> None:
    *_, (table, _) = played(np.repeat([0, 1], [9, 40]), 6, method=method)
    shuffled = table.select(np.random.default_rng(5).permutation(len(table)))
    first, again, other = (
        pair_round(votes, rng=np.random.default_rng(seed), method=method)
        for votes, seed in ((table, 7), (shuffled, 7), (table, 8))
    )
    for name in ("left", "right", "byes"):
        assert getattr(first, name).tolist() == getattr(again, name).tolist()
    assert first.left.tolist() != other.left.tolist()


def test_the_bye_goes_to_an_item_with_most_comparisons() -> None:
    for table, pairs in played(np.repeat([0, 1], [5, 9]), 8, method="swiss_rating"):
        counts = table.num_comparisons()
        for bye in pairs.byes:
            assert counts[bye] == counts[table.item_group == table.item_group[bye]].max()


def test_byes_differ_from_seed_to_seed_while_counts_are_equal() -> None:
    table = table_of(np.zeros(5, int))
    byes = {int(pair_round(table, rng=np.random.default_rng(s)).byes[0]) for s in range(60)}
    assert byes == set(range(5))


def test_sides_stay_in_balance_for_every_item() -> None:
    *_, (table, _) = played(np.zeros(500, int), 13)
    surplus = left_surplus(table)
    assert surplus.sum() == 0
    # Sides by chance would have a standard deviation of sqrt(12), and some item beyond 8.
    assert np.abs(surplus).max() <= 4
    assert surplus.std() < 1.5


def test_sides_of_the_first_round_are_drawn_by_chance() -> None:
    table = table_of(np.zeros(1000, int))
    params = np.arange(1000.0)
    pairs = pair_round(table, rng=np.random.default_rng(0), method="swiss_rating", params=params)
    stronger_left = (params[pairs.left] > params[pairs.right]).mean()
    assert 0.42 < stronger_left < 0.58


def test_an_item_that_was_on_the_right_goes_left_even_when_it_stood_as_a() -> None:
    table = table_of(
        np.zeros(4, int),
        item_a=np.array([0, 2]),
        item_b=np.array([1, 3]),
        outcome=np.array([SKIP, 1]),
        left=np.array([-1, 1]),
    )
    assert left_surplus(table).tolist() == [-1, 1, 1, -1]
    for seed in range(10):
        pairs = pair_round(
            table,
            rng=np.random.default_rng(seed),
            method="swiss_rating",
            params=np.array([9, 1, 8, 0]),  # so that 0 meets 2, and 1 meets 3
        )
        assert sorted(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == [
            (0, 2),
            (3, 1),
        ]


def test_mix20_draws_a_fifth_of_the_pairs_at_random_and_pairs_neighbours_otherwise() -> None:
    params = np.arange(1000.0)
    pairs = pair_round(table_of(np.zeros(1000, int)), rng=np.random.default_rng(0), params=params)
    gaps = distances(pairs, params)
    # 100 of 500 pairs are random, a third of the ranking apart on average; the neighbours have
    # lost a fifth of the items between them.
    assert 95 <= (gaps > 5).sum() <= 100
    assert 250 < gaps[gaps > 5].mean() < 410


def test_swiss_rating_pairs_neighbours_alone() -> None:
    params = np.random.default_rng(0).permutation(100.0 * np.arange(60))
    pairs = pair_round(
        table_of(np.zeros(60, int)),
        rng=np.random.default_rng(0),
        method="swiss_rating",
        params=params,
    )
    assert (distances(pairs, params) == 1).all()


def test_random_pairs_are_a_third_of_the_ranking_apart() -> None:
    params = np.arange(3000.0)
    pairs = pair_round(
        table_of(np.zeros(3000, int)), rng=np.random.default_rng(0), method="random", params=params
    )
    assert 950 < distances(pairs, params).mean() < 1050


def test_without_a_rating_the_first_round_is_random() -> None:
    index = np.arange(3000.0)
    for method in ("mix20", "swiss_rating", "swiss_score"):
        pairs = pair_round(
            table_of(np.zeros(3000, int)), rng=np.random.default_rng(0), method=method
        )
        assert 950 < distances(pairs, index).mean() < 1050


def test_swiss_score_pairs_within_a_score_where_a_tie_is_half_and_a_skip_nothing() -> None:
    table = table_of(
        np.zeros(2000, int),
        item_a=np.arange(0, 2000, 2),
        item_b=np.arange(1, 2000, 2),
        outcome=np.repeat([1, -1, 0, SKIP], 250),
    )
    score = np.concatenate([np.tile([1, 0], 250), np.tile([0, 1], 250), np.full(500, 0.5)])
    score = np.concatenate([score, np.zeros(500)])
    pairs = pair_round(table, rng=np.random.default_rng(0), method="swiss_score")
    assert (score[pairs.left] == score[pairs.right]).mean() > 0.99
    # Within the 1000 items of score 0 by chance: half of the pairs join a loser and a skipped one.
    losers = (score[pairs.left] == 0) & (score[pairs.right] == 0)
    mixed = (pairs.left[losers] >= 1500) != (pairs.right[losers] >= 1500)
    assert 0.42 < mixed.mean() < 0.58


def test_ratings_left_out_are_those_of_a_bradley_terry_fit() -> None:
    *_, (table, _) = played(np.zeros(30, int), 6)
    fitted = fit_bradley_terry(table).params
    by_default = pair_round(table, rng=np.random.default_rng(2))
    given = pair_round(table, rng=np.random.default_rng(2), params=fitted)
    assert by_default.left.tolist() == given.left.tolist()
    assert by_default.right.tolist() == given.right.tolist()


def test_a_round_cut_short_favours_neither_end_of_the_ranking() -> None:
    params = np.arange(2000.0)
    pairs = pair_round(
        table_of(np.zeros(2000, int)),
        rng=np.random.default_rng(0),
        method="swiss_rating",
        params=params,
    )
    assert 850 < params[pairs.left[:200]].mean() < 1150


def test_anchors_take_random_links_with_items_that_are_none() -> None:
    anchors = np.arange(5)
    for table, pairs in played(np.zeros(101, int), 6, anchors=anchors):
        with_anchor = np.isin(pairs.left, anchors).astype(int) + np.isin(pairs.right, anchors)
        assert with_anchor.tolist().count(1) == 5
        assert with_anchor.max() == 1
        assert not np.isin(pairs.byes, anchors).any()
        assert not Meetings.of(table).count(pairs.left, pairs.right).any()


def test_anchors_beyond_the_random_links_are_paired_by_rating() -> None:
    params, anchors = np.arange(400.0), np.arange(100, 300)
    pairs = pair_round(
        table_of(np.zeros(400, int)), rng=np.random.default_rng(0), params=params, anchors=anchors
    )
    # 40 of 200 pairs are random links, and each of them has one of the 200 anchors.
    is_far = distances(pairs, params) > 15
    assert 30 <= is_far.sum() <= 40
    assert (np.isin(pairs.left, anchors) != np.isin(pairs.right, anchors))[is_far].all()


def test_a_small_group_keeps_one_random_link_to_its_anchor() -> None:
    params = np.array([0.0, 1, 2, 100])  # by rating alone the anchor, item 0, would only meet 1
    table = table_of(np.zeros(4, int))
    opponents = set()
    for seed in range(40):
        pairs = pair_round(table, rng=np.random.default_rng(seed), params=params, anchors=[0])
        both = np.stack([pairs.left, pairs.right], axis=1)
        opponents |= set(both[(both == 0).any(axis=1)].ravel().tolist()) - {0}
    assert opponents == {1, 2, 3}


def test_anchors_visit_every_event_of_one_scale_in_turn() -> None:
    # Items 0-29 in three events; 30-32 are the anchors, whose own event does not matter.
    events = np.concatenate([np.repeat([0, 1, 2], 10), [0, 0, 0]])
    anchors = np.array([30, 31, 32])
    visits = set()
    for table, pairs in played(np.zeros(33, int), 9, anchors=anchors, events=events):
        hosted = []
        for a, b in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
            if max(a, b) < 30:
                assert events[a] == events[b]
            else:
                assert min(a, b) < 30
                hosted.append(int(events[min(a, b)]))
                visits.add((max(a, b), hosted[-1]))
        assert sorted(hosted) == [0, 1, 2]  # each round every event has one visitor
        assert not Meetings.of(table).count(pairs.left, pairs.right).any()
    assert len(visits) >= 8


@given(st.lists(st.integers(0, 3), max_size=20), st.sampled_from(METHODS), st.randoms())
def test_any_groups_anchors_and_votes_give_a_round(
    groups: list[int], method: PairingMethod, chance: Any
) -> None:
    group = np.array(groups, np.int64)
    anchors = [item for item in range(len(groups)) if chance.random() < 0.3]
    for _, pairs in played(group, 3, method=method, anchors=anchors):
        everyone = np.concatenate([pairs.left, pairs.right, pairs.byes])
        assert np.sort(everyone).tolist() == list(range(len(groups)))
        assert (group[pairs.left] == group[pairs.right]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "swiss"}, "method='swiss': allowed are mix20, swiss_rating"),
        ({"params": np.zeros(3)}, r"params has shape \(3,\), needs \(4,\)"),
        ({"params": np.array([0, np.nan, 0, 0])}, "params of item 'clip1' is nan"),
        ({"params": np.array([0, 0, np.inf, 0])}, "params of item 'clip2' is inf"),
        ({"anchors": [4]}, r"anchors=\[4\]: needs item indices in 0..3"),
        ({"events": np.zeros(4, int)}, "events given for a table of 2 groups"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_value(
    options: dict[str, Any], message: str
) -> None:
    table = table_of(np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match=message):
        pair_round(table, rng=np.random.default_rng(0), **options)


def test_events_that_are_not_one_for_each_item_are_refused() -> None:
    for events in (np.zeros(3, int), np.array([0, 0, 0, -1])):
        with pytest.raises(ValueError, match="events needs 4 indices >= 0"):
            pair_round(table_of(np.zeros(4, int)), rng=np.random.default_rng(0), events=events)


def test_two_hundred_thousand_items_are_paired_without_a_rematch() -> None:
    num_items = 200_000
    rng = np.random.default_rng(0)
    params = 3 * rng.standard_normal(num_items)
    table = table_of(np.zeros(num_items, int))
    for _ in range(3):
        pairs = pair_round(table, rng=rng, params=params)
        table = with_round(table, pairs, np.ones(len(pairs.left)))
    assert len(Meetings.of(table).keys) == len(table)  # every row another pair
