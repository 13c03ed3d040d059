"""Choice of the decoder of a file, and reading of all views of a take."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.input_spec import ReaderName
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits
from proskill.video.reader import VideoReader


def open_reader(
    path: str | Path,
    *,
    reader: ReaderName = "pyav",
    size: tuple[int, int] | int | None = None,
    num_threads: int = 1,
    limits: VideoLimits = DEFAULT_LIMITS,
) -> VideoReader:
    """Open a video file for reading at timestamps.

    Args:
        path: a local file.
        reader: "pyav" reads every file; "decord" gives the same frames of the files that it reads
            right, and refuses the others.
        size: as for `VideoReader`.
        num_threads: as for `VideoReader`.
        limits: as for `VideoReader`.

    Raises:
        VideoError: the file cannot be read, or not by this reader; the reason says why.
        ProskillError: the reader is not installed.
        ValueError: an unknown reader, an impossible size or thread count.
    """
    if reader not in get_args(ReaderName):
        raise ValueError(f"reader={reader!r}: allowed are {', '.join(get_args(ReaderName))}")
    opens = VideoReader
    if reader == "decord":
        from proskill.video.decord_reader import DecordReader

        opens = DecordReader
    return opens(path, size=size, num_threads=num_threads, limits=limits)


def read_views(
    views: Mapping[str, Path],
    timestamps: NDArray[np.float64],
    *,
    size: tuple[int, int] | int | None,
    offsets: Mapping[str, float] | None = None,
    reader: ReaderName = "pyav",
    limits: VideoLimits = DEFAULT_LIMITS,
) -> dict[str, torch.Tensor]:
    """Decode the same timestamps of every view of a take, in parallel.

    Args:
        views: view name -> file.
        timestamps: seconds on the take's clock, shape (T,).
        size: as for `VideoReader`.
        offsets: view name -> seconds added to the take's clock to give the file's; 0 if absent.
        reader: as for `open_reader`.
        limits: larger videos are refused.

    Returns:
        View name -> RGB uint8, shape (T, 3, H, W), in the order of `views`.

    Raises:
        VideoError: a view cannot be read.
        ValueError: no view, or an offset for a view that is not there.
    """
    if not views:
        raise ValueError("views is empty; a take needs one or more")
    offsets = offsets or {}
    if unknown := sorted(set(offsets) - set(views)):
        raise ValueError(f"offsets name views that are not there: {', '.join(unknown)}")

    def read(name: str) -> torch.Tensor:
        with open_reader(views[name], reader=reader, size=size, limits=limits) as opened:
            return opened.frames_at(np.asarray(timestamps) + offsets.get(name, 0.0))

    if len(views) == 1:
        return {name: read(name) for name in views}
    with ThreadPoolExecutor(max_workers=min(len(views), 8)) as pool:
        return dict(zip(views, pool.map(read, views), strict=True))
