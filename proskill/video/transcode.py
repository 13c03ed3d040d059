"""Transcode of every uploaded video: arguments for ffmpeg, and its report.

Pictures come out upright, with square pixels, at a constant rate; each shows what the original
shows in the middle of its time, so that times that tremble lose and double none. Not here: running
it.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proskill.errors import ProskillError
from proskill.video.container import ALLOWED_FORMATS
from proskill.video.probe import INDEXED_FORMATS
from proskill.video.probe_apart import Examined

_TICKS_PER_SECOND = 90_000
# Times are stored in whole ticks, at worst of a millisecond; half of one, so that a picture that
# comes in the very middle is not a matter of rounding.
_ROUNDING_TICKS = 45
_MAX_BITS_PER_SECOND = 8_000_000
_AUDIO_HZ = 8000

# What cameras, phones and editors write. ffmpeg has hundreds of decoders more, for games and
# devices long gone, and a stranger may pick the worst of them.
ALLOWED_CODECS: Final = (
    "h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "prores",
    "dnxhd", "dvvideo", "h263", "vc1", "wmv3",
)  # fmt: skip
_SOUND_CODECS = (
    "aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "opus", "vorbis", "flac", "alac",
    "amrnb", "amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_f32le", "pcm_u8",
)  # fmt: skip
_DECODERS = (*ALLOWED_CODECS, "libdav1d", *_SOUND_CODECS)

_TURNS: Final[dict[int, list[str]]] = {
    0: [],
    90: ["transpose=clock"],
    180: ["hflip", "vflip"],
    270: ["transpose=cclock"],
}
_ACCOUNT: Final = re.compile(
    r"Input stream #0:(\d+) \(video\): .*; (\d+) frames decoded; (\d+) decode errors"
)


@dataclass(frozen=True)
class Cut:
    """Wanted part of a video, and its form.

    Attributes:
        start_seconds: past the first frame.
        seconds: length.
        size: (width, height) of the pictures, even numbers.
        frame_rate: pictures a second.
        keyframe_interval: pictures from one that can be jumped to until the next.
        max_pixels: of the original's pictures; its decoder refuses larger ones.
    """

    start_seconds: float
    seconds: float
    size: tuple[int, int]
    frame_rate: int
    keyframe_interval: int
    max_pixels: int

    @property
    def max_bytes(self) -> int:
        """Upper bound of the proxy's size."""
        return int(64e6 + 1.5 * self.seconds * _MAX_BITS_PER_SECOND / 8)


def find_ffmpeg() -> str:
    """Return the path of ffmpeg.

    Raises:
        ProskillError: this machine has none.
    """
    found = None
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg

        found = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
    if found is None:
        raise ProskillError(
            "videos from others are copied with ffmpeg, which is not installed here; "
            "install it by `pip install imageio-ffmpeg`"
        )
    return str(Path(found).absolute())


def even_size(width: int, height: int, *, max_short_side_px: int) -> tuple[int, int]:
    """Return (width, height) within the bound, never enlarged, and even, as yuv420p needs it."""
    scale = min(1.0, max_short_side_px / min(width, height))
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def video_arguments(source: Path, target: Path, examined: Examined, cut: Cut) -> list[str]:
    """Return ffmpeg's arguments for the pictures."""
    rate_options = ["-maxrate", str(_MAX_BITS_PER_SECOND), "-bufsize", str(_MAX_BITS_PER_SECOND)]
    group = str(cut.keyframe_interval)
    return [
        *_input(source, examined, cut),
        *("-map", f"0:{examined.stream_index}", "-an", "-sn", "-dn"),
        *("-vf", _picture_filters(examined, cut), "-fps_mode", "passthrough"),
        *("-c:v", "libx264", "-preset", "superfast", "-crf", "23", *rate_options),
        # What takes the preset the most time for the least gain.
        *("-x264-params", "cabac=0:8x8dct=0:partitions=none:subme=0:weightp=0"),
        *("-bf", "0", "-g", group, "-keyint_min", group, "-sc_threshold", "0", "-a53cc", "0"),
        *("-threads", "2", "-flags:v", "+bitexact", "-bsf:v", "filter_units=remove_types=6"),
        *("-movflags", "+faststart", *_output(target, "mp4", cut)),
    ]


def audio_arguments(source: Path, target: Path, examined: Examined, cut: Cut) -> list[str]:
    """Return ffmpeg's arguments for the sound: mono, on the clock of the pictures."""
    begin = 0.0 if _seeks(examined, cut) else examined.start_seconds + cut.start_seconds
    filters = (
        f"asetpts=PTS-{begin:.6f}/TB,"
        f"aresample={_AUDIO_HZ}:async=1:first_pts=0,aformat=channel_layouts=mono"
    )
    return [
        *_input(source, examined, cut),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-af", filters, "-c:a", "pcm_s16le"),
        *_output(target, "wav", cut),
    ]


@dataclass
class Account:
    """Progress and losses that ffmpeg reports, line by line.

    Attributes:
        stream_index: of the stream that it decodes.
        num_written: pictures of the target.
        seconds_done: how much of the target they are.
        num_frames: decoded, None until it says so.
        num_lost: packets that could not be decoded.
        num_damaged: frames that came out marked as damaged.
    """

    stream_index: int
    num_written: int = 0
    seconds_done: float = 0.0
    num_frames: int | None = None
    num_lost: int = 0
    num_damaged: int = 0

    def read_progress(self, line: str) -> None:
        """Take in a line of `-progress`."""
        name, _, value = line.partition("=")
        if not value.strip().isdecimal():
            return
        if name == "frame":
            self.num_written = int(value)
        elif name == "out_time_us":
            self.seconds_done = int(value) / 1e6

    def read_log(self, line: str) -> None:
        """Take in a line of the log."""
        if "corrupt decoded frame" in line:
            self.num_damaged += 1
        elif found := _ACCOUNT.search(line):
            stream_index, num_frames, num_lost = (int(number) for number in found.groups())
            if stream_index == self.stream_index:
                self.num_frames, self.num_lost = num_frames, num_lost


def _seeks(examined: Examined, cut: Cut) -> bool:
    """Return True if reading starts in the middle; without an index, a seek may land too late."""
    return cut.start_seconds > 0 and examined.info.container.startswith(INDEXED_FORMATS)


def _input(source: Path, examined: Examined, cut: Cut) -> list[str]:
    # Threads make what a damaged picture shows a matter of chance; dav1d loses frames without.
    threads = "2" if examined.info.codec == "av1" else "1"
    seek = ["-noaccurate_seek", "-ss", f"{cut.start_seconds + examined.start_seconds:.6f}"]
    return [
        *("-hide_banner", "-nostdin", "-y", "-loglevel", "level+verbose", "-nostats"),
        *("-progress", "pipe:1", "-stats_period", "0.2", "-filter_threads", "1"),
        *("-protocol_whitelist", "file", "-format_whitelist", ALLOWED_FORMATS),
        *("-codec_whitelist", ",".join(_DECODERS), "-max_pixels", str(cut.max_pixels)),
        *("-noautorotate", "-reinit_filter", "0", "-threads", threads),
        *(seek if _seeks(examined, cut) else []),
        *("-i", f"file:{source.absolute()}"),
    ]


def _output(target: Path, container: str, cut: Cut) -> list[str]:
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"),
        *("-t", f"{cut.seconds:.6f}", "-f", container, f"file:{target}"),
    ]


def _picture_filters(examined: Examined, cut: Cut) -> str:
    """Return filters that make the picture upright and square first, then its times regular."""
    info = examined.info
    is_transposed = info.rotation_degrees in (90, 270)
    width, height = cut.size[::-1] if is_transposed else cut.size
    # What is skipped gets negative times.
    skipped = round(cut.start_seconds * _TICKS_PER_SECOND)
    begin = "0" if _seeks(examined, cut) else f"STARTPTS-{skipped}"
    half = _TICKS_PER_SECOND // (2 * cut.frame_rate) + _ROUNDING_TICKS
    filters = [
        "sidedata=mode=delete",  # the display matrix, and whatever else a stranger attached
        *(["yadif=deint=interlaced"] if examined.is_interlaced else []),
        f"scale={width}:{height}:flags=bilinear:out_range=limited",
        "setsar=1",
        *(["hflip"] if info.is_mirrored else []),
        *_TURNS[info.rotation_degrees],
        f"settb=1/{_TICKS_PER_SECOND}",
        f"setpts=PTS-{begin}-{half}",
        f"fps={cut.frame_rate}:round=up:start_time=0",
        "format=yuv420p",
    ]
    return ",".join(filters)
