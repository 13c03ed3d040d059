from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from proskill.data.egoexo4d import TEST_LIST_FILE, read_egoexo4d
from proskill.data.sources import load_takes
from proskill.data.take import Take, View
from proskill.errors import ManifestError

FILES = ("aria02_214-1", "cam01", "cam02")


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
        "university_id": "ego4d-unc",
        "origin_participant_id": "77",
        "video_paths": _video_paths(name),
        "proficiency_score": "Late Expert",
        **values,
    }


def _take_record(name: str, **values: Any) -> dict[str, Any]:
    videos: dict[str, Any] = {
        "aria02": {
            "slam-left": {"relative_path": "frame_aligned_videos/aria02_1201-1.mp4"},
            "rgb": {"relative_path": "frame_aligned_videos/aria02_214-1.mp4"},
        },
        "best_exo": {"0": {"relative_path": "frame_aligned_videos/best_exo.mp4"}},
        "cam01": {"0": {"relative_path": None}},
        "cam02": {"0": {"relative_path": "frame_aligned_videos/cam02.mp4"}},
        "sideways": {"0": {"relative_path": "frame_aligned_videos/c.mp4", "is_collage": True}},
    }
    return {
        "take_uid": f"uid-{name}",
        "take_name": name,
        "root_dir": f"takes/{name}",
        "participant_uid": 5,
        "is_dropped": False,
        "best_exo": None,
        "parent_task_name": "Basketball",
        "capture": {
            "cameras": [
                {"cam_id": camera, "is_ego": camera == "aria02"}
                for camera in ("aria02", "cam01", "cam02")
            ]
        },
        "frame_aligned_videos": videos,
        **values,
    }


def _dataset(
    root: Path,
    takes: list[dict[str, Any]],
    train: list[dict[str, Any]],
    val: list[dict[str, Any]] | None = None,
    splits: dict[str, str] | None = None,
    benchmarks: dict[str, Any] | None = None,
) -> Path:
    (root / "annotations").mkdir(parents=True)
    (root / "takes.json").write_text(json.dumps(takes))
    (root / "annotations/splits.json").write_text(
        json.dumps({"take_uid_to_split": splits or {}, "take_uid_to_benchmark": benchmarks or {}})
    )
    for name, records in (("train", train), ("val", val)):
        if records is not None:
            file = root / f"annotations/proficiency_demonstrator_{name}.json"
            file.write_text(json.dumps({"annotations": records}))
    return root


def _put_videos(root: Path, name: str, *, small: bool = False) -> Path:
    folder = root / "takes" / name / "frame_aligned_videos"
    folder = folder / "downscaled/448" if small else folder
    folder.mkdir(parents=True, exist_ok=True)
    for camera in (*FILES, "best_exo", "c"):
        (folder / f"{camera}.mp4").write_bytes(b"video")
    return folder


def test_a_labelled_take_has_its_views_split_participant_and_level(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")], splits={"uid-a": "val"})
    folder = _put_videos(root, "a")
    assert read_egoexo4d(root) == [
        Take(
            take_id="a",
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


@pytest.mark.parametrize("video_paths", [None, {"ego": None, "exo1": None}])
def test_without_video_paths_cameras_come_from_takes_json(
    tmp_path: Path, video_paths: dict[str, None] | None
) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a", video_paths=video_paths)])
    folder = _put_videos(root, "a")
    [take] = read_egoexo4d(root)
    assert {name: view.path for name, view in take.views.items()} == {
        "ego": folder / "aria02_214-1.mp4",
        "exo2": folder / "cam02.mp4",  # cam01 has a null path and keeps its number
    }


def test_cameras_may_be_called_gp_and_a_gopro_may_be_worn(tmp_path: Path) -> None:
    files = {"gp02": "gp02", "gp01": "gp01", "aria03": "aria03_214-1", "gp06": "gp06"}
    record = _take_record(
        "a",
        capture={"cameras": [{"cam_id": c, "is_ego": c in ("aria03", "gp01")} for c in files]},
        frame_aligned_videos={
            camera: {
                "rgb" if camera == "aria03" else "0": {
                    "relative_path": f"frame_aligned_videos/{file}.mp4"
                }
            }
            for camera, file in files.items()
        },
    )
    root = _dataset(tmp_path, [record], [_annotation("a", video_paths=None)])
    folder = _put_videos(root, "a")
    for file in files.values():
        (folder / f"{file}.mp4").write_bytes(b"video")
    [take] = read_egoexo4d(root)
    assert {name: (view.path.name, view.kind) for name, view in take.views.items()} == {
        "ego": ("aria03_214-1.mp4", "ego"),
        "ego2": ("gp01.mp4", "ego"),
        "exo1": ("gp02.mp4", "exo"),
        "exo2": ("gp06.mp4", "exo"),
    }


def test_what_cannot_be_used_is_counted_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _dataset(
        tmp_path,
        [_take_record("a"), _take_record("b"), _take_record("c", is_dropped=True)],
        [_annotation("a"), _annotation("lost")],
        [_annotation("b"), _annotation("c")],
        splits={"uid-a": "val"},
    )
    (_put_videos(root, "a") / "cam01.mp4").unlink()
    with caplog.at_level(logging.WARNING):
        [take] = read_egoexo4d(root)
    assert list(take.views) == ["ego", "exo2"]
    assert take.split == "val"
    messages = [record.getMessage().removeprefix(f"{root}: ") for record in caplog.records]
    total = "of 4 annotated and 0 unlabelled test takes"
    assert messages == [
        f"left out: 1 annotations in the file of another split (splits.json counts); {total}",
        f"left out: 2 takes that takes.json lacks or has dropped; {total}",
        f"left out: 1 takes without a video on disk; {total}",
        f"left out: 2 views whose path is null; {total}",
        f"left out: 4 views whose video is not on disk; {total}",
    ]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({}, (0.0, None)),
        ({"task_start_sec": None, "task_end_sec": None, "duration_sec": 9.0}, (0.0, None)),
        ({"task_start_sec": 0.5, "task_end_sec": 8.5, "duration_sec": 9.0}, (0.5, 8.5)),
        ({"task_start_sec": 0.5, "task_end_sec": None, "duration_sec": 9.0}, (0.5, None)),
        ({"task_start_sec": 0.28, "task_end_sec": 110.1, "duration_sec": 21.4}, (0.0, None)),
        ({"task_start_sec": 4.0, "task_end_sec": 3.0, "duration_sec": 9.0}, (0.0, None)),
        ({"task_start_sec": -1.0, "task_end_sec": 3.0, "duration_sec": 9.0}, (0.0, None)),
    ],
)
def test_a_take_begins_and_ends_with_its_task_where_the_times_are_possible(
    tmp_path: Path, times: dict[str, Any], expected: tuple[float, float | None]
) -> None:
    root = _dataset(tmp_path, [_take_record("a", **times)], [_annotation("a")])
    _put_videos(root, "a")
    [take] = read_egoexo4d(root)
    assert {(v.start_seconds, v.end_seconds) for v in take.views.values()} == {expected}


def test_hidden_test_takes_come_without_label_in_the_order_of_their_list(tmp_path: Path) -> None:
    records = [_take_record(name, participant_uid=n) for n, name in enumerate("abcd")]
    records[2]["parent_task_name"] = "Parkour"  # the list of scenarios is open
    root = _dataset(
        tmp_path,
        records,
        [_annotation("a")],
        splits={"uid-a": "train", "uid-b": "test", "uid-c": "test", "uid-d": "test"},
        benchmarks={"uid-b": ["proficiency_demonstrator"], "uid-c": "proficiency_demonstrator"},
    )
    for name in "abcd":
        _put_videos(root, name)
    assert [take.take_id for take in read_egoexo4d(root)] == ["a", "b", "c"]
    (root / "annotations" / TEST_LIST_FILE).write_text(json.dumps(["d", "c", "gone"]))
    takes = read_egoexo4d(root)
    assert [(take.take_id, take.split, take.level, take.scenario) for take in takes] == [
        ("a", "train", "Late Expert", "Basketball"),
        ("d", "test", None, "Basketball"),
        ("c", "test", None, "Parkour"),
    ]


def test_a_person_who_is_tested_does_not_train(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = _dataset(
        tmp_path,
        [_take_record("a"), _take_record("b"), _take_record("c", participant_uid=6)],
        [_annotation("a"), _annotation("c")],
        [_annotation("b")],
    )
    for name in "abc":
        _put_videos(root, name)
    assert [take.take_id for take in read_egoexo4d(root)] == ["c", "b"]
    assert "1 takes for training or validation whose performers are in a later" in caplog.text


def test_the_rating_is_the_mean_of_the_experts_ratings_but_for_test_takes(tmp_path: Path) -> None:
    root = _dataset(
        tmp_path,
        [_take_record("a"), _take_record("b", participant_uid=6)],
        [_annotation("a")],
    )
    (root / "annotations" / TEST_LIST_FILE).write_text('["b"]')
    for name in "ab":
        _put_videos(root, name)
        for expert, rating in (("6jm95g", 7), ("2g7km5", 4)):
            file = root / "annotations/expert_commentary" / name / expert / "data.json"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps({"proficiency": {"rating": rating, "why": "steady"}}))
    assert [take.rating for take in read_egoexo4d(root)] == [5.5, None]


def test_the_annotations_participant_stands_in_with_the_university(tmp_path: Path) -> None:
    root = _dataset(tmp_path, [_take_record("a", participant_uid=None)], [_annotation("a")])
    _put_videos(root, "a")
    assert read_egoexo4d(root)[0].participant_id == "ego4d-unc/77"


TRAIN = "annotations/proficiency_demonstrator_train.json: annotation 1: "


@pytest.mark.parametrize(
    ("take", "annotation", "message"),
    [
        ({}, {"proficiency_score": "Expert"}, TRAIN + "key 'proficiency_score': 'Expert' is no le"),
        ({}, {"proficiency_score": 2.5}, TRAIN + "key 'proficiency_score': 2.5 must be text"),
        ({"participant_uid": None}, {"origin_participant_id": None}, "names no participant"),
        ({}, {"video_paths": {"ego": "../../a.mp4"}}, "key 'ego': path '../../a.mp4' leads out"),
        ({}, {"video_paths": {"ego": "/etc/a.mp4"}}, "leads out of the dataset"),
        ({}, {"video_paths": {"front": "a.mp4"}}, "key 'front': is no view; allowed are ego and"),
        ({}, {"video_paths": ["a.mp4"]}, "key 'video_paths': ['a.mp4'] must be an object"),
        ({}, {"video_paths": {"ego": 3.5}}, "video_paths: key 'ego': 3.5 must be text"),
        ({"root_dir": "../elsewhere"}, {"video_paths": None}, "take 'a': key 'ego': path '../else"),
        ({"duration_sec": "long"}, {}, "take 'a': key 'duration_sec': 'long' must be a finite"),
        ({"take_uid": "uid-z"}, {}, "none of its 1 annotated and 0 unlabelled test takes can be"),
        ({"take_name": "../a"}, {}, "takes.json: entry 1: key 'take_name': '../a' must be a fold"),
    ],
)
def test_a_wrong_record_names_file_entry_and_key(
    tmp_path: Path, take: dict[str, Any], annotation: dict[str, Any], message: str
) -> None:
    root = _dataset(tmp_path, [_take_record("a", **take)], [_annotation("a", **annotation)])
    _put_videos(root, "a")
    with pytest.raises(ManifestError, match=re.escape(message)) as caught:
        read_egoexo4d(root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["take_uid", "proficiency_score", "scenario_name"])
def test_a_missing_key_of_an_annotation_is_named(tmp_path: Path, key: str) -> None:
    annotation = _annotation("b")
    del annotation[key]
    root = _dataset(
        tmp_path, [_take_record("a"), _take_record("b")], [_annotation("a"), annotation]
    )
    _put_videos(root, "a")
    _put_videos(root, "b")
    with pytest.raises(ManifestError, match=f"train.json: annotation 2: key '{key}': is missing"):
        read_egoexo4d(root)


@pytest.mark.parametrize("key", ["take_uid", "take_name"])
def test_a_missing_or_repeated_key_of_takes_json_is_named(tmp_path: Path, key: str) -> None:
    second = _take_record("b")
    second[key] = _take_record("a")[key]
    root = _dataset(tmp_path, [_take_record("a"), second], [_annotation("a")])
    with pytest.raises(ManifestError, match=f"takes.json: entry 2: key '{key}': .*appears twice"):
        read_egoexo4d(root)
    del second[key]
    (root / "takes.json").write_text(json.dumps([_take_record("a"), second]))
    with pytest.raises(ManifestError, match=f"takes.json: entry 2: key '{key}': is missing"):
        read_egoexo4d(root)


def test_a_take_annotated_twice_or_in_an_unknown_split_is_an_error(tmp_path: Path) -> None:
    root = _dataset(tmp_path / "1", [_take_record("a")], [_annotation("a")], [_annotation("a")])
    _put_videos(root, "a")
    with pytest.raises(ManifestError, match="annotated twice"):
        read_egoexo4d(root)
    root = _dataset(tmp_path / "2", [_take_record("a")], [_annotation("a")], splits={"u": "dev"})
    with pytest.raises(ManifestError, match="key 'u': split='dev'; allowed are train, val, test"):
        read_egoexo4d(root)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("takes.json", "{", "takes.json: is not JSON"),
        ("takes.json", "{}", "takes.json: must hold a list, not {}"),
        ("takes.json", "[[]]", r"takes.json: entry 1: \[\] must be an object"),
        ("takes.json", "\udcff", "takes.json: is not JSON"),
        ("annotations/splits.json", "{}", "splits.json: key 'take_uid_to_split': is missing"),
        ("annotations/splits.json", None, "splits.json: no such file"),
        ("annotations/proficiency_demonstrator_train.json", "[]", "must hold an object"),
        (
            "annotations/proficiency_demonstrator_train.json",
            '{"annotations": []}',
            "train.json: split 'train' is empty",
        ),
        (
            "annotations/demonstrator_proficiency_test_v2.json",
            "[7]",
            "test_v2.json: entry 1: 7 must be a take's name",
        ),
    ],
)
def test_a_missing_or_wrong_file_is_named(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    root = _dataset(tmp_path, [_take_record("a")], [_annotation("a")])
    if content is None:
        (root / file).unlink()
    else:
        (root / file).write_text(content, errors="surrogateescape")
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
