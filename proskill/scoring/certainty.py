"""Uncertainty of a prediction in an assessment: score interval, prediction set, expected error.

Not here: the thresholds behind them (`proskill.calibration`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proskill.calibration.calibration import Calibration
from proskill.calibration.selective_prediction import expected_level_error


@dataclass(frozen=True)
class ScoreInterval:
    """Interval of the true score.

    Attributes:
        lower: lower end, on the score's axis.
        upper: upper end.
        coverage: calibrated share of performers whose true score the interval contains.

    Raises:
        ValueError: non-finite ends, ends in the wrong order, or a coverage outside (0, 1).
    """

    lower: float
    upper: float
    coverage: float

    def __post_init__(self) -> None:
        for value in (self.lower, self.upper):
            if not math.isfinite(value):
                raise ValueError(f"interval: {value} is not a finite number")
        if self.upper < self.lower:
            raise ValueError(f"interval [{self.lower}, {self.upper}]: ends are in the wrong order")
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage}: must be between 0 and 1")


@dataclass(frozen=True)
class PredictionSet:
    """Prediction set: neighbouring levels with a calibrated coverage of the true one.

    Attributes:
        levels: names, lowest skill first; the predicted level is one of them.
        coverage: calibrated share of performers whose true level the set contains.

    Raises:
        ValueError: no level, or a coverage outside (0, 1).
    """

    levels: tuple[str, ...]
    coverage: float

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("levels=(): a set has one level or more")
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage}: must be between 0 and 1")

    @property
    def in_words(self) -> str:
        """Return words such as "Novice", "Novice or Early Expert", "Novice to Late Expert"."""
        joint = " or " if len(self.levels) == 2 else " to "
        ends = (self.levels[0], self.levels[-1])
        return self.levels[0] if len(self.levels) == 1 else joint.join(ends)


@dataclass(frozen=True)
class Certainty:
    """Expected error of a prediction, beside the selection thresholds; all in levels.

    Attributes:
        expected_error: mean distance of truth and predicted level, by the model's probabilities.
        ok_limit: largest expected error with the status `ok`; None without thresholds.
        abstain_limit: above it the model abstains; None without thresholds.

    Raises:
        ValueError: a number that is negative or not finite.
    """

    expected_error: float
    ok_limit: float | None = None
    abstain_limit: float | None = None

    def __post_init__(self) -> None:
        for value in (self.expected_error, self.ok_limit, self.abstain_limit):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"certainty: {value} must be finite and 0 or more")


def prediction_set_of(
    calibration: Calibration | None, probabilities: Sequence[float], levels: Sequence[str]
) -> PredictionSet | None:
    """Return the prediction set for probabilities (K,), None without a threshold for it."""
    ends = None if calibration is None else calibration.prediction_set(probabilities)
    if calibration is None or ends is None:
        return None
    return PredictionSet(tuple(levels[ends[0] : ends[1] + 1]), calibration.coverage)


def certainty_of(calibration: Calibration | None, probabilities: Sequence[float]) -> Certainty:
    """Return the certainty of probabilities (K,)."""
    expected = float(expected_level_error(np.asarray(probabilities)))
    limits = None if calibration is None else calibration.selection_thresholds
    if limits is None:
        return Certainty(expected)
    return Certainty(expected, ok_limit=limits.ok, abstain_limit=limits.abstain)
