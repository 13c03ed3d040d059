"""Matchings: nobody meets twice if it can be helped, and who is paired is near."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating.comparisons import ComparisonTable, IntArray
from proskill.rating.matching import (
    MAX_EXACT_ITEMS,
    Meetings,
    match_in_order,
    match_round_robin,
)


def meetings_of(pairs: list[tuple[int, int]], num_items: int) -> Meetings:
    a, b = np.array(pairs, np.int64).reshape(-1, 2).T
    return Meetings.of(
        ComparisonTable(
            items=tuple(map(str, range(num_items))),
            item_a=a,
            item_b=b,
            outcome=np.ones(len(pairs)),
            item_group=np.zeros(num_items, np.int32),
        )
    )


def as_pairs(first: IntArray, second: IntArray) -> list[tuple[int, int]]:
    return sorted(
        (min(pair), max(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)
    )


def all_matchings(items: list[int]) -> list[list[tuple[int, int]]]:
    if not items:
        return [[]]
    head, rest = items[0], items[1:]
    return [
        [(head, other), *matching]
        for other in rest
        for matching in all_matchings([item for item in rest if item != other])
    ]


def test_meetings_count_both_directions_and_nothing_else() -> None:
    meetings = meetings_of([(0, 1), (1, 0), (3, 2)], 4)
    a, b = np.array([0, 1, 2, 0, 3]), np.array([1, 0, 3, 2, 0])
    assert meetings.count(a, b).tolist() == [2, 2, 1, 0, 0]


def test_without_history_neighbours_of_the_order_meet() -> None:
    order = np.array([4, 0, 5, 1, 3, 2])
    first, second = match_in_order(order, item_group=np.zeros(6, int), meetings=meetings_of([], 6))
    assert as_pairs(first, second) == [(0, 4), (1, 5), (2, 3)]


def test_two_who_have_met_trade_partners_with_the_next_pair() -> None:
    order = np.arange(8)
    meetings = meetings_of([(2, 3)], 8)
    first, second = match_in_order(order, item_group=np.zeros(8, int), meetings=meetings)
    assert as_pairs(first, second) == [(0, 1), (2, 4), (3, 5), (6, 7)]


def test_items_never_leave_their_group_to_avoid_a_rematch() -> None:
    meetings = meetings_of([(0, 1)], 4)
    first, second = match_in_order(
        np.arange(4), item_group=np.array([0, 0, 1, 1]), meetings=meetings
    )
    assert as_pairs(first, second) == [(0, 1), (2, 3)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]]]:
    num_items = draw(st.sampled_from([2, 4, 6, 8]))
    possible = list(itertools.combinations(range(num_items), 2))
    played = draw(st.lists(st.sampled_from(possible), max_size=2 * len(possible)))
    return draw(st.permutations(range(num_items))), played


@given(histories())
def test_a_small_group_sees_the_fewest_earlier_meetings_of_all_matchings(
    case: tuple[list[int], list[tuple[int, int]]],
) -> None:
    order, played = case
    first, second = match_in_order(
        np.array(order),
        item_group=np.zeros(len(order), int),
        meetings=meetings_of(played, len(order)),
    )
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(len(order)))

    def num_met(pairs: list[tuple[int, int]]) -> int:
        return sum(played.count(pair) for pair in pairs)

    fewest = min(num_met(matching) for matching in all_matchings(list(range(len(order)))))
    assert num_met(as_pairs(first, second)) == fewest


@pytest.mark.parametrize("num_items", [MAX_EXACT_ITEMS, 4 * MAX_EXACT_ITEMS])
def test_one_last_way_out_is_found_at_any_size(num_items: int) -> None:
    # Inside the first 40 all have met, but for one matching of the far apart.
    block = 40
    way_out = {(i, i + block // 2) for i in range(block // 2)}
    played = [pair for pair in itertools.combinations(range(block), 2) if pair not in way_out]
    # Nor may they escape into the rest of the group.
    played += list(itertools.product(range(block), range(block, num_items)))
    first, second = match_in_order(
        np.arange(num_items),
        item_group=np.zeros(num_items, int),
        meetings=meetings_of(played, num_items),
    )
    pairs = as_pairs(first, second)
    assert way_out <= set(pairs)
    assert not set(played) & set(pairs)


def test_what_no_trade_solves_is_matched_anew_with_the_least_distance() -> None:
    # Two ways out of this history, and no trade between two pairs that leads to either.
    order = [1, 4, 3, 5, 2, 0]
    new = {(0, 3), (0, 5), (1, 2), (3, 4), (4, 5)}
    played = [pair for pair in itertools.combinations(range(6), 2) if pair not in new]
    first, second = match_in_order(
        np.array(order), item_group=np.zeros(6, int), meetings=meetings_of(played, 6)
    )
    # 7 places apart in sum, and not [(0, 3), (1, 2), (4, 5)], 9 places apart.
    assert as_pairs(first, second) == [(0, 5), (1, 2), (3, 4)]


def test_what_no_trade_solves_is_matched_anew_within_a_large_group_too() -> None:
    num_items = 2 * MAX_EXACT_ITEMS
    way_out = {(1, 2), (3, 4), (0, 5)}
    played = [pair for pair in itertools.combinations(range(6), 2) if pair not in way_out]
    played += list(itertools.product(range(6), range(6, num_items)))
    first, second = match_in_order(
        np.arange(num_items),
        item_group=np.zeros(num_items, int),
        meetings=meetings_of(played, num_items),
    )
    assert way_out <= set(as_pairs(first, second))


def test_many_groups_are_matched_as_each_would_be_alone() -> None:
    rng = np.random.default_rng(3)
    num_groups, size = 30, 6
    group = np.repeat(np.arange(num_groups), size)
    local = [rng.permutation(size) for _ in range(num_groups)]
    possible = list(itertools.combinations(range(size), 2))
    played = [
        [possible[k] for k in rng.choice(len(possible), 10, replace=False)]
        for _ in range(num_groups)
    ]
    together = meetings_of(
        [(g * size + a, g * size + b) for g in range(num_groups) for a, b in played[g]],
        num_groups * size,
    )
    order = np.concatenate([g * size + local[g] for g in range(num_groups)])
    first, second = match_in_order(order, item_group=group, meetings=together)
    assert (group[first] == group[second]).all()
    num_met = together.count(first, second)
    for g in range(num_groups):
        fewest = min(
            sum(pair in played[g] for pair in matching)
            for matching in all_matchings(list(range(size)))
        )
        assert num_met[group[first] == g].sum() == fewest


@pytest.mark.parametrize("num_items", [1, 2, 3, 4, 7, 8])
def test_the_circle_lets_all_meet_once_and_leaves_each_out_equally_often(num_items: int) -> None:
    group = np.zeros(num_items, int)
    played: list[tuple[int, int]] = []
    byes: list[int] = []
    num_rounds = max(num_items - 1 + num_items % 2, 1)
    for _ in range(2 * num_rounds):
        first, second, left_out = match_round_robin(group, meetings_of(played, num_items))
        assert len(np.unique(np.concatenate([first, second, left_out]))) == num_items
        played += as_pairs(first, second)
        byes += left_out.tolist()
    for pair in itertools.combinations(range(num_items), 2):
        assert played.count(pair) == 2
    expected_byes = 2 if num_items % 2 else 0
    assert np.bincount(byes, minlength=num_items).tolist() == [expected_byes] * num_items


def test_circles_of_different_groups_turn_separately() -> None:
    group = np.array([1, 0, 1, 0, 1, 0, 0])
    played: list[tuple[int, int]] = []
    for _ in range(3):
        first, second, _ = match_round_robin(group, meetings_of(played, 7))
        played += as_pairs(first, second)
    expected = [
        pair for pair in itertools.combinations(range(7), 2) if group[pair[0]] == group[pair[1]]
    ]
    assert sorted(played) == expected
