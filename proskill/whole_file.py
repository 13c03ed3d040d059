"""Atomic writing: a file is complete or absent, even on a full disk or a kill."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from proskill.errors import StorageError


def write_whole(
    path: Path, parts: Iterable[bytes | memoryview], *, advice: str, mode: int = 0o666
) -> None:
    """Write beside `path`, then rename; an older file at `path` stays intact on failure.

    Args:
        path: its folder is made when missing.
        parts: the content, one after the other.
        advice: what to do when it fails, for the message.
        mode: permissions, less those that the umask of the process forbids.

    Raises:
        StorageError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); {advice}"
        ) from error
