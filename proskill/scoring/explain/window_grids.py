"""Windows of an explanation: several grids over one performance, shifted against each other.

Arithmetic only. Not here: reading and encoding them (`explaining.py`).

Shapes: W windows, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proskill.input_spec import InputSpec

NUM_GRIDS = 4
_QUARTERS = 4
_MIN_WINDOW_FRAMES = 4
_MAX_WINDOWS = 240  # of all views together: about ten seconds for the demo model on one core


@dataclass(frozen=True)
class WindowGrids:
    """Windows dealt to grids.

    Attributes:
        timestamps: one (W, T) array of seconds on the common clock for each grid.
        interval_seconds: between the frames of a window.
        segment_seconds: length of the shortest segment in which every grid has frames.
    """

    timestamps: tuple[NDArray[np.float64], ...]
    interval_seconds: float
    segment_seconds: float

    @property
    def every_timestamp(self) -> NDArray[np.float64]:
        """Return each timestamp once, ascending, for reading."""
        return np.unique(np.concatenate([grid.ravel() for grid in self.timestamps]))


def window_grids(span: tuple[float, float], spec: InputSpec, *, num_views: int) -> WindowGrids:
    """Return windows a quarter of their length apart, in four grids without overlap inside a grid.

    Args:
        span: [start, end) on the common clock that all views show.
        spec: what the model looks at.
        num_views: the more there are, the fewer windows each gets; in a long performance windows
            lie further apart, grids are two, and segments are longer.
    """
    start, end = span
    num_frames, interval = _window_shape(span, spec)
    window = num_frames * interval
    hop = max(1, num_frames // NUM_GRIDS) * interval
    spare = max(0.0, end - start - window)
    begins = start + np.append(np.arange(0.0, spare - 1e-6, hop), spare)
    most = max(2, _MAX_WINDOWS // num_views)
    if len(begins) > most:
        begins = start + np.linspace(0.0, spare, most)
        hop = spare / (most - 1)
    count = min(NUM_GRIDS if hop * NUM_GRIDS <= 2 * window else 2, len(begins))
    timestamps = begins[:, None] + np.arange(num_frames) * interval
    timestamps = np.minimum(timestamps.round(6), np.nextafter(end, start))
    # Half a window may lose its first frame and still has to hold two.
    least = max(window / 2, 3 * interval) + max(0.0, count * hop - window)
    return WindowGrids(
        tuple(timestamps[number::count] for number in range(count)),
        interval,
        min(least, end - start),
    )


def _window_shape(span: tuple[float, float], spec: InputSpec) -> tuple[int, float]:
    """Return the frames of a window and the seconds between them.

    A model whose single window holds the whole take is shown quarters of it at the same pace.
    """
    if spec.frame_interval_seconds is not None:
        return spec.num_frames, spec.frame_interval_seconds
    interval = (span[1] - span[0]) / spec.num_frames
    return max(_MIN_WINDOW_FRAMES, spec.num_frames // _QUARTERS), interval
