"""Video files to clips: facts about a file, choice of timestamps, and the frames shown there.

The public names load their module on first use: `proskill.video.sampling` is pure arithmetic and
must not bring torch along. `probe` is not among them, because its module has the same name: import
it from there, `from proskill.video.probe import probe`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proskill.video.probe import VideoInfo, VideoLimits
    from proskill.video.reader import VideoReader
    from proskill.video.readers import open_reader, read_views
    from proskill.video.sampling import (
        evaluation_windows,
        random_window,
        segment_timestamps,
        uniform_timestamps,
    )
    from proskill.video.transforms import AugmentTake, fit_square, to_model_input

__all__ = [
    "AugmentTake",
    "VideoInfo",
    "VideoLimits",
    "VideoReader",
    "evaluation_windows",
    "fit_square",
    "open_reader",
    "random_window",
    "read_views",
    "segment_timestamps",
    "to_model_input",
    "uniform_timestamps",
]

_MODULE_OF = {
    "AugmentTake": "transforms",
    "VideoInfo": "probe",
    "VideoLimits": "probe",
    "VideoReader": "reader",
    "evaluation_windows": "sampling",
    "fit_square": "transforms",
    "open_reader": "readers",
    "random_window": "sampling",
    "read_views": "readers",
    "segment_timestamps": "sampling",
    "to_model_input": "transforms",
    "uniform_timestamps": "sampling",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
