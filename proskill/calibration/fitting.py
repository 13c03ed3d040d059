"""Fit a calibration to takes that a model was not trained on.

Not here: running the model (`calibrate_checkpoint.py`), the file (`calibration.py`).

Shapes: N validation takes, K levels, V views, D embedding.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from proskill.calibration.calibration import Calibration
from proskill.calibration.conformal import conformal_threshold, mass_before
from proskill.calibration.out_of_distribution import (
    MAX_DIRECTIONS,
    OutOfDistributionDetector,
    fit_detector,
)
from proskill.calibration.repeatability import fit_repeatability
from proskill.calibration.selective_prediction import OK_ERROR, fit_selection_thresholds
from proskill.input_spec import Precision
from proskill.view_names import VIEW_KINDS

_TEMPERATURE_RANGE = (0.05, 20.0)

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ViewFeatures:
    """Features of views of takes, averaged over windows.

    Attributes:
        features: (N, V, D).
        view_kind: (N, V) 0 ego, 1 exo.
        view_mask: (N, V) True where the view exists; None if all do.
        pictures: (N', V, P) of `read_takes_statistics`, for the first N' takes or for all; None if
            pictures are not compared.

    Raises:
        ValueError: shapes that do not fit.
    """

    features: Floats
    view_kind: NDArray[np.integer[Any]]
    view_mask: NDArray[np.bool_] | None = None
    pictures: Floats | None = None

    def __post_init__(self) -> None:
        views = self.features.shape[:2]
        mask_shape = views if self.view_mask is None else self.view_mask.shape
        if self.features.ndim != 3 or self.view_kind.shape != views or mask_shape != views:
            raise ValueError(
                f"features {self.features.shape}, view_kind {self.view_kind.shape}, view_mask "
                f"{mask_shape}: expected (N, V, D), (N, V) and (N, V)"
            )
        if self.pictures is not None and (
            self.pictures.ndim != 3
            or self.pictures.shape[1] != views[1]
            or len(self.pictures) > views[0]
        ):
            raise ValueError(f"pictures {self.pictures.shape}: expected (N', V, P) with N' <= N")

    def of_kind(self, kind: int) -> Floats:
        """Return features (M, D) of the existing views of one kind."""
        return self._of_kind(self.features, kind)

    def pictures_of_kind(self, kind: int) -> Floats:
        """Return picture statistics (M, P) of the existing views of one kind; (0, 1) without."""
        return np.empty((0, 1)) if self.pictures is None else self._of_kind(self.pictures, kind)

    def _of_kind(self, values: Floats, kind: int) -> Floats:
        rows = self.view_kind == kind
        if self.view_mask is not None:
            rows = rows & self.view_mask
        chosen: Floats = values[rows[: len(values)]]
        return chosen


def fit_calibration(
    *,
    logits: Floats,
    levels: NDArray[np.integer[Any]],
    participants: Sequence[Hashable],
    train: ViewFeatures,
    validation: ViewFeatures,
    true_scores: Floats | None = None,
    precision: Precision = "fp32",
    coverage: float = 0.8,
    ok_error: float = OK_ERROR,
    max_directions: int = MAX_DIRECTIONS,
) -> Calibration:
    """Fit a calibration to takes that the model was not trained on.

    Args:
        logits: (N, K) of the validation takes, all views.
        levels: (N,) their true level indices.
        participants: (N,) performers; takes of one participant count together as one.
        train: features of the training takes.
        validation: features of the validation takes.
        true_scores: (N,) truth on the score's axis [0, K - 1] where it is known more finely than by
            level; None takes the level index.
        precision: in which the features and the logits were computed.
        coverage: target share of truths in the score interval and in the prediction set.
        ok_error: largest mean error, in levels, of predictions with the status `ok`.
        max_directions: see `fit_detector`.

    Raises:
        ValueError: shapes that do not fit, no take, a level outside the scale, or values that are
            not finite.
    """
    logits = np.asarray(logits, dtype=np.float64)
    levels = np.asarray(levels)
    if logits.ndim != 2 or levels.shape != logits.shape[:1] or len(participants) != len(levels):
        raise ValueError(
            f"logits {logits.shape}, levels {levels.shape}, {len(participants)} participants: "
            "expected (N, K), (N,) and N"
        )
    num_takes, num_levels = logits.shape
    if num_takes == 0 or not np.isfinite(logits).all():
        raise ValueError(f"{num_takes} takes: needs one or more, with finite logits")
    if levels.min() < 0 or levels.max() >= num_levels:
        raise ValueError(
            f"levels from {levels.min()} to {levels.max()}: must be in 0..{num_levels - 1}"
        )
    temperature = fit_temperature(logits, levels)
    probabilities = softmax(logits / temperature, axis=-1)
    scores = probabilities @ np.arange(num_levels)  # (N,)
    truth = levels if true_scores is None else np.asarray(true_scores, dtype=np.float64)
    half_width = conformal_threshold(np.abs(truth - scores), participants, coverage=coverage)
    before = mass_before(probabilities)[np.arange(num_takes), levels]  # (N,)
    set_threshold = conformal_threshold(before, participants, coverage=coverage)
    detectors: dict[str, dict[str, OutOfDistributionDetector]] = {"features": {}, "pictures": {}}
    for number, kind in enumerate(VIEW_KINDS):
        for name, learned, held_out in (
            ("features", train.of_kind(number), validation.of_kind(number)),
            ("pictures", train.pictures_of_kind(number), validation.pictures_of_kind(number)),
        ):
            if len(learned) >= 4 and len(held_out) >= 1:
                detectors[name][kind] = fit_detector(
                    learned, held_out, max_directions=max_directions
                )
    return Calibration(
        num_levels=num_levels,
        temperature=temperature,
        half_width=min(half_width, float(num_levels - 1)),
        coverage=coverage,
        num_takes=num_takes,
        num_participants=len(set(participants)),
        feature_detectors=detectors["features"],
        picture_detectors=detectors["pictures"],
        set_threshold=min(set_threshold, 1.0),
        selection_thresholds=fit_selection_thresholds(
            probabilities, levels, participants, ok_error=ok_error
        ),
        repeatability=fit_repeatability(scores, participants=participants, levels=levels),
        precision=precision,
    )


def fit_temperature(logits: Floats, levels: NDArray[np.integer[Any]]) -> float:
    """Return the temperature with the smallest negative log-likelihood.

    The likelihood is convex in 1 / temperature, so there is one minimum; a model without a single
    error gets the lower end of the search range instead of zero.
    """
    from scipy.optimize import minimize_scalar  # takes .2 s to import, which scoring saves

    rows = np.arange(len(levels))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / math.exp(log_temperature), axis=1)[rows, levels].mean())

    bounds = np.log(_TEMPERATURE_RANGE)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    return math.exp(min(bounds[0], found.x, key=loss))
