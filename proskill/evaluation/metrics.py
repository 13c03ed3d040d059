"""How good predicted levels are: plain arrays in, numbers out.

Every metric takes how often each take counts, `weights` (R, N), and returns one value per row,
(R,): the figure itself with `each_once`, a bootstrap with one row per resample, a mean over
participants with fractions. A metric that is undefined on its input (no takes, one level only) is
NaN and not an invented 0. Truths are level indices, 0 for the lowest; takes without a label are
left out by the caller. No torch, no files. Not here: ranks (`rank_metrics`), probabilities
(`probability_metrics`), intervals (`intervals`).

Shapes: R resamples, N takes, K levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Weights = NDArray[np.float64]
"""(R, N), 0 or more: how often each take counts."""

Values = NDArray[np.float64]
"""(R,), NaN where undefined."""


def each_once(num_takes: int) -> Weights:
    """(1, N) ones: the metric itself."""
    return np.ones((1, num_takes))


def weighted_mean(values: ArrayLike, weights: Weights) -> Values:
    """Mean of (N,) values; NaN where nothing counts."""
    return ratio(weights @ np.asarray(values, dtype=np.float64), weights.sum(axis=1))


def ratio(numerator: Values, denominator: Values) -> Values:
    """Element by element, NaN where the denominator is 0."""
    out = np.full(np.shape(denominator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=out, where=denominator > 0))


def accuracy(truth: ArrayLike, predicted: ArrayLike, weights: Weights) -> Values:
    """Share of takes whose level is exactly right, in [0, 1]."""
    first, second = _levels(truth, predicted)
    return weighted_mean(first == second, weights)


def mean_level_error(truth: ArrayLike, predicted: ArrayLike, weights: Weights) -> Values:
    """Mean absolute distance in levels, in [0, K - 1]."""
    first, second = _levels(truth, predicted)
    return weighted_mean(np.abs(first - second), weights)


def confusion_tables(
    truth: ArrayLike, predicted: ArrayLike, weights: Weights, *, num_levels: int
) -> NDArray[np.float64]:
    """Counts (R, K, K): row = true level, column = predicted level.

    Raises:
        ValueError: a level outside 0..K-1; takes without a level must be left out.
    """
    first, second = _levels(truth, predicted)
    for name, values in (("truth", first), ("predicted", second)):
        if len(values) and (values.min() < 0 or values.max() >= num_levels):
            raise ValueError(
                f"{name} has level index {int(values.min())}..{int(values.max())}; allowed are "
                f"0..{num_levels - 1}, leave out takes without a level"
            )
    cells = np.zeros((len(first), num_levels**2))
    cells[np.arange(len(first)), first * num_levels + second] = 1
    return (weights @ cells).reshape(-1, num_levels, num_levels)


def macro_f1(tables: NDArray[np.float64]) -> Values:
    """Mean F1 of the levels that occur in truth or prediction, in [0, 1]; tables (R, K, K)."""
    hits = np.diagonal(tables, axis1=1, axis2=2)  # (R, K)
    total = tables.sum(axis=1) + tables.sum(axis=2)  # 2 TP + FP + FN
    each = np.nan_to_num(ratio(2 * hits, total))
    return ratio(each.sum(axis=1), (total > 0).sum(axis=1).astype(np.float64))


def quadratic_weighted_kappa(tables: NDArray[np.float64]) -> Values:
    """Cohen's kappa with squared level distance (Cohen 1968); tables (R, K, K).

    1 perfect, 0 chance agreement, below 0 worse. NaN where everybody has one and the same level in
    truth and prediction: chance agreement is total then.
    """
    count = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)  # (R, K)
    grid = np.arange(tables.shape[1])
    distance = (grid[:, None] - grid[None, :]) ** 2.0
    expected = ratio(np.einsum("ri,ij,rj->r", rows, distance, columns), count)
    return 1.0 - ratio(np.einsum("rij,ij->r", tables, distance), expected)


def majority_level(train: ArrayLike) -> int:
    """The commonest level of the training takes; the lower one if two are equally common.

    Raises:
        ValueError: no training take.
    """
    train = np.asarray(train, dtype=np.int64)
    if len(train) == 0:
        raise ValueError(
            "train is empty: the majority level needs one labelled training take or more"
        )
    return int(np.bincount(train).argmax())


def scenario_majority_levels(
    train: ArrayLike, train_scenarios: Sequence[str], scenarios: Sequence[str]
) -> NDArray[np.int64]:
    """(N,) the commonest training level of each take's scenario.

    A scenario that training never saw gets the commonest level of all training takes.
    """
    train = np.asarray(train, dtype=np.int64)
    overall = majority_level(train)
    by_scenario: dict[str, Counter[int]] = {}
    for level, scenario in zip(train.tolist(), train_scenarios, strict=True):
        by_scenario.setdefault(scenario, Counter())[level] += 1
    # Highest count first, then the lower level: the same rule as majority_level.
    best = {
        name: min(counts, key=lambda level: (-counts[level], level))
        for name, counts in by_scenario.items()
    }
    return np.array([best.get(scenario, overall) for scenario in scenarios], dtype=np.int64)


def _levels(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.asarray(truth, dtype=np.int64)
    second = np.asarray(predicted, dtype=np.int64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"truth has shape {first.shape} and predicted {second.shape}; give one level per take"
        )
    return first, second
