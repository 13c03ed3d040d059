"""Ego-Exo4D's demonstrator-proficiency benchmark on disk, as a list of takes.

Reads `takes.json`, `annotations/splits.json` and `annotations/proficiency_demonstrator_*.json`.
Videos with a short side of 448 px are taken where they are present. Frame-aligned videos start and
end with their take, so every view is used whole. What cannot be used (annotated takes that are not
in `takes.json`, takes and cameras that are not on disk) is counted and reported through `logging`.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from proskill.data.take import Split, Take, View, ViewKind
from proskill.errors import ManifestError
from proskill.levels import EGOEXO4D_LEVELS

_log = logging.getLogger(__name__)

_Record = Mapping[str, Any]


def is_egoexo4d(folder: Path) -> bool:
    """Whether a folder has Ego-Exo4D's layout."""
    return (folder / "takes.json").is_file()


def read_egoexo4d(root: Path | str) -> list[Take]:
    """Read the takes that have a proficiency label, in the order of their annotations.

    Views are named as the benchmark names them: `ego`, `exo1`, `exo2`, ... The split is that of
    `splits.json`, or of the annotation file's name where it says nothing. Test labels are not
    public: test takes appear only where a `proficiency_demonstrator_test.json` was put beside the
    others.

    Args:
        root: the folder that holds `takes.json`, `annotations/` and `takes/`.

    Raises:
        ManifestError: a file is missing or not what it should be, a label is not on the scale, a
            take is annotated twice, or no annotated take has a video here.
    """
    root = Path(root)
    described = _described_takes(root / "takes.json")
    splits = _split_by_uid(root / "annotations" / "splits.json")
    takes: dict[str, Take] = {}
    left_out: Counter[str] = Counter()
    num_annotated = 0
    for file, file_split, annotation in _annotations(root / "annotations"):
        num_annotated += 1
        uid = str(_get(annotation, "take_uid", file))
        take_record = described.get(uid)
        if take_record is None or take_record.get("is_dropped"):
            left_out["annotated takes that takes.json lacks or has dropped"] += 1
            continue
        views = _views_on_disk(root, take_record, annotation, left_out)
        if not views:
            left_out["annotated takes without a video on disk"] += 1
            continue
        if uid in takes:
            raise ManifestError(f"{file}: take_uid={uid!r} is annotated twice; keep one label")
        level = str(_get(annotation, "proficiency_score", file))
        if level not in EGOEXO4D_LEVELS.names:
            raise ManifestError(
                f"{file}: take_uid={uid!r}: proficiency_score={level!r}; allowed are "
                f"{', '.join(map(repr, EGOEXO4D_LEVELS.names))}"
            )
        takes[uid] = Take(
            take_id=uid,
            participant_id=_participant(take_record, annotation, file),
            scenario=str(_get(annotation, "scenario_name", file)),
            views=views,
            split=splits.get(uid, file_split),
            level=level,
        )
    for what, count in sorted(left_out.items()):
        _log.warning("%s: left out %d %s (of %d)", root, count, what, num_annotated)
    if not takes:
        raise ManifestError(
            f"{root}: none of the {num_annotated} annotated takes can be used; download videos of "
            "annotated takes to takes/TAKE/frame_aligned_videos/"
        )
    return list(takes.values())


def _described_takes(file: Path) -> dict[str, _Record]:
    records = _load_json(file)
    if not isinstance(records, list):
        raise ManifestError(f"{file}: must hold a list of takes, not a {type(records).__name__}")
    return {str(_get(record, "take_uid", file)): record for record in records}


def _split_by_uid(file: Path) -> dict[str, Split]:
    known = _get(_load_json(file), "take_uid_to_split", file)
    splits: dict[str, Split] = {}
    for uid, name in known.items():
        split: Any = str(name).lower()
        if split not in get_args(Split):
            raise ManifestError(
                f"{file}: take_uid={uid!r}: split={name!r}; "
                f"allowed are {', '.join(get_args(Split))}"
            )
        splits[uid] = split
    return splits


def _annotations(folder: Path) -> Iterator[tuple[Path, Split, _Record]]:
    files: dict[Split, Path] = {
        split: folder / f"proficiency_demonstrator_{split}.json" for split in get_args(Split)
    }
    if not any(file.is_file() for file in files.values()):
        raise ManifestError(
            f"{folder}: has no proficiency_demonstrator_train.json or _val.json; download the "
            "benchmark's annotations"
        )
    for split, file in files.items():
        if file.is_file():
            for record in _get(_load_json(file), "annotations", file):
                yield file, split, record


def _views_on_disk(
    root: Path, take: _Record, annotation: _Record, left_out: Counter[str]
) -> dict[str, View]:
    views: dict[str, View] = {}
    for name, relative in _camera_paths(take, annotation).items():
        parts = PurePosixPath(relative)
        if parts.is_absolute() or ".." in parts.parts:
            raise ManifestError(f"{root}: path {relative!r} leads out of the dataset; correct it")
        full = root / parts
        small = full.parent / "downscaled" / "448" / full.name
        path = next((file for file in (small, full) if file.is_file()), None)
        if path is None:
            left_out["views whose video is not on disk"] += 1
            continue
        kind: ViewKind = "ego" if name.startswith("ego") else "exo"
        views[name] = View(path, kind)
    return views


def _camera_paths(take: _Record, annotation: _Record) -> dict[str, str]:
    """View name -> full-resolution video, relative to the root; null paths are left out."""
    named = annotation.get("video_paths")
    if named:
        return {name: named[name] for name in sorted(named) if named[name]}
    is_ego = {
        camera["cam_id"]: bool(camera.get("is_ego"))
        for camera in take.get("capture", {}).get("cameras", [])
    }
    paths: dict[str, str] = {}
    num_exo = 0
    for camera, streams in sorted(take.get("frame_aligned_videos", {}).items()):
        # `best_exo` repeats another camera; collages show several at once.
        stream = streams.get("rgb") or streams.get("0")
        if camera == "best_exo" or not stream or stream.get("is_collage"):
            continue
        ego = is_ego.get(camera, camera.startswith("aria"))
        num_exo += not ego
        if stream.get("relative_path"):
            folder = take.get("root_dir") or f"takes/{take['take_name']}"
            name = "ego" if ego else f"exo{num_exo}"
            paths[name] = f"{folder}/{stream['relative_path']}"
    return paths


def _participant(take: _Record, annotation: _Record, file: Path) -> str:
    participant = take.get("participant_uid")
    if participant is None:
        participant = annotation.get("origin_participant_id")
    if participant is None:
        raise ManifestError(
            f"{file}: take_uid={annotation['take_uid']!r} names no participant (participant_uid in "
            "takes.json, origin_participant_id here); without one, splits cannot be kept apart"
        )
    return str(participant)


def _load_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ManifestError(f"{file}: no such file; download it with the annotations") from None
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{file}: is not JSON ({error}); download it again") from None


def _get(record: Any, key: str, file: Path) -> Any:
    if not isinstance(record, Mapping) or key not in record:
        raise ManifestError(f"{file}: a record has no {key!r}; is this the benchmark's file?")
    return record[key]
