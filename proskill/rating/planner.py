"""Forecast of a campaign's cost and reliability, by simulation before the first vote."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import rankdata

from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.simulated import simulate_campaign

# The comparisons that an item needs do not depend on how many items there are, once they are many:
# `benchmarks/rating_quality.py`. So large campaigns are simulated with this many items.
MAX_SIMULATED_ITEMS: Final = 2000

_MAX_SIGMA: Final = 20.0


@dataclass(frozen=True)
class Spread:
    """A quantity over the repetitions of a simulation.

    Attributes:
        mean: over all repetitions.
        low, high: 5 % and 95 % quantile, between which a single campaign lands in 9 of 10 cases.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PlanPoint:
    """The forecast after a number of comparisons.

    Attributes:
        comparisons_per_item: votes that each item takes part in, fewer by a bye where they are odd.
        rho: Spearman correlation of ratings and true skill.
        level_accuracy: share of items that get their exact level; levels are quantiles of equal
            share, of the ratings and of true skill.
        within_one_level: share of items at most one level off.
        reliability: squared correlation of ratings and true skill, which the reliability of a
            posterior estimates.
    """

    comparisons_per_item: int
    rho: Spread
    level_accuracy: Spread
    within_one_level: Spread
    reliability: Spread


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign's plan: comparisons to ask for, and the forecast.

    Attributes:
        num_items: items to rate.
        num_simulated_items: items of each simulated campaign.
        sigma: standard deviation of skill in logits at this agreement.
        is_reached: whether the mean rho reaches the target. When it does not, the numbers are those
            of the last point of the curve.
        comparisons_per_item: votes that each item takes part in.
        num_votes: votes in all.
        annotator_hours: time for all votes.
        expected: quality at the end.
        curve: quality after each round, the last one being `expected`.
    """

    num_items: int
    num_simulated_items: int
    sigma: float
    is_reached: bool
    comparisons_per_item: int
    num_votes: int
    annotator_hours: float
    expected: PlanPoint
    curve: tuple[PlanPoint, ...] = field(repr=False)


def plan_campaign(
    *,
    num_items: int,
    agreement: float,
    rng: np.random.Generator,
    votes_per_pair: int = 1,
    seconds_per_vote: float = 20.0,
    num_levels: int = 5,
    target_rho: float = 0.95,
    num_repetitions: int = 20,
    max_comparisons: int = 60,
    on_progress: Callable[[int, int], None] | None = None,
) -> CampaignPlan:
    """Simulate mix20 rounds with a Bradley-Terry fit until the mean rho reaches a target.

    Take the answer as a lower bound: simulated annotators disagree by chance alone, real ones also
    about what is good. Groups that are rated apart are planned apart.

    Args:
        num_items: items to rate on one scale, >= `num_levels`.
        agreement: chance that two annotators say the same of a random pair, as a pilot shows it;
            above .5, and below what a skill spread of 20 logits gives, .97.
        rng: source of chance.
        votes_per_pair: votes on each pair by different annotators, >= 1; 1 is the best use of time.
        seconds_per_vote: how long a vote takes, > 0.
        num_levels: levels of equal share, >= 2.
        target_rho: Spearman correlation with true skill to reach, in (0, 1).
        num_repetitions: simulated campaigns, >= 2.
        max_comparisons: give up there; >= `votes_per_pair`.
        on_progress: called after each round with comparisons per item so far and at most.

    Raises:
        ValueError: an argument is outside of what is said above.
    """
    _check_plan(num_items, num_levels, votes_per_pair, num_repetitions, max_comparisons)
    if not (math.isfinite(seconds_per_vote) and seconds_per_vote > 0):
        raise ValueError(f"seconds_per_vote={seconds_per_vote}: must be finite and above 0")
    if not 0 < target_rho < 1:
        raise ValueError(f"target_rho={target_rho}: must lie between 0 and 1")
    sigma = sigma_of_agreement(agreement)
    num_simulated = min(num_items, MAX_SIMULATED_ITEMS)
    # The repetitions are groups of one table, which are paired and fitted side by side.
    skill = sigma * rng.standard_normal((num_repetitions, num_simulated))
    repetition = np.repeat(np.arange(num_repetitions), num_simulated)
    rounds = simulate_campaign(
        rng,
        skill=skill.ravel(),
        item_group=repetition,
        votes_per_pair=votes_per_pair,
        fit_annotators=False,
    )
    curve: list[PlanPoint] = []
    for k in range(votes_per_pair, max_comparisons + 1, votes_per_pair):
        params = next(rounds).fit.params.reshape(skill.shape)
        curve.append(_measure(skill, params, num_levels=num_levels, comparisons_per_item=k))
        if on_progress is not None:
            on_progress(k, max_comparisons)
        if curve[-1].rho.mean >= target_rho:
            break
    num_votes = num_items // 2 * curve[-1].comparisons_per_item  # of an odd number one has a bye
    return CampaignPlan(
        num_items=num_items,
        num_simulated_items=num_simulated,
        sigma=sigma,
        is_reached=curve[-1].rho.mean >= target_rho,
        comparisons_per_item=curve[-1].comparisons_per_item,
        num_votes=num_votes,
        annotator_hours=num_votes * seconds_per_vote / 3600,
        expected=curve[-1],
        curve=tuple(curve),
    )


def agreement_of_sigma(sigma: float) -> float:
    """Chance that two annotators agree on a random pair, when skills spread by `sigma` logits.

    Both see the pair's difference d ~ N(0, 2 sigma**2) and vote by Bradley-Terry, so they agree
    with chance E[p**2 + (1 - p)**2] = 1 - 2 E[p (1 - p)] where p = logistic(d), by quadrature.
    """
    if sigma == 0:
        return 0.5
    # Beyond 40 logits, or 10 standard deviations, there is nothing left to integrate.
    furthest = min(40.0, 10 * math.sqrt(2) * sigma)
    integral, _ = quad(
        lambda d: expit(d) * expit(-d) * math.exp(-((d / (2 * sigma)) ** 2)), 0, furthest
    )
    return 1 - 2 * float(integral) / (sigma * math.sqrt(math.pi))


def sigma_of_agreement(agreement: float) -> float:
    """Standard deviation of skill in logits at which two annotators agree that often.

    Raises:
        ValueError: `agreement` is not above chance, .5, or is too high to be told from certainty.
    """
    highest = agreement_of_sigma(_MAX_SIGMA)
    if not 0.5 < agreement < highest:
        raise ValueError(
            f"agreement={agreement}: must lie between .5, which is chance, and {highest:.3f}; "
            "measure it by letting two annotators judge the same random pairs"
        )
    return float(brentq(lambda sigma: agreement_of_sigma(sigma) - agreement, 0.0, _MAX_SIGMA))


def _measure(
    skill: FloatArray, params: FloatArray, *, num_levels: int, comparisons_per_item: int
) -> PlanPoint:
    """Compare true and estimated skills, both (R, I), over the R repetitions."""
    true_rank, rank = rankdata(skill, axis=1), rankdata(params, axis=1)
    off = abs(_level_of_rank(true_rank, num_levels) - _level_of_rank(rank, num_levels))
    return PlanPoint(
        comparisons_per_item=comparisons_per_item,
        rho=_spread(_correlation(true_rank, rank)),
        level_accuracy=_spread((off == 0).mean(axis=1)),
        within_one_level=_spread((off <= 1).mean(axis=1)),
        reliability=_spread(_correlation(skill, params) ** 2),
    )


def _level_of_rank(rank: FloatArray, num_levels: int) -> IntArray:
    """Level by quantiles of equal share, from ranks 1 to I along the last axis."""
    level: IntArray = ((rank - 0.5) / rank.shape[-1] * num_levels).astype(np.int64)
    return level


def _correlation(x: FloatArray, y: FloatArray) -> FloatArray:
    """(R,) Pearson correlation of each row."""
    x, y = (z - z.mean(axis=1, keepdims=True) for z in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    correlation: FloatArray = (x * y).sum(axis=1) / np.where(scale > 0, scale, 1)
    return correlation


def _spread(values: FloatArray) -> Spread:
    low, high = np.quantile(values, [0.05, 0.95])
    return Spread(float(values.mean()), float(low), float(high))


def _check_plan(
    num_items: int, num_levels: int, votes_per_pair: int, num_repetitions: int, max_comparisons: int
) -> None:
    if num_levels < 2:
        raise ValueError(f"num_levels={num_levels}: a scale has 2 levels or more")
    if num_items < num_levels:
        raise ValueError(f"num_items={num_items}: must be at least the {num_levels} levels")
    if votes_per_pair < 1:
        raise ValueError(f"votes_per_pair={votes_per_pair}: must be 1 or more")
    if num_repetitions < 2:
        raise ValueError(f"num_repetitions={num_repetitions}: a spread needs 2 or more")
    if max_comparisons < votes_per_pair:
        raise ValueError(
            f"max_comparisons={max_comparisons}: must be at least votes_per_pair={votes_per_pair}"
        )
