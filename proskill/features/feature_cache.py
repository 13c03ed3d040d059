"""Features of takes, computed once by the frozen blocks and kept on disk.

An entry is the output of the frozen blocks for all views and windows of one take. Its name is a
digest of everything that it depends on: weights, video content, span, windows, input
format, precision. A changed video or backbone therefore never meets an old entry; a damaged entry
is computed again. Takes are independent, so a killed run continues where it stopped and gives
the same numbers.

Shapes: N takes, V views, W windows, T frames, D embedding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proskill.data.take import Take
from proskill.errors import VideoError
from proskill.features.array_file import read_array, write_array
from proskill.features.encoding import BATCH_SIZE, FrameOrder, encode_clips
from proskill.features.prediction import PooledFeatures
from proskill.features.reading import (
    OpenTake,
    ReadOptions,
    ViewClips,
    ahead,
    open_take,
    read_view,
)
from proskill.input_spec import InputSpec, Precision, ReaderName
from proskill.models import TimeSformer

PrecisionChoice = Precision | Literal["auto"]
_Loaded = tuple[Path | None, np.ndarray | tuple[OpenTake, list[ViewClips]]]

_FORMAT_VERSION = 4
_WHOLE_FILE_BYTES = 64 * 2**20
_SAMPLE_BYTES = 2**20


@dataclass(frozen=True)
class FeatureTable:
    """Features of takes, in the order of the takes.

    Attributes:
        takes: those that could be read.
        arrays: take_id -> (V, W, ...) in the take's own view order; may be memory-mapped.
        view_names: every view name that occurs, in order of first appearance: the columns below.
        skipped: take_id -> reason, for takes left out because a video is broken.
        precision: in which the features were computed.
    """

    takes: tuple[Take, ...]
    arrays: Mapping[str, np.ndarray]
    view_names: tuple[str, ...]
    skipped: Mapping[str, str]
    precision: Precision

    @property
    def features(self) -> np.ndarray:
        """Float32 (N, V, W, ...), zero where a view or window does not exist."""
        first = self.arrays[self.takes[0].take_id]
        shape = (len(self.takes), len(self.view_names), self.window_mask.shape[1], *first.shape[2:])
        table = np.zeros(shape, dtype=np.float32)
        for row, take in enumerate(self.takes):
            stored = self.arrays[take.take_id]
            columns = [self.view_names.index(name) for name in take.views]
            table[row, columns, : stored.shape[1]] = stored
        return table

    @property
    def pooled(self) -> np.ndarray:
        """Float32 (N, V, D), the mean over a take's windows: what the fusion head sees."""
        first = self.arrays[self.takes[0].take_id]
        table = np.zeros((len(self.takes), len(self.view_names), first.shape[-1]), dtype=np.float32)
        for row, take in enumerate(self.takes):
            columns = [self.view_names.index(name) for name in take.views]
            table[row, columns] = np.asarray(self.arrays[take.take_id], dtype=np.float32).mean(
                axis=1
            )
        return table

    def pool(self) -> PooledFeatures:
        """Return features averaged over windows, for predictions."""
        return PooledFeatures(
            self.pooled, self.view_mask, self.view_kind, self.takes, self.view_names
        )

    @property
    def view_mask(self) -> np.ndarray:
        """Bool (N, V), True where the take has the view."""
        return np.array([[name in take.views for name in self.view_names] for take in self.takes])

    @property
    def view_kind(self) -> np.ndarray:
        """Int64 (N, V): 0 ego, 1 exo, 0 where the view does not exist."""
        return np.array(
            [
                [
                    int(name in take.views and take.views[name].kind == "exo")
                    for name in self.view_names
                ]
                for take in self.takes
            ],
            dtype=np.int64,
        )

    @property
    def window_mask(self) -> np.ndarray:
        """Bool (N, W), True where the take has the window."""
        counts = np.array([self.arrays[take.take_id].shape[1] for take in self.takes])
        return np.arange(counts.max())[None, :] < counts[:, None]


def extract_features(
    takes: Sequence[Take],
    backbone: TimeSformer,
    spec: InputSpec,
    *,
    cache_dir: Path | None = None,
    view_names: Sequence[str] | None = None,
    prefix_blocks: int | None = None,
    backbone_key: str | None = None,
    frame_order: FrameOrder = "natural",
    precision: PrecisionChoice = "auto",
    reader: ReaderName = "pyav",
    batch_size: int = BATCH_SIZE,
    num_threads: int = 2,
    device: torch.device | str = "cpu",
    skip_broken: bool = False,
    progress: bool = True,
) -> FeatureTable:
    """Run the frozen backbone, or its first blocks, over every window of every view of the takes.

    Args:
        takes: ids must be distinct.
        backbone: set to evaluation mode and moved to `device`.
        spec: sampling, size and normalisation of clips, and windows per take.
        cache_dir: where entries are kept; None keeps them in memory only.
        view_names: use only these views; None uses all. A take with none of them is left out.
        prefix_blocks: None gives pooled features (W, D) per view, float32; k gives the tokens after
            the first k blocks (W, 1 + N*T, D) per view, float16.
        backbone_key: digest of the weights, if LoRA has wrapped them since; None computes it.
        frame_order: "static" repeats each window's middle frame, "shuffled" permutes the frames of
            all windows of a take: the controls that must not know skill.
        precision: "auto" takes bf16 where the hardware has it.
        reader: decoder, see `proskill.video.open_reader`.
        batch_size: clips per forward pass; 8 fit the cache of a CPU, a GPU takes more. Batches
            never mix takes, so that a take's numbers do not depend on its neighbours.
        num_threads: takes decoded at the same time, while the backbone runs.
        device: where the backbone runs.
        skip_broken: leave out and count takes with an undecodable video instead of raising.
        progress: show a bar on standard error.

    Raises:
        VideoError: a video cannot be decoded and `skip_broken` is false.
        ProskillError: the cache folder cannot be written.
    """
    device = torch.device(device)
    takes = _with_views(takes, view_names)
    chosen = _precision_on(device) if precision == "auto" else precision
    dtype = np.float32 if prefix_blocks is None else np.float16
    backbone = backbone.to(device).eval()
    key_base = {
        "version": _FORMAT_VERSION,
        "backbone": backbone_key or backbone_sha256(backbone),
        "prefix_blocks": prefix_blocks,
        "input": asdict(spec),
        "frame_order": frame_order,
        "precision": chosen,
        "reader": reader,
        "device": device.type,
    }

    def load(take: Take) -> _Loaded:
        """Return the cached entry, or the clips to compute it from."""
        path = None if cache_dir is None else _entry_path(cache_dir, key_base, take)
        stored = None if path is None else read_array(path)
        if stored is not None:
            return path, stored
        opened = open_take(take, spec, ReadOptions(reader=reader))
        return path, (opened, [read_view(opened, name) for name in opened.usable])

    arrays: dict[str, np.ndarray] = {}
    skipped: dict[str, str] = {}
    with closing(ahead(load, takes, num_threads=num_threads, num_ahead=num_threads + 1)) as loaded:
        for take, future in _bar(loaded, total=len(takes), show=progress):
            try:
                path, value = future.result()
            except VideoError as error:
                if not skip_broken:
                    raise
                skipped[take.take_id] = str(error)
                continue
            if isinstance(value, tuple):
                views = encode_clips(
                    *value,
                    backbone,
                    precision=chosen,
                    prefix_blocks=prefix_blocks,
                    frame_order=frame_order,
                    batch_size=batch_size,
                ).views.values()
                features = torch.stack([view.window_features for view in views])  # (V, W, ...)
                encoded = features.numpy().astype(dtype)
                if path is not None:
                    write_array(path, encoded)
                    # From disk again: a large table belongs in the page cache, not on the heap.
                    encoded = encoded if prefix_blocks is None else np.load(path, mmap_mode="r")
                value = encoded
            arrays[take.take_id] = value
    return FeatureTable(
        takes=tuple(take for take in takes if take.take_id in arrays),
        arrays=arrays,
        view_names=tuple(dict.fromkeys(name for take in takes for name in take.views)),
        skipped=skipped,
        precision=chosen,
    )


def backbone_sha256(backbone: TimeSformer) -> str:
    """Digest of a backbone's settings and weights."""
    digest = hashlib.sha256(json.dumps(backbone.config, sort_keys=True, default=str).encode())
    for name, tensor in sorted(backbone.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def video_fingerprint(path: Path) -> str:
    """Digest of a video's content; of a file above 64 MB its size, time stamp and three samples.

    Raises:
        VideoError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        status = path.stat()
        with path.open("rb") as file:
            if status.st_size <= _WHOLE_FILE_BYTES:
                digest.update(file.read())
            else:
                digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
                for start in (0, status.st_size // 2, status.st_size - _SAMPLE_BYTES):
                    file.seek(start)
                    digest.update(file.read(_SAMPLE_BYTES))
    except OSError as error:
        raise VideoError(path, f"cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def _with_views(takes: Sequence[Take], view_names: Sequence[str] | None) -> list[Take]:
    if len({take.take_id for take in takes}) != len(takes):
        raise ValueError("takes: a take_id occurs twice; features are kept by take_id")
    if view_names is None:
        return list(takes)
    kept = []
    for take in takes:
        views = {name: take.views[name] for name in view_names if name in take.views}
        if views:
            kept.append(replace(take, views=views))
    return kept


def _precision_on(device: torch.device) -> Precision:
    """Return bf16 where the hardware has it."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    # Without these instructions bf16 is emulated and slower than float32.
    is_fast = device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())
    return "bf16" if is_fast else "fp32"


def _entry_path(cache_dir: Path, key_base: Mapping[str, object], take: Take) -> Path:
    views = [
        {
            "video": video_fingerprint(Path(view.path)),
            "start": view.start_seconds,
            "end": view.end_seconds,
            "offset": view.offset_seconds,
        }
        for view in take.views.values()
    ]
    text = json.dumps({**key_base, "views": views}, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()
    return Path(cache_dir) / name[:2] / f"{name}.npy"


def _bar(
    items: Iterator[tuple[Take, Future[_Loaded]]],
    *,
    total: int,
    show: bool,
) -> Iterator[tuple[Take, Future[_Loaded]]]:
    columns = (TextColumn("features"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not show) as bar:
        yield from bar.track(items, total=total)
