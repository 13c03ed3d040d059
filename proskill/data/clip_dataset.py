"""Takes as a torch dataset of (clip, target), for training loops of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from proskill.data.take import Take
from proskill.data.take_dataset import ClipLoader
from proskill.data.targets import Targets
from proskill.input_spec import InputSpec, ReaderName


class ClipDataset(Dataset[tuple[Tensor, Tensor]]):
    """Takes, each as its clip (V, C, T, H, W) float32 and its target.

    `TakeSequence.as_torch` documents shapes and targets.

    Args:
        takes: the items, in order.
        spec: frames, interval, size and normalisation; one window.
        targets: the labels that count.
        reader: decoder, see `proskill.video.open_reader`.
    """

    def __init__(
        self,
        takes: Sequence[Take],
        spec: InputSpec,
        targets: Targets,
        *,
        reader: ReaderName = "pyav",
    ) -> None:
        self.takes = list(takes)
        self.targets = targets
        self._load = ClipLoader(spec, reader=reader)
        for take in self.takes:
            targets.levels_of(take)  # raises before an epoch has begun

    def __len__(self) -> int:
        return len(self.takes)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Decode a take.

        Raises:
            VideoError: a view of it cannot be read.
        """
        take = self.takes[index]
        clip = self._load(take, None)[:, 0]  # (V, C, T, H, W)
        if not self.targets.uses_levels:
            return clip, torch.tensor(self.targets.rating_of(take), dtype=torch.float32)
        levels = torch.tensor(self.targets.levels_of(take))  # (S,)
        return clip, levels if self.targets.skills else levels[0]
