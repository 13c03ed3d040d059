"""Conversion of decoded clips to model input, and augmentation that keeps the skill.

Decoded clips are uint8 (..., T, C, H, W) in [0, 255]; model input is float (..., C, T, H, W).
Nothing else in proskill converts between them. Order and tempo of movement are what skill is judged
by, so no augmentation touches them unless it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate


def to_model_input(clip: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalise a decoded clip and put channels before time, as the models take it.

    Args:
        clip: uint8, shape (..., T, C, H, W).
        mean: of each channel, for values in [0, 1], C long.
        std: likewise, above 0.

    Returns:
        float32 `(clip / 255 - mean) / std`, contiguous, shape (..., C, T, H, W).

    Raises:
        ValueError: not uint8, fewer than four axes, or mean and std that do not fit the channels.
    """
    if clip.dtype != torch.uint8 or clip.ndim < 4:
        raise ValueError(
            f"clip is {clip.dtype} of shape {tuple(clip.shape)}: must be uint8 (..., T, C, H, W)"
        )
    num_channels = clip.shape[-3]
    if len(mean) != num_channels or len(std) != num_channels or min(std) <= 0:
        raise ValueError(
            f"mean={tuple(mean)}, std={tuple(std)}: must be {num_channels} numbers each, "
            "std above 0"
        )
    as_rows = (num_channels, 1, 1, 1)
    scale = 1 / (255 * torch.tensor(std, dtype=torch.float32, device=clip.device)).view(as_rows)
    shift = torch.tensor(mean, dtype=torch.float32, device=clip.device).view(as_rows) * 255 * scale
    x = clip.transpose(-4, -3).contiguous().float()  # (..., C, T, H, W)
    return x.mul_(scale).sub_(shift)


def fit_square(clip: Tensor, img_size: int | tuple[int, int]) -> Tensor:
    """Scale a clip until it just covers the model's picture, and keep the middle of it.

    Args:
        clip: uint8, shape (..., C, H, W).
        img_size: side of the square, or (height, width), in pixels.

    Returns:
        uint8, shape (..., C, height, width); the clip itself where nothing is to be done.

    Raises:
        ValueError: not uint8, fewer than three axes, or a size below 1.
    """
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    if clip.dtype != torch.uint8 or clip.ndim < 3:
        raise ValueError(
            f"clip is {clip.dtype} of shape {tuple(clip.shape)}: must be uint8 (..., C, H, W)"
        )
    if height < 1 or width < 1:
        raise ValueError(f"img_size={img_size}: must be 1 pixel or more")
    old_height, old_width = clip.shape[-2:]
    scale = max(height / old_height, width / old_width)
    covering = (max(height, round(old_height * scale)), max(width, round(old_width * scale)))
    clip = _resize(clip, covering)
    top, left = (covering[0] - height) // 2, (covering[1] - width) // 2
    return clip[..., top : top + height, left : left + width]


@dataclass(frozen=True)
class AugmentTake:
    """Random changes of a take's pictures, the same throughout a take, drawn from the caller's rng.

    Views of one take show one scene: all of them are mirrored or none. Light and framing belong to
    the camera and are drawn for each view. All windows and frames of a view change alike.

    Attributes:
        flip_probability: of mirroring the take left-right, in [0, 1].
        brightness: largest relative change, e.g. 0.2 multiplies by 0.8 to 1.2; 0 for none.
        contrast: likewise, about the view's mean.
        min_crop: smallest share of the picture's sides that is kept, in (0, 1]; 1 for no cropping.
        reverse_probability: of playing the take backwards; 0 unless an experiment asks for it.
        speed_range: factors between which the take is sped up, about each window's middle; (1, 1)
            unless an experiment asks for it.

    Raises:
        ValueError: a value outside its range.
    """

    flip_probability: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    min_crop: float = 0.9
    reverse_probability: float = 0.0
    speed_range: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("flip_probability", "reverse_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be between 0 and 1")
        for name in ("brightness", "contrast"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be 0 or more and below 1")
        if not 0 < self.min_crop <= 1:
            raise ValueError(f"min_crop={self.min_crop}: must be above 0 and at most 1")
        low, high = self.speed_range
        if not 0 < low <= high:
            raise ValueError(
                f"speed_range={self.speed_range}: must be (low, high), 0 < low <= high"
            )

    def __call__(self, clips: Mapping[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
        """Return the take's clips, changed.

        Args:
            clips: view name -> uint8 (..., T, C, H, W).
            rng: the only source of chance; the same state gives the same pictures.

        Returns:
            View name -> uint8 of the same shape, in the same order.
        """
        # Drawn whether used or not, so that one option does not change what another draws.
        flip, reverse, speed = rng.random(3)
        changed = {}
        for name, clip in clips.items():
            clip = self._frame(clip, *rng.random(3))
            clip = self._light(clip, *rng.uniform(-1, 1, size=2))
            if flip < self.flip_probability:
                clip = clip.flip(-1)
            changed[name] = self._time(clip, reverse < self.reverse_probability, speed)
        return changed

    def _frame(self, clip: Tensor, zoom: float, top: float, left: float) -> Tensor:
        """Cut a part of the picture and scale it back to the whole."""
        if self.min_crop == 1:
            return clip
        share = 1 - zoom * (1 - self.min_crop)
        height, width = clip.shape[-2:]
        kept_height, kept_width = max(1, round(height * share)), max(1, round(width * share))
        y, x = round(top * (height - kept_height)), round(left * (width - kept_width))
        return _resize(clip[..., y : y + kept_height, x : x + kept_width], (height, width))

    def _light(self, clip: Tensor, brightness: float, contrast: float) -> Tensor:
        if self.brightness == 0 and self.contrast == 0:
            return clip
        gain = (1 + brightness * self.brightness) * (1 + contrast * self.contrast)
        middle = clip.float().mean() * (1 + brightness * self.brightness)
        offset = -contrast * self.contrast * middle
        # A table of 256 values instead of float arithmetic on every pixel.
        table = (torch.arange(256, device=clip.device) * gain + offset).round().clamp(0, 255)
        return table.to(torch.uint8)[clip.int()]

    def _time(self, clip: Tensor, is_reversed: bool, speed: float) -> Tensor:
        if is_reversed:
            clip = clip.flip(-4)
        low, high = self.speed_range
        if low == high == 1:
            return clip
        num_frames = clip.shape[-4]
        middle = (num_frames - 1) / 2
        places = middle + (torch.arange(num_frames) - middle) * (low + speed * (high - low))
        places = places.round().long().clamp(0, num_frames - 1)
        return clip.index_select(-4, places.to(clip.device))


def _resize(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize bilinearly with anti-aliasing, shape (..., C, H, W) -> (..., C, *size)."""
    if tuple(clip.shape[-2:]) == size:
        return clip
    frames = clip.reshape(-1, *clip.shape[-3:])  # (N, C, H, W)
    frames = interpolate(frames, size=size, mode="bilinear", antialias=True)
    return frames.reshape(*clip.shape[:-2], *size)
