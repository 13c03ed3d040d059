"""Observers without a video model: the ceiling, a cheap baseline, negative controls.

- `kinematic_features`: from the true motion, as a perfect observer sees it (the ceiling);
- `pose_set_features`: the same joints with their order thrown away, and
- `appearance_features`: single frames of every view (both must be near chance);
- `motion_energy`: how much changes from frame to frame, the cheap motion baseline.

`linear_readout` evaluates each of them by ridge regression on the training performers.

Shapes: T timestamps, J joints, F features, N takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict

from proskill.simulation.body import HANDS, JOINT_INDEX
from proskill.simulation.motion import Performance
from proskill.video.reader import VideoReader

_CORRECTION_HZ, _DRIFT_HZ = (1.75, 3.6), (0.3, 1.3)
_ALPHAS = np.logspace(0, 4, 13)
_NUM_FOLDS = 5
_NUM_FRAMES = 4
_NUM_ORIENTATIONS = 8


def kinematic_features(performance: Performance, *, frame_rate: float) -> np.ndarray:
    """Compare fast and slow movement of trunk and hands, from the true motion; (F,)."""
    joints, tips = performance.joints, performance.tool_tips
    chest, head = joints[:, JOINT_INDEX["chest"]], joints[:, JOINT_INDEX["head"]]
    hands = joints[:, HANDS]
    speed = np.linalg.norm(np.gradient(hands, axis=0), axis=2)  # (T, 2)
    channels = np.concatenate(
        [
            chest[:, :2],
            (head - chest)[:, :2],
            hands.reshape(len(hands), -1),
            (tips - hands).reshape(len(hands), -1),
            speed,
        ],
        axis=1,
    )  # (T, K)
    fast, slow = (_local_size(channels, band, frame_rate) for band in (_CORRECTION_HZ, _DRIFT_HZ))
    share = fast / (fast + slow + 1e-9)
    relative = fast / (np.quantile(fast, 0.95, axis=0) + 1e-12)
    return np.concatenate(
        [
            share.mean(axis=0),
            (share > 0.5).mean(axis=0),
            share.std(axis=0),
            np.log(fast.mean(axis=0) + 1e-5),
            np.log(slow.mean(axis=0) + 1e-5),
            relative.mean(axis=0),
        ]
    )


def pose_set_features(performance: Performance) -> np.ndarray:
    """Return mean, spread and quantiles of every joint's position, blind to order; (F,)."""
    poses = performance.joints.reshape(len(performance.joints), -1)
    quantiles = np.quantile(poses, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    return np.concatenate([poses.mean(axis=0), poses.std(axis=0), quantiles.ravel()])


def appearance_features(views: Mapping[str, Path]) -> np.ndarray:
    """Average gradient histograms and grey values of a few single frames per view; (F,)."""
    parts = []
    for path in views.values():
        for frame in _grey_frames(path, _NUM_FRAMES):
            parts.append(np.concatenate([_gradient_histogram(frame), _thumbnail(frame)]))
    per_view = np.stack(parts).reshape(len(views), _NUM_FRAMES, -1)
    return np.asarray(per_view.mean(axis=1).ravel())


def motion_energy(views: Mapping[str, Path], *, frame_interval_seconds: float) -> np.ndarray:
    """Return the log of the mean change between frames, whole picture and 4 x 4 parts; (F,)."""
    features = []
    for path in views.values():
        with VideoReader(path, size=(64, 64)) as reader:
            timestamps = np.arange(0.0, reader.duration_seconds, frame_interval_seconds)
            frames = reader.frames_at(timestamps).float().mean(dim=1).numpy()  # (T, H, W)
        change = np.abs(np.diff(frames, axis=0)).mean(axis=0)  # (H, W)
        parts = change.reshape(4, 16, 4, 16).mean(axis=(1, 3)).ravel()
        features.append(np.log(np.append(parts, change.mean()) + 1e-3))
    return np.concatenate(features)


@dataclass(frozen=True)
class Readout:
    """Predictions of a linear model from features.

    Attributes:
        score: (N_test,) predicted rating.
        level: (N_test,) predicted level index.
    """

    score: np.ndarray
    level: np.ndarray


def linear_readout(
    features: np.ndarray,
    ratings: np.ndarray,
    levels: np.ndarray,
    scenarios: np.ndarray,
    participants: np.ndarray,
    is_train: np.ndarray,
) -> Readout:
    """Fit ridge regression of the rating on the training takes, and predict the others.

    Features are standardised within each scenario, by its training takes (by all of them where it
    has none). Level cuts give cross-validated training predictions the frequencies of the training
    levels.

    Args:
        features: (N, F).
        ratings: (N,) continuous skill; only those of training takes are read.
        levels: (N,) level indices; likewise.
        scenarios: (N,) names.
        participants: (N,) ids, for folds that do not split a performer.
        is_train: (N,) bool.
    """
    scaled = np.zeros_like(features, dtype=float)
    for scenario in np.unique(scenarios):
        rows = scenarios == scenario
        known = rows & is_train
        reference = features[known if known.any() else is_train]
        spread = reference.std(axis=0)
        scaled[rows] = (features[rows] - reference.mean(axis=0)) / np.where(
            spread > 1e-9, spread, 1
        )
    train_x, train_y = scaled[is_train], ratings[is_train]
    model = RidgeCV(_ALPHAS).fit(train_x, train_y)
    folds = GroupKFold(_NUM_FOLDS)
    held_out = cross_val_predict(
        RidgeCV(_ALPHAS), train_x, train_y, groups=participants[is_train], cv=folds
    )
    counts = np.bincount(levels[is_train])
    cuts = np.quantile(held_out, np.cumsum(counts)[:-1] / counts.sum())
    score = model.predict(scaled[~is_train])
    return Readout(score, np.searchsorted(cuts, score))


def _local_size(
    channels: np.ndarray, band_hz: tuple[float, float], frame_rate: float
) -> np.ndarray:
    """Return the root mean square inside a band, over six tenths of a second; (T, K) -> (T, K)."""
    sos = butter(3, band_hz, "bandpass", fs=frame_rate, output="sos")
    power = sosfiltfilt(sos, channels, axis=0) ** 2
    width = round(0.6 * frame_rate)
    return np.asarray(np.sqrt(np.maximum(uniform_filter1d(power, width, axis=0), 0)))


def _grey_frames(path: Path, num_frames: int) -> list[np.ndarray]:
    with VideoReader(path, size=(64, 64)) as reader:
        timestamps = (np.arange(num_frames) + 0.5) / num_frames * reader.duration_seconds
        frames = reader.frames_at(timestamps).permute(0, 2, 3, 1).numpy()
    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, (12, 12), interpolation=cv2.INTER_AREA).ravel() / 255.0


def _gradient_histogram(frame: np.ndarray) -> np.ndarray:
    """Return relative edge strength by direction in 8 x 8 parts (Dalal & Triggs 2005)."""
    dx, dy = (cv2.Sobel(frame, cv2.CV_32F, a, 1 - a) for a in (1, 0))
    strength = np.hypot(dx, dy)
    direction = np.floor(np.arctan2(dy, dx) % np.pi / np.pi * _NUM_ORIENTATIONS)
    parts = [
        cv2.resize(strength * (direction == k), (8, 8), interpolation=cv2.INTER_AREA).ravel()
        for k in range(_NUM_ORIENTATIONS)
    ]
    return np.concatenate(parts) / (strength.mean() + 1e-6)
