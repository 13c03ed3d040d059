import math

import numpy as np
import pytest

from proskill.errors import ComparisonError
from proskill.rating import Comparison, ComparisonTable


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"item_b": "x"}, "compared with itself"),
        ({"item_a": ""}, "item_a=''"),
        ({"item_b": None}, "item_b=None"),
        ({"outcome": "left"}, "outcome='left'"),
        ({"outcome": float("nan")}, "outcome=nan"),
        ({"left_item": "z"}, "left_item='z'"),
        ({"seconds": math.nan}, "seconds=nan"),
        ({"seconds": -1.0}, "seconds=-1.0"),
    ],
)
def test_a_comparison_refuses_what_is_no_judgement(values: dict, complaint: str) -> None:
    with pytest.raises(ComparisonError, match=complaint):
        Comparison(**{"item_a": "x", "item_b": "y", "outcome": "a"} | values)


def test_ids_with_spaces_unicode_or_a_leading_equals_sign_are_ids_like_others() -> None:
    row = Comparison("=SUM(A1)", "übung 3, ミ", "tie")
    assert (row.item_a, row.item_b) == ("=SUM(A1)", "übung 3, ミ")


def table(**columns: object) -> ComparisonTable:
    given = {"items": ("x", "y", "z"), "item_a": [0, 1], "item_b": [1, 2], "outcome": [1, 2]}
    return ComparisonTable(**given | columns)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"item_b": [1, 1]}, "row 2: an item is compared with itself"),
        ({"item_b": [1, 3]}, "row 2: an item index outside 0..2"),
        ({"item_b": [1, -1]}, "row 2: an item index outside 0..2"),
        ({"outcome": [3, 1]}, "row 1: an unknown outcome code"),
        ({"outcome": [1]}, r"outcome has shape \(1,\), needs \(2,\)"),
        ({"annotator": [0, 1]}, "row 2: an annotator index out of range"),
        ({"left": [0, 2]}, "row 2: left must be"),
        ({"seconds": [1.0, math.inf]}, "row 2: seconds must be finite"),
        ({"items": ("x", "y", "y")}, "items holds a name twice"),
        ({"groups": ("g", "h"), "item_group": [0, 0, 1]}, "row 2: the two items belong to diff"),
        ({"item_group": [0, 0, 1]}, "item_group must lie in 0..0"),
    ],
)
def test_a_table_names_the_first_bad_row(columns: dict, complaint: str) -> None:
    with pytest.raises(ComparisonError, match=complaint):
        table(**columns)


def test_columns_left_out_are_neutral_and_no_column_can_be_written() -> None:
    given = table()
    assert np.isnan(given.seconds).all()
    assert not given.left.any()
    assert not given.annotator.any()
    with pytest.raises(ValueError, match="read-only"):
        given.outcome[0] = 0


def test_a_skip_counts_as_no_comparison() -> None:
    given = table()
    assert given.num_comparisons().tolist() == [1, 1, 0]
    assert len(given.judged()) == 1
    assert given.judged().num_items == 3


def test_selecting_keeps_the_order_asked_for() -> None:
    swapped = table().select(np.array([1, 0]))
    assert swapped.item_a.tolist() == [1, 0]
    assert swapped.outcome.tolist() == [2, 1]
