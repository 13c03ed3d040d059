"""Running a model on features: views alone, kinds alone, whatever the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from proskill.data.take import Take
from proskill.evaluation.predictions import Predictions
from proskill.features.prediction import PooledFeatures, predict_takes
from proskill.levels import EGOEXO4D_LEVELS
from proskill.models import ModelConfig, ProficiencyModel, build_model

KIND = np.tile([0, 1, 1], (40, 1))


@pytest.fixture
def model() -> ProficiencyModel:
    backbone = {"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2}
    fusion = {"hidden_dim": 8, "num_heads": 2, "use_view_kind": True}
    return build_model(ModelConfig(backbone=backbone, fusion=fusion)).eval()


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 3, 16)).astype(np.float32)


def predict(
    model: ProficiencyModel,
    features: np.ndarray,
    mask: np.ndarray,
    takes: list[Take],
    *,
    batch_size: int = 7,
) -> Predictions:
    return predict_takes(
        model,
        PooledFeatures(features, mask, KIND, takes, ("ego", "exo1", "exo2")),
        scale=EGOEXO4D_LEVELS,
        batch_size=batch_size,
    )


def test_views_and_kinds_alone_equal_masking_the_other_views(
    model: ProficiencyModel, features: np.ndarray, judged_takes: list[Take]
) -> None:
    mask = np.ones((40, 3), dtype=bool)
    result = predict(model, features, mask, judged_takes)

    def masked(columns: list[bool]) -> np.ndarray:
        with torch.inference_mode():
            prediction = model.predict_features(
                torch.from_numpy(features),
                torch.from_numpy(mask & np.array(columns)),
                torch.from_numpy(KIND),
            )
        return prediction.probabilities.numpy()

    found = result.view_probabilities
    np.testing.assert_allclose(found[:, 1], masked([False, True, False]), atol=1e-5)
    found = result.kind_probabilities
    np.testing.assert_allclose(found[:, 0], masked([True, False, False]), atol=1e-5)
    np.testing.assert_allclose(found[:, 1], masked([False, True, True]), atol=1e-5)
    np.testing.assert_allclose(result.probabilities, masked([True] * 3), atol=1e-5)
    assert np.abs(result.kind_probabilities[:, 1] - result.probabilities).max() > 0.01


def test_what_a_take_lacks_is_nan(
    model: ProficiencyModel, features: np.ndarray, judged_takes: list[Take]
) -> None:
    mask = np.ones((40, 3), dtype=bool)
    mask[:10, 0] = False
    mask[10:15, 1:] = False
    result = predict(model, features, mask, judged_takes)
    np.testing.assert_array_equal(np.isnan(result.view_score), ~mask)
    assert np.isnan(result.kind_score).sum(axis=0).tolist() == [10, 5]
    assert np.isfinite(result.probabilities).all()


def test_the_size_of_batches_changes_nothing(
    model: ProficiencyModel, features: np.ndarray, judged_takes: list[Take]
) -> None:
    mask = np.random.default_rng(1).random((40, 3)) < 0.6
    mask[:, 0] |= ~mask.any(axis=1)
    first, second = (
        predict(model, features, mask, judged_takes, batch_size=size) for size in (3, 256)
    )
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-5)
    np.testing.assert_allclose(first.kind_score, second.kind_score, atol=1e-5)


def test_arrays_that_do_not_fit_the_takes_are_refused(predictions: Predictions) -> None:
    with pytest.raises(ValueError, match=r"view_score.*expected \(40, 2\)"):
        replace(predictions, view_score=predictions.view_score[:, :1])
    with pytest.raises(ValueError, match=r"skill 'Steals'.*\(40, levels\)"):
        replace(predictions, skill_probabilities={"Steals": np.zeros((3, 5), dtype=np.float32)})
