"""What a caller hands to the scorer: names, kinds and files of views, checked before any decoding.

Not here: opening the files.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from proskill.errors import ProskillError, VideoError
from proskill.scoring.calibration import VIEW_KINDS
from proskill.view_names import guess_kind

MAX_VIEWS = 8


@dataclass(frozen=True)
class InputView:
    """One camera's file as asked for.

    Attributes:
        name: of the view.
        path: an existing file.
        kind: "ego" or "exo".
        offset_seconds: added to the common clock to give this file's clock.
    """

    name: str
    path: Path
    kind: str
    offset_seconds: float


def name_views(
    sources: Iterable[str | Path], named: Iterable[tuple[str, str | Path]] = ()
) -> dict[str, Path]:
    """View names for files: a given name stays, others follow from the file's name.

    Files without a name become ego, ego2 ... or exo1, exo2 ..., in the order given.

    Raises:
        ProskillError: a name given twice, or empty.
    """
    views: dict[str, Path] = {}
    for name, path in named:
        if not name.strip():
            raise ProskillError(f"view name {name!r} of {path}: is empty; write NAME=FILE")
        if name in views:
            raise ProskillError(
                f"view {name!r} is given twice ({views[name]} and {path}); give each view its own "
                "name"
            )
        views[name] = Path(path)
    unnamed: dict[str, Path] = {}
    for source in sources:
        path = Path(source)
        unnamed[_free_name(guess_kind(path.stem), {**views, **unnamed})] = path
    return {**unnamed, **views}


def check_views(
    views: Mapping[str, str | Path] | str | Path,
    *,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
) -> dict[str, InputView]:
    """The views to score, in the order given.

    Raises:
        ProskillError: no view, more than eight, an empty name, or kinds and offsets that are wrong
            or belong to no view.
        VideoError: a file that is missing or is no file.
    """
    if isinstance(views, str | Path):
        views = name_views([views])
    if not views:
        raise ProskillError("no view given; give one video file or more")
    if len(views) > MAX_VIEWS:
        raise ProskillError(
            f"{len(views)} views given; at most {MAX_VIEWS} are scored together, so leave out "
            f"{len(views) - MAX_VIEWS}"
        )
    kinds, offsets = kinds or {}, offsets or {}
    for what, given in (("kinds", kinds), ("offsets", offsets)):
        strangers = [name for name in cast("Mapping[str, object]", given) if name not in views]
        if strangers:
            raise ProskillError(
                f"{what} name the view {strangers[0]!r}, which is not given; views are "
                f"{', '.join(views)}"
            )
    return {
        name: _check_view(name, path, kinds.get(name), offsets.get(name, 0.0))
        for name, path in views.items()
    }


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_view(name: str, path: str | Path, kind: str | None, offset_seconds: float) -> InputView:
    file = Path(path)
    if not name.strip():
        raise ProskillError(f"view name {name!r} of {path}: is empty; give each view a name")
    if not file.exists():
        raise VideoError(file, f"no such file; check the path of view {name!r}")
    if file.is_dir():
        raise VideoError(file, f"is a directory; give one video file for view {name!r}")
    if kind is None:
        kind = guess_kind(name)
    if kind not in VIEW_KINDS:
        raise ProskillError(f"view {name!r}: kind={kind!r}; allowed are {', '.join(VIEW_KINDS)}")
    if not math.isfinite(offset_seconds):
        raise ProskillError(f"view {name!r}: offset {offset_seconds} is not a number of seconds")
    return InputView(name, file, kind, float(offset_seconds))


def _free_name(kind: str, taken: Mapping[str, Path]) -> str:
    number = 1
    while True:
        # The usual names: one ego camera is "ego", exo cameras are counted from 1.
        name = kind if kind == "ego" and number == 1 else f"{kind}{number}"
        if name not in taken:
            return name
        number += 1
