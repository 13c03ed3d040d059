from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from proskill.data.basket import BASKET_SKILLS, read_basket
from proskill.data.sources import load_takes
from proskill.data.take import Take, View
from proskill.errors import ManifestError

HEADER = ["Player", *(f"skill {n} level" for n in range(1, 21))]
LEVELS = [*range(5)] * 4


def _row(name: str, levels: list[object] | None = None) -> list[object]:
    return [f"{name}.mp4", *(LEVELS if levels is None else levels)]


def _write(file: Path, rows: list[list[object]], header: list[str] | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [HEADER if header is None else header, *rows]
    file.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))


def _put(root: Path, name: str) -> Path:
    file = root / f"BASKET/{name}.mp4"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"video")
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One video in each split and in each test set."""
    rows = {
        "BASKET/train": "18-19/NBA/1_18_19",
        "BASKET/val": "18-19/NBA/2_18_19",
        "BASKET/test": "19-20/NCAA Division I/3_19_20",
        "cross_season/test": "22-23/NBA/4_22_23",
        "cross_league/test": "18-19/China. CBA/5_18_19",
        "cross_season_and_league/test": "22-23/China. CBA/6_22_23",
    }
    for name, video in rows.items():
        _write(tmp_path / f"BASKET_Labels/{name}.csv", [_row(video)])
        _put(tmp_path, video)
    return tmp_path


def test_a_player_has_a_level_in_20_skills_of_which_the_inverted_one_is_turned(root: Path) -> None:
    first = read_basket(root)[0]
    assert first == Take(
        take_id="18-19/NBA/1_18_19",
        participant_id="1",
        scenario="NBA",
        views={"exo1": View(root / "BASKET/18-19/NBA/1_18_19.mp4", "exo")},
        split="train",
        skills=dict(zip(BASKET_SKILLS, map(float, LEVELS), strict=True))
        | {"Defensive Consistency": 4.0 - LEVELS[11]},
    )
    assert (len(first.skills), list(first.skills)[11]) == (20, "Defensive Consistency")


@pytest.mark.parametrize(
    ("folder", "tested"),
    [
        ("", "19-20/NCAA Division I/3_19_20"),
        ("BASKET_Labels/BASKET", "19-20/NCAA Division I/3_19_20"),
        ("BASKET_Labels/cross_season", "22-23/NBA/4_22_23"),
        ("BASKET_Labels/cross_league", "18-19/China. CBA/5_18_19"),
        ("BASKET_Labels/cross_season_and_league", "22-23/China. CBA/6_22_23"),
    ],
)
def test_the_folder_of_a_test_set_chooses_it_and_training_stays(
    root: Path, folder: str, tested: str
) -> None:
    takes = load_takes(root / folder)
    assert [(take.take_id, take.split) for take in takes] == [
        ("18-19/NBA/1_18_19", "train"),
        ("18-19/NBA/2_18_19", "val"),
        (tested, "test"),
    ]


def test_paths_may_be_whole_or_begin_with_the_videos_folder(root: Path) -> None:
    whole = _put(root / "elsewhere", "18-19/NBA/7_18_19")
    rows = [["BASKET/18-19/NBA/1_18_19.mp4", *LEVELS], [str(whole), *LEVELS]]
    _write(root / "BASKET_Labels/BASKET/train.csv", rows)
    takes = read_basket(root)
    assert [take.take_id for take in takes[:2]] == ["18-19/NBA/1_18_19", "18-19/NBA/7_18_19"]
    assert takes[1].views["exo1"].path == whole


def test_videos_that_are_not_on_disk_are_counted_and_none_is_an_error(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(
        root / "BASKET_Labels/BASKET/train.csv",
        [_row("18-19/NBA/1_18_19"), _row("18-19/NBA/8_18_19")],
    )
    with caplog.at_level(logging.WARNING):
        assert len(read_basket(root)) == 3
    assert "left out: 1 labelled videos that are not on disk; of 4" in caplog.text
    for file in root.rglob("*.mp4"):
        file.unlink()
    with pytest.raises(ManifestError, match="none of 4 labelled videos is on disk; put them under"):
        read_basket(root)


def test_a_player_of_two_seasons_who_is_tested_does_not_train(root: Path) -> None:
    _write(root / "BASKET_Labels/BASKET/train.csv", [_row("18-19/NBA/3_18_19")])
    _put(root, "18-19/NBA/3_18_19")
    assert [take.split for take in read_basket(root)] == ["val", "test"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row("18-19/NBA/1_18_19", [5, *LEVELS[1:]]), "Free Throw='5': allowed are whole numbers"),
        (_row("18-19/NBA/1_18_19", [-1, *LEVELS[1:]]), "Free Throw='-1': allowed are whole"),
        (_row("18-19/NBA/1_18_19", [*LEVELS[:-1], 2.0]), "Efficiency='2.0': allowed are whole"),
        (_row("18-19/NBA/1_18_19", [*LEVELS[:-1], ""]), "Efficiency='': allowed are whole"),
        (_row("18-19/NBA/1_18_19", [*LEVELS[:-1]]), "has 20 cells; needed are a video and 20"),
        (_row("../18-19/NBA/1_18_19"), "leads out of the dataset"),
        (_row("18-19/NBA/john"), "must be SEASON/LEAGUE/PLAYER_YY_YY.mp4"),
        (_row("1_18_19"), "must be SEASON/LEAGUE/PLAYER_YY_YY.mp4"),
        (_row("18-19/NBA/2_18_19"), "is labelled twice (first in split 'train')"),
    ],
)
def test_a_wrong_row_names_file_row_and_value(root: Path, row: list[object], message: str) -> None:
    _write(root / "BASKET_Labels/BASKET/train.csv", [row])
    with pytest.raises(ManifestError, match=re.escape(message)) as caught:
        read_basket(root)
    assert re.search(r"(train|val)\.csv: row 2: ", str(caught.value))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.csv: is empty"),
        (",".join(HEADER).encode() + b"\n", "train.csv: split 'train' is empty"),
        (",".join(HEADER).encode("utf-16"), "train.csv: is UTF-16 text; save it as UTF-8"),
        (",".join(HEADER).encode() + b"\n\xe9", "is not UTF-8 text"),
        (b"18-19/NBA/1_18_19.mp4" + b",1" * 20 + b"\n", "the header is missing"),
        (",".join(["p", *sorted(BASKET_SKILLS)]).encode(), "put the columns in BASKET's order"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(root: Path, content: bytes, message: str) -> None:
    (root / "BASKET_Labels/BASKET/train.csv").write_bytes(content)
    with pytest.raises(ManifestError, match=re.escape(message)):
        read_basket(root)


def test_a_missing_file_is_named(root: Path) -> None:
    (root / "BASKET_Labels/cross_season/test.csv").unlink()
    with pytest.raises(ManifestError, match=r"cross_season/test\.csv: no such file"):
        read_basket(root / "BASKET_Labels/cross_season")
