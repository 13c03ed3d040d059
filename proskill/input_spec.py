"""Input settings of a model: frames of a clip, picture size, normalisation, clips of a take.

Also the precisions of its backbone and the decoders of its videos.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "bf16"]

ReaderName = Literal["pyav", "decord"]
"""Decoders that `proskill.video.open_reader` offers."""


@dataclass(frozen=True)
class InputSpec:
    """Input of a model, as in its training.

    Attributes:
        num_frames: frames of a clip.
        frame_interval_seconds: time from one frame of a clip to the next; None for frames spread
            evenly over the whole take, which is one clip then.
        img_size: (H, W) in pixels.
        mean: per channel, subtracted from values in [0, 1].
        std: per channel, divided by afterwards.
        num_windows: clips that stand for a whole take; None for as many as cover it.

    Raises:
        ValueError: a value outside its range.
    """

    num_frames: int
    frame_interval_seconds: float | None
    img_size: tuple[int, int]
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    num_windows: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "img_size", tuple(int(side) for side in self.img_size))
        object.__setattr__(self, "mean", tuple(float(value) for value in self.mean))
        object.__setattr__(self, "std", tuple(float(value) for value in self.std))
        if self.num_frames < 1:
            raise ValueError(f"num_frames={self.num_frames}: must be 1 or more")
        interval = self.frame_interval_seconds
        if interval is not None and not (math.isfinite(interval) and interval > 0):
            raise ValueError(f"frame_interval_seconds={interval}: must be above 0 and finite")
        if len(self.img_size) != 2 or min(self.img_size) < 1:
            raise ValueError(f"img_size={self.img_size}: must be (H, W), both 1 or more")
        if len(self.mean) != len(self.std) or not all(map(math.isfinite, self.mean)):
            raise ValueError(f"mean={self.mean}, std={self.std}: one finite number per channel")
        if not all(math.isfinite(value) and value > 0 for value in self.std):
            raise ValueError(f"std={self.std}: must be above 0 and finite")
        if self.num_windows is not None and self.num_windows < 1:
            raise ValueError(f"num_windows={self.num_windows}: must be 1 or more, or None")
        if interval is None and self.num_windows not in (None, 1):
            raise ValueError(
                f"num_windows={self.num_windows}: frames spread over the whole take make 1 window"
            )

    @property
    def described(self) -> str:
        """In words, for cards."""
        apart = self.frame_interval_seconds
        where = "spread evenly over the take" if apart is None else f"{apart:g} s apart"
        return f"{self.num_frames} frames, {where}, {self.img_size[0]} x {self.img_size[1]} px"
