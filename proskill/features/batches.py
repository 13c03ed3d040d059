"""A batch of whatever the data module holds to view features.

Shapes: B takes, V views, W windows, M = windows that exist, T frames, N tokens, D embed.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from proskill.data.take_dataset import TakeBatch, mean_over_windows
from proskill.models import TimeSformer

InputStage = Literal["features", "prefix", "clips"]


def encode_batch(
    backbone: TimeSformer,
    batch: TakeBatch,
    *,
    input_stage: InputStage,
    prefix_blocks: int | None,
    num_frames: int,
    batch_size: int | None = None,
) -> Tensor:
    """View features (B, V, D), averaged over the windows of each take; zero where there is no view.

    Args:
        backbone: runs what the batch does not hold yet.
        batch: its inputs are (B, V, W, D), (B, V, W, 1 + N*T, D) or (B, V, W, C, T, H, W).
        input_stage: which of the three.
        prefix_blocks: blocks that "prefix" inputs have passed.
        num_frames: T.
        batch_size: windows per forward pass; None runs all at once, as training needs it.
    """
    if input_stage == "features":
        return mean_over_windows(batch.inputs, batch.window_mask)
    exists = batch.view_mask[:, :, None] & batch.window_mask[:, None, :]  # (B, V, W)
    windows = batch.inputs[exists]  # (M, ...)
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
