"""Small video files of every kind that breaks readers, each picture carrying its own number.

A file is made by ffmpeg when a test first asks for it and kept for the session. Pictures show
their number as a row of black and white blocks, which survives compression, scaling and wrong
colours, and reads as nothing when a picture is turned or mirrored.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest

HEIGHT, WIDTH, RATE, NUM_FRAMES = 96, 160, 30, 60
NUM_BITS = 8

H264 = "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none"
RAW = f"-f rawvideo -pix_fmt gray -s {WIDTH}x{HEIGHT} -r"
FRAMES = f"{RAW} {RATE} -i frames.raw"
COLOR = "-f lavfi -i color=black:size="
COLOURS = "-f lavfi -i testsrc2=size=160x96:rate=30:duration=1"
INTERLACED = "-c:v mpeg2video -g 6 -bf 2 -vf setfield=tff -flags +ilme+ildct"
STEPS = "select='not(mod(n,7))+not(mod(n,5))+lt(mod(n,20),7)',setpts=PTS"
SLOW_MOTION = "setpts='if(lt(N,20),N/240,if(lt(N,40),20/240+(N-20)/30,20/240+20/30+(N-40)/240))/TB'"

# Name of the file -> arguments of ffmpeg before the file's name, or names of files it is made from.
RECIPES: dict[str, str] = {
    "base.mp4": f"{FRAMES} -f lavfi -i sine=duration=2 {H264} -g 15 -c:a aac -shortest",
    "faststart.mp4": "-i base.mp4 -c copy -movflags +faststart",
    "long_gop.mp4": f"{FRAMES} -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 9999 -bf 8",
    "fragmented.mp4": f"{FRAMES} {H264} -g 15 -movflags frag_keyframe+empty_moov",
    "matroska.mkv": f"{FRAMES} {H264} -g 15",
    "no_b_frames.mp4": f"{FRAMES} {H264} -bf 0 -g 12",
    "rotated_90.mp4": "-display_rotation 90 -i base.mp4 -c copy",
    "rotated_180.mp4": "-display_rotation 180 -i base.mp4 -c copy",
    "rotated_270.mp4": "-display_rotation 270 -i base.mp4 -c copy",
    "mirrored.mp4": "-display_hflip -i base.mp4 -c copy",
    "rotated_mirrored.mp4": "-display_rotation 90 -display_hflip -i base.mp4 -c copy",
    "variable_rate.mp4": f"{FRAMES} -vf {STEPS} -fps_mode vfr {H264}",
    "slow_motion.mp4": f"{RAW} 240 -i frames.raw -vf {SLOW_MOTION} -fps_mode vfr "
    f"-enc_time_base 1/24000 {H264}",
    "hevc_10_bit_hlg.mov": f"{FRAMES} {X265}:transfer=arib-std-b67 -pix_fmt yuv420p10le "
    "-tag:v hvc1",
    "hevc_open_gop.mp4": f"{FRAMES} {X265}:open-gop=1:keyint=10:min-keyint=5:bframes=4 "
    "-pix_fmt yuv420p",
    "h264_open_gop.mp4": f"{FRAMES} -c:v libx264 -x264-params open-gop=1:keyint=10:bframes=4 "
    "-pix_fmt yuv420p",
    "intra_refresh.mp4": f"{FRAMES} -c:v libx264 -x264-params intra-refresh=1:keyint=10 "
    "-pix_fmt yuv420p",
    "av1_10_bit.mp4": f"{FRAMES} -c:v libsvtav1 -preset 12 -svtav1-params keyint=20 "
    "-pix_fmt yuv420p10le",
    "vp9.webm": f"{FRAMES} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 20",
    "vp8.webm": f"{FRAMES} -c:v libvpx -auto-alt-ref 1 -lag-in-frames 10 -cpu-used 8 -g 20",
    "h264_444.mp4": f"{FRAMES} -c:v libx264 -preset ultrafast -pix_fmt yuv444p",
    "mpeg4_part_2.avi": f"{FRAMES} -c:v mpeg4 -q:v 3",
    "reordered.avi": f"{FRAMES} {H264} -g 15",
    "mpeg4_open_gop.mp4": f"{FRAMES} -c:v mpeg4 -q:v 3 -bf 2 -g 10",
    "prores.mov": f"{FRAMES} -c:v prores_ks",
    "edit_list.mp4": "-ss 0.75 -i base.mp4 -an -c copy",
    "start_offset.mkv": f"{FRAMES} -output_ts_offset 3600 {H264}",
    "odd_size.mp4": f"{FRAMES} -vf scale=157:93 -c:v libx264 -pix_fmt yuv444p",
    "anamorphic.mp4": f"{FRAMES} -vf setsar=64/45 {H264}",
    "tall_pixels.mp4": f"{FRAMES} -vf setsar=1/2 {H264}",
    "interlaced.mpg": f"{FRAMES} {INTERLACED}",
    "transport.ts": f"{FRAMES} {H264} -g 15",
    "two_video_streams.mkv": f"{FRAMES} -f lavfi -i mandelbrot=size=64x48:rate=30 -map 0 -map 1 "
    f"-t 2 {H264}",
    "small.h264": f"{FRAMES} -vf scale=112:64 {H264} -bf 0 -f h264",
    "large.h264": f"{FRAMES} {H264} -bf 0 -f h264",
    "small.ts": f"{FRAMES} -vf scale=112:64 {H264}",
    "dropped_packets.mp4": "-i base.mp4 -an -c copy -bsf:v noise=drop='gt(n,14)*lt(n,45)'",
    "corrupt_packets.mp4": "-i base.mp4 -an -c copy -bsf:v noise=amount=200",
    "one_frame.mp4": f"{FRAMES} -frames:v 1 {H264}",
    "tiny.mp4": f"{COLOR}16x16:rate=30:duration=1 {H264}",
    "black.mp4": f"{COLOR}160x96:rate=30:duration=1 {H264}",
    "colours.mp4": f"{COLOURS} {H264} -g 15 -colorspace bt709 -color_range pc",
    "colours_10_bit.mp4": f"{COLOURS} -c:v libx264 -pix_fmt yuv420p10le",
    "colours_422.mov": f"{COLOURS} -c:v prores_ks",
    "odd_420.mp4": f"{COLOURS.replace('160x96', '163x99')} {H264} -g 15",
    "hevc_closed.mp4": f"{FRAMES} {X265}:open-gop=0:keyint=10:min-keyint=5:bframes=4 "
    "-pix_fmt yuv420p",
    "mpeg4_closed.mkv": f"{FRAMES} -c:v mpeg4 -bf 2 -g 12 -flags +cgop -sc_threshold 1000000000",
    "mpeg2_open_gop.mkv": f"{FRAMES} -c:v mpeg2video -g 10 -bf 2",
    "field_pairs.mp4": f"{FRAMES} -vf setfield=tff -c:v libx264 -flags +ilme+ildct -g 15 "
    "-pix_fmt yuv420p",
    "two_cameras.mkv": f"{FRAMES} {FRAMES} -map 0 -map 1 {H264}",
    "delayed.mp4": "-i base.mp4 -c copy -output_ts_offset 10",
    "audio_only.mp4": "-f lavfi -i sine=duration=1 -c:a aac",
    "cover.m4a": "-f lavfi -i sine=duration=1 -f lavfi -i color=red:size=64x64 -map 0 -map 1 "
    "-frames:v 1 -c:a aac -c:v mjpeg -disposition:v:0 attached_pic",
    "too_long.mp4": f"{COLOR}16x16:rate=1:duration=700 {H264}",
    "too_fast.mp4": f"{COLOR}16x16:rate=1000:duration=2 {H264}",
    "too_large.mp4": f"{COLOR}8192x4608:rate=1:duration=1 {H264}",
    "animation.gif": FRAMES,
    "flash.flv": f"{FRAMES} -c:v flv1",
    "cinepak.avi": f"{FRAMES} -frames:v 4 -c:v cinepak",
}
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT5S" profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000"><BaseURL>'
    "http://127.0.0.1:{port}/dash.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"


def picture_of(number: int) -> np.ndarray:
    """Grey picture (H, W): white block, the number's bits, black block; grey below."""
    bits = [1, *((number >> k) & 1 for k in range(NUM_BITS)), 0]
    edges = np.linspace(0, WIDTH, len(bits) + 1).round().astype(int)
    picture = np.full((HEIGHT, WIDTH), 128, np.uint8)
    for k, bit in enumerate(bits):
        picture[: HEIGHT // 2, edges[k] : edges[k + 1]] = 235 if bit else 16
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number shown by an RGB or grey picture of any size; -1 where no upright code is."""
    grey = picture.mean(axis=-1) if picture.ndim == 3 else picture.astype(float)
    height, width = grey.shape
    row = grey[round(height * 0.15) : round(height * 0.35)].mean(axis=0)
    centres = (np.arange(NUM_BITS + 2) + 0.5) * width / (NUM_BITS + 2)
    levels = np.array([row[int(c) - 1 : int(c) + 2].mean() for c in centres])
    below = grey[round(height * 0.6) : round(height * 0.9)]
    is_code = levels[0] > 170 and levels[-1] < 90 and 90 < below.mean() < 170 and below.std() < 25
    if not is_code or (np.abs(levels - 128) < 40).any():
        return -1
    return int(sum(1 << k for k, level in enumerate(levels[1:-1]) if level > 128))


@dataclass(frozen=True)
class Shown:
    """What playing a file from its start shows: numbers, and seconds since the first."""

    seconds: np.ndarray
    numbers: np.ndarray

    def number_at(self, timestamp: float) -> int:
        place = int(np.searchsorted(self.seconds, timestamp, side="right")) - 1
        return int(self.numbers[max(place, 0)])


def decode_from_start(path: Path) -> Shown:
    """Independent of proskill: every frame that PyAV decodes one after the other, unturned."""
    times, numbers = [], []
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        assert stream is not None
        stream.codec_context.thread_count = 1  # with more, damaged pictures show old memory
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                numbers.append(number_in(frame.to_ndarray(format="gray", threads=1)))
                times.append(frame.time)
    if path.suffix == ".avi" or path.name == "joined_sizes.ts":
        times = [k / RATE for k in range(len(numbers))]  # their times are wrong or start again
    return Shown(np.array(times) - times[0], np.array(numbers))


class VideoMaker:
    """Makes the files of `RECIPES`, and a few that are cut or glued from them, on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        frames = np.stack([picture_of(k) for k in range(NUM_FRAMES)])
        (folder / "frames.raw").write_bytes(frames.tobytes())

    def __call__(self, name: str) -> Path:
        path = self.folder / name
        if path.exists() or path.is_symlink():
            return path
        special = getattr(self, "_make_" + name.replace(".", "_"), None)
        if special is not None:
            special(path)
        elif name in RECIPES:
            self._ffmpeg(RECIPES[name], path)
        else:
            raise KeyError(name)
        return path

    def _ffmpeg(self, arguments: str, path: Path) -> None:
        words = arguments.split()
        for word in words:
            if word in RECIPES and word != path.name:
                self(word)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
        command += ["-nostdin", *words, "-threads", "1", str(path)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{path.name}: {done.stderr}"

    def _join(self, path: Path, *parts: str) -> None:
        path.write_bytes(b"".join(self(part).read_bytes() for part in parts))

    def _cut(self, path: Path, source: str, share: float) -> None:
        data = self(source).read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    def _make_joined_sizes_ts(self, path: Path) -> None:
        self._join(path, "transport.ts", "small.ts")

    def _make_joined_sizes_mkv(self, path: Path) -> None:
        self._join(self.folder / "joined.h264", "large.h264", "small.h264")
        self._ffmpeg(f"-r {RATE} -i joined.h264 -c copy -bsf:v setts=ts=N/{RATE}/TB", path)

    def _make_truncated_mp4(self, path: Path) -> None:
        self._cut(path, "faststart.mp4", 0.8)

    def _make_mostly_missing_mp4(self, path: Path) -> None:
        self._cut(path, "faststart.mp4", 0.4)

    def _make_truncated_mkv(self, path: Path) -> None:
        self._cut(path, "matroska.mkv", 0.7)

    def _make_no_moov_mp4(self, path: Path) -> None:
        self._cut(path, "base.mp4", 0.4)

    def _make_webm_named_mp4(self, path: Path) -> None:
        shutil.copy(self("vp9.webm"), path)

    def _make_UPPER_MOV(self, path: Path) -> None:
        shutil.copy(self("base.mp4"), path)


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> VideoMaker:
    """Call it with a file's name to get its path."""
    return VideoMaker(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="session")
def run_ffmpeg() -> Callable[[str, Path], Path]:
    """Write a file with ffmpeg, from the arguments that come before its name."""

    def run(arguments: str, path: Path) -> Path:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        command = [ffmpeg, "-loglevel", "error", "-nostdin", "-y", *arguments.split(), str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return path

    return run


@pytest.fixture(scope="session")
def read_number() -> Callable[[np.ndarray], int]:
    return number_in


@pytest.fixture(scope="session")
def play() -> Callable[[Path], Shown]:
    return decode_from_start


@pytest.fixture(scope="session")
def list_texts() -> Callable[[int], list[tuple[str, str, str]]]:
    """Port of a server -> (name, text, reason) of files that would make ffmpeg open others."""

    def texts(port: int) -> list[tuple[str, str, str]]:
        return [
            ("hls.mp4", PLAYLIST.format(f"http://127.0.0.1:{port}/seg.ts"), "an HLS playlist"),
            ("hls.m3u8", PLAYLIST.format(f"http://127.0.0.1:{port}/seg.ts"), "an HLS playlist"),
            ("hls_file.mp4", PLAYLIST.format("file:///etc/passwd"), "an HLS playlist"),
            ("concat.mp4", "ffconcat version 1.0\nfile 'base.mp4'\n", "a list of other files"),
            ("dash.mp4", DASH.format(port=port), "a DASH manifest"),
            ("dash.mpd", DASH.format(port=port), "a DASH manifest"),
            ("sdp.mp4", SDP.format(port=port), "network session description"),
            ("sdp.sdp", SDP.format(port=port), "network session description"),
        ]

    return texts
