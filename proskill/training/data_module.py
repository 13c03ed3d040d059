"""The Lightning data module: takes of a source, split by participant, as batches.

What a sample holds is the model's business: `attach` tells it how clips are sampled and,
where blocks are frozen, hands over the encoder whose output is cached. Not here: reading datasets
(`proskill.data.sources`), padding (`proskill.data.take_dataset`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from proskill.data.clips import ClipFormat
from proskill.data.sources import is_simulated, load_takes
from proskill.data.splits import split_takes
from proskill.data.take import Split, Take, ViewKind
from proskill.data.take_dataset import (
    ClipLoader,
    EpochSampler,
    Loader,
    StoredLoader,
    TakeDataset,
    collate_takes,
)
from proskill.errors import ConfigError, ManifestError
from proskill.levels import LevelScale
from proskill.training.feature_cache import FeatureTable
from proskill.video.transforms import AugmentTake

Stage = Literal["fit", "validate", "test", "predict"]
Encoder = Callable[[Sequence[Take]], FeatureTable]

_log = logging.getLogger(__name__)


class TakeDataModule(LightningDataModule):
    """Takes of one source as training, validation, test and prediction batches.

    Args:
        source: a manifest file, a folder with `manifest.csv`, or an Ego-Exo4D folder.
        takes: the takes themselves instead of a source, for use from Python.
        view_names: use only these views; None uses all. Takes with none of them are left out.
        view_kinds: use only "ego" or "exo" views; None uses both.
        scenarios: use only these scenarios; None uses all.
        batch_size: takes per training step.
        eval_batch_size: takes per evaluation step; None means `batch_size`.
        num_workers: processes that decode clips, or threads that decode for the feature cache.
        train_windows: windows of a take drawn at random in every epoch; None means one when clips
            are decoded anew and all when features are cached.
        augment: change pictures in training (only where clips are decoded anew), never the motion.
        cache_dir: folder of the feature cache; None means `features` in the run folder.
        val_fraction: share of participants for validation where the source has no such split.
        test_fraction: share of participants for testing where the source has no splits at all.
        test_split: the split that `proskill test` judges; "val" for sources without test labels.
        predict_split: the split that `proskill predict` runs on; "all" takes every take.
        skip_unlabelled: leave out takes without a level, with a count, instead of raising.
        skip_broken: leave out takes with an undecodable video, with a count, instead of raising.
        seed: of splits, order, windows and augmentation.

    Raises:
        ConfigError: neither or both of `source` and `takes`, or a value out of range.
    """

    def __init__(
        self,
        source: str | None = None,
        *,
        takes: list[Take] | None = None,
        view_names: list[str] | None = None,
        view_kinds: list[ViewKind] | None = None,
        scenarios: list[str] | None = None,
        batch_size: int = 16,
        eval_batch_size: int | None = None,
        num_workers: int = 2,
        train_windows: int | None = None,
        augment: bool = True,
        cache_dir: str | None = None,
        val_fraction: float = 0.15,
        test_fraction: float = 0.2,
        test_split: Split = "test",
        predict_split: Literal["train", "val", "test", "all"] = "test",
        skip_unlabelled: bool = False,
        skip_broken: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if (source is None) == (takes is None):
            raise ConfigError(
                "data.source: give a manifest file or a dataset folder (--data.source PATH)"
            )
        for name, value in (("batch_size", batch_size), ("eval_batch_size", eval_batch_size or 1)):
            if value < 1:
                raise ConfigError(f"data.{name}={value}: must be 1 or more")
        if num_workers < 0:
            raise ConfigError(f"data.num_workers={num_workers}: must be 0 or more")
        if train_windows is not None and train_windows < 1:
            raise ConfigError(f"data.train_windows={train_windows}: must be 1 or more, or null")
        self.source = source
        self.view_names = view_names
        self.view_kinds = view_kinds
        self.scenarios = scenarios
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size or batch_size
        self.num_workers = num_workers
        self.train_windows = train_windows
        self.augment = augment
        self.cache_dir = cache_dir
        self.val_fraction = val_fraction
        self.test_fraction = test_fraction
        self.test_split: Split = test_split
        self.predict_split = predict_split
        self.skip_unlabelled = skip_unlabelled
        self.skip_broken = skip_broken
        self.seed = seed
        self.by_split: dict[Split, list[Take]] = {}
        self.scale: LevelScale | None = None
        self._given = takes
        self._loader: Loader | None = None
        self._datasets: dict[Stage | Literal["train"], TakeDataset] = {}

    def attach(
        self,
        *,
        scale: LevelScale,
        clip_format: ClipFormat,
        num_windows: int | None,
        stage: Stage,
        encode: Encoder | None,
    ) -> None:
        """Prepare the datasets of a stage for a model; called from the model's `setup`.

        Args:
            scale: the model's levels.
            clip_format: how the model wants its clips.
            num_windows: windows per take in evaluation; None covers each take.
            stage: what the trainer is about to do.
            encode: runs the frozen part of the model on takes; None feeds clips.

        Raises:
            ManifestError: no usable takes for the stage, bad splits or missing labels.
            VideoError: a video cannot be decoded and `skip_broken` is false.
        """
        self.scale = scale
        if not self.by_split:
            self.by_split = self._read_splits(scale)
        wanted: dict[Stage | Literal["train"], list[Take]] = {}
        if stage == "fit":
            wanted["train"] = self._labelled("train")
            wanted["validate"] = self._labelled("val")
        elif stage == "validate":
            wanted["validate"] = self._labelled("val")
        elif stage == "test":
            wanted["test"] = self._labelled(self.test_split)
        else:
            wanted["predict"] = self._to_predict()
        if encode is None:
            self._loader = ClipLoader(
                clip_format,
                num_windows=num_windows,
                train_windows=self.train_windows or 1,
                augment=AugmentTake() if self.augment else None,
            )
        else:
            table = encode([take for takes in wanted.values() for take in takes])
            self._loader = StoredLoader(table.arrays, train_windows=self.train_windows)
            if table.skipped:
                _log.warning(
                    "%d takes left out, broken video: %s", len(table.skipped), table.skipped
                )
            wanted = {
                name: [take for take in takes if take.take_id in table.arrays]
                for name, takes in wanted.items()
            }
        for name, takes in wanted.items():
            self._datasets[name] = TakeDataset(
                takes, load=self._loader, scale=scale, seed=self.seed
            )

    @property
    def train_takes(self) -> list[Take]:
        """The labelled training takes: they define class weights and the majority."""
        return [take for take in self.by_split["train"] if take.level is not None]

    @property
    def train_levels(self) -> list[int]:
        """Level indices of `train_takes`."""
        assert self.scale is not None
        return [self.scale.index(take.level) for take in self.train_takes if take.level is not None]

    def takes_of(self, stage: Stage | Literal["train"]) -> list[Take]:
        """The takes behind a stage's data loader; `TakeBatch.position` points into them."""
        return self._datasets[stage].takes

    def described(self, description: str) -> str:
        """What the data is, in words that say so where it is simulated.

        Args:
            description: as the configuration has it.
        """
        if self.source is None or not is_simulated(self.source):
            return description
        return description if "simulat" in description.lower() else f"simulated ({description})"

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

    def _read_splits(self, scale: LevelScale) -> dict[Split, list[Take]]:
        takes = (
            self._given if self._given is not None else load_takes(str(self.source), scale=scale)
        )
        if self.scenarios is not None:
            unknown = set(self.scenarios) - {take.scenario for take in takes}
            if unknown:
                known = sorted({take.scenario for take in takes})
                raise ConfigError(
                    f"data.scenarios: {sorted(unknown)} not in the data; it has {', '.join(known)}"
                )
            takes = [take for take in takes if take.scenario in self.scenarios]
        takes = self._chosen_views(takes)
        return split_takes(
            takes,
            scale=scale,
            val_fraction=self.val_fraction,
            test_fraction=self.test_fraction,
            seed=self.seed,
        )

    def _chosen_views(self, takes: Sequence[Take]) -> list[Take]:
        if self.view_names is None and self.view_kinds is None:
            return list(takes)
        kept = []
        for take in takes:
            names = take.views if self.view_names is None else self.view_names
            views = {
                name: take.views[name]
                for name in names
                if name in take.views
                and (self.view_kinds is None or take.views[name].kind in self.view_kinds)
            }
            if views:
                kept.append(replace(take, views=views))
        wanted = f"view_names={self.view_names}, data.view_kinds={self.view_kinds}"
        if not kept:
            known = sorted(
                {f"{name} ({v.kind})" for take in takes for name, v in take.views.items()}
            )
            raise ConfigError(
                f"data.{wanted}: no take has such a view; the data has {', '.join(known)}"
            )
        if len(kept) < len(takes):
            _log.warning("%d takes left out: no view of data.%s", len(takes) - len(kept), wanted)
        return kept

    def _labelled(self, split: Split) -> list[Take]:
        takes = self.by_split[split]
        missing = [take.take_id for take in takes if take.level is None]
        if missing and not self.skip_unlabelled:
            raise ManifestError(
                f"level: {len(missing)} of {len(takes)} takes of split {split!r} have none (first "
                f"{missing[0]!r}); label them or set data.skip_unlabelled to true"
            )
        if missing:
            _log.warning("%d unlabelled takes of split %r left out", len(missing), split)
        takes = [take for take in takes if take.level is not None]
        if not takes:
            raise ManifestError(
                f"split {split!r} of {self.source or 'the given takes'} has no labelled take; "
                "check the split and level columns (data.test_split says what `test` judges)"
            )
        return takes

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
