"""Explanation as plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from proskill.reports.assessment.charts import effect_chart
from proskill.scoring import Explanation, Moment, SegmentEffect, ViewEffect

VIEWS = {"ego": -0.5, "exo1": 0.1}
MOMENT = Moment(0.8, 1.6, -0.5, 0.1, "ego", VIEWS, {"Balance": -0.7})
EXPLANATION = Explanation(
    segments=(SegmentEffect(0.0, 0.8, 0.25, 0.1, VIEWS), SegmentEffect(0.8, 1.6, -0.5, 0.1, VIEWS)),
    baseline=1.75,
    moments=(MOMENT,),
    views={"ego": ViewEffect(-0.5, 0.75), "exo1": ViewEffect(0.1, 0.25)},
    method="Made by leaving out.",
)


def test_an_explanation_survives_json() -> None:
    text = json.dumps(EXPLANATION.to_dict(), allow_nan=False)
    assert Explanation.from_dict(json.loads(text)) == EXPLANATION
    assert json.loads(text)["schema"] == "proskill.explanation/2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other/1"}, "this version reads"),
        ({"surplus": 1}, "not an explanation"),
        ({"segments": []}, "one segment and one view or more"),
        ({"views": {}}, "one segment and one view or more"),
        ({"moments": [MOMENT.__dict__ | {"view_effects": VIEWS}] * 4}, "at most 3"),
        ({"segments": [[1.0]]}, "not an explanation"),
        ({"baseline": float("nan")}, "must be a score"),
        ({"baseline": -0.1}, "must be a score"),
    ],
)
def test_a_wrong_file_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Explanation.from_dict({**EXPLANATION.to_dict(), **change})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.0, 1.0, 0.0, 0.1), "must end after it starts"),
        ((0.0, 1.0, float("nan"), 0.1), "must be finite"),
        ((0.0, 1.0, 0.0, -0.1), "noise 0 or more"),
    ],
)
def test_impossible_numbers_are_refused(values: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SegmentEffect(*values)


def test_a_moment_names_one_of_its_views_and_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="has no effect among"):
        Moment(0.0, 1.0, 0.5, 0.1, "exo9", VIEWS)
    with pytest.raises(ValueError, match="not a share"):
        ViewEffect(0.1, 1.2)


def test_the_chart_has_a_bar_for_each_segment_and_the_number_of_each_moment() -> None:
    drawn = str(effect_chart(EXPLANATION))
    assert drawn.count('class="more"') == drawn.count('class="less"') == 1
    assert drawn.count('class="noise"') == 2
    assert drawn.count('class="moment"') == 1


@pytest.mark.parametrize(("effect", "look"), [(0.19, "more chance"), (-0.2, "less chance")])
def test_a_bar_within_twice_its_noise_is_pale(effect: float, look: str) -> None:
    part = SegmentEffect(0.0, 0.8, effect, 0.1)
    assert part.may_be_chance
    assert not replace(part, noise=0.09).may_be_chance
    drawn = str(effect_chart(replace(EXPLANATION, segments=(part,))))
    assert f'class="{look}"' in drawn


@pytest.mark.parametrize(
    ("effect", "words"), [(0.51, "0.51 lower"), (-0.04, "0.04 higher"), (-0.004, "the same")]
)
def test_what_is_left_without_a_view_is_said_in_words(effect: float, words: str) -> None:
    assert ViewEffect(effect, 0.5).without_it == words


def test_views_are_ranked_by_share_and_skills_by_what_a_moment_does() -> None:
    assert [name for name, _ in EXPLANATION.views_by_share] == ["ego", "exo1"]
    skills = {"A": 0.1, "B": -0.9, "C": -0.2, "D": -0.5}
    worst, best = (replace(MOMENT, effect=e, skill_effects=skills) for e in (-0.5, 0.5))
    assert [name for name, _ in worst.skills_most] == ["B", "D", "C"]
    assert [name for name, _ in best.skills_most] == ["A", "C", "D"]
