"""Answer habits of annotators: sides, runs, speed and repeats.

Every function takes the judged rows in the order in which they were judged, and returns one entry
for each of A annotators, NaN where the rows do not say.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit

from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import TIE, ComparisonTable, FloatArray, IntArray

# Wise and Ma (2012) set the limit of a rapid guess to a share of the usual time. The median is
# robust to screens left open.
FAST_SHARE_OF_MEDIAN: Final = 0.2


def sides(
    judged: ComparisonTable, fit: BradleyTerryFit
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(A,) share of the left, (A,) what the annotator's pairs explain, and (A,) the z between."""
    num = len(judged.annotators)
    decided = judged.select((judged.outcome != TIE) & (judged.left != 0))
    who = decided.annotator
    gap = fit.params[decided.item_a] - fit.params[decided.item_b]
    probability = expit(fit.discrimination[who] * gap * decided.left)  # without any side term
    left = np.bincount(who, decided.outcome == decided.left, num)
    expected = np.bincount(who, probability, num)
    variance = np.bincount(who, probability * (1 - probability), num)
    total = np.bincount(who, minlength=num)
    z = np.where(total > 0, (left - expected) / np.sqrt(np.maximum(variance, 1e-9)), np.nan)
    return share(left, total), share(expected, total), z


def runs(judged: ComparisonTable, expected_left_share: FloatArray) -> tuple[IntArray, FloatArray]:
    """(A,) longest run of one button, and (A,) the probability of one as long.

    The number of runs of m or more among n answers is about Poisson with mean
    sum over buttons of q^m ((n - m)(1 - q) + 1) (Feller 1968, XIII.7; Arratia et al. 1990).
    """
    num = len(judged.annotators)
    shown = judged.select((judged.left != 0) | (judged.outcome == TIE))
    shown = shown.select(np.argsort(shown.annotator, kind="stable"))
    button = shown.outcome * shown.left
    total = np.bincount(shown.annotator, minlength=num)
    longest = np.zeros(num, np.int64)
    if not len(shown):
        return longest, np.full(num, np.nan)
    starts = np.flatnonzero(
        np.concatenate([[True], (np.diff(button) != 0) | (np.diff(shown.annotator) != 0)])
    )
    length = np.diff(np.append(starts, len(button)))
    np.maximum.at(longest, shown.annotator[starts], length)
    tie = np.bincount(shown.annotator, button == 0, num) / np.maximum(total, 1)
    left = np.nan_to_num(expected_left_share, nan=0.5)
    buttons = np.stack([tie, (1 - tie) * left, (1 - tie) * (1 - left)])  # (3, A)
    num_runs = np.sum(buttons**longest * ((total - longest) * (1 - buttons) + 1), axis=0)
    return longest, np.where(total > 0, -np.expm1(-num_runs), np.nan)


def speed(judged: ComparisonTable) -> tuple[FloatArray, FloatArray, IntArray]:
    """(A,) median seconds, (A,) share of answers that are too fast, (A,) number of timed ones."""
    num = len(judged.annotators)
    timed = np.isfinite(judged.seconds)
    who, seconds = judged.annotator[timed], judged.seconds[timed].astype(float)
    total = np.bincount(who, minlength=num)
    if not len(who):
        return np.full(num, np.nan), np.full(num, np.nan), total
    ordered = seconds[np.lexsort((seconds, who))]
    start = np.cumsum(total) - total
    last = len(ordered) - 1
    low = ordered[np.minimum(start + (total - 1) // 2, last)]
    high = ordered[np.minimum(start + total // 2, last)]
    is_fast = seconds < FAST_SHARE_OF_MEDIAN * np.median(seconds)
    fast = np.bincount(who, is_fast, num)
    return np.where(total > 0, (low + high) / 2, np.nan), share(fast, total), total


def repeats(judged: ComparisonTable) -> tuple[IntArray, FloatArray, FloatArray]:
    """(A,) repeated pairs, and (A,), (A,) share answered as before: of all, of swapped ones."""
    num = len(judged.annotators)
    sign = np.where(judged.item_a > judged.item_b, -1, 1)
    low = np.minimum(judged.item_a, judged.item_b)
    high = np.maximum(judged.item_a, judged.item_b)
    order = np.lexsort((np.arange(len(judged)), high, low, judged.annotator))
    keys = np.stack([judged.annotator, low, high])[:, order]
    answer, side = (judged.outcome * sign)[order], (judged.left * sign)[order]
    again = (np.diff(keys, axis=1) == 0).all(axis=0)
    same = (np.diff(answer) == 0)[again]
    swapped = (side[1:] * side[:-1] == -1)[again]
    who = keys[0][1:][again]
    total = np.bincount(who, minlength=num)
    num_swapped = np.bincount(who[swapped], minlength=num)
    same_swapped = np.bincount(who[swapped], same[swapped], num)
    return total, share(np.bincount(who, same, num), total), share(same_swapped, num_swapped)


def share(part: FloatArray | IntArray, total: IntArray) -> FloatArray:
    """Part of total, NaN where there is nothing to share."""
    return np.asarray(np.where(total > 0, part / np.maximum(total, 1), np.nan), float)
