"""The optimizer of a run and its learning rate: linear warm-up, then a cosine to zero."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from proskill.training.schedule import warmup_cosine

OptimizerName = Literal["adamw", "sgd"]
_MOMENTUM = 0.9


def make_optimizer(
    parameters: Iterable[nn.Parameter],
    *,
    name: OptimizerName,
    lr: float,
    weight_decay: float,
    total_steps: int,
    warmup_fraction: float,
) -> OptimizerLRScheduler:
    """What Lightning steps, the rate after every optimizer step.

    Args:
        parameters: frozen ones are left out.
        name: "adamw", or "sgd" with momentum 0.9.
        lr: peak learning rate.
        weight_decay: of all weights.
        total_steps: optimizer steps of the whole run.
        warmup_fraction: share of them with a rising rate, in [0, 1).
    """
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    optimizer: torch.optim.Optimizer
    if name == "sgd":
        optimizer = torch.optim.SGD(trainable, lr=lr, weight_decay=weight_decay, momentum=_MOMENTUM)
    else:
        optimizer = torch.optim.AdamW(trainable, lr=lr, weight_decay=weight_decay)
    schedule = warmup_cosine(total_steps=total_steps, warmup_fraction=warmup_fraction)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
    }
