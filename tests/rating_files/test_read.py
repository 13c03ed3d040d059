from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from proskill.errors import ComparisonError
from proskill.rating.comparisons import ComparisonTable
from proskill.rating_files.read import read_comparisons

Write = Callable[[str, str | bytes], Path]

VOTES: list[dict[str, Any]] = [
    {"item_a": "a", "item_b": "b", "outcome": "a", "annotator": "ann", "left_item": "b"},
    {"item_a": "b", "item_b": "c", "outcome": "tie", "annotator": "bob", "seconds": 2.5},
    {"item_a": "c", "item_b": "a", "outcome": "b", "annotator": "ann", "left_item": "c"},
    {"item_a": "a", "item_b": "b", "outcome": "skip", "annotator": "bob", "token": "t4"},
]
LOG_COLUMNS = "token,pair,left,right,answer,annotator,shown_at,answered_at,revokes"


def _rows(table: ComparisonTable) -> list[tuple[Any, ...]]:
    """Every row with names, as (a, b, outcome, left, annotator, group)."""
    return [
        (
            table.items[a],
            table.items[b],
            int(table.outcome[row]),
            int(table.left[row]),
            table.annotators[table.annotator[row]],
            table.groups[table.item_group[a]],
        )
        for row, (a, b) in enumerate(zip(table.item_a, table.item_b, strict=True))
    ]


def _save(folder: Path, suffix: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"votes.{suffix}"
    frame = pd.DataFrame(rows)
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_same_votes_are_read_from_every_kind_of_table(tmp_path: Path, suffix: str) -> None:
    read = read_comparisons([_save(tmp_path, suffix, VOTES)])
    assert (read.format, read.num_rows, read.notes) == ("comparisons", 4, ())
    assert _rows(read.table) == [
        ("a", "b", 1, -1, "ann", ""),
        ("b", "c", 0, 0, "bob", ""),
        ("c", "a", -1, 1, "ann", ""),
        ("a", "b", 2, 0, "bob", ""),
    ]
    np.testing.assert_array_equal(read.table.seconds, np.float32([math.nan, 2.5] + 2 * [math.nan]))


def test_columns_may_come_in_any_order_and_case_and_the_unused_are_named(write: Write) -> None:
    path = write("v.csv", "Comment,Outcome,item_B,Item_A\nfine,a,x,y\n")
    read = read_comparisons([path])
    assert _rows(read.table) == [("y", "x", 1, 0, "", "")]
    assert read.notes == (f"{path}: not used: comment.",)


def test_a_winner_and_a_loser_suffice(write: Write) -> None:
    read = read_comparisons([write("v.csv", "winner,loser,group\nx,y,g\n")])
    assert read.format == "winners"
    assert _rows(read.table) == [("x", "y", 1, 0, "", "g")]


def test_several_files_are_joined_and_the_same_file_twice_is_refused(write: Write) -> None:
    one = write("1.csv", "winner,loser\nx,y\n")
    two = write("2.jsonl", '{"item_a": "x", "item_b": "z", "outcome": "b"}\n')
    read = read_comparisons([one, two])
    assert [row[:3] for row in _rows(read.table)] == [("x", "y", 1), ("x", "z", -1)]
    assert read.format == "winners, comparisons"
    with pytest.raises(ComparisonError, match=r"1\.csv: is given twice"):
        read_comparisons([one, two, one])


@pytest.mark.parametrize("name", ["two words", "Grün/日本 🏀", "=1+1", "-x", "x,y", 'a"b', "@x"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_an_id_is_kept_as_it_is(tmp_path: Path, suffix: str, name: str) -> None:
    path = _save(tmp_path, suffix, [{"item_a": name, "item_b": "b", "outcome": "a"}])
    assert set(read_comparisons([path]).table.items) == {name, "b"}


def test_space_around_an_id_is_no_part_of_it(write: Write) -> None:
    path = write("v.csv", "winner, loser\n x , y\ny,x \n")
    assert read_comparisons([path]).table.items == ("x", "y")


def test_a_mark_in_front_and_windows_line_ends_do_no_harm(write: Write) -> None:
    path = write("v.csv", b"\xef\xbb\xbfwinner,loser\r\nx,y\r\n\r\n")
    assert _rows(read_comparisons([path]).table) == [("x", "y", 1, 0, "", "")]


def test_whole_numbers_are_ids_as_they_are_written(tmp_path: Path) -> None:
    pd.DataFrame({"winner": [1, 2], "loser": [2, 3]}).to_parquet(tmp_path / "v.parquet")
    assert read_comparisons([tmp_path / "v.parquet"]).table.items == ("1", "2", "3")


def test_categories_of_pandas_are_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"winner": ["x", "y"], "loser": ["y", "z"]}, dtype="category")
    frame.to_parquet(tmp_path / "v.parquet")
    assert read_comparisons([tmp_path / "v.parquet"]).table.items == ("x", "y", "z")


def test_a_token_counts_once_and_an_answer_that_was_taken_back_not_at_all(write: Write) -> None:
    log = write(
        "votes.csv",
        f"{LOG_COLUMNS}\n"
        "t1,p1,x,y,left,ann,2026-01-01T10:00:00Z,2026-01-01T10:00:04.5Z,\n"
        "t1,p1,x,y,left,ann,2026-01-01T10:00:00Z,2026-01-01T10:00:04.5Z,\n"
        "t2,p2,y,z,right,ann,100,103,\n"
        "t3,p2,y,z,tie,ann,,,t2\n"
        "t4,p3,x,z,left,bob,,,\n"
        "t5,p3,x,z,,bob,,,t4\n",
    )
    read = read_comparisons([log])
    assert (read.format, read.notes) == ("log", ())
    assert (read.num_rows, read.num_repeated_tokens, read.num_revoked) == (5, 1, 2)
    assert _rows(read.table) == [("x", "y", 1, 1, "ann", ""), ("y", "z", 0, 1, "ann", "")]
    np.testing.assert_array_equal(read.table.seconds, np.float32([4.5, math.nan]))


def test_a_vote_that_the_log_leaves_out_does_not_count_and_that_is_said(write: Write) -> None:
    log = write(
        "votes.csv",
        "token,left,right,answer,annotator,left_out\nt1,x,y,left,ann,\nt2,x,y,right,bob,excluded\n",
    )
    read = read_comparisons([log])
    assert _rows(read.table) == [("x", "y", 1, 1, "ann", "")]
    assert read.notes == ("Votes left out, as their column left_out says: 1.",)


def test_votes_on_two_questions_are_not_mixed_into_one_scale(write: Write) -> None:
    log = write(
        "votes.csv",
        "token,criterion,left,right,answer\nt1,speed,x,y,left\nt1,style,x,y,left\n",
    )
    with pytest.raises(ComparisonError, match="one criterion at a time"):
        read_comparisons([log])


def test_the_log_reads_the_same_from_json_and_from_parquet(tmp_path: Path, write: Write) -> None:
    rows = [
        {
            "token": f"t{i}",
            "pair": f"p{i}",
            "left": "x",
            "right": "y",
            "answer": answer,
            "annotator": "ann",
            "shown_at": pd.Timestamp("2026-03-01T10:00:00.25", tz="UTC"),
            "answered_at": pd.Timestamp("2026-03-01T10:00:02", tz="UTC"),
            "watched_left": 1.0,
            "watched_right": 0.5,
            "client": "browser",
            "revokes": None,
        }
        for i, answer in enumerate(("left", "right", "tie", "skip"))
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "votes.parquet")
    lines = [json.dumps(row, default=str) for row in rows]
    log = write("votes.jsonl", "\n".join(lines))
    for path in (tmp_path / "votes.parquet", log):
        read = read_comparisons([path])
        assert (read.format, read.notes) == ("log", ())
        assert read.table.outcome.tolist() == [1, -1, 0, 2]
        assert read.table.seconds.tolist() == [1.75] * 4


def test_a_clock_that_was_set_back_makes_the_time_unknown_and_is_told(write: Write) -> None:
    log = write("v.csv", f"{LOG_COLUMNS}\nt1,p,x,y,left,ann,100,99.5,\n")
    read = read_comparisons([log])
    assert math.isnan(read.table.seconds[0])
    assert "1 answers came before" in read.notes[0]


def test_an_instant_without_a_zone_is_taken_for_utc(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        row = "t1,p,x,y,left,ann,2026-03-29T01:59:59,2026-03-29T03:00:01,"  # over the lost hour
        read = read_comparisons([write("v.csv", f"{LOG_COLUMNS}\n{row}\n")])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert read.table.seconds.tolist() == [3602.0]


def test_groups_can_be_joined_on_one_scale(write: Write) -> None:
    path = write("v.csv", "winner,loser,group\nx,y,g\nx,z,h\n")
    with pytest.raises(ComparisonError, match=r"v.csv: row 3: item 'x' is in group 'h' here"):
        read_comparisons([path])
    assert read_comparisons([path], one_scale=True).table.groups == ("",)


def test_a_conflict_between_files_names_both_rows(write: Write) -> None:
    one = write("1.csv", "winner,loser,group\n\nx,y,g\n")
    two = write("2.csv", "winner,loser,group\np,q,g\nx,z,h\n")
    with pytest.raises(ComparisonError) as caught:
        read_comparisons([one, two])
    assert str(caught.value).startswith(f"{two}: row 3: item 'x' is in group 'h' here and in 'g'")
    assert f"in row 3 of {one};" in str(caught.value)
    assert (caught.value.row, caught.value.path) == (3, two)


def test_a_token_with_two_meanings_names_both_rows(write: Write) -> None:
    path = write("v.csv", "item_a,item_b,outcome,token\nx,y,a,t\nx,y,a,t\nx,y,b,t\n")
    with pytest.raises(ComparisonError, match=r"v.csv: row 4: has the token of row 2 of .*outcome"):
        read_comparisons([path])


def test_a_format_can_be_demanded(write: Write) -> None:
    path = write("v.csv", "item_a,item_b,outcome,winner,loser\nx,y,b,x,y\n")
    assert read_comparisons([path]).table.outcome.tolist() == [-1]
    assert read_comparisons([path], format="winners").table.outcome.tolist() == [1]
    with pytest.raises(ComparisonError, match="needed are the annotation log: columns token"):
        read_comparisons([path], format="log")
    with pytest.raises(ValueError, match="format='xls': allowed are comparisons, log"):
        read_comparisons([path], format="xls")


@pytest.mark.parametrize(("suffix", "num_rows"), [("csv", 30_000), ("parquet", 270_000)])
def test_long_files_come_in_blocks_with_the_right_row_and_progress(
    tmp_path: Path, suffix: str, num_rows: int
) -> None:
    first = np.arange(num_rows) % 500
    path = tmp_path / f"votes.{suffix}"

    def save(second: np.ndarray[Any, Any]) -> None:
        frame = pd.DataFrame({"winner": first, "loser": second, "text": "long enough " * 10})
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)

    save((first + 1) % 500)
    seen: list[tuple[int, int]] = []
    read = read_comparisons([path], on_progress=lambda done, total: seen.append((done, total)))
    assert (len(read.table), read.table.num_items) == (num_rows, 500)
    size = path.stat().st_size
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == (size, size)
    assert 0 < seen[0][0] < size
    second = (first + 1) % 500
    second[-1] = first[-1]
    save(second)
    number = num_rows + (suffix == "csv")
    with pytest.raises(ComparisonError, match=f"row {number}: an item is compared with itself"):
        read_comparisons([path])


@pytest.mark.parametrize("num_bytes", [(1 << 20) - 20, 1 << 20, (1 << 20) + 20])
def test_a_line_over_the_end_of_a_piece_is_read_whole(write: Write, num_bytes: int) -> None:
    lines = ["winner,loser"]
    size = len(lines[0]) + 1
    while size < num_bytes:
        lines.append(f"Grün {len(lines)},{'y' * 90}")
        size += len(lines[-1].encode()) + 1
    path = write("v.csv", "\n".join([*lines, "x,x"]) + "\n")
    with pytest.raises(ComparisonError, match=rf"v.csv: row {len(lines) + 1}: an item is compared"):
        read_comparisons([path])
    path = write("v.csv", "\n".join(lines).encode() + b"\n\xff,y\n")
    with pytest.raises(ComparisonError, match=rf"v.csv: row {len(lines) + 1}: byte 0xff"):
        read_comparisons([path])
