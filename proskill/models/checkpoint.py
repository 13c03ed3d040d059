"""Checkpoints of whole models as directories: configuration, weights, card, calibration.

The directory needs nothing else to be loaded, and loading it runs no code from it. Not here:
resuming a training run, for which Lightning writes `.ckpt` files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from proskill.errors import CheckpointError, ConfigError
from proskill.input_spec import InputSpec
from proskill.models.directory import (
    CALIBRATION,
    CONFIG,
    WEIGHTS,
    check_fit,
    digest,
    load_weights,
    read_config,
    read_json,
    write_directory,
)
from proskill.models.lora import has_lora, merge_lora
from proskill.models.proficiency import ModelConfig, ProficiencyModel, build_model, empty_weights

KIND = "proficiency"

LIMITS = """\
- The level is an estimate from video of the kind described under *Data*; on other footage it
  means nothing.
- Levels are those of the labels: they compare performances within an activity, not people.
- Not for decisions about a person without someone who knows the activity looking at the video.
"""


@dataclass(frozen=True)
class CheckpointConfig:
    """`config.json` of a checkpoint.

    Attributes:
        model: arguments of `build_model`.
        input: input format of the training.
        levels: names of the skill levels, lowest first, one per class of the head.
        skills: names of the skills, one per skill of the head; empty for a head of one level.
        licence: of the weights; that of the backbone they come from binds them too.
        source: origin of the weights.
        data: training data, and whether it was simulated.
        metrics: measured values by name, with the data they were measured on.
        training: settings of the run, free-form.

    Raises:
        ValueError: a value outside its range, or levels that do not fit the head.
    """

    model: ModelConfig
    input: InputSpec
    levels: tuple[str, ...]
    licence: str
    source: str
    data: str
    skills: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("levels", "skills"):
            names = tuple(getattr(self, name))
            object.__setattr__(self, name, names)
            if len(set(names)) != len(names) or not all(names):
                raise ValueError(f"{name}={names}: names must be distinct and not empty")
        num_levels = self.model.head.get("num_levels")
        if num_levels != len(self.levels):
            raise ValueError(
                f"levels has {len(self.levels)} names, the head has num_levels={num_levels}: they "
                "must agree"
            )
        num_skills = self.model.head.get("num_skills", 1)
        if num_skills != (len(self.skills) or 1):
            raise ValueError(
                f"skills has {len(self.skills)} names, the head has num_skills={num_skills}: they "
                "must agree"
            )
        for name in ("licence", "source", "data"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty: say it, or write 'unknown'")

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values; skills only where there are some."""
        values = asdict(self)
        return values if self.skills else {k: v for k, v in values.items() if k != "skills"}


@dataclass(frozen=True)
class LoadedCheckpoint:
    """Content of a checkpoint directory.

    Attributes:
        model: in evaluation mode.
        config: as stored.
        calibration: content of `calibration.json`, None if there is none.
        sha256: over `config.json`, `model.safetensors` and `calibration.json`, one after the other.
    """

    model: ProficiencyModel
    config: CheckpointConfig
    calibration: dict[str, Any] | None
    sha256: str


def save_checkpoint(
    directory: str | Path,
    model: ProficiencyModel,
    config: CheckpointConfig,
    *,
    calibration: Mapping[str, Any] | None = None,
    card: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a model as a directory, whole or not at all.

    Args:
        directory: an earlier checkpoint there is replaced, anything else there is refused.
        model: with its adapters, if it has any.
        config: must describe `model`. Taken from the model itself: all arguments of backbone and
            fusion, and the absence of adapters that were merged.
        calibration: content of `calibration.json`, plain values.
        card: Markdown to add to the README.
        dtype: of stored values; float16 halves the file, and loading gives float32 either way.

    Raises:
        CheckpointError: `config` does not describe `model`, the place is taken, or the disk is
            full.
    """
    described = replace(
        config.model,
        backbone=model.backbone.config,
        fusion=model.fusion.config,
        lora=config.model.lora if has_lora(model) else None,
    )
    config = replace(config, model=described)
    state = model.state_dict()
    with empty_weights():
        expected = build_model(described).state_dict()
    check_fit(expected, state, where="config.model against the model to be saved")
    write_directory(
        Path(directory),
        config={"kind": KIND, **config.to_dict()},
        state=state,
        card=_card(Path(directory).name, config, card),
        calibration=calibration,
        dtype=dtype,
    )


def load_checkpoint(directory: str | Path, *, merge: bool = True) -> LoadedCheckpoint:
    """Load a checkpoint directory.

    Args:
        directory: with `config.json` and `model.safetensors`.
        merge: fold LoRA adapters into their layers, which is faster and needs no peft afterwards;
            false to train on.

    Raises:
        CheckpointError: anything missing, surplus, misshapen or unsafe; one sentence that names it.
    """
    path = Path(directory)
    config = read_checkpoint_config(path)
    try:
        with empty_weights():
            model = build_model(config.model)
    except ConfigError as error:
        raise CheckpointError(f"{path / CONFIG}: model.{error}") from error
    load_weights(model, path / WEIGHTS)
    if merge:
        merge_lora(model)
    calibration = read_json(path / CALIBRATION) if (path / CALIBRATION).exists() else None
    return LoadedCheckpoint(model.eval(), config, calibration, digest(path))


def read_checkpoint_config(directory: str | Path) -> CheckpointConfig:
    """Read `config.json` of a checkpoint, without its weights.

    Raises:
        CheckpointError: missing or wrong.
    """
    return read_config(Path(directory), CheckpointConfig, name=KIND)


def _card(name: str, config: CheckpointConfig, more: str | None) -> str:
    spec = config.input
    lines = [
        f"# {name}",
        "",
        f"Video of a performance, one or several views, to one of {len(config.levels)} skill "
        f"levels: {', '.join(config.levels)}.",
        "",
        *([f"Skills judged: {', '.join(config.skills)}.", ""] if config.skills else []),
        f"- **Licence of the weights**: {config.licence}",
        f"- **Source**: {config.source}",
        f"- **Data**: {config.data}",
        f"- **Input**: {spec.described}",
        "",
        "## Metrics",
        "",
    ]
    if config.metrics:
        lines += ["| metric | value |", "|---|---|"]
        lines += [f"| {key} | {_cell(value)} |" for key, value in config.metrics.items()]
    else:
        lines.append("None were recorded: treat its output as unproven.")
    lines += ["", "## Limits", "", LIMITS]
    return "\n".join(lines) + (f"\n{more.rstrip()}\n" if more else "")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
