"""Encoding is the same for training and scoring: to the bit at one precision, closely across."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from proskill.data.take import Take, View
from proskill.features.feature_cache import extract_features
from proskill.input_spec import Precision
from proskill.models import load_checkpoint
from proskill.scoring import Scorer

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]

_BF16_ERROR = 0.02  # of the spread of features; bf16 keeps 8 bits of a number


@pytest.fixture
def take(make_video: MakeVideo) -> Take:
    """Three views of 11 windows each: batches of 8 run on from view to view."""
    names = ("ego", "exo1", "exo2")
    views = {
        name: View(make_video(f"{name}.mp4", seconds=4.2, seed=seed), "ego" if seed == 0 else "exo")
        for seed, name in enumerate(names)
    }
    return Take("take", "anna", "juggling", views)


def extracted(checkpoint: Path, take: Take, precision: Precision) -> np.ndarray:
    loaded = load_checkpoint(checkpoint)
    table = extract_features(
        [take], loaded.model.backbone, loaded.config.input, precision=precision, progress=False
    )
    return table.arrays[take.take_id]  # (V, W, D)


def scored(checkpoint: Path, take: Take, precision: Precision) -> np.ndarray:
    loaded = load_checkpoint(checkpoint)
    assert loaded.calibration is not None
    calibration = {**loaded.calibration, "precision": precision}
    encoded = Scorer(replace(loaded, calibration=calibration), name="tiny").encode(take)
    assert encoded.precision == precision
    return torch.stack([view.window_features for view in encoded.used.values()]).numpy()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_and_scoring_encode_a_take_to_the_same_bits(
    precision: Precision, make_checkpoint: MakeCheckpoint, take: Take
) -> None:
    checkpoint = make_checkpoint()
    features = extracted(checkpoint, take, precision)
    assert features.shape[:2] == (3, 11)
    assert np.array_equal(features, scored(checkpoint, take, precision))


def test_bf16_stays_within_a_bound_of_fp32(make_checkpoint: MakeCheckpoint, take: Take) -> None:
    checkpoint = make_checkpoint()
    exact, rounded = (scored(checkpoint, take, precision) for precision in ("fp32", "bf16"))
    error = np.abs(rounded - exact).max() / exact.std()
    assert 0 < error < _BF16_ERROR


def test_scoring_uses_the_precision_of_the_calibration_and_names_it(
    make_checkpoint: MakeCheckpoint, take: Take
) -> None:
    loaded = load_checkpoint(make_checkpoint())
    calibration: dict[str, Any] = {**loaded.calibration, "precision": "bf16"}
    for given, expected in ((calibration, "bf16"), (None, "fp32")):
        scorer = Scorer(replace(loaded, calibration=given), name="tiny")
        assert scorer.score(take).provenance.precision == expected


def test_a_view_that_is_left_out_does_not_change_the_batches_of_the_others(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo, take: Take
) -> None:
    checkpoint = make_checkpoint()
    black = View(make_video("black.mp4", seconds=4.2, picture="black"), "exo")
    among = replace(take, views={"exo3": black, **take.views})
    alone = scored(checkpoint, take, "fp32")
    assert np.array_equal(alone, scored(checkpoint, among, "fp32"))
