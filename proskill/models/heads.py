"""Heads: the feature of a take to the probability of each skill level and a continuous score.

Not here: which level is called what (`proskill.levels`), calibration (`proskill.scoring`).

Shapes: B takes, D embedding, K levels from lowest to highest skill.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LevelPrediction(NamedTuple):
    """What a head says about each take.

    Attributes:
        logits: `(B, K)` unnormalised log-probabilities, right for cross-entropy.
        probabilities: `(B, K)`, each row sums to 1.
        score: `(B,)` expected level index, in [0, K - 1]; higher is more skilled.
    """

    logits: Tensor
    probabilities: Tensor
    score: Tensor

    @classmethod
    def from_logits(cls, logits: Tensor) -> LevelPrediction:
        """Probabilities and score that belong to `(B, K)` logits."""
        logits = logits.float()
        probabilities = logits.softmax(dim=-1)
        index = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
        return cls(logits, probabilities, probabilities @ index)


class SoftmaxHead(nn.Module):
    """One logit per level, blind to their order (SkillFormer's)."""

    def __init__(self, embed_dim: int, num_levels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(embed_dim, _at_least_two(num_levels))

    def forward(self, z: Tensor) -> LevelPrediction:
        """Features `(B, D)` to a prediction."""
        return LevelPrediction.from_logits(self.fc(z))


class OrdinalHead(nn.Module):
    """One latent skill cut by ordered thresholds (proportional odds, McCullagh 1980).

    `P(level > k) = sigmoid(skill - threshold_k)`. The thresholds stay ordered whatever training
    does to them; they start where every level is equally likely for a latent skill of zero.
    """

    def __init__(self, embed_dim: int, num_levels: int) -> None:
        super().__init__()
        num_levels = _at_least_two(num_levels)
        self.fc = nn.Linear(embed_dim, 1, bias=False)
        cuts = torch.tensor([math.log(k / (num_levels - k)) for k in range(1, num_levels)])
        self.first_cut = nn.Parameter(cuts[:1].clone())
        gaps = cuts[1:] - cuts[:-1]
        self.raw_gaps = nn.Parameter(torch.log(torch.expm1(gaps)))  # the inverse of softplus

    def thresholds(self) -> Tensor:
        """`(K - 1,)`, increasing, in units of the latent skill."""
        gaps = F.softplus(self.raw_gaps) + 1e-4  # never so close that a level vanishes in float32
        return self.first_cut + F.pad(gaps, (1, 0)).cumsum(dim=0)

    def forward(self, z: Tensor) -> LevelPrediction:
        """Features `(B, D)` to a prediction whose logits are log-probabilities."""
        below = self.thresholds().float() - self.fc(z).float()  # (B, K - 1): logit of P(level <= k)
        lower, upper = below[:, :-1], below[:, 1:]
        # log(sigmoid(u) - sigmoid(l)) without cancellation, for u > l
        between = (
            F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
        )
        logits = torch.cat(
            [F.logsigmoid(below[:, :1]), between, F.logsigmoid(-below[:, -1:])], dim=1
        )
        return LevelPrediction.from_logits(logits)


def _at_least_two(num_levels: int) -> int:
    if num_levels < 2:
        raise ValueError(f"num_levels={num_levels}: must be 2 or more")
    return num_levels
