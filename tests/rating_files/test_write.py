from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proskill.errors import ComparisonError, ProskillError
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.rating.result import Ratings
from proskill.rating_files.read_back import read_level_anchors, read_ratings
from proskill.rating_files.write import write_proskill_rankings, write_ratings
from proskill.table_files import escape_cell, unescape_cell

Write = Callable[[str, str | bytes], Path]
SUFFIXES = ["csv", "json", "parquet"]


def _ratings(
    names: tuple[str, ...] = ("=best", "b", "c d"), scale: LevelScale | None = EGOEXO4D_LEVELS
) -> Ratings:
    num_items, num_levels = len(names), 0 if scale is None else len(scale)
    rating = np.linspace(1.0, -1.0, num_items) / 3
    probabilities = np.full((num_items, num_levels), 1 / max(1, num_levels))
    probabilities[-1:] = math.nan
    return Ratings(
        items=names,
        groups=("-g",) * num_items,
        rating=rating,
        lower=rating - 0.1,
        upper=rating + 0.2,
        elo=1500 + rating * 400 / math.log(10),
        scale=scale,
        level=("",) * num_items if scale is None else (scale.names[0],) * (num_items - 1) + ("",),
        level_probabilities=probabilities,
        num_comparisons=np.arange(num_items),
        component=np.zeros(num_items),
        flags=((), ("few_comparisons", "never_lost"), *[()] * num_items)[:num_items],
    )


def _assert_same(one: Ratings, two: Ratings) -> None:
    for field in fields(Ratings):
        first, second = getattr(one, field.name), getattr(two, field.name)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second, strict=True)
        else:
            assert first == second, field.name


@pytest.mark.parametrize("scale", [None, EGOEXO4D_LEVELS])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_is_read_back_to_the_last_digit(
    tmp_path: Path, suffix: str, scale: LevelScale | None
) -> None:
    ratings, path = _ratings(scale=scale), tmp_path / f"new/r.{suffix}"
    write_ratings(ratings, path)
    _assert_same(read_ratings(path), ratings)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1),
        min_size=2,
        max_size=5,
        unique=True,
    )
)
def test_any_text_is_read_back_as_it_was(tmp_path: Path, suffix: str, texts: list[str]) -> None:
    names = tuple(texts)
    ratings, path = _ratings(names, LevelScale(names)), tmp_path / f"r.{suffix}"
    write_ratings(ratings, path)
    _assert_same(read_ratings(path), ratings)


@given(st.text(st.sampled_from("=+-@'a "), max_size=4))
def test_an_escaped_cell_is_never_a_formula_and_comes_back(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text
    assert not escape_cell(text).startswith(("=", "+", "-", "@"))


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    write_ratings(_ratings(), tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    assert [row["item"] for row in rows] == ["'=best", "b", "c d"]
    assert [row["group"] for row in rows] == ["'-g"] * 3
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert rows[1]["flags"] == "few_comparisons;never_lost"
    assert rows[0]["probability:Novice"] == "0.25"
    assert rows[2]["probability:Novice"] == ""


def test_the_json_is_plain_json_with_levels_by_name(tmp_path: Path) -> None:
    write_ratings(_ratings(), tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text(), parse_constant=pytest.fail)
    assert content["levels"] == list(EGOEXO4D_LEVELS.names)
    assert content["ratings"][0]["item"] == "=best"
    assert content["ratings"][0]["level_probabilities"]["Late Expert"] == 0.25
    assert content["ratings"][2]["level_probabilities"]["Late Expert"] is None


def test_the_parquet_has_types(tmp_path: Path) -> None:
    write_ratings(_ratings(), tmp_path / "r.parquet")
    frame = pd.read_parquet(tmp_path / "r.parquet")
    assert frame["item"].tolist() == ["=best", "b", "c d"]
    assert (frame["rating"].dtype, frame["num_comparisons"].dtype) == (np.float64, np.int64)
    assert list(frame["flags"][1]) == ["few_comparisons", "never_lost"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ratings_of_nothing_are_a_file_too(tmp_path: Path, suffix: str) -> None:
    none = np.empty(0)
    nothing = Ratings((), (), none, none, none, none, None, (), np.empty((0, 0)), none, none, ())
    write_ratings(nothing, tmp_path / f"r.{suffix}")
    _assert_same(read_ratings(tmp_path / f"r.{suffix}"), nothing)


def test_rows_in_another_order_are_sorted_again(tmp_path: Path) -> None:
    write_ratings(_ratings(), tmp_path / "r.csv")
    header, *rows = (tmp_path / "r.csv").read_text().splitlines()
    (tmp_path / "s.csv").write_text("\n".join([header, *reversed(rows)]))
    _assert_same(read_ratings(tmp_path / "s.csv"), _ratings())


def test_a_place_that_cannot_be_written_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.mkdir()
    with pytest.raises(ProskillError, match=r"r\.csv: cannot be written"):
        write_ratings(_ratings(), path)
    assert list(tmp_path.iterdir()) == [path]


def test_another_ending_or_a_flag_with_a_semicolon_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"r.xlsx'.*\.csv, \.json, \.parquet"):
        write_ratings(_ratings(), tmp_path / "r.xlsx")
    with pytest.raises(ProskillError, match="no such file"):
        read_ratings(tmp_path / "r.xlsx")
    ratings = _ratings()
    object.__setattr__(ratings, "flags", (("a;b",), (), ()))
    with pytest.raises(ValueError, match="semicolon"):
        write_ratings(ratings, tmp_path / "r.csv")
    with pytest.raises(ValueError, match="carriage return"):
        write_ratings(_ratings(("a", "b\rc")), tmp_path / "r.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "", "is empty"),
        ("r.csv", "item,rating\nx,1\n", "lacks the columns group, level, lower"),
        ("r.csv", b"\xff\xfei\x00", "is UTF-16"),
        ("r.json", "[]", "format must be 'proskill ratings 1'"),
        ("r.json", '{"format": "proskill ratings 1"}', "ratings"),
        ("r.json", "{", "is not a file of ratings"),
        ("r.json", '{"a":' * 100_000, "is not a file of ratings"),
        ("r.parquet", "PAR1", "is not a file of ratings"),
    ],
)
def test_other_files_are_not_taken_for_ratings(
    write: Write, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(ProskillError, match=f"{name}: .*{message}"):
        read_ratings(write(name, content))


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.25", "nine"), ("Novice,0.25", "Master,0.25"), ("=best,", "b,"), (",1,0,", ",1.5,0,")],
)
def test_a_table_that_was_spoiled_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "r.csv"
    write_ratings(_ratings(), path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new).replace("'b,", "b,"))
    with pytest.raises(ProskillError, match=r"r\.csv: is not a file"):
        read_ratings(path)


def test_level_anchors_are_read_from_a_table(write: Write) -> None:
    path = write("anchors.csv", "level,item\nNovice,x\nLate Expert,'=y\nNovice,x\n")
    assert read_level_anchors(path) == {"x": "Novice", "=y": "Late Expert"}
    path = write("anchors.jsonl", '{"item": "x", "level": "Novice"}\n')
    assert read_level_anchors(path) == {"x": "Novice"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("item,level\nx,Novice\nx,Late Expert\n", "row 3: item 'x' is 'Late Expert' here and 'Nov"),
        ("item,level\nx,\n", "row 2: item or level is empty"),
        ("clip,level\nx,Novice\n", "has the columns 'clip', 'level'; needed are columns item"),
    ],
)
def test_bad_level_anchors_are_refused(write: Write, content: str, message: str) -> None:
    with pytest.raises(ComparisonError, match=message):
        read_level_anchors(write("anchors.csv", content))


def _rankings(folder: Path, **changes: Any) -> Path:
    arguments: dict[str, Any] = {
        "round_number": 2,
        "items": ["s1", "001", "é: [x]"],
        "groups": ["g->b", "g->b", "g->a"],
        "elo": np.array([1400.0, 1600.5, 1500.0]),
        "swiss_score": np.array([0.0, 2.0, 0.5]),
        "z_score": np.array([-1.0, 1.0, 0.0]),
        "level": ["Novice", "Late Expert", ""],
    }
    return write_proskill_rankings(folder, **{**arguments, **changes})


def test_proskills_ranking_is_by_subtask_and_best_first(tmp_path: Path) -> None:
    path = _rankings(tmp_path)
    assert path == tmp_path / "rankings/rank_after_round_2.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [(group, list(rows)) for group, rows in content.items()] == [
        ("g->a", ["é: [x]"]),
        ("g->b", ["001", "s1"]),
    ]
    assert content["g->b"]["001"] == {
        "elo": 1600.5,
        "swiss_score": 2.0,
        "z_score": 1.0,
        "expert_level": "Late Expert",
    }
    assert "expert_level" not in content["g->a"]["é: [x]"]
    assert "expert_level" not in _rankings(tmp_path, round_number=3, level=()).read_text()


def test_rankings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="round_number=0"):
        _rankings(tmp_path, round_number=0)
    with pytest.raises(ValueError, match="shorter"):
        _rankings(tmp_path, z_score=np.array([1.0]))
