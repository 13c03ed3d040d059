"""The Lightning module: trains a ProficiencyModel on takes and judges it.

Frozen blocks are not run here: where nothing of the backbone is trained the batches hold its pooled
features, where LoRA sits on the last blocks only they hold the tokens before those blocks,
otherwise clips. Which of the three it is follows from the arguments; `setup` tells the data module.

Not here: building the model (`build_bundle`), callbacks and loggers (`run`), metrics.
Shapes: B takes, V views, W windows, D embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from proskill.data.take import Take
from proskill.data.take_dataset import TakeBatch
from proskill.errors import ConfigError, ManifestError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.result_files import write_results
from proskill.evaluation.skills import MEAN
from proskill.evaluation.summary import summarise
from proskill.features.batches import InputStage, encode_batch
from proskill.features.feature_cache import (
    FeatureTable,
    Precision,
    extract_features,
)
from proskill.features.prediction import predict_takes
from proskill.models.heads import LevelPrediction, RegressionHead
from proskill.models.lora import LoraSettings
from proskill.training.collect import EncodedTakes, align_views, encoded_takes, gather_takes
from proskill.training.data_module import Stage, TakeDataModule
from proskill.training.losses import SkillLoss
from proskill.training.model_bundle import (
    ModelBundle,
    build_bundle,
    check_range,
    make_targets,
    plain_values,
)
from proskill.training.optimizer import OptimizerName, make_optimizer
from proskill.training.resume import keep_trained, require_same_run
from proskill.training.validation import validation_metrics


class SkillModule(LightningModule):
    """Fusion and head on a frozen, LoRA-adapted or fully trained TimeSformer.

    Args:
        backbone: directory of a backbone or of a checkpoint's weights, as `proskill weights import`
            writes it.
        backbone_config: arguments of a new `TimeSformer` instead, with random weights.
        global_pool: what stands for a clip: the mean over all tokens ("avg") or the class token;
            None takes the backbone's.
        head: "ordinal" knows the order of the levels, "softmax" does not (SkillFormer);
            "regression" learns the rating alone.
        levels: names, lowest first; None means Ego-Exo4D's four, or quarters of the ratings.
        skills: learn the levels of these skills of a take, not its one level.
        fusion: "attention" between views (SkillFormer), or "late": the mean of what the head says
            of each view, without the next six.
        hidden_dim: H, width of the fusion's gated layer.
        num_heads: attention heads of the fusion.
        dropout: of the fusion.
        use_view_kind: tell the fusion ego from exo.
        view_dropout: probability of leaving a view out in training.
        residual: start the fusion as the mean of the views.
        lora: adapters; None trains fusion and head only.
        train_backbone: train every weight of the backbone; excludes `lora`.
        grad_checkpointing: recompute activations of the backbone, for memory.
        num_frames: T; None takes the backbone's input settings, as do the next four.
        frame_interval_seconds: time between two frames of a window; "whole_take" spreads the
            frames evenly over the take.
        img_size: (H, W) in pixels.
        mean: per channel, on the [0, 1] scale.
        std: per channel, on the [0, 1] scale.
        num_windows: windows per take in evaluation; None covers the whole take.
        optimizer: "adamw", or "sgd" with momentum 0.9.
        lr: peak learning rate.
        weight_decay: of all trained weights.
        warmup_fraction: share of all steps with a rising rate, in [0, 1); then cosine to 0.
        class_weights: "balanced" lets every level of a skill count the same; None counts takes.
        label_smoothing: of the cross entropy, in [0, 1).
        distance_weight: weight of the ranked probability score beside the cross entropy.
        ranking_weight: weight of the pairwise ranking loss on continuous ratings.
        encode_precision: of frozen blocks; "auto" takes bf16 where the hardware has it.
        encode_batch_size: clips per forward pass of frozen blocks and in evaluation.
        data_description: goes on the checkpoint's card: which data, simulated or not.
        seed: of the initial weights, dropout and view dropout.

    Raises:
        ConfigError: arguments that contradict each other or are out of range.
        CheckpointError: the backbone cannot be loaded.
    """

    def __init__(
        self,
        backbone: str | None = None,
        *,
        backbone_config: dict[str, Any] | None = None,
        global_pool: Literal["avg", "token"] | None = None,
        head: Literal["ordinal", "softmax", "regression"] = "ordinal",
        levels: list[str] | None = None,
        skills: list[str] | None = None,
        fusion: Literal["attention", "late"] = "attention",
        hidden_dim: int = 256,
        num_heads: int = 4,
        dropout: float = 0.1,
        use_view_kind: bool = False,
        view_dropout: float = 0.0,
        residual: bool = False,
        lora: LoraSettings | None = None,
        train_backbone: bool = False,
        grad_checkpointing: bool = False,
        num_frames: int | None = None,
        frame_interval_seconds: float | Literal["whole_take"] | None = None,
        img_size: tuple[int, int] | None = None,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        num_windows: int | None = None,
        optimizer: OptimizerName = "adamw",
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        warmup_fraction: float = 0.1,
        class_weights: Literal["balanced"] | None = None,
        label_smoothing: float = 0.0,
        distance_weight: float = 0.0,
        ranking_weight: float = 0.0,
        encode_precision: Precision = "auto",
        encode_batch_size: int = 8,
        data_description: str = "not stated",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_range("lr", lr, 0, math.inf, open_low=True)
        check_range("warmup_fraction", warmup_fraction, 0, 1)
        check_range("label_smoothing", label_smoothing, 0, 1)
        for name, value in (
            ("weight_decay", weight_decay),
            ("distance_weight", distance_weight),
            ("ranking_weight", ranking_weight),
        ):
            check_range(name, value, 0, math.inf)
        if train_backbone and lora is not None:
            raise ConfigError(
                "model.train_backbone is true and model.lora is set: choose one of the two"
            )
        attention = {
            "hidden_dim": hidden_dim,
            "num_heads": num_heads,
            "dropout": dropout,
            "use_view_kind": use_view_kind,
            "view_dropout": view_dropout,
            "residual": residual,
        }
        self.targets = make_targets(
            head=head, levels=levels, skills=skills, ranks_by_rating=ranking_weight > 0
        )
        if head == "regression" and (class_weights or label_smoothing or distance_weight):
            raise ConfigError(
                "model.head is regression, which learns no levels: leave out class_weights, "
                "label_smoothing and distance_weight"
            )
        bundle = build_bundle(
            backbone=backbone,
            backbone_config=backbone_config,
            global_pool=global_pool,
            fusion=attention if fusion == "attention" else {"kind": fusion},
            head=head,
            levels=self.targets.scale.names,
            skills=self.targets.skills,
            lora=lora,
            input_overrides={
                "num_frames": num_frames,
                "frame_interval_seconds": frame_interval_seconds,
                "img_size": img_size,
                "mean": mean,
                "std": std,
                "num_windows": num_windows,
            },
            seed=seed,
        )
        self.model = bundle.model
        self.bundle = bundle
        self.input_stage: InputStage
        self.prefix_blocks: int | None = None
        if train_backbone:
            self.input_stage = "clips"
        elif lora is not None and lora.target_modules:
            depth = self.model.backbone.depth
            self.prefix_blocks = min(range(depth) if lora.blocks is None else lora.blocks) or None
            self.input_stage = "prefix" if self.prefix_blocks else "clips"
        else:
            self.model.freeze_backbone()
            self.input_stage = "features"
        if grad_checkpointing:
            self.model.backbone.set_grad_checkpointing()
        self.optimizer: OptimizerName = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.class_weights = class_weights
        self.loss = SkillLoss(
            num_levels=len(self.targets.scale),
            num_skills=max(1, len(self.targets.skills)),
            label_smoothing=label_smoothing,
            distance_weight=distance_weight,
            ranking_weight=ranking_weight,
        )
        self.encode_precision: Precision = encode_precision
        self.encode_batch_size = encode_batch_size
        self.data_description = data_description
        self.seed = seed
        self.predictions: Predictions | None = None
        self.summary: dict[str, Any] = {}
        self._collected: list[EncodedTakes] = []
        # The resumed run is told apart from a run with other arguments by these.
        self.save_hyperparameters(ignore=["lora"], logger=False)
        self.hparams["lora"] = None if lora is None else plain_values(asdict(lora))
        self.strict_loading = False  # frozen weights are not in `.ckpt` files

    def setup(self, stage: str) -> None:
        """Tells the data module what this model wants, and has frozen blocks run once."""
        data = self._data
        data.attach(
            targets=self.targets,
            spec=self.bundle.input,
            stage=cast(Stage, stage),
            encode=None if self.input_stage == "clips" else self._encode_frozen,
        )
        if stage != "fit":
            return
        if self.class_weights == "balanced":
            self.loss.balance(data.train_levels)
        if isinstance(self.model.head, RegressionHead):
            try:
                self.model.head.fit_ratings(data.train_ratings)
            except ValueError as error:
                raise ManifestError(f"rating: split 'train' has {error}") from error

    @property
    def _data(self) -> TakeDataModule:
        data = getattr(self.trainer, "datamodule", None)
        if not isinstance(data, TakeDataModule):
            raise ConfigError(
                "SkillModule needs a TakeDataModule: trainer.fit(module, datamodule=...)"
            )
        return data

    @property
    def _run_dir(self) -> Path:
        return Path(self.trainer.default_root_dir)

    def _encode_frozen(self, takes: Sequence[Take]) -> FeatureTable:
        data = self._data
        cache_dir = Path(data.cache_dir) if data.cache_dir else self._run_dir / "features"
        strategy = self.trainer.strategy
        if not self.trainer.is_global_zero:
            strategy.barrier("features")  # the first process computes, the others read its cache
        table = extract_features(
            takes,
            self.model.backbone,
            self.bundle.input,
            cache_dir=cache_dir,
            prefix_blocks=self.prefix_blocks,
            backbone_key=self.bundle.backbone_key,
            precision=self.encode_precision,
            batch_size=self.encode_batch_size,
            num_threads=max(1, data.num_workers),
            device=strategy.root_device,
            skip_broken=data.on_error == "skip",
            progress=self.trainer.is_global_zero and self.trainer.progress_bar_callback is not None,
        )
        if self.trainer.is_global_zero:
            strategy.barrier("features")
        self.train(self.training)
        return table

    def train(self, mode: bool = True) -> SkillModule:
        """As usual, but a backbone that is not trained stays in evaluation mode."""
        super().train(mode)
        if self.input_stage == "features":
            self.model.backbone.eval()
        return self

    def encode(self, batch: TakeBatch) -> Tensor:
        """View features (B, V, D), averaged over the windows of each take."""
        return encode_batch(
            self.model.backbone,
            batch,
            input_stage=self.input_stage,
            prefix_blocks=self.prefix_blocks,
            num_frames=self.bundle.input.num_frames,
            batch_size=None if self.training else self.encode_batch_size,
        )

    def forward(self, batch: TakeBatch) -> LevelPrediction:
        """Levels of a batch of takes."""
        return self.model.predict_features(self.encode(batch), batch.view_mask, batch.view_kind)

    def on_train_batch_start(self, batch: TakeBatch, batch_idx: int) -> None:
        # Dropout of a step is a function of seed, epoch and step, whatever drew numbers before it:
        # a resumed run creates its loaders at another moment than the unbroken one.
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
        """Of what is trained; see `make_optimizer`."""
        return make_optimizer(
            self.parameters(),
            name=self.optimizer,
            lr=self.lr,
            weight_decay=self.weight_decay,
            total_steps=int(self.trainer.estimated_stepping_batches),
            warmup_fraction=self.warmup_fraction,
        )

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
        return batch.position  # Lightning wants something

    def on_validation_epoch_end(self) -> None:
        """In training logs the metrics of the whole validation set; else as a test."""
        if self.trainer.state.fn == TrainerFn.VALIDATING:
            self._judge("validate", prefix="val")
            return
        encoded = self._gather()
        if self.trainer.sanity_checking:
            return
        takes = [self._data.takes_of("validate")[index] for index in encoded.position]
        values = validation_metrics(
            self.model,
            encoded,
            takes,
            targets=self.targets,
            loss=self.loss,
            train_takes=self._data.train_takes,
        )
        for name, value in values.items():
            self.log(f"val/{name}", value, prog_bar=name in ("loss", "accuracy", "spearman"))

    def on_test_epoch_end(self) -> None:
        """Writes predictions and metrics into the run folder."""
        self._judge("test", prefix="test")

    def on_predict_epoch_end(self) -> None:
        """Writes predictions into the run folder; takes may be unlabelled."""
        self.predictions = self._predict("predict")
        if self.trainer.is_global_zero:
            write_results(self._run_dir / "predict", self.predictions)

    def _judge(self, stage: Stage, *, prefix: str) -> None:
        self.predictions = self._predict(stage)
        self.summary = summarise(
            self.predictions,
            train_takes=self._data.train_takes,
            split=self._data.split_of(stage),
            data=self._data.described(self.data_description),
        )
        if self.trainer.is_global_zero:
            write_results(self._run_dir / stage, self.predictions, self.summary)
        judged = self.summary.get("all_views") or self.summary["skills"][MEAN]
        for name, interval in judged.items():
            if isinstance(interval, dict):
                self.log(f"{prefix}/{name}", interval["value"])

    def _keep(self, stage: Stage, batch: TakeBatch) -> None:
        """Features of the takes that could be read, for the end of the epoch."""
        self._data.count_broken(stage, batch)
        self._collected.append(encoded_takes(self.encode(batch), batch))

    def _gather(self) -> EncodedTakes:
        parts, self._collected = self._collected, []
        return gather_takes(parts, world_size=self.trainer.world_size)

    def _predict(self, stage: Stage) -> Predictions:
        encoded = self._gather()
        takes = [self._data.takes_of(stage)[index] for index in encoded.position]
        names, aligned = align_views(encoded, takes)
        return predict_takes(
            self.model,
            aligned.features,
            aligned.view_mask,
            aligned.view_kind,
            takes=takes,
            view_names=names,
            scale=self.targets.scale,
            skills=self.targets.skills,
        )

    def save(self, directory: Path, *, results: dict[str, float] | None = None) -> None:
        """Write a checkpoint directory; adapters are merged, so that it needs nothing of peft.

        Raises:
            CheckpointError: it cannot be written whole.
        """
        self.bundle.save(
            directory,
            data=self.data_description,
            results=results or {},
            training=plain_values(dict(self.hparams)),
        )

    def load(self, directory: Path) -> None:
        """Take model, levels and input settings from a checkpoint directory, for evaluation.

        Raises:
            CheckpointError: it is missing, incomplete or altered.
        """
        self.bundle = ModelBundle.load(directory)
        self.model = self.bundle.model
        self.targets = make_targets(
            head=self.bundle.config.head["kind"],
            levels=self.bundle.levels,
            skills=self.bundle.skills,
            ranks_by_rating=self.targets.uses_ratings,
        )
        self.model.freeze_backbone()
        self.input_stage, self.prefix_blocks = "features", None
