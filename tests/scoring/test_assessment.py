from __future__ import annotations

import json
from typing import Any

import pytest

from proskill.scoring import (
    Assessment,
    Certainty,
    PredictionSet,
    Provenance,
    ScoreInterval,
    TimelineWindow,
    ViewResult,
)

LEVELS = ("low", "middle", "high")


def _assessment(**changes: Any) -> Assessment:
    values: dict[str, Any] = {
        "status": "ok",
        "levels": LEVELS,
        "level": "middle",
        "probabilities": {"low": 0.2, "middle": 0.5, "high": 0.3},
        "score": 1.1,
        "interval": ScoreInterval(0.4, 1.8, 0.8),
        "prediction_set": PredictionSet(("middle", "high"), 0.8),
        "certainty": Certainty(0.5, ok_limit=0.6, abstain_limit=2.0),
        "views": {
            "ego": ViewResult(
                status="used", kind="ego", file="a.mp4", duration_seconds=2.0, size_px=(640, 480),
                frame_rate_hz=30.0, decoded_ratio=1.0, level="middle", score=1.0, distance=0.7,
            ),
            "exo1": ViewResult("unreadable", kind="exo", file="b.mp4", reasons=("is empty",)),
        },
        "timeline": (TimelineWindow(0.0, 1.0, 1.2, {"ego": 1.1}),),
        "warnings": ("View exo1 cannot be read and was left out: is empty.",),
        "provenance": Provenance(
            versions={"proskill": "0"},
            checkpoint="tiny",
            checkpoint_sha256="ab",
            checkpoint_data="simulated",
            checkpoint_licence="Apache-2.0",
            inputs={"ego": "cd"},
            instants_seconds=((0.0, 0.1), (0.2, 0.3)),
            offsets_seconds={"ego": 0.0, "exo1": 0.5},
            device="cpu",
            seconds=0.1,
            calibration=("Fitted on 40 takes of 20 participants.",),
        ),
    }  # fmt: skip
    return Assessment(**{**values, **changes})


def test_json_keeps_an_assessment() -> None:
    assessment = _assessment()
    text = assessment.to_json()
    assert Assessment.from_dict(json.loads(text)) == assessment
    assert json.loads(text)["schema"] == "proskill.assessment/2"


def test_an_abstained_assessment_survives_json() -> None:
    nothing: dict[str, Any] = {
        "level": None, "score": None, "probabilities": {}, "interval": None, "timeline": (),
        "prediction_set": None,
    }  # fmt: skip
    assessment = _assessment(status="abstained", reasons=("The video shows no motion.",), **nothing)
    again = Assessment.from_dict(json.loads(assessment.to_json(indent=None)))
    assert again == assessment
    assert again.level is None


def test_json_from_before_there_were_sets_is_read() -> None:
    data = _assessment().to_dict()
    del data["prediction_set"], data["certainty"], data["provenance"]["calibration"]
    again = Assessment.from_dict({**data, "schema": "proskill.assessment/1"})
    assert (again.prediction_set, again.certainty, again.provenance.calibration) == (None, None, ())
    assert again.interval == _assessment().interval


def test_json_of_the_schema_before_is_read() -> None:
    data = {**_assessment().to_dict(), "schema": "proskill.assessment/1"}
    data["level_set"] = data.pop("prediction_set")
    assert Assessment.from_dict(data) == _assessment()


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (("low",), "low"),
        (("low", "middle"), "low or middle"),
        (("low", "middle", "high"), "low to high"),
    ],
)
def test_a_prediction_set_reads_as_people_say_it(levels: tuple[str, ...], words: str) -> None:
    assert PredictionSet(levels, 0.8).in_words == words


def test_what_comes_out_cannot_be_changed() -> None:
    assessment = _assessment()
    with pytest.raises(TypeError):
        assessment.probabilities["low"] = 1.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        assessment.level = "high"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "sure"}, "status='sure': allowed are ok, low_confidence, abstained"),
        ({"status": "low_confidence"}, "status='low_confidence' needs at least one reason"),
        (
            {"status": "abstained", "reasons": ("too short",)},
            "an abstained assessment has no level, no score and no probabilities; got level="
            "'middle', score=1.1",
        ),
        ({"level": "expert"}, "level='expert', score=1.1: an assessment that is not abstained"),
        ({"level": None}, "level=None, score=1.1: an assessment that is not abstained"),
        ({"score": None}, "level='middle', score=None: an assessment that is not abstained"),
        ({"score": 2.5}, "score=2.5: must be in [0, 2]"),
        ({"probabilities": {"low": 1.0}}, "probabilities of low: expected exactly low, middle, hi"),
        ({"probabilities": dict.fromkeys(LEVELS, 0.5)}, "probabilities sum to 1.5: must be 1"),
        ({"probabilities": dict.fromkeys(LEVELS, float("nan"))}, "probabilities sum to nan"),
        (
            {"skills": {"calm": 1.0}, "skill_probabilities": {"calm": {"low": 1.0}}},
            "probabilities of low: expected exactly low, middle, high",
        ),
        (
            {"skill_probabilities": {"calm": {"low": 0.0, "middle": 1.0, "high": 0.0}}},
            "skill_probabilities and skills name different skills",
        ),
        (
            {
                "status": "abstained",
                "reasons": ("too short",),
                "level": None,
                "score": None,
                "probabilities": {},
                "prediction_set": None,
                "skills": {"calm": 1.0},
            },
            "an abstained assessment has no skills",
        ),
        (
            {"prediction_set": PredictionSet(("low", "high"), 0.8)},
            "prediction_set of low, high: must be neighbouring levels with middle among them",
        ),
        (
            {"prediction_set": PredictionSet(("high",), 0.8)},
            "prediction_set of high: must be neighbouring",
        ),
        (
            {"prediction_set": PredictionSet(("expert",), 0.8)},
            "prediction_set of expert: must be neighbouring",
        ),
        (
            {
                "status": "abstained",
                "reasons": ("too short",),
                "level": None,
                "score": None,
                "probabilities": {},
            },
            "an abstained assessment has no prediction_set",
        ),
        ({"views": {}}, "views={}: an assessment has one view or more"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        _assessment(**change)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScoreInterval(2, 1, 0.8), "ends are in the wrong order"),
        (lambda: ScoreInterval(float("nan"), 1, 0.8), "nan is not a finite number"),
        (lambda: ScoreInterval(0, 1, 80), "coverage=80: must be between 0 and 1"),
        (lambda: PredictionSet((), 0.8), "a set has one level or more"),
        (lambda: PredictionSet(("low",), 1), "coverage=1: must be between 0 and 1"),
        (lambda: Certainty(-1), "certainty: -1 must be finite and 0 or more"),
        (lambda: Certainty(0.5, ok_limit=float("nan")), "certainty: nan must be finite"),
        (lambda: TimelineWindow(1, 1, 0), "must end after it starts"),
        (lambda: TimelineWindow(0, 1, float("inf")), "inf is not a finite number"),
        (lambda: ViewResult(status="used", kind="drone", file=""), "kind='drone'"),
        (lambda: ViewResult("fine", "ego", ""), "status='fine'"),
        (lambda: ViewResult("used", "ego", "a", score=float("nan")), "nan is not a finite number"),
    ],
)
def test_parts_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other/2"}, "schema='other/2': this version reads proskill.assessment/1 and"),
        ({"schema": None}, "schema=None"),
        ({"views": None}, "not an assessment"),
        ({"views": {"a": {"surplus": 1}}}, "not an assessment"),
        ({"surplus": 1}, "not an assessment"),
        ({"provenance": {}}, "not an assessment"),
        ({"status": "sure"}, "status: invalid enum value 'sure'"),
        ({"skills": {"calm": "1"}}, "skills.calm: expected `float`, got `str`"),
        ({"timeline": [{}]}, r"timeline\[0\]: object missing required field"),
    ],
)
def test_json_that_is_no_assessment_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Assessment.from_dict({**_assessment().to_dict(), **change})
