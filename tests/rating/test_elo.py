"""Elo: known games, what order means, and ProSkill's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating import Comparison, ComparisonTable, comparison_table
from proskill.rating.elo import fit_elo, merge_by_majority, play_elo, rate_as_proskill


def votes(*rows: str) -> ComparisonTable:
    """`a>b` a wins, `a<b` b wins, `a=b` tie, `a?b` skip; a fifth letter names the group."""
    outcomes = {">": "a", "<": "b", "=": "tie", "?": "skip"}
    return comparison_table(
        [Comparison(row[0], row[2], outcomes[row[1]], group=row[3:]) for row in rows]
    )


def random_table(num_items: int, num_votes: int, seed: int) -> ComparisonTable:
    rng = np.random.default_rng(seed)
    item_a = rng.integers(num_items, size=num_votes)
    item_b = (item_a + rng.integers(1, num_items, size=num_votes)) % num_items
    names = tuple(map(str, range(num_items)))
    return ComparisonTable(
        names, item_a, item_b, rng.integers(-1, 2, num_votes), item_group=np.zeros(num_items, int)
    )


def test_winner_of_the_first_game_gains_half_of_k() -> None:
    np.testing.assert_allclose(play_elo(votes("a>b"), k=32, start=1500), [1516, 1484])


def test_second_game_is_worth_what_the_rating_formula_says() -> None:
    # a leads by 32 points, so it is expected to win 1 / (1 + 10 ** (-32 / 400)) = .545922.
    np.testing.assert_allclose(
        play_elo(votes("a>b", "a<b")), [1516 - 32 * 0.545922, 1484 + 32 * 0.545922], atol=1e-4
    )


def test_tie_between_equals_moves_nobody_and_a_tie_with_a_leader_costs_the_leader() -> None:
    assert play_elo(votes("a=b")).tolist() == [1500, 1500]
    assert play_elo(votes("a>b", "a=b"))[0] < 1516


def test_skips_and_items_without_votes_leave_the_start_rating() -> None:
    table = votes("a>b", "c?d")
    assert play_elo(table, start=1000)[2:].tolist() == [1000, 1000]
    fit = fit_elo(table, rng=np.random.default_rng(0), start=1000)
    assert fit.ratings[2:].tolist() == [1000, 1000]
    assert fit.order_spread[2:].tolist() == [0, 0]


@given(seed=st.integers(0, 2**32 - 1), num_items=st.integers(2, 6), num_votes=st.integers(0, 12))
def test_points_are_only_passed_on(seed: int, num_items: int, num_votes: int) -> None:
    table = random_table(num_items, num_votes, seed)
    assert play_elo(table).sum() == pytest.approx(1500 * num_items)
    fit = fit_elo(table, rng=np.random.default_rng(seed), num_orders=5)
    assert fit.ratings.sum() == pytest.approx(1500 * num_items)


@given(seed=st.integers(0, 2**32 - 1), num_items=st.integers(2, 6), num_votes=st.integers(0, 12))
def test_swapping_items_and_votes_changes_nothing(
    seed: int, num_items: int, num_votes: int
) -> None:
    table = random_table(num_items, num_votes, seed)
    swapped = ComparisonTable(
        table.items, table.item_b, table.item_a, -table.outcome, item_group=table.item_group
    )
    np.testing.assert_allclose(play_elo(swapped), play_elo(table))


def test_every_order_is_played_as_a_list_of_games_would_be() -> None:
    table = random_table(num_items=7, num_votes=60, seed=3)
    rng = np.random.default_rng(8)
    orders = np.tile(np.arange(60, dtype=np.int32), (50, 1))
    rng.permuted(orders, axis=1, out=orders)
    played = np.array([play_elo(table.select(order), k=50) for order in orders])
    fit = fit_elo(table, rng=np.random.default_rng(8), k=50, num_orders=50)
    np.testing.assert_allclose(fit.ratings, played.mean(axis=0))
    np.testing.assert_allclose(fit.order_spread, played.std(axis=0, ddof=1))
    assert fit.order_spread.min() > 1


def test_many_votes_are_played_to_the_last() -> None:
    # More votes than are indexed at once; a constant loser's points fall with every one of them.
    num_votes = 10_000
    zeros = np.zeros(num_votes, np.int32)
    table = ComparisonTable(
        ("a", "b"), zeros, zeros + 1, np.ones(num_votes), item_group=np.zeros(2, int)
    )
    fit = fit_elo(table, rng=np.random.default_rng(0), num_orders=2)
    np.testing.assert_allclose(fit.ratings, play_elo(table))
    np.testing.assert_allclose(fit.order_spread, 0, atol=1e-9)


def test_same_seed_gives_the_same_orders() -> None:
    table = random_table(num_items=5, num_votes=40, seed=1)
    first, again, other = (fit_elo(table, rng=np.random.default_rng(s)).ratings for s in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_spread_over_orders_does_not_shrink_with_more_votes_so_it_is_no_interval() -> None:
    rng = np.random.default_rng(0)
    few = fit_elo(random_table(20, 400, seed=5), rng=rng).order_spread.mean()
    many = fit_elo(random_table(20, 6400, seed=5), rng=rng).order_spread.mean()
    assert many > 0.8 * few  # a standard error would have shrunk to a quarter


def test_enormous_k_overflows_nowhere() -> None:
    table = random_table(num_items=3, num_votes=50, seed=0)
    assert np.isfinite(play_elo(table, k=1e6)).all()
    assert np.isfinite(fit_elo(table, rng=np.random.default_rng(0), k=1e6).ratings).all()


def test_majority_makes_one_result_of_a_pair_in_the_order_of_first_meeting() -> None:
    merged = merge_by_majority(votes("c>b", "a>b", "b>a", "b<c", "a>b", "c<b", "d>a", "a>d"))
    result = [
        (merged.items[a] + merged.items[b], int(outcome))
        for a, b, outcome in zip(merged.item_a, merged.item_b, merged.outcome, strict=True)
    ]
    assert result == [("cb", 1), ("ab", 1), ("da", 0)]


def test_majority_of_votes_that_cancel_or_tie_is_a_tie_and_skips_are_no_votes() -> None:
    merged = merge_by_majority(votes("a>b", "a=b", "a<b", "c=d", "c<d", "e?f"))
    assert merged.outcome.tolist() == [0, -1]


def test_swiss_score_counts_merged_pairs_or_single_votes() -> None:
    table = votes("a>b", "a>b", "a<b", "b=c")
    assert rate_as_proskill(table).swiss_score.tolist() == [1, 0.5, 0.5]
    assert rate_as_proskill(table, merge_votes=False).swiss_score.tolist() == [2, 1.5, 0.5]


def test_proskill_elo_plays_merged_pairs_in_order() -> None:
    table = votes("a>b", "a>b", "b<c", "a<b")
    assert rate_as_proskill(table).elo.tolist() == play_elo(votes("a>b", "b<c")).tolist()
    assert rate_as_proskill(table, merge_votes=False).elo.tolist() == play_elo(table).tolist()


def test_z_score_has_mean_0_and_deviation_1_in_each_group_and_is_0_where_all_are_equal() -> None:
    standing = rate_as_proskill(votes("a>bx", "b>cx", "a>cx", "d>ey", "f=gz"))
    groups = [standing.z_score[:3], standing.z_score[3:5]]
    for z_score in groups:
        assert z_score.mean() == pytest.approx(0)
        assert z_score.std() == pytest.approx(1)
    assert standing.z_score[0] == max(standing.z_score[:3])
    assert standing.z_score[5:].tolist() == [0, 0]


def test_no_votes_at_all_leave_everything_at_the_start() -> None:
    table = comparison_table([], items=["a", "b"])
    standing = rate_as_proskill(table)
    assert standing.elo.tolist() == [1500, 1500]
    assert standing.z_score.tolist() == [0, 0]
    assert standing.swiss_score.dtype == np.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0.0}, "k=0.0"),
        ({"k": float("nan")}, "k=nan"),
        ({"start": float("inf")}, "start=inf"),
        ({"num_orders": 1}, "num_orders=1.*play_elo"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_elo(votes("a>b"), rng=np.random.default_rng(0), **options)
