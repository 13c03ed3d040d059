"""The tasks of simulated performers: the ideal movement, the same for every level of skill.

A task maps a warped clock to hands, feet, pelvis and lean. What varies between takes (targets,
tempo, amplitude, handedness) is drawn without regard to skill. World axes as in `body`;
right-handed here, `motion` mirrors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from proskill.simulation.body import Body

LEFT, RIGHT = 0, 1


@dataclass
class Ideal:
    """An ideal movement over T timestamps.

    Attributes:
        hands: (T, 2, 3) left, right.
        feet: (T, 2, 3) ankles.
        pelvis: (T, 3).
        lean: (T, 2) where the chest is relative to the pelvis, (x, y).
        balls: (T, K, 3) thrown or carried objects.
        table_height: height of the table's top, or None.
        has_tool: whether each hand holds a tool.
    """

    hands: np.ndarray
    feet: np.ndarray
    pelvis: np.ndarray
    lean: np.ndarray
    balls: np.ndarray
    table_height: float | None = None
    has_tool: tuple[bool, bool] = (False, False)


@dataclass(frozen=True)
class Task:
    """A named task.

    Attributes:
        whole_body: whether trunk and feet take part, not the hands alone.
        move: (body, clock (T,) in cycles, rng) -> Ideal.
    """

    name: str
    whole_body: bool
    move: Callable[[Body, np.ndarray, np.random.Generator], Ideal] = field(repr=False)


def minimum_jerk(fraction: np.ndarray) -> np.ndarray:
    """Return the position at a fraction of a reaching movement (Flash & Hogan 1985, eq. 3)."""
    u = np.clip(fraction, 0.0, 1.0)
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))


def _through(points: np.ndarray, clock: np.ndarray, *, dwell: float = 0.12) -> np.ndarray:
    """Return a minimum-jerk movement from point to point, one per cycle; (K, D) -> (T, D)."""
    clock = np.clip(clock, 0.0, len(points) - 1.001)
    index = clock.astype(int)
    along = minimum_jerk((clock - index - dwell / 2) / (1 - dwell))[:, None]
    return np.asarray(points[index] * (1 - along) + points[index + 1] * along)


def _standing(body: Body, clock: np.ndarray) -> Ideal:
    num = len(clock)
    feet = np.zeros((num, 2, 3))
    feet[:, :, 2] = 0.05
    feet[:, LEFT, 0], feet[:, RIGHT, 0] = 1.5 * body.half_hips, -1.5 * body.half_hips
    pelvis = np.tile([0.0, 0.0, body.pelvis_height], (num, 1))
    return Ideal(
        hands=np.zeros((num, 2, 3)),
        feet=feet,
        pelvis=pelvis,
        lean=np.zeros((num, 2)),
        balls=np.zeros((num, 0, 3)),
    )


def _num_points(clock: np.ndarray) -> int:
    return int(np.ceil(clock.max())) + 3


def _reach_and_place(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    top = 0.58 * body.height
    num = _num_points(clock)
    points = np.stack(
        [rng.uniform(-0.32, 0.2, num), rng.uniform(0.28, 0.52, num), np.full(num, top + 0.05)],
        axis=1,
    )
    ideal.hands[:, RIGHT] = _through(points, clock)
    lift = np.sin(np.pi * (clock % 1.0)) ** 2
    ideal.hands[:, RIGHT, 2] += 0.1 * lift
    ideal.hands[:, LEFT] = [0.22, 0.3, top + 0.05]
    ideal.balls = ideal.hands[:, RIGHT : RIGHT + 1] + np.array([0.0, 0.05, -0.02])
    ideal.table_height = top
    ideal.lean[:, 1] = 0.07
    return ideal


def _stacking(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    top = 0.58 * body.height
    num = _num_points(clock)
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        near = np.stack(
            [
                sign * rng.uniform(0.02, 0.1, num),
                rng.uniform(0.38, 0.44, num),
                top + rng.uniform(0.06, 0.2, num),
            ],
            axis=1,
        )
        far = np.stack(
            [
                sign * rng.uniform(0.2, 0.32, num),
                rng.uniform(0.28, 0.46, num),
                np.full(num, top + 0.05),
            ],
            axis=1,
        )
        points = np.where((np.arange(num) % 2 == 0)[:, None], near, far)
        ideal.hands[:, side] = _through(points, clock + 0.5 * side)
    ideal.balls = ideal.hands + np.array([0.0, 0.05, 0.0])
    ideal.table_height = top
    ideal.lean[:, 1] = 0.06
    return ideal


def _drumming(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    top = 0.56 * body.height
    spread, height = rng.uniform(0.15, 0.24), rng.uniform(0.12, 0.2)
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        phase = 2 * np.pi * (clock + 0.5 * side)
        ideal.hands[:, side, 0] = sign * spread + 0.05 * np.sin(0.5 * phase)
        ideal.hands[:, side, 1] = 0.38 + 0.03 * np.cos(phase)
        ideal.hands[:, side, 2] = top + 0.04 + height * 0.5 * (1 + np.cos(phase))
    ideal.table_height = top
    ideal.has_tool = (True, True)
    return ideal


def _juggling(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    centre, spread = 0.62 * body.height, rng.uniform(0.18, 0.24)
    radius_x, radius_z = rng.uniform(0.07, 0.1), rng.uniform(0.08, 0.12)
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        phase = 2 * np.pi * (clock + 0.5 * side)
        ideal.hands[:, side, 0] = sign * (spread - radius_x * np.cos(phase))
        ideal.hands[:, side, 1] = 0.36
        ideal.hands[:, side, 2] = centre + radius_z * np.sin(phase)
    # Three balls, a third of a beat's round apart, arcing from hand to hand.
    flight = rng.uniform(0.3, 0.45)
    ideal.balls = np.empty((len(clock), 3, 3))
    for k in range(3):
        beat = clock + 2 * k / 3
        from_side = np.floor(beat).astype(int) % 2
        u = beat % 1.0
        signs = np.where(from_side == LEFT, 1.0, -1.0)
        ideal.balls[:, k, 0] = signs * spread * (1 - 2 * u)
        ideal.balls[:, k, 1] = 0.38
        ideal.balls[:, k, 2] = centre + 0.05 + flight * 4 * u * (1 - u)
    return ideal


def _throwing(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    shoulder = body.pelvis_height + body.trunk
    swing = rng.uniform(0.85, 1.1)
    back = np.array([-0.38, -0.12, shoulder + 0.12])
    front = np.array([-0.12, 0.5 * swing, shoulder - 0.05])
    num = _num_points(clock * 2)
    points = np.where((np.arange(num) % 2 == 0)[:, None], back, front)
    points = points + rng.normal(0, 0.03, points.shape)
    ideal.hands[:, RIGHT] = _through(points, clock * 2)
    forward = _through((np.arange(num) % 2)[:, None].astype(float), clock * 2)[:, 0]
    ideal.hands[:, LEFT] = [0.25, 0.25, shoulder - 0.25]
    ideal.hands[:, LEFT, 1] += 0.15 * (1 - forward)
    ideal.pelvis[:, 1] += 0.14 * (forward - 0.5)
    ideal.pelvis[:, 2] -= 0.03
    ideal.lean[:, 1] = 0.12 * (forward - 0.4)
    ideal.feet[:, LEFT, 1] += 0.18
    ideal.feet[:, RIGHT, 1] -= 0.14
    ideal.balls = ideal.hands[:, RIGHT : RIGHT + 1] + np.array([0.0, 0.04, 0.04])
    return ideal


def _step_and_reach(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    shoulder = body.pelvis_height + body.trunk
    num = _num_points(clock)
    side_of = np.where(np.arange(num) % 2 == 0, 1.0, -1.0)
    stride = rng.uniform(0.14, 0.22)
    pelvis_x = _through((side_of * stride)[:, None], clock)[:, 0]
    ideal.pelvis[:, 0] += pelvis_x
    ideal.pelvis[:, 2] -= 0.06
    ideal.feet[:, LEFT, 0] += 0.2
    ideal.feet[:, RIGHT, 0] -= 0.2
    ideal.lean[:, 0] = 0.35 * pelvis_x
    points = np.stack(
        [
            side_of * rng.uniform(0.2, 0.38, num),
            rng.uniform(0.34, 0.46, num),
            shoulder + rng.uniform(-0.3, 0.15, num),
        ],
        axis=1,
    )
    reach = _through(points, clock)
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        ideal.hands[:, side] = reach + np.array([sign * 0.1, 0.0, 0.0])
    ideal.balls = reach[:, None]
    return ideal


def _squat_and_lift(body: Body, clock: np.ndarray, rng: np.random.Generator) -> Ideal:
    ideal = _standing(body, clock)
    depth = rng.uniform(0.16, 0.26)
    num = _num_points(clock)
    low = _through(((np.arange(num) + 1) % 2)[:, None].astype(float), clock)[:, 0]
    ideal.pelvis[:, 2] -= 0.03 + depth * low
    ideal.pelvis[:, 1] -= 0.1 * low
    ideal.lean[:, 1] = 0.05 + 0.17 * low
    ideal.feet[:, LEFT, 0] += 0.06
    ideal.feet[:, RIGHT, 0] -= 0.06
    height = body.pelvis_height + 0.2 - (depth + 0.3) * low
    for side, sign in ((LEFT, 1.0), (RIGHT, -1.0)):
        ideal.hands[:, side] = np.stack(
            [np.full_like(height, sign * 0.17), np.full_like(height, 0.36), height], axis=1
        )
    ideal.balls = ideal.hands.mean(axis=1, keepdims=True)
    return ideal


TASKS = {
    task.name: task
    for task in (
        Task("reach_and_place", False, _reach_and_place),
        Task("stacking", False, _stacking),
        Task("drumming", False, _drumming),
        Task("juggling", False, _juggling),
        Task("throwing", True, _throwing),
        Task("step_and_reach", True, _step_and_reach),
        Task("squat_and_lift", True, _squat_and_lift),
    )
}
