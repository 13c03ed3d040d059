"""What a file is, by its content; and one sentence with the path for what cannot be read."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from proskill.errors import VideoError
from proskill.video.probe import VideoLimits, probe
from proskill.video.reader import VideoReader

REAL_CLIP = Path(__file__).parent / "assets" / "nasa.mp4"


def test_the_facts_of_a_plain_file(make_video):
    path = make_video("base.mp4")
    info = probe(path)
    assert info.path == path
    assert info.size_bytes == path.stat().st_size
    assert info.container.startswith("mov,mp4")
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert (info.height, info.width) == (96, 160)
    assert info.duration_seconds == pytest.approx(2.0)
    assert info.frame_rate == pytest.approx(30.0)
    assert (info.num_frames, info.decoded_ratio) == (60, 1.0)
    assert (info.has_audio, info.rotation_degrees, info.is_mirrored) == (True, 0, False)
    assert info.warnings == ()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("hevc_10_bit_hlg.mov", "hevc"),
        ("av1_10_bit.mp4", "av1"),
        ("vp9.webm", "vp9"),
        ("webm_named.mp4", "vp9"),
        ("mpeg4_part_2.avi", "mpeg4"),
        ("prores.mov", "prores"),
        ("UPPER.MOV", "h264"),
        ("interlaced.mpg", "mpeg2video"),
    ],
)
def test_the_codec_is_told_by_content_and_not_by_name(make_video, name, codec):
    assert probe(make_video(name)).codec == codec


@pytest.mark.parametrize(
    ("name", "rotation", "is_mirrored", "size"),
    [
        ("rotated_90.mp4", 270, False, (160, 96)),  # ffmpeg counts anticlockwise
        ("rotated_180.mp4", 180, False, (96, 160)),
        ("rotated_270.mp4", 90, False, (160, 96)),
        ("mirrored.mp4", 0, True, (96, 160)),
        ("anamorphic.mp4", 0, False, (96, 228)),
        ("tall_pixels.mp4", 0, False, (192, 160)),
        ("odd_size.mp4", 0, False, (93, 157)),
    ],
)
def test_size_is_that_of_the_upright_picture_with_square_pixels(
    make_video, name, rotation, is_mirrored, size
):
    info = probe(make_video(name))
    assert (info.rotation_degrees, info.is_mirrored) == (rotation, is_mirrored)
    assert (info.height, info.width) == size


def test_times_come_from_the_frames_and_not_from_the_header(make_video):
    assert probe(make_video("start_offset.mkv")).duration_seconds == pytest.approx(2.0, abs=0.01)
    assert probe(make_video("edit_list.mp4")).num_frames < 45
    assert probe(make_video("edit_list.mp4")).decoded_ratio == 1.0
    slow = probe(make_video("slow_motion.mp4"))
    assert slow.num_frames == 60
    assert slow.frame_rate == pytest.approx(60 / (20 / 240 + 20 / 30 + 20 / 240), rel=0.01)
    joined = probe(make_video("joined_sizes.ts"))
    assert joined.duration_seconds == pytest.approx(4.0, abs=0.01)
    assert "clock restarts" in joined.warnings[0]


def test_a_single_frame_has_the_duration_of_its_packet(make_video):
    info = probe(make_video("one_frame.mp4"))
    assert (info.num_frames, info.duration_seconds) == (1, pytest.approx(1 / 30))


def test_a_hole_is_reported_as_a_freeze(make_video):
    (warning,) = probe(make_video("dropped_packets.mp4")).warnings
    assert warning.startswith("no frames between 0.")
    assert warning.endswith("the picture freezes")


def test_missing_parts_are_reported_below_95_and_refused_below_50_percent(make_video):
    for name in ("truncated.mp4", "truncated.mkv"):
        info = probe(make_video(name))
        assert 0.5 <= info.decoded_ratio < 0.95
        assert "announced frames can be decoded" in info.warnings[0]
    with pytest.raises(VideoError, match=r"only \d+ of 60 frames can be decoded"):
        probe(make_video("mostly_missing.mp4"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_moov.mp4", "incomplete upload or recording"),
        ("audio_only.mp4", "no video stream"),
        ("cover.m4a", "no video stream, only a still cover picture"),
        ("too_long.mp4", "lasts longer than 10 minutes"),
        ("too_fast.mp4", "shows 1000 frames a second"),
        ("too_large.mp4", "8192x4608"),
        ("animation.gif", "is a GIF animation"),
        ("large.h264", "raw H.264"),
    ],
)
def test_files_that_are_no_video_to_judge_are_refused(make_video, name, reason):
    path = make_video(name)
    for use in (probe, VideoReader):
        with pytest.raises(VideoError, match=reason) as caught:
            use(path)
        assert caught.value.path == path
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("zero.mp4", b"", "is empty"),
        ("text.mp4", b"hello\n", "is a text file"),
        ("random.mp4", bytes(range(256)) * 800, "is not a video that can be read"),
        ("picture.mp4", b"\x89PNG\r\n\x1a\n" + bytes(500), "is a PNG picture"),
        ("photo.mp4", b"\xff\xd8\xff\xe0" + bytes(500), "is a JPEG picture"),
        ("only_moov.mp4", b"\0\0\0\x18ftypisom" + bytes(12), "has no index"),
    ],
)
def test_content_that_is_no_video_is_named(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(VideoError, match=reason):
        probe(path)


def test_text_that_names_other_files_or_addresses_is_refused_and_nothing_is_opened(
    make_video, tmp_path, list_texts
):
    shutil.copy(make_video("base.mp4"), tmp_path / "base.mp4")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        for name, text, reason in list_texts(server.getsockname()[1]):
            path = tmp_path / name
            path.write_text(text)
            with pytest.raises(VideoError, match=reason):
                VideoReader(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_things_that_are_no_files_are_refused(tmp_path):
    with pytest.raises(VideoError, match=r"gone\.mp4: no such file"):
        probe(tmp_path / "gone.mp4")
    with pytest.raises(VideoError, match="is a folder"):
        probe(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoError, match="is not a regular file"):
        probe(tmp_path / "pipe.mp4")
    for name in ("http://127.0.0.1:9/a.mp4", "a\0b.mp4", "x" * 5000):
        with pytest.raises(VideoError):
            probe(name)


@pytest.mark.parametrize(
    "name",
    [
        "-i evil;$(touch pwn) ünï 名 %03d.mp4",
        "concat:a.mp4|b.mp4",
        "file:x.mp4",
        '<img onerror="x">.mp4',
        "=HYPERLINK(1).mp4",
        "line\nbreak.mp4",
        "no_suffix",
    ],
)
def test_odd_names_are_just_names(make_video, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    shutil.copy(make_video("base.mp4"), tmp_path / name)
    assert probe(name).num_frames == 60
    assert probe(tmp_path / name).num_frames == 60
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_limits_are_the_callers_to_set(make_video):
    path = make_video("base.mp4")
    for limits, reason in [
        (VideoLimits(max_bytes=100), "MB are allowed"),
        (VideoLimits(max_seconds=1), "lasts longer than 1 s"),
        (VideoLimits(max_pixels=1000), "160x96"),
        (VideoLimits(max_frame_rate=29), "lasts longer|frames a second"),
    ]:
        with pytest.raises(VideoError, match=reason) as caught:
            probe(path, limits=limits)
        assert "; " in caught.value.reason  # what to do, in words that are no program's
        assert "max_" not in caught.value.reason
    assert probe(make_video("too_long.mp4"), limits=VideoLimits(max_seconds=800)).num_frames == 700
    # A film of ten minutes has a few frames more.
    assert probe(path, limits=VideoLimits(max_seconds=1.9)).duration_seconds == pytest.approx(2)
    with pytest.raises(ValueError, match="max_bytes=0"):
        VideoLimits(max_bytes=0)


def test_real_footage_with_several_streams():
    info = probe(REAL_CLIP)
    assert info.has_audio
    assert (info.height, info.width) == (270, 480)
    assert info.frame_rate == pytest.approx(29.97, rel=1e-3)
    assert info.warnings == ()
