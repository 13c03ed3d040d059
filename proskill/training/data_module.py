"""The Lightning data module: takes of a source as batches of clips or of extracted features.

`choose` reads the takes of a stage; then `serve_clips` or `serve_features` fills the batches. Both
precede the trainer's start (`run.run_stage`). Not here: splits (`split_takes`), padding
(`proskill.data.take_dataset`).
"""

from __future__ import annotations

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from proskill.data.selection import BrokenTakes
from proskill.data.sources import is_simulated
from proskill.data.take import Take
from proskill.data.take_dataset import (
    ClipLoader,
    EpochSampler,
    Loader,
    StoredLoader,
    TakeBatch,
    TakeDataset,
    collate_takes,
)
from proskill.data.targets import Targets
from proskill.errors import ConfigError
from proskill.features.feature_cache import FeatureTable
from proskill.input_spec import InputSpec, ReaderName
from proskill.training.settings import LoaderSettings, SelectionSettings, SplitSettings
from proskill.training.split_takes import Part, SplitTakes, Stage, read_splits
from proskill.video.transforms import AugmentTake


class TakeDataModule(LightningDataModule):
    """Takes of one source as training, validation, test and prediction batches.

    Args:
        source: a manifest file or the folder of a dataset; see `load_takes`.
        takes: the takes themselves instead of a source, for use from Python.
        comparisons: file or files of votes on pairs of takes, as `proskill rate` reads them; takes
            without a rating get one from the votes within their split.
        select: the takes and views to use.
        splits: division by participant, and the split of each stage.
        loader: size and content of batches.
        reader: decoder of videos: "pyav", or "decord" for files that it reads right (it refuses
            the others).
        seed: of splits, order, windows and augmentation.

    Raises:
        ConfigError: neither or both of `source` and `takes`.
    """

    def __init__(
        self,
        source: str | None = None,
        *,
        takes: list[Take] | None = None,
        comparisons: list[str] | str | None = None,
        select: SelectionSettings = SelectionSettings(),
        splits: SplitSettings = SplitSettings(),
        loader: LoaderSettings = LoaderSettings(),
        reader: ReaderName = "pyav",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if (source is None) == (takes is None):
            raise ConfigError(
                "data.source: give a manifest file or a dataset folder (--data.source PATH)"
            )
        self.source = source
        self.comparisons = [comparisons] if isinstance(comparisons, str) else comparisons or []
        self.select = select
        self.splits = splits
        self.loader = loader
        self.reader = reader
        self.seed = seed
        self.broken = BrokenTakes(0)
        self._given = takes
        self._read: SplitTakes | None = None
        self._chosen: dict[Part, list[Take]] = {}
        self._datasets: dict[Part, TakeDataset] = {}
        self._decodes = False

    def choose(self, stage: Stage, targets: Targets) -> list[Take]:
        """Read the source, choose the takes of a stage, and return all of them.

        Raises:
            ConfigError: a selected view or scenario does not occur.
            ManifestError: no usable takes for the stage, bad splits or missing labels.
        """
        if self._read is None or self._read.targets != targets:
            self._read = read_splits(
                self._given if self._given is not None else str(self.source),
                targets=targets,
                comparisons=self.comparisons,
                select=self.select,
                splits=self.splits,
                seed=self.seed,
            )
        self._chosen = self._read.parts(stage)
        takes = [take for part in self._chosen.values() for take in part]
        self.broken = BrokenTakes(len(takes))
        return takes

    def serve_clips(self, spec: InputSpec) -> None:
        """Fill the batches of the chosen takes with clips that are decoded anew."""
        load = ClipLoader(
            spec,
            train_windows=self.loader.train_windows or 1,
            augment=AugmentTake() if self.loader.augment else None,
            reader=self.reader,
        )
        self._serve(load, blank=load.blank if self.select.on_error == "skip" else None)

    def serve_features(self, table: FeatureTable) -> None:
        """Fill the batches of the chosen takes with features.

        Raises:
            ProskillError: too many of the takes have a broken video.
        """
        for take_id, reason in table.skipped.items():
            self.broken.add(take_id, reason)
        self._chosen = {
            name: [take for take in takes if take.take_id in table.arrays]
            for name, takes in self._chosen.items()
        }
        self._serve(StoredLoader(table.arrays, train_windows=self.loader.train_windows))

    def _serve(self, load: Loader, *, blank: torch.Tensor | None = None) -> None:
        self._decodes = isinstance(load, ClipLoader)
        for name, takes in self._chosen.items():
            self._datasets[name] = TakeDataset(
                takes,
                load=load,
                targets=self._splits.targets,
                seed=self.seed,
                train_views=self.loader.train_views,
                blank=blank,
            )

    def count_broken(self, part: Part, batch: TakeBatch) -> None:
        """Record the takes of a batch whose video could not be decoded.

        Raises:
            ProskillError: they have become too many.
        """
        for position, reason in zip(batch.position.tolist(), batch.broken, strict=True):
            if reason:
                self.broken.add(self.takes_of(part)[position].take_id, reason)

    @property
    def _splits(self) -> SplitTakes:
        if self._read is None:
            raise ConfigError(
                "TakeDataModule has read no takes: start with fit_model or run_stage of "
                "proskill.training, which extract features before the trainer starts"
            )
        return self._read

    @property
    def train_takes(self) -> list[Take]:
        """Training takes with labels: they define class weights and majorities."""
        read = self._splits
        return [take for take in read.by_split["train"] if read.targets.has_any(take)]

    @property
    def train_levels(self) -> NDArray[np.int64]:
        """(N, S) level indices of `train_takes` for every skill, -1 without a label."""
        return np.array([self._splits.targets.levels_of(take) for take in self.train_takes])

    @property
    def train_ratings(self) -> list[float]:
        """Ratings of those `train_takes` that have one."""
        return [take.rating for take in self.train_takes if take.rating is not None]

    def takes_of(self, part: Part) -> list[Take]:
        """Return the takes behind a data loader; `TakeBatch.position` points into them."""
        return self._datasets[part].takes

    def described(self, description: str) -> str:
        """Return the configured description, with words for simulated data and for votes.

        Args:
            description: as the configuration has it.
        """
        is_made_up = self.source is not None and is_simulated(self.source)
        if is_made_up and "simulat" not in description.lower():
            description = f"simulated ({description})"
        votes = self._splits.use_of_votes
        return f"{description}; {votes}" if votes else description

    def split_of(self, stage: Stage) -> str:
        """Return the split that a stage runs on."""
        splits = {"validate": "val", "test": self.splits.test, "predict": self.splits.predict}
        return splits.get(stage, "train")

    def train_dataloader(self) -> DataLoader:
        rank, world_size = self._place
        size = len(self._datasets["train"])
        sampler = EpochSampler(size, seed=self.seed, rank=rank, num_replicas=world_size)
        return self._dataloader("train", batch_size=self.loader.batch_size, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        return self._evaluation("validate")

    def test_dataloader(self) -> DataLoader:
        return self._evaluation("test")

    def predict_dataloader(self) -> DataLoader:
        return self._evaluation("predict")

    def _evaluation(self, stage: Stage) -> DataLoader:
        rank, world_size = self._place
        share = range(rank, len(self._datasets[stage]), world_size)
        size = self.loader.eval_batch_size or self.loader.batch_size
        return self._dataloader(stage, batch_size=size, sampler=share)

    @property
    def _place(self) -> tuple[int, int]:
        """Rank of this process and number of processes."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _dataloader(self, part: Part, *, batch_size: int, sampler: object) -> DataLoader:
        # Reading features costs less than a process.
        num_workers = self.loader.num_workers if self._decodes else 0
        return DataLoader(
            self._datasets[part],
            batch_size=batch_size,
            sampler=sampler,  # type: ignore[arg-type]  # yields (epoch, index) pairs in training
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            collate_fn=collate_takes,
        )
