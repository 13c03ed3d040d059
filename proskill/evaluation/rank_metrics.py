"""Metrics of the order of takes by a score: Spearman's rho, Kendall's tau, pairwise accuracy.

Ties share their mean rank; the correlation of a constant is NaN.

Shapes: R resamples, N takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.evaluation.intervals import Values, Weights
from proskill.evaluation.metrics import metric, ratio

_BLOCK_ROWS = 1024  # of the table of all pairs: it never exists as a whole


@metric
def spearman(reference: ArrayLike, score: ArrayLike, weights: Weights) -> Values:
    """Return Spearman's rank correlation, in [-1, 1].

    >>> spearman([0, 1, 2, 3], [0.1, 0.4, 0.2, 0.9])
    0.8

    Raises:
        ValueError: not one value per take.
    """
    first, second = _both(reference, score, weights)
    x, y = _centred_ranks(first, weights), _centred_ranks(second, weights)
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    return ratio((weights * x * y).sum(axis=1), np.sqrt(spread))


@metric
def kendall(reference: ArrayLike, score: ArrayLike, weights: Weights) -> Values:
    """Return Kendall's tau-b, in [-1, 1], which allows for ties on both sides (Kendall 1945).

    >>> round(kendall([0, 1, 2, 3], [0.1, 0.4, 0.2, 0.9]), 3)
    0.667
    """
    first, second = _both(reference, score, weights)
    spread = _different_pairs(first, weights) * _different_pairs(second, weights)
    return ratio(_signed_pairs(first, second, weights), np.sqrt(spread))


@metric
def pairwise_accuracy(
    reference: ArrayLike,
    score: ArrayLike,
    weights: Weights,
    *,
    within: Sequence[str] | None = None,
) -> Values:
    """Return the share of pairs whose better take has the higher score, in [0, 1].

    Pairs of equal reference are left out; equal scores count one half. 0.5 is chance.

    >>> pairwise_accuracy([0, 1, 2], [0.1, 0.9, 0.5])
    0.6666666666666666

    Args:
        reference: (N,) higher is better.
        score: (N,).
        weights: (R, N).
        within: N names, for example scenarios; only takes of one name are compared. None compares
            all takes.
    """
    first, second = _both(reference, score, weights)
    names = np.asarray([""] * len(first) if within is None else within, dtype=str)
    signed, count = np.zeros(len(weights)), np.zeros(len(weights))
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        inside = weights[:, rows]
        signed += _signed_pairs(first[rows], second[rows], inside)
        count += _different_pairs(first[rows], inside)
    # right + wrong + equal = count and signed = right - wrong
    return (1 + ratio(signed, count)) / 2


def _both(
    reference: ArrayLike, score: ArrayLike, weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = np.asarray(reference, dtype=np.float64)
    second = np.asarray(score, dtype=np.float64)
    if first.shape != second.shape or first.shape != weights.shape[1:]:
        raise ValueError(
            f"reference has {len(first)} values, score {len(second)} and weights "
            f"{weights.shape[1]}; give one per take"
        )
    return first, second


def _tied(values: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return an order of the takes and the start of each run of equal values in it."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0][: len(values)])
    return order, starts


def _centred_ranks(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Return ranks (R, N) of mean 0, a take of weight w counting as w takes."""
    if len(values) == 0:
        return np.zeros(weights.shape)
    order, starts = _tied(values)
    mass = np.add.reduceat(weights[:, order], starts, axis=1)  # (R, number of distinct values)
    until = mass.cumsum(axis=1)
    middle = until - mass / 2 - until[:, -1:] / 2
    place = np.empty(len(values), dtype=np.intp)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(values)]))
    return middle[:, place]


def _different_pairs(values: NDArray[np.float64], weights: Weights) -> Values:
    """Count the pairs whose values differ."""
    if len(values) == 0:
        return np.zeros(len(weights))
    order, starts = _tied(values)
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    before = mass.cumsum(axis=1) - mass
    return np.asarray((mass * before).sum(axis=1))


def _signed_pairs(
    reference: NDArray[np.float64], score: NDArray[np.float64], weights: Weights
) -> Values:
    """Count the pairs in the same order minus the pairs in opposite order."""
    total = np.zeros(len(weights))
    for start in range(0, len(reference), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        agree = np.sign(reference[rows, None] - reference) * np.sign(score[rows, None] - score)
        total += np.einsum("rn,rn->r", weights[:, rows], weights @ agree.T)
    return total / 2  # every pair was met from both sides
