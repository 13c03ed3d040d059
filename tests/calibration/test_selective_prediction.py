from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proskill.calibration.selective_prediction import (
    SelectionThresholds,
    expected_level_error,
    fit_selection_thresholds,
)
from proskill.plain_json import from_plain_json, plain_json

SURE, HALF_SURE, UNSURE = (
    np.array([0.9, 0.1, 0.0, 0.0]),
    np.array([0.6, 0.3, 0.1, 0.0]),
    np.array([0.3, 0.25, 0.25, 0.2]),
)
ROWS = st.lists(st.floats(0.01, 1), min_size=2, max_size=7).map(
    lambda values: np.array(values) / sum(values)
)


def _fit(
    *groups: tuple[NDArray[np.float64], list[int]], people: int | None = None, **changes: Any
) -> SelectionThresholds | None:
    """Groups of 40 takes, each with its probabilities and its true levels in turn."""
    rows = np.concatenate([np.tile(row, (40, 1)) for row, _ in groups])
    levels = np.concatenate([np.resize(truth, 40) for _, truth in groups])
    participants = np.arange(len(levels)) % (people or len(levels))
    return fit_selection_thresholds(rows, levels, participants.tolist(), **changes)


def test_the_expected_error_is_in_levels() -> None:
    rows = np.array([[0.25, 0.25, 0.25, 0.25], [0, 0, 1, 0], [0.5, 0, 0, 0.5], [0.1, 0.8, 0.1, 0]])
    np.testing.assert_allclose(expected_level_error(rows), [1.0, 0.0, 1.5, 0.2])


@given(row=ROWS)
def test_no_other_level_has_a_smaller_expected_error(row: NDArray[np.float64]) -> None:
    levels = np.arange(len(row))
    others = [float(row @ np.abs(levels - said)) for said in levels]
    assert expected_level_error(row) == pytest.approx(min(others))
    assert expected_level_error(row) <= (len(row) - 1) / 2 + 1e-9


def test_answers_are_ok_as_far_as_they_were_shown_to_be_right() -> None:
    limits = _fit((SURE, [0]), (SURE[::-1], [3]), (UNSURE, [1, 2, 0]), ok_error=0.2)
    assert limits is not None
    assert limits.ok == pytest.approx(0.1)
    assert limits.abstain == 3.0
    assert [point.share for point in limits.curve] == pytest.approx([2 / 3, 1.0])
    assert limits.curve[0].error == 0
    assert limits.curve[1].error == pytest.approx(26 / 120)


def test_a_target_that_is_met_everywhere_has_the_unsurest_take_as_its_limit() -> None:
    limits = _fit((SURE, [0]), (SURE[::-1], [3]), (UNSURE, [1, 2, 0]), ok_error=0.9)
    assert limits is not None
    assert limits.ok == pytest.approx(expected_level_error(UNSURE))


def test_answers_worse_than_always_the_same_level_are_withheld() -> None:
    limits = _fit((SURE, [0]), (SURE[::-1], [3]), (HALF_SURE, [0, 1]), (UNSURE, [3]))
    assert limits is not None
    assert limits.abstain == pytest.approx(expected_level_error(HALF_SURE))
    assert limits.ok <= limits.abstain


def test_a_model_that_knows_nothing_is_never_ok_and_hardly_ever_heard() -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(4), 400)
    limits = fit_selection_thresholds(rows, rng.integers(0, 4, 400), list(range(400)))
    assert limits is not None
    assert limits.ok == 0
    assert np.mean(expected_level_error(rows) > limits.abstain) > 0.9


def test_the_upper_end_holds_the_true_error_about_nine_times_in_ten() -> None:
    rng = np.random.default_rng(0)
    rows = np.tile([0.5, 0.3, 0.2], (90, 1))  # says level 0, and is off by 0.7 levels in the mean
    held = []
    for _ in range(400):
        levels = np.repeat(rng.choice(3, p=rows[0], size=30), 3)
        limits = fit_selection_thresholds(rows, levels, np.repeat(np.arange(30), 3).tolist())
        assert limits is not None
        held.append(limits.curve[-1].upper >= 0.7)
    assert 0.85 <= np.mean(held) <= 0.95


def test_a_participant_with_many_takes_counts_as_one() -> None:
    rows = np.tile(SURE, (111, 1))
    levels = np.array([3] * 100 + [0] * 11)
    busy = ["busy"] * 100 + [f"p{i}" for i in range(11)]
    limits = fit_selection_thresholds(rows, levels, busy)
    assert limits is not None
    assert limits.curve[-1].error == pytest.approx(3 / 12)


def test_with_few_participants_nothing_is_chosen() -> None:
    assert _fit((SURE, [0]), people=9) is None
    assert _fit((SURE, [0]), people=10) is not None


def test_json_keeps_the_thresholds() -> None:
    thresholds = _fit((SURE, [0]), (UNSURE, [1, 2, 0]))
    assert thresholds is not None
    assert from_plain_json(SelectionThresholds, plain_json(thresholds)) == thresholds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ok": None}, "ok: expected `float`, got `null`"),
        ({"ok": -1}, "thresholds, errors and shares must be finite and 0 or more"),
        ({"ok": 2, "abstain": 1}, "ok=2.0 is above abstain=1.0"),
        ({"curve": {}}, "curve: expected `array`, got `object`"),
        ({"curve": [{"limit": 1}]}, "curve[0]: object missing required field `share`"),
        ({"more": 1}, "unknown key 'more'"),
    ],
)
def test_wrong_thresholds_are_named(change: dict[str, Any], message: str) -> None:
    data = {"ok": 0.5, "abstain": 3, "ok_error": 0.5, "blind_error": 1, "curve": []}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        from_plain_json(SelectionThresholds, {**data, **change})
    assert str(caught.value).startswith(message)


def test_a_target_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ok_error=0\.0: must be finite and above 0"):
        _fit((SURE, [0]), ok_error=0.0)
