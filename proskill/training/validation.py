"""Validation metrics at the end of a training epoch.

Shapes: N takes, V views, D embedding, K levels, S skills.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from proskill.data.take import Take
from proskill.data.targets import Targets
from proskill.evaluation.intervals import each_once
from proskill.evaluation.labelled_predictions import LabelledPredictions
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.skills import MEAN, skill_figures
from proskill.features.prediction import PooledFeatures
from proskill.models.heads import LevelPrediction
from proskill.models.proficiency import ProficiencyModel
from proskill.training.losses import SkillLoss
from proskill.view_names import VIEW_KINDS

_NOT_LOGGED = ("scenario_majority_accuracy", "gain_over_majority")  # constant within a run


def validation_metrics(
    model: ProficiencyModel,
    epoch: PooledFeatures,
    *,
    targets: Targets,
    loss: SkillLoss,
    train_takes: Sequence[Take],
) -> dict[str, float]:
    """Return metrics from all views without intervals, and the loss, after a training epoch.

    Of several skills the mean over the skills.

    Args:
        model: on the device of its parameters.
        epoch: features of labelled takes.
        targets: which labels the model learns from.
        loss: the training loss, on all takes at once.
        train_takes: they define the majority.
    """
    device = next(model.parameters()).device
    levels = torch.tensor([targets.levels_of(take) for take in epoch.takes], device=device)
    ratings = torch.tensor([targets.rating_of(take) for take in epoch.takes], dtype=torch.float32)
    with torch.inference_mode():
        prediction = model.predict_features(
            torch.from_numpy(epoch.features).to(device),
            torch.from_numpy(epoch.view_mask).to(device),
            torch.from_numpy(epoch.view_kind).to(device),
        )
        value = loss(prediction, levels, ratings.to(device))
    predictions = _all_views(prediction, epoch.takes, targets)
    once = each_once(len(epoch.takes))
    if targets.skills:
        each = skill_figures(predictions, train_takes=train_takes)(once)
        figures = {metric: figure for (skill, metric), figure in each.items() if skill == MEAN}
    else:
        rows = predictions.judgeable
        labelled = LabelledPredictions.from_predictions(
            predictions.rows(rows), train_takes=train_takes
        )
        figures = labelled.all_figures(each_once(len(rows)))
    shown = {name: float(figure[0]) for name, figure in figures.items() if name not in _NOT_LOGGED}
    return {"loss": float(value), **shown}


def _all_views(prediction: LevelPrediction, takes: Sequence[Take], targets: Targets) -> Predictions:
    """Return predictions from all views together, NaN for fewer views."""
    n, k = prediction.logits.shape
    nothing = np.full((n, len(VIEW_KINDS), k), np.nan, dtype=np.float32)
    skills = prediction.skill_logits.softmax(dim=-1).cpu().numpy()
    return Predictions(
        takes=tuple(takes),
        scale=targets.scale,
        view_names=(),
        view_mask=np.zeros((n, 0), dtype=bool),
        logits=prediction.logits.cpu().numpy(),
        probabilities=prediction.probabilities.cpu().numpy(),
        score=prediction.score.cpu().numpy(),
        view_probabilities=nothing[:, :0],
        view_score=nothing[:, :0, 0],
        kind_probabilities=nothing,
        kind_score=nothing[..., 0],
        skill_probabilities={name: skills[:, at] for at, name in enumerate(targets.skills)},
    )
