"""Ratings from the votes on one criterion so far, cut down to the size of a page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from proskill.annotation.counting import counted_table
from proskill.annotation.db.log import CampaignLog
from proskill.levels import EGOEXO4D_LEVELS
from proskill.rating import CurvePoint, GroupReliability, LevelRule, RatingRun, rate
from proskill.rating.comparisons import IntArray
from proskill.rating.reliability import ENOUGH_COMPARISONS
from proskill.rating_files.headline import Headline, headline, num_pieces
from proskill.rating_files.tallies import (
    CountBars,
    FlagCount,
    LevelCount,
    count_bars,
    cut_bands,
    flag_counts,
    group_rows,
    least_reliable_first,
    level_counts,
    level_indices,
    rating_bars,
)

# A page that is drawn every few seconds: enough draws for ends of intervals that do not jump.
_MAX_DRAWS, _MIN_DRAWS, _MAX_DRAWN_NUMBERS = 400, 100, 1_000_000
_MAX_GROUPS: Final = 40
_MAX_ROWS: Final = 400
_ENDS: Final = (3, 40)  # rows from each end of a long ranking


@dataclass(frozen=True)
class RankedClip:
    """One clip of a ranking; figures as in `Ratings`."""

    rank: int
    clip: str
    take: str
    rating: float
    lower: float
    upper: float
    level: str
    level_probability: float
    num_comparisons: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class GroupRanking:
    """One group of clips, on a scale of its own.

    Attributes:
        reliability: its figures.
        num_pieces: parts without a comparison between them.
        top, bottom: the ends of the ranking; all of it is in `top` where it is short.
        num_hidden: clips between them.
    """

    reliability: GroupReliability
    num_pieces: int
    top: tuple[RankedClip, ...]
    bottom: tuple[RankedClip, ...]
    num_hidden: int


@dataclass(frozen=True)
class ComparisonBars(CountBars):
    """Numbers of clips by number of comparisons, the number wanted, and the clips below it."""

    wanted: int
    num_below: int


@dataclass(frozen=True)
class RatingBars:
    """Numbers of clips by rating and level.

    Attributes:
        low, high: logits at the outer ends of the bars.
        bars: for each bar from the lowest, a count for each level from the lowest.
        cuts: mean, lower and upper end of each cut; empty where several groups have their own.
    """

    low: float
    high: float
    bars: tuple[tuple[int, ...], ...]
    cuts: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class RatedCriterion:
    """Ratings of one criterion.

    Attributes:
        headline: whether there are enough votes, and what is wrong.
        curve: reliability after the first votes.
        groups: rankings, least reliable group first.
        num_hidden_groups: more reliable groups that are not among them.
        comparisons: of the clips.
        levels: how many clips are called by each level, the highest first.
        ratings: where the clips lie.
        flags: what is wrong with clips, gravest first.
        alpha: Krippendorff's, NaN without pairs that several judged.
        pair_agreement: how often two of those agree.
        num_repeated_pairs: how many such pairs there are.
        left_wins: share of wins of the left clip of two equal ones.
    """

    headline: Headline
    curve: tuple[CurvePoint, ...]
    groups: tuple[GroupRanking, ...]
    num_hidden_groups: int
    comparisons: ComparisonBars
    levels: tuple[LevelCount, ...]
    ratings: RatingBars
    flags: tuple[FlagCount, ...]
    alpha: float
    pair_agreement: float
    num_repeated_pairs: int
    left_wins: float


def rate_criterion(log: CampaignLog, criterion_id: int) -> RatingRun | None:
    """Rate the clips with few draws; None while no vote on the criterion counts as judged.

    Levels are equal shares of each group, on Ego-Exo4D's scale.
    """
    table = counted_table(log, criterion_id)
    if not len(table.judged()):
        return None
    draws = int(np.clip(_MAX_DRAWN_NUMBERS // table.num_items, _MIN_DRAWS, _MAX_DRAWS))
    return rate(
        table,
        rng=np.random.default_rng(log.campaign.seed),
        level_rule=LevelRule(EGOEXO4D_LEVELS),
        num_draws=draws,
    )


def summarise_run(log: CampaignLog, run: RatingRun) -> RatedCriterion:
    """Cut a run down to what a page can show."""
    agreement = run.agreement
    order = least_reliable_first(run, limit=_MAX_GROUPS)
    return RatedCriterion(
        headline=headline(run),
        curve=run.curve,
        groups=_rankings(log, run, order),
        num_hidden_groups=len(run.reliability) - len(order),
        comparisons=_comparison_bars(run.health.num_comparisons),
        levels=tuple(level_counts(run)),
        ratings=_rating_bars(run),
        flags=tuple(flag_counts(run)),
        alpha=agreement.alpha,
        pair_agreement=agreement.pair_agreement,
        num_repeated_pairs=agreement.num_repeated_pairs,
        left_wins=float(expit(agreement.side_bias)),
    )


def _comparison_bars(num_comparisons: IntArray) -> ComparisonBars:
    bars = count_bars(num_comparisons, minimum=ENOUGH_COMPARISONS)
    return ComparisonBars(
        **vars(bars),
        wanted=ENOUGH_COMPARISONS,
        num_below=int((num_comparisons < ENOUGH_COMPARISONS).sum()),
    )


def _rankings(log: CampaignLog, run: RatingRun, order: list[int]) -> tuple[GroupRanking, ...]:
    clip_of = {clip.take_id: clip.public_id for clip in log.clips}
    ranks, pieces = run.ratings.rank(), num_pieces(run)

    def ranked(rows: IntArray) -> tuple[RankedClip, ...]:
        return tuple(_ranked(run, clip_of, row, int(ranks[row])) for row in rows.tolist())

    return tuple(
        GroupRanking(
            reliability=run.reliability[part.group],
            num_pieces=int(pieces[part.group]),
            top=ranked(part.top),
            bottom=ranked(part.bottom),
            num_hidden=len(part.rows) - len(part.top) - len(part.bottom),
        )
        for part in group_rows(run, order, max_rows=_MAX_ROWS, ends=_ENDS)
    )


def _ranked(run: RatingRun, clip_of: dict[str, str], row: int, rank: int) -> RankedClip:
    ratings = run.ratings
    level, scale = ratings.level[row], ratings.scale
    probability = math.nan
    if level and scale is not None:
        probability = float(ratings.level_probabilities[row, scale.index(level)])
    return RankedClip(
        rank=rank,
        clip=clip_of[ratings.items[row]],
        take=ratings.items[row],
        rating=float(ratings.rating[row]),
        lower=float(ratings.lower[row]),
        upper=float(ratings.upper[row]),
        level=level,
        level_probability=probability,
        num_comparisons=int(ratings.num_comparisons[row]),
        flags=ratings.flags[row],
    )


def _rating_bars(run: RatingRun) -> RatingBars:
    rating = run.ratings.rating
    num_levels = 0 if run.ratings.scale is None else len(run.ratings.scale)
    is_one = len(run.levels) == 1 and len(run.table.groups) == 1
    room = max(float(np.ptp(rating)) * 0.03, 0.25)
    low, high = float(rating.min()) - room, float(rating.max()) + room
    counts = rating_bars(rating, level_indices(run), num_levels=num_levels, low=low, high=high)
    return RatingBars(
        low,
        high,
        bars=tuple(map(tuple, counts[:, :num_levels].tolist())),
        cuts=tuple(cut_bands(run.levels[0])) if is_one else (),
    )
