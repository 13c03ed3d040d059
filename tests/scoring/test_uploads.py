"""What strangers send is scored through copies: the same answer everywhere, and nothing left."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proskill.errors import ProskillError, VideoError
from proskill.scoring import Scorer, make_take
from proskill.scoring.assessment import TIMING_FIELDS
from proskill.scoring.uploads import make_proxies, score_proxies, score_uploads

MakeVideo = Callable[..., Path]


@pytest.fixture
def scorer(make_checkpoint: Callable[..., Path]) -> Scorer:
    return Scorer.from_checkpoint(make_checkpoint())


def test_the_answer_speaks_of_the_files_that_were_sent(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    views = {"ego": make_video("my ego.mp4", seed=1), "exo1": make_video("b.mp4", seed=2)}
    result = score_uploads(scorer, views, folder=tmp_path / "copies")
    for name, path in views.items():
        view = result.assessment.views[name]
        assert (view.status, view.file) == ("used", path.name)
        assert (view.size_px, view.frame_rate_hz) == ((96, 80), pytest.approx(20))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert result.assessment.provenance.inputs[name] == digest
    assert result.assessment.provenance.read_from == "copies"
    assert {proxy.path for proxy in result.proxies.values()} == set((tmp_path / "copies").iterdir())
    directly = scorer.score(views)
    assert directly.provenance.read_from == "files"
    assert result.assessment.score == pytest.approx(directly.score, abs=0.1)


def test_copies_made_before_give_the_same_answer_as_files(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    views = {"ego": make_video("a.mp4", seed=1), "exo1": make_video("b.mp4", seed=2)}
    take = make_take(views, kinds={"exo1": "ego"}, offsets={"exo1": 0.2})
    at_once = score_uploads(scorer, take, folder=tmp_path / "x").assessment.to_dict()
    made = make_proxies(views, tmp_path / "y")
    for path in views.values():
        path.unlink()
    in_steps = score_proxies(scorer, take, made).assessment.to_dict()
    for answer in (at_once, in_steps):
        for name in TIMING_FIELDS:
            del answer["provenance"][name]
    assert in_steps == at_once


def test_a_file_that_is_no_video_is_reported_and_the_rest_is_scored(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("hello\n")
    result = score_uploads(
        scorer, {"ego": make_video("a.mp4"), "exo1": text}, folder=tmp_path / "copies"
    )
    view = result.assessment.views["exo1"]
    assert (view.status, view.file) == ("unreadable", "text.mp4")
    assert view.reasons == ("is a text file, not a video",)
    assert result.assessment.views["ego"].status == "used"
    assert list(result.proxies) == ["ego"]


def test_when_nothing_can_be_scored_no_copy_is_left(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("hello\n")
    folder = tmp_path / "copies"
    with pytest.raises(VideoError, match="is a text file, not a video"):
        score_uploads(scorer, {"ego": text}, folder=folder)
    apart = {"ego": make_video("a.mp4"), "exo1": make_video("b.mp4")}
    with pytest.raises(ProskillError, match="no timestamp in common"):
        score_uploads(scorer, make_take(apart, offsets={"exo1": 60.0}), folder=folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("stage", ["copying", "reading"])
def test_cancelling_ends_the_work_and_leaves_nothing(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path, stage: str
) -> None:
    class Cancelled(Exception):
        pass

    def progress(what: str, share: float) -> None:
        if what.startswith(stage):
            raise Cancelled

    views = {f"exo{k}": make_video(f"{k}.mp4", seed=k) for k in range(4)}
    with pytest.raises(Cancelled):
        score_uploads(scorer, views, folder=tmp_path / "copies", progress=progress)
    assert list((tmp_path / "copies").glob("*")) == []


def test_progress_only_grows(scorer: Scorer, make_video: MakeVideo, tmp_path: Path) -> None:
    shares: list[float] = []
    views = {"ego": make_video("a.mp4", seed=1), "exo1": make_video("b.mp4", seed=2)}
    score_uploads(scorer, views, folder=tmp_path, progress=lambda what, share: shares.append(share))
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_the_same_file_twice_and_too_many_files_are_told(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    video = make_video("a.mp4")
    result = score_uploads(scorer, {"ego": video, "exo1": video}, folder=tmp_path / "copies")
    assert "Views ego and exo1 are the same file; the second adds nothing." in (
        result.assessment.warnings
    )
    with pytest.raises(ProskillError, match="at most 8 are scored together"):
        score_uploads(scorer, {f"exo{k}": video for k in range(9)}, folder=tmp_path / "more")
    assert not (tmp_path / "more").exists()


@pytest.mark.slow
def test_uploads_in_a_row_and_at_once_leave_neither_memory_nor_files_open(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("hello\n")
    views = {"ego": make_video("a.mp4", seed=1), "exo1": text}

    def upload(_: int) -> None:
        for proxy in score_uploads(scorer, views, folder=tmp_path / "copies").proxies.values():
            proxy.path.unlink()

    def resident_and_open() -> tuple[int, int]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages, len(os.listdir("/proc/self/fd"))

    for number in range(4):
        upload(number)
    pages, num_open = resident_and_open()
    for number in range(10):
        upload(number)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upload, range(12)))
    pages_after, num_open_after = resident_and_open()
    assert pages_after < 1.2 * pages
    assert num_open_after == num_open
    assert list((tmp_path / "copies").iterdir()) == []
