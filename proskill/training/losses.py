"""What training minimises: level likelihood, ordinal distance and the order of takes.

Every function takes one value per take, ignores takes without a label and returns a mean, so that
batches with missing labels stay comparable.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from proskill.models import LevelPrediction

UNLABELLED = -1


def balanced_class_weights(levels: Sequence[int], *, num_levels: int) -> Tensor:
    """Weights (K,) that let every level count the same in all: num_takes / (num_levels * count).

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
    """Mean cross entropy of level logits (B, K) against indices (B,); -1 marks an unlabelled take.

    Works on both heads, because the ordinal head's logits are log-probabilities.
    """
    known = levels != UNLABELLED
    if not bool(known.any()):
        return logits.sum() * 0.0  # keeps the graph, so that a batch without labels trains nothing
    return functional.cross_entropy(
        logits[known].float(),
        levels[known],
        weight=class_weights,
        label_smoothing=label_smoothing,
    )


def squared_level_distance(probabilities: Tensor, levels: Tensor) -> Tensor:
    """Mean ranked probability score: squared distance of cumulative distributions, in [0, 1].

    A wrong level costs more the further it is from the truth, which cross entropy does not know.

    Args:
        probabilities: (B, K), rows sum to 1.
        levels: (B,) indices, -1 for an unlabelled take.
    """
    known = levels != UNLABELLED
    if not bool(known.any()):
        return probabilities.sum() * 0.0
    num_levels = probabilities.shape[-1]
    cumulative = probabilities[known].float().cumsum(dim=-1)[:, :-1]  # (B, K-1)
    reached = torch.arange(num_levels - 1, device=levels.device) >= levels[known, None]
    return (cumulative - reached.float()).square().mean()


def pairwise_ranking_loss(scores: Tensor, ratings: Tensor, *, temperature: float = 0.5) -> Tensor:
    """Mean logistic loss over pairs whose ratings differ: the better one should score higher.

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
    """Cross entropy, and on request the distance of levels and the order of ratings beside it.

    Args:
        num_levels: K.
        label_smoothing: of the cross entropy, in [0, 1).
        distance_weight: of `squared_level_distance`.
        ranking_weight: of `pairwise_ranking_loss`.
    """

    class_weights: Tensor

    def __init__(
        self,
        *,
        num_levels: int,
        label_smoothing: float = 0.0,
        distance_weight: float = 0.0,
        ranking_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.distance_weight = distance_weight
        self.ranking_weight = ranking_weight
        self.register_buffer("class_weights", torch.ones(num_levels), persistent=False)

    def balance(self, levels: Sequence[int]) -> None:
        """Let every level count the same, given the levels of all training takes."""
        weights = balanced_class_weights(levels, num_levels=len(self.class_weights))
        self.class_weights = weights.to(self.class_weights.device)

    def forward(self, prediction: LevelPrediction, level: Tensor, rating: Tensor) -> Tensor:
        """Scalar loss of a batch; `level` (B,) with -1 and `rating` (B,) with NaN where unknown."""
        loss = level_cross_entropy(
            prediction.logits,
            level,
            class_weights=self.class_weights,
            label_smoothing=self.label_smoothing,
        )
        if self.distance_weight:
            loss = loss + self.distance_weight * squared_level_distance(
                prediction.probabilities, level
            )
        if self.ranking_weight:
            loss = loss + self.ranking_weight * pairwise_ranking_loss(prediction.score, rating)
        return loss
