from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from proskill.levels import LevelScale
from proskill.rating.result import Ratings

SCALE = LevelScale(("low", "high"))


def _ratings() -> Ratings:
    rating = np.array([1.0, -1.0, 0.5])
    return Ratings(
        items=("a2", "a1", "b1"),
        groups=("a", "a", "b"),
        rating=rating,
        lower=rating - 1,
        upper=rating + 1,
        elo=1500 + rating * 400 / math.log(10),
        scale=SCALE,
        level=("high", "low", ""),
        level_probabilities=np.array([[0.1, 0.9], [0.8, 0.2], [np.nan, np.nan]]),
        num_comparisons=np.array([4, 4, 0]),
        component=np.array([0, 0, 0]),
        flags=((), (), ("alone", "no_comparisons")),
    )


def test_places_start_at_one_in_each_group() -> None:
    assert _ratings().rank().tolist() == [1, 2, 1]


def test_the_arrays_cannot_be_changed_and_those_given_can() -> None:
    given = np.array([1.0, -1.0, 0.5])
    ratings = replace(_ratings(), rating=given)
    given[0] = 9
    assert ratings.rating[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        ratings.rating[0] = 2.0


def test_no_item_at_all_is_a_rating_too() -> None:
    none = np.empty(0)
    whole = Ratings((), (), none, none, none, none, None, (), np.empty((0, 0)), none, none, ())
    assert len(whole) == 0
    assert whole.rank().tolist() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"items": ("a2", "a2", "b1")}, "distinct"),
        ({"items": ("a2", "", "b1")}, "not empty"),
        ({"groups": ("a", "b")}, "groups has 2 entries for 3"),
        ({"groups": ("b", "a", "c")}, "item 'a1': items must be sorted"),
        ({"rating": [-1.0, 1.0, 0.5]}, "item 'a1': items must be sorted"),
        ({"rating": [math.nan, 1.0, 0.5]}, "item 'a2': rating must be a finite number"),
        ({"elo": [1500.0, math.inf, 1500.0]}, "item 'a1': elo must be a finite number"),
        ({"lower": [0.0, 1.0, 0.0]}, "item 'a1': lower must not be above upper"),
        ({"num_comparisons": [4, -1, 0]}, "item 'a1': num_comparisons"),
        ({"component": [0, 0, -1]}, "item 'b1': component"),
        ({"level": ("high", "middle", "")}, "item 'a1': level must be one of low, high"),
        ({"level_probabilities": np.zeros((3, 3))}, "needs \\(3, 2\\)"),
        ({"level_probabilities": np.full((3, 2), 0.4)}, "item 'a2': level_probabilities"),
        ({"level_probabilities": [[0.1, 0.9], [-0.2, 1.2], [0.5, 0.5]]}, "item 'a1': level_prob"),
        ({"scale": None, "level_probabilities": np.empty((3, 0))}, "must be one of none, or empty"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_item(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(_ratings(), **changes)  # type: ignore[arg-type]
