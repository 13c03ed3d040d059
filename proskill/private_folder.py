"""Temporary folders that end with their process, even where it is killed.

A lock of the operating system marks a folder as in use and ends with the process. Making the next
folder beside it deletes those whose lock has ended.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType


class PrivateFolder:
    """A new folder that only this user may open; `close`, or leaving its block, deletes it.

    Folders of the same prefix in the same place that killed processes of this user left behind are
    deleted first. Where folders cannot be locked (Windows, some network disks) they stay.

    Args:
        prefix: of its name.
        parent: an existing folder to make it in; None for the one of temporary files.

    Attributes:
        path: of the folder, absolute.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, prefix: str, *, parent: Path | None = None) -> None:
        place = Path(tempfile.gettempdir() if parent is None else parent).absolute()
        _delete_abandoned(place, prefix)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            with suppress(BlockingIOError, FileNotFoundError):
                self._lock = _lock(self.path)
                if self._lock is None or self.path.exists():
                    return
                os.close(self._lock)
            # Another process deleted it before it was locked.

    def close(self) -> None:
        """Delete the folder and its content; again does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _delete_abandoned(place: Path, prefix: str) -> None:
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with suppress(OSError):  # locked, a link, or gone meanwhile
                    if entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                        _delete_unless_locked(Path(entry.path))


def _delete_unless_locked(folder: Path) -> None:
    lock = _lock(folder)
    if lock is None:
        return
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """Return a descriptor that locks the folder while open, None where folders cannot be locked.

    Raises:
        BlockingIOError: another descriptor locks it.
        OSError: it is gone, or a link or a file.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
