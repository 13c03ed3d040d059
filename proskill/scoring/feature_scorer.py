"""FeatureScorer: features of views to calibrated probabilities of levels.

The cheap half of a model, asked again and again: for all views, for each view, for each window, and
for what is left when something is taken away.

Shapes: B takes or windows, V views, D embedding, S skills, K levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from proskill.calibration.calibration import Calibration
from proskill.models import ProficiencyModel

Floats = NDArray[np.float64]


class FeatureScorer:
    """Fusion, head and calibration.

    Args:
        model: on `device`, in evaluation mode.
        calibration: of the model, None if it has none.
        device: where the model runs.
    """

    def __init__(
        self, model: ProficiencyModel, calibration: Calibration | None, *, device: torch.device
    ) -> None:
        self._model = model
        self._calibration = calibration
        self._device = device

    def probabilities(self, features: torch.Tensor, kinds: Sequence[int]) -> Floats:
        """Probabilities (B, K) of features (B, V, D) of views of these V kinds, 0 ego and 1 exo."""
        logits, _ = self._logits(features, kinds)
        return softmax(logits, axis=-1) if self._calibration is None else self._calibrated(logits)

    def scores(self, features: torch.Tensor, kinds: Sequence[int]) -> Floats:
        """Expected level index (B,) of features (B, V, D)."""
        return expected_levels(self.probabilities(features, kinds))

    def skill_probabilities(self, features: torch.Tensor, kinds: Sequence[int]) -> Floats:
        """Probabilities (B, S, K) of each skill, which no calibration touches."""
        return np.asarray(softmax(self._logits(features, kinds)[1], axis=-1))

    def _calibrated(self, logits: Floats) -> Floats:
        assert self._calibration is not None
        return self._calibration.probabilities(logits)

    @torch.inference_mode()
    def _logits(self, features: torch.Tensor, kinds: Sequence[int]) -> tuple[Floats, Floats]:
        """Of the whole (B, K), and of each skill (B, S, K)."""
        kind = torch.tensor(list(kinds), device=self._device).expand(
            features.shape[0], -1
        )  # (B, V)
        prediction = self._model.predict_features(features.to(self._device), view_kind=kind)
        return (
            prediction.logits.double().cpu().numpy(),
            prediction.skill_logits.double().cpu().numpy(),
        )


def expected_levels(probabilities: Floats) -> Floats:
    """Expected level index (...) of probabilities (..., K)."""
    return np.asarray(probabilities @ np.arange(probabilities.shape[-1]))
