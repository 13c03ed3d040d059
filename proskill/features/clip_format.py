"""Input settings of a model as the format of the clips that are read for it."""

from __future__ import annotations

from proskill.data.clips import ClipFormat
from proskill.models import InputSpec


def clip_format_of(spec: InputSpec) -> ClipFormat:
    """The part of a model's input settings that reading clips needs."""
    return ClipFormat(
        num_frames=spec.num_frames,
        frame_interval_seconds=spec.frame_interval_seconds,
        img_size=(spec.img_size[0], spec.img_size[1]),
        mean=tuple(spec.mean),
        std=tuple(spec.std),
    )
