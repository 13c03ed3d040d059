"""ProficiencyModel: ragged views, cached prefixes, and configuration by plain values."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from proskill.errors import ConfigError
from proskill.models import ModelConfig, build_model


@pytest.mark.parametrize("num_views", [1, 2, 9])
def test_any_number_of_views_gives_one_prediction_per_take(make_model, num_views):
    prediction = make_model()(torch.randn(2, num_views, 3, 4, 32, 32))
    assert prediction.probabilities.shape == (2, 4)
    assert prediction.score.shape == (2,)


def test_takes_of_one_to_many_views_in_one_batch_equal_each_alone(make_model):
    model = make_model(use_view_kind=True)
    clips, kind = torch.randn(3, 4, 3, 4, 32, 32), torch.tensor([[0, 1, 1, 1]] * 3)
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]]).bool()
    clips[~mask] = float("nan")
    with torch.no_grad():
        together = model(clips, mask, kind).logits
        alone = [
            model(clips[i, mask[i]][None], None, kind[i, mask[i]][None]).logits for i in range(3)
        ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_features_of_a_cached_prefix_equal_the_direct_ones(make_model):
    model = make_model()
    clips = torch.randn(2, 3, 3, 6, 32, 32)
    with torch.no_grad():
        hidden = model.encode_prefix(clips, 2)
        cached = model.encode_suffix(hidden, 2, num_frames=6)
        direct = model.encode_views(clips)
        assert torch.equal(cached, direct)
        assert torch.equal(model.predict_features(direct).logits, model(clips).logits)


@pytest.mark.parametrize("head", ["softmax", "ordinal"])
def test_gradient_reaches_every_parameter_when_nothing_is_frozen(make_model, make_config, head):
    model = make_model(make_config(head=head)).train()
    prediction = model(
        torch.randn(3, 2, 3, 4, 32, 32), torch.tensor([[True, True]] * 2 + [[True, False]])
    )
    torch.nn.functional.cross_entropy(prediction.logits, torch.tensor([0, 2, 3])).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_freezing_blocks_leaves_the_rest_trainable(make_model):
    model = make_model()
    model.freeze_backbone(2)
    trains = {n for n, p in model.backbone.named_parameters() if p.requires_grad}
    assert trains == {
        n for n, _ in model.backbone.named_parameters() if n.startswith(("blocks.2.", "norm."))
    }
    model.freeze_backbone()
    assert not any(p.requires_grad for p in model.backbone.parameters())
    assert all(p.requires_grad for p in model.fusion.parameters())
    with pytest.raises(ValueError, match="num_blocks=4"):
        model.freeze_backbone(4)


def test_config_survives_json(make_config):
    config = make_config(head="ordinal", lora={"r": 2, "blocks": [0]})
    again = ModelConfig(**json.loads(json.dumps(asdict(config))))
    assert list(build_model(again).state_dict()) == list(build_model(config).state_dict())


@pytest.mark.parametrize(
    ("section", "values", "sentence"),
    [
        ("backbone", {"embed_dims": 32}, "unknown key 'embed_dims'; did you mean 'embed_dim'"),
        ("backbone", {"size": "huge"}, "size='huge'"),
        ("backbone", {"depth": "three"}, "backbone: "),
        ("fusion", {"hidden": 48}, "unknown key 'hidden'; did you mean 'hidden_dim'"),
        ("fusion", {"hidden_dim": 48, "num_heads": 5}, "num_heads=5"),
        ("fusion", {"hidden_dim": 48, "num_heads": 2, "embed_dim": 64}, "embed_dim=64"),
        ("fusion", {}, "hidden_dim"),
        ("head", {"kind": "guess", "num_levels": 4}, "head.kind='guess'"),
        ("head", {"kind": "regression", "num_levels": 4, "num_skills": 3}, "'num_skills'"),
        ("fusion", {"kind": "early"}, "fusion.kind='early': allowed are"),
        ("fusion", {"kind": "late", "hidden_dim": 48}, "unknown key 'hidden_dim'"),
        ("head", {"kind": "softmax", "num_level": 4}, "did you mean 'num_levels'"),
        ("lora", {"rank": 4}, "unknown key 'rank'"),
        ("lora", {"r": -1}, "r=-1"),
    ],
)
def test_wrong_configuration_is_one_sentence_with_the_key(make_config, section, values, sentence):
    config = asdict(make_config())
    config[section] = {**config["backbone"], **values} if section == "backbone" else values
    with pytest.raises(ConfigError) as caught:
        build_model(ModelConfig(**config))
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(section)


def test_clips_of_the_wrong_rank_are_refused(make_model):
    with pytest.raises(ValueError, match="expected"):
        make_model()(torch.zeros(2, 3, 4, 32, 32))
    with pytest.raises(ValueError, match="no take of the batch has a view"):
        make_model()(torch.zeros(1, 1, 3, 4, 32, 32), torch.zeros(1, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="view_mask of shape"):
        make_model()(torch.zeros(2, 1, 3, 4, 32, 32), torch.ones(2, 2, dtype=torch.bool))


@pytest.mark.parametrize("pool", ["avg", "token"])
def test_features_of_frames_make_up_the_feature_of_their_clip(make_model, pool):
    model = make_model()
    model.backbone.global_pool = pool
    clips = torch.randn(2, 3, 3, 4, 32, 32)
    with torch.no_grad():
        frames, clip = model.encode_frames(clips), model.encode_views(clips)
        tokens = model.backbone.forward_features(clips.flatten(0, 1)).unflatten(0, (2, 3))
    assert frames.shape == (2, 3, 4, clip.shape[-1])
    whole = frames.mean(dim=2)
    if pool == "avg":  # the class token belongs to no frame
        num = tokens.shape[2]
        whole = ((num - 1) * whole + tokens[:, :, 0]) / num
    torch.testing.assert_close(whole, clip)
    assert (frames.std(dim=2).max() > 0.1) == (pool == "avg")
