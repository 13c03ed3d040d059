"""Losses of training: likelihood of levels or ratings, ordinal distance, the order of takes.

Every function ignores takes without a label and returns a mean, so that batches with missing labels
stay comparable.

Shapes: B takes, S skills, K levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from proskill.levels import UNLABELLED
from proskill.models import LevelPrediction


def balanced_class_weights(levels: Sequence[int], *, num_levels: int) -> Tensor:
    """Return weights (K,) with an equal sum per level: num_takes / (num_levels * count).

    A level that does not occur gets weight 0; the mean over takes is 1.

    Raises:
        ValueError: no level at all, or an index outside 0..num_levels-1.
    """
    if not levels or min(levels) < 0 or max(levels) >= num_levels:
        raise ValueError(
            f"levels={sorted(set(levels))}: class weights need one or more level indices in "
            f"0..{num_levels - 1}"
        )
    counts = torch.bincount(torch.tensor(list(levels)), minlength=num_levels).float()
    present = counts > 0
    weights = torch.zeros(num_levels)
    weights[present] = len(levels) / (present.sum() * counts[present])
    return weights


def level_cross_entropy(
    logits: Tensor,
    levels: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the mean cross entropy of level logits over the skills with labels.

    Works on both heads of levels, because the ordinal head's logits are log-probabilities.

    Args:
        logits: (B, S, K).
        levels: (B, S) indices, -1 where a take has no label for a skill.
        class_weights: (S, K); None weighs takes equally.
        label_smoothing: in [0, 1).
    """
    known = levels != UNLABELLED
    parts = [
        functional.cross_entropy(
            logits[known[:, skill], skill].float(),
            levels[known[:, skill], skill],
            weight=None if class_weights is None else class_weights[skill],
            label_smoothing=label_smoothing,
        )
        for skill in known.any(dim=0).nonzero()[:, 0].tolist()
    ]
    if not parts:
        return logits.sum() * 0.0  # keeps the graph, so that a batch without labels trains nothing
    return torch.stack(parts).mean()


def ranked_probability_score(probabilities: Tensor, levels: Tensor) -> Tensor:
    """Return the mean squared distance of cumulative distributions, in [0, 1].

    A wrong level costs more the further it is from the truth, unlike in cross entropy.

    Args:
        probabilities: (B, S, K), sum to 1 over K.
        levels: (B, S) indices, -1 where a take has no label for a skill.
    """
    known = levels != UNLABELLED
    if not bool(known.any()):
        return probabilities.sum() * 0.0
    num_levels = probabilities.shape[-1]
    cumulative = probabilities[known].float().cumsum(dim=-1)[:, :-1]  # (M, K-1)
    reached = torch.arange(num_levels - 1, device=levels.device) >= levels[known][:, None]
    return (cumulative - reached.float()).square().mean()


def rating_loss(scores: Tensor, spread: Tensor, ratings: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of ratings under logistic distributions.

    Args:
        scores: (B,) centres, in the ratings' unit.
        spread: (B,) scales, above 0, in the same unit.
        ratings: (B,), NaN where unknown.
    """
    known = ~torch.isnan(ratings)
    if not bool(known.any()):
        return scores.sum() * 0.0
    distance = (ratings[known] - scores[known]) / spread[known]
    density = functional.softplus(distance) + functional.softplus(-distance)
    return (density + spread[known].log()).mean()


def pairwise_ranking_loss(scores: Tensor, ratings: Tensor, *, temperature: float = 0.5) -> Tensor:
    """Return the mean logistic loss over pairs with different ratings, the better one higher.

    Uses the fine order inside a level and is free of the ratings' unit.

    Args:
        scores: (B,) in levels.
        ratings: (B,) any unit, higher is more skilled, NaN where unknown.
        temperature: the score difference, in levels, that counts as a clear decision.
    """
    known = ~torch.isnan(ratings)
    scores, ratings = scores[known].float(), ratings[known]
    first, second = torch.triu_indices(len(scores), len(scores), offset=1, device=scores.device)
    sign = torch.sign(ratings[first] - ratings[second])
    decided = sign != 0
    if not bool(decided.any()):
        return scores.sum() * 0.0
    margin = sign * (scores[first] - scores[second]) / temperature
    return functional.softplus(-margin[decided]).mean()


class SkillLoss(nn.Module):
    """Cross entropy, with optional terms for the distance of levels and the order of ratings.

    A prediction of ratings has the loss of their likelihood instead.

    Args:
        num_levels: K.
        num_skills: S.
        label_smoothing: of the cross entropy, in [0, 1).
        distance_weight: of `ranked_probability_score`.
        ranking_weight: of `pairwise_ranking_loss`.
    """

    class_weights: Tensor

    def __init__(
        self,
        *,
        num_levels: int,
        num_skills: int = 1,
        label_smoothing: float = 0.0,
        distance_weight: float = 0.0,
        ranking_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.distance_weight = distance_weight
        self.ranking_weight = ranking_weight
        ones = torch.ones(num_skills, num_levels)
        self.register_buffer("class_weights", ones, persistent=False)

    def balance(self, levels: NDArray[np.int64]) -> None:
        """Give every level of a skill the same weight.

        Args:
            levels: (N, S) of all training takes, -1 where one has no label for a skill.
        """
        num_levels = self.class_weights.shape[1]
        for skill, column in enumerate(levels.T):
            known = column[column != UNLABELLED].tolist()
            self.class_weights[skill] = balanced_class_weights(known, num_levels=num_levels)

    def forward(self, prediction: LevelPrediction, levels: Tensor, rating: Tensor) -> Tensor:
        """Return the scalar loss; unknown are -1 in `levels` (B, S) and NaN in `rating` (B,)."""
        if prediction.spread is not None:
            return rating_loss(prediction.score, prediction.spread, rating)
        loss = level_cross_entropy(
            prediction.skill_logits,
            levels,
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing,
        )
        if self.distance_weight:
            loss = loss + self.distance_weight * ranked_probability_score(
                prediction.skill_logits.softmax(dim=-1), levels
            )
        if self.ranking_weight:
            loss = loss + self.ranking_weight * pairwise_ranking_loss(prediction.score, rating)
        return loss
