from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from proskill.calibration.calibration import Calibration
from proskill.calibration.conformal import conformal_threshold
from proskill.calibration.fitting import ViewFeatures, fit_calibration, fit_temperature
from proskill.errors import CheckpointError


def _views(num_takes: int, *, seed: int, dim: int = 12) -> ViewFeatures:
    rng = np.random.default_rng(seed)
    return ViewFeatures(rng.normal(size=(num_takes, 2, dim)), np.tile([0, 1], (num_takes, 1)))


def _fit(**changes: Any) -> Calibration:
    rng = np.random.default_rng(0)
    levels = np.arange(80) % 4
    arguments: dict[str, Any] = {
        "logits": 2 * np.eye(4)[levels] + rng.normal(size=(80, 4)),
        "levels": levels,
        "participants": [f"p{i // 2}" for i in range(80)],
        "train": _views(100, seed=1),
        "validation": _views(80, seed=2),
    }
    return fit_calibration(**{**arguments, **changes})


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4)) * 3
    chances = softmax(logits / temperature, axis=1)
    levels = (chances.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(logits, levels) == pytest.approx(temperature, rel=0.05)


def test_a_model_without_error_gets_a_finite_temperature() -> None:
    levels = np.arange(40) % 4
    assert fit_temperature(10 * np.eye(4)[levels], levels) == pytest.approx(0.05, rel=0.01)


def test_the_interval_holds_the_truth_of_new_participants_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        person = rng.normal(size=31)
        residuals = np.abs(np.repeat(person, 3) + 0.3 * rng.normal(size=93))
        width = conformal_threshold(residuals[:90], np.repeat(np.arange(30), 3), coverage=0.8)
        held.append(np.mean(residuals[90:] <= width))
    assert 0.77 <= np.mean(held) <= 0.86


def test_too_few_participants_give_the_whole_scale() -> None:
    calibration = _fit(
        logits=np.eye(4)[:2],
        levels=np.array([0, 1]),
        participants=["a", "b"],
    )
    assert calibration.half_width == 3.0
    assert calibration.interval(1.2) == (0.0, 3.0)
    assert calibration.prediction_set([0.9, 0.1, 0.0, 0.0]) == (0, 3)
    assert calibration.selection_thresholds is None
    assert (
        "It has no thresholds for `ok` and abstention: they need 10 participants."
        in calibration.describe()
    )


def test_truths_known_more_finely_than_by_level_replace_the_level() -> None:
    rng = np.random.default_rng(0)
    levels = np.arange(80) % 4
    logits = 2 * np.eye(4)[levels] + rng.normal(size=(80, 4))
    scores = softmax(logits / fit_temperature(logits, levels), axis=1) @ np.arange(4)
    assert _fit(logits=logits).half_width > 0.3
    assert _fit(logits=logits, true_scores=scores + 0.1).half_width == pytest.approx(0.1)


def test_how_far_scores_scatter_is_learned_where_performers_have_several_takes() -> None:
    found = _fit(participants=[f"p{k // 8}" for k in range(80)])  # two takes of each level
    assert found.repeatability is not None
    assert found.repeatability.num_repeats == 40
    assert 0 < found.repeatability.standard_error < found.half_width
    assert Calibration.from_dict(found.to_dict()).repeatability == found.repeatability
    assert _fit().repeatability is None


def test_an_interval_stays_on_the_scale() -> None:
    calibration = _fit()
    lower, upper = calibration.interval(0.05)
    assert lower == 0.0
    assert upper == pytest.approx(0.05 + calibration.half_width)


def test_a_set_holds_the_level_said_and_is_wider_for_an_unsure_answer() -> None:
    calibration = _fit(coverage=0.95)
    sure = calibration.prediction_set([0.0, 0.0, 0.01, 0.99])
    unsure = calibration.prediction_set([0.2, 0.3, 0.3, 0.2])
    assert sure is not None
    assert unsure is not None
    assert sure[1] == 3
    assert unsure[1] - unsure[0] > sure[1] - sure[0]


def test_a_file_from_before_there_were_sets_is_read_and_says_what_it_lacks() -> None:
    calibration = _fit()
    data = calibration.to_dict()
    del (
        data["set_threshold"],
        data["selection_thresholds"],
        data["repeatability"],
        data["precision"],
    )
    old = Calibration.from_dict(data)
    assert old.interval(1.0) == calibration.interval(1.0)
    assert old.prediction_set([0.1, 0.9, 0.0, 0.0]) is None
    assert old.selection_thresholds is None
    assert old.repeatability is None
    assert old.precision == "fp32"
    assert old.describe() == (
        "Fitted on 80 takes of 40 participants.",
        "It has neither prediction sets nor thresholds for `ok` and abstention; "
        "`proskill calibrate` adds them.",
    )


def test_a_file_of_the_schema_before_is_read() -> None:
    data = _fit().to_dict()
    old = {**data, "schema": "proskill.calibration/1"}
    for now, before in (
        ("feature_detectors", "familiarity"),
        ("picture_detectors", "pictures"),
        ("selection_thresholds", "status_limits"),
    ):
        old[before] = old.pop(now)
    assert Calibration.from_dict(old).to_dict() == data


def test_the_precision_of_the_features_is_kept() -> None:
    calibration = _fit(precision="bf16")
    assert calibration.to_dict()["precision"] == "bf16"
    assert Calibration.from_dict(calibration.to_dict()).precision == "bf16"


def test_a_kind_of_view_that_training_never_saw_has_no_detector() -> None:
    train = ViewFeatures(np.random.default_rng(0).normal(size=(50, 1, 12)), np.ones((50, 1), int))
    assert set(_fit(train=train).feature_detectors) == {"exo"}


def test_masked_views_are_not_learned_from() -> None:
    features = np.random.default_rng(0).normal(size=(50, 2, 12))
    features[:, 1] = np.nan
    kinds, mask = np.tile([0, 1], (50, 1)), np.tile([True, False], (50, 1))
    assert set(_fit(train=ViewFeatures(features, kinds, mask)).feature_detectors) == {"ego"}


def test_pictures_of_some_training_takes_are_enough() -> None:
    train, validation = _views(100, seed=1), _views(80, seed=2)
    rng = np.random.default_rng(3)
    calibration = _fit(
        train=replace(train, pictures=rng.normal(size=(40, 2, 15))),
        validation=replace(validation, pictures=rng.normal(size=(80, 2, 15))),
    )
    assert calibration.picture_detectors["exo"].embed_dim == 15
    assert not _fit().picture_detectors
    with pytest.raises(ValueError, match="pictures"):
        replace(train, pictures=rng.normal(size=(101, 2, 15)))


def test_json_keeps_a_calibration() -> None:
    calibration = _fit()
    text = json.dumps(calibration.to_dict(), allow_nan=False)
    again = Calibration.from_dict(json.loads(text))
    assert again.to_dict() == calibration.to_dict()
    features = np.random.default_rng(5).normal(size=(10, 12)) * 3
    np.testing.assert_allclose(
        again.feature_detectors["ego"].distance(features),
        calibration.feature_detectors["ego"].distance(features),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"temperature": float("nan")},
            "calibration.json: temperature=nan: must be finite and above 0",
        ),
        ({"temperature": 0}, "calibration.json: temperature=0.0: must be finite and above 0"),
        ({"temperature": "1"}, "calibration.json: temperature: expected `float`, got `str`"),
        ({"temperature": True}, "calibration.json: temperature: expected `float`, got `bool`"),
        ({"temperature": 10**400}, "calibration.json: temperature: number out of range"),
        ({"coverage": 1.5}, "calibration.json: coverage=1.5: must be between 0 and 1"),
        ({"half_width": -1}, "calibration.json: half_width=-1.0: must be finite and 0 or more"),
        ({"num_levels": 3.5}, "calibration.json: num_levels: expected `int`, got `float`"),
        ({"num_takes": 0}, "calibration.json: num_takes=0: must be 1 or more"),
        ({"feature_detectors": []}, "calibration.json: feature_detectors: expected `object`, got"),
        (
            {"picture_detectors": {"drone": {}}},
            "calibration.json: picture_detectors.drone: object missing required field `mean`",
        ),
        ({"set_threshold": 2}, "calibration.json: set_threshold=2.0: must be in [0, 1]"),
        (
            {"selection_thresholds": {}},
            "calibration.json: selection_thresholds: object missing required field",
        ),
        (
            {"repeatability": 1},
            "calibration.json: repeatability: expected `object | null`, got `int`",
        ),
        (
            {"repeatability": {"standard_error": -1, "num_repeats": 9}},
            "calibration.json: repeatability: standard_error=-1.0: must be finite and 0 or more",
        ),
        ({"precision": "int8"}, "calibration.json: precision: invalid enum value 'int8'"),
        ({"precision": ["bf16"]}, "calibration.json: precision: expected `str`, got `array`"),
        ({"extra": 1}, "calibration.json: unknown key 'extra'; allowed are num_levels"),
        ({"schema": "other/9"}, "calibration.json: schema='other/9': this version reads"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        Calibration.from_dict({**_fit().to_dict(), **change})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("mean", [1.0], "calibration.json: feature_detectors.ego: directions of shape"),
        ("mean", [], "calibration.json: feature_detectors.ego.mean: expected a non-empty list"),
        (
            "mean",
            {"a": 1},
            "calibration.json: feature_detectors.ego.mean: expected a non-empty list",
        ),
        (
            "directions",
            [[1.0], [1.0, 2.0]],
            "calibration.json: feature_detectors.ego.directions: rows",
        ),
        (
            "directions",
            [1.0],
            "calibration.json: feature_detectors.ego: directions of shape",
        ),
        (
            "limit",
            -2,
            "calibration.json: feature_detectors.ego: variances, rest_variance and limit",
        ),
        ("variances", [0.0] * 12, "calibration.json: feature_detectors.ego: "),
    ],
)
def test_a_wrong_detector_is_named(path: str, value: Any, message: str) -> None:
    data = copy.deepcopy(_fit().to_dict())
    data["feature_detectors"]["ego"][path] = value
    with pytest.raises(CheckpointError) as caught:
        Calibration.from_dict(data)
    assert str(caught.value).startswith(message)


def test_a_missing_key_is_named() -> None:
    data = _fit().to_dict()
    del data["temperature"]
    with pytest.raises(
        CheckpointError, match=r"calibration\.json: object missing required field `temperature`"
    ):
        Calibration.from_dict(data)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(CheckpointError, match="expected `object`, got"):
        Calibration.from_dict(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": np.full(80, 4)}, "levels from 4 to 4: must be in 0..3"),
        ({"participants": ["a"]}, "expected"),
        ({"logits": np.full((80, 4), np.nan)}, "finite logits"),
        ({"coverage": 1.0}, "coverage=1.0: must be between 0 and 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _fit(**change)
