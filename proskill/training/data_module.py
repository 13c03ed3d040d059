"""The Lightning data module: takes of a source, split by participant, as batches.

What a sample holds is the model's business: `attach` tells it how clips are sampled and,
where blocks are frozen, hands over the encoder whose output is cached. Not here: reading datasets
(`proskill.data.sources`), padding (`proskill.data.take_dataset`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

import numpy as np
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from proskill.data.broken_takes import BrokenTakes, OnError
from proskill.data.selection import select_scenarios, select_views
from proskill.data.sources import is_simulated, load_takes
from proskill.data.splits import split_takes
from proskill.data.take import Split, Take
from proskill.data.take_dataset import (
    ClipLoader,
    EpochSampler,
    Loader,
    StoredLoader,
    TakeBatch,
    TakeDataset,
    collate_takes,
)
from proskill.data.targets import Targets, named
from proskill.errors import ConfigError, ManifestError
from proskill.features.feature_cache import FeatureTable
from proskill.input_spec import InputSpec
from proskill.levels import UNLABELLED
from proskill.training.compared_takes import rate_compared_takes
from proskill.video.transforms import AugmentTake
from proskill.view_names import ViewKind

Stage = Literal["fit", "validate", "test", "predict"]
Encoder = Callable[[Sequence[Take]], FeatureTable]

_HELD_OUT = "held out of train"

_log = logging.getLogger(__name__)


class TakeDataModule(LightningDataModule):
    """Takes of one source as training, validation, test and prediction batches.

    Args:
        source: a manifest file or the folder of a dataset; see `load_takes`.
        takes: the takes themselves instead of a source, for use from Python.
        comparisons: file or files of votes on pairs of takes, as `proskill rate` reads them; takes
            without a rating get one from the votes within their split.
        view_names: use only these views; None uses all. Takes with none of them are left out.
        view_kinds: use only "ego" or "exo" views; None uses both.
        scenarios: use only these scenarios; None uses all.
        batch_size: takes per training step.
        eval_batch_size: takes per evaluation step; None means `batch_size`.
        num_workers: processes that decode clips, or threads that decode for the feature cache.
        train_windows: windows of a take drawn at random in every epoch; None means one when clips
            are decoded anew and all when features are cached.
        train_views: views of a take drawn at random in every epoch, where clips are decoded anew;
            None uses all.
        augment: change pictures in training (only where clips are decoded anew), never the motion.
        cache_dir: folder of the feature cache; None means `features` in the run folder.
        val_fraction: share of participants for validation where the source has no such split.
        test_fraction: share of participants for testing where the source has no splits at all.
        test_split: the split that `proskill test` judges; "val" for sources without test labels:
            then participants drawn from the training split choose the checkpoint.
        predict_split: the split that `proskill predict` runs on; "all" takes every take.
        skip_unlabelled: leave out takes without any label that the model learns from, with their
            count and names, instead of raising.
        on_error: what a video that cannot be decoded does: "raise", or "skip" its take, counted
            and logged, until more than 1 % of the takes (and more than one) are left out.
        seed: of splits, order, windows and augmentation.

    Raises:
        ConfigError: neither or both of `source` and `takes`, or a value out of range.
    """

    def __init__(
        self,
        source: str | None = None,
        *,
        takes: list[Take] | None = None,
        comparisons: list[str] | str | None = None,
        view_names: list[str] | None = None,
        view_kinds: list[ViewKind] | None = None,
        scenarios: list[str] | None = None,
        batch_size: int = 16,
        eval_batch_size: int | None = None,
        num_workers: int = 2,
        train_windows: int | None = None,
        train_views: int | None = None,
        augment: bool = True,
        cache_dir: str | None = None,
        val_fraction: float = 0.15,
        test_fraction: float = 0.2,
        test_split: Split = "test",
        predict_split: Literal["train", "val", "test", "all"] = "test",
        skip_unlabelled: bool = False,
        on_error: OnError = "raise",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if (source is None) == (takes is None):
            raise ConfigError(
                "data.source: give a manifest file or a dataset folder (--data.source PATH)"
            )
        for name, size in (("batch_size", batch_size), ("eval_batch_size", eval_batch_size or 1)):
            if size < 1:
                raise ConfigError(f"data.{name}={size}: must be 1 or more")
        if num_workers < 0:
            raise ConfigError(f"data.num_workers={num_workers}: must be 0 or more")
        for name, value in (("train_windows", train_windows), ("train_views", train_views)):
            if value is not None and value < 1:
                raise ConfigError(f"data.{name}={value}: must be 1 or more, or null")
        if on_error not in get_args(OnError):
            raise ConfigError(f"data.on_error={on_error!r}: allowed are raise, skip")
        self.source = source
        self.comparisons = [comparisons] if isinstance(comparisons, str) else comparisons or []
        self.view_names = view_names
        self.view_kinds = view_kinds
        self.scenarios = scenarios
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size or batch_size
        self.num_workers = num_workers
        self.train_windows = train_windows
        self.train_views = train_views
        self.augment = augment
        self.cache_dir = cache_dir
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        self.test_split: Split = test_split
        self.predict_split = predict_split
        self.skip_unlabelled = skip_unlabelled
        self.on_error: OnError = on_error
        self.seed = seed
        self.by_split: dict[Split, list[Take]] = {}
        self._choosing: list[Take] = []  # they choose the checkpoint
        self.targets: Targets | None = None
        self.broken = BrokenTakes(0)
        self._given = takes
        self._use_of_votes = ""
        self._loader: Loader | None = None
        self._datasets: dict[Stage | Literal["train"], TakeDataset] = {}

    def attach(
        self,
        *,
        targets: Targets,
        spec: InputSpec,
        stage: Stage,
        encode: Encoder | None,
    ) -> None:
        """Prepare the datasets of a stage for a model; called from the model's `setup`.

        Args:
            targets: which labels the model learns from.
            spec: the clips that the model takes.
            stage: what the trainer is about to do.
            encode: runs the frozen part of the model on takes; None feeds clips.

        Raises:
            ConfigError: `train_views` where features are cached.
            ManifestError: no usable takes for the stage, bad splits or missing labels.
            ProskillError: too many broken videos.
            VideoError: a video cannot be decoded and `on_error` is "raise".
        """
        self.targets = targets
        if not self.by_split:
            self._read_splits(targets)
        wanted = self._wanted(stage)
        self.broken = BrokenTakes(sum(map(len, wanted.values())))
        blank = None
        if encode is None:
            loader = ClipLoader(
                spec,
                train_windows=self.train_windows or 1,
                augment=AugmentTake() if self.augment else None,
            )
            self._loader = loader
            blank = loader.blank if self.on_error == "skip" else None
        else:
            if self.train_views is not None and stage == "fit":
                raise ConfigError(
                    "data.train_views draws views where clips are decoded anew; with frozen blocks "
                    "use model.view_dropout"
                )
            table = encode([take for takes in wanted.values() for take in takes])
            self._loader = StoredLoader(table.arrays, train_windows=self.train_windows)
            for take_id, reason in table.skipped.items():
                self.broken.add(take_id, reason)
            wanted = {
                name: [take for take in takes if take.take_id in table.arrays]
                for name, takes in wanted.items()
            }
        for name, takes in wanted.items():
            self._datasets[name] = TakeDataset(
                takes,
                load=self._loader,
                targets=targets,
                seed=self.seed,
                train_views=self.train_views,
                blank=blank,
            )

    def count_broken(self, stage: Stage | Literal["train"], batch: TakeBatch) -> None:
        """Take note of the takes of a batch whose video could not be decoded.

        Raises:
            ProskillError: they have become too many.
        """
        for position, reason in zip(batch.position.tolist(), batch.broken, strict=True):
            if reason:
                self.broken.add(self.takes_of(stage)[position].take_id, reason)

    @property
    def train_takes(self) -> list[Take]:
        """The training takes with labels: they define class weights and majorities."""
        assert self.targets is not None
        return [take for take in self.by_split["train"] if self.targets.has_any(take)]

    @property
    def train_levels(self) -> NDArray[np.int64]:
        """(N, S) level indices of `train_takes` for every skill, -1 without a label."""
        assert self.targets is not None
        return np.array([self.targets.levels_of(take) for take in self.train_takes])

    @property
    def train_ratings(self) -> list[float]:
        """The ratings of those `train_takes` that have one."""
        return [take.rating for take in self.train_takes if take.rating is not None]

    def takes_of(self, stage: Stage | Literal["train"]) -> list[Take]:
        """The takes behind a stage's data loader; `TakeBatch.position` points into them."""
        return self._datasets[stage].takes

    def described(self, description: str) -> str:
        """What the data is, in words that say so where it is simulated or rated by votes.

        Args:
            description: as the configuration has it.
        """
        is_made_up = self.source is not None and is_simulated(self.source)
        if is_made_up and "simulat" not in description.lower():
            description = f"simulated ({description})"
        return f"{description}; {self._use_of_votes}" if self._use_of_votes else description

    def split_of(self, stage: Stage) -> str:
        """The split that a stage runs on."""
        splits = {"validate": "val", "test": self.test_split, "predict": self.predict_split}
        return splits.get(stage, "train")

    def train_dataloader(self) -> DataLoader:
        dataset = self._datasets["train"]
        world_size = self.trainer.world_size if self.trainer else 1
        rank = self.trainer.global_rank if self.trainer else 0
        sampler = EpochSampler(len(dataset), seed=self.seed, rank=rank, num_replicas=world_size)
        return self._dataloader(dataset, batch_size=self.batch_size, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        return self._evaluation("validate")

    def test_dataloader(self) -> DataLoader:
        return self._evaluation("test")

    def predict_dataloader(self) -> DataLoader:
        return self._evaluation("predict")

    def _evaluation(self, stage: Stage) -> DataLoader:
        dataset = self._datasets[stage]
        world_size = self.trainer.world_size if self.trainer else 1
        rank = self.trainer.global_rank if self.trainer else 0
        share = range(rank, len(dataset), world_size)
        return self._dataloader(dataset, batch_size=self.eval_batch_size, sampler=share)

    def _dataloader(self, dataset: TakeDataset, *, batch_size: int, sampler: object) -> DataLoader:
        decodes = isinstance(self._loader, ClipLoader)
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,  # type: ignore[arg-type]  # yields (epoch, index) pairs in training
            num_workers=self.num_workers
            if decodes
            else 0,  # reading features costs less than a process
            persistent_workers=decodes and self.num_workers > 0,
            collate_fn=collate_takes,
        )

    def _wanted(self, stage: Stage) -> dict[Stage | Literal["train"], list[Take]]:
        if stage == "fit":
            train = self._labelled(self.by_split["train"], "train")
            return {"train": train, "validate": self._labelled(self._choosing, "val")}
        if stage == "validate":
            return {"validate": self._labelled(self.by_split["val"], "val")}
        if stage == "test":
            return {"test": self._labelled(self.by_split[self.test_split], self.test_split)}
        return {"predict": self._to_predict()}

    def _read_splits(self, targets: Targets) -> None:
        # Levels that do not count need not be on the scale.
        scale = targets.scale if targets.uses_levels else None
        takes = (
            self._given if self._given is not None else load_takes(str(self.source), scale=scale)
        )
        if not targets.uses_levels:
            takes = [replace(take, level=None) for take in takes]
        takes = select_views(
            select_scenarios(takes, self.scenarios),
            view_names=self.view_names,
            view_kinds=self.view_kinds,
        )
        split = partial(
            split_takes,
            scale=targets.scale,
            val_fraction=self.val_fraction,
            test_fraction=self.test_fraction,
            seed=self.seed,
        )
        parts: dict[str, list[Take]] = {str(name): part for name, part in split(takes).items()}
        if self.test_split == "val" and parts["train"]:
            # What is judged must not have chosen the checkpoint.
            drawn = split(parts["train"])
            parts["train"], parts[_HELD_OUT] = drawn["train"], drawn["val"]
        if self.comparisons:
            parts = self._rated(parts, targets)
        self.by_split = {name: parts[name] for name in get_args(Split)}
        self._choosing = parts.get(_HELD_OUT, parts["val"])

    def _rated(self, parts: dict[str, list[Take]], targets: Targets) -> dict[str, list[Take]]:
        if not targets.uses_ratings:
            raise ConfigError(
                "data.comparisons gives ratings, from which this model learns nothing: set "
                "model.head to regression or model.ranking_weight above 0"
            )
        source = self.source or "the given takes"
        compared = rate_compared_takes(self.comparisons, parts, source=source, seed=self.seed)
        self._use_of_votes = compared.use
        return {**compared.parts}

    def _labelled(self, takes: Sequence[Take], split: Split) -> list[Take]:
        assert self.targets is not None
        wanted, source = self.targets.described, self.source or "the given takes"
        labelled = [take for take in takes if self.targets.has_any(take)]
        missing = [take.take_id for take in takes if not self.targets.has_any(take)]
        if missing:
            found = f"{len(missing)} of {len(takes)} takes of split {split!r} have no {wanted}"
            if not self.skip_unlabelled:
                raise ManifestError(
                    f"{found}: {named(missing)}; label them or set data.skip_unlabelled to true"
                )
            _log.warning("left out: %s: %s", found, named(missing))
        if not labelled:
            raise ManifestError(
                f"split {split!r} of {source} has no take with a {wanted}; check the split and the "
                "labels (data.test_split says what `test` judges)"
            )
        self._check_skills(labelled, split)
        return labelled

    def _check_skills(self, takes: Sequence[Take], split: Split) -> None:
        assert self.targets is not None
        levels = np.array([self.targets.levels_of(take) for take in takes])  # (N, S)
        nowhere = (levels == UNLABELLED).all(axis=0)
        for name, is_missing in zip(self.targets.skills, nowhere, strict=False):
            if is_missing:
                known = sorted({skill for take in takes for skill in take.skills})
                raise ManifestError(
                    f"model.skills: no take of split {split!r} has a label for {name!r}; it has "
                    f"{', '.join(known) or 'none'}"
                )

    def _to_predict(self) -> list[Take]:
        if self.predict_split == "all":
            takes = [take for takes in self.by_split.values() for take in takes]
        else:
            takes = self.by_split[self.predict_split]
        if not takes:
            raise ManifestError(
                f"split {self.predict_split!r} of {self.source or 'the given takes'} has no take; "
                "choose another data.predict_split (or all)"
            )
        return takes
