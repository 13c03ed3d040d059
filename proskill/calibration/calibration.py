"""Calibration of a trained model, fitted on validation takes and stored as `calibration.json`.

A temperature for the probabilities (Guo et al. 2017, arXiv 1706.04599); the half width of the
score interval and the threshold of the prediction set (`conformal.py`); thresholds for `ok` and
abstention (`selective_prediction.py`); out-of-distribution detectors on features and on pictures
(`out_of_distribution.py`); the scatter of scores from take to take (`repeatability.py`).

Not here: fitting it (`fitting.py`), choosing a status (`proskill.scoring.verdict`).

Shapes: K levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from proskill.calibration.conformal import prediction_sets
from proskill.calibration.out_of_distribution import OutOfDistributionDetector, decode_array
from proskill.calibration.repeatability import Repeatability
from proskill.calibration.selective_prediction import MIN_PARTICIPANTS, SelectionThresholds
from proskill.errors import CheckpointError
from proskill.input_spec import Precision
from proskill.plain_json import from_plain_json, plain_json
from proskill.view_names import VIEW_KINDS

SCHEMA = "proskill.calibration/2"

Floats = NDArray[np.floating[Any]]

_READABLE = ("proskill.calibration/1", SCHEMA)
_RENAMED = {  # schema 1 -> 2
    "familiarity": "feature_detectors",
    "pictures": "picture_detectors",
    "status_limits": "selection_thresholds",
}


@dataclass(frozen=True)
class Calibration:
    """Parameters that the scorer applies to a model's output.

    Attributes:
        num_levels: K.
        temperature: divisor of the logits.
        half_width: half of the score interval, in levels.
        coverage: share of new participants' takes whose true score the interval contains, and whose
            true level the prediction set contains.
        num_takes: validation takes behind these numbers.
        num_participants: validation participants behind them.
        feature_detectors: kind of view -> detector on features; kinds with too few training views
            are absent.
        picture_detectors: the same on `picture_statistics`; empty if pictures were not compared.
        set_threshold: a level is in the prediction set where the levels that join before it have at
            most this probability; None in files without prediction sets.
        selection_thresholds: for `ok` and abstention; None with fewer than `MIN_PARTICIPANTS`
            participants, and in files without them.
        repeatability: scatter of a performer's scores; None where few participants have several
            takes, and in files without it.
        precision: in which the backbone computed the features behind these numbers, and has to
            compute those that they are applied to; "fp32" in files without it.

    Raises:
        ValueError: a value out of range.
    """

    num_levels: int
    temperature: float
    half_width: float
    coverage: float
    num_takes: int
    num_participants: int
    feature_detectors: Mapping[str, OutOfDistributionDetector] = field(default_factory=dict)
    picture_detectors: Mapping[str, OutOfDistributionDetector] = field(default_factory=dict)
    set_threshold: float | None = None
    selection_thresholds: SelectionThresholds | None = None
    repeatability: Repeatability | None = None
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for name in ("num_levels", "num_takes", "num_participants"):
            if (count := getattr(self, name)) < 1:
                raise ValueError(f"{name}={count}: must be 1 or more")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature={self.temperature}: must be finite and above 0")
        if not (math.isfinite(self.half_width) and self.half_width >= 0):
            raise ValueError(f"half_width={self.half_width}: must be finite and 0 or more")
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage}: must be between 0 and 1")
        if self.set_threshold is not None and not 0 <= self.set_threshold <= 1:
            raise ValueError(f"set_threshold={self.set_threshold}: must be in [0, 1]")
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision={self.precision!r}: allowed are fp32, bf16")
        for name in ("feature_detectors", "picture_detectors"):
            parts = getattr(self, name)
            if unknown := set(parts) - set(VIEW_KINDS):
                raise ValueError(f"{name} of {unknown}: allowed kinds are {', '.join(VIEW_KINDS)}")
            object.__setattr__(self, name, MappingProxyType(dict(parts)))

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return calibrated probabilities of logits (..., K)."""
        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        return np.asarray(softmax(scaled, axis=-1))

    def interval(self, score: float) -> tuple[float, float]:
        """Return the ends of the interval around a score, within the scale."""
        top = float(self.num_levels - 1)
        return max(0.0, score - self.half_width), min(top, score + self.half_width)

    def prediction_set(self, probabilities: Sequence[float]) -> tuple[int, int] | None:
        """Return first and last level of the set for probabilities (K,); None without threshold."""
        if self.set_threshold is None:
            return None
        row = np.asarray(probabilities, dtype=np.float64)[None]
        first, last = prediction_sets(row, threshold=self.set_threshold)[0].tolist()
        return first, last

    def describe(self) -> tuple[str, ...]:
        """Return its basis and its gaps, one sentence each, for provenance."""
        sentences = [f"Fitted on {self.num_takes} takes of {self.num_participants} participants."]
        if self.set_threshold is None:
            sentences.append(
                "It has neither prediction sets nor thresholds for `ok` and abstention; "
                "`proskill calibrate` adds them."
            )
        elif self.selection_thresholds is None:
            sentences.append(
                "It has no thresholds for `ok` and abstention: they need "
                f"{MIN_PARTICIPANTS} participants."
            )
        return tuple(sentences)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `calibration.json`."""
        return {"schema": SCHEMA, **plain_json(self)}

    @classmethod
    def from_dict(cls, data: Any, *, where: str = "calibration.json") -> Calibration:
        """Read the content of `calibration.json`, of this schema or the one before.

        Args:
            data: parsed JSON.
            where: the file, for messages.

        Raises:
            CheckpointError: another schema, a missing or surplus key, or a value of the wrong type,
                shape or range.
        """
        if isinstance(data, Mapping):
            data = {_RENAMED.get(key, key): value for key, value in data.items()}
        try:
            return from_plain_json(cls, data, schemas=_READABLE, decode=decode_array)
        except ValueError as error:
            raise CheckpointError(f"{where}: {error}; fit the calibration again") from error
