"""The state from which an interrupted run resumes: one `.ckpt` file, complete or absent.

It contains trained weights only; the frozen ones are identified by their digest.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from proskill.errors import CheckpointError
from proskill.whole_file import write_whole

LAST = Path("resume") / "last.ckpt"
_ADVICE = "resume with the configuration of the interrupted run"


class ResumeState(Checkpoint):
    """Callback that writes the state of the run after every epoch.

    Lightning runs callbacks of this kind after all others, so that their state is up to date. Its
    own `ModelCheckpoint` writes a last state only when it also keeps a best one.

    Args:
        path: the `.ckpt` file.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.save_checkpoint(self.path)


class WholeFileCheckpointIO(TorchCheckpointIO):
    """Plugin that writes `.ckpt` files beside their place, then renames them.

    Lightning writes into the temporary folder, from where a move to another disk can be cut short
    by a kill.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        whole = io.BytesIO()  # torch.save reports a full disk as another error
        torch.save(checkpoint, whole)
        write_whole(
            Path(path),
            [whole.getbuffer()],
            advice="free some space and resume with --ckpt_path last; the file before is intact",
        )


def keep_trained(checkpoint: dict[str, Any], module: nn.Module, *, backbone_key: str) -> None:
    """Keep only trained weights in a Lightning checkpoint, in place."""
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
            f"the .ckpt file was written with another backbone than model.backbone; {_ADVICE}"
        )
    different = sorted(set(checkpoint["state_dict"]) ^ _trained(module))
    if different:
        raise CheckpointError(
            f"the .ckpt file trains other weights than this configuration (first "
            f"{different[0]!r}); {_ADVICE}"
        )


def _trained(module: nn.Module) -> set[str]:
    return {name for name, value in module.named_parameters() if value.requires_grad}
