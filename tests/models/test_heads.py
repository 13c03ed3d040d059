"""Heads: probabilities, score, order of thresholds, stable gradients."""

from __future__ import annotations

import pytest
import torch

from proskill.models import OrdinalHead, RegressionHead, SoftmaxHead


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


@pytest.mark.parametrize("head_class", [SoftmaxHead, OrdinalHead])
def test_several_skills_are_as_many_heads_beside_one_another(head_class):
    head = head_class(16, 5, num_skills=3)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    z = torch.randn(7, 16)
    together = head(z)
    assert together.skill_logits.shape == (7, 3, 5)
    for skill in range(3):
        alone = head_class(16, 5)
        with torch.no_grad():
            for name, parameter in alone.named_parameters():
                parameter.copy_(dict(head.named_parameters())[name].chunk(3)[skill])
        torch.testing.assert_close(together.skill_logits[:, skill], alone(z).logits)


@pytest.mark.parametrize("head_class", [SoftmaxHead, OrdinalHead])
def test_the_level_of_many_skills_is_the_mean_of_their_distributions(head_class):
    prediction = head_class(16, 5, num_skills=4)(torch.randn(6, 16))
    mean = prediction.skill_logits.softmax(-1).mean(dim=1)
    torch.testing.assert_close(prediction.probabilities, mean)
    torch.testing.assert_close(prediction.logits.softmax(-1), mean)
    torch.testing.assert_close(prediction.score, mean @ torch.arange(5.0))


@pytest.mark.parametrize("num_skills", [1, 3])
def test_the_mean_over_views_is_that_of_their_probabilities_and_leaves_masked_ones_out(num_skills):
    z = torch.randn(4, 3, 16, requires_grad=True)
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 1]]).bool()
    each = SoftmaxHead(16, 5, num_skills=num_skills)(z.flatten(0, 1))
    found = each.mean_over_views(mask).skill_logits.softmax(-1)
    shares = each.skill_logits.softmax(-1).unflatten(0, (4, 3))
    for take in range(4):
        torch.testing.assert_close(found[take], shares[take, mask[take]].mean(dim=0))
    found[..., 0].sum().backward()
    assert torch.isfinite(z.grad).all()
    assert (z.grad[~mask] == 0).all()


def test_a_regression_head_says_ratings_and_where_they_lie_among_those_it_was_fitted_to():
    head = RegressionHead(1, 4)
    ratings = torch.linspace(900, 1100, 401)
    head.fit_ratings(ratings.tolist())
    with torch.no_grad():
        head.fc.weight.fill_(1.0)
        head.fc.bias.zero_()
        head.log_spread.fill_(-6.0)
    prediction = head(((ratings - 1000) / ratings.std())[:, None])
    torch.testing.assert_close(prediction.score, ratings)
    assert prediction.probabilities.argmax(dim=-1).bincount().tolist() == pytest.approx(
        [100] * 4, abs=1
    )
    assert (prediction.spread > 0).all()


def test_a_regression_head_before_it_is_fitted_finds_all_levels_equally_likely():
    head = RegressionHead(8, 4)
    with torch.no_grad():
        head.fc.bias.zero_()
    prediction = head(torch.zeros(2, 8))
    torch.testing.assert_close(
        prediction.probabilities, torch.full((2, 4), 0.25), atol=1e-3, rtol=0
    )


def test_ratings_of_which_many_are_the_same_leave_every_level_possible():
    head = RegressionHead(2, 4)
    head.fit_ratings([5.0] * 30 + [6.0])
    assert (head.cuts.diff() > 0).all()
    assert torch.isfinite(head(torch.randn(3, 2)).logits).all()


@pytest.mark.parametrize("ratings", [[], [3.0], [3.0, 3.0]])
def test_ratings_that_do_not_differ_are_refused(ratings):
    with pytest.raises(ValueError, match="do not differ"):
        RegressionHead(2, 4).fit_ratings(ratings)


def test_the_regression_mean_over_views_is_the_mean_of_ratings():
    head = RegressionHead(4, 3)
    head.fit_ratings([1.0, 2.0, 4.0])
    each = head(torch.randn(4, 4))
    mean = each.mean_over_views(torch.tensor([[True, True], [False, True]]))
    expected = torch.stack([each.score[:2].mean(), each.score[3]])
    torch.testing.assert_close(mean.score, expected)
    torch.testing.assert_close(mean.spread, each.spread[:2])
