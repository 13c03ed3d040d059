"""Ego-Exo4D's views of a take: files, and start and end of the task.

The benchmark's annotations name a take's cameras (`video_paths`); without them, `takes.json` does.
Videos of one take are aligned frame by frame, so all views share one clock without offsets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from proskill.data.dataset_paths import first_file, is_inside
from proskill.data.json_files import Entry
from proskill.data.take import View
from proskill.view_names import ViewKind

# `best_exo` repeats another camera, `collage` shows several at once.
_PSEUDO_CAMERAS = ("best_exo", "collage")
_STREAMS = ("rgb", "0")  # the glasses' colour camera; a GoPro's only stream
_ROUNDING_SECONDS = 0.1


def find_views(
    root: Path, take: Entry, annotation: Entry | None, left_out: Counter[str]
) -> dict[str, View]:
    """Return the views of a take whose videos are on disk, `ego` first.

    Videos with a short side of 448 px are taken where they are present.

    Args:
        root: the dataset's folder.
        take: of `takes.json`.
        annotation: of the benchmark, or None for a take without a label.
        left_out: counts what is not used, by reason.

    Raises:
        ManifestError: a path that leads out of the dataset, or values of a wrong kind.
    """
    named = {} if annotation is None else _annotated_paths(annotation)
    source = annotation if annotation is not None and named else take
    start_seconds, end_seconds = _task_span(take, left_out)
    views: dict[str, View] = {}
    for name, relative in (named or _camera_paths(take)).items():
        if relative is None:
            left_out["views whose path is null"] += 1
            continue
        if not is_inside(relative):
            raise source.error(name, f"path {relative!r} leads out of the dataset; correct it")
        full = root / relative
        path = first_file(full.parent / "downscaled" / "448" / full.name, full)
        if path is None:
            left_out["views whose video is not on disk"] += 1
            continue
        kind: ViewKind = "ego" if name.startswith("ego") else "exo"
        views[name] = View(path, kind, start_seconds=start_seconds, end_seconds=end_seconds)
    return views


def _annotated_paths(annotation: Entry) -> dict[str, str | None]:
    """Return view name -> relative path, as the benchmark names both; empty without paths."""
    if not annotation.values.get("video_paths"):
        return {}
    paths = annotation.child("video_paths")
    for name in paths.values:
        if not name.startswith(("ego", "exo")):
            raise paths.error(name, "is no view; allowed are ego and exo1, exo2, ...")
    found = {
        name: None if paths.values[name] is None else paths.text(name)
        for name in sorted(paths.values)
    }
    return found if any(found.values()) else {}


def _camera_paths(take: Entry) -> dict[str, str | None]:
    """Return the same from `takes.json`: cameras in the order of their names, numbered."""
    if not take.values.get("frame_aligned_videos"):
        return {}
    cameras = take.child("frame_aligned_videos")
    folder = take.text("root_dir") if take.values.get("root_dir") else ""
    folder = folder or f"takes/{take.text('take_name')}"
    paths: dict[str, str | None] = {}
    counts: Counter[str] = Counter()
    worn = _worn_cameras(take)
    # The glasses come before a GoPro on the head: `ego` is the view that every take has.
    for camera in sorted(cameras.values, key=lambda name: (not name.startswith("aria"), name)):
        stream = None if camera in _PSEUDO_CAMERAS else _stream(cameras.child(camera))
        if stream is None:
            continue
        kind = "ego" if worn.get(camera, camera.startswith("aria")) else "exo"
        counts[kind] += 1
        is_first_ego = kind == "ego" and counts[kind] == 1
        name = kind if is_first_ego else f"{kind}{counts[kind]}"
        is_null = stream.values.get("relative_path") is None
        paths[name] = None if is_null else f"{folder}/{stream.text('relative_path')}"
    return paths


def _stream(camera: Entry) -> Entry | None:
    """Return the colour stream of a camera; None for a collage or a camera without one."""
    for name in _STREAMS:
        if camera.values.get(name):
            stream = camera.child(name)
            return None if stream.values.get("is_collage") else stream
    return None


def _worn_cameras(take: Entry) -> dict[str, bool]:
    """Return camera -> True if the performer wears it; GoPros are worn in a few takes."""
    capture = take.values.get("capture")
    if not isinstance(capture, Mapping) or not capture.get("cameras"):
        return {}
    cameras = take.child("capture").children("cameras")
    return {camera.text("cam_id"): camera.values.get("is_ego") is True for camera in cameras}


def _task_span(take: Entry, left_out: Counter[str]) -> tuple[float, float | None]:
    """Return start and end of the task on the take's clock, which begins with its videos.

    Before and after it, takes show preparations such as the code that synchronises cameras.
    """
    start = take.number("task_start_sec") or 0.0
    end, duration = take.number("task_end_sec"), take.number("duration_sec")
    is_possible = start >= 0 and (end is None or end > start)
    if duration is not None:
        is_possible &= start < duration and (end or 0.0) <= duration + _ROUNDING_SECONDS
    if not is_possible:
        left_out["task times that do not fit their take (its whole videos are used)"] += 1
        return 0.0, None
    return start, end
