"""Checkpoint directories: the same model back, refusal of everything else, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import pickle
import resource
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from proskill.errors import CheckpointError
from proskill.models import (
    BackboneConfig,
    CheckpointConfig,
    InputSpec,
    load_backbone,
    load_checkpoint,
    merge_lora,
    read_backbone_config,
    read_checkpoint_config,
    save_backbone,
    save_checkpoint,
)
from proskill.models.directory import read_safetensors

SPEC = InputSpec(num_frames=4, frame_interval_seconds=0.125, img_size=(32, 32), num_windows=3)


@pytest.fixture
def describe(make_config):
    def make(**options) -> CheckpointConfig:
        return CheckpointConfig(
            model=make_config(**options),
            input=SPEC,
            levels=("Novice", "Early Expert", "Intermediate Expert", "Late Expert"),
            licence="Apache-2.0",
            source="made by a test",
            data="simulated performances",
            metrics={"accuracy": 0.51234, "num_takes": 90},
        )

    return make


@pytest.fixture
def saved(tmp_path, make_model, describe):
    """A checkpoint on disk and the model in it."""
    model, config = make_model(), describe()
    save_checkpoint(tmp_path / "demo", model, config, calibration={"temperature": 1.5})
    return tmp_path / "demo", model, config


def edit_json(path, **changes):
    values = json.loads(path.read_text())
    values.update(changes)
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


def edit_tensors(path, change):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def only_sentence(directory) -> str:
    """The message with which loading fails: one sentence that names the directory."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(directory)
    message = str(caught.value)
    assert str(directory) in message
    assert "\n" not in message
    return message


def test_a_loaded_model_predicts_exactly_what_the_saved_one_did(saved):
    directory, model, config = saved
    loaded = load_checkpoint(directory)
    clips = torch.randn(1, 2, 3, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.model(clips).logits, model(clips).logits)
    assert replace(loaded.config, model=config.model) == config
    assert loaded.config.model.backbone == model.backbone.config
    assert loaded.calibration == {"temperature": 1.5}
    assert not loaded.model.training
    assert all(p.requires_grad for p in loaded.model.parameters())
    assert not any(p.is_meta for p in loaded.model.parameters())


def test_sha256_is_that_of_the_files_one_after_the_other(saved):
    directory, _, _ = saved
    files = ("config.json", "model.safetensors", "calibration.json")
    content = b"".join((directory / name).read_bytes() for name in files)
    assert load_checkpoint(directory).sha256 == hashlib.sha256(content).hexdigest()


def test_card_states_licence_data_metrics_and_limits(saved):
    directory, model, config = saved
    card = (directory / "README.md").read_text()
    for text in ("Apache-2.0", "simulated performances", "| accuracy | 0.5123 |", "## Limits"):
        assert text in card
    save_checkpoint(directory, model, replace(config, metrics={}), card="## Notes\nMine.")
    card = (directory / "README.md").read_text()
    assert "unproven" in card
    assert card.endswith("## Notes\nMine.\n")


def test_saving_again_replaces_the_checkpoint_whole(saved):
    directory, model, config = saved
    save_checkpoint(directory, model, config)
    assert load_checkpoint(directory).calibration is None
    assert [path.name for path in directory.parent.iterdir()] == ["demo"]


def test_adapters_are_stored_and_merged_on_loading(tmp_path, make_model, describe):
    config = describe(lora={"r": 2})
    model = make_model(config.model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.copy_(0.1 * torch.randn_like(parameter))
    clips = torch.randn(1, 2, 3, 4, 32, 32)
    save_checkpoint(tmp_path / "adapted", model, config)
    merged, unmerged = (load_checkpoint(tmp_path / "adapted", merge=m).model for m in (True, False))
    with torch.no_grad():
        expected = model(clips).logits
        assert torch.equal(unmerged(clips).logits, expected)
        torch.testing.assert_close(merged(clips).logits, expected, rtol=1e-4, atol=1e-5)
    merge_lora(model)
    save_checkpoint(tmp_path / "merged", model, config)
    assert read_checkpoint_config(tmp_path / "merged").model.lora is None
    with torch.no_grad():
        again = load_checkpoint(tmp_path / "merged").model(clips).logits
    torch.testing.assert_close(again, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("head", "skills"),
    [
        ({"kind": "softmax", "num_levels": 4, "num_skills": 3}, ("Steals", "Fouls", "Impact")),
        ({"kind": "ordinal", "num_levels": 4, "num_skills": 2}, ("Steals", "Fouls")),
        ({"kind": "regression", "num_levels": 4}, ()),
    ],
)
def test_skills_ratings_late_fusion_and_whole_take_clips_come_back(
    tmp_path, make_model, describe, head, skills
):
    config = describe()
    model_config = replace(
        config.model,
        backbone={**config.model.backbone, "global_pool": "token"},
        fusion={"kind": "late"},
        head=head,
    )
    model = make_model(model_config)
    if head["kind"] == "regression":
        model.head.fit_ratings([900.0, 1000.0, 1250.0])
    spec = replace(SPEC, frame_interval_seconds=None, num_windows=None)
    config = replace(config, model=model_config, input=spec, skills=skills)
    save_checkpoint(tmp_path / "many", model, config)
    loaded = load_checkpoint(tmp_path / "many")
    assert loaded.config.skills == skills
    assert loaded.config.input == spec
    assert loaded.model.backbone.global_pool == "token"
    clips = torch.randn(2, 2, 3, 4, 32, 32)
    with torch.inference_mode():
        for found, expected in zip(loaded.model(clips), model(clips), strict=True):
            assert (found is None and expected is None) or torch.equal(found, expected)
    card = (tmp_path / "many" / "README.md").read_text()
    assert "spread evenly over the take" in card
    assert all(name in card for name in skills)


def test_skills_that_do_not_fit_the_head_are_refused(describe):
    with pytest.raises(ValueError, match="skills has 2 names, the head has num_skills=1"):
        replace(describe(), skills=("Steals", "Fouls"))
    with pytest.raises(ValueError, match=r"skills=.*distinct"):
        replace(describe(), skills=("Steals", "Steals"))


def test_half_precision_files_load_as_float32(tmp_path, make_model, describe):
    model = make_model()
    save_checkpoint(tmp_path / "half", model, describe(), dtype=torch.float16)
    loaded = load_checkpoint(tmp_path / "half").model
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    assert load_file(tmp_path / "half/model.safetensors")["fusion.scale"].dtype == torch.float16


def test_a_missing_tensor_is_named(saved):
    directory, _, _ = saved
    edit_tensors(directory / "model.safetensors", lambda t: t.pop("fusion.gate.weight"))
    assert "tensor 'fusion.gate.weight' is missing" in only_sentence(directory)


def test_a_surplus_tensor_is_named(saved):
    directory, _, _ = saved
    edit_tensors(directory / "model.safetensors", lambda t: t.update(extra=torch.zeros(1)))
    assert "tensor 'extra' is not part of the model" in only_sentence(directory)


def test_a_tensor_of_the_wrong_shape_is_named_with_both_shapes(saved):
    directory, _, _ = saved
    edit_tensors(
        directory / "model.safetensors", lambda t: t.update({"head.fc.bias": torch.zeros(5)})
    )
    assert "tensor 'head.fc.bias' has shape (5,), the model needs (4,)" in only_sentence(directory)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [(torch.full((4,), float("nan")), "not finite"), (torch.zeros(4, dtype=torch.int8), "int8")],
)
def test_a_tensor_that_cannot_be_a_weight_is_named(saved, value, sentence):
    directory, _, _ = saved
    edit_tensors(directory / "model.safetensors", lambda t: t.update({"head.fc.bias": value}))
    message = only_sentence(directory)
    assert "'head.fc.bias'" in message
    assert sentence in message


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a checkpoint was run')",))


@pytest.mark.parametrize(
    "write", [lambda p: torch.save(Bomb(), p), lambda p: p.write_bytes(pickle.dumps(Bomb()))]
)
def test_a_pickle_in_place_of_safetensors_is_refused_unread(saved, write):
    directory, _, _ = saved
    write(directory / "model.safetensors")
    assert "is a pickle" in only_sentence(directory)


def test_weights_whose_header_is_as_long_as_a_pickle_begins_are_read(tmp_path):
    for pad in range(256):
        path = tmp_path / "model.safetensors"
        save_file({"x" * (pad + 1): torch.ones(1)}, path)
        if path.read_bytes()[:1] == b"\x80":
            break
    assert path.read_bytes()[:1] == b"\x80"
    assert list(read_safetensors(path)) == ["x" * (pad + 1)]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100])
def test_a_damaged_weight_file_is_refused(saved, content):
    directory, _, _ = saved
    (directory / "model.safetensors").write_bytes(content)
    assert "not a whole safetensors file" in only_sentence(directory)


def test_a_truncated_weight_file_is_refused(saved):
    directory, _, _ = saved
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "not a whole safetensors file" in only_sentence(directory)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved, name):
    directory, _, _ = saved
    (directory / name).unlink()
    assert f"{name}: the file is missing" in only_sentence(directory)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"licens": "MIT"}, "unknown key 'licens'; did you mean 'licence'"),
        ({"source": None}, "object missing required field `source`"),
        ({"kind": "backbone"}, "kind is 'backbone', expected 'proficiency'"),
        ({"format": 99}, "format is 99"),
        ({"levels": ["low", "high"]}, "levels has 2 names, the head has num_levels=4"),
        ({"levels": ["a", "a", "b", "c"]}, "must be distinct"),
        (
            {"input": {"num_frames": 0}},
            "input: object missing required field `frame_interval_seconds`",
        ),
        ({"input": 3}, "input: expected `object`, got `int`"),
        ({"input": {"num_frames": "4"}}, "input.num_frames: expected `int`, got `str`"),
    ],
)
def test_a_wrong_configuration_is_named(saved, change, sentence):
    directory, _, _ = saved
    edit_json(directory / "config.json", **change)
    assert sentence in only_sentence(directory)


@pytest.mark.parametrize(
    ("section", "key", "value", "sentence"),
    [
        ("backbone", "num_head", 2, "did you mean 'num_heads'"),
        ("backbone", "embed_dim", 31, "embed_dim=31"),
        ("fusion", "num_heads", 5, "num_heads=5"),
        ("head", "kind", "guess", "head.kind='guess'"),
    ],
)
def test_a_wrong_model_argument_is_named(saved, section, key, value, sentence):
    directory, _, _ = saved
    config = json.loads((directory / "config.json").read_text())
    config["model"][section][key] = value
    (directory / "config.json").write_text(json.dumps(config))
    assert sentence in only_sentence(directory)


@pytest.mark.parametrize("content", ["", "[1, 2]", "{", "[" * 100_000])
def test_unreadable_json_is_refused(saved, content):
    directory, _, _ = saved
    (directory / "config.json").write_text(content)
    assert "config.json" in only_sentence(directory)


def test_a_file_or_nothing_in_place_of_the_directory_is_refused(tmp_path):
    assert "does not exist" in only_sentence(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert "is a file" in only_sentence(tmp_path / "file")


def test_a_full_disk_leaves_nothing_new(tmp_path, make_model, describe):
    with disk_of(50_000), pytest.raises(CheckpointError, match="free some space"):
        save_checkpoint(tmp_path / "new", make_model(), describe())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_checkpoint_as_it_was(saved, make_model):
    directory, _, config = saved
    before = load_checkpoint(directory).sha256
    with disk_of(50_000), pytest.raises(CheckpointError, match="unchanged"):
        save_checkpoint(directory, make_model(), config)
    assert load_checkpoint(directory).sha256 == before
    assert [path.name for path in directory.parent.iterdir()] == ["demo"]


class disk_of:
    """The system refuses to let a file grow past so many bytes, as it does when a disk is full."""

    def __init__(self, num_bytes: int) -> None:
        self.num_bytes = num_bytes

    def __enter__(self) -> None:
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.num_bytes, self.limits[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)


def test_an_interruption_while_writing_leaves_nothing(tmp_path, monkeypatch, make_model, describe):
    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "new", make_model(), describe())
    assert list(tmp_path.iterdir()) == []


def test_other_peoples_files_are_never_replaced(saved):
    directory, model, config = saved
    (directory / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match=r"thesis\.txt"):
        save_checkpoint(directory, model, config)
    assert (directory / "thesis.txt").exists()
    with pytest.raises(CheckpointError, match="not a directory"):
        save_checkpoint(directory / "thesis.txt", model, config)


def test_a_config_that_does_not_describe_the_model_is_refused(tmp_path, make_model, describe):
    with pytest.raises(CheckpointError, match=r"config\.model against the model"):
        save_checkpoint(tmp_path / "x", make_model(), describe(head="ordinal"))
    with pytest.raises(CheckpointError, match="cannot be stored as JSON"):
        save_checkpoint(
            tmp_path / "x", make_model(), replace(describe(), metrics={"a": float("nan")})
        )


@pytest.mark.parametrize(
    "change",
    [
        {"num_frames": 0},
        {"frame_interval_seconds": 0.0},
        {"frame_interval_seconds": float("inf")},
        {"img_size": (0, 32)},
        {"std": (0.0, 1.0, 1.0)},
        {"mean": (0.5,)},
        {"num_windows": 0},
    ],
)
def test_an_input_out_of_range_is_named(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(SPEC, **change)


def test_a_backbone_directory_gives_the_same_backbone(tmp_path, make_backbone):
    backbone = make_backbone(stem="conv", input_mode="motion", num_classes=3)
    config = BackboneConfig({}, SPEC, "Apache-2.0", "made by a test", training={"steps": 3})
    save_backbone(tmp_path / "b", backbone, config, card="## Measurements\nNone.")
    loaded = load_backbone(tmp_path / "b", drop_path_rate=0.1)
    clip = torch.randn(1, 3, 4, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.forward_features(clip), backbone.forward_features(clip))
    assert not loaded.training
    stored = read_backbone_config(tmp_path / "b")
    assert (stored.input, stored.licence, stored.training) == (SPEC, "Apache-2.0", {"steps": 3})
    assert "Apache-2.0" in (tmp_path / "b/README.md").read_text()


def test_a_checkpoint_is_no_backbone(saved):
    with pytest.raises(CheckpointError, match="kind is 'proficiency', expected 'backbone'"):
        load_backbone(saved[0])


def test_what_no_tensor_shows_is_stored_as_the_model_has_it(
    tmp_path, make_model, make_config, describe
):
    model = make_model(make_config(num_heads=4, residual=True))
    save_checkpoint(tmp_path / "x", model, describe())
    clips = torch.randn(1, 2, 3, 4, 32, 32)
    with torch.no_grad():
        loaded = load_checkpoint(tmp_path / "x").model
        assert torch.equal(loaded(clips).logits, model(clips).logits)
