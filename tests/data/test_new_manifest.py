from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from proskill.data.dataset_paths import find_views
from proskill.data.manifest import MANIFEST_COLUMNS, read_manifest
from proskill.data.new_manifest import NewManifest, init_manifest
from proskill.errors import ManifestError

WriteClip = Callable[..., Path]


def _init(folder: Path, **options: Path) -> NewManifest:
    journal = folder.parent / "journal/examined.jsonl"
    return init_manifest(folder, journal=journal, num_workers=1, **options)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_takes_and_views_are_guessed_from_names(tmp_path: Path) -> None:
    names = [
        "anna_1_ego.mp4",
        "anna_1_cam01.MOV",
        "anna_1_cam01.mkv",
        "ben.mp4",
        "climb/carl/aria01_214-1.mp4",
        "climb/carl/gp02.mp4",
        ".hidden/ego.mp4",
        ".ego.mp4",
        "notes.txt",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {
        view.path.relative_to(tmp_path).as_posix(): (view.take_id, view.view)
        for view in find_views(tmp_path)
    }
    assert found == {
        "anna_1_ego.mp4": ("anna_1", "ego"),
        "anna_1_cam01.MOV": ("anna_1", "cam01"),
        "anna_1_cam01.mkv": ("anna_1", "cam01_2"),
        "ben.mp4": ("ben", "exo1"),
        "climb/carl/aria01_214-1.mp4": ("climb/carl", "ego"),
        "climb/carl/gp02.mp4": ("climb/carl", "gp02"),
    }


def test_the_manifest_is_ready_but_for_what_no_name_says(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    folder = tmp_path / "clips"
    write_clip(folder / "a_ego.mp4", seconds=2.5)
    write_clip(folder / "deep/b, c.mp4", seed=1)
    made = _init(folder)
    assert made.path == folder / "manifest.csv"
    rows = _rows(made.path)
    assert list(rows[0]) == list(MANIFEST_COLUMNS)
    assert [(row["path"], row["kind"], row["end_seconds"]) for row in rows] == [
        ("a_ego.mp4", "ego", "2.5"),
        ("deep/b, c.mp4", "exo", "2.0"),
    ]
    assert {row[name] for row in rows for name in ("participant_id", "split", "level")} == {""}
    with pytest.raises(ManifestError, match="row 2: participant_id='': must not be empty"):
        read_manifest(made.path)
    filled = made.path.read_text().replace("0.0,,,,,", "0.0,dance,p1,,,")
    made.path.write_text(filled)
    assert [take.take_id for take in read_manifest(made.path)] == ["a", "deep/b, c"]


def test_broken_videos_are_left_out_and_named(tmp_path: Path, write_clip: WriteClip) -> None:
    folder = tmp_path / "clips"
    write_clip(folder / "a.mp4")
    (folder / "b.mp4").write_text("no video")
    made = _init(folder)
    assert [view.path.name for view in made.views] == ["a.mp4"]
    assert [(fact.path.name, fact.reason) for fact in made.left_out] == [
        ("b.mp4", "is a text file, not a video")
    ]


def test_a_manifest_elsewhere_names_files_wherever_they_are(
    tmp_path: Path, write_clip: WriteClip
) -> None:
    write_clip(tmp_path / "clips/a.mp4")
    out = tmp_path / "table/mine.csv"
    made = _init(tmp_path / "clips", out=out)
    assert _rows(made.path)[0]["path"] == str(tmp_path / "clips/a.mp4")
    out.write_text(out.read_text().replace("0.0,,,,,", "0.0,dance,p1,,,"))
    assert read_manifest(out)[0].views["exo1"].path.is_file()


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, write_clip: WriteClip) -> None:
    folder = tmp_path / "clips"
    with pytest.raises(ManifestError, match="is no folder"):
        _init(folder)
    folder.mkdir()
    with pytest.raises(ManifestError, match=r"has no video; files are recognised by \.mp4"):
        _init(folder)
    (folder / "a.mp4").touch()
    with pytest.raises(ManifestError, match="none of its 1 videos can be read: is empty"):
        _init(folder)
    write_clip(folder / "a.mp4")
    _init(folder)
    with pytest.raises(ManifestError, match=r"manifest\.csv: exists already"):
        _init(folder)


@pytest.mark.parametrize("name", [b"a\nb.mp4", b"\xff.mp4"])
def test_a_file_name_that_no_table_can_hold_is_refused(
    tmp_path: Path, write_clip: WriteClip, name: bytes
) -> None:
    folder = tmp_path / "clips"
    write_clip(folder / "a.mp4").rename(os.fsdecode(os.fsencode(folder) + b"/" + name))
    with pytest.raises(ManifestError, match="would not be read back as it is"):
        _init(folder)
    assert not (folder / "manifest.csv").exists()
