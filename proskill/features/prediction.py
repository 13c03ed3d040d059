"""Predictions from features: fusion and head on all views, each view and each kind of view alone.

Works on features, so that evaluating a model costs no decoding. Not here: metrics of predictions
(`proskill.evaluation.summary`).

Shapes: N takes, V views, D embedding, K levels, S skills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.evaluation.predictions import Predictions
from proskill.levels import LevelScale
from proskill.models.proficiency import ProficiencyModel
from proskill.view_names import VIEW_KINDS


class PooledFeatures(NamedTuple):
    """Features of N takes in V columns, zero where a take lacks the view.

    Attributes:
        features: (N, V, D) float32, averaged over windows.
        view_mask: (N, V) bool.
        view_kind: (N, V) int64, 0 ego, 1 exo.
        takes: N, for identity and truth.
        view_names: V, in order of first appearance.
    """

    features: NDArray[np.float32]
    view_mask: NDArray[np.bool_]
    view_kind: NDArray[np.int64]
    takes: Sequence[Take]
    view_names: Sequence[str]


def predict_takes(
    model: ProficiencyModel,
    pooled: PooledFeatures,
    *,
    scale: LevelScale,
    skills: Sequence[str] = (),
    batch_size: int = 256,
) -> Predictions:
    """Predict from all views, from each view alone, and from each kind of view alone.

    Args:
        model: set to evaluation mode.
        pooled: of the takes.
        scale: the model's levels.
        skills: S names, for models of several skills.
        batch_size: takes per forward pass.
    """
    features, view_mask, view_kind, takes, view_names = pooled
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
