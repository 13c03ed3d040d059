"""decord gives the frames that PyAV gives, to the byte, or refuses the file and says why."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from proskill.errors import ProskillError, VideoError
from proskill.video.reader import VideoReader
from proskill.video.readers import open_reader, read_views

pytest.importorskip("decord", reason="its wheels are for x86-64 alone")

READ = [
    "base.mp4", "faststart.mp4", "long_gop.mp4", "fragmented.mp4", "matroska.mkv",
    "no_b_frames.mp4", "rotated_90.mp4", "rotated_180.mp4", "rotated_270.mp4", "variable_rate.mp4",
    "slow_motion.mp4", "hevc_closed.mp4", "vp9.webm", "vp8.webm", "h264_444.mp4",
    "mpeg4_closed.mkv", "odd_size.mp4", "odd_420.mp4", "colours.mp4", "colours_422.mov",
    "field_pairs.mp4", "two_video_streams.mkv", "start_offset.mkv", "delayed.mp4",
    "dropped_packets.mp4", "truncated.mkv", "one_frame.mp4", "webm_named.mp4", "UPPER.MOV",
]  # fmt: skip
REFUSED = {
    "av1_10_bit.mp4": "its codec is av1",
    "reordered.avi": "its container is avi",
    "transport.ts": "its container is mpegts",
    "interlaced.mpg": "its container is mpeg",
    "two_cameras.mkv": "several video streams of one picture size",
    "edit_list.mp4": "its edit list hides 8 frames",
    "h264_open_gop.mp4": "key frames begin an open group",
    "hevc_open_gop.mp4": "key frames begin an open group",
    "mpeg4_open_gop.mp4": "key frames begin an open group",
    "mpeg2_open_gop.mkv": "key frames begin an open group",
    "intra_refresh.mp4": "a gradual refresh",
    "joined_sizes.mkv": "pictures of another size",
    "mirrored.mp4": "shown mirrored",
    "rotated_mirrored.mp4": "shown mirrored",
    "colours_10_bit.mp4": "its pixel format is yuv420p10le",
    "hevc_10_bit_hlg.mov": "its pixel format is yuv420p10le",
    "tiny.mp4": "its pictures are 16x16 px",
    "truncated.mp4": "it fails to decode it",
}
REAL_CLIP = Path(__file__).parent / "assets" / "nasa.mp4"


def both(path, timestamps, **options):
    with (
        VideoReader(path, **options) as expected,
        open_reader(path, reader="decord", **options) as reader,
    ):
        assert reader.info == expected.info
        assert reader.size == expected.size
        return reader.frames_at(timestamps), expected.frames_at(timestamps)


@pytest.mark.parametrize("name", READ)
def test_pictures_equal_those_of_pyav_to_the_byte(make_video, play, name):
    path = make_video(name)
    seconds = play(path).seconds
    around = np.concatenate([seconds - 2e-3, seconds, seconds + 2e-3])
    timestamps = np.concatenate([around, [-1.0, seconds[-1] + 100.0]])
    theirs, ours = both(path, np.random.default_rng(0).permutation(timestamps))
    assert torch.equal(theirs, ours)


def test_real_footage_is_equal_to_the_byte():
    theirs, ours = both(REAL_CLIP, np.random.default_rng(0).uniform(0, 5, 12), num_threads=2)
    assert torch.equal(theirs, ours)


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_decord_would_misread_are_refused_with_the_reason(make_video, name):
    path = make_video(name)
    VideoReader(path)  # which reads all of them
    with pytest.raises(VideoError, match=f"cannot be read with decord: .*{REFUSED[name]}") as error:
        open_reader(path, reader="decord")
    assert "data.reader: pyav" in error.value.reason


@pytest.mark.parametrize("name", ["base.mp4", "rotated_90.mp4", "anamorphic.mp4"])
def test_other_sizes_show_the_same_pictures(make_video, read_number, name):
    theirs, ours = both(make_video(name), np.arange(0, 2, 0.1) + 0.01, size=(72, 120))
    assert (theirs.int() - ours.int()).abs().float().mean() < 3
    if name != "rotated_90.mp4":
        numbers = [
            [read_number(frame.permute(1, 2, 0).numpy()) for frame in clip]
            for clip in (theirs, ours)
        ]
        assert numbers[0] == numbers[1]
        assert min(numbers[0]) >= 0


def test_a_damaged_packet_is_refused_and_no_frame_shifts(make_video, tmp_path):
    import av

    source = make_video("base.mp4")
    with av.open(str(source)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    seconds = np.arange(60) / 30 + 1e-3
    num_refused = 0
    for place in (3, 16, 22, 33, 47):
        data = bytearray(source.read_bytes())
        position, size = packets[place]
        for k in range(position + 12, position + size - 4):
            data[k] = 0x55
        path = tmp_path / f"damaged_{place}.mp4"
        path.write_bytes(data)
        reader, expected = open_reader(path, reader="decord"), VideoReader(path)
        for start in range(0, 60, 15):  # groups without the packet are read
            try:
                clip = reader.frames_at(seconds[start : start + 15])
            except VideoError as error:
                assert "it is damaged" in error.reason  # noqa: PT017
                num_refused += 1
            else:
                assert torch.equal(clip, expected.frames_at(seconds[start : start + 15]))
    assert num_refused >= 4  # one packet decodes to another picture, for both readers


def test_requests_are_checked_as_by_pyav(make_video, tmp_path):
    path = make_video("base.mp4")
    with pytest.raises(ValueError, match="reader='opencv': allowed are pyav, decord"):
        open_reader(path, reader="opencv")
    with pytest.raises(ValueError, match="num_threads=0"):
        open_reader(path, reader="decord", num_threads=0)
    with pytest.raises(VideoError, match="no such file"):
        open_reader(tmp_path / "gone.mp4", reader="decord")
    reader = open_reader(path, reader="decord", size=32)
    assert reader.frames_at(np.empty(0)).shape == (0, 3, 32, 53)
    with pytest.raises(ValueError, match="one-dimensional array of finite seconds"):
        reader.frames_at(np.array([np.nan]))


def test_names_are_names_of_files_and_the_bridge_of_the_program_stays(make_video, tmp_path):
    import decord

    path = tmp_path / "concat:a|b.mp4"
    shutil.copy(make_video("base.mp4"), path)
    with decord.bridge.use_torch():
        theirs, ours = both(path, np.array([0.5]))
        assert isinstance(decord.VideoReader(str(REAL_CLIP))[0], torch.Tensor)
    assert torch.equal(theirs, ours)
    assert not isinstance(decord.VideoReader(str(REAL_CLIP))[0], torch.Tensor)


def test_views_are_read_in_parallel_with_one_setting(make_video):
    views = {"ego": make_video("base.mp4"), "exo": make_video("vp9.webm")}
    timestamps = np.linspace(0, 1.9, 8)
    theirs = read_views(views, timestamps, size=None, reader="decord")
    ours = read_views(views, timestamps, size=None)
    assert list(theirs) == list(ours)
    assert all(torch.equal(theirs[name], ours[name]) for name in views)


def test_without_decord_the_error_names_the_extra(make_video, monkeypatch):
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(ProskillError, match=r"pip install 'proskill\[decord\]'"):
        open_reader(make_video("base.mp4"), reader="decord")


def test_pyav_is_read_without_loading_decord(make_video):
    program = (
        "import sys, numpy; from proskill.video import open_reader; "
        f"open_reader({str(make_video('base.mp4'))!r}).frames_at(numpy.zeros(1)); "
        "assert 'decord' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
