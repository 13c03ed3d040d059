"""Files that the browser may fetch, each under an address beyond guessing.

An address ends with its file: a file that is deleted on the disk cannot be fetched any more.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_TYPES = {
    ".mp4": "video/mp4", ".jpg": "image/jpeg", ".png": "image/png", ".html": "text/html",
    ".pdf": "application/pdf", ".csv": "text/csv", ".json": "application/json",
}  # fmt: skip


@dataclass(frozen=True)
class PublishedFile:
    """A file behind an address.

    Attributes:
        owner: account that may fetch it; empty where there are no accounts.
        media_type: from the suffix of the name; bytes where it is unknown.
        download_name: under which the browser keeps it; empty for a file that the page shows.
    """

    path: Path
    owner: str
    media_type: str
    download_name: str


class MediaStore:
    """Addresses of files, made and withdrawn while the server runs."""

    def __init__(self) -> None:
        self._files: dict[str, PublishedFile] = {}
        self._lock = threading.Lock()

    def publish(self, path: Path, *, owner: str, download_name: str = "") -> str:
        """Return a new address of a file, relative to the page.

        Args:
            path: an existing file in a private folder.
            owner: see `PublishedFile`.
            download_name: of a file to keep; the page shows the others.
        """
        name = download_name or path.name
        media_type = _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._files[token] = PublishedFile(path, owner, media_type, download_name)
        return f"coach/media/{token}/{quote(name, safe='')}"

    def find(self, token: str, *, owner: str) -> PublishedFile | None:
        """Return the file behind a token, None for other accounts and for files that are gone."""
        with self._lock:
            found = self._files.get(token)
        if found is None or found.owner != owner or not found.path.is_file():
            return None
        return found

    def forget_missing(self) -> None:
        """Drop the addresses of files that are gone."""
        with self._lock:
            gone = [token for token, file in self._files.items() if not file.path.is_file()]
            for token in gone:
                del self._files[token]
