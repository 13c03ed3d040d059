"""From flat arguments to a model: backbone directory or fresh backbone, fusion, head, adapters.

Not here: what the arguments mean for training (`module`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
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

# What `model.frame_interval_seconds` says to spread the frames over the whole take.
WHOLE_TAKE = "whole_take"

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
    """A model and what its checkpoint must say about it.

    Attributes:
        model: backbone, fusion and head, with adapters where wanted.
        config: builds the same model again.
        input: how clips are sampled and normalised.
        levels: names, lowest first.
        skills: names; none where the level of the whole performance is the only one.
        licence: of the backbone's weights.
        source: of the backbone's weights.
        backbone_key: digest of the backbone before adapters, for the feature cache.
    """

    model: ProficiencyModel
    config: ModelConfig
    input: InputSpec
    levels: tuple[str, ...]
    skills: tuple[str, ...]
    licence: str
    source: str
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
            directory: replaced as a whole if it holds a checkpoint already.
            data: what the model was trained on, simulated or not.
            results: metrics by name.
            training: settings of the run, plain values.

        Raises:
            CheckpointError: it cannot be written whole.
        """
        model = self.model
        if has_lora(model):
            model = copy.deepcopy(model)
            merge_lora(model)
        save_checkpoint(
            directory,
            model,
            CheckpointConfig(
                model=self.config,
                input=self.input,
                levels=self.levels,
                skills=self.skills,
                licence=self.licence,
                source=self.source,
                data=data,
                metrics=results,
                training=training,
            ),
        )

    @classmethod
    def load(cls, directory: Path) -> ModelBundle:
        """Model of a checkpoint directory.

        Raises:
            CheckpointError: it is missing, incomplete or altered.
        """
        loaded = load_checkpoint(directory)
        config = loaded.config
        return cls(
            model=loaded.model,
            config=config.model,
            input=config.input,
            levels=config.levels,
            skills=config.skills,
            licence=config.licence,
            source=config.source,
            backbone_key=backbone_sha256(loaded.model.backbone),
        )


def make_targets(
    *,
    head: str,
    levels: Sequence[str] | None,
    skills: Sequence[str] | None,
    ranks_by_rating: bool,
) -> Targets:
    """Which labels a model learns from.

    Args:
        head: its kind; "regression" learns the rating and nothing else.
        levels: names, lowest first; None takes those that suit the head.
        skills: names; None or none for the level of the whole performance.
        ranks_by_rating: whether ratings count beside levels.

    Raises:
        ConfigError: names twice, fewer than two levels, or a regression of skills.
    """
    is_regression = head == "regression"
    if is_regression and skills:
        raise ConfigError("model.head is regression, which learns one rating: leave out skills")
    usual = RATING_QUARTERS if is_regression else EGOEXO4D_LEVELS
    try:
        return Targets(
            scale=LevelScale(tuple(levels)) if levels else usual,
            skills=tuple(skills or ()),
            uses_levels=not is_regression,
            uses_ratings=is_regression or ranks_by_rating,
        )
    except ValueError as error:
        raise ConfigError(f"model: {error}") from error


def build_bundle(
    *,
    backbone: str | None,
    backbone_config: Mapping[str, Any] | None,
    global_pool: str | None,
    fusion: Mapping[str, Any],
    head: str,
    levels: tuple[str, ...],
    skills: tuple[str, ...],
    lora: LoraSettings | None,
    input_overrides: Mapping[str, Any],
    seed: int,
) -> ModelBundle:
    """Build the model; the global random state stays as it was.

    Raises:
        ConfigError: neither or both of `backbone` and `backbone_config`, or a bad argument.
        CheckpointError: the backbone directory cannot be loaded.
    """
    if (backbone is None) == (backbone_config is None):
        raise ConfigError(
            "model.backbone: give a directory written by `proskill weights import`, or "
            "model.backbone_config for a new one with random weights, and not both"
        )
    spec, licence, source = DEFAULT_INPUT, "Apache-2.0", "random initial weights"
    weights = None
    if backbone is not None:
        stored = read_backbone_config(backbone)
        weights = load_backbone(backbone).state_dict()
        backbone_config = stored.backbone
        spec, licence, source = stored.input, stored.licence, stored.source
    arguments = dict(backbone_config or {})
    if global_pool is not None:
        arguments["global_pool"] = global_pool
    many = {"num_skills": len(skills)} if skills else {}
    config = ModelConfig(
        backbone=arguments,
        fusion=dict(fusion),
        head={"kind": head, "num_levels": len(levels), **many},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(config)
        if weights is not None:
            model.backbone.load_state_dict(weights)
        key = backbone_sha256(model.backbone)
        if lora is not None:
            try:
                apply_lora(model, lora)
            except ValueError as error:
                raise ConfigError(f"model.lora: {error}") from error
    return ModelBundle(
        model=model,
        config=config,
        input=_override(spec, input_overrides),
        levels=levels,
        skills=skills,
        licence=licence,
        source=source,
        backbone_key=key,
    )


def _override(spec: InputSpec, values: Mapping[str, Any]) -> InputSpec:
    names = {field.name for field in fields(spec)}
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None and name in names
    }
    if given.get("frame_interval_seconds") == WHOLE_TAKE:
        given["frame_interval_seconds"] = None
    try:
        return replace(spec, **given)
    except ValueError as error:
        raise ConfigError(f"model: {error}") from error


def plain_values(value: Any) -> Any:
    """Nested values as JSON and a restricted unpickler keep them."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def check_range(
    name: str, value: float, low: float, high: float, *, open_low: bool = False
) -> None:
    """Refuse a model argument outside [low, high), or (low, high).

    Raises:
        ConfigError: it is outside, or not a number.
    """
    if not (low < value if open_low else low <= value) or not value < high:
        bound = "above" if open_low else "at least"
        below = "" if high == math.inf else f" and below {high:g}"
        raise ConfigError(f"model.{name}={value}: must be {bound} {low:g}{below}")
