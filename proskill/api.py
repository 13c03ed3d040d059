"""Functions of the top level: `proskill.load`, `list_models`, `create_model` and `fit`.

Packages are imported inside the functions, so that `import proskill` loads no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from proskill.errors import CheckpointError
from proskill.shipped_files import find_checkpoint, find_config, list_configs

if TYPE_CHECKING:
    from proskill.models import ProficiencyModel
    from proskill.scoring import Scorer

_HUB = "hf://"


def load(name: str | Path = "demo", *, device: str = "cpu") -> Scorer:
    """Load a scorer.

    >>> load("demo").config.levels
    ('Novice', 'Early Expert', 'Intermediate Expert', 'Late Expert')

    Args:
        name: a checkpoint directory, the name of a shipped one ("demo"), or
            "hf://org/name@revision" for one on the Hugging Face hub, the only use of the network.
        device: "cpu" or "cuda".

    Raises:
        CheckpointError: no such checkpoint, or one that is incomplete, unsafe or not reachable.
    """
    from proskill.scoring import Scorer

    return Scorer.from_checkpoint(_find(str(name)), device=device)


def list_models() -> list[str]:
    """List the names for `create_model`, one for each published setting under `configs/`.

    >>> "skillformer_ego_exos" in list_models()
    True
    """
    return list(list_configs())


def create_model(
    name: str, *, num_levels: int = 4, backbone: str | Path | None = None, seed: int = 0
) -> ProficiencyModel:
    """Build the model of a published setting, ready for training.

    >>> model = create_model("skillformer_ego_exos", num_levels=4)
    >>> sum(p.numel() for p in model.parameters() if p.requires_grad)
    27021062

    Args:
        name: one of `list_models()`, or a YAML file.
        num_levels: classes of the head.
        backbone: directory of backbone weights, as `proskill weights import` writes it. None takes
            the one that the setting names if it is there, and random weights if not.
        seed: of initial weights.

    Raises:
        ConfigError: an unknown name, or settings that the model refuses.
        CheckpointError: `backbone` cannot be loaded.
    """
    from proskill.models import LoraSettings
    from proskill.training.model_bundle import build_bundle, make_targets
    from proskill.training.settings import (
        BackboneSettings,
        FusionSettings,
        HeadSettings,
        InputSettings,
    )

    content = _settings(find_config(name))["model"]
    given, clip = content["backbone"], content.get("input", {})
    weights = Path(backbone) if backbone is not None else _weights_of(given)
    frames = {"num_frames": clip["num_frames"]} if "num_frames" in clip else {}
    new = {**(given.get("config") or {"size": "base"}), **frames}
    source = {"path": None, "config": new} if weights is None else {"path": str(weights)}
    head = HeadSettings(
        kind=content["head"]["kind"],
        levels=tuple(f"level {number}" for number in range(1, num_levels + 1)),
        skills=tuple(content["head"].get("skills") or ()),
    )
    lora = LoraSettings(**content["lora"]) if content.get("lora") else None
    model = build_bundle(
        backbone=BackboneSettings(**{**given, "config": None, **source}),
        input=InputSettings(),
        fusion=FusionSettings(**content["fusion"]),
        head=head,
        targets=make_targets(head, ranks_by_rating=False),
        lora=lora,
        seed=seed,
    ).model
    if lora is None and not given.get("train"):
        model.freeze_backbone()
    return model


def fit(manifest: str | Path, *, config: str | Path = "demo", **options: Any) -> Path:
    """Train a model as `proskill fit` does, and return its checkpoint directory.

    >>> checkpoint = fit("my/manifest.csv", config="demo", max_epochs=20)  # doctest: +SKIP

    Args:
        manifest: the takes: a manifest, or a folder of Ego-Exo4D, BASKET or ProSkill.
        config: a YAML file, or the name of one under `configs/`.
        **options: keys of the config with `__` for dots (`model__optim__lr=1e-3`); a name without
            a group is the trainer's (`max_epochs=20`, `default_root_dir="runs/mine"`).

    Raises:
        ConfigError: an unknown config, key or value.
        ProskillError: bad data or a broken video.
    """
    from proskill.training.lightning_cli import main
    from proskill.training.run import CHECKPOINT_FOLDER

    path = find_config(str(config))
    content = _settings(path)
    dotted = {_dotted(name): value for name, value in options.items()}
    if (shipped := _weights_of(content["model"].get("backbone") or {})) is not None:
        dotted.setdefault("model.backbone.path", shipped)
    folder = Path(dotted.get("trainer.default_root_dir", content["trainer"]["default_root_dir"]))
    values = [f"--{key}={_text(value)}" for key, value in dotted.items()]
    main("fit", ["--config", str(path), f"--data.source={manifest}", *values])
    return folder / CHECKPOINT_FOLDER


def _find(name: str) -> Path:
    if name.startswith(_HUB):
        return _download(name.removeprefix(_HUB))
    if Path(name).is_dir():
        return Path(name)
    found = find_checkpoint(name) if Path(name).name == name else None
    if found is None:
        raise CheckpointError(
            f"{name!r}: neither a checkpoint directory nor shipped; give a directory, 'demo' or "
            "'hf://org/name@revision'"
        )
    return found


def _download(address: str) -> Path:
    from huggingface_hub import snapshot_download

    from proskill.models import read_checkpoint_config

    name, _, revision = address.partition("@")
    wanted = ["config.json", "model.safetensors", "calibration.json", "README.md"]
    try:
        found = Path(snapshot_download(name, revision=revision or None, allow_patterns=wanted))
    except Exception as error:  # the hub's client raises its own, requests' and httpx's kinds
        raise CheckpointError(
            f"{_HUB}{address}: not reachable on the hub and not in the local cache "
            f"({type(error).__name__}); check name, revision and network, or give a directory"
        ) from error
    read_checkpoint_config(found)
    return found


def _settings(config: Path) -> Any:
    """Return the content of a YAML configuration."""
    import yaml

    return yaml.safe_load(config.read_text(encoding="utf-8"))


def _weights_of(backbone: dict[str, Any]) -> Path | None:
    """Return the weights that a setting's backbone names, if they are there or shipped."""
    path = Path(backbone.get("path") or "")
    if path != Path() and path.is_dir():
        return path
    return find_checkpoint(path.name) if path.parent == Path("checkpoints") else None


def _dotted(name: str) -> str:
    top = ("monitor", "mode", "patience", "seed_everything", "ckpt_path")
    return name.replace("__", ".") if "__" in name or name in top else f"trainer.{name}"


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
