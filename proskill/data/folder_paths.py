"""Paths that a file names: inside the folder they belong to, or refused."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def is_inside(relative: str) -> bool:
    """Whether a relative path, joined to a folder, stays in it.

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
    """Whether a text names one file or folder and no path."""
    return name not in ("", ".", "..") and not any(mark in name for mark in "/\\\0")


def first_file(*candidates: Path) -> Path | None:
    """The first of some paths that is a file; None where none is."""
    return next((path for path in candidates if path.is_file()), None)
