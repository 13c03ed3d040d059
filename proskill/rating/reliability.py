"""Reliability of each group's ratings, and the number of votes still needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray
from proskill.rating.grouping import members_of_groups
from proskill.rating.held_out import held_out_accuracy
from proskill.rating.log_posterior import log_total
from proskill.rating.posterior import Posterior, sample_posterior

ENOUGH_RELIABILITY: Final = 0.8
ENOUGH_COMPARISONS: Final = 8

_PLACING_COMPARISONS, _TELLING_COMPARISONS = 3, 5
_NOISE_RELIABILITY: Final = 0.25  # what coin flips reach in groups of less than a hundred
_MANY_ITEMS: Final = 2000  # from here on, the mean over items is quiet after fewer draws


@dataclass(frozen=True)
class GroupReliability:
    """The trust that one group's ratings deserve; a figure that the votes do not hold is NaN.

    Attributes:
        group: its name.
        num_items: how many items it has.
        reliability: share of the ratings' variance that is skill, 0..1, from the posterior.
        expected_rho: Spearman correlation with the true skills at this reliability.
        ssr: scale separation reliability, "inflated under Swiss": it reaches .7 to .9 on noise
            where pairing follows the ratings.
        held_out_accuracy: how often the order by the first four fifths of the votes agrees with a
            later vote on a new pair, as it would be for pairs drawn at random. Noise gives .5;
            people's own agreement is the ceiling. NaN where its standard error is above .1.
        held_out_error: that standard error.
        num_held_out: late votes that this is measured on.
        min_comparisons, mean_comparisons: judged comparisons of its items.
        is_enough: reliability >= .8 and 8 comparisons or more of every item.
        expected_more_votes: until it is enough; 0 when it is, None while it is unknown.
    """

    group: str
    num_items: int
    reliability: float
    expected_rho: float
    ssr: float
    held_out_accuracy: float
    held_out_error: float
    num_held_out: int
    min_comparisons: int
    mean_comparisons: float
    is_enough: bool
    expected_more_votes: int | None


@dataclass(frozen=True)
class CurvePoint:
    """Reliability after the first votes of a table.

    Attributes:
        num_votes: judged votes.
        reliability: mean over the groups of two items or more.
    """

    num_votes: int
    reliability: float


def measure_reliability(
    table: ComparisonTable,
    *,
    fit: BradleyTerryFit,
    posterior: Posterior,
    rng: np.random.Generator,
) -> tuple[GroupReliability, ...]:
    """One entry for each group, in the table's order.

    With reliability R the posterior means correlate with the skills by sqrt(R) (Lord and Novick
    1968, ch. 3), for which normal skills rank with rho = 6 / pi asin(sqrt(R) / 2) (Pearson 1907).

    Args:
        table: the votes, skips among them, in the order in which they were judged.
        fit: of that table.
        posterior: of that table.
        rng: draws the random pairs that accuracy is given for.
    """
    judged = table.judged()
    reliability = posterior.reliability()
    held_out = held_out_accuracy(judged, fit=fit, rng=rng)
    information = _item_information(judged, fit)
    num_comparisons = table.num_comparisons()
    members = members_of_groups(table.item_group, num_groups=len(table.groups))
    reports = []
    for group, items in enumerate(members):
        comparisons, share = num_comparisons[items], float(reliability[group])
        smallest = int(comparisons.min()) if len(items) else 0
        is_enough = share >= ENOUGH_RELIABILITY and smallest >= ENOUGH_COMPARISONS
        reports.append(
            GroupReliability(
                group=table.groups[group],
                num_items=len(items),
                reliability=share,
                expected_rho=6 / math.pi * math.asin(math.sqrt(share) / 2),
                ssr=_scale_separation(fit.params[items], information[items]),
                held_out_accuracy=float(held_out.accuracy[group]),
                held_out_error=float(held_out.error[group]),
                num_held_out=int(held_out.num_votes[group]),
                min_comparisons=smallest,
                mean_comparisons=float(comparisons.mean()) if len(items) else 0.0,
                is_enough=is_enough,
                expected_more_votes=expected_more_votes(comparisons, reliability=share),
            )
        )
    return tuple(reports)


def expected_more_votes(num_comparisons: IntArray, *, reliability: float) -> int | None:
    """Votes until reliability reaches .8 and every item has 8 comparisons; None if untold.

    The posterior variance v of a skill of variance s is 1 / (1 / s + information), and information
    grows by the same amount with every comparison, so that the odds R / (1 - R) of the reliability
    R = 1 - v / s grow linearly in k, as in the Spearman-Brown formula, whose k* is k .8 / .2 over
    the odds now. But the first comparisons of an item find its opponents rather than its rating:
    in simulation the line starts near k = 3 under mix20, and so it does here,

        k* = 3 + (k - 3) (.8 / .2) (1 - R) / R.

    Nothing is told before 5 comparisons an item, nor on reliability that coin flips reach too.

    Args:
        num_comparisons: (I,) judged comparisons of each item of one group.
        reliability: of that group, 0..1 or NaN.
    """
    missing = float(np.maximum(ENOUGH_COMPARISONS - num_comparisons, 0).sum()) / 2
    if reliability >= ENOUGH_RELIABILITY:
        return math.ceil(missing)
    mean = float(num_comparisons.mean()) if len(num_comparisons) else 0.0
    if mean < _TELLING_COMPARISONS or not reliability > _NOISE_RELIABILITY:
        return None
    odds = reliability / (1 - reliability)
    target_odds = ENOUGH_RELIABILITY / (1 - ENOUGH_RELIABILITY)
    needed = _PLACING_COMPARISONS + (mean - _PLACING_COMPARISONS) * target_odds / odds
    more = (needed - mean) * len(num_comparisons) / 2
    return math.ceil(max(round(more, 6), missing))  # a rounding error is no vote


def reliability_curve(
    table: ComparisonTable,
    *,
    posterior: Posterior,
    rng: np.random.Generator,
    num_points: int = 6,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[CurvePoint, ...]:
    """Posterior reliability after equal shares of the votes, in their order, the last being all.

    An item without a vote so far counts with its prior, so that the curve starts near 0. Short
    chains are enough: reliability is a mean over items.

    Args:
        table: the votes in the order in which they were judged.
        posterior: of that table; it gives the last point.
        rng: random numbers.
        num_points: how many, >= 1; fewer when there are fewer votes.
        on_progress: called with (points done, points in all).

    Raises:
        ValueError: `num_points` < 1.
    """
    if num_points < 1:
        raise ValueError(f"num_points={num_points}: needs to be 1 or more")
    judged = table.judged()
    num_draws = 100 if table.num_items < _MANY_ITEMS else 40
    ends = np.unique(np.linspace(0, len(judged), num_points + 1).round().astype(int))[1:]
    points = []
    for done, end in enumerate(ends.tolist(), start=1):
        if end == len(judged):
            reliability = posterior.reliability()
        else:
            so_far = judged.select(np.arange(end))
            then = sample_posterior(so_far, rng=rng, num_draws=num_draws, num_warmup=50)
            reliability = then.reliability()
        known = reliability[np.isfinite(reliability)]
        points.append(CurvePoint(end, float(known.mean())))
        if on_progress is not None:
            on_progress(done, len(ends))
    return tuple(points)


def _item_information(judged: ComparisonTable, fit: BradleyTerryFit) -> FloatArray:
    """(I,) Fisher information on each item's param, the others' being given; 0 without votes.

    The sum over an item's votes of d^2 (P(a) + P(b) - (P(a) - P(b))^2) / 4, which without ties is
    d^2 P(a) P(b), d being the annotator's discrimination.
    """
    slope = fit.discrimination[judged.annotator]
    eta = slope * (fit.params[judged.item_a] - fit.params[judged.item_b]) + fit.side * judged.left
    total = log_total(eta, fit.log_tie)
    p_a, p_b = np.exp(eta / 2 - total), np.exp(-eta / 2 - total)
    information = slope**2 * (p_a + p_b - (p_a - p_b) ** 2) / 4
    size = judged.num_items
    of_a = np.bincount(judged.item_a, information, size)
    return np.asarray(of_a + np.bincount(judged.item_b, information, size), float)


def _scale_separation(params: FloatArray, information: FloatArray) -> float:
    """SSR = (sd^2 - mean error variance) / sd^2 of the rated items (Verhavert et al. 2018).

    Item errors are 1 / Fisher information, the others being given, as comparative judgement does.
    """
    rated = information > 0
    if rated.sum() < 2:
        return math.nan
    spread = float(params[rated].var(ddof=1))
    error = float(np.mean(1 / information[rated]))
    return max(spread - error, 0.0) / spread if spread > 0 else math.nan
