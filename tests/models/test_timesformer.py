"""TimeSformer against transformers' implementation, and the promises of its interface."""

from __future__ import annotations

import pytest
import torch

from proskill.models import TimeSformer
from proskill.models.timesformer_blocks import _attention
from proskill.models.weight_names import to_transformers

ATTENTION_TYPES = ("divided_space_time", "joint_space_time", "space_only")


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def transformers_model(ours: TimeSformer):
    from transformers import TimesformerConfig, TimesformerModel

    c = ours.config
    config = TimesformerConfig(
        image_size=c["img_size"][0],
        patch_size=c["patch_size"],
        num_frames=c["num_frames"],
        hidden_size=c["embed_dim"],
        num_hidden_layers=c["depth"],
        num_attention_heads=c["num_heads"],
        intermediate_size=int(c["embed_dim"] * c["mlp_ratio"]),
        attention_type=c["attention_type"],
        layer_norm_eps=1e-6,
        drop_path_rate=0,
        qkv_bias=c["qkv_bias"],
    )
    theirs = TimesformerModel(config).eval()
    state = {
        k.removeprefix("timesformer."): v for k, v in to_transformers(ours.state_dict()).items()
    }
    theirs.load_state_dict(state, strict=True)
    return theirs


@pytest.mark.parametrize("attention_type", ["divided_space_time", "joint_space_time"])
@pytest.mark.parametrize("qkv_bias", [True, False])
def test_output_equals_transformers_on_the_same_weights(make_backbone, attention_type, qkv_bias):
    ours = make_backbone(attention_type=attention_type, qkv_bias=qkv_bias)
    clip = torch.randn(2, 3, 4, 32, 32)
    with torch.no_grad():
        expected = transformers_model(ours)(clip.transpose(1, 2)).last_hidden_state
        assert relative_error(ours.forward_features(clip), expected) <= 1e-5


def test_output_equals_transformers_at_the_base_width(make_backbone):
    ours = make_backbone(
        embed_dim=768, num_heads=12, depth=2, img_size=64, patch_size=16, num_frames=3
    )
    clip = torch.randn(1, 3, 3, 64, 64)
    with torch.no_grad():
        expected = transformers_model(ours)(clip.transpose(1, 2)).last_hidden_state
        assert relative_error(ours.forward_features(clip), expected) <= 1e-5


@pytest.mark.parametrize(("height", "width", "frames"), [(48, 48, 4), (32, 32, 7), (48, 64, 3)])
def test_resized_embeddings_equal_transformers(make_backbone, height, width, frames):
    ours = make_backbone()
    theirs = transformers_model(ours)
    for layer in theirs.encoder.layer:  # its layers read the configuration, not the input
        layer.config.num_frames = frames
        layer.config.image_size = width
    clip = torch.randn(2, 3, frames, height, width)
    with torch.no_grad():
        expected = theirs(clip.transpose(1, 2)).last_hidden_state
        assert relative_error(ours.forward_features(clip), expected) <= 1e-5


def test_base_model_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = TimeSformer.from_size("base")
    assert sum(p.numel() for p in model.parameters()) == 121_258_752
    assert sum(p.numel() for p in model.blocks[0].parameters()) == 10_042_368


def test_sizes_differ_where_their_names_say():
    with torch.device("meta"):
        models = {name: TimeSformer.from_size(name) for name in ("tiny", "small", "hr", "large")}
    assert [models[n].embed_dim for n in ("tiny", "small", "hr", "large")] == [192, 384, 768, 768]
    assert models["hr"].config["img_size"] == [448, 448]
    assert models["large"].num_frames == 96
    assert TimeSformer.from_size("tiny", depth=1, img_size=32).depth == 1


@pytest.mark.parametrize("attention_type", ATTENTION_TYPES)
@pytest.mark.parametrize("k", [0, 1, 3])
def test_prefix_and_suffix_make_forward_features(make_backbone, attention_type, k):
    model = make_backbone(attention_type=attention_type)
    clip = torch.randn(2, 3, 5, 32, 48)
    with torch.no_grad():
        hidden = model.forward_prefix(clip, k)
        assert torch.equal(
            model.forward_suffix(hidden, k, num_frames=5), model.forward_features(clip)
        )


@pytest.mark.parametrize("attention_type", ATTENTION_TYPES)
@pytest.mark.parametrize("stem", ["patch", "conv"])
@pytest.mark.parametrize("input_mode", ["rgb", "motion"])
@pytest.mark.parametrize("shape", [(1, 3, 1, 32, 32), (2, 3, 6, 24, 40)])
def test_any_frames_and_rectangles_give_finite_tokens(
    make_backbone, attention_type, stem, input_mode, shape
):
    model = make_backbone(attention_type=attention_type, stem=stem, input_mode=input_mode)
    tokens = model.forward_features(torch.randn(shape))
    patches = shape[3] // 8 * (shape[4] // 8)
    frames = 1 if attention_type == "space_only" else shape[2]
    assert tokens.shape == (shape[0], 1 + patches * frames, 32)
    assert torch.isfinite(tokens).all()
    assert model.pool(tokens).shape == (shape[0], 32)


@pytest.mark.parametrize("attention_type", ATTENTION_TYPES)
@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_gradient_reaches_every_parameter(make_backbone, attention_type, stem):
    model = make_backbone(attention_type=attention_type, stem=stem, num_classes=4).train()
    model(torch.randn(2, 3, 4, 32, 32)).square().sum().backward()
    unreached = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert unreached == []


@pytest.mark.parametrize("attention_type", ATTENTION_TYPES)
def test_gradient_checkpointing_equals_plain(make_backbone, attention_type):
    model = make_backbone(attention_type=attention_type).train()
    clip = torch.randn(2, 3, 4, 32, 32)
    results = []
    for enable in (False, True):
        model.set_grad_checkpointing(enable)
        model.zero_grad()
        output = model.forward_features(clip)
        output.square().sum().backward()
        results.append((output.detach(), [p.grad.clone() for p in model.parameters()]))
    assert torch.equal(results[0][0], results[1][0])
    for plain, recomputed in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(plain, recomputed)


def test_clips_of_a_batch_do_not_see_each_other(make_backbone):
    for stem in ("patch", "conv"):
        model = make_backbone(stem=stem, input_mode="motion")
        clips = torch.randn(3, 3, 4, 32, 32)
        with torch.no_grad():
            together = model.forward_features(clips)
            alone = torch.cat([model.forward_features(clip[None]) for clip in clips])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_motion_input_hides_a_static_picture(make_backbone):
    model = make_backbone(input_mode="motion", stem="conv")
    moving, picture = torch.randn(1, 3, 4, 32, 32), torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        with_picture = model.forward_features(moving + picture)
        torch.testing.assert_close(
            with_picture, model.forward_features(moving), rtol=1e-3, atol=1e-4
        )


def test_frame_order_matters_with_divided_attention(make_backbone):
    model = make_backbone()
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.no_grad():
        forward, backward = (model.pool(model.forward_features(c)) for c in (clip, clip.flip(2)))
    assert relative_error(forward, backward) > 1e-3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_sequences_in_16_bits_attend_like_the_fused_kernel(dtype):
    q, k, v = torch.randn(3, 5, 2, 9, 16, dtype=dtype).unbind(0)
    expected = torch.nn.functional.scaled_dot_product_attention(q.float(), k.float(), v.float())
    assert relative_error(_attention(q, k, v).float(), expected) < 0.02


def test_autocast_stays_close_to_float32(make_backbone):
    model = make_backbone(stem="conv", input_mode="motion")
    clip = torch.randn(2, 3, 4, 32, 32)
    with torch.no_grad():
        expected = model.pool(model.forward_features(clip))
        with torch.autocast("cpu", torch.bfloat16):
            low = model.pool(model.forward_features(clip))
    assert relative_error(low.float(), expected) < 0.05


def test_classifier_can_be_replaced_and_removed(make_backbone):
    model = make_backbone()
    clip = torch.randn(1, 3, 4, 32, 32)
    assert model(clip).shape == (1, 32)
    model.reset_classifier(7)
    assert model(clip).shape == (1, 7)
    assert model.get_classifier() is model.head
    assert model.config["num_classes"] == 7
    model.reset_classifier(0)
    assert model(clip).shape == (1, 32)


def test_config_builds_the_same_model(make_backbone):
    import json

    model = make_backbone(stem="conv", input_mode="motion", img_size=(32, 48))
    config = json.loads(json.dumps(model.config))
    again = TimeSformer(**{**config, "img_size": tuple(config["img_size"])})
    again.load_state_dict(model.state_dict(), strict=True)
    assert again.config == model.config


def test_drop_path_and_dropout_act_in_training_only(make_backbone):
    model = make_backbone(drop_rate=0.2, drop_path_rate=0.5)
    clip = torch.randn(2, 3, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.forward_features(clip), model.forward_features(clip))
        model.train()
        assert not torch.equal(model.forward_features(clip), model.forward_features(clip))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"img_size": 30}, "img_size=30"),
        ({"embed_dim": 33}, "embed_dim=33"),
        ({"num_frames": 0}, "num_frames=0"),
        ({"depth": 0}, "depth=0"),
        ({"attention_type": "divided"}, "attention_type='divided'"),
        ({"stem": "convolution"}, "stem='convolution'"),
        ({"input_mode": "flow"}, "input_mode='flow'"),
        ({"stem": "conv", "patch_size": 6, "img_size": 36}, "patch_size=6"),
        ({"stem": "conv", "embed_dim": 18}, "embed_dim=18"),
    ],
)
def test_impossible_arguments_are_named(tiny_arguments, overrides, named):
    with pytest.raises(ValueError, match=named):
        TimeSformer(**{**tiny_arguments, **overrides})


@pytest.mark.parametrize(
    "shape", [(3, 4, 32, 32), (1, 4, 4, 32, 32), (1, 3, 4, 30, 32), (1, 3, 0, 32, 32)]
)
def test_a_clip_of_the_wrong_shape_is_refused_with_its_shape(make_backbone, shape):
    import re

    with pytest.raises(ValueError, match=re.escape(str(shape))):
        make_backbone().forward_features(torch.zeros(shape))


def test_a_prefix_outside_the_depth_is_refused(make_backbone):
    model = make_backbone()
    with pytest.raises(ValueError, match="k=4"):
        model.forward_prefix(torch.zeros(1, 3, 4, 32, 32), 4)
    hidden = model.forward_prefix(torch.zeros(1, 3, 4, 32, 32), 1)
    with pytest.raises(ValueError, match="T=3"):
        model.forward_suffix(hidden, 1, num_frames=3)
    with pytest.raises(ValueError, match="size='huge'"):
        TimeSformer.from_size("huge")
