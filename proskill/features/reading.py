"""Views of a take on their way from files to clips: opened, timed, read and judged.

All views share one clock and one list of timestamps. Not here: the backbone (`encoding.py`).

Shapes: W windows, T frames, C channels, H W pixels, N tokens, D embedding, P statistics.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proskill.data.clips import read_clip, window_timestamps
from proskill.data.take import Take, View, shared_span
from proskill.errors import ProskillError, VideoError
from proskill.features.judgeable import (
    file_reasons,
    frame_seconds,
    picture_reasons,
    window_seconds,
)
from proskill.input_spec import InputSpec
from proskill.view_names import VIEW_KINDS

if TYPE_CHECKING:  # training from cached features needs no decoder
    from proskill.input_spec import ReaderName
    from proskill.video.probe import VideoInfo, VideoLimits
    from proskill.video.reader import VideoReader
    from proskill.video.sanitize import Proxy

Progress = Callable[[str, float], None]  # current step, and the share that is done, in [0, 1]
FramesAt = Callable[[NDArray[np.float64]], Tensor]
Measure = Callable[[View, tuple[float, float], FramesAt], NDArray[np.float64] | None]

_Item = TypeVar("_Item")
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class ReadOptions:
    """Differences between callers in reading a take.

    Attributes:
        is_judged: leave out views that cannot be read or judged and keep the reasons, as scoring
            does; false raises on the first view that cannot be read and judges none.
        limits: larger videos are refused; None for those of datasets.
        reader: decoder, see `proskill.video.open_reader`.
        measure: picture statistics of a view, from its span and a function that reads frames.
    """

    is_judged: bool = False
    limits: VideoLimits | None = None
    reader: ReaderName = "pyav"
    measure: Measure | None = None


@dataclass(frozen=True)
class EncodedView:
    """One view of an encoded take.

    Attributes:
        view: file, kind and clock.
        read_path: the file that was read: the view's own, or a copy of it.
        info: facts about the view's own file; None if it cannot be opened.
        sha256: of that file; empty if it cannot be opened, and in takes that are not judged.
        error: the reason why it cannot be read.
        reasons: why it cannot be judged.
        warnings: what weakens the judgement.
        features: float32 (W, D), or (W, 1 + N*T, D) after a prefix; None if it is left out.
        pictures: (P,) picture statistics; None unless they are measured.
    """

    view: View
    read_path: Path
    info: VideoInfo | None = None
    sha256: str = ""
    error: VideoError | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    features: Tensor | None = field(default=None, repr=False)
    pictures: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def is_usable(self) -> bool:
        """True while no reason against the view is known."""
        return self.error is None and not self.reasons

    @property
    def is_copy(self) -> bool:
        """True if a copy was read in place of the file."""
        return self.read_path != Path(self.view.path)

    @property
    def kind_number(self) -> int:
        """0 ego, 1 exo."""
        return VIEW_KINDS.index(self.view.kind)

    @property
    def window_features(self) -> Tensor:
        """(W, D)."""
        assert self.features is not None, "only used views have features"
        return self.features

    @property
    def mean_feature(self) -> Tensor:
        """(D,), the mean over windows."""
        return self.window_features.mean(dim=0)


@dataclass(frozen=True)
class OpenTake:
    """A take with open files and chosen timestamps.

    Attributes:
        take: the take.
        spec: clips that the model takes.
        options: of the reading.
        views: view name -> facts, or why it cannot be used.
        readers: view name -> open file, for views that could be opened.
        span_seconds: [start, end) that all usable views show; None without windows.
        timestamps: (W, T) seconds on the take's clock; (0, T) without windows.
    """

    take: Take
    spec: InputSpec
    options: ReadOptions
    views: Mapping[str, EncodedView]
    readers: Mapping[str, VideoReader]
    span_seconds: tuple[float, float] | None
    timestamps: NDArray[np.float64]

    @property
    def usable(self) -> list[str]:
        """Names of the views to read."""
        return [name for name, view in self.views.items() if view.is_usable]


@dataclass(frozen=True)
class ViewClips:
    """The windows of one view: uint8 (W, T, C, H, W), None if they cannot be read or judged."""

    name: str
    view: EncodedView
    clips: Tensor | None


def open_take(
    take: Take,
    spec: InputSpec,
    options: ReadOptions,
    *,
    copies: Mapping[str, Proxy | VideoError] | None = None,
    progress: Progress | None = None,
) -> OpenTake:
    """Open the views of a take and choose the timestamps of its windows; see `encode_take`."""
    views: dict[str, EncodedView] = {}
    readers: dict[str, VideoReader] = {}
    for number, (name, view) in enumerate(take.views.items()):
        if progress:
            progress(f"opening {name}", 0.1 * number / len(take.views))
        copy = None if copies is None else copies[name]
        views[name], reader = _open_view(view, copy, spec, options)
        if reader is not None:
            readers[name] = reader
    require_readable(views)
    durations = {
        name: view.info.duration_seconds
        for name, view in views.items()
        if view.is_usable and view.info
    }
    span = shared_span(take, durations) if durations else None
    if span is not None and options.is_judged and span[1] - span[0] < window_seconds(spec):
        reason = (
            f"shares only {span[1] - span[0]:.2f} s with the other views, and the model looks at "
            f"{window_seconds(spec):.2f} s at a time"
        )
        views |= {name: replace(views[name], reasons=(reason,)) for name in durations}
        span = None
    timestamps = np.empty((0, spec.num_frames)) if span is None else window_timestamps(span, spec)
    return OpenTake(take, spec, options, views, readers, span, timestamps)


def read_view(opened: OpenTake, name: str) -> ViewClips:
    """Read the windows of one view, and judge its pictures where the take is judged.

    Raises:
        VideoError: it cannot be decoded and the take is not judged.
    """
    view, reader, spec = opened.views[name], opened.readers[name], opened.spec
    timestamps, options = opened.timestamps, opened.options

    def frames_at(seconds: NDArray[np.float64]) -> Tensor:
        return read_clip(reader, view.view, seconds, spec.img_size)

    try:
        clips = frames_at(timestamps)  # (W, T, C, H, W)
        pictures = None
        if options.measure is not None:
            end = float(timestamps[-1, -1]) + frame_seconds(spec, timestamps)
            pictures = options.measure(view.view, (float(timestamps[0, 0]), end), frames_at)
    except VideoError as error:
        if not options.is_judged:
            raise
        return ViewClips(name, replace(view, error=error), None)
    info = view.info if view.is_copy else reader.info  # reading finds damage that headers hide
    reasons = picture_reasons(clips) if options.is_judged else ()
    view = replace(view, info=info, pictures=pictures, reasons=reasons)
    return ViewClips(name, view, None if reasons else clips)


def read_again(
    view: EncodedView,
    timestamps: NDArray[np.float64],
    spec: InputSpec,
    *,
    options: ReadOptions,
) -> Tensor:
    """Read other frames of an encoded view, uint8 (N, C, H, W), at timestamps (N,) of the take.

    Raises:
        VideoError: the file is gone or can no longer be read.
    """
    reader = _open_file(view.read_path, spec, options)
    return read_clip(reader, view.view, timestamps, spec.img_size)


def require_readable(views: Mapping[str, EncodedView]) -> None:
    """Refuse a take of which no view can be read.

    Raises:
        VideoError: the only view cannot be read.
        ProskillError: none of several can.
    """
    errors = [view.error for view in views.values() if view.error is not None]
    if len(errors) < len(views):
        return
    if len(errors) == 1:
        raise errors[0]
    listed = "; ".join(f"{error.path.name}: {error.reason}" for error in errors)
    raise ProskillError(f"none of the {len(errors)} views can be read ({listed})")


def ahead(
    function: Callable[[_Item], _Read],
    items: Iterable[_Item],
    *,
    num_threads: int,
    num_ahead: int,
) -> Generator[tuple[_Item, Future[_Read]], None, None]:
    """Call a function on items in threads, a few items ahead and no more, in their order."""
    waiting: deque[tuple[_Item, Future[_Read]]] = deque()
    with ThreadPoolExecutor(max(1, num_threads), thread_name_prefix="read") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(function, item)))
                if len(waiting) > num_ahead:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _open_view(
    view: View, copy: Proxy | VideoError | None, spec: InputSpec, options: ReadOptions
) -> tuple[EncodedView, VideoReader | None]:
    if isinstance(copy, VideoError):
        return EncodedView(view, Path(view.path), error=copy), None
    path = Path(view.path) if copy is None else copy.path
    try:
        reader = _open_file(path, spec, options)
    except VideoError as error:
        if not options.is_judged:
            raise
        return EncodedView(view, path, error=error), None
    info = reader.info if copy is None else copy.info
    if not options.is_judged:
        return EncodedView(view, path, info), reader
    sha256 = _sha256_of(path) if copy is None else copy.sha256
    return EncodedView(view, path, info, sha256, reasons=file_reasons(info, spec)), reader


def _open_file(path: Path, spec: InputSpec, options: ReadOptions) -> VideoReader:
    from proskill.video.probe import DATASET_LIMITS
    from proskill.video.readers import open_reader

    return open_reader(
        path,
        reader=options.reader,
        size=min(spec.img_size),
        limits=options.limits or DATASET_LIMITS,
    )


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
