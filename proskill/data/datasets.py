"""Public datasets as sequences of takes, and as torch datasets of (clip, target).

    >>> import tempfile
    >>> from pathlib import Path
    >>> from proskill.data import EgoExo4D
    >>> from proskill.simulation.takes import simulate_dataset
    >>> root = simulate_dataset(
    ...     Path(tempfile.mkdtemp()), layout="egoexo4d", num_participants=3,
    ...     takes_per_participant=1, split_shares=(0, 1, 0), views=("ego", "exo1"))
    >>> takes = EgoExo4D(root, split="val")
    >>> len(takes), list(takes[0].views)
    (3, ['ego', 'exo1'])
    >>> clip, target = takes.as_torch(num_frames=4, img_size=32)[0]
    >>> tuple(clip.shape), takes.scale.names[target] == takes[0].level
    ((2, 3, 4, 32, 32), True)

Loads no torch before `as_torch` is called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, get_args, overload

from proskill.data.basket import BASKET_SKILLS, read_basket
from proskill.data.egoexo4d import read_egoexo4d
from proskill.data.proskill_dataset import read_proskill
from proskill.data.selection import select_scenarios, select_views
from proskill.data.sources import load_takes
from proskill.data.take import Split, Take
from proskill.data.targets import Targets
from proskill.errors import ManifestError
from proskill.input_spec import InputSpec
from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS, LevelScale
from proskill.view_names import ViewKind

if TYPE_CHECKING:
    from proskill.data.clip_dataset import ClipDataset
    from proskill.input_spec import ReaderName

TargetName = Literal["level", "skills", "rating"]


class TakeSequence(Sequence[Take], ABC):
    """Takes of one dataset, of one split or of all.

    Args:
        source: folder of the dataset.
        split: "train", "val" or "test"; None for all takes, also those without a split.
        scenarios: activities to keep; None keeps all.
        view_names: views to keep; None keeps all. Takes with none of them are left out.
        view_kinds: "ego", "exo" or both; None keeps both.

    Attributes:
        scale: levels that `Take.level`, or each of `Take.skills`, is on.
        target: what `as_torch` returns beside a clip where no target is named.

    Raises:
        ManifestError: the source is no such dataset, or has no take of the split.
        ConfigError: a scenario or view that no take has.
        ValueError: an unknown split.
    """

    scale: LevelScale = EGOEXO4D_LEVELS
    target: ClassVar[TargetName] = "level"

    def __init__(
        self,
        source: str | Path,
        *,
        split: Split | None = None,
        scenarios: Sequence[str] | None = None,
        view_names: Sequence[str] | None = None,
        view_kinds: Sequence[ViewKind] | None = None,
    ) -> None:
        if split is not None and split not in get_args(Split):
            raise ValueError(f"split={split!r}: allowed are {', '.join(get_args(Split))}, None")
        found = self._read(Path(source))
        takes = [take for take in found if split is None or take.split == split]
        if not takes:
            known = sorted({take.split or "none" for take in found})
            raise ManifestError(
                f"{source}: no take of split {split!r}; its takes are in {', '.join(known)}"
            )
        self._takes = select_views(
            select_scenarios(takes, scenarios), view_names=view_names, view_kinds=view_kinds
        )

    @abstractmethod
    def _read(self, source: Path) -> list[Take]:
        """Return the takes of all splits."""

    def __len__(self) -> int:
        return len(self._takes)

    @overload
    def __getitem__(self, index: int) -> Take: ...

    @overload
    def __getitem__(self, index: slice) -> list[Take]: ...

    def __getitem__(self, index: int | slice) -> Take | list[Take]:
        return self._takes[index]

    def skill_names(self) -> tuple[str, ...]:
        """Return the skills of the takes, in the order of the "skills" target."""
        return tuple(sorted({name for take in self for name in take.skills}))

    def as_torch(
        self,
        *,
        num_frames: int = 16,
        img_size: int | tuple[int, int] = 224,
        frame_interval_seconds: float | None = None,
        target: TargetName | None = None,
        reader: ReaderName = "pyav",
    ) -> ClipDataset:
        """Return a torch dataset of (clip, target), decoded when an item is asked for.

        A clip is float32 of shape (V, C, T, H, W), normalised from [0, 1] to [-1, 1]: the take's
        views in their order, synchronised, each its middle square. Takes may have different
        numbers of views; name `view_names` for batches of one shape.

        Targets: "level", an int64 index on `scale`, shape (), -1 without a label; "skills", one
        such index for each of `skill_names()`, shape (S,); "rating", float32, shape (), NaN
        without a label.

        Args:
            num_frames: T.
            img_size: side of the square, or (H, W), in pixels.
            frame_interval_seconds: time between frames of a clip from the middle of the take; None
                spreads the frames evenly over the whole take.
            target: one of the above; None for the dataset's own: level, of BASKET skills, of
                ProSkill rating.
            reader: "pyav" or "decord", see `proskill.video.open_reader`.

        Raises:
            ManifestError: a skill's value is not the index of a level.
            ValueError: an unknown target, or a size or count below 1.
        """
        from proskill.data.clip_dataset import ClipDataset

        target = target or self.target
        if target not in get_args(TargetName):
            raise ValueError(f"target={target!r}: allowed are {', '.join(get_args(TargetName))}")
        side = (img_size, img_size) if isinstance(img_size, int) else img_size
        skills = self.skill_names() if target == "skills" else ()
        if target == "skills" and not skills:
            raise ValueError("target='skills': the takes have none; use 'level' or 'rating'")
        is_rating = target == "rating"
        return ClipDataset(
            self,
            InputSpec(num_frames, frame_interval_seconds, side, num_windows=1),
            Targets(self.scale, skills=skills, uses_levels=not is_rating, uses_ratings=is_rating),
            reader=reader,
        )


class EgoExo4D(TakeSequence):
    """Ego-Exo4D's demonstrator proficiency benchmark, read by `read_egoexo4d`."""

    def _read(self, source: Path) -> list[Take]:
        return read_egoexo4d(source)


class Basket(TakeSequence):
    """BASKET with its 20 skills, read by `read_basket`."""

    scale = BASKET_LEVELS
    target = "skills"

    def _read(self, source: Path) -> list[Take]:
        return read_basket(source)

    def skill_names(self) -> tuple[str, ...]:
        """Return the 20 skills in the order of BASKET's columns."""
        return BASKET_SKILLS


class ProSkill(TakeSequence):
    """ProSkill's segments with their Elo ratings, read by `read_proskill`."""

    target = "rating"

    def _read(self, source: Path) -> list[Take]:
        return read_proskill(source)


class Manifest(TakeSequence):
    """Takes of a manifest, or of a folder with one, read by `load_takes`.

    Args:
        source: the `.csv` or `.parquet` file, or its folder.
        scale: levels that the manifest may name.
        split: as of `TakeSequence`, like the other options.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        scale: LevelScale = EGOEXO4D_LEVELS,
        split: Split | None = None,
        scenarios: Sequence[str] | None = None,
        view_names: Sequence[str] | None = None,
        view_kinds: Sequence[ViewKind] | None = None,
    ) -> None:
        self.scale = scale
        super().__init__(
            source,
            split=split,
            scenarios=scenarios,
            view_names=view_names,
            view_kinds=view_kinds,
        )

    def _read(self, source: Path) -> list[Take]:
        return load_takes(source, scale=self.scale)
