"""The learning rate over a run: linear warm-up, then a cosine to zero."""

from __future__ import annotations

import math
from collections.abc import Callable


def warmup_cosine(*, total_steps: int, warmup_fraction: float) -> Callable[[int], float]:
    """Factor of the peak learning rate by optimizer step, in (0, 1] before the end.

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
