"""What validation takes teach about a trained model: how sure, how wrong, and when not to ask.

A temperature for the probabilities (Guo et al. 2017, arXiv 1706.04599); the half width of the
score's interval and the threshold of the set of levels (`conformal.py`); the limits of certainty
(`status_limits.py`); the distance to what was learned from, in features and in pictures
(`familiarity.py`); how far scores scatter from take to take (`repeatability.py`). Written as
`calibration.json` of a checkpoint.

Pure numpy. Not here: learning it (`calibration_fitting.py`), choosing a status (`verdict.py`).

Shapes: K levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proskill.calibration.conformal import level_intervals
from proskill.calibration.json_values import finite_number, positive_number, require_keys
from proskill.calibration.out_of_distribution import Familiarity
from proskill.calibration.repeatability import Repeatability
from proskill.calibration.selective_prediction import MIN_PARTICIPANTS, StatusLimits
from proskill.errors import CheckpointError
from proskill.view_names import VIEW_KINDS

SCHEMA = "proskill.calibration/1"

Precision = Literal["fp32", "bf16"]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Calibration:
    """Applied to a model's output by the scorer.

    Attributes:
        num_levels: K.
        temperature: logits are divided by it.
        half_width: half of the score's interval, in levels.
        coverage: share of new participants' takes whose true score the interval holds, and whose
            true level the set holds.
        num_takes: validation takes behind these numbers.
        num_participants: validation participants behind them.
        familiarity: kind of view -> distance in features; kinds without enough training views are
            absent.
        pictures: likewise in picture statistics (`pictures.py`); empty if they were not compared.
        set_threshold: a level is in the set where the levels that join before it have at most this
            probability; None in files from before there were sets.
        status_limits: how sure an answer must be; None in such files, and where there were too few
            participants to choose.
        repeatability: how far a performer's scores scatter; None in files from before it was
            learned, and where hardly anybody has several takes.
        precision: in which the backbone computed the features behind these numbers, and has to
            compute those that they are applied to; "fp32" in files from before it was recorded.

    Raises:
        ValueError: a value out of range.
    """

    num_levels: int
    temperature: float
    half_width: float
    coverage: float
    num_takes: int
    num_participants: int
    familiarity: Mapping[str, Familiarity] = field(default_factory=dict)
    pictures: Mapping[str, Familiarity] = field(default_factory=dict)
    set_threshold: float | None = None
    status_limits: StatusLimits | None = None
    repeatability: Repeatability | None = None
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature={self.temperature}: must be finite and above 0")
        if not (math.isfinite(self.half_width) and self.half_width >= 0):
            raise ValueError(f"half_width={self.half_width}: must be finite and 0 or more")
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage}: must be between 0 and 1")
        if self.set_threshold is not None and not 0 <= self.set_threshold <= 1:
            raise ValueError(f"set_threshold={self.set_threshold}: must be in [0, 1]")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision={self.precision!r}: allowed are fp32, bf16")
        for name in ("familiarity", "pictures"):
            parts = getattr(self, name)
            if unknown := set(parts) - set(VIEW_KINDS):
                raise ValueError(f"{name} of {unknown}: allowed kinds are {', '.join(VIEW_KINDS)}")
            object.__setattr__(self, name, MappingProxyType(dict(parts)))

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Calibrated probabilities of logits (..., K)."""
        return softmax(np.asarray(logits, dtype=np.float64) / self.temperature)

    def interval(self, score: float) -> tuple[float, float]:
        """Ends of the interval around a score, within the scale."""
        top = float(self.num_levels - 1)
        return max(0.0, score - self.half_width), min(top, score + self.half_width)

    def level_interval(self, probabilities: Sequence[float]) -> tuple[int, int] | None:
        """First and last level of the set for calibrated probabilities (K,); None if unknown."""
        if self.set_threshold is None:
            return None
        row = np.asarray(probabilities, dtype=np.float64)[None]
        first, last = level_intervals(row, threshold=self.set_threshold)[0].tolist()
        return first, last

    def describe(self) -> tuple[str, ...]:
        """What it rests on and what it lacks, one sentence each, for provenance."""
        sentences = [f"Fitted on {self.num_takes} takes of {self.num_participants} participants."]
        if self.set_threshold is None:
            sentences.append(
                "It holds neither sets of levels nor limits of certainty; `proskill calibrate` "
                "adds them."
            )
        elif self.status_limits is None:
            sentences.append(
                f"It holds no limits of certainty: they need {MIN_PARTICIPANTS} participants."
            )
        return tuple(sentences)

    def to_dict(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        return {
            "schema": SCHEMA,
            "num_levels": self.num_levels,
            "temperature": self.temperature,
            "half_width": self.half_width,
            "coverage": self.coverage,
            "num_takes": self.num_takes,
            "num_participants": self.num_participants,
            "familiarity": {kind: part.to_dict() for kind, part in self.familiarity.items()},
            "pictures": {kind: part.to_dict() for kind, part in self.pictures.items()},
            "set_threshold": self.set_threshold,
            "status_limits": None if self.status_limits is None else self.status_limits.to_dict(),
            "repeatability": None if self.repeatability is None else asdict(self.repeatability),
            "precision": self.precision,
        }

    @classmethod
    def from_dict(cls, data: Any, *, where: str = "calibration.json") -> Calibration:
        """Read what `to_dict` wrote, trusting nothing.

        Args:
            data: parsed JSON.
            where: the file, for messages.

        Raises:
            CheckpointError: another schema, a missing or surplus key, or a value of the wrong type,
                shape or range.
        """
        names = (
            "schema", "num_levels", "temperature", "half_width", "coverage", "num_takes",
            "num_participants", "familiarity", "pictures",
        )  # fmt: skip
        optional = ("set_threshold", "status_limits", "repeatability", "precision")
        require_keys(data, names, optional=optional, where=where)
        if data["schema"] != SCHEMA:
            raise CheckpointError(
                f"{where}: schema {data['schema']!r}; this version reads {SCHEMA!r}, so fit the "
                "calibration again"
            )
        threshold, limits = data.get("set_threshold"), data.get("status_limits")
        try:
            return cls(
                num_levels=_count(data["num_levels"], where=f"{where}: num_levels"),
                temperature=positive_number(data["temperature"], where=f"{where}: temperature"),
                half_width=finite_number(data["half_width"], where=f"{where}: half_width"),
                coverage=finite_number(data["coverage"], where=f"{where}: coverage"),
                num_takes=_count(data["num_takes"], where=f"{where}: num_takes"),
                num_participants=_count(
                    data["num_participants"], where=f"{where}: num_participants"
                ),
                familiarity=_parts(data["familiarity"], where=f"{where}: familiarity"),
                pictures=_parts(data["pictures"], where=f"{where}: pictures"),
                set_threshold=None
                if threshold is None
                else finite_number(threshold, where=f"{where}: set_threshold"),
                status_limits=None
                if limits is None
                else StatusLimits.from_dict(limits, where=f"{where}: status_limits"),
                repeatability=_repeatability(
                    data.get("repeatability"), where=f"{where}: repeatability"
                ),
                precision=data.get("precision", "fp32"),
            )
        except ValueError as error:
            raise CheckpointError(f"{where}: {error}") from error


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities (..., K) of logits (..., K)."""
    values = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def _parts(data: Any, *, where: str) -> dict[str, Familiarity]:
    require_keys(data, tuple(data) if isinstance(data, Mapping) else (), where=where)
    return {
        kind: Familiarity.from_dict(part, where=f"{where}.{kind}") for kind, part in data.items()
    }


def _repeatability(data: Any, *, where: str) -> Repeatability | None:
    if data is None:
        return None
    require_keys(data, ("standard_error", "num_repeats"), where=where)
    return Repeatability(
        standard_error=finite_number(data["standard_error"], where=f"{where}.standard_error"),
        num_repeats=_count(data["num_repeats"], where=f"{where}.num_repeats"),
    )


def _count(value: Any, *, where: str) -> int:
    number = positive_number(value, where=where)
    if number != int(number):
        raise CheckpointError(f"{where}: {number} must be a whole number")
    return int(number)
