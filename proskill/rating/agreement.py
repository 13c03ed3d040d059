"""Do annotators agree: over pairs that several of them judged, and one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import krippendorff
import numpy as np

from proskill.rating.annotators import AnnotatorReport, report_annotators
from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import ComparisonTable, IntArray
from proskill.rating.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement between votes; a figure without the votes that it needs is NaN.

    Attributes:
        alpha: Krippendorff's alpha, nominal, over the pairs that two or more annotators judged: 1
            when they always agree, 0 by chance, -1 at worst.
        pair_agreement: probability that two of those annotators agree on such a pair.
        num_repeated_pairs: how many such pairs there are.
        side_bias: logits in favour of the left, posterior mean; NaN when no side is known.
        side_bias_lower, side_bias_upper: ends of its 90 % interval.
        annotators: one report for each annotator with a name.
    """

    alpha: float
    pair_agreement: float
    num_repeated_pairs: int
    side_bias: float
    side_bias_lower: float
    side_bias_upper: float
    annotators: tuple[AnnotatorReport, ...]


def measure_agreement(
    table: ComparisonTable, *, fit: BradleyTerryFit, posterior: Posterior
) -> Agreement:
    """Compare annotators with each other and with the fitted ratings.

    An annotator's second vote on a pair counts for self-agreement, not for alpha; without a name
    every vote counts as another annotator's. Alpha (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability", C) is taken over each pair in both of its orders, so that it does not depend
    on which item comes first: "a" and "b" are then equally frequent by construction.

    Agreement depends on how close the judged pairs are: pairs of neighbours, which Swiss rounds
    choose, lower it.

    Args:
        table: the votes, skips among them, in the order in which they were judged.
        fit: of that table.
        posterior: of that table.
    """
    counts = _answers_by_pair(table.judged())
    num_votes = counts.sum(axis=1)
    agreeing = np.sum(counts * (counts - 1), axis=1) / (num_votes * (num_votes - 1))
    both_orders = np.concatenate([counts, counts[:, ::-1]])
    # Where every answer is a tie, chance agrees just as well and alpha is 0 / 0.
    has_spread = counts[:, [0, 2]].any()
    side = posterior.side if table.left.any() else np.full(1, math.nan)
    lower, upper = np.quantile(side, [0.05, 0.95])
    return Agreement(
        alpha=float(krippendorff.alpha(value_counts=both_orders, level_of_measurement="nominal"))
        if has_spread
        else math.nan,
        pair_agreement=float(agreeing.mean()) if len(counts) else math.nan,
        num_repeated_pairs=len(counts),
        side_bias=float(side.mean()),
        side_bias_lower=float(lower),
        side_bias_upper=float(upper),
        annotators=report_annotators(table, fit=fit, posterior=posterior),
    )


def _answers_by_pair(judged: ComparisonTable) -> IntArray:
    """(U, 3) votes for the second item, tie and the first, of pairs with two annotators or more."""
    low = np.minimum(judged.item_a, judged.item_b).astype(np.int64)
    pair = low * judged.num_items + np.maximum(judged.item_a, judged.item_b)
    answer = np.where(judged.item_a > judged.item_b, -1, 1) * judged.outcome
    is_named = np.array([name != "" for name in judged.annotators])
    who = np.where(is_named[judged.annotator], judged.annotator, -1 - np.arange(len(judged)))
    order = np.lexsort((np.arange(len(judged)), who, pair))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (np.diff(pair[order]) != 0) | (np.diff(who[order]) != 0)
    rows = order[is_first]
    _, unit = np.unique(pair[rows], return_inverse=True)
    num_units = int(unit.max()) + 1 if len(unit) else 0
    counts = np.bincount(unit * 3 + answer[rows] + 1, minlength=3 * num_units)
    repeated = counts.reshape(num_units, 3)
    return np.asarray(repeated[repeated.sum(axis=1) > 1], np.int64)
