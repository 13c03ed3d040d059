"""Fifteen statistics of a view's pictures and motion, for out-of-distribution detection.

A backbone that sees only motion gives footage of another domain unremarkable features; sharpness,
colour and the share of moving pixels differ there. A second detector uses these numbers; the model
never sees them, so they do not influence the predicted level.

Not here: the detector (`out_of_distribution.py`).

Shapes: W windows, C channels, H W pixels, N takes, V views, P = `NUM_STATISTICS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proskill.video.reader import VideoReader
from proskill.video.sampling import evaluation_windows
from proskill.video.transforms import fit_square

NUM_STATISTICS = 15
_NUM_WINDOWS = 4
_INTERVAL_SECONDS = 0.1  # between the two frames of a window
_SIDE_PX = 112
_FLAT = 2.0  # grey levels of 255: below it neighbouring pixels are one surface
_MOVING = 10.0  # grey levels of 255: above it noise is unlikely

Floats = NDArray[np.float64]


def picture_timestamps(start_seconds: float, end_seconds: float) -> Floats:
    """Return pairs of timestamps (W, 2) spread over a span."""
    return evaluation_windows(
        start_seconds,
        end_seconds,
        num_frames=2,
        frame_interval_seconds=_INTERVAL_SECONDS,
        num_windows=_NUM_WINDOWS,
    )


def picture_statistics(pairs: Tensor) -> Floats:
    """Describe pairs of frames uint8 (W, 2, C, H, W), as read at `picture_timestamps`.

    Returns:
        (P,): sharpness at three scales, edges and flat surfaces, brightness and colour, motion of
        pixels and of blocks; logarithms where a quantity spans orders of magnitude.
    """
    num_windows = len(pairs)
    frames = F.adaptive_avg_pool2d(pairs.flatten(0, 1).float(), _SIDE_PX)  # (W * 2, C, S, S)
    values = frames.double().numpy()
    grey = values.mean(axis=1).reshape(num_windows, 2, _SIDE_PX, _SIDE_PX)  # (W, 2, S, S)
    edges = _edges(grey[:, 0])
    colour = values.max(axis=1) - values.min(axis=1)  # saturation, without its division
    change = np.abs(grey[:, 1] - grey[:, 0])  # (W, S, S)
    blocks = _shrunk(grey, 8)
    numbers = (
        *(np.log1p(_edges(_shrunk(grey, factor)).mean()) for factor in (1, 2, 4)),
        np.log1p(np.quantile(edges, 0.95)),
        np.log1p(np.median(edges)),
        (edges < _FLAT).mean(),
        grey.mean() / 64,
        grey.std() / 32,
        np.log1p(colour.mean()),
        np.log1p(colour.std()),
        np.log(0.1 + change.mean()),
        np.log1p(np.quantile(change, 0.99)),
        np.log(0.001 + (change > _MOVING).mean()),
        np.log(0.1 + np.median(change)),
        np.log(0.1 + np.abs(blocks[:, 1] - blocks[:, 0]).mean()),
    )
    return np.array(numbers, dtype=np.float64)


def read_picture_statistics(path: str | Path, *, img_size: tuple[int, int]) -> Floats:
    """Return the statistics (P,) of a whole file.

    Args:
        path: video file.
        img_size: (H, W) at which the model sees it; the scorer reads at the same size.

    Raises:
        VideoError: the file cannot be read.
    """
    with VideoReader(path, size=min(img_size)) as reader:
        timestamps = picture_timestamps(0.0, max(reader.duration_seconds, _INTERVAL_SECONDS))
        frames = fit_square(reader.frames_at(timestamps.ravel()), img_size)  # (W * 2, C, H, W)
    return picture_statistics(frames.reshape(*timestamps.shape, *frames.shape[1:]))


def read_takes_statistics(
    takes: Sequence[Mapping[str, Path]],
    view_names: Sequence[str],
    *,
    img_size: tuple[int, int],
    num_threads: int = 2,
) -> Floats:
    """Return the statistics (N, V, P) of many takes; NaN where a take lacks a view.

    Args:
        takes: view name -> video file, one mapping per take.
        view_names: the V columns.
        img_size: (H, W) at which the model sees them.
        num_threads: number of files read at a time.

    Raises:
        VideoError: a file cannot be read.
    """
    result = np.full((len(takes), len(view_names), NUM_STATISTICS), np.nan)
    places = [
        (row, column, take[name])
        for row, take in enumerate(takes)
        for column, name in enumerate(view_names)
        if name in take
    ]
    with ThreadPoolExecutor(num_threads) as pool:
        found = pool.map(lambda at: read_picture_statistics(at[2], img_size=img_size), places)
        for (row, column, _), numbers in zip(places, found, strict=True):
            result[row, column] = numbers
    return result


def _shrunk(grey: Floats, factor: int) -> Floats:
    """Return means over blocks of factor x factor pixels, (..., S / factor, S / factor)."""
    side = grey.shape[-1] // factor
    blocks = grey.reshape(*grey.shape[:-2], side, factor, side, factor)
    return np.asarray(blocks.mean(axis=(-3, -1)))


def _edges(grey: Floats) -> Floats:
    """Return differences to the right-hand pixel plus the one below, (..., S - 1, S - 1)."""
    across = np.abs(np.diff(grey, axis=-1))[..., :-1, :]
    down = np.abs(np.diff(grey, axis=-2))[..., :, :-1]
    return np.asarray(across + down)
