"""Models of skills, models of ratings, missing labels, broken videos: from file to result."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proskill.data.take import Take, View
from proskill.errors import ConfigError, ManifestError, ProskillError, VideoError
from proskill.levels import EGOEXO4D_LEVELS, RATING_QUARTERS
from proskill.models import LoraSettings, load_checkpoint
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.run import fit_model

MakeModule = Callable[..., SkillModule]
MakeData = Callable[..., TakeDataModule]
RunStage = Callable[..., None]
SKILLS = ["speed", "calm"]


def skilled(takes: list[Take]) -> list[Take]:
    """Two skills instead of a level, the second opposite; every third take lacks the first."""
    found = []
    for number, take in enumerate(takes):
        level = float(EGOEXO4D_LEVELS.index(str(take.level)))
        skills = {"speed": level, "calm": 3 - level}
        if number % 3 == 0:
            del skills["speed"]
        found.append(replace(take, level=None, rating=None, skills=skills))
    return found


def rated(takes: list[Take]) -> list[Take]:
    """A rating far from level indices, and a level of another scale, which must not matter."""
    return [
        replace(take, level="whatever", rating=1000 + 50 * (take.rating or 0)) for take in takes
    ]


def fit(module: SkillModule, data: TakeDataModule, run_dir: Path, **options: Any) -> Path:
    settings = {"max_epochs": 1, "patience": None, "progress": False, **options}
    return fit_model(module, data, run_dir=run_dir, **settings)


@pytest.mark.parametrize("head", ["softmax", "ordinal"])
def test_skills_with_missing_labels_are_learned_kept_and_judged(
    run_stage: RunStage,
    head: str,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    data = make_data(takes=skilled(tiny_takes))
    module = make_module(head={"kind": head, "skills": SKILLS}, loss={"class_weights": "balanced"})
    directory = fit(
        module, data, tmp_path, max_epochs=30, monitor="val/mean_level_error", mode="min"
    )
    loaded = load_checkpoint(directory)
    assert loaded.config.skills == tuple(SKILLS)
    assert loaded.config.metrics["val/mean_level_error"] < 0.8
    again = make_module()  # levels, skills and head come from the checkpoint
    again.load(directory)
    run_stage("test", again, make_data(takes=skilled(tiny_takes)), tmp_path)
    assert again.predictions is not None
    assert set(again.predictions.skill_probabilities) == set(SKILLS)
    skills = again.summary["skills"]
    num_tested = len(again.predictions.takes)
    assert skills["calm"]["num_takes"] == again.summary["num_takes"] == num_tested
    assert 0 < skills["speed"]["num_takes"] < num_tested
    assert skills["mean"]["mean_level_error"]["value"] < 1


def test_ratings_alone_are_learned_and_rank_unseen_people(
    run_stage: RunStage,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    data = make_data(takes=rated(tiny_takes))
    module = make_module(head={"kind": "regression"})
    directory = fit(module, data, tmp_path, max_epochs=30, monitor="val/spearman")
    loaded = load_checkpoint(directory)
    assert loaded.config.levels == RATING_QUARTERS.names
    assert loaded.config.metrics["val/spearman"] > 0.8
    again = make_module()
    again.load(directory)
    run_stage("test", again, make_data(takes=rated(tiny_takes)), tmp_path)
    assert again.predictions is not None
    assert again.summary["ranks_against"] == "rating"
    assert "accuracy" not in again.summary["all_views"]
    error = again.predictions.score - again.predictions.rating
    assert np.abs(error).mean() < again.predictions.rating.std()


@pytest.mark.parametrize(
    "way", [{"lora": LoraSettings(r=2, blocks=(1,))}, {"backbone": {"train": True}}]
)
def test_skills_and_late_fusion_train_in_every_way(
    way: dict[str, Any],
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    module = make_module(
        head={"skills": SKILLS},
        fusion={"kind": "late"},
        optim={"name": "sgd"},
        **{**way, "backbone": {**way.get("backbone", {}), "global_pool": "token"}},
    )
    before = module.model.head.fc.weight.detach().clone()
    directory = fit(module, make_data(takes=skilled(tiny_takes)), tmp_path, monitor="val/accuracy")
    assert not torch.equal(module.model.head.fc.weight, before)
    assert load_checkpoint(directory).model.backbone.global_pool == "token"


def test_frames_spread_over_the_take_are_one_window_and_travel_with_the_checkpoint(
    make_module: MakeModule, make_data: MakeData, tmp_path: Path
) -> None:
    module = make_module(input={"frame_interval_seconds": "whole_take"}, backbone={"train": True})
    directory = fit(module, make_data(), tmp_path)
    assert load_checkpoint(directory).config.input.frame_interval_seconds is None
    (batch, *_) = module.trainer.datamodule.val_dataloader()
    assert batch.inputs.shape[2:5] == (1, 3, 4)  # windows, channels, frames


def test_takes_with_nothing_to_learn_from_are_counted_and_named(
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    takes = [
        replace(take, level=None, rating=None if number % 2 else take.rating)
        if take.split == "train" and number < 6
        else take
        for number, take in enumerate(tiny_takes)
    ]
    nothing = [take.take_id for take in takes if take.level is None and take.rating is None]
    rated_only = [take for take in takes if take.level is None and take.rating is not None]
    assert nothing
    assert rated_only
    module = make_module(loss={"ranking_weight": 0.5})
    with pytest.raises(ManifestError, match=rf"{len(nothing)} of \d+ takes.*{nothing[0]}"):
        fit(module, make_data(takes=takes), tmp_path)
    data = make_data(takes=takes, select={"skip_unlabelled": True})
    with caplog.at_level(logging.WARNING):
        fit(make_module(loss={"ranking_weight": 0.5}), data, tmp_path)
    assert ", ".join(nothing) in caplog.text
    used = {take.take_id for take in data.takes_of("train")}
    assert used >= {take.take_id for take in rated_only}
    assert not used & set(nothing)


def test_a_skill_that_no_take_has_is_named(
    make_module: MakeModule, make_data: MakeData, tiny_takes: list[Take], tmp_path: Path
) -> None:
    with pytest.raises(ManifestError, match=r"'sped'; it has calm, speed"):
        fit(
            make_module(head={"skills": ["calm", "sped"]}),
            make_data(takes=skilled(tiny_takes)),
            tmp_path,
        )


def test_ratings_that_do_not_differ_cannot_be_learned(
    make_module: MakeModule, make_data: MakeData, tiny_takes: list[Take], tmp_path: Path
) -> None:
    takes = [replace(take, rating=7.0) for take in tiny_takes]
    with pytest.raises(ManifestError, match=r"split 'train' has .* do not differ"):
        fit(make_module(head={"kind": "regression"}), make_data(takes=takes), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": {"kind": "regression", "skills": ["a"]}}, "leave out skills"),
        ({"head": {"kind": "regression"}, "loss": {"class_weights": "balanced"}}, "class_weights"),
        ({"head": {"skills": ["a", "a"]}}, "distinct"),
        ({"head": {"levels": ["one"]}}, "two or more"),
        ({"input": {"frame_interval_seconds": "whole_take", "num_windows": 3}}, "num_windows=3"),
    ],
)
def test_arguments_that_contradict_are_named(
    make_module: MakeModule, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_module(**changes)


def broken(take: Take, folder: Path) -> Take:
    path = folder / f"{take.take_id}_broken.mp4"
    path.write_bytes(b"no video")
    return replace(take, views={"ego": View(path, "ego")})


@pytest.mark.parametrize("way", [{}, {"backbone": {"train": True}}], ids=["features", "clips"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_broken_video_raises_with_its_path_unless_skipping_was_asked_for(
    way: dict[str, Any],
    split: str,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = next(take for take in tiny_takes if take.split == split)
    takes = [broken(take, tmp_path) if take is bad else take for take in tiny_takes]
    with pytest.raises(VideoError, match=f"{bad.take_id}_broken.mp4"):
        fit(make_module(**way), make_data(takes=takes), tmp_path / "raise")
    data = make_data(takes=takes, select={"on_error": "skip"})
    with caplog.at_level(logging.WARNING):
        directory = fit(make_module(**way), data, tmp_path / "skip", max_epochs=2)
    assert list(data.broken.reasons) == [bad.take_id]
    assert caplog.text.count(f"{bad.take_id}_broken.mp4") == 1
    assert math.isfinite(load_checkpoint(directory).config.metrics["val/loss"])


def test_a_skipped_take_trains_nothing(
    make_module: MakeModule, make_data: MakeData, tiny_takes: list[Take], tmp_path: Path
) -> None:
    """A batch with a broken take has the loss and gradients of the batch without it."""
    train = [take for take in tiny_takes if take.split == "train"]
    module, results = make_module(backbone={"train": True}, fusion={"dropout": 0.0}), []
    for takes in (train[:3], [*train[:3], broken(train[3], tmp_path)]):
        others = [take for take in tiny_takes if take.split == "val"]
        data = make_data(
            takes=[*takes, *others], select={"on_error": "skip"}, loader={"augment": False}
        )
        data.choose("fit", module.targets)
        data.serve_clips(replace(module.bundle.config.input, num_windows=1))
        dataset = data.train_dataloader().dataset
        batch = data.train_dataloader().collate_fn([dataset[i] for i in range(len(takes))])
        module.zero_grad()
        loss = module.loss(module(batch), batch.levels, batch.rating)
        loss.backward()
        results.append((loss, module.model.head.fc.weight.grad.clone()))
    torch.testing.assert_close(results[0], results[1])


def test_more_than_a_hundredth_of_broken_videos_stops_the_run(
    make_module: MakeModule, make_data: MakeData, tiny_takes: list[Take], tmp_path: Path
) -> None:
    train = [take.take_id for take in tiny_takes if take.split == "train"][:2]
    takes = [broken(t, tmp_path) if t.take_id in train else t for t in tiny_takes]
    data = make_data(takes=takes, select={"on_error": "skip"})
    with pytest.raises(ProskillError, match=r"2 of \d+ takes have a broken video, more than 1%"):
        fit(make_module(backbone={"train": True}), data, tmp_path)


def test_views_drawn_in_training_leave_evaluation_whole(
    make_module: MakeModule, make_data: MakeData, tmp_path: Path
) -> None:
    module = make_module(backbone={"train": True}, fusion={"kind": "late"})
    data = make_data(loader={"train_views": 1})
    fit(module, data, tmp_path)
    train = data.train_dataloader().dataset
    two_views = next(i for i, take in enumerate(train.takes) if len(take.views) == 2)
    kinds = {int(train[(epoch, two_views)].view_kind) for epoch in range(12)}
    assert kinds == {0, 1}
    assert len(train[two_views].view_kind) == 2
    with pytest.raises(ConfigError, match=r"data\.loader\.train_views"):
        fit(make_module(), make_data(loader={"train_views": 1}), tmp_path)


def test_where_the_validation_split_is_judged_other_people_choose_the_checkpoint(
    run_stage: RunStage,
    make_module: MakeModule,
    make_data: MakeData,
    tiny_takes: list[Take],
    tmp_path: Path,
) -> None:
    data = make_data(splits={"test": "val"})
    directory = fit(make_module(), data, tmp_path)
    people = {
        stage: {take.participant_id for take in data.takes_of(stage)}
        for stage in ("train", "validate")
    }
    published = {take.participant_id for take in tiny_takes if take.split == "val"}
    trained = {take.participant_id for take in tiny_takes if take.split == "train"}
    assert people["validate"]
    assert not people["train"] & people["validate"]
    assert people["train"] | people["validate"] == trained
    module = make_module()
    module.load(directory)
    run_stage("test", module, make_data(splits={"test": "val"}), tmp_path)
    assert module.predictions is not None
    assert {take.participant_id for take in module.predictions.takes} == published
