"""What a `.ckpt` file keeps of a module, and whether it belongs to the run that goes on from it.

Only trained weights are kept: frozen ones are identified by their digest.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from proskill.errors import CheckpointError

_ADVICE = "resume with the configuration of the interrupted run"


def keep_trained(checkpoint: dict[str, Any], module: nn.Module, *, backbone_key: str) -> None:
    """Leave only trained weights in a Lightning checkpoint, in place."""
    trained = _trained(module)
    state = checkpoint["state_dict"]
    checkpoint["state_dict"] = {name: state[name] for name in state if name in trained}
    checkpoint["backbone_key"] = backbone_key


def require_same_run(checkpoint: dict[str, Any], module: nn.Module, *, backbone_key: str) -> None:
    """Refuse to continue a run on another backbone or with other trained weights.

    Raises:
        CheckpointError: the checkpoint belongs to another configuration.
    """
    if checkpoint.get("backbone_key") != backbone_key:
        raise CheckpointError(
            f"the .ckpt file was written with another backbone than model.backbone names; {_ADVICE}"
        )
    different = sorted(set(checkpoint["state_dict"]) ^ _trained(module))
    if different:
        raise CheckpointError(
            f"the .ckpt file trains other weights than this configuration (first "
            f"{different[0]!r}); {_ADVICE}"
        )


def _trained(module: nn.Module) -> set[str]:
    return {name for name, value in module.named_parameters() if value.requires_grad}
