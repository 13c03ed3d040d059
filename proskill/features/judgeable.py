"""Reasons why a view cannot be judged, from facts about its file and from its pictures.

A model always predicts something; these rules decide when it should not be asked. Each reason is
part of a sentence that follows the name of the view. Not here: similarity to the training data
(`proskill.calibration.out_of_distribution`).

Shapes: W windows, T frames, C channels, H W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proskill.input_spec import InputSpec

if TYPE_CHECKING:  # training from cached features needs no decoder
    from proskill.video.probe import VideoInfo

MIN_SHORT_SIDE_PX = 64
_BLOCKS = 16  # per side; averages over a block hide sensor and compression noise
_BLACK = 24.0  # mean grey level; limited-range black and a little noise stay below
_MIN_CONTRAST = 6.0  # grey levels of 255 between the brightest and the darkest block
_MIN_CHANGE = 3.0  # grey levels of 255 by which some block changes within some window


def window_seconds(spec: InputSpec) -> float:
    """Return the time from the first to the last frame of a window; 0 where frames spread."""
    return (spec.num_frames - 1) * (spec.frame_interval_seconds or 0.0)


def frame_seconds(spec: InputSpec, timestamps: NDArray[np.float64]) -> float:
    """Return the time between frames of a window.

    Args:
        spec: of the model.
        timestamps: windows (W, T), one or more, on the take's clock.
    """
    if spec.frame_interval_seconds is not None:
        return spec.frame_interval_seconds
    return float(timestamps[0, -1] - timestamps[0, 0]) / max(1, spec.num_frames - 1)


def file_reasons(info: VideoInfo, spec: InputSpec) -> tuple[str, ...]:
    """Return the reasons why a readable file cannot be judged; empty if it can."""
    reasons = []
    if info.num_frames < 2:
        return ("holds a single picture; a performance is needed",)
    if info.duration_seconds < window_seconds(spec):
        reasons.append(
            f"is too short: {info.duration_seconds:.2f} s, and the model looks at "
            f"{window_seconds(spec):.2f} s at a time"
        )
    if min(info.width, info.height) < MIN_SHORT_SIDE_PX:
        reasons.append(
            f"is too small: {info.width}x{info.height} pixels, and less than "
            f"{MIN_SHORT_SIDE_PX} on the short side show nothing to judge"
        )
    return tuple(reasons)


def file_warnings(info: VideoInfo, spec: InputSpec) -> tuple[str, ...]:
    """Return warnings that weaken a judgement without preventing it."""
    warnings = list(info.warnings)
    short_side = min(info.width, info.height)
    if MIN_SHORT_SIDE_PX <= short_side < min(spec.img_size):
        warnings.append(
            f"pictures of {info.width}x{info.height} pixels are enlarged to the model's "
            f"{spec.img_size[1]}x{spec.img_size[0]}"
        )
    interval = spec.frame_interval_seconds
    if interval is not None and 0 < info.frame_rate < 0.5 / interval:
        warnings.append(
            f"shows {info.frame_rate:.3g} frames a second; the model looks at {1 / interval:.3g}"
        )
    return tuple(warnings)


def picture_reasons(clips: Tensor) -> tuple[str, ...]:
    """Return the reasons why sampled frames cannot be judged: blank pictures, or no motion.

    Args:
        clips: uint8 (W, T, C, H, W).
    """
    blocks = torch.stack([_block_means(clip) for clip in clips])  # (W, T, blocks)
    contrast = blocks.amax(dim=2) - blocks.amin(dim=2)  # (W, T)
    if contrast.max().item() < _MIN_CONTRAST:
        shade = "black" if blocks.mean().item() < _BLACK else "blank"
        return (f"shows a {shade} picture",)
    change = blocks.amax(dim=1) - blocks.amin(dim=1)  # (W, blocks)
    if change.max().item() < _MIN_CHANGE:
        return ("shows no motion",)
    return ()


def _block_means(clip: Tensor) -> Tensor:
    """Return the mean brightness of each block of each frame, (T, C, H, W) to (T, blocks)."""
    blocks = F.adaptive_avg_pool2d(clip.float(), _BLOCKS)  # (T, C, blocks, blocks)
    return blocks.mean(dim=1).flatten(1)  # (T, blocks)
