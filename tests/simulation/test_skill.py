from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from proskill.simulation.skill import COMPONENT_CORRELATION, Skill
from proskill.simulation.take_spec import draw_skill, plan_takes


def test_levels_are_the_quartiles_of_the_rating() -> None:
    assert Skill((-2.0,) * 4).level == "Novice"
    assert Skill((-0.2,) * 4).level == "Early Expert"
    assert Skill((0.2,) * 4).level == "Intermediate Expert"
    assert Skill((2.0,) * 4).level == "Late Expert"


def test_a_population_has_standard_ratings_balanced_levels_and_the_stated_correlation() -> None:
    specs = plan_takes(num_participants=3000, takes_per_participant=1, seed=11)
    skills = [draw_skill(spec) for spec in specs]
    ratings = np.array([skill.rating for skill in skills])
    assert abs(ratings.mean()) < 0.06
    assert abs(ratings.std() - 1) < 0.05
    assert min(Counter(skill.level for skill in skills).values()) > 0.22 * len(skills)
    correlation = np.corrcoef(np.array([skill.components for skill in skills]).T)
    assert np.abs(correlation[np.triu_indices(4, 1)] - COMPONENT_CORRELATION).max() < 0.07


def test_a_participants_takes_share_most_but_not_all_of_their_skill() -> None:
    specs = plan_takes(num_participants=800, takes_per_participant=2, seed=12)
    ratings = np.array([draw_skill(spec).rating for spec in specs]).reshape(-1, 2)
    assert 0.8 < np.corrcoef(ratings.T)[0, 1] < 0.92


@pytest.mark.parametrize("components", [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0, float("nan"))])
def test_a_skill_needs_four_finite_components(components: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="components"):
        Skill(components)  # type: ignore[arg-type]
