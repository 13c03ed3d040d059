"""The views of one performance on their way from file to features: opened, timed, reported.

Not here: what may be judged (`judgeable.py`), the model (`scorer.py`).

Shapes: W windows, T frames, C channels, H W pixels, D embedding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proskill.errors import ProskillError, VideoError
from proskill.scoring.inputs import InputView, sha256_of
from proskill.video.probe import VideoInfo, VideoLimits
from proskill.video.reader import VideoReader
from proskill.view_names import VIEW_KINDS

_SHORT_OVERLAP = 0.5  # of the longest view; below it, and by this many seconds, it is worth saying
_SHORT_OVERLAP_SECONDS = 2.0


@dataclass
class SeenView:
    """What is known of one view so far.

    Attributes:
        source: what the caller asked for.
        reader: open file, None if it cannot be opened.
        info: what the file is, None if it cannot be opened.
        sha256: of the file, empty if it cannot be opened.
        error: why it cannot be read.
        reasons: why it cannot be judged.
        warnings: what weakens the judgement.
        features: (W, D), None until it is encoded.
        pictures: (P,) picture statistics, None unless they are compared.
    """

    source: InputView
    reader: VideoReader | None = None
    info: VideoInfo | None = None
    sha256: str = ""
    error: VideoError | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    features: Tensor | None = field(default=None, repr=False)
    pictures: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def is_usable(self) -> bool:
        """Nothing speaks against it so far."""
        return self.error is None and not self.reasons

    @property
    def kind_number(self) -> int:
        """0 ego, 1 exo."""
        return VIEW_KINDS.index(self.source.kind)

    @property
    def duration_seconds(self) -> float:
        """Length of the file, 0 if it cannot be opened."""
        return 0.0 if self.info is None else self.info.duration_seconds

    @property
    def window_features(self) -> Tensor:
        """(W, D)."""
        assert self.features is not None, "only encoded views have features"
        return self.features

    @property
    def mean_feature(self) -> Tensor:
        """(D,) over windows."""
        return self.window_features.mean(dim=0)

    def frames_at(self, instants_seconds: NDArray[np.float64]) -> Tensor:
        """Frames uint8 (T, C, H, W) at instants (T,) of the common clock.

        Raises:
            VideoError: they cannot be decoded.
        """
        assert self.reader is not None, "only open views are read"
        frames = self.reader.frames_at(instants_seconds + self.source.offset_seconds)
        if self.source.proxy is None:
            self.info = self.reader.info  # reading may have found damage that the header hid
        return frames


def open_view(source: InputView, *, size: int, limits: VideoLimits, stack: ExitStack) -> SeenView:
    """Open one view, or the copy of it; a file that cannot be read becomes its `error`.

    Args:
        source: which file.
        size: short side in pixels at which it is decoded.
        limits: larger videos are refused.
        stack: closes the file.
    """
    if source.error is not None:
        return SeenView(source, error=source.error)
    try:
        reader = stack.enter_context(VideoReader(source.read_path, size=size, limits=limits))
    except VideoError as error:
        return SeenView(source, error=error)
    if source.proxy is not None:
        info, sha256 = source.proxy.info, source.proxy.sha256
    else:
        info, sha256 = reader.info, sha256_of(source.path)
    return SeenView(source, reader=reader, info=info, sha256=sha256)


def require_readable(seen: Mapping[str, SeenView]) -> None:
    """Go on only if some view can be read.

    Raises:
        VideoError: the only view cannot be read.
        ProskillError: none of several can.
    """
    errors = [view.error for view in seen.values() if view.error is not None]
    if len(errors) < len(seen):
        return
    if len(errors) == 1:
        raise errors[0]
    listed = "; ".join(f"{error.path.name}: {error.reason}" for error in errors)
    raise ProskillError(f"none of the {len(errors)} views can be read ({listed})")


def shared_span(usable: Mapping[str, SeenView]) -> tuple[float, float]:
    """[start, end) in seconds on the common clock that every view shows, of the performance.

    Raises:
        ProskillError: there is no such instant.
    """
    offsets = [view.source.offset_seconds for view in usable.values()]
    start = max(0.0 - min(offsets), *(view.source.span_seconds[0] for view in usable.values()))
    end = min(_end_seconds(view) for view in usable.values())
    if end <= start:
        raise ProskillError(
            f"views {', '.join(usable)} have no instant in common (the last begins at {start:.2f} "
            f"s and the first ends at {end:.2f} s); check their offsets"
        )
    return start, end


def _end_seconds(view: SeenView) -> float:
    """Where the performance ends on the common clock, as far as this view shows it."""
    end = view.duration_seconds - view.source.offset_seconds
    asked = view.source.span_seconds[1]
    return end if asked is None else min(end, asked)


def view_warnings(
    seen: Mapping[str, SeenView], instants: NDArray[np.float64], *, interval_seconds: float
) -> tuple[str, ...]:
    """Sentences about the views together: left out, doubled, hardly overlapping, sparsely sampled.

    Args:
        seen: all views, encoded where they can be judged.
        instants: windows (W, T) on the common clock.
        interval_seconds: between the frames of a window.
    """
    used = [view for view in seen.values() if view.features is not None]
    left_out = [view for view in seen.values() if view.features is None]
    warnings = []
    for view in left_out if used else []:
        why = view.error.reason if view.error else " and ".join(view.reasons)
        be = "cannot be read and was left out" if view.error else "was left out"
        warnings.append(f"View {view.source.name} {be}: {why}.")
    first: dict[str, str] = {}
    for name, view in seen.items():
        if not view.sha256:
            continue
        if view.sha256 in first:
            warnings.append(
                f"Views {first[view.sha256]} and {name} are the same file; the second adds nothing."
            )
        first.setdefault(view.sha256, name)
    if used and len(instants):
        warnings += _coverage_warnings(used, instants, interval_seconds)
    return tuple(warnings)


def _asked_seconds(view: SeenView) -> float:
    """How much of the view's file was to be scored."""
    start, end = view.source.span_seconds
    return min(view.duration_seconds, (math.inf if end is None else end) - start)


def _coverage_warnings(
    used: list[SeenView], instants: NDArray[np.float64], interval_seconds: float
) -> list[str]:
    warnings = []
    scored = float(instants[-1, -1] - instants[0, 0]) + interval_seconds
    longest = max(_asked_seconds(view) for view in used)
    if scored < _SHORT_OVERLAP * longest and longest - scored > _SHORT_OVERLAP_SECONDS:
        warnings.append(
            f"Only {scored:.1f} s, which all views show, were scored; the longest view has "
            f"{longest:.1f} s."
        )
    if len(instants) > 1:
        step = float(instants[1, 0] - instants[0, 0])
        window = float(instants[0, -1] - instants[0, 0]) + interval_seconds
        if step > window * 1.01:
            warnings.append(
                f"The performance is long: {len(instants)} windows of {window:.1f} s, {step:.1f} s "
                "apart, stand for it."
            )
    return warnings
