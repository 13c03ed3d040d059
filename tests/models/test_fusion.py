"""CrossViewFusion: SkillFormer's equations and counts, and what its options promise."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from proskill.models import CrossViewFusion, ModelConfig, build_model
from proskill.models.fusion import drop_views


def make(**options) -> CrossViewFusion:
    fusion = CrossViewFusion(embed_dim=32, hidden_dim=48, num_heads=4, **options)
    with torch.no_grad():
        for parameter in fusion.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return fusion.eval()


@pytest.mark.parametrize(
    ("hidden_dim", "count"), [(1536, 7_090_946), (2048, 9_714_434), (2560, 12_862_210)]
)
def test_parameter_counts_are_skillformers(hidden_dim, count):
    with torch.device("meta"):
        fusion = CrossViewFusion(embed_dim=768, hidden_dim=hidden_dim, num_heads=16)
    assert sum(p.numel() for p in fusion.parameters()) == count


def test_output_is_skillformers_equations():
    fusion = make()
    x = torch.randn(3, 4, 32)
    attention = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    attention.load_state_dict(
        {
            "in_proj_weight": fusion.attn.qkv.weight,
            "in_proj_bias": fusion.attn.qkv.bias,
            "out_proj.weight": fusion.attn.proj.weight,
            "out_proj.bias": fusion.attn.proj.bias,
        }
    )
    with torch.no_grad():
        normed = fusion.norm(x)
        f = attention(normed, normed, normed)[0].mean(dim=1)
        h = fusion.hidden_norm(nn.functional.gelu(fusion.fc1(f)))
        z = fusion.out_norm(fusion.fc2(h * torch.sigmoid(fusion.gate(h))))
        z = (z - z.mean(-1, keepdim=True)) / (z.std(-1, keepdim=True) + 1e-6)
        torch.testing.assert_close(fusion(x), fusion.scale * z + fusion.shift, rtol=1e-4, atol=1e-5)


def test_scale_and_shift_start_at_the_papers_values():
    fusion = CrossViewFusion(32, 48, 4)
    assert fusion.scale.item() == pytest.approx(0.1168)
    assert fusion.shift.item() == pytest.approx(0.0007)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    garbage=st.sampled_from([0.0, 1e30, float("nan"), float("inf")]),
    use_view_kind=st.booleans(),
    residual=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_what_stands_at_a_masked_view_never_changes_the_output(
    counts, garbage, use_view_kind, residual, seed
):
    torch.manual_seed(seed)
    fusion = make(use_view_kind=use_view_kind, residual=residual)
    num_views = max(counts) + 1
    mask = torch.stack([torch.randperm(num_views) < count for count in counts])
    x = torch.randn(len(counts), num_views, 32)
    kind = torch.randint(0, 2, mask.shape) if use_view_kind else None
    dirty = x.masked_fill(~mask[..., None], garbage)
    with torch.no_grad():
        together = fusion(dirty, mask, None if kind is None else kind.masked_fill(~mask, 99))
        alone = [
            fusion(x[i : i + 1, mask[i]], None, None if kind is None else kind[i : i + 1, mask[i]])
            for i in range(len(counts))
        ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_no_gradient_flows_to_masked_views():
    fusion = make().train()
    x = torch.randn(2, 3, 32, requires_grad=True)
    mask = torch.tensor([[True, False, True], [True, True, False]])
    fusion(x, mask).sum().backward()
    assert x.grad is not None
    assert not x.grad[~mask].any()
    assert torch.isfinite(x.grad).all()


def test_views_may_come_in_any_order():
    fusion = make()
    x, order = torch.randn(2, 5, 32), torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        torch.testing.assert_close(fusion(x), fusion(x[:, order]), rtol=1e-4, atol=1e-5)


def test_view_kind_tells_ego_from_exo():
    fusion = make(use_view_kind=True)
    x = torch.randn(1, 2, 32)
    with torch.no_grad():
        ego_first = fusion(x, None, torch.tensor([[0, 1]]))
        exo_first = fusion(x, None, torch.tensor([[1, 0]]))
    assert not torch.allclose(ego_first, exo_first)


def test_residual_fusion_starts_as_the_mean_of_the_normalised_views():
    fusion = CrossViewFusion(32, 48, 4, residual=True).eval()
    x = torch.randn(2, 3, 32)
    seen = {}
    fusion.fc1.register_forward_hook(lambda _module, inputs, _output: seen.update(f=inputs[0]))
    fusion(x)
    torch.testing.assert_close(seen["f"], fusion.norm(x).mean(dim=1))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.floats(0, 0.99), st.integers(0, 1000))
def test_view_dropout_keeps_one_view_and_adds_none(num_views, probability, seed):
    torch.manual_seed(seed)
    mask = torch.rand(8, num_views) < 0.6
    mask[:, 0] = True
    kept = drop_views(mask, probability)
    assert kept.any(dim=1).all()
    assert not (kept & ~mask).any()


def test_view_dropout_leaves_out_its_share_in_training_only():
    mask = torch.ones(2000, 8, dtype=torch.bool)
    assert drop_views(mask, 0.3).float().mean().item() == pytest.approx(0.7, abs=0.02)
    fusion = make(view_dropout=0.9, dropout=0.0)
    x = torch.randn(4, 5, 32)
    with torch.no_grad():
        assert torch.equal(fusion(x), fusion(x))
        fusion.train()
        assert not torch.equal(fusion(x), fusion(x))


@pytest.mark.parametrize("residual", [False, True])
def test_gradient_reaches_every_parameter(residual):
    fusion = make(use_view_kind=True, residual=residual).train()
    x, kind = torch.randn(4, 3, 32), torch.tensor([[0, 1, 1]] * 4)
    (fusion(x, None, kind) * torch.randn(4, 32)).sum().backward()
    assert [n for n, p in fusion.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_wrong_input_is_named():
    fusion = make()
    x = torch.randn(2, 3, 32)
    with pytest.raises(ValueError, match="take 1 of the batch has no view"):
        fusion(x, torch.tensor([[True] * 3, [False] * 3]))
    with pytest.raises(ValueError, match="x of shape"):
        fusion(torch.randn(2, 0, 32))
    with pytest.raises(ValueError, match="view_mask of shape"):
        fusion(x, torch.ones(2, 3))
    with pytest.raises(ValueError, match="view_kind is missing"):
        make(use_view_kind=True)(x)
    with pytest.raises(ValueError, match="outside 0"):
        make(use_view_kind=True)(x, None, torch.full((2, 3), 2))
    with pytest.raises(ValueError, match="num_heads=5"):
        CrossViewFusion(32, 48, 5)
    with pytest.raises(ValueError, match="view_dropout=1"):
        CrossViewFusion(32, 48, 4, view_dropout=1.0)


def test_late_fusion_is_the_mean_of_what_the_head_says_of_each_view(make_config):
    config = make_config()
    config = ModelConfig(config.backbone, {"kind": "late"}, config.head)
    model = build_model(config).eval()
    assert not list(model.fusion.parameters())
    x = torch.randn(3, 2, 32)
    mask = torch.tensor([[True, True], [True, False], [False, True]])
    hostile = x.masked_fill(~mask[..., None], float("nan"))
    found = model.predict_features(hostile, mask).probabilities
    alone = model.head(x.flatten(0, 1)).probabilities.unflatten(0, (3, 2))
    torch.testing.assert_close(found, torch.stack([alone[0].mean(0), alone[1, 0], alone[2, 1]]))
    torch.testing.assert_close(model.predict_features(x).probabilities, alone.mean(dim=1))
    with pytest.raises(ValueError, match="has no view"):
        model.predict_features(x, torch.zeros(3, 2, dtype=torch.bool))
