"""Pictures of videos as data URIs, so that a page needs no other file."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Take, shared_span
from proskill.errors import ManifestError, VideoError
from proskill.video.probe import DATASET_LIMITS
from proskill.video.reader import VideoReader
from proskill.video.sampling import uniform_timestamps

SHORT_SIDE_PX: Final = 180
_JPEG_QUALITY: Final = 82

Strip = list[tuple[float, str]]
"""(seconds on the common clock, data URI of the picture), in time order."""


def image_data_uri(image: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) RGB as JPEG.

    Raises:
        ValueError: not a picture of bytes.
    """
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ValueError(f"image {image.dtype} {image.shape}: expected uint8 (H, W, 3)")
    pixels = np.ascontiguousarray(image[..., ::-1])
    is_done, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not is_done:
        raise ValueError(f"image {image.shape}: cannot be encoded")
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"


def strip_of(
    reader: VideoReader, span: tuple[float, float], *, num_frames: int, offset_seconds: float = 0.0
) -> Strip:
    """Return pictures spread over a span [start, end) of the common clock.

    Args:
        reader: of one view.
        span: seconds on the common clock.
        num_frames: number of pictures.
        offset_seconds: added to the common clock to give the file's.
    """
    seconds = uniform_timestamps(*span, num_frames=num_frames)
    frames = reader.frames_at(seconds + offset_seconds)  # (T, C, H, W)
    pictures = np.asarray(frames.permute(0, 2, 3, 1).contiguous())  # (T, H, W, C)
    return [(float(t), image_data_uri(one)) for t, one in zip(seconds, pictures, strict=True)]


def take_strips(take: Take, *, num_frames: int) -> dict[str, Strip]:
    """Return pictures at the same timestamps of each view of a take; unreadable views are absent.

    Args:
        take: its files are opened here.
        num_frames: pictures per view, spread over the span that all readable views share.
    """
    strips: dict[str, Strip] = {}
    with ExitStack() as stack:
        readers = {}
        for name, view in take.views.items():
            try:
                reader = VideoReader(view.path, size=SHORT_SIDE_PX, limits=DATASET_LIMITS)
                readers[name] = stack.enter_context(reader)
            except VideoError:
                continue
        views = {name: take.views[name] for name in readers}
        durations = {name: reader.duration_seconds for name, reader in readers.items()}
        if not readers:
            return {}
        try:
            span = shared_span(take, durations)
        except ManifestError:
            return {}
        for name, reader in readers.items():
            offset = views[name].offset_seconds
            try:
                strips[name] = strip_of(reader, span, num_frames=num_frames, offset_seconds=offset)
            except VideoError:
                continue
    return strips
