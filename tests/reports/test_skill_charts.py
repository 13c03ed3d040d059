from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.reports.assessment import skill_radar, skill_ranges
from proskill.scoring import Assessment, Provenance, ViewResult

LEVELS = ("Low", "Middle", "High")


def _assessment(skills: dict[str, tuple[float, ...]]) -> Assessment:
    provenance = Provenance(
        versions={}, checkpoint="c", checkpoint_sha256="0", checkpoint_data="d",
        checkpoint_licence="l", inputs={}, instants_seconds=(), offsets_seconds={}, device="cpu",
        seconds=0.0,
    )  # fmt: skip
    return Assessment(
        status="ok", levels=LEVELS, views={"exo1": ViewResult("used", "exo", "a.mp4")},
        provenance=provenance, level="Middle", score=1.0,
        probabilities=dict(zip(LEVELS, (0.2, 0.6, 0.2), strict=True)),
        skills={name: p[1] + 2 * p[2] for name, p in skills.items()},
        skill_probabilities={n: dict(zip(LEVELS, p, strict=True)) for n, p in skills.items()},
    )  # fmt: skip


def test_a_sure_skill_has_a_narrow_range_and_a_doubtful_one_a_wide_one() -> None:
    ranges = skill_ranges(_assessment({"sure": (0.0, 1.0, 0.0), "doubtful": (0.4, 0.2, 0.4)}))
    assert ranges["sure"] == pytest.approx((0.6, 1.4))
    assert ranges["doubtful"] == pytest.approx((0.0, 2.0), abs=0.3)


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3))
def test_a_range_holds_the_score_and_stays_on_the_scale(weights: list[float]) -> None:
    probabilities = tuple(weight / sum(weights) for weight in weights)
    assessment = _assessment({"a": probabilities})
    lower, upper = skill_ranges(assessment)["a"]
    assert 0 <= lower <= assessment.skills["a"] <= upper <= 2


def test_a_radar_has_a_corner_for_each_skill_and_escapes_its_name() -> None:
    skills = {"<b>": 0.0, "two": 1.0, "three": 2.0}
    drawn = skill_radar(skills, {name: (0.0, 2.0) for name in skills}, num_levels=3)
    assert drawn is not None
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    [score] = re.findall(r'class="radar-score" points="([^"]*)"', drawn)
    assert len(score.split()) == 3


@pytest.mark.parametrize("num_skills", [0, 1, 2])
def test_fewer_than_three_skills_have_no_radar(num_skills: int) -> None:
    skills = {str(number): 1.0 for number in range(num_skills)}
    assert skill_radar(skills, dict.fromkeys(skills, (0.0, 2.0)), num_levels=3) is None
