"""Encoding: the video files of one performance to features of windows, view by view.

All views share one clock and one list of instants; windows cover the whole performance. A view that
cannot be read or judged keeps the reason why, and the rest is encoded.

Not here: what can be judged (`judgeable.py`), what the features say (`feature_scorer.py`).

Shapes: W windows, T frames, V views, C channels, H W pixels, D embedding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.calibration.picture_statistics import picture_instants, picture_statistics
from proskill.errors import VideoError
from proskill.models import InputSpec, ProficiencyModel
from proskill.scoring.inputs import InputView
from proskill.scoring.judgeable import (
    file_reasons,
    file_warnings,
    frame_seconds,
    picture_reasons,
    window_seconds,
)
from proskill.scoring.views import SeenView, open_view, require_readable, shared_span
from proskill.video.probe import VideoLimits
from proskill.video.reader import VideoReader
from proskill.video.sampling import evaluation_windows
from proskill.video.transforms import fit_square, to_model_input

Progress = Callable[[str, float], None]  # what is being done, and the share that is done, in [0, 1]

_WINDOWS_PER_BATCH = 4
_READ_AHEAD = 2  # views whose frames are held before the model looks at them

_Read = tuple[torch.Tensor, NDArray[np.float64] | None]


@dataclass(frozen=True)
class EncodedTake:
    """What was read of one performance: enough to assess and to explain it.

    Attributes:
        views: view name -> what is known of it, in the order given; files are closed.
        instants: (W, T) seconds on the common clock; (0, T) if no view can be judged.
        span_seconds: [start, end) on the common clock that all views show; None without windows.
        seconds: wall-clock time of the encoding.
    """

    views: Mapping[str, SeenView]
    instants: NDArray[np.float64]
    span_seconds: tuple[float, float] | None
    seconds: float

    @property
    def used(self) -> dict[str, SeenView]:
        """The views that have features."""
        return {name: view for name, view in self.views.items() if view.features is not None}


class TakeEncoder:
    """Reads views and encodes their windows.

    Args:
        model: on `device`, in evaluation mode.
        spec: what the model looks at.
        device: where the model runs.
        limits: larger videos are refused.
        picture_kinds: kinds of views whose picture statistics are wanted.
    """

    def __init__(
        self,
        model: ProficiencyModel,
        spec: InputSpec,
        *,
        device: torch.device,
        limits: VideoLimits,
        picture_kinds: frozenset[str] = frozenset(),
    ) -> None:
        self._model = model
        self._spec = spec
        self._device = device
        self._limits = limits
        self._picture_kinds = picture_kinds

    def encode(self, inputs: Mapping[str, InputView], *, progress: Progress) -> EncodedTake:
        """Open, check, read and encode the views.

        Args:
            inputs: as `check_views` returns them.
            progress: called with what is being done and the share of a whole scoring that is done.

        Raises:
            ProskillError: views without a common instant, or no view that can be read; for a single
                view this is its VideoError.
        """
        begin = time.perf_counter()
        seen: dict[str, SeenView] = {}
        with ExitStack() as stack:
            for number, (name, source) in enumerate(inputs.items()):
                progress(f"opening {name}", 0.1 * number / len(inputs))
                view = open_view(
                    source, size=min(self._spec.img_size), limits=self._limits, stack=stack
                )
                if view.info is not None:
                    view.reasons += file_reasons(view.info, self._spec)
                seen[name] = view
            require_readable(seen)
            span = self._span(seen)
            instants = self._instants(span)
            if len(instants):
                self._encode_views(seen, instants, progress)
        require_readable(seen)
        for view in seen.values():
            view.reader = None  # closed with the stack
            if view.info is not None:
                view.warnings += file_warnings(view.info, self._spec)
        return EncodedTake(seen, instants, span, time.perf_counter() - begin)

    def read_again(self, view: SeenView, instants: NDArray[np.float64]) -> torch.Tensor:
        """Frames uint8 (N, C, H, W) of a view that was encoded before, as the model sees them.

        Args:
            view: of an `EncodedTake`; its file is opened again.
            instants: (N,) seconds on the common clock.

        Raises:
            VideoError: the file is gone or can no longer be read.
        """
        size = min(self._spec.img_size)
        with VideoReader(view.source.read_path, size=size, limits=self._limits) as reader:
            frames = reader.frames_at(instants + view.source.offset_seconds)
        return fit_square(frames, self._spec.img_size)

    @torch.inference_mode()
    def encode_frames(self, clips: torch.Tensor) -> torch.Tensor:
        """Features (W, T, D) of single frames in their windows, from uint8 (W, T, C, H, W)."""
        return torch.cat(
            [self._model.encode_frames(batch)[:, 0].float() for batch in self._batches(clips)]
        )

    def _span(self, seen: Mapping[str, SeenView]) -> tuple[float, float] | None:
        """What all judgeable views show; None, with a reason for each, if that is too short."""
        usable = {name: view for name, view in seen.items() if view.is_usable}
        if not usable:
            return None
        start, end = shared_span(usable)
        if end - start >= window_seconds(self._spec):
            return start, end
        for view in usable.values():
            view.reasons += (
                f"shares only {end - start:.2f} s with the other views, and the model looks at "
                f"{window_seconds(self._spec):.2f} s at a time",
            )
        return None

    def _instants(self, span: tuple[float, float] | None) -> NDArray[np.float64]:
        """Windows over the span, (W, T); (0, T) without one."""
        spec = self._spec
        if span is None:
            return np.empty((0, spec.num_frames))
        return evaluation_windows(
            *span,
            num_frames=spec.num_frames,
            frame_interval_seconds=spec.frame_interval_seconds,
            num_windows=spec.num_windows,
        )

    def _encode_views(
        self, seen: Mapping[str, SeenView], instants: NDArray[np.float64], progress: Progress
    ) -> None:
        """Read every usable view and give it features (W, D), or the reason why it has none."""
        usable = [view for view in seen.values() if view.is_usable]
        for number, (view, read) in enumerate(self._read_ahead(usable, instants)):
            base, share = 0.1 + 0.85 * number / len(usable), 0.85 / len(usable)
            progress(f"reading {view.source.name}", base)
            try:
                clips, view.pictures = read.result()
            except VideoError as error:
                view.error = error
                continue
            view.reasons += picture_reasons(clips)
            if not view.reasons:
                what, begin = f"looking at {view.source.name}", base + 0.3 * share
                step = 0.7 * share / len(clips)
                view.features = self._features(
                    clips, on_batch=partial(_say, progress, what, begin, step)
                )

    def _read_ahead(
        self, views: Sequence[SeenView], instants: NDArray[np.float64]
    ) -> Iterator[tuple[SeenView, Future[_Read]]]:
        """Each view with what is read of it; the next ones are read while the model looks at it."""
        with ThreadPoolExecutor(max_workers=_READ_AHEAD, thread_name_prefix="view") as reading:
            coming: list[Future[_Read]] = []
            for number, view in enumerate(views):
                for ahead in views[number + len(coming) : number + 1 + _READ_AHEAD]:
                    coming.append(reading.submit(self._read, ahead, instants))
                yield view, coming.pop(0)

    def _read(self, view: SeenView, instants: NDArray[np.float64]) -> _Read:
        """Windows uint8 (W, T, C, H, W) of a view, and its picture statistics."""
        frames = fit_square(view.frames_at(instants.ravel()), self._spec.img_size)
        return frames.reshape(*instants.shape, *frames.shape[1:]), self._pictures(view, instants)

    @torch.inference_mode()
    def _features(self, clips: torch.Tensor, *, on_batch: Callable[[int], None]) -> torch.Tensor:
        """uint8 (W, T, C, H, W) to (W, D); says before each batch how many windows are done."""
        parts = []
        for number, batch in enumerate(self._batches(clips)):
            on_batch(number * _WINDOWS_PER_BATCH)
            parts.append(self._model.encode_views(batch)[:, 0].float())  # (w, D)
        return torch.cat(parts)

    def _batches(self, clips: torch.Tensor) -> Iterator[torch.Tensor]:
        """A few windows at a time as the model takes them, (w, 1, C, T, H, W)."""
        for begin in range(0, len(clips), _WINDOWS_PER_BATCH):
            part = clips[begin : begin + _WINDOWS_PER_BATCH].to(self._device)
            yield to_model_input(part, self._spec.mean, self._spec.std)[:, None]

    def _pictures(
        self, view: SeenView, instants: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Picture statistics (P,) over the scored span, where views of this kind want them."""
        if view.source.kind not in self._picture_kinds:
            return None
        end = float(instants[-1, -1]) + frame_seconds(self._spec, instants)
        pairs = picture_instants(float(instants[0, 0]), end)  # (4, 2)
        frames = fit_square(view.frames_at(pairs.ravel()), self._spec.img_size)
        return picture_statistics(frames.reshape(*pairs.shape, *frames.shape[1:]))


def _say(progress: Progress, what: str, begin: float, step: float, done: int) -> None:
    progress(what, begin + step * done)
