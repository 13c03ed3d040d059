"""Losses on cases with known answers."""

from __future__ import annotations

import pytest
import torch

from proskill.training.losses import (
    balanced_class_weights,
    level_cross_entropy,
    pairwise_ranking_loss,
    squared_level_distance,
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
    errors = [squared_level_distance(one_hot[[k]], torch.tensor([[0]])).item() for k in range(4)]
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
