"""Clustered bootstrap: intervals over participants, because takes of one person are alike.

Not here: metrics.

Shapes: R resamples, N takes, P participants.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit  # scipy.stats takes a second to import

Weights = NDArray[np.float64]
"""(R, N) counts of each take, 0 or more: ones, a row per resample, or fractions for a mean."""

Values = NDArray[np.float64]
"""(R,), NaN where undefined."""

Name = TypeVar("Name", bound=Hashable)

NUM_RESAMPLES = 1000
"""Gives the ends of a 95 % interval to about .005 for a correlation."""

CONFIDENCE = 0.95

_CHUNK_CELLS = 4_000_000  # of a table (R, N), which bounds memory


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap interval, in the unit of the metric; NaN where undefined."""

    value: float
    lower: float
    upper: float


def clustered_bootstrap(
    figures: Callable[[Weights], Mapping[Name, Values]],
    participants: Sequence[str],
    *,
    num_resamples: int = NUM_RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> dict[Name, Interval]:
    """Compute percentile intervals of metrics, resampling participants with all their takes.

    All metrics see the same resamples, so that `figures` may return differences as well. The
    percentiles are widened for few participants (Hesterberg 2015, "expanded percentile"): plain
    ones cover too seldom. Resamples where a metric is undefined are left out.

    Args:
        figures: from weights (R, N) of the takes to values (R,) by name of a metric.
        participants: one participant per take.
        num_resamples: more resamples make the ends less random.
        confidence: nominal coverage, in (0, 1).
        seed: of the resampling.
    """
    num_takes = len(participants)
    values = {name: float(value[0]) for name, value in figures(each_once(num_takes)).items()}
    num_people = len(set(participants))
    if num_people < 2:  # one person allows no inference about others
        return {name: Interval(value, np.nan, np.nan) for name, value in values.items()}
    draws: dict[Name, list[Values]] = {name: [] for name in values}
    for weights in resample_weights(participants, num_resamples=num_resamples, seed=seed):
        for name, value in figures(weights).items():
            draws[name].append(value)
    shares = _tail_shares(num_people, confidence)
    return {
        name: _percentiles(value, np.concatenate(draws[name]), shares)
        for name, value in values.items()
    }


def resample_weights(
    participants: Sequence[str], *, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Iterator[Weights]:
    """Yield the weights of the takes in each resample, in tables (R, N) of bounded size."""
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed)
    at_once = max(1, _CHUNK_CELLS // max(1, len(person)))
    for start in range(0, num_resamples, at_once):
        count = min(at_once, num_resamples - start)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=count)
        yield drawn[:, person].astype(np.float64)


def _tail_shares(num_people: int, confidence: float) -> tuple[float, float]:
    """Return percentiles that give a mean's interval the width of Student's."""
    tail = (1 - confidence) / 2
    widened = stdtrit(num_people - 1, tail) * np.sqrt(num_people / (num_people - 1))
    lower = float(ndtr(widened))
    return lower, 1 - lower


def _percentiles(value: float, draws: NDArray[np.float64], shares: tuple[float, float]) -> Interval:
    finite = draws[np.isfinite(draws)]
    if len(finite) == 0:
        return Interval(value, np.nan, np.nan)
    lower, upper = np.quantile(finite, shares)
    return Interval(value, float(lower), float(upper))


def each_once(num_takes: int) -> Weights:
    """Return weights (1, N) that count every take once."""
    return np.ones((1, num_takes))
