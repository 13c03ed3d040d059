"""The performer's skeleton: proportions, and joints from hands, feet, pelvis and lean.

World axes: x to the performer's left, y forward, z up; metres. Segment lengths are fractions of
body height after Drillis & Contini (1966), as tabulated by Winter, "Biomechanics and Motor Control
of Human Movement" (4th ed., fig. 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

JOINTS = (
    "pelvis", "chest", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_hand", "right_hand", "left_hip", "right_hip", "left_knee", "right_knee", "left_foot",
    "right_foot",
)  # fmt: skip
JOINT_INDEX = {name: i for i, name in enumerate(JOINTS)}
HANDS = [JOINT_INDEX["left_hand"], JOINT_INDEX["right_hand"]]


@dataclass(frozen=True)
class Body:
    """Size and build of one performer.

    Attributes:
        height: standing height in metres, [1.4, 2.1].
        build: thickness of limbs relative to the average, [0.7, 1.4].
        arm_ratio, leg_ratio: limb length relative to the average for the height, [0.9, 1.1].
    """

    height: float
    build: float = 1.0
    arm_ratio: float = 1.0
    leg_ratio: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "height": (1.4, 2.1),
            "build": (0.7, 1.4),
            "arm_ratio": (0.9, 1.1),
            "leg_ratio": (0.9, 1.1),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}={getattr(self, name)}: allowed is {low} to {high}")

    @property
    def upper_arm(self) -> float:
        return 0.186 * self.height * self.arm_ratio

    @property
    def forearm(self) -> float:
        return (0.146 + 0.05) * self.height * self.arm_ratio  # to the middle of the palm

    @property
    def thigh(self) -> float:
        return 0.245 * self.height * self.leg_ratio

    @property
    def shank(self) -> float:
        return 0.246 * self.height * self.leg_ratio

    @property
    def pelvis_height(self) -> float:
        return 0.97 * (self.thigh + self.shank) + 0.039 * self.height  # knees slightly bent

    @property
    def trunk(self) -> float:
        return 0.288 * self.height

    @property
    def head(self) -> float:
        return 0.13 * self.height  # chest to the middle of the head

    @property
    def half_shoulders(self) -> float:
        return 0.115 * self.height

    @property
    def half_hips(self) -> float:
        return 0.055 * self.height


def pose_joints(
    body: Body,
    *,
    pelvis: np.ndarray,
    chest_shift: np.ndarray,
    head_shift: np.ndarray,
    hands: np.ndarray,
    feet: np.ndarray,
) -> np.ndarray:
    """Return all joints of a performer over time.

    Args:
        pelvis: (T, 3).
        chest_shift: (T, 2) where the chest is (x, y) relative to the pelvis; its height follows
            from the trunk's length.
        head_shift: (T, 2) the same for the head relative to the chest.
        hands: (T, 2, 3) wanted positions, left and right; pulled in where the arm is too short.
        feet: (T, 2, 3) ankles, left and right.

    Returns:
        (T, J, 3) in the order of `JOINTS`.
    """
    joints = np.empty((len(pelvis), len(JOINTS), 3))
    chest = pelvis + _upright(chest_shift, body.trunk)
    head = chest + _upright(head_shift, body.head)
    joints[:, 0], joints[:, 1], joints[:, 2] = pelvis, chest, head
    for side, sign in ((0, 1.0), (1, -1.0)):
        shoulder = chest + np.array([sign * body.half_shoulders, 0.0, -0.02])
        hip = pelvis + np.array([sign * body.half_hips, 0.0, 0.0])
        elbow, hand = _two_links(
            shoulder,
            hands[:, side],
            body.upper_arm,
            body.forearm,
            np.array([sign * 0.6, -0.4, -1.0]),
        )
        knee, foot = _two_links(
            hip, feet[:, side], body.thigh, body.shank, np.array([sign * 0.15, 1.0, 0.0])
        )
        for name, value in (
            ("shoulder", shoulder),
            ("elbow", elbow),
            ("hand", hand),
            ("hip", hip),
            ("knee", knee),
            ("foot", foot),
        ):
            joints[:, JOINT_INDEX[f"{('left', 'right')[side]}_{name}"]] = value
    return joints


def _upright(shift: np.ndarray, length: float) -> np.ndarray:
    """Return (T, 3) offsets of the given length for (T, 2) horizontal ones."""
    shift = np.clip(shift, -0.65 * length, 0.65 * length)
    up = np.sqrt(length**2 - (shift**2).sum(axis=1))
    return np.concatenate([shift, up[:, None]], axis=1)


def _two_links(
    root: np.ndarray, target: np.ndarray, first: float, second: float, bend_towards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return middle joint and reached end of a two-link limb by the law of cosines, (T, 3)."""
    reach = target - root
    distance = np.linalg.norm(reach, axis=1, keepdims=True)
    direction = reach / np.maximum(distance, 1e-6)
    distance = np.clip(distance, abs(first - second) + 1e-3, 0.998 * (first + second))
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    across = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    pole = bend_towards - (direction @ bend_towards)[:, None] * direction
    pole /= np.maximum(np.linalg.norm(pole, axis=1, keepdims=True), 1e-6)
    return root + along * direction + across * pole, root + distance * direction
