"""One training run in one folder: extraction of frozen features, then the trainer.

A run folder contains `checkpoint/` (the best model, a checkpoint directory), `resume/last.ckpt`,
`features/` (the cache), `logs/` (CSV) and `tensorboard/`. Not here: parsing configs
(`lightning_cli`), the resume file (`resume`).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.trainer.states import TrainerFn

from proskill.data.take import Take
from proskill.errors import CheckpointError, ConfigError
from proskill.features.feature_cache import FeatureTable, extract_features
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.resume import LAST, ResumeState, WholeFileCheckpointIO
from proskill.training.split_takes import Stage

CHECKPOINT_FOLDER = "checkpoint"
Mode = Literal["min", "max"]

_TALKATIVE = ("utilities.rank_zero", "trainer.connectors.checkpoint_connector")
# Lightning's guesses do not apply: few workers (features come from memory), a frozen backbone in
# evaluation mode, no `sync_dist` (every process has all takes), few batches. The other categories
# address the authors of Lightning and jsonargparse, not their users.
_IRRELEVANT = (PossibleUserWarning, DeprecationWarning, FutureWarning)


def run_stage(
    trainer: Trainer, stage: Stage, module: SkillModule, data: TakeDataModule, **options: Any
) -> None:
    """Extract the features that a stage needs, hand them to the data module, start the trainer.

    Args:
        trainer: its `default_root_dir` is the run folder.
        stage: fit, validate, test or predict.
        module: decides between features, tokens and clips.
        data: its takes of the stage.
        options: of the trainer's method, such as `ckpt_path`.

    Raises:
        ConfigError: `data.loader.train_views` where features are extracted.
        ManifestError: no usable takes for the stage, bad splits or missing labels.
        VideoError: a video cannot be decoded and `data.select.on_error` is "raise".
    """
    takes = data.choose(stage, module.targets)
    if module.input_stage == "clips":
        data.serve_clips(module.bundle.config.input)
    elif stage == "fit" and data.loader.train_views is not None:
        raise ConfigError(
            "data.loader.train_views draws views where clips are decoded anew; with frozen blocks "
            "use model.fusion.view_dropout"
        )
    else:
        data.serve_features(_extract(trainer, module, data, takes))
    getattr(trainer, stage)(module, datamodule=data, **options)


def _extract(
    trainer: Trainer, module: SkillModule, data: TakeDataModule, takes: Sequence[Take]
) -> FeatureTable:
    """Run the frozen blocks on takes; of several processes the first computes, the others read."""
    folder = data.loader.cache_dir
    cache_dir = Path(folder) if folder else Path(trainer.default_root_dir) / "features"
    lock: AbstractContextManager[Any] = nullcontext()
    if trainer.world_size > 1:
        cache_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache_dir / "extraction.lock")
    with lock:
        table = extract_features(
            takes,
            module.model.backbone,
            module.bundle.config.input,
            cache_dir=cache_dir,
            prefix_blocks=module.prefix_blocks,
            backbone_key=module.bundle.backbone_key,
            precision=module.encode_precision,
            reader=data.reader,
            batch_size=module.encode_batch_size,
            num_threads=max(1, data.loader.num_workers),
            device=trainer.strategy.root_device,
            skip_broken=data.select.on_error == "skip",
            progress=trainer.is_global_zero and trainer.progress_bar_callback is not None,
        )
    module.train(module.training)
    return table


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
        module: trained in place.
        data: its training and validation takes.
        run_dir: everything is written below it.
        max_epochs: passes over the training takes.
        monitor: metric that chooses the checkpoint and stops the run.
        mode: "max" where more of it is better.
        patience: epochs without gain before stopping; None runs them all.
        precision: of the trained part.
        resume: continue from `resume/last.ckpt` if it is there.
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
        ckpt_path = last if resume and last.is_file() else None
        run_stage(trainer, "fit", module, data, ckpt_path=ckpt_path, weights_only=True)
    return run_dir / CHECKPOINT_FOLDER


def run_callbacks(
    run_dir: Path, *, monitor: str = "val/spearman", mode: Mode = "max", patience: int | None = 10
) -> list[Callback]:
    """Return callbacks for best checkpoint, early stopping after `patience` epochs, last state."""
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
    """Return loggers for CSV in `logs/` and TensorBoard; a resumed run adds a version."""
    return [CSVLogger(run_dir, name="logs"), TensorBoardLogger(run_dir, name="tensorboard")]


class BestCheckpoint(Callback):
    """Callback that writes a checkpoint directory whenever validation improves.

    Args:
        directory: replaced as a whole, so that it always contains one complete checkpoint.
        monitor: a logged metric.
        mode: "max" where more of it is better.
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
        # The first epoch is always kept, so that a run always leaves a checkpoint.
        if self.best_value is None or (math.isnan(self.best_value) and not math.isnan(value)):
            return True
        return value > self.best_value if self.mode == "max" else value < self.best_value

    def state_dict(self) -> dict[str, Any]:
        return {"best_value": self.best_value, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_value = state_dict["best_value"]
        self.best_epoch = state_dict["best_epoch"]


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advertisements and the warnings that do not apply here."""
    loggers = [logging.getLogger(f"lightning.pytorch.{name}") for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for category in _IRRELEVANT:
                warnings.simplefilter("ignore", category)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
