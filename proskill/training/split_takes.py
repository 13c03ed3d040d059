"""Takes of a source by split: read, selected, divided by participant, rated by votes.

Not here: reading datasets (`proskill.data.sources`), batches (`data_module`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np

from proskill.data.selection import select_scenarios, select_views
from proskill.data.sources import load_takes
from proskill.data.splits import split_takes
from proskill.data.take import Split, Take
from proskill.data.targets import Targets, named
from proskill.errors import ConfigError, ManifestError
from proskill.levels import UNLABELLED
from proskill.training.compared_takes import rate_compared_takes
from proskill.training.settings import SelectionSettings, SplitSettings

Stage = Literal["fit", "validate", "test", "predict"]
Part = Stage | Literal["train"]  # of a stage; "validate" also chooses the checkpoint while fitting

_HELD_OUT = "held out of train"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitTakes:
    """Takes of a source by split.

    Attributes:
        by_split: split -> its takes.
        choosing: takes that choose the checkpoint.
        targets: labels that a model learns from.
        select: settings of the selection.
        splits: the split of each stage.
        source: name of the source in messages.
        use_of_votes: use of votes in words; empty without votes.
    """

    by_split: dict[Split, list[Take]]
    choosing: list[Take]
    targets: Targets
    select: SelectionSettings
    splits: SplitSettings
    source: str
    use_of_votes: str = ""

    def parts(self, stage: Stage) -> dict[Part, list[Take]]:
        """Return the takes of a stage: "train" and "validate" for fit, else one part.

        Raises:
            ManifestError: no usable take, or labels are missing.
        """
        if stage == "fit":
            train = self._labelled(self.by_split["train"], "train")
            return {"train": train, "validate": self._labelled(self.choosing, "val")}
        if stage == "validate":
            return {"validate": self._labelled(self.by_split["val"], "val")}
        if stage == "test":
            split = self.splits.test
            return {"test": self._labelled(self.by_split[split], split)}
        return {"predict": self._to_predict()}

    def _labelled(self, takes: Sequence[Take], split: Split) -> list[Take]:
        labelled = [take for take in takes if self.targets.has_any(take)]
        missing = [take.take_id for take in takes if not self.targets.has_any(take)]
        wanted = self.targets.described
        if missing:
            found = f"{len(missing)} of {len(takes)} takes of split {split!r} have no {wanted}"
            if not self.select.skip_unlabelled:
                raise ManifestError(
                    f"{found}: {named(missing)}; label them or set data.select.skip_unlabelled to "
                    "true"
                )
            _log.warning("left out: %s: %s", found, named(missing))
        if not labelled:
            raise ManifestError(
                f"split {split!r} of {self.source} has no take with a {wanted}; check the split "
                "and the labels (data.splits.test names the split that `test` evaluates)"
            )
        self._require_skills(labelled, split)
        return labelled

    def _require_skills(self, takes: Sequence[Take], split: Split) -> None:
        levels = np.array([self.targets.levels_of(take) for take in takes])  # (N, S)
        nowhere = (levels == UNLABELLED).all(axis=0)
        for name, is_missing in zip(self.targets.skills, nowhere, strict=False):
            if is_missing:
                known = sorted({skill for take in takes for skill in take.skills})
                raise ManifestError(
                    f"model.head.skills: no take of split {split!r} has a label for {name!r}; it "
                    f"has {', '.join(known) or 'none'}"
                )

    def _to_predict(self) -> list[Take]:
        split = self.splits.predict
        if split == "all":
            takes = [take for takes in self.by_split.values() for take in takes]
        else:
            takes = self.by_split[split]
        if not takes:
            raise ManifestError(
                f"split {split!r} of {self.source} has no take; choose another "
                "data.splits.predict (or all)"
            )
        return takes


def read_splits(
    takes: Sequence[Take] | str,
    *,
    targets: Targets,
    comparisons: Sequence[str],
    select: SelectionSettings,
    splits: SplitSettings,
    seed: int,
) -> SplitTakes:
    """Read a source and divide its takes.

    Args:
        takes: the takes, or the manifest file or dataset folder to read them from.
        targets: the labels that a model learns from.
        comparisons: files of votes that rate takes.
        select: takes and views to use.
        splits: shares of participants and the split of each stage.
        seed: of the division and of the ratings by votes.

    Raises:
        ConfigError: a selected view or scenario does not occur, or votes for a model without
            ratings.
        ManifestError: the source cannot be read, or its splits or votes cannot be used.
    """
    source = takes if isinstance(takes, str) else "the given takes"
    if isinstance(takes, str):
        # Levels that do not count need not be on the scale.
        takes = load_takes(takes, scale=targets.scale if targets.uses_levels else None)
    if not targets.uses_levels:
        takes = [replace(take, level=None) for take in takes]
    takes = select_views(
        select_scenarios(takes, select.scenarios),
        view_names=select.view_names,
        view_kinds=select.view_kinds,
    )
    divide = partial(
        split_takes,
        scale=targets.scale,
        val_fraction=splits.val_fraction,
        test_fraction=splits.test_fraction,
        seed=seed,
    )
    parts: dict[str, list[Take]] = {str(name): part for name, part in divide(takes).items()}
    if splits.test == "val" and parts["train"]:
        # The evaluated takes must not have chosen the checkpoint.
        drawn = divide(parts["train"])
        parts["train"], parts[_HELD_OUT] = drawn["train"], drawn["val"]
    use_of_votes = ""
    if comparisons:
        if not targets.uses_ratings:
            raise ConfigError(
                "data.comparisons gives ratings, from which this model learns nothing: set "
                "model.head.kind to regression or model.loss.ranking_weight above 0"
            )
        compared = rate_compared_takes(comparisons, parts, source=source, seed=seed)
        parts, use_of_votes = dict(compared.parts), compared.use
    return SplitTakes(
        by_split={name: parts[name] for name in get_args(Split)},
        choosing=parts.get(_HELD_OUT, parts["val"]),
        targets=targets,
        select=select,
        splits=splits,
        source=source,
        use_of_votes=use_of_votes,
    )
