"""Running a model on the features of takes: from all views, each view and each kind of view alone.

Works on features, so that evaluating a model costs no decoding. Not here: what the predictions are
worth (`summary`).

Shapes: N takes, V views, D embedding, K levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.levels import LevelScale
from proskill.models.proficiency import ProficiencyModel
from proskill.training.collect import EncodedTakes
from proskill.training.judged import Judged
from proskill.training.losses import SkillLoss
from proskill.training.metrics import each_once, majority_level
from proskill.training.predictions import VIEW_KINDS, Predictions


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
    """Predict from all views, from each view alone, and from each kind of view alone.

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

    def run(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], ...]:
        """Logits, probabilities and score from the views in a mask; NaN where there is none."""
        logits = np.full((num_takes, len(scale)), np.nan, dtype=np.float32)
        probabilities, score = logits.copy(), logits[:, 0].copy()
        seen = np.flatnonzero(mask.any(axis=1))
        for start in range(0, len(seen), batch_size):
            rows = seen[start : start + batch_size]
            columns = np.flatnonzero(mask[rows].any(axis=0))  # a view alone costs one view
            place = np.ix_(rows, columns)
            prediction = model.predict_features(
                torch.from_numpy(features[place]).to(device),
                view_mask=torch.from_numpy(mask[place]).to(device),
                view_kind=torch.from_numpy(view_kind[place]).to(device),
            )
            logits[rows] = prediction.logits.float().cpu().numpy()
            probabilities[rows] = prediction.probabilities.float().cpu().numpy()
            score[rows] = prediction.score.float().cpu().numpy()
        return logits, probabilities, score

    with torch.inference_mode():
        logits, probabilities, score = run(view_mask)
        alone = [run(view_mask & (np.arange(num_views) == view)) for view in range(num_views)]
        kinds = [run(view_mask & (view_kind == kind)) for kind in range(len(VIEW_KINDS))]
    return Predictions(
        takes=tuple(takes),
        scale=scale,
        view_names=tuple(view_names),
        view_mask=view_mask,
        logits=logits,
        probabilities=probabilities,
        score=score,
        view_probabilities=np.stack([part[1] for part in alone], axis=1),
        view_score=np.stack([part[2] for part in alone], axis=1),
        kind_probabilities=np.stack([part[1] for part in kinds], axis=1),
        kind_score=np.stack([part[2] for part in kinds], axis=1),
    )


def validation_metrics(
    model: ProficiencyModel,
    encoded: EncodedTakes,
    takes: Sequence[Take],
    *,
    scale: LevelScale,
    loss: SkillLoss,
    train_levels: Sequence[int],
) -> dict[str, float]:
    """Metrics from all views without intervals, and the loss, for the end of a training epoch.

    Args:
        model: on the device of its parameters.
        encoded: features of the takes.
        takes: labelled, in the same order.
        scale: the model's levels.
        loss: the training loss, on all takes at once.
        train_levels: level indices of the training takes; they define the majority.
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
    answers = Judged(
        truth=truth,
        probabilities=prediction.probabilities.double().cpu().numpy(),
        score=prediction.score.double().cpu().numpy(),
        reference=truth.astype(np.float64) if np.isnan(rating).any() else rating,
        scenarios=np.array([take.scenario for take in takes]),
    )
    once = each_once(len(takes))
    figures = {**answers.level_figures(once), **answers.rank_figures(once)}
    return {
        "loss": float(value),
        **{name: float(figure[0]) for name, figure in figures.items()},
        "majority_accuracy": float((truth == majority_level(train_levels)).mean()),
    }
