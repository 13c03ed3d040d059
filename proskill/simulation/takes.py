"""Simulated datasets on disk: mp4 files, files of a layout, and the hidden truth."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import cv2

from proskill.data.manifest import write_manifest
from proskill.data.take import Split, Take, View
from proskill.simulation.basket_layout import plan_basket, write_basket_layout
from proskill.simulation.cameras import CAMERA_KINDS, SEES
from proskill.simulation.egoexo4d_layout import plan_egoexo4d, write_egoexo4d_layout
from proskill.simulation.filmed_take import FilmedTake, write_lines
from proskill.simulation.proskill_layout import plan_proskill, write_proskill_layout
from proskill.simulation.render import write_video
from proskill.simulation.skill import COMPONENTS
from proskill.simulation.take_spec import (
    DEFAULT_TASKS,
    DEFAULT_VIEWS,
    FRAME_RATE,
    TakeSpec,
    assign_splits,
    draw_quality,
    film_take,
    perform_take,
    plan_takes,
)

LayoutName = Literal["manifest", "egoexo4d", "basket", "proskill"]


@dataclass(frozen=True)
class _Layout:
    """Layout of a dataset on disk.

    Attributes:
        plan: (performances, split of each participant by number, views) -> takes and their files.
        write: (folder, takes) -> the file or folder to read the dataset from.
        views: the cameras where none are named.
    """

    plan: Callable[[Sequence[TakeSpec], Sequence[Split], Sequence[str]], list[FilmedTake]]
    write: Callable[[Path, Sequence[FilmedTake]], Path]
    views: tuple[str, ...] = DEFAULT_VIEWS


def _plan_manifest(
    specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> list[FilmedTake]:
    """Plan one take per performance."""
    return [
        FilmedTake(
            take_id=spec.take_id,
            participant_id=spec.participant_id,
            split=splits[spec.participant],
            specs=(spec,),
            files={view: f"videos/{spec.take_id}_{view}.mp4" for view in views},
        )
        for spec in specs
    ]


def _write_manifest(root: Path, takes: Sequence[FilmedTake]) -> Path:
    """Write `manifest.csv` and return it."""
    labelled = [
        Take(
            take_id=take.take_id,
            participant_id=take.participant_id,
            scenario=take.task,
            views={
                view: View(root / file, CAMERA_KINDS[view]) for view, file in take.files.items()
            },
            split=take.split,
            level=take.skill.level,
            rating=round(take.skill.rating, 4),
        )
        for take in takes
    ]
    write_manifest(root / "manifest.csv", labelled)
    return root / "manifest.csv"


_LAYOUTS: dict[LayoutName, _Layout] = {
    "manifest": _Layout(_plan_manifest, _write_manifest),
    "egoexo4d": _Layout(plan_egoexo4d, write_egoexo4d_layout),
    "basket": _Layout(plan_basket, write_basket_layout, views=("exo1",)),
    "proskill": _Layout(plan_proskill, write_proskill_layout),
}


def simulate_dataset(
    out: Path,
    *,
    num_participants: int,
    takes_per_participant: int,
    views: Sequence[str] | None = None,
    tasks: Sequence[str] = DEFAULT_TASKS,
    seed: int = 0,
    layout: LayoutName = "manifest",
    split_shares: tuple[float, float, float] = (0.5, 0.1, 0.4),
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated dataset; files that an earlier, interrupted call finished are kept.

    Args:
        out: folder, made when missing.
        views: names among `cameras.CAMERA_KINDS`; None takes the layout's own.
        layout: whose files, keys and names the dataset has.
        split_shares: shares of the participants in train, val and test.
        num_workers: processes; None means one per core.
        on_progress: called with (takes done, takes in all).

    Returns:
        The file or folder to read the dataset from.

    Raises:
        ValueError: an argument outside its range, or too few people for the layout.
    """
    if layout not in get_args(LayoutName):
        raise ValueError(f"layout={layout!r}: allowed are {', '.join(get_args(LayoutName))}")
    views = _LAYOUTS[layout].views if views is None else views
    for view in views or [""]:
        if view not in CAMERA_KINDS:
            raise ValueError(f"view={view!r}: allowed are {', '.join(CAMERA_KINDS)}")
    if len(set(views)) != len(views):
        raise ValueError(f"views={','.join(views)}: a name stands twice")
    specs = plan_takes(
        num_participants=num_participants,
        takes_per_participant=takes_per_participant,
        tasks=tasks,
        seed=seed,
    )
    splits = assign_splits(num_participants, split_shares, seed)
    takes = _LAYOUTS[layout].plan(specs, splits, views)
    out.mkdir(parents=True, exist_ok=True)
    _render_all(out, takes, num_workers, on_progress)
    write_lines(out / "truth.jsonl", [json.dumps(_truth(take)) for take in takes])
    return _LAYOUTS[layout].write(out, takes)


def _render_all(
    out: Path,
    takes: Sequence[FilmedTake],
    num_workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    jobs = [(take.specs, {view: out / file for view, file in take.files.items()}) for take in takes]
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


def _render_take(job: tuple[tuple[TakeSpec, ...], Mapping[str, Path]]) -> None:
    specs, paths = job
    performances = [perform_take(spec) for spec in specs]
    for view, path in paths.items():
        if not path.exists():
            frames = chain.from_iterable(
                film_take(spec, view, performance)
                for spec, performance in zip(specs, performances, strict=True)
            )
            quality = draw_quality(specs[0], view)
            write_video(path, frames, frame_rate=FRAME_RATE, quality=quality)


def _truth(take: FilmedTake) -> dict[str, Any]:
    """Return hidden skill, its components, and every fault with time, kind and views."""
    skill = take.skill
    faults = [
        {**asdict(spell), "views": [view for view in take.files if view in SEES[spell.component]]}
        for spell in take.spells
    ]
    return {
        "take_id": take.take_id,
        "participant_id": take.participant_id,
        "task": take.task,
        "rating": skill.rating,
        "level": skill.level,
        "components": dict(zip(COMPONENTS, skill.components, strict=True)),
        "faults": faults,
    }
