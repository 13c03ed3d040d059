"""How well a score orders takes: Spearman's rho, Kendall's tau, pairwise accuracy.

As in `metrics`, every function takes weights (R, N) and returns one value per row. Ties share their
mean rank; a constant orders nothing, and its correlation is NaN.

Shapes: R resamples, N takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.evaluation.metrics import Values, Weights, ratio

_BLOCK_ROWS = 1024  # of the table of all pairs: it never exists as a whole


def spearman_rho(reference: ArrayLike, score: ArrayLike, weights: Weights) -> Values:
    """Spearman's rank correlation in [-1, 1].

    Raises:
        ValueError: not one value per take.
    """
    first, second = _both(reference, score, weights)
    x, y = _centred_ranks(first, weights), _centred_ranks(second, weights)
    spread = (weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1)
    return ratio((weights * x * y).sum(axis=1), np.sqrt(spread))


def kendall_tau(reference: ArrayLike, score: ArrayLike, weights: Weights) -> Values:
    """Kendall's tau-b in [-1, 1], which allows for ties on both sides (Kendall 1945)."""
    first, second = _both(reference, score, weights)
    spread = _different_pairs(first, weights) * _different_pairs(second, weights)
    return ratio(_signed_pairs(first, second, weights), np.sqrt(spread))


def pairwise_accuracy(
    reference: ArrayLike, score: ArrayLike, weights: Weights, *, groups: Sequence[str]
) -> Values:
    """How often the better of two takes of one group has the higher score, in [0, 1].

    Pairs of equal reference are left out; equal scores count one half. 0.5 is chance.

    Args:
        reference: (N,) higher is better.
        score: (N,).
        weights: (R, N).
        groups: N names, the scenarios: who dances better than who cooks is not asked.
    """
    first, second = _both(reference, score, weights)
    names = np.asarray(groups, dtype=str)
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
    """An order of the takes, and where in it each run of equal values begins."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0][: len(values)])
    return order, starts


def _centred_ranks(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """(R, N) rank of each take among all, a take of weight w being w takes; their mean is 0."""
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
    """Number of pairs whose values differ."""
    if len(values) == 0:
        return np.zeros(len(weights))
    order, starts = _tied(values)
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    before = mass.cumsum(axis=1) - mass
    return np.asarray((mass * before).sum(axis=1))


def _signed_pairs(
    reference: NDArray[np.float64], score: NDArray[np.float64], weights: Weights
) -> Values:
    """Pairs in the same order minus pairs in opposite order."""
    total = np.zeros(len(weights))
    for start in range(0, len(reference), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        agree = np.sign(reference[rows, None] - reference) * np.sign(score[rows, None] - score)
        total += np.einsum("rn,rn->r", weights[:, rows], weights @ agree.T)
    return total / 2  # every pair was met from both sides
