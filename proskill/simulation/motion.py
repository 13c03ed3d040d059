"""Joint trajectories: an ideal movement, disturbed by the deviations of `control`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proskill.simulation.body import HANDS, Body, pose_joints
from proskill.simulation.control import Deviation, Spell, band_noise, draw_deviations
from proskill.simulation.skill import Skill
from proskill.simulation.tasks import TASKS

HAND_METRES = 0.028
SWAY_METRES = 0.05
CLOCK_SECONDS = 0.07
"""Typical size (standard deviation) of the deviations of hand, trunk and clock; drawn per take
around these, whatever the skill."""

_PELVIS_GAIN, _CHEST_GAIN, _HEAD_GAIN = 0.45, 0.75, 0.25


@dataclass(frozen=True)
class Performance:
    """One take's motion, sampled at the cameras' rate.

    Attributes:
        seconds: (T,) timestamps from 0.
        joints: (T, J, 3) metres, in the order of `body.JOINTS`.
        tool_tips: (T, 2, 3) end of what each hand points with.
        balls: (T, K, 3).
        gaze: (T, 3) where the performer's head would be without any deviation, for the ego camera.
        table_height: metres, or None.
        has_tool: left, right.
        deviations: by component of skill.
    """

    body: Body
    seconds: np.ndarray
    joints: np.ndarray
    tool_tips: np.ndarray
    balls: np.ndarray
    gaze: np.ndarray
    table_height: float | None
    has_tool: tuple[bool, bool]
    deviations: dict[str, Deviation]


def draw_body(rng: np.random.Generator) -> Body:
    """Draw a performer's size and build, independent of skill."""
    return Body(
        height=float(np.clip(rng.normal(1.72, 0.09), 1.45, 2.05)),
        build=float(rng.uniform(0.8, 1.3)),
        arm_ratio=float(rng.uniform(0.94, 1.06)),
        leg_ratio=float(rng.uniform(0.94, 1.06)),
    )


def perform(
    task_name: str,
    skill: Skill,
    body: Body,
    *,
    duration_seconds: float,
    frame_rate: float,
    is_left_handed: bool,
    rng: np.random.Generator,
    spells: Sequence[Spell] | None = None,
) -> Performance:
    """Carry out a task once.

    Args:
        task_name: a key of `tasks.TASKS`.
        duration_seconds: length of the take.
        frame_rate: timestamps per second of the result.
        rng: everything else (tempo, start phase, targets, sizes of deviations) is drawn from it.
        spells: exactly these spells of corrections, whatever the skill; None draws them.
    """
    task = TASKS[task_name]
    seconds = np.arange(round(duration_seconds * frame_rate)) / frame_rate
    deviations = draw_deviations(skill, seconds, rng, spells=spells)
    hand_size, frontal_size, sagittal_size, clock_size = np.array(
        [HAND_METRES, SWAY_METRES, SWAY_METRES, CLOCK_SECONDS]
    ) * np.exp(rng.normal(0, 0.2, 4))
    tempo, start = rng.uniform(0.5, 0.8), rng.uniform(0, 2)
    movement = np.random.default_rng(rng.integers(2**63))
    state = movement.bit_generator.state
    even = start + tempo * seconds
    warped = np.maximum(even + tempo * clock_size * deviations["timing"].signal[:, 0], 0.0)
    ideal = task.move(body, warped, movement)
    movement.bit_generator.state = state  # the undisturbed movement, to the same targets
    undisturbed = task.move(body, even, movement)

    frontal = frontal_size * deviations["frontal_control"].signal[:, :1]
    sagittal = sagittal_size * deviations["sagittal_control"].signal[:, :1]
    sway = np.concatenate([frontal, sagittal], axis=1)
    static_lean = rng.normal(0, 0.02, 2)
    pelvis = ideal.pelvis.copy()
    pelvis[:, :2] += _PELVIS_GAIN * sway
    hand_noise = hand_size * deviations["dexterity"].signal
    # The free hand's share is smaller and turned, so that the two hands do not move as one.
    hands = ideal.hands.copy()
    hands[:, 1] += hand_noise
    free_noise = 0.8 * hand_noise[:, [1, 2, 0]]
    hands[:, 0] += free_noise
    joints = pose_joints(
        body,
        pelvis=pelvis,
        chest_shift=ideal.lean + static_lean + _CHEST_GAIN * sway,
        head_shift=0.3 * ideal.lean + _HEAD_GAIN * sway,
        hands=hands,
        feet=ideal.feet,
    )
    # What a hand points with turns by the same deviation, so that the fingertips show it best.
    rest = np.array([0.0, 0.16, 0.03]) + rng.normal(0, 0.02, 3)
    turn = np.stack([free_noise, hand_noise], axis=1)[..., [2, 0, 1]]
    tool_tips = joints[:, HANDS] + rest + 1.3 * turn
    drift = np.stack([0.02 * band_noise(seconds, (0.15, 0.45), rng) for _ in range(3)], axis=1)
    gaze = undisturbed.pelvis + np.array([0.0, 0.08, 0.97 * (body.trunk + body.head)]) + drift
    balls = ideal.balls
    if is_left_handed:
        joints = _swap_sides(_mirror(joints))
        tool_tips = _mirror(tool_tips)[:, ::-1]
        balls, gaze = _mirror(balls), _mirror(gaze)
    return Performance(
        body=body,
        seconds=seconds,
        joints=joints,
        tool_tips=tool_tips,
        balls=balls,
        gaze=gaze,
        table_height=ideal.table_height,
        has_tool=ideal.has_tool[::-1] if is_left_handed else ideal.has_tool,
        deviations=deviations,
    )


def _mirror(points: np.ndarray) -> np.ndarray:
    return points * np.array([-1.0, 1.0, 1.0])


def _swap_sides(joints: np.ndarray) -> np.ndarray:
    order = np.arange(joints.shape[1])
    order[3:] = order[3:].reshape(-1, 2)[:, ::-1].ravel()
    return joints[:, order]
