"""View features of many batches, brought together at the end of an epoch.

Batches differ in their number of padded views, and processes in their takes; metrics and view
columns need all of them in one order. Not here: predicting from them (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proskill.data.take import Take
from proskill.data.take_dataset import TakeBatch


class EncodedTakes(NamedTuple):
    """Features of some takes.

    Attributes:
        features: (B, V, D) float32, averaged over windows, zero where padded.
        view_mask: (B, V) bool.
        view_kind: (B, V) int64, 0 ego, 1 exo.
        position: (B,) place of the take in its dataset.
    """

    features: np.ndarray
    view_mask: np.ndarray
    view_kind: np.ndarray
    position: np.ndarray


def encoded_takes(features: Tensor, batch: TakeBatch) -> EncodedTakes:
    """The takes of a batch that could be read, with their features (B, V, D)."""
    rows = np.array([not reason for reason in batch.broken])
    return EncodedTakes(
        features=features.float().cpu().numpy()[rows],
        view_mask=batch.view_mask.cpu().numpy()[rows],
        view_kind=batch.view_kind.cpu().numpy()[rows],
        position=batch.position.cpu().numpy()[rows],
    )


def gather_takes(parts: Sequence[EncodedTakes], *, world_size: int = 1) -> EncodedTakes:
    """All parts of all processes as one, in the order of the takes, each take once."""
    parts = list(parts)
    if world_size > 1:
        shares: list[list[EncodedTakes]] = [[] for _ in range(world_size)]
        torch.distributed.all_gather_object(shares, parts)
        parts = [part for share in shares for part in share]
    num_views = max(part.view_mask.shape[1] for part in parts)
    padded = [_pad(part, num_views) for part in parts]
    together = EncodedTakes(*(np.concatenate(column) for column in zip(*padded, strict=True)))
    _, rows = np.unique(together.position, return_index=True)
    return EncodedTakes(*(column[rows] for column in together))


def align_views(
    encoded: EncodedTakes, takes: Sequence[Take]
) -> tuple[tuple[str, ...], EncodedTakes]:
    """Columns by view name instead of by each take's own order: (names, the same takes)."""
    names = tuple(dict.fromkeys(name for take in takes for name in take.views))
    shape = (len(takes), len(names))
    features = np.zeros((*shape, encoded.features.shape[-1]), dtype=np.float32)
    view_mask = np.zeros(shape, dtype=bool)
    view_kind = np.zeros(shape, dtype=np.int64)
    for row, take in enumerate(takes):
        columns = [names.index(name) for name in take.views]
        features[row, columns] = encoded.features[row, : len(columns)]
        view_mask[row, columns] = True
        view_kind[row, columns] = encoded.view_kind[row, : len(columns)]
    return names, EncodedTakes(features, view_mask, view_kind, encoded.position)


def _pad(part: EncodedTakes, num_views: int) -> EncodedTakes:
    more = num_views - part.view_mask.shape[1]
    return EncodedTakes(
        features=np.pad(part.features, ((0, 0), (0, more), (0, 0))),
        view_mask=np.pad(part.view_mask, ((0, 0), (0, more))),
        view_kind=np.pad(part.view_kind, ((0, 0), (0, more))),
        position=part.position,
    )
