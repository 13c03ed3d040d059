"""Metrics of predicted levels, and the form that all metrics share (`metric`).

A metric that is undefined on its input (no takes, one level only) is NaN and not an invented 0.
Truths are level indices, 0 for the lowest; callers leave out takes without a label. No torch, no
files. Not here: metrics of ranks (`rank_metrics`) and probabilities (`probability_metrics`).

Shapes: R resamples, N takes, K levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.evaluation.intervals import Interval, Values, Weights, clustered_bootstrap, each_once


class Metric(Protocol):
    """Form of every metric of this package.

    Two arrays with one entry per take are enough, and give a number. `weights` (N,) count takes;
    `weights` (R, N) give one value per row, (R,), as a bootstrap needs. `groups`, one name per
    take, usually the participant, add a 95 % interval by bootstrap over the groups.
    """

    @overload
    def __call__(
        self, truth: ArrayLike, predicted: ArrayLike, *, groups: Sequence[str], **options: Any
    ) -> Interval: ...
    @overload
    def __call__(
        self, truth: ArrayLike, predicted: ArrayLike, weights: Weights, **options: Any
    ) -> Values: ...
    @overload
    def __call__(self, truth: ArrayLike, predicted: ArrayLike, **options: Any) -> float: ...


def metric(compute: Callable[..., Values]) -> Metric:
    """Give a function of two arrays and weights (R, N) the form of `Metric`."""

    @wraps(compute)
    def call(
        truth: ArrayLike,
        predicted: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        groups: Sequence[str] | None = None,
        **options: Any,
    ) -> Any:
        table = each_once(len(np.asarray(truth))) if weights is None else np.atleast_2d(weights)
        if groups is not None:
            found = clustered_bootstrap(
                lambda drawn: {"": compute(truth, predicted, drawn * table, **options)}, groups
            )
            return found[""]
        values = compute(truth, predicted, table, **options)
        return values if np.ndim(weights) == 2 else float(values[0])  # type: ignore[arg-type]

    return call


def weighted_mean(values: ArrayLike, weights: Weights) -> Values:
    """Average (N,) values; NaN where all weights are 0."""
    return ratio(weights @ np.asarray(values, dtype=np.float64), weights.sum(axis=1))


def ratio(numerator: Values, denominator: Values) -> Values:
    """Divide element by element; NaN where the denominator is 0."""
    out = np.full(np.shape(denominator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=out, where=denominator > 0))


@metric
def accuracy(truth: ArrayLike, predicted: ArrayLike, weights: Weights) -> Values:
    """Return the share of takes whose level is exactly right, in [0, 1].

    >>> accuracy([0, 1, 2, 3], [0, 1, 1, 3])
    0.75
    >>> accuracy([0, 1, 2, 3], [0, 1, 1, 3], weights=[1, 1, 0, 0])
    1.0
    >>> accuracy([0, 1, 2, 3], [0, 1, 1, 3], groups=["anna", "anna", "ben", "cleo"]).value
    0.75
    """
    first, second = _levels(truth, predicted)
    return weighted_mean(first == second, weights)


@metric
def mean_level_error(truth: ArrayLike, predicted: ArrayLike, weights: Weights) -> Values:
    """Return the mean absolute error in levels, in [0, K - 1].

    >>> mean_level_error([0, 1, 2, 3], [0, 1, 1, 1])
    0.75
    """
    first, second = _levels(truth, predicted)
    return weighted_mean(np.abs(first - second), weights)


def confusion_tables(
    truth: ArrayLike, predicted: ArrayLike, weights: Weights, *, num_levels: int
) -> NDArray[np.float64]:
    """Count takes by true level (row) and predicted level (column), (R, K, K).

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


@metric
def macro_f1(
    truth: ArrayLike, predicted: ArrayLike, weights: Weights, *, num_levels: int | None = None
) -> Values:
    """Return the mean F1 of the levels that occur in truth or prediction, in [0, 1].

    >>> macro_f1([0, 0, 1, 1], [0, 0, 1, 0])
    0.7333333333333334
    """
    tables = _tables(truth, predicted, weights, num_levels)
    hits = np.diagonal(tables, axis1=1, axis2=2)  # (R, K)
    total = tables.sum(axis=1) + tables.sum(axis=2)  # 2 TP + FP + FN
    each = np.nan_to_num(ratio(2 * hits, total))
    return ratio(each.sum(axis=1), (total > 0).sum(axis=1).astype(np.float64))


@metric
def quadratic_kappa(
    truth: ArrayLike, predicted: ArrayLike, weights: Weights, *, num_levels: int | None = None
) -> Values:
    """Return Cohen's kappa with squared level distance (Cohen 1968), at most 1.

    0 is chance agreement. NaN where truth and prediction are one and the same level for all takes,
    because chance agreement is total then.

    >>> quadratic_kappa([0, 1, 2, 3], [0, 1, 2, 3])
    1.0
    """
    tables = _tables(truth, predicted, weights, num_levels)
    count = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)  # (R, K)
    grid = np.arange(tables.shape[1])
    distance = (grid[:, None] - grid[None, :]) ** 2.0
    expected = ratio(np.einsum("ri,ij,rj->r", rows, distance, columns), count)
    return 1.0 - ratio(np.einsum("rij,ij->r", tables, distance), expected)


def majority_level(train: ArrayLike) -> int:
    """Return the commonest level of the training takes, the lower one of two equally common ones.

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
    """Return the commonest training level of each take's scenario, (N,).

    A scenario without training takes gets the commonest level of all training takes.
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


def _tables(
    truth: ArrayLike, predicted: ArrayLike, weights: Weights, num_levels: int | None
) -> NDArray[np.float64]:
    if num_levels is None:
        num_levels = 1 + int(np.max(_levels(truth, predicted), initial=0))
    return confusion_tables(truth, predicted, weights, num_levels=num_levels)


def _levels(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.asarray(truth, dtype=np.int64)
    second = np.asarray(predicted, dtype=np.int64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"truth has shape {first.shape} and predicted {second.shape}; give one level per take"
        )
    return first, second
