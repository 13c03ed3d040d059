"""The Lightning module: trains a ProficiencyModel on takes and evaluates it.

Frozen blocks are not run here: where nothing of the backbone is trained the batches contain its
pooled features, where LoRA sits on the last blocks only they contain the tokens before those
blocks, otherwise clips. `input_stage` names the case; `run.run_stage` fills the batches.

Not here: building the model (`build_bundle`), callbacks and loggers (`run`), metrics.
Shapes: B takes, V views, W windows, D embedding.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from proskill.data.take_dataset import TakeBatch
from proskill.errors import ConfigError, ManifestError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.result_files import write_results
from proskill.evaluation.skills import MEAN
from proskill.evaluation.summary import summarise
from proskill.features.encoding import InputStage, encode_batch
from proskill.features.prediction import PooledFeatures, predict_takes
from proskill.models.heads import LevelPrediction, RegressionHead
from proskill.models.lora import LoraSettings
from proskill.training.collect import gather_features, readable_features
from proskill.training.data_module import TakeDataModule
from proskill.training.losses import SkillLoss
from proskill.training.model_bundle import ModelBundle, build_bundle, make_targets
from proskill.training.optimizer import make_optimizer
from proskill.training.resume import keep_trained, require_same_run
from proskill.training.settings import (
    BackboneSettings,
    FusionSettings,
    HeadSettings,
    InputSettings,
    LossSettings,
    OptimSettings,
)
from proskill.training.split_takes import Stage
from proskill.training.validation import validation_metrics


class SkillModule(LightningModule):
    """Fusion and head on a frozen, LoRA-adapted or fully trained TimeSformer.

    Args:
        backbone: weights or arguments of the TimeSformer.
        input: sampling and normalisation of clips.
        fusion: combination of views.
        head: kind of prediction, levels and skills.
        lora: adapters; null trains fusion and head only.
        optim: optimizer and learning rate.
        loss: weights within the loss.
        data_description: for the checkpoint's card: which data, simulated or not.
        seed: of the initial weights, dropout and view dropout.

    Raises:
        ConfigError: settings that contradict each other or are out of range.
        CheckpointError: the backbone cannot be loaded.
    """

    def __init__(
        self,
        backbone: BackboneSettings,
        *,
        input: InputSettings = InputSettings(),
        fusion: FusionSettings = FusionSettings(),
        head: HeadSettings = HeadSettings(),
        lora: LoraSettings | None = None,
        optim: OptimSettings = OptimSettings(),
        loss: LossSettings = LossSettings(),
        data_description: str = "not stated",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if backbone.train and lora is not None:
            raise ConfigError(
                "model.backbone.train is true and model.lora is set: choose one of the two"
            )
        if head.kind == "regression" and (
            loss.class_weights or loss.label_smoothing or loss.distance_weight
        ):
            raise ConfigError(
                "model.head.kind is regression, which learns no levels: leave out "
                "model.loss.class_weights, label_smoothing and distance_weight"
            )
        self.targets = make_targets(head, ranks_by_rating=loss.ranking_weight > 0)
        self.bundle = build_bundle(
            backbone=backbone,
            input=input,
            fusion=fusion,
            head=head,
            targets=self.targets,
            lora=lora,
            seed=seed,
        )
        self.model = self.bundle.model
        self.input_stage: InputStage
        self.prefix_blocks: int | None = None
        if backbone.train:
            self.input_stage = "clips"
        elif lora is not None and lora.target_modules:
            depth = self.model.backbone.depth
            self.prefix_blocks = min(range(depth) if lora.blocks is None else lora.blocks) or None
            self.input_stage = "prefix" if self.prefix_blocks else "clips"
        else:
            self.model.freeze_backbone()
            self.input_stage = "features"
        if backbone.grad_checkpointing:
            self.model.backbone.set_grad_checkpointing()
        self.loss = SkillLoss(
            num_levels=len(self.targets.scale),
            num_skills=max(1, len(self.targets.skills)),
            label_smoothing=loss.label_smoothing,
            distance_weight=loss.distance_weight,
            ranking_weight=loss.ranking_weight,
        )
        self.optim = optim
        self.class_weights = loss.class_weights
        self.encode_precision = backbone.precision
        self.encode_batch_size = backbone.batch_size
        self.data_description = data_description
        self.seed = seed
        self.predictions: Predictions | None = None
        self.summary: dict[str, Any] = {}
        self._collected: dict[int, np.ndarray] = {}
        groups: dict[str, Any] = {
            "backbone": backbone,
            "input": input,
            "fusion": fusion,
            "head": head,
            "lora": lora,
            "optim": optim,
            "loss": loss,
        }
        settings = {name: group and asdict(group) for name, group in groups.items()}
        settings |= {"data_description": data_description, "seed": seed}
        self.save_hyperparameters(settings, logger=False)
        self.strict_loading = False  # frozen weights are not in `.ckpt` files

    def setup(self, stage: str) -> None:
        """Adapt loss and head to the labels of the training takes."""
        if stage != "fit":
            return
        if self.class_weights == "balanced":
            self.loss.balance(self._data.train_levels)
        if isinstance(self.model.head, RegressionHead):
            try:
                self.model.head.fit_ratings(self._data.train_ratings)
            except ValueError as error:
                raise ManifestError(f"rating: split 'train' has {error}") from error

    @property
    def _data(self) -> TakeDataModule:
        data = getattr(self.trainer, "datamodule", None)
        if not isinstance(data, TakeDataModule):
            raise ConfigError(
                "SkillModule needs a TakeDataModule: run_stage(trainer, stage, module, data)"
            )
        return data

    @property
    def _run_dir(self) -> Path:
        return Path(self.trainer.default_root_dir)

    def train(self, mode: bool = True) -> SkillModule:
        """Set the mode; a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self.input_stage == "features":
            self.model.backbone.eval()
        return self

    def encode(self, batch: TakeBatch) -> Tensor:
        """Return view features (B, V, D), averaged over the windows of each take."""
        return encode_batch(
            self.model.backbone,
            batch,
            input_stage=self.input_stage,
            prefix_blocks=self.prefix_blocks,
            num_frames=self.bundle.config.input.num_frames,
            batch_size=None if self.training else self.encode_batch_size,
        )

    def forward(self, batch: TakeBatch) -> LevelPrediction:
        """Predict the levels of a batch of takes."""
        return self.model.predict_features(self.encode(batch), batch.view_mask, batch.view_kind)

    def on_train_batch_start(self, batch: TakeBatch, batch_idx: int) -> None:
        # Dropout of a step depends on seed, epoch and step only, not on earlier random draws: a
        # resumed run creates its loaders at another moment than the unbroken one.
        place = (self.seed, self.current_epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: TakeBatch, batch_idx: int) -> Tensor:
        self._data.count_broken("train", batch)
        loss = self.loss(self(batch), batch.levels, batch.rating)
        self.log(
            "train/loss",
            loss,
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(batch.levels),
        )
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer of the trained weights; see `make_optimizer`."""
        total_steps = int(self.trainer.estimated_stepping_batches)
        return make_optimizer(self.parameters(), self.optim, total_steps=total_steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        keep_trained(checkpoint, self, backbone_key=self.bundle.backbone_key)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        require_same_run(checkpoint, self, backbone_key=self.bundle.backbone_key)

    def validation_step(self, batch: TakeBatch, batch_idx: int) -> None:
        self._keep("validate", batch)

    def test_step(self, batch: TakeBatch, batch_idx: int) -> None:
        self._keep("test", batch)

    def predict_step(self, batch: TakeBatch, batch_idx: int) -> Tensor:
        self._keep("predict", batch)
        return batch.position  # Lightning warns of None

    def on_validation_epoch_end(self) -> None:
        """Log metrics of the whole validation set while fitting; otherwise evaluate like a test."""
        if self.trainer.state.fn == TrainerFn.VALIDATING:
            self._evaluate("validate", prefix="val")
            return
        epoch = self._gather("validate")
        if self.trainer.sanity_checking:
            return
        values = validation_metrics(
            self.model,
            epoch,
            targets=self.targets,
            loss=self.loss,
            train_takes=self._data.train_takes,
        )
        for name, value in values.items():
            self.log(f"val/{name}", value, prog_bar=name in ("loss", "accuracy", "spearman"))

    def on_test_epoch_end(self) -> None:
        """Write predictions and metrics into the run folder."""
        self._evaluate("test", prefix="test")

    def on_predict_epoch_end(self) -> None:
        """Write predictions into the run folder; takes may be unlabelled."""
        self.predictions = self._predict("predict")
        if self.trainer.is_global_zero:
            write_results(self._run_dir / "predict", self.predictions)

    def _evaluate(self, stage: Stage, *, prefix: str) -> None:
        self.predictions = self._predict(stage)
        self.summary = summarise(
            self.predictions,
            train_takes=self._data.train_takes,
            split=self._data.split_of(stage),
            data=self._data.described(self.data_description),
        )
        if self.trainer.is_global_zero:
            write_results(self._run_dir / stage, self.predictions, self.summary)
        figures = self.summary.get("all_views") or self.summary["skills"][MEAN]
        for name, interval in figures.items():
            if isinstance(interval, dict):
                self.log(f"{prefix}/{name}", interval["value"])

    def _keep(self, stage: Stage, batch: TakeBatch) -> None:
        """Collect features of the readable takes for the end of the epoch."""
        self._data.count_broken(stage, batch)
        self._collected |= readable_features(self.encode(batch), batch)

    def _gather(self, stage: Stage) -> PooledFeatures:
        found, self._collected = self._collected, {}
        takes = self._data.takes_of(stage)
        return gather_features(found, takes, world_size=self.trainer.world_size)

    def _predict(self, stage: Stage) -> Predictions:
        epoch = self._gather(stage)
        return predict_takes(
            self.model,
            epoch,
            scale=self.targets.scale,
            skills=self.targets.skills,
        )

    def save(self, directory: Path, *, results: dict[str, float] | None = None) -> None:
        """Write a checkpoint directory with merged adapters.

        Raises:
            CheckpointError: it cannot be written whole.
        """
        self.bundle.save(
            directory,
            data=self.data_description,
            results=results or {},
            training=dict(self.hparams),
        )

    def load(self, directory: Path) -> None:
        """Replace model, levels and input settings by a checkpoint directory's, for evaluation.

        Raises:
            CheckpointError: it is missing, incomplete or altered.
        """
        self.bundle = ModelBundle.load(directory)
        self.model = self.bundle.model
        config = self.bundle.config
        head = HeadSettings(config.model.head["kind"], levels=config.levels, skills=config.skills)
        self.targets = make_targets(head, ranks_by_rating=self.targets.uses_ratings)
        self.model.freeze_backbone()
        self.input_stage, self.prefix_blocks = "features", None
