"""Figures per annotator: agreement with the others and with themself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from proskill.rating.answer_habits import repeats, runs, share, sides, speed
from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import SKIP, TIE, ComparisonTable, FloatArray, IntArray
from proskill.rating.held_out import forecast_by_others
from proskill.rating.posterior import Posterior

ANNOTATOR_FLAGS: Final[dict[str, str]] = {
    "reversed": "votes against what the others see: perhaps the question was read the other way",
    "coin": "votes hardly depend on what the others see",
    "one_sided": "prefers one side of the screen",
    "runs": "gives the same answer too often in a row",
    "too_fast": "often answers too fast to have watched",
}
"""Sentences for the flags of an annotator."""

_NUM_FOLDS: Final = 8
_MAX_BINS, _VOTES_PER_BIN = 20, 50  # to compare annotators on pairs that are about as close

# Wise and Kong (2005) exclude test takers with more than 10 % of rapid guesses.
_FAST_ANSWERS: Final = 0.1
_TIMED_ANSWERS: Final = 10

_ONE_SIDED_Z: Final = 4.0  # one good annotator in 16,000
_ONE_SIDED_SHARE: Final = 0.1  # beyond what the pairs explain; less does no harm to a fit
_RUN_PROBABILITY: Final = 1e-4


@dataclass(frozen=True)
class AnnotatorReport:
    """One annotator; a figure that the votes do not hold is NaN.

    Attributes:
        annotator: the name.
        num_votes: judged votes, ties among them.
        num_skips: pairs that could not be judged.
        tie_share: of the judged votes.
        accuracy: share of the decided votes that go the way the other annotators' votes point.
            Where pairing followed the ratings it flatters everybody, coins among them, and says
            something beside `expected_accuracy` alone.
        expected_accuracy: what the other annotators reach on pairs that are as close.
        discrimination: posterior mean; 1 is the mean annotator, 0 a coin, below 0 reversed.
        discrimination_lower, discrimination_upper: ends of its 90 % interval.
        left_share: of the decided votes with known sides, those for the left.
        left_z: its distance, in standard errors, from what the shown pairs explain.
        longest_run: most times in a row that the same button was pressed.
        run_probability: of a run as long or longer when the sides are random.
        median_seconds: of an answer.
        too_fast_share: answers in less than a fifth of the median time of all annotators.
        num_repeats: pairs judged once more.
        self_agreement: share of the repeats with the same answer as before.
        swapped_agreement: the same, of repeats with the sides swapped.
        flags: keys of `ANNOTATOR_FLAGS`.
    """

    annotator: str
    num_votes: int
    num_skips: int
    tie_share: float
    accuracy: float
    expected_accuracy: float
    discrimination: float
    discrimination_lower: float
    discrimination_upper: float
    left_share: float
    left_z: float
    longest_run: int
    run_probability: float
    median_seconds: float
    too_fast_share: float
    num_repeats: int
    self_agreement: float
    swapped_agreement: float
    flags: tuple[str, ...]


def report_annotators(
    table: ComparisonTable, *, fit: BradleyTerryFit, posterior: Posterior
) -> tuple[AnnotatorReport, ...]:
    """One report for each annotator with a name, in the table's order.

    Rows are taken to be in the order in which they were judged.

    Args:
        table: the votes, skips among them.
        fit: of that table.
        posterior: of that table; tells how surely an annotator is a coin or reversed.
    """
    judged = table.judged()
    num = len(table.annotators)
    votes = np.bincount(judged.annotator, minlength=num)
    skips = np.bincount(table.annotator[table.outcome == SKIP], minlength=num)
    ties = np.bincount(judged.annotator[judged.outcome == TIE], minlength=num)
    lower, upper = np.quantile(posterior.discrimination, [0.05, 0.95], axis=0)
    accuracy, expected_accuracy = _accuracy(judged, fit)
    left_share, expected_left_share, left_z = sides(judged, fit)
    longest_run, run_probability = runs(judged, expected_left_share)
    median_seconds, too_fast_share, num_timed = speed(judged)
    num_repeats, self_agreement, swapped_agreement = repeats(judged)
    is_flagged = {
        "reversed": upper < 0,
        "coin": (upper < 0.5) & (upper >= 0),
        "one_sided": (abs(left_z) > _ONE_SIDED_Z)
        & (abs(left_share - expected_left_share) > _ONE_SIDED_SHARE),
        "runs": run_probability < _RUN_PROBABILITY,
        "too_fast": (too_fast_share > _FAST_ANSWERS) & (num_timed >= _TIMED_ANSWERS),
    }
    columns: dict[str, FloatArray | IntArray] = {
        "num_votes": votes,
        "num_skips": skips,
        "tie_share": share(ties, votes),
        "accuracy": accuracy,
        "expected_accuracy": expected_accuracy,
        "discrimination": posterior.discrimination.mean(axis=0),
        "discrimination_lower": lower,
        "discrimination_upper": upper,
        "left_share": left_share,
        "left_z": left_z,
        "longest_run": longest_run,
        "run_probability": run_probability,
        "median_seconds": median_seconds,
        "too_fast_share": too_fast_share,
        "num_repeats": num_repeats,
        "self_agreement": self_agreement,
        "swapped_agreement": swapped_agreement,
    }
    return tuple(
        AnnotatorReport(
            annotator=name,
            **{column: values[index].item() for column, values in columns.items()},
            flags=tuple(flag for flag, flagged in is_flagged.items() if flagged[index]),
        )
        for index, name in enumerate(table.annotators)
        if name
    )


def _accuracy(judged: ComparisonTable, fit: BradleyTerryFit) -> tuple[FloatArray, FloatArray]:
    """(A,) share of votes along the forecast by other annotators, and (A,) the share expected."""
    num = len(judged.annotators)
    if num == 1:
        return np.full(1, math.nan), np.full(1, math.nan)
    # Whole annotators, dealt out by size so that each fit keeps about as many votes.
    order = np.argsort(-np.bincount(judged.annotator, minlength=num), kind="stable")
    fold = np.empty(num, np.int64)
    fold[order] = np.arange(num) % _NUM_FOLDS
    forecast = forecast_by_others(judged, fold[judged.annotator], fit=fit)
    counted = (judged.outcome != TIE) & np.isfinite(forecast)
    who, forecast = judged.annotator[counted], forecast[counted]
    agrees = (1 + np.sign(forecast) * judged.outcome[counted]) / 2  # 1/2 on a gap of 0
    total = np.bincount(who, minlength=num)
    expected = _agreement_of_others(agrees, who, abs(forecast), num=num)
    is_known = np.isfinite(expected)
    return (
        share(np.bincount(who, agrees, num), total),
        share(
            np.bincount(who[is_known], expected[is_known], num),
            np.bincount(who[is_known], minlength=num),
        ),
    )


def _agreement_of_others(
    agrees: FloatArray, who: IntArray, sureness: FloatArray, *, num: int
) -> FloatArray:
    """(N,) how often other annotators agree with forecasts that are about as sure; NaN if none."""
    num_bins = int(np.clip(len(agrees) // _VOTES_PER_BIN, 1, _MAX_BINS))
    rank = np.argsort(np.argsort(sureness, kind="stable"))
    cell = rank * num_bins // max(len(rank), 1) * num + who
    votes = np.bincount(cell, minlength=num_bins * num).reshape(num_bins, num)
    agreeing = np.bincount(cell, agrees, num_bins * num).reshape(num_bins, num)
    others = votes.sum(axis=1, keepdims=True) - votes
    share_of_others = share(agreeing.sum(axis=1, keepdims=True) - agreeing, others)
    return np.asarray(share_of_others.ravel()[cell])
