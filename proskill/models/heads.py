"""Heads: from the feature of a take to probabilities of levels for each skill, and a score.

Not here: names of levels and skills (`proskill.levels`, `checkpoint.py`), calibration.

Shapes: B takes, D embedding, S skills (1 for the level of the whole performance), K levels from
lowest to highest skill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_UNIT_SPREAD = math.sqrt(3) / math.pi  # the logistic scale whose standard deviation is 1
_LEAST_GAP = 4e-3  # of the ratings' spread, over all cuts


class LevelPrediction(NamedTuple):
    """Output of a head for each take.

    Attributes:
        logits: `(B, K)` unnormalised log-probabilities of the level of the whole performance; with
            several skills, of the mean of their distributions.
        probabilities: `(B, K)`, each row sums to 1.
        score: `(B,)` higher is more skilled: the expected level index, in [0, K - 1], or from a
            `RegressionHead` the predicted rating.
        skill_logits: `(B, S, K)` of each skill, right for cross-entropy.
        spread: `(B,)` scale of the logistic distribution around a predicted rating, in the
            rating's unit; None from the other heads.
    """

    logits: Tensor
    probabilities: Tensor
    score: Tensor
    skill_logits: Tensor
    spread: Tensor | None = None

    @classmethod
    def from_logits(cls, skill_logits: Tensor) -> LevelPrediction:
        """Compute probabilities and score of `(B, S, K)` logits."""
        skill_logits = skill_logits.float()
        num_skills, num_levels = skill_logits.shape[-2:]
        logits = skill_logits[:, 0]
        if num_skills > 1:
            each = skill_logits.log_softmax(dim=-1)
            logits = each.logsumexp(dim=1) - math.log(num_skills)  # (B, K): log of the mean
        probabilities = logits.softmax(dim=-1)
        index = torch.arange(num_levels, device=logits.device, dtype=logits.dtype)
        return cls(logits, probabilities, probabilities @ index, skill_logits)

    def mean_over_views(self, view_mask: Tensor) -> LevelPrediction:
        """Average the predictions from single views, `(B * V, ...)` fields to `(B, ...)`.

        Args:
            view_mask: `(B, V)`, true where a view exists; every take has one or more.
        """
        present = view_mask[..., None, None]  # (B, V, 1, 1)
        each = self.skill_logits.log_softmax(dim=-1).unflatten(0, view_mask.shape)  # (B, V, S, K)
        total = each.masked_fill(~present, -math.inf).logsumexp(dim=1)  # (B, S, K)
        mean = self.from_logits(total - present.sum(dim=1).log())
        if self.spread is None:
            return mean
        weight = view_mask / view_mask.sum(dim=1, keepdim=True)  # (B, V)
        rating, spread = (
            (part.unflatten(0, view_mask.shape) * weight).sum(dim=1)
            for part in (self.score, self.spread)
        )
        return mean._replace(score=rating, spread=spread)


class SoftmaxHead(nn.Module):
    """One logit per level and skill, blind to the order of levels (SkillFormer's).

    Args:
        embed_dim: D.
        num_levels: K.
        num_skills: S.
    """

    def __init__(self, embed_dim: int, num_levels: int, num_skills: int = 1) -> None:
        super().__init__()
        self.num_levels = _at_least("num_levels", num_levels, 2)
        self.num_skills = _at_least("num_skills", num_skills, 1)
        self.fc = nn.Linear(embed_dim, num_skills * num_levels)

    def forward(self, z: Tensor) -> LevelPrediction:
        """Features `(B, D)` to a prediction."""
        logits = self.fc(z).unflatten(-1, (self.num_skills, self.num_levels))  # (B, S, K)
        return LevelPrediction.from_logits(logits)


class OrdinalHead(nn.Module):
    """One latent number per skill, cut by ordered thresholds (proportional odds, McCullagh 1980).

    `P(level > k) = sigmoid(latent - threshold_k)`. The thresholds stay ordered whatever training
    does to them; they start where every level is equally likely for a latent of zero.

    Args:
        embed_dim: D.
        num_levels: K.
        num_skills: S; each has thresholds of its own.
    """

    def __init__(self, embed_dim: int, num_levels: int, num_skills: int = 1) -> None:
        super().__init__()
        self.num_levels = _at_least("num_levels", num_levels, 2)
        self.num_skills = _at_least("num_skills", num_skills, 1)
        self.fc = nn.Linear(embed_dim, num_skills, bias=False)
        cuts = _even_cuts(num_levels)
        self.first_cut = nn.Parameter(cuts[:1].repeat(num_skills))
        gaps = cuts[1:] - cuts[:-1]
        # The inverse of softplus.
        self.raw_gaps = nn.Parameter(torch.log(torch.expm1(gaps)).repeat(num_skills))

    def thresholds(self) -> Tensor:
        """Return thresholds `(S, K - 1)`, each row increasing, in units of the latent number."""
        gaps = F.softplus(self.raw_gaps) + 1e-4  # never so close that a level vanishes in float32
        steps = F.pad(gaps.unflatten(0, (self.num_skills, -1)), (1, 0)).cumsum(dim=-1)
        return self.first_cut[:, None] + steps

    def forward(self, z: Tensor) -> LevelPrediction:
        """Features `(B, D)` to a prediction whose logits are log-probabilities."""
        latent = self.fc(z).float()[..., None]  # (B, S, 1)
        return LevelPrediction.from_logits(_log_probabilities(self.thresholds().float() - latent))


class RegressionHead(nn.Module):
    """The rating of a take, as a logistic distribution whose width is learned.

    Its levels are equal shares of the training ratings ("Lowest quarter" and so on); the
    probability of a level is the distribution's mass in that share.

    Args:
        embed_dim: D.
        num_levels: K, into how many equal shares the training ratings are cut.
    """

    cuts: Tensor
    center: Tensor
    unit: Tensor

    def __init__(self, embed_dim: int, num_levels: int) -> None:
        super().__init__()
        self.num_levels = _at_least("num_levels", num_levels, 2)
        self.num_skills = 1
        self.fc = nn.Linear(embed_dim, 1)
        self.log_spread = nn.Parameter(torch.tensor([math.log(_UNIT_SPREAD)]))
        self.register_buffer("cuts", _UNIT_SPREAD * _even_cuts(num_levels))
        self.register_buffer("center", torch.zeros(1))
        self.register_buffer("unit", torch.ones(1))

    @torch.no_grad()
    def fit_ratings(self, ratings: Sequence[float]) -> None:
        """Take centre, unit and cuts from the ratings of the training takes.

        Raises:
            ValueError: ratings that do not differ.
        """
        values = torch.tensor(list(ratings), dtype=torch.float64)
        if len(values) < 2 or not bool(values.std() > 0):
            raise ValueError(f"{len(values)} ratings that do not differ: nothing can be learned")
        shares = torch.arange(1, self.num_levels, dtype=torch.float64) / self.num_levels
        standard = (values - values.mean()) / values.std()
        self.center.fill_(values.mean())
        self.unit.fill_(values.std())
        cuts = torch.quantile(standard, shares)
        # Where many ratings are the same, cuts fall together; a level never vanishes altogether.
        self.cuts.copy_((cuts - _LEAST_GAP * shares).cummax(0).values + _LEAST_GAP * shares)

    def forward(self, z: Tensor) -> LevelPrediction:
        """Features `(B, D)` to a prediction whose score is a rating, in the rating's unit."""
        standard = self.fc(z).float()  # (B, 1)
        # Not narrower than a thousandth of the ratings' spread, or one take's loss has no bound.
        spread = self.log_spread.float().exp() + 1e-3
        logits = _log_probabilities((self.cuts - standard) / spread)  # (B, K)
        levels = LevelPrediction.from_logits(logits[:, None])
        rating = (self.center + self.unit * standard)[:, 0]  # (B,)
        return levels._replace(score=rating, spread=(self.unit * spread).expand_as(rating))


Head = SoftmaxHead | OrdinalHead | RegressionHead


def _log_probabilities(below: Tensor) -> Tensor:
    """Turn logits of P(level <= k), `(..., K - 1)`, into log-probabilities `(..., K)`."""
    lower, upper = below[..., :-1], below[..., 1:]
    # log(sigmoid(u) - sigmoid(l)) without cancellation, for u > l
    between = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    return torch.cat([F.logsigmoid(below[..., :1]), between, F.logsigmoid(-below[..., -1:])], -1)


def _even_cuts(num_levels: int) -> Tensor:
    """Return `(K - 1,)` cuts of a standard logistic distribution into equal shares."""
    cuts = [math.log(k / (num_levels - k)) for k in range(1, num_levels)]
    return torch.tensor(cuts, device="cpu")  # on the meta device, arithmetic imports the compiler


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"{name}={value}: must be {least} or more")
    return value
