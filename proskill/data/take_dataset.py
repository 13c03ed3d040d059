"""Takes as samples and padded batches, whatever stands for a view: a clip, or features of it.

A sample is one take with all its views and windows. What fills it comes from a loader: decoded
clips (`ClipLoader`) or arrays computed before (`StoredLoader`). Every random choice is a function
of (seed, epoch, take), so that a resumed run draws what the unbroken run would have drawn.

Shapes: B takes, V views, W windows, S skills; the rest of a sample is (C, T, H, W) for clips,
(1 + N*T, D) for tokens after a frozen prefix, (D) for pooled features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from proskill.data.clips import read_windows
from proskill.data.take import Take
from proskill.data.targets import Targets
from proskill.errors import VideoError
from proskill.input_spec import InputSpec, ReaderName
from proskill.levels import UNLABELLED
from proskill.video.transforms import AugmentTake, to_model_input

EpochIndex = tuple[int, int]
Loader = Callable[[Take, np.random.Generator | None], Tensor]


class TakeBatch(NamedTuple):
    """Padded takes.

    Attributes:
        inputs: (B, V, W, ...), zero where padded.
        view_mask: (B, V) True where the view exists.
        view_kind: (B, V) 0 ego, 1 exo; 0 where padded.
        window_mask: (B, W) True where the window exists.
        levels: (B, S) index on the scale for every skill, -1 without a label.
        rating: (B,) continuous label, NaN without one.
        position: (B,) place of the take in the dataset's list.
        broken: B sentences, why the take cannot be read, empty where it can. A broken take is one
            blank view without labels: nothing is learned from it, nothing may be said of it.
    """

    inputs: Tensor
    view_mask: Tensor
    view_kind: Tensor
    window_mask: Tensor
    levels: Tensor
    rating: Tensor
    position: Tensor
    broken: tuple[str, ...]


class TakeSample(NamedTuple):
    """One take before padding; fields as in `TakeBatch` without B and without masks."""

    inputs: Tensor
    view_kind: Tensor
    levels: tuple[int, ...]
    rating: float
    position: int
    broken: str = ""


@dataclass(frozen=True)
class ClipLoader:
    """Reads a take's clips as model input (V, W, C, T, H, W).

    Attributes:
        spec: frames, interval, size, normalisation and windows in evaluation.
        train_windows: windows drawn at random per epoch in training.
        augment: applied to all views of a take in training; None leaves pictures as they are.
        reader: decoder, see `proskill.video.open_reader`.
    """

    spec: InputSpec
    train_windows: int = 1
    augment: AugmentTake | None = None
    reader: ReaderName = "pyav"

    def __call__(self, take: Take, rng: np.random.Generator | None) -> Tensor:
        clips = read_windows(
            take,
            self.spec,
            rng=rng,
            num_random=self.train_windows,
            reader=self.reader,
        )
        if rng is not None and self.augment is not None:
            clips = self.augment(clips, rng)
        stacked = torch.stack(list(clips.values()))  # (V, W, T, C, H, W)
        return to_model_input(stacked, self.spec.mean, self.spec.std)

    @property
    def blank(self) -> Tensor:
        """One view and window of zeros, (1, 1, C, T, H, W)."""
        spec = self.spec
        return torch.zeros(1, 1, len(spec.mean), spec.num_frames, *spec.img_size)


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
        targets: which labels count.
        seed: of every random choice.
        train_views: views of a take drawn at random in every epoch; None uses all.
        blank: inputs that stand for a take whose video is broken; None raises instead.

    Raises:
        ManifestError: a label that is not on the scale.
    """

    def __init__(
        self,
        takes: Sequence[Take],
        *,
        load: Loader,
        targets: Targets,
        seed: int = 0,
        train_views: int | None = None,
        blank: Tensor | None = None,
    ) -> None:
        self.takes = list(takes)
        self.load = load
        self.seed = seed
        self.train_views = train_views
        self.blank = blank
        self.levels = [targets.levels_of(take) for take in self.takes]
        self.ratings = [targets.rating_of(take) for take in self.takes]

    def __len__(self) -> int:
        return len(self.takes)

    def __getitem__(self, key: int | EpochIndex) -> TakeSample:
        """A take.

        Raises:
            VideoError: its video is broken and nothing stands for it.
        """
        epoch, index = key if isinstance(key, tuple) else (None, key)
        take = self.takes[index]
        rng = None if epoch is None else np.random.default_rng((self.seed, epoch, index))
        if rng is not None and self.train_views is not None:
            take = _draw_views(take, self.train_views, rng)
        try:
            inputs = self.load(take, rng)
        except VideoError as error:
            if self.blank is None:
                raise
            nothing = (UNLABELLED,) * len(self.levels[index])
            kind = torch.zeros(1, dtype=torch.long)
            return TakeSample(self.blank, kind, nothing, float("nan"), index, str(error))
        return TakeSample(
            inputs=inputs,
            view_kind=torch.tensor([int(view.kind == "exo") for view in take.views.values()]),
            levels=self.levels[index],
            rating=self.ratings[index],
            position=index,
        )


def _draw_views(take: Take, num_views: int, rng: np.random.Generator) -> Take:
    names = list(take.views)
    if len(names) <= num_views:
        return take
    chosen = np.sort(rng.choice(len(names), size=num_views, replace=False))
    return replace(take, views={names[place]: take.views[names[place]] for place in chosen})


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
        levels=torch.tensor([sample.levels for sample in samples]),
        rating=torch.tensor([sample.rating for sample in samples], dtype=torch.float32),
        position=torch.tensor([sample.position for sample in samples]),
        broken=tuple(sample.broken for sample in samples),
    )


def mean_over_windows(features: Tensor, window_mask: Tensor) -> Tensor:
    """Mean of (B, V, W, D) over the windows that exist, (B, V, D)."""
    weight = window_mask[:, None, :, None].to(features.dtype)  # (B, 1, W, 1)
    return (features * weight).sum(dim=2) / weight.sum(dim=2).clamp(min=1)
