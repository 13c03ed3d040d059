from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from proskill.data.egoexo4d import read_egoexo4d
from proskill.data.sources import load_takes
from proskill.data.take import Take, View
from proskill.errors import ManifestError

CAMERAS = ("aria02_214-1", "cam01", "cam02")


def _video_paths(name: str) -> dict[str, str | None]:
    folder = f"takes/{name}/frame_aligned_videos"
    return {
        "ego": f"{folder}/aria02_214-1.mp4",
        "exo1": f"{folder}/cam01.mp4",
        "exo2": f"{folder}/cam02.mp4",
        "exo3": None,
    }


def _annotation(name: str, **values: Any) -> dict[str, Any]:
    return {
        "take_uid": f"uid-{name}",
        "scenario_name": "Basketball",
        "origin_participant_id": 77,
        "video_paths": _video_paths(name),
        "proficiency_score": "Late Expert",
        **values,
    }


def _take_record(name: str, **values: Any) -> dict[str, Any]:
    videos: dict[str, Any] = {
        "aria02_214-1": {
            "rgb": {"relative_path": "frame_aligned_videos/aria02_214-1.mp4"},
            "slam-left": {"relative_path": "frame_aligned_videos/aria02_1201-1.mp4"},
        },
        "best_exo": {"0": {"relative_path": "frame_aligned_videos/best_exo.mp4"}},
        "cam01": {"0": {"relative_path": None}},
        "cam02": {"0": {"relative_path": "frame_aligned_videos/cam02.mp4"}},
        "collage": {"0": {"relative_path": "frame_aligned_videos/c.mp4", "is_collage": True}},
    }
    return {
        "take_uid": f"uid-{name}",
        "take_name": name,
        "root_dir": f"takes/{name}",
        "participant_uid": 5,
        "is_dropped": False,
        "best_exo": None,
        "capture": {"cameras": [{"cam_id": c, "is_ego": c.startswith("aria")} for c in CAMERAS]},
        "frame_aligned_videos": videos,
        **values,
    }


def _dataset(
    root: Path,
    takes: list[dict[str, Any]],
    train: list[dict[str, Any]],
    val: list[dict[str, Any]] | None = None,
    splits: dict[str, str] | None = None,
) -> Path:
    (root / "annotations").mkdir(parents=True)
    (root / "takes.json").write_text(json.dumps(takes))
    (root / "annotations/splits.json").write_text(
        json.dumps({"take_uid_to_split": splits or {}, "take_uid_to_benchmark": {}})
    )
    for name, records in (("train", train), ("val", val or [])):
        file = root / f"annotations/proficiency_demonstrator_{name}.json"
        file.write_text(json.dumps({"annotations": records}))
    return root


def _put_videos(root: Path, name: str, *, small: bool = False) -> Path:
    folder = root / "takes" / name / "frame_aligned_videos"
    folder = folder / "downscaled/448" if small else folder
    folder.mkdir(parents=True, exist_ok=True)
    for camera in (*CAMERAS, "best_exo", "c"):
        (folder / f"{camera}.mp4").write_bytes(b"video")
    return folder


def test_a_labelled_take_has_its_views_split_participant_and_level(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")], splits={"uid-a": "val"})
    folder = _put_videos(root, "a")
    assert read_egoexo4d(root) == [
        Take(
            take_id="uid-a",
            participant_id="5",
            scenario="Basketball",
            views={
                "ego": View(folder / "aria02_214-1.mp4", "ego"),
                "exo1": View(folder / "cam01.mp4", "exo"),
                "exo2": View(folder / "cam02.mp4", "exo"),
            },
            split="val",
            level="Late Expert",
        )
    ]


def test_the_small_videos_are_taken_where_they_are_present(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")])
    _put_videos(root, "a")
    small = _put_videos(root, "a", small=True)
    (small / "cam02.mp4").unlink()
    [take] = read_egoexo4d(root)
    assert take.views["exo1"].path == small / "cam01.mp4"
    assert take.views["exo2"].path == small.parents[1] / "cam02.mp4"


def test_without_video_paths_cameras_come_from_takes_json(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a", video_paths=None)])
    folder = _put_videos(root, "a")
    [take] = read_egoexo4d(root)
    assert {name: view.path for name, view in take.views.items()} == {
        "ego": folder / "aria02_214-1.mp4",
        "exo2": folder / "cam02.mp4",  # cam01 has a null path and keeps its number
    }


def test_what_cannot_be_used_is_counted_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _dataset(
        tmp_path,
        [_take_record("a"), _take_record("b"), _take_record("c", is_dropped=True)],
        [_annotation("a"), _annotation("lost")],
        [_annotation("b"), _annotation("c")],
    )
    (_put_videos(root, "a") / "cam01.mp4").unlink()
    with caplog.at_level(logging.WARNING):
        [take] = read_egoexo4d(root)
    assert list(take.views) == ["ego", "exo2"]
    assert take.split == "train"
    messages = [record.getMessage().removeprefix(f"{root}: ") for record in caplog.records]
    assert messages == [
        "left out 2 annotated takes that takes.json lacks or has dropped (of 4)",
        "left out 1 annotated takes without a video on disk (of 4)",
        "left out 4 views whose video is not on disk (of 4)",
    ]


def test_the_annotations_participant_stands_in_for_a_missing_one(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a", participant_uid=None)], [_annotation("a")])
    _put_videos(root, "a")
    assert read_egoexo4d(root)[0].participant_id == "77"


@pytest.mark.parametrize(
    ("take", "annotation", "message"),
    [
        ({}, {"proficiency_score": "Expert"}, "proficiency_score='Expert'; allowed are 'Novice'"),
        ({"participant_uid": None}, {"origin_participant_id": None}, "names no participant"),
        ({}, {"video_paths": {"ego": "../../a.mp4"}}, "leads out of the dataset"),
        ({"take_uid": "uid-z"}, {}, "none of the 1 annotated takes can be used"),
    ],
)
def test_a_wrong_record_is_an_error(
    tmp_path: Path, take: dict[str, Any], annotation: dict[str, Any], message: str
) -> None:
    root = _dataset(tmp_path, [_take_record("a", **take)], [_annotation("a", **annotation)])
    _put_videos(root, "a")
    with pytest.raises(ManifestError, match=message):
        read_egoexo4d(root)


def test_a_take_annotated_twice_or_in_an_unknown_split_is_an_error(tmp_path: Path) -> None:
    root = _dataset(tmp_path / "1", [_take_record("a")], [_annotation("a")], [_annotation("a")])
    _put_videos(root, "a")
    with pytest.raises(ManifestError, match="annotated twice"):
        read_egoexo4d(root)
    root = _dataset(tmp_path / "2", [_take_record("a")], [_annotation("a")], splits={"u": "dev"})
    with pytest.raises(ManifestError, match="split='dev'; allowed are train, val, test"):
        read_egoexo4d(root)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("takes.json", "{", "takes.json: is not JSON"),
        ("takes.json", "{}", "must hold a list of takes, not a dict"),
        ("takes.json", "[{}]", "has no 'take_uid'"),
        ("annotations/splits.json", None, "splits.json: no such file"),
        ("annotations/proficiency_demonstrator_train.json", "[]", "has no 'annotations'"),
    ],
)
def test_a_missing_or_wrong_file_is_named(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")])
    if content is None:
        (root / file).unlink()
    else:
        (root / file).write_text(content)
    with pytest.raises(ManifestError, match=message):
        read_egoexo4d(root)


def test_annotations_that_were_not_downloaded_are_named(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")])
    for file in root.glob("annotations/proficiency*"):
        file.unlink()
    with pytest.raises(ManifestError, match="download the benchmark's annotations"):
        read_egoexo4d(root)


def test_load_takes_recognises_the_layout(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")])
    _put_videos(root, "a")
    assert load_takes(root) == read_egoexo4d(root)
