"""The errors a caller of proskill would catch: each says what is wrong, where and what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path


class ProskillError(Exception):
    """Base of every error that proskill raises about its input."""


class VideoError(ProskillError):
    """A video that cannot be used.

    Attributes:
        path: the file.
        reason: what is wrong with it, one sentence without the path.
        decoded_ratio: share of the announced frames that are there, where that is what is wrong.
    """

    def __init__(
        self, path: str | Path, reason: str, *, decoded_ratio: float | None = None
    ) -> None:
        self.path = Path(path)
        self.reason = reason
        self.decoded_ratio = decoded_ratio
        super().__init__(f"{path}: {reason}")

    def __reduce__(self) -> tuple[Callable[[Path, str], VideoError], tuple[Path, str]]:
        # All arguments, so that worker processes can raise it.
        return partial(type(self), decoded_ratio=self.decoded_ratio), (self.path, self.reason)


class StorageError(ProskillError):
    """A file or folder that cannot be written: a full disk, or a place that may not be used."""


class TableError(ProskillError):
    """A table, or a row of it, that cannot be used.

    Attributes:
        reason: what is wrong, one sentence.
        row: its number, counted from 1; None when no single row is to blame.
        path: the file; None when the rows come from no file, or from several.
    """

    def __init__(self, reason: str, *, row: int | None = None, path: Path | None = None) -> None:
        self.reason = reason
        self.row = row
        self.path = path
        where = [] if path is None else [str(path)]
        where += [] if row is None else [f"row {row}"]
        super().__init__(": ".join([*where, reason]))


class ManifestError(TableError):
    """A manifest or dataset folder whose content breaks the rules of `proskill.data`."""


class CheckpointError(ProskillError):
    """A checkpoint directory or weight file that cannot be loaded safely and completely."""


class ConfigError(ProskillError):
    """A configuration that names something that does not exist or is out of range."""


class CampaignError(ProskillError):
    """An annotation campaign that cannot be made, opened or changed as asked."""


class ComparisonError(TableError):
    """Pairwise judgements that cannot be used."""
