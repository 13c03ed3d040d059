from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proskill.athletes.progress import progress_of
from proskill.calibration.repeatability import Repeatability
from proskill.scoring import Assessment, ScoreInterval, Scorer

Make = Callable[..., Path]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def answer(make_video: Make, make_checkpoint: Make) -> Assessment:
    found = Scorer.from_checkpoint(make_checkpoint()).score({"exo1": make_video()})
    known = Repeatability(0.3, 1000)
    return replace(found, status="ok", reasons=(), prediction_set=None, repeatability=known)


def _session(answer: Assessment, score: float, days: float) -> tuple[datetime, Assessment]:
    interval = ScoreInterval(max(0.0, score - 0.4), min(3.0, score + 0.4), 0.8)
    return NOW + timedelta(days=days), replace(answer, score=score, interval=interval)


def test_sessions_are_compared_in_the_order_of_time(answer: Assessment) -> None:
    sessions = [_session(answer, score, days) for score, days in ((2.9, 30), (0.5, 0), (0.9, 9))]
    found = progress_of(sessions)
    assert [point.score for point in found.points] == [0.5, 0.9, 2.9]
    assert found.since_last is not None
    assert found.since_first is not None
    assert found.since_last.difference == pytest.approx(2.0)
    assert found.since_first.difference == pytest.approx(2.4)
    # Student's 97.5 % point * sqrt(2) * 0.3.
    assert found.since_last.detectable == pytest.approx(0.8325, abs=0.0005)
    assert found.since_last.is_more_than_noise
    assert found.trend is not None
    assert found.trend.per_30_days == pytest.approx(2.5, abs=0.1)
    assert found.remarks == ()


def test_a_small_step_is_no_change(answer: Assessment) -> None:
    found = progress_of([_session(answer, 1.0, 0), _session(answer, 1.4, 10)])
    assert found.since_last is not None
    assert found.since_last.is_more_than_noise is False
    assert found.since_first is None
    assert found.trend is None
    assert "A trend needs 3 sessions or more, the last at least 7 days after" in found.remarks[0]


def test_without_repeats_the_interval_stands_in_and_this_is_said(answer: Assessment) -> None:
    answer = replace(answer, repeatability=None)
    found = progress_of([_session(answer, 1.0, 0), _session(answer, 2.0, 10)])
    assert found.since_last is not None
    # 1.96 * sqrt(2) * 0.4 / 1.2816, the ends that the scale cuts off left aside.
    assert found.since_last.detectable == pytest.approx(0.865, abs=0.001)
    assert "taken from the intervals" in " ".join(found.remarks)


def test_sessions_of_another_checkpoint_and_without_an_answer_are_left_out(
    answer: Assessment, make_video: Make, make_checkpoint: Make
) -> None:
    other = replace(answer, provenance=replace(answer.provenance, checkpoint_sha256="other"))
    silent = Scorer.from_checkpoint(make_checkpoint("b")).score(make_video(picture="black"))
    found = progress_of([(NOW, other), (NOW, silent), _session(answer, 1.0, 3)])
    assert (len(found.points), found.num_other) == (1, 2)
    assert found.since_last is None
    assert found.remarks == (
        "One session was left out: scored by another checkpoint, on another scale.",
        "One session was left out: without an answer.",
    )
    assert progress_of([(NOW, silent)]).levels == ()


def test_doubt_other_views_and_a_missing_calibration_are_said(answer: Assessment) -> None:
    view = answer.views["exo1"]
    doubted = replace(
        answer,
        status="low_confidence",
        reasons=("why",),
        interval=None,
        repeatability=None,
        views={"exo2": view},
    )
    found = progress_of([_session(answer, 1.0, 0), (NOW + timedelta(1), doubted)])
    assert found.since_last is not None
    assert found.since_last.is_more_than_noise is None
    said = " ".join(found.remarks)
    for words in ("in doubt", "different views", "not calibrated"):
        assert words in said


def test_no_session_is_no_progress() -> None:
    found = progress_of([])
    assert (found.points, found.since_last, found.trend, found.remarks) == ((), None, None, ())
