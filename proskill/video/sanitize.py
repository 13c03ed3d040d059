"""Transcode untrusted uploads in a sandboxed ffmpeg.

`make_proxy` looks at the file, asks what it is and transcodes it once, each in a bounded process.
Nothing of the original but its pictures, and its sound where asked for, reaches the copy. Loads no
torch, so that pages which only show videos start quickly.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proskill.errors import StorageError, VideoError
from proskill.private_folder import PrivateFolder
from proskill.video.bounded_process import ProcessLimits, run_bounded
from proskill.video.container import check_regular_file
from proskill.video.probe import (
    DEFAULT_LIMITS,
    VideoInfo,
    VideoLimits,
    corrected_info,
)
from proskill.video.probe_apart import Examined, probe_apart
from proskill.video.transcode import (
    ALLOWED_CODECS,
    Account,
    Cut,
    audio_arguments,
    even_size,
    find_ffmpeg,
    video_arguments,
)

Progress = Callable[[float], None]  # the share that is done, in [0, 1]

# Half of 1080, which stays sharp, and less work than 720 where several views wait.
MAX_SHORT_SIDE_PX = 540

_PICTURES, _SOUND = "pictures.mp4", "sound.wav"  # within the private folder
_MEMORY_BYTES = 4 << 30
_HASH_CHUNK_BYTES = 1 << 24
_PROBED_SHARE = 0.05  # of the whole, by experience
# A slow machine's: time is bounded by what the file holds, not by what it could be.
_MIN_SECONDS, _PIXELS_PER_SECOND = 60.0, 20e6
# How ffmpeg ends when what it writes does not fit: the negative number of the error, in a byte.
_FULL: Final = {256 - number: number for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


@dataclass(frozen=True)
class Proxy:
    """Safe copy of a video file.

    Attributes:
        path: H.264 in mp4 (yuv420p, constant rate, square pixels, upright, index first), with
            neither sound nor metadata.
        info: what the original is; its `path` is the original's.
        sha256: of the original.
        audio: its sound as a WAV file (mono, 16 bit, 8 kHz) on the clock of the pictures; None
            where it was not asked for or there is none.
    """

    path: Path
    info: VideoInfo
    sha256: str
    audio: Path | None = None

    def delete(self) -> None:
        for path in (self.path, self.audio):
            if path is not None:
                path.unlink(missing_ok=True)


def make_proxy(
    source: Path,
    folder: Path,
    *,
    limits: VideoLimits = DEFAULT_LIMITS,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    max_short_side_px: int = MAX_SHORT_SIDE_PX,
    frame_rate: int = 30,
    keyframe_seconds: float = 0.5,
    keep_audio: bool = False,
    progress: Progress | None = None,
) -> Proxy:
    """Check, probe and transcode an untrusted video.

    Args:
        source: a local file; it stays where it is.
        folder: where the proxy is put, under an unguessable name.
        limits: larger videos are refused.
        start_seconds: where the proxy begins, past the original's first frame.
        end_seconds: where it ends; None for the original's end.
        max_short_side_px: larger pictures are made smaller.
        frame_rate: of the proxy.
        keyframe_seconds: between pictures that can be jumped to.
        keep_audio: write the sound beside it, for aligning views by it.
        progress: called with the share that is done, ten times a second. What it raises ends the
            work, leaves no file, and is raised here: so it is cancelled.

    Raises:
        VideoError: the file cannot be read as video or is beyond the limits; the reason, one
            sentence, says what to do.
        StorageError: `folder` cannot be written, or its disk is full.
        ProskillError: this machine has no ffmpeg.
        ValueError: a range or form that is impossible.
    """
    _check_form(start_seconds, end_seconds, max_short_side_px, frame_rate, keyframe_seconds)
    ffmpeg = find_ffmpeg()
    report = progress or (lambda share: None)
    source = Path(source)
    check_regular_file(source, max_bytes=limits.max_bytes)
    with _private_folder(folder) as private:
        examined = probe_apart(source, limits=limits, folder=private, on_tick=lambda: report(0.0))
        _check_codec(source, examined.info.codec)
        sha256 = _sha256(source, lambda: report(_PROBED_SHARE / 2))
        seconds = _span_seconds(source, examined.info, start_seconds, end_seconds)
        width, height = examined.info.width, examined.info.height
        cut = Cut(
            start_seconds=start_seconds,
            seconds=seconds,
            size=even_size(width, height, max_short_side_px=max_short_side_px),
            frame_rate=frame_rate,
            keyframe_interval=max(1, round(keyframe_seconds * frame_rate)),
            max_pixels=limits.max_pixels,
        )
        account = _write_pictures(ffmpeg, source, private, examined, cut, report)
        is_whole = start_seconds == 0 and end_seconds is None and account.num_frames is not None
        info = corrected_info(
            examined.info,
            num_frames=min(account.num_frames or 0, examined.info.num_frames) if is_whole else None,
            num_announced=examined.num_announced,
            num_lost=account.num_lost,
            num_damaged=account.num_damaged,
        )
        has_sound = keep_audio and info.has_audio
        if has_sound:
            has_sound = _write_sound(ffmpeg, source, private, examined, cut, report)
        return _published(private, folder, info, sha256, has_sound=has_sound)


def _check_form(
    start_seconds: float,
    end_seconds: float | None,
    max_short_side_px: int,
    frame_rate: int,
    keyframe_seconds: float,
) -> None:
    if not start_seconds >= 0 or (end_seconds is not None and not end_seconds > start_seconds):
        raise ValueError(
            f"[{start_seconds}, {end_seconds}) s: must begin at 0 or later and end after it begins"
        )
    if max_short_side_px < 2 or frame_rate < 1 or not keyframe_seconds > 0:
        raise ValueError(
            f"max_short_side_px={max_short_side_px}, frame_rate={frame_rate}, "
            f"keyframe_seconds={keyframe_seconds}: must be 2 or more, 1 or more, above 0"
        )


def _private_folder(folder: Path) -> PrivateFolder:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return PrivateFolder(".proxy-", parent=folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{folder}: cannot be written ({error.strerror or error}); free some space there or choose "
        "another folder"
    )


def _check_codec(path: Path, codec: str) -> None:
    if codec not in ALLOWED_CODECS:
        raise VideoError(
            path,
            f"its pictures are stored as {codec}, which is not accepted; "
            "convert it to mp4 (H.264) first",
        )


def _sha256(path: Path, on_tick: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
            on_tick()
    return digest.hexdigest()


def _span_seconds(path: Path, info: VideoInfo, start: float, end: float | None) -> float:
    """Return the length of the proxy."""
    if start > 0 and start >= info.duration_seconds:
        raise VideoError(
            path,
            f"lasts {info.duration_seconds:.2f} s, so that nothing begins at {start:.2f} s; "
            "choose an earlier start",
        )
    last = info.duration_seconds if end is None else min(end, info.duration_seconds)
    return max(last - start, 0.001)  # a single picture may have no duration


def _write_pictures(
    ffmpeg: str, source: Path, private: Path, examined: Examined, cut: Cut, report: Progress
) -> Account:
    """Transcode to `private / _PICTURES`.

    Raises:
        VideoError: it takes too long, or no picture comes out.
        StorageError: the disk is full.
    """
    account = Account(stream_index=examined.stream_index)
    seconds = _seconds_allowed(examined.info, cut)

    def tick() -> None:
        done = min(1.0, account.seconds_done / cut.seconds)
        report(_PROBED_SHARE + (1 - _PROBED_SHARE) * done)

    status = run_bounded(
        [ffmpeg, *video_arguments(source, private / _PICTURES, examined, cut)],
        folder=private,
        limits=ProcessLimits(seconds, _MEMORY_BYTES, cut.max_bytes),
        on_output=account.read_progress,
        on_message=account.read_log,
        on_tick=tick,
    )
    if status is None:
        raise VideoError(
            source, f"could not be copied within {seconds:.0f} s; cut it or export it smaller"
        )
    if status in _FULL:
        raise _unwritable(private.parent, OSError(_FULL[status], os.strerror(_FULL[status])))
    if account.num_frames == 0 or (status == 0 and account.num_written == 0):
        raise VideoError(source, "no frame of it can be decoded; record or export it again")
    if status != 0:
        raise VideoError(
            source, "makes the video decoder fail (damaged content); record or export it again"
        )
    return account


def _write_sound(
    ffmpeg: str, source: Path, private: Path, examined: Examined, cut: Cut, report: Progress
) -> bool:
    """Write the sound to `private / _SOUND`; return False where there is none."""
    target = private / _SOUND
    status = run_bounded(
        [ffmpeg, *audio_arguments(source, target, examined, cut)],
        folder=private,
        limits=ProcessLimits(_MIN_SECONDS + cut.seconds, _MEMORY_BYTES, cut.max_bytes),
        on_tick=lambda: report(1.0),
    )
    return status == 0 and target.exists()


def _seconds_allowed(info: VideoInfo, cut: Cut) -> float:
    num_frames = max(cut.seconds * max(info.frame_rate, cut.frame_rate), 1)
    return _MIN_SECONDS + num_frames * info.width * info.height / _PIXELS_PER_SECOND


def _published(
    private: Path, folder: Path, info: VideoInfo, sha256: str, *, has_sound: bool
) -> Proxy:
    """Move the finished files out under a random name."""
    name = secrets.token_hex(16)
    path, audio = folder / f"{name}.mp4", folder / f"{name}.wav"
    if has_sound:
        os.replace(private / _SOUND, audio)
    os.replace(private / _PICTURES, path)
    return Proxy(path=path, info=info, sha256=sha256, audio=audio if has_sound else None)
