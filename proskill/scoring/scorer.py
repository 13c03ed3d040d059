"""Scorer: video files of one performance to an Assessment.

Two halves: `encode` reads the files, `assess` says what their features mean; `score` is both. A
view's feature is the mean over its windows; fusion and head answer for all views, for each view
alone and for each window alone.

Not here: reading (`encoding.py`), fusion and head (`feature_scorer.py`), the status (`verdict.py`),
what the answer rests on (`explanation.py`), the page (`report.py`).

Shapes: W windows, T frames, V views, D embedding, K levels.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.calibration.repeatability import Repeatability
from proskill.levels import median_level
from proskill.models import LoadedCheckpoint, load_checkpoint
from proskill.scoring.assessment import (
    Assessment,
    Provenance,
    TimelineWindow,
    ViewResult,
)
from proskill.scoring.certainty import PredictionSet, ScoreInterval, certainty_of, prediction_set_of
from proskill.scoring.encoding import EncodedTake, Progress, TakeEncoder
from proskill.scoring.feature_scorer import FeatureScorer, expected_levels
from proskill.scoring.inputs import check_views
from proskill.scoring.judgeable import frame_seconds
from proskill.scoring.loading import calibration_of, device_named, package_versions
from proskill.scoring.verdict import decide
from proskill.scoring.views import SeenView, view_warnings
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits


class Scorer:
    """Scores performances with one checkpoint.

    Args:
        checkpoint: as `load_checkpoint` returns it.
        name: of the checkpoint, for provenance.
        device: where the model runs, e.g. "cpu" or "cuda".
        limits: larger videos are refused.

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
    ) -> None:
        self.name = name
        self.config = checkpoint.config
        self.sha256 = checkpoint.sha256
        self.calibration = calibration_of(checkpoint, name=name)
        self._device = device_named(device)
        model = checkpoint.model.to(self._device).eval()
        self.encoder = TakeEncoder(
            model,
            self.config.input,
            device=self._device,
            limits=limits,
            picture_kinds=frozenset(
                () if self.calibration is None else self.calibration.picture_detectors
            ),
        )
        self.features = FeatureScorer(model, self.calibration, device=self._device)

    @classmethod
    def from_checkpoint(
        cls,
        directory: str | Path,
        *,
        device: str = "cpu",
        limits: VideoLimits = DEFAULT_LIMITS,
    ) -> Scorer:
        """Load a checkpoint directory.

        Raises:
            CheckpointError: anything about it missing, surplus, misshapen or unsafe.
            ConfigError: a device that does not exist here.
        """
        path = Path(directory)
        name = path.name or path.resolve().name
        return cls(load_checkpoint(path), name=name, device=device, limits=limits)

    def score(
        self,
        views: Mapping[str, str | Path] | str | Path,
        *,
        kinds: Mapping[str, str] | None = None,
        offsets: Mapping[str, float] | None = None,
        span_seconds: tuple[float, float | None] = (0.0, None),
        progress: Progress | None = None,
    ) -> Assessment:
        """Score one performance.

        Args:
            views: view name -> video file of the same performance; or a single file.
            kinds: view name -> "ego" or "exo"; guessed from the name where absent.
            offsets: view name -> seconds added to the common clock to give the file's clock; 0
                where absent.
            span_seconds: [start, end) of the performance on the common clock; an end of None is
                that of the first file that ends.
            progress: called with what is being done and the share that is done.

        Raises:
            ProskillError: no view, more than eight, views without a common instant, or no view
                that can be read; for a single view this is its VideoError.
            VideoError: a file that is missing or is a directory.
        """
        encoded = self.encode(
            views, kinds=kinds, offsets=offsets, span_seconds=span_seconds, progress=progress
        )
        if progress is not None:
            progress("deciding", 0.97)
        return self.assess(encoded)

    def encode(
        self,
        views: Mapping[str, str | Path] | str | Path,
        *,
        kinds: Mapping[str, str] | None = None,
        offsets: Mapping[str, float] | None = None,
        span_seconds: tuple[float, float | None] = (0.0, None),
        progress: Progress | None = None,
    ) -> EncodedTake:
        """Read one performance: everything that `assess` and `explain` need; see `score`."""
        inputs = check_views(views, kinds=kinds, offsets=offsets, span_seconds=span_seconds)
        return self.encoder.encode(inputs, progress=progress or (lambda what, share: None))

    def assess(self, encoded: EncodedTake) -> Assessment:
        """What the model says of an encoded performance, and whether that can be relied on."""
        begin = time.perf_counter()
        seen, used, instants = encoded.views, encoded.used, encoded.instants
        answer = self._answer(used) if used else None
        verdict = decide(
            {name: view.reasons for name, view in seen.items() if view.error is None},
            used={name: view.source.kind for name, view in used.items()},
            view_scores={} if answer is None else answer.view_scores,
            probabilities=() if answer is None else tuple(answer.probabilities.tolist()),
            distances={name: self._distance(view) for name, view in used.items()},
            calibration=self.calibration,
        )
        certainty = None
        if answer is not None:
            certainty = certainty_of(self.calibration, answer.probabilities.tolist())
        if verdict.status == "abstained":
            answer = None  # nobody shall read a level off an input that cannot be judged
        interval = frame_seconds(self.config.input, instants) if len(instants) else 0.0
        skills = {} if answer is None else answer.skills
        views = {name: self._view_result(view, answer) for name, view in seen.items()}
        timeline = () if answer is None else self._timeline(used, instants)
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
            warnings=view_warnings(seen, instants, interval_seconds=interval),
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

    def _answer(self, used: Mapping[str, SeenView]) -> _Answer:
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
        self, used: Mapping[str, SeenView], instants: NDArray[np.float64]
    ) -> tuple[TimelineWindow, ...]:
        features = torch.stack([view.window_features for view in used.values()], dim=1)  # (W, V, D)
        kinds = [view.kind_number for view in used.values()]
        together = self.features.scores(features, kinds)  # (W,)
        alone = {
            name: self.features.scores(features[:, v : v + 1], kinds[v : v + 1])
            for v, name in enumerate(used)
        }
        interval = frame_seconds(self.config.input, instants)
        return tuple(
            TimelineWindow(
                start_seconds=float(row[0]),
                end_seconds=float(row[-1] + interval),
                score=float(together[w]),
                view_scores={name: float(values[w]) for name, values in alone.items()},
            )
            for w, row in enumerate(instants)
        )

    def _distance(self, view: SeenView) -> float | None:
        """The larger distance to the training data over its limit, in features or in pictures.

        None where nothing is known about this kind of view.
        """
        if self.calibration is None:
            return None
        distances = []
        if known := self.calibration.feature_detectors.get(view.source.kind):
            feature = view.mean_feature.double().cpu().numpy()
            distances.append(float(known.relative_distance(feature)))
        known = self.calibration.picture_detectors.get(view.source.kind)
        if known is not None and view.pictures is not None:
            distances.append(float(known.relative_distance(view.pictures)))
        return max(distances, default=None)

    def _view_result(self, view: SeenView, answer: _Answer | None) -> ViewResult:
        name, info = view.source.name, view.info
        is_used = view.features is not None
        alone = answer.view_probabilities[name] if answer is not None and is_used else None
        return ViewResult(
            status="unreadable" if view.error else "used" if is_used else "left_out",
            kind=view.source.kind,
            file=view.source.path.name,
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
            instants_seconds=tuple(tuple(row) for row in encoded.instants.round(6).tolist()),
            offsets_seconds={name: view.source.offset_seconds for name, view in seen.items()},
            device=str(self._device),
            seconds=round(seconds, 3),
            calibration=() if self.calibration is None else self.calibration.describe(),
            read_from="copies" if any(view.source.proxy for view in seen.values()) else "files",
            scored_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


@dataclass(frozen=True)
class _Answer:
    """What the model says, before it is decided whether to pass it on."""

    probabilities: NDArray[np.float64]
    score: float
    view_probabilities: Mapping[str, NDArray[np.float64]]
    view_scores: Mapping[str, float]
    skills: Mapping[str, NDArray[np.float64]]
