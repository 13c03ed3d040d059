import numpy as np

from proskill.rating import ComparisonTable
from proskill.rating.vote_cells import count_votes

TABLE = ComparisonTable(
    items=("x", "y", "z"),
    item_a=np.array([0, 1, 0, 2, 1, 0]),
    item_b=np.array([1, 0, 1, 1, 2, 1]),
    outcome=np.array([1, 1, 0, -1, 2, 1]),
    annotators=("p", "q"),
    annotator=np.array([0, 0, 0, 1, 1, 1]),
    left=np.array([1, -1, 1, 0, 1, -1]),
)


def test_votes_on_one_pair_are_merged_whichever_item_came_first_and_skips_are_left_out() -> None:
    cells = count_votes(TABLE, by_annotator=False, by_side=False)
    assert list(zip(cells.first, cells.second, strict=True)) == [(0, 1), (1, 2)]
    assert cells.first_wins.tolist() == [2, 1]
    assert cells.second_wins.tolist() == [1, 0]
    assert cells.ties.tolist() == [1, 0]
    assert cells.num_votes.tolist() == [4, 1]


def test_annotators_and_sides_are_kept_apart_on_request() -> None:
    cells = count_votes(TABLE, by_annotator=True, by_side=True)
    keys = list(zip(cells.first, cells.second, cells.annotator, cells.left, strict=True))
    # Row 1 and row 2 show x on the left, though row 2 names y first.
    assert keys == [(0, 1, 0, 1), (0, 1, 1, -1), (1, 2, 1, 0)]
    assert cells.first_wins.tolist() == [1, 1, 1]
    assert cells.second_wins.tolist() == [1, 0, 0]
    assert cells.ties.tolist() == [1, 0, 0]


def test_no_votes_make_no_cells() -> None:
    empty = TABLE.select(np.zeros(6, np.bool_))
    assert len(count_votes(empty, by_annotator=True, by_side=True).first) == 0
