"""Files on their way in: each in a folder of its own, under a name that nobody can guess.

An upload belongs to the account that sent it, is claimed once, and is deleted when it is not
claimed in time. Nothing here looks into a file.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proskill.errors import ProskillError, StorageError

from .multipart import FormFiles

# To people elsewhere: no folder of this machine, and nothing that only its owner can do.
NO_ROOM = "the machine that serves this page has no room left for files; try again later"

_UNCLAIMED_SECONDS = 900.0
_FRAME_BYTES = 65536  # what a multipart body may hold beside the file
_ROOM_BYTES = 100_000_000  # that stays free on the disk: copies and reports need some, too


class TooLarge(ProskillError):
    """An upload that is larger than allowed."""


@dataclass(frozen=True)
class Upload:
    """One file that arrived.

    Attributes:
        path: where it lies, in a folder of its own under the name that its sender gave it.
        owner: account that sent it; empty where there are no accounts.
        arrived: by the monotonic clock.
    """

    path: Path
    owner: str
    arrived: float


class UploadStore:
    """What was uploaded and not yet used.

    Args:
        folder: private to this server.
        max_bytes: of one file.
        max_unclaimed: files of one account that may lie unused.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_unclaimed: int = 16) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._max_unclaimed = max_unclaimed
        self._uploads: dict[Path, Upload] = {}
        self._arriving: list[str] = []  # the owner of each upload on its way
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def receive(
        self, chunks: AsyncIterator[bytes], *, content_type: str, num_bytes: int, owner: str
    ) -> list[Upload]:
        """Write the files of a multipart body to the disk while they arrive.

        Args:
            chunks: of the body.
            content_type: of the request, with its boundary.
            num_bytes: that the sender announces, 0 where unknown.
            owner: account that sends it.

        Raises:
            TooLarge: it is larger than allowed.
            StorageError: the disk is full.
            ProskillError: the body is no multipart form, or too many files wait already.

        Nothing of what is refused is kept.
        """
        self.delete_old()
        self._check_size(num_bytes)
        with self._lock:
            waiting = sum(upload.owner == owner for upload in self._uploads.values())
            if waiting + self._arriving.count(owner) >= self._max_unclaimed:
                raise ProskillError("too many uploads wait to be used; use or wait for those first")
            self._arriving.append(owner)
        folder = self.folder / secrets.token_urlsafe(24)
        try:
            self._check_room(num_bytes)
            folder.mkdir(mode=0o700)
            files = await self._write(chunks, content_type, folder)
            uploads = [Upload(path, owner, time.monotonic()) for path in files]
            with self._lock:
                self._uploads.update((upload.path, upload) for upload in uploads)
            return uploads
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise StorageError(NO_ROOM) from error
            raise
        finally:
            with self._lock:
                self._arriving.remove(owner)

    def claim(self, path: str, *, owner: str) -> Upload:
        """Take an upload over; from now on the caller deletes it.

        Raises:
            ProskillError: this account uploaded no such file, or it was claimed before.
        """
        with self._lock:
            found = self._uploads.get(Path(path))
            if found is None or found.owner != owner:
                raise ProskillError("that file was not uploaded here; upload it again")
            return self._uploads.pop(found.path)

    @contextmanager
    def claimed(self, path: str, *, owner: str) -> Iterator[Upload]:
        """`claim` for a block that deletes it at its end, also where its turn never came."""
        upload = self.claim(path, owner=owner)
        try:
            yield upload
        finally:
            discard(upload)

    def holds(self, path: str, *, owner: str) -> bool:
        """Whether this account uploaded this file and nobody claimed it yet."""
        with self._lock:
            found = self._uploads.get(Path(path))
            return found is not None and found.owner == owner

    def delete_old(self, *, seconds: float = _UNCLAIMED_SECONDS) -> None:
        """Delete what nobody claimed within so many seconds."""
        limit = time.monotonic() - seconds
        with self._lock:
            old = [upload for upload in self._uploads.values() if upload.arrived < limit]
            for upload in old:
                del self._uploads[upload.path]
        for upload in old:
            discard(upload)

    def _check_size(self, num_bytes: int) -> None:
        if num_bytes > self.max_bytes + _FRAME_BYTES:
            raise TooLarge(
                f"the file is larger than {self.max_bytes / 1e6:.0f} MB; cut it or export it at a "
                "lower quality"
            )

    def _check_room(self, num_bytes: int) -> None:
        if shutil.disk_usage(self.folder).free < num_bytes + _ROOM_BYTES:
            raise StorageError(NO_ROOM)

    async def _write(
        self, chunks: AsyncIterator[bytes], content_type: str, folder: Path
    ) -> list[Path]:
        files, received = FormFiles(folder, content_type=content_type), 0
        try:
            async for chunk in chunks:
                received += len(chunk)
                self._check_size(received)
                files.feed(chunk)
            return files.finish()
        finally:
            files.close()


def discard(upload: Upload) -> None:
    """Delete an upload and the folders that held it alone."""
    upload.path.unlink(missing_ok=True)
    with suppress(OSError):  # another file of the same request lies there
        upload.path.parent.rmdir()
        upload.path.parent.parent.rmdir()
