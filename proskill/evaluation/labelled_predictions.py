"""Predictions paired with ground truth, and the metrics of both.

One list of metrics serves `metrics.json`, the pages and the comparison of runs.

Shapes: R resamples, N takes, K levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.evaluation.intervals import Values, Weights
from proskill.evaluation.metrics import (
    accuracy,
    macro_f1,
    majority_level,
    mean_level_error,
    quadratic_kappa,
    scenario_majority_levels,
)
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.probability_metrics import (
    brier_score,
    expected_calibration_error,
    log_loss,
)
from proskill.evaluation.rank_metrics import kendall, pairwise_accuracy, spearman
from proskill.levels import UNLABELLED, median_level


@dataclass(frozen=True)
class MetricInfo:
    """Description of a metric for tables and pages.

    Attributes:
        title: name in tables.
        meaning: one line.
        better: direction of improvement.
        is_share: printed as a percentage.
    """

    title: str
    meaning: str
    better: Literal["higher", "lower"] = "higher"
    is_share: bool = False


METRICS: Mapping[str, MetricInfo] = {
    "accuracy": MetricInfo(
        "accuracy", "share of takes whose level, the median, is right", is_share=True
    ),
    "top1_accuracy": MetricInfo(
        "top-1 accuracy", "the same for the most probable level, as benchmarks count", is_share=True
    ),
    "macro_f1": MetricInfo("macro F1", "mean F1 of the levels"),
    "quadratic_kappa": MetricInfo(
        "quadratic kappa", "agreement beyond chance; far errors count more"
    ),
    "mean_level_error": MetricInfo("mean level error", "distance to the true level", "lower"),
    "spearman": MetricInfo("Spearman's rho", "rank correlation of score and truth"),
    "kendall": MetricInfo("Kendall's tau", "rank correlation of score and truth, by pairs"),
    "pairwise_accuracy": MetricInfo(
        "pairwise accuracy",
        "how often the better of two takes of a scenario scores higher",
        is_share=True,
    ),
    "calibration_error": MetricInfo(
        "calibration error", "distance of confidence and accuracy (ECE)", "lower", is_share=True
    ),
    "brier": MetricInfo("Brier score", "squared error of the probabilities", "lower"),
    "log_loss": MetricInfo("log-loss", "minus log of the true level's probability", "lower"),
}
"""Every figure of `LabelledPredictions.figures`, in the order of tables."""

MAJORITIES: Mapping[str, MetricInfo] = {
    "majority_accuracy": MetricInfo(
        "majority", "accuracy of always predicting the commonest training level", is_share=True
    ),
    "scenario_majority_accuracy": MetricInfo(
        "scenario majority",
        "accuracy of always predicting the commonest training level of the scenario",
        is_share=True,
    ),
    "gain_over_majority": MetricInfo(
        "gain over scenario majority", "accuracy minus scenario majority", is_share=True
    ),
}
"""Baselines of every accuracy: `LabelledPredictions.baselines`."""


@dataclass(frozen=True)
class LabelledPredictions:
    """Predictions paired with ground truth.

    Attributes:
        truth: (N,) level indices, or None where the takes have ratings alone.
        probabilities: (N, K).
        score: (N,).
        reference: (N,) ground truth of the score: ratings, or level indices.
        scenarios: (N,) names.
        majority: (N,) the commonest training level, or None.
        scenario_majority: (N,) the commonest training level of the scenario, or None.
    """

    truth: NDArray[np.int64] | None
    probabilities: NDArray[np.floating]
    score: NDArray[np.floating]
    reference: NDArray[np.float64]
    scenarios: NDArray[np.str_]
    majority: NDArray[np.int64] | None = None
    scenario_majority: NDArray[np.int64] | None = None

    @classmethod
    def from_predictions(
        cls, predictions: Predictions, *, train_takes: Sequence[Take] = ()
    ) -> LabelledPredictions:
        """Pair predictions from all views with levels, or with ratings where no take has a level.

        Rank metrics use the ratings if every take has one, else the levels.

        Args:
            predictions: on `Predictions.judgeable` takes.
            train_takes: their levels define the majorities; none leaves these out.
        """
        truth, rating = predictions.truth, predictions.rating
        has_levels = bool((truth != UNLABELLED).all())
        scenarios = [take.scenario for take in predictions.takes]
        known = [take for take in train_takes if take.level is not None]
        train = [predictions.scale.index(str(take.level)) for take in known]
        names = [take.scenario for take in known]
        return cls(
            truth=truth if has_levels else None,
            probabilities=predictions.probabilities.astype(np.float64),
            score=predictions.score.astype(np.float64),
            reference=truth.astype(np.float64) if np.isnan(rating).any() else rating,
            scenarios=np.array(scenarios, dtype=str),
            majority=np.full(len(truth), majority_level(train)) if train else None,
            scenario_majority=(
                scenario_majority_levels(train, names, scenarios) if train else None
            ),
        )

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) predicted levels, the medians."""
        return np.asarray(median_level(self.probabilities), dtype=np.int64)

    @cached_property
    def top1(self) -> NDArray[np.int64]:
        """(N,) the most probable levels."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """(N,) probabilities of the predicted levels."""
        rows = np.arange(len(self.predicted))
        return np.asarray(self.probabilities[rows, self.predicted], dtype=np.float64)

    def rows(self, chosen: NDArray[np.bool_]) -> LabelledPredictions:
        """Select some of the takes."""
        parts = {
            name: value[chosen]
            for name, value in vars(self).items()
            if name in self.__dataclass_fields__ and value is not None
        }
        return replace(self, **parts)

    def all_figures(self, weights: Weights) -> dict[str, Values]:
        """Return `level_figures`, `rank_figures` and `baselines` in one."""
        figures = {**self.level_figures(weights), **self.rank_figures(weights)}
        ordered = {name: figures[name] for name in METRICS if name in figures}
        return {**ordered, **self.baselines(weights)}

    def level_figures(self, weights: Weights) -> dict[str, Values]:
        """Compute metrics of levels and probabilities; none where the takes have no level."""
        if self.truth is None:
            return {}
        options = {"num_levels": self.probabilities.shape[1]}
        is_right = self.truth == self.predicted
        return {
            "accuracy": accuracy(self.truth, self.predicted, weights),
            "top1_accuracy": accuracy(self.truth, self.top1, weights),
            "macro_f1": macro_f1(self.truth, self.predicted, weights, **options),
            "quadratic_kappa": quadratic_kappa(self.truth, self.predicted, weights, **options),
            "mean_level_error": mean_level_error(self.truth, self.predicted, weights),
            "calibration_error": expected_calibration_error(is_right, self.confidence, weights),
            "brier": brier_score(self.truth, self.probabilities, weights),
            "log_loss": log_loss(self.truth, self.probabilities, weights),
        }

    def rank_figures(self, weights: Weights) -> dict[str, Values]:
        """Compute metrics of the order of takes."""
        return {
            "spearman": spearman(self.reference, self.score, weights),
            "kendall": kendall(self.reference, self.score, weights),
            "pairwise_accuracy": pairwise_accuracy(
                self.reference, self.score, weights, within=self.scenarios.tolist()
            ),
        }

    def baselines(self, weights: Weights) -> dict[str, Values]:
        """Compute accuracies of the majorities; none where they are unknown."""
        if self.truth is None or self.majority is None or self.scenario_majority is None:
            return {}
        by_scenario = accuracy(self.truth, self.scenario_majority, weights)
        return {
            "majority_accuracy": accuracy(self.truth, self.majority, weights),
            "scenario_majority_accuracy": by_scenario,
            "gain_over_majority": accuracy(self.truth, self.predicted, weights) - by_scenario,
        }
