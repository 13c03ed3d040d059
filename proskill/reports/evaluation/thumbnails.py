"""Pictures of a take, at the same instants in all its views."""

from __future__ import annotations

from contextlib import ExitStack

from proskill.data.span import shared_span
from proskill.data.take import Take
from proskill.errors import ManifestError, VideoError
from proskill.reports.assessment.figures import image_data_uri
from proskill.video.probe import DATASET_LIMITS
from proskill.video.reader import VideoReader
from proskill.video.sampling import uniform_instants

Strip = list[tuple[float, str]]
"""(seconds on the take's clock, data URI of the picture), in time order."""


def take_strips(take: Take, *, num_frames: int, short_side_px: int = 180) -> dict[str, Strip]:
    """View name -> pictures spread over what all readable views show; unreadable views are absent.

    Args:
        take: its files are opened here.
        num_frames: pictures per view.
        short_side_px: of each picture.
    """
    strips: dict[str, Strip] = {}
    with ExitStack() as stack:
        readers = {}
        for name, view in take.views.items():
            try:
                reader = VideoReader(view.path, size=short_side_px, limits=DATASET_LIMITS)
                readers[name] = stack.enter_context(reader)
            except VideoError:
                continue
        views = {name: take.views[name] for name in readers}
        durations = {name: reader.duration_seconds for name, reader in readers.items()}
        if not readers:
            return {}
        try:
            start, end = shared_span(take.take_id, views, durations)
        except ManifestError:
            return {}
        instants = uniform_instants(start, end, num_frames=num_frames)
        for name, reader in readers.items():
            try:
                frames = reader.frames_at(instants + views[name].offset_seconds)  # (T, C, H, W)
            except VideoError:
                continue
            strips[name] = [
                (float(seconds), image_data_uri(frame.permute(1, 2, 0).numpy()))
                for seconds, frame in zip(instants, frames, strict=True)
            ]
    return strips
