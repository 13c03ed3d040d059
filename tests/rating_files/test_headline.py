from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proskill.rating import RatingRun
from proskill.rating.comparisons import ComparisonTable
from proskill.rating_files.headline import about, headline, num_pieces

Votes = Callable[..., ComparisonTable]
Rated = Callable[..., RatingRun]


def test_a_split_table_is_never_called_enough(split_run: RatingRun) -> None:
    assert num_pieces(split_run).tolist() == [2]
    [group] = split_run.reliability
    head = headline(replace(split_run, reliability=(replace(group, is_enough=True),)))
    assert (head.is_enough, head.num_split, head.verdict) == (False, 1, "Links are missing")


def test_items_without_votes_are_no_pieces_of_their_own(votes_with_new_item: RatingRun) -> None:
    assert num_pieces(votes_with_new_item).tolist() == [1]


def test_the_headline_counts_groups_that_lack_votes(simulated_votes: Votes, rated: Rated) -> None:
    run = rated(simulated_votes([6, 6, 1], rounds=5))
    enough, unknown, alone = run.reliability
    assert alone.num_items == 1
    told = replace(
        run,
        reliability=(
            replace(enough, is_enough=True, expected_more_votes=0),
            replace(unknown, is_enough=False, expected_more_votes=121),
            alone,
        ),
    )
    head = headline(told)
    assert (head.num_enough, head.num_comparable, head.more_votes) == (1, 2, 121)
    assert head.verdict == "About 130 more votes needed"
    assert head.explanation.startswith("1 of 2 groups have enough votes")
    untold = replace(told.reliability[1], expected_more_votes=None)
    head = headline(replace(told, reliability=(told.reliability[0], untold, alone)))
    assert head.verdict == "Not enough votes yet"
    done = replace(untold, is_enough=True)
    head = headline(replace(told, reliability=(told.reliability[0], done, alone)))
    assert (head.verdict, head.is_enough) == ("Enough votes", True)


@pytest.mark.parametrize(
    ("num", "text"), [(0, "0"), (7, "7"), (99, "99"), (101, "110"), (7477, "7,500")]
)
def test_forecasts_are_rounded_up_to_two_digits(num: int, text: str) -> None:
    assert about(num) == text
