"""Windows of a take as uint8 clips, all views at the same timestamps.

Not here: conversion to model input (`proskill.video.transforms`), labels and batches
(`take_dataset`), judging and encoding (`proskill.features`).

Shapes: W windows, T frames, C channels, H W pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proskill.data.take import Take, View, shared_span
from proskill.input_spec import InputSpec, ReaderName
from proskill.video.sampling import evaluation_windows, random_window
from proskill.video.transforms import fit_square

if TYPE_CHECKING:
    from proskill.video.reader import VideoReader


def read_windows(
    take: Take,
    spec: InputSpec,
    *,
    rng: np.random.Generator | None = None,
    num_random: int = 1,
    reader: ReaderName = "pyav",
) -> dict[str, Tensor]:
    """Read the windows of all views, view name -> uint8 (W, T, C, H, W).

    Args:
        take: its files are opened here.
        spec: frames, interval, size and windows in evaluation.
        rng: draws windows at random for training; None spreads them evenly, always the same.
        num_random: W where they are drawn.
        reader: decoder, see `proskill.video.open_reader`.

    Raises:
        VideoError: a file cannot be decoded.
        ManifestError: the views have no timestamp in common.
    """
    # Here and not above: training from cached features needs no decoder installed.
    from proskill.video.probe import DATASET_LIMITS
    from proskill.video.readers import open_reader

    readers = {
        name: open_reader(view.path, reader=reader, size=min(spec.img_size), limits=DATASET_LIMITS)
        for name, view in take.views.items()
    }
    span = shared_span(take, {name: opened.duration_seconds for name, opened in readers.items()})
    timestamps = window_timestamps(span, spec, rng=rng, num_random=num_random)
    return {
        name: read_clip(opened, take.views[name], timestamps, spec.img_size)
        for name, opened in readers.items()
    }


def window_timestamps(
    span: tuple[float, float],
    spec: InputSpec,
    *,
    rng: np.random.Generator | None = None,
    num_random: int = 1,
) -> NDArray[np.float64]:
    """Choose timestamps (W, T) in [start, end) on the take's clock; see `read_windows`."""
    num_frames, interval = spec.num_frames, spec.frame_interval_seconds
    if rng is None:
        return evaluation_windows(
            *span,
            num_frames=num_frames,
            frame_interval_seconds=interval,
            num_windows=spec.num_windows,
        )
    windows = [
        random_window(*span, num_frames=num_frames, frame_interval_seconds=interval, rng=rng)
        for _ in range(num_random)
    ]
    return np.stack(windows)


def read_clip(
    reader: VideoReader, view: View, timestamps: NDArray[np.float64], img_size: tuple[int, int]
) -> Tensor:
    """Read frames at timestamps (...) of the take's clock, uint8 (..., C, H, W).

    Raises:
        VideoError: they cannot be decoded.
    """
    frames = reader.frames_at(timestamps.ravel() + view.offset_seconds)
    frames = fit_square(frames, img_size)  # (N, C, H, W)
    return frames.reshape(*timestamps.shape, *frames.shape[1:])
