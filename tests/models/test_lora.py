"""LoRA: SkillFormer's counts, no change at the start, merged equals unmerged."""

from __future__ import annotations

import pytest
import torch

from proskill.models import (
    LoraSettings,
    ModelConfig,
    apply_lora,
    build_model,
    has_lora,
    merge_lora,
)


def trainable(model) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def train_adapters(model) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.copy_(0.1 * torch.randn_like(parameter))


@pytest.mark.parametrize(
    ("r", "hidden_dim", "count"),
    [(32, 1536, 14_171_910), (48, 2048, 20_334_342), (64, 2560, 27_021_062)],
)
def test_trainable_parameters_are_skillformers(r, hidden_dim, count):
    config = ModelConfig(
        backbone={"size": "base"},
        fusion={"hidden_dim": hidden_dim, "num_heads": 16},
        head={"kind": "softmax", "num_levels": 4},
        lora={"r": r},
    )
    with torch.device("meta"):
        model = build_model(config)
    assert trainable(model) == count


@pytest.mark.parametrize("adapt_fusion", [False, True])
def test_adapters_change_nothing_at_the_start_and_something_when_trained(make_model, adapt_fusion):
    model = make_model()
    clips = torch.randn(1, 2, 3, 4, 32, 32)
    with torch.no_grad():
        before = model(clips).logits
        apply_lora(model, LoraSettings(r=4, adapt_fusion=adapt_fusion))
        model.eval()
        assert torch.equal(model(clips).logits, before)
        train_adapters(model)
        assert not torch.allclose(model(clips).logits, before)


@pytest.mark.parametrize("adapt_fusion", [False, True])
def test_merged_equals_unmerged_and_has_the_plain_models_tensors(make_model, adapt_fusion):
    model = make_model()
    names = list(model.state_dict())
    apply_lora(model, LoraSettings(r=4, adapt_fusion=adapt_fusion))
    train_adapters(model.eval())
    clips = torch.randn(1, 2, 3, 4, 32, 32)
    with torch.no_grad():
        before = model(clips).logits
        merge_lora(model)
        torch.testing.assert_close(model(clips).logits, before, rtol=1e-4, atol=1e-5)
    assert not has_lora(model)
    assert list(model.state_dict()) == names


def test_gradient_reaches_every_trainable_parameter_and_no_other(make_model, make_config):
    model = make_model(make_config(lora={"r": 2, "adapt_fusion": True})).train()
    train_adapters(model)
    prediction = model(torch.randn(2, 2, 3, 4, 32, 32))
    (prediction.logits * torch.randn(2, 4)).sum().backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == parameter.requires_grad, name


def test_adapters_sit_only_on_the_chosen_blocks_and_layers(make_model):
    model = make_model()
    apply_lora(model, LoraSettings(r=2, target_modules=("attn.qkv", "temporal_fc"), blocks=(0, 2)))
    adapted = {n.split(".lora_")[0] for n, _ in model.named_parameters() if ".lora_" in n}
    assert adapted == {
        f"backbone.blocks.{i}.{layer}" for i in (0, 2) for layer in ("attn.qkv", "temporal_fc")
    }


def test_alpha_defaults_to_twice_the_rank(make_model):
    model = make_model()
    apply_lora(model, LoraSettings(r=4))
    assert model.backbone.blocks[0].attn.qkv.scaling["default"] == 2.0


def test_wrong_settings_are_named(make_model):
    with pytest.raises(ValueError, match="r=0"):
        LoraSettings(r=0)
    with pytest.raises(ValueError, match=r"'attn\.q'"):
        LoraSettings(target_modules=("attn.q",))
    with pytest.raises(ValueError, match="nothing would be adapted"):
        LoraSettings(target_modules=())
    with pytest.raises(ValueError, match=r"lora_dropout=1\.0"):
        LoraSettings(lora_dropout=1.0)
    model = make_model()
    with pytest.raises(ValueError, match=r"backbone\.blocks\.3\.attn\.qkv"):
        apply_lora(model, LoraSettings(r=2, blocks=(3,)))
    apply_lora(model, LoraSettings(r=2))
    with pytest.raises(ValueError, match="already"):
        apply_lora(model, LoraSettings(r=2))
