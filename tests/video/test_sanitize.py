"""The copy that stands for a stranger's video: what it shows, what is refused, what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from proskill.errors import VideoError
from proskill.video.probe import probe
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
