"""Uncertainty of the ratings: draws from their posterior.

On votes from a pairing that includes random links, 90 % intervals hold the truth in about 90 %;
pairs of near neighbours alone do not identify the scale of the ratings, and no interval can help.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray
from proskill.rating.gibbs import AnchorPrior, GibbsChain


@dataclass(frozen=True, eq=False)
class Posterior:
    """S draws from the posterior.

    Attributes:
        draws: (S, I) float32 ratings in logits, mean 0 in each group; where a group has anchors,
            on their scale instead.
        item_group: (I,) group index of each item.
        scale: (S, G) standard deviation of the skills in each group.
        side: (S,) advantage of the left in logits; 0 when sides are unknown.
        discrimination: (S, A) of each annotator, mean 1 unless there are anchors.
    """

    draws: FloatArray
    item_group: IntArray
    scale: FloatArray
    side: FloatArray
    discrimination: FloatArray

    def mean(self) -> FloatArray:
        """(I,) posterior mean, the rating."""
        mean: FloatArray = self.draws.mean(axis=0, dtype=float)
        return mean

    def interval(self, probability: float = 0.9) -> tuple[FloatArray, FloatArray]:
        """(I,) lower and (I,) upper end of the central interval."""
        if not 0 < probability < 1:
            raise ValueError(f"probability={probability}: must be within 0 and 1")
        tail = (1 - probability) / 2
        ends: FloatArray = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        return ends[0], ends[1]

    def probability_better(self, i: int, j: int) -> float:
        """That item i shows more skill than item j, both of one group."""
        if self.item_group[i] != self.item_group[j]:
            raise ValueError(f"items {i} and {j} are of different groups, whose scales differ")
        return float((self.draws[:, i] > self.draws[:, j]).mean())

    def reliability(self) -> FloatArray:
        """(G,) share of the ratings' variance that is skill, 0..1; NaN for a group of one item.

        1 - E[posterior variance] / total variance, with the total split by the law of total
        variance into that of the posterior means and the mean posterior variance.
        """
        mean, variance = self.mean(), self.draws.var(axis=0, ddof=1, dtype=float)
        reliability = np.full(self.scale.shape[1], math.nan)
        for group in range(len(reliability)):
            members = self.item_group == group
            if members.sum() > 1:
                explained, noise = mean[members].var(), variance[members].mean()
                reliability[group] = explained / (explained + noise)
        return reliability


def sample_posterior(
    table: ComparisonTable,
    *,
    rng: np.random.Generator,
    num_draws: int = 1000,
    num_warmup: int = 200,
    anchors: AnchorPrior | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Posterior:
    """Draw ratings, scales, side and discriminations given the votes.

    Args:
        table: the votes; skips enter no likelihood. An item without votes is drawn from its prior.
        rng: source of randomness; the same state gives the same draws.
        num_draws: draws to keep, >= 2. Interval ends are noisy below about 500.
        num_warmup: draws to forget at the start, >= 0.
        anchors: earlier ratings of items that link this session to another.
        on_progress: called with (sweeps done, sweeps in all).

    Raises:
        ValueError: an argument out of range.
    """
    if num_draws < 2 or num_warmup < 0:
        raise ValueError(
            f"num_draws={num_draws}, num_warmup={num_warmup}: at least 2 draws and 0 to forget"
        )
    if anchors is not None and anchors.mean.shape != (table.num_items,):
        raise ValueError(f"anchors: needs one entry for each of the {table.num_items} items")
    chain = GibbsChain(table, rng, anchors)
    draws = np.empty((num_draws, table.num_items), np.float32)
    scale = np.empty((num_draws, len(table.groups)))
    side = np.empty(num_draws)
    discrimination = np.empty((num_draws, len(table.annotators)))
    for sweep in range(num_warmup + num_draws):
        chain.sweep()
        kept = sweep - num_warmup
        if kept >= 0:
            draws[kept], scale[kept], side[kept], discrimination[kept] = chain.normalised()
        if on_progress is not None:
            on_progress(sweep + 1, num_warmup + num_draws)
    return Posterior(draws, table.item_group, scale, side, discrimination)
