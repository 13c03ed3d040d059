"""Change of an athlete's score against its noise, and its trend over sessions.

The noise of a score is its standard error of measurement (SEM). Two scores of an athlete who did
not change differ by less than t * sqrt(SEM_1^2 + SEM_2^2) in 95 of 100 cases, with t the 97.5 %
point of Student's distribution at the degrees of freedom that the SEM was learned with: the minimal
detectable change, 1.96 * sqrt(2) * SEM for equal ones that are well known (Weir 2005, "Quantifying
test-retest reliability using the intraclass correlation coefficient and the SEM"; the reliable
change index of Jacobson and Truax 1991 is the same comparison).

A calibration contains the SEM where performers of its validation takes have several
(`repeatability.py`). Elsewhere it is taken from the interval: that contains the truth with
probability c at half width h, as does a normal error of standard deviation h / z((1 + c) / 2). A
constant error of the model about an athlete cancels in a difference but is part of the interval, so
that limit is conservative.

Pure arithmetic: no file, no clock, no assessment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95

_DAY_SECONDS = 86400.0
MIN_SESSIONS_OF_A_TREND = 3
MIN_DAYS_OF_A_TREND = 7  # a slope over hours says nothing about months


@dataclass(frozen=True)
class Measurement:
    """Score of one session.

    Attributes:
        at_seconds: time, in seconds on any clock.
        score: on the scale of levels.
        standard_error: of measurement; None where unknown.
        degrees_of_freedom: of the standard error.
    """

    at_seconds: float
    score: float
    standard_error: float | None
    degrees_of_freedom: float = math.inf


@dataclass(frozen=True)
class Change:
    """Difference of two scores, beside the minimal detectable change.

    Attributes:
        difference: later score less earlier one.
        detectable: the smallest difference that is more than noise, with 95 % confidence; None
            where the noise of a score is not known.
    """

    difference: float
    detectable: float | None

    @property
    def is_more_than_noise(self) -> bool | None:
        """Compare difference and noise; None where the noise is unknown."""
        return None if self.detectable is None else abs(self.difference) > self.detectable


@dataclass(frozen=True)
class Trend:
    """A straight line through the sessions.

    Attributes:
        per_30_days: change of the score in 30 days.
        lower: end of its 95 % interval.
        upper: the other end.
    """

    per_30_days: float
    lower: float
    upper: float


def standard_error_of(score: float, *, lower: float, upper: float, coverage: float) -> float:
    """Return the standard error of measurement behind an interval, in the score's unit.

    Args:
        score: the score; an end that the scale cuts off leaves the other one to go by.
        lower: of the interval.
        upper: of the interval.
        coverage: of the interval, in (0, 1).
    """
    half_width = max(upper - score, score - lower)
    return half_width / NormalDist().inv_cdf((1 + coverage) / 2)


def change_between(earlier: Measurement, later: Measurement) -> Change:
    """Return the change between two sessions."""
    errors = (earlier.standard_error, later.standard_error)
    known = [error for error in errors if error is not None]
    detectable = _quantile((earlier, later)) * math.hypot(*known) if len(known) == 2 else None
    return Change(later.score - earlier.score, detectable)


def trend_of(sessions: Sequence[Measurement]) -> Trend | None:
    """Fit the weighted least-squares line; its interval is from the sessions' standard errors.

    Args:
        sessions: in any order.

    Returns:
        None with fewer than three sessions, all within a week, or one of unknown noise.
    """
    errors = [session.standard_error for session in sessions]
    known = [error for error in errors if error]
    if len(sessions) < MIN_SESSIONS_OF_A_TREND or len(known) < len(sessions):
        return None
    weights = 1 / np.square(known)
    days = np.array([session.at_seconds for session in sessions]) / _DAY_SECONDS
    if np.ptp(days) < MIN_DAYS_OF_A_TREND:
        return None
    months = days / 30
    scores = np.array([session.score for session in sessions])
    apart = months - np.average(months, weights=weights)
    information = float(weights @ apart**2)
    slope = float(weights @ (apart * scores)) / information
    half = _quantile(sessions) / math.sqrt(information)
    return Trend(slope, slope - half, slope + half)


def _quantile(sessions: Sequence[Measurement]) -> float:
    """Return the quantile of Student's distribution with the fewest degrees of freedom."""
    least = min(session.degrees_of_freedom for session in sessions)
    return float(stdtrit(least, (1 + CONFIDENCE) / 2))
