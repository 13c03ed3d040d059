"""Takes as samples and padded batches, whatever stands for a view: a clip, or features of it.

A sample is one take with all its views and windows. What fills it comes from a loader: decoded
clips (`ClipLoader`) or arrays computed before (`StoredLoader`). Every random choice is a function
of (seed, epoch, take), so that a resumed run draws what the unbroken run would have drawn.

Shapes: B takes, V views, W windows; the rest of a sample is (C, T, H, W) for clips, (1 + N*T, D)
for tokens after a frozen prefix, (D) for pooled features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from proskill.data.clips import ClipFormat, read_windows
from proskill.data.take import Take
from proskill.levels import LevelScale
from proskill.video.transforms import AugmentTake, to_model_input

UNLABELLED = -1
EpochIndex = tuple[int, int]
Loader = Callable[[Take, np.random.Generator | None], Tensor]


class TakeBatch(NamedTuple):
    """Padded takes.

    Attributes:
        inputs: (B, V, W, ...), zero where padded.
        view_mask: (B, V) True where the view exists.
        view_kind: (B, V) 0 ego, 1 exo; 0 where padded.
        window_mask: (B, W) True where the window exists.
        level: (B,) index on the scale, -1 without a label.
        rating: (B,) continuous label, NaN without one.
        position: (B,) place of the take in the dataset's list.
    """

    inputs: Tensor
    view_mask: Tensor
    view_kind: Tensor
    window_mask: Tensor
    level: Tensor
    rating: Tensor
    position: Tensor


class TakeSample(NamedTuple):
    """One take before padding; fields as in `TakeBatch` without B and without masks."""

    inputs: Tensor
    view_kind: Tensor
    level: int
    rating: float
    position: int


@dataclass(frozen=True)
class ClipLoader:
    """Reads a take's clips as model input (V, W, C, T, H, W).

    Attributes:
        clip_format: frames, interval, size and normalisation.
        num_windows: windows in evaluation; None covers the take.
        train_windows: windows drawn at random per epoch in training.
        augment: applied to all views of a take in training; None leaves pictures as they are.
    """

    clip_format: ClipFormat
    num_windows: int | None = None
    train_windows: int = 1
    augment: AugmentTake | None = None

    def __call__(self, take: Take, rng: np.random.Generator | None) -> Tensor:
        clips = read_windows(
            take,
            self.clip_format,
            num_windows=self.num_windows if rng is None else self.train_windows,
            rng=rng,
        )
        if rng is not None and self.augment is not None:
            clips = self.augment(clips, rng)
        stacked = torch.stack(list(clips.values()))  # (V, W, T, C, H, W)
        return to_model_input(stacked, self.clip_format.mean, self.clip_format.std)


@dataclass(frozen=True)
class StoredLoader:
    """Gives arrays that were computed before, (V, W, ...) per take.

    Attributes:
        arrays: take_id -> (V, W, ...) in the take's view order; may be memory-mapped.
        train_windows: windows drawn without replacement per epoch in training; None uses all.
    """

    arrays: Mapping[str, np.ndarray]
    train_windows: int | None = None

    def __call__(self, take: Take, rng: np.random.Generator | None) -> Tensor:
        stored = self.arrays[take.take_id]
        available = stored.shape[1]
        chosen = np.arange(available)
        if rng is not None and self.train_windows is not None and self.train_windows < available:
            chosen = np.sort(rng.choice(available, size=self.train_windows, replace=False))
        # Only the chosen windows of a memory-mapped file are read.
        return torch.from_numpy(np.array(stored[:, chosen], dtype=np.float32))


class TakeDataset(Dataset[TakeSample]):
    """Labelled takes; an item is fetched by index, or by (epoch, index) when training.

    Args:
        takes: the samples, in order.
        load: fills a sample; called with a generator in training and None in evaluation.
        scale: gives level names their index.
        seed: of every random choice.
    """

    def __init__(
        self, takes: Sequence[Take], *, load: Loader, scale: LevelScale, seed: int = 0
    ) -> None:
        self.takes = list(takes)
        self.load = load
        self.seed = seed
        self._levels = [
            UNLABELLED if take.level is None else scale.index(take.level) for take in self.takes
        ]

    def __len__(self) -> int:
        return len(self.takes)

    def __getitem__(self, key: int | EpochIndex) -> TakeSample:
        epoch, index = key if isinstance(key, tuple) else (None, key)
        take = self.takes[index]
        rng = None if epoch is None else np.random.default_rng((self.seed, epoch, index))
        return TakeSample(
            inputs=self.load(take, rng),
            view_kind=torch.tensor([int(view.kind == "exo") for view in take.views.values()]),
            level=self._levels[index],
            rating=float("nan") if take.rating is None else take.rating,
            position=index,
        )


class EpochSampler(Sampler[EpochIndex]):
    """Training order: a permutation that depends on seed and epoch only, cut into equal shares.

    Lightning calls `set_epoch` at the start of every epoch, also of the first one after a resume.

    Args:
        num_takes: length of the dataset.
        seed: of the permutation.
        rank: this process among `num_replicas`; each gets as many takes as the others.
        num_replicas: processes that train together.
    """

    def __init__(self, num_takes: int, *, seed: int, rank: int = 0, num_replicas: int = 1) -> None:
        self.num_takes = num_takes
        self.seed = seed
        self.rank = rank
        self.num_replicas = num_replicas
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.num_takes // self.num_replicas)

    def __iter__(self) -> Iterator[EpochIndex]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.num_takes)
        padded = np.resize(order, len(self) * self.num_replicas)  # the first ones again at the end
        return iter([(self.epoch, int(index)) for index in padded[self.rank :: self.num_replicas]])


def collate_takes(samples: Sequence[TakeSample]) -> TakeBatch:
    """Pads takes with different numbers of views or windows into one batch."""
    num_views = max(sample.inputs.shape[0] for sample in samples)
    num_windows = max(sample.inputs.shape[1] for sample in samples)
    rest = samples[0].inputs.shape[2:]
    inputs = torch.zeros((len(samples), num_views, num_windows, *rest))  # (B, V, W, ...)
    view_mask = torch.zeros((len(samples), num_views), dtype=torch.bool)
    view_kind = torch.zeros((len(samples), num_views), dtype=torch.long)
    window_mask = torch.zeros((len(samples), num_windows), dtype=torch.bool)
    for row, sample in enumerate(samples):
        views, windows = sample.inputs.shape[:2]
        inputs[row, :views, :windows] = sample.inputs
        view_mask[row, :views] = True
        view_kind[row, :views] = sample.view_kind
        window_mask[row, :windows] = True
    return TakeBatch(
        inputs=inputs,
        view_mask=view_mask,
        view_kind=view_kind,
        window_mask=window_mask,
        level=torch.tensor([sample.level for sample in samples]),
        rating=torch.tensor([sample.rating for sample in samples], dtype=torch.float32),
        position=torch.tensor([sample.position for sample in samples]),
    )


def mean_over_windows(features: Tensor, window_mask: Tensor) -> Tensor:
    """Mean of (B, V, W, D) over the windows that exist, (B, V, D)."""
    weight = window_mask[:, None, :, None].to(features.dtype)  # (B, 1, W, 1)
    return (features * weight).sum(dim=2) / weight.sum(dim=2).clamp(min=1)
