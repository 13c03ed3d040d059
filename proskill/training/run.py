"""One training run in one folder: trainer, callbacks, loggers, and files that survive a kill.

A run folder holds `checkpoint/` (the best model, a checkpoint directory), `resume/last.ckpt`,
`features/` (the cache), `logs/` (CSV) and `tensorboard/`. Not here: parsing configs
(`lightning_cli`).
"""

from __future__ import annotations

import io
import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.trainer.states import TrainerFn

from proskill.errors import CheckpointError
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.whole_file import write_whole

CHECKPOINT_FOLDER = "checkpoint"
LAST = Path("resume") / "last.ckpt"
Mode = Literal["min", "max"]

_TALKATIVE = ("utilities.rank_zero", "trainer.connectors.checkpoint_connector")
_WRONG_WARNINGS = (
    ".*does not have many workers.*",  # features come from memory, without worker processes
    ".*module\\(s\\) in eval mode at the start of training.*",  # the frozen backbone, as intended
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
    ".*It is recommended to use `self.log.*sync_dist=True.*",  # every process has all takes
    ".*LeafSpec.* is deprecated.*",  # Lightning against a newer torch
    r"(?s)\s*By default only one JsonargparseDeprecationWarning.*",  # and a newer jsonargparse
    r"(?s)\s.*was deprecated in v4\.\d+\.\d+ and will be removed in v5.*",
    ".*The number of training batches .* is smaller than the logging interval.*",
)


class BestCheckpoint(Callback):
    """Writes the model as a checkpoint directory whenever validation gets better.

    Args:
        directory: replaced as a whole, so that it always holds one complete checkpoint.
        monitor: a logged metric.
        mode: whether more of it is better.
    """

    def __init__(self, directory: Path, *, monitor: str, mode: Mode) -> None:
        self.directory = Path(directory)
        self.monitor = monitor
        self.mode = mode
        self.best_value: float | None = None
        self.best_epoch: int | None = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        if self.monitor not in trainer.callback_metrics:
            known = sorted(str(name) for name in trainer.callback_metrics)
            raise CheckpointError(
                f"monitor={self.monitor!r} is not logged; choose one of {', '.join(known)}"
            )
        value = float(trainer.callback_metrics[self.monitor])
        if not self._is_better(value):
            return
        self.best_value, self.best_epoch = value, trainer.current_epoch
        if trainer.is_global_zero:
            assert isinstance(pl_module, SkillModule)
            results = {
                name: float(number)
                for name, number in trainer.callback_metrics.items()
                if name.startswith("val/") and math.isfinite(float(number))
            }
            pl_module.save(self.directory, results={"epoch": trainer.current_epoch, **results})

    def _is_better(self, value: float) -> bool:
        # The first epoch is kept whatever it scores, so that a run always leaves a checkpoint.
        if self.best_value is None or (math.isnan(self.best_value) and not math.isnan(value)):
            return True
        return value > self.best_value if self.mode == "max" else value < self.best_value

    def state_dict(self) -> dict[str, Any]:
        return {"best_value": self.best_value, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_value = state_dict["best_value"]
        self.best_epoch = state_dict["best_epoch"]


class ResumeState(Checkpoint):
    """Keeps the state of the run after every epoch, in one file that is always whole.

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
    """`.ckpt` files that are complete or absent: written beside their place, then renamed.

    Lightning's own way goes through the temporary folder, from where a move to another disk can be
    cut short by a kill.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        whole = io.BytesIO()  # torch.save on a full disk dies with an error that does not say so
        torch.save(checkpoint, whole)
        write_whole(
            Path(path),
            [whole.getbuffer()],
            advice="free some space and resume with --ckpt_path last; the file before is intact",
        )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advertisements and the warnings that do not apply here."""
    loggers = [logging.getLogger(f"lightning.pytorch.{name}") for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _WRONG_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def run_callbacks(
    run_dir: Path, *, monitor: str = "val/spearman", mode: Mode = "max", patience: int | None = 10
) -> list[Callback]:
    """Best checkpoint, early stopping (`patience` epochs without gain; None: never), last state."""
    callbacks: list[Callback] = [
        BestCheckpoint(run_dir / CHECKPOINT_FOLDER, monitor=monitor, mode=mode)
    ]
    if patience is not None:
        # A metric that is undefined in the first epochs (a constant score) must not end the run.
        callbacks.append(
            EarlyStopping(monitor=monitor, mode=mode, patience=patience, check_finite=False)
        )
    callbacks.append(ResumeState(run_dir / LAST))
    return callbacks


def run_loggers(run_dir: Path) -> list[Logger]:
    """CSV in `logs/` and TensorBoard in `tensorboard/`; a resumed run adds a version."""
    return [CSVLogger(run_dir, name="logs"), TensorBoardLogger(run_dir, name="tensorboard")]


def fit_model(
    module: SkillModule,
    data: TakeDataModule,
    *,
    run_dir: Path,
    max_epochs: int,
    monitor: str = "val/spearman",
    mode: Mode = "max",
    patience: int | None = 10,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Train from Python as `proskill fit` does, and return the best checkpoint's directory.

    Args:
        module: what to train.
        data: what to train it on.
        run_dir: everything is written below it.
        max_epochs: passes over the training takes.
        monitor: metric that chooses the checkpoint and stops the run.
        mode: whether more of it is better.
        patience: epochs without gain before stopping; None runs them all.
        precision: of the trained part.
        resume: go on from `resume/last.ckpt` if it is there.
        progress: show bars.

    Raises:
        ProskillError: bad data, a broken video, a full disk.
    """
    run_dir = Path(run_dir)
    last = run_dir / LAST
    with quiet_lightning():
        trainer = Trainer(
            default_root_dir=run_dir,
            max_epochs=max_epochs,
            precision=precision,
            callbacks=run_callbacks(run_dir, monitor=monitor, mode=mode, patience=patience),
            logger=run_loggers(run_dir),
            plugins=[WholeFileCheckpointIO()],
            use_distributed_sampler=False,  # the data module shares takes out itself
            num_sanity_val_steps=0,
            enable_progress_bar=progress,
            enable_model_summary=False,
            log_every_n_steps=1,
        )
        trainer.fit(
            module,
            datamodule=data,
            ckpt_path=last if resume and last.is_file() else None,
            weights_only=True,
        )
    return run_dir / CHECKPOINT_FOLDER
