"""ProficiencyModel: one backbone for all views of a take, fusion over views, one head.

Not here: reading video, averaging features over windows of a take, files (`checkpoint.py`).

Shapes: B takes, V views, C channels, T frames, H W pixels, S tokens, D embedding, K levels.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from proskill.errors import ConfigError
from proskill.models.fusion import CrossViewFusion, LateFusion
from proskill.models.heads import (
    Head,
    LevelPrediction,
    OrdinalHead,
    RegressionHead,
    SoftmaxHead,
)
from proskill.models.lora import LoraSettings, apply_lora
from proskill.models.timesformer import TimeSformer

HEADS: dict[str, type[Head]] = {
    "softmax": SoftmaxHead,
    "ordinal": OrdinalHead,
    "regression": RegressionHead,
}
FUSIONS: dict[str, type[CrossViewFusion] | type[LateFusion]] = {
    "attention": CrossViewFusion,
    "late": LateFusion,
}


class ProficiencyModel(nn.Module):
    """Model from clips of several views of a take to a skill level.

    Args:
        backbone: from clips to features `(B, D)`.
        fusion: from the features of a take's views to one.
        head: from the fused feature to a prediction.

    Raises:
        ValueError: backbone and fusion of different width.
    """

    def __init__(
        self, backbone: TimeSformer, fusion: CrossViewFusion | LateFusion, head: Head
    ) -> None:
        super().__init__()
        if backbone.embed_dim != fusion.embed_dim:
            raise ValueError(
                f"fusion.embed_dim={fusion.embed_dim}: must be the backbone's "
                f"embed_dim={backbone.embed_dim}"
            )
        self.backbone = backbone
        self.fusion = fusion
        self.head = head

    def forward(
        self, clips: Tensor, view_mask: Tensor | None = None, view_kind: Tensor | None = None
    ) -> LevelPrediction:
        """Predict the level of each take.

        Args:
            clips: `(B, V, C, T, H, W)`, normalised as the backbone expects; masked views are not
                computed.
            view_mask: `(B, V)` bool, true where a view exists; None if all do.
            view_kind: `(B, V)` integer, 0 ego and 1 exo; see `CrossViewFusion`.
        """
        return self.predict_features(self.encode_views(clips, view_mask), view_mask, view_kind)

    def encode_views(self, clips: Tensor, view_mask: Tensor | None = None) -> Tensor:
        """Compute features of views, `(B, V, D)`; zeros where `view_mask` is false.

        Args:
            clips: `(B, V, C, T, H, W)`.
            view_mask: `(B, V)` bool; None if all views exist.

        Raises:
            ValueError: clips or mask of the wrong shape.
        """
        _check_clips(clips)
        if view_mask is None:
            features = self.backbone.pool(self.backbone.forward_features(clips.flatten(0, 1)))
            return features.unflatten(0, clips.shape[:2])  # (B, V, D)
        if view_mask.shape != clips.shape[:2]:
            raise ValueError(
                f"view_mask of shape {tuple(view_mask.shape)}: expected (B, V) = "
                f"{tuple(clips.shape[:2])}"
            )
        if not bool(view_mask.any()):
            raise ValueError(
                "view_mask: no take of the batch has a view; every take needs at least one"
            )
        present = self.backbone.pool(self.backbone.forward_features(clips[view_mask]))
        features = present.new_zeros(*clips.shape[:2], present.shape[-1])
        return features.masked_scatter(view_mask[..., None], present)  # (B, V, D)

    def encode_frames(self, clips: Tensor) -> Tensor:
        """Compute features of single frames, `(B, V, C, T, H, W)` to `(B, V, T, D)`.

        Their mean over T is the result of `encode_views`, but for the class token.
        """
        _check_clips(clips)
        tokens = self.backbone.forward_features(clips.flatten(0, 1))
        frames = self.backbone.pool_frames(tokens, clips.shape[3])
        return frames.unflatten(0, clips.shape[:2])

    def encode_prefix(self, clips: Tensor, k: int) -> Tensor:
        """Run the first `k` blocks, `(B, V, C, T, H, W)` to `(B, V, S, D)`."""
        _check_clips(clips)
        return self.backbone.forward_prefix(clips.flatten(0, 1), k).unflatten(0, clips.shape[:2])

    def encode_suffix(self, hidden: Tensor, k: int, *, num_frames: int | None = None) -> Tensor:
        """Run the blocks after `encode_prefix(clips, k)`, `(B, V, S, D)` to `(B, V, D)`.

        Args:
            hidden: result of `encode_prefix`.
            k: number of blocks already run.
            num_frames: T of the clips; None for the number that the backbone was made for.
        """
        frames = self.backbone.num_frames if num_frames is None else num_frames
        tokens = self.backbone.forward_suffix(hidden.flatten(0, 1), k, num_frames=frames)
        return self.backbone.pool(tokens).unflatten(0, hidden.shape[:2])

    def predict_features(
        self, features: Tensor, view_mask: Tensor | None = None, view_kind: Tensor | None = None
    ) -> LevelPrediction:
        """Apply fusion and head to view features `(B, V, D)`, already averaged over windows."""
        if isinstance(self.fusion, CrossViewFusion):
            return self.head(self.fusion(features, view_mask, view_kind))
        mask = view_mask
        if mask is None:
            mask = torch.ones(features.shape[:2], dtype=torch.bool, device=features.device)
        if not bool(mask.any(dim=1).all()):
            raise ValueError("view_mask: a take of the batch has no view; every take needs one")
        visible = features.masked_fill(~mask[..., None], 0.0)
        return self.head(visible.flatten(0, 1)).mean_over_views(mask)

    def freeze_backbone(self, num_blocks: int | None = None) -> None:
        """Freeze the embeddings and the first `num_blocks` blocks; None for the whole backbone.

        Raises:
            ValueError: more blocks than there are.
        """
        depth = self.backbone.depth
        if num_blocks is not None and not 0 <= num_blocks <= depth:
            raise ValueError(
                f"num_blocks={num_blocks}: must be between 0 and depth={depth}, or None for all"
            )
        frozen = range(depth if num_blocks is None else num_blocks)
        keep = tuple(f"blocks.{i}." for i in range(depth) if i not in frozen)
        if num_blocks is not None:
            keep += ("norm.",)
        for name, parameter in self.backbone.named_parameters():
            if not name.startswith(keep):
                parameter.requires_grad = False


@dataclass(frozen=True)
class ModelConfig:
    """Description of a `ProficiencyModel` in plain values that JSON keeps.

    Attributes:
        backbone: arguments of `TimeSformer`, or of `TimeSformer.from_size` with a `size` among
            them.
        fusion: arguments of `CrossViewFusion`, or `{"kind": "late"}`; `embed_dim` may be left out.
        head: `kind` ("softmax", "ordinal" or "regression"), `num_levels`, and `num_skills` where
            it is not 1.
        lora: arguments of `LoraSettings`, or None for no adapters.
    """

    backbone: Mapping[str, Any] = field(default_factory=lambda: {"size": "base"})
    fusion: Mapping[str, Any] = field(default_factory=lambda: {"hidden_dim": 2560, "num_heads": 16})
    head: Mapping[str, Any] = field(default_factory=lambda: {"kind": "softmax", "num_levels": 4})
    lora: Mapping[str, Any] | None = None


@contextmanager
def empty_weights() -> Iterator[None]:
    """Build modules on the meta device, without time or memory for weights that get replaced."""
    with torch.device("meta"), _NoRandomNumbers():
        yield


class _NoRandomNumbers(TorchFunctionMode):
    """Skip random initialisation, for which torch imports its compiler on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        is_init = getattr(func, "__module__", "") == "torch.nn.init"
        if is_init or func in (Tensor.normal_, Tensor.uniform_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def build_backbone(arguments: Mapping[str, Any]) -> TimeSformer:
    """Build a `TimeSformer` from plain values, with fresh weights.

    Raises:
        ConfigError: a misspelt or impossible argument, with its name.
    """
    values = dict(arguments)
    size = values.pop("size", None)
    _check_keys("backbone", values, TimeSformer.__init__)
    if isinstance(values.get("img_size"), list):
        values["img_size"] = tuple(values["img_size"])
    if size is None:
        return _build("backbone", TimeSformer, values)
    return _build("backbone", TimeSformer.from_size, {"size": size, **values})


def build_model(config: ModelConfig) -> ProficiencyModel:
    """Build the model of `config`, with fresh weights.

    Raises:
        ConfigError: a misspelt or impossible argument, with its name and section.
    """
    backbone = build_backbone(config.backbone)
    fusion = _build_kind("fusion", FUSIONS, config.fusion, "attention", width=backbone.embed_dim)
    head = _build_kind("head", HEADS, config.head, "softmax", width=backbone.embed_dim)
    model = _build(
        "fusion", ProficiencyModel, {"backbone": backbone, "fusion": fusion, "head": head}
    )
    if config.lora is not None:
        _check_keys("lora", config.lora, LoraSettings.__init__)
        settings = _build("lora", LoraSettings, dict(config.lora))
        _build("lora", apply_lora, {"model": model, "settings": settings})
    return model


def _build_kind(
    section: str,
    kinds: Mapping[str, type[nn.Module]],
    arguments: Mapping[str, Any],
    default: str,
    *,
    width: int,
) -> Any:
    values = {"embed_dim": width, **arguments}
    kind = values.pop("kind", default)
    if kind not in kinds:
        raise ConfigError(f"{section}.kind={kind!r}: allowed are {', '.join(kinds)}")
    _check_keys(section, values, kinds[kind].__init__)
    return _build(section, kinds[kind], values)


def _build(section: str, make: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return make(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{section}: {error}") from error


def _check_keys(section: str, arguments: Mapping[str, Any], target: Callable[..., Any]) -> None:
    allowed = [name for name in inspect.signature(target).parameters if name != "self"]
    for key in arguments:
        if key not in allowed:
            close = difflib.get_close_matches(str(key), allowed, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(allowed)}"
            raise ConfigError(f"{section} has the unknown key {key!r}; {hint}")


def _check_clips(clips: Tensor) -> None:
    if clips.ndim != 6:
        raise ValueError(f"clips of shape {tuple(clips.shape)}: expected (B, V, C, T, H, W)")
