"""Metrics of predicted probabilities: Brier score, log-loss, calibration, abstention.

Shapes: R resamples, N takes, K levels, B bins, G points of a curve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.evaluation.intervals import Values, Weights
from proskill.evaluation.metrics import metric, ratio, weighted_mean

MAX_BINS = 15
"""Of the calibration error, as in Guo et al. 2017 (arXiv 1706.04599)."""

_TAKES_PER_BIN = 20  # with fewer, chance moves the bins and no interval holds the true error
_SMALLEST = float(np.finfo(np.float32).eps)  # models compute in float32

Floats = NDArray[np.float64]


class ReliabilityBins(NamedTuple):
    """Predictions binned by their confidence.

    Attributes:
        mass: (R, B) takes, by weight.
        confidence: (R, B) mean confidence, NaN in an empty bin.
        accuracy: (R, B) share of right predictions, NaN in an empty bin.
    """

    mass: Floats
    confidence: Floats
    accuracy: Floats


@metric
def brier_score(truth: ArrayLike, probabilities: ArrayLike, weights: Weights) -> Values:
    """Return the mean squared error of probabilities (N, K), summed over levels, in [0, 2].

    Brier 1950. The uniform distribution scores 1 - 1 / K.

    >>> brier_score([0, 1], [[1.0, 0.0], [0.5, 0.5]])
    0.25
    """
    given = np.asarray(probabilities, dtype=np.float64)
    target = np.eye(given.shape[1])[np.asarray(truth, dtype=np.int64)]  # (N, K)
    return weighted_mean(np.square(given - target).sum(axis=1), weights)


@metric
def log_loss(truth: ArrayLike, probabilities: ArrayLike, weights: Weights) -> Values:
    """Return the mean -log of the true level's probability, in nats; zero counts as 1.2e-7.

    >>> round(log_loss([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 3)
    0.693
    """
    given = np.asarray(probabilities, dtype=np.float64)
    level = np.asarray(truth, dtype=np.int64)
    chosen = np.clip(given[np.arange(len(level)), level], _SMALLEST, 1)
    return weighted_mean(-np.log(chosen), weights)


def num_bins_for(num_takes: int) -> int:
    """Return the number of bins for N takes: 15, and fewer below 300 takes."""
    return min(MAX_BINS, max(3, num_takes // _TAKES_PER_BIN))


def reliability_bins(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights
) -> ReliabilityBins:
    """Bin predictions by confidence into `num_bins_for(N)` bins of equal width.

    Args:
        is_right: (N,) bool.
        confidence: (N,) probability of the predicted level, in [0, 1].
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


@metric
def expected_calibration_error(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights
) -> Values:
    """Return the mean distance of confidence and accuracy over bins, in [0, 1].

    Naeini et al. 2015. Biased upwards for few takes, whose chance moves bins off the diagonal.

    >>> round(expected_calibration_error([True, False, True, True], [0.2, 0.2, 0.9, 0.9]), 3)
    0.2
    """
    bins = reliability_bins(is_right, confidence, weights)
    gap = np.nan_to_num(np.abs(bins.accuracy - bins.confidence))
    return ratio((bins.mass * gap).sum(axis=1), bins.mass.sum(axis=1))


def coverage_risk(
    is_right: ArrayLike, confidence: ArrayLike, weights: Weights, *, coverage: ArrayLike
) -> Floats:
    """Return the error rate among the most confident predictions, (R, G).

    Args:
        is_right: (N,) bool.
        confidence: (N,).
        weights: (R, N).
        coverage: (G,) shares of takes with a prediction, the most confident first, in (0, 1].
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
