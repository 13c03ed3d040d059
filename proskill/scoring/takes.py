"""Takes of single video files: names and kinds of views, checked before any decoding.

Not here: opening the files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from proskill.data.take import Take, View
from proskill.errors import ProskillError, VideoError
from proskill.view_names import MAX_VIEWS, VIEW_KINDS, guess_kind

TakeOrFiles = Take | Mapping[str, str | Path] | str | Path


def name_views(
    sources: Iterable[str | Path], named: Iterable[tuple[str, str | Path]] = ()
) -> dict[str, Path]:
    """Return view name -> file: a given name stays, others follow from the file's name.

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


def make_take(
    files: Mapping[str, str | Path] | str | Path,
    *,
    take_id: str | None = None,
    kinds: Mapping[str, str] | None = None,
    offsets: Mapping[str, float] | None = None,
    span_seconds: tuple[float, float | None] = (0.0, None),
) -> Take:
    """Make a take of video files that belong to no data set.

    Args:
        files: view name -> video file of the same performance; or a single file.
        take_id: None for the name of the first file.
        kinds: view name -> "ego" or "exo"; guessed from the name where absent.
        offsets: view name -> seconds added to the take's clock to give the file's clock; 0 where
            absent.
        span_seconds: [start, end) of the performance on the take's clock; an end of None is that of
            the first file that ends.

    Raises:
        ProskillError: no view, an empty name, kinds and offsets that are wrong or belong to no
            view, or an empty span.
    """
    if isinstance(files, str | Path):
        files = name_views([files])
    if not files:
        raise ProskillError("no view given; give one video file or more")
    kinds, offsets = kinds or {}, offsets or {}
    for what, given in (("kinds", set(kinds)), ("offsets", set(offsets))):
        if unknown := sorted(given - set(files)):
            raise ProskillError(
                f"{what} name the view {unknown[0]!r}, which is not given; views are "
                f"{', '.join(files)}"
            )
    start, end = span_seconds
    if not 0 <= start < (math.inf if end is None else end):
        raise ProskillError(f"span from {start} to {end} s: must begin at 0 or later and then end")
    views = {}
    for name, file in files.items():
        if not name.strip():
            raise ProskillError(f"view name {name!r} of {file}: is empty; give each view a name")
        kind, offset = kinds.get(name, guess_kind(name)), offsets.get(name, 0.0)
        if kind not in VIEW_KINDS:
            raise ProskillError(
                f"view {name!r}: kind={kind!r}; allowed are {', '.join(VIEW_KINDS)}"
            )
        if not math.isfinite(offset):
            raise ProskillError(f"view {name!r}: offset {offset} is not a number of seconds")
        views[name] = View(Path(file), kind, start, end, float(offset))
    first = next(iter(views.values())).path
    return Take(take_id or first.stem or "take", None, "", views)


def as_take(take: TakeOrFiles, *, are_files_read: bool = True) -> Take:
    """Return a take that can be scored, made of files where it is none yet.

    Args:
        take: a take, or files as for `make_take`.
        are_files_read: check that the files exist; false where copies of them are read.

    Raises:
        ProskillError: more than eight views, or as `make_take`.
        VideoError: a file that is missing or a directory.
    """
    if not isinstance(take, Take):
        take = make_take(take)
    if len(take.views) > MAX_VIEWS:
        raise ProskillError(
            f"{len(take.views)} views given; at most {MAX_VIEWS} are scored together, so leave out "
            f"{len(take.views) - MAX_VIEWS}"
        )
    for name, view in take.views.items() if are_files_read else ():
        if not view.path.exists():
            raise VideoError(view.path, f"no such file; check the path of view {name!r}")
        if view.path.is_dir():
            raise VideoError(view.path, f"is a directory; give one video file for view {name!r}")
    return take


def _free_name(kind: str, taken: Mapping[str, Path]) -> str:
    number = 1
    while True:
        # The usual names: one ego camera is "ego", exo cameras are counted from 1.
        name = kind if kind == "ego" and number == 1 else f"{kind}{number}"
        if name not in taken:
            return name
        number += 1
