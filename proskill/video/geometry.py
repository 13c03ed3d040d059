"""Geometry of a shown picture: quarter turns, mirroring, square pixels."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from numpy.typing import NDArray

# Pixel aspect ratios beyond this are header errors, not cameras.
_MAX_PIXEL_ASPECT = 4


@dataclass(frozen=True)
class Orientation:
    """Transform to the upright picture: swap axes, then flip left-right and upside down."""

    is_transposed: bool = False
    flips_x: bool = False
    flips_y: bool = False

    @property
    def is_mirrored(self) -> bool:
        """True for pictures shown mirrored (selfie cameras), on top of any turn."""
        return (self.is_transposed + self.flips_x + self.flips_y) % 2 == 1

    @property
    def rotation_degrees(self) -> int:
        """Clockwise turn, after mirroring the decoded picture left-right if `is_mirrored`."""
        if not self.is_transposed:
            return 180 if self.flips_y else 0
        return 270 if self.flips_y != self.is_mirrored else 90

    def apply(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn frames of shape (..., H, W, C) upright; a view, not a copy."""
        if self.is_transposed:
            frames = np.swapaxes(frames, -3, -2)  # (..., W, H, C)
        if self.flips_x:
            frames = frames[..., ::-1, :]
        if self.flips_y:
            frames = frames[..., ::-1, :, :]
        return frames


def orientation_of(frame: VideoFrame) -> tuple[Orientation, bool]:
    """Return the frame's orientation by its display matrix, and if that is a whole quarter turn.

    The matrix is `a b u / c d v / x y w` (16.16 fixed point): the decoded pixel (p, q) is shown at
    (a p + c q + x, b p + d q + y).
    """
    try:
        # PyAV's annotations know two of the kinds of side data.
        matrix = cast("Mapping[str, SideData]", frame.side_data)["DISPLAYMATRIX"]
    except KeyError:
        return Orientation(), True
    a, b, _, c, d = struct.unpack("<5i", bytes(matrix)[:20])
    largest = max(abs(a), abs(b), abs(c), abs(d))
    if largest == 0:
        return Orientation(), True
    if abs(a) + abs(d) >= abs(b) + abs(c):
        is_exact = max(abs(b), abs(c)) < 0.01 * largest
        return Orientation(False, a < 0, d < 0), is_exact
    is_exact = max(abs(a), abs(d)) < 0.01 * largest
    return Orientation(True, c < 0, b < 0), is_exact


def square_size(height: int, width: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Return (height, width) with square pixels; the side with denser pixels keeps its count."""
    if not pixel_aspect or not 1 / _MAX_PIXEL_ASPECT <= pixel_aspect <= _MAX_PIXEL_ASPECT:
        return height, width
    if pixel_aspect >= 1:
        return height, max(1, round(width * pixel_aspect))
    return max(1, round(height / pixel_aspect)), width


def target_size(height: int, width: int, size: tuple[int, int] | int | None) -> tuple[int, int]:
    """Return the (height, width) to deliver for an upright picture of `height` x `width`.

    Args:
        size: None keeps the picture's size, an int is the length of the short side, a pair is
            (height, width) whatever the picture's shape.

    Raises:
        ValueError: a side below 1 pixel.
    """
    if size is None:
        return height, width
    if isinstance(size, int):
        if size < 1:
            raise ValueError(f"size={size}: the short side must be 1 pixel or more")
        scale = size / min(height, width)
        return (
            (size, max(1, round(width * scale)))
            if height <= width
            else (max(1, round(height * scale)), size)
        )
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size={size}: must be (height, width), both 1 pixel or more")
    return size
