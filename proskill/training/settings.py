"""Settings of a model and its data, in the groups that YAML files and the command line name.

`--model.optim.lr 1e-3` sets `OptimSettings.lr`, `--data.loader.batch_size 8`
`LoaderSettings.batch_size`. Every group checks its own values and names the dotted option. Not
here: adapters (`proskill.models.LoraSettings`) and contradictions between groups (`module`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from proskill.data.selection import OnError
from proskill.data.take import Split
from proskill.errors import ConfigError
from proskill.features.feature_cache import PrecisionChoice
from proskill.input_spec import InputSpec
from proskill.view_names import ViewKind

# `model.input.frame_interval_seconds` that spreads the frames over the whole take.
WHOLE_TAKE = "whole_take"


@dataclass(frozen=True)
class BackboneSettings:
    """Source of the backbone, its training and its execution.

    Attributes:
        path: directory of a backbone or of a checkpoint's weights, as `proskill weights import`
            writes it.
        config: arguments of a new `TimeSformer` instead, with random weights.
        global_pool: feature of a clip: the mean over all tokens ("avg") or the class token; null
            takes the backbone's.
        train: train every weight of the backbone; excludes `model.lora`.
        grad_checkpointing: recompute activations of the backbone, for memory.
        precision: of frozen blocks; "auto" takes bf16 where the hardware has it.
        batch_size: clips per forward pass of frozen blocks and in evaluation.

    Raises:
        ConfigError: neither or both of `path` and `config`, or a value out of range.
    """

    path: str | None = None
    config: dict[str, Any] | None = None
    global_pool: Literal["avg", "token"] | None = None
    train: bool = False
    grad_checkpointing: bool = False
    precision: PrecisionChoice = "auto"
    batch_size: int = 8

    def __post_init__(self) -> None:
        if (self.path is None) == (self.config is None):
            raise ConfigError(
                "model.backbone.path: give a directory written by `proskill weights import`, or "
                "model.backbone.config for a new one with random weights, and not both"
            )
        _require_counts("model.backbone", batch_size=self.batch_size)


@dataclass(frozen=True)
class InputSettings:
    """Sampling and normalisation of clips; null takes the backbone's own setting.

    Attributes:
        num_frames: frames per window.
        frame_interval_seconds: time between two frames of a window; "whole_take" spreads the
            frames evenly over the take.
        img_size: height and width in pixels.
        mean: per channel, on the [0, 1] scale.
        std: per channel, on the [0, 1] scale.
        num_windows: windows per take in evaluation; the default of most backbones covers the take.
    """

    num_frames: int | None = None
    frame_interval_seconds: float | Literal["whole_take"] | None = None
    img_size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    num_windows: int | None = None

    def applied_to(self, spec: InputSpec) -> InputSpec:
        """Return the backbone's input settings with these in their place.

        Raises:
            ConfigError: the result contradicts itself.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in given.items() if value is not None}
        if given.get("frame_interval_seconds") == WHOLE_TAKE:
            given["frame_interval_seconds"] = None
        try:
            return replace(spec, **given)
        except ValueError as error:
            raise ConfigError(f"model.input: {error}") from error


@dataclass(frozen=True)
class FusionSettings:
    """Combination of the views of a take.

    Attributes:
        kind: "attention" between views (SkillFormer), or "late": the mean of the head's predictions
            from each view, which needs none of the other settings.
        hidden_dim: width of the gated layer.
        num_heads: attention heads.
        dropout: on attention weights and on the gated layer's input.
        use_view_kind: tell ego from exo.
        view_dropout: probability of leaving a view out in training.
        residual: start as the mean of the views.
    """

    kind: Literal["attention", "late"] = "attention"
    hidden_dim: int = 256
    num_heads: int = 4
    dropout: float = 0.1
    use_view_kind: bool = False
    view_dropout: float = 0.0
    residual: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        """Entry of the fusion in a `ModelConfig`."""
        if self.kind == "late":
            return {"kind": "late"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "kind"}


@dataclass(frozen=True)
class HeadSettings:
    """Kind of prediction and names of its levels and skills.

    Attributes:
        kind: "ordinal" knows the order of the levels, "softmax" does not (SkillFormer);
            "regression" learns the rating alone.
        levels: names, lowest first; null means Ego-Exo4D's four, or quarters of the ratings.
        skills: learn the levels of these skills of a take instead of its single level.

    Raises:
        ConfigError: a regression of skills.
    """

    kind: Literal["ordinal", "softmax", "regression"] = "ordinal"
    levels: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind == "regression" and self.skills:
            raise ConfigError(
                "model.head.kind is regression, which learns one rating: leave out skills"
            )


@dataclass(frozen=True)
class OptimSettings:
    """Optimizer and learning rate.

    Attributes:
        name: "adamw", or "sgd" with momentum 0.9.
        lr: peak learning rate.
        weight_decay: of all trained weights.
        warmup_fraction: share of all steps with a rising rate, in [0, 1); then cosine to 0.

    Raises:
        ConfigError: a value out of range.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup_fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf:
            raise ConfigError(f"model.optim.lr={self.lr}: must be above 0")
        _require_weights("model.optim", weight_decay=self.weight_decay)
        _require_fractions("model.optim", warmup_fraction=self.warmup_fraction)


@dataclass(frozen=True)
class LossSettings:
    """Weights within the training loss; a regression uses none of them.

    Attributes:
        class_weights: "balanced" gives every level of a skill the same weight; null counts takes.
        label_smoothing: of the cross entropy, in [0, 1).
        distance_weight: weight of the ranked probability score beside the cross entropy.
        ranking_weight: weight of the pairwise ranking loss on continuous ratings.

    Raises:
        ConfigError: a value out of range.
    """

    class_weights: Literal["balanced"] | None = None
    label_smoothing: float = 0.0
    distance_weight: float = 0.0
    ranking_weight: float = 0.0

    def __post_init__(self) -> None:
        _require_fractions("model.loss", label_smoothing=self.label_smoothing)
        _require_weights(
            "model.loss", distance_weight=self.distance_weight, ranking_weight=self.ranking_weight
        )


@dataclass(frozen=True)
class SelectionSettings:
    """Selection of takes and views of a source.

    Attributes:
        view_names: use only these views; null uses all. Takes with none of them are left out.
        view_kinds: use only "ego" or "exo" views; null uses both.
        scenarios: use only these scenarios; null uses all.
        skip_unlabelled: leave out takes without any label that the model learns from, with their
            count and names, instead of raising.
        on_error: "raise" for a video that cannot be decoded, or "skip" its take, counted and
            logged, until more than 1 % of the takes (and more than one) are left out.

    Raises:
        ConfigError: an unknown `on_error`.
    """

    view_names: tuple[str, ...] | None = None
    view_kinds: tuple[ViewKind, ...] | None = None
    scenarios: tuple[str, ...] | None = None
    skip_unlabelled: bool = False
    on_error: OnError = "raise"

    def __post_init__(self) -> None:
        if self.on_error not in get_args(OnError):
            raise ConfigError(f"data.select.on_error={self.on_error!r}: allowed are raise, skip")


@dataclass(frozen=True)
class SplitSettings:
    """Division of takes by participant.

    Attributes:
        val_fraction: share of participants for validation where the source has no such split.
        test_fraction: share of participants for testing where the source has no splits at all.
        test: the split that `proskill test` evaluates; "val" for sources without test labels: then
            participants drawn from the training split choose the checkpoint.
        predict: the split that `proskill predict` runs on; "all" takes every take.
    """

    val_fraction: float = 0.15
    test_fraction: float = 0.2
    test: Split = "test"
    predict: Literal["train", "val", "test", "all"] = "test"


@dataclass(frozen=True)
class LoaderSettings:
    """Batches of takes.

    Attributes:
        batch_size: takes per training step.
        eval_batch_size: takes per evaluation step; null means `batch_size`.
        num_workers: processes that decode clips, or threads that decode for the feature cache.
        train_windows: windows of a take drawn at random in every epoch; null means one when clips
            are decoded anew and all when features are cached.
        train_views: views of a take drawn at random in every epoch, where clips are decoded anew;
            null uses all.
        augment: change pictures in training (only where clips are decoded anew), never the motion.
        cache_dir: folder of the feature cache; null means `features` in the run folder.

    Raises:
        ConfigError: a value out of range.
    """

    batch_size: int = 16
    eval_batch_size: int | None = None
    num_workers: int = 2
    train_windows: int | None = None
    train_views: int | None = None
    augment: bool = True
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        _require_counts(
            "data.loader",
            batch_size=self.batch_size,
            eval_batch_size=self.eval_batch_size,
            train_windows=self.train_windows,
            train_views=self.train_views,
        )
        if self.num_workers < 0:
            raise ConfigError(f"data.loader.num_workers={self.num_workers}: must be 0 or more")


def _require_counts(group: str, **values: int | None) -> None:
    for name, value in values.items():
        if value is not None and value < 1:
            raise ConfigError(f"{group}.{name}={value}: must be 1 or more")


def _require_fractions(group: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ConfigError(f"{group}.{name}={value}: must be at least 0 and below 1")


def _require_weights(group: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ConfigError(f"{group}.{name}={value}: must be at least 0")
