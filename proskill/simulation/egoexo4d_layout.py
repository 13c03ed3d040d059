"""Simulated takes laid out as Ego-Exo4D: the metadata, the splits and the videos.

Same files, keys and names as the data set. What the benchmark and its experts say of the takes is
`egoexo4d_annotations`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proskill.data.take import Split
from proskill.simulation.cameras import CAMERA_KINDS
from proskill.simulation.egoexo4d_annotations import UNIVERSITY, video_paths, write_annotations
from proskill.simulation.filmed_take import FilmedTake, write_json
from proskill.simulation.take_spec import TakeSpec

# Streams of the glasses besides the colour camera; the benchmark does not use them.
_OTHER_STREAMS = {"slam-left": "1201-1", "slam-right": "1201-2", "et": "211-1"}


def plan_egoexo4d(
    specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> list[FilmedTake]:
    """Plan one take per performance."""
    return [
        FilmedTake(
            take_id=spec.take_id,
            participant_id=str(_participant_uid(spec)),
            split=splits[spec.participant],
            specs=(spec,),
            files={
                view: f"takes/{spec.take_id}/frame_aligned_videos/{_file_name(spec, view)}"
                for view in views
            },
        )
        for spec in specs
    ]


def write_egoexo4d_layout(root: Path, takes: Sequence[FilmedTake]) -> Path:
    """Write the metadata and the annotations; test takes carry no label, as in the benchmark."""
    uids = {take.take_id: str(uuid.uuid5(uuid.NAMESPACE_OID, take.take_id)) for take in takes}
    write_json(root / "takes.json", [_take(take, uids[take.take_id]) for take in takes])
    people = {take.participant_id: take for take in takes}
    write_json(root / "participants.json", [_participant(take) for take in people.values()])
    write_json(root / "captures.json", [_capture(take) for take in people.values()])
    write_annotations(root / "annotations", takes, uids)
    return root


def _participant_uid(spec: TakeSpec) -> int:
    return spec.participant + 1


def _camera(spec: TakeSpec, view: str) -> str:
    """Name a camera as universities do: `cam01` or `gp01`, any pair of glasses."""
    if CAMERA_KINDS[view] == "ego":
        return f"aria{spec.participant % 4 + 1:02d}"
    number = sorted(name for name, kind in CAMERA_KINDS.items() if kind == "exo").index(view) + 1
    return f"{'gp' if spec.participant % 2 else 'cam'}{number:02d}"


def _file_name(spec: TakeSpec, view: str) -> str:
    suffix = "_214-1" if CAMERA_KINDS[view] == "ego" else ""
    return f"{_camera(spec, view)}{suffix}.mp4"


def _take(take: FilmedTake, uid: str) -> dict[str, Any]:
    spec = take.specs[0]
    exo = [view for view in take.files if CAMERA_KINDS[view] == "exo"]
    duration = take.duration_seconds
    return {
        "root_dir": f"takes/{take.take_id}",
        "take_name": take.take_id,
        "take_uid": uid,
        "participant_uid": _participant_uid(spec),
        "is_dropped": False,
        "objects": [],
        "best_exo": _camera(spec, exo[0]) if exo else None,
        "task_start_sec": 0.0,
        "task_end_sec": duration,
        "task_name": take.task,
        "parent_task_id": 1000,
        "parent_task_name": take.task,
        "take_idx": spec.repetition,
        "duration_sec": duration,
        "is_narrated": False,
        "physical_setting_uid": 1,
        "capture_uid": _capture_uid(take),
        "capture": _capture(take),
        "validated": True,
        "university_name": UNIVERSITY,
        "frame_aligned_videos": _videos(take),
    }


def _videos(take: FilmedTake) -> dict[str, dict[str, dict[str, Any]]]:
    spec = take.specs[0]
    videos: dict[str, dict[str, dict[str, Any]]] = {}
    for view, file in video_paths(take).items():
        camera = _camera(spec, view)
        if CAMERA_KINDS[view] == "ego":
            videos[camera] = {
                name: _stream(camera, stream, name, f"{camera}_{stream}.mp4")
                for name, stream in {**_OTHER_STREAMS, "rgb": "214-1"}.items()
            }
        else:
            name = None if file is None else f"{camera}.mp4"
            videos[camera] = {"0": _stream(camera, "0", "0", name)}
    # Not cameras: several pictures side by side, and the best camera once more.
    for name in ("collage", "best_exo"):
        videos[name] = {"0": {**_stream(name, "0", "0", None), "is_collage": True}}
    return videos


def _stream(camera: str, stream: str, name: str, file: str | None) -> dict[str, Any]:
    return {
        "cam_id": camera,
        "stream_id": stream,
        "readable_stream_id": name,
        "clip_uid": None,
        "relative_path": None if file is None else f"frame_aligned_videos/{file}",
        "is_collage": False,
    }


def _capture_uid(take: FilmedTake) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"capture {take.participant_id}"))


def _capture(take: FilmedTake) -> dict[str, Any]:
    cameras = [
        {
            "cam_id": _camera(take.specs[0], view),
            "is_ego": CAMERA_KINDS[view] == "ego",
            "has_walkaround": False,
            "includes_audio": False,
            "device_type": "simulated",
            "relative_path": None,
        }
        for view in video_paths(take)
    ]
    name = f"{UNIVERSITY}_{take.participant_id}"
    return {
        "root_dir": f"captures/{name}",
        "capture_name": name,
        "university_name": UNIVERSITY,
        "physical_setting_uid": 1,
        "capture_uid": _capture_uid(take),
        "cameras": cameras,
        "validated": True,
    }


def _participant(take: FilmedTake) -> dict[str, Any]:
    return {
        "participant_uid": int(take.participant_id),
        "university_name": UNIVERSITY,
        "collection_date": None,
        "metadata": "{}",
    }
