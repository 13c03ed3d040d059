"""Heads: probabilities, score, order of thresholds, stable gradients."""

from __future__ import annotations

import pytest
import torch

from proskill.models import OrdinalHead, SoftmaxHead


@pytest.mark.parametrize("head_class", [SoftmaxHead, OrdinalHead])
@pytest.mark.parametrize("num_levels", [2, 4, 5])
def test_probabilities_sum_to_one_and_score_is_their_mean(head_class, num_levels):
    prediction = head_class(16, num_levels)(torch.randn(7, 16))
    assert prediction.logits.shape == prediction.probabilities.shape == (7, num_levels)
    torch.testing.assert_close(prediction.probabilities.sum(-1), torch.ones(7))
    expected = (prediction.probabilities * torch.arange(num_levels)).sum(-1)
    torch.testing.assert_close(prediction.score, expected)
    assert (prediction.score >= 0).all()
    assert (prediction.score <= num_levels - 1).all()


@pytest.mark.parametrize("num_levels", [2, 4, 5])
def test_ordinal_logits_are_log_probabilities_of_the_cumulative_model(num_levels):
    head = OrdinalHead(16, num_levels)
    z = torch.randn(5, 16)
    skill = head.fc(z)
    above = torch.sigmoid(skill - head.thresholds())
    ones, zeros = torch.ones(5, 1), torch.zeros(5, 1)
    expected = torch.cat([ones, above], dim=1) - torch.cat([above, zeros], dim=1)
    prediction = head(z)
    torch.testing.assert_close(prediction.probabilities, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(prediction.logits.exp(), expected, rtol=1e-4, atol=1e-6)


def test_ordinal_levels_start_equally_likely():
    head = OrdinalHead(16, 4)
    prediction = head(torch.zeros(1, 16))
    torch.testing.assert_close(
        prediction.probabilities, torch.full((1, 4), 0.25), atol=1e-3, rtol=0
    )


def test_thresholds_stay_ordered_for_any_parameters():
    head = OrdinalHead(16, 5)
    with torch.no_grad():
        head.raw_gaps.copy_(torch.tensor([-50.0, -1.0, 8.0]))
    assert (head.thresholds().diff() > 0).all()
    assert torch.isfinite(head(torch.randn(3, 16)).logits).all()


@pytest.mark.parametrize("scale", [0.0, 1.0, 200.0])
@pytest.mark.parametrize("head_class", [SoftmaxHead, OrdinalHead])
def test_cross_entropy_has_finite_gradients_however_sure_the_head(head_class, scale):
    head = head_class(16, 4)
    prediction = head(scale * torch.randn(8, 16))
    loss = torch.nn.functional.cross_entropy(prediction.logits, torch.arange(8) % 4)
    loss.backward()
    assert torch.isfinite(loss)
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()


def test_more_latent_skill_never_lowers_the_ordinal_score():
    head = OrdinalHead(1, 4)
    with torch.no_grad():
        head.fc.weight.fill_(1.0)
    score = head(torch.linspace(-30, 30, 200)[:, None]).score
    assert (score.diff() >= -1e-6).all()
    assert score[0] < 0.01
    assert score[-1] > 2.99


@pytest.mark.parametrize("head_class", [SoftmaxHead, OrdinalHead])
def test_one_level_is_refused(head_class):
    with pytest.raises(ValueError, match="num_levels=1"):
        head_class(16, 1)
