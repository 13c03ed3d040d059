"""Files that are complete or absent, whatever kills the process or fills the disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from proskill.errors import ProskillError


def write_whole(path: Path, parts: Iterable[bytes | memoryview], *, advice: str) -> None:
    """Write beside `path`, then rename; an older file at `path` stays intact on failure.

    Args:
        path: its folder is made when missing.
        parts: the content, one after the other.
        advice: what to do when it fails, for the message.

    Raises:
        ProskillError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ProskillError(
            f"{path}: cannot be written ({error.strerror or error}); {advice}"
        ) from error
