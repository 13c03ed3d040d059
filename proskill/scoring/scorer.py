"""Scorer: video files of one performance to an Assessment.

All views share one clock and one list of instants; windows cover the whole performance; a view's
feature is the mean over its windows; fusion and head answer for all views, for each view alone and
for each window alone. A view that cannot be read or judged is reported and the rest is scored.

Not here: what can be judged (`judgeable.py`), the status (`verdict.py`), the page (`report.py`).

Shapes: W windows, T frames, V views, C channels, H W pixels, D embedding, K levels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.errors import VideoError
from proskill.levels import median_level
from proskill.models import LoadedCheckpoint, load_checkpoint
from proskill.scoring.assessment import (
    Assessment,
    Provenance,
    TimelineWindow,
    ViewResult,
)
from proskill.scoring.calibration import softmax
from proskill.scoring.certainty import LevelSet, ScoreInterval, certainty_of, level_set_of
from proskill.scoring.inputs import check_views
from proskill.scoring.judgeable import (
    file_reasons,
    file_warnings,
    frame_seconds,
    picture_reasons,
    window_seconds,
)
from proskill.scoring.loading import calibration_of, device_named, package_versions
from proskill.scoring.pictures import picture_instants, picture_statistics
from proskill.scoring.verdict import decide
from proskill.scoring.views import (
    SeenView,
    open_view,
    require_readable,
    shared_span,
    view_warnings,
)
from proskill.video.probe import DEFAULT_LIMITS, VideoLimits
from proskill.video.sampling import evaluation_windows
from proskill.video.transforms import fit_square, to_model_input

Progress = Callable[[str, float], None]  # what is being done, and the share that is done, in [0, 1]

_WINDOWS_PER_BATCH = 4


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
        self._limits = limits
        self._device = device_named(device)
        self._model = checkpoint.model.to(self._device).eval()

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
        progress: Progress | None = None,
    ) -> Assessment:
        """Score one performance.

        Args:
            views: view name -> video file of the same performance; or a single file.
            kinds: view name -> "ego" or "exo"; guessed from the name where absent.
            offsets: view name -> seconds added to the common clock to give the file's clock; 0
                where absent.
            progress: called with what is being done and the share that is done.

        Raises:
            ProskillError: no view, more than eight, views without a common instant, or no view
                that can be read; for a single view this is its VideoError.
            VideoError: a file that is missing or is a directory.
        """
        begin = time.perf_counter()
        report = progress or (lambda what, share: None)
        inputs = check_views(views, kinds=kinds, offsets=offsets)
        spec = self.config.input
        seen: dict[str, SeenView] = {}
        with ExitStack() as stack:
            for number, (name, source) in enumerate(inputs.items()):
                report(f"opening {name}", 0.1 * number / len(inputs))
                view = open_view(source, size=min(spec.img_size), limits=self._limits, stack=stack)
                if view.info is not None:
                    view.reasons += file_reasons(view.info, spec)
                seen[name] = view
            require_readable(seen)
            instants = self._instants(seen)
            self._encode(seen, instants, report)
        require_readable(seen)
        for view in seen.values():
            if view.info is not None:
                view.warnings += file_warnings(view.info, spec)
        report("deciding", 0.97)
        return self._assess(seen, instants, begin)

    def _instants(self, seen: Mapping[str, SeenView]) -> NDArray[np.float64]:
        """Windows over the span that all judgeable views show, (W, T); (0, T) if too short."""
        spec = self.config.input
        usable = {name: view for name, view in seen.items() if view.is_usable}
        if not usable:
            return np.empty((0, spec.num_frames))
        start, end = shared_span(usable)
        if end - start < window_seconds(spec):
            for view in usable.values():
                view.reasons += (
                    f"shares only {end - start:.2f} s with the other views, and the model looks at "
                    f"{window_seconds(spec):.2f} s at a time",
                )
            return np.empty((0, spec.num_frames))
        return evaluation_windows(
            start,
            end,
            num_frames=spec.num_frames,
            frame_interval_seconds=spec.frame_interval_seconds,
            num_windows=spec.num_windows,
        )

    @torch.inference_mode()
    def _encode(
        self, seen: Mapping[str, SeenView], instants: NDArray[np.float64], report: Progress
    ) -> None:
        """Read every usable view and give it features (W, D), or the reason why it has none."""
        usable = [view for view in seen.values() if view.is_usable]
        spec = self.config.input
        for number, view in enumerate(usable):
            base, share = 0.1 + 0.85 * number / len(usable), 0.85 / len(usable)
            report(f"reading {view.source.name}", base)
            try:
                frames = view.frames_at(instants.ravel())
                view.pictures = self._pictures(view, instants)
            except VideoError as error:
                view.error = error
                continue
            frames = fit_square(frames, spec.img_size)  # (W * T, C, H, W)
            clips = frames.reshape(*instants.shape, *frames.shape[1:])  # (W, T, C, H, W)
            view.reasons += picture_reasons(clips)
            if view.reasons:
                continue
            parts = []
            for begin in range(0, len(clips), _WINDOWS_PER_BATCH):
                done = begin / len(clips)
                report(f"looking at {view.source.name}", base + share * (0.3 + 0.7 * done))
                batch = to_model_input(
                    clips[begin : begin + _WINDOWS_PER_BATCH].to(self._device), spec.mean, spec.std
                )  # (w, C, T, H, W)
                parts.append(self._model.encode_views(batch[:, None])[:, 0].float())  # (w, D)
            view.features = torch.cat(parts)  # (W, D)

    def _pictures(
        self, view: SeenView, instants: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Picture statistics (P,) over the scored span, if the calibration knows such views."""
        if self.calibration is None or view.source.kind not in self.calibration.pictures:
            return None
        spec = self.config.input
        end = float(instants[-1, -1]) + frame_seconds(spec, instants)
        pairs = picture_instants(float(instants[0, 0]), end)  # (4, 2)
        frames = fit_square(view.frames_at(pairs.ravel()), spec.img_size)
        return picture_statistics(frames.reshape(*pairs.shape, *frames.shape[1:]))

    @torch.inference_mode()
    def _logits(self, features: torch.Tensor, kinds: list[int]) -> NDArray[np.float64]:
        """Logits (B, K) of features (B, V, D) of views of these kinds."""
        kind = torch.tensor(kinds, device=self._device).expand(features.shape[0], -1)  # (B, V)
        prediction = self._model.predict_features(features, view_kind=kind)
        return prediction.logits.double().cpu().numpy()

    @torch.inference_mode()
    def _skills(self, features: torch.Tensor, kinds: list[int]) -> dict[str, NDArray[np.float64]]:
        """Probabilities (K,) of each skill that the model learned, from features (1, V, D)."""
        if not self.config.skills:
            return {}
        kind = torch.tensor(kinds, device=self._device)[None]
        logits = self._model.predict_features(features, view_kind=kind).skill_logits[0]  # (S, K)
        return dict(zip(self.config.skills, softmax(logits.double().cpu().numpy()), strict=True))

    def _probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return (
            softmax(logits) if self.calibration is None else self.calibration.probabilities(logits)
        )

    def _assess(
        self, seen: Mapping[str, SeenView], instants: NDArray[np.float64], begin: float
    ) -> Assessment:
        used = {name: view for name, view in seen.items() if view.features is not None}
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
        return Assessment(
            status=verdict.status,
            levels=self.config.levels,
            views={name: self._view_result(view, answer) for name, view in seen.items()},
            provenance=self._provenance(seen, instants, time.perf_counter() - begin),
            reasons=verdict.reasons,
            level=None if answer is None else self._level(answer.probabilities),
            probabilities={} if answer is None else self._named(answer.probabilities),
            score=None if answer is None else answer.score,
            interval=None if answer is None else self._interval(answer.score),
            level_set=None if answer is None else self._level_set(answer),
            certainty=certainty,
            skills={name: _expected(row) for name, row in skills.items()},
            skill_probabilities={name: self._named(row) for name, row in skills.items()},
            timeline=() if answer is None else self._timeline(used, instants),
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

    def _level_set(self, answer: _Answer) -> LevelSet | None:
        return level_set_of(self.calibration, answer.probabilities.tolist(), self.config.levels)

    def _answer(self, used: Mapping[str, SeenView]) -> _Answer:
        """All views, and each view alone, on features averaged over windows."""
        features = torch.stack([view.mean_feature for view in used.values()])  # (V, D)
        kinds = [view.kind_number for view in used.values()]
        fused = self._probabilities(self._logits(features[None], kinds))[0]  # (K,)
        alone = {
            name: self._probabilities(self._logits(features[None, v : v + 1], kinds[v : v + 1]))[0]
            for v, name in enumerate(used)
        }
        return _Answer(
            probabilities=fused,
            score=_expected(fused),
            view_probabilities=alone,
            view_scores={name: _expected(values) for name, values in alone.items()},
            skills=self._skills(features[None], kinds),
        )

    def _timeline(
        self, used: Mapping[str, SeenView], instants: NDArray[np.float64]
    ) -> tuple[TimelineWindow, ...]:
        features = torch.stack([view.window_features for view in used.values()], dim=1)  # (W, V, D)
        kinds = [view.kind_number for view in used.values()]

        def scores(columns: slice) -> NDArray[np.float64]:
            values = self._probabilities(self._logits(features[:, columns], kinds[columns]))
            return np.asarray(values @ np.arange(values.shape[1]))  # (W,)

        together = scores(slice(None))
        alone = {name: scores(slice(v, v + 1)) for v, name in enumerate(used)}
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
        if known := self.calibration.familiarity.get(view.source.kind):
            feature = view.mean_feature.double().cpu().numpy()
            distances.append(float(known.relative_distance(feature)))
        known = self.calibration.pictures.get(view.source.kind)
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
            score=None if alone is None else _expected(alone),
            distance=self._distance(view) if is_used else None,
        )

    def _provenance(
        self, seen: Mapping[str, SeenView], instants: NDArray[np.float64], seconds: float
    ) -> Provenance:
        return Provenance(
            versions=package_versions(),
            checkpoint=self.name,
            checkpoint_sha256=self.sha256,
            checkpoint_data=self.config.data,
            checkpoint_licence=self.config.licence,
            inputs={name: view.sha256 for name, view in seen.items() if view.sha256},
            instants_seconds=tuple(tuple(row) for row in instants.round(6).tolist()),
            offsets_seconds={name: view.source.offset_seconds for name, view in seen.items()},
            device=str(self._device),
            seconds=round(seconds, 3),
            calibration=() if self.calibration is None else self.calibration.describe(),
        )


@dataclass(frozen=True)
class _Answer:
    """What the model says, before it is decided whether to pass it on."""

    probabilities: NDArray[np.float64]
    score: float
    view_probabilities: Mapping[str, NDArray[np.float64]]
    view_scores: Mapping[str, float]
    skills: Mapping[str, NDArray[np.float64]]


def _expected(probabilities: NDArray[np.float64]) -> float:
    """Expected level index of (K,) probabilities."""
    return float(probabilities @ np.arange(len(probabilities)))
