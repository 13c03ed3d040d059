"""One pair at a time: never out twice, never judged twice by accident, turns and sides even."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating.asynchronous import AsynchronousPairing, Pair
from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray

NO_REPEATS = {"repeat_share": 0.0, "swapped_share": 0.0}


def table_of(item_group: IntArray) -> ComparisonTable:
    empty = np.empty(0, np.int32)
    return ComparisonTable(
        items=tuple(f"clip{i}" for i in range(len(item_group))),
        item_a=empty,
        item_b=empty,
        outcome=empty,
        groups=tuple(f"group{g}" for g in range(int(item_group.max(initial=0)) + 1)),
        item_group=item_group,
    )


def with_answers(table: ComparisonTable, answers: list[Pair]) -> ComparisonTable:
    """The stored votes, in turn with the left item as a and as b."""
    annotators = sorted({pair.annotator for pair in answers})
    left = np.array([pair.left for pair in answers])
    right = np.array([pair.right for pair in answers])
    a_is_left = np.arange(len(answers)) % 2 == 0
    return replace(
        table,
        item_a=np.where(a_is_left, left, right),
        item_b=np.where(a_is_left, right, left),
        outcome=np.arange(len(answers)) % 4 - 1,  # skips among them
        left=np.where(a_is_left, 1, -1),
        annotators=tuple(annotators),
        annotator=np.array([annotators.index(pair.annotator) for pair in answers]),
        seconds=np.empty(0),
    )


def pairing_of(num_items: int, *, seed: int = 0, **options: Any) -> AsynchronousPairing:
    table = table_of(np.zeros(num_items, int))
    return AsynchronousPairing(table, rng=np.random.default_rng(seed), **options)


def answer(pairing: AsynchronousPairing, annotator: str) -> Pair:
    pair = pairing.next_pair(annotator)
    assert pair is not None
    pairing.record(pair)
    return pair


@given(
    st.lists(st.integers(0, 2), min_size=2, max_size=7),
    st.lists(st.tuples(st.sampled_from(["ask", "record", "release"]), st.integers(0, 99))),
    st.booleans(),
)
def test_whatever_happens_no_pair_is_out_twice_or_judged_twice_unasked(
    groups: list[int], calls: list[tuple[str, int]], may_repeat: bool
) -> None:
    shares = {"repeat_share": 0.3, "swapped_share": 0.0} if may_repeat else NO_REPEATS
    pairing = AsynchronousPairing(
        table_of(np.array(groups)), rng=np.random.default_rng(0), **shares
    )
    out: list[Pair] = []
    judges: dict[tuple[int, int], list[str]] = {}
    num_possible = sum(groups[i] == groups[j] for j in range(len(groups)) for i in range(j))
    for call, number in calls:
        if call == "ask":
            annotator = "abc"[number % 3]
            pair = pairing.next_pair(annotator)
            if pair is None:
                assert len(set(judges) | {other.key for other in out}) == num_possible
                continue
            assert pair.key not in {other.key for other in out}
            assert groups[pair.left] == groups[pair.right]
            assert annotator == pair.annotator
            assert annotator not in judges.get(pair.key, [])
            assert len(judges.get(pair.key, [])) <= may_repeat
            out.append(pair)
        elif out:
            pair = out.pop(number % len(out))
            if call == "record":
                pairing.record(pair)
                judges.setdefault(pair.key, []).append(pair.annotator)
            else:
                pairing.release(pair)
        assert pairing.num_out == len(out)


def test_in_a_long_campaign_with_lost_leases_no_pair_is_judged_more_often_than_asked() -> None:
    pairing = pairing_of(40, repeat_share=0.3, swapped_share=0.3)
    rng = np.random.default_rng(2)
    out: list[Pair] = []
    judges: dict[tuple[int, int], list[str]] = {}
    num_own = 0
    for k in range(1200):
        pair = pairing.next_pair("ab"[k % 2])
        if pair is not None:
            assert pair.key not in {other.key for other in out}
            assert len(judges.get(pair.key, [])) <= 1
            num_own += judges.get(pair.key) == [pair.annotator]
            out.append(pair)
        if len(out) > 12:
            back = out.pop(int(rng.integers(len(out))))
            if rng.random() < 0.4:
                pairing.release(back)
            else:
                pairing.record(back)
                judges.setdefault(back.key, []).append(back.annotator)
    assert num_own > 50
    # Released repeats did not come back as new pairs, which would be judged a third time.
    assert max(map(len, judges.values())) == 2


def test_who_had_the_fewest_turns_is_always_in_the_next_pair() -> None:
    pairing, turns = pairing_of(30, **NO_REPEATS), np.zeros(30, int)
    rng, out = np.random.default_rng(1), []
    for number in range(200):
        pair = pairing.next_pair("ann")
        assert pair is not None
        assert min(turns[pair.left], turns[pair.right]) == turns.min()
        assert max(turns[pair.left], turns[pair.right]) <= turns.min() + 1
        turns[[pair.left, pair.right]] += 1
        out.append(pair)
        if number > 5:
            back = out.pop(int(rng.integers(len(out))))
            if rng.random() < 0.3:
                pairing.release(back)
                turns[[back.left, back.right]] -= 1
            else:
                pairing.record(back)


def test_a_clip_that_everybody_skips_is_not_asked_about_all_the_time() -> None:
    pairing = pairing_of(20, **NO_REPEATS)
    turns = Counter(
        item for _ in range(60) for item in (lambda p: (p.left, p.right))(answer(pairing, "ann"))
    )
    # `record` knows no outcome: a skip is a turn like any other.
    assert max(turns.values()) - min(turns.values()) <= 2


def gaps_of(pairing: AsynchronousPairing, params: FloatArray, num_pairs: int) -> FloatArray:
    pairs = [answer(pairing, "ann") for _ in range(num_pairs)]
    return np.array([abs(params[pair.left] - params[pair.right]) for pair in pairs])


def test_a_fifth_of_the_partners_are_random_and_the_others_near() -> None:
    params = np.random.default_rng(0).permutation(np.arange(1000.0))
    gaps = gaps_of(pairing_of(1000, params=params, **NO_REPEATS), params, 1000)
    assert 0.15 < (gaps > 30).mean() < 0.25
    assert 250 < gaps[gaps > 30].mean() < 410
    assert np.median(gaps) <= 3


def test_without_ratings_partners_are_random() -> None:
    gaps = gaps_of(pairing_of(1000, **NO_REPEATS), np.arange(1000.0), 400)
    assert 280 < gaps.mean() < 390


def test_new_ratings_choose_the_partners_from_then_on() -> None:
    pairing, params = pairing_of(1000, **NO_REPEATS), np.arange(1000.0)
    assert np.median(gaps_of(pairing, params, 100)) > 100
    pairing.update_params(params)
    assert np.median(gaps_of(pairing, params, 100)) <= 3


def test_repeats_come_in_their_shares_and_as_described() -> None:
    pairing, answers = pairing_of(300), []
    by_key: dict[tuple[int, int], list[tuple[str, int, Pair]]] = {}
    numbers: Counter[str] = Counter()
    for k in range(4000):
        pair = answer(pairing, "abcd"[k % 4])
        numbers[pair.annotator] += 1
        by_key.setdefault(pair.key, []).append((pair.annotator, numbers[pair.annotator], pair))
        answers.append(pair)
    twice = [judged for judged in by_key.values() if len(judged) == 2]
    assert max(map(len, by_key.values())) == 2
    own = [judged for judged in twice if judged[0][0] == judged[1][0]]
    assert 0.13 < (len(twice) - len(own)) / len(answers) < 0.17
    assert 0.04 < len(own) / len(answers) < 0.06
    for (_, first_number, first), (_, second_number, second) in own:
        assert (first.left, first.right) == (second.right, second.left)
        assert second_number - first_number > 20
    # From all that the annotator judged: the oldest would be near 0, the latest near 1.
    assert 0.35 < np.mean([first[1] / second[1] for first, second in own]) < 0.75


def test_repeated_pairs_are_taken_from_the_whole_campaign() -> None:
    pairing, number_of = pairing_of(300, swapped_share=0.0), {}
    repeated = []
    for k in range(3000):
        pair = answer(pairing, "ab"[k % 2])
        if pair.key in number_of:
            repeated.append(number_of[pair.key] / k)
        number_of.setdefault(pair.key, k)
    assert 0.5 < np.mean(repeated) < 0.75  # always the latest would be near 1, the oldest near 0


def test_when_all_pairs_are_judged_only_asked_for_repeats_are_left() -> None:
    for share, second in ((0.0, 0), (0.15, 6)):
        pairing = pairing_of(4, repeat_share=share, swapped_share=0.0)
        assert len({answer(pairing, "ann").key for _ in range(6)}) == 6
        assert pairing.next_pair("ann") is None
        for _ in range(second):
            assert answer(pairing, "bob").annotator == "bob"
        assert pairing.next_pair("bob") is None
        assert pairing.next_pair("cem") is None  # both opinions are there


@pytest.mark.parametrize("seed", range(20))
def test_at_the_end_every_pair_judged_once_is_repeated(seed: int) -> None:
    """Also those that lie, as it is looked for, between pairs that were judged twice."""
    pairing = pairing_of(8, seed=seed, repeat_share=0.3, swapped_share=0.0)
    num_judges: Counter[tuple[int, int]] = Counter()
    while len(num_judges) < 28:  # all pairs of eight
        num_judges[answer(pairing, "ann" if len(num_judges) % 2 else "bob").key] += 1
    repeats = []
    while (pair := pairing.next_pair("eve")) is not None:
        repeats.append(pair.key)
    assert sorted(repeats) == sorted(key for key, number in num_judges.items() if number == 1)


def test_one_annotator_alone_may_still_be_asked_again_with_sides_swapped() -> None:
    pairing = pairing_of(8, swapped_share=0.01)
    first = {(pair.left, pair.right) for pair in (answer(pairing, "ann") for _ in range(28))}
    again = [pair for pair in (pairing.next_pair("ann") for _ in range(20)) if pair]
    assert again
    assert {(pair.right, pair.left) for pair in again} <= first


def test_a_released_pair_can_be_asked_again_and_an_expired_lease_cannot_be_released() -> None:
    pairing = pairing_of(2, **NO_REPEATS)
    pair = pairing.next_pair("ann")
    assert pair is not None
    assert pairing.next_pair("bob") is None
    pairing.release(pair)
    pairing.release(pair)
    again = pairing.next_pair("bob")
    assert again is not None
    pairing.release(pair)  # too late: the lease is now another's
    assert pairing.num_out == 1
    pairing.record(again)
    pairing.release(again)
    assert pairing.next_pair("cem") is None


def test_a_repeat_that_was_released_does_not_come_back_as_a_new_pair() -> None:
    pairing = pairing_of(2, repeat_share=0.5, swapped_share=0.0)
    answer(pairing, "ann")
    repeat = pairing.next_pair("bob")
    assert repeat is not None
    pairing.release(repeat)
    assert pairing.next_pair("ann") is None
    assert answer(pairing, "bob").key == repeat.key


def test_an_answer_after_its_lease_was_released_still_counts() -> None:
    pairing = pairing_of(2, repeat_share=0.5, swapped_share=0.0)
    late = pairing.next_pair("ann")
    assert late is not None
    pairing.release(late)
    second = pairing.next_pair("bob")
    assert second is not None
    pairing.record(late)
    assert pairing.num_out == 1  # bob's
    assert pairing.next_pair("ann") is None
    pairing.record(second)
    assert pairing.next_pair("cem") is None


def test_sides_stay_in_balance_though_leases_expire() -> None:
    pairing, surplus = pairing_of(100), np.zeros(100, int)
    rng = np.random.default_rng(0)
    for k in range(800):
        pair = pairing.next_pair("abc"[k % 3])
        assert pair is not None
        if rng.random() < 0.2:
            pairing.release(pair)
        else:
            pairing.record(pair)
            surplus[[pair.left, pair.right]] += [1, -1]
    # By chance alone the standard deviation would be sqrt(12.8), and some item beyond 8.
    assert np.abs(surplus).max() <= 4


def test_groups_are_not_mixed_and_go_on_at_the_same_pace() -> None:
    group = np.repeat([0, 1, 2, 3], [1, 6, 30, 80])
    pairing = AsynchronousPairing(table_of(group), rng=np.random.default_rng(0), **NO_REPEATS)
    turns = np.zeros(len(group), int)
    for _ in range(116 * 2):
        pair = answer(pairing, "ann")
        assert group[pair.left] == group[pair.right]
        turns[[pair.left, pair.right]] += 1
    assert turns[0] == 0  # alone in its group
    assert turns[1:].min() >= 3
    assert turns.max() <= 5


def test_the_same_seed_and_calls_give_the_same_pairs() -> None:
    runs = []
    for seed in (4, 4, 5):
        pairing = pairing_of(50, seed=seed)
        runs.append([answer(pairing, "abc"[k % 3]) for k in range(200)])
    assert runs[0] == runs[1] != runs[2]


def test_after_a_restart_from_the_stored_votes_it_goes_on_as_it_would_have() -> None:
    table = table_of(np.repeat([0, 1], [12, 30]))
    params = np.random.default_rng(8).standard_normal(42)
    rng = np.random.default_rng(0)
    live = AsynchronousPairing(table, rng=rng, **NO_REPEATS)
    answers = [answer(live, "abc"[k % 3]) for k in range(150)]
    rng.bit_generator.state = np.random.default_rng(9).bit_generator.state
    live.update_params(params)
    restarted = AsynchronousPairing(
        with_answers(table, answers), rng=np.random.default_rng(9), params=params, **NO_REPEATS
    )
    for k in range(100):
        assert live.next_pair("abc"[k % 3]) == restarted.next_pair("abc"[k % 3])


def test_after_a_restart_the_stored_votes_are_there_to_be_repeated() -> None:
    answers = [Pair(0, 1, "ann"), Pair(0, 2, "ann"), Pair(1, 2, "bob"), Pair(1, 2, "ann")]
    restarted = AsynchronousPairing(
        with_answers(table_of(np.zeros(3, int)), answers), rng=np.random.default_rng(0)
    )
    repeats = {restarted.next_pair("bob"), restarted.next_pair("bob")}
    assert {pair.key for pair in repeats if pair} == {(0, 1), (0, 2)}
    assert restarted.next_pair("bob") is None


def test_after_a_restart_own_pairs_come_back_with_sides_swapped() -> None:
    first = pairing_of(20, **NO_REPEATS)
    answers = [answer(first, "ann") for _ in range(60)]
    restarted = AsynchronousPairing(
        with_answers(table_of(np.zeros(20, int)), answers),
        rng=np.random.default_rng(0),
        repeat_share=0.0,
        swapped_share=0.5,
    )
    shown = {pair.key: pair for pair in answers}
    again = [pair for pair in (answer(restarted, "ann") for _ in range(40)) if pair.key in shown]
    assert len(again) > 10
    for pair in again:
        assert (pair.right, pair.left) == (shown[pair.key].left, shown[pair.key].right)


def test_sides_unknown_in_the_stored_votes_weigh_nothing() -> None:
    votes = with_answers(table_of(np.zeros(4, int)), [Pair(0, 1, "ann"), Pair(2, 3, "ann")])
    votes = replace(votes, left=np.zeros(2))
    sides = Counter(
        pair.left
        for seed in range(200)
        for pair in [AsynchronousPairing(votes, rng=np.random.default_rng(seed)).next_pair("bob")]
        if pair
    )
    assert sorted(sides) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pairing_of(3, repeat_share=-0.1), "repeat_share=-0.1, swapped_share=0.05: both"),
        (lambda: pairing_of(3, repeat_share=0.6, swapped_share=0.4), "together < 1"),
        (lambda: pairing_of(3, repeat_share=np.nan), "repeat_share=nan"),
        (lambda: pairing_of(3, params=np.zeros(2)), r"params has shape \(2,\), needs \(3,\)"),
        (lambda: pairing_of(3).update_params(np.array([0, np.nan, 0])), "'clip1' is nan"),
        (lambda: pairing_of(3).record(Pair(0, 3, "ann")), "items lie in 0..2"),
        (lambda: pairing_of(3).record(Pair(-1, 2, "ann")), "items lie in 0..2"),
        (lambda: Pair(1, 1, "ann"), "left=1, right=1: a pair needs two items"),
        (
            lambda: AsynchronousPairing(
                table_of(np.array([0, 1])), rng=np.random.default_rng(0)
            ).record(Pair(0, 1, "ann")),
            "different groups",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_value(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_no_items_no_pair() -> None:
    assert pairing_of(0).next_pair("ann") is None


def test_a_pair_that_is_out_elsewhere_is_not_handed_out_until_it_is_released() -> None:
    pairing = pairing_of(2, **NO_REPEATS)
    elsewhere = Pair(1, 0, "far")
    pairing.hand_out(elsewhere)
    assert (pairing.num_out, pairing.next_pair("near")) == (1, None)
    with pytest.raises(ValueError, match="is out already, to 'far'"):
        pairing.hand_out(Pair(0, 1, "near"))
    with pytest.raises(ValueError, match=r"items lie in 0\.\.1"):
        pairing.hand_out(Pair(0, 2, "near"))
    pairing.release(elsewhere)
    pair = pairing.next_pair("near")
    assert pair is not None
    assert pair.key == elsewhere.key


def test_excluded_pairs_are_never_handed_out() -> None:
    pairing = pairing_of(4, **NO_REPEATS, excluded=[(0, 1), (3, 2)])
    keys = set()
    while pair := pairing.next_pair("ann"):
        keys.add(pair.key)
    assert keys == {(0, 2), (0, 3), (1, 2), (1, 3)}
