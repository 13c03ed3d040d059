"""Scorer: a take, or video files of one, to an Assessment.

`encode` reads the files, `assess` interprets their features; `score` does both. The feature of a
view is the mean over its windows; fusion and head predict from all views, from each view alone and
from each window alone.

Not here: reading (`proskill.features`), fusion and head (`feature_scorer.py`), the status
(`verdict.py`), explanations (`explain/`), pages (`proskill.reports`).

Shapes: W windows, T frames, V views, D embedding, K levels.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.calibration.picture_statistics import picture_statistics, picture_timestamps
from proskill.calibration.repeatability import Repeatability
from proskill.data.take import Take, View
from proskill.errors import VideoError
from proskill.features.encoding import EncodedTake, encode_frames, encode_take
from proskill.features.judgeable import frame_seconds
from proskill.features.reading import EncodedView, FramesAt, Progress, ReadOptions, read_again
from proskill.input_spec import Precision, ReaderName
from proskill.levels import median_level
from proskill.models import LoadedCheckpoint, load_checkpoint
from proskill.scoring.assessment import (
    Assessment,
    Provenance,
    TimelineWindow,
    ViewResult,
)
from proskill.scoring.certainty import PredictionSet, ScoreInterval, certainty_of, prediction_set_of
from proskill.scoring.checkpoints import calibration_of, device_named, package_versions
from proskill.scoring.explanation import Explanation
from proskill.scoring.feature_scorer import FeatureScorer, expected_levels
from proskill.scoring.takes import TakeOrFiles, as_take, make_take
from proskill.scoring.verdict import decide, view_warnings
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits

if TYPE_CHECKING:
    from proskill.video.sanitize import Proxy


@dataclass(frozen=True)
class ScoredTake:
    """The assessment of a take, beside its parts.

    Attributes:
        assessment: of the take.
        explanation: of the assessment; None where it was not asked for or there is no answer.
        encoded: features of the take, for an explanation.
        proxies: view name -> copy that was read, where files were copied first.
    """

    assessment: Assessment
    explanation: Explanation | None = None
    encoded: EncodedTake | None = None
    proxies: Mapping[str, Proxy] = field(default_factory=dict)


class Scorer:
    """Scores performances with one checkpoint.

    Args:
        checkpoint: as `load_checkpoint` returns it.
        name: of the checkpoint, for provenance.
        device: where the model runs, e.g. "cpu" or "cuda".
        limits: larger videos are refused.
        reader: decoder, see `proskill.video.open_reader`.

    Raises:
        CheckpointError: a calibration that does not fit the model.
        ConfigError: a device that does not exist here.
    """

    def __init__(
        self,
        checkpoint: LoadedCheckpoint,
        *,
        name: str,
        device: str = "cpu",
        limits: VideoLimits = DEFAULT_LIMITS,
        reader: ReaderName = "pyav",
    ) -> None:
        self.name = name
        self.config = checkpoint.config
        self.sha256 = checkpoint.sha256
        self.calibration = calibration_of(checkpoint, name=name)
        self._device = device_named(device)
        self.precision: Precision = (
            "fp32" if self.calibration is None else self.calibration.precision
        )
        self._model = checkpoint.model.to(self._device).eval()
        self._reading = ReadOptions(
            is_judged=True, limits=limits, reader=reader, measure=self._measure
        )
        self.features = FeatureScorer(self._model, self.calibration, device=self._device)

    @classmethod
    def from_checkpoint(
        cls,
        directory: str | Path,
        *,
        device: str = "cpu",
        limits: VideoLimits = DEFAULT_LIMITS,
        reader: ReaderName = "pyav",
    ) -> Scorer:
        """Load a checkpoint directory.

        Raises:
            CheckpointError: anything about it missing, surplus, misshapen or unsafe.
            ConfigError: a device that does not exist here.
        """
        path = Path(directory)
        name = path.name or path.resolve().name
        return cls(load_checkpoint(path), name=name, device=device, limits=limits, reader=reader)

    def score(
        self,
        take: TakeOrFiles,
        *,
        kinds: Mapping[str, str] | None = None,
        offsets: Mapping[str, float] | None = None,
        span_seconds: tuple[float, float | None] = (0.0, None),
        progress: Progress | None = None,
    ) -> Assessment:
        """Score one performance.

        Args:
            take: a take; or view name -> video file of the same performance; or a single file.
            kinds: of files, as for `make_take`.
            offsets: likewise.
            span_seconds: likewise.
            progress: called with the current step and the share that is done.

        Raises:
            ProskillError: no view, more than eight, views without a common timestamp, or no view
                that can be read; for a single view this is its VideoError.
            VideoError: a file that is missing or is a directory.
        """
        if not isinstance(take, Take):
            take = make_take(take, kinds=kinds, offsets=offsets, span_seconds=span_seconds)
        elif kinds or offsets or span_seconds != (0.0, None):
            raise ValueError("kinds, offsets, span_seconds: belong to files; a Take has its own")
        encoded = self.encode(take, progress=progress)
        if progress is not None:
            progress("deciding", 0.97)
        return self.assess(encoded)

    def encode(
        self,
        take: TakeOrFiles,
        *,
        copies: Mapping[str, Proxy | VideoError] | None = None,
        progress: Progress | None = None,
    ) -> EncodedTake:
        """Read one performance, for `assess` and `explain_take`.

        Args:
            take: as for `score`.
            copies: view name -> the copy that is read in the file's place, or why there is none.
            progress: as for `score`.

        Raises:
            ProskillError, VideoError: as `score`.
        """
        return encode_take(
            as_take(take, are_files_read=copies is None),
            self._model.backbone,
            self.config.input,
            precision=self.precision,
            options=self._reading,
            copies=copies,
            progress=progress,
        )

    def read_again(self, view: EncodedView, timestamps: NDArray[np.float64]) -> torch.Tensor:
        """Read other frames of an encoded view; see `proskill.features.reading.read_again`."""
        return read_again(view, timestamps, self.config.input, options=self._reading)

    def encode_frames(self, clips: torch.Tensor) -> torch.Tensor:
        """Encode single frames in their windows, uint8 (W, T, C, H, W) to (W, T, D)."""
        spec, backbone = self.config.input, self._model.backbone
        return encode_frames(backbone, clips, spec, precision=self.precision)

    def _measure(
        self, view: View, span: tuple[float, float], frames_at: FramesAt
    ) -> NDArray[np.float64] | None:
        """Measure pictures of views that the calibration compares."""
        if self.calibration is None or view.kind not in self.calibration.picture_detectors:
            return None
        return picture_statistics(frames_at(picture_timestamps(*span)))

    def assess(self, encoded: EncodedTake) -> Assessment:
        """Assess an encoded performance: prediction, and status ok, low confidence or abstained."""
        begin = time.perf_counter()
        seen, used, timestamps = encoded.views, encoded.used, encoded.timestamps
        answer = self._answer(used) if used else None
        verdict = decide(
            {name: view.reasons for name, view in seen.items() if view.error is None},
            used={name: view.view.kind for name, view in used.items()},
            view_scores={} if answer is None else answer.view_scores,
            probabilities=() if answer is None else tuple(answer.probabilities.tolist()),
            distances={name: self._distance(view) for name, view in used.items()},
            calibration=self.calibration,
        )
        certainty = None
        if answer is not None:
            certainty = certainty_of(self.calibration, answer.probabilities.tolist())
        if verdict.status == "abstained":
            answer = None  # an input that cannot be judged has no level
        interval = frame_seconds(self.config.input, timestamps) if len(timestamps) else 0.0
        skills = {} if answer is None else answer.skills
        views = {name: self._view_result(name, view, answer) for name, view in seen.items()}
        timeline = () if answer is None else self._timeline(used, timestamps)
        return Assessment(
            status=verdict.status,
            levels=self.config.levels,
            views=views,
            provenance=self._provenance(encoded, encoded.seconds + time.perf_counter() - begin),
            reasons=verdict.reasons,
            level=None if answer is None else self._level(answer.probabilities),
            probabilities={} if answer is None else self._named(answer.probabilities),
            score=None if answer is None else answer.score,
            interval=None if answer is None else self._interval(answer.score),
            prediction_set=None if answer is None else self._prediction_set(answer),
            repeatability=None if answer is None else self._repeatability(),
            certainty=certainty,
            skills={name: float(expected_levels(row)) for name, row in skills.items()},
            skill_probabilities={name: self._named(row) for name, row in skills.items()},
            timeline=timeline,
            warnings=view_warnings(seen, timestamps, interval_seconds=interval),
        )

    def _level(self, probabilities: NDArray[np.float64]) -> str:
        return self.config.levels[int(median_level(probabilities))]

    def _named(self, probabilities: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.config.levels, probabilities.tolist(), strict=True))

    def _interval(self, score: float) -> ScoreInterval | None:
        if self.calibration is None:
            return None
        return ScoreInterval(*self.calibration.interval(score), self.calibration.coverage)

    def _repeatability(self) -> Repeatability | None:
        return None if self.calibration is None else self.calibration.repeatability

    def _prediction_set(self, answer: _Answer) -> PredictionSet | None:
        return prediction_set_of(
            self.calibration, answer.probabilities.tolist(), self.config.levels
        )

    def _answer(self, used: Mapping[str, EncodedView]) -> _Answer:
        """All views, and each view alone, on features averaged over windows."""
        features = torch.stack([view.mean_feature for view in used.values()])[None]  # (1, V, D)
        kinds = [view.kind_number for view in used.values()]
        fused = self.features.probabilities(features, kinds)[0]  # (K,)
        alone = {
            name: self.features.probabilities(features[:, v : v + 1], kinds[v : v + 1])[0]
            for v, name in enumerate(used)
        }
        skills: dict[str, NDArray[np.float64]] = {}
        if self.config.skills:
            rows = self.features.skill_probabilities(features, kinds)[0]  # (S, K)
            skills = dict(zip(self.config.skills, rows, strict=True))
        return _Answer(
            probabilities=fused,
            score=float(expected_levels(fused)),
            view_probabilities=alone,
            view_scores={name: float(expected_levels(each)) for name, each in alone.items()},
            skills=skills,
        )

    def _timeline(
        self, used: Mapping[str, EncodedView], timestamps: NDArray[np.float64]
    ) -> tuple[TimelineWindow, ...]:
        features = torch.stack([view.window_features for view in used.values()], dim=1)  # (W, V, D)
        kinds = [view.kind_number for view in used.values()]
        together = self.features.scores(features, kinds)  # (W,)
        alone = {
            name: self.features.scores(features[:, v : v + 1], kinds[v : v + 1])
            for v, name in enumerate(used)
        }
        interval = frame_seconds(self.config.input, timestamps)
        return tuple(
            TimelineWindow(
                start_seconds=float(row[0]),
                end_seconds=float(row[-1] + interval),
                score=float(together[w]),
                view_scores={name: float(values[w]) for name, values in alone.items()},
            )
            for w, row in enumerate(timestamps)
        )

    def _distance(self, view: EncodedView) -> float | None:
        """The larger distance to the training data over its limit, in features or in pictures.

        None where nothing is known about this kind of view.
        """
        if self.calibration is None:
            return None
        distances = []
        if known := self.calibration.feature_detectors.get(view.view.kind):
            feature = view.mean_feature.double().cpu().numpy()
            distances.append(float(known.relative_distance(feature)))
        known = self.calibration.picture_detectors.get(view.view.kind)
        if known is not None and view.pictures is not None:
            distances.append(float(known.relative_distance(view.pictures)))
        return max(distances, default=None)

    def _view_result(self, name: str, view: EncodedView, answer: _Answer | None) -> ViewResult:
        info = view.info
        is_used = view.features is not None
        alone = answer.view_probabilities[name] if answer is not None and is_used else None
        return ViewResult(
            status="unreadable" if view.error else "used" if is_used else "left_out",
            kind=view.view.kind,
            file=view.view.path.name,
            reasons=(view.error.reason,) if view.error else view.reasons,
            duration_seconds=None if info is None else info.duration_seconds,
            size_px=None if info is None else (info.width, info.height),
            frame_rate_hz=None if info is None else info.frame_rate,
            decoded_ratio=None if info is None else info.decoded_ratio,
            warnings=view.warnings,
            level=None if alone is None else self._level(alone),
            score=None if alone is None else float(expected_levels(alone)),
            distance=self._distance(view) if is_used else None,
        )

    def _provenance(self, encoded: EncodedTake, seconds: float) -> Provenance:
        seen = encoded.views
        return Provenance(
            versions=package_versions(),
            checkpoint=self.name,
            checkpoint_sha256=self.sha256,
            checkpoint_data=self.config.data,
            checkpoint_licence=self.config.licence,
            inputs={name: view.sha256 for name, view in seen.items() if view.sha256},
            instants_seconds=tuple(tuple(row) for row in encoded.timestamps.round(6).tolist()),
            offsets_seconds={name: view.view.offset_seconds for name, view in seen.items()},
            device=str(self._device),
            precision=encoded.precision,
            seconds=round(seconds, 3),
            calibration=() if self.calibration is None else self.calibration.describe(),
            read_from="copies" if any(view.is_copy for view in seen.values()) else "files",
            scored_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


@dataclass(frozen=True)
class _Answer:
    """Predictions of the model, before the decision to pass them on."""

    probabilities: NDArray[np.float64]
    score: float
    view_probabilities: Mapping[str, NDArray[np.float64]]
    view_scores: Mapping[str, float]
    skills: Mapping[str, NDArray[np.float64]]
