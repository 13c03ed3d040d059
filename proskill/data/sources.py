"""Takes of any dataset, by the path of its folder or file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proskill.data.basket import is_basket, read_basket
from proskill.data.egoexo4d import is_egoexo4d, read_egoexo4d
from proskill.data.manifest import read_manifest
from proskill.data.proskill_dataset import is_proskill, read_proskill
from proskill.data.take import Take
from proskill.errors import ManifestError
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.table_files import TABLE_SUFFIXES, Row


def load_takes(
    source: Path | str,
    *,
    scale: LevelScale | None = EGOEXO4D_LEVELS,
    on_wrong_row: Callable[[Row, str], None] | None = None,
) -> list[Take]:
    """Read a dataset, whatever its layout.

    Args:
        source: a manifest file, a folder with `manifest.csv` or `manifest.parquet`, or the folder
            of Ego-Exo4D (`takes.json`), BASKET (`BASKET_Labels/`, or one of the test sets in it) or
            ProSkill (`rankings/`, or folders that hold it).
        scale: the levels that a manifest may name; None accepts any name. The others bring theirs.
        on_wrong_row: as for `read_manifest`; other layouts raise at the first thing that is wrong.

    Raises:
        ManifestError: there is nothing of the kind, or what is there breaks the rules.
    """
    source = Path(source)
    if not source.is_dir():
        return read_manifest(source, scale=scale, on_wrong_row=on_wrong_row)
    manifests = _manifests(source)
    if len(manifests) > 1:
        names = " and ".join(file.name for file in manifests)
        raise ManifestError(f"{source}: has {names}; give the one that counts")
    if manifests:
        return read_manifest(manifests[0], scale=scale, on_wrong_row=on_wrong_row)
    if is_egoexo4d(source):
        return read_egoexo4d(source)
    if is_basket(source):
        return read_basket(source)
    if is_proskill(source):
        return read_proskill(source)
    raise ManifestError(
        f"{source}: has neither manifest.csv nor manifest.parquet, and nothing of Ego-Exo4D "
        "(takes.json), BASKET (BASKET_Labels) or ProSkill (rankings); give a dataset's folder or a "
        "manifest file"
    )


def is_dataset(source: Path | str) -> bool:
    """Return True for a source of `load_takes`, by its suffix or its folder's content."""
    source = Path(source)
    if not source.is_dir():
        return source.suffix.lower() in TABLE_SUFFIXES
    is_known = (is_egoexo4d, is_basket, is_proskill)
    return bool(_manifests(source)) or any(check(source) for check in is_known)


def is_simulated(source: Path | str) -> bool:
    """Return True if the dataset's folder contains the truth that only a simulation knows."""
    source = Path(source)
    folder = source if source.is_dir() else source.parent
    return (folder / "truth.jsonl").is_file()


def _manifests(folder: Path) -> list[Path]:
    return [file for s in TABLE_SUFFIXES if (file := folder / f"manifest{s}").is_file()]
