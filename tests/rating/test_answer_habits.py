from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from proskill.rating.answer_habits import repeats, runs, sides, speed
from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.table_builder import comparison_table


def fit_of(params: list[float], num_annotators: int = 1) -> BradleyTerryFit:
    return BradleyTerryFit(
        comparison_table([]), np.array(params), 0.0, -math.inf, np.ones(num_annotators)
    )


def pressed(buttons: str, annotator: str = "ann", left: str = "x") -> list[Comparison]:
    """Votes on x and y by the button pressed: l(eft), r(ight) or t(ie)."""
    outcome = {"l": "a", "r": "b", "t": "tie"} if left == "x" else {"l": "b", "r": "a", "t": "tie"}
    return [
        Comparison("x", "y", outcome[button], annotator=annotator, left_item=left)  # type: ignore[arg-type]
        for button in buttons
    ]


def test_the_left_share_is_compared_with_what_the_shown_pairs_explain() -> None:
    votes = comparison_table(pressed("l" * 9 + "r"))
    share, expected, z = sides(votes, fit_of([0.0, 0.0]))
    assert (share[0], expected[0]) == (0.9, 0.5)
    assert z[0] == pytest.approx((9 - 5) / math.sqrt(10 / 4))
    _, expected, z = sides(votes, fit_of([math.log(9) / 2, -math.log(9) / 2]))
    assert expected[0] == pytest.approx(0.9)  # the better item was on the left
    assert z[0] == pytest.approx(0)
    turned = comparison_table(pressed("l" * 9 + "r", left="y"))
    _, expected, z = sides(turned, fit_of([math.log(9) / 2, -math.log(9) / 2]))
    assert expected[0] == pytest.approx(0.1)
    assert z[0] > 8


def test_ties_and_unknown_sides_say_nothing_about_sides() -> None:
    unknown = [Comparison("x", "y", "a", annotator="ann") for _ in range(5)]
    share, expected, z = sides(comparison_table([*pressed("tt"), *unknown]), fit_of([0, 0]))
    assert np.isnan([share[0], expected[0], z[0]]).all()


def test_the_longest_run_is_counted_for_each_annotator_alone() -> None:
    mixed = [
        vote
        for pair in itertools.zip_longest(pressed("lllrl", "ann"), pressed("llt", "bob"))
        for vote in pair
        if vote is not None
    ]
    longest, _ = runs(comparison_table(mixed), np.full(2, 0.5))
    assert longest.tolist() == [3, 2]


def test_a_run_is_of_one_button_not_of_one_item() -> None:
    votes = comparison_table([*pressed("ll"), *pressed("ll", left="y"), *pressed("r")])
    assert runs(votes, np.full(1, 0.5))[0].tolist() == [4]


@pytest.mark.parametrize(("num", "length"), [(10, 4), (10, 6), (12, 9)])
def test_a_run_is_as_probable_as_counting_all_sequences_says(num: int, length: int) -> None:
    buttons = "l" * length + "rl" * num
    _, probability = runs(comparison_table(pressed(buttons[:num])), np.full(1, 0.5))
    sequences = ["".join(letters) for letters in itertools.product("lr", repeat=num)]
    exact = np.mean([("l" * length in s) or ("r" * length in s) for s in sequences])
    assert probability[0] == pytest.approx(exact, rel=0.2)


def test_pressing_one_button_all_the_time_is_no_accident() -> None:
    _, probability = runs(comparison_table(pressed("l" * 30)), np.full(1, 0.5))
    assert probability[0] < 1e-6
    rng = np.random.default_rng(0)
    honest = "".join(rng.choice(["l", "r"], size=200))
    _, probability = runs(comparison_table(pressed(honest)), np.full(1, 0.5))
    assert probability[0] > 0.01


def test_an_answer_is_too_fast_below_a_fifth_of_the_median_of_all() -> None:
    seconds = {"ann": [10.0, 10, 10, 1, 1], "bob": [10.0, 12, 8], "cat": [None]}
    votes = [
        Comparison("x", "y", "a", annotator=name, seconds=value)
        for name, values in seconds.items()
        for value in values
    ]
    median, too_fast, num_timed = speed(comparison_table(votes))
    np.testing.assert_array_equal(median, [10, 10, np.nan])
    np.testing.assert_array_equal(too_fast, [0.4, 0, np.nan])
    assert num_timed.tolist() == [5, 3, 0]


def test_the_median_of_an_even_number_of_answers_lies_between_two() -> None:
    votes = [Comparison("x", "y", "a", seconds=value) for value in (1.0, 9.0, 2.0, 4.0)]
    assert speed(comparison_table(votes))[0].tolist() == [3.0]


def test_repeats_are_compared_with_the_answer_before_whichever_item_comes_first() -> None:
    votes = [
        Comparison("x", "y", "a", annotator="ann", left_item="x"),
        Comparison("y", "x", "b", annotator="ann", left_item="y"),  # swapped, x again
        Comparison("x", "y", "b", annotator="ann", left_item="y"),  # as shown before, now y
        Comparison("y", "x", "tie", annotator="ann", left_item="x"),  # swapped, a tie
        Comparison("x", "z", "a", annotator="ann"),
        Comparison("x", "y", "b", annotator="bob"),
    ]
    num_repeats, same, same_swapped = repeats(comparison_table(votes))
    assert num_repeats.tolist() == [3, 0]
    np.testing.assert_array_equal(same, [1 / 3, np.nan])
    np.testing.assert_array_equal(same_swapped, [1 / 2, np.nan])


def test_no_votes_have_no_habits() -> None:
    none = ComparisonTable(
        items=("x", "y"), item_a=np.empty(0), item_b=np.empty(0), outcome=np.empty(0)
    )
    assert np.isnan(sides(none, fit_of([0, 0]))).all()
    assert runs(none, np.full(1, np.nan))[0].tolist() == [0]
    assert np.isnan(runs(none, np.full(1, np.nan))[1]).all()
    assert np.isnan(speed(none)[:2]).all()
    assert repeats(none)[0].tolist() == [0]
