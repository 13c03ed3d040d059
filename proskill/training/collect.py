"""View features of a whole epoch, from the batches of all processes.

Batches differ in their number of padded views, and processes in their takes; metrics need all takes
in one order and one column per view. Not here: predictions from them (`proskill.features`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from proskill.data.take import Take
from proskill.data.take_dataset import TakeBatch
from proskill.features.prediction import PooledFeatures


def readable_features(features: Tensor, batch: TakeBatch) -> dict[int, np.ndarray]:
    """Return place in the dataset -> (V, D) float32 for the readable takes of a batch.

    Args:
        features: (B, V, D) of the batch, zero where padded.
        batch: its padding follows the views of a take.
    """
    rows = zip(
        batch.position.tolist(),
        features.float().cpu().numpy(),
        batch.view_mask.sum(dim=1).tolist(),
        batch.broken,
        strict=True,
    )
    return {place: row[:num_views] for place, row, num_views, reason in rows if not reason}


def gather_features(
    found: Mapping[int, np.ndarray], dataset: Sequence[Take], *, world_size: int = 1
) -> PooledFeatures:
    """Join the features of all processes, each take once.

    Args:
        found: place in the dataset -> (V, D) in the take's own view order.
        dataset: all its takes.
        world_size: number of processes.
    """
    shares = [found]
    if world_size > 1:
        shares = [{} for _ in range(world_size)]
        torch.distributed.all_gather_object(shares, found)
    rows = {place: row for share in shares for place, row in share.items()}
    takes = [dataset[place] for place in sorted(rows)]
    names = tuple(dict.fromkeys(name for take in takes for name in take.views))
    width = next(iter(rows.values())).shape[-1]
    features = np.zeros((len(takes), len(names), width), dtype=np.float32)
    view_mask = np.zeros((len(takes), len(names)), dtype=bool)
    view_kind = np.zeros((len(takes), len(names)), dtype=np.int64)
    for row, (place, take) in enumerate(zip(sorted(rows), takes, strict=True)):
        columns = [names.index(name) for name in take.views]
        features[row, columns] = rows[place]
        view_mask[row, columns] = True
        view_kind[row, columns] = [view.kind == "exo" for view in take.views.values()]
    return PooledFeatures(features, view_mask, view_kind, takes, names)
