"""Running a model on the features of takes: from all views, each view and each kind of view alone.

Works on features, so that evaluating a model costs no decoding. Not here: what the predictions are
worth (`summary`).

Shapes: N takes, V views, D embedding, K levels, S skills.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.data.targets import Targets
from proskill.levels import LevelScale
from proskill.models.heads import LevelPrediction
from proskill.models.proficiency import ProficiencyModel
from proskill.training.collect import EncodedTakes
from proskill.training.judged import Judged
from proskill.training.losses import SkillLoss
from proskill.training.metrics import each_once
from proskill.training.predictions import VIEW_KINDS, Predictions
from proskill.training.skills import MEAN, skill_figures

_NOT_LOGGED = ("scenario_majority_accuracy", "gain_over_majority")  # they never change in a run


def predict_takes(
    model: ProficiencyModel,
    features: NDArray[np.float32],
    view_mask: NDArray[np.bool_],
    view_kind: NDArray[np.int64],
    *,
    takes: Sequence[Take],
    view_names: Sequence[str],
    scale: LevelScale,
    skills: Sequence[str] = (),
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
        skills: S names, for models of several skills.
        batch_size: takes per forward pass.
    """
    num_takes, num_views = view_mask.shape
    model.eval()
    device = next(model.parameters()).device

    def run(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], ...]:
        """Logits, probabilities, score and skills' probabilities (N, S, K) from the views in a
        mask; NaN where there is none."""
        logits = np.full((num_takes, len(scale)), np.nan, dtype=np.float32)
        probabilities, score = logits.copy(), logits[:, 0].copy()
        each_skill = np.repeat(logits[:, None], len(skills), axis=1)
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
            if skills:
                each_skill[rows] = prediction.skill_logits.softmax(dim=-1).cpu().numpy()
        return logits, probabilities, score, each_skill

    with torch.inference_mode():
        logits, probabilities, score, each_skill = run(view_mask)
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
        skill_probabilities={name: each_skill[:, place] for place, name in enumerate(skills)},
    )


def validation_metrics(
    model: ProficiencyModel,
    encoded: EncodedTakes,
    takes: Sequence[Take],
    *,
    targets: Targets,
    loss: SkillLoss,
    train_takes: Sequence[Take],
) -> dict[str, float]:
    """Metrics from all views without intervals, and the loss, for the end of a training epoch.

    Of several skills the mean over the skills.

    Args:
        model: on the device of its parameters.
        encoded: features of the takes.
        takes: labelled, in the same order.
        targets: which labels the model learns from.
        loss: the training loss, on all takes at once.
        train_takes: they define the majority.
    """
    device = next(model.parameters()).device
    levels = torch.tensor([targets.levels_of(take) for take in takes], device=device)
    ratings = torch.tensor([targets.rating_of(take) for take in takes], dtype=torch.float32)
    with torch.inference_mode():
        prediction = model.predict_features(
            torch.from_numpy(encoded.features).to(device),
            torch.from_numpy(encoded.view_mask).to(device),
            torch.from_numpy(encoded.view_kind).to(device),
        )
        value = loss(prediction, levels, ratings.to(device))
    answers = _all_views(prediction, takes, targets)
    once = each_once(len(takes))
    if targets.skills:
        each = skill_figures(answers, train_takes=train_takes)(once)
        figures = {metric: figure for (skill, metric), figure in each.items() if skill == MEAN}
    else:
        rows = answers.judgeable
        judged = Judged.from_predictions(answers.rows(rows), train_takes=train_takes)
        figures = judged.all_figures(each_once(len(rows)))
    shown = {name: float(figure[0]) for name, figure in figures.items() if name not in _NOT_LOGGED}
    return {"loss": float(value), **shown}


def _all_views(prediction: LevelPrediction, takes: Sequence[Take], targets: Targets) -> Predictions:
    """What all views together say; nothing from fewer of them."""
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
