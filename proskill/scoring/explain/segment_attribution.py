"""What is left of a score when all of a performance but one stretch is left out.

Leaving one stretch out of a mean over many changes it little, and least where the score is near an
end of its scale; leaving out everything else shows planted faults far better (docs/experiments.md).
Frames, not windows, are kept or left out, because a window is longer than most faults.

The windows are dealt to several grids, each beginning at another instant. What all grids say alike
comes from the performance; what differs between them comes from how it was cut.

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

_SEGMENTS_PER_STRETCH = 2
_MIN_FRAMES = 2  # a single frame is no motion
_WORTH_NAMING = 0.1  # levels


@dataclass(frozen=True)
class Segments:
    """Equal parts of the time that was looked at.

    Attributes:
        edges: (N + 1,) seconds on the common clock.
        stretch_seconds: length of what is kept around the middle of each segment.
    """

    edges: Floats
    stretch_seconds: float

    @property
    def middles(self) -> Floats:
        """(N,)."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    def stretch(self, index: int) -> tuple[float, float]:
        """[start, end) of what was kept for a segment, within the whole."""
        middle, half = float(self.middles[index]), self.stretch_seconds / 2
        return max(float(self.edges[0]), middle - half), min(float(self.edges[-1]), middle + half)


def cut(start_seconds: float, end_seconds: float, *, stretch_seconds: float) -> Segments:
    """Segments half as long as the stretches, so that each stretch reaches into its neighbours."""
    length = stretch_seconds / _SEGMENTS_PER_STRETCH
    count = max(2, round((end_seconds - start_seconds) / length))
    return Segments(np.linspace(start_seconds, end_seconds, count + 1), stretch_seconds)


@dataclass(frozen=True)
class Grid:
    """The frames of the windows of one grid.

    Attributes:
        features: (F, V, D) of each frame in its window.
        seconds: (F,) the middle of what each frame stands for.
    """

    features: Floats
    seconds: Floats

    def kept(self, segments: Segments) -> tuple[Floats, NDArray[np.intp]]:
        """Mean features (M, V, D) of the stretches that hold frames, and which those are (M,)."""
        reach = segments.stretch_seconds / 2 + 1e-6
        inside = np.abs(self.seconds - segments.middles[:, None]) <= reach  # (N, F)
        counts = inside.sum(axis=1)
        found = np.flatnonzero(counts >= _MIN_FRAMES)
        sums = np.tensordot(inside[found].astype(np.float64), self.features, axes=1)
        return sums / counts[found, None, None], found

    def effects(self, segments: Segments, score: Scores) -> Floats:
        """(N,): score of each stretch by itself less the baseline; NaN where it has no frames."""
        means, found = self.kept(segments)
        effects = np.full(len(segments.middles), np.nan)
        if len(found):
            effects[found] = score(means) - self.baseline(score)
        return effects

    def baseline(self, score: Scores) -> float:
        """Score of the average stretch: of all frames of the grid, averaged before they are judged.

        Not the score of the answer: that one's windows lie elsewhere and keep their first frames.
        """
        return float(score(self.features.mean(axis=0)[None])[0])


@dataclass(frozen=True)
class Map:
    """What the grids say together.

    Attributes:
        effects: (N,) mean over grids.
        noise: (N,) standard error of that mean over grids.
        is_stable: (N,) all grids say the same sign, and the effect stands out of the noise.
    """

    effects: Floats
    noise: Floats
    is_stable: NDArray[np.bool_]


def combine(effects: Floats) -> Map:
    """Mean and standard error over grids of (G, N) effects; a single grid makes nothing stable.

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
    """Stable segments whose stretches do not overlap, by what is left of the effect after noise."""
    sure = np.where(found.is_stable, np.abs(found.effects) - found.noise, -np.inf)
    chosen: list[int] = []
    for index in np.argsort(-sure, kind="stable").tolist():
        if len(chosen) == at_most or not np.isfinite(sure[index]):
            break
        distances = np.abs(segments.middles[index] - segments.middles[chosen])
        if (distances >= segments.stretch_seconds - 1e-6).all():
            chosen.append(index)
    return chosen


def shares(effects: Sequence[Floats]) -> list[float]:
    """How much each view's own map (N,) moves, as a share of all: root mean squares that sum to 1.

    All 0 where nothing moves in any view.
    """
    sizes = [float(np.sqrt((each**2).mean())) for each in effects]
    total = sum(sizes)
    return [size / total if total > 0 else 0.0 for size in sizes]
