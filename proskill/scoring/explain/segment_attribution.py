"""Segment attribution: the score of each segment by itself, less that of the average segment.

Omitting one segment from a mean over many changes it little, and least where the score is near an
end of its scale; keeping one segment alone reveals planted faults far better (docs/experiments.md).
Frames, not windows, are kept or omitted, because a window is longer than most faults.

The windows are dealt to several grids, each with another first timestamp. Effects common to all
grids come from the performance, differences between grids from the sampling.

Arithmetic only. Not here: reading and encoding (`explaining.py`), the result (`explanation.py`).

Shapes: F frames, V views, D embedding, G grids, N segments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proskill.scoring.explanation import CHANCE_NOISES

Floats = NDArray[np.float64]
Scores = Callable[[Floats], Floats]  # (N, V, D) features to (N,) scores

_STEPS_PER_SEGMENT = 2
_MIN_FRAMES = 2  # a single frame is no motion
_WORTH_NAMING = 0.1  # levels


@dataclass(frozen=True)
class Segments:
    """Overlapping segments, whose middles are half a segment apart.

    Attributes:
        edges: (N + 1,) seconds on the common clock; segment i is centred between edges i and i + 1.
        segment_seconds: length of each segment.
    """

    edges: Floats
    segment_seconds: float

    @property
    def middles(self) -> Floats:
        """(N,)."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    def segment(self, index: int) -> tuple[float, float]:
        """Return [start, end) of a segment, clipped to the whole."""
        middle, half = float(self.middles[index]), self.segment_seconds / 2
        return max(float(self.edges[0]), middle - half), min(float(self.edges[-1]), middle + half)


def cut(start_seconds: float, end_seconds: float, *, segment_seconds: float) -> Segments:
    """Return segments over the time, each of which reaches into its neighbours."""
    length = segment_seconds / _STEPS_PER_SEGMENT
    count = max(2, round((end_seconds - start_seconds) / length))
    return Segments(np.linspace(start_seconds, end_seconds, count + 1), segment_seconds)


@dataclass(frozen=True)
class Grid:
    """The frames of the windows of one grid.

    Attributes:
        features: (F, V, D) of each frame in its window.
        seconds: (F,) the middle of the time that each frame represents.
    """

    features: Floats
    seconds: Floats

    def kept(self, segments: Segments) -> tuple[Floats, NDArray[np.intp]]:
        """Return mean features (M, V, D) of the segments with frames, and their indices (M,)."""
        reach = segments.segment_seconds / 2 + 1e-6
        inside = np.abs(self.seconds - segments.middles[:, None]) <= reach  # (N, F)
        counts = inside.sum(axis=1)
        found = np.flatnonzero(counts >= _MIN_FRAMES)
        sums = np.tensordot(inside[found].astype(np.float64), self.features, axes=1)
        return sums / counts[found, None, None], found

    def effects(self, segments: Segments, score: Scores) -> Floats:
        """Return (N,) scores of each segment by itself less the baseline; NaN without frames."""
        means, found = self.kept(segments)
        effects = np.full(len(segments.middles), np.nan)
        if len(found):
            effects[found] = score(means) - self.baseline(score)
        return effects

    def baseline(self, score: Scores) -> float:
        """Return the score of the average segment: of the mean over all frames of the grid.

        It differs from the score of the take, whose windows begin elsewhere.
        """
        return float(score(self.features.mean(axis=0)[None])[0])


@dataclass(frozen=True)
class Map:
    """Effects over all grids.

    Attributes:
        effects: (N,) mean over grids.
        noise: (N,) standard error of that mean over grids.
        is_stable: (N,) True where all grids have the same sign and the effect exceeds the noise.
    """

    effects: Floats
    noise: Floats
    is_stable: NDArray[np.bool_]


def combine(effects: Floats) -> Map:
    """Return mean and standard error over grids of (G, N) effects; one grid makes nothing stable.

    Where no grid has an effect it is 0, and its noise as large as the largest effect.
    """
    known = np.isfinite(effects)
    counts = known.sum(axis=0)  # (N,)
    filled = np.where(known, effects, 0.0)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(known, (effects - mean) ** 2, 0.0).sum(axis=0)  # (N,)
    freedom = np.maximum(counts - 1, 0)
    unknown = float(np.abs(mean).max(initial=0.0))
    if not freedom.any():
        return Map(mean, np.full(len(mean), unknown), np.zeros(len(mean), dtype=bool))
    # A few grids agree by chance now and then, so each segment's variance is drawn half-way to all.
    pooled = float(squares.sum() / freedom.sum())
    own = np.where(freedom > 0, squares / np.maximum(freedom, 1), pooled)
    noise = np.sqrt((own + pooled) / 2 / np.maximum(counts, 1))
    noise = np.where(counts > 0, noise, unknown)
    agree = np.abs(np.where(known, np.sign(effects), 0).sum(axis=0)) == counts
    strong = np.abs(mean) > np.maximum(CHANCE_NOISES * noise, _WORTH_NAMING)
    return Map(mean, noise, agree & strong & (counts > 1))


def peaks(found: Map, segments: Segments, *, at_most: int) -> list[int]:
    """Return stable segments that do not overlap, largest effect less noise first."""
    sure = np.where(found.is_stable, np.abs(found.effects) - found.noise, -np.inf)
    chosen: list[int] = []
    for index in np.argsort(-sure, kind="stable").tolist():
        if len(chosen) == at_most or not np.isfinite(sure[index]):
            break
        distances = np.abs(segments.middles[index] - segments.middles[chosen])
        if (distances >= segments.segment_seconds - 1e-6).all():
            chosen.append(index)
    return chosen


def shares(effects: Sequence[Floats]) -> list[float]:
    """Return the variation of each view's map (N,) as a share: root mean squares that sum to 1.

    All 0 where nothing moves in any view.
    """
    sizes = [float(np.sqrt((each**2).mean())) for each in effects]
    total = sum(sizes)
    return [size / total if total > 0 else 0.0 for size in sizes]
