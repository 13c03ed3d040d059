"""Training in its three ways, from real video files to a checkpoint directory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proskill.data.take import Take
from proskill.errors import ConfigError, ManifestError
from proskill.features import feature_cache
from proskill.models import LoraSettings, has_lora, load_checkpoint
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.run import fit_model

MakeModule = Callable[..., SkillModule]
MakeData = Callable[..., TakeDataModule]
RunStage = Callable[..., None]


WAYS: dict[str, dict[str, Any]] = {
    "features": {},
    "prefix": {"lora": LoraSettings(r=2, blocks=(1,))},
    "clips": {"lora": LoraSettings(r=2)},
    "whole": {"backbone": {"train": True}, "optim": {"lr": 1e-4}},
}


@pytest.mark.parametrize("way", WAYS)
def test_training_reaches_every_trainable_weight_and_leaves_a_checkpoint_that_loads(
    way: str, make_module: MakeModule, make_data: MakeData, tmp_path: Path
) -> None:
    module = make_module(**WAYS[way])
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    checkpoint = fit_model(
        module, make_data(), run_dir=tmp_path, max_epochs=2, patience=None, progress=False
    )
    for name, value in module.named_parameters():
        # Two steps leave a few weights in place: biases that attention cancels, a dead direction.
        if "lora_" in name or "fusion.fc" in name or "head" in name:
            assert not torch.equal(value, before[name]), name
        elif not value.requires_grad:
            assert torch.equal(value, before[name]), name
    loaded = load_checkpoint(checkpoint)
    assert not has_lora(loaded.model)
    assert loaded.config.input.num_frames == 4
    assert "val/spearman" in loaded.config.metrics
    assert loaded.config.training["optim"]["lr"] == module.optim.lr


def test_cached_features_train_a_model_that_ranks_unseen_people_without_decoding_again(
    make_module: MakeModule,
    make_data: MakeData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fit_model(make_module(), make_data(), run_dir=tmp_path, max_epochs=1, progress=False)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a video was decoded although its features are cached")

    monkeypatch.setattr(feature_cache, "read_view", refuse)
    module = make_module()
    fit_model(module, make_data(), run_dir=tmp_path, max_epochs=30, patience=None, progress=False)
    with next((tmp_path / "logs" / "version_1").glob("metrics.csv")).open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/spearman"]]
    assert len(rows) == 30
    assert max(float(row["val/spearman"]) for row in rows) > 0.8
    assert float(rows[0]["val/majority_accuracy"]) == 0.25


def test_testing_writes_metrics_and_one_prediction_per_take(
    run_stage: RunStage,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    trained = make_module()
    checkpoint = fit_model(
        trained, make_data(), run_dir=tmp_path, max_epochs=3, patience=None, progress=False
    )
    module = make_module(seed=5)
    module.load(checkpoint)
    run_stage("test", module, make_data(), tmp_path)
    summary = json.loads((tmp_path / "test" / "metrics.json").read_text())
    test_takes = [take for take in tiny_takes if take.split == "test"]
    assert summary["num_takes"] == len(test_takes)
    assert summary["all_views"]["majority_accuracy"]["value"] == 0.25
    assert (summary["split"], summary["data"]) == ("test", "not stated")
    assert set(summary["single_views"]) == {"ego", "exo1"}
    with (tmp_path / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["take_id"] for row in rows] == [take.take_id for take in test_takes]
    assert [bool(row["view:exo1:score"]) for row in rows] == ["exo1" in t.views for t in test_takes]


def test_prediction_takes_unlabelled_takes_and_training_refuses_them(
    run_stage: RunStage,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    unlabelled = [replace(take, level=None, rating=None) for take in tiny_takes]
    module = make_module()
    run_stage("predict", module, make_data(takes=unlabelled, splits={"predict": "all"}), tmp_path)
    assert module.predictions is not None
    assert len(module.predictions.takes) == len(tiny_takes)
    assert np.allclose(module.predictions.probabilities.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ManifestError, match="skip_unlabelled"):
        fit_model(module, make_data(takes=unlabelled), run_dir=tmp_path, max_epochs=1)


def test_the_three_ways_to_feed_a_model_give_the_same_features(
    run_stage: RunStage, make_module: MakeModule, make_data: MakeData, tmp_path: Path
) -> None:
    scores = []
    for way in ({}, {"lora": LoraSettings(r=2, blocks=(1,))}, {"backbone": {"train": True}}):
        module = make_module(**way)  # adapters change nothing before training
        run_stage("predict", module, make_data(), tmp_path)
        assert module.predictions is not None
        scores.append(module.predictions.score)
    np.testing.assert_allclose(scores[0], scores[2], atol=1e-4)
    np.testing.assert_allclose(
        scores[0], scores[1], atol=5e-3
    )  # the prefix is kept in half precision


def test_the_same_seed_gives_the_same_model_to_the_bit(
    make_module: MakeModule, make_data: MakeData, tmp_path: Path
) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(weights))  # what happened before must not matter
        module = make_module(seed=seed, fusion={"view_dropout": 0.2})
        directory = fit_model(
            module,
            make_data(seed=seed),
            run_dir=tmp_path / name,
            max_epochs=2,
            patience=None,
            progress=False,
        )
        weights.append((directory / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_balanced_class_weights_come_from_the_training_takes(
    make_module: MakeModule, make_data: MakeData, tiny_takes: list[Take], tmp_path: Path
) -> None:
    fewer = [take for take in tiny_takes if take.split != "train" or take.level != "Novice"]
    module = make_module(loss={"class_weights": "balanced"})
    fit_model(module, make_data(takes=fewer), run_dir=tmp_path, max_epochs=1, progress=False)
    assert module.loss.class_weights.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optim": {"lr": 0.0}}, "model.optim.lr=0"),
        ({"optim": {"warmup_fraction": 1.5}}, "model.optim.warmup_fraction=1.5"),
        ({"backbone": {"path": "somewhere"}}, "model.backbone.path"),
        ({"fusion": {"num_heads": 5}}, "model.fusion.*num_heads=5"),
        ({"lora": LoraSettings(blocks=(7,))}, "model.lora"),
        ({"lora": LoraSettings(), "backbone": {"train": True}}, "choose one of the two"),
        ({"input": {"num_frames": 0}}, "model.input.*num_frames=0"),
        ({"backbone": {"config": {"embed_dimm": 3}}}, "embed_dimm"),
    ],
)
def test_wrong_arguments_are_named(
    make_module: MakeModule, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_module(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loader": {"batch_size": 0}}, "data.loader.batch_size=0"),
        ({"loader": {"train_windows": 0}}, "data.loader.train_windows=0"),
        ({"loader": {"num_workers": -1}}, "data.loader.num_workers=-1"),
        ({"source": "a.csv", "takes": []}, "data.source"),
    ],
)
def test_wrong_data_arguments_are_named(
    make_data: MakeData, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_data(**{"source": "manifest.csv", **changes})


@pytest.mark.parametrize("name", ["view_names", "scenarios"])
def test_a_view_or_scenario_that_no_take_has_is_named(
    make_module: MakeModule, make_data: MakeData, tmp_path: Path, name: str
) -> None:
    data = make_data(select={name: ["nonsense"]})
    with pytest.raises(ConfigError, match=f"data.select.{name}.*nonsense"):
        fit_model(make_module(), data, run_dir=tmp_path, max_epochs=1, progress=False)
