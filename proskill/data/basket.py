"""BASKET (arXiv 2503.20781) on disk: highlight videos of basketball players with 20 skill levels.

    ROOT/BASKET/SEASON/LEAGUE/PLAYER_YY_YY.mp4
    ROOT/BASKET_Labels/{BASKET,cross_season,cross_league,cross_season_and_league}/*.csv

`BASKET_Labels/BASKET` holds train.csv, val.csv and test.csv, the other three folders a test.csv of
players in other seasons, other leagues, or both. Each CSV has a header and, in each row, the path
of a video and 20 whole numbers from 0 to 4.

In the files, a higher number is more skill with one exception: for Defensive Consistency 0 is the
best. It is turned around here, once, so that in `Take.skills` a higher number is more skill for all
20, and 0 to 4 are the names of `BASKET_LEVELS`. There is no overall level and no overall rating.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Literal, get_args

from proskill.data.dataset_paths import first_file, is_inside
from proskill.data.splits import without_crossing_people
from proskill.data.take import Split, Take, View
from proskill.errors import ManifestError
from proskill.levels import BASKET_LEVELS
from proskill.table_files import read_cells

TestSet = Literal["BASKET", "cross_season", "cross_league", "cross_season_and_league"]

BASKET_SKILLS = (
    "Free Throw", "2-PTs", "3-PTs", "Contested-shots", "Overall Shooting", "Rebounds",
    "Defensive Rebounds", "Offensive Rebounds", "Steals", "Turnovers", "Points-allowed",
    "Defensive Consistency", "Assists", "Passing Accuracy", "Fouls", "Contribution",
    "Offensive Consistency", "Teamwork", "Impact", "Efficiency",
)  # fmt: skip
"""In the order of the columns."""

INVERTED_SKILL = "Defensive Consistency"
VIEW_NAME = "exo1"
LABELS_FOLDER = "BASKET_Labels"
VIDEOS_FOLDER = "BASKET"

_TOP = len(BASKET_LEVELS) - 1
_FILE_NAME = re.compile(r"(?P<player>.+)_\d\d_\d\d\.mp4")

_log = logging.getLogger(__name__)


def is_basket(folder: Path) -> bool:
    """Return True for a folder with BASKET's layout, or of one of its test sets."""
    return (folder / LABELS_FOLDER).is_dir() or _is_test_set(folder)


def read_basket(source: Path | str) -> list[Take]:
    """Read BASKET: train.csv, val.csv and one of its four test sets.

    A take's id is `SEASON/LEAGUE/PLAYER_YY_YY`, its scenario the league, its participant the
    player. Videos that are not on disk are left out, counted and reported through `logging`. A
    player who is in two of the splits leaves the training side.

    Args:
        source: the folder that holds `BASKET_Labels/`, for the test set of the same seasons and
            leagues, or the folder of a test set (`BASKET_Labels/cross_season`) to judge on that.

    Raises:
        ManifestError: a file that is missing, empty or not such a table, a level out of range, a
            video twice, or no video on disk.
    """
    source = Path(source)
    test_set: Any = source.name if _is_test_set(source) else VIDEOS_FOLDER
    root = source.absolute().parents[1] if _is_test_set(source) else source
    labels = root / LABELS_FOLDER
    takes: dict[str, Take] = {}
    for file, split in _label_files(labels, test_set):
        num_rows = 0
        for row, cells in read_cells(file):
            num_rows += 1
            if num_rows == 1:
                _check_header(file, cells)
                continue
            take = _take(root, file, row, cells, split)
            if take.take_id in takes:
                other = takes[take.take_id].split
                raise ManifestError(
                    f"{file}: row {row}: {cells[0]!r} is labelled twice (first in split "
                    f"{other!r}); keep one row"
                )
            takes[take.take_id] = take
        if num_rows < 2:
            raise ManifestError(f"{file}: split {split!r} is empty: the file has no row of labels")
    present = [take for take in takes.values() if take.views[VIEW_NAME].path.is_file()]
    if len(present) < len(takes):
        _log.warning(
            "%s: left out: %d labelled videos that are not on disk; of %d",
            root, len(takes) - len(present), len(takes),
        )  # fmt: skip
    if not present:
        raise ManifestError(
            f"{root}: none of {len(takes)} labelled videos is on disk; put them under "
            f"{VIDEOS_FOLDER}/SEASON/LEAGUE/"
        )
    return without_crossing_people(present, source=source)


def _is_test_set(folder: Path) -> bool:
    resolved = folder.absolute()
    return resolved.parent.name == LABELS_FOLDER and resolved.name in get_args(TestSet)


def _label_files(labels: Path, test_set: TestSet) -> list[tuple[Path, Split]]:
    standard = labels / VIDEOS_FOLDER
    return [
        (standard / "train.csv", "train"),
        (standard / "val.csv", "val"),
        (labels / test_set / "test.csv", "test"),
    ]


def _check_header(file: Path, header: list[str]) -> None:
    """Check that a header is present and names the skills, if any, in the known order."""
    _check_width(file, 1, header)
    if all(cell.strip().isdecimal() for cell in header[1:]):
        raise ManifestError(f"{file}: row 1: must name the columns; the header is missing")
    known = {_letters(name): position for position, name in enumerate(BASKET_SKILLS, 1)}
    for position, cell in enumerate(header):
        if known.get(_letters(cell), position) != position:
            raise ManifestError(
                f"{file}: row 1: {cell!r} is column {position + 1}, not "
                f"{known[_letters(cell)] + 1}; put the columns in BASKET's order"
            )


def _check_width(file: Path, row: int, cells: list[str]) -> None:
    if len(cells) != 1 + len(BASKET_SKILLS):
        raise ManifestError(
            f"{file}: row {row}: has {len(cells)} cells; needed are a video and "
            f"{len(BASKET_SKILLS)} levels, separated by commas"
        )


def _take(root: Path, file: Path, row: int, cells: list[str], split: Split) -> Take:
    """Return the take of a row; a video that is not on disk gets the path it should have."""
    _check_width(file, row, cells)
    name = cells[0].strip()
    path = Path(name)
    match = _FILE_NAME.fullmatch(path.name)
    if match is None or len(path.parts) < 3:
        raise ManifestError(
            f"{file}: row {row}: {name!r} must be SEASON/LEAGUE/PLAYER_YY_YY.mp4, "
            "such as 18-19/NBA/1_18_19.mp4"
        )
    if not path.is_absolute() and not is_inside(name):
        raise ManifestError(f"{file}: row {row}: {name!r} leads out of the dataset; correct it")
    season, league, _ = path.parts[-3:]
    expected = root / VIDEOS_FOLDER / season / league / path.name
    found = first_file(root / path, expected, root / season / league / path.name)
    return Take(
        take_id=f"{season}/{league}/{path.stem}",
        participant_id=match["player"],
        scenario=league,
        views={VIEW_NAME: View(found or expected, "exo")},
        split=split,
        skills=_skills(file, row, cells[1:]),
    )


def _skills(file: Path, row: int, cells: list[str]) -> dict[str, float]:
    """Return skill -> level from 0 to 4, higher being more skill for every one of them."""
    skills = {}
    for name, cell in zip(BASKET_SKILLS, cells, strict=True):
        text = cell.strip()
        if text not in ("0", "1", "2", "3", "4"):
            raise ManifestError(
                f"{file}: row {row}: {name}={text!r}: allowed are whole numbers from 0 to {_TOP}"
            )
        skills[name] = float(_TOP - int(text) if name == INVERTED_SKILL else int(text))
    return skills


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
