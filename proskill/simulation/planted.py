"""Takes with one fault at a known time, to test explanations.

Everything else about the take is done without a fault, so that a single segment, in the views that
see its component, is where skill lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from proskill.simulation.cameras import CAMERA_KINDS, SEES
from proskill.simulation.control import Spell, skill_of
from proskill.simulation.motion import Performance
from proskill.simulation.render import write_video
from proskill.simulation.skill import COMPONENTS, Skill
from proskill.simulation.take_spec import (
    FRAME_RATE,
    TakeSpec,
    draw_quality,
    film_take,
    perform_take,
    plan_takes,
)

_MARGIN_SECONDS = 0.2  # before and after the fault, so that it has an onset and an end
_FAULT = 50  # a stream of randomness of its own, beside those of the take


@dataclass(frozen=True)
class PlantedTake:
    """One performance with one spell of corrections.

    Attributes:
        spec: who performs what, and how it is filmed.
        fault: None for a performance without any.
    """

    spec: TakeSpec
    fault: Spell | None

    @cached_property
    def performance(self) -> Performance:
        """Motion of the performer."""
        return perform_take(self.spec, spells=() if self.fault is None else (self.fault,))

    @property
    def duration_seconds(self) -> float:
        """Length of its videos."""
        return len(self.performance.seconds) / FRAME_RATE

    @property
    def skill(self) -> Skill:
        """Skill of a performer with this share of faults."""
        faults = () if self.fault is None else (self.fault,)
        return skill_of(faults, duration_seconds=self.duration_seconds)

    def seen_by(self, views: Sequence[str]) -> tuple[str, ...]:
        """Return the views that mainly show the fault."""
        component = None if self.fault is None else self.fault.component
        return tuple(view for view in views if component and view in SEES[component])

    def frames(self, view: str) -> Iterator[np.ndarray]:
        """Yield a view's frames, (H, W, 3) uint8 RGB each."""
        return film_take(self.spec, view, self.performance)

    def write(self, folder: Path, views: Sequence[str]) -> dict[str, Path]:
        """Film the take: view -> mp4 file in an existing folder."""
        files = {view: folder / f"{self.spec.take_id}_{view}.mp4" for view in views}
        for view, path in files.items():
            quality = draw_quality(self.spec, view)
            write_video(path, self.frames(view), frame_rate=FRAME_RATE, quality=quality)
        return files


def plant_faults(
    num_takes: int,
    *,
    views: Sequence[str],
    fault_seconds: float = 2.0,
    seed: int = 0,
) -> list[PlantedTake]:
    """Make takes of different performers, each with one fault that a single view shows.

    Args:
        num_takes: how many; components take turns.
        views: names among `cameras.CAMERA_KINDS`.
        fault_seconds: length of each fault.
        seed: same seed, same takes.

    Raises:
        ValueError: an unknown view, no component that exactly one view sees, or a fault that does
            not fit into a take.
    """
    for view in views:
        if view not in CAMERA_KINDS:
            raise ValueError(f"view={view!r}: allowed are {', '.join(CAMERA_KINDS)}")
    seen = [c for c in COMPONENTS if len(set(SEES[c]) & set(views)) == 1]
    if not seen:
        raise ValueError(f"views={','.join(views)}: no component is seen by exactly one of them")
    specs = plan_takes(num_participants=num_takes, takes_per_participant=1, seed=seed)
    return [
        _plant(spec, seen[number % len(seen)], fault_seconds) for number, spec in enumerate(specs)
    ]


def without_fault(take: PlantedTake) -> PlantedTake:
    """Return the same performance without the fault."""
    return replace(take, fault=None)


def _plant(spec: TakeSpec, component: str, fault_seconds: float) -> PlantedTake:
    duration = PlantedTake(spec, None).duration_seconds
    spare = duration - fault_seconds - 2 * _MARGIN_SECONDS
    if fault_seconds <= 0 or spare < 0:
        raise ValueError(
            f"fault_seconds={fault_seconds}: must be above 0 and fit into {duration:.1f} s with "
            f"{_MARGIN_SECONDS} s on either side"
        )
    start = _MARGIN_SECONDS + spare * float(spec.rng(_FAULT).random())
    return PlantedTake(spec, Spell(component, start, start + fault_seconds))
