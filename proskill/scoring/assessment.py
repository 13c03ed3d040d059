"""The result of scoring a performance: plain frozen values, the same behind API, CLI and report.

Its JSON names its schema, which changes when a key changes its meaning or goes away. Not here: how
the values come about (`scorer.py`), how they are drawn (`report.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from proskill.calibration.repeatability import Repeatability
from proskill.input_spec import Precision
from proskill.levels import median_level
from proskill.plain_json import from_plain_json, plain_json
from proskill.scoring.certainty import Certainty, PredictionSet, ScoreInterval

SCHEMA = "proskill.assessment/2"
_READABLE = ("proskill.assessment/1", SCHEMA)
_RENAMED = {"level_set": "prediction_set"}  # schema 1 -> 2

Status = Literal["ok", "low_confidence", "abstained"]
ViewStatus = Literal["used", "left_out", "unreadable"]
ReadFrom = Literal["files", "copies"]

_PROBABILITY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class ViewResult:
    """File of one camera, and the prediction from that view alone.

    Attributes:
        status: "used"; "left_out" (readable, but nothing to judge in it); "unreadable".
        kind: "ego" (worn by the performer) or "exo" (watching them).
        file: the file's name without its folder.
        reasons: for leaving the view out, or for doubt.
        duration_seconds: length, None where unknown.
        size_px: (width, height) upright.
        frame_rate_hz: mean rate by presentation time.
        decoded_ratio: share of the announced frames that decode, in [0, 1].
        warnings: of the reader.
        level: median level from this view alone.
        score: score from this view alone.
        distance: to the training data over its limit; above 1 is out of distribution.

    Raises:
        ValueError: an unknown status or kind, or a number that is not finite.
    """

    status: ViewStatus
    kind: str
    file: str
    reasons: tuple[str, ...] = ()
    duration_seconds: float | None = None
    size_px: tuple[int, int] | None = None
    frame_rate_hz: float | None = None
    decoded_ratio: float | None = None
    warnings: tuple[str, ...] = ()
    level: str | None = None
    score: float | None = None
    distance: float | None = None

    def __post_init__(self) -> None:
        _check_choice("status", self.status, get_args(ViewStatus))
        _check_choice("kind", self.kind, ("ego", "exo"))
        numbers = (
            self.duration_seconds, self.frame_rate_hz, self.decoded_ratio, self.score, self.distance
        )  # fmt: skip
        _check_finite(f"view of {self.file!r}", *(x for x in numbers if x is not None))


@dataclass(frozen=True)
class TimelineWindow:
    """Score of one segment of the performance.

    Attributes:
        start_seconds: on the common clock of the views.
        end_seconds: exclusive.
        score: from all used views.
        view_scores: view name -> score from that view alone.
    """

    start_seconds: float
    end_seconds: float
    score: float
    view_scores: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_finite(
            "timeline", self.start_seconds, self.end_seconds, self.score, *self.view_scores.values()
        )
        if self.end_seconds <= self.start_seconds:
            raise ValueError(
                f"timeline window [{self.start_seconds}, {self.end_seconds}): must end after it "
                "starts"
            )
        object.__setattr__(self, "view_scores", MappingProxyType(dict(self.view_scores)))


# Of `Provenance`; all else in an assessment is the same however often the files are scored.
TIMING_FIELDS = ("seconds", "scored_at")


@dataclass(frozen=True)
class Provenance:
    """Origin of a result: everything needed to reproduce it.

    Attributes:
        versions: package name -> version; includes proskill, torch and python.
        checkpoint: name of the checkpoint directory.
        checkpoint_sha256: of its weights.
        checkpoint_data: training data of the model.
        checkpoint_licence: licence of the weights.
        inputs: view name -> sha256 of the file, for every file that could be opened.
        instants_seconds: sampled instants on the common clock, one tuple per window.
        offsets_seconds: view name -> seconds added to the common clock to give the file's.
        device: of the model.
        precision: of the backbone, "fp32" or "bf16"; as the calibration's.
        seconds: wall-clock time of the scoring.
        calibration: its basis and its gaps, in sentences; empty without one.
        read_from: "files", or "copies" that were made of them first, as of every upload; copying
            shifts a score a little.
        scored_at: time as ISO 8601 text with its zone; empty where unknown.
    """

    versions: Mapping[str, str]
    checkpoint: str
    checkpoint_sha256: str
    checkpoint_data: str
    checkpoint_licence: str
    inputs: Mapping[str, str]
    instants_seconds: tuple[tuple[float, ...], ...]
    offsets_seconds: Mapping[str, float]
    device: str
    seconds: float
    calibration: tuple[str, ...] = ()
    read_from: ReadFrom = "files"
    scored_at: str = ""
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        if self.scored_at:
            datetime.fromisoformat(self.scored_at)
        _check_choice("read_from", self.read_from, get_args(ReadFrom))
        _check_choice("precision", self.precision, get_args(Precision))
        for name in ("versions", "inputs", "offsets_seconds"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True)
class Assessment:
    """Predicted level of a performance, its uncertainty and its timeline.

    Attributes:
        status: "ok"; "low_confidence" (a doubtful prediction, see `reasons`); "abstained" (no
            prediction, see `reasons`).
        levels: the model's level names, lowest skill first.
        reasons: why the status is not "ok"; sentences for people.
        level: the median of the probabilities, see `proskill.levels.median_level`; None when
            abstained.
        probabilities: level -> calibrated probability, in the order of `levels`; empty when
            abstained.
        score: expected level index in [0, len(levels) - 1]; None when abstained.
        interval: of the true score; None when abstained or not calibrated.
        prediction_set: levels with a calibrated coverage of the true one; None when abstained or
            not calibrated.
        repeatability: scatter of a performer's scores from take to take; None when abstained
            or not known.
        certainty: expected error beside the selection thresholds; None where no view could be
            judged.
        skills: skill name -> score, for models of several skills; empty when abstained.
        skill_probabilities: the same names -> level -> probability, not calibrated.
        views: view name -> result, in the order given.
        timeline: windows in time order.
        warnings: problems that do not change the status.
        provenance: origin of the result.

    Raises:
        ValueError: fields that contradict each other, such as an abstained assessment with a level.
    """

    status: Status
    levels: tuple[str, ...]
    views: Mapping[str, ViewResult]
    provenance: Provenance
    reasons: tuple[str, ...] = ()
    level: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    interval: ScoreInterval | None = None
    prediction_set: PredictionSet | None = None
    repeatability: Repeatability | None = None
    certainty: Certainty | None = None
    skills: Mapping[str, float] = field(default_factory=dict)
    skill_probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    timeline: tuple[TimelineWindow, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_choice("status", self.status, get_args(Status))
        if not self.views:
            raise ValueError("views={}: an assessment has one view or more")
        if self.status != "ok" and not self.reasons:
            raise ValueError(f"status={self.status!r} needs at least one reason")
        if self.status == "abstained":
            self._check_silence()
        else:
            self._check_answer()
        for name in ("views", "probabilities", "skills", "skill_probabilities"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def _check_silence(self) -> None:
        if self.level is not None or self.score is not None or self.probabilities:
            raise ValueError(
                "an abstained assessment has no level, no score and no probabilities; got "
                f"level={self.level!r}, score={self.score}"
            )
        if self.prediction_set is not None:
            raise ValueError("an abstained assessment has no prediction_set")
        if self.skills or self.skill_probabilities:
            raise ValueError("an abstained assessment has no skills")

    def _check_answer(self) -> None:
        if self.level not in self.levels or self.score is None:
            raise ValueError(
                f"level={self.level!r}, score={self.score}: an assessment that is not abstained "
                f"needs a score and one of the levels {', '.join(self.levels)}"
            )
        for each in (self.probabilities, *self.skill_probabilities.values()):
            self._check_probabilities(each)
        if self.skill_probabilities and self.skill_probabilities.keys() != self.skills.keys():
            raise ValueError("skill_probabilities and skills name different skills")
        if not 0 <= self.score <= len(self.levels) - 1:
            raise ValueError(f"score={self.score}: must be in [0, {len(self.levels) - 1}]")
        if self.prediction_set is not None:
            chosen = self.prediction_set.levels
            first = self.levels.index(chosen[0]) if chosen[0] in self.levels else 0
            if chosen != self.levels[first : first + len(chosen)] or self.level not in chosen:
                raise ValueError(
                    f"prediction_set of {', '.join(chosen)}: must be neighbouring levels with "
                    f"{self.level} among them"
                )

    def _check_probabilities(self, probabilities: Mapping[str, float]) -> None:
        if tuple(probabilities) != self.levels:
            raise ValueError(
                f"probabilities of {', '.join(probabilities) or 'nothing'}: expected exactly "
                f"{', '.join(self.levels)}"
            )
        total = math.fsum(probabilities.values())
        if not math.isfinite(total) or abs(total - 1) > _PROBABILITY_TOLERANCE:
            raise ValueError(f"probabilities sum to {total}: must be 1")

    @property
    def skill_levels(self) -> dict[str, str]:
        """Return the median level of each skill."""
        return {
            name: self.levels[int(median_level(np.array(list(each.values()))))]
            for name, each in self.skill_probabilities.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values for JSON, with `schema`; keys in a fixed order."""
        return {"schema": SCHEMA, **plain_json(self)}

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return strict JSON text: no NaN, no infinity."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Assessment:
        """Read what `to_dict` wrote, in this schema or the one before.

        Raises:
            ValueError: another schema, a missing or surplus key, a value of the wrong type, or
                fields that contradict.
        """
        values = {_RENAMED.get(key, key): value for key, value in data.items()}
        try:
            return from_plain_json(cls, values, schemas=_READABLE)
        except ValueError as error:
            raise ValueError(f"not an assessment: {error}") from error


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: allowed are {', '.join(allowed)}")


def _check_finite(what: str, *values: float) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{what}: {value} is not a finite number")
