"""Summaries of predictions: single views, late averaging, gains, unlabelled takes, files."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from proskill.data.take import Take, View
from proskill.errors import ProskillError
from proskill.levels import EGOEXO4D_LEVELS
from proskill.models import ModelConfig, ProficiencyModel, build_model
from proskill.training.evaluation import Predictions, predict_takes, summarise
from proskill.training.result_files import write_metrics, write_predictions


@pytest.fixture
def takes() -> list[Take]:
    views = {"ego": View(Path("a.mp4"), "ego"), "exo1": View(Path("b.mp4"), "exo")}
    return [
        Take(f"t{i}", f"p{i // 2}", "throw", views, level=EGOEXO4D_LEVELS.names[(i // 2) % 4])
        for i in range(40)
    ]


@pytest.fixture
def predictions(takes: list[Take]) -> Predictions:
    """All views are right up to noise; each single view is noisier."""
    rng = np.random.default_rng(0)
    truth = np.array([(i // 2) % 4 for i in range(40)])

    def softmax(noise: float) -> np.ndarray:
        centre = truth + rng.normal(scale=noise, size=40)
        logits = -((np.arange(4)[None] - centre[:, None]) ** 2)
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    probabilities = softmax(0.3)
    alone = np.stack([softmax(1.5), softmax(1.5)], axis=1)
    grid = np.arange(4)
    return Predictions(
        takes=tuple(takes),
        scale=EGOEXO4D_LEVELS,
        view_names=("ego", "exo1"),
        view_mask=np.ones((40, 2), dtype=bool),
        logits=np.log(probabilities).astype(np.float32),
        probabilities=probabilities.astype(np.float32),
        score=(probabilities @ grid).astype(np.float32),
        view_probabilities=alone.astype(np.float32),
        view_score=(alone @ grid).astype(np.float32),
    )


def test_a_summary_holds_every_metric_with_interval_and_the_majority(
    predictions: Predictions, takes: list[Take]
) -> None:
    summary = summarise(predictions, train_takes=takes, num_resamples=100)
    everything = summary["all_views"]
    assert set(everything) == {
        "num_takes",
        "accuracy",
        "macro_f1",
        "quadratic_kappa",
        "mean_level_error",
        "spearman",
    }
    assert everything["spearman"]["value"] > summary["late_average"]["spearman"]["value"]
    assert set(summary["single_views"]) == {"ego", "exo1"}
    gain = summary["fusion_gain"]["spearman_over_best_single_view"]
    assert 0 < gain["lower"] < gain["value"] < gain["upper"]
    assert summary["majority_accuracy"] == 0.25
    assert summary["num_participants"] == 20
    assert summary["spearman_against"] == "level"
    assert np.sum(summary["confusion_matrix"]) == 40
    json.dumps(summary)


def test_unlabelled_takes_are_counted_and_left_out(
    predictions: Predictions, takes: list[Take]
) -> None:
    some = replace(predictions, takes=(replace(takes[0], level=None), *takes[1:]))
    summary = summarise(some, train_takes=takes, num_resamples=20)
    assert (summary["num_takes"], summary["num_unlabelled_takes"]) == (39, 1)
    none = replace(predictions, takes=tuple(replace(take, level=None) for take in takes))
    with pytest.raises(ProskillError, match="proskill predict"):
        summarise(none, train_takes=takes)


def test_a_view_that_some_takes_lack_is_judged_on_the_takes_that_have_it(
    predictions: Predictions, takes: list[Take]
) -> None:
    mask = predictions.view_mask.copy()
    mask[:10, 1] = False
    alone, score = predictions.view_probabilities.copy(), predictions.view_score.copy()
    alone[:10, 1], score[:10, 1] = np.nan, np.nan
    some = replace(predictions, view_mask=mask, view_probabilities=alone, view_score=score)
    summary = summarise(some, train_takes=takes, num_resamples=20)
    assert summary["single_views"]["exo1"]["num_takes"] == 30
    assert math.isfinite(summary["late_average"]["spearman"]["value"])


def test_a_single_view_prediction_equals_masking_the_other_views(takes: list[Take]) -> None:
    torch.manual_seed(0)
    model: ProficiencyModel = build_model(
        ModelConfig(
            backbone={"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
            fusion={"hidden_dim": 8, "num_heads": 2},
        )
    ).eval()
    features = np.random.default_rng(0).normal(size=(40, 2, 16)).astype(np.float32)
    mask = np.ones((40, 2), dtype=bool)
    kind = np.tile([0, 1], (40, 1))
    result = predict_takes(
        model,
        features,
        mask,
        kind,
        takes=takes,
        view_names=("ego", "exo1"),
        scale=EGOEXO4D_LEVELS,
        batch_size=7,
    )
    with torch.inference_mode():
        only_ego = torch.from_numpy(mask & np.array([True, False]))
        masked = model.predict_features(torch.from_numpy(features), only_ego)
        together = model.predict_features(torch.from_numpy(features))
    np.testing.assert_allclose(result.view_score[:, 0], masked.score, atol=1e-5)
    np.testing.assert_allclose(result.score, together.score, atol=1e-5)


def test_files_hold_one_row_per_take_and_null_for_what_is_undefined(
    predictions: Predictions, tmp_path: Path
) -> None:
    write_predictions(tmp_path / "run" / "predictions.csv", predictions)
    with (tmp_path / "run" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert rows[0]["true_level"] == "Novice"
    assert float(rows[5]["score_ego"]) == pytest.approx(predictions.view_score[5, 0], abs=1e-5)
    assert sum(float(rows[0][f"p_{n}"]) for n in EGOEXO4D_LEVELS.names) == pytest.approx(
        1, abs=1e-4
    )
    write_metrics(tmp_path / "metrics.json", {"a": {"b": float("nan")}, "c": [1.5]})
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": {"b": None}, "c": [1.5]}


def test_a_folder_that_cannot_be_written_is_one_sentence(
    predictions: Predictions, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProskillError, match="cannot be written"):
        write_predictions(tmp_path / "file" / "predictions.csv", predictions)
