"""Cameras around the performer: position and field of view, independent of skill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proskill.simulation.body import HANDS
from proskill.simulation.control import band_noise
from proskill.simulation.motion import Performance
from proskill.view_names import ViewKind

CAMERA_KINDS: dict[str, ViewKind] = {
    "ego": "ego",
    "exo1": "exo",
    "exo2": "exo",
    "exo3": "exo",
    "exo4": "exo",
}
"""exo1 looks from the front, exo2 from one side, exo3 from the other, exo4 from behind."""

_AZIMUTH_DEGREES = {"exo1": 0.0, "exo2": 90.0, "exo3": -90.0, "exo4": 180.0}

SEES = {
    "dexterity": ("ego",),
    "frontal_control": ("exo1", "exo4"),
    "sagittal_control": ("exo2", "exo3"),
    "timing": ("ego", "exo1", "exo2", "exo3", "exo4"),
}
"""Component of skill -> views in which its lack is mainly visible."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera, possibly moving.

    Attributes:
        position: (T, 3) or (1, 3) metres.
        rotation: (T, 3, 3) or (1, 3, 3), rows are the camera's right, down and forward in the
            world.
        focal: focal length in picture heights.
    """

    position: np.ndarray
    rotation: np.ndarray
    focal: float

    def project(self, points: np.ndarray, size_px: int) -> tuple[np.ndarray, np.ndarray]:
        """Project world points (T, K, 3) to pixels (T, K, 2) and depth (T, K) in metres."""
        local = np.einsum("tij,tkj->tki", self.rotation, points - self.position[:, None])
        depth = np.maximum(local[..., 2], 0.05)
        pixels = size_px * (0.5 + self.focal * local[..., :2] / depth[..., None])
        return pixels, depth


def place_camera(view: str, performance: Performance, rng: np.random.Generator) -> Camera:
    """Place the camera of a named view; pose and zoom vary from take to take."""
    if view == "ego":
        return _worn(performance, rng)
    azimuth = np.radians(_AZIMUTH_DEGREES[view] + rng.uniform(-9, 9))
    distance, height = rng.uniform(3.6, 4.6), rng.uniform(1.1, 1.7)
    aim = np.array([0.0, 0.1, 0.53 * performance.body.height])
    aim = aim + rng.normal(0, 0.04, 3)
    position = np.array([np.sin(azimuth) * distance, np.cos(azimuth) * distance, height])
    focal = float(rng.uniform(0.86, 0.98) * distance / (1.14 * performance.body.height))
    return Camera(position[None], _look(position[None], aim[None]), focal)


def _worn(performance: Performance, rng: np.random.Generator) -> Camera:
    """Place the camera worn on the head; it follows the ideal movement and slow turns alone."""
    seconds = performance.seconds
    hands = performance.joints[:, HANDS].reshape(-1, 3)
    middle = np.median(hands, axis=0)
    reach = np.percentile(np.abs(hands - middle), 95, axis=0).max()
    wander = np.stack([band_noise(seconds, (0.12, 0.4), rng) for _ in range(3)], axis=1)
    aim = middle + 0.01 * wander + rng.normal(0, 0.02, 3)
    position = performance.gaze + np.array([0.0, 0.0, rng.uniform(0.0, 0.06)])
    distance = float(np.linalg.norm(position - middle, axis=1).mean())
    focal = distance * 0.5 / (reach + 0.2) * float(rng.uniform(0.85, 1.05))
    return Camera(position, _look(position, aim), min(focal, 1.6))


def _look(position: np.ndarray, aim: np.ndarray) -> np.ndarray:
    forward = aim - position
    forward = forward / np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.cross(forward, np.broadcast_to([0.0, 0.0, 1.0], forward.shape))
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], axis=-2)
