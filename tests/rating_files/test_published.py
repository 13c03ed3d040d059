from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proskill.errors import ComparisonError
from proskill.rating.comparisons import ComparisonTable
from proskill.rating_files.read import read_comparisons

Write = Callable[[str, str | bytes], Path]


def _wins(table: ComparisonTable) -> list[tuple[str, str]]:
    """(winner, loser) of every row, by name."""
    ends = zip(table.item_a, table.item_b, table.outcome, strict=True)
    return [
        (table.items[a], table.items[b]) if outcome == 1 else (table.items[b], table.items[a])
        for a, b, outcome in ends
    ]


@pytest.mark.parametrize(
    "content",
    [
        "Vid1,Vid2,Best\r\nB1,G1,B1\r\nC1,D2,D2\r\n",
        "Vid1,Vid2,Best,\r\nB1,G1,B1,\r\nC1,D2,D2\r\n",  # as in dough_rolling_gt.csv
        "Vid1,Vid2,Best\nB1,G1,B1,\nC1,D2,D2,\n",  # as in hand_drawing_gt.csv
        "Vid1,Vid2,Better,\nB1,G1,B1,\nC1,D2,D2,\n",  # as in suturing_gt.csv
    ],
)
def test_epic_skills_is_read_in_every_spelling_that_its_files_have(
    write: Write, content: str
) -> None:
    read = read_comparisons([write("hand_drawing_gt.csv", content)])
    assert (read.format, read.notes) == ("epic_skills", ())
    assert _wins(read.table) == [("B1", "G1"), ("D2", "C1")]
    assert read.table.groups == ("hand_drawing",)


def test_the_splits_of_epic_skills_belong_to_their_task(write: Write) -> None:
    read = read_comparisons([write("knot_tying_train_2.csv", "Better,Worse,\nD1,C1,\nE3,F3,\n")])
    assert _wins(read.table) == [("D1", "C1"), ("E3", "F3")]
    assert read.table.groups == ("knot_tying",)


def test_the_same_name_in_two_epic_tasks_is_another_video(write: Write) -> None:
    knot = write("knot_tying_gt.csv", "Vid1,Vid2,Better,\nA1,A2,A1,\n")
    drawing = write("hand_drawing_gt.csv", "Vid1,Vid2,Best\nA1,A2,A2\n")
    table = read_comparisons([knot, drawing]).table
    assert _wins(table) == [
        ("knot_tying/A1", "knot_tying/A2"),
        ("hand_drawing/A2", "hand_drawing/A1"),
    ]
    assert table.groups == ("hand_drawing", "knot_tying")


def test_a_best_video_outside_the_pair_is_refused(write: Write) -> None:
    path = write("x_gt.csv", "Vid1,Vid2,Best\nA1,A2,A3\n")
    with pytest.raises(ComparisonError, match="row 2: best names neither video of the pair"):
        read_comparisons([path])


def test_best_has_the_better_video_first_and_the_task_in_the_folder(write: Write) -> None:
    train = write("origami/train.txt", "ogyqIpvkJm8 -ex9x1yb\n=7ScnRsPqr  CaXtx-XNtsE\n")
    test = write("tie_tie/test.txt", "one two\n")
    read = read_comparisons([train, test])
    assert read.format == "best"
    assert _wins(read.table) == [
        ("ogyqIpvkJm8", "-ex9x1yb"),
        ("=7ScnRsPqr", "CaXtx-XNtsE"),
        ("one", "two"),
    ]
    assert read.table.groups == ("origami", "tie_tie")


def test_proskill_has_the_goal_with_its_subgoal_as_the_group(write: Write) -> None:
    path = write("train.txt", "s_1,s_2,Build a table->attach leg, left\n\ns_3,s_1 , Other->x\n")
    with pytest.raises(ComparisonError, match=r"row 3: item 's_1' is in group 'Other->x' here"):
        read_comparisons([path])
    read = read_comparisons([path], one_scale=True)
    assert read.format == "proskill"
    assert _wins(read.table) == [("s_1", "s_2"), ("s_3", "s_1")]
    path = write("val.txt", "s_1,s_2,Build a table->attach leg, left\n")
    assert read_comparisons([path]).table.groups == ("Build a table->attach leg, left",)


@pytest.mark.parametrize(
    ("first", "bad", "message"),
    [
        ("a b", "a b c", "row 2: 'a b c': two ids with space between them are expected"),
        ("a b", "a", "row 2: 'a': two ids"),
        ("a b", "a a", "row 2: an item is compared with itself"),
        ("a,b,g->s", "a,b", "row 2: 'a,b': expected is winner,loser,goal->subgoal"),
        ("a,b,g->s", ",b,g->s", "row 2: ',b,g->s': expected"),
    ],
)
def test_a_line_of_another_form_is_refused(
    write: Write, first: str, bad: str, message: str
) -> None:
    with pytest.raises(ComparisonError, match="train.txt: " + message):
        read_comparisons([write("train.txt", f"{first}\n{bad}\n")])


def test_a_first_line_that_looks_like_another_format_can_be_overruled(write: Write) -> None:
    path = write("train.txt", "a,1 b\nc d\n")
    with pytest.raises(ComparisonError, match="needed are one of"):
        read_comparisons([path])
    assert _wins(read_comparisons([path], format="best").table) == [("a,1", "b"), ("c", "d")]


def test_rounds_put_the_votes_in_their_order(write: Write) -> None:
    votes = write("train.txt", "a,c,g->s\nx,y,g->s\nb,a,g->s\nc,d,g->s\n")
    first = write("rounds/1.yaml", "s:\n  - [a, b]\n  - [d, c]\n")
    second = write("rounds/2.yaml", "g:\n  s:\n  - [a, c]\n  - [b, '001']\n  - [b, a]\n  other:\n")
    read = read_comparisons([second, votes, first])
    assert read.format == "proskill"
    assert _wins(read.table) == [("b", "a"), ("c", "d"), ("a", "c"), ("x", "y")]
    assert read.notes == (
        "The votes are in the order of the rounds, which schedule 4 pairs.",
        "1 of these pairs have no vote.",
        "1 votes are about pairs of no round; they come last.",
    )


def test_rounds_alone_say_not_who_won(write: Write) -> None:
    with pytest.raises(ComparisonError, match="but not who won"):
        read_comparisons([write("1.yaml", "s: [[a, b]]\n")])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("last.yaml", "s: [[a, b]]", "named by its own number"),
        ("1.yaml", "s: [[a, b, c]]", "a pair is a list of 2 ids"),
        ("1.yaml", "s: [[a, [b]]]", "a pair is a list of 2 ids"),
        ("1.yaml", "s: [a, b]", "a pair is a list of 2 ids"),
        ("1.yaml", "- [a, b]", "a mapping of subtasks"),
        ("1.yaml", "", "a mapping of subtasks"),
        ("1.yaml", "s: {t: {u: [[a, b]]}}", "a mapping of subtasks"),
        ("1.yaml", "s: [[a, b]", "is not YAML of rounds"),
        ("1.yaml", "s: !!python/object/apply:os.system [ls]", "a pair is a list"),
        ("1.yaml", "s: &x [[a, b]]\nt: *x", "anchors and aliases are not read"),
        ("1.yaml", "[" * 10_000, "is not YAML of rounds"),
        ("1.yaml", b"\xff\xfes\x00", "is UTF-16"),
    ],
)
def test_rounds_of_another_form_are_refused(
    write: Write, name: str, content: str | bytes, message: str
) -> None:
    votes = write("train.txt", "a,b,g->s\n")
    with pytest.raises(ComparisonError, match=message):
        read_comparisons([votes, write(name, content)])
