"""LoRA adapters (Hu et al. 2021, arXiv 2106.09685) by peft on a `ProficiencyModel`.

Each model chooses its adapted layers among the blocks of the backbone and the attention between
views. The rest of the backbone is frozen; fusion and head train fully, unless the fusion's
attention is adapted, which freezes that attention's own weights.

Not here: training. Without settings nothing of peft is imported.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn

BACKBONE_LAYERS = (
    "attn.qkv",
    "attn.proj",
    "temporal_attn.qkv",
    "temporal_attn.proj",
    "temporal_fc",
    "mlp.fc1",
    "mlp.fc2",
)
FUSION_LAYERS = ("attn.qkv", "attn.proj")


@dataclass(frozen=True)
class LoraSettings:
    """Places and sizes of adapters.

    Attributes:
        r: rank.
        lora_alpha: scale of the update times `r`; None for SkillFormer's `2 * r`.
        lora_dropout: dropout on an adapter's input.
        target_modules: layers of each chosen block, from `BACKBONE_LAYERS`; empty for none in the
            backbone.
        blocks: indices of the chosen blocks, None for all of them.
        adapt_fusion: also adapt (and freeze) the fusion's attention.

    Raises:
        ValueError: an argument outside its range, or no layer chosen at all.
    """

    r: int = 32
    lora_alpha: float | None = None
    lora_dropout: float = 0.1
    target_modules: tuple[str, ...] = field(default=BACKBONE_LAYERS)
    blocks: tuple[int, ...] | None = None
    adapt_fusion: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_modules", tuple(self.target_modules))
        object.__setattr__(self, "blocks", None if self.blocks is None else tuple(self.blocks))
        if self.r < 1:
            raise ValueError(f"r={self.r}: must be 1 or more")
        if self.lora_alpha is not None and not (
            math.isfinite(self.lora_alpha) and self.lora_alpha > 0
        ):
            raise ValueError(f"lora_alpha={self.lora_alpha}: must be above 0, or None for 2 * r")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"lora_dropout={self.lora_dropout}: must be in [0, 1)")
        for name in self.target_modules:
            if name not in BACKBONE_LAYERS:
                raise ValueError(
                    f"target_modules has {name!r}: allowed are {', '.join(BACKBONE_LAYERS)}"
                )
        if not self.adapt_fusion and (not self.target_modules or self.blocks == ()):
            raise ValueError(
                "target_modules or blocks is empty and adapt_fusion is off: nothing would be "
                "adapted"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON keeps."""
        return asdict(self)


def apply_lora(model: nn.Module, settings: LoraSettings) -> None:
    """Freeze the backbone and add adapters to it, in place; untrained adapters change no output.

    Args:
        model: has `backbone` (a `TimeSformer`) and `fusion` (a `CrossViewFusion`).
        settings: places and sizes.

    Raises:
        ValueError: the model has adapters already, or a block or layer that it lacks is chosen.
    """
    if has_lora(model):
        raise ValueError("the model has LoRA adapters already: merge them before adding others")
    from peft import LoraConfig, inject_adapter_in_model

    names = _target_names(model, settings)
    fusion_trains = {
        name for name, _ in model.named_parameters() if not name.startswith("backbone.")
    }
    if settings.adapt_fusion:
        fusion_trains = {name for name in fusion_trains if not name.startswith("fusion.attn.")}
    alpha = 2 * settings.r if settings.lora_alpha is None else settings.lora_alpha
    config = LoraConfig(
        r=settings.r,
        lora_alpha=alpha,  # type: ignore[arg-type]
        lora_dropout=settings.lora_dropout,
        target_modules="|".join(re.escape(name) for name in names),
    )
    inject_adapter_in_model(config, model)  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():
        parameter.requires_grad = ".lora_" in name or name in fusion_trains


def merge_lora(model: nn.Module) -> None:
    """Fold every adapter into its layer, in place; the output stays the same.

    Frozen parameters stay frozen. A model without adapters is left as it is.
    """
    for name, module in list(model.named_modules()):
        if not _is_adapted(module):
            continue
        module.merge(safe_merge=True)  # type: ignore[operator]
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, module.get_base_layer())  # type: ignore[operator]


def has_lora(model: nn.Module) -> bool:
    """Return whether any layer of `model` carries an adapter."""
    return any(_is_adapted(module) for module in model.modules())


def _is_adapted(module: nn.Module) -> bool:
    return hasattr(module, "lora_A") and hasattr(module, "get_base_layer")


def _target_names(model: nn.Module, settings: LoraSettings) -> list[str]:
    depth = len(model.get_submodule("backbone.blocks"))  # type: ignore[arg-type]
    blocks = range(depth) if settings.blocks is None else settings.blocks
    names = [f"backbone.blocks.{i}.{layer}" for i in blocks for layer in settings.target_modules]
    if settings.adapt_fusion:
        names += [f"fusion.{layer}" for layer in FUSION_LAYERS]
    present = {name for name, _ in model.named_modules()}
    for name in names:
        if name not in present:
            raise ValueError(
                f"{name!r} is not in the model: it has {depth} blocks (0..{depth - 1}); choose "
                "blocks and target_modules that exist"
            )
    return names
