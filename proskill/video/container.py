"""Open untrusted video files with PyAV, or refuse them with a reason.

ffmpeg decides by content, not by name, what a file is; some contents (playlists, SDP, lists of
files) make it open the other files and URLs they name. Only container formats that carry their own
pictures are let through, and only the `file` protocol: nothing but the named file is ever opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from proskill.errors import VideoError

ALLOWED_FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg"

# First bytes (after white space) of texts that ffmpeg would follow to other files, and their names.
_TEXT_KINDS: Final = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "a list of other files (ffconcat)"),
    (b"v=0", "a network session description (SDP)"),
    (b"<MPD", "a DASH manifest"),
    (b"<SmoothStreamingMedia", "a streaming manifest"),
)
_CONVERT: Final = "convert it to mp4 (H.264) first"
_NOT_VIDEO: Final = (  # magic, what it is, what to do
    (b"GIF8", "a GIF animation", _CONVERT),
    (b"\x89PNG", "a PNG picture", "use a video instead"),
    (b"\xff\xd8\xff", "a JPEG picture", "use a video instead"),
    (b"\x00\x00\x00\x01", "a raw H.264/H.265 stream, which carries no times", _CONVERT),
    (b"\x00\x00\x01\x67", "a raw H.264 stream, which carries no times", _CONVERT),
    (b"%PDF", "a PDF document", "use a video instead"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it and use the videos that are in it"),
)


def check_regular_file(path: Path, *, max_bytes: int) -> int:
    """Return the size of `path` in bytes after checking that it is a readable regular file.

    Raises:
        VideoError: missing, a folder, a device, unreadable, empty or above `max_bytes`.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise VideoError(path, "no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise VideoError(path, f"cannot be opened ({error}); check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise VideoError(path, "is a folder, not a video file; name one file in it")
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(path, "is not a regular file; copy the video to a file first")
    if status.st_size == 0:
        raise VideoError(path, "is empty (0 bytes); record or upload it again")
    if status.st_size > max_bytes:
        raise VideoError(
            path,
            f"has {status.st_size / 1e6:.0f} MB; at most {max_bytes / 1e6:.0f} MB are allowed; "
            "cut it or export it at a lower quality",
        )
    if not os.access(path, os.R_OK):
        raise VideoError(path, "may not be read by this user; change its permissions")
    return status.st_size


@contextmanager
def open_container(path: Path, *, max_pixels: int) -> Iterator[InputContainer]:
    """Open a container: only formats of `ALLOWED_FORMATS`, only the `file` protocol.

    `max_pixels` bounds the pictures that the decoder may allocate, whatever the header says.

    Raises:
        VideoError: the content is no video container that may be opened; the reason says what.
    """
    options = {
        "format_whitelist": ALLOWED_FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(max_pixels),
    }
    try:
        # The absolute path and the prefix keep names like "-i x" or "concat:a|b" plain names.
        container = av.open(f"file:{path.absolute()}", options=options)
    except (FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise VideoError(path, _why_refused(path, error)) from None
    try:
        yield container
    finally:
        container.close()


def pick_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the stream that players show by default; attached still pictures do not count.

    Raises:
        VideoError: there is no such stream.
    """
    moving = moving_streams(container)
    if not moving:
        if container.streams.video:
            raise VideoError(path, "no video stream, only a still cover picture; name a video file")
        raise VideoError(path, "no video stream, only sound or data; name a video file")
    best = container.streams.best("video")
    return best if isinstance(best, VideoStream) and best in moving else moving[0]


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams that are not attached still pictures."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def _why_refused(path: Path, error: Exception) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as problem:
        return f"cannot be read ({problem.strerror}); check its permissions"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, kind in _TEXT_KINDS:
        if text.startswith(magic) or (magic.startswith(b"<") and magic in text[:1024]):
            return f"is {kind}, not a video; it would make the reader open other files or addresses"
    for magic, kind, advice in _NOT_VIDEO:
        if head.startswith(magic):
            return f"is {kind}; {advice}"
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide", b"free"):
        return (
            "has no index (moov): an incomplete upload or recording; "
            "upload the whole file again or repair it"
        )
    if not any(byte > 126 or byte in range(9) for byte in head):
        return "is a text file, not a video"
    if isinstance(error, av.error.ArgumentError):
        return f"is in a container format that is not accepted (mp4, mkv, avi, ... are); {_CONVERT}"
    if isinstance(error, av.error.InvalidDataError):
        return f"is not a video that can be read (unknown or damaged content); {_CONVERT}"
    return f"cannot be opened as a video ({error.__class__.__name__}); {_CONVERT}"
