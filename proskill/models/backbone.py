"""Directories of backbones: weights, input format and licence.

Not here: converting foreign files (`weights.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from proskill.errors import CheckpointError, ConfigError
from proskill.input_spec import InputSpec
from proskill.models.directory import (
    CONFIG,
    WEIGHTS,
    load_weights,
    read_config,
    write_directory,
)
from proskill.models.proficiency import build_backbone, empty_weights
from proskill.models.timesformer import TimeSformer

KIND = "backbone"


@dataclass(frozen=True)
class BackboneConfig:
    """`config.json` of a backbone directory.

    Attributes:
        backbone: arguments of `TimeSformer`.
        input: input format.
        licence: of the weights, an SPDX name where there is one.
        source: origin of the weights.
        data: training data.
        training: settings of the training, free-form.
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

    Args:
        directory: a directory of weights already there is replaced.
        backbone: the model; a classifier is left out.
        config: `config.json`; its `backbone` is taken from the model itself.
        card: Markdown to add to the README, for example measurements and limits.
        dtype: of stored values; float16 halves the file, and loading gives float32 either way.

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
    """Read `config.json` of a backbone directory.

    Raises:
        CheckpointError: missing or wrong.
    """
    return read_config(Path(directory), BackboneConfig, name=KIND)


def load_backbone(directory: str | Path, **overrides: Any) -> TimeSformer:
    """Load a backbone in eval mode from a directory of `save_backbone` or `import_weights`.

    Args:
        directory: with `config.json` and `model.safetensors`.
        **overrides: `TimeSformer` arguments without effect on tensors, such as `drop_path_rate`.

    Raises:
        CheckpointError: anything missing, surplus, misshapen or unsafe; names it.
    """
    path = Path(directory)
    config = read_backbone_config(path)
    try:
        with empty_weights():
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
        f"- **Input**: {spec.described}, mean {list(spec.mean)}, std {list(spec.std)}",
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
