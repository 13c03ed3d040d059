"""Repeatability: scatter of the scores of an unchanged performer from take to take.

Estimated from validation takes: performers with several takes of one level count as unchanged
between these. The standard deviation of the scores within them is the standard error of measurement
(the "within-subject standard deviation" of Bland and Altman 1996, Statistics Notes: Measurement
error). A constant error of the model about a performer or about a level cancels, as it does in a
difference. Takes of several activities make the estimate larger, never smaller.

Not here: comparing a change with it (`proskill.athletes.trend`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_REPEATS = 10  # of fewer, the limit of a change would be half as large again as of many


@dataclass(frozen=True)
class Repeatability:
    """Standard error of a score between takes of one performer.

    Attributes:
        standard_error: of measurement, in levels.
        num_repeats: its degrees of freedom: takes less performers at a level.

    Raises:
        ValueError: a value out of range.
    """

    standard_error: float
    num_repeats: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.standard_error) and self.standard_error >= 0):
            raise ValueError(f"standard_error={self.standard_error}: must be finite and 0 or more")
        if self.num_repeats < 1:
            raise ValueError(f"num_repeats={self.num_repeats}: must be 1 or more")


def fit_repeatability(
    scores: NDArray[np.floating[Any]],
    *,
    participants: Sequence[Hashable],
    levels: NDArray[np.integer[Any]],
) -> Repeatability | None:
    """Estimate the repeatability from takes that the model was not trained on.

    Args:
        scores: (N,) in levels.
        participants: (N,) performers.
        levels: (N,) their true level indices.

    Returns:
        None with fewer than `MIN_REPEATS` takes beyond the first of a performer and level.
    """
    keys = [f"{level} {who}" for who, level in zip(participants, levels.tolist(), strict=True)]
    _, rows = np.unique(keys, return_inverse=True)  # (N,)
    counts = np.bincount(rows)  # (G,) performers at a level
    num_repeats = int((counts - 1).sum())
    if num_repeats < MIN_REPEATS:
        return None
    means = np.bincount(rows, weights=scores) / counts
    squares = float(((scores - means[rows]) ** 2).sum())
    return Repeatability(math.sqrt(squares / num_repeats), num_repeats)
