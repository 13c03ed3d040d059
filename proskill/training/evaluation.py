"""Predictions on takes and what they are worth: all views, each view alone, late averaging.

Works on features, so that evaluating a model costs no decoding. Every number comes with an interval
over participants, and the majority beside it. Not here: drawing reports.

Shapes: N takes, V views, D embedding, K levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.errors import ProskillError
from proskill.levels import LevelScale, median_level
from proskill.models.proficiency import ProficiencyModel
from proskill.training import metrics
from proskill.training.collect import EncodedTakes
from proskill.training.losses import SkillLoss
from proskill.training.metrics import IndexMetric, Interval, clustered_bootstrap

UNLABELLED = -1


@dataclass(frozen=True)
class Predictions:
    """What a model says about takes, beside the truth.

    Attributes:
        takes: N takes.
        scale: the K levels.
        view_names: the V columns of the per-view fields.
        view_mask: (N, V) True where the take has the view.
        logits: (N, K).
        probabilities: (N, K), rows sum to 1.
        score: (N,) expected level index in [0, K - 1].
        view_probabilities: (N, V, K) from that view alone, NaN where it does not exist.
        view_score: (N, V) from that view alone, NaN where it does not exist.
    """

    takes: tuple[Take, ...]
    scale: LevelScale
    view_names: tuple[str, ...]
    view_mask: NDArray[np.bool_]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    score: NDArray[np.float32]
    view_probabilities: NDArray[np.float32]
    view_score: NDArray[np.float32]

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) level indices, -1 without a label."""
        return np.array(
            [
                UNLABELLED if take.level is None else self.scale.index(take.level)
                for take in self.takes
            ],
            dtype=np.int64,
        )

    @property
    def rating(self) -> NDArray[np.float64]:
        """(N,) continuous labels, NaN without one."""
        return np.array([np.nan if take.rating is None else take.rating for take in self.takes])

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) the median level of each distribution."""
        return np.asarray(median_level(self.probabilities), dtype=np.int64)

    @property
    def late_average(self) -> NDArray[np.float64]:
        """(N, K) mean of the single views' probabilities: the plainest way to use several views."""
        return np.nanmean(self.view_probabilities.astype(np.float64), axis=1)


def predict_takes(
    model: ProficiencyModel,
    features: NDArray[np.float32],
    view_mask: NDArray[np.bool_],
    view_kind: NDArray[np.int64],
    *,
    takes: Sequence[Take],
    view_names: Sequence[str],
    scale: LevelScale,
    batch_size: int = 256,
) -> Predictions:
    """Predict from all views, and from each view alone.

    Args:
        model: set to evaluation mode.
        features: (N, V, D), averaged over windows.
        view_mask: (N, V).
        view_kind: (N, V), 0 ego, 1 exo.
        takes: N, for identity and truth.
        view_names: V, for the per-view results.
        scale: the model's levels.
        batch_size: takes per forward pass.
    """
    num_takes, num_views = view_mask.shape
    model.eval()
    device = next(model.parameters()).device
    logits = np.zeros((num_takes, len(scale)), dtype=np.float32)
    probabilities = np.zeros_like(logits)
    score = np.zeros(num_takes, dtype=np.float32)
    view_probabilities = np.full((num_takes, num_views, len(scale)), np.nan, dtype=np.float32)
    view_score = np.full((num_takes, num_views), np.nan, dtype=np.float32)

    def run(rows: NDArray[np.intp], columns: slice) -> tuple[NDArray[np.float32], ...]:
        prediction = model.predict_features(
            torch.from_numpy(features[rows, columns]).to(device),
            view_mask=torch.from_numpy(view_mask[rows, columns]).to(device),
            view_kind=torch.from_numpy(view_kind[rows, columns]).to(device),
        )
        fields = (prediction.logits, prediction.probabilities, prediction.score)
        return tuple(field.float().cpu().numpy() for field in fields)

    with torch.inference_mode():
        for start in range(0, num_takes, batch_size):
            rows = np.arange(start, min(start + batch_size, num_takes))
            logits[rows], probabilities[rows], score[rows] = run(rows, slice(None))
            for view in range(num_views):
                seen = rows[view_mask[rows, view]]
                if len(seen):
                    _, view_probabilities[seen, view], view_score[seen, view] = run(
                        seen, slice(view, view + 1)
                    )
    return Predictions(
        takes=tuple(takes),
        scale=scale,
        view_names=tuple(view_names),
        view_mask=view_mask,
        logits=logits,
        probabilities=probabilities,
        score=score,
        view_probabilities=view_probabilities,
        view_score=view_score,
    )


def validation_metrics(
    model: ProficiencyModel,
    encoded: EncodedTakes,
    takes: Sequence[Take],
    *,
    scale: LevelScale,
    loss: SkillLoss,
) -> dict[str, float]:
    """Metrics from all views without intervals, and the loss, for the end of a training epoch.

    Args:
        model: on the device of its parameters.
        encoded: features of the takes.
        takes: labelled, in the same order.
        scale: the model's levels.
        loss: the training loss, on all takes at once.
    """
    device = next(model.parameters()).device
    truth = np.array([scale.index(str(take.level)) for take in takes])
    rating = np.array([np.nan if take.rating is None else take.rating for take in takes])
    with torch.inference_mode():
        prediction = model.predict_features(
            torch.from_numpy(encoded.features).to(device),
            torch.from_numpy(encoded.view_mask).to(device),
            torch.from_numpy(encoded.view_kind).to(device),
        )
        level = torch.from_numpy(truth).to(device)
        value = loss(prediction, level, torch.from_numpy(rating).float().to(device))
    values = metrics.level_metrics(
        truth,
        median_level(prediction.probabilities).cpu().numpy(),
        prediction.score.float().cpu().numpy(),
        reference=truth if np.isnan(rating).any() else rating,
        num_levels=len(scale),
    )
    return {"loss": float(value), **values}


def summarise(
    predictions: Predictions,
    *,
    train_takes: Sequence[Take],
    num_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics with 95 % intervals clustered by participant, as JSON-ready nested dicts.

    Rank correlation is taken against the continuous rating if every labelled take has one, else
    against the level; `spearman_against` says which. Unlabelled takes are counted and left out.

    Args:
        predictions: on takes the model never saw.
        train_takes: the labelled takes it was trained on; they define the majority.
        num_resamples: bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ProskillError: no take has a label.
    """
    labelled = np.flatnonzero(predictions.truth != UNLABELLED)
    if len(labelled) == 0:
        raise ProskillError(
            f"none of the {len(predictions.takes)} takes has a level; evaluation needs labels "
            "(use `proskill predict` for unlabelled takes)"
        )
    judge = _Judge(predictions, labelled, num_resamples=num_resamples, seed=seed)
    takes = [predictions.takes[index] for index in labelled]
    truth = predictions.truth[labelled]
    train = [predictions.scale.index(take.level) for take in train_takes if take.level is not None]
    train_scenarios = [take.scenario for take in train_takes if take.level is not None]
    scenarios = [take.scenario for take in takes]

    everything = np.ones(len(labelled), dtype=bool)
    late = predictions.late_average[labelled]
    late_score = late @ np.arange(len(predictions.scale))
    all_probabilities, all_score = predictions.probabilities[labelled], predictions.score[labelled]
    single, scores_alone = {}, {}
    for column, name in enumerate(predictions.view_names):
        seen = predictions.view_mask[labelled, column]
        if not seen.any():
            continue
        scores_alone[name] = predictions.view_score[labelled, column]
        probabilities = predictions.view_probabilities[labelled, column]
        single[name] = judge.metrics(probabilities, scores_alone[name], seen)

    return {
        "num_takes": len(labelled),
        "num_unlabelled_takes": len(predictions.takes) - len(labelled),
        "num_participants": len({take.participant_id for take in takes}),
        "spearman_against": judge.reference_name,
        "all_views": judge.metrics(all_probabilities, all_score, everything),
        "late_average": judge.metrics(late, late_score, everything),
        "single_views": single,
        "fusion_gain": _fusion_gain(judge, all_score, late_score, single, scores_alone),
        "majority_level": predictions.scale.names[metrics.majority_level(train)],
        "majority_accuracy": metrics.majority_accuracy(train, truth),
        "scenario_majority_accuracy": metrics.scenario_majority_accuracy(
            train, train_scenarios, truth, scenarios
        ),
        "scenarios": _by_scenario(judge, predictions, labelled, scenarios, train, train_scenarios),
        "confusion_matrix": metrics.confusion_matrix(
            truth, predictions.predicted[labelled], num_levels=len(predictions.scale)
        ).tolist(),
        "levels": list(predictions.scale.names),
    }


class _Judge:
    """Metrics on the labelled takes, with intervals over their participants."""

    def __init__(
        self, predictions: Predictions, labelled: NDArray[np.intp], *, num_resamples: int, seed: int
    ) -> None:
        self.truth = predictions.truth[labelled]
        rating = predictions.rating[labelled]
        has_ratings = not np.isnan(rating).any()
        self.reference_name = "rating" if has_ratings else "level"
        self.reference = rating if has_ratings else self.truth.astype(float)
        self.participants = np.array(
            [predictions.takes[index].participant_id for index in labelled], dtype=str
        )
        self.num_levels = len(predictions.scale)
        self.num_resamples = num_resamples
        self.seed = seed

    def metrics(
        self,
        probabilities: NDArray[np.floating[Any]],
        score: NDArray[np.floating[Any]],
        rows: NDArray[np.bool_],
    ) -> dict[str, Any]:
        """All metrics on the chosen rows of the labelled takes."""
        truth, reference, score = self.truth[rows], self.reference[rows], score[rows]
        predicted = median_level(probabilities[rows])
        num_levels = self.num_levels
        functions: dict[str, IndexMetric] = {
            "accuracy": lambda i: metrics.accuracy(truth[i], predicted[i]),
            "macro_f1": lambda i: metrics.macro_f1(truth[i], predicted[i], num_levels=num_levels),
            "quadratic_kappa": lambda i: metrics.quadratic_weighted_kappa(
                truth[i], predicted[i], num_levels=num_levels
            ),
            "mean_level_error": lambda i: metrics.mean_level_error(truth[i], predicted[i]),
            "spearman": lambda i: metrics.spearman_rho(reference[i], score[i]),
        }
        intervals = {
            name: asdict(self._interval(function, rows)) for name, function in functions.items()
        }
        return {"num_takes": int(rows.sum()), **intervals}

    def difference(
        self,
        score: NDArray[np.floating[Any]],
        baseline: NDArray[np.floating[Any]],
        rows: NDArray[np.bool_],
    ) -> Interval:
        """Gain in rank correlation of `score` over `baseline` on the chosen rows."""
        reference, score, baseline = self.reference[rows], score[rows], baseline[rows]
        return metrics.paired_difference(
            lambda i: metrics.spearman_rho(reference[i], score[i]),
            lambda i: metrics.spearman_rho(reference[i], baseline[i]),
            self.participants[rows].tolist(),
            num_resamples=self.num_resamples,
            seed=self.seed,
        )

    def _interval(self, function: IndexMetric, rows: NDArray[np.bool_]) -> Interval:
        return clustered_bootstrap(
            function,
            self.participants[rows].tolist(),
            num_resamples=self.num_resamples,
            seed=self.seed,
        )


def _fusion_gain(
    judge: _Judge,
    all_score: NDArray[np.float32],
    late_score: NDArray[np.float64],
    single: Mapping[str, Mapping[str, Any]],
    scores_alone: Mapping[str, NDArray[np.float32]],
) -> dict[str, Any]:
    """Gain over the view that is best on these very takes, which favours the single view."""
    everything = np.ones(len(judge.truth), dtype=bool)
    gain: dict[str, Any] = {
        "spearman_over_late_average": asdict(judge.difference(all_score, late_score, everything))
    }
    defined = {
        name: values["spearman"]["value"]
        for name, values in single.items()
        if math.isfinite(values["spearman"]["value"])
    }
    if defined:
        best = max(defined, key=lambda name: defined[name])
        rows = ~np.isnan(scores_alone[best])
        gain["best_single_view"] = best
        gain["spearman_over_best_single_view"] = asdict(
            judge.difference(all_score, scores_alone[best], rows)
        )
        gain["late_average_spearman_over_best_single_view"] = asdict(
            judge.difference(late_score, scores_alone[best], rows)
        )
    return gain


def _by_scenario(
    judge: _Judge,
    predictions: Predictions,
    labelled: NDArray[np.intp],
    scenarios: Sequence[str],
    train: Sequence[int],
    train_scenarios: Sequence[str],
) -> dict[str, Any]:
    table = {}
    for name in sorted(set(scenarios)):
        rows = np.array([scenario == name for scenario in scenarios])
        truth = judge.truth[rows]
        table[name] = {
            "num_takes": int(rows.sum()),
            "accuracy": metrics.accuracy(truth, predictions.predicted[labelled][rows]),
            "majority_accuracy": metrics.scenario_majority_accuracy(
                train, train_scenarios, truth, [name] * int(rows.sum())
            ),
            "spearman": metrics.spearman_rho(
                judge.reference[rows], predictions.score[labelled][rows]
            ),
        }
    return table
