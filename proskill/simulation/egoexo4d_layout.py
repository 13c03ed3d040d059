"""Simulated takes laid out as Ego-Exo4D's demonstrator-proficiency benchmark: same files, keys and
names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proskill.data.take import Split
from proskill.simulation.take_spec import FRAME_RATE, TakeSpec, draw_skill, perform_take
from proskill.whole_file import write_whole

WRITE_ADVICE = "free some space or choose another folder"

_CAMERAS = {"ego": "aria01_214-1", **{f"exo{n}": f"cam{n:02d}" for n in range(1, 5)}}


def video_path(spec: TakeSpec, view: str) -> str:
    """Where a view's file lies, relative to the dataset's root."""
    return f"takes/{spec.take_id}/frame_aligned_videos/{_CAMERAS[view]}.mp4"


def write_annotations(
    root: Path, specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> None:
    """Write `takes.json` and `annotations/`; as in the benchmark, test takes carry no label.

    Args:
        splits: split of each participant, by number.
        views: names of the views that were filmed.
    """
    durations = {spec: len(perform_take(spec).seconds) / FRAME_RATE for spec in specs}
    _write_json(root / "takes.json", [_take(spec, durations[spec], views) for spec in specs])
    annotations = root / "annotations"
    by_uid = {spec.take_id: splits[spec.participant] for spec in specs}
    benchmarks = {uid: ["proficiency_demonstrator"] for uid in by_uid}
    _write_json(
        annotations / "splits.json",
        {"take_uid_to_split": by_uid, "take_uid_to_benchmark": benchmarks},
    )
    for split in ("train", "val"):
        labelled = [
            {
                "take_uid": spec.take_id,
                "task_id": spec.task,
                "task_name": spec.task,
                "scenario_name": spec.task,
                "university_id": "simulated",
                "origin_participant_id": spec.participant_id,
                "video_paths": {view: video_path(spec, view) for view in views},
                "proficiency_score": draw_skill(spec).level,
            }
            for spec in specs
            if splits[spec.participant] == split
        ]
        _write_json(
            annotations / f"proficiency_demonstrator_{split}.json", {"annotations": labelled}
        )


def _take(spec: TakeSpec, duration_seconds: float, views: Sequence[str]) -> dict[str, Any]:
    streams = {
        _CAMERAS[view]: {
            "rgb" if view == "ego" else "0": {
                "relative_path": f"frame_aligned_videos/{_CAMERAS[view]}.mp4",
                "cam_id": _CAMERAS[view],
                "is_collage": False,
            }
        }
        for view in views
    }
    exo = [_CAMERAS[view] for view in views if view != "ego"]
    return {
        "take_uid": spec.take_id,
        "take_name": spec.take_id,
        "root_dir": f"takes/{spec.take_id}",
        "participant_uid": spec.participant_id,
        "best_exo": exo[0] if exo else None,
        "task_start_sec": 0.0,
        "task_end_sec": duration_seconds,
        "task_name": spec.task,
        "parent_task_name": spec.task,
        "duration_sec": duration_seconds,
        "is_dropped": False,
        "capture": {
            "cameras": [{"cam_id": _CAMERAS[view], "is_ego": view == "ego"} for view in views]
        },
        "frame_aligned_videos": streams,
    }


def _write_json(path: Path, content: object) -> None:
    write_whole(path, [json.dumps(content).encode()], advice=WRITE_ADVICE)
