"""How far a performer's scores scatter from take to take, learned from validation takes.

What a model always gets wrong about a performer is the same in each of their takes and cancels in a
difference. What is left is the standard error of measurement: the standard deviation, within
performers, of score less truth (the "within-subject standard deviation" of Bland and Altman 1996,
Statistics Notes: Measurement error). Takes of several activities, and truths known by level alone,
make it larger, never smaller.

Pure numpy. Not here: whether a change is more than this (`trend.py`).
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
    """What a score is off by from one take of a performer to the next.

    Attributes:
        standard_error: of measurement, in levels.
        num_repeats: its degrees of freedom: takes less performers.

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
    errors: NDArray[np.floating[Any]], participants: Sequence[Hashable]
) -> Repeatability | None:
    """Learn it from takes that the model was not trained on.

    Args:
        errors: (N,) score less truth, in levels.
        participants: (N,) who performs.

    Returns:
        None with fewer than `MIN_REPEATS` takes more than performers.
    """
    _, rows = np.unique([str(each) for each in participants], return_inverse=True)  # (N,)
    counts = np.bincount(rows)  # (P,)
    num_repeats = int((counts - 1).sum())
    if num_repeats < MIN_REPEATS:
        return None
    means = np.bincount(rows, weights=errors) / counts
    squares = float(((errors - means[rows]) ** 2).sum())
    return Repeatability(math.sqrt(squares / num_repeats), num_repeats)
