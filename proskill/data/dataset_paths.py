"""Paths in datasets: names that stay in a folder, and the takes and views that names suggest."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from proskill.errors import ManifestError
from proskill.view_names import guess_kind, split_camera

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".3gp",
)  # fmt: skip


@dataclass(frozen=True)
class FoundView:
    """Video file with the take and view that its name suggests.

    Attributes:
        path: the file.
        take_id: the same for files that seem to show the same performance.
        view: distinct within the take.
    """

    path: Path
    take_id: str
    view: str


def find_views(folder: Path) -> list[FoundView]:
    """Return video files under a folder, sorted by path, with takes as by `name_views_of`.

    Raises:
        ManifestError: no such folder, or no video in it.
    """
    return name_views_of(find_videos(folder), folders=[folder])


def name_views_of(files: Iterable[Path], *, folders: Sequence[Path]) -> list[FoundView]:
    """Return the take and view that each file's name suggests.

    A name with a camera in it (`anna_02_cam01.mp4`, `anna_02/ego.mp4`) belongs to the take that the
    rest of the path names; any other file is a take of its own. Cameras of the same name in a take
    are numbered.

    Args:
        files: each in one of the folders.
        folders: where they were looked for; names of takes begin below what these share.
    """
    if not folders:
        return []
    top = Path(os.path.commonpath([folder.absolute() for folder in folders]))
    views: list[FoundView] = []
    taken: set[tuple[str, str]] = set()
    for path in files:
        rest, camera = split_camera(path.stem)
        above = path.absolute().relative_to(top).parent.as_posix()
        parts = [part for part in (above if above != "." else "", rest) if part]
        take_id = "/".join(parts) or top.name or "take"
        name = camera or guess_kind(path.stem)
        name = "exo1" if name == "exo" else name
        number = 2
        base = name
        while (take_id, name) in taken:
            name = f"{base}_{number}"
            number += 1
        taken.add((take_id, name))
        views.append(FoundView(path, take_id, name))
    return views


def find_videos(folder: Path) -> list[Path]:
    """Return video files under a folder, sorted by path, without hidden files and folders.

    Raises:
        ManifestError: no such folder, or no video in it.
    """
    if not folder.is_dir():
        raise ManifestError(f"{folder}: is no folder; give the folder that holds the videos")
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent) / name for name in names if _is_video(name)]
    if not found:
        raise ManifestError(
            f"{folder}: has no video; files are recognised by {', '.join(VIDEO_SUFFIXES)}"
        )
    return sorted(found)


def match_videos(pattern: str) -> list[Path]:
    """Return video files that match a pattern such as `clips/**/*_ego.mp4`, sorted by path.

    Raises:
        ManifestError: nothing matches.
    """
    matches = map(Path, glob.glob(pattern, recursive=True))
    found = sorted(path for path in matches if _is_video(path.name) and path.is_file())
    if not found:
        raise ManifestError(
            f"{pattern}: matches no video; check the pattern, files are recognised by "
            f"{', '.join(VIDEO_SUFFIXES)}"
        )
    return found


def fixed_part(pattern: str) -> Path:
    """Return the folder that a pattern names before its first placeholder."""
    parts = Path(pattern).parts
    return Path(*itertools.takewhile(lambda part: not glob.has_magic(part), parts))


def is_pattern(text: str) -> bool:
    """Return True for a pattern for `match_videos` that is no existing path."""
    return glob.has_magic(text) and not os.path.lexists(text)


def is_inside(relative: str) -> bool:
    """Return True if a relative path, joined to a folder, stays in it.

    `a/../b` stays and `a/../../b` does not; links are not followed, they are the owner's doing. A
    backslash counts as a separator, so that no other system reads more into a name than this one.
    """
    path = PurePosixPath(relative.replace("\\", "/"))
    if path.is_absolute() or "\0" in relative:
        return False
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def is_plain_name(name: str) -> bool:
    """Return True for the name of one file or folder, without separators."""
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\\0")


def first_file(*candidates: Path) -> Path | None:
    """Return the first path that is a file, or None."""
    return next((path for path in candidates if path.is_file()), None)


def _is_video(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES
