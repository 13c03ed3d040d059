"""Uploads: files of multipart forms, each in a folder of its own under a name beyond guessing.

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
from io import BufferedWriter
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from proskill.errors import ProskillError, StorageError

# For people elsewhere: it names no folder of this machine and no remedy of its owner alone.
NO_ROOM = "the machine that serves this page has no room left for files; try again later"

_NOT_A_FORM = "an upload must be a multipart form with files in it"
_MAX_NAME_LETTERS = 60  # of at most four bytes each, file systems allow 255
_MAX_FILES = 8  # in one form; each takes a folder, however small it is
_UNCLAIMED_SECONDS = 900.0
_FRAME_BYTES = 65536  # of a multipart body, beside the file
_ROOM_BYTES = 100_000_000  # that stays free on the disk: copies and reports need some, too


class TooLarge(ProskillError):
    """An upload that is larger than allowed."""


@dataclass(frozen=True)
class Upload:
    """One file that arrived.

    Attributes:
        path: of the file, in a folder of its own under the name that its sender gave it.
        owner: account that sent it; empty where there are no accounts.
        arrived: by the monotonic clock.
    """

    path: Path
    owner: str
    arrived: float


class UploadStore:
    """Uploads that were not claimed yet.

    Args:
        folder: private to this server.
        max_bytes: of one file.
        max_unclaimed: files of one account.
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
            num_bytes: announced size, 0 where unknown.
            owner: account that sends it.

        Raises:
            TooLarge: it is larger than allowed.
            StorageError: the disk is full.
            ProskillError: the body is no multipart form, or too many files wait already.

        Nothing of a refused upload is kept.
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
        """Return whether this account uploaded this file and it was not claimed yet."""
        with self._lock:
            found = self._uploads.get(Path(path))
            return found is not None and found.owner == owner

    def delete_old(self, *, seconds: float = _UNCLAIMED_SECONDS) -> None:
        """Delete uploads that were not claimed within so many seconds."""
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
        form, received = _Form(folder, content_type), 0
        try:
            async for chunk in chunks:
                received += len(chunk)
                self._check_size(received)
                form.parser.write(chunk)
        except FormParserError as error:
            raise ProskillError(_NOT_A_FORM) from error
        finally:
            form.close_file()
        if not form.is_complete:
            raise ProskillError("the upload broke off: its multipart form has no end")
        return form.paths


class _Form:
    """The files of one form, written while its bytes arrive; its other fields are passed over."""

    def __init__(self, folder: Path, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise ProskillError(_NOT_A_FORM)
        self.paths: list[Path] = []
        self.is_complete = False
        self._folder, self._name, self._value = folder, b"", b""
        self._file: BufferedWriter | None = None
        self.parser = MultipartParser(
            options[b"boundary"],
            {
                "on_header_field": self._take_name,
                "on_header_value": self._take_value,
                "on_header_end": self._end_header,
                "on_part_data": self._write,
                "on_part_end": self.close_file,
                "on_end": self._end,
            },
        )

    def close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        _, options = parse_options_header(self._value)
        if self._name.lower() == b"content-disposition" and b"filename" in options:
            self.close_file()
            if len(self.paths) == _MAX_FILES:
                raise ProskillError(f"at most {_MAX_FILES} files may be sent in one form")
            name = plain_name(options[b"filename"].decode("utf-8", errors="replace"))
            self.paths.append(self._folder / str(len(self.paths)) / name)
            self.paths[-1].parent.mkdir(mode=0o700)
            self._file = self.paths[-1].open("wb")
        self._name = self._value = b""

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])

    def _end(self) -> None:
        self.is_complete = True


def plain_name(name: str) -> str:
    """Return a sender's file name without folders, control characters and excess length."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    suffix = Path(kept).suffix[:12]
    stem = kept.removesuffix(suffix)[:_MAX_NAME_LETTERS].lstrip(".") or "video"
    return f"{stem}{suffix}"


def discard(upload: Upload) -> None:
    """Delete an upload and the folders that held it alone."""
    upload.path.unlink(missing_ok=True)
    with suppress(OSError):  # another file of the same request is there
        upload.path.parent.rmdir()
        upload.path.parent.parent.rmdir()
