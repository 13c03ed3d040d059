"""One call from votes to everything that is published about them, stage by stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.levels import LevelScale
from proskill.rating.agreement import Agreement, measure_agreement
from proskill.rating.bradley_terry import BradleyTerryFit, fit_bradley_terry
from proskill.rating.comparisons import ComparisonTable, FloatArray
from proskill.rating.elo import LOGITS_PER_POINT, EloFit, fit_elo
from proskill.rating.gibbs import AnchorPrior
from proskill.rating.health import Health, check_health
from proskill.rating.level_anchors import anchor_cuts
from proskill.rating.level_cuts import (
    CutMethod,
    LevelAssignment,
    LevelCuts,
    cut_levels,
    quantile_cuts,
    score_cuts,
)
from proskill.rating.pairing import Round, pair_round
from proskill.rating.posterior import Posterior, sample_posterior
from proskill.rating.reliability import (
    CurvePoint,
    GroupReliability,
    measure_reliability,
    reliability_curve,
)
from proskill.rating.result import Ratings
from proskill.rating.table_builder import Judgements, comparison_table

INTERVAL_PROBABILITY: Final = 0.9

# Draws to keep: enough for quiet interval ends; fewer where many items make each of them slow.
_MAX_DRAWS, _MIN_DRAWS, _MAX_DRAWN_NUMBERS = 1000, 200, 8_000_000


@dataclass(frozen=True)
class LevelRule:
    """The rule from ratings to levels.

    Attributes:
        scale: the levels.
        method: "quantiles" cuts each group into equal shares, "scores" at `cuts`, "anchors" between
            the items of known standard in `anchors`.
        cuts: for "scores", ascending logits, one fewer than levels.
        anchors: for "anchors", item id -> level name; two items or more at each level.

    Raises:
        ValueError: the method lacks what it needs, or was given what it does not use.
    """

    scale: LevelScale
    method: CutMethod = "quantiles"
    cuts: tuple[float, ...] = ()
    anchors: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.cuts) != (self.method == "scores"):
            raise ValueError(f"cuts={self.cuts}: go with the method 'scores' and with no other")
        if bool(self.anchors) != (self.method == "anchors"):
            raise ValueError("anchors go with the method 'anchors' and with no other")
        for level in self.anchors.values():
            self.scale.index(level)


@dataclass(frozen=True)
class EarlierRating:
    """An item's rating in an earlier session: posterior mean and sd in logits."""

    rating: float
    sd: float


@dataclass(frozen=True, eq=False)
class RatingRun:
    """All results of one set of votes.

    Attributes:
        table: the votes.
        ratings: per item, what is published.
        posterior: the draws behind the ratings, in the table's order of items.
        fit: the MAP fit, in the table's order of items.
        health: flags and findings.
        agreement: between annotators.
        reliability: per group.
        curve: reliability against votes so far.
        levels: the cuts of each group, empty without levels.
        next_round: the pairs to ask about next, those that matter most first.
        elo: Elo over random orders for comparison; None when it was not asked for.
        linked_items: how many items carry a rating of an earlier session.
    """

    table: ComparisonTable
    ratings: Ratings
    posterior: Posterior
    fit: BradleyTerryFit
    health: Health
    agreement: Agreement
    reliability: tuple[GroupReliability, ...]
    curve: tuple[CurvePoint, ...]
    levels: tuple[LevelCuts, ...]
    next_round: Round
    elo: EloFit | None
    linked_items: int


def rate(
    comparisons: Judgements,
    *,
    rng: np.random.Generator,
    level_rule: LevelRule | None = None,
    earlier: Mapping[str, EarlierRating] | None = None,
    min_comparisons: int = 8,
    num_draws: int | None = None,
    elo_orders: int = 0,
    elo_k: float = 32.0,
    on_stage: Callable[[str], None] = lambda name: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> RatingRun:
    """Rate items: ratings with intervals, levels, reliability and the next pairs to ask.

    >>> rng = np.random.default_rng(0)
    >>> run = rate([("anna", "ben"), ("ben", "cleo"), ("anna", "cleo")], rng=rng)
    >>> run.ratings.items
    ('anna', 'ben', 'cleo')
    >>> bool((run.ratings.lower < run.ratings.rating).all())
    True

    Args:
        comparisons: a `ComparisonTable`, `Comparison` objects or (winner, loser) pairs, in the
            order in which they were judged.
        rng: source of randomness; the same state gives the same result.
        level_rule: how to cut levels; None cuts none.
        earlier: ratings of an earlier session by item id. Items in both sessions put this one on
            its scale, so that ratings and cuts of the two compare.
        min_comparisons: an item with fewer is flagged.
        num_draws: posterior draws; None takes 1000, fewer beyond 8,000 items.
        elo_orders: orders of the votes to average Elo over, for comparison; 0 leaves Elo out.
        elo_k: Elo's K.
        on_stage: called with the name of each stage as it begins.
        on_progress: called with (done, total) within the long stages.

    Raises:
        ComparisonError: no judged vote, no item shared with the earlier session, or too few
            anchors of a level.
        ValueError: an argument out of range.
    """
    table = comparison_table(comparisons)
    check_health(table, min_comparisons=min_comparisons)  # refuses bad arguments before long work
    if not len(table.judged()):
        raise ComparisonError(
            f"none of {len(table)} rows is a judgement; ratings need at least one win or tie"
        )
    anchors = None if earlier is None else _anchor_prior(table, earlier)
    on_stage("fit")
    fit = fit_bradley_terry(table)
    on_stage("posterior")
    if num_draws is None:
        affordable = _MAX_DRAWN_NUMBERS // max(table.num_items, 1)
        num_draws = max(_MIN_DRAWS, min(_MAX_DRAWS, affordable))
    posterior = sample_posterior(
        table, rng=rng, num_draws=num_draws, anchors=anchors, on_progress=on_progress
    )
    on_stage("levels")
    cuts = () if level_rule is None else _cuts(level_rule, table, posterior, rng)
    on_stage("health and agreement")
    health = check_health(table, min_comparisons=min_comparisons, posterior=posterior)
    agreement = measure_agreement(table, fit=fit, posterior=posterior)
    on_stage("reliability")
    reliability = measure_reliability(table, fit=fit, posterior=posterior, rng=rng)
    curve = reliability_curve(table, posterior=posterior, rng=rng, on_progress=on_progress)
    on_stage("next pairs")
    next_round = pair_round(table, rng=rng, params=posterior.mean())
    elo = None
    if elo_orders:
        on_stage("elo")
        elo = fit_elo(table, rng=rng, k=elo_k, num_orders=elo_orders)
    return RatingRun(
        table=table,
        ratings=_ratings(table, posterior, health, cuts, level_rule),
        posterior=posterior,
        fit=fit,
        health=health,
        agreement=agreement,
        reliability=reliability,
        curve=curve,
        levels=cuts,
        next_round=_most_needed_first(next_round, table, reliability),
        elo=elo,
        linked_items=0 if anchors is None else int(np.isfinite(anchors.mean).sum()),
    )


def _anchor_prior(table: ComparisonTable, earlier: Mapping[str, EarlierRating]) -> AnchorPrior:
    known = [earlier.get(item) for item in table.items]
    if not any(known):
        raise ComparisonError(
            f"none of the {len(earlier)} earlier ratings is of one of the {table.num_items} items "
            "rated now; two sessions compare only over items that they share"
        )
    return AnchorPrior(
        mean=np.array([math.nan if one is None else one.rating for one in known]),
        sd=np.array([math.nan if one is None else one.sd for one in known]),
    )


def _cuts(
    rule: LevelRule, table: ComparisonTable, posterior: Posterior, rng: np.random.Generator
) -> tuple[LevelCuts, ...]:
    if rule.method == "scores":
        return score_cuts(posterior, rule.scale, rule.cuts)
    if rule.method == "quantiles":
        return quantile_cuts(posterior, rule.scale)
    index = {item: i for i, item in enumerate(table.items)}
    known = {index[i]: rule.scale.index(name) for i, name in rule.anchors.items() if i in index}
    return anchor_cuts(posterior, rule.scale, known, groups=table.groups, rng=rng)


def _ratings(
    table: ComparisonTable,
    posterior: Posterior,
    health: Health,
    cuts: tuple[LevelCuts, ...],
    rule: LevelRule | None,
) -> Ratings:
    rating = posterior.mean()
    lower, upper = posterior.interval(INTERVAL_PROBABILITY)
    num_levels = 0 if rule is None else len(rule.scale)
    assigned = (
        cut_levels(posterior, cuts)
        if cuts
        else LevelAssignment(
            np.full(table.num_items, -1), np.full((table.num_items, num_levels), math.nan)
        )
    )
    group_rank = np.empty(len(table.groups), np.int64)
    group_rank[sorted(range(len(table.groups)), key=lambda g: table.groups[g])] = np.arange(
        len(table.groups)
    )
    order = np.lexsort((-rating, group_rank[table.item_group]))
    level = [
        "" if rule is None or index < 0 else rule.scale.names[index]
        for index in assigned.level.tolist()
    ]
    return Ratings(
        items=tuple(table.items[i] for i in order),
        groups=tuple(table.groups[g] for g in table.item_group[order]),
        rating=rating[order],
        lower=lower[order],
        upper=upper[order],
        elo=1500 + rating[order] / LOGITS_PER_POINT,
        scale=None if rule is None else rule.scale,
        level=tuple(level[i] for i in order),
        level_probabilities=assigned.probabilities[order],
        num_comparisons=health.num_comparisons[order],
        component=health.component[order],
        flags=tuple(health.flags[i] for i in order),
    )


def _most_needed_first(
    pairs: Round, table: ComparisonTable, reliability: tuple[GroupReliability, ...]
) -> Round:
    """Pairs of groups that lack votes come first, and there those of items that have the fewest."""
    is_enough = np.array([group.is_enough for group in reliability], np.bool_)
    num: FloatArray = table.num_comparisons().astype(float)
    fewest = np.minimum(num[pairs.left], num[pairs.right])
    order = np.lexsort((fewest, is_enough[table.item_group[pairs.left]]))
    return Round(pairs.left[order], pairs.right[order], pairs.byes)
