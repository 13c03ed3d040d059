"""The frame at timestamp t is the one that playing the file from its start shows at t."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
import torch

from proskill.errors import VideoError
from proskill.video.reader import VideoReader
from proskill.video.readers import read_views

REAL_CLIP = Path(__file__).parent / "assets" / "nasa.mp4"
CODED = [
    "base.mp4", "faststart.mp4", "long_gop.mp4", "fragmented.mp4", "matroska.mkv",
    "no_b_frames.mp4", "variable_rate.mp4", "slow_motion.mp4", "hevc_10_bit_hlg.mov",
    "hevc_open_gop.mp4", "h264_open_gop.mp4", "intra_refresh.mp4", "av1_10_bit.mp4", "vp9.webm",
    "vp8.webm", "h264_444.mp4", "mpeg4_part_2.avi", "reordered.avi", "mpeg4_open_gop.mp4",
    "prores.mov", "edit_list.mp4", "start_offset.mkv", "odd_size.mp4", "anamorphic.mp4",
    "tall_pixels.mp4", "interlaced.mpg", "transport.ts", "two_video_streams.mkv",
    "joined_sizes.ts", "joined_sizes.mkv", "dropped_packets.mp4", "one_frame.mp4",
    "truncated.mp4", "truncated.mkv", "webm_named.mp4", "UPPER.MOV",
]  # fmt: skip
# Turns the upright picture back into the decoded one, on which the number can be read.
TURNED = {
    "rotated_90.mp4": lambda picture: np.rot90(picture, -1),
    "rotated_180.mp4": lambda picture: np.rot90(picture, 2),
    "rotated_270.mp4": lambda picture: np.rot90(picture, 1),
    "mirrored.mp4": lambda picture: picture[:, ::-1],
}


def numbers_at(reader, timestamps, read_number, undo=lambda picture: picture):
    frames = reader.frames_at(np.asarray(timestamps)).permute(0, 2, 3, 1).numpy()
    return [read_number(undo(frame)) for frame in frames]


def timestamps_in(shown):
    """Just before, on and just after every change of picture, shuffled, and outside the file."""
    around = np.concatenate([shown.seconds - 2e-3, shown.seconds, shown.seconds + 2e-3])
    timestamps = np.concatenate([around, [-1.0, shown.seconds[-1] + 100.0]])
    return np.random.default_rng(0).permutation(timestamps)


@pytest.mark.parametrize("name", CODED)
def test_frames_are_those_that_decoding_in_order_shows(make_video, play, read_number, name):
    path = make_video(name)
    shown = play(path)
    assert (shown.numbers >= 0).all()
    timestamps = timestamps_in(shown)
    with VideoReader(path) as reader:
        numbers = numbers_at(reader, timestamps, read_number)
    assert numbers == [shown.number_at(timestamp) for timestamp in timestamps]


@pytest.mark.parametrize(
    "name",
    ["base.mp4", "long_gop.mp4", "hevc_open_gop.mp4", "h264_open_gop.mp4", "edit_list.mp4",
     "fragmented.mp4", "matroska.mkv", "av1_10_bit.mp4", "vp9.webm", "transport.ts"],
)  # fmt: skip
def test_a_single_frame_anywhere_needs_no_frames_before_it(make_video, play, read_number, name):
    path = make_video(name)
    shown = play(path)
    with VideoReader(path, size=48) as reader:
        for timestamp in shown.seconds[[0, 13, 19, 20, 21, -1, 9, 31]] + 1e-3:
            assert numbers_at(reader, [timestamp], read_number) == [shown.number_at(timestamp)]


@pytest.mark.parametrize("name", TURNED)
def test_turned_and_mirrored_files_are_read_upright(make_video, play, read_number, name):
    shown = play(make_video("base.mp4"))
    with VideoReader(make_video(name)) as reader:
        numbers = numbers_at(reader, shown.seconds, read_number, TURNED[name])
    assert numbers == shown.numbers.tolist()


@pytest.mark.parametrize("name", [*TURNED, "rotated_mirrored.mp4", "base.mp4"])
def test_upright_is_what_ffmpeg_takes_for_upright(make_video, name):
    path = make_video(name)
    with VideoReader(path) as reader:
        ours = reader.frames_at(np.array([0.5]))[0].permute(1, 2, 0).numpy()
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(path)]
    command += ["-vf", "select=eq(n\\,15)", "-frames:v", "1", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = np.frombuffer(raw, np.uint8).reshape(ours.shape)
    assert np.abs(ours.astype(int) - theirs).mean() < 1.0


def test_random_access_gives_the_same_bytes_as_reading_in_order(make_video):
    for name in ("base.mp4", "hevc_open_gop.mp4", "vp9.webm", "edit_list.mp4"):
        with VideoReader(make_video(name), size=(56, 64)) as reader:
            timestamps = np.random.default_rng(1).uniform(0, reader.duration_seconds, 12)
            together = reader.frames_at(timestamps)
            alone = torch.cat([reader.frames_at(timestamps[k : k + 1]) for k in range(12)])
            reader._survey()  # from here on it reads in order
            in_order = reader.frames_at(timestamps)
        assert torch.equal(together, alone), name
        assert torch.equal(together, in_order), name


def test_real_footage_is_read_as_decoding_in_order_shows_it():
    with av.open(str(REAL_CLIP)) as container:
        frames = [
            (frame.time, frame.to_ndarray(format="rgb24", threads=1))
            for frame in container.decode(container.streams.best("video"))
        ]
    places = np.random.default_rng(2).permutation(len(frames))[:12]
    timestamps = np.array([frames[k][0] - frames[0][0] for k in places])
    with VideoReader(REAL_CLIP) as reader:
        ours = reader.frames_at(timestamps).permute(0, 2, 3, 1).numpy()
        assert reader.warnings == ()
    for k, picture in zip(places, ours, strict=True):
        assert np.abs(picture.astype(int) - frames[k][1]).mean() < 1.5


def test_a_damaged_packet_shifts_no_frame(make_video, play, read_number, tmp_path):
    source = make_video("matroska.mkv")
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        packets = [(p.pos, p.size) for p in container.demux(stream) if p.size]
    for place in (4, 16, 20, 33, 58):
        data = bytearray(source.read_bytes())
        position, size = packets[place]
        for k in range(position + 12, position + size - 4):
            data[k] = 0x55
        path = tmp_path / f"damaged_{place}.mkv"
        path.write_bytes(data)
        shown = play(path)
        timestamps = shown.seconds + 1e-3
        with VideoReader(path) as reader:
            assert numbers_at(reader, timestamps, read_number) == shown.numbers.tolist()


def test_frames_that_damage_spares_are_right_and_damage_is_reported(make_video, play, read_number):
    path = make_video("corrupt_packets.mp4")
    shown = play(path)
    spared = shown.numbers == np.round(shown.seconds * 30)
    assert 10 < spared.sum() < len(spared)
    with VideoReader(path) as reader:
        # All of them, so that damaged ones are on the way.
        numbers = np.array(numbers_at(reader, shown.seconds + 1e-3, read_number))
        assert any("some packets are damaged" in warning for warning in reader.warnings)
        assert reader.decoded_ratio < 1
    assert numbers[spared].tolist() == shown.numbers[spared].tolist()


def test_loss_is_counted_and_reported(make_video):
    with VideoReader(make_video("truncated.mp4")) as reader:
        assert 0.5 <= reader.decoded_ratio < 0.95
        assert any("announced frames can be decoded" in warning for warning in reader.warnings)
    with VideoReader(make_video("base.mp4")) as reader:
        assert reader.decoded_ratio == 1.0
        assert reader.warnings == ()


@pytest.mark.parametrize("name", ["one_frame.mp4", "tiny.mp4", "black.mp4"])
def test_files_with_nothing_to_judge_are_still_read(make_video, name):
    with VideoReader(make_video(name), size=(32, 32)) as reader:
        frames = reader.frames_at(np.array([0.0, 0.5, 99.0]))
    assert frames.shape == (3, 3, 32, 32)
    assert frames.dtype == torch.uint8


def test_size_is_the_short_side_or_height_and_width(make_video):
    timestamps = np.array([0.1, 0.2])
    for size, shape in [(None, (96, 160)), (48, (48, 80)), ((30, 20), (30, 20))]:
        with VideoReader(make_video("base.mp4"), size=size) as reader:
            assert reader.size == shape
            assert reader.frames_at(timestamps).shape == (2, 3, *shape)
    with VideoReader(make_video("rotated_90.mp4"), size=48) as reader:
        assert reader.size == (80, 48)
    with VideoReader(make_video("anamorphic.mp4"), size=None) as reader:
        assert reader.size == (96, 228)


def test_no_instants_give_an_empty_clip(make_video):
    with VideoReader(make_video("base.mp4"), size=32) as reader:
        assert reader.frames_at(np.empty(0)).shape == (0, 3, 32, 53)


def test_impossible_requests_are_refused(make_video):
    path = make_video("base.mp4")
    with pytest.raises(ValueError, match="num_threads=0"):
        VideoReader(path, num_threads=0)
    with pytest.raises(ValueError, match="size=0"):
        VideoReader(path, size=0)
    with VideoReader(path) as reader:
        for timestamps in (np.array([np.nan]), np.zeros((2, 2))):
            with pytest.raises(ValueError, match="one-dimensional array of finite seconds"):
                reader.frames_at(timestamps)


def test_a_file_that_shrinks_while_it_is_open_is_an_error(make_video, tmp_path):
    path = tmp_path / "take.mp4"
    shutil.copy(make_video("faststart.mp4"), path)
    reader = VideoReader(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(VideoError, match=r"take\.mp4"):
        reader.frames_at(np.array([1.9]))


def test_views_are_read_at_the_same_instants_with_their_offsets(make_video, read_number):
    views = {
        "ego": make_video("base.mp4"),
        "exo1": make_video("vp9.webm"),
        "exo2": make_video("start_offset.mkv"),
    }
    timestamps = np.array([0.51, 0.11, 1.01])
    clips = read_views(views, timestamps, size=64, offsets={"exo1": 0.5})
    assert list(clips) == ["ego", "exo1", "exo2"]
    numbers = {
        name: [read_number(frame.permute(1, 2, 0).numpy()) for frame in clip]
        for name, clip in clips.items()
    }
    assert numbers == {"ego": [15, 3, 30], "exo1": [30, 18, 45], "exo2": [15, 3, 30]}


def test_views_that_cannot_be_read_are_named(make_video, tmp_path):
    with pytest.raises(VideoError, match=r"gone\.mp4: no such file"):
        read_views(
            {"ego": make_video("base.mp4"), "exo": tmp_path / "gone.mp4"}, np.zeros(1), size=32
        )
    with pytest.raises(ValueError, match="views is empty"):
        read_views({}, np.zeros(1), size=32)
    with pytest.raises(ValueError, match="views that are not there: exo9"):
        read_views({"a": make_video("base.mp4")}, np.zeros(1), size=32, offsets={"exo9": 1.0})
