"""How good predicted levels and scores are: plain arrays in, numbers out.

No torch, no files. A metric that is undefined on its input (no takes, a constant score) is NaN and
not an invented 0. Truths are level indices, 0 for the lowest; a take without a label must be left
out by the caller. Intervals resample whole participants, because takes of one person are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

IndexMetric = Callable[[NDArray[np.intp]], float]


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap interval, in the unit of the metric; NaN where undefined."""

    value: float
    lower: float
    upper: float


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Share of takes whose level is exactly right, in [0, 1]."""
    truth, predicted = _levels(truth, predicted)
    return float((truth == predicted).mean()) if len(truth) else float("nan")


def macro_f1(truth: ArrayLike, predicted: ArrayLike, *, num_levels: int) -> float:
    """Mean F1 of the levels that occur in truth or prediction, in [0, 1]."""
    table = confusion_matrix(truth, predicted, num_levels=num_levels)
    hits = np.diag(table).astype(float)
    total = table.sum(axis=0) + table.sum(axis=1)  # 2 TP + FP + FN
    present = total > 0
    return float((2 * hits[present] / total[present]).mean()) if present.any() else float("nan")


def quadratic_weighted_kappa(truth: ArrayLike, predicted: ArrayLike, *, num_levels: int) -> float:
    """Cohen's kappa with squared level distance: 1 perfect, 0 chance agreement, below 0 worse."""
    observed = confusion_matrix(truth, predicted, num_levels=num_levels).astype(float)
    count = observed.sum()
    if count == 0:
        return float("nan")
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / count
    grid = np.arange(num_levels)
    weights = (grid[:, None] - grid[None, :]) ** 2
    disagreement = float((weights * expected).sum())
    # Everybody has one and the same level: chance agreement is total and kappa has no meaning.
    if disagreement == 0:
        return float("nan")
    return 1.0 - float((weights * observed).sum()) / disagreement


def mean_level_error(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute distance in levels; `predicted` may be a fractional score."""
    truth = np.asarray(truth, dtype=float)
    predicted = np.asarray(predicted, dtype=float)
    return float(np.abs(truth - predicted).mean()) if len(truth) else float("nan")


def spearman_rho(truth: ArrayLike, score: ArrayLike) -> float:
    """Spearman's rank correlation in [-1, 1]; ties share their mean rank; NaN for a constant."""
    truth = np.asarray(truth, dtype=float)
    score = np.asarray(score, dtype=float)
    if len(truth) != len(score):
        raise ValueError(f"truth has {len(truth)} values and score {len(score)}; give one per take")
    if len(truth) < 2 or np.isnan(truth).any() or np.isnan(score).any():
        return float("nan")
    first = rankdata(truth) - (len(truth) + 1) / 2
    second = rankdata(score) - (len(truth) + 1) / 2
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale > 0 else float("nan")


def level_metrics(
    truth: ArrayLike,
    predicted: ArrayLike,
    score: ArrayLike,
    *,
    reference: ArrayLike,
    num_levels: int,
) -> dict[str, float]:
    """All metrics by name; the rank correlation is that of `score` with `reference`."""
    return {
        "accuracy": accuracy(truth, predicted),
        "macro_f1": macro_f1(truth, predicted, num_levels=num_levels),
        "quadratic_kappa": quadratic_weighted_kappa(truth, predicted, num_levels=num_levels),
        "mean_level_error": mean_level_error(truth, predicted),
        "spearman": spearman_rho(reference, score),
    }


def confusion_matrix(
    truth: ArrayLike, predicted: ArrayLike, *, num_levels: int
) -> NDArray[np.int64]:
    """Counts, (num_levels, num_levels): row = true level, column = predicted level."""
    truth, predicted = _levels(truth, predicted)
    for name, values in (("truth", truth), ("predicted", predicted)):
        if len(values) and (values.min() < 0 or values.max() >= num_levels):
            raise ValueError(
                f"{name} has level index {int(values.min())}..{int(values.max())}; allowed are "
                f"0..{num_levels - 1}, leave out takes without a level"
            )
    table = np.zeros((num_levels, num_levels), dtype=np.int64)
    np.add.at(table, (truth, predicted), 1)
    return table


def majority_level(train: ArrayLike) -> int:
    """The commonest level of the training takes; the lower one if two are equally common."""
    train = np.asarray(train, dtype=np.int64)
    if len(train) == 0:
        raise ValueError(
            "train is empty: the majority level needs one labelled training take or more"
        )
    return int(np.bincount(train).argmax())


def majority_accuracy(train: ArrayLike, truth: ArrayLike) -> float:
    """Accuracy on `truth` of always saying the commonest level of `train`."""
    truth = np.asarray(truth, dtype=np.int64)
    return accuracy(truth, np.full(len(truth), majority_level(train)))


def scenario_majority_accuracy(
    train: ArrayLike,
    train_scenarios: Sequence[str],
    truth: ArrayLike,
    scenarios: Sequence[str],
) -> float:
    """Accuracy of always saying the commonest training level of the take's scenario.

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
    return accuracy(truth, [best.get(scenario, overall) for scenario in scenarios])


def clustered_bootstrap(
    metric: IndexMetric,
    participants: Sequence[str],
    *,
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile interval of a metric, resampling participants with all their takes.

    Args:
        metric: takes an index array into the takes (with repeats) and returns the metric on them.
        participants: one participant per take.
        num_resamples: 1000 gives the ends of a 95 % interval to about .005 for a correlation.
        confidence: share of the resamples inside the interval, in (0, 1).
        seed: same seed, same interval.

    Returns:
        The metric on all takes and its interval; resamples where the metric is NaN are left out.
    """
    names, cluster = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    takes_of = [np.flatnonzero(cluster == index) for index in range(len(names))]
    everything = np.arange(len(cluster))
    value = metric(everything) if len(everything) else float("nan")
    if len(names) < 2:
        return Interval(value, float("nan"), float("nan"))  # one person says nothing about others
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(num_resamples):
        chosen = rng.integers(len(names), size=len(names))
        draws.append(metric(np.concatenate([takes_of[index] for index in chosen])))
    finite = np.asarray(draws, dtype=float)
    finite = finite[np.isfinite(finite)]
    if len(finite) == 0:
        return Interval(value, float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(finite, [tail, 1 - tail])
    return Interval(value, float(lower), float(upper))


def paired_difference(
    metric: IndexMetric,
    baseline: IndexMetric,
    participants: Sequence[str],
    *,
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of `metric - baseline`, both computed on the same resampled participants."""
    return clustered_bootstrap(
        lambda index: metric(index) - baseline(index),
        participants,
        num_resamples=num_resamples,
        confidence=confidence,
        seed=seed,
    )


def _levels(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.asarray(truth, dtype=np.int64)
    second = np.asarray(predicted, dtype=np.int64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"truth has shape {first.shape} and predicted {second.shape}; give one level per take"
        )
    return first, second
