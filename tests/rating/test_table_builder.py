import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.errors import ComparisonError
from proskill.rating import Comparison, ComparisonTableBuilder, TextColumn, comparison_table


def test_names_are_sorted_so_that_the_order_of_rows_does_not_decide_indices() -> None:
    rows = [Comparison("m", "c", "a", annotator="q"), Comparison("c", "a", "b", annotator="p")]
    forward, backward = comparison_table(rows), comparison_table(rows[::-1])
    assert forward.items == backward.items == ("a", "c", "m")
    assert forward.annotators == ("p", "q")
    assert forward.item_a.tolist() == [2, 1]
    assert forward.annotator.tolist() == [1, 0]


def test_the_side_follows_item_a() -> None:
    rows = [
        Comparison("x", "y", "a", left_item="x"),
        Comparison("x", "y", "a", left_item="y"),
        Comparison("x", "y", "a"),
    ]
    assert comparison_table(rows).left.tolist() == [1, -1, 0]


def test_an_item_in_two_groups_is_refused_with_both_rows() -> None:
    rows = [
        Comparison("x", "y", "a", group="run"),
        Comparison("u", "v", "a", group="jump"),
        Comparison("v", "x", "a", group="jump"),
    ]
    with pytest.raises(ComparisonError, match=r"row 3: item 'x' is in group 'jump'.*row 1") as e:
        comparison_table(rows)
    assert e.value.row == 3


def test_on_one_scale_an_item_may_link_two_groups() -> None:
    rows = [Comparison("x", "y", "a", group="run"), Comparison("z", "x", "a", group="jump")]
    joined = comparison_table(rows, one_scale=True)
    assert joined.groups == ("",)
    assert joined.items == ("x", "y", "z")


def test_the_same_token_twice_counts_once() -> None:
    rows = [Comparison("x", "y", "a", token="t"), Comparison("x", "y", "a", token="t")]
    builder = ComparisonTableBuilder()
    for row in rows:
        builder.extend(
            item_a=TextColumn.of([row.item_a]),
            item_b=TextColumn.of([row.item_b]),
            outcome=np.array([1]),
            tokens=[row.token],
        )
    assert len(builder.build()) == 1
    assert builder.num_repeated_tokens == 1


@pytest.mark.parametrize(
    "other",
    [
        Comparison("x", "y", "b", token="t"),
        Comparison("x", "z", "a", token="t"),
        Comparison("x", "y", "a", token="t", annotator="p"),
        Comparison("x", "y", "a", token="t", left_item="x"),
    ],
)
def test_one_token_for_two_different_votes_is_refused_with_both_rows(other: Comparison) -> None:
    rows = [Comparison("x", "y", "a", token="t"), Comparison("x", "y", "a"), other]
    with pytest.raises(ComparisonError, match="row 3: has the token of row 1"):
        comparison_table(rows)


def test_votes_without_a_token_are_votes_of_their_own_even_when_they_contradict() -> None:
    rows = [Comparison("x", "y", "a"), Comparison("x", "y", "a"), Comparison("x", "y", "b")]
    assert len(comparison_table(rows)) == 3


def test_a_revoked_vote_is_left_out_whether_it_was_revoked_before_or_after() -> None:
    builder = ComparisonTableBuilder()
    builder.revoke(["early"])
    builder.extend(
        item_a=TextColumn.of(["x", "x", "x"]),
        item_b=TextColumn.of(["y", "y", "y"]),
        outcome=np.array([1, -1, 0]),
        tokens=["early", "late", None],
    )
    builder.revoke(["late"])
    assert builder.build().outcome.tolist() == [0]


def test_rows_are_counted_over_all_chunks() -> None:
    builder = ComparisonTableBuilder()
    pair = {"item_a": TextColumn.of(["x"]), "item_b": TextColumn.of(["y"])}
    builder.extend(**pair, outcome=np.array([1]))
    with pytest.raises(ComparisonError, match="row 2: an item is compared with itself"):
        builder.extend(item_a=pair["item_a"], item_b=pair["item_a"], outcome=np.array([1]))
    with pytest.raises(ComparisonError, match="row 2: item_b is empty"):
        builder.extend(item_a=pair["item_a"], item_b=TextColumn.of([""]), outcome=np.array([1]))


def test_items_without_a_vote_can_be_added() -> None:
    one = comparison_table([Comparison("x", "y", "a")], items=["y", "w"])
    assert one.items == ("w", "x", "y")
    assert one.num_comparisons().tolist() == [0, 1, 1]
    rows = [Comparison("x", "y", "a", group="g"), Comparison("u", "v", "a", group="h")]
    with pytest.raises(ComparisonError, match="one group only"):
        comparison_table(rows, items=["w"])


def test_no_rows_make_an_empty_table() -> None:
    empty = comparison_table([])
    assert len(empty) == 0
    assert empty.items == ()


ids = st.text(min_size=1, max_size=5)
rows = st.lists(
    st.tuples(ids, ids, st.sampled_from(["a", "b", "tie", "skip"]), ids).filter(
        lambda row: row[0] != row[1]
    ),
    max_size=20,
)


@given(rows)
def test_a_table_holds_the_rows_it_was_given(given_rows: list) -> None:
    comparisons = [Comparison(a, b, outcome, annotator=who) for a, b, outcome, who in given_rows]
    built = comparison_table(comparisons)
    names = {1: "a", 0: "tie", -1: "b", 2: "skip"}
    assert given_rows == [
        (built.items[a], built.items[b], names[outcome], built.annotators[who])
        for a, b, outcome, who in zip(
            built.item_a, built.item_b, built.outcome.tolist(), built.annotator, strict=True
        )
    ]
