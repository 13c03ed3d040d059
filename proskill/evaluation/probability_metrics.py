"""How far predicted probabilities can be believed: Brier, log-loss, calibration, abstention.

As in `metrics`, functions take weights (R, N) and return one value per row.

Shapes: R resamples, N takes, K levels, B bins, G points of a curve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.evaluation.metrics import Values, Weights, ratio, weighted_mean

MAX_BINS = 15
"""Of the calibration error, as in Guo et al. 2017 (arXiv 1706.04599)."""

_TAKES_PER_BIN = 20  # with fewer, chance moves the bins and no interval holds the true error
_SMALLEST = float(np.finfo(np.float32).eps)  # models compute in float32

Floats = NDArray[np.float64]


class ReliabilityBins(NamedTuple):
    """What was said with about the same confidence, bin by bin.

    Attributes:
        mass: (R, B) takes, by weight.
        confidence: (R, B) mean confidence, NaN in an empty bin.
        accuracy: (R, B) share that was right, NaN in an empty bin.
    """

    mass: Floats
    confidence: Floats
    accuracy: Floats


def brier_score(truth: ArrayLike, probabilities: ArrayLike, weights: Weights) -> Values:
    """Mean squared distance of probabilities (N, K) to the truth, summed over levels, in [0, 2].

    Brier 1950. Saying 1 / K for every level gives 1 - 1 / K.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    target = np.eye(given.shape[1])[np.asarray(truth, dtype=np.int64)]  # (N, K)
    return weighted_mean(np.square(given - target).sum(axis=1), weights)


def log_loss(truth: ArrayLike, probabilities: ArrayLike, weights: Weights) -> Values:
    """Mean -log of the probability of the true level, in nats; zero counts as 1.2e-7."""
    given = np.asarray(probabilities, dtype=np.float64)
    level = np.asarray(truth, dtype=np.int64)
    chosen = np.clip(given[np.arange(len(level)), level], _SMALLEST, 1)
    return weighted_mean(-np.log(chosen), weights)


def num_bins_for(num_takes: int) -> int:
    """Bins that so many takes can fill: 15, and fewer below 300 takes."""
    return min(MAX_BINS, max(3, num_takes // _TAKES_PER_BIN))


def reliability_bins(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights
) -> ReliabilityBins:
    """Sort answers into `num_bins_for(N)` bins of equal width by confidence.

    Args:
        is_right: (N,) bool.
        confidence: (N,) probability given to the answer, in [0, 1].
        weights: (R, N).
    """
    sure = np.asarray(confidence, dtype=np.float64)
    num_bins = num_bins_for(len(sure))
    inside = np.zeros((len(sure), num_bins))
    column = np.minimum((sure * num_bins).astype(np.int64), num_bins - 1)
    inside[np.arange(len(sure)), column] = 1
    mass = weights @ inside  # (R, B)
    return ReliabilityBins(
        mass=mass,
        confidence=ratio(weights @ (inside * sure[:, None]), mass),
        accuracy=ratio(weights @ (inside * np.asarray(is_right, dtype=float)[:, None]), mass),
    )


def expected_calibration_error(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights
) -> Values:
    """Mean distance of confidence and accuracy over the bins, in [0, 1] (Naeini et al. 2015).

    Of few takes it is too large: chance alone moves the bins away from the diagonal.
    """
    bins = reliability_bins(is_right, confidence, weights)
    gap = np.nan_to_num(np.abs(bins.accuracy - bins.confidence))
    return ratio((bins.mass * gap).sum(axis=1), bins.mass.sum(axis=1))


def coverage_risk(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights, *, coverage: ArrayLike
) -> Floats:
    """(R, G) share of wrong answers if only the surest are given.

    Args:
        is_right: (N,) bool.
        confidence: (N,) the surest are answered first.
        weights: (R, N).
        coverage: (G,) shares of the takes that are answered, in (0, 1].
    """
    shares = np.asarray(coverage, dtype=np.float64)
    order = np.argsort(-np.asarray(confidence, dtype=np.float64), kind="stable")
    mass = weights[:, order]
    wrong = mass * (1 - np.asarray(is_right, dtype=np.float64)[order])
    answered, errors = mass.cumsum(axis=1), wrong.cumsum(axis=1)
    risk = np.full((len(weights), len(shares)), np.nan)
    for row in range(len(weights)):
        if answered.shape[1] and answered[row, -1] > 0:
            wanted = shares * answered[row, -1]
            given = np.interp(wanted, np.r_[0, answered[row]], np.r_[0, errors[row]])
            risk[row] = given / wanted
    return risk
