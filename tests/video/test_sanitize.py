"""The copy that stands for a stranger's video: what it shows, what is refused, what stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from proskill.errors import ProskillError, VideoError
from proskill.video.probe import probe
from proskill.video.reader import VideoReader
from proskill.video.sanitize import make_proxy


def test_a_proxy_shows_what_the_original_shows_in_the_middle_of_each_picture(
    make_video: Callable[[str], Path], play, tmp_path: Path
) -> None:
    for name in ("base.mp4", "variable_rate.mp4", "edit_list.mp4", "start_offset.mkv"):
        original = play(make_video(name))
        proxy = play(make_proxy(make_video(name), tmp_path).path)
        middles = (np.arange(int(30 * original.seconds[-1])) + 0.5) / 30
        expected = [original.number_at(t + 0.001) for t in middles]
        assert [proxy.number_at(t) for t in middles] == expected, name


def test_a_proxy_is_upright_h264_without_sound_or_metadata(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    proxy = make_proxy(make_video("rotated_mirrored.mp4"), tmp_path)
    info = probe(proxy.path)
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert (info.rotation_degrees, info.is_mirrored, info.has_audio) == (0, False, False)
    assert (info.width, info.height) == (96, 160)
    assert proxy.info.is_mirrored
    with av.open(str(proxy.path)) as container:
        assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands"}


def test_what_progress_raises_ends_the_work_and_leaves_nothing(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    def stop(share: float) -> None:
        if share > 0.01:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_proxy(make_video("base.mp4"), tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_video_is_refused_with_its_reason_and_leaves_nothing(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(VideoError, match="incomplete upload"):
        make_proxy(make_video("no_moov.mp4"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_part_begins_and_ends_where_it_is_cut(
    make_video: Callable[[str], Path], play, tmp_path: Path
) -> None:
    for name in ("base.mp4", "start_offset.mkv", "long_gop.mp4", "transport.ts"):
        proxy = make_proxy(make_video(name), tmp_path, start_seconds=0.71, end_seconds=1.4)
        shown = play(proxy.path)
        assert shown.numbers.tolist() == list(range(21, 42)), name
        assert proxy.info.num_frames == 60


def test_pictures_are_made_smaller_but_never_larger(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    small = make_proxy(make_video("anamorphic.mp4"), tmp_path, max_short_side_px=48)
    info = probe(small.path)
    assert (info.width, info.height) == (114, 48)
    same = probe(make_proxy(make_video("anamorphic.mp4"), tmp_path).path)
    assert (same.width, same.height) == (228, 96)


def test_keyframes_and_rate_are_as_asked(make_video: Callable[[str], Path], tmp_path: Path) -> None:
    proxy = make_proxy(make_video("base.mp4"), tmp_path, frame_rate=10, keyframe_seconds=0.4)
    with av.open(str(proxy.path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    assert [k for k, p in enumerate(packets) if p.is_keyframe] == [0, 4, 8, 12, 16]
    assert np.diff([float(p.pts * p.time_base) for p in packets]) == pytest.approx(0.1)


def test_the_upright_picture_is_the_one_that_a_player_shows(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    for name in ("rotated_90.mp4", "rotated_180.mp4", "rotated_mirrored.mp4"):
        pictures = []
        for path in (make_video(name), make_proxy(make_video(name), tmp_path).path):
            with VideoReader(path) as reader:
                pictures.append(reader.frames_at(np.array([1.01])).float())
        assert (pictures[0] - pictures[1]).abs().mean() < 3, name


@pytest.mark.parametrize(
    "form",
    [{"start_seconds": -1}, {"start_seconds": 2, "end_seconds": 2}, {"max_short_side_px": 1},
     {"frame_rate": 0}, {"keyframe_seconds": 0}],
)  # fmt: skip
def test_forms_that_cannot_be_made_are_refused(
    form: dict[str, float], make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="must"):
        make_proxy(make_video("base.mp4"), tmp_path, **form)


def test_a_part_past_the_end_is_refused(make_video: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"lasts 2\.00 s, so that nothing begins at 5\.00 s"):
        make_proxy(make_video("base.mp4"), tmp_path, start_seconds=5)


def test_the_same_file_gives_the_same_bytes(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    source = make_video("corrupt_packets.mp4")
    first, second = (make_proxy(source, tmp_path).path for _ in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_mode & 0o077 == 0


def test_copying_loads_no_torch() -> None:
    code = "import sys, proskill.video.sanitize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_COPY_WITH_LIMIT = """
import resource, sys
from pathlib import Path
from proskill.errors import StorageError
from proskill.video.sanitize import make_proxy
if len(sys.argv) == 4:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    make_proxy(Path(sys.argv[1]), Path(sys.argv[2]))
except StorageError as error:
    print(error)
print(len(list(Path(sys.argv[2]).iterdir())))
"""
_UNWRITABLE = "{}: cannot be written ({}); free some space there or choose another folder\n0\n"


@pytest.mark.parametrize("num_bytes", [10, 20_000])
def test_a_full_disk_is_not_blamed_on_the_video_and_leaves_nothing(
    write_clip: Callable[..., Path], tmp_path: Path, num_bytes: int
) -> None:
    source, folder = write_clip(tmp_path / "clip.mp4", seconds=4), tmp_path / "copies"
    done = subprocess.run(
        [sys.executable, "-c", _COPY_WITH_LIMIT, source, folder, str(num_bytes)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == _UNWRITABLE.format(folder, "File too large")


@pytest.mark.slow
def test_a_disk_without_space_is_not_blamed_on_the_video_and_leaves_nothing(
    write_clip: Callable[..., Path], tmp_path: Path
) -> None:
    """On a real file system of 16 kB, in a namespace where anybody may mount one."""
    source, folder = write_clip(tmp_path / "clip.mp4", seconds=4), tmp_path / "copies"
    folder.mkdir()
    mount = 'mount -t tmpfs -o size=16k none "$0" && '
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    tried = shutil.which("unshare") and subprocess.run([*apart, mount + "true", folder])
    if not tried or tried.returncode:
        pytest.skip("file systems cannot be mounted here")
    done = subprocess.run(
        [*apart, mount + '"$@"', folder, sys.executable, "-c", _COPY_WITH_LIMIT, source, folder],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == _UNWRITABLE.format(folder, "No space left on device")


def test_what_a_killed_process_left_beside_its_copies_is_deleted_by_the_next_copy(
    make_video: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / ".proxy-abc").mkdir()
    (tmp_path / ".proxy-abc" / "pictures.mp4").write_bytes(b"of a person")
    proxy = make_proxy(make_video("base.mp4"), tmp_path)
    assert list(tmp_path.iterdir()) == [proxy.path]


def test_a_machine_without_ffmpeg_is_told_what_to_install(
    make_video: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    with pytest.raises(ProskillError, match="`pip install imageio-ffmpeg`"):
        make_proxy(make_video("base.mp4"), tmp_path)
