"""Losses on cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import logistic

from proskill.training.losses import (
    SkillLoss,
    balanced_class_weights,
    level_cross_entropy,
    pairwise_ranking_loss,
    ranked_probability_score,
    rating_loss,
)


def test_balanced_weights_let_every_level_count_the_same() -> None:
    weights = balanced_class_weights([0, 0, 0, 1, 2, 2], num_levels=4)
    assert weights.tolist() == pytest.approx([2 / 3, 2.0, 1.0, 0.0])
    assert (weights * torch.tensor([3, 1, 2, 0])).tolist() == pytest.approx([2, 2, 2, 0])


@pytest.mark.parametrize("levels", [[], [4], [-1, 0]])
def test_class_weights_refuse_levels_off_the_scale(levels: list[int]) -> None:
    with pytest.raises(ValueError, match="class weights"):
        balanced_class_weights(levels, num_levels=4)


def test_unlabelled_takes_do_not_change_the_loss() -> None:
    logits = torch.randn(3, 1, 4, requires_grad=True)
    with_gap = level_cross_entropy(logits, torch.tensor([[1], [-1], [2]]))
    without = level_cross_entropy(logits[[0, 2]], torch.tensor([[1], [2]]))
    assert with_gap.item() == pytest.approx(without.item())
    nothing = level_cross_entropy(logits, torch.tensor([[-1], [-1], [-1]]))
    nothing.backward()
    assert nothing.item() == 0.0


def test_level_distance_grows_with_the_distance() -> None:
    one_hot = torch.eye(4)[:, None]
    errors = [ranked_probability_score(one_hot[[k]], torch.tensor([[0]])).item() for k in range(4)]
    assert errors == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_ranking_loss_rewards_the_right_order_whatever_the_rating_unit() -> None:
    scores = torch.tensor([0.0, 1.0, 2.0])
    right = pairwise_ranking_loss(scores, torch.tensor([10.0, 20.0, 30.0]))
    scaled = pairwise_ranking_loss(scores, torch.tensor([0.1, 0.2, 0.3]))
    wrong = pairwise_ranking_loss(scores, torch.tensor([30.0, 20.0, 10.0]))
    assert right.item() == pytest.approx(scaled.item())
    assert right < wrong


def test_ranking_loss_without_a_decided_pair_is_zero_and_trains_nothing() -> None:
    scores = torch.tensor([0.0, 1.0], requires_grad=True)
    loss = pairwise_ranking_loss(scores, torch.tensor([float("nan"), 3.0]))
    loss.backward()
    assert loss.item() == 0.0
    assert scores.grad is not None
    assert scores.grad.tolist() == [0.0, 0.0]


def test_of_several_skills_each_counts_the_same_however_many_labels_it_has() -> None:
    logits = torch.randn(4, 3, 5, requires_grad=True)
    levels = torch.tensor([[0, -1, -1], [1, -1, 4], [2, -1, -1], [-1, -1, 3]])
    first = level_cross_entropy(logits[:3, :1], levels[:3, :1])
    last = level_cross_entropy(logits[[1, 3], 2:], levels[[1, 3], 2:])
    loss = level_cross_entropy(logits, levels)
    assert loss.item() == pytest.approx((first + last).item() / 2)
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[levels == -1] == 0).all()


def test_class_weights_are_those_of_the_skill() -> None:
    loss = SkillLoss(num_levels=3, num_skills=2)
    loss.balance(np.array([[0, 2], [0, -1], [1, 2]]))
    assert loss.class_weights.tolist() == [[0.75, 1.5, 0.0], [0.0, 0.0, 1.0]]
    logits = torch.randn(2, 2, 3)
    levels = torch.tensor([[0, 2], [1, 2]])
    weighted = level_cross_entropy(logits, levels, class_weights=loss.class_weights)
    each = [
        torch.nn.functional.cross_entropy(logits[:, s], levels[:, s], weight=loss.class_weights[s])
        for s in (0, 1)
    ]
    assert weighted.item() == pytest.approx(torch.stack(each).mean().item())


def test_rating_loss_is_the_logistic_likelihood_and_leaves_unrated_takes_out() -> None:
    rng = np.random.default_rng(0)
    centre, spread, rating = rng.normal(size=5), rng.uniform(0.1, 2, 5), 3 * rng.normal(size=5)
    expected = -logistic.logpdf(rating[:4], loc=centre[:4], scale=spread[:4]).mean()
    rating[4] = np.nan
    found = rating_loss(*(torch.tensor(x) for x in (centre, spread, rating)))
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("distance", [0.0, 50.0, -1e5])
def test_rating_loss_has_finite_gradients_however_far_the_prediction(distance: float) -> None:
    score = torch.tensor([distance], requires_grad=True)
    spread = torch.tensor([1e-3], requires_grad=True)
    rating_loss(score, spread, torch.tensor([0.0])).backward()
    for value in (score, spread):
        assert value.grad is not None
        assert torch.isfinite(value.grad).all()


def test_a_batch_without_ratings_trains_nothing() -> None:
    score = torch.tensor([1.0], requires_grad=True)
    rating_loss(score, torch.ones(1), torch.tensor([float("nan")])).backward()
    assert score.grad is not None
    assert score.grad.item() == 0.0
