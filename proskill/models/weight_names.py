"""Tensor names: ours (the official release's), transformers', and those of timm image ViTs.

Renames keys and inflates an image model to a video model. Not here: files (`weights.py`).

Shapes: N patches of a frame, T frames, D embedding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from proskill.errors import CheckpointError

_PREFIX = "timesformer."
_OUTSIDE_BLOCKS = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "time_embed": "embeddings.time_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "norm": "layernorm",
}
_IN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "temporal_norm1": "temporal_layernorm",
    "attn.qkv": "attention.attention.qkv",
    "attn.proj": "attention.output.dense",
    "temporal_attn.qkv": "temporal_attention.attention.qkv",
    "temporal_attn.proj": "temporal_attention.output.dense",
    "temporal_fc": "temporal_dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)")
_PARAMETER = re.compile(r"(.+?)(\.weight|\.bias)?")


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename our tensors to those of transformers' `TimesformerForVideoClassification`.

    Raises:
        CheckpointError: a tensor that transformers' model does not have.
    """
    return {_rename(key, _to_transformers_stem): value for key, value in state.items()}


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename transformers' tensors (with or without the prefix `timesformer.`) to ours.

    Raises:
        CheckpointError: a tensor whose name is not one of transformers' TimeSformer.
    """
    return {
        _rename(key.removeprefix(_PREFIX), _from_transformers_stem): value
        for key, value in state.items()
    }


def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the official release's tensors (with or without the prefix `model.`) to ours."""
    return {key.removeprefix("model."): value for key, value in state.items()}


def inflate_vit(state: Mapping[str, Tensor], *, num_frames: int) -> dict[str, Tensor]:
    """Inflate a timm image ViT to a TimeSformer with the same output on a still clip.

    Space attention, norms and MLP are the image model's; time attention is a copy of space
    attention, and its output layer `temporal_fc` and the time embedding are zero. LayerScale is
    folded into the projections that it scales. The classifier is left out.

    Raises:
        CheckpointError: a model with parts that TimeSformer lacks; names the first of them.
    """
    image = {k: v for k, v in state.items() if not re.match(r"(head|fc_norm|pre_logits)(\.|$)", k)}
    image = _fold_layer_scale(image)
    if "pos_embed" not in image or "patch_embed.proj.weight" not in image:
        missing = "pos_embed" if "pos_embed" not in image else "patch_embed.proj.weight"
        raise CheckpointError(
            f"tensor {missing!r} is missing: the source is neither a TimeSformer nor a timm image "
            "ViT; give a ViT with a class token and an absolute position embedding"
        )
    dim = image["pos_embed"].shape[-1]
    if math.isqrt(image["pos_embed"].shape[1]) ** 2 == image["pos_embed"].shape[1]:
        nothing = image["pos_embed"].new_zeros(1, 1, dim)  # timm's no_embed_class
        image["pos_embed"] = torch.cat([nothing, image["pos_embed"]], dim=1)  # (1, 1 + N, D)

    video: dict[str, Tensor] = {}
    for key, value in image.items():
        video[key] = value
        block = _BLOCK.fullmatch(key)
        if block is None:
            continue
        index, rest = block.groups()
        name = _split(rest)[0]
        if name not in _IN_BLOCK:
            raise CheckpointError(
                f"tensor {key!r} has no place in a TimeSformer; give a plain ViT (fused qkv, MLP "
                f"with fc1 and fc2)"
            )
        if name == "norm1":
            video[f"blocks.{index}.temporal_norm1{rest[len(name) :]}"] = value.clone()
        elif name.startswith("attn."):
            video[f"blocks.{index}.temporal_{rest}"] = value.clone()
        if rest == "norm1.weight":
            video[f"blocks.{index}.temporal_fc.weight"] = value.new_zeros(dim, dim)
            video[f"blocks.{index}.temporal_fc.bias"] = value.new_zeros(dim)
    video["time_embed"] = image["pos_embed"].new_zeros(1, num_frames, dim)
    return video


def infer_config(state: Mapping[str, Tensor], *, num_heads: int | None = None) -> dict[str, Any]:
    """Infer `TimeSformer` arguments from the shapes of a state under our names.

    Args:
        state: tensors under our names, without a classifier.
        num_heads: attention heads, which no shape determines; by default one per 64 channels, as
            in every release.

    Raises:
        CheckpointError: a tensor that determines the size is missing or misshapen.
    """
    pos, proj = _need(state, "pos_embed", 3), _need(state, "patch_embed.proj.weight", 4)
    fc1 = _need(state, "blocks.0.mlp.fc1.weight", 2)
    depth = 1 + max(int(m[1]) for m in map(_BLOCK.fullmatch, state) if m)
    side = math.isqrt(pos.shape[1] - 1)
    if side * side != pos.shape[1] - 1:
        raise CheckpointError(
            f"tensor 'pos_embed' has {pos.shape[1]} entries, which is not 1 + a square number of "
            "patches; give weights of a model with one class token and a square picture"
        )
    divided = "blocks.0.temporal_attn.qkv.weight" in state
    dim, patch = int(pos.shape[2]), int(proj.shape[2])
    return {
        "img_size": [side * patch, side * patch],
        "patch_size": patch,
        "num_frames": int(state["time_embed"].shape[1]) if "time_embed" in state else 8,
        "in_chans": int(proj.shape[1]),
        "embed_dim": dim,
        "depth": depth,
        "num_heads": num_heads or max(dim // 64, 1),
        "mlp_ratio": fc1.shape[0] / dim,
        "qkv_bias": "blocks.0.attn.qkv.bias" in state,
        "attention_type": "divided_space_time"
        if divided
        else ("joint_space_time" if "time_embed" in state else "space_only"),
    }


def _need(state: Mapping[str, Tensor], key: str, ndim: int) -> Tensor:
    if key not in state:
        raise CheckpointError(
            f"tensor {key!r} is missing: the source is neither a TimeSformer nor a timm image ViT; "
            "give one of these, whole"
        )
    if state[key].ndim != ndim:
        raise CheckpointError(
            f"tensor {key!r} has shape {tuple(state[key].shape)}, expected {ndim} dimensions; "
            f"give an unaltered file"
        )
    return state[key]


def _fold_layer_scale(state: dict[str, Tensor]) -> dict[str, Tensor]:
    folded = {k: v for k, v in state.items() if not re.search(r"\.ls[12]\.gamma$", k)}
    for key, gamma in state.items():
        match = re.fullmatch(r"(blocks\.\d+)\.ls([12])\.gamma", key)
        if match:
            layer = f"{match[1]}.{'attn.proj' if match[2] == '1' else 'mlp.fc2'}"
            folded[f"{layer}.weight"] = state[f"{layer}.weight"] * gamma[:, None]
            folded[f"{layer}.bias"] = state[f"{layer}.bias"] * gamma
    return folded


def _split(key: str) -> tuple[str, str]:
    """Split `attn.qkv.weight` into `attn.qkv` and `.weight`."""
    match = _PARAMETER.fullmatch(key)
    assert match is not None
    return match[1], match[2] or ""


def _rename(key: str, rename: Any) -> str:
    stem, suffix = _split(key)
    new = rename(stem)
    if new is None:
        raise CheckpointError(
            f"tensor {key!r} has no counterpart in the other naming of TimeSformer; "
            "give weights of the official release's or of transformers' TimeSformer"
        )
    return f"{new}{suffix}"


def _to_transformers_stem(stem: str) -> str | None:
    if stem == "head":
        return "classifier"
    block = _BLOCK.fullmatch(stem)
    if block:
        inner = _IN_BLOCK.get(block[2])
        return inner and f"{_PREFIX}encoder.layer.{block[1]}.{inner}"
    outer = _OUTSIDE_BLOCKS.get(stem)
    return outer and _PREFIX + outer


def _from_transformers_stem(stem: str) -> str | None:
    if stem == "classifier":
        return "head"
    layer = _LAYER.fullmatch(stem)
    if layer:
        inner = _OURS_IN_BLOCK.get(layer[2])
        return inner and f"blocks.{layer[1]}.{inner}"
    return _OURS_OUTSIDE_BLOCKS.get(stem)


_OURS_IN_BLOCK = {theirs: ours for ours, theirs in _IN_BLOCK.items()}
_OURS_OUTSIDE_BLOCKS = {theirs: ours for ours, theirs in _OUTSIDE_BLOCKS.items()}
