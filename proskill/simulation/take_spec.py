"""Simulated take: its parameters, hidden skill, motion and pictures.

Files are written by `takes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from proskill.data.take import Split
from proskill.simulation.cameras import CAMERA_KINDS, place_camera
from proskill.simulation.control import Spell
from proskill.simulation.motion import Performance, draw_body, perform
from proskill.simulation.render import draw_looks, render_view
from proskill.simulation.skill import Skill, draw_take_skill
from proskill.simulation.tasks import TASKS

FRAME_RATE = 20
SIZE_PX = 224
DURATION_SECONDS = (5.6, 8.0)
DEFAULT_TASKS = ("reach_and_place", "drumming", "juggling", "throwing", "step_and_reach")
DEFAULT_VIEWS = ("ego", "exo1", "exo2")

# Independent streams of randomness: the same participant has the same body and skill in every take.
_BODY, _SKILL, _TASK_SKILL, _TAKE_SKILL, _MOTION, _LOOKS, _CAMERA, _CODEC = range(8)


@dataclass(frozen=True)
class TakeSpec:
    """Parameters that determine one simulated take.

    Attributes:
        seed: of the dataset.
        participant: number of the performer, from 0.
        repetition: number of the take among the performer's takes, from 0.
        task: a key of `tasks.TASKS`.
    """

    seed: int
    participant: int
    repetition: int
    task: str

    @property
    def participant_id(self) -> str:
        return f"s{self.seed}p{self.participant:04d}"

    @property
    def take_id(self) -> str:
        return f"{self.participant_id}_{self.task}_{self.repetition}"

    def rng(self, stream: int, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.participant, stream, *key])

    def view_rng(self, stream: int, view: str) -> np.random.Generator:
        return self.rng(stream, self.repetition, sorted(CAMERA_KINDS).index(view))


def draw_skill(spec: TakeSpec) -> Skill:
    """Draw the take's hidden skill."""
    task = sorted(TASKS).index(spec.task)
    return draw_take_skill(
        spec.rng(_SKILL), spec.rng(_TASK_SKILL, task), spec.rng(_TAKE_SKILL, spec.repetition, task)
    )


def perform_take(spec: TakeSpec, *, spells: Sequence[Spell] | None = None) -> Performance:
    """Compute the take's true motion, before a camera adds anything.

    Args:
        spec: of the take.
        spells: exactly these spells of corrections, to plant a fault at a known time; None draws
            those that the take's skill leaves.
    """
    body_rng, rng = spec.rng(_BODY), spec.rng(_MOTION, spec.repetition)
    body, is_left_handed = draw_body(body_rng), bool(body_rng.random() < 0.12)
    return perform(
        spec.task,
        draw_skill(spec),
        body,
        duration_seconds=float(rng.uniform(*DURATION_SECONDS)),
        frame_rate=FRAME_RATE,
        is_left_handed=is_left_handed,
        rng=rng,
        spells=spells,
    )


def film_take(
    spec: TakeSpec, view: str, performance: Performance, *, size_px: int = SIZE_PX
) -> Iterator[np.ndarray]:
    """Yield frames (H, W, 3) uint8 RGB of one view of a take."""
    return render_view(
        performance,
        place_camera(view, performance, spec.view_rng(_CAMERA, view)),
        draw_looks(spec.rng(_LOOKS, spec.repetition)),
        is_ego=CAMERA_KINDS[view] == "ego",
        size_px=size_px,
        rng=spec.view_rng(_LOOKS, view),
    )


def draw_quality(spec: TakeSpec, view: str) -> int:
    """Draw the compression of one view's file, as x264's constant rate factor."""
    return int(spec.view_rng(_CODEC, view).integers(21, 29))


def plan_takes(
    *,
    num_participants: int,
    takes_per_participant: int,
    tasks: Sequence[str] = DEFAULT_TASKS,
    seed: int = 0,
) -> list[TakeSpec]:
    """Plan the takes of a dataset: each participant goes through the tasks in turn.

    Raises:
        ValueError: no participant, no take, or an unknown task.
    """
    for name, value in (
        ("num_participants", num_participants),
        ("takes_per_participant", takes_per_participant),
    ):
        if value < 1:
            raise ValueError(f"{name}={value}: must be 1 or more")
    if seed < 0:
        raise ValueError(f"seed={seed}: must be 0 or more")
    for task in tasks or [""]:
        if task not in TASKS:
            raise ValueError(f"task={task!r}: allowed are {', '.join(TASKS)}")
    return [
        TakeSpec(seed, participant, repetition, tasks[(participant + repetition) % len(tasks)])
        for participant in range(num_participants)
        for repetition in range(takes_per_participant)
    ]


def assign_splits(
    num_participants: int, shares: tuple[float, float, float], seed: int
) -> list[Split]:
    """Draw the split of each participant by shares of train, val and test that sum to 1.

    Raises:
        ValueError: negative shares, or a sum other than 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares={shares}: must be three shares of 0 or more that sum to 1")
    train, val = (round(num_participants * share) for share in shares[:2])
    val = min(val, num_participants - train)
    counts: dict[Split, int] = {
        "train": train,
        "val": val,
        "test": num_participants - train - val,
    }
    names = [split for split, count in counts.items() for _ in range(count)]
    order = np.random.default_rng([seed, 99]).permutation(num_participants)
    return [names[i] for i in order]
