"""Whatever is uploaded is scored with its warnings, abstained from with a reason, or refused.

Never a traceback, a file left behind, or the content of another file. Scored by the demo
checkpoint, which nearly always abstains from these pictures, because it has seen nothing like them;
what counts is whether they reach it.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proskill.errors import VideoError
from proskill.scoring import ScoredTake, Scorer
from proskill.scoring.uploads import score_uploads
from proskill.video.sanitize import make_proxy

MakeVideo = Callable[[str], Path]
DEMO = Path(__file__).parents[2] / "checkpoints" / "demo"

# Name -> a warning that must be given, "" for none.
JUDGED = {
    "base.mp4": "",
    "fragmented.mp4": "",
    "UPPER.MOV": "",
    "webm_named.mp4": "",
    "rotated_90.mp4": "",
    "rotated_180.mp4": "",
    "rotated_mirrored.mp4": "",
    "variable_rate.mp4": "",
    "hevc_10_bit_hlg.mov": "",
    "av1_10_bit.mp4": "",
    "vp9.webm": "",
    "vp8.webm": "",
    "h264_444.mp4": "",
    "mpeg4_part_2.avi": "",
    "prores.mov": "",
    "start_offset.mkv": "",
    "long_gop.mp4": "",
    "h264_open_gop.mp4": "",
    "odd_size.mp4": "",
    "anamorphic.mp4": "",
    "interlaced.mpg": "",
    "transport.ts": "",
    "two_video_streams.mkv": "",
    "joined_sizes.ts": "its clock restarts 1 time(s)",
    "joined_sizes.mkv": "",
    "truncated.mp4": "announced frames can be decoded",
    "dropped_packets.mp4": "the picture freezes",
    "corrupt_packets.mp4": "some packets are damaged",
}
ABSTAINED = {
    "one_frame.mp4": "holds a single picture",
    "tiny.mp4": "is too small: 16x16 pixels",
    "black.mp4": "is too short",
    "edit_list.mp4": "is too short: 1.2",
    "slow_motion.mp4": "is too short: 0.8",
}
REFUSED = {
    "no_moov.mp4": "incomplete upload or recording",
    "mostly_missing.mp4": "of 60 frames can be decoded",
    "audio_only.mp4": "no video stream, only sound",
    "cover.m4a": "only a still cover picture",
    "too_long.mp4": "lasts longer than 10 minutes",
    "too_fast.mp4": "1000 frames a second",
    "too_large.mp4": "8192x4608 pixels",
    "animation.gif": "is a GIF animation",
    "large.h264": "carries no times",
    "flash.flv": "container format that is not accepted",
    "cinepak.avi": "are stored as cinepak",
}
CONTENTS = {
    "zero.mp4": (b"", "is empty"),
    "random.mp4": (np.random.default_rng(0).bytes(200_000), "not a video that can be read"),
    "text.mp4": (b"hello\n", "is a text file"),
    "page.mp4": (b"<html><img src=x onerror=alert(1)></html>", "is a text file"),
    "archive.mp4": (b"PK\x03\x04" + bytes(99), "is a ZIP archive; unpack it"),
}
PLAIN = {
    "base.mp4", "truncated.mp4", "dropped_packets.mp4", "corrupt_packets.mp4", "one_frame.mp4",
    "edit_list.mp4", "no_moov.mp4", "audio_only.mp4", "too_long.mp4", "cinepak.avi",
}  # fmt: skip


def each_of(table: dict[str, str]) -> list[object]:
    """The names of a table, those of the plain run and, with --slow, the others."""
    return [n if n in PLAIN else pytest.param(n, marks=pytest.mark.slow) for n in table]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.from_checkpoint(DEMO)


@pytest.fixture
def score(scorer: Scorer, tmp_path: Path) -> Callable[[Path], ScoredTake]:
    """Score one upload, and see that nothing but its copy is left."""
    copies = tmp_path / "copies"

    def score_one(path: Path) -> ScoredTake:
        before = path.read_bytes()
        try:
            result = score_uploads(scorer, {"exo1": path}, folder=copies)
        except VideoError:
            assert list(copies.glob("**/*")) == []
            raise
        assert list(copies.iterdir()) == [proxy.path for proxy in result.proxies.values()]
        assert path.read_bytes() == before
        return result

    return score_one


@pytest.mark.parametrize("name", each_of(JUDGED))
def test_what_can_be_decoded_reaches_the_model_with_its_warnings(
    name: str, make_video: MakeVideo, score: Callable[[Path], ScoredTake]
) -> None:
    assessment = score(make_video(name)).assessment
    view = assessment.views["exo1"]
    assert view.status == "used", view.reasons
    assert JUDGED[name] in " ".join(view.warnings)
    assert assessment.status != "abstained" or assessment.reasons


@pytest.mark.parametrize("name", each_of(ABSTAINED))
def test_what_shows_nothing_to_judge_gets_a_reason_and_no_level(
    name: str, make_video: MakeVideo, score: Callable[[Path], ScoredTake]
) -> None:
    assessment = score(make_video(name)).assessment
    assert (assessment.status, assessment.level) == ("abstained", None)
    assert ABSTAINED[name] in " ".join(assessment.reasons)


@pytest.mark.parametrize("name", each_of(REFUSED))
def test_what_is_no_acceptable_video_is_refused_in_a_sentence(
    name: str, make_video: MakeVideo, score: Callable[[Path], ScoredTake]
) -> None:
    with pytest.raises(VideoError) as caught:
        score(make_video(name))
    assert REFUSED[name] in caught.value.reason
    assert "\n" not in str(caught.value)


def test_what_is_no_video_at_all_is_refused_by_its_content(
    tmp_path: Path, score: Callable[[Path], ScoredTake]
) -> None:
    for name, (content, reason) in CONTENTS.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(VideoError) as caught:
            score(path)
        assert reason in caught.value.reason, name


def test_texts_that_name_other_files_or_addresses_open_none(
    list_texts: Callable[[int], list[tuple[str, str, str]]],
    make_video: MakeVideo,
    tmp_path: Path,
) -> None:
    shutil.copy(make_video("base.mp4"), tmp_path / "base.mp4")  # beside the list that names it
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        for name, text, reason in list_texts(server.getsockname()[1]):
            if not name.endswith(".mp4"):
                continue  # by their own names, they are the same to ffmpeg
            path = tmp_path / name
            path.write_text(text)
            with pytest.raises(VideoError, match=reason):
                make_proxy(path, tmp_path / "copies")
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "name", ["-i evil;$(touch pwn) ünï 名.mp4", "<img src=x onerror=alert(1)>.mp4", "%03d.mp4"]
)
def test_a_name_is_only_a_name(
    name: str, make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(make_video("base.mp4"), name)
    proxy = make_proxy(Path(name), tmp_path / "copies")
    assert proxy.info.num_frames == 60
    assert {path.name for path in tmp_path.iterdir()} == {name, "copies"}
