"""Curves of a report as JSON-ready lists: reliability by confidence, risk by coverage.

Every point has a 95 % interval over participants. Not here: drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from proskill.evaluation.intervals import Values, Weights, clustered_bootstrap, each_once
from proskill.evaluation.labelled_predictions import LabelledPredictions
from proskill.evaluation.probability_metrics import coverage_risk, num_bins_for, reliability_bins

COVERAGES = np.linspace(0.05, 1.0, 20)
"""Shares of takes with a prediction."""


def reliability_diagram(
    answers: LabelledPredictions, participants: Sequence[str], *, num_resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return edges, takes, mean confidence and accuracy of each bin that has takes."""
    is_right = answers.truth == answers.predicted

    def by_bin(weights: Weights) -> Mapping[str, Values]:
        accuracy = reliability_bins(is_right, answers.confidence, weights).accuracy
        return {str(column): accuracy[:, column] for column in range(accuracy.shape[1])}

    bins = reliability_bins(is_right, answers.confidence, each_once(len(participants)))
    intervals = clustered_bootstrap(by_bin, participants, num_resamples=num_resamples, seed=seed)
    num_bins = num_bins_for(len(participants))
    return [
        {
            "from": column / num_bins,
            "to": (column + 1) / num_bins,
            "num_takes": int(bins.mass[0, column]),
            "confidence": float(bins.confidence[0, column]),
            "accuracy": vars(intervals[str(column)]),
        }
        for column in range(num_bins)
        if bins.mass[0, column] > 0
    ]


def coverage_risk_curve(
    answers: LabelledPredictions, participants: Sequence[str], *, num_resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Return the error rate among the most confident predictions, from few predictions to all."""
    is_right = answers.truth == answers.predicted

    def by_coverage(weights: Weights) -> Mapping[str, Values]:
        risk = coverage_risk(is_right, answers.confidence, weights, coverage=COVERAGES)
        return {str(column): risk[:, column] for column in range(len(COVERAGES))}

    intervals = clustered_bootstrap(
        by_coverage, participants, num_resamples=num_resamples, seed=seed
    )
    return [
        {"coverage": round(float(coverage), 4), "risk": vars(intervals[str(column)])}
        for column, coverage in enumerate(COVERAGES)
    ]
