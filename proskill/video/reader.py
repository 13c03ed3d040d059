"""Frames at timestamps: the pictures that playing a file from its start would show.

The frame at timestamp t is the last one whose presentation time is not after t seconds past the
first frame's. Before the first frame and after the last one, the first and the last are shown.

`VideoReader` decodes with PyAV and identifies every frame by its presentation time, whatever the
file. `proskill.video.decord_reader` decodes with decord where that gives the same frames.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.video.decoding import DamagedError, Decoder, Pictures
from proskill.video.geometry import target_size
from proskill.video.probe import (
    DEFAULT_LIMITS,
    VideoInfo,
    VideoLimits,
    corrected_info,
    inspect,
)

# Presentation times are stored in ticks of a microsecond or more; a timestamp computed as k / rate
# may lie a rounding error before the tick it means.
_ROUNDING_SECONDS = 1e-6


class VideoReader:
    """One video file, read at timestamps.

    Args:
        path: a local file.
        size: of the delivered frames: None as the picture is, an int for the short side, or
            (height, width) whatever the picture's shape.
        num_threads: decoding threads; several views are better read in parallel with one each.
        limits: larger videos are refused.

    Attributes:
        info: what the file is.
        size: (height, width) of the delivered frames.

    Raises:
        VideoError: as `probe`.
        ValueError: an impossible size or thread count.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: tuple[int, int] | int | None = None,
        num_threads: int = 1,
        limits: VideoLimits = DEFAULT_LIMITS,
    ) -> None:
        if num_threads < 1:
            raise ValueError(f"num_threads={num_threads}: must be 1 or more")
        self._inspection = inspect(path, limits=limits)
        self.info: VideoInfo = self._inspection.info
        self.size = target_size(self.info.height, self.info.width, size)
        self._index = self._inspection.index
        self._decoder = Decoder(
            path=self.info.path,
            size=self.size,
            orientation=self._inspection.orientation,
            max_pixels=limits.max_pixels,
            num_threads=num_threads,
        )
        self._prepare()

    def _prepare(self) -> None:
        """Make ready for `_pictures`."""
        if self._index is None:
            self._survey()

    @property
    def duration_seconds(self) -> float:
        """Duration from the first frame shown to the end of the last."""
        return self.info.duration_seconds

    @property
    def decoded_ratio(self) -> float:
        """Share of the announced frames that exist and decode, as far as known, in [0, 1]."""
        return self.info.decoded_ratio

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about this file that a person should know."""
        return self.info.warnings

    def frames_at(self, timestamps_seconds: NDArray[np.float64]) -> torch.Tensor:
        """Return the pictures shown at the given timestamps.

        Args:
            timestamps_seconds: seconds since the file's first frame, any order, shape (T,).

        Returns:
            RGB uint8, shape (T, 3, H, W), upright.

        Raises:
            VideoError: the frames cannot be decoded.
            ValueError: timestamps that are not a finite one-dimensional array.
        """
        timestamps = np.asarray(timestamps_seconds, dtype=np.float64)
        if timestamps.ndim != 1 or not np.isfinite(timestamps).all():
            raise ValueError("timestamps_seconds must be a one-dimensional array of finite seconds")
        if len(timestamps) == 0:
            return torch.empty((0, 3, *self.size), dtype=torch.uint8)
        return _to_clip(self._pictures(timestamps))

    def _pictures(self, timestamps: NDArray[np.float64]) -> Pictures:
        """Decode the frames shown at the given timestamps, one or more."""
        if self._index is not None:
            try:
                pts = self._inspection.shown_pts[self._places_at(timestamps)]
                return self._decoder.frames_by_time(pts, self._index)
            except DamagedError:
                self._survey(is_damaged=True)
        return self._decoder.frames_in_order(self._places_at(timestamps))

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: no file stays open between calls."""

    def _places_at(self, timestamps: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return places in the order of showing, shape (T,)."""
        seconds = self._inspection.seconds
        after = np.searchsorted(seconds, timestamps + _ROUNDING_SECONDS, side="right")
        return np.clip(after - 1, 0, len(seconds) - 1).astype(np.int64)

    def _survey(self, *, is_damaged: bool = False) -> None:
        """Decode the whole file once, to learn which frames come out and when they are shown."""
        self._index = None
        found = self._decoder.survey()
        self._inspection = replace(self._inspection, shown_pts=found.pts)
        self.info = corrected_info(
            self.info,
            num_frames=len(found.pts),
            num_announced=max(self._inspection.num_announced, len(found.pts)),
            num_lost=found.num_errors,
            num_damaged=found.num_damaged,
            is_damaged=is_damaged,
        )


def _to_clip(pictures: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)  # (T, C, H, W)
