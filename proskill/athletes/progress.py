"""Progress of an athlete over sessions: comparable ones, changes, trend.

Scores of different checkpoints have different scales, so only sessions of the newest one's
checkpoint are compared. Not here: the arithmetic (`trend.py`), storing sessions (`history.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from proskill.athletes.trend import (
    MIN_DAYS_OF_A_TREND,
    MIN_SESSIONS_OF_A_TREND,
    Change,
    Measurement,
    Trend,
    change_between,
    standard_error_of,
    trend_of,
)
from proskill.scoring.assessment import Assessment


@dataclass(frozen=True)
class ProgressPoint:
    """One session of a chart.

    Attributes:
        at: time of scoring.
        status: of its assessment, "ok" or "low_confidence".
        level: of its assessment.
        score: on the scale of levels.
        lower: of the interval, None without one.
        upper: of the interval, None without one.
        views: names of the used views.
        noise: source of the score's noise: "repeats" of performers, or the calibrated "interval";
            None where it is unknown.
    """

    at: datetime
    status: str
    level: str
    score: float
    lower: float | None
    upper: float | None
    views: tuple[str, ...]
    noise: Literal["repeats", "interval"] | None


@dataclass(frozen=True)
class Progress:
    """Comparison of an athlete's sessions.

    Attributes:
        levels: names, lowest skill first; empty without a comparable session.
        points: comparable sessions, oldest first.
        since_last: the newest against the one before; None with fewer than two.
        since_first: the newest against the oldest; None with fewer than three.
        trend: the line through them, None where there is none.
        num_other: sessions left out: of another checkpoint, or without a prediction.
        remarks: limits of the comparison, in sentences.
    """

    levels: tuple[str, ...]
    points: tuple[ProgressPoint, ...]
    since_last: Change | None
    since_first: Change | None
    trend: Trend | None
    num_other: int
    remarks: tuple[str, ...]


def progress_of(sessions: Iterable[tuple[datetime, Assessment]]) -> Progress:
    """Compare an athlete's sessions, given in any order."""
    ordered = sorted(sessions, key=lambda session: session[0])
    answered = [(at, each) for at, each in ordered if each.score is not None]
    newest = answered[-1][1].provenance.checkpoint_sha256 if answered else ""
    same = [(at, each) for at, each in answered if each.provenance.checkpoint_sha256 == newest]
    measured = [measurement_of(at, each) for at, each in same]
    trend = trend_of(measured)
    points = tuple(_point(at, each) for at, each in same)
    return Progress(
        levels=same[-1][1].levels if same else (),
        points=points,
        since_last=change_between(measured[-2], measured[-1]) if len(measured) > 1 else None,
        since_first=change_between(measured[0], measured[-1]) if len(measured) > 2 else None,
        trend=trend,
        num_other=len(ordered) - len(same),
        remarks=_remarks(
            points,
            has_trend=trend is not None,
            num_silent=len(ordered) - len(answered),
            num_foreign=len(answered) - len(same),
        ),
    )


def measurement_of(at: datetime, assessment: Assessment) -> Measurement:
    """Return the score of an assessment that has one, with the noise of the score."""
    assert assessment.score is not None
    if (known := assessment.repeatability) is not None:
        return Measurement(
            at.timestamp(), assessment.score, known.standard_error, known.num_repeats
        )
    interval, error = assessment.interval, None
    if interval is not None:
        error = standard_error_of(
            assessment.score,
            lower=interval.lower,
            upper=interval.upper,
            coverage=interval.coverage,
        )
    return Measurement(at.timestamp(), assessment.score, error)


def _point(at: datetime, assessment: Assessment) -> ProgressPoint:
    assert assessment.score is not None
    assert assessment.level is not None
    interval = assessment.interval
    noise: Literal["repeats", "interval"] | None = None if interval is None else "interval"
    return ProgressPoint(
        at=at,
        status=assessment.status,
        level=assessment.level,
        score=assessment.score,
        lower=None if interval is None else interval.lower,
        upper=None if interval is None else interval.upper,
        views=tuple(name for name, view in assessment.views.items() if view.status == "used"),
        noise=noise if assessment.repeatability is None else "repeats",
    )


def _remarks(
    points: tuple[ProgressPoint, ...], *, has_trend: bool, num_silent: int, num_foreign: int
) -> tuple[str, ...]:
    remarks = []
    if any(point.status != "ok" for point in points):
        remarks.append("Some of these answers are in doubt, so their noise may be larger.")
    if len({frozenset(point.views) for point in points}) > 1:
        remarks.append(
            "The sessions were filmed from different views; part of a change may come from that."
        )
    if num_foreign:
        remarks.append(
            f"{_counted(num_foreign)} left out: scored by another checkpoint, on another scale."
        )
    if num_silent:
        remarks.append(f"{_counted(num_silent)} left out: without an answer.")
    if len(points) > 1 and not has_trend and all(point.noise for point in points):
        remarks.append(
            f"A trend needs {MIN_SESSIONS_OF_A_TREND} sessions or more, the last at least "
            f"{MIN_DAYS_OF_A_TREND} days after the first."
        )
    if points and points[-1].noise is None:
        remarks.append("This checkpoint is not calibrated, so the noise of a score is not known.")
    elif any(point.noise == "interval" for point in points):
        remarks.append(
            "The noise is taken from the intervals, which also hold what the model always gets "
            "wrong about an athlete, so a small change stays unseen. `proskill calibrate` learns "
            "it from validation takes if performers have several."
        )
    return tuple(remarks)


def _counted(number: int) -> str:
    return "One session was" if number == 1 else f"{number} sessions were"
