"""Simulated datasets on disk: mp4 files, a manifest, and the truth that no model may read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import cv2

from proskill.data.manifest import write_manifest
from proskill.data.take import Split, Take, View
from proskill.simulation.cameras import SEES, VIEW_KINDS
from proskill.simulation.egoexo4d_layout import WRITE_ADVICE, video_path, write_annotations
from proskill.simulation.render import write_video
from proskill.simulation.skill import COMPONENTS
from proskill.simulation.take_spec import (
    DEFAULT_TASKS,
    DEFAULT_VIEWS,
    FRAME_RATE,
    TakeSpec,
    assign_splits,
    draw_quality,
    draw_skill,
    film_take,
    perform_take,
    plan_takes,
)
from proskill.whole_file import write_whole


def simulate_dataset(
    out: Path,
    *,
    num_participants: int,
    takes_per_participant: int,
    views: Sequence[str] = DEFAULT_VIEWS,
    tasks: Sequence[str] = DEFAULT_TASKS,
    seed: int = 0,
    layout: Literal["manifest", "egoexo4d"] = "manifest",
    split_shares: tuple[float, float, float] = (0.5, 0.1, 0.4),
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated dataset; files that an earlier, interrupted call finished are kept.

    Args:
        out: folder, made when missing.
        views: names among `cameras.VIEW_KINDS`.
        split_shares: shares of the participants in train, val and test.
        num_workers: processes; None means one per core.
        on_progress: called with (takes done, takes in all).

    Returns:
        The file or folder to read the dataset from.

    Raises:
        ValueError: an argument outside its range.
    """
    for view in views or [""]:
        if view not in VIEW_KINDS:
            raise ValueError(f"view={view!r}: allowed are {', '.join(VIEW_KINDS)}")
    if len(set(views)) != len(views):
        raise ValueError(f"views={','.join(views)}: a name stands twice")
    specs = plan_takes(
        num_participants=num_participants,
        takes_per_participant=takes_per_participant,
        tasks=tasks,
        seed=seed,
    )
    splits = assign_splits(num_participants, split_shares, seed)
    out.mkdir(parents=True, exist_ok=True)
    paths = {
        spec: {
            view: out
            / (
                video_path(spec, view)
                if layout == "egoexo4d"
                else f"videos/{spec.take_id}_{view}.mp4"
            )
            for view in views
        }
        for spec in specs
    }
    _render_all([(spec, paths[spec]) for spec in specs], num_workers, on_progress)
    _write_truth(out / "truth.jsonl", specs, views)
    if layout == "egoexo4d":
        write_annotations(out, specs, splits, views)
        return out
    takes = [_labelled_take(spec, paths[spec], splits[spec.participant]) for spec in specs]
    write_manifest(out / "manifest.csv", takes)
    return out / "manifest.csv"


def _labelled_take(spec: TakeSpec, paths: dict[str, Path], split: Split) -> Take:
    skill = draw_skill(spec)
    return Take(
        take_id=spec.take_id,
        participant_id=spec.participant_id,
        scenario=spec.task,
        views={view: View(path, VIEW_KINDS[view]) for view, path in paths.items()},
        split=split,
        level=skill.level,
        rating=round(skill.rating, 4),
    )


def _render_all(
    jobs: list[tuple[TakeSpec, dict[str, Path]]],
    num_workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    for _, paths in jobs:
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
    todo = [job for job in jobs if not all(path.exists() for path in job[1].values())]
    done = len(jobs) - len(todo)
    workers = min(num_workers or os.cpu_count() or 1, max(1, len(todo)))
    if on_progress:
        on_progress(done, len(jobs))
    with ProcessPoolExecutor(workers, initializer=cv2.setNumThreads, initargs=(0,)) as pool:
        for _ in pool.map(_render_take, todo, chunksize=1):
            done += 1
            if on_progress:
                on_progress(done, len(jobs))


def _render_take(job: tuple[TakeSpec, dict[str, Path]]) -> None:
    spec, paths = job
    performance = perform_take(spec)
    for view, path in paths.items():
        if not path.exists():
            frames = film_take(spec, view, performance)
            write_video(path, frames, frame_rate=FRAME_RATE, quality=draw_quality(spec, view))


def _write_truth(path: Path, specs: list[TakeSpec], views: Sequence[str]) -> None:
    """Hidden skill, its components, and every fault with time, kind and views: a line a take."""
    lines = [json.dumps(_truth(spec, views)) + "\n" for spec in specs]
    write_whole(path, [line.encode() for line in lines], advice=WRITE_ADVICE)


def _truth(spec: TakeSpec, views: Sequence[str]) -> dict[str, Any]:
    skill = draw_skill(spec)
    faults = [
        {**asdict(spell), "views": [view for view in views if view in SEES[spell.component]]}
        for deviation in perform_take(spec).deviations.values()
        for spell in deviation.spells
    ]
    return {
        "take_id": spec.take_id,
        "participant_id": spec.participant_id,
        "task": spec.task,
        "rating": skill.rating,
        "level": skill.level,
        "components": dict(zip(COMPONENTS, skill.components, strict=True)),
        "faults": faults,
    }
