from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proskill.scoring import Calibration, SelectionThresholds
from proskill.scoring.assessment import Status
from proskill.scoring.verdict import Verdict, decide

CALIBRATION = Calibration(
    num_levels=4, temperature=1.0, half_width=0.5, coverage=0.8, num_takes=10, num_participants=5
)

LIMITED = replace(
    CALIBRATION,
    selection_thresholds=SelectionThresholds(
        ok=0.45, abstain=0.8, ok_error=0.5, blind_error=1.0, curve=()
    ),
)


def _decide(**changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "view_reasons": {"ego": (), "exo1": ()},
        "used": {"ego": "ego", "exo1": "exo"},
        "view_scores": {"ego": 1.0, "exo1": 1.4},
        "probabilities": (0.1, 0.6, 0.2, 0.1),
        "distances": {"ego": 0.8, "exo1": 0.9},
        "calibration": CALIBRATION,
    }
    values.update(changes)
    return decide(values.pop("view_reasons"), **values)


def test_nothing_to_doubt_is_ok() -> None:
    assert _decide() == Verdict("ok", ())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"distances": {"ego": 1.3, "exo1": 0.9}},
            "View ego is unlike what the model learned from (distance 1.3 times the limit).",
        ),
        (
            {"distances": {"ego": 1.3, "exo1": 9.0}},
            "All views are unlike what the model learned from (distance 9.0 times the limit).",
        ),
        ({"distances": {"ego": None, "exo1": 0.5}}, "The model was not calibrated on ego views."),
        (
            {"calibration": None},
            "The checkpoint has no calibration: its probabilities are untested, and footage unlike "
            "what it learned from cannot be recognised.",
        ),
        (
            {"probabilities": (0.24, 0.26, 0.25, 0.25)},
            "No level is clearly more probable than the others.",
        ),
        (
            {"view_scores": {"ego": 0.2, "exo1": 2.4}},
            "The views disagree: exo1 alone scores 2.4, ego alone 0.2.",
        ),
    ],
)
def test_each_doubt_lowers_the_confidence_and_says_why(
    changes: dict[str, Any], reason: str
) -> None:
    assert _decide(**changes) == Verdict("low_confidence", (reason,))


def test_views_that_are_all_far_from_the_training_data_get_no_answer() -> None:
    verdict = _decide(distances={"ego": 2.5, "exo1": 3.0})
    assert verdict.status == "abstained"
    assert verdict.reasons == (
        "All views are unlike what the model learned from (distance 3.0 times the limit).",
    )
    alone = _decide(used={"ego": "ego"}, view_scores={"ego": 1.0}, distances={"ego": 4.0})
    assert alone.reasons == (
        "The video is unlike what the model learned from (distance 4.0 times the limit).",
    )


@pytest.mark.parametrize(
    ("probabilities", "status", "reason"),
    [
        ((0.1, 0.8, 0.1, 0.0), "ok", None),
        (
            (0.2, 0.5, 0.2, 0.1),
            "low_confidence",
            "The model expects to be off by 0.60 levels here; its answers were shown to stay "
            "within 0.5 levels on average only where it expected 0.45 or less.",
        ),
        (
            (0.25, 0.25, 0.25, 0.25),
            "abstained",
            "The model cannot tell the levels apart here: it expects to be off by 1.0 levels, and "
            "on validation answers that unsure were worse than always saying the same level.",
        ),
    ],
)
def test_limits_from_validation_say_how_sure_an_answer_must_be(
    probabilities: tuple[float, ...], status: Status, reason: str | None
) -> None:
    verdict = _decide(probabilities=probabilities, calibration=LIMITED)
    assert verdict == Verdict(status, () if reason is None else (reason,))


def test_a_model_that_was_never_shown_to_be_right_is_always_doubted() -> None:
    limits = SelectionThresholds(ok=0.0, abstain=3.0, ok_error=0.5, blind_error=1.0, curve=())
    verdict = _decide(calibration=replace(CALIBRATION, selection_thresholds=limits))
    assert verdict.reasons == (
        "The model expects to be off by 0.50 levels here; on validation it was not shown to stay "
        "within 0.5 levels on average, however sure it was.",
    )


def test_nothing_that_can_be_judged_is_abstained_with_the_reasons() -> None:
    assert _decide(view_reasons={"ego": ("shows no motion",)}, used={}) == Verdict(
        "abstained", ("The video shows no motion.",)
    )
    assert _decide(
        view_reasons={"ego": ("shows no motion",), "exo1": ("is too short: 0.1 s",)}, used={}
    ) == Verdict("abstained", ("View ego shows no motion.", "View exo1 is too short: 0.1 s."))
