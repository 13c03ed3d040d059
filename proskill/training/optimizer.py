"""The optimizer of a run and its learning rate: linear warm-up, then a cosine to zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn

from proskill.training.settings import OptimSettings

_MOMENTUM = 0.9


def make_optimizer(
    parameters: Iterable[nn.Parameter], settings: OptimSettings, *, total_steps: int
) -> OptimizerLRScheduler:
    """Return the optimizer of the trained parameters, with a new rate after every step.

    Args:
        parameters: frozen ones are left out.
        settings: name, peak rate, weight decay and warm-up.
        total_steps: optimizer steps of the whole run.
    """
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    lr, decay = settings.lr, settings.weight_decay
    optimizer: torch.optim.Optimizer
    if settings.name == "sgd":
        optimizer = torch.optim.SGD(trainable, lr=lr, weight_decay=decay, momentum=_MOMENTUM)
    else:
        optimizer = torch.optim.AdamW(trainable, lr=lr, weight_decay=decay)
    schedule = warmup_cosine(total_steps=total_steps, warmup_fraction=settings.warmup_fraction)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
    }


def warmup_cosine(*, total_steps: int, warmup_fraction: float) -> Callable[[int], float]:
    """Return the factor of the peak learning rate by optimizer step, in (0, 1] before the end.

    Args:
        total_steps: optimizer steps of the whole run.
        warmup_fraction: share of them that rises, in [0, 1).
    """
    total = max(1, total_steps)
    warmup = int(warmup_fraction * total)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)  # the first step trains, too
        progress = (step - warmup) / max(1, total - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return factor
