"""Import of foreign weights: official TimeSformer files, transformers' models, timm image ViTs.

Every route ends in a backbone directory (`backbone.py`) that records licence, normalisation and
source. Files are read as tensors only; a file that asks for more is refused.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from proskill.errors import CheckpointError
from proskill.input_spec import InputSpec
from proskill.models.backbone import BackboneConfig, save_backbone
from proskill.models.directory import fit_tensors, read_json, read_safetensors
from proskill.models.proficiency import empty_weights
from proskill.models.timesformer import TimeSformer
from proskill.models.weight_names import (
    from_official,
    from_transformers,
    infer_config,
    inflate_vit,
)

TIMESFORMER_LICENCE = "CC-BY-NC-4.0"
UNKNOWN_LICENCE = "unknown: ask whoever made the weights before using them in a product"

_OFFICIAL_MEAN, _OFFICIAL_STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
_HALF = (0.5, 0.5, 0.5)
_KINETICS_FRAME_RATE = 30.0
# Strides in frames at which the released models were trained, by their number of frames.
_RELEASED_STRIDES = {8: 32, 16: 16, 96: 4}
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class _Source:
    """Tensors under our names and what is known about them."""

    state: Mapping[str, Tensor]
    licence: str
    origin: str
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF
    data: str = "unknown"
    num_heads: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


def import_weights(
    source: str | Path,
    out: str | Path,
    *,
    num_frames: int | None = None,
    num_heads: int | None = None,
    frame_interval_seconds: float | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    licence: str | None = None,
) -> BackboneConfig:
    """Convert weights made elsewhere to a backbone directory.

    Args:
        source: an official `.pyth` file; a transformers TimeSformer directory or hub name
            (`facebook/timesformer-base-finetuned-k400`); a timm ViT's name
            (`vit_small_patch16_224`), hub directory or weight file, which is inflated to video.
        out: the directory to write.
        num_frames: frames of the time embedding when an image model is inflated (default 8).
        num_heads: attention heads, where the source does not record them and there is not one per
            64 channels.
        frame_interval_seconds: time between frames; by default the released models' own, or 1/8 s
            after inflation.
        mean: normalisation to record instead of the source's.
        std: likewise.
        licence: licence to record instead of the source's.

    Returns:
        The content of `config.json`.

    Raises:
        CheckpointError: a source that is missing, unsafe, incomplete or not reachable; one sentence
            that names it.
    """
    frames = 8 if num_frames is None else num_frames
    if frames < 1:
        raise CheckpointError(f"num_frames={frames}: must be 1 or more")
    found = _read_source(str(source), frames)
    arguments = infer_config(found.state, num_heads=num_heads or found.num_heads)
    with empty_weights():
        model = TimeSformer(**{**arguments, "img_size": tuple(arguments["img_size"])})
    fit_tensors(model, found.state, where=str(source))
    interval = frame_interval_seconds
    if interval is None:
        stride = _RELEASED_STRIDES.get(arguments["num_frames"], 4)
        inflated = "inflated_from" in found.notes
        interval = 0.125 if inflated else stride / _KINETICS_FRAME_RATE
    try:
        spec = InputSpec(
            num_frames=arguments["num_frames"],
            frame_interval_seconds=interval,
            img_size=tuple(arguments["img_size"]),
            mean=mean or found.mean,
            std=std or found.std,
        )
    except ValueError as error:
        raise CheckpointError(f"{source}: {error}") from error
    config = BackboneConfig(
        backbone=model.config,
        input=spec,
        licence=licence or found.licence,
        source=found.origin,
        data=found.data,
        training=found.notes,
    )
    save_backbone(out, model, config)
    return config


def _read_source(source: str, num_frames: int) -> _Source:
    path = Path(source)
    if path.is_file():
        return _from_state(_read_tensors(path), origin=path.name, num_frames=num_frames)
    if path.is_dir():
        return _read_directory(path, origin=path.resolve().name, num_frames=num_frames)
    looks_like_path = source.startswith((".", "/", "~")) or path.suffix in {
        ".pyth", ".pth", ".pt", ".bin", ".safetensors"
    }  # fmt: skip
    if looks_like_path:
        raise CheckpointError(f"{source}: no such file or directory; check the path")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        return _read_directory(_download(source), origin=source, num_frames=num_frames)
    import timm  # takes seconds, which other sources do not need

    if timm.is_model(source) and (
        hub := getattr(timm.get_pretrained_cfg(source), "hf_hub_id", None)
    ):
        return _read_directory(_download(hub), origin=hub, num_frames=num_frames)
    raise CheckpointError(
        f"{source}: neither a file, a directory, a hub name (owner/name) nor a timm model with "
        "weights; check the spelling"
    )


def _read_directory(path: Path, *, origin: str, num_frames: int) -> _Source:
    config = read_json(path / "config.json")
    if config.get("kind") in ("backbone", "proficiency"):
        raise CheckpointError(
            f"{path}: is a directory of proskill already; load it as it is, it needs no import"
        )
    file = next((path / name for name in _WEIGHT_FILES if (path / name).is_file()), None)
    if file is None:
        raise CheckpointError(
            f"{path}: has neither {' nor '.join(_WEIGHT_FILES)}; download one of them into it"
        )
    state = _read_tensors(file)
    if config.get("model_type") == "timesformer":
        return _from_transformers(path, config, state, origin=origin)
    if "architecture" in config:
        return _from_timm(config, state, origin=origin, num_frames=num_frames)
    raise CheckpointError(
        f"{path / 'config.json'}: model_type is {config.get('model_type')!r}; "
        "give a TimeSformer of transformers or a ViT of timm"
    )


def _from_transformers(
    path: Path, config: Mapping[str, Any], state: Mapping[str, Tensor], *, origin: str
) -> _Source:
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        raise CheckpointError(
            f"{path / 'config.json'}: hidden_act is {activation!r}, a TimeSformer here has "
            f"'gelu'; give another model"
        )
    mean, std = _HALF, _HALF
    preprocessor = path / "preprocessor_config.json"
    if preprocessor.is_file():
        values = read_json(preprocessor)
        mean, std = values.get("image_mean", mean), values.get("image_std", std)
    ours = {k: v for k, v in from_transformers(state).items() if not k.startswith("head.")}
    heads = config.get("num_attention_heads", 12)  # transformers leaves defaults out of some files
    return _Source(
        ours,
        TIMESFORMER_LICENCE,
        f"transformers: {origin}",
        tuple(mean),
        tuple(std),
        num_heads=heads,
    )


def _from_timm(
    config: Mapping[str, Any], state: Mapping[str, Tensor], *, origin: str, num_frames: int
) -> _Source:
    import timm

    architecture = str(config["architecture"])
    cfg = config.get("pretrained_cfg") or {}
    known = timm.get_pretrained_cfg(
        f"{architecture}.{cfg['tag']}" if cfg.get("tag") else architecture, allow_unregistered=True
    )
    inflated = inflate_vit(state, num_frames=num_frames)  # refuses a model that is no ViT
    licence = cfg.get("license") or getattr(known, "license", None) or UNKNOWN_LICENCE
    num_heads = None
    if timm.is_model(architecture):
        with torch.device("meta"):
            blocks = getattr(timm.create_model(architecture), "blocks", None)
        num_heads = getattr(getattr(blocks[0], "attn", None), "num_heads", None) if blocks else None
    return _Source(
        inflated,
        licence,
        f"timm: {origin}",
        tuple(cfg.get("mean", _HALF)),
        tuple(cfg.get("std", _HALF)),
        num_heads=num_heads,
        notes={"inflated_from": architecture},
    )


def _from_state(state: Mapping[str, Tensor], *, origin: str, num_frames: int) -> _Source:
    """Recognise a bare file by the names of its tensors."""
    ours = from_official({key.removeprefix("module."): value for key, value in state.items()})
    if any(key.startswith(("timesformer.", "encoder.layer.")) for key in ours):
        ours = {k: v for k, v in from_transformers(ours).items() if not k.startswith("head.")}
        return _Source(ours, TIMESFORMER_LICENCE, f"transformers file: {origin}")
    if "time_embed" in ours or any(".temporal_attn." in key for key in ours):
        ours = {k: v for k, v in ours.items() if not k.startswith("head.")}
        origin = f"official release: {origin}"
        return _Source(ours, TIMESFORMER_LICENCE, origin, _OFFICIAL_MEAN, _OFFICIAL_STD)
    return _Source(
        inflate_vit(ours, num_frames=num_frames),
        UNKNOWN_LICENCE,
        f"image ViT file: {origin}",
        notes={"inflated_from": origin},
    )


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols; what matters ends in an error
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        what = re.search(r"GLOBAL ([\w.]+)", str(error))
        holds = f"it asks for {what[1]}" if what else "it holds more than tensors"
        raise CheckpointError(
            f"{path}: refused, because {holds} and loading it could run code; where you trust it, "
            "save only its tensors with safetensors.torch.save_file and import that file"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path}: not a whole PyTorch weight file ({first_line}); download it again"
        ) from error
    for key in ("model_state", "state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{path}: holds no tensors by name; give a file with a state dict")
    for key, value in content.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"{path}: the entry {key!r} is a {type(value).__name__}, not a tensor; give a "
                f"file with a state dict"
            )
    return dict(content)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["config.json", "preprocessor_config.json", *_WEIGHT_FILES]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises its own, requests' and httpx's kinds
        raise CheckpointError(
            f"{name}: not reachable on the hub and not in the local cache; where there is a "
            f"network, download config.json, preprocessor_config.json and {_WEIGHT_FILES[0]} from "
            f"https://huggingface.co/{name} into a directory, and give that directory as the source"
        ) from error
