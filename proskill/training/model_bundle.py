"""A model built from its settings, with everything that its checkpoint records.

Not here: training it (`module`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from proskill.data.targets import Targets
from proskill.errors import ConfigError
from proskill.features.feature_cache import backbone_sha256
from proskill.levels import EGOEXO4D_LEVELS, RATING_QUARTERS, LevelScale
from proskill.models import (
    CheckpointConfig,
    InputSpec,
    LoraSettings,
    ModelConfig,
    ProficiencyModel,
    apply_lora,
    build_model,
    has_lora,
    load_backbone,
    load_checkpoint,
    merge_lora,
    read_backbone_config,
    save_checkpoint,
)
from proskill.training.settings import (
    BackboneSettings,
    FusionSettings,
    HeadSettings,
    InputSettings,
)

# TimeSformer's published input: 8 frames, one in 32 of a 30-fps video, and its normalisation.
DEFAULT_INPUT = InputSpec(
    num_frames=8,
    frame_interval_seconds=32 / 30,
    img_size=(224, 224),
    mean=(0.45, 0.45, 0.45),
    std=(0.225, 0.225, 0.225),
    num_windows=None,
)


@dataclass(frozen=True)
class ModelBundle:
    """A model and its description for a checkpoint.

    Attributes:
        model: backbone, fusion and head, with adapters where wanted.
        config: builds the same model again; without data and metrics until it is saved.
        backbone_key: digest of the backbone before adapters, for the feature cache.
    """

    model: ProficiencyModel
    config: CheckpointConfig
    backbone_key: str

    def save(
        self,
        directory: Path,
        *,
        data: str,
        results: Mapping[str, Any],
        training: Mapping[str, Any],
    ) -> None:
        """Write a checkpoint directory with merged adapters, so that it needs nothing of peft.

        Args:
            directory: replaced as a whole if it contains a checkpoint already.
            data: description of the training data, simulated or not.
            results: metrics by name.
            training: settings of the run, plain values.

        Raises:
            CheckpointError: it cannot be written whole.
        """
        model = self.model
        if has_lora(model):
            model = copy.deepcopy(model)
            merge_lora(model)
        config = replace(self.config, data=data, metrics=results, training=training)
        save_checkpoint(directory, model, config)

    @classmethod
    def load(cls, directory: Path) -> ModelBundle:
        """Read a checkpoint directory.

        Raises:
            CheckpointError: it is missing, incomplete or altered.
        """
        loaded = load_checkpoint(directory)
        return cls(loaded.model, loaded.config, backbone_sha256(loaded.model.backbone))


def make_targets(head: HeadSettings, *, ranks_by_rating: bool) -> Targets:
    """Return the labels that a model learns from.

    Args:
        head: a regression learns the rating and nothing else.
        ranks_by_rating: whether ratings count beside levels.

    Raises:
        ConfigError: a name occurs twice, or fewer than two levels.
    """
    is_regression = head.kind == "regression"
    usual = RATING_QUARTERS if is_regression else EGOEXO4D_LEVELS
    try:
        return Targets(
            scale=LevelScale(tuple(head.levels)) if head.levels else usual,
            skills=tuple(head.skills or ()),
            uses_levels=not is_regression,
            uses_ratings=is_regression or ranks_by_rating,
        )
    except ValueError as error:
        raise ConfigError(f"model.head: {error}") from error


def build_bundle(
    *,
    backbone: BackboneSettings,
    input: InputSettings,
    fusion: FusionSettings,
    head: HeadSettings,
    targets: Targets,
    lora: LoraSettings | None,
    seed: int,
) -> ModelBundle:
    """Build the model; the global random state stays as it was.

    Raises:
        ConfigError: settings that the model refuses.
        CheckpointError: the backbone directory cannot be loaded.
    """
    spec, licence, source = DEFAULT_INPUT, "Apache-2.0", "random initial weights"
    arguments, weights = dict(backbone.config or {}), None
    if backbone.path is not None:
        stored = read_backbone_config(backbone.path)
        weights = load_backbone(backbone.path).state_dict()
        arguments = dict(stored.backbone)
        spec, licence, source = stored.input, stored.licence, stored.source
    if backbone.global_pool is not None:
        arguments["global_pool"] = backbone.global_pool
    many = {"num_skills": len(targets.skills)} if targets.skills else {}
    config = ModelConfig(
        backbone=arguments,
        fusion=fusion.arguments,
        head={"kind": head.kind, "num_levels": len(targets.scale), **many},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = build_model(config)
        except ConfigError as error:
            raise ConfigError(f"model.{error}") from error
        if weights is not None:
            model.backbone.load_state_dict(weights)
        key = backbone_sha256(model.backbone)
        if lora is not None:
            try:
                apply_lora(model, lora)
            except ValueError as error:
                raise ConfigError(f"model.lora: {error}") from error
    described = CheckpointConfig(
        model=config,
        input=input.applied_to(spec),
        levels=targets.scale.names,
        skills=targets.skills,
        licence=licence,
        source=source,
        data="unknown",
    )
    return ModelBundle(model, described, key)
