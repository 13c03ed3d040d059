"""Which labels of a take count."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import pytest

from proskill.data.selection import BrokenTakes
from proskill.data.take import Take, View
from proskill.data.targets import Targets, named
from proskill.errors import ManifestError, ProskillError
from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS

SKILLS = Targets(BASKET_LEVELS, skills=("Steals", "Fouls"))
RATINGS = Targets(BASKET_LEVELS, uses_levels=False, uses_ratings=True)


def take(**labels: object) -> Take:
    return Take("t", "p", "throw", {"ego": View(Path("a.mp4"), "ego")}, **labels)  # type: ignore[arg-type]


def test_a_take_has_a_level_for_every_skill_that_is_labelled() -> None:
    assert SKILLS.levels_of(take(skills={"Fouls": 4.0, "Impact": 1.0})) == (-1, 4)
    assert Targets(EGOEXO4D_LEVELS).levels_of(take(level="Late Expert")) == (3,)


@pytest.mark.parametrize(
    ("targets", "labels", "counts"),
    [
        (Targets(EGOEXO4D_LEVELS), {"level": "Novice"}, True),
        (Targets(EGOEXO4D_LEVELS), {"rating": 3.0}, False),
        (Targets(EGOEXO4D_LEVELS, uses_ratings=True), {"rating": 3.0}, True),
        (Targets(EGOEXO4D_LEVELS, uses_ratings=True), {}, False),
        (SKILLS, {"skills": {"Steals": 0.0}}, True),
        (SKILLS, {"skills": {"Impact": 0.0}}, False),
        (SKILLS, {"level": "Poor"}, False),
        (RATINGS, {"rating": 3.0}, True),
        (RATINGS, {"level": "Whatever"}, False),
    ],
)
def test_a_take_is_of_use_if_it_has_any_label_that_counts(
    targets: Targets, labels: dict[str, object], counts: bool
) -> None:
    assert targets.has_any(take(**labels)) == counts


def test_ratings_that_do_not_count_are_not_given() -> None:
    assert math.isnan(SKILLS.rating_of(take(rating=3.0)))
    assert RATINGS.rating_of(take(rating=3.0)) == 3.0


@pytest.mark.parametrize("value", [5.0, -1.0, 2.5])
def test_a_skill_value_that_is_no_level_is_named(value: float) -> None:
    with pytest.raises(ManifestError, match=rf"take 't': skill 'Fouls' is {value:g}.*0 to 4"):
        SKILLS.levels_of(take(skills={"Fouls": value}))


def test_targets_that_leave_nothing_to_learn_or_name_a_skill_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing can be learned"):
        Targets(BASKET_LEVELS, uses_levels=False)
    with pytest.raises(ValueError, match="distinct"):
        Targets(BASKET_LEVELS, skills=("Fouls", "Fouls"))


def test_many_names_are_cut_with_a_count() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(i) for i in range(13)]).endswith("8, 9 and 3 more")


def test_broken_takes_are_counted_once_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken = BrokenTakes(300)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            for name in ("a", "b", "c"):
                broken.add(name, f"{name}.mp4: cut off")
    assert len(caplog.records) == 3
    assert "take 'c' left out, the 3. of 300: c.mp4: cut off" in caplog.text
    with pytest.raises(ProskillError, match=r"4 of 300.*more than 1%.*a, b, c, d.*d\.mp4"):
        broken.add("d", "d.mp4: cut off")


def test_in_a_small_dataset_one_broken_take_may_be_left_out_and_no_more() -> None:
    broken = BrokenTakes(20)
    broken.add("a", "a.mp4: cut off")
    with pytest.raises(ProskillError, match="2 of 20"):
        broken.add("b", "b.mp4: cut off")
