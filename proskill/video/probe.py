"""Facts about a video file from its content, and refusal of files that should not be read.

Safe to call on any file that a stranger sends. Times and counts come
from packets, size and orientation from the first decoded frame; the header is believed in nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from proskill.errors import VideoError
from proskill.video.container import (
    check_regular_file,
    moving_streams,
    open_container,
    pick_stream,
)
from proskill.video.decoding import PacketIndex
from proskill.video.geometry import Orientation, orientation_of, square_size
from proskill.video.timeline import PacketScan, Ticks, TooLong, scan_packets

# Containers whose index gives every packet a time of its own and lets seeks find it again.
INDEXED_FORMATS = ("mov,mp4", "matroska,webm")

_MIN_DECODED_RATIO = 0.5
_WARN_DECODED_RATIO = 0.95
_HOLE_SECONDS = 1.0


@dataclass(frozen=True)
class VideoLimits:
    """Limits on the videos that are read.

    A program that trusts its files may pass larger limits to whatever reads them.

    Attributes:
        max_bytes: size of the file.
        max_seconds: duration by its presentation times; half a second more is let pass, because
            a camera that stops by the clock stops a few frames late.
        max_pixels: height x width of one picture.
        max_frame_rate: average frames per second.

    Raises:
        ValueError: a limit that is not positive.
    """

    max_bytes: int = 500_000_000
    max_seconds: float = 600.0
    max_pixels: int = 36_000_000
    max_frame_rate: float = 240.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name}={value}: must be above 0")


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video file.

    Attributes:
        path: the file.
        size_bytes: its size.
        container: ffmpeg's name of the container format, e.g. "mov,mp4,m4a,3gp,3g2,mj2".
        codec: ffmpeg's name of the codec, e.g. "h264".
        pixel_format: of the decoded picture, e.g. "yuv420p".
        width: of the picture as seen: upright, with square pixels.
        height: likewise.
        rotation_degrees: clockwise turn from the decoded to the upright picture: 0, 90, 180 or 270.
        is_mirrored: whether the upright picture is also mirrored left-right (selfie cameras).
        duration_seconds: from the first frame shown to the end of the last.
        frame_rate: frames shown per second, averaged; 0 where a single frame has no duration.
        num_frames: frames that the file holds and shows.
        decoded_ratio: num_frames by what the file announces, in [0, 1].
        has_audio: whether there is sound.
        warnings: what a person should know, one sentence each.
    """

    path: Path
    size_bytes: int
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation_degrees: int
    is_mirrored: bool
    duration_seconds: float
    frame_rate: float
    num_frames: int
    decoded_ratio: float
    has_audio: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Facts that the reader needs beyond `VideoInfo`.

    Attributes:
        info: the public part.
        shown_pts: when each frame is shown, in ticks, ascending, shape (num_frames,).
        time_base: seconds per tick.
        orientation: what turns a decoded picture upright.
        num_announced: frames the file announces, at least `info.num_frames`.
        stream_index: of the stream shown, among all streams of the file.
        start_seconds: when its first frame is shown, past the time where the file says it starts.
        is_interlaced: whether its first frame is made of two fields.
        num_alike: other video streams with pictures of the same size.
        num_hidden: packets whose frames an edit list hides.
        num_open_keys: key frames that do not begin a closed group of complete pictures.
        index: where decoding may start, or None where packets do not tell which frames they give.
    """

    info: VideoInfo
    shown_pts: Ticks
    time_base: Fraction
    orientation: Orientation
    num_announced: int
    stream_index: int
    start_seconds: float
    is_interlaced: bool
    num_alike: int
    num_hidden: int
    num_open_keys: int
    index: PacketIndex | None

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Presentation times of all frames in seconds, ascending from 0, shape (num_frames,)."""
        return seconds_from(self.shown_pts, self.time_base)


DEFAULT_LIMITS = VideoLimits()
_GRACE_SECONDS = 0.5

# Of files chosen for training: BASKET's highlights and some of Ego-Exo4D's takes last
# longer than what a stranger may upload.
DATASET_LIMITS = VideoLimits(max_bytes=20_000_000_000, max_seconds=4 * 3600.0)


def probe(path: str | Path, *, limits: VideoLimits = DEFAULT_LIMITS) -> VideoInfo:
    """Return the facts about the file at `path`.

    Args:
        path: a local file; never a URL.
        limits: larger videos are refused.

    Raises:
        VideoError: the file cannot be read as video, is beyond the limits, or holds less than half
            of what it announces. The reason says what to do.
    """
    return inspect(path, limits=limits).info


def inspect(path: str | Path, *, limits: VideoLimits = DEFAULT_LIMITS) -> Inspection:
    """Return the facts of `probe`, the times of all frames, and where decoding may start.

    Raises:
        VideoError: as `probe`.
    """
    path = Path(path)
    size_bytes = check_regular_file(path, max_bytes=limits.max_bytes)
    with open_container(path, max_pixels=limits.max_pixels) as container:
        stream = pick_stream(container, path)
        _check_pixels(path, stream.height, stream.width, limits)
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        try:
            scan = scan_packets(
                container,
                stream,
                max_seconds=limits.max_seconds + _GRACE_SECONDS,
                max_frames=int((limits.max_seconds + _GRACE_SECONDS) * limits.max_frame_rate),
            )
        except TooLong:
            raise VideoError(
                path,
                f"lasts longer than {_duration(limits.max_seconds)}, the most that is read; "
                "cut out the part that shows the performance",
            ) from None
        return _conclude(path, size_bytes, container, stream, scan, limits)


def _conclude(
    path: Path,
    size_bytes: int,
    container: InputContainer,
    stream: VideoStream,
    scan: PacketScan,
    limits: VideoLimits,
) -> Inspection:
    frame = scan.first_frame
    if frame is None or not scan.pts:
        raise VideoError(path, "no frame of it can be decoded; record or export it again")
    _check_pixels(path, frame.height, frame.width, limits)
    time_base = stream.time_base or Fraction(1, 1_000_000)
    shown_pts = scan.shown_pts()
    if len(shown_pts) == 0:
        raise VideoError(path, "its edit list hides every frame; export it again")
    seconds = seconds_from(shown_pts, time_base)
    duration = float(seconds[-1] + _last_frame_seconds(scan, seconds, time_base))
    frame_rate = len(seconds) / duration if duration > 0 else 0.0
    if frame_rate > limits.max_frame_rate * 1.001:
        raise VideoError(
            path,
            f"shows {frame_rate:.0f} frames a second; at most {limits.max_frame_rate:g} are "
            "allowed; export it at a lower frame rate",
        )
    orientation, is_quarter_turn = orientation_of(frame)
    height, width = square_size(frame.height, frame.width, stream.sample_aspect_ratio)
    if orientation.is_transposed:
        height, width = width, height
    num_announced = _announced(container, stream, scan, seconds, duration)
    warnings = []
    if not is_quarter_turn:
        warnings.append("turned by an odd angle; shown at the nearest quarter turn")
    if scan.num_restarts:
        warnings.append(f"its clock restarts {scan.num_restarts} time(s); the parts were joined")
    if scan.num_errors:
        warnings.append(f"{scan.num_errors} packets at its start are damaged")
    warnings += _holes(seconds)
    ratio = check_decoded_ratio(path, len(seconds), num_announced)
    warnings += _ratio_warning(ratio, len(seconds), num_announced)
    info = VideoInfo(
        path=path,
        size_bytes=size_bytes,
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        width=width,
        height=height,
        rotation_degrees=orientation.rotation_degrees,
        is_mirrored=orientation.is_mirrored,
        duration_seconds=duration,
        frame_rate=frame_rate,
        num_frames=len(seconds),
        decoded_ratio=ratio,
        has_audio=bool(container.streams.audio),
        warnings=tuple(warnings),
    )
    return Inspection(
        info=info,
        shown_pts=shown_pts,
        time_base=time_base,
        orientation=orientation,
        num_announced=num_announced,
        stream_index=stream.index,
        start_seconds=float(shown_pts[0] * time_base) - (container.start_time or 0) / av.time_base,
        is_interlaced=frame.interlaced_frame,
        num_alike=sum(
            (other.height, other.width) == (stream.height, stream.width)
            for other in moving_streams(container)
            if other.index != stream.index
        ),
        num_hidden=sum(scan.is_hidden),
        num_open_keys=scan.num_open_keys(),
        index=_packet_index(container, stream, scan, shown_pts),
    )


def seconds_from(pts: Ticks, time_base: Fraction) -> NDArray[np.float64]:
    """Return the seconds since the first of ascending `pts`."""
    seconds: NDArray[np.float64] = (pts - pts[0]) * float(time_base)
    return seconds


def check_decoded_ratio(path: Path, num_frames: int, num_announced: int) -> float:
    """Return the share of the announced frames that exist, in [0, 1].

    Raises:
        VideoError: less than half of them: what is left does not stand for the take.
    """
    ratio = min(1.0, num_frames / max(1, num_announced))
    if ratio < _MIN_DECODED_RATIO:
        raise VideoError(
            path,
            f"only {num_frames} of {num_announced} frames can be decoded ({ratio:.0%}); "
            "upload the whole file again",
            decoded_ratio=ratio,
        )
    return ratio


def corrected_info(
    info: VideoInfo,
    *,
    num_frames: int | None,
    num_announced: int,
    num_lost: int,
    num_damaged: int,
    is_damaged: bool = False,
) -> VideoInfo:
    """Return the facts about a file as decoding it has corrected them.

    Args:
        info: by its packets.
        num_frames: frames that came out of the whole file; None where it was not decoded whole.
        num_announced: frames that the file announces.
        num_lost: packets that did not decode.
        num_damaged: frames that came out marked as damaged.
        is_damaged: a packet is damaged, whatever the counts.

    Raises:
        VideoError: less than half of the announced frames came out.
    """
    warnings = list(info.warnings)
    if num_frames is not None:
        before = _ratio_warning(info.decoded_ratio, info.num_frames, num_announced)
        ratio = check_decoded_ratio(info.path, num_frames, num_announced)
        warnings = [text for text in warnings if text not in before]
        warnings += _ratio_warning(ratio, num_frames, num_announced)
        info = replace(info, num_frames=num_frames, decoded_ratio=ratio)
    if is_damaged or num_lost or num_damaged:
        warnings.append(
            f"some packets are damaged ({num_lost} lost, {num_damaged} frames marked); "
            "pictures after them may be spoiled"
        )
    return replace(info, warnings=tuple(warnings))


def _ratio_warning(ratio: float, num_frames: int, num_announced: int) -> list[str]:
    """Return one sentence where noticeably fewer frames exist than announced."""
    if ratio >= _WARN_DECODED_RATIO:
        return []
    return [f"only {num_frames} of {num_announced} announced frames can be decoded ({ratio:.0%})"]


def _packet_index(
    container: InputContainer, stream: VideoStream, scan: PacketScan, shown_pts: Ticks
) -> PacketIndex | None:
    """Return where decoding may start; None where times do not identify frames."""
    frame = scan.first_frame
    identifies = scan.has_own_times and len(set(scan.pts)) == len(scan.pts)
    begins = frame is not None and frame.pts == shown_pts[0] and not scan.num_errors
    # AVI stores decoding order alone, so that its times are wrong where frames are reordered.
    if not identifies or not begins or scan.num_restarts or container.format.name == "avi":
        return None
    if container.format.name.startswith(INDEXED_FORMATS):
        # After an open key frame, H.264 may still refer to what came before; other codecs may not.
        entries = scan.entries(closed_only=stream.codec_context.name == "h264")
    else:
        entries = np.zeros(1, dtype=np.int64)
    return PacketIndex(
        pts=np.asarray(scan.pts, dtype=np.int64),
        dts=np.asarray(scan.dts, dtype=np.int64),
        entries=entries,
    )


def _announced(
    container: InputContainer,
    stream: VideoStream,
    scan: PacketScan,
    seconds: NDArray[np.float64],
    duration: float,
) -> int:
    """Return the number of frames that the file's header promises, at least those found."""
    found = len(seconds)
    name = container.format.name
    if name.startswith("mov,mp4"):
        return max(found, stream.frames - sum(scan.is_hidden))
    promised = 0.0  # seconds from the stream's first frame to its promised end
    if name.startswith("matroska"):
        start = (min(scan.pts) * stream.time_base) if stream.time_base else Fraction(0)
        promised = _clock_seconds(stream.metadata.get("DURATION", "")) - float(start)
    elif name == "avi" and stream.duration and stream.time_base:
        promised = float(stream.duration * stream.time_base)
    if duration <= 0 or promised <= duration:
        return found
    return round(found * promised / duration)


def _last_frame_seconds(
    scan: PacketScan, seconds: NDArray[np.float64], time_base: Fraction
) -> float:
    """Return the last frame's duration: by its packet, else as long as frames usually are."""
    if scan.last_duration > 0:
        return float(scan.last_duration * time_base)
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0


def _holes(seconds: NDArray[np.float64]) -> list[str]:
    """Describe gaps without frames, where the picture freezes."""
    gaps = np.diff(seconds)
    if len(gaps) < 2:
        return []
    is_hole = gaps > max(_HOLE_SECONDS, 5 * float(np.median(gaps)))
    return [
        f"no frames between {seconds[k]:.2f} s and {seconds[k + 1]:.2f} s: the picture freezes"
        for k in np.flatnonzero(is_hole)[:5]
    ]


def _check_pixels(path: Path, height: int, width: int, limits: VideoLimits) -> None:
    if height * width > limits.max_pixels:
        raise VideoError(
            path,
            f"has pictures of {width}x{height} pixels; at most {limits.max_pixels / 1e6:g} million "
            "pixels are allowed; export it smaller",
        )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.3g} minutes" if seconds > 60 else f"{seconds:g} s"


def _clock_seconds(text: str) -> float:
    """Return the seconds of "hh:mm:ss.fraction", 0 for other text."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return 0.0
    return hours * 3600 + minutes * 60 + seconds
