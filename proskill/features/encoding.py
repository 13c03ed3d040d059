"""Encoding of a take: video files to backbone features of windows, for training and scoring alike.

All views share one clock and one list of timestamps. Views are read ahead in threads while the
backbone runs; windows go through it in batches that run on from one view to the next.

Not here: opening and reading files (`reading.py`), keeping features on disk (`feature_cache.py`),
predictions from them (`prediction.py`).

Shapes: B takes, V views, W windows, T frames, C channels, H W pixels, N tokens, D embedding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proskill.data.take import Take
from proskill.data.take_dataset import TakeBatch, mean_over_windows
from proskill.errors import VideoError
from proskill.features.judgeable import file_warnings
from proskill.features.reading import (
    EncodedView,
    OpenTake,
    Progress,
    ReadOptions,
    ViewClips,
    ahead,
    open_take,
    read_view,
    require_readable,
)
from proskill.input_spec import InputSpec, Precision
from proskill.models import TimeSformer
from proskill.video.transforms import to_model_input

if TYPE_CHECKING:
    from proskill.video.sanitize import Proxy

FrameOrder = Literal["natural", "static", "shuffled"]
InputStage = Literal["features", "prefix", "clips"]

BATCH_SIZE = 8
"""Windows per forward pass: 8 fit the cache of a CPU. The bits of features depend on it."""

_READ_AHEAD = 2  # views that wait for the backbone


@dataclass(frozen=True)
class EncodedTake:
    """A take with the features of its views: enough to assess and to explain it.

    Attributes:
        take: the take.
        views: view name -> encoded view, in the take's order; files are closed.
        timestamps: (W, T) seconds on the take's clock; (0, T) if no view can be judged.
        span_seconds: [start, end) that all views show; None without windows.
        precision: of the backbone.
        seconds: wall-clock time of the encoding.
    """

    take: Take
    views: Mapping[str, EncodedView]
    timestamps: NDArray[np.float64]
    span_seconds: tuple[float, float] | None
    precision: Precision
    seconds: float

    @property
    def used(self) -> dict[str, EncodedView]:
        """The views that have features."""
        return {name: view for name, view in self.views.items() if view.features is not None}


def encode_take(
    take: Take,
    backbone: TimeSformer,
    spec: InputSpec,
    *,
    precision: Precision = "fp32",
    options: ReadOptions | None = None,
    copies: Mapping[str, Proxy | VideoError] | None = None,
    progress: Progress | None = None,
) -> EncodedTake:
    """Open, read and encode the views of a take.

    Args:
        take: one performance.
        backbone: in evaluation mode.
        spec: clips that the model takes.
        precision: of the backbone.
        options: of the reading; None for those of datasets.
        copies: view name -> the copy that is read in the file's place, or why there is none.
        progress: called with the current step and the share of a whole scoring that is done.

    Raises:
        VideoError: a view cannot be read: any view, or the only one of a take that is judged.
        ProskillError: none of several views can be read, or they have no timestamp in common.
    """
    begin = time.perf_counter()
    report = progress or (lambda what, share: None)
    opened = open_take(take, spec, options or ReadOptions(), copies=copies, progress=report)
    read = partial(read_view, opened)
    names = opened.usable
    with closing(ahead(read, names, num_threads=_READ_AHEAD, num_ahead=_READ_AHEAD)) as reads:
        results = (future.result() for _, future in reads)
        encoded = encode_clips(opened, results, backbone, precision=precision, progress=report)
    return replace(encoded, seconds=time.perf_counter() - begin)


def encode_clips(
    opened: OpenTake,
    reads: Iterable[ViewClips],
    backbone: TimeSformer,
    *,
    precision: Precision = "fp32",
    prefix_blocks: int | None = None,
    frame_order: FrameOrder = "natural",
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> EncodedTake:
    """Run the backbone, or its first blocks, over the windows of views that come one by one.

    Args:
        opened: the take.
        reads: its usable views, in their order.
        backbone: in evaluation mode.
        precision: of the backbone.
        prefix_blocks: None pools features (W, D); k gives the tokens after the first k blocks.
        frame_order: order of the frames, see `extract_features`.
        batch_size: windows per forward pass.
        progress: as for `encode_take`.
    """
    views, used = dict(opened.views), list[str]()
    num_views, num_windows = len(opened.usable), len(opened.timestamps)
    report = progress or (lambda what, share: None)
    current, place = "", 0.0

    def windows() -> Iterator[Tensor]:
        nonlocal current, place
        for number, read in enumerate(reads):
            current, place = read.name, 0.1 + 0.85 * number / num_views
            report(f"reading {current}", place)
            views[current] = read.view
            if read.clips is not None:
                used.append(current)
                yield _reorder(read.clips, frame_order)

    def forward(x: Tensor) -> Tensor:
        if prefix_blocks is not None:
            return backbone.forward_prefix(x, prefix_blocks)  # (B, 1 + N*T, D)
        return backbone.pool(backbone.forward_features(x))  # (B, D)

    outputs: list[Tensor] = []
    for number, batch in enumerate(_batches(windows(), batch_size)):
        done = 0.1 + 0.85 * number * batch_size / (num_views * num_windows)
        report(f"looking at {current}", max(done, place))
        outputs.append(_run(backbone, batch, opened.spec, precision=precision, forward=forward))
    require_readable(views)
    features = torch.cat(outputs).split(num_windows) if used else ()
    views |= {n: replace(views[n], features=f) for n, f in zip(used, features, strict=True)}
    if opened.options.is_judged:
        views = {
            name: replace(view, warnings=file_warnings(view.info, opened.spec))
            if view.info
            else view
            for name, view in views.items()
        }
    return EncodedTake(
        opened.take, views, opened.timestamps, opened.span_seconds, precision, seconds=0.0
    )


def encode_frames(
    backbone: TimeSformer, clips: Tensor, spec: InputSpec, *, precision: Precision = "fp32"
) -> Tensor:
    """Encode single frames in their windows, uint8 (W, T, C, H, W) to float32 (W, T, D).

    Their mean over T is the feature of the window, but for a class token.
    """

    def forward(x: Tensor) -> Tensor:
        return backbone.pool_frames(backbone.forward_features(x), x.shape[2])

    batches = clips.split(BATCH_SIZE)
    return torch.cat(
        [_run(backbone, b, spec, precision=precision, forward=forward) for b in batches]
    )


def encode_batch(
    backbone: TimeSformer,
    batch: TakeBatch,
    *,
    input_stage: InputStage,
    prefix_blocks: int | None,
    num_frames: int,
    batch_size: int | None = None,
) -> Tensor:
    """Encode a batch of the data module, with gradients where they are wanted.

    Args:
        backbone: runs the blocks that the batch has not passed yet.
        batch: its inputs are (B, V, W, D), (B, V, W, 1 + N*T, D) or (B, V, W, C, T, H, W).
        input_stage: one of these three.
        prefix_blocks: blocks that "prefix" inputs have passed.
        num_frames: T.
        batch_size: windows per forward pass; None runs all at once, as training needs it.

    Returns:
        (B, V, D), averaged over the windows of each take; zero where there is no view.
    """
    if input_stage == "features":
        return mean_over_windows(batch.inputs, batch.window_mask)
    exists = batch.view_mask[:, :, None] & batch.window_mask[:, None, :]  # (B, V, W)
    windows = batch.inputs[exists]  # (M, ...), M windows that exist
    encoded = []
    for chunk in windows.split(batch_size or len(windows)):
        if input_stage == "prefix" and prefix_blocks is not None:
            tokens = backbone.forward_suffix(chunk, prefix_blocks, num_frames=num_frames)
        else:
            tokens = backbone.forward_features(chunk)
        encoded.append(backbone.pool(tokens))  # (M, D)
    flat = torch.cat(encoded)
    features = flat.new_zeros((*exists.shape, flat.shape[-1]))  # (B, V, W, D)
    features = features.index_put(exists.nonzero(as_tuple=True), flat)
    return mean_over_windows(features, batch.window_mask)


def _batches(clips: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Batches of `size` windows that run on from one view to the next; the last may be shorter."""
    rest: list[Tensor] = []  # fewer windows than a batch
    for windows in clips:
        start = 0
        while start < len(windows):
            part = windows[start : start + size - sum(map(len, rest))]
            start += len(part)
            rest.append(part)
            if sum(map(len, rest)) == size:
                yield torch.cat(rest)
                rest = []
        rest = [part.clone() for part in rest]  # so that the view itself is not kept
    if rest:
        yield torch.cat(rest)


@torch.inference_mode()
def _run(
    backbone: TimeSformer,
    batch: Tensor,
    spec: InputSpec,
    *,
    precision: Precision,
    forward: Callable[[Tensor], Tensor],
) -> Tensor:
    """Run part of a backbone on windows uint8 (B, T, C, H, W); float32 on the CPU."""
    device = next(backbone.parameters()).device
    x = to_model_input(batch.to(device), spec.mean, spec.std)  # (B, C, T, H, W)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        y = forward(x)
    return y.float().cpu()


def _reorder(clip: Tensor, frame_order: FrameOrder) -> Tensor:
    """Put the frames of (W, T, C, H, W) into the order of a control."""
    num_frames = clip.shape[1]
    if frame_order == "static":
        return clip[:, num_frames // 2 : num_frames // 2 + 1].expand_as(clip)
    if frame_order == "shuffled":
        # Over the whole take, not inside each window: how far things move within a short time would
        # otherwise still tell fast from slow. One order for all views keeps them synchronised.
        order = np.random.default_rng(num_frames).permutation(len(clip) * num_frames)
        return clip.flatten(0, 1)[order].unflatten(0, clip.shape[:2])
    return clip
