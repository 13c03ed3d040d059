"""The frames of a take: which span its views share, and their windows as uint8 clips.

All views of a take are read at the same instants of the take's clock. Not here: turning uint8 into
model input (`proskill.video.transforms`), labels and batches (`take_dataset`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from torch import Tensor

from proskill.data.span import shared_span
from proskill.data.take import Take
from proskill.input_spec import InputSpec
from proskill.video.sampling import evaluation_windows, random_window
from proskill.video.transforms import fit_square


def read_windows(
    take: Take,
    spec: InputSpec,
    *,
    view_names: Sequence[str] | None = None,
    rng: np.random.Generator | None = None,
    num_random: int = 1,
    num_threads: int = 1,
) -> dict[str, Tensor]:
    """View name -> uint8 (W, T, C, H, W), every view at the same instants.

    Args:
        take: its files are opened here.
        spec: frames, interval, size and windows in evaluation.
        view_names: the views to read, in this order; None reads all.
        rng: draws windows at random for training; None spreads them evenly, always the same.
        num_random: W where they are drawn.
        num_threads: decoder threads per file.

    Raises:
        VideoError: a file cannot be decoded.
        ManifestError: the views share no instant.
    """
    # Here and not above: whoever trains from cached features needs no decoder installed.
    from proskill.video.probe import DATASET_LIMITS
    from proskill.video.reader import VideoReader

    names = list(take.views) if view_names is None else list(view_names)
    views = {name: take.views[name] for name in names}
    height, width = spec.img_size
    with ExitStack() as stack:
        readers = {
            name: stack.enter_context(
                VideoReader(
                    view.path,
                    size=min(height, width),
                    num_threads=num_threads,
                    limits=DATASET_LIMITS,
                )
            )
            for name, view in views.items()
        }
        durations = {name: reader.duration_seconds for name, reader in readers.items()}
        start, end = shared_span(take.take_id, views, durations)
        instants = _window_instants(start, end, spec, rng=rng, num_random=num_random)
        clips = {}
        for name, reader in readers.items():
            frames = reader.frames_at(instants.ravel() + views[name].offset_seconds)
            frames = fit_square(frames, spec.img_size)  # (W*T, C, H, W)
            clips[name] = frames.reshape(*instants.shape, *frames.shape[1:])  # (W, T, C, H, W)
    return clips


def _window_instants(
    start: float,
    end: float,
    spec: InputSpec,
    *,
    rng: np.random.Generator | None,
    num_random: int,
) -> np.ndarray:
    """Instants (W, T) in seconds on the take's clock."""
    num_frames, interval = spec.num_frames, spec.frame_interval_seconds
    if rng is None:
        return evaluation_windows(
            start,
            end,
            num_frames=num_frames,
            frame_interval_seconds=interval,
            num_windows=spec.num_windows,
        )
    return np.stack(
        [
            random_window(
                start, end, num_frames=num_frames, frame_interval_seconds=interval, rng=rng
            )
            for _ in range(num_random)
        ]
    )
