"""Summary of numbers with a histogram."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_MAX_BARS = 24


@dataclass(frozen=True)
class Distribution:
    """Summary of some numbers.

    Attributes:
        num: how many.
        total: their sum.
        minimum: the least.
        median: the middle one.
        mean: their average.
        maximum: the greatest.
        edges: of the histogram's bars, ascending; bar k is [edges[k], edges[k + 1]), the last one
            includes its end.
        counts: numbers in each bar.
    """

    num: int
    total: float
    minimum: float
    median: float
    mean: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def distribution_of(values: Iterable[float]) -> Distribution | None:
    """Summarise finite numbers; return None where there is none.

    Few different whole numbers get a bar each, centred on the number; others get equal bars.
    """
    numbers = np.asarray(list(values), dtype=np.float64)
    if len(numbers) == 0:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if (numbers == np.round(numbers)).all() and high - low < _MAX_BARS:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        edges = np.histogram_bin_edges(
            numbers, bins=min(_MAX_BARS, max(4, round(len(numbers) ** 0.5)))
        )
    counts, _ = np.histogram(numbers, edges)
    return Distribution(
        num=len(numbers),
        total=float(numbers.sum()),
        minimum=low,
        median=float(np.median(numbers)),
        mean=float(numbers.mean()),
        maximum=high,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )
