"""Elo ratings: over many orders of the votes, in the order given, and as ProSkill's protocol does.

For comparison and compatibility. Elo depends on the order of the votes, ranks worse the more votes
there are where pairs were chosen by rating (`benchmarks/rating_quality.py`), and its spread over
orders is not an interval (`benchmarks/rating_intervals.py`): ratings and intervals come from
Bradley-Terry and its posterior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray

LOGITS_PER_POINT = math.log(10) / 400
_VOTES_AT_ONCE = 4096  # indices of 100 orders in 6 MB


@dataclass(frozen=True, eq=False)
class EloFit:
    """Elo ratings averaged over random orders of the votes.

    Attributes:
        ratings: (I,) points; an item without judgements keeps the start rating.
        order_spread: (I,) standard deviation over the orders, in points. It is no interval of the
            skill: it shows the order's noise alone, which K sets and more votes do not lessen.
        num_orders: how many orders.
    """

    ratings: FloatArray
    order_spread: FloatArray
    num_orders: int


@dataclass(frozen=True, eq=False)
class ProskillStanding:
    """The numbers that ProSkill publishes for each clip.

    Attributes:
        elo: (I,) points, after all votes in their order.
        z_score: (I,) Elo less its group's mean, over its group's standard deviation; 0 where all
            items of a group are equal.
        swiss_score: (I,) wins and half the ties.
    """

    elo: FloatArray
    z_score: FloatArray
    swiss_score: FloatArray


def fit_elo(
    table: ComparisonTable,
    *,
    rng: np.random.Generator,
    k: float = 32.0,
    start: float = 1500.0,
    num_orders: int = 100,
) -> EloFit:
    """Elo over random orders of the votes, which are taken one by one but in all orders at a time.

    After each vote the winner gains `k * (1 - p)` and the loser loses as much, p being the chance
    `1 / (1 + 10 ** ((R_loser - R_winner) / 400))` that the ratings before gave it (Elo 1978; a tie
    counts as half a win). Averaging over orders follows Boubdir et al., "Elo Uncovered"
    (arXiv 2311.17295), section 5, who ask for 100 or more.

    Args:
        table: the votes; skips do not count.
        rng: draws the orders.
        k: points at stake in a vote, > 0.
        start: rating before the first vote.
        num_orders: 2 or more; memory is 4 bytes for each vote and order.

    Raises:
        ValueError: an option is out of range.
    """
    _check_options(k, start)
    if num_orders < 2:
        raise ValueError(
            f"num_orders={num_orders}: a spread needs 2 orders or more; "
            "play_elo takes the votes once, in the order given"
        )
    votes = table.judged()
    orders = np.tile(np.arange(len(votes), dtype=np.int32), (num_orders, 1))
    rng.permuted(orders, axis=1, out=orders)
    ratings = start + _play_orders(votes, orders, k)
    return EloFit(ratings.mean(axis=1), ratings.std(axis=1, ddof=1), num_orders)


def play_elo(table: ComparisonTable, *, k: float = 32.0, start: float = 1500.0) -> FloatArray:
    """(I,) Elo ratings after the table's rows in the order given; options as in `fit_elo`."""
    _check_options(k, start)
    votes = table.judged()
    ratings = [0.0] * table.num_items
    results = (0.5 + 0.5 * votes.outcome).tolist()
    # Plain floats: one vote at a time is quicker without numpy.
    for a, b, result in zip(votes.item_a.tolist(), votes.item_b.tolist(), results, strict=True):
        lead = LOGITS_PER_POINT * (ratings[a] - ratings[b])
        gain = k * (result - _logistic(lead))
        ratings[a] += gain
        ratings[b] -= gain
    return start + np.array(ratings)


def rate_as_proskill(
    table: ComparisonTable,
    *,
    k: float = 32.0,
    start: float = 1500.0,
    merge_votes: bool = True,
) -> ProskillStanding:
    """Elo in the order of the rows, z-score and Swiss score, as ProSkill's rankings hold them.

    ProSkill (arXiv 2601.20661) says neither how votes on a pair were merged nor K nor the start
    rating, so those are options. Merging throws away how clear a decision was.

    Args:
        table: rows in the order in which they were played, round by round.
        k: points at stake in a vote, or in a merged pair, > 0.
        start: rating before the first vote.
        merge_votes: make one result of all votes on a pair, their majority or a tie, placed where
            the pair came first. Otherwise every vote counts on its own.

    Raises:
        ValueError: an option is out of range.
    """
    votes = merge_by_majority(table) if merge_votes else table.judged()
    elo = play_elo(votes, k=k, start=start)
    num_groups = len(table.groups)
    sizes = np.maximum(np.bincount(table.item_group, minlength=num_groups), 1)
    means = np.bincount(table.item_group, elo, num_groups) / sizes
    offsets = elo - means[table.item_group]
    spreads = np.sqrt(np.bincount(table.item_group, offsets**2, num_groups) / sizes)
    spread = spreads[table.item_group]
    z_score = np.divide(offsets, spread, out=np.zeros_like(elo), where=spread > 0)
    won_by_a = 0.5 + 0.5 * votes.outcome
    ends = np.concatenate([votes.item_a, votes.item_b])
    swiss_score = np.bincount(ends, np.concatenate([won_by_a, 1 - won_by_a]), table.num_items)
    return ProskillStanding(elo, z_score, swiss_score.astype(np.float64))


def merge_by_majority(table: ComparisonTable) -> ComparisonTable:
    """One row for each pair that was judged: what most of its votes say, a tie where none do.

    Rows come in the order in which the pairs came first. Annotator, side and time are those of the
    first vote and mean nothing afterwards.
    """
    votes = table.judged()
    low = np.minimum(votes.item_a, votes.item_b).astype(np.int64)
    high = np.maximum(votes.item_a, votes.item_b)
    pairs, first, pair = np.unique(
        low * table.num_items + high, return_index=True, return_inverse=True
    )
    is_low = votes.item_a == low
    balance = np.bincount(pair, np.where(is_low, votes.outcome, -votes.outcome), len(pairs))
    outcome = np.where(is_low[first], 1, -1) * np.sign(balance)
    chronological = np.argsort(first)
    merged = votes.select(first[chronological])
    return replace(merged, outcome=outcome[chronological].astype(np.int8))


def _play_orders(votes: ComparisonTable, orders: IntArray, k: float) -> FloatArray:
    """(I, S) points gained when the votes are played in each of the orders (S, N)."""
    num_orders, num_votes = orders.shape
    ratings = np.zeros(votes.num_items * num_orders)
    column = np.arange(num_orders)
    results = 0.5 + 0.5 * votes.outcome
    for begin in range(0, num_votes, _VOTES_AT_ONCE):
        chunk = orders[:, begin : begin + _VOTES_AT_ONCE].T
        # In one order after another the places of `ratings` never meet, so `+=` is safe.
        places_a = votes.item_a[chunk].astype(np.int64) * num_orders + column
        places_b = votes.item_b[chunk].astype(np.int64) * num_orders + column
        for a, b, gain in zip(places_a, places_b, results[chunk], strict=True):
            lead = ratings[a] - ratings[b]
            lead *= LOGITS_PER_POINT
            gain -= expit(lead, out=lead)
            gain *= k
            ratings[a] += gain
            ratings[b] -= gain
    return ratings.reshape(votes.num_items, num_orders)


def _logistic(x: float) -> float:
    # Never the exponential of a large number: leads grow without bound when K is large.
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def _check_options(k: float, start: float) -> None:
    if not (math.isfinite(k) and k > 0):
        raise ValueError(f"k={k}: points at stake in a vote, must be above 0; 32 is usual")
    if not math.isfinite(start):
        raise ValueError(f"start={start}: must be finite; 1500 is usual")
