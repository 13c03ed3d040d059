"""Simulated takes as a folder of videos with a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proskill.data.manifest import write_manifest
from proskill.data.take import Split, Take, View
from proskill.simulation.cameras import CAMERA_KINDS
from proskill.simulation.filmed_take import FilmedTake
from proskill.simulation.take_spec import TakeSpec


def plan_manifest(
    specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> list[FilmedTake]:
    """One take per performance."""
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


def write_manifest_layout(root: Path, takes: Sequence[FilmedTake]) -> Path:
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
