"""Simulated annotators and campaigns: what plans, tests and benchmarks are computed on.

Votes follow the model that `bradley_terry` fits. People also disagree about *what* is good, which
no annotator here does, so real campaigns need at least what a simulated one needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from proskill.rating.bradley_terry import BradleyTerryFit, fit_bradley_terry
from proskill.rating.comparisons import A_WINS, B_WINS, TIE, ComparisonTable, FloatArray, IntArray
from proskill.rating.pairing import PairingMethod, pair_round


@dataclass(frozen=True)
class SimulatedAnnotator:
    """A simulated annotator's model of votes, given the skills of the two items.

    Attributes:
        discrimination: multiplies the difference of skill; 1 follows the model, 0 flips a coin,
            below 0 says the opposite.
        side_bias: logits in favour of the item on the left.
        log_tie: log nu of Davidson (1970), how readily the annotator calls a tie; -inf never does.

    Raises:
        ValueError: a number that is not finite, `log_tie` of -inf excepted.
    """

    discrimination: float = 1.0
    side_bias: float = 0.0
    log_tie: float = -math.inf

    def __post_init__(self) -> None:
        for name in ("discrimination", "side_bias", "log_tie"):
            value = getattr(self, name)
            if not math.isfinite(value) and not (name == "log_tie" and value == -math.inf):
                raise ValueError(f"{name}={value}: must be a finite number")


def simulate_votes(
    rng: np.random.Generator,
    *,
    skill: FloatArray,
    left: IntArray,
    right: IntArray,
    annotator: IntArray,
    annotators: Sequence[SimulatedAnnotator],
) -> IntArray:
    """(N,) int8 outcome codes of votes on pairs: 1 left wins, -1 right wins, 0 tie.

    With eta = discrimination * (skill_left - skill_right) + side_bias, left : right : tie is
    exp(eta / 2) : exp(-eta / 2) : nu (Davidson 1970; the side as in Davidson and Beaver 1977).

    Args:
        rng: draws the votes.
        skill: (I,) true log-strengths in logits.
        left, right: (N,) the items shown on each side.
        annotator: (N,) index into `annotators`: who votes.
        annotators: how each of them votes.
    """
    slope, bias, log_tie = (
        np.array([getattr(person, name) for person in annotators], np.float64)[annotator]
        for name in ("discrimination", "side_bias", "log_tie")
    )
    eta = slope * (skill[left] - skill[right]) + bias
    # P(tie) = nu / (nu + 2 cosh(eta / 2)), and what is left over goes by the logistic of eta.
    is_tie = rng.random(len(eta)) < expit(log_tie - np.logaddexp(eta / 2, -eta / 2))
    winner = np.where(rng.random(len(eta)) < expit(eta), A_WINS, B_WINS)
    return np.where(is_tie, TIE, winner).astype(np.int8)


@dataclass(frozen=True, eq=False)
class SimulatedRound:
    """A campaign after one more round.

    Attributes:
        table: all votes so far, item a on the left; items and annotators are named by their index.
        fit: Bradley-Terry on all votes so far, which the next round is paired by.
    """

    table: ComparisonTable
    fit: BradleyTerryFit


def simulate_campaign(
    rng: np.random.Generator,
    *,
    skill: FloatArray,
    item_group: IntArray | None = None,
    annotators: Sequence[SimulatedAnnotator] = (SimulatedAnnotator(),),
    votes_per_pair: int = 1,
    method: PairingMethod = "mix20",
    spread_annotators: bool = True,
    fit_annotators: bool = True,
) -> Iterator[SimulatedRound]:
    """Pair, vote, fit, again and again, for as many rounds as the caller takes.

    Args:
        rng: draws pairs, annotators and votes.
        skill: (I,) true log-strengths in logits.
        item_group: (I,) group of each item, 0 and up; all in one where left out.
        annotators: who votes; on each pair different ones, as far as there are enough.
        votes_per_pair: votes on each pair of a round, >= 1.
        method: how `pair_round` chooses the pairs.
        spread_annotators: give a pair to who has seen its items least, so that bad annotators
            harm all items alike; otherwise to any item.
        fit_annotators: fit discriminations; needless where all annotators are alike.

    Raises:
        ValueError: `votes_per_pair` out of range, or no annotators.
    """
    if votes_per_pair < 1 or not annotators:
        raise ValueError(
            f"votes_per_pair={votes_per_pair} with {len(annotators)} annotators: "
            "a round needs at least one of each"
        )
    table = _table_without_votes(len(skill), item_group, len(annotators))
    num_seen = np.zeros((len(skill), len(annotators)))  # (I, A)
    params: FloatArray = np.zeros(len(skill))
    while True:
        pairs = pair_round(table, rng=rng, method=method, params=params)
        left, right = np.tile(pairs.left, votes_per_pair), np.tile(pairs.right, votes_per_pair)
        preference = rng.random((len(pairs.left), len(annotators)))  # (P, A)
        if spread_annotators:
            preference += num_seen[pairs.left] + num_seen[pairs.right]
        turns = np.arange(votes_per_pair) % len(annotators)
        annotator = np.argsort(preference, axis=1)[:, turns].T.ravel()
        np.add.at(num_seen, (left, annotator), 1)
        np.add.at(num_seen, (right, annotator), 1)
        outcome = simulate_votes(
            rng,
            skill=skill,
            left=left,
            right=right,
            annotator=annotator,
            annotators=annotators,
        )
        table = _with_votes(table, left, right, outcome, annotator)
        fit = fit_bradley_terry(table, fit_annotators=fit_annotators, start=params)
        params = fit.params
        yield SimulatedRound(table, fit)


def _table_without_votes(
    num_items: int, item_group: IntArray | None, num_annotators: int
) -> ComparisonTable:
    groups = np.zeros(num_items, np.int32) if item_group is None else item_group
    none = np.empty(0, np.int32)
    return ComparisonTable(
        items=tuple(map(str, range(num_items))),
        item_a=none,
        item_b=none,
        outcome=none,
        groups=tuple(map(str, range(int(groups.max(initial=0)) + 1))),
        item_group=groups,
        annotators=tuple(map(str, range(num_annotators))),
    )


def _with_votes(
    table: ComparisonTable, left: IntArray, right: IntArray, outcome: IntArray, annotator: IntArray
) -> ComparisonTable:
    """The table with more rows, whose item a was on the left."""
    return replace(
        table,
        item_a=np.concatenate([table.item_a, left]),
        item_b=np.concatenate([table.item_b, right]),
        outcome=np.concatenate([table.outcome, outcome]),
        annotator=np.concatenate([table.annotator, annotator]),
        left=np.concatenate([table.left, np.ones(len(left), np.int8)]),
        seconds=np.empty(0, np.float32),
    )
