"""A backbone on its own as a directory: weights, how its input must look, and its licence.

Not here: turning foreign files into such a directory (`weights.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from proskill.errors import CheckpointError, ConfigError
from proskill.models.directory import (
    CONFIG,
    WEIGHTS,
    from_mapping,
    load_weights,
    read_config,
    write_directory,
)
from proskill.models.proficiency import build_backbone
from proskill.models.timesformer import TimeSformer

KIND = "backbone"


@dataclass(frozen=True)
class InputSpec:
    """What a model was trained to see.

    Attributes:
        num_frames: frames of a clip.
        frame_interval_seconds: time from one frame of a clip to the next; None for frames spread
            evenly over the whole take, which is one clip then.
        img_size: (H, W) in pixels.
        mean: per channel, subtracted from values in [0, 1].
        std: per channel, divided by afterwards.
        num_windows: clips that stand for a whole take; None for as many as cover it.

    Raises:
        ValueError: a value outside its range.
    """

    num_frames: int
    frame_interval_seconds: float | None
    img_size: tuple[int, int]
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    num_windows: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "img_size", tuple(int(side) for side in self.img_size))
        object.__setattr__(self, "mean", tuple(float(value) for value in self.mean))
        object.__setattr__(self, "std", tuple(float(value) for value in self.std))
        if self.num_frames < 1:
            raise ValueError(f"num_frames={self.num_frames}: must be 1 or more")
        interval = self.frame_interval_seconds
        if interval is not None and not (math.isfinite(interval) and interval > 0):
            raise ValueError(f"frame_interval_seconds={interval}: must be above 0 and finite")
        if len(self.img_size) != 2 or min(self.img_size) < 1:
            raise ValueError(f"img_size={self.img_size}: must be (H, W), both 1 or more")
        if len(self.mean) != len(self.std) or not all(map(math.isfinite, self.mean)):
            raise ValueError(f"mean={self.mean}, std={self.std}: one finite number per channel")
        if not all(math.isfinite(value) and value > 0 for value in self.std):
            raise ValueError(f"std={self.std}: must be above 0 and finite")
        if self.num_windows is not None and self.num_windows < 1:
            raise ValueError(f"num_windows={self.num_windows}: must be 1 or more, or None")
        if interval is None and self.num_windows not in (None, 1):
            raise ValueError(
                f"num_windows={self.num_windows}: frames spread over the whole take make 1 window"
            )

    @property
    def described(self) -> str:
        """In words, for cards."""
        apart = self.frame_interval_seconds
        where = "spread evenly over the take" if apart is None else f"{apart:g} s apart"
        return f"{self.num_frames} frames, {where}, {self.img_size[0]} x {self.img_size[1]} px"


@dataclass(frozen=True)
class BackboneConfig:
    """`config.json` of a backbone directory.

    Attributes:
        backbone: arguments of `TimeSformer`.
        input: what the backbone was trained to see.
        licence: under which the weights may be used, an SPDX name where there is one.
        source: where the weights come from.
        data: what they were trained on.
        training: how, free-form.
    """

    backbone: Mapping[str, Any]
    input: InputSpec
    licence: str
    source: str
    data: str = "unknown"
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("licence", "source"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty: say it, or write 'unknown'")


def save_backbone(
    directory: str | Path,
    backbone: TimeSformer,
    config: BackboneConfig,
    *,
    card: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a backbone as a directory, whole or not at all.

    `config.backbone` is taken from the model itself.

    Args:
        directory: where; a directory of weights already there is replaced.
        backbone: the model; a classifier is left out.
        config: the rest of `config.json`.
        card: Markdown to add to the README, for example measurements and limits.
        dtype: how values are stored; float16 halves the file, and loading gives float32 either way.

    Raises:
        CheckpointError: see `proskill.models.directory.write_directory`.
    """
    state = {k: v for k, v in backbone.state_dict().items() if not k.startswith("head.")}
    arguments = {**backbone.config, "num_classes": 0}
    content = {**asdict(config), "backbone": arguments}
    write_directory(
        Path(directory),
        config={"kind": KIND, **content},
        state=state,
        card=_card(Path(directory).name, config, arguments, card),
        dtype=dtype,
    )


def read_backbone_config(directory: str | Path) -> BackboneConfig:
    """`config.json` of a backbone directory.

    Raises:
        CheckpointError: missing or wrong.
    """
    path = Path(directory)
    values = read_config(path, kind=KIND)
    where = str(path / CONFIG)
    if "input" in values:
        values["input"] = from_mapping(InputSpec, values["input"], where=f"{where}: input")
    config: BackboneConfig = from_mapping(BackboneConfig, values, where=where)
    return config


def load_backbone(directory: str | Path, **overrides: Any) -> TimeSformer:
    """The backbone of a directory that `save_backbone` or `import_weights` wrote, in eval mode.

    Args:
        directory: with `config.json` and `model.safetensors`.
        **overrides: `TimeSformer` arguments without effect on tensors, such as `drop_path_rate`.

    Raises:
        CheckpointError: anything missing, surplus, misshapen or unsafe; one sentence that names it.
    """
    path = Path(directory)
    config = read_backbone_config(path)
    try:
        with torch.device("meta"):  # no time spent on weights that are replaced
            model = build_backbone({**config.backbone, **overrides})
    except ConfigError as error:
        raise CheckpointError(f"{path / CONFIG}: {error}") from error
    load_weights(model, path / WEIGHTS)
    return model.eval()


def _card(name: str, config: BackboneConfig, arguments: Mapping[str, Any], more: str | None) -> str:
    spec = config.input
    lines = [
        f"# {name}",
        "",
        "A TimeSformer backbone: clips to features. It has no head and says nothing about skill "
        "by itself.",
        "",
        f"- **Licence of the weights**: {config.licence}",
        f"- **Source**: {config.source}",
        f"- **Data**: {config.data}",
        f"- **Input**: {spec.num_frames} frames, {spec.frame_interval_seconds:g} s apart, "
        f"{spec.img_size[0]} x {spec.img_size[1]} px, mean {list(spec.mean)}, std {list(spec.std)}",
        f"- **Model**: width {arguments['embed_dim']}, {arguments['depth']} blocks, "
        f"{arguments['num_heads']} heads, patches of {arguments['patch_size']} px, "
        f"{arguments['attention_type']}, stem {arguments['stem']}, input {arguments['input_mode']}",
        "",
        "```python",
        "from proskill.models import load_backbone",
        "",
        f'load_backbone("{name}")',
        "```",
        "",
    ]
    return "\n".join(lines) + (f"{more.rstrip()}\n" if more else "")
