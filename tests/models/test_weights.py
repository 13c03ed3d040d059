"""Foreign weights: every route gives the source's output, and records licence and scaling."""

from __future__ import annotations

import json
import pickle

import pytest
import timm
import torch
from safetensors.torch import save_file

from proskill.errors import CheckpointError
from proskill.models import import_weights, load_backbone, read_backbone_config
from proskill.models.weight_names import from_official, from_transformers, to_transformers


@pytest.fixture
def released(make_backbone):
    """A TimeSformer with a head count of one, which is what 32 channels are taken for, and a "
    "classifier."""
    return make_backbone(num_heads=1, num_classes=5)


def features(model, clip):
    with torch.no_grad():
        return model.forward_features(clip)


CLIP = torch.linspace(-1, 1, 3 * 4 * 32 * 32).sin().reshape(1, 3, 4, 32, 32)


def test_names_survive_the_way_to_transformers_and_back(released):
    state = released.state_dict()
    assert list(from_transformers(to_transformers(state))) == list(state)
    assert list(from_official({f"model.{k}": v for k, v in state.items()})) == list(state)


def test_an_official_file_gives_the_same_features(tmp_path, released):
    content = {
        "epoch": 14,
        "model_state": {f"model.{k}": v for k, v in released.state_dict().items()},
        "optimizer_state": {"state": {}, "param_groups": []},
        "cfg": "TRAIN: ...",
    }
    torch.save(content, tmp_path / "TimeSformer_divST_8x32_224_K400.pyth")
    config = import_weights(tmp_path / "TimeSformer_divST_8x32_224_K400.pyth", tmp_path / "out")
    backbone = load_backbone(tmp_path / "out")
    assert torch.equal(features(backbone, CLIP), features(released, CLIP))
    assert config.licence == "CC-BY-NC-4.0"
    assert config.input.mean == (0.45, 0.45, 0.45)
    assert config.input.std == (0.225, 0.225, 0.225)
    assert "TimeSformer_divST_8x32_224_K400.pyth" in config.source
    assert read_backbone_config(tmp_path / "out") == config


def test_a_transformers_directory_gives_the_same_features(tmp_path, make_backbone):
    from transformers import TimesformerConfig, TimesformerForVideoClassification

    config = TimesformerConfig(
        image_size=32, patch_size=8, num_frames=4, hidden_size=32, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=128, drop_path_rate=0,
    )  # fmt: skip
    theirs = TimesformerForVideoClassification(config).eval()
    theirs.save_pretrained(tmp_path / "hub")
    (tmp_path / "hub/preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.4, 0.4, 0.4], "image_std": [0.2, 0.2, 0.2]})
    )
    stored = import_weights(tmp_path / "hub", tmp_path / "out")
    with torch.no_grad():
        expected = theirs.timesformer(CLIP.transpose(1, 2)).last_hidden_state
    ours = features(load_backbone(tmp_path / "out"), CLIP)
    assert float((ours - expected).norm() / expected.norm()) <= 1e-5
    assert stored.backbone["num_heads"] == 4
    assert stored.input.mean == (0.4, 0.4, 0.4)
    assert stored.licence == "CC-BY-NC-4.0"


@pytest.mark.parametrize("options", [{}, {"init_values": 0.3}, {"no_embed_class": True}])
def test_an_inflated_vit_gives_the_image_models_output_on_a_still_clip(tmp_path, options):
    image_model = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=64,
        depth=2,
        embed_dim=64,
        num_heads=4,
        num_classes=3,
        **options,
    )
    with torch.no_grad():
        for parameter in image_model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    image_model.eval()
    directory = tmp_path / "hub"
    directory.mkdir()
    save_file(image_model.state_dict(), directory / "model.safetensors")
    hub = {
        "architecture": "vit_tiny_patch16_224",
        "pretrained_cfg": {"tag": "augreg_in21k", "mean": [0.5] * 3, "std": [0.5] * 3},
    }
    (directory / "config.json").write_text(json.dumps(hub))
    config = import_weights(directory, tmp_path / "out", num_frames=6, num_heads=4)
    backbone = load_backbone(tmp_path / "out")

    picture = torch.randn(2, 3, 64, 64)
    tokens = features(backbone, picture[:, :, None].expand(-1, -1, 6, -1, -1))
    expected = features(image_model, picture)
    torch.testing.assert_close(tokens[:, 0], expected[:, 0], rtol=1e-4, atol=1e-5)
    patches = tokens[:, 1:].unflatten(1, (-1, 6))
    torch.testing.assert_close(
        patches, expected[:, 1:, None].expand_as(patches), rtol=1e-4, atol=1e-5
    )
    for block, image_block in zip(backbone.blocks, image_model.blocks, strict=True):
        assert torch.equal(block.temporal_attn.qkv.weight, image_block.attn.qkv.weight)
        assert torch.equal(block.temporal_norm1.weight, image_block.norm1.weight)
    assert config.licence == "apache-2.0"
    assert config.backbone["num_frames"] == 6


def test_a_bare_vit_file_says_that_its_licence_is_unknown_unless_told(tmp_path):
    image_model = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, depth=1, embed_dim=64, num_heads=1
    )
    torch.save(image_model.state_dict(), tmp_path / "vit.pth")
    assert import_weights(tmp_path / "vit.pth", tmp_path / "a").licence.startswith("unknown")
    told = import_weights(
        tmp_path / "vit.pth", tmp_path / "b", licence="MIT", mean=(0.1,) * 3, std=(0.2,) * 3
    )
    assert (told.licence, told.input.mean) == ("MIT", (0.1,) * 3)
    assert "MIT" in (tmp_path / "b/README.md").read_text()


def test_an_image_model_that_is_no_plain_vit_is_refused_by_tensor(tmp_path):
    image_model = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, depth=1, embed_dim=64, num_heads=1, qk_norm=True
    )
    torch.save(image_model.state_dict(), tmp_path / "vit.pth")
    with pytest.raises(CheckpointError, match=r"blocks\.0\.attn\.q_norm\.weight"):
        import_weights(tmp_path / "vit.pth", tmp_path / "out")


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a weight file was run')",))


@pytest.mark.parametrize("write", [torch.save, lambda b, p: p.write_bytes(pickle.dumps(b))])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, write):
    write({"model_state": Bomb()}, tmp_path / "bomb.pyth")
    with pytest.raises(CheckpointError, match="refused") as caught:
        import_weights(tmp_path / "bomb.pyth", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04rest"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "w.pyth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.pyth") as caught:
        import_weights(tmp_path / "w.pyth", tmp_path / "out")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"model_state": {"epoch": 3}}])
def test_a_file_without_a_state_dict_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pyth")
    with pytest.raises(CheckpointError, match="give a file with a state dict"):
        import_weights(tmp_path / "w.pyth", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda s: s.pop("blocks.1.temporal_fc.bias"),
            r"'blocks\.1\.temporal_fc\.bias' is missing",
        ),
        (lambda s: s.pop("pos_embed"), "'pos_embed' is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "'extra' is not part of the model"),
        (lambda s: s.update({"norm.bias": torch.zeros(3)}), r"'norm\.bias' has shape \(3,\)"),
        (lambda s: s.update(pos_embed=torch.zeros(1, 8, 32)), "'pos_embed' has 8 entries"),
        (lambda s: s.update(pos_embed=torch.zeros(17, 32)), "'pos_embed' has shape"),
    ],
)
def test_an_incomplete_official_file_is_refused_by_tensor(tmp_path, released, change, sentence):
    state = dict(released.state_dict())
    change(state)
    torch.save({"model_state": state}, tmp_path / "w.pyth")
    with pytest.raises(CheckpointError, match=sentence):
        import_weights(tmp_path / "w.pyth", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_that_are_not_timesformers_are_refused():
    with pytest.raises(
        CheckpointError, match="'encoder.layer.0.unknown.weight'".replace(".", r"\.")
    ):
        from_transformers({"timesformer.encoder.layer.0.unknown.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="'unknown'"):
        to_transformers({"unknown": torch.zeros(1)})


@pytest.mark.parametrize(
    "source", ["facebook/timesformer-base-finetuned-k400", "vit_tiny_patch16_224"]
)
def test_an_unreachable_hub_says_what_to_download(tmp_path, monkeypatch, source):
    def unreachable(name, **_options):
        raise OSError("Name or service not known\nTraceback of many lines")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(CheckpointError, match=r"download config\.json.*huggingface\.co/") as caught:
        import_weights(source, tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_source_that_does_not_exist_is_refused(tmp_path):
    for source in (tmp_path / "nothing.pyth", "./nothing", "vit_of_my_dreams"):
        with pytest.raises(CheckpointError, match=r"check the (path|spelling)"):
            import_weights(source, tmp_path / "out")


def test_directories_of_other_kinds_are_refused(tmp_path):
    directory = tmp_path / "d"
    directory.mkdir()
    with pytest.raises(CheckpointError, match=r"config\.json: the file is missing"):
        import_weights(directory, tmp_path / "out")
    (directory / "config.json").write_text(json.dumps({"kind": "backbone"}))
    with pytest.raises(CheckpointError, match="needs no import"):
        import_weights(directory, tmp_path / "out")
    (directory / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(CheckpointError, match="has neither"):
        import_weights(directory, tmp_path / "out")
    save_file({"a": torch.zeros(1)}, directory / "model.safetensors")
    with pytest.raises(CheckpointError, match="'bert'"):
        import_weights(directory, tmp_path / "out")
