"""Held-out evaluation: the fit's forecast of votes that it has not seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from proskill.rating.bradley_terry import BradleyTerryFit, fit_bradley_terry
from proskill.rating.comparisons import TIE, BoolArray, ComparisonTable, FloatArray, IntArray
from proskill.rating.grouping import members_of_groups

_LATE_SHARE: Final = 0.2
_RANDOM_PAIRS: Final = 2000
_MAX_ERROR: Final = 0.1
_SLOPE_VARIANCE, _NEWTON_STEPS = 16.0, 25


@dataclass(frozen=True, eq=False)
class HeldOutAccuracy:
    """Agreement of an order with held-out votes, group by group.

    Attributes:
        accuracy: (G,) on pairs drawn at random; NaN where the error is above .1 or there are none.
        error: (G,) its standard error.
        num_votes: (G,) votes that it is measured on.
    """

    accuracy: FloatArray
    error: FloatArray
    num_votes: IntArray


def held_out_accuracy(
    judged: ComparisonTable, *, fit: BradleyTerryFit, rng: np.random.Generator
) -> HeldOutAccuracy:
    """Accuracy on pairs drawn at random, from the last votes of each group.

    Only forecasts by earlier votes are fair: later pairs were chosen by how a vote went, so that
    even coin flips are "forecast" at .7 to .8 in ordinary cross-validation under Swiss. Given the
    votes before it, a pair is chosen without looking at its outcome. Late votes tell how well a
    forecast gap holds, P(right) = logistic(slope gap) with the calibration slope of Cox (1958),
    which then applies to the gaps of random pairs. A slope of 0 is noise. What comes out leans low
    by some .02, since the last fifth of the votes is missing in the forecasts.

    Args:
        judged: votes without skips, in the order in which they were judged.
        fit: of these votes.
        rng: draws the random pairs.
    """
    num_groups = len(judged.groups)
    is_late = _is_late(judged)
    early, late = judged.select(~is_late), judged.select(is_late & (judged.outcome != TIE))
    late = late.select(~np.isin(_pair_key(late), _pair_key(early)))
    gap = forecast(early, late.item_a, late.item_b, fit=fit)
    late, gap = late.select(np.isfinite(gap)), gap[np.isfinite(gap)]
    group = late.item_group[late.item_a]
    slope, slope_error = _calibration_slopes(gap, late.outcome > 0, group, num_groups=num_groups)
    num_votes = np.bincount(group, minlength=num_groups)
    accuracy, error = np.full((2, num_groups), math.nan)
    members = members_of_groups(judged.item_group, num_groups=num_groups)
    for index in np.flatnonzero(num_votes).tolist():
        items = members[index]
        a = rng.integers(len(items), size=_RANDOM_PAIRS)
        b = (a + rng.integers(1, len(items), size=_RANDOM_PAIRS)) % len(items)
        random_gap = abs(fit.params[items[a]] - fit.params[items[b]])
        at = slope[index] + slope_error[index] * np.array([-1, 0, 1])
        low, middle, high = expit(at[:, None] * random_gap).mean(axis=1)
        error[index] = (high - low) / 2
        if error[index] <= _MAX_ERROR:
            accuracy[index] = middle
    return HeldOutAccuracy(accuracy, error, num_votes)


def forecast_by_others(
    judged: ComparisonTable, fold: IntArray, *, fit: BradleyTerryFit
) -> FloatArray:
    """(N,) `forecast` of each vote by the votes outside of its fold, earlier and later ones.

    Where pairing followed the ratings every vote, even a coin's, looks better forecast than it is,
    because later pairs were chosen by it: compare such figures with each other only.

    Args:
        judged: N votes without skips.
        fold: (N,) which fold each vote is in; as many fits are made as there are folds.
        fit: of all votes, from which the fits start.
    """
    gaps = np.full(len(judged), math.nan)
    for number in np.unique(fold):
        inside = np.flatnonzero(fold == number)
        rest = judged.select(fold != number)
        gaps[inside] = forecast(rest, judged.item_a[inside], judged.item_b[inside], fit=fit)
    return gaps


def forecast(
    judged: ComparisonTable, a: IntArray, b: IntArray, *, fit: BradleyTerryFit
) -> FloatArray:
    """(N,) by how many logits item a leads item b according to the given votes.

    NaN where one of the items has no vote among them.

    Args:
        judged: votes without skips, none of them on what is forecast.
        a, b: (N,) item indices.
        fit: where to start from.
    """
    if not len(judged):
        return np.full(len(a), math.nan)
    # A thousandth of a logit for each item, far below what a forecast leaves open.
    others = fit_bradley_terry(judged, start=fit.params, tol=1e-3 * math.sqrt(judged.num_items))
    has_votes = judged.num_comparisons() > 0
    gap = others.params[a] - others.params[b]
    return np.where(has_votes[a] & has_votes[b], gap, math.nan)


def _calibration_slopes(
    gap: FloatArray, a_won: BoolArray, group: IntArray, *, num_groups: int
) -> tuple[FloatArray, FloatArray]:
    """(G,) logistic slope of the votes on the forecast gaps, and (G,) its standard error."""
    slope = np.ones(num_groups)
    for _ in range(_NEWTON_STEPS):
        probability = expit(slope[group] * gap)
        pull = np.bincount(group, gap * (a_won - probability), num_groups)
        weight = gap**2 * probability * (1 - probability)
        # A wide prior around 1, or votes that all agree would have no finite slope.
        curvature = np.bincount(group, weight, num_groups) + 1 / _SLOPE_VARIANCE
        slope = slope + np.clip((pull + (1 - slope) / _SLOPE_VARIANCE) / curvature, -1, 1)
    return slope, 1 / np.sqrt(curvature)


def _is_late(judged: ComparisonTable) -> BoolArray:
    """(N,) the last fifth of each group's rows."""
    group = judged.item_group[judged.item_a]
    order = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=len(judged.groups))
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    return np.asarray(place >= (1 - _LATE_SHARE) * size[group])


def _pair_key(judged: ComparisonTable) -> IntArray:
    low = np.minimum(judged.item_a, judged.item_b).astype(np.int64)
    return low * judged.num_items + np.maximum(judged.item_a, judged.item_b)
